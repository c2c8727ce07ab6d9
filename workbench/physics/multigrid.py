"""Multigrid for conducting sheets whose cells differ: grids ever coarser, columns of layers solved exactly on each.

One V-cycle in float32 is the preconditioner of Krylov methods in float64. Smoothing: two rounds of Chebyshev's polynomials over columns
of cells, so that thin layers need no care; grids are halved along the axis that conducts better, until both are alike, then along both.
Coarse faces are those of the fine cells, twice as long; between grids fields are interpolated linearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "Multigrid"]

Array = NDArray[Any]

_SMALLEST = 4
_ROUGH = (0.5, 2.0)
"""Which eigenvalues of the columns' answer to the operator smoothing has to damp: those that no coarser grid sees."""


@final
@dataclass(frozen=True, eq=False)
class Grid:
    """What joins the cells of one grid, W/K or S, each (rows, layers, columns): see `kernels.sheets`."""

    down: Array
    right: Array
    across: Array
    ground: Array

    def shed(self, u: Array) -> Array:
        """What leaves every cell of the field u."""
        from workbench.kernels import sheets  # noqa: PLC0415  Numba only where something is solved

        out = np.empty_like(u)
        sheets.shed(u, self.down, self.right, self.across, self.ground, out)
        return out

    @property
    def parts(self) -> tuple[Array, Array, Array, Array]:
        """What the kernels take."""
        return self.down, self.right, self.across, self.ground

    @property
    def live(self) -> Array:
        """1 where a column of cells has neighbours, 0 where nothing passes sideways (rows, columns)."""
        tied = self.down + self.right
        tied[1:] += self.down[:-1]
        tied[:, :, 1:] += self.right[:, :, :-1]
        return (tied.max(axis=1) > 0).astype(tied.dtype)

    def halved(self) -> tuple[Grid, tuple[int, int]] | None:
        """The next coarser grid and how much coarser it is along both axes; None for the last. What stands alone is left out."""
        rows, _, columns = self.ground.shape
        strong = (
            float(self.down.sum()) * max(columns - 1, 1) * rows,
            float(self.right.sum()) * max(rows - 1, 1) * columns,
        )
        by = [1 + (n > _SMALLEST) for n in (rows, columns)]
        if by == [2, 2]:
            by = [1 + (s > 0.25 * max(strong)) for s in strong]
        if by == [1, 1]:
            return None
        some = self.live[:, None]
        grid = Grid(self.down, self.right, self.across * some, self.ground * some)
        for axis in (0, 2):
            if by[axis > 0] == 2:
                grid = grid._paired(axis)
        return grid, (by[0], by[1])

    def _paired(self, axis: int) -> Grid:
        """Cells joined in pairs along an axis: areas add, faces across the axis stay and are twice as long."""
        lengthwise, sideways = (self.down, self.right) if axis == 0 else (self.right, self.down)
        along = 0.5 * np.take(lengthwise, np.arange(1, lengthwise.shape[axis], 2), axis=axis)
        if lengthwise.shape[axis] % 2:
            along = np.concatenate([along, np.take(lengthwise, [-1], axis=axis)], axis=axis)
        beside, across, ground = (_summed(part, axis) for part in (sideways, self.across, self.ground))
        return Grid(along, beside, across, ground) if axis == 0 else Grid(beside, along, across, ground)


def _summed(part: Array, axis: int) -> Array:
    """Neighbours added in pairs along an axis; an odd last one stays."""
    if axis == 2:
        made = part[:, :, ::2].copy()
        made[:, :, : part.shape[2] // 2] += part[:, :, 1::2]
    else:
        made = part[::2].copy()
        made[: len(part) // 2] += part[1::2]
    return made


@final
class Multigrid:
    """One V-cycle over a grid and all coarser ones: a symmetric, positive stand-in for the inverse of its operator.

    It works in its own memory: one thread at a time.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = now = Grid(*(part.astype(np.float32) for part in grid.parts))
        """The finest, in float32."""
        self.levels: list[_Level] = []
        while coarser := now.halved():
            self.levels.append(_Level(now, coarser[1]))
            now = coarser[0]
        shape = now.ground.shape
        exact = Grid(*(part.astype(np.float64) for part in now.parts))
        columns = [exact.shed(unit.reshape(shape)).reshape(-1) for unit in np.eye(now.ground.size)]
        self.last = np.linalg.pinv(np.stack(columns), hermitian=True).astype(np.float32)

    def near(self, b: Array) -> Array:
        """A field u whose operator gives nearly b (rows, layers, columns), in its precision."""
        return self._cycle(0, b.astype(np.float32, copy=False)).astype(b.dtype)

    def _cycle(self, at: int, b: Array) -> Array:
        from workbench.kernels import sheets  # noqa: PLC0415  Numba only where something is solved

        if at == len(self.levels):
            return (self.last @ b.reshape(-1)).reshape(b.shape)
        level = self.levels[at]
        u = level.smoothed(None, b)
        sheets.residual(u, b, *level.grid.parts, level.live, level.room, level.spread, level.by, level.short)
        sheets.prolong(self._cycle(at + 1, level.short), level.live, level.by, level.spread, u)
        return level.smoothed(u, b)


@final
class _Level:
    """A grid that has a coarser one: its columns' pivots and its rooms."""

    def __init__(self, grid: Grid, by: tuple[int, int]) -> None:
        from workbench.kernels import sheets  # noqa: PLC0415

        self.grid, self.by, self.live = grid, by, grid.live
        self.pivot = np.empty_like(grid.ground)
        sheets.pivots(*grid.parts, self.pivot)
        rows, layers, columns = self.pivot.shape
        self.short = np.empty((-(-rows // by[0]), layers, -(-columns // by[1])), np.float32)
        self.rooms = tuple(np.zeros_like(self.pivot) for _ in range(4))
        self.room, self.spread = np.empty((layers, columns), np.float32), np.empty((layers, columns), np.float32)

    def smoothed(self, u: Array | None, b: Array) -> Array:
        """Two rounds of Chebyshev's polynomials on u, or from nothing; lies in a room of this grid until the next time."""
        from workbench.kernels import sheets  # noqa: PLC0415

        middle, half = (_ROUGH[1] + _ROUGH[0]) / 2, (_ROUGH[1] - _ROUGH[0]) / 2
        second = 1 / (2 * middle / half - half / middle)
        keep, weight = np.float32(second * half / middle), np.float32(2 * second / half)
        parts = (*self.grid.parts, self.pivot)
        first, step, before, after = self.rooms
        if u is None:
            sheets.start(b, self.grid.across, self.pivot, np.float32(1 / middle), first, step)
        else:
            sheets.smooth(u, b, *parts, np.float32(0.0), np.float32(1 / middle), step, first, self.room)
        out = before if u is None else after
        sheets.smooth(first, b, *parts, keep, weight, step, out, self.room)
        return out
