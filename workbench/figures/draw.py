"""From a sketch to a file, by matplotlib alone: a lesson's PNG needs no HoloViews.

HoloViews, which brings Panel, Bokeh and pandas, takes 85 MB and three seconds; a kernel on a small server has neither to spare.
Who wants the element asks for `Picture.element`.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from workbench.figures import fonts
from workbench.figures.layers import Bars, Image, Layer, Level, Lines, Panel, Points, Sketch

__all__ = ["DASHES", "HEIGHT", "MARKERS", "SIGNED", "WIDTH", "file", "look", "scale", "write"]

WIDTH = 6.4  # inches
HEIGHT = 2.5  # inches, of a panel of height 1
MARKERS: dict[str, Any] = {"dot": "o", "ring": "o", "square": "s", "tick": (2, 0, 0)}  # two corners: a line
DASHES: dict[str, Any] = {"solid": "-", "dashed": "--", "dotted": ":"}
SIGNED = ("#08457e", "#3b83bd", "#9cc7e3", "#f4f3ee", "#f3b57f", "#d9722e", "#8f3b06")  # as in the browser's image.js
INK, PALE = "#222222", "#777777"
_LOOK = {
    "svg.hashsalt": "workbench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.fontsize": 8,
    "legend.frameon": False,
}
_UNDATED: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def file(sketch: Sketch, out: IO[bytes], *, kind: str, dpi: float, language: str = "en") -> None:
    """Write a sketch as "png", "svg" or "pdf" into `out`: the same sketch gives the same bytes."""
    with look(language):
        write(_figure(sketch), out, kind=kind, dpi=dpi)


def write(figure: Any, out: IO[bytes], *, kind: str, dpi: float) -> None:
    """Write a matplotlib figure without the date of the day, so that the same figure gives the same bytes."""
    figure.savefig(out, format=kind, dpi=dpi, metadata=_UNDATED[kind], facecolor="white")


@contextmanager
def look(language: str) -> Iterator[None]:
    """How our pictures look in matplotlib, inside a `with` block only."""
    import matplotlib as mpl  # noqa: PLC0415

    fonts_log = logging.getLogger("matplotlib.font_manager")
    level = fonts_log.level
    # A Chinese font without a bold cut is drawn in its plain one; a lesson need not hear of it.
    fonts_log.setLevel(logging.ERROR)
    settings: dict[Any, Any] = {**_LOOK, "font.family": fonts.families(language)}
    try:
        with mpl.rc_context(settings):
            yield
    finally:
        fonts_log.setLevel(level)


def _figure(sketch: Sketch) -> Any:
    """The panels from top to bottom under one title, the source below in small print."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    heights = [panel.height for panel in sketch.panels]
    source = textwrap.fill(sketch.source, 118)
    below = 0.13 * (1 + source.count("\n")) if source else 0.0
    figure = Figure(figsize=(WIDTH, HEIGHT * sum(heights) + 0.45 + below), layout="constrained")
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    for row, panel in enumerate(sketch.panels):
        _draw(figure, figure.add_subplot(grid[row]), panel)
    figure.suptitle(sketch.title, x=0.012, ha="left", fontsize=10.5, fontweight="bold", color=INK)
    if source:
        figure.supxlabel(source, x=0.012, ha="left", fontsize=6.5, color=PALE)
    return figure


def _draw(figure: Any, axes: Any, panel: Panel) -> None:
    """One panel on its axes."""
    for layer in panel.layers:
        _layer(figure, axes, layer)
    axes.set_title(panel.title, loc="left", fontsize=9, color=INK)
    x, y = (panel.y, panel.x) if any(isinstance(layer, Bars) for layer in panel.layers) else (panel.x, panel.y)
    for axis, name in ((x, "x"), (y, "y")):
        if axis.log:
            axes.set(**{f"{name}scale": "log"})
        if axis.limits:
            axes.set(**{f"{name}lim": axis.limits})
        if axis.ticks:
            getattr(axes, f"{name}axis").set_ticks([at for at, _ in axis.ticks], [text for _, text in axis.ticks])
    if x is panel.x:
        axes.set(xlabel=x.text, ylabel=y.text)
        axes.tick_params(labelbottom=bool(x.label))
    else:
        axes.set(xlabel=x.text)  # bars are named one by one
    if x.limits is None and not x.log and x is panel.x:
        axes.margins(x=0.015)
    _legend(axes, panel)


