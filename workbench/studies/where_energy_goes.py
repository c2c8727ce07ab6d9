"""Where does the energy of a multiplication go? A crossbar part by part, beside memory next to the multiplier, and memory outside.

Everything is a closed form: counts of events times cited prices (`workbench.measures.crossbar_energy`, `.roofline`). Nothing is
simulated here, so every slider answers at once. Chips whose price list is not divided (`hermes-core`, `sonos-1152`) have a total and
no shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import report
from workbench.chips.converters import adc_energy, schreier, sqnr, thermal, walden
from workbench.chips.crossbar import CrossbarChip
from workbench.chips.crossbars import CROSSBARS
from workbench.chips.dense import DENSE, DenseEngine
from workbench.errors import DescriptionError
from workbench.fields import choice, count, described, flag, member, quantity
from workbench.figures import roofline as drawn
from workbench.figures.picture import Picture
from workbench.measures.crossbar_energy import Activity, Product, flip, product, share_over_rows, with_converter
from workbench.measures.roofline import (
    MEASURED_FPS,
    NORTHPOLE_PUBLISHED,
    MacCost,
    Model,
    at_bits,
    crossbar_cost,
    dense_cost,
    northpole_ratios,
    tiles_of,
    with_outside,
)
from workbench.studies.study import Progress, Result, Study
from workbench.units import S, fJ, mm2, ns, pJ
from workbench.words import tr

__all__ = ["WhereEnergyGoes"]

ROWS = np.unique(np.rint(np.geomspace(16, 4096, 33)).astype(int))
DOUBLED = 2 ** np.arange(4, 13)
BITS = np.arange(2, 15)
BATCHES = np.geomspace(1, 65_536, 33)
SIZES = np.geomspace(1e4, 1e10, 73)
HALF = 50.0  # %


@final
@described
class WhereEnergyGoes(Study):
    """What one multiplication costs in a crossbar, near memory and far from it; which part pays; and where each of them falls off a cliff."""

    title: ClassVar[str] = "Where the energy goes"
    views: ClassVar[tuple[str, ...]] = ("parts", "share", "converters", "batch", "cliff")
    main_knobs: ClassVar[tuple[str, ...]] = (
        "chip",
        "rows",
        "adc",
        "inputs",
        "conductance_us",
        "size",
        "opponent",
        "bits",
        "batch",
        "millions",
        "reuse",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "a chip of round numbers": {},
        "ISAAC": {"chip": "isaac", "size": 128, "full": True},
        "NeuRRAM": {"chip": "neurram", "size": 256, "millions": 1.0},
        "long columns": {"rows": 1024},
        "bit by bit": {"inputs": "bit-serial"},
        "a model too large": {"millions": 3000.0},
        "a language model, one user": {"millions": 3000.0, "size": 4096, "opponent": "h100"},
        "ResNet-50": {"millions": 25.6, "reuse": 160.0},
    }

    chip: CrossbarChip = member("crossbar-assumed", lambda: CROSSBARS, doc="the crossbar", inner=False)
    rows: int = count(0, low=0, high=16_384, doc="rows of its tiles; 0: the chip's own", label="rows")
    adc: int = count(0, low=0, high=16, doc="bits of its ADCs; 0: the chip's own", label="ADC bits")
    inputs: str = choice(
        "the chip's",
        ("the chip's", "levels", "bit-serial"),
        doc="inputs as one read with many voltages, or as one read for each bit",
        label="inputs",
    )
    conductance: float = quantity(
        0.0,
        "µS",
        low=0.0,
        high=1e-3 * S,
        doc="mean conductance of a cell; 0: weights spread evenly over the device's window",
        label="mean conductance",
    )
    size: int = count(1024, low=1, high=16_384, doc="inputs and outputs of a layer", label="layer", log=True)
    full: bool = flag(False, doc="every row at full voltage in every read, as a power budget counts")
    rate: float = quantity(
        1e9, "", low=1e4, high=1e11, doc="conversions a second of an ADC", label="ADC rate", log=True
    )
    opponent: DenseEngine = member("northpole", lambda: DENSE, doc="the engine with memory near it", inner=False)
    bits: str = choice("8", ("8", "4", "2"), doc="bits the engine computes with", label="engine's bits")
    far: DenseEngine = member("asic-45nm", lambda: DENSE, doc="the engine that fetches every weight", inner=False)
    batch: int = count(1, low=1, high=65_536, doc="samples that share the weights", label="batch", log=True)
    millions: float = quantity(
        10.0, "", low=0.001, high=1e5, doc="weights of the model, in millions", label="weights (millions)", log=True
    )
    reuse: float = quantity(
        1.0, "", low=1.0, high=10_000.0, doc="how often one sample uses a weight: 1 in a dense layer", log=True
    )

    def quick(self) -> Self:
        """It is quick already."""
        return self

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        report(progress, 0.0, tr("counting"))
        chip = self._chip()
        one = product(chip, self.size, self.size, anyway=True, **self._how(chip))
        near, far = self._near(), with_outside(self.far)
        model = Model(weights=1e6 * self.millions, reuse=self.reuse, side=self.size)
        costs = self._costs(chip, near, far, model, self.batch)
        report(progress, 0.5, tr("counting"))
        return self._result(chip, one, near, far, model, costs)

    def _chip(self) -> CrossbarChip:
        """The crossbar with the knobs that are set."""
        chip = self.chip
        if self.rows:
            chip = replace(chip, rows=self.rows)
        if self.inputs != "the chip's":
            chip = replace(chip, dac=self.inputs, dac_bits=chip.dac_bits or 8)
        if self.adc and self.adc != chip.adc_bits:
            chip = with_converter(chip, self.adc, self.rate)
        return chip

    def _how(self, chip: CrossbarChip) -> dict[str, Any]:
        return {
            "given": Activity.full() if self.full else Activity.usual(chip),
            "conductance": self.conductance or None,
        }

    def _near(self) -> DenseEngine:
        if not self.opponent.peak_int8:
            raise DescriptionError(
                tr(
                    "{name} does not compute in {precision}; it has: {other}.",
                    name=self.opponent.name,
                    precision="int8",
                    other="fp16",
                )
            )
        return with_outside(at_bits(self.opponent, int(self.bits)))

    def _costs(
        self, chip: CrossbarChip, near: DenseEngine, far: DenseEngine, model: Model, batch: int
    ) -> dict[str, MacCost]:
        return {
            "crossbar": crossbar_cost(chip, model, batch=batch, **self._how(chip)),
            "near memory": dense_cost(near, model, batch=batch),
            "memory outside": dense_cost(far, model, batch=batch, fetched=True),
        }

    def _result(
        self,
        chip: CrossbarChip,
        one: Product,
        near: DenseEngine,
        far: DenseEngine,
        model: Model,
        costs: Mapping[str, MacCost],
    ) -> Result:
        fixed = 100 * share_over_rows(chip, ROWS, **self._how(chip))
        grown = self._growing(chip)
        turning = flip(chip, **self._how(chip))
        shares = {part: 100 * joules / one.joules if one.divided else math.nan for part, joules in one.by_part.items()}
        plain, whole = northpole_ratios("two"), northpole_ratios("one")
        half = northpole_ratios("one", gpu_utilisation=0.5)
        holds = chip.tiles * chip.rows * chip.outputs / chip.slices
        numbers = {
            "fj_per_mac": one.per_mac / fJ,
            "fj_per_operation": one.per_mac / 2 / fJ,
            "tops_per_watt": one.tops_per_watt,
            "tops_of_chip": one.tops * chip.tiles / one.tiles,
            "adc_percent": 100 * one.adc_share,
            "array_percent": shares["array"],
            "rows_percent": shares["rows and DACs"],
            "digital_percent": shares["digital"],
            "flip_rows": turning,
            "cells_flip_rows": self._cells_flip(chip),
            "latency_ns": one.latency / ns,
            "area_mm2": one.area / mm2,
            "tiles": float(one.tiles),
            "conversions": one.counts["conversion"],
            "tile_power_mw": 1e3 * one.joules / one.period / one.tiles if one.period else math.nan,
            "conversion_pj": chip.prices["conversion"].joules / pJ,
            "bound_pj": float(adc_energy(chip.adc_bits, self.rate)) / pJ,
            "walden_pj": float(walden(chip.adc_bits)) / pJ,
            "schreier_pj": float(schreier(chip.adc_bits, self.rate)) / pJ,
            "thermal_pj": float(thermal(chip.adc_bits)) / pJ,
            "sqnr_db": float(sqnr(chip.adc_bits)),
            "crossbar_pj": costs["crossbar"].joules / pJ,
            "near_pj": costs["near memory"].joules / pJ,
            "far_pj": costs["memory outside"].joules / pJ,
            "near_over_crossbar": costs["near memory"].joules / costs["crossbar"].joules,
            "far_over_near": costs["memory outside"].joules / costs["near memory"].joules,
            "crossbar_holds_millions": holds / 1e6,
            "near_holds_millions": near.on_chip / 1e6,
            "model_tiles": float(tiles_of(chip, model)),
            "northpole_energy": plain["energy"],
            "northpole_energy_mac": whole["energy"],
            "northpole_energy_half_gpu": half["energy"],
            "northpole_latency_mac": whole["latency"],
            "northpole_fps": plain["frames_per_second"],
            "northpole_fps_mac": whole["frames_per_second"],
        }
        return Result(
            study=self, numbers=numbers, pictures=self._pictures(chip, near, far, costs, fixed, grown, turning)
        )

    def _cells_flip(self, chip: CrossbarChip) -> float:
        """The rows at which the cells of a column alone need as much as its conversion, drivers and digital work left out."""
        column = product(replace(chip, rows=1, tiles=chip.slices), 1, 1, **self._how(chip)).counts
        cells = column["array attojoule"] * chip.prices["array attojoule"].joules / column["conversion"]
        conversion = chip.prices["conversion"].joules
        return conversion / cells if cells and conversion else math.nan

    def _growing(self, chip: CrossbarChip) -> NDArray[np.float64]:
        """The ADCs' share if they gain a bit whenever the rows double, so that a product keeps its precision."""
        if not chip.adc_bits:
            return np.full(DOUBLED.shape, math.nan)
        bits = np.clip(chip.adc_bits + np.rint(np.log2(DOUBLED / chip.rows)), 1, 16).astype(int)
        return 100 * share_over_rows(chip, DOUBLED, bits=bits, rate=self.rate, **self._how(chip))

    def _pictures(
        self,
        chip: CrossbarChip,
        near: DenseEngine,
        far: DenseEngine,
        costs: Mapping[str, MacCost],
        fixed: NDArray[np.float64],
        grown: NDArray[np.float64],
        turning: float,
    ) -> dict[str, Callable[[], Picture]]:
        conversion = chip.prices["conversion"].citation
        plain, whole = northpole_ratios("two"), northpole_ratios("one")
        half = northpole_ratios("one", gpu_utilisation=0.5)
        named = {"crossbar": chip.name, "near memory": near.name, "memory outside": far.name}
        curve = {"the same bits always": (ROWS, fixed), "a bit more for each doubling": (DOUBLED, grown)}
        spots = {
            n: (c.adc_bits, c.prices["conversion"].joules / pJ)
            for n, c in CROSSBARS.items()
            if c.adc_bits and c.prices["conversion"].joules
        }
        return {
            "parts": partial(
                drawn.parts,
                {kind: (named[kind], cost.parts) for kind, cost in costs.items()},
                title="What one MAC costs, part by part",
                source=self._source(chip, near, far),
            ),
            "share": partial(
                drawn.over,
                curve,
                x="rows of a tile",
                y="share of the ADCs",
                y_unit="%",
                log_y=False,
                limits=(0.0, 100.0),
                levels={"half": HALF},
                marks={"the rest needs as much": turning} if turning and math.isfinite(turning) else {},
                title="How much the ADCs take, over the rows",
                source=f"{chip.name}: a conversion — {conversion}",
            ),
            "converters": partial(
                drawn.over,
                {
                    "Walden, 2.2 fJ a step": (BITS, walden(BITS) / pJ),
                    "survey line": (BITS, schreier(BITS, self.rate) / pJ),
                    "thermal noise": (BITS, thermal(BITS) / pJ),
                },
                x="bits",
                y="energy of a conversion",
                y_unit="pJ",
                log_x=False,
                points=spots,
                title="What a conversion costs, and what it must cost",
                source="Survey line: fit of Murmann's ADC survey; presets: `workbench.chips.crossbars`, each cited",
            ),
            "batch": partial(self._over_batch, chip, near, far),
            "cliff": partial(self._over_size, chip, near, far),
            "northpole": partial(
                drawn.ratios,
                {
                    "two operations a MAC": plain,
                    "one operation a MAC": whole,
                    "one, and the GPU at half": half,
                },
                NORTHPOLE_PUBLISHED,
                title="NorthPole over a 12 nm graphics processor, ResNet-50",
                source=f"Published: Modha et al. 2023, abstract. V100: recalled. {MEASURED_FPS[1]}: {MEASURED_FPS[0]:,.0f}",
            ),
        }

    def _over_batch(self, chip: CrossbarChip, near: DenseEngine, far: DenseEngine) -> Picture:
        """Energy of a MAC over the batch."""
        model = Model(weights=1e6 * self.millions, reuse=self.reuse, side=self.size)
        batches = np.unique(np.rint(BATCHES).astype(int))
        found = [self._costs(chip, near, far, model, int(b)) for b in batches]
        return drawn.over(
            {name: (batches, [f[name].joules / pJ for f in found]) for name in found[0]},
            x="batch: samples that share the weights",
            y="energy of a MAC",
            y_unit="pJ",
            marks={"here": float(self.batch)},
            title="A batch shares what is brought in",
            source=self._source(chip, near, far),
        )

    def _over_size(self, chip: CrossbarChip, near: DenseEngine, far: DenseEngine) -> Picture:
        """Energy of a MAC over the size of the model: two cliffs."""
        models = [Model(weights=float(w), reuse=self.reuse, side=self.size) for w in SIZES]
        found = [self._costs(chip, near, far, model, self.batch) for model in models]
        return drawn.over(
            {name: (SIZES, [f[name].joules / pJ for f in found]) for name in found[0]},
            x="weights of the model",
            y="energy of a MAC",
            y_unit="pJ",
            marks={"here": 1e6 * self.millions},
            title="Two cliffs: a model that no longer fits",
            source=self._source(chip, near, far),
        )

    @staticmethod
    def _source(chip: CrossbarChip, near: DenseEngine, far: DenseEngine) -> str:
        """Where the prices that decide come from."""
        return (
            f"{chip.name}: a conversion — {chip.prices['conversion'].citation}. {near.name}: {near.sources.get('mac_int8')}. "
            f"{far.name}: {far.sources.get('dram_byte')}"
        )
