"""Digital near-memory chips as cited data: NorthPole at three precisions, a von Neumann machine beside it, and a 45 nm pair by parts.

NorthPole's one price is all its power over all its work at its peak: a lower bound for anything less regular, and nothing else is
priced, so that nothing is paid twice. The 45 nm pair has a price for each part instead, from Horowitz's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.chips.digital import EVENTS, DigitalChip
from workbench.recordings.prices import Citation, Price
from workbench.units import MHz, mW, pJ

__all__ = [
    "DIGITAL_FLOAT64",
    "NEAR_MEMORY_45NM",
    "NORTHPOLE",
    "NORTHPOLE_2BIT",
    "NORTHPOLE_4BIT",
    "VON_NEUMANN",
    "VON_NEUMANN_45NM",
]


def _all(special: Mapping[str, Price], rest: Price) -> dict[str, Price]:
    """A price for every event: the special ones, and for all others the same."""
    return {event: special.get(event, rest) for event in EVENTS}


def _each(citation: Citation, *names: str) -> dict[str, Citation]:
    return dict.fromkeys(names, citation)


# --- NorthPole --------------------------------------------------------------------------------------------------------

_MODHA = Citation(
    "published",
    "Modha et al. 2023, Science 382:329: 16 × 16 cores, 2,048, 4,096 and 8,192 operations a core and cycle at 8, 4 and 2 bits, 400 MHz",
)
_OURS = Citation("assumed", "ours: the compiler's choice, not a number of the chip")
_SPLIT = Citation("assumed", "224 MB (published) split into 192 MB of weights and 32 MB of buffer, as usually quoted")
_AT_PEAK = Citation(
    "computed",
    "74 W on ResNet-50 in INT8 over the peak of 105 million million MACs a second (both published): 2.83 TOPS/W, a lower bound",
)
_IN_MAC = Citation("assumed", "part of the energy per MAC, which is all power over all work")
_NO_DRAM = Citation("published", "Modha et al. 2023: no memory outside the chip")

_SHARED = {
    **_each(_MODHA, "mesh_x", "mesh_y", "operations_8", "operations_4", "operations_2", "clock"),
    **_each(_SPLIT, "memory_per_core", "buffer"),
    **_each(_OURS, "weight_scale", "weight_fit", "activation_range", "calibration", "storage", "spread", "batch"),
    "memory": _NO_DRAM,
    "bandwidth": Citation("assumed", "not used: it has no memory outside the chip"),
    "weight_bits": _MODHA,
    "activation_bits": Citation("assumed", "as many as the weights of its 8-bit mode"),
    "skip_zeros": Citation("assumed", "its matrix units take dense rows; whether zeros save anything is not published"),
    "operations_64": Citation("assumed", "it has no float64: a stand-in for the reference arithmetic"),
    "updates": Citation("assumed", "its vector units' width in neurons is not published in what we read"),
    "hop_cycles": Citation("assumed", "one cycle from core to core"),
    "core_area": Citation("computed", "800 mm² of die (published) over 256 cores"),
}


def _northpole(bits: int, operations: int) -> Mapping[str, Price]:
    citation = _AT_PEAK
    if bits != 8:
        citation = Citation(
            "computed", f"74 W (published at 8 bits) over the peak at {bits} bits: the same power is assumed"
        )
    return _all({"MAC": Price(74.0 / (256 * operations / 2 * 400 * MHz), 0.0, citation)}, Price(0.0, 0.0, _IN_MAC))


NORTHPOLE = DigitalChip(name="northpole", skip_zeros=False, prices=_northpole(8, 2048), sources=_SHARED)
NORTHPOLE_4BIT = replace(NORTHPOLE, name="northpole-4bit", weight_bits=4, prices=_northpole(4, 4096))
NORTHPOLE_2BIT = replace(
    NORTHPOLE,
    name="northpole-2bit",
    weight_bits=2,
    weight_scale="column",
    weight_fit="squares",
    prices=_northpole(2, 8192),
)

VON_NEUMANN = replace(
    NORTHPOLE,
    name="von-neumann",
    memory="fetched",
    prices={
        **NORTHPOLE.prices,
        "DRAM byte": Price(
            40 * pJ, 0.0, Citation("assumed", "stacked memory at 5 pJ a bit, the order usually quoted for HBM2")
        ),
    },
    sources={
        **_SHARED,
        "memory": Citation("assumed", "ours: NorthPole's arithmetic with its weights outside"),
        "bandwidth": Citation("assumed", "0.9 TB/s, as usually quoted for the memory of a 12 nm GPU of 2017"),
    },
)
"""The same arithmetic at the same price, but every layer's weights come from DRAM: what the memory alone does."""

