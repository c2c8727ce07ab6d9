"""Memory that computes: one product of a vector and a small matrix, in one read of an array of memory cells.

The matrix is stored as conductances, the vector comes as voltages on the rows, and each column adds its currents: Ohm and Kirchhoff
multiply and add. What one gets is what the converters make of the currents. Cells can be painted, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures, streams
from workbench.backends.base import report
from workbench.backends.crossbar.matrix import Matrix
from workbench.chips import of_kind
from workbench.chips.chip import Chip
from workbench.chips.converters import adc_bits, sqnr
from workbench.chips.crossbar import CrossbarChip, Effects
from workbench.chips.crossbars import CROSSBAR_ASSUMED
from workbench.chips.devices import DEVICES
from workbench.errors import UnsupportedError
from workbench.fields import choice, count, described, flag, member, quantity, text
from workbench.figures import crossbar as drawn
from workbench.figures.picture import Picture
from workbench.studies.painting import painted
from workbench.studies.study import Progress, Result, Study
from workbench.units import ns, pJ
from workbench.words import tr

__all__ = ["MATRICES", "VECTORS", "MemoryThatComputes", "column_sqnr"]

Array = NDArray[np.float64]

MATRICES = ("random", "cosines", "identity", "empty")
VECTORS = ("random", "wave", "ramp", "all on", "one row")
OWN = "the chip's"
SAMPLES = 256
"""Random vectors that set the range of the ADCs."""
MOST_BITS = 12
SINE = 4096
"""Samples of the sine that measures a converter: nineteen periods and a bit, so that no code repeats by rule."""
PERIODS = 19.37
_BITS = np.arange(2, MOST_BITS + 1)
PERFECT = Effects(**dict.fromkeys(Effects.__dataclass_fields__, False))


@final
@described
class MemoryThatComputes(Study):
    """How near one product of a crossbar comes to the right answer, what its converters do to it, and what it costs."""

    title: ClassVar[str] = "Memory that computes"
    views: ClassVar[tuple[str, ...]] = ("conductances", "outputs", "bits", "codes", "energy")
    paints: ClassVar[Mapping[str, str]] = {"conductances": "pattern"}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "chip",
        "rows",
        "columns",
        "matrix",
        "pattern",
        "vector",
        "adc_bits",
        "adc_range",
        "adc_span",
        "dac_bits",
        "dac",
        "read_noise",
        "reads",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "a random matrix": {},
        "a matrix to paint": {
            "matrix": "empty",
            "rows": 16,
            "columns": 8,
            "vector": "all on",
            "pattern": "2,0 3,0 4,0",
        },
        "one cell": {"matrix": "empty", "rows": 1, "columns": 1, "vector": "all on", "pattern": "0,0"},
        "four bits": {"adc_bits": 4},
        "a range too small": {"adc_span": 0.3},
        "a range too safe": {"adc_range": "worst"},
        "bit by bit": {"dac": "bit-serial"},
        "nothing but the converters": {"perfect": True},
        "ISAAC": {"chip": "isaac"},
        "NeuRRAM": {"chip": "neurram"},
    }

    chip: Chip = member("crossbar-assumed", lambda: of_kind("crossbar"), doc="the crossbar", inner=False)
    rows: int = count(32, low=1, high=64, doc="numbers in the vector", label="rows")
    columns: int = count(16, low=1, high=64, doc="numbers in the answer", label="outputs")
    matrix: str = choice("random", MATRICES, doc="what is stored before anybody paints", label="matrix")
    pattern: str = text(
        "",
        doc="cells painted over the matrix, row,column: a low one becomes high, a high one low; click on the picture or write",
        label="painted cells",
    )
    vector: str = choice("random", VECTORS, doc="what comes in at the rows", label="vector")
    adc_bits: int = count(0, low=0, high=MOST_BITS, doc="bits of a conversion, 0: the chip's own", label="ADC bits")
    adc_range: str = choice(
        OWN, (OWN, "calibrated", "worst", "fixed"), doc="what sets the full scale of the ADCs", label="ADC range"
    )
    adc_span: float = quantity(
        1.0, "", low=0.05, high=4.0, doc="factor on that full scale", label="range factor", log=True
    )
    dac_bits: int = count(0, low=0, high=MOST_BITS, doc="bits of an input, 0: the chip's own", label="DAC bits")
    dac: str = choice(
        OWN, (OWN, "levels", "bit-serial"), doc="one read with many voltages, or one for each bit", label="inputs"
    )
    weight_bits: int = count(0, low=0, high=8, doc="bits of a weight, 0: the chip's own", label="weight bits")
    slices: int = count(
        0, low=0, high=8, doc="cells that a weight's bits are spread over, 0: the chip's own", label="slices"
    )
    read_noise: bool = flag(True, doc="each read draws fresh noise", label="read noise")
    perfect: bool = flag(False, doc="cells are written, held and read without any error", label="perfect cells")
    reads: int = count(16, low=1, high=256, doc="how often the same vector is read", label="reads", log=True)
    seed: int = count(0, doc="seed of matrix, vector, programming and read noise")

    def check(self) -> None:
        """The pattern must name cells that are there."""
        if isinstance(self.chip, CrossbarChip):
            painted(self.pattern, (self.rows, self.columns * _wide(self.chip)))

    def quick(self) -> Self:
        """It is quick already."""
        return self

    @property
    def as_set(self) -> CrossbarChip:
        """The chip with what the knobs change about it; raises UnsupportedError for a chip of another kind."""
        chip = self.chip
        if not isinstance(chip, CrossbarChip):
            raise UnsupportedError(
                tr("'{chip}' is not a crossbar; write a chip such as 'crossbar-assumed'.", chip=chip.name)
            )
        chip = replace(
            chip,
            adc_bits=self.adc_bits or chip.adc_bits,
            adc_range=chip.adc_range if self.adc_range == OWN else self.adc_range,
            adc_span=chip.adc_span * self.adc_span,
            dac_bits=self.dac_bits or chip.dac_bits,
            dac=chip.dac if self.dac == OWN else self.dac,
            weight_bits=self.weight_bits or chip.weight_bits,
            slices=self.slices or chip.slices,
        )
        if self.perfect:
            return replace(chip, device=DEVICES["ideal"], effects=PERFECT)
        return chip if self.read_noise else replace(chip, effects=replace(chip.effects, read_noise=False))

    @property
    def weights(self) -> Array:
        """The matrix that is meant, (rows, columns), from −1 to 1, painted cells and all."""
        shape = (self.rows, self.columns)
        if self.matrix == "random":
            key = streams.stream(self.seed, "matrix")
            made = 2.0 * streams.uniform(key, 0, self.rows * self.columns).reshape(shape) - 1.0
        elif self.matrix == "cosines":
            made = np.cos(np.pi * np.outer(np.arange(self.rows) + 0.5, np.arange(self.columns)) / self.rows)
        else:
            made = np.eye(*shape) if self.matrix == "identity" else np.zeros(shape)
        if not self.pattern:
            return made
        chip = self.as_set
        pair = chip.pairs == "differential"
        sides = [np.maximum(made, 0.0), np.maximum(-made, 0.0)] if pair else [(1.0 + made) / 2.0]
        shares = np.stack(sides, axis=2).reshape(self.rows, -1)
        over = painted(self.pattern, shares.shape)
        shares = np.where(over, np.where(shares <= 0.5, 1.0, 0.0), shares)
        return shares[:, 0::2] - shares[:, 1::2] if pair else 2.0 * shares - 1.0

    @property
    def inputs(self) -> Array:
        """The vector, (rows,), from −1 to 1."""
        row = np.arange(self.rows)
        if self.vector == "random":
            return 2.0 * streams.uniform(streams.stream(self.seed, "vector"), 0, self.rows) - 1.0
        if self.vector == "wave":
            return np.sin(2 * np.pi * 2 * (row + 0.5) / self.rows)
        if self.vector == "ramp":
            return (row + 1.0) / self.rows
        return np.ones(self.rows) if self.vector == "all on" else np.where(row == self.rows // 2, 1.0, 0.0)

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        report(progress, 0.0, tr("running"))
        chip, weights, x = self.as_set, self.weights, self.inputs
        signed = bool(x.min() < 0)
        programmed = Matrix(weights, chip, seed=self.seed, name="product")
        key = streams.stream(self.seed, "calibration of the product")
        samples = streams.uniform(key, 0, SAMPLES * self.rows).reshape(SAMPLES, -1)
        matrix = programmed.calibrated(2.0 * samples - 1.0 if signed else samples, inputs=1.0, signed=signed)
        given = matrix.product(np.broadcast_to(x, (self.reads, self.rows)))
        found = _Product(
            ideal=x @ weights,
            mean=given.mean(axis=0),
            # the difference first: a thousand equal reads have no spread, not even by rounding
            sd=(given - given[0]).std(axis=0, ddof=1) if self.reads > 1 else np.zeros(self.columns),
        )
        clipped = matrix.clipped / max(matrix.conversions, 1)
        many = matrix.fresh()
        trial = streams.uniform(streams.stream(self.seed, "trials of the product"), 0, SAMPLES * self.rows)
        trial = trial.reshape(SAMPLES, -1)
        codes = _Codes.of(many, 2.0 * trial - 1.0 if signed else trial)
        one = matrix.fresh()
        one.count(x)
        spent = {event: joules for event, joules in one.joules().items() if event != "write pulse" and joules > 0}
        report(progress, 0.5, tr("running"))
        asked = np.unique([2, 4, 6, 8, 10, 12, *([chip.adc_bits] if chip.adc_bits > 1 else [])])
        curves = {
            "a perfect column": (_BITS, column_sqnr()),
            "a column of this chip": (asked, _sndr(chip, asked, self.rows, self.seed)),
        }
        return self._result(chip, matrix, found, codes, clipped, spent, {e: one.counts[e] for e in spent}, curves)

    def _result(
        self,
        chip: CrossbarChip,
        matrix: Matrix,
        found: _Product,
        codes: _Codes,
        clipped: float,
        spent: Mapping[str, float],
        counts: Mapping[str, int],
        curves: Mapping[str, tuple[NDArray[np.int64], Array]],
    ) -> Result:
        total = sum(spent.values())
        size = float(np.sqrt(np.mean(found.ideal**2)))
        share = 100.0 / size if size > 0 else float("nan")
        perfect, real = (float(values[bits == chip.adc_bits].sum()) for bits, values in curves.values())
        macs = self.rows * self.columns
        numbers = {
            "adc_bits": float(chip.adc_bits),
            "error_percent": found.error * share,
            "noise_percent": float(np.sqrt(np.mean(found.sd**2))) * share,
            "clipped_percent": 100.0 * clipped,
            "clipped_of_many_percent": 100.0 * codes.clipped,
            "sqnr_db": perfect,
            "sqnr_theory_db": float(sqnr(chip.adc_bits)) if chip.adc_bits else float("nan"),
            "sndr_db": real,
            "effective_bits": float(adc_bits(real)),
            "weight_error_percent": 100.0 * float(np.sqrt(np.mean((matrix.realised - matrix.weights) ** 2))),
            "energy_pj": total / pJ,
            "energy_per_mac_fj": total / macs * 1e15,
            "latency_ns": matrix.seconds / ns,
            "share_adc_percent": 100.0 * spent.get("conversion", 0.0) / total if total else float("nan"),
            "conversions": float(counts.get("conversion", 0)),
            "arrays": float(matrix.cut.arrays),
        }
        source = "Chips: `workbench chips NAME` cites every number; products are the run's"
        pictures: dict[str, Callable[[], Picture]] = {
            "conductances": partial(drawn.conductances, _on_chip(matrix), pairs=chip.pairs == "differential"),
            "outputs": partial(drawn.outputs, found.ideal, found.mean, found.sd, reads=self.reads),
            "bits": partial(
                figures.curves,
                {"6.02 b + 1.76 dB": (_BITS, sqnr(_BITS))},
                points=curves,
                marks={"bits of now": float(chip.adc_bits)} if chip.adc_bits else {},
                x="bits of the ADC",
                y="signal over error",
                y_unit="dB",
                title="A sine through one column",
                source="computed: a full-scale sine, its error uniform over a step",
            ),
            "codes": partial(drawn.codes, codes.steps, codes.ends, clipped=codes.clipped),
            "energy": partial(drawn.spent, spent, counts, chip.prices),
            "weights": partial(drawn.realised, matrix.weights, matrix.realised, source=source),
        }
        return Result(study=self, numbers=numbers, pictures=pictures)


@final
@dataclass(frozen=True)
class _Product:
    """One product by column: what is right, and what many reads of it gave."""

    ideal: Array
    mean: Array
    sd: Array

    @property
    def error(self) -> float:
        """Root mean square over columns and reads of what a single read is off."""
        return float(np.sqrt(np.mean((self.mean - self.ideal) ** 2 + self.sd**2)))


@final
@dataclass(frozen=True)
class _Codes:
    """What the converters gave for many vectors, in their own steps."""

    steps: NDArray[np.int64]
    ends: tuple[int, int] | None
    """The lowest and the highest code of a pair; one cell alone has no negative ones."""
    clipped: float

    @classmethod
    def of(cls, matrix: Matrix, inputs: Array) -> _Codes:
        """The codes of all reads of these inputs; of a chip without converters, its outputs in steps of a 127th of the largest."""
        chip = matrix.chip
        if not chip.adc_bits:
            outputs = matrix.product(inputs)
            most = float(np.abs(outputs).max()) or 1.0
            return cls(np.rint(outputs / most * 127).astype(np.int64).ravel(), None, 0.0)
        codes = np.concatenate([read.ravel() for read in matrix.codes(inputs)]).astype(np.int64)
        top = max(2 ** (chip.adc_bits - 1) - 1, 1)
        ends = (-top, top) if chip.pairs == "differential" else None
        return cls(codes, ends, matrix.clipped / max(matrix.conversions, 1))


def _wide(chip: CrossbarChip) -> int:
    """Cells of a weight side by side."""
    return 2 if chip.pairs == "differential" else 1


def _on_chip(matrix: Matrix) -> Array:
    """Conductances of the highest slice, S, all arrays put together as the matrix lies: (rows, cells)."""
    chip = matrix.chip
    wide = _wide(chip)
    made = np.zeros((matrix.cut.inputs, matrix.cut.outputs * wide))
    for array, now in zip(matrix.arrays, matrix.conductances, strict=True):
        piece = array.piece
        if piece.slice == chip.slices - 1:
            made[piece.rows, piece.outputs.start * wide : piece.outputs.stop * wide] = now
    return made


@cache
def column_sqnr() -> Array:
    """Signal over error, dB, of a full-scale sine through one perfect column, for 2 … 12 bits of the ADC.

    The crest of the sine lies on the last code, as a calibrated range has it: of 2^b codes a converter with a sign uses 2^b − 1.
    """
    chip = replace(
        CROSSBAR_ASSUMED,
        device=DEVICES["ideal"],
        effects=PERFECT,
        dac_bits=0,
        dac="levels",
        weight_bits=0,
        slices=1,
        pairs="differential",
        adc_range="calibrated",
    )
    x = _sine(SINE)[:, None]
    found = []
    for bits in _BITS:
        one = Matrix(np.ones((1, 1)), replace(chip, adc_bits=int(bits)), name="sine")
        y = one.calibrated(x, inputs=1.0, signed=True).product(x)
        found.append(10 * np.log10(np.mean(x**2) / np.mean((y - x) ** 2)))
    return np.array(found)


def _sndr(chip: CrossbarChip, bits: NDArray[np.int64], rows: int, seed: int) -> Array:
    """Signal over noise and distortion, dB, of a sine on all rows of one column of this chip, for so many bits of its ADC.

    Analogue weights, inputs as levels: bits are what is asked about. Gain and offset are fitted first, as a user of a column would.
    """
    wanted = _sine(SAMPLES)
    x = np.repeat(wanted[:, None], rows, axis=1)
    plain = replace(chip, adc_range="calibrated", adc_span=1.0, dac="levels", weight_bits=0, slices=1, adc_share=1)
    found = []
    for b in bits:
        column = Matrix(np.ones((rows, 1)), replace(plain, adc_bits=int(b)), seed=seed, name="sine")
        y = column.calibrated(x, inputs=1.0, signed=True).product(x)[:, 0]
        gain, offset = np.polyfit(wanted, y, 1)
        off = y - gain * wanted - offset
        found.append(10 * np.log10(np.mean((gain * wanted) ** 2) / max(float(np.mean(off**2)), 1e-30)))
    return np.array(found)


def _sine(samples: int) -> Array:
    return np.sin(2 * np.pi * PERIODS * np.arange(samples) / samples)
