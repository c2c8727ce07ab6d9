"""How a matrix of weights is cut into arrays of conductances: row blocks, column blocks, slices, pairs.

A weight w becomes the whole number or the share q = |w| / scale of the window, and

    differential:  G+ = g_min + q⁺·(g_max − g_min),  G− = g_min + q⁻·(g_max − g_min)  in two neighbouring columns
    offset:        G  = g_min + (1 + w / scale)/2 · (g_max − g_min), and what a zero weight conducts is taken off digitally

Slices spread the bits of a weight over arrays: slice 0 holds the lowest `cell_bits` bits, each next one counts 2^cell_bits times more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.crossbar import CrossbarChip
from workbench.errors import DescriptionError, PlacementError
from workbench.words import tr

__all__ = ["Cut", "Piece", "cut", "digits", "scales", "unit", "worth", "zero"]


@final
@dataclass(frozen=True)
class Piece:
    """One array of the cut: which rows, outputs and slice of the matrix it holds, and which array of the chip it is."""

    array: int
    rows: slice
    outputs: slice
    slice: int


@final
@dataclass(frozen=True)
class Cut:
    """A matrix of `inputs` × `outputs` weights on arrays of a chip, the first of them number `first`."""

    inputs: int
    outputs: int
    chip: CrossbarChip
    first: int = 0

    @property
    def row_blocks(self) -> list[slice]:
        """Rows of the matrix that share an array."""
        return _blocks(self.inputs, self.chip.rows)

    @property
    def column_blocks(self) -> list[slice]:
        """Outputs of the matrix that share an array."""
        return _blocks(self.outputs, self.chip.outputs)

    @property
    def arrays(self) -> int:
        """Arrays in use."""
        return len(self.row_blocks) * len(self.column_blocks) * self.chip.slices

    def pieces(self) -> Iterator[Piece]:
        """The arrays in order: by row block, slice and column block."""
        number = self.first
        for rows in self.row_blocks:
            for part in range(self.chip.slices):
                for outputs in self.column_blocks:
                    yield Piece(number, rows, outputs, part)
                    number += 1


def _blocks(size: int, most: int) -> list[slice]:
    """As few blocks as hold `size`, of nearly equal sizes."""
    count = -(-size // most)
    edges = [round(k * size / count) for k in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def cut(weights: NDArray[np.float64], chip: CrossbarChip, *, first: int = 0, name: str = "W") -> Cut:
    """The cut of a matrix for a chip; raises PlacementError when it has too few tiles, DescriptionError for a matrix that is none."""
    if weights.ndim != 2 or 0 in weights.shape:
        raise DescriptionError(
            tr(
                "The weights of '{name}' have shape {shape}; write a matrix (inputs, outputs).",
                name=name,
                shape=weights.shape,
            )
        )
    if not np.all(np.isfinite(weights)):
        i, j = np.argwhere(~np.isfinite(weights))[0]
        raise DescriptionError(
            tr(
                "The weight of '{name}' at row {i}, column {j} is {value}; weights must be finite.",
                name=name,
                i=i,
                j=j,
                value=weights[i, j],
            )
        )
    made = Cut(weights.shape[0], weights.shape[1], chip, first)
    if first + made.arrays > chip.tiles:
        raise PlacementError(
            tr(
                "'{name}' needs {needed} tiles of {chip} ({inputs} × {outputs} weights on {rows} × {columns} cells, {slices} slices); "
                "{free} of {limit} are free, {short} too few. Write tiles={enough} or more, or larger tiles.",
                name=name,
                needed=made.arrays,
                chip=chip.name,
                inputs=made.inputs,
                outputs=made.outputs,
                rows=chip.rows,
                columns=chip.columns,
                slices=chip.slices,
                free=max(0, chip.tiles - first),
                limit=chip.tiles,
                short=first + made.arrays - chip.tiles,
                enough=first + made.arrays,
            )
        )
    return made


def scales(weights: NDArray[np.float64], chip: CrossbarChip) -> NDArray[np.float64]:
    """The weight that fills the window, for each output (all equal unless the chip scales columns); 1 where there are only zeros."""
    largest = np.abs(weights).max(axis=0)
    if chip.weight_scale == "projection":
        largest = np.full(weights.shape[1], largest.max())
    return np.where(largest > 0, largest, 1.0)


def digits(
    weights: NDArray[np.float64], scale: NDArray[np.float64], chip: CrossbarChip, part: int
) -> NDArray[np.float64]:
    """The share of the window that each cell of slice `part` is meant to hold: (inputs, columns), pairs side by side.

    An analogue weight (no bits) has one slice and any share. Otherwise shares are whole numbers of 1 / (2^cell_bits − 1).
    """
    q = weights / scale
    pair, bits = chip.pairs == "differential", chip.weight_bits
    sides = [np.maximum(q, 0.0), np.maximum(-q, 0.0)] if pair else [(1.0 + q) / 2.0]
    if bits:
        if pair:
            whole = [np.rint(side * (2.0**bits - 1.0)) for side in sides]
        else:
            whole = [np.rint(q * (2.0 ** (bits - 1) - 1.0)) + 2.0 ** (bits - 1)]
        base = 2 ** (bits // chip.slices)
        sides = [np.floor(side / float(base) ** part) % base / (base - 1.0) for side in whole]
    made = np.empty((weights.shape[0], weights.shape[1] * len(sides)))
    for k, side in enumerate(sides):
        made[:, k :: len(sides)] = side
    return made


def unit(scale: NDArray[np.float64], chip: CrossbarChip) -> NDArray[np.float64]:
    """The smallest step of a weight, for each output; for analogue weights, what a full window stands for."""
    pair, bits = chip.pairs == "differential", chip.weight_bits
    if not bits:
        return scale * (1.0 if pair else 2.0)
    return scale / (2.0**bits - 1.0 if pair else 2.0 ** (bits - 1) - 1.0)


def worth(scale: NDArray[np.float64], chip: CrossbarChip, part: int) -> NDArray[np.float64]:
    """The weight that a full window of slice `part` stands for, for each output."""
    if not chip.weight_bits:
        return unit(scale, chip)
    base = 2 ** (chip.weight_bits // chip.slices)
    return unit(scale, chip) * (base - 1.0) * float(base) ** part


def zero(scale: NDArray[np.float64], chip: CrossbarChip) -> NDArray[np.float64]:
    """The weight that is stored where a weight of zero is meant: none in pairs, the middle of the window with offsets."""
    if chip.pairs == "differential":
        return np.zeros_like(scale)
    return unit(scale, chip) * (2.0 ** (chip.weight_bits - 1) if chip.weight_bits else 0.5)
