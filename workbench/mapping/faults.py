"""Faults: which cores, tiles and links of a specimen are dead, what still hangs together, and how cores are moved off dead places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.chips.defects import Defects, cut_links, killed_cores, killed_tiles
from workbench.chips.event import EventChip
from workbench.errors import DescriptionError, PlacementError
from workbench.mapping.lattice import crossed
from workbench.physics import yields
from workbench.words import tr

__all__ = ["Faults", "drawn", "faults_of", "logical", "repaired"]

NAMED = 12
"""At most so many tiles are named in a sentence."""


@final
@dataclass(frozen=True, eq=False)
class Faults:
    """What is dead on one specimen: `cores` (rows, tiles_x, cores_per_tile), `tiles` (rows, tiles_x), `links` (4, rows, tiles_x).

    With more than one layer `links` has six rows, for those to the layer above and below too, and the rows of tiles of a layer follow
    those of the one below. True means dead. A dead tile takes its cores and links with it; a link is dead in both directions (the first axis is
    `route.DIRECTIONS`). Drawn by `drawn` from a chip's defects and die, or made by hand: `Faults.by_hand(chip, tiles=[(3, 4)])`.
    """

    cores: NDArray[np.bool_]
    tiles: NDArray[np.bool_]
    links: NDArray[np.bool_]
    layers: int = 1

    def __post_init__(self) -> None:
        high, wide, _ = np.shape(self.cores)
        links = np.array(self.links, np.bool_)
        if np.shape(self.tiles) != (high, wide) or links.shape != (4 if self.layers == 1 else 6, high, wide):
            raise DescriptionError(
                tr(
                    "Faults of {cores} cores need tiles of shape {tiles} and links of shape {links}.",
                    cores=np.shape(self.cores),
                    tiles=(high, wide),
                    links=(4 if self.layers == 1 else 6, high, wide),
                )
            )
        links |= self._off
        links[:, self.tiles] = True
        flat, off, tile = links.reshape(len(links), -1), self._off.reshape(len(links), -1), np.arange(high * wide)
        for d in range(0, len(links), 2):  # dead one way is dead both ways
            here = tile[~off[d]]
            there = here + self.ahead[d]
            flat[d, here] = flat[d + 1, there] = flat[d, here] | flat[d + 1, there]
        object.__setattr__(self, "links", links)
        object.__setattr__(self, "cores", self.cores | self.tiles[:, :, None])

    @property
    def ahead(self) -> NDArray[np.int64]:
        """How much higher the number of the tile is to which a link leads, by direction; tiles are numbered row by row."""
        high, wide = self.tiles.shape
        up = high // self.layers * wide
        return np.array([1, -1, wide, -wide, *([up, -up] if self.layers > 1 else [])])

    @cached_property
    def _off(self) -> NDArray[np.bool_]:
        """The links that would lead off the mesh, or from the last row of a layer to the first of the next."""
        high, wide = self.tiles.shape
        each = high // self.layers
        row = np.arange(high)
        off = np.zeros((4 if self.layers == 1 else 6, high, wide), np.bool_)
        off[0, :, -1] = off[1, :, 0] = True
        off[2, row % each == each - 1] = off[3, row % each == 0] = True
        if self.layers > 1:
            off[4, -each:] = off[5, :each] = True
        return off

    @classmethod
    def by_hand(
        cls,
        chip: EventChip,
        *,
        cores: tuple[tuple[int, int, int], ...] = (),
        tiles: tuple[tuple[int, int], ...] = (),
        links: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = (),
    ) -> Faults:
        """Dead are these `cores` (row, column, core on the tile), `tiles` (row, column) and `links` (tile, tile)."""
        high, wide = chip.rows, chip.tiles_x
        dead_cores, dead_tiles = np.zeros((high, wide, chip.cores_per_tile), bool), np.zeros((high, wide), bool)
        dead_links = np.zeros((4 if chip.layers == 1 else 6, high, wide), bool)
        for row, column, core in cores:
            dead_cores[row, column, core] = True
        for row, column in tiles:
            dead_tiles[row, column] = True
        for (row, column), (to_row, to_column) in links:
            if to_row == row:
                dead_links[0, row, min(column, to_column)] = True
            else:
                up = abs(row - to_row) == chip.tiles_y and chip.layers > 1
                dead_links[4 if up else 2, min(row, to_row), column] = True
        return cls(dead_cores, dead_tiles, dead_links, chip.layers)

    @property
    def whole(self) -> bool:
        """Whether nothing is dead."""
        return not self.cores.any() and np.array_equal(self.links, self._off)

    @property
    def open(self) -> NDArray[np.bool_]:
        """The links that can be used, shape (4 or 6, rows, tiles_x)."""
        return ~self.links

    @cached_property
    def part(self) -> NDArray[np.int64]:
        """The part of the mesh each tile hangs together with, shape (tiles_y, tiles_x): 0 is the largest one, -1 a dead tile.

        The largest has most living cores; of equals the one that holds the first tile.
        """
        from workbench.kernels import detours  # noqa: PLC0415  compiled kernels only when something is broken

        label = np.empty(self.tiles.size, np.int64)
        many = detours.parts(self.open, self.ahead, ~self.tiles.ravel(), label)
        alive = (~self.cores).sum(axis=2).ravel()
        size = np.bincount(label[label >= 0], alive[label >= 0], many)
        rank = np.empty(many + 1, np.int64)
        rank[np.argsort(-size, kind="stable")] = np.arange(many)
        rank[many] = -1
        return rank[label].reshape(self.tiles.shape)

    @cached_property
    def room(self) -> NDArray[np.int64]:
        """Cores of each tile that live and hang together with the largest part, shape (tiles_y, tiles_x)."""
        return np.where(self.part == 0, (~self.cores).sum(axis=2), 0)

    @property
    def usable(self) -> int:
        """Cores that live and can be reached."""
        return int(self.room.sum())

    @property
    def unreachable(self) -> NDArray[np.int64]:
        """The living tiles (x, y) that do not hang together with the largest part and hold a living core."""
        y, x = np.nonzero((self.part > 0) & ~self.cores.all(axis=2))
        return np.stack([x, y], axis=1)

    @property
    def counts(self) -> dict[str, int]:
        """How many cores, tiles and links are dead, and how many cores and tiles cannot be reached."""
        high, wide = self.tiles.shape
        there = ~self._off[::2]
        dead = int(np.count_nonzero(self.cores))
        return {
            "cores": self.cores.size,
            "dead cores": dead,
            "unreachable cores": self.cores.size - dead - self.usable,
            "tiles": high * wide,
            "dead tiles": int(np.count_nonzero(self.tiles)),
            "unreachable tiles": len(self.unreachable),
            "links": int(np.count_nonzero(there)),
            "dead links": int(np.count_nonzero(self.links[::2] & there)),
        }

    def said(self) -> tuple[str, ...]:
        """What is lost, in sentences: what is dead, and what cannot be reached."""
        n = self.counts
        if self.whole:
            return ()
        lost = tr(
            "{cores} of {all} cores are dead, {links} of {links_all} links.",
            cores=n["dead cores"],
            all=n["cores"],
            links=n["dead links"],
            links_all=n["links"],
        )
        return (lost, *self.cut_off())

    def cut_off(self) -> tuple[str, ...]:
        """The sentence that names the tiles no way leads to, if there are any."""
        away = self.unreachable
        if not len(away):
            return ()
        named = ", ".join(f"({x}, {y})" for x, y in away[:NAMED].tolist())
        return (
            tr(
                "The mesh is cut: no way leads from its largest part to {count} living tiles with {cores} cores: {tiles}.",
                count=len(away),
                cores=self.counts["unreachable cores"],
                tiles=named + (", …" if len(away) > NAMED else ""),
            ),
        )


def faults_of(chip: EventChip) -> Faults | None:
    """The faults of a chip's specimen; None where nothing is dead and nothing is kept in reserve."""
    if chip.defects.quiet:
        return None
    found = _kept(chip.defects, chip.die, _shape(chip), chip.core_area)
    reserved = (chip.defects.spare_columns or chip.defects.spare_rows) and chip.defects.repair != "around"
    return None if found.whole and not reserved else found


def drawn(chip: EventChip) -> Faults:
    """The faults of a chip's specimen, from its defects and its `die`; the draw of each part has its own place in its stream.

    So a higher density or chance kills what a lower one does, and more. Raises nothing: a chip can be all dead.
    """
    return _kept(chip.defects, chip.die, _shape(chip), chip.core_area)


def _shape(chip: EventChip) -> tuple[int, int, int, int]:
    return chip.tiles_x, chip.rows, chip.cores_per_tile, chip.layers


@lru_cache(maxsize=64)
def _kept(broken: Defects, die: int, shape: tuple[int, int, int, int], core_area: float) -> Faults:
    wide, high, each, layers = shape
    tiles, place = wide * high, np.arange(wide * high)
    side = broken.die_tiles or max(wide, high)
    die_of = (place // wide // side) * -(-wide // side) + place % wide // side
    dies = int(die_of.max()) + 1

    def chance(what: str, *, size: int) -> NDArray[np.float64]:
        return streams.uniform(streams.stream(die, "defects", what), 0, size)

    dead_cores = yields.dead(
        (high, wide * each),
        yields.mean_defects(core_area, broken.density),
        model=broken.law,
        alpha=broken.alpha,
        cluster=(side, side * each),
        die=die,
        name="defects/core",
    )
    dead_tiles = (chance("router", size=tiles) < broken.routers) | (chance("die", size=dies) < broken.dies)[die_of]
    for row, column in killed_tiles(broken.killed):
        dead_tiles[row * wide + column] = True
    dead_links = np.zeros((4 if layers == 1 else 6, high, wide), bool)
    if layers > 1:
        dead_links[4] = (chance("via", size=tiles) < broken.vias).reshape(high, wide)
    dead_links[0] = (chance("east link", size=tiles) < broken.links).reshape(high, wide)
    dead_links[2] = (chance("north link", size=tiles) < broken.links).reshape(high, wide)
    for one, other in cut_links(broken.cut):
        dead_links[0 if one[0] == other[0] else 2, one[0], one[1]] = True
    cores = dead_cores.reshape(high, wide, each)
    for row, column, core in killed_cores(broken.killed_cores):
        cores[row, column, core] = True
    return Faults(cores, dead_tiles.reshape(high, wide), dead_links, layers)


def logical(chip: EventChip) -> EventChip:
    """The chip as it is meant to be: whole, and without what is kept in reserve."""
    broken = chip.defects
    return replace(
        chip,
        tiles_x=chip.tiles_x - broken.spare_columns,
        tiles_y=chip.tiles_y - broken.spare_rows,
        defects=Defects(),
    )


def repaired(tiles: NDArray[np.int32], chip: EventChip, faults: Faults) -> NDArray[np.int32]:
    """A placement on the chip as it is meant to be, moved to living places by `chip.defects.repair`.

    *shift*: in every row the places slide past tiles with a dead core into the columns kept in reserve, as bypass switches do; who
    finds no place in its row is moved as by *nearest*: core after core, the nearest free place (by rows and columns), of equals the one
    in the lowest row and then column. Raises PlacementError when there are fewer places than cores.
    """
    if len(tiles) > faults.usable:
        raise PlacementError(
            tr(
                "{chip} has {limit} living cores that can be reached, {used} are to be placed: {short} too many.",
                chip=chip.name,
                limit=faults.usable,
                used=len(tiles),
                short=len(tiles) - faults.usable,
            )
        )
    free = faults.room.copy()
    made = np.asarray(tiles, np.int64).copy()
    if chip.defects.repair == "shift":
        sound = faults.room == chip.cores_per_tile
        for row in np.unique(made[:, 1]).tolist():
            mine, columns = made[:, 1] == row, np.flatnonzero(sound[row])
            wanted = made[mine, 0]
            kept = np.where(wanted < columns.size, np.append(columns, -1)[np.minimum(wanted, columns.size)], -1)
            made[mine, 0] = np.where(kept >= 0, kept, -1 - wanted)
    homeless: list[int] = []
    for core, (x, y) in enumerate(made.tolist()):
        if x >= 0 and free[y, x] > 0:
            free[y, x] -= 1
        else:
            homeless.append(core)
    for core in homeless:
        x, y = (int(v) for v in tiles[core])
        to_y, to_x = np.nonzero(free)
        far = crossed(np.array([x, y]), np.stack([to_x, to_y], axis=1), chip).sum(axis=0)
        best = int(np.argmin(far))  # places lie row by row: the first of equals
        made[core] = to_x[best], to_y[best]
        free[to_y[best], to_x[best]] -= 1
    return made.astype(np.int32)
