"""The conductance-based network of Vogels and Abbott."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, final

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import Poisson
from workbench.circuits.wiring import FixedProbability, OneToOne
from workbench.fields import count, described, part, quantity
from workbench.units import Hz, Mohm, kHz, ms, mV, nS

__all__ = ["COBA"]


@final
@described
class COBA(Circuit):
    """A self-sustained network with conductance synapses (Vogels & Abbott 2005; COBA of Brette et al. 2007, J. Comput. Neurosci. 23:349).

    A spike opens a conductance that pulls the potential towards its reversal potential: the same spike does more far from it.
    Nothing comes from outside but Poisson spikes at the start, which wake the network (their rate and time are assumed).
    """

    name: ClassVar[str] = "vogels-abbott-coba"
    title: ClassVar[str] = "Vogels–Abbott network, conductances"

    excitatory: int = count(
        3200, low=8, high=1_000_000, doc="number of excitatory neurons", label="excitatory neurons", log=True
    )
    connectivity: float = quantity(0.02, "", low=0.0001, high=1.0, doc="connection probability", label="connectivity p")
    excite: float = quantity(
        6 * nS, "nS", low=0 * nS, high=1000 * nS, doc="conductance of an excitatory synapse", label="excitation"
    )
    inhibit: float = quantity(
        67 * nS, "nS", low=0 * nS, high=10_000 * nS, doc="conductance of an inhibitory synapse", label="inhibition"
    )
    delay: float = quantity(0.1 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="transmission delay", label="delay")
    kick_rate: float = quantity(
        500 * Hz,
        "Hz",
        low=0 * Hz,
        high=100 * kHz,
        doc="outside spikes a neuron receives at the start",
        label="kick rate",
    )
    kick_time: float = quantity(
        50 * ms, "ms", low=0 * ms, high=1.0, doc="how long the outside spikes last", label="kick time"
    )
    neuron: Lif = part(
        Lif(
            tau=20 * ms,
            rest=-60 * mV,
            threshold=-50 * mV,
            reset=-60 * mV,
            refractory=5 * ms,
            resistance=100 * Mohm,
            tau_exc=5 * ms,
            tau_inh=10 * ms,
            reversal_exc=0 * mV,
            reversal_inh=-80 * mV,
        ),
        doc="the neuron model",
    )

    @property
    def inhibitory(self) -> int:
        """A quarter as many inhibitory neurons as excitatory ones."""
        return max(1, self.excitatory // 4)

    def network(self) -> Network:
        """See Circuit."""
        random = FixedProbability(self.connectivity)
        start = {"v": Uniform(self.neuron.rest, self.neuron.threshold)}
        sizes = {"E": self.excitatory, "I": self.inhibitory}
        kick = Poisson(self.kick_rate, stop=self.kick_time)
        local = {
            f"{source}{target}": Projection(
                source,
                target,
                random,
                weight=self.excite if source == "E" else self.inhibit,
                delay=self.delay,
                receptor="exc_g" if source == "E" else "inh_g",
            )
            for source in sizes
            for target in sizes
        }
        outside = {
            f"kick to {target}": Projection(
                f"kick {target}", target, OneToOne(), weight=self.excite, delay=0.1 * ms, receptor="exc_g"
            )
            for target in sizes
        }
        return Network(
            populations={name: Population(size, self.neuron, start) for name, size in sizes.items()},
            sources={f"kick {name}": Source(size, kick) for name, size in sizes.items()},
            projections=local | outside,
        )

    def quick(self) -> Self:
        """A quarter of the size with four times the connection probability: as many inputs for each neuron."""
        return replace(self, excitatory=800, connectivity=min(1.0, 4 * self.connectivity))
