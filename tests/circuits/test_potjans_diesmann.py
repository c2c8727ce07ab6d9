"""The column: the published tables, exact numbers of synapses, and what scaling keeps."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.circuits import CIRCUITS
from workbench.circuits.drawn import Drawn
from workbench.circuits.library import potjans_diesmann as column
from workbench.circuits.library.potjans_diesmann import REFERENCE_HZ, SIZES, PotjansDiesmann
from workbench.circuits.unfold import unfold
from workbench.units import ms, mV, pA

FULL = PotjansDiesmann(scale=1.0)

# computed from the sizes and connection probabilities, independently of the code here
IN_DEGREES = [
    [2199.9, 1079.3, 979.2, 467.6, 159.2, 0, 109.8, 0],
    [2990.0, 860.3, 703.7, 289.7, 380.7, 0, 60.6, 0],
    [159.9, 34.5, 1117.2, 794.6, 32.6, 0.3, 667.3, 0],
    [1481.0, 16.9, 1813.0, 953.3, 16.0, 0, 1608.1, 0],
    [2188.4, 374.7, 1135.6, 31.3, 420.8, 496.5, 296.7, 0],
    [1165.7, 159.1, 570.6, 12.1, 300.1, 404.2, 124.3, 0],
    [325.2, 38.6, 467.4, 91.7, 285.7, 21.2, 581.6, 752.2],
    [766.9, 5.8, 74.6, 2.7, 136.2, 8.6, 979.8, 459.4],
]


def test_neurons_and_synapses_are_the_published_ones():
    assert sum(FULL.sizes.values()) == 77_169
    assert np.allclose(column.in_degrees(), IN_DEGREES, atol=0.05)
    network = FULL.network()
    recurrent = sum(p.wiring.total for p in network.projections.values() if p.source in SIZES)
    assert abs(recurrent - 298_880_969) <= 28, "each of 55 projections is rounded to a whole number"
    outside = sum(n * k for n, k in zip(SIZES.values(), column.EXTERNAL))
    assert outside == pytest.approx(157.9e6, rel=1e-3)


def test_two_neurons_are_connected_with_the_published_probability():
    network = PotjansDiesmann(scale=1.0).network()
    projection = network.projections["L5I to L5I"]
    i, j = projection.wiring.edges(1065, 1065, 5)
    pairs = np.unique(i.astype(np.int64) * 1065 + j).size
    assert pairs / 1065**2 == pytest.approx(0.3158, abs=4 * np.sqrt(0.3158 * 0.6842) / 1065)


def test_a_spike_lifts_the_potential_by_its_psp():
    """87.81 pA; the peak of 0.15 mV comes after 1.577 ms (closed form, and the exact step of the neuron)."""
    assert FULL.unit_weight == pytest.approx(87.81 * pA, abs=0.005 * pA)
    steps = FULL.neuron.step_constants(
        {f: getattr(FULL.neuron, f) for f in FULL.neuron.__dataclass_fields__}, ("exc",), 1e-6
    )
    v, current, highest, at = 0.0, FULL.unit_weight, 0.0, 0
    for step in range(4000):
        v, current = v * steps["a"] + current * steps["b.exc"], current * steps["c.exc"]
        if v > highest:
            highest, at = v, step + 1
    assert highest == pytest.approx(0.15 * mV, rel=1e-6)
    assert at * 1e-6 == pytest.approx(1.577 * ms, abs=2e-6)


def test_weights_are_signed_and_one_is_doubled():
    w = FULL.weights() / FULL.unit_weight
    assert np.all(w[:, 1::2] == -4)
    assert w[0, 2] == 2
    assert np.count_nonzero(w == 1) == 31


@pytest.mark.parametrize("scale", [0.02, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("drive", ["poisson", "dc"])
def test_scaling_keeps_the_mean_input_and_the_poisson_noise(scale, drive):
    """At the reference rates; with a constant drive only the noise from inside is left, and it is kept too."""
    from workbench.measures.column import input_at

    rates = list(REFERENCE_HZ.values())
    small, full = (input_at(PotjansDiesmann(scale=k, drive=drive), rates) for k in (scale, 1.0))
    assert np.allclose(small.mean, full.mean, rtol=1e-12)
    assert np.allclose(small.noise, full.noise, rtol=1e-12)
    mean = {d: input_at(PotjansDiesmann(scale=scale, drive=d), rates).mean for d in ("poisson", "dc")}
    assert np.allclose(mean["poisson"], mean["dc"], rtol=1e-12)


def test_one_outside_input_is_a_third_of_a_picoampere():
    dc = PotjansDiesmann(scale=1.0, drive="dc").compensation()
    assert np.allclose(dc / np.array(column.EXTERNAL), 0.351 * pA, rtol=2e-3)
    assert np.all(FULL.compensation() == 0)


def test_neurons_and_inputs_shrink_with_the_scale():
    network = PotjansDiesmann(scale=0.1).network()
    synapses = sum(p.wiring.total for p in network.projections.values() if p.source in SIZES)
    assert synapses == pytest.approx(2_988_810, abs=30)
    assert sum(p.size for p in network.populations.values()) == pytest.approx(7717, abs=4)
    assert network.projections["L4E to L4E"].weight.mean == pytest.approx(FULL.unit_weight / np.sqrt(0.1))


def test_unfolded_weights_and_delays_have_their_moments_and_stay_rules():
    netlist = unfold(PotjansDiesmann(scale=0.1).network(), seed=0)
    block = netlist.projections["L4I to L4E"]
    assert isinstance(vars(block)["_weight"], Drawn)
    mean = -4 * FULL.unit_weight / np.sqrt(0.1)
    assert block.weight.mean() == pytest.approx(mean, rel=1e-3)
    assert block.weight.std() == pytest.approx(0.1 * abs(mean), rel=0.01)
    assert block.weight.max() < 0
    assert block.delay.min() >= 0.05 * ms
    # a normal distribution with sd half its mean, cut just above zero, is a little longer on average
    assert block.delay.mean() == pytest.approx(0.77 * ms, rel=0.02)
    assert netlist.projections["outside to L4E"].weight == pytest.approx(FULL.unit_weight / np.sqrt(0.1))


def test_synaptic_events_a_second():
    inside, outside = FULL.events(REFERENCE_HZ)
    assert inside == pytest.approx(9.67e8, rel=1e-3)
    assert inside + outside == pytest.approx(2.23e9, rel=1e-3)
    assert PotjansDiesmann(scale=1.0, drive="dc").events(REFERENCE_HZ) == (inside, 0.0)


def test_a_constant_drive_has_no_outside_spikes_and_the_thalamus_reaches_layers_four_and_six():
    dc = PotjansDiesmann(scale=0.05, drive="dc", thalamus=True).network()
    assert set(dc.sources) == {"thalamus"}
    reached = {p.target: p for p in dc.projections.values() if p.source == "thalamus"}
    assert set(reached) == {"L4E", "L4I", "L6E", "L6I"}
    wiring = PotjansDiesmann(scale=1.0, thalamus=True).network().projections["thalamus to L4E"].wiring
    assert wiring.total == round(np.log1p(-0.0983) / np.log1p(-1 / (902 * 21915)))


def test_smaller_editions_say_how_small():
    assert CIRCUITS["potjans-diesmann"].quick().scale == 0.02
    assert FULL.comparable().scale == 0.05
    assert PotjansDiesmann(scale=0.01).comparable().scale == 0.01
    assert CIRCUITS["balanced"].comparable() == CIRCUITS["balanced"]
