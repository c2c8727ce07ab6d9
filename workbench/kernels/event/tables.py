"""What the event kernels read and change, as named tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Fan", "Noise", "Outside", "Scratch", "Segments", "State", "Taps", "Times", "Wires"]


class Segments(NamedTuple):
    """Runs of neurons that share constants and a core."""

    start: np.ndarray  # int64 (segments + 1): first neuron of each
    of: np.ndarray  # int32 (neurons): the segment of each
    population: np.ndarray  # int64
    base: np.ndarray  # int64: first neuron of the segment's population
    core: np.ndarray  # int64
    mu: np.ndarray
    a: np.ndarray
    gain: np.ndarray
    threshold: np.ndarray
    reset: np.ndarray
    refractory: np.ndarray  # int64, steps
    b: np.ndarray  # (exponential receptors, segments)
    c: np.ndarray


class Wires(NamedTuple):
    """Blocks of synapses by source; the rows of block k begin at `start[row_base[k]]`."""

    start: np.ndarray  # int64, absolute places in targets
    targets: np.ndarray  # uint16 or uint32, local to the target population
    row_base: np.ndarray
    target_start: np.ndarray
    row: np.ndarray  # accumulator row of the block's receptor
    weight: np.ndarray
    weighted: np.ndarray  # uint8: the block has a weight per synapse, at weights[weight_at + place]
    weight_at: np.ndarray  # where the block's own weights begin, less the place of its first target
    weights: np.ndarray
    delay: np.ndarray
    delayed: np.ndarray
    delay_at: np.ndarray
    delays: np.ndarray  # int32
    cuts: np.ndarray  # int64 (rows, parts + 1): where each row's synapses pass from one part of the neurons to the next
    first: np.ndarray  # (populations + sources + 1): the blocks of each sender are listed[first[s]:first[s + 1]]
    listed: np.ndarray


class Noise(NamedTuple):
    """Poisson sources one-to-one onto a population, drawn as the run goes."""

    population: np.ndarray
    key: np.ndarray  # uint64
    table: np.ndarray  # uint32, all tables one after the other
    table_at: np.ndarray
    low: np.ndarray  # thresholds below this number are passed almost surely
    high: np.ndarray  # and those from this number on almost never
    weight: np.ndarray
    row: np.ndarray
    delay: np.ndarray
    begin: np.ndarray  # first step with spikes
    end: np.ndarray


class Fan(NamedTuple):
    """Which cores each neuron's spikes go to, for the timing model."""

    start: np.ndarray  # int64 (neurons + 1)
    core: np.ndarray
    operations: np.ndarray
    path: np.ndarray  # float64 (neurons): longest way of a packet, s


class Times(NamedTuple):
    """Seconds of each kind of work."""

    active: float
    inactive: float
    operation: float
    outside: float
    barrier: float


class Outside(NamedTuple):
    """Outside spikes of this window, step by step, and outside currents (empty when there are none)."""

    at: np.ndarray  # int64 (steps + 1)
    sender: np.ndarray  # number of the sender among populations and sources
    neuron: np.ndarray
    times: np.ndarray  # how many spikes of that neuron in that step
    current: np.ndarray  # (steps, neurons), or (0, 0)


class State(NamedTuple):
    """What changes: kept between windows, saved by `Run.save`."""

    v: np.ndarray
    currents: np.ndarray  # (exponential receptors, neurons)
    ready: np.ndarray  # int64 (int32 beside float32): the step at which the neuron integrates again
    ring: np.ndarray  # (slots, receptor rows, neurons): arrivals to come
    spikes: np.ndarray  # int64 (neurons): spikes so far
    active: np.ndarray  # int64 (segments): active updates so far
    outside: np.ndarray  # int64 (segments): operations from fused outside sources so far
    outside_core: np.ndarray  # int64 (cores): operations from listed outside spikes so far
    clock: np.ndarray  # float64 (1): chip time so far, added step by step so that no cut of a run changes a bit


class Taps(NamedTuple):
    """Probed values: for each tap a state row, neurons, a stride, and where its values go."""

    row: np.ndarray  # 0 is v, 1.. are the currents
    stride: np.ndarray
    origin: np.ndarray  # step of the first value
    first: np.ndarray  # (taps + 1) into neurons
    neurons: np.ndarray
    mean: np.ndarray  # uint8: keep the mean alone
    at: np.ndarray  # where the tap's values begin
    out: np.ndarray  # float64


class Scratch(NamedTuple):
    """Room for each part of the neurons, and for the seconds of work of each step and core."""

    parts: np.ndarray  # int64 (parts + 1): the first segment of each part
    x: np.ndarray  # (parts, longest segment)
    hit: np.ndarray
    bits: np.ndarray  # uint32
    drawn: np.ndarray  # uint32
    step: np.ndarray  # int64 (parts, room): spikes of one window
    neuron: np.ndarray
    written: np.ndarray  # int64 (parts)
    work: np.ndarray  # float64 (steps of a window, cores)
