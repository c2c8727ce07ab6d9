"""Place: cores on the tiles of a mesh, and the check that every resource fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.errors import PlacementError
from workbench.recordings.placement import CoreUse, Placement
from workbench.words import tr

__all__ = ["check", "row_major"]


def row_major(cores: int, chip: EventChip) -> NDArray[np.int32]:
    """The tile (x, y) of each core, shape (cores, 2): tiles are filled west to east, then row by row."""
    tile = np.arange(cores) // chip.cores_per_tile
    return np.stack([tile % chip.tiles_x, tile // chip.tiles_x], axis=1).astype(np.int32)


def check(placement: Placement, chip: EventChip, neurons: int) -> None:
    """Raise PlacementError when a resource of a core is over its limit, or when the chip has too few cores."""
    if len(placement.cores) > chip.cores:
        fits = int(np.searchsorted(placement.core_of, chip.cores))
        raise PlacementError(
            tr(
                "{chip} has {limit} cores, the network of {neurons} neurons needs {used}: {short} neurons do not fit. "
                "Use a larger mesh (tiles_x, tiles_y), more neurons per core, or a smaller network.",
                chip=chip.name,
                limit=chip.cores,
                used=len(placement.cores),
                neurons=neurons,
                short=neurons - fits,
            )
        )
    for core in placement.cores:
        for what, (used, limit) in core.resources().items():
            if used > limit:
                raise PlacementError(
                    tr(
                        "{core} of {chip} is full: {what} used {used}, limit {limit}. Fewer neurons on a core (neurons_per_core), "
                        "a chip with more room, or a smaller network would do.",
                        core=core.name,
                        chip=chip.name,
                        what=tr(what),
                        used=used,
                        limit=limit,
                    )
                )


def uses(
    core_of: NDArray[np.int32],
    tiles: NDArray[np.int32],
    chip: EventChip,
    synapses: NDArray[np.int64],
    axons_in: NDArray[np.int64],
    axons_out: NDArray[np.int64],
) -> tuple[CoreUse, ...]:
    """The resources of every core in use."""
    neurons = np.bincount(core_of, minlength=len(tiles))
    return tuple(
        CoreUse(
            name=f"core {c}",
            tile=(int(tiles[c, 0]), int(tiles[c, 1])),
            neurons=(int(neurons[c]), chip.neurons_per_core),
            synapses=(int(synapses[c]), chip.synapses_per_core),
            axons_in=(int(axons_in[c]), chip.axons_in),
            axons_out=(int(axons_out[c]), chip.axons_out),
        )
        for c in range(len(tiles))
    )
