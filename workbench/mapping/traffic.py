"""Traffic: how many packets go from each core to each other one, as a sparse table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.unfold import Netlist
from workbench.mapping.reach import SMALL, Reach, Synapses, reach

__all__ = ["Traffic", "of_reach", "traffic"]

DENSE = 4_000_000
"""Up to so many pairs of cores packets are counted in one dense array, which is quicker than sorting."""


@final
@dataclass(frozen=True, eq=False)
class Traffic:
    """`packets[k]` go from core `source[k]` to core `target[k]`; every pair at most once, its own core included."""

    cores: int
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    packets: NDArray[np.float64]

    @property
    def total(self) -> float:
        """All packets."""
        return float(self.packets.sum())

    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Both directions of each pair together, without a core's packets to itself: (start, partner, packets) by core."""
        apart = self.source != self.target
        a, b, w = self.source[apart], self.target[apart], self.packets[apart]
        one, other = np.concatenate([a, b]), np.concatenate([b, a])
        key, amount = _summed(one.astype(np.int64) * self.cores + other, np.concatenate([w, w]), self.cores)
        start = np.searchsorted(key, np.arange(self.cores + 1, dtype=np.int64) * self.cores)
        return start.astype(np.int64), (key % max(self.cores, 1)).astype(np.int32), amount

    def hops(self, tiles: NDArray[np.integer]) -> float:
        """Packets × tiles crossed when core c lies on `tiles[c]`, (x, y) or (x, y, layer): the spike-hops of unicast."""
        apart = np.abs(tiles[self.source].astype(np.int64) - tiles[self.target]).sum(axis=1)
        return float(self.packets @ apart)


def traffic(
    netlist: Netlist,
    core_of: NDArray[np.int32],
    rates: NDArray[np.float64] | None = None,
    *,
    rows: Synapses | None = None,
) -> Traffic:
    """The packets between cores when every neuron fires once, or `rates[n]` times, each spike one packet for each core it reaches.

    Parameters
    ----------
    netlist, core_of
        the network, and the core of each of its neurons.
    rates
        spikes of each neuron, in any unit: counted in a recording, or expected.
    rows
        where the synapses are, if they have been made already; by default they follow from the rules.
    """
    cores = int(core_of.max(initial=-1)) + 1
    return of_reach(reach(netlist, core_of, rows).inside, core_of, cores, rates)


def of_reach(found: Reach, core_of: NDArray[np.int32], cores: int, rates: NDArray[np.float64] | None = None) -> Traffic:
    """The same from a reach that is known."""
    leaves = np.diff(found.start)
    amount = np.ones(leaves.size) if rates is None else np.asarray(rates, np.float64)
    if found.pairs > SMALL and cores * cores <= DENSE:
        from workbench.kernels import reach as kernel  # noqa: PLC0415  compiled kernels only for what is large

        total, ways = np.zeros((cores, cores)), np.zeros((cores, cores), np.int64)
        kernel.between_cores(found.start, found.core, core_of, amount, total, ways)
        one, other = np.nonzero(ways)
        return Traffic(cores, one.astype(np.int32), other.astype(np.int32), total[one, other])
    key = np.repeat(core_of.astype(np.int64) * cores, leaves)
    key += found.core
    key, packets = _summed(key, np.repeat(amount, leaves), cores)
    return Traffic(cores, (key // cores).astype(np.int32), (key % cores).astype(np.int32), packets)


def _summed(
    key: NDArray[np.int64], amount: NDArray[np.float64], cores: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each key (below cores²) once, ascending, with the sum of its amounts."""
    if cores * cores <= DENSE:
        kept = np.flatnonzero(np.bincount(key, minlength=cores * cores))
        return kept.astype(np.int64), np.bincount(key, amount, minlength=cores * cores)[kept].astype(np.float64)
    kept, where = np.unique(key, return_inverse=True)
    return kept, np.bincount(where, amount, minlength=kept.size).astype(np.float64)
