"""From one panel of a picture (plain arrays, before HoloViews) to the header a mark draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from widgets.marks import header
from workbench.errors import UnsupportedError
from workbench.figures.layers import Bars, Image, Level, Lines, Panel, Points
from workbench.words import tr

__all__ = ["of_panel"]

_SHAPES = {"dot": "circle", "ring": "ring", "square": "square", "tick": "tick"}
_DASHES = {"solid": [], "dashed": [7, 4], "dotted": [2, 3]}


def of_panel(panel: Panel, *, title: str = "", alt: str = "") -> tuple[str, dict[str, Any]]:
    """The mark that draws `panel` and its header; raises UnsupportedError for an empty panel."""
    layers = panel.layers
    title = panel.title or title
    image = next((layer for layer in layers if isinstance(layer, Image)), None)
    if image is not None:
        return "image", {**header.frame("image", title, alt, panel.height), **_image(panel, image)}
    groups = [layer for layer in layers if isinstance(layer, Bars)]
    if groups:
        return "bars", {**header.frame("bars", title, alt, panel.height), **_bars(panel, groups)}
    if not layers:
        raise UnsupportedError(tr("The figure is empty: there is nothing to draw."))
    dots = sum(len(layer.x) for layer in layers if isinstance(layer, Points))
    lines = any(isinstance(layer, Lines) for layer in layers)
    kind = "points" if dots and (dots > header.TRACE_LIMIT or not lines) else "lines"
    return kind, {**header.frame(kind, title, alt, panel.height), **_plane(panel, dots_only=not lines)}


def _plane(panel: Panel, *, dots_only: bool) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    alike = len({layer.marker for layer in panel.layers if isinstance(layer, Points)}) < 2
    for layer in panel.layers:
        if isinstance(layer, Level):
            style = "horizontal" if layer.along == "y" else "vertical"
            (ys if layer.along == "y" else xs).append(np.array([layer.value]))
            series.append(
                {
                    "label": layer.label,
                    "style": style,
                    "colour": layer.colour,
                    "at": layer.value,
                    "dash": _DASHES[layer.dash],
                }
            )
        elif isinstance(layer, Points):
            # Where the figure leaves all dots alike, the mark gives each series its own shape.
            shape = "" if alike and layer.marker == "dot" else _SHAPES[layer.marker]
            series.append(
                {
                    "label": layer.label,
                    "style": "dots",
                    "colour": layer.colour,
                    "shape": shape,
                    "size": layer.size,
                    "x": header.tight(layer.x),
                    "y": header.tight(layer.y),
                }
            )
            xs.append(np.asarray(layer.x))
            ys.append(np.asarray(layer.y))
        elif isinstance(layer, Lines):
            x, y = header.decimate(layer.x, layer.y)
            series.append(
                {
                    "label": layer.label,
                    "style": "line",
                    "colour": layer.colour,
                    "dash": _DASHES[layer.dash],
                    "width": layer.width,
                    "x": header.tight(x),
                    "y": header.tight(y),
                }
            )
            xs.append(x)
            ys.append(y)
    x, y = panel.x, panel.y
    return {
        "x": header.axis(
            x.text,
            xs,
            limits=x.limits,
            log=x.log,
            margin=0.01 if dots_only else 0.0,
            ticks=x.ticks,
            linked=header.clock(x.label, x.unit),
        ),
        "y": header.axis(y.text, ys, limits=y.limits, log=y.log, margin=0.03 if dots_only else 0.06, ticks=y.ticks),
        "series": series,
    }


def _image(panel: Panel, image: Image) -> dict[str, Any]:
    (left, right), (bottom, top) = image.x_range, image.y_range
    label = f"{image.label} ({image.unit})" if image.unit else image.label
    made = header.grid(image.values, (float(left), float(bottom), float(right), float(top)), label, image.limits)
    x, y = panel.x, panel.y
    return {
        **made,
        "x": header.axis(
            x.text, [], limits=x.limits or image.x_range, ticks=x.ticks, linked=header.clock(x.label, x.unit)
        ),
        "y": header.axis(y.text, [], limits=y.limits or image.y_range, ticks=y.ticks),
    }


def _bars(panel: Panel, groups: list[Bars]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for layer in groups for name in layer.names))
    rows: dict[str, np.ndarray] = {}
    for n, layer in enumerate(groups):
        values = np.full(len(names), np.nan)
        values[[names.index(name) for name in layer.names]] = np.asarray(layer.values, float)
        rows[layer.label or str(n + 1)] = values
    # Figures stand their bars upright: the value axis is theirs called y.
    value = header.axis(panel.y.text, list(rows.values()), limits=panel.y.limits, log=panel.y.log)
    made = header.bars(names, rows, value, stacked=False, colours=[layer.colour for layer in groups])
    if any(layer.texts for layer in groups) and not panel.y.log:
        made["x"]["hi"] *= 1.4  # such texts are longer than a number
    for series, layer in zip(made["series"], groups, strict=True):
        if layer.texts:
            at = dict(zip(layer.names, layer.texts, strict=True))
            series["texts"] = [at.get(name, "") for name in names]
    return made
