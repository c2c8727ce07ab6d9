"""Which core each neuron lives on, where each neuron's spikes go, and how far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.event.layout import Wires, starts_of, targets_of
from workbench.chips.event import EVENTS, EventChip
from workbench.circuits.unfold import Block, Netlist
from workbench.mapping import mapped as mapping
from workbench.mapping.mapped import Mapped
from workbench.mapping.reach import Synapses
from workbench.mapping.route import Ways
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement

__all__ = ["Fan", "lay_cores", "sum_at"]


@final
@dataclass(frozen=True, eq=False)
class Fan:
    """The placement, and by neuron: cores reached, operations there, packets and hops of one spike.

    `arrays` (start int64, core and operations int32, path float64) is what the kernel's timing reads: the cores of neuron n are
    `core[start[n]:start[n + 1]]`, and `operations` counts all its synapses there, however they are stored. `dense` and `shared`
    are those of them in all-to-all blocks and in convolutions, in the same order; None where there are none.
    """

    placement: Placement
    arrays: dict[str, Any]
    per_spike: dict[str, NDArray[np.int64]]
    core_of: NDArray[np.int64]
    dense: NDArray[np.int32] | None
    shared: NDArray[np.int32] | None
    ways: Ways

    def link_loads(self, spikes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Packets over every link when neuron n fired `spikes[n]` times: shape (4, tiles_y, tiles_x), east, west, north, south."""
        return self.ways.link_loads(spikes)


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
    Ledger.room(1, len(made.cores), len(EVENTS))
    inside = made.reached.inside
    placement = Placement(
        cores=made.cores,
        core_of=made.mapped.core_of,
        losses=losses,
        mesh=(chip.tiles_x, chip.tiles_y),
        costs=made.mapped.costs,
    )
    return Fan(
        placement=placement,
        arrays={"start": inside.start, "core": inside.core, "operations": inside.operations, "path": made.ways.path},
        per_spike={e: n for e, n in made.ways.per_spike().items() if e != "packet received"},
        core_of=made.mapped.core_of.astype(np.int64),
        dense=inside.stored("dense operation"),
        shared=inside.stored("shared operation"),
        ways=made.ways,
    )


def sum_at(place: NDArray[Any], amount: NDArray[np.int64], places: int) -> NDArray[np.int64]:
    """Sum the amounts that belong to each place."""
    made = np.zeros(places, np.int64)
    np.add.at(made, place, amount)
    return made
