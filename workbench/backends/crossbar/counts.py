"""What the products of a matrix cost so far: whole numbers, the same for any batches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.crossbar.reads import COUNTED, Counted
from workbench.backends.crossbar.rows import Row
from workbench.chips.crossbar import EVENTS, CrossbarChip

__all__ = ["Counts"]

_AT = {event: k for k, event in enumerate(EVENTS)}
ATTOJOULE = 1e-18


@final
class Counts:
    """Counters of the reads of some arrays, and the events that follow from them.

    `top` is the level of an input that drives a row with the full read voltage, `outputs` how many numbers a product gives.
    """

    def __init__(self, rows: Sequence[Row], arrays: int, outputs: int, chip: CrossbarChip, top: float) -> None:
        self._rows, self._outputs, self._chip = rows, outputs, chip
        self._joules = [row.load * (chip.read_voltage**2 * chip.read_time / ATTOJOULE / top**2) for row in rows]
        self._before = np.zeros((arrays, len(EVENTS)), np.int64)
        self.squares = [np.zeros(row.rows.stop - row.rows.start) for row in rows]
        """Sums of squares of the levels on each row so far: what the energy in the cells follows from. Whole, so they add up exactly."""
        self._each = np.zeros((len(rows), COUNTED), np.int64)
        self._additions = 0

    def fresh(self) -> Self:
        """Nothing counted yet."""
        made = copy.copy(self)
        made._before, made._each = np.zeros_like(self._before), np.zeros_like(self._each)
        made.squares, made._additions = [np.zeros_like(s) for s in self.squares], 0
        return made

    def restored(self, tally: NDArray[np.int64], squares: Sequence[NDArray[np.float64]]) -> Self:
        """The same arrays with what was counted before."""
        made = self.fresh()
        made._before, made.squares = tally.copy(), [s.copy() for s in squares]
        return made

    def add(self, made: Counted) -> None:
        """Add what reads counted."""
        for all_, more in zip(self.squares, made.squares, strict=True):
            all_ += more
        self._each += made.each
        offset = self._chip.pairs == "offset"
        if offset or len(self._rows) > 1 or self._serial:
            read = int(np.count_nonzero(made.reads))
            self._additions += self._outputs * (int(made.reads.sum()) - read + (read if offset else 0))

    @property
    def _serial(self) -> bool:
        return self._chip.dac == "bit-serial" and self._chip.dac_bits > 1

    @property
    def tally(self) -> NDArray[np.int64]:
        """Events so far, (arrays, EVENTS)."""
        made, chip = self._before.copy(), self._chip
        for row, squares, joules, each in zip(self._rows, self.squares, self._joules, self._each.tolist(), strict=True):
            _, driving, reads, inputs, samples, _, _ = each
            if not self._serial:
                inputs, samples = driving, reads
            here = made[row.place]
            here[:, _AT["tile read"]] += reads
            here[:, _AT["row pulse"]] += driving
            # Squares of whole levels add up exactly, so their sum and what follows from it are the same for any batches.
            here[:, _AT["array attojoule"]] = np.ceil(squares @ joules)
            here[:, _AT["conversion"]] += reads * row.widths
            # Inputs are fetched once, however many reads they take.
            here[:, _AT["buffer byte"]] += reads * row.widths * _bytes(chip.adc_bits) + samples * len(squares) * _bytes(
                chip.dac_bits
            )
            if row.part == 0:
                here[:, _AT["synaptic operation"]] += inputs * row.widths
            made[row.place] = here
        made[0, _AT["digital addition"]] += self._additions
        return made


def _bytes(bits: int) -> int:
    """Bytes of a number of so many bits; 8 of one that no converter rounds."""
    return -(-bits // 8) if bits else 8
