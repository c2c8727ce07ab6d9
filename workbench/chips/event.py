"""Event-driven many-core chips: a mesh of tiles with cores, each with limits, and a price for every event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, final

from workbench.chips.chip import Chip
from workbench.chips.defects import Defects, cut_links, killed_cores, killed_tiles
from workbench.errors import DescriptionError, unknown
from workbench.fields import choice, count, described, quantity
from workbench.recordings.prices import Citation, Price
from workbench.units import mm2, ns, us
from workbench.words import tr

__all__ = ["DIE_LINK", "EVENTS", "VIA", "EventChip"]

EVENTS = (
    "core step",
    "active update",
    "inactive update",
    "synaptic operation",
    "dense operation",
    "shared operation",
    "outside operation",
    "spike",
    "packet",
    "packet received",
    "tile-local packet",
    "east-west hop",
    "north-south hop",
)
"""What an event chip counts.

A core step is one step of one core in use: leakage and clock. An update is one step of one neuron: active when something arrived
for it or it fired, else inactive (see `EventChip.counting`). A synaptic operation is one spike at one synapse; it is a dense
operation in an all-to-all block and a shared operation where many synapses share one weight kernel (a convolution), because some
chips price those apart; one from an outside source is counted apart too. A packet is one spike leaving its core, for one core each
(unicast) or for all of them at once (multicast); it is received once by every core it goes to. A tile-local packet stays on its
tile, the others hop from tile to tile.
"""

DIE_LINK = "die link"
"""What a chip of many dies counts besides: a hop from a tile to one on the next die. It is no east–west or north–south hop."""

VIA = "via"
"""What a chip of many layers counts besides: a hop from a tile to the one above or below it."""


@final
@described
class EventChip(Chip):
    """A mesh of `tiles_x` × `tiles_y` tiles with `cores_per_tile` cores; spikes travel as packets, first east–west, then north–south.

    It may have `layers` of such meshes, one above the other, and each tile a link to the one above and below: packets then go from layer
    to layer first. Tiles are named (x, row), and the rows of a layer follow those of the layer below: row = layer · `tiles_y` + y.
    """

    kind: ClassVar[str] = "event"
    tiles_x: int = count(8, low=1, high=4096, doc="tiles from west to east")
    tiles_y: int = count(4, low=1, high=4096, doc="tiles from south to north")
    layers: int = count(1, low=1, high=64, doc="layers stacked, each with all its tiles", log=True)
    die_x: int = count(0, low=0, high=4096, doc="tiles of a die from west to east; 0: all are on one die")
    die_y: int = count(0, low=0, high=4096, doc="tiles of a die from south to north; 0: all are on one die")
    cores_per_tile: int = count(4, low=1, high=1024, doc="cores on a tile")
    neurons_per_core: int = count(1024, low=1, high=1_000_000, doc="neurons a core can hold", log=True)
    synapses_per_core: int = count(1_000_000, low=1, high=2**31 - 1, doc="synapses a core can hold", log=True)
    axons_in: int = count(4096, low=1, high=2**31 - 1, doc="different source neurons a core can listen to", log=True)
    axons_out: int = count(
        4096, low=1, high=2**31 - 1, doc="destinations (neuron and core) a core can send to", log=True
    )
    barrier_one: float = quantity(113 * ns, "ns", low=0.0, high=1000 * us, doc="end-of-step barrier with one tile")
    barrier_all: float = quantity(465 * ns, "ns", low=0.0, high=1000 * us, doc="end-of-step barrier with 32 tiles")
    barriers: tuple[tuple[int, float], ...] = ()
    """Measured barriers as (tiles in use, seconds), ascending: they replace the two numbers above; the last one at or below holds."""
    arithmetic: str = choice(
        "float64",
        ("float64", "float32", "integer"),
        doc="float64 equals Brian2 spike for spike; float32 is faster; integer is what the chip's own numbers allow",
    )
    weight_bits: int = count(8, low=2, high=24, doc="bits of a weight with its sign, in integer arithmetic")
    weight_scale: str = choice(
        "population",
        ("population", "neuron"),
        doc="one exponent for the weights of a projection, or one for each target neuron",
    )
    counting: str = choice(
        "arrival",
        ("arrival", "nonzero"),
        doc="what makes an update active: an arrival or a spike; or also a state or a bias that is not zero",
    )
    partition: str = choice("sequential", ("sequential", "clustered"), doc="how neurons are dealt to cores")
    placement: str = choice(
        "row-major",
        ("row-major", "random", "hilbert", "force-directed", "annealing"),
        doc="how cores are put on the mesh; force-directed and annealing start from hilbert",
    )
    routing: str = choice(
        "unicast", ("unicast", "multicast"), doc="a packet for each core, or one that splits on its way"
    )
    timing: str = choice(
        "simple",
        ("simple", "queued", "asynchronous"),
        doc="chip time: slowest core and barrier; routers and links as queues; or no barrier at all",
    )
    link_buffer: int = count(
        16, low=1, high=1_000_000, doc="packets a link can hold before the one behind it waits", log=True
    )
    core_area: float = quantity(0.41 * mm2, "mm²", low=0.0, high=10_000 * mm2, doc="silicon of one core")
    defects: Defects = field(default=Defects())
    """What is broken, by chance or by hand; which parts that are follows from `die`. By default nothing is."""
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)
    sources: Mapping[str, Citation] = field(default_factory=dict, hash=False)
    """Where each limit and shape of the chip comes from, by field name; prices carry their own."""

    def check(self) -> None:
        """Every event needs a price, every price an event, every source a field; measured barriers must ascend.

        A hop to another die or layer that has no price gets that of an east–west hop, as an assumption.
        """
        hop = self.prices.get("east-west hop")
        if hop is not None:  # nobody who builds one layer or one die has a price for what it has not
            stand_in = Price(hop.joules, hop.seconds, Citation("assumed", "none is given: that of an east–west hop"))
            given = {e: self.prices.get(e, stand_in) for e in self.events if e in (DIE_LINK, VIA)}
            if not given.keys() <= self.prices.keys():
                object.__setattr__(self, "prices", {**self.prices, **given})
        for event in self.events:
            if event not in self.prices:
                raise DescriptionError(
                    tr("EventChip '{name}' has no price for '{event}'.", name=self.name, event=event)
                )
        for event in self.prices:
            if event not in (*EVENTS, DIE_LINK, VIA):
                raise unknown("event", event, (*EVENTS, DIE_LINK, VIA))
        for name in self.sources:
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise unknown(f"knob of {type(self).__name__}", name, self.__dataclass_fields__)  # type: ignore[attr-defined]
        self._check_defects()
        tiles = [t for t, _ in self.barriers]
        if tiles != sorted(set(tiles)) or any(t < 1 for t in tiles) or any(not 0 <= b < 1 for _, b in self.barriers):
            raise DescriptionError(
                tr(
                    "EventChip '{name}': barriers must be (tiles, seconds) with tiles from 1 ascending and seconds from 0 to 1.",
                    name=self.name,
                )
            )

    def _check_defects(self) -> None:
        """What is killed, cut or kept in reserve must be on the mesh."""
        if not isinstance(self.defects, Defects):
            raise DescriptionError(
                tr("EventChip.defects is {value!r}: write Defects(density=…), or leave it out.", value=self.defects)
            )
        broken = self.defects
        cores = killed_cores(broken.killed_cores)
        for row, column, core in cores:
            if core >= self.cores_per_tile:
                raise DescriptionError(
                    tr(
                        "Core {core} of tile {row},{column} is not on '{name}': its tiles have {each} cores, counted from 0.",
                        core=core,
                        row=row,
                        column=column,
                        name=self.name,
                        each=self.cores_per_tile,
                    )
                )
        ends = (tile for link in cut_links(broken.cut) for tile in link)
        for row, column in [*killed_tiles(broken.killed), *(c[:2] for c in cores), *ends]:
            if row >= self.rows or column >= self.tiles_x:
                raise DescriptionError(
                    tr(
                        "Tile {row},{column} lies off the mesh of '{name}': rows are 0 … {rows}, columns 0 … {columns}.",
                        row=row,
                        column=column,
                        name=self.name,
                        rows=self.rows - 1,
                        columns=self.tiles_x - 1,
                    )
                )
        if broken.density > 0 and self.core_area == 0:
            raise DescriptionError(
                tr(
                    "The cores of '{name}' have no area, so no density of defects can hit them: set core_area too.",
                    name=self.name,
                )
            )
        if broken.spare_columns >= self.tiles_x or broken.spare_rows >= self.tiles_y:
            raise DescriptionError(
                tr(
                    "'{name}' has {x} × {y} tiles; {columns} columns and {rows} rows in reserve leave none to use.",
                    name=self.name,
                    x=self.tiles_x,
                    y=self.tiles_y,
                    columns=broken.spare_columns,
                    rows=broken.spare_rows,
                )
            )

    @property
    def events(self) -> tuple[str, ...]:
        """What this chip counts: `EVENTS`, and links between dies and layers where it has them."""
        return (*EVENTS, *([DIE_LINK] if self.die_x or self.die_y else []), *([VIA] if self.layers > 1 else []))

    @property
    def rows(self) -> int:
        """Rows of tiles, those of one layer after the other."""
        return self.tiles_y * self.layers

    @property
    def tiles(self) -> int:
        """Tiles on the mesh, those of all layers."""
        return self.tiles_x * self.rows

    @property
    def cores(self) -> int:
        """Cores on the chip."""
        return self.tiles * self.cores_per_tile

    @property
    def size(self) -> str:
        """See Chip."""
        if self.layers > 1:
            return tr(
                "{x} × {y} × {z} tiles, {cores:,} cores",
                x=self.tiles_x,
                y=self.tiles_y,
                z=self.layers,
                cores=self.cores,
            )
        return tr("{x} × {y} tiles, {cores:,} cores", x=self.tiles_x, y=self.tiles_y, cores=self.cores)

    @property
    def holds(self) -> str:
        """See Chip."""
        return tr("{count:,} neurons", count=self.cores * self.neurons_per_core)

    @property
    def area(self) -> float:
        """Silicon of all cores, m²."""
        return self.cores * self.core_area

    def barrier(self, tiles: int) -> float:
        """The end-of-step barrier for so many tiles in use, s.

        From the table `barriers` if there is one; else linear between the two published ends (assumed between them).
        """
        if self.barriers:
            return next((b for t, b in reversed(self.barriers) if t <= max(1, tiles)), self.barriers[0][1])
        return self.barrier_one + (self.barrier_all - self.barrier_one) * (max(1, tiles) - 1) / 31
