"""Who reaches which core, and which neurons belong together: loops over rows of synapses, in memory that grows with what is found.

Rows come as (start, targets): the targets of sender i are `targets[start[i]:start[i + 1]]`. `core` is the core of each target of the
block. A reach is the same with cores in place of targets, ascending and each once, and how many synapses lie there.
"""

from __future__ import annotations

import numpy as np
from numba import njit

PARTNERS = 32
"""At most so many neurons of a full core are asked whether they would change places."""


@njit(cache=True, nogil=True)
def count_targets(start, targets, counts):
    """Add to `counts` (one per target) how many synapses of the block end there."""
    for s in range(start[0], start[start.size - 1]):
        counts[targets[s]] += 1


@njit(cache=True, nogil=True)
def reach_sizes(start, targets, core, cores, sizes):
    """Write how many different cores each sender of the block reaches."""
    seen = np.full(cores, -1, np.int64)
    for i in range(start.size - 1):
        found = 0
        for s in range(start[i], start[i + 1]):
            c = core[targets[s]]
            if seen[c] != i:
                seen[c] = i
                found += 1
        sizes[i] = found


@njit(cache=True, nogil=True)
def reach_fill(start, targets, core, cores, at, reached, operations):
    """Write each sender's cores from `reached[at[i]]` on, ascending, and how many of its synapses lie on each."""
    count = np.zeros(cores, np.int32)
    touched = np.empty(cores, np.int32)
    for i in range(start.size - 1):
        found = 0
        for s in range(start[i], start[i + 1]):
            c = core[targets[s]]
            if count[c] == 0:
                touched[found] = c
                found += 1
            count[c] += 1
        k = at[i]
        if found * 8 > cores:  # nearly all: walking over the cores costs less than sorting
            for c in range(cores):
                if count[c]:
                    reached[k] = c
                    operations[k] = count[c]
                    count[c] = 0
                    k += 1
        else:
            few = np.sort(touched[:found])
            for c in few:
                reached[k] = c
                operations[k] = count[c]
                count[c] = 0
                k += 1


@njit(cache=True, nogil=True)
def merged_sizes(start_a, core_a, start_b, core_b, sizes):
    """Write how many different cores each sender has in one reach or the other."""
    for i in range(sizes.size):
        a, b, found = start_a[i], start_b[i], 0
        while a < start_a[i + 1] or b < start_b[i + 1]:
            left = core_a[a] if a < start_a[i + 1] else 2147483647
            right = core_b[b] if b < start_b[i + 1] else 2147483647
            a += left <= right
            b += right <= left
            found += 1
        sizes[i] = found


@njit(cache=True, nogil=True)
def merge(start_a, core_a, operations_a, start_b, core_b, operations_b, at, core, operations):
    """Put two reaches of the same senders together; operations have one row per way of storing synapses."""
    kinds = operations.shape[0]
    for i in range(at.size - 1):
        a, b, k = start_a[i], start_b[i], at[i]
        while a < start_a[i + 1] or b < start_b[i + 1]:
            left = core_a[a] if a < start_a[i + 1] else 2147483647
            right = core_b[b] if b < start_b[i + 1] else 2147483647
            core[k] = min(left, right)
            for kind in range(kinds):
                total = 0
                if left <= right:
                    total += operations_a[kind, a]
                if right <= left:
                    total += operations_b[kind, b]
                operations[kind, k] = total
            a += left <= right
            b += right <= left
            k += 1


@njit(cache=True, nogil=True)
def add_rows(start, targets, core, table):
    """Add one block to `table` (senders, cores): how many synapses of each sender lie on each core."""
    for i in range(start.size - 1):
        row = table[i]
        for s in range(start[i], start[i + 1]):
            row[core[targets[s]]] += 1


@njit(cache=True, nogil=True)
def compressed(table, at, reached, operations):
    """Write the entries of `table` (kinds, senders, cores) that hold any synapse, row by row from `at` on."""
    kinds, senders, cores = table.shape
    for i in range(senders):
        k = at[i]
        for c in range(cores):
            some = False
            for kind in range(kinds):
                some |= table[kind, i, c] != 0
            if some:
                reached[k] = c
                for kind in range(kinds):
                    operations[kind, k] = table[kind, i, c]
                k += 1


