"""Packets on a broken wafer go round dead dies and dead sides of dies: hops are those of the routed ways, and no ring of waiting links."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from graphlib import TopologicalSorter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.backends.wafer import compile as compile_wafer
from workbench.backends.wafer.layout import shape_of
from workbench.backends.wafer.meter import lay_map
from workbench.chips.wafers import TIANQIN_HAI_CLASS
from workbench.circuits.drive import draw
from workbench.circuits.library.wafer_sheet import WaferSheet
from workbench.circuits.unfold import unfold
from workbench.errors import DescriptionError, PlacementError
from workbench.mapping import route
from workbench.mapping.detour import distances
from workbench.mapping.dies import DieWays
from workbench.mapping.faults import Faults
from workbench.units import ms

DT = 1 * ms
SMALL = replace(TIANQIN_HAI_CLASS, name="small", dies_x=3, dies_y=3, tiles_x=4, tiles_y=4, neurons_per_core=100)
THOUSAND = replace(WaferSheet(), neurons=1000, patch=40)


def run(chip, steps=60, circuit=THOUSAND, seed=3):
    made = compile_wafer(unfold(circuit.network(), seed=seed), chip, dt=DT, seed=seed)
    return made, made.run(draw(made.netlist, steps * DT, dt=DT, seed=seed))


def mesh_of(chip):
    """The wafer as a mesh of tiles with the same things dead."""
    high, wide = chip.dies_y * chip.tiles_y, chip.dies_x * chip.tiles_x
    tiles, links = np.zeros((high, wide), bool), np.zeros((4, high, wide), bool)
    for x, y in chip.dead_dies:
        tiles[y * chip.tiles_y : (y + 1) * chip.tiles_y, x * chip.tiles_x : (x + 1) * chip.tiles_x] = True
    for x, y, to_x, to_y in chip.dead_links:
        left, low = min(x, to_x) * chip.tiles_x, min(y, to_y) * chip.tiles_y
        if y == to_y:
            links[0, low : low + chip.tiles_y, left + chip.tiles_x - 1] = True
        else:
            links[2, low + chip.tiles_y - 1, left : left + chip.tiles_x] = True
    return Faults(np.zeros((high, wide, 1), bool), tiles, links)


def sides(wide, high):
    east = [(x, y, x + 1, y) for y in range(high) for x in range(wide - 1)]
    return east + [(x, y, x, y + 1) for y in range(high - 1) for x in range(wide)]


@st.composite
def wafers(draw_, most=3):
    """Small wafers with some dies and sides dead that still hang together."""
    wide, high = draw_(st.integers(1, 5)), draw_(st.integers(1, 5))
    dies = [(x, y) for x in range(wide) for y in range(high)]
    chip = replace(
        SMALL,
        dies_x=wide,
        dies_y=high,
        tiles_x=draw_(st.integers(1, 4)),
        tiles_y=draw_(st.integers(1, 4)),
        dead_dies=tuple(draw_(st.sets(st.sampled_from(dies), max_size=min(most, len(dies) - 1)))),
        dead_links=tuple(draw_(st.sets(st.sampled_from(sides(wide, high)), max_size=3))) if len(dies) > 1 else (),
    )
    try:
        DieWays(chip).faults  # noqa: B018
    except PlacementError:
        assume(False)
    return chip


def living_tiles(chip):
    y, x = np.nonzero(~mesh_of(chip).tiles)
    return np.stack([x, y, np.zeros_like(x)], axis=1)


# --- ways ----------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(wafers(), st.integers(0, 2**31))
def test_a_way_is_walked_over_living_tiles_and_is_as_long_as_counted(chip, seed):
    rng, tiles, mesh = np.random.default_rng(seed), living_tiles(chip), mesh_of(chip)
    ways = DieWays(chip)
    a, b = (tiles[rng.integers(0, len(tiles), 12)] for _ in range(2))
    counts, _ = ways.laid(a, b)
    for k in range(12):
        walked, channels = ways.path(tuple(a[k].tolist()), tuple(b[k].tolist()))
        assert (walked[0], walked[-1]) == (tuple(a[k].tolist()), tuple(b[k].tolist()))
        found = Counter()
        for (x, y, _), (to_x, to_y, _) in pairwise(walked):
            assert mesh.open[route._STEPS[to_x - x, to_y - y], y, x]
            across = (x // chip.tiles_x, y // chip.tiles_y) != (to_x // chip.tiles_x, to_y // chip.tiles_y)
            found["die" if across else "x" if to_x != x else "y"] += 1
        assert [found["x"], found["y"], found["die"], 0] == counts[:, k].tolist()
        assert channels == sorted(channels)
        die = [(int(t[0]) // chip.tiles_x, int(t[1]) // chip.tiles_y) for t in (a[k], b[k])]
        assert found["die"] == distances(ways.faults, die[0])[die[1][1], die[1][0]]
        assert counts[:, k].sum() >= distances(mesh, tuple(a[k, :2].tolist()))[b[k, 1], b[k, 0]]


@settings(max_examples=40, deadline=None)
@given(wafers(most=1), st.integers(0, 2**31))
def test_round_one_dead_die_no_way_over_tiles_is_shorter(chip, seed):
    chip = replace(chip, dead_links=())
    rng, tiles, mesh = np.random.default_rng(seed), living_tiles(chip), mesh_of(chip)
    try:
        DieWays(chip).faults  # noqa: B018
    except PlacementError:
        return
    source = tiles[rng.integers(len(tiles))]
    counts, _ = DieWays(chip).laid(np.repeat(source[None], len(tiles), axis=0), tiles)
    far = distances(mesh, tuple(source[:2].tolist()))
    assert counts.sum(axis=0).tolist() == far[tiles[:, 1], tiles[:, 0]].tolist()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**31)
)
def test_with_nothing_dead_a_way_is_as_long_as_the_mesh_says(dies_x, dies_y, tiles_x, tiles_y, layers, seed):
    chip = replace(SMALL, dies_x=dies_x, dies_y=dies_y, tiles_x=tiles_x, tiles_y=tiles_y, layers=layers)
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, (dies_x * tiles_x, dies_y * tiles_y, layers), (20, 3)) for _ in range(2))
    size = np.array([tiles_x, tiles_y])
    links = np.abs(a[:, :2] // size - b[:, :2] // size)
    (x, y, die, via), _ = DieWays(chip).laid(a, b)
    assert np.array_equal(np.stack([x, y], axis=1), np.abs(a - b)[:, :2] - links)
    assert np.array_equal(die, links.sum(axis=1))
    assert np.array_equal(via, np.abs(a - b)[:, 2])


def test_ways_by_hand_round_the_dead_middle_of_nine_dies():
    """Dies of 4 × 4 tiles, the middle one dead: from (0, y) to (11, y) it is 11 tiles and the way to the nearer edge and back."""
    ways = DieWays(replace(SMALL, dead_dies=((1, 1),)))
    for y, more in ((4, 2), (5, 4), (6, 4), (7, 2)):
        counts, _ = ways.laid(np.array([[0, y, 0]]), np.array([[11, y, 0]]))
        assert counts[:, 0].tolist() == [11 - 2, more - 2, 4, 0]
    walked, channels = ways.path((0, 4, 0), (11, 4, 0))
    assert walked[:2] == [(0, 4, 0), (0, 3, 0)]
    assert walked[-2:] == [(11, 3, 0), (11, 4, 0)]
    assert set(channels) == {0, 1}  # one bend from a column into a row


def test_ways_by_hand_past_a_dead_side():
    """Two rows of two dies: the side between the lower ones is dead, so a packet goes up, over, and down again."""
    ways = DieWays(replace(SMALL, dies_x=2, dies_y=2, dead_links=((0, 0, 1, 0),)))
    counts, _ = ways.laid(np.array([[3, 0, 0], [0, 4, 0]]), np.array([[4, 0, 0], [7, 4, 0]]))
    assert counts[:, 0].tolist() == [0, 2 * 3, 3, 0]
    assert counts[:, 1].tolist() == [6, 0, 1, 0]


@settings(max_examples=15, deadline=None)
@given(wafers())
def test_no_links_wait_in_a_ring_on_any_channel_or_across_them(chip):
    ways, graph = DieWays(replace(chip, tiles_x=2, tiles_y=2)), {}
    tiles = [tuple(t) for t in living_tiles(ways.chip).tolist()]
    by_channel = {}
    for a in tiles[::3]:
        for b in tiles:
            walked, channels = ways.path(a, b)
            held = list(zip(channels, pairwise(walked), strict=True))
            for one, other in pairwise(held):
                graph.setdefault(other, set()).add(one)
            for c in set(channels):
                on = [k for k, d in enumerate(channels) if d == c]
                by_channel.setdefault(c, []).append([t[:2] for t in walked[on[0] : on[-1] + 2]])
    TopologicalSorter(graph).prepare()  # raises CycleError on a ring
    mesh = (chip.dies_x * 2, chip.dies_y * 2)
    assert all(route.acyclic(route.path_dependencies(found, mesh)) for found in by_channel.values())


@settings(max_examples=30, deadline=None)
@given(wafers(), st.integers(0, 2**31))
def test_loads_of_die_links_are_what_walking_every_way_finds(chip, seed):
    rng, tiles, ways = np.random.default_rng(seed), living_tiles(chip), DieWays(chip)
    a, b = (tiles[rng.integers(0, len(tiles), 15)] for _ in range(2))
    sent, wanted = rng.integers(1, 9, 15), np.zeros((4, chip.dies_y, chip.dies_x), np.int64)
    counts, way = ways.laid(a, b)
    for k in range(15):
        for (x, y, _), (to_x, to_y, _) in pairwise(ways.path(tuple(a[k].tolist()), tuple(b[k].tolist()))[0]):
            die = x // chip.tiles_x, y // chip.tiles_y
            if die != (to_x // chip.tiles_x, to_y // chip.tiles_y):
                wanted[route._STEPS[to_x - x, to_y - y], die[1], die[0]] += sent[k]
    known, which = np.unique(way, return_inverse=True)
    loads = ways.loads(known, np.bincount(which, sent).astype(np.int64))
    assert np.array_equal(loads, wanted)
    assert loads.sum() == (counts[2] * sent).sum()


# --- the ledger ------------------------------------------------------------------------------------------------------------


def counted_by_hand(made, r, chip):
    """Hops, die links and vias of the run, spike by spike over walked ways."""
    laid, found = made._map, Counter()
    for block in made.realised.projections.values():
        if block.external:
            continue
        fired = Counter()
        cells = laid.neurons[list(made.netlist.populations).index(block.source)]
        home = np.repeat(np.arange(cells.size), cells)
        for i in r.spikes[block.source].neurons.tolist():
            fired[int(home[i])] += 1
        for row in block.rule.reached(block.key):
            for p, n in fired.items():
                walked, _ = laid.ways.path(tuple(laid.tile[p].tolist()), tuple(laid.tile[row[p]].tolist()))
                for (x, y, z), (to_x, to_y, to_z) in pairwise(walked):
                    die = (x // chip.tiles_x, y // chip.tiles_y) != (to_x // chip.tiles_x, to_y // chip.tiles_y)
                    found[
                        "via"
                        if z != to_z
                        else "die link"
                        if die
                        else "east-west hop"
                        if x != to_x
                        else "north-south hop"
                    ] += n
    return found


@pytest.mark.parametrize(
    "broken", [{}, {"dead_dies": ((1, 1),)}, {"dead_dies": ((1, 0),), "dead_links": ((1, 1, 1, 2),)}]
)
@pytest.mark.parametrize("layers", [1, 3])
def test_the_ledger_counts_the_ways_that_were_walked(broken, layers):
    chip = replace(SMALL, layers=layers, **broken)
    made, r = run(chip, 30)
    wanted = counted_by_hand(made, r, chip)
    for event in ("east-west hop", "north-south hop", "die link", *(["via"] if layers > 1 else [])):
        assert r.ledger.count(event) == wanted[event], event
    assert r.ledger.links.shape == (1, 4, 3, 3)
    assert r.ledger.links.sum() == r.ledger.count("die link")
    assert r.ledger.total == pytest.approx(sum(r.ledger.by_event().values()))


def test_a_dead_die_changes_where_packets_go_and_no_spike():
    (_, whole), (made, broken) = run(SMALL), run(replace(SMALL, dead_dies=((1, 1),)))
    assert all(whole.spikes[n] == broken.spikes[n] for n in whole.spikes)
    assert sum(whole.counts.values()) > 40
    for event in ("synaptic operation", "packet", "spike", "neuron update"):
        assert whole.ledger.count(event) == broken.ledger.count(event)
    assert broken.ledger.count("die link") > 0
    straight = np.abs(made._map.tile[:, None, :2] // 4 - made._map.tile[None, :, :2] // 4).sum(axis=2)
    least = 0
    for block in made.realised.projections.values():
        if not block.external:
            cells = made._map.neurons[list(made.netlist.populations).index(block.source)]
            home = np.repeat(np.arange(cells.size), cells)[broken.spikes[block.source].neurons]
            least += sum(int(straight[home, row[home]].sum()) for row in block.rule.reached(block.key))
    assert broken.ledger.count("die link") > least  # some had to go round
    assert not broken.ledger.links[:, :, 1, 1].any()
    assert broken.ledger.chip_time != whole.ledger.chip_time


def test_pieces_and_a_saved_run_keep_the_loads_of_links(tmp_path):
    made, whole = run(replace(SMALL, dead_dies=((1, 1),)), 40)
    going = made.start(draw(made.netlist, 40 * DT, dt=DT, seed=3))
    going.advance(17 * DT)
    going.save(tmp_path / "half")
    resumed = made.resume(tmp_path / "half")
    resumed.advance(23 * DT)
    assert np.array_equal(resumed.recording().ledger.links, whole.ledger.links)
    assert np.array_equal(resumed.recording().ledger.counts, whole.ledger.counts)


def test_layers_fold_the_sheet_and_shorten_ways():
    """As many tiles in 4 layers of 2 × 2 as in one of 4 × 4: fewer hops along rows and columns, some vias instead."""
    flat, stacked = SMALL, replace(SMALL, tiles_x=2, tiles_y=2, layers=4)
    assert flat.dies * flat.neurons_per_die == stacked.dies * stacked.neurons_per_die
    circuit = replace(WaferSheet(), neurons=3600, patch=25)  # a patch for each tile
    (_, one), (made, other) = run(flat, 30, circuit), run(stacked, 30, circuit)
    assert all(one.spikes[n] == other.spikes[n] for n in one.spikes)
    sideways = [sum(r.ledger.count(e) for e in ("east-west hop", "north-south hop", "die link")) for r in (one, other)]
    assert sideways[1] < sideways[0]
    assert other.ledger.count("via") > 0
    assert set(made._map.tile[:, 2].tolist()) == {0, 1, 2, 3}
    assert "via" not in one.ledger.events


def test_what_is_dead_holds_nothing_and_the_spikes_stay():
    _, whole = run(replace(SMALL, dies_y=2))
    broken = replace(
        replace(SMALL, dies_y=2), dead_dies=((1, 0), (2, 0)), dead_cores=tuple((0, 0, c) for c in range(8))
    )
    made, r = run(broken)
    assert all(r.spikes[n] == whole.spikes[n] for n in whole.spikes)
    assert {c.tile for c in made.placement.cores} == {(0, 0), (0, 1), (1, 1), (2, 1)}
    assert sum(c.used("neurons") for c in made.placement.cores) == 1000
    assert made.placement.cores[0].resources()["cores"][1] == 8
    assert r.ledger.count("synaptic operation") == whole.ledger.count("synaptic operation")
    with pytest.raises(PlacementError, match="on each of 4 dies that work"):
        run(broken, 1, replace(WaferSheet(), neurons=6000, patch=100))
    with pytest.raises(PlacementError, match="no core that works"):
        run(replace(SMALL, dies_x=1, dies_y=1, dead_dies=((0, 0),)), 1)
    with pytest.raises(DescriptionError, match="is not on the wafer"):
        replace(SMALL, dead_dies=((3, 0),))


# --- refusals ----------------------------------------------------------------------------------------------------------------


def test_a_wafer_cut_in_two_is_refused_and_the_part_is_named():
    wall = tuple((1, y) for y in range(3))
    with pytest.raises(
        PlacementError,
        match=r"largest part of 3 dies to 3 living dies with room for 4,800 neurons: \(2, 0\), \(2, 1\), \(2, 2\)\. Mend",
    ):
        run(replace(SMALL, dead_dies=wall), 1)
    corner = ((0, 0, 1, 0), (0, 0, 0, 1))
    with pytest.raises(PlacementError, match=r"8 dies to 1 living dies .*: \(0, 0\)\."):
        run(replace(SMALL, dead_links=corner), 1)
    made, _ = run(replace(SMALL, dead_links=corner, dead_dies=((0, 0),)), 5)
    assert len(made.placement.cores) == 8
    hollow = tuple((0, 0, c) for c in range(16))
    assert len(run(replace(SMALL, dead_cores=hollow), 5)[0].placement.cores) == 8  # no core lives there; packets pass


def test_a_network_larger_than_what_is_left_is_refused_with_the_number_short():
    big = replace(WaferSheet(), neurons=13_000, patch=50)
    with pytest.raises(PlacementError, match=r"holds 12,800 neurons.* 200 neurons too many"):
        run(replace(SMALL, dead_dies=((1, 1),)), 1, big)


def test_what_is_no_side_of_dies_is_refused():
    with pytest.raises(DescriptionError, match="no link joins"):
        replace(SMALL, dead_links=((0, 0, 2, 0),))
    with pytest.raises(DescriptionError, match="is not on the wafer"):
        replace(SMALL, dead_links=((2, 0, 3, 0),))
    with pytest.raises(DescriptionError, match="no price for 'via'"):
        replace(SMALL, layers=2, prices={e: p for e, p in SMALL.prices.items() if e != "via"})


def test_the_largest_wafer_finds_its_ways_in_memory_that_does_not_grow_with_neurons():
    """Two hundred million neurons with dead dies: the graph has a hundred nodes."""
    chip = replace(TIANQIN_HAI_CLASS, dead_dies=((3, 4), (7, 7)))
    netlist = unfold(replace(WaferSheet(), neurons=190_000_000).network(), seed=1)
    laid = lay_map(netlist, chip, shape_of(netlist))
    assert laid.ways.faults.tiles.shape == (10, 10)
    assert len(laid.names) == 98
