"""Route: which way packets go, how far, over which links, and whether they can ever wait for each other in a ring.

Dimension order: first along the row, then along the column; on a chip of layers from layer to layer before. A unicast packet goes to one
core; a multicast packet goes along the row as far as any of its cores lies, and a copy leaves along each column where one lies: the
union of the unicast ways. On a chip with faults packets follow tables instead (see `mapping.detour`), and a multicast packet again the union of its unicast ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EVENTS, EventChip
from workbench.errors import DescriptionError
from workbench.mapping.detour import Detours
from workbench.mapping.faults import Faults
from workbench.mapping.lattice import KINDS, between, seconds_of, spread
from workbench.mapping.reach import SMALL, Reach
from workbench.mapping.traffic import of_reach
from workbench.words import tr

__all__ = [
    "DIRECTIONS",
    "Ways",
    "acyclic",
    "along",
    "dependencies",
    "hops",
    "links",
    "path",
    "path_dependencies",
    "ways",
]

DIRECTIONS = ("east", "west", "north", "south", "up", "down")
"""The first axis of link loads: where a link goes from its tile; north is the next higher row, up the next layer where there is one."""

_STEPS = {(1, 0): 0, (-1, 0): 1, (0, 1): 2, (0, -1): 3}

Tile = tuple[int, int]


def hops(
    tiles: NDArray[np.int32], source: NDArray[np.int32], target: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """East–west and north–south hops of a packet between cores `source` and `target` (arrays), whose tiles are `tiles[core]`."""
    apart = np.abs(tiles[source].astype(np.int64) - tiles[target].astype(np.int64))
    return apart[..., 0], apart[..., 1]


def path(source: Tile, target: Tile, tiles_y: int | None = None) -> list[Tile]:
    """The tiles (x, row) of a packet's way from one tile to another, both ends included; a layer has `tiles_y` rows, all by default."""
    (x, y), (to_x, to_y) = source, target
    if tiles_y and y // tiles_y != to_y // tiles_y:
        end = y % tiles_y + to_y // tiles_y * tiles_y
        step = tiles_y if end > y else -tiles_y
        return [*((x, r) for r in range(y, end, step)), *path((x, end), target)]
    along = [(c, y) for c in range(x, to_x, 1 if to_x > x else -1)]
    across = [(to_x, r) for r in range(y, to_y, 1 if to_y > y else -1)]
    return [*along, *across, target]


