"""A sheet of neurons for a wafer: as many as memory holds, with synapses that are never stored."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar, Self, final

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.sheet import Sheet
from workbench.circuits.shower import Shower
from workbench.circuits.wiring import OneToOne
from workbench.fields import count, described, quantity
from workbench.units import Hz, ms, s

__all__ = ["WaferSheet"]

THRESHOLD = 1000
"""Steps of the potential up to the threshold: fine enough for small synapses, and two bytes hold many at once."""


@final
@described
class WaferSheet(Circuit):
    """Leaky integrate-and-fire neurons in whole numbers on a sheet, four in five excitatory, kept going by noise of their own.

    Each neuron makes `fan_out` synapses onto both kinds, in proportion; a share `local` of them near, the rest anywhere (see
    `Sheet`). Potentials are counted in thousandths of the threshold. The network is assumed, for its size; with the standard numbers
    it fires about once a second.
    """

    name: ClassVar[str] = "wafer-sheet"
    title: ClassVar[str] = "A sheet for a wafer"

    neurons: int = count(1_000_000, low=100, high=2**32 - 1, doc="number of neurons", label="neurons", log=True)
    fan_out: int = count(100, low=5, high=10_000, doc="synapses each neuron makes", label="fan-out", log=True)
    local: float = quantity(
        0.5, "", low=0.0, high=1.0, doc="share of the synapses that go to near patches", label="local"
    )
    contacts: int = count(20, low=1, high=1000, doc="patches a neuron reaches, near and far together", label="contacts")
    patch: int = count(65_536, low=16, high=65_536, doc="neurons in a patch, at most", label="patch", log=True)
    weight: float = quantity(
        0.02, "", low=0.0, high=1.0, doc="an excitatory synapse, as a share of the threshold", label="synapse"
    )
    inhibition: float = quantity(
        5.0, "", low=0.0, high=50.0, doc="an inhibitory synapse over an excitatory one", label="inhibition"
    )
    noise: float = quantity(
        20 * Hz, "Hz", low=0 * Hz, high=1000 * Hz, doc="spikes from outside for each neuron", label="noise"
    )
    noise_weight: float = quantity(
        0.47, "", low=0.0, high=2.0, doc="a spike from outside, as a share of the threshold", label="noise weight"
    )
    tau: float = quantity(20 * ms, "ms", low=1 * ms, high=1 * s, doc="membrane time constant", label="membrane")
    refractory: float = quantity(
        2 * ms, "ms", low=0.0, high=50 * ms, doc="time without integration after a spike", label="refractory"
    )
    delay: float = quantity(2 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="transmission delay", label="delay")
    step: float = quantity(1 * ms, "ms", low=0.01 * ms, high=10 * ms, doc="time step it is made for", label="step")

    @property
    def side(self) -> int:
        """Patches along an edge of the sheet."""
        return max(1, math.ceil(math.sqrt(self.neurons / self.patch)))

    def network(self) -> Network:
        """See Circuit."""
        neuron = DiscreteLif(
            leak=round((1 - math.exp(-self.step / self.tau)) * 4096) / 4096,
            threshold=float(THRESHOLD),
            lowest=-float(THRESHOLD),
            refractory=round(self.refractory / self.step),
            rounding="away",
        )
        sizes = {"I": self.neurons // 5}
        sizes["E"] = self.neurons - sizes["I"]
        fans = {"I": self.fan_out // 5}
        fans["E"] = self.fan_out - fans["I"]
        weights = {"E": round(self.weight * THRESHOLD), "I": -round(self.weight * self.inhibition * THRESHOLD)}
        projections = {
            f"noise to {b}": Projection(
                f"noise {b}", b, OneToOne(), weight=round(self.noise_weight * THRESHOLD), delay=self.step
            )
            for b in "EI"
        }
        for a in "EI":
            for b in "EI":
                wiring = Sheet(fans[b], self.side, self.side, self.local, self.contacts)
                projections[f"{a} to {b}"] = Projection(a, b, wiring, weight=weights[a], delay=self.delay)
        return Network(
            {b: Population(sizes[b], neuron) for b in "EI"},
            {f"noise {b}": Source(sizes[b], Shower(self.noise)) for b in "EI"},
            projections,
        )

    def quick(self) -> Self:
        """Two thousand neurons on 3 × 3 patches, for the steps of 0.1 ms that other circuits take."""
        return replace(self, neurons=2000, patch=250, step=0.1 * ms)

    def comparable(self) -> Self:
        """Four thousand neurons."""
        return replace(self, neurons=4000, patch=256, step=0.1 * ms)
