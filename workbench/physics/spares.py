"""Spare rows and columns: how an array with dead cores becomes a smaller array without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import PlacementError
from workbench.physics.ranges import whole
from workbench.words import tr

__all__ = ["Repair", "by_lines", "by_shift", "to_nearest"]

Bools = NDArray[np.bool_]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Repair:
    """Which physical core stands for every logical one."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    """Both (logical rows, logical columns)."""

    @property
    def moved(self) -> NDArray[np.int64]:
        """How many hops each logical core sits from where it would without faults."""
        r, c = np.indices(self.row.shape)
        return np.abs(self.row - r) + np.abs(self.column - c)

    @property
    def stretch(self) -> float:
        """The mean distance of logical neighbours, in hops: 1 without faults."""
        east = np.abs(np.diff(self.row, axis=1)) + np.abs(np.diff(self.column, axis=1))
        south = np.abs(np.diff(self.row, axis=0)) + np.abs(np.diff(self.column, axis=0))
        links = east.size + south.size
        return float(east.sum() + south.sum()) / links if links else 1.0


def by_shift(dead: ArrayLike, logical: tuple[int, int]) -> Repair:
    """Every row passes over its own dead cores with bypass switches: logical column j is the row's j-th living core.

    Rows with too many dead cores are passed over whole while there are spare rows. Raises PlacementError, saying how many are short.
    """
    broken = _broken(dead, logical)
    rows, columns = logical
    fit = np.flatnonzero((~broken).sum(axis=1) >= columns)
    if fit.size < rows:
        raise PlacementError(
            tr(
                "{rows} rows of {columns} cores are needed; {fit} rows have so many living: {short} short. Give more spares or ask for less.",
                rows=rows,
                columns=columns,
                fit=fit.size,
                short=rows - fit.size,
            )
        )
    chosen = fit[:rows]
    column = np.argsort(broken[chosen], axis=1, kind="stable")[:, :columns]
    return Repair(row=np.repeat(chosen[:, None], columns, axis=1), column=np.asarray(column, dtype=np.int64))


def by_lines(dead: ArrayLike, logical: tuple[int, int]) -> Repair:
    """Whole rows and columns are given up, as in a memory: at most as many as there are spares of each.

    A line with more dead cores than the other kind has spares must go; a matching (König) tells hopeless arrays; the rest is a search,
    exact. Raises PlacementError when no choice of lines covers every dead core.
    """
    broken = _broken(dead, logical)
    spare = (broken.shape[0] - logical[0], broken.shape[1] - logical[1])
    lines = _covered(broken, *spare)
    if lines is None:
        raise PlacementError(
            tr(
                "{dead} dead cores cannot be covered by {rows} spare rows and {columns} spare columns. Give more spares, or let rows shift.",
                dead=int(broken.sum()),
                rows=spare[0],
                columns=spare[1],
            )
        )
    rows = np.array([r for r in range(broken.shape[0]) if r not in lines[0]], np.int64)[: logical[0]]
    columns = np.array([c for c in range(broken.shape[1]) if c not in lines[1]], np.int64)[: logical[1]]
    return Repair(
        row=np.repeat(rows[:, None], columns.size, axis=1), column=np.repeat(columns[None, :], rows.size, axis=0)
    )


def to_nearest(dead: ArrayLike, logical: tuple[int, int]) -> Repair:
    """Living cores stay, and each dead one of the logical array goes to a living spare: the fewest hops in all.

    The logical array is the first rows and columns, the rest are spares. An assignment (SciPy), exact. Raises PlacementError when
    there are fewer living spares than dead cores, saying how many are short.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  SciPy only where it is needed

    broken = _broken(dead, logical)
    rows, columns = logical
    own = np.zeros_like(broken)
    own[:rows, :columns] = True
    lost, spare = np.argwhere(broken & own), np.argwhere(~broken & ~own)
    if len(spare) < len(lost):
        raise PlacementError(
            tr(
                "{dead} of {cores} cores are dead and {spares} spares live: {short} short. Give more spares or ask for less.",
                dead=len(lost),
                cores=rows * columns,
                spares=len(spare),
                short=len(lost) - len(spare),
            )
        )
    row, column = np.indices(logical)
    if len(lost):
        far = np.abs(lost[:, None, :] - spare[None, :, :]).sum(axis=2)
        which, to = linear_sum_assignment(far)
        row[lost[which, 0], lost[which, 1]] = spare[to, 0]
        column[lost[which, 0], lost[which, 1]] = spare[to, 1]
    return Repair(row=row, column=column)


def _broken(dead: ArrayLike, logical: tuple[int, int]) -> Bools:
    broken = np.asarray(dead, dtype=np.bool_)
    rows, columns = (whole(n, v) for n, v in zip(("rows", "columns"), logical))
    if broken.ndim != 2 or broken.shape[0] < rows or broken.shape[1] < columns:
        raise PlacementError(
            tr(
                "{rows} × {columns} cores do not fit on an array of {shape}.",
                rows=rows,
                columns=columns,
                shape=broken.shape,
            )
        )
    return broken


def _covered(broken: Bools, rows: int, columns: int) -> tuple[frozenset[int], frozenset[int]] | None:
    """Rows and columns that cover every dead core, at most so many of each; None where there are none."""
    by_row, by_column = broken.sum(axis=1), broken.sum(axis=0)
    must_row, must_column = np.flatnonzero(by_row > columns), np.flatnonzero(by_column > rows)
    if must_row.size or must_column.size:
        # Their own dead cores leave no other choice; then the smaller question again.
        if must_row.size > rows or must_column.size > columns:
            return None
        rest = broken.copy()
        rest[must_row] = False
        rest[:, must_column] = False
        inner = _covered(rest, rows - must_row.size, columns - must_column.size)
        return None if inner is None else (inner[0] | set(must_row.tolist()), inner[1] | set(must_column.tolist()))
    cores = np.argwhere(broken)
    if not len(cores):
        return frozenset(), frozenset()
    # Each line covers at most as many as the other kind has spares: a quick no for hopeless arrays.
    if len(cores) > 2 * rows * columns or (not rows and not columns) or _disjoint(broken) > rows + columns:
        return None
    row, column = max(cores.tolist(), key=lambda p: by_row[p[0]] + by_column[p[1]])
    for use_row in (True, False) if by_row[row] >= by_column[column] else (False, True):
        rest = broken.copy()
        if use_row and rows:
            rest[row] = False
            inner = _covered(rest, rows - 1, columns)
            if inner is not None:
                return inner[0] | {row}, inner[1]
        if not use_row and columns:
            rest[:, column] = False
            inner = _covered(rest, rows, columns - 1)
            if inner is not None:
                return inner[0], inner[1] | {column}
    return None


def _disjoint(broken: Bools) -> int:
    """The most dead cores of which no two share a line: so many lines are needed at least (König)."""
    import scipy.sparse as sp  # noqa: PLC0415  SciPy only where it is needed
    from scipy.sparse.csgraph import maximum_bipartite_matching  # noqa: PLC0415

    return int((maximum_bipartite_matching(sp.csr_matrix(broken)) >= 0).sum())
