"""Pictures of a broken chip: what is dead and who lives where, which links are busy, what defects cost, and what yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.figures.layers import COLOURS, Axis, Image, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.mesh import both_ways
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["busy_links", "cost_of_defects", "largest_part", "living", "yields"]

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


@picture
def living(
    neurons: Array,
    *,
    dead: Bools,
    away: Bools,
    spare: Bools,
    dead_links: Bools,
    dead_tiles: Bools,
    dies: bool = False,
    title: str = "What lives on the wafer",
    source: str = "",
) -> Sketch:
    """The wafer seen from above: neurons on each tile (or on each of its `dies`), what is dead (blank), what no way leads to (below 0), which spare tiles are used.

    `neurons`, `dead` (no living core), `away`, `spare` and `dead_tiles` (no living router) have the shape (tiles_y, tiles_x),
    `dead_links` (4, tiles_y, tiles_x).
    """
    high, wide = neurons.shape
    size = max(2.5, min(16.0, 220 / max(high, wide)))
    top = max(1.0, float(neurons.max(initial=0)))
    shown = np.where(dead, np.nan, np.where(away, -top, neurons))
    layers: list[Layer] = [
        Image(
            values=shown,
            x_range=(-0.5, wide - 0.5),
            y_range=(-0.5, high - 0.5),
            label=tr("neurons (below 0: no way leads there)"),
            limits=(-top, top),
        )
    ]
    between = _dead_links(dead_links, dead_tiles)
    if between[0].size:
        layers.append(
            Points(
                x=between[0],
                y=between[1],
                label=tr("dead link"),
                colour=COLOURS["sky"],
                size=size / 3,
                marker="square",
            )
        )
    for where, said, shade in (
        (dead, tr("dead"), COLOURS["black"]),
        (away, tr("no way leads there"), COLOURS["pink"]),
        (spare, tr("spare in use"), COLOURS["green"]),
    ):
        y, x = np.nonzero(where)
        if y.size:
            marker = "square" if where is dead else "ring"
            layers.append(Points(x=x, y=y, label=said, colour=shade, size=0.6 * size, marker=marker))
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=_eastward(dies), limits=(-0.6, wide - 0.4)),
        y=Axis(label=_northward(dies), limits=(-0.6, high - 0.4)),
        height=1.5,
    )
    return Sketch(
        panels=(panel,),
        title=tr(title),
        alt=tr(
            "{tiles} dies: {used} in use, {dead} dead; {links} links between living dies are dead.",
            tiles=neurons.size,
            used=int(np.count_nonzero(neurons)),
            dead=int(dead.sum()),
            links=between[0].size,
        )
        if dies
        else tr(
            "{tiles} tiles: {used} in use, {dead} dead, {away} that no way leads to, {spare} spare ones in use; {links} links between living tiles are dead.",
            tiles=neurons.size,
            used=int(np.count_nonzero(neurons)),
            dead=int(dead.sum()),
            away=int(away.sum()),
            spare=int(spare.sum()),
            links=between[0].size,
        ),
        source=tr(source),
    )


@picture
def busy_links(
    loads: Array,
    dead_links: Bools,
    dead: Bools,
    *,
    limits: tuple[float, float] | None = None,
    dies: bool = False,
    title: str = "Which links are busy",
    source: str = "",
) -> Sketch:
    """The links of a mesh, both ways of each together: a cell between two tiles, or two `dies`; those nobody uses are blank, dead ones below 0.

    `loads[direction, y, x]` are packets over the link that leaves tile (x, y) to the east, west, north and south.
    """
    _, high, wide = loads.shape
    cells = both_ways(loads)
    top = max(1.0, float(np.nanmax(cells, initial=0.0)))
    cells[cells == 0] = np.nan
    low, top = limits or (0.0, top)
    x, y = _dead_links(dead_links, dead)
    cells[(2 * y).astype(int), (2 * x).astype(int)] = -top
    size = max(2.0, min(12.0, 160 / max(high, wide)))
    layers: list[Layer] = [
        Image(
            values=cells,
            x_range=(-0.25, wide - 0.75),
            y_range=(-0.25, high - 0.75),
            label=tr("packets (below 0: a dead link)"),
            limits=(min(low, -top), top),
        )
    ]
    row, column = np.nonzero(dead)
    if row.size:
        layers.append(Points(x=column, y=row, label=tr("dead"), colour=COLOURS["black"], size=size, marker="square"))
    d, at_y, at_x = np.unravel_index(int(loads.argmax()), loads.shape)
    said: dict[str, Any] = {
        "total": float(loads.sum()),
        "x": int(at_x),
        "y": int(at_y),
        "where": (tr("east"), tr("west"), tr("north"), tr("south"))[int(d)],
        "most": float(loads.max(initial=0)),
    }
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=_eastward(dies)),
        y=Axis(label=_northward(dies)),
        height=1.4,
    )
    return Sketch(
        panels=(panel,),
        title=tr(title),
        alt=(
            tr(
                "{total:.0f} packets × links; the busiest single link leaves die ({x}, {y}) to the {where} with {most:.0f}.",
                **said,
            )
            if dies
            else tr(
                "{total:.0f} packets × links; the busiest single link leaves tile ({x}, {y}) to the {where} with {most:.0f}.",
                **said,
            )
        ),
        source=tr(source),
    )


@picture
def cost_of_defects(
    densities: Array, hops: Array, joules: Array, *, whole: tuple[float, float], chosen: float, source: str = ""
) -> Sketch:
    """What defects cost: hops of a packet and energy of a round by defect density (1/mm²), one dot for each specimen.

    `hops` and `joules` (nJ) have the shape (densities, specimens), NaN where the network does not fit; `whole` is what nothing broken gives.
    """
    fits = np.isfinite(hops)
    panels = []
    for values, nothing, label, unit in (
        (hops, whole[0], tr("hops of a packet"), ""),
        (joules, whole[1], tr("energy of a round"), "nJ"),
    ):
        mean, low, high = _spread(values)
        x = np.repeat(densities, values.shape[1])
        panels.append(
            Panel(
                layers=(
                    Points(x=x, y=values.ravel(), label=tr("one die"), colour=COLOURS["sky"], size=3.0),
                    Lines(x=densities, y=mean, label=tr("mean of the dies"), colour=COLOURS["blue"], width=2.0),
                    Lines(
                        x=densities, y=low, label=tr("one standard deviation"), colour=COLOURS["blue"], dash="dotted"
                    ),
                    Lines(x=densities, y=high, colour=COLOURS["blue"], dash="dotted"),
                    Level(value=nothing, along="y", label=tr("nothing broken")),
                    Level(value=chosen, along="x", label=tr("now"), colour=COLOURS["orange"]),
                ),
                x=Axis(label=tr("defect density"), unit="1/mm²"),
                y=Axis(label=label, unit=unit),
                height=0.9,
            )
        )
    first, last = _spread(hops)[0][[0, -1]]
    return Sketch(
        panels=tuple(panels),
        title=tr("What defects cost"),
        alt=tr(
            "From {low:g} to {high:g} defects/mm² a packet goes from {first:.2f} to {last:.2f} hops on average; {refused} of {all} wafers are too broken for the network.",
            low=float(densities[0]),
            high=float(densities[-1]),
            first=float(first),
            last=float(last),
            refused=int((~fits).sum()),
            all=fits.size,
        ),
        source=tr(source),
    )


@picture
def yields(
    loads: Array,
    curves: Mapping[str, Array],
    drawn: Sequence[tuple[float, float]],
    *,
    law: str,
    marks: Mapping[str, float],
    source: str = "",
) -> Sketch:
    """The chance that an area has no defect by the mean number λ of defects on it: the laws, and what was `drawn` (λ, share) of one."""
    layers: list[Layer] = [
        Lines(x=loads, y=100 * y, label=tr(name), colour=colour(k), width=2.4 if name == law else 1.4)
        for k, (name, y) in enumerate(curves.items())
    ]
    x, y = (np.array(v) for v in zip(*drawn, strict=True))
    layers.append(Points(x=x, y=100 * y, label=tr("drawn"), colour=COLOURS["black"], size=6.0, marker="ring"))
    layers += [
        Level(value=at, along="x", label=tr(name), colour=COLOURS["grey"], dash="dotted") for name, at in marks.items()
    ]
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("defects on the area, on average (λ)"), log=True),
        y=Axis(label=tr("yield"), unit="%", limits=(-3.0, 103.0)),
        height=1.1,
    )
    at_one = {tr(name): float(np.interp(1.0, loads, values)) for name, values in curves.items()}
    return Sketch(
        panels=(panel,),
        title=tr("What comes out whole"),
        alt=tr(
            "At one defect on average: {lines}. Drawn by the law {law}: {drawn}.",
            lines=", ".join(f"{name} {100 * v:.1f} %" for name, v in at_one.items()),
            law=tr(law),
            drawn=", ".join(f"λ {a:.3g}: {100 * b:.1f} %" for a, b in drawn),
        ),
        source=tr(source),
    )


@picture
def largest_part(
    dead: Array,
    sites: Array,
    bonds: Array,
    *,
    thresholds: tuple[float, float],
    here: Sequence[tuple[float, float]],
    source: str = "",
) -> Sketch:
    """How much of what lives hangs together, by the share of dead tiles or dead links: a mesh falls apart all at once."""
    layers: list[Layer] = [
        Lines(x=100 * dead, y=100 * sites, label=tr("tiles die"), colour=COLOURS["blue"], width=2.0),
        Lines(x=100 * dead, y=100 * bonds, label=tr("links die"), colour=COLOURS["orange"], width=2.0),
        Level(value=100 * thresholds[0], along="x", label=f"{100 * thresholds[0]:.1f} %", colour=COLOURS["blue"]),
        Level(value=100 * thresholds[1], along="x", label=f"{100 * thresholds[1]:.1f} %", colour=COLOURS["orange"]),
    ]
    x, y = (100 * np.array(v) for v in zip(*here, strict=True))
    layers.append(Points(x=x, y=y, label=tr("this wafer"), colour=COLOURS["black"], size=6.0, marker="ring"))
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("dead"), unit="%", limits=(-2.0, 72.0)),
        y=Axis(label=tr("living tiles in the largest part"), unit="%", limits=(-3.0, 103.0)),
        height=1.0,
    )
    return Sketch(
        panels=(panel,),
        title=tr("How a mesh falls apart"),
        alt=tr(
            "The largest part holds half of what lives until {sites:.0f} % of the tiles or {bonds:.0f} % of the links are dead.",
            sites=100 * _half(dead, sites),
            bonds=100 * _half(dead, bonds),
        ),
        source=tr(source),
    )


def _eastward(dies: bool) -> str:
    return tr("die, west to east") if dies else tr("tile, west to east")


def _northward(dies: bool) -> str:
    return tr("die, south to north") if dies else tr("tile, south to north")


def _half(dead: Array, share: Array) -> float:
    """Where a falling curve goes through one half."""
    below = int(np.argmax(share < 0.5))
    a, b = share[below - 1], share[below]
    return float(dead[below - 1] + (dead[below] - dead[below - 1]) * (a - 0.5) / (a - b))


def _spread(values: Array) -> tuple[Array, Array, Array]:
    """Mean, and mean less and plus one standard deviation, over what is not NaN; NaN where there is nothing."""
    fits = np.isfinite(values)
    many = fits.sum(axis=1)
    kept = np.where(fits, values, 0.0)
    mean = np.where(many > 0, kept.sum(axis=1) / np.maximum(many, 1), np.nan)
    off = np.where(fits, values - mean[:, None], 0.0)
    sd = np.sqrt((off**2).sum(axis=1) / np.maximum(many, 1))
    return mean, mean - sd, mean + sd


def _dead_links(links: Bools, dead: Bools) -> tuple[Array, Array]:
    """The middles (x, y) of dead links between living tiles."""
    alive = ~dead
    y, x = np.nonzero(links[0, :, :-1] & alive[:, :-1] & alive[:, 1:])
    up, at = np.nonzero(links[2, :-1] & alive[:-1] & alive[1:])
    return np.concatenate([x + 0.5, at]).astype(float), np.concatenate([y, up + 0.5]).astype(float)
