"""The threshold is not fitted to the test: one that never saw the test digits meets the bars on them."""

from __future__ import annotations

import numpy as np

from tests.learning.test_on_chip import FLOAT, learned
from workbench.chips.devices import DEVICES
from workbench.circuits.library.digits import handwritten
from workbench.learning.on_chip import Rule
from workbench.learning.validation import held_out, validated

THRESHOLDS = (0.02, 0.05, 0.1)


def test_the_part_held_out_is_a_fifth_of_the_training_digits_and_no_test_digit() -> None:
    data = handwritten()
    parts = held_out(data, seed=3)
    assert (len(parts.train), len(parts.test)) == (718, 180)
    both = np.vstack([parts.train, parts.test])
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, data.train.tolist()))
    other = held_out(data, seed=4)
    assert not np.array_equal(parts.test, other.test)


def test_the_threshold_chosen_on_held_out_digits_meets_the_bars_on_the_test() -> None:
    right = validated([Rule(threshold=t) for t in THRESHOLDS], DEVICES["rram-wan"], noise=0.08, clip=2.0).mean(axis=1)
    chosen = THRESHOLDS[int(right.argmax())]
    for die in (0, 1, 2):
        _, stack, tested = learned(Rule(threshold=chosen), die=die)
        assert tested >= FLOAT - 0.005
        assert stack.pulses_per_cell <= 150 / 2
