"""What wafers and coolants are made of: solids and fluids with a source for their numbers.

Water's row is computed (IAPWS formulations through CoolProp 8.0); what is assumed is a default, to be set from a data sheet where
one is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from workbench.physics.ranges import positive, within
from workbench.recordings.prices import Citation

__all__ = [
    "AIR",
    "BLOOD",
    "COPPER",
    "SILICON",
    "Fluid",
    "Solid",
    "Vapour",
    "silicon_conductivity",
    "water",
    "water_vapour",
]


@final
@dataclass(frozen=True, kw_only=True)
class Solid:
    """A solid that conducts heat: W/(m K), kg/m³, J/(kg K)."""

    name: str
    conductivity: float
    density: float
    heat_capacity: float
    citation: Citation

    def __post_init__(self) -> None:
        for name in ("conductivity", "density", "heat_capacity"):
            positive(name, getattr(self, name))

    @property
    def volumetric(self) -> float:
        """What a volume stores per kelvin, J/(m³ K)."""
        return self.density * self.heat_capacity


@final
@dataclass(frozen=True, kw_only=True)
class Fluid:
    """A coolant: kg/m³, J/(kg K), Pa s, W/(m K)."""

    name: str
    density: float
    heat_capacity: float
    viscosity: float
    conductivity: float
    citation: Citation

    def __post_init__(self) -> None:
        for name in ("density", "heat_capacity", "viscosity", "conductivity"):
            positive(name, getattr(self, name))

    @property
    def prandtl(self) -> float:
        """Prandtl's number, μ c / k."""
        return self.viscosity * self.heat_capacity / self.conductivity


@final
@dataclass(frozen=True, kw_only=True)
class Vapour:
    """A liquid beside its vapour at one temperature: what heat pipes run on, all SI."""

    temperature: float
    pressure: float
    liquid_density: float
    vapour_density: float
    latent_heat: float
    liquid_viscosity: float
    vapour_viscosity: float
    surface_tension: float
    citation: Citation

    def __post_init__(self) -> None:
        for name in (
            "temperature",
            "pressure",
            "liquid_density",
            "vapour_density",
            "latent_heat",
            "liquid_viscosity",
            "vapour_viscosity",
            "surface_tension",
        ):
            positive(name, getattr(self, name))


SILICON = Solid(
    name="silicon",
    conductivity=148.0,
    density=2329.0,
    heat_capacity=700.0,
    citation=Citation("assumed", "recalled handbook values at 300 K"),
)
COPPER = Solid(
    name="copper",
    conductivity=400.0,
    density=8960.0,
    heat_capacity=385.0,
    citation=Citation("assumed", "recalled handbook values at 300 K"),
)
AIR = Fluid(
    name="air",
    density=1.18,
    heat_capacity=1006.0,
    viscosity=1.85e-5,
    conductivity=0.026,
    citation=Citation("assumed", "recalled handbook values at 25 °C, 1 bar"),
)
BLOOD = Fluid(
    name="blood",
    density=1060.0,
    heat_capacity=3600.0,
    viscosity=3.5e-3,
    conductivity=0.5,
    citation=Citation("assumed", "recalled physiology; viscosity of large vessels"),
)


def silicon_conductivity(temperature: float) -> float:
    """Silicon's conductivity (W/(m K)) at a temperature (K): 148 (300/T)^1.3, assumed between 250 and 450 K."""
    return SILICON.conductivity * (300.0 / within("temperature", temperature, 250.0, 450.0, "K")) ** 1.3


# 10 … 100 °C: saturation pressure, density of liquid and vapour, latent heat, viscosity of liquid and vapour, surface tension,
# heat capacity and conductivity of the liquid
_CELSIUS = np.arange(10.0, 101.0, 10.0)
_WATER = np.array(
    [
        [1228.2, 999.655, 0.00940705, 2.47719e06, 0.00130599, 9.23844e-06, 0.0742936, 4195.54, 0.578712],
        [2339.32, 998.162, 0.017314, 2.45352e06, 0.00100163, 9.54406e-06, 0.0728168, 4184.36, 0.597954],
        [4246.97, 995.606, 0.0304152, 2.42981e06, 0.000797224, 9.86016e-06, 0.0712781, 4180.08, 0.614339],
        [7384.94, 992.175, 0.0512423, 2.40598e06, 0.000652717, 1.01848e-05, 0.0696791, 4179.65, 0.628436],
        [12351.9, 987.996, 0.0831468, 2.38195e06, 0.000546498, 1.05165e-05, 0.0680217, 4181.55, 0.640575],
        [19946.4, 983.16, 0.130425, 2.35765e06, 0.000466016, 1.08535e-05, 0.0663076, 4185.13, 0.650958],
        [31200.9, 977.734, 0.198431, 2.33303e06, 0.00040353, 1.11947e-05, 0.0645385, 4190.22, 0.659721],
        [47414.5, 971.766, 0.293672, 2.308e06, 0.000354036, 1.15389e-05, 0.0627163, 4196.87, 0.666965],
        [70181.8, 965.295, 0.423898, 2.28249e06, 0.000314167, 1.1885e-05, 0.060843, 4205.28, 0.672771],
        [101418, 958.349, 0.59817, 2.2564e06, 0.000281582, 1.22322e-05, 0.0589206, 4215.67, 0.677211],
    ]
)
_IAPWS = Citation("computed", "IAPWS formulations of water along saturation, CoolProp 8.0")


def _at(temperature: float) -> list[float]:
    celsius = within("temperature", temperature, 283.15, 373.15, "K") - 273.15
    logs = np.log(_WATER)
    return [float(np.exp(np.interp(celsius, _CELSIUS, column))) for column in logs.T]


def water(temperature: float = 293.15) -> Fluid:
    """Liquid water at a temperature (K) between 10 and 100 °C."""
    _, density, _, _, viscosity, _, _, heat_capacity, conductivity = _at(temperature)
    return Fluid(
        name="water",
        density=density,
        heat_capacity=heat_capacity,
        viscosity=viscosity,
        conductivity=conductivity,
        citation=_IAPWS,
    )


def water_vapour(temperature: float) -> Vapour:
    """Water beside its vapour at a temperature (K) between 10 and 100 °C."""
    pressure, liquid, vapour, latent, viscosity, thin, tension, _, _ = _at(temperature)
    return Vapour(
        temperature=temperature,
        pressure=pressure,
        liquid_density=liquid,
        vapour_density=vapour,
        latent_heat=latent,
        liquid_viscosity=viscosity,
        vapour_viscosity=thin,
        surface_tension=tension,
        citation=_IAPWS,
    )
