"""Pictures of memory cells: how far off they are written, how a bundle of them drifts, how pulses move them, and how a fit lies on its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.chips.devices import Device, Fit
from workbench.errors import DescriptionError
from workbench.figures.layers import COLOURS, Axis, Dash, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.units import readable
from workbench.words import tr

__all__ = ["drift", "fit", "programming", "pulses"]

_MICRO = 1e-6
_DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")
_MOST_LINES = 60


@picture
def programming(*devices: Device, time: float = 0.0) -> Sketch:
    """How far off a cell ends up, over the conductance it was meant to have; dotted ends say where nothing was measured any more.

    `time` since programming, s, where the device says what relaxation adds; 0: at its reference time.
    """
    if not devices:
        raise DescriptionError(tr("The picture needs at least one device."))
    layers: list[Layer] = []
    said: list[str] = []
    for k, device in enumerate(devices):
        low, high = device.conductances[0], min(device.conductances[1], 2 * device.g_max)
        g = np.linspace(low, high, 201)
        sd = device.spread_sd(g, time)
        inside = (g >= device.g_min) & (g <= device.g_max)
        layers.append(
            Lines(x=g / _MICRO, y=np.where(inside, sd, np.nan) / _MICRO, label=device.name, colour=colour(k), width=2.0)
        )
        layers.append(Lines(x=g / _MICRO, y=sd / _MICRO, colour=colour(k), dash="dotted", width=1.0))
        if len(devices) == 1:
            layers += [
                Level(value=end / _MICRO, along="x", label=tr("end of what was measured") if last else "")
                for last, end in enumerate(device.conductances)
                if end <= high
            ]
        middle = (device.g_min + device.g_max) / 2
        most = int(np.argmax(np.where(inside, sd, -1.0)))
        said.append(
            tr(
                "{name}: {middle:.2g} µS in the middle of the window of {low:g} … {high:g} µS, at most {most:.2g} µS, at {at:.3g} µS.",
                name=device.name,
                middle=float(device.spread_sd(middle, time)) / _MICRO,
                low=device.g_min / _MICRO,
                high=device.g_max / _MICRO,
                most=float(sd[most]) / _MICRO,
                at=float(g[most]) / _MICRO,
            )
        )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("conductance meant"), unit="µS"),
        y=Axis(label=tr("standard deviation"), unit="µS", limits=(0.0, _above(layers))),
        height=1.1,
    )
    return Sketch(
        panels=(panel,),
        title=tr("How well a cell is written"),
        alt=" ".join(said),
        source=_sources(devices, ("programming", "relaxation")),
    )


@picture
def drift(times: ArrayLike, bundles: Mapping[str, ArrayLike], *, title: str = "", source: str = "") -> Sketch:
    """Conductances of some cells over the time since they were written, one line a cell, one colour a bundle, both axes logarithmic.

    `times` in s, rising; each bundle (times, cells) in S. Of a large bundle the first cells are drawn, and the median of all.
    """
    t = np.asarray(times, dtype=float)
    layers: list[Layer] = []
    said: list[str] = []
    for k, (name, held) in enumerate(bundles.items()):
        g = np.asarray(held, dtype=float)
        if g.ndim != 2 or g.shape[0] != t.size or g.shape[1] == 0:
            raise DescriptionError(
                tr(
                    "The bundle '{name}' has shape {shape}; it needs {times} times and at least one cell.",
                    name=name,
                    shape=g.shape,
                    times=t.size,
                )
            )
        shown = np.where(g > 0, g, np.nan)[:, :_MOST_LINES]  # no conductance has no place on a logarithmic axis
        # One line with breaks draws as fast as one cell.
        layers.append(
            Lines(
                x=np.tile(np.append(t, np.nan), shown.shape[1]),
                y=np.vstack([shown, np.full((1, shown.shape[1]), np.nan)]).T.ravel() / _MICRO,
                colour=colour(k),
                width=0.6,
            )
        )
        middle = np.median(g, axis=1)
        layers.append(Lines(x=t, y=middle / _MICRO, label=tr(name), colour=colour(k), width=2.4))
        said.append(
            tr(
                "{name}: the median of {cells} cells goes from {first:.3g} to {last:.3g} µS; at the end they spread by {spread:.2g} µS.",
                name=tr(name),
                cells=g.shape[1],
                first=float(middle[0]) / _MICRO,
                last=float(middle[-1]) / _MICRO,
                spread=float(np.std(g[-1])) / _MICRO,
            )
        )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("time since programming"), unit="s", log=True),
        y=Axis(label=tr("conductance"), unit="µS", log=True),
        height=1.3,
    )
    return Sketch(
        panels=(panel,),
        title=tr(title) if title else tr("Cells drift"),
        alt=" ".join(said),
        source=tr(source) if source else "",
    )


@picture
def pulses(
    device: Device, *, count: int = 50, measured: Mapping[str, ArrayLike] | None = None, bands: bool = True
) -> Sketch:
    """The conductance of a mean cell under `count` pulses up, then as many down; with `bands`, what a pulse varies by from one to the next.

    `measured` holds single cells' conductances by name, 2·count + 1 values each, S.
    """
    n = np.arange(count + 1)
    up = device.potentiate(np.full(n.shape, device.g_min), n)
    down = device.depress(np.full(n.shape, float(up[-1])), n)
    g = np.concatenate([up, down[1:]])
    at = np.arange(g.size)
    layers: list[Layer] = [Lines(x=at, y=g / _MICRO, label=tr("mean cell"), colour=colour(0), width=2.2)]
    if bands and device.pulses.cycle > 0:
        off = np.sqrt(_variance(device, up, down))
        for sign, label in ((1, tr("± one standard deviation")), (-1, "")):
            layers.append(
                Lines(
                    x=at,
                    y=np.clip(g + sign * off, device.g_min, device.g_max) / _MICRO,
                    label=label,
                    colour=colour(0),
                    dash="dotted",
                    width=1.0,
                )
            )
    for k, (name, held) in enumerate((measured or {}).items()):
        values = np.asarray(held, dtype=float)
        if values.shape != g.shape:
            raise DescriptionError(
                tr("'{name}' has shape {shape}; its axes need {needed}.", name=name, shape=values.shape, needed=g.shape)
            )
        layers.append(Points(x=at, y=values / _MICRO, label=tr(name), colour=colour(k + 1), size=2.5))
    layers.append(Level(value=float(count), along="x", label=tr("from here down")))
    alt = tr(
        "{count} pulses up take a mean cell from {low:.3g} to {top:.3g} µS, as many down to {end:.3g} µS; the first step up is {first:.2g} µS, the first down {second:.2g} µS.",
        count=count,
        low=float(g[0]) / _MICRO,
        top=float(g[count]) / _MICRO,
        end=float(g[-1]) / _MICRO,
        first=float(g[1] - g[0]) / _MICRO,
        second=float(g[count] - g[count + 1]) / _MICRO,
    )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("pulse")),
        y=Axis(label=tr("conductance"), unit="µS"),
        height=1.1,
    )
    return Sketch(
        panels=(panel,),
        title=tr("Pulses up and down: {name}", name=device.name),
        alt=alt,
        source=_sources((device,), ("pulses",)),
    )


@picture
def fit(made: Fit) -> Sketch:
    """What was measured, the curve fitted to it, and below what is left between them."""
    axes: dict[str, tuple[Axis, Axis, float, float]] = {
        "programming": (
            Axis(label=tr("conductance meant"), unit="µS"),
            Axis(label=tr("standard deviation"), unit="µS"),
            _MICRO,
            _MICRO,
        ),
        "drift": (
            Axis(label=tr("time since programming"), unit="s", log=True),
            Axis(label=tr("conductance"), unit="µS", log=True),
            1.0,
            _MICRO,
        ),
        "pulses": (Axis(label=tr("pulse")), Axis(label=tr("conductance"), unit="µS"), 1.0, _MICRO),
    }
    x, y, x_scale, y_scale = axes[made.kind]
    upper: list[Layer] = []
    lower: list[Layer] = []
    worst = 0.0
    for k, series in enumerate(made.series):
        upper.append(Points(x=series.x / x_scale, y=series.y / y_scale, colour=colour(k), size=3.5, marker="ring"))
        upper.append(
            Lines(
                x=series.x / x_scale,
                y=series.fitted / y_scale,
                label=series.label if len(made.series) <= 8 else "",
                colour=colour(k),
                dash=_DASHES[k % 3] if len(made.series) <= 8 else "solid",
            )
        )
        lower.append(Points(x=series.x / x_scale, y=(series.y - series.fitted) / y_scale, colour=colour(k), size=3.0))
        worst = max(worst, float(np.max(np.abs(series.y - series.fitted))))
    lower.append(Level(value=0.0, colour=COLOURS["grey"]))
    r2 = f"{made.r2:.4f}" if np.isfinite(made.r2) else "–"
    device = made.device
    alt = tr(
        "{points} points on {curves} curves; R² = {r2}, the farthest point is {worst} off. Valid from {low} to {high}.",
        points=sum(s.x.size for s in made.series),
        curves=len(made.series),
        r2=r2,
        worst=readable(worst, "µS"),
        low=readable(device.conductances[0], "µS"),
        high=readable(device.conductances[1], "µS"),
    )
    return Sketch(
        panels=(
            Panel(layers=tuple(upper), x=x, y=y, height=1.2),
            Panel(layers=tuple(lower), x=x, y=Axis(label=tr("measured − fitted"), unit="µS"), height=0.6),
        ),
        title=tr("{name}: fit of its {kind}, R² = {r2}", name=device.name, kind=tr(made.kind), r2=r2),
        alt=f"{alt} {_result(made)}",
        source=_sources((device,), ("drift_mean" if made.kind == "drift" else made.kind,)),
    )


def _variance(device: Device, up: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of the conductance along the mean trajectory, to first order: each pulse adds its own and shrinks what was there."""
    variance = [0.0]
    for track, move, rising in ((up, device.potentiate, True), (down, device.depress, False)):
        at = track[:-1]
        step = 1e-6 * device.window
        low, high = np.maximum(at - step, device.g_min), np.minimum(at + step, device.g_max)
        shrinks = (move(high) - move(low)) / (high - low)
        for k, own in enumerate(device.pulse_sd(at, up=rising) ** 2):
            variance.append(float(shrinks[k] ** 2 * variance[-1] + own))
    return np.array(variance)


