"""Spike trains as two arrays: the step and the neuron of each spike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spikes"]


@final
@dataclass(frozen=True, eq=False)
class Spikes:
    """The spikes of one population, ordered by step and then neuron."""

    steps: NDArray[np.int64]
    neurons: NDArray[np.int32]
    dt: float

    @property
    def times(self) -> NDArray[np.float64]:
        """The time of each spike, s."""
        return self.steps * np.float64(self.dt)

    @property
    def count(self) -> int:
        """How many."""
        return int(self.steps.size)

    def after(self, time: float) -> Spikes:
        """Those at `time` (s) or later."""
        return self.between(time, np.inf)

    def between(self, start: float, stop: float) -> Spikes:
        """Those from `start` up to, not including, `stop` (s)."""
        first = int(np.searchsorted(self.steps, round(start / self.dt)))
        last = self.count if np.isinf(stop) else int(np.searchsorted(self.steps, round(stop / self.dt)))
        return Spikes(self.steps[first:last], self.neurons[first:last], self.dt)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Spikes)
            and self.dt == other.dt
            and np.array_equal(self.steps, other.steps)
            and np.array_equal(self.neurons, other.neurons)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    def __len__(self) -> int:
        return self.count
