"""The smallest patches of resistive crossbars, from single cells: eight patches side by side, one lane each.

Ports and matrices of patches are those of `kernels.wires`, which joins larger ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workbench.kernels.blocks import LANES, eliminated, less, mirrored, more, over

PATCH = 16
"""Cells along a side of the smallest patch, a power of two: the cells of one are joined here, eight patches side by side, larger ones by
BLAS, whose calls cost more than such small products."""
LEVELS = 8
"""Joins on the way from a cell to a patch."""


@njit(cache=True, nogil=True, error_model="numpy")
def _cell(g, row_wire, column_wire, buf, at, lane):
    """One cell with the row's segment at its left and the column's segment below it: one lane of 4 × 4 blocks from `at` on."""
    c = g / (1.0 + (row_wire + column_wire) * g)
    for port, into_row, into_column in (
        (0, 1.0, 0.0),
        (1, -row_wire, 0.0),
        (2, 0.0, -column_wire),
        (3, 0.0, -1.0),
    ):
        current = c * (into_row + into_column)
        buf[LANES * (at + port) + lane] = current
        buf[LANES * (at + 4 + port) + lane] = -row_wire * current
        buf[LANES * (at + 8 + port) + lane] = column_wire * current
        buf[LANES * (at + 12 + port) + lane] = current
    for place, extra in (
        (1, 1.0),
        (4, 1.0),
        (5, -row_wire),
        (11, 1.0),
        (10, column_wire),
        (14, 1.0),
    ):
        buf[LANES * (at + place) + lane] += extra


@njit(cache=True, nogil=True, error_model="numpy")
def _sides(p, q, beside):
    """First joined port and the other ports of two equal patches, beside each other or one above the other, and the others' new places."""
    rows, columns = (p, 2 * q) if beside else (2 * p, q)
    count = p + 2 * q if beside else 2 * p + q
    mine, yours = np.empty(count, np.int64), np.empty(count, np.int64)
    to_mine, to_yours = np.empty(count, np.int64), np.empty(count, np.int64)
    if beside:
        for i in range(p):
            mine[i], to_mine[i] = i, i
            yours[i], to_yours[i] = p + i, p + i
        for side in range(2):
            for i in range(q):
                k, old, new = (
                    p + side * q + i,
                    2 * p + side * q + i,
                    2 * rows + side * columns + i,
                )
                mine[k], to_mine[k] = old, new
                yours[k], to_yours[k] = old, new + q
        return p, 0, mine, to_mine, yours, to_yours
    for side in range(2):
        for i in range(p):
            k = side * p + i
            mine[k], to_mine[k] = k, side * rows + i
            yours[k], to_yours[k] = k, side * rows + p + i
    for i in range(q):
        mine[2 * p + i], to_mine[2 * p + i] = 2 * p + i, 2 * rows + i
        yours[2 * p + i], to_yours[2 * p + i] = 2 * p + q + i, 2 * rows + columns + i
    return 2 * p + q, 2 * p, mine, to_mine, yours, to_yours


