"""Resistive crossbars as patches of cells that are joined side by side, and conjugate gradients over currents of cells.

A patch of p × q cells touches the rest through ports on its sides, always in this order: p left, p right, q top, q bottom. What goes in
is a row's voltage (left), the current a row carries on (right), the current a column brings (top), a column's voltage (bottom); what
comes out is the other one of voltage and current: a row's current, its voltage, a column's voltage, its current. Currents count along
rows to the right and down columns. So a wire needs no conductance and may have no resistance at all, and the matrix `out = H @ in` of a
patch exists for every finite network. By reciprocity H is symmetric within row ports and within column ports, antisymmetric between.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _block(matrix, rows, columns, work, at):
    """The entries at `rows` × `columns` as a matrix that begins at work[at], and where it ends."""
    end = at + rows.size * columns.size
    made = work[at:end].reshape(rows.size, columns.size)
    for i in range(rows.size):
        for j in range(columns.size):
            made[i, j] = matrix[rows[i], columns[j]]
    return made, end


@njit(cache=True, nogil=True, error_model="numpy")
def _room(work, at, rows, columns):
    end = at + rows * columns
    return work[at:end].reshape(rows, columns), end


@njit(cache=True, nogil=True, error_model="numpy")
def join(a, b, index, cut, mirrored, rows, work, out):
    """Write to `out` the matrix of two patches joined along a side, a left of b or above it; scratch is `work`.

    `index[cut[k]:cut[k + 1]]` are, for a and for b in turn: joined outputs, joined inputs, other outputs, other inputs, and the places
    of the latter two in `out`. What both have inside, x = f y + ... (out of a into b) and y = e x + ... (out of b into a), is solved for:
    x = (I - f e)^-1 (...). Where `mirrored`, a's outputs from b's inputs are the mirror image of b's from a's; `rows` of the places are
    row ports.
    """
    joined_out_a, joined_out_b = index[cut[0] : cut[1]], index[cut[1] : cut[2]]
    joined_in_a, joined_in_b = index[cut[2] : cut[3]], index[cut[3] : cut[4]]
    out_a, out_b = index[cut[4] : cut[5]], index[cut[5] : cut[6]]
    in_a, in_b = index[cut[6] : cut[7]], index[cut[7] : cut[8]]
    to_out_a, to_out_b = index[cut[8] : cut[9]], index[cut[9] : cut[10]]
    to_in_a, to_in_b = index[cut[10] : cut[11]], index[cut[11] : cut[12]]
    n, na, nb = joined_out_a.size, in_a.size, in_b.size
    f, at = _block(a, joined_out_a, joined_in_a, work, 0)
    e, at = _block(b, joined_out_b, joined_in_b, work, at)
    m, at = _room(work, at, n, n)
    np.dot(f, e, m)
    for i in range(n):
        for j in range(n):
            m[i, j] = -m[i, j]
        m[i, i] += 1.0
    inverse = np.linalg.inv(m)
    from_a, at = _block(a, joined_out_a, in_a, work, at)
    x_a, at = _room(work, at, n, na)
    np.dot(inverse, from_a, x_a)
    y_a = from_a
    if out_a.size:
        np.dot(e, x_a, y_a)
    from_b, at = _block(b, joined_out_b, in_b, work, at)
    x_b, at = _room(work, at, n, nb)
    if nb < n:
        made, _ = _room(work, at, n, nb)
        np.dot(f, from_b, made)
        np.dot(inverse, made, x_b)
    else:
        np.dot(inverse, f, m)
        np.dot(m, from_b, x_b)
    into_b, at = _block(b, out_b, joined_in_b, work, at)
    made, _ = _room(work, at, out_b.size, na)
    np.dot(into_b, x_a, made)
    for i in range(out_b.size):
        for j in range(na):
            out[to_out_b[i], to_in_a[j]] = made[i, j]
    if mirrored:
        for j in range(na):
            for i in range(out_b.size):
                same = (to_in_a[j] < rows) == (to_out_b[i] < rows)
                out[to_out_a[j], to_in_b[i]] = made[i, j] if same else -made[i, j]
    made, _ = _room(work, at, out_b.size, nb)
    np.dot(into_b, x_b, made)
    for i in range(out_b.size):
        for j in range(nb):
            out[to_out_b[i], to_in_b[j]] = made[i, j] + b[out_b[i], in_b[j]]
    if not out_a.size:
        return
    into_a, at = _block(a, out_a, joined_in_a, work, at)
    made, _ = _room(work, at, out_a.size, na)
    np.dot(into_a, y_a, made)
    for i in range(out_a.size):
        for j in range(na):
            out[to_out_a[i], to_in_a[j]] = made[i, j] + a[out_a[i], in_a[j]]
    if not mirrored:
        y_b, at = _room(work, at, n, nb)
        np.dot(e, x_b, y_b)
        y_b += from_b
        made, _ = _room(work, at, out_a.size, nb)
        np.dot(into_a, y_b, made)
        for i in range(out_a.size):
            for j in range(nb):
                out[to_out_a[i], to_in_b[j]] = made[i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def run(steps, index, cuts, kinds, patches, arena, work):
    """Join patches step by step; the last step's matrix is the result, in `arena`.

    A step says of its two patches whether each lies in `patches` (0) or `arena` (1), from which place on, and its shape; then the place
    and shape of what comes out, and its plan: a row of `cuts` (into `index`) and of `kinds` (mirrored, row ports), see `join`.
    """
    for k in range(steps.shape[0]):
        step = steps[k]
        a = (arena if step[0] else patches)[step[1] : step[1] + step[2] * step[3]].reshape(step[2], step[3])
        b = (arena if step[4] else patches)[step[5] : step[5] + step[6] * step[7]].reshape(step[6], step[7])
        out = arena[step[8] : step[8] + step[9] * step[10]].reshape(step[9], step[10])
        join(
            a,
            b,
            index,
            cuts[step[11]],
            kinds[step[11], 0] == 1,
            kinds[step[11], 1],
            work,
            out,
        )


@njit(cache=True, nogil=True, error_model="numpy")
def drops(currents, row_wire, column_wire, along_rows, along_columns):
    """Write what the wires lose when each cell carries so much: from a row's driver to the cell, and from the cell to ground, V."""
    rows, columns = currents.shape
    for i in range(rows):
        carried = 0.0
        for j in range(columns - 1, -1, -1):
            carried += currents[i, j]
            along_rows[i, j] = row_wire * carried
        for j in range(1, columns):
            along_rows[i, j] += along_rows[i, j - 1]
    for j in range(columns):
        along_columns[0, j] = currents[0, j]
    for i in range(1, rows):
        for j in range(columns):
            along_columns[i, j] = along_columns[i - 1, j] + currents[i, j]
    for j in range(columns):
        along_columns[rows - 1, j] *= column_wire
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            along_columns[i, j] = column_wire * along_columns[i, j] + along_columns[i + 1, j]


