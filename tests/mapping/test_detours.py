"""Ways around what is dead: shortest or as short as one channel allows, no ring of waiting links, loads and queues that walk them."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mapping.broken_chips import STYLES, broken, chip, main_part, one_round
from tests.properties.networks import networks
from workbench.circuits.unfold import unfold
from workbench.mapping import route
from workbench.mapping.detour import Detours, distances
from workbench.mapping.faults import Faults, drawn
from workbench.mapping.reach import reach


@settings(max_examples=60, deadline=None)
@given(broken, st.sampled_from(STYLES))
def test_ways_go_over_living_links_and_are_shortest_or_longer(faults, style):
    detours, tiles = Detours(faults, style), main_part(faults)
    for source in tiles[:6]:
        far = distances(faults, source)
        for target in tiles[-6:]:
            way, channels = detours.path(source, target)
            assert (way[0], way[-1]) == (source, target)
            for (x, y), (to_x, to_y) in itertools.pairwise(way):
                assert faults.open[route._STEPS[to_x - x, to_y - y], y, x]
            hops = far[target[1], target[0]]
            assert len(way) - 1 >= hops
            assert channels == sorted(channels)  # never back to a lower channel
            if style == "shortest":
                assert len(way) - 1 == hops
            else:
                assert set(channels) <= {0}


def graph_of_waits(detours, tiles):
    """Every (channel, link) and those it may wait for, over the ways of all pairs of tiles."""
    graph = {}
    for source, target in itertools.product(tiles, tiles):
        way, channels = detours.path(source, target)
        held = [(c, link) for c, link in zip(channels, itertools.pairwise(way), strict=True)]
        for a, b in itertools.pairwise(held):
            graph.setdefault(b, set()).add(a)
    return graph


@settings(max_examples=15, deadline=None)
@given(broken, st.sampled_from(STYLES))
def test_no_links_wait_in_a_ring_on_any_channel_or_across_them(faults, style):
    tiles = main_part(faults)
    detours = Detours(faults, style)
    TopologicalSorter(graph_of_waits(detours, tiles)).prepare()  # raises CycleError on a ring
    by_number = np.array([[a[1] * faults.tiles.shape[1] + a[0], b[1] * faults.tiles.shape[1] + b[0]]
                          for a in tiles for b in tiles], np.int64).reshape(-1, 2)  # fmt: skip
    channels = 1 + max((max(detours.path(a, b)[1], default=0) for a in tiles for b in tiles), default=0)
    used = detours.waits(by_number, channels)
    assert route.acyclic(used)
    if style == "up-down":
        assert len(used) == 1
    for c, one in enumerate(used):
        ways = (cut(detours.path(a, b), c) for a in tiles for b in tiles)
        assert np.array_equal(one, route.path_dependencies(ways, faults.tiles.shape[::-1]))


def cut(found, channel):
    """The stretch of a way on one channel."""
    way, channels = found
    on = [k for k, c in enumerate(channels) if c == channel]
    return way[on[0] : on[-1] + 2] if on else []


def test_shortest_ways_on_one_channel_would_wait_in_a_ring():
    """So the channels are needed: on this die the same ways without them have a ring."""
    faults = drawn(chip(7, 7, die=3, routers=0.15))
    detours, tiles = Detours(faults, "shortest"), main_part(faults)
    graph = graph_of_waits(detours, tiles)
    flat = {}
    for (_, link), before in graph.items():
        flat.setdefault(link, set()).update(other for _, other in before)
    with pytest.raises(CycleError):
        TopologicalSorter(flat).prepare()


@settings(max_examples=40, deadline=None)
@given(
    networks(),
    st.integers(0, 2**31),
    st.sampled_from([(1, 1), (5, 1), (4, 3), (6, 6)]),
    st.sampled_from(["unicast", "multicast"]),
)
def test_tables_without_faults_are_dimension_order(network, seed, mesh, routing):
    netlist = unfold(network, seed=0)
    rng = np.random.default_rng(seed)
    core_of = rng.integers(0, 5, netlist.size).astype(np.int32)
    tiles = np.stack([rng.integers(0, mesh[0], 5), rng.integers(0, mesh[1], 5)], axis=1).astype(np.int32)
    whole = chip(*mesh, routing=routing)
    found = reach(netlist, core_of).inside
    plain = route.ways(found, core_of, tiles[: core_of.max() + 1], whole)
    tabled = route.ways(found, core_of, tiles[: core_of.max() + 1], whole, Faults.by_hand(whole))
    for name in ("packet", "received", "local", "east_west", "north_south", "path"):
        assert np.array_equal(getattr(plain, name), getattr(tabled, name)), name
    spikes = rng.integers(0, 5, netlist.size)
    assert np.array_equal(plain.link_loads(spikes), tabled.link_loads(spikes))
    assert np.array_equal(plain.link_loads(spikes / 2), tabled.link_loads(spikes / 2))
    assert tabled.channels == 1
    assert np.array_equal(route.dependencies(plain), route.dependencies(tabled))


@settings(max_examples=40, deadline=None)
@given(networks(), broken, st.integers(0, 2**31), st.sampled_from(["unicast", "multicast"]), st.sampled_from(STYLES))
def test_hops_and_loads_around_faults_are_what_walking_every_way_finds(network, faults, seed, routing, style):
    living = main_part(faults)
    if not living:
        return
    netlist = unfold(network, seed=0)
    rng = np.random.default_rng(seed)
    core_of = rng.integers(0, 5, netlist.size).astype(np.int32)
    tiles = np.array([living[k] for k in rng.integers(0, len(living), 5)], np.int32)
    high, wide = faults.tiles.shape
    made = chip(wide, high, routing=routing, detours=style)
    ways = route.ways(reach(netlist, core_of).inside, core_of, tiles[: core_of.max() + 1], made, faults)
    spikes = rng.integers(0, 7, netlist.size)
    detours, loads, hops, most = Detours(faults, style), Counter(), [], 0
    for n in range(netlist.size):
        mine = Counter()
        for c in ways.reach.core[ways.reach.start[n] : ways.reach.start[n + 1]]:
            way, channels = detours.path(tuple(ways.tiles[core_of[n]].tolist()), tuple(ways.tiles[c].tolist()))
            most = max([most, *channels])
            for a, b in itertools.pairwise(way):
                link = (a, route.DIRECTIONS[route._STEPS[b[0] - a[0], b[1] - a[1]]])
                mine[link] = 1 if routing == "multicast" else mine[link] + 1
        hops.append(sum(mine.values()))
        for link, times in mine.items():
            loads[link] += times * int(spikes[n])
    assert ways.hops.tolist() == hops
    assert ways.channels == most + 1
    measured = ways.link_loads(spikes)
    assert {(tile, d): int(n) for tile, d, n in route.links(measured)} == {k: v for k, v in loads.items() if v}
    assert measured[:2].sum() == ways.east_west @ spikes
    assert measured[2:].sum() == ways.north_south @ spikes
    assert not measured[faults.links].any()
    assert route.acyclic(route.dependencies(ways))


def full(routing, style="shortest"):
    """A broken mesh whose buffers hold one packet."""
    made = chip(7, 7, die=3, routing=routing, routers=0.2, detours=style)
    return replace(made, timing="queued", link_buffer=1, placement="random")


@pytest.mark.parametrize("routing", ["unicast", "multicast"])
@pytest.mark.parametrize("style", STYLES)
def test_queues_carry_every_packet_around_and_no_full_buffer_locks_them(routing, style):
    found, clock, took = one_round(full(routing, style))
    ways = found.ways
    assert took.packets == ways.packet.sum()
    assert took.delivered == ways.received.sum()
    assert np.array_equal(clock.loads, ways.link_loads())
    assert took.waiting > 0
    assert took.seconds[0] >= took.simple[0]
    assert took.seconds[0] >= ways.path.max()


@pytest.mark.parametrize("routing", ["unicast", "multicast"])
def test_the_same_ways_without_their_channels_do_lock(routing, monkeypatch):
    """What the graph of waits warns of happens: packets wait for each other, and most are never sent."""
    links = Detours.links

    def on_one_channel(self, pairs):
        begin, found = links(self, pairs)
        return begin, np.where(found < 0, -1, found % (4 * self.faults.tiles.size))

    monkeypatch.setattr(Detours, "links", on_one_channel)
    found, _, took = one_round(full(routing))
    assert found.ways.channels > 1
    assert took.delivered < 0.2 * found.ways.received.sum()
