"""Meshes with dead places: hops against counting, distances against plain search, percolation near its threshold."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from workbench.errors import DescriptionError
from workbench.measures.mesh import mean_manhattan
from workbench.physics import lattice


@pytest.mark.parametrize(
    ("sides", "mean", "distinct"),
    [((8, 4), 3.875, 4.0), ((8, 16), 7.9375, 8.0), ((32, 32), 21.3125, 21.333), ((64, 64), 42.65625, 42.6667)],
)
def test_mean_hops_of_the_table(sides, mean, distinct):
    assert lattice.mean_hops(*sides) == pytest.approx(mean, abs=1e-12)
    assert lattice.mean_hops(*sides, distinct=True) == pytest.approx(distinct, abs=5e-4)
    assert mean_manhattan(*sides) in (pytest.approx(mean), pytest.approx(distinct, abs=5e-4))


@pytest.mark.parametrize("sides", [(5,), (3, 7), (2, 3, 4)])
def test_mean_hops_are_the_mean_over_all_pairs(sides):
    places = np.argwhere(np.ones(sides))
    far = np.abs(places[:, None] - places[None, :]).sum(axis=2)
    n = len(places)
    assert lattice.mean_hops(*sides) == pytest.approx(far.mean(), rel=1e-12)
    assert lattice.mean_hops(*sides, distinct=True) == pytest.approx(far.sum() / (n * (n - 1)), rel=1e-12)


def test_the_middle_link_of_a_row_carries_most():
    side = 9
    counted = [sum(1 for a in range(side) for b in range(side) if a <= k < b) for k in range(side - 1)]
    assert lattice.link_load(side).tolist() == counted
    assert lattice.link_load(side).argmax() in (3, 4)


def plainly(alive, start, east, south):
    hops = np.full(alive.shape, -1)
    hops[start] = 0
    queue = deque([start])
    while queue:
        r, c = queue.popleft()
        for r2, c2 in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            if not (0 <= r2 < alive.shape[0] and 0 <= c2 < alive.shape[1]) or not alive[r2, c2] or hops[r2, c2] >= 0:
                continue
            link = east[r, min(c, c2)] if r == r2 else south[min(r, r2), c]
            if link:
                hops[r2, c2] = hops[r, c] + 1
                queue.append((r2, c2))
    return hops


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_those_of_plain_breadth_first_search(seed):
    rng = np.random.default_rng(seed)
    alive, east, south = rng.random((13, 17)) > 0.25, rng.random((13, 16)) > 0.1, rng.random((12, 17)) > 0.1
    start = tuple(int(v) for v in np.argwhere(alive)[3])
    got = lattice.distances(alive, start, east=east, south=south)
    assert (got == plainly(alive, start, east, south)).all()
    rows, columns = np.indices(alive.shape)
    manhattan = np.abs(rows - start[0]) + np.abs(columns - start[1])
    assert (got[got >= 0] >= manhattan[got >= 0]).all()


def test_without_faults_distances_are_manhattan_and_nothing_is_cut_off():
    whole = np.ones((40, 30), bool)
    rows, columns = np.indices(whole.shape)
    assert (lattice.distances(whole, (7, 9)) == np.abs(rows - 7) + np.abs(columns - 9)).all()
    assert lattice.unreachable(whole) == []


def test_a_mesh_cut_in_two_says_which_part_is_unreachable():
    alive = np.ones((4, 5), bool)
    alive[:, 3] = False
    assert lattice.unreachable(alive) == [(r, 4) for r in range(4)]
    assert (lattice.distances(alive, (0, 0))[:, 4] == -1).all()
    assert lattice.clusters(alive)[0].tolist() == [0, 0, 0, -1, 1]
    south = np.ones((3, 5), bool)
    south[1] = False
    assert lattice.unreachable(np.ones((4, 5), bool), south=south) == [(r, c) for r in (2, 3) for c in range(5)]


def test_random_meshes_first_span_near_the_site_threshold():
    found = lattice.span_threshold(96, specimens=24, seed=2)
    error = found.std() / np.sqrt(found.size)
    assert found.mean() == pytest.approx(0.5927, abs=max(4 * error, 0.01)) and error < 0.006
    assert np.array_equal(found, lattice.span_threshold(96, specimens=24, seed=2))
    wide = lattice.span_threshold(12, specimens=24, seed=2)
    assert wide.std() > 2 * found.std(), "the passage sharpens with size"


def test_spanning_is_a_way_from_top_to_bottom():
    alive = np.zeros((5, 5), bool)
    alive[:, 2] = True
    assert lattice.spans(alive) and not lattice.spans(alive.T)
    alive[2, 2] = False
    assert not lattice.spans(alive)
    assert lattice.spans(np.ones((3, 1)))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: lattice.distances(np.zeros((3, 3)), (1, 1)), "dead or outside"),
        (lambda: lattice.distances(np.ones((3, 3)), (3, 0)), "dead or outside"),
        (lambda: lattice.distances(np.ones((3, 3)), (0, 0), east=np.ones((3, 3))), "east"),
        (lambda: lattice.clusters(np.ones(4)), "rows and columns"),
        (lambda: lattice.mean_hops(0), "side"),
        (lambda: lattice.mean_hops(1, distinct=True), "one place"),
    ],
)
def test_meshes_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(DescriptionError, match=says):
        wrong()
