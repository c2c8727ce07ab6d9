"""Weights as a chip keeps them: a mantissa of a few bits times a power of two, and the unit that loses least by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.circuits.synapses import Receptor
from workbench.circuits.unfold import Block, Realised
from workbench.words import tr

__all__ = ["GRAIN", "LARGEST", "MANY", "best_unit", "keep", "sampled"]

GRAIN = 64.0
"""Weights and thresholds are whole multiples of this."""

LARGEST = 2.0**21 - 64
"""No weight is larger."""

MANY = 1_000_000
"""Of a projection with more synapses than this a sample decides."""

_LOWER = 6
"""How many exponents below the one that clips nothing are tried: a few clipped weights may cost less than coarse steps for all."""

_EXACT = 1e-9
"""Relative errors below this are the float's own."""

_SAMPLE = 512
"""So many weights of a projection decide about a unit."""


def sampled(block: Block) -> Realised:
    """The weights of a block that decide about units and exponents: all, or of a large block an even sample with the extremes."""
    if not block.weighted or block.count <= MANY:
        return block.weights()
    numbers = np.linspace(0, block.count - 1, MANY).astype(np.int64)
    return np.concatenate([np.asarray(block.weights(numbers)), block.extremes()["weight"]])


def keep(
    block: Block, factor: Realised, chip: EventChip, *, grain: float = GRAIN, kind: Receptor | None = None
) -> tuple[Block, tuple[str, ...]]:
    """The block with weights · factor in whole units, one exponent for the projection or for each target; and what that lost.

    `factor` (units a weight) is one number or one per target. The weights of a block stay a rule where one exponent holds for all.
    """
    low, high = _mantissas(chip.weight_bits)
    of_target = np.ndim(factor) > 0 or (chip.weight_scale == "neuron" and block.weighted)
    if not of_target:
        wanted = np.atleast_1d(np.asarray(sampled(block)) * factor)
        step = grain * 2.0 ** _exponent(wanted, chip.weight_bits, grain)
        made = block.mapped(weight=lambda w: _rounded(w * factor, step, low, high), kind=kind)
        kept = _rounded(wanted, step, low, high)
    else:
        group = block.edges()[1].astype(np.int64)
        wanted = np.broadcast_to(
            np.asarray(block.weights()) * np.broadcast_to(factor, block.sizes[1])[group], group.shape
        )
        if chip.weight_scale == "neuron":
            step = grain * 2.0 ** _exponents(wanted, group, block.sizes[1], chip.weight_bits, grain)[group]
        else:
            step = np.array(grain * 2.0 ** _exponent(wanted, chip.weight_bits, grain))
        kept = _rounded(wanted, step, low, high)
        made = replace(block.mapped(kind=kind), weight=kept)
    return made, _losses(block, chip, wanted, kept, step)


def _rounded(wanted: Any, step: Any, low: int, high: int) -> NDArray[np.float64]:
    bound = np.floor(LARGEST / step)
    return np.clip(np.rint(wanted / step), np.maximum(low, -bound), np.minimum(high, bound)) * step


def _losses(
    block: Block, chip: EventChip, wanted: NDArray[np.float64], kept: NDArray[np.float64], step: Any
) -> tuple[str, ...]:
    """A sentence on the weights; for a large block, with the numbers of its sample."""
    present = wanted != 0
    error = np.abs(kept - wanted)[present] / np.abs(wanted[present])
    if not error.size or error.max() <= _EXACT:
        return ()
    share = block.count / wanted.size
    # A weight that moved by more than half a step was clipped.
    clipped = np.count_nonzero(np.abs(kept - wanted) > 0.5 * step * (1 + _EXACT))
    return (
        tr(
            "{name}: weights in {bits} bits; the largest relative error is {worst:.3g} %, the mean {mean:.3g} %; {clipped} of {all} clipped, {zero} rounded to zero.",
            name=block.name,
            bits=chip.weight_bits,
            worst=100 * float(error.max()),
            mean=100 * float(error.mean()),
            clipped=round(share * clipped),
            all=block.count,
            zero=round(share * np.count_nonzero(present & (kept == 0))),
        ),
    )


