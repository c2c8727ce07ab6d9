"""Design space: one circuit on many designs of a chip, and which of them nothing beats in energy, chip time and area.

Every design is run. One that cannot hold the circuit is kept, with the reason that the mapping gave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import measures, words
from workbench.backends import base
from workbench.backends.base import report
from workbench.chips import Chip, of_kind
from workbench.chips.design import Design
from workbench.chips.event import EventChip
from workbench.circuits import CIRCUITS
from workbench.circuits.circuit import Circuit
from workbench.circuits.drive import Drive, draw
from workbench.circuits.unfold import Netlist, unfold
from workbench.errors import PlacementError, UnsupportedError
from workbench.fields import choice, count, described, flag, member, quantity
from workbench.figures import pareto as drawn
from workbench.figures.picture import Picture
from workbench.measures.pareto import front
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import kbit, mm2, ms, s, uJ
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

__all__ = ["DesignSpace"]

AXES: Mapping[str, tuple[Any, ...]] = {
    "neurons_per_core": (16, 32, 64, 128, 256, 512, 1024),
    "side": (2, 3, 4, 6, 8, 12, 16),
    "link_width": (4, 8, 16, 32, 64),
    "memory": tuple(k * kbit for k in (32, 64, 128, 256, 512, 1024, 2048)),
    "weight_bits": (4, 6, 8, 12, 16),
}
"""What is swept, and over which values."""

SHOWN = {
    "neurons_per_core": ("neurons per core", "", 1.0),
    "side": ("tiles along a side", "", 1.0),
    "link_width": ("link width", "bit", 1.0),
    "memory": ("synapse memory of a core", "kbit", kbit),
    "weight_bits": ("bits of a weight", "bit", 1.0),
}
RESOURCES = ("cores", "neurons", "synapses", "axons in", "axons out")
SOURCE = "Prices: the base chip's; how they, memory and area scale with a design: assumed (workbench.chips.design)"


@final
@dataclass(frozen=True, eq=False)
class Point:
    """One design and what it cost over seeds: arrays of joules and seconds; empty when it did not fit, for `reason`."""

    design: Design
    area: float
    joules: NDArray[np.float64]
    seconds: NDArray[np.float64]
    reason: str = ""

    @property
    def short_of(self) -> str:
        """The resource that ran out: the first one the sentence names after the chip."""
        found = [m.group() for m in re.finditer("|".join(RESOURCES), self.reason)]
        return found[0] if found else "none"


@final
@described
class DesignSpace(Study):
    """Which chip for this circuit: knobs of a chip swept together, and the Pareto front of energy, chip time and area."""

    title: ClassVar[str] = "Design space"
    views: ClassVar[tuple[str, ...]] = ("front", "knobs", "time", "unfit")
    live: ClassVar[dict[str, Any]] = {"designs": 8, "seeds": 1}
    main_knobs: ClassVar[tuple[str, ...]] = ("circuit", "chip", "designs", "seeds", "sampling", "duration_ms")
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "balanced network": {"circuit": "balanced"},
        "a worm": {"circuit": "worm"},
        "self-sustained network": {"circuit": "vogels-abbott"},
        "another price list": {"chip": "tianqin-class"},
        "a grid": {"sampling": "grid", "designs": 32},
    }

    circuit: Circuit = member("balanced", lambda: CIRCUITS, doc="what the chip is for", inner=False)
    chip: Chip = member(
        "loihi-davies", lambda: of_kind("event"), doc="the chip whose prices are scaled", label="base chip", inner=False
    )
    designs: int = count(32, low=2, high=2000, doc="designs to run", label="designs", log=True)
    seeds: int = count(2, low=1, high=50, doc="seeds of wiring and drive for each design", label="seeds")
    sampling: str = choice(
        "latin hypercube",
        ("latin hypercube", "grid"),
        doc="every value of a knob about equally often; or all corners of a grid first",
    )
    duration: float = quantity(100 * ms, "ms", low=10 * ms, high=10 * s, doc="model time of a run", label="duration")
    full_size: bool = flag(False, doc="the circuit at its full size instead of its quick one", label="full size")
    seed: int = count(0, doc="seed of the designs and the first seed of the runs")

    def quick(self) -> Self:
        """Twelve designs, one seed, 50 ms."""
        return replace(
            self, designs=min(self.designs, 12), seeds=1, duration=min(self.duration, 50 * ms), full_size=False
        )

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        if not isinstance(self.chip, EventChip):
            raise UnsupportedError(
                tr(
                    "Events are counted on an event chip; '{chip}' is not one. Write a chip such as 'loihi-davies'.",
                    chip=self.chip.name,
                )
            )
        report(progress, 0.0, tr("preparing"))
        circuit = self.circuit if self.full_size else self.circuit.quick()
        trials = []
        for k in range(self.seeds):
            netlist = unfold(circuit.network(), seed=self.seed + k)
            trials.append((netlist, draw(netlist, self.duration, dt=0.1 * ms, seed=self.seed + k)))
        points = []
        first: Recording | None = None
        chosen = sampled(self.designs, self.sampling, seed=self.seed)
        for k, design in enumerate(chosen):
            report(progress, k / (len(chosen) + 1), tr("running"))
            point, recording = self._point(design, trials)
            points.append(point)
            first = first or recording
        report(progress, len(chosen) / (len(chosen) + 1), tr("running"))
        here = self._point(None, trials)[0]
        return self._result(points, here, first)

    def _point(self, design: Design | None, trials: Sequence[tuple[Netlist, Drive]]) -> tuple[Point, Recording | None]:
        """Run one design, or the base chip itself, on every seed."""
        chip: Any = self.chip if design is None else design.on(self.chip)  # type: ignore[arg-type]
        design = design or Design()
        made = []
        try:
            with words.speaking("en"):  # the reason is looked at for the resource it names
                for k, (netlist, drive) in enumerate(trials):
                    made.append(
                        base.compile(netlist, chip, dt=drive.dt, seed=self.seed + k).run(drive, seed=self.seed + k)
                    )
        except PlacementError as error:
            none = np.zeros(0)
            return Point(design, chip.area, none, none, str(error)), None
        joules = np.array([r.ledger.total for r in made])
        seconds = np.array([r.ledger.chip_time for r in made])
        return Point(design, chip.area, joules, seconds), made[0]

    def _result(self, points: Sequence[Point], here: Point, first: Recording | None) -> Result:
        energy, time = ([_mean(v) for v in part] for part in zip(*((p.joules, p.seconds) for p in points), strict=True))
        joules, seconds = np.array(energy), np.array(time)
        area = np.array([p.area for p in points])
        best = front(np.stack([joules, seconds, area], axis=1))
        fits = np.isfinite(joules)
        spread = tuple(
            np.array([_sd(v) for v in part]) for part in zip(*((p.joules, p.seconds) for p in points), strict=True)
        )
        numbers = {
            "designs": float(len(points)),
            "designs_that_fit": float(fits.sum()),
            "front_size": float(best.sum()),
            "best_energy_uj": _least(joules) / uJ,
            "best_time_ms": _least(seconds) / ms,
            "best_area_mm2": _least(area[fits]) / mm2 if fits.any() else float("nan"),
            "best_product_over_base": _least(joules * seconds) / (_mean(here.joules) * _mean(here.seconds)),
            "base_energy_uj": _mean(here.joules) / uJ,
            "base_time_ms": _mean(here.seconds) / ms,
            "base_area_mm2": here.area / mm2,
            "seed_spread_percent": 100 * float(np.nanmean(spread[0][fits] / joules[fits]))
            if fits.any()
            else float("nan"),
        }
        if first is not None:
            numbers["rate_hz"] = float(np.mean([measures.rate(first, name) for name in first.sizes]))
        return Result(
            study=self,
            numbers=numbers,
            recordings={"one design": first} if first is not None else {},
            table=_table(points, joules, seconds, area, best, spread),
            pictures=self._pictures(points, here, joules, seconds, area, best, spread),
        )

    def _pictures(
        self,
        points: Sequence[Point],
        here: Point,
        joules: NDArray[np.float64],
        seconds: NDArray[np.float64],
        area: NDArray[np.float64],
        best: NDArray[np.bool_],
        spread: tuple[NDArray[np.float64], ...],
    ) -> dict[str, Callable[[], Picture]]:
        knobs = {
            label: (np.array([getattr(p.design, name) / scale for p in points]), unit)
            for name, (label, unit, scale) in SHOWN.items()
        }
        unfit = [(p.short_of, p.reason) for p in points if p.reason]
        at = (_mean(here.joules) / uJ, _mean(here.seconds) / ms)
        return {
            "front": partial(
                drawn.tradeoff,
                joules / uJ,
                seconds / ms,
                area / mm2,
                best,
                labels=("energy", "chip time", "area"),
                units=("µJ", "ms", "mm²"),
                spread=(spread[0] / uJ, spread[1] / ms) if self.seeds > 1 else None,
                base=at if np.isfinite(at[0]) else None,
                unfit=len(unfit),
                title="Designs by energy, chip time and area",
                source=SOURCE,
            ),
            "knobs": partial(
                drawn.knob_panels,
                knobs,
                joules / uJ,
                best,
                label="energy",
                unit="µJ",
                title="Energy by each knob",
                source=SOURCE,
            ),
            "time": partial(
                drawn.knob_panels,
                knobs,
                seconds / ms,
                best,
                label="chip time",
                unit="ms",
                title="Chip time by each knob",
                source=SOURCE,
            ),
            "unfit": partial(drawn.reasons, unfit, title="What the designs that do not fit are short of"),
        }


def sampled(number: int, how: str, *, seed: int) -> list[Design]:
    """So many designs: a Latin hypercube over the values of `AXES`, or a grid of its ends and middles, thinned to the number."""
    rng = np.random.default_rng([seed, 2718])
    if how == "grid":
        levels = [np.unique(np.rint(np.linspace(0, len(v) - 1, 3)).astype(int)) for v in AXES.values()]
        whole = np.stack([g.ravel() for g in np.meshgrid(*levels, indexing="ij")], axis=1)
        # A thinned grid goes through all of its cells in one stride, so that no knob stands still.
        places = whole[np.unique(np.linspace(0, len(whole) - 1, min(number, len(whole))).astype(int))]
    else:
        # Midpoints of the strata: the values are few, so a draw within a stratum would only make some of them rarer.
        shares = (np.stack([rng.permutation(number) for _ in AXES], axis=1) + 0.5) / number
        places = np.stack([np.floor(shares[:, k] * len(v)).astype(int) for k, v in enumerate(AXES.values())], axis=1)
    return [
        Design(**{name: values[int(place)] for (name, values), place in zip(AXES.items(), row, strict=True)})
        for row in places
    ]


def _table(
    points: Sequence[Point],
    joules: NDArray[np.float64],
    seconds: NDArray[np.float64],
    area: NDArray[np.float64],
    best: NDArray[np.bool_],
    spread: tuple[NDArray[np.float64], ...],
) -> xarray.Dataset:
    """One row a design: its knobs, its costs, whether it is on the front, and why it does not fit."""
    import xarray as xr  # noqa: PLC0415  a study that is only imported does without

    columns: dict[str, Any] = {
        name: np.array([getattr(p.design, name) / scale for p in points]) for name, (_, _, scale) in SHOWN.items()
    }
    columns |= {
        "energy_uj": joules / uJ,
        "energy_sd_uj": spread[0] / uJ,
        "time_ms": seconds / ms,
        "time_sd_ms": spread[1] / ms,
        "area_mm2": area / mm2,
        "front": best,
        "reason": np.array([p.reason for p in points], dtype=object),
    }
    return xr.Dataset(
        {name: ("design", values) for name, values in columns.items()}, coords={"design": np.arange(len(points))}
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else 0.0


def _least(values: NDArray[np.float64]) -> float:
    good = values[np.isfinite(values)]
    return float(good.min()) if good.size else float("nan")
