"""Broken chips: who is dead by die, what hangs together, where cores go instead, the same spikes, refusals that name what is short."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.mapping.broken_chips import BASE, broken, chip, live_links
from workbench import mapping
from workbench.chips import CHIPS
from workbench.chips.defects import LAWS, Defects, cut_links, killed_tiles
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.unfold import unfold
from workbench.errors import DescriptionError, PlacementError
from workbench.experiment import Experiment
from workbench.mapping import place
from workbench.mapping.detour import distances
from workbench.mapping.faults import Faults, drawn, faults_of, logical, repaired
from workbench.mapping.mapped import plan
from workbench.mapping.traffic import Traffic
from workbench.physics import lattice, yields
from workbench.units import mm2, ms, per_mm2

# --- who is dead --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
def test_as_many_cores_die_as_the_law_says(law):
    """Dies of 5 × 5 tiles on 320 × 320: 4,096 dies; the mean over dies within four standard errors of the closed form."""
    made = chip(320, 320, density=1 * per_mm2, law=law, alpha=2.0, die_tiles=5, die=4)
    alive = ~drawn(made).cores[:, :, 0]
    of_die = alive.reshape(64, 5, 64, 5).swapaxes(1, 2).reshape(4096, 25)
    lam = float(yields.mean_defects(made.core_area, 1 * per_mm2))
    spread = of_die.mean(axis=1).std() / 64
    assert of_die.mean() == pytest.approx(float(yields.survival(lam, law, alpha=2.0)), abs=4 * spread)
    perfect = of_die.all(axis=1).mean()  # a die of 25 cores is one area of 25 λ under the same law
    expected = float(yields.survival(25 * lam, law, alpha=2.0))
    assert perfect == pytest.approx(expected, abs=4 * np.sqrt(max(expected, 1e-4) / 4096))


def test_clusters_leave_whole_dies_good_and_spoil_others():
    """With the same share of dead cores, clustered defects leave more dies without any."""
    good = {}
    for law in ("poisson", "seeds"):
        cores = drawn(chip(100, 100, density=0.5 * per_mm2, law=law, die_tiles=5)).cores[:, :, 0]
        good[law] = (~cores).reshape(20, 5, 20, 5).all(axis=(1, 3)).mean()
    assert good["seeds"] > 3 * good["poisson"]


def test_the_die_decides_and_more_defects_kill_what_fewer_kill():
    settings_ = dict(density=0.4 * per_mm2, law="negative binomial", routers=0.1, links=0.1, die_tiles=4)
    one, same, other = (drawn(chip(12, 9, die=d, **settings_)) for d in (1, 1, 2))
    assert np.array_equal(one.cores, same.cores)
    assert np.array_equal(one.links, same.links)
    assert not np.array_equal(one.cores, other.cores)
    worse = drawn(chip(12, 9, die=1, **{**settings_, "density": 0.8 * per_mm2, "routers": 0.2, "links": 0.3}))
    for less, more in ((one.cores, worse.cores), (one.tiles, worse.tiles), (one.links, worse.links)):
        assert np.all(more[less])
        assert more.sum() > less.sum()


def test_whole_dies_die_together():
    found = drawn(chip(20, 20, die_tiles=5, dies=0.5, die=3)).tiles.reshape(4, 5, 4, 5).swapaxes(1, 2).reshape(16, 25)
    assert np.array_equal(found.all(axis=1), found.any(axis=1))
    assert 0 < found.all(axis=1).sum() < 16


def test_what_is_killed_by_hand_is_dead():
    found = drawn(chip(4, 3, killed="1,2 0,0 0,0", cut="2,0-2,1 0,3-1,3"))
    assert np.argwhere(found.tiles).tolist() == [[1, 2]]
    assert found.cores[1, 2].all()
    assert not found.open[:, 1, 2].any()
    assert not found.open[0, 2, 0]
    assert not found.open[1, 2, 1]
    assert not found.open[2, 0, 3]
    assert not found.open[3, 1, 3]
    assert found.counts["dead links"] == 2 + 4
    again = Faults.by_hand(chip(4, 3), tiles=((1, 2),), links=(((2, 1), (2, 0)), ((0, 3), (1, 3))))
    assert np.array_equal(again.links, found.links)
    assert np.array_equal(again.cores, found.cores)
    assert killed_tiles("3,4 3,4 1,0") == ((1, 0),)
    assert cut_links("3,5-3,4") == (((3, 4), (3, 5)),)


def test_cerebras_spares_are_far_more_than_random_defects_need():
    """970,000 cores of 0.05 mm² at 0.001 defects/mm²: 48.5 dead on average (48.5 = 970,000 · (1 − e^−0.00005))."""
    dead = [
        drawn(replace(chip(1000, 970, density=0.001 * per_mm2, die=d), core_area=0.05 * mm2)).cores.sum()
        for d in range(8)
    ]
    assert np.mean(dead) == pytest.approx(48.4988, abs=4 * np.sqrt(48.5 / 8))


# --- what hangs together ------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(broken)
def test_parts_and_distances_are_those_of_the_graph(faults):
    east, north = live_links(faults)
    alive = ~faults.tiles
    if not alive.any():
        assert faults.usable == 0
        return
    theirs = lattice.clusters(alive, east=east, south=north)
    assert np.array_equal(faults.part >= 0, alive)
    for one, other in ((faults.part, theirs), (theirs, faults.part)):  # the same cells together, whatever the numbers
        for label in range(int(one.max()) + 1):
            assert np.unique(other[one == label]).size == 1
    assert (faults.part == 0).sum() == (theirs == 0).sum()
    start = tuple(np.argwhere(alive)[0].tolist())
    expected = lattice.distances(alive, start, east=east, south=north)
    assert np.array_equal(distances(faults, (start[1], start[0])), expected)


@pytest.mark.parametrize(
    ("dead", "knob", "low", "high"), [("tiles", "routers", 0.35, 0.46), ("links", "links", 0.44, 0.56)]
)
def test_a_mesh_falls_apart_near_the_percolation_threshold(dead, knob, low, high):
    """160 × 160: a giant part below 40.7 % dead tiles (0.593 alive) or 50 % dead links, crumbs above."""
    share = {}
    for at in (low, high):
        part = drawn(chip(160, 160, die=1, **{knob: at})).part
        share[at] = (part == 0).sum() / (part >= 0).sum()
    assert share[low] > 0.85, dead
    assert share[high] < 0.25, dead


# --- places -------------------------------------------------------------------------------------------------------------


def net(cores, seed=0):
    """Random packets between so many cores."""
    rng = np.random.default_rng(seed)
    source, target = rng.integers(0, cores, (2, 6 * cores)).astype(np.int32)
    pair = np.unique(source.astype(np.int64) * cores + target)
    return Traffic(
        cores, (pair // cores).astype(np.int32), (pair % cores).astype(np.int32), rng.uniform(1, 9, pair.size)
    )


@pytest.mark.parametrize("repair", ["around", "nearest", "shift"])
@pytest.mark.parametrize("placement", ["row-major", "random", "hilbert", "force-directed", "annealing"])
@pytest.mark.parametrize("each", [1, 3])
def test_every_core_gets_a_living_place_of_its_own(placement, repair, each):
    made = chip(7, 6, each=each, die=5, density=0.5 * per_mm2, routers=0.08, links=0.1, repair=repair, spare_columns=2)
    faults = faults_of(made)
    cores = min(faults.usable, logical(made).cores) - 2
    tiles = place.method(placement, net(cores), made, 0, faults).tiles
    used = np.zeros(faults.tiles.shape, int)
    np.add.at(used, (tiles[:, 1], tiles[:, 0]), 1)
    assert np.all(used <= faults.room)
    assert used.sum() == cores
    assert np.array_equal(tiles, place.method(placement, net(cores), made, 0, faults).tiles)


def test_a_small_broken_mesh_is_searched_through():
    """5 cores on 3 × 3 tiles of which two are dead: no other placement on living tiles is cheaper."""
    made = chip(3, 3, killed="1,1 0,2")
    faults, traffic = faults_of(made), net(5, seed=2)
    living = np.argwhere(faults.room > 0)[:, ::-1]
    best = min(traffic.hops(living[list(p)].astype(np.int32)) for p in itertools.permutations(range(7), 5))
    assert place.force_directed(traffic, made, faults=faults).costs[-1] == pytest.approx(best)


def test_searches_are_never_worse_than_their_start_on_what_lives():
    made = chip(9, 9, die=2, routers=0.2)
    faults, traffic = faults_of(made), net(40, seed=1)
    start = place.random(40, made, seed=3, faults=faults)
    pulled = place.force_directed(traffic, made, start=start, faults=faults)
    assert np.all(np.diff(pulled.costs) <= 1e-9)
    assert pulled.costs[-1] == pytest.approx(traffic.hops(pulled.tiles))
    assert place.annealing(traffic, made, seed=0, start=start, faults=faults).costs[-1] <= traffic.hops(start)


def test_who_lies_on_a_dead_tile_goes_to_the_nearest_free_one_and_nobody_else_moves():
    made = chip(6, 4, killed="1,1 2,3", repair="nearest", spare_columns=1)
    faults = faults_of(made)
    meant = place.row_major(20, logical(made))  # full: only the last column is free
    moved = repaired(meant, made, faults)
    changed = np.flatnonzero((meant != moved).any(axis=1))
    assert meant[changed].tolist() == [[1, 1], [3, 2]]
    assert moved[changed].tolist() == [[5, 1], [5, 2]]
    few = repaired(meant[:8], made, faults)  # half empty: tile (0, 2) is as near as (1, 2), and comes first
    assert few[6].tolist() == [1, 2]


def test_rows_slide_past_their_dead_tiles():
    made = chip(6, 3, killed="1,1 1,3 2,0", repair="shift", spare_columns=2)
    meant = place.row_major(12, logical(made))
    moved = repaired(meant, made, faults_of(made))
    assert moved[:4].tolist() == [[0, 0], [1, 0], [2, 0], [3, 0]]
    assert moved[4:8].tolist() == [[0, 1], [2, 1], [4, 1], [5, 1]]
    assert moved[8:].tolist() == [[1, 2], [2, 2], [3, 2], [4, 2]]


def test_a_row_with_too_few_living_tiles_sends_the_rest_to_the_nearest():
    made = chip(4, 3, killed="1,0 1,1", repair="shift", spare_columns=1)
    meant = place.row_major(9, logical(made))
    moved = repaired(meant, made, faults_of(made))
    assert moved[3:5].tolist() == [[2, 1], [3, 1]]
    assert moved[5].tolist() == [3, 0]  # (2, 1), where it should be, is taken; (3, 0) and (3, 2) are as near


# --- all together -------------------------------------------------------------------------------------------------------


def test_a_chip_with_nothing_broken_is_as_it_was():
    worm = unfold(CIRCUITS["worm"].network(), seed=0)
    plain = replace(BASE, placement="force-directed", routing="multicast")
    quiet = replace(plain, defects=Defects(law="seeds", spare_columns=1, detours="up-down"))
    spared = replace(plain, defects=Defects(density=1e-12 * per_mm2))  # could die, and did not
    for other in (quiet, spared):
        one, same = plan(worm, plain, seed=0), plan(worm, other, seed=0)
        assert same.faults is None
        assert np.array_equal(one.mapped.tiles, same.mapped.tiles)
        assert one.mapped.costs == same.mapped.costs


CASES = [
    ("worm", dict(routers=0.15, links=0.1), {}),
    ("worm", dict(routers=0.15, links=0.1, detours="up-down"), {"routing": "unicast"}),
    ("worm", dict(density=0.6 * per_mm2, law="seeds", die_tiles=4, repair="nearest", spare_columns=1), {}),
    (
        "potjans-diesmann",
        dict(density=0.6 * per_mm2, links=0.05, killed="2,2 2,3 2,4"),
        {"neurons_per_core": 64, "axons_in": 10**5, "axons_out": 10**5},
    ),
]


@pytest.mark.parametrize(("circuit", "defects", "knobs"), CASES)
@pytest.mark.parametrize("timing", ["simple", "queued", "asynchronous"])
def test_faults_change_ways_and_costs_but_no_spike(circuit, defects, knobs, timing):
    whole = replace(BASE, placement="force-directed", routing="multicast", timing=timing)
    whole = replace(whole, **knobs)
    hurt = replace(whole, die=3, defects=Defects(**defects))
    runs = [Experiment(CIRCUITS[circuit].quick(), c, duration=20 * ms, dt=0.1 * ms).run() for c in (whole, hurt)]
    one, two = runs
    assert one.spikes.keys() == two.spikes.keys()
    for name in one.spikes:
        for part in ("times", "neurons"):
            assert np.array_equal(getattr(one.spikes[name], part), getattr(two.spikes[name], part))
    assert sum(len(s.times) for s in one.spikes.values()) > 0
    ledger, faults = two.ledger, faults_of(hurt)
    of = {e: int(ledger.counts[:, :, k].sum()) for k, e in enumerate(ledger.events)}
    before = {e: int(one.ledger.counts[:, :, k].sum()) for k, e in enumerate(ledger.events)}
    kept = [e for e in ledger.events if e not in ("east-west hop", "north-south hop", "tile-local packet")]
    assert [of[e] for e in kept] == [before[e] for e in kept]  # what is computed is the same, only ways differ
    assert ledger.links[:, :2].sum() == of["east-west hop"]  # every hop is a packet over a link, and none is dead
    assert ledger.links[:, 2:].sum() == of["north-south hop"]
    assert not ledger.links[:, faults.links].any()
    assert any("cores are dead" in said for said in two.placement.losses)
    price = hurt.prices
    more = sum((of[e] - before[e]) * price[e].joules for e in of)
    assert ledger.total - one.ledger.total == pytest.approx(more, abs=1e-9 * one.ledger.total)


# --- refusals -----------------------------------------------------------------------------------------------------------


def worm_on(**defects):
    return mapping.map(unfold(CIRCUITS["worm"].network(), seed=0), chip(6, 6, **defects), seed=0)


def test_a_network_larger_than_what_survives_is_refused_with_the_neurons_that_are_short():
    """397 cells on cores of 16 need 25; of 36 tiles 12 are dead: the 13 cells of the last core do not fit."""
    with pytest.raises(
        PlacementError, match=r"Of the 36 cores .* 24 are left: 12 are dead, 0 cannot.* needs 25: 13 neurons do"
    ) as no:
        worm_on(killed=" ".join(f"{r},{c}" for r in (0, 5) for c in range(6)))
    assert "tiles_x=" in str(no.value)


def test_a_mesh_cut_in_two_is_refused_with_the_part_no_way_leads_to():
    wall = " ".join(f"{r},2" for r in range(6))
    with pytest.raises(PlacementError, match=r"12 living tiles with 12 cores: \(0, 0\), \(1, 0\), \(0, 1\)"):
        worm_on(killed=wall)
    links = " ".join(f"{r},2-{r},3" for r in range(6))
    with pytest.raises(PlacementError, match=r"18 living tiles with 18 cores: \(3, 0\), \(4, 0\), \(5, 0\)"):
        worm_on(cut=links)


def test_a_network_that_fits_the_larger_part_stays_there_and_the_loss_is_said():
    worm = unfold(CIRCUITS["worm"].network(), seed=0)
    made = chip(8, 8, killed=" ".join(f"{r},2" for r in range(8)))
    found = plan(worm, made, seed=0)
    assert found.mapped.tiles[:, 0].min() == 3
    assert any("16 living tiles" in said for said in found.faults.said())


def test_a_placement_by_hand_on_dead_or_unreachable_tiles_is_refused():
    worm = unfold(CIRCUITS["worm"].network(), seed=0)
    made = chip(8, 8, killed="0,3 0,0", cut="7,0-7,1 7,0-6,0")
    rows = place.row_major(25, chip(8, 8))
    with pytest.raises(PlacementError, match=r"core 0 is placed on tile \(0, 0\) .* no living core"):
        mapping.map(worm, made, seed=0, tiles=rows)
    rows[:4] = [[0, 7], [5, 7], [6, 7], [7, 7]]
    with pytest.raises(
        PlacementError, match=r"core 0 is placed on tile \(0, 7\) .* cannot reach.* 1 living tiles .*\(0, 7\)"
    ):
        mapping.map(worm, made, seed=0, tiles=rows)


def test_a_mesh_of_crumbs_says_that_growing_does_not_help():
    with pytest.raises(PlacementError, match="falls into small parts"):
        worm_on(links=0.8, die=1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (dict(killed="3;4"), "'3;4' is no tile"),
        (dict(cut="0,0-2,0"), "two tiles beside each other"),
        (dict(cut="0,0"), "is no link"),
        (dict(killed="8,0"), "Tile 8,0 lies off the mesh"),
        (dict(cut="0,7-0,8"), "Tile 0,8 lies off the mesh"),
        (dict(spare_rows=8), "leave none to use"),
        (dict(density=200 * per_mm2), "/mm²"),
        (dict(law="gauss"), "law"),
    ],
)
def test_defects_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(DescriptionError, match=said):
        chip(8, 8, **wrong)


def test_a_chip_without_area_cannot_be_hit():
    with pytest.raises(DescriptionError, match="core_area"):
        replace(CHIPS["darwin3"], defects=Defects(density=1.0))


def test_a_reserve_is_not_counted_while_it_is_kept_for_repair_and_the_mesh_that_would_do_does():
    with pytest.raises(PlacementError, match="has 24 cores besides its reserve, .* 13 neurons") as no:
        worm_on(repair="shift", spare_columns=2, killed="0,0")
    grown = dict(re.findall(r"(tiles_[xy])=(\d+)", str(no.value)))
    mapping.map(
        unfold(CIRCUITS["worm"].network(), seed=0),
        chip(int(grown.get("tiles_x", 6)), int(grown.get("tiles_y", 6)), repair="shift", spare_columns=2, killed="0,0"),
        seed=0,
    )


@pytest.mark.parametrize("timing", ["queued", "asynchronous"])
def test_a_saved_and_resumed_run_on_a_broken_chip_goes_on_as_if_nothing_had_been(timing, tmp_path):
    made = replace(chip(8, 8, die=3, routers=0.15, links=0.1, routing="multicast"), timing=timing)
    going = Experiment(CIRCUITS["worm"], made, duration=20 * ms, dt=0.1 * ms)
    program = going.compile()
    drive = draw(program.netlist, 20 * ms, dt=0.1 * ms, seed=0)
    straight = program.run(drive, seed=0)
    run = program.start(drive, seed=0)
    run.advance(7 * ms)
    resumed = going.compile().resume(run.save(tmp_path / "half"))
    resumed.advance(13 * ms)
    for one, other in zip(
        (straight.ledger.counts, straight.ledger.chip_times, straight.ledger.links),
        (resumed.recording().ledger.counts, resumed.recording().ledger.chip_times, resumed.recording().ledger.links),
        strict=True,
    ):
        assert np.array_equal(one, other)