def best_unit(least: float, wanted: Sequence[Realised], chip: EventChip) -> float:
    """Of the units from `least` to twice that, the one with the smallest error of the weights; the smallest one of equals.

    Single weights name the candidates: each unit that makes one of them a whole mantissa. Many weights are judged by a sample.
    """
    samples = [_sample(w) for w in wanted]
    samples = [s for s in samples if s.size]
    candidates = [least]
    high = _mantissas(chip.weight_bits)[1]
    for s in samples:
        if s.size == 1:
            mantissas = np.arange(max(1, high // 2), min(high, 4096) + 1)
            units = abs(s[0]) / (mantissas * GRAIN)
            units = units * 2.0 ** np.ceil(np.log2(least / units))
            candidates += units[(units >= least) & (units < 2 * least)].tolist()
    if any(s.size > 1 for s in samples):
        candidates += (least * 2.0 ** (np.arange(16) / 16)).tolist()
    errors = [sum(_error(s / unit, chip.weight_bits) for s in samples) for unit in sorted(candidates)]
    return float(sorted(candidates)[int(np.argmin(np.round(errors, 12)))])


def _sample(weights: Realised) -> NDArray[np.float64]:
    flat = np.atleast_1d(np.asarray(weights, np.float64))
    flat = flat[flat != 0]
    if flat.size > _SAMPLE:
        flat = np.sort(flat)[np.linspace(0, flat.size - 1, _SAMPLE).astype(np.int64)]
    if flat.size > 1 and np.all(flat == flat[0]):
        return flat[:1]
    return flat


def _error(weights: NDArray[np.float64], bits: int) -> float:
    """The squared error of the weights over their square, with the best exponent."""
    low, high = _mantissas(bits)
    step = GRAIN * 2.0 ** _exponent(weights, bits, GRAIN)
    kept = np.clip(np.rint(weights / step), low, high) * step
    return float(np.sum((kept - weights) ** 2) / np.sum(weights**2))


def _mantissas(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _exponent(weights: NDArray[np.float64], bits: int, grain: float) -> int:
    """The exponent (0 or more) with the least squared error for all weights, the largest one of equals."""
    low, high = _mantissas(bits)
    best = safe = _safe(float(np.max(np.abs(weights), initial=0.0)) / (grain * high))
    least = np.inf
    for tried in range(safe, max(safe - _LOWER, 0) - 1, -1):
        step = grain * 2.0**tried
        off = np.clip(np.rint(weights / step), low, high) * step - weights
        error = float(off @ off)
        if error < least:
            best, least = tried, error
        elif error > 2 * least:
            break  # a finer grid rounds no worse, so what clipping alone costs is above `least` from here on
    return best


def _exponents(
    weights: NDArray[np.float64], group: NDArray[np.int64], groups: int, bits: int, grain: float
) -> NDArray[np.int64]:
    """`_exponent` for each group of weights."""
    low, high = _mantissas(bits)
    largest = np.zeros(groups)
    np.maximum.at(largest, group, np.abs(weights))
    safe = np.array([_safe(ratio) for ratio in (largest / (grain * high)).tolist()], np.int64)
    best, least = safe.copy(), np.full(groups, np.inf)
    for lower in range(_LOWER + 1):
        tried = np.maximum(safe - lower, 0)
        step = grain * 2.0 ** tried[group]
        off = np.clip(np.rint(weights / step), low, high) * step - weights
        error = np.bincount(group, off * off, groups)
        better = error < least
        best[better], least[better] = tried[better], error[better]
    return best


def _safe(ratio: float) -> int:
    """The smallest exponent that clips nothing, for the largest weight over the largest mantissa."""
    return max(0, math.ceil(math.log2(ratio))) if ratio > 1 else 0
