"""Chip time with a network that can be full: routers and links as finite queues, with a barrier or without one.

*queued*: all cores begin a step together. A core updates its neurons in their order; a neuron that fires sends its packets one after
the other, each when its core has made it. A packet goes first from layer to layer if there are several, then along the row, then along
the column, and takes the time of its kind for each link; packets follow each other on a link no closer than a quarter of a hop (`STAGES`). A core takes packets in one at a time, in the
order they come, and takes its received and operation times for each. Every link, and every core's input, holds `chip.link_buffer`
packets; who finds the next one full waits, and so does everything behind it, up to the sending core. The step ends when the last
core is done, then comes the barrier.

*asynchronous*: the same without the barrier. A core begins step n + 1 when it has updated its neurons and taken in all packets of
step n, and when every core that has synapses onto it is done with step n (it says so by a token that takes the way of a packet and
no room in it). It takes in packets of step n + 1 only then; those wait in the network. Packets of different steps do not meet, but
a link used by the step before is free no sooner than it was.

On a chip with faults packets take the ways of `mapping.detour`. Each virtual channel of a link has its own room for `link_buffer`
packets, and all of them share its wires.

What is simplified: neurons of a core that do not fire share the step's active and inactive updates evenly; a link passes whole
packets without cutting them into flits; ends of steps of neighbours are known without traffic.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.errors import DescriptionError
from workbench.mapping.detour import Detours
from workbench.mapping.lattice import crossed, kinds_of, seconds_of, spread
from workbench.words import tr

__all__ = ["STAGES", "ChipClock", "Times", "work_of"]

STAGES = 4
"""A packet may set out on a link when the one before it is this part of a hop away: routers work like a pipeline.

Assumed, since nobody published it; it makes 1.0 and 1.6 ns a packet of Loihi's hops of 4.1 and 6.5 ns, beside the 1 ns a packet that
SANA-FE gives its routers in its cycle-accurate model.
"""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Times:
    """The chip time of some steps, and what the network did in them."""

    seconds: NDArray[np.float64]
    """By step."""
    simple: NDArray[np.float64]
    """By step, what the simple model gives: busiest core and barrier, no network."""
    waiting: float
    """Seconds that packets spent in the network beyond their hops, all together."""
    blocked: float
    """Seconds that cores could not send because the network was full, all together."""
    packets: int
    delivered: int


@final
class ChipClock:
    """Chip time under the queued or the asynchronous model, told step after step; it remembers where it stands.

    `core_of` (neurons) and `tiles` (cores, 2) are the mapping; rows `start[i]` to `start[i + 1]` of `core` and `work` are where neuron
    i's spikes go and the seconds one takes there (see `work_of`). `detours` are the ways around what is dead, which need so many `channels`.
    """

    def __init__(
        self,
        chip: EventChip,
        *,
        core_of: NDArray[Any],
        tiles: NDArray[Any],
        start: NDArray[Any],
        core: NDArray[Any],
        work: NDArray[np.float64],
        timing: str | None = None,
        detours: Detours | None = None,
        channels: int = 1,
    ) -> None:
        self.timing = chip.timing if timing is None else timing
        if self.timing not in ("queued", "asynchronous"):
            raise DescriptionError(
                tr(
                    "Unknown {kind} '{name}'. Known: {listed}.",
                    kind=tr("timing"),
                    name=self.timing,
                    listed="queued, asynchronous",
                )
            )
        self._chip = chip
        self._tables = _Tables(chip, core_of, tiles, start, core, work, detours, channels)

    def advance(
        self,
        steps: NDArray[Any],
        neurons: NDArray[Any],
        *,
        active: NDArray[Any],
        inactive: NDArray[Any],
        outside: NDArray[Any] | None = None,
    ) -> Times:
        """The chip time of the next steps.

        `steps` (from 0, ascending) and `neurons` say who fired when; `active`, `inactive` and `outside`, all of shape (steps, cores),
        how many updates and outside operations each core had.
        """
        from workbench.kernels import noc  # noqa: PLC0415

        many = active.shape[0]
        t = self._tables
        first = np.searchsorted(np.asarray(steps), np.arange(many + 1)).astype(np.int64)
        fired = np.asarray(neurons, np.int64)
        filled = np.concatenate([[0], np.cumsum(np.diff(t.table("row"))[fired])])[first]
        seconds, simple = np.zeros(many), np.zeros(many)
        before = t.table("totals").copy()
        noc.advance(
            t.whole,
            t.real,
            t.at,
            t.mesh,
            *noc.packets(int(np.diff(filled).max(initial=0))),
            np.empty(t.mesh.links + t.mesh.cores + 1, np.int64),
            self.timing == "asynchronous",
            first,
            fired,
            np.asarray(active, np.int64),
            np.asarray(inactive, np.int64),
            np.zeros((many, t.mesh.cores), np.int64) if outside is None else np.asarray(outside, np.int64),
            seconds,
            simple,
        )
        waiting, blocked, packets, delivered = t.table("totals") - before
        return Times(
            seconds=seconds,
            simple=simple,
            waiting=float(waiting),
            blocked=float(blocked),
            packets=int(packets),
            delivered=int(delivered),
        )

    def anew(self) -> ChipClock:
        """Another clock of the same program, at its start; this one must not have gone on."""
        made = copy.copy(self)
        made._tables = copy.copy(self._tables)
        made._tables.whole, made._tables.real = self._tables.whole.copy(), self._tables.real.copy()
        return made

    @property
    def loads(self) -> NDArray[np.int64]:
        """Packets so far over each link, shape (4 or 6, rows, tiles_x), the first axis as in `mapping.route.DIRECTIONS`."""
        links = self._tables.table("load")[: self._tables.mesh.links]
        ports = self._tables.mesh.ports
        return links.reshape(-1, self._chip.tiles_x, self._chip.rows, ports).sum(axis=0).transpose(2, 1, 0).copy()

    @property
    def longest_queue(self) -> int:
        """The most packets that waited in one place so far, the one being carried included."""
        return int(self._tables.table("longest").max(initial=0))

    def save(self) -> dict[str, NDArray[Any]]:
        """Where the clock stands, as arrays."""
        return {name: self._tables.table(name).copy() for name in _KEPT}

    def resume(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on where another clock of the same program stood."""
        for name in _KEPT:
            self._tables.table(name)[:] = saved[name]


