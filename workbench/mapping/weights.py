"""Weights as a chip keeps them: a mantissa of a few bits times a power of two, and the unit that loses least by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.circuits.unfold import Block, Realised
from workbench.words import tr

__all__ = ["GRAIN", "LARGEST", "Kept", "best_unit", "keep"]

GRAIN = 64.0
"""Weights and thresholds are whole multiples of this."""

LARGEST = 2.0**21 - 64
"""No weight is larger."""

_LOWER = 6
"""How many exponents below the one that clips nothing are tried: a few clipped weights may cost less than coarse steps for all."""

_EXACT = 1e-9
"""Relative errors below this are the float's own."""

_SAMPLE = 4096
"""So many weights of a projection decide about a unit."""


@final
@dataclass(frozen=True, eq=False)
class Kept:
    """The weights of a projection as the chip keeps them, in whole units, and what that lost."""

    weight: Realised
    losses: tuple[str, ...]


def keep(block: Block, wanted: Realised, chip: EventChip, *, grain: float = GRAIN) -> Kept:
    """The weights `wanted` (in units, one number or one per edge) with one exponent for the projection or for each target."""
    flat = np.atleast_1d(np.asarray(wanted, np.float64))
    if flat.size == 0:
        return Kept(wanted, ())
    low, high = _mantissas(chip.weight_bits)
    if float(flat.min()) >= low * grain and float(flat.max()) <= high * grain and np.all(flat % grain == 0):
        return Kept(wanted, ())  # as int8 weights do
    if chip.weight_scale == "neuron" and flat.size > 1:
        group = block.edges()[1].astype(np.int64)
        steps = grain * 2.0 ** _exponents(flat, group, block.sizes[1], chip.weight_bits, grain)[group]
    else:
        steps = np.array([grain * 2.0 ** _exponent(flat, chip.weight_bits, grain)])
    raw = np.rint(flat / steps)
    bounds = np.floor(LARGEST / steps)
    mantissa = np.clip(raw, np.maximum(low, -bounds), np.minimum(high, bounds))
    kept = np.asarray(mantissa * steps, np.float64)
    losses = ()
    present = flat != 0
    error = np.abs(kept - flat)[present] / np.abs(flat[present])
    if error.size and error.max() > _EXACT:
        count = block.count // flat.size  # one number may stand for many synapses
        losses = (
            tr(
                "{name}: weights in {bits} bits; the largest relative error is {worst:.3g} %, the mean {mean:.3g} %; {clipped} of {all} clipped, {zero} rounded to zero.",
                name=block.name,
                bits=chip.weight_bits,
                worst=100 * float(error.max()),
                mean=100 * float(error.mean()),
                clipped=int(np.count_nonzero(mantissa != raw)) * count,
                all=block.count,
                zero=int(np.count_nonzero(present & (kept == 0))) * count,
            ),
        )
    return Kept(float(kept[0]) if np.ndim(wanted) == 0 else kept, losses)


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
