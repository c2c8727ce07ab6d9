"""Before an array: inputs to DAC levels, what they drive, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.core import cgutils

from workbench.kernels.analog.vectors import CHUNK, pointer, spread
from workbench.kernels.lanes import WIDTH, Lanes, intrinsic, load, mask, store

__all__ = ["drive_batch", "drive_block"]

_SOME = 64
"""Samples whose squares are added up in float32."""
_W, _C = uint64(WIDTH), uint64(CHUNK)


def _levels(*, rounded: bool) -> Callable[..., Any]:
    def make(typingctx: Any, x: Any, x_at: Any, each: Any, low: Any, high: Any, out: Any, at: Any) -> Any:
        """Write 32 levels, float32; returns how many were clipped, and times 2³² how many are not zero."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x_data, o_data = (pointer(context, builder, signature, args, k) for k in (0, 5))
            lanes, wide = load(builder, x_data, args[1]), ir.VectorType(ir.DoubleType(), WIDTH)
            if not isinstance(lanes.element, ir.DoubleType):
                lanes = Lanes(builder, builder.fpext(lanes.value, wide))
            each, low, high = (spread(builder, args[k]) for k in (2, 3, 4))

            def called(name: str, x: Lanes) -> Lanes:
                kind = ir.FunctionType(wide, [wide])
                function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64")
                return Lanes(builder, builder.call(function, [x.value]))

            exact = lanes * each
            level = called("rint", exact) if rounded else exact
            if rounded:
                level = Lanes(builder, builder.select((level > high).value, high.value, level.value))
                level = Lanes(builder, builder.select((level < low).value, low.value, level.value))
            store(
                builder,
                Lanes(builder, builder.fptrunc(level.value, ir.VectorType(ir.FloatType(), WIDTH))),
                o_data,
                args[6],
            )

            def many(lanes: Lanes, up: int) -> Any:
                word = ir.IntType(64)
                return builder.shl(builder.zext(builder.ctpop(mask(lanes)), word), ir.Constant(word, up))

            # No number, or none that is finite, is not within half a step either.
            near = called("fabs", level - exact) < 0.5 + 1e-9
            clipped = Lanes(builder, builder.not_(near.value))
            return builder.or_(many(clipped, 0), many(level != 0.0, 32))

        place, real = types.uint64, types.float64
        return types.uint64(x, place, real, real, real, out, place), code

    return make