@njit(cache=True, nogil=True, error_model="numpy")
def solve(root, row_wire, column_wire, across, tolerance, limit, s):
    """Conjugate gradients for (I + √G K √G) s = √G across, from the s that is given; K are the wires' drops per current of a cell.

    `root` is √G and `across` the voltage over each cell if wires were perfect. No eigenvalue is below 1, so the error of s is at most
    the residual. Returns (residual over right side, iterations).
    """
    rows, columns = root.shape
    along_rows, along_columns = np.empty((rows, columns)), np.empty((rows, columns))
    p, q, r = (
        np.empty((rows, columns)),
        np.empty((rows, columns)),
        np.empty((rows, columns)),
    )
    goal, size = 0.0, 0.0
    for i in range(rows):
        for j in range(columns):
            q[i, j] = root[i, j] * s[i, j]
    drops(q, row_wire, column_wire, along_rows, along_columns)
    for i in range(rows):
        for j in range(columns):
            want = root[i, j] * across[i, j]
            goal += want * want
            r[i, j] = want - s[i, j] - root[i, j] * (along_rows[i, j] + along_columns[i, j])
            p[i, j] = r[i, j]
            size += r[i, j] * r[i, j]
    done = 0
    while size > tolerance * tolerance * goal and done < limit:
        for i in range(rows):
            for j in range(columns):
                q[i, j] = root[i, j] * p[i, j]
        drops(q, row_wire, column_wire, along_rows, along_columns)
        curvature = 0.0
        for i in range(rows):
            for j in range(columns):
                q[i, j] = p[i, j] + root[i, j] * (along_rows[i, j] + along_columns[i, j])
                curvature += p[i, j] * q[i, j]
        step, before, size = size / curvature, size, 0.0
        for i in range(rows):
            for j in range(columns):
                s[i, j] += step * p[i, j]
                r[i, j] -= step * q[i, j]
                size += r[i, j] * r[i, j]
        for i in range(rows):
            for j in range(columns):
                p[i, j] = r[i, j] + size / before * p[i, j]
        done += 1
    return (np.sqrt(size / goal) if goal > 0.0 else 0.0), done
