"""The event engine: windows of steps, updated block by block, then delivered row by row.

Within a window no longer than the shortest delay no spike can reach anyone, so a block may run through all its steps while it is in
the nearest cache, and threads may run side by side. Blocks are gathered in parts, whose arrivals fit the nearest cache, since
they come at random places; a thread owns whole parts. Between the two halves the spikes are put in the order of their neurons, and
every place sums (or counts) its arrivals in that order, so the result is the same for any number of parts and threads.

All threads run this same function; they meet twice a window. It makes no arrays and counts no references to those it is given,
which would cost a sixth of a small network's step. The slow, obvious twin is `tests/naive.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.event.block import sweep, sweep_without_arrivals
from workbench.kernels.event.masks import deliver_masks
from workbench.kernels.event.outside import deliver_listed, mark, rain
from workbench.kernels.event.scatter import add_row, add_row_around, add_row_noted, add_weights, add_weights_around
from workbench.kernels.lanes import atomic_add, atomic_read, give_way, nonzero, popcount, prefetch, trailing

__all__ = ["advance"]

LANES, ONE = uint64(32), uint64(1)
LINE = 32  # codes of two bytes in a line of the cache
EARLIER = uint64(12)  # spikes between asking for the place of a row and asking for the row
AHEAD = uint64(4)  # spikes between asking for a row and reading it: 4 and 16 are as good, 2 is a quarter slower


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


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")  # pyright: ignore[reportCallIssue]
def advance(thread, start, stop, window, shape, states, slots, state, blocks, rows, noise, outside, taps, scratch, few):
    """Run one thread's parts through the steps `start` to `stop`; returns (step reached, spikes written).

    It ends early, between two windows, when the room for spikes might not do for the next one. `states` is the
    number of state fields; `few` says that sparse arrivals may be delivered one by one.
    """
    threads = blocks.shares.size - 1
    first_part, last_part = blocks.shares[thread], blocks.shares[thread + 1]
    total = uint64(blocks.core.size)
    lines = uint64(states) * uint64(max(1, len(shape.ways)))
    width = lines * LANES  # of one block in the arrivals
    size = blocks.place.size
    room = scratch.pending.size // ((blocks.parts.size - 1) * slots)
    fields, arrivals, marks, fired_words = state.fields, state.arrivals, state.marks, scratch.fired
    live, drawn = blocks.live, scratch.drawn[thread]
    active, outside_here = scratch.active[thread], scratch.outside[thread]
    spike_step, spike_neuron, sync, waiting = scratch.step, scratch.neuron, scratch.sync, scratch.waiting
    given, listed, pitch = outside.current, outside.at, uint64(scratch.fired.size // window)
    # Reaching into a tuple counts a reference, which is slow in a loop: everything is taken out once.
    parts, population, index, block_core = blocks.parts, blocks.population, blocks.number, blocks.core
    neuron, ranks = blocks.neuron, scratch.ranks
    asleep, wakes, until = state.waiting, state.wakes, state.until
    constants, constants_of, holds, holds_of = blocks.constants, blocks.constants_of, blocks.holds, blocks.holds_of
    runs, first_run, homes, first_home = blocks.runs, blocks.first_run, blocks.homes, blocks.first_home
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
        line = uint64(n - start)
        # Every other window goes backwards, so that what was updated last is still near.
        back = uint64(0 if means else n & 1)
        for part_turn in range(last_part - first_part):
            part = last_part - 1 - part_turn if back else first_part + part_turn
            low, high = uint64(parts[part]), uint64(parts[part + 1])
            span = (high - low) * LANES
            plane = span * lines
            base = low * width * uint64(slots)
            for f in range(noisy):
                for s in range(max(n, f_begin[f] + f_delay[f]), min(m, f_end[f] + f_delay[f])):
                    here = base + uint64(s % slots) * plane + uint64(f_row[f]) * span
                    for b in range(low, high):
                        if f_population[f] == population[b]:
                            born = s - f_delay[f]
                            outside_here[uint64(s - start), uint64(block_core[b])] += rain(
                                born, f_key[f], f_at[f], f_at[f + 1], f_low[f], f_high[f], f_table, f_weight[f],
                                index, b * LANES, here + (b - low) * LANES, live[b], drawn, arrivals,
                            )  # fmt: skip
            run_low, run_high = first_run[part], first_run[part + 1]
            if sparse:
                # The tightest loop there is: no arrivals, no outside spikes, nothing probed.
                for turn in range(run_high - run_low):
                    run = run_high - 1 - turn if back else run_low + turn
                    sweep_without_arrivals(
                        shape, fields, asleep, wakes, until, constants, constants_of, holds,
                        holds_of, live, block_core, arrivals, marks, given, fired_words, active,
                        uint64(runs[run]), uint64(runs[run + 1]), back, uint64(n), uint64(1), uint64(0), pitch, line,
                        base - low * LANES, first_slot, uint64(slots), span,
                    )  # fmt: skip
                begin = part * slots + np.int64(first_slot)
                _deliver_few(
                    n - start, begin * room, begin * room + waiting[begin], base + first_slot * plane, low, high, width,
                    shape, block_core, fields, asleep, arrivals, fired_words, active, pending,
                    touched_words, homes, first_home[part], first_home[part + 1],
                )  # fmt: skip
                waiting[begin] = 0
                continue
            for turn in range(run_high - run_low):
                run = run_high - 1 - turn if back else run_low + turn
                b, end = uint64(runs[run]), uint64(runs[run + 1])
                while b < end:
                    # All steps of all blocks in one go, but step by step where something is probed.
                    upto, steps = end, uint64(m - n)
                    if tapped:
                        upto, steps = b + uint64(1), uint64(1) if t_first[b + uint64(1)] > t_first[b] else steps
                    for s in range(n, m, steps):
                        if tapped:
                            for t in range(t_first[b], t_first[b + uint64(1)]):
                                if s % t_stride[t] == 0:
                                    spot = t_at[t] + (s - t_origin[t]) // t_stride[t] * t_width[t]
                                    t_out[spot] += np.float64(fields[uint64(t_field[t])]) * t_share[t]
                        sweep(
                            shape, fields, asleep, wakes, until, constants,
                            constants_of, holds, holds_of, live, block_core, arrivals, marks, given,
                            fired_words, active, b, upto, back, uint64(s), steps, uint64(s - n), pitch,
                            uint64(s - start),
                            base - low * LANES, uint64(s % slots), uint64(slots), span,
                        )  # fmt: skip
                    b = upto
            for s in range(n, m):
                waiting[part * slots + s % slots] = 0
        met += 1
        _meet(sync, threads, met)
        if thread == 0:
            sync[8] = _gather(n, m, pitch, neuron, ranks, fired_words, spike_step, spike_neuron, written)
        met += 1
        _meet(sync, threads, met)
        first, written = written, sync[8]
        for part in range(first_part, last_part):
            deliver_masks(part, first, written, slots, lines, blocks, rows, arrivals, spike_step, spike_neuron)
            _deliver(
                part, first, written, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
                r_delay, r_weight, r_weighted, r_weight_at, arrivals, spike_step, spike_neuron, few, room, pending, waiting,
                shape, total, marks,
            )  # fmt: skip
        n = m
    return n, written


@njit(inline="always")
def _gather(n, m, pitch, neuron, ranks, fired_words, spike_step, spike_neuron, written):
    """Write the spikes of steps `n` to `m` in order of step and neuron."""
    for s in range(n, m):
        at = uint64(s - n) * pitch
        if ranks.size:
            # Places do not ascend with the neurons: their bits are put where they do.
            for group in range(uint64(0), pitch, LANES):
                found = nonzero(fired_words, at + group)
                while found:
                    b = group + uint64(trailing(found))
                    found &= uint32(found - uint32(1))
                    word = fired_words[at + b]
                    while word:
                        i = uint64(neuron[b * LANES + uint64(trailing(word))])
                        ranks[i >> uint64(5)] |= uint32(1) << uint32(i & uint64(31))
                        word &= uint32(word - uint32(1))
            for group in range(uint64(0), uint64(ranks.size), LANES):
                found = nonzero(ranks, group)
                while found:
                    b = group + uint64(trailing(found))
                    found &= uint32(found - uint32(1))
                    word = ranks[b]
                    ranks[b] = uint32(0)
                    while word:
                        spike_step[written] = s
                        spike_neuron[written] = b * LANES + uint64(trailing(word))
                        written += 1
                        word &= uint32(word - uint32(1))
            continue
        for group in range(uint64(0), pitch, LANES):
            found = nonzero(fired_words, at + group)
            while found:
                b = group + uint64(trailing(found))
                found &= uint32(found - uint32(1))
                word = fired_words[at + b]
                while word:
                    spike_step[written] = s
                    spike_neuron[written] = neuron[b * LANES + uint64(trailing(word))]
                    written += 1
                    word &= uint32(word - uint32(1))
    return written


@njit(inline="always")
def _deliver_few(
    row, first, last, at, low, high, width, shape, block_core, fields, asleep, arrivals, fired_words, active,
    pending, touched_words, homes, first_home, last_home,
):  # fmt: skip
    """Add the arrivals of one step to the states, place by place, and count who was touched: what `sweep` does for all lanes."""
    zero = arrivals.dtype.type(0)
    span = (high - low) * LANES
    for q in range(first, last):
        code = uint64(pending[q])
        value = arrivals[at + code]
        if value != zero:
            arrivals[at + code] = zero
            state = uint64(0)
            while code >= span:  # a row goes to one state as a rule, so this is foreseen
                code -= span
                state += LANES
            b = low + (code >> uint64(5))
            bit = uint32(1) << uint32(code & uint64(31))
            touched_words[b] |= bit
            # A jump of v is lost on a neuron that waits or has just fired; the other states take it.
            if len(shape.delta) == 0 or state or not (asleep[b] | fired_words[b]) & bit:
                fields[b * width + state + (code & uint64(31))] += value
    for h in range(first_home, last_home):
        many = uint32(0)
        for b in range(uint64(homes[h]), uint64(homes[h + 1])):
            many += popcount(fired_words[b] | touched_words[b])
            touched_words[b] = uint32(0)
        active[uint64(row), uint64(block_core[uint64(homes[h])])] += many


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
    # Unsigned throughout: a signed index is looked at for being negative.
    for q in range(uint64(first), uint64(last)):
        # Where a row begins has to be read before the row: that is asked for even earlier.
        if q + EARLIER < uint64(last):
            ahead = uint64(spike_neuron[q + EARLIER])
            sender = uint64(sender_of[ahead])
            for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
                prefetch(cuts, uint64(r_base[k] - r_start[sender] + np.int64(ahead)) * columns + mine)
        if q + AHEAD < uint64(last):
            ahead = uint64(spike_neuron[q + AHEAD])
            sender = uint64(sender_of[ahead])
            for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
                spot = uint64(r_base[k] - r_start[sender] + np.int64(ahead)) * columns + mine
                a, z = uint64(cuts[spot]), uint64(cuts[spot + ONE])
                for line in range(a, z, uint64(LINE)):
                    prefetch(codes, line)
                if r_weighted[k]:
                    shift = uint64(r_weight_at[k])
                    for line in range(a + shift, z + shift, uint64(line_of_weights)):
                        prefetch(weights, line)
        i = uint64(spike_neuron[q])
        if spike_step[q] != step:
            step = spike_step[q]
            slot = uint64(step % slots)
        sender = uint64(sender_of[i])
        for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
            spot = uint64(r_base[k] - r_start[sender] + np.int64(i)) * columns + mine
            a, z = uint64(cuts[spot]), uint64(cuts[spot + ONE])
            shift = uint64(r_weight_at[k])
            weight = r_weight[k]
            if r_delay[k] > 0:
                due = slot + uint64(r_delay[k])
                due = due - uint64(slots) if due >= uint64(slots) else due
                at = base + due * plane
                here = mine * uint64(slots) + due
                known = uint64(waiting[here]) + (z - a)
                put = here * uint64(room) + uint64(waiting[here]) - a
                if r_weighted[k]:
                    add_weights(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, put)
                elif few and known <= uint64(room):
                    add_row_noted(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, put)
                else:
                    add_row(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, put)
                waiting[here] = np.int64(known)
            elif r_weighted[k]:
                at = base + slot * plane
                add_weights_around(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, uint64(0))
            else:
                at = base + slot * plane
                add_row_around(arrivals, at, codes, a, z, weight, weights, shift, end, ring, pending, uint64(0))
            if len(shape.nonzero):
                for s in range(a, z):
                    mark(at - base + uint64(codes[s]), ring, plane, (high - low) * LANES, low, total, marks)
