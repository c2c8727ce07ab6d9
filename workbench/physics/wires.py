"""Wires of a crossbar: what reaches the columns when rows and columns have resistance, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["effective"]

Array = NDArray[np.float64]


def effective(conductances: ArrayLike, row_wire: float, column_wire: float) -> Array:
    """The matrix T that the array of cells really is: column currents are V @ T for row voltages V."""
    g = _checked(conductances)
    if row_wire == 0 and column_wire == 0:
        return g.copy()
    rows, columns = g.shape
    common = column_wire * (rows - np.maximum.outer(np.arange(rows), np.arange(rows)))
    one = np.eye(rows)
    k, made = one, np.empty((rows, 0))
    for j in range(columns - 1, -1, -1):
        s = np.linalg.solve(one + g[:, j, None] * common, np.diag(g[:, j]))
        k = np.linalg.inv(2 * one + row_wire * s - k)
        made = k @ np.column_stack([s.sum(axis=0), made])
    return made


def _checked(conductances: ArrayLike) -> Array:
    g = np.array(conductances, dtype=np.float64)
    if g.ndim != 2 or not g.size:
        raise DescriptionError(tr("Conductances have shape {shape}; a crossbar needs rows and columns.", shape=g.shape))
    if not np.isfinite(g).all() or g.min() < 0:
        raise DescriptionError(tr("Conductances must be finite and not negative."))
    return g
