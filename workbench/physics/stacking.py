"""Layers stacked into the third dimension: what one footprint gains in neighbours, and pays in vias, yield and heat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from workbench.physics.lattice import mean_hops
from workbench.physics.ranges import not_negative, positive, whole, within

__all__ = ["Stacking", "even_rise", "via_survival"]


def via_survival(vias: float, failure: float, *, redundant: int = 1) -> float:
    """The probability that all of so many connections work, each made of `redundant` vias that fail with `failure`: (1 − fʳ)ⁿ."""
    return (1 - within("failure", failure, 0.0, 1.0) ** whole("redundant", redundant)) ** not_negative("vias", vias)


def even_rise(layers: int, flux: float, between: float, film: float) -> float:
    """The rise (K) of the hottest of n equal layers, each heating with `flux` (W/m²), above a coolant under the last.

    n q / h + q r n(n − 1)/2: everything crosses the film, and all heat from above crosses each layer's resistance r (K m²/W).
    """
    n, q = whole("layers", layers), not_negative("flux", flux, "W/m²")
    return n * q / positive("film", film, "W/(m² K)") + q * not_negative("between", between, "K m²/W") * n * (n - 1) / 2


@final
@dataclass(frozen=True, kw_only=True)
class Stacking:
    """A number of cores spread over `layers` equal layers, vertically linked core to core.

    `die_yield` is one layer's, `bond` one bonding step's; `sorted_dies` says that only layers that work are stacked.
    """

    cores: int
    layers: int = 1
    vias_per_core: int = 64
    via_failure: float = 1e-9
    redundant: int = 1
    die_yield: float = 1.0
    bond: float = 1.0
    sorted_dies: bool = True

    def __post_init__(self) -> None:
        whole("cores", self.cores)
        whole("layers", self.layers)
        whole("vias_per_core", self.vias_per_core, 0)
        whole("redundant", self.redundant)
        for name in ("via_failure", "die_yield", "bond"):
            within(name, getattr(self, name), 0.0, 1.0)

    @property
    def side(self) -> float:
        """Cores along one side of a square layer; a whole number only where the cores divide so."""
        return (self.cores / self.layers) ** 0.5

    @property
    def hops(self) -> float:
        """The mean Manhattan distance of two random cores: shorter in a cube than on a plate."""
        n = self.side
        return 2 * (n * n - 1) / (3 * n) + (mean_hops(self.layers) if self.layers > 1 else 0.0)

    @property
    def vias(self) -> int:
        """Connections between layers in all, `redundant` vias each not counted."""
        return (self.layers - 1) * round(self.cores / self.layers) * self.vias_per_core

    @property
    def survival(self) -> float:
        """The probability that the stack works: its layers (unless sorted first), its bonds, its vias."""
        dies = 1.0 if self.sorted_dies else self.die_yield**self.layers
        return (
            dies * self.bond ** (self.layers - 1) * via_survival(self.vias, self.via_failure, redundant=self.redundant)
        )

    def rise(self, power: float, area: float, *, between: float, film: float) -> float:
        """The rise (K) of the hottest layer when `power` (W) is shared evenly and one layer of all would cover `area` (m²).

        Stacked n high, the footprint is area/n: the same power leaves through an n-th of the face.
        """
        flux = not_negative("power", power, "W") / positive("area", area, "m²")
        return even_rise(self.layers, flux, between, film)
