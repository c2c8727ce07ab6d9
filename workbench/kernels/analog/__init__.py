"""One array of conductances read at once: vectors times a matrix, read noise, converters; the same numbers for any split of a batch.

    current[b, j] = Σᵢ x[b, i]·M[i, j] + noise,    code = clip(rint((current·gain[j] + offset[j]) / lsb[j]), low, high)

The noise of a fresh read is Gaussian. Sums of independent Gaussian cells are Gaussian, so it is drawn once for each output, with the
variance Σᵢ x²·variance[i, j]: exact in distribution. It belongs to (key, number of the sample, column) and to nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.kernels.analog.normal import bits, normal

__all__ = ["Bank", "bank", "read", "read_values"]

WIDTH = 32


class Bank(NamedTuple):
    """An array as the kernels read it; made by `bank`."""

    matrix: NDArray[np.float64]
    variance: NDArray[np.float64]
    sd: NDArray[np.float64]
    offset: NDArray[np.float64]
    lsb: NDArray[np.float64]
    low: int
    high: int


def bank(
    matrix: NDArray[Any],
    *,
    variance: float | NDArray[Any] = 0.0,
    gain: float | NDArray[Any] = 1.0,
    offset: float | NDArray[Any] = 0.0,
    lsb: float | NDArray[Any] | None = None,
    low: int = -127,
    high: int = 127,
) -> Bank:
    """An array of `matrix` (rows, n), current per unit of input, ready to be read.

    `variance`: of one read of a cell, one number or (rows, n), in units of matrix². `gain`, `offset` (current) and `lsb` (current per
    code) of the converters: one number or (n,); lsb None: no converters.
    """
    m = np.asarray(matrix, np.float64)
    n = m.shape[1]
    step = np.broadcast_to(np.asarray(1.0 if lsb is None else lsb, np.float64), n)
    scale = np.broadcast_to(np.asarray(gain, np.float64), n) / step
    cells = np.asarray(variance, np.float64)
    return Bank(
        matrix=m * scale,
        variance=cells * scale**2 if cells.ndim else np.zeros((0, n)),
        sd=(0.0 if cells.ndim else np.sqrt(cells)) * np.abs(scale),
        offset=np.broadcast_to(np.asarray(offset, np.float64), n) / step,
        lsb=step,
        low=int(low),
        high=int(high),
    )


def _ordered(x: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """x @ matrix: 32 sums over every 32nd row, ascending, then added in halves."""
    rows = -(-x.shape[1] // WIDTH) * WIDTH
    x = np.pad(x, ((0, 0), (0, rows - x.shape[1])))
    matrix = np.pad(matrix, ((0, rows - matrix.shape[0]), (0, 0)))
    made = np.zeros((WIDTH, len(x), matrix.shape[1]))
    for i in range(0, rows, WIDTH):
        made += x[:, i : i + WIDTH].T[:, :, None] * matrix[i : i + WIDTH, None, :]
    while len(made) > 1:
        made = made[: len(made) // 2] + made[len(made) // 2 :]
    return made[0]


def _levels(a: Bank, x: NDArray[Any], key: int | None, first: int) -> NDArray[np.float64]:
    x = np.asarray(x, np.float64)
    out = np.empty((len(x), a.matrix.shape[1]))
    column = np.arange(a.matrix.shape[1], dtype=np.uint32)
    for at in range(0, len(x), 16):
        some = x[at : at + 16]
        made = _ordered(some, a.matrix) + a.offset
        if key is not None:
            words = streams.step_words(key, first + at, first + at + len(some))
            z = normal(bits(words[:, :1], words[:, 1:], column[None, :])).astype(np.float64)
            if a.variance.size:
                made += z * np.sqrt(_ordered(some * some, a.variance))
            else:
                made += z * (np.sqrt(_ordered(some * some, np.ones((x.shape[1], 1)))) * a.sd)
        out[at : at + len(some)] = made
    return out


def read(a: Bank, x: NDArray[np.float32], key: int | None, first: int = 0) -> tuple[NDArray[Any], int]:
    """(codes (batch, n), how many were clipped) of inputs x (batch, rows), float32; sample b is number `first` + b.

    `key` is a key of `streams.stream`; None reads without noise.
    """
    whole = np.rint(_levels(a, x, key, first))
    kind = np.int16 if max(-a.low, a.high) < 2**15 else np.int32
    codes = np.clip(whole, a.low, a.high)
    return codes.astype(kind), int(np.count_nonzero(codes != whole))


def read_values(a: Bank, x: NDArray[Any], key: int | None, first: int = 0) -> NDArray[np.float64]:
    """current·gain + offset (batch, n), float64, of inputs x (batch, rows) before any converter; noise as in `read`."""
    return _levels(a, x, key, first) * a.lsb
