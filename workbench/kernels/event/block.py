"""A rule applied to a run of blocks in memory, as a single instruction to the kernels."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.event import rules
from workbench.kernels.event.tables import FOREVER
from workbench.kernels.lanes import (
    WIDTH,
    Counted,
    Lanes,
    converted,
    least,
    load,
    mask,
    splat,
    store,
    unmask,
    where,
    zeros,
)

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["sweep", "sweep_without_arrivals"]

_LONG = ir.IntType(64)


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


def _sweep(*, dense: bool) -> Callable[..., Any]:
    def make(
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
        marks: Any,
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
    ) -> Any:
        counted = dict(zip(shape.fields, (len(t) for t in shape.types), strict=True))
        rule = "discrete" if counted["discrete"] else "lif"
        kinds, open_kinds, ways = counted["currents"], counted["conductances"], counted["ways"]
        receivers = [0] * counted["delta"] + [1 + k for k in range(kinds + open_kinds)]
        names = rules.constants_of(rule, kinds, open_kinds, ways * (1 + kinds + open_kinds))
        states = 1 + kinds + open_kinds
        rows = states * max(1, ways)
        spread, waits = bool(counted["spread"]), bool(counted["waits"])
        # A neuron in whole steps needs its arrivals before it moves; the kernel never asks otherwise, but compiles both.
        reads = dense or rule == "discrete"

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def array(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, args[number])

            data = {
                name: array(number).data
                for number, name in enumerate(
                    (
                        "fields", "waiting", "wakes", "until", "constants", "constants_of", "holds", "holds_of", "live",
                        "core", "arrivals", "marks", "given", "fired", "active",
                    ),
                    start=1,
                )
            }  # fmt: skip
            cores = cgutils.unpack_tuple(builder, array(15).shape)[1]
            blocks = cgutils.unpack_tuple(builder, array(10).shape)[0]
            first, last, back, begin, steps, row, pitch, line, arrived_at, slot, slots, span = args[16:]
            whole = not isinstance(data["fields"].type.pointee, (ir.FloatType, ir.DoubleType))
            element = data["fields"].type.pointee
            wide = ir.IntType(32) if whole else element

            def times(a: Any, b: int) -> Any:
                return builder.mul(a, _LONG(b))

            def one(name: str, at: Any) -> Any:
                return builder.load(builder.gep(data[name], [at]))

            def put(name: str, at: Any, value: Any) -> None:
                builder.store(value, builder.gep(data[name], [at]))

            def constants_at(block: Any) -> SimpleNamespace:
                k = _read_constants(builder, data["constants"], one("constants_of", block), names, spread=spread)
                if waits:
                    k.hold = (load if spread else splat)(builder, data["holds"], one("holds_of", block))
                return k

            common = None if spread else constants_at(first)
            boxes = [_Box(builder, ir.VectorType(wide, WIDTH)) for _ in range(states)]
            asleep, wake = _Box(builder, ir.IntType(32)), _Box(builder, _LONG)
            at_slot = _Box(builder, _LONG)

            with cgutils.for_range(builder, builder.sub(last, first), intp=_LONG) as turn:
                ahead, behind = builder.add(first, turn.index), builder.sub(builder.sub(last, _LONG(1)), turn.index)
                b = builder.select(builder.icmp_unsigned("!=", back, _LONG(0)), behind, ahead)
                k = common or constants_at(b)
                home, place = times(b, states * WIDTH), times(b, WIDTH)
                for n, box in enumerate(boxes):
                    box.put(converted(load(builder, data["fields"], builder.add(home, _LONG(n * WIDTH))), wide).value)
                alive = one("live", b)
                if waits:
                    asleep.put(one("waiting", b))
                    wake.put(one("wakes", b))
                at_slot.put(slot)
                my_core = builder.zext(one("core", b), _LONG)

                def look(step: Any, times_of: Any, place: Any = place) -> None:
                    """Who waits in step `step`, and until when the first of them does."""
                    late = times_of > Lanes(builder, _all(builder, step, _LONG))
                    store(builder, times_of, data["until"], place)
                    asleep.put(mask(late))
                    wake.put(least(where(late, times_of, times_of._like(FOREVER))))

                with cgutils.for_range(builder, steps, intp=_LONG) as go:
                    now = builder.add(begin, go.index)
                    if waits:
                        with builder.if_then(builder.icmp_signed(">=", now, wake.get()), likely=False):
                            look(now, load(builder, data["until"], place))
                    up = builder.not_(asleep.get()) if waits else alive
                    here = builder.add(arrived_at, builder.mul(at_slot.get(), times(span, rows)))
                    here = builder.add(here, place)
                    counted_at = builder.add(line, go.index)
                    arrived, raw = [], []
                    for state in receivers if reads else ():
                        some = []
                        for way in range(max(1, ways)):
                            spot = builder.add(here, times(span, state * max(1, ways) + way))
                            lanes = load(builder, data["arrivals"], spot)
                            raw.append((lanes, spot))
                            lanes = converted(lanes, wide, signed=not ways)
                            if ways:
                                lanes = lanes * k.weight[state * ways + way]
                            some.append(lanes)
                        total = some[0]
                        for more in some[1:]:
                            total = total + more
                        if ways and not counted["cancels"]:
                            come = raw[-ways][0]
                            for lanes, _ in raw[len(raw) - ways + 1 :]:
                                come = come | lanes
                            total = Counted(builder, total.value, (come != 0).value)
                        arrived.append(total)
                    values = [Lanes(builder, box.get()) for box in boxes]
                    given_at = builder.add(builder.mul(counted_at, times(blocks, WIDTH)), place)
                    block = SimpleNamespace(
                        v=values[0],
                        currents=tuple(values[1 : 1 + kinds]),
                        conductances=tuple(values[1 + kinds :]),
                        hold=None,
                        awake=unmask(builder, up),
                        constants=k,
                        arrivals=tuple(arrived) if reads else None,
                        given=load(builder, data["given"], given_at) if counted["given"] else None,
                        delta=bool(counted["delta"]),
                        nonzero=bool(counted["nonzero"]),
                        whole=whole,
                    )
                    fired, touched = getattr(rules, rule)(block)
                    for box, lanes in zip(boxes, (block.v, *block.currents, *block.conductances), strict=True):
                        box.put(lanes.value)
                    for lanes, spot in raw:
                        store(builder, zeros(lanes), data["arrivals"], spot)
                    bits = mask(fired)
                    put("fired", builder.add(builder.mul(builder.add(row, go.index), pitch), b), bits)
                    if waits:
                        with builder.if_then(builder.icmp_unsigned("!=", bits, ir.IntType(32)(0)), likely=False):
                            then = converted(k.hold, _LONG) + Lanes(builder, _all(builder, now, _LONG))
                            look(now, where(fired, then, load(builder, data["until"], place)))
                    if reads:
                        moved = mask(touched)
                        if counted["nonzero"]:
                            spot = builder.add(builder.mul(at_slot.get(), blocks), b)
                            moved = builder.or_(moved, one("marks", spot))
                            put("marks", spot, ir.IntType(32)(0))
                        many = builder.ctpop(builder.and_(moved, alive))
                        spot = builder.gep(data["active"], [builder.add(builder.mul(counted_at, cores), my_core)])
                        builder.store(builder.add(builder.load(spot), many), spot)
                    following = builder.add(at_slot.get(), _LONG(1))
                    around = builder.icmp_unsigned(">=", following, slots)
                    at_slot.put(builder.select(around, _LONG(0), following))
                for n, box in enumerate(boxes):
                    lanes = converted(Lanes(builder, box.get()), element)
                    store(builder, lanes, data["fields"], builder.add(home, _LONG(n * WIDTH)))
                if waits:
                    put("waiting", b, asleep.get())
                    put("wakes", b, wake.get())
            return context.get_dummy_value()

        place = types.uint64
        arrays = (
            shape, fields, waiting, wakes, until, constants, constants_of_, holds, holds_of, live, core, arrivals, marks,
            given, fired_words, active,
        )  # fmt: skip
        return types.void(*arrays, *(place,) * 12), code

    return make


def _all(builder: Any, value: Any, kind: Any) -> Any:
    """The same number in every lane."""
    vector = ir.VectorType(kind, WIDTH)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(
        first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    )


sweep = intrinsic(_sweep(dense=True))
"""Steps of a run of blocks with the same constants (or each with its own), which read and clear their arrivals.

`first` to `last` are the blocks, gone through backwards if `back`; `begin` is the number of the first step, `steps` how many, `row`
that of the first among the words of who fired, which are `pitch` long, `line` the same in `given` and `active`. The arrivals of block b in slot k begin at `arrived_at` + k × `plane` + b × what a
block has of them; `slot` is the first step's.
"""
sweep_without_arrivals = intrinsic(_sweep(dense=False))
"""The same for arrivals that are delivered afterwards, one by one, because there are few."""
