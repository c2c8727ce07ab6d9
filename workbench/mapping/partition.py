"""Partition: neurons over cores, in order, or those together that listen to the same senders."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.circuits.unfold import Netlist
from workbench.mapping.reach import Synapses, in_degree, reach, synapses

__all__ = ["PINS", "WORK", "clustered", "fill"]

PINS = 10_000_000
"""The clustering looks at no more (sender, target) pairs than this; of a larger network it takes every k-th sender as a sample."""

WORK = 200_000_000
"""About how many entries the clustering may look at, in growing and in refining each; it bounds the time to some seconds."""

THOROUGH = 20_000_000
"""A network that asks for less work than this is grown in three ways, a larger one in one."""

PASSES = 20
"""At most so often every neuron is asked for a better core."""


def fill(in_degree: NDArray[np.int64], *, neurons: int, synapses: int) -> NDArray[np.int32]:
    """The core of each neuron (int32), filling one core after the other up to `neurons` and `synapses`.

    A single neuron with more synapses than a core holds gets a core of its own; the placement's check then names it.
    """
    size = in_degree.size
    core = np.empty(size, np.int32)
    if size == 0:
        return core
    total = np.concatenate([[0], np.cumsum(in_degree)])
    first, number = 0, 0
    while first < size:
        by_synapses = int(np.searchsorted(total, total[first] + synapses, side="right")) - 1
        last = min(size, first + neurons, max(by_synapses, first + 1))
        core[first:last] = number
        first, number = last, number + 1
    return core


def clustered(
    netlist: Netlist,
    chip: EventChip,
    *,
    rates: NDArray[np.float64] | None = None,
    rows: Synapses | None = None,
) -> NDArray[np.int32]:
    """The core of each neuron, so that few packets are sent: few different (sender, core), weighted by `rates` if given.

    Cores are grown one after the other, each taking the neuron that asks for fewest senders the core does not hear yet, and then
    neurons move or change places as long as packets are saved. Several ways of growing, and the sequential order itself, are tried;
    the cheapest wins, so there are never more packets than in sequential order. The neurons of a core need not follow each other.
    The same network gives the same cores: nothing is drawn.

    Parameters
    ----------
    netlist, chip
        the network, and the chip whose neurons, synapses and incoming axons of a core are kept to.
    rates
        spikes of each neuron, counted or expected; by default everyone fires alike.
    rows
        where the synapses are, if they have been made already.
    """
    from workbench.kernels import reach as kernel  # noqa: PLC0415  compiled kernels only when something is mapped

    rows = rows or synapses(netlist)
    load = in_degree(netlist, rows)
    ordered = fill(load, neurons=chip.neurons_per_core, synapses=chip.synapses_per_core)
    cores = int(ordered.max(initial=-1)) + 1
    if cores < 2:
        return ordered
    every, work, start, targets = _nets(netlist, rows, cores)
    back, senders = kernel.transposed(start, targets, netlist.size)
    coarse, fine = _weights(rates, netlist.size, 15), _weights(rates, netlist.size, 1000)
    alone = _outside(kernel, netlist, rows)
    found = [ordered]
    for by in (None, 0, 1, 2) if work < THOROUGH else (None, 0):
        core = ordered.copy()
        if by is not None:
            core = kernel.grow(
                start, targets, back, senders, coarse, load, alone, chip.neurons_per_core, chip.synapses_per_core,
                chip.axons_in // every, by,
            )  # fmt: skip
        used = int(core.max()) + 1
        if used <= max(cores, chip.cores):
            kernel.refine(
                start, targets, back, senders, fine, load, chip.neurons_per_core, chip.synapses_per_core, core, used,
                PASSES, WORK // 4,
            )  # fmt: skip
            found.append(_numbered(core))
    sampled = [_asks(start, targets, core, fine, alone, chip) for core in found]
    best = found[min(range(len(found)), key=sampled.__getitem__)]
    if every > 1 and best is not ordered:  # what holds for a sample need not hold for all
        best = min((ordered, best), key=lambda core: _asks_all(netlist, core, rows, fine, chip))
    return best


def _asks(
    start: NDArray[np.int64],
    targets: NDArray[np.int32],
    core: NDArray[np.int32],
    weight: NDArray[np.int64],
    alone: NDArray[np.int64],
    chip: EventChip,
) -> tuple[int, int]:
    """By how much incoming axons are over the limit, and the packets: the less the better, in this order."""
    cores = int(core.max()) + 1
    sender = np.repeat(np.arange(start.size - 1), np.diff(start))
    sender, where = np.divmod(np.unique(sender * cores + core[targets]), cores)
    heard = np.bincount(where, minlength=cores) + np.bincount(core, alone, minlength=cores).astype(np.int64)
    return int(np.maximum(heard - chip.axons_in, 0).sum()), int(weight[sender].sum())


def _asks_all(
    netlist: Netlist, core: NDArray[np.int32], rows: Synapses, weight: NDArray[np.int64], chip: EventChip
) -> tuple[int, int]:
    """The same from all synapses."""
    found = reach(netlist, core, rows)
    sent = int(weight @ np.diff(found.inside.start))
    return int(np.maximum(found.axons_in - chip.axons_in, 0).sum()), sent


def _nets(netlist: Netlist, rows: Synapses, cores: int) -> tuple[int, float, NDArray[np.int64], NDArray[np.int32]]:
    """The different targets of every neuron, as rows; of a large network those of every k-th alone. First k, and the work."""
    pins = work = 0.0
    for block, start, _ in rows():
        if not block.external:
            fan = np.diff(start)
            pins += fan.sum()
            work += float((fan * np.minimum(fan, cores)).sum())
    every = max(1, int(np.ceil(pins / PINS)), int(np.ceil(work / WORK)))
    keys = [np.zeros(0, np.int64)]
    for block, start, targets in rows():
        if block.external:
            continue
        first, base = netlist.populations[block.source].start, netlist.populations[block.target].start
        chosen = np.arange(-first % every, block.sizes[0], every)
        lengths = start[chosen + 1] - start[chosen]
        inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        found = targets[np.repeat(start[chosen], lengths) + inside].astype(np.int64) + base
        keys.append(np.repeat(chosen + first, lengths) * netlist.size + found)
    pair = np.unique(np.concatenate(keys))
    made = np.searchsorted(pair, np.arange(netlist.size + 1, dtype=np.int64) * netlist.size)
    return every, work, made.astype(np.int64), (pair % netlist.size).astype(np.int32)


def _weights(rates: NDArray[np.float64] | None, size: int, top: int) -> NDArray[np.int64]:
    """Whole numbers for the kernels: 1 for all, or 0 for the silent and 1 … `top` for the others."""
    if rates is None or not np.any(rates):
        return np.ones(size, np.int64)
    return np.ceil(np.asarray(rates, np.float64) * (top / float(np.max(rates)))).astype(np.int64)


def _outside(kernel: Any, netlist: Netlist, rows: Synapses) -> NDArray[np.int64]:
    """Axons each neuron needs from outside sources, as if no two shared one: never too few."""
    alone = np.zeros(netlist.size, np.int64)
    for block, start, targets in rows():
        if block.external:
            kernel.count_targets(start, targets, alone[netlist.populations[block.target].span])
    return alone


def _numbered(core: NDArray[np.int32]) -> NDArray[np.int32]:
    """The cores in use, counted from 0 without gaps, in the order they were grown."""
    return np.unique(core, return_inverse=True)[1].astype(np.int32)
