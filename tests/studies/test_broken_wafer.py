"""Killing dies of a wafer: yield, hops, energy and chip time follow, spikes do not; stacks have their closed forms; refusals name the part."""

from __future__ import annotations

import numpy as np
import pytest

from widgets.session import Session
from workbench.errors import DescriptionError, PlacementError
from workbench.figures.layers import Image, Lines, Points
from workbench.studies import load_study
from workbench.studies.broken_wafer import LAYERS

STUDY = load_study("broken-wafer").from_border({"compared": 2, "stacks": False, "duration_ms": 30.0})
COLUMN = {"circuit": "potjans-diesmann", "scale": 0.02, "duration_ms": 60.0}


def layers_of(result, name, kind, panel=0):
    return [layer for layer in result.figures()[name].sketch.panels[panel].layers if isinstance(layer, kind)]


@pytest.mark.parametrize("circuit", [{}, {"circuit": "worm"}, COLUMN], ids=["sheet", "worm", "column"])
def test_a_wall_with_a_gap_lengthens_ways_and_leaves_the_spikes(circuit):
    wall = {"killed": "0,1 1,1 2,1 4,1 5,1 6,1 7,1", "compared": 0}
    result = STUDY.changed(circuit | wall).run()
    n = result.numbers
    assert n["dead_dies"] == 7
    assert n["yield_percent"] == pytest.approx(100 * 57 / 64)
    assert n["same_spikes"] == 1
    assert n["spikes"] > 20
    assert n["hops"] > n["hops_whole"]
    assert n["die_links"] > n["die_links_whole"]
    assert n["energy_uj"] > n["energy_whole_uj"]
    assert n["way_energy_change_percent"] > n["energy_change_percent"] > 0
    assert n["chip_time_us"] != n["chip_time_whole_us"]
    assert n["max_link"] > n["max_link_whole"]
    assert n["neurons_left"] == 57 * 16 * 4 - n["neurons"]
    (shown,) = layers_of(result, "map", Image)
    assert np.isnan(shown.values).sum() == 7
    assert np.nansum(shown.values) == n["neurons"]
    (busy,) = layers_of(result, "links", Image)
    assert np.nanmax(busy.values) == pytest.approx(max(np.nanmax(busy.values), n["max_link"]))


def test_with_nothing_broken_both_wafers_are_the_same():
    n = STUDY.run().numbers
    for name in ("hops", "energy", "chip_time"):
        assert n[f"{name}_change_percent"] == 0
    assert n["dead_dies"] == 0
    assert n["yield_percent"] == 100


def test_a_cut_side_is_gone_round():
    n = STUDY.changed({"circuit": "worm", "cut": "0,0-0,1", "compared": 0}).run().numbers
    assert n["cut_sides"] == 1
    assert n["dead_dies"] == 0
    assert n["same_spikes"] == 1
    assert n["hops"] > n["hops_whole"]


def test_chance_kills_more_dies_where_it_is_higher_and_a_click_revives():
    few, more = (STUDY.changed({"dies_percent": p}).broken.dead_dies for p in (10.0, 25.0))
    assert 0 < len(few) < len(more)
    assert set(few) <= set(more)
    x, y = few[0]
    assert (x, y) not in STUDY.changed({"dies_percent": 10.0, "killed": f"{y},{x}"}).broken.dead_dies


def test_layers_are_the_closed_forms():
    """Hops (n² − 1)/(3n) an axis, vias (L − 1) · cores/L · 64 a die, yield bond^(L−1) · (1 − f)^vias, rise nq/h + q r n(n − 1)/2."""
    for layers in LAYERS:
        study = STUDY.changed({"layers": str(layers), "compared": 0})
        chip, n = study.whole, study.run().numbers
        assert chip.dies * chip.cores_per_die == 64 * 16
        sides = (8 * chip.tiles_x, 8 * chip.tiles_y, layers)
        assert n["hops_random_cores"] == pytest.approx(sum((k * k - 1) / (3 * k) for k in sides))
        vias = (layers - 1) * 16 // layers * 64
        assert n["vias"] == 64 * vias
        assert n["stack_yield_percent"] == pytest.approx(100 * 0.98 ** (layers - 1) * (1 - 1e-7) ** vias)
        assert n["stack_yield_unsorted_percent"] == pytest.approx(n["stack_yield_percent"] * 0.9**layers)
        q = 100 / 46_225e-6
        assert n["rise_k"] == pytest.approx(layers * q / 2e4 + q * 1e-5 * layers * (layers - 1) / 2)
        assert n["power_density_w_per_cm2"] == pytest.approx(layers * q / 1e4)
        assert (n["vias_crossed"] > 0) == (layers > 1)


