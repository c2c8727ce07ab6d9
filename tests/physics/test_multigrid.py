"""Multigrid: a symmetric, positive stand-in for the inverse, whatever the shape, the edges and the contrast of the sheets."""

from __future__ import annotations

import numpy as np
import pytest

from tests.physics import sheets_twin
from workbench.errors import DescriptionError
from workbench.physics.coolant import drifted
from workbench.physics.krylov import settled
from workbench.physics.multigrid import Multigrid
from workbench.physics.sheets import Sheets

RNG = np.random.default_rng(11)


def disc(rows: int, columns: int) -> np.ndarray:
    """1 inside a disc, 0 outside, what is covered at its edge."""
    y, x = np.indices((rows, columns))
    far = np.hypot((y + 0.5) / rows - 0.5, (x + 0.5) / columns - 0.5)
    return np.clip((0.5 - far) * max(rows, columns), 0.0, 1.0)


def sheets(cells=(33, 18), size=(0.2, 0.1), edges=("closed", "closed"), cover=None) -> Sheets:
    round_ = disc(*cells) if cover is None else cover
    return Sheets(
        cells=cells,
        size=size,
        along=[0.1 * round_, 0.3 * RNG.uniform(0.2, 1, cells), 1.2 * round_],
        across=[4e5, 6e4],
        ground=[0.0, 0.0, 2e4 * RNG.uniform(0.5, 1, cells)],
        edges=edges,
    )


@pytest.mark.parametrize(
    ("cells", "size", "edges"),
    [
        ((33, 18), (0.2, 0.1), ("closed", "closed")),
        ((9, 9), (0.05, 0.05), ("held", "closed")),
        ((1, 37), (0.01, 0.2), ("closed", "held last")),
        ((24, 6), (0.02, 0.4), ("held first", "held")),
    ],
)
def test_fields_are_those_of_the_dense_twin(cells, size, edges):
    made = sheets(cells, size, edges)
    put = RNG.random(made.shape)
    twin = sheets_twin.solve(cells, size, made.along, made.across, made.ground, edges, put)
    assert np.abs(made.solve(put) - twin).max() < 1e-10 * np.abs(twin).max()


def test_a_grid_sheds_what_the_dense_matrix_says():
    made = sheets((7, 6))
    grid, _ = made.grids()
    dense = sheets_twin.matrix(made.cells, made.size, made.along, made.across, made.ground, made.edges)
    u = RNG.standard_normal(made.shape)
    shed = grid.shed(np.ascontiguousarray(u.transpose(1, 0, 2))).transpose(1, 0, 2)
    assert np.abs(shed.reshape(-1) - dense @ u.reshape(-1)).max() < 1e-12 * np.abs(dense).max()


def test_a_cycle_is_symmetric_positive_and_near_the_inverse():
    grid, around = sheets((40, 24)).grids()
    a, b = RNG.standard_normal((2, *grid.ground.shape))
    one, two = float((a * around.near(b)).sum()), float((b * around.near(a)).sum())
    assert one == pytest.approx(two, rel=1e-4, abs=1e-5 * np.abs(around.near(a)).max() * np.abs(b).max() * a.size**0.5)
    assert (a * around.near(a)).sum() > 0
    # what a cycle leaves, taken again and again, falls by far more than half each time
    u = RNG.standard_normal(grid.ground.shape)
    sizes = []
    for _ in range(8):
        u = u - around.near(grid.shed(u))
        sizes.append(float(np.sqrt((u * grid.shed(u)).sum())))
    assert sizes[-1] < 0.35**7 * sizes[0]


def test_rounds_do_not_grow_with_the_grid():
    def rounds(n: int) -> int:
        grid, around = sheets((n, n), (0.2, 0.2)).grids()
        right = RNG.random(grid.ground.shape)
        u, k = np.zeros_like(right), 0
        while np.linalg.norm(short := right - grid.shed(u)) > 1e-8 * np.linalg.norm(right):
            u, k = u + around.near(short), k + 1
        return k

    assert rounds(128) <= 16 + rounds(32) // 8


def test_coarse_grids_keep_what_is_on_the_ground_and_halve_the_stronger_axis():
    grid, _ = sheets((16, 16), (0.2, 0.2), cover=np.ones((16, 16))).grids()
    coarser, by = grid.halved()
    assert by == (2, 2) and coarser.ground.sum() == pytest.approx(grid.ground.sum(), rel=1e-12)
    flat, _ = sheets((16, 16), (0.02, 0.2), cover=np.ones((16, 16))).grids()
    assert flat.halved()[1] == (2, 1), "rows stand closer: they conduct better"
    tiny, _ = sheets((4, 3)).grids()
    assert tiny.halved() is None and len(Multigrid(tiny).levels) == 0


def test_a_field_that_feeds_itself_is_that_of_the_dense_twin():
    made = sheets((9, 8))
    put = RNG.random(made.shape)

    def fed(u: np.ndarray) -> np.ndarray:
        out = np.zeros_like(u)
        out[:, -1] = u.dtype.type(5e3) * drifted(u[:, -1], 0.3)
        return out

    dense = sheets_twin.matrix(made.cells, made.size, made.along, made.across, made.ground, made.edges)
    unit = np.eye(put.size).reshape(put.size, *made.shape)
    back = np.stack([fed(e.transpose(1, 0, 2)).transpose(1, 0, 2).reshape(-1) for e in unit]).T
    twin = np.linalg.solve(dense - back, put.reshape(-1)).reshape(made.shape)
    u = made.coupled(put, fed)
    assert np.abs(u - twin).max() < 1e-10 * twin.max()
    assert np.abs(made.coupled(put, fed, near=twin) - twin).max() < 1e-10 * twin.max()


@pytest.mark.parametrize(("kind", "close"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_gmres_settles_where_elimination_does_in_its_own_precision(kind, close):
    matrix = (np.eye(60) + 0.05 * RNG.standard_normal((60, 60))).astype(kind)
    right = RNG.random((6, 10)).astype(kind)
    u = settled(lambda v: (matrix @ v.reshape(-1)).reshape(6, 10), right, tolerance=close / 10)
    assert u.dtype == kind and u.shape == (6, 10)
    assert np.abs(u.reshape(-1) - np.linalg.solve(matrix, right.reshape(-1))).max() < close
    assert np.array_equal(settled(lambda v: 2 * v, 0 * right), 0 * right)
    assert np.allclose(settled(lambda v: 2 * v, right, near=right / 2), right / 2)


def test_what_does_not_settle_is_refused():
    turn = np.roll(np.eye(1000), 1, axis=0)  # GMRES stands still on a cyclic shift until the last round
    with pytest.raises(DescriptionError, match="did not settle"):
        settled(lambda v: turn @ v, np.eye(1000)[0])
