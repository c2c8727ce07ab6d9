"""The products of a digital chip: whole numbers times whole numbers, added exactly; or float64, added input by input.

What a value neuron emits is sent on as a whole number, round(y / step), cut at the ends of its range; spikes are whole already. A sum
of products of whole numbers is exact in float64 (in float32 where it stays below 2^24), so no order, no split and no number of threads
can show. The result times (scale of the weights · step) is what arrives, rounded once. Sums of spikes onto a receptor with a grid of
weights are exact for the same reason. All other sums are taken in the order of the sources, by one compiled loop (SciPy's product of a
sparse matrix with several vectors, which calls no library that could order them otherwise).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import delay_steps
from workbench.backends.clockwork import Way
from workbench.backends.digital.weights import Kept
from workbench.chips.digital import DigitalChip

__all__ = ["Code", "Line", "lines"]

Rows = NDArray[np.float64]

DENSE = 16_000_000
"""Matrices of more places than this are not laid out in full."""

AT_ONCE = 2_000_000
"""Arrivals of spikes that are added up in one go; more take several."""


@final
@dataclass(frozen=True)
class Code:
    """How values are sent: as whole numbers of `step`, from `low` to `high`."""

    step: float
    low: float
    high: float

    @staticmethod
    def of(largest: float, bits: int, *, signed: bool) -> Code:
        """Values up to `largest` in so many bits, symmetric about zero when signed."""
        high = float(2 ** (bits - 1) - 1 if signed else 2**bits - 1)
        return Code((largest or 1.0) / high, -high if signed else 0.0, high)

    def whole(self, rows: Rows) -> tuple[Rows, int]:
        """The whole numbers, and how many were cut."""
        exact = np.rint(rows / self.step)
        kept = np.minimum(np.maximum(exact, self.low), self.high)
        return kept, int(np.count_nonzero(kept != exact))


class Line:
    """Abstract: one projection, or its synapses of one delay, as the chip multiplies it."""

    def __init__(self, kept: Kept, delay: int, exact: bool) -> None:
        self.block, self.scale, self.delay, self.exact = kept.block, kept.scale, delay, exact
        self.way = Way(kept.block, delay, None)

    def product(self, rows: Rows, step: float) -> Rows:
        """What rows (steps, sources) bring to the targets, when one whole number means `step`."""
        made = self.sums(rows)
        factor = self.scale * step
        return made * factor if isinstance(factor, np.ndarray) or factor != 1.0 else made

    def sums(self, rows: Rows) -> Rows:
        """The product with the whole numbers."""
        raise NotImplementedError

    def save(self) -> dict[str, NDArray[Any]]:
        """What is under way inside, as arrays."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""


@final
class Dense(Line):
    """A matrix with a place for every pair, for exact sums: one product over steps × sources × targets."""

    def __init__(self, kept: Kept, delay: int, most: float) -> None:
        super().__init__(kept, delay, exact=True)
        i, j = kept.block.edges()
        matrix = np.zeros(kept.block.sizes)
        np.add.at(matrix, (i, j), kept.at(None))
        tallest = np.abs(matrix).sum(axis=0).max(initial=0.0) * most
        whole = np.array_equal(matrix, np.rint(matrix))
        self._matrix = matrix.astype(np.float32) if whole and tallest < 2**24 else matrix

    def sums(self, rows: Rows) -> Rows:
        """See Line; inputs that are zero in all steps are left out."""
        matrix = self._matrix
        some = np.flatnonzero(rows.any(axis=0))
        if some.size < rows.shape[1] // 2:
            rows, matrix = rows[:, some], matrix[some]
        return (rows.astype(matrix.dtype) @ matrix).astype(np.float64)


