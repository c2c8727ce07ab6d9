"""Dies: the ways of packets over a wafer of many dies and layers, round the dies and the sides of dies that are dead.

A packet goes first from layer to layer, then along the row, then along the column (dimension order). On a wafer where something is
dead every die has tables of ways to all others, found by breadth-first search over living dies (`mapping.detour`): the fewest links
between dies, and of those ways the one with fewest bends from a column into a row. There are four tables, since ways may be searched
with north or south, east or west first; a packet takes the one with the fewest tiles. Within a die, and from one die of the way to the
next, it goes straight on and never farther than it must. The graph is that of the dies, so its cost does not grow with the neurons.

No packets wait for each other in a ring: within a virtual channel of the table all bends, those inside dies too, are those of
dimension order, and from channel to channel packets only go up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.wafer import WaferChip
from workbench.errors import PlacementError
from workbench.mapping.detour import Detours
from workbench.mapping.faults import NAMED, Faults
from workbench.mapping.route import along
from workbench.words import tr

__all__ = ["DieWays", "die_faults"]

MIRRORS = ((False, False), (True, False), (False, True), (True, True))
"""Whether a table is searched with west and east, or south and north, in each other's place."""

Tile = tuple[int, int, int]
"""(x, y) counted over the whole wafer, and the layer."""


def die_faults(chip: WaferChip) -> Faults:
    """Which dies of a wafer are dead, each as one core on one tile, and which sides of dies; a die without a living core still passes packets on.

    Raises PlacementError when a living die cannot be reached, and names it.
    """
    shape = (chip.dies_y, chip.dies_x)
    dead, links = np.zeros(shape, np.bool_), np.zeros((4, *shape), np.bool_)
    for x, y in chip.dead_dies:
        dead[y, x] = True
    for x, y, to_x, to_y in chip.dead_links:
        links[0 if y == to_y else 2, min(y, to_y), min(x, to_x)] = True
    hollow = [[chip.living(x, y) == 0 for x in range(chip.dies_x)] for y in range(chip.dies_y)]
    found = Faults(np.array(hollow)[:, :, None], dead, links)
    away = found.unreachable if chip.dead_dies or chip.dead_links else np.zeros((0, 2), np.int64)
    if len(away):
        named = ", ".join(f"({x}, {y})" for x, y in away[:NAMED].tolist()) + (", …" if len(away) > NAMED else "")
        raise PlacementError(
            tr(
                "{chip} is cut: no way leads from its largest part of {dies} dies to {count} living dies with room for {neurons:,} neurons: {named}. "
                "Mend a die or a link between, or list them in dead_dies too, to do without them.",
                chip=chip.name,
                dies=found.usable,
                count=len(away),
                neurons=sum(chip.living(x, y) for x, y in away.tolist()) * chip.neurons_per_core,
                named=named,
            )
        )
    return found


