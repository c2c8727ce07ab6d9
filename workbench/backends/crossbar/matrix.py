"""A matrix of weights on the arrays of a crossbar chip: it multiplies vectors as the chip would, and counts what that costs.

    W = Matrix(weights, CHIPS["crossbar-assumed"])
    y = W.calibrated(x[:100]).product(x)

Inputs become whole numbers of DAC steps, each array gives currents, converters make codes of them, and codes are added and scaled back
into units of weight × input. The order of batches, tiles and threads changes nothing: noise belongs to (sample, column), codes are
whole numbers, and sums of codes are exact.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.crossbar.array import Array
from workbench.backends.crossbar.rows import Row, side_by_side
from workbench.backends.crossbar.tiles import Cut, cut, digits, scales, worth, zero
from workbench.chips.crossbar import EVENTS, CrossbarChip
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["Matrix"]

_EVENT = {event: k for k, event in enumerate(EVENTS)}
ATTOJOULE = 1e-18
FINE = 4096
"""Levels of an input that no DAC rounds, for the energy in the cells."""

SAMPLES = 256
"""Random inputs that set the ranges of converters when nobody calibrates."""


@final
class Matrix:
    """Weights (inputs, outputs) programmed on a chip, from array `first` on.

    `inputs` is the largest |input| the DACs cover, `signed` whether inputs below zero occur. Raises PlacementError when the chip has too
    few tiles, DescriptionError for weights that are not finite. The die fixes the specimen, `seed` programming and read noise.
    """

    def __init__(
        self,
        weights: NDArray[Any],
        chip: CrossbarChip,
        *,
        seed: int = 0,
        name: str = "W",
        inputs: float = 1.0,
        signed: bool = True,
        first: int = 0,
    ) -> None:
        self.weights = np.asarray(weights, np.float64)
        self.chip, self.seed, self.name = chip, int(seed), name
        self.cut: Cut = cut(self.weights, chip, first=first, name=name)
        self._scale = scales(self.weights, chip)
        self.arrays = [
            Array(
                piece,
                digits(self.weights[piece.rows, piece.outputs], self._scale[piece.outputs], chip, piece.slice),
                chip,
                seed=seed,
            )
            for piece in self.cut.pieces()
        ]
        self._key = streams.stream(seed, "read", name, first)
        self._settle(chip, inputs, signed)
        self._samples: NDArray[np.float64] | None = None
        self._range()

    # --- what the chip is now ---

    def _settle(self, chip: CrossbarChip, inputs: float, signed: bool) -> None:
        """Look at the arrays at the chip's age and put the ones that share rows side by side."""
        if not (np.isfinite(inputs) and inputs > 0):
            raise DescriptionError(
                tr(
                    "The largest input of '{name}' is {value}; it must be a finite number above 0.",
                    name=self.name,
                    value=inputs,
                )
            )
        self.chip, self.inputs, self.signed = chip, float(inputs), signed
        self.clipped, self.conversions, self.clipped_inputs = 0, 0, 0
        blocks = len(self.cut.column_blocks)
        self.tally = np.zeros((self.cut.arrays, len(EVENTS)), np.int64)
        """What the products so far cost, (arrays, EVENTS)."""
        self._squares = [np.zeros(array.piece.rows.stop - array.piece.rows.start) for array in self.arrays[::blocks]]
        """Sums of squares of the levels on each row so far, by row block and slice: what the energy in the cells follows from."""
        self._rows: list[Row] = [
            side_by_side(
                self.arrays[at : at + blocks],
                worth(self._scale, chip, self.arrays[at].piece.slice),
                chip,
                self.cut.first,
            )
            for at in range(0, len(self.arrays), blocks)
        ]
        self._zero = zero(self._scale, chip)
        if chip.pairs == "offset":
            closed = chip.device.g_min / (chip.device.g_max - chip.device.g_min)
            self._zero = self._zero + closed * sum(worth(self._scale, chip, part) for part in range(chip.slices))
        """What is taken off digitally for each unit of input: (outputs,)."""

    @property
    def conductances(self) -> list[NDArray[np.float64]]:
        """The conductances of each array now, S, (rows, columns)."""
        return [array.conductances(self.chip) for array in self.arrays]

    @property
    def realised(self) -> NDArray[np.float64]:
        """The weights that the chip has now: programming, drift, stuck cells and wires, without reading and converting. (inputs, outputs)."""
        made = np.zeros_like(self.weights)
        for row in self._rows:
            made[row.rows] += row.matrix * row.correct
        return made - self._zero if self.chip.pairs == "offset" else made

    @property
    def losses(self) -> tuple[str, ...]:
        """What programming made of the weights, in sentences."""
        off = self.realised - self.weights
        largest = float(np.abs(self.weights).max()) or 1.0
        said = []
        if np.abs(off).max() > 1e-12 * largest:
            said.append(
                tr(
                    "{name}: weights are off by {rms:.2%} of the largest (root mean square), at most {most:.2%}.",
                    name=self.name,
                    rms=float(np.sqrt(np.mean(off**2))) / largest,
                    most=float(np.abs(off).max()) / largest,
                )
            )
        if self.cut.arrays > 1:
            said.append(
                tr(
                    "{name}: {inputs} × {outputs} weights are split over {arrays} arrays.",
                    name=self.name,
                    inputs=self.cut.inputs,
                    outputs=self.cut.outputs,
                    arrays=self.cut.arrays,
                )
            )
        return tuple(said)

    def aged(self, seconds: float) -> Matrix:
        """The same cells `seconds` after programming, with the converters' ranges as they were calibrated."""
        made = copy.copy(self)
        made._settle(replace(self.chip, age=float(seconds)), self.inputs, self.signed)
        made._bank()
        return made

    # --- converters ---

    def calibrated(self, samples: NDArray[Any], *, inputs: float | None = None, signed: bool | None = None) -> Self:
        """The same matrix with DAC and ADC ranges set for inputs like `samples` (batch, inputs): their largest values fit exactly.

        Raises DescriptionError for samples of another width or without any signal.
        """
        x = self._checked(samples)
        made = copy.copy(self)
        largest = float(np.abs(x).max(initial=0.0))
        if inputs is None and largest == 0.0:
            raise DescriptionError(
                tr(
                    "The samples that calibrate '{name}' are all zero: the converters' range would be zero. Write inputs that occur.",
                    name=self.name,
                )
            )
        made._settle(self.chip, largest if inputs is None else inputs, bool(x.min() < 0) if signed is None else signed)
        made._samples = x
        made._range()
        return made

    def _range(self) -> None:
        """Full scale of every converter, offsets and gains of this die, and the banks that the kernel reads."""
        chip = self.chip
        x = self._samples
        if x is None and chip.adc_range == "calibrated":
            u = streams.uniform(streams.stream(self.seed, "calibration", self.name), 0, SAMPLES * self.cut.inputs)
            x = self.inputs * (2.0 * u - 1.0 if self.signed else u).reshape(SAMPLES, -1)
        planes = [] if x is None else self._planes(self._levels(x)[0])
        few = self._samples is not None and len(self._samples) < SAMPLES
        self._full: list[NDArray[np.float64]] = []
        for row in self._rows:
            step = row.matrix * self._step
            if chip.adc_range == "calibrated":
                full = np.max([self._reach(row, p[:, row.rows]) for p, _ in planes], axis=0)
                # Two coincident inputs on the strongest cell are to fit, however few of them a calibration saw.
                full = np.maximum(full, min(2.0, step.shape[0]) * self._top * np.abs(step).max(axis=0)) if few else full
            else:
                top = self._top
                if chip.adc_range == "fixed":
                    device = chip.device
                    unit = worth(self._scale, chip, row.part) * device.g_max / (device.g_max - device.g_min)
                    full = step.shape[0] * top * self._step * unit
                elif self.signed:
                    full = top * np.abs(step).sum(axis=0)
                else:
                    full = top * np.maximum(np.maximum(step, 0).sum(axis=0), np.maximum(-step, 0).sum(axis=0))
            if chip.adc_per == "tile":
                full = np.concatenate([np.full(o.stop - o.start, full[o].max()) for o in row.tiles])
            if not np.any(full > 0):
                full = np.ones_like(full)
            # A column without any weight has no current to convert; its range is its neighbours'.
            self._full.append(np.where(full > 0, full, full.max()) * chip.adc_span)
        self._bank()

    def _reach(self, row: Row, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest current of each output for these inputs, with three standard deviations of read noise, in output units."""
        largest = np.abs(levels @ (row.matrix * self._step))
        if np.ndim(row.variance):
            largest += 3.0 * self._step * np.sqrt(levels**2 @ row.variance)
        elif row.variance:
            largest += 3.0 * self._step * np.sqrt(row.variance * (levels**2).sum(axis=1, keepdims=True))
        return largest.max(axis=0, initial=0.0)

    def _bank(self) -> None:
        """The arrays as the kernel reads them: outputs per DAC step, ranges, and this die's offsets and gains."""
        from workbench.kernels import analog  # noqa: PLC0415  compiled kernels only when something is read

        chip = self.chip
        unsigned = chip.pairs == "offset" and not self.signed
        high = (2**chip.adc_bits if unsigned else 2 ** max(chip.adc_bits - 1, 0)) - 1
        low = 0 if unsigned else -high
        top = self._top if self._most else float(FINE)
        self._joules = [row.load * (chip.read_voltage**2 * chip.read_time / ATTOJOULE / top**2) for row in self._rows]
        self._banks: list[Any] = []
        self._decode: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        for row, full in zip(self._rows, self._full, strict=True):
            lsb = full / max(high, 1)
            offset, gain = self._errors(row)
            self._banks.append(
                analog.bank(
                    row.matrix * self._step,
                    variance=row.variance * self._step**2,
                    gain=gain,
                    offset=offset * lsb,
                    lsb=lsb if chip.adc_bits else None,
                    low=low,
                    high=high,
                )
            )
            if chip.calibrate:
                self._decode.append((lsb / gain * row.correct, -offset * lsb / gain * row.correct))
            else:
                self._decode.append((lsb * row.correct, np.zeros_like(lsb)))

    def _errors(self, row: Row) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Offset (LSB) and gain of the converter of each output: the same for columns that share one."""
        chip = self.chip
        made = [np.zeros(row.matrix.shape[1]), np.ones(row.matrix.shape[1])]
        if chip.effects.converters and (chip.adc_offset or chip.adc_gain):
            for outputs, number in zip(row.tiles, row.numbers, strict=True):
                which = np.arange(outputs.stop - outputs.start) // chip.adc_share
                for values, what, sd in zip(
                    made, ("adc offset", "adc gain"), (chip.adc_offset, chip.adc_gain), strict=True
                ):
                    drawn = streams.normal(streams.stream(chip.die, what, number), 0, int(which[-1]) + 1)
                    values[outputs] += sd * drawn[which]
        return made[0], made[1]

    @property
    def _most(self) -> int:
        """The highest DAC level; 0 when inputs are not rounded."""
        return 2**self.chip.dac_bits - 1

    @property
    def _step(self) -> float:
        """The input that one DAC level stands for."""
        return self.inputs / self._most if self._most else 1.0

    @property
    def _serial(self) -> bool:
        return self.chip.dac == "bit-serial" and self.chip.dac_bits > 1

    @property
    def _top(self) -> float:
        """The largest level of one read."""
        return 1.0 if self._serial else float(self._most) or self.inputs

    def _levels(self, x: NDArray[np.float64]) -> tuple[NDArray[Any], int]:
        """Inputs in DAC levels, whole numbers in float32, and how many were clipped; inputs as they are where no DAC rounds."""
        if not self._most:
            self._finite(x)
            return x, 0
        from workbench.kernels.analog.drive import levels  # noqa: PLC0415

        made = np.empty(x.shape, np.float32)
        clipped = levels(x, self._step, -self._most if self.signed else 0, self._most, made)
        if clipped < 0:
            self._finite(x)
        return made, clipped

    def _planes(self, levels: NDArray[Any]) -> list[tuple[NDArray[Any], float]]:
        """What the rows are driven with, read by read, and what each read counts."""
        if not self._serial:
            return [(levels, 1.0)]
        size, sign = np.abs(levels).astype(np.int32), np.sign(levels)
        return [(sign * np.float32(size >> b & 1), 2.0**b) for b in range(self.chip.dac_bits)]

    @property
    def noisy(self) -> bool:
        """Whether a read adds noise."""
        return any(row.noisy for row in self._rows)

    def fresh(self) -> Self:
        """The same cells and converters with nothing counted yet."""
        made = copy.copy(self)
        made.tally, made._squares = np.zeros_like(self.tally), [np.zeros_like(s) for s in self._squares]
        made.clipped = made.conversions = made.clipped_inputs = 0
        return made

    def save(self) -> dict[str, NDArray[Any]]:
        """Ranges and counts, as arrays; the cells follow from die and seed."""
        return {
            "inputs": np.array(self.inputs),
            "signed": np.array(self.signed),
            "tally": self.tally.copy(),
            "clipped": np.array([self.clipped, self.conversions, self.clipped_inputs]),
        } | {
            f"{what}.{k}": a
            for what, held in (("full", self._full), ("squares", self._squares))
            for k, a in enumerate(held)
        }

    def restored(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The same cells with the ranges and counts that `save` gave."""
        made = copy.copy(self)
        made._settle(self.chip, float(arrays["inputs"]), bool(arrays["signed"]))
        made._full = [arrays[f"full.{k}"] for k in range(len(self._full))]
        made._bank()
        made.tally = arrays["tally"].copy()
        made._squares = [arrays[f"squares.{k}"].copy() for k in range(len(self._squares))]
        made.clipped, made.conversions, made.clipped_inputs = arrays["clipped"].tolist()
        return made

    # --- the product ---

    def product(self, x: NDArray[Any], *, first: int = 0) -> NDArray[np.float64]:
        """x (batch, inputs) times the matrix as the chip gives it: (batch, outputs), in units of weight × input.

        `first` is the number of the first sample: read noise belongs to the sample's number, so a batch in pieces is the batch.
        Rows without any input are not read. A single vector (inputs,) gives (outputs,).
        """
        x = np.asarray(x, np.float64)
        if x.ndim == 1:
            return self.product(x[None, :], first=first)[0]
        from workbench.kernels import analog  # noqa: PLC0415
        from workbench.kernels.analog.drive import decode  # noqa: PLC0415

        levels, clipped = self._levels(self._checked(x))
        self.clipped_inputs += clipped
        y, fresh = np.empty((len(x), self.cut.outputs)), True
        for plane, times, number, rows, active in self._reads(levels):
            row, bank = self._rows[number], self._banks[number]
            key = streams.stream(self._key, plane, number) if row.noisy else None
            if self.chip.adc_bits:
                codes, over = analog.read(bank, np.ascontiguousarray(rows, np.float32), key, first)
                self.clipped += over
                decode(codes, *self._decode[number], times, active, fresh, y)
            else:
                read = times * analog.read_values(bank, rows.astype(np.float64), key, first) * row.correct
                y = np.where(active[:, None], read, 0.0) + (0.0 if fresh else y)
            fresh = False
        if fresh:  # no input anywhere: nothing was read
            y = np.zeros_like(y)
        if self.chip.pairs == "offset":
            y -= np.outer(levels.sum(axis=1, dtype=np.float64) * self._step, self._zero)
        return y

    def count(self, x: NDArray[Any]) -> None:
        """Count what `product` of these inputs would cost, without it."""
        for _ in self._reads(self._levels(self._checked(x))[0]):
            pass

    def _reads(self, levels: NDArray[Any]) -> Iterator[tuple[int, float, int, NDArray[Any], NDArray[np.bool_]]]:
        """Every read of arrays that share rows, counted: (bit, what it counts, number of the row, its inputs, samples with any input)."""
        converted = np.zeros(len(levels), np.int64)
        outputs = self.cut.outputs
        planes = self._planes(levels)
        for plane, (driven, times) in enumerate(planes):
            for number, row in enumerate(self._rows):
                rows = driven[:, row.rows]
                squares, active, driving = self._driven(rows)
                if plane == 0 and len(planes) > 1:
                    _, samples, nonzero = self._driven(levels[:, row.rows])
                    self._fetch(row, samples, nonzero)
                elif plane == 0:
                    self._fetch(row, active, driving)
                if driving:
                    converted += active * outputs
                    self._count(number, row, squares, active, driving)
                    yield plane, times, number, rows, active
        taken = outputs * (converted > 0) if self.chip.pairs == "offset" else 0
        self.tally[0, _EVENT["digital addition"]] += int((np.maximum(converted - outputs, 0) + taken).sum())

    def _driven(self, rows: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
        """Of what the rows of a read are driven with: sums of squares by row, which samples have any input, and how many inputs there are."""
        from workbench.kernels.analog.drive import driven  # noqa: PLC0415

        if not self._most:
            rows = np.rint(rows * (FINE / self.inputs)).astype(np.float32)
        squares, active = np.zeros(rows.shape[1]), np.zeros(len(rows), np.bool_)
        return squares, active, driven(rows, squares, active)

    def _fetch(self, row: Row, samples: NDArray[np.bool_], driving: int) -> None:
        """Count what inputs cost once, however many reads they take."""
        here = self.tally[row.place]
        here[:, _EVENT["buffer byte"]] += (
            int(samples.sum()) * (row.rows.stop - row.rows.start) * _bytes(self.chip.dac_bits)
        )
        if row.part == 0:
            here[:, _EVENT["synaptic operation"]] += driving * row.widths
        self.tally[row.place] = here

    def _count(
        self, number: int, row: Row, squares: NDArray[np.float64], active: NDArray[np.bool_], driving: int
    ) -> None:
        """Count one read of the arrays of `row` for every active sample."""
        here, reads = self.tally[row.place], int(active.sum())
        # Squares of whole levels add up exactly, so their sum and what follows from it are the same for any batches.
        self._squares[number] += squares
        here[:, _EVENT["tile read"]] += reads
        here[:, _EVENT["row pulse"]] += driving
        here[:, _EVENT["array attojoule"]] = np.ceil(self._squares[number] @ self._joules[number])
        here[:, _EVENT["conversion"]] += reads * row.widths
        here[:, _EVENT["buffer byte"]] += reads * row.widths * _bytes(self.chip.adc_bits)
        self.tally[row.place] = here
        self.conversions += reads * int(row.widths.sum())

    @property
    def counts(self) -> dict[str, int]:
        """What the products so far cost, by event; the write pulses of programming too."""
        made = dict(zip(EVENTS, self.tally.sum(axis=0).tolist(), strict=True))
        return made | {"write pulse": self.pulses}

    @property
    def pulses(self) -> int:
        """Write pulses that programming took."""
        return sum(array.cells.pulses for array in self.arrays)

    def joules(self) -> dict[str, float]:
        """The energy of the products so far by event, J, at the chip's prices."""
        return {event: number * self.chip.prices[event].joules for event, number in self.counts.items()}

    @property
    def seconds(self) -> float:
        """Chip time of one product, s: arrays work side by side, outputs take turns on shared converters."""
        chip = self.chip
        widest = max(o.stop - o.start for row in self._rows for o in row.tiles)
        turns = min(chip.adc_share, widest)
        read, convert = chip.prices["tile read"].seconds, turns * chip.prices["conversion"].seconds
        # A tile reads while its ADCs convert the read before.
        return max(read, convert) * (chip.dac_bits if self._serial else 1) + min(read, convert)

    def _checked(self, x: NDArray[Any]) -> NDArray[np.float64]:
        x = np.atleast_2d(np.asarray(x, np.float64))
        if x.ndim != 2 or x.shape[1] != self.cut.inputs:
            raise DescriptionError(
                tr(
                    "'{name}' multiplies vectors of {inputs} numbers; these have shape {shape}.",
                    name=self.name,
                    inputs=self.cut.inputs,
                    shape=x.shape,
                )
            )
        return x

    def _finite(self, x: NDArray[np.float64]) -> None:
        if not np.all(np.isfinite(x)):
            raise DescriptionError(tr("Inputs of '{name}' must be finite numbers.", name=self.name))


def _bytes(bits: int) -> int:
    """Bytes of a number of so many bits; 8 of one that no converter rounds."""
    return -(-bits // 8) if bits else 8
