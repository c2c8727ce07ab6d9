"""The event kernel without a compiler: the same steps on the same arrays, a NumPy operation for all neurons at a time.

It has the contract of `kernels.event.advance` and gives the same bits, so a run may begin here and go on in the kernel as soon as
that is compiled. Between `take` and `put_back` the states lie in an order that suits NumPy, one row for each state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.event.layout import LANES
from workbench.backends.event.ring import put_ring, ring_kind, taken_ring
from workbench.backends.event.tape import Lane, Play, Tape
from workbench.kernels.event import rules
from workbench.kernels.event.tables import FOREVER, Blocks, Noise, Outside, Rows, Scratch, Shape, State, Taps

__all__ = ["Interpreter", "holds", "wake_up"]

TOGETHER = 256
"""Steps whose touched lanes are counted together."""


def holds(state: State, step: int) -> NDArray[np.int16]:
    """Steps still to wait as the rules count them, before step `step`: 1 and 0 alike mean that a neuron takes part in it."""
    left = np.where(state.until == FOREVER, 0, np.maximum(state.until - (step - 1), 0))
    return left.astype(np.int16)


def wake_up(state: State, hold: NDArray[np.int16], step: int) -> None:
    """Let neurons wait as `holds` told."""
    state.until[:] = np.where(state.until == FOREVER, FOREVER, np.where(hold > 0, step - 1 + hold.astype(np.int64), 0))
    state.waiting[:], state.wakes[:] = np.iinfo(np.uint32).max, 0  # so the kernel looks again who waits


@final
@dataclass(frozen=True)
class _Step:
    """One step of all neurons, for one slot of the ring."""

    play: list[Play]
    fired: NDArray[np.bool_]
    touched: NDArray[np.bool_]


@final
class Interpreter:
    """A run's blocks and rows, and its states while they are stepped here."""

    def __init__(
        self, shape: Shape, slots: int, state: State, blocks: Blocks, rows: Rows, noise: Noise, step: int
    ) -> None:
        states = 1 + len(shape.currents) + len(shape.conductances)
        self._shape, self._states, self._slots = shape, states, slots
        self._lines = states * max(1, len(shape.ways))
        self._at = step
        self._state, self._blocks, self._rows, self._noise = state, blocks, rows, noise
        self._places = blocks.neuron.size
        self._width = self._lines * self._places
        kind = state.fields.dtype
        self._fields = np.zeros((states, self._places), kind)
        self._hold = np.zeros(self._places, np.int16)
        self._given = np.zeros(self._places, kind)
        self._ring = np.zeros((slots, self._lines, self._places), ring_kind(state, shape))
        self._kernels_ring = state, shape, blocks.parts, slots, self._lines
        plain = self._ring.dtype == kind and not shape.ways
        self._arrived = None if plain else np.zeros((states, self._places), kind)
        """What arrives in this step, where the ring has counts or narrow numbers."""
        self._flat = self._ring.reshape(slots, -1)
        self._marks = np.zeros((slots, self._places) if shape.nonzero else (1, 1), bool)
        self._filled = [True] * slots
        """By slot, whether anything may have arrived there."""
        places = np.arange(self._places).reshape(-1, 1, LANES)
        where = np.arange(states).reshape(1, -1, 1) * self._places + places
        self._where = np.ascontiguousarray(where).reshape(-1)
        """Where each place of `State.fields` lies in ours."""
        self._low = (blocks.parts[:-1] * LANES).astype(np.int64)
        self._spans = (np.diff(blocks.parts) * LANES).astype(np.int64)
        self._alive = blocks.neuron >= 0
        self._all_alive = bool(self._alive.all())
        self._steps: dict[tuple[int, bool], _Step] = {}
        self._spare: list[NDArray[Any]] = []
        self._senders = [self._sender(k) for k in range(rows.first.size - 1)]
        lags = {lag for bundles in self._senders for _, lag, _, _, _ in bundles}
        self._lag = lags.pop() if len(lags) == 1 else 0
        """The delay of all bundles, where they have one."""
        self._layers = self._tiles()
        self._masked = self._bits()
        self._weighted = bool(rows.weighted.any())
        self._cuts, self._sender_of = rows.cuts.data, rows.sender.data
        order = np.argsort(blocks.core, kind="stable")
        cores, first = np.unique(blocks.core[order], return_index=True)
        self._by_core = (order, cores, first)
        self._take()

    def _sender(self, number: int) -> list[tuple[int, int, Any, int | None, int]]:
        """The bundles of a population or source: (row of neuron 0, delay, weight, shift to weights of their own, number)."""
        r = self._rows
        return [
            (
                int(r.base[k] - r.start[number]),
                int(r.delay[k]),
                r.weight[k],
                int(r.weight_at[k]) if r.weighted[k] else None,
                k,
            )
            for k in range(int(r.first[number]), int(r.first[number + 1]))
        ]

    def _tiles(self) -> list[list[tuple[slice, NDArray[Any]]]]:
        """By all-to-all bundle from outside, its tiles: which places, and the weights onto them as (senders, places)."""
        dense: Any = self._rows.dense
        if not dense:
            return []
        made = []
        for k, senders in enumerate(dense.senders.tolist()):
            made.append([])
            for t in range(int(dense.tiles[k]), int(dense.tiles[k + 1])):
                first, at = int(dense.tile_block[t]) * LANES, int(dense.tile_at[t])
                wide = int(dense.tile_blocks[t]) * LANES
                made[k].append(
                    (slice(first, first + wide), dense.weights[at : at + senders * wide].reshape(senders, wide))
                )
        return made

    def _bits(self) -> list[list[tuple[Any, ...]]]:
        """By sender, its bundles laid as bits: (rows, lanes of more synapses and where they begin, its first neuron, first place, delay, weight)."""
        masks: Any = self._rows.masks
        if not masks:
            return []
        made: list[list[tuple[Any, ...]]] = []
        for sender in range(masks.first.size - 1):
            made.append([])
            for k in range(int(masks.first[sender]), int(masks.first[sender + 1])):
                size = int(np.count_nonzero(self._rows.sender == sender))
                rows = masks.bits[int(masks.at[k]) :][: size * int(masks.words[k])].reshape(size, -1)
                to = int(masks.line[k]) * self._places + int(masks.block[k]) * LANES
                again = masks.again[int(masks.row[k]) :][: size + 1].astype(np.int64)
                more = masks.more[: again[-1]].astype(np.int64)
                start, delay = int(self._rows.start[sender]), int(masks.delay[k])
                made[-1].append((rows, again, more, start, to, delay, masks.weight[k]))
        return made

    # --- the kernel's arrays, and ours ---

    def _take(self) -> None:
        """Begin from the states as they are."""
        state, states, count = self._state, self._states, self._blocks.core.size
        blocked = (count, states, LANES)
        self._fields.reshape(states, count, LANES)[:] = state.fields.reshape(blocked).transpose(1, 0, 2)
        self._hold[:] = holds(state, self._at)
        self._ring[:] = taken_ring(*self._kernels_ring)
        if self._shape.nonzero:
            bits = state.marks.astype("<u4").view(np.uint8)
            self._marks[:] = np.unpackbits(bits, bitorder="little").reshape(self._marks.shape)

    def put_back(self) -> None:
        """Bring the kernel's arrays up to date."""
        state, states, count = self._state, self._states, self._blocks.core.size
        blocked = (count, states, LANES)
        self._fields[:, ~self._alive] = 0  # the kernel leaves empty lanes alone
        state.fields.reshape(blocked)[:] = self._fields.reshape(states, count, LANES).transpose(1, 0, 2)
        wake_up(state, self._hold, self._at)
        put_ring(*self._kernels_ring, self._ring)
        if self._shape.nonzero:
            state.marks[:] = np.packbits(self._marks, bitorder="little").view("<u4")

    # --- one step ---

    def _step(self, slot: int, *, quiet: bool) -> _Step:
        """The step that reads this slot of the ring; `quiet` when nothing is there."""
        quiet = quiet and not self._shape.discrete
        if (slot, quiet) not in self._steps:
            self._steps[slot, quiet] = self._written(slot, quiet=quiet)
        return self._steps[slot, quiet]

    def _written(self, slot: int, *, quiet: bool) -> _Step:
        shape, fields = self._shape, self._fields
        tape = Tape(self._places, self._spare)
        kinds, open_kinds = len(shape.currents), len(shape.conductances)
        rule = "discrete" if shape.discrete else "lif"
        block = SimpleNamespace(
            v=tape.given(fields[0]),
            currents=tuple(tape.given(f) for f in fields[1 : 1 + kinds]),
            conductances=tuple(tape.given(f) for f in fields[1 + kinds :]),
            hold=tape.given(self._hold),
            constants=self._constants(tape, rule, kinds, open_kinds),
            arrivals=tuple(
                tape.given(a)
                for a in (self._ring[slot] if self._arrived is None else self._arrived)[0 if shape.delta else 1 :]
            ),
            given=tape.given(self._given) if shape.given else None,
            delta=bool(shape.delta),
            nonzero=bool(shape.nonzero),
            whole=not np.issubdtype(fields.dtype, np.floating),
        )
        if quiet and block.arrivals:
            block.arrivals = None
        old = (block.v, *block.currents, *block.conductances, block.hold)
        fired, met = getattr(rules, rule)(block)
        touched = fired if met is None else met | fired
        new = (block.v, *block.currents, *block.conductances, block.hold)
        play, found = tape.cut(list(zip(old, new, strict=True)), {"fired": fired, "touched": touched})
        return _Step(play, found["fired"], found["touched"])

    def _constants(self, tape: Tape, rule: str, kinds: int, open_kinds: int) -> SimpleNamespace:
        """The rule's constants: one number where it is the same everywhere, else one for each place."""
        names = rules.constants_of(rule, kinds, open_kinds, self._lines if self._shape.ways else 0)
        lane = np.arange(LANES) if self._shape.spread else np.zeros(LANES, np.int64)

        def everywhere(values: NDArray[Any], begin: NDArray[Any], number: int) -> Lane:
            each = values[(begin.astype(np.int64)[:, None] + (number * LANES + lane))].reshape(-1)
            same = each[0] if each.size and (each == each[0]).all() else None
            return tape.given(each if same is None else np.asarray(same))

        groups = ("current_scale", "conductance_scale", "conductance_pull", "decay", "weight")
        made: dict[str, Any] = {k: [] for k in groups}
        for number, name in enumerate(names):
            value = everywhere(self._blocks.constants, self._blocks.constants_of, number)
            group, dot, _ = name.partition(".")
            if dot:
                made[group].append(value)
            else:
                made[group] = value
        made["hold"] = everywhere(self._blocks.holds, self._blocks.holds_of, 0)
        self._weights = [lane.array for lane in made.pop("weight")]
        return SimpleNamespace(**made)

    def _sum(self, slot: int) -> None:
        """Add up what arrives in this step, as the kernel does."""
        arrived, ring, ways = self._arrived, self._ring[slot], len(self._shape.ways)
        if arrived is None:
            return
        if not self._filled[slot]:
            arrived[:] = 0
            return
        if not ways:
            arrived[:] = ring
            return
        for state, total in enumerate(arrived):
            total[:] = 0
            for line in range(state * ways, (state + 1) * ways):
                total += ring[line].astype(total.dtype) * self._weights[line]

    # --- the run ---

    def advance(self, start: int, stop: int, outside: Outside, taps: Taps, scratch: Scratch) -> tuple[int, int]:
        """Run through the steps `start` to `stop`; returns (step reached, spikes written).

        It ends early when the room for spikes might not do for the next step.
        """
        size, slots = self._blocks.place.size, self._slots
        neuron, ordered = self._blocks.neuron, self._blocks.ordered
        active, heard = scratch.active[0], scratch.outside[0]
        tapped = self._tapped(taps) if taps.field.size else None
        rains = self._rains()
        listed = outside.at.tolist()
        given = outside.current.reshape(-1, self._places) if self._shape.given else None
        touched = np.zeros((min(stop - start, TOGETHER), self._places), bool)
        alive = None if self._all_alive else self._alive
        filled, fields = self._filled, self._fields.reshape(-1)
        written, n, counted = 0, start, start
        while n < stop and written + size <= scratch.step.size:
            row, slot = n - start, n % slots
            if listed[row + 1] > listed[row]:
                self._listed(n, listed[row], listed[row + 1], outside, heard[row])
            if tapped is not None:
                tapped(n, fields)
            for rain in rains:
                rain(n, slot, heard[row])
            if given is not None:
                self._given[:] = given[row]
            step = self._step(slot, quiet=not filled[slot])
            self._sum(slot)
            for play in step.play:
                play()
            if filled[slot]:
                self._flat[slot].fill(0)
                filled[slot] = False
            mine = touched[n - counted]
            mine[:] = step.touched
            if self._shape.nonzero:
                mine |= self._marks[slot]
                self._marks[slot] = False
            fired = step.fired if alive is None else step.fired & alive
            (places,) = fired.nonzero()
            many = places.size
            n += 1
            if many:
                who = neuron[places]
                if not ordered:
                    who.sort()
                scratch.step[written : written + many] = n - 1
                scratch.neuron[written : written + many] = who
                written += many
                self._send(n - 1, who.tolist())
            if n - counted == touched.shape[0]:
                self._count(touched, active[counted - start : n - start])
                counted = n
        self._count(touched[: n - counted], active[counted - start : n - start])
        self._at = n
        return n, written

    def _count(self, touched: NDArray[np.bool_], active: NDArray[np.int32]) -> None:
        """Count the touched lanes of some steps by core."""
        if not len(touched):
            return
        words = np.packbits(touched, axis=1, bitorder="little").view("<u4")
        order, cores, first = self._by_core
        many = np.bitwise_count(words & self._blocks.live)
        active[:, cores] += np.add.reduceat(many[:, order], first, axis=1, dtype=np.int32)

    # --- synapses ---

    def _send(self, step: int, fired: list[int]) -> None:
        """Put the synapses of a step's spikes into the ring, in order."""
        cuts, senders, sender_of = self._cuts, self._senders, self._sender_of
        if self._masked:
            for i in fired:
                for rows, again, more, start, to, delay, weight in self._masked[sender_of[i]]:
                    slot, n = (step + delay) % self._slots, i - start
                    bits = np.unpackbits(rows[n].astype("<u4").view(np.uint8), bitorder="little")
                    self._flat[slot, to + np.flatnonzero(bits)] += weight
                    np.add.at(self._flat[slot], to + more[again[n] : again[n + 1]], weight)
                    self._filled[slot] = True
        columns = self._blocks.parts.size
        found = [
            (cuts[row * columns], cuts[row * columns + columns - 1], lag, weight, own, row)
            for i in fired
            for base, lag, weight, own, _ in senders[sender_of[i]]
            for row in (base + i,)
        ]
        self._add(step, found)

    def _add(self, step: int, found: list[tuple[Any, ...]], times: list[Any] | None = None) -> NDArray[np.int64] | None:
        """Add rows of synapses, each `times` if given; returns their places in the ring's slots where these were asked for."""
        rows, slots = self._rows, self._slots
        pieces = [rows.codes[a:z] for a, z, _, _, _, _ in found]
        codes = pieces[0] if len(pieces) == 1 else np.concatenate(pieces) if pieces else rows.codes[:0]
        if not codes.size:
            return codes.astype(np.int64) if times is not None else None
        lengths, turns = [p.size for p in pieces], np.int64(0)
        to: Any = codes
        if self._low.size > 1:
            lows, spans = self._of_part(found)
            lanes, to = np.divmod(codes.astype(np.int64), spans)
            turns, lanes = np.divmod(lanes, self._lines)
            to += lows + lanes * self._places
        elif not self._lag:
            turns, to = np.divmod(codes.astype(np.int64), self._width)
        if self._lag:
            line = self._flat[(step + self._lag) % slots]
            self._filled[(step + self._lag) % slots] = True
            due = None
        else:
            line = self._flat.reshape(-1)
            lags = np.repeat([f[2] for f in found], lengths)
            due = (step + lags + turns) % slots
            for slot in np.unique(due).tolist():
                self._filled[slot] = True
        if self._shape.nonzero:
            self._marks[(step + self._lag) % slots if due is None else due, to % self._places] = True
        if due is not None:
            spot = due * self._width + to
        else:
            spot = to
        np.add.at(line, spot, self._amounts(found, lengths, times))
        return to if times is not None else None

    def _of_part(self, found: list[tuple[Any, ...]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each synapse, the first place of its part and how many that has."""
        columns = self._blocks.parts.size
        table = self._rows.cuts.reshape(-1, columns)[[f[5] for f in found]]
        each = np.diff(table.astype(np.int64), axis=1).reshape(-1)
        lows, spans = (np.repeat(np.tile(x, len(found)), each) for x in (self._low, self._spans))
        return lows, spans

    def _amounts(self, found: list[tuple[Any, ...]], lengths: list[int], times: list[Any] | None) -> Any:
        """What each synapse brings."""
        kind = self._ring.dtype
        if not self._weighted:
            weights = [f[3] for f in found]
            if times is None and weights.count(weights[0]) == len(weights):
                return weights[0]
            made = np.repeat(np.array(weights, kind), lengths)
        else:
            own = self._rows.weights
            made = np.concatenate(
                [
                    np.full(z - a, weight, kind) if shift is None else own[a + shift : z + shift].astype(kind) * weight
                    for a, z, _, weight, shift, _ in found
                ]
            )
        if times is None:
            return made
        return made * np.repeat(np.array(times).astype(kind), lengths)

    def _listed(self, step: int, low: int, high: int, outside: Outside, heard: NDArray[np.int32]) -> None:
        """Deliver a step's spikes from outside."""
        columns = self._blocks.parts.size
        found, times = [], []
        cuts = self._cuts
        for sender, i, many in zip(
            outside.sender[low:high].tolist(),
            outside.neuron[low:high].tolist(),
            outside.times[low:high].tolist(),
            strict=True,
        ):
            for base, lag, weight, own, _ in self._senders[sender]:
                row = base + i
                found.append((cuts[row * columns], cuts[row * columns + columns - 1], lag, weight, own, row))
                times.append(many)
        if self._layers:
            self._over_layers(step, outside.sender[low:high], outside.neuron[low:high], outside.times[low:high], heard)
        to = self._add(step, found, times) if found else None
        if to is not None and to.size:
            core = self._blocks.core[to % self._places // LANES]
            lengths = [f[1] - f[0] for f in found]
            heard += np.bincount(core, np.repeat(times, lengths), heard.size).astype(np.int32)

    def _over_layers(
        self, step: int, sender: NDArray[Any], neuron: NDArray[Any], times: NDArray[Any], heard: NDArray[np.int32]
    ) -> None:
        """Deliver a step's spikes from outside over all-to-all bundles, sender after sender."""
        kind: Any = self._fields.dtype.type
        dense: Any = self._rows.dense
        for k, layer in enumerate(self._layers):
            (mine,) = np.nonzero(sender == dense.sender[k])
            if not mine.size:
                continue
            slot = (step + int(dense.delay[k])) % self._slots
            first, last = int(dense.first[k]) * LANES, int(dense.last[k]) * LANES
            line, amount = self._ring[slot, int(dense.state[k])], int(times[mine].sum())
            if not dense.weighted[k]:
                line[first:last] += dense.weight[k] * kind(amount)
            for spot, weights in layer:
                for i, many in zip(neuron[mine].tolist(), times[mine].tolist(), strict=True):
                    line[spot] += weights[i].astype(kind) * dense.weight[k] * kind(many)
            self._filled[slot] = True
            alive, core = self._alive[first:last], np.repeat(self._blocks.core[first // LANES : last // LANES], LANES)
            if self._shape.nonzero:
                self._marks[slot, first:last] |= alive
            heard += np.bincount(core[alive], minlength=heard.size).astype(np.int32) * amount

    # --- Poisson sources ---

    def _rains(self) -> list[Callable[..., None]]:
        """A function of (step, slot, operations by core) for each source, in order."""
        f = self._noise
        made: list[Callable[..., None]] = []
        for k in range(f.population.size):
            (blocks,) = np.nonzero(self._blocks.population == f.population[k])
            mine = (blocks[:, None] * LANES + np.arange(LANES)).reshape(-1)
            whole = (
                slice(int(mine[0]), int(mine[-1]) + 1) if mine.size and mine[-1] - mine[0] + 1 == mine.size else mine
            )
            dead = None if self._alive[mine].all() else ~self._alive[mine]
            table = f.table[int(f.table_at[k]) : int(f.table_at[k + 1])]
            made.append(
                partial(
                    self._rain,
                    int(f.key[k]),
                    table,
                    int(f.row[k]),
                    f.weight[k],
                    int(f.delay[k]),
                    (int(f.begin[k]), int(f.end[k])),
                    whole,
                    dead,
                    self._blocks.number[mine],
                    np.repeat(self._blocks.core[blocks], LANES),
                )
            )
        return made

    def _rain(
        self, key: int, table: Any, row: int, weight: Any, delay: int, span: tuple[int, int], mine: Any, dead: Any,
        number: Any, core: Any, step: int, slot: int, heard: NDArray[np.int32],
    ) -> None:  # fmt: skip
        """Draw one source's spikes and add them to what arrives in this step."""
        born = step - delay
        if not span[0] <= born < span[1]:
            return
        ((w1, w2),) = streams.step_words(key, born, born + 1)
        many = np.searchsorted(table, streams.bits(w1, w2, number), side="right")
        if dead is not None:
            many[dead] = 0
        if not many.any():
            return
        kind = self._ring.dtype
        self._ring[slot, row, mine] += many.astype(kind) * weight
        self._filled[slot] = True
        heard += np.bincount(core, many, heard.size).astype(np.int32)

    # --- probes ---

    def _tapped(self, taps: Taps) -> Callable[[int, NDArray[Any]], None]:
        """A function of (step, fields) that keeps the probed values of that step."""
        where = self._where[taps.field]
        strides = np.unique(taps.stride).tolist()
        groups = [(s, np.flatnonzero(taps.stride == s)) for s in strides]

        def keep(step: int, fields: NDArray[Any]) -> None:
            for stride, mine in groups:
                if step % stride == 0:
                    spot = taps.at[mine] + (step - taps.origin[mine]) // stride * taps.width[mine]
                    np.add.at(taps.out, spot, fields[where[mine]].astype(np.float64) * taps.share[mine])

        return keep
