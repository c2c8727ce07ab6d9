"""Placement: the curve's table, the exact optimum, searches that are never worse than their start, and the bars of the house."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.chips import CHIPS
from workbench.errors import DescriptionError, PlacementError
from workbench.mapping import curve, place
from workbench.mapping.traffic import Traffic

BASE = CHIPS["loihi-small-cores"]


def mesh(x, y, each=1):
    return replace(BASE, tiles_x=x, tiles_y=y, cores_per_tile=each)


def random_traffic(seed, cores, pairs):
    rng = np.random.default_rng(seed)
    table = np.zeros((cores, cores))
    np.add.at(table, tuple(rng.integers(0, cores, (2, pairs))), rng.integers(1, 20, pairs))
    source, target = np.nonzero(table)
    return Traffic(cores, source.astype(np.int32), target.astype(np.int32), table[source, target])


def layered(layers, wide):
    """Layers of `wide` clusters, each sending one packet to every cluster of the next layer."""
    source = np.repeat(np.arange((layers - 1) * wide), wide)
    target = (source // wide + 1) * wide + np.tile(np.arange(wide), (layers - 1) * wide)
    return Traffic(layers * wide, source.astype(np.int32), target.astype(np.int32), np.ones(source.size))


# --- the curve --------------------------------------------------------------------------------------------------------

TABLE = {  # facts: mean Manhattan distance at index lag on 64 × 64, computed
    "hilbert": {1: 1.000, 4: 2.400, 16: 4.967, 64: 10.004, 256: 20.075},
    "row_major": {1: 1.969, 4: 7.510, 16: 24.153, 64: 1.000, 256: 4.000},
    "boustrophedon": {1: 1.000, 4: 3.938, 16: 14.271, 64: 33.000, 256: 4.000},
}


@pytest.mark.parametrize("name", TABLE)
def test_neighbours_in_number_are_as_near_as_the_table_says(name):
    tiles = getattr(curve, name)(64, 64).astype(int)
    for lag, mean in TABLE[name].items():
        assert np.abs(tiles[lag:] - tiles[:-lag]).sum(axis=1).mean() == pytest.approx(mean, abs=0.0005)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_the_curve_visits_every_tile_of_any_mesh_once_by_short_steps(x, y):
    tiles = curve.hilbert(x, y)
    assert sorted(map(tuple, tiles.tolist())) == [(a, b) for a in range(x) for b in range(y)]
    steps = np.abs(np.diff(tiles, axis=0)).sum(axis=1)
    assert np.all(steps >= 1)
    assert np.count_nonzero(steps == 2) <= ((x % 2) != (y % 2))
    assert steps.max(initial=0) <= 2


def test_several_cores_share_a_tile_before_the_next():
    tiles = place.hilbert(6, mesh(2, 2, each=2))
    assert tiles.tolist() == [[0, 0], [0, 0], [0, 1], [0, 1], [1, 1], [1, 1]]


# --- the optimum ------------------------------------------------------------------------------------------------------


def slow_optimum(traffic, x, y):
    tiles = curve.row_major(x, y)
    return min(traffic.hops(tiles[list(p)]) for p in permutations(range(x * y), traffic.cores))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([(2, 2), (3, 2), (6, 1), (2, 3)]), st.integers(1, 6), st.integers(1, 25))
def test_optimal_is_the_best_of_all_placements(seed, shape, cores, pairs):
    chip = mesh(*shape)
    traffic = random_traffic(seed, min(cores, chip.tiles), pairs)
    best = slow_optimum(traffic, *shape)
    assert traffic.hops(place.optimal(traffic, chip)) == best
    assert traffic.hops(place.force_directed(traffic, chip).tiles) == best
    assert traffic.hops(place.annealing(traffic, chip, seed=seed).tiles) == best


@pytest.mark.parametrize("seed", range(3))
def test_nine_cores_on_nine_tiles_are_searched_through(seed):
    """8! placements with core 0 on the middle, an edge or a corner: with the mesh's eight symmetries, all there are."""
    traffic = random_traffic(seed, 9, 24)
    table = np.zeros((9, 9))
    table[traffic.source, traffic.target] = traffic.packets
    tiles = curve.row_major(3, 3).astype(int)
    apart = np.abs(tiles[:, None] - tiles[None]).sum(axis=2)
    order = np.array(list(permutations(range(8))), np.int8)
    least = np.inf
    for first in (0, 1, 4):  # up to symmetry
        rest = np.array([t for t in range(9) if t != first], np.int8)
        where = np.column_stack([np.full(len(order), first, np.int8), rest[order]])
        cost = sum(table[a, b] * apart[where[:, a], where[:, b]] for a, b in zip(*np.nonzero(table), strict=True))
        least = min(least, float(cost.min()))
    assert traffic.hops(place.optimal(traffic, mesh(3, 3))) == least


def test_tiles_with_room_for_several_are_filled_in_the_best_way():
    """Two pairs that talk, two tiles of two: each pair on one tile costs nothing."""
    traffic = Traffic(4, np.array([0, 1], np.int32), np.array([2, 3], np.int32), np.array([5.0, 5.0]))
    tiles = place.optimal(traffic, mesh(2, 1, each=2))
    assert traffic.hops(tiles) == 0
    assert np.bincount(tiles[:, 0]).tolist() == [2, 2]


