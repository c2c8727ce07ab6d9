"""Pictures of a chip at work: which tile is busy, how far packets travel, who is wired with whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import unknown
from workbench.figures.layers import Axis, Bars, Image, Panel, Sketch
from workbench.figures.picture import picture
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["core_load", "hop_histogram", "senders", "tile_counts"]


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
