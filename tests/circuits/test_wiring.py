"""Wiring rules: degrees, ranges, and rows made from the rule equal rows made from the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from tests.naive import rule_bits
from workbench.circuits import wiring
from workbench.circuits.wiring import (
    PAGE,
    AllToAll,
    Explicit,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
    HashRule,
    OneToOne,
    Wiring,
)
from workbench.errors import DescriptionError

RULES = [
    AllToAll(),
    AllToAll(self_connections=False),
    FixedProbability(0.3),
    FixedProbability(0.0),
    FixedProbability(1.0),
    FixedInDegree(degree=4),
    FixedInDegree(fraction=0.5),
    FixedTotalNumber(0),
    FixedTotalNumber(700),
    HashRule(fan_out=5),
    HashRule(fan_out=5, locality=0.8, reach=3),
]


def compiled_rows(rule, *sizes, numbered):
    """The rows as compiled loops make them, which only large networks ask for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "pays", lambda elements, loading: True)
        return rule.rows(*sizes, numbered=numbered)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(RULES), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**63))
def test_rows_hold_the_edges(rule, sources, targets, key):
    i, j = rule.edges(sources, targets, key)
    assert i.dtype == j.dtype == np.int32
    assert rule.count(sources, targets, key) == i.size
    assert np.all(np.diff(j) >= 0)
    if i.size:
        assert 0 <= i.min() <= i.max() < sources
        assert 0 <= j.min() <= j.max() < targets
    for numbered in (False, True):
        rows = compiled_rows(rule, sources, targets, key, numbered=numbered)
        twin = Wiring.rows(rule, sources, targets, key, numbered=True)
        assert np.array_equal(rows.start, twin.start)
        assert np.array_equal(rows.targets, twin.targets)
    assert np.array_equal(i[rows.edge], np.repeat(np.arange(sources), np.diff(rows.start)))
    assert np.array_equal(j[rows.edge], rows.targets)


def test_fixed_in_degree_is_the_written_rule():
    i, j = FixedInDegree(degree=3).edges(50, 4, 11)
    assert i.tolist() == [rule_bits(11, t, k) * 50 >> 32 for t in range(4) for k in range(3)]
    assert j.tolist() == [t for t in range(4) for _ in range(3)]


def test_fixed_probability_is_the_written_rule():
    i, j = FixedProbability(0.4).edges(6, 5, 11)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [
        (s, t) for t in range(5) for s in range(6) if rule_bits(11, t, s) < round(0.4 * 2**32)
    ]


def test_a_total_is_the_written_rule():
    i, j = FixedTotalNumber(PAGE + 3).edges(50, 40, 11)
    drawn = [
        (rule_bits(11, d >> 16, (d & 0xFFFF) + PAGE) * 40 >> 32, rule_bits(11, d >> 16, d & 0xFFFF) * 50 >> 32)
        for d in range(PAGE + 3)
    ]
    assert list(zip(j.tolist(), i.tolist())) == sorted(drawn, key=lambda pair: pair[0])


@pytest.mark.parametrize(("sources", "targets"), [(70_000, 300), (300, 70_000), (1, 1)])
def test_a_total_over_several_pages_has_the_same_rows_as_its_edges(sources, targets):
    rule = FixedTotalNumber(3 * PAGE + 17)
    rows, twin = (
        compiled_rows(rule, sources, targets, 5, numbered=True),
        Wiring.rows(rule, sources, targets, 5, numbered=True),
    )
    assert rows.edge.size == rule.total == rule.count(sources, targets, 5)
    for one, other in ((rows.start, twin.start), (rows.targets, twin.targets), (rows.edge, twin.edge)):
        assert np.array_equal(one, other)
    assert rows.targets.dtype == twin.targets.dtype


def test_a_total_spreads_evenly_over_both_sides_and_every_page():
    i, j = FixedTotalNumber(400_000).edges(1000, 2000, 3)
    for drawn, size in ((i, 1000), (j, 2000)):
        degrees = np.bincount(drawn, minlength=size)
        assert stats.chisquare(degrees).pvalue > 1e-4
    assert abs(np.corrcoef(i, j)[0, 1]) < 5 / np.sqrt(400_000)


def test_degrees_have_the_right_distribution():
    i, _ = FixedInDegree(fraction=0.1).edges(1000, 1000, 3)
    out = np.bincount(i, minlength=1000)
    assert out.var() == pytest.approx(100 * (1 - 1 / 1000), rel=0.2)
    i, j = FixedProbability(0.1).edges(1000, 1000, 3)
    for degrees in (np.bincount(i, minlength=1000), np.bincount(j, minlength=1000)):
        assert stats.kstest(degrees, stats.binom(1000, 0.1).cdf).pvalue > 1e-4


def test_local_targets_stay_near():
    i, j = HashRule(fan_out=20, locality=1.0, reach=5).edges(1000, 1000, 3)
    apart = np.abs(i.astype(int) - j)
    assert np.minimum(apart, 1000 - apart).max() <= 5


def test_one_to_one_needs_equal_sizes():
    with pytest.raises(DescriptionError, match="not 3 and 4"):
        OneToOne().edges(3, 4, 0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: FixedProbability(1.2), "between 0 and 1"),
        (lambda: FixedInDegree(), "either degree or fraction"),
        (lambda: FixedInDegree(fraction=2.0), "fraction between 0 and 1"),
        (lambda: FixedTotalNumber(-1), "whole number, 0 or more"),
        (lambda: FixedTotalNumber(2.5), "whole number, 0 or more"),
        (lambda: HashRule(fan_out=-1), "fan_out"),
        (lambda: Explicit([[1, 2]]), "SciPy sparse matrix"),
        (lambda: Explicit(sparse.coo_matrix([[np.inf]])), "not finite"),
        (lambda: Explicit(sparse.eye(3)).edges(2, 3, 0), "3 × 3, the populations need 2 × 3"),
    ],
)
def test_rules_that_make_no_sense_are_refused(make, sentence):
    with pytest.raises(DescriptionError, match=sentence):
        make()


def test_explicit_keeps_its_matrix_in_canonical_order():
    matrix = sparse.random(20, 30, density=0.2, random_state=1, format="csr")
    rule = Explicit(matrix)
    i, j = rule.edges(20, 30, 0)
    assert np.array_equal(sparse.coo_matrix((rule.weights, (i, j)), (20, 30)).toarray(), matrix.toarray())
    assert rule.digest == Explicit(matrix.tocsc()).digest
    assert rule.digest != Explicit(matrix * 2).digest
