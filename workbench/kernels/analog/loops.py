"""Batches of vectors through an array, block by block, so that what a block needs stays in cache."""

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
from workbench.kernels.lanes import WIDTH, popcount, trailing
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
def _level(x, at, rows, n, cells, cells_at, variance, variance_at, double, state, j, z, norm):
    """The level of output j in the exact order."""
    level = dot(x, at, rows, cells, cells_at + j * rows) + double[n * rows + j]
    if state:
        return level + z * np.sqrt(dot_squared(x, at, rows, variance, variance_at + j * rows))
    return level + z * (norm * double[n * rows + n + j])


@njit
def _sure(x, at, rows, n, single, double, state, j, z, norm):
    """The level of output j whose code is certain: from float32 cells, or from the cells as they are when that is too near an edge."""
    padded = (n + _W - uint64(1)) // _W * _W
    upright = padded * rows + padded * uint64(4)
    spread = upright + n * rows + padded * rows
    level = _level(x, at, rows, n, single, upright, single, spread, double, state, j, z, norm)
    if abs(level - np.rint(level)) > 0.5 - 1e-9 - norm * double[n * rows + n + n + j]:
        return _level(x, at, rows, n, double, uint64(0), double, n * (rows + uint64(3)), double, state, j, z, norm)
    return level


@njit
def _finish(x, b0, size, group, panel, at, wide, single, double, shape, noise, norms, marks, work, codes):
    """Codes of one panel of columns for a block of vectors; returns how many were clipped.

    Sums of vector b lie at work[at + 32·b·wide], for the last `group` vectors where the last group put them; variances behind all sums.
    """
    n, rows, state, low, high = uint64(shape[0]), uint64(shape[1]), shape[2] > 0, shape[3], shape[4]
    lowest, highest = np.float32(low), np.float32(high)
    padded = (n + _W - uint64(1)) // _W * _W
    table_at = padded * rows + panel * (uint64(4) * _W)
    first = panel * _W
    behind = (size + group) * wide * _W
    late = size - size % group if group else size
    # Loops of their own: a branch that is guessed wrong throws away what was begun, so none stands where the work is done.
    if noise.size:
        for b in range(size):
            marks[b] = draw(noise[b, 0], noise[b, 1], first, work, b * _W)
        for b in range(size):
            if marks[b]:
                draw_far(noise[b, 0], noise[b, 1], first, work, b * _W)
    for b in range(size):
        sums_at = at + (b if b < late else b + group - size % group) * wide * _W
        out, norm = (b0 + b) * padded + first, np.float32(norms[b])
        if state:
            marks[b] = convert_state(
                work, b * _W, sums_at, sums_at + behind, norm, single, table_at, lowest, highest, codes, out
            )
        else:
            marks[b] = convert(work, b * _W, sums_at, sums_at, norm, single, table_at, lowest, highest, codes, out)
    clipped = uint64(0)
    for b in range(size):
        unsure = uint32(marks[b])
        clipped += uint64(popcount(uint32(uint32(marks[b] >> uint64(32)) & ~unsure)))
        while unsure:
            lane = uint64(trailing(unsure))
            unsure &= uint32(unsure - uint32(1))
            z = np.float64(work[b * _W + lane])
            code = np.rint(_sure(x, (b0 + b) * rows, rows, n, single, double, state, first + lane, z, norms[b]))
            kept = min(max(code, np.float64(low)), np.float64(high))
            codes[(b0 + b) * padded + first + lane] = kept
            clipped += uint64(kept != code)
    return clipped