def _squared(typingctx: Any, x: Any, x_at: Any, sums: Any, at: Any) -> Any:
    """Add the squares of 32 numbers to sums[at…]."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_data, s_data = (pointer(context, builder, signature, args, k) for k in (0, 2))
        lanes = load(builder, x_data, args[1])
        if isinstance(s_data.type.pointee, ir.DoubleType):
            lanes = Lanes(builder, builder.fpext(lanes.value, ir.VectorType(ir.DoubleType(), WIDTH)))
        store(builder, load(builder, s_data, args[3]) + lanes * lanes, s_data, args[3])
        return context.get_dummy_value()

    return types.void(x, types.uint64, sums, types.uint64), code


add_squares = intrinsic(_squared)
levels = intrinsic(_levels(rounded=True))
as_they_are = intrinsic(_levels(rounded=False))


@njit(inline="always")
def _run(x, x_at, each, low, high, rounded, work, at):
    return levels(x, x_at, each, low, high, work, at) if rounded else as_they_are(x, x_at, each, low, high, work, at)


@njit
def _finite(x, b, begin, count):
    found = True
    for i in range(count):
        found &= abs(x[b, begin + i]) < np.inf
    return found


@njit(inline="always")
def _fill(x, b, begin, count, each, low, high, rounded, work, at, jump):
    """Levels of one sample, put into work[at…], each CHUNK of them `jump` further on; how many were clipped, times 2³² how many not 0."""
    found = uint64(0)
    width = uint64(x.shape[1])
    whole = count // _W * _W
    for k in range(uint64(0), whole, _W):
        found += _run(x, b * width + begin + k, each, low, high, rounded, work, at + k // _C * jump + k % _C)
    if whole < count:
        rest = np.zeros(_W, x.dtype)
        for i in range(whole, count):
            rest[i - whole] = x[b, begin + i]
        found += _run(rest, uint64(0), each, low, high, rounded, work, at + whole // _C * jump + whole % _C)
    return found


@njit
def _flush(part, squared):
    for i in range(squared.size):
        squared[i] += np.float64(part[i])
        part[i] = 0


@njit
def drive_block(x, b0, size, begin, each, low, high, plane, work, at, apart, jump, squared, reads, totals, counted):
    """Levels of samples b0 … of x into work: sample b from at + b·apart on, each CHUNK rows `jump` further on; and what they cost.

    Rows are as many as `squared` has, filled up to a multiple of 32. Added up are squares of levels by row, `reads` of each sample that
    has any level, in `totals` the sums of its levels, unless it is empty, and in `counted`: [0] nothing, [1] rows driven, [2] samples
    that drive any, [5] inputs clipped, [6] samples that are not finite, and at the lowest bit [3] and [4] like [1] and [2] for all bits
    together. Without a DAC (low > high) x stays as it is, and a level for counting is rint(x · each).
    """
    count, rounded = uint64(squared.size), low <= high
    rows = (count + _W - uint64(1)) // _W * _W
    least, most = (low, high) if rounded else (-np.inf, np.inf)
    # Squares of whole numbers up to 2⁹ add up exactly in float32, for 64 samples.
    part, whole = np.zeros(rows, np.float32), np.zeros(rows)
    filled, small = 0, rounded and max(most, -least) < 2.0**9
    for b in range(size):
        here = at + b * apart
        found = _fill(x, b0 + b, begin, count, each, least, most, True, work, here, jump)
        clipped, some = np.int64(found & uint64(2**32 - 1)), np.int64(found >> uint64(32))
        counted[5] += clipped
        if clipped and not _finite(x, b0 + b, begin, count):
            counted[6] += 1
        if plane == 0:
            counted[3] += some
            counted[4] += some > 0
        if totals.size:
            total = 0.0
            for k in range(uint64(0), rows, _C):
                for i in range(min(_C, rows - k)):
                    total += np.float64(work[here + k // _C * jump + i])
            totals[b0 + b] += total
        if plane >= 0:
            some = 0
            for k in range(uint64(0), rows, _C):
                for i in range(min(_C, rows - k)):
                    level = work[here + k // _C * jump + i]
                    bit = np.float32(np.int32(abs(level)) >> np.int32(plane) & np.int32(1))
                    work[here + k // _C * jump + i] = bit if level > 0 else -bit
                    some += bit != 0
        for k in range(uint64(0), rows, _W):
            if small:
                add_squares(work, here + k // _C * jump + k % _C, part, k)
            else:
                add_squares(work, here + k // _C * jump + k % _C, whole, k)
        filled += 1
        if filled == _SOME:
            _flush(part, squared)
            filled = 0
        counted[1] += some
        counted[2] += some > 0
        reads[b0 + b] += some > 0
        if not rounded:
            _fill(x, b0 + b, begin, count, 1.0, 0.0, 0.0, False, work, here, jump)
    _flush(part, squared)
    if not small:
        _flush(whole, squared)


@njit(cache=True, nogil=True)
def drive_batch(x, begin, each, low, high, plane, made, squared, reads, totals, counted):
    """`drive_block` of all samples of x (batch, inputs), levels into `made` (batch, rows filled up to a multiple of 32)."""
    rows = uint64(made.shape[1])
    flat = made.reshape(-1)
    drive_block(
        x, uint64(0), uint64(x.shape[0]), uint64(begin), each, low, high, plane, flat, uint64(0), rows, _C, squared, reads,
        totals, counted
    )  # fmt: skip