@njit(cache=True, nogil=True)
def between_cores(start, core, home, amount, total, ways):
    """Add up what goes from core to core: `amount[i]` from the core of sender i to each of its cores, and how many such ways."""
    for i in range(start.size - 1):
        row, count = total[home[i]], ways[home[i]]
        for k in range(start[i], start[i + 1]):
            row[core[k]] += amount[i]
            count[core[k]] += 1


@njit(cache=True, nogil=True)
def transposed(start, targets, size):
    """The rows by target: (start, senders), senders ascending."""
    back = np.zeros(size + 1, np.int64)
    for t in targets[: start[start.size - 1]]:
        back[t + 1] += 1
    for t in range(size):
        back[t + 1] += back[t]
    at = back[:-1].copy()
    senders = np.empty(back[size], np.int32)
    for i in range(start.size - 1):
        for s in range(start[i], start[i + 1]):
            t = targets[s]
            senders[at[t]] = i
            at[t] += 1
    return back, senders


@njit(cache=True, nogil=True)
def _unlink(t, key, head, after, before):
    if before[t] >= 0:
        after[before[t]] = after[t]
    else:
        head[key[t]] = after[t]
    if after[t] >= 0:
        before[after[t]] = before[t]


@njit(cache=True, nogil=True)
def _link(t, key, head, after, before):
    after[t] = head[key[t]]
    before[t] = -1
    if head[key[t]] >= 0:
        before[head[key[t]]] = t
    head[key[t]] = t


@njit(cache=True, nogil=True)
def _key(shared, own, by, keys):
    """A neuron's place in the queue, 0 the best: how many of its senders would be new on the core, or which share of them."""
    if by == 0:
        return own - shared
    if own == 0:
        return 0
    if by == 1:
        return keys - 1 - (shared * (keys - 1)) // own
    return keys - 1 - shared


@njit(cache=True, nogil=True)
def grow(start, targets, back, senders, weight, load, alone, neurons, synapses, axons, by):
    """Fill one core after the other with neurons that listen to the same senders; the core of each neuron.

    Rows `start`, `targets` by sender and `back`, `senders` by target; `load` is the synapses of each neuron, `alone` how many axons it
    needs that are in no row; `weight` counts a sender's spikes. A core takes the neuron first in the queue (see _key) that still fits;
    the first neuron of a core is the best for the core before it, so that neighbours in number are neighbours in traffic.
    """
    size = load.size
    own = np.zeros(size, np.int64)
    for t in range(size):
        for s in range(back[t], back[t + 1]):
            own[t] += weight[senders[s]]
    keys = np.int64(own.max() + 1) if size else np.int64(1)
    if by == 1:
        keys = np.int64(256)
    core = np.full(size, -1, np.int32)
    shared = np.zeros(size, np.int64)
    new = np.zeros(size, np.int64)
    for t in range(size):
        new[t] = back[t + 1] - back[t]
    key = np.zeros(size, np.int64)
    head = np.full(keys, -1, np.int64)
    after = np.full(size, -1, np.int64)
    before = np.full(size, -1, np.int64)
    for t in range(size - 1, -1, -1):
        key[t] = _key(0, own[t], by, keys)
        _link(t, key, head, after, before)
    there = np.full(start.size - 1, -1, np.int32)
    touched = np.empty(size, np.int64)
    known = np.zeros(size, np.bool_)
    number, found, left = 0, 0, size
    while left:
        # the seed: the neuron that shares most with the last core, or the first that is left
        seed, most = -1, 0
        for k in range(found):
            t = touched[k]
            if core[t] < 0 and shared[t] > most:
                seed, most = t, shared[t]
        if seed < 0:
            for t in range(size):
                if core[t] < 0:
                    seed = t
                    break
        for k in range(found):
            t = touched[k]
            known[t] = False
            if core[t] < 0:
                _unlink(t, key, head, after, before)
                shared[t] = 0
                new[t] = back[t + 1] - back[t]
                key[t] = _key(0, own[t], by, keys)
                _link(t, key, head, after, before)
        found = 0
        members, stored, listening, low = 0, 0, 0, 0
        t = seed
        while t >= 0:
            _unlink(t, key, head, after, before)
            core[t] = number
            left -= 1
            members += 1
            stored += load[t]
            listening += new[t] + alone[t]
            for s in range(back[t], back[t + 1]):
                i = senders[s]
                if there[i] == number:
                    continue
                there[i] = number
                for r in range(start[i], start[i + 1]):
                    u = targets[r]
                    if core[u] >= 0:
                        continue
                    if not known[u]:
                        known[u] = True
                        touched[found] = u
                        found += 1
                    shared[u] += weight[i]
                    new[u] -= 1
                    to = _key(shared[u], own[u], by, keys)
                    if to != key[u]:
                        _unlink(u, key, head, after, before)
                        key[u] = to
                        _link(u, key, head, after, before)
                        low = min(low, to)
            t = -1
            if members < neurons and left:
                tries = 0
                k = low
                while k < keys and t < 0 and tries < 64:
                    if k == low and head[k] < 0:
                        low += 1
                    u = head[k]
                    while u >= 0 and tries < 64:
                        if stored + load[u] <= synapses and listening + new[u] + alone[u] <= axons:
                            t = u
                            break
                        tries += 1
                        u = after[u]
                    k += 1
        number += 1
    return core


