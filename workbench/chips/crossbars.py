"""Compute-in-memory chips from the literature, and one of round numbers to learn on: shapes, prices and areas, every number cited.

A price list is an operating point. What was published is a split of power or energy at one rate and one number of bits; divided by how
often each event happens there, it gives prices that return the published numbers for a full array and should be doubted elsewhere.
An operation is half a MAC: one multiplication or one addition.

ISAAC (2016) is a design on paper, NeuRRAM (2022) and Hermes (2023) are measured chips, the SONOS engine (2022) is simulated from a
measured array. `crossbar-assumed` is none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from workbench.chips.crossbar import EVENTS, CrossbarChip, Effects
from workbench.chips.devices import DEVICES
from workbench.errors import unknown
from workbench.recordings.prices import Citation, Price
from workbench.units import V, fJ, mm2, mV, mW, ns, pJ, um2, us

__all__ = [
    "CROSSBARS",
    "CROSSBAR_ASSUMED",
    "CROSSBAR_IDEAL",
    "HERMES_CORE",
    "HERMES_ONE_PHASE",
    "ISAAC",
    "NEURRAM",
    "NEURRAM_4BIT",
    "NEURRAM_POINTS",
    "SONOS_1152",
    "neurram",
]

_NOT_FROM_IT = ("effects", "prices", "sources", "name", "die")
_JOULE_LAW = Citation("computed", "10^-18 J of V²·G·t in the cells")
_IN_READ = Citation("assumed", "part of the tile read, which holds all of the published energy")


def _sources(otherwise: Citation, given: Mapping[str, Citation]) -> dict[str, Citation]:
    """A citation for every number of a chip: the one given, or else `otherwise`."""
    fields = (f for f in CrossbarChip.__dataclass_fields__ if f not in _NOT_FROM_IT)
    ours = {"delays": Citation("assumed", "ours: no source says what it does with synapses of different delays")}
    return {name: given.get(name, ours.get(name, otherwise)) for name in fields}


def _cite(kind: Literal["published", "computed", "assumed"], where: str, *names: str) -> dict[str, Citation]:
    return dict.fromkeys(names, Citation(kind, where))


def _digital(base: Mapping[str, Price]) -> dict[str, Price]:
    """A full price list: what a chip says nothing about is cheap and marked as ours."""
    ours = Citation("assumed", "ours: not in the source. An add of 32 bits is 0.1 pJ at 45 nm (Horowitz, ISSCC 2014)")
    write = Citation("assumed", "ours: 1 V, 100 µA, 100 ns, the order of a programming pulse of a resistive cell")
    rest = {
        "synaptic operation": Price(0.0, 0.0, Citation("assumed", "free: what it costs is in pulses and conversions")),
        "outside operation": Price(0.0, 0.0, Citation("assumed", "free: what it costs is in pulses and conversions")),
        "neuron update": Price(1 * pJ, 1 * ns, ours),
        "spike": Price(1 * pJ, 1 * ns, ours),
        "write pulse": Price(10 * pJ, 100 * ns, write),
    }
    return {event: base.get(event) or rest[event] for event in EVENTS}


# --- ISAAC ------------------------------------------------------------------------------------------------------------

_SHAFIEE = "Shafiee et al. 2016, ISCA"
_TABLE = f"{_SHAFIEE}, as transcribed by the component library of CiMLoop"
_RECALLED = f"recalled from {_SHAFIEE}, table 6"
_CYCLE, _RATE = 100 * ns, 1.28e9
# Of one IMA with 8 arrays, W; the rest of a tile is shared by its 12 IMAs.
_IMA = {"adc": 16 * mW, "dac": 4 * mW, "add": 0.2 * mW, "array": 2.4 * mW, "hold": 0.01 * mW, "registers": 1.47 * mW}
_TILE = {"eDRAM": 20.7 * mW, "bus": 7 * mW, "router": 42 * mW / 4, "units": (0.52 + 0.05 + 0.4 + 1.68) * mW}
_EACH_READ = _CYCLE / 8  # s of an IMA's power that one array's read takes
_MOVED = (_IMA["registers"] + sum(_TILE.values()) / 12) * _EACH_READ * 16  # J of a product of one array: 16 reads
_BYTES = 128 * 2 + 128 * 16  # inputs of 16 bits once, a byte for each conversion

ISAAC = CrossbarChip(
    name="isaac",
    rows=128,
    columns=128,
    tiles=168 * 12 * 8,
    device=DEVICES["ideal"],
    pairs="offset",
    weight_bits=16,
    slices=8,
    dac_bits=16,
    dac="bit-serial",
    adc_bits=8,
    adc_range="worst",
    adc_per="tile",
    adc_share=128,
    read_voltage=0.2 * V,
    read_time=_CYCLE,
    cell_area=25 * um2 / 128**2,
    adc_area=1200 * um2,
    row_area=170 * um2 / (128 * 8),
    prices=_digital(
        {
            "tile read": Price(
                (_IMA["array"] + _IMA["hold"]) * _EACH_READ,
                _CYCLE,
                Citation("assumed", f"2.4 mW in 8 arrays and 10 µW to sample and hold, for 100 ns: {_RECALLED}"),
            ),
            "row pulse": Price(
                _IMA["dac"] * _EACH_READ / 128,
                0.0,
                Citation("computed", f"4 mW of 8 × 128 DACs (published: {_TABLE}) for 100 ns (recalled)"),
            ),
            "array attojoule": Price(0.0, 0.0, Citation("assumed", "part of the tile read: a fixed power there")),
            "conversion": Price(
                _IMA["adc"] / 8 / _RATE,
                1 / _RATE,
                Citation("computed", f"2 mW (published: {_TABLE}) at 1.28 GS/s (recalled): 128 in 100 ns"),
            ),
            "digital addition": Price(
                _IMA["add"] * _EACH_READ / 128,
                0.0,
                Citation("computed", f"0.2 mW of shift-and-add (published: {_TABLE}) over the conversions"),
            ),
            "buffer byte": Price(
                _MOVED / _BYTES,
                0.0,
                Citation(
                    "assumed",
                    f"eDRAM 20.7, bus 7, a quarter of a router 42 mW ({_TABLE}); registers 1.47 mW in an IMA and 2.65 mW of other units "
                    f"({_RECALLED}): over the bytes of a full product",
                ),
            ),
        }
    ),
    sources=_sources(
        Citation("assumed", f"{_SHAFIEE} has no imperfections: perfect cells, wires and converters"),
        {
            **_cite(
                "published", f"{_SHAFIEE}, as configured in CrossSim (ISAAC.json)", "rows", "slices", "weight_bits"
            ),
            **_cite("published", f"{_TABLE}: 12 IMAs a tile", "adc_bits", "dac"),
            **_cite("assumed", f"128: {_RECALLED}", "columns"),
            **_cite("assumed", f"168 tiles of 12 IMAs of 8 arrays: {_RECALLED}", "tiles"),
            **_cite("assumed", f"weights are stored with an offset: {_RECALLED}", "pairs"),
            **_cite("assumed", f"16 bits, one in each read of 100 ns: {_RECALLED}", "dac_bits", "read_time"),
            **_cite("computed", "8 ADCs for 8 arrays (published) of 128 columns", "adc_share"),
            **_cite("published", f"{_TABLE}: 9,600 µm² for 8 ADCs, 170 µm² for 1,024 DACs", "adc_area", "row_area"),
            **_cite("assumed", f"25 µm² an array: {_RECALLED}", "cell_area"),
            **_cite("assumed", "not in the source: power is fixed there", "read_voltage"),
        },
    ),
)
"""ISAAC as a price list. Its weight of 16 bits lies in 8 cells of 2 bits; here each slice is an array of its own, which changes no count."""

# --- NeuRRAM ----------------------------------------------------------------------------------------------------------

_WAN = "Wan et al. 2022, Nature 608:504"
_DIGITISED = f"{_WAN}, extended data figure 12, as digitised in CiMLoop's tests (wan_nature_2022)"
NEURRAM_POINTS: Mapping[tuple[int, int], tuple[float, float, float, float, float]] = {
    (1, 3): (8.99015248, 10.6186848, 3.446220545, 2.12230988, 43.07875866),
    (2, 4): (8.270951256, 12.38674172, 3.955661604, 1.793083771, 40.33412834),
    (3, 5): (15.46307324, 20.11826462, 7.73153662, 1.165400233, 23.09069279),
    (4, 6): (21.75617998, 29.1084171, 11.50740478, 0.7438677864, 15.95409517),
    (5, 7): (30.92613276, 44.21188287, 14.0246365, 0.5254091287, 11.03166076),
    (6, 8): (37.2192395, 52.48282041, 19.23892768, 0.4177183338, 8.257196816),
    (7, 9): (43.69214654, 61.83258722, 22.83498524, 0.343873405, 7.750037817),
    (8, 10): (50.52466791, 75.85721686, 27.50986693, 0.2638743409, 6.437388185),
}
"""By (input bits, output bits): fJ an operation for word lines, neurons and input pulses; TOPS of 48 cores; TOPS/W.

