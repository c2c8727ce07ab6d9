"""Heat pipes, thermosyphons and the ledger of a data centre: limits and bounds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from workbench.errors import DescriptionError
from workbench.physics import pipes, pue
from workbench.physics.coolant import pressure_drop
from workbench.physics.materials import water_vapour
from workbench.physics.pipes import HeatPipe, Thermosyphon, Tube, capillary_limit, gravity_head

HOT = water_vapour(333.15)
PIPE = HeatPipe(
    length=0.2,
    wick_area=10e-6,
    permeability=5e-12,
    pore=25e-6,
    vapour_radius=3e-3,
    evaporator=0.05,
    wick_thickness=0.5e-3,
)


def test_a_wick_carries_seven_watts_over_20_centimetres():
    # 7.3 W is for the surface tension and density of cold water; at 60 °C both are less, and so is the limit
    cold = replace(HOT, surface_tension=0.0728, liquid_density=998.0, liquid_viscosity=4.7e-4)
    parts = dict(pore=25e-6, permeability=5e-12, wick_area=10e-6, length=0.2)
    assert capillary_limit(cold, **parts) == pytest.approx(7.3, abs=0.03)
    assert capillary_limit(HOT, **parts) == pytest.approx(6.6, abs=0.03)
    name, watts = PIPE.carries(HOT)
    assert name == "capillary" and watts == PIPE.limits(HOT)["capillary"] == capillary_limit(HOT, **parts)


def test_a_wick_cannot_lift_beyond_its_pull():
    highest = 2 * HOT.surface_tension / 25e-6 / (HOT.liquid_density * 9.80665)
    parts = dict(pore=25e-6, permeability=5e-12, wick_area=10e-6, length=1.0)
    assert capillary_limit(HOT, **parts, lift=highest * 1.0001) == 0.0
    assert capillary_limit(HOT, **parts, lift=highest * 0.5) == pytest.approx(capillary_limit(HOT, **parts) / 2)
    assert capillary_limit(HOT, **parts, lift=-highest) == pytest.approx(2 * capillary_limit(HOT, **parts))
    ten_metres = replace(PIPE, length=10.0).limits(HOT)["capillary"]
    assert ten_metres == pytest.approx(PIPE.limits(HOT)["capillary"] / 50), (
        "a kilowatt over metres needs thousands of wicks"
    )


def test_limits_scale_as_their_equations():
    wide, hot = replace(PIPE, vapour_radius=6e-3), water_vapour(353.15)
    a, b = PIPE.limits(HOT), wide.limits(HOT)
    assert b["sonic"] == pytest.approx(4 * a["sonic"]) and b["entrainment"] == pytest.approx(4 * a["entrainment"])
    assert b["viscous"] == pytest.approx(16 * a["viscous"])
    assert PIPE.limits(hot)["sonic"] > a["sonic"] and PIPE.limits(hot)["viscous"] > a["viscous"]
    assert a["sonic"] == pytest.approx(
        0.474 * HOT.latent_heat * 3.14159265 * 9e-6 * (HOT.vapour_density * HOT.pressure) ** 0.5
    )
    assert all(v > 0 for v in a.values())


def test_a_metre_of_warm_water_is_a_tenth_of_an_atmosphere():
    assert gravity_head(1.0, water_vapour(344.4).liquid_density) == pytest.approx(9.58e3, abs=5)
    assert gravity_head(2.0, 983.2) == pytest.approx(2 * 9642, abs=2)


def test_a_thermosyphon_carries_until_friction_eats_its_head():
    loop = Thermosyphon(height=2.0, length=6.0, vapour_radius=25e-3, liquid_radius=6e-3)
    most = loop.limit(HOT)
    assert loop.friction(most, HOT) == pytest.approx(loop.head(HOT), rel=1e-9)
    assert most > 1000, "gravity carries kilowatts where a wick carries watts"
    assert replace(loop, height=4.0).limit(HOT) > most > replace(loop, length=12.0).limit(HOT)
    assert replace(loop, height=0.0).limit(HOT) == 0.0
    # thin pipes stay laminar: the sum of two Poiseuille drops
    thin = Thermosyphon(height=0.01, length=6.0, vapour_radius=5e-3, liquid_radius=1e-3)
    watts = thin.limit(HOT)
    flow = watts / HOT.latent_heat
    drops = pressure_drop(flow / HOT.vapour_density, 5e-3, 6.0, HOT.vapour_viscosity) + pressure_drop(
        flow / HOT.liquid_density, 1e-3, 6.0, HOT.liquid_viscosity
    )
    assert drops == pytest.approx(thin.head(HOT), rel=1e-9)


@pytest.mark.parametrize("correlation", pipes.FLOODING)
@pytest.mark.parametrize("diameter", [10e-3, 25e-3, 80e-3])
def test_a_tube_floods_where_both_fluxes_reach_the_correlation(correlation, diameter):
    # √j_v* + √j_l* = √K with what rises equal to what runs down
    watts = pipes.flooding_limit(HOT, diameter, correlation=correlation)
    mass = watts / HOT.latent_heat / (math.pi * diameter**2 / 4)
    lighter = HOT.liquid_density - HOT.vapour_density
    per = (
        math.sqrt(pipes.GRAVITY * diameter * lighter)
        if correlation == "wallis"
        else (pipes.GRAVITY * HOT.surface_tension * lighter) ** 0.25
    )
    roots = sum(math.sqrt(mass / rho * math.sqrt(rho) / per) for rho in (HOT.vapour_density, HOT.liquid_density))
    law = pipes.FLOODING[correlation]
    constant = law.constant(HOT.liquid_density / HOT.vapour_density, pipes.bond(HOT, diameter))
    assert roots**2 == pytest.approx(constant, rel=1e-12)


def test_flooding_scales_as_its_equations():
    # Wallis: d^2.5; Kutateladze in wide tubes: d² and K = 3.2, whatever the width
    assert pipes.flooding_limit(HOT, 40e-3, correlation="wallis") == pytest.approx(
        2**2.5 * pipes.flooding_limit(HOT, 20e-3, correlation="wallis"), rel=1e-12
    )
    wide = [pipes.flooding_limit(HOT, d, correlation="tien-chung") for d in (400.0, 800.0)]
    assert wide[1] / wide[0] == pytest.approx(4, rel=1e-6)
    assert pipes.FLOODING["tien-chung"].constant(1000.0, 1e9) == pytest.approx(3.2, rel=1e-12)
    # a film that weighs nothing against its vapour does not run down; more tension carries more, as σ^(1/4) in wide tubes
    tense = replace(HOT, surface_tension=16 * HOT.surface_tension)
    ratio = pipes.flooding_limit(tense, 400.0, correlation="tien-chung") / wide[0]
    assert ratio == pytest.approx(2, rel=1e-3)
    assert pipes.bond(HOT, 1.0) == pytest.approx(math.sqrt(9.80665 * (983.16 - 0.13) / 0.0663), rel=1e-3)


def test_correlations_agree_within_a_factor_of_three():
    for diameter in (15e-3, 25e-3, 50e-3, 90e-3):
        found = [pipes.flooding_limit(HOT, diameter, correlation=name) for name in pipes.FLOODING]
        assert max(found) < 3 * min(found)


def test_one_tube_floods_long_before_a_loop_of_the_same_width_starves():
    loop = Thermosyphon(height=2.0, length=6.0, vapour_radius=25e-3, liquid_radius=6e-3)
    name, watts = Tube(diameter=50e-3).carries(HOT)
    assert name == "flooding" and watts < loop.carries(HOT)[1] / 3
    thin = replace(HOT, pressure=1e-3)
    assert Tube(diameter=50e-3).carries(thin)[0] == "sonic"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: pipes.flooding_limit(HOT, 1e-3), "lies outside"),
        (lambda: pipes.flooding_limit(HOT, 0.5, correlation="wallis"), "2 to 40 waves"),
        (lambda: pipes.flooding_limit(HOT, 0.05, correlation="walis"), "wallis"),
        (lambda: Tube(diameter=0.0), "diameter"),
    ],
)
def test_tubes_outside_a_correlation_are_refused(wrong, said):
    with pytest.raises(DescriptionError, match=said):
        wrong()


@pytest.mark.parametrize(
    ("before", "most", "needed"),
    [
        (1.2, 16.7, 0.72),
        (1.4, 28.6, 0.84),
        (1.5, 33.3, 0.90),
        (1.58, 36.7, 0.95),
        (5 / 3, 40.0, 1.00),
        (1.8, 44.4, 1.08),
        (2.0, 50.0, 1.20),
    ],
)
def test_forty_per_cent_needs_a_pue_above_five_thirds(before, most, needed):
    assert 100 * pue.largest_saving(before) == pytest.approx(most, abs=0.05)
    assert pue.pue_needed(before, 0.4) == pytest.approx(needed, abs=0.005)
    assert (pue.pue_needed(before, 0.4) < 1 - 1e-12) == (before < 5 / 3 - 1e-12)
    if needed > 1.01:
        assert pue.saving(before, pue.pue_needed(before, 0.4)) == pytest.approx(0.4)


def test_savings_inside_the_racks_count_too():
    before = pue.Facility(compute=80.0, leakage=10.0, fans=10.0, cooling=48.0, distribution=10.0)
    after = pue.Facility(compute=80.0, leakage=5.0, fans=pue.fan_power(10.0, 0.5), cooling=5.0, distribution=5.0)
    assert before.pue == pytest.approx(1.58) == pytest.approx(pue.SURVEY[2023][0])
    assert before.saving(after) == pytest.approx(pue.saving(before.pue, after.pue, it_ratio=after.it / before.it))
    assert before.saving(after) > pue.largest_saving(1.58) == pytest.approx(0.367, abs=5e-4)
    assert pue.fan_power(8.0, 0.5) == 1.0
    assert pue.pue_needed(1.58, 0.4, it_ratio=0.9) == pytest.approx(1.0533, abs=1e-4)


def test_a_bit_costs_at_least_landauers_bound():
    assert pue.landauer(300.0) == pytest.approx(2.871e-21, rel=1e-3)
    assert pue.landauer(310.0) == pytest.approx(2.967e-21, rel=1e-3)
    assert 23.6e-12 / pue.landauer(310.0) == pytest.approx(8e9, rel=0.01)
    assert 88e-15 / pue.landauer(310.0) == pytest.approx(3e7, rel=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: pue.saving(0.9, 1.0),
        lambda: pue.saving(1.5, 0.9),
        lambda: pue.pue_needed(1.5, 1.2),
        lambda: pue.Facility(compute=0.0),
        lambda: pue.fan_power(-1.0, 1.0),
        lambda: capillary_limit(HOT, pore=0.0, permeability=1e-12, wick_area=1e-6, length=1.0),
        lambda: Thermosyphon(height=-1.0, length=1.0, vapour_radius=1e-2, liquid_radius=1e-2),
        lambda: replace(PIPE, wick_thickness=0.0),
        lambda: water_vapour(500.0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DescriptionError):
        wrong()
