"""Sheets the slow way: one dense matrix, face by face, solved by NumPy."""

from __future__ import annotations

import numpy as np


def matrix(cells, size, along, across, ground, edges):
    """The matrix of all cells (layers × rows × columns), per area."""
    layers, (rows, columns) = len(along), cells
    n = layers * rows * columns
    a = np.zeros((n, n))

    def full(v):
        return np.broadcast_to(np.asarray(v, float), cells)

    def at(k, r, c):
        return (k * rows + r) * columns + c

    def join(i, j, g):
        a[i, i] += g
        a[j, j] += g
        a[i, j] -= g
        a[j, i] -= g

    held = {"closed": (0, 0), "held": (1, 1), "held first": (1, 0), "held last": (0, 1)}
    for k in range(layers):
        s = full(along[k])
        for r in range(rows):
            for c in range(columns):
                i = at(k, r, c)
                a[i, i] += full(ground[k])[r, c]
                if k + 1 < layers:
                    join(i, at(k + 1, r, c), full(across[k])[r, c])
                for axis, (r2, c2) in enumerate(((r + 1, c), (r, c + 1))):
                    h = size[axis] / cells[axis]
                    if r2 < rows and c2 < columns and s[r, c] + s[r2, c2] > 0:
                        join(i, at(k, r2, c2), 2 * s[r, c] * s[r2, c2] / (s[r, c] + s[r2, c2]) / h**2)
                    first, last = held[edges[axis]]
                    place, end = ((r, rows - 1), (c, columns - 1))[axis]
                    a[i, i] += 2 * s[r, c] / h**2 * ((place == 0) * first + (place == end) * last)
    return a


def solve(cells, size, along, across, ground, edges, source):
    """The steady field by elimination."""
    u = np.linalg.solve(matrix(cells, size, along, across, ground, edges), np.asarray(source, float).reshape(-1))
    return u.reshape(len(along), *cells)
