"""Pictures of the ledger: what the events of a run cost, by kind and by place on the chip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.figures.layers import COLOURS, Axis, Bars, Image, Panel, Points, Sketch
from workbench.figures.picture import picture
from workbench.recordings.ledger import Ledger
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["energy", "readable_joules", "receipt", "tiles", "totals"]

_STEPS = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"), (1e-12, "pJ"))


@picture
def energy(recording: Recording) -> Sketch:
    """What each kind of event cost; for a run without prices, how often each kind happened."""
    ledger = recording.ledger
    if ledger.total == 0:
        return _counts(recording)
    spent = {name: joules for name, joules in ledger.by_event().items() if joules > 0}
    ordered = sorted(spent, key=lambda name: -spent[name])
    scale, unit = _scale(max(spent.values()))
    texts = tuple(f"{readable_joules(spent[n])} · {_share(spent[n] / ledger.total)}" for n in ordered)
    panel = Panel(
        layers=(
            Bars(
                names=tuple(tr(n) for n in ordered), values=np.array([spent[n] / scale for n in ordered]), texts=texts
            ),
        ),
        x=Axis(label=tr("event")),
        y=Axis(label=tr("energy"), unit=unit),
        height=_height(len(ordered)),
    )
    first = ordered[0]
    alt = tr(
        "{total} in {duration:g} s of model time; most, {share:.0f} %, for {event}.",
        total=readable_joules(ledger.total),
        duration=recording.duration,
        share=100 * spent[first] / ledger.total,
        event=tr(first),
    )
    if ledger.chip_time > 0:
        alt += " " + tr("The chip would need {time:.3g} s.", time=ledger.chip_time)
    return Sketch(
        panels=(panel,),
        title=tr("Energy: {total}", total=readable_joules(ledger.total)),
        alt=alt,
        source=_sources(ledger),
    )


@picture
def receipt(recording: Recording, *, title: str = "") -> Sketch:
    """The ledger line by line, as a student adds it up: count × price for every event that happened, dearest first."""
    ledger = recording.ledger
    spent = ledger.by_event()
    happened = [name for name in ledger.events if ledger.count(name)]
    ordered = sorted(happened, key=lambda name: -spent[name])
    scale, unit = _scale(max([*spent.values(), 1e-12]))
    texts = tuple(
        f"{ledger.count(n):,} × {readable_joules(ledger.prices[n].joules)} = {readable_joules(spent[n])}"
        for n in ordered
    )
    values = np.array([spent[n] / scale for n in ordered])
    most = float(values.max()) if values.size else 1.0
    panel = Panel(
        layers=(Bars(names=tuple(tr(n) for n in ordered), values=values, texts=texts),),
        x=Axis(label=tr("event")),
        y=Axis(
            label=tr("energy"), unit=unit, limits=(0.0, 1.75 * most)
        ),  # the longest line stands beside the longest bar
        height=_height(len(ordered)),
    )
    lines = "; ".join(f"{tr(n)}: {text}" for n, text in zip(ordered, texts, strict=True))
    alt = tr("{lines}. Together {total}.", lines=lines, total=readable_joules(ledger.total))
    shown = tr(title) if title else tr("The ledger, line by line: {total}", total=readable_joules(ledger.total))
    return Sketch(panels=(panel,), title=shown, alt=alt, source=_sources(ledger))


@picture
def totals(energies: Mapping[str, float], *, title: str = "", source: str = "") -> Sketch:
    """The same counts at several price lists (J, by name), cheapest first, on a logarithmic axis; a list that charges nothing is named."""
    ordered = sorted((n for n in energies if energies[n] > 0), key=lambda n: energies[n])
    free = [n for n in energies if energies[n] <= 0]
    panel = Panel(
        layers=(
            Points(
                x=np.array([energies[n] for n in ordered]),
                y=np.arange(float(len(ordered)))[::-1],
                size=6.0,
                colour=COLOURS["blue"],
            ),
        ),
        x=Axis(label=tr("energy"), unit="J", log=True),
        y=Axis(
            ticks=tuple(
                (float(len(ordered) - 1 - k), f"{n}: {readable_joules(energies[n])}") for k, n in enumerate(ordered)
            ),
            limits=(-0.7, len(ordered) - 0.3),
        ),
        height=0.35 + 0.11 * len(ordered),
    )
    alt = "; ".join(f"{n}: {readable_joules(energies[n])}" for n in ordered)
    if free:
        alt += "; " + tr("these charge nothing for it: {names}", names=", ".join(free))
    return Sketch(panels=(panel,), title=tr(title), alt=tr("{said}.", said=alt), source=tr(source) if source else "")


@picture
def tiles(recording: Recording) -> Sketch:
    """Where on the chip the energy went: one square a tile; for a run without prices, how full each tile is."""
    columns, rows = recording.placement.mesh
    spent = np.full((max(rows, 1), max(columns, 1)), np.nan)
    by_place = recording.ledger.by_place()
    priced = recording.ledger.total > 0
    for core in recording.placement.cores:
        x, y = core.tile
        value = by_place.get(core.name, 0.0) if priced else float(core.used("neurons"))
        spent[y, x] = value + (0.0 if np.isnan(spent[y, x]) else spent[y, x])
    used = spent[~np.isnan(spent)]
    scale, unit = _scale(float(used.max()) if used.size else 1.0) if priced else (1.0, "")
    image = Image(
        values=spent / scale,
        x_range=(-0.5, max(columns, 1) - 0.5),
        y_range=(-0.5, max(rows, 1) - 0.5),
        unit=unit,
        label=tr("energy") if priced else tr("neurons"),
    )
    busiest = max(recording.placement.cores, key=lambda c: by_place.get(c.name, 0.0), default=None)
    alt = tr(
        "{cores} cores on {used} of {all} tiles.",
        cores=len(recording.placement.cores),
        used=used.size,
        all=columns * rows,
    )
    if busiest is not None and priced:
        alt += " " + tr(
            "The busiest is {core} at tile {tile}, with {energy}.",
            core=busiest.name,
            tile=busiest.tile,
            energy=readable_joules(by_place.get(busiest.name, 0.0)),
        )
    panel = Panel(layers=(image,), x=Axis(label=tr("tile x")), y=Axis(label=tr("tile y")), height=1.2)
    return Sketch(panels=(panel,), title=tr("Energy on the chip") if priced else tr("Neurons on the chip"), alt=alt)


def readable_joules(joules: float) -> str:
    """An energy as a person says it: "12.3 µJ"."""
    scale, unit = _scale(joules)
    return f"{joules / scale:.3g} {unit}"


def _counts(recording: Recording) -> Sketch:
    """The fallback without prices: the reference has no hardware, but events can still be counted."""
    ledger = recording.ledger
    happened = {name: ledger.count(name) for name in ledger.events if ledger.count(name)} or {
        "spike": sum(recording.counts.values())
    }
    ordered = sorted(happened, key=lambda name: -happened[name])
    panel = Panel(
        layers=(
            Bars(
                names=tuple(tr(n) for n in ordered),
                values=np.array([float(happened[n]) for n in ordered]),
                texts=tuple(f"{happened[n]:,}" for n in ordered),
            ),
        ),
        x=Axis(label=tr("event")),
        y=Axis(label=tr("how often")),
        height=_height(len(ordered)),
    )
    alt = tr(
        "No energy: this run had no hardware. {events}.", events=", ".join(f"{tr(n)} {happened[n]:,}" for n in ordered)
    )
    return Sketch(panels=(panel,), title=tr("Events (no hardware, so no energy)"), alt=alt)


def _sources(ledger: Ledger) -> str:
    """The citations of the prices that made the energy, each once."""
    spent = ledger.by_event()
    cited = {str(ledger.prices[name].citation): None for name in ledger.events if spent[name] > 0}
    return tr("Prices — {citations}", citations="; ".join(cited))


def _share(part: float) -> str:
    """A share in per cent; one that rounds to nothing is still there."""
    return "< 1 %" if 0 < part < 0.005 else f"{100 * part:.0f} %"


def _scale(joules: float) -> tuple[float, str]:
    return next(((scale, unit) for scale, unit in _STEPS if abs(joules) >= scale), _STEPS[-1])


def _height(bars: int) -> float:
    return 0.35 + 0.12 * bars
