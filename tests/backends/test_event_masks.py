"""Dense bundles laid as rows of bits give the run that lists of targets give, to the last count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench import kernels
from workbench.backends.base import compile
from workbench.backends.event import masks, program, tiers
from workbench.backends.event.layout import LANES
from workbench.chips import CHIPS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import SpikeList
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import FixedInDegree, FixedProbability
from workbench.units import Mohm, ms, mV

DT, STEPS = 0.1 * ms, 400
CHIP = replace(CHIPS["loihi-davies"], neurons_per_core=300)
CHIPS_TRIED = {
    "float64": CHIP,
    "float32": replace(CHIP, name="narrow", arithmetic="float32"),
    "integers": replace(CHIP, name="whole", arithmetic="integer"),
}
CELL = Lif(
    tau=20 * ms, rest=0.0, threshold=20 * mV, reset=10 * mV, refractory=2 * ms, resistance=40 * Mohm, bias=0.6e-9
)


def network(*, alike: bool = False, listed: bool = False, sparse: bool = False) -> Network:
    """Two populations, twelve in a hundred of their neurons joined, some twice; two delays, and perhaps one sparse bundle."""
    start = {} if alike else {"v": Uniform(0.0, 20 * mV)}

    def many(a: str, b: str, degree: int, weight: float, delay: float) -> Projection:
        return Projection(a, b, FixedInDegree(degree), weight=weight, delay=delay)

    made = {
        "EE": many("E", "E", 90, 0.3 * mV, 1.5 * ms),
        "EI": many("E", "I", 90, 0.3 * mV, 1.5 * ms),
        "IE": many("I", "E", 25, -1.5 * mV, 0.8 * ms),
        "II": many("I", "I", 25, -1.2 * mV, 0.8 * ms),
    }
    if sparse:
        made["EE, sparse"] = Projection("E", "E", FixedProbability(0.01), weight=0.4 * mV, delay=1 * ms)
    sources = {}
    if listed:
        sources["list"] = Source(9, SpikeList(tuple(k * 3 * ms for k in range(9)), tuple(range(9))))
        made["list>E"] = Projection("list", "E", FixedProbability(0.2), weight=3 * mV, delay=1 * ms)
    cells = {"E": Population(730, CELL, start), "I": Population(190, CELL, start)}
    return Network(populations=cells, projections=made, sources=sources)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Bits for small networks too."""
    monkeypatch.setattr(masks, "SMALL", 0)
    monkeypatch.setattr(masks, "SPIKES", 0.0)
    return monkeypatch


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "SHARE", 2.0)


def run(described: Network, chip, tier: str = tiers.COMPILED) -> tuple[Any, Any]:
    netlist = unfold(described, seed=3)
    drive = draw(netlist, STEPS * DT, dt=DT, seed=3)
    going = compile(netlist, chip, dt=DT, seed=3).start(drive)
    with tiers.held(tier):
        going.advance(STEPS * DT)
    return going, going.recording()


def same(a, b, least: int = 400) -> None:
    assert sum(a.counts.values()) > least
    assert all(a.spikes[n] == b.spikes[n] for n in a.spikes)
    assert np.array_equal(a.ledger.counts, b.ledger.counts)
    assert np.array_equal(a.ledger.chip_times, b.ledger.chip_times)


@pytest.mark.parametrize("chip", CHIPS_TRIED.values(), ids=CHIPS_TRIED)
@pytest.mark.parametrize("alike", [False, True], ids=["scattered", "all at once"])
@pytest.mark.parametrize("sparse", [False, True], ids=["bits alone", "bits beside lists"])
def test_bits_and_lists_are_the_same_run(chip, alike, sparse, small):
    """Also where hundreds of neurons fire in one step: their rows are added up fifteen at a time, and eight bits are not enough."""
    described = network(alike=alike, sparse=sparse)
    going, bits = run(described, chip)
    assert going._rows.masks.delay.size >= 2
    assert going._shape.kept == ((0,) if not sparse and chip.arithmetic != "integer" else ())
    _, interpreted = run(described, chip, tiers.INTERPRETED)
    without(small)
    going, lists = run(described, chip)
    assert going._rows.masks == ()
    same(bits, lists)
    same(interpreted, lists)
    at_once = np.unique(np.concatenate([s.steps for s in lists.spikes.values()]), return_counts=True)[1].max()
    assert at_once > 255 if alike else 3 < at_once < 255


