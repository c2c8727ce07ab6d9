"""All-to-all synapses from outside: rows of weights added as they lie, without a list of targets, in one of two ways.

The weights lie in *tiles*: some blocks of neurons next to each other, and for each sender the weights onto all their lanes, one after
the other, 256 bytes where the blocks suffice. A tile of a few thousand senders fits the second cache, and its sums fit the registers: so
a tile takes the spikes of all steps of a window before the next one is read, and every weight comes from afar once a window.

*Rows*: the spikes of a step one after the other, whose rows are added up. *Product*: where many senders are active, the window as a
matrix of noughts and ones times the matrix of weights, six steps at a time. Both add what arrives at a place in the order of the
senders, and adding nought changes nothing: so which of them runs, and how a run is cut, changes no bit in any arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import WIDTH, popcount

__all__ = ["STEPS", "deliver_dense"]

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

LANES = uint64(32)
STEPS = 6
"""Steps of a product: six sums of four registers and what they are made of fill the registers of 512 bits."""

_LONG = ir.IntType(64)
_NARROW_ROWS = 128
"""So many weights of 8 bits are summed in 16 bits before they could overflow: 128 × −128 = −2^14, and 256 would just do."""


def _lanes(builder: Any, data: Any, at: Any) -> Any:
    value = builder.load(builder.bitcast(builder.gep(data, [at]), ir.VectorType(data.type.pointee, WIDTH).as_pointer()))
    value.align = 1
    return value


def _put(builder: Any, value: Any, data: Any, at: Any) -> None:
    place = builder.bitcast(builder.gep(data, [at]), value.type.as_pointer())
    builder.store(value, place).align = 1


def _is_real(kind: Any) -> bool:
    return isinstance(kind, (ir.FloatType, ir.DoubleType))


def _all(builder: Any, value: Any) -> Any:
    """The same number in every lane."""
    kind = ir.VectorType(value.type, WIDTH)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


def _widened(builder: Any, value: Any, kind: Any) -> Any:
    return builder.sext(value, ir.VectorType(kind, WIDTH)) if value.type.element != kind else value


def _blocks_of(weights: Any) -> int:
    """Blocks of a full tile: a row of 256 bytes."""
    return max(1, 256 // (WIDTH * (weights.dtype.bitwidth // 8)))


def _add_rows(*, full: bool, counted: bool) -> Callable[..., Any]:
    """The rows `listed[first:last]` of a tile of as many blocks as fit (`full`) or of one; each `times` over where `counted`."""

    def make(
        typingctx: Any,
        arrivals: Any,
        at: Any,
        stride: Any,
        weights: Any,
        base: Any,
        scale: Any,
        listed: Any,
        first: Any,
        last: Any,
        times: Any,
    ) -> Any:
        blocks = _blocks_of(weights) if full else 1
        narrow = weights.dtype == types.int8 and not counted

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, args[number]).data

            line, given, rows, many = data(0), data(3), data(6), data(9)
            at, stride, base, scale, first, last = args[1], args[2], args[4], args[5], args[7], args[8]
            kind = line.type.pointee
            real = _is_real(kind)
            add = builder.fadd if real else builder.add
            wide = ir.VectorType(kind, WIDTH)
            inner = ir.VectorType(ir.IntType(16), WIDTH) if narrow else wide
            sums = [cgutils.alloca_once(builder, wide) for _ in range(blocks)]
            for b, place in enumerate(sums):
                # Whole numbers are summed from nought and scaled once; reals go on from what is there, in order.
                spot = builder.add(at, builder.mul(stride, _LONG(b)))
                builder.store(_lanes(builder, line, spot) if real else ir.Constant(wide, None), place)
            short = [cgutils.alloca_once(builder, inner) for _ in range(blocks)] if narrow else sums

            def some(begin: Any, end: Any) -> None:
                with cgutils.for_range_slice(builder, begin, end, _LONG(1), _LONG) as (q, _):
                    row = builder.load(builder.gep(rows, [q]))
                    place = builder.add(base, builder.mul(row, _LONG(blocks * WIDTH)))
                    for b in range(blocks):
                        one = _lanes(builder, given, builder.add(place, _LONG(b * WIDTH)))
                        one = _widened(builder, one, inner.element)
                        if counted:
                            time = builder.load(builder.gep(many, [q]))
                            if real:
                                time = builder.sitofp(time, kind)
                                one = builder.fmul(one, _all(builder, time))
                            else:
                                one = builder.mul(one, _all(builder, builder.trunc(time, kind)))
                        builder.store(add(builder.load(short[b]), one), short[b])

            if narrow:
                with cgutils.for_range_slice(builder, first, last, _LONG(_NARROW_ROWS), _LONG) as (begin, _):
                    end = builder.add(begin, _LONG(_NARROW_ROWS))
                    end = builder.select(builder.icmp_unsigned("<", end, last), end, last)
                    for place in short:
                        builder.store(ir.Constant(inner, None), place)
                    some(begin, end)
                    for b in range(blocks):
                        part = builder.sext(builder.load(short[b]), wide)
                        builder.store(builder.add(builder.load(sums[b]), part), sums[b])
            else:
                some(first, last)
            for b, place in enumerate(sums):
                spot = builder.add(at, builder.mul(stride, _LONG(b)))
                total = builder.load(place)
                if not real:
                    total = builder.add(_lanes(builder, line, spot), builder.mul(total, _all(builder, scale)))
                _put(builder, total, line, spot)
            return context.get_dummy_value()

        place = types.uint64
        return (
            types.void(arrivals, place, place, weights, place, arrivals.dtype, listed, place, place, times),
            code,
        )

    return make


_add_full = intrinsic(_add_rows(full=True, counted=False))
_add_one = intrinsic(_add_rows(full=False, counted=False))
_add_full_counted = intrinsic(_add_rows(full=True, counted=True))
_add_one_counted = intrinsic(_add_rows(full=False, counted=True))


def _product(*, full: bool) -> Callable[..., Any]:
    """Six steps' noughts and ones (`active`, senders × 6) times a tile; the sums of step k lie at `places[k]`."""

    def make(
        typingctx: Any, arrivals: Any, places: Any, stride: Any, weights: Any, base: Any, active: Any, senders: Any
    ) -> Any:
        blocks = _blocks_of(weights) if full else 1

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, args[number]).data

            line, spots, given, ones = data(0), data(1), data(3), data(5)
            stride, base, senders = args[2], args[4], args[6]
            kind = line.type.pointee
            if not _is_real(kind):  # whole numbers are added row by row, which is always faster
                return context.get_dummy_value()
            wide = ir.VectorType(kind, WIDTH)
            name = f"llvm.fma.v{WIDTH}f{32 if isinstance(kind, ir.FloatType) else 64}"
            fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(wide, [wide] * 3), name)
            where: dict[tuple[int, int], Any] = {}
            sums: dict[tuple[int, int], Any] = {}
            for k in range(STEPS):
                begin = builder.load(builder.gep(spots, [_LONG(k)]))
                for b in range(blocks):
                    where[k, b] = builder.add(begin, builder.mul(stride, _LONG(b)))
                    sums[k, b] = cgutils.alloca_once(builder, wide)
                    builder.store(_lanes(builder, line, where[k, b]), sums[k, b])
            with cgutils.for_range_slice(builder, _LONG(0), senders, _LONG(1), _LONG) as (i, _):
                place = builder.add(base, builder.mul(i, _LONG(blocks * WIDTH)))
                row = [_lanes(builder, given, builder.add(place, _LONG(b * WIDTH))) for b in range(blocks)]
                for k in range(STEPS):
                    one = builder.gep(ones, [builder.add(builder.mul(i, _LONG(STEPS)), _LONG(k))])
                    lanes = _all(builder, builder.load(one))
                    for b in range(blocks):
                        builder.store(builder.call(fused, [lanes, row[b], builder.load(sums[k, b])]), sums[k, b])
            for key, place in where.items():
                _put(builder, builder.load(sums[key]), line, place)
            return context.get_dummy_value()

        place = types.uint64
        return types.void(arrivals, places, place, weights, place, active, place), code

    return make


