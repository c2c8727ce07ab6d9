"""A network-on-chip as finite queues: cores inject packets, links carry them hop by hop, cores take them in one after the other.

Events are ordered in continuous time. There is at most one for each core, link and core input: these are the leaves of a binary tree,
each of whose nodes knows the earliest event below it. Equal times are ordered by the number of the leaf, so the result is the same
whenever and in how many pieces it is computed. A packet is a range of rows of the fan-out
table, sorted by the tiles' layer, x, y, then core: the rows that leave a tile the same way are neighbours, so one packet may carry
many (multicast) and splits where they part. A unicast packet carries one row. On a mesh with faults (`Mesh.table`) every row has its
way written down instead, queue by queue, and rows are sorted by their ways.

All whole numbers lie in one array `w`, all reals in one array `r`, at the offsets that `Layout` names. Packets lie in `pw` and `pr`,
four and three numbers each.

Queues are numbered links first (four to a tile, or six on a mesh of layers: see EAST …; and once more for each virtual channel, which share the wires), then the
inputs of cores. What can have an event is numbered cores as
senders first, then queues, so that entity = cores + queue.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic as _intrinsic

__all__ = ["EAST", "NEVER", "NORTH", "SOUTH", "WEST", "Layout", "Mesh", "advance", "lay_out", "packets"]

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

EAST, WEST, NORTH, SOUTH, UP, DOWN = range(6)
NEVER = int(np.array(np.inf).view(np.int64))
"""The bits of the time of what does not happen."""
LOW, HIGH, NEXT, STEP = range(4)
ENTERED, READY, HOPS = range(3)
WAITED, BLOCKED, SENT, TAKEN = range(4)


class Mesh(NamedTuple):
    """What things take, in seconds, and how the mesh works."""

    cores: int
    links: int  # queues of links: wires × virtual channels
    wires: int
    ports: int  # links that leave a tile
    layer: int  # rows of a layer
    buffer: int
    leaves: int  # of the tree of events
    multicast: bool
    table: bool
    local: float
    packet: float
    spike: float
    active: float
    inactive: float
    outside: float
    start: float  # of every core, in every step
    barrier: float


class Layout(NamedTuple):
    """Where each table begins in `w` (first part) and in `r` (second part)."""

    # by neuron
    home: int
    rank: int
    row: int  # neurons + 1: rows of each neuron
    listed: int  # spikes of a step by core
    # by row
    core: int
    way: int  # with a table: where its way begins in `ways`
    ways: int  # the queues of links on each way, and -1
    # by core
    x: int
    y: int
    tile: int
    size: int
    before: int  # cores + 1: who sends to it
    first_spike: int  # cores + 1
    at_spike: int
    at_row: int
    since: int  # neurons updated so far
    low: int  # what it is about to send
    high: int
    # by pair of cores that speak
    teller: int
    # by tile
    tile_x: int
    tile_y: int
    # by queue
    head: int
    tail: int
    held: int
    wait_head: int
    wait_tail: int
    longest: int
    load: int
    leads: int  # links: the tile it leads to
    # by entity
    wait_next: int
    busy: int  # a sender or link that waits; an input that takes
    # twice the leaves, two numbers each
    tree: int  # when something happens next below here, as bits, and to whom
    # reals, by row
    work: int
    # by core
    step_work: int
    sending: int  # when it was done
    taking: int
    taken: int  # seconds of work
    blocked_at: int
    begin: int
    # by pair
    apart: int
    # by link
    free: int  # wires: when the next packet may set out
    hop: int
    cycle: int
    # one number, and four
    last: int
    totals: int


def lay_out(sizes: dict[str, int]) -> tuple[Layout, int, int]:
    """The offsets for tables of these sizes, and the lengths of `w` and `r`."""
    whole, real = 0, 0
    made = {}
    for name in Layout._fields:
        if name in REALS:
            made[name] = real
            real += sizes[name]
        else:
            made[name] = whole
            whole += sizes[name]
    return Layout(**made), whole, real


REALS = Layout._fields[Layout._fields.index("work") :]


def packets(rows: int) -> tuple[Any, Any]:
    """Places for as many packets as can be under way at once: a list of free ones, headed by the last cell."""
    pw = np.zeros((rows + 1, 4), np.int64)
    pw[:, NEXT] = np.arange(1, rows + 2)
    pw[rows, NEXT] = 0
    return pw, np.zeros((rows + 1, 3))


@intrinsic
def _bits(typingctx, time):
    """The bits of a time as a whole number; times are not negative, so both have one order."""

    def code(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def _time(typingctx, bits):
    """The time of which these are the bits."""

    def code(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), code


one: Any = njit(forceinline=True, _nrt=False, error_model="numpy")  # pyright: ignore[reportCallIssue]
"""All of the network is one function, and none of it counts references to its arrays: calls and counts took three quarters of the time."""


@one
def _put(w, o, m, key, entity):
    """Write when something happens to `entity`, and who is first from its leaf up to the root; no branch depends on the times."""
    i, first = m.leaves + entity, entity
    w[o.tree + 2 * i] = key
    while i > 1:
        beside = o.tree + 2 * (i ^ 1)
        other, who = w[beside], w[beside + 1]
        earlier = other < key + (i & 1)  # of equal times the lower number, on the left
        key = other if earlier else key
        first = who if earlier else first
        i >>= 1
        w[o.tree + 2 * i], w[o.tree + 2 * i + 1] = key, first


@one
def _at(w, r, o, m, time, entity):
    """Let something happen to `entity` at `time`."""
    _put(w, o, m, _bits(time), entity)


@one
def _way(w, o, m, tile, row, step):
    """The queue a row leaves a tile by: a link, or the input of its core; by layers, along the row, along the column, or as written."""
    core = w[o.core + row]
    if m.table:
        q = w[o.ways + w[o.way + row] + step]
        return q if q >= 0 else m.links + core
    if w[o.tile + core] == tile:
        return m.links + core
    x, y = w[o.tile_x + tile], w[o.tile_y + tile]
    if m.ports == 6 and w[o.y + core] // m.layer != y // m.layer:
        return tile * 6 + (UP if w[o.y + core] > y else DOWN)
    if w[o.x + core] > x:
        return tile * m.ports + EAST
    if w[o.x + core] < x:
        return tile * m.ports + WEST
    if w[o.y + core] > y:
        return tile * m.ports + NORTH
    return tile * m.ports + SOUTH


@one
def _serve(w, r, o, m, pr, link, t):
    """Let the first packet of a link come to its end: a hop after it set out, and a cycle after the one before it."""
    arrives = max(pr[w[o.head + link], READY], t)
    _at(w, r, o, m, arrives, m.cores + link)


@one
def _take(w, r, o, m, pw, pr, core, p, t):
    """Begin to take a packet into a core: it leaves the network."""
    begin = max(t, pr[p, READY])
    r[o.totals + WAITED] += max(0.0, begin - pr[p, ENTERED] - pr[p, HOPS])
    r[o.totals + TAKEN] += pw[p, HIGH] - pw[p, LOW]
    work = 0.0
    for row in range(pw[p, LOW], pw[p, HIGH]):
        work += r[o.work + row]
    r[o.taken + core] += work
    entity = m.cores + m.links + core
    w[o.busy + entity] = 1
    _at(w, r, o, m, begin + work, entity)
    pw[p, NEXT] = pw[pw.shape[0] - 1, NEXT]
    pw[pw.shape[0] - 1, NEXT] = p


@one
def _enter(w, r, o, m, pw, pr, q, p, t):
    """Put a packet at the end of a queue that has room."""
    if q >= m.links and w[o.busy + m.cores + q] == 0:
        _take(w, r, o, m, pw, pr, q - m.links, p, t)
        return
    pw[p, NEXT] = -1
    held = w[o.held + q]
    if held == 0:
        w[o.head + q] = p
    else:
        pw[w[o.tail + q], NEXT] = p
    w[o.tail + q] = p
    w[o.held + q] = held + 1
    w[o.longest + q] = max(w[o.longest + q], held + 1)
    if q < m.links:
        w[o.load + q] += 1
        wire = o.free + (q % m.wires if m.table else q)
        sets_out = max(t, r[wire])
        r[wire] = sets_out + r[o.cycle + q]
        pr[p, READY] = sets_out + r[o.hop + q]
        pr[p, HOPS] += r[o.hop + q]
        if held == 0:
            _serve(w, r, o, m, pr, q, t)


@one
def _hand_on(w, r, o, m, pw, pr, entity, t):
    """Put what a sender or a link holds into the next queues, part after part; False when one of them is full and it waits there."""
    sender = entity < m.cores
    if sender:
        tile, p = w[o.tile + entity], -1
        low, high, step = w[o.low + entity], w[o.high + entity], 0
    else:
        tile, p = w[o.leads + entity - m.cores], w[o.head + entity - m.cores]
        low, high, step = pw[p, LOW], pw[p, HIGH], pw[p, STEP] + 1
    while True:
        q = _way(w, o, m, tile, low, step)
        if w[o.held + q] >= m.buffer:
            if sender and w[o.busy + entity] == 0:
                r[o.blocked_at + entity] = t
            w[o.busy + entity] = 1
            w[o.wait_next + entity] = -1
            if w[o.wait_head + q] < 0:
                w[o.wait_head + q] = entity
            else:
                w[o.wait_next + w[o.wait_tail + q]] = entity
            w[o.wait_tail + q] = entity
            if sender:
                w[o.low + entity] = low
            else:
                pw[p, LOW] = low
            return False
        end = low + 1
        while end < high and _way(w, o, m, tile, end, step) == q:
            end += 1
        copy = pw[pw.shape[0] - 1, NEXT]
        pw[pw.shape[0] - 1, NEXT] = pw[copy, NEXT]
        pw[copy, LOW], pw[copy, HIGH], pw[copy, STEP] = low, end, step
        pr[copy, READY] = t
        if sender:
            pr[copy, ENTERED], pr[copy, HOPS] = t, 0.0
            if q >= m.links:  # it stays on its tile
                pr[copy, HOPS] = m.local
                pr[copy, READY] = t + m.local
        else:
            pr[copy, ENTERED], pr[copy, HOPS] = pr[p, ENTERED], pr[p, HOPS]
        _enter(w, r, o, m, pw, pr, q, copy, t)
        low = end
        if end == high:
            if sender and w[o.busy + entity] == 1:
                r[o.totals + BLOCKED] += t - r[o.blocked_at + entity]
            w[o.busy + entity] = 0
            return True


@one
def _next_packet(w, r, o, m, core, t):
    """Let a core work until its next packet is ready, or to the end of its neurons."""
    work = 0.0
    while w[o.at_spike + core] < w[o.first_spike + core + 1]:
        neuron = w[o.listed + w[o.at_spike + core]]
        row, last = w[o.at_row + core], w[o.row + neuron + 1]
        if row < 0:  # the neurons up to this one, and itself
            place = w[o.rank + neuron]
            work += (place - w[o.since + core]) * r[o.step_work + core] + m.active + m.spike
            w[o.since + core] = place + 1
            row = w[o.row + neuron]
        if row < last:
            end = last if m.multicast else row + 1
            w[o.low + core], w[o.high + core], w[o.at_row + core] = row, end, end
            _at(w, r, o, m, t + work + m.packet, core)
            return
        w[o.at_spike + core] += 1
        w[o.at_row + core] = -1
    r[o.sending + core] = t + work + (w[o.size + core] - w[o.since + core]) * r[o.step_work + core]


@one
def _leave(w, r, o, m, pw, pr, link, t):
    """The first packet of a link has gone on: the next one follows."""
    p = w[o.head + link]
    w[o.head + link] = pw[p, NEXT]
    w[o.held + link] -= 1
    pw[p, NEXT] = pw[pw.shape[0] - 1, NEXT]
    pw[pw.shape[0] - 1, NEXT] = p
    if w[o.held + link] > 0:
        _serve(w, r, o, m, pr, link, t + r[o.cycle + link])


@one
def _wake(w, r, o, m, pw, pr, stack, q, t):
    """Queue q has room: who waits for it goes on, and then who waits for them."""
    stack[0] = q
    depth = 1
    while depth > 0:
        q = stack[depth - 1]
        entity = w[o.wait_head + q]
        if entity < 0 or w[o.held + q] >= m.buffer:
            depth -= 1
            continue
        w[o.wait_head + q] = w[o.wait_next + entity]
        if _hand_on(w, r, o, m, pw, pr, entity, t):
            if entity < m.cores:
                _next_packet(w, r, o, m, entity, t)
            else:
                _leave(w, r, o, m, pw, pr, entity - m.cores, t)
                stack[depth] = entity - m.cores
                depth += 1


@one
def _happen(w, r, o, m, pw, pr, stack, t, entity):
    """What happens to `entity` at t."""
    if entity < m.cores:
        r[o.totals + SENT] += 1
        if _hand_on(w, r, o, m, pw, pr, entity, t):
            _next_packet(w, r, o, m, entity, t)
        return
    q = entity - m.cores
    if q < m.links:
        if not _hand_on(w, r, o, m, pw, pr, entity, t):
            return
        _leave(w, r, o, m, pw, pr, q, t)
    else:
        core = q - m.links
        w[o.busy + entity] = 0
        r[o.taking + core] = t
        if w[o.held + q] > 0:
            p = w[o.head + q]
            w[o.head + q] = pw[p, NEXT]
            w[o.held + q] -= 1
            _take(w, r, o, m, pw, pr, core, p, t)
    if w[o.wait_head + q] >= 0:
        _wake(w, r, o, m, pw, pr, stack, q, t)


@one
def _run(w, r, o, m, pw, pr, stack):
    """Let everything of one step happen."""
    while w[o.tree + 2] < NEVER:
        t, entity = _time(w[o.tree + 2]), w[o.tree + 3]
        leaf = o.tree + 2 * (m.leaves + entity)
        w[leaf] = NEVER
        _happen(w, r, o, m, pw, pr, stack, t, entity)
        if w[leaf] == NEVER:  # else it was told of its next event, and so was the tree
            _put(w, o, m, NEVER, entity)


@one
def _prepare(w, o, m, neurons, first, last):
    """List the spikes of one step by core, in the order of the neurons' places there."""
    for core in range(m.cores + 1):
        w[o.first_spike + core] = 0
    for k in range(first, last):
        w[o.first_spike + w[o.home + neurons[k]] + 1] += 1
    for core in range(m.cores):
        w[o.first_spike + core + 1] += w[o.first_spike + core]
        w[o.at_spike + core] = w[o.first_spike + core]
        w[o.at_row + core] = -1
        w[o.since + core] = 0
    for q in range(first, last):
        neuron = neurons[q]
        core = w[o.home + neuron]
        k = w[o.at_spike + core]
        while k > w[o.first_spike + core] and w[o.rank + w[o.listed + k - 1]] > w[o.rank + neuron]:
            w[o.listed + k] = w[o.listed + k - 1]
            k -= 1
        w[o.listed + k] = neuron
        w[o.at_spike + core] += 1
    for core in range(m.cores):
        w[o.at_spike + core] = w[o.first_spike + core]


