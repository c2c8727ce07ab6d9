"""What a brain would draw on other machines: a demand, five ways to count it, and the ledger of published numbers line by line.

A demand is so many neurons with so many synapses each, firing at a rate, at a speed beside real time. Ways to count it:

    operation   events a second × the arithmetic of one, and what moves them on top: P = N S f v e / (1 − c)
    chip        events a second × all power of the chips over their events:          P = N S f v e
    plug        the same with what a meter at the plug saw
    neurons     machines that hold the neurons × what one draws, times v / v₀ if it is slower than asked
    synapses    machines that hold the synapses, likewise

The first three follow the rate, the last two do not: a machine that is built for so many neurons draws its power whether they fire
or not. In the lines of the ledger each unit is checked (`workbench.machines.Amount`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from workbench.errors import DescriptionError, UnsupportedError, unknown
from workbench.machines import SYSTEMS, Amount, Energy, System, system
from workbench.physics.materials import BLOOD
from workbench.physics.pue import SURVEY, landauer, largest_saving
from workbench.words import tr

__all__ = [
    "BRAIN_TEMPERATURE",
    "BRAIN_WATTS",
    "COMMUNICATING",
    "COMPUTING",
    "DEEPSOUTH",
    "WAYS",
    "Demand",
    "Line",
    "Step",
    "baseline_for",
    "efficiency",
    "events_at",
    "footnote",
    "ledger",
    "machines_for",
    "price",
    "truenorth",
    "watts",
    "ways_of",
    "whole_systems",
]

BRAIN_TEMPERATURE: Final = 310.0
BRAIN_WATTS: Final = 20.0
COMPUTING: Final = 0.1
"""W for computing in the cortex: Levy and Calvert 2021, PNAS, abstract (published)."""
COMMUNICATING: Final = 3.5
"""W for communication over distance, in the same account (published)."""
DEEPSOUTH: Final = 228e12
"""Synaptic operations a second (published)."""
BLOOD_FLOW: Final = 750e-6 / 60
"""m³/s through the brain: 750 mL a minute (recalled)."""
WAYS: Final = ("operation", "chip", "plug", "neurons", "synapses")


@final
@dataclass(frozen=True, kw_only=True)
class Demand:
    """What has to be run: a brain by default, at one spike a second and neuron and 7,000 synapses each (both recalled)."""

    neurons: float = 86e9
    synapses: float = 7000.0
    """Of one neuron."""
    rate: float = 1.0
    """Hz, the mean over all neurons."""
    speed: float = 1.0
    """Model time over wall-clock time."""

    def __post_init__(self) -> None:
        for name, value in (("neurons", self.neurons), ("synapses", self.synapses), ("speed", self.speed)):
            if not 0 < value < math.inf:
                raise DescriptionError(
                    tr("{where} is {value}: it must lie above 0.", where=f"Demand.{name}", value=value)
                )
        if not 0 <= self.rate < math.inf:
            raise DescriptionError(
                tr("{where} is {value}: it must not lie below 0.", where="Demand.rate", value=self.rate)
            )

    @property
    def events(self) -> float:
        """Synaptic events in a second of wall-clock time."""
        return self.neurons * self.synapses * self.rate * self.speed


def ways_of(one: System) -> tuple[str, ...]:
    """The ways in which this machine's watts can be counted; none for one whose power nobody published."""
    told = {e.counted for e in one.energies}
    if one.watts is not None:
        told |= {way for way, held in (("neurons", one.neurons), ("synapses", one.synapses)) if held}
    return tuple(way for way in WAYS if way in told)


def watts(one: System, demand: Demand, way: str, *, communication: float = 0.0) -> float:
    """What `one` would draw for `demand`, W, counted in one of WAYS; nothing here says that it could be built.

    `communication` is the share of all energy that carries events about; it counts where only their arithmetic is in the price.
    Raises UnsupportedError where a machine's numbers do not allow it, DescriptionError for a way nobody knows.
    """
    if way not in WAYS:
        raise unknown("way to count", way, WAYS)
    if not 0 <= communication < 1:
        raise DescriptionError(
            tr("{where} is {value}: it must lie between {low} and {high}.", where="communication", value=communication,
               low=0, high=1)
        )  # fmt: skip
    if way not in (known := ways_of(one)):
        raise UnsupportedError(
            tr(
                "Nobody published what {name} needs by {way}; there is: {known}.",
                name=one.title,
                way=way,
                known=", ".join(known) or tr("nothing"),
            )
        )
    energy = one.energy(way)
    if energy is not None:
        return demand.events * energy.joules / (1 - communication if way == "operation" else 1.0)
    return machines_for(one, demand, way) * (one.watts or 0.0)


