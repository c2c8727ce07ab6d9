"""The inner loops of products of whole numbers: exact sums of 16-bit and 8-bit products, where processors have instructions for them.

Sums of whole numbers are the same in any order, so nothing here has an order. No sum leaves 32 bits: who lays out cells sees to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils

from workbench.kernels.analog.normal import instruction
from workbench.kernels.analog.vectors import WIDE, between, pointer, spread
from workbench.kernels.lanes import WIDTH, Lanes, intrinsic, load, mask, store, where

__all__ = [
    "MANY",
    "SQUARED",
    "WHOLE",
    "WIDE",
    "convert_whole",
    "convert_whole_state",
    "copied",
    "dot_bytes",
    "multiply_bytes",
    "multiply_pair",
    "multiply_pair_real",
    "multiply_pairs",
    "multiply_pairs_real",
    "multiply_wide",
    "multiply_wide_real",
    "narrow",
    "narrow_squares",
    "sum_bytes",
    "sum_squares",
]

WHOLE = bool(get_host_cpu_features().get("avx512vnni"))
"""Whether products of whole numbers are faster than those of floats here: 32 (64) in an instruction instead of 16."""
MANY = 11
"""Vectors at once: two sums of 16 columns for each, which hides the latency of a sum and leaves registers for the cells."""
_HALF = 16
"""Columns in a register."""
_WORD, _WHOLE = ir.IntType(64), ir.IntType(32)
_UNROLLED = 4
SQUARED = 2**14
"""Squares of inputs are at most this: products with them are to add up in 32 bits."""


def _at(builder: Any, pointer: Any, at: Any, kind: Any, align: int) -> Any:
    value = builder.load(builder.bitcast(builder.gep(pointer, [at]), kind.as_pointer()))
    value.align = align
    return value


def _added(builder: Any, sums: Any, cells: Any, driven: Any, *, each: int) -> Any:
    """sums + products of `each` neighbours: of 2 numbers of 16 bits, or of 4 of 8 bits, the cells' without a sign."""
    kind = sums.type
    if WHOLE:
        name = f"llvm.x86.avx512.{'vpdpwssds' if each == 2 else 'vpdpbusd'}.512"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return builder.call(function, [sums, cells, driven])
    bits = 32 // each
    for k in range(each):
        up = ir.Constant(kind, [32 - bits * (k + 1)] * _HALF)
        down = ir.Constant(kind, [32 - bits] * _HALF)
        one = (builder.ashr if each == 2 else builder.lshr)(builder.shl(cells, up), down)
        sums = builder.add(sums, builder.mul(one, builder.ashr(builder.shl(driven, up), down)))
    return sums


