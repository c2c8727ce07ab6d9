"""The event engine's step, compiled: integrate, test, deliver, reset, with the counts the ledger needs.

The slow, obvious twin is `tests/naive.py`. Letters: v potential, a, b, c, mu, gain the constants of the exact step (see
`Lif.step_constants`), n the step. All arrays of one call have one floating type, float64 or float32; sums of arrivals are exact
in float64 because weights lie on a power-of-two grid.

What makes it fast, each measured: inner loops run from 0 over slices with unsigned counters (signed offsets keep LLVM from
vectorising, since Numba tests for negative indices); all lanes of one loop have one width (flags are as wide as the potentials);
tuples of arrays are unpacked once, since handing them on costs a reference count per array.
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
    refractory: np.ndarray  # int64, steps
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
    ready: np.ndarray  # int64 (int32 beside float32): the step at which the neuron integrates again
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


@njit
def _poisson(word1, word2, first, table, low, high, scratch, counts):
    """Counts (uint32) of the neurons from index `first`: the few likely thresholds are compared in vector form, the rare ones after."""
    n = uint64(counts.size)
    for i in range(n):
        scratch[i] = bits(word1, word2, uint32(first + i))
    for i in range(n):
        counts[i] = uint32(low)
    # Four thresholds a pass: fewer loads and stores. Past the last one stands a bound only the rare ends below can meet.
    for k in range(low, high, 4):
        t0 = table[k]
        t1 = table[k + 1] if k + 1 < high else uint32(0xFFFFFFFF)
        t2 = table[k + 2] if k + 2 < high else uint32(0xFFFFFFFF)
        t3 = table[k + 3] if k + 3 < high else uint32(0xFFFFFFFF)
        for i in range(n):
            x = scratch[i]
            counts[i] += uint32(x >= t0) + uint32(x >= t1) + uint32(x >= t2) + uint32(x >= t3)
    # One wraparound test for both rare ends: least <= x < most.
    least = table[low - 1] if low > 0 else uint32(0)
    width = uint32((table[high] if high < table.size else uint32(0xFFFFFFFF)) - least)
    odd = uint32(0)
    for i in range(n):
        odd |= uint32(uint32(scratch[i] - least) >= width)
    if odd:
        for i in range(n):
            x = scratch[i]
            if uint32(x - least) >= width:
                total = uint32(0)
                for k in range(table.size):
                    total += uint32(x >= table[k])
                counts[i] = total


@njit
def _add_counts(into, counts, weight):
    """Add weight × counts to the arrivals; returns the sum of the counts."""
    total = uint32(0)
    for i in range(uint64(into.size)):
        into[i] += weight * into.dtype.type(counts[i])
        total += counts[i]
    return np.int64(total)


@njit
def _step_delta(v, ready, jump, mu, a, threshold, reset, now, hold, zero):
    """One step of neurons with the delta receptor alone; returns (neurons touched, neurons fired)."""
    hits = ready.dtype.type(0)
    fires = ready.dtype.type(0)
    for i in range(uint64(v.size)):
        old = v[i]
        awake = ready[i] <= now
        new = mu + (old - mu) * a
        new = new if awake else old
        fired = awake & (new > threshold)
        arrived = jump[i]
        landed = new + arrived
        landed = landed if awake else new
        v[i] = reset if fired else landed
        ready[i] = hold if fired else ready[i]
        fires += ready.dtype.type(fired)
        hits += ready.dtype.type(fired | (arrived != zero))
        jump[i] = zero
    return np.int64(hits), np.int64(fires)


@njit
def _step_pair(v, ready, first, second, mu, a, b1, b2, threshold, reset, now, hold):
    """Integrate, test and reset neurons that have two exponential receptors and nothing else."""
    for i in range(uint64(v.size)):
        old = v[i]
        awake = ready[i] <= now
        new = mu + (old - mu) * a
        new = new + first[i] * b1
        new = new + second[i] * b2
        new = new if awake else old
        fired = awake & (new > threshold)
        v[i] = reset if fired else new
        ready[i] = hold if fired else ready[i]


@njit
def _touched(ready, hold, jump1, jump2, zero):
    """(neurons that something arrived for or that fired, neurons that fired): a neuron is held until `hold` only by firing now."""
    hits = ready.dtype.type(0)
    fires = ready.dtype.type(0)
    for i in range(uint64(ready.size)):
        fired = ready[i] == hold
        fires += ready.dtype.type(fired)
        hits += ready.dtype.type(fired | (jump1[i] != zero) | (jump2[i] != zero))
    return np.int64(hits), np.int64(fires)


@njit
def _decay(current, jump, c, zero):
    """Let an exponential current decay and add a step's arrivals."""
    for i in range(uint64(current.size)):
        current[i] = current[i] * c + jump[i]
        jump[i] = zero


