"""Every library circuit at its quick size on every chip: it runs and keeps the house's promises, or says what is missing."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from workbench.backends.base import Probe, compile
from workbench.backends.event import tiers
from workbench.chips import CHIPS, Ideal
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.synapses import Gap
from workbench.errors import Cancelled, PlacementError, UnsupportedError
from workbench.experiment import Experiment
from workbench.units import ms

DT = 0.1 * ms
DURATION = 60 * ms
FEW = ("digits", "winner-take-all")
"""What runs on a chip that differs from another of its kind in numbers alone."""
WHOLE = ("crossbar-ideal", "crossbar-assumed", "digital-float64", "northpole")
"""Of the kinds that multiply matrices, the chips that every circuit runs on."""
ON_WAFERS = ("balanced", "worm", "potjans-diesmann", *FEW, "wafer-sheet")
"""What runs on a wafer too: by rule, or stored on its mesh."""
PAIRS = [
    (circuit, chip)
    for circuit in CIRCUITS
    for chip in CHIPS
    if CHIPS[chip].kind in ("ideal", "event")
    or chip in WHOLE
    or circuit in (ON_WAFERS if CHIPS[chip].kind == "wafer" else (*FEW, "wafer-sheet"))
]


@cache
def experiment(circuit: str, chip: str) -> Experiment:
    described = CIRCUITS[circuit].quick()
    values = [n for n, p in described.network().populations.items() if p.neuron.emits == "values"]
    probes = tuple(Probe(n, "y", every=1 * ms) for n in values)
    return Experiment(described, CHIPS[chip], duration=DURATION, dt=DT, seed=3, probes=probes)


@cache
def recording(circuit: str, chip: str):
    """The whole run; on event chips in the compiled kernel, so that whatever is compared with it is compared with that."""
    try:
        with tiers.held(tiers.COMPILED):
            return experiment(circuit, chip).run()
    except UnsupportedError:
        return None  # that the sentence names what the chip has is tested with each backend
    except PlacementError as error:
        said = str(error)  # a chip too small for a circuit is fine, if it says which resource is short and by how much
        assert CHIPS[chip].name in said
        assert re.search(r"\d", said)
        assert any(
            word in said for word in ("cores", "neurons", "synapses", "axons in", "axons out", "tiles", "memory")
        ), said
        return None


def near(one, other) -> bool:
    """Values of two runs: products of float64 over other batches differ in their last bits."""
    largest = np.abs(other.values).max(initial=0.0)
    return one.shape == other.shape and bool(np.abs(one.values - other.values).max(initial=0.0) <= 1e-12 * largest)


def has_gaps(circuit: str) -> bool:
    return any(isinstance(b.kind, Gap) for b in experiment(circuit, "ideal").netlist().projections.values())


@pytest.mark.parametrize(("circuit", "chip"), PAIRS)
def test_it_runs_and_adds_up(circuit, chip):
    r = recording(circuit, chip)
    if r is None:
        return
    assert sum(r.counts.values()) > 0 or any(np.ptp(t.values) > 0 for t in r.traces.values()), (
        "the quick size is silent"
    )
    for name, spikes in r.spikes.items():
        assert spikes.count == r.counts[name]
        assert np.all(np.diff(spikes.steps * r.sizes[name] + spikes.neurons) > 0)
        assert spikes.neurons.min(initial=0) >= 0
        assert spikes.neurons.max(initial=0) < r.sizes[name]
    assert r.ledger.counts.min() >= 0
    assert r.ledger.total == pytest.approx(r.ledger.energy().sum())
    assert sum(r.ledger.by_event().values()) == pytest.approx(r.ledger.total)
    for core in r.placement.cores:
        assert all(used <= limit for used, limit in core.resources().values())
    for price in r.ledger.prices.values():
        assert price.citation.kind in ("published", "computed", "assumed")
        assert price.citation.where


@pytest.mark.parametrize(("circuit", "chip"), PAIRS)
def test_a_run_in_pieces_is_the_run(circuit, chip):
    whole = recording(circuit, chip)
    if whole is None:
        return
    program = experiment(circuit, chip).compile()
    going = program.start(draw(program.netlist, DURATION, dt=DT, seed=3), seed=3)
    with tiers.held(tiers.INTERPRETED):
        for _ in range(6):
            going.advance(DURATION / 6)
    again = going.recording()  # interpreted on event chips: both tiers give one result
    assert all(again.spikes[n] == whole.spikes[n] for n in whole.spikes)
    assert np.array_equal(again.ledger.counts, whole.ledger.counts)
    assert all(near(again.traces[n], whole.traces[n]) for n in whole.traces)


@pytest.mark.parametrize(("circuit", "chip"), PAIRS)
def test_a_saved_run_goes_on(circuit, chip, tmp_path):
    whole = recording(circuit, chip)
    if whole is None:
        return
    program = experiment(circuit, chip).compile()
    going = program.start(draw(program.netlist, DURATION, dt=DT, seed=3), seed=3)
    with tiers.held(tiers.INTERPRETED):
        going.advance(DURATION / 2)
    going.save(tmp_path / "half")
    resumed = experiment(circuit, chip).compile().resume(tmp_path / "half")
    with tiers.held(tiers.COMPILED):  # what was saved while interpreted
        resumed.advance(DURATION / 2)
    again = resumed.recording()
    assert all(again.spikes[n] == whole.spikes[n] for n in whole.spikes)
    assert all(near(again.traces[n], whole.traces[n]) for n in whole.traces)


@pytest.mark.parametrize(("circuit", "chip"), [(c, h) for c, h in PAIRS if CHIPS[h].kind != "ideal"])
def test_what_the_chip_realised_is_what_the_reference_runs(circuit, chip):
    r = recording(circuit, chip)
    if r is None or r.arithmetic != "float64":
        return
    realised = experiment(circuit, chip).compile().realised
    drive = draw(realised, DURATION, dt=DT, seed=3)
    reference = compile(realised, Ideal(), dt=DT, seed=3, probes=experiment(circuit, chip).probes).run(drive)
    assert all(reference.spikes[n] == r.spikes[n] for n in r.spikes)
    assert all(near(reference.traces[n], r.traces[n]) for n in r.traces)
    # A column of a crossbar is read at once, so its synapses share one delay; where they did not, that is a loss.
    if not has_gaps(circuit) and not any("become one of" in loss for loss in r.placement.losses):
        assert all(recording(circuit, "ideal").spikes[n] == r.spikes[n] for n in r.spikes)


@pytest.mark.parametrize("chip", CHIPS)
def test_cancel_ends_a_run(chip):
    circuit = "balanced" if ("balanced", chip) in PAIRS else "winner-take-all"
    if recording(circuit, chip) is None:
        return  # a chip too small says so; see test_it_runs_and_adds_up

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        experiment(circuit, chip).run(stop)


@pytest.mark.parametrize(("circuit", "quick"), [(c, q) for c in CIRCUITS for q in (True, False)])
def test_float64_equals_the_reference_for_a_second(circuit, quick):
    """Every spike and step of a second, quick and full size; Brunel's full network has 12,500 neurons, 15.6 million synapses.

    Gap junctions, which the chip has not, are off. A circuit too large for Brian2 says how much of it is `comparable`.
    WORKBENCH_FULL_SECONDS shortens the run on a small machine.
    """
    seconds = float(os.environ.get("WORKBENCH_FULL_SECONDS", "1.0"))
    described = CIRCUITS[circuit].quick() if quick else CIRCUITS[circuit].comparable()
    asked = Experiment(described, CHIPS["loihi-roomy"], duration=seconds, dt=DT, seed=1)
    try:
        realised = asked.compile().realised
    except UnsupportedError:
        return  # see `recording`
    drive = draw(realised, seconds, dt=DT, seed=1)
    with tiers.held(tiers.COMPILED):
        ours = compile(realised, CHIPS["loihi-roomy"], dt=DT, seed=1).run(drive)
    reference = compile(realised, Ideal(), dt=DT, seed=1).run(drive)
    assert sum(ours.counts.values()) > 0
    for name in ours.spikes:
        assert ours.spikes[name] == reference.spikes[name]


def test_a_chip_with_other_numbers_is_data():
    chip = replace(CHIPS["loihi-davies"], name="mine", neurons_per_core=64, tiles_x=3)
    r = experiment("vogels-abbott", "ideal").on(chip).run()
    assert r.placement.mesh == (3, 4)
    assert r.ledger.count("east-west hop") > 0
    assert all(r.spikes[n] == recording("vogels-abbott", "ideal").spikes[n] for n in r.spikes)
