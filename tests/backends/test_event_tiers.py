"""An event program interpreted, compiled, or begun in one way and ended in the other is the same run to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.networks import networks
from workbench import kernels
from workbench.backends.base import Probe, compile
from workbench.backends.event import plain, program, tiers
from workbench.backends.event.tape import Tape
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import NoisyCurrent, Poisson, SpikeList
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, FixedProbability, OneToOne
from workbench.kernels.event import clock, rows, rules
from workbench.units import Mohm, ms, mV, pA

LOIHI = CHIPS["loihi-davies"]
DT = 0.1 * ms


def switched(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let runs be interpreted up to `step` and compiled from there."""
    reached = [0]

    def compiled(self, left):
        return reached[0] >= step

    def piece(self):
        return step - reached[0]

    def timed(self, call, begin):
        made = call()
        reached[0] = made[0]
        return made

    for name, does in (("compiled", compiled), ("piece", piece), ("timed", timed)):
        monkeypatch.setattr(tiers.Choice, name, does)


def everything() -> Network:
    """Poisson sources with a delay, listed spikes, noisy currents, three receptors, delays of all kinds, spread constants."""
    cell = Lif(tau=Uniform(8 * ms, 25 * ms), refractory=2 * ms, resistance=40 * Mohm)
    return Network(
        populations={
            "A": Population(70, cell, {"v": Uniform(0 * mV, 19 * mV)}),
            "B": Population(41, cell),
        },
        sources={
            "rain": Source(70, Poisson(400.0)),
            "list": Source(9, SpikeList([k * 3 * ms for k in range(9)], list(range(9)))),
            "noise": Source(41, NoisyCurrent(mean=400 * pA, sd=200 * pA)),
        },
        projections={
            "rain>A": Projection("rain", "A", OneToOne(), weight=9 * mV, delay=0.7 * ms),
            "list>B": Projection("list", "B", AllToAll(), weight=2 * mV, delay=1 * ms),
            "noise>B": Projection("noise", "B", OneToOne(), weight=1.0, receptor="current"),
            "A>B": Projection(
                "A",
                "B",
                FixedProbability(0.3),
                weight=200 * pA,
                delay=0.5 * ms,
                receptor="exc",
            ),
            "B>A": Projection(
                "B",
                "A",
                FixedProbability(0.3),
                weight=Uniform(-300 * pA, 0.0),
                delay=Uniform(0.1 * ms, 2 * ms),
                receptor="inh",
            ),
            "A>A": Projection("A", "A", FixedProbability(0.1), weight=0.5 * mV, delay=1.5 * ms),
        },
    )


def rained_on() -> Network:
    """Neurons that nobody but Poisson sources reaches: their windows are as long as the kernel likes."""
    return Network(
        populations={"A": Population(70, Lif(refractory=2 * ms))},
        sources={"rain": Source(70, Poisson(12000.0))},
        projections={"in": Projection("rain", "A", OneToOne(), weight=0.13 * mV, delay=0.3 * ms)},
    )


WHOLE = replace(LOIHI, name="whole", arithmetic="integer")
COUNTING = replace(CHIPS["loihi-sanafe"], name="counting", arithmetic="integer")
CASES = {
    "currents": (CIRCUITS["vogels-abbott"].quick(), LOIHI, "E"),
    "currents in float32": (
        CIRCUITS["vogels-abbott"].quick(),
        CHIPS["loihi-davies-float32"],
        "E",
    ),
    "conductances": (CIRCUITS["vogels-abbott-coba"].quick(), LOIHI, "E"),
    "Poisson sources in integers": (CIRCUITS["balanced"].quick(), WHOLE, "E"),
    "whole steps, states counted": (CIRCUITS["balanced"].quick(), COUNTING, "E"),
    "Poisson sources alone": (rained_on(), LOIHI, "A"),
    "everything": (everything(), LOIHI, "A"),
    "everything in float32": (everything(), CHIPS["loihi-davies-float32"], "A"),
}


