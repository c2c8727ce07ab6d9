"""Batches of vectors through an array, block by block, so that what a block needs stays in cache.

An array lies in four stretches of memory, and its sizes in `shape`: n, rows (filled up to a multiple of 32), whether noise depends on
the state, low, high, and the largest input of products of whole numbers (0: none).

    single  float32: cells (panels, rows, 32), table (panels, 4, 32), cells (n, rows), and with state-dependent noise both cells again,
            of variances. The table: offset; sd for each unit of ‖x‖; bound of the error for each unit of ‖x‖; half less the rest of it.
    double  float64: matrix (n, rows), offset (n,), sd (n,), bound of the error of float32 cells for each unit of ‖x‖ (n,), and with
            state-dependent noise the variances (n, rows).
    whole   int16: cells (panels, rows / 2, 32, 2), what they leave out in bytes (panels, rows / 4, 32, 4), variances like cells,
            and the bytes again (n, rows)
    fixed   float32: (2, panels, 10, 32), for cells with their bytes and for cells alone: the four lines as above, the value of a step of
            cells, of bytes, of variances; bound of the error of a variance for each unit of ‖x‖²; and, where inputs are rounded, of
            variances and of levels

Numba's cache of compiled code watches this file only: who changes `vectors`, `whole` or `normal` changes this one too, or empties the
cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.analog.drive import drive_block
from workbench.kernels.analog.vectors import (
    CHUNK,
    TALL,
    WIDE,
    convert,
    convert_state,
    dot,
    dot_squared,
    draw,
    draw_far,
    length,
    multiply_row,
    multiply_rows,
    multiply_tall,
)
from workbench.kernels.analog.whole import (
    MANY,
    convert_whole,
    convert_whole_state,
    copied,
    dot_bytes,
    multiply_bytes,
    multiply_pair,
    multiply_pair_real,
    multiply_pairs,
    multiply_pairs_real,
    multiply_wide,
    multiply_wide_real,
    narrow,
    narrow_squares,
    sum_bytes,
    sum_squares,
)
from workbench.kernels.lanes import WIDTH, popcount, prefetch, trailing
from workbench.kernels.rule import words

__all__ = ["convert_batch", "level_batch", "product_batch"]

BLOCK = 66
"""Vectors that go through the array together."""
FEW = 5
"""Fewer vectors than this go one by one, through the upper bytes first: the lower are looked at where a code hangs on them."""
DEEP = 512
"""Rows of whole numbers whose cells stay in the innermost cache."""
SHORT = 128
"""Rows of whole numbers whose variances are added up before they become floats: the fewer, the finer a step of them can be."""
LINES = 10
_W, _C, _T, _P, _B = uint64(WIDTH), uint64(CHUNK), uint64(TALL), uint64(WIDE), uint64(BLOCK)
_M, _D, _S, _L = uint64(MANY), uint64(DEEP), uint64(SHORT), uint64(LINES)
_FLOATS, _FINE, _COARSE = 0, 1, 2


@njit(inline="always")
def _level(x, at, jump, rows, n, cells, cells_at, variance, variance_at, double, state, j, z, norm):
    """The level of output j in the exact order."""
    level = dot(x, at, jump, rows, cells, cells_at + j * rows) + double[n * rows + j]
    if state:
        return level + z * np.sqrt(dot_squared(x, at, jump, rows, variance, variance_at + j * rows))
    return level + z * (norm * double[n * rows + n + j])


@njit(inline="always")
def _fetch(data, at, rows):
    """Ask for `rows` numbers before they are needed."""
    for k in range(uint64(0), rows, uint64(16)):
        prefetch(data, at + k)


@njit
def _sure(x, at, jump, rows, n, single, double, state, j, z, norm):
    """The level of output j whose code is certain: from float32 cells, or from the cells as they are when that is too near an edge."""
    padded = (n + _W - uint64(1)) // _W * _W
    upright = padded * rows + padded * uint64(4)
    spread = upright + n * rows + padded * rows
    level = _level(x, at, jump, rows, n, single, upright, single, spread, double, state, j, z, norm)
    if abs(level - np.rint(level)) > 0.5 - 1e-9 - norm * double[n * rows + n + n + j]:
        return _level(
            x, at, jump, rows, n, double, uint64(0), double, n * (rows + uint64(3)), double, state, j, z, norm
        )
    return level


@njit
def _settle(inputs, size, first, single, double, shape, norms, marks, doubtful, work, codes, row):
    """Compute again what may be wrong of 32 columns of a block, as `marks` say; returns how many were clipped."""
    n, rows, state, low, high = uint64(shape[0]), uint64(shape[1]), shape[2] > 0, shape[3], shape[4]
    padded = (n + _W - uint64(1)) // _W * _W
    upright = padded * rows + padded * uint64(4)
    spread = upright + n * rows + padded * rows
    clipped, found = uint64(0), uint64(0)
    for b in range(size):
        unsure = uint32(marks[b])
        clipped += uint64(popcount(uint32(uint32(marks[b] >> uint64(32)) & ~unsure)))
        while unsure:
            doubtful[found] = b * _W + uint64(trailing(unsure))
            unsure &= uint32(unsure - uint32(1))
            found += uint64(1)
    for k in range(found):
        if k + uint64(1) < found:  # what the next one needs is far away
            _fetch(single, upright + (first + doubtful[k + uint64(1)] % _W) * rows, rows)
            if state:
                _fetch(single, spread + (first + doubtful[k + uint64(1)] % _W) * rows, rows)
        b, j = doubtful[k] // _W, first + doubtful[k] % _W
        z = np.float64(work[doubtful[k]])
        code = np.rint(_sure(work, inputs + b * _C, size * _C, rows, n, single, double, state, j, z, norms[b]))
        kept = min(max(code, np.float64(low)), np.float64(high))
        codes[row + b, j] = kept
        clipped += uint64(kept != code)
    return clipped


@njit
def _sums(work, inputs, size, group, rows, cells, cells_at, panel, wide, sums):
    """Sums of a block of vectors over `wide` panels from `panel` on, put into work[sums…]; cells lie at cells[cells_at…]."""
    for k in range(uint64(0), rows, _C):
        deep = min(_C, rows - k)
        here = cells_at + panel * _W * rows + k * _W
        fresh = k == 0
        if group:
            ahead = here + deep * _W
            for g in range(uint64(0), size, _T):
                start = inputs + k * size + min(g, size - _T) * _C
                fetched = ahead + g // _T * deep * uint64(4)
                multiply_tall(work, start, _C, cells, here, uint64(0), deep, work, sums + g * _W, fresh, fetched)
        else:
            for b in range(size):
                start, to = inputs + k * size + b * _C, sums + b * _P * _W
                if wide == _P:
                    multiply_rows(work, start, _C, cells, here, rows * _W, deep, work, to, fresh, here)
                else:
                    multiply_row(work, start, _C, cells, here, rows * _W, deep, work, to, fresh, here)


@njit
def _whole_sums(x, x_at, size, rows, whole, cells_at, panel, wide, sums, to):
    """The same of whole numbers of 16 bits, put into sums[to…]."""
    for k in range(uint64(0), rows, _D):
        deep = min(_D, rows - k)
        here = cells_at + panel * _W * rows + k * _W
        fresh = k == 0
        if wide == 0:
            for g in range(uint64(0), size, _M):
                multiply_pairs(x, x_at + g * rows + k, rows, whole, here, uint64(0), deep, sums, to + g * _W, fresh)
        else:
            for b in range(size):
                start, put = x_at + b * rows + k, to + b * _P * _W
                if wide == _P:
                    multiply_wide(x, start, rows, whole, here, rows * _W, deep, sums, put, fresh)
                else:
                    multiply_pair(x, start, rows, whole, here, rows * _W, deep, sums, put, fresh)


@njit
def _variances(x, x_at, size, rows, whole, cells_at, panel, wide, sums, to):
    """The same of variances, as floats."""
    for k in range(uint64(0), rows, _S):
        deep = min(_S, rows - k)
        here = cells_at + panel * _W * rows + k * _W
        fresh = k == 0
        if wide == 0:
            for g in range(uint64(0), size, _M):
                start = x_at + g * rows + k
                multiply_pairs_real(x, start, rows, whole, here, uint64(0), deep, sums, to + g * _W, fresh)
        else:
            for b in range(size):
                start, put = x_at + b * rows + k, to + b * _P * _W
                if wide == _P:
                    multiply_wide_real(x, start, rows, whole, here, rows * _W, deep, sums, put, fresh)
                else:
                    multiply_pair_real(x, start, rows, whole, here, rows * _W, deep, sums, put, fresh)


@njit
def _byte_sums(x, size, rows, whole, cells_at, panel, sums, to):
    """The same of bytes."""
    for k in range(uint64(0), rows, _D):
        deep = min(_D, rows - k)
        here = cells_at + (panel * _W * rows + k * _W) // uint64(2)
        for g in range(uint64(0), size, _M):
            multiply_bytes(x, g * rows + k, rows, whole, here, uint64(0), deep, sums, to + g * _W, k == 0)


@njit
def _finer(
    marks, b, at, below, spread_at, panel, norm, off, coarse, whole, fixed, shape, work, bytes_, wholes, spare, codes, row
):  # fmt: skip
    """Convert again what 16 bits of cells left open, with their bytes; what is open now and what was clipped."""
    n, rows, state = uint64(shape[0]), uint64(shape[1]), shape[2] > 0
    lowest, highest = np.float32(shape[3]), np.float32(shape[4])
    padded = (n + _W - uint64(1)) // _W * _W
    columns = padded * rows + padded * rows // uint64(2) + (padded * rows if state else uint64(0))
    first, table_at, half = panel * _W, panel * _L * _W, rows // uint64(2)
    unsure = uint32(marks)
    left = unsure
    while left:
        lane = uint64(trailing(left))
        left &= uint32(left - uint32(1))
        wholes[below + lane] = dot_bytes(bytes_, b * rows, whole, columns + (first + lane) * half, rows)
    if state:
        again = convert_whole_state(
            work, b * _W, wholes, at, below, spread_at, off, norm, coarse, fixed, table_at, lowest, highest, spare, uint64(0)
        )  # fmt: skip
    else:
        again = convert_whole(
            work, b * _W, wholes, at, below, at, off, norm, coarse, fixed, table_at, lowest, highest, spare, uint64(0)
        )  # fmt: skip
    left = unsure
    while left:
        lane = uint64(trailing(left))
        left &= uint32(left - uint32(1))
        codes[row + b, first + lane] = spare[lane]
    clipped = uint64(uint32(marks >> uint64(32)) & ~unsure | uint32(again >> uint64(32)) & unsure)
    return uint64(uint32(again) & unsure) | clipped << uint64(32)


@njit(inline="always")
def _read_block(
    inputs, squares, sums, size, way, coarse, single, double, whole, fixed, shape, noise, norms, marks, doubtful, work,
    pairs, bytes_, offs, wholes, spare, codes, row
):  # fmt: skip
    """Write the codes of a block of vectors from codes[row] on; returns how many were clipped.

    way: by floats, by whole numbers, or by their upper bytes alone.
    """
    n, rows, state, low, high = uint64(shape[0]), uint64(shape[1]), shape[2] > 0, shape[3], shape[4]
    lowest, highest = np.float32(low), np.float32(high)
    panels = (n + _W - uint64(1)) // _W
    padded = panels * _W
    spreads = padded * rows + padded * uint64(4) + n * rows
    lower = padded * rows
    variances = lower + padded * rows // uint64(2)
    stretch = (size + _M) * _W if way == _FINE else size * _P * _W
    tables = panels * _L * _W if way == _COARSE else uint64(0)
    group = _T if size >= _T else uint64(0)
    behind = (size + group) * _W if group else size * _P * _W
    clipped = uint64(0)
    panel = uint64(0)
    while panel < panels:
        alone = group > 0 if way == _FLOATS else way == _FINE
        wide = uint64(1) if alone or panel + _P > panels else _P
        if way == _FLOATS:
            _sums(work, inputs, size, group, rows, single, uint64(0), panel, wide, sums)
            if state:
                _sums(work, squares, size, group, rows, single, spreads, panel, wide, sums + behind)
        else:
            kind = uint64(0) if alone else wide
            _whole_sums(pairs, uint64(0), size, rows, whole, uint64(0), panel, kind, wholes, uint64(0))
            if way == _FINE:
                _byte_sums(bytes_, size, rows, whole, lower, panel, wholes, stretch)
            if state:
                at = (size + _M) * rows
                _variances(pairs, at, size, rows, whole, variances, panel, kind, wholes, stretch + stretch)
        for p in range(wide):
            first = (panel + p) * _W
            # Loops of their own: a branch that is guessed wrong throws away what was begun, so none stands where the work is done.
            if noise.size:
                for b in range(size):
                    marks[b] = draw(noise[b, 0], noise[b, 1], first, work, b * _W)
                for b in range(size):
                    if marks[b]:
                        draw_far(noise[b, 0], noise[b, 1], first, work, b * _W)
            if way == _FLOATS:
                apart = _W if group else _P * _W
                late = size - size % group if group else size
                table_at = padded * rows + (panel + p) * (uint64(4) * _W)
                for b in range(size):
                    at = sums + p * _W + (b if b < late else b + group - size % group) * apart
                    out, norm = (row + b) * padded + first, np.float32(norms[b])
                    if state:
                        marks[b] = convert_state(
                            work, b * _W, at, at + behind, norm, single, table_at, lowest, highest, codes, out
                        )
                    else:
                        marks[b] = convert(work, b * _W, at, at, norm, single, table_at, lowest, highest, codes, out)
            else:
                apart = _W if alone else _P * _W
                table_at = tables + (panel + p) * (_L * _W)
                for b in range(size):
                    at = p * _W + b * apart
                    below, off = (at + stretch, offs[b]) if way == _FINE else (at, np.int64(0))
                    out, norm = (row + b) * padded + first, np.float32(norms[b])
                    if state:
                        marks[b] = convert_whole_state(
                            work, b * _W, wholes, at, below, at + stretch + stretch, off, norm, coarse, fixed, table_at,
                            lowest, highest, codes, out
                        )  # fmt: skip
                    else:
                        marks[b] = convert_whole(
                            work, b * _W, wholes, at, below, at, off, norm, coarse, fixed, table_at,
                            lowest, highest, codes, out
                        )  # fmt: skip
                if way == _COARSE:
                    for b in range(size):
                        if uint32(marks[b]):
                            at = p * _W + b * apart
                            marks[b] = _finer(
                                marks[b], b, at, at + stretch, at + stretch + stretch, panel + p, np.float32(norms[b]), offs[b],
                                coarse, whole, fixed, shape, work, bytes_, wholes, spare, codes, row
                            )  # fmt: skip
            clipped += _settle(inputs, size, first, single, double, shape, norms, marks, doubtful, work, codes, row)
        panel += wide
    return clipped


@njit(inline="always")
def _lined(size):
    """Room for float32 numbers that begins on a cache line."""
    work = np.empty(size + uint64(16), np.float32)
    return work[(uint64(64) - uint64(work.ctypes.data) % uint64(64)) % uint64(64) // uint64(4) :]


@njit(inline="always")
def _tables(block, lines, rows, codes):
    """Marks, doubtful outputs, lengths and offsets of a block, and its whole numbers: few stretches of memory, each takes its time to get."""
    words8 = np.empty(block * (_W + uint64(3)), np.uint64)
    halves = np.empty(lines * rows * uint64(2) + lines * rows // uint64(2), np.int16)
    wholes = np.empty(lines * _W * uint64(3) * _P + _W, np.int32)
    pairs = lines * rows * uint64(2)
    return (
        words8[:block],
        words8[uint64(3) * block :],
        words8[block : uint64(2) * block].view(np.float64),
        words8[uint64(2) * block : uint64(3) * block].view(np.int64),
        halves[:pairs],
        halves[pairs:].view(np.int8),
        wholes[_W:],
        wholes[:_W].view(codes.dtype),
    )


@njit(inline="always")
def _through(
    inputs, squares, sums, size, sound, most, key, first, noisy, single, double, whole, fixed, shape, noise, norms,
    marks, doubtful, work, pairs, bytes_, offs, wholes, spare, codes, row
):  # fmt: skip
    """Codes of a block whose inputs, whole numbers up to `most` if they are `sound`, lie in work[inputs…]; returns how many were clipped."""
    rows, state = uint64(shape[1]), shape[2] > 0
    way = _FLOATS
    if sound and most <= shape[5]:
        way = _FINE if size >= uint64(FEW) else _COARSE
    shift = uint64(1) if most > 127 else uint64(0)
    for b in range(size):
        if noisy:
            noise[b, 0], noise[b, 1] = words(key, first + b)
        if way == _FLOATS:
            norms[b] = np.sqrt(length(work, inputs + b * _C, size * _C, rows))
    if way != _FLOATS:
        for b in range(size):
            for k in range(uint64(0), rows, _W):
                at = inputs + k // _C * (size * _C) + b * _C + k % _C
                narrow(work, at, uint64(0), pairs, b * rows + k)
                narrow(work, at, shift, bytes_, b * rows + k)
                if state:
                    narrow_squares(work, at, shift + shift, pairs, (size + _M + b) * rows + k)
            norms[b] = np.sqrt(np.float64(sum_squares(pairs, b * rows, rows)))
            offs[b] = sum_bytes(bytes_, b * rows, rows) * np.int64(128)
    elif state:
        for i in range((rows + _C - uint64(1)) // _C * _C * size):
            work[squares + i] = work[inputs + i] * work[inputs + i]
    return _read_block(
        inputs, squares, sums, size, way, np.float32(shift), single, double, whole, fixed, shape, noise, norms, marks,
        doubtful, work, pairs, bytes_, offs, wholes, spare, codes, row
    )  # fmt: skip


@njit(inline="always")
def _rooms(block, most, shape):
    """Places of inputs, squares and sums among floats, and how many floats there are; and the rooms of whole numbers."""
    rows = uint64(shape[1])
    filled = (rows + _C - uint64(1)) // _C * _C
    inputs = block * _W
    squares = inputs + block * filled
    sums = squares + block * filled
    whole = 0 < most <= shape[5]
    lines = block + _M if whole else uint64(0)
    return inputs, squares, sums, sums + uint64(2) * _W * max(block + _T, _T * _P), lines


@njit(cache=True, nogil=True)
def convert_batch(x, key, first, noisy, single, double, whole, fixed, shape, codes):
    """Fill `codes` (batch, n filled up to a multiple of 32) for inputs x (batch, rows), float32; returns how many were clipped."""
    batch, rows = uint64(x.shape[0]), uint64(shape[1])
    block = min(batch, _B)
    most = 127
    inputs, squares, sums, room, lines = _rooms(block, most, shape)
    work = _lined(room)
    work[:inputs] = np.float32(0)
    noise = np.empty((block if noisy else uint64(0), uint64(2)), np.uint32)
    marks, doubtful, norms, offs, pairs, bytes_, wholes, spare = _tables(block, lines, rows, codes)
    clipped = uint64(0)
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        odd = uint32(0)
        for b in range(size):
            for k in range(uint64(0), rows, _W):
                at = inputs + k // _C * (size * _C) + b * _C + k % _C
                odd |= copied(x, (b0 + b) * rows + k, np.float32(most), work, at)
        clipped += _through(
            inputs, squares, sums, size, odd == 0 and lines > 0, most, key, uint64(first) + b0, noisy, single, double, whole, fixed,
            shape, noise, norms, marks, doubtful, work, pairs, bytes_, offs, wholes, spare, codes, b0
        )  # fmt: skip
    return clipped


@njit(cache=True, nogil=True)
def product_batch(
    x, begin, each, low, high, plane, key, first, noisy, single, double, whole, fixed, shape, codes, times, decoding,
    fresh, y, squared, reads, totals, counted
):  # fmt: skip
    """One read of the arrays behind rows `begin` … of x (batch, inputs): codes, or what they stand for added to y (batch, n).

    Level = clip(rint(x · each), low, high), or with a plane ≥ 0 the sign and that bit of it; with low > high no DAC rounds. `codes` of
    no rows: only y is wanted; a `y` of no rows: only codes. A fresh y holds nothing yet. `squared` (rows,), `reads` (batch,), `totals`
    (batch,) and `counted` are added to, see `drive`; counted[0] are clipped codes.
    """
    batch, n, rows = uint64(x.shape[0]), uint64(shape[0]), uint64(shape[1])
    block = min(batch, _B)
    padded = (n + _W - uint64(1)) // _W * _W
    rounded = low <= high
    most = 1 if plane >= 0 else (np.int64(max(high, -low)) if rounded else 0)
    inputs, squares, sums, room, lines = _rooms(block, most, shape)
    work = _lined(room)
    work[:inputs] = np.float32(0)
    noise = np.empty((block if noisy else uint64(0), uint64(2)), np.uint32)
    marks, doubtful, norms, offs, pairs, bytes_, wholes, spare = _tables(block, lines, rows, codes)
    kept = codes.shape[0] > 0
    made = codes if kept else np.empty((block, padded), codes.dtype)
    given = y.shape[0] > 0
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        driving = counted[1]
        drive_block(
            x, b0, size, begin, each, low, high, plane, work, inputs, _C, size * _C, squared, reads, totals, counted
        )  # fmt: skip
        row = b0 if kept else uint64(0)
        if counted[1] == driving:  # nothing is read
            norms[:size] = 0.0
        else:
            counted[0] += np.int64(
                _through(
                    inputs, squares, sums, size, lines > 0, most, key, uint64(first) + b0, noisy, single, double, whole,
                    fixed, shape, noise, norms, marks, doubtful, work, pairs, bytes_, offs, wholes, spare, made, row
                )
            )  # fmt: skip
        if kept:
            for b in range(size):
                if norms[b] == 0.0:
                    made[row + b, :] = 0
        if given:
            for b in range(size):
                active = norms[b] > 0.0
                if fresh and not active:
                    y[b0 + b, :] = 0.0
                elif fresh:
                    for j in range(n):
                        y[b0 + b, j] = times * (made[row + b, j] * decoding[0, j] + decoding[1, j])
                elif active:
                    for j in range(n):
                        y[b0 + b, j] += times * (made[row + b, j] * decoding[0, j] + decoding[1, j])


@njit(cache=True, nogil=True)
def level_batch(x, key, first, noisy, double, shape, levels):
    """Fill `levels` (batch, n), float64, in the exact order, without converters; x (batch, rows) is float64."""
    batch, n, rows, state = uint64(x.shape[0]), uint64(shape[0]), uint64(shape[1]), shape[2] > 0
    z = np.zeros((min(batch, _B), _W), np.float32)
    norms = np.empty(min(batch, _B))
    variance = n * (rows + uint64(3))
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        for b in range(size):
            norms[b] = np.sqrt(length(x, (b0 + b) * rows, _C, rows))
        for j in range(n):
            lane = j % _W
            if noisy and lane == 0:
                for b in range(size):
                    word1, word2 = words(key, uint64(first) + b0 + b)
                    if draw(word1, word2, j, z, b * _W):
                        draw_far(word1, word2, j, z, b * _W)
            for b in range(size):
                levels[b0 + b, j] = _level(
                    x, (b0 + b) * rows, _C, rows, n, double, uint64(0), double, variance, double, state, j,
                    np.float64(z[b, lane]), norms[b]
                )  # fmt: skip
