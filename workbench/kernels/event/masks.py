"""Rows of bits: the synapses of a dense bundle as one bit for each lane, delivered 512 lanes at a time.

A list of targets costs an addition at a random place for each synapse; a row of bits is read as it lies, and the spikes of one step are
added up in registers before anything is written. It pays from about one synapse in thirty-two lanes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.extending import overload

from workbench.kernels.event.tables import CHUNK, MOST, NARROW
from workbench.kernels.event.tables import SPARED as SPARED_BIT
from workbench.kernels.lanes import prefetch

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["deliver_masks"]

ONE, LANES, SPARED = uint64(1), uint64(32), uint64(SPARED_BIT)
FEW, SOME, MANY = uint64(3), uint64(7), uint64(MOST)
"""Rows that are added up together: the numbers that two, three and four digits can hold."""

_LONG, _BYTE = ir.IntType(64), ir.IntType(8)
_TOGETHER = 64
"""Lanes in a register of counts."""


def _sum(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """The two digits of a + b + c, bit by bit: (ones, twos)."""
    ones = builder.xor(builder.xor(a, b), c)
    return ones, builder.or_(builder.and_(a, b), builder.and_(builder.or_(a, b), c))


def _digits(builder: Any, rows: list[Any]) -> list[Any]:
    """The digits of the number of rows in which a bit is set, the ones first; there are 3, 7 or 15 rows."""
    made = []
    while rows:
        above = []
        while len(rows) > 2:
            digit, more = _sum(builder, *rows[:3])
            rows, above = [*rows[3:], digit], [*above, more]
        made += rows
        rows = above
    return made


def _spread(builder: Any, number: Any, kind: Any) -> Any:
    """The same number in every lane of a vector."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


