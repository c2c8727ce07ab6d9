"""Training in the computer: its gradient is the loss's, it is the same twice, and it refuses what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import streams
from workbench.circuits.library.digits import handwritten
from workbench.errors import DescriptionError
from workbench.learning.training import error, order, train


def test_the_error_is_the_gradient_of_the_loss() -> None:
    scores = streams.normal(1, 0, 40).reshape(4, 10)
    labels = np.array([0, 3, 9, 3])

    def loss(z: np.ndarray) -> float:
        return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(4), labels]).sum())

    numeric = np.zeros_like(scores)
    for at in np.ndindex(*scores.shape):
        for sign in (1, -1):
            moved = scores.copy()
            moved[at] += sign * 1e-5
            numeric[at] += sign * loss(moved) / 2e-5
    np.testing.assert_allclose(error(scores, labels), numeric, atol=1e-8)
    np.testing.assert_allclose(error(scores + 1e4, labels), error(scores, labels), atol=1e-9)


def test_an_order_holds_every_sample_once() -> None:
    assert sorted(order(100, 0, "x").tolist()) == list(range(100))
    assert not np.array_equal(order(100, 0, "x"), order(100, 1, "x"))


def test_training_is_the_same_twice_and_another_seed_is_another_network() -> None:
    data = handwritten()
    one, two, other = (train(data, epochs=2, noise=0.05, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.hidden, two.hidden)
    assert not np.array_equal(one.hidden, other.hidden)


def test_clipping_holds_and_a_digit_left_out_is_never_answered() -> None:
    data = handwritten()
    layers = train(data, epochs=10, clip=2.0, leave_out=4)
    for w in (layers.hidden, layers.output):
        assert np.abs(w).max() <= 2.2 * w.std()
    said = layers.scores(data.test).argmax(axis=1)
    assert not np.any(said == 4)
    known = data.test_labels != 4
    assert np.mean(said[known] == data.test_labels[known]) > 0.94


@pytest.mark.parametrize("bad", [{"units": 0}, {"epochs": 0}, {"noise": 1.0}, {"clip": -1.0}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(DescriptionError, match="train"):
        train(handwritten(), **bad)  # type: ignore[arg-type]
