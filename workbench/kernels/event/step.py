"""One step of a run of neurons, as loops that vectorise: Poisson counts, integrate, test, deliver, reset.

Letters: v potential; a, b, c, mu, gain the constants of the exact step (see `Lif.step_constants`); n the step. What makes these
loops fast, each measured: their counters and offsets are unsigned (signed ones keep LLVM from vectorising, since Numba tests for
negative indices); the fast paths take whole arrays and places, since a slice costs two reference counts; all lanes of one loop have one width; no loop writes more than a few arrays, or LLVM gives up
proving that they do not overlap.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.rule import bits


@njit
def poisson(word1, word2, first, table, low, high, scratch, counts):
    """Counts (uint32) of the neurons from index `first`: the few likely thresholds are compared in vector form, the rare ones after."""
    n = uint64(counts.size)
    top = uint32(0xFFFFFFFF)
    base = uint32(first)
    # One wraparound test for both rare ends: least <= x < most.
    least = table[low - 1] if low > 0 else uint32(0)
    width = uint32((table[high] if high < table.size else top) - least)
    for i in range(n):
        scratch[i] = bits(word1, word2, uint32(base + uint32(i)))
    odd = uint32(0)
    for i in range(n):
        odd |= uint32(uint32(scratch[i] - least) >= width)
    # Four thresholds a pass: fewer loads and stores. Past the last one stands a bound only the rare ends can meet.
    for k in range(low, max(high, low + 1), 4):
        t0 = table[k] if k < high else top
        t1 = table[k + 1] if k + 1 < high else top
        t2 = table[k + 2] if k + 2 < high else top
        t3 = table[k + 3] if k + 3 < high else top
        if k == low:
            start = uint32(low)
            for i in range(n):
                x = scratch[i]
                counts[i] = start + uint32(x >= t0) + uint32(x >= t1) + uint32(x >= t2) + uint32(x >= t3)
        else:
            for i in range(n):
                x = scratch[i]
                counts[i] += uint32(x >= t0) + uint32(x >= t1) + uint32(x >= t2) + uint32(x >= t3)
    if odd:
        _recount(scratch[:n], table, least, width, counts)


@njit
def _recount(scratch, table, least, width, counts):
    """Count again, against every threshold, where the bits lie at a rare end; blocks of 32 without one are passed quickly."""
    for b in range(0, scratch.size, 32):
        block = scratch[b : b + 32]
        odd = uint32(0)
        for i in range(uint64(block.size)):
            odd |= uint32(uint32(block[i] - least) >= width)
        if odd:
            for i in range(block.size):
                x = block[i]
                if uint32(x - least) >= width:
                    total = uint32(0)
                    for k in range(table.size):
                        total += uint32(x >= table[k])
                    counts[b + i] = total


@njit
def add_counts(line, at, counts, weight):
    """Add weight × counts to the arrivals from place `at` of the ring; returns the sum of the counts."""
    total = uint32(0)
    for i in range(uint64(counts.size)):
        line[at + i] += weight * line.dtype.type(counts[i])
        total += counts[i]
    return np.int64(total)


@njit
def step_delta(v, ready, line, low, high, at, mu, a, threshold, reset, now, hold, zero):
    """One step of the neurons `low` to `high` with the delta receptor alone; returns (neurons touched, neurons fired).

    The arrivals of neuron i lie at `line[at + i]`.
    """
    hits = ready.dtype.type(0)
    fires = ready.dtype.type(0)
    for i in range(low, high):
        old = v[i]
        awake = ready[i] <= now
        new = mu + (old - mu) * a
        new = new if awake else old
        fired = awake & (new > threshold)
        arrived = line[at + i]
        landed = new + arrived
        landed = landed if awake else new
        v[i] = reset if fired else landed
        ready[i] = hold if fired else ready[i]
        fires += ready.dtype.type(fired)
        hits += ready.dtype.type(fired | (arrived != zero))
        line[at + i] = zero
    return np.int64(hits), np.int64(fires)


@njit
def step_pair(v, ready, flows, low, high, size, mu, a, b1, b2, threshold, reset, now, hold):
    """Integrate, test and reset neurons that have two exponential receptors and nothing else; the flows lie one after the other."""
    for i in range(low, high):
        old = v[i]
        awake = ready[i] <= now
        new = mu + (old - mu) * a
        new = new + flows[i] * b1
        new = new + flows[size + i] * b2
        new = new if awake else old
        fired = awake & (new > threshold)
        v[i] = reset if fired else new
        ready[i] = hold if fired else ready[i]


@njit
def touched(ready, line, low, high, at1, at2, hold, zero):
    """(neurons that something arrived for or that fired, neurons that fired): a neuron is held until `hold` only by firing now."""
    hits = ready.dtype.type(0)
    fires = ready.dtype.type(0)
    for i in range(low, high):
        fired = ready[i] == hold
        fires += ready.dtype.type(fired)
        hits += ready.dtype.type(fired | (line[at1 + i] != zero) | (line[at2 + i] != zero))
    return np.int64(hits), np.int64(fires)


@njit
def decay(flows, line, low, high, at_flow, at, c, zero):
    """Let an exponential current decay and add a step's arrivals."""
    for i in range(low, high):
        flows[at_flow + i] = flows[at_flow + i] * c + line[at + i]
        line[at + i] = zero


