"""Recall from memory: numbers against their closed forms, errors that add up, and every knob of the chip that should matter."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.circuits.library.digits import handwritten
from workbench.errors import Cancelled, DescriptionError
from workbench.learning.hopfield import one_step_error
from workbench.studies import STUDIES
from workbench.studies.memory_recall import MemoryRecall, digit, falls

SMALL = {"side": 12, "loads": 2, "sets": 2}


def study(**knobs: object) -> MemoryRecall:
    return MemoryRecall.from_border({**SMALL, **knobs})


def test_one_step_errs_as_the_closed_form_says() -> None:
    n = study(load=0.2, sets=40, chip="ideal", side=20, loads=2).run().numbers
    assert n["one_step_theory_percent"] == pytest.approx(100 * one_step_error(400, 80))
    assert n["one_step_percent"] == pytest.approx(n["one_step_theory_percent"], rel=0.06)


def test_the_ideal_chip_is_exact() -> None:
    n = study(chip="ideal").run().numbers
    assert n["chip_overlap"] == n["exact_overlap"]
    assert n["chip_capacity"] == n["exact_capacity"]
    assert n["energy_per_recall_nj"] == 0
    assert n["cue_overlap"] == pytest.approx(1 - 2 * round(0.2 * 144) / 144)


def test_a_little_memory_recalls_and_too_much_forgets() -> None:
    little, much = (study(load=load, chip="ideal").run().numbers for load in (0.05, 0.3))
    assert little["exact_remembered_percent"] == 100
    assert much["exact_remembered_percent"] < 20


def test_the_capacity_of_twenty_by_twenty_neurons_lies_near_the_theory() -> None:
    n = MemoryRecall.from_border({"chip": "ideal", "sets": 1}).run().numbers
    assert 0.12 < n["exact_capacity"] < 0.18


def test_errors_of_the_chip_cost_memory() -> None:
    good, bad = (study(load=0.1, **k).run().numbers for k in ({"chip": "crossbar-ideal"}, {"adc_bits": 2}))
    assert good["chip_overlap"] == good["exact_overlap"]
    assert bad["chip_one_step_percent"] > good["chip_one_step_percent"]
    worn = study(load=0.05, stuck_low=0.2, stuck_high=0.2).run().numbers
    fresh = study(load=0.05).run().numbers
    assert worn["chip_one_step_percent"] > fresh["chip_one_step_percent"]


def test_reads_cost_energy_and_writing_is_not_among_them() -> None:
    """A recall of a few steps through 144 × 288 cells: nanojoules; a billion write pulses would be millijoules."""
    few, many = (study(steps=k, load=0.2).run().numbers["energy_per_recall_nj"] for k in (1, 10))
    assert 0 < few < many < 1e4


def test_the_first_pattern_is_the_digit_asked_for() -> None:
    data = handwritten()
    image = data.test[int(np.argmax(data.test_labels == 7))].reshape(8, 8)
    drawn = digit(7, 16).reshape(16, 16)
    np.testing.assert_array_equal(drawn[::2, ::2], np.where(image > 0.4, 1.0, -1.0))
    np.testing.assert_array_equal(drawn[1::2, 1::2], drawn[::2, ::2])


def test_where_a_curve_falls_is_found_between_its_points() -> None:
    at = np.array([0.1, 0.2, 0.3])
    assert falls(at, np.array([1.0, 0.8, 0.5])) == pytest.approx(0.15)
    assert falls(at, np.array([0.5, 0.4, 0.3])) == 0.1
    assert falls(at, np.array([1.0, 1.0, 1.0])) == 0.3


def test_every_picture_can_be_drawn() -> None:
    result = study().run()
    album = result.figures()
    assert set(MemoryRecall.views) <= set(album)
    for name in album:
        assert album[name].png().startswith(b"\x89PNG")
        assert album[name].alt
    assert "of 144" in album["pattern"].alt


def test_presets_hold_and_a_chip_without_rows_is_refused() -> None:
    for name in MemoryRecall.presets:
        assert MemoryRecall.preset(name)
    assert STUDIES["memory-recall"] is MemoryRecall
    with pytest.raises(DescriptionError):
        study(chip="loihi-davies")


def test_it_can_be_stopped() -> None:
    def stop(done: float, said: str) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        study().run(stop)
