"""Heat and blood: how a wafer is fed and cooled, where it runs away, what vessels save, and what a promised saving would need.

Two wafers bracket the question. Each carries the numbers published for it and the assumptions that stand for what was not; `WAFERS`
lists every one with its source. Nothing here is a model of either product: the solver is general, the inputs are these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends.base import report
from workbench.fields import choice, count, described, quantity
from workbench.figures import heat as drawn
from workbench.figures.picture import Picture
from workbench.physics import conduction, coolant, grid, leakage, pipes, pue, vascular
from workbench.physics.heat import Layer, Stack
from workbench.physics.leakage import Leakage, RunawayError
from workbench.physics.materials import AIR, COPPER, SILICON, Fluid, Solid, water, water_vapour
from workbench.physics.operating import Operating, operate
from workbench.recordings.prices import Citation
from workbench.studies.study import Progress, Result, Study
from workbench.units import K, W
from workbench.words import tr

__all__ = ["WAFERS", "Cooled", "HeatAndBlood"]

Array = NDArray[np.float64]
ZERO = 273.15  # K at 0 °C

WARM_SILICON = Solid(
    name="silicon, warm",
    conductivity=130.0,
    density=SILICON.density,
    heat_capacity=SILICON.heat_capacity,
    citation=Citation("assumed", "recalled: 110 to 130 W/(m K) at 350 K"),
)


@final
@dataclass(frozen=True, kw_only=True)
class Cooled:
    """A wafer as it is fed and cooled: published numbers and assumptions, each with its source in `sources`."""

    name: str
    side: float
    """Of the square that computes, m."""
    diameter: float
    """Of the round wafer that holds it, m; 0: the square is the wafer."""
    dies: int
    """Along one side; 0: one sheet of cores."""
    die: float
    """Side of a die, m."""
    power: float
    supply: float
    film: float
    fluid: Fluid
    inlet: float
    rise: float
    """By how much the coolant may warm, K."""
    feed: float
    """Vertical feeding: resistance × area over the heated silicon, Ω m²."""
    sheet: float
    """Ω per square of both rails together, when fed from the edges."""
    leak: Leakage
    published: Mapping[str, float]
    sources: Mapping[str, Citation]

    @property
    def area(self) -> float:
        """Of the wafer, m²."""
        return math.pi * self.diameter**2 / 4 if self.diameter else self.side**2

    def heated(self, cells: int) -> Array:
        """The share of the power in every cell: evenly over cores, or over the dies."""
        on = np.ones((cells, cells))
        if self.dies:
            # what part of a cell a die covers decides
            pitch = self.side / self.dies
            fine = (np.arange(cells * 8) + 0.5) / (cells * 8) * self.side
            along = (np.abs(fine % pitch - pitch / 2) < self.die / 2).reshape(cells, 8).mean(axis=1)
            on = np.outer(along, along)
        return on / on.sum()


_ASSUMED_LEAK = Citation(
    "assumed", "leakage 10 % of the power at its usual temperature, doubling every 20 K (recalled: 10 to 25 K)"
)
_WSE = Citation("published", "Cerebras WSE-2: 46,225 mm², chip 15 kW, system 20 kW, about 20 kA")
_DARWIN = Citation(
    "published", "DarwinWafer, arXiv 2509.16213: 300 mm, 64 chiplets, about 100 W, 0.8 V, 34–36 °C, 10 mV droop"
)

WAFERS: dict[str, Cooled] = {
    "wse-2": Cooled(
        name="wse-2",
        side=0.215,
        diameter=0.0,
        dies=0,
        die=0.0,
        power=15e3,
        supply=0.8,
        film=2e4,
        fluid=water(293.15),
        inlet=ZERO + 20.0,
        rise=10.0,
        feed=2.5e-8,
        sheet=1e-4,
        leak=Leakage(power=1500.0, reference=ZERO + 50.0, doubling=20.0),
        published={"power": 15e3, "system": 20e3, "amperes": 20e3},
        sources={
            "side, power": _WSE,
            "supply": Citation("assumed", "0.8 V, at which 20 kA are 16 kW, between chip and system"),
            "film": Citation("assumed", "a water cold plate, 5,000 to 30,000 W/(m² K) (recalled)"),
            "inlet, rise": Citation("assumed", "water in at 20 °C and out 10 K warmer"),
            "feed": Citation("assumed", "chosen for about 10 mV at 20 kA through the face"),
            "sheet": Citation("assumed", "0.1 mΩ per square, thick metal in both rails"),
            "stack": Citation(
                "assumed", "0.775 mm silicon, 0.1 cm² K/W of glue, 3 mm copper; recalled handbook values"
            ),
            "leak": _ASSUMED_LEAK,
        },
    ),
    "darwin-wafer": Cooled(
        name="darwin-wafer",
        side=0.212,
        diameter=0.3,
        dies=8,
        die=0.022,
        power=100.0,
        supply=0.8,
        film=240.0,
        fluid=AIR,
        inlet=ZERO + 25.0,
        rise=1.0,
        feed=2.5e-6,
        sheet=1e-3,
        leak=Leakage(power=10.0, reference=ZERO + 35.0, doubling=20.0),
        published={"power": 100.0, "low": 34.0, "high": 36.0, "droop": 0.010},
        sources={
            "side, dies, power, supply": _DARWIN,
            "die": Citation(
                "assumed",
                "dies 22 mm wide, evenly on the 212 mm square inside the round wafer; the rim carries no heat",
            ),
            "film": Citation(
                "assumed", "chosen for a mean of about 35 °C over air of 25 °C; an air-cooled sink per area of wafer"
            ),
            "inlet, rise": Citation("assumed", "air in at 25 °C and out 1 K warmer"),
            "feed": Citation("assumed", "chosen for the published 10 mV through the face"),
            "sheet": Citation("assumed", "1 mΩ per square in both rails of the interposer"),
            "stack": Citation(
                "assumed", "0.775 mm silicon, 0.1 cm² K/W of glue, 3 mm copper; recalled handbook values"
            ),
            "leak": _ASSUMED_LEAK,
        },
    ),
}
"""The two wafers, as they are fed and cooled here."""


@final
@described
class HeatAndBlood(Study):
    """How hot a wafer becomes and how far its supply sags, where it runs away, and what vessels, gravity and a better PUE can do."""

    title: ClassVar[str] = "Heat and blood"
    views: ClassVar[tuple[str, ...]] = ("temperature", "voltage", "runaway", "vessels", "pumping", "pue")
    main_knobs: ClassVar[tuple[str, ...]] = ("wafer", "power_w", "cooling", "fed", "layers", "generations", "pue")
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "a wafer of 15 kilowatts": {},
        "the whole system's power": {"power_w": 20000.0},
        "fed from its edges": {"fed": "four edges", "power_w": 2000.0},
        "DarwinWafer": {"wafer": "darwin-wafer"},
        "three layers": {"layers": 3, "power_w": 5000.0},
    }

    wafer: str = choice("wse-2", tuple(WAFERS), doc="whose size, supply and cooling")
    power: float = quantity(
        0.0,
        "W",
        low=0 * W,
        high=1e6 * W,
        doc="dynamic and leakage power in all at its usual temperature; 0: the wafer's own",
    )
    cooling: float = quantity(
        1.0, "", low=0.01, high=100.0, doc="how many times its own coolant and film coefficient", log=True
    )
    fed: str = choice("vertical", tuple(grid.FEEDS), doc="where current comes in")
    sheet: float = quantity(0.0, "Ω", low=0.0, high=10.0, doc="resistance of a square of the grid; 0: the wafer's own")
    load: str = choice("regulated", ("regulated", "clocked"), doc="what power does at a lower voltage")
    doubling: float = quantity(20 * K, "K", low=5 * K, high=100 * K, doc="in how many kelvin leakage doubles")
    layers: int = count(1, low=1, high=8, doc="layers of silicon on one another, the power shared among them")
    generations: int = count(8, low=1, high=12, doc="how often the vessels part")
    vessels: float = quantity(
        0.1,
        "%",
        low=0.001,
        high=0.5,
        doc="the plate's volume given to vessels, arteries and veins together",
        label="volume of vessels",
    )
    height: float = quantity(2.0, "", low=0.0, high=100.0, doc="metres that vapour may rise", label="height (m)")
    pue: float = quantity(1.58, "", low=1.0, high=4.0, doc="PUE before", label="PUE")
    saved: float = quantity(0.4, "%", low=0.0, high=0.99, doc="the saving promised")
    cells: int = count(128, low=16, high=1024, doc="cells along one side", log=True)

    def quick(self) -> Self:
        """A coarser grid."""
        return replace(self, cells=min(self.cells, 48))

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        report(progress, 0.0, tr("heating"))
        point = self._point(self._power)
        report(progress, 0.5, tr("running away"))
        curve = self._curve()
        report(progress, 0.9, tr("branching"))
        numbers = self._heat(point) | self._feeding(point) | self._runaway() | self._vessels() | self._facility()
        return Result(study=self, numbers=numbers, pictures=self._pictures(point, curve))

    # the wafer

    @property
    def _of(self) -> Cooled:
        return WAFERS[self.wafer]

    @property
    def _power(self) -> float:
        return self.power or self._of.power

    @cached_property
    def _share(self) -> Array:
        return self._of.heated(self.cells)

    @cached_property
    def _grid(self) -> grid.PowerGrid:
        of = self._of
        at = (self.cells, self.cells)
        size = (of.side, of.side)
        sheet = self.sheet or of.sheet
        if self.fed != "vertical":
            return grid.PowerGrid(cells=at, size=size, sheets=[sheet], fed=self.fed)
        # pads where silicon is; in the rim between dies only the sheet conducts
        part = self._share / self._share.max()
        with np.errstate(divide="ignore"):
            return grid.PowerGrid(cells=at, size=size, sheets=[sheet], fed="vertical", feed=of.feed / part)

    def _stack(self, warms: bool = True) -> Stack:
        of = self._of
        dies = [
            Layer(
                name="active" if k == 0 else f"silicon {k + 1}",
                solid=WARM_SILICON,
                thickness=0.775e-3 if k == self.layers - 1 else 0.1e-3,
                interface=1e-5 if k == self.layers - 1 else 2e-6,
            )
            for k in range(self.layers)
        ]
        plate = Layer(name="plate", solid=COPPER, thickness=3e-3)
        flow = of.power / of.rise * self.cooling if warms else math.inf
        return Stack(
            layers=[*dies, plate],
            size=(of.side, of.side),
            cells=(self.cells, self.cells),
            film=of.film * self.cooling,
            inlet=of.inlet,
            flow=flow,
        )

    @property
    def _leak(self) -> Leakage:
        return replace(self._of.leak, doubling=self.doubling)

    def _dynamic(self, power: float) -> float:
        """What of a power at the usual temperature is dynamic: all but the leakage there."""
        return max(0.0, power - self._of.leak.power)

    def _point(self, power: float) -> Operating:
        each = self._dynamic(power) / self.layers
        other = {f"silicon {k + 1}": each * self._share for k in range(1, self.layers)}
        return operate(
            self._stack(),
            "active",
            self._grid,
            each * self._share,
            self._leak,
            supply=self._of.supply,
            load="clocked" if self.load == "clocked" else "regulated",
            share=self._share,
            other=other,
        )

    # numbers

    def _heat(self, point: Operating) -> dict[str, float]:
        field = point.settled.field
        on = self._share > 0.5 * self._share.max()
        hot = field.of("active")[on] - ZERO
        of = self._of
        return {
            "flux_w_per_cm2": self._power / of.area / 1e4,
            "hottest_c": float(hot.max()),
            "coldest_c": float(hot.min()),
            "mean_c": float(hot.mean()),
            "coolant_rise_k": float((field.coolant[:, -1] - field.coolant[:, 0]).mean()),
            "leakage_w": float(point.settled.leakage.sum()),
            "power_w": point.power,
            "loop_gain": point.settled.gain,
            "balance": abs(field.heat_out / field.heat_in - 1),
            "silicon_drop_k": conduction.slab_rise(self._power / of.area, 0.775e-3, 130.0),
            "spreading_mm": 1e3 * conduction.spreading_length(130.0, 0.775e-3, of.film * self.cooling),
            "flow_l_per_min": 60e3 * coolant.volume_flow(self._power, of.rise, of.fluid),
        }

    def _feeding(self, point: Operating) -> dict[str, float]:
        of = self._of
        density = self._power / of.supply / of.area
        sheet = self.sheet or of.sheet
        edges = (
            grid.disc_drop(density, sheet, of.diameter / 2) if of.diameter else grid.plate_drop(density, sheet, of.side)
        )
        return {
            "current_a": float(point.current.sum()),
            "droop_mv": 1e3 * point.droop,
            "grid_loss_w": point.grid_loss,
            "edge_drop_mv": 1e3 * edges,
        }

    def _runaway(self) -> dict[str, float]:
        start = leakage.onset(self._resistance, self._leak, coolant=self._of.inlet)
        return {"runaway_w": start, "resistance_k_per_kw": 1e3 * self._resistance}

    @cached_property
    def _resistance(self) -> float:
        """K/W from the cores to the coolant on its way in, lumped: what the stack itself answers to one watt spread over the silicon."""
        stack = self._stack()
        each = self._share / self.layers
        names = [layer.name for layer in stack.layers if layer.name != "plate"]
        rise = stack.field(dict.fromkeys(names, each)).rise[0]
        return float((rise * self._share).sum())

    def _curve(self) -> dict[str, tuple[Array, Array]]:
        """The lumped temperature over the power, with and without leakage."""
        start = leakage.onset(self._resistance, self._leak, coolant=self._of.inlet)
        powers = np.linspace(0.0, max(1.2 * start, self._power), 200)
        hot = np.full(powers.shape, np.nan)
        for k, p in enumerate(powers):
            try:
                hot[k] = leakage.lumped(float(p), self._resistance, self._leak, coolant=self._of.inlet)[0] - ZERO
            except RunawayError:
                break
        return {
            "with leakage": (powers, hot),
            "without leakage": (powers, self._of.inlet - ZERO + self._resistance * powers),
        }

    @cached_property
    def _vascular(self) -> vascular.Circulation:
        """Arteries and the veins beside them; what comes back is warmer, so thinner."""
        of = self._of
        flow = coolant.volume_flow(self._power, of.rise, water(of.inlet))
        tree = vascular.plate_tree(self.generations, (of.side, of.side), flow)
        thin = water(of.inlet).viscosity, water(of.inlet + of.rise).viscosity
        return vascular.Circulation(arteries=tree, veins=tree, viscosity=thin)

    def _ducts(self, volume: float) -> float:
        """What straight ducts of the same volume cost to push through (W): in at one edge, out at the other, half warmed on the way."""
        of, tree = self._of, self._vascular.arteries
        rows = round(math.sqrt(tree.leaves.size))
        mu = water(of.inlet + of.rise / 2).viscosity
        return vascular.ducts_power(rows, of.side, volume, float(tree.flow[0]), mu)

    @property
    def _volume(self) -> float:
        """m³ for vessels, arteries and veins together: a share of a plate 10 mm thick."""
        return self.vessels * self._of.side**2 * 10e-3

    def _vessels(self) -> dict[str, float]:
        both, volume = self._vascular, self._volume
        best, even = both.best_radii(volume), both.even_radii(volume)
        brought, taken = both.friction(best)
        murray = brought + taken
        vapour = water_vapour(ZERO + 60.0)
        wick = pipes.capillary_limit(
            vapour, pore=25e-6, permeability=5e-12, wick_area=10e-6, length=max(self.height, 0.2)
        )
        spread = self._spread()
        loop = pipes.Thermosyphon(
            height=self.height, length=3 * self.height + 1, vapour_radius=25e-3, liquid_radius=6e-3
        )
        return {
            "murray_pump_w": murray,
            "veins_pump_w": taken,
            "veins_share": both.shares()[1],
            "pressure_kpa": 1e-3 * float(both.pressure(best).mean()),
            "even_over_murray": sum(both.friction(even)) / murray,
            "ducts_over_murray": self._ducts(volume) / murray,
            "widest_mm": 1e3 * float(best[0].max()),
            "finest_mm": 1e3 * float(best[0].min()),
            "angle_degrees": math.degrees(vascular.half_angle()),
            "wicks_needed": self._power / wick,
            "thermosyphon_w": loop.carries(vapour)[1],
            "tube_w": pipes.Tube(diameter=2 * loop.vapour_radius).carries(vapour)[1],
            "ducts_spread_k": spread[0],
            "tree_spread_k": spread[1],
        }

    def _spread(self) -> tuple[float, float]:
        """How far the silicon's temperature spreads (K): over ducts whose coolant warms, and over a tree that brings it fresh everywhere."""
        power = {"active": self._power * self._share}
        on = self._share > 0.5 * self._share.max()
        return tuple(float(np.ptp(self._stack(warms).field(power).rise[0][on])) for warms in (True, False))  # type: ignore[return-value]

    def _facility(self) -> dict[str, float]:
        return {
            "largest_saving_percent": 100 * pue.largest_saving(self.pue),
            "pue_needed": pue.pue_needed(self.pue, self.saved),
        }

    # pictures

    def _pictures(self, point: Operating, curve: dict[str, tuple[Array, Array]]) -> dict[str, Callable[[], Picture]]:
        of = self._of
        hot = point.settled.field.of("active") - ZERO
        sag = 1e3 * (of.supply - point.voltage)
        both = self._vascular
        tree, (arteries, veins) = both.arteries, both.best_radii(self._volume)
        ends = np.zeros((tree.length.size, 4)) if tree.ends is None else tree.ends
        volumes = np.geomspace(self._volume / 10, self._volume * 10, 40)
        source = "Every assumption: `workbench.studies.heat_and_blood.WAFERS`"
        before = np.linspace(1.0, 2.2, 100)
        start = leakage.onset(self._resistance, self._leak, coolant=of.inlet)
        return {
            "temperature": partial(
                drawn.plate,
                hot,
                size=(of.side, of.side),
                label="temperature",
                unit="°C",
                title="How hot the wafer becomes",
                source=source,
            ),
            "voltage": partial(
                drawn.plate,
                sag,
                size=(of.side, of.side),
                label="drop below the supply",
                unit="mV",
                title="How far the supply sags",
                source=source,
            ),
            "runaway": partial(
                figures.curves,
                curve,
                marks={"runaway starts": start} if 0 < start < math.inf else {},
                x="dynamic power",
                x_unit="W",
                y="temperature",
                y_unit="°C",
                title="Leakage bends the curve until it ends",
                source=source,
            ),
            "vessels": partial(drawn.vessels, ends, arteries, tree.leaves, veins=veins),
            "pumping": partial(
                figures.curves,
                {
                    "Murray's radii": (1e6 * volumes, np.array([both.least_friction(v) for v in volumes])),
                    "one radius": (
                        1e6 * volumes,
                        np.array([sum(both.friction(both.even_radii(v))) for v in volumes]),
                    ),
                    "straight ducts": (1e6 * volumes, np.array([self._ducts(v) for v in volumes])),
                },
                x="volume of the vessels",
                x_unit="mL",
                y="power to push water through",
                y_unit="W",
                log_x=True,
                log_y=True,
                title="Vessels of the same volume",
            ),
            "pue": partial(
                figures.curves,
                {"most that cooling alone saves": (before, 100 * (1 - 1 / before))},
                marks={"PUE before": self.pue},
                levels={"saving promised": 100 * self.saved},
                x="PUE before",
                y="saving of all energy",
                y_unit="%",
                title="What a saving would need",
                source="Survey means 1.58 (2023) and 1.56 (2024): Uptime Institute (published)",
            ),
        }
