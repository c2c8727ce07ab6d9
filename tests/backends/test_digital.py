"""Digital near memory: float64 equals Brian2, whole numbers equal plain Python, counts equal closed forms, no cut of a run shows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.sparse import coo_matrix
from threadpoolctl import threadpool_limits

from tests import naive
from tests.backends import digital_twin
from tests.properties.networks import networks
from workbench.backends.base import Limits, Probe
from workbench.backends.base import compile as compile_on
from workbench.backends.digital import DigitalProgram, compile
from workbench.chips import Ideal
from workbench.chips.digital import ADDRESS_BITS, EVENTS, DigitalChip
from workbench.chips.near_memory import (
    DIGITAL_FLOAT64,
    NEAR_MEMORY_45NM,
    NORTHPOLE,
    NORTHPOLE_2BIT,
    NORTHPOLE_4BIT,
    VON_NEUMANN,
)
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.library.digits import Digits
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.spread import Normal, Uniform, Values
from workbench.circuits.stimuli import External, ExternalValues, Frames, Poisson
from workbench.circuits.unfold import Netlist, unfold
from workbench.circuits.wiring import AllToAll, Explicit, FixedInDegree, FixedProbability, OneToOne
from workbench.errors import DescriptionError, PlacementError, StoreError, UnsupportedError
from workbench.recordings.prices import Price
from workbench.units import ms, mV, nA, pA

DT = 0.1 * ms
RNG = np.random.default_rng(4)


def matrix(weights: np.ndarray, source: str, target: str, **more: object) -> Projection:
    """A projection with these weights (sources × targets), delay 0."""
    n, m = weights.shape
    j, i = np.divmod(np.arange(n * m), n)
    whole = Explicit(coo_matrix((np.where(weights[i, j] == 0, 1.0, weights[i, j]), (i, j)), weights.shape))
    given = Values(tuple(weights[i, j].tolist()))
    return Projection(source, target, whole, weight=given, delay=0.0, **more)  # type: ignore[arg-type]


def layered(frames: np.ndarray, sizes: tuple[int, ...] = (6, 4), *, every: float = DT) -> Network:
    """Frames through layers of rectified units with delay 0; the last has no lower bound."""
    rng = np.random.default_rng(7)
    names = [f"L{k}" for k in range(len(sizes))]
    fans = (frames.shape[1], *sizes)
    populations = {
        name: Population(
            size,
            Relu(
                bias=Values(tuple(rng.normal(0, 0.1, size).tolist())), lowest=0.0 if name != names[-1] else -(2.0**53)
            ),  # type: ignore[arg-type]
        )
        for name, size in zip(names, sizes, strict=True)
    }
    projections = {
        f"to {b}": matrix(rng.normal(0, 0.5, (fans[k], fans[k + 1])), a, b)
        for k, (a, b) in enumerate(pairwise(("pixels", *names)))
    }
    return Network(populations, {"pixels": Source(frames.shape[1], Frames(frames, every=every))}, projections)


def mixed() -> Network:
    """Values and spikes, loops, delays that differ, sparse and dense wiring, currents of values: everything at once."""
    frames = np.random.default_rng(1).normal(0, 1, (40, 7))
    return Network(
        {
            "A": Population(6, Relu(gain=0.7, bias=0.1, highest=5.0)),
            "B": Population(5, Integrator(tau=2 * ms, bias=0.05)),
            "C": Population(8, Lif(bias=0.4 * nA)),
        },
        {
            "pixels": Source(7, Frames(frames, every=0.5 * ms)),
            "noise": Source(9, Poisson(rate=400.0)),
        },
        {
            "pixels to A": Projection("pixels", "A", AllToAll(), weight=Normal(0.0, 0.3), delay=0.0),
            "A to B": Projection("A", "B", FixedProbability(0.7), weight=Normal(0.2, 0.1), delay=0.0),
            "B to B": Projection("B", "B", AllToAll(), weight=Normal(0.0, 0.2), delay=0.2 * ms),
            "B to A": Projection(
                "B", "A", FixedInDegree(3), weight=Normal(0.0, 0.3), delay=Uniform(0.1 * ms, 0.6 * ms)
            ),
            "A to C": Projection("A", "C", AllToAll(), weight=Normal(30 * pA, 5 * pA), delay=0.1 * ms, receptor="exc"),
            "noise to B": Projection("noise", "B", FixedInDegree(4), weight=0.5, delay=0.3 * ms),
            "noise to C": Projection("noise", "C", AllToAll(), weight=Normal(1 * mV, 0.3 * mV), delay=0.1 * ms),
            "C to C": Projection("C", "C", FixedInDegree(3), weight=-1 * mV, delay=Uniform(0.1 * ms, 2 * ms)),
            "C to B": Projection("C", "B", AllToAll(), weight=Normal(0.0, 0.1), delay=0.1 * ms),
        },
    )


Y = (Probe("A", "y"), Probe("B", "y"), Probe("C", "v", every=0.3 * ms))


def run(
    netlist: Netlist, chip: DigitalChip, steps: int, *, probes: tuple[Probe, ...] = (), window: float | None = None
):
    program = compile(netlist, chip, dt=DT, seed=3, probes=probes, limits=Limits(window=window))
    return program.run(draw(netlist, steps * DT, dt=DT, seed=3))


def same(a, b) -> bool:
    """Two recordings are equal to the last bit."""
    return (
        all(a.spikes[n] == b.spikes[n] for n in a.spikes)
        and all(np.array_equal(a.traces[n].values, b.traces[n].values) for n in a.traces)
        and np.array_equal(a.ledger.counts, b.ledger.counts)
        and np.array_equal(a.ledger.chip_times, b.ledger.chip_times)
        and a.notes == b.notes
    )


# --- what it computes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chip", [DIGITAL_FLOAT64, NORTHPOLE, NORTHPOLE_2BIT], ids=lambda c: c.name)
@pytest.mark.parametrize("circuit", ["balanced", "vogels-abbott", "vogels-abbott-coba", "winner-take-all", "worm"])
def test_every_spike_is_brian_s_on_the_realised_netlist(circuit: str, chip: DigitalChip) -> None:
    netlist = unfold(CIRCUITS[circuit].quick().network(), seed=3)
    program = compile(netlist, chip, dt=DT, seed=3)
    realised = program.realised
    ours = program.run(draw(netlist, 60 * ms, dt=DT, seed=3))
    theirs = compile_on(realised, Ideal(), dt=DT, seed=3).run(draw(realised, 60 * ms, dt=DT, seed=3))
    assert sum(ours.counts.values()) > 0
    assert all(ours.spikes[n] == theirs.spikes[n] for n in ours.spikes)
    assert ours.arithmetic == ("float64" if chip is DIGITAL_FLOAT64 else f"int{chip.weight_bits}")


@given(network=networks())
@settings(max_examples=25)
def test_any_network_spikes_as_its_slow_twin(network: Network) -> None:
    netlist = unfold(network, seed=3)
    for chip in (DIGITAL_FLOAT64, replace(NORTHPOLE, weight_bits=4)):
        program = compile(netlist, chip, dt=DT, seed=3)
        ours = program.run(draw(netlist, 20 * ms, dt=DT, seed=3))
        found, _ = naive.run_lif(program.realised, draw(program.realised, 20 * ms, dt=DT, seed=3), 200)
        starts = {n: c.start for n, c in netlist.populations.items()}
        spikes = [
            (int(step), starts[n] + int(k))
            for n, s in ours.spikes.items()
            for step, k in zip(s.steps, s.neurons, strict=True)
        ]
        assert sorted(spikes) == sorted(found)


def test_values_are_brian_s_to_twelve_digits_and_the_spikes_they_cause_are_equal() -> None:
    netlist = unfold(mixed(), seed=3)
    ours = run(netlist, DIGITAL_FLOAT64, 300, probes=Y)
    theirs = compile_on(netlist, Ideal(), dt=DT, seed=3, probes=Y).run(draw(netlist, 300 * DT, dt=DT, seed=3))
    assert ours.counts["C"] > 20
    assert ours.spikes["C"] == theirs.spikes["C"]
    for name in ("A.y", "B.y"):
        assert np.abs(ours.traces[name].values).max() > 0.1
        np.testing.assert_allclose(ours.traces[name].values, theirs.traces[name].values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("bits", "activation_bits"), [(2, 2), (2, 8), (4, 3), (4, 8), (8, 8), (8, 16)])
@pytest.mark.parametrize("signed", [False, True])
def test_whole_numbers_are_those_of_plain_python(bits: int, activation_bits: int, signed: bool) -> None:
    frames = RNG.normal(0, 1, (30, 9)) if signed else RNG.random((30, 9))
    netlist = unfold(layered(frames, (7, 5, 4)), seed=0)
    chip = replace(NORTHPOLE, weight_bits=bits, activation_bits=activation_bits)
    ours = run(netlist, chip, 30, probes=(Probe("L2", "y"),)).traces["L2.y"].values
    weights = [b.weight.reshape(b.sizes[::-1]).T.tolist() for b in netlist.projections.values()]  # type: ignore[union-attr]
    biases = [np.asarray(c.parameters["bias"]).tolist() for c in netlist.populations.values()]
    theirs = digital_twin.layers(
        frames.tolist(), weights, biases, bits=bits, activation_bits=activation_bits, signed=signed
    )
    assert np.array_equal(ours, np.array(theirs))


def test_more_bits_read_more_digits() -> None:
    circuit = Digits()
    netlist = unfold(circuit.network(), seed=0)
    probes = (Probe("output", "y"),)
    read = []
    for chip in (NORTHPOLE_2BIT, NORTHPOLE_4BIT, NORTHPOLE, DIGITAL_FLOAT64):
        program = compile(netlist, chip, dt=circuit.frame, seed=0, probes=probes)
        shown = program.run(draw(netlist, circuit.duration, dt=circuit.frame, seed=0)).traces["output.y"].values
        read.append(float(np.mean(shown.argmax(axis=1) == circuit.labels)))
    two, four, eight, exact = read
    assert 0.8 < two < four < eight
    assert abs(eight - exact) < 0.003


def test_a_scale_of_least_squares_is_nearer_and_says_what_it_clips() -> None:
    netlist = unfold(layered(RNG.random((5, 40)), (60,)), seed=0)
    (block,) = netlist.projections.values()
    off, said = {}, {}
    for fit in ("largest", "squares"):
        program = compile(netlist, replace(NORTHPOLE, weight_bits=2, weight_fit=fit), dt=DT, seed=0)
        (kept,) = program.realised.projections.values()
        off[fit] = float(np.mean((np.asarray(kept.weight) - block.weight) ** 2))
        said[fit] = " ".join(program.placement.losses)
        assert len(np.unique(kept.weight)) == 3
    assert off["squares"] < 0.5 * off["largest"]
    assert "clipped" in said["squares"]
    assert "clipped" not in said["largest"]
    assert "weights rounded to 2 bits" in said["largest"]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rounded_weights_are_within_half_a_step(bits: int) -> None:
    netlist = unfold(mixed(), seed=5)
    for scale in ("projection", "column"):
        program = compile(netlist, replace(NORTHPOLE, weight_bits=bits, weight_scale=scale), dt=DT, seed=0)
        for name, block in netlist.projections.items():
            w, kept = np.atleast_1d(block.weight), np.atleast_1d(program.realised.projections[name].weight)
            step = np.abs(w).max() / (2 ** (bits - 1) - 1)
            assert np.abs(kept - w).max() <= step / 2 * (1 + 1e-6)


def test_weights_of_one_size_lose_nothing() -> None:
    netlist = unfold(CIRCUITS["balanced"].quick().network(), seed=3)
    program = compile(netlist, NORTHPOLE_2BIT, dt=DT, seed=3)
    assert program.placement.losses == ()
    assert all(program.realised.projections[n].weight == b.weight for n, b in netlist.projections.items())


def test_values_beyond_the_calibrated_range_are_cut_and_counted() -> None:
    frames = np.concatenate([np.full((4, 3), 0.1), np.ones((6, 3))])
    netlist = unfold(layered(frames), seed=0)
    short = replace(NORTHPOLE, calibration=4)
    assert any("were cut" in n for n in run(netlist, short, 10).notes)
    assert not run(netlist, replace(short, calibration=10), 10).notes
    assert not run(netlist, replace(short, activation_range="worst"), 10).notes


def test_the_most_there_can_be_holds_for_every_input() -> None:
    network = layered(np.ones((1, 6)), (5, 4))
    open_ended = replace(network, sources={"pixels": Source(6, ExternalValues())})
    netlist = unfold(open_ended, seed=0)
    going = compile(netlist, NORTHPOLE, dt=DT, seed=0).start(draw(netlist, 50 * DT, dt=DT, seed=0))
    going.advance(50 * DT, {"pixels": RNG.uniform(-1, 1, (50, 6))})
    assert not going.recording().notes
    # The largest there can be is reached when every input has the sign of its weight, and lies within the range then too.
    (block, _) = netlist.projections.values()
    signs = np.sign(np.asarray(block.weight).reshape(5, 6))
    going = compile(netlist, NORTHPOLE, dt=DT, seed=0).start(draw(netlist, 5 * DT, dt=DT, seed=0))
    going.advance(5 * DT, {"pixels": signs})
    assert not going.recording().notes
    going.advance(0.0, {})
    looped = replace(
        network,
        projections={**network.projections, "back": Projection("L0", "L0", AllToAll(), weight=2.0, delay=DT)},
    )
    with pytest.raises(DescriptionError, match="nothing bounds"):
        run(unfold(looped, seed=0), replace(NORTHPOLE, activation_range="worst"), 3)


# --- no cut of a run shows ------------------------------------------------------------------------------------------------


SOME = [DIGITAL_FLOAT64, NORTHPOLE, NEAR_MEMORY_45NM, replace(NEAR_MEMORY_45NM, activation_bits=0, name="loose")]


@pytest.mark.parametrize("chip", SOME, ids=lambda c: c.name)
def test_a_run_in_pieces_is_the_run(chip: DigitalChip) -> None:
    netlist = unfold(mixed(), seed=3)
    probes = (*Y, Probe("C", "spikes", reduce="rate", every=1 * ms), Probe("B", "y", reduce="mean"))
    program = compile(netlist, chip, dt=DT, seed=3, probes=probes, limits=Limits(window=1.3 * ms))
    drive = draw(netlist, 100 * DT, dt=DT, seed=3)
    whole = program.run(drive)
    for cuts in ((1, 99), (17, 40, 43), (1,) * 100):
        going = program.start(drive)
        for steps in cuts:
            going.advance(steps * DT)
        assert same(going.recording(), whole)


@pytest.mark.parametrize("chip", SOME, ids=lambda c: c.name)
def test_a_saved_run_goes_on(chip: DigitalChip, tmp_path) -> None:
    netlist = unfold(mixed(), seed=3)

    def program() -> DigitalProgram:
        return compile(netlist, chip, dt=DT, seed=3, probes=Y, limits=Limits(window=2 * ms))

    drive = draw(netlist, 90 * DT, dt=DT, seed=3)
    whole = program().run(drive)
    going = program().start(drive)
    going.advance(37 * DT)
    again = program().resume(going.save(tmp_path / "half"))
    again.advance(53 * DT)
    assert same(again.recording(), whole)
    with pytest.raises(StoreError):
        compile(netlist, replace(chip, name="another"), dt=DT, seed=3, probes=Y).resume(tmp_path / "half")


@pytest.mark.parametrize(
    "chip", [DIGITAL_FLOAT64, NORTHPOLE, replace(NORTHPOLE, activation_bits=16)], ids=lambda c: c.name
)
def test_no_number_of_threads_shows(chip: DigitalChip) -> None:
    netlist = unfold(layered(RNG.random((200, 300)), (257, 40)), seed=0)
    made = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            made.append(run(netlist, chip, 200, probes=(Probe("L0", "y"), Probe("L1", "y"))))
    assert same(*made)


def test_what_is_handed_in_arrives_like_what_is_drawn() -> None:
    network = CIRCUITS["winner-take-all"].quick().network()
    netlist = unfold(network, seed=3)
    drive = draw(netlist, 40 * ms, dt=DT, seed=3)
    whole = compile(netlist, NORTHPOLE, dt=DT, seed=3).run(drive)
    opened = unfold(
        replace(network, sources={n: replace(s, stimulus=External()) for n, s in network.sources.items()}), seed=3
    )
    given = {n: drive.counts(n, 0, 400) for n in netlist.sources if netlist.sources[n].stimulus.kind == "spikes"}
    assert given
    going = compile(opened, NORTHPOLE, dt=DT, seed=3).start(draw(opened, 40 * ms, dt=DT, seed=3))
    for first, last in pairwise((0, 1, 130, 400)):
        going.advance((last - first) * DT, {n: g[first:last] for n, g in given.items()})
    assert all(going.recording().spikes[n] == whole.spikes[n] for n in whole.spikes)


# --- what it costs --------------------------------------------------------------------------------------------------------


def counted(recording) -> dict[str, int]:
    return {event: recording.ledger.count(event) for event in EVENTS}


def test_layers_cost_every_weight_once_a_step_or_once_for_each_input_that_is_not_zero() -> None:
    frames = RNG.random((20, 12)) * (RNG.random((20, 12)) < 0.4)
    netlist = unfold(layered(frames, (8, 3)), seed=0)
    probes = (Probe("L0", "y"),)
    all_of_them = counted(run(netlist, NORTHPOLE, 20))
    assert all_of_them["MAC"] == 20 * (12 * 8 + 8 * 3)
    assert all_of_them["SRAM byte"] == all_of_them["MAC"]
    assert all_of_them["neuron update"] == 20 * 11
    assert all_of_them["outside operation"] == all_of_them["DRAM byte"] == all_of_them["spike"] == 0
    packed = replace(NORTHPOLE, skip_zeros=True, spread="packed", activation_bits=16)
    some = run(netlist, packed, 20, probes=probes)
    hidden = np.count_nonzero(np.rint(some.traces["L0.y"].values / some.traces["L0.y"].values.max() * (2**16 - 1)))
    assert counted(some)["MAC"] == np.count_nonzero(frames) * 8 + hidden * 3
    assert counted(some)["hop byte"] == 0
    # 2 × 4 bytes for the sum of each unit (they have no other state), and each input of 16 bits with its address.
    inputs = np.count_nonzero(frames) + hidden
    assert counted(some)["buffer byte"] == 20 * 11 * 8 + inputs * (16 + ADDRESS_BITS) // 8
    four = counted(run(netlist, replace(packed, weight_bits=4, name="four"), 20))
    assert four["SRAM byte"] == -(-four["MAC"] // 2)


def test_spikes_cost_their_synapses() -> None:
    network = Network(
        {"N": Population(30, Lif(bias=0.8 * nA))},
        {"in": Source(30, Poisson(rate=200.0))},
        {
            "in": Projection("in", "N", OneToOne(), weight=1 * mV, delay=DT),
            "out": Projection("N", "N", FixedInDegree(4), weight=Normal(0.1 * mV, 0.02 * mV), delay=0.4 * ms),
        },
    )
    netlist = unfold(network, seed=2)
    chip = replace(NEAR_MEMORY_45NM, mesh_x=4, mesh_y=2, operations_8=32)
    program = compile(netlist, chip, dt=DT, seed=3)
    recording = program.run(draw(netlist, 500 * DT, dt=DT, seed=3))
    i, j = netlist.projections["out"].edges()
    fired = np.bincount(recording.spikes["N"].neurons, minlength=30)
    outside = int(draw(netlist, 500 * DT, dt=DT, seed=3).counts("in", 0, 500).sum())
    assert fired.sum() > 50
    table = counted(recording)
    assert table["MAC"] == int(fired[i].sum())
    assert table["outside operation"] == outside
    assert table["spike"] == fired.sum()
    assert table["neuron update"] == 500 * 30
    # Links crossed: for every spike, the way to each core that has a synapse from it.
    cores = program.placement.cores
    assert len(cores) > 1
    home = program.placement.core_of
    listens = {(s, int(home[t])) for s, t in zip(i.tolist(), j.tolist(), strict=True)}
    links = np.zeros(30, int)
    for s, c in listens:
        (x, y), (u, v) = cores[home[s]].tile, cores[c].tile
        links[s] += abs(x - u) + abs(y - v)
    by_core = np.bincount(home, fired * links, len(cores)).astype(int) * ADDRESS_BITS
    assert table["hop byte"] == int((-(-by_core // 8)).sum()) > 0


def test_windows_and_places_add_up_to_the_whole() -> None:
    netlist = unfold(mixed(), seed=3)
    chip = replace(NEAR_MEMORY_45NM, operations_8=4)
    whole, parts = (run(netlist, chip, 100, window=w).ledger for w in (None, 1.7 * ms))
    assert len(parts.windows) == 1 + 6
    assert len(parts.places) > 1
    exact = [EVENTS.index(e) for e in ("MAC", "outside operation", "neuron update", "spike", "core cycle")]
    assert np.array_equal(parts.counts.sum(axis=0)[:, exact], whole.counts[0][:, exact])
    bytes_ = [EVENTS.index(e) for e in ("SRAM byte", "buffer byte", "hop byte")]
    more = parts.counts.sum(axis=0)[:, bytes_] - whole.counts[0][:, bytes_]
    assert more.min() >= 0 and more.max() <= 6  # each window rounds its last byte up
    assert parts.chip_time == pytest.approx(whole.chip_time, rel=1e-12)
    assert sum(parts.by_event().values()) == pytest.approx(sum(parts.by_place().values())) == pytest.approx(parts.total)


def test_a_step_takes_its_layers_one_after_the_other() -> None:
    netlist = unfold(layered(RNG.random((6, 40)), (32, 16)), seed=0)
    chip = replace(NORTHPOLE, spread="packed", operations_8=64, updates=8, hop_cycles=3)
    recording = run(netlist, chip, 6)
    cycles = 40 * 32 // 32 + 32 // 8 + 32 * 16 // 32 + 16 // 8
    assert recording.ledger.chip_time == pytest.approx(6 * cycles / chip.clock)
    assert recording.ledger.count("core cycle") == 6 * cycles
    # Spread over four cores each layer takes a quarter; values go to the farthest of them.
    wide = run(netlist, replace(chip, spread="even", mesh_x=4, mesh_y=1), 6)
    cycles = 40 * 8 // 32 + 1 + 32 * 4 // 32 + 1 + 3 * 3
    assert wide.ledger.chip_time == pytest.approx(6 * cycles / chip.clock)
    assert wide.ledger.count("hop byte") == 6 * 8 * ((0 + 1 + 2 + 3) + (1 + 0 + 1 + 2)) * 2


def test_fetched_weights_cost_their_bytes_each_time_unless_a_batch_shares_them() -> None:
    netlist = unfold(layered(RNG.random((24, 40)), (32, 16)), seed=0)
    size = 40 * 32 + 32 * 16
    slow = replace(VON_NEUMANN, bandwidth=VON_NEUMANN.clock)  # one byte a cycle
    alone = run(netlist, slow, 24)
    assert alone.ledger.count("DRAM byte") == 24 * size
    assert run(netlist, replace(slow, batch=10), 24).ledger.count("DRAM byte") == 3 * size
    assert run(netlist, NORTHPOLE, 24).ledger.count("DRAM byte") == 0
    assert alone.ledger.count("MAC") == run(netlist, NORTHPOLE, 24).ledger.count("MAC")
    # Two fetches, and one cycle for the neurons of each layer; the core is the same, so nothing travels.
    assert alone.ledger.chip_time == pytest.approx(24 * (size + 2 + _hops(alone)) / slow.clock)
    looped = unfold(mixed(), seed=3)
    with pytest.raises(DescriptionError, match="batch=1"):
        compile(looped, replace(VON_NEUMANN, batch=2), dt=DT, seed=0)


def _hops(recording) -> int:
    tiles = [c.tile for c in recording.placement.cores]
    return max(abs(x - u) + abs(y - v) for x, y in tiles for u, v in tiles)


def test_other_prices_need_no_other_run() -> None:
    netlist = unfold(layered(RNG.random((5, 8))), seed=0)
    ledger = run(netlist, NORTHPOLE, 5).ledger
    dear = {"MAC": replace(NORTHPOLE.prices["MAC"], joules=1e-12)}
    assert ledger.reprice(dear).total == pytest.approx(ledger.count("MAC") * 1e-12)
    late: dict[str, Price] = {"MAC": replace(NORTHPOLE.prices["MAC"], seconds=1e-9)}
    with pytest.raises(UnsupportedError):
        ledger.reprice(late)


# --- what does not fit ----------------------------------------------------------------------------------------------------


def test_a_network_over_the_capacity_is_refused_and_with_dram_it_runs() -> None:
    netlist = unfold(layered(RNG.random((4, 100)), (50, 30)), seed=0)
    size = 100 * 50 + 50 * 30
    exact = replace(NORTHPOLE, mesh_x=2, mesh_y=1, memory_per_core=size // 2, spread="packed")
    assert sum(c.used("weight bytes") for c in compile(netlist, exact, dt=DT, seed=0).placement.cores) == size
    with pytest.raises(PlacementError, match=rf"{size} bytes of weights, the 2 cores hold {size - 2}"):
        compile(netlist, replace(exact, memory_per_core=size // 2 - 1), dt=DT, seed=0)
    half = replace(exact, memory_per_core=size // 4, weight_bits=4)
    assert sum(c.used("weight bytes") for c in compile(netlist, half, dt=DT, seed=0).placement.cores) == size // 2
    fetched = replace(exact, memory_per_core=1, memory="fetched")
    assert run(netlist, fetched, 4).ledger.count("DRAM byte") == 4 * size


def test_a_column_too_long_for_a_core_and_a_buffer_too_small_are_named() -> None:
    netlist = unfold(layered(RNG.random((4, 100)), (8,)), seed=0)
    with pytest.raises(PlacementError, match="neuron 0 of 'L0' has 100 bytes of weights.*each holds 99"):
        compile(netlist, replace(NORTHPOLE, memory_per_core=99), dt=DT, seed=0)
    with pytest.raises(PlacementError, match="take 32 bytes, the buffer of its cores holds 31"):
        compile(netlist, replace(NORTHPOLE, buffer=31), dt=DT, seed=0)


def test_weights_that_are_no_numbers_are_refused() -> None:
    netlist = unfold(layered(RNG.random((4, 10)), (8,)), seed=0)
    ((name, block),) = netlist.projections.items()
    for wrong in (np.inf, np.nan):
        weights = np.array(block.weight)
        weights[3] = wrong
        broken = replace(netlist, projections={name: replace(block, weight=weights)})
        with pytest.raises(DescriptionError, match="'to L0': weights must be finite"):
            compile(broken, NORTHPOLE, dt=DT, seed=0)


def test_a_sparse_matrix_is_kept_as_weights_and_indices_where_that_takes_less() -> None:
    network = Network(
        {"N": Population(100, Lif())},
        {},
        {"out": Projection("N", "N", FixedInDegree(10), weight=Normal(1 * mV, 0.1 * mV), delay=DT)},
    )
    netlist = unfold(network, seed=1)

    def held(storage: str) -> int:
        cores = compile(netlist, replace(NORTHPOLE, storage=storage), dt=DT, seed=0).placement.cores
        return sum(c.used("weight bytes") for c in cores)

    i, j = netlist.projections["out"].edges()
    planes = int(np.unique(i.astype(int) * 100 + j, return_counts=True)[1].max())
    assert held("sparse") == 1000 * 3
    assert held("dense") == planes * 100 * 100
    assert held("smaller") == 1000 * 3


def test_gap_junctions_are_dropped_and_other_models_refused() -> None:
    worm = unfold(replace(CIRCUITS["worm"], gap_junctions=True).network(), seed=1)
    program = compile(worm, NORTHPOLE, dt=DT, seed=1)
    assert any("gap junctions dropped" in loss for loss in program.placement.losses)
    from workbench.circuits.neurons.adex import AdEx  # noqa: PLC0415

    other = unfold(Network({"X": Population(2, AdEx())}, {}, {}), seed=1)
    with pytest.raises(UnsupportedError, match="AdEx"):
        compile(other, NORTHPOLE, dt=DT, seed=1)