@njit
def _relax(x, v, mu, a):
    """x = the potential after one step without currents."""
    for i in range(uint64(v.size)):
        x[i] = mu + (v[i] - mu) * a


@njit
def _flow(x, current, b, c):
    """Add what an exponential current did in one step, and let it decay."""
    for i in range(uint64(current.size)):
        x[i] += current[i] * b
        current[i] = current[i] * c


@njit
def _inject(x, current, gain):
    """Add what an outside current did in one step."""
    for i in range(uint64(current.size)):
        x[i] += gain * current[i]


@njit
def _fire(x, v, ready, hit, threshold, reset, now, hold, jump, delta, zero):
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
def _arrive(current, jump, hit, zero):
    """Add a step's arrivals to an exponential current."""
    for i in range(uint64(current.size)):
        arrived = jump[i]
        current[i] += arrived
        hit[i] |= hit.dtype.type(arrived != zero)
        jump[i] = zero


@njit
def _count(hit):
    total = hit.dtype.type(0)
    for i in range(uint64(hit.size)):
        total += hit[i]
    return np.int64(total)


@njit
def _collect(ready, hold, first, n, spike_step, spike_neuron, written):
    """Write the spikes of step n: neurons held until `hold`. Blocks of 32 without one cost a few vector instructions."""
    whole = ready.size // 32 * 32
    for b in range(0, whole, 32):
        block = ready[b : b + 32]
        some = ready.dtype.type(0)
        for i in range(uint64(32)):
            some |= ready.dtype.type(block[i] == hold)
        if some:
            for i in range(uint64(32)):
                if block[i] == hold:
                    spike_step[written] = n
                    spike_neuron[written] = first + b + np.int64(i)
                    written += 1
    for i in range(whole, ready.size):
        if ready[i] == hold:
            spike_step[written] = n
            spike_neuron[written] = first + i
            written += 1
    return written


@njit
def _tap(n, v, currents, row, stride, first, neurons, mean, at, out):
    """Write the probed values of step n."""
    for t in range(row.size):
        if n % stride[t] == 0:
            place = at[t]
            total = 0.0
            for q in range(first[t], first[t + 1]):
                i = neurons[q]
                value = np.float64(v[i]) if row[t] == 0 else np.float64(currents[row[t] - 1, i])
                if mean[t]:
                    total += value
                else:
                    out[place] = value
                    place += 1
            if mean[t]:
                out[place] = total / (first[t + 1] - first[t])
                place += 1
            at[t] = place


