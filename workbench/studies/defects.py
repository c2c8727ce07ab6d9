"""A wafer that survives its defects: what is dead, where the network goes instead, and what the detours cost.

Cores, tiles, links and dies die by the laws of yield, or by hand on the map. The network is placed on what lives, its packets go around
what is dead, and the spikes stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import report
from workbench.chips import Chip, of_kind
from workbench.chips.defects import Defects
from workbench.chips.event import EventChip
from workbench.circuits import CIRCUITS
from workbench.circuits.circuit import Circuit
from workbench.circuits.unfold import Netlist, unfold
from workbench.errors import DescriptionError, PlacementError
from workbench.experiment import Experiment
from workbench.fields import choice, count, described, flag, member, part, quantity
from workbench.figures import defects as pictures
from workbench.figures.mesh import both_ways
from workbench.figures.picture import Picture
from workbench.mapping import fit, partition, place, route
from workbench.mapping.detour import distances
from workbench.mapping.faults import Faults, drawn, faults_of
from workbench.mapping.mapped import Plan, plan
from workbench.mapping.reach import Reached, in_degree, reach
from workbench.mapping.traffic import Traffic, of_reach
from workbench.physics import yields
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import mm2, ms, nJ, per_mm2, s, us
from workbench.words import tr

__all__ = ["WaferDefects"]

SITE, BOND = 0.407, 0.5
"""Dead tiles or dead links above which a large square mesh falls apart; 0.407 is 1 − 0.593, 0.5 is exact (Kesten 1980)."""

PERCOLATION = 96
"""Tiles along each side of the mesh that shows how parts fall off."""

WSE_CORES, WSE_ENABLED, WSE_CORE, WSE_DENSITY = 970_000, 900_000, 0.05 * mm2, 0.001 * per_mm2
"""A wafer with spare cores: cores made, cores sold, the area of one and the density of defects, as its maker gives them."""

DT = 0.1 * ms
CURVE = np.geomspace(0.001, 50, 120)
STEPS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Defect densities that are compared, in parts of the one chosen."""


