"""Route: which way packets go, how far, over which links, and whether they can ever wait for each other in a ring.

Dimension order: first along the row, then along the column. A unicast packet goes to one core; a multicast packet goes along the row as
far as any of its cores lies, and a copy leaves along each column where one lies: the union of the unicast ways. On a chip with faults
packets follow tables instead (see `mapping.detour`), and a multicast packet again the union of its unicast ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.errors import DescriptionError
from workbench.mapping.detour import Detours
from workbench.mapping.faults import Faults
from workbench.mapping.reach import SMALL, Reach
from workbench.mapping.traffic import of_reach
from workbench.words import tr

__all__ = ["DIRECTIONS", "Ways", "acyclic", "dependencies", "hops", "links", "path", "path_dependencies", "ways"]

DIRECTIONS = ("east", "west", "north", "south")
"""The first axis of link loads: where a link goes from its tile; north is the next higher row."""

_STEPS = {(1, 0): 0, (-1, 0): 1, (0, 1): 2, (0, -1): 3}

Tile = tuple[int, int]


def hops(
    tiles: NDArray[np.int32], source: NDArray[np.int32], target: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """East–west and north–south hops of a packet between cores `source` and `target` (arrays), whose tiles are `tiles[core]`."""
    apart = np.abs(tiles[source].astype(np.int64) - tiles[target].astype(np.int64))
    return apart[..., 0], apart[..., 1]


def path(source: Tile, target: Tile) -> list[Tile]:
    """The tiles of a packet's way from one tile to another, both ends included."""
    (x, y), (to_x, to_y) = source, target
    along = [(c, y) for c in range(x, to_x, 1 if to_x > x else -1)]
    across = [(to_x, r) for r in range(y, to_y, 1 if to_y > y else -1)]
    return [*along, *across, target]


@final
@dataclass(frozen=True, eq=False)
class Ways:
    """What one spike of each neuron sends over the mesh, and what many spikes put on each link.

    `packet`: one for each core reached (unicast) or one for all (multicast). `received`: cores reached. `local`: packets, or branches
    of one, that stay on the sender's tile. `path`: seconds of the longest way at the chip's prices, without waiting.
    """

    reach: Reach
    core_of: NDArray[np.int32]
    tiles: NDArray[np.int32]
    chip: EventChip
    packet: NDArray[np.int64]
    received: NDArray[np.int64]
    local: NDArray[np.int64]
    east_west: NDArray[np.int64]
    north_south: NDArray[np.int64]
    path: NDArray[np.float64]
    detours: Detours | None = None
    """The ways around what is dead; None where packets go in dimension order."""
    channels: int = 1
    """Virtual channels the ways need so that packets never wait for each other in a ring."""

    @property
    def hops(self) -> NDArray[np.int64]:
        """Links crossed by one spike of each neuron, all copies together."""
        return self.east_west + self.north_south

    def link_loads(self, spikes: NDArray[Any] | None = None) -> NDArray[Any]:
        """Packets over every link when neuron n fires `spikes[n]` times (once by default): shape (4, tiles_y, tiles_x).

        The first axis is DIRECTIONS; [0, y, x] is the link from tile (x, y) to the east. Whole spikes give whole loads.
        """
        fired = np.ones(self.packet.size, np.int64) if spikes is None else np.asarray(spikes)
        whole = np.issubdtype(fired.dtype, np.integer)
        loads = np.zeros((4, self.chip.tiles_y, self.chip.tiles_x), np.int64 if whole else np.float64)
        if self.detours is not None:
            amount = fired.astype(loads.dtype)
            self.detours.send(self.reach, self.core_of, self.tiles, self.chip, loads=loads, amount=amount)
        elif self.chip.routing == "multicast":
            from workbench.kernels import mesh  # noqa: PLC0415  compiled kernels only when something is mapped

            nothing = np.zeros(fired.size, np.int64)
            mesh.multicast(
                self.reach.start, self.reach.core, self.core_of, self.tiles, fired.astype(loads.dtype), loads,
                nothing, nothing.copy(),
            )  # fmt: skip
        else:
            sent = of_reach(self.reach, self.core_of, len(self.tiles), fired.astype(np.float64))
            amount = np.rint(sent.packets) if whole else sent.packets
            _along(loads, self.tiles[sent.source], self.tiles[sent.target], amount.astype(loads.dtype))
        return loads

    def per_spike(self) -> dict[str, NDArray[np.int64]]:
        """The events one spike of each neuron causes on its way, by name."""
        return {
            "packet": self.packet,
            "packet received": self.received,
            "tile-local packet": self.local,
            "east-west hop": self.east_west,
            "north-south hop": self.north_south,
        }

    def joules(self, spikes: NDArray[Any] | None = None) -> float:
        """Energy of the packets when neuron n fires `spikes[n]` times (once by default), at the chip's prices."""
        fired = np.ones(self.packet.size) if spikes is None else np.asarray(spikes)
        return float(sum(self.chip.prices[event].joules * float(n @ fired) for event, n in self.per_spike().items()))


