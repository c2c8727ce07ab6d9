"""A picture of numbers against a number: theory as lines, what was measured as rings; and of numbers over two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from workbench.errors import DescriptionError
from workbench.figures.layers import Axis, Dash, Image, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["curves", "field"]

Line = tuple[ArrayLike, ArrayLike]
_DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@picture
def curves(
    lines: Mapping[str, Line],
    *,
    x: str,
    y: str,
    x_unit: str = "",
    y_unit: str = "",
    points: Mapping[str, Line] | None = None,
    levels: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    title: str = "",
    alt: str = "",
    source: str = "",
    log_x: bool = False,
    log_y: bool = False,
) -> Sketch:
    """Curves by name, with measured points of the same names in the same colours.

    Parameters
    ----------
    lines, points
        (x values, y values) by English name, in the units of the axes. A name in both is one colour and one legend entry.
    levels, marks
        Values of y, and of x, at which a named dashed line goes across.
    title, x, y, alt, source
        English; they pass through words.tr.
    """
    names: list[str] = [*lines, *(name for name in points or {} if name not in lines)]
    layers: list[Layer] = []
    said: list[str] = []
    for k, name in enumerate(names):
        if name in lines:
            at, values = (np.asarray(v, dtype=float) for v in lines[name])
            layers.append(Lines(x=at, y=values, label=tr(name), colour=colour(k), dash=_DASHES[k % 3]))
            said.append(_ends(name, at, values, x, x_unit, y_unit))
        if points and name in points:
            at, values = (np.asarray(v, dtype=float) for v in points[name])
            layers.append(
                Points(
                    x=at, y=values, label="" if name in lines else tr(name), colour=colour(k), size=4.5, marker="ring"
                )
            )
            if name not in lines:
                said.append(_ends(name, at, values, x, x_unit, y_unit))
    layers += [Level(value=value, label=tr(name)) for name, value in (levels or {}).items()]
    layers += [Level(value=value, along="x", label=tr(name)) for name, value in (marks or {}).items()]
    axes = Axis(label=tr(x), unit=x_unit, log=log_x), Axis(label=tr(y), unit=y_unit, log=log_y)
    panel = Panel(layers=tuple(layers), x=axes[0], y=axes[1], height=1.25)
    return Sketch(
        panels=(panel,), title=tr(title), alt=tr(alt) if alt else " ".join(said), source=tr(source) if source else ""
    )


@picture
def field(
    values: ArrayLike,
    *,
    x: str,
    y: str,
    x_values: Sequence[float],
    y_values: Sequence[float],
    label: str,
    unit: str = "",
    x_unit: str = "",
    y_unit: str = "",
    title: str = "",
    source: str = "",
) -> Sketch:
    """A number over two knobs: `values[row, column]` at y_values[row], x_values[column], which must be evenly spaced."""
    table = np.asarray(values, dtype=float)
    if table.shape != (len(y_values), len(x_values)):
        raise DescriptionError(
            tr(
                "The field has shape {shape}; its axes need {needed}.",
                shape=table.shape,
                needed=(len(y_values), len(x_values)),
            )
        )
    image = Image(values=table, x_range=_edges(x_values), y_range=_edges(y_values), label=tr(label), unit=unit)
    row, column = np.unravel_index(np.nanargmax(table), table.shape)
    alt = tr(
        "{what} from {low:.3g} to {high:.3g} {unit}, highest at {x} = {at_x:.3g} and {y} = {at_y:.3g}.",
        what=tr(label),
        low=float(np.nanmin(table)),
        high=float(np.nanmax(table)),
        unit=unit,
        x=tr(x),
        y=tr(y),
        at_x=x_values[int(column)],
        at_y=y_values[int(row)],
    )
    panel = Panel(layers=(image,), x=Axis(label=tr(x), unit=x_unit), y=Axis(label=tr(y), unit=y_unit), height=1.3)
    return Sketch(panels=(panel,), title=tr(title or label), alt=alt, source=tr(source) if source else "")


def _ends(name: str, at: np.ndarray, values: np.ndarray, x: str, x_unit: str, y_unit: str) -> str:
    """One sentence on a curve: where it starts and where it ends."""
    good = np.flatnonzero(np.isfinite(values))
    if not good.size:
        return tr("{name}: no values.", name=tr(name))
    a, b = good[0], good[-1]
    if a == b:
        return (
            tr(
                "{name}: {first:.3g} {y_unit} at {x} {start:.3g} {x_unit}.",
                name=tr(name),
                x=tr(x),
                first=values[a],
                start=at[a],
                x_unit=x_unit,
                y_unit=y_unit,
            )
            .replace(" .", ".")
            .replace("  ", " ")
        )
    return (
        tr(
            "{name}: {first:.3g} {y_unit} at {x} {start:.3g} {x_unit}, {last:.3g} {y_unit} at {stop:.3g} {x_unit}.",
            name=tr(name),
            x=tr(x),
            first=values[a],
            start=at[a],
            last=values[b],
            stop=at[b],
            x_unit=x_unit,
            y_unit=y_unit,
        )
        .replace(" .", ".")
        .replace(" ,", ",")
    )


def _edges(values: Sequence[float]) -> tuple[float, float]:
    half = (values[-1] - values[0]) / (2 * max(1, len(values) - 1)) or 0.5
    return values[0] - half, values[-1] + half