@njit
def relax(x, v, mu, a):
    """x = the potential after one step without currents."""
    for i in range(uint64(v.size)):
        x[i] = mu + (v[i] - mu) * a


@njit
def flow(x, current, b, c):
    """Add what an exponential current did in one step, and let it decay."""
    for i in range(uint64(current.size)):
        x[i] += current[i] * b
        current[i] = current[i] * c


@njit
def inject(x, current, gain):
    """Add what an outside current did in one step."""
    for i in range(uint64(current.size)):
        x[i] += gain * current[i]


@njit
def fire(x, v, ready, hit, threshold, reset, now, hold, jump, delta, zero):
    """Test, deliver to the delta receptor if there is one, reset; returns how many fired."""
    fires = ready.dtype.type(0)
    if delta:
        for i in range(uint64(v.size)):
            awake = ready[i] <= now
            new = x[i] if awake else v[i]
            fired = awake & (new > threshold)
            arrived = jump[i]
            landed = new + arrived
            landed = landed if awake else new
            v[i] = reset if fired else landed
            ready[i] = hold if fired else ready[i]
            fires += ready.dtype.type(fired)
            hit[i] = ready.dtype.type(fired | (arrived != zero))
            jump[i] = zero
    else:
        for i in range(uint64(v.size)):
            awake = ready[i] <= now
            new = x[i] if awake else v[i]
            fired = awake & (new > threshold)
            v[i] = reset if fired else new
            ready[i] = hold if fired else ready[i]
            fires += ready.dtype.type(fired)
            hit[i] = ready.dtype.type(fired)
    return np.int64(fires)


@njit
def arrive(current, jump, hit, zero):
    """Add a step's arrivals to an exponential current."""
    for i in range(uint64(current.size)):
        arrived = jump[i]
        current[i] += arrived
        hit[i] |= hit.dtype.type(arrived != zero)
        jump[i] = zero


@njit
def count(hit):
    """How many of `hit` are set."""
    total = hit.dtype.type(0)
    for i in range(uint64(hit.size)):
        total += hit[i]
    return np.int64(total)


@njit
def collect(ready, low, high, hold, n, spike_step, spike_neuron, written):
    """Write the spikes of step n: neurons held until `hold`. Blocks without one cost a few vector instructions."""
    for b in range(low, high, uint64(32)):
        end = min(b + uint64(32), high)
        some = ready.dtype.type(0)
        for i in range(b, end):
            some |= ready.dtype.type(ready[i] == hold)
        if some:
            for i in range(b, end):
                # Written always, kept when it fired: no branch to mispredict.
                spike_step[written] = n
                spike_neuron[written] = np.int64(i)
                written += np.int64(ready[i] == hold)
    return written
