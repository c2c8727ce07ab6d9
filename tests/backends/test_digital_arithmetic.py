"""The products of a digital chip: every way of adding gives the same whole numbers, in one go or in pieces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.backends.digital import arithmetic
from workbench.backends.digital.arithmetic import Code, Dense, Ordered, Sparse, lines
from workbench.backends.digital.weights import Kept, keep
from workbench.chips.near_memory import DIGITAL_FLOAT64, NORTHPOLE
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.spread import Normal, Uniform
from workbench.circuits.stimuli import External, ExternalValues
from workbench.circuits.unfold import Block, unfold
from workbench.circuits.wiring import FixedInDegree, FixedProbability, Wiring
from workbench.units import ms, mV

DT = 0.1 * ms


def block(wiring: Wiring, *, values: bool, delay: object = 0.1 * ms) -> Block:
    network = Network(
        {"to": Population(30, Relu() if values else Lif())},
        {"from": Source(50, ExternalValues() if values else External())},
        {"p": Projection("from", "to", wiring, weight=Normal(0.2 * mV, 1 * mV), delay=delay)},  # type: ignore[arg-type]
    )
    return unfold(network, seed=2).projections["p"]


def plain(kept: Kept, rows: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Synapse by synapse: the whole sums, a row for each step until the last has arrived."""
    i, j = kept.block.edges()
    numbers = kept.at(None)
    made = np.zeros((len(rows) + int(lags.max()), kept.block.sizes[1]))
    for s, t, w, lag in zip(i.tolist(), j.tolist(), numbers.tolist(), lags.tolist(), strict=True):
        made[lag : lag + len(rows), t] += rows[:, s] * w
    return made


@pytest.mark.parametrize("wiring", [FixedProbability(0.1), FixedProbability(0.6), FixedInDegree(20)])
def test_dense_sparse_and_ordered_sums_are_the_same_whole_numbers(wiring: Wiring) -> None:
    kept, _ = keep(block(wiring, values=False), NORTHPOLE)
    rows = np.random.default_rng(1).integers(-3, 200, (40, 50)).astype(float)
    rows[np.random.default_rng(2).random((40, 50)) < 0.7] = 0
    expected = plain(kept, rows, np.zeros(kept.block.count, int))
    for line in (Dense(kept, 1, 200.0), Dense(kept, 1, 2.0**24), Sparse(kept, 1), Ordered(kept, 1)):
        assert np.array_equal(line.sums(rows), expected)


@given(cuts=st.lists(st.integers(1, 9), min_size=1, max_size=6), at_once=st.sampled_from([1, 60, 10**6]))
def test_delays_that_differ_arrive_each_in_its_step_however_the_run_is_cut(cuts: list[int], at_once: int) -> None:
    kept, _ = keep(block(FixedInDegree(7), values=False, delay=Uniform(0.1 * ms, 0.9 * ms)), NORTHPOLE)
    lags = np.maximum(np.rint(np.asarray(kept.block.delays()) / DT), 1).astype(int)
    rows = (np.random.default_rng(3).random((sum(cuts), 50)) < 0.3).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arithmetic, "AT_ONCE", at_once)
        (line,) = lines(kept, NORTHPOLE, DT, coded=False)
        assert line.delay == lags.min()
        edges = np.cumsum([0, *cuts])
        found = np.concatenate([line.sums(rows[a:b]) for a, b in pairwise(edges.tolist())])
    assert np.array_equal(found, plain(kept, rows, lags - lags.min())[: len(rows)])


def test_sums_that_are_not_exact_do_not_depend_on_how_many_steps_are_taken_at_once() -> None:
    kept, _ = keep(block(FixedProbability(0.5), values=True), DIGITAL_FLOAT64)
    (line,) = lines(kept, DIGITAL_FLOAT64, DT, coded=False)
    assert isinstance(line, Ordered)
    rows = np.random.default_rng(5).normal(0, 1, (64, 50))
    whole = line.sums(rows)
    for size in (1, 2, 3, 7, 32):
        assert np.array_equal(np.concatenate([line.sums(rows[k : k + size]) for k in range(0, 64, size)]), whole)
    np.testing.assert_allclose(whole, plain(kept, rows, np.zeros(kept.block.count, int)), rtol=1e-12, atol=1e-15)


def test_what_is_summed_exactly_and_what_in_order() -> None:
    spikes, values = block(FixedProbability(0.1), values=False), block(FixedProbability(0.1), values=True)
    loose = replace(NORTHPOLE, activation_bits=0)
    chosen = {
        (chip.name, name): type(lines(keep(b, chip)[0], chip, DT, coded=coded)[0])
        for chip, name, b, coded in (
            (DIGITAL_FLOAT64, "spikes", spikes, False),
            (DIGITAL_FLOAT64, "values", values, False),
            (NORTHPOLE, "spikes", spikes, False),
            (NORTHPOLE, "values", values, True),
            (replace(loose, name="loose"), "values", values, False),
        )
    }
    assert list(chosen.values()) == [Sparse, Ordered, Sparse, Dense, Ordered]


@given(st.floats(1e-3, 1e3), st.integers(2, 16), st.booleans())
def test_a_code_keeps_every_value_of_its_range_to_half_a_step(largest: float, bits: int, signed: bool) -> None:
    code = Code.of(largest, bits, signed=signed)
    values = np.linspace(-largest if signed else 0.0, largest, 101)
    whole, cut = code.whole(values)
    assert cut == 0
    assert np.array_equal(whole, np.rint(whole))
    assert np.abs(whole * code.step - values).max() <= code.step / 2 * (1 + 1e-9)
    assert np.unique(whole).size <= 2**bits
    _, cut = code.whole(np.array([1.6 * largest + 2 * code.step]))
    assert cut == 1
