"""A matrix of weights on the arrays of a crossbar chip: it multiplies vectors as the chip would, and counts what that costs.

    W = Matrix(weights, CHIPS["crossbar-assumed"])
    y = W.calibrated(x[:100]).product(x)

Inputs become whole numbers of DAC steps, each array gives currents, converters make codes of them, and codes are added and scaled back
into units of weight × input. The order of batches, tiles and threads changes nothing: noise belongs to (sample, column), codes are
whole numbers, and sums of codes are exact.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.crossbar.array import Array
from workbench.backends.crossbar.counts import Counts
from workbench.backends.crossbar.reads import Counted, Reads, signed
from workbench.backends.crossbar.rows import Row, side_by_side
from workbench.backends.crossbar.tiles import Cut, cut, digits, scales, worth, zero
from workbench.chips.crossbar import EVENTS, CrossbarChip
from workbench.errors import DescriptionError, UnsupportedError
from workbench.words import tr

__all__ = ["Matrix"]

FINE = 4096
"""Levels of an input that no DAC rounds, for the energy in the cells."""

SAMPLES = 256
"""Random inputs that set the ranges of converters when nobody calibrates."""
_NO_OUTPUT = np.zeros((0, 0))
_REAL = (np.dtype(np.float64), np.dtype(np.float32))


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
        self._rows: list[Row] = [
            side_by_side(
                self.arrays[at : at + blocks],
                worth(self._scale, chip, self.arrays[at].piece.slice),
                chip,
                self.cut.first,
            )
            for at in range(0, len(self.arrays), blocks)
        ]
        top = self._top if self._most else float(FINE)
        self._counts = Counts(self._rows, self.cut.arrays, self.cut.outputs, chip, top)
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
        x = self._checked(np.atleast_2d(np.asarray(samples, np.float64)))
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
        planes = [] if x is None else self._planes(self._levels(x))
        few = self._samples is not None and len(self._samples) < SAMPLES
        self._full: list[NDArray[np.float64]] = []
        for row in self._rows:
            step = row.matrix * self._step
            if chip.adc_range == "calibrated":
                full = np.max([self._reach(row, p[:, row.rows]) for p in planes], axis=0)
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
        banks: list[Any] = []
        decoding: list[NDArray[np.float64]] = []
        for row, full in zip(self._rows, self._full, strict=True):
            lsb = full / max(high, 1)
            offset, gain = self._errors(row)
            banks.append(
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
                decoding.append(np.stack([lsb / gain * row.correct, -offset * lsb / gain * row.correct]))
            else:
                decoding.append(np.stack([lsb * row.correct, np.zeros_like(lsb)]))
        most, bits = float(self._most), chip.dac_bits if self._serial else 0
        self._reads = Reads(
            self._rows,
            banks,
            decoding,
            # Without a DAC, levels only count the energy.
            (1.0 / self._step, -most if self.signed else 0.0, most) if most else (FINE / self.inputs, 1.0, 0.0),
            bits=bits,
            keys=[
                [signed(streams.stream(self._key, plane, number)) for number in range(len(banks))]
                for plane in range(bits or 1)
            ],
            offset=chip.pairs == "offset",
        )

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

    def _levels(self, x: NDArray[np.float64]) -> NDArray[Any]:
        """Inputs in DAC levels; inputs as they are where no DAC rounds."""
        self._finite(x)
        if not self._most:
            return x
        most = float(self._most)
        return np.clip(np.rint(x * (1.0 / self._step)), -most if self.signed else 0.0, most).astype(np.float32)

    def _planes(self, levels: NDArray[Any]) -> list[NDArray[Any]]:
        """What the rows are driven with, read by read."""
        if not self._serial:
            return [levels]
        size, sign = np.abs(levels).astype(np.int32), np.sign(levels)
        return [sign * np.float32(size >> b & 1) for b in range(self.chip.dac_bits)]

    @property
    def noisy(self) -> bool:
        """Whether a read adds noise."""
        return any(row.noisy for row in self._rows)

    def fresh(self) -> Self:
        """The same cells and converters with nothing counted yet."""
        made = copy.copy(self)
        made._counts = self._counts.fresh()
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
            for what, held in (("full", self._full), ("squares", self._counts.squares))
            for k, a in enumerate(held)
        }

    def restored(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The same cells with the ranges and counts that `save` gave."""
        made = copy.copy(self)
        made._settle(self.chip, float(arrays["inputs"]), bool(arrays["signed"]))
        made._full = [arrays[f"full.{k}"] for k in range(len(self._full))]
        made._bank()
        made._counts = made._counts.restored(arrays["tally"], [arrays[f"squares.{k}"] for k in range(len(made._full))])
        made.clipped, made.conversions, made.clipped_inputs = arrays["clipped"].tolist()
        return made

    # --- the product ---

    def product(self, x: NDArray[Any], *, first: int = 0) -> NDArray[np.float64]:
        """x (batch, inputs) times the matrix as the chip gives it: (batch, outputs), in units of weight × input.

        `first` is the number of the first sample: read noise belongs to the sample's number, so a batch in pieces is the batch.
        Rows without any input are not read. A single vector (inputs,) gives (outputs,). Numbers in float32 are taken as they are.
        """
        x = np.asarray(x)
        if x.ndim == 1:
            return self.product(x[None, :], first=first)[0]
        x = self._checked(x)
        y = np.empty((x.shape[0], self.cut.outputs))
        made = (self._reads.convert if self.chip.adc_bits else self._reads.values)(x, int(first), y)
        self._count(x, made)
        if self.chip.pairs == "offset":
            totals = made.totals if self._most else x.sum(axis=1, dtype=np.float64)
            y -= np.outer(totals * self._step, self._zero)
        return y

    def codes(self, x: NDArray[Any], *, first: int = 0) -> list[NDArray[Any]]:
        """What the converters say when the chip multiplies x (batch, inputs): codes (batch, outputs) of each read, whole numbers.

        A read is of all arrays that share rows and a slice, in the order of `reads`: for a bit-serial DAC first all reads of the lowest
        bit. `product` is the sum of decoded codes. A sample that drives none of these rows is not read: its codes are 0. It is counted
        like a product. Raises UnsupportedError for a chip without ADCs.
        """
        if not self.chip.adc_bits:
            raise UnsupportedError(
                tr(
                    "'{name}' has no codes: chip {chip} has no ADCs. Write adc_bits=8.",
                    name=self.name,
                    chip=self.chip.name,
                )
            )
        x, banks = self._checked(np.atleast_2d(np.asarray(x))), self._reads.banks
        made = [np.empty((len(x), banks[r.number].padded), banks[r.number].kind) for r in self._reads.all]
        self._count(x, self._reads.convert(x, int(first), _NO_OUTPUT, made))
        return [codes[:, : self.cut.outputs] for codes in made]

    @property
    def reads(self) -> list[tuple[slice, int, int]]:
        """What `codes` lists: (rows of the matrix, slice of the weights, bit of the inputs) of each read."""
        return [(self._rows[r.number].rows, self._rows[r.number].part, max(r.plane, 0)) for r in self._reads.all]

    def count(self, x: NDArray[Any]) -> None:
        """Count what `product` of these inputs would cost, without it."""
        x = self._checked(np.atleast_2d(np.asarray(x)))
        made = self._reads.count(x)
        made.each[:, 5] = 0  # nothing was clipped, it would have been
        self._count(x, made)

    def _count(self, x: NDArray[Any], made: Counted) -> None:
        """Take over what reads counted; raises DescriptionError for inputs that are no finite numbers, and counts nothing then."""
        each = made.each
        sums = (each[0] if len(each) == 1 else each.sum(axis=0)).tolist()
        if sums[6]:
            self._finite(x)
        self._counts.add(made)
        self.clipped += sums[0]
        self.conversions += sums[2] * self.cut.outputs
        # Each slice and each bit sees the same inputs.
        self.clipped_inputs += sums[5] // (self.chip.slices * (self.chip.dac_bits if self._serial else 1))

    @property
    def tally(self) -> NDArray[np.int64]:
        """What the products so far cost, (arrays, EVENTS)."""
        return self._counts.tally

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

    def _checked(self, x: NDArray[Any]) -> NDArray[Any]:
        """Inputs as the kernels take them: (batch, inputs), float64 or float32."""
        if x.dtype not in _REAL or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, np.float64)
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
