"""The event engine's step, compiled: integrate, test, deliver, reset, with the counts the ledger needs.

The slow, obvious twin is `tests/naive.py`. Letters: v potential, a, b, c, mu, gain the constants of the exact step (see
`Lif.step_constants`), n the step. All arrays of one call have one floating type, float64 or float32; sums of arrivals are exact
in float64 because weights lie on a power-of-two grid.

Signed offsets keep LLVM from vectorising (Numba tests for negative indices), so inner loops run from 0 over slices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.rule import bits, words


class Segments(NamedTuple):
    """Runs of neurons that share constants and a core."""

    start: np.ndarray  # int64 (segments + 1): first neuron of each
    population: np.ndarray  # int64
    base: np.ndarray  # int64: first neuron of the segment's population
    core: np.ndarray  # int64
    mu: np.ndarray
    a: np.ndarray
    gain: np.ndarray
    threshold: np.ndarray
    reset: np.ndarray
    refractory: np.ndarray  # int32, steps
    b: np.ndarray  # (exponential receptors, segments)
    c: np.ndarray


class Wires(NamedTuple):
    """Blocks of synapses by source; the rows of block k begin at `start[row_base[k]]`."""

    start: np.ndarray  # int64, absolute places in targets
    targets: np.ndarray  # uint16 or uint32, local to the target population
    row_base: np.ndarray
    target_start: np.ndarray
    target_size: np.ndarray
    row: np.ndarray  # accumulator row of the block's receptor
    weight: np.ndarray
    weighted: np.ndarray  # uint8: the block has a weight per synapse, at weights[weight_at + place]
    weight_at: np.ndarray  # where the block's own weights begin, less the place of its first target
    weights: np.ndarray
    delay: np.ndarray
    delayed: np.ndarray
    delay_at: np.ndarray
    delays: np.ndarray  # int32
    first: np.ndarray  # (populations + sources + 1): the blocks of each sender are listed[first[s]:first[s + 1]]
    listed: np.ndarray


class Noise(NamedTuple):
    """Poisson sources one-to-one onto a population, drawn as the run goes."""

    population: np.ndarray
    key: np.ndarray  # uint64
    table: np.ndarray  # uint32, all tables one after the other
    table_at: np.ndarray
    low: np.ndarray  # thresholds below this number are passed almost surely
    high: np.ndarray  # and those from this number on almost never
    weight: np.ndarray
    row: np.ndarray
    delay: np.ndarray
    begin: np.ndarray  # first step with spikes
    end: np.ndarray


class Fan(NamedTuple):
    """Which cores each neuron's spikes go to, for the timing model."""

    start: np.ndarray  # int64 (neurons + 1)
    core: np.ndarray
    operations: np.ndarray
    path: np.ndarray  # float64 (neurons): longest way of a packet, s


class Times(NamedTuple):
    """Seconds of each kind of work."""

    active: float
    inactive: float
    operation: float
    outside: float
    barrier: float


class Outside(NamedTuple):
    """Outside spikes of this window, step by step, and outside currents (empty when there are none)."""

    at: np.ndarray  # int64 (steps + 1)
    sender: np.ndarray  # number of the sender among populations and sources
    neuron: np.ndarray
    count: np.ndarray
    current: np.ndarray  # (steps, neurons), or (0, 0)


class State(NamedTuple):
    """What changes: kept between windows, saved by `Run.save`."""

    v: np.ndarray
    currents: np.ndarray  # (exponential receptors, neurons)
    ready: np.ndarray  # int32: the step at which the neuron integrates again
    ring: np.ndarray  # (slots, receptor rows, neurons): arrivals to come
    spikes: np.ndarray  # int64 (neurons): spikes so far
    active: np.ndarray  # int64 (segments): active updates so far
    outside: np.ndarray  # int64 (segments): operations from fused outside sources so far
    outside_core: np.ndarray  # int64 (cores): operations from listed outside spikes so far


class Taps(NamedTuple):
    """Probed values: for each tap a state row, neurons, a stride, and where its values go."""

    row: np.ndarray  # 0 is v, 1.. are the currents
    stride: np.ndarray
    first: np.ndarray  # (taps + 1) into neurons
    neurons: np.ndarray
    mean: np.ndarray  # uint8: keep the mean alone
    at: np.ndarray  # where the tap's values go; moves on during the call
    out: np.ndarray  # float64