def scale(image: Image) -> tuple[float, float, Any]:
    """The lowest and highest value of an image's colours, and the colours: signed around 0 where there is something on both sides."""
    finite = image.values[np.isfinite(image.values)]
    low, high = image.limits or ((float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0))
    if not low < 0 < high:
        return low, high, "viridis"
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    end = max(-low, high)
    return -end, end, LinearSegmentedColormap.from_list("signed", SIGNED)


def _layer(figure: Any, axes: Any, layer: Layer) -> None:
    if isinstance(layer, Points):
        ring, tick = layer.marker == "ring", layer.marker == "tick"
        axes.scatter(
            layer.x,
            layer.y,
            s=layer.size**2,
            marker=MARKERS[layer.marker],
            facecolors="none" if ring else layer.colour,
            edgecolors=layer.colour if ring or tick else "none",
            linewidths=0.8 if tick else 1.2,
            zorder=3,
        )
    elif isinstance(layer, Lines):
        axes.plot(layer.x, layer.y, color=layer.colour, linewidth=layer.width, linestyle=DASHES[layer.dash])
    elif isinstance(layer, Bars):
        drawn = axes.barh(list(layer.names), layer.values, height=0.65, color=layer.colour)
        axes.invert_yaxis()
        axes.margins(x=0.14)
        axes.tick_params(axis="y", length=0)
        if layer.texts:
            axes.bar_label(drawn, labels=layer.texts, padding=3, fontsize=7.5, color="#444444")
    elif isinstance(layer, Image):
        low, high, colours = scale(layer)
        field = axes.imshow(
            layer.values,
            origin="lower",
            extent=(*layer.x_range, *layer.y_range),
            aspect="auto",
            interpolation="nearest",
            cmap=colours,
            vmin=low,
            vmax=high,
        )
        label = f"{layer.label} ({layer.unit})" if layer.unit else layer.label
        figure.colorbar(field, ax=axes, label=label, shrink=0.9, pad=0.015)
    else:
        line = axes.axhline if layer.along == "y" else axes.axvline
        line(layer.value, color=layer.colour, linestyle=DASHES[layer.dash], linewidth=1.0)
        if layer.label:
            _name(axes, layer)


def _name(axes: Any, level: Level) -> None:
    """The name of a level at its right or upper end, on a white ground so that lines below do not cut it."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    flat = level.along == "y"
    axes.annotate(
        level.label,
        (1.0, level.value) if flat else (level.value, 1.0),
        xycoords=axes.get_yaxis_transform() if flat else axes.get_xaxis_transform(),
        xytext=(-2, 2) if flat else (3, -8),
        textcoords="offset points",
        ha="right" if flat else "left",
        fontsize=7.5,
        color="#333333",
        zorder=20,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


def _legend(axes: Any, panel: Panel) -> None:
    """Names of points and lines above the panel, out of the data's way; none for a single one."""
    named = [layer for layer in panel.layers if isinstance(layer, (Points, Lines)) and layer.label]
    if len(named) > 1:
        axes.legend(
            handles=[_sample(layer) for layer in named],
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=min(4, len(named)),
            borderaxespad=0.1,
            handlelength=1.6,
            columnspacing=1.2,
            handletextpad=0.5,
        )


def _sample(layer: Points | Lines) -> Any:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    if isinstance(layer, Lines):
        return Line2D(
            [], [], color=layer.colour, linestyle=DASHES[layer.dash], linewidth=layer.width, label=layer.label
        )
    return Line2D(
        [],
        [],
        color=layer.colour,
        markerfacecolor="none" if layer.marker == "ring" else layer.colour,
        marker=MARKERS[layer.marker],
        linestyle="none",
        markersize=5,
        label=layer.label,
    )
