"""A memory cell as data: its window, how badly it is written, how it drifts, how noisily it is read, and how pulses move it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import field, replace
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.chips.devices.laws import Law
from workbench.errors import DescriptionError, unknown
from workbench.fields import described, part, quantity
from workbench.recordings.prices import Citation
from workbench.units import S, ns, readable, s, uS
from workbench.words import tr

__all__ = ["BOLTZMANN", "Device", "Pulses", "Timed"]

Array = NDArray[np.float64]
Timed = tuple[tuple[float, Law], ...]
"""A law for each of some times since programming (s), rising."""
BOLTZMANN = 8.617333262e-5
"""eV/K."""
_ROOM = 300.0
_MOST_PULSES = 100_000
_SLACK = 1e-9
"""Rounding that does not count as leaving a range."""


@final
@described
class Pulses:
    """How one programming pulse moves a cell: soft bounds, with v = (g − low)/(high − low) between the device's bounds.

    Up by `up`·(1 − v)^`up_shape` of the window, down by `down`·v^`down_shape`. Shape 0 is a constant step, 1 an exponential approach.
    """

    up: float = quantity(
        0.02, "", low=1e-6, high=1.0, doc="largest step up, as a share of the distance between the bounds", log=True
    )
    down: float = quantity(
        0.02, "", low=1e-6, high=1.0, doc="largest step down, as a share of the distance between the bounds", log=True
    )
    up_shape: float = quantity(1.0, "", low=0.0, high=10.0, doc="how fast steps up shrink towards the top")
    down_shape: float = quantity(1.0, "", low=0.0, high=10.0, doc="how fast steps down shrink towards the bottom")
    cycle: float = quantity(
        0.0, "", low=0.0, high=5.0, doc="relative standard deviation of a step, from pulse to pulse"
    )
    spread: float = quantity(
        0.0, "", low=0.0, high=2.0, doc="relative standard deviation of the step size, from cell to cell"
    )


@final
@described
class Device:
    """A memory cell: formulas and the numbers in them, each cited, each valid in a stated range.

    Conductances in S, times since programming in s, temperatures in K, all arrays float64. A method raises DescriptionError for a value
    outside `valid`. A law carries the conductance it was fitted at, so a narrower window changes no absolute error.

        written        g₀ ~ N(target, programming_sd(target)²) at `reference_time` t₀, never below 0
        later          g(t) = (g₀ + shift(target, t) + relaxation) · (t/t₀)^−ν
        one read       N(g, read_sd(g, t)²), with read_sd² = constant² + state(g)² + (q(g₀)·g)²·ln((t + t_read)/(2 t_read))
        temperature    g · exp(−(E/k)(1/T − 1/300 K))
    """

    name: str = ""
    g_min: float = quantity(0.1 * uS, "µS", low=0.0, high=1 * S, doc="lowest conductance of the window")
    g_max: float = quantity(25 * uS, "µS", low=0.0, high=1 * S, doc="highest conductance of the window")
    reference_time: float = quantity(
        1 * s, "s", low=1e-9 * s, high=1e9 * s, doc="when the programming error holds", log=True
    )
    conductances: tuple[float, float] = (0.0, 1.0)
    """Where the laws were measured, S; the window must lie inside."""
    times: tuple[float, float] = (0.0, 1e10)
    """Times since programming that were measured, or that the laws are taken to hold for, s."""
    temperatures: tuple[float, float] = (200.0, 500.0)
    """Temperatures the law of temperature is taken to hold for, K."""
    programming: Law | None = None
    """Standard deviation at the reference time, S; None: written exactly."""
    relaxation: Timed = ()
    """Standard deviation at later times, S, the programming error included; between them linear over `relaxation_time`."""
    shift: Timed = ()
    """Mean change of the conductance by later times, S, from 0 at the reference time."""
    log_time: bool = True
    """Whether relaxation and shift go on linearly with ln t between the times given, or with t."""
    drift_mean: Law | None = None
    drift_sd: Law | None = None
    """Mean and standard deviation over cells of the drift exponent ν."""
    read_constant: float = quantity(
        0.0, "µS", low=0.0, high=1 * S, doc="white read noise, the same at every conductance"
    )
    read_state: Law | None = None
    """Standard deviation of white read noise that depends on the conductance, S."""
    flicker: Law | None = None
    """q of 1/f noise: relative standard deviation of a read is q·√ln((t + t_read)/(2 t_read))."""
    read_time: float = quantity(
        250 * ns, "ns", low=1e-3 * ns, high=1 * s, doc="length of a read in the law of 1/f noise", log=True
    )
    activation: Law | None = None
    """Activation energy of conduction, eV; None: the temperature changes nothing."""
    window_spread: float = quantity(
        0.0, "", low=0.0, high=0.5, doc="relative standard deviation of a cell's largest conductance"
    )
    pulses: Pulses = part(Pulses(), doc="how a pulse moves the cell")
    bounds: tuple[float, float] | None = None
    """The soft bounds of pulses, S; None: the window. Pulses stop at the window either way."""
    citations: Mapping[str, Citation] = field(default_factory=dict, hash=False)
    """Where each number comes from, by field name."""

    def check(self) -> None:
        """The window must be wider than nothing and lie where something was measured; times must rise; citations must name fields."""
        if self.g_max <= self.g_min:
            raise DescriptionError(
                tr(
                    "{name}: the conductance window from {low} to {high} has no width; write g_max above g_min.",
                    name=self._called,
                    low=readable(self.g_min, "µS"),
                    high=readable(self.g_max, "µS"),
                )
            )
        for g in (self.g_min, self.g_max):
            self._measured("conductance", g)
        if self.bounds is not None and not self.bounds[0] <= self.g_min < self.g_max <= self.bounds[1]:
            raise DescriptionError(
                tr(
                    "{name}: the soft bounds of its pulses, {low} … {high}, must hold the window.",
                    name=self._called,
                    low=readable(self.bounds[0], "µS"),
                    high=readable(self.bounds[1], "µS"),
                )
            )
        if self.reference_time < self.times[0] * (1 - _SLACK) or self.reference_time > self.times[1] * (1 + _SLACK):
            self._measured("time", self.reference_time)
        for timed in (self.relaxation, self.shift):
            at = [self.reference_time, *(t for t, _ in timed)]
            if any(b <= a for a, b in itertools.pairwise(at)):
                raise DescriptionError(
                    tr(
                        "{name}: the times of its laws must rise from the reference time on; they are {times} s.",
                        name=self._called,
                        times=", ".join(f"{t:g}" for t in at),
                    )
                )
        for name in self.citations:
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise unknown(f"field of {type(self).__name__}", name, self.__dataclass_fields__)  # type: ignore[attr-defined]

    # --- what is known of it ------------------------------------------------------------------------------------------

    @property
    def valid(self) -> dict[str, tuple[float, float]]:
        """The ranges outside which the device refuses: conductance (S), time since programming (s), temperature (K)."""
        return {"conductance": self.conductances, "time": self.times, "temperature": self.temperatures}

    @property
    def window(self) -> float:
        """g_max − g_min, S."""
        return self.g_max - self.g_min

    @property
    def drifts(self) -> bool:
        """Whether its conductance changes with time at all."""
        return self.drift_mean is not None or bool(self.shift) or bool(self.relaxation)

    @property
    def read_linear(self) -> bool:
        """Whether a read is equally noisy at every conductance."""
        return self.read_state is None and self.flicker is None

    @property
    def pulse_spread(self) -> float:
        """Relative standard deviation of the step size from cell to cell."""
        return self.pulses.spread

    @property
    def _called(self) -> str:
        return self.name or type(self).__name__

    def scaled(self, factor: float) -> Device:
        """A device all of whose conductances are `factor` times as large: the same errors as shares of the window. An assumption."""
        if not (math.isfinite(factor) and factor > 0):
            raise DescriptionError(tr("A device is scaled by {factor}: it must be a positive number.", factor=factor))

        def conductance(law: Law | None) -> Law | None:
            return law and law.stretched(factor, value=True)

        def number(law: Law | None) -> Law | None:
            return law and law.stretched(factor, value=False)

        def timed(laws: Timed) -> Timed:
            return tuple((t, law.stretched(factor, value=True)) for t, law in laws)

        assumed = Citation("assumed", f"every conductance of {self._called} times {factor:g}")
        return replace(
            self,
            name=f"{self._called} × {factor:g}",
            g_min=self.g_min * factor,
            g_max=self.g_max * factor,
            conductances=(self.conductances[0] * factor, self.conductances[1] * factor),
            programming=conductance(self.programming),
            relaxation=timed(self.relaxation),
            shift=timed(self.shift),
            drift_mean=number(self.drift_mean),
            drift_sd=number(self.drift_sd),
            read_constant=self.read_constant * factor,
            read_state=conductance(self.read_state),
            flicker=number(self.flicker),
            activation=number(self.activation),
            bounds=self.bounds and (self.bounds[0] * factor, self.bounds[1] * factor),
            citations={**self.citations, "g_max": assumed, "conductances": assumed},
        )

    # --- writing and ageing -------------------------------------------------------------------------------------------

    def programming_sd(self, g: ArrayLike) -> Array:
        """Standard deviation of the conductance at the reference time, after programming to `g`; S."""
        g = self._conductance(g)
        return np.zeros_like(g) if self.programming is None else self.programming(g)

    def spread_sd(self, g: ArrayLike, time: float) -> Array:
        """Standard deviation at `time` by programming and relaxation together, drift exponents left out; S."""
        g, time = self._conductance(g), self.at_time(time)
        first = np.zeros_like(g) if self.programming is None else self.programming(g)
        return self._between(((self.reference_time, None), *self.relaxation), first, g, time)

    def mean_shift(self, g: ArrayLike, time: float) -> Array:
        """Mean change by `time` of cells programmed to `g`, the power law left out; S."""
        g, time = self._conductance(g), self.at_time(time)
        return self._between(((self.reference_time, None), *self.shift), np.zeros_like(g), g, time)

    def drift_exponent(self, g: ArrayLike) -> tuple[Array, Array]:
        """Mean and standard deviation over cells of ν in g(t) = g₀ (t/t₀)^−ν, for cells programmed to `g`."""
        g = self._conductance(g)
        zero = np.zeros_like(g)
        return (
            zero if self.drift_mean is None else self.drift_mean(g),
            zero if self.drift_sd is None else self.drift_sd(g),
        )

    def at_temperature(self, g: ArrayLike, kelvin: float) -> Array:
        """Conductance at `kelvin` of cells that have `g` at 300 K; S."""
        g = np.asarray(g, dtype=np.float64)
        kelvin = self._measured("temperature", kelvin)
        if self.activation is None or kelvin == _ROOM:
            return g
        energy = self.activation(np.clip(g, *self.conductances))
        return g * np.exp(energy * ((1 / _ROOM - 1 / kelvin) / BOLTZMANN))

    def at_time(self, time: float) -> float:
        """The time since programming that is meant: 0 is the reference time; others must be measured ones."""
        return self.reference_time if time == 0 else self._measured("time", time)

    # --- reading ------------------------------------------------------------------------------------------------------

    def read_sd(self, g: ArrayLike, time: float = 0.0, *, written: ArrayLike | None = None) -> Array:
        """Standard deviation of one read at `time` since programming of cells with conductance `g` now; S.

        `written` is their conductance at the reference time, which 1/f noise follows; without it, `g`.
        """
        g, time = self._conductance(g), self.at_time(time)
        variance = np.full_like(g, self.read_constant**2)
        if self.read_state is not None:
            variance += self.read_state(g) ** 2
        if self.flicker is not None:
            q = self.flicker(g if written is None else self._conductance(written))
            variance += (q * g) ** 2 * max(math.log((time + self.read_time) / (2 * self.read_time)), 0.0)
        return np.sqrt(variance)

    # --- pulses -------------------------------------------------------------------------------------------------------

    def potentiate(self, g: ArrayLike, pulses: ArrayLike = 1, *, size: ArrayLike = 1.0) -> Array:
        """Conductance after `pulses` mean pulses up from `g`; `size` is a cell's own factor on the step. S."""
        low, high = self.bounds or (self.g_min, self.g_max)
        left = _approach(1 - self._share(g), self.pulses.up, self.pulses.up_shape, pulses, size)
        return np.minimum(high - (high - low) * left, self.g_max)

    def depress(self, g: ArrayLike, pulses: ArrayLike = 1, *, size: ArrayLike = 1.0) -> Array:
        """Conductance after `pulses` mean pulses down from `g`; `size` is a cell's own factor on the step. S."""
        low, high = self.bounds or (self.g_min, self.g_max)
        left = _approach(self._share(g), self.pulses.down, self.pulses.down_shape, pulses, size)
        return np.maximum(low + (high - low) * left, self.g_min)

    def pulse_sd(self, g: ArrayLike, *, up: bool = True) -> Array:
        """Standard deviation, from pulse to pulse, of one pulse's step at `g`; S."""
        moved = self.potentiate(g) if up else self.depress(g)
        return self.pulses.cycle * np.abs(moved - np.asarray(g, dtype=np.float64))

    # --- ranges -------------------------------------------------------------------------------------------------------

    def _share(self, g: ArrayLike) -> Array:
        """v: where `g` lies between the soft bounds."""
        low, high = self.bounds or (self.g_min, self.g_max)
        return np.clip((np.asarray(g, dtype=np.float64) - low) / (high - low), 0.0, 1.0)

    def _between(self, laws: tuple[tuple[float, Law | None], ...], first: Array, g: Array, time: float) -> Array:
        """The value at `time` between laws at given times: linear in ln t or t, the last one kept after its time."""
        value, before = first, laws[0][0]
        for at, law in laws[1:]:
            if law is None or time <= before:
                break
            if self.log_time:
                part_of = math.log(min(time, at) / before) / math.log(at / before)
            else:
                part_of = (min(time, at) - before) / (at - before)
            value = value + part_of * (law(g) - value)
            before = at
        return value

    def _conductance(self, g: ArrayLike) -> Array:
        g = np.asarray(g, dtype=np.float64)
        if g.size:
            # NaN fails both comparisons, so the test is that everything is inside.
            low, high = self.conductances
            slack = _SLACK * high
            if not (g.min() >= low - slack and g.max() <= high + slack):
                outside = g[~((g >= low - slack) & (g <= high + slack))]
                self._measured("conductance", float(outside.flat[0]))
        return g

    def _measured(self, what: str, value: float) -> float:
        """`value` if it lies where the device was measured; else the DescriptionError that says so."""
        low, high = self.valid[what]
        if low * (1 - _SLACK) - _SLACK * (high - low) <= value <= high * (1 + _SLACK):
            return float(value)
        unit, advice = {
            "conductance": ("µS", tr("write g_min and g_max inside it, or take another device")),
            "time": ("s", tr("write a time inside it (0 is the reference time), or take another device")),
            "temperature": ("K", tr("write a temperature inside it, or take another device")),
        }[what]
        raise DescriptionError(
            tr(
                "{name}: a {what} of {value} is outside what is known of it ({low} … {high}); {advice}.",
                name=self._called,
                what=tr(what),
                value=readable(value, unit),
                low=readable(low, unit),
                high=readable(high, unit),
                advice=advice,
            )
        )


def _approach(distance: Array, step: float, shape: float, pulses: ArrayLike, size: ArrayLike) -> Array:
    """The distance to a soft bound, as a share of the window, after pulses that each take `step`·distance^`shape` of it away."""
    n = np.asarray(pulses)
    if n.size and not (np.all(n >= 0) and np.all(n == np.floor(n)) and np.all(n <= _MOST_PULSES)):
        raise DescriptionError(
            tr(
                "Pulses are whole numbers from 0 to {most:,}; got {value}.",
                most=_MOST_PULSES,
                value=n[()] if n.ndim == 0 else n.min(),
            )
        )
    a = np.clip(step * np.asarray(size, dtype=np.float64), 0.0, 1.0)
    if shape == 1.0:
        return distance * (1 - a) ** n
    if shape == 0.0:
        return np.maximum(distance - n * a, 0.0)
    distance, a, n = (np.array(x) for x in np.broadcast_arrays(distance, a, n))
    for k in range(int(n.max()) if n.size else 0):
        distance = np.where(k < n, np.maximum(distance - a * distance**shape, 0.0), distance)
    return distance
