"""The event engine: windows of steps, updated part by part of the neurons, then delivered part by part.

Within a window no longer than the shortest delay the parts do not touch each other, so they may run side by side: each owns a
range of neurons, its segment constants, and its share of every row of synapses. Spikes are put in order between the two halves
and every target sums its arrivals in that order, so the result is the same for any number of parts and threads.

`advance` and `advance_threads` differ in one word; Numba needs two functions because it compiles a loop for threads or not.
The slow, obvious twin is `tests/naive.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, uint64

from workbench.kernels.event import step as one
from workbench.kernels.rule import words


@njit
def _tap(n, v, currents, taps, low, high):
    """Write the probed values of step n that belong to the neurons from `low` to `high`; a mean needs them all."""
    for t in range(taps.row.size):
        if n % taps.stride[t] != 0:
            continue
        width = 1 if taps.mean[t] else taps.first[t + 1] - taps.first[t]
        place = taps.at[t] + (n - taps.origin[t]) // taps.stride[t] * width
        total = 0.0
        for q in range(taps.first[t], taps.first[t + 1]):
            i = taps.neurons[q]
            if i < low or i >= high:
                continue
            value = np.float64(v[i]) if taps.row[t] == 0 else np.float64(currents[taps.row[t] - 1, i])
            if taps.mean[t]:
                total += value
            else:
                taps.out[place + q - taps.first[t]] = value
        if taps.mean[t]:
            taps.out[place] = total / (taps.first[t + 1] - taps.first[t])


@njit(inline="always")
def _update(part, begin, end, start, state, segments, noise, outside, times, taps, scratch):
    """Steps `begin` to `end` of one part of the neurons; returns how many spikes it wrote."""
    v, ring, ready, currents = state.v, state.ring, state.ready, state.currents
    active, outside_here = state.active, state.outside
    s_start, s_population, s_base, s_core = segments.start, segments.population, segments.base, segments.core
    s_mu, s_a, s_gain = segments.mu, segments.a, segments.gain
    s_threshold, s_reset, s_hold = segments.threshold, segments.reset, segments.refractory
    s_b, s_c = segments.b, segments.c
    p_population, p_key, p_table, p_at = noise.population, noise.key, noise.table, noise.table_at
    p_low, p_high, p_weight, p_row = noise.low, noise.high, noise.weight, noise.row
    p_delay, p_begin, p_end = noise.delay, noise.begin, noise.end
    given, work = outside.current, scratch.work
    first_group, last_group = scratch.parts[part], scratch.parts[part + 1]
    x, hit, room, drawn = scratch.x[part], scratch.hit[part], scratch.bits[part], scratch.drawn[part]
    spike_step, spike_neuron = scratch.step[part], scratch.neuron[part]
    t_active, t_inactive, t_outside = times.active, times.inactive, times.outside

    slots, rows, size = ring.shape
    kinds = currents.shape[0]
    line, flows, width = ring.reshape(slots * rows * size), currents.reshape(kinds * size), uint64(size)
    delta = rows > kinds  # row 0 is the delta receptor when there is one; exponential receptors follow
    zero = v.dtype.type(0)
    with_current = given.size > 0
    tapped = taps.row.size > 0
    simple = kinds == 0 and not with_current
    pair = kinds == 2 and not delta and not with_current
    written = 0
    for n in range(begin, end):
        slot = n % slots
        if tapped:
            _tap(n, v, currents, taps, s_start[first_group], s_start[last_group])
        now = ready.dtype.type(n)
        for g in range(first_group, last_group):
            lo, hi = s_start[g], s_start[g + 1]
            length = hi - lo
            core = s_core[g]
            for f in range(p_population.size):
                if p_population[f] == s_population[g] and p_at[f] < p_at[f + 1]:
                    born = n - p_delay[f]
                    if born >= p_begin[f] and born < p_end[f] and born >= 0:
                        w1, w2 = words(p_key[f], born)
                        counts = drawn[:length]
                        table = p_table[p_at[f] : p_at[f + 1]]
                        one.poisson(w1, w2, lo - s_base[g], table, p_low[f], p_high[f], room, counts)
                        total = one.add_counts(line, uint64((slot * rows + p_row[f]) * size + lo), counts, p_weight[f])
                        outside_here[g] += total
                        work[n - begin, core] += total * t_outside
            hold = ready.dtype.type(n + s_hold[g])
            low, high, here = uint64(lo), uint64(hi), uint64(slot * rows * size)
            if simple:
                hits, fires = one.step_delta(
                    v, ready, line, low, high, here, s_mu[g], s_a[g], s_threshold[g], s_reset[g], now, hold, zero
                )
            elif pair:
                b1, b2 = s_b[0, g], s_b[1, g]
                one.step_pair(
                    v, ready, flows, low, high, width, s_mu[g], s_a[g], b1, b2, s_threshold[g], s_reset[g], now, hold
                )
                hits, fires = one.touched(ready, line, low, high, here, here + width, hold, zero)
                one.decay(flows, line, low, high, uint64(0), here, s_c[0, g], zero)
                one.decay(flows, line, low, high, width, here + width, s_c[1, g], zero)
            else:
                one.relax(x, v[lo:hi], s_mu[g], s_a[g])
                for e in range(kinds):
                    one.flow(x, currents[e, lo:hi], s_b[e, g], s_c[e, g])
                if with_current:
                    one.inject(x, given[n - start, lo:hi], s_gain[g])
                jump, mine = ring[slot, 0, lo:hi], ready[lo:hi]
                fires = one.fire(x, v[lo:hi], mine, hit, s_threshold[g], s_reset[g], now, hold, jump, delta, zero)
                for e in range(kinds):
                    one.arrive(currents[e, lo:hi], ring[slot, e + rows - kinds, lo:hi], hit, zero)
                hits = one.count(hit[:length])
            active[g] += hits
            work[n - begin, core] += hits * t_active + (length - hits) * t_inactive
            if fires:
                written = one.collect(ready, low, high, hold, n, spike_step, spike_neuron, written)
    return written


@njit(inline="always")
def _listed(part, begin, end, start, state, wires, outside, target_core, times, work):
    """Deliver the listed outside spikes of steps `begin` to `end` to one part of the neurons."""
    ring = state.ring
    slots = ring.shape[0]
    for n in range(begin, end):
        for q in range(outside.at[n - start], outside.at[n - start + 1]):
            sender, many = outside.sender[q], outside.times[q]
            for r in range(wires.first[sender], wires.first[sender + 1]):
                k = wires.listed[r]
                row = wires.row_base[k] + outside.neuron[q]
                for s in range(wires.cuts[row, part], wires.cuts[row, part + 1]):
                    lag = wires.delays[wires.delay_at[k] + s] if wires.delayed[k] else wires.delay[k]
                    weight = wires.weights[wires.weight_at[k] + s] if wires.weighted[k] else wires.weight[k]
                    target = wires.target_start[k] + np.int64(wires.targets[s])
                    ring[(n + lag) % slots, wires.row[k], target] += weight * ring.dtype.type(many)
                    state.outside_core[target_core[target]] += many
                    work[n - begin, target_core[target]] += many * times.outside


@njit
def _part(part, begin, end, start, state, segments, wires, noise, outside, times, taps, scratch, target_core):
    """The first half of a window for one part: listed outside spikes, then the steps."""
    if outside.at[end - start] > outside.at[begin - start]:
        _listed(part, begin, end, start, state, wires, outside, target_core, times, scratch.work)
    scratch.written[part] = _update(part, begin, end, start, state, segments, noise, outside, times, taps, scratch)


@njit
def _deliver(part, state, segments, wires, spike_step, spike_neuron):
    """Put the synapses of a window's spikes into the ring, for one part of the neurons."""
    ring = state.ring
    s_of, s_population, s_base = segments.of, segments.population, segments.base
    w_targets, w_base, w_lo, w_row = wires.targets, wires.row_base, wires.target_start, wires.row
    w_weight, w_weighted, w_weight_at, w_weights = wires.weight, wires.weighted, wires.weight_at, wires.weights
    w_delay, w_delayed, w_delay_at, w_delays = wires.delay, wires.delayed, wires.delay_at, wires.delays
    w_first, w_listed, w_cuts = wires.first, wires.listed, wires.cuts
    # The ring as one line and unsigned places: a slice would cost two reference counts a row, as much as its synapses.
    slots, rows, size = ring.shape
    line = ring.reshape(slots * rows * size)
    for q in range(spike_step.size):
        n, i = spike_step[q], spike_neuron[q]
        g = s_of[i]
        population, local = s_population[g], i - s_base[g]
        for r in range(w_first[population], w_first[population + 1]):
            k = w_listed[r]
            begin, end = uint64(w_cuts[w_base[k] + local, part]), uint64(w_cuts[w_base[k] + local, part + 1])
            if w_delayed[k] or w_weighted[k]:
                for s in range(begin, end):
                    lag = w_delays[w_delay_at[k] + np.int64(s)] if w_delayed[k] else w_delay[k]
                    weight = w_weights[w_weight_at[k] + np.int64(s)] if w_weighted[k] else w_weight[k]
                    at = ((n + lag) % slots * rows + w_row[k]) * size + w_lo[k]
                    line[uint64(at) + uint64(w_targets[s])] += weight
            else:
                at = uint64(((n + w_delay[k]) % slots * rows + w_row[k]) * size + w_lo[k])
                weight = w_weight[k]
                for s in range(begin, end):
                    line[at + uint64(w_targets[s])] += weight


