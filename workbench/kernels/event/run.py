"""The event engine: windows of steps, updated block by block, then delivered row by row.

Within a window no longer than the shortest delay no spike can reach anyone, so a block may run through all its steps while it is in
the nearest cache, and threads may run side by side: each owns a range of blocks. Rows of synapses are cut into parts whose targets
fit the nearest cache too, since arrivals come at random places; a thread owns whole parts. Between the two halves the spikes are put in the order of their neurons, and every place sums its arrivals in that order,
so the result is the same for any number of parts.

All threads run this same function; they meet twice a window. The slow, obvious twin is `tests/naive.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.event.block import apply, apply_without_arrivals
from workbench.kernels.event.rain import add_counts, count
from workbench.kernels.lanes import atomic_add, atomic_read, give_way, popcount, prefetch, trailing
from workbench.kernels.rule import bits, words

__all__ = ["advance", "deliver_outside"]

LANES = uint64(32)
AHEAD = 8  # spikes between asking for a row and reading it: 4 and 16 are as good, 2 is a quarter slower


@njit(inline="always")
def _meet(sync, threads, met):
    """Wait until every thread has come here `met` times."""
    if threads > 1:
        atomic_add(sync, uint64(0), np.int64(1))
        spins = 0
        while atomic_read(sync, uint64(0)) < threads * met:
            spins += 1
            if spins > 4000:
                give_way()  # a busy machine may have taken the other part's core away
                spins = 3000


@njit(forceinline=True)
def _rain(f, n, place, slot_at, places, live, drawn, blocks, noise, arrivals):
    """Draw one source's spikes for one block and put them where they arrive; returns how many."""
    born = n - noise.delay[f]
    if born < noise.begin[f] or born >= noise.end[f] or born < 0:
        return np.int64(0)
    w1, w2 = words(noise.key[f], born)
    first, last = noise.table_at[f], noise.table_at[f + 1]
    low, high, table = first + noise.low[f], first + noise.high[f], noise.table
    # One wraparound test for both rare ends: least <= x < most.
    least = table[low - 1] if low > first else uint32(0)
    most = table[high] if high < last else uint32(0xFFFFFFFF)
    odd = count(
        blocks.index,
        place,
        w1,
        w2,
        table,
        uint64(low),
        uint64(high),
        uint32(low - first),
        least,
        uint32(most - least),
        drawn,
    )
    while odd:
        k = uint64(trailing(odd))
        x = bits(w1, w2, blocks.index[place + k])
        total = uint32(0)
        for t in range(first, last):
            total += uint32(x >= table[t])
        drawn[k] = total
        odd &= uint32(odd - uint32(1))
    if live != uint32(0xFFFFFFFF):
        for k in range(LANES):
            if not (live >> uint32(k)) & uint32(1):
                drawn[k] = uint32(0)
    return np.int64(add_counts(drawn, arrivals, slot_at + uint64(noise.row[f]) * places + place, noise.weight[f]))


