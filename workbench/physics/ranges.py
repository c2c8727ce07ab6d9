"""What a physical number may be: each check returns the number or says what is wrong with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["at_least", "not_negative", "positive", "sheet", "within", "whole"]

Array = NDArray[np.float64]


def positive(name: str, value: float, unit: str = "") -> float:
    """`value` if it is finite and above 0; raises DescriptionError naming it."""
    if not 0 < value < float("inf"):
        raise DescriptionError(
            tr("{name} is {value:g} {unit}: it must be finite and above 0.", name=name, value=value, unit=unit)
        )
    return float(value)


def not_negative(name: str, value: float, unit: str = "") -> float:
    """`value` if it is finite and not below 0; raises DescriptionError naming it."""
    return at_least(name, value, 0.0, unit)


def at_least(name: str, value: float, low: float, unit: str = "") -> float:
    """`value` if it is finite and not below `low`; raises DescriptionError naming it."""
    if not low <= value < float("inf"):
        raise DescriptionError(
            tr(
                "{name} is {value:g} {unit}: it must be finite and at least {low:g}.",
                name=name,
                value=value,
                unit=unit,
                low=low,
            )
        )
    return float(value)


def within(name: str, value: float, low: float, high: float, unit: str = "") -> float:
    """`value` if it lies between `low` and `high`, both included; raises DescriptionError naming it."""
    if not low <= value <= high:
        raise DescriptionError(
            tr(
                "{name} is {value:g} {unit}: it must lie between {low:g} and {high:g}.",
                name=name,
                value=value,
                unit=unit,
                low=low,
                high=high,
            )
        )
    return float(value)


def whole(name: str, value: int, low: int = 1) -> int:
    """`value` if it is a whole number not below `low`; raises DescriptionError naming it."""
    if isinstance(value, bool) or int(value) != value or value < low:
        raise DescriptionError(
            tr("{name} is {value}: it must be a whole number, at least {low}.", name=name, value=value, low=low)
        )
    return int(value)


def sheet(name: str, value: ArrayLike, shape: tuple[int, ...], unit: str, *, signed: bool = False) -> Array:
    """`value` as float64 of `shape`; raises DescriptionError for another shape, for what is not finite and, unless `signed`, for negatives."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim and array.shape != shape:
        raise DescriptionError(
            tr("{name} has shape {shape}; {wanted} is needed.", name=name, shape=array.shape, wanted=shape)
        )
    if not np.isfinite(array).all():
        raise DescriptionError(tr("{name} holds values that are not finite.", name=name))
    if not signed and array.size and array.min() < 0:
        raise DescriptionError(
            tr("{name} is {value:g} {unit} somewhere: it may not be negative.", name=name, value=array.min(), unit=unit)
        )
    return np.broadcast_to(array, shape)
