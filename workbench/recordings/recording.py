"""A recording: what came out of a run, on whatever it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from workbench.errors import unknown
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement
from workbench.recordings.spikes import Spikes

if TYPE_CHECKING:
    import xarray

__all__ = ["Recording"]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Recording:
    """Spikes, traces, ledger and placement of one run, with the experiment that made them as plain JSON."""

    spikes: Mapping[str, Spikes]
    """Spikes of each population, from `begins` on; empty for one whose spikes passed the stated limit (see `notes`)."""
    sizes: Mapping[str, int]
    """Neurons in each population."""
    counts: Mapping[str, int]
    """All spikes of each population, counted even when they were not kept."""
    traces: Mapping[str, xarray.DataArray] = field(default_factory=dict)
    """Probed variables as "E.v": dims (time, neuron), SI values, attribute "units"."""
    ledger: Ledger
    placement: Placement
    experiment: Mapping[str, Any] = field(default_factory=dict)
    dt: float
    duration: float
    begins: float = 0.0
    """Spikes and traces start here (s): 0 unless the recording was cut by `after`."""
    trial: int = 0
    backend: str = ""
    arithmetic: str = "float64"
    notes: tuple[str, ...] = ()

    def after(self, time: float) -> Recording:
        """The part from `time` (s) on: spikes, traces and counts are cut; ledger and placement stay those of the whole run."""
        spikes = {name: s.after(time) for name, s in self.spikes.items()}
        counts = {
            name: spikes[name].count if self.counts[name] == self.spikes[name].count else self.counts[name]
            for name in spikes
        }
        traces = {name: t.isel(time=np.flatnonzero(t["time"].values >= time - 1e-9)) for name, t in self.traces.items()}
        return replace(self, spikes=spikes, counts=counts, traces=traces, begins=max(self.begins, time))

    @property
    def seconds(self) -> float:
        """How much model time the spikes cover, s."""
        return self.duration - self.begins

    def of(self, population: str) -> Spikes:
        """The spikes of a population; raises DescriptionError for a name nobody has."""
        if population not in self.spikes:
            raise unknown("population", population, self.spikes)
        return self.spikes[population]

    def save(self, path: str | Path) -> Path:
        """Write everything to one netCDF (HDF5) file; raises StoreError, and leaves nothing half-written."""
        from workbench.recordings.store import save  # only when a file is touched

        return save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Recording:
        """Read a file that `save` wrote; raises StoreError for one that is newer, cut short, or of something else."""
        from workbench.recordings.store import load  # noqa: PLC0415

        return load(Path(path))