def _result(made: Fit) -> str:
    """What came out of the fit, in a sentence."""
    device = made.device
    if made.kind == "pulses":
        p = device.pulses
        return tr(
            "Steps up {up:.3g} of the window with shape {up_shape:.3g}, down {down:.3g} with shape {down_shape:.3g}.",
            up=p.up,
            up_shape=p.up_shape,
            down=p.down,
            down_shape=p.down_shape,
        )
    middle = (device.g_min + device.g_max) / 2
    if made.kind == "drift":
        mean, sd = device.drift_exponent(middle)
        return tr(
            "In the middle of the window the drift exponent is {mean:.3g} ± {sd:.2g}.", mean=float(mean), sd=float(sd)
        )
    return tr(
        "In the middle of the window the standard deviation is {sd}.",
        sd=readable(float(device.programming_sd(middle)), "µS"),
    )


def _sources(devices: Sequence[Device], fields: Sequence[str]) -> str:
    """The citations of what is drawn, each once."""
    cited = {
        f"{device.name}: {device.citations[field]}": None
        for device in devices
        for field in fields
        if field in device.citations
    }
    return "; ".join(cited)


def _above(layers: Sequence[Any]) -> float:
    """A little above the highest line; 1 where every line is 0."""
    most = max((float(np.nanmax(layer.y)) for layer in layers if isinstance(layer, Lines)), default=0.0)
    return 1.08 * most if most > 0 else 1.0
