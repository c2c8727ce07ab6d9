"""From a sketch to HoloViews elements, for Panel, for linking and for who wants to go on from there; and back to a file.

The only door to HoloViews. It is opened by `Picture.element` and by a study that brings an element of its own.
"""

from __future__ import annotations

from typing import IO, Any

import numpy as np

from workbench.figures import draw
from workbench.figures.layers import Axis, Bars, Image, Layer, Lines, Panel, Points, Sketch

__all__ = ["element", "file"]


def element(sketch: Sketch) -> Any:
    """The HoloViews element of a sketch: an Overlay for one panel, a Layout of one column for several."""
    hv = _holoviews()
    drawn = [_panel(hv, panel) for panel in sketch.panels]
    if len(drawn) == 1:
        return drawn[0].opts(title=sketch.title, backend="matplotlib")
    return hv.Layout(drawn).cols(1).opts(title=sketch.title, shared_axes=False, backend="matplotlib")


def file(element: Any, out: IO[bytes], *, kind: str, dpi: float, language: str = "en") -> None:
    """Write any HoloViews element as "png", "svg" or "pdf" into `out`."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    hv = _holoviews()
    with draw.look(language):
        figure = hv.render(element, backend="matplotlib")
        try:
            draw.write(figure, out, kind=kind, dpi=dpi)
        finally:
            plt.close(figure)


def _holoviews() -> Any:
    import holoviews as hv  # noqa: PLC0415

    hv.renderer("matplotlib")  # makes the options below known; unlike hv.extension it prints and injects nothing
    return hv


def _panel(hv: Any, panel: Panel) -> Any:
    """One panel as an Overlay of HoloViews elements."""
    x, y = _dimension(hv, "x", panel.x), _dimension(hv, "y", panel.y)
    # HoloViews cannot draw a curve without points.
    filled = [layer for layer in panel.layers if not (isinstance(layer, (Points, Lines)) and layer.x.size == 0)]
    drawn = hv.Overlay([_layer(hv, layer, x, y) for layer in filled] or [hv.Scatter(([np.nan], [np.nan]), x, y)])
    limits = {f"{name}lim": axis.limits for name, axis in (("x", panel.x), ("y", panel.y)) if axis.limits}
    logs = {f"log{name}": True for name, axis in (("x", panel.x), ("y", panel.y)) if axis.log}
    return drawn.opts(
        xlabel=panel.x.text,
        ylabel=panel.y.text,
        title=panel.title,
        show_legend=True,
        aspect=draw.WIDTH / (draw.HEIGHT * panel.height),
        **limits,
        **logs,
        backend="matplotlib",
    )


def _dimension(hv: Any, name: str, axis: Axis) -> Any:
    return hv.Dimension(name, label=axis.label or name, unit=axis.unit or None)


def _layer(hv: Any, layer: Layer, x: Any, y: Any) -> Any:
    """The HoloViews element of one layer, with its looks for matplotlib."""
    if isinstance(layer, Points):
        ring, tick = layer.marker == "ring", layer.marker == "tick"
        return hv.Scatter((layer.x, layer.y), x, y, label=layer.label).opts(
            s=layer.size**2,
            marker=draw.MARKERS[layer.marker],
            facecolors="none" if ring else layer.colour,
            edgecolors=layer.colour if ring or tick else "none",
            linewidth=0.8 if tick else 1.2,
            backend="matplotlib",
        )
    if isinstance(layer, Lines):
        return hv.Curve((layer.x, layer.y), x, y, label=layer.label).opts(
            color=layer.colour, linewidth=layer.width, linestyle=draw.DASHES[layer.dash], backend="matplotlib"
        )
    if isinstance(layer, Bars):
        return hv.Bars((list(layer.names), layer.values), x, y, label=layer.label).opts(
            color=layer.colour, invert_axes=True, edgecolor="none", bar_padding=0.35, backend="matplotlib"
        )
    if isinstance(layer, Image):
        (left, right), (bottom, top) = layer.x_range, layer.y_range
        low, high, colours = draw.scale(layer)
        z = hv.Dimension("z", label=layer.label or "z", unit=layer.unit or None, range=(low, high))
        bounds = (left, bottom, right, top)
        return hv.Image(layer.values[::-1], bounds=bounds, kdims=[x, y], vdims=[z], rtol=1e-3).opts(
            cmap=colours, colorbar=True, backend="matplotlib"
        )
    line = hv.HLine if layer.along == "y" else hv.VLine
    return line(layer.value, label=layer.label).opts(
        color=layer.colour, linestyle=draw.DASHES[layer.dash], linewidth=1.0, backend="matplotlib"
    )
