"""Neurons stepped in NumPy, and the order in which populations go: who waits for whom, one step or many."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.properties.values import DT
from workbench.backends.cells import begin
from workbench.backends.clockwork import order
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import OneToOne
from workbench.errors import UnsupportedError
from workbench.units import ms, mV, nA

CHANCE = np.random.default_rng(4)


def test_stages_keep_loops_together_and_senders_first():
    def joined(*pairs, delay=DT):
        return {f"{a}{b}": Projection(a, b, OneToOne(), weight=1.0, delay=delay) for a, b in pairs}

    network = Network(
        {name: Population(1, Relu()) for name in "DCBAE"},
        {},
        joined(("A", "B"), ("B", "C"), ("D", "E")) | joined(("C", "B"), delay=0.0) | joined(("C", "D"), delay=2 * DT),
    )
    stages = order(unfold(network, seed=0))
    assert [set(s.populations) for s in stages] == [{"A"}, {"B", "C"}, {"D"}, {"E"}]
    assert [s.recurrent for s in stages] == [False, True, False, False]
    assert stages[1].populations == ("C", "B")


def test_a_chain_of_a_thousand_layers_has_an_order():
    names = [f"n{k}" for k in range(1000)]
    network = Network(
        {n: Population(1, Relu()) for n in reversed(names)},
        {},
        {b: Projection(a, b, OneToOne(), weight=1.0, delay=0.0) for a, b in itertools.pairwise(names)},
    )
    assert [s.populations[0] for s in order(unfold(network, seed=0))] == names


def test_many_steps_at_once_are_the_steps_one_by_one():
    for neuron in (Relu(bias=0.3, highest=1.0), Integrator(tau=1 * ms), Lif()):
        cells = unfold(Network({"P": Population(4, neuron)}, {}, {}), seed=0).populations["P"]
        arrivals = {"input": CHANCE.normal(size=(30, 4)) * (6 * mV if isinstance(neuron, Lif) else 1.0)}
        current = np.full((30, 4), 1 * nA) if isinstance(neuron, Lif) else None
        one, other = begin(cells, DT), begin(cells, DT)
        at_once = one.steps(arrivals, current, steps=30)
        for n in range(30):
            alone = other.step({"input": arrivals["input"][n]}, None if current is None else current[n])
            assert np.array_equal(at_once[n], alone)


def test_a_state_that_is_saved_and_restored_goes_on_identically():
    cells = unfold(Network({"P": Population(4, Integrator())}, {}, {}), seed=0).populations["P"]
    one, other = begin(cells, DT), begin(cells, DT)
    one.step({"input": np.arange(4.0)})
    other.restore(one.save())
    assert np.array_equal(one.step({}), other.step({}))


def test_a_model_without_a_step_is_refused_with_those_that_have_one():
    cells = unfold(Network({"P": Population(1, AdEx())}, {}, {}), seed=0).populations["P"]
    with pytest.raises(UnsupportedError, match="'P'.*AdEx.*Lif, DiscreteLif, Relu, Integrator"):
        begin(cells, DT)
