"""How the neurons are cut into parts, whose arrivals lie near, and whether rows are gathered in buckets on the way to them."""

from __future__ import annotations

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

GATHERED = 1 << 19
"""Bytes of synapses gathered at a time, which the second cache holds beside the rows to come."""


def lay_parts(
    total: int, threads: int, *, synapses: float, bytes_per_block: float, whole: int = 1, gathers: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """(first block of each part, first part of each thread, whether rows are to be gathered), for `total` blocks.

    Arrivals come at random places, so a part is small enough for the nearest cache; but not so small that a row, with `synapses`
    of them on average, falls into crumbs. All but the last have a multiple of `whole` blocks. Where `gathers`
    allows it pieces may be shorter, and are gathered.
    """

    def cut(at: float) -> int:
        return total if at >= total else int(at) // whole * whole

    edges = [cut(total * t / threads) for t in range(threads + 1)]
    wanted = round(total / threads * bytes_per_block / NEAREST)
    gathers = gathers and wanted > max(1, int(synapses / threads / CRUMB)) and synapses / threads >= 2 * MORSEL
    shortest = MORSEL if gathers else CRUMB
    parts, shares = [0], [0]
    for low, high in pairwise(edges):
        if high == low:
            continue
        wanted = max(1, round((high - low) * bytes_per_block / NEAREST))
        most = max(1, int(synapses * (high - low) / total / shortest))
        pieces = min(wanted, most, high - low)
        parts += sorted({cut(low + (high - low) * k / pieces) for k in range(1, pieces + 1)} - {low})
        shares.append(len(parts) - 1)
    return np.array(parts, np.int64), np.array(shares, np.int64), gathers


def gathers(netlist: Netlist, wires: Wires, ways: Ways, dt: float, real: Any) -> bool:
    """Whether the synapses of many spikes may be added bundle by bundle, and most come from neurons.

    Each must know its slot from its bundle. Floats are summed in the order of spikes, so no two bundles of a neuron may meet in a slot.
    """
    senders = [*netlist.populations, *netlist.sources]
    due = [key[:2] for key, _ in bundles_of(wires, senders, dt, real)]
    inner = sum(b.count * (1 if not b.external else -1) for b in wires.blocks)
    exact = np.issubdtype(ways.kind, np.integer)
    return inner > 0 and all(delay for _, delay in due) and (exact or len(set(due)) == len(due))


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
    }
