"""A chain of groups through which a packet of spikes runs, or dies out."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist
from typing import ClassVar, final

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import Poisson, SpikeList
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.fields import count, described, part, quantity
from workbench.units import Hz, kHz, ms, mV

__all__ = ["SynfireChain"]


@final
@described
class SynfireChain(Circuit):
    """A synfire chain: groups of neurons, each wired to all of the next (Diesmann, Gewaltig & Aertsen 1999, Nature 402:529).

    A packet of `packet` spikes with spread `jitter` enters the first group. With enough spikes close together every group passes
    it on, sharper than it came; with too few or too scattered ones it dissolves. Group size, neuron, synapses and background are
    theirs: 17,600 excitatory inputs at 2 Hz and 2,400 inhibitory ones at 12.5 Hz put the potential 8.2 mV above rest with a
    standard deviation of 2.85 mV (computed). Assumed: an exponential current in place of an alpha function, and the delay.
    """

    name: ClassVar[str] = "synfire-chain"
    title: ClassVar[str] = "Synfire chain"

    groups: int = count(10, low=2, high=1000, doc="groups of the chain", label="groups")
    group_size: int = count(100, low=2, high=10_000, doc="neurons in a group", label="neurons in a group", log=True)
    packet: int = count(
        100, low=1, high=10_000, doc="spikes in the packet that enters the chain", label="spikes in the packet"
    )
    jitter: float = quantity(
        1 * ms,
        "ms",
        low=0 * ms,
        high=50 * ms,
        doc="standard deviation of the packet's spike times",
        label="spread of the packet",
    )
    start: float = quantity(
        20 * ms, "ms", low=0 * ms, high=10.0, doc="when the middle of the packet arrives", label="packet at"
    )
    psp: float = quantity(
        0.14 * mV, "mV", low=0 * mV, high=10 * mV, doc="peak of the potential after one spike", label="synapse"
    )
    delay: float = quantity(5 * ms, "ms", low=0.1 * ms, high=50 * ms, doc="delay from group to group", label="delay")
    excitation: float = quantity(
        35.2 * kHz,
        "Hz",
        low=0 * Hz,
        high=1000 * kHz,
        doc="outside excitatory spikes of one neuron",
        label="background, excitatory",
    )
    inhibition: float = quantity(
        30 * kHz,
        "Hz",
        low=0 * Hz,
        high=1000 * kHz,
        doc="outside inhibitory spikes of one neuron",
        label="background, inhibitory",
    )
    neuron: Lif = part(
        Lif(tau=10 * ms, rest=-70 * mV, threshold=-55 * mV, reset=-70 * mV, refractory=1 * ms, tau_exc=0.325 * ms),
        doc="the neuron model",
    )

    @property
    def weight(self) -> float:
        """The jump of the synaptic current, A, that makes a potential of height `psp`."""
        n = self.neuron
        ratio = n.tau_exc / n.tau
        peak = n.resistance * ratio / (1 - ratio) * (ratio ** (ratio / (1 - ratio)) - ratio ** (1 / (1 - ratio)))
        return self.psp / peak

    def spike_times(self) -> tuple[float, ...]:
        """The packet: the evenly spaced quantiles of a normal distribution, so that its spread is exact and nothing is drawn."""
        shape = NormalDist(self.start, self.jitter) if self.jitter else None
        at = (shape.inv_cdf((k + 0.5) / self.packet) if shape else self.start for k in range(self.packet))
        return tuple(max(0.0, t) for t in at)

    def network(self) -> Network:
        """See Circuit."""
        names = [f"group {k + 1}" for k in range(self.groups)]
        # where the background alone would hold a neuron, and as far up as its noise takes it
        ratio = self.neuron.tau_exc / self.neuron.tau
        jump = self.weight * self.neuron.resistance * ratio
        middle = self.neuron.rest + jump * self.neuron.tau * (self.excitation - self.inhibition)
        spread = jump * math.sqrt(self.neuron.tau * (self.excitation + self.inhibition) / 2)
        low = min(middle - spread, self.neuron.threshold - spread)
        start = {"v": Uniform(low, min(middle + spread, self.neuron.threshold))}
        to_all = AllToAll()
        sources = {"packet": Source(self.packet, SpikeList(self.spike_times(), tuple(range(self.packet))))}
        projections = {
            "packet to group 1": Projection(
                "packet", names[0], to_all, weight=self.weight, delay=0.1 * ms, receptor="exc"
            )
        }
        for before, after in itertools.pairwise(names):
            projections[f"{before} to {after}"] = Projection(
                before, after, to_all, weight=self.weight, delay=self.delay, receptor="exc"
            )
        for name in names:
            for kind, rate, sign in (("excitation", self.excitation, 1), ("inhibition", self.inhibition, -1)):
                sources[f"{kind} of {name}"] = Source(self.group_size, Poisson(rate))
                projections[f"{kind} of {name}"] = Projection(
                    f"{kind} of {name}", name, OneToOne(), weight=sign * self.weight, delay=0.1 * ms, receptor="exc"
                )
        return Network({name: Population(self.group_size, self.neuron, start) for name in names}, sources, projections)
