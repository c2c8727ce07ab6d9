"""The arrays a wafer run works on, by name."""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import NDArray

__all__ = ["CHUNK", "COUNTERS", "HELD", "Lists", "Noise", "Populations", "Projections", "SCRATCH", "Sync", "Taps"]

HELD = -32768
"""Marks a neuron that waits after its spike; potentials are above it."""

CHUNK = 4
"""Patches a thread takes at a time."""

SCRATCH = 65_536 + 64
"""Places at the end of `Lists.ids` that each thread keeps for a list that is written out from bits."""

COUNTERS = 8
"""The first counter of patches taken in `Sync.shared`: one for each visit of a call."""


class Populations(NamedTuple):
    """By population: how many neurons in all, where its lanes begin in a patch's row and how many they are, and its rule in whole numbers.

    `keeps` is the share kept in a step in 1/65536, 0 for all of it, `restart` what a neuron that fired holds for its first step afterwards, `waits` the
    steps in between.
    """

    size: NDArray  # int64
    offset: NDArray  # int64
    stride: NDArray  # int64
    keeps: NDArray  # int32
    bias: NDArray  # int32
    lowest: NDArray  # int32
    threshold: NDArray  # int32
    reset: NDArray  # int32
    restart: NDArray  # int32
    waits: NDArray  # int32


class Projections(NamedTuple):
    """By projection, those onto population q numbered `first[q]` to `first[q + 1]`; and their contacts, one after the other.

    Contact c of patch b listens to patch `source_patch[b, c]`; each of its spikes makes `share[c]` synapses, drawn in pairs with the
    key words `words[word_at[c]:]`.
    """

    first: NDArray  # int64
    source: NDArray  # int64
    delay: NDArray  # int64
    weight: NDArray  # int16
    contact: NDArray  # int64
    share: NDArray  # int64
    word_at: NDArray  # int64
    words: NDArray  # uint32 (pairs, 2)
    source_patch: NDArray  # int32 (patches, contacts)


class Noise(NamedTuple):
    """Showers, those onto population q numbered `first[q]` to `first[q + 1]`; the thresholds of k are `table[table_at[k]:table_at[k + 1]]`."""

    first: NDArray  # int64
    key: NDArray  # uint64
    delay: NDArray  # int64
    weight: NDArray  # int16
    table: NDArray  # uint32
    table_at: NDArray  # int64


class Lists(NamedTuple):
    """Who fired in each of the last steps: by step (modulo their number), population and patch how many, and where they are listed.

    The list of a patch holds numbers within the patch (uint16) in rising order; if more than one in 16 fired, one bit for each neuron.
    `ids` is cut into one piece for each step and thread, and a last part of `SCRATCH` for each thread. `arrived` counts what came from outside.
    """

    fired: NDArray  # int32 (slots, populations, patches)
    at: NDArray  # int64 (slots, populations, patches)
    arrived: NDArray  # int32 (slots, populations, patches)
    ids: NDArray  # uint16, flat


class Taps(NamedTuple):
    """Neurons whose potential is kept, ordered by patch: those of patch b are `first[b]` to `first[b + 1]`."""

    first: NDArray  # int64
    place: NDArray  # int64
    population: NDArray  # int64
    out: NDArray  # int16 (steps, taps)


class Sync(NamedTuple):
    """What threads share: the times they met, and the patches taken in each step of a call; and what each counts alone."""

    shared: NDArray  # int64
    cut: NDArray  # int64 (8 × threads,), one in eight used: a cache line each
    places: NDArray  # uint16 (threads, room)
    cursors: NDArray  # int64 (threads, steps of a visit)
    masks: NDArray  # uint32 (threads, blocks of 32 neurons and 64 more)
    named: NDArray  # uint32 (threads, room)
    woven: NDArray  # uint64 (threads, room)