@final
@dataclass(frozen=True, eq=False)
class DieWays:
    """The ways between the tiles of a wafer; raises PlacementError for a wafer that is cut in two, when the first way is asked for."""

    chip: WaferChip

    @cached_property
    def faults(self) -> Faults:
        """The dead dies, and links between dies."""
        return die_faults(self.chip)

    @property
    def _broken(self) -> bool:
        """Whether any die or link between dies is dead."""
        return bool(self.chip.dead_dies or self.chip.dead_links)

    @cached_property
    def _tables(self) -> tuple[Detours, ...]:
        """The tables searched with north and east first, and as seen in a mirror: west, south, or both first."""
        return tuple(Detours(_mirrored(self.faults, seen), "shortest") for seen in MIRRORS)

    def laid(
        self, source: NDArray[np.integer], target: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What a packet from each tile (n, 3) to each other one crosses, and the number of its way, for `loads`.

        The first has shape (4, n): east–west hops, north–south hops, die links, vias; its sum is the length of the way in tiles.
        """
        source, target = source.astype(np.int64), target.astype(np.int64)
        apart = np.abs(target - source)
        a, b = self._die(source), self._die(target)
        moved, links, way = apart[:, :2].copy(), np.abs(b - a), self._pair(a, b)
        if self._broken:
            known, which = np.unique(way, return_inverse=True)
            crossed, _ = self._sent(self._tables[0], known, np.zeros(known.size, np.int64))
            rows = np.flatnonzero(crossed.sum(axis=0)[which] > links.sum(axis=1))
            self._around(source, target, rows, moved, links, way)
        hops = moved - links
        return np.stack([hops[:, 0], hops[:, 1], links.sum(axis=1), apart[:, 2]]), way

    def loads(self, ways: NDArray[np.int64], packets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Packets over every link between dies when so many go each of these ascending `ways`: shape (4, dies_y, dies_x).

        The first axis is `route.DIRECTIONS`; [0, y, x] is the link from die (x, y) to the east.
        """
        made = np.zeros((4, self.chip.dies_y, self.chip.dies_x), np.int64)
        if not self._broken:  # dimension order, and nothing need be compiled
            source, target = (
                np.stack([d % self.chip.dies_x, d // self.chip.dies_x], axis=1) for d in np.divmod(ways, self.chip.dies)
            )
            along(made, source, target, packets, self.chip.dies_y)
            return made
        table, pair = np.divmod(ways, self.chip.dies**2)
        for k, seen in enumerate(MIRRORS):
            mine = table == k
            if mine.any():
                made += _turned(self._sent(self._tables[k], pair[mine], packets[mine])[1], seen)
        return made

    def path(self, source: Tile, target: Tile) -> tuple[list[Tile], list[int]]:
        """The tiles of one way, both ends included, and the virtual channel of each hop; hops from layer to layer come first, on channel 0."""
        both = np.array([source, target], np.int64)
        table = int(self.laid(both[:1], both[1:])[1][0] // self.chip.dies**2)
        start, end = (tuple(t) for t in self._seen(both, MIRRORS[table]).tolist())
        dies, channels = self._tables[table].path(*(tuple(d) for d in self._die(np.array([start, end])).tolist()))
        now, channel, made, used = list(start), 0, [start], []

        def go(axis: int, to: int) -> None:
            while now[axis] != to:
                now[axis] += 1 if to > now[axis] else -1
                made.append(tuple(now))
                used.append(channel)

        go(2, end[2])
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(dies)]
        for k, (dx, _) in enumerate(steps):
            axis = 0 if dx else 1
            if axis == 1 and not any(x for x, _ in steps[k:]):
                go(0, end[0])  # as in dimension order: the row is done before the column
            channel = channels[k]
            low = dies[k + 1][axis] * int(self._size[axis])
            go(axis, min(max(now[axis], low), low + int(self._size[axis]) - 1))
        go(0, end[0])
        go(1, end[1])
        return [tuple(t) for t in self._seen(np.array(made), MIRRORS[table]).tolist()], used

    # --- inside ---

    @property
    def _size(self) -> NDArray[np.int64]:
        return np.array([self.chip.tiles_x, self.chip.tiles_y])

    def _die(self, tiles: NDArray[np.int64]) -> NDArray[np.int64]:
        return tiles[:, :2] // self._size

    def _pair(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        wide = self.chip.dies_x
        return (a[:, 1] * wide + a[:, 0]) * self.chip.dies + b[:, 1] * wide + b[:, 0]

    def _seen(self, tiles: NDArray[np.int64], seen: tuple[bool, bool]) -> NDArray[np.int64]:
        """The tiles as a mirror shows them."""
        last = np.append(np.array([self.chip.dies_x, self.chip.dies_y]) * self._size - 1, 0)
        return np.where((*seen, False), last - tiles, tiles)

    def _around(
        self,
        source: NDArray[np.int64],
        target: NDArray[np.int64],
        rows: NDArray[np.int64],
        moved: NDArray[np.int64],
        links: NDArray[np.int64],
        way: NDArray[np.int64],
    ) -> None:
        """Put right what is known of the ways in `rows`, which are longer than on a whole wafer: the shortest one of the tables."""
        least = np.full(rows.size, np.iinfo(np.int64).max)
        for k, seen in enumerate(MIRRORS):
            a, b = (self._seen(t[rows], seen) for t in (source, target))
            pair = self._pair(self._die(a), self._die(b))
            tiles, crossed = self._walked(self._tables[k], a, b, pair)
            better = tiles.sum(axis=1) < least
            mine = rows[better]
            least[better] = tiles.sum(axis=1)[better]
            moved[mine], links[mine], way[mine] = tiles[better], crossed[better], (k * self.chip.dies**2 + pair)[better]

    def _walked(
        self, table: Detours, source: NDArray[np.int64], target: NDArray[np.int64], pair: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The tiles a packet moves and the links between dies it crosses, by axis (n, 2), on the way of the table: never farther than it must."""
        known, which = np.unique(pair, return_inverse=True)
        begin, listed = table.links(np.stack(np.divmod(known, self.chip.dies), axis=1))
        first, many = begin[which], np.diff(begin)[which] - 1
        at = source[:, :2].copy()
        moved, links = np.zeros_like(at), np.zeros_like(at)
        for k in range(int(many.max(initial=0))):
            going = np.flatnonzero(many > k)
            die, direction = np.divmod(listed[first[going] + k] % (4 * self.chip.dies), 4)
            axis, ahead = direction // 2, 1 - 2 * (direction % 2)
            cell = np.stack([die % self.chip.dies_x, die // self.chip.dies_x], axis=1)
            cell[np.arange(going.size), axis] += ahead
            to = np.clip(at[going], cell * self._size, (cell + 1) * self._size - 1)
            moved[going] += np.abs(to - at[going])
            links[going, axis] += 1
            at[going] = to
        return moved + np.abs(target[:, :2] - at), links

    def _sent(
        self, table: Detours, pairs: NDArray[np.int64], packets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The links along rows and along columns of the way of each pair of dies, (2, pairs), and the loads of so many packets on each."""
        from workbench.kernels import detours  # noqa: PLC0415  compiled kernels only when something runs

        home, to = np.divmod(pairs, self.chip.dies)
        loads = np.zeros((4, self.chip.dies_y, self.chip.dies_x), np.int64)
        kind = np.zeros(loads.shape, np.int8)
        kind[2:] = 1  # along columns
        totals, start, dies = np.zeros((6, pairs.size), np.int64), np.arange(pairs.size + 1), np.arange(self.chip.dies)
        detours.route(
            start, to.astype(np.int32), dies, home, start[:-1], table.faults.open, table.faults.ahead, table.rank,
            kind, False, packets, np.zeros(5), loads, totals, np.zeros(pairs.size),
        )  # fmt: skip
        return totals[1:3], loads


def _mirrored(faults: Faults, seen: tuple[bool, bool]) -> Faults:
    """The faults as a mirror shows them that turns west and east, or south and north."""
    turn = slice(None, None, -1 if seen[1] else 1), slice(None, None, -1 if seen[0] else 1)
    return Faults(faults.cores[turn], faults.tiles[turn], _turned(faults.links, seen))


def _turned(links: NDArray[Any], seen: tuple[bool, bool]) -> NDArray[Any]:
    """Numbers of links (4, y, x) as a mirror shows them."""
    order = [1, 0] if seen[0] else [0, 1]
    order += [3, 2] if seen[1] else [2, 3]
    return links[order][:, :: -1 if seen[1] else 1, :: -1 if seen[0] else 1]
