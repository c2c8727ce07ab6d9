"""Heat carried by vapour: what a heat pipe and a thermosyphon can carry before one of their limits stops them.

Each limit is watts: capillary (the wick cannot pull more liquid back), sonic (the vapour cannot flow faster), entrainment (vapour tears
liquid off the wick), boiling (bubbles dry the wick), viscous (vapour too thin to flow), flooding (in a tube without a wick, rising
vapour holds up the film that runs back down). Forms: Chi 1976; Busse 1973; Faghri 1995 (assumed: recalled).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from workbench.errors import DescriptionError, unknown
from workbench.physics.materials import Vapour
from workbench.physics.ranges import not_negative, positive
from workbench.recordings.prices import Citation
from workbench.words import tr

__all__ = [
    "FLOODING",
    "GRAVITY",
    "Flooding",
    "HeatPipe",
    "Thermosyphon",
    "Tube",
    "bond",
    "capillary_limit",
    "flooding_limit",
    "gravity_head",
]

GRAVITY = 9.80665


def gravity_head(height: float, density: float) -> float:
    """The pressure (Pa) of a column of liquid: ρ g H."""
    return positive("density", density, "kg/m³") * GRAVITY * not_negative("height", height, "m")


def capillary_limit(
    fluid: Vapour, *, pore: float, permeability: float, wick_area: float, length: float, lift: float = 0.0
) -> float:
    """What a wick can carry (W): (2σ/r − ρ g lift) A K ρ h/(μ L); 0 where it cannot lift the liquid, more where it runs down.

    `pore` is the radius of the wick's pores (m), `lift` how far liquid climbs against gravity (m; negative downhill).
    """
    pull = 2 * fluid.surface_tension / positive("pore", pore, "m") - fluid.liquid_density * GRAVITY * lift
    ease = positive("wick_area", wick_area, "m²") * positive("permeability", permeability, "m²") * fluid.liquid_density
    carried = ease * fluid.latent_heat / (fluid.liquid_viscosity * positive("length", length, "m"))
    return max(0.0, pull) * carried


@final
@dataclass(frozen=True, kw_only=True)
class HeatPipe:
    """A wicked tube: vapour flows one way in the middle, liquid back along the wick. All SI."""

    length: float
    wick_area: float
    permeability: float
    pore: float
    vapour_radius: float
    evaporator: float
    """Length of the heated end, m."""
    wick_thickness: float
    wick_conductivity: float = 1.5
    nucleation: float = 2.5e-7
    """Radius of the cavities that bubbles start from, m."""
    lift: float = 0.0

    def __post_init__(self) -> None:
        for name in (
            "length",
            "wick_area",
            "permeability",
            "pore",
            "vapour_radius",
            "evaporator",
            "wick_thickness",
            "wick_conductivity",
            "nucleation",
        ):
            positive(name, getattr(self, name))

    def limits(self, fluid: Vapour) -> dict[str, float]:
        """Every limit (W) by its name, for a fluid at its temperature."""
        area = math.pi * self.vapour_radius**2
        latent, thin, pressure = fluid.latent_heat, fluid.vapour_density, fluid.pressure
        capillary = capillary_limit(
            fluid,
            pore=self.pore,
            permeability=self.permeability,
            wick_area=self.wick_area,
            length=self.length,
            lift=self.lift,
        )
        log = math.log((self.vapour_radius + self.wick_thickness) / self.vapour_radius)
        bubbles = 2 * fluid.surface_tension * (1 / self.nucleation - 1 / self.pore)
        heat = 2 * math.pi * self.evaporator * self.wick_conductivity * fluid.temperature / (latent * thin * log)
        return {
            "capillary": capillary,
            "sonic": 0.474 * latent * area * math.sqrt(thin * pressure),
            "entrainment": area * latent * math.sqrt(fluid.surface_tension * thin / (2 * self.pore)),
            "boiling": max(0.0, heat * bubbles),
            "viscous": area
            * self.vapour_radius**2
            * latent
            * thin
            * pressure
            / (16 * fluid.vapour_viscosity * self.length),
        }

    def carries(self, fluid: Vapour) -> tuple[str, float]:
        """The limit that comes first and its watts."""
        limits = self.limits(fluid)
        name = min(limits, key=lambda n: limits[n])
        return name, limits[name]


@final
@dataclass(frozen=True, kw_only=True)
class Thermosyphon:
    """A loop that gravity drives: vapour rises in one pipe over `height`, liquid falls in another; both as long as `length` (m).

    As each has its own pipe, nothing floods; see `Tube` for both in one.
    """

    height: float
    length: float
    vapour_radius: float
    liquid_radius: float

    def __post_init__(self) -> None:
        not_negative("height", self.height, "m")
        for name in ("length", "vapour_radius", "liquid_radius"):
            positive(name, getattr(self, name), "m")

    def head(self, fluid: Vapour) -> float:
        """The pressure (Pa) that drives the loop: (ρ_liquid − ρ_vapour) g H."""
        return gravity_head(self.height, fluid.liquid_density - fluid.vapour_density)

    def friction(self, power: float, fluid: Vapour) -> float:
        """The pressure (Pa) that the flow for `power` (W) loses in both pipes, laminar or turbulent (Blasius) as it is."""
        mass = not_negative("power", power, "W") / fluid.latent_heat
        return _loss(mass, self.vapour_radius, self.length, fluid.vapour_density, fluid.vapour_viscosity) + _loss(
            mass, self.liquid_radius, self.length, fluid.liquid_density, fluid.liquid_viscosity
        )

    def limit(self, fluid: Vapour) -> float:
        """The power (W) at which friction eats the whole head: nothing above is carried without a pump. 0 without height."""
        head = self.head(fluid)
        return _root(lambda p: self.friction(p, fluid) - head) if head else 0.0

    def sonic(self, fluid: Vapour) -> float:
        """The power (W) at which the vapour reaches the speed of sound at its entry."""
        return (
            0.474
            * fluid.latent_heat
            * math.pi
            * self.vapour_radius**2
            * math.sqrt(fluid.vapour_density * fluid.pressure)
        )

    def carries(self, fluid: Vapour) -> tuple[str, float]:
        """The limit that comes first, "gravity" or "sonic", and its watts."""
        limits = {"gravity": self.limit(fluid), "sonic": self.sonic(fluid)}
        name = min(limits, key=lambda n: limits[n])
        return name, limits[name]


@final
@dataclass(frozen=True, kw_only=True)
class Flooding:
    """A correlation of counter-current flooding: how much vapour rises against its own condensate before it holds it up.

    Both go by √j_v* + √j_l* = √K with fluxes made dimensionless by buoyancy over a length: the tube's diameter (Wallis) or that of
    surface waves, √(σ/(g Δρ)) (Kutateladze). `constant` is K for the densities' ratio (liquid over vapour) and Bond's number.
    """

    constant: Callable[[float, float], float]
    by_waves: bool
    bonds: tuple[float, float]
    """Bond's numbers from which and up to which it is used here."""
    citation: Citation


