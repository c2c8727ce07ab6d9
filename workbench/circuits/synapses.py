"""Receptors: what an arriving spike, or value, does to the neuron. A neuron model owns them; a projection names one.

Arrivals of one step are summed first and then added once. Weights of spikes are rounded to a power-of-two grid (`Receptor.grid`),
so the sum is exact and the order of arrivals cannot matter in any backend. Values and their weights stay plain float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

__all__ = ["Conductance", "Current", "Delta", "Exponential", "Gap", "Jump", "Receptor", "Value"]


@dataclass(frozen=True)
class Receptor:
    """Abstract: what a spike (or a current, or a neighbour's voltage) does to the neuron's `variable`."""

    variable: str

    unit: ClassVar[str] = ""
    """The unit of a weight onto this receptor, as Brian2 writes it."""
    grid: ClassVar[float] = 2.0**-44
    """The spacing of allowed weights, SI: 2^53 of them still add up exactly."""
    takes: ClassVar[tuple[str, ...]] = ("spikes",)
    """What may go onto it: "spikes", "values" (what arrives is weight · value, in every step), or "current"."""


@final
@dataclass(frozen=True)
class Delta(Receptor):
    """A jump of `variable` by the weight (volt), discarded while the neuron is refractory."""

    unit: ClassVar[str] = "volt"
    takes: ClassVar[tuple[str, ...]] = ("spikes", "values")


@final
@dataclass(frozen=True)
class Exponential(Receptor):
    """A current that jumps by the weight (ampere) and decays with `tau` (seconds, or the name of a field of the neuron)."""

    tau: float | str = 5e-3
    unit: ClassVar[str] = "amp"
    grid: ClassVar[float] = 2.0**-74
    takes: ClassVar[tuple[str, ...]] = ("spikes", "values")


@final
@dataclass(frozen=True)
class Conductance(Receptor):
    """A conductance that jumps by the weight (siemens), decays with `tau`, and pulls towards `reversal`."""

    tau: float | str = 5e-3
    reversal: float | str = 0.0
    unit: ClassVar[str] = "siemens"
    grid: ClassVar[float] = 2.0**-70


@final
@dataclass(frozen=True)
class Jump(Receptor):
    """A jump of a discrete-time neuron's `variable` by the weight, a number without unit, in time for the step it is due in.

    `variable` then loses the share `leak` (a number, or the name of a field of the neuron) in each step; 1 empties it.
    """

    leak: float | str = 1.0
    unit: ClassVar[str] = "1"
    grid: ClassVar[float] = 2.0**-32
    takes: ClassVar[tuple[str, ...]] = ("spikes", "values")


@final
@dataclass(frozen=True)
class Value(Receptor):
    """A share of `variable` for this one step: weight · value, or weight · the spikes of the step; gone in the next.

    A number without unit, kept as it is: values are any numbers, so no grid of weights could make their sums exact.
    """

    unit: ClassVar[str] = "1"
    grid: ClassVar[float] = 0.0
    takes: ClassVar[tuple[str, ...]] = ("spikes", "values")


@final
@dataclass(frozen=True)
class Gap(Receptor):
    """An electrical synapse: a current weight × (neighbour's v − own v); the weight is a conductance (siemens). No spikes, no delay."""

    unit: ClassVar[str] = "siemens"
    grid: ClassVar[float] = 2.0**-70


@final
@dataclass(frozen=True)
class Current(Receptor):
    """A current handed in from outside by a current source (step, noise); the weight is a gain without unit."""

    unit: ClassVar[str] = "1"
    grid: ClassVar[float] = 0.0
    takes: ClassVar[tuple[str, ...]] = ("current",)
