"""Pictures of what probes wrote down: membrane potentials and other states over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.errors import unknown
from workbench.figures.layers import Axis, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.recordings.recording import Recording
from workbench.units import mV
from workbench.words import tr

__all__ = ["traces"]

MOST_POINTS = 2000  # of one line; a page is narrower than that

# How a unit in the recording is shown: (unit, factor).
_SHOWN = {"V": ("mV", 1 / mV), "A": ("nA", 1e9), "S": ("nS", 1e9), "Hz": ("Hz", 1.0), "": ("", 1.0)}


@picture
def traces(
    recording: Recording,
    name: str = "E.v",
    *,
    neurons: int | Sequence[int] = 3,
    names: Sequence[str] = (),
    start: float | None = None,
    stop: float | None = None,
    levels: Mapping[str, float] | None = None,
    title: str = "",
) -> Sketch:
    """The probed variable `name` ("E.v") of a few neurons over time, one panel a neuron, their spikes as ticks above.

    Parameters
    ----------
    neurons
        How many of the probed neurons are shown, the first ones, or which, by their place in the trace.
    names
        English names in place of the neurons' numbers.
    start, stop
        The stretch of model time (s).
    levels
        Values (SI) at which a named line goes across: the threshold.
    """
    if name not in recording.traces:
        raise unknown("trace", name, recording.traces)
    trace = recording.traces[name]
    begin = recording.begins if start is None else start
    end = recording.duration if stop is None else stop
    time = trace["time"].values
    inside = np.flatnonzero((time >= begin) & (time <= end))
    unit, scale = _SHOWN.get(str(trace.attrs.get("units", "")), (str(trace.attrs.get("units", "")), 1.0))
    places = list(range(min(neurons, trace.sizes["neuron"]))) if isinstance(neurons, int) else list(neurons)
    population, _, variable = name.partition(".")
    what = tr("potential") if unit == "mV" else variable
    lines = []
    for k, place in enumerate(places):
        at, values = thin(time[inside], trace.values[inside, place] * scale)
        label = tr(names[k]) if names else tr("neuron {number}", number=trace["neuron"].values[place])
        lines.append(Lines(x=at, y=values, label=label, colour=colour(k), width=0.9))
    across = tuple(
        Level(value=value * scale, label=f"{tr(text)} {value * scale:.3g} {unit}")
        for text, value in (levels or {}).items()
    )
    ends = [bound for line in lines if line.y.size for bound in (np.nanmin(line.y), np.nanmax(line.y))] + [
        level.value for level in across
    ]
    low, high = (float(min(ends)), float(max(ends))) if ends else (0.0, 1.0)
    room = 0.06 * (high - low or 1.0)
    panels = []
    for k, (place, line) in enumerate(zip(places, lines, strict=True)):
        fired = _fired(recording, population, trace["neuron"].values[place], begin, end)
        ticks = Points(x=fired, y=np.full(fired.size, high + 2 * room), colour=line.colour, marker="tick", size=6.0)
        panels.append(
            Panel(
                layers=(line, ticks, *(across if k == 0 else ())),
                title=line.label if len(lines) > 1 else "",
                height=1.0 if len(lines) == 1 else 0.55,
                x=Axis(
                    label=tr("time") if k == len(lines) - 1 else "",
                    unit="s" if k == len(lines) - 1 else "",
                    limits=(begin, end),
                ),
                y=Axis(label=what, unit=unit, limits=(low - room, high + 3 * room)),
            )
        )
    said = [
        tr(
            "{neuron}: between {low:.3g} and {high:.3g} {unit}.",
            neuron=line.label,
            low=float(np.nanmin(line.y)),
            high=float(np.nanmax(line.y)),
            unit=unit,
        )
        for line in lines
        if line.y.size
    ]
    said += [f"{level.label}." for level in across]
    shown = tr(title) if title else tr("Traces of {population}: {what}", what=what, population=population)
    return Sketch(panels=tuple(panels), title=shown, alt=" ".join(said))


def _fired(recording: Recording, population: str, neuron: object, begin: float, end: float) -> np.ndarray:
    """When one neuron fired, s; nothing for a trace whose neurons are not numbered."""
    if population not in recording.spikes or not isinstance(neuron, (int, np.integer)):
        return np.zeros(0)
    spikes = recording.spikes[population].between(begin, end)
    return spikes.times[spikes.neurons == neuron]


def thin(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """A line with at most `most` points that keeps the lowest and the highest of every stretch, so that no spike is lost."""
    if x.size <= most:
        return x, y
    width = -(-x.size // (most // 2))
    padded = np.concatenate([y, np.full(-y.size % width, y[-1])]).reshape(-1, width)
    first = width * np.arange(padded.shape[0])
    ends = np.sort([first + padded.argmin(axis=1), first + padded.argmax(axis=1)], axis=0)
    chosen = np.unique(np.minimum(ends.T.ravel(), x.size - 1))
    return x[chosen], y[chosen]