@final
class Sparse(Line):
    """Synapses by source, for exact sums: those of each input that is not zero are added where they go, after their own delay."""

    def __init__(self, kept: Kept, delays: NDArray[Any] | int) -> None:
        numbered = kept.block.rows(numbered=True)
        self._start = np.asarray(numbered.start, np.int64)
        self._targets = numbered.targets.astype(np.int64)
        self._number = kept.numbers if isinstance(kept.numbers, float) else None
        self._numbers = None if self._number is not None else kept.at(numbered.edge)
        self._late = None if isinstance(delays, int) else np.asarray(delays, np.int64)[numbered.edge]
        least = int(np.min(delays, initial=1 << 30)) if self._late is not None else int(delays)
        longest = 0
        if self._late is not None:
            self._late = self._late - least
            longest = int(self._late.max(initial=0))
        super().__init__(kept, least, exact=True)
        self._size = kept.block.sizes[1]
        self._now = 0
        self._ring = np.zeros((longest, self._size))
        """What waits, the row of step n at n modulo its length."""

    def sums(self, rows: Rows) -> Rows:
        """See Line; with delays that differ, what comes out now and what waits are kept apart."""
        at, who = np.nonzero(rows)
        times = rows[at, who]
        begin = self._start[who]
        many = self._start[who + 1] - begin
        if int(many.sum()) > AT_ONCE and len(rows) > 1:
            half = len(rows) // 2
            return np.concatenate([self.sums(rows[:half]), self.sums(rows[half:])])
        places = np.repeat(begin - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
        where = np.repeat(at, many)
        alone = bool(np.all(times == 1.0))
        if self._numbers is None:
            number = float(self._number or 0.0)
            amounts = np.full(places.size, number) if alone else np.repeat(times * number, many)
        else:
            amounts = self._numbers[places] if alone else self._numbers[places] * np.repeat(times, many)
        targets = self._targets[places]
        if self._late is not None:
            return self._later(len(rows), where + self._late[places], targets, amounts)
        if not places.size:
            return np.zeros((len(rows), self._size))
        made = np.bincount(where * self._size + targets, amounts, len(rows) * self._size)
        return np.asarray(made, np.float64).reshape(-1, self._size)

    def _later(self, steps: int, due: NDArray[np.int64], targets: NDArray[np.int64], amounts: Rows) -> Rows:
        """What is due in these steps, when the amounts come in `due` steps from now; the rest waits."""
        made, ring = np.zeros((steps, self._size)), self._ring
        if len(ring):
            first = (self._now + np.arange(min(steps, len(ring)))) % len(ring)
            made[: first.size] = ring[first]
            ring[first] = 0.0
            wait = due >= steps
            slots = (self._now + due[wait]) % len(ring)
            np.add.at(ring.reshape(-1), slots * self._size + targets[wait], amounts[wait])
            due, targets, amounts = due[~wait], targets[~wait], amounts[~wait]
        np.add.at(made.reshape(-1), due * self._size + targets, amounts)
        self._now += steps
        return made

    def save(self) -> dict[str, NDArray[Any]]:
        """See Line."""
        return {"now": np.array(self._now), "ring": self._ring}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """See Line."""
        self._now, self._ring = int(arrays["now"]), np.array(arrays["ring"])


@final
class Ordered(Line):
    """Synapses by target, for sums that are not exact: input after input, in canonical order."""

    def __init__(self, kept: Kept, delay: int, chosen: NDArray[np.bool_] | None = None) -> None:
        from scipy.sparse import csr_matrix  # noqa: PLC0415

        super().__init__(kept, delay, exact=False)
        i, j = kept.block.edges()
        numbers = kept.at(None)
        if chosen is not None:
            i, j, numbers = i[chosen], j[chosen], numbers[chosen]
        start = np.concatenate([[0], np.cumsum(np.bincount(j, minlength=kept.block.sizes[1]))])
        self._matrix = csr_matrix((numbers, i, start), (kept.block.sizes[1], kept.block.sizes[0]))

    def sums(self, rows: Rows) -> Rows:
        """See Line."""
        alone = len(rows) == 1
        both = np.repeat(rows, 2, axis=0) if alone else rows  # one vector would take another loop
        made = np.ascontiguousarray((self._matrix @ np.ascontiguousarray(both.T)).T)
        return made[:1] if alone else made


def lines(kept: Kept, chip: DigitalChip, dt: float, *, coded: bool) -> list[Line]:
    """A projection as lines, by delay where sums are not exact; `coded` says that its sender's values come as whole numbers."""
    block = kept.block
    lags = delay_steps(block, dt)
    spikes = block.emits == "spikes"
    exact = coded or (spikes and (chip.weight_bits > 0 or block.kind.grid > 0))
    places = block.sizes[0] * block.sizes[1]
    full = places <= DENSE and (not spikes or 4 * block.count >= places)
    if exact and full and isinstance(lags, int):
        most = 2.0**chip.activation_bits if not spikes else 2.0**16 if block.external else 1.0
        return [Dense(kept, lags, most)]
    if exact and spikes:
        return [Sparse(kept, lags)]
    if isinstance(lags, int):
        return [Ordered(kept, lags)]
    return [Ordered(kept, int(d), lags == d) for d in np.unique(lags)]
