"""Where do events beat a clock? One layer, run on an event chip at every activity, beside engines that multiply whole matrices.

The layer is N neurons wired onto themselves with fan-out f. The event chip runs it; a dense engine computes one product with its
N × N matrix a step, zeros and all. Both carry one step of N values to N values; a spike carries one bit, a dense value 8 or 16, so
a spiking network may need several steps for one dense step: the knob `steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends.base import report
from workbench.chips import Chip, of_kind
from workbench.chips.dense import DENSE, DenseCost, DenseEngine
from workbench.chips.event import EventChip
from workbench.circuits.library.metronomes import Metronomes
from workbench.errors import DescriptionError, PlacementError, UnsupportedError
from workbench.experiment import Experiment
from workbench.fields import choice, count, described, member, quantity
from workbench.figures import crossover as drawn
from workbench.figures.picture import Picture
from workbench.measures.crossover import EventLayer, crossing
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import ms, nJ, pJ, us
from workbench.words import tr

__all__ = ["EventsAgainstClock"]

TRAVEL = ("spike", "packet", "packet received", "tile-local packet", "east-west hop", "north-south hop")
"""What happens to a spike between its neuron and the synapses it reaches."""

LEAST = 128  # steps of a run, at least
LOCALITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


@final
@dataclass(frozen=True, eq=False)
class Measured:
    """A run of the layer: what a step cost on the chip."""

    recording: Recording
    period: int

    @cached_property
    def steps(self) -> int:
        """Steps of the run."""
        return round(self.recording.duration / self.recording.dt)

    @property
    def joules(self) -> float:
        """Energy of a step, J."""
        return self.recording.ledger.total / self.steps

    @property
    def seconds(self) -> float:
        """Chip time of a step, s."""
        return self.recording.ledger.chip_time / self.steps

    @property
    def travel(self) -> float:
        """Energy of a spike's way, J."""
        ledger = self.recording.ledger
        spent = ledger.by_event()
        return sum(spent[e] for e in TRAVEL) / max(ledger.count("spike"), 1)


