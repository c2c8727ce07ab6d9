"""What arrives in a patch in one step: the synapses of the spikes that are due, and the showers; as lists of places, then all added."""

from __future__ import annotations

from numba import njit, uint16, uint32, uint64

from workbench.kernels.lanes import prefetch, trailing
from workbench.kernels.rule import words
from workbench.kernels.wafer.vectors import SPIKES, add, count_run, hash_run, spread, targets, weave

__all__ = ["ROOM", "deliver", "listed", "rain"]

ROOM = 1 << 14
"""Places in a list: it should stay in the first cache."""

GROUP = 256
WORDS = 1024
AHEAD = 2  # contacts between asking for a list and reading it
ONE = uint64(1)
LOT = uint64(SPIKES)
TURN = uint64(256)  # synapses of a spike that are drawn at once: an even number


@njit
def _add_all(v, base, places, many, weight, cut, counter):
    """Let as many arrivals of one weight in."""
    four = many & ~uint64(3)
    k = uint64(0)
    while k < four:
        add(v, base + uint64(places[k]), weight, cut, counter)
        add(v, base + uint64(places[k + uint64(1)]), weight, cut, counter)
        add(v, base + uint64(places[k + uint64(2)]), weight, cut, counter)
        add(v, base + uint64(places[k + uint64(3)]), weight, cut, counter)
        k += uint64(4)
    while k < many:
        add(v, base + uint64(places[k]), weight, cut, counter)
        k += ONE


@njit
def listed(ids, at, fired, stride, room):
    """The place in `ids` from which on a patch's neurons that fired are listed; where they are bits, they are written out at `room`."""
    if fired * 16 <= stride:
        return uint64(at)
    n = uint64(room)
    for word in range(uint64(stride // 16)):
        left = uint32(ids[uint64(at) + word])
        while left:
            ids[n] = uint16(word * uint64(16) + uint64(trailing(left)))
            n += ONE
            left &= uint32(left - uint32(1))
    return uint64(room)


@njit
def deliver(
    v, base, size, b, patches, sources, low, high, source_patch, share, word_at, drawn_with, weight, count, where_at, stride,
    ids, room, places, cut, counter,
):  # fmt: skip
    """Let what the contacts `low` to `high` of one projection bring arrive in patch b of its target: `size` neurons from `base` on.

    `count` and `where_at` say who fired in each patch of the source, of `sources` neurons, in the step whose spikes are due.
    """
    many = uint64(0)
    for c in range(low, high):
        if c + AHEAD < high:
            prefetch(ids, uint64(where_at[source_patch[b, c + AHEAD]]))
        a = source_patch[b, c]
        fired = count[a]
        if fired == 0:
            continue
        at = listed(ids, where_at[a], fired, stride, room)
        first = uint32(a * sources // patches)
        synapses, word = uint64(share[c]), uint64(word_at[c])
        for turn in range(uint64(synapses + TURN - ONE) // TURN):
            begun = turn * TURN
            some = min(TURN, synapses - begun)
            for lot in range(uint64(fired + SPIKES - 1) // LOT):
                begin = lot * LOT
                if many + LOT * some + LOT > uint64(ROOM):
                    _add_all(v, base, places, many, weight, cut, counter)
                    many = uint64(0)
                many = targets(
                    ids, at + begin, first, drawn_with, word + (begun >> ONE), some, size, places, many,
                    min(LOT, uint64(fired) - begin),
                )  # fmt: skip
    _add_all(v, base, places, many, weight, cut, counter)


@njit
def rain(v, base, low, high, when, key, table, low_at, high_at, weight, named, woven, places, cut, counter):
    """Let step `when` of a shower fall on the neurons `low` to `high` of its population, whose first is at `base`; returns the spikes.

    `named` has room for the words of all groups of a patch, `woven` for two of them side by side.
    """
    first, last = low // GROUP, (high - 1) // GROUP + 1
    groups = uint64(last - first)
    lots = (groups + LOT - ONE) // LOT
    row = lots * LOT
    w1, w2 = words(key, WORDS * when)
    for k in range(lots):
        count_run(uint32(first) + uint32(k * LOT), w1, w2, table, low_at, high_at, named, k * LOT)
    most = uint32(0)
    for g in range(groups):
        most = max(most, named[g])
    came, many = uint64(0), uint64(0)
    for turn in range(uint64(most + uint32(7)) >> uint64(3)):
        # Eight spikes of each group, in two words.
        for half in range(uint64(2)):
            w1, w2 = words(key, WORDS * when + 1 + 2 * turn + half)
            for k in range(lots):
                hash_run(uint32(first) + uint32(k * LOT), w1, w2, named, (ONE + half) * row + k * LOT)
        for k in range(lots):
            weave(named, row + k * LOT, row + row + k * LOT, woven, k * LOT)
        gone = uint32(turn) << uint32(3)
        for g in range(groups):
            if named[g] <= gone:
                continue
            number = uint64(min(named[g] - gone, uint32(8)))
            if many + uint64(8) > uint64(ROOM):
                _add_all(v, base, places, many, weight, cut, counter)
                many = uint64(0)
            begin = (first + g) * GROUP - low  # of the group, within the patch: the first may begin before it
            if begin >= 0 and begin + GROUP <= high - low:
                spread(woven[g], uint16(begin), places, many)
                many += number
                came += number
            else:
                word = woven[g]
                for _ in range(number):
                    who = begin + (word & uint64(255))
                    word >>= uint64(8)
                    if who >= 0 and who < high - low:
                        places[many] = uint16(who)
                        many += ONE
                        came += ONE
    _add_all(v, base, places, many, weight, cut, counter)
    return came
