"""Pictures of what probes wrote down: membrane potentials and other states over time."""

from __future__ import annotations

import numpy as np

from workbench.errors import unknown
from workbench.figures.layers import Axis, Lines, Panel, Sketch, colour
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
    recording: Recording, name: str = "E.v", *, neurons: int = 5, start: float | None = None, stop: float | None = None, spread: bool = True
) -> Sketch:
    """The probed variable `name` ("E.v") of a few neurons over time.

    Parameters
    ----------
    neurons
        How many are shown, the first ones.
    start, stop
        The stretch of model time (s).
    spread
        Draw them one above the other, one panel a neuron, in place of all on one pair of axes.
    """
    if name not in recording.traces:
        raise unknown("trace", name, recording.traces)
    trace = recording.traces[name]
    begin = recording.begins if start is None else start
    end = recording.duration if stop is None else stop
    time = trace["time"].values
    inside = np.flatnonzero((time >= begin) & (time <= end))
    unit, scale = _SHOWN.get(str(trace.attrs.get("units", "")), (str(trace.attrs.get("units", "")), 1.0))
    labels = [str(n) for n in trace["neuron"].values[:neurons]]
    what = tr("potential") if unit == "mV" else name.rpartition(".")[2]
    lines = []
    for k, label in enumerate(labels):
        values = trace.values[inside, k] * scale
        at, values = thin(time[inside], values)
        lines.append(Lines(x=at, y=values, label=label, colour=colour(k), width=0.9))
    axis = Axis(label=tr("time"), unit="s", limits=(begin, end))
    low = min((float(np.nanmin(line.y)) for line in lines if line.y.size), default=0.0)
    high = max((float(np.nanmax(line.y)) for line in lines if line.y.size), default=1.0)
    room = 0.06 * (high - low or 1.0)
    if spread and len(lines) > 1:
        panels = tuple(
            Panel(layers=(line,), x=axis if k == len(lines) - 1 else Axis(limits=axis.limits), height=0.45,
                  y=Axis(label=line.label, unit=unit, limits=(low - room, high + room)))
            for k, line in enumerate(lines))
    else:
        panels = (Panel(layers=tuple(lines), x=axis, y=Axis(label=what, unit=unit, limits=(low - room, high + room))),)
    alt = tr("{what} of {count} neurons of {population}, between {low:.3g} and {high:.3g} {unit}.", what=what, count=len(lines),
             population=name.rpartition(".")[0], low=low, high=high, unit=unit)
    return Sketch(panels=panels, title=tr("Traces of {population}: {what}", what=what, population=name.rpartition(".")[0]), alt=alt)


def thin(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """A line with at most `most` points that keeps the lowest and the highest of every stretch, so that no spike is lost."""
    if x.size <= most:
        return x, y
    pieces = np.array_split(np.arange(x.size), most // 2)
    with np.errstate(invalid="ignore"):
        chosen = np.concatenate([np.unique([p[np.argmin(y[p])], p[np.argmax(y[p])]]) for p in pieces])
    return x[chosen], y[chosen]
