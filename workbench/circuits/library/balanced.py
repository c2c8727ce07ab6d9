"""Brunel's balanced network of excitatory and inhibitory neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, final

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import Poisson
from workbench.circuits.wiring import FixedInDegree, OneToOne
from workbench.fields import count, described, part, quantity
from workbench.units import ms, mV

__all__ = ["Balanced"]


@final
@described
class Balanced(Circuit):
    """A sparse balanced network (Brunel 2000, J. Comput. Neurosci. 8:183, model A).

    Every neuron draws `connectivity` of each population and receives `connectivity · excitatory` independent Poisson inputs at
    η · ν_thr each, ν_thr = threshold / (J · C_E · τ). Excitatory synapses jump by J, inhibitory by −g J.
    """

    name: ClassVar[str] = "balanced"
    title: ClassVar[str] = "Balanced network"

    g: float = quantity(5.0, "", low=0.0, high=12.0, doc="relative inhibitory weight", label="inhibition g")
    eta: float = quantity(2.0, "", low=0.0, high=5.0, doc="external rate over threshold rate", label="drive η")
    excitatory: int = count(
        10000, low=8, high=1_000_000, doc="number of excitatory neurons", label="excitatory neurons", log=True
    )
    connectivity: float = quantity(
        0.1, "", low=0.001, high=1.0, doc="share of each population a neuron draws", label="connectivity ε"
    )
    j: float = quantity(0.1 * mV, "mV", low=0.001 * mV, high=5 * mV, doc="excitatory jump", label="synaptic jump J")
    delay: float = quantity(1.5 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="transmission delay", label="delay D")
    neuron: Lif = part(Lif(), doc="the neuron model")

    @property
    def inhibitory(self) -> int:
        """A quarter as many inhibitory neurons as excitatory ones."""
        return max(1, self.excitatory // 4)

    @property
    def external_inputs(self) -> int:
        """Outside inputs of one neuron, C_E."""
        return round(self.connectivity * self.excitatory)

    @property
    def threshold_rate(self) -> float:
        """ν_thr: the rate of each outside input that would bring the mean potential just to threshold, Hz."""
        return (self.neuron.threshold - self.neuron.rest) / (self.j * self.external_inputs * self.neuron.tau)

    @property
    def external_rate(self) -> float:
        """All outside spikes one neuron receives, Hz."""
        return self.eta * self.threshold_rate * self.external_inputs

    def network(self) -> Network:
        """See Circuit."""
        local = FixedInDegree(fraction=self.connectivity)
        excite, inhibit = self.j, -self.g * self.j
        world = Poisson(self.external_rate)
        return Network(
            populations={"E": Population(self.excitatory, self.neuron), "I": Population(self.inhibitory, self.neuron)},
            sources={"world E": Source(self.excitatory, world), "world I": Source(self.inhibitory, world)},
            projections={
                "EE": Projection("E", "E", local, weight=excite, delay=self.delay),
                "EI": Projection("E", "I", local, weight=excite, delay=self.delay),
                "IE": Projection("I", "E", local, weight=inhibit, delay=self.delay),
                "II": Projection("I", "I", local, weight=inhibit, delay=self.delay),
                "world to E": Projection("world E", "E", OneToOne(), weight=excite, delay=0.1 * ms),
                "world to I": Projection("world I", "I", OneToOne(), weight=excite, delay=0.1 * ms),
            },
        )

    def quick(self) -> Self:
        """800 excitatory and 200 inhibitory neurons with five times the jump, so that the recurrent input still decides the state."""
        return replace(self, excitatory=800, j=min(5 * self.j, 5 * mV))
