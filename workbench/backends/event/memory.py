"""Arrays that begin on a cache line, so that no vector lies across two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["aligned"]


def aligned(shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """Zeros of that shape and kind."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    room = np.zeros(size + 64, np.uint8)
    skip = -room.ctypes.data % 64
    return room[skip : skip + size].view(kind).reshape(shape)
