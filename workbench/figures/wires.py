"""Pictures of a crossbar's wires: voltages that sag along rows, what cells lose, what columns give, and how far a row reaches."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.figures.layers import COLOURS, Axis, Image, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["columns", "losses", "reach", "voltages"]

Array = NDArray[np.float64]
_MILLI, _MICRO = 1e-3, 1e-6


@picture
def voltages(row_nodes: ArrayLike, drivers: ArrayLike, *, title: str = "", source: str = "") -> Sketch:
    """The voltage of each row's node at each cell (V), row 0 at the lower edge: drivers at the left, ground beyond the upper edge."""
    values, given = (np.asarray(v, float) / _MILLI for v in (row_nodes, drivers))
    alt = tr("Row voltages from {low:.3g} to {high:.3g} mV.", low=float(values.min()), high=float(values.max()))
    if given.any():
        share = np.abs(values) / np.where(given == 0, np.nan, np.abs(given))[:, None]
        i, j = (int(k) for k in np.unravel_index(int(np.nanargmin(share)), share.shape))
        alt += " " + tr(
            "Least is left at row {row}, column {column}: {share:.0f} % of its driver's {given:.3g} mV.",
            row=i,
            column=j,
            share=100 * float(share[i, j]),
            given=float(given[i]),
        )
    panel = _array(values, tr("voltage on the row"), "mV")
    return _sketch(panel, title or "Voltages sag along the rows", alt, source)


@picture
def losses(through: ArrayLike, conductances: ArrayLike, *, title: str = "", source: str = "") -> Sketch:
    """What wires take from each cell (%): 1 - T/G; below 0 where current of other cells finds a way to the column."""
    g, t = (np.asarray(v, float) for v in (conductances, through))
    lost = 100 * (1 - np.divide(t, g, out=np.full_like(g, np.nan), where=g > 0))
    known = lost[np.isfinite(lost)]
    if known.size:
        i, j = (int(k) for k in np.unravel_index(int(np.nanargmax(lost)), lost.shape))
        alt = tr(
            "Cells lose from {low:.3g} to {high:.3g} % of their current, most at row {row}, column {column}.",
            low=float(known.min()),
            high=float(known.max()),
            row=i,
            column=j,
        )
    else:
        alt = tr("No cell conducts.")
    panel = _array(lost, tr("lost in the wires"), "%")
    return _sketch(panel, title or "What the wires take from each cell", alt, source)


@picture
def columns(ideal: ArrayLike, real: ArrayLike, *, title: str = "", source: str = "") -> Sketch:
    """Currents of the columns (A): with perfect wires, and with these."""
    right, got = (np.asarray(v, float) / _MICRO for v in (ideal, real))
    at = np.arange(right.size)
    layers: tuple[Layer, ...] = (
        Lines(x=at, y=right, label=tr("perfect wires"), colour=COLOURS["black"], dash="dashed"),
        Points(x=at, y=got, label=tr("these wires"), colour=COLOURS["blue"], size=4.5),
    )
    worst = int(np.argmax(np.abs(got - right)))
    alt = tr(
        "{columns} columns; furthest off is column {worst}, with {got:.3g} µA in place of {right:.3g} µA.",
        columns=right.size,
        worst=worst,
        got=float(got[worst]),
        right=float(right[worst]),
    )
    panel = Panel(layers=layers, x=Axis(label=tr("column")), y=Axis(label=tr("current"), unit="µA"), height=1.1)
    return _sketch(panel, title or "What the columns give", alt, source)


@picture
def reach(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    solved: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    here: float,
    title: str = "",
    source: str = "",
) -> Sketch:
    """Voltage at the far end over the driver's, by the number of cells: closed forms as lines, solved arrays as rings, `here` marked."""
    layers: list[Layer] = []
    said: list[str] = []
    for k, (name, (x, y)) in enumerate(lines.items()):
        at, values = np.asarray(x, float), np.asarray(y, float)
        layers.append(Lines(x=at, y=values, label=tr(name), colour=colour(k), dash=("solid", "dashed")[k % 2]))
        said.append(
            tr(
                "{name}: {value:.4g} after {cells:.0f} cells.",
                name=tr(name),
                value=float(values[-1]),
                cells=float(at[-1]),
            )
        )
    for k, (name, (x, y)) in enumerate(solved.items()):
        at, values = np.asarray(x, float), np.asarray(y, float)
        layers.append(
            Points(x=at, y=values, label=tr(name), colour=colour(2 * k), size=5.0, marker=("ring", "square")[k % 2])
        )
        said.append(
            tr(
                "{name}: {value:.4g} after {cells:.0f} cells.",
                name=tr(name),
                value=float(values[-1]),
                cells=float(at[-1]),
            )
        )
    layers.append(Level(value=here, along="x", label=tr("this array")))
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("cells along the row"), log=True),
        y=Axis(label=tr("far end over driver"), limits=(0.0, 1.05)),
        height=1.2,
    )
    return _sketch(panel, title or "How far a row reaches", " ".join(said), source)


def _array(values: Array, label: str, unit: str) -> Panel:
    """Numbers of the cells as an image, row 0 at the lower edge."""
    rows, across = values.shape
    image = Image(values=values, x_range=(-0.5, across - 0.5), y_range=(-0.5, rows - 0.5), label=label, unit=unit)
    return Panel(layers=(image,), x=Axis(label=tr("column")), y=Axis(label=tr("row")), height=0.9 + min(rows, 64) / 80)


def _sketch(panel: Panel, title: str, alt: str, source: str) -> Sketch:
    return Sketch(panels=(panel,), title=tr(title), alt=alt, source=tr(source) if source else "")
