"""Analytic: the Siegert rate against adaptive quadrature, its noiseless limit, and Brunel's four panels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from workbench.circuits.library.balanced import Balanced
from workbench.circuits.neurons.lif import Lif
from workbench.errors import DescriptionError
from workbench.measures import lif_rate, rheobase, siegert
from workbench.units import Mohm, ms, mV, pA

NEURON = Lif()


@pytest.mark.parametrize(
    ("g", "eta", "expected"),
    [(3, 2, 327.0), (6, 4, 55.84), (5, 2, 37.95), (4.5, 0.9, 6.52), (5, 1.5, 23.64)],
    ids=["A", "B", "C", "D", "extra"],
)
def test_the_balanced_network_settles_where_brunel_s_equation_says(g: float, eta: float, expected: float) -> None:
    assert siegert.rate(Balanced(g=g, eta=eta)) == pytest.approx(
        expected, abs=0.5 * 10 ** -(2 if expected < 100 else 1) * 1.01
    )


def test_the_settled_rate_reproduces_itself() -> None:
    circuit = Balanced(g=5, eta=2)
    r = siegert.rate(circuit)
    assert float(siegert.transfer(*siegert.input_at(circuit, r), circuit.neuron)) == pytest.approx(r, rel=1e-9)


@pytest.mark.parametrize("mean", [-50 * mV, 0.0, 10 * mV, 19.5 * mV, 20 * mV, 30 * mV, 500 * mV])
@pytest.mark.parametrize("noise", [0.1 * mV, 1 * mV, 5 * mV, 50 * mV])
def test_fixed_nodes_equal_adaptive_quadrature(mean: float, noise: float) -> None:
    low, high = (NEURON.reset - mean) / noise, (NEURON.threshold - mean) / noise
    if high > siegert.NEVER:
        assert float(siegert.transfer(mean, noise, NEURON)) == 0.0
        return
    breaks = [b for b in (0.0, -1.0, -10.0, -100.0) if low < b < high] or None
    area = quad(lambda u: erfcx(-u), low, high, epsabs=0, epsrel=1e-12, limit=500, points=breaks)[0]
    expected = 1 / (NEURON.refractory + NEURON.tau * np.sqrt(np.pi) * area)
    assert float(siegert.transfer(mean, noise, NEURON)) == pytest.approx(expected, rel=1e-11)


def test_without_noise_the_rate_is_the_closed_form() -> None:
    current = 25 * mV / NEURON.resistance
    assert float(siegert.transfer(25 * mV, 1e-7, NEURON)) == pytest.approx(float(lif_rate(NEURON, current)), rel=1e-6)


def test_a_slow_synapse_lowers_the_rate_below_threshold() -> None:
    white = float(siegert.transfer(15 * mV, 5 * mV, NEURON))
    assert 0 < float(siegert.transfer(15 * mV, 5 * mV, NEURON, synapse=2 * ms)) < white


def test_noise_must_be_positive() -> None:
    with pytest.raises(DescriptionError, match="measures.lif_rate"):
        siegert.transfer(25 * mV, 0.0, NEURON)


def test_a_network_without_drive_is_silent() -> None:
    assert siegert.rate(Balanced(eta=0.0)) == 0.0


@pytest.mark.parametrize(("drive_mv", "expected"), [(20.5, 15.90), (21, 20.02), (25, 41.71), (40, 98.92)])
def test_the_closed_form_of_brunel_s_neuron(drive_mv: float, expected: float) -> None:
    assert float(lif_rate(NEURON, drive_mv * mV / NEURON.resistance)) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("current_pa", "expected"), [(376, 16.31), (400, 33.64), (500, 63.04), (800, 120.12), (1000, 149.25)]
)
def test_the_closed_form_of_the_microcircuit_s_neuron(current_pa: float, expected: float) -> None:
    neuron = Lif(tau=10 * ms, resistance=40 * Mohm, rest=-65 * mV, reset=-65 * mV, threshold=-50 * mV)
    assert rheobase(neuron) == pytest.approx(375 * pA)
    assert float(lif_rate(neuron, current_pa * pA)) == pytest.approx(expected, abs=0.005)


def test_up_to_the_rheobase_a_neuron_is_silent() -> None:
    current = np.array([0.0, 0.5, 1.0, 1.0001]) * rheobase(NEURON)
    assert list(lif_rate(NEURON, current) > 0) == [False, False, False, True]
