"""Lattice: where a tile lies in three dimensions, and what a packet crosses from one to another in dimension order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import DIE_LINK, VIA, EventChip

__all__ = ["KINDS", "between", "crossed", "kinds_of", "seconds_of", "spread"]

KINDS = ("east-west hop", "north-south hop", DIE_LINK, VIA)
"""The kinds of links, in the order in which links are counted."""


def spread(tiles: NDArray[Any], chip: EventChip) -> NDArray[np.int64]:
    """The place (x, y, layer) of tiles (x, row), whatever the shape before the last axis."""
    tiles = np.asarray(tiles, np.int64)
    layer, y = np.divmod(tiles[..., 1], chip.tiles_y)
    return np.stack([tiles[..., 0], y, layer], axis=-1)


def between(a: NDArray[np.int64], b: NDArray[np.int64], chip: EventChip) -> NDArray[np.int64]:
    """How many links of each of `KINDS` lie on the way from each place (x, y, layer) to each other one: shape (4, …)."""
    apart = np.abs(a - b)
    die = np.zeros(apart.shape[:-1], np.int64)
    for axis, side in enumerate((chip.die_x, chip.die_y)):
        if side:
            links = np.abs(a[..., axis] // side - b[..., axis] // side)
            apart[..., axis] -= links
            die += links
    return np.stack([apart[..., 0], apart[..., 1], die, apart[..., 2]])


def crossed(source: NDArray[Any], target: NDArray[Any], chip: EventChip) -> NDArray[np.int64]:
    """The same for tiles (x, row)."""
    return between(spread(source, chip), spread(target, chip), chip)


def seconds_of(chip: EventChip) -> NDArray[np.float64]:
    """Seconds of a link of each of `KINDS`; 0 for one the chip has no price for, and so none of."""
    return np.array([chip.prices[e].seconds if e in chip.prices else 0.0 for e in KINDS])


def kinds_of(chip: EventChip) -> NDArray[np.int8]:
    """The kind of the link that leaves each tile in each direction, by its number in `KINDS`: shape (4 or 6, rows, tiles_x)."""
    made = np.empty((4 if chip.layers == 1 else 6, chip.rows, chip.tiles_x), np.int8)
    made[:2], made[2:4], made[4:] = 0, 1, 3
    y, x = np.arange(chip.rows) % chip.tiles_y, np.arange(chip.tiles_x)
    if chip.die_x:
        made[0, :, (x + 1) % chip.die_x == 0] = 2
        made[1, :, x % chip.die_x == 0] = 2
    if chip.die_y:
        made[2, (y + 1) % chip.die_y == 0] = 2
        made[3, y % chip.die_y == 0] = 2
    return made
