"""Reach and traffic equal a slow loop over every synapse; nothing grows with neurons × cores."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.networks import networks
from workbench.circuits import CIRCUITS
from workbench.circuits.library.worm import ROLES, connectome
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Netlist, unfold
from workbench.circuits.wiring import AllToAll, FixedInDegree
from workbench.mapping import reach as module
from workbench.mapping import traffic as traffic_module
from workbench.mapping.reach import in_degree, reach
from workbench.mapping.traffic import traffic
from workbench.units import ms, mV


def slow_pairs(netlist: Netlist, core_of: np.ndarray) -> tuple[Counter, Counter, Counter]:
    """(sender, core) → synapses of neurons, of sources, and (sender, core, storage) → synapses; edge by edge."""
    inside, outside, stored = Counter(), Counter(), Counter()
    for block in netlist.projections.values():
        if isinstance(block.kind, (Gap, Current)):
            continue
        first = netlist.populations[block.target].start
        for i, j in zip(*(a.tolist() for a in block.edges()), strict=True):
            core = int(core_of[first + j])
            if block.external:
                outside[block.source, i, core] += 1
            else:
                sender = netlist.populations[block.source].start + i
                inside[sender, core] += 1
                stored[sender, core, block.rule.storage] += 1
    return inside, outside, stored


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(1, 5), st.integers(0, 2**31), st.sampled_from([0, 40, module.SMALL]))
def test_reach_is_what_a_loop_over_synapses_finds(network, cores, seed, small):
    """For a small network by sorting, for a large one by compiled loops, and for one that grows from the one to the other."""
    netlist = unfold(network, seed=seed % 1000)
    core_of = np.random.default_rng(seed).integers(0, cores, netlist.size).astype(np.int32)
    cores = int(core_of.max()) + 1
    inside, outside, stored = slow_pairs(netlist, core_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", small)
        found = reach(netlist, core_of)
        assert in_degree(netlist).sum() == sum(inside.values()) + sum(outside.values())
    ours = {
        (int(i), int(c)): int(n)
        for i, c, n in zip(found.inside.senders, found.inside.core, found.inside.operations, strict=True)
    }
    assert ours == inside
    for kind in ("synaptic operation", "dense operation", "shared operation"):
        many = found.inside.stored(kind)
        expected = {(i, c): n for (i, c, k), n in stored.items() if k == kind}
        given = {} if many is None else dict(zip(ours, many.tolist(), strict=True))
        assert {key: n for key, n in given.items() if n} == expected
    for i in range(netlist.size):
        row = found.inside.core[found.inside.start[i] : found.inside.start[i + 1]]
        assert np.all(np.diff(row) > 0)
    every = [(c, n) for (_, c), n in inside.items()] + [(c, n) for (*_, c), n in outside.items()]
    assert found.synapses.tolist() == [sum(n for c, n in every if c == k) for k in range(cores)]
    assert found.axons_in.tolist() == [sum(1 for c, _ in every if c == k) for k in range(cores)]
    assert found.axons_out.tolist() == [sum(1 for i, _ in inside if core_of[i] == k) for k in range(cores)]


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(0, 2**31))
def test_traffic_is_one_packet_for_each_neuron_and_core(network, seed):
    netlist = unfold(network, seed=0)
    rng = np.random.default_rng(seed)
    core_of, rates = rng.integers(0, 4, netlist.size).astype(np.int32), rng.integers(0, 9, netlist.size).astype(float)
    inside, _, _ = slow_pairs(netlist, core_of)
    for given_rates, weight in ((None, np.ones(netlist.size)), (rates, rates)):
        expected: Counter = Counter()
        for i, c in inside:
            expected[int(core_of[i]), c] += weight[i]
        found = traffic(netlist, core_of, given_rates)
        assert (
            dict(zip(zip(found.source.tolist(), found.target.tolist(), strict=True), found.packets, strict=True))
            == expected
        )
        assert found.total == sum(expected.values())


def test_the_worm_in_order_sends_2137_packets():
    """The number of the lesson, by a plain loop over the published contacts: sixteen cells a core, in the order of the table."""
    worm = connectome()
    place = {name: k for k, name in enumerate(name for role in ROLES for name in worm.cells[role])}
    pairs = set()
    for (a, b), contacts in worm.chemical.items():
        i, j, *_ = contacts.matrix
        pairs |= {(place[worm.cells[a][s]], place[worm.cells[b][t]] // 16) for s, t in zip(i, j, strict=True)}
    assert len(pairs) == 2137
    netlist = unfold(CIRCUITS["worm"].network(), seed=0)
    assert reach(netlist, (np.arange(netlist.size) // 16).astype(np.int32)).inside.pairs == 2137


def test_rows_of_traffic_hold_both_directions_and_no_diagonal():
    netlist = unfold(
        Network(
            populations={"A": Population(6, Lif())},
            projections={"AA": Projection("A", "A", AllToAll(), weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )
    start, other, weight = traffic(netlist, np.array([0, 0, 1, 1, 1, 2], np.int32)).rows()
    assert start.tolist() == [0, 2, 4, 6]
    assert other.tolist() == [1, 2, 0, 2, 0, 1]
    assert weight.tolist() == [5, 3, 5, 4, 3, 4]  # 2 neurons of core 0 send to core 1, 3 of core 1 to core 0


def test_many_cores_are_counted_by_sorting_and_give_the_same(monkeypatch):
    netlist = unfold(
        Network(
            populations={"A": Population(200, Lif())},
            projections={"AA": Projection("A", "A", FixedInDegree(degree=7), weight=1 * mV, delay=1 * ms)},
        ),
        seed=3,
    )
    core_of = (np.arange(200) // 5).astype(np.int32)
    dense = traffic(netlist, core_of)
    monkeypatch.setattr(traffic_module, "SMALL", 0)
    compiled = traffic(netlist, core_of)
    monkeypatch.setattr(traffic_module, "DENSE", 0)
    sparse = traffic(netlist, core_of)
    for name in ("source", "target", "packets"):
        assert np.array_equal(getattr(dense, name), getattr(sparse, name))
        assert np.array_equal(getattr(dense, name), getattr(compiled, name))


def test_memory_grows_with_the_pairs_found_and_not_with_neurons_times_cores(monkeypatch):
    """50,000 neurons of fan-out 3 on 6,250 cores: a table would take 1.25 GB; the pairs are 150,000."""
    netlist = unfold(
        Network(
            populations={"A": Population(50_000, Lif())},
            projections={"AA": Projection("A", "A", FixedInDegree(degree=3), weight=1 * mV, delay=1 * ms)},
        ),
        seed=1,
    )
    core_of = (np.arange(50_000) // 8).astype(np.int32)
    monkeypatch.setattr(module, "SMALL", 0)
    reach(netlist, core_of)  # compiled before it is measured
    tracemalloc.start()
    found = reach(netlist, core_of)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.inside.pairs == pytest.approx(150_000, rel=0.01)
    assert most < 20e6