@njit(cache=True, nogil=True)
def _lists(start, targets, core, cores):
    """By sender: the cores it reaches and how many of its targets are there, with room for one more at each target."""
    senders = start.size - 1
    base = np.zeros(senders + 1, np.int64)
    for i in range(senders):
        base[i + 1] = base[i] + min(cores, start[i + 1] - start[i])
    used = np.zeros(senders, np.int64)
    where = np.empty(base[senders], np.int32)
    many = np.zeros(base[senders], np.int32)
    for i in range(senders):
        for s in range(start[i], start[i + 1]):
            c = core[targets[s]]
            for k in range(base[i], base[i] + used[i] + 1):
                if k == base[i] + used[i]:
                    where[k] = c
                    many[k] = 1
                    used[i] += 1
                    break
                if where[k] == c:
                    many[k] += 1
                    break
    return base, used, where, many


@njit(cache=True, nogil=True)
def _shift(i, a, b, base, used, where, many):
    """One target of sender i goes from core a to core b."""
    first, end = base[i], base[i] + used[i]
    for k in range(first, end):
        if where[k] == a:
            many[k] -= 1
            if many[k] == 0:
                end -= 1
                where[k] = where[end]
                many[k] = many[end]
            break
    for k in range(first, end + 1):
        if k == end:
            where[k] = b
            many[k] = 1
            end += 1
            break
        if where[k] == b:
            many[k] += 1
            break
    used[i] = end - first


@njit(cache=True, nogil=True)
def _move(t, b, core, back, senders, base, used, where, many):
    for s in range(back[t], back[t + 1]):
        _shift(senders[s], core[t], b, base, used, where, many)
    core[t] = b


@njit(cache=True, nogil=True)
def _gain(t, cores, core, back, senders, weight, base, used, where, many, there):
    """What leaving its core saves; writes to `there[b]` the weight of its senders that core b already pays for."""
    there[:] = 0
    saved, looked = np.int64(0), np.int64(cores)
    a = core[t]
    for s in range(back[t], back[t + 1]):
        i = senders[s]
        looked += used[i]
        for k in range(base[i], base[i] + used[i]):
            if where[k] == a and many[k] == 1:
                saved += weight[i]
            there[where[k]] += weight[i]
    return saved, looked


