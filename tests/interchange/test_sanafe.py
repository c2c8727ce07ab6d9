"""SANA-FE's files: what is read, what their neuron does beside ours, what they count, and their energies in closed form."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.interchange.sanafe_files import group, loihi_architecture, network_file, random_network
from tests.interchange.sanafe_twin import count
from tests.naive import run_discrete
from workbench.backends.base import compile
from workbench.backends.event.timing import ChipClock
from workbench.chips import CHIPS
from workbench.chips.loihi_sanafe import LOIHI_SANAFE
from workbench.circuits.convolution import Convolution, Stored
from workbench.circuits.drive import draw
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import Regular, SpikeList
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, Explicit
from workbench.interchange import sanafe
from workbench.units import ms, nJ, ns, pJ, uJ, us


@pytest.fixture(name="folder")
def a_folder(tmp_path: Path) -> Path:
    (tmp_path / "arch.yaml").write_text(loihi_architecture())
    return tmp_path


def read(folder: Path, groups: str, edges: str, mappings: str, **given: Any) -> Any:
    (folder / "net.yaml").write_text(network_file(groups, edges, mappings))
    return sanafe.read_network(folder / "net.yaml", sanafe.read_architecture(folder / "arch.yaml"), **given)


# --- architectures ----------------------------------------------------------------------------------------------------


def test_an_architecture_with_our_preset_s_numbers_is_our_preset(folder: Path) -> None:
    read = sanafe.read_architecture(folder / "arch.yaml")
    chip, ours = read.chip, LOIHI_SANAFE
    assert chip.name == "our_loihi" and read.tiles == 32
    for name, price in ours.prices.items():
        if name != "outside operation":
            found = chip.prices[name]
            assert (found.joules, found.seconds) == pytest.approx((price.joules, price.seconds), rel=1e-15), name
    for name in ("tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core", "barriers", "counting", "link_buffer"):
        assert getattr(chip, name) == getattr(ours, name)
    assert [u.event for u in read.synapses] == ["dense operation", "synaptic operation", "shared operation"]
    assert [u.name for u in read.somas][:3] == ["lif", "door[0]", "door[1]"]
    assert read.at(5) == (1, 1)  # their tiles are numbered column by column


@pytest.mark.parametrize(
    ("barrier", "model", "expected"),
    [
        ("2.5e-6", "fixed", {1: 2.5, 32: 2.5}),
        ("[0.1e-6, 0.2e-6, 0.3e-6]", "table", {1: 0.2, 2: 0.3, 32: 0.3}),
        ("{0: 0.5e-6, 4: 0.7e-6}", "table", {1: 0.5, 3: 0.5, 4: 0.7, 9: 0.7}),
    ],
)
def test_barriers_are_read_in_all_their_forms(
    tmp_path: Path, barrier: str, model: str, expected: dict[int, float]
) -> None:
    text = loihi_architecture(barrier=barrier).replace("sync_model: table", f"sync_model: {model}")
    (tmp_path / "arch.yaml").write_text(text)
    chip = sanafe.read_architecture(tmp_path / "arch.yaml").chip
    assert {tiles: round(chip.barrier(tiles) / us, 6) for tiles in expected} == expected


def test_what_a_dendrite_costs_goes_where_it_works(tmp_path: Path) -> None:
    """Before the buffer once for every synaptic operation, behind it once for every update."""
    plain = loihi_architecture().replace(
        "energy_update: 0.0, latency_update: 0.0", "energy_update: 2.0e-12, latency_update: 1.0e-9"
    )
    for position, op, update in (("soma", 2 * pJ, 0.0), ("dendrite", 0.0, 2 * pJ)):
        (tmp_path / "arch.yaml").write_text(plain.replace("buffer_position: soma", f"buffer_position: {position}"))
        prices = sanafe.read_architecture(tmp_path / "arch.yaml").chip.prices
        assert prices["synaptic operation"].joules == pytest.approx(33.6 * pJ + op)
        assert prices["inactive update"].joules == pytest.approx(51.2 * pJ + update)
        assert prices["active update"].seconds == pytest.approx(9.7 * ns + update / 2e-12 * 1e-9)


# --- networks ---------------------------------------------------------------------------------------------------------


def test_groups_edges_and_mappings_become_a_network(folder: Path) -> None:
    groups = "\n".join(
        [
            group("a", "[0..2: {}, 3: [bias: 2, {threshold: 9}]]", threshold=5, synapse_hw_name="sparse_synapse"),
            group("b", "['0..1': [soma: {reset: 1}]]", threshold=4, reset_mode="soft", leak_decay=0.5),
        ]
    )
    edges = "\n".join(
        [
            '  - "a.0 -> b.1": [weight: 1]',
            "  - a.3 -> a.0: {w: -0.25}",
            "  - a -> b: {type: dense, weight: [1, 2, 3, 4, 5, 6, 7, 8]}",
            "  - b -> a: [type: sparse, {source_target_pairs: [[0, 3], [1, 1]]}, {weight: [10, 20]}]",
        ]
    )
    network, mapped = read(folder, groups, edges, '  - a.0..2: [core: 0.0]\n  - a.3: {core: "1.2"}\n  - b: {core: 5.0}')
    a, b = network.populations["a"].neuron, network.populations["b"].neuron
    assert isinstance(a, DiscreteLif) and isinstance(b, DiscreteLif)
    assert a.threshold == Values((320, 320, 320, 576)) and a.bias == Values((0, 0, 0, 128)) and a.rounding == "away"
    assert (b.leak, b.after_spike, b.reset, b.threshold) == (0.5, "subtract", 64.0, 256.0)
    assert mapped.core_of.tolist() == [0, 0, 0, 1, 2, 2]
    assert mapped.tiles.tolist() == [[0, 0], [0, 1], [1, 1]]
    netlist = unfold(network, seed=0)
    found = {}
    for name, block in netlist.projections.items():
        i, j = block.edges()
        found[name] = (block.rule.storage, [*zip(i.tolist(), j.tolist(), (np.asarray(block.weight) / 64).tolist())])
        assert np.all(np.asarray(block.delay) == 1 * ms)
    assert found == {
        "a->b": ("dense operation", [(0, 1, 1.0)]),
        "a->a": ("synaptic operation", [(3, 0, -0.25)]),
        "b->a": ("synaptic operation", [(1, 1, 20.0), (0, 3, 10.0)]),
        "a->b+": (
            "dense operation",
            [*((i, 0, 1.0 + 2 * i) for i in range(4)), *((i, 1, 2.0 + 2 * i) for i in range(4))],
        ),
    }
    assert isinstance(network.projections["a->b+"].wiring, AllToAll)
    assert isinstance(network.projections["a->b"].wiring, Stored)  # single synapses, on a unit for dense ones
    assert isinstance(network.projections["a->a"].wiring, Explicit)


def test_a_convolution_keeps_its_shape(folder: Path) -> None:
    groups = "\n".join(
        [group("a", "[0..8: {}]", threshold=1), group("b", "[0..7: {}]", threshold=1, synapse_hw_name="conv_synapse")]
    )
    edge = (
        "  - a -> b: {type: conv2d, input_width: 3, input_height: 3, input_channels: 1, kernel_width: 2, kernel_height: 2, "
        "kernel_count: 2, stride_width: 1, stride_height: 1, weight: [1, 10, 2, 20, 3, 30, 4, 40]}"
    )
    network, _ = read(folder, groups, edge, "  - a: {core: 0.0}\n  - b: {core: 0.1}")
    rule = network.projections["a->b"].wiring
    assert rule == Convolution(height=3, width=3, channels=1, kernel_height=2, kernel_width=2, kernels=2)
    block = unfold(network, seed=0).projections["a->b"]
    i, j = block.edges()
    weight = np.asarray(block.weight) / 64
    assert i[j == 7].tolist() == [4, 5, 7, 8] and weight[j == 7].tolist() == [10, 20, 30, 40]
    assert i[j == 0].tolist() == [0, 1, 3, 4] and weight[j == 0].tolist() == [1, 2, 3, 4]


def test_inputs_are_sources(folder: Path) -> None:
    """A spike in their step 1 acts in step 2: ours in step 0, acting in step 1."""
    groups = "\n".join(
        [
            group("in", "[0: [spikes: [1, 0, 1]], 1: {}]"),
            group("clock", "[0: {}]", rate=0.25),
            group("out", "[0: {}]", threshold=2),
        ]
    )
    edges = "  - in.0 -> out.0: {weight: 2}\n  - in.1 -> out.0: {weight: 2}\n  - clock.0 -> out.0: {weight: 1}"
    mappings = "\n".join(
        [
            '  - in.0: {core: 0.0, soma: "door[0]"}',
            '  - in.1: {core: 0.0, soma: "door[1]"}',
            '  - clock: {core: 0.0, soma: "door[2]"}',
            "  - out: {core: 0.0}",
        ]
    )
    network, mapped = read(folder, groups, edges, mappings)
    assert network.sources["in"].stimulus == SpikeList((0.0, 2 * ms), (0, 0))
    assert isinstance(network.sources["clock"].stimulus, Regular)
    netlist = unfold(network, seed=0)
    drive = draw(netlist, 12 * ms, dt=1 * ms, seed=0)
    assert np.flatnonzero(drive.counts("clock", 0, 12)[:, 0]).tolist() == [3, 7, 11]  # their steps 4, 8, 12
    assert mapped.core_of.tolist() == [0]
    spikes, events = run_discrete(netlist, drive, 12)
    assert events["outside operation"] == 5
    # 2 of step 0 stands there and is not above 2; 2 more of step 2 are, one step later
    assert [n for n, _ in spikes] == [3]


# --- their neuron beside ours -----------------------------------------------------------------------------------------


def sanafe_rule(p: dict[str, Any], arrivals: list[list[float]]) -> tuple[list[int], list[bool]]:
    """Steps with spikes, and whether each step counts as an update: SANA-FE's Loihi soma, in plain numbers."""
    v, rest, spikes, active = 0.0, 0, [], []
    for n, here in enumerate(arrivals):
        active.append(v != 0 or bool(here) or p["bias"] != 0)
        if n > 0:
            v *= p["decay"]
        v = math.trunc(v * 64) / 64
        if rest == 0:
            v += p["bias"] + sum(here)
            if v > p["threshold"]:
                v = p["reset"] if p["mode"] == "hard" else v - p["threshold"]
                rest = p["refractory"]
                spikes.append(n)
                active[-1] = True
            if p["saturate"] is not None and v < p["saturate"]:
                v = p["saturate"]
        rest = max(0, rest - 1)
    return spikes, active


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_their_neuron_and_ours_fire_in_the_same_steps(folder: Path, data: Any) -> None:
    whole = st.integers(-640, 640).map(lambda k: k / 64)
    mode = data.draw(st.sampled_from(["hard", "soft"]))
    decay = data.draw(st.integers(0, 4096)) / 4096
    p = {
        "decay": decay,
        "threshold": data.draw(st.integers(0, 320)) / 64,
        "reset": 0.0,
        "bias": data.draw(st.one_of(st.just(0.0), whole)),
        "mode": mode,
        "refractory": data.draw(st.integers(0, 3)) if mode == "hard" else 0,
        "saturate": data.draw(st.one_of(st.none(), st.integers(-640, 0).map(lambda k: k / 64))),
    }
    weights = data.draw(st.lists(whole, min_size=1, max_size=3))
    trains = [data.draw(st.lists(st.booleans(), min_size=25, max_size=25)) for _ in weights]
    attributes: dict[str, Any] = dict(
        threshold=p["threshold"], leak_decay=decay, bias=p["bias"], reset_mode=mode, refractory_delay=p["refractory"]
    )
    if p["saturate"] is not None:
        attributes |= dict(reverse_reset_mode="saturate", reverse_threshold=p["saturate"])
    listed = ", ".join(f"{k}: {{spikes: {[int(s) for s in train]}}}" for k, train in enumerate(trains))
    network, _ = read(
        folder,
        "\n".join([group("in", f"[{listed}]"), group("out", "[0: {}]", **attributes)]),
        "\n".join(f"  - in.{k} -> out.0: {{weight: {w}}}" for k, w in enumerate(weights)),
        "\n".join(
            [*(f'  - in.{k}: {{core: 0.0, soma: "door[{k}]"}}' for k in range(len(weights))), "  - out: {core: 0.0}"]
        ),
    )
    netlist = unfold(network, seed=0)
    spikes, _ = run_discrete(netlist, draw(netlist, 30 * ms, dt=1 * ms, seed=0), 30)
    arrivals = [[w for w, t in zip(weights, trains) if 0 < n <= 25 and t[n - 1]] for n in range(30)]
    assert [n for n, _ in spikes] == sanafe_rule(p, arrivals)[0]


