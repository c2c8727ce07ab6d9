"""Ways around what is broken on a mesh: which parts hang together, how far tiles are apart, and trees of ways from a tile.

`open[d, y, x]` says whether the link that leaves tile (x, y) to the east, west, north or south (d = 0 … 3) can be used. Tiles are
numbered t = y · wide + x. A way is at each tile in one of two states, numbered 2t and 2t + 1:

* *shortest*: 2t when it came along the row (or begins here), 2t + 1 when it came along the column. A bend from a column into a row is
  what dimension order forbids; a packet that makes one goes on in the next virtual channel. So within a channel links wait for each
  other as in dimension order, and from channel to channel only upwards: there is no ring. Of all shortest ways the one with fewest
  such bends is taken; where nothing is broken in between that is dimension order itself.
* *up-down* (Schroeder et al. 1991, Autonet): 2t while it goes up, towards a lower `rank`, 2t + 1 after its first link down; never up
  again. One channel is enough.

A tree holds for each state the one before it (`before`), links along rows and columns up to it (`across`, `along`) and its channel
(`channel`); `last[t]` is the state in which the way to tile t ends, -1 where none leads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MANY = 1 << 30


@njit(cache=True, nogil=True)
def parts(open_, alive, label):
    """Number the parts that hang together, in the order of their first tiles, in `label` (tiles; -1: dead); returns how many."""
    _, high, wide = open_.shape
    ahead = np.array([1, -1, wide, -wide])
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
            for d in range(4):
                if open_[d, t // wide, t % wide] and label[t + ahead[d]] < 0:
                    label[t + ahead[d]] = many
                    stack[top] = t + ahead[d]
                    top += 1
        many += 1
    return many


@njit(cache=True, nogil=True)
def distances(open_, home, far, queue):
    """Links on the shortest way from tile `home` to each tile, -1 where none leads; returns how many tiles are reached."""
    wide = open_.shape[2]
    ahead = np.array([1, -1, wide, -wide])
    far[:] = -1
    far[home] = 0
    queue[0] = home
    head, tail = 0, 1
    while head < tail:
        t = queue[head]
        head += 1
        for d in range(4):
            if open_[d, t // wide, t % wide] and far[t + ahead[d]] < 0:
                far[t + ahead[d]] = far[t] + 1
                queue[tail] = t + ahead[d]
                tail += 1
    return tail


@njit(cache=True, nogil=True)
def ranks(open_, root, rank):
    """The order of the tiles for up-down ways: by distance from `root`, then by number; -1 where no way leads."""
    far, queue = np.empty(rank.size, np.int64), np.empty(rank.size, np.int64)
    distances(open_, root, far, queue)
    for t in range(rank.size):
        rank[t] = -1 if far[t] < 0 else far[t] * rank.size + t


@njit(cache=True, nogil=True)
def _shortest(open_, home, order, before, across, along, channel, last):
    _, high, wide = open_.shape
    tiles = high * wide
    ahead = np.array([1, -1, wide, -wide])
    far, queue = np.full(tiles, -1, np.int64), np.empty(tiles, np.int64)
    channel[:] = MANY
    before[:] = -1
    last[:] = -1
    far[home] = 0
    channel[2 * home] = across[2 * home] = along[2 * home] = 0
    queue[0] = home
    head, tail, states = 0, 1, 0
    while head < tail:
        t = queue[head]
        head += 1
        for s in range(2 * t, 2 * t + 2):
            if channel[s] < MANY:
                order[states] = s
                states += 1
        last[t] = 2 * t + 1 if channel[2 * t + 1] < channel[2 * t] else 2 * t
        for d in range(4):
            if not open_[d, t // wide, t % wide]:
                continue
            to = t + ahead[d]
            if far[to] < 0:
                far[to] = far[t] + 1
                queue[tail] = to
                tail += 1
            if far[to] != far[t] + 1:
                continue
            by, bends = 2 * t, channel[2 * t]
            bent = channel[2 * t + 1] + (1 if d < 2 else 0)
            if bent < bends:
                by, bends = 2 * t + 1, bent
            s = 2 * to + (0 if d < 2 else 1)
            if bends < channel[s]:
                channel[s] = bends
                before[s] = by
                across[s] = across[by] + (1 if d < 2 else 0)
                along[s] = along[by] + (0 if d < 2 else 1)
    return states


@njit(cache=True, nogil=True)
def _up_down(open_, home, rank, order, before, across, along, channel, last):
    wide = open_.shape[2]
    ahead = np.array([1, -1, wide, -wide])
    channel[:] = MANY
    before[:] = -1
    last[:] = -1
    channel[2 * home] = across[2 * home] = along[2 * home] = 0
    order[0] = last[home] = 2 * home
    head, states = 0, 1
    while head < states:
        by = order[head]
        t = by // 2
        head += 1
        for d in range(4):
            if not open_[d, t // wide, t % wide]:
                continue
            to = t + ahead[d]
            up = rank[to] < rank[t]
            if up and by % 2 == 1:
                continue
            s = 2 * to + (0 if up else 1)
            if channel[s] < MANY:
                continue
            channel[s] = 0
            before[s] = by
            across[s] = across[by] + (1 if d < 2 else 0)
            along[s] = along[by] + (0 if d < 2 else 1)
            order[states] = s
            states += 1
            if last[to] < 0:  # states come in the order of their distance
                last[to] = s
    return states


@njit(cache=True, nogil=True)
def tree(open_, home, rank, order, before, across, along, channel, last):
    """The ways from tile `home` to all others; `rank` is empty for shortest ways. Returns how many states `order` holds."""
    if rank.size == 0:
        return _shortest(open_, home, order, before, across, along, channel, last)
    return _up_down(open_, home, rank, order, before, across, along, channel, last)


@njit(cache=True, nogil=True)
def _direction(wide, a, b):
    """The direction of the link from tile a to tile b."""
    if b == a + 1 and b % wide != 0:
        return 0
    if b == a - 1 and a % wide != 0:
        return 1
    return 2 if b == a + wide else 3


@njit(cache=True, nogil=True)
def route(start, core, tile_of, home, senders, open_, rank, multicast, amount, times, loads, totals, path):
    """Send a packet from each neuron to each of its cores over the trees of ways.

    `tile_of` is the tile of each core, `home` of each neuron, `senders` the neurons that send, those of a tile together. Adds to
    `totals` (4, neurons) the cores on the sender's tile, links along rows, links along columns, and the last virtual channel used; to
    `path` the seconds of the longest way; and `amount` of each neuron to `loads`. Returns the first neuron that cannot reach a core.
    """
    _, high, wide = open_.shape
    tiles = high * wide
    order, before = np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64)
    across, along, channel = np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64)
    last, seen = np.empty(tiles, np.int64), np.full(2 * tiles, -1, np.int64)
    carried = np.zeros(2 * tiles, loads.dtype)
    now, states = -1, 0
    for k in range(senders.size):
        i = senders[k]
        if home[i] != now:
            now = home[i]
            states = tree(open_, now, rank, order, before, across, along, channel, last)
        seen[2 * now] = i
        for n in range(start[i], start[i + 1]):
            to = tile_of[core[n]]
            s = last[to]
            if s < 0:
                return i
            seconds = across[s] * times[0] + along[s] * times[1]
            if to == now:
                totals[0, i] += 1
                seconds = times[2]
            path[i] = max(path[i], seconds)
            totals[3, i] = max(totals[3, i], channel[s])
            if not multicast:
                totals[1, i] += across[s]
                totals[2, i] += along[s]
                carried[s] += amount[i]
                continue
            while seen[s] != i:  # up to where a branch leaves the tree that is there already
                seen[s] = i
                d = _direction(wide, before[s] // 2, s // 2)
                totals[1 if d < 2 else 2, i] += 1
                carried[s] += amount[i]
                s = before[s]
        if k + 1 == senders.size or home[senders[k + 1]] != now:
            for n in range(states - 1, 0, -1):
                s = order[n]
                if carried[s] != 0:
                    t = before[s] // 2
                    loads[_direction(wide, t, s // 2), t // wide, t % wide] += carried[s]
                    if not multicast:
                        carried[before[s]] += carried[s]
                    carried[s] = 0
            carried[2 * now] = 0
    return -1


@njit(cache=True, nogil=True)
def waits(source, target, open_, rank, used):
    """Mark in `used[channel, direction, y, x, next direction]` which link waits for which, on the ways from tile to tile.

    Pairs of one source lie together. Returns -1 when every wait from channel to channel goes upwards, else the number of a pair.
    """
    _, high, wide = open_.shape
    tiles = high * wide
    order, before = np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64)
    across, along, channel = np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64)
    last = np.empty(tiles, np.int64)
    now = -1
    for k in range(source.size):
        if source[k] != now:
            now = source[k]
            tree(open_, now, rank, order, before, across, along, channel, last)
        s = last[target[k]]
        while s >= 0 and before[s] >= 0 and before[before[s]] >= 0:
            by = before[s]
            a, b, c = before[by] // 2, by // 2, s // 2
            if channel[s] == channel[by]:
                used[channel[by], _direction(wide, a, b), a // wide, a % wide, _direction(wide, b, c)] = True
            elif channel[s] < channel[by]:
                return k
            s = by
    return -1


@njit(cache=True, nogil=True)
def way(source, target, open_, rank, tiles, channels):
    """The tiles of the way from `source` to `target` and the channel of each link after it; returns its links, -1 if there is none."""
    many = open_.shape[1] * open_.shape[2]
    order, before = np.empty(2 * many, np.int64), np.empty(2 * many, np.int64)
    across, along, channel = np.empty(2 * many, np.int64), np.empty(2 * many, np.int64), np.empty(2 * many, np.int64)
    last = np.empty(many, np.int64)
    tree(open_, source, rank, order, before, across, along, channel, last)
    s = last[target]
    if s < 0:
        return -1
    links = across[s] + along[s]
    for k in range(links, -1, -1):
        tiles[k], channels[k] = s // 2, channel[s]
        s = before[s]
    return links


@njit(cache=True, nogil=True)
def listed(source, target, open_, rank, begin, links):
    """The ways from `source` to `target` (pairs of one source together) as links (channel · tiles + tile) · 4 + direction.

    Way k is written to `links[begin[k]:begin[k + 1] - 1]`, and -1 after it; with an empty `links` only `begin` is filled. Returns the
    number of a pair that no way joins, or -1.
    """
    _, high, wide = open_.shape
    tiles = high * wide
    order, before = np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64)
    across, along, channel = np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64), np.empty(2 * tiles, np.int64)
    last = np.empty(tiles, np.int64)
    now = -1
    begin[0] = 0
    for k in range(source.size):
        if source[k] != now:
            now = source[k]
            tree(open_, now, rank, order, before, across, along, channel, last)
        s = last[target[k]]
        if s < 0:
            return k
        begin[k + 1] = begin[k] + across[s] + along[s] + 1
        if links.size:
            at = begin[k + 1] - 1
            links[at] = -1
            while s != 2 * now:
                at -= 1
                t = before[s] // 2
                links[at] = (channel[s] * tiles + t) * 4 + _direction(wide, t, s // 2)
                s = before[s]
    return -1
