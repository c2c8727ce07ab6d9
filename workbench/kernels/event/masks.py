"""Rows of bits: the synapses of a dense bundle as one bit for each lane, delivered 512 lanes at a time.

A list of targets costs an addition at a random place for each synapse; a row of bits is read as it lies, and the spikes of one step are
counted in registers before anything is written. It pays from about one synapse in thirty-two lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types, uint64
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.extending import overload

from workbench.kernels.event.tables import CHUNK, MOST

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["deliver_masks"]

ONE = uint64(1)
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


def _adder(many: int) -> Any:
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
                    there = builder.load(place)
                    there.align = element.width // 8
                    if element.width > 8:
                        sums = builder.zext(sums, wide)
                    if signature.args[2].dtype.signed:  # counts are unsigned, and a spike adds one
                        sums = builder.mul(sums, scale)
                    done = builder.store(builder.add(there, sums), place)
                    done.align = element.width // 8
            return context.get_dummy_value()

        place = types.uint64
        return types.void(bits, begins, arrivals, place, place, place, arrivals.dtype), code

    return intrinsic(make)


_add_few, _add_some, _add_many = _adder(3), _adder(7), _adder(MOST)
"""Add `weight` at place `at` + n of the arrivals for each of the 3, 7 or 15 rows that begin at `begins` and whose bit n is set.

Only the chunks `low` to `high` of the rows are read. Their bits are added up digit by digit, 512 lanes at once, before any is counted.
"""


def deliver_masks(part, first, last, slots, lines, shape, blocks, rows, arrivals, came, spike_step, spike_neuron):
    """Put what the spikes `first` to `last` (in order) send over rows of bits into the arrivals of one part."""


@overload(deliver_masks, inline="always")
def _compile_masks(part, first, last, slots, lines, shape, blocks, rows, arrivals, came, spike_step, spike_neuron):
    # Most networks have none (an empty tuple), and nothing is compiled for them.
    masks = rows.types[rows.fields.index("masks")]
    if isinstance(masks, types.BaseTuple) and not len(masks):
        return lambda part, first, last, slots, lines, shape, blocks, rows, arrivals, came, spike_step, spike_neuron: (
            None
        )
    return lambda part, first, last, slots, lines, shape, blocks, rows, arrivals, came, spike_step, spike_neuron: _deliver(
        part, first, last, slots, lines, uint64(max(1, len(shape.ways))), blocks.parts, rows.sender, rows.start, rows.masks.bits, rows.masks.at,
        rows.masks.words, rows.masks.block, rows.masks.delay, rows.masks.line, rows.masks.weight, rows.masks.first,
        rows.masks.begins, arrivals, came, spike_step, spike_neuron,
    )  # fmt: skip


@njit
def _deliver(
    part, first, last, slots, lines, ways, parts, sender_of, starts, bits, m_at, m_words, m_block, m_delay, m_line, m_weight,
    bundles, begins, arrivals, came, spike_step, spike_neuron,
):  # fmt: skip
    low, high = uint64(parts[part]), uint64(parts[part + 1])
    rows_at = begins[part]
    span = (high - low) * uint64(32)
    plane = span * uint64(lines)
    base = low * uint64(32) * uint64(lines) * uint64(slots)
    q = uint64(first)
    while q < uint64(last):
        step, sender = spike_step[q], uint64(sender_of[spike_neuron[q]])
        end = q + ONE
        while (
            end < uint64(last) and end - q < MANY and spike_step[end] == step and sender_of[spike_neuron[end]] == sender
        ):
            end += ONE
        for k in range(uint64(bundles[sender]), uint64(bundles[sender + ONE])):
            begin, words = uint64(m_block[k]), uint64(m_words[k])
            c = (low - begin) // uint64(CHUNK) if low > begin else uint64(0)
            z = min(words // uint64(CHUNK), (high - begin + uint64(CHUNK - 1)) // uint64(CHUNK)) if high > begin else c
            slot = uint64((step + m_delay[k]) % slots)
            came[uint64(part * slots) + slot] |= ONE << (uint64(m_line[k]) // ways)
            at = base + slot * plane + uint64(m_line[k]) * span + begin * uint64(32) - low * uint64(32)
            first_row = uint64(m_at[k]) - uint64(starts[sender]) * words
            for n in range(end - q):
                rows_at[n] = first_row + uint64(spike_neuron[q + n]) * words
            for n in range(end - q, MANY):
                rows_at[n] = uint64(0)
            if end - q <= FEW:
                _add_few(bits, rows_at, arrivals, at, c, z, m_weight[k])
            elif end - q <= SOME:
                _add_some(bits, rows_at, arrivals, at, c, z, m_weight[k])
            else:
                _add_many(bits, rows_at, arrivals, at, c, z, m_weight[k])
        q = end
