"""Pictures of where energy goes: by part of a machine, over bits, rows, batch and model size, and beside published ratios."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from workbench.figures.layers import COLOURS, Axis, Bars, Dash, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["over", "parts", "ratios"]

_DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")
_STEPS = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"))


@picture
def parts(machines: Mapping[str, tuple[str, Mapping[str, float]]], *, title: str = "", source: str = "") -> Sketch:
    """What one MAC costs (J), part by part: a panel a machine, each on its own scale; the totals stand above them.

    `machines` maps a kind of machine to the name of one and its parts.
    """
    panels, said = [], []
    for k, (kind, (name, found)) in enumerate(machines.items()):
        total = sum(found.values())
        spent = {part: joules for part, joules in found.items() if joules > 0}
        ordered = sorted(spent, key=lambda part: -spent[part])
        scale, prefix = _prefix(max(spent.values(), default=1e-15))
        texts = tuple(f"{_joules(spent[p])} · {_share(spent[p] / total)}" for p in ordered)
        bars = Bars(
            names=tuple(tr(p) for p in ordered),
            values=np.array([spent[p] / scale for p in ordered]),
            texts=texts,
            colour=colour(k),
        )
        most = max(bars.values.max(), 1e-9) if bars.values.size else 1.0
        heading = tr("{kind} ({name}): {total} for a MAC", kind=tr(kind), name=name, total=_joules(total))
        panels.append(
            Panel(
                layers=(bars,),
                title=heading,
                x=Axis(label=tr("part")),
                y=Axis(label=tr("energy of a MAC"), unit=f"{prefix}J", limits=(0.0, 1.45 * float(most))),
                height=0.42 + 0.13 * max(len(ordered), 1),
            )
        )
        said.append(heading + ": " + ", ".join(f"{tr(p)} {t}" for p, t in zip(ordered, texts, strict=True)) + ".")
    return Sketch(panels=tuple(panels), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def over(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x: str,
    y: str,
    x_unit: str = "",
    y_unit: str = "",
    log_x: bool = True,
    log_y: bool = True,
    points: Mapping[str, tuple[float, float]] | None = None,
    levels: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    limits: tuple[float, float] | None = None,
    title: str = "",
    source: str = "",
) -> Sketch:
    """Curves by name on logarithmic axes (or plain ones), named single points, and named lines across at values of y and of x."""
    layers: list[Layer] = []
    said: list[str] = []
    for k, (name, (at, values)) in enumerate(lines.items()):
        a, v = np.asarray(at, dtype=float), np.asarray(values, dtype=float)
        layers.append(Lines(x=a, y=v, label=tr(name), colour=colour(k), dash=_DASHES[k // 4 % 3]))
        good = np.flatnonzero(np.isfinite(v))
        if good.size:
            first, last = good[0], good[-1]
            said.append(
                tr(
                    "{name}: {first:.3g} {unit} at {start:.3g}, {last:.3g} {unit} at {stop:.3g}.",
                    name=tr(name),
                    first=v[first],
                    start=a[first],
                    last=v[last],
                    stop=a[last],
                    unit=y_unit,
                ).replace(" .", ".")
            )
        else:
            said.append(tr("{name}: no values.", name=tr(name)))
    for k, (name, (at, value)) in enumerate((points or {}).items()):
        mark = ("ring", "square", "dot")[k % 3]
        layers.append(
            Points(
                x=np.array([at]),
                y=np.array([value]),
                label=tr(name),
                colour=colour(len(lines) + k),
                size=7.0,
                marker=mark,  # type: ignore[arg-type]
            )
        )
        said.append(f"{tr(name)}: {value:.3g} {y_unit}.".replace(" .", "."))
    layers += [Level(value=value, label=tr(name)) for name, value in (levels or {}).items()]
    for name, value in (marks or {}).items():
        if np.isfinite(value):
            layers.append(Level(value=value, along="x", label=tr(name)))
            said.append(f"{tr(name)}: {value:.3g}.")
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr(x), unit=x_unit, log=log_x),
        y=Axis(label=tr(y), unit=y_unit, log=log_y, limits=limits),
        height=1.35,
    )
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def ratios(
    computed: Mapping[str, Mapping[str, float]], published: Mapping[str, float], *, title: str = "", source: str = ""
) -> Sketch:
    """How many times better, by each way of computing it, beside what was published: a row for each quantity."""
    names = list(published)
    rows = np.arange(float(len(names)))[::-1]
    layers: list[Layer] = [
        Points(
            x=np.array([published[n] for n in names]),
            y=rows,
            label=tr("published"),
            colour=COLOURS["black"],
            size=9.0,
            marker="square",
        )
    ]
    for k, (way, values) in enumerate(computed.items()):
        layers.append(Points(x=np.array([values[n] for n in names]), y=rows, label=tr(way), colour=colour(k), size=7.0))
    everything = [*published.values(), *(v[n] for v in computed.values() for n in names)]
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("times better"), log=True, limits=(0.6 * min(everything), 1.6 * max(everything))),
        y=Axis(
            ticks=tuple((float(r), tr(n)) for r, n in zip(rows, names, strict=True)), limits=(-0.6, len(names) - 0.4)
        ),
        height=0.5 + 0.2 * len(names),
    )
    said = [
        tr("{name}: published {value:.3g} times", name=tr(n), value=published[n])
        + "".join(f", {tr(way)} {values[n]:.3g}" for way, values in computed.items())
        + "."
        for n in names
    ]
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


def _joules(value: float) -> str:
    scale, prefix = _prefix(value)
    return f"{value / scale:.3g} {prefix}J"


def _share(part: float) -> str:
    return "< 1 %" if 0 < part < 0.005 else f"{100 * part:.0f} %"


def _prefix(value: float) -> tuple[float, str]:
    return next(((scale, prefix) for scale, prefix in _STEPS if abs(value) >= scale), _STEPS[-1])
