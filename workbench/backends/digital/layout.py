"""Where a network's neurons and weights lie on the cores of a digital chip, and what one active input of each sender costs there.

A core holds neurons with all weights onto them: columns of each projection's matrix. A dense matrix has a place for every pair (several
planes of it where a pair has several synapses), a sparse one a weight and an index for each synapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.digital.weights import Kept, carried
from workbench.chips.digital import ADDRESS_BITS, DigitalChip
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.unfold import Block, Netlist
from workbench.errors import PlacementError
from workbench.recordings.placement import CoreUse, Placement
from workbench.words import tr

__all__ = ["Fan", "Layout", "check_capacity", "lay"]


@final
@dataclass(frozen=True, eq=False)
class Fan:
    """What an active input of one sender sets off, by sender neuron (rows) and core in use (columns): SciPy sparse matrices of int64."""

    stage: int
    """The layer whose result this is: −1 for sources."""
    outside: bool
    """A source of spikes: what it sets off are outside operations."""
    values: bool
    macs: Any
    """Weights there that the input is multiplied by."""
    bits: Any
    """Bits of them, indices included."""
    reads: Any
    """1 where the input is read at all."""
    hops: NDArray[np.int64]
    """Links that one message to every core that listens crosses; the way in from outside is not counted."""


@final
@dataclass(frozen=True, eq=False)
class Layout:
    """The placement, and the costs that follow from it."""

    placement: Placement
    fans: Mapping[str, Fan]
    updates: NDArray[np.int64]
    """Neurons on each core, by stage: (stages, cores)."""
    update_bits: NDArray[np.int64]
    """Bits of buffer that a step of all neurons of a core reads and writes."""
    hop_steps: NDArray[np.int64]
    """Links to the farthest listener, for what each stage sends: −1 first."""
    memory: NDArray[np.int64]
    """Bytes of weights by core."""
    memory_stages: NDArray[np.int64]
    """Bytes of the weights that what each stage sends is multiplied by, −1 first."""
    home: Mapping[str, NDArray[np.int64]]
    """The core of each neuron of a population."""


def lay(
    netlist: Netlist,
    chip: DigitalChip,
    kept: Mapping[str, Kept],
    stages: Mapping[str, int],
    slots: Mapping[str, int],
    losses: tuple[str, ...],
) -> Layout:
    """Deal neurons to cores and count.

    `stages` says in which layer of a step a population or source is (sources −1), `slots` how many sums wait for each neuron of a
    population because of delays. Raises PlacementError when weights or states do not fit.
    """
    planes = {name: _stored(k.block, chip) for name, k in kept.items()}
    bits, macs = _column_bits(netlist, chip, kept, planes)
    words = {n: 1 + _states(c.neuron, c.receptors) for n, c in netlist.populations.items()}
    word = 32 if chip.weight_bits else 64
    _check_buffer(
        netlist, chip, {n: c.size * (words[n] + slots[n]) * word // 8 for n, c in netlist.populations.items()}
    )
    core_of = _deal(netlist, chip, bits, macs)
    used, where = np.unique(core_of, return_inverse=True)
    cores = used.size
    home = {n: where[c.span].astype(np.int64) for n, c in netlist.populations.items()}
    memory = np.zeros(cores, np.int64)
    deepest = max([0, *stages.values()])
    updates = np.zeros((deepest + 1, cores), np.int64)
    update_bits = np.zeros(cores, np.int64)
    for n, cells in netlist.populations.items():
        memory += np.bincount(home[n], bits[cells.span], cores).astype(np.int64)
        here = np.bincount(home[n], minlength=cores)
        updates[stages[n]] += here
        update_bits += 2 * word * words[n] * here
    memory = -(-memory // 8)
    x, y = used % chip.mesh_x, used // chip.mesh_x
    limit = chip.memory_per_core
    placement = Placement(
        cores=tuple(
            CoreUse(
                name=f"core {used[k]}",
                tile=(int(x[k]), int(y[k])),
                uses={
                    "neurons": (int(updates[:, k].sum()), chip.buffer // (word // 8)),
                    "weight bytes": (int(memory[k]), limit if chip.memory == "on chip" else max(limit, int(memory[k]))),
                },
            )
            for k in range(cores)
        ),
        core_of=where.astype(np.int32),
        losses=losses,
        mesh=(chip.mesh_x, chip.mesh_y),
    )
    fans, farthest, weight_bits = {}, np.zeros(deepest + 2, np.int64), np.zeros(deepest + 2, np.int64)
    for sender in (*netlist.sources, *netlist.populations):
        mine = {n: k for n, k in kept.items() if k.block.source == sender}
        if not mine:
            continue
        fan, far = _fan(netlist, chip, sender, mine, planes, home, stages[sender], np.stack([x, y]))
        fans[sender] = fan
        farthest[fan.stage + 1] = max(farthest[fan.stage + 1], far)
        weight_bits[fan.stage + 1] += sum(_size(k.block, planes[n], chip) for n, k in mine.items())
    return Layout(
        placement=placement,
        fans=fans,
        updates=updates,
        update_bits=update_bits,
        hop_steps=farthest,
        memory=memory,
        memory_stages=-(-weight_bits // 8),
        home=home,
    )


def _states(neuron: Any, receptors: tuple[str, ...]) -> int:
    """State variables of a neuron, each receptor's included."""
    flows = [r for r in receptors if r not in ("input", "current", "gap")]
    return len(neuron.start) + len(flows) + (1 if neuron.holds or isinstance(neuron, DiscreteLif) else 0)


