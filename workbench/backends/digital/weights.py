"""Weights as a digital chip keeps them: whole numbers of a few bits with one scale for a matrix, or for each of its columns.

A weight w becomes q · s with the whole number q = round(w / s), |q| at most 2^(bits−1) − 1 (so 1, 7 or 127), symmetric about zero. The
scale s is the largest |w| over that, or the smaller one that makes the sum of squared errors least (of `TRIES`; then the largest weights
are clipped), or the largest |w| itself where all weights are of one size (then nothing is lost). Onto receptors with a grid of weights
s is rounded up to the grid, so that sums of spikes stay exact and Brian2 can be held against the chip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.digital import DigitalChip
from workbench.circuits.synapses import Gap
from workbench.circuits.unfold import Block
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["Kept", "carried", "keep"]

TRIES = tuple(np.linspace(1.0, 0.1, 37).tolist())
"""Shares of the largest weight that are tried as the end of the range."""

Scale = float | NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Kept:
    """A projection's weights on the chip: `numbers` · `scale` in canonical order, or one number for all."""

    block: Block
    numbers: float | NDArray[np.float64]
    """Whole numbers; with `weight_bits=0` the weights themselves."""
    scale: Scale
    """One number, or one for each target neuron; 1 with `weight_bits=0`."""

    def at(self, edges: NDArray[Any] | None) -> NDArray[np.float64]:
        """The numbers of these synapses, or of all."""
        if not isinstance(self.numbers, np.ndarray):
            return np.full(self.block.count if edges is None else len(edges), self.numbers)
        return self.numbers if edges is None else self.numbers[edges]

    @property
    def realised(self) -> Block:
        """The projection with the weights the chip really has."""
        if not isinstance(self.scale, np.ndarray):
            weight: Any = self.numbers * self.scale
        else:
            weight = self.at(None) * self.scale[self.block.edges()[1]]
        return replace(self.block, weight=weight)


def carried(block: Block) -> bool:
    """Whether the chip multiplies by this projection's weights: not a gap junction, not a current from outside."""
    return block.emits != "current" and not isinstance(block.kind, Gap)


def keep(block: Block, chip: DigitalChip) -> tuple[Kept, tuple[str, ...]]:
    """A projection's weights in the chip's bits, and a sentence when that changes them; raises DescriptionError for one that is not finite."""
    low, high = block.extremes()["weight"]
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DescriptionError(
            tr(
                "Projection '{name}': weights must be finite; they reach from {low} to {high}.",
                name=block.name,
                low=low,
                high=high,
            )
        )
    weights = block.weights()
    if not chip.weight_bits:
        return Kept(block, weights, 1.0), ()
    most = float(2 ** (chip.weight_bits - 1) - 1)
    grid = 0.0 if block.emits == "values" else block.kind.grid
    w = np.asarray(weights, np.float64)
    if w.ndim == 0:
        return Kept(block, float(np.sign(w)), abs(float(w)) or 1.0), ()
    columns = block.edges()[1] if chip.weight_scale == "column" else np.zeros(w.size, np.int32)
    size = block.sizes[1] if chip.weight_scale == "column" else 1
    scale = _scale(w, columns, size, most, grid, TRIES if chip.weight_fit == "squares" else TRIES[:1])
    each = scale[columns]
    numbers = np.clip(np.rint(w / each), -most, most)
    kept = Kept(block, numbers, scale if chip.weight_scale == "column" else float(scale[0]))
    clipped = int(np.count_nonzero(np.abs(w) > (most + 0.5) * each))
    return kept, _losses(block.name, w, numbers * each, clipped, chip)


def _scale(
    w: NDArray[np.float64], columns: NDArray[Any], size: int, most: float, grid: float, tries: tuple[float, ...]
) -> NDArray[np.float64]:
    """The scale of each column."""
    heights = np.abs(w)
    largest, least = np.zeros(size), np.full(size, np.inf)
    np.maximum.at(largest, columns, heights)
    np.minimum.at(least, columns, np.where(heights > 0, heights, np.inf))
    best, error = np.ones(size), np.full(size, np.inf)
    for share in tries:
        scale = largest * share / most
        if grid:
            scale = np.ceil(scale / grid) * grid
        scale = np.where(scale > 0, scale, 1.0)
        each = scale[columns]
        off = np.bincount(columns, (np.clip(np.rint(w / each), -most, most) * each - w) ** 2, size)
        best, error = np.where(off < error, scale, best), np.minimum(off, error)
    return np.where(least == largest, largest, best)


def _losses(
    name: str, w: NDArray[np.float64], kept: NDArray[np.float64], clipped: int, chip: DigitalChip
) -> tuple[str, ...]:
    off = np.abs(kept - w)
    changed = off > 1e-9 * np.max(np.abs(w), initial=0.0)
    if not changed.any():
        return ()
    relative = float(np.max(off / np.maximum(np.abs(w), 1e-300)))
    said = [
        tr(
            "{name}: {changed} of {count} weights rounded to {bits} bits; the largest error is {relative:.3g} of the weight, {share:.3g} of the largest.",
            name=name,
            changed=int(np.count_nonzero(changed)),
            count=w.size,
            bits=chip.weight_bits,
            relative=relative,
            share=float(np.max(off) / np.max(np.abs(w))),
        )
    ]
    if gone := int(np.count_nonzero((kept == 0) & (w != 0))):
        said.append(tr("{name}: {count} weights became zero.", name=name, count=gone))
    if clipped:
        said.append(tr("{name}: {count} weights clipped at the end of the range.", name=name, count=clipped))
    return tuple(said)
