"""Learning on the cells of a chip: by the sign of the error alone, with a threshold or without, or by write-verify.

The rule "sign and threshold" is our reading of STELLAR (Zhang et al. 2023, Science 381:1205), from its abstract and from reviews; it is
not the published code. In one update, over a batch of samples:

    gradient     Gᵢⱼ = Σ xᵢ·δⱼ, the error at the output times the input, added up over the batch
    threshold    where |Gᵢⱼ| is above `threshold` · top, the pair (i, j) gets one pulse on each of its two cells
    sign         −sign(G) says which cell is set and which is reset; the size of G is used for nothing else
    no verify    nobody looks whether the pulse did what it should

`top` is the largest |G| the layer has seen so far: a constant soon after learning began, so that writing dies out as the error does. With
`gate` "relative" it is the largest of this update, and some pair always gets its pulse.

"sign" is the same with a threshold of 0. "write-verify" keeps a copy of the weights in digital memory, moves it by −rate·G/batch, and
pulses and reads each cell until it is near its target. Reading is noisy throughout; errors are computed digitally, without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.fields import choice, count, described, quantity
from workbench.learning.pairs import Pairs
from workbench.learning.training import error, order

__all__ = ["GATES", "RULES", "History", "Rule", "Stack", "learn"]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
RULES = ("sign-threshold", "sign", "write-verify")
GATES = ("fixed", "relative")


@final
@described
class Rule:
    """How errors become pulses; see the module."""

    rule: str = choice("sign-threshold", RULES, doc="how errors become pulses")
    threshold: float = quantity(
        0.02,
        "",
        low=0.0,
        high=0.99,
        doc="share of the largest gradient below which a pair gets no pulse",
        label="threshold",
    )
    gate: str = choice(
        "fixed", GATES, doc="the largest gradient so far, or that of the same update", label="measured by"
    )
    batch: int = count(16, low=1, high=898, doc="samples that add up to one update", log=True)
    epochs: int = count(30, low=1, high=1000, doc="times every sample is seen", log=True)
    rate: float = quantity(0.1, "", low=1e-4, high=10.0, doc="learning rate of write-verify", log=True)
    tolerance: float = quantity(
        0.02, "", low=1e-4, high=0.5, doc="what write-verify lets pass, as a share of the window", log=True
    )
    rounds: int = count(5, low=1, high=100, doc="times write-verify reads a cell in one update, at most")

    @property
    def held(self) -> float:
        """The threshold that holds: none for the rules without."""
        return self.threshold if self.rule == "sign-threshold" else 0.0

    def pushes(self, slope: Array, top: float) -> NDArray[np.int8]:
        """The direction each pair is pushed in: −sign of its gradient where that is above the threshold times `top`, else 0."""
        return np.where(np.abs(slope) > self.held * top, -np.sign(slope), 0.0).astype(np.int8)


@final
@dataclass(frozen=True, eq=False)
class History:
    """What learning did, one entry for each time it was looked at, the first before any update."""

    updates: NDArray[np.int64]
    accuracy: Array
    """Share of the test images answered right."""
    pulses: Array
    """Pulses so far, mean over the cells that learn."""

    def first_within(self, target: float) -> int | None:
        """The first entry whose accuracy, and that of all later ones, is at least `target`; None if there is none."""
        below = np.flatnonzero(self.accuracy < target)
        first = int(below[-1]) + 1 if below.size else 0
        return first if first < len(self.accuracy) else None


@final
@dataclass(frozen=True, eq=False)
class Stack:
    """The layers on the chip: the last one, and the one before it where that learns too. The bias is one more row, driven with 1."""

    last: Pairs
    hidden: Pairs | None = None

    @property
    def layers(self) -> tuple[Pairs, ...]:
        """The layers, from the input on."""
        return (self.last,) if self.hidden is None else (self.hidden, self.last)

    def forward(self, x: Array, *, first: int, what: str = "read", counted: bool = True) -> tuple[list[Array], Array]:
        """What each layer was driven with (number, rows), and the scores (number, classes); see Pairs.product."""
        driven = [with_bias(x)]
        if self.hidden is not None:
            hidden = self.hidden.product(driven[0], first=first, what=what, counted=counted)
            driven.append(with_bias(np.maximum(hidden, 0.0)))
        return driven, self.last.product(driven[-1], first=first, what=what, counted=counted)

    def slopes(self, x: Array, labels: Labels, *, first: int) -> list[Array]:
        """The gradient of each layer over the samples, read from the chip: the error goes back through the same cells."""
        driven, scores = self.forward(x, first=first)
        off = error(scores, labels)
        made = [driven[-1].T @ off]
        if self.hidden is not None:
            back = self.last.back(off, first=first)[:, :-1] * (driven[1][:, :-1] > 0)
            made.insert(0, driven[0].T @ back)
        return made

    def accuracy(self, x: Array, labels: Labels, *, look: int) -> float:
        """The share of samples answered right in test number `look`, with the noise of its reads; not counted as work."""
        scores = self.forward(x, first=0, what=f"test/{look}", counted=False)[1]
        return float(np.mean(scores.argmax(axis=1) == labels))

    @property
    def pulses_per_cell(self) -> float:
        """Mean number of pulses over all cells."""
        return float(np.concatenate([p.pulses.ravel() for p in self.layers]).mean())


def with_bias(x: Array) -> Array:
    """x with one more column of ones: the row that carries the bias."""
    return np.hstack([x, np.ones((len(x), 1))])


def learn(
    stack: Stack,
    rule: Rule,
    samples: tuple[Array, Labels],
    tests: tuple[Array, Labels],
    *,
    seed: int = 0,
    looks: int = 0,
) -> History:
    """Let the layers of `stack` learn `samples` (number, inputs) by `rule`, in place; look at `tests` `looks` times on the way.

    Looks are spread evenly in the logarithm of the updates, or with `looks` of 0 fall after every epoch; the first is before any update.
    The order of samples is the stream "order" of `seed`.
    """
    x, labels = samples
    per_epoch = -(-len(x) // rule.batch)
    total = per_epoch * rule.epochs
    after = (
        np.geomspace(1, total, looks) if looks > 1 else [total] if looks else per_epoch * np.arange(1, rule.epochs + 1)
    )
    when = {0, *np.rint(after).astype(int).tolist()}
    copies = [layer.weights for layer in stack.layers]
    tops = [0.0 for _ in stack.layers]
    entries: list[tuple[int, float, float]] = []

    def look(update: int) -> None:
        if update in when:
            entries.append((update, stack.accuracy(*tests, look=update), stack.pulses_per_cell))

    look(0)
    update = 0
    for epoch in range(rule.epochs):
        shuffled = order(len(x), seed, "order", epoch)
        for start in range(0, len(x), rule.batch):
            batch = shuffled[start : start + rule.batch]
            slopes = stack.slopes(x[batch], labels[batch], first=update * rule.batch)
            for k, (layer, slope) in enumerate(zip(stack.layers, slopes, strict=True)):
                if rule.rule == "write-verify":
                    copies[k] = np.clip(copies[k] - rule.rate * slope / len(batch), -layer.reach, layer.reach)
                    layer.verify(copies[k], rounds=rule.rounds, tolerance=rule.tolerance)
                else:
                    top = float(np.abs(slope).max())
                    tops[k] = max(tops[k], top) if rule.gate == "fixed" else top
                    layer.push(rule.pushes(slope, tops[k]))
            update += 1
            look(update)
    at, right, pulses = (np.array(column) for column in zip(*entries, strict=True))
    return History(at.astype(np.int64), right.astype(float), pulses.astype(float))
