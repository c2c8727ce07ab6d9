"""A number that depends on conductance, as data: polynomial, logarithm, power or saturation of g over a stated reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["Law", "Piece", "constant", "polynomial"]

Array = NDArray[np.float64]
_LEAST = 1e-7
"""Below this u a logarithm or a negative power stays where it is: nothing was ever measured at no conductance at all."""


@final
@dataclass(frozen=True, kw_only=True)
class Piece:
    """One stretch of a law, as far as u < `below`: clip(Σ cᵢ uⁱ + log·ln u + power·u^exponent + saturating·(1 − e^(−u/length)), low, high)."""

    polynomial: tuple[float, ...] = ()
    log: float = 0.0
    power: float = 0.0
    exponent: float = 0.0
    saturating: float = 0.0
    length: float = 1.0
    low: float | None = None
    high: float | None = None
    below: float | None = None
    """Where the next piece takes over; None: never."""

    def __call__(self, u: Array) -> Array:
        """The value at `u` = g / reference, any shape."""
        value = np.zeros_like(u)
        for c in reversed(self.polynomial):
            value *= u
            value += c
        if self.log or self.power:
            above = np.maximum(u, _LEAST)
            if self.log:
                value += self.log * np.log(above)
            if self.power:
                value += self.power * above**self.exponent
        if self.saturating:
            value -= self.saturating * np.expm1(-u / self.length)
        if self.low is not None or self.high is not None:
            np.clip(value, self.low, self.high, out=value)
        return value


@final
@dataclass(frozen=True, kw_only=True)
class Law:
    """A number over conductance: scale · piece(g / reference).

    The law carries the reference its coefficients were fitted with, so that it means the same whatever window a device is used in.

    Attributes
    ----------
    reference : float
        The conductance (S) at which u is 1.
    scale : float
        What one of the coefficients' unit is in SI: 1e-6 for coefficients that give µS, 1 for plain numbers.
    pieces : tuple of Piece
        In rising order of `below`; the last has none.
    """

    reference: float
    scale: float = 1.0
    pieces: tuple[Piece, ...] = (Piece(),)

    def __post_init__(self) -> None:
        if not (0 < self.reference < math.inf):
            raise DescriptionError(
                tr("A law's reference is {value:g} S: it must be a positive conductance.", value=self.reference)
            )
        ends = [p.below for p in self.pieces]
        inner = [e for e in ends[:-1] if e is not None]
        if not ends or ends[-1] is not None or len(inner) != len(ends) - 1 or sorted(inner) != inner:
            raise DescriptionError(
                tr("The pieces of a law must end at rising values of u, and the last must have no end.")
            )

    def __call__(self, g: ArrayLike) -> Array:
        """The value at conductance `g` (S), same shape, float64."""
        u = np.asarray(g, dtype=np.float64) / self.reference
        value = self.pieces[-1](u)
        for piece in reversed(self.pieces[:-1]):
            value = np.where(u < (math.inf if piece.below is None else piece.below), piece(u), value)
        return self.scale * value

    def stretched(self, factor: float, *, value: bool) -> Law:
        """The same law of a device whose conductances are all `factor` times as large; `value`: what it gives is a conductance too."""
        return replace(self, reference=self.reference * factor, scale=self.scale * (factor if value else 1.0))


def polynomial(reference: float, *coefficients: float, scale: float = 1e-6, low: float | None = 0.0) -> Law:
    """Σ cᵢ uⁱ in µS (or `scale`), lowest power first, never below `low`."""
    return Law(reference=reference, scale=scale, pieces=(Piece(polynomial=coefficients, low=low),))


def constant(value: float) -> Law:
    """The same number at every conductance."""
    return Law(reference=1.0, pieces=(Piece(polynomial=(value,)),))