@final
@dataclass(frozen=True, eq=False)
class Ways:
    """What one spike of each neuron sends over the mesh, and what many spikes put on each link.

    `crossed`: links of each of `lattice.KINDS` (east–west and north–south hops, links between dies and between layers), shape
    (4, neurons). `packet`: one for each core reached (unicast) or one for all (multicast). `received`: cores reached. `local`: packets, or branches
    of one, that stay on the sender's tile. `path`: seconds of the longest way at the chip's prices, without waiting.
    """

    reach: Reach
    core_of: NDArray[np.int32]
    tiles: NDArray[np.int32]
    chip: EventChip
    packet: NDArray[np.int64]
    received: NDArray[np.int64]
    local: NDArray[np.int64]
    crossed: NDArray[np.int32]
    path: NDArray[np.float64]
    detours: Detours | None = None
    """The ways around what is dead; None where packets go in dimension order."""
    channels: int = 1
    """Virtual channels the ways need so that packets never wait for each other in a ring."""

    @property
    def hops(self) -> NDArray[np.int64]:
        """Links crossed by one spike of each neuron, all copies together."""
        return self.crossed.sum(axis=0)

    @property
    def east_west(self) -> NDArray[np.int32]:
        """East–west hops of one spike of each neuron, all copies together."""
        return self.crossed[0]

    @property
    def north_south(self) -> NDArray[np.int32]:
        """North–south hops, likewise."""
        return self.crossed[1]

    def link_loads(self, spikes: NDArray[Any] | None = None) -> NDArray[Any]:
        """Packets over every link when neuron n fires `spikes[n]` times (once by default): shape (4, rows, tiles_x), or (6, …) with layers.

        The first axis is DIRECTIONS; [0, y, x] is the link from tile (x, y) to the east. Whole spikes give whole loads.
        """
        fired = np.ones(self.packet.size, np.int64) if spikes is None else np.asarray(spikes)
        whole = np.issubdtype(fired.dtype, np.integer)
        loads = _no_loads(self.chip, np.int64 if whole else np.float64)
        if self.detours is not None:
            amount = fired.astype(loads.dtype)
            self.detours.send(self.reach, self.core_of, self.tiles, self.chip, loads=loads, amount=amount)
        elif self.chip.routing == "multicast":
            _trees(self.reach, self.core_of, self.tiles, self.chip, fired.astype(loads.dtype), loads)
        else:
            sent = of_reach(self.reach, self.core_of, len(self.tiles), fired.astype(np.float64))
            amount = np.rint(sent.packets) if whole else sent.packets
            along(
                loads, self.tiles[sent.source], self.tiles[sent.target], amount.astype(loads.dtype), self.chip.tiles_y
            )
        return loads

    @property
    def by_cores(self) -> bool:
        """Whether links follow from what goes from core to core: where each packet goes to one, and nothing lies in its way."""
        return self.detours is None and self.chip.routing != "multicast"

    def loads_of(self, traffic: NDArray[np.int64]) -> NDArray[np.int64]:
        """Packets over every link when so many go from each core to each other one, shape (cores, cores); see `link_loads` and `by_cores`."""
        row = self.tiles[:, 0].astype(np.int64) * self.chip.rows + self.tiles[:, 1]
        used, at = np.unique(row, return_inverse=True)
        way = at[:, None] * used.size + at  # exact in float64 while the sums stay below 2^53
        amount = np.bincount(way.reshape(-1), traffic.reshape(-1), used.size**2).astype(np.int64)
        (some,) = np.nonzero(amount)
        where = np.stack(np.divmod(used, self.chip.rows), axis=1)
        loads = _no_loads(self.chip)
        along(loads, where[some // used.size], where[some % used.size], amount[some], self.chip.tiles_y)
        return loads

    def per_spike(self) -> dict[str, NDArray[Any]]:
        """The events one spike of each neuron causes on its way, by name."""
        return {
            "packet": self.packet,
            "packet received": self.received,
            "tile-local packet": self.local,
            **{kind: self.crossed[k] for k, kind in enumerate(KINDS) if kind in self.chip.events},
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
    local, longest, links = np.zeros(size, np.int64), np.zeros(size), np.zeros((4, size), np.int32)
    stays_for, times = chip.prices["tile-local packet"].seconds, seconds_of(chip)
    if found.pairs > SMALL and chip.events == EVENTS:
        from workbench.kernels import mesh  # noqa: PLC0415  compiled kernels only for what is large

        seconds = np.array([*times[:2], stays_for])
        mesh.unicast(found.start, found.core, core_of, tiles, seconds, local, links[0], links[1], longest)
    else:
        place, many = spread(tiles, chip), max(1, size * SMALL // max(SMALL, found.pairs, 1))
        for first in range(0, size, many):  # links are listed for some senders at a time
            last = min(size, first + many)
            span = slice(int(found.start[first]), int(found.start[last]))
            sender = np.repeat(np.arange(first, last), np.diff(found.start[first : last + 1]))
            each = between(place[core_of[sender]], place[found.core[span]], chip)
            stays = ~each.any(axis=0)
            for total, part in ((local, stays), *zip(links, each, strict=True)):
                total += np.bincount(sender, part, size).astype(total.dtype)
            np.maximum.at(longest, sender, np.where(stays, stays_for, times @ each))
    received = np.diff(found.start)
    packet = received
    if chip.routing == "multicast":
        packet, local = np.minimum(received, 1), np.minimum(local, 1)
        del links
        links = _trees(found, core_of, tiles, chip, np.zeros(size, np.int64), _no_loads(chip))
    return Ways(found, core_of, tiles, chip, packet, received, local, links, longest)


def _no_loads(chip: EventChip, dtype: Any = np.int64) -> NDArray[Any]:
    return np.zeros((4 if chip.layers == 1 else 6, chip.rows, chip.tiles_x), dtype)


def _trees(
    found: Reach,
    core_of: NDArray[np.int32],
    tiles: NDArray[np.int32],
    chip: EventChip,
    amount: NDArray[Any],
    loads: NDArray[Any],
) -> NDArray[np.int32]:
    """Links of each of `lattice.KINDS` in the tree of every neuron's packet, (4, neurons); `amount` of each is added to `loads`.

    On a chip of layers the tree goes up and down first, and has a branch of its own in every layer it comes to.
    """
    from workbench.kernels import mesh  # noqa: PLC0415  compiled kernels only when something is mapped

    size = core_of.size
    made = np.zeros((4, size), np.int32)
    start, core, home, at, owner = found.start, found.core, core_of, tiles, np.arange(size)
    if chip.layers > 1:
        sender, layer = found.senders, tiles[found.core, 1] // chip.tiles_y
        branch, first, rows = np.unique(sender * chip.layers + layer, return_index=True, return_counts=True)
        core = found.core[np.lexsort((layer, sender))]
        start = np.concatenate([[0], np.cumsum(rows)])
        owner = branch // chip.layers
        root = tiles[core_of[owner]].copy()
        root[:, 1] += (layer[first] - root[:, 1] // chip.tiles_y) * chip.tiles_y
        at, home = np.concatenate([tiles, root]).astype(np.int32), (len(tiles) + np.arange(owner.size)).astype(np.int32)
        made[3] = _pillars(found, core_of, tiles, chip, amount, loads)
        loads = loads[:4]  # a view: the kernel writes the rest of the tree

    def walked(
        where: NDArray[Any], into: NDArray[Any], much: NDArray[Any]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        rows, columns = np.zeros(owner.size, np.int64), np.zeros(owner.size, np.int64)
        mesh.multicast(start, core, home, np.ascontiguousarray(where, np.int32), much, into, rows, columns)
        return tuple(np.bincount(owner, n, size).astype(np.int32) for n in (rows, columns))  # type: ignore[return-value]

    made[0], made[1] = walked(at, loads, amount[owner])
    nothing = np.zeros(owner.size, np.int64)
    for axis, side in enumerate((chip.die_x, chip.die_y)):
        if side:  # the same tree on a mesh whose tiles along this axis are dies: its links are those between dies
            where = at.copy()
            where[:, axis] = (
                where[:, axis] // side
                if axis == 0
                else where[:, 1] // chip.tiles_y * chip.tiles_y + where[:, 1] % chip.tiles_y // side
            )
            links = walked(where, np.zeros((4, chip.rows, chip.tiles_x), np.int64), nothing)[axis]
            made[axis] -= links
            made[2] += links
    return made


def _pillars(
    found: Reach,
    core_of: NDArray[np.int32],
    tiles: NDArray[np.int32],
    chip: EventChip,
    amount: NDArray[Any],
    loads: NDArray[Any],
) -> NDArray[np.int64]:
    """Links between layers in the tree of every neuron: up as far as any of its cores lies, and down."""
    x, y, home = spread(tiles[core_of], chip).T
    layer = tiles[found.core, 1].astype(np.int64) // chip.tiles_y
    top, low = home.copy(), home.copy()
    np.maximum.at(top, found.senders, layer)
    np.minimum.at(low, found.senders, layer)
    for k in range(chip.layers - 1):
        up, down = (home <= k) & (top > k), (home > k) & (low <= k)
        np.add.at(loads[4], (k * chip.tiles_y + y[up], x[up]), amount[up])
        np.add.at(loads[5], ((k + 1) * chip.tiles_y + y[down], x[down]), amount[down])
    return top - low


def _around(
    found: Reach, core_of: NDArray[np.int32], tiles: NDArray[np.int32], chip: EventChip, detours: Detours
) -> Ways:
    """The same on a mesh with faults."""
    (local, *links, channel), longest = detours.send(
        found, core_of, tiles, chip, loads=_no_loads(chip), amount=np.zeros(core_of.size, np.int64)
    )
    received = np.diff(found.start)
    packet = received
    if chip.routing == "multicast":
        packet, local = np.minimum(received, 1), np.minimum(local, 1)
    return Ways(
        found, core_of, tiles, chip, packet, received, local, np.stack(links).astype(np.int32), longest,
        detours=detours, channels=int(channel.max(initial=0)) + 1,
    )  # fmt: skip


def along(loads: NDArray[Any], source: NDArray[Any], target: NDArray[Any], amount: NDArray[Any], tiles_y: int) -> None:
    """Put `amount[k]` on every link of the way in dimension order from tile source[k] to target[k]; a layer has `tiles_y` rows.

    Each stretch is written as a step up where it begins and a step down where it ends; running sums fill in between.
    """
    (x, y), (to_x, to_y) = source.T.astype(np.int64), target.T.astype(np.int64)
    if len(loads) > 4:
        layer, to = y // tiles_y, to_y // tiles_y
        for k in range(loads.shape[1] // tiles_y - 1):
            up, down = (layer <= k) & (to > k), (layer > k) & (to <= k)
            np.add.at(loads[4], (k * tiles_y + y[up] % tiles_y, x[up]), amount[up])
            np.add.at(loads[5], ((k + 1) * tiles_y + y[down] % tiles_y, x[down]), amount[down])
        y = to * tiles_y + y % tiles_y
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

    Shape (4, rows, tiles_x, 4), or (6, …, 6) with layers: [d, y, x, e] says that some way takes link d of tile (x, y) and then link e of the tile it leads
    to. The branches of a multicast tree are the unicast ways, so the graph is the same for both; each copy is a packet of its own. On
    more than one virtual channel it is (channels, 4, rows, tiles_x, 4); waits from one channel to the next, upwards only, are left out.
    """
    from workbench.kernels import mesh  # noqa: PLC0415

    sent = of_reach(found.reach, found.core_of, len(found.tiles))
    if found.detours is not None:
        tile = found.tiles[:, 1].astype(np.int64) * found.chip.tiles_x + found.tiles[:, 0]
        by_channel = found.detours.waits(np.stack([tile[sent.source], tile[sent.target]], axis=1), found.channels)
        return by_channel[0] if found.channels == 1 else by_channel
    many = 4 if found.chip.layers == 1 else 6
    used = np.zeros((many, found.chip.rows, found.chip.tiles_x, many), np.bool_)
    mesh.dependencies(found.tiles[sent.source], found.tiles[sent.target], found.chip.tiles_y, used)
    return used


def path_dependencies(paths: Iterable[Sequence[Tile]], mesh: tuple[int, int], *, layers: int = 1) -> NDArray[np.bool_]:
    """The same for ways given as lists of tiles (x, row) on a mesh of (tiles_x, rows) tiles in so many layers, whatever rule made them."""
    wide, high = mesh
    each = high // layers
    steps = _STEPS | ({(0, each): 4, (0, -each): 5} if layers > 1 else {})
    used = np.zeros((4 if layers == 1 else 6, high, wide, 4 if layers == 1 else 6), np.bool_)
    for way in paths:
        last: tuple[int, int, int] | None = None
        for (x, y), (to_x, to_y) in pairwise(way):
            go = steps.get((to_x - x, to_y - y))
            on = 0 <= x < wide and 0 <= y < high and 0 <= to_x < wide and 0 <= to_y < high
            if go is None or not on or (go in (2, 3) and y // each != to_y // each):
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


def acyclic(used: NDArray[np.bool_], *, layers: int = 1) -> bool:
    """Whether no links wait for each other in a ring: then packets can never be deadlocked (Dally and Seitz 1987).

    With a first axis for virtual channels, in none of them: a packet never goes back to a lower one. `layers` has the mesh.
    """
    from workbench.kernels import mesh  # noqa: PLC0415

    each = used.shape[-3] // layers
    return all(int(mesh.without_cycle(one, each)) == 0 for one in used.reshape(-1, *used.shape[-4:]))
