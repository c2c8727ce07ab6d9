"""One product of a crossbar: right where nothing is wrong, off by what the closed forms say, and billed as by hand."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.chips import CHIPS
from workbench.chips.converters import sqnr
from workbench.chips.crossbars import CROSSBAR_ASSUMED
from workbench.chips.devices.assumed import assumed
from workbench.errors import DescriptionError, UnsupportedError
from workbench.studies.memory_that_computes import MATRICES, VECTORS, MemoryThatComputes, column_sqnr
from workbench.studies.painting import cells, painted, stroke


def numbers(**knobs: Any) -> dict[str, float]:
    return dict(MemoryThatComputes.from_border(knobs).run().numbers)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("vector", VECTORS)
def test_perfect_cells_and_fine_converters_give_the_product(matrix: str, vector: str) -> None:
    knobs = {"matrix": matrix, "vector": vector, "pattern": "0,0 3,5 16,7", "reads": 2}
    study = MemoryThatComputes.from_border(
        {**knobs, "perfect": True, "adc_range": "worst", "adc_bits": 12, "dac_bits": 12}
    )
    found = study.run().numbers
    assert found["weight_error_percent"] < 1e-10
    assert found["noise_percent"] == 0
    reach = np.abs(study.weights).sum(axis=0)
    right = study.inputs @ study.weights
    step = np.sqrt(np.mean((reach / 2**11) ** 2)) / np.sqrt(np.mean(right**2))
    assert found["error_percent"] < 100 * (step + 0.001), (
        "at most about a step of a converter whose range holds any input"
    )


def test_each_bit_of_the_adc_is_six_decibels() -> None:
    """A converter with a sign has 2^b − 1 codes, so few bits lie a little below 6.02 b + 1.76 dB."""
    off = column_sqnr() - sqnr(np.arange(2, 13))
    assert np.all(np.abs(off[4:]) < 0.1), "from 6 bits on"
    assert abs(off[3]) < 0.4
    assert numbers(perfect=True, adc_bits=8)["sqnr_db"] == pytest.approx(49.93, abs=0.1)
    real = [numbers(adc_bits=b)["sndr_db"] for b in (4, 8, 12)]
    assert real[1] - real[0] > 12
    assert real[2] - real[1] < 3, "noise of the cells, not the converter, sets the end"


def test_read_noise_is_as_large_as_all_cells_say_together() -> None:
    """Each of two cells of a pair is off by σ of the window in each read: the column by σ·√(2 Σ x²)."""
    device = assumed(g_min=0.0, programming=0.0, read=0.02, drift=0.0, drift_spread=0.0)
    chip = replace(CROSSBAR_ASSUMED, device=device, adc_bits=12)
    study = MemoryThatComputes(chip=chip, rows=64, columns=64, reads=256)
    found = study.run().numbers
    size = np.sqrt(np.mean((study.inputs @ study.weights) ** 2))
    largest = np.abs(study.weights).max()
    expected = 0.02 * largest * np.sqrt(2 * np.sum(study.inputs**2)) / size
    assert found["noise_percent"] == pytest.approx(100 * expected, rel=0.02)
    assert MemoryThatComputes(chip=chip, read_noise=False).run().numbers["noise_percent"] == 0


@pytest.mark.parametrize(("rows", "columns"), [(32, 16), (64, 64), (1, 1)])
def test_the_bill_is_as_worked_out_by_hand(rows: int, columns: int) -> None:
    """One read, a pulse a driven row, a conversion a column, a byte each for what goes in and comes out."""
    found = numbers(rows=rows, columns=columns, vector="all on", matrix="identity")
    price = {event: p.joules * 1e12 for event, p in CROSSBAR_ASSUMED.prices.items()}
    plain = price["tile read"] + price["row pulse"] * rows + price["conversion"] * columns
    plain += price["buffer byte"] * (rows + columns)
    ohmic = 0.2**2 * 25e-6 * 10e-9 * 1e12
    assert found["conversions"] == columns
    assert plain < found["energy_pj"] < plain + 2 * ohmic * rows * columns
    turns = min(columns, CROSSBAR_ASSUMED.adc_share)
    assert found["latency_ns"] == pytest.approx(10 + turns * CROSSBAR_ASSUMED.prices["conversion"].seconds * 1e9)
    assert found["share_adc_percent"] == pytest.approx(100 * price["conversion"] * columns / found["energy_pj"])


def test_bit_serial_inputs_convert_once_for_each_bit() -> None:
    once, serial = numbers(vector="all on"), numbers(vector="all on", dac="bit-serial")
    assert serial["conversions"] == 7 * once["conversions"]
    assert serial["energy_pj"] > 5 * once["energy_pj"]


def test_a_range_too_small_clips_and_a_range_too_large_wastes_codes() -> None:
    small, fit, large = (numbers(perfect=True, adc_span=span) for span in (0.3, 1.0, 4.0))
    assert small["clipped_of_many_percent"] > 20
    assert fit["clipped_of_many_percent"] < 1
    assert large["clipped_of_many_percent"] == 0
    assert fit["error_percent"] < large["error_percent"] < small["error_percent"]
    result = MemoryThatComputes.preset("a range too small").run()
    assert "34." in result.figures()["codes"].alt
    assert result.numbers["clipped_of_many_percent"] == pytest.approx(34.3, abs=1.5)


def test_a_painted_cell_adds_on_one_side_of_its_pair_and_subtracts_on_the_other() -> None:
    base = {"matrix": "empty", "rows": 4, "columns": 3, "vector": "all on", "perfect": True}
    study = MemoryThatComputes.from_border({**base, "pattern": "0,0 1,0 2,3"})
    assert study.weights.tolist() == [[1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 0, 0]]
    assert (study.inputs @ study.weights).tolist() == [2, -1, 0]
    assert study.changed({"pattern": "0,0 0,1"}).weights.any() == np.False_, "both cells of a pair undo each other"
    wide = MemoryThatComputes.from_border({**base, "chip": "isaac", "pattern": "3,2"})
    assert wide.weights.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]], (
        "one cell a weight where the middle is zero"
    )


def test_painting_a_stored_cell_flips_it() -> None:
    plain = MemoryThatComputes.from_border({"matrix": "identity", "rows": 2, "columns": 2})
    assert plain.changed({"pattern": "0,0"}).weights.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("64,0", "rows are 0 … 31"),
        ("0,32", "columns 0 … 31"),
        ("1;2", "'1;2' is no cell"),
        ("-1,2", "no cell"),
        ("a", "no cell"),
    ],
)
def test_a_pattern_that_is_none_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        MemoryThatComputes.from_border({"pattern": pattern})


def test_a_pattern_is_its_cells_in_any_order() -> None:
    assert cells("3,5 3,4  3,5 3,5") == ((3, 4), (3, 5))
    assert painted("1,2", (2, 3)).tolist() == [[False] * 3, [False, False, True]]
    assert stroke(stroke("", [(5, 5), (5, 6)]), [(5, 5)]) == "5,6"


@pytest.mark.parametrize(
    ("knobs", "error", "said"),
    [
        ({"chip": "ideal"}, DescriptionError, "Unknown chip 'ideal'"),
        ({"rows": 65}, DescriptionError, "between 1 and 64"),
        ({"slices": 3}, DescriptionError, "cannot share 0 bits"),
        ({"pattern": 3}, DescriptionError, "must be a text"),
    ],
)
def test_what_makes_no_sense_is_refused(knobs: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        MemoryThatComputes.from_border(knobs).run()


def test_a_chip_of_another_kind_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'ideal' is not a crossbar"):
        MemoryThatComputes(chip=CHIPS["ideal"]).run()


def test_the_same_settings_give_the_same_numbers_and_another_seed_others() -> None:
    assert numbers(seed=3) == numbers(seed=3)
    assert numbers(seed=3)["error_percent"] != numbers(seed=4)["error_percent"]


@pytest.mark.parametrize("preset", MemoryThatComputes.presets)
def test_every_preset_runs_and_its_pictures_speak(preset: str) -> None:
    result = pickle.loads(pickle.dumps(MemoryThatComputes.preset(preset).run()))
    assert set(MemoryThatComputes.views) <= set(result.figures())
    for name, picture in result.figures().items():
        assert picture.title and picture.alt.endswith(".") and picture.panels, name


def test_what_can_be_painted_is_a_view_with_one_cell_of_the_pattern_each() -> None:
    for name in ("crossbar-assumed", "isaac"):
        study = MemoryThatComputes.from_border({"chip": name, "rows": 5, "columns": 4})
        view, knob = next(iter(study.paints.items()))
        image = study.run().figures()[view].panels[0].layers[0]
        rows, columns = image.values.shape
        assert knob in study.knobs()
        study.changed({knob: f"{rows - 1},{columns - 1}"})
        with pytest.raises(DescriptionError):
            study.changed({knob: f"0,{columns}"})
