"""A memory that is written at once and recalled by multiplying: the network of Hopfield (1982, PNAS 79:2554).

P patterns ξ of N signs are stored by Hebb's rule, and recalled by taking signs until nothing changes:

    W = (1/N) Σ_μ ξ_μ ξ_μᵀ, diagonal 0        s ← sign(W·s), all neurons at once; a sum of exactly 0 leaves its neuron as it is

Closed forms, for random patterns and large N, P: after one step from a stored pattern the share of wrong signs is ½·erfc(√(N/2P)), the
crosstalk of P/N variance crossing 0 (Hertz, Krogh and Palmer 1991, Introduction to the Theory of Neural Computation, ch. 2.2); above
P/N = 0.138 no pattern is remembered (Amit, Gutfreund and Sompolinsky 1985, Phys. Rev. Lett. 55:1530).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = [
    "CAPACITY",
    "Recall",
    "corrupted",
    "exact",
    "hebbian",
    "one_step_error",
    "overlaps",
    "random_patterns",
    "recall",
]

Array = NDArray[np.float64]
Product = Callable[[Array, int], Array]
"""(states (batch, N), number of this product) → sums (batch, N): exact, or a chip whose read noise belongs to that number."""

CAPACITY = 0.138
"""Patterns a neuron can remember, P/N at most."""


def random_patterns(number: int, neurons: int, seed: int = 0) -> Array:
    """`number` patterns of `neurons` signs, +1 and −1 with equal chance; (number, neurons)."""
    u = streams.uniform(streams.stream(seed, "patterns"), 0, number * neurons).reshape(number, neurons)
    return np.where(u < 0.5, -1.0, 1.0)


def hebbian(patterns: Array) -> Array:
    """The weights that store the rows of `patterns` (P, N), with zeros on the diagonal; (N, N), symmetric."""
    p = np.asarray(patterns, np.float64)
    if p.ndim != 2 or 0 in p.shape or not np.isin(p, (-1.0, 1.0)).all():
        raise DescriptionError(tr("Patterns are rows of +1 and -1, at least one of each length 1 or more."))
    weights = p.T @ p / p.shape[1]
    np.fill_diagonal(weights, 0.0)
    return weights


def exact(weights: Array) -> Product:
    """The product with `weights` (N, N) in float64, without any noise."""
    return lambda states, _: states @ weights


def corrupted(patterns: Array, flipped: float, seed: int = 0) -> Array:
    """Each pattern with the share `flipped` of its signs turned, exactly so many in each, at places of their own."""
    count = round(flipped * patterns.shape[1])
    if not 0 <= flipped <= 1:
        raise DescriptionError(
            tr("The share of signs to turn is {flipped}: it must lie between 0 and 1.", flipped=flipped)
        )
    u = streams.uniform(streams.stream(seed, "cue"), 0, patterns.size).reshape(patterns.shape)
    places = np.argsort(u, axis=1, kind="stable")[:, :count]
    made = patterns.copy()
    np.put_along_axis(made, places, -np.take_along_axis(made, places, axis=1), axis=1)
    return made


def one_step_error(neurons: float, patterns: float) -> float:
    """The share of signs that one step from a stored pattern gets wrong: ½·erfc(√(N/2P))."""
    return 0.5 * math.erfc(math.sqrt(neurons / (2 * patterns)))


@final
@dataclass(frozen=True, eq=False)
class Recall:
    """What became of each cue: `overlap[step, cue]` with its own pattern, from the cue on, and the last states (cues, N)."""

    overlap: Array
    states: Array
    settled: int | None
    """The first step that changed nothing, counted from 1; None if there was none, as under read noise or in a cycle of two."""


def overlaps(states: Array, patterns: Array) -> Array:
    """m = (1/N) Σ s·ξ of each state with its own pattern: 1 is the pattern, 0 is chance, −1 its negative."""
    return (states * patterns).mean(axis=1)


def recall(product: Product, cues: Array, patterns: Array, *, steps: int = 20) -> Recall:
    """Let all `cues` (batch, N) fall side by side for at most `steps` steps; `patterns` are what each should become.

    A network that has settled is not computed further; its overlap is carried on.
    """
    states = np.asarray(cues, np.float64).copy()
    seen = [overlaps(states, patterns)]
    settled = None
    for step in range(steps):
        sums = product(states, step)
        after = np.where(sums == 0.0, states, np.sign(sums))
        seen.append(overlaps(after, patterns))
        if np.array_equal(after, states):
            settled = step + 1
            seen += [seen[-1]] * (steps - step - 1)
            break
        states = after
    return Recall(np.array(seen), states, settled)
