"""What is looked at while Brian2 steps: who fired, and the probed states; the recorder that all backends share keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import Probe
from workbench.backends.ideal.groups import Group
from workbench.backends.recorder import Recorder
from workbench.circuits.unfold import Netlist
from workbench.errors import unknown

__all__ = ["Watch"]

Fired = list[tuple[int, NDArray[np.int32]]]


@final
class Watch:
    """Looks at the groups before and after each step, and hands the recorder a window at a time."""

    def __init__(
        self, netlist: Netlist, groups: Sequence[Group], probes: Sequence[Probe], longest: Sequence[int], dt: float
    ) -> None:
        self._groups, self._longest, self._size = groups, longest, netlist.size
        self._spaces = [g.array("_spikespace") if g.neuron.fires else np.zeros(1, np.int32) for g in groups]
        # Populations lie side by side in a group; the recorder counts neurons in the order of the netlist.
        self._place = [
            np.concatenate([np.arange(c.start, c.start + c.size, dtype=np.int32) for c in g.cells]) for g in groups
        ]
        self._single = len(groups) == 1 and bool(np.array_equal(self._place[0], np.arange(netlist.size)))
        self.fired = np.zeros(netlist.size, np.int64)
        """Spikes of every neuron so far."""
        self.lately: list[Fired] = [[] for _ in groups]
        """The spikes of the last steps, by group: those the synapses still hold."""
        self._now: list[Fired] = [[] for _ in groups]
        home = {cells.name: g for g in groups for cells in g.cells}
        self._samples = [
            _Samples(number, p, netlist, home[p.of], dt) for number, p in enumerate(probes) if p.reduce != "rate"
        ]

    def before(self, step: int) -> None:
        """Look at the probes, at the start of `step`."""
        for s in self._samples:
            if step % s.every == 0 and not s.emitted:
                s.look()

    def after(self, step: int) -> None:
        """Take down who fired in `step`, and the values emitted in it."""
        for space, now in zip(self._spaces, self._now, strict=True):
            count = space[-1]
            if count:
                now.append((step, space[:count].copy()))
        for s in self._samples:
            if s.emitted and step % s.every == 0:
                s.look()

    def close(self, start: int, stop: int, recorder: Recorder) -> None:
        """Hand over the window of steps `start` to `stop`."""
        parts: Fired = []
        for number, place in enumerate(self._place):
            now, self._now[number] = self._now[number], []
            self.lately[number] = [(s, f) for s, f in self.lately[number] + now if s >= stop - self._longest[number]]
            parts += now if self._single else [(s, place[f]) for s, f in now]
        steps = np.repeat(np.array([s for s, _ in parts], np.int64), [f.size for _, f in parts])
        neurons = np.concatenate([f for _, f in parts]) if parts else np.zeros(0, np.int32)
        if not self._single:
            order = np.lexsort((neurons, steps))
            steps, neurons = steps[order], neurons[order]
        self.fired += np.bincount(neurons, minlength=self._size)
        recorder.add(steps, neurons)
        for s in self._samples:
            s.close(start, stop, recorder)

    def units(self) -> dict[str, str]:
        """The SI unit of each probed state, by the name of its trace."""
        return {s.probe.name: s.unit for s in self._samples}


@final
class _Samples:
    """The values of one probe in the window under way."""

    def __init__(self, number: int, probe: Probe, netlist: Netlist, group: Group, dt: float) -> None:
        known = [
            n
            for n in group.brian.equations.names
            if n != "current" and n not in group.extra and not n.startswith(("arrivals_", "step_", "valued_"))
            if not (group.discrete and n == "ready")
        ]
        self.emitted = group.valued
        """Whether it is looked at after the step; of neurons that emit values there is y alone."""
        if group.valued:
            known = ["y"]
        if probe.variable not in known:
            raise unknown("variable", probe.variable, known)
        self.number, self.probe, self.every = number, probe, probe.steps(dt)
        self.unit = _symbol(group.brian.variables[probe.variable].dim)
        first = group.first[probe.of]
        self._index: Any = first + probe.neurons(netlist)
        if probe.which is None:
            self._index = slice(first, first + netlist.populations[probe.of].size)
        self._values = group.array(probe.variable)
        self._rows: list[Any] = []

    def look(self) -> None:
        values = self._values[self._index]
        self._rows.append(np.array([values.mean()]) if self.probe.reduce == "mean" else values.copy())

    def close(self, start: int, stop: int, recorder: Recorder) -> None:
        if self._rows:
            steps = np.arange(-(-start // self.every) * self.every, stop, self.every)
            recorder.put(self.number, steps, np.array(self._rows, np.float64))
            self._rows = []


def _symbol(dimensions: Any) -> str:
    """The SI unit of a Brian2 dimension, as a reader writes it."""
    from brian2.units.fundamentalunits import get_unit  # noqa: PLC0415

    if dimensions.is_dimensionless:
        return ""
    text = repr(get_unit(dimensions))
    plain = {
        "volt": "V",
        "amp": "A",
        "siemens": "S",
        "second": "s",
        "ohm": "Ω",
        "farad": "F",
        "hertz": "Hz",
        "metre": "m",
        "meter": "m",
    }
    return plain.get(text, text)
