"""The wafer's step: for each patch, what is due arrives, then its neurons step, and who fired is listed.

A neuron is two bytes: its potential after the loss of the next step, so that arrivals can be added to it at once (see
`vectors.leaky`). A patch stays in the second cache through its step; while it steps, the next one is asked for. No synapse is
stored: the targets of a spike are drawn again each time, from its source and the key (`circuits.sheet`).

Threads take patches as they come. What a patch becomes depends on the spikes of earlier steps alone, in an order that is fixed, so the
result is the same for any number of threads. They meet once a step.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint16, uint32, uint64

from workbench.kernels.lanes import atomic_add, atomic_read, give_way, prefetch, trailing
from workbench.kernels.rule import words
from workbench.kernels.wafer.tables import CHUNK, COUNTERS, HELD
from workbench.kernels.wafer.vectors import SPIKES, add, count_run, hash_run, step, targets

__all__ = ["advance"]

GROUP = 256
WORDS = 1024
ONE = uint64(1)
LANES = uint64(32)


@njit(inline="always")
def _meet(sync, threads, met):
    """Wait until every thread has come here `met` times."""
    if threads > 1:
        atomic_add(sync, uint64(0), np.int64(1))
        spins = 0
        while atomic_read(sync, uint64(0)) < threads * met:
            spins += 1
            if spins > 4000:
                give_way()
                spins = 3000


@njit
def _deliver(v, base, size, first, ids, at, fired, w, share, weight, draws):
    """Let the spikes of one source patch arrive in one target patch: `share` synapses each. Returns the sums that were cut."""
    cut = 0
    many = uint64((fired + SPIKES - 1) // SPIKES)
    second = many * uint64(SPIKES)
    n = uint64(fired)
    pairs = (share + 1) // 2
    for j in range(pairs):
        w1, w2 = w[j, 0], w[j, 1]
        for k in range(many):
            lot = k * uint64(SPIKES)
            targets(ids, at + lot, first, w1, w2, size, draws, lot, second + lot)
        for k in range(n):
            cut += add(v, base + uint64(draws[k]), weight)
        if 2 * j + 1 < share:
            for k in range(n):
                cut += add(v, base + uint64(draws[second + k]), weight)
    return cut


@njit
def _rain(v, base, low, high, when, key, table, low_at, high_at, weight, named):
    """Let one step of a shower fall on the neurons `low` to `high` of its population. Returns (spikes, sums that were cut)."""
    first, last = low // GROUP, (high - 1) // GROUP + 1
    lots = uint64((last - first + SPIKES - 1) // SPIKES)
    row = lots * uint64(SPIKES)
    w1, w2 = words(key, WORDS * when)
    for k in range(lots):
        lot = k * uint64(SPIKES)
        count_run(uint32(first + lot), w1, w2, table, low_at, high_at, named, lot)
    most = uint32(0)
    groups = uint64(last - first)
    for g in range(groups):
        most = max(most, named[g])
    lines = uint64((most + 3) // 4)
    for j in range(lines):
        w1, w2 = words(key, WORDS * when + 1 + j)
        for k in range(lots):
            hash_run(uint32(first + k * uint64(SPIKES)), w1, w2, named, (ONE + j) * row + k * uint64(SPIKES))
    cut, came = 0, 0
    for g in range(groups):
        number = uint64(named[g])
        begin = (first + np.int64(g)) * GROUP
        inside = begin >= low and begin + GROUP <= high
        word = uint32(0)
        for m in range(number):
            if m & uint64(3) == uint64(0):
                word = named[(ONE + (m >> uint64(2))) * row + g]
            who = begin + np.int64(word & uint32(255))
            word >>= uint32(8)
            if inside or (who >= low and who < high):
                cut += add(v, base + uint64(who - low), weight)
                came += 1
    return came, cut


@njit(inline="always")
def _listed(ids, at, fired, stride, out):
    """The numbers of a patch's neurons that fired, as (array, place): where they are listed, or written out from the bits."""
    if fired * 16 <= stride:
        return ids, uint64(at)
    n = uint64(0)
    for word in range(uint64(stride // 16)):
        left = uint32(ids[uint64(at) + word])
        while left:
            out[n] = uint16(word * uint64(16) + uint64(trailing(left)))
            n += ONE
            left &= uint32(left - uint32(1))
    return out, uint64(0)


@njit
def _put(v, base, ids, at, fired, stride, out, value):
    """Set those that a list names to `value`."""
    who, spot = _listed(ids, at, fired, stride, out)
    for k in range(uint64(fired)):
        v[base + uint64(who[spot + k])] = value


@njit(inline="always")
def _step_patch(v, base, size, stride, leak, bias, lowest, threshold, after, ahead, ids, at):
    """Step the neurons of one population in one patch and list who fired from `ids[at]` on; returns how many."""
    n = uint64(0)
    room = uint64(stride // 16)
    for g in range(uint64(stride) // LANES):
        place = base + g * LANES
        prefetch(v, place + ahead)
        fired = step(v, place, leak, bias, lowest, threshold, after)
        while fired:
            who = g * LANES + uint64(trailing(fired))
            if who < uint64(size):  # the last lanes of a patch are nobody's
                if n < room:
                    ids[at + n] = uint16(who)
                elif n == room:
                    _to_bits(ids, at, room)
                if n >= room:
                    ids[at + (who >> uint64(4))] |= uint16(1) << uint16(who & uint64(15))
                n += ONE
            fired &= uint32(fired - uint32(1))
    return np.int64(n)


@njit
def _to_bits(ids, at, room):
    """Turn a list of `room` numbers into bits in its place."""
    bits = np.zeros(room, np.uint16)
    for k in range(room):
        who = uint64(ids[at + k])
        bits[who >> uint64(4)] |= uint16(1) << uint16(who & uint64(15))
    for k in range(room):
        ids[at + k] = bits[k]


@njit(cache=True, nogil=True)
def advance(thread, threads, start, stop, slots, width, v, pops, projs, noise, lists, taps, sync):
    """Run the steps `start` to `stop` in one of `threads` threads; each calls this with its own number.

    `width` is the lanes of a patch, `slots` the steps whose spikes are kept: at least the longest delay and stop − start together.
    """
    size, offset, stride = pops.size, pops.offset, pops.stride
    leak, bias, lowest, threshold = pops.leak, pops.bias, pops.lowest, pops.threshold
    reset, restart, waits = pops.reset, pops.restart, pops.waits
    held_at = np.int16(HELD)
    p_first, p_source, p_delay, p_weight = projs.first, projs.source, projs.delay, projs.weight
    contact, share, word_at, drawn_with, source_patch = (
        projs.contact, projs.share, projs.word_at, projs.words, projs.source_patch,
    )  # fmt: skip
    n_first, n_key, n_delay, n_weight, n_table, n_at = (
        noise.first, noise.key, noise.delay, noise.weight, noise.table, noise.table_at,
    )  # fmt: skip
    count, where_at, arrived, ids = lists.count, lists.at, lists.arrived, lists.ids
    t_first, t_place, t_population, t_out = taps.first, taps.place, taps.population, taps.out
    shared = sync.shared
    draws, decoded, named = sync.draws[thread], sync.fired[thread], sync.named[thread]
    populations, patches = size.size, count.shape[2]
    piece = ids.size // (slots * threads)
    cut = 0
    for s in range(start, stop):
        slot = s % slots
        at = (slot * threads + thread) * piece
        while True:
            low = atomic_add(shared, uint64(COUNTERS + s - start), np.int64(CHUNK))
            if low >= patches:
                break
            for b in range(low, min(low + CHUNK, patches)):
                row = uint64(b) * uint64(width)
                for q in range(populations):
                    base = row + uint64(offset[q])
                    begin, end = b * size[q] // patches, (b + 1) * size[q] // patches
                    here = uint64(end - begin)
                    for p in range(p_first[q], p_first[q + 1]):
                        sent = s - p_delay[p]
                        if sent < 0:
                            continue
                        old, src, weight = sent % slots, p_source[p], p_weight[p]
                        for c in range(contact[p], contact[p + 1]):
                            a = source_patch[c, b]
                            fired = count[old, src, a]
                            if fired:
                                who, spot = _listed(ids, where_at[old, src, a], fired, stride[src], decoded)
                                cut += _deliver(
                                    v, base, here, uint32(a * size[src] // patches), who, spot, fired,
                                    drawn_with[word_at[c] :], share[c], weight, draws,
                                )  # fmt: skip
                    came = 0
                    for k in range(n_first[q], n_first[q + 1]):
                        if s >= n_delay[k]:
                            fell, lost = _rain(
                                v, base, begin, end, s - n_delay[k], n_key[k], n_table, uint64(n_at[k]), uint64(n_at[k + 1]),
                                n_weight[k], named,
                            )  # fmt: skip
                            came += fell
                            cut += lost
                    arrived[slot, q, b] = came
                    # Who waits after a spike has lost what arrived: it was put back to where it starts, and cannot fire.
                    for back in range(1, min(waits[q], s) + 1):
                        old = (s - back) % slots
                        if count[old, q, b]:
                            _put(v, base, ids, where_at[old, q, b], count[old, q, b], stride[q], decoded, held_at)
                for t in range(t_first[b], t_first[b + 1]):
                    q, held = t_population[t], np.int32(v[t_place[t]])
                    seen = max(held, lowest[q])
                    t_out[s - start, t] = np.int16(reset[q] if held == HELD or seen > threshold[q] else seen)
                # The same place in the next patch is asked for while this one steps; after the last there is none.
                ahead = uint64(width) if b + 1 < patches else uint64(0)
                for q in range(populations):
                    base = row + uint64(offset[q])
                    begin, end = b * size[q] // patches, (b + 1) * size[q] // patches
                    fired = _step_patch(
                        v, base, end - begin, stride[q], leak[q], bias[q], lowest[q], threshold[q], restart[q], ahead, ids,
                        uint64(at),
                    )  # fmt: skip
                    for back in range(1, min(waits[q], s) + 1):
                        old = (s - back) % slots
                        if count[old, q, b]:
                            _put(
                                v, base, ids, where_at[old, q, b], count[old, q, b], stride[q], decoded,
                                np.int16(restart[q]),
                            )  # fmt: skip
                    count[slot, q, b] = fired
                    where_at[slot, q, b] = at
                    at += fired if fired * 16 <= stride[q] else stride[q] // 16
        _meet(shared, threads, s - start + 1)
    sync.cut[thread] += cut
