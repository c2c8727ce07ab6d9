"""Four states of one network: how inhibition and drive decide whether it fires together or apart, like clocks or at random."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np

from workbench import figures, measures
from workbench.backends.base import Probe
from workbench.chips import CHIPS
from workbench.chips.chip import Chip
from workbench.circuits.library.balanced import Balanced
from workbench.experiment import Experiment
from workbench.fields import count, described, member, part, quantity
from workbench.figures.picture import Picture
from workbench.measures import siegert
from workbench.studies.study import Progress, Result, Study
from workbench.units import ms, mV, s, uJ

__all__ = ["NetworkStates"]

SETTLED = 200 * ms  # dropped before anything is measured: all neurons start at rest, together
SHOWN = 300 * ms  # of raster and rate: longer, and a fast oscillation is a smear
SOURCE = "Mean field: Brunel 2000, J. Comput. Neurosci. 8:183, eq. 21 (computed)"

# A network of 800 + 200 has 80 excitatory inputs a neuron where Brunel's has 1,000. A synapse √12.5 times as strong keeps the
# fluctuations of the recurrent input at their size (van Vreeswijk and Sompolinsky 1996, Science 274:1724).
SMALL = Balanced(excitatory=800, j=0.35 * mV)
# So few inputs do not lock the network: the synchronous state needs 240 of them and, with that, J for the same mean.
DENSE = {"connectivity": 0.3, "j_mv": 0.42}
FULL = {"excitatory": 10_000, "connectivity": 0.1, "j_mv": 0.1}


@final
@described
class NetworkStates(Study):
    """How inhibition and drive decide the state of a balanced network (Brunel 2000, fig. 8)."""

    title: ClassVar[str] = "Four states of a network"
    views: ClassVar[tuple[str, ...]] = ("raster", "rate", "traces", "energy")
    main_knobs: ClassVar[tuple[str, ...]] = (
        "g",
        "eta",
        "delay_ms",
        "j_mv",
        "connectivity",
        "duration_ms",
        "seed",
        "chip",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "synchronous": {"g": 3.0, "eta": 2.0, **DENSE},
        "fast oscillation": {"g": 6.0, "eta": 4.0},
        "asynchronous": {"g": 5.0, "eta": 2.0},
        "slow oscillation": {"g": 4.5, "eta": 0.9},
        "Brunel A": {"g": 3.0, "eta": 2.0, **FULL},
        "Brunel B": {"g": 6.0, "eta": 4.0, **FULL},
        "Brunel C": {"g": 5.0, "eta": 2.0, **FULL},
        "Brunel D": {"g": 4.5, "eta": 0.9, **FULL},
    }

    circuit: Balanced = part(SMALL, doc="the balanced network")
    chip: Chip = member("ideal", lambda: CHIPS, doc="what the network runs on", inner=False)
    duration: float = quantity(
        1 * s, "ms", low=300 * ms, high=100 * s, doc="model time; the first 200 ms are not measured", label="duration"
    )
    seed: int = count(0, doc="seed of wiring and drive")

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        experiment = Experiment(
            self.circuit, self.chip, duration=self.duration, seed=self.seed, probes=(Probe("E", "v", which=range(3)),)
        )
        recording = experiment.run(progress)
        steady = recording.after(SETTLED)
        rate = measures.rate(steady, "E")
        theory = siegert.rate(self.circuit)
        felt = siegert.input_at(self.circuit, rate)
        seen = {"start": max(SETTLED, self.duration - SHOWN)}
        levels = {"threshold": self.circuit.neuron.threshold, "reset": self.circuit.neuron.reset}
        return Result(
            study=self,
            recordings={"network": recording},
            numbers={
                "rate_hz": rate,
                "inhibitory_rate_hz": measures.rate(steady, "I"),
                "theory_hz": theory,
                "isi_cv": measures.isi_cv(steady, "E"),
                "oscillation_hz": measures.peak_frequency(steady, "E"),
                "synchrony": measures.synchrony(steady, "E"),
                # What a neuron receives at this rate, as its potential would follow it without a threshold.
                "input_mean_mv": float(felt.mean) / mV,
                "input_sd_mv": float(felt.noise / np.sqrt(2)) / mV,
                "energy_uj": recording.ledger.total / uJ,
            },
            pictures={
                "raster": partial(figures.raster, recording, **seen),
                "rate": partial(
                    figures.rate, recording, bin=1 * ms, theory={"mean field": theory}, source=SOURCE, **seen
                ),
                "traces": partial(figures.traces, recording, "E.v", neurons=1, levels=levels, **seen),
                "energy": partial(figures.energy, recording),
                "spectrum": partial(figures.spectrum, steady, "E"),
                "tiles": partial(figures.tiles, recording),
                "theory": partial(over_inhibition, self.circuit, rate),
                "fixed point": partial(fixed_point, self.circuit, rate),
            },
        )

    def quick(self) -> Self:
        """800 excitatory and 200 inhibitory neurons, for half a second."""
        return replace(
            self,
            circuit=replace(self.circuit, excitatory=SMALL.excitatory, j=SMALL.j),
            duration=min(self.duration, 500 * ms),
        )

    def full(self) -> Self:
        """Brunel's own size: 10,000 excitatory and 2,500 inhibitory neurons, 1,250 inputs each."""
        return self.changed(FULL)


def over_inhibition(circuit: Balanced, measured: float) -> Picture:
    """The rate that theory expects as inhibition grows, with what was measured at this network's g."""
    g = np.linspace(2.0, 8.0, 61)
    expected = [siegert.rate(replace(circuit, g=float(one))) for one in g]
    return figures.curves(
        {"mean field": (g, expected)},
        points={"this run": ([circuit.g], [measured])},
        marks={"g = 4: balance": 4.0},
        x="inhibition g",
        y="rate",
        y_unit="Hz",
        title="Rate over inhibition, in theory and in this run",
        source=SOURCE,
    )


def fixed_point(circuit: Balanced, measured: float) -> Picture:
    """The rate that comes out of a neuron for the rate that all others feed it; the network sits where it equals what went in."""
    settled = siegert.rate(circuit)
    fed = np.linspace(0.0, max(2.0 * settled, 2.0 * measured, 10.0), 200)
    answers = siegert.transfer(*siegert.input_at(circuit, fed), circuit.neuron)
    return figures.curves(
        {"what comes out": (fed, answers), "what went in": (fed, fed)},
        points={"mean field": ([settled], [settled]), "this run": ([measured], [measured])},
        x="rate of all others",
        x_unit="Hz",
        y="rate of one neuron",
        y_unit="Hz",
        title="Where the network settles",
        source=SOURCE,
    )
