"""One number a synapse, kept as a rule: a distribution and a key, made real for those synapses somebody asks about.

A full cortical column has 299 million synapses. A weight and a delay for each take 4.8 GB as arrays; as rules they take nothing,
and a backend makes a row or a block of them real at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.fields import Distribution
from workbench.kernels import pays

__all__ = ["Drawn"]

Values = NDArray[np.float64]

SMALL = 1 << 20
"""Synapses up to which NumPy draws sooner than a compiled loop is loaded."""

PIECE = 1 << 18
"""Synapses made real at once: their intermediate arrays stay in the processor's cache."""

KEPT = 1 << 20
"""At most so many values are kept once made (8 MB); larger blocks are made anew each time."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """`size` numbers drawn from `spread` by the counter rule under `key`, rounded to multiples of `grid`; number k is synapse k."""

    spread: Distribution
    key: int
    size: int
    grid: float = 0.0
    then: tuple[Callable[[Values], Any], ...] = ()
    """What a chip makes of the values, one function after the other, each from an array to an array of the same shape."""
    _kept: dict[str, Values] = field(default_factory=dict, repr=False)

    def at(self, numbers: NDArray[Any]) -> Values:
        """The values of the synapses with these canonical numbers, in this order."""
        made = np.empty(numbers.size)
        for first in range(0, numbers.size, PIECE):
            made[first : first + PIECE] = self._real(numbers[first : first + PIECE])
        return made

    def all(self) -> Values:
        """Every value, in canonical order."""
        if "all" in self._kept:
            return self._kept["all"]
        made = np.concatenate([*self.pieces(), np.zeros(0)])
        if self.size <= KEPT:
            made.flags.writeable = False
            self._kept["all"] = made
        return made

    def pieces(self) -> Iterator[Values]:
        """Every value in canonical order, a piece at a time."""
        for first in range(0, self.size, PIECE):
            yield self._real(np.arange(first, min(first + PIECE, self.size), dtype=np.uint32))

    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest value there is; 0 and 0 when there is none.

        A pointwise distribution rises with its uniform number, so the two ends need no other value; functions laid over it may
        do anything, so then every value is looked at. Found once.
        """
        if "ends" not in self._kept:
            self._kept["ends"] = self._ends()
        low, high = self._kept["ends"]
        return float(low), float(high)

    def _ends(self) -> Values:
        if not self.size:
            return np.zeros(2)
        if self.then:
            each = np.array([(p.min(), p.max()) for p in self.pieces()])
            return np.array([each[:, 0].min(), each[:, 1].max()])
        if not pays(self.size, SMALL):
            uniform = streams.uniform(self.key, 0, self.size)
            return self._made(np.array([uniform.min(), uniform.max()]))
        from workbench.kernels import wiring  # noqa: PLC0415  compiled kernels only for what is large

        return self._made(np.array(wiring.uniform_ends(np.uint64(self.key), self.size)))

    def mapped(self, function: Callable[[Values], Any]) -> Drawn:
        """The same numbers after one more function."""
        return replace(self, then=(*self.then, function), _kept={})

    def _real(self, numbers: NDArray[Any]) -> Values:
        if not pays(self.size, SMALL):
            return self._made(streams.uniform_at(self.key, numbers))
        from workbench.kernels import wiring  # noqa: PLC0415  compiled kernels only for what is large

        uniform = np.empty(numbers.size)
        wiring.uniform_at(np.uint64(self.key), numbers, uniform)
        return self._made(uniform)

    def _made(self, uniform: Values) -> Values:
        made: Values = self.spread.from_uniform(uniform)  # type: ignore[attr-defined]
        if self.grid:
            made = np.rint(made / self.grid) * self.grid
        for function in self.then:
            made = np.asarray(function(made), np.float64)
        return made
