"""What the event kernels read and change, as named tuples of arrays.

Neurons live in blocks of 32 lanes; a block never crosses from one population or core to another, so some lanes stay empty. A
*place* is a lane counted through all blocks; neurons keep their own numbers everywhere outside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = [
    "CHUNK",
    "FOREVER",
    "MOST",
    "NARROW",
    "SPARED",
    "Blocks",
    "Buckets",
    "Dense",
    "Masks",
    "Noise",
    "Outside",
    "Rows",
    "Scratch",
    "Shape",
    "State",
    "Taps",
]


CHUNK = 16
"""Blocks whose bits fill a line of the cache: rows of bits are multiples of it, and so are parts where there are any."""

NARROW = 255
"""Spikes that a count of eight bits holds."""

SPARED = 1 << 63
"""The flag of a slot that something beyond eight bits came to."""

MOST = 15
"""Rows of bits that are added up together: a number of four digits."""


FOREVER = 2**62
"""The step until which an empty lane waits."""


class Shape(NamedTuple):
    """What the rule of this network is made of, as tuples whose lengths Numba knows: one kernel is compiled for each shape."""

    discrete: tuple[int, ...]  # () the leaky integrator, (0,) the neuron in whole steps
    currents: tuple[int, ...]  # one entry for each exponential receptor in use
    conductances: tuple[int, ...]
    delta: tuple[int, ...]  # (0,) if something jumps straight onto v
    given: tuple[int, ...]  # (0,) if outside currents are handed in
    spread: tuple[int, ...]  # (0,) if constants differ inside a block
    waits: tuple[int, ...]  # (0,) if some neuron waits longer than a step after a spike
    ways: tuple[
        int, ...
    ]  # () where arrivals are sums; else one entry for each weight a state may get: arrivals are counts
    cancels: tuple[int, ...]  # (0,) if counted arrivals may add up to nothing
    nonzero: tuple[int, ...]  # (0,) if a state that is not zero makes an update active
    flagged: tuple[int, ...]  # (0,) if it looks up where anything came before it looks for it: where windows are short
    late: tuple[
        int, ...
    ]  # (0,) if what arrives in a step is added at the beginning of the next, so that windows are a step longer
    kept: tuple[int, ...]  # (0,) if all synapses are rows of bits: arrivals are written afresh and never cleared


class Blocks(NamedTuple):
    """The blocks: who is in each, with which constants, on which core."""

    core: np.ndarray  # int32 (blocks)
    population: np.ndarray  # int32 (blocks)
    live: np.ndarray  # uint32 (blocks): a bit for each lane in use
    neuron: np.ndarray  # int32 (places): the neuron of each lane, -1 for an empty one
    number: np.ndarray  # uint32 (places): its number in its population, for the counter rule
    place: np.ndarray  # int32 (neurons): where each neuron is
    constants: np.ndarray  # (sets × constants × 32)
    constants_of: np.ndarray  # uint64 (blocks): where the block's set begins
    holds: np.ndarray  # int16 (sets × 32): refractory steps, at least one
    holds_of: np.ndarray  # uint64 (blocks)
    runs: (
        np.ndarray
    )  # int64 (runs + 1): first block of each run of blocks of one part, with one set of constants (or each its own)
    first_run: np.ndarray  # int64 (parts + 1): first run of each part
    parts: np.ndarray  # int64 (parts + 1): first block of each part of the rows
    shares: np.ndarray  # int64 (threads + 1): first part of each thread
    ordered: bool  # places ascend with the neurons' numbers


class Dense(NamedTuple):
    """All-to-all bundles of one outside source onto one population: weights in tiles, no codes. None of them is in `Rows`.

    A tile is one block, or as many as make a row of 256 bytes, of one part; row r of tile t is
    `weights[tile_at[t] + r × tile_blocks[t] × 32 :][: tile_blocks[t] × 32]`, the weights of sender r onto the lanes of its blocks in
    order, nought for empty lanes.
    """

    sender: np.ndarray  # int64 (bundles): as in `Outside.sender`
    senders: np.ndarray  # int64 (bundles): rows
    delay: np.ndarray  # int64 (bundles): steps
    state: np.ndarray  # int64 (bundles): the state at which it arrives
    first: np.ndarray  # int64 (bundles): first block of the target
    last: np.ndarray  # int64 (bundles): the block after its last
    weighted: np.ndarray  # uint8 (bundles): a weight for each synapse; else no tiles
    weight: np.ndarray  # (bundles): the weight all synapses share, or what their own are multiplied by
    tiles: np.ndarray  # int64 (bundles + 1): first tile of each
    tile_block: np.ndarray  # int64 (tiles): first block
    tile_blocks: np.ndarray  # int64 (tiles)
    tile_at: np.ndarray  # int64 (tiles)
    weights: np.ndarray
    crossover: float  # the share of active senders from which a product is faster than rows
    single: bool  # there is one listed source only


class Masks(NamedTuple):
    """Synapses of dense bundles, which share delay and weight, as rows of bits: a bit for each lane of some blocks.

    Row r of bundle k is `bits[at[k] + r × words[k] :][: words[k]]`, the lanes of the blocks `block[k]` and after, one word a block.
    Where a neuron has more synapses onto another, the lanes of those after the first are `more[again[i] : again[i + 1]]`, i = row[k] + r.
    None of them is in `Rows`.
    """

    bits: np.ndarray  # uint32: a row of noughts, as long as the longest, then the rows
    at: np.ndarray  # int64 (bundles)
    words: np.ndarray  # int64 (bundles): a multiple of CHUNK
    block: np.ndarray  # int64 (bundles): a multiple of CHUNK
    delay: np.ndarray  # int64 (bundles): steps
    line: np.ndarray  # int64 (bundles): where it arrives, as in `Rows`
    state: np.ndarray  # uint64 (bundles): a bit for the state at which it arrives
    weight: np.ndarray  # as the arrivals (bundles): what a spike adds
    first: np.ndarray  # int64 (senders + 1): the bundles of each population, then of each source
    begins: np.ndarray  # uint64 (parts × MOST): room for where the rows of some spikes begin
    row: np.ndarray  # int64 (bundles)
    again: np.ndarray  # uint32 (rows + 1 of every bundle)
    more: np.ndarray  # uint16 or uint32
    times: np.ndarray  # int64 (bundles): the most synapses that a neuron has onto another


class Rows(NamedTuple):
    """Synapses by sender, in bundles that share weight and delay; each synapse carries its own where the bundle has none.

    The synapses of row r in part p are `codes[cuts[r, p]:cuts[r, p + 1]]`. A code says where in its part's share of the arrivals a
    spike goes: (line × blocks + block) × 32 + lane, plus delay × lines × blocks × 32 in a bundle without a common delay. Each state
    has a line; where arrivals are counts it has one for each weight (the way of the bundle), state × ways + way.
    """

    codes: np.ndarray  # uint16 or uint32
    cuts: np.ndarray  # uint32 or int64 (rows of all bundles × (parts + 1))
    base: np.ndarray  # int64 (bundles): first row of each
    delay: np.ndarray  # int64 (bundles): steps, or 0 where codes carry the delay
    weight: np.ndarray  # (bundles): the weight all synapses share, or what those of their own are multiplied by
    weighted: np.ndarray  # uint8 (bundles): a weight for each synapse, at weights[place of the code + weight_at]
    weight_at: np.ndarray  # int64 (bundles)
    weights: np.ndarray
    states: np.ndarray  # uint64 (bundles): a bit for each state at which it arrives
    first: np.ndarray  # int64 (senders + 1): the bundles of each population, then of each source
    sender: np.ndarray  # uint16 (neurons): population
    start: np.ndarray  # int64 (populations): first neuron of each
    dense: Dense | tuple[()]  # what comes from outside all-to-all, if anything does
    masks: Masks | tuple[()]  # dense bundles as bits, if there are any


class Noise(NamedTuple):
    """Poisson sources one-to-one onto a population, drawn as the run goes."""

    population: np.ndarray
    key: np.ndarray  # uint64
    table: np.ndarray  # uint32, all tables one after the other
    table_at: np.ndarray
    low: np.ndarray  # thresholds below this number are passed almost surely
    high: np.ndarray  # and those from this number on almost never
    weight: np.ndarray
    row: np.ndarray  # the state it goes to
    delay: np.ndarray
    begin: np.ndarray  # first step with spikes
    end: np.ndarray


class Outside(NamedTuple):
    """Outside spikes of this call, step by step, and outside currents (empty when there are none)."""

    at: np.ndarray  # int64 (steps + 1)
    sender: np.ndarray  # number of the sender among populations and sources
    neuron: np.ndarray
    times: np.ndarray  # how many spikes of that neuron in that step
    current: np.ndarray  # (steps × places)


class State(NamedTuple):
    """What changes: kept between calls, saved by `Run.save`."""

    fields: np.ndarray  # (blocks × states × 32)
    until: np.ndarray  # int64 (places): the first step in which it integrates again; `FOREVER` in an empty lane
    waiting: (
        np.ndarray
    )  # uint32 (blocks): a bit for each lane that waits in the next step, or did when `wakes` had not come
    wakes: np.ndarray  # int64 (blocks): the least `until` of those
    marks: (
        np.ndarray
    )  # uint32 (slots × blocks): where something arrives that may add up to nothing; used where that counts
    arrivals: (
        np.ndarray
    )  # part after part (slots × lines × blocks of the part × 32): sums like the fields, or int16; or counts
    spare: np.ndarray  # uint16, as the arrivals: counts beyond eight bits, where these are kept
    came: np.ndarray  # uint64 (parts × slots): a bit for each state (or line, if kept) at which anything may have arrived; who delivers sets it
    many: np.ndarray  # int64 (parts × slots): spikes that went into the eight bits of a slot, if kept


class Taps(NamedTuple):
    """Probed values: for each tapped place its state, its stride in steps, and where its values go."""

    first: np.ndarray  # int64 (blocks + 1): the taps of each block
    field: np.ndarray  # int64: place in State.fields
    stride: np.ndarray
    origin: np.ndarray  # step of the first value
    at: np.ndarray  # where its values begin
    width: np.ndarray  # values from one step to the next
    share: np.ndarray  # float64: 1, or 1 / neurons for a mean, which is added up
    out: np.ndarray  # float64
    means: bool  # something is averaged, so the order in which blocks are looked at must not change


class Buckets(NamedTuple):
    """Where a thread gathers the synapses of many spikes, part by part, before it adds them up."""

    codes: np.ndarray  # as the rows' codes (parts × room, of which the last 32 are for the rest of a vector)
    weights: np.ndarray  # as the rows' weights, likewise where there are any
    filled: np.ndarray  # uint64 (parts + 8 × threads): up to where; part p of thread t at p + 8 × t
    around: tuple[int, ...]  # (0,) if codes carry delays: in the buckets they are places in all slots of the part


class Scratch(NamedTuple):
    """Room that no run needs to keep."""

    fired: np.ndarray  # uint32 (steps of a window × blocks, rounded up to whole vectors): a bit for each lane that fired; before them, where
    # arrivals are late, those of the last step before the window
    ranks: (
        np.ndarray
    )  # uint32 (neurons / 32, rounded up likewise): who fired, by number; empty where places ascend with the numbers
    step: np.ndarray  # int64: spikes of this call
    neuron: np.ndarray  # int32
    active: np.ndarray  # int32 (threads, steps of a call, cores)
    outside: np.ndarray  # int32 (threads, steps of a call, cores)
    drawn: np.ndarray  # uint32 (threads, 32)
    sync: np.ndarray  # int64: [0] arrivals at the barrier, [8] spikes written
    buckets: Buckets | tuple[()]  # where rows fall into short pieces
