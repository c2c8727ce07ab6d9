"""Fit: how full every core is, what is over its limit, and the smallest chip of the kind that would do."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.circuits.unfold import Netlist
from workbench.errors import PlacementError
from workbench.mapping import partition
from workbench.mapping.faults import Faults, faults_of, logical
from workbench.mapping.reach import Reached, Synapses, in_degree, reach
from workbench.recordings.placement import CoreUse
from workbench.words import tr

__all__ = ["check", "check_cores", "smallest", "smallest_mesh", "uses"]

_KNOBS = ("tiles_x", "tiles_y", "neurons_per_core", "synapses_per_core", "axons_in", "axons_out")


def uses(core_of: NDArray[np.int32], tiles: NDArray[np.int32], chip: EventChip, found: Reached) -> tuple[CoreUse, ...]:
    """The resources of every core in use, as (used, limit)."""
    neurons = np.bincount(core_of, minlength=len(tiles))
    return tuple(
        CoreUse(
            name=f"core {c}",
            tile=(int(tiles[c, 0]), int(tiles[c, 1])),
            uses={
                "neurons": (int(neurons[c]), chip.neurons_per_core),
                "synapses": (int(found.synapses[c]), chip.synapses_per_core),
                "axons in": (int(found.axons_in[c]), chip.axons_in),
                "axons out": (int(found.axons_out[c]), chip.axons_out),
            },
        )
        for c in range(len(tiles))
    )


def check_cores(
    netlist: Netlist,
    chip: EventChip,
    core_of: NDArray[np.int32],
    rows: Synapses | None = None,
    faults: Faults | None = None,
) -> None:
    """Raise PlacementError when the chip has too few cores; the sentence names the smallest chip of its kind that would do.

    Of a chip with `faults` only the cores that live and can be reached count; what is cut off is named.
    """
    used = int(core_of.max(initial=-1)) + 1
    if faults is not None and used > faults.usable:
        n = faults.counts
        sentence = tr(
            "Of the {all} cores of {chip} (die {die}) {limit} are left: {dead} are dead, {away} cannot be reached. The network of {neurons} neurons needs {used}: {short} neurons do not fit.",
            all=n["cores"],
            chip=chip.name,
            die=chip.die,
            limit=faults.usable,
            dead=n["dead cores"],
            away=n["unreachable cores"],
            used=used,
            neurons=core_of.size,
            short=int(np.count_nonzero(core_of >= faults.usable)),
        )
        raise PlacementError(" ".join([sentence, *faults.cut_off(), _would_do(netlist, chip, rows)]).rstrip())
    limit = chip.cores if faults is None or chip.defects.repair == "around" else logical(chip).cores
    if used > limit:
        numbers: dict[str, Any] = {
            "chip": chip.name,
            "limit": limit,
            "used": used,
            "neurons": core_of.size,
            "short": int(np.count_nonzero(core_of >= limit)),
        }
        sentence = (
            tr("{chip} has {limit} cores, the network of {neurons} neurons needs {used}: {short} neurons do not fit.", **numbers)
            if limit == chip.cores
            else tr("{chip} has {limit} cores besides its reserve, the network of {neurons} neurons needs {used}: {short} neurons do not fit.", **numbers)
        )  # fmt: skip
        raise PlacementError(sentence + " " + _would_do(netlist, chip, rows))


def check(netlist: Netlist, chip: EventChip, cores: tuple[CoreUse, ...], rows: Synapses | None = None) -> None:
    """Raise PlacementError for the resource that is farthest over its limit; the sentence says on which core and by how much."""
    over = [
        (used / max(limit, 1), core.name, what, used, limit)
        for core in cores
        for what, (used, limit) in core.resources().items()
        if used > limit
    ]
    if over:
        _, name, what, used, limit = max(over, key=lambda entry: entry[0])  # the first of those equally far over
        raise PlacementError(
            tr(
                "{core} of {chip} is full: {what} used {used}, limit {limit}, {over} too many ({cores} cores are over a limit).",
                core=name,
                chip=chip.name,
                what=tr(what),
                used=used,
                limit=limit,
                over=used - limit,
                cores=len({core for _, core, *_ in over}),
            )
            + " "
            + _would_do(netlist, chip, rows)
        )


def smallest(netlist: Netlist, chip: EventChip, rows: Synapses | None = None) -> EventChip:
    """The chip with its mesh, and the memory of its cores, grown just so far that the network fits in sequential order.

    A core holds at least the synapses of one neuron; axons follow from what the cores then hold. Nothing shrinks. Of a chip with
    defects the mesh grows until enough of it lives; raises PlacementError where growing does not help.
    """
    load = in_degree(netlist, rows)
    synapses = max(chip.synapses_per_core, int(load.max(initial=0)))
    core_of = partition.fill(load, neurons=chip.neurons_per_core, synapses=synapses)
    found = reach(netlist, core_of, rows)
    wanted = ceil((int(core_of.max(initial=-1)) + 1) / chip.cores_per_tile)
    x, y = (chip.tiles_x, chip.tiles_y) if wanted <= chip.tiles else smallest_mesh(-(-wanted // chip.layers))
    if not chip.defects.quiet:
        x, y = _living_mesh(chip, int(core_of.max(initial=-1)) + 1)
    return replace(
        chip,
        tiles_x=x,
        tiles_y=y,
        synapses_per_core=synapses,
        axons_in=max(chip.axons_in, int(found.axons_in.max(initial=0))),
        axons_out=max(chip.axons_out, int(found.axons_out.max(initial=0))),
    )


def _living_mesh(chip: EventChip, cores: int) -> tuple[int, int]:
    """A mesh with so many cores that live and can be reached on this die, near the smallest.

    Raises PlacementError if growing does not help: so many tiles or links are dead that only small parts hang together.
    """
    x, y = chip.tiles_x, chip.tiles_y
    for _ in range(64):
        found = faults_of(replace(chip, tiles_x=x, tiles_y=y))
        each = chip.cores_per_tile * chip.layers
        left = x * y * each if found is None else found.usable
        kept = 1.0
        if chip.defects.repair != "around":
            kept = (1 - chip.defects.spare_columns / x) * (1 - chip.defects.spare_rows / y)
        if min(left, int(kept * x * y * each)) >= cores:
            return x, y
        if x * y > 64 * max(chip.tiles, cores):
            break
        grown = min(1.5, cores / max(1, left)) ** 0.5  # far from it both sides grow, at the end one by one
        if grown > 1.05:
            x, y = ceil(x * grown), ceil(y * grown)
        else:
            x, y = (x + 1, y) if x <= y else (x, y + 1)
    raise PlacementError(
        tr("A larger mesh with as many defects does not help: it falls into small parts. Use fewer defects.")
    )


def smallest_mesh(tiles: int) -> tuple[int, int]:
    """The mesh (tiles_x, tiles_y) with fewest tiles, at least so many, that is at most twice as long as wide; the squarer, the better."""
    shapes = [
        (long * wide, long - wide, long, wide)
        for wide in range(1, int(np.sqrt(tiles)) + 2)
        if wide <= (long := max(wide, ceil(tiles / wide))) <= 2 * wide
    ]
    _, _, x, y = min(shapes)
    return x, y


def _would_do(netlist: Netlist, chip: EventChip, rows: Synapses | None) -> str:
    try:
        larger = smallest(netlist, chip, rows)
    except PlacementError as none_would:
        return str(none_would)
    changed: dict[str, Any] = {k: getattr(larger, k) for k in _KNOBS if getattr(larger, k) != getattr(chip, k)}
    if not changed:
        return tr("In sequential order (partition='sequential') it fits.")
    return tr(
        "The smallest chip of this kind that would do: {changes}. Or use fewer neurons or synapses.",
        changes=", ".join(f"{k}={v}" for k, v in changed.items()),
    )