def ways(
    found: Reach,
    core_of: NDArray[np.int32],
    tiles: NDArray[np.int32],
    chip: EventChip,
    faults: Faults | None = None,
) -> Ways:
    """The ways of every neuron's packets, by the chip's routing, around what is dead; raises PlacementError where none leads."""
    if faults is not None:
        return _around(found, core_of, tiles, chip, Detours(faults, chip.defects.detours))
    size = core_of.size
    local, east_west, north_south = (np.zeros(size, np.int64) for _ in range(3))
    longest = np.zeros(size)
    times = [chip.prices[e].seconds for e in ("east-west hop", "north-south hop", "tile-local packet")]
    if found.pairs <= SMALL:
        sender = found.senders
        across, along = hops(tiles, core_of[sender], found.core)
        stays = across + along == 0
        for total, part in ((local, stays), (east_west, across), (north_south, along)):
            total += np.bincount(sender, part, size).astype(np.int64)
        np.maximum.at(longest, sender, np.where(stays, times[2], across * times[0] + along * times[1]))
    else:
        from workbench.kernels import mesh  # noqa: PLC0415  compiled kernels only for what is large

        mesh.unicast(found.start, found.core, core_of, tiles, np.array(times), local, east_west, north_south, longest)
    received = np.diff(found.start)
    packet = received
    if chip.routing == "multicast":
        from workbench.kernels import mesh  # noqa: PLC0415

        packet, local = np.minimum(received, 1), np.minimum(local, 1)
        nothing, loads = np.zeros(size, np.int64), np.zeros((4, chip.tiles_y, chip.tiles_x), np.int64)
        mesh.multicast(found.start, found.core, core_of, tiles, nothing, loads, east_west, north_south)
    return Ways(found, core_of, tiles, chip, packet, received, local, east_west, north_south, longest)


def _around(
    found: Reach, core_of: NDArray[np.int32], tiles: NDArray[np.int32], chip: EventChip, detours: Detours
) -> Ways:
    """The same on a mesh with faults."""
    nothing = np.zeros((4, chip.tiles_y, chip.tiles_x), np.int64)
    (local, east_west, north_south, channel), longest = detours.send(
        found, core_of, tiles, chip, loads=nothing, amount=np.zeros(core_of.size, np.int64)
    )
    received = np.diff(found.start)
    packet = received
    if chip.routing == "multicast":
        packet, local = np.minimum(received, 1), np.minimum(local, 1)
    return Ways(
        found, core_of, tiles, chip, packet, received, local, east_west, north_south, longest,
        detours=detours, channels=int(channel.max(initial=0)) + 1,
    )  # fmt: skip


