"""A worm on a chip: touch a sensory neuron, follow the wave to the muscles, and see what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.chips import CHIPS, Chip, Ideal
from workbench.circuits.library import worm as nervous
from workbench.circuits.unfold import unfold
from workbench.experiment import Experiment
from workbench.fields import count, described, flag, member, part, quantity
from workbench.figures import mesh as mesh_figures
from workbench.figures import wave as wave_figures
from workbench.figures.picture import Picture
from workbench.measures.mesh import Travel, travel
from workbench.measures.wave import differing_spikes, first_spikes, last_spike
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import ms, s, uJ

__all__ = ["Worm"]

FOLLOWED = ("sensory", "inter", "motor", "muscle")
"""The roles a touch passes, in this order; the seven "other" cells are counted but not followed."""

SOURCE = "Wiring: Cook et al. 2019, Nature 571:63. Transmitters: Wang et al. 2024, eLife 13:RP95402. Spiking: assumed."

Firsts = Mapping[str, NDArray[np.float64]]
Pictures = dict[str, Callable[[], Picture]]


@final
@described
class Worm(Study):
    """How a touch runs through the nervous system of C. elegans, on Brian2 and on a chip.

    The chip runs the worm as it is described. With `reference`, Brian2 runs it twice: as described, and without gap
    junctions; the chip, which has none, is compared with the latter spike by spike.
    """

    title: ClassVar[str] = "A worm on a chip"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gentle touch, front": {"touch": "anterior", "weight_mv": 1.0},
        "gentle touch, back": {"touch": "posterior", "weight_mv": 1.0},
        "nose": {"touch": "nose", "weight_mv": 1.0},
        "too weak": {"touch": "anterior", "weight_mv": 0.5},
        "a storm": {"touch": "anterior", "weight_mv": 1.6},
    }
    views: ClassVar[tuple[str, ...]] = ("raster", "wave", "cores", "energy")
    live: ClassVar[Mapping[str, Any]] = {"reference": False}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "touch",
        "weight_mv",
        "inhibition",
        "touch_duration_ms",
        "gap_junctions",
        "gap_ps",
        "background_hz",
        "chip",
    )

    circuit: nervous.Worm = part(nervous.Worm(gap_junctions=True), doc="the worm")
    chip: Chip = member("loihi-small-cores", lambda: CHIPS, doc="what it runs on")
    reference: bool = flag(True, doc="whether Brian2 runs it too, with and without gap junctions", label="with Brian2")
    duration: float = quantity(100 * ms, "ms", low=20 * ms, high=2 * s, doc="model time", label="duration")
    seed: int = count(0, doc="seed of the background")

    def quick(self) -> Self:
        """The whole worm, which is small, for at most 100 ms."""
        return replace(self, duration=min(self.duration, 100 * ms))

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        runs = self._runs()
        recordings = {
            name: experiment.run(_share(progress, k, len(runs))) for k, (name, experiment) in enumerate(runs.items())
        }
        chip = recordings["chip"]
        firsts = {name: self._firsts(recording) for name, recording in recordings.items()}
        numbers = self._wave_numbers(chip, firsts["chip"])
        pictures = self._wave_pictures(chip, firsts)
        if chip.placement.cores:
            ways = travel(chip, unfold(self.circuit.network(), seed=self.seed))
            numbers |= _chip_numbers(chip, ways)
            pictures |= _chip_pictures(chip, ways)
        if "brian2" in recordings:
            numbers["spikes_that_differ"] = differing_spikes(chip, recordings["brian2"])
        if "gap junctions" in recordings:
            numbers |= _gap_numbers(recordings["gap junctions"], firsts["gap junctions"], firsts["brian2"])
        return Result(study=self, numbers=numbers, recordings=recordings, pictures=pictures)

    def _runs(self) -> dict[str, Experiment]:
        """The chip as asked; Brian2 without gap junctions, which the chip must equal; Brian2 with them, if asked."""
        asked = Experiment(self.circuit, self.chip, duration=self.duration, dt=0.1 * ms, seed=self.seed)
        if not self.reference:
            return {"chip": asked}
        runs = {"chip": asked, "brian2": replace(asked, circuit=replace(self.circuit, gap_junctions=False)).on(Ideal())}
        return runs | {"gap junctions": asked.on(Ideal())} if self.circuit.gap_junctions else runs

    def _firsts(self, recording: Recording) -> Firsts:
        return {role: first_spikes(recording, role, since=self.circuit.touch_start) for role in nervous.ROLES}

    def _wave_numbers(self, chip: Recording, first: Firsts) -> dict[str, float]:
        """Who is reached, when, and how it ends."""
        worm = nervous.connectome()
        made: dict[str, float] = {
            "neurons": sum(len(names) for role, names in worm.cells.items() if role != "muscle"),
            "neurons_reached": sum(_reached(first[role]) for role in nervous.ROLES if role != "muscle"),
            "muscles_reached": _reached(first["muscle"]),
            "command_cells_reached": _reached(first["inter"][worm.places("inter", nervous.COMMAND)]),
            "backward_motor_reached": _reached(first["motor"][worm.places("motor", nervous.BACKWARD)]),
            "forward_motor_reached": _reached(first["motor"][worm.places("motor", nervous.FORWARD)]),
        }
        for role in FOLLOWED:
            made[f"{role}_latency_ms"] = _median(first[role]) / ms
        made["spikes"] = sum(chip.counts.values())
        made["last_spike_ms"] = last_spike(chip, since=self.circuit.touch_start) / ms
        return made

    def _wave_pictures(self, chip: Recording, firsts: Mapping[str, Firsts]) -> Pictures:
        """The spikes in the order of arrival, and the wave with and without gap junctions."""
        since, lasts = self.circuit.touch_start, self.circuit.touch_duration
        shown = {name: firsts[name] for name in ("chip", "gap junctions") if name in firsts}
        return {
            "raster": partial(
                wave_figures.latency_raster, chip, firsts["chip"], since=since, until=since + lasts, source=SOURCE
            ),
            "first": partial(wave_figures.first_cells, nervous.connectome().cells, firsts["chip"], source=SOURCE),
            "wave": partial(wave_figures.wave, shown, until=self.duration - since, source=SOURCE),
            "wiring": partial(wave_figures.wiring, _sections(), source=SOURCE),
        }


def _chip_numbers(chip: Recording, ways: Travel) -> dict[str, float]:
    """How busy the cores are, how far spikes travel, and what it costs."""
    ledger = chip.ledger
    work = ledger.counts[:, :, ledger.events.index("synaptic operation")].sum(axis=0)
    return {
        "cores_used": len(chip.placement.cores),
        "synaptic_operations": int(work.sum()),
        "busiest_core_percent": 100 * float(work.max() / work.sum()) if work.sum() else float("nan"),
        "packets": ledger.count("packet"),
        "hops_per_packet": ways.mean,
        "energy_uj": ledger.total / uJ,
        "chip_time_ms": ledger.chip_time / ms,
        "losses": len(chip.placement.losses),
    }


def _chip_pictures(chip: Recording, ways: Travel) -> Pictures:
    """The load of the tiles, the distances of packets, who sends far, and the energy by event."""
    names = [name for role in nervous.ROLES for name in nervous.connectome().cells[role]]
    return {
        "cores": partial(mesh_figures.core_load, chip),
        "hops": partial(mesh_figures.hop_histogram, ways.by_hops()),
        "senders": partial(mesh_figures.senders, names, ways.by_neuron(len(names))),
        "energy": partial(figures.energy, chip),
    }


def _gap_numbers(gap: Recording, first: Firsts, without: Firsts) -> dict[str, float]:
    """What gap junctions change: spikes, cells won and lost, the latency of motor neurons."""
    fires, fired = ({role: np.isfinite(f) for role, f in firsts.items()} for firsts in (first, without))
    return {
        "gap_spikes": sum(gap.counts.values()),
        "gap_cells_won": sum(int((fires[role] & ~fired[role]).sum()) for role in fires),
        "gap_cells_lost": sum(int((~fires[role] & fired[role]).sum()) for role in fires),
        "gap_motor_latency_ms": _median(first["motor"]) / ms,
    }


def _sections() -> tuple[Mapping[str, int], NDArray[np.float64]]:
    """The size of each role, and all chemical synapses as one table of sections, sender by receiver."""
    worm = nervous.connectome()
    sizes = {role: len(names) for role, names in worm.cells.items()}
    start = dict(zip(sizes, np.cumsum([0, *sizes.values()]), strict=False))
    table = np.zeros((sum(sizes.values()),) * 2)
    for (a, b), contacts in worm.chemical.items():
        i, j, sections, _ = contacts.matrix
        table[start[a] + i, start[b] + j] = sections
    return sizes, table


def _reached(first: NDArray[np.float64]) -> int:
    return int(np.isfinite(first).sum())


def _median(first: NDArray[np.float64]) -> float:
    """The median over cells that fire; NaN when none does."""
    fires = first[np.isfinite(first)]
    return float(np.median(fires)) if fires.size else float("nan")


def _share(progress: Progress | None, part: int, parts: int) -> Progress | None:
    """The progress of one run of several, as part of the whole."""
    if progress is None:
        return None
    return lambda fraction, text: progress((part + fraction) / parts, text)
