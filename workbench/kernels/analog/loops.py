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

BLOCK = 64
"""Vectors that go through the array together."""
_W, _C, _T, _P, _B = uint64(WIDTH), uint64(CHUNK), uint64(TALL), uint64(WIDE), uint64(BLOCK)


@njit(inline="always")
def _normals(word1, word2, column, z):
    """Fill z with the normal numbers of 32 columns."""
    if draw(word1, word2, column, z):
        draw_far(word1, word2, column, z)


@njit(inline="always")
def _exact(x, at, rows, matrix, variance, columns, j, z, norm):
    """The level of one output in the exact order."""
    level = dot(x, at, rows, matrix, j * rows) + columns[0, j]
    if variance.size:
        return level + z * np.sqrt(dot_squared(x, at, rows, variance, j * rows))
    return level + z * (norm * columns[1, j])


@njit
def _finish(
    x,
    b0,
    size,
    panel,
    place,
    shift,
    sums,
    variances,
    noise,
    norms,
    z,
    table,
    matrix,
    variance,
    columns,
    low,
    high,
    few,
    codes,
):
    """Codes of one panel of columns for a block of vectors; returns how many were clipped."""
    rows, n = uint64(x.shape[1]), uint64(codes.shape[1])
    first = panel * _W
    whole = first + _W <= n
    state = variance.size > 0
    noisy = noise.shape[0] > 0
    data = codes.reshape(codes.size)
    clipped = uint64(0)
    for b in range(size):
        at = place[b] + shift
        if noisy:
            _normals(noise[b, 0], noise[b, 1], first, z)
        out = (b0 + b) * n + first
        norm, lowest, highest = np.float32(norms[b]), np.float32(low), np.float32(high)
        to, to_at = (data, out) if whole else (few, uint64(0))
        if state:
            marks = convert_state(sums, at, variances, z, norm, table, panel * (4 * _W), lowest, highest, to, to_at)
        else:
            marks = convert(sums, at, variances, z, norm, table, panel * (4 * _W), lowest, highest, to, to_at)
        unsure, over = uint32(marks), uint32(marks >> uint64(32))
        over &= ~unsure
        while unsure:
            lane = uint64(trailing(unsure))
            unsure &= uint32(unsure - uint32(1))
            level = _exact(
                x, (b0 + b) * rows, rows, matrix, variance, columns, first + lane, np.float64(z[lane]), norms[b]
            )
            code = np.rint(level)
            kept = min(max(code, np.float64(low)), np.float64(high))
            to[to_at + lane] = kept
            clipped += uint64(kept != code)
        clipped += uint64(popcount(over))
        if not whole:
            for k in range(n - first):
                data[out + k] = few[k]
    return clipped


@njit(cache=True, nogil=True)
def convert_batch(x, key, first, noisy, cells, spreads, table, matrix, variance, columns, low, high, codes):
    """Fill `codes` (batch, n) for inputs x (batch, rows), float32; returns how many were clipped.

    `rows` is a multiple of 32 here; cells, spreads: (panels, rows, 32) float32; table: (panels, 4, 32): offset, sd, slope and room;
    matrix, variance: (n, rows) float64; columns: (2, n): offset and sd. Without state-dependent noise spreads and variance are empty.
    """
    batch, rows, panels = uint64(x.shape[0]), uint64(x.shape[1]), uint64(cells.shape[0])
    state = variance.size > 0
    block = min(batch, _B)
    tall = block >= _T
    room = (block + _T) * _W if tall else block * _P * _W
    sums = np.empty(room, np.float32)
    variances = np.empty(room if state else uint64(0), np.float32)
    squares = np.empty((block if state else uint64(0), rows), np.float32)
    z = np.zeros(_W, np.float32)
    few = np.empty(_W, codes.dtype)
    norms = np.empty(block)
    place = np.empty(block, np.uint64)
    noise = np.empty((block if noisy else uint64(0), uint64(2)), np.uint32)
    clipped = uint64(0)
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        tall = size >= _T
        for b in range(size):
            norms[b] = np.sqrt(length(x, (b0 + b) * rows, rows))
            if noisy:
                noise[b, 0], noise[b, 1] = words(key, first + b0 + b)
            if state:
                for i in range(rows):
                    squares[b, i] = x[b0 + b, i] * x[b0 + b, i]
            group = b // _T * _T
            place[b] = (b + (group - min(group, size - _T))) * _W if tall else b * _P * _W
        panel = uint64(0)
        while panel < panels:
            if tall:
                wide = uint64(1)
                for k in range(uint64(0), rows, _C):
                    some = min(_C, rows - k)
                    at = panel * rows * _W + k * _W
                    for group in range(uint64(0), size, _T):
                        b = min(group, size - _T)
                        multiply_tall(
                            x, (b0 + b) * rows + k, rows, cells, at, uint64(0), some, sums, group * _W, k == 0
                        )
                        if state:
                            multiply_tall(
                                squares, b * rows + k, rows, spreads, at, uint64(0), some, variances, group * _W, k == 0
                            )
            else:
                wide = _P if panel + _P <= panels else uint64(1)
                for b in range(size):
                    for k in range(uint64(0), rows, _C):
                        some = min(_C, rows - k)
                        at = panel * rows * _W + k * _W
                        if wide == _P:
                            multiply_rows(
                                x, (b0 + b) * rows + k, rows, cells, at, rows * _W, some, sums, place[b], k == 0
                            )
                            if state:
                                multiply_rows(
                                    squares,
                                    b * rows + k,
                                    rows,
                                    spreads,
                                    at,
                                    rows * _W,
                                    some,
                                    variances,
                                    place[b],
                                    k == 0,
                                )
                        else:
                            multiply_row(
                                x, (b0 + b) * rows + k, rows, cells, at, rows * _W, some, sums, place[b], k == 0
                            )
                            if state:
                                multiply_row(
                                    squares,
                                    b * rows + k,
                                    rows,
                                    spreads,
                                    at,
                                    rows * _W,
                                    some,
                                    variances,
                                    place[b],
                                    k == 0,
                                )
            for p in range(wide):
                clipped += _finish(
                    x,
                    b0,
                    size,
                    panel + p,
                    place,
                    p * _W,
                    sums,
                    variances,
                    noise,
                    norms,
                    z,
                    table,
                    matrix,
                    variance,
                    columns,
                    low,
                    high,
                    few,
                    codes,
                )
            panel += wide
    return clipped


@njit(cache=True, nogil=True)
def level_batch(x, key, first, noisy, matrix, variance, columns, levels):
    """Fill `levels` (batch, n), float64, in the exact order, without converters; x (batch, rows) is float64."""
    batch, rows, n = uint64(x.shape[0]), uint64(x.shape[1]), uint64(matrix.shape[0])
    z = np.zeros((min(batch, _B), _W), np.float32)
    norms = np.empty(min(batch, _B))
    for b0 in range(uint64(0), batch, _B):
        size = min(_B, batch - b0)
        for b in range(size):
            norms[b] = np.sqrt(length(x, (b0 + b) * rows, rows))
        for j in range(n):
            lane = j % _W
            if noisy and lane == 0:
                for b in range(size):
                    word1, word2 = words(key, first + b0 + b)
                    _normals(word1, word2, j, z[b])
            for b in range(size):
                levels[b0 + b, j] = _exact(
                    x, (b0 + b) * rows, rows, matrix, variance, columns, j, np.float64(z[b, lane]), norms[b]
                )
