"""Spikes on a mesh of cores: where they go, how far, and who sends the farthest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.synapses import Gap
from workbench.circuits.unfold import Netlist
from workbench.mapping.route import hops
from workbench.recordings.recording import Recording

__all__ = ["Travel", "travel"]


@final
@dataclass(frozen=True, eq=False)
class Travel:
    """One row for each neuron and core it talks to; a spike sends one packet along each of its neuron's rows."""

    neuron: NDArray[np.int64]
    """The sender, counted through all populations."""
    core: NDArray[np.int64]
    """The receiving core."""
    hops: NDArray[np.int64]
    """Tiles crossed on the way; 0 within a tile."""
    packets: NDArray[np.int64]
    """Spikes that took this way during the recording."""

    def by_hops(self) -> NDArray[np.int64]:
        """How many packets crossed 0, 1, 2, … tiles."""
        return np.bincount(self.hops, self.packets).astype(np.int64) if self.hops.size else np.zeros(1, np.int64)

    def by_neuron(self, neurons: int) -> NDArray[np.int64]:
        """How many hops the spikes of each of so many neurons made in all."""
        return np.bincount(self.neuron, self.hops * self.packets, minlength=neurons).astype(np.int64)

    @property
    def mean(self) -> float:
        """The mean number of hops of a packet; NaN when none was sent."""
        sent = int(self.packets.sum())
        return float(self.hops @ self.packets) / sent if sent else float("nan")


def travel(recording: Recording, netlist: Netlist) -> Travel:
    """The ways of all packets of `recording`, from its placement, its spikes and the synapses of `netlist`."""
    core_of = recording.placement.core_of
    tiles = np.array([core.tile for core in recording.placement.cores], np.int32)
    pairs = [np.zeros(0, np.int64)]
    for block in netlist.projections.values():
        if block.external or isinstance(block.kind, Gap):  # no packets: inputs come from outside, gaps carry no spikes
            continue
        i, j = block.edges()
        start, end = netlist.populations[block.source].start, netlist.populations[block.target].start
        pairs.append(np.unique((start + i.astype(np.int64)) * len(tiles) + core_of[end + j]))
    neuron, core = np.divmod(np.unique(np.concatenate(pairs)), max(len(tiles), 1))
    fired = np.zeros(netlist.size, np.int64)
    for name, cells in netlist.populations.items():
        fired[cells.span] = np.bincount(recording.of(name).neurons, minlength=cells.size)
    east, north = hops(tiles, core_of[neuron], core.astype(np.int32))
    return Travel(neuron, core, east + north, fired[neuron])
