"""One neuron under a constant current: when it starts to fire, how fast, and in which pattern, for four models.

A slider axis is laid out over neurons: one run of 201 unconnected neurons is a whole curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures, measures
from workbench.backends.base import Probe
from workbench.chips import CHIPS
from workbench.chips.chip import Chip
from workbench.circuits.network import Network, Population
from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.hodgkin_huxley import HodgkinHuxley
from workbench.circuits.neurons.izhikevich import Izhikevich
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.spread import Linear, Values
from workbench.experiment import Experiment
from workbench.fields import choice, count, described, member, part, quantity
from workbench.figures.picture import Picture
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import Mohm, ms, mV, nA, nS, pA, pF, s, uA

__all__ = ["OneNeuron"]

ALL = "neurons"
# The membrane of the cortical microcircuit's neurons (Potjans and Diesmann 2014): rheobase 375 pA.
CORTICAL = Lif(tau=10 * ms, resistance=40 * Mohm, rest=-65 * mV, reset=-65 * mV, threshold=-50 * mV)
DURATION = {"lif": 1 * s, "hodgkin-huxley": 600 * ms, "izhikevich": 1 * s, "adex": 500 * ms}

# Izhikevich 2003, IEEE Trans. Neural Netw. 14:1569, fig. 2; the paper's I is 10.
IZHIKEVICH = {
    "regular spiking": Izhikevich(a=0.02, b=0.2, c=-65 * mV, d=8.0, drive=10.0),
    "chattering": Izhikevich(a=0.02, b=0.2, c=-50 * mV, d=2.0, drive=10.0),
    "fast spiking": Izhikevich(a=0.1, b=0.2, c=-65 * mV, d=2.0, drive=10.0),
    "resonator": Izhikevich(a=0.1, b=0.26, c=-65 * mV, d=2.0, drive=10.0),
}


def _adex(c: float, leak: float, rest: float, a: float, tau: float, b: float, reset: float, current: float) -> AdEx:
    """A row of the table, in its units: pF, nS, mV, nS, ms, pA, mV, pA."""
    return AdEx(
        capacitance=c * pF,
        leak=leak * nS,
        rest=rest * mV,
        coupling=a * nS,
        tau_w=tau * ms,
        jump=b * pA,
        reset=reset * mV,
        bias=current * pA,
    )


# Naud, Marcille, Clopath and Gerstner 2008, Biol. Cybern. 99:335, table 1.
ADEX = {
    "tonic": _adex(200, 10, -70, 2, 30, 0, -58, 500),
    "adaptation": _adex(200, 12, -70, 2, 300, 60, -58, 500),
    "initial burst": _adex(130, 18, -58, 4, 150, 120, -50, 400),
    "delayed accelerating": _adex(200, 12, -70, -10, 300, 0, -58, 300),
    "irregular": _adex(100, 12, -60, -11, 130, 30, -48, 160),
}


@final
@described
class OneNeuron(Study):
    """How a single neuron answers a constant current: its f-I curve, or its firing pattern."""

    title: ClassVar[str] = "One neuron"
    views: ClassVar[tuple[str, ...]] = ("curve", "intervals", "traces", "raster")
    main_knobs: ClassVar[tuple[str, ...]] = (
        "model",
        "highest_pa",
        "tau_ms",
        "threshold_mv",
        "refractory_ms",
        "resistance_mohm",
        "dt_ms",
        "chip",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "leaky integrate-and-fire": {"model": "lif"},
        "Hodgkin-Huxley": {"model": "hodgkin-huxley"},
        "Izhikevich's patterns": {"model": "izhikevich"},
        "AdEx patterns": {"model": "adex"},
    }

    model: str = choice("lif", tuple(DURATION), doc="which neuron model", label="model")
    neuron: Lif = part(CORTICAL, doc="the leaky integrate-and-fire neuron")
    highest: float = quantity(
        1 * nA,
        "pA",
        low=10 * pA,
        high=10 * nA,
        doc="end of the current ramp of the integrate-and-fire neuron",
        label="highest current",
    )
    squid_highest: float = quantity(
        20 * uA,
        "µA",
        low=1 * uA,
        high=100 * uA,
        doc="end of the current ramp of the squid axon, into 1 cm²",
        label="highest current, squid",
    )
    points: int = count(
        201, low=11, high=2001, doc="currents on the ramp, which starts at 0", label="points of the curve"
    )
    dt: float = quantity(0.01 * ms, "ms", low=0.001 * ms, high=0.5 * ms, doc="time step", label="time step", log=True)
    chip: Chip = member("ideal", lambda: CHIPS, doc="what the neurons run on", inner=False)

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        ask: dict[str, Callable[[Progress | None], Result]] = {
            "lif": self._lif,
            "hodgkin-huxley": self._squid,
            "izhikevich": self._izhikevich,
            "adex": self._adex,
        }
        return ask[self.model](progress)

    def quick(self) -> Self:
        """41 points a curve."""
        return replace(self, points=41)

    def _lif(self, progress: Progress | None) -> Result:
        currents = np.linspace(0, self.highest, self.points)
        theory = measures.lif_rate(self.neuron, currents)
        first = int(np.argmax(theory > 0)) if (theory > 0).any() else self.points - 1
        shown = sorted({max(first - 1, 0), first, min(first + (self.points - first) // 4, self.points - 1)})
        recording = self._record(replace(self.neuron, bias=Linear(0.0, self.highest)), shown, progress)
        rate = steady_rates(recording, since=0.0)
        fires = (rate > 0) & (theory > 0)
        off = np.abs(1 / rate[fires] - 1 / theory[fires]) if fires.any() else np.array([np.nan])
        middle = self.points // 2
        numbers = {
            "rheobase_pa": measures.rheobase(self.neuron) / pA,
            "middle_rate_hz": rate[middle],
            "middle_theory_hz": float(theory[middle]),
            "top_rate_hz": rate[-1],
            "top_theory_hz": float(theory[-1]),
            "interval_error_ms": float(off.max()) / ms,
        }
        curve = partial(
            f_i,
            currents / pA,
            "pA",
            rate,
            theory=theory,
            marks={"rheobase": numbers["rheobase_pa"]},
            source="Closed form: Lapicque 1907; Gerstner et al. 2014, ch. 1.3 (computed)",
        )
        return self._result(recording, numbers, curve, shown, [f"{currents[k] / pA:.4g} pA" for k in shown])

    def _squid(self, progress: Progress | None) -> Result:
        currents = np.linspace(0, self.squid_highest, self.points)
        named = [int(np.argmin(np.abs(currents - one * uA))) for one in (5.0, 6.2, 6.3, 10.0)]
        shown = sorted(set(named))
        recording = self._record(replace(HodgkinHuxley(), bias=Linear(0.0, self.squid_highest)), shown, progress)
        rate = steady_rates(recording, since=DURATION[self.model] - 200 * ms)
        firing = np.flatnonzero(rate > 0)
        onset = int(firing[0]) if firing.size else self.points - 1
        numbers = {
            "onset_ua": currents[onset] / uA,
            "onset_rate_hz": rate[onset],
            "last_silent_ua": currents[max(onset - 1, 0)] / uA,
            "middle_rate_hz": rate[self.points // 2],
            "top_rate_hz": rate[-1],
        }
        curve = partial(
            f_i,
            currents / uA,
            "µA/cm²",
            rate,
            marks={"onset": numbers["onset_ua"]},
            source="Model: Hodgkin and Huxley 1952, J. Physiol. 117:500 (published); rates computed here",
        )
        return self._result(recording, numbers, curve, shown, [f"{currents[k] / uA:.4g} µA/cm²" for k in shown])

    def _izhikevich(self, progress: Progress | None) -> Result:
        start = {"u": Values(tuple(p.b * -65 * mV / ms for p in IZHIKEVICH.values()))}  # at rest for their own b
        recording = self._record(merged(IZHIKEVICH), range(len(IZHIKEVICH)), progress, start)
        fired = measures.counts(recording, ALL)
        gaps = measures.intervals(recording, ALL, neuron=0) / ms
        numbers = {f"{short}_spikes": float(n) for short, n in zip(("rs", "ch", "fs", "rz"), fired, strict=True)}
        numbers |= {"rs_first_interval_ms": _at(gaps, 0), "rs_last_interval_ms": _at(gaps, -1)}
        return self._patterns(
            recording,
            numbers,
            IZHIKEVICH,
            "Parameters: Izhikevich 2003, IEEE Trans. Neural Netw. 14:1569 (published); spikes computed here",
        )

    def _adex(self, progress: Progress | None) -> Result:
        recording = self._record(merged(ADEX), range(len(ADEX)), progress)
        fired = measures.counts(recording, ALL)
        gaps = [measures.intervals(recording, ALL, neuron=k) / ms for k in range(len(ADEX))]
        last = gaps[-1]
        numbers = {
            f"{short}_spikes": float(n)
            for short, n in zip(("tonic", "adaptation", "burst", "accelerating", "irregular"), fired, strict=True)
        }
        numbers |= {
            "adaptation_first_interval_ms": _at(gaps[1], 0),
            "adaptation_sixth_interval_ms": _at(gaps[1], 5),
            "irregular_cv": float(last.std() / last.mean()) if last.size > 1 else float("nan"),
        }
        return self._patterns(
            recording,
            numbers,
            ADEX,
            "Parameters: Naud et al. 2008, Biol. Cybern. 99:335, table 1 (published); spikes computed here",
        )

    def _record(
        self, neuron: Neuron, shown: Any, progress: Progress | None, initial: Mapping[str, Any] | None = None
    ) -> Recording:
        """One run of unconnected neurons, the potential of those `shown` probed."""
        size = self.points if self.model in ("lif", "hodgkin-huxley") else len(shown)
        network = Network(populations={ALL: Population(size, neuron, initial=initial or {})})
        probe = Probe(ALL, "v", which=tuple(shown), every=max(self.dt, 0.05 * ms))
        return Experiment(network, self.chip, duration=DURATION[self.model], dt=self.dt, probes=(probe,)).run(progress)

    def _result(
        self,
        recording: Recording,
        numbers: dict[str, float],
        curve: Callable[[], Picture],
        shown: list[int],
        names: list[str],
    ) -> Result:
        levels = {"threshold": self.neuron.threshold} if self.model == "lif" else {}
        pictures = {
            "curve": curve,
            "traces": partial(
                figures.traces,
                recording,
                f"{ALL}.v",
                neurons=len(shown),
                names=names,
                stop=200 * ms,
                levels=levels,
                title="The potential at a few currents",
            ),
            "raster": partial(
                figures.raster, recording, rows=None, title="Spikes, from no current (below) to the highest (above)"
            ),
        }
        return Result(
            study=self,
            numbers={k: float(v) for k, v in numbers.items()},
            recordings={ALL: recording},
            pictures=pictures,
        )

    def _patterns(
        self, recording: Recording, numbers: dict[str, float], patterns: Mapping[str, Neuron], source: str
    ) -> Result:
        pictures = {
            "traces": partial(
                figures.traces,
                recording,
                f"{ALL}.v",
                neurons=len(patterns),
                names=list(patterns),
                title="Firing patterns",
            ),
            "intervals": partial(intervals, recording, list(patterns), source),
        }
        return Result(study=self, numbers=numbers, recordings={ALL: recording}, pictures=pictures)


def merged(patterns: Mapping[str, Neuron]) -> Any:
    """One neuron model whose k-th neuron is the k-th pattern: every knob in which they differ becomes a list of values."""
    one, *_ = found = list(patterns.values())
    columns = {f.name: tuple(getattr(p, f.name) for p in found) for f in fields(one)}  # type: ignore[arg-type]
    return replace(one, **{name: Values(column) for name, column in columns.items() if len(set(column)) > 1})  # type: ignore[type-var]


def steady_rates(recording: Recording, *, since: float) -> NDArray[np.float64]:
    """The rate of each neuron from its mean interval after `since` (s), Hz; 0 for one that fired less than twice then."""
    late = recording.after(since)
    size = recording.sizes[ALL]
    order = np.argsort(late.of(ALL).neurons, kind="stable")
    owner, steps = late.of(ALL).neurons[order], late.of(ALL).steps[order]
    many = np.bincount(owner, minlength=size)
    ends = np.cumsum(many)
    span = np.zeros(size)
    twice = many >= 2
    span[twice] = (steps[ends[twice] - 1] - steps[ends[twice] - many[twice]]) * recording.dt
    return np.divide(many - 1, span, out=np.zeros(size), where=twice)


def f_i(
    currents: NDArray[np.float64],
    unit: str,
    rate: NDArray[np.float64],
    *,
    theory: NDArray[np.float64] | None = None,
    marks: Mapping[str, float],
    source: str,
) -> Picture:
    """The f-I curve: what was counted, over what theory says."""
    every = max(1, rate.size // 40)
    counted = (currents[::every], rate[::every])
    lines = {"closed form": (currents, theory)} if theory is not None else {"counted spikes": (currents, rate)}
    points = {"counted spikes": counted} if theory is not None else {}
    return figures.curves(
        lines,
        points=points,
        x="current",
        x_unit=unit,
        y="rate",
        y_unit="Hz",
        marks=marks,
        title="Rate over current",
        source=source,
    )


def intervals(recording: Recording, names: list[str], source: str) -> Picture:
    """How long each pattern waits between its spikes, for the first forty."""
    gaps = [measures.intervals(recording, ALL, neuron=k)[:40] / ms for k in range(len(names))]
    lines = {name: (np.arange(1, g.size + 1), g) for name, g in zip(names, gaps, strict=True) if g.size}
    return figures.curves(
        lines, x="interval number", y="interval", y_unit="ms", title="Intervals between spikes", source=source
    )


def _at(gaps: NDArray[np.floating[Any]], place: int) -> float:
    return float(gaps[place]) if -gaps.size <= place < gaps.size else float("nan")
