"""Chips, wafers, supercomputers and a brain: what was published of each, what follows from it, and what is only usually quoted.

"Published" was read in the source, or in the collection that is named with it. "Computed" follows from published numbers by the line
that stands there. "Assumed" is everything else: numbers that are usually quoted and that we did not find, and choices of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.errors import unknown
from workbench.machines.column import COLUMN_RUNS
from workbench.machines.system import Energy, System
from workbench.recordings.prices import Citation
from workbench.units import W, kW, mW, pJ

__all__ = ["SYSTEMS", "system"]


def _published(where: str) -> Citation:
    return Citation("published", where)


def _computed(how: str) -> Citation:
    return Citation("computed", how)


def _assumed(what: str) -> Citation:
    return Citation("assumed", what)


def _quoted(number: str) -> Citation:
    """A number that is usually quoted and that we did not find in its source."""
    return _assumed(f"recalled: {number}, as usually quoted; not found in a source")


_COLLECTED = "as collected by Open Neuromorphic"
_ARTICLE = _published("Zhang 2024, Bulletin of the Chinese Academy of Sciences 39(5)")
_AKOPYAN = _published(f"Akopyan et al. 2015, IEEE TCAD 34:1537, {_COLLECTED}")
_LOIHI = _published("Davies et al. 2018, IEEE Micro 38(1):82")
_LOIHI_2 = _published(f"Loihi 2 (Intel 2021), {_COLLECTED}")
_HALA = _published("Hala Point (Intel 2024), announcement")
_SPINNAKER = _published(f"SpiNNaker (Manchester), {_COLLECTED}: 57,600 chips of 18 cores, 1 W a chip")
_SPINNAKER_2 = _published(f"SpiNNaker 2 (Dresden), {_COLLECTED}: 34,500 chips, each of 152,000 neurons, 2 to 5 W")
_BSS1 = _published(f"BrainScaleS-1 (Heidelberg), {_COLLECTED}")
_BSS2 = _published(f"BrainScaleS-2 (Heidelberg), {_COLLECTED}")
_WAFER = _published("DarwinWafer 2025, arXiv 2509.16213, abstract")
_WUKONG = _published("Wukong (Zhejiang University 2025), announcement: 960 Darwin3 chips")
_ODIN = _published(f"Frenkel et al. 2019, IEEE TBioCAS 13:145, {_COLLECTED}")
_TIANJIC = _published(f"Pei et al. 2019, Nature 572:106; IEEE CAS Magazine 2022, {_COLLECTED}")
_DEEPSOUTH = _published("DeepSouth (Western Sydney University 2023), announcement; its power was not published")
_CEREBRAS = _published("Cerebras 2021 and 2023: WSE-2 and Condor Galaxy 1")
_NVIDIA = "NVIDIA data sheet, dense FP16"
_SEQUOIA = _published("abstract of the Compass runs on Sequoia (IBM 2012), as quoted on a page of that year")
_COLUMN = {row.name: row for row in COLUMN_RUNS}


def _at_the_plug(run: str, note: str = "") -> Energy:
    """What a column of cortex cost on one of the twelve machines."""
    row = _COLUMN[run]
    if row.joules is None:
        raise unknown("measured energy", run, [r.name for r in COLUMN_RUNS if r.joules])
    return Energy(row.joules, "plug", row.citation, note or run)


def _peak(watts: float, operations: float) -> Energy:
    """A multiplication and an addition at peak: two operations for one synaptic event."""
    how = (
        f"2 × {watts:g} W / {operations:.3g} operations a second, both published: never reached by a network of spikes"
    )
    return Energy(2 * watts / operations, "operation", _computed(how), "a MAC at peak")


def _make(name: str, title: str, year: int, family: str, energies: tuple[Energy, ...] = (), **numbers: Any) -> System:
    """A system from pairs of a number and its citation."""
    given = {key: pair for key, pair in numbers.items() if pair is not None}
    values = {key: value for key, (value, _) in given.items()}
    sources = {key: citation for key, (_, citation) in given.items()}
    return System(name=name, title=title, year=year, family=family, energies=energies, sources=sources, **values)


_ALL = (
    _make(
        "brain",
        "the human brain",
        0,
        "brain",
        neurons=(86e9, _ARTICLE),
        synapses=(86e9 * 7000, _assumed("recalled: 7,000 synapses a neuron, an order of magnitude")),
        watts=(20 * W, _ARTICLE),
        speed=(1.0, _computed("the clock that all others are held against")),
    ),
    _make(
        "truenorth",
        "TrueNorth",
        2014,
        "neuromorphic",
        (
            Energy(1 / 400e9, "chip", _AKOPYAN, "best: 400 GSOPS/W"),
            Energy(1 / 46e9, "chip", _quoted("46 GSOPS/W"), "a typical network: 46 GSOPS/W"),
            Energy(26 * pJ, "chip", _quoted("26 pJ an event"), "26 pJ"),
        ),
        neurons=(4096 * 256.0, _AKOPYAN),
        synapses=(4096 * 65536.0, _AKOPYAN),
        watts=(65 * mW, _AKOPYAN),
        events=(58e9, _AKOPYAN),
        speed=(1.0, _quoted("a tick of 1 ms")),
    ),
    _make(
        "loihi",
        "Loihi",
        2018,
        "neuromorphic",
        (Energy(23.6 * pJ, "operation", _published(f"{_LOIHI.where}, table 2: before there was silicon")),),
        neurons=(128 * 1024.0, _LOIHI),
        synapses=(128e6, _LOIHI),
        watts=(1.5 * W, _published("Loihi (Intel 2018): below 1.5 W")),
    ),
    _make(
        "loihi-2",
        "Loihi 2",
        2021,
        "neuromorphic",
        neurons=(1e6, _LOIHI_2),
        synapses=(120e6, _LOIHI_2),
        watts=(1 * W, _LOIHI_2),
    ),
    _make(
        "hala-point",
        "Hala Point",
        2024,
        "neuromorphic",
        (
            Energy(
                2600 / 380e12,
                "chip",
                _computed("2.6 kW at most over 380e12 synaptic operations a second at most (both published)"),
                "1,152 chips, peak over peak",
            ),
        ),
        neurons=(1.15e9, _HALA),
        synapses=(128e9, _HALA),
        watts=(2.6 * kW, _HALA),
        events=(380e12, _HALA),
        speed=(20.0, _published(f"{_HALA.where}: twenty times real time at full capacity")),
    ),
    _make(
        "spinnaker",
        "SpiNNaker",
        2018,
        "neuromorphic",
        (_at_the_plug("SpiNNaker, 12 boards"), _at_the_plug("SpiNNaker, 6 boards")),
        neurons=(1_036_800 * 255.0, _assumed("1,036,800 cores (published), 255 neurons each (recalled)")),
        watts=(57.6 * kW, _computed(f"{_SPINNAKER.where}; supplies and boards not counted")),
        speed=(1.0, _published(_COLUMN["SpiNNaker, 12 boards"].citation.where)),
    ),
    _make(
        "spinnaker-2",
        "SpiNNaker 2",
        2024,
        "neuromorphic",
        neurons=(34_500 * 152_000.0, _computed(_SPINNAKER_2.where)),
        synapses=(34_500 * 152e6, _computed(f"{_SPINNAKER_2.where}, 152 million synapses")),
        watts=(34_500 * 5.0, _computed(f"{_SPINNAKER_2.where}: the upper end")),
    ),
    _make(
        "brainscales-1",
        "BrainScaleS-1",
        2017,
        "wafer",
        neurons=(196_608.0, _BSS1),
        synapses=(43.25e6, _BSS1),
        watts=(600 * W, _BSS1),
        speed=(1e4, _BSS1),
    ),
    _make(
        "brainscales-2",
        "BrainScaleS-2",
        2022,
        "neuromorphic",
        (Energy(10 * pJ, "chip", _quoted("10 pJ, an order")),),
        neurons=(512.0, _BSS2),
        synapses=(131_072.0, _BSS2),
        watts=(1 * W, _BSS2),
        speed=(1e3, _BSS2),
    ),
    _make(
        "odin",
        "ODIN",
        2019,
        "neuromorphic",
        (Energy(12.7 * pJ, "chip", _ODIN),),
        neurons=(256.0, _ODIN),
        synapses=(65_536.0, _ODIN),
        watts=(1 * mW, _published(f"{_ODIN.where}: 30 µW to 1 mW")),
    ),
    _make(
        "tianjic",
        "Tianjic",
        2019,
        "neuromorphic",
        (Energy(1 / 649e9, "chip", _quoted("649 GSOPS/W")),),
        neurons=(156 * 256.0, _TIANJIC),
        synapses=(10e6, _TIANJIC),
        watts=(0.4 * W, _published(f"{_TIANJIC.where}: while it rides the bicycle")),
    ),
    _make(
        "wukong",
        "Wukong",
        2025,
        "neuromorphic",
        neurons=(2e9, _WUKONG),
        synapses=(100e9, _WUKONG),
        watts=(2 * kW, _WUKONG),
    ),
    _make(
        "darwin-wafer",
        "DarwinWafer",
        2025,
        "wafer",
        (
            Energy(4.9 * pJ, "operation", _published(f"{_WAFER.where}: 4.9 pJ a synaptic operation")),
            Energy(
                100 / 64e12,
                "chip",
                _computed(
                    "about 100 W over 64e12 synaptic operations a second at most (both published): two occasions"
                ),
                "peak over a measured power",
            ),
        ),
        neurons=(0.15e9, _WAFER),
        synapses=(6.4e9, _WAFER),
        watts=(100 * W, _WAFER),
        events=(64e12, _WAFER),
    ),
    _make(
        "tianqin-hai",
        "Tianqin·Hai",
        2023,
        "wafer",
        neurons=(2e8, _published(f"{_ARTICLE.where}; nothing else of it was published")),
    ),
    _make("deepsouth", "DeepSouth", 2024, "FPGA", events=(228e12, _DEEPSOUTH)),
    _make(
        "wse-2",
        "WSE-2",
        2021,
        "wafer",
        (_peak(20e3, 4e18 / 64),),
        watts=(20 * kW, _CEREBRAS),
        operations=(
            4e18 / 64,
            _computed("4 exaFLOPS of AI over 64 systems (both published); sparse or dense is not said"),
        ),
    ),
    _make(
        "cg-1",
        "Condor Galaxy 1",
        2023,
        "supercomputer",
        (_peak(64 * 20e3, 4e18),),
        watts=(
            64 * 20 * kW,
            _computed("64 systems of 20 kW (both published), 23 kW at most; hosts and cooling not counted"),
        ),
        operations=(4e18, _published(f"{_CEREBRAS.where}: 4 exaFLOPS of AI")),
    ),
    _make(
        "a100",
        "A100",
        2020,
        "GPU",
        (_peak(400.0, 312e12),),
        watts=(400 * W, _published(f"A100, {_NVIDIA}")),
        operations=(312e12, _published(f"A100, {_NVIDIA}")),
    ),
    _make(
        "h100",
        "H100",
        2022,
        "GPU",
        (_peak(700.0, 989e12),),
        watts=(700 * W, _published(f"H100 SXM, {_NVIDIA}")),
        operations=(989e12, _published(f"H100 SXM, {_NVIDIA}")),
    ),
    _make("rtx-4090", "GeNN, RTX 4090", 2023, "GPU", (_at_the_plug("GeNN, RTX 4090"),)),
    _make("epyc", "NEST, EPYC", 2022, "CPU cluster", (_at_the_plug("NEST, 1 node of EPYC 7702"),)),
    _make("neuroaix", "neuroAIx", 2023, "FPGA", (_at_the_plug("neuroAIx, 35 FPGAs"),)),
    _make(
        "sequoia",
        "Compass on Sequoia",
        2012,
        "supercomputer",
        neurons=(53e10, _SEQUOIA),
        synapses=(1.37e14, _SEQUOIA),
        watts=(7.9e6 * W, _quoted("7.9 MW")),
        speed=(1 / 1542, _SEQUOIA),
    ),
)

SYSTEMS: Final[Mapping[str, System]] = {one.name: one for one in _ALL}
"""Every system by name; the brain is one of them."""


def system(name: str) -> System:
    """The system called `name`; raises DescriptionError for a name nobody has."""
    if name not in SYSTEMS:
        raise unknown("machine", name, SYSTEMS)
    return SYSTEMS[name]
