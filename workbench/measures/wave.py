"""A wave through a network: who fires, when for the first time, and whether two recordings tell the same story."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.recordings.recording import Recording

__all__ = ["differing_spikes", "first_spikes", "last_spike", "reached"]


def first_spikes(recording: Recording, population: str, *, since: float = 0.0) -> NDArray[np.float64]:
    """The time from `since` (s) to each neuron's first spike at or after it, s; NaN for a neuron that stays silent."""
    found = recording.of(population).after(since)
    first = np.full(recording.sizes[population], np.nan)
    # spikes come ordered by time: written backwards, the earliest of each neuron is what remains
    first[found.neurons[::-1]] = found.times[::-1] - since
    return first


def reached(recording: Recording, population: str, *, since: float = 0.0) -> int:
    """How many neurons of a population fire at or after `since` (s)."""
    return int(np.unique(recording.of(population).after(since).neurons).size)


def last_spike(recording: Recording, *, since: float = 0.0) -> float:
    """The time from `since` (s) to the last spike of all, s; NaN when none follows."""
    times = [found.times[-1] for found in recording.spikes.values() if found.count]
    last = max(times, default=np.nan)
    return float(last - since) if last >= since else float("nan")


def differing_spikes(one: Recording, other: Recording) -> int:
    """How many spikes (neuron and step) are in one of two recordings of the same network and not in the other."""
    differ = 0
    for population, a in one.spikes.items():
        b, size = other.of(population), np.int64(one.sizes[population])
        differ += int(np.setxor1d(a.steps * size + a.neurons, b.steps * size + b.neurons).size)
    return differ
