"""Wires of a crossbar: what reaches the columns when rows and columns have resistance, exactly.

The circuit: row i is driven at its left end; a segment of `row_wire` lies between the driver and the node of its first cell, and one
between each two neighbouring cells; the right end is open. Column j has a segment of `column_wire` between each two neighbouring cells
and one between its last cell and ground at the bottom; the top end is open. Cell (i, j) is a conductance between the node of row i and
the node of column j. So a row of N cells alone is the ladder "N cells, a segment each, driven at one end", and these are the word and
bit lines of badcrossbar. Either resistance may be 0.

Whatever finite numbers are given, every node hangs on a driver or on ground, so no such network is singular. What has no currents, a
conductance that is infinite or not a number, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["NoiseTerms", "Solution", "continuum", "effective", "ladder", "noise_terms", "noise_variance", "solve"]

Array = NDArray[np.float64]
LIMIT = 50_000
"""Rounds of conjugate gradients; arrays that are any use as memory need less than a hundred."""
DOUBTFUL = 1e4
"""Wire times conductance of a whole line, squared size included, beyond which the matrix is held against a second method."""


class Solution(NamedTuple):
    """Column currents, A, (columns,), and the voltages of row and column nodes at the cells, V, (rows, columns)."""

    currents: Array
    row_nodes: Array
    column_nodes: Array


class NoiseTerms(NamedTuple):
    """What the variance of column currents is made of, nearly: V² @ square − 2 I (V @ mixed) + I² constant; see `noise_terms`."""

    square: Array
    """S², (rows, columns)."""
    mixed: Array
    """S² Ω, (rows, columns)."""
    constant: Array
    """S² Ω², (columns,)."""

    def variance(self, voltages: ArrayLike, currents: ArrayLike) -> Array:
        """Variance, A², of the currents (…, columns) that voltages (…, rows) drive on average."""
        v, mean = np.asarray(voltages, dtype=np.float64), np.asarray(currents, dtype=np.float64)
        made = v**2 @ self.square - 2 * mean * (v @ self.mixed) + mean**2 * self.constant
        return np.maximum(made, 0.0)  # a sum of squares, but for rounding


def effective(conductances: ArrayLike, row_wire: float, column_wire: float, *, threads: int | None = None) -> Array:
    """The matrix T that the array really is: column currents are V @ T for row voltages V. Shape (rows, columns), S.

    Exact to rounding (float64 nested dissection, of the order of n³ operations; 0.4 KB of memory a cell, 100 MB for 512 × 512): 1e-12 of
    the largest current. T is never negative, and its row and column sums are at most those of the conductances; a single entry may be larger than
    its cell, because current finds ways over other rows and columns. Beyond wires so bad that rounding could matter, currents of one
    input are compared with those of `solve`, and if they differ T is made of `solve` row by row.

    Parameters
    ----------
    conductances : (rows, columns), S, finite and not negative
    row_wire, column_wire : Ω from cell to cell, finite and not negative
    threads : at most so many threads; by default those of the kernels. The result has the same bits for any number.

    Raises DescriptionError for anything else.
    """
    g, row, column = _checked(conductances, row_wire, column_wire)
    if (row == 0 and column == 0) or not g.any():
        return g
    from workbench import kernels  # noqa: PLC0415  Numba only where something is solved
    from workbench.physics import dissection  # noqa: PLC0415

    made = dissection.transfer(g, row, column, threads=kernels.threads() if threads is None else threads)
    if _severity(g, row, column) > DOUBTFUL and not _agrees(made, g, row, column):
        made = np.stack([solve(g, one, row, column).currents for one in np.eye(len(g))])
    return made


def solve(conductances: ArrayLike, voltages: ArrayLike, row_wire: float, column_wire: float) -> Solution:
    """Column currents and the voltage of every node for one input, V (rows,).

    Conjugate gradients over the currents of cells, where the drops along wires are running sums, so perfect wires are as exact as bad
    ones; no eigenvalue is below 1, so the residual bounds the error. It takes about √(G·r)·n rounds of n² operations.

    Raises DescriptionError for bad input, and where wires are so bad that it does not converge.
    """
    g, row, column = _checked(conductances, row_wire, column_wire)
    v = _voltages(voltages, len(g))
    if v.ndim != 1:
        raise DescriptionError(
            tr("Voltages have shape {shape}; one for each of {rows} rows is needed.", shape=v.shape, rows=len(g))
        )
    currents, along_rows, along_columns = _carried(np.sqrt(g), np.repeat(v[:, None], g.shape[1], axis=1), row, column)
    return Solution(currents.sum(axis=0), v[:, None] - along_rows, along_columns)


def noise_variance(
    conductances: ArrayLike, cell_variance: ArrayLike, voltages: ArrayLike, row_wire: float, column_wire: float
) -> Array:
    """Variance of every column current, A², when cells fluctuate independently with `cell_variance`, S²; exact to first order.

    A cell's noise moves column j by dI_j/dG_ik = (voltage over cell ik) · (voltage over it when column j's end alone is at 1 V): adjoint
    voltages, one solve for each column. Returns (columns,), or (inputs, columns) for voltages (inputs, rows).

    `noise_terms` says nearly the same at the price of two products.
    """
    g, row, column = _checked(conductances, row_wire, column_wire)
    v = _voltages(voltages, len(g))
    variance = _variances(cell_variance, g.shape)
    root = np.sqrt(g)
    # (voltage over each cell)² times variance, for each input; summed one by one, so that no input feels the others
    weights = [
        _over(root, np.repeat(one[:, None], g.shape[1], axis=1), row, column) ** 2 * variance
        for one in np.atleast_2d(v)
    ]
    squares = (adjoint**2 for adjoint in _adjoints(root, row, column))
    made = np.array([[(weight * square).sum() for weight in weights] for square in squares]).T
    return made[0] if v.ndim == 1 else made


def noise_terms(
    conductances: ArrayLike,
    cell_variance: ArrayLike,
    row_wire: float,
    column_wire: float,
    *,
    made: ArrayLike | None = None,
) -> NoiseTerms:
    """What `noise_variance` nearly comes to for any input, once for an array: one `solve`, beside the matrix T (`made`, if at hand).

    Of cell ij only its own column j feels much. With the row's voltage V_i ρ_ij at the cell and the column's κ_ij ρ_ij I_j, both as they
    are when all rows are at 1 V,

        dI_j/dG_ij ≈ (V_i − κ_ij I_j) T_ij/G_ij        (at most ρ_ij for T_ij/G_ij: small cells carry what others lose)

    for by reciprocity T_ij/(G_ij ρ_ij) is what is left of a current on its way down the column. Squared, times variance and summed,
    that is a product with V², one with V and the current itself.

    Measured with noise of 3 % of each conductance, wires of 1 Ω and cells of 1-100 µS, standard deviations are wrong on average by (worst
    column) 0.1 % (0.2) for 32 × 32 (4 % of the current lost), 0.1 % (0.3) for 64 × 64 (12 %) and 0.6 % (1.1) for 128 × 128 (35 %) when
    all rows are on; without κ, a cell's noise divided once by the wires like its signal, they are too large by 2, 7 and 22 % (30). With
    random inputs 0.1, 0.2 and 1.1 % (without: 1.6, 5 and 17 %), of both signs 0.2, 0.5 and 3.8 % (0.4, 0.7 and 4.2 %). Worst of what
    was tried is one quarter of the rows on, farthest from ground: 0.6, 2.2 and 10.5 % (1.3, 4.4 and 18 %).

    Raises DescriptionError as `noise_variance` does.
    """
    g, row, column = _checked(conductances, row_wire, column_wire)
    variance = _variances(cell_variance, g.shape)
    matrix = effective(g, row, column) if made is None else np.asarray(made, dtype=np.float64)
    if matrix.shape != g.shape:
        raise DescriptionError(
            tr("The matrix T has shape {shape}; the cells have {needed}.", shape=matrix.shape, needed=g.shape)
        )
    all_on = solve(g, np.ones(len(g)), row, column)
    reach = all_on.row_nodes
    # a cell that conducts nothing feels the wires as if it did, a little: as far as its row's voltage reaches
    passed = np.minimum(np.divide(matrix, g, out=np.full_like(g, np.inf), where=g > 0), reach)
    rise = np.divide(all_on.column_nodes, reach * all_on.currents, out=np.zeros_like(g), where=all_on.currents > 0)
    square = variance * passed**2
    return NoiseTerms(square, square * rise, (square * rise**2).sum(axis=0))


def ladder(cells: int, conductance: float, wire: float) -> Array:
    """Voltage at each cell of one row over the driver's, (cells,), when the other ends of the cells are grounded.

    v_k = cosh((N - k + 1/2) a) / cosh((N + 1/2) a) for k = 1 … N, with sinh(a/2) = √(wire · conductance) / 2.
    """
    if cells < 1:
        raise DescriptionError(tr("A ladder has {cells} cells; it needs at least one.", cells=cells))
    a = 2 * np.arcsinh(np.sqrt(_load(conductance, wire)) / 2)
    k = np.arange(1, cells + 1)
    return np.exp(-a * k) * (1 + np.exp(-a * (2 * (cells - k) + 1))) / (1 + np.exp(-a * (2 * cells + 1)))


def continuum(cells: int, conductance: float, wire: float) -> float:
    """Voltage at the far end of such a row over the driver's, as if cells were spread out evenly: 1 / cosh(N √(wire · conductance))."""
    reach = cells * np.sqrt(_load(conductance, wire))
    return float(2 * np.exp(-reach) / (1 + np.exp(-2 * reach)))