def test_optimal_refuses_what_it_cannot_try():
    with pytest.raises(DescriptionError, match="at most 9 cores and 9 tiles, not 10 cores on 16 tiles"):
        place.optimal(random_traffic(0, 10, 20), mesh(4, 4))


# --- the searches -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([(4, 3, 1), (5, 5, 1), (3, 4, 3), (17, 16, 1), (20, 20, 2)]),
    st.integers(2, 40),
    st.integers(1, 200),
)
def test_a_search_is_never_worse_than_its_start(seed, shape, cores, pairs):
    chip = mesh(*shape)
    traffic = random_traffic(seed, min(cores, chip.cores), pairs)
    start = place.random(traffic.cores, chip, seed=seed)
    pulled = place.force_directed(traffic, chip, start=start)
    cooled = place.annealing(traffic, chip, seed=seed, start=start, stages=20, tries=10)
    assert np.all(np.diff(pulled.costs) <= 0)
    for found in (pulled, cooled):
        assert traffic.hops(found.tiles) <= traffic.hops(start)
        assert found.costs[0] == traffic.hops(start)
        assert found.costs[-1] == traffic.hops(found.tiles)
        place.slots_of(found.tiles, chip)  # on the mesh, and no tile too full


def test_the_start_is_the_curve_unless_another_is_given():
    traffic, chip = random_traffic(1, 30, 200), mesh(8, 8)
    curve_cost = traffic.hops(place.hilbert(30, chip))
    assert place.force_directed(traffic, chip).costs[0] == curve_cost
    assert place.annealing(traffic, chip, seed=0).costs[0] == curve_cost


def test_where_pulling_ends_no_core_gains_by_changing_places():
    """On a small mesh it looks at every tile: the end is a minimum of all exchanges of two."""
    traffic, chip = random_traffic(3, 20, 80), mesh(5, 5)
    tiles = place.force_directed(traffic, chip).tiles
    least = traffic.hops(tiles)
    free = [t for t in curve.row_major(5, 5).tolist() if t not in tiles.tolist()]
    for p in range(20):
        for q in range(p):
            other = tiles.copy()
            other[[p, q]] = tiles[[q, p]]
            assert traffic.hops(other) >= least - 1e-9
        for tile in free:
            other = tiles.copy()
            other[p] = tile
            assert traffic.hops(other) >= least - 1e-9


def test_the_seed_decides_and_nothing_else():
    traffic, chip = random_traffic(5, 40, 300), mesh(8, 8)
    one, same, other = (place.annealing(traffic, chip, seed=s, stages=30).tiles for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(place.random(40, chip, seed=1), place.random(40, chip, seed=2))


def test_curve_and_forces_halve_the_hops_of_a_layered_net():
    """Bar: 64 layers of 64 clusters on 64 × 64 tiles, at most half the hops of a random placement."""
    traffic, chip = layered(64, 64), mesh(64, 64)
    random = traffic.hops(place.random(4096, chip, seed=0))
    assert random / traffic.total == pytest.approx(42.67, rel=0.01)  # (n² − 1)/3n + (m² − 1)/3m over different tiles
    assert traffic.hops(place.hilbert(4096, chip)) <= 0.26 * random
    assert place.force_directed(traffic, chip).costs[-1] <= 0.25 * random


def test_ten_thousand_clusters_come_to_rest():
    """Local traffic on 100 × 100 tiles: no change of places is left long before the sweeps run out."""
    rng = np.random.default_rng(0)
    source = np.repeat(np.arange(10_000), 10)
    target = (source + np.rint(rng.laplace(0, 30, source.size)).astype(int)) % 10_000
    traffic = Traffic(10_000, source.astype(np.int32), target.astype(np.int32), np.ones(source.size))
    chip = mesh(100, 100)
    found = place.force_directed(traffic, chip)
    assert len(found.costs) < 100
    assert found.costs[-1] < 0.9 * traffic.hops(place.hilbert(10_000, chip))
    assert found.costs[-1] < 0.1 * traffic.hops(place.random(10_000, chip, seed=0))
    assert sorted(map(tuple, found.tiles.tolist())) == [(x, y) for x in range(100) for y in range(100)]


# --- what does not go --------------------------------------------------------------------------------------------------


def test_too_many_cores_are_refused_with_the_numbers():
    with pytest.raises(PlacementError, match=r"has 4 cores \(2 × 2 tiles of 1\), 5 are to be placed: 1 too many"):
        place.hilbert(5, mesh(2, 2))


def test_a_start_off_the_mesh_or_too_crowded_is_refused():
    traffic = random_traffic(0, 3, 5)
    with pytest.raises(PlacementError, match=r"core 1 is placed on tile \(4, 0\); .* tiles \(0, 0\) to \(3, 3\)"):
        place.force_directed(traffic, mesh(4, 4), start=np.array([[0, 0], [4, 0], [1, 1]], np.int32))
    with pytest.raises(PlacementError, match=r"Tile \(1, 1\) .* has 2 cores placed on it, limit 1"):
        place.force_directed(traffic, mesh(4, 4), start=np.array([[0, 0], [1, 1], [1, 1]], np.int32))
