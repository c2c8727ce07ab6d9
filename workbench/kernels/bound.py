"""What this machine allows: the loops an event engine cannot do without, bare, for a benchmark to measure beside a run."""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

__all__ = ["add_at_random", "add_weights_at_random", "copy", "triad", "update_leaky"]


@njit(cache=True, nogil=True)
def add_at_random(table, targets, amount):
    """Add `amount` to the places `targets` (unsigned) of `table`: delivery with one weight for all."""
    for k in range(targets.size):
        table[targets[k]] += amount


@njit(cache=True, nogil=True)
def add_weights_at_random(table, targets, weights):
    """Add each of `weights` to its place of `table`: delivery with a stream of weights beside the stream of targets."""
    for k in range(targets.size):
        table[targets[k]] += table.dtype.type(weights[k])


@njit(cache=True, nogil=True, fastmath=True)
def update_leaky(v, arrived, fired, leak, drive, threshold, steps):
    """`steps` steps of leaky units: decay, drive, what arrived, a flag where the threshold is passed, reset, arrivals emptied."""
    size = uint64(v.size)
    zero, one = v.dtype.type(0), np.uint8(1)
    for _ in range(steps):
        for i in range(size):
            x = v[i] - v.dtype.type(v[i] * leak) + arrived[i] + drive
            over = x > threshold
            fired[i] = one if over else np.uint8(0)
            v[i] = zero if over else x
            arrived[i] = zero


@njit(cache=True, nogil=True)
def copy(a, b):
    """STREAM's copy: b = a."""
    for i in range(uint64(a.size)):
        b[i] = a[i]


@njit(cache=True, nogil=True)
def triad(a, b, c, factor):
    """STREAM's triad: c = a + factor · b."""
    for i in range(uint64(a.size)):
        c[i] = a[i] + factor * b[i]
