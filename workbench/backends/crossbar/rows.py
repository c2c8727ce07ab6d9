"""Arrays side by side: what one pulse on their common rows reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.crossbar.array import Array
from workbench.chips.crossbar import CrossbarChip

__all__ = ["Row", "side_by_side"]


@final
@dataclass(frozen=True, eq=False)
class Row:
    """Arrays side by side that share their rows and their slice: what one pulse on those rows reads."""

    rows: slice
    part: int
    matrix: NDArray[np.float64]
    """(rows, outputs): output per unit of input, in weights, as the converters see it."""
    variance: float | NDArray[np.float64]
    load: NDArray[np.float64]
    """(rows, arrays): all conductance on each row of each array, S."""
    correct: NDArray[np.float64]
    """Factor on each output after conversion: drift compensation."""
    tiles: list[slice]
    """Outputs of each array."""
    numbers: list[int]
    """Arrays of the chip."""
    place: NDArray[np.int64]
    """Arrays of the matrix, counted from 0."""

    @property
    def noisy(self) -> bool:
        """Whether a read adds noise."""
        return bool(np.any(np.asarray(self.variance) > 0))

    @cached_property
    def widths(self) -> NDArray[np.int64]:
        """Outputs of each array."""
        return np.array([o.stop - o.start for o in self.tiles])


def side_by_side(arrays: Sequence[Array], unit: NDArray[np.float64], chip: CrossbarChip, first: int) -> Row:
    """The arrays of one row block and slice as they are at the chip's age; `unit`: what a full window stands for, by output.

    `first` is the number of the matrix's first array.
    """
    seen = [array.seen(chip) for array in arrays]
    outputs = [array.piece.outputs for array in arrays]
    plain = [s.variance for s in seen if isinstance(s.variance, float)]
    variance: float | NDArray[np.float64]
    if len(plain) == len(seen) and len(set(plain)) == 1 and np.ptp(unit) == 0:
        variance = (
            plain[0] * float(unit[0]) ** 2
        )  # the same everywhere: one norm of the input gives every output's noise
    else:
        variance = np.concatenate(
            [np.broadcast_to(s.variance, s.share.shape) * unit[o] ** 2 for s, o in zip(seen, outputs, strict=True)],
            axis=1,
        )
    return Row(
        rows=arrays[0].piece.rows,
        part=arrays[0].piece.slice,
        matrix=np.concatenate([s.share * unit[o] for s, o in zip(seen, outputs, strict=True)], axis=1),
        variance=variance,
        load=np.stack([s.load for s in seen], axis=1),
        correct=np.concatenate([np.full(o.stop - o.start, s.gain) for s, o in zip(seen, outputs, strict=True)]),
        tiles=outputs,
        numbers=[array.piece.array for array in arrays],
        place=np.array([array.piece.array - first for array in arrays]),
    )
