"""All populations of a network under one clock, for backends that bring a product of their own.

A backend gives the product of a projection (what its matrices make of what was emitted), and `Clockwork` does the rest: sources,
delays, the order of the populations, the neurons' own step, spikes and probes.

In step n every neuron emits a number: a spiking neuron 1.0 or 0.0, a source its count or value, a value neuron its y. What
arrives at a receptor in step n is the sum over its projections of weight · emitted(n − delay); nothing was emitted before step 0.
Values may have a delay of 0; `order` finds who must then go first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import Probe, delay_steps
from workbench.backends.cells import State, begin
from workbench.backends.recorder import Recorder
from workbench.circuits.drive import Drive
from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Block, Netlist

__all__ = ["Clockwork", "Product", "Stage", "Way", "all_ways", "order", "ways"]

Rows = NDArray[np.float64]

AHEAD = 4_000_000
"""At most so many emitted numbers are held at once; a longer window is cut, with the same result."""


# --- who goes first -------------------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Stage:
    """Populations that depend on each other, in the order they go in within a step.

    A stage that is not `recurrent` is one population without a way back to itself: what arrives in a whole window is known before
    the window begins, so its products and steps can be done at once.
    """

    populations: tuple[str, ...]
    recurrent: bool


def order(netlist: Netlist) -> tuple[Stage, ...]:
    """The populations in stages: each stage depends on itself and on the stages before it alone."""
    onward: dict[str, list[str]] = {name: [] for name in netlist.populations}
    instant: dict[str, list[str]] = {name: [] for name in netlist.populations}
    for block in netlist.projections.values():
        if not block.external:
            onward[block.source].append(block.target)
            if block.emits == "values" and block.extremes()["delay"][0] == 0:
                instant[block.source].append(block.target)
    names = list(netlist.populations)
    if not names:
        return ()
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    place = {name: k for k, name in enumerate(names)}
    pairs = [(place[a], place[b]) for a in names for b in onward[a]]
    i, j = np.array(pairs, np.int64).reshape(-1, 2).T
    _, label = connected_components(coo_matrix((np.ones(i.size), (i, j)), (len(names),) * 2), connection="strong")
    groups: dict[int, list[str]] = {}
    for name, mark in zip(names, label.tolist(), strict=True):
        groups.setdefault(mark, []).append(name)
    between: dict[int, list[int]] = {mark: [] for mark in groups}
    for a, b in pairs:
        if label[a] != label[b]:
            between[int(label[a])].append(int(label[b]))
    return tuple(
        Stage(
            tuple(_sorted(groups[mark], instant)), len(groups[mark]) > 1 or groups[mark][0] in onward[groups[mark][0]]
        )
        for mark in _sorted(list(groups), between)
    )


def _sorted(names: Sequence[Any], onward: Mapping[Any, Sequence[Any]]) -> list[Any]:
    """Senders before those they reach, else as they stand (Kahn 1962); `Network` has refused loops."""
    inside = set(names)
    missing = dict.fromkeys(names, 0)
    for name in names:
        for after in onward[name]:
            if after in inside:
                missing[after] += 1
    made = [name for name in names if not missing[name]]
    for name in made:  # grows as it goes
        for after in onward[name]:
            if after in inside:
                missing[after] -= 1
                if not missing[after]:
                    made.append(after)
    return made


# --- what is under way ----------------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False)
class Way:
    """The synapses of one projection that have one delay (in steps): a SciPy matrix, sources × targets, of their weights."""

    block: Block
    delay: int
    weights: Any

    @property
    def key(self) -> str:
        """A name for it, the same in every run."""
        return f"{self.block.name}:{self.delay}"


def ways(block: Block, dt: float) -> list[Way]:
    """A projection by delay, in increasing order; one way where all delays are equal. Synapses between the same pair add up."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415

    i, j = block.edges()
    weights = np.broadcast_to(np.asarray(block.weight, np.float64), i.shape)
    lag = np.asarray(delay_steps(block, dt))
    if lag.ndim == 0:
        return [Way(block, int(lag), csr_matrix((weights, (i, j)), block.sizes))]
    return [
        Way(block, int(d), csr_matrix((weights[lag == d], (i[lag == d], j[lag == d])), block.sizes))
        for d in np.unique(lag)
    ]


Product = Callable[[Way, int, Rows], Rows]
"""product(way, first, emitted): what rows of emitted numbers (steps, sources), the first of step `first`, bring to the targets:
(steps, targets), in the unit of the receptor's weights."""