def _along(loads: NDArray[Any], source: NDArray[np.int32], target: NDArray[np.int32], amount: NDArray[Any]) -> None:
    """Put `amount[k]` on every link of the way from tile source[k] to target[k].

    Each stretch is written as a step up where it begins and a step down where it ends; running sums fill in between.
    """
    (x, y), (to_x, to_y) = source.T, target.T
    for plus, minus, a, b, line in ((0, 1, x, to_x, y), (2, 3, y, to_y, to_x)):
        for link, goes in ((plus, b > a), (minus, b < a)):
            cells = (line[goes], a[goes]), (line[goes], b[goes])
            begins, ends = cells if link < 2 else ((p, q) for q, p in cells)
            np.add.at(loads[link], begins, amount[goes])
            np.add.at(loads[link], ends, -amount[goes])
    for link, axis, back in ((0, 1, 1), (1, 1, -1), (2, 0, 1), (3, 0, -1)):
        way = [slice(None), slice(None)]
        way[axis] = slice(None, None, back)
        view = loads[link][tuple(way)]
        np.cumsum(view, axis=axis, out=view)


def links(loads: NDArray[Any]) -> list[tuple[Tile, str, float]]:
    """Every loaded link as (tile it leaves, direction, packets), the busiest first."""
    d, y, x = np.nonzero(loads)
    order = np.argsort(-loads[d, y, x], kind="stable")
    return [((int(x[k]), int(y[k])), DIRECTIONS[d[k]], float(loads[d[k], y[k], x[k]])) for k in order]


def dependencies(found: Ways) -> NDArray[np.bool_]:
    """Which link a packet may hold while it waits for which next one, over all ways in use.

    Shape (4, tiles_y, tiles_x, 4): [d, y, x, e] says that some way takes link d of tile (x, y) and then link e of the tile it leads
    to. The branches of a multicast tree are the unicast ways, so the graph is the same for both; each copy is a packet of its own. On
    more than one virtual channel it is (channels, 4, tiles_y, tiles_x, 4); waits from one channel to the next, upwards only, are left out.
    """
    from workbench.kernels import mesh  # noqa: PLC0415

    sent = of_reach(found.reach, found.core_of, len(found.tiles))
    if found.detours is not None:
        tile = found.tiles[:, 1].astype(np.int64) * found.chip.tiles_x + found.tiles[:, 0]
        by_channel = found.detours.waits(np.stack([tile[sent.source], tile[sent.target]], axis=1), found.channels)
        return by_channel[0] if found.channels == 1 else by_channel
    used = np.zeros((4, found.chip.tiles_y, found.chip.tiles_x, 4), np.bool_)
    mesh.dependencies(found.tiles[sent.source], found.tiles[sent.target], used)
    return used


def path_dependencies(paths: Iterable[Sequence[Tile]], mesh: tuple[int, int]) -> NDArray[np.bool_]:
    """The same for ways given as lists of tiles on a mesh of (tiles_x, tiles_y), whatever rule made them."""
    used = np.zeros((4, mesh[1], mesh[0], 4), np.bool_)
    for way in paths:
        last: tuple[int, int, int] | None = None
        for (x, y), (to_x, to_y) in pairwise(way):
            go = _STEPS.get((to_x - x, to_y - y))
            if go is None or not (
                0 <= x < mesh[0] and 0 <= y < mesh[1] and 0 <= to_x < mesh[0] and 0 <= to_y < mesh[1]
            ):
                raise DescriptionError(
                    tr(
                        "A way goes from tile ({x}, {y}) to ({to_x}, {to_y}); a hop leads to one of the four tiles beside it, on the mesh.",
                        x=x,
                        y=y,
                        to_x=to_x,
                        to_y=to_y,
                    )
                )
            if last is not None:
                used[(*last, go)] = True
            last = (go, y, x)
    return used


def acyclic(used: NDArray[np.bool_]) -> bool:
    """Whether no links wait for each other in a ring: then packets can never be deadlocked (Dally and Seitz 1987).

    With a first axis for virtual channels, in none of them: a packet never goes back to a lower one.
    """
    from workbench.kernels import mesh  # noqa: PLC0415

    return all(int(mesh.without_cycle(one)) == 0 for one in used.reshape(-1, *used.shape[-4:]))