def kept(folder, fitted, drive):
    """A run of three calls, and every array it would save."""
    going = fitted.start(drive)
    for _ in range(3):
        going.advance(drive.steps // 3 * drive.dt)
    going.save(folder / "run")
    with np.load(folder / "run") as file:
        return going.recording(), {k: file[k] for k in file.files if k != "note"}


@pytest.mark.parametrize("case", CASES)
def test_both_tiers_and_a_change_between_them_give_the_same_bits(case, tmp_path, monkeypatch):
    described, chip, name = CASES[case]
    netlist = unfold(described if isinstance(described, Network) else described.network(), seed=4)
    steps = 450
    probes = (
        Probe(name, "v", which=(0, 5)),
        Probe(name, "v", reduce="mean", every=0.3 * ms),
    )
    fitted = compile(netlist, chip, dt=DT, seed=4, probes=probes)
    drive = draw(netlist, steps * DT, dt=DT, seed=4)
    found = {}
    for tier in (tiers.COMPILED, tiers.INTERPRETED):
        with tiers.held(tier):
            found[tier] = kept(tmp_path, fitted, drive)
    switched(monkeypatch, 173)
    found["both"] = kept(tmp_path, fitted, drive)
    recording, arrays = found[tiers.COMPILED]
    assert sum(recording.counts.values()) > 20
    for other, state in (found[tiers.INTERPRETED], found["both"]):
        assert all(other.spikes[n] == recording.spikes[n] for n in recording.spikes)
        assert np.array_equal(other.ledger.counts, recording.ledger.counts)
        assert np.array_equal(other.ledger.chip_times, recording.ledger.chip_times)
        assert all(np.array_equal(other.traces[n].values, recording.traces[n].values) for n in recording.traces)
        assert state.keys() == arrays.keys()
        for k in arrays:
            assert np.array_equal(state[k], arrays[k]), k


@settings(max_examples=40, deadline=None)
@given(network=networks(), seed=st.integers(0, 99), cut=st.integers(1, 119))
def test_a_run_saved_and_resumed_while_interpreted_is_the_same_run(network, seed, cut, tmp_path_factory):
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, 120 * DT, dt=DT, seed=seed)
    fitted = compile(netlist, replace(LOIHI, neurons_per_core=5), dt=DT, seed=seed)
    with tiers.held(tiers.INTERPRETED):
        whole = fitted.run(drive)
        half = fitted.start(drive)
        half.advance(cut * DT)
        resumed = fitted.resume(half.save(tmp_path_factory.mktemp("saved") / "run"))
        resumed.advance((120 - cut) * DT)
        half.advance((120 - cut) * DT)  # saving changes nothing
    for other in (resumed.recording(), half.recording()):
        assert all(other.spikes[n] == whole.spikes[n] for n in whole.spikes)
        assert np.array_equal(other.ledger.counts, whole.ledger.counts)


