"""What watts of one layer do to the layer's own temperature, over a coolant that warms or not: the loop that leakage closes.

Of a stack of uniform layers the temperature t of one layer and the rise θ of the coolant are left, all else is eliminated. With q the
heat put into the layer per area, D what a coolant takes up over a wall (`Stack.drift`), g what the wetted face conducts to it:

    t = t₀ + R q + B (g θ)        θ = D(w₀ + B q + W (g θ))

Plane modes make R, B and W numbers for each mode (the layer to itself, to the wall and back by reciprocity, and the wall to itself). D
runs along columns, so θ is kept in modes of rows. A feedback q = s t with s from cell to cell is solved by GMRES, its mean folded into
the modes: only the departure of s from it, and the coolant, are left to iterate. These inner solves are float32, for each is one step
of an outer iteration that takes what is short anew in float64. Where layers differ from cell to cell, the state is the whole stack's
field and multigrid stands in for its operator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError
from workbench.physics.coolant import drifted
from workbench.physics.heat import Stack
from workbench.physics.krylov import settled

__all__ = ["Even", "Uneven", "feedback"]

Array = NDArray[Any]

COARSE = 32
"""Cells a side on which the loop's slowest mode is first looked for."""
_BOUNDS = 80


def feedback(stack: Stack, here: int, slices: int) -> Even | Uneven:
    """How the mean of the `slices` from number `here` of a stack, heated evenly, feeds back on itself."""
    return Even.of(stack, here, slices) if stack.sheets.uniform else Uneven(stack, here, slices)


