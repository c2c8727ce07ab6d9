"""What comes from outside: Poisson sources drawn as the run goes, and the spikes listed for a call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types, uint32, uint64
from numba.extending import intrinsic as _intrinsic
from numba.extending import overload

from workbench.kernels.event.dense import deliver_dense
from workbench.kernels.event.rain import add_counts, count
from workbench.kernels.lanes import load, mask, popcount, trailing
from workbench.kernels.rule import bits, words

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["deliver_listed", "listed", "mark", "rain"]

LANES = uint64(32)


@intrinsic
def _some(typingctx: Any, counts: Any, at: Any) -> Any:
    """A bit for each of the 32 counts from place `at` on that is not nought."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return mask(load(builder, data, args[1]) != 0)

    return types.uint32(counts, types.uint64), code


@njit(cache=True, nogil=True)
def listed(counts):
    """The spikes in `counts` (uint16, steps × neurons) by step: (at, neurons, times), as in `Outside`, all int64."""
    steps, size = counts.shape
    flat = counts.reshape(-1)
    at = np.zeros(steps + 1, np.int64)
    whole = uint64(size) & ~uint64(31)
    for s in range(uint64(steps)):
        begin, found = s * uint64(size), np.int64(0)
        for i in range(uint64(0), whole, uint64(32)):
            found += np.int64(popcount(_some(flat, begin + i)))
        for i in range(whole, uint64(size)):
            found += np.int64(flat[begin + i] != 0)
        at[s + uint64(1)] = at[s] + found
    neurons, times = np.empty(at[steps], np.int64), np.empty(at[steps], np.int64)
    k = uint64(0)
    for s in range(uint64(steps)):
        begin = s * uint64(size)
        for i in range(uint64(0), whole, uint64(32)):
            word = _some(flat, begin + i)
            while word:
                n = i + uint64(trailing(word))
                neurons[k], times[k] = n, flat[begin + n]
                k += uint64(1)
                word &= uint32(word - uint32(1))
        for i in range(whole, uint64(size)):
            if flat[begin + i]:
                neurons[k], times[k] = i, flat[begin + i]
                k += uint64(1)
    return at, neurons, times


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
def mark(to, ring, plane, span, low, total, marks):
    """Remember that something arrives at place `to` of a part, though it may add up to nothing."""
    to = to - ring if to >= ring else to
    marks[(to // plane) * total + low + ((to % span) >> uint64(5))] |= uint32(1) << uint32(to & uint64(31))


def _dense(part, n, m, start, slots, width, dense, blocks, outside, arrivals, outside_here, shape, total, marks):
    """What goes over all-to-all bundles."""


@overload(_dense)
def _compile_dense(
    part, n, m, start, slots, width, dense, blocks, outside, arrivals, outside_here, shape, total, marks
):  # fmt: skip
    # Most networks have none (an empty tuple), and nothing is compiled for them.
    none = isinstance(dense, types.BaseTuple) and not len(dense)

    def nothing(part, n, m, start, slots, width, dense, blocks, outside, arrivals, outside_here, shape, total, marks):
        return None

    def some(part, n, m, start, slots, width, dense, blocks, outside, arrivals, outside_here, shape, total, marks):
        deliver_dense(
            part, n, m, start, slots, width, dense, blocks, outside, arrivals, outside_here, shape, total, marks
        )

    return nothing if none else some


@njit
def _one_by_one(part, n, m, start, slots, width, rows, blocks, outside, arrivals, outside_here, shape, total, marks):
    """Deliver what goes over lists of targets."""
    columns = uint64(blocks.parts.size)
    low, high = uint64(blocks.parts[part]), uint64(blocks.parts[part + 1])
    span = (high - low) * LANES
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
                        mark(to, uint64(slots) * plane, plane, span, low, total, marks)
                    outside_here[s - start, blocks.core[low + ((to % span) >> uint64(5))]] += times


@njit
def deliver_listed(part, n, m, start, slots, width, rows, blocks, outside, arrivals, outside_here, shape, total, marks):
    """Deliver the listed outside spikes of steps `n` to `m` to one part of the neurons."""
    if rows.codes.size:
        _one_by_one(part, n, m, start, slots, width, rows, blocks, outside, arrivals, outside_here, shape, total, marks)
    _dense(part, n, m, start, slots, width, rows.dense, blocks, outside, arrivals, outside_here, shape, total, marks)
