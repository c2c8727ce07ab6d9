"""What comes from outside: Poisson sources drawn as the run goes, and the spikes listed for a call."""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.event.rain import add_counts, count
from workbench.kernels.lanes import trailing
from workbench.kernels.rule import bits, words

__all__ = ["deliver_listed", "mark", "rain"]

LANES = uint64(32)


@njit(inline="always")
def rain(born, key, first, last, low, high, table, weight, index, place, at, live, drawn, arrivals):
    """Draw one source's spikes of step `born` for one block and add them to its arrivals at `at`; returns how many."""
    w1, w2 = words(key, born)
    low, high = first + low, first + high
    # One wraparound test for both rare ends: least <= x < most.
    least = table[low - 1] if low > first else uint32(0)
    most = table[high] if high < last else uint32(0xFFFFFFFF)
    passed, width = uint32(low - first), uint32(most - least)
    odd = count(index, place, w1, w2, table, uint64(low), uint64(high), passed, least, width, drawn)
    while odd:
        k = uint64(trailing(odd))
        x = bits(w1, w2, index[place + k])
        total = uint32(0)
        for t in range(first, last):
            total += uint32(x >= table[t])
        drawn[k] = total
        odd &= uint32(odd - uint32(1))
    if live != uint32(0xFFFFFFFF):
        for k in range(LANES):
            if not (live >> uint32(k)) & uint32(1):
                drawn[k] = uint32(0)
    return np.int64(add_counts(drawn, arrivals, at, weight))


@njit(inline="always")
def mark(to, ring, plane, width, low, total, marks):
    """Remember that something arrives at place `to` of a part, though it may add up to nothing."""
    to = to - ring if to >= ring else to
    marks[(to // plane) * total + low + (to % plane) // width] |= uint32(1) << uint32(to & uint64(31))


@njit
def deliver_listed(part, n, m, start, slots, width, rows, blocks, outside, arrivals, outside_here, shape, total, marks):
    """Deliver the listed outside spikes of steps `n` to `m` to one part of the neurons."""
    columns = uint64(blocks.parts.size)
    low, high = uint64(blocks.parts[part]), uint64(blocks.parts[part + 1])
    plane = (high - low) * width
    base = low * width * uint64(slots)
    for s in range(n, m):
        for q in range(outside.at[s - start], outside.at[s - start + 1]):
            sender, times = outside.sender[q], outside.times[q]
            many = arrivals.dtype.type(times)
            for k in range(rows.first[sender], rows.first[sender + 1]):
                spot = uint64(rows.base[k] + outside.neuron[q]) * columns + uint64(part)
                due = uint64((s + rows.delay[k]) % slots)
                for c in range(uint64(rows.cuts[spot]), uint64(rows.cuts[spot + uint64(1)])):
                    weight = rows.weight[k]
                    if rows.weighted[k]:
                        weight *= arrivals.dtype.type(rows.weights[c + uint64(rows.weight_at[k])])
                    to = due * plane + uint64(rows.codes[c])
                    to = to - uint64(slots) * plane if to >= uint64(slots) * plane else to
                    arrivals[base + to] += weight * many
                    if len(shape.nonzero):
                        mark(to, uint64(slots) * plane, plane, width, low, total, marks)
                    outside_here[s - start, blocks.core[low + (to % plane) // width]] += times
