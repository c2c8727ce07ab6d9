"""Published machines as cited data, and the arithmetic on them: one cortical column, measured on twelve machines.

Speed is the real-time factor, wall-clock time over model time: 1 is as fast as life, 0.5 twice as fast. Energy is what was
measured at the plug, per synaptic event of the model, as each group counted its events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from workbench.errors import DescriptionError, unknown
from workbench.recordings.prices import Citation
from workbench.units import uJ
from workbench.words import tr

__all__ = ["COLUMN_RUNS", "Machine", "best", "energy_per_event", "machine", "times_above"]


@final
@dataclass(frozen=True, kw_only=True)
class Machine:
    """A measured run of the column of Potjans & Diesmann at full size on one machine."""

    name: str
    year: int
    family: str
    """What kind of machine: "CPU cluster", "GPU", "neuromorphic", "FPGA"."""
    real_time_factor: float
    joules: float | None
    """At the plug, per synaptic event; None where it was not measured."""
    drive: str
    """Outside input: "dc" (a constant current) or "poisson" (random spikes)."""
    citation: Citation

    @property
    def watts(self) -> float | None:
        """The power at the plug that speed and energy together imply, at 967 million recurrent events a second of model time."""
        return None if self.joules is None else self.joules * RECURRENT_EVENTS / self.real_time_factor


RECURRENT_EVENTS = 9.67e8
"""Synaptic events a second of model time from inside the column: 299 million synapses at the reference rates (computed)."""

_TABLE = (
    "table of Senk et al. 2026 on the microcircuit of Potjans & Diesmann, as kept with INM-6/microcircuit-PD14-model"
)
_MEASURED = Citation("published", _TABLE)
_ESTIMATED = Citation("published", f"{_TABLE}; energy estimated by its authors")


def _run(
    name: str, year: int, family: str, rtf: float, microjoules: float | None, drive: str, citation: Citation = _MEASURED
) -> Machine:
    joules = None if microjoules is None else microjoules * uJ
    return Machine(
        name=name, year=year, family=family, real_time_factor=rtf, joules=joules, drive=drive, citation=citation
    )


COLUMN_RUNS: tuple[Machine, ...] = (
    _run("NEST, 12 nodes of 2 Xeon E5-2680v3", 2018, "CPU cluster", 2.465, 9.94, "dc"),
    _run("NEST, 3 nodes", 2018, "CPU cluster", 4.584, 5.82, "dc"),
    _run("SpiNNaker, 6 boards", 2018, "neuromorphic", 20.0, 4.4, "dc"),
    _run("GeNN, V100", 2018, "GPU", 1.838, 0.47, "poisson", _ESTIMATED),
    _run("SpiNNaker, 12 boards", 2019, "neuromorphic", 1.0, 0.601, "dc"),
    _run("SpiNNaker, 12 boards, Poisson", 2019, "neuromorphic", 1.0, 0.628, "poisson"),
    _run("NEST GPU, RTX 2080 Ti", 2021, "GPU", 1.055, 0.25, "poisson"),
    _run("GeNN, Titan RTX", 2021, "GPU", 0.7, None, "poisson"),
    _run("IBM INC-3000, 345 nodes", 2022, "FPGA", 0.25, 0.284, "poisson"),
    _run("NEST, 2 nodes of EPYC 7702", 2022, "CPU cluster", 0.53, 0.48, "dc"),
    _run("NEST, 1 node of EPYC 7702", 2022, "CPU cluster", 0.67, 0.33, "dc"),
    _run("NEST GPU, RTX 4090", 2023, "GPU", 0.386, 0.104, "dc"),
    _run("GeNN, RTX 4090", 2023, "GPU", 0.2719, 0.074, "poisson"),
    _run("neuroAIx, 35 FPGAs", 2023, "FPGA", 0.05, 0.0476, "dc"),
)
"""The column on twelve machines; SpiNNaker's 12 boards and the EPYC nodes were measured in two ways, so there are fourteen rows."""


def machine(name: str) -> Machine:
    """The row called `name`; raises DescriptionError for a name nobody has."""
    found = {row.name: row for row in COLUMN_RUNS}
    if name not in found:
        raise unknown("machine", name, found)
    return found[name]


def best(what: str = "energy") -> Machine:
    """The row with the lowest "energy" per event, or the lowest "time"."""
    if what not in ("energy", "time"):
        raise unknown("order of machines", what, ("energy", "time"))
    measured = [row for row in COLUMN_RUNS if row.joules is not None]
    return min(measured, key=lambda row: (row.joules or 0.0) if what == "energy" else row.real_time_factor)


def energy_per_event(power: float, events: float) -> float:
    """Joules per event of something that draws `power` (W) while `events` happen a second, both in the same time."""
    if not (power >= 0 and events > 0):
        raise DescriptionError(
            tr(
                "Energy per event of {power:g} W and {events:g} events a second makes no sense.",
                power=power,
                events=events,
            )
        )
    return power / events


def times_above(joules: float) -> float:
    """How many times the best measured machine lies above an energy per event (J)."""
    return (best().joules or 0.0) / joules
