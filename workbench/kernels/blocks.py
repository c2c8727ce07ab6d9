"""Many small matrices side by side: one block of eight numbers for each entry, one lane for each matrix.

All blocks lie in one flat array of float64, and places count blocks. Sums of products stay in registers, four of them at a time; each
lane is worked on alone, so a matrix comes out the same whatever lies beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["LANES", "eliminated", "less", "mirrored", "more", "over"]

LANES = 8
_WIDE = ir.VectorType(ir.DoubleType(), LANES)
_FUSED = ("contract",)
"""A product and a sum may be one instruction."""


def _data(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return context.make_array(signature.args[0])(context, builder, args[0]).data


def _block(builder: Any, data: Any, at: Any) -> Any:
    place = builder.gep(data, [builder.mul(at, ir.Constant(at.type, LANES))])
    return builder.bitcast(place, _WIDE.as_pointer())


def _load(builder: Any, data: Any, at: Any) -> Any:
    value = builder.load(_block(builder, data, at))
    value.align = 8
    return value


def _store(builder: Any, value: Any, data: Any, at: Any) -> None:
    builder.store(value, _block(builder, data, at)).align = 8


def _all(number: float) -> Any:
    return ir.Constant(_WIDE, [ir.Constant(ir.DoubleType(), number)] * LANES)


def _sums(
    builder: Any,
    data: Any,
    starts: Any,
    a: Any,
    step: Any,
    b: Any,
    far: Any,
    count: Any,
    sign: str,
) -> list[Any]:
    """starts[q] ± Σ_k a[k step] b[q][k far], in registers."""
    held = [cgutils.alloca_once(builder, _WIDE) for _ in range(4)]
    for room, start in zip(held, starts):
        builder.store(_load(builder, data, start), room)
    with cgutils.for_range(builder, count) as loop:
        one = _load(builder, data, builder.add(a, builder.mul(loop.index, step)))
        down = builder.mul(loop.index, far)
        for room, at in zip(held, b):
            product = builder.fmul(one, _load(builder, data, builder.add(at, down)), flags=_FUSED)
            add = builder.fadd if sign == "+" else builder.fsub
            builder.store(add(builder.load(room), product, flags=_FUSED), room)
    return [builder.load(room) for room in held]


def _four(sign: str) -> Callable[..., Any]:
    def make(
        typingctx: Any, buf: Any, o0: Any, o1: Any, o2: Any, o3: Any, s0: Any, s1: Any, s2: Any, s3: Any, a: Any, step: Any,
        b0: Any, b1: Any, b2: Any, b3: Any, far: Any, n: Any,
    ) -> Any:  # fmt: skip
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = _data(context, builder, signature, args)
            sums = _sums(
                builder,
                data,
                args[5:9],
                args[9],
                args[10],
                args[11:15],
                args[15],
                args[16],
                sign,
            )
            for value, at in zip(sums, args[1:5]):
                _store(builder, value, data, at)
            return context.get_dummy_value()

        return types.void(buf, *[types.int64] * 16), code

    return make


more = intrinsic(_four("+"))
"""out[q] = start[q] + Σ_k a[k step] b[q][k far] for four q: places of out and of start, of a and its step, of b and their step; count."""
less = intrinsic(_four("-"))
"""The same with a minus."""


def _mirrored(
    typingctx: Any, buf: Any, o0: Any, o1: Any, o2: Any, o3: Any, m0: Any, m1: Any, m2: Any, m3: Any, g0: Any, g1: Any, g2: Any,
    g3: Any, s0: Any, s1: Any, s2: Any, s3: Any, a: Any, step: Any, b0: Any, b1: Any, b2: Any, b3: Any, far: Any, n: Any,
) -> Any:  # fmt: skip
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, nothing = (
            _data(context, builder, signature, args),
            ir.Constant(_WIDE, ir.Undefined),
        )
        sums = _sums(
            builder,
            data,
            args[13:17],
            args[17],
            args[18],
            args[19:23],
            args[23],
            args[24],
            "+",
        )
        first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        for value, at, to, factor in zip(sums, args[1:5], args[5:9], args[9:13]):
            _store(builder, value, data, at)
            wide = builder.shuffle_vector(
                builder.insert_element(nothing, factor, ir.IntType(32)(0)),
                nothing,
                first,
            )
            _store(builder, builder.fmul(value, wide), data, to)
        return context.get_dummy_value()

    return types.void(buf, *[types.int64] * 8, *[types.float64] * 4, *[types.int64] * 12), code


mirrored = intrinsic(_mirrored)
"""`more`, and out[q] times the number g[q] once again at the places m[q]."""


def _over(typingctx: Any, buf: Any, x: Any, f: Any, n: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _data(context, builder, signature, args)
        inverse = builder.fdiv(_all(1.0), _load(builder, data, args[2]))
        _store(builder, _all(1.0), data, args[2])
        with cgutils.for_range(builder, args[3]) as loop:
            at = builder.add(args[1], loop.index)
            _store(builder, builder.fmul(_load(builder, data, at), inverse), data, at)
        return context.get_dummy_value()

    return types.void(buf, *[types.int64] * 3), code


over = intrinsic(_over)
"""x[j] /= f for j < n, where f, one block among them, is taken to be 1 itself: 1/f is left there."""


def _eliminated(typingctx: Any, buf: Any, x: Any, k: Any, pivot: Any, n: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _data(context, builder, signature, args)
        here = builder.add(args[1], args[2])
        one = _load(builder, data, here)
        _store(builder, _all(0.0), data, here)
        with cgutils.for_range(builder, args[4]) as loop:
            at = builder.add(args[1], loop.index)
            product = builder.fmul(
                one,
                _load(builder, data, builder.add(args[3], loop.index)),
                flags=_FUSED,
            )
            _store(
                builder,
                builder.fsub(_load(builder, data, at), product, flags=_FUSED),
                data,
                at,
            )
        return context.get_dummy_value()

    return types.void(buf, *[types.int64] * 4), code


eliminated = intrinsic(_eliminated)
"""x[j] −= x[k] pivot[j] for j < n, where x[k] itself is taken to be 0: one row of an inverse made in place."""
