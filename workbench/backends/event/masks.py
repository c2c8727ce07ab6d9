"""Dense bundles as rows of bits: which blocks of synapses are laid so, and how (see `kernels.event.masks`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

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
) -> tuple[dict[str, Any], Wires]:
    """The chosen blocks of synapses under the names of `kernels.event.Masks`, and the wires that are left to lists.

    What is left of a chosen block are the synapses beyond the first between the same two neurons.
    """
    from workbench.kernels.event import rows as kernel  # noqa: PLC0415  compiled kernels only for what is large

    senders = [*netlist.populations, *netlist.sources]
    groups: dict[tuple[int, int, int, Any], list[int]] = {}
    for k in chosen:
        b = wires.blocks[k]
        weight = ways.amount(real(b.weight), 1)
        key = (senders.index(b.source), int(delay_steps(b, dt)), ways.line(b, form, real), weight)
        groups.setdefault(key, []).append(k)
    order = sorted(groups, key=lambda key: key[0])
    columns: dict[str, list[Any]] = {n: [] for n in ("size", "words", "block", "delay", "line", "weight")}
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
    left = list(wires.rows)
    for number, key in enumerate(order):
        mine = bits[at[number] : at[number + 1]].reshape(sizes[number], -1)
        for k in groups[key]:
            rows, place = (wires.rows[k], blocks["place"][netlist.populations[wires.blocks[k].target].span])
            again = np.zeros(sizes[number] + 1, np.int64)
            first, none = columns["block"][number], np.zeros(0, rows.targets.dtype)
            kernel.mask_block(rows.start, rows.targets, place, first, mine, again, none)
            more = np.empty(max(1, int(again[-1])), rows.targets.dtype)
            kernel.mask_block(rows.start, rows.targets, place, first, mine, again, more)
            left[k] = replace(rows, start=again, targets=more[: int(again[-1])])
    kinds = {"weight": ways.kind}
    return {n: np.array(v, kinds.get(n, np.int64)) for n, v in columns.items()} | {
        "bits": bits,
        "at": at[:-1].astype(np.int64),
        "first": np.searchsorted([key[0] for key in order], np.arange(len(senders) + 1)).astype(np.int64),
        "begins": np.zeros((blocks["parts"].size - 1, MOST), np.uint64),
    }, replace(wires, rows=tuple(left))
