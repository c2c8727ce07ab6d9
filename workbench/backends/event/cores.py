"""Which core each neuron lives on, where each neuron's spikes go, and how far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.event.layout import Wires, starts_of, targets_of
from workbench.backends.event.timing import ChipClock, work_of
from workbench.chips.event import EventChip
from workbench.circuits.unfold import Block, Netlist
from workbench.errors import UnsupportedError
from workbench.mapping import mapped as mapping
from workbench.mapping.mapped import Mapped
from workbench.mapping.reach import Synapses
from workbench.mapping.route import Ways
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement
from workbench.words import tr

__all__ = ["Fan", "lay_cores"]


@final
@dataclass(frozen=True, eq=False)
class Fan:
    """The placement, and by neuron: cores reached, operations there, packets and hops of one spike.

    `arrays` holds start (int64), core and operations (int32): the cores of neuron n are `core[start[n]:start[n + 1]]`, and
    `operations` counts all its synapses there, however they are stored. `dense` and `shared`
    are those of them in all-to-all blocks and in convolutions, in the same order; None where there are none.
    """

    placement: Placement
    arrays: dict[str, Any]
    per_spike: dict[str, NDArray[Any]]
    core_of: NDArray[np.int64]
    dense: NDArray[np.int32] | None
    shared: NDArray[np.int32] | None
    ways: Ways

    @property
    def by_kind(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Synaptic, dense and shared operations of one spike, in the order of `arrays["core"]`."""
        nothing = np.zeros(self.arrays["core"].size, np.int32)
        dense, shared = (nothing if kind is None else kind for kind in (self.dense, self.shared))
        return self.arrays["operations"] - dense - shared, dense, shared

    @cached_property
    def packed(self) -> NDArray[Any]:
        """The cores each neuron reaches and its operations there, as the clock reads them: 16 bits each (see `kernels.event.clock`)."""
        words = self.arrays["core"].astype(np.uint32)
        kinds = [(1, self.by_kind[0]), *((k, x) for k, x in ((2, self.dense), (3, self.shared)) if x is not None)]
        most = max([len(self.placement.cores) - 1, *(int(many.max(initial=0)) for _, many in kinds)])
        if most >= 1 << 16:
            raise UnsupportedError(
                tr(
                    "A chip's clock counts up to {most} cores, and as many synapses of one neuron on one core.",
                    most=65_535,
                )
            )
        if len(kinds) == 1:  # operations of one kind need half the bytes
            return words | kinds[0][1].astype(np.uint32) << np.uint32(16)
        wide = words.astype(np.uint64)
        for number, many in kinds:
            wide |= many.astype(np.uint64) << np.uint64(16 * number)
        return wide

    @cached_property
    def table(self) -> Any:
        """The same as the clock's `Table`, one byte a core or half of one, if that takes no more memory than the list; else no rows."""
        from workbench.kernels.event import clock  # noqa: PLC0415  compiled kernels only when something runs compiled

        cores, most = len(self.placement.cores), self.arrays["operations"].max(initial=0)
        halves = bool(cores > clock.TOGETHER and most < 16)
        width = -(-cores // (clock.TOGETHER * (1 + halves))) * clock.TOGETHER
        size = self.core_of.size
        if self.packed.dtype != np.uint32 or size * width > self.packed.nbytes or most > 255:
            return clock.Table(np.zeros((0, width), np.uint8), halves)
        made = clock.Table(np.zeros((size, width), np.uint8), halves)
        clock.tabulate(self.arrays["start"], self.packed, made)
        return made

    @cached_property
    def clock(self) -> ChipClock:
        """The chip's network before the first step, whose tables take longer to make than to copy."""
        single, dense, shared = self.by_kind
        chip = self.ways.chip
        return ChipClock(
            chip,
            core_of=self.core_of,
            tiles=np.array([c.tile for c in self.placement.cores], np.int32).reshape(-1, 2),
            start=self.arrays["start"],
            core=self.arrays["core"],
            work=work_of(chip, synaptic=single, dense=dense, shared=shared),
            detours=self.ways.detours,
            channels=self.ways.channels,
        )

    def senders(self) -> NDArray[np.uint32]:
        """By neuron, side by side because they are asked for together: spikes counted (none yet), and its core + 2¹⁶ × packets of one."""
        return np.stack([0 * self.core_of, self.core_of + (self.per_spike["packet"] << 16)], axis=1).astype(np.uint32)

    @cached_property
    def on_the_way(self) -> NDArray[np.int32]:
        """The events that one spike of each neuron causes on its way, shape (neurons, events), in the order of `per_spike`."""
        return np.stack(list(self.per_spike.values()), axis=1).astype(np.int32)


def lay_cores(
    netlist: Netlist,
    chip: EventChip,
    wires: Wires,
    losses: tuple[str, ...],
    *,
    mapped: Mapped | None = None,
    seed: int = 0,
) -> Fan:
    """Map the network as the chip says, or as `mapped` says, check that everything fits, and route every neuron's spikes."""
    drawn = outside.fused(netlist)

    def rows() -> Iterable[tuple[Block, NDArray[np.int64], NDArray[Any]]]:
        for k, block in enumerate(wires.blocks):
            yield block, starts_of(wires, k), targets_of(wires, k)
        for block in drawn:
            yield block, np.arange(block.sizes[0] + 1), np.arange(block.sizes[0])

    found: Synapses = rows
    made = mapping.plan(
        netlist,
        chip,
        seed=seed,
        core_of=None if mapped is None else mapped.core_of,
        tiles=None if mapped is None else mapped.tiles,
        rows=found,
    )
    Ledger.room(1, len(made.cores), len(chip.events))
    inside = made.reached.inside
    placement = Placement(
        cores=made.cores,
        core_of=made.mapped.core_of,
        losses=losses if made.faults is None else (*losses, *made.faults.said()),
        mesh=(chip.tiles_x, chip.rows) if chip.layers == 1 else (chip.tiles_x, chip.rows, chip.layers),
        costs=made.mapped.costs,
    )
    return Fan(
        placement=placement,
        arrays={"start": inside.start, "core": inside.core, "operations": inside.operations},
        per_spike={e: n for e, n in made.ways.per_spike().items() if e != "packet received"},
        core_of=made.mapped.core_of.astype(np.int64),
        dense=inside.stored("dense operation"),
        shared=inside.stored("shared operation"),
        ways=made.ways,
    )
