"""Batches of vectors through an array, block by block, so that what a block needs stays in cache.

Numba's cache of compiled code watches this file only: who changes `vectors` or `normal` changes this one too, or empties the cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

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
from workbench.kernels.lanes import WIDTH, popcount, prefetch, trailing
from workbench.kernels.rule import words

__all__ = ["convert_batch", "level_batch"]

BLOCK = 66
"""Vectors that go through the array together."""
_W, _C, _T, _P, _B = uint64(WIDTH), uint64(CHUNK), uint64(TALL), uint64(WIDE), uint64(BLOCK)

# An array lies in two stretches of memory, `single` and `double`, and its sizes in `shape`: n, rows (filled up to a multiple of 32),
# whether noise depends on the state, low, high.
#     single: cells (panels, rows, 32), table (panels, 4, 32), cells (n, rows), and with state-dependent noise both cells again, of
#             variances. The table: offset; sd for each unit of ‖x‖; bound of the error for each unit of ‖x‖; half less the rest of it.
#     double: matrix (n, rows), offset (n,), sd (n,), bound of the error of float32 cells for each unit of ‖x‖ (n,), and with
#             state-dependent noise the variances (n, rows).


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
def _finish(
    inputs, b0, size, group, panel, at, behind, single, double, shape, noise, norms, marks, doubtful, work, codes
):
    """Codes of one panel of columns for a block of vectors; returns how many were clipped.

    Sums lie from work[at] on, those of the last `group` vectors where the last group put them; variances `behind` them.
    """
    n, rows, state, low, high = uint64(shape[0]), uint64(shape[1]), shape[2] > 0, shape[3], shape[4]
    lowest, highest = np.float32(low), np.float32(high)
    padded = (n + _W - uint64(1)) // _W * _W
    upright = padded * rows + padded * uint64(4)
    spread = upright + n * rows + padded * rows
    table_at = padded * rows + panel * (uint64(4) * _W)
    first = panel * _W
    apart = _W if group else _P * _W
    late = size - size % group if group else size
    # Loops of their own: a branch that is guessed wrong throws away what was begun, so none stands where the work is done.
    if noise.size:
        for b in range(size):
            marks[b] = draw(noise[b, 0], noise[b, 1], first, work, b * _W)
        for b in range(size):
            if marks[b]:
                draw_far(noise[b, 0], noise[b, 1], first, work, b * _W)
    for b in range(size):
        sums_at = at + (b if b < late else b + group - size % group) * apart
        out, norm = (b0 + b) * padded + first, np.float32(norms[b])
        if state:
            marks[b] = convert_state(
                work, b * _W, sums_at, sums_at + behind, norm, single, table_at, lowest, highest, codes, out
            )
        else:
            marks[b] = convert(work, b * _W, sums_at, sums_at, norm, single, table_at, lowest, highest, codes, out)
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
        codes[b0 + b, j] = kept
        clipped += uint64(kept != code)
    return clipped


@njit(inline="always")
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


@njit(cache=True, nogil=True)
def convert_batch(x, key, first, noisy, single, double, shape, codes):
    """Fill `codes` (batch, n filled up to a multiple of 32) for inputs x (batch, rows), float32; returns how many were clipped."""
    batch, n, rows, state = uint64(x.shape[0]), uint64(shape[0]), uint64(shape[1]), shape[2] > 0
    panels = (n + _W - uint64(1)) // _W
    spreads = panels * _W * rows + panels * _W * uint64(4) + n * rows
    block = min(batch, _B)
    filled = (rows + _C - uint64(1)) // _C * _C
    # Noise, inputs chunk by chunk, their squares, sums, variances; and room to begin on a cache line.
    room = block * (_W + uint64(2) * filled) + uint64(2) * _W * max(block + _T, _T * _P)
    work = np.empty(room + uint64(16), np.float32)
    work = work[(uint64(64) - uint64(work.ctypes.data) % uint64(64)) % uint64(64) // uint64(4) :]
    work[: block * _W] = np.float32(0)
    inputs = block * _W
    squares = inputs + block * filled
    sums = squares + block * filled
    norms, noise = np.empty(block), np.empty((block if noisy else uint64(0), uint64(2)), np.uint32)
    marks, doubtful = np.empty(block, np.uint64), np.empty(block * _W, np.uint64)
    clipped = uint64(0)
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        group = _T if size >= _T else uint64(0)
        behind = (size + group) * _W if group else size * _P * _W
        for b in range(size):
            norms[b] = np.sqrt(length(x, (b0 + b) * rows, _C, rows))
            if noisy:
                noise[b, 0], noise[b, 1] = words(key, uint64(first) + b0 + b)
        for k in range(uint64(0), rows, _C):
            deep = min(_C, rows - k)
            for b in range(size):
                at = k * size + b * _C
                for i in range(deep):
                    work[inputs + at + i] = x[b0 + b, k + i]
                if state:
                    for i in range(deep):
                        work[squares + at + i] = x[b0 + b, k + i] * x[b0 + b, k + i]
        panel = uint64(0)
        while panel < panels:
            wide = _P if group == 0 and panel + _P <= panels else uint64(1)
            _sums(work, inputs, size, group, rows, single, uint64(0), panel, wide, sums)
            if state:
                _sums(work, squares, size, group, rows, single, spreads, panel, wide, sums + behind)
            for p in range(wide):
                at = sums + p * _W
                clipped += _finish(
                    inputs,
                    b0,
                    size,
                    group,
                    panel + p,
                    at,
                    behind,
                    single,
                    double,
                    shape,
                    noise,
                    norms,
                    marks,
                    doubtful,
                    work,
                    codes,
                )
            panel += wide
    return clipped


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
                    x,
                    (b0 + b) * rows,
                    _C,
                    rows,
                    n,
                    double,
                    uint64(0),
                    double,
                    variance,
                    double,
                    state,
                    j,
                    np.float64(z[b, lane]),
                    norms[b],
                )