# Alone, the halves of a window are inlined: handing the tables on costs a reference count per array, which one-step windows feel.
# Side by side they must stay calls: Numba loses writes through a tuple's array when such a body is inlined into a parallel loop.
_part_alone = njit(inline="always")(_part.py_func)
_deliver_alone = njit(inline="always")(_deliver.py_func)


@njit(inline="always")
def _merge(begin, end, scratch, spike_step, spike_neuron, written):
    """Put the parts' spikes in order of step and neuron."""
    parts = scratch.written.size
    if parts == 1:
        for q in range(scratch.written[0]):
            spike_step[written + q] = scratch.step[0, q]
            spike_neuron[written + q] = scratch.neuron[0, q]
        return written + scratch.written[0]
    at = np.zeros(parts, np.int64)
    for n in range(begin, end):
        for p in range(parts):
            while at[p] < scratch.written[p] and scratch.step[p, at[p]] == n:
                spike_step[written] = n
                spike_neuron[written] = scratch.neuron[p, at[p]]
                written += 1
                at[p] += 1
    return written


@njit(inline="always")
def _time(begin, end, fan, times, work, state, spike_step, spike_neuron):
    """Count the spikes of a window and add its chip time: each step its busiest core, its longest way, the barrier."""
    q = 0
    for n in range(begin, end):
        longest = 0.0
        while q < spike_step.size and spike_step[q] == n:
            i = spike_neuron[q]
            state.spikes[i] += 1
            for r in range(fan.start[i], fan.start[i + 1]):
                work[n - begin, fan.core[r]] += fan.operations[r] * times.operation
            longest = max(longest, fan.path[i])
            q += 1
        busiest = 0.0
        for c in range(work.shape[1]):
            busiest = max(busiest, work[n - begin, c])
        state.clock[0] += busiest + longest + times.barrier


