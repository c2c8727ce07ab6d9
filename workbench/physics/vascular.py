"""Vessels that branch: Murray's law, what a tree of them costs to push coolant through, and what even ducts of the same volume cost.

A vessel of radius r and length L that carries Q loses 8 μ L Q²/(π r⁴) to friction, and costs b π r² L to keep (b: W/m³; blood that
must live, or volume that a wafer does not have). Least cost: r⁶ = 16 μ Q²/(π² b), so Q ∝ r³ and r₀³ = Σ rᵢ³ where vessels part
(Murray 1926). Friction that goes as Q^e/r^p in power gives the exponent (p + 2)/e: 3 laminar, 7/3 fully turbulent (Q³/r⁵), 2 for pure
conduction (Q²/r²).

What goes in by arteries comes back by veins, which branch the other way round and follow the same law: a `Circulation` is both, joined
at their finest vessels, and its volume is the sum of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError
from workbench.physics.ranges import not_negative, positive, sheet, whole
from workbench.words import tr

__all__ = [
    "BLOOD_UPKEEP",
    "Circulation",
    "Tree",
    "best_radius",
    "branch_angles",
    "daughter_ratio",
    "ducts_power",
    "exponent",
    "half_angle",
    "parent_radius",
    "plate_tree",
    "vessel_cost",
    "wall_shear",
]

Array = NDArray[np.float64]

BLOOD_UPKEEP = 778.0
"""What keeping blood costs, W/m³: assumed, recalled from Murray's calculations."""


def vessel_cost(flow: float, radius: float, length: float, *, viscosity: float, upkeep: float) -> float:
    """The power (W) that one vessel costs: 8 μ L Q²/(π r⁴) + b π r² L."""
    r, long = positive("radius", radius, "m"), not_negative("length", length, "m")
    friction = (
        8 * positive("viscosity", viscosity, "Pa s") * long * not_negative("flow", flow, "m³/s") ** 2 / (math.pi * r**4)
    )
    return friction + not_negative("upkeep", upkeep, "W/m³") * math.pi * r * r * long


def best_radius(flow: float, *, viscosity: float, upkeep: float) -> float:
    """The radius (m) at which a vessel costs least: (16 μ Q²/(π² b))^(1/6)."""
    ratio = 16 * positive("viscosity", viscosity, "Pa s") / (math.pi**2 * positive("upkeep", upkeep, "W/m³"))
    return (ratio * not_negative("flow", flow, "m³/s") ** 2) ** (1 / 6)


def wall_shear(flow: float, radius: float, viscosity: float) -> float:
    """The shear (Pa) at the wall of a laminar tube, 4 μ Q/(π r³); at the best radius √(μ b), whatever the flow."""
    return (
        4
        * positive("viscosity", viscosity, "Pa s")
        * not_negative("flow", flow, "m³/s")
        / (math.pi * positive("radius", radius, "m") ** 3)
    )


def exponent(flow_power: float = 2.0, radius_power: float = 4.0) -> float:
    """Murray's exponent where losses go as Q^e/r^p (W): (p + 2)/e."""
    return (positive("radius_power", radius_power) + 2) / positive("flow_power", flow_power)


def parent_radius(daughters: Sequence[float], *, exponent: float = 3.0) -> float:
    """The radius of the vessel that parts into `daughters`: (Σ rᵢˣ)^(1/x)."""
    whole("daughters", len(daughters))
    return sum(positive("radius", r, "m") ** positive("exponent", exponent) for r in daughters) ** (1 / exponent)


def daughter_ratio(branches: int = 2, *, exponent: float = 3.0) -> float:
    """The radius of each of n equal daughters over their parent's: n^(−1/x), 0.7937 for two."""
    return whole("branches", branches) ** (-1 / positive("exponent", exponent))


def branch_angles(first: float, second: float, *, exponent: float = 3.0) -> tuple[float, float]:
    """The angles (radians) at which daughters of radius `first` and `second` leave their parent's line at least volume.

    With r₀ˣ = r₁ˣ + r₂ˣ: cos θ₁ = (r₀⁴ + r₁⁴ − r₂⁴)/(2 r₀² r₁²), and θ₂ likewise; the thinner one turns further.
    """
    r0 = parent_radius((first, second), exponent=exponent)

    def turn(own: float, other: float) -> float:
        return math.acos(min(1.0, (r0**4 + own**4 - other**4) / (2 * r0**2 * own**2)))

    return turn(first, second), turn(second, first)


