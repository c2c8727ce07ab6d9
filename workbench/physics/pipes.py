"""Heat carried by vapour: what a heat pipe and a thermosyphon can carry before one of their limits stops them.

Each limit is watts: capillary (the wick cannot pull more liquid back), sonic (the vapour cannot flow faster), entrainment (vapour tears
liquid off the wick), boiling (bubbles dry the wick), viscous (vapour too thin to flow). Forms: Chi 1976; Busse 1973; Faghri 1995
(assumed: recalled).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from workbench.physics.materials import Vapour
from workbench.physics.ranges import not_negative, positive

__all__ = ["GRAVITY", "HeatPipe", "Thermosyphon", "capillary_limit", "gravity_head"]

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
    """A loop that gravity drives: vapour rises in one pipe over `height`, liquid falls in another; both as long as `length` (m)."""

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
