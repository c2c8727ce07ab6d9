"""Small studies for the tests of widgets: quick arithmetic with every kind of knob and every kind of picture."""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar, final

import numpy as np

from workbench.chips import CHIPS, Chip
from workbench.errors import DescriptionError
from workbench.fields import choice, count, described, flag, member, quantity
from workbench.figures.layers import Axis, Bars, Image, Level, Lines, Panel, Points, Sketch
from workbench.figures.picture import picture
from workbench.studies.study import Progress, Result, Study
from workbench.units import Hz, ms, s


@picture
def raster(g: float, n: int, rate: float, seed: int) -> Sketch:
    rng = np.random.default_rng(seed)
    total = int(n * rate * 0.1)
    t = rng.uniform(0, 1, total)
    who = rng.integers(0, n, total)
    layers = (
        Points(x=t[who < n * 0.8], y=who[who < n * 0.8], label="E", colour="#0072B2"),
        Points(x=t[who >= n * 0.8], y=who[who >= n * 0.8], label="I", colour="#D55E00"),
    )
    return Sketch(
        panels=(Panel(layers=layers, x=Axis(label="time", unit="s", limits=(0.0, 1.0)), y=Axis(label="neuron")),),
        title="Spikes",
        alt=f"{total} spikes of {n} neurons.",
    )


@picture
def traces(g: float) -> Sketch:
    t = np.linspace(0, 1, 10001)
    layers = (
        Lines(x=t, y=np.sin(t * 20) * g, label="E0"),
        Lines(x=t, y=np.cos(t * 20) * g, label="E1", colour="#D55E00", dash="dashed"),
        Level(value=g, label="threshold"),
    )
    return Sketch(
        panels=(Panel(layers=layers, x=Axis(label="time", unit="s"), y=Axis(label="membrane potential", unit="mV")),),
        title="Traces",
        alt=f"Two sines of height {g}.",
    )


@picture
def energy(g: float, rate: float) -> Sketch:
    bars = Bars(names=("synaptic operation", "active update", "east-west hop"), values=np.array([g * rate, rate, 3.0]))
    heat = Image(
        values=np.outer(np.arange(4), np.arange(8)) * g,
        x_range=(-0.5, 7.5),
        y_range=(-0.5, 3.5),
        label="energy",
        unit="µJ",
    )
    return Sketch(
        panels=(
            Panel(layers=(bars,), x=Axis(label="event"), y=Axis(label="energy", unit="µJ")),
            Panel(layers=(heat,), x=Axis(label="tile x"), y=Axis(label="tile y"), title="Energy on the chip"),
        ),
        title="Energy: 1 µJ",
        alt="Three kinds of event.",
    )


@final
@described
class Toy(Study):
    """How a toy answers its knobs."""

    title: ClassVar[str] = "A toy"
    presets: ClassVar = {"slow": {"g": 4.5, "rate_hz": 2.0}, "fast": {"g": 2.0, "rate_hz": 90.0}}
    views: ClassVar[tuple[str, ...]] = ("raster", "traces", "energy")
    main_knobs: ClassVar[tuple[str, ...]] = ("g", "rate_hz", "mode", "loud", "chip", "duration_ms")

    g: float = quantity(5.0, "", low=0.0, high=10.0, doc="relative inhibitory weight", label="inhibition g")
    rate: float = quantity(20 * Hz, "Hz", low=0.1 * Hz, high=1000 * Hz, doc="rate of the toy", log=True)
    neurons: int = count(100, low=1, high=10000, doc="number of neurons", log=True)
    mode: str = choice("calm", ("calm", "wild"), doc="how it behaves")
    loud: bool = flag(False, doc="whether it shouts")
    duration: float = quantity(1 * s, "ms", low=10 * ms, high=10 * s, doc="model time")
    seed: int = count(0, doc="seed of everything")
    chip: Chip = member("loihi-davies", lambda: CHIPS, doc="what it runs on")

    def run(self, progress: Progress | None = None) -> Result:
        if self.g == 9.0:
            raise DescriptionError("g is 9: the toy does not like nine.")
        if self.g == 9.5:
            raise ZeroDivisionError("the toy broke")
        if self.chip.kind == "ideal":
            for k in range(20):
                time.sleep(0.01)
                if progress:
                    progress(k / 20, f"{k} of 20")
        makers = {
            "raster": partial(raster, self.g, self.neurons, self.rate, self.seed),
            "traces": partial(traces, self.g),
        }
        if self.chip.kind != "ideal":
            makers["energy"] = partial(energy, self.g, self.rate)
        return Result(study=self, numbers={"rate_hz": self.rate, "isi_cv": self.g / 10}, pictures=makers)
