"""The cortical column in theory, and how far two runs of it lie apart.

The mean field: every neuron receives a mean and an independent noise that follow from the rates of the eight populations, and
answers with the rate of Siegert's formula for exponential synapses; the column settles where what comes out went in.

The distance: two runs agree when the distributions over neurons of rates, irregularities and correlations agree, not only their
means; the Kolmogorov–Smirnov distance is the largest gap between two distribution functions, 0 to 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.measures import siegert
from workbench.measures.siegert import Input
from workbench.measures.spikes import rates as rates_of
from workbench.recordings.prices import Price
from workbench.recordings.recording import Recording
from workbench.units import ms, uV
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.circuits.library.potjans_diesmann import PotjansDiesmann

__all__ = [
    "Distributions",
    "distances",
    "distributions",
    "expected_watts",
    "in_order",
    "input_at",
    "ks_distance",
    "mean_field",
]

Floats = NDArray[np.floating[Any]]

QUIET = (
    1 * uV
)  # a column without any noise is silent or a clock; so little noise is neither, and Siegert's formula takes it


def input_at(circuit: PotjansDiesmann, rates: ArrayLike) -> Input:
    """What a neuron of each population receives when the populations fire at `rates` (Hz): mean and √2 sd of its free potential, V.

    Weights that differ from synapse to synapse add their variance to the noise; scaling keeps the noise, and keeps the mean as
    far as the rates are the reference's.
    """
    from workbench.circuits.library import potjans_diesmann as column  # noqa: PLC0415  tables only a column needs

    r, n, k = np.asarray(rates, float), circuit.neuron, circuit.scale
    weights, inputs = circuit.weights(), column.in_degrees()
    poisson = circuit.drive == "poisson"
    outside = circuit.inputs() * circuit.background if poisson else np.zeros(len(r))
    current = n.tau_exc * np.sqrt(k) * ((weights * inputs) @ r + circuit.unit_weight * outside) + circuit.compensation()
    jump = n.resistance * n.tau_exc / n.tau
    squares = (weights**2 * (1 + circuit.weight_spread**2) * inputs) @ r + circuit.unit_weight**2 * outside
    noise = jump * np.sqrt(n.tau * squares)
    return Input(n.rest + n.resistance * (n.bias + current), np.maximum(noise, QUIET))


def mean_field(circuit: PotjansDiesmann) -> dict[str, float]:
    """The rate (Hz) each population settles at, by name: the fixed point reached from the published rates.

    Raises DescriptionError when the rates do not settle.
    """
    from workbench.circuits.library import potjans_diesmann as column  # noqa: PLC0415

    rates = np.array(list(column.REFERENCE_HZ.values()))
    share = 0.05
    for _ in range(20_000):
        mean, noise = input_at(circuit, rates)
        step = siegert.transfer(mean, noise, circuit.neuron, synapse=circuit.neuron.tau_exc) - rates
        rates = rates + share * step
        if np.abs(step).max() < 1e-9:
            return dict(zip(column.SIZES, rates.tolist(), strict=True))
    raise DescriptionError(
        tr("The mean field of the column does not settle at these numbers; its rates swing for ever.")
    )


def in_order(rates: Mapping[str, float]) -> int:
    """How many of the seven steps of L2/3E < L6E < L2/3I < L4E < L4I < L5E < L6I < L5I go up, as they do in every published run."""
    order = ("L2/3E", "L6E", "L2/3I", "L4E", "L4I", "L5E", "L6I", "L5I")
    return sum(rates[a] < rates[b] for a, b in itertools.pairwise(order))


class Distributions(NamedTuple):
    """One number a neuron, and one a pair: rates (Hz), coefficients of variation of the intervals, correlation coefficients."""

    rate: Floats
    isi_cv: Floats
    correlation: Floats


def distributions(recording: Recording, population: str, *, sample: int = 200, bin: float = 2 * ms) -> Distributions:
    """Rates of all neurons, irregularity of those with three spikes or more, and correlations of spike counts in bins of `bin` (s).

    Parameters
    ----------
    sample
        Correlations are taken among the first so many neurons that fired, pair by pair.
    """
    found = recording.of(population)
    size = recording.sizes[population]
    order = np.argsort(found.neurons, kind="stable")
    owner, steps = found.neurons[order], found.steps[order]
    same = owner[1:] == owner[:-1]
    owner, gaps = owner[1:][same], np.diff(steps)[same].astype(float)
    many = np.bincount(owner, minlength=size)
    enough = many >= 2
    mean = np.bincount(owner, gaps, minlength=size)[enough] / many[enough]
    square = np.bincount(owner, gaps**2, minlength=size)[enough] / many[enough]
    cv = np.sqrt(np.maximum(square - mean**2, 0.0)) / mean
    return Distributions(rates_of(recording, population), cv, _correlations(recording, population, sample, bin))


def _correlations(recording: Recording, population: str, sample: int, bin: float) -> Floats:
    found, width = recording.of(population), max(1, round(bin / recording.dt))
    first = round(recording.begins / recording.dt)
    bins = (round(recording.duration / recording.dt) - first) // width
    fired = np.flatnonzero(np.bincount(found.neurons, minlength=recording.sizes[population]))[:sample]
    place = np.full(recording.sizes[population], -1)
    place[fired] = np.arange(fired.size)
    row, column = place[found.neurons], (found.steps - first) // width
    keep = (row >= 0) & (column < bins)
    counts = np.zeros((fired.size, bins), np.float64)
    np.add.at(counts, (row[keep], column[keep]), 1.0)
    counts = counts[counts.any(axis=1)]
    if len(counts) < 2:
        return np.zeros(0)
    return np.corrcoef(counts)[np.triu_indices(len(counts), 1)]


def ks_distance(one: ArrayLike, other: ArrayLike) -> float:
    """The Kolmogorov–Smirnov distance of two samples: the largest gap between their distribution functions; NaN without values."""
    a, b = np.sort(np.asarray(one, float)), np.sort(np.asarray(other, float))
    if not (a.size and b.size):
        return float("nan")
    at = np.concatenate([a, b])
    return float(np.max(np.abs(np.searchsorted(a, at, "right") / a.size - np.searchsorted(b, at, "right") / b.size)))


def distances(one: Recording, other: Recording, *, population: str) -> dict[str, float]:
    """The Kolmogorov–Smirnov distances of two recordings of a population: of its rates, irregularities and correlations."""
    a, b = distributions(one, population), distributions(other, population)
    return {name: ks_distance(x, y) for name, x, y in zip(Distributions._fields, a, b, strict=True)}


def expected_watts(
    circuit: PotjansDiesmann, rates: Mapping[str, float], prices: Mapping[str, Price], *, dt: float = 0.1 * ms
) -> dict[str, float]:
    """The power (W) a chip with these prices would draw for the column, by event, if arrivals at a neuron came independently.

    A neuron is updated in every step. An update is inactive when nothing arrives: of a neuron that receives λ spikes a second, a
    share exp(−λ dt). Hops depend on the placement and are left out.
    """
    from workbench.circuits.library import potjans_diesmann as column  # noqa: PLC0415

    r, sizes = np.array([rates[name] for name in column.SIZES]), np.array(list(circuit.sizes.values()), float)
    arrivals = circuit.scale * (column.in_degrees() @ r)
    if circuit.drive == "poisson":
        arrivals = arrivals + circuit.scale * circuit.inputs() * circuit.background
    still = float(sizes @ np.exp(-arrivals * dt)) / dt
    inside, outside = circuit.events(rates)
    happened = {
        "inactive update": still,
        "active update": float(sizes.sum()) / dt - still,
        "synaptic operation": inside,
        "outside operation": outside,
    }
    return {event: often * prices[event].joules for event, often in happened.items()}
