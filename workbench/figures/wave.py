"""Pictures of a wave through named populations: who comes first, and how many are reached over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.figures.layers import COLOURS, Axis, Dash, Image, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.recordings.recording import Recording
from workbench.units import ms
from workbench.words import tr

__all__ = ["first_cells", "latency_raster", "wave", "wiring"]

_DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@picture
def latency_raster(
    recording: Recording,
    first: Mapping[str, NDArray[np.float64]],
    *,
    since: float,
    until: float,
    source: str = "",
) -> Sketch:
    """Spikes of every cell that fires, populations stacked, in each the cell that fires first at the bottom.

    `first` holds, by population, the time of each cell's first spike after `since` (s, NaN where silent). Time counts
    from `since`; a line marks `until`, the end of the stimulus.
    """
    layers: list[Layer] = []
    ticks: list[tuple[float, str]] = []
    bottom = 0
    for number, (name, latency) in enumerate(first.items()):
        order = np.argsort(latency, kind="stable")[: np.count_nonzero(np.isfinite(latency))]
        if not order.size:
            continue
        row = np.full(latency.size, -1)
        row[order] = bottom + np.arange(order.size)
        found = recording.of(name).after(since)
        label = tr("{name}: {reached} of {size}", name=tr(name), reached=order.size, size=latency.size)
        layers.append(Points(x=(found.times - since) / ms, y=row[found.neurons], label=label, colour=colour(number)))
        ticks.append((bottom + (order.size - 1) / 2, tr(name)))
        bottom += order.size + 4
    layers.append(Level(value=(until - since) / ms, along="x", label=tr("touch ends")))
    shown = ", ".join(layer.label for layer in layers if isinstance(layer, Points))
    return Sketch(
        panels=(
            Panel(
                layers=tuple(layers),
                height=1.6,
                x=Axis(
                    label=tr("time since the touch began"), unit="ms", limits=(-1.0, (recording.duration - since) / ms)
                ),
                y=Axis(label="", ticks=tuple(ticks), limits=(-3.0, max(bottom, 1) + 1.0)),
            ),
        ),
        title=tr("A touch runs through the worm: spikes in the order of arrival"),
        alt=tr("One row a cell that fires, one dot a spike. Cells that fire: {shown}.", shown=shown or tr("none")),
        source=tr(source),
    )


@picture
def first_cells(
    names: Mapping[str, Sequence[str]], first: Mapping[str, NDArray[np.float64]], *, most: int = 30, source: str = ""
) -> Sketch:
    """The cells that fire first, by name, from the top down, with the time of their first spike."""
    found = [
        (time, number, name)
        for number, (role, times) in enumerate(first.items())
        for name, time in zip(names[role], times.tolist(), strict=True)
        if np.isfinite(time)
    ]
    found = sorted(found)[:most]
    rows = {name: len(found) - 1 - k for k, (_, _, name) in enumerate(found)}
    ticks = tuple((float(row), name) for name, row in rows.items())
    layers: list[Layer] = []
    for number, role in enumerate(first):
        mine = [(time / ms, rows[name]) for time, of, name in found if of == number]
        if mine:
            x, y = np.array(mine).T
            layers.append(Points(x=x, y=y, label=tr(role), colour=colour(number), size=5.0))
    return Sketch(
        panels=(
            Panel(
                layers=tuple(layers),
                height=max(0.8, 0.4 + len(found) / 18),
                x=Axis(label=tr("first spike after the touch began"), unit="ms"),
                y=Axis(ticks=ticks, limits=(-1.0, float(max(len(found), 1)))),
            ),
        ),
        title=tr("Who fires first"),
        alt=tr("In this order: {names}.", names=", ".join(rows) or tr("none")),
        source=tr(source),
    )


@picture
def wave(firsts: Mapping[str, Mapping[str, NDArray[np.float64]]], *, until: float, source: str = "") -> Sketch:
    """How many cells of each population have fired at least once, over time, from 0 to `until` (s).

    `firsts` holds, for each run by name, each population's first spikes (s, NaN where silent); one line style a run.
    """
    layers: list[Layer] = []
    told: list[str] = []
    for style, (word, populations) in enumerate(firsts.items()):
        dash = _DASHES[style % len(_DASHES)]
        if style:
            layers.append(
                Lines(x=np.zeros(1), y=np.full(1, np.nan), label=tr(word), colour=COLOURS["black"], dash=dash)
            )
        for number, (name, latency) in enumerate(populations.items()):
            first = np.sort(latency[np.isfinite(latency)]) / ms
            if not first.size:
                continue
            x, y = _stairs(first, until / ms)
            layers.append(Lines(x=x, y=y, label="" if style else tr(name), colour=colour(number), dash=dash))
            told.append(
                tr(
                    "{word}, {name}: {reached} cells, half of them within {half:.1f} ms",
                    word=tr(word),
                    name=tr(name),
                    reached=first.size,
                    half=float(np.median(first)),
                )
            )
    return Sketch(
        panels=(
            Panel(
                layers=tuple(layers),
                height=1.2,
                x=Axis(label=tr("time since the touch began"), unit="ms"),
                y=Axis(label=tr("cells reached")),
            ),
        ),
        title=tr("Whom the wave has reached"),
        alt=tr("Cells that have fired at least once, by time. {told}.", told="; ".join(told) or tr("none")),
        source=tr(source),
    )


@picture
def wiring(table: tuple[Mapping[str, int], NDArray[np.float64]], *, source: str = "") -> Sketch:
    """Who contacts whom: log10 of the sections between each sender (row) and receiver (column), grouped by role."""
    sizes, sections = table
    edges = np.cumsum([0, *sizes.values()])
    senders = int(np.flatnonzero(sections.any(axis=1))[-1]) + 1 if sections.any() else len(sections)
    shown = np.log10(np.where(sections > 0, sections, np.nan))[:senders]
    ticks = tuple(((low + high) / 2, tr(name)) for name, low, high in zip(sizes, edges[:-1], edges[1:], strict=True))
    rows = tuple((place, name) for place, name in ticks if place < senders)
    borders = [Level(value=float(edge), along=along, dash="dotted") for edge in edges[1:-1] for along in ("x", "y")]
    return Sketch(
        panels=(
            Panel(
                layers=(
                    Image(
                        values=shown,
                        x_range=(0.0, float(edges[-1])),
                        y_range=(0.0, float(senders)),
                        label=tr("log10 of sections"),
                    ),
                    *borders,
                ),
                x=Axis(label=tr("to"), ticks=ticks),
                y=Axis(label=tr("from"), ticks=rows),
                height=1.9,
            ),
        ),
        title=tr("Who talks to whom"),
        alt=tr(
            "Chemical synapses join {entries} pairs of cells in {total} sections; the strongest pair has {most}.",
            entries=int((sections > 0).sum()),
            total=int(sections.sum()),
            most=int(sections.max()),
        ),
        source=tr(source),
    )


def _stairs(times: NDArray[np.float64], end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A staircase that climbs by one at each time and stays level until `end`."""
    x = np.concatenate([[0.0], np.repeat(times, 2), [end]])
    y = np.concatenate([[0.0], np.repeat(np.arange(times.size + 1.0), 2)[1:-1], [float(times.size)]])
    return x, y
