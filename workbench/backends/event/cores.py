"""Which core each neuron lives on, where each neuron's spikes go, and how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.event.layout import Wires, targets_of
from workbench.chips.event import EVENTS, EventChip
from workbench.circuits.unfold import Netlist
from workbench.mapping import partition, place, route
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement

__all__ = ["Fan", "lay_cores", "sum_at"]


@final
@dataclass(frozen=True, eq=False)
class Fan:
    """The placement, and by neuron: cores reached, operations there, packets and hops of one spike."""

    placement: Placement
    arrays: dict[str, Any]
    per_spike: dict[str, NDArray[np.int64]]
    core_of: NDArray[np.int64]


def lay_cores(netlist: Netlist, chip: EventChip, wires: Wires, losses: tuple[str, ...]) -> Fan:
    """Fill the cores, place them on the mesh, check that everything fits, and route every neuron's spikes."""
    from workbench.kernels import event  # noqa: PLC0415

    size = netlist.size
    in_degree = np.zeros(size, np.int64)
    for k, b in enumerate(wires.blocks):
        in_degree[netlist.populations[b.target].span] += np.bincount(targets_of(wires, k), minlength=b.sizes[1])
    direct = outside.fused(netlist)
    for b in direct:
        in_degree[netlist.populations[b.target].span] += 1
    core_of = partition.fill(in_degree, neurons=chip.neurons_per_core, synapses=chip.synapses_per_core)
    cores = int(core_of[-1]) + 1
    Ledger.room(1, cores, len(EVENTS))
    tiles = place.row_major(cores, chip)
    # One row per neuron, then one per source neuron: how many of its synapses lie on each core.
    reach = {
        n: np.zeros((s, cores), np.int32)
        for n, s in [
            *((c.name, c.size) for c in netlist.populations.values()),
            *((s.name, s.size) for s in netlist.sources.values()),
        ]
    }
    for k, b in enumerate(wires.blocks):
        base = wires.arrays["row_base"][k]
        event.fan_out(
            wires.arrays["start"][base : base + b.sizes[0] + 1],
            wires.arrays["targets"],
            core_of[netlist.populations[b.target].span],
            cores,
            reach[b.source],
        )
    for b in direct:
        np.add.at(reach[b.source], (np.arange(b.sizes[0]), core_of[netlist.populations[b.target].span]), 1)
    inside = np.concatenate([reach[n] for n in netlist.populations])
    touched = sum((np.count_nonzero(reach[n], axis=0) for n in reach), np.zeros(cores, np.int64))
    ops = sum((reach[n].sum(axis=0, dtype=np.int64) for n in reach), np.zeros(cores, np.int64))
    sender, landed = np.nonzero(inside)
    home = core_of[sender]
    out = np.bincount(home, minlength=cores)
    placement = Placement(
        cores=place.uses(core_of, tiles, chip, ops, touched, out),
        core_of=core_of,
        losses=losses,
        mesh=(chip.tiles_x, chip.tiles_y),
    )
    place.check(placement, chip, size)
    east, north = route.hops(tiles, home, landed.astype(np.int32))
    on_tile = (east + north == 0).astype(np.int64)
    price = chip.prices
    way = (
        east * price["east-west hop"].seconds
        + north * price["north-south hop"].seconds
        + on_tile * price["tile-local packet"].seconds
    )
    path = np.zeros(size)
    np.maximum.at(path, sender, way)
    per_spike = {
        "packet": np.bincount(sender, minlength=size),
        "tile-local packet": np.bincount(sender, on_tile, size).astype(np.int64),
        "east-west hop": np.bincount(sender, east, size).astype(np.int64),
        "north-south hop": np.bincount(sender, north, size).astype(np.int64),
    }
    starts = np.concatenate([[0], np.cumsum(np.bincount(sender, minlength=size))]).astype(np.int64)
    arrays = {
        "start": starts,
        "core": landed.astype(np.int64),
        "operations": inside[sender, landed].astype(np.int64),
        "path": path,
    }
    return Fan(placement, arrays, per_spike, core_of.astype(np.int64))


def sum_at(place: NDArray[Any], amount: NDArray[np.int64], places: int) -> NDArray[np.int64]:
    """Sum the amounts that belong to each place."""
    made = np.zeros(places, np.int64)
    np.add.at(made, place, amount)
    return made
