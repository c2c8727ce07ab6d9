"""Heat in a stack of layers: where power goes in, how hot every cell becomes, and how warm the coolant leaves.

A `Stack` is layers from the top (where nothing leaves, unless `top_film` says so) to the face that a coolant wets. Sides are closed.
Each layer is as many cells high as `slices` says; between cells stand two half cells in series with the interface between layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError, unknown
from workbench.physics.coolant import drifted, ladder
from workbench.physics.krylov import settled
from workbench.physics.materials import Solid
from workbench.physics.ranges import not_negative, positive, sheet, whole
from workbench.physics.sheets import Sheets
from workbench.words import tr

__all__ = ["Field", "Layer", "Stack"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """A layer of a stack: a solid, how thick it is (m), and what resists between it and the layer below it."""

    name: str
    solid: Solid
    thickness: float
    interface: float = 0.0
    """Resistance × area towards the next layer or the coolant, K m²/W: glue, TIM."""
    slices: int = 1
    """Cells through its thickness."""
    cover: ArrayLike = 1.0
    """How much of the solid lies along the layer in every cell, 0 … 1: a number, or rows × columns (a round wafer, gaps between
    chiplets). It scales what the layer conducts along itself; what it holds and conducts downward stays, as through a fill."""

    def __post_init__(self) -> None:
        positive("thickness", self.thickness, "m")
        not_negative("interface", self.interface, "K m²/W")
        whole("slices", self.slices)
        cover = np.asarray(self.cover, dtype=np.float64)
        if not (np.isfinite(cover).all() and cover.size and cover.min() >= 0 and cover.max() <= 1):
            raise DescriptionError(
                tr("The cover of layer '{name}' must lie between 0 and 1 everywhere.", name=self.name)
            )


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Stack:
    """Layers on one grid, cooled from below: the description of a wafer on its cold plate.

    `film` is the coefficient of the coolant (W/(m² K), a number or rows × columns), `inlet` its temperature on entry (K), `flow` what
    it carries per kelvin in all (ṁ c, W/K; infinite: it does not warm), along the columns. Raises DescriptionError for shapes and
    numbers that make no sense.
    """

    layers: Sequence[Layer]
    size: tuple[float, float]
    cells: tuple[int, int]
    film: ArrayLike
    inlet: float = 293.15
    flow: float = math.inf
    top_film: float = 0.0
    """Film coefficient on the top face, to surroundings at the coolant's inlet temperature: 0, nothing leaves there."""

    def __post_init__(self) -> None:
        whole("layers", len(self.layers))
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise DescriptionError(tr("Two layers have one name: {names}.", names=", ".join(names)))
        sheet("film", self.film, self.cells, "W/(m² K)")
        positive("inlet", self.inlet, "K")
        if not self.flow > 0:
            raise DescriptionError(
                tr("flow is {flow:g} W/K: it must be above 0; infinite, the coolant does not warm.", flow=self.flow)
            )
        if not_negative("top_film", self.top_film, "W/(m² K)") and sum(layer.slices for layer in self.layers) < 2:
            raise DescriptionError(tr("A stack of one slice cannot be cooled on both faces: give its layer slices=2."))
        _ = self.sheets

    @cached_property
    def sheets(self) -> Sheets:
        """The conducting sheets that stand for the stack: one for every slice of every layer, the wetted one last."""
        along, store, half, gap = [], [], [], []
        for layer in self.layers:
            high = layer.thickness / layer.slices
            cover = np.asarray(layer.cover, dtype=np.float64)
            for k in range(layer.slices):
                along.append(cover * (layer.solid.conductivity * high))
                store.append(
                    layer.solid.volumetric * high * cover if cover.min() > 0 else layer.solid.volumetric * high
                )
                half.append(high / 2 / layer.solid.conductivity)
                gap.append(layer.interface if k == layer.slices - 1 else 0.0)
        across = [1 / (half[k] + gap[k] + half[k + 1]) for k in range(len(half) - 1)]
        ground: list[ArrayLike] = [0.0] * len(half)
        if self.top_film:
            ground[0] = 1 / (half[0] + 1 / self.top_film)
        ground[-1] = np.asarray(ground[-1]) + self._wetted(half[-1] + gap[-1])
        return Sheets(cells=self.cells, size=self.size, along=along, across=across, ground=ground, store=store)  # pyright: ignore[reportArgumentType]

    def _wetted(self, above: float) -> Array:
        """What the wetted face conducts to the coolant that comes in, per area: shared out so that a warming coolant balances."""
        film = np.asarray(self.film, dtype=np.float64)
        with np.errstate(divide="ignore"):
            plain = 1 / (above + 1 / film)
        if math.isinf(self.flow):
            return plain
        if film.ndim and film.min() < film.max():
            raise DescriptionError(
                tr("A coolant that warms needs one film coefficient for the whole plate; film varies.")
            )
        return self._row_flow * -np.expm1(-plain * self.sheet_area / self._row_flow) / self.sheet_area

    @property
    def sheet_area(self) -> float:
        """The area of one cell, m²."""
        return self.size[0] * self.size[1] / (self.cells[0] * self.cells[1])

    @property
    def _row_flow(self) -> float:
        """What the coolant of one row of cells carries per kelvin, W/K."""
        return self.flow / self.cells[0]

    def slice_of(self, name: str) -> int:
        """The number of the first slice of the layer called `name`."""
        at = 0
        for layer in self.layers:
            if layer.name == name:
                return at
            at += layer.slices
        raise unknown("layer", name, [layer.name for layer in self.layers])

    def resistance(self) -> float:
        """The lumped resistance (K/W) from the middle of the top slice to the coolant: Σ t/kA + interfaces + 1/hA, all layers covered."""
        stacked = [layer.thickness / layer.solid.conductivity + layer.interface for layer in self.layers]
        first = self.layers[0]
        stacked[0] -= first.thickness / first.slices / 2 / first.solid.conductivity
        return (sum(stacked) + 1 / float(np.mean(np.asarray(self.film)))) / (self.size[0] * self.size[1])

    def source(self, power: Mapping[str, ArrayLike]) -> Array:
        """What every cell takes in per area (slices, rows, columns) for watts per cell of the named layers.

        A number is the layer's whole power, spread evenly. Raises DescriptionError for negative power.
        """
        put = np.zeros(self.sheets.shape)
        for name, watts in power.items():
            given = sheet("power", watts, self.cells, "W")
            at = self.slice_of(name)
            slices = next(layer.slices for layer in self.layers if layer.name == name)
            each = given if np.ndim(watts) else given / given.size
            put[at : at + slices] += each / (self.sheet_area * slices)
        return put

    def field(self, power: Mapping[str, ArrayLike], *, near: Array | None = None) -> Field:
        """The steady temperatures for watts per cell of the named layers (or a layer's whole watts, spread evenly).

        `near` is a guess that saves time: of the coolant's rise on its way into each cell (rows, columns), where it warms; of the whole
        rise (slices, rows, columns), where layers differ from cell to cell.
        """
        put = self.source(power)
        coolant = np.full((self.cells[0], self.cells[1] + 1), self.inlet)
        warms = not math.isinf(self.flow)
        if warms and self.sheets.uniform:
            coolant += self._warmed(put, near)
            rise = self.sheets.solve(put, reservoir=self.beneath(coolant[:, :-1] - self.inlet))
        elif warms or (near is not None and not self.sheets.uniform):
            rise = self.sheets.coupled(put, self.carried, near=near)
        else:
            rise = self.sheets.solve(put)
        if warms and not self.sheets.uniform:
            coolant += ladder(rise[-1], 0.0, self.share)
        return Field(stack=self, rise=rise, coolant=coolant, put=put)

    def carried(self, rise: Array) -> Array:
        """What a warming coolant brings back per area to every cell of a rise (rows, slices, columns), in its precision; 0 if it does not warm."""
        back = np.zeros_like(rise)
        if math.isinf(self.flow):
            return back
        np.multiply(drifted(rise[:, -1], self.share), back.dtype.type(self._film), out=back[:, -1])
        return back

    def beneath(self, rise: Array) -> Array | float:
        """The reservoirs of the sheets when the coolant has risen by so much under each cell."""
        if not rise.any():
            return 0.0
        held = np.zeros(self.sheets.shape)
        held[-1] = rise
        return held

    @cached_property
    def share(self) -> float:
        """What share of the difference to the wall the coolant takes in one cell."""
        return self._film * self.sheet_area / self._row_flow

    @property
    def _film(self) -> float:
        """What the wetted face conducts to a warming coolant, per area."""
        return float(np.asarray(self.sheets.ground[-1]).reshape(-1)[0])

    def _warmed(self, put: Array, near: Array | None) -> Array:
        """The coolant's rise above its inlet, (rows, columns + 1): wall and coolant make each other."""
        sheets = self.sheets
        respond = sheets.response(sheets.layers - 1, sheets.layers - 1)
        ground = sheets.ground[-1]
        bare = sheets.solve(put)[-1]
        base = self.drift(bare)

        def rest(theta: Array) -> Array:
            return theta - self.drift(respond(theta * ground))

        return ladder(bare + respond(settled(rest, base, near=near) * ground), 0.0, self.share)

    def drift(self, wall: Array) -> Array:
        """The coolant's rise on its way into each cell over a wall of so much rise."""
        return drifted(wall, self.share)

    def steps(self, power: Mapping[str, ArrayLike], *, dt: float, start: ArrayLike | None = None) -> Iterator[Array]:
        """The temperatures (slices, rows, columns) after each step of `dt` seconds, for ever, from `start` (default: the inlet).

        Constant power; the coolant does not warm (flow infinite), else raises DescriptionError.
        """
        if not math.isinf(self.flow):
            raise DescriptionError(
                tr("The course in time is computed for a coolant that does not warm; leave flow infinite.")
            )
        begin = 0.0 if start is None else np.asarray(start, dtype=np.float64) - self.inlet
        for rise in self.sheets.steps(self.source(power), dt=dt, start=begin):
            yield rise + self.inlet


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """The temperatures of a stack, and the balance of what went in and out."""

    stack: Stack
    rise: Array = field(repr=False)
    """K above the coolant's inlet (slices, rows, columns)."""
    coolant: Array = field(repr=False)
    """The coolant's temperature into each cell of a row and out of the last, K (rows, columns + 1)."""
    put: Array = field(repr=False)

    @property
    def temperature(self) -> Array:
        """K (slices, rows, columns)."""
        return self.rise + self.stack.inlet

    def of(self, name: str) -> Array:
        """The temperature of the first slice of the layer called `name`, K (rows, columns)."""
        return self.temperature[self.stack.slice_of(name)]

    @property
    def heat_in(self) -> float:
        """Watts put in."""
        return float(self.put.sum() * self.stack.sheet_area)

    @property
    def heat_out(self) -> float:
        """Watts that left: with the coolant that flowed off (or into one that does not warm), and through the top."""
        inlet = self.stack.inlet
        if math.isinf(self.stack.flow):
            return self.stack.sheets.lost(self.rise)[0]
        top = (
            float((self.rise[0] * self.stack.sheets.ground[0]).sum() * self.stack.sheet_area)
            if self.stack.top_film
            else 0.0
        )
        return top + float((self.coolant[:, -1] - inlet).sum()) * self.stack.flow / self.stack.cells[0]
