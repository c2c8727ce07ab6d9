"""Closed forms of conducted heat: slabs, plates, fins, steps and discs. Numbers in, numbers out, SI.

The same coefficients answer a power grid, whose sheet resistance stands for 1/(conductivity × thickness).
Sources: Carslaw & Jaeger, Conduction of Heat in Solids; each form is checked against the solver of `sheets`, an integral or a sum.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import unknown
from workbench.physics.ranges import not_negative, positive, whole

__all__ = [
    "diffusivity",
    "disc_resistance",
    "film_coefficient",
    "film_rise",
    "parallel",
    "plate_coefficient",
    "plate_rise",
    "series",
    "slab_rise",
    "slab_source_rise",
    "spreading_length",
    "step_temperature",
    "time_constant",
]

Array = NDArray[np.float64]


def slab_rise(flux: float, thickness: float, conductivity: float) -> float:
    """The temperature difference (K) across a slab that a flux (W/m²) crosses: q L / k."""
    return (
        not_negative("flux", flux, "W/m²")
        * positive("thickness", thickness, "m")
        / positive("conductivity", conductivity, "W/(m K)")
    )


def slab_source_rise(source: float, thickness: float, conductivity: float, *, cooled: str = "both") -> float:
    """The highest rise (K) in a slab heated throughout (W/m³): q L²/8k with "both" faces cooled, q L²/2k with "one"."""
    if cooled not in ("both", "one"):
        raise unknown("way to cool a slab", cooled, ("both", "one"))
    not_negative("source", source, "W/m³")
    part = 8.0 if cooled == "both" else 2.0
    return (
        source * positive("thickness", thickness, "m") ** 2 / (part * positive("conductivity", conductivity, "W/(m K)"))
    )


def plate_coefficient(aspect: float = 1.0, *, x: float = 0.5, y: float = 0.5) -> float:
    """What q a²/k is multiplied by for the rise at (x, y) of a plate with cold edges, heated throughout.

    The plate is a wide (the unit of length) and `aspect` × a high; x and y are fractions of width and height. For a square's
    centre 0.0736713530…, for a long strip's middle 1/8:

        x(1−x)/2 − (4/π³) Σ_odd sin(nπx) cosh(nπ(y−½)b) / (n³ cosh(nπb/2)),   b = aspect
    """
    b = positive("aspect", aspect)
    n = np.arange(1, 4001, 2, dtype=np.float64)
    up = abs(y - 0.5) * b
    # cosh(s)/cosh(t) without overflow: s <= t
    s, t = n * math.pi * up, n * math.pi * b / 2
    ratio = np.exp(s - t) * (1 + np.exp(-2 * s)) / (1 + np.exp(-2 * t))
    return float(x * (1 - x) / 2 - 4 / math.pi**3 * np.sum(np.sin(n * math.pi * x) * ratio / n**3))


def plate_rise(source: float, side: float, conductivity: float, *, aspect: float = 1.0) -> float:
    """The rise (K) at the centre of a plate with cold edges, `side` wide and aspect × side high, heated throughout (W/m³)."""
    not_negative("source", source, "W/m³")
    square = positive("side", side, "m") ** 2 / positive("conductivity", conductivity, "W/(m K)")
    return plate_coefficient(aspect) * source * square


def film_rise(flux: float, coefficient: float) -> float:
    """The temperature difference (K) between a wall and its coolant: q / h."""
    return not_negative("flux", flux, "W/m²") / positive("coefficient", coefficient, "W/(m² K)")


def film_coefficient(flux: float, rise: float) -> float:
    """The film coefficient (W/(m² K)) that carries a flux (W/m²) off at a given rise (K): q / ΔT."""
    return not_negative("flux", flux, "W/m²") / positive("rise", rise, "K")


def spreading_length(conductivity: float, thickness: float, coefficient: float) -> float:
    """How far (m) heat spreads along a sheet before its coolant takes it, the length of a fin: √(k t / h)."""
    along = positive("conductivity", conductivity, "W/(m K)") * positive("thickness", thickness, "m")
    return math.sqrt(along / positive("coefficient", coefficient, "W/(m² K)"))


def diffusivity(conductivity: float, density: float, heat_capacity: float) -> float:
    """How fast temperature evens out (m²/s): k / (ρ c)."""
    stored = positive("density", density, "kg/m³") * positive("heat_capacity", heat_capacity, "J/(kg K)")
    return positive("conductivity", conductivity, "W/(m K)") / stored


def time_constant(density: float, heat_capacity: float, thickness: float, coefficient: float) -> float:
    """The time (s) in which a thin sheet follows its coolant: ρ c t / h."""
    stored = positive("density", density, "kg/m³") * positive("heat_capacity", heat_capacity, "J/(kg K)")
    return stored * positive("thickness", thickness, "m") / positive("coefficient", coefficient, "W/(m² K)")


def step_temperature(depth: ArrayLike, time: float, diffusivity: float, *, surface: float, start: float) -> Array:
    """The temperature at `depth` (m) in a deep body `time` after its surface jumped: T_s + (T_i − T_s) erf(x / 2√(αt))."""
    from scipy.special import erf  # noqa: PLC0415  SciPy only where it is needed

    length = 2 * math.sqrt(positive("diffusivity", diffusivity, "m²/s") * positive("time", time, "s"))
    return surface + (start - surface) * erf(np.asarray(depth, dtype=np.float64) / length)


def disc_resistance(radius: float, conductivity: float, *, kind: str = "isothermal") -> float:
    """The resistance (K/W) of a disc on a deep body: "isothermal" 1/4ka, "mean" 8/3π²ka and "highest" 1/πka of even flux."""
    parts = {"isothermal": 1 / 4, "mean": 8 / (3 * math.pi**2), "highest": 1 / math.pi}
    if kind not in parts:
        raise unknown("resistance of a disc", kind, parts)
    return parts[kind] / (positive("conductivity", conductivity, "W/(m K)") * positive("radius", radius, "m"))


def series(*resistances: float) -> float:
    """The resistance of several behind one another: their sum."""
    whole("resistances", len(resistances))
    return sum(not_negative("resistance", r) for r in resistances)


def parallel(*resistances: float) -> float:
    """The resistance of several side by side: 1 / Σ 1/R; 0 as soon as one of them is 0."""
    whole("resistances", len(resistances))
    if any(not_negative("resistance", r) == 0 for r in resistances):
        return 0.0
    return 1 / sum(1 / r for r in resistances)
