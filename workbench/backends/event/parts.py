"""How the neurons are cut into parts, whose arrivals lie near, and whether rows are gathered in buckets on the way to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.backends.event.layout import LANES, Ways, Wires, bundles_of
from workbench.circuits.unfold import Netlist

__all__ = ["gathers", "lay_buckets", "lay_parts"]

NEAREST = 32 * 1024
"""Bytes of arrivals a part should have: the first cache holds 48 kB today."""

CRUMB = 50
"""Synapses that a row should have in a part on average: looking up where they begin costs as much as twenty of them."""

MORSEL = 8
"""The same where rows are gathered in buckets: a piece costs no more there than eight synapses do."""

CODES = 1 << 16
"""What codes of two bytes can tell apart."""

GATHERED = 1 << 19
"""Bytes of synapses gathered at a time, which the second cache holds beside the rows to come."""


def lay_parts(
    total: int,
    threads: int,
    *,
    synapses: float,
    states: int,
    ways: int,
    itemsize: int,
    slots: int = 1,
    whole: int = 1,
    gathers: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """(first block of each part, first part of each thread, whether rows are to be gathered), for `total` blocks.

    A place has `states` × `ways` arrivals of `itemsize` bytes.

    Arrivals come at random places, so a part is small enough for the nearest cache; but not so small that a row, with `synapses`
    of them on average, falls into crumbs. All but the last have a multiple of `whole` blocks. Where `gathers` allows it pieces may be
    shorter, and are gathered. The arrivals of a spike lie in so many `slots` at once; all of them are near only where rows are
    gathered, else a part would leave too little of every row.
    """

    def cut(at: float) -> int:
        return total if at >= total else int(at) // whole * whole

    edges = [cut(total * t / threads) for t in range(threads + 1)]
    bytes_per_block: float = LANES * itemsize * states
    whole_ring = bytes_per_block * ways * slots
    wanted = round(total / threads * whole_ring / NEAREST)
    most = 1 if slots > 1 else max(1, int(synapses / threads / CRUMB))
    gathers = gathers and wanted > most and synapses / threads >= 2 * MORSEL
    shortest = MORSEL if gathers else CRUMB
    bytes_per_block = whole_ring if gathers else bytes_per_block * (1 if slots == 1 else slots / 8)
    if gathers and slots > 1:
        # Small enough for codes of two bytes, see `lay_rows`.
        bytes_per_block = max(bytes_per_block, NEAREST / max(1, CODES // (LANES * states * ways * 2 * slots)))
    parts, shares = [0], [0]
    for low, high in pairwise(edges):
        if high == low:
            continue
        wanted = (high - low) * bytes_per_block / NEAREST
        wanted = max(1, math.ceil(wanted) if gathers and slots > 1 else round(wanted))
        most = max(1, int(synapses * (high - low) / total / shortest))
        pieces = min(wanted, most, high - low)
        parts += sorted({cut(low + (high - low) * k / pieces) for k in range(1, pieces + 1)} - {low})
        shares.append(len(parts) - 1)
    return np.array(parts, np.int64), np.array(shares, np.int64), gathers


def gathers(netlist: Netlist, wires: Wires, ways: Ways, dt: float, real: Any) -> bool:
    """Whether the synapses of many spikes may be added bundle by bundle, and most come from neurons.

    Floats are summed in the order of spikes, so no two bundles of a neuron may meet in a slot.
    """
    senders = [*netlist.populations, *netlist.sources]
    due = [key[:2] for key, _ in bundles_of(wires, senders, dt, real)]
    inner = sum(b.count * (1 if not b.external else -1) for b in wires.blocks)
    if inner <= 0 or np.issubdtype(ways.kind, np.integer):
        return inner > 0
    mixed = {sender for sender, delay in due if delay == 0}
    return len(set(due)) == len(due) and all(delay == 0 or sender not in mixed for sender, delay in due)


def lay_buckets(rows: Mapping[str, Any], parts: int, threads: int) -> dict[str, Any]:
    """Room for the synapses of many spikes, for each part of the neurons; a bucket holds all that are gathered at a time."""
    cuts, weighted = rows["cuts"].reshape(-1, parts + 1), bool(rows["weighted"].any())
    each = rows["codes"].itemsize + weighted * rows["weights"].itemsize
    longest = int((cuts[:, -1] - cuts[:, 0]).max(initial=0))
    room = max(GATHERED // each, longest) + LANES
    return {
        "codes": np.empty(parts * room, rows["codes"].dtype),
        "weights": np.empty(parts * room if weighted else 1, rows["weights"].dtype),
        "filled": np.zeros(parts + 8 * threads, np.uint64),
        "around": (0,) * bool((rows["delay"] == 0).any()),
    }
