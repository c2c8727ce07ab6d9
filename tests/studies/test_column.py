"""The column's study: rates in the published order, the gates at a twentieth and a tenth, and a ledger that adds up."""

from __future__ import annotations

import os

import numpy as np
import pytest

from widgets.marks.panels import of_panel
from workbench.circuits.library.potjans_diesmann import REFERENCE_HZ, SIZES
from workbench.machines import COLUMN_RUNS
from workbench.measures import column
from workbench.studies import load_study
from workbench.studies.column import label
from workbench.units import mW, pJ, uJ

STUDY = load_study("column")
DENSE = ("L4E", "L4I", "L5E", "L5I", "L6I")
"""Populations whose rates a column of a tenth already meets; the sparse ones, L2/3 and L6E, need more neurons."""

# computed with Brian2 from another wiring and other random numbers, 2.5 s with the first half second dropped
TWENTIETH = dict(zip(SIZES, (0.26, 1.25, 3.24, 3.81, 5.02, 6.73, 0.52, 5.95)))
TENTH = dict(zip(SIZES, (0.45, 2.14, 4.06, 5.06, 6.89, 7.87, 0.87, 7.02)))


@pytest.fixture(scope="module")
def result():
    return STUDY.preset("a twentieth").changed({"duration_ms": 2500.0}).run()


def rates(result):
    return {name: result.numbers[f"rate_{label(name)}_hz"] for name in SIZES}


def test_the_order_of_the_rates_is_the_published_one(result):
    assert column.in_order(rates(result)) == result.numbers["steps_in_order"] == 7
    assert result.numbers["theory_steps_in_order"] == 7


def test_a_twentieth_fires_as_brian2_found_it(result):
    for name, rate in rates(result).items():
        assert rate == pytest.approx(TWENTIETH[name], rel=0.15, abs=0.12)


def test_rates_come_nearer_to_full_size_with_the_scale(result):
    fiftieth = STUDY.from_border({"scale": 0.02}).run()
    assert fiftieth.numbers["shortfall_percent"] > result.numbers["shortfall_percent"] > 20
    for name in SIZES:
        assert rates(result)[name] < REFERENCE_HZ[name], "from below"


@pytest.mark.slow
def test_a_tenth_meets_the_reference_where_it_can(result):
    """Within 20 % for the dense populations; WORKBENCH_FULL_SECONDS shortens the run on a small machine."""
    seconds = max(1.5, float(os.environ.get("WORKBENCH_FULL_SECONDS", "2.0")))
    tenth = STUDY.preset("a tenth").changed({"duration_ms": 1000 * seconds}).run()
    assert tenth.numbers["shortfall_percent"] < 0.6 * result.numbers["shortfall_percent"]
    found = rates(tenth)
    for name in DENSE:
        assert found[name] == pytest.approx(REFERENCE_HZ[name], rel=0.2)
    for name in SIZES:
        assert found[name] == pytest.approx(TENTH[name], rel=0.15, abs=0.12)
    # L5E and L6I lie 0.3 Hz apart here, and L5E varies by 0.4 Hz from seed to seed; every other step is wide
    assert column.in_order(found) >= 6


def test_firing_is_irregular(result):
    """The protocol's long runs give 0.65 to 0.8; two seconds of a twentieth see fewer and shorter intervals."""
    assert 0.2 < result.numbers["lowest_isi_cv"] < result.numbers["highest_isi_cv"] < 1.0


def test_two_seeds_have_the_same_distributions():
    one, other = (
        STUDY.from_border({"scale": 0.05, "seed": seed}).run().recordings["column"].after(0.5) for seed in (1, 2)
    )
    apart = column.distances(one, other, population="L4E")
    assert apart["rate"] < 0.1
    assert apart["correlation"] < 0.1
    different = column.distances(
        one, STUDY.from_border({"g": 6.0}).run().recordings["column"].after(0.5), population="L5E"
    )
    assert different["rate"] > 3 * column.distances(one, other, population="L5E")["rate"]


