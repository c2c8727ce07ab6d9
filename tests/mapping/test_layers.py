"""Chips of layers and of many dies: hops in three dimensions, vias and links between dies counted, no ring of waiting links, the same spikes."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mapping.broken_chips import one_round
from tests.properties.networks import networks
from workbench.chips import CHIPS
from workbench.chips.defects import Defects
from workbench.chips.event import EVENTS
from workbench.circuits import CIRCUITS
from workbench.circuits.unfold import unfold
from workbench.errors import DescriptionError, PlacementError
from workbench.experiment import Experiment
from workbench.mapping import place, route
from workbench.mapping.detour import Detours, distances
from workbench.mapping.faults import Faults, drawn
from workbench.mapping.lattice import KINDS, crossed, spread
from workbench.mapping.reach import reach
from workbench.mapping.traffic import Traffic
from workbench.measures.mesh import travel
from workbench.physics.stacking import Stacking
from workbench.recordings.recording import Recording
from workbench.studies import load_study
from workbench.units import ms

BASE = CHIPS["loihi-small-cores"]
PRICES = {**BASE.prices, "via": BASE.prices["east-west hop"], "die link": BASE.prices["north-south hop"]}


def stack(x=3, y=2, z=3, *, die=(0, 0), each=1, **changes):
    return replace(
        BASE, tiles_x=x, tiles_y=y, layers=z, die_x=die[0], die_y=die[1], cores_per_tile=each, prices=PRICES, **changes
    )


def kind_of(a, b, chip):
    """The kind of a link by hand."""
    (x, y, z), (to_x, to_y, to_z) = spread(np.array([a, b]), chip).tolist()
    if z != to_z:
        return "via"
    if (chip.die_x and x // chip.die_x != to_x // chip.die_x) or (chip.die_y and y // chip.die_y != to_y // chip.die_y):
        return "die link"
    return "east-west hop" if x != to_x else "north-south hop"


def direction(a, b, chip):
    if spread(np.array(a), chip)[2] != spread(np.array(b), chip)[2]:
        return "up" if b[1] > a[1] else "down"
    return {(1, 0): "east", (-1, 0): "west", (0, 1): "north", (0, -1): "south"}[b[0] - a[0], b[1] - a[1]]


chips = st.builds(
    stack,
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 4),
    die=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    routing=st.sampled_from(["unicast", "multicast"]),
)


@settings(max_examples=60, deadline=None)
@given(networks(), chips, st.integers(0, 2**31), st.booleans())
def test_hops_vias_and_loads_are_what_walking_every_way_finds(network, chip, seed, tabled):
    netlist = unfold(network, seed=0)
    rng = np.random.default_rng(seed)
    core_of = rng.integers(0, 5, netlist.size).astype(np.int32)
    tiles = np.stack([rng.integers(0, chip.tiles_x, 5), rng.integers(0, chip.rows, 5)], axis=1).astype(np.int32)
    found = reach(netlist, core_of).inside
    # tables without faults are dimension order too
    ways = route.ways(found, core_of, tiles[: core_of.max() + 1], chip, Faults.by_hand(chip) if tabled else None)
    spikes, loads = rng.integers(0, 7, netlist.size), Counter()
    seconds = {e: chip.prices[e].seconds for e in (*KINDS, "tile-local packet")}
    for n in range(netlist.size):
        mine, longest = Counter(), 0.0
        for c in found.core[found.start[n] : found.start[n + 1]]:
            walked = route.path(tuple(tiles[core_of[n]].tolist()), tuple(tiles[c].tolist()), chip.tiles_y)
            links = list(itertools.pairwise(walked))
            for link in links:
                mine[link] = 1 if chip.routing == "multicast" else mine[link] + 1
            took = sum(seconds[kind_of(*link, chip)] for link in links) if links else seconds["tile-local packet"]
            longest = max(longest, took)
        kinds = Counter()
        for link, times in mine.items():
            kinds[kind_of(*link, chip)] += times
            loads[link[0], direction(*link, chip)] += times * int(spikes[n])
        assert ways.crossed[:, n].tolist() == [kinds[k] for k in KINDS]
        assert ways.path[n] == pytest.approx(longest)
    measured = ways.link_loads(spikes)
    assert {(tile, d): int(n) for tile, d, n in route.links(measured)} == {k: v for k, v in loads.items() if v}
    assert route.acyclic(route.dependencies(ways), layers=chip.layers)


@pytest.mark.parametrize("layers", [1, 2, 4, 8])
def test_mean_hops_of_a_cube_of_512_cores_are_the_closed_form(layers):
    """As many cores in 1, 2, 4 or 8 layers: (n² − 1)/(3n) along each axis, summed."""
    x, y = {1: (32, 16), 2: (16, 16), 4: (16, 8), 8: (8, 8)}[layers]
    chip = stack(x, y, layers)
    every = place.row_major(chip.tiles, chip)
    counted = crossed(every[:, None], every[None], chip).sum(axis=0).mean()
    closed = sum((n * n - 1) / (3 * n) for n in (x, y, layers))
    assert counted == pytest.approx(closed, rel=1e-12)
    if x == y:
        assert counted == pytest.approx(Stacking(cores=512, layers=layers).hops, rel=1e-12)


def test_layers_shorten_the_mean_way_until_they_are_a_cube():
    hops = [Stacking(cores=4096, layers=n).hops for n in (1, 2, 4, 8, 16)]
    assert hops == sorted(hops, reverse=True)
    assert hops[0] == pytest.approx(2 * (64 - 1 / 64) / 3)
    assert hops[4] == pytest.approx(16 - 1 / 16)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(2, 3),
    st.integers(0, 2**20),
    st.floats(0, 0.3),
    st.sampled_from(["shortest", "up-down"]),
)
def test_ways_round_dead_tiles_and_vias_are_shortest_and_never_wait_in_a_ring(x, y, z, die, dead, style):
    made = stack(x, y, z)
    faults = drawn(replace(made, die=die, defects=Defects(routers=dead / 2, links=dead, vias=dead, detours=style)))
    row, column = np.nonzero(faults.part == 0)
    tiles = list(zip(column.tolist(), row.tolist(), strict=True))
    detours, by_channel = Detours(faults, style), {}
    for a in tiles:
        far = distances(faults, a)
        for b in tiles:
            way, channels = detours.path(a, b)
            assert (way[0], way[-1]) == (a, b)
            assert channels == sorted(channels)
            assert len(way) - 1 == far[b[1], b[0]] if style == "shortest" else len(way) - 1 >= far[b[1], b[0]]
            for one, other in itertools.pairwise(way):
                assert faults.open[route.DIRECTIONS.index(direction(one, other, made)), one[1], one[0]]
            for c in set(channels):
                on = [k for k, d in enumerate(channels) if d == c]
                by_channel.setdefault(c, []).append(way[on[0] : on[-1] + 2])
    for found in by_channel.values():
        assert route.acyclic(route.path_dependencies(found, (x, y * z), layers=z), layers=z)


def test_a_ring_through_layers_is_seen():
    """The same four ways in a ring, up, east, down and west, are no dimension order."""
    square = [(0, 0), (0, 1), (1, 1), (1, 0)]
    turns = [[*(square * 2)[k : k + 3]] for k in range(4)]
    assert not route.acyclic(route.path_dependencies(turns, (2, 2), layers=2), layers=2)
    assert route.acyclic(route.path_dependencies(turns[:3], (2, 2), layers=2), layers=2)


@pytest.mark.parametrize("method", ["row-major", "random", "hilbert", "force-directed", "annealing"])
@pytest.mark.parametrize("shape", [(3, 3, 4), (9, 8, 6)])
def test_every_placement_fills_layers_and_says_what_it_costs(method, shape):
    chip, rng = stack(*shape, each=2), np.random.default_rng(3)
    cores = chip.cores * 3 // 4
    net = Traffic(
        cores,
        rng.integers(0, cores, 300).astype(np.int32),
        rng.integers(0, cores, 300).astype(np.int32),
        rng.random(300),
    )
    found = place.method(method, net, chip, 1)
    place.slots_of(found.tiles, chip)  # nobody too many on a tile, nobody off the mesh
    assert found.costs[-1] == pytest.approx(net.hops(spread(found.tiles, chip)))
    if method in ("force-directed", "annealing"):
        assert found.costs[-1] < found.costs[0]
    if method == "hilbert":
        along = place.hilbert(chip.tiles, replace(chip, cores_per_tile=1))
        assert crossed(along[:-1], along[1:], chip).sum(axis=0).max() <= 2  # 2: where a side is odd


def test_few_tiles_are_searched_through_in_three_dimensions():
    chip, rng = stack(2, 2, 2), np.random.default_rng(0)
    net = Traffic(5, rng.integers(0, 5, 12).astype(np.int32), rng.integers(0, 5, 12).astype(np.int32), rng.random(12))
    every = spread(place.row_major(8, chip), chip)
    least = min(net.hops(every[list(p)]) for p in itertools.permutations(range(8), 5))
    assert net.hops(spread(place.optimal(net, chip), chip)) == pytest.approx(least)


@pytest.mark.parametrize("routing", ["unicast", "multicast"])
@pytest.mark.parametrize("broken", [Defects(), Defects(routers=0.1, links=0.1, vias=0.2)])
def test_queues_carry_every_packet_through_layers_with_room_for_one(routing, broken):
    chip = stack(
        5,
        5,
        5,
        die=(3, 3),
        routing=routing,
        timing="queued",
        link_buffer=1,
        placement="random",
        neurons_per_core=4,
        defects=broken,
    )
    found, clock, took = one_round(chip)
    ways = found.ways
    assert took.packets == ways.packet.sum()
    assert took.delivered == ways.received.sum()
    assert np.array_equal(clock.loads, ways.link_loads())
    assert took.seconds[0] >= ways.path.max()
    assert ways.crossed[3].sum() > 0


def test_the_same_spikes_in_layers_and_the_ledger_counts_vias_and_die_links(tmp_path):
    circuit = CIRCUITS["worm"]
    flat = replace(BASE, tiles_x=8, tiles_y=16, cores_per_tile=1, neurons_per_core=4, routing="multicast")
    deep = stack(8, 8, 2, die=(4, 4), neurons_per_core=4, routing="multicast")
    one, other = (Experiment(circuit, c, duration=30 * ms, seed=1).run() for c in (flat, deep))
    reference = Experiment(circuit, duration=30 * ms, seed=1).run()
    assert all(one.spikes[n] == other.spikes[n] == reference.spikes[n] for n in one.spikes)
    assert one.ledger.events == EVENTS
    ledger = other.ledger
    assert ledger.count("via") == ledger.links[:, 4:].sum() > 0
    assert ledger.count("die link") > 0
    assert sum(ledger.count(e) for e in KINDS) == ledger.links.sum()
    alone = Experiment(circuit, replace(deep, routing="unicast"), duration=30 * ms, seed=1).run()
    way = travel(alone, unfold(circuit.network(), seed=1))
    assert int(way.hops @ way.packets) == sum(alone.ledger.count(e) for e in KINDS)
    alone.save(tmp_path / "stack")
    assert Recording.load(tmp_path / "stack").placement.mesh == (8, 16, 2)


def test_repair_in_layers_moves_within_rows_and_to_the_nearest():
    circuit = CIRCUITS["worm"]
    for repair in ("nearest", "shift"):
        chip = stack(
            7, 7, 3, neurons_per_core=4, defects=Defects(killed="2,2 9,3", spare_columns=1, spare_rows=1, repair=repair)
        )
        made = Experiment(circuit, chip, duration=1 * ms, seed=1).compile()
        used = {c.tile for c in made.placement.cores}
        assert len(used) == len(made.placement.cores)
        assert not used & {(2, 2), (3, 9)}


def test_what_is_not_there_is_refused():
    price = replace(BASE, layers=2, die_x=2).prices
    for event in ("via", "die link"):  # nobody gave one
        assert price[event].joules == BASE.prices["east-west hop"].joules
        assert price[event].citation.kind == "assumed"
    assert "via" not in replace(BASE, layers=1).prices
    with pytest.raises(DescriptionError, match="Core 1 of tile 0,0"):
        stack(defects=Defects(killed_cores="0,0,1"))
    with pytest.raises(DescriptionError, match="is no core"):
        Defects(killed_cores="0,0")
    cut = stack(2, 2, 2, neurons_per_core=100, defects=Defects(vias=1.0))
    assert drawn(cut).counts["unreachable tiles"] == 4
    with pytest.raises(PlacementError, match="The mesh is cut"):
        Experiment(CIRCUITS["worm"], replace(cut, neurons_per_core=50), duration=1 * ms).run()


def test_blocks_and_cores_are_killed_by_hand():
    faults = drawn(stack(4, 2, 2, each=2, defects=Defects(killed="1,1:2,2", killed_cores="0,0,1")))
    assert np.argwhere(faults.tiles).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert np.argwhere(faults.cores & ~faults.tiles[:, :, None]).tolist() == [[0, 0, 1]]
    assert faults.room[0, 0] == 1


def test_the_mapping_study_shows_a_chip_of_layers():
    made = load_study("mesh-mapping").from_border({"layers": 2, "tiles_x": 6, "tiles_y": 5})
    result = made.quick().run()
    assert result.numbers["deadlock_free"] == 1
    assert result.numbers["mean_distance"] == pytest.approx(35 / 18 + 24 / 15 + 3 / 6)
    for picture in result.figures().values():
        assert picture.alt
