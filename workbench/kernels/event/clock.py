"""Chip time in the simple model: in each step the slowest core, then the barrier."""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

from workbench.kernels.lanes import prefetch

__all__ = ["simple", "tally"]

AHEAD = 12  # spikes between asking for a row and reading it


@njit(cache=True, nogil=True)
def simple(start, spike_step, spike_neuron, fan_start, fan, home, sent, active, outside, neurons, seconds, clock):
    """Add the chip time of a call's steps to `clock`, one after the other, and return it.

    A core computes and listens side by side: a step takes as long as the longest of all its cores' computing (updates, spikes
    and packets sent) or listening (packets received and their synaptic operations), and then the barrier.

    One entry of `fan` (uint64, or uint32 where that is enough) is one core that a spike reaches: the core in the low 16 bits, then 16 bits each of its synaptic,
    dense and shared operations there. `sent` is the packets of one spike of each neuron. `seconds` are those of an active update,
    an inactive one, an outside operation, a core step, a spike, a packet sent, one received, the three kinds of operation, and
    the barrier.
    """
    cores = uint64(active.shape[1])
    computing, listening = np.zeros(cores), np.zeros(cores)
    packets, dense, shared = np.zeros(cores, np.uint64), np.zeros(cores, np.uint64), np.zeros(cores, np.uint64)
    fired, sending = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    per_active, per_inactive, per_outside, per_core = seconds[0], seconds[1], seconds[2], seconds[3]
    per_spike, per_packet, per_received = seconds[4], seconds[5], seconds[6]
    per_synaptic, per_dense, per_shared, barrier = seconds[7], seconds[8], seconds[9], seconds[10]
    low = uint64(0xFFFF)
    q, last = uint64(0), uint64(spike_step.size)
    for row in range(uint64(active.shape[0])):
        while q < last and spike_step[q] == start + np.int64(row):
            if q + uint64(AHEAD) < last:
                ahead = uint64(spike_neuron[q + uint64(AHEAD)])
                at = uint64(fan_start[ahead])
                for line in range(uint64(4)):
                    prefetch(fan, at + line * uint64(16))
            i = uint64(spike_neuron[q])
            c = uint64(home[i])
            fired[c] += 1
            sending[c] += sent[i]
            for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                entry = uint64(fan[r])
                to = entry & low
                # Two sums of 32 bits in one word: packets and synaptic operations; the rarer kinds have a word of their own.
                packets[to] += (uint64(1) << uint64(32)) | ((entry >> uint64(16)) & low)
                rare = entry >> uint64(32)
                if rare:
                    dense[to] += rare & low
                    shared[to] += rare >> uint64(16)
            q += uint64(1)
        longest = 0.0
        for c in range(cores):
            busy = active[row, c]
            computing[c] = busy * per_active + (neurons[c] - busy) * per_inactive + per_core
            computing[c] += fired[c] * per_spike + sending[c] * per_packet
            received, plain = packets[c] >> uint64(32), packets[c] & uint64(0xFFFFFFFF)
            listening[c] = outside[row, c] * per_outside + received * per_received + plain * per_synaptic
            listening[c] += dense[c] * per_dense + shared[c] * per_shared
            longest = max(longest, computing[c], listening[c])
            fired[c] = sending[c] = 0
            packets[c] = dense[c] = shared[c] = uint64(0)
        clock += longest + barrier
    return clock


@njit(cache=True, nogil=True)
def tally(fan_start, fan, fired, cores):
    """What every core heard when neuron i fired `fired[i]` times: (packets, synaptic, dense, shared operations), each by core."""
    heard = np.zeros((4, cores), np.int64)
    low = uint64(0xFFFF)
    for i in range(uint64(fired.size)):
        times = np.uint64(fired[i])
        if times:
            for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                entry = uint64(fan[r])
                to = entry & low
                heard[0, to] += np.int64(times)
                heard[1, to] += np.int64(times * ((entry >> uint64(16)) & low))
                heard[2, to] += np.int64(times * ((entry >> uint64(32)) & low))
                heard[3, to] += np.int64(times * (entry >> uint64(48)))
    return heard
