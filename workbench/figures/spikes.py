"""Pictures of spikes: the raster, the population rate, and the spectrum of that rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench import measures
from workbench.figures.layers import Axis, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.recordings.recording import Recording
from workbench.units import ms
from workbench.words import tr

__all__ = ["raster", "rate", "spectrum"]

MOST_DOTS = 40_000  # more cannot be told apart on a page, and a browser feels them


@picture
def raster(
    recording: Recording,
    *,
    rows: int | None = 60,
    start: float | None = None,
    stop: float | None = None,
    title: str = "",
) -> Sketch:
    """Who fired when: one dot a spike, one row a neuron, populations stacked.

    Parameters
    ----------
    recording
        Anything with spikes.
    rows
        Neurons shown in all, evenly taken from each population by its size; None for every neuron.
    start, stop
        The stretch of model time (s); the whole recording when left out.
    title
        An English title in place of the plain one.
    """
    begin, end = _stretch(recording, start, stop)
    total = sum(recording.sizes.values())
    layers: list[Points] = []
    ticks: list[tuple[float, str]] = []
    said: list[str] = []
    base = left_out = 0
    for k, (name, size) in enumerate(recording.sizes.items()):
        shown = size if rows is None else min(size, max(1, round(rows * size / total)))
        chosen = np.linspace(0, size - 1, shown).round().astype(int)
        row_of = np.full(size, -1)
        row_of[chosen] = base + np.arange(shown)
        spikes = recording.of(name).between(begin, end)
        row = row_of[spikes.neurons]
        seen = np.flatnonzero(row >= 0)
        kept = seen[: MOST_DOTS - sum(layer.x.size for layer in layers)]
        left_out += seen.size - kept.size
        layers.append(Points(x=spikes.times[kept], y=row[kept], label=name, colour=colour(k), size=_dot(rows or total)))
        ticks.append((base + (shown - 1) / 2, name))
        said.append(
            tr(
                "{population}: {shown} of {size} neurons shown, {rate:.3g} Hz.",
                population=name,
                shown=shown,
                size=size,
                rate=measures.rate(recording, name),
            )
        )
        base += shown
    if left_out:
        said.append(tr("{count} dots are left out.", count=left_out))
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("time"), unit="s", limits=(begin, end)),
        y=Axis(label=tr("neuron"), limits=(-1.0, float(base)), ticks=tuple(ticks)),
        height=1.35,
    )
    return Sketch(panels=(panel,), title=tr(title or "Spikes"), alt=" ".join(said))


@picture
def rate(
    recording: Recording,
    *,
    bin: float = 2 * ms,
    start: float | None = None,
    stop: float | None = None,
    theory: Mapping[str, float] | None = None,
    populations: Sequence[str] | None = None,
    source: str = "",
) -> Sketch:
    """The rate of each population over time, in bins of `bin` (s), with levels that a theory predicts.

    Parameters
    ----------
    theory
        Levels by their name, Hz: {"mean field": 37.95}.
    source
        Where the theory comes from.
    """
    begin, end = _stretch(recording, start, stop)
    lines: list[Lines] = []
    said: list[str] = []
    for k, name in enumerate(populations or recording.sizes):
        series = measures.population_rate(recording, name, bin=bin)
        inside = (series.at >= begin) & (series.at <= end)
        values = series.values[inside]
        lines.append(
            Lines(
                x=series.at[inside],
                y=values,
                label=name,
                colour=colour(k),
                dash="solid" if k == 0 else "dashed",
                width=1.0,
            )
        )
        if values.size:
            said.append(
                tr(
                    "{population}: mean {mean:.3g} Hz, between {low:.3g} and {high:.3g} Hz in bins of {bin:g} ms.",
                    population=name,
                    mean=float(values.mean()),
                    low=float(values.min()),
                    high=float(values.max()),
                    bin=bin / ms,
                )
            )
    levels = [Level(value=value, label=f"{tr(name)} {value:.3g} Hz") for name, value in (theory or {}).items()]
    said += [
        tr("{theory} predicts {value:.3g} Hz.", theory=tr(name), value=value) for name, value in (theory or {}).items()
    ]
    top = max([float(line.y.max()) for line in lines if line.y.size] + [level.value for level in levels] + [1.0])
    panel = Panel(
        layers=(*lines, *levels),
        x=Axis(label=tr("time"), unit="s", limits=(begin, end)),
        y=Axis(label=tr("rate"), unit="Hz", limits=(0.0, 1.08 * top)),
    )
    return Sketch(panels=(panel,), title=tr("Population rate"), alt=" ".join(said), source=tr(source) if source else "")


@picture
def spectrum(recording: Recording, population: str, *, low: float = 5.0, high: float = 800.0) -> Sketch:
    """How strongly the rate of a population swings at each frequency, between `low` and `high` (Hz)."""
    found = measures.spectrum(recording, population)
    inside = (found.at >= low) & (found.at <= high)
    at, values = found.at[inside], found.values[inside]
    peak = measures.peak_frequency(recording, population, low=low, high=high)
    level = () if np.isnan(peak) else (Level(value=peak, along="x", label=tr("{frequency:.3g} Hz", frequency=peak)),)
    panel = Panel(
        layers=(Lines(x=at, y=values, label=population, width=1.2), *level),
        x=Axis(label=tr("frequency"), unit="Hz", limits=(0.0, high)),
        y=Axis(label=tr("power of the rate"), unit="Hz²/Hz"),
    )
    alt = tr("The rate of {population} swings most at {peak:.3g} Hz.", population=population, peak=peak)
    return Sketch(panels=(panel,), title=tr("Spectrum of the population rate"), alt=alt)


def _stretch(recording: Recording, start: float | None, stop: float | None) -> tuple[float, float]:
    begin = recording.begins if start is None else max(start, recording.begins)
    end = recording.duration if stop is None else min(stop, recording.duration)
    return (begin, end) if begin < end else (recording.begins, recording.duration)


def _dot(rows: int) -> float:
    """Dots that touch neither the row above nor vanish."""
    return float(np.clip(130.0 / rows, 0.8, 2.4))
