"""Wafers by name. DarwinWafer as far as its abstract goes; and a class for the wafer of which 200 million neurons is all that is said."""

from __future__ import annotations

from workbench.chips.wafer import WaferChip
from workbench.recordings.prices import Citation, Price
from workbench.units import ns, pJ

__all__ = ["DARWIN_WAFER", "TIANQIN_HAI_CLASS"]

_DARWIN = Citation(
    "published", "DarwinWafer, arXiv 2509.16213, abstract: 64 chiplets of Darwin3, 0.15 billion neurons, 4.9 pJ/SOP"
)
_PEAK = Citation(
    "computed", "4.9 pJ/SOP (published, arXiv 2509.16213); time: 64 TSOPS at the peak (published) over 64 × 576 cores"
)
_MESH = Citation("assumed", "recalled from the paper on Darwin3: 24 × 24 cores")
_LOIHI = Citation("assumed", "not published; Loihi's table (Davies et al. 2018) stands in")
_LEFT_OUT = Citation("assumed", "none is published; left out")
_VIA = Citation(
    "assumed", "no layers are stacked on it; a hop to the layer above would be a router's, its wire of some 50 µm free"
)
_LINK = Citation(
    "assumed",
    "recalled: 0.5 pJ a bit between dies on an interposer, 64 bits a packet, one clock of 333 MHz on each side",
)

DARWIN_WAFER = WaferChip(
    name="darwin-wafer",
    dies_x=8,
    dies_y=8,
    tiles_x=24,
    tiles_y=24,
    cores_per_tile=1,
    neurons_per_core=4096,
    prices={
        "core step": Price(0.0, 0.0, _LEFT_OUT),
        "neuron update": Price(52 * pJ, 5.3 * ns, _LOIHI),
        "synaptic operation": Price(4.9 * pJ, 64 * 576 / 64e12, _PEAK),
        "outside operation": Price(4.9 * pJ, 64 * 576 / 64e12, _PEAK),
        "spike": Price(0.0, 0.0, _LEFT_OUT),
        "packet": Price(0.0, 0.0, _LEFT_OUT),
        "east-west hop": Price(3.0 * pJ, 4.1 * ns, _LOIHI),
        "north-south hop": Price(4.0 * pJ, 6.5 * ns, _LOIHI),
        "die link": Price(32 * pJ, 6.0 * ns, _LINK),
        "via": Price(3.0 * pJ, 4.1 * ns, _VIA),
    },
    sources={
        **dict.fromkeys(("dies_x", "dies_y"), Citation("computed", "64 chiplets (published) as a square")),
        **dict.fromkeys(("tiles_x", "tiles_y", "cores_per_tile"), _MESH),
        "neurons_per_core": Citation(
            "computed", f"2.35 million neurons a chiplet over 576 cores, as a power of two; {_DARWIN.where}"
        ),
    },
)
"""64 Darwin3 chiplets on an interposer."""

_NO_DATA = "no data published but 200 million neurons a wafer; a class, not the wafer"
_ROUND = Citation("assumed", f"{_NO_DATA}. A round number between Darwin3 (4.9 pJ) and Loihi (23.6 pJ)")
_ASLEEP = Citation("assumed", f"{_NO_DATA}. A neuron to which nothing happens is passed over, not fetched")
_ROUTER = Citation("assumed", f"{_NO_DATA}. About a hop of Loihi's mesh (3 to 4 pJ)")
_BETWEEN = Citation("assumed", f"{_NO_DATA}. 0.5 pJ a bit, 64 bits a packet")
_SHAPE = Citation("assumed", f"{_NO_DATA}. A hundred dies of 1,024 cores with 2,048 neurons, as in 'tianqin-class'")

TIANQIN_HAI_CLASS = WaferChip(
    name="tianqin-hai-class",
    dies_x=10,
    dies_y=10,
    tiles_x=32,
    tiles_y=32,
    cores_per_tile=1,
    neurons_per_core=2048,
    prices={
        "core step": Price(20 * pJ, 0.0, _ASLEEP),
        "neuron update": Price(2 * pJ, 0.5 * ns, _ASLEEP),
        "synaptic operation": Price(10 * pJ, 2 * ns, _ROUND),
        "outside operation": Price(10 * pJ, 2 * ns, _ROUND),
        "spike": Price(10 * pJ, 5 * ns, _ROUND),
        "packet": Price(5 * pJ, 2 * ns, _ROUTER),
        "east-west hop": Price(3 * pJ, 3 * ns, _ROUTER),
        "north-south hop": Price(3 * pJ, 3 * ns, _ROUTER),
        "die link": Price(32 * pJ, 6 * ns, _BETWEEN),
        "via": Price(3 * pJ, 3 * ns, _VIA),
    },
    sources=dict.fromkeys(("dies_x", "dies_y", "tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core"), _SHAPE),
)
"""A wafer of 200 million neurons."""
