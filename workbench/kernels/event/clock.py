"""Chip time in the simple model: in each step the slowest core, then the barrier."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import WIDTH, load, prefetch, store

__all__ = ["TOGETHER", "simple", "tabulate", "tally"]

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

AHEAD = 12  # spikes between asking for a row and reading it
TOGETHER = 2 * WIDTH
"""Cores whose sums are kept in registers: rows of a table are multiples of it."""

_FEW = 128
"""Rows summed in 16 bits: 128 × 255 fits."""


@intrinsic
def _hear(
    typingctx: Any, table: Any, width: Any, at: Any, neurons: Any, first: Any, last: Any, packets: Any, operations: Any
) -> Any:
    """Sum the columns `at` to `at` + 64 of the rows `neurons[first:last]` into `operations`, and how many are not nought into `packets`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def data(number: int) -> Any:
            return context.make_array(signature.args[number])(context, builder, args[number]).data

        rows, who, heard, done = data(0), data(3), data(6), data(7)
        width, at, first, last = args[1], args[2], args[4], args[5]
        long, short, wide = ir.IntType(64), ir.VectorType(ir.IntType(16), WIDTH), ir.VectorType(ir.IntType(32), WIDTH)
        columns = [builder.add(at, long(c)) for c in (0, WIDTH)]
        sums = [[cgutils.alloca_once(builder, short) for _ in columns] for _ in range(2)]
        with cgutils.for_range_slice(builder, first, last, long(_FEW), long) as (begin, _):
            end = builder.add(begin, long(_FEW))
            end = builder.select(builder.icmp_unsigned("<", end, last), end, last)
            for place in (*sums[0], *sums[1]):
                builder.store(ir.Constant(short, None), place)
            with cgutils.for_range_slice(builder, begin, end, long(1), long) as (q, _):
                row = builder.mul(builder.zext(builder.load(builder.gep(who, [q])), long), width)
                for k, column in enumerate(columns):
                    found = load(builder, rows, builder.add(row, column))
                    some = builder.sext((found != 0).value, short)
                    for place, more in (
                        (sums[0][k], builder.neg(some)),
                        (sums[1][k], builder.zext(found.value, short)),
                    ):
                        builder.store(builder.add(builder.load(place), more), place)
            for given, out in zip(sums, (heard, done), strict=True):
                for place, column in zip(given, columns, strict=True):
                    total = load(builder, out, column)
                    total.value = builder.add(total.value, builder.zext(builder.load(place), wide))
                    store(builder, total, out, column)
        return context.get_dummy_value()

    place = types.uint64
    return types.void(table, place, place, neurons, place, place, packets, operations), code


@njit(cache=True, nogil=True)
def tabulate(fan_start, fan, table):
    """Write the operations of every spike on every core from `fan` into `table` (uint8, neurons × cores)."""
    for i in range(uint64(table.shape[0])):
        row = table[i]
        for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
            entry = uint64(fan[r])
            row[entry & uint64(0xFFFF)] = np.uint8(entry >> uint64(16))


@njit(cache=True, nogil=True)
def simple(
    start, spike_step, spike_neuron, fan_start, fan, home, sent, active, outside, neurons, seconds, clock, table
):  # fmt: skip
    """Add the chip time of a call's steps to `clock`, one after the other, and return it.

    A core computes and listens side by side: a step takes as long as the longest of all its cores' computing (updates, spikes
    and packets sent) or listening (packets received and their synaptic operations), and then the barrier.

    One entry of `fan` (uint64, or uint32 where that is enough) is one core that a spike reaches: the core in the low 16 bits, then 16 bits each of its synaptic,
    dense and shared operations there. Where most cores hear most spikes, `table` (see `tabulate`) has the same as whole rows, which
    are added as vectors; else it has no rows. `sent` is the packets of one spike of each neuron. `seconds` are those of an active update,
    an inactive one, an outside operation, a core step, a spike, a packet sent, one received, the three kinds of operation, and
    the barrier.
    """
    cores = uint64(active.shape[1])
    width, tabled = uint64(table.shape[1]), table.shape[0] > 0
    entries = table.reshape(-1)
    packets, plain = np.zeros(max(cores, width), np.uint32), np.zeros(max(cores, width), np.uint32)
    both, dense, shared = np.zeros(cores, np.uint64), np.zeros(cores, np.uint64), np.zeros(cores, np.uint64)
    fired, sending = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    per_active, per_inactive, per_outside, per_core = seconds[0], seconds[1], seconds[2], seconds[3]
    per_spike, per_packet, per_received = seconds[4], seconds[5], seconds[6]
    per_synaptic, per_dense, per_shared, barrier = seconds[7], seconds[8], seconds[9], seconds[10]
    low = uint64(0xFFFF)
    q, last = uint64(0), uint64(spike_step.size)
    for row in range(uint64(active.shape[0])):
        first = q
        while q < last and spike_step[q] == start + np.int64(row):
            i = uint64(spike_neuron[q])
            c = uint64(home[i])
            fired[c] += 1
            sending[c] += sent[i]
            q += uint64(1)
        if tabled:
            for at in range(uint64(0), width, uint64(TOGETHER)):
                _hear(entries, width, at, spike_neuron, first, q, packets, plain)
        else:
            for k in range(first, q):
                if k + uint64(AHEAD) < last:
                    ahead = uint64(spike_neuron[k + uint64(AHEAD)])
                    at = uint64(fan_start[ahead])
                    for line in range(uint64(4)):
                        prefetch(fan, at + line * uint64(16))
                i = uint64(spike_neuron[k])
                for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                    entry = uint64(fan[r])
                    to = entry & low
                    # Two sums of 32 bits in one word: packets and synaptic operations; the rarer kinds have a word of their own.
                    both[to] += (uint64(1) << uint64(32)) | ((entry >> uint64(16)) & low)
                    rare = entry >> uint64(32)
                    if rare:
                        dense[to] += rare & low
                        shared[to] += rare >> uint64(16)
            for c in range(cores):
                packets[c], plain[c] = np.uint32(both[c] >> uint64(32)), np.uint32(both[c])
                both[c] = uint64(0)
        longest = 0.0
        for c in range(cores):
            busy = active[row, c]
            computing = busy * per_active + (neurons[c] - busy) * per_inactive + per_core
            computing += fired[c] * per_spike + sending[c] * per_packet
            listening = outside[row, c] * per_outside + packets[c] * per_received + plain[c] * per_synaptic
            listening += dense[c] * per_dense + shared[c] * per_shared
            longest = max(longest, computing, listening)
            fired[c] = sending[c] = 0
            dense[c] = shared[c] = uint64(0)
        packets[:] = 0
        plain[:] = 0
        clock += longest + barrier
    return clock


@njit(cache=True, nogil=True)
def tally(fan_start, fan, fired, cores):
    """What every core heard when neuron i fired `fired[i]` times: (packets, synaptic, dense, shared operations), each by core."""
    packets, plain, dense, shared = (
        np.zeros(cores, np.int64),
        np.zeros(cores, np.int64),
        np.zeros(cores, np.int64),
        np.zeros(cores, np.int64),
    )
    low = uint64(0xFFFF)
    for i in range(uint64(fired.size)):
        times = np.int64(fired[i])
        if times:
            for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                entry = uint64(fan[r])
                to = entry & low
                packets[to] += times
                plain[to] += times * np.int64((entry >> uint64(16)) & low)
                rare = entry >> uint64(32)
                if rare:
                    dense[to] += times * np.int64(rare & low)
                    shared[to] += times * np.int64(rare >> uint64(16))
    return packets, plain, dense, shared
