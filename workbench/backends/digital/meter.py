"""What a run on a digital chip costs: events by window and core, and the cycles of every step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.digital.layout import Fan, Layout
from workbench.chips.digital import ADDRESS_BITS, EVENTS, DigitalChip
from workbench.recordings.ledger import Ledger

__all__ = ["Meter"]


@final
class Meter:
    """Counts of the ledger's windows so far, and the chip's clock; all whole numbers, so that no cut of a run can show.

    An input is multiplied in the step in which it is sent, and the sums wait in the buffer until they are due. The cycles of a step:
    layer after layer, what the slowest core needs for its multiplications (or the fetch of the weights, if that takes longer), the way
    to the farthest core, and the neurons of the next layer.
    """

    def __init__(self, layout: Layout, chip: DigitalChip, dt: float, steps: int, window: float | None) -> None:
        self.layout, self.chip, self.dt = layout, chip, dt
        self.every = max(1, round(window / dt)) if window else max(1, steps)
        """Steps of a window."""
        self._cores = len(layout.placement.cores)
        Ledger.room(math.ceil(max(1, steps) / self.every), self._cores, len(EVENTS))
        self.step = 0
        self._begin = 0
        self._cycles, self._fetches = 0, 0
        self._active = {n: np.zeros(f.macs.shape[0], np.int64) for n, f in layout.fans.items()}
        self._times = {n: np.zeros(f.macs.shape[0], np.int64) for n, f in layout.fans.items() if f.outside}
        self._done: list[NDArray[np.int64]] = []
        self._took: list[int] = []
        self._spikes: list[NDArray[np.int64]] = [np.zeros(self._cores, np.int64)]
        self._sent: dict[str, list[NDArray[Any]]] = {n: [] for n in layout.fans}
        fetch = chip.bandwidth / chip.clock
        self._fetch_cycles = [math.ceil(b / fetch) if chip.memory == "fetched" else 0 for b in layout.memory_stages]
        self._update_cycles = sum(-(-int(row.max(initial=0)) // chip.updates) for row in layout.updates)
        # One row for all inputs where every input goes to the same places.
        self._alike = {n: _alike(f) for n, f in layout.fans.items()}
        self._all = {n: np.asarray(f.macs.sum(axis=0), np.int64).reshape(-1) for n, f in layout.fans.items()}

    def left(self) -> int:
        """Steps to the end of this window."""
        return self.every - self.step % self.every

    def sent(self, sender: str, rows: NDArray[Any]) -> None:
        """Note what a sender emits in the next steps, in order."""
        self._sent[sender].append(rows)

    def close(self, steps: int) -> None:
        """Count the steps that `sent` has told of; they lie in one window."""
        chip, layout = self.chip, self.layout
        loads = np.zeros((len(layout.memory_stages), steps, self._cores), np.int64)
        for name, fan in layout.fans.items():
            rows = np.concatenate(self._sent[name])
            self._sent[name] = []
            if chip.skip_zeros:
                active = rows != 0
                times = rows.astype(np.int64) if fan.outside else active
                self._active[name] += active.sum(axis=0)
                if fan.outside:
                    self._times[name] += times.sum(axis=0)
                loads[fan.stage + 1] += self._load(name, fan, times)
            else:
                self._active[name] += steps
                if fan.outside:
                    self._times[name] += steps
                loads[fan.stage + 1] += self._all[name]
        cycles = np.full(steps, self._update_cycles, np.int64)
        fetched = (np.arange(self.step, self.step + steps) % chip.batch == 0) if chip.memory == "fetched" else None
        for stage, load in enumerate(loads):
            work = -(-load.max(axis=1, initial=0) // chip.macs)
            if fetched is not None:
                work = np.where(fetched, np.maximum(work, self._fetch_cycles[stage]), work)
            cycles += work + int(layout.hop_steps[stage]) * chip.hop_cycles
        self._cycles += int(cycles.sum())
        self._fetches += 0 if fetched is None else int(fetched.sum())
        self.step += steps
        if self.step % self.every == 0:
            self._done.append(self._counts())
            self._took.append(self._cycles)
            self._begin, self._cycles, self._fetches = self.step, 0, 0
            for summed in (*self._active.values(), *self._times.values()):
                summed[:] = 0

    def spiked(self, steps: NDArray[np.int64], cores: NDArray[np.int64]) -> None:
        """Count spikes by the core they come from, in the windows of their steps."""
        windows = steps // self.every
        while len(self._spikes) <= int(windows.max(initial=0)):
            self._spikes.append(np.zeros(self._cores, np.int64))
        for w in np.unique(windows):
            self._spikes[w] += np.bincount(cores[windows == w], minlength=self._cores)

    def _load(self, name: str, fan: Fan, times: NDArray[Any]) -> NDArray[np.int64]:
        """Multiplications on each core in each step."""
        alike = self._alike[name]
        if alike is not None:
            return times.sum(axis=1)[:, None] * alike[None, :]
        from scipy.sparse import csr_matrix  # noqa: PLC0415

        return (csr_matrix(times.astype(np.int64)) @ fan.macs).toarray()

    def _counts(self) -> NDArray[np.int64]:
        """The open window: events by core, without spikes, which come apart."""
        chip, layout, cores = self.chip, self.layout, self._cores
        steps = self.step - self._begin
        table = {event: np.zeros(cores, np.int64) for event in EVENTS}
        sram, hop = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
        buffer = layout.update_bits * steps
        for name, fan in layout.fans.items():
            active = self._active[name]
            table["outside operation" if fan.outside else "MAC"] += (
                self._times[name] if fan.outside else active
            ) @ fan.macs
            sram += active @ fan.bits
            buffer = buffer + (active @ fan.reads) * _message(chip, fan)
            if fan.hops.any():
                hop += np.bincount(layout.home[name], active * fan.hops, cores).astype(np.int64) * _message(chip, fan)
        table["SRAM byte"], table["buffer byte"], table["hop byte"] = (-(-bits // 8) for bits in (sram, buffer, hop))
        table["DRAM byte"] = layout.memory * self._fetches
        table["neuron update"] = layout.updates.sum(axis=0) * steps
        table["core cycle"] = np.full(cores, self._cycles, np.int64)
        return np.stack([table[e] for e in EVENTS], axis=1)

    def ledger(self) -> Ledger:
        """Everything so far; the last window may be cut short."""
        open_window = self.step > self._begin or not self._done
        counts = np.stack([*self._done, *([self._counts()] if open_window else [])])
        for w, spikes in enumerate(self._spikes[: len(counts)]):
            counts[w, :, EVENTS.index("spike")] = spikes
        took = [*self._took, *([self._cycles] if open_window else [])]
        edges = [self.every * k for k in range(len(counts))] + [self.step]
        return Ledger(
            counts=counts,
            windows=np.array(edges) * self.dt,
            places=tuple(c.name for c in self.layout.placement.cores),
            events=EVENTS,
            prices=self.chip.prices,
            timing="clocked",
            chip_times=np.array(took) / self.chip.clock,
        )

    # --- saving ---

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything counted, as arrays."""
        done = np.stack(self._done) if self._done else np.zeros((0, self._cores, len(EVENTS)), np.int64)
        made = {
            "meter.done": done,
            "meter.took": np.array(self._took, np.int64),
            "meter.spikes": np.stack(self._spikes),
            "meter.now": np.array([self.step, self._begin, self._cycles, self._fetches, self.every]),
        }
        made |= {f"meter.active.{n}": a for n, a in self._active.items()}
        return made | {f"meter.times.{n}": a for n, a in self._times.items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self._done, self._spikes = list(arrays["meter.done"]), list(arrays["meter.spikes"])
        self._took = arrays["meter.took"].tolist()
        self.step, self._begin, self._cycles, self._fetches, self.every = arrays["meter.now"].tolist()
        for kind, held in (("active", self._active), ("times", self._times)):
            for name in held:
                held[name] = arrays[f"meter.{kind}.{name}"].copy()


def _message(chip: DigitalChip, fan: Fan) -> int:
    """Bits of one message: a value or a spike, and who sent it where silent ones send nothing."""
    address = ADDRESS_BITS if chip.skip_zeros else 0
    return address + (chip.value_bits if fan.values else 0 if address else 1)


def _alike(fan: Fan) -> NDArray[np.int64] | None:
    rows, cores = fan.macs.shape
    if fan.macs.nnz > 4_000_000 or rows * cores > 4_000_000:
        return None
    full = fan.macs.toarray()
    return full[0] if rows and np.array_equal(full, np.broadcast_to(full[0], full.shape)) else None
