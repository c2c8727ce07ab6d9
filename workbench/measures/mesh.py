"""Spikes on a mesh of cores: where they go, how far, and who sends the farthest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.unfold import Netlist
from workbench.mapping.reach import reach
from workbench.recordings.recording import Recording

__all__ = ["Travel", "distance_at_lag", "fired", "mean_manhattan", "travel"]


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
    """The ways of all packets of `recording`, from its placement, its spikes and the synapses of `netlist`.

    A multicast packet goes along one tree; here each core it reaches has a row of its own, as if it had been sent alone.
    """
    core_of = recording.placement.core_of
    tiles = np.array([core.tile for core in recording.placement.cores], np.int32)
    mesh = recording.placement.mesh
    layer, y = np.divmod(tiles[:, 1], max(1, mesh[1] // (mesh[2] if len(mesh) > 2 else 1)))
    place = np.stack([tiles[:, 0], y, layer], axis=1)
    inside = reach(netlist, core_of).inside
    neuron, core = inside.senders, inside.core
    apart = np.abs(place[core_of[neuron]].astype(np.int64) - place[core]).sum(axis=1)
    return Travel(neuron, core.astype(np.int64), apart, fired(recording, netlist)[neuron])


def fired(recording: Recording, netlist: Netlist) -> NDArray[np.int64]:
    """How often each neuron fired, counted through all populations."""
    counted = np.zeros(netlist.size, np.int64)
    for name, cells in netlist.populations.items():
        counted[cells.span] = np.bincount(recording.of(name).neurons, minlength=cells.size)
    return counted


def mean_manhattan(tiles_x: int, tiles_y: int, layers: int = 1) -> float:
    """The mean distance of two tiles drawn at random, the same one included: (n² − 1)/3n summed over the axes."""
    return sum((n**2 - 1) / (3 * n) for n in (tiles_x, tiles_y, layers))


def distance_at_lag(tiles: NDArray[np.int32], lag: int) -> float:
    """The mean distance between a tile and the one `lag` further on in an order of tiles, shape (tiles, 2)."""
    return float(np.abs(tiles[lag:].astype(np.int64) - tiles[:-lag]).sum(axis=1).mean())
