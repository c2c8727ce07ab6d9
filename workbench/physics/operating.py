"""The operating point of a wafer: power makes heat, heat makes leakage, both draw current, current costs voltage, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError, unknown
from workbench.physics.grid import PowerGrid
from workbench.physics.heat import Stack
from workbench.physics.leakage import Leakage, Settled, settle
from workbench.physics.ranges import positive, sheet
from workbench.words import tr

__all__ = ["LOADS", "Operating", "operate"]

Array = NDArray[np.float64]

LOADS = ("regulated", "clocked")
"""How power answers a lower voltage: "regulated" holds dynamic power (converters at the point of load), "clocked" falls with V²."""

_ROUNDS = 200
_CLOSE = 1e-10  # of the supply


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Operating:
    """Where power, heat, leakage and supply meet."""

    settled: Settled
    voltage: Array
    """V at every cell."""
    current: Array
    """A into every cell."""
    grid_loss: float
    """W lost in the grid on the way, Σ I ΔV."""
    supply: float
    rounds: int

    @property
    def droop(self) -> float:
        """The deepest drop below the supply, V."""
        return float(self.supply - self.voltage.min())

    @property
    def power(self) -> float:
        """Watts drawn from the supply: Σ I V₀, equal to the heat of cells and grid together."""
        return float(self.current.sum()) * self.supply


def operate(
    stack: Stack,
    layer: str,
    grid: PowerGrid,
    dynamic: ArrayLike,
    leakage: Leakage,
    *,
    supply: float,
    load: Literal["regulated", "clocked"] = "regulated",
    share: ArrayLike | None = None,
    other: Mapping[str, ArrayLike] | None = None,
) -> Operating:
    """The operating point of a layer of `dynamic` watts per cell (or in all) at the full supply, leaking besides, behind a grid.

    Leakage current grows with temperature as `leakage` says and does not depend on the voltage; the grid's loss I ΔV heats the cell
    of `layer` the current is for. `other` layers (W per cell, or in all) hang on the same grid, cell by cell. Raises RunawayError, and DescriptionError where the supply collapses.
    """
    if load not in LOADS:
        raise unknown("load", load, LOADS)
    if grid.cells != stack.cells:
        raise DescriptionError(
            tr("The grid has {grid} cells, the stack {stack}: give both the same.", grid=grid.cells, stack=stack.cells)
        )
    positive("supply", supply, "V")
    given = _each("dynamic", dynamic, stack.cells)
    spread = np.ones(stack.cells) if share is None else sheet("share", share, stack.cells, "")
    spread = spread / spread.sum()
    drop, loss = np.zeros(stack.cells), np.zeros(stack.cells)
    above = {name: _each(name, watts, stack.cells) for name, watts in (other or {}).items()}
    exponent = 2 if load == "clocked" else 0
    for round_ in range(1, _ROUNDS + 1):
        voltage = supply - drop
        factor = voltage / supply
        total = float((spread * factor).sum())
        used = given * factor**exponent
        leaky = Leakage(power=leakage.power * total, reference=leakage.reference, doubling=leakage.doubling)
        beside = {name: watts * factor**exponent for name, watts in above.items()}
        settled = settle(stack, layer, used + loss, leaky, share=spread * factor, other=beside, measure_gain=False)
        current = (sum(beside.values(), used) + settled.leakage) / voltage
        before, drop = drop, grid.drop(current)
        if drop.max() >= supply:
            break
        loss = current * drop
        if np.abs(drop - before).max() <= _CLOSE * supply:
            settled = settle(stack, layer, used + loss, leaky, share=spread * factor, other=beside)
            return Operating(
                settled=settled,
                voltage=supply - drop,
                current=current,
                grid_loss=float(loss.sum()),
                supply=supply,
                rounds=round_,
            )
    raise DescriptionError(
        tr(
            "The supply of {supply:g} V collapses under {power:.4g} W: the grid drops more than it can give. Feed it closer, lower its resistance, or raise the voltage.",
            supply=supply,
            power=float(sum(above.values(), given).sum()),
        )
    )


def _each(name: str, watts: ArrayLike, cells: tuple[int, int]) -> Array:
    """Watts per cell: as given, or a whole spread evenly."""
    given = sheet(name, watts, cells, "W")
    return given if np.ndim(watts) else given / given.size
