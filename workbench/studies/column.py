"""One cortex, twelve machines: a column of cortex on an emulated chip, beside its theory, its reference and its rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np

from workbench import machines, measures
from workbench.chips import CHIPS, Chip
from workbench.chips.event import EventChip
from workbench.circuits.library.potjans_diesmann import REFERENCE_HZ, SIZES, SOURCE, PotjansDiesmann
from workbench.experiment import Experiment
from workbench.fields import count, described, member, part, quantity
from workbench.figures import column as pictures
from workbench.figures import tiles
from workbench.figures.picture import Picture
from workbench.measures import column
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import mJ, ms, mW, pJ, s

__all__ = ["Column"]

SETTLED = 500 * ms  # dropped, as in the protocol of the maintained model
SHOWN = 400 * ms
SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PUBLISHED = (
    "Reference: one run of the maintained model in NEST, INM-6/microcircuit-PD14-model (published). Model: Potjans & Diesmann 2014, "
    "Cereb. Cortex 24:785. Theory: Siegert mean field (computed)"
)

Pictures = dict[str, Callable[[], Picture]]


def label(population: str) -> str:
    """A population as it appears in the name of a number: "L2/3E" is l23e."""
    return population.replace("/", "").lower()


@final
@described
class Column(Study):
    """How a column of cortex runs on a chip, at which rates, and what a synaptic event costs there and on twelve real machines.

    Energy is told per synaptic event with two denominators: events from inside the column alone, and those of its outside inputs too.
    """

    title: ClassVar[str] = "One cortex, twelve machines"
    views: ClassVar[tuple[str, ...]] = ("raster", "rates", "ledger", "machines")
    main_knobs: ClassVar[tuple[str, ...]] = (
        "scale",
        "drive",
        "g",
        "background_hz",
        "psp_mv",
        "doubled",
        "thalamus",
        "duration_ms",
        "seed",
        "chip",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "a twentieth": {"scale": 0.05},
        "a tenth": {"scale": 0.1},
        "constant drive": {"scale": 0.2, "drive": "dc"},
        "more inhibition": {"g": 6.0},
        "no doubling": {"doubled": 1.0},
        "a pulse from the thalamus": {"thalamus": True},
    }

    circuit: PotjansDiesmann = part(PotjansDiesmann(scale=0.05), doc="the column")
    chip: Chip = member("loihi-roomy", lambda: CHIPS, doc="what the column runs on", inner=False)
    duration: float = quantity(
        1.5 * s,
        "ms",
        low=600 * ms,
        high=1000 * s,
        doc="model time; the first 500 ms are not measured",
        label="duration",
    )
    seed: int = count(0, doc="seed of wiring and drive")

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        recording = Experiment(self.circuit, self.chip, duration=self.duration, seed=self.seed).run(progress)
        steady = recording.after(SETTLED)
        rates = {name: measures.rate(steady, name) for name in SIZES}
        theory = column.mean_field(replace(self.circuit, scale=1.0))
        irregular = [
            cv for name in SIZES if (cv := measures.isi_cv(steady, name)) == cv
        ]  # NaN: nobody fired three times
        numbers: dict[str, float] = {f"rate_{label(name)}_hz": rate for name, rate in rates.items()}
        numbers |= {f"theory_{label(name)}_hz": rate for name, rate in theory.items()}
        numbers |= {
            "steps_in_order": column.in_order(rates),
            "theory_steps_in_order": column.in_order(theory),
            "shortfall_percent": 100 * float(np.mean([1 - rates[name] / REFERENCE_HZ[name] for name in SIZES])),
            "lowest_isi_cv": min(irregular, default=float("nan")),
            "highest_isi_cv": max(irregular, default=float("nan")),
            "neurons": sum(recording.sizes.values()),
        }
        start = max(SETTLED, self.duration - SHOWN)
        if self.circuit.thalamus:
            start = max(0.0, self.circuit.pulse_start - SHOWN / 3)
        rows = {
            "reference": REFERENCE_HZ,
            "theory, full size": theory,
            "theory, this scale": column.mean_field(self.circuit),
        }
        drawn: Pictures = {
            "raster": partial(
                pictures.layered_raster,
                recording.after(min(start, SETTLED)),
                start=start,
                stop=min(start + SHOWN, self.duration),
                source=SOURCE,
            ),
            "rates": partial(pictures.rates_beside, rates, rows, source=PUBLISHED),
            "scale": partial(self._over_scale, rates),
        }
        if recording.ledger.total and isinstance(self.chip, EventChip):
            spent = self._spent(recording, self.chip)
            numbers |= spent
            drawn |= self._cost_pictures(recording, self.chip, spent)
        return Result(study=self, numbers=numbers, recordings={"column": recording}, pictures=drawn)

    def _spent(self, recording: Recording, chip: EventChip) -> dict[str, float]:
        """The ledger of this run, and what the same prices give for the whole column at the reference rates."""
        ledger = recording.ledger
        by_event, total = ledger.by_event(), ledger.total
        inside, outside = ledger.count("synaptic operation"), ledger.count("outside operation")
        inside += ledger.count("dense operation") + ledger.count("shared operation")
        full, full_events = self._full(chip), replace(self.circuit, scale=1.0).events(REFERENCE_HZ)
        least = sum(SIZES.values()) / recording.dt * chip.prices["inactive update"].joules
        return {
            "energy_mj": total / mJ,
            "power_mw": total / self.duration / mW,
            "pj_per_recurrent_event": total / inside / pJ if inside else float("nan"),
            "pj_per_event": total / (inside + outside) / pJ if inside + outside else float("nan"),
            "idle_percent": 100 * by_event["inactive update"] / total,
            "update_percent": 100 * (by_event["inactive update"] + by_event["active update"]) / total,
            "synaptic_percent": 100 * (by_event["synaptic operation"] + by_event["outside operation"]) / total,
            "real_time_factor": ledger.chip_time / self.duration,
            "full_idle_floor_mw": least / mW,
            "full_synaptic_mw": full["synaptic operation"] / mW,
            "full_update_mw": (full["inactive update"] + full["active update"]) / mW,
            "full_idle_percent_of_updates": 100 * full["inactive update"] / least,
            "full_pj_per_recurrent_event": sum(full.values()) / full_events[0] / pJ,
            "full_pj_per_event": sum(full.values()) / sum(full_events) / pJ,
            "times_below_best_machine": machines.times_above(total / inside) if inside else float("nan"),
        }

    def _full(self, chip: EventChip) -> dict[str, float]:
        """Watts by event for the whole column at its reference rates, from the prices alone: nothing is run."""
        return column.expected_watts(replace(self.circuit, scale=1.0), REFERENCE_HZ, chip.prices)

    def _cost_pictures(self, recording: Recording, chip: EventChip, spent: Mapping[str, float]) -> Pictures:
        """The ledger at this scale and at full size, the map of machines, and the chip seen from above."""
        ledger = recording.ledger
        here = {event: joules / self.duration for event, joules in ledger.by_event().items() if joules > 0}
        cited = "; ".join(dict.fromkeys(str(ledger.prices[event].citation) for event in here))
        rows = {"this run": here, "full size at the reference rates, computed": self._full(chip)}
        ours = {
            f"{chip.name}, k = {self.circuit.scale:g}": (
                spent["real_time_factor"],
                spent["pj_per_recurrent_event"] * pJ,
            )
        }
        levels = {
            "full size, computed": spent["full_pj_per_recurrent_event"] * pJ,
            "one synaptic operation alone": chip.prices["synaptic operation"].joules,
        }
        return {
            "ledger": partial(pictures.powers, rows, source=cited),
            "machines": partial(pictures.machine_map, ours, levels=levels),
            "tiles": partial(tiles, recording),
        }

    def _over_scale(self, rates: Mapping[str, float]) -> Picture:
        """Theory over the scale, with this run's rates at its own."""
        found = [column.mean_field(replace(self.circuit, scale=k)) for k in SCALES]
        lines = {name: [rates[name] for rates in found] for name in SIZES}
        return pictures.convergence(SCALES, lines, here=(self.circuit.scale, rates), source=PUBLISHED)

    def quick(self) -> Self:
        """A fiftieth of the column at most, for a second at most."""
        return replace(self, circuit=self.circuit.quick(), duration=min(self.duration, 1 * s))

    def full(self) -> Self:
        """A tenth of the column for two and a half seconds."""
        return self.changed({"scale": 0.1, "duration_ms": 2500.0})