def test_a_decimal_of_4095_4096_is_that_number(folder: Path) -> None:
    network, _ = read(folder, group("a", "[0: {}]", leak_decay=0.99975585937), "    []", "  - a: {core: 0.0}")
    assert network.populations["a"].neuron.leak == 1 / 4096  # type: ignore[union-attr]


def test_what_is_not_exact_is_taken_when_asked(folder: Path) -> None:
    groups = group("a", "[0: {}]", leak_decay=0.9, input_decay=0.5, bias=0.3, threshold=1.0)
    network, _ = read(folder, groups, "  - a.0 -> a.0: {weight: 0.7}", "  - a: {core: 0.0}", approximate=True)
    neuron = network.populations["a"].neuron
    assert isinstance(neuron, DiscreteLif)
    assert (neuron.rounding, neuron.leak, neuron.leak_exc, neuron.bias) == ("none", pytest.approx(0.1), 0.5, 0.3)
    assert network.projections["a->a"].receptor == "exc" and network.projections["a->a"].weight == Values((0.7,))


# --- what they count --------------------------------------------------------------------------------------------------

COUNTED = [
    # updated, fired, packets, hops, synaptic events, joules, seconds "simple" and "detailed": computed by SANA-FE 2.2.9, 20 steps
    (
        dict(cores=4, neurons=32, packets=2, synapses=4, firing=0.2),
        (2016, 367, 724, 0, 2896),
        (377.7203 * nJ, 22.5775 * us, 23.2443 * us),
    ),
    (
        dict(cores=16, neurons=32, packets=4, synapses=4, firing=0.1),
        (7922, 864, 3372, 4204, 13488),
        (1600.424 * nJ, 40.2681 * us, 41.628097 * us),
    ),
    (
        dict(cores=12, neurons=10, packets=3, synapses=5, firing=0.5, leak=0.5),
        (2340, 800, 2400, 2128, 12000),
        (907.4016 * nJ, 31.7315 * us, 33.69925 * us),
    ),
]


