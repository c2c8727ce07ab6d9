"""Route: which way packets go and how far. Dimension order: first along the row, then along the column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hops"]


def hops(
    tiles: NDArray[np.int32], source: NDArray[np.int32], target: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """East–west and north–south hops of a packet between cores `source` and `target` (arrays), whose tiles are `tiles[core]`."""
    apart = np.abs(tiles[source].astype(np.int64) - tiles[target].astype(np.int64))
    return apart[..., 0], apart[..., 1]
