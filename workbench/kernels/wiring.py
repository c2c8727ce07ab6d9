"""Rows of synapses by source, made straight from a wiring rule: count, add up, fill. Twins of `circuits.wiring`."""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.rule import bits, words


@njit(cache=True, nogil=True)
def rows_of_draws(sources, targets, degree, key, sample):
    """Fixed in-degree: (start int64[sources + 1], targets of the type of `sample`)."""
    start = np.zeros(sources + 1, np.int64)
    drawn = np.empty(degree, np.uint32)
    for j in range(targets):
        w1, w2 = words(key, j)
        for k in range(degree):
            drawn[k] = uint32((uint64(bits(w1, w2, uint32(k))) * uint64(sources)) >> uint64(32))
        for k in range(degree):
            start[drawn[k] + 1] += 1
    for i in range(sources):
        start[i + 1] += start[i]
    at = start[:-1].copy()
    flat = np.empty(start[sources], type(sample))
    for j in range(targets):
        w1, w2 = words(key, j)
        for k in range(degree):
            drawn[k] = uint32((uint64(bits(w1, w2, uint32(k))) * uint64(sources)) >> uint64(32))
        for k in range(degree):
            i = drawn[k]
            flat[at[i]] = j
            at[i] += 1
    return start, flat


@njit(cache=True, nogil=True)
def rows_of_pairs(sources, targets, key, limit, sample):
    """Fixed probability: (start, targets); pair (i, j) is connected if bits(key, j, i) < limit."""
    start = np.zeros(sources + 1, np.int64)
    for j in range(targets):
        w1, w2 = words(key, j)
        for i in range(sources):
            start[i + 1] += uint64(bits(w1, w2, uint32(i))) < limit
    for i in range(sources):
        start[i + 1] += start[i]
    at = start[:-1].copy()
    flat = np.empty(start[sources], type(sample))
    for j in range(targets):
        w1, w2 = words(key, j)
        for i in range(sources):
            if uint64(bits(w1, w2, uint32(i))) < limit:
                flat[at[i]] = j
                at[i] += 1
    return start, flat
