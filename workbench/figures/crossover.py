"""Pictures of events against a clock: energy and time over activity, a map of who wins, and what a spike's way costs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.figures.layers import COLOURS, Axis, Bars, Image, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.ledger import readable_joules
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["over_activity", "rivals", "ways", "winner_map"]

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


@picture
def over_activity(
    activity: ArrayLike,
    measured: ArrayLike,
    dense: Mapping[str, float],
    *,
    what: str,
    unit: str,
    theory: ArrayLike | None = None,
    crossing: float = float("nan"),
    title: str = "",
    source: str = "",
) -> Sketch:
    """What a step costs (J or s) over the activity, on logarithmic axes: the event chip as rings, dense engines as level lines.

    `theory` is the closed form at the same activities, `crossing` where chip and first engine need the same.
    """
    rho = np.asarray(activity, dtype=float)
    values = np.asarray(measured, dtype=float)
    scale, prefix = _prefix(max(float(values.max()), *dense.values()))
    layers: list[Layer] = [
        Points(x=rho, y=values / scale, label=tr("event chip, run"), colour=colour(0), size=5.0, marker="ring")
    ]
    if theory is not None:
        layers.append(Lines(x=rho, y=np.asarray(theory) / scale, label=tr("closed form"), colour=colour(0)))
    ends = np.array([rho.min(), rho.max()])
    for k, (name, value) in enumerate(dense.items()):
        # Grey for those that only stand beside: one opponent is compared with.
        shade, dash = (colour(1), "solid") if k == 0 else (COLOURS["grey"], ("dashed", "dotted")[k % 2])
        layers.append(Lines(x=ends, y=np.full(2, value / scale), label=tr(name), colour=shade, dash=dash))  # type: ignore[arg-type]
    if np.isfinite(crossing):
        layers.append(Level(value=crossing, along="x", label=tr("crossover {percent:.3g} %", percent=100 * crossing)))
    first = next(iter(dense))
    low, high = (
        float(f([*values, *dense.values()])) for f in (np.min, np.max)
    )  # room above, where the crossing is named
    alt = tr(
        "Per step, {what}: the event chip needs {low} at an activity of {least:.3g} and {high} at {most:.3g}; {name} needs {dense}.",
        what=tr(what),
        low=_readable(float(values[0]), unit),
        high=_readable(float(values[-1]), unit),
        least=rho[0],
        most=rho[-1],
        name=tr(first),
        dense=_readable(dense[first], unit),
    )
    if np.isfinite(crossing):
        alt += " " + tr("They cross at {percent:.3g} %.", percent=100 * crossing)
    else:
        alt += " " + tr("They do not cross here.")
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("activity: spikes per neuron and step"), log=True),
        y=Axis(label=tr(what), unit=f"{prefix}{unit}", log=True, limits=(low / 1.6 / scale, 2.2 * high / scale)),
        height=1.35,
    )
    return Sketch(panels=(panel,), title=tr(title), alt=alt, source=tr(source) if source else "")


@picture
def winner_map(
    activity: ArrayLike,
    fan_out: ArrayLike,
    ratio: ArrayLike,
    *,
    theory: ArrayLike | None = None,
    neurons: int = 0,
    title: str = "",
    source: str = "",
) -> Sketch:
    """Who wins: log10 of the event chip's energy over the dense engine's, `ratio[fan-out, activity]`; `theory` is ρ* for each fan-out."""
    rho, fans = np.asarray(activity, dtype=float), np.asarray(fan_out, dtype=float)
    table = np.log10(np.asarray(ratio, dtype=float))
    end = max(1.0, float(np.ceil(np.nanmax(np.abs(table)))))
    layers: list[Layer] = [
        Image(
            values=table,
            x_range=(-0.5, rho.size - 0.5),
            y_range=(-0.5, fans.size - 0.5),
            limits=(-end, end),
            label=tr("log10 of event / dense energy"),
        )
    ]
    if theory is not None:
        at = np.asarray(theory, dtype=float)
        inside = (at >= rho[0]) & (at <= rho[-1])
        place = np.interp(np.log(np.where(inside, at, 1.0)), np.log(rho), np.arange(rho.size))
        layers.append(
            Lines(
                x=np.where(inside, place, np.nan),
                y=np.arange(float(fans.size)),
                label="ρ*",
                colour=COLOURS["black"],
                width=2.0,
            )
        )
    won = float((table < 0).mean())
    panel = Panel(
        layers=tuple(layers),
        x=Axis(
            label=tr("activity: spikes per neuron and step"),
            ticks=tuple((float(k), _fraction(v)) for k, v in enumerate(rho) if k % 2 == 0 or rho.size < 8),
            limits=(-0.5, rho.size - 0.5),
        ),
        y=Axis(
            label=tr("fan-out of {neurons} neurons", neurons=neurons) if neurons else tr("fan-out"),
            ticks=tuple((float(k), f"{v:.0f}") for k, v in enumerate(fans)),
            limits=(-0.5, fans.size - 0.5),
        ),
        height=1.5,
    )
    alt = tr(
        "Of {cells} networks the event chip needs less energy in {won:.0%}; best {best:.3g} times, worst {worst:.3g} times the dense engine's.",
        cells=table.size,
        won=won,
        best=10 ** float(np.nanmin(table)),
        worst=10 ** float(np.nanmax(table)),
    )
    return Sketch(panels=(panel,), title=tr(title), alt=alt, source=tr(source) if source else "")


@picture
def rivals(crossovers: Mapping[str, float], *, title: str = "", source: str = "") -> Sketch:
    """The activity below which events win, for each opponent: bars, longest first; never below 0, always at 100 %."""
    ordered = sorted(crossovers, key=lambda name: -crossovers[name])
    values = np.array([100 * min(max(crossovers[name], 0.0), 1.0) for name in ordered])
    words = [
        tr("events always win")
        if crossovers[n] >= 1
        else tr("events never win")
        if crossovers[n] <= 0
        else f"{100 * crossovers[n]:.3g} %"
        for n in ordered
    ]
    panel = Panel(
        layers=(Bars(names=tuple(tr(n) for n in ordered), values=values, texts=tuple(words)),),
        x=Axis(label=tr("opponent")),
        y=Axis(label=tr("crossover ρ*: events win below"), unit="%"),
        height=0.35 + 0.13 * len(ordered),
    )
    said = "; ".join(f"{tr(n)}: {w}" for n, w in zip(ordered, words, strict=True))
    return Sketch(panels=(panel,), title=tr(title), alt=tr("{said}.", said=said), source=tr(source) if source else "")


@picture
def ways(locality: ArrayLike, parts: Mapping[str, NDArray[np.float64]], *, title: str = "", source: str = "") -> Sketch:
    """What one spike costs (J), part by part, over the share of synapses that go to neighbours."""
    at = np.asarray(locality, dtype=float)
    scale, prefix = _prefix(max(float(v.max()) for v in parts.values()))
    layers: list[Layer] = []
    said: list[str] = []
    for k, (name, joules) in enumerate(parts.items()):
        layers.append(Lines(x=at, y=joules / scale, label=tr(name), colour=colour(k)))
        layers.append(Points(x=at, y=joules / scale, colour=colour(k), size=5.0, marker="ring"))
        said.append(
            tr(
                "{name}: {first} without locality, {last} with all synapses near.",
                name=tr(name),
                first=readable_joules(float(joules[0])),
                last=readable_joules(float(joules[-1])),
            )
        )
    top = max(float(v.max()) for v in parts.values()) / scale
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("share of synapses that go to neighbours")),
        y=Axis(label=tr("energy of one spike"), unit=f"{prefix}J", limits=(0.0, 1.08 * top)),
        height=1.2,
    )
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


def _fraction(activity: float) -> str:
    """An activity of one spike in so many steps, as "1/16"."""
    period = round(1 / activity)
    return f"1/{period}" if period > 1 and abs(activity * period - 1) < 1e-6 else f"{activity:.2g}"


def _prefix(value: float) -> tuple[float, str]:
    return next(((scale, prefix) for scale, prefix in _PREFIXES if abs(value) >= scale), _PREFIXES[-1])


def _readable(value: float, unit: str) -> str:
    scale, prefix = _prefix(value)
    return f"{value / scale:.3g} {prefix}{unit}"
