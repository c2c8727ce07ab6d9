"""Supercomputers against twenty watts: what a brain would draw on other machines, and what was counted to say so.

Nothing is simulated. A brain asks for synaptic events a second; a machine's published numbers say what that would draw, in up to five
ways that lie orders of magnitude apart. The rest is a ledger of numbers whose units are checked line by line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np

from workbench.fields import choice, described, quantity
from workbench.figures import roofline
from workbench.figures import twenty_watts as drawn
from workbench.figures.picture import Picture
from workbench.machines import SYSTEMS, System
from workbench.measures import twenty_watts as asked
from workbench.measures.twenty_watts import BRAIN_WATTS, Demand, watts, ways_of
from workbench.physics.pue import landauer
from workbench.studies.study import Progress, Result, Study
from workbench.units import Hz

__all__ = ["TwentyWatts"]

RATES = np.geomspace(0.01, 1000, 61)
BESIDE = (("darwin-wafer", "operation"), ("h100", "operation"), ("neuroaix", "plug"))
"""Machines always drawn over the rate, beside the chosen one."""
SOURCE = (
    "Published, computed or assumed: each number is cited in `workbench.machines.SYSTEMS`; a brain's 7,000 synapses a neuron and its rate "
    "are assumed"
)
Pictures = dict[str, Callable[[], Picture]]


@final
@described
class TwentyWatts(Study):
    """What a brain would draw on other machines, by five ways to count, and the ledger of published numbers."""

    title: ClassVar[str] = "Supercomputers against twenty watts"
    views: ClassVar[tuple[str, ...]] = ("watts", "ladder", "footnote", "rate")
    main_knobs: ClassVar[tuple[str, ...]] = (
        "machine",
        "counted",
        "rate_hz",
        "synapses",
        "neurons",
        "speed",
        "communication_percent",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "Hala Point, at its peak": {},
        "SpiNNaker, at the plug": {"machine": "spinnaker", "counted": "plug"},
        "graphics processors": {"machine": "h100", "counted": "operation"},
        "wafers": {"machine": "darwin-wafer", "counted": "neurons"},
        "Sequoia in 2012": {"machine": "sequoia", "counted": "neurons"},
        "as many events as DeepSouth": {"synapses": 1000.0, "rate_hz": 2.651162790697674},
        "a brain's own split": {
            "machine": "darwin-wafer",
            "counted": "operation",
            "communication_percent": 100 * 3.5 / 3.6,
        },
        "a mouse": {"neurons": 7.1e7},
    }

    machine: str = choice("hala-point", tuple(SYSTEMS), doc="whose numbers are taken")
    counted: str = choice("chip", asked.WAYS, doc="what an event's energy holds, or which size is matched")
    rate: float = quantity(1 * Hz, "Hz", low=0.01 * Hz, high=1000 * Hz, doc="mean rate of all neurons", log=True)
    synapses: float = quantity(
        7000.0, "", low=1.0, high=1e6, doc="synapses of a neuron", label="synapses a neuron", log=True
    )
    neurons: float = quantity(86e9, "", low=1.0, high=1e13, doc="neurons of the brain", log=True)
    speed: float = quantity(1.0, "", low=1e-4, high=1e5, doc="how many times faster than life it must run", log=True)
    communication: float = quantity(
        0.0,
        "%",
        low=0.0,
        high=0.999,
        doc="share of the energy that carries events about; in a brain 3.5 of 3.6 W",
        label="communication",
    )

    def quick(self) -> Self:
        """It is quick already."""
        return self

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        del progress  # nothing to wait for
        demand = Demand(neurons=self.neurons, synapses=self.synapses, rate=self.rate, speed=self.speed)
        budget = BRAIN_WATTS * (1 - self.communication) / demand.events
        chosen = SYSTEMS[self.machine]
        energy = chosen.energy(self.counted)
        power = self._watts(chosen, self.counted, demand)
        held = chosen.neurons or math.nan
        numbers = {
            "events_per_second": demand.events,
            "budget_fj": budget / 1e-15,
            "landauer_times": budget / landauer(asked.BRAIN_TEMPERATURE),
            "machine_w": power,
            "times_brain": power / BRAIN_WATTS,
            "energy_pj": energy.joules / 1e-12 if energy else math.nan,
            "machines_for_neurons": self.neurons / held,
            "ways": float(len(ways_of(chosen))),
        }
        numbers |= {name: line.value for name, line in asked.ledger().items()}
        return Result(study=self, numbers=numbers, pictures=self._pictures(demand, budget))

    def _watts(self, one: System, way: str, demand: Demand) -> float:
        """What a machine would draw; not a number where nobody told."""
        return watts(one, demand, way, communication=self.communication) if way in ways_of(one) else math.nan

    def _table(self, demand: Demand) -> dict[str, dict[str, float]]:
        """Watts by machine and way; the brain itself is the line across."""
        return {
            one.title: {way: self._watts(one, way, demand) for way in ways_of(one)}
            for one in SYSTEMS.values()
            if one.family != "brain" and ways_of(one)
        }

    def _pictures(self, demand: Demand, budget: float) -> Pictures:
        chosen = SYSTEMS[self.machine]
        rest, marginal = asked.truenorth()
        rungs = [(one.title, e.counted, e.joules) for one in SYSTEMS.values() for e in one.energies[:1]]
        rungs += [("DarwinWafer, 100 W over peak", "chip", 100 / 64e12), ("TrueNorth, typical", "chip", 1 / 46e9)]
        activity = np.geomspace(1e6, 58e9, 61)
        return {
            "watts": partial(
                drawn.watts_per_brain,
                self._table(demand),
                brain=BRAIN_WATTS,
                least=demand.events * landauer(asked.BRAIN_TEMPERATURE),
                here=(chosen.title, self.counted),
                title="What a brain would draw, by machine and by what is counted",
                source=SOURCE,
            ),
            "ladder": partial(
                drawn.ladder,
                rungs,
                levels={
                    "a brain's budget for an event": budget,
                    "Landauer at 310 K": landauer(asked.BRAIN_TEMPERATURE),
                },
                title="The price of a synaptic event",
                source=SOURCE,
            ),
            "footnote": partial(
                drawn.waterfall,
                [(step.name, step.factor, step.watts) for step in asked.footnote(demand)],
                levels={"as quoted": 8e6},
                title="The footnote of 8 MW: Compass on Sequoia, 2012",
                source="Neurons, synapses, 1,542 times slower: published. 7.9 MW: recalled. 7,000 synapses a neuron: assumed. Products: computed",
            ),
            "rate": partial(
                drawn.over_rate,
                RATES,
                self._over_rate(demand),
                here=self.rate,
                brain=BRAIN_WATTS,
                title="Who counts events follows the rate, who counts machines does not",
                source=SOURCE,
            ),
            "truenorth": partial(
                roofline.over,
                {"TrueNorth": (activity, [asked.efficiency(e, rest, marginal) / 1e9 for e in activity])},
                x="synaptic operations a second of the whole chip",
                y="efficiency",
                y_unit="GSOPS/W",
                levels={"46, usually quoted": 46.0, "400, published": 400.0},
                title="One chip, 46 and 400 GSOPS/W",
                source="65 mW, 58 GSOPS, 400 GSOPS/W: Akopyan et al. 2015 (published). 46 GSOPS/W: recalled. The line: computed",
            ),
        }

    def _over_rate(self, demand: Demand) -> Mapping[str, list[float]]:
        """Watts over the rate for the chosen machine in all its ways, and for some others in one."""
        chosen = [(self.machine, way) for way in ways_of(SYSTEMS[self.machine])]
        pairs = dict.fromkeys([*chosen, *BESIDE])
        return {
            drawn.named(SYSTEMS[name].title, way): [
                self._watts(SYSTEMS[name], way, Demand(neurons=demand.neurons, synapses=demand.synapses, rate=float(r), speed=demand.speed))
                for r in RATES
            ]
            for name, way in pairs
        }  # fmt: skip