@njit(inline="always")
def _poisson(word1, word2, first, size, table, low, high, scratch, counts):
    """Counts (uint32) of `size` neurons from index `first`: all thresholds but the rare ones are compared in vector form."""
    n = uint64(size)
    for i in range(n):
        scratch[i] = bits(word1, word2, uint32(first + i))
    for i in range(n):
        counts[i] = uint32(low)
    for k in range(low, high):
        t = table[k]
        for i in range(n):
            counts[i] += uint32(scratch[i] >= t)
    least = table[low - 1] if low > 0 else uint32(0)
    beyond = high < table.size
    most = table[high] if beyond else uint32(0)
    odd = 0
    for i in range(n):
        x = scratch[i]
        odd += (x < least) | (beyond & (x >= most))
    if odd:
        for i in range(n):
            x = scratch[i]
            if x < least or (beyond and x >= most):
                total = 0
                for k in range(table.size):
                    total += x >= table[k]
                counts[i] = uint32(total)
    return


@njit(inline="always")
def _scatter(wires, k, neuron, times, slot, slots, ring):
    """Put one sender neuron's synapses of block `k` into the ring, `times` times over; returns how many synapses."""
    begin = wires.start[wires.row_base[k] + neuron]
    end = wires.start[wires.row_base[k] + neuron + 1]
    lo = wires.target_start[k]
    size = wires.target_size[k]
    row = wires.row[k]
    targets = wires.targets[begin:end]
    own_weights = wires.weighted[k]
    own_delays = wires.delayed[k]
    if not own_delays:
        into = ring[(slot + wires.delay[k]) % slots, row, lo : lo + size]
        if own_weights:
            w = wires.weights[wires.weight_at[k] + begin : wires.weight_at[k] + end]
            for s in range(uint64(targets.size)):
                into[targets[s]] += w[s] * times
        else:
            weight = wires.weight[k] * times
            for s in range(uint64(targets.size)):
                into[targets[s]] += weight
    else:
        d = wires.delays[wires.delay_at[k] + begin : wires.delay_at[k] + end]
        for s in range(targets.size):
            weight = wires.weights[wires.weight_at[k] + begin + s] if own_weights else wires.weight[k]
            ring[(slot + d[s]) % slots, row, lo + np.int64(targets[s])] += weight * times
    return end - begin


