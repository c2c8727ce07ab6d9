"""Chips by name, with every number cited. A new chip is a new constant here; nothing else changes."""

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

# 8 × 4 tiles of 4 cores, 1,024 neurons and 4,096 axons a core: published. The synapse memory holds at most about a million
# 1-bit synapses of 2 Mb a core, fewer with more bits: the limit here is assumed.
LOIHI_DAVIES = EventChip(name="loihi-davies", prices=_LOIHI_PRICES)
LOIHI_DAVIES_FLOAT32 = replace(LOIHI_DAVIES, name="loihi-davies-float32", arithmetic="float32")

# The same prices on many small cores, so that a small nervous system spreads over the mesh: assumed shape, published prices.
SMALL_CORES = replace(
    LOIHI_DAVIES, name="loihi-small-cores", tiles_x=8, tiles_y=8, cores_per_tile=1, neurons_per_core=16
)

# A chip for questions about energy alone: Loihi's prices and mesh, no limit that a network of this size meets. Assumed.
ROOMY = replace(LOIHI_DAVIES, name="loihi-roomy", synapses_per_core=10**9, axons_in=10**9, axons_out=10**9)
