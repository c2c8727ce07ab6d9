"""Partition: neurons over cores, in order, a new core when the next neuron would not fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill"]


def fill(in_degree: NDArray[np.int64], *, neurons: int, synapses: int) -> NDArray[np.int32]:
    """The core of each neuron (int32), filling one core after the other up to `neurons` and `synapses`.

    A single neuron with more synapses than a core holds gets a core of its own; the placement's check then names it.
    """
    size = in_degree.size
    core = np.empty(size, np.int32)
    if size == 0:
        return core
    total = np.concatenate([[0], np.cumsum(in_degree)])
    first, number = 0, 0
    while first < size:
        by_synapses = int(np.searchsorted(total, total[first] + synapses, side="right")) - 1
        last = min(size, first + neurons, max(by_synapses, first + 1))
        core[first:last] = number
        first, number = last, number + 1
    return core
