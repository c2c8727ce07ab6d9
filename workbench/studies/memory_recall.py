"""A memory that computes: patterns stored in conductances, recalled by multiplying until nothing changes, on a chip and exactly.

The first pattern is a handwritten digit, so that one can see what is remembered; the others are random. All patterns are recalled side
by side, each from its own cue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends.base import report
from workbench.chips import CHIPS, of_kind
from workbench.chips.chip import Chip
from workbench.chips.crossbar import CrossbarChip
from workbench.circuits.library.digits import handwritten
from workbench.fields import count, described, member, quantity
from workbench.figures import learning as drawn
from workbench.learning import hopfield
from workbench.learning.hopfield import CAPACITY, Product, Recall
from workbench.studies.study import Progress, Result, Study
from workbench.units import nJ
from workbench.words import tr

__all__ = ["MemoryRecall"]

Array = NDArray[np.float64]
REMEMBERED = 0.95
"""Overlap from which on a pattern counts as remembered."""
LOADS = (0.04, 0.22)
SOURCE = (
    "Hopfield 1982, PNAS 79:2554; 0.138: Amit, Gutfreund and Sompolinsky 1985, Phys. Rev. Lett. 55:1530; computed here"
)


def _choices() -> Mapping[str, Chip]:
    return {"ideal": CHIPS["ideal"], **of_kind("crossbar")}


@final
@dataclass(frozen=True, eq=False)
class Recalled:
    """What one product made of the cues."""

    recall: Recall
    first_errors: float
    """Share of signs that one step from the stored patterns got wrong."""
    joules: float
    """Energy of the reads of one recalled pattern; 0 without a chip."""

    @property
    def overlap(self) -> float:
        """Mean overlap in the end."""
        return float(self.recall.overlap[-1].mean())

    @property
    def remembered(self) -> float:
        """Share of patterns that came back."""
        return float(np.mean(self.recall.overlap[-1] >= REMEMBERED))


@final
@described
class MemoryRecall(Study):
    """How many patterns a network of N neurons remembers, how it completes one from a part, and what a chip's errors do to it."""

    title: ClassVar[str] = "Recall from memory"
    views: ClassVar[tuple[str, ...]] = ("pattern", "steps", "capacity")
    live: ClassVar[dict[str, Any]] = {"loads": 4, "sets": 2}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "side",
        "load",
        "cue",
        "chip",
        "device",
        "weight_bits",
        "adc_bits",
        "age_s",
        "stuck_low",
        "wire_row_ohm",
        "seed",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "half full": {"load": 0.07},
        "at the edge": {"load": 0.138},
        "too much": {"load": 0.2},
        "a poor cue": {"cue": 0.4},
        "one-bit weights": {"weight_bits": 1},
        "a coarse converter": {"adc_bits": 3},
        "a year later": {"age_s": 3.2e7},
    }

    side: int = count(20, low=8, high=32, doc="the network has side × side neurons, drawn as a picture", label="side")
    load: float = quantity(0.1, "", low=0.003, high=0.5, doc="patterns stored for each neuron, P/N", label="load P/N")
    cue: float = quantity(
        0.2, "", low=0.0, high=0.5, doc="share of the cue's signs that are wrong", label="wrong in the cue"
    )
    steps: int = count(15, low=1, high=100, doc="steps of recall, at most", label="steps")
    picture: int = count(3, low=0, high=9, doc="the digit that is the first pattern", label="digit shown")
    chip: Chip = member("crossbar-assumed", _choices, doc="what multiplies; ideal is exact")
    loads: int = count(10, low=2, high=40, doc="loads on the curve of capacity", label="loads on the curve")
    sets: int = count(10, low=1, high=100, doc="sets of patterns for the error of one step", label="sets of patterns")
    seed: int = count(0, doc="seed of the patterns, the cues and the noise")

    def quick(self) -> Self:
        """12 × 12 neurons, four loads."""
        return replace(self, side=min(self.side, 12), loads=min(self.loads, 4), sets=min(self.sets, 4))

    @property
    def neurons(self) -> int:
        """N."""
        return self.side**2

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        number = self._number(self.load)
        stored = self._stored(number)
        cues = hopfield.corrupted(stored, self.cue, self.seed)
        report(progress, 0.0, tr("recalling"))
        exact, chip = self._recalled(stored, cues, exactly), self._recalled(stored, cues, self._product)
        at = np.unique(np.append(np.linspace(*LOADS, self.loads), CAPACITY))
        curves: dict[str, list[float]] = {"exact": [], "chip": []}
        for k, load in enumerate(at):
            report(progress, (1 + k) / (2 + len(at)), tr("recalling"))
            kept = self._stored(self._number(float(load)))
            for name, how in (("exact", exactly), ("chip", self._product)):
                curves[name].append(self._recalled(kept, kept, how).overlap)
        report(progress, (1 + len(at)) / (2 + len(at)), tr("recalling"))
        found = self._one_step(number)
        return self._result(stored, cues, exact, chip, found, (at, {n: np.array(v) for n, v in curves.items()}))

    def _number(self, load: float) -> int:
        return max(1, round(load * self.neurons))

    def _stored(self, number: int) -> Array:
        """The patterns: the digit first, random ones after it."""
        made = hopfield.random_patterns(number, self.neurons, self.seed)
        made[0] = digit(self.picture, self.side)
        return made

    def _recalled(self, stored: Array, cues: Array, how: Any) -> Recalled:
        weights = hopfield.hebbian(stored)
        product, joules = how(weights, np.vstack([stored, cues]))
        errors = float(np.mean(product(stored, self.steps) * stored <= 0))
        before = joules()
        recall = hopfield.recall(product, cues, stored, steps=self.steps)
        return Recalled(recall, errors, (joules() - before) / len(cues))

    def _product(self, weights: Array, samples: Array) -> tuple[Product, Any]:
        """The product on the chip, its converters set for states like `samples`, and its energy so far."""
        if not isinstance(self.chip, CrossbarChip):
            return exactly(weights, samples)
        from workbench.backends.crossbar.matrix import Matrix  # noqa: PLC0415  only who asks for a chip builds one

        matrix = Matrix(weights, self.chip, seed=self.seed, name="memory", inputs=1.0)
        matrix = matrix.calibrated(samples, inputs=1.0, signed=True)
        written = sum(matrix.joules().values())
        return (
            lambda states, step: matrix.product(states, first=step * len(states)),
            lambda: sum(matrix.joules().values()) - written,
        )

    def _one_step(self, number: int) -> float:
        """The share of signs that one exact step gets wrong, over `sets` sets of random patterns."""
        wrong = 0.0
        for k in range(self.sets):
            patterns = hopfield.random_patterns(number, self.neurons, self.seed + 1 + k)
            wrong += float(np.mean((patterns @ hopfield.hebbian(patterns)) * patterns <= 0))
        return wrong / self.sets

    def _result(
        self,
        stored: Array,
        cues: Array,
        exact: Recalled,
        chip: Recalled,
        one_step: float,
        curve: tuple[Array, dict[str, Array]],
    ) -> Result:
        at, overlap = curve
        theory = hopfield.one_step_error(self.neurons, len(stored))
        numbers = {
            "neurons": float(self.neurons),
            "patterns": float(len(stored)),
            "cue_overlap": float(hopfield.overlaps(cues, stored).mean()),
            "exact_overlap": exact.overlap,
            "chip_overlap": chip.overlap,
            "exact_remembered_percent": 100 * exact.remembered,
            "chip_remembered_percent": 100 * chip.remembered,
            "shown_overlap": float(chip.recall.overlap[-1, 0]),
            "one_step_percent": 100 * one_step,
            "one_step_theory_percent": 100 * theory,
            "chip_one_step_percent": 100 * chip.first_errors,
            "exact_capacity": falls(at, overlap["exact"]),
            "chip_capacity": falls(at, overlap["chip"]),
            "energy_per_recall_nj": chip.joules / nJ,
        }
        steps = np.arange(len(exact.recall.overlap))
        lines = {
            "exact": (steps, exact.recall.overlap.mean(axis=1)),
            "chip": (steps, chip.recall.overlap.mean(axis=1)),
        }
        pictures: dict[str, Any] = {
            "pattern": partial(
                drawn.patterns,
                {"cue": cues[0], "recalled": chip.recall.states[0], "stored": stored[0]},
                self.side,
                title="From the cue to the memory",
                alt=_said(cues[0], chip.recall.states[0], stored[0]),
            ),
            "steps": partial(
                figures.curves,
                lines,
                points=lines,
                x="step",
                y="overlap with the stored pattern",
                title="The memory fills in",
                source=SOURCE,
            ),
            "capacity": partial(
                figures.curves,
                {name: (at, values) for name, values in overlap.items()},
                points={name: (at, values) for name, values in overlap.items()},
                marks={"0.138, large networks": CAPACITY},
                x="load: patterns for each neuron",
                y="overlap with the stored pattern",
                title="How much is too much",
                source=SOURCE,
            ),
            "one step": partial(
                figures.curves,
                {"closed form": (at, np.array([100 * hopfield.one_step_error(1.0, load) for load in at]))},
                points={"closed form": (np.array([len(stored) / self.neurons]), np.array([100 * one_step]))},
                x="load: patterns for each neuron",
                y="wrong after one step",
                y_unit="%",
                title="One step from a stored pattern",
                source="Closed form: Hertz, Krogh and Palmer 1991, ch. 2.2 (computed)",
            ),
        }
        return Result(study=self, numbers=numbers, pictures=pictures)