def test_bits_over_a_share_of_the_lanes_leave_the_others_alone(small):
    """One bundle reaches the inhibitory neurons alone, beside another that comes to the same line."""
    whole = network()
    parts = {"IE": whole.projections["IE"], "II": whole.projections["II"], "EI": whole.projections["EI"]}
    ring = Projection("I", "I", FixedInDegree(30), weight=0.2 * mV, delay=1.1 * ms)
    described = replace(whole, projections=parts | {"ring": ring})
    going, bits = run(described, CHIP)
    assert going._shape.kept
    assert going._rows.masks.block.max() >= 16
    without(small)
    same(bits, run(described, CHIP)[1], least=100)


@pytest.mark.parametrize("chip", CHIPS_TRIED.values(), ids=CHIPS_TRIED)
def test_bits_do_not_depend_on_the_threads(chip, small):
    small.setattr(program, "THREADED_FROM", 0)
    found = []
    for threads in (1, 2, 3):
        small.setattr(kernels, "threads", lambda threads=threads: threads)
        going, recording = run(network(), chip)
        assert going._threads == min(threads, 2)  # two chunks of sixteen blocks, so two parts
        assert all(edge % 16 == 0 for edge in going._blocks.parts[:-1])
        found.append(recording)
    for other in found[1:]:
        same(other, found[0])


def test_whole_numbers_are_summed_in_bits_beside_spikes_from_outside(small):
    chip = CHIPS_TRIED["integers"]
    going, bits = run(network(listed=True), chip)
    assert going._rows.masks != ()
    without(small)
    same(bits, run(network(listed=True), chip)[1])


@pytest.mark.parametrize("alike", [False, True], ids=["scattered", "all at once"])
@pytest.mark.parametrize("tier", [tiers.COMPILED, tiers.INTERPRETED])
def test_a_run_with_bits_is_saved_and_goes_on(tier, alike, small, tmp_path):
    """Saved in either tier, at any step of a burst; the file holds the same numbers."""
    netlist = unfold(network(alike=alike), seed=3)
    drive = draw(netlist, STEPS * DT, dt=DT, seed=3)
    fitted = compile(netlist, CHIP, dt=DT, seed=3)
    whole = run(network(alike=alike), CHIP)[1]
    steps = np.unique(np.concatenate([s.steps for s in whole.spikes.values()]), return_counts=True)
    cut = int(steps[0][steps[1].argmax()]) + 4  # after the fullest step, before its spikes arrive
    with tiers.held(tier):
        half = fitted.start(drive)
        half.advance(cut * DT)
        half.save(tmp_path / "run")
    with np.load(tmp_path / "run") as file:
        assert file["state.arrivals"].dtype == np.uint16
        assert file["state.arrivals"].any()
    with tiers.held(tiers.COMPILED):
        resumed = fitted.resume(tmp_path / "run")
        resumed.advance((STEPS - cut) * DT)
        half.advance((STEPS - cut) * DT)
    same(resumed.recording(), whole)
    same(half.recording(), whole)


def test_every_synapse_is_a_bit_or_in_a_list(small):
    going, _ = run(network(sparse=True), CHIP)
    rows, netlist, place = going._rows, going.program.netlist, going._blocks.place
    wired = np.zeros((netlist.size, place.max() // LANES * LANES + LANES), int)
    for name in ("EE", "EI", "IE", "II"):
        block = netlist.projections[name]
        i, j = block.edges()
        starts = [netlist.populations[n].start for n in (block.source, block.target)]
        np.add.at(wired, (i + starts[0], place[j + starts[1]]), 1)
    assert wired.max() > 1
    found = np.zeros_like(wired)
    m = rows.masks
    for sender, name in enumerate(netlist.populations):
        cells = netlist.populations[name]
        for k in range(m.first[sender], m.first[sender + 1]):
            bits = m.bits[m.at[k] :][: cells.size * m.words[k]].reshape(cells.size, -1)
            lanes = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")
            first = m.block[k] * LANES
            wide = min(lanes.shape[1], wired.shape[1] - first)
            assert not lanes[:, wide:].any()
            found[cells.span, first : first + wide] += lanes[:, :wide]
            again = m.again[m.row[k] :][: cells.size + 1]
            for i in range(cells.size):
                np.add.at(found[cells.start + i], first + m.more[again[i] : again[i + 1]].astype(int), 1)
    assert np.array_equal(found, wired)
    assert m.times.max() == wired.max()
    assert rows.codes.size == netlist.projections["EE, sparse"].count
    assert not m.bits[: m.words.max()].any()  # the row of those who are missing from a group
