"""Designs of which none is better in everything: the Pareto front of a table of costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["front"]


def front(costs: ArrayLike) -> NDArray[np.bool_]:
    """Which rows no other row beats: shape (designs, costs), less is better, a row with NaN is on no front.

    A row is beaten by one that is nowhere worse and somewhere better; of equal rows all stay.
    """
    table = np.asarray(costs, dtype=float)
    good = np.asarray(np.isfinite(table).all(axis=1), dtype=bool)
    kept = good.copy()
    for k in np.flatnonzero(good):
        others = table[good]
        beaten = (others <= table[k]).all(axis=1) & (others < table[k]).any(axis=1)
        kept[k] = not beaten.any()
    return kept
