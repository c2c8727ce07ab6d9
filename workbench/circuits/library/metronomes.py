"""Neurons that fire like metronomes: a workload whose activity is set, whatever its wiring."""

from __future__ import annotations

import math
from typing import ClassVar, Self, final

import numpy as np

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Values
from workbench.circuits.wiring import HashRule
from workbench.fields import count, described, quantity
from workbench.units import Gohm, ms, mV, s

__all__ = ["Metronomes"]

GOLDEN = (math.sqrt(5) - 1) / 2
# A synapse must be seen and counted but change nothing, or the activity would depend on the wiring.
FEATHER = 2.0**-40


@final
@described
class Metronomes(Circuit):
    """Neurons wired onto themselves at random, each firing once in `period` steps, in turn.

    Every neuron is driven by its own constant current, the same for all; their phases follow the golden ratio, so that in each step
    almost the same number fires, spread over all cores. Synapses are too weak to matter. In any `period` steps every neuron fires
    exactly once: the activity, spikes per neuron and step, is 1 / period.
    """

    name: ClassVar[str] = "metronomes"
    title: ClassVar[str] = "Metronomes"

    neurons: int = count(1024, low=1, high=1_000_000, doc="number of neurons", label="neurons", log=True)
    fan_out: int = count(64, low=1, high=1_000_000, doc="synapses each neuron makes", label="fan-out", log=True)
    period: int = count(16, low=1, high=10_000, doc="steps between two spikes of a neuron", label="period", log=True)
    locality: float = quantity(
        0.0, "", low=0.0, high=1.0, doc="share of the synapses that go to neighbours", label="locality"
    )
    reach: int = count(64, low=1, high=1_000_000, doc="neighbours to each side that count as near", label="reach")
    step: float = quantity(1 * ms, "ms", low=0.01 * ms, high=10 * ms, doc="time step it is made for", label="step")

    def network(self) -> Network:
        """See Circuit."""
        threshold, a = 20 * mV, math.exp(-self.step / (1 * s))
        # Half a step before and after the one in which it should fire, so that rounding cannot move it.
        end = threshold / (1 - a ** (self.period - 0.5))
        neuron = Lif(
            tau=1 * s,
            rest=0.0,
            threshold=threshold,
            reset=0.0,
            refractory=self.step,
            resistance=10 * Gohm,
            bias=end / (10 * Gohm),
        )
        gone = np.floor(self.period * ((np.arange(self.neurons) * GOLDEN) % 1.0))
        start = Values(tuple((end * (1 - a**gone)).tolist()))
        return Network(
            populations={"N": Population(self.neurons, neuron, {"v": start})},
            projections={
                "NN": Projection(
                    "N", "N", HashRule(self.fan_out, self.locality, self.reach), weight=FEATHER, delay=self.step
                )
            },
        )

    def quick(self) -> Self:
        """It is small already."""
        return self
