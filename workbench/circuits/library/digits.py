"""Handwritten digits and a small trained network that reads them: 64 pixels, 64 rectified linear units, 10 outputs.

The images are the 1,797 of 8 × 8 pixels that scikit-learn ships (Alpaydin and Kaynak 1998, Optical Recognition of Handwritten
Digits, UCI Machine Learning Repository). Those with an even number are for testing (899), those with an odd one for training (898).
The weights are in ``data/digits.csv``, made by ``data/make_digits.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources, util
from pathlib import Path
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import Frames
from workbench.circuits.wiring import Explicit
from workbench.errors import DescriptionError, unknown
from workbench.fields import choice, count, described, quantity
from workbench.units import ms
from workbench.words import tr

__all__ = ["CLASSES", "PIXELS", "SETS", "TESTS", "Digits", "Handwritten", "Layers", "handwritten", "trained"]

Array = NDArray[np.float64]

PIXELS = 64
CLASSES = 10
TESTS = 899
SETS = ("plain", "noise-aware")
STEP = 1 / 1024
"""The shipped weights are whole numbers of this, so that the same training gives the same file on every machine."""
_INK = 16.0
_WIDE = 1e6


@final
@dataclass(frozen=True, eq=False)
class Handwritten:
    """Images of digits (number, 64), ink from 0 to 1, row by row from the top, and what they show (number,), split in two."""

    train: Array
    train_labels: NDArray[np.int64]
    test: Array
    test_labels: NDArray[np.int64]


@cache
def handwritten() -> Handwritten:
    """The digits, read once; raises DescriptionError where scikit-learn is not installed."""
    found = util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise DescriptionError(
            tr("The digits come with scikit-learn, which is not installed: pip install scikit-learn.")
        )
    # Reading its file takes milliseconds, importing the library more than a second.
    table = Path(found.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    if table.exists():
        rows = np.loadtxt(table, delimiter=",")
        images, labels = rows[:, :-1] / _INK, rows[:, -1].astype(np.int64)
    else:
        from sklearn.datasets import load_digits  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

        pixels, shown = load_digits(return_X_y=True)
        images, labels = np.asarray(pixels, np.float64) / _INK, np.asarray(shown, np.int64)
    for held in (images, labels):
        held.flags.writeable = False
    return Handwritten(images[1::2], labels[1::2], images[::2], labels[::2])


@final
@dataclass(frozen=True, eq=False)
class Layers:
    """Weights of the network: `hidden` (64, n), `output` (n, 10), and what is added to each unit, in units of a pixel's full ink."""

    hidden: Array
    hidden_bias: Array
    output: Array
    output_bias: Array

    def features(self, images: Array) -> Array:
        """What the hidden units emit for images (number, 64): max(0, x·W + b), (number, n)."""
        return np.maximum(images @ self.hidden + self.hidden_bias, 0.0)

    def scores(self, images: Array) -> Array:
        """What the outputs emit, (number, 10): the largest names the digit."""
        return self.features(images) @ self.output + self.output_bias

    def accuracy(self, images: Array, labels: NDArray[np.int64]) -> float:
        """The share of images whose largest output is their label."""
        return float(np.mean(self.scores(images).argmax(axis=1) == labels))


@cache
def trained(weights: str = "plain") -> Layers:
    """A shipped set of weights: "plain", or "noise-aware" (trained with noise on its weights). Raises DescriptionError for another name."""
    if weights not in SETS:
        raise unknown("weights", weights, SETS)
    text = (resources.files("workbench.circuits.library") / "data" / "digits.csv").read_text("ascii")
    rows: dict[str, list[list[int]]] = {"hidden": [], "output": []}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, layer, _, numbers = line.split(",")
        if name == weights:
            rows[layer].append([int(n) for n in numbers.split()])
    hidden, output = (np.array(rows[layer], np.float64) * STEP for layer in ("hidden", "output"))
    return Layers(hidden[:-1], hidden[-1], output[:-1], output[-1])


@final
@described
class Digits(Circuit):
    """A network that reads handwritten digits: one test image a frame, 64 hidden rectified linear units, 10 outputs.

    Image k is shown in frame k. All delays are 0, so the outputs answer a frame while it is shown; the largest names the digit.
    Weights and images are those of scikit-learn's digits; the outputs are linear (their lower bound is never reached).
    """

    name: ClassVar[str] = "digits"
    title: ClassVar[str] = "Handwritten digits"

    images: int = count(TESTS, low=1, high=TESTS, doc="test images shown, the first ones", label="images", log=True)
    weights: str = choice("plain", SETS, doc="weights trained plainly, or with noise on them", label="weights")
    frame: float = quantity(1 * ms, "ms", low=0.1 * ms, high=1000 * ms, doc="how long an image is shown", label="frame")

    @property
    def duration(self) -> float:
        """How long all images take, s."""
        return self.images * self.frame

    @property
    def labels(self) -> NDArray[np.int64]:
        """What the images show."""
        return handwritten().test_labels[: self.images]

    def network(self) -> Network:
        """See Circuit."""
        layers = trained(self.weights)
        shown = Frames(handwritten().test[: self.images], every=self.frame)
        hidden = Relu(bias=_values(layers.hidden_bias))  # type: ignore[arg-type]
        output = Relu(bias=_values(layers.output_bias), lowest=-_WIDE)  # type: ignore[arg-type]
        return Network(
            populations={
                "hidden": Population(layers.hidden.shape[1], hidden),
                "output": Population(CLASSES, output),
            },
            sources={"pixels": Source(PIXELS, shown)},
            projections={
                "pixels to hidden": _dense("pixels", "hidden", layers.hidden),
                "hidden to output": _dense("hidden", "output", layers.output),
            },
        )

    def quick(self) -> Self:
        """50 images."""
        return replace(self, images=min(self.images, 50))


def _values(numbers: Array) -> Values:
    return Values(tuple(numbers.tolist()))


def _dense(source: str, target: str, weights: Array) -> Projection:
    """Every weight of a matrix (sources, targets), in one step."""
    from scipy.sparse import coo_array  # noqa: PLC0415  SciPy only when the network is built

    i, j = np.indices(weights.shape).reshape(2, -1)
    wiring = Explicit(coo_array((weights.ravel(), (i, j)), shape=weights.shape))
    return Projection(source, target, wiring, weight=_values(wiring.weights), delay=0.0)
