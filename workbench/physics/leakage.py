"""Leakage that grows with temperature, and temperature that grows with leakage: where they meet, and where they never do.

    P_leak(T) = P₀ 2^((T − T₀)/d)          doubles every d kelvin

Lumped, T = T_c + R (P_dyn + P_leak(T)) has the closed form of Lambert's W; on a stack it is solved cell by cell by Newton's method from
below. Thermal runaway is named as such: it starts where one more kelvin of heat makes more than one kelvin of heat again (loop gain
R dP/dT ≥ 1), and for the lumped case the power where that happens is a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.physics.heat import Field, Stack, settled
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
    own = put[here : here + _slices(stack, layer)].sum(axis=0) * stack.sheet_area
    spread = np.full(stack.cells, 1.0 / (stack.cells[0] * stack.cells[1]))
    if share is not None:
        spread = sheet("share", share, stack.cells, "")
        spread = spread / positive("share", float(spread.sum()))
    if other:
        put = put + stack.source(other)
    loop = _Loop(stack, here, _slices(stack, layer))
    bare = loop.bare(put) + stack.inlet
    coldest = leakage.power * spread

    def leaks(t: Array) -> Array:
        return coldest * np.exp((t - leakage.reference) / leakage.scale)

    t, rounds = bare, 0
    with np.errstate(over="ignore"):
        while rounds < _ROUNDS:
            rounds += 1
            slope = leaks(t) / leakage.scale
            short = bare + loop.rise(leaks(t)) - t
            if not np.isfinite(short).all() or slope.max() > 1e9:
                raise RunawayError(_lost(float(own.sum()), _estimate(stack, layer, leakage)))
            if np.abs(short).max() < _CLOSE:
                break
            step = _newton(loop, slope, short)
            if step is None:
                raise RunawayError(_lost(float(own.sum()), _estimate(stack, layer, leakage)))
            t = t + step
        else:
            raise DescriptionError(tr("Leakage and temperature did not settle in {rounds} rounds.", rounds=_ROUNDS))
    heat: dict[str, ArrayLike] = {**(other or {}), layer: own + leaks(t)}
    gain = _gain(loop, leaks(t) / leakage.scale) if measure_gain else math.nan
    if gain > 1 + 1e-5:
        raise RunawayError(_lost(float(own.sum()), _estimate(stack, layer, leakage)))
    return Settled(field=stack.field(heat), dynamic=own, leakage=leaks(t), gain=gain, rounds=rounds)


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
    watt = np.full(stack.cells, 1.0 / (stack.cells[0] * stack.cells[1]))
    return onset(
        float(_Loop(stack, stack.slice_of(layer), _slices(stack, layer)).rise(watt).mean()),
        leakage,
        coolant=stack.inlet,
    )


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


def _newton(loop: _Loop, slope: Array, short: Array) -> Array | None:
    """The step of Newton's method, or None when it would lead down from below: then no steady state exists.

    From below, heat is short everywhere (`short` > 0), and a gain above 1 turns whole modes of the step downward. Near the steady state
    what is short is rounding of either sign and proves nothing.
    """
    try:
        step = settled(lambda v: v - loop.rise(slope * v, 1e-8), short, tolerance=1e-6)
    except DescriptionError:
        return None
    below = short.min() > -1e-3 * short.max()
    return None if below and step.min() < -1e-2 * np.abs(step).max() else step


def _gain(loop: _Loop, slope: Array) -> float:
    """The largest eigenvalue of the loop by power iteration; all is positive, so it is simple and found."""
    v = np.ones_like(slope)
    gain = 0.0
    for _ in range(60):
        w = loop.rise(slope * v, 1e-8)
        before, gain = gain, float(w.max())
        if not gain:
            return 0.0
        v = w / gain
        if abs(gain - before) < 1e-6 * gain:
            break
    return gain


@final
class _Loop:
    """What watts per cell of one layer do to its own temperature, with a coolant that warms or not."""

    def __init__(self, stack: Stack, here: int, slices: int) -> None:
        self.stack, self.here, self.slices = stack, here, slices
        sheets = stack.sheets
        self.last = sheets.layers - 1
        self.warms = not math.isinf(stack.flow)
        self.own: Callable[[Array], Array] | None = None
        self.down: Callable[[Array], Array] | None = None
        if slices == 1:
            self.own = sheets.response(here, here)
            if self.warms:
                self.down = sheets.response(here, self.last)
        self.back: Callable[[Array], Array] | None = sheets.response(self.last, here) if self.warms else None
        self.wet = sheets.response(self.last, self.last) if self.warms else None

    def bare(self, put: Array) -> Array:
        """The mean rise of the layer's slices for what is put into all slices, per area."""
        u = self.stack.sheets.solve(put)
        return self._coupled(u[self.here : self.here + self.slices].mean(axis=0), u[self.last])

    def rise(self, watts: Array, tolerance: float = 1e-11) -> Array:
        """The rise of the layer for watts per cell put into it."""
        per_area = watts / self.stack.sheet_area
        if self.own is None:
            put = np.zeros(self.stack.sheets.shape)
            put[self.here : self.here + self.slices] = per_area / self.slices
            return self.bare(put)
        return self._coupled(self.own(per_area), self.down(per_area) if self.down else None, tolerance)

    def _coupled(self, own: Array, wall: Array | None, tolerance: float = 1e-11) -> Array:
        """The rise with the coolant warmed by its wall, which warms the wall in turn."""
        if wall is None or self.wet is None or self.back is None:
            return own
        wet, stack = self.wet, self.stack
        ground = stack.sheets.ground[-1]
        base = stack.drift(wall)
        if not base.any():
            return own
        theta = settled(lambda v: v - stack.drift(wet(v * ground)), base, tolerance=tolerance)
        return own + self.back(theta * ground)