def machines_for(one: System, demand: Demand, way: str = "neurons") -> float:
    """How many such machines hold the "neurons" (or "synapses") of a demand; more in proportion if they run slower than asked."""
    if way not in ("neurons", "synapses"):
        raise unknown("way to count", way, ("neurons", "synapses"))
    held = one.neurons if way == "neurons" else one.synapses
    if not held:
        raise UnsupportedError(tr("Nobody published how many {way} {name} holds.", way=tr(way), name=one.title))
    asked = demand.neurons * (demand.synapses if way == "synapses" else 1.0)
    return asked / held * max(1.0, demand.speed / (one.speed or 1.0))


def baseline_for(saving: float) -> float:
    """The least PUE a data centre must start from to save such a share of all its energy by cooling alone: 1/(1 − s)."""
    if not 0 <= saving < 1:
        raise DescriptionError(tr("A saving lies between 0 and 1; this one is {value:g}.", value=saving))
    return 1 / (1 - saving)


def efficiency(events: float, rest: float, marginal: float) -> float:
    """Synaptic events a second and watt of a chip that draws `rest` (W) whatever happens and `marginal` (J) for each event."""
    return events / (rest + marginal * events) if events > 0 else 0.0


def events_at(wanted: float, rest: float, marginal: float) -> float:
    """Events a second at which such a chip reaches `wanted` events a second and watt; infinite where it never does."""
    room = 1 - wanted * marginal
    return wanted * rest / room if room > 0 else math.inf


def truenorth() -> tuple[float, float]:
    """W at rest and J an event of TrueNorth: at 58 GSOPS it does 400 GSOPS/W, and it draws 65 mW at rest (all published)."""
    chip = SYSTEMS["truenorth"]
    rest, peak = chip.watts or 0.0, chip.events or 1.0
    return rest, (peak / 400e9 - rest) / peak


def price(name: str, counted: str) -> Energy:
    """What one synaptic event costs on a machine, by one definition; raises UnsupportedError if nobody told."""
    from_table = system(name)
    found = from_table.energy(counted)
    if found is None:
        raise UnsupportedError(
            tr(
                "Nobody published what {name} needs by {way}; there is: {known}.",
                name=from_table.title,
                way=counted,
                known=", ".join(ways_of(from_table)) or tr("nothing"),
            )
        )
    return found


def whole_systems(events: float = DEEPSOUTH) -> dict[str, float]:
    """W for so many synaptic events a second, from a price list's picojoules and from microjoules at the plug."""
    named = {
        "Loihi": price("loihi", "operation").joules,
        "TrueNorth": SYSTEMS["truenorth"].energies[2].joules,
        "ODIN": price("odin", "chip").joules,
        "DarwinWafer": price("darwin-wafer", "operation").joules,
        "GeNN, RTX 4090": price("rtx-4090", "plug").joules,
        "SpiNNaker": price("spinnaker", "plug").joules,
    }
    return {name: events * joules for name, joules in named.items()}


@final
@dataclass(frozen=True)
class Step:
    """One step of a footnote: what is taken into account, by which factor, and the watts after it."""

    name: str
    factor: float
    watts: float


def footnote(demand: Demand | None = None) -> tuple[Step, ...]:
    """From a brain's 20 W to what the simulation of 2012 would have drawn as fast as life, one factor at a time."""
    wanted, run = demand or Demand(), SYSTEMS["sequoia"]
    drawn, neurons, synapses = run.watts or 0.0, run.neurons or 1.0, run.synapses or 1.0
    factors = (
        ("what the machine drew", drawn / BRAIN_WATTS),
        ("as fast as asked", wanted.speed / (run.speed or 1.0)),
        ("only the neurons asked for", wanted.neurons / neurons),
        ("with the synapses asked for", wanted.synapses / (synapses / neurons)),
    )
    steps, now = [Step("a brain", 1.0, BRAIN_WATTS)], BRAIN_WATTS
    for name, factor in factors:
        now *= factor
        steps.append(Step(name, factor, now))
    return tuple(steps)


@final
@dataclass(frozen=True)
class Line:
    """One line of the ledger: an amount, the unit it is told in, how it comes about, and whether that is computed from published numbers."""

    amount: Amount
    unit: str
    how: str
    recalled: str = ""
    """Which of its numbers nobody found in a source; empty if all were."""

    @property
    def value(self) -> float:
        """The number in its unit; raises DescriptionError if the arithmetic does not give that unit."""
        return self.amount.to(self.unit)


