"""Learning at the edge: the study's numbers hold together, every knob reaches the cells, and a move of a slider is quick work."""

from __future__ import annotations

import pytest

from workbench.errors import Cancelled
from workbench.studies import STUDIES
from workbench.studies.edge_learning import EdgeLearning

SHORT = {"epochs": 6, "thresholds": 0, "looks": 3, "compare": False}


def study(**knobs: object) -> EdgeLearning:
    return EdgeLearning.from_border({**SHORT, **knobs})


@pytest.fixture(scope="module")
def result():
    return EdgeLearning.from_border({"thresholds": 2, "looks": 4}).run()


def test_the_bars_of_the_issue_hold_at_the_default_knobs(result) -> None:
    n = result.numbers
    assert n["accuracy_percent"] >= n["float_percent"] - 0.5
    assert n["pulses_per_cell"] <= 150
    assert n["writes_saved"] >= 10
    assert n["writes_saved"] == pytest.approx(n["sign_pulses"] / n["pulses_per_cell"])
    assert n["sign_percent"] < n["accuracy_percent"] - 1
    assert n["write_verify_pulses"] > n["pulses_per_cell"]


def test_energy_stands_beside_a_digital_engine_and_is_not_tuned_to_three_percent(result) -> None:
    n = result.numbers
    assert n["share_of_asic_percent"] == pytest.approx(100 * n["energy_per_update_nj"] / n["asic_per_update_nj"])
    assert 1 < n["share_of_asic_percent"] < 50
    assert n["pulses_per_update_nj"] < 0.1 * n["energy_per_update_nj"]


def test_a_new_digit_alone_pushes_the_old_ones_out(result) -> None:
    n = result.numbers
    assert n["new_before_percent"] == 0
    assert n["new_after_percent"] > 90
    assert n["old_after_percent"] > n["old_alone_percent"] + 10


def test_every_picture_can_be_drawn_and_says_what_it_shows(result) -> None:
    album = result.figures()
    assert set(EdgeLearning.views) <= set(album)
    for name in album:
        assert album[name].png().startswith(b"\x89PNG")
        assert album[name].alt
        assert album[name].source


@pytest.mark.parametrize(
    "knobs",
    [
        {"rule": "sign"},
        {"threshold": 0.2},
        {"gate": "relative", "threshold": 0.3},
        {"device": "pcm-joshi"},
        {"up": 0.1},
        {"down": 0.1},
        {"up_shape": 3.0},
        {"cycle": 1.0},
        {"spread": 0.5},
        {"batch": 64},
        {"die": 1},
        {"seed": 1},
        {"reach": 3.0},
        {"weights": "plain"},
    ],
)
def test_every_knob_of_learning_reaches_the_cells(knobs) -> None:
    short = {"epochs": 1, "shots": 1, "kept": 1}
    before, after = (study(**{**short, **k}).run().numbers for k in ({}, knobs))
    assert (
        before["pulses_per_cell"] != after["pulses_per_cell"] or before["accuracy_percent"] != after["accuracy_percent"]
    )


def test_both_layers_learn_and_a_threshold_helps_there_too() -> None:
    gated, free = (study(layers="both", epochs=10, **k).run().numbers for k in ({"threshold": 0.2}, {"rule": "sign"}))
    assert gated["accuracy_percent"] > 85
    assert gated["accuracy_percent"] > free["accuracy_percent"] + 5
    assert gated["pulses_per_cell"] < free["pulses_per_cell"] / 5


def test_costs_change_the_bill_and_nothing_else() -> None:
    one, two = (study(epochs=1, pulse_voltage_v=v).run().numbers for v in (1.5, 3.0))
    assert two["pulses_per_update_nj"] == pytest.approx(4 * one["pulses_per_update_nj"])
    assert two["accuracy_percent"] == one["accuracy_percent"]


def test_presets_quick_and_live_are_within_the_knobs() -> None:
    for name in EdgeLearning.presets:
        assert EdgeLearning.preset(name).quick().changed(EdgeLearning.live)
    assert STUDIES["edge-learning"] is EdgeLearning


def test_it_can_be_stopped() -> None:
    def stop(done: float, said: str) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        study().run(stop)
