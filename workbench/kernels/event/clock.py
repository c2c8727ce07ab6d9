"""Chip time in the simple model: in each step the slowest core, then the barrier."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["simple"]


@njit(cache=True, nogil=True)
def simple(
    start,
    spike_step,
    spike_neuron,
    fan_start,
    fan_core,
    fan_work,
    home,
    sending,
    active,
    outside,
    neurons,
    seconds,
    clock,
):
    """Add the chip time of a call's steps to `clock`, one after the other, and return it.

    A core computes and listens side by side: a step takes as long as the longest of all its cores' computing (updates, spikes
    and packets sent) or listening (packets received and their synaptic operations), and then the barrier. `fan_work` is the
    listening that one spike costs each core it reaches, `sending` what a spike costs its own core. `seconds` are those of an
    active update, an inactive one, an outside operation, a core step, and the barrier.
    """
    cores = active.shape[1]
    computing = np.empty(cores)
    listening = np.empty(cores)
    per_active, per_inactive, per_outside, per_core, barrier = seconds
    q = 0
    for row in range(active.shape[0]):
        for c in range(cores):
            computing[c] = active[row, c] * per_active + (neurons[c] - active[row, c]) * per_inactive + per_core
            listening[c] = outside[row, c] * per_outside
        while q < spike_step.size and spike_step[q] == start + row:
            i = spike_neuron[q]
            computing[home[i]] += sending[i]
            for r in range(np.uint64(fan_start[i]), np.uint64(fan_start[i + 1])):
                listening[fan_core[r]] += fan_work[r]
            q += 1
        clock += max(computing.max(), listening.max()) + barrier
    return clock