def _planes(block: Block) -> int:
    """The most synapses that one pair has."""
    if block.rule.storage == "dense operation" or not block.count:
        return 1
    i, j = block.edges()
    _, many = np.unique(j.astype(np.int64) * block.sizes[0] + i, return_counts=True)
    return int(many.max())


def _size(block: Block, planes: int, chip: DigitalChip) -> int:
    """Bits of a projection's weights; `planes` is 0 for a sparse matrix."""
    if planes:
        return planes * block.sizes[0] * block.sizes[1] * chip.stored_bits
    return block.count * (chip.stored_bits + ADDRESS_BITS)


def _stored(block: Block, chip: DigitalChip) -> int:
    """The planes of a dense matrix, or 0 for a sparse one: what the chip says, or what takes fewer bits."""
    if chip.storage == "sparse":
        return 0
    if chip.storage == "smaller" and _size(block, 1, chip) > _size(block, 0, chip):
        return 0  # a matrix with one place a pair is larger already; whether pairs repeat need not be known
    planes = _planes(block)
    return 0 if chip.storage == "smaller" and _size(block, planes, chip) > _size(block, 0, chip) else planes


def check_capacity(netlist: Netlist, chip: DigitalChip) -> None:
    """Raise PlacementError when the weights are more than the chip holds, before any of them is made."""
    if chip.memory == "fetched":
        return
    carry = [b for b in netlist.projections.values() if carried(b)]
    needed = -(-sum(min(_size(b, 1, chip), _size(b, 0, chip)) for b in carry) // 8)
    if needed <= chip.capacity:  # repeated pairs and a choice of storage can only take more
        needed = -(-sum(_size(b, _stored(b, chip), chip) for b in carry) // 8)
    if needed > chip.capacity:
        raise PlacementError(
            tr(
                "{chip}: the network of {neurons} neurons has {used} bytes of weights, the {cores} cores hold {limit}: {share:.3g} times as many. "
                "Use fewer bits, more cores, or memory='fetched'.",
                chip=chip.name,
                neurons=netlist.size,
                used=needed,
                cores=chip.cores,
                limit=chip.capacity,
                share=needed / chip.capacity,
            )
        )


def _check_buffer(netlist: Netlist, chip: DigitalChip, needed: Mapping[str, int]) -> None:
    total = sum(needed.values())
    if total > chip.buffer:
        raise PlacementError(
            tr(
                "{chip}: states and waiting sums of {neurons} neurons take {used} bytes, the buffer of its cores holds {limit}.",
                chip=chip.name,
                neurons=netlist.size,
                used=total,
                limit=chip.buffer,
            )
        )


def _column_bits(
    netlist: Netlist, chip: DigitalChip, kept: Mapping[str, Kept], planes: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bits and number of the weights onto each neuron."""
    bits, macs = np.zeros(netlist.size, np.int64), np.zeros(netlist.size, np.int64)
    for name, k in kept.items():
        span = netlist.populations[k.block.target].span
        if planes[name]:
            many = np.int64(planes[name] * k.block.sizes[0])
            each = chip.stored_bits
        else:
            many = np.bincount(k.block.edges()[1], minlength=k.block.sizes[1])
            each = chip.stored_bits + ADDRESS_BITS
        bits[span] += many * each
        macs[span] += many
    return bits, macs


def _deal(netlist: Netlist, chip: DigitalChip, bits: NDArray[np.int64], macs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The core of every neuron: populations one after the other, each over as many cores as it keeps busy for a cycle, or packed."""
    room = np.full(chip.cores, 8 * chip.memory_per_core if chip.memory == "on chip" else 2**60)
    core_of = np.zeros(netlist.size, np.int64)
    at = 0
    for cells in netlist.populations.values():
        share = cells.size
        if chip.spread == "even":
            work = -(-int(macs[cells.span].sum()) // chip.macs)
            share = -(-cells.size // min(chip.cores, max(1, work)))
        edge = np.concatenate([[0], np.cumsum(bits[cells.span])])
        first, misses = 0, 0
        while first < cells.size:
            fits = int(np.searchsorted(edge, edge[first] + room[at], side="right")) - 1
            last = min(fits, first + share, cells.size)
            if last > first:
                core_of[cells.start + first : cells.start + last] = at
                room[at] -= edge[last] - edge[first]
                first, misses = last, 0
                if first == cells.size and chip.spread == "packed":
                    break
            else:
                misses += 1
            if misses >= chip.cores:
                raise PlacementError(
                    tr(
                        "{chip}: neuron {n} of '{name}' has {used} bytes of weights, and none of the {cores} cores has so many left "
                        "(each holds {limit}). Use fewer bits, or larger cores.",
                        chip=chip.name,
                        n=first,
                        name=cells.name,
                        used=-(-int(edge[first + 1] - edge[first]) // 8),
                        cores=chip.cores,
                        limit=chip.memory_per_core,
                    )
                )
            at = (at + 1) % chip.cores
    return core_of


def _fan(
    netlist: Netlist,
    chip: DigitalChip,
    sender: str,
    mine: Mapping[str, Kept],
    planes: Mapping[str, int],
    home: Mapping[str, NDArray[np.int64]],
    stage: int,
    xy: NDArray[np.int64],
) -> tuple[Fan, int]:
    from scipy.sparse import csr_matrix  # noqa: PLC0415

    outside = sender in netlist.sources
    size = netlist.sources[sender].size if outside else netlist.populations[sender].size
    cores = xy.shape[1]
    macs: Any = csr_matrix((size, cores), dtype=np.int64)
    bits: Any = csr_matrix((size, cores), dtype=np.int64)
    for name, k in mine.items():
        there = home[k.block.target]
        if planes[name]:
            row = planes[name] * np.bincount(there, minlength=cores)
            found = csr_matrix(np.tile(row, (size, 1)))
            each = chip.stored_bits
        else:
            i, j = k.block.edges()
            found = csr_matrix((np.ones(i.size, np.int64), (i, there[j])), (size, cores))
            each = chip.stored_bits + ADDRESS_BITS
        macs, bits = macs + found, bits + each * found
    macs.sum_duplicates()
    macs.eliminate_zeros()
    reads = csr_matrix((np.ones_like(macs.data), macs.indices, macs.indptr), macs.shape)
    hops = np.zeros(size, np.int64)
    if not outside and macs.nnz:
        source = np.repeat(np.arange(size), np.diff(macs.indptr))
        own = home[sender][source]
        far = np.abs(xy[:, own] - xy[:, macs.indices]).sum(axis=0)
        hops = np.bincount(source, far, size).astype(np.int64)
        longest = int(far.max())
    else:
        longest = 0
    values = next(iter(mine.values())).block.emits == "values"
    return Fan(stage, outside and not values, values, macs.tocsr(), bits.tocsr(), reads, hops), longest
