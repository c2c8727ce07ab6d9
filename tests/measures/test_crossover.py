"""The crossover in closed form: its line against its curve, and where two curves cross."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.chips import CHIPS
from workbench.measures.crossover import EventLayer, crossing

LAYER = EventLayer(
    neurons=1000, fan_out=100, operation=20e-12, active=80e-12, inactive=50e-12, idle=1e-9, travel=500e-12
)


def test_at_the_crossover_both_need_the_same_where_everybody_hears_something() -> None:
    dense = 1e-6
    rho = LAYER.crossover(dense)
    assert rho == pytest.approx((1e-6 - 1e-9 - 80e-9) / (1000 * (100 * 20e-12 + 500e-12)))
    assert float(LAYER.touched(rho)) == pytest.approx(1.0, abs=1e-6)
    assert float(LAYER.energy(rho)) == pytest.approx(dense, rel=1e-6)


def test_silence_costs_what_idles_and_full_activity_touches_all() -> None:
    assert float(LAYER.energy(0.0)) == pytest.approx(1e-9 + 50e-9)
    assert float(LAYER.touched(0.0)) == 0.0
    assert float(LAYER.touched(1.0)) == 1.0
    assert float(LAYER.energy(1.0)) == pytest.approx(1e-9 + 80e-9 + 1000 * (100 * 20e-12 + 500e-12))


def test_the_share_touched_is_that_of_random_draws() -> None:
    """Every firing neuron draws its targets with replacement: a simulation of it, within its standard error."""
    rng = np.random.default_rng(1)
    size, fan, firing = 400, 6, 40
    found = []
    for _ in range(300):
        touched = np.zeros(size, bool)
        touched[rng.integers(0, size, firing * fan)] = True
        touched[rng.choice(size, firing, replace=False)] = True
        found.append(touched.mean())
    layer = EventLayer(neurons=size, fan_out=fan, operation=0, active=0, inactive=0)
    error = np.std(found) / np.sqrt(len(found))
    assert float(layer.touched(firing / size)) == pytest.approx(np.mean(found), abs=4 * error)


def test_more_fan_out_means_an_earlier_crossover() -> None:
    loihi = CHIPS["loihi-davies"].prices
    rho = [EventLayer.of(loihi, neurons=1000, fan_out=f, cores=1, travel=0.0).crossover(1e-6) for f in (10, 100, 1000)]
    assert rho[0] > rho[1] > rho[2] > 0
    assert rho[0] * 10 == pytest.approx(rho[2] * 1000), "without travel, activity × fan-out decides"
    assert EventLayer.of(loihi, neurons=1000, fan_out=10, cores=1, travel=0.0).crossover(50e-9) < 0, (
        "idling alone costs more"
    )


@pytest.mark.parametrize(("level", "at"), [(3.0, 3.0), (2.5, 2.5), (1.0, np.nan), (0.5, np.nan), (9.0, np.nan)])
def test_a_straight_line_is_crossed_where_it_is(level: float, at: float) -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert crossing(x, x, level) == pytest.approx(at, nan_ok=True)