def test_the_ledger_of_the_run_adds_up(result):
    ledger, numbers = result.recordings["column"].ledger, result.numbers
    events = ledger.count("synaptic operation") + ledger.count("outside operation")
    assert numbers["energy_mj"] * 1e-3 == pytest.approx(ledger.total)
    assert numbers["pj_per_event"] * pJ * events == pytest.approx(ledger.total)
    assert numbers["pj_per_recurrent_event"] > numbers["pj_per_event"] > 23.6
    updates = ledger.count("active update") + ledger.count("inactive update")
    assert updates == numbers["neurons"] * round(result.study.duration / 1e-4)
    assert numbers["idle_percent"] + numbers["synaptic_percent"] < 100
    assert numbers["idle_percent"] < numbers["update_percent"] < 100


def test_what_prices_and_rates_expect_is_what_the_run_counts(result):
    """Arrivals are nearly independent, so the share of idle updates follows from the rates."""
    study, recording = result.study, result.recordings["column"]
    whole = {name: recording.counts[name] / recording.sizes[name] / recording.duration for name in SIZES}
    expected = column.expected_watts(study.circuit, whole, study.chip.prices)
    counted = {event: joules / study.duration for event, joules in recording.ledger.by_event().items()}
    for event, watts in expected.items():
        assert counted[event] == pytest.approx(watts, rel=0.03), event


def test_the_whole_column_costs_what_its_rates_say(result):
    """77,169 × 10,000 × 52 pJ for updates alone, 9.67e8 × 23.6 pJ for synapses inside: both from published prices."""
    numbers = result.numbers
    assert numbers["full_idle_floor_mw"] == pytest.approx(40.1, abs=0.1)
    assert numbers["full_synaptic_mw"] == pytest.approx(22.8, abs=0.1)
    assert numbers["full_update_mw"] > numbers["full_idle_floor_mw"]
    whole = column.expected_watts(STUDY.from_border({"scale": 1.0}).circuit, REFERENCE_HZ, result.study.chip.prices)
    assert numbers["full_pj_per_recurrent_event"] == pytest.approx(sum(whole.values()) / 9.667e8 / pJ, rel=1e-3)
    assert sum(whole.values()) > 100 * mW


def test_a_constant_drive_runs_from_a_fifth_on_and_falls_silent_below():
    silent = STUDY.from_border({"scale": 0.05, "drive": "dc"}).run()
    assert max(rates(silent).values()) < 0.5
    assert np.isnan(silent.numbers["lowest_isi_cv"]) or silent.numbers["lowest_isi_cv"] >= 0


def test_the_thalamus_wakes_layer_four():
    calm, woken = (
        STUDY.from_border({"thalamus": t, "duration_ms": 900.0}).run().recordings["column"] for t in (False, True)
    )
    assert woken.of("L4E").between(0.7, 0.72).count > 3 * calm.of("L4E").between(0.7, 0.72).count


def test_pictures_have_the_data_and_both_worlds_draw_them(result):
    album = result.figures()
    assert set(STUDY.views) <= set(album)
    ours = album["rates"].panels[0].layers[0]
    assert ours.y.tolist() == list(rates(result).values())
    reference = album["rates"].panels[0].layers[1]
    assert reference.y.tolist() == list(REFERENCE_HZ.values())
    energies = [y for layer in album["machines"].panels[0].layers if hasattr(layer, "x") for y in layer.y]
    assert sorted(energies)[0] == pytest.approx(result.numbers["pj_per_recurrent_event"] * pJ / uJ)
    assert sorted(energies)[1:] == pytest.approx(sorted(m.joules / uJ for m in COLUMN_RUNS if m.joules))
    bars = album["ledger"].panels[0].layers[0]
    assert bars.values.sum() == pytest.approx(result.numbers["power_mw"], rel=2e-3)
    for name, picture in album.items():
        assert picture.alt, name
        assert picture.png()[:4] == b"\x89PNG"
        for panel in picture.panels:
            assert of_panel(panel)[1]


def test_on_the_reference_there_are_rates_and_no_energy():
    ideal = STUDY.from_border({"scale": 0.02, "chip": "ideal", "duration_ms": 700.0}).run()
    chip = STUDY.from_border({"scale": 0.02, "duration_ms": 700.0}).run()
    assert rates(ideal) == rates(chip), "spike for spike the same"
    assert "energy_mj" not in ideal.numbers
    assert "ledger" not in ideal.pictures


def test_presets_and_editions_are_studies():
    for name in STUDY.presets:
        assert STUDY.preset(name) == STUDY.preset(name)
    assert STUDY().quick().circuit.scale <= 0.02
    assert STUDY().full().circuit.scale == 0.1
