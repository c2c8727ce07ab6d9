"""What has been sent and has not arrived yet, as one array for all parts: taken from the kernel's state and put back there.

The kernel keeps it part after part, and where all synapses are rows of bits in two pieces: eight bits, which hold only where a flag
says so, and what went beyond them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.backends.event.layout import LANES
from workbench.kernels.event.tables import NARROW, SPARED, Shape, State

__all__ = ["put_ring", "ring_kind", "taken_ring"]


def ring_kind(state: State, shape: Shape) -> Any:
    """The type that holds a place's arrivals in one number."""
    return state.spare.dtype if shape.kept else state.arrivals.dtype


def taken_ring(state: State, shape: Shape, parts: NDArray[np.int64], slots: int, lines: int) -> NDArray[Any]:
    """The arrivals as (slots, lines, places)."""
    made = np.empty((slots, lines, int(parts[-1]) * LANES), ring_kind(state, shape))
    for number, (low, high, at) in enumerate(_parts(parts, slots, lines)):
        made[:, :, low:high] = state.arrivals[at].reshape(slots, lines, -1)
        if shape.kept:
            flags = state.came.reshape(-1, slots)[number]
            written = flags[:, None] >> np.arange(lines, dtype=np.uint64) & np.uint64(1)
            made[:, :, low:high] *= written[:, :, None].astype(made.dtype)
            # A spare place is nought where nothing went beyond.
            made[:, :, low:high] += state.spare[at].reshape(slots, lines, -1)
    return made


def put_ring(state: State, shape: Shape, parts: NDArray[np.int64], slots: int, lines: int, ring: NDArray[Any]) -> None:
    """Bring the state up to date; which places have anything is not looked up, so the flags say: all."""
    for low, high, at in _parts(parts, slots, lines):
        mine = ring[:, :, low:high]
        if shape.kept:
            few = np.minimum(mine, NARROW)
            state.arrivals[at] = few.reshape(-1)
            state.spare[at] = (mine - few).reshape(-1)
        else:
            state.arrivals[at] = mine.reshape(-1)
    state.came[:] = np.uint64(SPARED | (SPARED - 1))
    state.many[:] = NARROW + 1


def _parts(parts: NDArray[np.int64], slots: int, lines: int) -> Iterator[tuple[int, int, slice]]:
    """First and last place of each part, and where its arrivals lie."""
    for low, high in pairwise((parts * LANES).tolist()):
        yield low, high, slice(low * slots * lines, high * slots * lines)