@njit(cache=True, nogil=True, error_model="numpy")
def _next(j, count):
    """Four numbers from j on, below `count`: at the end the last again, which is written twice alike."""
    return j, min(j + 1, count - 1), min(j + 2, count - 1), min(j + 3, count - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _product(buf, out, a, step, b, places, far, n, count, nothing):
    """out[i, j] = Σ_k a[i, k] b[k, places[j]] for i < n and j < count: a in rows of n blocks `step` apart, b's `far`, out's `count`."""
    for i in range(n):
        for j in range(0, count, 4):
            j0, j1, j2, j3 = _next(j, count)
            o, f = out + i * count, a + i * step
            b0, b1, b2, b3 = (
                b + places[j0],
                b + places[j1],
                b + places[j2],
                b + places[j3],
            )
            more(
                buf,
                o + j0,
                o + j1,
                o + j2,
                o + j3,
                nothing,
                nothing,
                nothing,
                nothing,
                f,
                1,
                b0,
                b1,
                b2,
                b3,
                far,
                n,
            )


@njit(cache=True, nogil=True, error_model="numpy")
def _sums(buf, first, count, out, size, signs, r, to, start, places, a, b, n):
    """Entries of row r of what is joined, at columns to[first:], and by reciprocity their mirror images: the sums of a[k] b[k, j].

    `start` is where the row of the patch lies that these ports were of, at places[j]; or a block of zeros, `places` all 0.
    """
    sign = signs[r]
    for j in range(first, count, 4):
        j0, j1, j2, j3 = _next(j, count)
        c0, c1, c2, c3 = to[j0], to[j1], to[j2], to[j3]
        o = out + r * size
        m0, m1, m2, m3 = (
            out + c0 * size + r,
            out + c1 * size + r,
            out + c2 * size + r,
            out + c3 * size + r,
        )
        g0, g1, g2, g3 = (
            sign * signs[c0],
            sign * signs[c1],
            sign * signs[c2],
            sign * signs[c3],
        )
        s0, s1, s2, s3 = (
            start + places[j0],
            start + places[j1],
            start + places[j2],
            start + places[j3],
        )
        mirrored(
            buf, o + c0, o + c1, o + c2, o + c3, m0, m1, m2, m3, g0, g1, g2, g3, s0, s1, s2, s3,
            a, 1, b + j0, b + j1, b + j2, b + j3, count, n,
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _join_lanes(buf, a, wide_a, b, wide_b, n, at_a, at_b, sides, count, signs, even, room, out, size):
    """As `join`, eight pairs side by side: patches and what becomes of them lie in `buf` from blocks a, b and out on; scratch from `room`.

    `sides` are the other ports of a and b and their new places, `count` of each; `even` is 0, 1, 2 ... and as many zeros.
    m = I + (resistance)(conductance) needs no pivots. Before `room` lie a block of zeros and one of ones.
    """
    mine, yours, to_mine, to_yours = sides[0], sides[1], sides[2], sides[3]
    nothing, one = room - 2, room - 1
    m, p = room, room + n * n
    x_a, x_b, y = p + n * n, p + n * n + n * count, p + n * n + 2 * n * count
    f, e = a + at_a * wide_a + at_a, b + at_b * wide_b + at_b
    for i in range(n):
        for j in range(0, n, 4):
            j0, j1, j2, j3 = _next(j, n)
            s0, s1 = one if i == j0 else nothing, one if i == j1 else nothing
            s2, s3 = one if i == j2 else nothing, one if i == j3 else nothing
            o, row = m + i * n, f + i * wide_a
            less(
                buf,
                o + j0,
                o + j1,
                o + j2,
                o + j3,
                s0,
                s1,
                s2,
                s3,
                row,
                1,
                e + j0,
                e + j1,
                e + j2,
                e + j3,
                wide_b,
                n,
            )
    for k in range(n):
        over(buf, m + k * n, m + k * n + k, n)
        for i in range(n):
            if i != k:
                eliminated(buf, m + i * n, k, m + k * n, n)
    _product(buf, p, m, n, f, even[0], wide_a, n, n, nothing)
    _product(buf, x_a, m, n, a + at_a * wide_a, mine, wide_a, n, count, nothing)
    _product(buf, x_b, p, n, b + at_b * wide_b, yours, wide_b, n, count, nothing)
    _product(buf, y, e, wide_b, x_a, even[0], count, n, count, nothing)
    for i in range(count):
        row = a + mine[i] * wide_a
        _sums(
            buf,
            i,
            count,
            out,
            size,
            signs,
            to_mine[i],
            to_mine,
            row,
            mine,
            row + at_a,
            y,
            n,
        )
        row = b + yours[i] * wide_b
        _sums(
            buf,
            0,
            count,
            out,
            size,
            signs,
            to_yours[i],
            to_mine,
            nothing,
            even[1],
            row + at_b,
            x_a,
            n,
        )
        _sums(
            buf,
            i,
            count,
            out,
            size,
            signs,
            to_yours[i],
            to_yours,
            row,
            yours,
            row + at_b,
            x_b,
            n,
        )


@njit(cache=True, nogil=True, error_model="numpy")
def patches(g, row_wire, column_wire):
    """The matrices of all PATCH × PATCH patches of `g`, whose sides are multiples of PATCH: (down, across, 4 PATCH, 4 PATCH)."""
    down, across, size = g.shape[0] // PATCH, g.shape[1] // PATCH, 4 * PATCH
    many, cells = down * across, PATCH * PATCH
    made = np.empty((many, size, size))
    pairs, fours = 16 * cells, 34 * cells
    room = 50 * cells + 2
    buf = np.empty(LANES * (room + 2 * cells + 3 * PATCH * 2 * PATCH))
    buf[LANES * (room - 2) : LANES * (room - 1)] = 0.0
    buf[LANES * (room - 1) : LANES * room] = 1.0
    even = np.zeros((2, 2 * PATCH), np.int64)
    even[0] = np.arange(2 * PATCH)
    sides, signs = np.empty((LEVELS, 4, 2 * PATCH), np.int64), np.empty((LEVELS, size))
    first, counts = np.empty((LEVELS, 2), np.int64), np.empty(LEVELS, np.int64)
    h, level = 1, 0
    while h < PATCH:
        for wide in (h, 2 * h):
            first[level, 0], first[level, 1], mine, to_mine, yours, to_yours = _sides(h, wide, wide == h)
            counts[level] = mine.size
            for k, ports in enumerate((mine, yours, to_mine, to_yours)):
                sides[level, k, : mine.size] = ports
            signs[level] = -1.0
            signs[level, : 2 * wide] = 1.0
            level += 1
        h *= 2
    for start in range(0, many, LANES):
        for lane in range(LANES):
            number = min(start + lane, many - 1)
            top, left = PATCH * (number // across), PATCH * (number % across)
            for i in range(PATCH):
                for j in range(PATCH):
                    _cell(
                        g[top + i, left + j],
                        row_wire,
                        column_wire,
                        buf,
                        16 * (i * PATCH + j),
                        lane,
                    )
        now, h, level = 0, 1, 0
        while h < PATCH:
            k, s, w, q = PATCH // h, 4 * h, 6 * h, 8 * h
            for i in range(k * (k // 2)):
                a = now + 2 * i * s * s
                _join_lanes(
                    buf, a, s, a + s * s, s, h, first[level, 0], first[level, 1], sides[level], counts[level],
                    signs[level], even, room, pairs + i * w * w, w,
                )  # fmt: skip
            level += 1
            for i in range(k // 2):
                for j in range(k // 2):
                    a, b = (
                        pairs + (2 * i * (k // 2) + j) * w * w,
                        pairs + ((2 * i + 1) * (k // 2) + j) * w * w,
                    )
                    _join_lanes(
                        buf, a, w, b, w, 2 * h, first[level, 0], first[level, 1], sides[level], counts[level],
                        signs[level], even, room, fours + (i * (k // 2) + j) * q * q, q,
                    )  # fmt: skip
            level += 1
            now = fours
            h *= 2
        for lane in range(min(LANES, many - start)):
            for i in range(size):
                for j in range(size):
                    made[start + lane, i, j] = buf[LANES * (now + i * size + j) + lane]
    return made.reshape(down, across, size, size)
