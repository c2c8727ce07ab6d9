"""Putting the synapses of a bundle in rows: count, add up, fill. One block of synapses at a time, so that no list of edges exists."""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

__all__ = ["add_block", "count_block", "count_targets", "settle"]


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
