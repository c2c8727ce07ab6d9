"""Chip time: the queues against a slow twin, closed forms, conservation, and what one model owes another."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.noc_twin import Network
from workbench.backends.event.timing import STAGES, ChipClock, work_of
from workbench.chips import CHIPS
from workbench.chips.event import EventChip
from workbench.errors import DescriptionError
from workbench.recordings.prices import Citation, Price
from workbench.units import ns

LOIHI: EventChip = CHIPS["loihi-sanafe"]
DAVIES: EventChip = CHIPS["loihi-davies"]
OURS = Citation("assumed", "for a test")


def priced(chip: EventChip = LOIHI, **seconds: float) -> EventChip:
    """The chip with other times per event: `active_update=0.0`."""
    said = {
        name.replace("_", " ").replace("ew hop", "east-west hop").replace("ns hop", "north-south hop"): t
        for name, t in seconds.items()
    }
    return replace(chip, prices={**chip.prices, **{name: Price(0.0, t, OURS) for name, t in said.items()}})


@st.composite
def traffic(draw: Any) -> dict[str, Any]:
    """A small chip, a mapping, and who fires when."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    cores = draw(st.integers(1, 2 * width * height))
    per = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chip = replace(
        draw(st.sampled_from([LOIHI, DAVIES])),
        tiles_x=width,
        tiles_y=height,
        cores_per_tile=2,
        link_buffer=draw(st.sampled_from([1, 2, 5])),
        routing=draw(st.sampled_from(["unicast", "multicast"])),
    )
    tile = rng.permutation(2 * width * height)[:cores] // 2
    tiles = np.stack([tile // height, tile % height], axis=1)
    size = cores * per
    many = rng.integers(0, cores + 1, size)
    core = np.concatenate([rng.choice(cores, k, replace=False) for k in many]).astype(np.int64)
    steps = draw(st.integers(1, 4))
    spikes = rng.random((steps, size)) < rng.random()
    when, who = np.nonzero(spikes)
    core_of = rng.permutation(np.repeat(np.arange(cores), per))
    fired = np.zeros((steps, cores), np.int64)
    np.add.at(fired, (when, core_of[who]), 1)
    return dict(
        chip=chip,
        tiles=tiles,
        core_of=core_of,
        start=np.concatenate([[0], np.cumsum(many)]),
        core=core,
        work=work_of(chip, synaptic=rng.integers(1, 12, core.size)),
        when=when,
        who=who,
        active=fired + rng.integers(0, per + 1 - fired),
        outside=rng.integers(0, 3, (steps, cores)),
        size=per,
    )


def clock(t: dict[str, Any], timing: str, **changes: Any) -> ChipClock:
    given = {k: t[k] for k in ("core_of", "tiles", "start", "core", "work")}
    return ChipClock(replace(t["chip"], **changes), **given, timing=timing)


def advance(made: ChipClock, t: dict[str, Any], first: int = 0, last: int | None = None) -> Any:
    last = len(t["active"]) if last is None else last
    here = (t["when"] >= first) & (t["when"] < last)
    active = t["active"][first:last]
    return made.advance(
        t["when"][here] - first,
        t["who"][here],
        active=active,
        inactive=t["size"] - active,
        outside=t["outside"][first:last],
    )


def rows_of(t: dict[str, Any]) -> list[list[tuple[int, float]]]:
    start = t["start"]
    return [[(int(c), float(w)) for c, w in zip(t["core"][a:b], t["work"][a:b])] for a, b in pairwise(start)]


# --- exact ------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(traffic())
def test_the_queues_do_what_the_slow_twin_does(t: dict[str, Any]) -> None:
    for timing in ("queued", "asynchronous"):
        twin = Network(t["chip"], t["core_of"].tolist(), [tuple(x) for x in t["tiles"].tolist()], rows_of(t))
        slow = [
            twin.step(
                t["who"][t["when"] == n].tolist(),
                t["active"][n].tolist(),
                t["outside"][n].tolist(),
                free=timing == "asynchronous",
            )
            for n in range(len(t["active"]))
        ]
        fast = clock(t, timing)
        np.testing.assert_allclose(advance(fast, t).seconds, slow, rtol=1e-9, atol=1e-18)
        loads = fast.loads
        for (_, (x, y), (to_x, to_y)), many in twin.loads.items():
            side = [(1, 0), (-1, 0), (0, 1), (0, -1)].index((to_x - x, to_y - y))
            assert loads[side, y, x] == many
        assert loads.sum() == sum(twin.loads.values())


@settings(max_examples=30, deadline=None)
@given(traffic())
def test_pieces_make_the_same_whole(t: dict[str, Any]) -> None:
    for timing in ("queued", "asynchronous"):
        one = clock(t, timing)
        whole = advance(one, t)
        cut = clock(t, timing)
        parts = []
        for n in range(len(t["active"])):
            parts.append(advance(cut, t, n, n + 1).seconds)
            other = clock(t, timing)
            other.resume(cut.save())
            cut = other
        assert np.array_equal(np.concatenate(parts), whole.seconds)
        assert np.array_equal(cut.loads, one.loads) and cut.longest_queue == one.longest_queue


@settings(max_examples=60, deadline=None)
@given(traffic())
def test_every_packet_arrives_and_no_queue_is_faster_than_none(t: dict[str, Any]) -> None:
    made = clock(t, "queued")
    times = advance(made, t)
    rows = np.diff(t["start"])[t["who"]]
    multicast = t["chip"].routing == "multicast"
    assert times.delivered == rows.sum()
    assert times.packets == (np.minimum(rows, 1) if multicast else rows).sum()
    assert (times.seconds >= times.simple).all()
    assert made.longest_queue <= t["chip"].link_buffer
    hops = np.abs(
        t["tiles"][t["core_of"]][np.repeat(np.arange(t["core_of"].size), np.diff(t["start"]))] - t["tiles"][t["core"]]
    )
    fired = np.repeat(np.bincount(t["who"], minlength=t["core_of"].size), np.diff(t["start"]))
    unicast = int((hops.sum(axis=1) * fired).sum())
    assert made.loads.sum() <= unicast if multicast else made.loads.sum() == unicast


@settings(max_examples=40, deadline=None)
@given(traffic())
def test_the_simple_time_is_the_busiest_core_and_the_barrier(t: dict[str, Any]) -> None:
    chip = t["chip"]
    price = {k: p.seconds for k, p in chip.prices.items()}
    cores = len(t["tiles"])
    times = advance(clock(t, "queued"), t)
    rows = rows_of(t)
    for n in range(len(t["active"])):
        who = t["who"][t["when"] == n]
        neurons = [
            price["core step"]
            + t["active"][n][c] * price["active update"]
            + (t["size"] - t["active"][n][c]) * price["inactive update"]
            for c in range(cores)
        ]
        messages = [t["outside"][n][c] * price["outside operation"] for c in range(cores)]
        for i in who:
            sent = min(1, len(rows[i])) if chip.routing == "multicast" else len(rows[i])
            neurons[t["core_of"][i]] += price["spike"] + sent * price["packet"]
            for core, work in rows[i]:
                messages[core] += work
        expected = max(*neurons, *messages) + chip.barrier(len(np.unique(t["tiles"], axis=0)))
        assert times.simple[n] == pytest.approx(expected, rel=1e-12)


# --- closed forms -----------------------------------------------------------------------------------------------------


def pair(chip: EventChip, gaps: np.ndarray, *, work: float) -> tuple[ChipClock, dict[str, Any]]:
    """One core that sends a packet after each of these gaps (in picoseconds) to a core one hop east."""
    quiet = priced(chip, active_update=0.0, inactive_update=1e-12, spike=0.0, packet=0.0, core_step=0.0)
    size = len(gaps)
    made = ChipClock(
        replace(quiet, link_buffer=1_000_000, barriers=((1, 0.0),)),
        core_of=np.append(np.zeros(size, np.int64), 1),
        tiles=np.array([[0, 0], [1, 0]]),
        start=np.append(np.arange(size + 1), size),
        core=np.ones(size, np.int64),
        work=np.full(size, work),
        timing="queued",
    )
    # The senders stand so far apart among the neurons of a very large core: each neuron between takes a picosecond.
    places = np.cumsum(gaps)
    made._tables.table("rank")[:size] = places
    made._tables.table("size")[0] = places[-1] + 1
    between = int(places[-1] + 1 - size)
    return made, dict(active=np.array([[size, 0]]), inactive=np.array([[between, 1]]))


@pytest.mark.parametrize("load", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("where", ["link", "core"])
def test_one_router_is_an_m_d_1_queue(load: float, where: str) -> None:
    """Poisson arrivals at a server of constant time wait rho / (2 mu (1 - rho)) on average (Pollaczek and Khinchine)."""
    service = 10e-9
    chip = priced(ew_hop=service * STAGES if where == "link" else 0.0)
    rng = np.random.default_rng(round(load * 100))
    size = 100_000
    gaps = np.maximum(1, np.rint(rng.exponential(service / load, size) * 1e12)).astype(np.int64)
    made, counts = pair(chip, gaps, work=0.0 if where == "link" else service)
    times = made.advance(np.zeros(size, np.int64), np.arange(size), **counts)
    found = times.waiting / size
    expected = load * service / (2 * (1 - load))
    # The wait of every customer by Lindley's recursion gives the statistical error: means of blocks.
    waits = np.zeros(size)
    for k in range(1, size):
        waits[k] = max(0.0, waits[k - 1] + service - (gaps[k] - 1) * 1e-12)  # the sender itself takes no time
    assert found == pytest.approx(waits.mean(), rel=1e-6)
    blocks = waits.reshape(50, -1).mean(axis=1)
    assert abs(found - expected) < 4 * blocks.std(ddof=1) / np.sqrt(50)


def test_nobody_waits_at_low_load() -> None:
    made, counts = pair(LOIHI, np.full(1000, 30_000), work=20 * ns)
    times = made.advance(np.zeros(1000, np.int64), np.arange(1000), **counts)
    assert times.waiting == pytest.approx(0.0, abs=1e-15) and times.blocked == 0.0
    assert made.longest_queue == 1


def test_one_spike_takes_its_way() -> None:
    """Update, spike, packet, two hops east, one north, reception and three operations, barrier: added by hand."""
    made = ChipClock(
        LOIHI,
        core_of=np.array([0, 1]),
        tiles=np.array([[0, 0], [2, 1]]),
        start=np.array([0, 1, 1]),
        core=np.array([1]),
        work=work_of(LOIHI, synaptic=np.array([3])),
        timing="queued",
    )
    times = made.advance(np.array([0]), np.array([0]), active=np.array([[1, 0]]), inactive=np.array([[0, 1]]))
    expected = 9.7 + 30.0 + 5.1 + 2 * 4.1 + 6.5 + 16.0 + 3 * 4.7 + 1000.0
    assert times.seconds[0] == pytest.approx(expected * ns)
    assert times.simple[0] == pytest.approx((9.7 + 30.0 + 5.1 + 1000.0) * ns)
    assert made.loads.sum() == 3 and made.loads[0, 0, 0] == made.loads[0, 0, 1] == made.loads[2, 0, 2] == 1


def test_a_full_network_holds_the_sender_back() -> None:
    """Ten packets to a core that is slow: with room for one, the sender waits; with room for all, it does not."""
    given = dict(
        core_of=np.append(np.zeros(10, np.int64), 1),
        tiles=np.array([[0, 0], [1, 0]]),
        start=np.append(np.arange(11), 10),
        core=np.ones(10, np.int64),
        work=np.full(10, 1000 * ns),
        timing="queued",
    )
    counts = dict(active=np.array([[10, 0]]), inactive=np.array([[0, 1]]))
    fired = (np.zeros(10, np.int64), np.arange(10))
    tight = ChipClock(replace(LOIHI, link_buffer=1), **given).advance(*fired, **counts)
    roomy = ChipClock(replace(LOIHI, link_buffer=16), **given).advance(*fired, **counts)
    assert roomy.blocked == 0.0 and tight.blocked > 6000 * ns
    assert tight.seconds[0] == pytest.approx(roomy.seconds[0])  # the slow core decides either way


def test_without_a_barrier_unequal_cores_go_their_own_way() -> None:
    """Two cores that never speak, busy in turns: with a barrier the sum of the larger, without it the larger sum."""
    made = {}
    for timing in ("queued", "asynchronous"):
        made[timing] = ChipClock(
            replace(LOIHI, barriers=((1, 0.0),)),
            core_of=np.repeat([0, 1], 100),
            tiles=np.array([[0, 0], [1, 0]]),
            start=np.zeros(201, np.int64),
            core=np.zeros(0, np.int64),
            work=np.zeros(0),
            timing=timing,
        ).advance(
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
            active=np.array([[100, 0], [0, 100]] * 5),
            inactive=np.array([[0, 100], [100, 0]] * 5),
        )
    assert made["queued"].seconds.sum() == pytest.approx(10 * 100 * 9.7 * ns)
    assert made["asynchronous"].seconds.sum() == pytest.approx(5 * 100 * (9.7 + 6.0) * ns)


@pytest.mark.parametrize("seed", range(5))
def test_without_a_barrier_a_balanced_chip_is_no_slower(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cores, per, steps = 16, 20, 20
    size = cores * per
    t = dict(
        chip=replace(LOIHI, tiles_x=4, tiles_y=4, cores_per_tile=1),
        tiles=np.stack(np.divmod(np.arange(16), 4), axis=1),
        core_of=np.repeat(np.arange(cores), per),
        start=np.arange(size + 1) * 3,
        core=np.concatenate([rng.choice(cores, 3, replace=False) for _ in range(size)]),
        outside=np.zeros((steps, cores), np.int64),
        size=per,
    )
    t["work"] = work_of(t["chip"], synaptic=np.full(size * 3, 5))
    fires = np.concatenate(
        [np.concatenate([rng.choice(per, 4, replace=False) + c * per for c in range(cores)]) for _ in range(steps)]
    )
    t |= dict(when=np.repeat(np.arange(steps), 4 * cores), who=fires, active=np.full((steps, cores), 4))
    queued, free = (advance(clock(t, timing), t).seconds.sum() for timing in ("queued", "asynchronous"))
    assert free <= queued


def test_one_target_is_the_same_packet_either_way() -> None:
    """Multicast to a single core is unicast: same links, same time."""
    rng = np.random.default_rng(3)
    t = dict(
        chip=replace(LOIHI, tiles_x=4, tiles_y=4, cores_per_tile=1),
        tiles=np.stack(np.divmod(np.arange(16), 4), axis=1),
        core_of=np.repeat(np.arange(16), 10),
        start=np.arange(161),
        core=rng.integers(0, 16, 160),
        work=np.full(160, 20 * ns),
        when=np.repeat(np.arange(3), 160),
        who=np.tile(np.arange(160), 3),
        active=np.full((3, 16), 10),
        outside=np.zeros((3, 16), np.int64),
        size=10,
    )
    one, many = clock(t, "queued"), clock(t, "queued", routing="multicast")
    assert np.array_equal(advance(one, t).seconds, advance(many, t).seconds)
    assert np.array_equal(one.loads, many.loads)


def test_a_model_without_queues_is_refused_here() -> None:
    with pytest.raises(DescriptionError, match="Unknown timing 'simple'. Known: queued, asynchronous"):
        ChipClock(
            LOIHI, core_of=np.zeros(1), tiles=np.zeros((1, 2)), start=np.zeros(2), core=np.zeros(0), work=np.zeros(0)
        )
