"""Yield: the four models against their tables and their own distributions, spares against exact sums, repairs, stacks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from workbench.errors import DescriptionError, PlacementError
from workbench.physics import spares, yields
from workbench.physics.lattice import mean_hops
from workbench.physics.stacking import Stacking, via_survival

WSE = yields.mean_defects(46225e-6, 1000.0)


def test_the_table_of_a_wafer_a_die_and_a_core():
    assert pytest.approx(46.225) == WSE
    assert yields.poisson(WSE) == pytest.approx(8.4e-21, rel=0.01)
    assert yields.murphy(WSE) == pytest.approx(4.7e-4, rel=0.01)
    assert yields.seeds(WSE) == pytest.approx(0.0212, abs=5e-5)
    assert yields.negative_binomial(WSE, 2) == pytest.approx(1.72e-3, abs=5e-6)
    assert yields.negative_binomial(WSE, 3) == pytest.approx(2.26e-4, abs=5e-7)
    row = [
        yields.poisson(0.1),
        yields.murphy(0.1),
        yields.seeds(0.1),
        yields.negative_binomial(0.1, 2),
        yields.negative_binomial(0.1, 3),
    ]
    assert np.round(row, 4).tolist() == [0.9048, 0.9056, 0.9091, 0.9070, 0.9063]
    assert yields.poisson(yields.mean_defects(0.05e-6, 1000.0)) == pytest.approx(0.99995, abs=1e-8)


@pytest.mark.parametrize(
    ("model", "alpha"),
    [("poisson", 2), ("murphy", 2), ("seeds", 2), ("negative binomial", 2.0), ("negative binomial", 0.7)],
)
def test_each_yield_is_the_mean_over_its_own_density(model, alpha):
    for lam in (0.1, 1.0, 7.0):
        mean = quad(
            lambda u, lam=lam: math.exp(-lam * float(yields.density(u, model, alpha=alpha))),
            0,
            1,
            points=[0.5],
            limit=200,
        )[0]
        assert float(yields.survival(lam, model, alpha=alpha)) == pytest.approx(mean, rel=1e-6)
    one = quad(lambda u: float(yields.density(u, model, alpha=alpha)), 0, 1, limit=400)[0]
    assert one == pytest.approx(1.0, rel=1e-5)


def test_limits_of_the_models():
    lam = np.array([0.0, 0.5, 3.0])
    assert np.allclose(yields.negative_binomial(lam, 1e9), yields.poisson(lam), rtol=1e-6)
    assert np.allclose(yields.negative_binomial(lam, 1.0), yields.seeds(lam))
    order = [yields.poisson(3.0), yields.murphy(3.0), yields.negative_binomial(3.0, 2.0), yields.seeds(3.0)]
    assert order == sorted(order)
    assert [float(yields.survival(0.0, m)) for m in yields.MODELS] == [1.0] * 4


def test_a_wafer_of_970_000_cores_has_48_dead_ones_and_needs_fewer_spares_than_it_has():
    assert yields.expected_dead(970_000, 5e-5) == pytest.approx(48.5, abs=0.01)
    assert 70_000 / yields.expected_dead(970_000, 5e-5) == pytest.approx(1443, abs=2)
    assert round(900_000 / 970_000, 3) == 0.928
    assert yields.enough(970_000, 70_000, 5e-5) == pytest.approx(1.0)
    need = yields.spares_needed(970_000, 5e-5, 0.99)
    assert yields.enough(970_000, need, 5e-5) >= 0.99 > yields.enough(970_000, need - 1, 5e-5)


@pytest.mark.parametrize(("cores", "s", "lam"), [(30, 0, 0.02), (30, 3, 0.1), (12, 12, 0.5)])
def test_enough_is_the_binomial_sum_and_near_its_poisson_tail(cores, s, lam):
    p = 1 - math.exp(-lam)
    exact = sum(math.comb(cores, k) * p**k * (1 - p) ** (cores - k) for k in range(s + 1))
    assert yields.enough(cores, s, lam) == pytest.approx(exact, rel=1e-12)
    big, few = 100_000, 1e-5 * 100_000
    tail = sum(math.exp(-few) * few**k / math.factorial(k) for k in range(4))
    assert yields.enough(big, 3, 1e-5) == pytest.approx(tail, rel=1e-4)


@pytest.mark.parametrize("model", ["murphy", "seeds", "negative binomial"])
def test_a_density_shared_by_the_wafer_is_the_mean_over_wafers(model):
    from scipy.stats import binom

    u = (np.arange(20_000) + 0.5) / 20_000
    density = yields.density(u, model, alpha=2.0)
    mean = binom.cdf(12, 400, -np.expm1(-0.02 * density)).mean()
    assert yields.enough(400, 12, 0.02, model, shared=True) == pytest.approx(mean, rel=1e-4)
    # With few spares clustering helps, with many it hurts
    assert yields.enough(400, 1, 0.02, model, shared=True) > yields.enough(400, 1, 0.02)
    assert yields.enough(400, 14, 0.02, model, shared=True) < yields.enough(400, 14, 0.02)


@pytest.mark.parametrize("model", yields.MODELS)
def test_specimens_yield_as_their_model_says(model):
    dead = yields.dead((400, 500), 0.4, model=model, alpha=1.5, die=11)
    expected = 1 - float(yields.survival(0.4, model, alpha=1.5))
    assert dead.mean() == pytest.approx(expected, abs=4 * math.sqrt(0.25 / dead.size))
    counts = yields.defects((400, 500), 0.4, model=model, alpha=1.5, die=11)
    assert counts.mean() == pytest.approx(0.4, abs=0.02)
    assert (counts > 0).sum() == dead.sum()


def test_clusters_share_their_fate_and_a_die_is_a_die():
    alone = yields.dead((300, 300), 0.3, model="negative binomial", alpha=0.5, die=1)
    together = yields.dead((300, 300), 0.3, model="negative binomial", alpha=0.5, cluster=(10, 10), die=1)

    def likeness(dead: np.ndarray) -> float:
        return float(np.corrcoef(dead[:, ::10].reshape(-1), dead[:, 1::10].reshape(-1))[0, 1])

    assert likeness(alone) < 0.05 < 0.2 < likeness(together)
    same = yields.dead((300, 300), 0.3, model="negative binomial", alpha=0.5, die=1)
    other = yields.dead((300, 300), 0.3, model="negative binomial", alpha=0.5, die=2)
    assert (same == alone).all() and (other != alone).any()
    assert not yields.dead((5, 5), 0.0).any()


# repairs


def random_dead(rows: int, columns: int, share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, columns)) < share


def test_rows_shift_past_their_dead_cores_in_order():
    dead = random_dead(12, 14, 0.1, 3)
    repair = spares.by_shift(dead, (10, 11))
    assert not dead[repair.row, repair.column].any()
    assert (np.diff(repair.column, axis=1) > 0).all() and (np.diff(repair.row[:, 0]) > 0).all()
    assert repair.stretch >= 1
    whole = spares.by_shift(np.zeros((3, 4)), (3, 4))
    assert whole.stretch == 1 and not whole.moved.any()


@pytest.mark.parametrize("seed", range(12))
def test_covering_lines_are_found_whenever_they_exist(seed):
    dead = random_dead(6, 6, 0.16, seed)
    possible = any(
        not np.delete(np.delete(dead, r, axis=0), c, axis=1).any()
        for r in itertools.combinations(range(6), 2)
        for c in itertools.combinations(range(6), 2)
    )
    if possible:
        repair = spares.by_lines(dead, (4, 4))
        assert repair.row.shape == (4, 4) and not dead[repair.row, repair.column].any()
    else:
        with pytest.raises(PlacementError, match="cannot be covered"):
            spares.by_lines(dead, (4, 4))


def test_both_answers_of_covering_occur_in_the_test_above():
    found = set()
    for seed in range(12):
        try:
            spares.by_lines(random_dead(6, 6, 0.16, seed), (4, 4))
            found.add(True)
        except PlacementError:
            found.add(False)
    assert found == {True, False}


def test_dead_cores_go_to_the_nearest_spares_all_together():
    dead = np.zeros((4, 5), bool)
    dead[0, 2] = dead[1, 3] = dead[2, 0] = True
    repair = spares.to_nearest(dead, (3, 4))
    assert not dead[repair.row, repair.column].any()
    places = set(zip(repair.row.reshape(-1).tolist(), repair.column.reshape(-1).tolist()))
    assert len(places) == 12
    lost, spare = [(0, 2), (1, 3), (2, 0)], [(r, 4) for r in range(4)] + [(3, c) for c in range(4)]
    best = min(
        sum(abs(a - r) + abs(b - c) for (a, b), (r, c) in zip(lost, chosen))
        for chosen in itertools.permutations(spare, 3)
    )
    assert repair.moved.sum() == best


def test_repairs_say_how_many_are_short():
    dead = np.zeros((4, 4), bool)
    dead[:2, :2] = True
    with pytest.raises(PlacementError, match="2 short"):
        spares.by_shift(dead, (4, 3))
    with pytest.raises(PlacementError, match="4 of 16 cores are dead and 0 spares live: 4 short"):
        spares.to_nearest(dead, (4, 4))
    with pytest.raises(PlacementError, match="do not fit"):
        spares.by_lines(dead, (5, 5))


# stacks


def test_a_cube_of_cores_is_nearer_to_itself_than_a_plate():
    plate, four = Stacking(cores=64 * 64), Stacking(cores=64 * 64, layers=4)
    assert plate.hops == pytest.approx(mean_hops(64, 64)) and four.hops == pytest.approx(mean_hops(32, 32, 4))
    assert four.hops < plate.hops
    assert plate.vias == 0 and four.vias == 3 * 1024 * 64


def test_stacks_pay_in_yield_and_heat():
    base = dict(cores=4096, die_yield=0.8, bond=0.99, via_failure=1e-7)
    blind = Stacking(**base, layers=4, sorted_dies=False)
    assert blind.survival == pytest.approx(0.8**4 * 0.99**3 * (1 - 1e-7) ** blind.vias)
    assert Stacking(**base, layers=4).survival == pytest.approx(blind.survival / 0.8**4)
    assert via_survival(1e6, 1e-6) == pytest.approx(math.exp(-1), rel=1e-5)
    assert via_survival(1e6, 1e-6, redundant=2) == pytest.approx(1 - 1e-6, rel=1e-9)
    rises = [Stacking(cores=4096, layers=n).rise(1000.0, 0.04, between=1e-6, film=1e4) for n in (1, 2, 4)]
    assert rises[0] == pytest.approx(1000 / 0.04 / 1e4) and rises[1] > 2 * rises[0] and rises[2] > 2 * rises[1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: yields.poisson(-0.1),
        lambda: yields.survival(0.1, "weibull"),
        lambda: yields.negative_binomial(0.1, 0.0),
        lambda: yields.mean_defects(-1.0, 1.0),
        lambda: yields.enough(10, -1, 0.1),
        lambda: yields.defects((0, 3), 0.1),
        lambda: Stacking(cores=10, layers=0),
        lambda: Stacking(cores=10, bond=1.1),
        lambda: via_survival(10, 2.0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DescriptionError):
        wrong()