def ledger() -> Mapping[str, Line]:
    """Every number that does not depend on the demand, its unit checked: `ledger()["sequoia_gw"].value` is 12.2."""
    brain, neurons = Amount(BRAIN_WATTS, "W"), Amount(86e9, "neuron/brain")
    rate = Amount(DEEPSOUTH, "op/s")
    sequoia = SYSTEMS["sequoia"]
    real_time = Amount(sequoia.watts or 0.0, "W") / (sequoia.speed or 1.0)
    peak, wafer = Amount(SYSTEMS["darwin-wafer"].events or 0.0, "op/s"), Amount(100, "W")
    hala, cg1 = SYSTEMS["hala-point"], SYSTEMS["cg-1"]
    bit = Amount(landauer(BRAIN_TEMPERATURE), "J/bit")
    lines = {
        "neuron_nw": Line(brain / Amount(86e9, "neuron"), "nW/neuron", "20 W / 86e9 neurons"),
        "blood_k": Line(
            brain / (Amount(1000 * BLOOD_FLOW, "L/s") * Amount(BLOOD.density * BLOOD.heat_capacity / 1000, "J/(L·K)")),
            "K",
            "20 W / (750 mL/min × 3.82 J/(mL K))",
            "750 mL a minute, the heat capacity of blood",
        ),
        "landauer_zj": Line(bit, "zJ/bit", "k × 310 K × ln 2"),
        "erasures_zbit": Line(brain / bit, "Zbit/s", "20 W / (k × 310 K × ln 2)"),
        "levy_ratio": Line(Amount(COMMUNICATING, "W") / Amount(COMPUTING, "W"), "1", "3.5 W / 0.1 W"),
        "deepsouth_fj": Line(brain / rate, "fJ/op", "20 W / 228e12 operations a second"),
        "deepsouth_loihi_kw": Line(rate * Amount(23.6, "pJ/op"), "kW", "228e12 / s × 23.6 pJ"),
        "deepsouth_truenorth_kw": Line(rate * Amount(26, "pJ/op"), "kW", "228e12 / s × 26 pJ", "26 pJ"),
        "deepsouth_odin_kw": Line(rate * Amount(12.7, "pJ/op"), "kW", "228e12 / s × 12.7 pJ"),
        "deepsouth_darwin_kw": Line(rate * Amount(4.9, "pJ/op"), "kW", "228e12 / s × 4.9 pJ"),
        "deepsouth_genn_kw": Line(rate * Amount(0.074, "µJ/op"), "kW", "228e12 / s × 0.074 µJ"),
        "deepsouth_spinnaker_kw": Line(rate * Amount(0.601, "µJ/op"), "kW", "228e12 / s × 0.601 µJ"),
        "sequoia_gw": Line(real_time, "GW", "7.9 MW × 1542", "7.9 MW"),
        "sequoia_brain_gw": Line(
            real_time * 86e9 / (sequoia.neurons or 1.0), "GW", "7.9 MW × 1542 × 86e9 / 53e10 neurons", "7.9 MW"
        ),
        "article_times": Line(Amount(8, "MW") / brain, "1", "8 MW / 20 W"),
        "sequoia_times": Line(real_time / brain, "1", "7.9 MW × 1542 / 20 W", "7.9 MW"),
        "wafers": Line(neurons / Amount(2e8, "neuron/wafer"), "wafer/brain", "86e9 / 2e8 neurons"),
        "hala_pj": Line(
            Amount(hala.watts or 0.0, "W") / Amount(hala.events or 1.0, "op/s"), "pJ/op", "2.6 kW / 380e12 / s"
        ),
        "darwin_w": Line(peak * Amount(4.9, "pJ/op"), "W", "64e12 / s × 4.9 pJ"),
        "darwin_pj": Line(wafer / peak, "pJ/op", "100 W / 64e12 / s"),
        "truenorth_pj": Line(1 / Amount(400e9, "op/(s·W)"), "pJ/op", "1 / 400 GSOPS/W"),
        "truenorth_typical_pj": Line(1 / Amount(46e9, "op/(s·W)"), "pJ/op", "1 / 46 GSOPS/W", "46 GSOPS/W"),
        "cg1_kw": Line(Amount(64, "1") * Amount(20, "kW"), "kW", "64 × 20 kW"),
        "cg1_pj": Line(Amount(cg1.watts or 0.0, "W") / Amount(cg1.operations or 1.0, "op/s"), "pJ/op", "1.28 MW / 4e18 / s"),
        "h100_pj": Line(Amount(700, "W") / Amount(989e12, "op/s"), "pJ/op", "700 W / 989e12 / s"),
        "saving_percent": Line(Amount(largest_saving(SURVEY[2023][0])), "%", "1 − 1 / 1.58"),
        "baseline_pue": Line(Amount(baseline_for(0.4)), "1", "1 / (1 − 0.4)"),
    }  # fmt: skip
    return lines
