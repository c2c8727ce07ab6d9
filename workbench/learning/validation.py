"""Choosing a rule's numbers without looking at the test: on a part of the training digits that nothing was trained on.

Both the hidden layer, in the computer, and the last one, on the chip, learn from the rest; the part held out then says how good that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.chips.devices import Device
from workbench.circuits.library.digits import CLASSES, Handwritten, handwritten
from workbench.learning.on_chip import Rule, Stack, learn
from workbench.learning.pairs import Pairs
from workbench.learning.training import order, train

__all__ = ["held_out", "validated"]

READS = 5
"""Times the part held out is read, each with fresh noise."""


def held_out(data: Handwritten, *, share: float = 0.2, seed: int = 0) -> Handwritten:
    """The training digits alone, `share` of them as the test; which ones is the stream "held out" of `seed`."""
    shuffled = order(len(data.train), seed, "held out")
    cut = round(share * len(shuffled))
    apart, rest = shuffled[:cut], shuffled[cut:]
    return Handwritten(data.train[rest], data.train_labels[rest], data.train[apart], data.train_labels[apart])


def validated(
    rules: Sequence[Rule], device: Device, *, reach: float = 1.5, seeds: Sequence[int] = (0, 1, 2), **training: Any
) -> NDArray[np.float64]:
    """The share of held-out digits answered right by each rule, for each seed: (rules, seeds).

    A seed is another part held out, another hidden layer (`training` goes to `learning.training.train`) and another specimen of the cells.
    """
    made = np.empty((len(rules), len(seeds)))
    for s, seed in enumerate(seeds):
        data = held_out(handwritten(), seed=seed)
        known = train(data, seed=seed, **training)
        samples = known.features(data.train), data.train_labels
        tests = known.features(data.test), data.test_labels
        shape = (known.hidden.shape[1] + 1, CLASSES)
        for r, rule in enumerate(rules):
            cells = Pairs(shape, device, reach=reach, name="output", die=seed, seed=seed)
            cells.program(np.zeros(shape))
            stack = Stack(cells)
            learn(stack, rule, samples, tests, seed=seed, looks=1)
            made[r, s] = np.mean([stack.accuracy(*tests, look=-k) for k in range(1, READS + 1)])
    return made
