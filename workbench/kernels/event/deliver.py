"""Delivery: the synapses of a window's spikes added to the arrivals of one thread's parts, in one of two ways.

*Row by row*: for each part, every spike's piece of that part, straight into the arrivals. Best where pieces are long.

*Gathered*: where a row falls into pieces of a dozen synapses, finding each piece and leaving its loop costs more than its
synapses. So rows are first copied, once over all of them, into a bucket for each part, a vector at a time and without a branch on
a piece's length; then each bucket is run through in one long loop, while its part of the arrivals stays in the nearest cache. The
pieces keep the order of the spikes, so every place sums in the same order either way. Where codes carry delays a part is all of its
slots, and the spikes of all steps of a window are gathered together: copying turns a code into a place.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types, uint64
from numba.extending import overload

from workbench.kernels.event.outside import mark
from workbench.kernels.event.scatter import (
    add_row,
    add_row_around,
    add_weights,
    add_weights_around,
    copy,
    copy_around,
)
from workbench.kernels.lanes import prefetch

__all__ = ["deliver"]

LANES, ONE = uint64(32), uint64(1)
LINE = 32  # codes of two bytes in a line of the cache
EARLIER = uint64(12)  # spikes between asking for the place of a row and asking for the row
AHEAD = uint64(4)  # spikes between asking for a row and reading it: 4 and 16 are as good, 2 is a quarter slower
APART = 8  # words between the numbers of two threads, which are never on one line of the cache


def deliver(
    first_part, last_part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
    r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape, total, marks,
    buckets, thread,
):  # fmt: skip
    """Put the synapses of the spikes `first` to `last` into the arrivals of a thread's parts."""


@overload(deliver, inline="always")
def _choose(
    first_part, last_part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
    r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape, total, marks,
    buckets, thread,
):  # fmt: skip
    # One way is compiled, never both: no buckets (an empty tuple) means row by row.
    none = isinstance(buckets, types.BaseTuple) and not len(buckets)

    def by_row(
        first_part, last_part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
        r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape, total, marks,
        buckets, thread,
    ):  # fmt: skip
        for part in range(first_part, last_part):
            _one_part(
                part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
                r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape, total,
                marks,
            )  # fmt: skip

    def gathered(
        first_part, last_part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
        r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape, total, marks,
        buckets, thread,
    ):  # fmt: skip
        _gathered(
            first_part, last_part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base,
            r_start, r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape,
            total, marks, buckets, thread,
        )  # fmt: skip

    return by_row if none else gathered


