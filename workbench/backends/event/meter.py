"""What a run costs: events counted by window and core, and the chip time they take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.event import plain
from workbench.backends.event.cores import Fan
from workbench.backends.event.timing import ChipClock
from workbench.chips.event import EventChip
from workbench.recordings.ledger import Ledger

__all__ = ["Meter", "padded"]

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

DENSE = 4_000_000
"""Up to so many pairs of cores packets are counted in one table; of more the links follow from each neuron's."""

_EIGHT = 8


def padded(cores: int) -> int:
    """Columns of a table by core: the compiled clock computes the times of eight cores side by side."""
    return -(-cores // _EIGHT) * _EIGHT


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
        self._neurons = np.bincount(fan.core_of, minlength=cores).astype(np.int64)
        self._padded = np.zeros(padded(cores), np.int32)
        self._padded[:cores] = self._neurons
        self._tiles = len({c.tile for c in fan.placement.cores})
        self._done: list[NDArray[np.int64]] = []
        self._links: list[NDArray[np.int64]] = []
        self._times: list[float] = []
        self._senders = fan.senders()
        self._spikes = self._senders[:, 0]
        self._counted = np.zeros((6, padded(cores)), np.int64)
        self._active, self._outside, *self._heard = self._counted[:, :cores]
        # Packets received and operations of the three kinds by core: only the simple clock counts them as it goes.
        self._begin, self._begin_clock = 0, 0.0
        price = chip.prices
        self._compiled = False
        self._network: ChipClock | None = None
        if chip.timing != "simple":
            self._network = fan.clock.anew()
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
        """Count some steps of one window: spikes in order, active updates and outside operations as (steps, cores padded).

        By `compiled` loops, or in NumPy where these need not be loaded; the counts and times are the same.
        """
        fan = self.fan
        self._compiled = compiled
        if self._network is None:
            self.clock = self._loops.simple(
                self.step,
                spike_step,
                spike_neuron,
                fan.arrays["start"],
                fan.packed,
                self._senders,
                active,
                outside,
                self._padded,
                self._seconds,
                self.clock,
                self._counted,
                self._table,
            )
        else:
            active, outside = active[:, : self._active.size], outside[:, : self._active.size]
            self._active += active.sum(axis=0, dtype=np.int64)
            self._outside += outside.sum(axis=0, dtype=np.int64)
            self._spikes += np.bincount(spike_neuron, minlength=self._spikes.size).astype(np.uint32)
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

    @property
    def _table(self) -> Any:
        return self.fan.table if self._compiled else None

    def _close(self) -> None:
        counts, links = self._counts()
        self._done.append(counts)
        self._links.append(links)
        self._times.append(self.clock - self._begin_clock)
        self._spikes[:], self._counted[:] = 0, 0
        self._begin, self._begin_clock = self.step, self.clock

    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The events of this window so far by core and kind, and its packets over every link."""
        fan, cores, steps = self.fan, self._active.size, self.step - self._begin
        fired = self._spikes.astype(np.int64)
        start, packed = fan.arrays["start"], fan.packed
        heard = self._heard if self._network is None else self._loops.tally(start, packed, fired, cores)
        sent = np.zeros((1 + len(fan.per_spike), cores), np.int64)
        by_cores = fan.ways.by_cores and cores * cores <= DENSE
        columns = self._table.columns if self._compiled else cores
        traffic = np.zeros((cores, columns) if by_cores else (0, 0), np.int64)
        self._loops.account(self._senders, fan.on_the_way, start, packed, self._table, sent, traffic)
        received, synaptic, dense, shared = heard
        table = {
            "core step": np.full(cores, steps),
            "active update": self._active,
            "inactive update": self._neurons * steps - self._active,
            "synaptic operation": synaptic,
            "dense operation": dense,
            "shared operation": shared,
            "outside operation": self._outside,
            "spike": sent[0],
            "packet received": received,
        }
        table |= dict(zip(fan.per_spike, sent[1:], strict=True))
        links = fan.ways.loads_of(traffic[:, :cores]) if by_cores else fan.ways.link_loads(fired)
        return np.stack([table[e] for e in self.chip.events], axis=1).astype(np.int64), links

    def ledger(self) -> Ledger:
        """Everything so far; the last window may be cut short."""
        open_window = self.step > self._begin or not self._done
        last = [self._counts()] if open_window else []
        counts, links = [*self._done, *(c for c, _ in last)], [*self._links, *(x for _, x in last)]
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
            "meter.spikes": self._spikes.astype(np.int64),
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
            getattr(self, f"_{name}")[:] = arrays[f"meter.{name}"]
        self.clock, self._begin_clock = arrays["meter.clock"].tolist()
        self.step, self._begin, self.every = arrays["meter.step"].tolist()
        heard = plain.tally(self.fan.arrays["start"], self.fan.packed, arrays["meter.spikes"], self._active.size)
        self._counted[2:, : self._active.size] = heard
        if self._network is not None:
            self._network.resume({k.removeprefix("queues."): v for k, v in arrays.items() if k.startswith("queues.")})
