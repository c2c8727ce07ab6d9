"""A design of an event chip by six numbers, and the chip they make: how memory, area, energy and time follow from them.

The scaling laws are assumed, each named below, and fixed so that Loihi's own numbers give Loihi back. They are for asking which way
a design moves, not for signing one off.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log2
from typing import final

from workbench.chips.event import EventChip
from workbench.fields import count, described, quantity
from workbench.recordings.prices import Citation, Price
from workbench.units import Mbit, kbit, mm2, um2

__all__ = ["Design", "LOIHI_DESIGN"]

PACKET = 32
"""Bits of a packet (assumed): a link of fewer bits needs several clocks for it."""
BIT_AREA = 0.12 * um2
"""Silicon of one bit of memory with its share of decoders at 14 nm (assumed: about twice a published cell)."""
STATE = 200
"""Bits of state and parameters of one neuron (assumed)."""
ROUTER_AREA = 0.03 * mm2
"""Silicon of a router with links of 32 bits; it grows with the width (assumed)."""
CORE_AREA = 0.41 * mm2
"""Silicon of one of Loihi's cores, all in; what memory, neurons and router leave of it is fixed."""

_SCALED = Citation(
    "assumed",
    "half of the price is reading the synapse memory: it grows with the bits of a weight and with the root of the memory's size",
)
_SERIAL = Citation("assumed", f"a packet of {PACKET} bits crosses a narrower link in several clocks; energy stays")


@final
@described
class Design:
    """A square mesh of equal cores: how many, how large, how wide their links, how much memory, how many bits a weight."""

    neurons_per_core: int = count(1024, low=1, high=100_000, doc="neurons a core can hold", log=True)
    side: int = count(12, low=1, high=512, doc="tiles along each side of the mesh", log=True)
    cores_per_tile: int = count(1, low=1, high=64, doc="cores on a tile")
    link_width: int = count(32, low=1, high=1024, doc="bits that cross a link at once", log=True)
    memory: float = quantity(
        2 * Mbit,
        "kbit",
        low=1 * kbit,
        high=1024 * Mbit,
        doc="synapse memory of a core",
        label="synapse memory",
        log=True,
    )
    weight_bits: int = count(8, low=2, high=24, doc="bits of a weight with its sign")

    @property
    def synapses_per_core(self) -> int:
        """Synapses that fit: each holds a weight and the number of its target on the core."""
        return max(1, int(self.memory / (self.weight_bits + self._address)))

    @property
    def core_area(self) -> float:
        """Silicon of one core, m²."""
        grown = (
            self.memory * BIT_AREA + self.neurons_per_core * STATE * BIT_AREA + ROUTER_AREA * self.link_width / PACKET
        )
        return _FIXED_AREA + grown

    @property
    def _address(self) -> int:
        return max(1, ceil(log2(max(2, self.neurons_per_core))))

    def on(self, base: EventChip, *, name: str = "design") -> EventChip:
        """The chip of this design at the prices and limits of `base`, scaled."""
        clocks = ceil(PACKET / self.link_width)
        reading = (self.memory / LOIHI_DESIGN.memory) ** 0.5 * self.weight_bits / LOIHI_DESIGN.weight_bits
        prices = dict(base.prices)
        for event in ("synaptic operation", "dense operation", "shared operation", "outside operation"):
            prices[event] = Price(prices[event].joules * (1 + reading) / 2, prices[event].seconds, _SCALED)
        for event in ("east-west hop", "north-south hop"):
            prices[event] = Price(prices[event].joules, prices[event].seconds * clocks, _SERIAL)
        return replace(
            base,
            name=name,
            tiles_x=self.side,
            tiles_y=self.side,
            cores_per_tile=self.cores_per_tile,
            neurons_per_core=self.neurons_per_core,
            synapses_per_core=self.synapses_per_core,
            weight_bits=self.weight_bits,
            core_area=self.core_area,
            prices=prices,
            sources={},
        )


_FIXED_AREA = CORE_AREA - (2 * Mbit * BIT_AREA + 1024 * STATE * BIT_AREA + ROUTER_AREA)
LOIHI_DESIGN = Design()
"""What the scaling is measured from: a core like Loihi's, 2 Mb and 1,024 neurons, on a square mesh."""
