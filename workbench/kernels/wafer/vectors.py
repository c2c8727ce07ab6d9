"""The wafer's inner loops as vector instructions: a step of 32 neurons, and the targets of 16 spikes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import Lanes, absolute, ask, load, mask, store, where

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = [
    "BLOCKS",
    "SPIKES",
    "add",
    "count_run",
    "hash_run",
    "leaky",
    "set_masks",
    "spread",
    "step",
    "targets",
    "weave",
]

SPIKES = 16
"""Spikes, or groups of neurons, that are hashed together."""

BLOCKS = 64
"""Blocks of 32 neurons that are looked through together for spikes."""

_SHORT, _WORD, _LONG = ir.IntType(16), ir.IntType(32), ir.IntType(64)


def _data(context: Any, builder: Any, signature: Any, args: Any, number: int) -> Any:
    return context.make_array(signature.args[number])(context, builder, args[number]).data


def _splat(builder: Any, value: Any, count: int) -> Any:
    nothing = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    first = builder.insert_element(nothing, value, _WORD(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_WORD, count), [0] * count))


def leaky(v: Any, k: Any, share: Any) -> tuple[Any, Any]:
    """One step of the rule after the arrivals: v is what the potential was left with, plus bias and all that arrived.

    Gives (fired, what it is left with for the next step, bias included), for lanes or NumPy arrays; `share` gives what is kept of |v|,
    ⌊(1 − leak) · |v|⌋.
    """
    v = where(v > k.lowest, v, k.lowest)
    fired = v > k.threshold
    left = share(absolute(v))
    left = where(v < 0, left * 0 - left, left) + k.bias
    return fired, where(fired, k.after, left)


@intrinsic
def step(
    typingctx: Any, v: Any, at: Any, blocks: Any, keeps: Any, bias: Any, lowest: Any, threshold: Any, after: Any, masks: Any,
    ahead: Any, pace: Any,
) -> Any:  # fmt: skip
    """A step (`leaky`) of as many blocks of 32 neurons from place `at` of `v`; `masks` gets the bits of those that fired.

    They keep `keeps` / 65536 of their potential, 0 standing for all of it. The masks are followed by nothing but zeros up to a whole
    number of `BLOCKS`. Meanwhile what lies from `ahead` on in `v` is asked for, `pace` lanes for each block.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, masks = (_data(context, builder, signature, args, n) for n in (0, 8))
        names = ("keeps", "bias", "lowest", "threshold", "after")
        k = SimpleNamespace(
            **{
                n: Lanes(builder, _splat(builder, builder.trunc(x, _SHORT), 32))
                for n, x in zip(names, args[3:8], strict=True)
            }
        )
        short = ir.VectorType(_SHORT, 32)
        whole = builder.sext(builder.icmp_signed("==", k.keeps.value, ir.Constant(short, [0] * 32)), short)
        kind = ir.FunctionType(short, [short, short, _WORD])
        high = cgutils.get_or_insert_function(builder.module, kind, "llvm.umul.fix.v32i16")

        def share(size: Lanes) -> Lanes:
            # The high half of a product of two bytes each: one instruction where registers have 512 bits.
            made = builder.call(high, [size.value, k.keeps.value, _WORD(16)])
            return Lanes(builder, builder.or_(made, builder.and_(size.value, whole)))

        nothing = ir.Constant(ir.VectorType(_WORD, BLOCKS), [0] * BLOCKS)
        last = builder.and_(args[2], _LONG(~(BLOCKS - 1)))
        store(builder, Lanes(builder, nothing), masks, last)
        with cgutils.for_range(builder, args[2], intp=_LONG) as loop:
            ask(builder, builder.gep(data, [builder.add(args[9], builder.mul(loop.index, args[10]))]))
            place = builder.add(args[1], builder.shl(loop.index, _LONG(5)))
            fired, left = leaky(load(builder, data, place), k, share)
            store(builder, left, data, place)
            builder.store(mask(fired), builder.gep(masks, [loop.index]))
        return context.get_dummy_value()

    word, place = types.int32, types.uint64
    return types.void(v, place, place, word, word, word, word, word, masks, place, place), code