def _adjoints(root: Array, row: float, column: float) -> Iterator[Array]:
    """For each column, the voltage over every cell when the column's end is at 1 V, all else at 0: (rows, columns)."""
    for j in range(root.shape[1]):
        across = np.zeros_like(root)
        across[:, j] = 1.0
        yield _over(root, across, row, column)


def _over(root: Array, across: Array, row: float, column: float) -> Array:
    """The voltage that is left over each cell of the `across` there would be with perfect wires."""
    _, along_rows, along_columns = _carried(root, across, row, column)
    return across - along_rows - along_columns


def _carried(root: Array, across: Array, row: float, column: float) -> tuple[Array, Array, Array]:
    """Currents of the cells, and what is lost along rows and columns up to each."""
    from workbench.kernels import wires  # noqa: PLC0415

    s = np.zeros_like(root)
    left, rounds = wires.solve(root, row, column, across, 1e-14, LIMIT, s)
    if not left <= 1e-10:
        raise DescriptionError(
            tr(
                "Wires of {row:g} and {column:g} Ω beside cells of up to {cell:g} S leave nothing to read: no solution in {rounds} rounds. Are conductances in S and wires in Ω?",
                row=row,
                column=column,
                cell=float(root.max() ** 2),
                rounds=rounds,
            )
        )
    currents = root * s
    along_rows, along_columns = np.empty_like(root), np.empty_like(root)
    wires.drops(currents, row, column, along_rows, along_columns)
    return currents, along_rows, along_columns