@njit(cache=True, nogil=True)
def advance(
    thread, start, stop, window, shape, states, rows_, slots, state, blocks, rows, noise, outside, taps, scratch, few
):
    """Run one thread's parts through the steps `start` to `stop`; returns (step reached, spikes written).

    It ends early, between two windows, when the room for spikes might not do for the next one. `states` and `rows_` are the
    numbers of state fields and of receptor rows; `few` says that sparse arrivals may be delivered one by one.
    """
    parts, threads = blocks.parts.size - 1, blocks.shares.size - 1
    first_part, last_part = blocks.shares[thread], blocks.shares[thread + 1]
    low, high = uint64(blocks.parts[first_part]), uint64(blocks.parts[last_part])
    total = uint64(blocks.core.size)
    places = total * LANES
    plane = uint64(rows_) * places
    size = blocks.place.size
    room = scratch.pending.size // (parts * slots)
    zero = state.arrivals.dtype.type(0)
    fields, hold, arrivals, fired_words = state.fields, state.hold, state.arrivals, scratch.fired
    constants, constants_of, holds, holds_of = blocks.constants, blocks.constants_of, blocks.holds, blocks.holds_of
    block_core, live = blocks.core, blocks.live
    active, outside_here = scratch.active[thread], scratch.outside[thread]
    drawn = scratch.drawn[thread]
    spike_step, spike_neuron, sync = scratch.step, scratch.neuron, scratch.sync
    codes, cuts, weights = rows.codes, rows.cuts, rows.weights
    pending, waiting, touched_words = scratch.pending, scratch.waiting, scratch.touched
    given = outside.current
    tapped = taps.field.size > 0
    means = tapped and taps.share.min() < 1.0
    noisy = noise.population.size
    met = 0
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        m = min(n + window, stop, n + (spike_step.size - written) // size)
        if outside.at[m - start] > outside.at[n - start]:
            for part in range(first_part, last_part):
                deliver_outside(
                    part, n, m, start, slots, plane, rows, blocks, outside, arrivals, outside_here, waiting, room
                )
        sparse = few and m - n == 1
        for part in range(first_part, last_part):
            sparse = sparse and waiting[part * slots + n % slots] <= room
        first_slot = uint64(n % slots)
        # Every other window goes backwards, so that the blocks updated last are still near.
        backwards = not means and n & 1
        for turn in range(high - low):
            b = high - uint64(1) - turn if backwards else low + turn
            place, core = b * LANES, uint64(block_core[b])
            at = place * uint64(states)
            slot = first_slot
            for s in range(n, m):
                slot_at = slot * plane
                slot = slot + uint64(1) if slot + uint64(1) < uint64(slots) else uint64(0)
                if tapped:
                    for t in range(taps.first[b], taps.first[b + uint64(1)]):
                        if s % taps.stride[t] == 0:
                            spot = taps.at[t] + (s - taps.origin[t]) // taps.stride[t] * taps.width[t]
                            taps.out[spot] += np.float64(fields[uint64(taps.field[t])]) * taps.share[t]
                for f in range(noisy):
                    if noise.population[f] == blocks.population[b]:
                        outside_here[s - start, core] += _rain(
                            f, s, place, slot_at, places, live[b], drawn, blocks, noise, arrivals
                        )
                if sparse:
                    fired, touched = apply_without_arrivals(
                        shape, fields, at, hold, place, constants, constants_of[b], holds, holds_of[b],
                        arrivals, slot_at + place, places, given, uint64(s - start) * places + place,
                    )  # fmt: skip
                else:
                    fired, touched = apply(
                        shape, fields, at, hold, place, constants, constants_of[b], holds, holds_of[b],
                        arrivals, slot_at + place, places, given, uint64(s - start) * places + place,
                    )  # fmt: skip
                fired_words[uint64(s - n) * total + b] = fired & live[b]
                active[uint64(s - start), core] += popcount(touched & live[b])
        if sparse:
            slot_at = first_slot * plane
            for part in range(first_part, last_part):
                here = part * slots + n % slots
                for q in range(here * room, here * room + waiting[here]):
                    code = uint64(pending[q])
                    value = arrivals[slot_at + code]
                    if value != zero:
                        arrivals[slot_at + code] = zero
                        row, place = uint64(0), code
                        while place >= places:
                            row, place = row + uint64(1), place - places
                        b, lane = place >> uint64(5), place & uint64(31)
                        touched_words[b] |= uint32(1) << uint32(lane)
                        # With the delta receptor its row comes first, as v does among the states.
                        spot = (b * uint64(states) + row + uint64(1 - len(shape.delta))) * LANES + lane
                        if len(shape.delta) == 0 or row > uint64(0) or hold[place] == 0:
                            fields[spot] += value
            for b in range(low, high):
                active[uint64(n - start), uint64(block_core[b])] += popcount(touched_words[b] & ~fired_words[b])
                touched_words[b] = uint32(0)
        for part in range(first_part, last_part):
            for s in range(n, m):
                waiting[part * slots + s % slots] = 0
        met += 1
        _meet(sync, threads, met)
        if thread == 0:
            sync[8] = _gather(n, m, total, blocks, fired_words, spike_step, spike_neuron, written)
        met += 1
        _meet(sync, threads, met)
        first, written = written, sync[8]
        for part in range(first_part, last_part):
            _deliver(part, parts, first, written, slots, plane, rows, codes, cuts, weights, arrivals,
                     spike_step, spike_neuron, few, room, pending, waiting)  # fmt: skip
        n = m
    return n, written


@njit(inline="always")
def _gather(n, m, total, blocks, fired_words, spike_step, spike_neuron, written):
    """Write the spikes of steps `n` to `m` in order of step and neuron."""
    for s in range(n, m):
        at = uint64(s - n) * total
        if blocks.ordered:
            for b in range(total):
                word = fired_words[at + b]
                while word:
                    spike_step[written] = s
                    spike_neuron[written] = blocks.neuron[b * LANES + uint64(trailing(word))]
                    written += 1
                    word &= uint32(word - uint32(1))
        else:
            for i in range(uint64(blocks.place.size)):
                place = uint64(blocks.place[i])
                if (fired_words[at + (place >> uint64(5))] >> uint32(place & uint64(31))) & uint32(1):
                    spike_step[written] = s
                    spike_neuron[written] = i
                    written += 1
    return written


@njit(forceinline=True)
def _deliver(
    part, parts, first, last, slots, plane, rows, codes, cuts, weights, arrivals,
    spike_step, spike_neuron, few, room, pending, waiting,
):  # fmt: skip
    """Put the synapses of the spikes `first` to `last` into the arrivals of one part."""
    width = uint64(parts + 1)
    flat = cuts.reshape(cuts.size)
    mine = uint64(part)
    end = uint64(slots) * plane
    for q in range(first, last):
        if q + AHEAD < last:
            ahead = spike_neuron[q + AHEAD]
            sender = rows.sender[ahead]
            for k in range(rows.first[sender], rows.first[sender + 1]):
                row = uint64(rows.base[k] + ahead - rows.start[sender])
                prefetch(codes, uint64(flat[row * width + mine]))
        i, n = spike_neuron[q], spike_step[q]
        sender = rows.sender[i]
        for k in range(rows.first[sender], rows.first[sender + 1]):
            row = uint64(rows.base[k] + i - rows.start[sender])
            a, z = uint64(flat[row * width + mine]), uint64(flat[row * width + mine + uint64(1)])
            if rows.delay[k] > 0:
                slot = (n + rows.delay[k]) % slots
                at = uint64(slot) * plane
                if rows.weighted[k]:
                    shift = uint64(rows.weight_at[k])
                    for s in range(a, z):
                        arrivals[at + uint64(codes[s])] += arrivals.dtype.type(weights[s + shift])
                else:
                    weight = rows.weight[k]
                    here = np.int64(part) * slots + slot
                    known = waiting[here] + np.int64(z - a)
                    if few and known <= room:
                        spot = uint64(here * room + waiting[here]) - a
                        for s in range(a, z):
                            code = codes[s]
                            pending[spot + s] = code
                            arrivals[at + uint64(code)] += weight
                    else:
                        for s in range(a, z):
                            arrivals[at + uint64(codes[s])] += weight
                    waiting[here] = known
            else:
                at = uint64(n % slots) * plane
                if rows.weighted[k]:
                    shift = uint64(rows.weight_at[k])
                    for s in range(a, z):
                        to = at + uint64(codes[s])
                        to = to - end if to >= end else to
                        arrivals[to] += arrivals.dtype.type(weights[s + shift])
                else:
                    weight = rows.weight[k]
                    for s in range(a, z):
                        to = at + uint64(codes[s])
                        to = to - end if to >= end else to
                        arrivals[to] += weight


@njit
def deliver_outside(part, n, m, start, slots, plane, rows, blocks, outside, arrivals, outside_here, waiting, room):
    """Deliver the listed outside spikes of steps `n` to `m` to one part of the neurons."""
    places = uint64(blocks.neuron.size)
    end = uint64(slots) * plane
    for s in range(n, m):
        for q in range(outside.at[s - start], outside.at[s - start + 1]):
            sender, times = outside.sender[q], outside.times[q]
            many = arrivals.dtype.type(times)
            for k in range(rows.first[sender], rows.first[sender + 1]):
                row = rows.base[k] + outside.neuron[q]
                at = uint64((s + rows.delay[k]) % slots) * plane
                for c in range(uint64(rows.cuts[row, part]), uint64(rows.cuts[row, part + 1])):
                    weight = rows.weight[k]
                    if rows.weighted[k]:
                        weight = arrivals.dtype.type(rows.weights[c + uint64(rows.weight_at[k])])
                    to = at + uint64(rows.codes[c])
                    to = to - end if to >= end else to
                    arrivals[to] += weight * many
                    outside_here[s - start, blocks.core[(to % places) // LANES]] += times
        for slot in range(slots):  # whoever looks at few places only would miss these
            waiting[np.int64(part) * slots + slot] = room + 1
