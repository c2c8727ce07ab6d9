"""Quantities that differ from neuron to neuron or synapse to synapse; `unfold` makes them real from a named stream."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.errors import DescriptionError
from workbench.fields import Distribution
from workbench.words import tr

# A distribution that says `pointwise` gives each place its value from its own uniform number alone, and rises with it: so a block
# of synapses may be made real in pieces and in any order, and its extremes are those of the uniform numbers.

__all__ = ["Linear", "LogNormal", "Normal", "Uniform", "Values", "realise"]


@final
@dataclass(frozen=True)
class Normal(Distribution):
    """A normal distribution, cut at `low` and `high` by drawing on the part between them (default: four sd around the mean)."""

    pointwise: ClassVar[bool] = True

    mean: float
    sd: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.sd < 0 or self.bounds()[0] > self.bounds()[1]:
            raise DescriptionError(tr("{spread}: sd must not be negative and low must not exceed high.", spread=self))

    def bounds(self) -> tuple[float, float]:
        """The cut points."""
        return (
            self.mean - 4 * self.sd if self.low is None else self.low,
            self.mean + 4 * self.sd if self.high is None else self.high,
        )

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values for uniform numbers in (0, 1), by inverting the cut distribution function."""
        from scipy.special import ndtr, ndtri  # noqa: PLC0415  SciPy only when something is drawn

        if self.sd == 0:
            return np.full(u.shape, self.mean)
        low, high = self.bounds()
        a, b = ndtr((low - self.mean) / self.sd), ndtr((high - self.mean) / self.sd)
        return np.clip(self.mean + self.sd * ndtri(a + u * (b - a)), low, high)


@final
@dataclass(frozen=True)
class Uniform(Distribution):
    """A uniform distribution between `low` and `high`."""

    pointwise: ClassVar[bool] = True

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise DescriptionError(tr("{spread}: low must not exceed high.", spread=self))

    def bounds(self) -> tuple[float, float]:
        """The ends."""
        return self.low, self.high

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values for uniform numbers in (0, 1)."""
        return self.low + u * (self.high - self.low)


@final
@dataclass(frozen=True)
class LogNormal(Distribution):
    """A log-normal distribution with the given `mean` of the values and `sigma` of their logarithm, cut at four sigma."""

    pointwise: ClassVar[bool] = True

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        if self.mean <= 0 or self.sigma < 0:
            raise DescriptionError(tr("{spread}: the mean must be positive and sigma not negative.", spread=self))

    def bounds(self) -> tuple[float, float]:
        """Four sigma to either side, in the logarithm."""
        middle = math.log(self.mean) - self.sigma**2 / 2
        return math.exp(middle - 4 * self.sigma), math.exp(middle + 4 * self.sigma)

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values for uniform numbers in (0, 1)."""
        middle = math.log(self.mean) - self.sigma**2 / 2
        return np.exp(Normal(middle, self.sigma).from_uniform(u))


@final
@dataclass(frozen=True)
class Linear(Distribution):
    """A ramp from `low` to `high` along the index: a slider axis laid out over neurons, nothing random."""

    low: float
    high: float

    def bounds(self) -> tuple[float, float]:
        """The ends, in order."""
        return min(self.low, self.high), max(self.low, self.high)

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evenly spaced values, one for each place of `u`."""
        return np.linspace(self.low, self.high, u.size)


@final
@dataclass(frozen=True)
class Values(Distribution):
    """Values given one by one, as many as there are neurons (or synapses, in the order of `Block.edges`)."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(float(v) for v in self.values))
        if not self.values or not all(map(math.isfinite, self.values)):
            raise DescriptionError(tr("Values needs at least one number, all of them finite."))

    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest."""
        return min(self.values), max(self.values)

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values themselves; raises DescriptionError when their number does not fit."""
        if len(self.values) != u.size:
            raise DescriptionError(
                tr("{given} values are given for {places} places.", given=len(self.values), places=u.size)
            )
        return np.asarray(self.values)


def realise(quantity: float | Distribution, size: int, key: int) -> float | NDArray[np.float64]:
    """The number itself, or one value for each of `size` places drawn from the stream `key`."""
    if isinstance(quantity, Distribution):
        return quantity.from_uniform(streams.uniform(key, 0, size))  # type: ignore[attr-defined]
    return float(quantity)
