"""Weights and delays as rules: any part in any order is a part of the whole, and the whole is what it was as an array."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from workbench import streams
from workbench.circuits import drawn
from workbench.circuits.drawn import KEPT, PIECE, Drawn
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import LogNormal, Normal, Uniform, Values, realise
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, FixedInDegree, FixedTotalNumber
from workbench.units import ms, mV

SPREADS = [Normal(1.0, 0.3), Normal(1.5, 0.75, low=0.05), Uniform(-1.0, 2.0), LogNormal(2.0, 0.5)]


def block(weight, delay=1 * ms, wiring=None):
    wiring = wiring or FixedTotalNumber(5000)
    network = Network(
        {"A": Population(30, Lif())}, {}, {"AA": Projection("A", "A", wiring, weight=weight, delay=delay)}
    )
    return unfold(network, seed=3).projections["AA"]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("spread", SPREADS, ids=str)
def test_any_part_in_any_order_is_a_part_of_the_whole(spread, compiled, monkeypatch):
    monkeypatch.setattr(drawn, "pays", lambda elements, loading: compiled)
    size = PIECE + 1001
    rule = Drawn(spread=spread, key=77, size=size)
    whole = realise(spread, size, 77)
    assert np.array_equal(rule.all(), whole)
    chosen = np.random.default_rng(1).permutation(size)[: PIECE + 7].astype(np.uint32)
    assert np.array_equal(rule.at(chosen), whole[chosen])
    assert np.array_equal(rule.at(chosen[:3].astype(np.int64)), whole[chosen[:3]])
    assert rule.extremes() == (whole.min(), whole.max())


def test_uniform_numbers_in_numba_are_those_in_numpy():
    from workbench.kernels import wiring

    made = np.empty(1000)
    wiring.uniform_at(np.uint64(9), np.arange(500, 1500, dtype=np.uint32), made)
    assert np.array_equal(made, streams.uniform(9, 500, 1500))


def test_a_block_gives_its_weights_at_once_or_by_number():
    b = block(Normal(0.1 * mV, 0.01 * mV), Uniform(1 * ms, 2 * ms))
    assert b.weighted
    assert b.delayed
    assert isinstance(b.weight, np.ndarray)
    assert b.weight.size == b.delay.size == 5000
    rows = b.rows(numbered=True)
    assert np.array_equal(b.weights(rows.edge), b.weight[rows.edge])
    assert np.array_equal(b.delays(rows.edge[5:9]), b.delay[rows.edge[5:9]])
    assert np.array_equal(b.weights(), b.weight)
    assert np.all(b.weight * 2**44 == np.rint(b.weight * 2**44)), "on the receptor's grid"
    assert b.extremes() == {"weight": (b.weight.min(), b.weight.max()), "delay": (b.delay.min(), b.delay.max())}


def test_what_is_one_number_stays_one_and_what_is_listed_stays_a_list():
    one = block(0.1 * mV)
    assert not one.weighted
    assert isinstance(one.weights(np.arange(3)), float)
    listed = block(Values(tuple(np.linspace(0.1, 0.9, 60) * mV)), wiring=FixedInDegree(degree=2))
    assert listed.weighted
    assert np.array_equal(listed.weights(np.array([59, 0])), listed.weight[[59, 0]])
    assert listed.extremes()["weight"] == (listed.weight.min(), listed.weight.max())


def test_a_function_over_weights_leaves_a_rule_a_rule():
    b = block(Normal(0.1 * mV, 0.01 * mV), Uniform(1 * ms, 2 * ms))
    coarse = b.mapped(weight=lambda w: np.rint(w / (0.02 * mV)) * (0.02 * mV), delay=lambda d: np.rint(d / ms) * ms)
    assert np.array_equal(coarse.weight, np.rint(b.weight / (0.02 * mV)) * (0.02 * mV))
    assert set(np.unique(coarse.delay)) == {1 * ms, 2 * ms}
    assert np.array_equal(coarse.weights(np.array([4, 2])), coarse.weight[[4, 2]])
    folded = b.mapped(weight=lambda w: np.abs(w - 0.1 * mV))
    assert folded.extremes()["weight"] == (folded.weight.min(), folded.weight.max()), "a function need not rise"
    assert isinstance(vars(coarse)["_weight"], Drawn), "nothing was made real for good"
    one = block(0.1 * mV)
    assert one.mapped(weight=lambda w: 2 * w).weight == 2 * one.weight


def test_other_values_can_be_put_in_and_a_block_survives_a_pickle():
    b = block(Normal(0.1 * mV, 0.01 * mV))
    doubled = replace(b, weight=2 * b.weight)
    assert np.array_equal(doubled.weight, 2 * b.weight)
    assert doubled.delay == b.delay
    assert np.array_equal(pickle.loads(pickle.dumps(b)).weight, b.weight)


def test_a_block_without_synapses_has_no_extremes():
    assert block(Normal(0.1 * mV, 0.01 * mV), wiring=FixedTotalNumber(0)).extremes()["weight"] == (0.0, 0.0)


def test_large_blocks_hold_no_array():
    b = block(Normal(0.1 * mV, 0.01 * mV), wiring=FixedTotalNumber(KEPT + 1))
    assert b.weight is not b.weight, "made anew each time"
    small = block(Normal(0.1 * mV, 0.01 * mV), wiring=AllToAll())
    assert small.weight is small.weight, "kept, so that asking twice costs nothing"
