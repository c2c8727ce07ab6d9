"""Ways around what is broken on a mesh: which parts hang together, how far tiles are apart, and trees of ways from a tile.

`open[d, y, x]` says whether the link that leaves tile (x, y) to the east, west, north or south (d = 0 … 3) can be used; on a mesh of
layers, whose rows follow each other, d = 4 and 5 lead to the layer above and below. `ahead[d]` is how much higher the number of the tile
is to which it leads: tiles are numbered t = y · wide + x. A way is at each tile in one of A states, numbered A·t + k:

* *shortest*: k is the axis it came along (A = 2: row, column; A = 3: layers, row, column; 0 where it begins). A bend into an axis that
  comes before is what dimension order forbids; a packet that makes one goes on in the next virtual channel. So within a channel links
  wait for each other as in dimension order, and from channel to channel only upwards: there is no ring. Of all shortest ways the one
  with fewest such bends is taken; where nothing is broken in between that is dimension order itself.
* *up-down* (Schroeder et al. 1991, Autonet): k = 0 while it goes up, towards a lower `rank`, 1 after its first link down; never up
  again. One channel is enough.

A tree holds for each state the one before it (`before`), the direction of the last link (`by`), how many links it has (`far`) and its
channel (`channel`); `last[t]` is the state in which the way to tile t ends, -1 where none leads. `kind[d, y, x]` says of which of four
kinds a link is.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MANY = 1 << 30


@njit(cache=True, nogil=True)
def _axis(open_, d):
    """Where a direction's axis comes in dimension order: row, column; or layers, row, column."""
    return d // 2 if open_.shape[0] == 4 else (d // 2 + 1) % 3


@njit(cache=True, nogil=True)
def _axes(open_):
    return 2 if open_.shape[0] == 4 else 3


