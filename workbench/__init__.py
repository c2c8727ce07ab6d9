"""The Neuromorphic Workbench: learn, explore and do experiments on brain-inspired computing.

This face resolves its names when they are first used; importing it loads no engine, plotting or widget library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_FACE = {
    "BACKENDS": "workbench.backends.base",
    "CHIPS": "workbench.chips",
    "CIRCUITS": "workbench.circuits",
    "NEURONS": "workbench.circuits.neurons",
    "STUDIES": "workbench.studies",
    "Chip": "workbench.chips.chip",
    "Circuit": "workbench.circuits.circuit",
    "EventChip": "workbench.chips.event",
    "Experiment": "workbench.experiment",
    "Ideal": "workbench.chips.chip",
    "Lif": "workbench.circuits.neurons.lif",
    "Network": "workbench.circuits.network",
    "Neuron": "workbench.circuits.neurons.neuron",
    "Population": "workbench.circuits.network",
    "Probe": "workbench.backends.base",
    "Projection": "workbench.circuits.network",
    "Recording": "workbench.recordings.recording",
    "Result": "workbench.studies.study",
    "Source": "workbench.circuits.network",
    "Study": "workbench.studies.study",
    "WorkbenchError": "workbench.errors",
    "choice": "workbench.fields",
    "compile": "workbench.backends.base",
    "count": "workbench.fields",
    "described": "workbench.fields",
    "doctor": "workbench.cli.doctor",
    "draw": "workbench.circuits.drive",
    "flag": "workbench.fields",
    "load_study": "workbench.studies",
    "part": "workbench.fields",
    "quantity": "workbench.fields",
    "replace": "dataclasses",
    "tr": "workbench.words",
    "unfold": "workbench.circuits.unfold",
}

__all__ = [
    "BACKENDS",
    "CHIPS",
    "CIRCUITS",
    "Chip",
    "Circuit",
    "EventChip",
    "Experiment",
    "Ideal",
    "Lif",
    "NEURONS",
    "Network",
    "Neuron",
    "Population",
    "Probe",
    "Projection",
    "Recording",
    "Result",
    "STUDIES",
    "Source",
    "Study",
    "WorkbenchError",
    "choice",
    "compile",
    "count",
    "described",
    "doctor",
    "draw",
    "flag",
    "load_study",
    "part",
    "quantity",
    "replace",
    "tr",
    "unfold",
    "__version__",
]

if TYPE_CHECKING:
    from dataclasses import replace

    from workbench.backends.base import BACKENDS, Probe, compile
    from workbench.chips import CHIPS
    from workbench.chips.chip import Chip, Ideal
    from workbench.chips.event import EventChip
    from workbench.circuits import CIRCUITS
    from workbench.circuits.circuit import Circuit
    from workbench.circuits.drive import draw
    from workbench.circuits.network import Network, Population, Projection, Source
    from workbench.circuits.neurons import NEURONS
    from workbench.circuits.neurons.lif import Lif
    from workbench.circuits.neurons.neuron import Neuron
    from workbench.circuits.unfold import unfold
    from workbench.cli.doctor import doctor
    from workbench.errors import WorkbenchError
    from workbench.experiment import Experiment
    from workbench.fields import choice, count, described, flag, part, quantity
    from workbench.recordings.recording import Recording
    from workbench.studies import STUDIES, load_study
    from workbench.studies.study import Result, Study
    from workbench.words import tr


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