@pytest.mark.parametrize("chip", [LOIHI, CHIPS["loihi-davies-float32"], WHOLE], ids=lambda c: c.arithmetic)
def test_parts_and_threads_change_nothing_when_interpreted(chip, monkeypatch):
    network = CIRCUITS["balanced"].quick().network() if chip is WHOLE else everything()
    netlist = unfold(network, seed=2)
    drive = draw(netlist, 300 * DT, dt=DT, seed=2)
    small = replace(chip, neurons_per_core=64, tiles_x=16)
    monkeypatch.setattr(program, "THREADED_FROM", 0)
    found = []
    with tiers.held(tiers.INTERPRETED):
        for threads in (1, 3):
            monkeypatch.setattr(kernels, "threads", lambda threads=threads: threads)
            going = compile(netlist, small, dt=DT, seed=2).start(drive)
            assert going._threads == threads
            going.advance(300 * DT)
            found.append(going.recording())
    one, three = found
    assert sum(one.counts.values()) > 20
    assert all(one.spikes[n] == three.spikes[n] for n in one.spikes)
    assert np.array_equal(one.ledger.counts, three.ledger.counts)
    assert one.ledger.chip_time == three.ledger.chip_time


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize(
    ("rule", "currents", "conductances", "delta", "outside", "kind"),
    [
        ("lif", 2, 0, True, True, np.float64),
        ("lif", 1, 2, True, True, np.float32),
        ("lif", 0, 0, False, False, np.float64),
        ("discrete", 2, 0, True, False, np.int32),
        ("discrete", 1, 0, False, False, np.float64),
    ],
)
def test_a_tape_is_the_rule_on_arrays(rule, currents, conductances, delta, outside, kind, quiet):
    """On random states and constants, played three times: arrays that are used again forget nothing that is needed."""
    if quiet and rule == "discrete":
        return  # it always reads its arrivals
    rng, size = np.random.default_rng(currents + 3 * conductances), 50

    def drawn() -> np.ndarray:
        return (rng.normal(0, 300, size) if kind is np.int32 else rng.normal(0.5, 0.5, size)).astype(kind)

    names = rules.constants_of(rule, currents, conductances)
    values = {n: drawn() if k % 2 else kind(abs(drawn()[0])) for k, n in enumerate(names)}
    values["hold"] = rng.integers(1, 4, size).astype(np.int16)

    def block(v, flows, hold, arrivals, given_, wrap):
        grouped = {
            "current_scale": [],
            "conductance_scale": [],
            "conductance_pull": [],
            "decay": [],
        }
        for n, value in values.items():
            group, dot, _ = n.partition(".")
            grouped.setdefault(group, []).append(wrap(np.asarray(value))) if dot else grouped.update(
                {n: wrap(np.asarray(value))}
            )
        return SimpleNamespace(
            v=v, currents=flows[:currents], conductances=flows[currents:], hold=hold, constants=SimpleNamespace(**grouped),
            arrivals=None if quiet else arrivals, given=given_ if outside else None, delta=delta,
            nonzero=rule == "discrete", whole=kind is np.int32,
        )  # fmt: skip

    states = [drawn() for _ in range(1 + currents + conductances)]
    hold, given_ = rng.integers(0, 3, size).astype(np.int16), drawn()
    arrivals = [drawn() * rng.integers(0, 2, size).astype(kind) for _ in range(delta + currents + conductances)]
    tape = Tape(size, [])
    taken, waits = [x.copy() for x in states], hold.copy()
    lanes = [tape.given(x) for x in (*taken, waits)]
    noted = block(
        lanes[0],
        tuple(lanes[1:-1]),
        lanes[-1],
        tuple(map(tape.given, arrivals)),
        tape.given(given_),
        tape.given,
    )
    fired, met = getattr(rules, rule)(noted)
    after = (noted.v, *noted.currents, *noted.conductances, noted.hold)
    play, found = tape.cut(
        list(zip(lanes, after, strict=True)), {"fired": fired} | ({"met": met} if met is not None else {})
    )
    for _ in range(3):
        plainly = block(states[0], tuple(states[1:]), hold, tuple(arrivals), given_, lambda x: x)
        fires, meets = getattr(rules, rule)(plainly)
        states, hold = (
            [plainly.v, *plainly.currents, *plainly.conductances],
            plainly.hold,
        )
        for one in play:
            one()
        assert np.array_equal(found["fired"], fires)
        assert (met is None) == (meets is None)
        assert met is None or np.array_equal(found["met"], meets)
        assert np.array_equal(waits, hold)
        for mine, theirs in zip(taken, states, strict=True):
            assert theirs.dtype == kind
            assert np.array_equal(mine, theirs)


def test_a_kernel_is_compiled_when_that_pays(monkeypatch, tmp_path):
    """A known kernel is used; an unknown one is compiled for a long run, or once interpreting has taken as long as compiling."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiers, "_compiled", set())
    monkeypatch.setattr(tiers, "_spent", {})

    def choice() -> tiers.Choice:
        return tiers.Choice(((np.zeros(3),),), 1000)

    step = tiers.STEP + 1000 * tiers.PLACE
    price = tiers.COMPILING + tiers.LOADING * ("numba" not in sys.modules)
    assert not choice().compiled(int(0.99 * price / step))
    assert choice().compiled(int(1.01 * price / step))
    monkeypatch.setitem(tiers._spent, choice()._key, price)
    assert choice().compiled(1)
    monkeypatch.setattr(tiers, "_spent", {})
    first = choice()
    assert not first.compiled(1)
    first.remember()
    assert choice().compiled(1)
    assert not tiers.Choice(((np.zeros(3, np.float32),),), 1000).compiled(1)  # another shape
    monkeypatch.setattr(tiers, "_compiled", set())  # another process, which finds the file: it has still to be loaded
    assert not choice().compiled(1)
    assert choice().compiled(int(1.01 * (tiers.LOADING + tiers.READING) / step))
    with tiers.held(tiers.INTERPRETED):
        assert not choice().compiled(10**9)
        with tiers.held(tiers.COMPILED):
            assert choice().compiled(1)


def test_the_first_result_of_a_small_network_needs_no_compiler(tmp_path):
    code = """
