"""Partition, place and route: nothing lost, nothing over its limit, hops as the ruler says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.chips import CHIPS
from workbench.errors import DescriptionError
from workbench.mapping import partition, place, route


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 20), st.integers(1, 200))
def test_partition_fills_in_order_and_within_limits(degrees, neurons, synapses):
    core = partition.fill(np.array(degrees, np.int64), neurons=neurons, synapses=synapses)
    assert core.size == len(degrees)
    assert np.all(np.diff(core) >= 0)
    assert np.all(np.diff(core) <= 1)
    for c in np.unique(core):
        mine = np.flatnonzero(core == c)
        assert mine.size <= neurons
        assert sum(degrees[i] for i in mine) <= synapses or mine.size == 1
        after = mine[-1] + 1
        if after < len(degrees):
            assert mine.size == neurons or sum(degrees[i] for i in [*mine, after]) > synapses


def test_cores_fill_tiles_west_to_east_then_row_by_row():
    chip = replace(CHIPS["loihi-davies"], tiles_x=3, tiles_y=2, cores_per_tile=2)
    assert place.row_major(8, chip).tolist() == [[0, 0], [0, 0], [1, 0], [1, 0], [2, 0], [2, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize(("x", "y", "mean"), [(8, 4, 3.875), (8, 16, 7.9375), (32, 32, 21.3125), (64, 64, 42.65625)])
def test_mean_hops_are_the_closed_form(x, y, mean):
    """Facts: (n² − 1)/3n + (m² − 1)/3m over uniform pairs, self included."""
    chip = replace(CHIPS["loihi-davies"], tiles_x=x, tiles_y=y, cores_per_tile=1)
    tiles = place.row_major(chip.cores, chip)
    pairs = np.arange(chip.cores, dtype=np.int32)
    east, north = route.hops(tiles, pairs[:, None], pairs[None, :])
    assert (east + north).mean() == pytest.approx(mean, rel=1e-12)
    assert mean == pytest.approx((x**2 - 1) / (3 * x) + (y**2 - 1) / (3 * y))


def test_a_chip_that_makes_no_sense_is_refused():
    with pytest.raises(DescriptionError, match="EventChip.tiles_x is 0"):
        replace(CHIPS["loihi-davies"], tiles_x=0)
    with pytest.raises(DescriptionError, match="has no price for 'core step'"):
        replace(CHIPS["loihi-davies"], prices={})
