"""Delivery by way of buckets: the same run, to the last bit, as row by row and as interpreted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench import kernels
from workbench.backends.base import Probe, compile
from workbench.backends.event import layout, parts, program, tiers
from workbench.chips import CHIPS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import FixedInDegree, HashRule, OneToOne
from workbench.recordings.recording import Recording
from workbench.units import Mohm, ms, mV, nA

STEPS = 60
DT = 1 * ms
FLOAT = CHIPS["loihi-roomy"]
CHIP = {a: replace(FLOAT, name=a, arithmetic=a) for a in ("float32", "integer")}


def whole_numbers() -> Network:
    """Several bundles onto one neuron: weights of their own and shared ones, two delays; rows long, short and empty."""
    cell = DiscreteLif(leak=1 / 16, threshold=900.0, reset=0.0, bias=70.0)
    start = {"v": Uniform(0.0, 900.0)}
    own = Uniform(-60.0, 64.0)
    return Network(
        {"A": Population(300, cell, start), "B": Population(170, cell, start), "C": Population(40, cell, start)},
        {},
        {
            "AA": Projection("A", "A", HashRule(150), weight=own, delay=1 * ms),
            "AB": Projection("A", "B", FixedInDegree(20), weight=-8.0, delay=2 * ms),
            "BA": Projection("B", "A", FixedInDegree(9), weight=own, delay=2 * ms),
            "Ba": Projection("B", "A", FixedInDegree(9), weight=12.0, delay=2 * ms),
            "CC": Projection("C", "C", OneToOne(), weight=own, delay=1 * ms),
        },
    )


def floats() -> Network:
    """Weights whose sums in float32 depend on the order; jumps and currents; a source that is listed."""
    cell = Lif(tau=20 * ms, resistance=40 * Mohm, bias=0.55 * nA, refractory=2 * ms)
    start = {"v": Uniform(0.0, 19 * mV)}
    return Network(
        {"A": Population(260, cell, start), "B": Population(90, cell, start)},
        {"S": Source(20, Poisson(200.0))},
        {
            "AA": Projection("A", "A", HashRule(90), weight=Uniform(-0.3 * mV, 0.4 * mV), delay=3 * ms),
            "AB": Projection("A", "B", FixedInDegree(25), weight=Uniform(-0.3 * mV, 0.4 * mV), delay=3 * ms),
            "BB": Projection("B", "B", OneToOne(), weight=0.7 * mV, delay=2 * ms),
            "SA": Projection("S", "A", FixedInDegree(2), weight=1.3 * mV, delay=1 * ms),
        },
    )


def delays() -> Network:
    """Delays of each synapse's own, so that the spikes of all steps of a window go into the buckets together."""
    cell = Lif(tau=20 * ms, resistance=40 * Mohm, bias=0.55 * nA, refractory=2 * ms)
    start = {"v": Uniform(0.0, 19 * mV)}
    own, later = Uniform(-0.3 * mV, 0.4 * mV), Uniform(2 * ms, 7 * ms)
    return Network(
        {"A": Population(260, cell, start), "B": Population(90, cell, start)},
        {},
        {
            "AA": Projection("A", "A", HashRule(90), weight=own, delay=later),
            "AB": Projection("A", "B", FixedInDegree(25), weight=own, delay=later),
            "BA": Projection("B", "A", FixedInDegree(3), weight=0.7 * mV, delay=3 * ms),
        },
    )


def fitted(network: Network, chip: Any, monkeypatch: pytest.MonkeyPatch, *, gathered: bool, threads: int = 1) -> Any:
    """The network on the chip, in many small parts if `gathered`."""
    probes = tuple(Probe(name, "v") for name in network.populations)
    with monkeypatch.context() as patch:
        if gathered:
            patch.setattr(parts, "NEAREST", 256)
            patch.setattr(parts, "CRUMB", 1000)
            patch.setattr(parts, "MORSEL", 3)
            # At most one of the longest rows at a time: many batches in a step.
            patch.setattr(parts, "GATHERED", 1)
        patch.setattr(program, "THREADED_FROM", 0)
        patch.setattr(kernels, "threads", lambda: threads)
        made: Any = compile(unfold(network, seed=3), chip, dt=DT, seed=3, probes=probes)
    assert made._layout["gathered"] == gathered
    return made


