"""Where the patches lie on the wafer, and what a run costs there: events by window and die."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.wafer.layout import Shape
from workbench.chips.event import VIA
from workbench.chips.wafer import WaferChip
from workbench.circuits.sheet import patch_edges
from workbench.circuits.unfold import Netlist
from workbench.errors import PlacementError
from workbench.mapping.dies import DieWays
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import CoreUse
from workbench.words import tr

__all__ = ["Map", "Meter", "lay_map"]

_TIMED = ("neuron update", "synaptic operation", "outside operation", "spike", "packet")
"""The prices the clock asks for, in its order; hops and links it takes from the ways."""


@final
@dataclass(frozen=True, eq=False)
class Map:
    """The die of each patch, the tile of its middle counted over the whole wafer, and how the dies are filled."""

    die: NDArray[np.int64]
    """The die of each patch, numbered among the dies in use."""
    names: tuple[str, ...]
    """The dies in use."""
    tile: NDArray[np.int64]
    """(x, y, layer) of each patch."""
    neurons: NDArray[np.int64]
    """Neurons of each population in each patch, (populations, patches)."""
    uses: tuple[CoreUse, ...]
    cores: NDArray[np.int64]
    """Cores in use on each die."""
    ways: DieWays
    """The ways of packets, round what is dead."""


def lay_map(netlist: Netlist, chip: WaferChip, shape: Shape) -> Map:
    """Deal the patches to the dies that work so that the sheet keeps its shape: bands from south to north, each cut from west to east.

    A die gets patches in proportion to its cores that work. Over more than one layer the sheet is folded like a paper fan: what comes
    to the last row of a layer goes on in the layer above, and back.

    Raises PlacementError when a die would hold more than it can, and when no way leads to a living die.
    """
    living = np.array([[chip.living(x, y) for x in range(chip.dies_x)] for y in range(chip.dies_y)], np.int64)
    if not living.any():
        raise PlacementError(tr("{chip} has no core that works.", chip=chip.name))
    patch = np.arange(shape.patches)
    x, y = patch % shape.columns, patch // shape.columns
    band = _dealt(shape.patches, living.sum(axis=1))
    die_x = np.empty_like(patch)
    for k in range(chip.dies_y):
        mine = np.flatnonzero(band == k)
        mine = mine[np.lexsort((y[mine], x[mine]))]
        die_x[mine] = _dealt(mine.size, living[k])
    tile_x = np.clip(
        (x * 2 + 1) * chip.dies_x * chip.tiles_x // (2 * shape.columns),
        die_x * chip.tiles_x,
        (die_x + 1) * chip.tiles_x - 1,
    )
    folded = chip.layers * chip.tiles_y  # rows of a die with its layers laid open
    row = np.clip((y * 2 + 1) * chip.dies_y * folded // (2 * shape.rows), band * folded, (band + 1) * folded - 1)
    layer, row = np.divmod(row - band * folded, chip.tiles_y)
    tile_y = band * chip.tiles_y + np.where(layer % 2, chip.tiles_y - 1 - row, row)
    numbers, die = np.unique(band * chip.dies_x + die_x, return_inverse=True)
    neurons = np.array([np.diff(patch_edges(c.size, shape.patches)) for c in netlist.populations.values()])
    held = np.bincount(die, neurons.sum(axis=0), numbers.size).astype(np.int64)
    limits = (living * chip.neurons_per_core).reshape(-1)
    over, total = np.maximum(held - limits[numbers], 0), int(limits.sum())
    if netlist.size > total or over.any():
        raise PlacementError(
            tr(
                "{chip} holds {total:,} neurons, up to {most:,} on each of {dies} dies that work; this network has {size:,}, up to {held:,} on "
                "a die: {short:,} neurons too many.",
                chip=chip.name,
                total=total,
                most=int(limits.max()),
                dies=int(np.count_nonzero(limits)),
                size=netlist.size,
                held=int(held.max()),
                short=max(netlist.size - total, int(over.sum())),
            )
        )
    ways = DieWays(chip)
    ways.faults  # noqa: B018  asked for only to refuse a wafer that is cut in two
    names = tuple(f"die {n % chip.dies_x},{n // chip.dies_x}" for n in numbers.tolist())
    cores = -(-held // chip.neurons_per_core)
    uses = tuple(
        CoreUse(
            name=name,
            tile=(n % chip.dies_x, n // chip.dies_x),
            uses={"neurons": (h, int(limits[n])), "cores": (c, int(living.reshape(-1)[n]))},
        )
        for name, n, h, c in zip(names, numbers.tolist(), held.tolist(), cores.tolist(), strict=True)
    )
    return Map(die, names, np.stack([tile_x, tile_y, layer], axis=1), neurons, uses, cores, ways)


def _dealt(many: int, shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """To whom each of so many things goes, in turn, in proportion to the shares; whoever has none gets none."""
    ends = np.cumsum(shares) * many // max(1, int(shares.sum()))
    return np.searchsorted(ends, np.arange(many), side="right")


@final
class Meter:
    """Counts of the ledger's windows so far. What a spike costs is known when it is sent, so counts are linear in the spikes of a patch."""

    def __init__(
        self, netlist: Netlist, chip: WaferChip, shape: Shape, laid: Map, dt: float, steps: int, window: float | None
    ) -> None:
        self.chip, self.map, self.dt = chip, laid, dt
        self.every = max(1, round(window / dt)) if window else max(1, steps)
        """Steps of a window."""
        Ledger.room(math.ceil(max(1, steps) / self.every), len(laid.names), len(chip.events))
        self.step, self._begin = 0, 0
        names = list(netlist.populations)
        self._spikes = np.zeros((len(names), shape.patches), np.int64)
        self._outside = np.zeros_like(self._spikes)
        self._done: list[NDArray[np.int64]] = []
        self._ways = [
            (names.index(b.source), b.rule.reached(b.key), b.rule.shares)  # type: ignore[attr-defined]
            for b in netlist.projections.values()
            if not b.external
        ]
        self._sent, longest = self._laid_out()
        self._links: list[NDArray[np.int64]] = []
        self.clock, self._begin_clock = 0.0, 0.0
        self._times: list[float] = []
        updates = laid.neurons.sum(axis=0)
        price = chip.prices
        self._timed = {
            "updates": updates.astype(np.float64),
            "cores": np.maximum(updates / chip.neurons_per_core, 1.0),
            "source": np.array([source for source, _, _ in self._ways], np.int64),
            "contact": np.cumsum([0, *(int(shares.size) for _, _, shares in self._ways)]).astype(np.int64),
            "share": np.concatenate([np.zeros(0, np.int64), *(shares for _, _, shares in self._ways)]),
            "reached": np.concatenate(
                [np.zeros((0, shape.patches), np.int32), *(reached for _, reached, _ in self._ways)]
            ),
            "way": longest,
            "seconds": np.array([price[e].seconds for e in _TIMED]),
            "operations": np.zeros(shape.patches, np.int64),
        }

    def _laid_out(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """By projection and patch: east–west hops, north–south hops, die links and vias of one spike, (projections, 4, patches), and the
        seconds its longest way takes; and, kept for the loads of links, the way of each contact of each patch.
        """
        ways, at, patches = self.map.ways, self.map.tile, self.map.die.size
        seconds = np.array(
            [
                self.chip.prices[e].seconds
                for e in ("east-west hop", "north-south hop", "die link", VIA)
                if e in self.chip.prices
            ]
        )
        hops = np.zeros((len(self._ways), 4, patches), np.int64)
        longest = np.zeros((len(self._ways), patches))
        found: list[NDArray[np.int64]] = []
        for k, (_, reached, _) in enumerate(self._ways):
            counts, way = ways.laid(np.tile(at, (len(reached), 1)), at[reached].reshape(-1, 3))
            took = (seconds @ counts[: seconds.size]).reshape(-1, patches)
            hops[k] = counts.reshape(4, -1, patches).sum(axis=1)
            longest[k] = took.max(axis=0, initial=0.0)
            found.append(way)
        self._known, which = np.unique(np.concatenate([np.zeros(0, np.int64), *found]), return_inverse=True)
        each = np.split(which.astype(np.int32), np.cumsum([w.size for w in found])[:-1])
        self._way_of = [w.reshape(-1, patches) for w in each[: len(found)]]
        return hops, longest

    def _loads(self) -> NDArray[np.int64]:
        """Packets over every link between dies in this window, (4, dies_y, dies_x)."""
        many = np.zeros(self._known.size)
        for (source, _, _), way in zip(self._ways, self._way_of, strict=True):
            fired = np.broadcast_to(self._spikes[source], way.shape)
            many += np.bincount(way.reshape(-1), fired.reshape(-1), many.size)
        return self.map.ways.loads(self._known, np.rint(many).astype(np.int64))

    def left(self) -> int:
        """Steps to the end of this window."""
        return self.every - self.step % self.every

    def add(self, fired: NDArray[np.int32], arrived: NDArray[np.int32]) -> None:
        """Count some steps of one window: spikes and outside spikes by (step, population, patch)."""
        from workbench.kernels.wafer import clock  # noqa: PLC0415  compiled kernels only when something runs

        self._spikes += fired.sum(axis=0, dtype=np.int64)
        self._outside += arrived.sum(axis=0, dtype=np.int64)
        self.clock = clock.simple(fired, arrived, **self._timed, clock=self.clock)
        self.step += len(fired)
        if self.step % self.every == 0:
            self._done.append(self._counts())
            self._links.append(self._loads())
            self._times.append(self.clock - self._begin_clock)
            self._spikes[:], self._outside[:] = 0, 0
            self._begin, self._begin_clock = self.step, self.clock

    def _by_die(self, of_patches: NDArray[Any]) -> NDArray[np.int64]:
        made = np.zeros(len(self.map.names), np.int64)
        np.add.at(made, self.map.die, of_patches.astype(np.int64))
        return made

    def _counts(self) -> NDArray[np.int64]:
        steps = self.step - self._begin
        operations = np.zeros(self._spikes.shape[1], np.int64)
        packets, hops = np.zeros_like(operations), np.zeros((4, operations.size), np.int64)
        for (source, reached, shares), sent in zip(self._ways, self._sent, strict=True):
            fired = self._spikes[source]
            for there, share in zip(reached, shares.tolist(), strict=True):
                operations[there] += share * fired  # `there` is a permutation
            packets += len(reached) * fired
            hops += sent * fired
        table = {
            "core step": self.map.cores * steps,
            "neuron update": self._by_die(self.map.neurons.sum(axis=0)) * steps,
            "synaptic operation": self._by_die(operations),
            "outside operation": self._by_die(self._outside.sum(axis=0)),
            "spike": self._by_die(self._spikes.sum(axis=0)),
            "packet": self._by_die(packets),
            "east-west hop": self._by_die(hops[0]),
            "north-south hop": self._by_die(hops[1]),
            "die link": self._by_die(hops[2]),
            VIA: self._by_die(hops[3]),
        }
        return np.stack([table[e] for e in self.chip.events], axis=1).astype(np.int64)

    def ledger(self) -> Ledger:
        """Everything so far; the last window may be cut short."""
        open_window = self.step > self._begin or not self._done
        counts = [*self._done, *([self._counts()] if open_window else [])]
        links = [*self._links, *([self._loads()] if open_window else [])]
        times = [*self._times, *([self.clock - self._begin_clock] if open_window else [])]
        edges = [self.every * k for k in range(len(counts))] + [self.step]
        return Ledger(
            counts=np.stack(counts),
            windows=np.array(edges) * self.dt,
            places=self.map.names,
            events=self.chip.events,
            prices={event: self.chip.prices[event] for event in self.chip.events},
            timing="simple",
            chip_times=np.array(times),
            links=np.stack(links),
        )

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything counted, as arrays."""
        done = (
            np.stack(self._done) if self._done else np.zeros((0, len(self.map.names), len(self.chip.events)), np.int64)
        )
        return {
            "meter.done": done,
            "meter.links": np.stack(self._links) if self._links else np.zeros(0, np.int64),
            "meter.spikes": self._spikes,
            "meter.outside": self._outside,
            "meter.times": np.array(self._times),
            "meter.clock": np.array([self.clock, self._begin_clock]),
            "meter.step": np.array([self.step, self._begin, self.every]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self._done, self._links = list(arrays["meter.done"]), list(arrays["meter.links"])
        self._spikes[:], self._outside[:] = arrays["meter.spikes"], arrays["meter.outside"]
        self._times = arrays["meter.times"].tolist()
        self.clock, self._begin_clock = arrays["meter.clock"].tolist()
        self.step, self._begin, self.every = arrays["meter.step"].tolist()
