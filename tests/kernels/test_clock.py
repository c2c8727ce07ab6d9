"""Chip time in the simple model: lists of cores and whole rows give the NumPy twin's seconds to the last bit."""

from typing import Any

import numpy as np
import pytest

from workbench.backends.event import plain
from workbench.kernels.event import clock

CORES, NEURONS, STEPS = 70, 300, 40
simple: Any = clock.simple
numpy_simple: Any = plain.simple


def network(chance: np.random.Generator, most: int) -> Any:
    """Where spikes go, how often everyone fires, and seconds that no sum of others equals by chance."""
    operations = chance.integers(0, most + 1, (NEURONS, CORES)) * (chance.random((NEURONS, CORES)) < 0.7)
    who, core = np.nonzero(operations)
    start = np.searchsorted(who, np.arange(NEURONS + 1)).astype(np.int64)
    fan = core.astype(np.uint32) | operations[who, core].astype(np.uint32) << np.uint32(16)
    step, neuron = np.nonzero(chance.random((STEPS, NEURONS)) < np.linspace(0, 1, STEPS)[:, None])
    home = chance.integers(0, CORES, NEURONS).astype(np.int32)
    active = chance.integers(0, 9, (STEPS, CORES)).astype(np.int32)
    return (
        5,
        step + 5,
        neuron.astype(np.int32),
        start,
        fan,
        home,
        np.diff(start).astype(np.int32),
        active,
        active[::-1].copy(),
        np.bincount(home, minlength=CORES),
        chance.random(11),
        0.25,
    )


@pytest.mark.parametrize("most", [1, 255])
def test_rows_lists_and_numpy_give_the_same_seconds(most):
    given = network(np.random.default_rng(most), most)
    table = np.zeros((NEURONS, 2 * clock.TOGETHER), np.uint8)
    clock.tabulate(given[3], given[4], table)
    assert table.sum() == (given[4] >> 16).sum()
    expected = numpy_simple(*given)
    assert simple(*given, np.zeros((0, clock.TOGETHER), np.uint8)) == expected
    assert simple(*given, table) == expected


def test_many_spikes_of_full_rows_do_not_overflow():
    given = list(network(np.random.default_rng(0), 255))
    given[4] |= np.uint32(255 << 16)
    table = np.zeros((NEURONS, 2 * clock.TOGETHER), np.uint8)
    clock.tabulate(given[3], given[4], table)
    assert simple(*given, table) == numpy_simple(*given)
