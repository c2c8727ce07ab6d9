"""Pictures of a wafer that loses die after die, and of one whose dies are stacked in layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.figures.layers import COLOURS, Axis, Level, Lines, Panel, Points, Sketch
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["deaths", "stacked"]

Array = NDArray[np.float64]


@picture
def deaths(
    dead: Array,
    hops: Array,
    joules: Array,
    seconds: Array,
    *,
    here: tuple[float, float, float, float],
    source: str = "",
) -> Sketch:
    """Hops of a packet, energy (µJ) and chip time (µs) of the run by the number of dead dies, NaN where the wafer is refused.

    `here` are the same four numbers of this wafer.
    """
    panels = []
    for values, mine, label, unit in (
        (hops, here[1], tr("hops of a packet"), ""),
        (joules, here[2], tr("energy of the run"), "µJ"),
        (seconds, here[3], tr("chip time of the run"), "µs"),
    ):
        panels.append(
            Panel(
                layers=(
                    Lines(x=dead, y=values, label=tr("dies die at random"), colour=COLOURS["blue"], width=2.0),
                    Points(x=dead, y=values, colour=COLOURS["blue"], size=4.0),
                    Points(
                        x=np.array([here[0]]),
                        y=np.array([mine]),
                        label=tr("this wafer"),
                        colour=COLOURS["orange"],
                        size=7.0,
                        marker="ring",
                    ),
                ),
                x=Axis(label=tr("dead dies")),
                y=Axis(label=label, unit=unit),
                height=0.8,
            )
        )
    fits = np.flatnonzero(np.isfinite(hops))
    last = int(fits[-1]) if fits.size else 0
    return Sketch(
        panels=tuple(panels),
        title=tr("What dead dies cost"),
        alt=tr(
            "From {first:g} to {last:g} dead dies a packet goes from {a:.3g} to {b:.3g} hops, the energy from {c:.4g} to {d:.4g} µJ and chip time "
            "from {e:.4g} to {f:.4g} µs; this wafer has {dead:g} dead dies.",
            first=float(dead[0]),
            last=float(dead[last]),
            a=float(hops[0]),
            b=float(hops[last]),
            c=float(joules[0]),
            d=float(joules[last]),
            e=float(seconds[0]),
            f=float(seconds[last]),
            dead=here[0],
        ),
        source=tr(source),
    )


@picture
def stacked(
    layers: Array,
    closed: Array,
    counted: Array,
    *,
    vias: Array,
    survival: Mapping[str, Array],
    rise: Array,
    chosen: float,
    source: str = "",
) -> Sketch:
    """What stacking gives and takes, by layers at an equal number of cores: mean hops, vias, yield (shares) and the rise of the hottest layer (K).

    `closed` is the mean distance of two random cores, `counted` what packets of this network went, NaN where it was not run.
    """
    at = Level(value=chosen, along="x", label=tr("now"), colour=COLOURS["orange"])
    hops = Panel(
        layers=(
            Lines(x=layers, y=closed, label=tr("two random cores"), colour=COLOURS["blue"], width=2.0),
            Points(
                x=layers,
                y=counted,
                label=tr("a packet of this network"),
                colour=COLOURS["black"],
                size=6.0,
                marker="ring",
            ),
            at,
        ),
        x=Axis(label=tr("layers")),
        y=Axis(label=tr("hops")),
        height=0.8,
    )
    wires = Panel(
        layers=(Lines(x=layers, y=vias, label=tr("vias"), colour=COLOURS["blue"], width=2.0), at),
        x=Axis(label=tr("layers")),
        y=Axis(label=tr("vias")),
        height=0.7,
    )
    shades = (COLOURS["blue"], COLOURS["pink"])
    whole = Panel(
        layers=(
            *(
                Lines(x=layers, y=100 * values, label=tr(name), colour=shade, width=2.0)
                for (name, values), shade in zip(survival.items(), shades, strict=True)
            ),
            at,
        ),
        x=Axis(label=tr("layers")),
        y=Axis(label=tr("yield"), unit="%", limits=(-3.0, 103.0)),
        height=0.8,
    )
    heat = Panel(
        layers=(Lines(x=layers, y=rise, label=tr("hottest layer"), colour=COLOURS["blue"], width=2.0), at),
        x=Axis(label=tr("layers")),
        y=Axis(label=tr("rise above the coolant"), unit="K"),
        height=0.7,
    )
    blind = next(iter(survival.values()))
    return Sketch(
        panels=(hops, wires, whole, heat),
        title=tr("As many cores in more layers"),
        alt=tr(
            "From {first:g} to {last:g} layers two random cores come from {a:.3g} to {b:.3g} hops apart; {vias:,.0f} vias are needed, the yield goes from "
            "{c:.1f} to {d:.1f} %, and the hottest layer from {e:.3g} to {f:.3g} K above the coolant.",
            first=float(layers[0]),
            last=float(layers[-1]),
            a=float(closed[0]),
            b=float(closed[-1]),
            vias=float(vias[-1]),
            c=100 * float(blind[0]),
            d=100 * float(blind[-1]),
            e=float(rise[0]),
            f=float(rise[-1]),
        ),
        source=tr(source),
    )
