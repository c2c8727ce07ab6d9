"""The inner loops of reading an array, written out as vector instructions: products in a fixed order, noise, converters.

An output is the sum over rows of input × cell. Two orders occur, each the same for every batch, tile and machine:

    fast    float32: a run of RUN rows by one fused multiply-add after the other, the runs of CHUNK rows added up, then the chunks, all
            ascending
    exact   float64: 32 sums, each over every 32nd row, ascending, multiplied and added separately; then added in halves
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils

from workbench.kernels.analog.normal import bits, far, instruction, near
from workbench.kernels.lanes import WIDTH, Lanes, intrinsic, load, mask, splat, store, where

__all__ = [
    "CHUNK",
    "RUN",
    "TALL",
    "WIDE",
    "between",
    "convert",
    "convert_state",
    "dot",
    "draw",
    "draw_far",
    "dot_squared",
    "length",
    "multiply_row",
    "multiply_rows",
    "multiply_tall",
    "pointer",
    "spread",
]

RUN, CHUNK = 16, 64
"""Rows whose products are added up in one go, and rows whose runs are: short sums of sums bound the rounding error."""
WIDE = 4
"""Panels of 32 columns at once for a single vector: as many sums under way as hide the latency of an addition."""
TALL = 6 if get_host_cpu_features().get("avx512f") else 2
"""Vectors at once for a panel: as many sums as there are registers for. It changes no result."""

_WORD = ir.IntType(64)
_FLOAT, _DOUBLE = ir.FloatType(), ir.DoubleType()


def pointer(context: Any, builder: Any, signature: Any, args: Any, number: int) -> Any:
    """Where the numbers of an array lie, the argument `number` of an intrinsic."""
    return context.make_array(signature.args[number])(context, builder, args[number]).data


def spread(builder: Any, value: Any, count: int = WIDTH) -> Lanes:
    """A number in every lane."""
    kind = ir.VectorType(value.type, count)
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.IntType(32)(0))
    zero = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return Lanes(builder, builder.shuffle_vector(first, nothing, zero))


def _step(builder: Any, at: Any, by: Any) -> Any:
    return builder.add(at, by if not isinstance(by, int) else ir.Constant(_WORD, by))


def _fetch(builder: Any, place: Any) -> None:
    """Ask for a cache line before it is needed."""
    place, word = builder.bitcast(place, ir.IntType(8).as_pointer()), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [place, word(0), word(3), word(1)])


# --- the fast product -----------------------------------------------------------------------------------------------------


def _multiply(tall: int, wide: int) -> Callable[..., Any]:
    def make(
        typingctx: Any,
        x: Any,
        x_at: Any,
        x_stride: Any,
        panels: Any,
        panel_at: Any,
        panel_stride: Any,
        rows: Any,
        out: Any,
        out_at: Any,
        fresh: Any,
        ahead: Any,
    ) -> Any:
        """Sums of `rows` products for `tall` vectors from x[x_at] on and `wide` panels, put into (fresh) or added to out[out_at…].

        Meanwhile the cells from panels[ahead] on are fetched, one line for every four rows.
        """

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x_data, p_data, o_data = (pointer(context, builder, signature, args, k) for k in (0, 3, 7))
            x_at, x_stride, panel_at, panel_stride, rows, out_at, fresh = (args[k] for k in (1, 2, 4, 5, 6, 8, 9))
            ahead = builder.gep(p_data, [args[10]])
            vectors, panels = [x_at], [panel_at]
            for _ in range(tall - 1):
                vectors.append(_step(builder, vectors[-1], x_stride))
            for _ in range(wide - 1):
                panels.append(_step(builder, panels[-1], panel_stride))
            vectors = [builder.gep(x_data, [v]) for v in vectors]
            panels = [builder.gep(p_data, [p]) for p in panels]
            kind = ir.VectorType(_FLOAT, WIDTH)
            nothing = ir.Constant(kind, None)
            before, loop, after = builder.block, builder.append_basic_block("rows"), builder.append_basic_block("sums")
            builder.branch(loop)
            builder.position_at_end(loop)
            i = builder.phi(_WORD)
            i.add_incoming(ir.Constant(_WORD, 0), before)
            sums = [[builder.phi(kind) for _ in range(wide)] for _ in range(tall)]
            made = [[Lanes(builder, one) for one in row] for row in sums]
            if tall > 1:
                for line in range(RUN // 4):
                    _fetch(
                        builder, builder.gep(ahead, [_step(builder, builder.mul(i, ir.Constant(_WORD, 4)), line * 16)])
                    )
            run: list[list[Any]] = [[None] * wide for _ in range(tall)]
            for u in range(RUN):
                k = _step(builder, i, u)
                cells = [load(builder, p, builder.mul(k, ir.Constant(_WORD, WIDTH))) for p in panels]
                for r in range(tall):
                    driven = splat(builder, vectors[r], k)
                    for p in range(wide):
                        run[r][p] = instruction("fma", driven, cells[p], run[r][p]) if u else driven * cells[p]
            made = [[made[r][p] + run[r][p] for p in range(wide)] for r in range(tall)]
            following = _step(builder, i, RUN)
            i.add_incoming(following, loop)
            for r in range(tall):
                for p in range(wide):
                    sums[r][p].add_incoming(nothing, before)
                    sums[r][p].add_incoming(made[r][p].value, loop)
            builder.cbranch(builder.icmp_unsigned("<", following, rows), loop, after)
            builder.position_at_end(after)
            places = [[_step(builder, out_at, (r * wide + p) * WIDTH) for p in range(wide)] for r in range(tall)]
            with builder.if_else(cgutils.as_bool_bit(builder, fresh)) as (yes, no):
                with yes:
                    for r in range(tall):
                        for p in range(wide):
                            store(builder, made[r][p], o_data, places[r][p])
                with no:
                    for r in range(tall):
                        for p in range(wide):
                            total = load(builder, o_data, places[r][p]) + made[r][p]
                            store(builder, total, o_data, places[r][p])
            return context.get_dummy_value()

        place = types.uint64
        return types.void(x, place, place, panels, place, place, place, out, place, types.boolean, place), code

    return make


multiply_tall = intrinsic(_multiply(TALL, 1))
multiply_rows = intrinsic(_multiply(1, WIDE))
multiply_row = intrinsic(_multiply(1, 1))


# --- the exact product ----------------------------------------------------------------------------------------------------


def _wide(lanes: Lanes) -> Lanes:
    """The lanes in float64."""
    if isinstance(lanes.element, ir.DoubleType):
        return lanes
    return Lanes(lanes.builder, lanes.builder.fpext(lanes.value, ir.VectorType(_DOUBLE, lanes.value.type.count)))


def _folded(builder: Any, lanes: Lanes) -> Any:
    """The sum of all lanes: halves are added until one is left."""
    value, count = lanes.value, lanes.value.type.count
    while count > 1:
        count //= 2
        halves = [
            builder.shuffle_vector(
                value,
                ir.Constant(value.type, ir.Undefined),
                ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(at, at + count))),
            )
            for at in (0, count)
        ]
        value = builder.fadd(halves[0], halves[1])
    return builder.extract_element(value, ir.IntType(32)(0))


def _dot(*, squared: bool, cells: bool) -> Callable[..., Any]:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_data, x_at, jump, rows = pointer(context, builder, signature, args, 0), args[1], args[2], args[3]
        m_data, m_at = (pointer(context, builder, signature, args, 4), args[5]) if cells else (None, None)
        kind = ir.VectorType(_DOUBLE, WIDTH)
        before, loop, after = builder.block, builder.append_basic_block("rows"), builder.append_basic_block("sum")
        builder.branch(loop)
        builder.position_at_end(loop)
        i, sums = builder.phi(_WORD), builder.phi(kind)
        i.add_incoming(ir.Constant(_WORD, 0), before)
        sums.add_incoming(ir.Constant(kind, None), before)
        chunk = builder.mul(builder.udiv(i, ir.Constant(_WORD, CHUNK)), jump)
        within = builder.urem(i, ir.Constant(_WORD, CHUNK))
        driven = _wide(load(builder, x_data, builder.add(builder.add(x_at, chunk), within)))
        if squared:
            driven = driven * driven
        if cells:
            driven = driven * _wide(load(builder, m_data, _step(builder, m_at, i)))
        made = (Lanes(builder, sums) + driven).value
        following = _step(builder, i, WIDTH)
        i.add_incoming(following, loop)
        sums.add_incoming(made, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, rows), loop, after)
        builder.position_at_end(after)
        return _folded(builder, Lanes(builder, made))

    place = types.uint64
    if cells:

        def make(typingctx: Any, x: Any, x_at: Any, jump: Any, rows: Any, matrix: Any, at: Any) -> Any:
            return types.float64(x, place, place, place, matrix, place), code

        return make

    def make_alone(typingctx: Any, x: Any, x_at: Any, jump: Any, rows: Any) -> Any:
        return types.float64(x, place, place, place), code

    return make_alone


dot = intrinsic(_dot(squared=False, cells=True))
"""The exact sum of x·matrix[at + i] over `rows` (a multiple of 32) rows; each CHUNK rows of x lie `jump` further on, from x[x_at] on."""
dot_squared = intrinsic(_dot(squared=True, cells=True))
"""The exact sum of x²·matrix."""
length = intrinsic(_dot(squared=True, cells=False))
"""The exact sum of x²."""


# --- noise ----------------------------------------------------------------------------------------------------------------


def _random(builder: Any, word1: Any, word2: Any, column: Any) -> Lanes:
    index = spread(builder, builder.trunc(column, ir.IntType(32)))
    counted = ir.Constant(index.value.type, [ir.IntType(32)(k) for k in range(WIDTH)])
    return bits(spread(builder, word1), spread(builder, word2), index + Lanes(builder, counted))


def _drawing(*, tails: bool) -> Callable[..., Any]:
    def make(typingctx: Any, word1: Any, word2: Any, column: Any, z: Any, at: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data, at = pointer(context, builder, signature, args, 3), args[4]
            random = _random(builder, *args[:3])
            if tails:
                store(builder, far(random, load(builder, data, at)), data, at)
                return context.get_dummy_value()
            lanes, in_tail = near(random)
            store(builder, lanes, data, at)
            return mask(in_tail)

        place = types.uint64
        return (types.void if tails else types.uint32)(types.uint32, types.uint32, place, z, place), code

    return make


draw = intrinsic(_drawing(tails=False))
"""Put the normal numbers of 32 columns into z[at…]; returns which of them lie in the tails and are to be put right by `draw_far`."""
draw_far = intrinsic(_drawing(tails=True))
"""Put those of the tails right."""


# --- converters -----------------------------------------------------------------------------------------------------------


def between(lanes: Lanes, low: Lanes, high: Lanes) -> Lanes:
    """Lanes clipped from `low` to `high`."""
    lanes = where(lanes > high, high, lanes)
    return where(lanes < low, low, lanes)


def _convert(*, state: bool) -> Callable[..., Any]:
    def make(
        typingctx: Any,
        work: Any,
        z_at: Any,
        sums_at: Any,
        variances_at: Any,
        norm: Any,
        table: Any,
        table_at: Any,
        low: Any,
        high: Any,
        codes: Any,
        codes_at: Any,
    ) -> Any:
        """Write the codes of 32 outputs; returns which may be wrong because they lie near an edge, and which were clipped.

        Two masks of 32 bits each, that of the clipped ones above.
        """

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w_data, t_data, c_data = (pointer(context, builder, signature, args, k) for k in (0, 5, 9))
            z_at, sums_at, variances_at, norm, table_at, low, high, codes_at = (
                args[k] for k in (1, 2, 3, 4, 6, 7, 8, 10)
            )
            offset, sd, slope, room = (load(builder, t_data, _step(builder, table_at, k * WIDTH)) for k in range(4))
            lengths, bottom, top = (spread(builder, v) for v in (norm, low, high))
            z = load(builder, w_data, z_at)
            deviation = instruction("sqrt", load(builder, w_data, variances_at)) if state else sd * lengths
            level = load(builder, w_data, sums_at) + offset + z * deviation
            level = between(level, bottom - 1.0, top + 1.0)
            whole = instruction("rint", level)
            # The difference is exact: a float less the nearest whole number.
            unsure = instruction("fabs", level - whole) > room - lengths * slope
            kept = between(whole, bottom, top)
            out = builder.fptosi(kept.value, ir.VectorType(ir.IntType(32), WIDTH))
            if c_data.type.pointee.width == 16:
                out = builder.trunc(out, ir.VectorType(ir.IntType(16), WIDTH))
            store(builder, Lanes(builder, out), c_data, codes_at)
            clipped = builder.zext(mask(kept != whole), _WORD)
            return builder.or_(builder.zext(mask(unsure), _WORD), builder.shl(clipped, ir.Constant(_WORD, 32)))

        place, real = types.uint64, types.float32
        return types.uint64(work, place, place, place, real, table, place, real, real, codes, place), code

    return make


convert = intrinsic(_convert(state=False))
convert_state = intrinsic(_convert(state=True))
