"""Loihi by its published table, in four shapes, with every number cited. A new chip is a new constant; nothing else changes.

Other chips stand beside: `published` (TrueNorth, ODIN, Darwin3, Tianjic, SpiNNaker) and `tianqin` (a class, not a chip). Loihi 2
is not among them: no energy of a single event of it is published, and what can be computed from a whole Hala Point (6.8 pJ per
synaptic operation at full load) holds everything at once.
"""

from __future__ import annotations

from dataclasses import replace

from workbench.chips.chip import Ideal
from workbench.chips.event import EventChip
from workbench.recordings.prices import Citation, Price
from workbench.units import ns, pJ

__all__ = ["IDEAL", "LOIHI_DAVIES", "LOIHI_DAVIES_FLOAT32", "ROOMY", "SMALL_CORES"]

IDEAL = Ideal()

_DAVIES = Citation(
    "published", "Davies et al. 2018, IEEE Micro 38(1):82, table 2 (pre-silicon, 0.75 V), as transcribed by SANA-FE"
)
_SAME = Citation(
    "assumed", "an outside spike at a synapse is priced like one from inside; table 2 has no separate entry"
)
_INCLUDED = Citation("assumed", "table 2 folds this into the neuron update and the hops")
_ALIKE = Citation("assumed", "table 2 has one price for every synapse, however it is stored")
_UNKNOWN = Citation("assumed", "not in table 2: leakage is left out")

_MESH = Citation(
    "published",
    "Davies et al. 2018: 128 cores; 8 × 4 tiles of 4 cores and 4,096 axons a core as transcribed by SANA-FE",
)
_BARRIER = Citation("published", "Davies et al. 2018, table 2: 113 to 465 ns for 1 to 32 tiles; assumed linear between")
_MEMORY = Citation("assumed", "at most a million 1-bit synapses lie in the 2 Mb of a core; fewer with more bits")
_WEIGHTS = Citation("assumed", "8 bits with sign; the chip allows 1 to 9")
_AREA = Citation("computed", "60 mm² of die (published) over 128 cores, less an eighth for the rest (assumed)")
_BUFFER = Citation("published", "SANA-FE's description of Loihi")
_SHAPE = Citation("assumed", "ours: many small cores, so that a small network spreads over the mesh")
_ENDLESS = Citation("assumed", "ours: no limit that a network of this size meets")

_LOIHI_SOURCES = {
    "tiles_x": _MESH,
    "tiles_y": _MESH,
    "cores_per_tile": _MESH,
    "neurons_per_core": Citation("published", "Davies et al. 2018: 1,024 neurons a core"),
    "synapses_per_core": _MEMORY,
    "axons_in": _MESH,
    "axons_out": _MESH,
    "barrier_one": _BARRIER,
    "barrier_all": _BARRIER,
    "weight_bits": _WEIGHTS,
    "link_buffer": _BUFFER,
    "core_area": _AREA,
}

_LOIHI_PRICES = {
    "core step": Price(0.0, 0.0, _UNKNOWN),
    "active update": Price(81 * pJ, 8.4 * ns, _DAVIES),
    "inactive update": Price(52 * pJ, 5.3 * ns, _DAVIES),
    "synaptic operation": Price(23.6 * pJ, 3.5 * ns, _DAVIES),
    "dense operation": Price(23.6 * pJ, 3.5 * ns, _ALIKE),
    "shared operation": Price(23.6 * pJ, 3.5 * ns, _ALIKE),
    "outside operation": Price(23.6 * pJ, 3.5 * ns, _SAME),
    "spike": Price(0.0, 0.0, _INCLUDED),
    "packet": Price(0.0, 0.0, _INCLUDED),
    "packet received": Price(0.0, 0.0, _INCLUDED),
    "tile-local packet": Price(1.7 * pJ, 2.1 * ns, _DAVIES),
    "east-west hop": Price(3.0 * pJ, 4.1 * ns, _DAVIES),
    "north-south hop": Price(4.0 * pJ, 6.5 * ns, _DAVIES),
}

LOIHI_DAVIES = EventChip(name="loihi-davies", prices=_LOIHI_PRICES, sources=_LOIHI_SOURCES)
LOIHI_DAVIES_FLOAT32 = replace(LOIHI_DAVIES, name="loihi-davies-float32", arithmetic="float32")

# The same prices on many small cores, so that a small nervous system spreads over the mesh: assumed shape, published prices.
SMALL_CORES = replace(
    LOIHI_DAVIES,
    name="loihi-small-cores",
    tiles_x=8,
    tiles_y=8,
    cores_per_tile=1,
    neurons_per_core=16,
    sources={**_LOIHI_SOURCES, **dict.fromkeys(("tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core"), _SHAPE)},
)

# A chip for questions about energy alone: Loihi's prices and mesh, no limit that a network of this size meets. Assumed.
ROOMY = replace(
    LOIHI_DAVIES,
    name="loihi-roomy",
    synapses_per_core=10**9,
    axons_in=10**9,
    axons_out=10**9,
    sources={**_LOIHI_SOURCES, **dict.fromkeys(("synapses_per_core", "axons_in", "axons_out"), _ENDLESS)},
)