@pytest.mark.parametrize("seed", range(3))
def test_random_networks_count_and_cost_what_sanafe_says(folder: Path, seed: int) -> None:
    sizes, (updated, fired, packets, hops, synaptic), (joules, simple, detailed) = COUNTED[seed]
    network, mapped = read(folder, **random_network(seed, **sizes))  # type: ignore[arg-type]
    chip = sanafe.read_architecture(folder / "arch.yaml").chip
    made = count(unfold(network, seed=0), mapped, chip, 20)
    events = made.events
    assert (events["active update"], events["spike"], events["packet"]) == (updated, fired, packets)
    assert events["east-west hop"] + events["north-south hop"] == hops
    assert events["synaptic operation"] == synaptic
    assert sum(chip.prices[k].joules * n for k, n in events.items()) == pytest.approx(joules, rel=1e-12)
    given = dict(core_of=mapped.core_of, tiles=mapped.tiles, start=made.start, core=made.core, work=made.work)
    clock = ChipClock(chip, **given, timing="queued")  # type: ignore[arg-type]
    times = clock.advance(made.steps, made.neurons, active=made.active, inactive=made.inactive)
    assert times.simple.sum() == pytest.approx(simple, rel=1e-12)
    assert times.seconds.sum() == pytest.approx(detailed, rel=0.05)
    assert (times.seconds >= times.simple).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_engine_counts_the_same(folder: Path, seed: int) -> None:
    """The file's network and mapping, run by the event backend: every event, the energy and the chip time of the twin."""
    sizes = COUNTED[seed][0]
    network, mapped = read(folder, **random_network(seed, **sizes))  # type: ignore[arg-type]
    chip = sanafe.read_architecture(folder / "arch.yaml").chip
    netlist = unfold(network, seed=0)
    made = count(netlist, mapped, chip, 30)
    program = compile(netlist, chip, dt=1 * ms, seed=0, mapping=mapped)
    ledger = program.run(draw(netlist, 30 * ms, dt=1 * ms, seed=0), seed=0).ledger
    free = ("core step", "tile-local packet")  # priced at nothing
    assert {k: ledger.count(k) for k in made.events if k not in free} == {
        k: n for k, n in made.events.items() if k not in free
    }
    given = dict(core_of=mapped.core_of, tiles=mapped.tiles, start=made.start, core=made.core, work=made.work)
    clock = ChipClock(chip, **given, timing="queued")  # type: ignore[arg-type]
    times = clock.advance(made.steps, made.neurons, active=made.active, inactive=made.inactive)
    fired = np.bincount(made.neurons, minlength=netlist.size)
    assert np.array_equal(clock.loads, program._fan.ways.link_loads(fired))  # type: ignore[attr-defined]
    assert ledger.chip_time == pytest.approx(times.simple.sum(), rel=1e-12)
    assert ledger.total == pytest.approx(sum(chip.prices[k].joules * n for k, n in made.events.items()), rel=1e-12)