@final
class _Pending:
    """What is to arrive at the targets of one way, a row for each step from `start` on.

    Ways are kept apart and added up when they are due, so that no cut of a run into windows changes the order of a sum.
    """

    def __init__(self, way: Way) -> None:
        self.way, self.start = way, 0
        self.rows = np.zeros((way.delay, way.block.sizes[1]))

    def open(self, start: int, stop: int) -> None:
        """Make room for what is sent in the steps `start` to `stop`."""
        rows = np.zeros((stop - start + self.way.delay, self.rows.shape[1]))
        rows[: self.way.delay] = self.rows[start - self.start :][: self.way.delay]
        self.start, self.rows = start, rows

    def send(self, step: int, rows: Rows) -> None:
        """Take what was sent from `step` on."""
        at = step + self.way.delay - self.start
        self.rows[at : at + len(rows)] = rows


# --- all of them ----------------------------------------------------------------------------------------------------------


@final
class Clockwork:
    """All populations of a netlist under one clock, with `product` between them; its state lies between two steps.

    `product` is called with the rows a source or population emitted: many steps at once wherever the order of the stages allows
    it; inside a recurrent stage as many as the shortest delay there. Raises UnsupportedError for a neuron model or receptor without a step here.
    """

    def __init__(
        self, netlist: Netlist, dt: float, product: Product, *, probes: Sequence[Probe] = (), ways: Sequence[Way] = ()
    ) -> None:
        self.netlist, self.dt, self.step = netlist, dt, 0
        self._product = product
        self.stages = order(netlist)
        self.states = {name: begin(cells, dt) for name, cells in netlist.populations.items()}
        self.ways = list(ways) or all_ways(netlist, dt)
        self._pending = [_Pending(way) for way in self.ways]
        self._onto: dict[str, list[_Pending]] = {name: [] for name in netlist.populations}
        self._from: dict[str, list[_Pending]] = {name: [] for name in (*netlist.populations, *netlist.sources)}
        for pending in self._pending:
            self._onto[pending.way.block.target].append(pending)
            self._from[pending.way.block.source].append(pending)
        self._chunk = {stage: self._shortest(stage) for stage in self.stages}
        """Steps a stage can go at once: what it sends itself arrives that much later; 0 where it sends itself nothing."""
        self._taps = {
            name: [
                _Tap(k, p, self.states[name], netlist, dt)
                for k, p in enumerate(probes)
                if p.of == name and p.reduce != "rate"
            ]
            for name in netlist.populations
        }

    def advance(
        self,
        steps: int,
        drive: Drive,
        recorder: Recorder,
        given: Mapping[str, NDArray[Any]] | None = None,
    ) -> dict[str, int]:
        """Go on for `steps` steps; `given` is what `outside.checked_inputs` made. Returns the spikes of each population.

        Spikes and probed values go to `recorder`.
        """
        widest = sum(s.size for s in (*self.netlist.populations.values(), *self.netlist.sources.values()))
        most = max(1, AHEAD // widest)
        first, counts = self.step, dict.fromkeys(self.netlist.populations, 0)
        while self.step < first + steps:
            start, stop = self.step, min(first + steps, self.step + most)
            cut = {name: rows[start - first : stop - first] for name, rows in (given or {}).items()}
            for name, count in self._window(start, stop, drive, recorder, cut).items():
                counts[name] += count
            self.step = stop
        return counts

    def _shortest(self, stage: Stage) -> int:
        inside = [w.delay for w in self.ways if {w.block.source, w.block.target} <= set(stage.populations)]
        # What arrives in the same step comes from a population that goes before in the stage's order.
        return min((delay for delay in inside if delay), default=0) if stage.recurrent else 0

    def _window(
        self, start: int, stop: int, drive: Drive, recorder: Recorder, given: Mapping[str, NDArray[Any]]
    ) -> dict[str, int]:
        for pending in self._pending:
            pending.open(start, stop)
        for name in self.netlist.sources:
            if self._from[name]:
                self._send(name, start, _emitted(drive, name, start, stop, given))
        currents = outside.currents(self.netlist, drive, start, stop)
        emitted = {name: np.zeros((stop - start, c.size)) for name, c in self.netlist.populations.items()}
        for stage in self.stages:
            chunk = self._chunk[stage] or stop - start
            for n in range(start, stop, chunk):
                here = slice(n - start, min(n + chunk, stop) - start)
                for name in stage.populations:
                    current = currents[name][here] if name in currents else None
                    emitted[name][here] = self._many(name, n, start + here.stop, current)
                    self._send(name, n, emitted[name][here])
        return self._record(start, stop, emitted, recorder)

    def _send(self, name: str, step: int, rows: Rows) -> None:
        for pending in self._from[name]:
            pending.send(step, self._product(pending.way, step, rows))

    def _arriving(self, name: str, start: int, stop: int) -> dict[str, Rows]:
        made: dict[str, Rows] = {}
        for pending in self._onto[name]:
            rows, receptor = pending.rows[start - pending.start : stop - pending.start], pending.way.block.receptor
            made[receptor] = made[receptor] + rows if receptor in made else rows
        return made

    def _one(self, name: str, step: int, current: Rows | None) -> Rows:
        for tap in self._taps[name]:
            tap.look(step)
        return self.states[name].step({r: a[0] for r, a in self._arriving(name, step, step + 1).items()}, current)

    def _many(self, name: str, start: int, stop: int, current: Rows | None) -> Rows:
        if not any(tap.looks for tap in self._taps[name]):
            return self.states[name].steps(self._arriving(name, start, stop), current, steps=stop - start)
        return np.array(
            [self._one(name, n, None if current is None else current[n - start]) for n in range(start, stop)]
        )

    def _record(self, start: int, stop: int, emitted: Mapping[str, Rows], recorder: Recorder) -> dict[str, int]:
        steps, neurons, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], {}
        for name, cells in self.netlist.populations.items():
            counts[name] = 0
            if cells.neuron.emits == "spikes":
                at, who = np.nonzero(emitted[name])
                steps.append(at + start)
                neurons.append(who + cells.start)
                counts[name] = at.size
            for tap in self._taps[name]:
                tap.close(start, stop, emitted[name], recorder)
        at, who = np.concatenate(steps), np.concatenate(neurons)
        sort = np.lexsort((who, at))
        recorder.add(at[sort], who[sort])
        return counts

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything needed to go on, as arrays; `restore` takes it back."""
        made: dict[str, NDArray[Any]] = {"clock.step": np.array(self.step)}
        for name, state in self.states.items():
            made |= {f"cells.{name}.{key}": array for key, array in state.save().items()}
        for pending in self._pending:
            under_way = pending.rows[self.step - pending.start :][: pending.way.delay]
            made[f"way.{pending.way.key}"] = under_way.copy()
        return made

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self.step = int(arrays["clock.step"])
        for name, state in self.states.items():
            prefix = f"cells.{name}."
            state.restore({key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)})
        for pending in self._pending:
            pending.start, pending.rows = self.step, np.array(arrays[f"way.{pending.way.key}"])


def all_ways(netlist: Netlist, dt: float) -> list[Way]:
    """Every projection but those of currents, by delay, in the netlist's order."""
    return [w for b in netlist.projections.values() if not isinstance(b.kind, (Current, Gap)) for w in ways(b, dt)]


