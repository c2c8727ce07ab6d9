"""Equations known by what their operator does: GMRES for fields (Saad and Schultz 1986)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["settled"]

Array = NDArray[Any]

_BASIS = 40
_STARTS = 8


def settled(
    apply: Callable[[Array], Array], right: Array, *, tolerance: float = 1e-12, near: Array | None = None
) -> Array:
    """The u with |right − apply(u)| ≤ tolerance |right|, in the precision of `right`, from a guess `near` it.

    What is held at right angles is held so by two products of matrix and vector each round: SciPy's GMRES, which goes vector by vector,
    took longer for that than operators of wafers take (0.98 of 2.5 s). Raises DescriptionError when it does not settle.
    """
    goal = tolerance * float(np.linalg.norm(right))
    u = np.zeros_like(right) if near is None else np.array(near, right.dtype)
    short = right if near is None else right - apply(u)
    basis = np.empty((_BASIS + 1, right.size), right.dtype)
    for _ in range(_STARTS):
        left = float(np.linalg.norm(short))
        if left <= goal:
            return u
        if not math.isfinite(left):
            break
        np.multiply(short.reshape(-1), 1 / left, out=basis[0])
        weights, left = _weights(apply, basis, right.shape, left, goal)
        u = u + (weights @ basis[: len(weights)]).reshape(right.shape)
        if left <= goal:
            return u
        short = right - apply(u)
    raise DescriptionError(
        tr("Wall and coolant did not settle: the coolant carries too little for this plate. Give it more flow.")
    )


def _weights(
    apply: Callable[[Array], Array], basis: Array, shape: tuple[int, ...], left: float, goal: float
) -> tuple[Array, float]:
    """How much of each vector of the basis, made on the way from the first, leaves least of what is short; and how much that is."""
    turned = np.zeros((_BASIS + 1, _BASIS))
    sought = np.zeros(_BASIS + 1)
    sought[0] = left
    turns: list[tuple[float, float]] = []
    made = 0
    for k in range(_BASIS):
        new = apply(basis[k].reshape(shape)).reshape(-1)
        along = basis[: k + 1] @ new
        new -= along @ basis[: k + 1]
        column = turned[:, k]
        column[: k + 1] = along
        column[k + 1] = np.linalg.norm(new)
        grown = float(column[k + 1])
        for j, (c, s) in enumerate(turns):
            column[j], column[j + 1] = c * column[j] + s * column[j + 1], c * column[j + 1] - s * column[j]
        size = math.hypot(column[k], column[k + 1])
        made = k + 1
        c, s = (column[k] / size, column[k + 1] / size) if size else (1.0, 0.0)
        turns.append((c, s))
        column[k], column[k + 1] = size, 0.0
        sought[k], sought[k + 1] = c * sought[k], -s * sought[k]
        if abs(sought[k + 1]) <= goal or not grown:
            break
        np.multiply(new, 1 / grown, out=basis[k + 1])
    weights = np.linalg.solve(turned[:made, :made], sought[:made]).astype(basis.dtype)
    return weights, abs(float(sought[made]))
