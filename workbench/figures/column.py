"""Pictures of the cortical column: spikes by layer, rates beside published ones, its ledger, and the machines it was measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from workbench import measures
from workbench.figures.layers import COLOURS, Axis, Bars, Dash, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.picture import picture
from workbench.machines import COLUMN_RUNS, Machine, best
from workbench.recordings.recording import Recording
from workbench.units import mW, pJ, uJ
from workbench.words import tr

__all__ = ["convergence", "layered_raster", "machine_map", "powers", "rates_beside"]

Marker = Literal["dot", "ring", "square", "tick"]
_MARKERS: tuple[Marker, ...] = ("square", "ring", "dot")
MOST_DOTS = 40_000
LEAST = 1e-3  # events that take less of the whole than this are left out of a picture


@picture
def layered_raster(recording: Recording, *, rows: int = 2000, start: float, stop: float, source: str = "") -> Sketch:
    """One dot a spike, the upper layers of the cortex on top; excitatory neurons in one colour, inhibitory ones in another."""
    total = sum(recording.sizes.values())
    dots: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"excitatory": [], "inhibitory": []}
    ticks: list[tuple[float, str]] = []
    borders: list[Level] = []
    said: list[str] = []
    base = 0
    for name, size in reversed(list(recording.sizes.items())):
        shown = min(size, max(2, round(rows * size / total)))
        row_of = np.full(size, -1)
        row_of[np.linspace(0, size - 1, shown).round().astype(int)] = base + np.arange(shown)
        spikes = recording.of(name).between(start, stop)
        row = row_of[spikes.neurons]
        seen = row >= 0
        dots["inhibitory" if name.endswith("I") else "excitatory"].append((spikes.times[seen], row[seen]))
        ticks.append((base + (shown - 1) / 2, name))
        if base and name.endswith("I"):
            borders.append(Level(value=base - 0.5, dash="dotted"))
        said.append(tr("{population}: {rate:.3g} Hz.", population=name, rate=measures.rate(recording, name)))
        base += shown
    layers: list[Layer] = []
    for kind, shade in (("excitatory", COLOURS["blue"]), ("inhibitory", COLOURS["orange"])):
        x, y = (np.concatenate(part) for part in zip(*dots[kind], strict=True))
        layers.append(Points(x=x[:MOST_DOTS], y=y[:MOST_DOTS], label=tr(kind), colour=shade, size=1.3))
    panel = Panel(
        layers=(*borders, *layers),
        x=Axis(label=tr("time"), unit="s", limits=(start, stop)),
        y=Axis(label=tr("population"), limits=(-1.0, float(base)), ticks=tuple(ticks)),
        height=1.7,
    )
    return Sketch(
        panels=(panel,), title=tr("Spikes of the column, by layer"), alt=" ".join(said[::-1]), source=tr(source)
    )


@picture
def rates_beside(
    measured: Mapping[str, float], others: Mapping[str, Mapping[str, float]], *, source: str = ""
) -> Sketch:
    """The rate of each population in this run beside those of other rows, by (English) name."""
    names = list(measured)
    at = np.arange(len(names), dtype=float)
    layers: list[Layer] = [
        Points(x=at - 0.12, y=np.array(list(measured.values())), label=tr("this run"), colour=COLOURS["blue"], size=6.0)
    ]
    for k, (name, rates) in enumerate(others.items()):
        layers.append(
            Points(
                x=at + 0.12 * k,
                y=np.array([rates[n] for n in names]),
                label=tr(name),
                colour=colour(k + 1),
                size=(4.5, 5.5, 3.5)[k % 3],
                marker=_MARKERS[k % len(_MARKERS)],
            )
        )
    top = max(max(measured.values()), *(max(rates.values()) for rates in others.values()))
    first = next(iter(others))
    alt = " ".join(
        tr(
            "{population}: {ours:.3g} Hz, {name} {theirs:.3g} Hz.",
            population=n,
            ours=measured[n],
            name=tr(first),
            theirs=others[first][n],
        )
        for n in names
    )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(
            label=tr("population"), limits=(-0.6, len(names) - 0.4), ticks=tuple(zip(at.tolist(), names, strict=True))
        ),
        y=Axis(label=tr("rate"), unit="Hz", limits=(0.0, 1.08 * top)),
        height=1.25,
    )
    return Sketch(panels=(panel,), title=tr("Rates of the eight populations"), alt=alt, source=tr(source))


@picture
def powers(rows: Mapping[str, Mapping[str, float]], *, source: str = "") -> Sketch:
    """Power (W) by event, one panel for each row of `rows` (English names), largest first; less than 0.1 % is left out."""
    panels: list[Panel] = []
    said: list[str] = []
    for number, (row, spent) in enumerate(rows.items()):
        total = sum(spent.values())
        ordered = sorted((e for e in spent if spent[e] >= LEAST * total), key=lambda e: -spent[e])
        texts = tuple(f"{spent[e] / mW:.3g} mW · {100 * spent[e] / total:.0f} %" for e in ordered)
        panels.append(
            Panel(
                layers=(
                    Bars(
                        names=tuple(tr(e) for e in ordered),
                        values=np.array([spent[e] / mW for e in ordered]),
                        texts=texts,
                        colour=colour(number),
                    ),
                ),
                x=Axis(label=tr("event")),
                y=Axis(label=tr("power"), unit="mW"),
                title=f"{tr(row)}: {total / mW:.3g} mW",
                height=0.3 + 0.11 * len(ordered),
            )
        )
        said.append(f"{tr(row)}: " + ", ".join(f"{tr(e)} {t}" for e, t in zip(ordered, texts, strict=True)) + ".")
    return Sketch(panels=tuple(panels), title=tr("What the column costs"), alt=" ".join(said), source=tr(source))


@picture
def convergence(
    scales: Sequence[float],
    rates: Mapping[str, Sequence[float]],
    *,
    here: tuple[float, Mapping[str, float]],
    source: str = "",
) -> Sketch:
    """Rates over the scale of the column: lines are theory, one colour a layer, and dots are this run."""
    layers: list[Layer] = []
    said: list[str] = []
    scale, measured = here
    for k, (name, values) in enumerate(rates.items()):
        dash: Dash = "dashed" if name.endswith("I") else "solid"
        layers.append(
            Lines(x=np.asarray(scales), y=np.asarray(values), label=name, colour=colour(k // 2), dash=dash, width=1.2)
        )
        layers.append(Points(x=np.array([scale]), y=np.array([measured[name]]), colour=colour(k // 2), size=5.0))
        said.append(
            tr(
                "{population}: {first:.3g} Hz at scale {low:g}, {last:.3g} Hz at scale {high:g}; here {ours:.3g} Hz.",
                population=name,
                first=values[0],
                low=scales[0],
                last=values[-1],
                high=scales[-1],
                ours=measured[name],
            )
        )
    ticks = tuple((s, f"{s:g}") for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if scales[0] <= s <= scales[-1])
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("scale"), log=True, ticks=ticks),
        y=Axis(label=tr("rate"), unit="Hz"),
        height=1.4,
    )
    return Sketch(
        panels=(panel,), title=tr("Rates over the scale: theory and this run"), alt=" ".join(said), source=tr(source)
    )


@picture
def machine_map(
    ours: Mapping[str, tuple[float, float]],
    *,
    levels: Mapping[str, float] | None = None,
    machines: Sequence[Machine] = COLUMN_RUNS,
) -> Sketch:
    """Speed and energy of the machines the column was measured on, and emulated chips far below them.

    Parameters
    ----------
    ours
        (real-time factor, joules per synaptic event) of emulated chips by name: models, not machines.
    levels
        Joules per synaptic event that a price list implies without a run, by (English) name.
    """
    measured = [m for m in machines if m.joules is not None]
    layers: list[Layer] = []
    markers: Mapping[str, Marker] = {"GPU": "square", "neuromorphic": "ring"}
    for k, family in enumerate(dict.fromkeys(m.family for m in measured)):
        those = [m for m in measured if m.family == family]
        layers.append(
            Points(
                x=np.array([m.real_time_factor for m in those]),
                y=np.array([(m.joules or 0.0) / uJ for m in those]),
                label=tr(family),
                colour=colour(k + 2),
                size=5.5,
                marker=markers.get(family, "dot"),
            )
        )
    for k, (name, (factor, joules)) in enumerate(ours.items()):
        layers.append(
            Points(
                x=np.array([factor]),
                y=np.array([joules / uJ]),
                label=tr("{chip}, emulated: model", chip=name),
                colour=colour(k),
                size=7.0,
            )
        )
    layers.append(Level(value=1.0, along="x", label=tr("as fast as life"), dash="dotted"))
    layers += [
        Level(value=joules / uJ, label=f"{tr(name)}: {joules / pJ:.3g} pJ") for name, joules in (levels or {}).items()
    ]
    lowest = best()
    alt = tr(
        "{count} measured runs, from {most:.3g} down to {least:.3g} µJ a synaptic event ({name}).",
        count=len(measured),
        most=max((m.joules or 0.0) / uJ for m in measured),
        least=(lowest.joules or 0.0) / uJ,
        name=lowest.name,
    )
    alt += "".join(
        " "
        + tr(
            "{chip}, emulated: {joules:.3g} µJ, real-time factor {factor:.3g}; a model, not a measurement.",
            chip=name,
            joules=joules / uJ,
            factor=factor,
        )
        for name, (factor, joules) in ours.items()
    )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("real-time factor: wall-clock over model time"), log=True),
        y=Axis(label=tr("energy a synaptic event"), unit="µJ", log=True),
        height=1.7,
    )
    return Sketch(
        panels=(panel,),
        title=tr("Speed and energy of one column: machines at the plug, and a model"),
        alt=alt,
        source=tr("Machines — {citation}", citation=str(lowest.citation)),
    )
