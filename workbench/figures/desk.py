"""Pictures of a very large network: the memory it needs, and how many synapses its neurons receive."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from workbench.figures.layers import COLOURS, Axis, Level, Lines, Panel, Points, Sketch
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["degrees", "memory"]

MB = 1e6


@picture
def memory(
    neurons: ArrayLike,
    needed: ArrayLike,
    *,
    state: ArrayLike,
    listed: ArrayLike,
    here: tuple[float, float],
    machine: float,
    source: str = "",
) -> Sketch:
    """Memory (bytes) by neurons, both on logarithmic axes: what runs, its potentials alone, and a list of synapses that nobody keeps.

    `here` is (neurons, bytes) of this run, `machine` the bytes this machine has free.
    """
    at = np.asarray(neurons, float)
    needs, potentials, stored = (np.asarray(v, float) / MB for v in (needed, state, listed))
    panel = Panel(
        layers=(
            Lines(
                x=at, y=stored, label=tr("a list of synapses, 4 bytes each"), colour=COLOURS["orange"], dash="dashed"
            ),
            Lines(x=at, y=needs, label=tr("this sheet, which lists none"), colour=COLOURS["blue"]),
            Lines(x=at, y=potentials, label=tr("its potentials alone"), colour=COLOURS["sky"], dash="dotted"),
            Points(
                x=np.array([here[0]]),
                y=np.array([here[1] / MB]),
                label=tr("this run"),
                colour=COLOURS["black"],
                size=6.0,
                marker="ring",
            ),
            Level(value=machine / MB, label=tr("free on this machine")),
        ),
        x=Axis(label=tr("neurons"), log=True),
        y=Axis(label=tr("memory"), unit="MB", log=True),
        height=1.2,
    )
    alt = tr(
        "{first:.3g} MB for {few:,.0f} neurons, {last:.3g} MB for {many:,.0f}; a list of synapses would take {listed:.3g} MB. "
        "This machine has {machine:.3g} MB free.",
        first=float(needs[0]),
        few=float(at[0]),
        last=float(needs[-1]),
        many=float(at[-1]),
        listed=float(stored[-1]),
        machine=machine / MB,
    )
    return Sketch(
        panels=(panel,),
        title=tr("Memory grows with neurons, not with synapses"),
        alt=alt,
        source=tr(source) if source else "",
    )


@picture
def degrees(counted: ArrayLike, *, mean: float, source: str = "") -> Sketch:
    """How many neurons receive so many synapses, as rings, beside the Poisson distribution of that mean."""
    found = np.asarray(counted, np.int64)
    k = np.arange(int(found.min()), int(found.max()) + 1)
    share = np.bincount(found - k[0], minlength=k.size) / found.size
    poisson = np.exp(k * math.log(mean) - mean - np.array([math.lgamma(v + 1) for v in k]))
    panel = Panel(
        layers=(
            Lines(x=k, y=poisson, label=tr("Poisson distribution"), colour=COLOURS["blue"]),
            Points(x=k, y=share, label=tr("counted"), colour=COLOURS["black"], size=4.0, marker="ring"),
        ),
        x=Axis(label=tr("synapses received")),
        y=Axis(label=tr("share of the neurons")),
    )
    alt = tr(
        "{neurons:,} neurons receive {mean:.4g} synapses on average, with a standard deviation of {sd:.3g}; from {low} to {high}.",
        neurons=found.size,
        mean=float(found.mean()),
        sd=float(found.std()),
        low=int(found.min()),
        high=int(found.max()),
    )
    return Sketch(
        panels=(panel,), title=tr("All send the same number, but do not receive it"), alt=alt, source=tr(source)
    )
