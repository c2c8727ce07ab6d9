"""Pictures of a chip at work: which tile is busy, how far packets travel, who is wired with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import unknown
from workbench.figures.layers import COLOURS, Axis, Bars, Image, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = [
    "both_ways",
    "convergence",
    "core_load",
    "hop_histogram",
    "link_load",
    "methods",
    "residents",
    "senders",
    "tile_counts",
    "tile_load",
]


def tile_counts(recording: Recording, event: str) -> NDArray[np.float64]:
    """How often `event` happened on each tile, shape (tiles_y, tiles_x); NaN where no core of the tile is in use."""
    ledger, placement = recording.ledger, recording.placement
    if event not in ledger.events:
        raise unknown("event", event, ledger.events)
    counted = ledger.counts[:, :, ledger.events.index(event)].sum(axis=0)
    by_place = dict(zip(ledger.places, counted.tolist(), strict=True))
    made = np.full((placement.mesh[1], placement.mesh[0]), np.nan)
    for core in placement.cores:
        x, y = core.tile
        made[y, x] = np.nan_to_num(made[y, x]) + by_place.get(core.name, 0)
    return made


@picture
def core_load(recording: Recording, *, event: str = "synaptic operation", source: str = "") -> Sketch:
    """The chip seen from above: how often `event` happened on each tile."""
    counts = tile_counts(recording, event)
    height, width = counts.shape
    used = int(np.isfinite(counts).sum())
    y, x = np.unravel_index(int(np.nanargmax(counts)), counts.shape) if used else (0, 0)
    busiest, total = (float(counts[y, x]), float(np.nansum(counts))) if used else (0.0, 0.0)
    return Sketch(
        panels=(
            Panel(
                layers=(
                    Image(values=counts, x_range=(-0.5, width - 0.5), y_range=(-0.5, height - 0.5), label=tr(event)),
                ),
                x=Axis(label=tr("tile, west to east")),
                y=Axis(label=tr("tile, south to north")),
            ),
        ),
        title=tr("Who works on the chip"),
        alt=tr(
            "{used} tiles in use; the busiest, column {x}, row {y}, has {busiest:.0f} of {total:.0f} ({event}).",
            used=used,
            x=int(x),
            y=int(y),
            busiest=busiest,
            total=total,
            event=tr(event),
        ),
        source=tr(source),
    )


@picture
def hop_histogram(by_hops: NDArray[np.int64], *, source: str = "") -> Sketch:
    """How many packets cross no tile border, one, two, …"""
    total = int(by_hops.sum())
    mean = float(np.arange(by_hops.size) @ by_hops) / total if total else 0.0
    by_hops = by_hops[: int(np.flatnonzero(by_hops)[-1]) + 1] if total else by_hops[:1]
    names = tuple(tr("{n} hops", n=n) if n != 1 else tr("1 hop") for n in range(by_hops.size))
    return Sketch(
        panels=(
            Panel(
                layers=(Bars(names=names, values=by_hops.astype(float)),),
                x=Axis(label=tr("distance")),
                y=Axis(label=tr("packets")),
            ),
        ),
        title=tr("How far packets travel"),
        alt=tr(
            "{total} packets, {mean:.2f} hops each on average; {local} stay on their tile.",
            total=total,
            mean=mean,
            local=int(by_hops[0]),
        ),
        source=tr(source),
    )


@picture
def senders(names: Sequence[str], hops: NDArray[np.int64], *, most: int = 12, source: str = "") -> Sketch:
    """The neurons whose spikes crossed most tile borders, all packets together."""
    order = np.argsort(-hops, kind="stable")[:most].tolist()
    share = float(hops[order].sum() / hops.sum()) if hops.sum() else 0.0
    name, farthest = (names[order[0]], int(hops[order[0]])) if order else ("-", 0)
    return Sketch(
        panels=(
            Panel(
                layers=(Bars(names=tuple(names[int(k)] for k in order), values=hops[order].astype(float)),),
                x=Axis(label=tr("neuron")),
                y=Axis(label=tr("hops of all its packets")),
                height=1.2,
            ),
        ),
        title=tr("Whose spikes travel"),
        alt=tr(
            "{most} neurons make {share:.0%} of all hops; first {name} with {hops}.",
            most=len(order),
            share=share,
            name=name,
            hops=farthest,
        ),
        source=tr(source),
    )


@picture
def residents(
    groups: Mapping[str, NDArray[np.int64]], mesh: tuple[int, int], *, title: str = "Who lives where", source: str = ""
) -> Sketch:
    """The chip seen from above: each tile in the colour of the group most of its neurons belong to.

    `groups[name][y, x]` counts the neurons of a group on each tile; `mesh` is (tiles_x, tiles_y). A tile without neurons is a ring.
    """
    names = list(groups)
    counted = np.stack([groups[n] for n in names])
    most, used = counted.argmax(axis=0), counted.sum(axis=0) > 0
    size = min(15.0, 150.0 / max(mesh))
    layers = []
    for k, name in enumerate(names):
        y, x = np.nonzero((most == k) & used)
        if x.size:
            layers.append(Points(x=x, y=y, label=tr(name), colour=colour(k), size=size, marker="square"))
    y, x = np.nonzero(~used)
    layers.append(Points(x=x, y=y, colour=COLOURS["grey"], size=size / 6, marker="dot"))
    mixed = int((np.count_nonzero(counted, axis=0) > 1).sum())
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("tile, west to east"), limits=(-0.7, mesh[0] - 0.3)),
        y=Axis(label=tr("tile, south to north"), limits=(-0.7, mesh[1] - 0.3)),
        height=1.4,
    )
    return Sketch(
        panels=(panel,),
        title=tr(title),
        alt=tr(
            "{used} of {tiles} tiles in use, {mixed} of them shared by several groups.",
            used=int(used.sum()),
            tiles=mesh[0] * mesh[1],
            mixed=mixed,
        ),
        source=tr(source),
    )


@picture
def tile_load(
    values: NDArray[np.float64],
    *,
    what: str = "synaptic operation",
    title: str = "Who works on the chip",
    source: str = "",
) -> Sketch:
    """The chip seen from above: how often `what` happens on each tile, shape (tiles_y, tiles_x); NaN where nobody lives."""
    high, wide = values.shape
    y, x = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return Sketch(
        panels=(
            Panel(
                layers=(Image(values=values, x_range=(-0.5, wide - 0.5), y_range=(-0.5, high - 0.5), label=tr(what)),),
                x=Axis(label=tr("tile, west to east")),
                y=Axis(label=tr("tile, south to north")),
                height=1.4,
            ),
        ),
        title=tr(title),
        alt=tr(
            "{used} tiles in use; the busiest, column {x}, row {y}, has {busiest:.0f} of {total:.0f} ({event}).",
            used=int(np.isfinite(values).sum()),
            x=int(x),
            y=int(y),
            busiest=float(values[y, x]),
            total=float(np.nansum(values)),
            event=tr(what),
        ),
        source=tr(source),
    )


def both_ways(loads: NDArray[np.float64]) -> NDArray[np.float64]:
    """The links of a mesh as cells between tiles, both directions together; NaN on the tiles, shape (2 tiles_y − 1, 2 tiles_x − 1)."""
    _, high, wide = loads.shape
    made = np.full((2 * high - 1, 2 * wide - 1), np.nan)
    made[::2, 1::2] = loads[0, :, :-1] + loads[1, :, 1:]
    made[1::2, ::2] = loads[2, :-1, :] + loads[3, 1:, :]
    return made


@picture
def link_load(
    loads: NDArray[np.float64],
    *,
    limits: tuple[float, float] | None = None,
    title: str = "Which links are busy",
    source: str = "",
) -> Sketch:
    """The links of a mesh, both ways of each together: a cell between two tiles; tiles, and links nobody uses, are left blank.

    `loads[direction, y, x]` are packets over the link that leaves tile (x, y) to the east, west, north and south.
    """
    _, high, wide = loads.shape
    drawn = both_ways(loads)
    top = max(1.0, float(np.nanmax(drawn, initial=0.0)))
    drawn[drawn == 0] = np.nan
    most = float(loads.max(initial=0))
    d, y, x = np.unravel_index(int(loads.argmax()), loads.shape)
    where = (tr("east"), tr("west"), tr("north"), tr("south"), tr("layer above"), tr("layer below"))[int(d)]
    return Sketch(
        panels=(
            Panel(
                layers=(
                    Image(
                        values=drawn,
                        x_range=(-0.25, wide - 0.75),
                        y_range=(-0.25, high - 0.75),
                        label=tr("packets"),
                        limits=limits or (0.0, top),
                    ),
                ),
                x=Axis(label=tr("tile, west to east")),
                y=Axis(label=tr("tile, south to north")),
                height=1.4,
            ),
        ),
        title=tr(title),
        alt=tr(
            "{total:.0f} packets × links; the busiest single link leaves tile ({x}, {y}) to the {where} with {most:.0f}.",
            total=float(loads.sum()),
            x=int(x),
            y=int(y),
            where=where,
            most=most,
        ),
        source=tr(source),
    )


@picture
def methods(
    costs: Mapping[str, float],
    *,
    chance: float,
    chosen: str = "",
    title: str = "How far a packet travels",
    source: str = "",
) -> Sketch:
    """Mean hops of a packet by the way of placing cores, beside what `chance` alone gives."""
    names, values = list(costs), np.array(list(costs.values()))
    texts = tuple(f"{value:.2f}" + (" ◂" if name == chosen else "") for name, value in costs.items())
    least = min(costs, key=lambda n: costs[n])
    return Sketch(
        panels=(
            Panel(
                layers=(
                    Bars(names=tuple(tr(n) for n in names), values=values, texts=texts),
                    Level(value=chance, along="x", label=tr("two random tiles")),
                ),
                x=Axis(label=tr("placement")),
                y=Axis(label=tr("hops of a packet"), limits=(0.0, 1.3 * max(chance, float(values.max(initial=0.0))))),
                height=0.9,
            ),
        ),
        title=tr(title),
        alt=tr(
            "{lines}. Two random tiles lie {chance:.2f} hops apart. {least} is the shortest.",
            lines=", ".join(f"{tr(n)}: {v:.2f}" for n, v in costs.items()),
            chance=chance,
            least=tr(least),
        ),
        source=tr(source),
    )


@picture
def convergence(
    searches: Mapping[str, NDArray[np.float64]], *, title: str = "How a search comes to rest", source: str = ""
) -> Sketch:
    """Packets × hops before a search and after each of its rounds, by search."""
    layers = tuple(
        Lines(x=np.arange(costs.size), y=costs, label=tr(name), colour=colour(k), width=1.8)
        for k, (name, costs) in enumerate(searches.items())
    )
    said = ", ".join(
        tr("{name}: {first:.0f} → {last:.0f} in {rounds} rounds", name=tr(n), first=c[0], last=c[-1], rounds=c.size - 1)
        for n, c in searches.items()
    )
    return Sketch(
        panels=(Panel(layers=layers, x=Axis(label=tr("round")), y=Axis(label=tr("packets × hops")), height=1.1),),
        title=tr(title),
        alt=tr("{lines}.", lines=said),
        source=tr(source),
    )
