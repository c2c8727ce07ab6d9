"""From a sketch to HoloViews elements, and from these through matplotlib to a file. The only door to HoloViews here."""

from __future__ import annotations

import logging
import textwrap
from typing import IO, Any

import numpy as np

from workbench.figures import fonts
from workbench.figures.layers import Axis, Bars, Image, Layer, Level, Lines, Panel, Points, Sketch

__all__ = ["element", "file"]

WIDTH = 6.4  # inches
HEIGHT = 2.5  # inches, of a panel of height 1
_MARKERS: dict[str, Any] = {"dot": "o", "ring": "o", "square": "s", "tick": (2, 0, 0)}  # two corners: a line
_DASHES: dict[str, Any] = {"solid": "-", "dashed": "--", "dotted": ":"}
_LOOK = {
    "svg.hashsalt": "workbench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": "#222222",
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.grid": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.unicode_minus": True,
}


def element(sketch: Sketch) -> Any:
    """The HoloViews element of a sketch: an Overlay for one panel, a Layout of one column for several."""
    import holoviews as hv  # noqa: PLC0415

    hv.renderer("matplotlib")  # makes the options below known; unlike hv.extension it prints and injects nothing
    drawn = [_panel(hv, panel) for panel in sketch.panels]
    if len(drawn) == 1:
        return drawn[0].opts(title=sketch.title, backend="matplotlib")
    return hv.Layout(drawn).cols(1).opts(title=sketch.title, shared_axes=False, backend="matplotlib")