_multiply_full = intrinsic(_product(full=True))
_multiply_one = intrinsic(_product(full=False))


@njit(inline="always")
def _spikes_of(outside, step, sender, single):
    """The outside spikes of one sender in one step: (first, last), which lie together."""
    first, last = outside.at[step], outside.at[step + 1]
    if single:
        return first, last
    while first < last and outside.sender[first] != sender:
        first += 1
    end = first
    while end < last and outside.sender[end] == sender:
        end += 1
    return first, end


@njit(_nrt=True)  # pyright: ignore[reportCallIssue]  it makes arrays; `advance`, whose flags it would inherit, makes none
def deliver_dense(part, n, m, start, slots, width, dense, blocks, outside, arrivals, outside_here, shape, total, marks):
    """Deliver the listed outside spikes of steps `n` to `m` over all-to-all bundles to one part of the neurons."""
    low, high = uint64(blocks.parts[part]), uint64(blocks.parts[part + 1])
    plane, span = (high - low) * width, (high - low) * LANES
    base = low * width * uint64(slots)
    count = m - n
    begins, ends, plain = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.bool_)
    places = np.empty(count, np.uint64)
    for k in range(dense.sender.size):
        first_block, last_block = max(low, uint64(dense.first[k])), min(high, uint64(dense.last[k]))
        if first_block >= last_block:
            continue
        spikes = 0
        for s in range(n, m):
            first, last = _spikes_of(outside, s - start, dense.sender[k], dense.single)
            due = uint64((s + dense.delay[k]) % slots)
            begins[s - n], ends[s - n] = first, last
            places[s - n] = base + due * plane + uint64(dense.state[k]) * span
            spikes += last - first
            amount = np.int64(0)
            for times in outside.times[first:last]:
                amount += times
            plain[s - n] = amount == last - first
            if not amount:
                continue
            for b in range(first_block, last_block):
                outside_here[s - start, blocks.core[b]] += np.int64(popcount(blocks.live[b])) * amount
                if len(shape.nonzero):
                    marks[due * total + b] |= blocks.live[b]
            if not dense.weighted[k]:
                value = dense.weight[k] * arrivals.dtype.type(amount)
                for b in range(first_block, last_block):
                    here = places[s - n] + (b - low) * LANES
                    for lane in range(LANES):
                        arrivals[here + lane] += value
        if dense.weighted[k] and spikes:
            _deliver_tiles(k, dense, low, high, begins, ends, plain, places, outside.neuron, outside.times, arrivals)


