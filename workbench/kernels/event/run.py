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

from workbench.kernels.event.block import sweep
from workbench.kernels.event.deliver import deliver
from workbench.kernels.event.masks import deliver_masks
from workbench.kernels.event.outside import deliver_listed, rain
from workbench.kernels.lanes import atomic_add, atomic_read, give_way, nonzero, trailing

__all__ = ["advance"]

MOVES, STILL = (0,), ()
LANES, ONE, EVERY = uint64(32), uint64(1), uint64(0xFFFFFFFFFFFFFFFF)


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
def advance(thread, start, stop, window, shape, states, slots, state, blocks, rows, noise, outside, taps, scratch):
    """Run one thread's parts through the steps `start` to `stop`; returns (step reached, spikes written).

    It ends early, between two windows, when the room for spikes might not do for the next one. `states` is the
    number of state fields.
    """
    threads = blocks.shares.size - 1
    first_part, last_part = blocks.shares[thread], blocks.shares[thread + 1]
    total = uint64(blocks.core.size)
    lines = uint64(states) * uint64(max(1, len(shape.ways)))
    width = lines * LANES  # of one block in the arrivals
    size = blocks.place.size
    fields, arrivals, marks, fired_words = state.fields, state.arrivals, state.marks, scratch.fired
    live, drawn = blocks.live, scratch.drawn[thread]
    active, outside_here = scratch.active[thread], scratch.outside[thread]
    spike_step, spike_neuron, sync = scratch.step, scratch.neuron, scratch.sync
    came, many, spare = state.came, state.many, state.spare
    given, listed, pitch = outside.current, outside.at, uint64(scratch.fired.size // (window + len(shape.late)))
    # Reaching into a tuple counts a reference, which is slow in a loop: everything is taken out once.
    parts, population, index, block_core = blocks.parts, blocks.population, blocks.number, blocks.core
    neuron, ranks = blocks.neuron, scratch.ranks
    asleep, wakes, until = state.waiting, state.wakes, state.until
    constants, constants_of, holds, holds_of = blocks.constants, blocks.constants_of, blocks.holds, blocks.holds_of
    runs, first_run = blocks.runs, blocks.first_run
    f_population, f_key, f_table, f_at = noise.population, noise.key, noise.table, noise.table_at
    f_low, f_high, f_weight, f_row = noise.low, noise.high, noise.weight, noise.row
    f_delay, f_begin, f_end = noise.delay, noise.begin, noise.end
    t_first, t_field, t_stride, t_origin = taps.first, taps.field, taps.stride, taps.origin
    t_at, t_width, t_share, t_out = taps.at, taps.width, taps.share, taps.out
    codes, cuts, weights, sender_of, bundles = rows.codes, rows.cuts, rows.weights, rows.sender, rows.first
    r_base, r_start, r_delay, r_weight = rows.base, rows.start, rows.delay, rows.weight
    r_weighted, r_weight_at, r_states = rows.weighted, rows.weight_at, rows.states
    buckets = scratch.buckets
    tapped = taps.field.size > 0
    means = taps.means
    noisy = noise.population.size
    met, turns = 0, 0
    late = len(shape.late)
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        m = min(n + window, stop, n + (spike_step.size - written) // size)
        if listed[m - start] > listed[n - start]:
            for part in range(first_part, last_part):
                deliver_listed(
                    part, n, m, start, slots, width, rows, blocks, outside, arrivals, outside_here, shape, total, marks
                )
                came[part * slots : (part + 1) * slots] = EVERY
        # Every other window goes backwards, so that what was updated last is still near.
        back = uint64(0 if means else turns & 1)
        turns += 1
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
                        came[part * slots + s % slots] |= ONE << uint64(f_row[f])
            run_low, run_high = first_run[part], first_run[part + 1]
            for turn in range(run_high - run_low):
                run = run_high - 1 - turn if back else run_low + turn
                b, end = uint64(runs[run]), uint64(runs[run + 1])
                while b < end:
                    # All steps of all blocks in one go, but step by step where something is probed.
                    upto, steps = end, uint64(m - n)
                    if tapped:
                        upto, steps = b + uint64(1), uint64(1) if t_first[b + uint64(1)] > t_first[b] else steps
                    for s in range(n, m, steps):
                        if tapped and t_first[b + uint64(1)] > t_first[b]:
                            sweep(
                                shape, fields, asleep, wakes, until, constants,
                                constants_of, holds, holds_of, live, block_core, arrivals, spare, marks, came, given,
                                fired_words, active, b, upto, back, uint64(s), steps, uint64(s - n + late), pitch,
                                uint64(s - start),
                                base - low * LANES, uint64((s - late) % slots), uint64(slots), span, uint64(part * slots), STILL,
                            )  # fmt: skip
                            for t in range(t_first[b], t_first[b + uint64(1)]):
                                if s % t_stride[t] == 0:
                                    spot = t_at[t] + (s - t_origin[t]) // t_stride[t] * t_width[t]
                                    t_out[spot] += np.float64(fields[uint64(t_field[t])]) * t_share[t]
                        sweep(
                            shape, fields, asleep, wakes, until, constants,
                            constants_of, holds, holds_of, live, block_core, arrivals, spare, marks, came, given,
                            fired_words, active, b, upto, back, uint64(s), steps, uint64(s - n + late), pitch,
                            uint64(s - start),
                            base - low * LANES, uint64((s - late) % slots), uint64(slots), span, uint64(part * slots), MOVES,
                        )  # fmt: skip
                    b = upto
            for s in range(n - late, m - late):
                came[part * slots + s % slots] = uint64(0)
                if len(shape.kept):
                    many[part * slots + s % slots] = 0
        met += 1
        _meet(sync, threads, met)
        if thread == 0:
            sync[8] = _gather(n, m, late, pitch, neuron, ranks, fired_words, spike_step, spike_neuron, written)
        met += 1
        _meet(sync, threads, met)
        first, written = written, sync[8]
        for part in range(first_part, last_part):
            deliver_masks(part, first, written, slots, lines, shape, blocks, rows, state, scratch)
        if len(shape.kept) == 0:
            deliver(
                first_part, last_part, first, written, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base,
                r_start, r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape,
                total, marks, buckets, thread,
            )  # fmt: skip
        n = m
    if late:
        for part in range(first_part, last_part):
            low, high = uint64(parts[part]), uint64(parts[part + 1])
            base = low * width * uint64(slots) - low * LANES
            slot = (n - 1) % slots
            for run in range(first_run[part], first_run[part + 1]):
                sweep(
                    shape, fields, asleep, wakes, until, constants, constants_of, holds, holds_of, live, block_core, arrivals,
                    spare, marks, came, given, fired_words, active, uint64(runs[run]), uint64(runs[run + 1]), uint64(0), uint64(n), ONE,
                    ONE, pitch, uint64(n - start), base, uint64(slot), uint64(slots), (high - low) * LANES, uint64(part * slots), STILL,
                )  # fmt: skip
            came[part * slots + slot] = uint64(0)
    return n, written


@njit(inline="always")
def _gather(n, m, late, pitch, neuron, ranks, fired_words, spike_step, spike_neuron, written):
    """Write the spikes of steps `n` to `m` in order of step and neuron, and clear the words that told of them."""
    if late:
        fired_words[:pitch] = uint32(0)
    for s in range(n, m):
        at = uint64(s - n + late) * pitch
        keeps = late and s == m - 1  # the next window asks once more who fired last
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
                    if keeps:
                        fired_words[b] = fired_words[at + b]
                    fired_words[at + b] = uint32(0)
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
                if keeps:
                    fired_words[b] = fired_words[at + b]
                fired_words[at + b] = uint32(0)
    return written