def _emitted(drive: Drive, name: str, start: int, stop: int, given: Mapping[str, NDArray[Any]]) -> Rows:
    if name in given:
        return given[name].astype(np.float64)
    if drive.sources[name].stimulus.kind == "values":
        return drive.values(name, start, stop)
    return drive.counts(name, start, stop).astype(np.float64)


@final
class _Tap:
    """The values of one probe in the window under way."""

    def __init__(self, number: int, probe: Probe, state: State, netlist: Netlist, dt: float) -> None:
        self._number, self._probe, self._state, self._every = number, probe, state, probe.steps(dt)
        self._which = probe.neurons(netlist)
        self.looks = probe.variable != "y" or state.cells.neuron.emits != "values"
        """Whether it looks at states, at the start of a step; else it keeps what is emitted in the step."""
        if self.looks:
            state.values(probe.variable)
        self._rows: list[Rows] = []

    def look(self, step: int) -> None:
        if self.looks and step % self._every == 0:
            self._rows.append(self._reduced(self._state.values(self._probe.variable)[self._which]))

    def _reduced(self, values: Rows) -> Rows:
        return np.array([values.mean()]) if self._probe.reduce == "mean" else values.copy()

    def close(self, start: int, stop: int, emitted: Rows, recorder: Recorder) -> None:
        at = np.arange(-(-start // self._every) * self._every, stop, self._every)
        if not self.looks:
            self._rows = [self._reduced(emitted[n - start][self._which]) for n in at]
        if self._rows:
            recorder.put(self._number, at, np.array(self._rows, np.float64))
            self._rows = []
