"""What a run on a crossbar costs: events by window and array, and the time the chip would take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.clockwork import Stage
from workbench.backends.crossbar.matrix import Matrix
from workbench.chips.crossbar import EVENTS, CrossbarChip
from workbench.circuits.unfold import Netlist
from workbench.recordings.ledger import Ledger

__all__ = ["DIGITAL", "Meter"]

DIGITAL = "digital"
"""The place of what is no array: neurons, and what arrives from outside without a matrix."""

_AT = {event: k for k, event in enumerate(EVENTS)}


@final
class Meter:
    """Counts by window: each array's own, and one place for neurons and what comes one-to-one from outside.

    A step takes as long as its reads: matrices that wait for nothing of the same step are read side by side, layers of delay 0 one after
    the other; then all neurons are updated at once. A row block without input is not read.
    """

    def __init__(
        self,
        netlist: Netlist,
        chip: CrossbarChip,
        matrices: Mapping[str, Matrix],
        delays: Mapping[str, int],
        stages: tuple[Stage, ...],
        *,
        dt: float,
        steps: int,
        window: float | None,
    ) -> None:
        self.chip, self.matrices, self.dt = chip, matrices, dt
        self.every = max(1, round(window / dt)) if window else max(1, steps)
        places = sum(m.cut.arrays for m in matrices.values()) + 1
        Ledger.room(math.ceil(max(1, steps) / self.every), places, len(EVENTS))
        self._neurons = netlist.size
        self._level = _levels(netlist, matrices, delays, stages)
        self._places = [f"tile {a.piece.array}" for m in matrices.values() for a in m.arrays] + [DIGITAL]
        self.step, self._begin = 0, 0
        self.clock, self._begin_clock = 0.0, 0.0
        self._done: list[NDArray[np.int64]] = []
        self._times: list[float] = []
        self._digital = np.zeros(len(EVENTS), np.int64)
        self._before = np.zeros((places - 1, len(EVENTS)), np.int64)
        """What the arrays had counted when this window began."""
        self._busy = np.zeros((0, 0))

    def left(self) -> int:
        """Steps to the end of this window."""
        return self.every - self.step % self.every

    def open(self, steps: int) -> None:
        """Get ready for some steps of this window."""
        self._busy = np.zeros((max(self._level.values(), default=0) + 1, steps))

    def reads(self, name: str, emitted: NDArray[np.float64], first: int) -> None:
        """A matrix is read for what was emitted from step `first` on."""
        busy = self._busy[self._level[name], first - self.step : first - self.step + len(emitted)]
        np.maximum(busy, emitted.any(axis=1) * self.matrices[name].seconds, out=busy)

    def direct(self, emitted: NDArray[np.float64]) -> None:
        """Something arrives one-to-one from outside."""
        self._digital[_AT["outside operation"]] += int(np.abs(emitted).sum()) if emitted.size else 0

    def add(self, spikes: int) -> None:
        """Close the steps that `open` began."""
        steps = self._busy.shape[1]
        self._digital[_AT["neuron update"]] += self._neurons * steps
        self._digital[_AT["spike"]] += spikes
        update = self.chip.prices["neuron update"].seconds
        for seconds in self._busy.sum(axis=0).tolist():  # one by one, so that no cut of a run changes a bit
            self.clock += seconds + update
        self.step += steps
        if self.step % self.every == 0:
            self._done.append(self._counts())
            self._times.append(self.clock - self._begin_clock)
            self._before, self._digital = self._arrays(), np.zeros_like(self._digital)
            self._begin, self._begin_clock = self.step, self.clock

    def _arrays(self) -> NDArray[np.int64]:
        parts = [m.tally for m in self.matrices.values()]
        return np.concatenate(parts) if parts else np.zeros((0, len(EVENTS)), np.int64)

    def _counts(self) -> NDArray[np.int64]:
        made = np.concatenate([self._arrays() - self._before, self._digital[None, :]])
        if not self._done:  # the first window carries the writing
            pulses = [a.cells.pulses for m in self.matrices.values() for a in m.arrays]
            made[:-1, _AT["write pulse"]] += np.array(pulses, np.int64)
        return made

    def ledger(self) -> Ledger:
        """Everything so far; the last window may be cut short."""
        open_window = self.step > self._begin or not self._done
        counts = [*self._done, *([self._counts()] if open_window else [])]
        times = [*self._times, *([self.clock - self._begin_clock] if open_window else [])]
        edges = [self.every * k for k in range(len(counts))] + [self.step]
        return Ledger(
            counts=np.stack(counts),
            windows=np.array(edges) * self.dt,
            places=tuple(self._places),
            events=EVENTS,
            prices=self.chip.prices,
            timing="reads in turn",
            chip_times=np.array(times) if len(times) > 1 else np.array([self.clock]),
        )

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything counted, as arrays."""
        return {
            "meter.done": np.stack(self._done) if self._done else np.zeros((0, *self._counts().shape), np.int64),
            "meter.times": np.array(self._times),
            "meter.digital": self._digital,
            "meter.before": self._before,
            "meter.clock": np.array([self.clock, self._begin_clock]),
            "meter.step": np.array([self.step, self._begin, self.every]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self._done, self._times = list(arrays["meter.done"]), arrays["meter.times"].tolist()
        self._digital, self._before = arrays["meter.digital"].copy(), arrays["meter.before"].copy()
        self.clock, self._begin_clock = arrays["meter.clock"].tolist()
        self.step, self._begin, self.every = arrays["meter.step"].tolist()


def _levels(
    netlist: Netlist, matrices: Mapping[str, Matrix], delays: Mapping[str, int], stages: tuple[Stage, ...]
) -> dict[str, int]:
    """How many reads of the same step each matrix waits for."""
    depth = dict.fromkeys((*netlist.sources, *netlist.populations), 0)
    for stage in stages:
        for name in stage.populations:
            behind = [
                depth[b.source] + 1
                for b in netlist.projections.values()
                if b.target == name and b.name in matrices and delays[b.name] == 0
            ]
            depth[name] = max([0, *behind])
    return {name: depth[netlist.projections[name].source] for name in matrices}
