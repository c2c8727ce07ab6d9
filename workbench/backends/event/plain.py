"""Twins in NumPy of the event kernels that wire a program and count its events: the same numbers, without a compiler to load."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["account", "add_block", "count_block", "settle", "simple", "tally"]

_LOW = np.uint64(0xFFFF)


def _spread(start: NDArray[np.int64], neurons: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The entries of the rows of some neurons, one after the other, and how many each has."""
    first = start[neurons]
    many = start[neurons + 1] - first
    ends = np.cumsum(many)
    return np.arange(int(many.sum())) + np.repeat(first - (ends - many), many), many


def _kinds(fan: NDArray[Any], entries: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Synaptic, dense and shared operations of some entries of `fan`."""
    found = fan[entries].astype(np.uint64)
    return [((found >> np.uint64(shift)) & _LOW).astype(np.float64) for shift in (16, 32, 48)]


def simple(
    start: int, spike_step: NDArray[np.int64], spike_neuron: NDArray[np.int32], fan_start: NDArray[np.int64], fan: NDArray[Any],
    senders: NDArray[np.uint32], active: NDArray[np.int32], outside: NDArray[np.int32], neurons: NDArray[np.int64],
    seconds: NDArray[np.float64], clock: float, counted: NDArray[np.int64], _table: object,
) -> float:  # fmt: skip
    """See `kernels.event.clock.simple`."""
    steps, cores = active.shape
    size = steps * cores
    row = (spike_step - start) * cores
    sent, home = np.divmod(senders[spike_neuron, 1].astype(np.int64), 1 << 16)
    at = row + home
    senders[:, 0] += np.bincount(spike_neuron, minlength=len(senders)).astype(np.uint32)
    fired = np.bincount(at, minlength=size).reshape(steps, cores)
    sending = np.bincount(at, sent, size).reshape(steps, cores)
    entries, many = _spread(fan_start, spike_neuron)
    to = np.repeat(row, many) + (fan[entries].astype(np.int64) & 0xFFFF)
    received = np.bincount(to, minlength=size).reshape(steps, cores)
    plain, dense, shared = (np.bincount(to, kind, size).reshape(steps, cores) for kind in _kinds(fan, entries))
    for total, amount in zip(counted, (active, outside, received, plain, dense, shared), strict=True):
        total += amount.sum(axis=0).astype(np.int64)
    (per_active, per_inactive, per_outside, per_core, per_spike, per_packet, per_received) = seconds[:7]
    per_synaptic, per_dense, per_shared, barrier = seconds[7:]
    computing = active * per_active + (neurons - active) * per_inactive + per_core
    computing += fired * per_spike + sending * per_packet
    listening = outside * per_outside + received * per_received + plain * per_synaptic
    listening += dense * per_dense + shared * per_shared
    longest = np.maximum(computing, listening).max(axis=1, initial=0.0)
    # Step after step, as the compiled loop adds them.
    return float(np.add.accumulate(np.concatenate([[clock], longest + barrier]))[-1])


def tally(fan_start: NDArray[np.int64], fan: NDArray[Any], fired: NDArray[np.int64], cores: int) -> NDArray[np.int64]:
    """See `kernels.event.clock.tally`."""
    (who,) = np.nonzero(fired)
    entries, many = _spread(fan_start, who)
    to = fan[entries].astype(np.int64) & 0xFFFF
    times = np.repeat(fired[who], many)
    heard = np.zeros((4, cores), np.int64)
    for row, amount in zip(heard, (1, *_kinds(fan, entries)), strict=True):
        np.add.at(row, to, times * np.asarray(amount).astype(np.int64))
    return heard


def account(
    senders: NDArray[np.uint32], per_spike: NDArray[np.int32], fan_start: NDArray[np.int64], fan: NDArray[Any],
    _table: object, counts: NDArray[np.int64], traffic: NDArray[np.int64],
) -> None:  # fmt: skip
    """See `kernels.event.clock.account`."""
    fired, cores = senders[:, 0].astype(np.int64), counts.shape[1]
    home = senders[:, 1].astype(np.int64) % (1 << 16)
    for total, amount in zip(counts, (fired, *(per_spike.T * fired)), strict=True):
        # Exact while the sums stay below 2^53, and much faster than adding one by one.
        total += np.bincount(home, amount, cores).astype(np.int64)
    if traffic.size:
        (who,) = np.nonzero(fired)
        entries, many = _spread(fan_start, who)
        way = np.repeat(home[who] * cores, many) + (fan[entries].astype(np.int64) & 0xFFFF)
        sent = np.bincount(way, np.repeat(fired[who], many), cores * cores).reshape(cores, cores)
        traffic[:, :cores] += sent.astype(np.int64)


def count_block(
    start: NDArray[np.int64],
    targets: NDArray[Any],
    place: NDArray[np.int32],
    part_of: NDArray[np.int64],
    cuts: NDArray[Any],
) -> None:
    """See `kernels.event.rows.count_block`."""
    column = _row_of(start) * cuts.shape[1] + part_of[place[targets] >> 5] + 1
    cuts += np.bincount(column, minlength=cuts.size).reshape(cuts.shape).astype(cuts.dtype)


def settle(cuts: NDArray[Any], at: int) -> int:
    """See `kernels.event.rows.settle`."""
    if not cuts.size:
        return at
    ends = at + np.cumsum(cuts[:, 1:], dtype=np.int64).reshape(cuts.shape[0], -1)
    cuts[:, 1:] = ends
    cuts[0, 0], cuts[1:, 0] = at, ends[:-1, -1]
    return int(ends[-1, -1])


def add_block(
    start: NDArray[np.int64], targets: NDArray[Any], place: NDArray[np.int32], part_of: NDArray[np.int64],
    parts: NDArray[np.int64], cursor: NDArray[Any], line: int, lines: int, delays: NDArray[Any], codes: NDArray[Any],
    weights: NDArray[Any], begin: int, given: NDArray[Any],
) -> None:  # fmt: skip
    """See `kernels.event.rows.add_block`."""
    to = place[targets].astype(np.int64)
    part = part_of[to >> 5]
    pile = _row_of(start) * cursor.shape[1] + part
    many = np.bincount(pile, minlength=cursor.size)
    first = np.concatenate([[0], np.cumsum(many)[:-1]])
    at = np.empty(pile.size, np.int64)
    order = np.argsort(pile, kind="stable") if cursor.shape[1] > 1 else slice(None)  # rows are in order already
    at[order] = np.arange(pile.size) + np.repeat(cursor.reshape(-1).astype(np.int64) - first, many)
    cursor += many.reshape(cursor.shape).astype(cursor.dtype)
    span = (parts[part + 1] - parts[part]) * 32
    code = to - parts[part] * 32 + line * span
    if delays.size:
        code += span * lines * delays
    codes[at] = code
    if given.size:
        weights[at - begin] = given


def _row_of(start: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each synapse."""
    return np.repeat(np.arange(start.size - 1), np.diff(start))
