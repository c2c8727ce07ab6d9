"""Routing: Manhattan ways, trees no longer than their branches, loads link by link, and no ring of waiting links."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.networks import networks
from workbench.chips import CHIPS
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll
from workbench.errors import DescriptionError
from workbench.mapping import place, route
from workbench.mapping.reach import reach
from workbench.units import ms, mV

BASE = CHIPS["loihi-small-cores"]
STEP = {"east": (1, 0), "west": (-1, 0), "north": (0, 1), "south": (0, -1)}
placements = st.tuples(st.integers(0, 2**31), st.sampled_from([(1, 1), (5, 1), (1, 4), (4, 3), (6, 6)]))


def found_ways(network, drawn, routing):
    seed, (x, y) = drawn
    netlist = unfold(network, seed=0)
    rng = np.random.default_rng(seed)
    core_of = rng.integers(0, 5, netlist.size).astype(np.int32)
    tiles = np.stack([rng.integers(0, x, 5), rng.integers(0, y, 5)], axis=1).astype(np.int32)
    chip = replace(BASE, tiles_x=x, tiles_y=y, routing=routing)
    return route.ways(reach(netlist, core_of).inside, core_of, tiles[: core_of.max() + 1], chip), rng


def slow_links(ways, spikes, tree):
    """Packets over each link (tile, direction) and links by neuron, walking every way tile by tile."""
    loads, crossed = Counter(), []
    for n in range(len(ways.core_of)):
        mine = Counter()
        for c in ways.reach.core[ways.reach.start[n] : ways.reach.start[n + 1]]:
            way = route.path(tuple(ways.tiles[ways.core_of[n]].tolist()), tuple(ways.tiles[c].tolist()))
            for a, b in itertools.pairwise(way):
                link = (a, next(d for d, s in STEP.items() if s == (b[0] - a[0], b[1] - a[1])))
                mine[link] = 1 if tree else mine[link] + 1
        crossed.append(sum(mine.values()))
        for link, times in mine.items():
            loads[link] += times * int(spikes[n])
    return {k: v for k, v in loads.items() if v}, crossed


@settings(max_examples=50, deadline=None)
@given(networks(), placements, st.sampled_from(["unicast", "multicast"]), st.sampled_from([0, route.SMALL]))
def test_hops_and_loads_are_what_walking_every_way_finds(network, drawn, routing, small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(route, "SMALL", small)
        ways, rng = found_ways(network, drawn, routing)
    spikes = rng.integers(0, 7, len(ways.core_of))
    loads, crossed = slow_links(ways, spikes, routing == "multicast")
    assert ways.hops.tolist() == crossed
    price, core_of = ways.chip.prices, ways.core_of
    for n in range(core_of.size):
        mine = ways.reach.core[ways.reach.start[n] : ways.reach.start[n + 1]]
        far = np.abs(ways.tiles[mine].astype(int) - ways.tiles[core_of[n]])
        times = far @ [price["east-west hop"].seconds, price["north-south hop"].seconds]
        times[far.sum(axis=1) == 0] = price["tile-local packet"].seconds
        assert ways.path[n] == pytest.approx(times.max(initial=0.0))
        assert ways.local[n] == min((far.sum(axis=1) == 0).sum(), 1 if routing == "multicast" else mine.size)
    measured = ways.link_loads(spikes)
    assert measured.dtype == np.int64
    assert {(tile, d): int(n) for tile, d, n in route.links(measured)} == loads
    assert measured[:2].sum() == ways.east_west @ spikes  # conservation: hops of packets are packets over links
    assert measured[2:].sum() == ways.north_south @ spikes
    assert ways.link_loads(spikes / 2).sum() == pytest.approx(measured.sum() / 2)


@settings(max_examples=50, deadline=None)
@given(networks(), placements)
def test_a_tree_is_at_most_its_unicasts_and_equals_them_for_one_target(network, drawn):
    (one, _), (tree, _) = (found_ways(network, drawn, r) for r in ("unicast", "multicast"))
    assert np.all(tree.hops <= one.hops)
    single = np.diff(one.reach.start) == 1
    assert np.array_equal(tree.hops[single], one.hops[single])
    assert np.array_equal(tree.packet, np.minimum(one.packet, 1))
    assert np.array_equal(tree.received, one.received)
    assert np.array_equal(tree.path, one.path)  # the farthest core waits as long either way
    assert np.all(tree.local <= one.local)
    assert np.array_equal(one.packet, one.received)


def test_a_tree_by_hand():
    """From (1, 1) to (3, 1), (3, 3), (3, 0) and (0, 2): along the row to 0 and 3, up 2 and down 1 at 3, up 1 at 0."""
    tiles = np.array([[1, 1], [3, 1], [3, 3], [3, 0], [0, 2]], np.int32)
    netlist = unfold(
        Network(
            populations={"A": Population(1, Lif()), "B": Population(5, Lif())},
            projections={"AB": Projection("A", "B", AllToAll(), weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )
    core_of = np.array([0, 0, 1, 2, 3, 4], np.int32)
    chip = replace(BASE, tiles_x=4, tiles_y=4, routing="multicast")
    found = reach(netlist, core_of).inside
    tree = route.ways(found, core_of, tiles, chip)
    assert (tree.packet[0], tree.received[0], tree.local[0]) == (1, 5, 1)
    assert (tree.east_west[0], tree.north_south[0]) == (3, 4)
    one = route.ways(found, core_of, tiles, replace(chip, routing="unicast"))
    assert (one.packet[0], one.received[0], one.local[0]) == (5, 5, 1)
    assert (one.east_west[0], one.north_south[0]) == (7, 4)
    price = chip.prices
    assert one.path[0] == pytest.approx(2 * price["east-west hop"].seconds + 2 * price["north-south hop"].seconds)
    assert tree.joules(np.array([3, 0, 0, 0, 0, 0])) == pytest.approx(
        3
        * (
            price["packet"].joules
            + 5 * price["packet received"].joules
            + price["tile-local packet"].joules
            + 3 * price["east-west hop"].joules
            + 4 * price["north-south hop"].joules
        ),
        rel=1e-12,
    )


@given(st.tuples(*[st.integers(0, 9)] * 4))
def test_without_faults_a_way_is_as_long_as_the_ruler_says(ends):
    x, y, to_x, to_y = ends
    way = route.path((x, y), (to_x, to_y))
    assert len(way) - 1 == abs(x - to_x) + abs(y - to_y)
    assert way[0] == (x, y) and way[-1] == (to_x, to_y)
    assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in itertools.pairwise(way))
    turn = next((k for k, (_, b) in enumerate(way) if b != y), len(way))
    assert all(a == to_x for a, _ in way[turn:])  # first along the row


@pytest.mark.parametrize(("x", "y"), [(8, 4), (5, 7)])
def test_uniform_traffic_loads_the_middle_links_most(x, y):
    """Every tile to every tile: link k → k + 1 of a row carries m (k + 1)(n − k − 1), of a column n (k + 1)(m − k − 1)."""
    netlist = unfold(
        Network(
            populations={"A": Population(x * y, Lif())},
            projections={"AA": Projection("A", "A", AllToAll(), weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )
    chip = replace(BASE, tiles_x=x, tiles_y=y)
    core_of = np.arange(x * y, dtype=np.int32)
    ways = route.ways(reach(netlist, core_of).inside, core_of, place.row_major(x * y, chip), chip)
    east, west, north, south = ways.link_loads()
    for k in range(x):
        assert np.all(east[:, k] == y * (k + 1) * (x - k - 1))
        assert np.all(west[:, k] == y * k * (x - k))
    for k in range(y):
        assert np.all(north[k] == x * (k + 1) * (y - k - 1))
        assert np.all(south[k] == x * k * (y - k))
    assert ways.hops.sum() / (x * y) ** 2 == pytest.approx((x**2 - 1) / (3 * x) + (y**2 - 1) / (3 * y))
    assert ways.link_loads().sum() == ways.hops.sum()


# --- deadlock ----------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(networks(), placements, st.sampled_from(["unicast", "multicast"]))
def test_dimension_order_can_never_deadlock(network, drawn, routing):
    assert route.acyclic(route.dependencies(found_ways(network, drawn, routing)[0]))


def test_all_ways_of_a_mesh_at_once_are_free_of_deadlock():
    tiles = [(x, y) for x in range(5) for y in range(4)]
    used = route.path_dependencies([route.path(a, b) for a in tiles for b in tiles], (5, 4))
    assert used.sum() == 24 + 20 + 48  # straight on along rows, along columns, and turns out of a row
    assert route.acyclic(used)
    east_then_south = used[0, :, :, 3].sum()
    south_then_east = used[3, :, :, 0].sum()
    assert east_then_south and not south_then_east


def test_dependencies_of_a_netlist_are_those_of_its_ways():
    netlist = unfold(
        Network(
            populations={"A": Population(12, Lif())},
            projections={"AA": Projection("A", "A", AllToAll(), weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )
    chip, core_of = replace(BASE, tiles_x=4, tiles_y=3), np.arange(12, dtype=np.int32)
    tiles = place.row_major(12, chip)
    ways = route.ways(reach(netlist, core_of).inside, core_of, tiles, chip)
    listed = [tuple(t) for t in tiles.tolist()]
    paths = [route.path(a, b) for a in listed for b in listed]
    assert np.array_equal(route.dependencies(ways), route.path_dependencies(paths, (4, 3)))


@pytest.mark.parametrize("mesh", [(2, 2), (4, 3)])
def test_four_ways_around_a_block_deadlock_and_are_found(mesh):
    """Each holds one link of the ring and waits for the next one."""
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    around = [[ring[k], ring[(k + 1) % 4], ring[(k + 2) % 4]] for k in range(4)]
    assert not route.acyclic(route.path_dependencies(around, mesh))
    assert route.acyclic(route.path_dependencies(around[:3], mesh))  # take one turn away, and the ring is open


@pytest.mark.parametrize("way", [[(0, 0), (1, 1)], [(0, 0), (0, 2)], [(2, 0), (3, 0)], [(0, 0), (0, 0)]])
def test_a_way_that_jumps_or_leaves_the_mesh_is_refused(way):
    with pytest.raises(DescriptionError, match="a hop leads to one of the four tiles beside it"):
        route.path_dependencies([way], (3, 3))
