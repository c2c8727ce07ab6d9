"""Kill dies of a wafer, and stack them: what is left, which way packets go, and what hops, energy and chip time become.

A sheet runs by rule; a network whose synapses must be stored, such as the worm or a column of cortex, runs on the wafer's own mesh. The
same network runs on the whole wafer and on the broken one, and its spikes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.base import report
from workbench.chips import Chip, of_kind
from workbench.chips.defects import cut_links, killed_tiles
from workbench.chips.wafer import WaferChip
from workbench.circuits import CIRCUITS
from workbench.circuits.circuit import Circuit
from workbench.circuits.library.wafer_sheet import WaferSheet
from workbench.errors import DescriptionError, PlacementError
from workbench.experiment import Experiment
from workbench.fields import choice, count, described, flag, member, quantity, text
from workbench.figures import broken_wafer as pictures
from workbench.figures import defects as seen
from workbench.figures.mesh import both_ways
from workbench.figures.picture import Picture
from workbench.mapping.dies import die_faults
from workbench.mapping.faults import Faults
from workbench.mapping.lattice import KINDS, kinds_of
from workbench.physics.stacking import Stacking
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import mm2, ms, pJ, s, uJ, us
from workbench.words import tr

__all__ = ["BrokenWafer", "KNOWN"]

KNOWN = ("wafer-sheet", "worm", "potjans-diesmann")
"""The networks of this study."""

DT = 0.1 * ms
LAYERS = (1, 2, 4, 8)
VIAS = 64
"""Vias of a link between two layers: one for each bit of a packet (assumed)."""
AREA = 46_225 * mm2
"""Silicon of a wafer with one layer: that of WSE-2 (published)."""
BETWEEN, FILM = 1e-5, 2e4
"""Thermal resistance from layer to layer (K m²/W) and heat transfer to the coolant, W/(m² K): a bond, and a water cold plate (assumed)."""

SOURCE = "Computed here; prices and shape: `workbench chips NAME` cites every one; a toy wafer, its networks, vias, bonds and cooling are assumed"


@final
@described
class BrokenWafer(Study):
    """What a wafer costs when dies, or links between dies, are dead, and when its cores are stacked in layers."""

    title: ClassVar[str] = "Kill dies of a wafer"
    views: ClassVar[tuple[str, ...]] = ("map", "links", "deaths", "layers")
    paints: ClassVar[Mapping[str, str]] = {"map": "killed"}
    live: ClassVar[Mapping[str, Any]] = {"stacks": False}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "killed",
        "cut",
        "dies_percent",
        "die",
        "layers",
        "circuit",
        "chip",
        "dies_side",
        "tiles_side",
        "placement",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "nothing broken": {},
        "a dead die": {"killed": "3,3"},
        "one in ten": {"dies_percent": 10.0},
        "a wall with a gap": {"killed": "0,3 1,3 2,3 3,3 5,3 6,3 7,3"},
        "the worm": {"circuit": "worm", "killed": "0,0 1,1"},
        "a piece of cortex": {"circuit": "potjans-diesmann", "scale": 0.02, "killed": "1,1 0,3"},
        "four layers": {"layers": "4"},
    }

    circuit: Circuit = member(
        WaferSheet(neurons=3000, patch=16),
        lambda: {name: CIRCUITS[name] for name in KNOWN},
        doc="the network that has to survive",
    )
    chip: Chip = member(
        "tianqin-hai-class", lambda: of_kind("wafer"), doc="whose prices the wafer has", label="wafer", inner=False
    )
    dies_side: int = count(8, low=2, high=32, doc="dies along each side of the wafer", label="dies a side")
    tiles_side: int = count(4, low=4, high=64, doc="tiles along each side of a die, in one layer", label="tiles a side")
    neurons_per_core: int = count(4, low=1, high=100_000, doc="neurons a core can hold", log=True)
    layers: str = choice(
        "1",
        tuple(str(n) for n in LAYERS),
        doc="layers stacked, with as many cores in all: dies become smaller",
        label="layers",
    )
    killed: str = text(
        "", doc="dies killed by hand, row,column: '3,4 3,5'; click on the map or write", label="killed dies"
    )
    cut: str = text("", doc="sides of dies over which nothing goes, die-die: '3,4-3,5'", label="cut sides")
    dies: float = quantity(0.0, "%", low=0.0, high=1.0, doc="chance of a die to be dead", label="dead dies")
    die: int = count(0, doc="which specimen of the wafer", label="die")
    placement: str = choice(
        "hilbert",
        ("row-major", "random", "hilbert", "force-directed", "annealing"),
        doc="how cores are put on the mesh; a sheet is laid out as it is",
    )
    via_failure: float = quantity(1e-7, "", low=0.0, high=1.0, doc="chance of a via to fail", label="via failure")
    bond: float = quantity(
        0.98, "%", low=0.0, high=1.0, doc="chance of a bond between two layers to hold", label="bond yield"
    )
    die_yield: float = quantity(0.9, "%", low=0.0, high=1.0, doc="chance of one layer to work", label="layer yield")
    power: float = quantity(
        100.0,
        "W",
        low=0.0,
        high=1e5,
        doc="heat of the whole wafer, shared evenly by its cores",
        label="power",
        log=False,
    )
    compared: int = count(4, low=0, high=16, doc="wafers with more and more dead dies beside it", label="wafers")
    stacks: bool = flag(True, doc="whether the network also runs in 1, 2, 4 and 8 layers", label="run stacks")
    duration: float = quantity(50 * ms, "ms", low=1 * ms, high=10 * s, doc="model time of the runs", label="duration")
    seed: int = count(0, doc="seed of wiring, drive and mapping")

    def check(self) -> None:
        """The wafer must fold into its layers, and what is killed or cut must be on it."""
        if not isinstance(self.chip, WaferChip):
            raise DescriptionError(
                tr("BrokenWafer.chip is '{name}': write a wafer, such as {known}.", name=self.chip.name, known=", ".join(of_kind("wafer")))
            )  # fmt: skip
        if self.tiles_side % 4:
            raise DescriptionError(
                tr("BrokenWafer.tiles_side is {tiles}: it must be a multiple of 4, so that dies fold into layers.", tiles=self.tiles_side)
            )  # fmt: skip
        for row, column in (*killed_tiles(self.killed), *(t for link in cut_links(self.cut) for t in link)):
            if max(row, column) >= self.dies_side:
                raise DescriptionError(
                    tr(
                        "Die {row},{column} is not on the wafer: rows and columns are 0 … {last}.",
                        row=row,
                        column=column,
                        last=self.dies_side - 1,
                    )
                )

    def quick(self) -> Self:
        """The same wafer and network, with fewer others beside it."""
        return replace(self, compared=min(self.compared, 2), duration=min(self.duration, 20 * ms))

    @property
    def whole(self) -> WaferChip:
        """The wafer with nothing broken."""
        return self._in_layers(int(self.layers))

    def _in_layers(self, layers: int) -> Any:
        """As many cores in so many layers: dies are halved along one side, then along the other."""
        across = 1 << (layers.bit_length() - 1) // 2
        return replace(
            self.chip,
            dies_x=self.dies_side,
            dies_y=self.dies_side,
            tiles_x=self.tiles_side // across,
            tiles_y=self.tiles_side * across // layers,
            cores_per_tile=1,
            layers=layers,
            neurons_per_core=self.neurons_per_core,
            sources={},
        )

    @property
    def _order(self) -> NDArray[np.float64]:
        """A number for each die, row by row: it is dead when its chance is above."""
        return streams.uniform(streams.stream(self.die, "defects", "wafer die"), 0, self.dies_side**2)

    @property
    def broken(self) -> WaferChip:
        """The wafer with what is dead by chance, killed and cut."""
        dead = {(int(n) % self.dies_side, int(n) // self.dies_side) for n in np.flatnonzero(self._order < self.dies)}
        dead ^= {(column, row) for row, column in killed_tiles(self.killed)}
        links = tuple((a[1], a[0], b[1], b[0]) for a, b in cut_links(self.cut))
        return replace(self.whole, dead_dies=tuple(sorted(dead)), dead_links=links)

    def run(self, progress: Progress | None = None) -> Result:
        """See Study; raises PlacementError for a wafer that is cut in two, or that holds too few neurons, saying which part or how many."""
        chip, whole = self.broken, self.whole
        faults = die_faults(chip)
        report(progress, 0.0, tr("running"))
        recordings = {"whole": self._ran(whole), "broken": self._ran(chip)}
        deaths = self._deaths(progress)
        counted = self._stacked(progress)
        numbers = self._numbers(recordings, faults) | self._stack_numbers()
        return Result(
            study=self,
            numbers=numbers,
            recordings=recordings,
            pictures=self._pictures(recordings, faults, deaths, counted),
        )

    def _ran(self, chip: WaferChip) -> Recording:
        """The network on this wafer; a sheet in as many patches as there are tiles, or fewer."""
        circuit = self.circuit
        if isinstance(circuit, WaferSheet):
            circuit = replace(circuit, patch=min(circuit.patch, max(16, circuit.neurons // (4 * chip.dies))))
        return _ran(circuit, chip, self.placement, self.duration, self.seed)

    def _deaths(self, progress: Progress | None) -> NDArray[np.float64]:
        """Dead dies, hops of a packet, joules and chip time on wafers with more and more dead dies, (4, wafers); NaN where one is refused."""
        many = np.unique(np.linspace(0, self.dies_side**2 // 4, self.compared + 1).round().astype(int))
        order = np.argsort(self._order, kind="stable")
        made = np.full((4, many.size), np.nan)
        made[0] = many
        for k, n in enumerate(many.tolist()):
            report(progress, 0.4 + 0.3 * k / many.size, tr("comparing wafers"))
            dead = tuple(sorted((int(d) % self.dies_side, int(d) // self.dies_side) for d in order[:n]))
            try:
                found = self._ran(replace(self.whole, dead_dies=dead))
            except PlacementError:
                continue
            made[1:, k] = _hops(found), found.ledger.total, found.ledger.chip_time
        return made

    def _stacked(self, progress: Progress | None) -> NDArray[np.float64]:
        """Hops of a packet on the whole wafer with as many cores in each of `LAYERS`; NaN where it was not run."""
        made = np.full(len(LAYERS), np.nan)
        for k, n in enumerate(LAYERS):
            report(progress, 0.7 + 0.3 * k / len(LAYERS), tr("comparing wafers"))
            if self.stacks or n == int(self.layers):
                made[k] = _hops(self._ran(self._in_layers(n)))
        return made

    def _stack(self, layers: int, *, sorted_dies: bool = True) -> Stacking:
        """What vias, bonds and layers make of one die."""
        return Stacking(
            cores=self.tiles_side**2,
            layers=layers,
            vias_per_core=VIAS,
            via_failure=self.via_failure,
            die_yield=self.die_yield,
            bond=self.bond,
            sorted_dies=sorted_dies,
        )

    def _stack_numbers(self) -> dict[str, float]:
        n = int(self.layers)
        stack, chip = self._stack(n), self.whole
        return {
            "layers": float(n),
            "hops_random_cores": _closed(chip),
            "hops_random_cores_flat": _closed(self._in_layers(1)),
            "vias": float(stack.vias * chip.dies),
            "stack_yield_percent": 100 * stack.survival,
            "stack_yield_unsorted_percent": 100 * self._stack(n, sorted_dies=False).survival,
            "power_density_w_per_cm2": self.power * n / AREA / 1e4,
            "rise_k": stack.rise(self.power, AREA, between=BETWEEN, film=FILM),
        }

    def _numbers(self, recordings: Mapping[str, Recording], faults: Faults) -> dict[str, float]:
        """What is dead, what is left, and what the run cost on both wafers."""
        old, new = recordings["whole"], recordings["broken"]
        chip = self.broken
        dead = int(np.count_nonzero(faults.tiles))
        left = (chip.dies - dead) * chip.neurons_per_die
        size = sum(new.sizes.values())
        loads = [_die_loads(r, c) for r, c in ((old, self.whole), (new, chip))]
        return {
            "dies": float(chip.dies),
            "dead_dies": float(dead),
            "cut_sides": float(len(cut_links(self.cut))),
            "yield_percent": 100 * (1 - dead / chip.dies),
            "neurons": float(size),
            "neurons_left": float(left - size),
            "spikes": float(sum(new.counts.values())),
            "same_spikes": float(all(old.spikes[p] == new.spikes[p] for p in old.spikes)),
            "hops_whole": _hops(old),
            "hops": _hops(new),
            "hops_change_percent": _change(_hops(old), _hops(new)),
            "die_links_whole": _per_packet(old, "die link"),
            "die_links": _per_packet(new, "die link"),
            "vias_crossed": _per_packet(new, "via"),
            "energy_whole_uj": old.ledger.total / uJ,
            "energy_uj": new.ledger.total / uJ,
            "energy_change_percent": _change(old.ledger.total, new.ledger.total),
            "way_energy_change_percent": _change(_way_joules(old), _way_joules(new)),
            "pj_per_hop": _way_joules(new) / pJ / max(1.0, _hops(new) * _packets(new)),
            "chip_time_whole_us": old.ledger.chip_time / us,
            "chip_time_us": new.ledger.chip_time / us,
            "chip_time_change_percent": _change(old.ledger.chip_time, new.ledger.chip_time),
            "max_link_whole": float(loads[0].max(initial=0)),
            "max_link": float(loads[1].max(initial=0)),
        }

    def _pictures(
        self,
        recordings: Mapping[str, Recording],
        faults: Faults,
        deaths: NDArray[np.float64],
        counted: NDArray[np.float64],
    ) -> dict[str, Callable[[], Picture]]:
        chip, new = self.broken, recordings["broken"]
        loads, old = _die_loads(new, chip), _die_loads(recordings["whole"], self.whole)
        scale = (0.0, max(1.0, *(float(np.nanmax(both_ways(x), initial=0.0)) for x in (loads, old))))
        nothing, stacks = die_faults(self.whole), [self._stack(n) for n in LAYERS]
        unsorted = [self._stack(n, sorted_dies=False).survival for n in LAYERS]
        here = (float(faults.tiles.sum()), _hops(new), new.ledger.total / uJ, new.ledger.chip_time / us)
        busy = partial(seen.busy_links, limits=scale, dies=True, source=SOURCE)
        return {
            "map": partial(
                seen.living,
                _residents(new, chip),
                dead=faults.tiles,
                away=np.zeros_like(faults.tiles),
                spare=np.zeros_like(faults.tiles),
                dead_links=faults.links,
                dead_tiles=faults.tiles,
                dies=True,
                title="Who lives on which die",
                source=SOURCE,
            ),
            "links": partial(busy, loads, faults.links, faults.tiles, title="Which links between dies are busy"),
            "links whole": partial(
                busy, old, nothing.links, nothing.tiles, title="Which links between dies are busy, nothing broken"
            ),
            "deaths": partial(
                pictures.deaths, deaths[0], deaths[1], deaths[2] / uJ, deaths[3] / us, here=here, source=SOURCE
            ),
            "layers": partial(
                pictures.stacked,
                np.array(LAYERS, float),
                np.array([_closed(self._in_layers(n)) for n in LAYERS]),
                counted,
                vias=np.array([float(x.vias * chip.dies) for x in stacks]),
                survival={"only layers that work are stacked": np.array([x.survival for x in stacks]), "layers are not sorted first": np.array(unsorted)},
                rise=np.array([x.rise(self.power, AREA, between=BETWEEN, film=FILM) for x in stacks]),
                chosen=float(self.layers),
                source=SOURCE,
            ),
        }  # fmt: skip


@lru_cache(maxsize=64)
def _ran(circuit: Circuit, chip: WaferChip, placement: str, duration: float, seed: int) -> Recording:
    """The run on a wafer: a sheet by rule, any other network on its mesh."""
    if isinstance(circuit, WaferSheet):
        return Experiment(circuit, chip, duration=duration, dt=circuit.step, seed=seed).run()
    die_faults(chip)  # refuses a wafer that is cut in two
    return Experiment(circuit, chip.mesh(placement=placement), duration=duration, dt=DT, seed=seed).run()


def _packets(r: Recording) -> float:
    """Packets that arrived: each at one core, or at one place of a sheet."""
    return float(r.ledger.count("packet received" if "packet received" in r.ledger.events else "packet"))


def _per_packet(r: Recording, event: str) -> float:
    return r.ledger.count(event) / max(1.0, _packets(r)) if event in r.ledger.events else 0.0


def _hops(r: Recording) -> float:
    """Links of all kinds for each packet that arrived."""
    return sum(_per_packet(r, kind) for kind in KINDS)


def _way_joules(r: Recording) -> float:
    spent = r.ledger.by_event()
    return sum(spent.get(kind, 0.0) for kind in KINDS)


def _change(old: float, new: float) -> float:
    """By how much per cent it changed."""
    return 100 * (new / old - 1) if old else 0.0


def _closed(chip: WaferChip) -> float:
    """The mean distance of two random cores of a whole wafer: (n² − 1)/(3n) along each axis."""
    sides = (chip.dies_x * chip.tiles_x, chip.dies_y * chip.tiles_y, chip.layers)
    return sum((n * n - 1) / (3 * n) for n in sides)


def _die_loads(r: Recording, chip: WaferChip) -> NDArray[np.float64]:
    """Packets over every link between dies, (4, dies_y, dies_x): of a mesh all its links over the same side, in all layers, together."""
    loads = r.ledger.links.sum(axis=0)
    if r.backend == "wafer":
        return loads.astype(np.float64)
    mesh = chip.mesh()
    made = np.zeros((4, chip.dies_y, chip.dies_x))
    crossing = (kinds_of(mesh)[:4] == KINDS.index("die link")) & (loads[:4] > 0)
    d, row, x = np.nonzero(crossing)
    np.add.at(made, (d, row % mesh.tiles_y // chip.tiles_y, x // chip.tiles_x), loads[:4][crossing])
    return made


def _residents(r: Recording, chip: WaferChip) -> NDArray[np.float64]:
    """Neurons on each die, (dies_y, dies_x)."""
    made = np.zeros((chip.dies_y, chip.dies_x))
    rows = chip.dies_y * chip.tiles_y
    for core in r.placement.cores:
        x, y = core.tile
        if r.backend != "wafer":
            x, y = x // chip.tiles_x, y % rows // chip.tiles_y
        made[y, x] += core.used("neurons")
    return made
