"""A brain processing unit of the Tianqin class: a parametric event chip, every number assumed. It is a class, not the chip.

Nothing technical has been published about the BPU of that name: no size, no process, no energy. What is said of it (events instead
of a clock, memory beside the neurons, many cores on a mesh) describes a class of machines, and this is one of that class, with round
numbers between published ones. Change any of them: `replace(TIANQIN_CLASS, neurons_per_core=512)`.
"""

from __future__ import annotations

from workbench.chips.event import EVENTS, EventChip
from workbench.recordings.prices import Citation, Price
from workbench.units import mm2, ns, pJ

__all__ = ["TIANQIN_CLASS"]

NO_DATA = "no data published; a class, not the chip"
_ROUND = Citation("assumed", f"{NO_DATA}. A round number between Darwin3 (4.9 pJ) and Loihi (23.6 pJ)")
_ASLEEP = Citation("assumed", f"{NO_DATA}. A neuron to which nothing happens is passed over, not fetched")
_ROUTER = Citation("assumed", f"{NO_DATA}. About a hop of Loihi's mesh (3 to 4 pJ)")
_SHAPE = Citation(
    "assumed", f"{NO_DATA}. Two million neurons a die, a hundred dies for the 200 million said of a wafer"
)

_PRICES = {
    "core step": Price(20 * pJ, 0.0, _ASLEEP),
    "active update": Price(40 * pJ, 4 * ns, _ROUND),
    "inactive update": Price(2 * pJ, 0.5 * ns, _ASLEEP),
    "synaptic operation": Price(10 * pJ, 2 * ns, _ROUND),
    "dense operation": Price(8 * pJ, 1 * ns, _ROUND),
    "shared operation": Price(8 * pJ, 1 * ns, _ROUND),
    "outside operation": Price(10 * pJ, 2 * ns, _ROUND),
    "spike": Price(10 * pJ, 5 * ns, _ROUND),
    "packet": Price(5 * pJ, 2 * ns, _ROUTER),
    "packet received": Price(5 * pJ, 2 * ns, _ROUTER),
    "tile-local packet": Price(1 * pJ, 1 * ns, _ROUTER),
    "east-west hop": Price(3 * pJ, 3 * ns, _ROUTER),
    "north-south hop": Price(3 * pJ, 3 * ns, _ROUTER),
}
_LIMITS = ("tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core", "synapses_per_core", "axons_in", "axons_out")
_REST = ("barrier_one", "barrier_all", "weight_bits", "routing", "link_buffer", "core_area")

TIANQIN_CLASS = EventChip(
    name="tianqin-class",
    tiles_x=32,
    tiles_y=32,
    cores_per_tile=1,
    neurons_per_core=2048,
    synapses_per_core=262_144,
    axons_in=16_384,
    axons_out=16_384,
    barrier_one=100 * ns,
    barrier_all=500 * ns,
    routing="multicast",
    core_area=0.3 * mm2,
    prices={event: _PRICES[event] for event in EVENTS},
    sources=dict.fromkeys((*_LIMITS, *_REST), _SHAPE),
)