def _adder(many: int, *, over: bool = False) -> Any:
    def make(typingctx: Any, bits: Any, begins: Any, arrivals: Any, at: Any, low: Any, high: Any, weight: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, args[number]).data

            rows, starts, line = data(0), data(1), data(2)
            at, low, high, weight = args[3:]
            element = line.type.pointee
            row = ir.VectorType(_LONG, CHUNK // 2)
            counts = ir.VectorType(_BYTE, _TOGETHER)
            flags = ir.VectorType(ir.IntType(1), _TOGETHER)
            wide = ir.VectorType(element, _TOGETHER)
            scale = _spread(builder, weight, wide)
            begin = [builder.load(builder.gep(starts, [_LONG(n)])) for n in range(many)]
            kept = cgutils.alloca_once(builder, ir.ArrayType(row, many.bit_length()))
            words = builder.bitcast(kept, _LONG.as_pointer())
            with cgutils.for_range_slice(builder, low, high, _LONG(1), _LONG) as (chunk, _):
                here = builder.mul(chunk, _LONG(CHUNK))
                found = []
                for first in begin:
                    spot = builder.bitcast(builder.gep(rows, [builder.add(first, here)]), row.as_pointer())
                    found.append(builder.load(spot))
                    found[-1].align = 4
                digits = _digits(builder, found)
                # By way of memory, where a word of bits becomes a mask at once.
                for n, digit in enumerate(digits):
                    builder.store(digit, builder.gep(kept, [_LONG(0), _LONG(n)]))
                to = builder.add(at, builder.mul(chunk, _LONG(CHUNK * 32)))
                for n in range(CHUNK * 32 // _TOGETHER):
                    sums = ir.Constant(counts, None)
                    for digit in range(len(digits)):
                        word = builder.load(builder.gep(words, [_LONG(digit * CHUNK // 2 + n)]))
                        more = builder.add(sums, ir.Constant(counts, [1 << digit] * _TOGETHER))
                        sums = builder.select(builder.bitcast(word, flags), more, sums)
                    place = builder.gep(line, [builder.add(to, _LONG(n * _TOGETHER))])
                    place = builder.bitcast(place, wide.as_pointer())
                    if element.width > 8:
                        sums = builder.zext(sums, wide)
                    if signature.args[2].dtype.signed:  # counts are unsigned, and a spike adds one
                        sums = builder.mul(sums, scale)
                    if not over:
                        there = builder.load(place)
                        there.align = element.width // 8
                        sums = builder.add(there, sums)
                    done = builder.store(sums, place)
                    done.align = element.width // 8
            return context.get_dummy_value()

        place = types.uint64
        return types.void(bits, begins, arrivals, place, place, place, arrivals.dtype), code

    return intrinsic(make)


_add_few, _add_some, _add_many = _adder(3), _adder(7), _adder(MOST)
"""Add `weight` at place `at` + n of the arrivals for each of the 3, 7 or 15 rows that begin at `begins` and whose bit n is set.

Only the chunks `low` to `high` of the rows are read. Their bits are added up digit by digit, 512 lanes at once, before any is counted.
"""
_put_few, _put_some, _put_many = _adder(3, over=True), _adder(7, over=True), _adder(MOST, over=True)
"""The same in place of what was there."""


@njit(inline="always")
def _add(many, bits, begins, arrivals, at, low, high, weight):
    if many <= FEW:
        _add_few(bits, begins, arrivals, at, low, high, weight)
    elif many <= SOME:
        _add_some(bits, begins, arrivals, at, low, high, weight)
    else:
        _add_many(bits, begins, arrivals, at, low, high, weight)


@njit(inline="always")
def _put(many, bits, begins, arrivals, at, low, high, weight):
    if many <= FEW:
        _put_few(bits, begins, arrivals, at, low, high, weight)
    elif many <= SOME:
        _put_some(bits, begins, arrivals, at, low, high, weight)
    else:
        _put_many(bits, begins, arrivals, at, low, high, weight)


@njit(inline="always")
def _alike(q, last, step, sender, spike_step, spike_neuron, sender_of):
    """The end of the spikes from `q` on that are of one step and sender, as many as are added up together."""
    end = q + ONE
    while end < last and end - q < MANY and spike_step[end] == step and sender_of[spike_neuron[end]] == sender:
        end += ONE
    return end


@njit(inline="always")
def _here(begin, words, low, high):
    """Of a row of `words` from block `begin`, the chunks and the lanes that a part has: (first, last, first, last)."""
    c = (low - begin) // uint64(CHUNK) if low > begin else uint64(0)
    z = min(words // uint64(CHUNK), (high - begin + uint64(CHUNK - 1)) // uint64(CHUNK)) if high > begin else c
    left = (low - begin) * LANES if low > begin else uint64(0)
    return c, z, left, (high - begin) * LANES if high > begin else left


@njit(inline="always")
def _look_up(first, last, at, words, start, spike_neuron, rows_at, row, again, more):
    """Where the rows of some spikes begin, and noughts for those that are missing; asks for what `_again` will read."""
    for q in range(first, last):
        i = uint64(spike_neuron[q]) - start
        rows_at[q - first] = at + i * words
        prefetch(more, uint64(again[uint64(row) + i]))
    for n in range(last - first, MANY):
        rows_at[n] = uint64(0)


@njit(inline="always")
def _again(first, last, start, row, spike_neuron, again, more, arrivals, at, left, right, weight):
    """Add the synapses that are not the first between two neurons, for lanes `left` to `right` of the rows."""
    for q in range(first, last):
        r = uint64(row) + uint64(spike_neuron[q]) - start
        for s in range(uint64(again[r]), uint64(again[r + ONE])):
            lane = uint64(more[s])
            if lane - left < right - left:
                arrivals[at + lane] += weight


def deliver_masks(part, first, last, slots, lines, shape, blocks, rows, state, scratch):
    """Put what the spikes `first` to `last` (in order) send over rows of bits into the arrivals of one part."""


@overload(deliver_masks, inline="always")
def _compile_masks(part, first, last, slots, lines, shape, blocks, rows, state, scratch):
    # Most networks have none (an empty tuple), and nothing is compiled for them.
    masks = rows.types[rows.fields.index("masks")]
    if isinstance(masks, types.BaseTuple) and not len(masks):
        return lambda part, first, last, slots, lines, shape, blocks, rows, state, scratch: None
    kept = bool(len(shape.types[shape.fields.index("kept")]))
    deliver = _deliver_kept if kept else _deliver

    def some(part, first, last, slots, lines, shape, blocks, rows, state, scratch):
        m = rows.masks
        deliver(
            part, first, last, slots, lines, blocks.parts, rows.sender, rows.start, m.bits, m.at, m.words, m.block,
            m.delay, m.line, m.state, m.weight, m.first, m.begins, m.row, m.again, m.more, m.times, state.arrivals,
            state.spare, scratch.step, scratch.neuron, state.came, state.many,
        )  # fmt: skip

    return some


@njit
def _deliver(
    part, first, last, slots, lines, parts, sender_of, starts, bits, m_at, m_words, m_block, m_delay, m_line, m_state,
    m_weight, bundles, begins, m_row, again, more, m_times, arrivals, spare, spike_step, spike_neuron, came, many,
):  # fmt: skip
    low, high = uint64(parts[part]), uint64(parts[part + 1])
    rows_at = begins[part]
    span = (high - low) * LANES
    plane = span * uint64(lines)
    base = low * LANES * uint64(lines) * uint64(slots)
    q = uint64(first)
    while q < uint64(last):
        step, sender = spike_step[q], uint64(sender_of[spike_neuron[q]])
        end = _alike(q, uint64(last), step, sender, spike_step, spike_neuron, sender_of)
        for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
            slot = uint64((step + m_delay[k]) % slots)
            begin, words = uint64(m_block[k]), uint64(m_words[k])
            at = base + slot * plane + uint64(m_line[k]) * span + begin * LANES - low * LANES
            c, z, left, right = _here(begin, words, low, high)
            _look_up(
                q, end, uint64(m_at[k]), words, uint64(starts[sender]), spike_neuron, rows_at, m_row[k], again, more
            )
            _add(end - q, bits, rows_at, arrivals, at, c, z, m_weight[k])
            _again(
                q,
                end,
                uint64(starts[sender]),
                m_row[k],
                spike_neuron,
                again,
                more,
                arrivals,
                at,
                left,
                right,
                m_weight[k],
            )
            came[uint64(part * slots) + slot] |= m_state[k]
        q = end


@njit
def _deliver_kept(
    part, first, last, slots, lines, parts, sender_of, starts, bits, m_at, m_words, m_block, m_delay, m_line, m_state,
    m_weight, bundles, begins, m_row, again, more, m_times, arrivals, spare, spike_step, spike_neuron, came, many,
):  # fmt: skip
    """The same where lines are written afresh when the first spikes come, so that nobody clears them.

    Counts of eight bits do for 255 spikes; those after go to `spare`, which is read and cleared where anything is in it.
    """
    low, high = uint64(parts[part]), uint64(parts[part + 1])
    rows_at = begins[part]
    span = (high - low) * LANES
    plane = span * uint64(lines)
    base = low * LANES * uint64(lines) * uint64(slots)
    one, wide_one = arrivals.dtype.type(1), spare.dtype.type(1)
    q = uint64(first)
    while q < uint64(last):
        step, sender = spike_step[q], uint64(sender_of[spike_neuron[q]])
        end = _alike(q, uint64(last), step, sender, spike_step, spike_neuron, sender_of)
        for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
            slot, line = uint64((step + m_delay[k]) % slots), uint64(m_line[k])
            begin, words = uint64(m_block[k]), uint64(m_words[k])
            start = base + slot * plane + line * span
            at = start + begin * LANES - low * LANES
            c, z, left, right = _here(begin, words, low, high)
            _look_up(
                q, end, uint64(m_at[k]), words, uint64(starts[sender]), spike_neuron, rows_at, m_row[k], again, more
            )
            here = uint64(part * slots) + slot
            grown = many[here] + np.int64(end - q) * m_times[k]
            if grown > NARROW:
                came[here] |= SPARED
                _add_many(bits, rows_at, spare, at, c, z, wide_one)
                _again(
                    q,
                    end,
                    uint64(starts[sender]),
                    m_row[k],
                    spike_neuron,
                    again,
                    more,
                    spare,
                    at,
                    left,
                    right,
                    wide_one,
                )
                continue
            many[here] = grown
            bit = ONE << line
            if not came[here] & bit:
                came[here] |= bit
                # What lies in whole chunks is overwritten. The rest is cleared first, and nothing beyond it is touched.
                full = (high - begin) // uint64(CHUNK) if begin <= low and begin + words >= high else c
                begun = at + full * uint64(CHUNK) * LANES if full > c else start
                for n in range(begun, start + span):
                    arrivals[n] = 0
                _put(end - q, bits, rows_at, arrivals, at, c, full, one)
                if z > full:
                    _add_many(bits, rows_at, arrivals, at, full, z, one)
            else:
                _add_many(bits, rows_at, arrivals, at, c, z, one)
            _again(q, end, uint64(starts[sender]), m_row[k], spike_neuron, again, more, arrivals, at, left, right, one)
        q = end
