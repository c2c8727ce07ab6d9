"""The wafer's inner loops as vector instructions: a step of 32 neurons, and the targets of 16 spikes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import Lanes, absolute, load, mask, store, where

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["SPIKES", "add", "count_run", "hash_run", "leaky", "spread", "step", "targets", "weave"]

SPIKES = 16
"""Spikes, or groups of neurons, that are hashed together."""

_SHORT, _WORD, _LONG = ir.IntType(16), ir.IntType(32), ir.IntType(64)


def _data(context: Any, builder: Any, signature: Any, args: Any, number: int) -> Any:
    return context.make_array(signature.args[number])(context, builder, args[number]).data


def _splat(builder: Any, value: Any, count: int) -> Any:
    nothing = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    first = builder.insert_element(nothing, value, _WORD(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_WORD, count), [0] * count))


def leaky(v: Any, k: Any, lost: Any) -> tuple[Any, Any]:
    """One step of the rule after the arrivals: v is what the potential was left with, plus bias and all that arrived.

    Gives (fired, what it is left with for the next step, bias included), for lanes or NumPy arrays; `lost` rounds ⌈leak · |v|⌉.
    """
    v = where(v > k.lowest, v, k.lowest)
    fired = v > k.threshold
    loss = lost(absolute(v))
    left = where(v < 0, v + loss, v - loss) + k.bias
    return fired, where(fired, k.after, left)


@intrinsic
def step(typingctx: Any, v: Any, at: Any, leak: Any, bias: Any, lowest: Any, threshold: Any, after: Any) -> Any:
    """A step (`leaky`) of the 32 neurons from place `at` of `v`; returns the bits of those that fired."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _data(context, builder, signature, args, 0)
        names = ("leak", "bias", "lowest", "threshold", "after")
        k = SimpleNamespace(
            **{
                n: Lanes(builder, _splat(builder, builder.trunc(x, _SHORT), 32))
                for n, x in zip(names, args[2:], strict=True)
            }
        )
        wide, short = ir.VectorType(_WORD, 32), ir.VectorType(_SHORT, 32)

        def lost(size: Lanes) -> Lanes:
            # The high half of a product of two bytes each, one more where the low half is not empty: a loss rounded up.
            product = builder.mul(builder.zext(size.value, wide), builder.zext(k.leak.value, wide))
            high = builder.trunc(builder.lshr(product, ir.Constant(wide, [16] * 32)), short)
            more = builder.icmp_unsigned("!=", builder.trunc(product, short), ir.Constant(short, [0] * 32))
            return Lanes(builder, builder.add(high, builder.zext(more, short)))

        fired, left = leaky(load(builder, data, args[1]), k, lost)
        store(builder, left, data, args[1])
        return mask(fired)

    word = types.int32
    return types.uint32(v, types.uint64, word, word, word, word, word), code


@intrinsic
def add(typingctx: Any, v: Any, at: Any, weight: Any, cut: Any, counter: Any) -> Any:
    """Add `weight` to `v[at]` (int16); where the sum does not fit it is cut, and `cut[counter]` goes up by one."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        both = builder.sadd_with_overflow(builder.load(pointer), args[2])
        builder.store(builder.extract_value(both, 0), pointer)
        with builder.if_then(builder.extract_value(both, 1), likely=False):
            up = builder.icmp_signed(">", args[2], _SHORT(0))
            builder.store(builder.select(up, _SHORT(32767), _SHORT(-32768)), pointer)
            count = builder.gep(_data(context, builder, signature, args, 3), [args[4]])
            builder.store(builder.add(builder.load(count), _LONG(1)), count)
        return context.get_dummy_value()

    return types.void(v, types.uint64, types.int16, cut, types.uint64), code


def _bits(builder: Any, index: Any, word1: Any, word2: Any) -> Any:
    """The counter rule (`kernels.rule.bits`)."""
    count = index.type.count

    def many(number: int) -> Any:
        return ir.Constant(index.type, [number] * count)

    def shifted(x: Any, by: int) -> Any:
        return builder.xor(x, builder.lshr(x, many(by)))

    x = builder.add(builder.mul(index, many(0x9E3779B1)), _splat(builder, word1, count))
    x = builder.mul(shifted(x, 16), many(0x21F0AAAD))
    x = builder.add(shifted(x, 15), _splat(builder, word2, count))
    x = builder.mul(x, many(0x735A2D97))
    x = builder.mul(shifted(x, 15), many(0x846CA68B))
    return shifted(x, 16)


@intrinsic
def hash_run(typingctx: Any, first: Any, word1: Any, word2: Any, out: Any, at: Any) -> Any:
    """Write the random bits of 16 numbers from `first` on to `out[at:]`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_WORD, SPIKES)
        index = builder.add(_splat(builder, args[0], SPIKES), ir.Constant(kind, list(range(SPIKES))))
        store(
            builder,
            Lanes(builder, _bits(builder, index, args[1], args[2])),
            _data(context, builder, signature, args, 3),
            args[4],
        )
        return context.get_dummy_value()

    word = types.uint32
    return types.void(word, word, word, out, types.uint64), code