@njit(cache=True, nogil=True)
def convert_batch(x, key, first, noisy, single, double, shape, codes):
    """Fill `codes` (batch·n, n filled up to a multiple of 32) for inputs x (batch, rows), float32; returns how many were clipped."""
    batch, n, rows, state = uint64(x.shape[0]), uint64(shape[0]), uint64(shape[1]), shape[2] > 0
    panels = (n + _W - uint64(1)) // _W
    spreads = panels * _W * rows + panels * _W * uint64(4) + n * rows
    block = min(batch, _B)
    sums = (block + _T) * _W if block >= _T else block * _P * _W
    # noise, sums, variances, inputs chunk by chunk, their squares; a quarter kilobyte to begin on a cache line
    room = block * _W + sums * (uint64(2) if state else uint64(1)) + rows * block * (uint64(2) if state else uint64(1))
    work = np.empty(room + uint64(16), np.float32)
    work = work[(uint64(64) - uint64(work.ctypes.data) % uint64(64)) % uint64(64) // uint64(4) :]
    work[: block * _W] = np.float32(0)
    marks = np.empty(block, np.uint64)
    norms = np.empty(block)
    noise = np.empty((block if noisy else uint64(0), uint64(2)), np.uint32)
    clipped = uint64(0)
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        group = _T if size >= _T else uint64(0)
        wide = uint64(1) if group else _P
        behind = (size + group) * wide * _W
        inputs = block * _W + behind * (uint64(2) if state else uint64(1))
        squares = inputs + rows * size
        for b in range(size):
            norms[b] = np.sqrt(length(x, (b0 + b) * rows, rows))
            if noisy:
                noise[b, 0], noise[b, 1] = words(key, first + b0 + b)
        if group:
            for k in range(uint64(0), rows, _C):
                some = min(_C, rows - k)
                for b in range(size):
                    for i in range(some):
                        work[inputs + k * size + b * some + i] = x[b0 + b, k + i]
        if state:
            for b in range(size * rows):
                if group:
                    work[squares + b] = work[inputs + b] * work[inputs + b]
                else:
                    value = x[b0 + b // rows, b % rows]
                    work[squares + b] = value * value
        panel = uint64(0)
        while panel < panels:
            at = panel * _W * rows
            if group:
                for k in range(uint64(0), rows, _C):
                    some = min(_C, rows - k)
                    here = at + k * _W
                    ahead = here + some * _W
                    for g in range(uint64(0), size, _T):
                        b = min(g, size - _T)
                        start = k * size + b * some
                        multiply_tall(
                            work,
                            inputs + start,
                            some,
                            single,
                            here,
                            uint64(0),
                            some,
                            work,
                            block * _W + g * _W,
                            k == 0,
                            ahead + g // _T * some * uint64(4),
                        )
                        if state:
                            multiply_tall(
                                work,
                                squares + start,
                                some,
                                single,
                                spreads + here,
                                uint64(0),
                                some,
                                work,
                                block * _W + behind + g * _W,
                                k == 0,
                                spreads + ahead + g // _T * some * uint64(4),
                            )
                some = uint64(1)
            else:
                some = _P if panel + _P <= panels else uint64(1)
                for b in range(size):
                    for k in range(uint64(0), rows, _C):
                        deep = min(_C, rows - k)
                        here = at + k * _W
                        to = (block + b * _P) * _W
                        if some == _P:
                            multiply_rows(
                                x, (b0 + b) * rows + k, rows, single, here, rows * _W, deep, work, to, k == 0, here
                            )
                            if state:
                                multiply_rows(
                                    work,
                                    squares + b * rows + k,
                                    rows,
                                    single,
                                    spreads + here,
                                    rows * _W,
                                    deep,
                                    work,
                                    to + behind,
                                    k == 0,
                                    here,
                                )
                        else:
                            multiply_row(
                                x, (b0 + b) * rows + k, rows, single, here, rows * _W, deep, work, to, k == 0, here
                            )
                            if state:
                                multiply_row(
                                    work,
                                    squares + b * rows + k,
                                    rows,
                                    single,
                                    spreads + here,
                                    rows * _W,
                                    deep,
                                    work,
                                    to + behind,
                                    k == 0,
                                    here,
                                )
            for p in range(some):
                clipped += _finish(
                    x,
                    b0,
                    size,
                    group,
                    panel + p,
                    (block + p) * _W,
                    wide,
                    single,
                    double,
                    shape,
                    noise,
                    norms,
                    marks,
                    work,
                    codes,
                )
            panel += some
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
            norms[b] = np.sqrt(length(x, (b0 + b) * rows, rows))
        for j in range(n):
            lane = j % _W
            if noisy and lane == 0:
                for b in range(size):
                    word1, word2 = words(key, first + b0 + b)
                    if draw(word1, word2, j, z, b * _W):
                        draw_far(word1, word2, j, z, b * _W)
            for b in range(size):
                levels[b0 + b, j] = _level(
                    x,
                    (b0 + b) * rows,
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
