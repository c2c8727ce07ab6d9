"""A row of synapses put into the arrivals, as an instruction to the kernels: four at a time, in order, with nothing in between.

Written out because LLVM's code for the plain loop changes with what stands around it, by half its speed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import WIDTH, Lanes, load, store

__all__ = ["add_row", "add_row_around", "add_weights", "add_weights_around", "copy", "copy_around"]

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

_LONG = ir.IntType(64)


def _add(*, own: bool = False, around: bool = False) -> Callable[..., Any]:
    """Synapses with weights of their `own`, or with delays that may go `around` the ring."""

    def make(
        typingctx: Any,
        arrivals: Any,
        at: Any,
        codes: Any,
        first: Any,
        last: Any,
        weight: Any,
        weights: Any,
        shift: Any,
        end: Any,
        ring: Any,
    ) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, args[number]).data

            line, places = data(0), data(2)
            given = data(6) if own else None
            begin, stop, amount = args[3], args[4], args[5]
            real = isinstance(line.type.pointee, (ir.FloatType, ir.DoubleType))

            def scaled(s: Any) -> Any:
                if given is None:
                    return amount
                mine = builder.load(builder.gep(given, [builder.add(s, args[7])]))
                if real:
                    return builder.fmul(mine, amount)
                wider = mine.type.width < line.type.pointee.width
                if mine.type != line.type.pointee:
                    mine = (builder.sext if wider else builder.trunc)(mine, line.type.pointee)
                return builder.mul(mine, amount)

            def some(s: Any, many: int) -> None:
                spots = [builder.add(s, _LONG(k)) for k in range(many)]
                found = [builder.load(builder.gep(places, [p])) for p in spots]
                for p, one in zip(spots, found, strict=True):
                    to = builder.add(args[1], builder.zext(one, _LONG))
                    if around:
                        over = builder.icmp_unsigned(">=", to, args[8])
                        to = builder.select(over, builder.sub(to, args[9]), to)
                    spot = builder.gep(line, [to])
                    total = (builder.fadd if real else builder.add)(builder.load(spot), scaled(p))
                    builder.store(total, spot)

            whole = builder.add(begin, builder.and_(builder.sub(stop, begin), _LONG(-4 & (2**64 - 1))))
            with cgutils.for_range_slice(builder, begin, whole, _LONG(4), _LONG) as (s, _):
                some(s, 4)
            with cgutils.for_range_slice(builder, whole, stop, _LONG(1), _LONG) as (s, _):
                some(s, 1)
            return context.get_dummy_value()

        place = types.uint64
        return (
            types.void(arrivals, place, codes, place, place, arrivals.dtype, weights, place, place, place),
            code,
        )

    return make


add_row = intrinsic(_add())
"""Add `weight` at the places `at` + codes[first:last] of the arrivals."""
add_row_around = intrinsic(_add(around=True))
"""The same where codes carry delays: a place from `end` on lies `ring` before."""
add_weights = intrinsic(_add(own=True))
"""Add `weight` × weights[s + shift] for synapse s."""
add_weights_around = intrinsic(_add(own=True, around=True))
"""The same where codes carry delays."""


def _copy(*, around: bool) -> Callable[..., Any]:
    def make(
        typingctx: Any,
        source: Any,
        start: Any,
        target: Any,
        at: Any,
        many: Any,
        plus: Any = None,
        ring: Any = None,
    ) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            here, there = (context.make_array(signature.args[k])(context, builder, args[k]).data for k in (0, 2))
            element = here.type.pointee

            def all_lanes(number: Any) -> Any:
                kind = ir.VectorType(element, WIDTH)
                nothing = ir.Constant(kind, ir.Undefined)
                one = builder.trunc(number, element)
                first = builder.insert_element(nothing, one, ir.IntType(32)(0))
                zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
                return builder.shuffle_vector(first, nothing, zeros)

            more, size = (all_lanes(args[5]), all_lanes(args[6])) if around else (None, None)

            def move(offset: Any) -> None:
                lanes = load(builder, here, builder.add(args[1], offset))
                if around:
                    # Beyond the ring it is the lesser of the two, before its end the difference wraps to a large number.
                    to = builder.add(lanes.value, more)
                    back = builder.sub(to, size)
                    lanes = Lanes(builder, builder.select(builder.icmp_unsigned("<", to, back), to, back))
                store(builder, lanes, there, builder.add(args[3], offset))

            move(_LONG(0))
            longer = builder.icmp_unsigned(">", args[4], _LONG(WIDTH))
            with (
                builder.if_then(longer, likely=False),
                cgutils.for_range_slice(builder, _LONG(WIDTH), args[4], _LONG(WIDTH), _LONG) as (offset, _),
            ):
                move(offset)
            return context.get_dummy_value()

        place = types.uint64
        return types.void(source, place, target, place, place, *((place, place) if around else ())), code

    return make


def _copy_plain(typingctx: Any, source: Any, start: Any, target: Any, at: Any, many: Any) -> Any:
    return _copy(around=False)(typingctx, source, start, target, at, many)


def _copy_around(typingctx: Any, source: Any, start: Any, target: Any, at: Any, many: Any, plus: Any, ring: Any) -> Any:
    return _copy(around=True)(typingctx, source, start, target, at, many, plus, ring)


copy = intrinsic(_copy_plain)
"""Copy source[start : start + many] to target[at:], in whole vectors: up to `WIDTH` numbers more are read and written.

Pieces shorter than a vector are the rule, so nothing depends on the length of those.
"""
copy_around = intrinsic(_copy_around)
"""The same with `plus` added to each number, and `ring` subtracted from those that reach it."""
