"""Before and after an array: inputs to DAC levels, what they drive, and codes back to numbers. One pass each."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["decode", "driven", "levels"]


@njit(cache=True, nogil=True)
def levels(x, step, low, high, made):
    """Write the DAC levels of inputs x, rint(x / step) from `low` to `high`, into `made` (float32); gives how many were clipped.

    Levels are whole and below 2^24, so float32 holds them exactly. Gives −1 when an input is no finite number.
    """
    clipped, wrong = 0, 0
    each = 1.0 / step
    for b in range(x.shape[0]):
        for i in range(x.shape[1]):
            exact = x[b, i] * each
            level = min(max(np.rint(exact), float(low)), float(high))
            made[b, i] = level
            clipped += abs(level - exact) > 0.5 + 1e-9
            wrong += not abs(exact) < np.inf
    return -1 if wrong else clipped


@njit(cache=True, nogil=True)
def driven(rows, squares, active):
    """Add the squares of levels (batch, rows; float32) to `squares` (rows,), mark samples with any input, and give how many inputs there are.

    The squares of whole numbers add up exactly below 2^53.
    """
    total = 0
    for b in range(rows.shape[0]):
        some = 0
        for i in range(rows.shape[1]):
            level = np.float64(rows[b, i])
            squares[i] += level * level
            some += level != 0.0
        active[b] = some > 0
        total += some
    return total


@njit(cache=True, nogil=True)
def decode(codes, scale, shift, times, active, fresh, y):
    """Add times · (codes · scale + shift) to y (batch, outputs), float64, for the samples that are active; a fresh y holds nothing yet."""
    for b in range(codes.shape[0]):
        if fresh:
            y[b] = 0.0
        if active[b]:
            for j in range(codes.shape[1]):
                y[b, j] += times * (codes[b, j] * scale[j] + shift[j])