FLOODING: dict[str, Flooding] = {
    "wallis": Flooding(
        constant=lambda ratio, bond: 0.725**2,
        by_waves=False,
        bonds=(2.0, 40.0),
        citation=Citation(
            "assumed",
            "recalled: Wallis 1969, C = 0.725 (0.7 to 1 by the ends of the tube), tubes thinner than 40 waves",
        ),
    ),
    "tien-chung": Flooding(
        constant=lambda ratio, bond: 3.2 * math.tanh(0.5 * bond**0.25) ** 2,
        by_waves=True,
        bonds=(2.0, math.inf),
        citation=Citation(
            "assumed", "recalled: Tien and Chung 1979, K = 3.2 in wide tubes (Kutateladze), tanh² in thin ones"
        ),
    ),
    "faghri": Flooding(
        constant=lambda ratio, bond: ratio**0.14 * math.tanh(bond**0.25) ** 2,
        by_waves=True,
        bonds=(2.0, math.inf),
        citation=Citation(
            "published",
            "Faghri, Heat Pipe Science and Technology, as 1-act.com quotes it; their rule: stay below 0.75 of it",
        ),
    ),
}
"""Correlations by name. They agree with one another within a factor of three, no better; so does what is measured."""


def bond(fluid: Vapour, diameter: float) -> float:
    """Bond's number d √(g Δρ/σ): the tube's diameter over the length of surface waves."""
    return positive("diameter", diameter, "m") * math.sqrt(
        GRAVITY * (fluid.liquid_density - fluid.vapour_density) / fluid.surface_tension
    )