@final
@described
class WaferDefects(Study):
    """What a wafer with dead cores, links and dies still holds, and what hops, energy and chip time become on it.

    Costs are those of one round in which every neuron fires once. The same network is mapped on the whole wafer, on this die, and on
    some others with fewer and more defects.
    """

    title: ClassVar[str] = "A wafer that survives its defects"
    views: ClassVar[tuple[str, ...]] = ("map", "links", "density", "yield", "parts")
    paints: ClassVar[Mapping[str, str]] = {"map": "killed"}
    live: ClassVar[Mapping[str, Any]] = {"specimens": 2}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "density_per_mm2",
        "law",
        "alpha",
        "routers_percent",
        "links_percent",
        "dies_percent",
        "killed",
        "spare_columns",
        "repair",
        "detours",
        "routing",
        "die",
        "circuit",
        "chip",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "a common wafer": {},
        "nothing broken": {"density_per_mm2": 0.0, "links_percent": 0.0},
        "bad luck in one place": {"law": "negative binomial", "alpha": 0.3, "density_per_mm2": 0.6},
        "a dead die": {"density_per_mm2": 0.0, "links_percent": 0.0, "dies_percent": 10.0, "die": 6},
        "links only": {"density_per_mm2": 0.0, "links_percent": 25.0},
        "spares on the right": {"spare_columns": 3, "repair": "nearest", "links_percent": 0.0},
        "rows that shift": {"spare_columns": 3, "repair": "shift", "links_percent": 0.0},
        "one channel": {"detours": "up-down", "routers_percent": 12.0},
        "a piece of cortex": {"circuit": "potjans-diesmann", "scale": 0.02, "neurons_per_core": 16},
    }

    circuit: Circuit = member("worm", lambda: CIRCUITS, doc="the network that has to survive")
    chip: Chip = member(
        "loihi-small-cores", lambda: of_kind("event"), doc="whose cores, areas and prices the wafer has", inner=False
    )
    side: int = count(
        12, low=2, high=64, doc="tiles along each side of the wafer, a core on each", label="tiles a side"
    )
    neurons_per_core: int = count(4, low=1, high=100_000, doc="neurons a core can hold", log=True)
    placement: str = choice(
        "force-directed",
        ("row-major", "random", "hilbert", "force-directed", "annealing"),
        doc="how cores are put on the mesh",
    )
    routing: str = choice("multicast", ("unicast", "multicast"), doc="a packet for each core, or one that splits")
    timing: str = choice(
        "asynchronous", ("simple", "queued", "asynchronous"), doc="how chip time is counted, if the network is run"
    )
    defects: Defects = part(
        Defects(density=0.2 * per_mm2, law="negative binomial", die_tiles=4, links=0.02), doc="what is broken"
    )
    die: int = count(0, doc="which specimen of the wafer", label="die")
    specimens: int = count(8, low=1, high=64, doc="wafers compared at each density", label="wafers")
    run_it: bool = flag(True, doc="whether the network runs on the whole and on the broken wafer", label="run")
    duration: float = quantity(20 * ms, "ms", low=1 * ms, high=10 * s, doc="model time of the runs", label="duration")
    seed: int = count(0, doc="seed of wiring, drive and mapping")

    def check(self) -> None:
        """What is killed, cut or kept in reserve must be on the wafer."""
        if isinstance(self.chip, EventChip):
            self.as_set  # noqa: B018  made only to be checked

    def quick(self) -> Self:
        """The same wafer with the circuit at its quick size and fewer others beside it."""
        return replace(self, circuit=self.circuit.quick(), specimens=min(self.specimens, 3))

    @property
    def as_set(self) -> EventChip:
        """The wafer with what the knobs say; raises DescriptionError for a chip without a mesh."""
        if not isinstance(self.chip, EventChip):
            raise DescriptionError(
                tr("WaferDefects.chip is '{name}': write a chip with a mesh, such as {known}.", name=self.chip.name, known=", ".join(of_kind("event")))
            )  # fmt: skip
        return replace(
            self.chip,
            tiles_x=self.side,
            tiles_y=self.side,
            layers=1,
            cores_per_tile=1,
            neurons_per_core=self.neurons_per_core,
            placement=self.placement,
            routing=self.routing,
            timing=self.timing,
            die=self.die,
            defects=self.defects,
        )

    @property
    def whole(self) -> EventChip:
        """The same wafer with nothing broken and nothing in reserve."""
        return replace(self.as_set, defects=Defects())

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        chip = self.as_set
        ground = _ground(self.circuit, self.seed, chip.neurons_per_core, chip.synapses_per_core)
        made, before = (
            plan(ground.netlist, c, seed=self.seed, core_of=ground.core_of, tiles=self._placed(c))
            for c in (chip, self.whole)
        )
        faults = drawn(chip)
        report(progress, 0.1, tr("comparing wafers"))
        densities = np.array(STEPS) * (self.defects.density or 0.2 * per_mm2)
        hops, joules = self._compared(ground, densities)
        numbers = _numbers(made, before, faults) | self._yield_numbers(faults)
        recordings: dict[str, Recording] = {}
        if self.run_it:
            report(progress, 0.3, tr("running"))
            recordings["whole"] = _ran(self.circuit, self.whole, self.duration, self.seed)
            broken = Experiment(self.circuit, chip, duration=self.duration, dt=DT, seed=self.seed)
            recordings["broken"] = broken.run(lambda f, text: report(progress, 0.5 + 0.5 * f, text))
            numbers |= _run_numbers(recordings)
        old = before.mapped.costs[-1]
        drawings: dict[str, Callable[[], Picture]] = self._maps(made, before, faults)
        drawings |= {
            "density": partial(
                pictures.cost_of_defects,
                densities / per_mm2,
                hops,
                joules / nJ,
                whole=(old.mean_hops, old.joules / nJ),
                chosen=self.defects.density / per_mm2,
            ),
            "yield": partial(self._yields, chip),
            "parts": partial(
                pictures.largest_part,
                *_falling(),
                thresholds=(SITE, BOND),
                here=[(faults.tiles.mean(), numbers["largest_part_percent"] / 100)],
            ),
        }
        return Result(study=self, numbers=numbers, recordings=recordings, pictures=drawings)

    def _placed(self, chip: EventChip) -> NDArray[np.int32]:
        """The tile of each core; where no place is missing, that is the placement on the whole wafer."""
        faults = faults_of(chip)
        if faults is None or (chip.defects.repair == "around" and faults.usable == chip.cores):
            chip = self.whole
        return _placed(self.circuit, self.seed, chip)

    def _compared(
        self, ground: _Ground, densities: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean hops and joules of a round by density and specimen, NaN where the network does not fit."""
        hops, joules = np.full((2, densities.size, self.specimens), np.nan)
        for k, density in enumerate(densities.tolist()):
            for n in range(self.specimens):
                chip = replace(self.as_set, die=self.die + n, defects=replace(self.defects, density=density))
                faults = faults_of(chip)
                try:
                    found = route.ways(ground.reached.inside, ground.core_of, self._placed(chip), chip, faults)
                except PlacementError:
                    continue
                hops[k, n] = found.hops.sum() / max(1, found.received.sum())
                joules[k, n] = found.joules()
        return hops, joules

    def _maps(self, made: Plan, before: Plan, faults: Faults) -> dict[str, Callable[[], Picture]]:
        chip = self.as_set
        neurons = np.zeros((self.side, self.side))
        at = made.mapped.tiles[made.mapped.core_of]
        np.add.at(neurons, (at[:, 1], at[:, 0]), 1)
        reserve = np.zeros_like(neurons, np.bool_)
        reserve[:, self.side - chip.defects.spare_columns :] = True
        reserve[self.side - chip.defects.spare_rows :] = True
        dead = np.asarray(faults.cores.all(axis=2))
        away = (faults.part > 0) & ~dead
        loads, old = (p.ways.link_loads().astype(np.float64) for p in (made, before))
        scale = (0.0, max(1.0, *(float(np.nanmax(both_ways(x), initial=0.0)) for x in (loads, old))))
        nothing = Faults.by_hand(chip)
        return {
            "map": partial(
                pictures.living,
                neurons,
                dead=dead,
                away=away,
                spare=reserve & (neurons > 0),
                dead_links=faults.links,
                dead_tiles=faults.tiles,
            ),
            "links": partial(pictures.busy_links, loads, faults.links, faults.tiles, limits=scale),
            "links whole": partial(
                pictures.busy_links,
                old,
                nothing.links,
                nothing.tiles,
                limits=scale,
                title="Which links are busy, nothing broken",
            ),
        }

    def _yield_numbers(self, faults: Faults) -> dict[str, float]:
        """Closed forms beside what was drawn, the published table, and the wafer with 70,000 spare cores."""
        chip, broken = self.as_set, self.defects
        load = yields.mean_defects(chip.core_area, broken.density)
        of_die = min(self.side, broken.die_tiles or self.side) ** 2
        table = {
            "poisson": yields.poisson(0.1),
            "murphy": yields.murphy(0.1),
            "seeds": yields.seeds(0.1),
            "nb2": yields.negative_binomial(0.1, 2.0),
            "nb3": yields.negative_binomial(0.1, 3.0),
        }
        wse = yields.mean_defects(WSE_CORE, WSE_DENSITY)
        hit = np.count_nonzero(faults.cores & ~faults.tiles[:, :, None]) if broken.density else 0
        n = faults.counts
        return {
            "yield_percent": 100 * (1 - n["dead cores"] / n["cores"]),
            "core_yield_percent": 100 * float(yields.survival(load, broken.law, alpha=broken.alpha)),
            "die_yield_percent": 100 * float(yields.survival(of_die * load, broken.law, alpha=broken.alpha)),
            "cores_hit": float(hit),
            "largest_part_percent": 100 * _share(faults),
            **{f"yield_100mm2_{name}": float(value) for name, value in table.items()},
            "wse_enabled_percent": 100 * WSE_ENABLED / WSE_CORES,
            "wse_expected_dead": yields.expected_dead(WSE_CORES, wse),
            "wse_spares_over_need": (WSE_CORES - WSE_ENABLED) / yields.expected_dead(WSE_CORES, wse),
            "wse_spares_for_999": float(yields.spares_needed(WSE_CORES, wse, 0.999)),
            "wse_without_spares": float(yields.poisson(WSE_CORES * wse)),
        }

    def _yields(self, chip: EventChip) -> Picture:
        """The laws, and what many wafers of this kind really gave, for one core and for one whole die."""
        broken = self.defects
        laws = {name: yields.survival(CURVE, name, alpha=broken.alpha) for name in yields.MODELS}
        tiles = min(self.side, broken.die_tiles or self.side)
        load = yields.mean_defects(chip.core_area, broken.density)
        found = _drawn_yield(load, broken.law, broken.alpha, tiles, self.die)
        marks = {"a core": load, "a die": tiles**2 * load} if load else {}
        return pictures.yields(
            CURVE, laws, [(load, found[0]), (tiles**2 * load, found[1])] if load else [(CURVE[0], 1.0)],
            law=broken.law, marks=marks,
        )  # fmt: skip


@final
@dataclass(frozen=True, eq=False)
class _Ground:
    """What faults do not change: the network, who shares a core with whom, and who talks to whom."""

    netlist: Netlist
    core_of: NDArray[np.int32]
    reached: Reached
    traffic: Traffic


@lru_cache(maxsize=4)
def _ground(circuit: Circuit, seed: int, neurons: int, synapses: int) -> _Ground:
    netlist = unfold(circuit.network(), seed=seed)
    core_of = partition.fill(in_degree(netlist), neurons=neurons, synapses=synapses)
    found = reach(netlist, core_of)
    return _Ground(netlist, core_of, found, of_reach(found.inside, core_of, int(core_of.max(initial=-1)) + 1))


@lru_cache(maxsize=256)
def _placed(circuit: Circuit, seed: int, chip: EventChip) -> NDArray[np.int32]:
    """The tile of each core on what lives of a wafer; raises PlacementError when the network does not fit."""
    ground = _ground(circuit, seed, chip.neurons_per_core, chip.synapses_per_core)
    faults = faults_of(chip)
    fit.check_cores(ground.netlist, chip, ground.core_of, None, faults)
    tiles = place.method(chip.placement, ground.traffic, chip, seed, faults).tiles
    tiles.setflags(write=False)
    return tiles


@lru_cache(maxsize=2)
def _ran(circuit: Circuit, chip: EventChip, duration: float, seed: int) -> Recording:
    """The run on the whole wafer, which stays the same while one is broken after the other."""
    return Experiment(circuit, chip, duration=duration, dt=DT, seed=seed).run()


def _numbers(made: Plan, before: Plan, faults: Faults) -> dict[str, float]:
    """What is dead, what is left, and what a round costs beside the whole wafer."""
    n, now, old = faults.counts, made.mapped.costs[-1], before.mapped.costs[-1]
    bends = made.ways.channels
    longer, shortest = _detours(made, faults)
    return {
        "cores": n["cores"],
        "dead_cores": n["dead cores"],
        "dead_tiles": n["dead tiles"],
        "dead_links": n["dead links"],
        "unreachable_tiles": n["unreachable tiles"],
        "usable_cores": faults.usable,
        "cores_used": len(made.cores),
        "cores_left": faults.usable - len(made.cores),
        "hops_whole": old.mean_hops,
        "hops": now.mean_hops,
        "hops_change_percent": 100 * (now.mean_hops / old.mean_hops - 1) if old.mean_hops else 0.0,
        "energy_whole_nj": old.joules / nJ,
        "energy_nj": now.joules / nJ,
        "energy_change_percent": 100 * (now.joules / old.joules - 1) if old.joules else 0.0,
        "max_link_whole": old.max_link,
        "max_link": now.max_link,
        "longest_way_us": float(made.ways.path.max(initial=0.0)) / us,
        "longest_way_whole_us": float(before.ways.path.max(initial=0.0)) / us,
        "longer_ways_percent": 100 * longer,
        "shortest_ways_percent": 100 * shortest,
        "virtual_channels": bends,
        "deadlock_free": float(route.acyclic(route.dependencies(made.ways), layers=made.ways.chip.layers)),
    }


def _detours(made: Plan, faults: Faults) -> tuple[float, float]:
    """The shares of ways in use that are longer than on a whole mesh, and that are as short as this mesh allows."""
    sent = of_reach(made.reached.inside, made.mapped.core_of, len(made.cores))
    tiles = made.mapped.tiles.astype(np.int64)
    wide = faults.tiles.shape[1]
    pairs = np.unique(
        (tiles[sent.source, 1] * wide + tiles[sent.source, 0]) * faults.tiles.size
        + tiles[sent.target, 1] * wide
        + tiles[sent.target, 0]
    )
    source, target = np.divmod(pairs, faults.tiles.size)
    straight = np.abs(source // wide - target // wide) + np.abs(source % wide - target % wide)
    if made.ways.detours is None or not pairs.size:
        return 0.0, 1.0
    begin, _ = made.ways.detours.links(np.stack([source, target], axis=1))
    took = np.diff(begin) - 1
    far = {int(t): distances(faults, (int(t % wide), int(t // wide))).ravel() for t in np.unique(source)}
    least = np.array([far[a][b] for a, b in zip(source.tolist(), target.tolist(), strict=True)])
    return float(np.mean(took > straight)), float(np.mean(took == least))


def _run_numbers(recordings: Mapping[str, Recording]) -> dict[str, float]:
    """Whether the spikes are the same, and what the run cost on both wafers."""
    whole, broken = recordings["whole"], recordings["broken"]
    same = all(
        np.array_equal(whole.spikes[p].times, broken.spikes[p].times)
        and np.array_equal(whole.spikes[p].neurons, broken.spikes[p].neurons)
        for p in whole.spikes
    )
    times = {name: float(r.ledger.chip_times.sum()) for name, r in recordings.items()}
    return {
        "spikes": float(sum(len(p.times) for p in broken.spikes.values())),
        "same_spikes": float(same and whole.spikes.keys() == broken.spikes.keys()),
        "run_energy_whole_nj": whole.ledger.total / nJ,
        "run_energy_nj": broken.ledger.total / nJ,
        "chip_time_whole_us": times["whole"] / us,
        "chip_time_us": times["broken"] / us,
        "chip_time_change_percent": 100 * (times["broken"] / times["whole"] - 1),
    }


def _share(faults: Faults) -> float:
    """The share of the living tiles that hangs together with the largest part."""
    alive = np.count_nonzero(faults.part >= 0)
    return np.count_nonzero(faults.part == 0) / alive if alive else 0.0


@cache
def _falling() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The largest part of a large mesh by the share of dead tiles, and of dead links."""
    dead = np.linspace(0.0, 0.7, 29)
    chip = of_kind("event")["loihi-small-cores"]
    shares: list[NDArray[np.float64]] = []
    for knob in ("routers", "links"):
        meshes = (
            replace(chip, tiles_x=PERCOLATION, tiles_y=PERCOLATION, defects=Defects(**{knob: float(p)}))  # type: ignore[arg-type]
            for p in dead
        )
        shares.append(np.array([_share(drawn(mesh)) for mesh in meshes]))  # type: ignore[arg-type]
    return dead, shares[0], shares[1]


@lru_cache(maxsize=64)
def _drawn_yield(load: float, law: str, alpha: float, tiles: int, die: int) -> tuple[float, float]:
    """The share of cores, and of dies of so many tiles a side, without a defect, on a field of many dies."""
    many = max(2, min(40, 480 // tiles))
    side = many * tiles
    cores = yields.dead(
        (side, side), load, model=law, alpha=alpha, cluster=(tiles, tiles), die=die, name="defects/field"
    )
    alive = ~cores
    whole = alive.reshape(many, tiles, many, tiles).all(axis=(1, 3))
    return float(alive.mean()), float(whole.mean())
