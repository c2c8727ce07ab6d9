"""A design gives Loihi back at Loihi's numbers, and moves the way it says when a number changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.chips import CHIPS
from workbench.chips.design import LOIHI_DESIGN, Design
from workbench.units import Mbit, kbit, mm2

LOIHI = CHIPS["loihi-davies"]


def test_loihi_s_own_numbers_give_loihi_back() -> None:
    chip = LOIHI_DESIGN.on(LOIHI)
    assert chip.core_area == pytest.approx(0.41 * mm2)
    for event, price in LOIHI.prices.items():
        assert chip.prices[event].joules == pytest.approx(price.joules)
        assert chip.prices[event].seconds == pytest.approx(price.seconds)


def test_a_synapse_holds_its_weight_and_its_target() -> None:
    design = Design(memory=36 * kbit, weight_bits=8, neurons_per_core=1024)  # 8 + 10 bits
    assert design.synapses_per_core == 2048
    assert replace(design, neurons_per_core=1025).synapses_per_core == 36 * 1024 // 19


def test_costs_move_as_the_scaling_says() -> None:
    base = LOIHI_DESIGN.on(LOIHI)
    fourfold = replace(LOIHI_DESIGN, memory=8 * Mbit).on(LOIHI)
    assert fourfold.prices["synaptic operation"].joules == pytest.approx(23.6e-12 * (1 + 2) / 2)
    assert fourfold.core_area > base.core_area
    narrow = replace(LOIHI_DESIGN, link_width=8).on(LOIHI)
    assert narrow.prices["east-west hop"].seconds == pytest.approx(4 * 4.1e-9)
    assert narrow.prices["east-west hop"].joules == base.prices["east-west hop"].joules
    assert narrow.core_area < base.core_area
    assert {p.citation.kind for e, p in narrow.prices.items() if "hop" in e or "operation" in e} == {"assumed"}
