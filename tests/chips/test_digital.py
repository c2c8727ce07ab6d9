"""Digital near-memory chips: every number is cited, NorthPole's follow from its published ones, nonsense is refused."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from workbench.chips import near_memory
from workbench.chips.dense import DENSE
from workbench.chips.digital import EVENTS, DigitalChip
from workbench.chips.near_memory import (
    DIGITAL_FLOAT64,
    NEAR_MEMORY_45NM,
    NORTHPOLE,
    NORTHPOLE_2BIT,
    NORTHPOLE_4BIT,
    VON_NEUMANN,
    VON_NEUMANN_45NM,
)
from workbench.errors import DescriptionError
from workbench.fields import from_json, to_json
from workbench.recordings.prices import Citation
from workbench.units import MHz, mm2, pJ

ALL = [getattr(near_memory, name) for name in near_memory.__all__]
CITED = Citation("assumed", "a test of what makes no sense")


@pytest.mark.parametrize("chip", ALL, ids=lambda c: c.name)
def test_every_price_and_every_number_says_where_it_comes_from(chip: DigitalChip) -> None:
    assert set(chip.prices) == set(EVENTS)
    cited = [*chip.sources.values(), *(price.citation for price in chip.prices.values())]
    assert all(c.kind in ("published", "computed", "assumed") and len(c.where) > 10 for c in cited)
    numbers = {f.name for f in dataclasses.fields(DigitalChip)} - {"die", "name", "prices", "sources"}
    assert numbers == set(chip.sources)


@pytest.mark.parametrize("chip", ALL, ids=lambda c: c.name)
def test_a_chip_travels_through_json(chip: DigitalChip) -> None:
    assert from_json(to_json(chip)) == chip


def test_a_number_that_was_only_recalled_is_marked_assumed() -> None:
    for chip in ALL:
        for price in chip.prices.values():
            if "recalled" in price.citation.where or "usually quoted" in price.citation.where:
                assert price.citation.kind == "assumed"


def test_northpole_follows_from_what_was_published() -> None:
    assert NORTHPOLE.cores == 256
    assert NORTHPOLE.peak == 256 * 2048 * 400 * MHz == pytest.approx(210e12, rel=0.002)
    assert NORTHPOLE.peak / 74 == pytest.approx(2.83e12, rel=0.002)
    # All cores at work, every cycle: 74 W.
    for chip in (NORTHPOLE, NORTHPOLE_4BIT, NORTHPOLE_2BIT):
        assert chip.peak / 2 * chip.prices["MAC"].joules == pytest.approx(74)
    assert NORTHPOLE_2BIT.peak == 4 * NORTHPOLE.peak == 2 * NORTHPOLE_4BIT.peak
    assert NORTHPOLE.capacity == 192e6
    assert NORTHPOLE.area == pytest.approx(800 * mm2)
    assert NORTHPOLE.prices["MAC"].joules == pytest.approx(DENSE["northpole"].mac_int8)


def test_horowitz_s_multiply_and_add_make_a_mac() -> None:
    assert NEAR_MEMORY_45NM.prices["MAC"].joules == pytest.approx((0.2 + 0.1) * pJ)
    assert NEAR_MEMORY_45NM.prices["neuron update"].joules == pytest.approx((3.1 + 0.1) * pJ)


@pytest.mark.parametrize(("near", "far"), [(NORTHPOLE, VON_NEUMANN), (NEAR_MEMORY_45NM, VON_NEUMANN_45NM)])
def test_a_von_neumann_machine_differs_in_its_memory_alone(near: DigitalChip, far: DigitalChip) -> None:
    other = replace(
        far, name=near.name, memory="on chip", bandwidth=near.bandwidth, sources=near.sources, prices=near.prices
    )
    assert other == near
    assert {e for e in EVENTS if far.prices[e] != near.prices[e]} <= {"DRAM byte"}
    assert far.prices["DRAM byte"].joules > 10 * far.prices["MAC"].joules


def test_only_float64_is_called_float64() -> None:
    assert [c.name for c in ALL if not c.weight_bits] == [DIGITAL_FLOAT64.name]
    assert DIGITAL_FLOAT64.value_bits == DIGITAL_FLOAT64.stored_bits == 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weight_bits": 3}, "must be 2, 4 or 8, or 0"),
        ({"weight_bits": 9}, "DigitalChip.weight_bits is 9"),
        ({"activation_bits": 1}, "2 or more, or 0"),
        ({"mesh_x": 0}, "DigitalChip.mesh_x is 0"),
        ({"memory": "cloud"}, "fetched"),
        ({"batch": 0}, "DigitalChip.batch is 0"),
        ({"memory_per_core": 0}, "DigitalChip.memory_per_core is 0"),
        ({"clock": 0.0}, "clock"),
        ({"prices": {}}, "no price for 'MAC'"),
        ({"prices": {**NORTHPOLE.prices, "MACS": NORTHPOLE.prices["MAC"]}}, "did you mean 'MAC'"),
        ({"sources": {"mesh_z": CITED}}, "did you mean 'mesh_x'|did you mean 'mesh_y'"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(changes: dict, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        replace(NORTHPOLE, **changes)