@final
@described
class EventsAgainstClock(Study):
    """At which activity, fan-out and locality an event chip needs less energy and time than a dense engine, and where it loses."""

    title: ClassVar[str] = "Events against a clock"
    views: ClassVar[tuple[str, ...]] = ("energy", "map", "latency", "opponents")
    live: ClassVar[dict[str, Any]] = {"points": 6, "rows": 2}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "activity",
        "fan_out",
        "neurons",
        "locality",
        "opponent",
        "weights",
        "batch",
        "precision",
        "steps",
        "chip",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "sparse": {"activity": 0.01, "fan_out": 64},
        "busy and dense": {"activity": 0.5, "fan_out": 1024},
        "weights from memory": {"weights": "fetched"},
        "a full batch": {"weights": "fetched", "batch": 256},
        "neighbours only": {"locality": 1.0},
        "one bit against eight": {"steps": 8},
    }

    neurons: int = count(1024, low=32, high=20_000, doc="neurons of the layer", label="neurons", log=True)
    fan_out: int = count(64, low=1, high=20_000, doc="synapses each neuron makes", label="fan-out", log=True)
    activity: float = quantity(
        0.0625,
        "",
        low=0.001,
        high=1.0,
        doc="spikes per neuron and step; one in a whole number of steps",
        label="activity ρ",
        log=True,
    )
    locality: float = quantity(
        0.0, "", low=0.0, high=1.0, doc="share of the synapses that go to neighbours", label="locality"
    )
    chip: Chip = member("loihi-small-cores", lambda: of_kind("event"), doc="the event chip")
    opponent: DenseEngine = member("a100", lambda: DENSE, doc="the dense engine", inner=False)
    weights: str = choice(
        "on chip", ("on chip", "fetched"), doc="where the engine keeps the weights: on the chip, or fetched every step"
    )
    batch: int = count(
        1, low=1, high=65_536, doc="vectors that share one fetch of the weights", label="batch", log=True
    )
    precision: str = choice("int8", ("int8", "fp16"), doc="numbers the engine computes with")
    steps: int = count(
        1, low=1, high=1000, doc="steps of events that do the work of one dense step", label="steps for one", log=True
    )
    points: int = count(11, low=3, high=24, doc="activities on the curve and on the map", label="points")
    rows: int = count(4, low=1, high=16, doc="fan-outs on the map", label="rows of the map")
    seed: int = count(0, doc="seed of the wiring")

    def quick(self) -> Self:
        """256 neurons, six activities, three fan-outs."""
        return replace(self, neurons=min(self.neurons, 256), fan_out=min(self.fan_out, 256), points=6, rows=3)

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        if not isinstance(self.chip, EventChip):
            raise UnsupportedError(
                tr(
                    "Events are counted on an event chip; '{chip}' is not one. Write a chip such as 'loihi-davies'.",
                    chip=self.chip.name,
                )
            )
        if self.fan_out > self.neurons:
            raise DescriptionError(
                tr(
                    "fan_out is {fan_out}, but there are {neurons} neurons to reach.",
                    fan_out=self.fan_out,
                    neurons=self.neurons,
                )
            )
        periods = np.unique(np.rint(np.geomspace(1, 1024, self.points)).astype(int))[::-1]
        fans = self._fans()
        jobs = len(fans) * len(periods) + len(LOCALITIES) + 1
        done = 0

        def measure(period: int, fan_out: int, locality: float) -> Measured:
            nonlocal done
            report(progress, done / jobs, tr("running"))
            done += 1
            return self._measure(period, fan_out, locality)

        table = [[measure(int(p), f, self.locality) for p in periods] for f in fans]
        ways = [measure(16, self.fan_out, share) for share in LOCALITIES]
        here = measure(self._period, self.fan_out, self.locality)
        return self._result(np.asarray(1 / periods, dtype=float), fans, table, ways, here)

    @property
    def _period(self) -> int:
        return max(1, round(1 / self.activity))

    def _fans(self) -> list[int]:
        """The fan-outs of the map, the one asked for among them."""
        spread = np.rint(np.geomspace(4, self.neurons, self.rows)).astype(int)
        return sorted({int(f) for f in spread} | {self.fan_out})

    def _measure(self, period: int, fan_out: int, locality: float) -> Measured:
        circuit = Metronomes(neurons=self.neurons, fan_out=fan_out, period=period, locality=locality)
        steps = max(period, LEAST // period * period)  # whole periods, so that every neuron fires equally often
        run = Experiment(circuit, self.chip, duration=steps * ms, dt=1 * ms, seed=self.seed).run()
        return Measured(run, period)

    def _layer(self, measured: Measured, fan_out: int) -> EventLayer:
        """The closed form for this chip: its prices, and the cores and the ways that the mapping gave."""
        return EventLayer.of(
            self.chip.prices,  # type: ignore[attr-defined]
            neurons=self.neurons,
            fan_out=fan_out,
            cores=len(measured.recording.placement.cores),
            travel=measured.travel,
        )

    def _dense(self, engine: DenseEngine) -> DenseCost:
        return engine.layer(
            self.neurons,
            self.neurons,
            batch=self.batch,
            weights=self.weights,  # type: ignore[arg-type]
            precision=self.precision,  # type: ignore[arg-type]
        )

    def _result(
        self,
        rho: NDArray[np.float64],
        fans: list[int],
        table: list[list[Measured]],
        ways: list[Measured],
        here: Measured,
    ) -> Result:
        """Numbers and pictures; the chip's side of every comparison counts `steps` times."""
        dense = self._dense(self.opponent)
        spent = self.steps * np.array([[m.joules for m in row] for row in table])
        row = fans.index(self.fan_out)
        took = self.steps * np.array([m.seconds for m in table[row]])
        layers = [self._layer(r[0], f) for r, f in zip(table, fans, strict=True)]
        theory = [layer.crossover(dense.joules / self.steps) for layer in layers]
        measured = crossing(rho, spent[row], dense.joules)
        costs = {name: self._affords(engine) for name, engine in DENSE.items()}
        others = {name: layers[row].crossover(cost.joules / self.steps) for name, cost in costs.items() if cost}
        travelled = here.travel * here.recording.ledger.count("spike")
        numbers = {
            "activity": 1 / here.period,
            "event_nj": self.steps * here.joules / nJ,
            "dense_nj": dense.joules / nJ,
            "event_over_dense": self.steps * here.joules / dense.joules,
            "event_us": self.steps * here.seconds / us,
            "dense_us": dense.seconds / us,
            "dense_at_power_nj": dense.at_power / nJ,
            "crossover_percent": 100 * measured,
            "theory_percent": 100 * theory[row],
            "theory_error_percent": 100 * abs(theory[row] / measured - 1),
            "time_crossover_percent": 100 * crossing(rho, took, dense.seconds),
            "won_percent": 100 * float((spent < dense.joules).mean()),
            "travel_percent": 100 * travelled / here.recording.ledger.total,
            "spike_pj": layers[row].per_spike / pJ,
            "far_way_pj": ways[0].travel / pJ,
            "near_way_pj": ways[-1].travel / pJ,
        }
        beside = {self._called: dense.joules, **self._beside()}
        pictures: dict[str, Callable[[], Picture]] = {
            "energy": partial(
                drawn.over_activity,
                rho,
                spent[row],
                beside,
                what="energy",
                unit="J",
                theory=self.steps * layers[row].energy(rho),
                crossing=measured,
                title="Energy of a step, by events and by the clock",
                source=self._source,
            ),
            "map": partial(
                drawn.winner_map,
                rho,
                fans,
                spent / dense.joules,
                theory=theory,
                neurons=self.neurons,
                title="Who needs less energy? Blue: events; orange: the clock",
                source=self._source,
            ),
            "latency": partial(
                drawn.over_activity,
                rho,
                took,
                {self._called: dense.seconds},
                what="time",
                unit="s",
                crossing=crossing(rho, took, dense.seconds),
                title="Time of a step, by events and by the clock",
                source=f"{self._source}. Time to start a layer: {self.opponent.sources.get('overhead')}",
            ),
            "opponents": partial(
                drawn.rivals, others, title="Below which activity events need less energy", source=self._source
            ),
            "locality": partial(
                drawn.ways,
                LOCALITIES,
                {
                    "synapses": np.full(len(LOCALITIES), self.fan_out * self._operation),
                    "its way": np.array([m.travel for m in ways]),
                },
                title="What one spike costs, and how far it has to go",
                source=self._source,
            ),
            "ledger": partial(figures.energy, here.recording),
        }
        return Result(study=self, numbers=numbers, recordings={"chip": here.recording}, pictures=pictures)

    @property
    def _operation(self) -> float:
        return self.chip.prices["synaptic operation"].joules  # type: ignore[attr-defined]

    @property
    def _called(self) -> str:
        """The opponent and how it works here: "a100, int8, on chip, batch 1"."""
        return f"{self.opponent.name}, {self.precision}, {self.weights}, batch {self.batch}"

    def _beside(self) -> dict[str, float]:
        """The same engine with its weights in the other place."""
        other = "fetched" if self.weights == "on chip" else "on chip"
        found = replace(self, weights=other)._affords(self.opponent)
        same = (
            found is None or found.joules == self._dense(self.opponent).joules
        )  # it does not fit there, or has no other place
        return {} if found is None or same else {f"{self.opponent.name}, {other}": found.joules}

    def _affords(self, engine: DenseEngine) -> DenseCost | None:
        """What the layer costs on an engine; None for one that cannot hold it or has not the precision."""
        try:
            return self._dense(engine)
        except (PlacementError, UnsupportedError):
            return None

    @property
    def _source(self) -> str:
        """Where the prices come from."""
        price = self.chip.prices["synaptic operation"].citation  # type: ignore[attr-defined]
        return f"Event chip {self.chip.name}: {price}. {self.opponent.name}: {self.opponent.sources.get(f'mac_{self.precision}')}"
