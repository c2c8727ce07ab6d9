"""Reach: which cores the spikes of every neuron go to, and how many synapses wait there; never a table of neurons × cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Block, Netlist

__all__ = ["SMALL", "STORED", "Reach", "Reached", "Synapses", "in_degree", "reach", "synapses"]

STORED = ("synaptic operation", "dense operation", "shared operation")
"""How synapses may be stored; see Wiring.storage."""

SMALL = 2_000_000
"""Up to so many synapses or pairs NumPy does the work: nothing need be compiled before a small network runs."""

PIECE = 1 << 18

Synapses = Callable[[], Iterable[tuple[Block, NDArray[np.int64], NDArray[Any]]]]
"""Goes through the blocks that send spikes: each with its rows, the targets of source i being `targets[start[i]:start[i + 1]]`."""


@final
@dataclass(frozen=True, eq=False)
class Reach:
    """The cores of each sender as rows: those of sender i are `core[start[i]:start[i + 1]]`, ascending, each once."""

    start: NDArray[np.int64]
    core: NDArray[np.int32]
    by_kind: NDArray[np.int32]
    """Synapses of that sender on that core, one row for each of `kinds`."""
    kinds: tuple[str, ...]

    @property
    def operations(self) -> NDArray[np.int32]:
        """Synapses of each sender on each of its cores, however they are stored."""
        return self.by_kind[0] if len(self.kinds) == 1 else self.by_kind.sum(axis=0, dtype=np.int32)

    def stored(self, kind: str) -> NDArray[np.int32] | None:
        """Synapses stored in one way ("dense operation", …), in the order of `core`; None where the netlist has none."""
        return self.by_kind[self.kinds.index(kind)] if kind in self.kinds else None

    @property
    def senders(self) -> NDArray[np.int64]:
        """The sender of each entry of `core`."""
        return np.repeat(np.arange(self.start.size - 1), np.diff(self.start))

    @property
    def pairs(self) -> int:
        """How many different (sender, core) there are: packets when everyone fires once."""
        return int(self.start[-1])


@final
@dataclass(frozen=True, eq=False)
class Reached:
    """The reach of all neurons, and what it asks of each core."""

    inside: Reach
    synapses: NDArray[np.int64]
    """Synapses by core, those of outside sources too."""
    axons_in: NDArray[np.int64]
    """Different senders by core, outside sources too."""
    axons_out: NDArray[np.int64]
    """Destinations (neuron and core) of the neurons of each core."""


def synapses(netlist: Netlist) -> Synapses:
    """The rows of a netlist, made from its rules one block at a time; gap junctions and currents send no spikes."""

    def each() -> Iterable[tuple[Block, NDArray[np.int64], NDArray[Any]]]:
        for block in netlist.projections.values():
            if not isinstance(block.kind, (Gap, Current)):
                rows = block.rows()
                yield block, rows.start, rows.targets

    return each


def in_degree(netlist: Netlist, rows: Synapses | None = None) -> NDArray[np.int64]:
    """How many synapses end at each neuron, outside ones too."""
    counts = np.zeros(netlist.size, np.int64)
    for block, start, targets in (rows or synapses(netlist))():
        mine = counts[netlist.populations[block.target].span]
        if start[-1] <= SMALL:
            mine += np.bincount(targets, minlength=mine.size)
        else:
            from workbench.kernels import reach as kernel  # noqa: PLC0415  compiled kernels only for what is large

            kernel.count_targets(start, targets, mine)
    return counts


def reach(netlist: Netlist, core_of: NDArray[np.int32], rows: Synapses | None = None) -> Reached:
    """Which cores everyone reaches when neuron n lies on `core_of[n]`; memory grows with the different (sender, core) found."""
    cores = int(core_of.max(initial=-1)) + 1
    storage = {b.rule.storage for b in netlist.projections.values() if not isinstance(b.kind, (Gap, Current))}
    kinds = tuple(k for k in STORED if k in storage) or STORED[:1]
    gathering: dict[str, _Gathering] = {}
    for block, start, targets in (rows or synapses(netlist))():
        going = gathering.setdefault(block.source, _Gathering(block.sizes[0], cores, kinds))
        going.add(block.rule.storage, start, targets, core_of[netlist.populations[block.target].span])
    synapses_of, axons_in = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    found = {name: going.reach() for name, going in gathering.items()}
    for one in found.values():
        for first in range(0, one.core.size, PIECE):  # counting widens its input: a piece at a time
            piece = slice(first, first + PIECE)
            axons_in += np.bincount(one.core[piece], minlength=cores)
            for kind in one.by_kind:
                synapses_of += np.bincount(one.core[piece], kind[piece], minlength=cores).astype(np.int64)
    sizes = [
        np.diff(found[name].start) if name in found else np.zeros(cells.size, np.int64)
        for name, cells in netlist.populations.items()
    ]
    parts = [found.pop(name) for name in netlist.populations if name in found]
    core = [p.core for p in parts] or [np.zeros(0, np.int32)]
    by_kind = [p.by_kind for p in parts] or [np.zeros((len(kinds), 0), np.int32)]
    del parts
    inside = Reach(
        start=_starts(np.concatenate(sizes)),
        core=core[0] if len(core) == 1 else np.concatenate(core),
        by_kind=by_kind[0] if len(by_kind) == 1 else np.concatenate(by_kind, axis=1),
        kinds=kinds,
    )
    return Reached(
        inside=inside,
        synapses=synapses_of,
        axons_in=axons_in,
        axons_out=np.bincount(core_of, np.diff(inside.start), minlength=cores).astype(np.int64),
    )


class _Gathering:
    """The reach of one population or source, block by block: sorted keys while it is small, compiled loops when it is not.

    Where there are twice as many synapses as senders × cores, nearly every pair is found: then that table is kept, which is no larger
    than the synapses themselves.
    """

    def __init__(self, senders: int, cores: int, kinds: tuple[str, ...]) -> None:
        self.senders, self.cores, self.kinds = senders, cores, kinds
        self.keys: list[NDArray[np.int64]] = []
        self.synapses = 0
        self.found: Reach | None = None
        self.table: NDArray[np.int32] | None = None

    def add(self, storage: str, start: NDArray[np.int64], targets: NDArray[Any], core: NDArray[np.int32]) -> None:
        """Take the rows of one block, whose targets lie on `core`."""
        kind = self.kinds.index(storage)
        self.synapses += int(start[-1])
        if self.synapses <= SMALL:
            sender = np.repeat(np.arange(self.senders), np.diff(start))
            self.keys.append((sender * self.cores + core[targets]) * len(self.kinds) + kind)
            return
        from workbench.kernels import reach as kernel  # noqa: PLC0415  compiled kernels only for what is large

        if self.table is None and self.synapses >= 2 * self.senders * self.cores:
            self.table = np.zeros((len(self.kinds), self.senders, self.cores), np.int32)
            old = self._sorted()
            if old is not None:
                self.table[:, old.senders, old.core] = old.by_kind
        if self.table is not None:
            kernel.add_rows(start, targets, core, self.table[kind])
            return
        sizes = np.zeros(self.senders, np.int64)
        kernel.reach_sizes(start, targets, core, self.cores, sizes)
        at = _starts(sizes)
        reached, operations = np.empty(int(at[-1]), np.int32), np.zeros((len(self.kinds), int(at[-1])), np.int32)
        kernel.reach_fill(start, targets, core, self.cores, at, reached, operations[kind])
        one, old = Reach(at, reached, operations, self.kinds), self._sorted()
        self.found = one if old is None else _together(kernel, old, one)

    def reach(self) -> Reach:
        """All that was taken."""
        if self.table is None:
            return self._sorted() or Reach(
                np.zeros(self.senders + 1, np.int64), np.zeros(0, np.int32), np.zeros((len(self.kinds), 0), np.int32), self.kinds
            )  # fmt: skip
        any_kind = self.table[0] if len(self.kinds) == 1 else self.table.any(axis=0)
        from workbench.kernels import reach as kernel  # noqa: PLC0415

        start = _starts(np.count_nonzero(any_kind, axis=1))
        core, by_kind = np.empty(int(start[-1]), np.int32), np.empty((len(self.kinds), int(start[-1])), np.int32)
        kernel.compressed(self.table, start, core, by_kind)
        self.table = None
        return Reach(start, core, by_kind, self.kinds)

    def _sorted(self) -> Reach | None:
        """What is there besides the table; taken away from here."""
        found, self.found = self.found, None
        if self.keys:
            key, times = np.unique(np.concatenate(self.keys), return_counts=True)
            self.keys = []
            pair, kind = np.divmod(key, len(self.kinds))
            pair, where = np.unique(pair, return_inverse=True)
            by_kind = np.zeros((len(self.kinds), pair.size), np.int32)
            by_kind[kind, where] = times
            sender, core = np.divmod(pair, self.cores)
            found = Reach(
                _starts(np.bincount(sender, minlength=self.senders)), core.astype(np.int32), by_kind, self.kinds
            )
        return found


def _together(kernel: Any, a: Reach, b: Reach) -> Reach:
    sizes = np.zeros(a.start.size - 1, np.int64)
    kernel.merged_sizes(a.start, a.core, b.start, b.core, sizes)
    at = _starts(sizes)
    core, by_kind = np.empty(int(at[-1]), np.int32), np.empty((len(a.kinds), int(at[-1])), np.int32)
    kernel.merge(a.start, a.core, a.by_kind, b.start, b.core, b.by_kind, at, core, by_kind)
    return Reach(at, core, by_kind, a.kinds)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    start = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes, out=start[1:])
    return start