@njit(cache=True, nogil=True)
def parts(open_, ahead, alive, label):
    """Number the parts that hang together, in the order of their first tiles, in `label` (tiles; -1: dead); returns how many."""
    directions, high, wide = open_.shape
    label[:] = -1
    stack = np.empty(high * wide, np.int64)
    many = 0
    for first in range(high * wide):
        if not alive[first] or label[first] >= 0:
            continue
        stack[0] = first
        label[first] = many
        top = 1
        while top:
            top -= 1
            t = stack[top]
            for d in range(directions):
                if open_[d, t // wide, t % wide] and label[t + ahead[d]] < 0:
                    label[t + ahead[d]] = many
                    stack[top] = t + ahead[d]
                    top += 1
        many += 1
    return many


@njit(cache=True, nogil=True)
def distances(open_, ahead, home, far, queue):
    """Links on the shortest way from tile `home` to each tile, -1 where none leads; returns how many tiles are reached."""
    wide = open_.shape[2]
    far[:] = -1
    far[home] = 0
    queue[0] = home
    head, tail = 0, 1
    while head < tail:
        t = queue[head]
        head += 1
        for d in range(open_.shape[0]):
            if open_[d, t // wide, t % wide] and far[t + ahead[d]] < 0:
                far[t + ahead[d]] = far[t] + 1
                queue[tail] = t + ahead[d]
                tail += 1
    return tail


@njit(cache=True, nogil=True)
def ranks(open_, ahead, root, rank):
    """The order of the tiles for up-down ways: by distance from `root`, then by number; -1 where no way leads."""
    far, queue = np.empty(rank.size, np.int64), np.empty(rank.size, np.int64)
    distances(open_, ahead, root, far, queue)
    for t in range(rank.size):
        rank[t] = -1 if far[t] < 0 else far[t] * rank.size + t


@njit(cache=True, nogil=True)
def _shortest(open_, ahead, home, order, before, by, far, channel, last):
    directions, high, wide = open_.shape
    axes, tiles = _axes(open_), high * wide
    apart, queue = np.full(tiles, -1, np.int64), np.empty(tiles, np.int64)
    channel[:] = MANY
    before[:] = -1
    last[:] = -1
    apart[home] = 0
    channel[axes * home] = far[axes * home] = 0
    queue[0] = home
    head, tail, states = 0, 1, 0
    while head < tail:
        t = queue[head]
        head += 1
        last[t] = axes * t
        for s in range(axes * t, axes * t + axes):
            if channel[s] < MANY:
                order[states] = s
                states += 1
                if channel[s] < channel[last[t]]:
                    last[t] = s
        for d in range(directions):
            if not open_[d, t // wide, t % wide]:
                continue
            to, axis = t + ahead[d], _axis(open_, d)
            if apart[to] < 0:
                apart[to] = apart[t] + 1
                queue[tail] = to
                tail += 1
            if apart[to] != apart[t] + 1:
                continue
            s, bends = axes * to + axis, channel[axes * to + axis]
            for k in range(axes):
                bent = channel[axes * t + k] + (1 if k > axis else 0)
                if bent < bends:
                    bends = bent
                    channel[s] = bends
                    before[s] = axes * t + k
                    by[s] = d
                    far[s] = apart[to]
    return states


@njit(cache=True, nogil=True)
def _up_down(open_, ahead, home, rank, order, before, by, far, channel, last):
    wide, axes = open_.shape[2], _axes(open_)
    channel[:] = MANY
    before[:] = -1
    last[:] = -1
    channel[axes * home] = far[axes * home] = 0
    order[0] = last[home] = axes * home
    head, states = 0, 1
    while head < states:
        now = order[head]
        t = now // axes
        head += 1
        for d in range(open_.shape[0]):
            if not open_[d, t // wide, t % wide]:
                continue
            to = t + ahead[d]
            up = rank[to] < rank[t]
            if up and now % axes == 1:
                continue
            s = axes * to + (0 if up else 1)
            if channel[s] < MANY:
                continue
            channel[s] = 0
            before[s] = now
            by[s] = d
            far[s] = far[now] + 1
            order[states] = s
            states += 1
            if last[to] < 0:  # states come in the order of their distance
                last[to] = s
    return states


@njit(cache=True, nogil=True)
def tree(open_, ahead, home, rank, order, before, by, far, channel, last):
    """The ways from tile `home` to all others; `rank` is empty for shortest ways. Returns how many states `order` holds."""
    if rank.size == 0:
        return _shortest(open_, ahead, home, order, before, by, far, channel, last)
    return _up_down(open_, ahead, home, rank, order, before, by, far, channel, last)


@njit(cache=True, nogil=True)
def _room(open_):
    """Room for a tree: order, before, by, far, channel, and last."""
    tiles = open_.shape[1] * open_.shape[2]
    states = _axes(open_) * tiles
    return (
        np.empty(states, np.int64),
        np.empty(states, np.int64),
        np.empty(states, np.int64),
        np.empty(states, np.int64),
        np.empty(states, np.int64),
        np.empty(tiles, np.int64),
    )


@njit(cache=True, nogil=True)
def route(start, core, tile_of, home, senders, open_, ahead, rank, kind, multicast, amount, times, loads, totals, path):
    """Send a packet from each neuron to each of its cores over the trees of ways.

    `tile_of` is the tile of each core, `home` of each neuron, `senders` the neurons that send, those of a tile together. Adds to
    `totals` (6, neurons) the cores on the sender's tile, links of each of four kinds, and the last virtual channel used; to `path` the
    seconds of the longest way, a link of kind k taking `times[k]` and a packet that stays `times[4]`; and `amount` of each neuron to
    `loads`. Returns the first neuron that cannot reach a core.
    """
    wide, axes = open_.shape[2], _axes(open_)
    order, before, by, far, channel, last = _room(open_)
    seen, taken = np.full(before.size, -1, np.int64), np.zeros((before.size, 4), np.int64)
    carried = np.zeros(before.size, loads.dtype)
    now, states = -1, 0
    for k in range(senders.size):
        i = senders[k]
        if home[i] != now:
            now = home[i]
            states = tree(open_, ahead, now, rank, order, before, by, far, channel, last)
            taken[axes * now] = 0
            for n in range(1, states):
                s = order[n]
                t = before[s] // axes
                taken[s] = taken[before[s]]
                taken[s, kind[by[s], t // wide, t % wide]] += 1
        seen[axes * now] = i
        for n in range(start[i], start[i + 1]):
            to = tile_of[core[n]]
            s = last[to]
            if s < 0:
                return i
            seconds = 0.0
            for c in range(4):
                seconds += taken[s, c] * times[c]
            if to == now:
                totals[0, i] += 1
                seconds = times[4]
            path[i] = max(path[i], seconds)
            totals[5, i] = max(totals[5, i], channel[s])
            if not multicast:
                for c in range(4):
                    totals[1 + c, i] += taken[s, c]
                carried[s] += amount[i]
                continue
            while seen[s] != i:  # up to where a branch leaves the tree that is there already
                seen[s] = i
                t = before[s] // axes
                totals[1 + kind[by[s], t // wide, t % wide], i] += 1
                carried[s] += amount[i]
                s = before[s]
        if k + 1 == senders.size or home[senders[k + 1]] != now:
            for n in range(states - 1, 0, -1):
                s = order[n]
                if carried[s] != 0:
                    t = before[s] // axes
                    loads[by[s], t // wide, t % wide] += carried[s]
                    if not multicast:
                        carried[before[s]] += carried[s]
                    carried[s] = 0
            carried[axes * now] = 0
    return -1


@njit(cache=True, nogil=True)
def waits(source, target, open_, ahead, rank, used):
    """Mark in `used[channel, direction, y, x, next direction]` which link waits for which, on the ways from tile to tile.

    Pairs of one source lie together. Returns -1 when every wait from channel to channel goes upwards, else the number of a pair.
    """
    wide, axes = open_.shape[2], _axes(open_)
    order, before, by, far, channel, last = _room(open_)
    now = -1
    for k in range(source.size):
        if source[k] != now:
            now = source[k]
            tree(open_, ahead, now, rank, order, before, by, far, channel, last)
        s = last[target[k]]
        while s >= 0 and before[s] >= 0 and before[before[s]] >= 0:
            one = before[s]
            t = before[one] // axes
            if channel[s] == channel[one]:
                used[channel[one], by[one], t // wide, t % wide, by[s]] = True
            elif channel[s] < channel[one]:
                return k
            s = one
    return -1


@njit(cache=True, nogil=True)
def way(source, target, open_, ahead, rank, tiles, channels):
    """The tiles of the way from `source` to `target` and the channel of each link after it; returns its links, -1 if there is none."""
    order, before, by, far, channel, last = _room(open_)
    tree(open_, ahead, source, rank, order, before, by, far, channel, last)
    s, axes = last[target], _axes(open_)
    if s < 0:
        return -1
    links = far[s]
    for k in range(links, -1, -1):
        tiles[k], channels[k] = s // axes, channel[s]
        s = before[s]
    return links


@njit(cache=True, nogil=True)
def listed(source, target, open_, ahead, rank, begin, links):
    """The ways from `source` to `target` (pairs of one source together) as links (channel · tiles + tile) · directions + direction.

    Way k is written to `links[begin[k]:begin[k + 1] - 1]`, and -1 after it; with an empty `links` only `begin` is filled. Returns the
    number of a pair that no way joins, or -1.
    """
    directions, high, wide = open_.shape
    axes, tiles = _axes(open_), high * wide
    order, before, by, far, channel, last = _room(open_)
    now = -1
    begin[0] = 0
    for k in range(source.size):
        if source[k] != now:
            now = source[k]
            tree(open_, ahead, now, rank, order, before, by, far, channel, last)
        s = last[target[k]]
        if s < 0:
            return k
        begin[k + 1] = begin[k] + far[s] + 1
        if links.size:
            at = begin[k + 1] - 1
            links[at] = -1
            while before[s] >= 0:
                at -= 1
                links[at] = (channel[s] * tiles + before[s] // axes) * directions + by[s]
                s = before[s]
    return -1