def file(sketch: Sketch, out: IO[bytes], *, kind: str, dpi: float, language: str = "en") -> None:
    """Write a sketch as "png", "svg" or "pdf" into `out`: the same sketch gives the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415
    import matplotlib.pyplot as plt  # noqa: PLC0415

    look: dict[Any, Any] = {**_LOOK, "font.family": fonts.families(language)}
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    fonts_log = logging.getLogger("matplotlib.font_manager")
    level = fonts_log.level
    fonts_log.setLevel(
        logging.ERROR
    )  # a Chinese font without a bold cut is drawn in its plain one; no need to say so in a lesson
    with mpl.rc_context(look):
        figure = _figure(sketch)
        try:
            figure.savefig(out, format=kind, dpi=dpi, metadata=undated, facecolor="white")
        finally:
            plt.close(figure)
            fonts_log.setLevel(level)


def _figure(sketch: Sketch) -> Any:
    """One matplotlib figure: HoloViews draws each panel on axes of ours, so that sizes and margins are ours."""
    import holoviews as hv  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    hv.renderer("matplotlib")
    heights = [panel.height for panel in sketch.panels]
    figure = Figure(
        figsize=(WIDTH, HEIGHT * sum(heights) + 0.45 + 0.13 * (1 + len(sketch.source) // 118) * bool(sketch.source)),
        layout="constrained",
    )
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    for row, panel in enumerate(sketch.panels):
        axes = figure.add_subplot(grid[row])
        drawn = _panel(hv, panel)
        plot = hv.Store.registry["matplotlib"][type(drawn)](drawn, axis=axes, fig=figure, show_legend=False)
        plot.initialize_plot()
        _finish(figure, axes, panel)
    title = figure.suptitle(sketch.title, x=0.012, ha="left", fontsize=10.5, fontweight="bold", color="#222222")
    title.set_in_layout(True)
    if sketch.source:
        figure.supxlabel(textwrap.fill(sketch.source, 118), x=0.012, ha="left", fontsize=6.5, color="#777777")
    return figure


def _panel(hv: Any, panel: Panel) -> Any:
    """One panel as an Overlay of HoloViews elements."""
    x, y = _dimension(hv, "x", panel.x), _dimension(hv, "y", panel.y)
    filled = [layer for layer in panel.layers if not (isinstance(layer, (Points, Lines)) and layer.x.size == 0)]
    drawn = hv.Overlay([_layer(hv, layer, x, y) for layer in filled] or [hv.Scatter(([np.nan], [np.nan]), x, y)])
    limits = {f"{name}lim": axis.limits for name, axis in (("x", panel.x), ("y", panel.y)) if axis.limits}
    logs = {f"log{name}": True for name, axis in (("x", panel.x), ("y", panel.y)) if axis.log}
    return drawn.opts(
        xlabel=panel.x.text,
        ylabel=panel.y.text,
        title=panel.title,
        show_legend=True,
        aspect=WIDTH / (HEIGHT * panel.height),
        **limits,
        **logs,
        backend="matplotlib",
    )


def _dimension(hv: Any, name: str, axis: Axis) -> Any:
    return hv.Dimension(name, label=axis.label or name, unit=axis.unit or None)


def _layer(hv: Any, layer: Layer, x: Any, y: Any) -> Any:
    """The HoloViews element of one layer, with its looks for matplotlib."""
    if isinstance(layer, Points):
        ring = layer.marker == "ring"
        return hv.Scatter((layer.x, layer.y), x, y, label=layer.label).opts(
            s=layer.size**2,
            marker=_MARKERS[layer.marker],
            facecolors="none" if ring else layer.colour,
            edgecolors=layer.colour if ring or layer.marker == "tick" else "none",
            linewidth=0.8 if layer.marker == "tick" else 1.2,
            backend="matplotlib",
        )
    if isinstance(layer, Lines):
        return hv.Curve((layer.x, layer.y), x, y, label=layer.label).opts(
            color=layer.colour, linewidth=layer.width, linestyle=_DASHES[layer.dash], backend="matplotlib"
        )
    if isinstance(layer, Bars):
        return hv.Bars((list(layer.names), layer.values), x, y, label=layer.label).opts(
            color=layer.colour, invert_axes=True, edgecolor="none", bar_padding=0.35, backend="matplotlib"
        )
    if isinstance(layer, Image):
        (left, right), (bottom, top) = layer.x_range, layer.y_range
        z = hv.Dimension("z", label=layer.label or "z", unit=layer.unit or None, range=layer.limits or (None, None))
        return hv.Image(layer.values[::-1], bounds=(left, bottom, right, top), kdims=[x, y], vdims=[z], rtol=1e-3).opts(
            cmap="viridis", backend="matplotlib"
        )
    line = hv.HLine if layer.along == "y" else hv.VLine
    return line(layer.value, label=layer.label).opts(
        color=layer.colour, linestyle=_DASHES[layer.dash], linewidth=1.0, backend="matplotlib"
    )


def _finish(figure: Any, axes: Any, panel: Panel) -> None:
    """What HoloViews leaves to the figure: margins, ticks with names, legend, numbers on bars, the colour bar."""
    axes.set_aspect("auto")
    axes.set_box_aspect(None)
    axes.set_title("")
    if (legend := axes.get_legend()) is not None:
        legend.remove()  # HoloViews puts one on top of the data; ours goes above it
    axes.set_title(panel.title, loc="left", fontsize=9, color="#222222")
    bars = [layer for layer in panel.layers if isinstance(layer, Bars)]
    if bars:
        axes.set_xlabel(panel.y.text)
        axes.set_ylabel("")
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", rotation=0)
        axes.invert_yaxis()
        axes.margins(x=0.14)
        if axes.containers and bars[0].texts:
            axes.bar_label(axes.containers[0], labels=bars[0].texts, padding=3, fontsize=7.5, color="#444444")
    else:
        axes.set_xlabel(panel.x.text)
        axes.set_ylabel(panel.y.text)
        for axis, which in ((panel.x, axes.xaxis), (panel.y, axes.yaxis)):
            if axis.ticks:
                which.set_ticks([v for v, _ in axis.ticks], [name for _, name in axis.ticks])
        if not panel.x.label:
            axes.tick_params(labelbottom=False)
        if not any(isinstance(layer, Image) for layer in panel.layers):
            _make_room(axes, panel)
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
    for layer in panel.layers:
        if isinstance(layer, Level) and layer.label:
            _name_level(axes, layer)
        if isinstance(layer, Image):
            shown = [*axes.images, *axes.collections][0]
            figure.colorbar(
                shown,
                ax=axes,
                label=f"{layer.label} ({layer.unit})" if layer.unit else layer.label,
                shrink=0.9,
                pad=0.015,
            )


def _make_room(axes: Any, panel: Panel) -> None:
    """A little air around the data where the panel does not say how far its axes reach."""
    if panel.x.limits is None and not panel.x.log:
        low, high = axes.get_xlim()
        axes.set_xlim(low - 0.015 * (high - low), high + 0.015 * (high - low))


def _sample(layer: Points | Lines) -> Any:
    """The small sample of a layer in the legend."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    if isinstance(layer, Lines):
        return Line2D(
            [], [], color=layer.colour, linestyle=_DASHES[layer.dash], linewidth=layer.width, label=layer.label
        )
    inside = "none" if layer.marker == "ring" else layer.colour
    return Line2D(
        [],
        [],
        color=layer.colour,
        markerfacecolor=inside,
        marker=_MARKERS[layer.marker],
        linestyle="none",
        markersize=5,
        label=layer.label,
    )


def _name_level(axes: Any, layer: Level) -> None:
    """The name of a level at its right or upper end, on a white ground so that lines below do not cut it."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    place = (1.0, layer.value) if layer.along == "y" else (layer.value, 1.0)
    across = axes.get_yaxis_transform() if layer.along == "y" else axes.get_xaxis_transform()
    offset = (-2, 2) if layer.along == "y" else (3, -8)
    axes.annotate(
        layer.label,
        place,
        xycoords=across,
        xytext=offset,
        textcoords="offset points",
        ha="right" if layer.along == "y" else "left",
        fontsize=7.5,
        color="#333333",
        zorder=20,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )
