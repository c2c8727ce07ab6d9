"""Place: cores on the tiles of a mesh, so that packets do not travel far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.chips.event import EventChip
from workbench.errors import DescriptionError, PlacementError
from workbench.mapping import curve
from workbench.mapping.traffic import Traffic
from workbench.words import tr

__all__ = ["Search", "annealing", "force_directed", "hilbert", "optimal", "random", "row_major"]

FEW = 9
"""Meshes of so many tiles or fewer are searched through."""

SWEEPS = 1000
"""At most so often every core looks for a better tile."""


@final
@dataclass(frozen=True, eq=False)
class Search:
    """Where a search put the cores, and the packets × hops before it and after each of its rounds."""

    tiles: NDArray[np.int32]
    costs: NDArray[np.float64]


def row_major(cores: int, chip: EventChip) -> NDArray[np.int32]:
    """The tile (x, y) of each core, shape (cores, 2): tiles are filled west to east, then row by row."""
    tile = np.arange(cores) // chip.cores_per_tile
    return np.stack([tile % chip.tiles_x, tile // chip.tiles_x], axis=1).astype(np.int32)


def hilbert(cores: int, chip: EventChip) -> NDArray[np.int32]:
    """The tile of each core: tiles are filled along a space-filling curve, so that neighbours in number are neighbours on the mesh."""
    _check_room(cores, chip)
    tile = np.arange(cores) // chip.cores_per_tile
    return curve.hilbert(chip.tiles_x, chip.tiles_y, first=-(-cores // chip.cores_per_tile))[tile]


def random(cores: int, chip: EventChip, *, seed: int) -> NDArray[np.int32]:
    """The tile of each core, drawn from all free ones (the stream "mapping/place")."""
    _check_room(cores, chip)
    drawn = streams.uniform(streams.stream(seed, "mapping", "place"), 0, chip.cores)
    return _slots(chip)[np.argsort(drawn, kind="stable")[:cores]]


def force_directed(traffic: Traffic, chip: EventChip, *, start: NDArray[np.int32] | None = None) -> Search:
    """Pull cores towards their partners from `start` (by default the Hilbert curve): the ways never become longer.

    Sweep after sweep each core changes places with a neighbour, or with the middle of its partners, when that shortens the ways of both
    together; it ends where no such change is left. On at most nine tiles every placement is tried instead, and the best one taken.
    After the idea of Jin et al. 2023 (ASPLOS, 10.1145/3582016.3582038).
    """
    from workbench.kernels import mesh  # noqa: PLC0415  compiled kernels only when something is mapped

    if chip.tiles <= FEW and traffic.cores <= FEW:
        return _searched(traffic, chip, start)
    going = _Going(traffic, chip, start)
    costs = np.zeros(SWEEPS + 1)
    made = mesh.pull(
        *going.rows,
        going.slot,
        going.core,
        going.x,
        going.y,
        chip.tiles_x,
        chip.tiles_y,
        chip.cores_per_tile,
        SWEEPS,
        costs,
    )
    return Search(going.tiles(), costs[: made + 1])


def annealing(
    traffic: Traffic,
    chip: EventChip,
    *,
    seed: int,
    start: NDArray[np.int32] | None = None,
    stages: int = 150,
    tries: int = 60,
) -> Search:
    """Change places at random, at first also for the worse and then ever less; the best stage is pulled together at the end.

    Never worse than its start. On at most nine tiles every placement is tried instead.

    Parameters
    ----------
    traffic, chip
        packets between cores, and the mesh.
    seed
        of the random changes (the stream "mapping/annealing").
    start
        the tile of each core before; by default the Hilbert curve.
    stages, tries
        temperatures, and changes tried at each for every core.
    """
    from workbench.kernels import mesh  # noqa: PLC0415

    if chip.tiles <= FEW and traffic.cores <= FEW:
        return _searched(traffic, chip, start)
    going = _Going(traffic, chip, start)
    costs, best = np.zeros(stages + 1), going.slot.copy()
    key = np.uint64(streams.stream(seed, "mapping", "annealing"))
    mesh.anneal(*going.rows, going.slot, going.core, going.x, going.y, stages, tries, 0.95, key, costs, best)
    polished = force_directed(traffic, chip, start=_slots(chip)[best])
    return Search(polished.tiles, np.concatenate([costs[:-1], polished.costs]))


def optimal(traffic: Traffic, chip: EventChip) -> NDArray[np.int32]:
    """The tile of each core with the fewest packets × hops of all placements there are; at most nine cores on at most nine tiles."""
    if traffic.cores > FEW or chip.tiles > FEW:
        raise DescriptionError(
            tr(
                "place.optimal tries every placement: at most {few} cores and {few} tiles, not {cores} cores on {tiles} tiles. "
                "Use place.force_directed or place.annealing.",
                few=FEW,
                cores=traffic.cores,
                tiles=chip.tiles,
            )
        )
    return _searched(traffic, chip, None).tiles


def _searched(traffic: Traffic, chip: EventChip, start: NDArray[np.int32] | None) -> Search:
    from workbench.kernels import mesh  # noqa: PLC0415

    _check_room(traffic.cores, chip)
    begin = hilbert(traffic.cores, chip) if start is None else np.asarray(start, np.int32)
    tiles = curve.row_major(chip.tiles_x, chip.tiles_y)
    weights = np.zeros((traffic.cores, traffic.cores))
    np.add.at(weights, (traffic.source, traffic.target), traffic.packets)
    weights += weights.T
    np.fill_diagonal(weights, 0.0)
    apart = np.abs(tiles[:, None].astype(np.int64) - tiles[None]).sum(axis=2).astype(np.float64)
    # the core with most traffic first: a bad branch shows early
    order = np.argsort(-weights.sum(axis=0), kind="stable")
    before = traffic.hops(begin)
    best = begin[order, 1].astype(np.int64) * chip.tiles_x + begin[order, 0]
    mesh.search_all(np.ascontiguousarray(weights[order][:, order]), apart, chip.cores_per_tile, before, best)
    made = np.empty_like(begin)
    made[order] = tiles[best]
    return Search(made, np.array([before, traffic.hops(made)]))


class _Going:
    """A placement under way: the slot of each core and the core of each slot; a tile has one slot for each core it holds."""

    def __init__(self, traffic: Traffic, chip: EventChip, start: NDArray[np.int32] | None) -> None:
        _check_room(traffic.cores, chip)
        self.rows = traffic.rows()
        self._where = _slots(chip)
        self.x, self.y = (np.ascontiguousarray(self._where[:, k], np.int64) for k in (0, 1))
        begin = hilbert(traffic.cores, chip) if start is None else np.asarray(start, np.int32)
        self.slot = slots_of(begin, chip)
        self.core = np.full(chip.cores, -1, np.int64)
        self.core[self.slot] = np.arange(traffic.cores)

    def tiles(self) -> NDArray[np.int32]:
        """The tile of each core."""
        return self._where[self.slot]


def _slots(chip: EventChip) -> NDArray[np.int32]:
    """The tile of every slot, row by row."""
    return np.repeat(curve.row_major(chip.tiles_x, chip.tiles_y), chip.cores_per_tile, axis=0)


def slots_of(tiles: NDArray[np.int32], chip: EventChip) -> NDArray[np.int64]:
    """A slot of its own for each core on its tile; raises PlacementError for a tile off the mesh or with too many cores."""
    x, y = tiles[:, 0].astype(np.int64), tiles[:, 1].astype(np.int64)
    off = np.flatnonzero((x < 0) | (y < 0) | (x >= chip.tiles_x) | (y >= chip.tiles_y))
    if off.size:
        raise PlacementError(
            tr(
                "core {core} is placed on tile ({x}, {y}); {chip} has tiles (0, 0) to ({most_x}, {most_y}).",
                core=int(off[0]),
                x=int(x[off[0]]),
                y=int(y[off[0]]),
                chip=chip.name,
                most_x=chip.tiles_x - 1,
                most_y=chip.tiles_y - 1,
            )
        )
    tile = y * chip.tiles_x + x
    order = np.argsort(tile, kind="stable")
    sorted_tiles = tile[order]
    begins = np.searchsorted(sorted_tiles, sorted_tiles)
    rank = np.empty(tile.size, np.int64)
    rank[order] = np.arange(tile.size) - begins
    if rank.size and rank.max() >= chip.cores_per_tile:
        worst = int(np.argmax(rank))
        raise PlacementError(
            tr(
                "Tile ({x}, {y}) of {chip} has {used} cores placed on it, limit {limit} (cores_per_tile).",
                x=int(x[worst]),
                y=int(y[worst]),
                chip=chip.name,
                used=int(rank.max()) + 1,
                limit=chip.cores_per_tile,
            )
        )
    return tile * chip.cores_per_tile + rank


def _check_room(cores: int, chip: EventChip) -> None:
    if cores > chip.cores:
        raise PlacementError(
            tr(
                "{chip} has {limit} cores ({x} × {y} tiles of {each}), {used} are to be placed: {short} too many.",
                chip=chip.name,
                limit=chip.cores,
                x=chip.tiles_x,
                y=chip.tiles_y,
                each=chip.cores_per_tile,
                used=cores,
                short=cores - chip.cores,
            )
        )


def method(name: str, traffic: Traffic, chip: EventChip, seed: int) -> Search:
    """One of the placements of `EventChip.placement`, from the order of the cores."""
    cores = traffic.cores
    plain: dict[str, Any] = {
        "row-major": lambda: row_major(cores, chip),
        "random": lambda: random(cores, chip, seed=seed),
        "hilbert": lambda: hilbert(cores, chip),
    }
    if name in plain:
        tiles = plain[name]()
        return Search(tiles, np.array([traffic.hops(tiles)]))
    return force_directed(traffic, chip) if name == "force-directed" else annealing(traffic, chip, seed=seed)
