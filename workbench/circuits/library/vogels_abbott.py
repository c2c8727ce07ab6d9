"""The current-based network of Vogels and Abbott."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, final

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.wiring import FixedProbability
from workbench.fields import count, described, part, quantity
from workbench.units import Mohm, ms, mV

__all__ = ["VogelsAbbott"]


@final
@described
class VogelsAbbott(Circuit):
    """A self-sustained network with current synapses (Vogels & Abbott 2005; CUBA of Brette et al. 2007, J. Comput. Neurosci. 23:349)."""

    name: ClassVar[str] = "vogels-abbott"
    title: ClassVar[str] = "Vogels–Abbott network"

    excitatory: int = count(
        3200, low=8, high=1_000_000, doc="number of excitatory neurons", label="excitatory neurons", log=True
    )
    connectivity: float = quantity(0.02, "", low=0.0001, high=1.0, doc="connection probability", label="connectivity p")
    excite: float = quantity(
        1.62 * mV,
        "mV",
        low=0 * mV,
        high=50 * mV,
        doc="jump of the excitatory current times resistance",
        label="excitation",
    )
    inhibit: float = quantity(
        -9 * mV,
        "mV",
        low=-100 * mV,
        high=0 * mV,
        doc="jump of the inhibitory current times resistance",
        label="inhibition",
    )
    delay: float = quantity(0.1 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="transmission delay", label="delay")
    neuron: Lif = part(
        Lif(
            tau=20 * ms,
            rest=-49 * mV,
            threshold=-50 * mV,
            reset=-60 * mV,
            refractory=5 * ms,
            resistance=100 * Mohm,
            tau_exc=5 * ms,
            tau_inh=10 * ms,
        ),
        doc="the neuron model",
    )

    def network(self) -> Network:
        """See Circuit."""
        random = FixedProbability(self.connectivity)
        start = {"v": Uniform(self.neuron.reset, self.neuron.threshold)}
        strong, weak = self.inhibit / self.neuron.resistance, self.excite / self.neuron.resistance
        return Network(
            populations={
                "E": Population(self.excitatory, self.neuron, start),
                "I": Population(max(1, self.excitatory // 4), self.neuron, start),
            },
            projections={
                "EE": Projection("E", "E", random, weight=weak, delay=self.delay, receptor="exc"),
                "EI": Projection("E", "I", random, weight=weak, delay=self.delay, receptor="exc"),
                "IE": Projection("I", "E", random, weight=strong, delay=self.delay, receptor="inh"),
                "II": Projection("I", "I", random, weight=strong, delay=self.delay, receptor="inh"),
            },
        )

    def quick(self) -> Self:
        """A quarter of the size, with weights raised to keep the mean and the activity."""
        return replace(self, excitatory=800, connectivity=min(1.0, 4 * self.connectivity))
