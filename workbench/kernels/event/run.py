"""The event engine: windows of steps, updated block by block, then delivered row by row.

Within a window no longer than the shortest delay no spike can reach anyone, so a block may run through all its steps while it is in
the nearest cache, and threads may run side by side. Blocks are gathered in parts, whose arrivals fit the nearest cache, since
they come at random places; a thread owns whole parts. Between the two halves the spikes are put in the order of their neurons, and
every place sums its arrivals in that order, so the result is the same for any number of parts and threads.

All threads run this same function; they meet twice a window. The slow, obvious twin is `tests/naive.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.event.block import apply, apply_without_arrivals
from workbench.kernels.event.outside import deliver_listed, mark, rain
from workbench.kernels.event.scatter import add_row, add_row_around, add_row_noted, add_weights, add_weights_around
from workbench.kernels.lanes import atomic_add, atomic_read, give_way, popcount, prefetch, trailing

__all__ = ["advance"]

LANES = uint64(32)
LINE = 32  # codes of two bytes in a line of the cache
EARLIER = 12  # spikes between asking for the place of a row and asking for the row
AHEAD = 4  # spikes between asking for a row and reading it: 4 and 16 are as good, 2 is a quarter slower


@njit(inline="always")
def _meet(sync, threads, met):
    """Wait until every thread has come here `met` times."""
    if threads > 1:
        atomic_add(sync, uint64(0), np.int64(1))
        spins = 0
        while atomic_read(sync, uint64(0)) < threads * met:
            spins += 1
            if spins > 4000:
                give_way()  # a busy machine may have taken the other thread's core away
                spins = 3000


@njit(cache=True, nogil=True)
def advance(thread, start, stop, window, shape, states, slots, state, blocks, rows, noise, outside, taps, scratch, few):
    """Run one thread's parts through the steps `start` to `stop`; returns (step reached, spikes written).

    It ends early, between two windows, when the room for spikes might not do for the next one. `states` is the
    number of state fields; `few` says that sparse arrivals may be delivered one by one.
    """
    threads = blocks.shares.size - 1
    first_part, last_part = blocks.shares[thread], blocks.shares[thread + 1]
    total = uint64(blocks.core.size)
    places = total * LANES
    width = uint64(states) * LANES  # of one block, in the states and in the arrivals alike
    jump = uint64(0) if len(shape.delta) else LANES  # no arrivals at v itself
    size = blocks.place.size
    room = scratch.pending.size // ((blocks.parts.size - 1) * slots)
    fields, hold, arrivals, marks, fired_words = state.fields, state.hold, state.arrivals, state.marks, scratch.fired
    constants, constants_of, holds, holds_of = blocks.constants, blocks.constants_of, blocks.holds, blocks.holds_of
    block_core, live, drawn = blocks.core, blocks.live, scratch.drawn[thread]
    active, outside_here = scratch.active[thread], scratch.outside[thread]
    spike_step, spike_neuron, sync, waiting = scratch.step, scratch.neuron, scratch.sync, scratch.waiting
    given, listed = outside.current, outside.at
    # Reaching into a tuple counts a reference, which is slow in a loop: everything is taken out once.
    parts, population, index = blocks.parts, blocks.population, blocks.number
    neuron, place_of, ordered = blocks.neuron, blocks.place, blocks.ordered
    f_population, f_key, f_table, f_at = noise.population, noise.key, noise.table, noise.table_at
    f_low, f_high, f_weight, f_row = noise.low, noise.high, noise.weight, noise.row
    f_delay, f_begin, f_end = noise.delay, noise.begin, noise.end
    t_first, t_field, t_stride, t_origin = taps.first, taps.field, taps.stride, taps.origin
    t_at, t_width, t_share, t_out = taps.at, taps.width, taps.share, taps.out
    codes, cuts, weights, sender_of, bundles = rows.codes, rows.cuts, rows.weights, rows.sender, rows.first
    r_base, r_start, r_delay, r_weight = rows.base, rows.start, rows.delay, rows.weight
    r_weighted, r_weight_at = rows.weighted, rows.weight_at
    pending, touched_words = scratch.pending, scratch.touched
    tapped = taps.field.size > 0
    means = taps.means
    noisy = noise.population.size
    met = 0
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        m = min(n + window, stop, n + (spike_step.size - written) // size)
        if listed[m - start] > listed[n - start]:
            for part in range(first_part, last_part):
                deliver_listed(
                    part, n, m, start, slots, width, rows, blocks, outside, arrivals, outside_here, shape, total, marks
                )
                # Whoever looked only at the places that spikes went to would miss these.
                for slot_here in range(part * slots, (part + 1) * slots):
                    waiting[slot_here] = room + 1
        sparse = few and not tapped and m - n == 1
        for part in range(first_part, last_part):
            sparse = sparse and waiting[part * slots + n % slots] <= room
        first_slot = uint64(n % slots)
        # Every other window goes backwards, so that what was updated last is still near.
        backwards = not means and n & 1
        for part_turn in range(last_part - first_part):
            part = last_part - 1 - part_turn if backwards else first_part + part_turn
            low, high = uint64(parts[part]), uint64(parts[part + 1])
            plane = (high - low) * width
            base = low * width * uint64(slots)
            if sparse:
                # The tightest loop there is: no arrivals, no outside spikes, nothing probed.
                for turn in range(high - low):
                    b = high - uint64(1) - turn if backwards else low + turn
                    fired, _ = apply_without_arrivals(
                        shape, fields, b * width, hold, b * LANES, constants, constants_of[b], holds,
                        holds_of[b], arrivals, base, LANES, given, uint64(n - start) * places + b * LANES,
                    )  # fmt: skip
                    fired_words[b] = fired & live[b]
                begin = part * slots + np.int64(first_slot)
                _deliver_few(
                    n - start, begin * room, begin * room + waiting[begin], base + first_slot * plane, low, high, width,
                    states, shape, block_core, fields, hold, arrivals, fired_words, active, pending, touched_words,
                )  # fmt: skip
                waiting[begin] = 0
                continue
            for turn in range(high - low):
                b = high - uint64(1) - turn if backwards else low + turn
                place, core, alive = b * LANES, uint64(block_core[b]), live[b]
                at, constant, held = b * width, constants_of[b], holds_of[b]
                slot = first_slot
                word = b
                for s in range(n, m):
                    here = base + slot * plane + (b - low) * width
                    mark_slot = slot
                    slot = slot + uint64(1) if slot + uint64(1) < uint64(slots) else uint64(0)
                    if tapped:
                        for t in range(t_first[b], t_first[b + uint64(1)]):
                            if s % t_stride[t] == 0:
                                spot = t_at[t] + (s - t_origin[t]) // t_stride[t] * t_width[t]
                                t_out[spot] += np.float64(fields[uint64(t_field[t])]) * t_share[t]
                    for f in range(noisy):
                        born = s - f_delay[f]
                        if f_population[f] == population[b] and born >= f_begin[f] and born < f_end[f]:
                            outside_here[uint64(s - start), core] += rain(
                                born, f_key[f], f_at[f], f_at[f + 1], f_low[f], f_high[f], f_table, f_weight[f],
                                index, place, here + uint64(f_row[f]) * LANES, alive, drawn, arrivals,
                            )  # fmt: skip
                    row = uint64(s - start) * places + place
                    fired, touched = apply(
                        shape, fields, at, hold, place, constants, constant, holds, held,
                        arrivals, here + jump, LANES, given, row,
                    )  # fmt: skip
                    if len(shape.nonzero):
                        spot = mark_slot * total + b
                        touched |= marks[spot]
                        marks[spot] = uint32(0)
                    fired_words[word] = fired & alive
                    active[uint64(s - start), core] += popcount(touched & alive)
                    word += total
            for s in range(n, m):
                waiting[part * slots + s % slots] = 0
        met += 1
        _meet(sync, threads, met)
        if thread == 0:
            sync[8] = _gather(n, m, total, neuron, place_of, ordered, fired_words, spike_step, spike_neuron, written)
        met += 1
        _meet(sync, threads, met)
        first, written = written, sync[8]
        for part in range(first_part, last_part):
            _deliver(
                part, first, written, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
                r_delay, r_weight, r_weighted, r_weight_at, arrivals, spike_step, spike_neuron, few, room, pending, waiting,
                shape, total, marks,
            )  # fmt: skip
        n = m
    return n, written


@njit(inline="always")
def _gather(n, m, total, neuron, place_of, ordered, fired_words, spike_step, spike_neuron, written):
    """Write the spikes of steps `n` to `m` in order of step and neuron."""
    for s in range(n, m):
        at = uint64(s - n) * total
        if ordered:
            for b in range(total):
                word = fired_words[at + b]
                while word:
                    spike_step[written] = s
                    spike_neuron[written] = neuron[b * LANES + uint64(trailing(word))]
                    written += 1
                    word &= uint32(word - uint32(1))
        else:
            for i in range(uint64(place_of.size)):
                place = uint64(place_of[i])
                if (fired_words[at + (place >> uint64(5))] >> uint32(place & uint64(31))) & uint32(1):
                    spike_step[written] = s
                    spike_neuron[written] = i
                    written += 1
    return written


@njit(inline="always")
def _deliver_few(
    row, first, last, at, low, high, width, states, shape, block_core, fields, hold, arrivals, fired_words, active,
    pending, touched_words,
):  # fmt: skip
    """Add the arrivals of one step to the states, place by place, and count who was touched: what `apply` does for all lanes."""
    zero = arrivals.dtype.type(0)
    begin, share = low * width, uint64(0xFFFFFFFF) // uint64(states) + uint64(1)
    for q in range(first, last):
        code = uint64(pending[q])
        value = arrivals[at + code]
        if value != zero:
            arrivals[at + code] = zero
            spot = begin + code
            # A division by the number of states, as a product.
            b = low + (((code >> uint64(5)) * share) >> uint64(32))
            touched_words[b] |= uint32(1) << uint32(code & uint64(31))
            # A jump of v is lost on a neuron that waits; the other states take it.
            if len(shape.delta) == 0 or spot - b * width >= LANES or hold[b * LANES + (code & uint64(31))] == 0:
                fields[spot] += value
    for b in range(low, high):
        busy = fired_words[b] | touched_words[b]
        if busy:
            touched_words[b] = uint32(0)
            active[uint64(row), uint64(block_core[b])] += popcount(busy)


@njit(inline="always")
def _deliver(
    part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
    r_delay, r_weight, r_weighted, r_weight_at, arrivals, spike_step, spike_neuron, few, room, pending, waiting,
    shape, total, marks,
):  # fmt: skip
    """Put the synapses of the spikes `first` to `last` into the arrivals of one part."""
    columns, mine = uint64(parts.size), uint64(part)
    low, high = uint64(parts[part]), uint64(parts[part + 1])
    plane = (high - low) * width
    base = low * width * uint64(slots)
    ring = uint64(slots) * plane
    end = base + ring
    step, slot = np.int64(-1), uint64(0)
    line_of_weights = 64 // weights.itemsize
    for q in range(first, last):
        # Where a row begins has to be read before the row: that is asked for even earlier.
        if q + EARLIER < last:
            ahead = spike_neuron[q + EARLIER]
            sender = sender_of[ahead]
            for k in range(bundles[sender], bundles[sender + 1]):
                prefetch(cuts, uint64(r_base[k] + ahead - r_start[sender]) * columns + mine)
        if q + AHEAD < last:
            ahead = spike_neuron[q + AHEAD]
            sender = sender_of[ahead]
            for k in range(bundles[sender], bundles[sender + 1]):
                spot = uint64(r_base[k] + ahead - r_start[sender]) * columns + mine
                a, z = uint64(cuts[spot]), uint64(cuts[spot + uint64(1)])
                for line in range(a, z, uint64(LINE)):
                    prefetch(codes, line)
                if r_weighted[k]:
                    shift = uint64(r_weight_at[k])
                    for line in range(a + shift, z + shift, uint64(line_of_weights)):
                        prefetch(weights, line)
        i = spike_neuron[q]
        if spike_step[q] != step:
            step = spike_step[q]
            slot = uint64(step % slots)
        sender = sender_of[i]
        for k in range(bundles[sender], bundles[sender + 1]):
            spot = uint64(r_base[k] + i - r_start[sender]) * columns + mine
            a, z = uint64(cuts[spot]), uint64(cuts[spot + uint64(1)])
            shift = uint64(r_weight_at[k])
            weight = r_weight[k]
            if r_delay[k] > 0:
                due = slot + uint64(r_delay[k])
                due = due - uint64(slots) if due >= uint64(slots) else due
                at = base + due * plane
                here = part * slots + np.int64(due)
                known = waiting[here] + np.int64(z - a)
                put = uint64(here * room + waiting[here]) - a
                if r_weighted[k]:
                    add_weights(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, put)
                elif few and known <= room:
                    add_row_noted(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, put)
                else:
                    add_row(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, put)
                waiting[here] = known
            elif r_weighted[k]:
                at = base + slot * plane
                add_weights_around(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, uint64(0))
            else:
                at = base + slot * plane
                add_row_around(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, uint64(0))
            if len(shape.nonzero):
                for s in range(a, z):
                    mark(at - base + uint64(codes[s]), ring, plane, width, low, total, marks)