@final
@dataclass(frozen=True, eq=False)
class Even:
    """The feedback of a layer in a stack of uniform layers; see the module.

    A state is (1, rows, columns): the layer's rise over the inlet; or (2, rows, columns) where the coolant warms: θ too, in modes of
    rows. Raises DescriptionError where the coolant carries too little to settle.
    """

    own: Array
    """R of each mode, K m²/W (rows, columns)."""
    across: Array
    """B."""
    wet: Array
    """W."""
    ground: float
    """g, W/(m² K)."""
    part: slice
    """The layer's slices."""
    share: float
    """Of the difference to the wall, what the coolant takes in one cell; 0: it does not warm."""

    @classmethod
    def of(cls, stack: Stack, here: int, slices: int) -> Even:
        """The feedback in a stack; where its layers differ from cell to cell, that of their means."""
        sheets = stack.sheets
        up = sheets.answer({k: np.full(stack.cells, 1 / slices) for k in range(here, here + slices)})
        warms = not math.isinf(stack.flow)
        last = sheets.layers - 1
        return cls(
            up[here : here + slices].mean(axis=0),
            up[-1].copy(),
            sheets.gain(last, last) if warms else up[-1],
            float(np.ravel(sheets.ground[-1])[0]) if warms else 0.0,
            slice(here, here + slices),
            stack.share if warms else 0.0,
        )

    @property
    def fields(self) -> int:
        """How many fields a state has."""
        return 2 if self.share else 1

    def begin(self, stack: Stack, put: Array) -> tuple[Array, Array]:
        """The state without feedback for what is put in per area, and the modes of layer and wall over a coolant that does not warm."""
        given = {k: stack.sheets.modes(p) for k, p in enumerate(put) if p.any()}
        modes = stack.sheets.answer(given)
        bare = np.stack([modes[self.part].mean(axis=0), modes[-1]])
        return self._over(*bare, tolerance=1e-8), bare

    def rise(self, state: Array) -> Array:
        """The layer's rise over the inlet, K (rows, columns)."""
        return state[0]

    def guess(self, state: Array) -> Array | None:
        """What `Stack.field` may start from: the coolant's rise on its way into each cell; None where it does not warm."""
        from scipy import fft  # noqa: PLC0415

        return np.asarray(fft.idct(state[1], axis=0, norm="ortho")) if self.share else None

    def short(self, state: Array, heat: Array, bare: Array) -> Array:
        """By how much a state falls short of what `heat` per area makes of it, beside what `begin` found."""
        heated = _plane(heat)
        out = np.empty_like(state)
        out[0] = _unplane(bare[0] + self.own * heated + self._brought(state))
        if self.share:
            out[1] = self._drift(bare[1] + self.across * heated + self.wet * (_along(state[1]) * self.ground))
        return np.subtract(out, state, out=out)

    def step(self, slope: Array, short: Array, *, level: float = 1.0, tolerance: float = 1e-4) -> Array | None:
        """The change x of a state with level · x = short + what feedback of `slope`, W/(m² K), makes of x.

        None says that the even part of the feedback alone reaches `level`, or that the iteration does not settle.
        """
        own, across, wet = self._rounded
        kind = own.dtype.type
        mean, ground = kind(slope.mean()), kind(self.ground)
        rest = kind(level) - mean * own
        if not rest.min() > 0:
            return None
        rest = 1 / rest
        odd = (slope - mean).astype(kind)

        def apply(x: Array) -> Array:
            out = np.empty_like(x)
            heat = _plane(odd * x[0])
            theta = _along(x[1]) * ground if self.share else None
            layer = own * heat
            if theta is not None:
                layer += across * theta
            layer *= rest
            if theta is not None:
                np.subtract(x[1], self._drift(across * (heat + mean * layer) + wet * theta), out=out[1])
            np.subtract(x[0], _unplane(layer), out=out[0])
            return out

        right = np.empty(short.shape, kind)
        layer = _plane(short[0].astype(kind)) * rest
        if self.share:
            right[1] = short[1] + self._drift(across * (mean * layer))
        right[0] = _unplane(layer)
        try:
            return settled(apply, right, tolerance=tolerance).astype(np.float64)
        except DescriptionError:
            return None

    def gain(self, slope: Array) -> float:
        """The loop gain: the largest eigenvalue of what feedback of `slope` makes of a temperature.

        On a fine grid the shape that feeds back the most, and what feeds it the most (the same with the flow turned round), are looked
        for on a coarse one, and the former is led through the fine loop: the quotient over both is wrong by the product of their errors
        only.
        """
        if not slope.any():
            return 0.0
        if max(slope.shape) <= COARSE:
            return self._mode(slope)[0]
        shape, weight = self.shapes(slope)
        made = self._made(slope * shape)
        return float(np.vdot(weight, self._made(slope * made)) / np.vdot(weight, made))

    def shapes(self, slope: Array) -> tuple[Array, Array]:
        """The shape that feeds back on itself the most, and that of what feeds it the most, nearly: from a coarse grid."""
        cells = (min(slope.shape[0], COARSE), min(slope.shape[1], COARSE))
        coarse, few = self._coarse(cells), np.maximum(_resized(slope, cells), 0.0)
        shape = coarse._mode(few)[1]
        turned = coarse._mode(few[:, ::-1])[1][:, ::-1] if self.share else shape
        return _resized(shape, slope.shape), slope * _resized(turned, slope.shape)

    def _made(self, heat: Array) -> Array:
        """The layer's rise that so much heat per area makes of itself."""
        modes = _plane(heat)
        return self._over(self.own * modes, self.across * modes, tolerance=1e-7)[0]

    def _over(self, layer: Array, wall: Array, *, tolerance: float) -> Array:
        """The state for the modes of layer and wall over a coolant that does not warm."""
        state = np.zeros((self.fields, *layer.shape))
        if self.share:
            state[1] = settled(
                lambda v: v - self._drift(self.wet * (_along(v) * self.ground)), self._drift(wall), tolerance=tolerance
            )
        state[0] = _unplane(layer + self._brought(state))
        return state

    def _mode(self, slope: Array, tolerance: float = 1e-6) -> tuple[float, Array]:
        """The gain and the shape that feeds back on itself the most.

        Noda's iteration for matrices without negative entries (1971): inverse iteration whose shift is an upper bound and falls to the
        eigenvalue quadratically, between bounds at every step.
        """
        shape = np.ones_like(slope)
        level = float(self._made(slope).max()) * (1 + 1e-6)
        short = np.zeros((self.fields, *slope.shape))
        for _ in range(_BOUNDS):
            short[0] = shape
            made = self.step(slope, short, level=level, tolerance=1e-6)
            if made is None or made[0].min() <= 0:
                level *= 1 + 1e-3  # rounding led it below the eigenvalue
                continue
            ratio = shape / made[0]
            shape = made[0] / made[0].max()
            low, level = level - float(ratio.max()), level - float(ratio.min())
            if level - low < tolerance * level:
                break
        return level, shape

    def _coarse(self, cells: tuple[int, ...]) -> Even:
        """The same on fewer cells: the slow modes."""
        rows, columns = cells
        own, across, wet = (part[:rows, :columns] for part in (self.own, self.across, self.wet))
        times = self.own.shape[1] / columns
        share = -math.expm1(times * math.log1p(-self.share))
        ground = self.ground * share / (times * self.share) if self.share else 0.0
        return Even(own, across, wet, ground, self.part, share)

    @cached_property
    def _rounded(self) -> tuple[Array, ...]:
        """R, B and W in the precision of inner solves: double where that costs nothing."""
        kind = np.float32 if self.own.size > COARSE**2 else np.float64
        return tuple(part.astype(kind) for part in (self.own, self.across, self.wet))

    def _brought(self, state: Array) -> Array | float:
        """What the coolant's rise brings to the layer, in modes."""
        return self.across * (_along(state[1]) * self.ground) if self.share else 0.0

    def _drift(self, wall: Array) -> Array:
        """The coolant's rise in modes of rows, over a wall given in modes."""
        return drifted(_unalong(wall), self.share)


