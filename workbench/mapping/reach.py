"""Reach: which cores the spikes of every neuron go to, and how many synapses wait there; never a table of neurons × cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Block, Netlist

__all__ = ["STORED", "Reach", "Reached", "Synapses", "in_degree", "reach", "synapses"]

STORED = ("synaptic operation", "dense operation", "shared operation")
"""How synapses may be stored; see Wiring.storage."""

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
    from workbench.kernels import reach as kernel  # noqa: PLC0415  compiled kernels only when something is mapped

    counts = np.zeros(netlist.size, np.int64)
    for block, start, targets in (rows or synapses(netlist))():
        kernel.count_targets(start, targets, counts[netlist.populations[block.target].span])
    return counts


def reach(netlist: Netlist, core_of: NDArray[np.int32], rows: Synapses | None = None) -> Reached:
    """Which cores everyone reaches when neuron n lies on `core_of[n]`; memory grows with the different (sender, core) found."""
    from workbench.kernels import reach as kernel  # noqa: PLC0415

    cores = int(core_of.max(initial=-1)) + 1
    storage = {b.rule.storage for b in netlist.projections.values() if not isinstance(b.kind, (Gap, Current))}
    kinds = tuple(k for k in STORED if k in storage) or STORED[:1]
    found: dict[str, Reach] = {}
    for block, start, targets in (rows or synapses(netlist))():
        one = _of_block(kernel, block, start, targets, core_of[netlist.populations[block.target].span], cores, kinds)
        found[block.source] = _together(kernel, found[block.source], one) if block.source in found else one
    synapses_of, axons_in = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    for one in found.values():
        kernel.count_cores(one.core, one.by_kind, axons_in, synapses_of)
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
    leaves = np.diff(inside.start)
    return Reached(
        inside=inside,
        synapses=synapses_of,
        axons_in=axons_in,
        axons_out=np.bincount(core_of, leaves, minlength=cores).astype(np.int64),
    )


def _of_block(
    kernel: Any,
    block: Block,
    start: NDArray[np.int64],
    targets: NDArray[Any],
    core: NDArray[np.int32],
    cores: int,
    kinds: tuple[str, ...],
) -> Reach:
    sizes = np.zeros(block.sizes[0], np.int64)
    kernel.reach_sizes(start, targets, core, cores, sizes)
    at = _starts(sizes)
    reached, operations = np.empty(int(at[-1]), np.int32), np.zeros((len(kinds), int(at[-1])), np.int32)
    kernel.reach_fill(start, targets, core, cores, at, reached, operations[kinds.index(block.rule.storage)])
    return Reach(at, reached, operations, kinds)


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
