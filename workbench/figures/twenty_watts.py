"""Pictures of the 20-watt question: watts a brain by machine and by definition, joules an event, a footnote, and the rate's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.figures.layers import COLOURS, Axis, Dash, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["ladder", "named", "over_rate", "readable_watts", "waterfall", "watts_per_brain"]

Marker = Literal["dot", "ring", "square"]
_LEGEND: Mapping[str, str] = {
    "operation": "one synaptic operation alone",
    "chip": "events at the chip",
    "plug": "events at the plug",
    "neurons": "machines for the neurons",
    "synapses": "machines for the synapses",
}
_LOOKS: Mapping[str, tuple[str, Marker]] = {
    "operation": ("sky", "dot"),
    "chip": ("blue", "dot"),
    "plug": ("green", "square"),
    "neurons": ("orange", "ring"),
    "synapses": ("pink", "ring"),
}
_STEPS = (
    (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"),
    (1e-15, "f"), (1e-18, "a"), (1e-21, "z"),
)  # fmt: skip


@picture
def watts_per_brain(
    rows: Mapping[str, Mapping[str, float]],
    *,
    brain: float,
    least: float,
    here: tuple[str, str] | None = None,
    title: str = "",
    source: str = "",
) -> Sketch:
    """W that a brain would draw, a row a machine (English name) and a mark a definition; the brain and Landauer's least stand across.

    Machines are ordered by their lowest number; `here` names the machine and the definition that are looked at.
    """
    ordered = sorted((n for n in rows if rows[n]), key=lambda n: min(rows[n].values()))[::-1]
    at = {name: float(k) for k, name in enumerate(ordered)}
    layers: list[Layer] = []
    for way in (w for w in _LEGEND if any(w in found for found in rows.values())):
        those = [name for name in ordered if way in rows[name]]
        layers.append(
            Points(
                x=np.array([rows[n][way] for n in those]),
                y=np.array([at[n] for n in those]),
                label=tr(_LEGEND[way]),
                colour=COLOURS[_LOOKS[way][0]],
                size=6.0,
                marker=_LOOKS[way][1],
            )
        )
    if here and here[1] in rows.get(here[0], {}):
        layers.append(
            Points(
                x=np.array([rows[here[0]][here[1]]]),
                y=np.array([at[here[0]]]),
                label=tr("chosen"),
                size=11.0,
                marker="ring",
            )
        )
    layers.append(Level(value=brain, along="x", label=tr("a brain: {power}", power=readable_watts(brain))))
    layers.append(Level(value=least, along="x", label=tr("Landauer: one bit an event"), dash="dotted"))
    said = [
        tr("{name}: {ways}.", name=tr(n), ways=", ".join(f"{tr(w)} {readable_watts(v)}" for w, v in rows[n].items()))
        for n in ordered[::-1]
    ]
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("power for a whole brain"), unit="W", log=True),
        y=Axis(ticks=tuple((at[n], tr(n)) for n in ordered), limits=(-0.7, len(ordered) + 0.3)),
        height=0.5 + 0.1 * len(ordered),
    )
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def ladder(
    rungs: Sequence[tuple[str, str, float]], *, levels: Mapping[str, float], title: str = "", source: str = ""
) -> Sketch:
    """Joules of one synaptic event as (machine, definition, J), cheapest at the bottom, with named joules across."""
    ordered = sorted(rungs, key=lambda rung: rung[2])
    layers: list[Layer] = []
    for way in (w for w in _LEGEND if any(w == counted for _, counted, _ in rungs)):
        those = [n for n, rung in enumerate(ordered) if rung[1] == way]
        layers.append(
            Points(
                x=np.array([ordered[n][2] for n in those]),
                y=np.array(those, dtype=float),
                label=tr(_LEGEND[way]),
                colour=COLOURS[_LOOKS[way][0]],
                size=6.0,
                marker=_LOOKS[way][1],
            )
        )
    dashes: tuple[Dash, ...] = ("dashed", "dotted", "solid")
    layers += [
        Level(value=joules, along="x", label=f"{tr(name)}: {_with(joules, 'J')}", dash=dashes[k % 3])
        for k, (name, joules) in enumerate(levels.items())
    ]
    names = [f"{tr(name)}: {_with(joules, 'J')}" for name, _, joules in ordered]
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("energy a synaptic event"), unit="J", log=True),
        y=Axis(
            ticks=tuple((float(k), name) for k, name in enumerate(names)),
            limits=(-0.7, len(names) + 0.3),
        ),
        height=0.5 + 0.1 * len(names),
    )
    alt = tr("From below: {rungs}.", rungs="; ".join(names))
    alt += " " + "; ".join(f"{tr(name)}: {_with(joules, 'J')}" for name, joules in levels.items()) + "."
    return Sketch(panels=(panel,), title=tr(title), alt=alt, source=tr(source) if source else "")


@picture
def waterfall(
    steps: Sequence[tuple[str, float, float]],
    *,
    levels: Mapping[str, float] | None = None,
    title: str = "",
    source: str = "",
) -> Sketch:
    """A chain of factors as (name, factor, W after it): a bar a step from the watts before to the watts after, on a logarithmic axis."""
    layers: list[Layer] = []
    ticks: list[tuple[float, str]] = []
    said: list[str] = []
    before = steps[0][2]
    for k, (name, factor, after) in enumerate(steps):
        row = float(len(steps) - 1 - k)
        start, stop = (after / 1.3, after * 1.3) if k == 0 else (before, after)
        layers.append(_bar(start, stop, row, "black" if k == 0 else "orange" if factor >= 1 else "blue"))
        if k:
            layers.append(
                Lines(
                    x=np.array([before, before]), y=np.array([row + 0.3, row + 0.7]), colour=COLOURS["grey"], width=0.8
                )
            )
        how = f"× {_times(factor)}" if factor >= 1 else f"÷ {_times(1 / factor)}"
        text = f"{tr(name)}: {readable_watts(after)}" if k == 0 else f"{tr(name)}, {how}: {readable_watts(after)}"
        ticks.append((row, text))
        said.append(text + ".")
        before = after
    layers += [
        Level(value=power, along="x", label=f"{tr(name)}: {readable_watts(power)}")
        for name, power in (levels or {}).items()
    ]
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("power"), unit="W", log=True),
        y=Axis(ticks=tuple(ticks[::-1]), limits=(-0.7, len(steps) - 0.3)),
        height=0.5 + 0.14 * len(steps),
    )
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def over_rate(
    rates: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    here: float,
    brain: float,
    title: str = "",
    source: str = "",
) -> Sketch:
    """W for a whole brain over its mean rate (Hz), a line a machine and definition; what is counted by size does not follow the rate."""
    at = np.asarray(rates, dtype=float)
    layers: list[Layer] = []
    said: list[str] = []
    for k, (name, values) in enumerate(lines.items()):
        found = np.asarray(values, dtype=float)
        layers.append(
            Lines(x=at, y=found, label=name, colour=colour(k), dash=("solid", "dashed", "dotted")[k // 7 % 3])
        )
        said.append(
            tr(
                "{name}: {first} at {low:g} Hz, {last} at {high:g} Hz.",
                name=name,
                first=readable_watts(float(found[0])),
                low=at[0],
                last=readable_watts(float(found[-1])),
                high=at[-1],
            )
        )
    layers.append(Level(value=brain, label=tr("a brain: {power}", power=readable_watts(brain))))
    if here > 0:
        layers.append(Level(value=here, along="x", label=tr("here"), dash="dotted"))
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("mean rate of all neurons"), unit="Hz", log=True),
        y=Axis(label=tr("power for a whole brain"), unit="W", log=True),
        height=1.5,
    )
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


def readable_watts(power: float) -> str:
    """A power as a person says it: "12.2 GW"."""
    return _with(power, "W")


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"


def _bar(start: float, stop: float, row: float, shade: str) -> Lines:
    """A filled bar that begins anywhere: one thin line to and fro, as thick lines would reach beyond their ends."""
    passes = 28
    x = np.where(np.arange(2 * passes) % 4 % 3 == 0, start, stop)
    return Lines(x=x, y=row + np.repeat(np.linspace(-0.3, 0.3, passes), 2), colour=COLOURS[shade], width=1.6)


def _with(value: float, unit: str) -> str:
    scale, prefix = next(((s, p) for s, p in _STEPS if abs(value) >= s * 0.9995), _STEPS[-1])
    return f"{value / scale:.3g} {prefix}{unit}"


def named(machine: str, way: str) -> str:
    """A machine and what is counted, in the reader's language."""
    return f"{tr(machine)}: {tr(way)}"
