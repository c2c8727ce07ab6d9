"""Heat and blood: the two wafers measured, what refuses, and what the pictures hold."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import DescriptionError
from workbench.physics.leakage import RunawayError, lumped
from workbench.studies.heat_and_blood import WAFERS, HeatAndBlood


def run(**values):
    return HeatAndBlood.from_border({"cells": 48, **values}).run()


@pytest.fixture(scope="module")
def wse():
    return run(power_w=16e3)


def test_darwin_wafer_is_as_warm_and_sags_as_much_as_published():
    of = WAFERS["darwin-wafer"]
    found = run(wafer="darwin-wafer").numbers
    assert found["power_w"] == pytest.approx(of.published["power"], rel=0.02)
    assert of.published["low"] < found["coldest_c"] < found["hottest_c"] < of.published["high"]
    assert found["droop_mv"] == pytest.approx(1e3 * of.published["droop"], rel=0.05)
    assert found["flux_w_per_cm2"] == pytest.approx(0.14, abs=0.002)
    # 10 mV is also what a rim-fed disc of 1 mΩ per square would drop: at this power both ways of feeding are possible
    assert found["edge_drop_mv"] == pytest.approx(10, abs=0.1)


def test_the_large_wafer_draws_20_kiloamperes_and_can_only_be_fed_through_its_face(wse):
    found = wse.numbers
    assert found["current_a"] == pytest.approx(WAFERS["wse-2"].published["amperes"], rel=0.02)
    assert found["droop_mv"] < 15 < 100 < found["edge_drop_mv"] == pytest.approx(147, abs=1)
    with pytest.raises(DescriptionError, match="collapses"):
        run(fed="four edges", sheet_ohm=1e-3)


@pytest.mark.parametrize("power", [15e3, 20e3, 23e3])
def test_it_stands_from_15_to_23_kilowatts(power):
    found = run(power_w=power).numbers
    assert found["loop_gain"] < 0.2 and found["balance"] < 1e-10
    assert 40 < found["mean_c"] < 70 and power < found["runaway_w"]
    assert found["coolant_rise_k"] == pytest.approx(found["power_w"] / 1500, rel=1e-6)


def test_it_runs_away_where_the_lumped_form_says_for_even_power(wse):
    start = wse.numbers["runaway_w"]
    with pytest.raises(RunawayError, match="Thermal runaway"):
        run(power_w=1.05 * start + 1500)
    study = HeatAndBlood.from_border({"cells": 48})
    of = WAFERS["wse-2"]
    assert lumped(0.99 * start, wse.numbers["resistance_k_per_kw"] / 1e3, of.leak, coolant=of.inlet)[1] < 1
    with pytest.raises(RunawayError):
        study.changed({"cooling": 0.2}).run()


def test_every_number_of_a_wafer_has_a_source():
    for of in WAFERS.values():
        named = ", ".join(of.sources)
        for number in ("power", "supply", "film", "inlet", "rise", "feed", "sheet", "stack", "leak", "side"):
            assert number in named
        assert {c.kind for c in of.sources.values()} <= {"published", "computed", "assumed"}


def test_layers_share_the_power_and_heat_one_another(wse):
    three = run(power_w=16e3, layers=3).numbers
    assert three["power_w"] == pytest.approx(wse.numbers["power_w"], rel=0.05)
    assert three["hottest_c"] > wse.numbers["hottest_c"] and three["runaway_w"] < wse.numbers["runaway_w"]


def test_vessels_and_facility(wse):
    found = wse.numbers
    assert found["even_over_murray"] > 2 and found["tree_spread_k"] < 1e-6 < 5 < found["ducts_spread_k"]
    assert found["angle_degrees"] == pytest.approx(37.47, abs=0.005)
    assert found["largest_saving_percent"] == pytest.approx(36.7, abs=0.05) and found["pue_needed"] < 1
    assert found["wicks_needed"] > 1000
    assert 1e3 < found["tube_w"] < found["thermosyphon_w"]


def test_at_equal_volume_ducts_cost_less_to_push_through_than_arteries_and_veins(wse):
    found = wse.numbers
    assert found["ducts_over_murray"] < 0.2
    # warm water is thinner, so veins take a little less than half of the volume and of the friction
    assert 0.45 < found["veins_share"] < 0.5
    assert found["veins_pump_w"] == pytest.approx(found["veins_share"] * found["murray_pump_w"], rel=1e-9)
    # the mean pressure over all places times the whole flow is what is lost
    flow = found["flow_l_per_min"] / 60e3
    assert 1e3 * found["pressure_kpa"] * flow == pytest.approx(found["murray_pump_w"], rel=1e-6)


def test_pictures_hold_what_the_numbers_say(wse):
    shown = wse.figures()
    image = shown["temperature"].sketch.panels[0].layers[0]
    assert image.values.max() == pytest.approx(wse.numbers["hottest_c"]) and image.unit == "°C"
    assert shown["voltage"].sketch.panels[0].layers[0].values.max() == pytest.approx(wse.numbers["droop_mv"])
    hot = shown["runaway"].sketch.panels[0].layers[0]
    ends = hot.x[np.isfinite(hot.y)].max()
    assert ends == pytest.approx(wse.numbers["runaway_w"], rel=0.01)
    tree = shown["vessels"].sketch.panels[0].layers
    assert sum(np.isnan(layer.x).sum() for layer in tree[:-1]) == 2 * 511 and tree[-1].x.size == 256
    for name in shown:
        assert shown[name].alt


def test_the_same_question_has_the_same_answer():
    assert run(wafer="darwin-wafer").numbers == run(wafer="darwin-wafer").numbers
