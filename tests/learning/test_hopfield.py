"""Hopfield's memory: one step errs as the closed form says, it holds 0.138 N patterns, and it completes what is incomplete."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.backends.crossbar.matrix import Matrix
from workbench.chips import CHIPS
from workbench.errors import DescriptionError
from workbench.learning.hopfield import (
    corrupted,
    exact,
    hebbian,
    one_step_error,
    overlaps,
    random_patterns,
    recall,
)


def test_weights_are_hebb_s_sum() -> None:
    p = random_patterns(7, 30, seed=2)
    w = hebbian(p)
    slow = [[sum(p[m, i] * p[m, j] for m in range(7)) / 30 if i != j else 0.0 for j in range(30)] for i in range(30)]
    np.testing.assert_allclose(w, slow, atol=1e-15)


@pytest.mark.parametrize("load", [0.1, 0.15, 0.2, 0.3])
def test_one_step_errs_as_the_closed_form_says(load: float) -> None:
    """10 sets of 500 neurons; crosstalk comes from P − 1 patterns over N − 1 neurons, which the large-N form leaves out."""
    n, p = 500, round(load * 500)
    wrong = 0
    for seed in range(10):
        patterns = random_patterns(p, n, seed)
        wrong += int(np.sum((patterns @ hebbian(patterns)) * patterns <= 0))
    trials = 10 * n * p
    expected = one_step_error(n - 1, p - 1)
    # Errors of one set share their patterns: twice the binomial deviation is allowed for, three times.
    sd = np.sqrt(expected * (1 - expected) / trials)
    assert abs(wrong / trials - expected) < 6 * sd
    assert expected == pytest.approx(one_step_error(n, p), rel=0.1)


def test_the_memory_breaks_down_near_its_capacity() -> None:
    """N = 1000: below 0.138 all come back, well above none; the overlap falls through 0.9 near it, from above as in finite networks."""
    overlap = {}
    for load in (0.10, 0.13, 0.16, 0.20):
        patterns = random_patterns(round(load * 1000), 1000, seed=1)
        overlap[load] = recall(exact(hebbian(patterns)), patterns, patterns, steps=25).overlap[-1]
    assert overlap[0.10].min() > 0.95
    assert overlap[0.13].mean() > 0.95
    assert overlap[0.16].mean() < 0.93
    assert overlap[0.20].mean() < 0.65
    assert np.mean(overlap[0.20] > 0.95) < 0.02


def test_a_larger_network_breaks_down_more_sharply() -> None:
    left = {}
    for n in (200, 1000):
        patterns = random_patterns(round(0.18 * n), n, seed=3)
        left[n] = recall(exact(hebbian(patterns)), patterns, patterns, steps=25).overlap[-1].mean()
    assert left[1000] < left[200] - 0.05


def test_a_fifth_of_the_signs_may_be_wrong() -> None:
    patterns = random_patterns(20, 400, seed=4)
    cues = corrupted(patterns, 0.2, seed=4)
    np.testing.assert_allclose(overlaps(cues, patterns), 0.6, atol=1e-12)
    found = recall(exact(hebbian(patterns)), cues, patterns)
    np.testing.assert_array_equal(found.states, patterns)
    assert found.settled is not None
    assert found.settled < 6
    assert found.overlap.shape == (21, 20)
    assert np.all(found.overlap[-1] == 1.0)
    assert np.all(np.diff(found.overlap.mean(axis=1)) >= 0)


def test_a_cue_of_mostly_wrong_signs_recalls_the_negative() -> None:
    patterns = random_patterns(10, 400, seed=5)
    found = recall(exact(hebbian(patterns)), corrupted(patterns, 0.8, seed=5), patterns)
    np.testing.assert_array_equal(found.states, -patterns)


def test_on_a_chip_s_matrix_the_memory_recalls_through_its_errors() -> None:
    patterns = random_patterns(12, 256, seed=6)
    cues = corrupted(patterns, 0.15, seed=6)
    weights = hebbian(patterns)
    found = {}
    for chip in ("crossbar-ideal", "crossbar-assumed"):
        matrix = Matrix(weights, CHIPS[chip], seed=0, name="memory", inputs=1.0)
        matrix = matrix.calibrated(np.vstack([patterns, cues]), inputs=1.0, signed=True)
        found[chip] = recall(lambda s, k, m=matrix: m.product(s, first=k * len(s)), cues, patterns)
    same = recall(exact(weights), cues, patterns)
    np.testing.assert_array_equal(found["crossbar-ideal"].states, same.states)
    assert found["crossbar-assumed"].overlap[-1].min() > 0.95


def test_programming_errors_lower_the_capacity_as_their_variance_says() -> None:
    """Noise of variance σ² on each weight adds N·σ² to the crosstalk: the one-step error is that of a fuller memory."""
    n, p, seeds = 400, 40, 10
    sigma = np.sqrt(p) / n
    wrong = 0
    for seed in range(seeds):
        patterns = random_patterns(p, n, seed)
        noise = sigma * np.random.default_rng(seed).standard_normal((n, n))
        wrong += int(np.sum((patterns @ (hebbian(patterns) + noise)) * patterns <= 0))
    trials = seeds * n * p
    expected = one_step_error(n, 2 * p)  # crosstalk p/n and as much again from the cells
    assert abs(wrong / trials - expected) < 6 * np.sqrt(expected / trials)


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(DescriptionError, match="\\+1 and -1"):
        hebbian(np.zeros((2, 5)))
    with pytest.raises(DescriptionError, match="between 0 and 1"):
        corrupted(random_patterns(2, 10), 1.5)
