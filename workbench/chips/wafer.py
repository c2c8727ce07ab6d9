"""Wafers: dies on one substrate, each a mesh of tiles with cores, with a price for every event and for the way between dies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar, final

from workbench.chips.chip import Chip
from workbench.chips.defects import Defects
from workbench.chips.event import DIE_LINK, EVENTS, VIA, EventChip
from workbench.errors import DescriptionError, unknown
from workbench.fields import count, described
from workbench.recordings.prices import Citation, Price
from workbench.words import tr

__all__ = ["WAFER_EVENTS", "WaferChip"]

WAFER_EVENTS = (
    "core step",
    "neuron update",
    "synaptic operation",
    "outside operation",
    "spike",
    "packet",
    "east-west hop",
    "north-south hop",
    "die link",
)
"""What a wafer counts.

A core step is one step of one core in use: leakage and clock. A neuron update is one step of one neuron, whatever happens in it. A
synaptic operation is one spike at one synapse, an outside operation one spike from outside. A packet is one spike on its way to one
place on the sheet; it hops from tile to tile, east–west first, and a hop from one die to the next is a die link instead. A wafer of
more than one layer counts vias besides: hops from one layer to the next, which come first.
"""

_SAME = {
    "active update": "neuron update",
    "inactive update": "neuron update",
    "dense operation": "synaptic operation",
    "shared operation": "synaptic operation",
}
"""Where an event chip tells events apart that a wafer has one price for."""

NO_LIMIT = 2**31 - 1


@final
@described
class WaferChip(Chip):
    """A wafer of `dies_x` × `dies_y` dies, each a mesh of `tiles_x` × `tiles_y` tiles with `cores_per_tile` cores."""

    kind: ClassVar[str] = "wafer"
    dies_x: int = count(8, low=1, high=256, doc="dies from west to east")
    dies_y: int = count(8, low=1, high=256, doc="dies from south to north")
    tiles_x: int = count(24, low=1, high=4096, doc="tiles of a die from west to east")
    tiles_y: int = count(24, low=1, high=4096, doc="tiles of a die from south to north")
    cores_per_tile: int = count(1, low=1, high=1024, doc="cores on a tile")
    layers: int = count(1, low=1, high=64, doc="layers stacked on each die, each with all its tiles", log=True)
    neurons_per_core: int = count(4096, low=1, high=1_000_000, doc="neurons a core can hold", log=True)
    dead_dies: tuple[tuple[int, int], ...] = ()
    """Dies that do not work, as (x, y)."""
    dead_cores: tuple[tuple[int, int, int], ...] = ()
    """Cores that do not work, as (die x, die y, number on the die): tile by tile, row by row, layer by layer."""
    dead_links: tuple[tuple[int, int, int, int], ...] = ()
    """Sides of dies over which no packet goes, either way, as (x, y, x, y) of two dies beside each other."""
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)
    sources: Mapping[str, Citation] = field(default_factory=dict, hash=False)
    """Where each limit and shape comes from, by field name; prices carry their own."""

    def check(self) -> None:
        """Every event needs a price, every price an event, every source a field; what is dead must be on the wafer."""
        for event in self.events:
            if event not in self.prices:
                raise DescriptionError(
                    tr("WaferChip '{name}' has no price for '{event}'.", name=self.name, event=event)
                )
        for event in self.prices:
            if event not in (*WAFER_EVENTS, VIA):
                raise unknown("event", event, (*WAFER_EVENTS, VIA))
        for name in self.sources:
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise unknown(f"knob of {type(self).__name__}", name, self.__dataclass_fields__)  # type: ignore[attr-defined]
        ends = (end for link in self.dead_links for end in (link[:2], link[2:]))
        for place in (*self.dead_dies, *self.dead_cores, *ends):
            x, y, *core = place
            if not (0 <= x < self.dies_x and 0 <= y < self.dies_y and all(0 <= c < self.cores_per_die for c in core)):
                raise DescriptionError(
                    tr(
                        "WaferChip '{name}': {place} is not on the wafer; dies go from (0, 0) to ({x}, {y}), cores of a die from 0 to {core}.",
                        name=self.name,
                        place=place,
                        x=self.dies_x - 1,
                        y=self.dies_y - 1,
                        core=self.cores_per_die - 1,
                    )
                )
        for x, y, to_x, to_y in self.dead_links:
            if abs(x - to_x) + abs(y - to_y) != 1:
                raise DescriptionError(
                    tr(
                        "WaferChip '{name}': no link joins die ({x}, {y}) and die ({to_x}, {to_y}); write two dies beside each other, such as (3, 4, 3, 5).",
                        name=self.name,
                        x=x,
                        y=y,
                        to_x=to_x,
                        to_y=to_y,
                    )
                )

    @property
    def events(self) -> tuple[str, ...]:
        """What this wafer counts: `WAFER_EVENTS`, and vias where it has layers."""
        return WAFER_EVENTS if self.layers == 1 else (*WAFER_EVENTS, VIA)

    def mesh(self, **changes: Any) -> EventChip:
        """The wafer as one mesh of all its tiles and layers, for networks whose synapses are stored; `changes` are fields of an EventChip.

        Dies, links between them, vias and prices are the wafer's, and so is what is dead: packets go around it. An update of a neuron
        has one price whether something arrived or not, and a packet none of its own where it is received or stays on its tile. No limit
        is set on synapses and axons, for a wafer states none. By default cores lie along a curve, a packet is sent once to all of its
        cores (multicast), and chip time is counted with full queues, without a barrier's time.
        """
        free = Price(0.0, 0.0, Citation("assumed", "the wafer has no price for it; left out"))
        prices = {e: self.prices.get(_SAME.get(e, e), free) for e in (*EVENTS, DIE_LINK, VIA)}
        given: dict[str, Any] = {
            "name": self.name,
            "die": self.die,
            "tiles_x": self.dies_x * self.tiles_x,
            "tiles_y": self.dies_y * self.tiles_y,
            "layers": self.layers,
            "die_x": self.tiles_x,
            "die_y": self.tiles_y,
            "cores_per_tile": self.cores_per_tile,
            "neurons_per_core": self.neurons_per_core,
            "synapses_per_core": NO_LIMIT,
            "axons_in": NO_LIMIT,
            "axons_out": NO_LIMIT,
            "barrier_one": 0.0,
            "barrier_all": 0.0,
            "placement": "hilbert",
            "routing": "multicast",
            "timing": "queued",
            "core_area": 0.0,
            "defects": self._defects,
            "prices": prices,
        }
        return EventChip(**given | changes)

    @property
    def _defects(self) -> Defects:
        """What is dead, tile by tile."""
        wide, high, rows = self.tiles_x, self.tiles_y, self.dies_y * self.tiles_y
        killed, cores, cut = [], [], []
        for layer in range(self.layers):
            base = layer * rows
            for x, y in dict.fromkeys(self.dead_dies):
                low, left = base + y * high, x * wide
                killed.append(f"{low},{left}:{low + high - 1},{left + wide - 1}")
            for x, y, to_x, to_y in {(*min(k[:2], k[2:]), *max(k[:2], k[2:])) for k in self.dead_links}:
                if y == to_y:
                    column = to_x * wide
                    cut += [f"{r},{column - 1}-{r},{column}" for r in range(base + y * high, base + (y + 1) * high)]
                else:
                    row = base + to_y * high
                    cut += [f"{row - 1},{c}-{row},{c}" for c in range(x * wide, (x + 1) * wide)]
        for x, y, core in dict.fromkeys(self.dead_cores):
            tile, number = divmod(core, self.cores_per_tile)
            layer, tile = divmod(tile, wide * high)
            cores.append(f"{layer * rows + y * high + tile // wide},{x * wide + tile % wide},{number}")
        return Defects(killed=" ".join(killed), killed_cores=" ".join(cores), cut=" ".join(sorted(cut)))

    @property
    def dies(self) -> int:
        """Dies on the wafer, dead ones too."""
        return self.dies_x * self.dies_y

    @property
    def cores_per_die(self) -> int:
        """Cores on a die, those of all its layers."""
        return self.layers * self.tiles_x * self.tiles_y * self.cores_per_tile

    @property
    def neurons_per_die(self) -> int:
        """Neurons a whole die can hold."""
        return self.cores_per_die * self.neurons_per_core

    def living(self, x: int, y: int) -> int:
        """Cores of die (x, y) that work."""
        if (x, y) in self.dead_dies:
            return 0
        return self.cores_per_die - len({c for cx, cy, c in self.dead_cores if (cx, cy) == (x, y)})

    @property
    def size(self) -> str:
        """See Chip."""
        return tr("{x} × {y} dies of {cores:,} cores", x=self.dies_x, y=self.dies_y, cores=self.cores_per_die)

    @property
    def holds(self) -> str:
        """See Chip."""
        return tr("{count:,} neurons", count=self.dies * self.neurons_per_die)
