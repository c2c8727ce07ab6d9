"""What a reader of other people's files and scripts gives back: a circuit that runs everywhere ours do, and what changed on the way."""

from __future__ import annotations

import hashlib
import math
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network
from workbench.circuits.wiring import AllToAll, Explicit, OneToOne, Wiring
from workbench.errors import DescriptionError
from workbench.fields import Distribution, described
from workbench.words import tr

__all__ = ["Imported", "Listed", "listed", "scale_of", "wire"]


@final
@described
class Imported(Circuit):
    """A network that came from elsewhere, the step it is meant for, and a sentence for each thing that is not as it was there."""

    name: ClassVar[str] = "imported"
    title: ClassVar[str] = "Imported network"

    written: Network
    dt: float
    """The time step it was written for, s: give it to Experiment."""
    notes: tuple[str, ...] = ()

    def network(self) -> Network:
        """See Circuit."""
        return self.written


@final
class Listed(Distribution):
    """Values given one by one in an array: what Values is, for as many numbers as a network has synapses."""

    def __init__(self, values: Any) -> None:
        array = np.array(values, np.float64).reshape(-1)
        if not array.size or not np.isfinite(array).all():
            raise DescriptionError(tr("Values needs at least one number, all of them finite."))
        array.flags.writeable = False
        self.values = array
        self.digest = hashlib.blake2b(array.tobytes(), digest_size=16).hexdigest()

    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest."""
        return float(self.values.min()), float(self.values.max())

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values themselves; raises DescriptionError when their number does not fit."""
        if self.values.size != u.size:
            raise DescriptionError(
                tr("{given} values are given for {places} places.", given=self.values.size, places=u.size)
            )
        return self.values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Listed) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        low, high = self.bounds()
        return f"Listed({self.values.size} values from {low:g} to {high:g})"


def listed(values: Any) -> float | Listed:
    """One number where all are the same, else the array."""
    array = np.asarray(values, np.float64)
    if array.size and np.all(array == array.flat[0]):
        return float(array.flat[0])
    return Listed(array)


def wire(i: Any, j: Any, sizes: tuple[int, int]) -> tuple[Wiring, NDArray[np.int64]]:
    """The wiring of the synapses i → j, and the order in which their weights and delays belong.

    A complete or one-to-one list becomes the rule it is, because a chip may store that more cheaply.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415  SciPy only when something is read

    i, j = np.asarray(i, np.int64), np.asarray(j, np.int64)
    order = np.lexsort((i, j))
    rows, columns = sizes
    here, there = i[order], j[order]
    if i.size == rows * columns and i.size > 1:
        target, source = np.divmod(np.arange(rows * columns), rows)
        if np.array_equal(here, source) and np.array_equal(there, target):
            return AllToAll(), order
    if i.size == rows == columns and np.array_equal(here, there) and np.array_equal(here, np.arange(rows)):
        return OneToOne(), order
    return Explicit(coo_array((np.ones(i.size), (i, j)), shape=sizes)), order


def scale_of(*levels: Any, in_volts: bool) -> float:
    """What one unit of a potential becomes here, V: 1 for volts in a neuron's range, else a power of two that brings it there.

    Potentials without unit have no scale of their own, and a power of two changes no spike: it only moves the point.
    """
    most = max(float(np.max(np.abs(level))) for level in levels)
    if in_volts and most <= 0.1:
        return 1.0
    return 2.0 ** math.floor(math.log2(0.05 / most)) if most > 0 else 2.0**-5
