"""A coolant that warms as it flows: how much is needed, what pushing it costs, and the ladder of temperatures downstream."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from workbench.errors import unknown
from workbench.physics.materials import BLOOD, Fluid
from workbench.physics.ranges import at_least, not_negative, positive

__all__ = [
    "NUSSELT",
    "bioheat_rise",
    "counterflow_effectiveness",
    "drifted",
    "duct_film",
    "effectiveness",
    "ladder",
    "mass_flow",
    "pressure_drop",
    "pumping_power",
    "reynolds",
    "rise",
    "volume_flow",
]

Array = NDArray[np.float64]

NUSSELT = {"temperature": 3.66, "flux": 4.364}
"""Nusselt's number of a long laminar tube: at an even wall temperature, and at an even flux (48/11)."""


def mass_flow(power: float, rise: float, fluid: Fluid) -> float:
    """The flow (kg/s) that takes `power` (W) up while it warms by `rise` (K): P / (c ΔT)."""
    return not_negative("power", power, "W") / (fluid.heat_capacity * positive("rise", rise, "K"))


def volume_flow(power: float, rise: float, fluid: Fluid) -> float:
    """The flow (m³/s) that takes `power` (W) up while it warms by `rise` (K)."""
    return mass_flow(power, rise, fluid) / fluid.density


def rise(power: float, flow: float, fluid: Fluid) -> float:
    """By how much (K) a flow (kg/s) warms that takes up `power` (W): P / (ṁ c)."""
    return not_negative("power", power, "W") / (positive("flow", flow, "kg/s") * fluid.heat_capacity)


def bioheat_rise(power: float, flow: float, blood: Fluid = BLOOD) -> float:
    """By how much (K) blood warms that flows (m³/s) through tissue of `power` (W): the balance of Pennes's equation over an organ."""
    return rise(power, positive("flow", flow, "m³/s") * blood.density, blood)


def reynolds(flow: float, radius: float, fluid: Fluid) -> float:
    """Reynolds's number of a tube: 2 ρ Q / (π r μ) for a flow Q in m³/s; laminar below about 2300."""
    return (
        2
        * fluid.density
        * not_negative("flow", flow, "m³/s")
        / (math.pi * positive("radius", radius, "m") * fluid.viscosity)
    )


def pressure_drop(flow: float, radius: float, length: float, viscosity: float) -> float:
    """The pressure (Pa) that drives a laminar flow Q (m³/s) through a tube (Hagen–Poiseuille): 8 μ L Q / (π r⁴)."""
    push = (
        positive("viscosity", viscosity, "Pa s")
        * not_negative("length", length, "m")
        * not_negative("flow", flow, "m³/s")
    )
    return 8 * push / (math.pi * positive("radius", radius, "m") ** 4)


def pumping_power(pressure: float, flow: float, *, efficiency: float = 1.0) -> float:
    """The power (W) of a pump that lifts a flow (m³/s) by a pressure (Pa): Δp Q / η."""
    return (
        not_negative("pressure", pressure, "Pa")
        * not_negative("flow", flow, "m³/s")
        / positive("efficiency", efficiency)
    )


def duct_film(diameter: float, fluid: Fluid, *, wall: str = "flux") -> float:
    """The film coefficient (W/(m² K)) in a long laminar tube: Nu k / d, with the wall's "temperature" or "flux" even."""
    if wall not in NUSSELT:
        raise unknown("wall", wall, NUSSELT)
    return NUSSELT[wall] * fluid.conductivity / positive("diameter", diameter, "m")


def effectiveness(transfer_units: float) -> float:
    """The share of the greatest possible heat that a flow takes from an isothermal wall: 1 − exp(−NTU)."""
    return -math.expm1(-at_least("transfer_units", transfer_units, 0.0))


def counterflow_effectiveness(transfer_units: float, ratio: float) -> float:
    """The same of two flows against each other whose capacities stand in `ratio` (0 … 1); NTU/(1+NTU) where they are equal."""
    ntu = at_least("transfer_units", transfer_units, 0.0)
    if not_negative("ratio", ratio) == 1:
        return ntu / (1 + ntu)
    gone = math.exp(-ntu * (1 - ratio))
    return (1 - gone) / (1 - ratio * gone)


def ladder(wall: Array, inlet: float, share: float) -> Array:
    """The coolant's temperature on its way into each cell of a row, and out of the last: (rows, columns + 1).

    It flows along the rows and takes `share` = 1 − exp(−NTU of one cell) of the difference to the wall of every cell it passes:
    T[j+1] = T[j] + share (wall[j] − T[j]), exact for a wall that is even within a cell.
    """
    return inlet + np.pad(_taken(wall - inlet, share), ((0, 0), (1, 0)))


def drifted(wall: Array, share: float) -> Array:
    """The coolant's rise on its way into each cell of a row over a wall of so much rise, (rows, columns), in the wall's precision."""
    made = np.empty_like(wall)
    made[:, 0] = 0.0
    made[:, 1:] = _taken(wall[:, :-1], share)
    return made


def _taken(wall: Array, share: float) -> Array:
    """The coolant's rise on its way out of each cell."""
    from scipy.signal import lfilter  # noqa: PLC0415  SciPy only where it is needed

    return np.asarray(lfilter(np.array([share], wall.dtype), np.array([1.0, share - 1.0], wall.dtype), wall, axis=1))
