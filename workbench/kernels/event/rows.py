"""Putting the synapses of a bundle in rows: count, add up, fill. One block of synapses at a time, so that no list of edges exists."""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

__all__ = ["add_block", "count_block", "count_targets", "mask_block", "settle"]


@njit(cache=True, nogil=True)
def count_block(start, targets, place, part_of, cuts):
    """Count a block's synapses by row and part into `cuts` (rows, parts + 1), one column to the right."""
    for i in range(start.size - 1):
        row = cuts[i]
        for s in range(uint64(start[i]), uint64(start[i + 1])):
            row[part_of[place[targets[s]] >> 5] + 1] += 1


@njit(cache=True, nogil=True)
def count_targets(targets, most, times):
    """Add `times` to the place of each target in `most`."""
    for s in range(uint64(targets.size)):
        most[targets[s]] += times


@njit(cache=True, nogil=True)
def settle(cuts, at):
    """Turn counts into places, row after row from `at`; returns the place after the last."""
    for i in range(cuts.shape[0]):
        cuts[i, 0] = at
        for p in range(1, cuts.shape[1]):
            at += cuts[i, p]
            cuts[i, p] = at
    return at


@njit(cache=True, nogil=True)
def add_block(start, targets, place, part_of, parts, cursor, line, lines, delays, codes, weights, begin, given):
    """Fill a block's synapses into the rows from `cursor` (rows, parts), which moves on.

    For the codes see `Rows`; `parts` are the parts' first blocks. `delays` and `given` (weights) go with `targets`, or are empty. `weights` begins with
    the bundle, whose first code is number `begin`.
    """
    for i in range(start.size - 1):
        spot = cursor[i]
        for s in range(uint64(start[i]), uint64(start[i + 1])):
            to = place[targets[s]]
            p = part_of[to >> 5]
            at = spot[p]
            spot[p] = at + 1
            span = (parts[p + 1] - parts[p]) * 32
            code = np.int64(to) - parts[p] * 32 + line * span
            if delays.size:
                code += span * lines * delays[s]
            codes[at] = code
            if given.size:
                weights[at - begin] = given[s]


@njit(cache=True, nogil=True)
def mask_block(start, targets, place, first, bits, again, more):
    """Set the bits of a block's synapses in `bits` (rows, words), whose words begin with block `first`.

    The lanes whose bit is set already are written to `more`, row after row, and counted in `again` (rows); if `more` is empty, they are
    only counted and `bits` stays as it is.
    """
    seen = np.zeros(bits.shape[1], np.uint32)
    at = uint64(0)
    for i in range(start.size - 1):
        row = bits[i]
        if not more.size:
            seen[:] = row
            row = seen
        many = 0
        for s in range(uint64(start[i]), uint64(start[i + 1])):
            to = uint64(place[targets[s]])
            word, bit = (to >> uint64(5)) - uint64(first), np.uint32(1) << np.uint32(to & uint64(31))
            if row[word] & bit:
                if more.size:
                    more[at] = to - (uint64(first) << uint64(5))
                    at += uint64(1)
                many += 1
            row[word] |= bit
        again[i] = many
