"""What a run costs: events counted by window and core, and the chip time they take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.event import plain
from workbench.backends.event.cores import Fan, sum_at
from workbench.backends.event.timing import ChipClock, work_of
from workbench.chips.event import EventChip
from workbench.recordings.ledger import Ledger

__all__ = ["Meter"]

_TIMED = (
    "active update",
    "inactive update",
    "outside operation",
    "core step",
    "spike",
    "packet",
    "packet received",
    "synaptic operation",
    "dense operation",
    "shared operation",
)
"""The prices the clock asks for, in its order."""


@final
class Meter:
    """Counts of the ledger's windows so far, and the chip's clock.

    What happens at a synapse is counted when its spike is sent, so the counts are linear in the spikes of each neuron; only
    updates and outside spikes have to be counted as they happen.
    """

    def __init__(self, fan: Fan, chip: EventChip, dt: float, steps: int, window: float | None) -> None:
        self.fan, self.chip, self.dt = fan, chip, dt
        self.every = max(1, round(window / dt)) if window else max(1, steps)
        """Steps of a window."""
        cores = len(fan.placement.cores)
        Ledger.room(math.ceil(max(1, steps) / self.every), cores, len(chip.events))
        self.step = 0
        self.clock = 0.0
        self._home, self._sent = fan.core_of.astype(np.int32), fan.per_spike["packet"].astype(np.int32)
        self._neurons = np.bincount(fan.core_of, minlength=cores).astype(np.int64)
        self._tiles = len({c.tile for c in fan.placement.cores})
        self._done: list[NDArray[np.int64]] = []
        self._links: list[NDArray[np.int64]] = []
        self._times: list[float] = []
        self._spikes = np.zeros(fan.core_of.size, np.int64)
        self._active, self._outside = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
        self._begin, self._begin_clock = 0, 0.0
        price = chip.prices
        self._compiled = False
        self._network: ChipClock | None = None
        if chip.timing != "simple":
            single, dense, shared = fan.by_kind
            self._network = ChipClock(
                chip,
                core_of=fan.core_of,
                tiles=np.array([c.tile for c in fan.placement.cores], np.int32).reshape(-1, 2),
                start=fan.arrays["start"],
                core=fan.arrays["core"],
                work=work_of(chip, synaptic=single, dense=dense, shared=shared),
                detours=fan.ways.detours,
                channels=fan.ways.channels,
            )
        self._seconds = np.array([*(price[e].seconds for e in _TIMED), chip.barrier(self._tiles)])

    def left(self) -> int:
        """Steps to the end of this window."""
        return self.every - self.step % self.every

    def add(
        self,
        spike_step: NDArray[np.int64],
        spike_neuron: NDArray[np.int32],
        active: NDArray[np.int32],
        outside: NDArray[np.int32],
        *,
        compiled: bool = True,
    ) -> None:
        """Count some steps of one window: spikes in order, active updates and outside operations as (steps, cores).

        By `compiled` loops, or in NumPy where these need not be loaded; the counts and times are the same.
        """
        fan = self.fan
        self._compiled = compiled
        self._spikes += np.bincount(spike_neuron, minlength=self._spikes.size)
        self._active += active.sum(axis=0, dtype=np.int64)
        self._outside += outside.sum(axis=0, dtype=np.int64)
        if self._network is None:
            self.clock = self._loops.simple(
                self.step,
                spike_step,
                spike_neuron,
                fan.arrays["start"],
                fan.packed,
                self._home,
                self._sent,
                active,
                outside,
                self._neurons,
                self._seconds,
                self.clock,
                *((fan.table,) if compiled else ()),
            )
        else:
            took = self._network.advance(
                spike_step - self.step, spike_neuron, active=active, inactive=self._neurons - active, outside=outside
            )
            for seconds in took.seconds.tolist():  # one by one, so that no cut of a run changes a bit
                self.clock += seconds
        self.step += len(active)
        if self.step % self.every == 0:
            self._close()

    @property
    def _loops(self) -> Any:
        if not self._compiled:
            return plain
        from workbench.kernels.event import clock  # noqa: PLC0415  compiled kernels only when something runs compiled

        return clock

    def _close(self) -> None:
        self._done.append(self._counts())
        self._links.append(self.fan.link_loads(self._spikes))
        self._times.append(self.clock - self._begin_clock)
        for counted in (self._spikes, self._active, self._outside):
            counted[:] = 0
        self._begin, self._begin_clock = self.step, self.clock

    def _counts(self) -> NDArray[np.int64]:
        fan, fired, cores = self.fan, self._spikes, self._active.size
        received, synaptic, dense, shared = self._loops.tally(fan.arrays["start"], fan.packed, fired, cores)
        table = {
            "core step": np.full(cores, self.step - self._begin),
            "active update": self._active,
            "inactive update": self._neurons * (self.step - self._begin) - self._active,
            "synaptic operation": synaptic,
            "dense operation": dense,
            "shared operation": shared,
            "outside operation": self._outside,
            "spike": sum_at(fan.core_of, fired, cores),
            "packet received": received,
        }
        table |= {event: sum_at(fan.core_of, per_spike * fired, cores) for event, per_spike in fan.per_spike.items()}
        return np.stack([table[e] for e in self.chip.events], axis=1).astype(np.int64)

    def ledger(self) -> Ledger:
        """Everything so far; the last window may be cut short."""
        open_window = self.step > self._begin or not self._done
        counts = [*self._done, *([self._counts()] if open_window else [])]
        links = [*self._links, *([self.fan.link_loads(self._spikes)] if open_window else [])]
        times = [*self._times, *([self.clock - self._begin_clock] if open_window else [])]
        edges = [self.every * k for k in range(len(counts))] + [self.step]
        return Ledger(
            counts=np.stack(counts),
            windows=np.array(edges) * self.dt,
            places=tuple(c.name for c in self.fan.placement.cores),
            events=self.chip.events,
            prices={event: self.chip.prices[event] for event in self.chip.events},
            timing=self.chip.timing,
            chip_times=np.array(times) if len(times) > 1 else np.array([self.clock]),
            links=np.stack(links),
        )

    # --- saving ---

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything counted, as arrays."""
        done = np.stack(self._done) if self._done else np.zeros((0, self._active.size, len(self.chip.events)), np.int64)
        queues = {} if self._network is None else {f"queues.{k}": v for k, v in self._network.save().items()}
        return queues | {
            "meter.done": done,
            "meter.times": np.array(self._times),
            "meter.spikes": self._spikes,
            "meter.links": np.stack(self._links) if self._links else np.zeros(0, np.int64),
            "meter.active": self._active,
            "meter.outside": self._outside,
            "meter.clock": np.array([self.clock, self._begin_clock]),
            "meter.step": np.array([self.step, self._begin, self.every]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self._done, self._links = list(arrays["meter.done"]), list(arrays["meter.links"])
        self._times = arrays["meter.times"].tolist()
        for name in ("spikes", "active", "outside"):
            setattr(self, f"_{name}", arrays[f"meter.{name}"].copy())
        self.clock, self._begin_clock = arrays["meter.clock"].tolist()
        self.step, self._begin, self.every = arrays["meter.step"].tolist()
        if self._network is not None:
            self._network.resume({k.removeprefix("queues."): v for k, v in arrays.items() if k.startswith("queues.")})
