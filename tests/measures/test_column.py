"""The column in theory: eight rates to the printed digits, the published order, and distances between distributions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from workbench.circuits.library.potjans_diesmann import REFERENCE_HZ, SIZES, PotjansDiesmann
from workbench.errors import DescriptionError
from workbench.measures import column
from workbench.recordings.spikes import Spikes

# computed: an independent solution of the same equations, Poisson drive
PRINTED = dict(zip(SIZES, (0.756, 2.800, 4.440, 5.830, 7.153, 8.479, 1.161, 7.765)))


def test_the_mean_field_has_the_printed_rates():
    found = column.mean_field(PotjansDiesmann(scale=1.0))
    assert {name: round(rate, 3) for name, rate in found.items()} == PRINTED


@pytest.mark.parametrize("scale", [0.05, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("drive", ["poisson", "dc"])
def test_the_order_of_the_rates_is_the_published_one_at_every_scale(scale, drive):
    assert column.in_order(column.mean_field(PotjansDiesmann(scale=scale, drive=drive))) == 7
    assert column.in_order(REFERENCE_HZ) == 7


def test_theory_approaches_full_size_from_below():
    by_scale = [column.mean_field(PotjansDiesmann(scale=k)) for k in (0.05, 0.1, 0.25, 0.5, 1.0)]
    full = by_scale[-1]
    apart = [sum(abs(found[name] - full[name]) for name in SIZES) for found in by_scale]
    assert apart == sorted(apart, reverse=True)
    assert all(found[name] < 1.001 * full[name] for found in by_scale for name in SIZES)


def test_the_fixed_point_reproduces_itself():
    from workbench.measures import siegert

    circuit = PotjansDiesmann(scale=1.0, g=5.0)
    rates = np.array(list(column.mean_field(circuit).values()))
    mean, noise = column.input_at(circuit, rates)
    again = siegert.transfer(mean, noise, circuit.neuron, synapse=circuit.neuron.tau_exc)
    assert np.allclose(again, rates, atol=1e-8)


def test_a_column_without_drive_is_silent():
    assert max(column.mean_field(PotjansDiesmann(scale=1.0, background=0.0)).values()) < 1e-6


def test_the_order_counts_steps():
    backwards = dict(zip(SIZES, range(8, 0, -1)))
    assert column.in_order(backwards) < 7


def test_the_distance_is_the_one_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=300), rng.normal(0.3, 1.2, size=500).round(1)
    assert column.ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)
    assert column.ks_distance(a, a) == 0
    assert column.ks_distance([0.0], [1.0]) == 1
    assert np.isnan(column.ks_distance([], [1.0]))


def made(trains, seconds=10.0, dt=1e-4):
    """A recording of one population from lists of spike times."""
    at = sorted((round(t / dt), n) for n, train in enumerate(trains) for t in train)
    spikes = Spikes(np.array([s for s, _ in at], np.int64), np.array([n for _, n in at], np.int32), dt)
    return SimpleNamespace(
        of=lambda name: spikes,
        sizes={"E": len(trains)},
        counts={"E": spikes.count},
        seconds=seconds,
        duration=seconds,
        begins=0.0,
        dt=dt,
    )


def test_distributions_are_those_of_known_trains():
    rng = np.random.default_rng(4)
    clock = np.arange(0.05, 10, 0.1)
    rain = [np.cumsum(rng.exponential(0.1, 80)) for _ in range(60)]
    rain = [train[train < 10] for train in rain]
    together = made([clock, clock, *rain, []])
    found = column.distributions(together, "E")
    assert found.rate.size == 63
    assert found.rate[0] == pytest.approx(10.0)
    assert found.rate[-1] == 0
    assert found.isi_cv[:2] == pytest.approx([0, 0], abs=1e-9)
    assert found.isi_cv[2:].mean() == pytest.approx(1.0, abs=0.1)
    pairs = 62 * 61 // 2
    assert found.correlation.size == pairs, "a silent neuron has no correlation"
    assert found.correlation.max() == pytest.approx(1.0), "the two clocks"
    assert np.median(np.abs(found.correlation)) < 0.05
    other = made([clock + 0.01, clock, *rain[:30]])
    apart = column.distances(together, other, population="E")
    assert set(apart) == {"rate", "isi_cv", "correlation"}
    assert all(0 <= d <= 1 for d in apart.values())


def test_a_mean_field_that_swings_is_refused(monkeypatch):
    from workbench.measures import siegert

    flip = iter(range(10**6))
    monkeypatch.setattr(siegert, "transfer", lambda *a, **k: np.full(8, 50.0 * (next(flip) % 2)))
    with pytest.raises(DescriptionError, match="does not settle"):
        column.mean_field(PotjansDiesmann())
