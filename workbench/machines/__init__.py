"""Machines and brains as cited data: runs of one column of cortex, whole systems, and arithmetic that keeps its units.

`COLUMN_RUNS` are measured runs of one model on twelve machines (`machines.column`); `SYSTEMS` are chips, wafers, supercomputers and
a brain with what was said of each, and by whom (`machines.system`); an `Amount` is a number that refuses a wrong unit.
"""

from __future__ import annotations

from workbench.machines.amount import Amount
from workbench.machines.column import (
    COLUMN_RUNS,
    RECURRENT_EVENTS,
    Machine,
    best,
    energy_per_event,
    machine,
    times_above,
)
from workbench.machines.system import COUNTED, Energy, System
from workbench.machines.systems import SYSTEMS, system

__all__ = [
    "COLUMN_RUNS",
    "COUNTED",
    "RECURRENT_EVENTS",
    "SYSTEMS",
    "Amount",
    "Energy",
    "Machine",
    "System",
    "best",
    "energy_per_event",
    "machine",
    "system",
    "times_above",
]