def _severity(g: Array, row: float, column: float) -> float:
    """How bad wires are: what they could drop, over what there is, if all cells conducted like the best."""
    return float(g.max()) * (row * g.shape[1] ** 2 + column * g.shape[0] ** 2)


def _agrees(made: Array, g: Array, row: float, column: float) -> bool:
    """Whether one input with all rows on gives the currents that `solve` gives."""
    v = 1.0 + np.arange(len(g)) % 3
    wanted = solve(g, v, row, column).currents
    return bool(np.abs(v @ made - wanted).max() <= 1e-8 * np.abs(wanted).max())


def _load(conductance: float, wire: float) -> float:
    if not (0 <= conductance < np.inf and 0 <= wire < np.inf):
        raise DescriptionError(
            tr(
                "A conductance of {conductance} S and a wire of {wire} Ω: both must be finite and not negative.",
                conductance=conductance,
                wire=wire,
            )
        )
    return float(wire) * float(conductance)


def _checked(conductances: ArrayLike, row_wire: float, column_wire: float) -> tuple[Array, float, float]:
    g = np.array(conductances, dtype=np.float64, order="C")
    if g.ndim != 2 or not g.size:
        raise DescriptionError(
            tr(
                "Conductances have shape {shape}; a crossbar is (rows, columns) with at least one of each.",
                shape=g.shape,
            )
        )
    bad = ~np.isfinite(g) | (g < 0)
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        raise DescriptionError(
            tr(
                "The cell in row {row}, column {column} has {value} S; conductances must be finite and not negative.",
                row=i,
                column=j,
                value=g[i, j],
            )
        )
    wires = []
    for name, value in (("row_wire", row_wire), ("column_wire", column_wire)):
        wire = float(value)
        if not 0 <= wire < np.inf:
            raise DescriptionError(
                tr(
                    "{name} is {value} Ω: the resistance from cell to cell must be finite and not negative.",
                    name=name,
                    value=wire,
                )
            )
        wires.append(wire)
    if not np.isfinite(_severity(g, *wires)):
        raise DescriptionError(tr("Wires times conductances overflow; are conductances in S and wires in Ω?"))
    return g, wires[0], wires[1]


def _variances(cell_variance: ArrayLike, shape: tuple[int, ...]) -> Array:
    variance = np.asarray(cell_variance, dtype=np.float64)
    if variance.shape not in ((), shape):
        raise DescriptionError(
            tr("Variances of cells have shape {shape}; the cells have {needed}.", shape=variance.shape, needed=shape)
        )
    if not np.isfinite(variance).all() or variance.min() < 0:
        raise DescriptionError(tr("Variances of cells must be finite and not negative, S²."))
    return variance


def _voltages(voltages: ArrayLike, rows: int) -> Array:
    v = np.asarray(voltages, dtype=np.float64)
    if v.ndim not in (1, 2) or v.shape[-1] != rows:
        raise DescriptionError(
            tr("Voltages have shape {shape}; one for each of {rows} rows is needed.", shape=v.shape, rows=rows)
        )
    if not np.isfinite(v).all():
        raise DescriptionError(tr("Row voltages must be finite numbers, V."))
    return v
