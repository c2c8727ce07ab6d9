"""Slow twins of reading an array: NumPy, float64, in the order that the kernels state; and noise drawn for every cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.kernels.analog.normal import normal

LANES = 32


def ordered(x: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """x @ matrix: 32 sums over every 32nd row, ascending, then added in halves."""
    rows = -(-x.shape[1] // LANES) * LANES
    x = np.pad(x, ((0, 0), (0, rows - x.shape[1])))
    matrix = np.pad(matrix, ((0, rows - matrix.shape[0]), (0, 0)))
    made = np.zeros((LANES, len(x), matrix.shape[1]))
    for i in range(0, rows, LANES):
        made += x[:, i : i + LANES].T[:, :, None] * matrix[i : i + LANES, None, :]
    while len(made) > 1:
        made = made[: len(made) // 2] + made[len(made) // 2 :]
    return made[0]


def normals(key: int, first: int, samples: int, columns: int) -> NDArray[np.float64]:
    """The normal number of each sample and column."""
    words = streams.step_words(key, first, first + samples)
    index = np.arange(columns, dtype=np.uint32)
    return normal(streams.bits(words[:, :1], words[:, 1:], index[None, :])).astype(np.float64)


def levels(
    matrix: NDArray[Any],
    x: NDArray[Any],
    key: int | None = None,
    first: int = 0,
    *,
    variance: Any = 0.0,
    gain: Any = 1.0,
    offset: Any = 0.0,
    lsb: Any = 1.0,
) -> NDArray[np.float64]:
    """(current·gain + offset) / lsb with the noise of each output; arguments as of `analog.bank` and `analog.read`."""
    x, step = np.asarray(x, np.float64), np.asarray(gain, np.float64) / lsb
    made = ordered(x, matrix * step) + np.asarray(offset, np.float64) / lsb
    if key is None:
        return made
    z, variance = normals(key, first, *made.shape), np.asarray(variance, np.float64)
    if variance.ndim:
        return made + z * np.sqrt(ordered(x * x, variance * step**2))
    norm = np.sqrt(ordered(x * x, np.ones((x.shape[1], 1))))
    return made + z * (norm * (np.sqrt(variance) * np.abs(step)))


def codes(level: NDArray[np.float64], low: int, high: int) -> tuple[NDArray[np.int64], int]:
    """Codes of levels, and how many were clipped."""
    whole = np.rint(level)
    kept = np.clip(whole, low, high)
    return kept.astype(np.int64), int(np.count_nonzero(kept != whole))


def cell_by_cell(
    matrix: NDArray[np.float64], variance: Any, x: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Currents of one vector x (rows,), read with noise drawn afresh for each cell of each read; x (reads, rows)."""
    sd = np.sqrt(np.broadcast_to(variance, matrix.shape))
    return np.stack([row @ (matrix + sd * rng.standard_normal(matrix.shape)) for row in x])