@one
def _set_off(w, r, o, m, core, active, inactive, outside):
    """Let a core begin its step; returns the seconds its neurons and packets take in all."""
    spikes = w[o.first_spike + core + 1] - w[o.first_spike + core]
    quiet = w[o.size + core] - spikes
    rest = inactive * m.inactive + max(0, active - spikes) * m.active
    r[o.step_work + core] = rest / quiet if quiet > 0 else 0.0
    begin = r[o.begin + core]
    r[o.taken + core] = outside * m.outside
    r[o.taking + core] = begin + r[o.taken + core]
    if r[o.taking + core] > 0.0:
        w[o.busy + m.cores + m.links + core] = 1
        _at(w, r, o, m, r[o.taking + core], m.cores + m.links + core)
    sent = 0
    for k in range(w[o.first_spike + core], w[o.first_spike + core + 1]):
        neuron = w[o.listed + k]
        rows = w[o.row + neuron + 1] - w[o.row + neuron]
        sent += min(rows, 1) if m.multicast else rows
    _next_packet(w, r, o, m, core, begin + m.start)
    return m.start + rest + spikes * (m.active + m.spike) + sent * m.packet


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")  # pyright: ignore[reportCallIssue]
def advance(w, r, o, m, pw, pr, stack, free, first, neurons, active, inactive, outside, seconds, simple):
    """Chip time of some steps: spikes of step k are neurons[first[k]:first[k + 1]]; counts have shape (steps, cores).

    With `free` each core goes on by itself (asynchronous); else all begin together and a barrier ends the step (queued).
    `seconds` of each step are written, and beside them what the simple model gives: the busiest core and the barrier, no network.
    `stack` has room for one number for each queue and one more.
    """
    for n in range(seconds.size):
        _prepare(w, o, m, neurons, first[n], first[n + 1])
        if not free:
            for core in range(m.cores):
                r[o.begin + core] = 0.0
            for wire in range(m.wires):
                r[o.free + wire] = 0.0
        busiest = 0.0
        for core in range(m.cores):
            own = _set_off(w, r, o, m, core, active[n, core], inactive[n, core], outside[n, core])
            busiest = max(busiest, own)
        _run(w, r, o, m, pw, pr, stack)
        end = 0.0
        for core in range(m.cores):
            end = max(end, r[o.sending + core], r[o.taking + core])
            busiest = max(busiest, r[o.taken + core])
        simple[n] = busiest + m.barrier
        if not free:
            seconds[n] = max(end, busiest) + m.barrier
            r[o.last] += seconds[n]
            continue
        for core in range(m.cores):
            begin = max(r[o.sending + core], r[o.taking + core])
            for k in range(w[o.before + core], w[o.before + core + 1]):
                begin = max(begin, r[o.sending + w[o.teller + k]] + r[o.apart + k])
            r[o.begin + core] = begin
        seconds[n] = max(0.0, end - r[o.last])
        r[o.last] = max(r[o.last], end)
