"""Dense bundles as rows of bits: which blocks of synapses are laid so, and how (see `kernels.event.masks`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import delay_steps
from workbench.backends.event.layout import LANES, SMALL, Form, Ways, Wires
from workbench.backends.event.memory import aligned
from workbench.circuits.unfold import Netlist
from workbench.kernels.event.tables import CHUNK, MOST

__all__ = ["dense_wires", "lay_masks"]

SHARE = 1 / 32
"""Synapses for each lane from which bits pay: a list costs about 0.6 ns a synapse, bits 7 ns for 512 lanes."""

SPIKES = 2e-1
"""Spikes of one population in a step, were each neuron to fire once a second, from which bits pay: their sums are written once for all."""


def dense_wires(wires: Wires, dt: float) -> tuple[int, ...]:
    """The numbers of the blocks of synapses that may be laid as bits: one delay, one weight, dense, of many senders."""
    if sum(r.targets.size for r in wires.rows) < SMALL:
        return ()
    return tuple(
        k
        for k, (b, rows) in enumerate(zip(wires.blocks, wires.rows, strict=True))
        if not b.external
        and not b.weighted
        and not b.delayed
        and b.sizes[0] * dt >= SPIKES
        and rows.targets.size >= SHARE * b.sizes[0] * b.sizes[1]
    )


def lay_masks(
    netlist: Netlist,
    wires: Wires,
    chosen: Sequence[int],
    blocks: Mapping[str, Any],
    form: Form,
    ways: Ways,
    dt: float,
    real: Any,
) -> dict[str, Any]:
    """The chosen blocks of synapses under the names of `kernels.event.Masks`."""
    from workbench.kernels.event import rows as kernel  # noqa: PLC0415  compiled kernels only for what is large

    senders = [*netlist.populations, *netlist.sources]
    groups: dict[tuple[int, int, int, int, Any], list[int]] = {}
    for k in chosen:
        b = wires.blocks[k]
        weight = ways.amount(real(b.weight), 1)
        state = 1 << form.rows[b.receptor]
        key = (senders.index(b.source), int(delay_steps(b, dt)), ways.line(b, form, real), state, weight)
        groups.setdefault(key, []).append(k)
    order = sorted(groups, key=lambda key: key[0])
    columns: dict[str, list[Any]] = {n: [] for n in ("size", "words", "block", "delay", "line", "state", "weight")}
    for key in order:
        spans = [blocks["place"][netlist.populations[wires.blocks[k].target].span] for k in groups[key]]
        first = min(int(s.min()) for s in spans) // LANES // CHUNK * CHUNK
        last = -(-(max(int(s.max()) for s in spans) // LANES + 1) // CHUNK) * CHUNK
        size = wires.blocks[groups[key][0]].sizes[0]
        for name, value in zip(columns, (size, last - first, first, *key[1:]), strict=True):
            columns[name].append(value)
    sizes = columns.pop("size")
    # A row of noughts, as long as the longest, comes first.
    at = np.cumsum([max(columns["words"]), *(s * w for s, w in zip(sizes, columns["words"], strict=True))])
    bits = aligned((int(at[-1]),), np.uint32)
    again: list[NDArray[np.int64]] = []
    more: list[NDArray[np.uint32]] = []
    times, found = [], 0
    for number, key in enumerate(order):
        mine = bits[at[number] : at[number + 1]].reshape(sizes[number], -1)
        pairs: list[tuple[NDArray[np.int64], NDArray[np.uint32]]] = []
        for k in groups[key]:
            wired, place = wires.rows[k], blocks["place"][netlist.populations[wires.blocks[k].target].span]
            first, count = columns["block"][number], np.zeros(sizes[number], np.int64)
            kernel.mask_block(wired.start, wired.targets, place, first, mine, count, np.zeros(0, np.uint32))
            left = np.zeros(max(1, int(count.sum())), np.uint32)
            kernel.mask_block(wired.start, wired.targets, place, first, mine, count, left)
            pairs.append((np.repeat(np.arange(sizes[number]), count), left[: int(count.sum())]))
        row, lane = np.concatenate([r for r, _ in pairs]), np.concatenate([x for _, x in pairs])
        order_of_rows = np.argsort(row, kind="stable")
        row, lane = row[order_of_rows], lane[order_of_rows]
        again.append(found + np.searchsorted(row, np.arange(sizes[number] + 1)))
        more.append(lane)
        found += lane.size
        alike = np.unique(row * (columns["words"][number] * LANES) + lane, return_counts=True)[1]
        times.append(1 + int(alike.max(initial=0)))
    kinds = {"weight": ways.kind, "state": np.uint64}
    lanes = np.concatenate([*more, np.zeros(1, np.uint32)])  # one more, so that looking ahead is never outside
    return {n: np.array(v, kinds.get(n, np.int64)) for n, v in columns.items()} | {
        "bits": bits,
        "at": at[:-1].astype(np.int64),
        "first": np.searchsorted([key[0] for key in order], np.arange(len(senders) + 1)).astype(np.int64),
        "begins": np.zeros((blocks["parts"].size - 1, MOST), np.uint64),
        "row": np.cumsum([0, *(a.size for a in again[:-1])]).astype(np.int64),
        "again": np.concatenate(again).astype(np.uint32),
        "more": lanes.astype(np.uint16) if int(lanes.max()) < 1 << 16 else lanes,
        "times": np.array(times, np.int64),
    }
