"""First spikes, the last one, differences between recordings, and the ways of packets on a mesh."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from workbench.measures.mesh import Travel
from workbench.measures.wave import differing_spikes, first_spikes, last_spike, reached
from workbench.recordings.spikes import Spikes
from workbench.units import ms


def recording(**spikes: list[tuple[int, int]]):
    """A stand-in with spikes as (step, neuron) in steps of 1 ms, four neurons a population."""
    made = {
        name: Spikes(np.array([s for s, _ in pairs], np.int64), np.array([n for _, n in pairs], np.int32), 1 * ms)
        for name, pairs in spikes.items()
    }
    return SimpleNamespace(spikes=made, sizes=dict.fromkeys(made, 4), of=made.__getitem__)


def test_first_spikes_count_from_the_given_time_and_leave_silent_neurons_out():
    found = first_spikes(recording(A=[(2, 0), (5, 1), (6, 0), (9, 1)]), "A", since=3 * ms)
    assert found[:2] == pytest.approx([3 * ms, 2 * ms])
    assert np.isnan(found[2:]).all()


def test_reached_and_last_spike():
    one = recording(A=[(2, 0), (5, 1)], B=[(7, 3)])
    assert reached(one, "A") == 2
    assert reached(one, "A", since=3 * ms) == 1
    assert last_spike(one, since=3 * ms) == pytest.approx(4 * ms)
    assert np.isnan(last_spike(one, since=8 * ms))
    assert np.isnan(last_spike(recording(A=[])))


def test_differing_spikes_counts_both_sides():
    one, other = recording(A=[(2, 0), (5, 1)], B=[(7, 3)]), recording(A=[(2, 0), (5, 2)], B=[])
    assert differing_spikes(one, one) == 0
    assert differing_spikes(one, other) == differing_spikes(other, one) == 3


def test_travel_adds_up():
    ways = Travel(np.array([0, 0, 2]), np.array([0, 1, 1]), np.array([0, 3, 1]), np.array([5, 5, 2]))
    assert ways.by_hops().tolist() == [5, 2, 0, 5]
    assert ways.by_neuron(4).tolist() == [15, 0, 2, 0]
    assert ways.mean == pytest.approx(17 / 12)


def test_travel_of_nothing():
    nothing = np.zeros(0, np.int64)
    ways = Travel(nothing, nothing, nothing, nothing)
    assert ways.by_hops().tolist() == [0]
    assert np.isnan(ways.mean)
