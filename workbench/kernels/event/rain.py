"""Poisson sources, 32 neurons at a time: the counter rule and the comparison with the thresholds, as instructions to the kernels."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import WIDTH, Lanes, load, mask, store

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["add_counts", "count"]

_WORD, _LONG = ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, WIDTH)


def _all(builder: Any, value: Any) -> Any:
    """The same number in every lane."""
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, _WORD(0))
    return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(_VECTOR, [0] * WIDTH))


def _many(number: int) -> Any:
    return ir.Constant(_VECTOR, [number] * WIDTH)


def _bits(builder: Any, index: Any, word1: Any, word2: Any) -> Any:
    """The counter rule (`kernels.rule.bits`) in 32 lanes."""

    def shifted(x: Any, by: int) -> Any:
        return builder.xor(x, builder.lshr(x, _many(by)))

    x = builder.add(builder.mul(index, _many(0x9E3779B1)), _all(builder, word1))
    x = builder.mul(shifted(x, 16), _many(0x21F0AAAD))
    x = builder.add(shifted(x, 15), _all(builder, word2))
    x = builder.mul(x, _many(0x735A2D97))
    x = builder.mul(shifted(x, 15), _many(0x846CA68B))
    return shifted(x, 16)


@intrinsic
def count(
    typingctx: Any,
    index: Any,
    index_at: Any,
    word1: Any,
    word2: Any,
    table: Any,
    low: Any,
    high: Any,
    passed: Any,
    least: Any,
    width: Any,
    out: Any,
) -> Any:
    """Write the counts (uint32) of 32 neurons to `out`: `passed`, plus the thresholds `low` to `high` of `table` that they pass.

    Returns the lanes, as bits, whose random bits lie outside [least, least + width): those must be counted again against all
    thresholds. `index` holds each lane's number in its population.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def data(number: int) -> Any:
            return context.make_array(signature.args[number])(context, builder, args[number]).data

        table_data = data(4)
        x = _bits(builder, load(builder, data(0), args[1]).value, args[2], args[3])
        offset = builder.sub(x, _all(builder, args[8]))
        odd = builder.icmp_unsigned(">=", offset, _all(builder, args[9]))
        passed = cgutils.alloca_once_value(builder, _all(builder, args[7]))
        with cgutils.for_range_slice(builder, args[5], args[6], _LONG(1)) as (k, _):
            threshold = _all(builder, builder.load(builder.gep(table_data, [k])))
            hit = builder.icmp_unsigned(">=", x, threshold)
            # A true lane is -1, so subtracting it counts.
            builder.store(builder.sub(builder.load(passed), builder.sext(hit, _VECTOR)), passed)
        store(builder, Lanes(builder, builder.load(passed)), data(10), _LONG(0))
        return mask(Lanes(builder, odd))

    place, word = types.uint64, types.uint32
    return word(index, place, word, word, table, place, place, word, word, word, out), code


@intrinsic
def add_counts(typingctx: Any, counts: Any, arrivals: Any, at: Any, weight: Any) -> Any:
    """Add weight × counts to 32 arrivals from place `at`; returns the sum of the counts."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def data(number: int) -> Any:
            return context.make_array(signature.args[number])(context, builder, args[number]).data

        drawn = load(builder, data(0), _LONG(0)).value
        line = data(1)
        there = load(builder, line, args[2])
        kind = there.element
        if there.real:
            many = builder.sitofp(drawn, ir.VectorType(kind, WIDTH))
        else:
            many = drawn if kind.width == 32 else builder.trunc(drawn, ir.VectorType(kind, WIDTH))
        weights = builder.insert_element(ir.Constant(many.type, ir.Undefined), args[3], _WORD(0))
        weights = builder.shuffle_vector(
            weights, ir.Constant(many.type, ir.Undefined), ir.Constant(_VECTOR, [0] * WIDTH)
        )
        store(builder, there + Lanes(builder, many) * Lanes(builder, weights), line, args[2])
        reduce = ir.FunctionType(_WORD, [_VECTOR])
        total = cgutils.get_or_insert_function(builder.module, reduce, f"llvm.vector.reduce.add.v{WIDTH}i32")
        return builder.call(total, [drawn])

    return types.uint32(counts, arrivals, types.uint64, arrivals.dtype), code
