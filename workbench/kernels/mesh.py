"""Cores on a mesh: moving them closer together, and walking the ways of their packets.

Traffic is symmetric rows without the diagonal: the partners of core p are `other[start[p]:start[p + 1]]`, with as much `weight`. A slot
is room for one core; slot s lies on tile (x[s], y[s]), in layer z[s] where there are several (`z` is None where there is one). `slot` is the slot of each core, `core` the core of each slot, -1 where it is
empty, -2 where nothing can be put; those are the first slots of their tiles.
Links: number 0 goes east, 1 west, 2 north (y + 1), 3 south, counted at the tile they leave: `loads[direction, y, x]`. The rows of a layer
follow those of the one below; 4 goes to the layer above, 5 to the one below.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint64


@njit(cache=True, nogil=True)
def cost(start, other, weight, slot, x, y, z):
    """Weighted distance over all pairs, each once."""
    total = 0.0
    for p in range(start.size - 1):
        a = slot[p]
        for k in range(start[p], start[p + 1]):
            b = slot[other[k]]
            far = abs(x[a] - x[b]) + abs(y[a] - y[b])
            if z is not None:
                far += abs(z[a] - z[b])
            total += weight[k] * far
    return total / 2


@njit(cache=True, nogil=True)
def _axis_costs(p, start, other, weight, slot, at, costs):
    """What core p would pay along one axis on each coordinate, in costs[0:n]; one pass over its partners."""
    n = costs.size
    costs[:] = 0.0
    total = 0.0
    for k in range(start[p], start[p + 1]):
        costs[at[slot[other[k]]]] += weight[k]
        total += weight[k]
    # costs holds weights by coordinate: two running sums turn them into distances
    here = 0.0
    for c in range(n):
        here += costs[c] * c
    below = 0.0
    for c in range(n):
        own = costs[c]
        costs[c] = here
        below += own
        here += below - (total - below)


@njit(cache=True, nogil=True)
def _moved(q, p, a, b, start, other, weight, slot, x, y, z):
    """What core q pays more on slot a than on slot b, not counting p; and the weight between p and q."""
    more, between = 0.0, 0.0
    for k in range(start[q], start[q + 1]):
        r = other[k]
        if r == p:
            between = weight[k]
            continue
        s = slot[r]
        far = abs(x[a] - x[s]) + abs(y[a] - y[s]) - abs(x[b] - x[s]) - abs(y[b] - y[s])
        if z is not None:
            far += abs(z[a] - z[s]) - abs(z[b] - z[s])
        more += weight[k] * far
    return more, between


@njit(cache=True, nogil=True)
def _exchange(p, b, slot, core):
    a = slot[p]
    q = core[b]
    core[a], core[b] = q, p
    slot[p] = b
    if q >= 0:
        slot[q] = a


LOOK = 256
"""A mesh of so many tiles or fewer is looked at whole; of a larger one the tiles beside a core and around its partners' middle."""


@njit(cache=True, nogil=True)
def _try_tile(tile, p, mine, per_tile, start, other, weight, slot, core, x, y, z, best):
    """The best slot of a tile for core p, which itself pays `mine` more there, if it beats `best`: (change, slot or -1)."""
    a, to = slot[p], -1
    begin = tile * per_tile
    for b in range(begin, begin + per_tile):
        q = core[b]
        if q == -2:
            continue
        change = mine
        if q >= 0:
            more, between = _moved(q, p, a, b, start, other, weight, slot, x, y, z)
            # p's own sum counts the way to q as gone, but they stay as far apart as they were
            far = abs(x[a] - x[b]) + abs(y[a] - y[b])
            if z is not None:
                far += abs(z[a] - z[b])
            change += more + between * far
        if change < best:
            best, to = change, b
        if q < 0:
            break  # one empty slot of a tile is like the other
    return best, to