def check_same(a: Recording, b: Recording) -> None:
    assert all(a.spikes[n] == b.spikes[n] for n in a.spikes)
    assert np.array_equal(a.ledger.counts, b.ledger.counts)
    assert all(np.array_equal(a.traces[t], b.traces[t]) for t in a.traces)


@pytest.mark.parametrize(("network", "chip"), [(whole_numbers, "integer"), (floats, "float32"), (delays, "float32")])
def test_gathered_equals_row_by_row_in_every_bit(network, chip, monkeypatch):
    made = network()
    plain = fitted(made, CHIP[chip], monkeypatch, gathered=False)
    drive = draw(plain.netlist, STEPS * DT, dt=DT, seed=3)
    with tiers.held(tiers.INTERPRETED):
        known = plain.run(drive)
    assert sum(known.counts.values()) > 200
    for threads in (1, 2):
        gathering = fitted(made, CHIP[chip], monkeypatch, gathered=True, threads=threads)
        assert gathering._layout["blocks"]["parts"].size > 4
        with tiers.held(tiers.INTERPRETED):
            check_same(gathering.run(drive), known)
        with tiers.held(tiers.COMPILED):
            check_same(gathering.run(drive), known)
            pieces = gathering.start(drive)
            for many in (1, 7, 2, STEPS - 10):
                pieces.advance(many * DT)
            check_same(pieces.recording(), known)


def test_rows_meet_the_longest_and_the_emptiest_pieces(monkeypatch):
    """What the test above is worth: its rows fall into pieces of none, of more than a vector, and one ends the array."""
    gathering = fitted(whole_numbers(), CHIP["integer"], monkeypatch, gathered=True)
    rows, count = gathering._layout["rows"], gathering._layout["blocks"]["parts"].size - 1
    pieces = np.diff(rows["cuts"].reshape(-1, count + 1).astype(np.int64), axis=1)
    assert pieces.min() == 0
    assert pieces.max() > 32
    assert int(rows["cuts"].max()) == rows["codes"].size - 32
    assert pieces[-1].sum() == 1


def test_floats_of_which_two_bundles_meet_in_a_slot_are_not_gathered(monkeypatch):
    network = floats()
    more = {"Ab": Projection("A", "B", FixedInDegree(2), weight=0.1 * mV, delay=3 * ms)}
    network = replace(network, projections={**network.projections, **more})
    monkeypatch.setattr(parts, "CRUMB", 1000)
    monkeypatch.setattr(parts, "NEAREST", 256)
    made: Any = compile(unfold(network, seed=3), CHIP["float32"], dt=DT, seed=3)
    assert not made._layout["gathered"]


def test_whole_weights_are_kept_in_units_where_their_sums_would_not_fit_16_bits():
    cell = DiscreteLif(leak=1 / 32, threshold=1024.0, reset=0.0, bias=40.0)
    network = Network(
        {"A": Population(200, cell, {"v": Uniform(0.0, 1024.0)})},
        {},
        {"AA": Projection("A", "A", HashRule(100), weight=Uniform(-68.5, 59.5), delay=1 * ms)},
    )
    made: Any = compile(unfold(network, seed=3), CHIP["integer"], dt=DT, seed=3)
    ways = made._layout["ways"]
    weights = np.asarray(made.realised.projections["AA"].weights())
    assert ways.kind is np.int16
    assert ways.unit > 1
    assert np.gcd.reduce(weights.astype(np.int64)) % ways.unit == 0
    drive = draw(made.netlist, STEPS * DT, dt=DT, seed=3)
    with tiers.held(tiers.INTERPRETED):
        known = made.run(drive)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(layout, "LARGEST_UNIT", 1)
            wide: Any = compile(unfold(network, seed=3), CHIP["integer"], dt=DT, seed=3)
        assert wide._layout["ways"].kind is np.int32
        check_same(wide.run(drive), known)
    assert sum(known.counts.values()) > 100
