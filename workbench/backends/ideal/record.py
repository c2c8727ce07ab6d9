"""What a run keeps: spikes up to a limit, probed values, and counts that stay exact beyond it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import Limits, Probe
from workbench.backends.ideal.groups import Group
from workbench.circuits.unfold import Cells, Netlist
from workbench.errors import unknown
from workbench.recordings.spikes import Spikes
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

__all__ = ["Recorder"]

Fired = tuple[NDArray[np.int64], NDArray[np.int32]]


@final
class _Trace:
    """One probe: rows of values, and for a rate the spikes of the bin under way."""

    def __init__(self, probe: Probe, netlist: Netlist, group: Group, dt: float) -> None:
        self.probe, self.every, self.dt = probe, probe.steps(dt), dt
        self.rate = probe.reduce == "rate"
        self.which = probe.neurons(netlist)
        self.rows: list[NDArray[np.float64]] = []
        self.units, self.values = "Hz", np.zeros(0)
        self.binned = 0
        if not self.rate:
            known = [name for name in group.brian.equations.names if name in group.brian.variables and name != "current"]
            if probe.variable not in known:
                raise unknown("variable", probe.variable, known)
            self.units = _units(group.brian.variables[probe.variable].dim)
            first = group.first[probe.of]
            self.index = slice(first, first + netlist.populations[probe.of].size) if probe.which is None else first + self.which
            self.values = group.array(probe.variable)

    def value(self) -> Any:
        """What is kept of the state as it is now."""
        values = self.values[self.index]
        return values.mean() if self.probe.reduce == "mean" else values

    def rates(self, start: int, stop: int, fired: Fired) -> NDArray[np.float64]:
        """Rates of the bins that end by step `stop`; the spikes of the last, unfinished one are carried over."""
        steps = fired[0][np.isin(fired[1], self.which)] if self.probe.which is not None else fired[0]
        begun = start // self.every
        counts = np.bincount(steps // self.every - begun, minlength=stop // self.every - begun + 1)
        counts[0] += self.binned
        whole = stop // self.every - begun
        self.binned = int(counts[whole])
        return counts[:whole] / (self.which.size * self.every * self.dt)


@final
class Recorder:
    """Keeps what the groups do, window by window."""

    def __init__(self, netlist: Netlist, groups: Sequence[Group], probes: Sequence[Probe], limits: Limits, dt: float) -> None:
        self._groups, self._dt, self._limit = groups, dt, limits.spikes
        self._cells: Mapping[str, Cells] = netlist.populations
        self._home = {cells.name: g for g in groups for cells in g.cells}
        self._spaces = [g.array("_spikespace") if g.neuron.fires else np.zeros(1, np.int32) for g in groups]
        self.traces = {p.name: _Trace(p, netlist, self._home[p.of], dt) for p in probes}
        self._sampled = [t for t in self.traces.values() if not t.rate]
        self.fired = [np.zeros(g.size, np.int64) for g in groups]
        """Spikes of every neuron so far."""
        self.kept: dict[str, list[Fired]] = {name: [] for name in self._cells}
        self.stored = 0
        self.full = False
        self.lately: list[list[tuple[int, NDArray[np.int32]]]] = [[] for _ in groups]
        """The spikes of the last steps, by group: what the synapses still hold."""
        self._now: list[list[tuple[int, NDArray[np.int32]]]] = [[] for _ in groups]
        self._samples: list[list[Any]] = [[] for _ in self._sampled]

    def before(self, step: int) -> None:
        """Look at the probes, at the start of `step`."""
        for trace, samples in zip(self._sampled, self._samples, strict=True):
            if step % trace.every == 0:
                samples.append(trace.value() if trace.probe.reduce else trace.value().copy())

    def after(self, step: int) -> None:
        """Take down who fired in `step`."""
        for space, now in zip(self._spaces, self._now, strict=True):
            count = space[-1]
            if count:
                now.append((step, space[:count].copy()))

    def close(self, start: int, stop: int, longest: Sequence[int]) -> tuple[dict[str, Fired], dict[str, NDArray[np.float64]]]:
        """End the window of steps `start` to `stop`: its spikes by population and its probed values."""
        spikes: dict[str, Fired] = {}
        for number, group in enumerate(self._groups):
            now, self._now[number] = self._now[number], []
            self.lately[number] = [(s, f) for s, f in self.lately[number] + now if s >= stop - longest[number]]
            steps = np.repeat(np.array([s for s, _ in now], np.int64), [f.size for _, f in now])
            neurons = np.concatenate([f for _, f in now]) if now else np.zeros(0, np.int32)
            self.fired[number] += np.bincount(neurons, minlength=group.size)
            for cells in group.cells:
                first = group.first[cells.name]
                mine = (neurons >= first) & (neurons < first + cells.size)
                spikes[cells.name] = (steps[mine], (neurons[mine] - first).astype(np.int32))
        self._keep(spikes)
        return spikes, self._close_traces(start, stop, spikes)

    def _keep(self, spikes: Mapping[str, Fired]) -> None:
        self.stored += sum(s.size for s, _ in spikes.values())
        if self.stored > self._limit and not self.full:
            self.full = True
            self.kept = {name: [] for name in self.kept}
        if not self.full:
            for name, fired in spikes.items():
                if fired[0].size:
                    self.kept[name].append(fired)

    def _close_traces(self, start: int, stop: int, spikes: Mapping[str, Fired]) -> dict[str, NDArray[np.float64]]:
        made = {}
        for trace, samples in zip(self._sampled, self._samples, strict=True):
            width = () if trace.probe.reduce else (trace.which.size,)
            made[trace.probe.name] = np.array(samples, np.float64).reshape(-1, *width)
            samples.clear()
        for trace in self.traces.values():
            if trace.rate:
                made[trace.probe.name] = trace.rates(start, stop, spikes[trace.probe.of])
            trace.rows.append(made[trace.probe.name])
        return made

    def counts(self) -> dict[str, int]:
        """All spikes of each population."""
        made = {}
        for group, fired in zip(self._groups, self.fired, strict=True):
            for c in group.cells:
                made[c.name] = int(fired[group.first[c.name] : group.first[c.name] + c.size].sum())
        return {name: made[name] for name in self._cells}

    def spikes(self) -> dict[str, Spikes]:
        """The spikes kept of each population."""
        return {name: Spikes(np.concatenate([s for s, _ in kept] or [np.zeros(0, np.int64)]),
                             np.concatenate([n for _, n in kept] or [np.zeros(0, np.int32)]), self._dt)
                for name, kept in self.kept.items()}

    def notes(self) -> tuple[str, ...]:
        """What was not kept, in sentences."""
        if not self.full:
            return ()
        return (tr("More than {limit} spikes: they were counted, but not kept.", limit=self._limit),)

    def arrays(self) -> dict[str, xarray.DataArray]:
        """The probed values as labelled arrays."""
        import xarray  # noqa: PLC0415

        made = {}
        for name, trace in self.traces.items():
            values = np.concatenate(trace.rows) if trace.rows else np.zeros((0,) if trace.probe.reduce else (0, trace.which.size))
            time = np.arange(len(values)) * trace.every * self._dt
            dims, coords = (("time",), {"time": time}) if values.ndim == 1 else (("time", "neuron"), {"time": time, "neuron": trace.which})
            made[name] = xarray.DataArray(values, dims=dims, coords=coords, name=name, attrs={"units": trace.units})
        return made


def _units(dim: Any) -> str:
    """The SI unit of a Brian2 dimension, as a reader writes it."""
    from brian2.units.fundamentalunits import get_unit  # noqa: PLC0415

    plain = {"volt": "V", "amp": "A", "siemens": "S", "second": "s", "ohm": "Ω", "farad": "F", "hertz": "Hz", "1": ""}
    text = "1" if dim.is_dimensionless else repr(get_unit(dim))
    return plain.get(text, text)
