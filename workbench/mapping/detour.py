"""Detour: the ways of packets on a mesh with dead links and tiles, by tables, and why they can never wait for each other in a ring.

*shortest*: from every tile a tree of shortest ways, breadth first; of all shortest ways those with fewest bends from a column into a
row, which dimension order never makes. A packet that makes one goes on in the next virtual channel: within a channel links wait for
each other as in dimension order, and from channel to channel only upwards, so there is no ring (after the layers of Duato et al.,
*Interconnection Networks*, and Dally and Seitz 1987). Where nothing is broken in between, the way is that of dimension order.

On a chip of layers dimension order is layers, row, column, and all that is said of bends holds for bends into an earlier axis.

*up-down*: one virtual channel. Links are ordered by a tree from the middle of the mesh; a way goes up, then down, never up again
(Schroeder et al. 1991, Autonet). It is the shortest of those ways, which may be longer than the shortest of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.errors import PlacementError
from workbench.mapping.faults import Faults
from workbench.mapping.lattice import kinds_of, seconds_of
from workbench.mapping.reach import Reach
from workbench.words import tr

__all__ = ["Detours", "distances"]

Tile = tuple[int, int]


@final
@dataclass(frozen=True, eq=False)
class Detours:
    """The ways around `faults` on a chip's mesh; `style` is one of `Defects.detours`. Tiles are (x, row), as in `EventChip`."""

    faults: Faults
    style: str

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """The order of tiles for up-down ways, from the living tile nearest to the middle; empty for shortest ways."""
        if self.style == "shortest":
            return np.zeros(0, np.int64)
        from workbench.kernels import detours  # noqa: PLC0415  compiled kernels only when something is broken

        part = self.faults.part
        high, wide = part.shape
        y, x = np.nonzero(part == 0)
        rank = np.full(part.size, -1, np.int64)
        if y.size:
            root = int(np.argmin(np.abs(2 * x - wide + 1) + np.abs(2 * y - high + 1)))
            detours.ranks(self.faults.open, self.faults.ahead, int(y[root] * wide + x[root]), rank)
        return rank

    def path(self, source: Tile, target: Tile) -> tuple[list[Tile], list[int]]:
        """The tiles (x, y) of the way between two tiles, both ends included, and the virtual channel of each link on it."""
        from workbench.kernels import detours  # noqa: PLC0415

        wide = self.faults.tiles.shape[1]
        tiles, channels = (np.zeros(2 * self.faults.tiles.size + 1, np.int64) for _ in range(2))
        a, b = (y * wide + x for x, y in (source, target))
        links = -1
        if not self.faults.tiles.flat[a]:
            links = detours.way(a, b, self.faults.open, self.faults.ahead, self.rank, tiles, channels)
        if links < 0:
            raise PlacementError(_no_way(source, target))
        found = [(int(t % wide), int(t // wide)) for t in tiles[: links + 1]]
        return found, channels[1 : links + 1].tolist()

    def send(
        self,
        found: Reach,
        core_of: NDArray[np.int32],
        tiles: NDArray[np.int32],
        chip: EventChip,
        *,
        loads: NDArray[Any],
        amount: NDArray[Any],
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Send a packet of each neuron to each of its cores, by `chip.routing`; `amount` of each neuron is added to `loads`.

        Gives for each neuron (local, links of each of `lattice.KINDS`, last virtual channel), shape (6, neurons), and the seconds of its
        longest way.
        """
        from workbench.kernels import detours  # noqa: PLC0415

        wide = chip.tiles_x
        tile_of = tiles[:, 1].astype(np.int64) * wide + tiles[:, 0]
        home = tile_of[core_of]
        sends = np.flatnonzero(np.diff(found.start))
        senders = sends[np.argsort(home[sends], kind="stable")]
        totals, path = np.zeros((6, core_of.size), np.int64), np.zeros(core_of.size)
        times = np.append(seconds_of(chip), chip.prices["tile-local packet"].seconds)
        lost = detours.route(
            found.start, found.core, tile_of, home, senders, self.faults.open, self.faults.ahead, self.rank,
            kinds_of(chip), chip.routing == "multicast", amount, times, loads, totals, path,
        )  # fmt: skip
        if lost >= 0:
            to = found.core[found.start[lost] : found.start[lost + 1]]
            part = self.faults.part[tiles[to, 1], tiles[to, 0]]
            away = to[part != self.faults.part.flat[home[lost]]]
            target = tiles[away[0] if away.size else to[0]]
            x, y = tiles[core_of[lost]].tolist()
            raise PlacementError(" ".join([_no_way((x, y), tuple(target.tolist())), *self.faults.cut_off()]))
        return totals, path

    def links(self, pairs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ways of tile `pairs` (source, target), those of one source together, as (begin, links): way k is `links[begin[k]:begin[k + 1]]`.

        A link is (channel · tiles + tile) · directions + direction, and every way ends with -1. Tiles are numbered row by row.
        """
        from workbench.kernels import detours  # noqa: PLC0415

        source, target = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
        begin, found = np.zeros(len(pairs) + 1, np.int64), np.zeros(0, np.int64)
        wide = self.faults.tiles.shape[1]
        lost = detours.listed(source, target, self.faults.open, self.faults.ahead, self.rank, begin, found)
        if lost >= 0:
            a, b = int(source[lost]), int(target[lost])
            raise PlacementError(_no_way((a % wide, a // wide), (b % wide, b // wide)))
        found = np.zeros(int(begin[-1]), np.int64)
        detours.listed(source, target, self.faults.open, self.faults.ahead, self.rank, begin, found)
        return begin, found

    def waits(self, pairs: NDArray[np.int64], channels: int) -> NDArray[np.bool_]:
        """Which link waits for which on the ways of tile `pairs` (source, target), by virtual channel, of which they need `channels`.

        Shape (channels, 4, tiles_y, tiles_x, 4), as `route.dependencies` for each channel. From channel to channel waits go upwards
        only, by construction, so no ring can lie in more than one.
        """
        from workbench.kernels import detours  # noqa: PLC0415

        pairs = np.unique(pairs.reshape(-1, 2), axis=0)
        links = self.faults.links.shape
        used = np.zeros((channels, *links, links[0]), np.bool_)
        detours.waits(pairs[:, 0].copy(), pairs[:, 1].copy(), self.faults.open, self.faults.ahead, self.rank, used)
        return used


def distances(faults: Faults, source: Tile) -> NDArray[np.int64]:
    """Links on a shortest way from tile (x, y) to every other one, shape (tiles_y, tiles_x); -1 where none leads."""
    from workbench.kernels import detours  # noqa: PLC0415

    high, wide = faults.tiles.shape
    far = np.full(faults.tiles.size, -1, np.int64)
    if not faults.tiles[source[1], source[0]]:
        detours.distances(faults.open, faults.ahead, source[1] * wide + source[0], far, np.empty(far.size, np.int64))
    return far.reshape(high, wide)


def _no_way(source: Tile, target: Tile) -> str:
    return tr(
        "No way leads from tile ({x}, {y}) to tile ({to_x}, {to_y}): what lies between them is dead.",
        x=source[0],
        y=source[1],
        to_x=target[0],
        to_y=target[1],
    )
