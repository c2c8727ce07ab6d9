"""The reads that a product of a matrix takes, prepared as the kernels take them: row block by row block, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.crossbar.rows import Row

__all__ = ["Counted", "Reads", "signed"]

_NONE = np.zeros(0)
_NO_CODES = {np.dtype(kind): np.zeros((0, 0), kind) for kind in (np.int16, np.int32)}
COUNTED = 7
"""Numbers that the kernels count for each row block, see `kernels.analog.drive`."""


class Read(NamedTuple):
    """One read of arrays that share rows and a slice."""

    number: int
    """Of the row block and slice."""
    begin: int
    """Its first row."""
    plane: int
    """The bit of the levels that drives the rows; −1 for levels as they are."""
    times: float
    """What its codes count."""
    key: int
    """Of the stream of its read noise, signed."""
    noisy: bool
    summed: bool
    """Whether the sum of each sample's levels is taken here."""


class Counted(NamedTuple):
    """What reads of a batch count."""

    squares: list[NDArray[np.float64]]
    """Sums of squares of the levels of each row, by row block and slice."""
    each: NDArray[np.int64]
    """(row blocks and slices, COUNTED)."""
    reads: NDArray[np.int64]
    """(batch,) reads of each sample that drive any row."""
    totals: NDArray[np.float64]
    """(batch,) sum of each sample's levels, where columns hold offsets."""


@final
class Reads:
    """All reads of a product, of arrays `rows` as the kernels hold them in `banks`.

    `decoding`: (2, outputs) for each of them, the value of a code and of none. `dac`: levels for each unit of input, lowest and highest
    level; lowest above highest where no DAC rounds, and levels only count what a read costs. `bits`: of a bit-serial DAC, else 0.
    `keys`: of read noise, signed, by bit and row block. `offset`: whether sums of levels are wanted.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        banks: Sequence[Any],
        decoding: Sequence[NDArray[np.float64]],
        dac: tuple[float, float, float],
        *,
        bits: int,
        keys: Sequence[Sequence[int]],
        offset: bool,
    ) -> None:
        self.rows, self.banks, self._decoding, self._dac = rows, banks, decoding, dac
        self._sizes = [row.rows.stop - row.rows.start for row in rows]
        self.all = [
            Read(
                number,
                row.rows.start,
                plane if bits else -1,
                2.0**plane,
                keys[plane][number],
                row.noisy,
                offset and plane == 0 and row.part == 0,
            )
            for plane in range(bits or 1)
            for number, row in enumerate(rows)
        ]

    def _counted(self, batch: int) -> Counted:
        sizes = self._sizes
        return Counted(
            [np.zeros(size) for size in sizes],
            np.zeros((len(sizes), COUNTED), np.int64),
            np.zeros(batch, np.int64),
            np.zeros(batch),
        )

    def convert(
        self, x: NDArray[Any], first: int, y: NDArray[np.float64], codes: Sequence[NDArray[Any]] = ()
    ) -> Counted:
        """Read everything for x (batch, inputs): decoded and added up in y (batch, outputs), unless it has no rows; codes of each read."""
        from workbench.kernels.analog.loops import product_batch  # noqa: PLC0415  compiled kernels only when something is read

        made = self._counted(x.shape[0])
        each, low, high = self._dac
        for k, (number, begin, plane, times, key, noisy, summed) in enumerate(self.all):
            bank = self.banks[number]
            product_batch(
                x, begin, each, low, high, plane, key, first, noisy, bank.single, bank.double, bank.whole, bank.fixed,
                bank.shape, codes[k] if codes else _NO_CODES[bank.kind], times, self._decoding[number], k == 0, y,
                made.squares[number], made.reads, made.totals if summed else _NONE, made.each[number]
            )  # fmt: skip
        return made

    def values(self, x: NDArray[Any], first: int, y: NDArray[np.float64]) -> Counted:
        """The same without converters."""
        from workbench.kernels import analog  # noqa: PLC0415

        y[:] = 0.0
        made = self._counted(len(x))
        rounded = self._dac[1] <= self._dac[2]
        for read, levels, active in self._driven(x, made):
            row = self.rows[read.number]
            driven = levels if rounded else x[:, row.rows]
            now = analog.read_values(self.banks[read.number], driven, read.key if read.noisy else None, first)
            y += np.where(active[:, None], read.times * now * row.correct, 0.0)
        return made

    def count(self, x: NDArray[Any]) -> Counted:
        """What the reads for x count, without them."""
        made = self._counted(len(x))
        for _ in self._driven(x, made):
            pass
        return made

    def _driven(self, x: NDArray[Any], made: Counted) -> Iterator[tuple[Read, NDArray[np.float32], NDArray[np.bool_]]]:
        """Every read without the arrays: its levels, and which samples have any."""
        from workbench.kernels.analog.drive import drive_batch  # noqa: PLC0415

        for read in self.all:
            before, squares = made.reads.copy(), made.squares[read.number]
            levels = np.empty((len(x), -(-squares.size // 32) * 32), np.float32)
            drive_batch(
                x, read.begin, *self._dac, read.plane, levels, squares, made.reads,
                made.totals if read.summed else _NONE, made.each[read.number]
            )  # fmt: skip
            yield read, levels[:, : squares.size], made.reads > before


def signed(key: int) -> int:
    """A key of a stream as a signed number of 64 bits."""
    return key if key < 2**63 else key - 2**64