def half_angle(*, exponent: float = 3.0) -> float:
    """The angle (radians) of two equal daughters to their parent's line: arccos(2^(2/x − 1)), 37.47° at exponent 3."""
    return math.acos(2 ** (2 / positive("exponent", exponent) - 1))


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Tree:
    """Vessels that branch from one: of each its parent (−1 for the first; parents come first), its length (m) and its flow (m³/s)."""

    parent: NDArray[np.int64]
    length: Array
    flow: Array
    ends: Array | None = None
    """Where each vessel starts and ends: x0, y0, x1, y1 in metres, for a picture."""

    def __post_init__(self) -> None:
        n = self.parent.shape
        sheet("length", self.length, n, "m")
        sheet("flow", self.flow, n, "m³/s")
        if not (
            self.parent.ndim == 1
            and n[0]
            and self.parent[0] == -1
            and (self.parent[1:] < np.arange(1, n[0])).all()
            and (self.parent[1:] >= 0).all()
        ):
            raise DescriptionError(tr("A tree lists its vessels with parents first; only the first has none (-1)."))
        brought = np.bincount(self.parent[1:], weights=self.flow[1:], minlength=n[0])
        inner = np.bincount(self.parent[1:], minlength=n[0]) > 0
        if np.abs(brought - self.flow)[inner].max(initial=0.0) > 1e-9 * float(self.flow.max()):
            raise DescriptionError(
                tr("What flows into a branching must flow out of it: a vessel's flow is the sum of its daughters'.")
            )

    @cached_property
    def leaves(self) -> NDArray[np.int64]:
        """The vessels without daughters."""
        return np.setdiff1d(np.arange(self.parent.size), self.parent)

    def best_radii(self, volume: float) -> Array:
        """The radii that share out a volume (m³) for the least friction: r ∝ Q^(1/3)."""
        third = np.cbrt(self.flow)
        return third * math.sqrt(positive("volume", volume, "m³") / float(math.pi * (self.length * third**2).sum()))

    def even_radii(self, volume: float) -> Array:
        """One radius for all vessels, of the same volume."""
        return np.full(
            self.length.shape, math.sqrt(positive("volume", volume, "m³") / float(math.pi * self.length.sum()))
        )

    def volume(self, radii: Array) -> float:
        """Σ π r² L, m³."""
        return float((math.pi * radii**2 * self.length).sum())

    def friction(self, radii: Array, viscosity: float) -> float:
        """The power (W) lost to laminar friction: Σ 8 μ L Q²/(π r⁴)."""
        lost = 8 * positive("viscosity", viscosity, "Pa s") * self.length * self.flow**2 / (math.pi * radii**4)
        return float(lost.sum())

    def least_friction(self, volume: float, viscosity: float) -> float:
        """The friction (W) at the best radii, in closed form: 8 π μ (Σ L Q^(2/3))³/V²."""
        work = float((self.length * np.cbrt(self.flow) ** 2).sum())
        return 8 * math.pi * positive("viscosity", viscosity, "Pa s") * work**3 / positive("volume", volume, "m³") ** 2

    def pressure(self, radii: Array, viscosity: float) -> Array:
        """The pressure (Pa) lost from the entry to the end of each vessel."""
        drop = 8 * positive("viscosity", viscosity, "Pa s") * self.length * self.flow / (math.pi * radii**4)
        for k in range(1, drop.size):
            drop[k] += drop[self.parent[k]]
        return drop