import sys
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.experiment import Experiment
r = Experiment(CIRCUITS["vogels-abbott"].quick(), CHIPS["loihi-davies"], duration=0.05, dt=1e-4, seed=5).run()
assert sum(r.counts.values()) > 0
print(*({"numba", "scipy", "brian2", "pandas"} & set(sys.modules)))
"""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=env,
    )
    assert ran.stdout.split() == []


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_wired_alike_with_and_without_a_compiler(seed):
    rng = np.random.default_rng(seed)
    senders, receivers = rng.integers(1, 40), rng.integers(1, 300)
    place = rng.permutation(receivers).astype(np.int32)
    blocks = -(-receivers // 32)
    parts = np.unique([0, *rng.integers(0, blocks + 1, seed % 4), blocks]).astype(np.int64)
    part_of = np.repeat(np.arange(parts.size - 1), np.diff(parts))
    start = np.concatenate([[0], np.cumsum(rng.integers(0, 30, senders))]).astype(np.int64)
    targets = rng.integers(0, receivers, start[-1]).astype(np.uint16)
    delays = rng.integers(1, 5, start[-1]).astype(np.int32) if seed % 2 else np.zeros(0, np.int32)
    own = rng.normal(size=start[-1]) if seed % 3 else np.zeros(0)
    made = []
    for kernel in (plain, rows):
        cuts = np.zeros((senders, parts.size), np.uint32)
        for _ in range(2):  # two blocks of one bundle
            kernel.count_block(start, targets, place, part_of, cuts)
        end = int(kernel.settle(cuts, 7))
        cursor, codes, weights = (
            cuts[:, :-1].copy(),
            np.zeros(end, np.uint32),
            np.zeros(end),
        )
        for _ in range(2):
            kernel.add_block(
                start,
                targets,
                place,
                part_of,
                parts,
                cursor,
                1,
                3,
                delays,
                codes,
                weights,
                7,
                own,
            )
        made.append((end, cuts, cursor, codes, weights))
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_chip_time_is_counted_alike_with_and_without_a_compiler(seed):
    rng = np.random.default_rng(seed)
    neurons, cores, steps = 60, int(rng.integers(1, 6)), 30
    start = np.concatenate([[0], np.cumsum(rng.integers(0, 4, neurons))]).astype(np.int64)
    fan = rng.integers(0, cores, start[-1]).astype(np.uint64 if seed % 2 else np.uint32)
    for kind in range(1, 4 if seed % 2 else 2):
        fan |= rng.integers(0, 50, start[-1]).astype(fan.dtype) << fan.dtype.type(16 * kind)
    counts = rng.poisson(2.0, steps)
    when = np.repeat(np.arange(100, 100 + steps), counts)
    who = rng.integers(0, neurons, when.size).astype(np.int32)
    home, sent = rng.integers(0, cores, neurons), rng.integers(0, 9, neurons)
    padded = -(-cores // clock.EIGHT) * clock.EIGHT
    active, outside = np.zeros((2, steps, padded), np.int32)
    active[:, :cores], outside[:, :cores] = rng.integers(0, 40, (2, steps, cores))
    in_use = (np.arange(padded) < cores) * 60
    seconds = rng.uniform(0, 1e-6, 11)
    made = []
    for loops in (plain, clock):
        senders, counted = np.stack([0 * home, home + (sent << 16)], axis=1), np.zeros((6, padded), np.int64)
        senders = senders.astype(np.uint32)
        simple: Any = loops.simple
        nothing = clock.Table(np.zeros((0, clock.TOGETHER), np.uint8), False)
        took = simple(
            100, when, who, start, fan, senders, active, outside, in_use.astype(np.int32), seconds, 0.125, counted, nothing
        )  # fmt: skip
        made.append((took, senders.tolist(), counted.tolist()))
    assert made[0] == made[1]
    fired = np.bincount(who, minlength=neurons)
    assert np.array_equal(plain.tally(start, fan, fired, cores), clock.tally(start, fan, fired, cores))