@njit(cache=True, nogil=True)
def refine(start, targets, back, senders, weight, load, neurons, synapses, core, cores, passes, budget):
    """Move neurons to better cores, or swap two, as long as packets are saved; changes `core`, returns (packets saved, work done).

    A pass visits every neuron: it moves to the core where it saves most if there is room, else it changes places with a neuron
    there, the two together saving at least one packet. `budget` bounds the list entries looked at.
    """
    size = core.size
    own = np.zeros(size, np.int64)
    for t in range(size):
        for s in range(back[t], back[t + 1]):
            own[t] += weight[senders[s]]
    base, used, where, many = _lists(start, targets, core, cores)
    members = np.zeros(cores, np.int64)
    stored = np.zeros(cores, np.int64)
    room = np.int64(0)
    for t in range(size):
        members[core[t]] += 1
        stored[core[t]] += load[t]
        room = max(room, members[core[t]])
    room = max(room, np.int64(neurons))
    who = np.full((cores, min(room, size)), -1, np.int32)
    place = np.zeros(size, np.int64)
    members[:] = 0
    for t in range(size):
        c = core[t]
        who[c, members[c]] = t
        place[t] = members[c]
        members[c] += 1
    there, other = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    total, work = np.int64(0), np.int64(0)
    for _ in range(passes):
        saved_now = np.int64(0)
        for t in range(size):
            a = core[t]
            saved, looked = _gain(t, cores, core, back, senders, weight, base, used, where, many, there)
            work += looked
            best, b = np.int64(0), -1
            swap = -1
            for c in range(cores):
                mine = saved - (own[t] - there[c])
                if c == a or mine <= best:
                    continue
                if members[c] < neurons and stored[c] + load[t] <= synapses:
                    best, b, swap = mine, c, -1
            # the cores it would like best but that are full: who there would change places?
            for _k in range(2):
                c, most = -1, -own[t]
                for d in range(cores):
                    if d != a and there[d] >= 0 and saved - (own[t] - there[d]) > max(most, best - own[t]):
                        most, c = saved - (own[t] - there[d]), d
                if c < 0:
                    break
                mark = there[c]
                there[c] = -1
                if saved - (own[t] - mark) + 1 < best or work > budget:
                    continue
                for n in range(min(members[c], PARTNERS)):
                    u = who[c, (n + t) % members[c]]
                    if stored[c] - load[u] + load[t] > synapses or stored[a] - load[t] + load[u] > synapses:
                        continue
                    yields, looked = _gain(u, cores, core, back, senders, weight, base, used, where, many, other)
                    work += looked
                    rough = saved - (own[t] - mark) + yields - (own[u] - other[a])
                    if rough <= best:
                        continue
                    # exact: senders of both are paid on both cores before and after, whoever is where
                    exact = _swap_gain(t, u, core, back, senders, weight, base, used, where, many)
                    if exact > best:
                        best, b, swap = exact, c, u
            if b >= 0 and best > 0:
                saved_now += best
                if swap >= 0:
                    u = swap
                    _move(t, b, core, back, senders, base, used, where, many)
                    _move(u, a, core, back, senders, base, used, where, many)
                    who[a, place[t]], who[b, place[u]] = u, t
                    place[t], place[u] = place[u], place[t]
                    stored[a] += load[u] - load[t]
                    stored[b] += load[t] - load[u]
                else:
                    _move(t, b, core, back, senders, base, used, where, many)
                    members[a] -= 1
                    last = who[a, members[a]]
                    who[a, place[t]] = last
                    place[last] = place[t]
                    who[b, members[b]] = t
                    place[t] = members[b]
                    members[b] += 1
                    stored[a] -= load[t]
                    stored[b] += load[t]
            if work > budget:
                return total + saved_now, work
        total += saved_now
        if saved_now == 0:
            break
    return total, work


@njit(cache=True, nogil=True)
def _swap_gain(t, u, core, back, senders, weight, base, used, where, many):
    """What is saved when t and u change places, exactly: both lists of senders are ascending, common ones change nothing."""
    a, b = core[t], core[u]
    p, q = back[t], back[u]
    gain = 0
    while p < back[t + 1] or q < back[u + 1]:
        left = senders[p] if p < back[t + 1] else 2147483647
        right = senders[q] if q < back[u + 1] else 2147483647
        if left == right:
            p += 1
            q += 1
            continue
        if left < right:
            i, gone, to = left, a, b
            p += 1
        else:
            i, gone, to = right, b, a
            q += 1
        present = False
        for k in range(base[i], base[i] + used[i]):
            if where[k] == gone and many[k] == 1:
                gain += weight[i]
            if where[k] == to:
                present = True
        if not present:
            gain -= weight[i]
    return gain