The figure's legend counts a MAC as two operations, and so do the energies: the three of a row add up to 1 / (TOPS/W) within 2 %. An
energy per MAC is twice as much. One row disagrees, 6 bits in and 8 out, by 11 %: its split adds up to the 9.12 TOPS/W that the same
figure has for reading in one phase.
"""
_CELLS, _OPERATIONS, _CORES = (
    256 * 256,
    256 * 256,
    48,
)  # a core: 256 × 128 weights in pairs of cells, two operations each
_NEURON_AREA = 1270 * um2
_CORE_AREA = 256 * _NEURON_AREA / 0.28


def neurram(inputs: int, outputs: int, *, name: str = "") -> CrossbarChip:
    """NeuRRAM with inputs and outputs of so many bits, signs included; raises DescriptionError for what was not measured.

    Its rows take one pulse train and its neurons convert once, so inputs count as levels here.
    """
    if (inputs, outputs) not in NEURRAM_POINTS:
        known = [f"{i}/{o}" for i, o in NEURRAM_POINTS]
        raise unknown("bits of NeuRRAM (inputs/outputs)", f"{inputs}/{outputs}", known)
    lines, neurons, pulses, tops, _ = NEURRAM_POINTS[inputs, outputs]
    split = Citation("computed", f"{{:.4g}} fJ an operation × 65,536 operations over {{}}; {_DIGITISED}")

    def price(fj: float, events: int, what: str, seconds: float = 0.0) -> Price:
        return Price(fj * fJ * _OPERATIONS / events, seconds, replace(split, where=split.where.format(fj, what)))

    return CrossbarChip(
        name=name or f"neurram-{inputs}in-{outputs}out",
        rows=128,
        columns=512,
        tiles=_CORES,
        device=DEVICES["rram-wan"],
        weight_bits=0,
        dac_bits=max(inputs - 1, 1),
        adc_bits=outputs,
        adc_range="calibrated",
        read_voltage=500 * mV,
        read_time=10 * ns,
        cell_area=0.12 * _CORE_AREA / _CELLS,
        adc_area=_NEURON_AREA,
        row_area=0.21 * _CORE_AREA / 128,
        prices=_digital(
            {
                "tile read": price(lines, 1, "a read: the word lines", _OPERATIONS * _CORES / (tops * 1e12)),
                "row pulse": price(pulses, 128, "128 inputs, two rows each: the input pulses, cells included"),
                "array attojoule": Price(0.0, 0.0, Citation("assumed", "part of the input pulses")),
                "conversion": price(neurons, 256, "256 columns: the neurons and their control"),
                "digital addition": Price(0.0, 0.0, Citation("assumed", "part of the neurons and their control")),
                "buffer byte": Price(0.0, 0.0, Citation("assumed", "part of the neurons and their control")),
            }
        ),
        sources=_sources(
            Citation("assumed", "as it comes: not taken from the source"),
            {
                **_cite(
                    "computed",
                    f"256 × 256 cells and 256 neurons a core (published: {_WAN}, as used by CiMLoop): 128 inputs, each on a pair of rows, and "
                    "256 outputs; here the pairs lie in columns",
                    "rows",
                    "columns",
                ),
                **_cite("published", f"{_WAN}: 48 cores, as used by CiMLoop", "tiles"),
                **_cite("published", f"{_WAN}: two cells a signed weight", "pairs", "device"),
                **_cite("published", f"{_DIGITISED}: bits of input and output", "dac_bits", "adc_bits"),
                **_cite("published", f"{_DIGITISED}: 0.5 V, one neuron a column", "read_voltage", "adc_share"),
                **_cite("assumed", "a pulse of 10 ns, as CiMLoop's model has it", "read_time"),
                **_cite("assumed", "one conversion at the end of the pulses", "dac"),
                **_cite(
                    "computed",
                    "1,270 µm² a neuron, 28 % of a core; drivers 21 %, cells 12 % (published: as digitised in CiMLoop's tests); "
                    "the other 39 % are left out",
                    "cell_area",
                    "adc_area",
                    "row_area",
                ),
            },
        ),
    )


NEURRAM = neurram(8, 10, name="neurram")
NEURRAM_4BIT = neurram(4, 6, name="neurram-4bit")

# --- Hermes -----------------------------------------------------------------------------------------------------------

_LE_GALLO = "Le Gallo et al. 2023, Nature Electronics 6:680, abstract"
_UNIT_CELLS = 2 * 256 * 256  # operations of a core in one product: a unit cell is a pair, and has one weight


def _hermes(name: str, tops: float, per_watt: float, phases: str) -> CrossbarChip:
    """One reading mode of the Hermes chip: all its energy and time in the tile read, for no split was found."""
    whole = Citation(
        "computed",
        f"131,072 operations at {per_watt} TOPS/W and {tops} TOPS on 64 cores, {phases} (published: {_LE_GALLO})",
    )
    return CrossbarChip(
        name=name,
        rows=256,
        columns=512,
        tiles=64,
        device=DEVICES["hermes"],
        weight_bits=0,
        dac_bits=7,
        adc_bits=8,
        read_time=130 * ns,
        cell_area=63.1 / 64 / 1.59 * mm2 / (256 * 512),
        adc_area=0.0,
        row_area=0.0,
        prices=_digital(
            {
                "tile read": Price(_UNIT_CELLS / (per_watt * 1e12), _UNIT_CELLS * 64 / (tops * 1e12), whole),
                **dict.fromkeys(
                    ("row pulse", "array attojoule", "conversion", "digital addition", "buffer byte"),
                    Price(0.0, 0.0, _IN_READ),
                ),
            }
        ),
        sources=_sources(
            Citation("assumed", "as it comes: not taken from the source"),
            {
                **_cite(
                    "published", f"{_LE_GALLO}: 64 cores of 256 × 256 unit cells, 8 bits in and out", "rows", "tiles"
                ),
                **_cite("published", f"{_LE_GALLO}: 8 bits in and out, one of them the sign", "dac_bits", "adc_bits"),
                **_cite("computed", "256 unit cells (published), each a pair: 512 columns of cells", "columns"),
                **_cite("published", "256 ADCs a core: Khaddam-Aljameh et al. 2022, JSSC, abstract", "adc_share"),
                **_cite("published", f"{_LE_GALLO}: phase-change memory", "device"),
                **_cite("assumed", "about what a product takes in one phase", "read_time"),
                **_cite(
                    "computed",
                    "63.1 TOPS on 64 cores over 1.59 TOPS/mm² (published: Khaddam-Aljameh et al. 2022, the single core), converters included",
                    "cell_area",
                    "adc_area",
                    "row_area",
                ),
            },
        ),
    )


HERMES_CORE = _hermes("hermes-core", 16.1, 2.48, "four phases, precise")
HERMES_ONE_PHASE = _hermes("hermes-one-phase", 63.1, 9.76, "one phase, less precise")

# --- SONOS ------------------------------------------------------------------------------------------------------------

_XIAO = "Xiao et al. 2022, IEEE TCAS-I 69:1480"
_XSIM = f"{_XIAO}, as configured in CrossSim (SONOS-TCAS.json)"

SONOS_1152 = CrossbarChip(
    name="sonos-1152",
    rows=1152,
    columns=512,
    tiles=128,
    device=DEVICES["sonos"],
    weight_bits=7,
    dac_bits=7,
    adc_bits=8,
    read_time=1 * us,
    adc_area=500 * um2,
    prices=_digital(
        {
            "tile read": Price(
                2 * 1152 * 256 / 20e12,
                1 * us,
                Citation(
                    "computed",
                    f"589,824 operations at 20 TOPS/W, projected on ResNet-50 (published: {_XIAO}, abstract)",
                ),
            ),
            **dict.fromkeys(
                ("row pulse", "array attojoule", "conversion", "digital addition", "buffer byte"),
                Price(0.0, 0.0, _IN_READ),
            ),
        }
    ),
    sources=_sources(
        Citation("assumed", "as it comes: not taken from the source"),
        {
            **_cite(
                "published",
                f"{_XSIM}: 1,152 rows, 256 pairs of columns, subtracted before one ADC",
                "rows",
                "adc_share",
            ),
            **_cite("published", f"{_XSIM}: 256 pairs", "columns", "pairs"),
            **_cite("published", f"{_XSIM}: 8 bits with the sign", "weight_bits", "dac_bits", "adc_bits"),
            **_cite("published", f"{_XIAO}: cells below threshold, 40 nm", "device"),
            **_cite("assumed", "one conversion at the end: inputs' bits are added before the ADC", "dac"),
            **_cite("assumed", "enough for the 25.6 million weights of ResNet-50", "tiles"),
        },
    ),
)

# --- a chip to learn on -----------------------------------------------------------------------------------------------

_OURS = Citation("assumed", "ours: a round number to reason with")
_MAGNITUDE = Citation("assumed", "ours: a round number, three times the survey's bound for 8 bits at 1 GS/s (0.64 pJ)")

CROSSBAR_ASSUMED = CrossbarChip(
    name="crossbar-assumed",
    rows=256,
    columns=256,
    tiles=1024,
    device=DEVICES["pcm-joshi"],
    dac_bits=7,
    adc_bits=8,
    adc_share=8,
    read_voltage=0.2 * V,
    read_time=10 * ns,
    prices=_digital(
        {
            "tile read": Price(5 * pJ, 10 * ns, _OURS),
            "row pulse": Price(0.1 * pJ, 0.0, _OURS),
            "array attojoule": Price(1e-18, 0.0, _JOULE_LAW),
            "conversion": Price(2 * pJ, 1 * ns, _MAGNITUDE),
            "digital addition": Price(0.05 * pJ, 0.0, _OURS),
            "buffer byte": Price(0.1 * pJ, 0.0, _OURS),
        }
    ),
    sources=_sources(_OURS, {}),
)
"""Round numbers, all assumed: what a learner computes with by hand."""

CROSSBAR_IDEAL = replace(
    CROSSBAR_ASSUMED,
    name="crossbar-ideal",
    device=DEVICES["ideal"],
    dac_bits=0,
    adc_bits=0,
    effects=Effects(**dict.fromkeys(Effects.__dataclass_fields__, False)),
)
"""The same chip without any imperfection and without rounding: it computes in float64, and equals Brian2 on its realised netlist."""

CROSSBARS: Mapping[str, CrossbarChip] = {
    chip.name: chip
    for chip in (
        CROSSBAR_ASSUMED,
        CROSSBAR_IDEAL,
        ISAAC,
        NEURRAM,
        NEURRAM_4BIT,
        HERMES_CORE,
        HERMES_ONE_PHASE,
        SONOS_1152,
    )
}
"""The chips of this file by name."""
