"""Very many neurons on a desk: rates are a hand count, events and memory grow with the neurons, and what does not fit is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from workbench.backends import base
from workbench.backends.wafer import memory
from workbench.chips.wafers import DARWIN_WAFER
from workbench.errors import Cancelled, PlacementError
from workbench.experiment import Experiment
from workbench.figures.layers import Level
from workbench.studies import STUDIES
from workbench.studies.desk import WaferOnADesk
from workbench.units import ms

SMALL = WaferOnADesk(neurons=20_000, duration=200 * ms, seed=1)


@pytest.fixture(scope="module")
def small():
    return SMALL.run()


def test_it_is_known_by_name():
    assert STUDIES["wafer-on-a-desk"] is WaferOnADesk
    assert WaferOnADesk().quick().neurons == 50_000
    assert WaferOnADesk(neurons=10_000).quick().neurons == 10_000


def test_rates_and_events_are_a_hand_count(small):
    recording = small.recordings["wafer"]
    spikes = sum(s.count for s in recording.spikes.values())
    assert spikes > 1000
    assert small.numbers["rate_hz"] == pytest.approx(spikes / 20_000 / 0.2, rel=1e-12)
    assert small.numbers["events_per_s"] == pytest.approx(100 * spikes / 0.2, rel=1e-12)
    assert small.numbers["events_per_spike"] == 100
    prices, counted = recording.ledger.prices, recording.ledger.count
    bill = sum(counted(event) * prices[event].joules for event in recording.ledger.events)
    assert small.numbers["energy_j"] == pytest.approx(bill / 0.2, rel=1e-12)
    assert small.numbers["power_w"] <= small.numbers["energy_j"]


def test_the_map_of_rates_is_the_spikes_by_die(small):
    recording = small.recordings["wafer"]
    shown = small.figures()["dies"].sketch.panels[0].layers[0].values
    die = recording.placement.core_of[: recording.sizes["E"]]  # the excitatory ones come first
    assert recording.sizes["E"] == die.size == 16_000
    for k, core in enumerate(recording.placement.cores):
        x, y = core.tile
        hand = np.count_nonzero(die[recording.spikes["E"].neurons] == k) / (np.count_nonzero(die == k) * 0.2)
        assert shown[y, x] == pytest.approx(hand)
    assert shown.shape == (10, 10) and np.isfinite(shown).all()  # every die has a patch
    lines = small.figures()["rate"].sketch.panels[0].layers
    assert np.mean(lines[0].y) * 16_000 * 0.2 == pytest.approx(recording.counts["E"])
    assert np.mean(lines[1].y) * 4_000 * 0.2 == pytest.approx(recording.counts["I"])


def test_all_send_alike_and_receive_as_by_chance(small):
    degrees = SMALL.in_degrees()
    assert degrees.sum() == 100 * degrees.size == 1_000_000
    assert small.numbers["in_degree"] == 100
    assert small.numbers["in_degree_sd"] == pytest.approx(10, rel=0.03)
    few = replace(SMALL, fan_out=5000).in_degrees()
    assert few.mean() == 5000


def test_events_and_memory_grow_with_the_neurons_alone(small):
    more = replace(SMALL, neurons=80_000).run()
    assert more.numbers["rate_hz"] == pytest.approx(small.numbers["rate_hz"], rel=0.1)
    assert more.numbers["events_per_s"] == pytest.approx(4 * small.numbers["events_per_s"], rel=0.1)
    fixed = 40 * 2**20
    needs = [replace(SMALL, neurons=n).bytes_needed - fixed for n in (50_000_000, 100_000_000, 200_000_000)]
    assert needs[1] / needs[0] == pytest.approx(2, rel=0.01)
    assert needs[2] / needs[1] == pytest.approx(2, rel=0.01)
    assert needs[2] / 2e8 == pytest.approx(2 + 1 / 8, rel=0.02)
    many, none = replace(SMALL, neurons=200_000_000, fan_out=10_000), replace(SMALL, neurons=200_000_000)
    assert many.bytes_needed == none.bytes_needed  # no synapse is stored
    assert small.numbers["full_state_mb"] == 400
    assert small.numbers["state_bytes"] == 2


def test_what_does_not_fit_is_refused_and_what_fits_is_said(monkeypatch):
    with pytest.raises(PlacementError, match="holds"):
        replace(SMALL, neurons=1_000_000_000).run()
    monkeypatch.setattr(memory, "available", lambda: 200 * 2**20)
    with pytest.raises(PlacementError, match="nothing was allocated"):
        replace(SMALL, neurons=200_000_000).run()
    fits = SMALL.fits()
    assert replace(SMALL, neurons=fits - fits // 100).bytes_needed < 200 * 2**20
    assert replace(SMALL, neurons=fits + fits // 100).bytes_needed > 200 * 2**20
    marked = SMALL._memory().sketch.panels[0].layers[-1]
    assert isinstance(marked, Level) and marked.value == pytest.approx(209.7, abs=0.1)


def test_what_it_shows_on_the_way_is_the_run_so_far(small, monkeypatch):
    monkeypatch.setattr(Experiment.stages, "__kwdefaults__", {"every": 0.0})
    monkeypatch.setattr(base, "FIRST", 8)
    monkeypatch.setattr(base, "BRISK", 0.0)
    *ways, last = SMALL.stages()
    assert len(ways) > 5 and [r.part for r in ways] == sorted(r.part for r in ways)
    assert dict(last.numbers) == pytest.approx(dict(small.numbers))
    assert last.part == 1.0
    spikes = small.recordings["wafer"].spikes
    for r in ways:
        reached = r.recordings["wafer"].duration
        assert r.part == pytest.approx(reached / 0.2)
        assert r.numbers["spikes"] == sum(np.count_nonzero(s.steps < round(reached / 1e-3)) for s in spikes.values())
    assert [("memory" in r.pictures) for r in ways] == [True, *[False] * (len(ways) - 1)]
    # The map is that of the last bin of 20 ms that is at least half full.
    some = next(r for r in ways if r.recordings["wafer"].duration >= 0.05)
    begin = int((some.recordings["wafer"].duration + 0.0101) / 0.02) - 1
    stop = min(0.02 * (begin + 1), some.recordings["wafer"].duration)
    steps = spikes["E"].steps
    many = np.count_nonzero((steps >= round(0.02 * begin / 1e-3)) & (steps < round(stop / 1e-3)))
    shown = some.figures()["dies"].sketch.panels[0].layers[0].values
    held = np.bincount(some.recordings["wafer"].placement.core_of[:16_000])
    where = [core.tile for core in some.recordings["wafer"].placement.cores]
    hand = sum(shown[y, x] * held[k] for k, (x, y) in enumerate(where)) * (stop - 0.02 * begin)
    assert hand == pytest.approx(many)


def test_progress_is_passed_through_and_cancel_ends_it():
    heard = []
    SMALL.run(lambda fraction, text: heard.append(fraction))
    assert heard[0] == 0.0 and heard == sorted(heard)

    def stop(fraction, text):
        raise Cancelled

    with pytest.raises(Cancelled):
        SMALL.run(stop)


def test_silence_costs_the_updates_alone_and_has_pictures():
    result = replace(SMALL, neurons=10_000, noise=0.0).run()
    assert result.numbers["rate_hz"] == 0 and math.isnan(result.numbers["events_per_spike"])
    spent = {event for event, joules in result.recordings["wafer"].ledger.by_event().items() if joules > 0}
    assert spent == {"core step", "neuron update"}
    for name, shown in result.figures().items():
        assert shown.sketch.title and len(shown.sketch.alt) > 30, name


def test_the_other_wafer_has_its_own_dies_and_prices(small):
    other = replace(SMALL, chip=DARWIN_WAFER).run()
    assert other.figures()["dies"].sketch.panels[0].layers[0].values.shape == (8, 8)
    assert other.recordings["wafer"].ledger.prices["synaptic operation"].joules == pytest.approx(4.9e-12)
    assert other.numbers["in_degree"] == small.numbers["in_degree"]
