"""Converters: the bounds give the table that was worked out by hand, the survey line has its corner, nonsense is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.chips import converters
from workbench.chips.converters import (
    BOLTZMANN,
    SOURCES,
    WALDEN_BEST,
    WALDEN_OLD,
    WALDEN_USUAL,
    adc_area,
    adc_bits,
    adc_bound,
    adc_energy,
    dac_energy,
    schreier,
    schreier_corner,
    sqnr,
    survey_line,
    thermal,
    walden,
)
from workbench.errors import DescriptionError
from workbench.units import fJ, pJ, um2

TABLE = {  # bits: pJ by 8kT·SNR; by the survey at 10 MS/s and at 1 GS/s; by 0.5, 2.2 and 10 fJ a step
    4: (1.3e-5, 1.9e-4, 2.5e-3, 0.008, 0.035, 0.16),
    6: (2.0e-4, 3.0e-3, 0.040, 0.032, 0.14, 0.64),
    8: (3.3e-3, 0.048, 0.64, 0.13, 0.56, 2.6),
    10: (0.052, 0.76, 10.2, 0.51, 2.3, 10.2),
}


@pytest.mark.parametrize("bits", TABLE)
def test_the_bounds_are_those_of_the_table(bits: int) -> None:
    found = (
        thermal(bits),
        schreier(bits, 10e6),
        schreier(bits, 1e9),
        walden(bits, WALDEN_BEST),
        walden(bits, WALDEN_USUAL),
        walden(bits, WALDEN_OLD),
    )
    assert [float(f) / pJ for f in found] == pytest.approx(TABLE[bits], rel=0.03)  # the table has two digits


def test_the_signal_over_rounding_is_6_02_decibels_a_bit() -> None:
    for bits, decibels in ((4, 25.84), (6, 37.88), (8, 49.92)):
        assert float(sqnr(bits)) == pytest.approx(6.02 * bits + 1.76, abs=0.01)
        assert float(sqnr(bits)) == pytest.approx(decibels, abs=0.015)
    assert adc_bits(sqnr(np.arange(1, 17))) == pytest.approx(np.arange(1, 17))


@pytest.mark.parametrize(("bits", "under"), [(4, 0.53), (6, 0.28), (8, 0.14), (10, 0.07), (12, 0.036)])
def test_a_rounded_sine_has_nearly_that_ratio(bits: int, under: float) -> None:
    """A full-scale sine through a mid-rise quantiser, at phases that never repeat: below 6.02 b + 1.76 dB by half as much every two bits.

    The formula takes errors as spread evenly over a step; at the turns of a sine they are not.
    """
    sine = np.sin(2 * np.pi * (np.sqrt(5) - 1) / 2 * np.arange(400_000))
    step = 2 / 2**bits
    rounded = np.clip((np.floor(sine / step) + 0.5) * step, -1 + step / 2, 1 - step / 2)
    ratio = 10 * np.log10(np.mean(sine**2) / np.mean((rounded - sine) ** 2))
    assert float(sqnr(bits)) - ratio == pytest.approx(under, abs=0.01)


def test_the_energy_is_the_highest_bound_and_says_which() -> None:
    assert adc_bound(6, 1e9) == "walden"
    assert adc_bound(10, 1e9) == "schreier"
    assert adc_bound(10, 1e9, step=1e-21, temperature=3e7) == "thermal"
    for bits in (4, 8, 12):
        most = max(float(b) for b in (walden(bits), schreier(bits, 1e8), thermal(bits)))
        assert float(adc_energy(bits, 1e8)) == most
    assert float(adc_energy(0)) == 0.0
    # A bit more: twice as much where steps decide, four times where noise does.
    assert float(adc_energy(5) / adc_energy(4)) == pytest.approx(2)
    assert float(adc_energy(12) / adc_energy(11)) == pytest.approx(4)


def test_the_survey_line_bends_at_its_corner() -> None:
    corner = schreier_corner()
    assert corner == pytest.approx(174e6, rel=0.005)
    assert survey_line([corner / 1000, corner / 2, corner]) == pytest.approx([180.14] * 3)
    assert float(survey_line(corner * math.e)) == pytest.approx(180.14 - 6.461)


def test_no_converter_of_the_survey_beats_thermal_noise() -> None:
    """The best figure of merit would be 10 log10(1 / (16 k T)) = 191.8 dB: 8 kT·SNR for two samples of a period."""
    assert 10 * math.log10(1 / (16 * BOLTZMANN * 300)) == pytest.approx(191.8, abs=0.05)
    bits = np.arange(1, 20)
    assert (schreier(bits, 1e4) > 10 * thermal(bits)).all()


def test_the_area_follows_the_regression() -> None:
    """By hand: ln A = 4.85 + 0.797 ln 32 + 0.067 ln 1e9 − 0.134 · 8 + 0.424 ln 1."""
    by_hand = math.exp(4.85 + 0.797 * math.log(32) + 0.067 * math.log(1e9) - 0.134 * 8)
    assert float(adc_area(8, 1e9, 32e-9, 1 * pJ)) == pytest.approx(by_hand * um2)
    assert float(adc_area(8, 1e9, 32e-9, math.e * pJ) / adc_area(8, 1e9, 32e-9, 1 * pJ)) == pytest.approx(
        math.exp(0.424)
    )
    assert float(adc_area(8, 1e9, 64e-9)) == pytest.approx(2**0.797 * float(adc_area(8, 1e9, 32e-9)))
    with pytest.raises(DescriptionError, match="no area"):
        adc_area(0, 1e9, 32e-9)


def test_a_dac_charges_a_capacitor_for_each_step() -> None:
    assert float(dac_energy(8, 0.5)) == pytest.approx(256 * 1e-15 * 0.25)
    assert float(dac_energy(0)) == 0.0
    assert SOURCES["dac_energy"].kind == "assumed"


def test_every_number_is_cited_and_recalled_ones_are_not_called_published() -> None:
    for name in ("WALDEN_BEST", "WALDEN_USUAL", "WALDEN_OLD", "FOM_MOST", "FOM_INTERCEPT", "FOM_SLOPE", "AREA"):
        assert hasattr(converters, name)
        assert len(SOURCES[name].where) > 10
    assert not [s for s in SOURCES.values() if s.kind == "published" and "recalled" in s.where]
    assert pytest.approx(2.2 * fJ) == WALDEN_USUAL


@pytest.mark.parametrize(
    ("bits", "rate", "said"),
    [(-1, 1e9, "bits is -1"), (30, 1e9, "bits is 30"), (8, 0.0, "rate is 0"), (float("nan"), 1e9, "bits is nan")],
)
def test_nonsense_is_refused(bits: float, rate: float, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        adc_energy(bits, rate)