@njit(cache=True, nogil=True)
def advance(start, stop, state, segments, wires, noise, outside, fan, times, taps, cores, target_core, spike_step, spike_neuron):
    """Run steps `start` to `stop`; returns (step reached, spikes written, seconds of chip time).

    It ends early, between two steps, when the spike buffers might overflow in the next one.
    `cores` is a float64 scratch (cores), `target_core` the core of each neuron.
    """
    v, ring, ready = state.v, state.ring, state.ready
    slots, rows, size = ring.shape
    kinds = state.currents.shape[0]
    delta = rows > kinds  # row 0 is the delta receptor when there is one; exponential receptors follow
    longest = np.int64(1)
    for g in range(segments.core.size):
        longest = max(longest, segments.start[g + 1] - segments.start[g])
    x = np.empty(longest, v.dtype)
    flag = np.empty(longest, np.uint8)
    hit = np.empty(longest, np.uint8)
    scratch = np.empty(longest, np.uint32)
    drawn = np.empty(longest, np.uint32)
    zero = x.dtype.type(0)
    with_current = outside.current.size > 0
    chip_seconds = 0.0
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        slot = n % slots
        first_spike = written
        for t in range(taps.row.size):
            if n % taps.stride[t] == 0:
                at = taps.at[t]
                total = 0.0
                for q in range(taps.first[t], taps.first[t + 1]):
                    i = taps.neurons[q]
                    value = np.float64(v[i]) if taps.row[t] == 0 else np.float64(state.currents[taps.row[t] - 1, i])
                    if taps.mean[t]:
                        total += value
                    else:
                        taps.out[at] = value
                        at += 1
                if taps.mean[t]:
                    taps.out[at] = total / (taps.first[t + 1] - taps.first[t])
                    at += 1
                taps.at[t] = at
        for c in range(cores.size):
            cores[c] = 0.0
        for g in range(segments.core.size):
            lo, hi = segments.start[g], segments.start[g + 1]
            length = uint64(hi - lo)
            p = segments.population[g]
            core = segments.core[g]
            for f in range(noise.population.size):
                if noise.population[f] == p:
                    born = n - noise.delay[f]
                    if born >= noise.begin[f] and born < noise.end[f] and born >= 0:
                        w1, w2 = words(noise.key[f], born)
                        table = noise.table[noise.table_at[f] : noise.table_at[f + 1]]
                        base = lo - segments.base[g]
                        _poisson(w1, w2, base, hi - lo, table, noise.low[f], noise.high[f], scratch, drawn)
                        into = ring[slot, noise.row[f], lo:hi]
                        weight = noise.weight[f]
                        total = uint32(0)
                        for i in range(length):
                            into[i] += weight * x.dtype.type(drawn[i])
                            total += drawn[i]
                        state.outside[g] += total
                        cores[core] += total * times.outside
            mu, a = segments.mu[g], segments.a[g]
            threshold, reset, hold = segments.threshold[g], segments.reset[g], np.int32(n + segments.refractory[g])
            now = np.int32(n)
            vs, rs = v[lo:hi], ready[lo:hi]
            for i in range(length):
                x[i] = mu + (vs[i] - mu) * a
            for e in range(kinds):
                b, c = segments.b[e, g], segments.c[e, g]
                current = state.currents[e, lo:hi]
                for i in range(length):
                    x[i] += current[i] * b
                    current[i] = current[i] * c
            if with_current:
                gain = segments.gain[g]
                given = outside.current[n - start, lo:hi]
                for i in range(length):
                    x[i] += gain * given[i]
            if delta:
                jump = ring[slot, 0, lo:hi]
                for i in range(length):
                    awake = rs[i] <= now
                    new = x[i] if awake else vs[i]
                    fired = awake & (new > threshold)
                    arrived = jump[i]
                    landed = new + arrived if (awake & (not fired)) else new
                    vs[i] = reset if fired else landed
                    rs[i] = hold if fired else rs[i]
                    flag[i] = fired
                    hit[i] = fired | (arrived != zero)
                    jump[i] = zero
            else:
                for i in range(length):
                    awake = rs[i] <= now
                    new = x[i] if awake else vs[i]
                    fired = awake & (new > threshold)
                    vs[i] = reset if fired else new
                    rs[i] = hold if fired else rs[i]
                    flag[i] = fired
                    hit[i] = fired
            for e in range(kinds):
                current = state.currents[e, lo:hi]
                jump = ring[slot, e + rows - kinds, lo:hi]
                for i in range(length):
                    arrived = jump[i]
                    current[i] += arrived
                    hit[i] |= arrived != zero
                    jump[i] = zero
            hits = np.int64(0)
            fired_here = np.int64(0)
            for i in range(length):
                hits += hit[i]
                fired_here += flag[i]
            state.active[g] += hits
            cores[core] += hits * times.active + (hi - lo - hits) * times.inactive
            if fired_here:
                for i in range(length):
                    if flag[i]:
                        spike_step[written] = n
                        spike_neuron[written] = lo + np.int64(i)
                        written += 1
        longest_path = 0.0
        g = 0
        for s in range(first_spike, written):
            i = spike_neuron[s]
            state.spikes[i] += 1
            while i >= segments.start[g + 1]:
                g += 1
            population = segments.population[g]
            local = i - segments.base[g]
            for q in range(wires.first[population], wires.first[population + 1]):
                _scatter(wires, wires.listed[q], local, 1, slot, slots, ring)
            for q in range(fan.start[i], fan.start[i + 1]):
                cores[fan.core[q]] += fan.operations[q] * times.operation
            longest_path = max(longest_path, fan.path[i])
        for q in range(outside.at[n - start], outside.at[n - start + 1]):
            sender, neuron, many = outside.sender[q], outside.neuron[q], outside.count[q]
            for r in range(wires.first[sender], wires.first[sender + 1]):
                k = wires.listed[r]
                _scatter(wires, k, neuron, many, slot, slots, ring)
                for s in range(wires.start[wires.row_base[k] + neuron], wires.start[wires.row_base[k] + neuron + 1]):
                    core = target_core[wires.target_start[k] + np.int64(wires.targets[s])]
                    state.outside_core[core] += many
                    cores[core] += many * times.outside
        busiest = 0.0
        for c in range(cores.size):
            busiest = max(busiest, cores[c])
        chip_seconds += busiest + longest_path + times.barrier
        n += 1
    return n, written, chip_seconds


@njit(cache=True, nogil=True)
def fan_out(start, targets, target_core, cores, counts):
    """Add one block's synapses to `counts` (sources, cores): how many of each source's synapses lie on each core."""
    for i in range(start.size - 1):
        row = counts[i]
        for s in range(start[i], start[i + 1]):
            row[target_core[targets[s]]] += 1