def work_of(
    chip: EventChip, *, synaptic: NDArray[Any] | int = 0, dense: NDArray[Any] | int = 0, shared: NDArray[Any] | int = 0
) -> NDArray[np.float64]:
    """Seconds a core works on one packet that brings so many operations of each kind."""
    seconds = {name: price.seconds for name, price in chip.prices.items()}
    return np.asarray(
        seconds["packet received"]
        + synaptic * np.float64(seconds["synaptic operation"])
        + dense * np.float64(seconds["dense operation"])
        + shared * np.float64(seconds["shared operation"])
    )


_KEPT = ("begin", "free", "last", "totals", "load", "longest")


@final
class _Tables:
    """The mapping as the kernel's two arrays: fan-out rows sorted by tile, places of neurons on their cores, links, who tells whom."""

    def __init__(
        self,
        chip: EventChip,
        core_of: NDArray[Any],
        tiles: NDArray[Any],
        start: NDArray[Any],
        core: NDArray[Any],
        work: NDArray[np.float64],
        detours: Detours | None = None,
        channels: int = 1,
    ) -> None:
        from workbench.kernels import noc  # noqa: PLC0415

        home, where = np.asarray(core_of, np.int64), np.asarray(tiles, np.int64)
        start, core = np.asarray(start, np.int64), np.asarray(core, np.int64)
        price = {name: p.seconds for name, p in chip.prices.items()}
        sender = np.repeat(np.arange(home.size), np.diff(start))
        ways = None if detours is None else _Ways(chip, detours, where, home[sender], core)
        if ways is None:
            x, y, layer = spread(where[core], chip).T
            order = np.lexsort((core, y, x, layer, sender))
        else:
            order = np.lexsort((core, ways.rank, sender))
        size = np.bincount(home, minlength=len(where))
        rank = np.empty(home.size, np.int64)
        rank[np.argsort(home, kind="stable")] = np.arange(home.size) - np.repeat(np.cumsum(size) - size, size)
        pairs = np.unique(core * len(where) + home[sender])  # who is told, then who tells
        told, teller = np.divmod(pairs, max(1, len(where)))
        seconds = seconds_of(chip)
        apart = seconds @ crossed(where[told], where[teller], chip)
        rows, ports = chip.rows, 4 if chip.layers == 1 else 6
        tile_x, tile_y = np.divmod(np.arange(chip.tiles), rows)
        tile = np.arange(chip.tiles)
        ahead = (rows, -rows, 1, -1, chip.tiles_y, -chip.tiles_y)  # east, west, north, south, up, down
        leads = np.stack([tile + by for by in ahead[:ports]], axis=1)
        if ways is not None:
            apart = ways.seconds(where[teller], where[told])
        wires = chip.tiles * ports
        hop = np.tile(seconds[kinds_of(chip).transpose(2, 1, 0)].ravel(), channels)
        cores, links = len(where), wires * channels
        given = {
            "home": home,
            "rank": rank,
            "row": start,
            "core": core[order],
            "way": np.zeros(0, np.int64) if ways is None else ways.begin[order],
            "ways": np.zeros(0, np.int64) if ways is None else ways.links,
            "x": where[:, 0],
            "y": where[:, 1],
            "tile": where[:, 0] * rows + where[:, 1],
            "size": size,
            "before": np.concatenate([[0], np.cumsum(np.bincount(told, minlength=cores))]),
            "teller": teller,
            "tile_x": tile_x,
            "tile_y": tile_y,
            "leads": np.tile(leads.reshape(-1), channels),
            "work": np.asarray(work, np.float64)[order],
            "apart": np.where(apart == 0, price["tile-local packet"], apart),
            "hop": hop,
            "cycle": hop / STAGES,
        }
        queues, entities = links + cores, links + 2 * cores
        leaves = 1 << max(1, (entities - 1).bit_length())
        self._sizes = {
            **{name: len(value) for name, value in given.items()},
            **dict.fromkeys(("at_spike", "at_row", "since", "low", "high"), cores),
            **dict.fromkeys(("step_work", "sending", "taking", "taken", "blocked_at", "begin"), cores),
            **dict.fromkeys(("head", "tail", "held", "wait_head", "wait_tail", "longest", "load"), queues),
            **dict.fromkeys(("wait_next", "busy"), entities),
            "tree": 4 * leaves,
            "listed": home.size,
            "first_spike": cores + 1,
            "free": wires,
            "last": 1,
            "totals": 4,
        }
        self.at, whole, real = noc.lay_out(self._sizes)
        self.whole, self.real = np.zeros(whole, np.int64), np.zeros(real)
        for name, value in given.items():
            self.table(name)[:] = value
        for name in ("wait_head", "wait_tail", "wait_next"):
            self.table(name)[:] = -1
        self.table("tree").reshape(-1, 2)[:, 0] = noc.NEVER
        self.table("tree").reshape(-1, 2)[leaves:, 1] = np.arange(leaves)
        self.mesh = noc.Mesh(
            cores=cores,
            links=links,
            wires=wires,
            ports=ports,
            layer=chip.tiles_y,
            buffer=chip.link_buffer,
            leaves=leaves,
            multicast=chip.routing == "multicast",
            table=ways is not None,
            local=price["tile-local packet"],
            packet=price["packet"],
            spike=price["spike"],
            active=price["active update"],
            inactive=price["inactive update"],
            outside=price["outside operation"],
            start=price["core step"],
            barrier=chip.barrier(len(np.unique(where, axis=0))),
        )

    def table(self, name: str) -> NDArray[Any]:
        """One table, as a view."""
        from workbench.kernels import noc  # noqa: PLC0415

        start = getattr(self.at, name)
        return (self.real if name in noc.REALS else self.whole)[start : start + self._sizes[name]]