@intrinsic
def count_run(
    typingctx: Any, first: Any, word1: Any, word2: Any, table: Any, low: Any, high: Any, out: Any, at: Any
) -> Any:
    """Write to `out[at:]` how many of the thresholds `table[low:high]` the random bits of 16 numbers from `first` on pass."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_WORD, SPIKES)
        index = builder.add(_splat(builder, args[0], SPIKES), ir.Constant(kind, list(range(SPIKES))))
        x = _bits(builder, index, args[1], args[2])
        table_data = _data(context, builder, signature, args, 3)
        passed = cgutils.alloca_once_value(builder, ir.Constant(kind, [0] * SPIKES))
        with cgutils.for_range_slice(builder, args[4], args[5], _LONG(1)) as (k, _):
            hit = builder.icmp_unsigned(">=", x, _splat(builder, builder.load(builder.gep(table_data, [k])), SPIKES))
            # A true lane is -1, so subtracting it counts.
            builder.store(builder.sub(builder.load(passed), builder.sext(hit, kind)), passed)
        store(builder, Lanes(builder, builder.load(passed)), _data(context, builder, signature, args, 6), args[7])
        return context.get_dummy_value()

    word, place = types.uint32, types.uint64
    return types.void(word, word, word, table, place, place, out, place), code


@intrinsic
def weave(typingctx: Any, words: Any, one_at: Any, two_at: Any, out: Any, at: Any) -> Any:
    """Put 16 words (uint32) from `one_at` and 16 from `two_at` side by side, as 16 numbers of eight bytes in `out[at:]` (uint64)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, wide = _data(context, builder, signature, args, 0), ir.VectorType(_LONG, SPIKES)
        one, two = (builder.zext(load(builder, data, args[k], SPIKES).value, wide) for k in (1, 2))
        both = builder.or_(one, builder.shl(two, ir.Constant(wide, [32] * SPIKES)))
        store(builder, Lanes(builder, both), _data(context, builder, signature, args, 3), args[4])
        return context.get_dummy_value()

    return types.void(words, types.uint64, types.uint64, out, types.uint64), code


@intrinsic
def spread(typingctx: Any, word: Any, first: Any, out: Any, at: Any) -> Any:
    """Write `first` + each of the eight bytes of `word` to `out[at:]` (uint16), the lowest first."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bytes_ = builder.bitcast(args[0], ir.VectorType(ir.IntType(8), 8))
        made = builder.add(builder.zext(bytes_, ir.VectorType(_SHORT, 8)), _splat(builder, args[1], 8))
        store(builder, Lanes(builder, made), _data(context, builder, signature, args, 2), args[3])
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint16, out, types.uint64), code


@intrinsic
def targets(
    typingctx: Any, ids: Any, at: Any, first: Any, word1: Any, word2: Any, size: Any, out: Any, one_at: Any, two_at: Any
) -> Any:
    """The pair of targets of 16 spikes: `ids[at:]` are their numbers in a patch whose first neuron is `first`, `size` the target patch.

    Writes the first targets to `out[one_at:]`, then the second to `out[two_at:]`, as numbers within the target patch (uint16).
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.VectorType(_LONG, SPIKES)
        here = load(builder, _data(context, builder, signature, args, 0), args[1], SPIKES)
        word = ir.VectorType(_WORD, SPIKES)
        index = builder.add(builder.zext(here.value, word), _splat(builder, args[2], SPIKES))
        h = _bits(builder, index, args[3], args[4])
        short = ir.VectorType(_SHORT, SPIKES)
        low, half = ir.Constant(wide, [0xFFFFFFFF] * SPIKES), ir.Constant(wide, [32] * SPIKES)
        size = builder.and_(_splat(builder, args[5], SPIKES), low)  # says that it has 32 bits: a narrow product will do
        product = builder.mul(builder.zext(h, wide), size)
        again = builder.mul(builder.and_(product, low), size)
        out = _data(context, builder, signature, args, 6)
        for result, place in ((product, args[7]), (again, args[8])):
            store(builder, Lanes(builder, builder.trunc(builder.lshr(result, half), short)), out, place)
        return context.get_dummy_value()

    word, place = types.uint32, types.uint64
    return types.void(ids, place, word, word, word, place, out, place, place), code