@njit(cache=True, nogil=True)
def advance(
    start, stop, state, segments, wires, noise, outside, fan, times, taps, cores, target_core, spike_step, spike_neuron
):
    """Run steps `start` to `stop`; returns (step reached, spikes written, seconds of chip time).

    It ends early, between two steps, when the spike buffers might overflow in the next one.
    `cores` is a float64 scratch (cores), `target_core` the core of each neuron.
    """
    v, ring, ready, currents, fired_so_far = state.v, state.ring, state.ready, state.currents, state.spikes
    active, outside_here, outside_core = state.active, state.outside, state.outside_core
    s_start, s_population, s_base, s_core = segments.start, segments.population, segments.base, segments.core
    s_mu, s_a, s_gain, s_threshold, s_reset, s_hold = (
        segments.mu,
        segments.a,
        segments.gain,
        segments.threshold,
        segments.reset,
        segments.refractory,
    )
    s_b, s_c = segments.b, segments.c
    w_start, w_targets, w_base, w_lo, w_size, w_row = (
        wires.start,
        wires.targets,
        wires.row_base,
        wires.target_start,
        wires.target_size,
        wires.row,
    )
    w_weight, w_weighted, w_weight_at, w_weights = wires.weight, wires.weighted, wires.weight_at, wires.weights
    w_delay, w_delayed, w_delay_at, w_delays = wires.delay, wires.delayed, wires.delay_at, wires.delays
    w_first, w_listed = wires.first, wires.listed
    p_population, p_key, p_table, p_table_at, p_low, p_high = (
        noise.population,
        noise.key,
        noise.table,
        noise.table_at,
        noise.low,
        noise.high,
    )
    p_weight, p_row, p_delay, p_begin, p_end = noise.weight, noise.row, noise.delay, noise.begin, noise.end
    o_at, o_sender, o_neuron, o_count, o_current = (
        outside.at,
        outside.sender,
        outside.neuron,
        outside.count,
        outside.current,
    )
    f_start, f_core, f_operations, f_path = fan.start, fan.core, fan.operations, fan.path
    t_active, t_inactive, t_operation, t_outside, t_barrier = (
        times.active,
        times.inactive,
        times.operation,
        times.outside,
        times.barrier,
    )

    slots, rows, size = ring.shape
    kinds = currents.shape[0]
    delta = rows > kinds  # row 0 is the delta receptor when there is one; exponential receptors follow
    groups = s_core.size
    longest = np.int64(1)
    for g in range(groups):
        longest = max(longest, s_start[g + 1] - s_start[g])
    x = np.empty(longest, v.dtype)
    hit = np.empty(longest, ready.dtype)
    scratch = np.empty(longest, np.uint32)
    drawn = np.empty(longest, np.uint32)
    zero = v.dtype.type(0)
    with_current = o_current.size > 0
    tapped = taps.row.size > 0
    simple = kinds == 0 and not with_current
    pair = kinds == 2 and not delta and not with_current
    chip_seconds = 0.0
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        slot = n % slots
        first_spike = written
        if tapped:
            _tap(n, v, currents, taps.row, taps.stride, taps.first, taps.neurons, taps.mean, taps.at, taps.out)
        for c in range(cores.size):
            cores[c] = 0.0
        now = ready.dtype.type(n)
        for g in range(groups):
            lo, hi = s_start[g], s_start[g + 1]
            length = hi - lo
            core = s_core[g]
            for f in range(p_population.size):
                if p_population[f] == s_population[g] and p_table_at[f] < p_table_at[f + 1]:
                    born = n - p_delay[f]
                    if born >= p_begin[f] and born < p_end[f] and born >= 0:
                        w1, w2 = words(p_key[f], born)
                        counts = drawn[:length]
                        _poisson(
                            w1,
                            w2,
                            lo - s_base[g],
                            p_table[p_table_at[f] : p_table_at[f + 1]],
                            p_low[f],
                            p_high[f],
                            scratch,
                            counts,
                        )
                        total = _add_counts(ring[slot, p_row[f], lo:hi], counts, p_weight[f])
                        outside_here[g] += total
                        cores[core] += total * t_outside
            hold = ready.dtype.type(n + s_hold[g])
            if simple:
                hits, fires = _step_delta(
                    v[lo:hi],
                    ready[lo:hi],
                    ring[slot, 0, lo:hi],
                    s_mu[g],
                    s_a[g],
                    s_threshold[g],
                    s_reset[g],
                    now,
                    hold,
                    zero,
                )
            elif pair:
                jump1, jump2 = ring[slot, 0, lo:hi], ring[slot, 1, lo:hi]
                mine, first, second = ready[lo:hi], currents[0, lo:hi], currents[1, lo:hi]
                _step_pair(
                    v[lo:hi],
                    mine,
                    first,
                    second,
                    s_mu[g],
                    s_a[g],
                    s_b[0, g],
                    s_b[1, g],
                    s_threshold[g],
                    s_reset[g],
                    now,
                    hold,
                )
                hits, fires = _touched(mine, hold, jump1, jump2, zero)
                _decay(first, jump1, s_c[0, g], zero)
                _decay(second, jump2, s_c[1, g], zero)
            else:
                _relax(x, v[lo:hi], s_mu[g], s_a[g])
                for e in range(kinds):
                    _flow(x, currents[e, lo:hi], s_b[e, g], s_c[e, g])
                if with_current:
                    _inject(x, o_current[n - start, lo:hi], s_gain[g])
                fires = _fire(
                    x,
                    v[lo:hi],
                    ready[lo:hi],
                    hit,
                    s_threshold[g],
                    s_reset[g],
                    now,
                    hold,
                    ring[slot, 0, lo:hi],
                    delta,
                    zero,
                )
                for e in range(kinds):
                    _arrive(currents[e, lo:hi], ring[slot, e + rows - kinds, lo:hi], hit, zero)
                hits = _count(hit[:length])
            active[g] += hits
            cores[core] += hits * t_active + (length - hits) * t_inactive
            if fires:
                written = _collect(ready[lo:hi], hold, lo, n, spike_step, spike_neuron, written)
        longest_path = 0.0
        g = 0
        for q in range(first_spike, written):
            i = spike_neuron[q]
            fired_so_far[i] += 1
            while i >= s_start[g + 1]:
                g += 1
            population, local = s_population[g], i - s_base[g]
            for r in range(w_first[population], w_first[population + 1]):
                k = w_listed[r]
                begin, end = w_start[w_base[k] + local], w_start[w_base[k] + local + 1]
                targets = w_targets[begin:end]
                if w_delayed[k]:
                    lags = w_delays[w_delay_at[k] + begin : w_delay_at[k] + end]
                    for s in range(uint64(targets.size)):
                        weight = w_weights[w_weight_at[k] + begin + np.int64(s)] if w_weighted[k] else w_weight[k]
                        ring[(slot + lags[s]) % slots, w_row[k], w_lo[k] + np.int64(targets[s])] += weight
                else:
                    into = ring[(slot + w_delay[k]) % slots, w_row[k], w_lo[k] : w_lo[k] + w_size[k]]
                    if w_weighted[k]:
                        weights = w_weights[w_weight_at[k] + begin : w_weight_at[k] + end]
                        for s in range(uint64(targets.size)):
                            into[targets[s]] += weights[s]
                    else:
                        weight = w_weight[k]
                        for s in range(uint64(targets.size)):
                            into[targets[s]] += weight
            for r in range(f_start[i], f_start[i + 1]):
                cores[f_core[r]] += f_operations[r] * t_operation
            longest_path = max(longest_path, f_path[i])
        for q in range(o_at[n - start], o_at[n - start + 1]):
            sender, local, many = o_sender[q], o_neuron[q], o_count[q]
            for r in range(w_first[sender], w_first[sender + 1]):
                k = w_listed[r]
                begin, end = w_start[w_base[k] + local], w_start[w_base[k] + local + 1]
                for s in range(begin, end):
                    lag = w_delays[w_delay_at[k] + s] if w_delayed[k] else w_delay[k]
                    weight = w_weights[w_weight_at[k] + s] if w_weighted[k] else w_weight[k]
                    target = w_lo[k] + np.int64(w_targets[s])
                    ring[(slot + lag) % slots, w_row[k], target] += weight * v.dtype.type(many)
                    outside_core[target_core[target]] += many
                    cores[target_core[target]] += many * t_outside
        busiest = 0.0
        for c in range(cores.size):
            busiest = max(busiest, cores[c])
        chip_seconds += busiest + longest_path + t_barrier
        n += 1
    return n, written, chip_seconds


@njit(cache=True, nogil=True)
def fan_out(start, targets, target_core, cores, counts):
    """Add one block's synapses to `counts` (sources, cores): how many of each source's synapses lie on each core."""
    for i in range(start.size - 1):
        row = counts[i]
        for s in range(start[i], start[i + 1]):
            row[target_core[targets[s]]] += 1
