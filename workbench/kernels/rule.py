"""The counter-based rule in Numba: the twin of `workbench.streams`, bit for bit."""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

_WEYL, _M1, _M2, _M3 = uint32(0x9E3779B1), uint32(0x21F0AAAD), uint32(0x735A2D97), uint32(0x846CA68B)
_G, _A, _B = uint64(0x9E3779B97F4A7C15), uint64(0xBF58476D1CE4E5B9), uint64(0x94D049BB133111EB)


@njit(inline="always")
def fold(key, number):
    """A new 64-bit key from a key and a whole number."""
    z = uint64(key) + uint64(number) * _G
    z = (z ^ (z >> uint64(30))) * _A
    z = (z ^ (z >> uint64(27))) * _B
    return z ^ (z >> uint64(31))


@njit(inline="always")
def bits(word1, word2, index):
    """32 random bits for one index under two key words."""
    x = uint32(uint32(index) * _WEYL + word1)
    x = uint32(x ^ (x >> uint32(16)))
    x = uint32(x * _M1)
    x = uint32(x ^ (x >> uint32(15)))
    x = uint32(x + word2)
    x = uint32(x * _M2)
    x = uint32(x ^ (x >> uint32(15)))
    x = uint32(x * _M3)
    return uint32(x ^ (x >> uint32(16)))


@njit(inline="always")
def words(key, number):
    """The two key words of one step or row."""
    z = fold(key, number)
    return uint32(z & uint64(0xFFFFFFFF)), uint32(z >> uint64(32))


@njit(cache=True, nogil=True)
def fill_bits(key, step, out):
    """Fill `out` (uint32) with the random bits of indices 0, 1, … at `step`."""
    w1, w2 = words(key, step)
    for i in range(out.size):
        out[i] = bits(w1, w2, uint32(i))


@njit(cache=True, nogil=True)
def fill_counts(key, table, start, out):
    """Fill `out` (steps, size; uint16) with Poisson counts of steps `start` onwards."""
    size = np.uint64(out.shape[1])
    thresholds = table.size
    scratch = np.empty(out.shape[1], np.uint32)
    for s in range(out.shape[0]):
        w1, w2 = words(key, start + s)
        row = out[s]
        for i in range(size):
            scratch[i] = bits(w1, w2, uint32(i))
        for i in range(size):
            row[i] = 0
        for k in range(thresholds):
            t = table[k]
            for i in range(size):
                row[i] += np.uint16(scratch[i] >= t)
