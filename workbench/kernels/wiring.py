"""Rows of synapses by source, made straight from a wiring rule: count, add up, fill. Twins of `circuits.wiring`."""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

from workbench.kernels.rule import bits, words


@njit(cache=True, nogil=True)
def rows_of_draws(sources, targets, degree, key, sample, number, numbered):
    """Fixed in-degree: (start int64[sources + 1], targets of the type of `sample`, canonical numbers if `numbered`)."""
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
    edge = np.empty(start[sources] if numbered else 0, type(number))
    for j in range(targets):
        w1, w2 = words(key, j)
        for k in range(degree):
            drawn[k] = uint32((uint64(bits(w1, w2, uint32(k))) * uint64(sources)) >> uint64(32))
        for k in range(degree):
            i = drawn[k]
            flat[at[i]] = j
            if numbered:
                edge[at[i]] = j * degree + k
            at[i] += 1
    return start, flat, edge


@njit(cache=True, nogil=True)
def rows_of_pairs(sources, targets, key, limit, sample, number, numbered):
    """Fixed probability: (start, targets, canonical numbers); pair (i, j) is connected if bits(key, j, i) < limit."""
    start = np.zeros(sources + 1, np.int64)
    for j in range(targets):
        w1, w2 = words(key, j)
        for i in range(sources):
            start[i + 1] += uint64(bits(w1, w2, uint32(i))) < limit
    for i in range(sources):
        start[i + 1] += start[i]
    at = start[:-1].copy()
    flat = np.empty(start[sources], type(sample))
    edge = np.empty(start[sources] if numbered else 0, type(number))
    found = 0
    for j in range(targets):
        w1, w2 = words(key, j)
        for i in range(sources):
            if uint64(bits(w1, w2, uint32(i))) < limit:
                flat[at[i]] = j
                if numbered:
                    edge[at[i]] = found
                found += 1
                at[i] += 1
    return start, flat, edge


@njit(inline="always")
def _drawn(w1, w2, k, size):
    """One draw among `size`."""
    return uint32((uint64(bits(w1, w2, uint32(k))) * uint64(size)) >> uint64(32))


@njit(cache=True, nogil=True)
def _page(key, page, total, sources, targets, i, j):
    """Sources and targets of one page of draws into `i` and `j`; returns how many there are."""
    w1, w2 = words(key, page)
    n = min(65536, total - page * 65536)
    for k in range(n):
        i[k] = _drawn(w1, w2, k, sources)
    for k in range(n):
        j[k] = _drawn(w1, w2, k + 65536, targets)
    return n


@njit(nogil=True)
def _deal(start, into, dealt, target, number, numbered):
    """The rows of synapses whose sources lie in `dealt` by target (those of target t from `into[t]` to `into[t + 1]`)."""
    at, flat = start[:-1].copy(), np.empty(dealt.size, type(target))
    edge = np.empty(dealt.size if numbered else 0, type(number))
    for t in range(into.size - 1):
        for e in range(into[t], into[t + 1]):
            s = dealt[e]
            flat[at[s]] = t
            if numbered:
                edge[at[s]] = e
            at[s] += 1
    return start, flat, edge


@njit(cache=True, nogil=True)
def rows_of_total(sources, targets, total, key, target, source, number, numbered):
    """Fixed total number: (start, targets, edge numbers) in types like the samples; `edge` is empty unless `numbered`.

    Dealing the draws to their targets first, in their own order, gives the canonical order of edges; dealing those to their
    sources leaves every row in it too. Between the two, one narrow array holds the source of each synapse.
    """
    pages = (total + 65535) // 65536
    i, j = np.empty(65536, np.uint32), np.empty(65536, np.uint32)
    start, into = np.zeros(sources + 1, np.int64), np.zeros(targets + 1, np.int64)
    for page in range(pages):
        n = _page(key, page, total, sources, targets, i, j)
        for k in range(n):
            start[np.int64(i[k]) + 1] += 1
            into[np.int64(j[k]) + 1] += 1
    for k in range(sources):
        start[k + 1] += start[k]
    for k in range(targets):
        into[k + 1] += into[k]
    at = into[:-1].copy()
    dealt = np.empty(total, type(source))
    for page in range(pages):
        n = _page(key, page, total, sources, targets, i, j)
        for k in range(n):
            dealt[at[j[k]]] = i[k]
            at[j[k]] += 1
    return _deal(start, into, dealt, target, number, numbered)


@njit(inline="always")
def _reach(key, i, sources, targets, fan_out, local, width, out):
    """The targets of source i, draw by draw: `HashRule.targets_of`."""
    w1, w2 = words(key, i)
    home = np.int64(i) * targets // max(sources, 1)
    for k in range(uint64(fan_out)):
        x = uint64(bits(w1, w2, uint32(k)))
        to = np.int64((x * uint64(targets)) >> uint64(32))
        if local and uint64(bits(w1, w2, uint32(k) + uint32(0x80000000))) < uint64(local):
            to = (home - width // 2 + np.int64((x * uint64(width)) >> uint64(32))) % targets
        out[k] = to


@njit(cache=True, nogil=True)
def rows_of_hash(sources, targets, fan_out, key, local, width, target, source, number, numbered):
    """Every source's own draws: (start, targets, canonical numbers). Dealt to targets first, then to sources, as above."""
    reached = np.empty(fan_out, np.int64)
    into = np.zeros(targets + 1, np.int64)
    for i in range(sources):
        _reach(key, i, sources, targets, fan_out, local, width, reached)
        for k in range(fan_out):
            into[reached[k] + 1] += 1
    for k in range(targets):
        into[k + 1] += into[k]
    at, dealt = into[:-1].copy(), np.empty(sources * fan_out, type(source))
    for i in range(sources):
        _reach(key, i, sources, targets, fan_out, local, width, reached)
        for k in range(fan_out):
            dealt[at[reached[k]]] = i
            at[reached[k]] += 1
    start = np.arange(sources + 1) * np.int64(fan_out)
    return _deal(start, into, dealt, target, number, numbered)


@njit(cache=True, nogil=True)
def uniform_at(key, numbers, out):
    """Uniform numbers in (0, 1) of the given numbers of the stream `key`, 53 bits each: the twin of `streams.uniform`."""
    a1, a2 = words(key, 0)
    b1, b2 = words(key, 1)
    for k in range(numbers.size):
        n = uint32(numbers[k])
        high, low = uint64(bits(a1, a2, n)), uint64(bits(b1, b2, n))
        out[k] = np.float64((high << uint64(21)) ^ (low >> uint64(11))) * 2.0**-53 + 2.0**-54


@njit(cache=True, nogil=True)
def uniform_ends(key, size):
    """The smallest and the largest of the first `size` (at least one) uniform numbers of the stream `key`."""
    a1, a2 = words(key, 0)
    b1, b2 = words(key, 1)
    least, most = uint64(2**63), uint64(0)
    for n in range(size):
        high, low = uint64(bits(a1, a2, uint32(n))), uint64(bits(b1, b2, uint32(n)))
        drawn = (high << uint64(21)) ^ (low >> uint64(11))
        least, most = min(least, drawn), max(most, drawn)
    return np.float64(least) * 2.0**-53 + 2.0**-54, np.float64(most) * 2.0**-53 + 2.0**-54
