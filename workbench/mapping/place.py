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
from workbench.mapping.faults import Faults, faults_of, logical, repaired
from workbench.mapping.lattice import crossed, spread
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


def row_major(cores: int, chip: EventChip, faults: Faults | None = None) -> NDArray[np.int32]:
    """The tile (x, y) of each core, shape (cores, 2): tiles are filled west to east, then row by row, as far as `faults` leave room."""
    if faults is not None:
        _check_room(cores, chip, faults)
        return np.repeat(curve.row_major(chip.tiles_x, chip.rows), faults.room.ravel(), axis=0)[:cores]
    tile = np.arange(cores) // chip.cores_per_tile
    return np.stack([tile % chip.tiles_x, tile // chip.tiles_x], axis=1).astype(np.int32)


def hilbert(cores: int, chip: EventChip, faults: Faults | None = None) -> NDArray[np.int32]:
    """The tile of each core: tiles are filled along a space-filling curve, so that neighbours in number are neighbours on the mesh."""
    _check_room(cores, chip, faults)
    if faults is not None:
        along = _along(chip)
        return np.repeat(along, faults.room[along[:, 1], along[:, 0]], axis=0)[:cores]
    tile = np.arange(cores) // chip.cores_per_tile
    return _along(chip, first=-(-cores // chip.cores_per_tile))[tile]


def _along(chip: EventChip, first: int | None = None) -> NDArray[np.int32]:
    """The tiles along the curve, or the first ones; of a chip of layers up through all of them, one place further, and down again."""
    if chip.layers == 1:
        return curve.hilbert(chip.tiles_x, chip.tiles_y, first=first)
    flat = curve.hilbert(chip.tiles_x, chip.tiles_y, first=None if first is None else -(-first // chip.layers))
    layer = np.tile(np.arange(chip.layers), (len(flat), 1))
    layer[1::2] = layer[1::2, ::-1]
    row = layer * chip.tiles_y + flat[:, 1:]
    return np.stack([np.repeat(flat[:, 0], chip.layers), row.ravel()], axis=1).astype(np.int32)


def random(cores: int, chip: EventChip, *, seed: int, faults: Faults | None = None) -> NDArray[np.int32]:
    """The tile of each core, drawn from all free ones (the stream "mapping/place")."""
    _check_room(cores, chip, faults)
    drawn = streams.uniform(streams.stream(seed, "mapping", "place"), 0, chip.cores)
    if faults is not None:
        drawn[_dead(chip, faults)] = 2.0
    return _slots(chip)[np.argsort(drawn, kind="stable")[:cores]]


def force_directed(
    traffic: Traffic, chip: EventChip, *, start: NDArray[np.int32] | None = None, faults: Faults | None = None
) -> Search:
    """Pull cores towards their partners from `start` (by default the Hilbert curve): the ways never become longer.

    Sweep after sweep each core changes places with a neighbour, or with the middle of its partners, when that shortens the ways of both
    together; it ends where no such change is left. On at most nine tiles every placement is tried instead, and the best one taken.
    With `faults` only living places are taken; distances are still those of the whole mesh, also where a detour is needed.
    After the idea of Jin et al. 2023 (ASPLOS, 10.1145/3582016.3582038).
    """
    from workbench.kernels import mesh  # noqa: PLC0415  compiled kernels only when something is mapped

    if chip.tiles <= FEW and traffic.cores <= FEW:
        return _searched(traffic, chip, start, faults)
    going = _Going(traffic, chip, start, faults)
    costs = np.zeros(SWEEPS + 1)
    made = mesh.pull(
        *going.rows,
        going.slot,
        going.core,
        going.x,
        going.y,
        going.z,
        chip.tiles_x,
        chip.tiles_y,
        chip.layers,
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
    faults: Faults | None = None,
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
    faults
        what is dead: only living places are taken.
    """
    from workbench.kernels import mesh  # noqa: PLC0415

    if chip.tiles <= FEW and traffic.cores <= FEW:
        return _searched(traffic, chip, start, faults)
    going = _Going(traffic, chip, start, faults)
    costs, best = np.zeros(stages + 1), going.slot.copy()
    key = np.uint64(streams.stream(seed, "mapping", "annealing"))
    mesh.anneal(*going.rows, going.slot, going.core, going.x, going.y, going.z, stages, tries, 0.95, key, costs, best)
    polished = force_directed(traffic, chip, start=_slots(chip)[best], faults=faults)
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


def _searched(
    traffic: Traffic, chip: EventChip, start: NDArray[np.int32] | None, faults: Faults | None = None
) -> Search:
    from workbench.kernels import mesh  # noqa: PLC0415

    _check_room(traffic.cores, chip, faults)
    begin = hilbert(traffic.cores, chip, faults) if start is None else np.asarray(start, np.int32)
    tiles = curve.row_major(chip.tiles_x, chip.rows)
    weights = np.zeros((traffic.cores, traffic.cores))
    np.add.at(weights, (traffic.source, traffic.target), traffic.packets)
    weights += weights.T
    np.fill_diagonal(weights, 0.0)
    apart = crossed(tiles[:, None], tiles[None], chip).sum(axis=0).astype(np.float64)
    # the core with most traffic first: a bad branch shows early
    order = np.argsort(-weights.sum(axis=0), kind="stable")
    before = traffic.hops(spread(begin, chip))
    best = begin[order, 1].astype(np.int64) * chip.tiles_x + begin[order, 0]
    room = np.full(chip.tiles, chip.cores_per_tile) if faults is None else faults.room.ravel()
    mesh.search_all(np.ascontiguousarray(weights[order][:, order]), apart, room.astype(np.int64), before, best)
    made = np.empty_like(begin)
    made[order] = tiles[best]
    return Search(made, np.array([before, traffic.hops(spread(made, chip))]))


class _Going:
    """A placement under way: the slot of each core and the core of each slot; a tile has one slot for each core it holds."""

    def __init__(
        self, traffic: Traffic, chip: EventChip, start: NDArray[np.int32] | None, faults: Faults | None = None
    ) -> None:
        _check_room(traffic.cores, chip, faults)
        self.rows = traffic.rows()
        self._where = _slots(chip)
        self.x, self.y, layer = (np.ascontiguousarray(axis) for axis in spread(self._where, chip).T)
        self.z = layer if chip.layers > 1 else None
        begin = hilbert(traffic.cores, chip, faults) if start is None else np.asarray(start, np.int32)
        self.slot = slots_of(begin, chip, faults)
        self.core = np.full(chip.cores, -1, np.int64)
        if faults is not None:
            self.core[_dead(chip, faults)] = -2
        self.core[self.slot] = np.arange(traffic.cores)

    def tiles(self) -> NDArray[np.int32]:
        """The tile of each core."""
        return self._where[self.slot]


def _slots(chip: EventChip) -> NDArray[np.int32]:
    """The tile of every slot, row by row."""
    return np.repeat(curve.row_major(chip.tiles_x, chip.rows), chip.cores_per_tile, axis=0)


def _dead(chip: EventChip, faults: Faults) -> NDArray[np.bool_]:
    """The slots nothing can be put in: the first ones of each tile, as many as it lacks."""
    lacks = chip.cores_per_tile - faults.room.ravel()
    return (np.arange(chip.cores_per_tile) < lacks[:, None]).ravel()


def slots_of(tiles: NDArray[np.int32], chip: EventChip, faults: Faults | None = None) -> NDArray[np.int64]:
    """A slot of its own for each core on its tile.

    Raises PlacementError for a tile off the mesh, dead or out of reach, or with too many cores.
    """
    x, y = tiles[:, 0].astype(np.int64), tiles[:, 1].astype(np.int64)
    off = np.flatnonzero((x < 0) | (y < 0) | (x >= chip.tiles_x) | (y >= chip.rows))
    if off.size:
        raise PlacementError(
            tr(
                "core {core} is placed on tile ({x}, {y}); {chip} has tiles (0, 0) to ({most_x}, {most_y}).",
                core=int(off[0]),
                x=int(x[off[0]]),
                y=int(y[off[0]]),
                chip=chip.name,
                most_x=chip.tiles_x - 1,
                most_y=chip.rows - 1,
            )
        )
    if faults is not None:
        _check_living(tiles, chip, faults)
    tile = y * chip.tiles_x + x
    lacks = 0 if faults is None else chip.cores_per_tile - faults.room.ravel()[tile]
    order = np.argsort(tile, kind="stable")
    sorted_tiles = tile[order]
    begins = np.searchsorted(sorted_tiles, sorted_tiles)
    rank = np.empty(tile.size, np.int64)
    rank[order] = np.arange(tile.size) - begins
    rank += lacks
    if rank.size and rank.max() >= chip.cores_per_tile:
        worst = int(np.argmax(rank))
        raise PlacementError(
            tr(
                "Tile ({x}, {y}) of {chip} has {used} cores placed on it, limit {limit} (cores_per_tile).",
                x=int(x[worst]),
                y=int(y[worst]),
                chip=chip.name,
                used=int(np.count_nonzero(tile == tile[worst])),
                limit=chip.cores_per_tile if faults is None else int(faults.room.ravel()[tile[worst]]),
            )
        )
    return tile * chip.cores_per_tile + rank


def _check_living(tiles: NDArray[np.int32], chip: EventChip, faults: Faults) -> None:
    """Every core must lie on a tile with a living core that the others can reach."""
    room = faults.room[tiles[:, 1], tiles[:, 0]]
    wrong = np.flatnonzero(room == 0)
    if wrong.size:
        core = int(wrong[0])
        x, y = tiles[core].tolist()
        away = faults.part[y, x] > 0 and not faults.cores[y, x].all()
        sentence = (
            tr("core {core} is placed on tile ({x}, {y}) of {chip}, which the others cannot reach.", core=core, x=x, y=y, chip=chip.name)
            if away
            else tr("core {core} is placed on tile ({x}, {y}) of {chip}, which has no living core.", core=core, x=x, y=y, chip=chip.name)
        )  # fmt: skip
        raise PlacementError(" ".join([sentence, *faults.cut_off()]))


def _check_room(cores: int, chip: EventChip, faults: Faults | None = None) -> None:
    if faults is not None and cores > faults.usable:
        sentence = tr(
            "{chip} has {limit} living cores that can be reached, {used} are to be placed: {short} too many.",
            chip=chip.name,
            limit=faults.usable,
            used=cores,
            short=cores - faults.usable,
        )
        raise PlacementError(" ".join([sentence, *faults.cut_off()]))
    if cores > chip.cores:
        raise PlacementError(
            tr(
                "{chip} has {limit} cores ({x} × {y} tiles of {each}), {used} are to be placed: {short} too many.",
                chip=chip.name,
                limit=chip.cores,
                x=chip.tiles_x,
                y=chip.rows,
                each=chip.cores_per_tile,
                used=cores,
                short=cores - chip.cores,
            )
        )


def method(name: str, traffic: Traffic, chip: EventChip, seed: int, faults: Faults | None = None) -> Search:
    """One of the placements of `EventChip.placement`, from the order of the cores, on what lives by `faults` or the chip's own defects.

    With `chip.defects.repair` other than "around" it is the placement on the whole chip without its reserve, moved off dead places.
    """
    cores = traffic.cores
    faults = faults_of(chip) if faults is None else faults
    if faults is not None and chip.defects.repair != "around":
        without = logical(chip)
        meant = method(name, traffic, without, seed)
        x, y, layer = spread(meant.tiles, without).T
        moved = repaired(np.stack([x, layer * chip.tiles_y + y], axis=1).astype(np.int32), chip, faults)
        return Search(moved, np.append(meant.costs, traffic.hops(spread(moved, chip))))
    plain: dict[str, Any] = {
        "row-major": lambda: row_major(cores, chip, faults),
        "random": lambda: random(cores, chip, seed=seed, faults=faults),
        "hilbert": lambda: hilbert(cores, chip, faults),
    }
    if name in plain:
        tiles = plain[name]()
        return Search(tiles, np.array([traffic.hops(spread(tiles, chip))]))
    if name == "force-directed":
        return force_directed(traffic, chip, faults=faults)
    return annealing(traffic, chip, seed=seed, faults=faults)
