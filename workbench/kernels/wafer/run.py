"""The wafer's step: for each patch, what is due arrives, its neurons step, and who fired is listed.

A neuron is two bytes: its potential after the loss of the next step, so that arrivals can be added to it at once (see
`vectors.leaky`). The second cache holds a patch while it goes on by as many steps as the shortest delay has, for whatever arrives
in them was sent before: so potentials come from memory once in that many steps, and are asked for while the patch before steps. No
synapse is stored: the targets of a spike are drawn again each time, from its source and the key (`circuits.sheet`).

Threads take patches as they come. What a patch becomes depends on the spikes of earlier visits alone, in an order that is fixed, so the
result is the same for any number of threads. They meet once a visit.

No function here allocates, so Numba is told to count no references (`_nrt`): a tenth of the time went into them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint16, uint32, uint64

from workbench.kernels.lanes import atomic_add, atomic_read, give_way, trailing
from workbench.kernels.wafer.arrivals import deliver, listed, rain
from workbench.kernels.wafer.tables import CHUNK, COUNTERS, HELD, SCRATCH
from workbench.kernels.wafer.vectors import BLOCKS as _BLOCKS
from workbench.kernels.wafer.vectors import set_masks, step

__all__ = ["advance", "gather"]

ONE = uint64(1)
LANES = uint64(32)
PLAIN: Any = {"cache": True, "nogil": True, "_nrt": False}
BLOCKS = uint64(_BLOCKS)


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
def _put(v, base, ids, at, fired, stride, room, value):
    """Set those that a list names to `value`."""
    spot = listed(ids, at, fired, stride, room)
    for k in range(uint64(fired)):
        v[base + uint64(ids[spot + k])] = value


@njit
def _list_fired(masks, blocks, size, room, ids, at, aside):
    """List from `ids[at]` on whose bits are set in as many masks of 32 neurons; as bits where they are more than `room`."""
    n = uint64(0)
    for turn in range(uint64(blocks + BLOCKS - ONE) // BLOCKS):
        busy = set_masks(masks, turn * BLOCKS)
        while busy:
            block = turn * BLOCKS + uint64(trailing(busy))
            busy &= uint64(busy - ONE)
            left = masks[block]
            while left:
                who = block * LANES + uint64(trailing(left))
                left &= uint32(left - uint32(1))
                if who >= size:  # the last lanes of a patch are nobody's
                    break
                if n < room:
                    ids[at + n] = uint16(who)
                elif n == room:
                    _to_bits(ids, at, room, aside)
                if n >= room:
                    ids[at + (who >> uint64(4))] |= uint16(1) << uint16(who & uint64(15))
                n += ONE
    return np.int64(n)


@njit
def _to_bits(ids, at, room, aside):
    """Turn a list of `room` numbers into bits in its place; `aside` is a place for as many."""
    for k in range(room):
        ids[aside + k] = ids[at + k]
        ids[at + k] = uint16(0)
    for k in range(room):
        who = uint64(ids[aside + k])
        ids[at + (who >> uint64(4))] |= uint16(1) << uint16(who & uint64(15))


@njit(**PLAIN)
def advance(thread, threads, start, stop, visit, slots, width, v, pops, projs, noise, lists, taps, sync):
    """Run the steps `start` to `stop` in one of `threads` threads; each calls this with its own number.

    A patch that is there goes `visit` steps on, at most the shortest delay: whatever arrives in them was sent before. `width` is the
    lanes of a patch, `slots` the steps whose spikes are kept: at least the longest delay and stop − start together.
    """
    size, offset, stride = pops.size, pops.offset, pops.stride
    keeps, bias, lowest, threshold = pops.keeps, pops.bias, pops.lowest, pops.threshold
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
    places, masks, named, woven = sync.places[thread], sync.masks[thread], sync.named[thread], sync.woven[thread]
    cursors = sync.cursors[thread]
    cut, counter = sync.cut, uint64(8 * thread)
    populations, patches = size.size, count.shape[2]
    room = ids.size - (threads - thread) * SCRATCH
    piece = (ids.size - threads * SCRATCH) // (slots * threads)
    for begun in range(start, stop, visit):
        turn, many = (begun - start) // visit, min(visit, stop - begun)
        for k in range(many):
            cursors[k] = ((begun + k) % slots * threads + thread) * piece
        while True:
            low = atomic_add(shared, uint64(COUNTERS + turn), np.int64(CHUNK))
            if low >= patches:
                break
            for b in range(low, min(low + CHUNK, patches)):
                row = uint64(b) * uint64(width)
                # The next patch is asked for while this one steps, an equal part in each step; after the last there is none.
                ahead = row + uint64(width) if b + 1 < patches else row
                pace = LANES // uint64(many)
                for s in range(begun, begun + many):
                    slot, at = s % slots, cursors[s - begun]
                    for q in range(populations):
                        base = row + uint64(offset[q])
                        begin, end = b * size[q] // patches, (b + 1) * size[q] // patches
                        here = uint64(end - begin)
                        for p in range(p_first[q], p_first[q + 1]):
                            if s >= p_delay[p]:
                                src, old = p_source[p], (s - p_delay[p]) % slots
                                deliver(
                                    v, base, here, b, patches, size[src], contact[p], contact[p + 1], source_patch, share,
                                    word_at, drawn_with, p_weight[p], count[old, src], where_at[old, src], stride[src], ids,
                                    room, places, cut, counter,
                                )  # fmt: skip
                        came = uint64(0)
                        for k in range(n_first[q], n_first[q + 1]):
                            if s >= n_delay[k]:
                                came += rain(
                                    v, base, begin, end, s - n_delay[k], n_key[k], n_table, uint64(n_at[k]),
                                    uint64(n_at[k + 1]), n_weight[k], named, woven, places, cut, counter,
                                )  # fmt: skip
                        arrived[slot, q, b] = came
                        # Who waits after a spike has lost what arrived: it was put back to where it starts, and cannot fire.
                        for back in range(1, min(waits[q], s) + 1):
                            old = (s - back) % slots
                            if count[old, q, b]:
                                _put(v, base, ids, where_at[old, q, b], count[old, q, b], stride[q], room, held_at)
                    for t in range(t_first[b], t_first[b + 1]):
                        q, held = t_population[t], np.int32(v[t_place[t]])
                        seen = max(held, lowest[q])
                        t_out[s - start, t] = np.int16(reset[q] if held == HELD or seen > threshold[q] else seen)
                    for q in range(populations):
                        base = row + uint64(offset[q])
                        begin, end = b * size[q] // patches, (b + 1) * size[q] // patches
                        near = ahead + uint64(offset[q]) + uint64(stride[q]) // uint64(many) * uint64(s - begun)
                        blocks = uint64(stride[q]) // LANES
                        step(v, base, blocks, keeps[q], bias[q], lowest[q], threshold[q], restart[q], masks, near, pace)
                        fired = _list_fired(
                            masks, blocks, uint64(end - begin), uint64(stride[q] // 16), ids, uint64(at), uint64(room)
                        )
                        for back in range(1, min(waits[q], s) + 1):
                            old = (s - back) % slots
                            if count[old, q, b]:
                                _put(
                                    v, base, ids, where_at[old, q, b], count[old, q, b], stride[q], room,
                                    np.int16(restart[q]),
                                )  # fmt: skip
                        count[slot, q, b] = fired
                        where_at[slot, q, b] = at
                        at += fired if fired * 16 <= stride[q] else stride[q] // 16
                    cursors[s - begun] = at
        _meet(shared, threads, turn + 1)


@njit(cache=True, nogil=True)
def gather(start, stop, slots, size, stride, count, where_at, ids, steps, neurons):
    """Write the spikes of the steps `start` to `stop`, in order of step and neuron (counted through all populations)."""
    room = ids.size - SCRATCH
    patches = count.shape[2]
    n = 0
    for s in range(start, stop):
        slot = s % slots
        before = 0
        for q in range(size.size):
            for b in range(patches):
                fired = count[slot, q, b]
                if fired:
                    at = listed(ids, where_at[slot, q, b], fired, stride[q], room)
                    first = before + b * size[q] // patches
                    for k in range(uint64(fired)):
                        steps[n] = s
                        neurons[n] = first + np.int64(ids[at + k])
                        n += 1
            before += size[q]
