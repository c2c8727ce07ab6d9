"""A slow, obvious twin of the chip's network: dictionaries, lists and a heap, one step at a time."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from typing import Any

from workbench.backends.event.timing import STAGES
from workbench.chips.event import EventChip

Tile = tuple[int, int]


class Network:
    """One chip with its mapping: `rows[i]` are the (core, seconds of work) neuron i sends to, `home[i]` is its core."""

    def __init__(
        self, chip: EventChip, home: list[int], tiles: list[Tile], rows: list[list[tuple[int, float]]]
    ) -> None:
        self.chip, self.home, self.tiles = chip, home, tiles
        where = {core: (*tiles[core], core) for core in range(len(tiles))}
        self.rows = [sorted(r, key=lambda row: where[row[0]]) for r in rows]
        self.price = {name: p.seconds for name, p in chip.prices.items()}
        self.begin = [0.0] * len(tiles)
        self.link_free: dict[Any, float] = defaultdict(float)
        self.last = 0.0
        self.loads: dict[Any, int] = defaultdict(int)
        self.tells = {(home[i], c) for i, r in enumerate(self.rows) for c, _ in r}

    def way(self, tile: Tile, core: int) -> Any:
        """Where a packet for `core` goes from `tile`: ("link", tile, next tile) or ("core", core)."""
        (x, y), (to_x, to_y) = tile, self.tiles[core]
        if x != to_x:
            return ("link", tile, (x + (1 if to_x > x else -1), y))
        if y != to_y:
            return ("link", tile, (x, y + (1 if to_y > y else -1)))
        return ("core", core)

    def number(self, queue: Any) -> int:
        """The number that orders events of equal time."""
        cores, links = len(self.tiles), 4 * self.chip.tiles
        if queue[0] == "core":
            return cores + links + queue[1]
        _, (x, y), (to_x, to_y) = queue
        return cores + (x * self.chip.tiles_y + y) * 4 + [(1, 0), (-1, 0), (0, 1), (0, -1)].index((to_x - x, to_y - y))

    def step(self, fired: list[int], active: list[int], outside: list[int], *, free: bool) -> float:
        """The seconds of one step in which the neurons `fired` fire."""
        price, cores = self.price, range(len(self.tiles))
        if not free:
            self.begin, self.link_free = [0.0 for _ in cores], defaultdict(float)
        plans = []
        for c in cores:
            mine = [i for i in range(len(self.home)) if self.home[i] == c]
            spikes = [i for i in mine if i in fired]
            quiet = len(mine) - len(spikes)
            rest = (len(mine) - active[c]) * price["inactive update"] + (active[c] - len(spikes)) * price[
                "active update"
            ]
            plan, work = [], 0.0
            for i in mine:
                if i not in spikes:
                    work += rest / quiet
                    continue
                work += price["active update"] + price["spike"]
                bundles = [self.rows[i]] if self.chip.routing == "multicast" else [[row] for row in self.rows[i]]
                for bundle in bundles:
                    if bundle:
                        plan.append((work + price["packet"], bundle))
                        work = 0.0
            plans.append((deque(plan), work))
        events: list[tuple[float, int, Any]] = []
        queues: dict[Any, deque[Any]] = defaultdict(deque)
        waiting: dict[Any, deque[Any]] = defaultdict(deque)
        holding: dict[int, Any] = {}
        taking = {c: self.begin[c] + outside[c] * price["outside operation"] for c in cores}
        busy = {c: taking[c] > 0 for c in cores}
        sending: dict[int, float] = {}

        def prepare(c: int, t: float) -> None:
            plan, tail = plans[c]
            if plan:
                after, bundle = plan.popleft()
                holding[c] = list(bundle)
                heapq.heappush(events, (t + after, c, ("send", c)))
            else:
                sending[c] = t + tail

        def take(c: int, packet: Any, t: float) -> None:
            busy[c] = True
            done = max(t, packet["ready"]) + sum(work for _, work in packet["rows"])
            heapq.heappush(events, (done, self.number(("core", c)), ("taken", c)))

        def enter(queue: Any, packet: Any, t: float) -> None:
            if queue[0] == "core" and not busy[queue[1]]:
                take(queue[1], packet, t)
                return
            queues[queue].append(packet)
            if queue[0] == "link":
                self.loads[queue] += 1
                row = queue[1][1] == queue[2][1]
                hop = price["east-west hop" if row else "north-south hop"]
                out = max(t, self.link_free[queue])
                self.link_free[queue] = out + hop / STAGES
                packet["ready"], packet["cycle"] = out + hop, hop / STAGES
                if len(queues[queue]) == 1:
                    heapq.heappush(events, (packet["ready"], self.number(queue), ("link", queue)))

        def hand_on(who: Any, tile: Tile, rows: list[Any], t: float, *, sender: bool) -> bool:
            while rows:
                queue = self.way(tile, rows[0][0])
                if len(queues[queue]) >= self.chip.link_buffer:
                    waiting[queue].append(who)
                    return False
                same = [r for r in rows if self.way(tile, r[0]) == queue]
                del rows[: len(same)]
                local = price["tile-local packet"] if sender and queue[0] == "core" else 0.0
                enter(queue, {"rows": same, "ready": t + local}, t)
            return True

        def go_on(who: Any, t: float) -> None:
            """Let a sender or a link go on, and then whoever waited for the room it made."""
            if who[0] == "send":
                if hand_on(who, self.tiles[who[1]], holding[who[1]], t, sender=True):
                    prepare(who[1], t)
                return
            queue = who[1]
            if hand_on(who, queue[2], queues[queue][0]["rows"], t, sender=False):
                cycle = queues[queue].popleft()["cycle"]
                if queues[queue]:
                    ready = max(queues[queue][0]["ready"], t + cycle)
                    heapq.heappush(events, (ready, self.number(queue), ("link", queue)))
                make_room(queue, t)

        def make_room(queue: Any, t: float) -> None:
            while waiting[queue] and len(queues[queue]) < self.chip.link_buffer:
                go_on(waiting[queue].popleft(), t)

        for c in cores:
            if busy[c]:
                heapq.heappush(events, (taking[c], self.number(("core", c)), ("taken", c)))
            prepare(c, self.begin[c] + price["core step"])
        while events:
            t, _, what = heapq.heappop(events)
            if what[0] != "taken":
                go_on(what, t)
                continue
            c = what[1]
            busy[c], taking[c] = False, t
            if queues["core", c]:
                take(c, queues["core", c].popleft(), t)
            make_room(("core", c), t)
        end = max([*sending.values(), *taking.values()])
        if not free:
            return end + self.chip.barrier(len(set(self.tiles)))
        begin = [max(sending[c], taking[c]) for c in cores]
        for a, b in self.tells:
            (x, y), (to_x, to_y) = self.tiles[a], self.tiles[b]
            apart = abs(x - to_x) * price["east-west hop"] + abs(y - to_y) * price["north-south hop"]
            begin[b] = max(begin[b], sending[a] + (apart or price["tile-local packet"]))
        self.begin = begin
        before, self.last = self.last, max(self.last, end)
        return self.last - before
