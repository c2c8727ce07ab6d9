"""Map: the steps together. From a netlist and a chip to the core of each neuron and the tile of each core."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError
from workbench.mapping import fit, partition, place, route
from workbench.mapping.faults import Faults, faults_of
from workbench.mapping.reach import Reached, Synapses, in_degree, reach, synapses
from workbench.mapping.route import Ways
from workbench.mapping.traffic import of_reach
from workbench.recordings.placement import CoreUse, StepCost, cost_sentences, cost_table
from workbench.words import tr

__all__ = ["Mapped", "Plan", "map", "plan"]

START = "sequential, row-major, unicast"


@final
@dataclass(frozen=True, eq=False)
class Mapped:
    """Which core each neuron is on (int32, neurons), and which tile (x, y) each core is on (int32, cores × 2).

    Made by `map`, or by hand from any partition and placement; `backends.compile` takes it as it is.
    """

    core_of: NDArray[np.int32]
    tiles: NDArray[np.int32]
    costs: tuple[StepCost, ...] = ()
    """What packets cost at the start (sequential, row-major, unicast) and after each step."""

    def __post_init__(self) -> None:
        core_of, tiles = np.asarray(self.core_of), np.asarray(self.tiles)
        if core_of.ndim != 1 or not np.issubdtype(core_of.dtype, np.integer) or np.any(core_of < 0):
            raise DescriptionError(
                tr("Mapped.core_of holds the core of each neuron: whole numbers from 0, in one row.")
            )
        if tiles.ndim != 2 or tiles.shape[1:] != (2,) or not np.issubdtype(tiles.dtype, np.integer):
            raise DescriptionError(
                tr("Mapped.tiles holds the tile (x, y) of each core: whole numbers, one row a core.")
            )
        if core_of.size and int(core_of.max()) >= len(tiles):
            raise DescriptionError(
                tr(
                    "Mapped.core_of names core {core}, Mapped.tiles has {cores} rows: write one row for each core.",
                    core=int(core_of.max()),
                    cores=len(tiles),
                )
            )
        object.__setattr__(self, "core_of", np.ascontiguousarray(core_of, np.int32))
        object.__setattr__(self, "tiles", np.ascontiguousarray(tiles, np.int32))

    @property
    def table(self) -> str:
        """The costs as a table, one step a line."""
        return cost_table(self.costs)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What each step changed, in sentences."""
        return cost_sentences(self.costs)


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """A mapping with what was computed for it: the reach of every neuron, the ways of its packets, and the use of every core."""

    mapped: Mapped
    reached: Reached
    ways: Ways
    cores: tuple[CoreUse, ...]
    faults: Faults | None = None
    """What is dead; None where nothing is."""


def map(
    netlist: Netlist,
    chip: EventChip,
    *,
    seed: int,
    rates: NDArray[np.float64] | None = None,
    core_of: NDArray[np.int32] | None = None,
    tiles: NDArray[np.int32] | None = None,
    faults: Faults | None = None,
) -> Mapped:
    """Partition, place and route a network as the chip says (`chip.partition`, `chip.placement`, `chip.routing`).

    Cores are put on what lives and can be reached, and packets go around what is dead. Raises PlacementError when the network does
    not fit, with the smallest chip of the kind that would do, and the tiles no way leads to.

    Parameters
    ----------
    netlist, chip
        the network and the chip.
    seed
        of what is drawn: the stream "mapping".
    rates
        spikes of each neuron, counted or expected; by default all fire alike.
    core_of, tiles
        a partition or a placement of one's own in place of the chip's.
    faults
        what is dead, in place of what `chip.defects` says of this die.
    """
    return plan(netlist, chip, seed=seed, rates=rates, core_of=core_of, tiles=tiles, faults=faults).mapped


