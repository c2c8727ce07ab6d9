"""The steps together: costs before and after each, a mapping of one's own, refusals that say what would do."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.networks import networks
from workbench import words
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, FixedInDegree
from workbench.errors import DescriptionError, PlacementError
from workbench.mapping import Mapped, fit, map, mapped, partition, place, route
from workbench.mapping.reach import in_degree, reach
from workbench.mapping.traffic import traffic
from workbench.units import ms, mV

SMALL = CHIPS["loihi-small-cores"]
METHODS = ("row-major", "random", "hilbert", "force-directed", "annealing")


def net(size, wiring):
    return unfold(
        Network(
            populations={"A": Population(size, Lif())},
            projections={"AA": Projection("A", "A", wiring, weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )


@pytest.fixture(scope="module")
def worm():
    return unfold(CIRCUITS["worm"].network(), seed=0)


@pytest.mark.parametrize(
    ("parted", "placed", "routed"), [*product(("sequential", "clustered"), METHODS, ("unicast", "multicast"))]
)
def test_every_way_of_mapping_tells_its_cost_step_by_step(worm, parted, placed, routed):
    chip = replace(SMALL, partition=parted, placement=placed, routing=routed)
    made = map(worm, chip, seed=0)
    start, after_partition, after_place, after_route = made.costs
    assert [c.step for c in made.costs] == ["start", "partition", "place", "route"]
    assert [c.method for c in made.costs[1:]] == [parted, placed, routed]
    assert start.packets == 2137 and start.spike_hops == 6754
    assert after_partition.packets <= start.packets
    assert after_place.packets == after_partition.packets
    assert after_route.spike_hops <= after_place.spike_hops
    if routed == "multicast":
        assert after_route.packets < after_place.packets
        assert after_route.joules < after_place.joules
    # the last line is what the mapping really does
    ways = route.ways(reach(worm, made.core_of).inside, made.core_of, made.tiles, chip)
    assert after_route.packets == ways.packet.sum()
    assert after_route.spike_hops == ways.hops.sum()
    assert after_route.mean_hops == pytest.approx(ways.hops.sum() / ways.received.sum())
    assert after_route.max_link == ways.link_loads().max()
    assert after_route.joules == pytest.approx(ways.joules())
    if placed in ("force-directed", "annealing"):
        at_start = map(worm, replace(chip, placement="hilbert"), seed=0).costs[2]
        assert after_place.spike_hops <= at_start.spike_hops


def test_steps_can_be_called_alone_and_handed_on(worm):
    core_of = partition.fill(in_degree(worm), neurons=16, synapses=10**6)
    tiles = place.force_directed(traffic(worm, core_of), SMALL).tiles
    by_hand = map(worm, SMALL, seed=0, core_of=core_of, tiles=tiles)
    asked = map(worm, replace(SMALL, placement="force-directed"), seed=0)
    assert np.array_equal(by_hand.core_of, asked.core_of) and np.array_equal(by_hand.tiles, asked.tiles)
    assert [c.method for c in by_hand.costs] == [mapped.START, "given", "given", "unicast"]
    assert [c.spike_hops for c in by_hand.costs] == [c.spike_hops for c in asked.costs]


def test_the_default_is_what_it_always_was(worm):
    """Sequential, row-major, unicast: every step leaves the cost as it is."""
    made = map(worm, SMALL, seed=5)
    assert len({replace(c, step="", method="") for c in made.costs}) == 1
    assert np.all(np.diff(made.core_of) >= 0)
    assert np.array_equal(made.tiles, place.row_major(25, SMALL))


def test_rates_weigh_the_costs(worm):
    rates = np.zeros(worm.size)
    rates[7] = 4.0
    made = map(worm, SMALL, seed=0, rates=rates)
    reached = reach(worm, made.core_of).inside
    assert made.costs[-1].packets == 4 * (reached.start[8] - reached.start[7])
    with pytest.raises(DescriptionError, match=r"rates has shape \(3,\); write one number for each of 397 neurons"):
        map(worm, SMALL, seed=0, rates=np.ones(3))


def test_the_costs_read_as_a_table_and_as_sentences(worm):
    made = map(worm, replace(SMALL, partition="clustered", placement="force-directed", routing="multicast"), seed=0)
    lines = made.table.splitlines()
    assert lines[0].split() == [
        "step",
        "method",
        "packets",
        "hops",
        "hops",
        "each",
        "busiest",
        "link",
        "energy",
        "(nJ)",
    ]
    assert lines[1].startswith("start") and " 2137 " in lines[1] and " 6754 " in lines[1]
    assert len(lines) == 5
    said = made.sentences
    assert said[0].startswith("partition (clustered): 2137 → ")
    assert said[1].startswith("place (force-directed): ") and said[2].startswith("route (multicast): ")
    with words.speaking("zh_CN"):
        assert made.table.splitlines()[1].startswith("起点")
        assert made.sentences[1].startswith("布局")


@settings(max_examples=30, deadline=None)
@given(networks(), st.integers(1, 6), st.sampled_from(METHODS), st.sampled_from(["unicast", "multicast"]))
def test_any_network_is_mapped_within_its_limits_and_without_deadlock(network, neurons, placed, routed):
    netlist = unfold(network, seed=0)
    chip = replace(SMALL, tiles_x=4, tiles_y=4, cores_per_tile=2, neurons_per_core=neurons, placement=placed, routing=routed, partition="clustered")  # fmt: skip
    made = mapped.plan(netlist, chip, seed=1)
    assert np.bincount(made.mapped.core_of).max() <= neurons
    place.slots_of(made.mapped.tiles, chip)
    assert route.acyclic(route.dependencies(made.ways))
    for core in made.cores:
        assert all(used <= limit for used, limit in core.resources().values())


# --- what does not fit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wiring", "changes", "says"),
    [
        (FixedInDegree(degree=3), {"tiles_x": 2, "tiles_y": 1}, r"has 2 cores, the network of 100 neurons needs 7: 68 neurons do not fit\. .*tiles_x=4, tiles_y=2"),
        (FixedInDegree(degree=30), {"synapses_per_core": 20, "tiles_x": 16}, r"core 0 of .* is full: synapses used 30, limit 20, 10 too many \(100 cores are over a limit\)\..*do: synapses_per_core=30\."),
        (AllToAll(), {"axons_in": 64}, r"axons in used 100, limit 64, 36 too many \(7 cores are over a limit\)\..*do: axons_in=100\."),
        (AllToAll(), {"axons_out": 100}, r"axons out used 112, limit 100, 12 too many \(6 cores are over a limit\)\..*do: axons_out=112\."),
    ],
)  # fmt: skip
def test_a_refusal_says_where_by_how_much_and_what_would_do(wiring, changes, says):
    netlist = net(100, wiring)
    chip = replace(SMALL, **changes)
    with pytest.raises(PlacementError, match=says):
        map(netlist, chip, seed=0)
    enough = fit.smallest(netlist, chip)
    map(netlist, enough, seed=0)
    for knob in changes:
        if getattr(enough, knob) != getattr(chip, knob) and knob not in ("tiles_x", "tiles_y"):
            with pytest.raises(PlacementError):  # one less would not do
                map(netlist, replace(enough, **{knob: getattr(enough, knob) - 1}), seed=0)


def test_a_crowded_core_of_a_mapping_by_hand_is_named():
    netlist = net(40, FixedInDegree(degree=3))
    with pytest.raises(
        PlacementError, match="core 1 of .* is full: neurons used 30, limit 16, 14 too many .*In sequential order"
    ):
        map(netlist, SMALL, seed=0, core_of=np.repeat([0, 1], [10, 30]))


@pytest.mark.parametrize(
    ("tiles", "mesh"), [(1, (1, 1)), (2, (2, 1)), (5, (3, 2)), (7, (4, 2)), (13, (5, 3)), (17, (6, 3)), (302, (19, 16))]
)
def test_the_smallest_mesh_is_no_strip(tiles, mesh):
    x, y = fit.smallest_mesh(tiles)
    assert x * y >= tiles and x <= 2 * y
    fewer = [(a, b) for a in range(1, 40) for b in range(1, 40) if tiles <= a * b < x * y and b <= a <= 2 * b]
    assert not fewer
    assert (x, y) == mesh


@pytest.mark.parametrize(
    ("core_of", "tiles", "says"),
    [
        ([0.5, 1], [[0, 0]], "core_of holds the core of each neuron"),
        ([-1, 0], [[0, 0]], "core_of holds the core of each neuron"),
        ([[0]], [[0, 0]], "core_of holds the core of each neuron"),
        ([0, 0], [0, 0], "tiles holds the tile"),
        ([0, 2], [[0, 0], [1, 0]], "names core 2, Mapped.tiles has 2 rows"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(core_of, tiles, says):
    with pytest.raises(DescriptionError, match=says):
        Mapped(np.array(core_of), np.array(tiles))


def test_a_mapping_for_another_network_is_refused():
    with pytest.raises(DescriptionError, match="has the cores of 3 neurons, the network has 40"):
        map(net(40, FixedInDegree(degree=3)), SMALL, seed=0, core_of=np.zeros(3, np.int32))
