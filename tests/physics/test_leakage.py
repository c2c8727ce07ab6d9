"""Leakage and heat: the fixed point against Lambert's closed form, runaway where it must start, and the two wafers measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from workbench.errors import DescriptionError
from workbench.physics.feedback import Even
from workbench.physics.grid import PowerGrid, loaded_voltage
from workbench.physics.heat import Layer, Stack
from workbench.physics.leakage import Leakage, RunawayError, lumped, onset, runaway_scale, settle
from workbench.physics.materials import COPPER, SILICON
from workbench.physics.operating import operate

RNG = np.random.default_rng(7)
LEAK = Leakage(power=10.0, reference=320.0, doubling=15.0)


def plate(cells=(8, 10), film=2e3, cover=1.0, **more) -> Stack:
    return Stack(
        layers=[
            Layer(name="active", solid=SILICON, thickness=0.1e-3, interface=1e-6, cover=cover),
            Layer(name="plate", solid=COPPER, thickness=2e-3),
        ],
        size=(0.05, 0.06),
        cells=cells,
        film=film,
        **more,
    )


@pytest.mark.parametrize("dynamic", [0.0, 100.0, 250.0])
def test_the_closed_form_is_a_fixed_point_and_the_lower_of_two(dynamic):
    t, gain = lumped(dynamic, 0.15, LEAK, coolant=293.0)
    assert t == pytest.approx(293 + 0.15 * (dynamic + LEAK.at(t)), rel=1e-12)
    assert gain == pytest.approx(0.15 * LEAK.at(t) / LEAK.scale, rel=1e-10) and gain < 1
    upper = brentq(lambda x: 293 + 0.15 * (dynamic + LEAK.at(x)) - x, t + 1.0, 600)
    assert upper > t + 1


def test_runaway_starts_where_the_gain_is_one():
    start = onset(0.15, LEAK, coolant=293.0)
    t, gain = lumped(start * (1 - 1e-9), 0.15, LEAK, coolant=293.0)
    assert gain == pytest.approx(1.0, abs=1e-3)
    assert t == pytest.approx(293 + 0.15 * start + LEAK.scale, rel=1e-4)
    assert LEAK.at(t) == pytest.approx(LEAK.scale / 0.15, rel=2e-3)
    with pytest.raises(RunawayError, match=f"Thermal runaway.*starts at {start:.4g} W"):
        lumped(start * (1 + 1e-9), 0.15, LEAK, coolant=293.0)
    with pytest.raises(RunawayError, match="even with no dynamic power"):
        lumped(0.0, 4.0, LEAK, coolant=293.0)
    assert onset(0.15, Leakage(power=0.0, reference=300.0, doubling=10.0), coolant=293.0) == math.inf


def test_leakage_doubles():
    assert LEAK.at(320.0) == 10.0 and LEAK.at(335.0) == pytest.approx(20.0) and LEAK.at(290.0) == pytest.approx(2.5)


@pytest.mark.parametrize("flow", [math.inf, 30.0])
def test_an_even_plate_settles_as_the_lumped_form_and_runs_away_at_its_power(flow):
    stack = plate(flow=flow)
    done = settle(stack, "active", 300.0, LEAK)
    if math.isinf(flow):
        t, gain = lumped(300.0, stack.resistance(), LEAK, coolant=stack.inlet)
        assert np.abs(done.field.of("active") - t).max() < 1e-7
        assert done.gain == pytest.approx(gain, rel=1e-5)
        start = onset(stack.resistance(), LEAK, coolant=stack.inlet)
        assert runaway_scale(stack, "active", 1.0, LEAK) == pytest.approx(start, rel=2e-4)
    else:
        assert runaway_scale(stack, "active", 1.0, LEAK) < onset(plate().resistance(), LEAK, coolant=stack.inlet)
    assert done.field.heat_out == pytest.approx(done.power, rel=1e-10)
    assert done.rounds <= 8


@pytest.mark.parametrize("flow", [math.inf, 30.0])
@pytest.mark.parametrize("cover", [1.0, np.indices((8, 10)).sum(axis=0) % 3 / 2])
def test_an_uneven_plate_settles_where_plain_iteration_does(flow, cover):
    stack = plate(flow=flow, cover=cover)
    dynamic = 6 * RNG.random((8, 10))
    share = RNG.random((8, 10))
    done = settle(stack, "active", dynamic, LEAK, share=share)
    leak = np.zeros((8, 10))
    for _ in range(300):
        t = stack.field({"active": dynamic + leak}).of("active")
        leak = 10.0 * share / share.sum() * 2 ** ((t - 320.0) / 15.0)
    assert np.abs(done.leakage - leak).max() < 1e-8 * leak.max()
    assert 0 < done.gain < 1


def test_rounding_on_a_wafer_of_512_by_512_cells_is_no_runaway():
    # Random power, a coolant that warms, gain 0.3: near the steady state what is short is rounding of either sign
    layers = [
        Layer(name="active", solid=SILICON, thickness=50e-6),
        Layer(name="wafer", solid=SILICON, thickness=0.725e-3, interface=1e-5, slices=2),
        Layer(name="plate", solid=COPPER, thickness=3e-3, slices=2),
    ]
    stack = Stack(layers=layers, size=(0.215, 0.215), cells=(512, 512), film=1e4, flow=1500.0)
    dynamic = np.random.default_rng(0).random((512, 512))
    dynamic *= 15e3 / dynamic.sum()
    leaks = Leakage(power=1500.0, reference=330.0, doubling=20.0)
    done = settle(stack, "active", dynamic, leaks, measure_gain=False)
    again = 1500.0 / dynamic.size * 2 ** ((done.field.of("active") - 330.0) / 20.0)
    assert np.abs(again - done.leakage).max() < 1e-8 * again.max()
    assert abs(done.field.heat_out / done.power - 1) < 1e-10


@pytest.mark.parametrize("flow", [math.inf, 30.0])
@pytest.mark.parametrize("cover", [1.0, RNG.random((4, 5))])
def test_the_gain_is_the_largest_eigenvalue_of_the_loop(flow, cover):
    stack = plate(cells=(4, 5), flow=flow, cover=cover)
    done = settle(stack, "active", 10 * RNG.random((4, 5)), LEAK)
    loop = np.empty((20, 20))
    for k in range(20):
        unit = np.zeros(20)
        unit[k] = 1.0
        loop[:, k] = stack.field({"active": unit.reshape(4, 5)}).rise[0].reshape(-1)
    slope = (done.leakage / LEAK.scale).reshape(-1)
    assert done.gain == pytest.approx(np.abs(np.linalg.eigvals(loop * slope)).max(), rel=1e-4)


@pytest.mark.parametrize("flow", [math.inf, 30.0])
def test_a_gain_found_from_a_coarse_grid_is_that_of_power_iteration(flow):
    stack = plate(cells=(40, 50), flow=flow)
    done = settle(stack, "active", 0.3 * RNG.random((40, 50)), LEAK)
    loop, slope = Even.of(stack, 0, 1), done.leakage / LEAK.scale
    v = np.ones((40, 50))
    for _ in range(200):
        v = stack.field({"active": slope * v / v.max()}).rise[0]
    assert loop.gain(slope / stack.sheet_area) == pytest.approx(done.gain, rel=1e-6)
    assert done.gain == pytest.approx(v.max(), rel=1e-5)


@pytest.mark.parametrize("cover", [1.0, np.indices((8, 10)).sum(axis=0) % 3 / 2])
def test_runaway_over_a_warming_coolant_starts_where_the_gain_reaches_one(cover):
    stack = plate(flow=30.0, cover=cover)
    start = runaway_scale(stack, "active", 1.0, LEAK, tolerance=1e-6)
    below = settle(stack, "active", start * (1 - 1e-4), LEAK)
    assert 0.97 < below.gain < 1
    # near the end 1 - gain falls with the root of what is left
    further = settle(stack, "active", start * (1 - 4e-4), LEAK)
    assert (1 - further.gain) / (1 - below.gain) == pytest.approx(2, rel=0.05)
    with pytest.raises(RunawayError, match="Thermal runaway at"):
        settle(stack, "active", start * (1 + 1e-4), LEAK)


def test_a_hot_spot_runs_away_before_an_even_plate_of_the_same_power():
    stack = plate()
    spot = np.zeros((8, 10))
    spot[4, 4] = 1.0
    assert runaway_scale(stack, "active", spot, LEAK) < 0.9 * runaway_scale(stack, "active", 1.0, LEAK)
    with pytest.raises(RunawayError, match="Thermal runaway"):
        settle(stack, "active", 5000.0, LEAK)
    assert runaway_scale(plate(film=20.0), "active", 1.0, LEAK) == 0.0


def test_a_layer_of_slices_and_other_layers_count_too():
    layers = [
        Layer(name="active", solid=SILICON, thickness=0.2e-3, slices=2),
        Layer(name="plate", solid=COPPER, thickness=2e-3),
    ]
    stack = Stack(layers=layers, size=(0.05, 0.06), cells=(4, 4), film=2e3)
    alone = settle(stack, "active", 100.0, LEAK)
    warm = settle(stack, "active", 100.0, LEAK, other={"plate": 100.0})
    assert warm.leakage.sum() > alone.leakage.sum()
    assert warm.field.heat_in == pytest.approx(200 + warm.leakage.sum(), rel=1e-10)
    with pytest.raises(DescriptionError, match="leave it out"):
        settle(stack, "active", 1.0, LEAK, other={"active": 1.0})


def even_grid(cells=(8, 10), feed=1e-6) -> PowerGrid:
    return PowerGrid(cells=cells, size=(0.05, 0.06), sheets=[1e-3], fed="vertical", feed=feed)


def test_an_operating_point_balances_and_is_the_lumped_closed_form():
    stack, grid = plate(), even_grid(feed=0.3e-6)
    none = Leakage(power=0.0, reference=300.0, doubling=10.0)
    point = operate(stack, "active", grid, 400.0, none, supply=0.8)
    assert point.voltage == pytest.approx(np.full((8, 10), loaded_voltage(0.8, 0.3e-6 / 0.003, 400.0)), rel=1e-8)
    leaky = operate(stack, "active", grid, RNG.random((8, 10)) * 6, LEAK, supply=0.8)
    heat = leaky.settled.field.heat_in
    assert leaky.power == pytest.approx(heat, rel=1e-8)
    assert leaky.grid_loss == pytest.approx((leaky.current * (0.8 - leaky.voltage)).sum(), rel=1e-8)
    assert leaky.settled.field.heat_out == pytest.approx(heat, rel=1e-10)


def test_clocked_power_falls_with_the_square_of_the_voltage():
    none = Leakage(power=0.0, reference=300.0, doubling=10.0)
    point = operate(plate(), "active", even_grid(), 400.0, none, supply=0.8, load="clocked")
    v, r = float(point.voltage[0, 0]), 1e-6 / 0.003
    assert v == pytest.approx(0.8 / (1 + r * 400 / 0.8**2), rel=1e-8)  # V = V0 − R P (V/V0)²/V


def test_a_supply_collapses_where_no_voltage_carries_the_power():
    most = 0.8**2 / (4 * 1e-6 / 0.003)
    none = Leakage(power=0.0, reference=300.0, doubling=10.0)
    assert operate(plate(), "active", even_grid(), 0.95 * most, none, supply=0.8).droop < 0.4
    with pytest.raises(DescriptionError, match="collapses"):
        operate(plate(), "active", even_grid(), 1.05 * most, none, supply=0.8)
    with pytest.raises(DescriptionError, match=f"at most {most:.4g} W"):
        loaded_voltage(0.8, 1e-6 / 0.003, 1.05 * most)
    with pytest.raises(DescriptionError, match="both the same"):
        operate(plate(), "active", even_grid((4, 4)), 1.0, none, supply=0.8)
    with pytest.raises(DescriptionError, match="load"):
        operate(plate(), "active", even_grid(), 1.0, none, supply=0.8, load="free")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [dict(power=-1.0), dict(doubling=0.0), dict(reference=math.inf)])
def test_leakage_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(DescriptionError):
        Leakage(**{"power": 1.0, "reference": 300.0, "doubling": 10.0, **wrong})
