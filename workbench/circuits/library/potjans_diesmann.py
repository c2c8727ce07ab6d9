"""A square millimetre of early sensory cortex: four layers, eight populations, 299 million synapses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Normal
from workbench.circuits.stimuli import Poisson
from workbench.circuits.wiring import FixedTotalNumber, OneToOne
from workbench.fields import choice, described, flag, part, quantity
from workbench.units import Hz, Mohm, kHz, ms, mV

__all__ = ["PROBABILITIES", "REFERENCE_HZ", "SIZES", "PotjansDiesmann"]

Table = NDArray[np.float64]

SOURCE = (
    "Potjans & Diesmann 2014, Cereb. Cortex 24:785; numbers as in the maintained model, INM-6/microcircuit-PD14-model"
)

SIZES: Mapping[str, int] = {
    "L2/3E": 20683,
    "L2/3I": 5834,
    "L4E": 21915,
    "L4I": 5479,
    "L5E": 4850,
    "L5I": 1065,
    "L6E": 14395,
    "L6I": 2948,
}
"""Neurons of each population under one square millimetre."""

EXTERNAL = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
"""Synapses of one neuron that come from outside the column."""

REFERENCE_HZ: Mapping[str, float] = dict(
    zip(SIZES, (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829), strict=True)
)
"""Mean rates of one run of the maintained model at full size in NEST, Hz."""

PROBABILITIES: Table = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
"""Connection probabilities: row = target, column = source."""

START_MEAN = (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43)
START_SD = (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48)
"""Potentials at the start, mV: near where each population settles, so that no burst wakes the column."""

THALAMIC_CELLS = 902
THALAMIC = (0.0, 0.0, 0.0983, 0.0619, 0.0, 0.0, 0.0512, 0.0196)
"""Probability that a thalamic cell and a neuron are connected."""


@final
@described
class PotjansDiesmann(Circuit):
    """The cortical microcircuit of Potjans & Diesmann (2014, Cereb. Cortex 24:785).

    Each projection holds K = ln(1 − C) / ln(1 − 1 / (N_pre N_post)) synapses, drawn with replacement, where C is the probability
    that two neurons are connected at all. `scale` shrinks neurons and in-degrees by k; weights grow by 1/√k and a constant current
    makes up for the mean that is lost, so that mean and variance of the input stay (van Albada et al. 2015, PLoS Comput. Biol.
    11:e1004490). At scale 1 there are 77,169 neurons and 299 million synapses.
    """

    name: ClassVar[str] = "potjans-diesmann"
    title: ClassVar[str] = "Cortical column"

    scale: float = quantity(
        0.1, "", low=0.002, high=1.0, doc="share of neurons and of their inputs", label="scale", log=True
    )
    drive: str = choice(
        "poisson",
        ("poisson", "dc"),
        doc="outside input: random spikes, or their mean as a current (below scale 0.2 that leaves the column silent)",
    )
    background: float = quantity(
        8 * Hz, "Hz", low=0 * Hz, high=100 * Hz, doc="rate of each outside input", label="background rate"
    )
    g: float = quantity(4.0, "", low=0.0, high=20.0, doc="relative inhibitory weight", label="inhibition g")
    psp: float = quantity(
        0.15 * mV,
        "mV",
        low=0 * mV,
        high=5 * mV,
        doc="peak of the potential after one excitatory spike",
        label="synapse",
    )
    doubled: float = quantity(
        2.0, "", low=0.0, high=10.0, doc="how much stronger L4E excites L2/3E than others", label="L4E to L2/3E"
    )
    weight_spread: float = quantity(
        0.1, "", low=0.0, high=0.24, doc="standard deviation of a weight over its mean", label="spread of weights"
    )
    delay: float = quantity(
        1.5 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="mean delay of excitatory synapses", label="delay, exc"
    )
    delay_inhibitory: float = quantity(
        0.75 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="mean delay of inhibitory synapses", label="delay, inh"
    )
    delay_spread: float = quantity(
        0.5, "", low=0.0, high=1.0, doc="standard deviation of a delay over its mean", label="spread of delays"
    )
    thalamus: bool = flag(False, doc="whether a pulse from the thalamus comes in", label="thalamus")
    pulse_start: float = quantity(700 * ms, "ms", low=0 * ms, high=100.0, doc="when the pulse begins", label="pulse at")
    pulse_length: float = quantity(
        10 * ms, "ms", low=0 * ms, high=100.0, doc="how long the pulse lasts", label="pulse length"
    )
    pulse_rate: float = quantity(
        120 * Hz, "Hz", low=0 * Hz, high=10 * kHz, doc="rate of a thalamic cell", label="pulse rate"
    )
    neuron: Lif = part(
        Lif(
            tau=10 * ms,
            rest=-65 * mV,
            threshold=-50 * mV,
            reset=-65 * mV,
            refractory=2 * ms,
            resistance=40 * Mohm,
            tau_exc=0.5 * ms,
        ),
        doc="the neuron model; both signs of synapses share the time constant tau_exc",
    )

    @property
    def sizes(self) -> dict[str, int]:
        """Neurons of each population at this scale."""
        return {name: max(1, round(self.scale * size)) for name, size in SIZES.items()}

    @property
    def unit_weight(self) -> float:
        """The jump of the synaptic current, A, that lifts the potential by `psp` at its peak: 87.81 pA."""
        n = self.neuron
        ratio = n.tau_exc / n.tau
        return (
            self.psp
            * (1 - ratio)
            / (n.resistance * ratio * (ratio ** (ratio / (1 - ratio)) - ratio ** (1 / (1 - ratio))))
        )

    def weights(self) -> Table:
        """Mean weights at full size, A: row = target, column = source."""
        made = np.full((8, 8), self.unit_weight)
        made[:, 1::2] *= -self.g
        made[0, 2] *= self.doubled
        return made

    def inputs(self) -> Table:
        """Outside synapses of one neuron of each population at full size."""
        return np.array(EXTERNAL, float)

    def compensation(self) -> Table:
        """The constant current of each population, A: outside input handed over as its mean, and what scaling takes from the mean."""
        rates = np.array(list(REFERENCE_HZ.values()))
        outside = self.unit_weight * self.inputs() * self.background
        inside = (self.weights() * in_degrees()) @ rates
        lost = 1 - math.sqrt(self.scale)
        shared = outside if self.drive == "dc" else lost * outside
        return self.neuron.tau_exc * (shared + lost * inside)

    def events(self, rates: Mapping[str, float]) -> tuple[float, float]:
        """Synaptic events a second at these rates (Hz): from inside the column, and from the outside inputs if those spike."""
        fired = np.array([self.sizes[name] * rates[name] for name in SIZES])
        reached = totals().sum(axis=0) * self.scale / np.array(list(SIZES.values()), float)
        outside = self.scale * self.background * float(self.inputs() @ np.array(list(self.sizes.values()), float))
        return float(fired @ reached), outside if self.drive == "poisson" else 0.0

    def network(self) -> Network:
        """See Circuit."""
        sizes, names = self.sizes, list(SIZES)
        grown = self.unit_weight / math.sqrt(self.scale)
        populations = {
            name: Population(
                sizes[name],
                replace(self.neuron, bias=self.neuron.bias + float(current)),
                {"v": Normal(START_MEAN[k] * mV, START_SD[k] * mV)},
            )
            for k, (name, current) in enumerate(zip(names, self.compensation(), strict=True))
        }
        weights = self.weights() / math.sqrt(self.scale)
        projections = {
            f"{source} to {target}": self._synapses(
                source, target, synapses, float(weights[t, s]), inhibitory=s % 2 == 1
            )
            for s, source in enumerate(names)
            for t, target in enumerate(names)
            if (synapses := round(self.scale**2 * float(totals()[t, s])))
        }
        sources: dict[str, Source] = {}
        if self.drive == "poisson":
            for name, inputs in zip(names, EXTERNAL, strict=True):
                sources[f"outside {name}"] = Source(sizes[name], Poisson(self.scale * inputs * self.background))
                projections[f"outside to {name}"] = Projection(
                    f"outside {name}", name, OneToOne(), weight=grown, delay=self.delay, receptor="exc"
                )
        if self.thalamus:
            cells = max(1, round(self.scale * THALAMIC_CELLS))
            pulse = Poisson(self.pulse_rate, self.pulse_start, self.pulse_start + self.pulse_length)
            sources["thalamus"] = Source(cells, pulse)
            for name, p in zip(names, THALAMIC, strict=True):
                if p:
                    synapses = round(self.scale**2 * float(draws(p, THALAMIC_CELLS, SIZES[name])))
                    projections[f"thalamus to {name}"] = self._synapses(
                        "thalamus", name, synapses, grown, inhibitory=False
                    )
        return Network(populations, sources, projections)

    def _synapses(self, source: str, target: str, synapses: int, weight: float, *, inhibitory: bool) -> Projection:
        mean = self.delay_inhibitory if inhibitory else self.delay
        spread = self.delay_spread * mean
        # NEST draws again what would be under half a step; here the part above it is drawn from
        delay = Normal(mean, spread, low=0.05 * ms, high=mean + 4 * spread) if spread else mean
        return Projection(
            source,
            target,
            FixedTotalNumber(synapses),
            weight=Normal(weight, self.weight_spread * abs(weight)) if self.weight_spread else weight,
            delay=delay,
            receptor="exc",
        )

    def quick(self) -> Self:
        """A fiftieth: 1,543 neurons and 120,000 synapses."""
        return replace(self, scale=min(self.scale, 0.02))

    def comparable(self) -> Self:
        """A twentieth, 3,858 neurons and 747,000 synapses: at full size Brian2 would need 12 GB and an hour for a second."""
        return replace(self, scale=min(self.scale, 0.05))


def draws(probability: float, sources: int, targets: int) -> float:
    """How many draws with replacement leave two neurons unconnected with probability 1 − `probability`."""
    return math.log1p(-probability) / math.log1p(-1 / (sources * targets))


def totals() -> Table:
    """Synapses of each projection at full size, before rounding: row = target, column = source."""
    sizes = np.array(list(SIZES.values()), float)
    return np.log1p(-PROBABILITIES) / np.log1p(-1 / np.outer(sizes, sizes)) + 0.0


def in_degrees() -> Table:
    """Synapses that one neuron of the row's population receives from the column's, at full size."""
    return totals() / np.array(list(SIZES.values()), float)[:, None]
