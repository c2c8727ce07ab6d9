"""Measures of spike trains on trains whose answers are known by construction, and against slow obvious twins."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import measures
from workbench.errors import DescriptionError
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement
from workbench.recordings.recording import Recording
from workbench.recordings.spikes import Spikes
from workbench.units import ms

DT = 0.1 * ms


def recording(times: list[np.ndarray], duration: float = 1.0) -> Recording:
    """A recording of one population "E" whose neuron k fires at times[k] (s)."""
    steps = np.concatenate([np.rint(t / DT).astype(np.int64) for t in times]) if times else np.zeros(0, np.int64)
    neurons = (
        np.concatenate([np.full(t.size, k, np.int32) for k, t in enumerate(times)]) if times else np.zeros(0, np.int32)
    )
    order = np.lexsort((neurons, steps))
    spikes = Spikes(steps[order], neurons[order], DT)
    empty = Ledger(counts=np.zeros((1, 0, 0), np.int64), windows=np.array([0.0, duration]), places=(), events=())
    return Recording(
        spikes={"E": spikes},
        sizes={"E": len(times)},
        counts={"E": spikes.count},
        ledger=empty,
        placement=Placement(),
        dt=DT,
        duration=duration,
    )


def poisson(rate: float, neurons: int, duration: float = 1.0, seed: int = 1) -> Recording:
    """Independent trains; at most one spike a step and neuron."""
    hits = np.random.default_rng(seed).random((round(duration / DT), neurons)) < rate * DT
    return recording([np.flatnonzero(hits[:, k]) * DT for k in range(neurons)], duration)


CLOCK = [np.arange(0.005, 1.0, 0.02), np.arange(0.010, 1.0, 0.02)]  # 50 Hz each


def test_rate_counts_and_intervals_of_clocks() -> None:
    r = recording(CLOCK)
    assert measures.rate(r, "E") == pytest.approx(50.0)
    assert measures.rates(r, "E") == pytest.approx([50.0, 50.0])
    assert list(measures.counts(r, "E")) == [50, 50]
    assert measures.intervals(r, "E", neuron=1) == pytest.approx(np.full(49, 0.02))
    assert measures.intervals(r, "E").size == 98
    assert measures.isi_cv(r, "E") == pytest.approx(0.0, abs=1e-6)


def test_rate_after_a_cut_counts_only_what_is_left() -> None:
    r = recording([np.arange(0.0, 0.5, 0.01), np.zeros(0)])
    assert measures.rate(r.after(0.25), "E") == pytest.approx(25 / (2 * 0.75))


def test_cv_equals_its_slow_twin() -> None:
    r = poisson(80.0, 20)
    slow = []
    for k in range(20):
        gaps = np.diff(np.sort(r.spikes["E"].steps[r.spikes["E"].neurons == k]) * DT)
        if gaps.size >= 2:
            slow.append(gaps.std() / gaps.mean())
    assert measures.isi_cv(r, "E") == pytest.approx(np.mean(slow), rel=1e-9)


def test_cv_of_poisson_trains_is_one() -> None:
    """Statistical: 200 neurons × about 100 intervals; the standard error is near 0.006, the finite-sample bias near -0.01."""
    assert measures.isi_cv(poisson(50.0, 200, duration=2.0), "E") == pytest.approx(1.0, abs=0.03)


def test_population_rate_keeps_every_spike_of_whole_bins() -> None:
    r = poisson(30.0, 50)
    series = measures.population_rate(r, "E", bin=10 * ms)
    assert series.at.size == 100 and series.at[0] == pytest.approx(5 * ms)
    assert series.values.mean() == pytest.approx(measures.rate(r, "E"))
    assert measures.population_rate(r, "E", bin=300 * ms).at.size == 3


def test_a_bin_longer_than_the_recording_is_refused() -> None:
    with pytest.raises(DescriptionError, match="bin of 2000 ms is longer than the recording of 1000 ms"):
        measures.population_rate(recording(CLOCK), "E", bin=2.0)


@pytest.mark.parametrize("frequency", [21.0, 60.0, 176.7, 310.0])
def test_the_peak_of_a_modulated_population_is_its_frequency(frequency: float) -> None:
    rng = np.random.default_rng(3)
    t = np.arange(0, 1.0, DT)
    hits = rng.random((t.size, 300)) < (20.0 * (1 + 0.9 * np.sin(2 * np.pi * frequency * t)) * DT)[:, None]
    r = recording([t[hits[:, k]] for k in range(300)])
    assert measures.peak_frequency(r, "E") == pytest.approx(frequency, abs=1.5)


def test_power_of_noise_is_flat_at_rate_over_neurons() -> None:
    """Statistical: a Poisson population has one-sided power 2·rate/N everywhere; 199 segments, so a few per cent on average."""
    found = measures.spectrum(poisson(20.0, 100, duration=40.0), "E")
    inside = (found.at > 20) & (found.at < 400)
    assert found.values[inside].mean() == pytest.approx(2 * 20.0 / 100, rel=0.05)


def test_synchrony_is_one_together_and_small_apart() -> None:
    times = np.sort(np.random.default_rng(0).random(40))
    assert measures.synchrony(recording([times] * 30), "E") == pytest.approx(1.0)
    assert measures.synchrony(poisson(30.0, 400), "E") == pytest.approx(1 / 20, rel=0.15)


def test_synchrony_equals_its_slow_twin() -> None:
    r = poisson(60.0, 12)
    table = np.zeros((500, 12))
    np.add.at(table, (r.spikes["E"].steps // 20, r.spikes["E"].neurons), 1)
    slow = table.mean(axis=1).std() / np.sqrt(table.var(axis=0).mean())
    assert measures.synchrony(r, "E") == pytest.approx(slow, rel=1e-9)


def test_shared_spikes() -> None:
    a, b = recording(CLOCK), recording([CLOCK[0], CLOCK[1] + 1 * ms])
    assert measures.shared_spikes(a, a, population="E") == 1.0
    assert measures.shared_spikes(a, b, population="E") == pytest.approx(0.5)


def test_silence_has_no_regularity() -> None:
    quiet = recording([np.zeros(0), np.zeros(0)])
    assert measures.rate(quiet, "E") == 0.0
    assert (
        np.isnan(measures.isi_cv(quiet, "E"))
        and np.isnan(measures.peak_frequency(quiet, "E"))
        and np.isnan(measures.synchrony(quiet, "E"))
    )


def test_an_unknown_population_is_guessed() -> None:
    with pytest.raises(DescriptionError, match="Unknown population 'Ex'"):
        measures.rate(recording(CLOCK), "Ex")