def test_the_gesture_run_costs_what_its_counts_say() -> None:
    """SANA-FE 2.2.9, its own gesture file, 100 steps: the three energies from the counts and our preset's prices.

    tests/peers/check_sanafe.py runs the network itself, by hand, and finds these counts.
    """
    joules = {k: p.joules for k, p in CHIPS["loihi-sanafe"].prices.items()}
    neurons, steps, updated, fired = 1024 + 3600 + 5408 + 7744 + 891 + 11, 100, 913_154, 29_181
    synapse = 48_400 * joules["dense operation"] + (4_158_831 - 48_400) * joules["shared operation"]
    soma = (
        updated * joules["active update"]
        + (neurons * steps - updated) * joules["inactive update"]
        + fired * joules["spike"]
    )
    network = 295_322 * joules["packet"] + 268_173 * joules["east-west hop"] + 442_220 * joules["north-south hop"]
    assert synapse == pytest.approx(100.368544 * uJ, rel=1e-9)
    assert soma == pytest.approx(117.3777297 * uJ, rel=1e-9)
    assert network == pytest.approx(35.442585 * uJ, rel=1e-9)
    assert synapse + soma + network == pytest.approx(253.1888587 * uJ, rel=1e-9)
    assert CHIPS["loihi-sanafe"].barrier(13) == 1.4 * us
