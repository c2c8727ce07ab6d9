"""The wafer's step: for each patch, what is due arrives, its neurons step, who fired is listed, and what is known of the next step arrives.

A neuron is two bytes: its potential after the loss of the next step, so that arrivals can be added to it at once (see
`vectors.leaky`). A patch stays in the second cache through all of it; while it steps, the next one is asked for. Spikes with a
delay of one step must arrive before the step, when the patch was only asked for; that costs about a hundredth more. No synapse is
stored: the targets of a spike are drawn again each time, from its source and the key (`circuits.sheet`).

Threads take patches as they come. What a patch becomes depends on the spikes of earlier steps alone, in an order that is fixed, so the
result is the same for any number of threads. They meet once a step.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint16, uint32, uint64

from workbench.kernels.lanes import atomic_add, atomic_read, give_way, prefetch, trailing
from workbench.kernels.wafer.arrivals import deliver, listed, rain
from workbench.kernels.wafer.tables import CHUNK, COUNTERS, HELD
from workbench.kernels.wafer.vectors import step

__all__ = ["advance", "gather"]

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
def _put(v, base, ids, at, fired, stride, out, value):
    """Set those that a list names to `value`."""
    who, spot = listed(ids, at, fired, stride, out)
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
    count, where_at, arrived, ids = lists.fired, lists.at, lists.arrived, lists.ids
    t_first, t_place, t_population, t_out = taps.first, taps.place, taps.population, taps.out
    shared = sync.shared
    places, decoded, named, woven = sync.places[thread], sync.fired[thread], sync.named[thread], sync.woven[thread]
    cut, counter = sync.cut, uint64(8 * thread)
    populations, patches = size.size, count.shape[2]
    piece = ids.size // (slots * threads)
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
                        if p_delay[p] == 1 and s > 0:
                            src, old = p_source[p], (s - 1) % slots
                            deliver(
                                v, base, here, b, patches, size[src], contact[p], contact[p + 1], source_patch, share, word_at,
                                drawn_with, p_weight[p], count[old, src], where_at[old, src], stride[src], ids, decoded,
                                places, cut, counter,
                            )  # fmt: skip
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
                # The patch is near now: whatever of the next step is known already arrives at once.
                for q in range(populations):
                    base = row + uint64(offset[q])
                    begin, end = b * size[q] // patches, (b + 1) * size[q] // patches
                    here = uint64(end - begin)
                    for p in range(p_first[q], p_first[q + 1]):
                        sent = s + 1 - p_delay[p]
                        if p_delay[p] > 1 and sent >= 0:
                            src, old = p_source[p], sent % slots
                            deliver(
                                v, base, here, b, patches, size[src], contact[p], contact[p + 1], source_patch, share, word_at,
                                drawn_with, p_weight[p], count[old, src], where_at[old, src], stride[src], ids, decoded,
                                places, cut, counter,
                            )  # fmt: skip
                    came = uint64(0)
                    for k in range(n_first[q], n_first[q + 1]):
                        born = s + 1 - n_delay[k]
                        if born >= 0:
                            came += rain(
                                v, base, begin, end, born, n_key[k], n_table, uint64(n_at[k]), uint64(n_at[k + 1]),
                                n_weight[k], named, woven, places, cut, counter,
                            )  # fmt: skip
                    arrived[(s + 1) % slots, q, b] = came
        _meet(shared, threads, s - start + 1)


@njit(cache=True, nogil=True)
def gather(start, stop, slots, size, stride, count, where_at, ids, steps, neurons):
    """Write the spikes of the steps `start` to `stop`, in order of step and neuron (counted through all populations)."""
    decoded = np.empty(stride.max() + 32, np.uint16)
    patches = count.shape[2]
    n = 0
    for s in range(start, stop):
        slot = s % slots
        before = 0
        for q in range(size.size):
            for b in range(patches):
                fired = count[slot, q, b]
                if fired:
                    who, at = listed(ids, where_at[slot, q, b], fired, stride[q], decoded)
                    first = before + b * size[q] // patches
                    for k in range(uint64(fired)):
                        steps[n] = s
                        neurons[n] = first + np.int64(who[at + k])
                        n += 1
            before += size[q]
