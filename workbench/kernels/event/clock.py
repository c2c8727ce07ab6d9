"""Chip time in the simple model: in each step the slowest core, then the barrier."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.lanes import WIDTH, Lanes, ask, converted, load, prefetch, splat, store

__all__ = ["EIGHT", "TOGETHER", "Table", "account", "simple", "tabulate", "tally"]

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

AHEAD = 12  # spikes between asking for a row and reading it
TOGETHER = 2 * WIDTH
"""Cores whose sums are kept in registers: rows of a table are multiples of it."""

EIGHT = 8
"""Cores whose times are computed side by side: tables by core are padded to a multiple of it."""

_FEW = 255
"""Rows whose packets are counted in 8 bits, and whose operations are summed in 16: 255 × 255 fits."""


class Table(NamedTuple):
    """The operations of every spike on every core as whole rows, 64 bytes of which are a line of the cache."""

    rows: Any
    """uint8, neurons × a multiple of 64 bytes."""
    halves: bool
    """Two cores share a byte: byte b of line k has core 128 k + b in its lower half and 128 k + 64 + b in its upper one."""

    @property
    def columns(self) -> int:
        """Cores that there is room for."""
        return self.rows.shape[1] * (1 + self.halves)


def _hearing(halves: bool) -> Any:
    """Makes the function that adds up rows, of bytes or of half bytes."""

    def make(
        typingctx: Any,
        table: Any,
        width: Any,
        at: Any,
        neurons: Any,
        first: Any,
        last: Any,
        packets: Any,
        operations: Any,
    ) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            who_array = context.make_array(signature.args[3])(context, builder, args[3])
            rows, who = context.make_array(signature.args[0])(context, builder, args[0]).data, who_array.data
            heard, done = (context.make_array(signature.args[k])(context, builder, args[k]).data for k in (6, 7))
            width, at, first, last = args[1], args[2], args[4], args[5]
            long, byte, short, word = (ir.IntType(bits) for bits in (64, 8, 16, 32))
            few, half, wide = ir.VectorType(byte, TOGETHER), ir.VectorType(short, WIDTH), ir.VectorType(word, WIDTH)
            columns = [builder.add(builder.mul(at, long(1 + halves)), long(k * TOGETHER)) for k in range(1 + halves)]
            counted = [cgutils.alloca_once(builder, few) for _ in columns]
            sums = [[cgutils.alloca_once(builder, half) for _ in range(2)] for _ in columns]
            final = builder.sub(builder.extract_value(who_array.shape, 0), long(1))

            def place(q: Any) -> Any:
                row = builder.mul(builder.zext(builder.load(builder.gep(who, [q])), long), width)
                return builder.add(row, at)

            def split(lanes: Any) -> list[Any]:
                kinds = [ir.Constant(ir.VectorType(word, WIDTH), list(range(k, k + WIDTH))) for k in (0, WIDTH)]
                return [builder.shuffle_vector(lanes, lanes, kind) for kind in kinds]

            def all_of(number: int) -> Any:
                return ir.Constant(few, [byte(number)] * TOGETHER)

            with cgutils.for_range_slice(builder, first, last, long(_FEW), long) as (begin, _):
                end = builder.add(begin, long(_FEW))
                end = builder.select(builder.icmp_unsigned("<", end, last), end, last)
                for zeroed in (*counted, *sums[0], *sums[-1]):
                    builder.store(ir.Constant(zeroed.type.pointee, None), zeroed)
                with cgutils.for_range_slice(builder, begin, end, long(1), long) as (q, _):
                    ahead = builder.add(q, long(AHEAD))
                    ahead = builder.select(builder.icmp_unsigned("<", ahead, final), ahead, final)
                    ask(builder, builder.gep(rows, [place(ahead)]))
                    line = load(builder, rows, place(q), TOGETHER).value
                    found = [builder.and_(line, all_of(15)), builder.lshr(line, all_of(4))] if halves else [line]
                    for operations, packets, totals in zip(found, counted, sums, strict=True):
                        some = builder.icmp_unsigned("!=", operations, all_of(0))
                        one = builder.select(some, all_of(1), all_of(0))
                        builder.store(builder.add(builder.load(packets), one), packets)
                        for total, part in zip(totals, split(operations), strict=True):
                            builder.store(builder.add(builder.load(total), builder.zext(part, half)), total)
                for column, packets, totals in zip(columns, counted, sums, strict=True):
                    parts = [split(builder.load(packets)), [builder.load(total) for total in totals]]
                    for given, out in zip(parts, (heard, done), strict=True):
                        for k, part in enumerate(given):
                            here = builder.add(column, long(k * WIDTH))
                            total = load(builder, out, here).value
                            store(builder, Lanes(builder, builder.add(total, builder.zext(part, wide))), out, here)
            return context.get_dummy_value()

        place = types.uint64
        return types.void(table, place, place, neurons, place, place, packets, operations), code

    make.__doc__ = """Sum the 64 bytes from `at` on of the rows `neurons[first:last]` into `operations`, and how many are not nought into `packets`.

    A line of the cache at a time, asked for a few rows before; spikes after `last` are looked at for that, up to the end of `neurons`.
    """
    return intrinsic(make)


_hear, _hear_halves = _hearing(False), _hearing(True)


def _slowest(spoken: bool) -> Any:
    """Makes the function below for steps in which spikes are sent, or for those in which none is, whose terms are left out."""

    def make(
        typingctx: Any,
        active: Any,
        outside: Any,
        at: Any,
        neurons: Any,
        now: Any,
        counted: Any,
        seconds: Any,
        cores: Any,
    ) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            a, o, n, t, c, s = (
                context.make_array(kinds[k])(context, builder, args[k]).data for k in (0, 1, 3, 4, 5, 6)
            )
            at, cores = args[2], args[7]
            long, real = ir.IntType(64), ir.DoubleType()
            per = [splat(builder, s, long(k), EIGHT) for k in range(10)]
            longest = cgutils.alloca_once(builder, per[0].value.type)
            builder.store(ir.Constant(per[0].value.type, None), longest)
            with cgutils.for_range_slice(builder, long(0), cores, long(EIGHT), long) as (first, _):
                line = builder.add(at, first)
                rows = [builder.add(first, builder.mul(cores, long(k))) for k in range(6)]
                busy, given = load(builder, a, line, EIGHT), load(builder, o, line, EIGHT)
                rest = load(builder, n, first, EIGHT) - busy
                new = [busy, given]
                busy, rest, given = (converted(x, real) for x in (busy, rest, given))
                computing = busy * per[0] + rest * per[1] + per[3]
                listening = given * per[2]
                if spoken:
                    new += [load(builder, t, row, EIGHT) for row in rows[2:]]
                    fired, sent = (load(builder, t, row, EIGHT) for row in rows[:2])
                    fired, sent, packets, plain, dense, shared = (
                        converted(x, real, signed=False) for x in (fired, sent, *new[2:])
                    )
                    computing += fired * per[4] + sent * per[5]
                    listening = listening + packets * per[6] + plain * per[7]
                    listening += dense * per[8] + shared * per[9]
                    for row in rows:
                        store(builder, Lanes(builder, ir.Constant(new[0].value.type, None)), t, row)
                for row, more in zip(rows, new, strict=False):
                    store(builder, load(builder, c, row, EIGHT) + converted(more, long, signed=False), c, row)
                slower = (listening > computing).pick(listening, computing)
                before = Lanes(builder, builder.load(longest))
                builder.store((slower > before).pick(slower, before).value, longest)
            most = builder.load(longest)
            found = builder.extract_element(most, ir.IntType(32)(0))
            for k in range(1, EIGHT):
                one = builder.extract_element(most, ir.IntType(32)(k))
                found = builder.select(builder.fcmp_ordered(">", one, found), one, found)
            return found

        return types.float64(active, outside, types.uint64, neurons, now, counted, seconds, types.uint64), code

    return intrinsic(make)


_quiet, _spoken = _slowest(False), _slowest(True)


@njit(cache=True, nogil=True)
def tabulate(fan_start, fan, table):
    """Write the operations of every spike on every core from `fan` into `table`."""
    for i in range(uint64(table.rows.shape[0])):
        row = table.rows[i]
        for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
            entry = uint64(fan[r])
            core, operations = entry & uint64(0xFFFF), entry >> uint64(16)
            if table.halves:
                operations <<= (core >> uint64(6) & uint64(1)) * uint64(4)
                core = core >> uint64(7) << uint64(6) | core & uint64(TOGETHER - 1)
            row[core] |= np.uint8(operations)


@njit(cache=True, nogil=True)
def simple(
    start, spike_step, spike_neuron, fan_start, fan, senders, active, outside, neurons, seconds, clock, counted, table
):  # fmt: skip
    """Add the chip time of a call's steps to `clock`, one after the other, and return it; count who fired and what was done.

    A core computes and listens side by side: a step takes as long as the longest of all its cores' computing (updates, spikes
    and packets sent) or listening (packets received and their synaptic operations), and then the barrier.

    One entry of `fan` (uint64, or uint32 where that is enough) is one core that a spike reaches: the core in the low 16 bits, then 16 bits each of its synaptic,
    dense and shared operations there. Where most cores hear most spikes, `table` has the same as whole rows, which
    are added as vectors; else it has no rows. `senders` (uint32, neurons × 2) has how often each neuron fired, which is added to, and beside it
    its core in the low 16 bits and above them the packets of one of its spikes. `active` and `outside` (int32, steps × cores) and
    `neurons` (int32, of each core) are padded with noughts to a multiple of `EIGHT` cores. `seconds` are those of an active update,
    an inactive one, an outside operation, a core step, a spike, a packet sent, one received, the three kinds of operation, and
    the barrier. `counted` (int64, 6 × cores) is added to: active updates, outside operations, packets received, the three kinds of operation.
    """
    cores, width, tabled = uint64(active.shape[1]), uint64(table.rows.shape[1]), table.rows.shape[0] > 0
    columns = max(cores, width * uint64(1 + table.halves))
    entries, each_active, each_outside, all_counted = (
        table.rows.reshape(-1),
        active.reshape(-1),
        outside.reshape(-1),
        counted.reshape(-1),
    )
    packets, plain = np.zeros(columns, np.uint32), np.zeros(columns, np.uint32)
    both = np.zeros(cores, np.uint64)
    step = np.zeros((6, cores), np.uint32)
    now = step.reshape(-1)
    fired, sending, all_packets, all_plain, dense, shared = step[0], step[1], step[2], step[3], step[4], step[5]
    barrier = seconds[10]
    low, high = uint64(0xFFFF), uint64(32)
    q, last = uint64(0), uint64(spike_step.size)
    for row in range(uint64(active.shape[0])):
        first = q
        while q < last and spike_step[q] == start + np.int64(row):
            i = uint64(spike_neuron[q])
            senders[i, 0] += np.uint32(1)
            found = uint64(senders[i, 1])
            fired[found & low] += np.uint32(1)
            sending[found & low] += np.uint32(found >> uint64(16))
            q += uint64(1)
        if q == first:
            clock += _quiet(each_active, each_outside, row * cores, neurons, now, all_counted, seconds, cores) + barrier
            continue
        if tabled:
            for at in range(uint64(0), width, uint64(TOGETHER)):
                if table.halves:
                    _hear_halves(entries, width, at, spike_neuron, first, q, packets, plain)
                else:
                    _hear(entries, width, at, spike_neuron, first, q, packets, plain)
            for c in range(cores):
                all_packets[c], all_plain[c] = packets[c], plain[c]
            packets[:] = 0
            plain[:] = 0
        else:
            for k in range(first, q):
                if k + uint64(AHEAD) < last:
                    ahead = uint64(spike_neuron[k + uint64(AHEAD)])
                    at = uint64(fan_start[ahead])
                    for line in range(uint64(4)):
                        prefetch(fan, at + line * uint64(16))
                i = uint64(spike_neuron[k])
                for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                    entry = uint64(fan[r])
                    to = entry & low
                    # Two sums of 32 bits in one word: packets and synaptic operations; the rarer kinds have a word of their own.
                    both[to] += (uint64(1) << high) | ((entry >> uint64(16)) & low)
                    rare = entry >> high
                    if rare:
                        dense[to] += np.uint32(rare & low)
                        shared[to] += np.uint32(rare >> uint64(16))
            for c in range(cores):
                all_packets[c], all_plain[c] = np.uint32(both[c] >> high), np.uint32(both[c])
                both[c] = uint64(0)
        clock += _spoken(each_active, each_outside, row * cores, neurons, now, all_counted, seconds, cores) + barrier
    return clock


@njit(cache=True, nogil=True)
def tally(fan_start, fan, fired, cores):
    """What every core heard when neuron i fired `fired[i]` times: (packets, synaptic, dense, shared operations), each by core."""
    packets, plain, dense, shared = (
        np.zeros(cores, np.int64),
        np.zeros(cores, np.int64),
        np.zeros(cores, np.int64),
        np.zeros(cores, np.int64),
    )
    low = uint64(0xFFFF)
    for i in range(uint64(fired.size)):
        times = np.int64(fired[i])
        if times:
            for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                entry = uint64(fan[r])
                to = entry & low
                packets[to] += times
                plain[to] += times * np.int64((entry >> uint64(16)) & low)
                rare = entry >> uint64(32)
                if rare:
                    dense[to] += times * np.int64(rare & low)
                    shared[to] += times * np.int64(rare >> uint64(16))
    return packets, plain, dense, shared


@njit(cache=True, nogil=True)
def account(senders, per_spike, fan_start, fan, table, counts, traffic):
    """Add up by core what neurons cause on the way that fired so often (see `simple`): their spikes and events, and who they send to.

    `per_spike` (neurons, events) are the events of one spike; `counts` (events + 1, cores) gets them after the spikes themselves, and
    `traffic` the packets from core (row) to core (column, as many as the rows of `table` have if there are any), unless it is empty.
    """
    events, tabled, known = uint64(per_spike.shape[1]), table.rows.shape[0] > 0, traffic.shape[0] > 0
    low, line, nothing = uint64(0xFFFF), uint64(TOGETHER), np.int64(0)
    for i in range(uint64(senders.shape[0])):
        times = np.int64(senders[i, 0])
        if times:
            home = uint64(senders[i, 1]) & low
            counts[0, home] += times
            for e in range(events):
                counts[e + uint64(1), home] += times * np.int64(per_spike[i, e])
            if not known:
                continue
            sent = traffic[home]
            if tabled:
                row = table.rows[i]
                for first in range(uint64(0), uint64(row.size), line):
                    found = row[first : first + line]
                    if table.halves:
                        lower, upper = sent[2 * first : 2 * first + line], sent[2 * first + line : 2 * first + 2 * line]
                        for b in range(line):
                            lower[b] += times if found[b] & np.uint8(15) else nothing
                            upper[b] += times if found[b] >> np.uint8(4) else nothing
                    else:
                        here = sent[first : first + line]
                        for b in range(line):
                            here[b] += times if found[b] else nothing
            else:
                for r in range(uint64(fan_start[i]), uint64(fan_start[i + uint64(1)])):
                    sent[uint64(fan[r]) & low] += times
