"""Pictures of heat and current: a wafer seen from above, the vessels that serve it, and where a temperature runs away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.figures.layers import COLOURS, Axis, Image, Layer, Lines, Panel, Points, Sketch
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["plate", "vessels"]

Array = NDArray[np.float64]

_CLASSES = 6  # line widths: thinner differences cannot be seen


@picture
def plate(
    values: Array, *, size: tuple[float, float], label: str, unit: str, title: str = "", source: str = ""
) -> Sketch:
    """A wafer seen from above: `values` (rows × columns, in `unit`; NaN where there is no wafer) over `size` (height, width in m)."""
    high, wide = (1e3 * v for v in size)
    rows, columns = values.shape
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return Sketch(
        panels=(
            Panel(
                layers=(Image(values=values, x_range=(0.0, wide), y_range=(0.0, high), label=tr(label), unit=unit),),
                x=Axis(label=tr("along the coolant"), unit="mm"),
                y=Axis(label=tr("across the coolant"), unit="mm"),
                height=1.3,
            ),
        ),
        title=tr(title or label),
        alt=tr(
            "{what} from {low:.4g} to {high:.4g} {unit}, highest {x:.0f} mm along and {y:.0f} mm across the coolant.",
            what=tr(label),
            low=float(np.nanmin(values)),
            high=float(np.nanmax(values)),
            unit=unit,
            x=(column + 0.5) / columns * wide,
            y=(row + 0.5) / rows * high,
        ),
        source=tr(source) if source else "",
    )


@picture
def vessels(
    ends: Array, radii: Array, leaves: NDArray[np.int64], *, veins: Array | None = None, source: str = ""
) -> Sketch:
    """A tree of vessels over its plate: `ends` (x0, y0, x1, y1 of each, m), drawn as wide as their `radii` (m) ask.

    `veins` are the radii of the same vessels on their way back, drawn a little beside them.
    """
    mm = 1e3 * ends
    layers = _drawn(mm, radii, "orange", radii.max())
    if veins is not None:
        beside = 0.012 * float(np.ptp(mm))
        layers = _drawn(mm + beside, veins, "blue", radii.max()) + layers
    layers.append(Points(x=mm[leaves, 2], y=mm[leaves, 3], colour=COLOURS["black"], size=3.0))
    said = dict(leaves=len(leaves), widest=1e3 * float(radii.max()), finest=1e3 * float(radii.min()))
    alt = (
        tr(
            "{vessels} vessels bring coolant to {leaves} places; the widest has a radius of {widest:.3g} mm, the finest of {finest:.3g} mm.",
            vessels=len(radii),
            **said,
        )
        if veins is None
        else tr(
            "{vessels} arteries bring coolant to {leaves} places, as many veins take it back; the widest artery has a radius of {widest:.3g} mm, the finest of {finest:.3g} mm.",
            vessels=len(radii),
            **said,
        )
    )
    return Sketch(
        panels=(
            Panel(
                layers=tuple(layers),
                x=Axis(label=tr("width"), unit="mm"),
                y=Axis(label=tr("height"), unit="mm"),
                height=1.3,
            ),
        ),
        title=tr("Vessels after Murray"),
        alt=alt,
        source=tr(source) if source else "",
    )


def _drawn(mm: Array, radii: Array, colour: str, widest: float) -> list[Layer]:
    """Vessels from x0, y0 to x1, y1 as lines in classes of width."""
    bins = np.minimum((radii / widest * _CLASSES).astype(int), _CLASSES - 1)
    layers: list[Layer] = []
    for k in np.unique(bins):
        chosen = mm[bins == k]
        gap = np.full(len(chosen), np.nan)
        layers.append(
            Lines(
                x=np.stack([chosen[:, 0], chosen[:, 2], gap], axis=1).reshape(-1),
                y=np.stack([chosen[:, 1], chosen[:, 3], gap], axis=1).reshape(-1),
                colour=COLOURS[colour],
                width=1.0 + 1.4 * float(k),
            )
        )
    return layers