@njit(cache=True, nogil=True)
def pull(start, other, weight, slot, core, x, y, z, wide, high, deep, per_tile, sweeps, costs):
    """Force-directed: sweep after sweep every core looks at tiles beside it, around the middle of its partners, and at empty ones, and
    changes places where that shortens the ways of both together most; until a sweep changes nothing.

    Slots lie tile by tile, row by row, `per_tile` each; `deep` layers. Writes the cost after each sweep to `costs` (costs[0] before the
    first), returns how many sweeps were made. The cost never rises.
    """
    cores, tiles = start.size - 1, wide * high * deep
    fx, fy, fz = np.empty(wide), np.empty(high), np.zeros(deep)
    now = cost(start, other, weight, slot, x, y, z)
    costs[0] = now
    least = 1e-9 * (1.0 + now / max(1, cores))
    dx, dy, dz = (
        np.array([0, 1, -1, 0, 0, 0, 0]),
        np.array([0, 0, 0, 1, -1, 0, 0]),
        np.array([0, 0, 0, 0, 0, 1, -1]),
    )
    beside = 5 if deep == 1 else 7
    rest = 0
    for sweep in range(sweeps):
        changed = 0
        for p in range(cores):
            if start[p] == start[p + 1]:
                continue
            a = slot[p]
            here = a // per_tile
            _axis_costs(p, start, other, weight, slot, x, fx)
            _axis_costs(p, start, other, weight, slot, y, fy)
            at = 0
            if z is not None:
                _axis_costs(p, start, other, weight, slot, z, fz)
                at = z[a]
            stays = fx[x[a]] + fy[y[a]] + fz[at]
            best, to = -least, -1
            if tiles <= LOOK:
                for tile in range(tiles):
                    if tile != here:
                        row = tile // wide
                        mine = fx[tile % wide] + fy[row % high] + fz[row // high] - stays
                        best, found = _try_tile(
                            tile, p, mine, per_tile, start, other, weight, slot, core, x, y, z, best
                        )
                        to = found if found >= 0 else to
            else:
                mx, my, mz = np.argmin(fx), np.argmin(fy), np.argmin(fz)
                for n in range(2 * beside):
                    tx, ty, tz = (x[a], y[a], at) if n < beside else (mx, my, mz)
                    tx += dx[n % beside]
                    ty += dy[n % beside]
                    tz += dz[n % beside]
                    if tx < 0 or ty < 0 or tz < 0 or tx >= wide or ty >= high or tz >= deep:
                        continue
                    tile = (tz * high + ty) * wide + tx
                    if tile == here:
                        continue
                    mine = fx[tx] + fy[ty] + fz[tz] - stays
                    best, found = _try_tile(tile, p, mine, per_tile, start, other, weight, slot, core, x, y, z, best)
                    to = found if found >= 0 else to
                for _ in range(LOOK):  # some tiles further on, each core some others: is one empty?
                    rest = (rest + 1) % tiles
                    if core[(rest + 1) * per_tile - 1] == -1:
                        row = rest // wide
                        mine = fx[rest % wide] + fy[row % high] + fz[row // high] - stays
                        if mine < best:
                            for b in range(rest * per_tile, (rest + 1) * per_tile):
                                if core[b] == -1:
                                    best, to = mine, b
                                    break
            if to >= 0:
                _exchange(p, to, slot, core)
                changed += 1
        costs[sweep + 1] = cost(start, other, weight, slot, x, y, z)
        if changed == 0:
            return sweep + 1
    return sweeps


@njit(cache=True, nogil=True)
def _next(state):
    """The next number of a xorshift generator (Marsaglia 2003)."""
    state ^= state << uint64(13)
    state ^= state >> uint64(7)
    return state ^ (state << uint64(17))


@njit(cache=True, nogil=True)
def anneal(start, other, weight, slot, core, x, y, z, stages, tries, cooling, key, costs, best):
    """Simulated annealing: random changes of places, worse ones with probability exp(-worse / temperature).

    The first temperature lets a typical worse change through, each stage of `tries` per core has `cooling` times the last; the
    chosen slot comes from ever nearer. Writes the cost after each stage, and to `best` the slots of the cheapest stage.
    """
    cores, slots = start.size - 1, core.size
    state = uint64(key) | uint64(1)
    for _ in range(8):
        state = _next(state)
    wide, high, deep = x.max() + 1, y.max() + 1, 1
    row = y
    if z is not None:
        deep = z.max() + 1
        row = y + z * high
    now = cost(start, other, weight, slot, x, y, z)
    least = now
    costs[0] = now
    best[:] = slot
    # a typical change, from random ones that are not made
    typical, found = 0.0, 0
    for _ in range(min(1000, 10 * slots)):
        state = _next(state)
        p = np.int64(state % uint64(cores))
        state = _next(state)
        b = np.int64(state % uint64(slots))
        if b != slot[p] and core[b] != -2:
            typical += abs(_change(p, b, start, other, weight, slot, core, x, y, z))
            found += 1
    if found == 0 or typical == 0.0:
        return
    temperature = typical / found
    reach = float(max(wide, high))
    by_tile = np.argsort(row * wide + x)
    for stage in range(stages):
        for _ in range(tries * cores):
            state = _next(state)
            p = np.int64(state % uint64(cores))
            a = slot[p]
            state = _next(state)
            span = np.int64(reach)
            dx = np.int64(state % uint64(2 * span + 1)) - span
            state = _next(state)
            dy = np.int64(state % uint64(2 * span + 1)) - span
            tx, ty, tz, dz = x[a] + dx, y[a] + dy, 0, 0
            if z is not None:
                state = _next(state)
                near = min(span, np.int64(deep - 1))
                dz = np.int64(state % uint64(2 * near + 1)) - near
                tz = z[a] + dz
            if tx < 0 or ty < 0 or tx >= wide or ty >= high or (dx == 0 and dy == 0 and dz == 0):
                continue
            if tz < 0 or tz >= deep:
                continue
            state = _next(state)
            per_tile = slots // (wide * high * deep)
            b = by_tile[((tz * high + ty) * wide + tx) * per_tile + np.int64(state % uint64(per_tile))]
            if core[b] == -2:
                continue
            change = _change(p, b, start, other, weight, slot, core, x, y, z)
            state = _next(state)
            if change <= 0 or np.float64(state >> uint64(11)) * 2.0**-53 < np.exp(-change / temperature):
                _exchange(p, b, slot, core)
                now += change
        costs[stage + 1] = now
        if now < least:
            least = now
            best[:] = slot
        temperature *= cooling
        reach = max(1.0, reach * 0.97)


@njit(cache=True, nogil=True)
def _change(p, b, start, other, weight, slot, core, x, y, z):
    """What the cost becomes more when core p goes to slot b and whoever is there comes back."""
    a, q = slot[p], core[b]
    more, _ = _moved(p, q, b, a, start, other, weight, slot, x, y, z)
    if q >= 0:
        back, _ = _moved(q, p, a, b, start, other, weight, slot, x, y, z)
        more += back
    return more


@njit(cache=True, nogil=True)
def search_all(weights, apart, room, bound, best):
    """The cheapest tile of each core, by trying all: depth first, leaving a branch when it costs as much as the best so far.

    `weights` (cores, cores) symmetric, `apart` (tiles, tiles) distances, `room` cores each tile holds. Only ways cheaper than `bound`
    are written to `best` (the tile of each core); returns the least cost found.
    """
    cores, tiles = weights.shape[0], apart.shape[0]
    where = np.full(cores, -1, np.int64)
    used = np.zeros(tiles, np.int64)
    paid = np.zeros(cores + 1)
    # what must still be paid at least: every pair not yet placed lies one hop apart where a tile holds one core
    owed = np.zeros(cores + 1)
    if room.max() <= 1:
        for p in range(cores - 1, -1, -1):
            owed[p] = owed[p + 1]
            for q in range(p):
                owed[p] += weights[p, q]
    p = 0
    while p >= 0:
        if where[p] >= 0:
            used[where[p]] -= 1
        t = where[p] + 1
        placed, more = False, 0.0
        while t < tiles:
            if used[t] < room[t]:
                more = 0.0
                for q in range(p):
                    more += weights[p, q] * apart[t, where[q]]
                if paid[p] + more + owed[p + 1] < bound:
                    placed = True
                    break
            t += 1
        if not placed:
            where[p] = -1
            p -= 1
            continue
        where[p] = t
        used[t] += 1
        paid[p + 1] = paid[p] + more
        if p == cores - 1:
            bound = paid[cores]
            best[:] = where
            continue
        p += 1
        where[p] = -1
    return bound


# --- the ways of packets: dimension order, first along the row, then along the column -----------------------------------


@njit(cache=True, nogil=True)
def _row(loads, y, a, b, amount):
    """Add `amount` to the links of row y from column a to column b; loads of east and west are kept as steps."""
    if b > a:
        loads[0, y, a] += amount
        loads[0, y, b] -= amount
    elif b < a:
        loads[1, y, a] += amount
        loads[1, y, b] -= amount


@njit(cache=True, nogil=True)
def _column(loads, x, a, b, amount):
    if b > a:
        loads[2, a, x] += amount
        loads[2, b, x] -= amount
    elif b < a:
        loads[3, a, x] += amount
        loads[3, b, x] -= amount


@njit(cache=True, nogil=True)
def _summed(loads):
    """Turn steps into loads: packets enter a link's row where they turn in and leave where they turn out."""
    _, high, wide = loads.shape
    for y in range(high):
        for x in range(1, wide):
            loads[0, y, x] += loads[0, y, x - 1]
        for x in range(wide - 2, -1, -1):
            loads[1, y, x] += loads[1, y, x + 1]
    for x in range(wide):
        for y in range(1, high):
            loads[2, y, x] += loads[2, y - 1, x]
        for y in range(high - 2, -1, -1):
            loads[3, y, x] += loads[3, y + 1, x]


@njit(cache=True, nogil=True)
def unicast(start, core, home, tiles, times, local, east_west, north_south, path):
    """One packet of each sender to each of its cores: those that stay on the tile, hops by axis, and the longest way, s.

    `times` are the seconds of an east-west hop, a north-south hop and a packet that stays on its tile.
    """
    for i in range(start.size - 1):
        sx, sy = tiles[home[i], 0], tiles[home[i], 1]
        for k in range(start[i], start[i + 1]):
            dx, dy = abs(tiles[core[k], 0] - sx), abs(tiles[core[k], 1] - sy)
            east_west[i] += dx
            north_south[i] += dy
            way = dx * times[0] + dy * times[1]
            if dx + dy == 0:
                local[i] += 1
                way = times[2]
            path[i] = max(path[i], way)


@njit(cache=True, nogil=True)
def multicast(start, core, home, tiles, amount, loads, east_west, north_south):
    """The tree of every sender: along its row as far as any target lies, and from there along the columns.

    Writes hops by axis of one packet of each sender, and adds `amount` of each to `loads` (directions, y, x).
    """
    _, high, wide = loads.shape
    low, top = np.full(wide, high, np.int64), np.full(wide, -1, np.int64)
    for i in range(start.size - 1):
        if start[i] == start[i + 1]:
            continue
        sx, sy = tiles[home[i], 0], tiles[home[i], 1]
        west, east = sx, sx
        for k in range(start[i], start[i + 1]):
            x, y = tiles[core[k], 0], tiles[core[k], 1]
            west, east = min(west, x), max(east, x)
            low[x], top[x] = min(low[x], y), max(top[x], y)
        _row(loads, sy, sx, east, amount[i])
        _row(loads, sy, sx, west, amount[i])
        east_west[i] = east - west
        vertical = 0
        for x in range(west, east + 1):
            if top[x] >= 0:
                if top[x] > sy:
                    _column(loads, x, sy, top[x], amount[i])
                    vertical += top[x] - sy
                if low[x] < sy:
                    _column(loads, x, sy, low[x], amount[i])
                    vertical += sy - low[x]
                low[x], top[x] = high, -1
        north_south[i] = vertical
    _summed(loads)


@njit(cache=True, nogil=True)
def dependencies(source, target, high, used):
    """Mark in `used[direction, y, x, next direction]` which link waits for which on the ways of packets from tile to tile.

    `high` are the rows of a layer: packets change layers first.
    """
    for k in range(source.shape[0]):
        x, y = source[k, 0], source[k, 1]
        tx, ty = target[k, 0], target[k, 1]
        last, lx, ly = -1, 0, 0
        while x != tx or y != ty:
            if y // high != ty // high:
                go = 4 if ty > y else 5
            elif x != tx:
                go = 0 if tx > x else 1
            else:
                go = 2 if ty > y else 3
            if last >= 0:
                used[last, ly, lx, go] = True
            last, lx, ly = go, x, y
            if go < 2:
                x += 1 - 2 * go
            elif go < 4:
                y += 5 - 2 * go
            else:
                y += (9 - 2 * go) * high


@njit(cache=True, nogil=True)
def without_cycle(used, layer):
    """How many links are left when those that wait for nobody are taken away again and again: 0 when there is no cycle.

    `layer` are the rows of a layer.
    """
    many, high, wide, _ = used.shape
    dx, dy = np.array([1, -1, 0, 0, 0, 0]), np.array([0, 0, 1, -1, layer, -layer])
    waits = np.zeros((many, high, wide), np.int64)  # how many links wait for this one
    for d in range(many):
        for y in range(high):
            for x in range(wide):
                for e in range(many):
                    if used[d, y, x, e]:
                        waits[e, y + dy[d], x + dx[d]] += 1
    stack = np.empty(many * high * wide, np.int64)
    top = 0
    for d in range(many):
        for y in range(high):
            for x in range(wide):
                if waits[d, y, x] == 0:
                    stack[top] = (d * high + y) * wide + x
                    top += 1
    left = many * high * wide
    while top:
        top -= 1
        d, rest = divmod(stack[top], high * wide)
        y, x = divmod(rest, wide)
        left -= 1
        for e in range(many):
            if used[d, y, x, e]:
                ny, nx = y + dy[d], x + dx[d]
                waits[e, ny, nx] -= 1
                if waits[e, ny, nx] == 0:
                    stack[top] = (e * high + ny) * wide + nx
                    top += 1
    return left