def _multiply(many: int, wide: int, *, each: int, real: bool = False) -> Callable[..., Any]:
    def make(
        typingctx: Any,
        x: Any,
        x_at: Any,
        x_stride: Any,
        cells: Any,
        cells_at: Any,
        cells_stride: Any,
        rows: Any,
        out: Any,
        out_at: Any,
        fresh: Any,
    ) -> Any:
        """Sums of `rows` products (a multiple of 32) of many vectors and `wide` panels, put into (fresh) or added to out[out_at…].

        Places of x count its numbers, those of cells pairs of bytes; neighbouring rows lie side by side, 2 of 16 bits, 4 of 8. Real sums
        are added up as float32, whose bits are put into out.
        """

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x_data, c_data, o_data = (pointer(context, builder, signature, args, k) for k in (0, 3, 7))
            x_at, x_stride, cells_at, cells_stride, rows, out_at, fresh = (args[k] for k in (1, 2, 4, 5, 6, 8, 9))
            kind = ir.VectorType(_WHOLE, _HALF)
            vectors = [x_at]
            for _ in range(many - 1):
                vectors.append(builder.add(vectors[-1], x_stride))
            vectors = [builder.gep(x_data, [v]) for v in vectors]
            panels = [builder.gep(c_data, [cells_at])]
            for _ in range(wide - 1):
                panels.append(builder.gep(panels[-1], [cells_stride]))
            registers = 2 * wide
            nothing, undefined = ir.Constant(kind, None), ir.Constant(kind, ir.Undefined)
            before, loop, after = builder.block, builder.append_basic_block("rows"), builder.append_basic_block("sums")
            builder.branch(loop)
            builder.position_at_end(loop)
            i = builder.phi(_WORD)
            i.add_incoming(ir.Constant(_WORD, 0), before)
            sums = [[builder.phi(kind) for _ in range(registers)] for _ in range(many)]
            made: list[list[Any]] = [list(row) for row in sums]
            for u in range(_UNROLLED):
                k = builder.add(i, ir.Constant(_WORD, u * each))
                # A row has 32 cells of 32 / each bits: `each` rows fill 64 pairs of bytes.
                at = builder.mul(k, ir.Constant(_WORD, 64 // each))
                held = [
                    _at(builder, panels[h // 2], builder.add(at, ir.Constant(_WORD, 32 * (h % 2))), kind, 64)
                    for h in range(registers)
                ]
                for b in range(many):
                    number = _at(builder, vectors[b], k, _WHOLE, 4)
                    driven = builder.shuffle_vector(
                        builder.insert_element(undefined, number, _WHOLE(0)), nothing, ir.Constant(kind, [0] * _HALF)
                    )
                    made[b] = [_added(builder, made[b][h], held[h], driven, each=each) for h in range(registers)]
            following = builder.add(i, ir.Constant(_WORD, _UNROLLED * each))
            i.add_incoming(following, loop)
            for b in range(many):
                for h in range(registers):
                    sums[b][h].add_incoming(nothing, before)
                    sums[b][h].add_incoming(made[b][h], loop)
            builder.cbranch(builder.icmp_unsigned("<", following, rows), loop, after)
            builder.position_at_end(after)
            old = cgutils.as_bool_bit(builder, fresh)
            for b in range(many):
                for h in range(registers):
                    at = builder.add(out_at, ir.Constant(_WORD, (b * registers + h) * _HALF))
                    place = builder.bitcast(builder.gep(o_data, [at]), kind.as_pointer())
                    held = builder.load(place)
                    held.align = 4
                    held = builder.select(old, nothing, held)
                    if real:
                        floats = ir.VectorType(ir.FloatType(), _HALF)
                        total = builder.fadd(builder.sitofp(made[b][h], floats), builder.bitcast(held, floats))
                        total = builder.bitcast(total, kind)
                    else:
                        total = builder.add(made[b][h], held)
                    builder.store(total, place).align = 4
            return context.get_dummy_value()

        place = types.uint64
        return types.void(x, place, place, cells, place, place, place, out, place, types.boolean), code

    return make


multiply_pairs = intrinsic(_multiply(MANY, 1, each=2))
multiply_bytes = intrinsic(_multiply(MANY, 1, each=4))
multiply_wide = intrinsic(_multiply(1, WIDE, each=2))
multiply_pair = intrinsic(_multiply(1, 1, each=2))
multiply_pairs_real = intrinsic(_multiply(MANY, 1, each=2, real=True))
multiply_wide_real = intrinsic(_multiply(1, WIDE, each=2, real=True))
multiply_pair_real = intrinsic(_multiply(1, 1, each=2, real=True))


# --- inputs ---------------------------------------------------------------------------------------------------------------


def _narrowed(*, squared: bool) -> Callable[..., Any]:
    def make(typingctx: Any, x: Any, x_at: Any, shift: Any, out: Any, at: Any) -> Any:
        """Write 32 whole numbers x, or their squares, over 2^shift into out[at…]: numbers rounded down, squares to the nearest."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x_data, o_data = (pointer(context, builder, signature, args, k) for k in (0, 3))
            lanes = load(builder, x_data, args[1])
            whole = Lanes(builder, builder.fptosi(lanes.value, ir.VectorType(_WHOLE, WIDTH)))
            by = spread(builder, builder.trunc(args[2], _WHOLE))
            if squared:
                half = Lanes(
                    builder, builder.ashr(builder.shl(spread(builder, _WHOLE(1)).value, by.value), by._other(1))
                )
                whole = whole * whole + half
            whole = whole >> by
            kind = ir.VectorType(o_data.type.pointee, WIDTH)
            store(builder, Lanes(builder, builder.trunc(whole.value, kind)), o_data, args[4])
            return context.get_dummy_value()

        place = types.uint64
        return types.void(x, place, place, out, place), code

    return make


narrow = intrinsic(_narrowed(squared=False))
narrow_squares = intrinsic(_narrowed(squared=True))


def _along(*, squared: bool) -> Callable[..., Any]:
    def make(typingctx: Any, x: Any, at: Any, rows: Any) -> Any:
        """The sum of `rows` (a multiple of 32) numbers of x[at…] of 8 bits, or of squares of such of 16."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data, at, rows = pointer(context, builder, signature, args, 0), args[1], args[2]
            kind, half = ir.VectorType(_WHOLE, _HALF), ir.VectorType(_WHOLE, _HALF // 2)
            before, loop, after = builder.block, builder.append_basic_block("rows"), builder.append_basic_block("sum")
            builder.branch(loop)
            builder.position_at_end(loop)
            i, sums = builder.phi(_WORD), builder.phi(kind)
            i.add_incoming(ir.Constant(_WORD, 0), before)
            sums.add_incoming(ir.Constant(kind, None), before)
            place = builder.gep(data, [builder.add(at, i)])
            if squared:
                held = builder.load(builder.bitcast(place, kind.as_pointer()))
                held.align = 2
                made = _added(builder, sums, held, held, each=2)
            else:
                held = builder.load(builder.bitcast(place, half.as_pointer()))
                held.align = 1
                held = builder.shuffle_vector(held, ir.Constant(half, None), ir.Constant(kind, list(range(_HALF))))
                made = _added(builder, sums, ir.Constant(kind, [0x01010101] * _HALF), held, each=4)
            following = builder.add(i, ir.Constant(_WORD, WIDTH))
            i.add_incoming(following, loop)
            sums.add_incoming(made, loop)
            builder.cbranch(builder.icmp_unsigned("<", following, rows), loop, after)
            builder.position_at_end(after)
            total = _WHOLE(0)
            for k in range(_HALF):
                total = builder.add(total, builder.extract_element(made, _WHOLE(k)))
            return builder.sext(total, _WORD)

        return types.int64(x, types.uint64, types.uint64), code

    return make


def _dot_bytes(typingctx: Any, x: Any, x_at: Any, cells: Any, at: Any, rows: Any) -> Any:
    """The sum of `rows` (a multiple of 32) products of x[x_at…], 8 bits, and bytes without a sign; `at` counts pairs of them."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_data, c_data = (pointer(context, builder, signature, args, k) for k in (0, 2))
        x_at, at, rows = args[1], args[3], args[4]
        kind, half = ir.VectorType(_WHOLE, _HALF), ir.VectorType(_WHOLE, _HALF // 2)
        before, loop, after = builder.block, builder.append_basic_block("rows"), builder.append_basic_block("sum")
        builder.branch(loop)
        builder.position_at_end(loop)
        i, sums = builder.phi(_WORD), builder.phi(kind)
        i.add_incoming(ir.Constant(_WORD, 0), before)
        sums.add_incoming(ir.Constant(kind, None), before)
        pairs = builder.add(at, builder.lshr(i, ir.Constant(_WORD, 1)))
        held = [
            builder.shuffle_vector(
                _at(builder, data, place, half, 1), ir.Constant(half, None), ir.Constant(kind, list(range(_HALF)))
            )
            for data, place in ((c_data, pairs), (x_data, builder.add(x_at, i)))
        ]
        made = _added(builder, sums, *held, each=4)
        following = builder.add(i, ir.Constant(_WORD, WIDTH))
        i.add_incoming(following, loop)
        sums.add_incoming(made, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, rows), loop, after)
        builder.position_at_end(after)
        total = _WHOLE(0)
        for k in range(_HALF):
            total = builder.add(total, builder.extract_element(made, _WHOLE(k)))
        return total

    place = types.uint64
    return types.int32(x, place, cells, place, place), code


dot_bytes = intrinsic(_dot_bytes)
sum_bytes = intrinsic(_along(squared=False))
sum_squares = intrinsic(_along(squared=True))


def _copied(typingctx: Any, x: Any, x_at: Any, most: Any, out: Any, at: Any) -> Any:
    """Copy 32 numbers of float32; returns whether one of them is not whole or beyond ±most."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_data, o_data = (pointer(context, builder, signature, args, k) for k in (0, 3))
        lanes = load(builder, x_data, args[1])
        store(builder, lanes, o_data, args[4])
        odd = (instruction("rint", lanes) != lanes) | (instruction("fabs", lanes) > spread(builder, args[2]))
        return mask(odd)

    place = types.uint64
    return types.uint32(x, place, types.float32, out, place), code


copied = intrinsic(_copied)


# --- converters -----------------------------------------------------------------------------------------------------------


def _inverse_root(x: Lanes) -> Lanes:
    """1/√x to 2⁻¹⁴."""
    builder, kind = x.builder, ir.VectorType(ir.FloatType(), _HALF)
    if not WHOLE:
        return Lanes(builder, ir.Constant(x.value.type, [1.0] * WIDTH)) / instruction("sqrt", x)
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind, kind, ir.IntType(16)]), "llvm.x86.avx512.rsqrt14.ps.512"
    )
    made = []
    for half in range(2):
        which = ir.Constant(ir.VectorType(_WHOLE, _HALF), list(range(half * _HALF, (half + 1) * _HALF)))
        part = builder.shuffle_vector(x.value, ir.Constant(x.value.type, ir.Undefined), which)
        made.append(builder.call(function, [part, ir.Constant(kind, None), ir.IntType(16)(0xFFFF)]))
    return Lanes(builder, builder.shuffle_vector(*made, ir.Constant(ir.VectorType(_WHOLE, WIDTH), list(range(WIDTH)))))


def _real(lanes: Lanes) -> Lanes:
    return Lanes(lanes.builder, lanes.builder.sitofp(lanes.value, ir.VectorType(ir.FloatType(), WIDTH)))


def _convert(*, state: bool) -> Callable[..., Any]:
    def make(
        typingctx: Any,
        work: Any,
        z_at: Any,
        sums: Any,
        high_at: Any,
        low_at: Any,
        spread_at: Any,
        off: Any,
        norm: Any,
        coarse: Any,
        table: Any,
        table_at: Any,
        low: Any,
        high: Any,
        codes: Any,
        codes_at: Any,
    ) -> Any:
        """Write the codes of 32 outputs from sums of whole numbers; returns which may be wrong, and which were clipped, as `convert` does.

        `off`: what to take off the sums of the low bytes. coarse: 1 where inputs of bytes are halves and squares quarters, else 0.
        The table has ten lines of 32 numbers, see `loops`.
        """

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w_data, s_data, t_data, c_data = (pointer(context, builder, signature, args, k) for k in (0, 2, 9, 13))
            z_at, high_at, low_at, spread_at, off, norm, coarse = (args[k] for k in (1, 3, 4, 5, 6, 7, 8))
            table_at, low, high, codes_at = args[10], args[11], args[12], args[14]

            def line(k: int) -> Lanes:
                return load(builder, t_data, builder.add(table_at, ir.Constant(_WORD, k * WIDTH)))

            lengths, bottom, top = (spread(builder, v) for v in (norm, low, high))
            z = load(builder, w_data, z_at)
            above = _real(load(builder, s_data, high_at))
            rounded = spread(builder, coarse)
            below = _real(load(builder, s_data, low_at) - spread(builder, builder.trunc(off, _WHOLE)))
            below = below * (rounded + 1.0)
            level = instruction("fma", above, line(4), instruction("fma", below, line(5), line(0)))
            doubt = instruction("fma", lengths, line(2), line(9) * rounded)
            if state:
                bits = load(builder, s_data, spread_at).value
                variance = Lanes(builder, builder.bitcast(bits, ir.VectorType(ir.FloatType(), WIDTH)))
                variance = variance * (line(6) * (rounded * 3.0 + 1.0))
                tiny = Lanes(builder, variance._other(1e-30))
                variance = where(variance > tiny, variance, tiny)
                root = _inverse_root(variance)
                sd = variance * root
                error = instruction("fma", lengths * lengths, line(7), line(8) * rounded) * root
                level = level + z * sd
                size = instruction("fabs", z)
                doubt = instruction("fma", size, error * 0.6 + sd * 8e-5, doubt)
                vague = error * root > 0.55
            else:
                level = level + z * (line(1) * lengths)
                vague = None
            level = between(level, bottom - 1.0, top + 1.0)
            whole = instruction("rint", level)
            unsure = instruction("fabs", level - whole) > line(3) - doubt
            if vague is not None:
                unsure = unsure | vague
            kept = between(whole, bottom, top)
            out = builder.fptosi(kept.value, ir.VectorType(_WHOLE, WIDTH))
            if c_data.type.pointee.width == 16:
                out = builder.trunc(out, ir.VectorType(ir.IntType(16), WIDTH))
            store(builder, Lanes(builder, out), c_data, codes_at)
            clipped = builder.zext(mask(kept != whole), _WORD)
            return builder.or_(builder.zext(mask(unsure), _WORD), builder.shl(clipped, ir.Constant(_WORD, 32)))

        place, real = types.uint64, types.float32
        return types.uint64(
            work, place, sums, place, place, place, types.int64, real, real, table, place, real, real, codes, place
        ), code

    return make


convert_whole = intrinsic(_convert(state=False))
convert_whole_state = intrinsic(_convert(state=True))