@njit(cache=True, nogil=True)
def advance(
    start,
    stop,
    window,
    state,
    segments,
    wires,
    noise,
    outside,
    fan,
    times,
    taps,
    scratch,
    target_core,
    spike_step,
    spike_neuron,
):
    """Run steps `start` to `stop`; returns (step reached, spikes written).

    It ends early, between two steps, when the spike buffers might overflow in the next one.
    """
    size = state.v.size
    parts = scratch.written.size
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        m = min(n + window, stop, n + (spike_step.size - written) // size)
        scratch.work[: m - n] = 0.0
        for p in range(parts):
            _part_alone(p, n, m, start, state, segments, wires, noise, outside, times, taps, scratch, target_core)
        merged = _merge(n, m, scratch, spike_step, spike_neuron, written)
        steps, neurons = spike_step[written:merged], spike_neuron[written:merged]
        _time(n, m, fan, times, scratch.work, state, steps, neurons)
        for p in range(parts):
            _deliver_alone(p, state, segments, wires, steps, neurons)
        written, n = merged, m
    return n, written


@njit(cache=True, nogil=True, parallel=True)
def advance_threads(
    start,
    stop,
    window,
    state,
    segments,
    wires,
    noise,
    outside,
    fan,
    times,
    taps,
    scratch,
    target_core,
    spike_step,
    spike_neuron,
):
    """`advance` with the parts side by side."""
    size = state.v.size
    parts = scratch.written.size
    written = 0
    n = start
    while n < stop and written + size <= spike_step.size:
        m = min(n + window, stop, n + (spike_step.size - written) // size)
        scratch.work[: m - n] = 0.0
        for q in prange(parts):
            _part(np.int64(q), n, m, start, state, segments, wires, noise, outside, times, taps, scratch, target_core)
        merged = _merge(n, m, scratch, spike_step, spike_neuron, written)
        steps, neurons = spike_step[written:merged], spike_neuron[written:merged]
        _time(n, m, fan, times, scratch.work, state, steps, neurons)
        for q in prange(parts):
            _deliver(np.int64(q), state, segments, wires, steps, neurons)
        written, n = merged, m
    return n, written


@njit(cache=True, nogil=True)
def cut_rows(start, targets, row_base, rows, target_start, edges, cuts):
    """Fill `cuts` (rows, parts + 1): where each row, whose targets ascend, passes the part edges (global neuron numbers)."""
    parts = edges.size - 1
    for k in range(row_base.size):
        for i in range(rows[k]):
            row = row_base[k] + i
            at, end = start[row], start[row + 1]
            cuts[row, 0] = at
            for p in range(1, parts):
                while at < end and target_start[k] + np.int64(targets[at]) < edges[p]:
                    at += 1
                cuts[row, p] = at
            cuts[row, parts] = end


@njit(cache=True, nogil=True)
def fan_out(start, targets, target_core, cores, counts):
    """Add one block's synapses to `counts` (sources, cores): how many of each source's synapses lie on each core."""
    for i in range(start.size - 1):
        row = counts[i]
        for s in range(start[i], start[i + 1]):
            row[target_core[targets[s]]] += 1
