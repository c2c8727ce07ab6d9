"""Event chips from the literature, as far as it goes: every price and limit cited as published, computed or assumed.

What papers call energy per synaptic operation differs: some count it alone, some divide all power by all operations. Where a number
holds more than its event, the citation says so and what it holds is priced at nothing elsewhere, so that nothing is paid twice.
Numbers that are usually quoted but that we did not find in a source are marked assumed, with the place they are quoted from.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.chips.event import EVENTS, EventChip
from workbench.recordings.prices import Citation, Price
from workbench.units import mm2, ms, mW, ns, pJ, uJ, us

__all__ = ["DARWIN3", "ODIN", "SPINNAKER", "TIANJIC", "TRUENORTH"]


def _all(special: Mapping[str, Price], rest: Price) -> dict[str, Price]:
    """A price for every event: the special ones, and for all others the same."""
    return {event: special.get(event, rest) for event in EVENTS}


def _operations(joules: float, seconds: float, citation: Citation) -> dict[str, Price]:
    """One price for a spike at a synapse, however the synapse is stored and wherever the spike comes from."""
    names = ("synaptic operation", "dense operation", "shared operation", "outside operation")
    return {event: Price(joules, seconds, citation) for event in names}


# --- TrueNorth --------------------------------------------------------------------------------------------------------

_AKOPYAN = Citation("published", "Akopyan et al. 2015, IEEE TCAD 34:1537, as collected by Open Neuromorphic")
_TICK = Citation("assumed", "a step is one tick of 1 ms, as usually quoted; all work is done within it")
_LEAK = Citation(
    "computed",
    "65 mW (published) over 4,096 cores, for one tick of 1 ms: taken as what the chip draws at rest, neuron updates included",
)
# At most 58 GSOPS and at most 400 GSOPS/W: 145 mW, of which 65 mW flow without any spike. The 26 pJ an event that is usually quoted
# is all power over all events at a typical load; on top of the leakage it would be paid twice.
_MARGINAL = Citation(
    "computed",
    "(58 GSOPS / 400 GSOPS/W − 65 mW) / 58 GSOPS, all three published; 26 pJ, as often quoted, is all power over all events",
)
_IN_LEAK = Citation("assumed", "part of the 65 mW at rest")
_IN_MARGINAL = Citation("assumed", "part of the energy per synaptic operation, which was measured with its packets")
_CROSSBAR = Citation(
    "published", "Akopyan et al. 2015: 4,096 cores on 64 × 64 with 256 neurons and a crossbar of 256 × 256"
)

TRUENORTH = EventChip(
    name="truenorth",
    tiles_x=64,
    tiles_y=64,
    cores_per_tile=1,
    neurons_per_core=256,
    synapses_per_core=65_536,
    axons_in=256,
    axons_out=256,
    barrier_one=1 * ms,
    barrier_all=1 * ms,
    weight_bits=9,
    core_area=430 * mm2 / 4096,
    prices=_all(
        {
            "core step": Price(65 * mW * ms / 4096, 0.0, _LEAK),
            **_operations((58e9 / 400e9 - 0.065) / 58e9, 0.0, _MARGINAL),
            "active update": Price(0.0, 0.0, _IN_LEAK),
            "inactive update": Price(0.0, 0.0, _IN_LEAK),
        },
        Price(0.0, 0.0, _IN_MARGINAL),
    ),
    sources={
        **dict.fromkeys(
            ("tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core", "synapses_per_core", "axons_in"), _CROSSBAR
        ),
        "axons_out": Citation("published", "Akopyan et al. 2015: a neuron sends to one axon of one core"),
        "barrier_one": _TICK,
        "barrier_all": _TICK,
        "weight_bits": Citation("assumed", "four 9-bit weights a neuron, chosen by the kind of axon; ours are free"),
        "core_area": Citation("computed", "430 mm² of die (published) over 4,096 cores"),
    },
)

# --- ODIN -------------------------------------------------------------------------------------------------------------

_FRENKEL = Citation("published", "Frenkel et al. 2019, IEEE TBioCAS 13:145, as collected by Open Neuromorphic")
_ODIN_TIME = Citation("assumed", "two clocks of 75 MHz an operation, as usually quoted; not checked against the paper")
_ODIN_ALL = Citation("assumed", "part of the 12.7 pJ per operation")

ODIN = EventChip(
    name="odin",
    tiles_x=1,
    tiles_y=1,
    cores_per_tile=1,
    neurons_per_core=256,
    synapses_per_core=65_536,
    axons_in=512,
    axons_out=256,
    barrier_one=0.0,
    barrier_all=0.0,
    weight_bits=4,
    core_area=0.086 * mm2,
    prices=_all(
        {
            "core step": Price(
                0.0, 0.0, Citation("assumed", "left out: ODIN has no step, and 30 µW (published) is its lowest power")
            ),
            "synaptic operation": Price(
                12.7 * pJ, 2 / 75e6, Citation("published", f"12.7 pJ: {_FRENKEL.where}; time assumed")
            ),
            "dense operation": Price(12.7 * pJ, 2 / 75e6, _ODIN_TIME),
            "shared operation": Price(12.7 * pJ, 2 / 75e6, _ODIN_TIME),
            "outside operation": Price(12.7 * pJ, 2 / 75e6, _ODIN_TIME),
        },
        Price(0.0, 0.0, _ODIN_ALL),
    ),
    sources={
        **dict.fromkeys(
            ("tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core", "synapses_per_core", "core_area"), _FRENKEL
        ),
        "axons_in": Citation("assumed", "256 rows of the crossbar, and one outside input to each neuron"),
        "axons_out": Citation("computed", "256 neurons, one core"),
        "barrier_one": Citation("assumed", "no step, so no barrier"),
        "barrier_all": Citation("assumed", "no step, so no barrier"),
        "weight_bits": Citation("published", f"3 bits and 1 that says whether it learns: {_FRENKEL.where}"),
    },
)

# --- Darwin3 ----------------------------------------------------------------------------------------------------------

_WAFER = Citation("published", "DarwinWafer 2025, arXiv 2509.16213, abstract: 4.9 pJ per synaptic operation")
_PEAK = Citation("computed", "64 TSOPS of a wafer of 64 chips (published) over 576 cores a chip: 0.58 ns an operation")
_STAND_IN = Citation("assumed", "none is published; Loihi's number (Davies et al. 2018, table 2) stands in")
_MESH_24 = Citation("assumed", "24 × 24 cores, as usually quoted; not checked against the paper")
_TABLES = Citation("assumed", "none is published; fan-in and fan-out are compressed, so no table is taken to be full")

DARWIN3 = EventChip(
    name="darwin3",
    tiles_x=24,
    tiles_y=24,
    cores_per_tile=1,
    neurons_per_core=4096,
    synapses_per_core=173_611,
    axons_in=10**6,
    axons_out=10**6,
    core_area=0.0,
    prices=_all(
        {
            **_operations(4.9 * pJ, 576 / 1e12, Citation("published", f"{_WAFER.where}; time {_PEAK}")),
            "active update": Price(81 * pJ, 8.4 * ns, _STAND_IN),
            "inactive update": Price(52 * pJ, 5.3 * ns, _STAND_IN),
            "tile-local packet": Price(1.7 * pJ, 2.1 * ns, _STAND_IN),
            "east-west hop": Price(3.0 * pJ, 4.1 * ns, _STAND_IN),
            "north-south hop": Price(4.0 * pJ, 6.5 * ns, _STAND_IN),
        },
        Price(0.0, 0.0, Citation("assumed", "none is published; left out")),
    ),
    sources={
        **dict.fromkeys(("tiles_x", "tiles_y", "cores_per_tile"), _MESH_24),
        "neurons_per_core": Citation("computed", "2.35 million neurons (published) over 576 cores, as a power of two"),
        "synapses_per_core": Citation("computed", "more than 100 million synapses (published) over 576 cores"),
        "axons_in": _TABLES,
        "axons_out": _TABLES,
        "barrier_one": _STAND_IN,
        "barrier_all": _STAND_IN,
        "weight_bits": Citation("assumed", "8 bits with sign"),
        "core_area": Citation("assumed", "not published; left out"),
    },
)

# --- Tianjic ----------------------------------------------------------------------------------------------------------

_PEI = Citation("published", "Pei et al. 2019, Nature 572:106; IEEE CAS Magazine 2022 Q2: 156 cores of 256 neurons")
_PHASE = Citation("computed", "5,050 clocks a phase at 300 MHz (both published): one step, whatever happens in it")
# 0.4 W on the bicycle (published); at most 0.95 W and 649 GSOPS/W (as usually quoted): what is left over 0.4 W is the operations'.
_TIANJIC_BASE = Citation(
    "computed", "0.4 W on the bicycle (published) over 156 cores, for one phase: updates and leakage included"
)
_TIANJIC_EXTRA = Citation(
    "assumed",
    "(0.95 W − 0.4 W) / (0.95 W × 649 GSOPS/W), from numbers as usually quoted; not checked against the paper",
)
_IN_PHASE = Citation("assumed", "part of the power on the bicycle")

TIANJIC = EventChip(
    name="tianjic",
    tiles_x=13,
    tiles_y=12,
    cores_per_tile=1,
    neurons_per_core=256,
    synapses_per_core=65_536,
    axons_in=256,
    axons_out=256,
    barrier_one=5050 / 300e6,
    barrier_all=5050 / 300e6,
    weight_bits=2,
    core_area=14.4 * mm2 / 156,
    prices=_all(
        {
            "core step": Price(0.4 / 156 * 5050 / 300e6, 0.0, _TIANJIC_BASE),
            **_operations((0.95 - 0.4) / (0.95 * 649e9), 0.0, _TIANJIC_EXTRA),
        },
        Price(0.0, 0.0, _IN_PHASE),
    ),
    sources={
        "tiles_x": Citation("assumed", "156 cores (published) as 13 × 12"),
        "tiles_y": Citation("assumed", "156 cores (published) as 13 × 12"),
        "cores_per_tile": _PEI,
        "neurons_per_core": _PEI,
        "synapses_per_core": Citation("computed", "about 10 million synapses (published) over 156 cores: 256 × 256"),
        "axons_in": Citation("assumed", "as many as the crossbar has rows"),
        "axons_out": Citation("assumed", "one way for each neuron"),
        "barrier_one": _PHASE,
        "barrier_all": _PHASE,
        "weight_bits": Citation("computed", "22 KB a core (published) over 65,536 synapses leave 2 bits"),
        "core_area": Citation("computed", "14.4 mm² of die (published) over 156 cores"),
    },
)
"""Spikes only: Tianjic's cores can also carry values, as a layer of a dense network does, but value neurons come with another kind of
chip, and until then this is its spiking half."""

# --- SpiNNaker --------------------------------------------------------------------------------------------------------

_RHODES = Citation(
    "published",
    "0.601 µJ per synaptic event at the plug, 12 boards, cortical microcircuit in real time (table of Senk et al. 2026): cores, "
    "memory, links, boards and idling included, so it holds at that activity only and a silent network would cost nothing here",
)
_SPIN_OUTSIDE = Citation(
    "computed",
    "0.628 µJ with Poisson input less 0.601 µJ without (both published), over 1.31 outside spikes for each synaptic event",
)
_SPIN_ALL = Citation("assumed", "part of the 0.601 µJ per synaptic event")
_REAL_TIME = Citation(
    "published", "real time at steps of 0.1 ms (table of Senk et al. 2026); work is done within the step"
)
_SDRAM = Citation("assumed", "128 MB of memory a chip in words of 4 bytes for 16 cores, as usually quoted")

SPINNAKER = EventChip(
    name="spinnaker",
    tiles_x=8,
    tiles_y=6,
    cores_per_tile=16,
    neurons_per_core=255,
    synapses_per_core=2**21,
    axons_in=10**6,
    axons_out=10**6,
    barrier_one=100 * us,
    barrier_all=100 * us,
    weight_bits=16,
    routing="multicast",
    core_area=102 * mm2 / 18,
    prices=_all(
        {
            **_operations(0.601 * uJ, 0.0, _RHODES),
            "outside operation": Price((0.628 - 0.601) / 1.306 * uJ, 0.0, _SPIN_OUTSIDE),
        },
        Price(0.0, 0.0, _SPIN_ALL),
    ),
    sources={
        "tiles_x": Citation(
            "assumed", "one board of 48 chips as 8 × 6; its links are a hexagonal torus, ours a plain mesh"
        ),
        "tiles_y": Citation(
            "assumed", "one board of 48 chips as 8 × 6; its links are a hexagonal torus, ours a plain mesh"
        ),
        "cores_per_tile": Citation("assumed", "18 cores a chip (published), one to watch and one to spare"),
        "neurons_per_core": Citation("assumed", "about 255, as usually quoted"),
        "synapses_per_core": _SDRAM,
        "axons_in": _SDRAM,
        "axons_out": _SDRAM,
        "barrier_one": _REAL_TIME,
        "barrier_all": _REAL_TIME,
        "weight_bits": Citation("assumed", "16, as usually quoted"),
        "routing": Citation("published", "a multicast router on every chip"),
        "core_area": Citation("computed", "102 mm² of die (published) over 18 cores"),
    },
)
