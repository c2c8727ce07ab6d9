"""Digits on imperfect cells: as accurate as other simulators find at the same noise, each effect by itself, each cure on its own effect."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from workbench.backends.crossbar.matrix import Matrix
from workbench.chips import CHIPS
from workbench.chips.crossbar import Effects
from workbench.circuits.library.digits import Layers, handwritten
from workbench.errors import DescriptionError, UnsupportedError
from workbench.learning.training import train
from workbench.measures.readout import accuracy
from workbench.studies.digits_on_peers import OTHER_FLOAT, PEERS, rows
from workbench.studies.imperfect_memory import EFFECTS, YEAR, ImperfectMemory, level_device

NOISE = Effects(**{n: n in ("programming", "read_noise") for n in Effects.__dataclass_fields__})


@cache
def numbers(**knobs: Any) -> dict[str, float]:
    return dict(ImperfectMemory.from_border({"curves": "none", **knobs}).run().numbers)


def on_dies(dies: int, **fields: Any) -> np.ndarray:
    """Right answers, %, of each die with programming and read noise alone, by the public way."""
    study = ImperfectMemory(**fields)
    found = []
    for die in range(dies):
        chip = replace(study.specimen("none", die), effects=NOISE)
        found.append(accuracy(study.experiment(chip, die).run(), study.circuit.labels, study.circuit.frame))
    return 100 * np.array(found)


# --- beside other simulators ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", [p for p in PEERS if p.network != "other" and p.sigma <= 0.05], ids=str)
def test_the_shipped_weights_read_digits_as_well_as_on_aihwkit(peer: Any) -> None:
    """The same weights, noise, bits and ranges, ten dies here and thirty there; they do not clip conductances at zero, we do."""
    ours = on_dies(
        10 if peer.sigma else 1, sigma=peer.sigma, weights=peer.network, adc_bits=peer.bits, dac_bits=peer.bits
    )
    assert ours.mean() == pytest.approx(peer.percent, abs=1.0)


@cache
def trainings() -> tuple[Layers, ...]:
    return tuple(train(handwritten(), seed=seed) for seed in range(10))


@pytest.mark.parametrize("sigma", [0.02, 0.05])
def test_networks_of_that_shape_lose_as_much_as_another_one_on_aihwkit_and_crosssim(sigma: float) -> None:
    """Ten trainings on five dies each. One network differs from the next by about a point at 5 %, so the mean is compared."""
    data = handwritten()
    study = ImperfectMemory(sigma=sigma)
    lost = []
    for number, layers in enumerate(trainings()):
        for die in range(5):
            chip = replace(study.specimen("none", 5 * number + die), effects=NOISE)
            first = Matrix(layers.hidden, chip, seed=die, name="hidden").calibrated(data.test[:256])
            second = Matrix(layers.output, chip, seed=die, name="output", first=1)
            second = second.calibrated(layers.features(data.test[:256]))
            hidden = np.maximum(first.product(data.test) + layers.hidden_bias, 0.0)
            said = (second.product(hidden) + layers.output_bias).argmax(axis=1)
            lost.append(layers.accuracy(data.test, data.test_labels) - np.mean(said == data.test_labels))
    ours = 100 * float(np.mean(lost))
    for simulator in ("aihwkit", "CrossSim"):
        theirs = next(p.lost for p in rows(simulator, "other") if p.sigma == sigma)
        assert ours == pytest.approx(theirs, abs=1.0), simulator


def test_noise_aware_weights_keep_what_plain_ones_lose() -> None:
    for sigma, gain in ((0.05, 1.5), (0.1, 12.0)):
        plain, aware = (on_dies(10, sigma=sigma, weights=w).mean() for w in ("plain", "noise-aware"))
        assert aware > plain + gain


# --- the cell with a noise level ------------------------------------------------------------------------------------------


def test_a_written_weight_is_off_as_two_cells_say_one_of_which_cannot_go_below_zero() -> None:
    """A pair holds max(0, w + e) − max(0, e') : variance σ²(3/2 − 1/2π), and a mean that is σ/√2π too small in size."""
    sigma = 0.05
    written = Effects(**{n: n == "programming" for n in Effects.__dataclass_fields__})
    chip = replace(ImperfectMemory(sigma=sigma).specimen("none"), effects=written)
    weights = np.where(np.arange(100) == 0, 1.0, 0.5) * np.ones((100, 1))  # the first column sets the scale
    off = []
    for die in range(8):
        matrix = Matrix(weights, replace(chip, die=die), seed=1)
        off.append((matrix.realised - weights)[:, 1:].ravel())
    errors = np.concatenate(off)
    assert errors.mean() == pytest.approx(-sigma / np.sqrt(2 * np.pi), rel=0.03)
    assert errors.var() == pytest.approx(sigma**2 * (1.5 - 0.5 / np.pi), rel=0.03)


def test_the_noise_level_is_that_of_writes_and_of_reads() -> None:
    device = level_device(0.03)
    assert float(device.programming_sd(50e-6)) == pytest.approx(0.03 * device.g_max)
    assert device.read_constant == pytest.approx(0.03 * device.g_max)
    assert device.g_min == 0


# --- effects and cures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_bench_and_a_plain_experiment_agree(effect: str) -> None:
    study = ImperfectMemory(images=100, dies=2, curves="none")
    found = study.run().numbers[f"{effect.replace(' ', '_')}_percent"]
    dies = 1 if effect in ("none", "wires", "drift") else 2
    runs = [study.experiment(study.specimen(effect, die), die).run() for die in range(dies)]
    by_hand = np.mean([accuracy(r, study.circuit.labels, study.circuit.frame) for r in runs])
    assert found == pytest.approx(100 * by_hand)


def test_without_errors_every_bar_is_as_high_as_rounding_alone() -> None:
    found = numbers(sigma_percent=0.0, stuck_percent=0.0, wire_ohm=0.0, adc_offset_lsb=0.0, adc_gain_percent=0.0)
    for effect in EFFECTS:
        assert found[f"{effect.replace(' ', '_')}_percent"] == found["none_percent"]
    assert abs(found["none_percent"] - found["float_percent"]) < 0.5


def test_each_cure_helps_against_its_own_effect() -> None:
    harsh = {"sigma_percent": 8.0, "stuck_percent": 4.0, "adc_offset_lsb": 12.0, "adc_gain_percent": 20.0, "dies": 4}
    ill = numbers(**harsh)
    for cure, effect in (
        ({"verify": 10}, "programming"),
        ({"remap": True}, "stuck_cells"),
        ({"calibrate": True}, "converters"),
    ):
        well = numbers(**harsh, **cure)
        assert well[f"{effect}_percent"] > ill[f"{effect}_percent"] + 1.0, effect
    assert numbers(**harsh, calibrate=True)["converters_percent"] == pytest.approx(ill["none_percent"], abs=0.5)


def test_undoing_the_mean_drift_matters_where_something_does_not_drift_along() -> None:
    """Biases are digital: when all weights shrink, they weigh too much."""
    knobs = {"device": "pcm-nandakumar", "age_s": YEAR, "dies": 4}
    as_it_is, undone = numbers(**knobs), numbers(**knobs, compensate=True)
    assert undone["drift_percent"] > as_it_is["drift_percent"] + 0.5
    assert numbers(device="pcm-nandakumar", dies=4)["drift_percent"] > as_it_is["drift_percent"] + 0.5


def test_an_image_costs_what_two_products_cost_and_writing_is_billed_apart() -> None:
    few, many = (numbers(images=images, stuck_percent=0.0) for images in (200, 800))
    assert few["energy_nj"] == pytest.approx(many["energy_nj"], rel=0.03)
    assert few["writing_nj"] == many["writing_nj"] == pytest.approx(2 * (64 * 64 + 64 * 10) * 10e-3, rel=1e-9)
    assert numbers(images=200, verify=5)["writing_nj"] > 2 * few["writing_nj"]


def test_wires_take_more_the_longer_they_resist() -> None:
    found = [numbers(wire_ohm=r)["wires_percent"] for r in (0.0, 5.0, 40.0)]
    assert found[0] - 0.5 < numbers()["none_percent"]
    assert found[2] < found[1] - 3 < found[0]


# --- the study ------------------------------------------------------------------------------------------------------------


def test_ages_below_the_reference_time_are_the_reference_time() -> None:
    young, fresh = (numbers(device="pcm-nandakumar", age_s=age, images=200) for age in (0.0, 15.0))
    assert young == fresh


def test_an_age_at_which_a_cell_is_unknown_is_refused() -> None:
    with pytest.raises(DescriptionError, match="rram-wan: a time of .* is outside what is known"):
        ImperfectMemory.from_border({"device": "rram-wan", "age_s": YEAR, "images": 20, "curves": "none"}).run()


def test_a_chip_of_another_kind_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'ideal' is not a crossbar"):
        ImperfectMemory(chip=CHIPS["ideal"]).run()
    with pytest.raises(DescriptionError, match="weights"):
        ImperfectMemory.from_border({"weights": "better"})


@pytest.mark.parametrize("preset", ImperfectMemory.presets)
def test_every_preset_runs_and_its_pictures_speak(preset: str) -> None:
    study = replace(ImperfectMemory.preset(preset), images=60, dies=1)
    result = pickle.loads(pickle.dumps(study.run()))
    assert set(result.figures()) == set(study.views)
    for name, picture in result.figures().items():
        assert picture.title and picture.alt.endswith(".") and picture.panels, name


def test_while_a_slider_moves_the_curves_are_left_out_and_the_bars_stay() -> None:
    study = ImperfectMemory(dies=1)
    live = study.changed({**study.live, "images": 60}).run()
    assert set(live.figures()) == {"effects", "weights"}
    assert all(f"{effect.replace(' ', '_')}_percent" in live.numbers for effect in EFFECTS)


def test_each_row_of_a_peer_says_what_was_lost() -> None:
    for simulator in ("aihwkit", "CrossSim"):
        other = rows(simulator, "other")
        assert [p.sigma for p in other] == [0.0, 0.02, 0.05, 0.1]
        assert all(p.lost == pytest.approx(OTHER_FLOAT - p.percent) for p in other)
        assert other[-1].lost > other[1].lost
