"""Numbers from spike trains: rates, irregularity, synchrony, oscillation. Every function takes a recording and a population."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError
from workbench.recordings.recording import Recording
from workbench.recordings.spikes import Spikes
from workbench.units import Hz, ms, s
from workbench.words import tr

__all__ = [
    "Series",
    "counts",
    "intervals",
    "isi_cv",
    "peak_frequency",
    "population_rate",
    "rate",
    "rates",
    "shared_spikes",
    "spectrum",
    "synchrony",
]

Floats = NDArray[np.floating[Any]]


class Series(NamedTuple):
    """Values along an axis: `at` (s or Hz) and `values`, of the same length."""

    at: Floats
    values: Floats


def counts(recording: Recording, population: str) -> NDArray[np.int64]:
    """How many spikes each neuron fired: shape (neurons,)."""
    return np.bincount(recording.of(population).neurons, minlength=recording.sizes[population])


def rates(recording: Recording, population: str) -> Floats:
    """The rate of each neuron, Hz: shape (neurons,)."""
    return counts(recording, population) / recording.seconds


def rate(recording: Recording, population: str) -> float:
    """The mean rate of a population, Hz.

    Spikes over the recording's limit are counted without being kept; then a cut recording gives the rate of the whole run.
    """
    kept = recording.of(population).count == recording.counts[population]
    seconds = recording.seconds if kept else recording.duration
    return recording.counts[population] / (recording.sizes[population] * seconds)


def intervals(recording: Recording, population: str, *, neuron: int | None = None) -> Floats:
    """The intervals between successive spikes of the same neuron, s; of one neuron in order, or of all, neuron by neuron."""
    found = recording.of(population)
    owner, gaps = _gaps(found)
    return gaps if neuron is None else gaps[owner == neuron]


def isi_cv(recording: Recording, population: str) -> float:
    """The irregularity of firing: sd over mean of each neuron's intervals, averaged over neurons with two intervals or more.

    0 is a clock, 1 a Poisson process; NaN when no neuron fired three times.
    """
    owner, gaps = _gaps(recording.of(population))
    n = recording.sizes[population]
    many = np.bincount(owner, minlength=n)
    enough = many >= 2
    if not enough.any():
        return float("nan")
    mean = np.bincount(owner, gaps, minlength=n)[enough] / many[enough]
    square = np.bincount(owner, gaps**2, minlength=n)[enough] / many[enough]
    return float(np.mean(np.sqrt(np.maximum(square - mean**2, 0.0)) / mean))


def population_rate(recording: Recording, population: str, *, bin: float = 1 * ms) -> Series:
    """The rate of a population over time, Hz, in bins of `bin` (s); `at` is the middle of each bin. A last, shorter bin is left out."""
    steps = _steps(recording, bin)
    first = round(recording.begins / recording.dt)
    bins = int((round(recording.duration / recording.dt) - first) // steps)
    if bins < 1:
        raise DescriptionError(
            tr(
                "The bin of {bin:g} ms is longer than the recording of {length:g} ms.",
                bin=1e3 * bin,
                length=1e3 * recording.seconds,
            )
        )
    where = (recording.of(population).steps - first) // steps
    filled = np.bincount(where[where < bins], minlength=bins)
    at = recording.begins + (np.arange(bins) + 0.5) * steps * recording.dt
    return Series(at, filled / (recording.sizes[population] * steps * recording.dt))


def spectrum(recording: Recording, population: str, *, bin: float = 0.5 * ms, segment: float = 0.4 * s) -> Series:
    """The power of the population rate by frequency (Hz), in Hz²/Hz: Hann windows of `segment`, half overlapping, averaged.

    Source of the method: Welch 1967, IEEE Trans. Audio Electroacoust. 15:70.
    """
    activity = population_rate(recording, population, bin=bin).values
    step = _steps(recording, bin) * recording.dt
    length = min(activity.size, max(16, round(segment / step)))
    starts = range(0, activity.size - length + 1, max(1, length // 2))
    window = np.hanning(length)
    pieces = [activity[k : k + length] - activity[k : k + length].mean() for k in starts]
    power = np.mean(
        [np.abs(np.fft.rfft(window * p, 4 * length)) ** 2 for p in pieces], axis=0
    )  # fourfold: a finer grid to read
    return Series(np.fft.rfftfreq(4 * length, step), 2 * step * power / np.sum(window**2))


def peak_frequency(recording: Recording, population: str, *, low: float = 5 * Hz, high: float = 800 * Hz) -> float:
    """The frequency at which the population rate swings most, Hz, between `low` and `high`; NaN without spikes."""
    if recording.counts[population] == 0:
        return float("nan")
    found = spectrum(recording, population)
    inside = (found.at >= low) & (found.at <= high)
    return float(found.at[inside][np.argmax(found.values[inside])])


def synchrony(recording: Recording, population: str, *, bin: float = 2 * ms) -> float:
    """How much the neurons fire together: 0 when independent (for many neurons), 1 when all do the same.

    χ: the sd over time of the mean spike count, over the root of the mean variance of single neurons' counts (Golomb and Rinzel
    1993, Phys. Rev. E 48:4810, with spike counts in bins in place of potentials). Independent neurons give 1/√neurons. NaN without spikes.
    """
    found, n = recording.of(population), recording.sizes[population]
    if found.count == 0:
        return float("nan")
    steps = _steps(recording, bin)
    first = round(recording.begins / recording.dt)
    bins = int((round(recording.duration / recording.dt) - first) // steps)
    where = (found.steps - first) // steps
    inside = where < bins
    together = np.bincount(where[inside], minlength=bins) / n
    # Each neuron's mean square count, without the neurons × bins table: only filled bins matter.
    _, filled = np.unique(where[inside] * np.int64(n) + found.neurons[inside], return_counts=True)
    alone = np.bincount(found.neurons[inside], minlength=n) / bins
    single = float(np.sum(filled.astype(float) ** 2)) / (n * bins) - float(np.mean(alone**2))
    return float(np.std(together) / np.sqrt(single)) if single > 0 else float("nan")


def shared_spikes(one: Recording, other: Recording, *, population: str) -> float:
    """The share of spikes that two recordings have in common, neuron and step: 1 when all are equal, 0 when none is."""
    a, b = one.of(population), other.of(population)
    if a.count + b.count == 0:
        return 1.0
    size = np.int64(max(one.sizes[population], other.sizes[population]))
    both = np.intersect1d(a.steps * size + a.neurons, b.steps * size + b.neurons, assume_unique=True)
    return 2 * both.size / (a.count + b.count)


def _gaps(found: Spikes) -> tuple[NDArray[np.int32], Floats]:
    """The neuron and the length (s) of every interval, ordered by neuron and time."""
    order = np.argsort(found.neurons, kind="stable")  # spikes come ordered by time, and stay so within a neuron
    owner, steps = found.neurons[order], found.steps[order]
    same = owner[1:] == owner[:-1]
    return owner[1:][same], np.diff(steps)[same] * found.dt


def _steps(recording: Recording, bin: float) -> int:
    """A bin in whole steps, at least one."""
    return max(1, round(bin / recording.dt))
