"""Populations that compete through a shared inhibitory one: the strongest input wins."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, final

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import Poisson
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.fields import count, described, part, quantity
from workbench.units import Hz, kHz, ms, mV

__all__ = ["WinnerTakeAll"]


@final
@described
class WinnerTakeAll(Circuit):
    """A winner-take-all network: each choice excites itself, and all of them excite one population that inhibits every choice.

    Input number 1 is stronger than the others by `contrast`. The idea is Amari & Arbib's (1977) and Wang's (2002, Neuron 36:955);
    sizes, weights and rates are assumed, chosen so that the stronger input wins within a few hundred milliseconds.
    """

    name: ClassVar[str] = "winner-take-all"
    title: ClassVar[str] = "Winner takes all"

    choices: int = count(2, low=2, high=64, doc="populations that compete", label="choices")
    size: int = count(100, low=2, high=10_000, doc="neurons for each choice", label="neurons a choice", log=True)
    contrast: float = quantity(
        0.1,
        "",
        low=0.0,
        high=1.0,
        doc="how much stronger the first input is, as a share of the others",
        label="contrast",
    )
    rate: float = quantity(
        1.8 * kHz,
        "Hz",
        low=0 * Hz,
        high=100 * kHz,
        doc="outside spikes a neuron of the weaker choices receives",
        label="input",
    )
    outside: float = quantity(
        0.5 * mV, "mV", low=0 * mV, high=20 * mV, doc="drive by one outside spike", label="outside synapse"
    )
    excite: float = quantity(
        20 * mV,
        "mV",
        low=0 * mV,
        high=1000 * mV,
        doc="self-excitation, all synapses of a neuron together",
        label="self-excitation",
    )
    recruit: float = quantity(
        10 * mV,
        "mV",
        low=0 * mV,
        high=1000 * mV,
        doc="excitation of the inhibitory neurons, all synapses together",
        label="recruitment",
    )
    inhibit: float = quantity(
        100 * mV,
        "mV",
        low=0 * mV,
        high=1000 * mV,
        doc="inhibition, all synapses of a neuron together",
        label="inhibition",
    )
    delay: float = quantity(1 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="transmission delay", label="delay")
    neuron: Lif = part(Lif(tau_exc=20 * ms, tau_inh=10 * ms), doc="the neuron model")

    @property
    def inhibitory(self) -> int:
        """Half as many inhibitory neurons as one choice has."""
        return max(1, self.size // 2)

    def network(self) -> Network:
        """See Circuit."""
        names = [f"choice {k + 1}" for k in range(self.choices)]
        to_all, ohm = AllToAll(), self.neuron.resistance
        start = {"v": Uniform(self.neuron.reset, self.neuron.threshold)}
        populations = {name: Population(self.size, self.neuron, start) for name in names}
        populations["inhibition"] = Population(self.inhibitory, self.neuron, start)
        sources = {
            f"input {k + 1}": Source(self.size, Poisson(self.rate * (1 + self.contrast if k == 0 else 1.0)))
            for k in range(self.choices)
        }
        projections: dict[str, Projection] = {}
        for k, name in enumerate(names):
            projections |= {
                f"input to {name}": Projection(f"input {k + 1}", name, OneToOne(), weight=self.outside, delay=0.1 * ms),
                f"{name} to itself": Projection(
                    name, name, to_all, weight=self.excite / self.size / ohm, delay=self.delay, receptor="exc"
                ),
                f"{name} to inhibition": Projection(
                    name, "inhibition", to_all, weight=self.recruit / self.size / ohm, delay=self.delay, receptor="exc"
                ),
                f"inhibition to {name}": Projection(
                    "inhibition",
                    name,
                    to_all,
                    weight=-self.inhibit / self.inhibitory / ohm,
                    delay=self.delay,
                    receptor="inh",
                ),
            }
        return Network(populations, sources, projections)

    def quick(self) -> Self:
        """Forty neurons for each choice; weights are per neuron, so the activity stays."""
        return replace(self, size=40)
