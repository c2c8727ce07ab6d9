"""Event-driven many-core chips: a mesh of tiles with cores, each with limits, and a price for every event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, final

from workbench.chips.chip import Chip
from workbench.errors import DescriptionError
from workbench.fields import choice, count, described, quantity
from workbench.recordings.prices import Price
from workbench.units import ns, us
from workbench.words import tr

__all__ = ["EVENTS", "EventChip"]

EVENTS = (
    "active update",
    "inactive update",
    "synaptic operation",
    "outside operation",
    "spike",
    "packet",
    "tile-local packet",
    "east-west hop",
    "north-south hop",
)
"""What an event chip counts.

An update is one step of one neuron: active when something arrived for it or it fired, else inactive. A synaptic operation is one
spike at one synapse; one from an outside source is counted apart. A packet is one spike on its way to one core; a tile-local
packet stays on its tile, the others hop from tile to tile.
"""


@final
@described
class EventChip(Chip):
    """A mesh of `tiles_x` × `tiles_y` tiles with `cores_per_tile` cores; spikes travel as packets, first east–west, then north–south."""

    kind: ClassVar[str] = "event"
    tiles_x: int = count(8, low=1, high=4096, doc="tiles from west to east")
    tiles_y: int = count(4, low=1, high=4096, doc="tiles from south to north")
    cores_per_tile: int = count(4, low=1, high=1024, doc="cores on a tile")
    neurons_per_core: int = count(1024, low=1, high=1_000_000, doc="neurons a core can hold", log=True)
    synapses_per_core: int = count(1_000_000, low=1, high=2**31 - 1, doc="synapses a core can hold", log=True)
    axons_in: int = count(4096, low=1, high=2**31 - 1, doc="different source neurons a core can listen to", log=True)
    axons_out: int = count(
        4096, low=1, high=2**31 - 1, doc="destinations (neuron and core) a core can send to", log=True
    )
    barrier_one: float = quantity(113 * ns, "ns", low=0.0, high=1000 * us, doc="end-of-step barrier with one tile")
    barrier_all: float = quantity(465 * ns, "ns", low=0.0, high=1000 * us, doc="end-of-step barrier with 32 tiles")
    arithmetic: str = choice(
        "float64", ("float64", "float32"), doc="float64 equals Brian2 spike for spike; float32 is faster"
    )
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)

    def check(self) -> None:
        """Every event needs a price."""
        for event in EVENTS:
            if event not in self.prices:
                raise DescriptionError(
                    tr("EventChip '{name}' has no price for '{event}'.", name=self.name, event=event)
                )

    @property
    def tiles(self) -> int:
        """Tiles on the mesh."""
        return self.tiles_x * self.tiles_y

    @property
    def cores(self) -> int:
        """Cores on the chip."""
        return self.tiles * self.cores_per_tile

    def barrier(self, tiles: int) -> float:
        """The end-of-step barrier for so many tiles in use, s: linear between the two published ends (assumed between them)."""
        return self.barrier_one + (self.barrier_all - self.barrier_one) * (max(1, tiles) - 1) / 31
