"""Closed forms of conducted heat: against the numbers of the literature, other closed forms, integrals and the solver."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.errors import DescriptionError
from workbench.physics import conduction
from workbench.physics.materials import COPPER, SILICON, silicon_conductivity, water, water_vapour

WSE = 0.215**2  # m²


def test_a_wafer_of_23_kilowatts_warms_its_silicon_by_3_kelvin_and_its_glue_by_5():
    flux = 23e3 / WSE
    assert conduction.slab_rise(flux, 0.775e-3, 130.0) == pytest.approx(2.97, abs=0.01)
    assert conduction.film_rise(flux, 1 / 0.1e-4) == pytest.approx(4.98, abs=0.01)
    assert conduction.film_coefficient(flux, 50.0) == pytest.approx(9951, abs=1)
    # fluxes of 15, 20 and 23 kW, in W/cm²
    assert [round(p / WSE / 1e4) for p in (15e3, 20e3, 23e3)] == [32, 43, 50]


def test_a_slab_cooled_on_one_face_is_a_slab_of_twice_the_thickness_cooled_on_both():
    assert conduction.slab_source_rise(1e8, 2e-3, 130.0) == pytest.approx(1e8 * 4e-6 / (8 * 130))
    assert conduction.slab_source_rise(1e8, 1e-3, 130.0, cooled="one") == conduction.slab_source_rise(1e8, 2e-3, 130.0)


def test_the_centre_of_a_square_plate_is_0_0736713530():
    assert conduction.plate_coefficient() == pytest.approx(0.0736713530, abs=5e-10)
    assert conduction.plate_coefficient() == pytest.approx(0.07367135328151381, rel=1e-12)
    assert conduction.plate_rise(2e7, 0.1, 150.0) == pytest.approx(0.0736713530 * 2e7 * 0.01 / 150)


@pytest.mark.parametrize(("aspect", "x", "y"), [(1.0, 0.5, 0.5), (1.7, 0.3, 0.8), (0.4, 0.25, 0.1)])
def test_the_plate_equals_the_double_sum_of_sines(aspect, x, y):
    m = np.arange(1, 1601, 2)[:, None] * math.pi
    n = np.arange(1, 1601, 2)[None, :] * math.pi
    terms = 16 * np.sin(m * x) * np.sin(n * y) / (m * n * (m**2 + (n / aspect) ** 2))
    assert conduction.plate_coefficient(aspect, x=x, y=y) == pytest.approx(float(terms.sum()), abs=2e-7)


def test_a_long_plate_is_a_slab_and_a_turned_plate_the_same_plate():
    assert conduction.plate_coefficient(20.0) == pytest.approx(1 / 8, rel=1e-9)
    assert conduction.plate_coefficient(2.5) == pytest.approx(conduction.plate_coefficient(1 / 2.5) * 2.5**2, rel=1e-9)
    assert conduction.plate_coefficient(1.0, x=0.5, y=0.0) == pytest.approx(0.0, abs=1e-8)


def test_heat_spreads_a_few_millimetres_on_a_wafer():
    assert conduction.spreading_length(130.0, 0.775e-3, 1e4) == pytest.approx(3.17e-3, abs=0.01e-3)
    assert conduction.spreading_length(130.0, 0.775e-3, 3e4) == pytest.approx(1.83e-3, abs=0.01e-3)
    assert conduction.time_constant(2329, 700, 0.775e-3, 1e4) == pytest.approx(0.126, abs=0.001)
    assert conduction.diffusivity(130.0, SILICON.density, SILICON.heat_capacity) == pytest.approx(8e-5, rel=0.01)


def test_the_step_obeys_the_equation_of_heat_and_its_ends():
    alpha, t = 8e-5, 0.7
    x = np.linspace(0.0, 0.05, 2001)
    h, dt = x[1] - x[0], 1e-5
    now, before, after = (
        conduction.step_temperature(x, s, alpha, surface=350.0, start=300.0) for s in (t, t - dt, t + dt)
    )
    curved = (now[2:] - 2 * now[1:-1] + now[:-2]) / h**2
    assert np.abs((after - before)[1:-1] / (2 * dt) - alpha * curved).max() < 1e-4 * np.abs(alpha * curved).max()
    assert now[0] == 350.0 and now[-1] == pytest.approx(300.0, abs=1e-3)


def test_resistances_of_a_disc_are_integrals_over_it():
    from scipy.integrate import quad

    a, k = 2e-3, 130.0
    # Even flux: the rise at radius r is that of 4a q E(r/a)/(2π k); its mean and its value at the centre.
    from scipy.special import ellipe

    watt = 1 / (math.pi * a * a)
    mean = quad(lambda r: 2 * a * watt / (math.pi * k) * ellipe((r / a) ** 2) * 2 * r / (a * a), 0, a)[0]
    assert conduction.disc_resistance(a, k, kind="mean") == pytest.approx(mean, rel=1e-9)
    assert conduction.disc_resistance(a, k, kind="highest") == pytest.approx(watt * a / k, rel=1e-12)
    # Isothermal: the charge 1/(2π a √(a² − r²)) makes the potential 1/(4 k a) at the centre, over 1/(2π k r).
    centre = quad(
        lambda s: 1 / (2 * math.pi * a * math.sqrt(a * a - (a * math.sin(s)) ** 2)) / k * a * math.cos(s),
        0,
        math.pi / 2,
    )[0]
    assert conduction.disc_resistance(a, k) == pytest.approx(centre, rel=1e-9)
    assert 8 / (3 * math.pi**2) == pytest.approx(0.2702, abs=5e-5)


def test_resistances_add_behind_and_beside_one_another():
    assert conduction.series(1.0, 2.0, 3.0) == 6.0
    assert conduction.parallel(2.0, 3.0, 6.0) == pytest.approx(1.0)
    assert conduction.parallel(0.0, 3.0) == 0.0
    assert conduction.series(conduction.parallel(4.0, 4.0), 1.0) == pytest.approx(3.0)


def test_silicon_conducts_less_when_hot():
    assert silicon_conductivity(300.0) == SILICON.conductivity
    assert 110 < silicon_conductivity(350.0) < 130
    assert COPPER.volumetric == pytest.approx(8960 * 385)


def test_water_between_rows_of_its_table_is_near_the_formulation():
    # IAPWS at 25 °C and 55 °C, between the rows (CoolProp 8.0)
    assert water(298.15).viscosity == pytest.approx(8.9e-4, rel=0.01)
    assert water(298.15).density == pytest.approx(997.05, rel=1e-3)
    assert water_vapour(328.15).pressure == pytest.approx(15762, rel=0.01)
    assert water_vapour(333.15).surface_tension == pytest.approx(0.0662, rel=0.005)
    assert water(293.15).prandtl == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: conduction.slab_rise(-1.0, 1e-3, 100.0),
        lambda: conduction.slab_rise(1.0, 0.0, 100.0),
        lambda: conduction.slab_source_rise(1.0, 1.0, math.nan),
        lambda: conduction.slab_source_rise(1.0, 1.0, 1.0, cooled="none"),
        lambda: conduction.plate_coefficient(0.0),
        lambda: conduction.disc_resistance(1.0, 1.0, kind="hot"),
        lambda: conduction.parallel(),
        lambda: conduction.series(-1.0),
        lambda: water(400.0),
        lambda: silicon_conductivity(27.0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DescriptionError):
        wrong()