@njit(inline="always")
def _deliver_tiles(k, dense, low, high, begins, ends, plain, places, neuron, times, arrivals):
    """One bundle's spikes of a window, tile after tile; those of step s go to `places[s]` and on."""
    count = begins.size
    senders = uint64(dense.senders[k])
    many = np.zeros(count // STEPS, np.bool_)
    if dense.crossover < 1.0:
        for g in range(many.size):
            spikes, alone = 0, True
            for s in range(g * STEPS, (g + 1) * STEPS):
                spikes += ends[s] - begins[s]
                alone = alone and plain[s]
            many[g] = alone and spikes > dense.crossover * np.float64(senders * uint64(STEPS))
    active = np.zeros((many.sum(), senders, STEPS), arrivals.dtype)
    at = 0
    for g in range(many.size):
        if many[g]:
            for s in range(STEPS):
                for q in range(begins[g * STEPS + s], ends[g * STEPS + s]):
                    active[at, neuron[q], s] = 1
            at += 1
    for t in range(dense.tiles[k], dense.tiles[k + 1]):
        block = uint64(dense.tile_block[t])
        if block < low or block >= high:
            continue
        given, wide = uint64(dense.tile_at[t]), dense.tile_blocks[t] > 1
        to = (block - low) * LANES
        at = 0
        for s in range(count):
            g = s // STEPS
            if g < many.size and many[g]:
                if s % STEPS == 0:
                    here = places[s : s + STEPS] + to
                    if wide:
                        _multiply_full(arrivals, here, LANES, dense.weights, given, active[at], senders)
                    else:
                        _multiply_one(arrivals, here, LANES, dense.weights, given, active[at], senders)
                    at += 1
                continue
            first, last = uint64(begins[s]), uint64(ends[s])
            if first == last:
                continue
            here = places[s] + to
            scale = dense.weight[k]
            if plain[s]:
                if wide:
                    _add_full(arrivals, here, LANES, dense.weights, given, scale, neuron, first, last, times)
                else:
                    _add_one(arrivals, here, LANES, dense.weights, given, scale, neuron, first, last, times)
            elif wide:
                _add_full_counted(arrivals, here, LANES, dense.weights, given, scale, neuron, first, last, times)
            else:
                _add_one_counted(arrivals, here, LANES, dense.weights, given, scale, neuron, first, last, times)