@pytest.mark.parametrize("circuit", ["wafer-sheet", "worm"])
def test_a_stack_shortens_the_ways_and_leaves_the_spikes(circuit):
    flat, deep = (
        STUDY.changed(
            {"circuit": circuit, "layers": n, "compared": 0}
            | ({"neurons": 3000, "patch": 16} if circuit == "wafer-sheet" else {"placement": "force-directed"})
        ).run()
        for n in ("1", "4")
    )
    assert deep.numbers["hops"] < flat.numbers["hops"]
    one, other = flat.recordings["whole"], deep.recordings["whole"]
    assert all(one.spikes[p] == other.spikes[p] for p in one.spikes)


def test_the_pictures_show_the_numbers():
    result = STUDY.changed({"killed": "3,3", "stacks": True}).run()
    for panel, name in enumerate(("hops", "energy_uj", "chip_time_us")):
        here = layers_of(result, "deaths", Points, panel)[-1]
        assert here.x[0] == 1
        assert here.y[0] == pytest.approx(result.numbers[name])
        (line,) = layers_of(result, "deaths", Lines, panel)
        assert line.y[0] == pytest.approx(
            result.numbers[
                name.replace("hops", "hops_whole").replace("y_u", "y_whole_u").replace("time_u", "time_whole_u")
            ]
        )
    counted = layers_of(result, "layers", Points)[0]
    assert counted.x.tolist() == list(LAYERS)
    assert np.all(np.diff(counted.y) < 0.5)
    assert counted.y[0] == pytest.approx(result.numbers["hops_whole"])
    for picture in result.figures().values():
        assert picture.title
        assert picture.alt
        assert picture.source


def test_every_preset_answers():
    for name, changes in STUDY.presets.items():
        study = STUDY.changed({"compared": 0, "duration_ms": 10.0} | changes)
        assert study.run().numbers["same_spikes"] == 1, name


def test_refusals_name_the_part_or_how_many_are_short():
    with pytest.raises(PlacementError, match=r"is cut: no way leads .* \(0, 0\)"):
        STUDY.changed({"killed": "0,1 1,0"}).run()
    with pytest.raises(PlacementError, match=r"is cut: no way leads .* \(0, 0\)"):
        STUDY.changed({"killed": "0,1 1,0", "circuit": "worm"}).run()
    half = " ".join(f"{r},{c}" for r in range(8) for c in range(5))
    with pytest.raises(PlacementError, match="neurons too many"):
        STUDY.changed({"killed": half}).run()
    with pytest.raises(DescriptionError, match="Die 8,0 is not on the wafer"):
        STUDY.changed({"killed": "8,0"})
    with pytest.raises(DescriptionError, match="multiple of 4"):
        STUDY.changed({"tiles_side": 6})


def test_clicking_on_the_map_kills_a_die_and_again_revives_it():
    session = Session(STUDY)
    assert session.paint("map", [(5, 2)])
    assert session.study.killed == "5,2"
    assert session.study.broken.dead_dies == ((2, 5),)
    assert session.paint("map", [(5, 2)])
    assert session.study.killed == ""


def test_what_the_lesson_says_of_corner_wall_and_stack_is_so():
    lesson = load_study("broken-wafer").from_border({"compared": 0, "stacks": False})
    corner, wall = (
        lesson.changed({"killed": dies}).run().numbers
        for dies in ("0,0 0,1 0,2 1,0 1,1 1,2 2,0", "0,3 1,3 2,3 3,3 5,3 6,3 7,3")
    )
    assert corner["dead_dies"] == wall["dead_dies"] == 7
    assert -4 < corner["hops_change_percent"] < 0  # a little less far
    assert wall["hops_change_percent"] > 10
    assert 4.5 < wall["max_link"] / wall["max_link_whole"] < 5.5  # five times
    n = lesson.changed({"layers": "4"}).run().numbers
    assert 1.7 < n["hops_random_cores_flat"] / n["hops_random_cores"] < 2  # twice, nearly
    assert 45_000 < n["vias"] < 50_000  # nearly fifty thousand
    assert n["stack_yield_unsorted_percent"] < 200 / 3  # not two in three
    assert n["rise_k"] < 1
    assert (
        lesson.changed({"layers": "4", "power_w": 15_000.0}).run().numbers["rise_k"] > 80
    )  # 100 W does not mind, 15 kW does