Radii = tuple[Array, Array]
"""Of the arteries and of the veins, m."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Circulation:
    """A tree that brings coolant and one that takes it back: finest vessel k of one feeds finest vessel k of the other.

    In the veins all flows the other way, from the leaves to the stem; lengths and flows are given as for any tree. Coolant that has
    taken up heat is thinner: each side has its own viscosity (Pa s). Raises DescriptionError where what is brought to a place is not
    what is taken from it.
    """

    arteries: Tree
    veins: Tree
    viscosity: tuple[float, float]

    def __post_init__(self) -> None:
        for mu in self.viscosity:
            positive("viscosity", mu, "Pa s")
        brought, taken = (tree.flow[tree.leaves] for tree in self.sides)
        if brought.shape != taken.shape or np.abs(brought - taken).max() > 1e-9 * float(brought.max()):
            raise DescriptionError(
                tr(
                    "Veins take from each place what arteries bring to it: as many finest vessels, each of the same flow."
                )
            )

    @property
    def sides(self) -> tuple[Tree, Tree]:
        """Arteries and veins."""
        return self.arteries, self.veins

    def shares(self) -> tuple[float, float]:
        """What parts of a volume arteries and veins take for the least friction: as Σ L Q^(2/3) μ^(1/3) of each."""
        own, back = self._works
        return own / (own + back), back / (own + back)

    def best_radii(self, volume: float) -> Radii:
        """The radii that share out a volume (m³) among all vessels for the least friction: r ∝ Q^(1/3) μ^(1/6), on both sides."""
        own, back = (tree.best_radii(part * volume) for tree, part in zip(self.sides, self.shares()))
        return own, back

    def even_radii(self, volume: float) -> Radii:
        """One radius for all vessels of both sides, of the same volume."""
        length = sum(float(tree.length.sum()) for tree in self.sides)
        radius = math.sqrt(positive("volume", volume, "m³") / (math.pi * length))
        own, back = (np.full(tree.length.shape, radius) for tree in self.sides)
        return own, back

    def volume(self, radii: Radii) -> float:
        """Σ π r² L over both sides, m³: what counts where vessels are compared at equal volume."""
        return sum(tree.volume(r) for tree, r in zip(self.sides, radii))

    def friction(self, radii: Radii) -> tuple[float, float]:
        """The power (W) lost to laminar friction in arteries and in veins."""
        own, back = (tree.friction(r, mu) for tree, r, mu in zip(self.sides, radii, self.viscosity))
        return own, back

    def least_friction(self, volume: float) -> float:
        """The friction (W) of both sides at the best radii: 8 π (Σ L Q^(2/3) μ^(1/3))³/V², eight times that of one side alone."""
        return 8 * math.pi * sum(self._works) ** 3 / positive("volume", volume, "m³") ** 2

    def pressure(self, radii: Radii) -> Array:
        """The pressure (Pa) lost from the stem of the arteries over each place to the stem of the veins: the sum of both ways."""
        one, two = (tree.pressure(r, mu)[tree.leaves] for tree, r, mu in zip(self.sides, radii, self.viscosity))
        return one + two

    @cached_property
    def _works(self) -> tuple[float, float]:
        own, back = (
            float((tree.length * np.cbrt(tree.flow) ** 2).sum()) * mu ** (1 / 3)
            for tree, mu in zip(self.sides, self.viscosity)
        )
        return own, back


def plate_tree(generations: int, size: tuple[float, float], flow: float) -> Tree:
    """A tree that serves a plate evenly: from the middle it halves the plate `generations` times, across its longer side each time.

    It ends in 2^generations places with equal areas and equal shares of the `flow` (m³/s). The stem stands on the middle and is as
    long as the first branches.
    """
    g = whole("generations", generations)
    positive("flow", flow, "m³/s")
    high, wide = (positive(n, v, "m") for n, v in zip(("height", "width"), size))
    first = max(high, wide) / 4
    parent, length, share, ends = [-1], [first], [1.0], [(wide / 2, high / 2, wide / 2, high / 2)]
    tips, box = [0], (high, wide)
    for k in range(g):
        sideways = box[1] >= box[0]
        step = (box[1] if sideways else box[0]) / 4
        new = []
        for tip in tips:
            x, y = ends[tip][2:]
            for sign in (-1, 1):
                new.append(len(parent))
                parent.append(tip)
                length.append(step)
                share.append(2.0 ** -(k + 1))
                ends.append((x, y, x + sign * step * sideways, y + sign * step * (not sideways)))
        tips, box = new, (box[0], box[1] / 2) if sideways else (box[0] / 2, box[1])
    return Tree(
        parent=np.array(parent, np.int64), length=np.array(length), flow=flow * np.array(share), ends=np.array(ends)
    )


def ducts_power(number: int, length: float, volume: float, flow: float, viscosity: float) -> float:
    """The power (W) lost in n straight parallel ducts of a volume together: 8 π μ L³ Q² n/V², all flow shared evenly."""
    n = whole("number", number)
    radius2 = positive("volume", volume, "m³") / (math.pi * positive("length", length, "m") * n)
    one = not_negative("flow", flow, "m³/s") / n
    return n * 8 * positive("viscosity", viscosity, "Pa s") * length * one**2 / (math.pi * radius2**2)
