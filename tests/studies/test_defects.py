"""The study of a broken wafer: its numbers are the mapping's and the closed forms', its pictures show what is dead, its presets fit."""

from __future__ import annotations

import numpy as np
import pytest

from widgets.session import Session
from workbench.errors import DescriptionError, PlacementError
from workbench.figures.layers import Image, Lines, Points
from workbench.mapping.faults import faults_of
from workbench.studies import load_study

STUDY = load_study("wafer-defects").from_border({"run_it": False, "specimens": 2})


@pytest.fixture(scope="module")
def result():
    return STUDY.run()


def layers(result, name, kind, panel=0):
    return [layer for layer in result.figures()[name].sketch.panels[panel].layers if isinstance(layer, kind)]


def test_the_yield_table_is_that_of_the_facts(result):
    """λ = 0.1: 0.9048, 0.9056, 0.9091, 0.9070, 0.9063; 48.5 of 970,000 cores; 92.8 % enabled."""
    n = result.numbers
    table = [n[f"yield_100mm2_{law}"] for law in ("poisson", "murphy", "seeds", "nb2", "nb3")]
    assert np.round(table, 4).tolist() == [0.9048, 0.9056, 0.9091, 0.9070, 0.9063]
    assert n["wse_expected_dead"] == pytest.approx(48.4988, abs=1e-4)
    assert n["wse_enabled_percent"] == pytest.approx(92.78, abs=0.01)
    assert n["wse_spares_over_need"] == pytest.approx(70_000 / 48.4988, rel=1e-6)
    assert n["wse_without_spares"] == pytest.approx(np.exp(-48.5), rel=1e-9)


def test_numbers_are_those_of_the_wafer_and_its_mapping(result):
    n, chip = result.numbers, STUDY.as_set
    found = faults_of(chip)
    assert n["cores"] == 144
    assert n["dead_cores"] == found.counts["dead cores"] > 0
    assert n["usable_cores"] == n["cores_used"] + n["cores_left"]
    assert n["shortest_ways_percent"] == 100.0
    assert n["deadlock_free"] == 1
    assert n["hops"] > n["hops_whole"]
    assert n["energy_nj"] > n["energy_whole_nj"]
    lam = 0.41 * 0.2
    assert n["core_yield_percent"] == pytest.approx(100 * (1 + lam / 2) ** -2)
    assert n["die_yield_percent"] == pytest.approx(100 * (1 + 16 * lam / 2) ** -2)


def test_a_run_gives_the_same_spikes_on_the_broken_wafer():
    made = STUDY.changed({"run_it": True}).run()
    assert made.numbers["same_spikes"] == 1
    assert made.numbers["spikes"] > 0
    assert made.numbers["run_energy_nj"] != made.numbers["run_energy_whole_nj"]
    assert made.numbers["chip_time_us"] != made.numbers["chip_time_whole_us"]
    assert set(made.recordings) == {"whole", "broken"}


def test_nothing_broken_costs_nothing():
    n = STUDY.preset("nothing broken").changed({"run_it": False, "specimens": 1}).run().numbers
    assert n["hops"] == n["hops_whole"]
    assert n["energy_change_percent"] == 0
    assert (n["dead_cores"], n["dead_links"], n["virtual_channels"], n["longer_ways_percent"]) == (0, 0, 1, 0)


def test_one_channel_is_enough_for_ways_that_may_be_longer():
    one = STUDY.changed({"routers_percent": 12.0})
    shortest, up_down = (one.changed({"detours": style}).run().numbers for style in ("shortest", "up-down"))
    assert up_down["virtual_channels"] == 1 < shortest["virtual_channels"]
    assert up_down["shortest_ways_percent"] < 100 == shortest["shortest_ways_percent"]
    assert up_down["hops"] > shortest["hops"]


def test_painting_the_map_kills_a_tile():
    session = Session(STUDY)
    assert session.paint("map", [(5, 5), (5, 6)])
    assert session.study.defects.killed == "5,5 5,6"
    hurt = session.study.run()
    cells = layers(hurt, "map", Image)[0].values
    assert np.isnan(cells[5, 5:7]).all()
    assert hurt.numbers["dead_tiles"] == 2


def test_the_map_shows_dead_cut_off_and_spare_tiles():
    """Column 9 is dead, so columns 10 and 11 hang off; rows 0 and 1 lose tile (0, 3) and (1, 3), and shift past it."""
    wall = " ".join(f"{r},9" for r in range(12))
    settings = {"density_per_mm2": 0.0, "links_percent": 0.0, "neurons_per_core": 8}
    cut = STUDY.changed({**settings, "killed": wall}).run()
    cells = layers(cut, "map", Image)[0].values
    assert np.isnan(cells[:, 9]).all()
    assert (cells[:, 10:] < 0).all()
    assert (cells[:, :9] >= 0).all()
    assert cells[cells > 0].sum() == 397
    assert cut.numbers["unreachable_tiles"] == 24
    shifted = STUDY.changed(
        {
            **settings,
            "neurons_per_core": 4,
            "killed": "0,3 1,3",
            "spare_columns": 1,
            "repair": "shift",
            "placement": "row-major",
        }
    ).run()
    spare = next(p for p in layers(shifted, "map", Points) if p.label == "spare in use")
    assert sorted(zip(spare.x.tolist(), spare.y.tolist(), strict=True)) == [(11, 0), (11, 1)]


def test_dead_links_are_below_nought_and_carry_nothing():
    made = STUDY.changed({"cut": "5,5-5,6 3,3-4,3", "density_per_mm2": 0.0, "links_percent": 0.0}).run()
    cells = layers(made, "links", Image)[0].values
    assert np.argwhere(cells < 0).tolist() == [[7, 6], [10, 11]]
    assert made.numbers["dead_links"] == 2


def test_the_curve_grows_from_the_whole_wafer_and_keeps_every_specimen(result):
    dots, mean = layers(result, "density", Points)[0], layers(result, "density", Lines)[0]
    assert dots.y.size == 5 * 2
    assert mean.y[-1] > mean.y[0] >= result.numbers["hops_whole"] - 1e-9
    assert np.allclose(mean.x, np.array([0, 0.1, 0.2, 0.3, 0.4]))


def test_what_was_drawn_lies_on_its_law(result):
    """900 dies of 16 cores and more: within four standard errors."""
    drawn = layers(result, "yield", Points)[0]
    expected = np.array([result.numbers["core_yield_percent"], result.numbers["die_yield_percent"]])
    assert drawn.y == pytest.approx(expected, abs=400 * np.sqrt(0.25 / 900))


def test_a_mesh_falls_apart_between_its_thresholds(result):
    tiles, links = layers(result, "parts", Lines)
    for line, threshold in ((tiles, 40.7), (links, 50.0)):
        assert line.y[line.x < threshold - 7].min() > 85
        assert line.y[line.x > threshold + 7].max() < 20


@pytest.mark.parametrize("name", list(STUDY.presets))
def test_every_preset_fits(name):
    made = STUDY.preset(name).changed({"run_it": False, "specimens": 1}).quick().run()
    assert made.numbers["deadlock_free"] == 1
    for picture in made.figures().values():
        assert picture.alt


def test_too_broken_a_wafer_is_refused_and_a_tile_off_it_too():
    with pytest.raises(PlacementError, match=r"\d+ neurons do not fit"):
        STUDY.changed({"routers_percent": 35.0}).run()
    with pytest.raises(DescriptionError, match="Tile 12,0 lies off"):
        STUDY.changed({"killed": "12,0"})
    with pytest.raises(DescriptionError, match="leave none to use"):
        STUDY.changed({"spare_columns": 12})
