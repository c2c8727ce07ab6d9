"""Chip time in the simple model: lists of cores and whole rows give the NumPy twin's seconds to the last bit, and its counts."""

from typing import Any

import numpy as np
import pytest

from workbench.backends.event import plain
from workbench.kernels.event import clock

CORES, NEURONS, STEPS = 72, 300, 40
simple: Any = clock.simple
numpy_simple: Any = plain.simple
NO_ROWS = clock.Table(np.zeros((0, 2 * clock.TOGETHER), np.uint8), False)


def network(chance: np.random.Generator, most: int) -> Any:
    """Where spikes go, how often everyone fires, and seconds that no sum of others equals by chance."""
    operations = chance.integers(0, most + 1, (NEURONS, CORES)) * (chance.random((NEURONS, CORES)) < 0.7)
    who, core = np.nonzero(operations)
    start = np.searchsorted(who, np.arange(NEURONS + 1)).astype(np.int64)
    fan = core.astype(np.uint32) | operations[who, core].astype(np.uint32) << np.uint32(16)
    step, neuron = np.nonzero(chance.random((STEPS, NEURONS)) < np.linspace(0, 1, STEPS)[:, None])
    home = chance.integers(0, CORES, NEURONS)
    active = chance.integers(0, 9, (STEPS, CORES)).astype(np.int32)
    return (
        5,
        step + 5,
        neuron.astype(np.int32),
        start,
        fan,
        np.stack([0 * home, home + (np.diff(start) << 16)], axis=1).astype(np.uint32),
        active,
        active[::-1].copy(),
        np.bincount(home, minlength=CORES).astype(np.int32),
        chance.random(11),
        0.25,
    )


def table_of(given: Any, *, halves: bool = False) -> Any:
    """The same rows as the lists."""
    made = clock.Table(np.zeros((NEURONS, clock.TOGETHER if halves else 2 * clock.TOGETHER), np.uint8), halves)
    clock.tabulate(given[3], given[4], made)
    total = (made.rows & 15).sum() + (made.rows >> 4).sum() if halves else made.rows.sum()
    assert total == (given[4] >> 16).sum()
    return made


def counted(function: Any, given: Any, table: Any) -> Any:
    """The seconds, who fired, and what was counted by core."""
    senders, counts = given[5].copy(), np.zeros((6, CORES), np.int64)
    seconds = function(*given[:5], senders, *given[6:], counts, table)
    return seconds, senders.tolist(), counts.tolist()


@pytest.mark.parametrize("most", [1, 15, 255])
def test_rows_lists_and_numpy_give_the_same_seconds(most):
    given = network(np.random.default_rng(most), most)
    expected = counted(numpy_simple, given, NO_ROWS)
    assert counted(simple, given, NO_ROWS) == expected
    assert counted(simple, given, table_of(given)) == expected
    if most < 16:
        assert counted(simple, given, table_of(given, halves=True)) == expected


def test_many_spikes_of_full_rows_do_not_overflow():
    given = list(network(np.random.default_rng(0), 255))
    given[4] |= np.uint32(255 << 16)
    assert counted(simple, given, table_of(given)) == counted(numpy_simple, given, NO_ROWS)


def test_operations_of_three_kinds_are_counted_apart():
    given = list(network(np.random.default_rng(3), 255))
    given[4] = given[4].astype(np.uint64) | (given[4].astype(np.uint64) & np.uint64(0xFF0000)) << np.uint64(17)
    given[4] |= (given[4] & np.uint64(7)) << np.uint64(48)
    found = counted(simple, given, NO_ROWS)
    assert found == counted(numpy_simple, given, NO_ROWS)
    assert np.asarray(found[2]).any(axis=1).all()


def test_who_sends_to_whom_is_counted_by_lists_rows_and_numpy():
    given = network(np.random.default_rng(2), 15)
    start, fan, senders = given[3], given[4], given[5].copy()
    senders[:, 0] = np.arange(NEURONS) % 5 * 2**29
    per_spike = np.random.default_rng(4).integers(0, 300, (NEURONS, 3)).astype(np.int32)
    account: Any = clock.account
    made = []
    tables = (NO_ROWS, table_of(given), table_of(given, halves=True))
    for function, rows in ((plain.account, NO_ROWS), *((account, table) for table in tables)):
        counts, traffic = np.zeros((4, CORES), np.int64), np.zeros((CORES, rows.columns), np.int64)
        function(senders, per_spike, start, fan, rows, counts, traffic)
        made.append((counts.tolist(), traffic[:, :CORES].tolist()))
    home = senders[:, 1] % 2**16
    assert made[0][0][0] == [int(senders[home == c, 0].sum(dtype=np.int64)) for c in range(CORES)]
    assert all(one == made[0] for one in made)
