"""A rule applied to a run of blocks in memory, as a single instruction to the kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.event import rules
from workbench.kernels.event.tables import CHUNK, FOREVER, SPARED
from workbench.kernels.lanes import (
    WIDTH,
    Lanes,
    Unsettled,
    Word,
    converted,
    load,
    mask,
    some,
    splat,
    store,
    unmask,
    zeros,
)

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["sweep"]

_LONG, _WORD = ir.IntType(64), ir.IntType(32)


def _read_constants(builder: Any, data: Any, at: Any, names: tuple[str, ...], *, spread: bool) -> SimpleNamespace:
    made: dict[str, Any] = {
        k: [] for k in ("current_scale", "conductance_scale", "conductance_pull", "decay", "weight")
    }
    for number, name in enumerate(names):
        place = builder.add(at, ir.Constant(at.type, number * WIDTH))
        lanes = load(builder, data, place) if spread else splat(builder, data, place)
        group, dot, _ = name.partition(".")
        if dot:
            made[group].append(lanes)
        else:
            made[group] = lanes
    return SimpleNamespace(**made)


class _Box:
    """A value that changes in a loop: kept in memory as it is written, in a register once LLVM has looked at it."""

    def __init__(self, builder: Any, kind: Any) -> None:
        self.builder, self.spot = builder, cgutils.alloca_once(builder, kind)

    def get(self) -> Any:
        return self.builder.load(self.spot)

    def put(self, value: Any) -> None:
        self.builder.store(value, self.spot)


@contextmanager
def _while_any(builder: Any, box: _Box) -> Iterator[Any]:
    """A loop while a word is not nought: as it is at the beginning of each turn."""
    head, body, end = (builder.append_basic_block(name) for name in ("look", "do", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    word = box.get()
    builder.cbranch(builder.icmp_unsigned("!=", word, _WORD(0)), body, end)
    builder.position_at_end(body)
    yield word
    builder.branch(head)
    builder.position_at_end(end)


class _Arriving:
    """What arrives at one state of a block: read when a rule adds it to something, and cleared at once.

    `lines` are places of the arrivals: a sum, or counts to be multiplied by a weight each. `came` says whether it is worth looking;
    counts are then expected to be 0 or 1, but for `signed` ones, which count a unit.
    """

    def __init__(
        self, builder: Any, data: Any, lines: list[Any], weights: list[Lanes], came: Any, *, signed: bool, cancels: bool
    ) -> None:
        self.builder, self.data, self.lines, self.weights = builder, data, lines, weights
        self.came, self.signed, self.cancels = came, signed, cancels
        self.met: Any = None

    def onto(self, base: Lanes) -> Lanes:
        """`base` and what arrives."""
        if self.came is None:
            made, self.met = self._all_of_it(base)
            return made
        builder, before = self.builder, self.builder.block
        with builder.if_then(self.came):
            added, word = self._counted_once(base) if self.weights and not self.signed else self._all_of_it(base)
            inside = builder.block
        made, met = builder.phi(base.value.type), builder.phi(_WORD)
        made.add_incoming(base.value, before)
        made.add_incoming(added.value, inside)
        met.add_incoming(_WORD(0), before)
        met.add_incoming(word, inside)
        self.met = met
        return Lanes(builder, made)

    def __ne__(self, other: object) -> Any:
        return Word(self.builder, self.met)

    __hash__ = None  # type: ignore[assignment]

    def _read(self) -> list[Lanes]:
        raw = [load(self.builder, self.data, line) for line in self.lines]
        for lanes, line in zip(raw, self.lines, strict=True):
            store(self.builder, zeros(lanes), self.data, line)
        return raw

    def _all_of_it(self, base: Lanes, raw: list[Lanes] | None = None) -> tuple[Lanes, Any]:
        """The sum, and a bit for each lane that something came to."""
        raw = self._read() if raw is None else raw
        each = [converted(lanes, base.element, signed=self.signed) for lanes in raw]
        if self.weights:
            each = [lanes * weight for lanes, weight in zip(each, self.weights, strict=True)]
        total = each[0]
        for lanes in each[1:]:
            total = total + lanes
        return base + total, self._where(raw, total)

    def _where(self, raw: list[Lanes], total: Lanes) -> Any:
        if not self.weights or self.cancels:
            return mask(total != 0)
        come = raw[0]
        for lanes in raw[1:]:
            come = come | lanes
        return mask(come != 0)

    def _counted_once(self, base: Lanes) -> tuple[Lanes, Any]:
        """The same where hardly any count is more than one, so that nothing need be multiplied."""
        builder, raw = self.builder, self._read()
        many = raw[0]
        for lanes in raw[1:]:
            many = many | lanes
        many = Lanes(builder, builder.icmp_unsigned(">", many.value, many._other(1)))
        with builder.if_else(some(many, many.element), likely=False) as (often, once):
            with often:
                slow, slow_word = self._all_of_it(base, raw)
                slow_end = builder.block
            with once:
                if len(raw) == 1:
                    fast = (raw[0] != 0).pick(base + self.weights[0], base)
                    fast_word = mask(raw[0] != 0)
                else:
                    each = [
                        (lanes != 0).pick(weight, zeros(weight))
                        for lanes, weight in zip(raw, self.weights, strict=True)
                    ]
                    total = each[0]
                    for lanes in each[1:]:
                        total = total + lanes
                    fast, fast_word = base + total, self._where(raw, total)
                fast_end = builder.block
        made, word = builder.phi(base.value.type), builder.phi(_WORD)
        for lanes, bits, end in ((slow, slow_word, slow_end), (fast, fast_word, fast_end)):
            made.add_incoming(lanes.value, end)
            word.add_incoming(bits, end)
        return Lanes(builder, made), word


class _Kept(_Arriving):
    """The same where a line holds what it held when it was last written, unless the flags say that something came to it."""

    def __init__(
        self, builder: Any, data: Any, lines: list[Any], weights: list[Lanes], flags: Any, first: int, nowhere: Any
    ) -> None:
        super().__init__(builder, data["arrivals"], lines, weights, None, cancels=True, signed=False)
        self.spare, self.flags, self.first, self.nowhere = data["spare"], flags, first, nowhere

    def onto(self, base: Lanes) -> Lanes:
        builder, many = self.builder, []
        for n, line in enumerate(self.lines):
            here = builder.icmp_unsigned("!=", builder.and_(self.flags, _LONG(1 << (self.first + n))), _LONG(0))
            spot = builder.select(here, line, self.nowhere)
            many.append(converted(load(builder, self.data, spot), _WORD, signed=False))
        spared = builder.icmp_unsigned("!=", builder.and_(self.flags, _LONG(SPARED)), _LONG(0))
        before = builder.block
        with builder.if_then(spared, likely=False):
            more = []
            for line in self.lines:
                lanes = load(builder, self.spare, line)
                store(builder, zeros(lanes), self.spare, line)
                more.append(converted(lanes, _WORD, signed=False))
            sums = [a + b for a, b in zip(many, more, strict=True)]
            inside = builder.block
        counts = []
        for few, all_of_them in zip(many, sums, strict=True):
            made = builder.phi(few.value.type)
            made.add_incoming(few.value, before)
            made.add_incoming(all_of_them.value, inside)
            counts.append(Lanes(builder, made))
        each = [
            converted(lanes, base.element, signed=False) * weight
            for lanes, weight in zip(counts, self.weights, strict=True)
        ]
        total = each[0]
        for lanes in each[1:]:
            total = total + lanes
        self.met = self._where(counts, total)
        return base + total


@intrinsic
def sweep(
    typingctx: Any,
    shape: Any,
    fields: Any,
    waiting: Any,
    wakes: Any,
    until: Any,
    constants: Any,
    constants_of_: Any,
    holds: Any,
    holds_of: Any,
    live: Any,
    core: Any,
    arrivals: Any,
    spare: Any,
    marks: Any,
    came: Any,
    given: Any,
    fired_words: Any,
    active: Any,
    first: Any,
    last: Any,
    back: Any,
    begin: Any,
    steps: Any,
    row: Any,
    pitch: Any,
    line: Any,
    arrived_at: Any,
    slot: Any,
    slots: Any,
    span: Any,
    came_at: Any,
    moves: Any,
) -> Any:
    """Steps of a run of blocks with the same constants (or each with its own), which read and clear their arrivals.

    `first` to `last` are the blocks, gone through backwards if `back`; `begin` is the number of the first step, `steps` how many, `row`
    that of the first among the words of who fired (which are nought before), `pitch` long each, `line` the same in `given` and
    `active`. The arrivals of block b in slot k begin at `arrived_at` + k × lines × `span` + b × 32, and there is a line every `span`
    places; `slot` is the first step's, and its word of `came` lies `came_at` + slot.
    Where arrivals are late, the slot is that of the step before; and if `moves` is (), they are added and no step is made.
    """
    counted = dict(zip(shape.fields, (len(t) for t in shape.types), strict=True))
    rule = "discrete" if counted["discrete"] else "lif"
    kinds, open_kinds, ways = counted["currents"], counted["conductances"], counted["ways"]
    receivers = [0] * counted["delta"] + [1 + k for k in range(kinds + open_kinds)]
    names = rules.constants_of(rule, kinds, open_kinds, ways * (1 + kinds + open_kinds))
    states = 1 + kinds + open_kinds
    each, signed = max(1, ways), getattr(arrivals.dtype, "signed", True)
    spread, waits, flagged = bool(counted["spread"]), bool(counted["waits"]), bool(counted["flagged"])
    late, going = bool(counted["late"]), bool(len(moves))
    kept = bool(counted["kept"])

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not (going or late):
            return context.get_dummy_value()

        def array(number: int) -> Any:
            return context.make_array(signature.args[number])(context, builder, args[number])

        data = {
            name: array(number).data
            for number, name in enumerate(
                (
                    "fields", "waiting", "wakes", "until", "constants", "constants_of", "holds", "holds_of", "live",
                    "core", "arrivals", "spare", "marks", "came", "given", "fired", "active",
                ),
                start=1,
            )
        }  # fmt: skip
        cores = cgutils.unpack_tuple(builder, array(17).shape)[1]
        blocks = cgutils.unpack_tuple(builder, array(10).shape)[0]
        first, last, back, begin, steps, row, pitch, line, arrived_at, slot, slots, span, came_at, _ = args[18:]
        whole = not isinstance(data["fields"].type.pointee, (ir.FloatType, ir.DoubleType))
        element = data["fields"].type.pointee
        wide = _WORD if whole else element

        def times(a: Any, b: int) -> Any:
            return builder.mul(a, _LONG(b))

        def one(name: str, at: Any) -> Any:
            return builder.load(builder.gep(data[name], [at]))

        def put(name: str, at: Any, value: Any) -> None:
            builder.store(value, builder.gep(data[name], [at]))

        def lower(a: Any, b: Any) -> Any:
            return builder.select(builder.icmp_signed("<", a, b), a, b)

        def constants_at(block: Any) -> SimpleNamespace:
            return _read_constants(builder, data["constants"], one("constants_of", block), names, spread=spread)

        common = None if spread else constants_at(first)
        # Behind the last place there is room for whole chunks, with nothing in it.
        nowhere = builder.sub(builder.zext(array(12).nitems, _LONG), _LONG(CHUNK * WIDTH)) if kept else None
        boxes = [_Box(builder, ir.VectorType(wide, WIDTH)) for _ in range(states)]
        asleep, wake = _Box(builder, _WORD), _Box(builder, _LONG)
        left, fired_before = _Box(builder, _WORD), _Box(builder, _WORD)
        # Where a step finds what arrives, its words of who fired, its counts and those of the step before.
        at_slot, at_place, at_word, at_count, at_before = (_Box(builder, _LONG) for _ in range(5))
        plane, counted_from = times(span, states * each), builder.mul(line, cores)
        earlier = builder.select(builder.icmp_unsigned("!=", line, _LONG(0)), cores, _LONG(0))
        counted_before = builder.sub(counted_from, earlier)

        def each_of(bits: Any, do: Callable[[Any, Any], None]) -> None:
            """Do something with each set bit of a word: (number, bit)."""
            left.put(bits)
            with _while_any(builder, left) as word:
                lane = builder.cttz(word, ir.Constant(ir.IntType(1), 1))
                rest = builder.and_(word, builder.sub(word, _WORD(1)))
                do(builder.zext(lane, _LONG), builder.xor(word, rest))
                left.put(rest)

        with cgutils.for_range(builder, builder.sub(last, first), intp=_LONG) as turn:
            ahead, behind = builder.add(first, turn.index), builder.sub(builder.sub(last, _LONG(1)), turn.index)
            b = builder.select(builder.icmp_unsigned("!=", back, _LONG(0)), behind, ahead)
            k = common or constants_at(b)
            home, place = times(b, states * WIDTH), times(b, WIDTH)
            for n, box in enumerate(boxes):
                box.put(converted(load(builder, data["fields"], builder.add(home, _LONG(n * WIDTH))), wide).value)
            if waits:
                asleep.put(one("waiting", b))
                wake.put(one("wakes", b))
            core = builder.zext(one("core", b), _LONG)
            alive = None if late else one("live", b)
            if late:
                fired_before.put(one("fired", builder.add(builder.mul(builder.sub(row, _LONG(1)), pitch), b)))
            at_slot.put(slot)
            at_place.put(builder.add(builder.add(arrived_at, place), builder.mul(slot, plane)))
            at_word.put(builder.add(builder.mul(row, pitch), b))
            at_count.put(counted_from)
            at_before.put(counted_before)

            def step(index: Any, b: Any = b, k: Any = k, place: Any = place) -> None:
                now = builder.add(begin, index)
                if waits and going:
                    with builder.if_then(builder.icmp_signed(">=", now, wake.get()), likely=False):
                        bits = asleep.get()
                        wake.put(_LONG(FOREVER))

                        def look(lane: Any, bit: Any) -> None:
                            due = one("until", builder.add(place, lane))
                            waits_on = builder.icmp_signed(">", due, now)
                            keep = builder.select(waits_on, _WORD(0), bit)
                            asleep.put(builder.xor(asleep.get(), keep))
                            wake.put(builder.select(waits_on, lower(due, wake.get()), wake.get()))

                        each_of(bits, look)
                        put("waiting", b, asleep.get())
                        put("wakes", b, wake.get())
                flags = one("came", builder.add(came_at, at_slot.get())) if flagged else None
                here = at_place.get()
                arriving = []
                noted = one("came", builder.add(came_at, at_slot.get())) if kept else None
                for state in receivers:
                    spots = [builder.add(here, times(span, state * each + way)) for way in range(each)]
                    weights = list(k.weight[state * each : (state + 1) * each])
                    if kept:
                        made = _Kept(builder, data, spots, weights, noted, state * each, nowhere)
                        made.cancels = bool(counted["cancels"])
                        arriving.append(made)
                        continue
                    looks = None
                    if flags is not None:
                        looks = builder.icmp_unsigned("!=", builder.and_(flags, _LONG(1 << state)), _LONG(0))
                    arriving.append(
                        _Arriving(
                            builder, data["arrivals"], spots, weights, looks,
                            signed=signed, cancels=bool(counted["cancels"]),
                        )
                    )  # fmt: skip
                counted_at, fired_at = at_count.get(), at_word.get()

                def count(bits: Any, counted_at: Any) -> None:
                    many = builder.ctpop(bits)
                    spot = builder.gep(data["active"], [builder.add(counted_at, core)])
                    builder.store(builder.add(builder.load(spot), many), spot)

                if late:
                    # What came in the step before; it counts there, but for those that fired there.
                    met = Word(builder, _WORD(0))
                    for state, arrived in zip(receivers, arriving, strict=True):
                        boxes[state].put((Lanes(builder, boxes[state].get()) + arrived).value)
                        met = met | (arrived != 0)
                    with builder.if_then(builder.icmp_unsigned("!=", flags, _LONG(0))):
                        # Lanes that nobody lives in get nothing by a list or a row of bits.
                        count(builder.and_(met.value, builder.not_(fired_before.get())), at_before.get())
                    fired_before.put(_WORD(0))
                if not going:
                    return
                up = builder.not_(asleep.get()) if waits else one("live", b)
                values = [Lanes(builder, box.get()) for box in boxes]
                given_at = builder.add(builder.mul(builder.add(line, index), times(blocks, WIDTH)), place)
                block = SimpleNamespace(
                    v=values[0],
                    currents=tuple(values[1 : 1 + kinds]),
                    conductances=tuple(values[1 + kinds :]),
                    hold=None,
                    awake=unmask(builder, up),
                    constants=k,
                    arrivals=None if late else tuple(arriving),
                    given=load(builder, data["given"], given_at) if counted["given"] else None,
                    delta=bool(counted["delta"]),
                    nonzero=bool(counted["nonzero"]),
                    whole=whole,
                )
                fired, met = getattr(rules, rule)(block)
                for box, lanes in zip(boxes, (block.v, *block.currents, *block.conductances), strict=True):
                    box.put(lanes.value)
                moved = _WORD(0) if met is None else mask(met)
                if counted["nonzero"]:
                    spot = builder.add(builder.mul(at_slot.get(), blocks), b)
                    moved = builder.or_(moved, one("marks", spot))
                    put("marks", spot, _WORD(0))
                if flagged and not counted["nonzero"]:
                    if not late:
                        with builder.if_then(builder.icmp_unsigned("!=", flags, _LONG(0))):
                            count(builder.and_(moved, alive), counted_at)
                else:
                    count(builder.and_(moved, alive), counted_at)
                with builder.if_then(some(fired, wide), likely=False):
                    if isinstance(block.v, Unsettled):
                        boxes[0].put(block.v.settled().value)
                    word = mask(fired)
                    count(builder.and_(word, builder.not_(moved)), counted_at)
                    put("fired", fired_at, word)
                    fired_before.put(word)
                    if waits:
                        asleep.put(builder.or_(asleep.get(), word))
                        held = one("holds_of", b)

                        def rest(lane: Any, bit: Any) -> None:
                            many = one("holds", builder.add(held, lane) if spread else held)
                            due = builder.add(now, builder.sext(many, _LONG))
                            put("until", builder.add(place, lane), due)
                            wake.put(lower(due, wake.get()))

                        each_of(word, rest)
                        put("waiting", b, asleep.get())
                        put("wakes", b, wake.get())

            if going:
                with cgutils.for_range(builder, steps, intp=_LONG) as go:
                    step(go.index)
                    following = builder.add(at_slot.get(), _LONG(1))
                    around = builder.icmp_unsigned(">=", following, slots)
                    at_slot.put(builder.select(around, _LONG(0), following))
                    further = builder.add(at_place.get(), plane)
                    at_place.put(builder.select(around, builder.add(arrived_at, place), further))
                    at_word.put(builder.add(at_word.get(), pitch))
                    at_before.put(at_count.get())
                    at_count.put(builder.add(at_count.get(), cores))
            else:
                step(_LONG(0))
            for n, box in enumerate(boxes):
                lanes = converted(Lanes(builder, box.get()), element)
                store(builder, lanes, data["fields"], builder.add(home, _LONG(n * WIDTH)))
        return context.get_dummy_value()

    place = types.uint64
    arrays = (
        shape, fields, waiting, wakes, until, constants, constants_of_, holds, holds_of, live, core, arrivals, spare, marks,
        came, given, fired_words, active,
    )  # fmt: skip
    return types.void(*arrays, *(place,) * 13, moves), code