@final
class Uneven:
    """The feedback of a layer in a stack whose layers differ from cell to cell. A state is the whole rise (rows, slices, columns)."""

    def __init__(self, stack: Stack, here: int, slices: int) -> None:
        self.stack, self.here, self.part = stack, here, slice(here, here + slices)

    def begin(self, stack: Stack, put: Array) -> tuple[Array, Array]:
        """The state without feedback for what is put in per area, and the latter in the state's order."""
        return _turned(stack.sheets.coupled(put, stack.carried, tolerance=1e-7)), _turned(put)

    def rise(self, state: Array) -> Array:
        """The layer's rise over the inlet, K (rows, columns)."""
        return state[:, self.part].mean(axis=1)

    def guess(self, state: Array) -> Array | None:
        """What `Stack.field` may start from: the rise (slices, rows, columns)."""
        return _turned(state)

    def short(self, state: Array, heat: Array, bare: Array) -> Array:
        """About how much a state falls short of what `heat` per area makes of it, beside what was put in."""
        grid, around = self.stack.sheets.grids()
        put = bare + self.stack.carried(state) - grid.shed(state)
        return around.near(put + self._put(heat))

    def step(self, slope: Array, short: Array, *, tolerance: float = 1e-4) -> Array | None:
        """The change of a state that makes up for what is short, with feedback of `slope`; None where that does not settle."""
        around = self.stack.sheets.grids()[1]
        light = slope.astype(np.float32)

        def apply(x: Array) -> Array:
            return around.near(around.grid.shed(x) - self.stack.carried(x) - self._put(light * self.rise(x)))

        try:
            return settled(apply, short.astype(np.float32), tolerance=tolerance).astype(np.float64)
        except DescriptionError:
            return None

    def gain(self, slope: Array) -> float:
        """The loop gain, to about 1e-4: led through the loop as often as it takes, from the shapes of the layers' means."""
        if not slope.any():
            return 0.0
        shape, weight = Even.of(self.stack, self.here, self.part.stop - self.here).shapes(slope)
        gain, made = 0.0, np.maximum(shape, 0.0)
        for _ in range(_BOUNDS):
            before = made / made.max()
            made = self.rise(
                _turned(
                    self.stack.sheets.coupled(_turned(self._put(slope * before)), self.stack.carried, tolerance=1e-7)
                )
            )
            last, gain = gain, float(np.vdot(weight, made) / np.vdot(weight, before))
            if abs(gain - last) < 2e-5 * gain:
                break
        return gain

    def _put(self, heat: Array) -> Array:
        """Heat per area shared among the layer's slices, in the state's order."""
        sheets = self.stack.sheets
        out = np.zeros((sheets.cells[0], sheets.layers, sheets.cells[1]), heat.dtype)
        out[:, self.part] = (heat / heat.dtype.type(self.part.stop - self.here))[:, None]
        return out


def _turned(field: Array) -> Array:
    """Layers before rows, or rows before layers."""
    return np.ascontiguousarray(field.transpose(1, 0, 2))


def _resized(values: Array, cells: tuple[int, ...]) -> Array:
    """Values on another grid over the same plate, by the modes that both have."""
    modes = _plane(values)
    rows, columns = (min(a, b) for a, b in zip(modes.shape, cells))
    made = np.zeros(cells)
    made[:rows, :columns] = modes[:rows, :columns]
    return _unplane(made * math.sqrt(made.size / modes.size))


# Plane modes of closed edges: orthonormal cosines along both axes, or along the columns of a row alone


def _plane(values: Array) -> Array:
    from scipy import fft  # noqa: PLC0415  SciPy only where something is solved

    return np.asarray(fft.dct(fft.dct(values, axis=-1, norm="ortho"), axis=-2, norm="ortho", overwrite_x=True))


def _unplane(values: Array) -> Array:
    from scipy import fft  # noqa: PLC0415  SciPy only where something is solved

    return np.asarray(fft.idct(fft.idct(values, axis=-1, norm="ortho"), axis=-2, norm="ortho", overwrite_x=True))


def _along(values: Array) -> Array:
    from scipy import fft  # noqa: PLC0415  SciPy only where something is solved

    return np.asarray(fft.dct(values, axis=-1, norm="ortho"))


def _unalong(values: Array) -> Array:
    from scipy import fft  # noqa: PLC0415  SciPy only where something is solved

    return np.asarray(fft.idct(values, axis=-1, norm="ortho"))