@intrinsic
def set_masks(typingctx: Any, masks: Any, at: Any) -> Any:
    """Which of the 64 masks from place `at` on are not empty, as bits."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = load(builder, _data(context, builder, signature, args, 0), args[1], BLOCKS)
        return builder.bitcast((found != 0).value, _LONG)

    return types.uint64(masks, types.uint64), code


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


def _begun(builder: Any, index: Any) -> Any:
    """The first product of the counter rule (`kernels.rule.bits`), the same for all words."""
    return builder.mul(index, ir.Constant(index.type, [0x9E3779B1] * index.type.count))


def _mixed(builder: Any, begun: Any, word1: Any, word2: Any) -> Any:
    """The rest of the counter rule."""
    count = begun.type.count

    def many(number: int) -> Any:
        return ir.Constant(begun.type, [number] * count)

    def shifted(x: Any, by: int) -> Any:
        return builder.xor(x, builder.lshr(x, many(by)))

    x = builder.add(begun, _splat(builder, word1, count))
    x = builder.mul(shifted(x, 16), many(0x21F0AAAD))
    x = builder.add(shifted(x, 15), _splat(builder, word2, count))
    x = builder.mul(x, many(0x735A2D97))
    x = builder.mul(shifted(x, 15), many(0x846CA68B))
    return shifted(x, 16)


def _bits(builder: Any, index: Any, word1: Any, word2: Any) -> Any:
    return _mixed(builder, _begun(builder, index), word1, word2)


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
    typingctx: Any,
    ids: Any,
    at: Any,
    first: Any,
    words: Any,
    low: Any,
    share: Any,
    size: Any,
    out: Any,
    place: Any,
    taken: Any,
) -> Any:
    """The targets of up to 16 spikes, `share` of each: `ids[at:]` are their numbers in a patch whose first neuron is `first`.

    Writes numbers within the target patch, of `size` neurons, to `out[place:]`, those of `taken` spikes without a gap; two draws come
    from each pair of words from `words[low]` on (see `circuits.sheet`). What stands behind them is overwritten: up to 32 places.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word, wide, short = (ir.VectorType(k, n) for k, n in ((_WORD, SPIKES), (_LONG, SPIKES // 2), (_SHORT, SPIKES)))
        half = ir.Constant(wide, [32] * (SPIKES // 2))
        low_half, high_half = (ir.Constant(wide, [m] * (SPIKES // 2)) for m in (0xFFFFFFFF, 0xFFFFFFFF00000000))
        here = load(builder, _data(context, builder, signature, args, 0), args[1], SPIKES)
        begun = _begun(builder, builder.add(builder.zext(here.value, word), _splat(builder, args[2], SPIKES)))
        table = _data(context, builder, signature, args, 3)
        size = builder.and_(_splat(builder, args[6], SPIKES // 2), low_half)  # says that a product of 32 bits will do
        out = _data(context, builder, signature, args, 7)
        place = cgutils.alloca_once_value(builder, args[8])

        def product(numbers: Any) -> Any:
            return builder.mul(builder.and_(numbers, low_half), size)

        def high(even: Any, odd: Any) -> Any:
            """The upper halves of the products of the even and of the odd lanes, side by side."""
            return builder.bitcast(builder.or_(builder.lshr(even, half), builder.and_(odd, high_half)), word)

        def hashed(k: Any) -> tuple[Any, Any]:
            """The products of the draws with pair k of words and the size, of even and of odd lanes."""
            at = builder.shl(builder.add(args[4], k), _LONG(1))
            w1, w2 = (builder.load(builder.gep(table, [builder.add(at, _LONG(n))])) for n in (0, 1))
            h = builder.bitcast(_mixed(builder, begun, w1, w2), wide)
            return product(h), product(builder.lshr(h, half))

        def put(numbers: Any, count: Any) -> None:
            now = builder.load(place)
            store(builder, Lanes(builder, numbers), out, now)
            builder.store(builder.add(now, count), place)

        pairs = builder.lshr(args[5], _LONG(1))
        with cgutils.for_range(builder, pairs, intp=_LONG) as loop:
            even, odd = hashed(loop.index)
            first, second = high(even, odd), high(product(even), product(odd))
            both = builder.or_(first, builder.shl(second, ir.Constant(word, [16] * SPIKES)))
            put(builder.bitcast(both, ir.VectorType(_SHORT, 2 * SPIKES)), builder.shl(args[9], _LONG(1)))
        with builder.if_then(builder.trunc(args[5], ir.IntType(1))):
            even, odd = hashed(pairs)
            put(builder.trunc(high(even, odd), short), args[9])
        return builder.load(place)

    word, place = types.uint32, types.uint64
    return place(ids, place, word, words, place, place, place, out, place, place), code