@final
class _Ways:
    """The ways of all packets written down: the links of each, where that of each row begins, and an order that keeps branches together."""

    def __init__(
        self, chip: EventChip, detours: Detours, where: NDArray[Any], home: NDArray[Any], core: NDArray[Any]
    ) -> None:
        self._chip, self._detours = chip, detours
        source, target = self._tile(where[home]), self._tile(where[core])
        pairs, which = np.unique(source * chip.tiles + target, return_inverse=True)
        begin, links = self._detours.links(np.stack(np.divmod(pairs, chip.tiles), axis=1))
        written = links.tolist()
        first = begin[:-1].tolist()
        along = sorted(range(pairs.size), key=lambda k: written[first[k] : begin[k + 1]])
        rank = np.empty(pairs.size, np.int64)
        rank[along] = np.arange(pairs.size)
        self.rank, self.begin = rank[which], begin[which]
        # the clock numbers tiles column by column
        ports = 4 if chip.layers == 1 else 6
        tile, direction = np.divmod(links, ports)
        channel, tile = np.divmod(tile, chip.tiles)
        y, x = np.divmod(tile, chip.tiles_x)
        self.links = np.where(links < 0, -1, ((channel * chip.tiles_x + x) * chip.rows + y) * ports + direction)

    def _tile(self, where: NDArray[Any]) -> NDArray[np.int64]:
        return where[:, 1].astype(np.int64) * self._chip.tiles_x + where[:, 0]

    def seconds(self, source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
        """The seconds of the ways between these tiles, without waiting."""
        pairs, which = np.unique(self._tile(source) * self._chip.tiles + self._tile(target), return_inverse=True)
        begin, links = self._detours.links(np.stack(np.divmod(pairs, self._chip.tiles), axis=1))
        chip = self._chip
        tile, direction = np.divmod(links, 4 if chip.layers == 1 else 6)
        y, x = np.divmod(tile % chip.tiles, chip.tiles_x)
        took = np.where(links < 0, 0.0, seconds_of(chip)[kinds_of(chip)[direction, y, x]])
        return np.add.reduceat(took, begin[:-1])[which] if pairs.size else np.zeros(0)
