"""The bare loops of the bound do the work they are timed for."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.kernels import bound


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("stream", [np.uint16, np.uint32])
def test_every_addition_lands(kind: type, stream: type) -> None:
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 50, 1000).astype(stream)
    weights = rng.integers(-100, 100, 1000).astype(np.int8)
    one, own = np.zeros(50, kind), np.zeros(50, kind)
    bound.add_at_random(one, targets, kind(2))
    bound.add_weights_at_random(own, targets, weights)
    assert np.array_equal(one, 2 * np.bincount(targets, minlength=50))
    assert np.array_equal(own, np.bincount(targets, weights, 50))


@pytest.mark.parametrize(
    ("kind", "leak"), [(np.float32, np.float32(0.25)), (np.float64, 0.25), (np.int32, np.float32(0.25))]
)
def test_units_leak_fire_and_empty_what_arrived(kind: type, leak: float) -> None:
    v, arrived, fired = np.array([8, 8, 0], kind), np.array([0, 100, 3], kind), np.zeros(3, np.uint8)
    bound.update_leaky(v, arrived, fired, leak, kind(1), kind(50), 1)
    assert v.tolist() == [7, 0, 4]
    assert fired.tolist() == [0, 1, 0]
    assert not arrived.any()
    bound.update_leaky(v, arrived, fired, leak, kind(1), kind(50), 2)
    assert fired.tolist() == [0, 0, 0]
    assert v[1] == kind(1) - kind(kind(1) * leak) + 1


def test_stream_reads_and_writes_all() -> None:
    a, b, c = np.arange(10.0), np.ones(10), np.zeros(10)
    bound.triad(a, b, c, 2.0)
    assert np.array_equal(c, a + 2)
    bound.copy(a, b)
    assert np.array_equal(a, b)