def plan(
    netlist: Netlist,
    chip: EventChip,
    *,
    seed: int,
    rates: NDArray[np.float64] | None = None,
    core_of: NDArray[np.int32] | None = None,
    tiles: NDArray[np.int32] | None = None,
    rows: Synapses | None = None,
    faults: Faults | None = None,
) -> Plan:
    """The same as `map`, with all that was found on the way; `rows` are the synapses, if they have been made already."""
    rows = rows or synapses(netlist)
    if rates is not None and np.shape(rates) != (netlist.size,):
        raise DescriptionError(
            tr(
                "rates has shape {shape}; write one number for each of {size} neurons.",
                shape=np.shape(rates),
                size=netlist.size,
            )
        )
    faults = faults_of(chip) if faults is None else faults
    own = core_of is not None
    load = in_degree(netlist, rows)
    ordered = partition.fill(load, neurons=chip.neurons_per_core, synapses=chip.synapses_per_core)
    if core_of is None:
        clustered = chip.partition == "clustered"
        core_of = partition.clustered(netlist, chip, rates=rates, rows=rows) if clustered else ordered
    else:
        core_of = _checked(core_of, netlist)
    fit.check_cores(netlist, chip, core_of, rows, faults)
    cores = _cores(core_of)
    found = reach(netlist, core_of, rows)
    if tiles is None:
        place_by = chip.placement
        tiles = place.method(chip.placement, of_reach(found.inside, core_of, cores, rates), chip, seed, faults).tiles
    else:
        place_by = "given"
        tiles = np.ascontiguousarray(tiles, np.int32)
        if len(tiles) < cores:
            Mapped(core_of, tiles)  # says what is wrong
        place.slots_of(tiles, chip, faults)
    plain = replace(chip, routing="unicast")
    rowed = place.row_major(cores, chip, faults)
    costs: list[StepCost] = []
    if int(ordered.max(initial=-1)) < (chip.cores if faults is None else faults.usable) and not np.array_equal(
        ordered, core_of
    ):
        before = route.ways(
            reach(netlist, ordered, rows).inside,
            ordered,
            place.row_major(_cores(ordered), chip, faults),
            plain,
            faults,
        )
        costs.append(_cost("start", START, before, rates))
    parted = route.ways(found.inside, core_of, rowed, plain, faults)
    costs.append(_cost("partition", "given" if own else chip.partition, parted, rates))
    if len(costs) == 1 and np.array_equal(ordered, core_of):
        costs.insert(0, replace(costs[0], step="start", method=START))
    placed = parted if np.array_equal(rowed, tiles) else route.ways(found.inside, core_of, tiles, plain, faults)
    costs.append(
        replace(costs[-1], step="place", method=place_by)
        if placed is parted
        else _cost("place", place_by, placed, rates)
    )
    routed = placed if chip.routing == "unicast" else route.ways(found.inside, core_of, tiles, chip, faults)
    costs.append(
        replace(costs[-1], step="route", method=chip.routing)
        if routed is placed
        else _cost("route", chip.routing, routed, rates)
    )
    uses = fit.uses(core_of, tiles, chip, found)
    fit.check(netlist, chip, uses, rows)
    return Plan(Mapped(core_of, tiles, tuple(costs)), found, routed, uses, faults)


def _cores(core_of: NDArray[np.int32]) -> int:
    return int(core_of.max(initial=-1)) + 1


def _cost(step: str, method: str, found: Ways, rates: NDArray[np.float64] | None) -> StepCost:
    fired = np.ones(found.packet.size, np.int64) if rates is None else np.asarray(rates, np.float64)
    received, crossed = float(found.received @ fired), float(found.hops @ fired)
    return StepCost(
        step=step,
        method=method,
        packets=float(found.packet @ fired),
        spike_hops=crossed,
        mean_hops=crossed / received if received else 0.0,
        max_link=float(found.link_loads(fired).max(initial=0)),
        joules=found.joules(fired),
    )


def _checked(core_of: NDArray[np.int32], netlist: Netlist) -> NDArray[np.int32]:
    """A partition made by hand: one core for each neuron, counted from 0."""
    if np.shape(core_of) != (netlist.size,):
        raise DescriptionError(
            tr(
                "The mapping has the cores of {given} neurons, the network has {size}.",
                given=np.size(core_of),
                size=netlist.size,
            )
        )
    return Mapped(core_of, np.zeros((int(np.max(core_of, initial=-1)) + 1, 2), np.int32)).core_of
