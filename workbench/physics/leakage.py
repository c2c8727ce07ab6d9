"""Leakage that grows with temperature, and temperature that grows with leakage: where they meet, and where they never do.

    P_leak(T) = P₀ 2^((T − T₀)/d)          doubles every d kelvin

Lumped, T = T_c + R (P_dyn + P_leak(T)) has the closed form of Lambert's W; on a stack it is solved cell by cell by Newton's method from
below. Thermal runaway is named as such: it starts where one more kelvin of heat makes more than one kelvin of heat again (loop gain
R dP/dT ≥ 1), and for the lumped case the power where that happens is a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.physics.feedback import feedback
from workbench.physics.heat import Field, Stack
from workbench.physics.ranges import not_negative, positive, sheet
from workbench.words import tr

__all__ = ["Leakage", "RunawayError", "Settled", "lumped", "onset", "runaway_scale", "settle"]

Array = NDArray[np.float64]

_ROUNDS = 40
_CLOSE = 1e-9  # K: how near Newton's last step must come


class RunawayError(DescriptionError):
    """Thermal runaway: no steady temperature exists, for leakage grows faster than heat is carried off."""


@final
@dataclass(frozen=True, kw_only=True)
class Leakage:
    """Leakage of a chip or of each of its cells: `power` (W) at `reference` (K), doubling every `doubling` kelvin."""

    power: float
    reference: float
    doubling: float

    def __post_init__(self) -> None:
        not_negative("power", self.power, "W")
        positive("reference", self.reference, "K")
        positive("doubling", self.doubling, "K")

    @property
    def scale(self) -> float:
        """The kelvins in which leakage grows by e: d / ln 2."""
        return self.doubling / math.log(2.0)

    def at(self, temperature: float) -> float:
        """The leakage (W) at a temperature (K)."""
        return self.power * 2 ** ((temperature - self.reference) / self.doubling)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Settled:
    """Where leakage and temperature meet: the field, both powers per cell, and how near runaway is."""

    field: Field
    dynamic: Array
    leakage: Array
    gain: float
    """Loop gain: how many watts of leakage one more watt of leakage makes through its own heat; runaway at 1."""
    rounds: int

    @property
    def power(self) -> float:
        """Watts in all."""
        return float(self.dynamic.sum() + self.leakage.sum())


def lumped(dynamic: float, resistance: float, leakage: Leakage, *, coolant: float) -> tuple[float, float]:
    """The temperature (K) and the loop gain of a chip of `dynamic` W over `resistance` K/W to a coolant of `coolant` K.

    T = T_a + s y with T_a = T_c + R P_dyn and y e^(−y) = R P_leak(T_a)/s; the gain is y. Raises RunawayError when there is no such y.
    """
    from scipy.special import lambertw  # noqa: PLC0415  SciPy only where it is needed

    bare = coolant + positive("resistance", resistance, "K/W") * not_negative("dynamic", dynamic, "W")
    grows = resistance * leakage.at(bare) / leakage.scale
    if grows > math.exp(-1):
        start = onset(resistance, leakage, coolant=coolant)
        raise RunawayError(_lost(dynamic, start))
    gain = max(0.0, float(-lambertw(-grows).real))
    return bare + leakage.scale * gain, gain


def onset(resistance: float, leakage: Leakage, *, coolant: float) -> float:
    """The dynamic power (W) at which runaway starts: (T₀ − T_c + s (ln(s / R P₀) − 1)) / R; negative when it leaks away unused.

    There the chip sits s above what its dynamic power alone would make it, and leaks s/R.
    """
    s = leakage.scale
    if not leakage.power:
        return math.inf
    room = (
        leakage.reference
        - coolant
        + s * (math.log(s / (positive("resistance", resistance, "K/W") * leakage.power)) - 1)
    )
    return room / resistance


def settle(
    stack: Stack,
    layer: str,
    dynamic: ArrayLike,
    leakage: Leakage,
    *,
    share: ArrayLike | None = None,
    other: Mapping[str, ArrayLike] | None = None,
    measure_gain: bool = True,
) -> Settled:
    """Where a stack settles whose `layer` dissipates `dynamic` (W per cell, or W in all) and leaks besides.

    `leakage.power` is the whole layer's at its reference temperature; `share` says how it is spread (default: evenly). Newton's steps
    start below and rise: temperatures that feed one another upward can only meet at the lowest steady state. A step downward proves
    that there is none, for the loop gain has passed 1: RunawayError.
    """
    if other and layer in other:
        raise DescriptionError(
            tr("Layer '{name}' has its power in dynamic already; leave it out of other.", name=layer)
        )
    put = stack.source({layer: dynamic})
    here = stack.slice_of(layer)
    slices = _slices(stack, layer)
    own = put[here : here + slices].sum(axis=0) * stack.sheet_area
    spread = np.full(stack.cells, 1.0 / (stack.cells[0] * stack.cells[1]))
    if share is not None:
        spread = sheet("share", share, stack.cells, "")
        spread = spread / positive("share", float(spread.sum()))
    if other:
        put = put + stack.source(other)
    loop = feedback(stack, here, slices)
    coldest = leakage.power * spread
    state, bare = loop.begin(stack, put)

    def leaks(rise: Array) -> Array:
        return coldest * np.exp((rise + (stack.inlet - leakage.reference)) / leakage.scale)

    rounds = 0
    with np.errstate(over="ignore"):
        while rounds < _ROUNDS:
            rounds += 1
            leak = leaks(loop.rise(state))
            slope = leak / (leakage.scale * stack.sheet_area)
            short = loop.short(state, leak / stack.sheet_area, bare)
            if not np.isfinite(short).all() or slope.max() > 1e12:
                raise RunawayError(_lost(float(own.sum()), _estimate(stack, layer, leakage)))
            worst = float(np.abs(short).max())
            if worst < _CLOSE:
                break
            step = loop.step(slope, short, tolerance=max(1e-4, 1e-2 * _CLOSE / worst))
            if step is None or _leads_down(loop.rise(step), loop.rise(short)):
                raise RunawayError(_lost(float(own.sum()), _estimate(stack, layer, leakage)))
            state = state + step
        else:
            raise DescriptionError(tr("Leakage and temperature did not settle in {rounds} rounds.", rounds=_ROUNDS))
    gain = loop.gain(slope) if measure_gain else math.nan
    if gain > 1 + 1e-5:
        raise RunawayError(_lost(float(own.sum()), _estimate(stack, layer, leakage)))
    heat: dict[str, ArrayLike] = {**(other or {}), layer: own + leak}
    return Settled(field=stack.field(heat, near=loop.guess(state)), dynamic=own, leakage=leak, gain=gain, rounds=rounds)


def runaway_scale(
    stack: Stack,
    layer: str,
    dynamic: ArrayLike,
    leakage: Leakage,
    *,
    share: ArrayLike | None = None,
    tolerance: float = 1e-4,
) -> float:
    """How many times `dynamic` a stack bears before it runs away, by bisection; 0 when it leaks away with nothing running."""
    low, high = 0.0, 1.0
    given = np.asarray(dynamic, dtype=np.float64)

    def stands(scale: float) -> bool:
        try:
            settle(stack, layer, scale * given, leakage, share=share, measure_gain=False)
        except RunawayError:
            return False
        return True

    if not stands(0.0):
        return 0.0
    while stands(high):
        low, high = high, 2 * high
        if high > 2**40:
            return math.inf
    while high - low > tolerance * high:
        middle = (low + high) / 2
        low, high = (middle, high) if stands(middle) else (low, middle)
    return (low + high) / 2


def _slices(stack: Stack, layer: str) -> int:
    return next(part.slices for part in stack.layers if part.name == layer)


def _estimate(stack: Stack, layer: str, leakage: Leakage) -> float:
    """The lumped onset for an even plate: its resistance as the stack itself answers one even watt."""
    rise = stack.field({layer: 1.0}).rise
    here = stack.slice_of(layer)
    return onset(float(rise[here : here + _slices(stack, layer)].mean()), leakage, coolant=stack.inlet)


def _lost(dynamic: float, start: float) -> str:
    if start <= 0:
        return tr(
            "Thermal runaway: leakage alone heats faster than the cooling carries off, even with no dynamic power. Cool better, or leak less."
        )
    return tr(
        "Thermal runaway at {dynamic:.4g} W of dynamic power: leakage grows faster than the cooling carries off. With even power it starts at {start:.4g} W. Lower the power, cool better, or leak less.",
        dynamic=dynamic,
        start=start,
    )


def _leads_down(step: Array, short: Array) -> bool:
    """Whether Newton's step leads down from below: then no steady state exists.

    From below, heat is short everywhere (`short` > 0), and a gain above 1 turns whole modes of the step downward. Near the steady state
    what is short is rounding of either sign and proves nothing.
    """
    below = short.min() > -1e-3 * short.max()
    return bool(below and step.min() < -1e-2 * np.abs(step).max())
