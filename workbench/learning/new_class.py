"""A class that the network has never seen, learned on the chip from a few samples: what it costs the classes it knew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.devices import Device
from workbench.circuits.library.digits import CLASSES, Handwritten, Layers, handwritten
from workbench.errors import DescriptionError
from workbench.learning.on_chip import History, Rule, Stack, learn
from workbench.learning.pairs import Pairs
from workbench.learning.training import order, train
from workbench.words import tr

__all__ = ["Outcome", "add", "without"]


@final
@dataclass(frozen=True, eq=False)
class Outcome:
    """Shares of test images answered right before and after: of the classes known from the start, and of the new one."""

    old_before: float
    new_before: float
    old_after: float
    new_after: float
    history: History
    stack: Stack

    @property
    def pulses_per_cell(self) -> float:
        """Mean number of pulses a cell got."""
        return self.stack.pulses_per_cell


@cache
def without(digit: int) -> Layers:
    """A network that was trained, with noise on its weights, on all digits but one; its output for that one was only ever pushed down."""
    return train(handwritten(), noise=0.08, clip=2.0, leave_out=digit)


def add(
    digit: int,
    device: Device,
    rule: Rule,
    *,
    shots: int,
    kept: int,
    reach: float,
    seed: int = 0,
    die: int = 0,
) -> Outcome:
    """Teach the last layer `digit` from `shots` samples of it, with `kept` samples of each digit it knows mixed in.

    The hidden layer stays as it was trained, in the computer; the last one is written to the chip and learns there. With `kept` of 0
    the chip sees the new digit only. Raises DescriptionError where the training images do not hold so many.
    """
    data = handwritten()
    layers = without(digit)
    pairs = Pairs((layers.output.shape[0] + 1, CLASSES), device, reach=reach, name="new class", die=die, seed=seed)
    pairs.program(np.vstack([layers.output, layers.output_bias]))
    stack = Stack(pairs)
    chosen = _samples(data, digit, shots, kept, seed)
    tests, labels = layers.features(data.test), data.test_labels
    new = labels == digit

    def right(look: int) -> tuple[float, float]:
        return (
            stack.accuracy(tests[~new], labels[~new], look=look),
            stack.accuracy(tests[new], labels[new], look=look),
        )

    before = right(-2)
    samples = layers.features(data.train[chosen]), data.train_labels[chosen]
    history = learn(stack, rule, samples, (tests, labels), seed=seed, looks=1)
    return Outcome(*before, *right(-1), history, stack)


def _samples(data: Handwritten, digit: int, shots: int, kept: int, seed: int) -> NDArray[np.int64]:
    """The numbers of the training images that the chip sees."""
    made = []
    for one in range(CLASSES):
        at = np.flatnonzero(data.train_labels == one)
        wanted = shots if one == digit else kept
        if not 0 <= wanted <= len(at) or shots < 1:
            raise DescriptionError(
                tr(
                    "{wanted} samples of the digit {digit} are asked for; there are {most} to learn from, and the new digit needs at least 1.",
                    wanted=wanted,
                    digit=one,
                    most=len(at),
                )
            )
        made.append(at[order(len(at), seed, "samples", one)[:wanted]])
    return np.concatenate(made)
