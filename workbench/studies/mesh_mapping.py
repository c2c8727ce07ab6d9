"""Mapping a brain on a mesh: which core a neuron lives on, which tile a core lies on, and how far spikes then travel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import mapping
from workbench.chips import Chip, of_kind
from workbench.chips.event import EventChip
from workbench.circuits import CIRCUITS
from workbench.circuits.circuit import Circuit
from workbench.circuits.unfold import Netlist, unfold
from workbench.errors import DescriptionError
from workbench.experiment import Experiment
from workbench.fields import choice, count, described, flag, member, quantity
from workbench.figures import mesh as pictures
from workbench.figures.picture import Picture
from workbench.mapping import Mapped, curve, place, route
from workbench.mapping.lattice import spread
from workbench.mapping.mapped import Plan, plan
from workbench.mapping.traffic import Traffic, of_reach
from workbench.measures.mesh import distance_at_lag, fired, mean_manhattan
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import ms, nJ, s
from workbench.words import tr

__all__ = ["MeshMapping", "layered"]

METHODS = {
    "random": "hops_random",
    "row-major": "hops_row_major",
    "hilbert": "hops_hilbert",
    "force-directed": "hops_force_directed",
    "annealing": "hops_annealing",
}
"""Each placement, and the name of its number: mean hops of a unicast packet."""

SEARCHES = ("force-directed", "annealing")
SIDE = 64
"""Tiles along each side of the large mesh of the two bars that do not hang on the network."""


@final
@described
class MeshMapping(Study):
    """How much shorter the ways of spikes become when neurons and cores are put where they belong.

    The network is partitioned as the chip says, placed in all five ways, and routed; what is drawn is the chip's own way. Costs are
    those of one round, in which every neuron fires once, or of the spikes a run on the chip has made.
    """

    title: ClassVar[str] = "Mapping a brain on a mesh"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "as it lies": {"partition": "sequential", "placement": "row-major", "routing": "unicast"},
        "thrown": {"partition": "sequential", "placement": "random", "routing": "unicast"},
        "mapped": {"partition": "clustered", "placement": "force-directed", "routing": "multicast"},
        "a column": {"circuit": "potjans-diesmann", "scale": 0.02, "neurons_per_core": 64, "partition": "clustered"},
    }
    views: ClassVar[tuple[str, ...]] = ("map", "links", "methods", "convergence")
    live: ClassVar[Mapping[str, Any]] = {"bars": False}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "circuit",
        "tiles_x",
        "tiles_y",
        "neurons_per_core",
        "partition",
        "placement",
        "routing",
        "activity",
        "seed",
        "chip",
    )

    circuit: Circuit = member("worm", lambda: CIRCUITS, doc="the network to be mapped")
    chip: Chip = member("loihi-small-cores", lambda: of_kind("event"), doc="the chip it is mapped on")
    activity: str = choice(
        "alike",
        ("alike", "recorded"),
        doc="who fires how often: everyone once, or as in a run on the chip",
        label="activity",
    )
    bars: bool = flag(False, doc="whether a layered net on 64 × 64 tiles is placed too", label="large mesh")
    duration: float = quantity(
        100 * ms, "ms", low=1 * ms, high=10 * s, doc="model time of the run, if there is one", label="duration"
    )
    seed: int = count(0, doc="seed of wiring, drive and mapping")

    def quick(self) -> Self:
        """The same mapping of the circuit at its quick size."""
        return replace(self, circuit=self.circuit.quick(), duration=min(self.duration, 100 * ms))

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        chip, netlist = self._event_chip(), self._netlist()
        recording = self._recording(progress)
        rates = None if recording is None else fired(recording, netlist).astype(np.float64)
        made = plan(netlist, chip, seed=self.seed, rates=rates)
        core_of = made.mapped.core_of
        traffic = of_reach(made.reached.inside, core_of, len(made.cores), rates)
        searches = {name: place.method(name, traffic, chip, self.seed) for name in METHODS}
        far = {name: float(found.costs[-1]) / traffic.total for name, found in searches.items()}
        numbers = _numbers(made, chip, netlist) | {METHODS[n]: value for n, value in far.items()}
        numbers["share_of_random"] = far["force-directed"] / far["random"]
        numbers |= {"sweeps": len(searches["force-directed"].costs) - 1} | self._mesh_numbers(chip)
        drawn = self._pictures(netlist, made, rates)
        drawn |= {
            "methods": partial(
                pictures.methods,
                far,
                chance=mean_manhattan(chip.tiles_x, chip.tiles_y, chip.layers),
                chosen=chip.placement,
            ),
            "convergence": partial(pictures.convergence, {name: searches[name].costs for name in SEARCHES}),
        }
        recordings = {} if recording is None else {"run": recording}
        return Result(study=self, numbers=numbers, recordings=recordings, pictures=drawn)

    def mapped(self) -> Mapped:
        """The mapping itself: cores, tiles, and the cost before and after each step as `table` and `sentences`."""
        recording = self._recording(None)
        netlist = self._netlist()
        rates = None if recording is None else fired(recording, netlist).astype(np.float64)
        return mapping.map(netlist, self._event_chip(), seed=self.seed, rates=rates)

    def _event_chip(self) -> EventChip:
        if not isinstance(self.chip, EventChip):
            raise DescriptionError(
                tr("MeshMapping.chip is '{name}': write a chip with a mesh, such as {known}.", name=self.chip.name, known=", ".join(of_kind("event")))
            )  # fmt: skip
        return self.chip

    def _netlist(self) -> Netlist:
        return unfold(self.circuit.network(), seed=self.seed)

    def _recording(self, progress: Progress | None) -> Recording | None:
        """A run on the chip as it lies, to see who fires; the mapping cannot change that."""
        if self.activity == "alike":
            return None
        chip = _plain(self._event_chip())
        return Experiment(self.circuit, chip, duration=self.duration, dt=0.1 * ms, seed=self.seed).run(progress)

    def _pictures(
        self, netlist: Netlist, made: Plan, rates: NDArray[np.float64] | None
    ) -> dict[str, Callable[[], Picture]]:
        """Who lives where, who works, and which links are busy: as it lies, and as it is mapped, on one scale."""
        chip = made.ways.chip
        before = plan(netlist, _plain(chip), seed=self.seed, rates=rates)
        loads, old = (p.ways.link_loads(rates).astype(np.float64) for p in (made, before))
        scale = (0.0, max(1.0, *(float(np.nanmax(pictures.both_ways(x), initial=0.0)) for x in (loads, old))))
        mesh = (chip.tiles_x, chip.rows)
        return {
            "map": partial(pictures.residents, _residents(netlist, made.mapped, chip), mesh),
            "map before": partial(
                pictures.residents, _residents(netlist, before.mapped, chip), mesh, title="Who lives where, as it lies"
            ),
            "load": partial(pictures.tile_load, _work(made, rates)),
            "links": partial(pictures.link_load, loads, limits=scale),
            "links before": partial(pictures.link_load, old, limits=scale, title="Which links are busy, as it lies"),
        }

    def _mesh_numbers(self, chip: EventChip) -> dict[str, float]:
        """What holds for meshes and curves whatever the network: distances counted tile by tile, and the layered net."""
        every = spread(curve.row_major(chip.tiles_x, chip.rows), chip)
        apart = [np.abs(every[:, None, k] - every[None, :, k]).mean() for k in (0, 1, 2)] if chip.tiles <= 4096 else []
        counted = float(sum(apart)) if apart else mean_manhattan(chip.tiles_x, chip.tiles_y, chip.layers)
        made = {"mean_distance": counted}
        if self.bars:
            large = replace(chip, tiles_x=SIDE, tiles_y=SIDE, layers=1, cores_per_tile=1)
            net = layered(SIDE, SIDE)
            thrown = net.hops(place.random(net.cores, large, seed=self.seed))
            along = curve.hilbert(SIDE, SIDE)
            made |= {
                "hilbert_lag_4": distance_at_lag(along, 4),
                "hilbert_lag_16": distance_at_lag(along, 16),
                "row_major_lag_16": distance_at_lag(curve.row_major(SIDE, SIDE), 16),
                "layered_share_hilbert": net.hops(along) / thrown,
                "layered_share": float(place.force_directed(net, large).costs[-1]) / thrown,
            }
        return made


def layered(layers: int, wide: int) -> Traffic:
    """The traffic of a feed-forward net: each of `wide` cores of a layer sends one packet to every core of the next layer."""
    source = np.repeat(np.arange((layers - 1) * wide), wide)
    target = (source // wide + 1) * wide + np.tile(np.arange(wide), (layers - 1) * wide)
    return Traffic(layers * wide, source.astype(np.int32), target.astype(np.int32), np.ones(source.size))


def _numbers(made: Plan, chip: EventChip, netlist: Netlist) -> dict[str, float]:
    """What each step gains, and whether packets can wait for each other in a ring."""
    start, parted, placed, routed = made.mapped.costs
    return {
        "neurons": netlist.size,
        "cores_used": len(made.cores),
        "packets_before": start.packets,
        "packets_partitioned": parted.packets,
        "spike_hops_before": start.spike_hops,
        "spike_hops_partitioned": parted.spike_hops,
        "spike_hops_placed": placed.spike_hops,
        "spike_hops_routed": routed.spike_hops,
        "mean_hops": routed.mean_hops,
        "max_link_before": start.max_link,
        "max_link": routed.max_link,
        "energy_before_nj": start.joules / nJ,
        "energy_nj": routed.joules / nJ,
        "deadlock_free": float(route.acyclic(route.dependencies(made.ways), layers=chip.layers)),
    }


def _residents(netlist: Netlist, mapped: Mapped, chip: EventChip) -> dict[str, NDArray[np.int64]]:
    """How many neurons of each population lie on each tile."""
    tile = mapped.tiles[mapped.core_of]
    flat = tile[:, 1].astype(np.int64) * chip.tiles_x + tile[:, 0]
    return {
        name: np.bincount(flat[cells.span], minlength=chip.tiles).reshape(chip.rows, chip.tiles_x)
        for name, cells in netlist.populations.items()
    }


def _work(made: Plan, rates: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Synaptic operations on each tile in one round (or by the spikes of the run), NaN where no core is in use."""
    inside, chip = made.reached.inside, made.ways.chip
    times = 1.0 if rates is None else rates[inside.senders]
    by_core = np.bincount(inside.core, inside.operations * times, minlength=len(made.cores))
    values = np.full((chip.rows, chip.tiles_x), np.nan)
    x, y = made.mapped.tiles[:, 0], made.mapped.tiles[:, 1]
    values[y, x] = 0.0
    np.add.at(values, (y, x), by_core)
    return values


def _plain(chip: EventChip) -> EventChip:
    return replace(chip, partition="sequential", placement="row-major", routing="unicast")
