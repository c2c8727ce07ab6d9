"""The power grid of a wafer: sheets of metal that sag under the current they spread, fed at their edges or from above.

Potentials are drops below the supply (V). Where current comes in through one sheet and leaves through another, give the sum of both
sheet resistances: the drop is then the loss of supply between the two rails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError, unknown
from workbench.physics.conduction import plate_coefficient
from workbench.physics.ranges import not_negative, positive, sheet, whole
from workbench.physics.sheets import Sheets
from workbench.words import tr

__all__ = ["FEEDS", "PowerGrid", "disc_drop", "loaded_voltage", "pad_drop", "plate_drop", "strip_drop", "vertical_drop"]

Array = NDArray[np.float64]

FEEDS = {
    "four edges": ("held", "held"),
    "left and right": ("closed", "held"),
    "left": ("closed", "held first"),
    "vertical": ("closed", "closed"),
}
"""Where a grid is fed, and what that makes of the edges of its sheets."""


def strip_drop(density: float, sheet_resistance: float, length: float, *, edges: int = 2) -> float:
    """The deepest drop (V) of a strip that spreads an even current (A/m²) from "edges" 2 ends, j R L²/8, or 1, j R L²/2."""
    if edges not in (1, 2):
        raise DescriptionError(tr("A strip is fed from 1 or 2 ends; edges is {edges}.", edges=edges))
    spread = not_negative("density", density, "A/m²") * not_negative("sheet_resistance", sheet_resistance, "Ω")
    return spread * positive("length", length, "m") ** 2 / (8 if edges == 2 else 2)


def plate_drop(density: float, sheet_resistance: float, side: float, *, aspect: float = 1.0) -> float:
    """The deepest drop (V) of a plate fed from all four edges: 0.0736713530 j R a² for a square."""
    spread = not_negative("density", density, "A/m²") * not_negative("sheet_resistance", sheet_resistance, "Ω")
    return plate_coefficient(aspect) * spread * positive("side", side, "m") ** 2


def disc_drop(density: float, sheet_resistance: float, radius: float) -> float:
    """The deepest drop (V) of a round wafer fed from its rim: j R a²/4."""
    spread = not_negative("density", density, "A/m²") * not_negative("sheet_resistance", sheet_resistance, "Ω")
    return spread * positive("radius", radius, "m") ** 2 / 4


def vertical_drop(density: float, feed: float) -> float:
    """The drop (V) of a plate fed everywhere through its face, over a resistance × area `feed` (Ω m²): j r."""
    return not_negative("density", density, "A/m²") * not_negative("feed", feed, "Ω m²")


def pad_drop(density: float, sheet_resistance: float, *, cell: float, pad: float) -> float:
    """The drop (V) from a round pad of radius `pad` (m) to the rim of the round cell of radius `cell` it feeds.

    (j R/2)(b² ln(b/a) − (b² − a²)/2): what remains of the sheet when power comes from above through many pads.
    """
    a, b = positive("pad", pad, "m"), positive("cell", cell, "m")
    if a >= b:
        raise DescriptionError(tr("A pad of {pad:g} m does not fit into its cell of {cell:g} m.", pad=a, cell=b))
    spread = not_negative("density", density, "A/m²") * not_negative("sheet_resistance", sheet_resistance, "Ω")
    return spread / 2 * (b * b * math.log(b / a) - (b * b - a * a) / 2)


def loaded_voltage(supply: float, resistance: float, power: float) -> float:
    """The voltage (V) left for a load of constant power behind a resistance (Ω): (V₀ + √(V₀² − 4 R P))/2.

    Raises DescriptionError above V₀²/4R, where no voltage carries that power: the supply collapses.
    """
    positive("supply", supply, "V")
    rest = supply**2 - 4 * not_negative("resistance", resistance, "Ω") * not_negative("power", power, "W")
    if rest < 0:
        raise DescriptionError(
            tr(
                "The supply of {supply:g} V collapses at {power:g} W: behind {resistance:g} Ω it carries at most {most:.4g} W.",
                supply=supply,
                power=power,
                resistance=resistance,
                most=supply**2 / (4 * resistance),
            )
        )
    return (supply + math.sqrt(rest)) / 2


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class PowerGrid:
    """Sheets of metal from the one that is fed to the one that feeds the cells.

    `sheets` are their resistances (Ω per square, numbers or rows × columns), `vias` what resists between them (Ω m²), `fed` where
    power enters (see FEEDS); fed "vertical" it enters the first sheet through `feed` (Ω m²; rows × columns, infinite where no pad is).
    """

    cells: tuple[int, int]
    size: tuple[float, float]
    sheets: Sequence[ArrayLike]
    vias: Sequence[float] = ()
    fed: str = "four edges"
    feed: ArrayLike | None = None

    def __post_init__(self) -> None:
        whole("sheets", len(self.sheets))
        if self.fed not in FEEDS:
            raise unknown("feed", self.fed, FEEDS)
        if (self.fed == "vertical") != (self.feed is not None):
            raise DescriptionError(
                tr("A grid fed vertically needs feed, its resistance × area in Ω m²; a grid fed at edges has none.")
            )
        for resistance in self.sheets:
            array = np.asarray(resistance, dtype=np.float64)
            if not (np.isfinite(array).all() and array.min() > 0):
                raise DescriptionError(tr("Sheet resistances must be finite and above 0 Ω."))
        for via in self.vias:
            positive("vias", via, "Ω m²")
        if self.feed is not None and not np.asarray(self.feed).min() > 0:
            raise DescriptionError(tr("feed must be above 0 Ω m² everywhere; infinite where no pad is."))
        _ = self.conductors

    @cached_property
    def conductors(self) -> Sheets:
        """The conducting sheets that stand for the grid."""
        ground: list[ArrayLike] = [0.0] * len(self.sheets)
        if self.feed is not None:
            ground[0] = 1 / np.asarray(self.feed, dtype=np.float64)
        return Sheets(
            cells=self.cells,
            size=self.size,
            along=[1 / np.asarray(r, dtype=np.float64) for r in self.sheets],
            across=[1 / v for v in self.vias],
            ground=ground,  # pyright: ignore[reportArgumentType]
            edges=FEEDS[self.fed],
        )

    def drop(self, current: ArrayLike) -> Array:
        """The drop below the supply (V) at every cell, for amperes per cell (or a whole current, spread evenly)."""
        given = sheet("current", current, self.cells, "A")
        each = given if np.ndim(current) else given / given.size
        return self.conductors.response(len(self.sheets) - 1, len(self.sheets) - 1)(each / self.conductors.area)