def exactly(weights: Array, samples: Array) -> tuple[Product, Any]:
    """The product in float64, which costs nothing."""
    return hopfield.exact(weights), lambda: 0.0


def digit(shown: int, side: int) -> Array:
    """A handwritten digit as `side` × `side` signs: the first test image of it, each pixel repeated, +1 where there is ink."""
    data = handwritten()
    image = data.test[int(np.argmax(data.test_labels == shown))].reshape(8, 8)
    at = np.arange(side) * 8 // side
    return np.where(image[np.ix_(at, at)] > 0.4, 1.0, -1.0).ravel()


def falls(loads: Array, overlap: Array, to: float = 0.9) -> float:
    """The load at which the overlap falls below `to`, linearly between those on the curve; the last load if it never does."""
    below = np.flatnonzero(overlap < to)
    if not below.size:
        return float(loads[-1])
    k = int(below[0])
    if k == 0:
        return float(loads[0])
    part = (overlap[k - 1] - to) / (overlap[k - 1] - overlap[k])
    return float(loads[k - 1] + part * (loads[k] - loads[k - 1]))


def _said(cue: Array, recalled: Array, stored: Array) -> str:
    return tr(
        "{cue} signs of the cue are wrong, {recalled} of what was recalled, of {all}.",
        cue=int(np.sum(cue != stored)),
        recalled=int(np.sum(recalled != stored)),
        all=len(stored),
    )
