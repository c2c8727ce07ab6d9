"""One array of conductances read at once: vectors times a matrix, read noise, converters; the same codes for any split of a batch.

    current[b, j] = Σᵢ x[b, i]·M[i, j] + noise,    code = clip(rint((current·gain[j] + offset[j]) / lsb[j]), low, high)

The noise of a fresh read is Gaussian. Sums of independent Gaussian cells are Gaussian, so it is drawn once for each output, with the
variance Σᵢ x²·variance[i, j]: exact in distribution. It belongs to (key, number of the sample, column) and to nothing else.

Codes are those of float64 arithmetic in one fixed order (`vectors`: exact). Most come from faster products, whose errors have bounds
that are certain, in LSB, with the roundings of noise, offset and sum added:

    whole numbers   ‖x‖·‖what 24 bits of each cell leave‖ + √rows·‖lower bytes‖ where x has 8 bits and a sign (its halves meet the bytes)
    float32         2⁻²⁴·‖x‖·‖r ∘ column‖

Whole numbers serve whole inputs up to 255 where the processor adds up products of 16 and 8 bits (AVX-512 VNNI): sums are exact. A few
vectors are read with the upper 16 bits, and the lower byte where a code hangs on it, since a single one is bound by how fast cells
come from memory. State-dependent variances are 16-bit numbers too, off by half a step: ‖x‖²·step/2. In float32 the product of row i
goes through r[i] roundings (its cell's, and one for each sum on its way; 17 for 512 rows, 21 for 1024, where sums one after the other
would have as many as rows), and Σ|x|·r·|M| ≤ ‖x‖·‖r ∘ M‖.

An output nearer than that to an edge between two codes is computed again, in float64 from float32 cells, and if that is too near as
well, in the exact order from the cells as they are. With 8-bit codes that is 1 output in 1,000 (float32: 2 for 512 rows, 3 for 1024).
Of 16-bit codes it is half. A cell takes 20 bytes, with state-dependent noise 38 (without whole numbers 16 and 32).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.kernels.analog.loops import LINES, SHORT, convert_batch, level_batch
from workbench.kernels.analog.normal import LARGEST
from workbench.kernels.analog.vectors import CHUNK, RUN
from workbench.kernels.analog.whole import SQUARED, WHOLE
from workbench.kernels.lanes import WIDTH

__all__ = ["Bank", "bank", "read", "read_values"]

_ROUNDING = 2.0**-24
_LINE = 64
_SINGLE = np.dtype(np.float32)
_SIGN = 2**63
MOST = 255
"""The largest input of products of whole numbers: that of a DAC of 8 bits."""
USUAL = 74.0
"""What ‖x‖ / √rows usually is, to judge which way is faster; it changes no result."""


class Bank(NamedTuple):
    """An array as the kernels read it (`loops` says how it lies in memory); made by `bank`."""

    single: NDArray[np.float32]
    double: NDArray[np.float64]
    whole: NDArray[np.int16]
    """Cells and variances in whole numbers; nothing where floats are as fast."""
    fixed: NDArray[np.float32]
    """What their steps are worth, and how far they are off."""
    shape: NDArray[np.int64]
    lsb: NDArray[np.float64]
    """(n,) current per code; 1 without converters."""
    rows: int
    columns: int
    kind: np.dtype[Any]
    """Of a code: int16 or int32."""
    filled: int
    """Rows where they are a multiple of 32 already, else no number of rows: the inputs must be filled up."""
    padded: int
    """Columns filled up to a multiple of 32."""


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
    code) of the converters: one number or (n,); lsb None: no converters. Codes go from `low` to `high`, at most ±2²².
    """
    m = np.asarray(matrix, np.float64)
    rows, n = m.shape
    step = np.broadcast_to(np.asarray(1.0 if lsb is None else lsb, np.float64), n)
    scale = np.broadcast_to(np.asarray(gain, np.float64), n) / step
    spread = np.asarray(variance, np.float64)
    exact = _upright(m * scale)
    squares = _upright(np.broadcast_to(spread, m.shape) * scale**2) if spread.ndim else np.zeros((0, 0))
    shift = np.broadcast_to(np.asarray(offset, np.float64) / step, n)
    sd = (0.0 if spread.ndim else np.sqrt(spread)) * np.abs(scale)
    # Roundings that the product of each row goes through: its cell's, then those of sums within its run, its chunk, and of chunks.
    row, deep = np.arange(exact.shape[1]), exact.shape[1]
    chunk, chunks = row // CHUNK, -(-deep // CHUNK)
    run, runs = row % CHUNK // RUN, (np.minimum(CHUNK, deep - chunk * CHUNK)) // RUN
    roundings = 1.0 + (RUN - row % RUN) + np.minimum(runs - run, runs - 1) + np.minimum(chunks - chunk, chunks - 1)
    noise = LARGEST * (np.sqrt(squares.max(axis=1)) if squares.size else sd)
    slope = 1.02 * _ROUNDING * (np.linalg.norm(exact * roundings, axis=1) + (roundings.max() + 8) * noise)
    room = 0.5 - 1.02 * _ROUNDING * 4.0 * (np.abs(shift) + max(abs(low), abs(high)) + 2.0)
    table = _table(low, high, shift, sd, slope, room)
    whole, fixed = np.zeros(0, np.int16), np.zeros(0, np.float32)
    if WHOLE and lsb is not None and exact.shape[1] < 2**15:
        whole, fixed = _in_whole_numbers(exact, squares, shift, sd, noise, low, high, slope, room)
    doubt = 1.01 * _ROUNDING * (np.linalg.norm(exact, axis=1) + (noise if squares.size else 0.0))
    variances = [_panels(squares), squares] if squares.size else []
    return Bank(
        single=_aligned(np.float32, _panels(exact), table.reshape(4, -1, WIDTH).swapaxes(0, 1), exact, *variances),
        double=_aligned(np.float64, exact, shift, sd, doubt, squares),
        whole=whole,
        fixed=fixed,
        shape=np.array([n, exact.shape[1], squares.size > 0, low, high, MOST if whole.size else 0], np.int64),
        lsb=step,
        rows=rows,
        columns=n,
        kind=np.dtype(np.int16 if max(-low, high) < 2**15 else np.int32),
        filled=rows if rows % WIDTH == 0 else -1,
        padded=-(-n // WIDTH) * WIDTH,
    )


def _table(low: int, high: int, shift: Any, *lines: Any) -> NDArray[np.float32]:
    """Lines (each one number or (n,)) as float32, columns filled up; the third, a bound, is rounded up and the fourth down."""
    n = len(shift)
    made = np.zeros((1 + len(lines), -(-n // WIDTH) * WIDTH), np.float32)
    # A column that is none has no edges, and a level within the range.
    made[0, n:], made[3, n:] = min(max(0, low), high), 1.0
    for k, line in enumerate((shift, *lines)):
        made[k, :n] = line
    made[2, :n] = np.nextafter(made[2, :n], np.float32(np.inf))
    made[3, :n] = np.nextafter(made[3, :n], np.float32(-np.inf))
    return made


def _in_whole_numbers(
    exact: NDArray[np.float64],
    squares: NDArray[np.float64],
    shift: NDArray[np.float64],
    sd: NDArray[np.float64],
    noise: NDArray[np.float64],
    low: int,
    high: int,
    slope: NDArray[np.float64],
    room: NDArray[np.float64],
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Cells (n, rows) in steps of 24 bits, for products with whole inputs up to MOST; nothing where that is no gain (`loops`).

    Sums of whole products are exact, so an output errs by what rounding left of its cells, ‖x‖·‖rest‖ at most, and by the rounding of
    inputs for the lower bytes: x = 2·(x >> 1) + δ, and δ ≤ 1.
    """
    n, rows = exact.shape
    largest = 2**31 - 1
    step, bytes_, tail, rest, long = np.empty((5, n))
    upper, lower = np.empty((n, rows), np.int16), np.empty((n, rows), np.uint8)
    for at in range(0, n, WIDTH):  # a few columns at a time, which stay in cache
        some = slice(at, at + WIDTH)
        m = exact[some]
        sizes = np.abs(m)
        one = np.maximum(sizes.max(axis=1) / 32766.0, sizes.sum(axis=1) / (largest / MOST - rows))
        one[one == 0] = 1.0
        fine = one / 256.0
        q = np.rint(m * (1.0 / fine)[:, None])
        cells = np.floor((q + 128.0) * (1.0 / 256.0))
        low_ = q - 256.0 * cells
        upper[some], lower[some] = cells, low_ + 128.0
        step[some], bytes_[some], long[some] = one, _lengths(low_) * fine, _lengths(m)
        tail[some], rest[some] = _lengths(m - q * fine[:, None]), _lengths(m - cells * one[:, None])
    # Roundings to float32: of the sums, of both factors, of two additions.
    rough = 1.02 * _ROUNDING * (4.0 * (long + 2.0 * bytes_) + 12.0 * noise)
    level = 1.02 * _ROUNDING * 8.0 * (np.abs(shift) + max(abs(low), abs(high)) + 2.0)
    slopes = tail + rough, rest + rough
    half, likely = 1.001 * np.sqrt(rows) * bytes_, USUAL * np.sqrt(rows)
    if np.median(slopes[0] * likely + half + level) > max(2.0 * np.median(slope * likely + 0.5 - room), 0.01):
        return np.zeros(0, np.int16), np.zeros(0, np.float32)
    varied = [np.zeros(n)] * 3
    parts = [_paired(upper, 2), _paired(lower, 4).view(np.int16)]
    if squares.size:
        unit, off, all_ = np.empty((3, n))
        counts = np.empty((n, rows), np.int16)
        for at in range(0, n, WIDTH):
            some = slice(at, at + WIDTH)
            m = squares[some]
            # The largest sum of SHORT rows is to stay within 32 bits, times squares of inputs.
            most = np.add.reduceat(m, np.arange(0, rows, SHORT), axis=1).max(axis=1)
            one = np.maximum(m.max(axis=1) / 32766.0, most / (largest / SQUARED - SHORT))
            one[one == 0] = 1.0
            q = np.rint(m * (1.0 / one)[:, None])
            counts[some], unit[some], all_[some] = q, one, m.sum(axis=1)
            off[some] = np.abs(m - q * one[:, None]).max(axis=1)
        varied = [unit, 1.001 * off + 1e-6 * unit, 2.002 * all_]
        parts.append(_paired(counts, 2))
    parts.append(lower.reshape(-1).view(np.int16))
    tables = [
        _table(low, high, shift, sd, slopes[k], 0.5 - level, step, step / 256.0 * (1 - k), *varied, half * (1 - k))
        for k in range(2)
    ]
    fixed = np.stack(tables).reshape(2, LINES, -1, WIDTH).swapaxes(1, 2)
    return _aligned(np.int16, *parts), _aligned(np.float32, fixed)


def _lengths(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The length of each row."""
    return np.sqrt(np.einsum("ij,ij->i", m, m))


def _paired(upright: NDArray[Any], each: int) -> NDArray[Any]:
    """(n, rows) as (panels, rows / each, 32, each), columns filled up with zeros, in one line."""
    n, rows = upright.shape
    made = np.zeros((-(-n // WIDTH) * WIDTH, rows), upright.dtype)
    made[:n] = upright
    return made.reshape(-1, WIDTH, rows // each, each).swapaxes(1, 2).reshape(-1)


def _aligned(kind: type, *parts: NDArray[Any]) -> NDArray[Any]:
    """Arrays one after the other, from a cache line on: a register that straddles two lines takes twice as long to load."""
    size, each = sum(p.size for p in parts), np.dtype(kind).itemsize
    room = np.empty(size + _LINE // each, kind)
    made = room[-room.ctypes.data % _LINE // each :][:size]
    at = 0
    for part in parts:
        made[at : at + part.size] = part.ravel()
        at += part.size
    return made


def _upright(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows, n) as (n, rows), rows filled up."""
    made = np.zeros((m.shape[1], -(-m.shape[0] // WIDTH) * WIDTH))
    made[:, : m.shape[0]] = m.T
    return made


def _panels(upright: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, rows) as (panels, rows, 32), columns filled up."""
    n, rows = upright.shape
    made = np.zeros((-(-n // WIDTH), WIDTH, rows))
    made.reshape(-1, rows)[:n] = upright
    return made.swapaxes(1, 2)


def _filled(a: Bank, x: NDArray[Any], kind: type) -> NDArray[Any]:
    """Inputs (batch, rows) with rows filled up to a multiple of 32."""
    if x.ndim != 2 or x.shape[1] != a.rows:
        raise ValueError(f"inputs of shape {x.shape} for an array of {a.rows} rows")
    if a.rows % WIDTH == 0:
        return x if x.dtype == kind and x.flags.c_contiguous else np.ascontiguousarray(x, kind)
    made = np.zeros((len(x), -(-a.rows // WIDTH) * WIDTH), kind)
    made[:, : a.rows] = x
    return made


def _named(key: int | None, first: int) -> tuple[int, int, bool]:
    """Key and first number as the kernels take them: always signed, since they would be compiled again for other types."""
    if key is None:
        return 0, int(first), False
    return (key if key < 2**63 else key - 2**64), int(first), True


def read(a: Bank, x: NDArray[np.float32], key: int | None, first: int = 0) -> tuple[NDArray[Any], int]:
    """(codes (batch, n), how many were clipped) of inputs x (batch, rows), float32; sample b is number `first` + b.

    `key` is a key of `streams.stream`; None reads without noise. Threads may read parts of a batch at the same time.
    """
    # One vector takes two microseconds in the kernel, so what is right already is not looked at twice.
    if x.dtype is not _SINGLE or x.shape[-1] != a.filled or x.ndim != 2 or not x.flags.c_contiguous:
        x = _filled(a, x, np.float32)
    codes = np.empty((x.shape[0], a.padded), a.kind)
    if key is None or key >= _SIGN:
        key, first, noisy = _named(key, first)
    else:
        noisy = True
    clipped = convert_batch(x, key, first, noisy, a.single, a.double, a.whole, a.fixed, a.shape, codes)
    return codes if a.padded == a.columns else np.ascontiguousarray(codes[:, : a.columns]), clipped  # pyright: ignore[reportReturnType]


def read_values(a: Bank, x: NDArray[Any], key: int | None, first: int = 0) -> NDArray[np.float64]:
    """current·gain + offset (batch, n), float64, of inputs x (batch, rows) before any converter; noise as in `read`."""
    x = _filled(a, x, np.float64)
    levels = np.empty((len(x), a.columns))
    level_batch(x, *_named(key, first), a.double, a.shape, levels)
    return levels * a.lsb
