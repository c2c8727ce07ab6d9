"""Clustering: within every limit, never more packets than in sequential order, and it finds groups that are there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array

from tests.properties.networks import networks
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import Explicit, FixedInDegree
from workbench.mapping import partition
from workbench.mapping.reach import in_degree, reach
from workbench.units import ms, mV

SMALL = CHIPS["loihi-small-cores"]


def wired(i, j, size):
    """A network of one population with the synapses i → j."""
    matrix = coo_array((np.ones(len(i)), (np.asarray(i), np.asarray(j))), shape=(size, size))
    return unfold(
        Network(
            populations={"A": Population(size, Lif())},
            projections={"AA": Projection("A", "A", Explicit(matrix), weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(1, 6), st.integers(10, 200))
def test_a_clustering_keeps_the_limits_and_saves_packets(network, neurons, synapses):
    netlist = unfold(network, seed=0)
    load = in_degree(netlist)
    chip = replace(SMALL, neurons_per_core=neurons, synapses_per_core=max(synapses, int(load.max(initial=1))))
    ordered = partition.fill(load, neurons=neurons, synapses=chip.synapses_per_core)
    core = partition.clustered(netlist, chip)
    used = int(core.max()) + 1
    assert np.array_equal(np.unique(core), np.arange(used))
    assert np.bincount(core).max() <= neurons
    assert np.bincount(core, load).max() <= chip.synapses_per_core
    assert used <= max(chip.cores, int(ordered.max()) + 1)
    assert reach(netlist, core).inside.pairs <= reach(netlist, ordered).inside.pairs


def test_groups_that_are_there_are_found():
    """Ten cliques of eight, shuffled: each core should hold one, so that every neuron sends one packet."""
    rng = np.random.default_rng(4)
    name = rng.permutation(80)
    pairs = [(name[8 * g + a], name[8 * g + b]) for g in range(10) for a in range(8) for b in range(8)]
    netlist = wired(*zip(*pairs, strict=True), 80)
    chip = replace(SMALL, neurons_per_core=8)
    assert reach(netlist, partition.fill(in_degree(netlist), neurons=8, synapses=10**6)).inside.pairs > 300
    assert reach(netlist, partition.clustered(netlist, chip)).inside.pairs == 80


def test_the_worm_sends_a_quarter_fewer_packets():
    netlist = unfold(CIRCUITS["worm"].network(), seed=0)
    ordered = partition.fill(in_degree(netlist), neurons=16, synapses=10**6)
    before, after = (reach(netlist, c).inside.pairs for c in (ordered, partition.clustered(netlist, SMALL)))
    assert before == 2137
    assert after < 0.75 * before


def test_who_fires_most_decides_when_rates_are_given():
    """Two senders, each heard by a half of the others; only one fires, so only its listeners must be together."""
    loud, quiet = [1, 3, 5, 7], [1, 2, 5, 6]
    netlist = wired([0] * 4 + [8] * 4, loud + quiet, 9)
    rates = np.zeros(9)
    rates[0] = 10.0
    chip = replace(SMALL, neurons_per_core=4)
    core = partition.clustered(netlist, chip, rates=rates)
    assert len({int(core[n]) for n in loud}) == 1


def test_incoming_axons_close_a_core():
    """Neuron k hears senders of its own: no two can share a core that listens to three axons."""
    netlist = wired([6, 7, 8, 9, 10, 11, 12, 13], [0, 0, 1, 1, 2, 2, 3, 3], 14)
    core = partition.clustered(netlist, replace(SMALL, neurons_per_core=14, axons_in=3, synapses_per_core=4))
    heard = reach(netlist, core).axons_in
    assert heard.max() <= 3


def test_the_same_network_gives_the_same_cores():
    netlist = unfold(CIRCUITS["balanced"].quick().network(), seed=2)
    chip = replace(SMALL, neurons_per_core=64)
    assert np.array_equal(partition.clustered(netlist, chip), partition.clustered(netlist, chip))


def test_a_large_network_is_clustered_by_a_sample(monkeypatch):
    """With a sample of every few senders it still keeps the limits, and is never worse than the order it starts from."""
    monkeypatch.setattr(partition, "PINS", 2000)
    netlist = unfold(
        Network(
            populations={"A": Population(600, Lif())},
            projections={"AA": Projection("A", "A", FixedInDegree(degree=20), weight=1 * mV, delay=1 * ms)},
        ),
        seed=5,
    )
    chip = replace(SMALL, neurons_per_core=20)
    core = partition.clustered(netlist, chip)
    ordered = partition.fill(in_degree(netlist), neurons=20, synapses=10**6)
    assert np.bincount(core).max() <= 20
    assert reach(netlist, core).inside.pairs <= reach(netlist, ordered).inside.pairs


@pytest.mark.parametrize("size", [1, 5])
def test_one_core_is_enough_for_few(size):
    netlist = wired([], [], size)
    assert partition.clustered(netlist, SMALL).tolist() == [0] * netlist.size