# --- 45 nm, part by part ----------------------------------------------------------------------------------------------

_HOROWITZ = "Horowitz, ISSCC 2014"
_SIZE = Citation("assumed", "ours: NorthPole's shape at 45 nm, so that only the place of the weights differs")
_PARTS = {
    "MAC": Price(
        0.3 * pJ,
        0.0,
        Citation("computed", f"INT8 multiply 0.2 pJ and INT32 add 0.1 pJ at 45 nm (published: {_HOROWITZ})"),
    ),
    "outside operation": Price(
        0.3 * pJ, 0.0, Citation("computed", f"as a MAC: 0.2 and 0.1 pJ at 45 nm (published: {_HOROWITZ})")
    ),
    "neuron update": Price(
        3.2 * pJ, 0.0, Citation("computed", f"INT32 multiply 3.1 pJ and add 0.1 pJ (published: {_HOROWITZ})")
    ),
    "SRAM byte": Price(
        2.5 * pJ, 0.0, Citation("assumed", f"banks of 32 KB, 20 pJ for 64 bits: recalled from {_HOROWITZ}")
    ),
    "buffer byte": Price(
        5 * pJ,
        0.0,
        Citation(
            "assumed", f"125 KB a core: 40 pJ for 64 bits, between 32 KB (20) and 1 MB (100) recalled from {_HOROWITZ}"
        ),
    ),
    "DRAM byte": Price(
        250 * pJ, 0.0, Citation("assumed", f"2,000 pJ for 64 bits, of 1,300 to 2,600: recalled from {_HOROWITZ}")
    ),
    "hop byte": Price(
        1 * pJ, 0.0, Citation("assumed", "ours: about 0.1 pJ a bit for a millimetre of wire, and a router")
    ),
    "spike": Price(0.0, 0.0, Citation("assumed", "paid by its bytes over the mesh and its MACs")),
    "core cycle": Price(
        1 * mW / (400 * MHz), 0.0, Citation("assumed", "ours: 1 mW of leakage and clock for a core in use")
    ),
}

NEAR_MEMORY_45NM = DigitalChip(
    name="near-memory-45nm",
    prices=_PARTS,
    sources={**dict.fromkeys(_SHARED, _SIZE), **_each(_OURS, "storage", "spread", "weight_scale", "activation_range")},
)
VON_NEUMANN_45NM = replace(
    NEAR_MEMORY_45NM,
    name="von-neumann-45nm",
    memory="fetched",
    bandwidth=12.8e9,
    sources={**NEAR_MEMORY_45NM.sources, "bandwidth": Citation("assumed", "ours: one channel of memory, 12.8 GB/s")},
)

# --- the reference arithmetic -----------------------------------------------------------------------------------------

_FOUR = Citation("assumed", f"four multiplies and two adds of FP32 (published: {_HOROWITZ}) stand in for float64")
DIGITAL_FLOAT64 = replace(
    NEAR_MEMORY_45NM,
    name="digital-float64",
    weight_bits=0,
    activation_bits=0,
    memory_per_core=8_000_000,
    buffer=4_000_000_000,
    prices={
        **_PARTS,
        "MAC": Price((4 * 3.7 + 2 * 0.9) * pJ, 0.0, _FOUR),
        "outside operation": Price((4 * 3.7 + 2 * 0.9) * pJ, 0.0, _FOUR),
        "neuron update": Price((4 * 3.7 + 2 * 0.9) * pJ, 0.0, _FOUR),
    },
    sources={
        **NEAR_MEMORY_45NM.sources,
        **_each(
            Citation("assumed", "ours: room for any network of the course in float64"), "memory_per_core", "buffer"
        ),
        **_each(Citation("assumed", "ours: the reference arithmetic"), "weight_bits", "activation_bits"),
    },
)
"""Everything in float64: what the rest is compared with. It equals Brian2 spike for spike."""