def flooding_limit(fluid: Vapour, diameter: float, *, correlation: str = "faghri") -> float:
    """What an upright tube carries (W) whose condensate runs down its wall against the vapour.

    Q = h A K (g σ Δρ)^(1/4)/(ρ_v^(−1/4) + ρ_l^(−1/4))², with √(g d Δρ) in place of (g σ Δρ)^(1/4) after Wallis: what rises is
    what runs down, ρ_v j_v = ρ_l j_l. Raises DescriptionError for an unknown correlation and for tubes outside its range.
    """
    if correlation not in FLOODING:
        raise unknown("correlation", correlation, FLOODING)
    law = FLOODING[correlation]
    lighter = fluid.liquid_density - fluid.vapour_density
    size = bond(fluid, diameter)
    low, high = law.bonds
    if not low <= size <= high:
        raise DescriptionError(
            tr(
                "A tube {size:.3g} waves wide ({mm:.3g} mm) lies outside what '{name}' holds for: {low:g} to {high:g} waves. Take another width, or another correlation.",
                size=size,
                mm=1e3 * diameter,
                name=correlation,
                low=low,
                high=high,
            )
        )
    buoyant = (
        (GRAVITY * fluid.surface_tension * lighter) ** 0.25 if law.by_waves else math.sqrt(GRAVITY * diameter * lighter)
    )
    area = math.pi * diameter**2 / 4
    constant = law.constant(fluid.liquid_density / fluid.vapour_density, size)
    apart = (fluid.vapour_density**-0.25 + fluid.liquid_density**-0.25) ** 2
    return fluid.latent_heat * area * constant * buoyant / apart


@final
@dataclass(frozen=True, kw_only=True)
class Tube:
    """A closed upright tube, a thermosyphon in one piece: vapour rises in the middle, its condensate runs down the wall."""

    diameter: float

    def __post_init__(self) -> None:
        positive("diameter", self.diameter, "m")

    def limits(self, fluid: Vapour) -> dict[str, float]:
        """Every limit (W) by its name."""
        area = math.pi * self.diameter**2 / 4
        return {
            "flooding": flooding_limit(fluid, self.diameter),
            "sonic": 0.474 * fluid.latent_heat * area * math.sqrt(fluid.vapour_density * fluid.pressure),
        }

    def carries(self, fluid: Vapour) -> tuple[str, float]:
        """The limit that comes first, "flooding" or "sonic", and its watts."""
        limits = self.limits(fluid)
        name = min(limits, key=lambda n: limits[n])
        return name, limits[name]


def _loss(mass: float, radius: float, length: float, density: float, viscosity: float) -> float:
    """Pressure lost by a mass flow in a smooth tube; between laminar (2300) and turbulent (4000) the larger of both rules."""
    reynolds = 2 * mass / (math.pi * radius * viscosity)
    laminar = 8 * viscosity * length * mass / (math.pi * radius**4 * density)
    if reynolds < 2300:
        return laminar
    factor = 0.316 / reynolds**0.25
    speed = mass / (density * math.pi * radius**2)
    return max(laminar, factor * length / (2 * radius) * density * speed**2 / 2)


def _root(short: Callable[[float], float]) -> float:
    """Where a rising function crosses 0, by bisection: it may jump."""
    low, high = 0.0, 1.0
    while short(high) < 0:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) < 0 else (low, middle)
    return low
