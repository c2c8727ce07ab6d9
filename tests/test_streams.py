"""The counter rule: three twins, one set of numbers, and numbers that behave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.naive import rule_bits
from workbench import streams
from workbench.errors import DescriptionError
from workbench.kernels import rule


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40), st.integers(1, 200))
def test_numpy_and_numba_equal_plain_python(key, step, size):
    plain = [rule_bits(key, step, i) for i in range(size)]
    ((w1, w2),) = streams.step_words(key, step, step + 1)
    assert streams.bits(w1, w2, np.arange(size, dtype=np.uint32)).tolist() == plain
    out = np.empty(size, np.uint32)
    rule.fill_bits(np.uint64(key), step, out)
    assert out.tolist() == plain


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 60), st.integers(0, 2**40))
def test_counts_are_the_same_in_numpy_and_numba(mean, start):
    table = streams.poisson_table(mean)
    out = np.empty((3, 70), np.uint16)
    rule.fill_counts(np.uint64(9), table, start, out)
    words = streams.step_words(9, start, start + 3)
    bits = streams.bits(words[:, :1], words[:, 1:], np.arange(70, dtype=np.uint32)[None])
    assert np.array_equal(out, streams.counts_from_bits(bits, table))


@pytest.mark.parametrize("mean", [0.02, 0.5, 2.0, 30.0])
def test_counts_are_poisson(mean):
    counts = np.empty((2000, 200), np.uint16)
    rule.fill_counts(np.uint64(streams.stream(1, "test")), streams.poisson_table(mean), 0, counts)
    top = int(stats.poisson.ppf(1 - 1e-4, mean)) + 1
    seen = np.bincount(np.minimum(counts.ravel(), top), minlength=top + 1)
    expected = np.append(stats.poisson.pmf(np.arange(top), mean), stats.poisson.sf(top - 1, mean)) * counts.size
    keep = expected > 5
    assert stats.chisquare(seen[keep], expected[keep] * seen[keep].sum() / expected[keep].sum()).pvalue > 1e-3


def test_neither_steps_nor_neighbours_are_correlated():
    counts = np.empty((4000, 250), np.uint16)
    rule.fill_counts(np.uint64(streams.stream(2, "test")), streams.poisson_table(2.0), 0, counts)
    bound = 4 / np.sqrt(counts.size)
    for lag in (1, 2, 7, 64):
        assert abs(np.corrcoef(counts[:-lag].ravel(), counts[lag:].ravel())[0, 1]) < bound
        assert abs(np.corrcoef(counts[:, :-lag].ravel(), counts[:, lag:].ravel())[0, 1]) < bound
    # Sums over a step and over a neuron vary as independent draws do.
    assert counts.sum(1).var() == pytest.approx(500, rel=4 * np.sqrt(2 / 4000))
    assert counts.sum(0).var() == pytest.approx(8000, rel=4 * np.sqrt(2 / 250))


def test_streams_differ_by_seed_and_name():
    keys = {streams.stream(s, n) for s in range(50) for n in ("wiring", "drive", "read")}
    assert len(keys) == 150
    assert streams.stream(3, "drive", "world", 0) == 0x5CF19A9F8BECA4DB  # a published seed stays the same seed


def test_uniform_numbers_are_uniform_and_addressable():
    u = streams.uniform(7, 0, 20000)
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert 0 < u.min() < u.max() < 1
    assert np.array_equal(u[100:200], streams.uniform(7, 100, 200))


def test_a_rate_beyond_the_rule_is_refused():
    with pytest.raises(DescriptionError, match="60000"):
        streams.poisson_table(1e6)


def test_normal_numbers_are_normal_and_each_has_its_place():
    key = streams.stream(3, "programming", "W", 0)
    z = streams.normal(key, 0, 1_000_000)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(np.mean(np.abs(z) > 4) / (2 * stats.norm.sf(4)) - 1) < 4.5 / np.sqrt(2 * stats.norm.sf(4) * z.size)
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 4.5e-3
    assert np.array_equal(streams.normal(key, 500, 700), z[500:700])
    index = np.array([[7, 3], [999_999, 0]])
    assert np.array_equal(streams.normal_at(key, index), z[index])
    assert np.array_equal(streams.uniform_at(key, index), streams.uniform(key, 0, 1_000_000)[index])


def test_no_normal_number_is_infinite(monkeypatch):
    monkeypatch.setattr(streams, "uniform_at", lambda key, index: np.array([2.0**-54, 1.0]))
    low, high = streams.normal_at(0, np.arange(2))
    assert -8.3 < low < -8.2 and 8.2 < high < 8.3
