"""Conducting sheets cell by cell: what leaves every cell, and one cycle of multigrid over columns of cells.

Fields are (rows, layers, columns), so that the layers of a row lie together. `down[i]` joins row i to the next (0 in the last), `right`
each cell to its right neighbour (0 in the last), `across` each layer to the one below it (0 in the last), `ground` what else leaves a
cell. Any precision: that of the arrays.
"""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _shed_row(u, i, down, right, across, ground, out):
    """What leaves the cells of row i: out (layers, columns)."""
    rows, layers, columns = u.shape
    for k in range(layers):
        here, row, r, g = u[i, k], out[k], right[i, k], ground[i, k]
        for j in range(columns):
            row[j] = g[j] * here[j]
        if i:
            above, d = u[i - 1, k], down[i - 1, k]
            for j in range(columns):
                row[j] += d[j] * (here[j] - above[j])
        if i + 1 < rows:
            below, d = u[i + 1, k], down[i, k]
            for j in range(columns):
                row[j] += d[j] * (here[j] - below[j])
        for j in range(columns - 1):
            row[j] += r[j] * (here[j] - here[j + 1])
        for j in range(1, columns):
            row[j] += r[j - 1] * (here[j] - here[j - 1])
        if k:
            over, a = u[i, k - 1], across[i, k - 1]
            for j in range(columns):
                row[j] += a[j] * (here[j] - over[j])
        if k + 1 < layers:
            under, a = u[i, k + 1], across[i, k]
            for j in range(columns):
                row[j] += a[j] * (here[j] - under[j])


@njit(cache=True, nogil=True, error_model="numpy")
def shed(u, down, right, across, ground, out):
    """Write what leaves every cell of the field u."""
    for i in range(u.shape[0]):
        _shed_row(u, i, down, right, across, ground, out[i])


@njit(cache=True, nogil=True, error_model="numpy")
def pivots(down, right, across, ground, out):
    """Write the inverse pivots of every column of cells, by which `_stand` solves it, its neighbours held."""
    rows, layers, columns = out.shape
    for i in range(rows):
        for k in range(layers):
            for j in range(columns):
                d = ground[i, k, j] + down[i, k, j] + right[i, k, j]
                if i:
                    d += down[i - 1, k, j]
                if j:
                    d += right[i, k, j - 1]
                if k:
                    a = across[i, k - 1, j]
                    d += a - a * a * out[i, k - 1, j]
                if k + 1 < layers:
                    d += across[i, k, j]
                out[i, k, j] = 1 / d if d > 0 else 0.0


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _stand(right, across, pivot):
    """Solve the columns of one row of cells in place (layers, columns)."""
    layers, columns = right.shape
    for k in range(1, layers):
        a, p, over, row = across[k - 1], pivot[k - 1], right[k - 1], right[k]
        for j in range(columns):
            row[j] += a[j] * p[j] * over[j]
    row, p = right[layers - 1], pivot[layers - 1]
    for j in range(columns):
        row[j] *= p[j]
    for k in range(layers - 2, -1, -1):
        a, p, under, row = across[k], pivot[k], right[k + 1], right[k]
        for j in range(columns):
            row[j] = (row[j] + a[j] * under[j]) * p[j]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def start(b, across, pivot, weight, u, step):
    """One round of smoothing from nothing: u = step = weight × the columns' own answer to b."""
    for i in range(b.shape[0]):
        row = u[i]
        row[:] = b[i]
        _stand(row, across[i], pivot[i])
        for k in range(row.shape[0]):
            for j in range(row.shape[1]):
                row[k, j] *= weight
                step[i, k, j] = row[k, j]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def smooth(u, b, down, right, across, ground, pivot, keep, weight, step, out, room):
    """One round: step = keep × step + weight × the columns' answer to what is short; out = u + step."""
    for i in range(u.shape[0]):
        _shed_row(u, i, down, right, across, ground, room)
        for k in range(u.shape[1]):
            for j in range(u.shape[2]):
                room[k, j] = b[i, k, j] - room[k, j]
        _stand(room, across[i], pivot[i])
        for k in range(u.shape[1]):
            for j in range(u.shape[2]):
                d = keep * step[i, k, j] + weight * room[k, j]
                step[i, k, j] = d
                out[i, k, j] = u[i, k, j] + d


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def residual(u, b, down, right, across, ground, live, room, spread, by, out):
    """Write to `out` what is short, gathered on a grid `by` = (1 or 2, 1 or 2) times coarser: the transpose of `prolong`.

    Columns of cells that no neighbour touches (`live` 0) take no part: smoothing alone answers for them.
    """
    rows, layers, columns = u.shape
    few, thin = out.shape[0], out.shape[2]
    out[:] = 0.0
    for i in range(rows):
        _shed_row(u, i, down, right, across, ground, room)
        for k in range(layers):
            line = spread[k]
            for j in range(columns):
                room[k, j] = live[i, j] * (b[i, k, j] - room[k, j])
            if by[1] == 1:
                for j in range(columns):
                    line[j] = room[k, j]
            else:
                for j in range(thin):
                    line[j] = 0.0
                for j in range(columns):
                    near = j // 2
                    far = near + 1 if j % 2 else near - 1
                    far = min(max(far, 0), thin - 1)
                    line[near] += 0.75 * room[k, j]
                    line[far] += 0.25 * room[k, j]
            if by[0] == 1:
                for j in range(thin):
                    out[i, k, j] = line[j]
            else:
                near = i // 2
                far = near + 1 if i % 2 else near - 1
                far = min(max(far, 0), few - 1)
                for j in range(thin):
                    out[near, k, j] += 0.75 * line[j]
                for j in range(thin):
                    out[far, k, j] += 0.25 * line[j]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def prolong(coarse, live, by, room, u):
    """Add to u the coarse field where there is one, straight lines between the centres of its cells."""
    rows, layers, columns = u.shape
    few, thin = coarse.shape[0], coarse.shape[2]
    for i in range(rows):
        near = i // 2
        far = near + 1 if i % 2 else near - 1
        far = min(max(far, 0), few - 1)
        for k in range(layers):
            line = room[k]
            if by[0] == 1:
                for j in range(thin):
                    line[j] = coarse[i, k, j]
            else:
                for j in range(thin):
                    line[j] = 0.75 * coarse[near, k, j] + 0.25 * coarse[far, k, j]
            if by[1] == 1:
                for j in range(columns):
                    u[i, k, j] += live[i, j] * line[j]
            else:
                for j in range(columns):
                    here = j // 2
                    there = here + 1 if j % 2 else here - 1
                    there = min(max(there, 0), thin - 1)
                    u[i, k, j] += live[i, j] * (0.75 * line[here] + 0.25 * line[there])
