"""Where a network ended up on its chip, how full that made it, and what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["CoreUse", "Placement", "Use"]

Use = tuple[int, int]
"""(used, limit)."""


@final
@dataclass(frozen=True)
class CoreUse:
    """One core: its tile on the mesh and its resources as (used, limit)."""

    name: str
    tile: tuple[int, int]
    neurons: Use
    synapses: Use
    axons_in: Use
    axons_out: Use

    def resources(self) -> dict[str, Use]:
        """Every resource by name."""
        return {
            "neurons": self.neurons,
            "synapses": self.synapses,
            "axons in": self.axons_in,
            "axons out": self.axons_out,
        }


@final
@dataclass(frozen=True, eq=False)
class Placement:
    """The cores in use, the core of every neuron (int32; empty when there are no cores), and losses in plain sentences."""

    cores: tuple[CoreUse, ...] = ()
    core_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    losses: tuple[str, ...] = ()
    mesh: tuple[int, int] = (0, 0)
    """Tiles in x and y."""

    @property
    def fullest(self) -> CoreUse | None:
        """The core with the largest share of any resource used."""
        return max(self.cores, key=lambda c: max(u / m for u, m in c.resources().values() if m), default=None)