@njit(inline="always")
def _one_part(
    part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base, r_start,
    r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape, total, marks,
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
                came[mine * uint64(slots) + due] |= r_states[k]
                if r_weighted[k]:
                    add_weights(arrivals, at, codes, a, z, weight, weights, shift, end, ring)
                else:
                    add_row(arrivals, at, codes, a, z, weight, weights, shift, end, ring)
            elif r_weighted[k]:
                at = base + slot * plane
                add_weights_around(arrivals, at, codes, a, z, weight, weights, shift, end, ring)
            else:
                at = base + slot * plane
                add_row_around(arrivals, at, codes, a, z, weight, weights, shift, end, ring)
            if r_delay[k] == 0 and len(shape.flagged):
                for ahead in range(mine * uint64(slots), (mine + ONE) * uint64(slots)):
                    came[ahead] |= r_states[k]
            if len(shape.nonzero):
                for s in range(a, z):
                    mark(at - base + uint64(codes[s]), ring, plane, (high - low) * LANES, low, total, marks)


@njit(nogil=True, _nrt=False, error_model="numpy")  # pyright: ignore[reportCallIssue]
def _gathered(
    first_part, last_part, first, last, slots, width, parts, codes, cuts, weights, sender_of, bundles, r_base,
    r_start, r_delay, r_weight, r_weighted, r_weight_at, r_states, arrivals, spike_step, spike_neuron, came, shape,
    total, marks, buckets, thread,
):  # fmt: skip
    """Put the synapses of the spikes `first` to `last` into the arrivals of a thread's parts, by way of buckets."""
    columns = uint64(parts.size)
    low_part, high_part = uint64(first_part), uint64(last_part)
    skip = uint64(thread * APART)  # to this thread's words of `filled`
    bucket_codes, bucket_weights, filled = buckets.codes, buckets.weights, buckets.filled
    bucket = uint64(bucket_codes.size) // (columns - ONE)
    limit = bucket - LANES
    line_of_weights = uint64(64 // weights.itemsize)
    populations = uint64(sender_of[sender_of.size - 1]) + ONE
    # What the synapses in the buckets have in common; where all delays lie in the codes, not even the slot.
    held_own, held_weight, held_due = False, arrivals.dtype.type(0), uint64(0)
    left = limit
    for part in range(low_part, high_part):
        filled[skip + part] = part * bucket
    q = uint64(first)
    while q < uint64(last):
        # What goes into the same slot with the same weight: the spikes of one population in one step.
        step, sender = spike_step[q], uint64(sender_of[spike_neuron[q]])
        beyond = r_start[sender + ONE] if sender + ONE < uint64(populations) else np.int64(sender_of.size)
        upto = q + ONE
        while upto < uint64(last) and spike_step[upto] == step and spike_neuron[upto] < beyond:
            upto += ONE
        slot = uint64(step % slots)
        for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
            first_row = uint64(r_base[k] - r_start[sender])
            own, shift, weight = r_weighted[k] > 0, uint64(r_weight_at[k]), r_weight[k]
            due = slot + uint64(r_delay[k])
            due = due - uint64(slots) if due >= uint64(slots) else due
            for part in range(low_part, high_part):
                if r_delay[k] > 0:
                    came[part * uint64(slots) + due] |= r_states[k]
                elif len(shape.flagged):
                    for any_slot in range(uint64(slots)):
                        came[part * uint64(slots) + any_slot] |= r_states[k]
            alike = own == held_own and weight == held_weight and (len(buckets.around) > 0 or due == held_due)
            if left < limit and not alike:
                _empty(
                    low_part, high_part, skip, bucket, slots, width, parts, arrivals, held_own, held_weight, held_due,
                    shape, total, marks, buckets,
                )  # fmt: skip
                left = limit
            held_own, held_weight, held_due = own, weight, due
            for j in range(q, upto):
                if j + EARLIER < upto:
                    spot = (first_row + uint64(spike_neuron[j + EARLIER])) * columns
                    prefetch(cuts, spot + low_part)
                    prefetch(cuts, spot + high_part)
                if j + AHEAD < upto:
                    spot = (first_row + uint64(spike_neuron[j + AHEAD])) * columns
                    a, z = uint64(cuts[spot + low_part]), uint64(cuts[spot + high_part])
                    for line in range(a, z + uint64(LINE), uint64(LINE)):
                        prefetch(codes, line)
                    if own:
                        for line in range(a + shift, z + shift + line_of_weights, line_of_weights):
                            prefetch(weights, line)
                spot = (first_row + uint64(spike_neuron[j])) * columns
                a, z = uint64(cuts[spot + low_part]), uint64(cuts[spot + high_part])
                if z - a > left:
                    _empty(
                        low_part, high_part, skip, bucket, slots, width, parts, arrivals, held_own, held_weight,
                        held_due, shape, total, marks, buckets,
                    )  # fmt: skip
                    left = limit  # which is room for the longest row
                left -= z - a
                for part in range(low_part, high_part):
                    z = uint64(cuts[spot + part + ONE])
                    to = uint64(filled[skip + part])
                    if len(buckets.around):
                        plane = (uint64(parts[part + ONE]) - uint64(parts[part])) * width
                        copy_around(codes, a, bucket_codes, to, z - a, due * plane, uint64(slots) * plane)
                    else:
                        copy(codes, a, bucket_codes, to, z - a)
                    if own:
                        copy(weights, a + shift, bucket_weights, to, z - a)
                    filled[skip + part] = to + (z - a)
                    a = z
        q = upto
    if left < limit:
        _empty(
            low_part, high_part, skip, bucket, slots, width, parts, arrivals, held_own, held_weight, held_due, shape,
            total, marks, buckets,
        )  # fmt: skip


@njit(nogil=True, _nrt=False, error_model="numpy")  # pyright: ignore[reportCallIssue]
def _empty(
    low_part, high_part, skip, bucket, slots, width, parts, arrivals, own, weight, due, shape, total, marks, buckets
):
    """Add what lies in a thread's buckets to the arrivals, part by part."""
    bucket_codes, bucket_weights, filled = buckets.codes, buckets.weights, buckets.filled
    none = uint64(0)
    for part in range(low_part, high_part):
        low, high = uint64(parts[part]), uint64(parts[part + ONE])
        plane = (high - low) * width
        to_slot = none if len(buckets.around) else due * plane
        at = low * width * uint64(slots) + to_slot
        a, z = part * bucket, uint64(filled[skip + part])
        filled[skip + part] = a
        if own:
            add_weights(arrivals, at, bucket_codes, a, z, weight, bucket_weights, none, none, none)
        else:
            add_row(arrivals, at, bucket_codes, a, z, weight, bucket_weights, none, none, none)
        if len(shape.nonzero):
            for s in range(a, z):
                to = to_slot + uint64(bucket_codes[s])
                mark(to, uint64(slots) * plane, plane, (high - low) * LANES, low, total, marks)
