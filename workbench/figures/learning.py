"""Pictures of learning and of memory: who was pulsed how often, what a new class costs the old ones, and a memory filling in a picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.figures.layers import Axis, Bars, Image, Lines, Panel, Sketch, colour
from workbench.figures.ledger import readable_joules
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["bills", "patterns", "pulse_histogram", "shares"]

_BINS = 24
_GAP = 1


@picture
def pulse_histogram(pulses: Mapping[str, ArrayLike], *, title: str = "", source: str = "") -> Sketch:
    """How many cells got how many pulses, one line a rule; the axis of pulses is logarithmic and cells without a pulse stand at its start."""
    counts = {name: np.asarray(given, float).ravel() for name, given in pulses.items()}
    most = max([1.0, *(float(c.max(initial=0.0)) for c in counts.values())])
    edges = np.unique(np.rint(np.geomspace(1, most + 1, _BINS)))
    layers = []
    said = []
    for k, (name, given) in enumerate(counts.items()):
        share = 100 * np.histogram(given, bins=np.concatenate([[0.0], edges]))[0] / max(given.size, 1)
        layers.append(
            Lines(
                x=np.repeat(np.concatenate([[0.5], edges]), 2)[1:-1],
                y=np.repeat(share, 2),
                label=tr(name),
                colour=colour(k),
            )
        )
        said.append(
            tr(
                "{name}: {mean:.3g} pulses a cell on average, {most:.0f} at most; {never:.0f} % of the cells got none.",
                name=tr(name),
                mean=float(given.mean()) if given.size else 0.0,
                most=float(given.max(initial=0.0)),
                never=100 * float(np.mean(given == 0)) if given.size else 0.0,
            )
        )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("pulses a cell got"), log=True),
        y=Axis(label=tr("share of the cells"), unit="%"),
    )
    return Sketch(panels=(panel,), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def shares(groups: Mapping[str, Mapping[str, float]], *, title: str = "", source: str = "") -> Sketch:
    """Bars from 0 to 100 %, a panel for each group: old and new class, before and after."""
    panels = []
    said = []
    for k, (group, bars) in enumerate(groups.items()):
        values = np.array([100 * share for share in bars.values()])
        texts = tuple(f"{value:.1f} %" for value in values)
        panels.append(
            Panel(
                layers=(Bars(names=tuple(tr(n) for n in bars), values=values, texts=texts, colour=colour(k)),),
                y=Axis(label=tr("answered right"), unit="%", limits=(0.0, 120.0)),
                title=tr(group),
                height=0.3 + 0.12 * len(bars),
            )
        )
        said.append(f"{tr(group)}: " + ", ".join(f"{tr(n)} {text}" for n, text in zip(bars, texts, strict=True)) + ".")
    return Sketch(panels=tuple(panels), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def bills(groups: Mapping[str, Mapping[str, float]], *, title: str = "", source: str = "") -> Sketch:
    """Energies by part (J), a panel for each way of doing the same, all on one scale; parts that cost nothing are left out."""
    most = max([1e-30, *(joules for bars in groups.values() for joules in bars.values())])
    panels = []
    said = []
    for k, (group, bars) in enumerate(groups.items()):
        paid = {name: joules for name, joules in bars.items() if joules > 0}
        texts = tuple(readable_joules(joules) for joules in paid.values())
        total = readable_joules(sum(paid.values()))
        panels.append(
            Panel(
                layers=(
                    Bars(
                        names=tuple(tr(n) for n in paid),
                        values=np.array([joules / 1e-9 for joules in paid.values()]),
                        texts=texts,
                        colour=colour(k),
                    ),
                ),
                y=Axis(label=tr("energy of an update"), unit="nJ", limits=(0.0, 1.2 * most / 1e-9)),
                title=f"{tr(group)}: {total}",
                height=0.3 + 0.12 * len(paid),
            )
        )
        parts = ", ".join(f"{tr(n)} {text}" for n, text in zip(paid, texts, strict=True))
        said.append(f"{tr(group)}: {total} ({parts}).")
    return Sketch(panels=tuple(panels), title=tr(title), alt=" ".join(said), source=tr(source) if source else "")


@picture
def patterns(rows: Mapping[str, ArrayLike], side: int, *, title: str = "", alt: str = "", source: str = "") -> Sketch:
    """Patterns of `side` × `side` signs as pictures beside each other, named below. Raises DescriptionError for another size."""
    fields: list[NDArray[np.float64]] = []
    for name, given in rows.items():
        signs = np.asarray(given, float)
        if signs.size != side * side:
            raise DescriptionError(
                tr(
                    "The pattern '{name}' has {size} signs; {side} × {side} are drawn.",
                    name=name,
                    size=signs.size,
                    side=side,
                )
            )
        fields.append(signs.reshape(side, side)[::-1])
    wide = len(fields) * (side + _GAP) - _GAP
    image = np.full((side, wide), np.nan)
    ticks = []
    for k, (name, drawn) in enumerate(zip(rows, fields, strict=True)):
        left = k * (side + _GAP)
        image[:, left : left + side] = drawn
        ticks.append((left + side / 2, tr(name)))
    layer = Image(
        values=image, x_range=(0.0, float(wide)), y_range=(0.0, float(side)), limits=(-1.0, 1.0), label=tr("state")
    )
    panel = Panel(
        layers=(layer,),
        x=Axis(label=tr("{side} × {side} neurons", side=side), ticks=tuple(ticks), limits=(0.0, float(wide))),
        y=Axis(ticks=((0.0, ""),), limits=(0.0, float(side))),
        height=1.2,
    )
    return Sketch(panels=(panel,), title=tr(title), alt=tr(alt), source=tr(source) if source else "")
