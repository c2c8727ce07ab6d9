"""A sheet of very many neurons run whole: what fires, what it costs on a wafer, and how little memory it takes.

No synapse is stored: who is reached is drawn anew from the numbers of neuron and synapse whenever a neuron fires, so memory grows with
the neurons alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends.base import Probe
from workbench.backends.wafer import memory
from workbench.backends.wafer.layout import shape_of
from workbench.backends.wafer.program import bytes_needed
from workbench.chips import Chip, of_kind
from workbench.chips.wafer import WaferChip
from workbench.circuits.library.wafer_sheet import WaferSheet
from workbench.circuits.sheet import Sheet
from workbench.circuits.unfold import unfold
from workbench.experiment import Experiment
from workbench.fields import count, described, member, quantity
from workbench.figures import desk as drawn
from workbench.figures.picture import Picture
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study, whole
from workbench.units import Hz, ms, pJ, s

__all__ = ["WaferOnADesk"]

FULL = 200_000_000
"""Neurons of the title."""

LARGEST_PATCH = 65_536
BIN = 5 * ms
NOW = 20 * ms
"""The time whose rates the map shows while the sheet runs."""

MB = 1e6
COUNTED = 1_000_000
"""Synapses that are followed to count in-degrees."""

SIZES = tuple(round(10 ** (4 + k / 4)) for k in range(21))
"""Ten thousand to a thousand million."""

SOURCE = "Computed here; prices and shape: `workbench chips NAME` cites every one; the network is assumed"


@final
@described
class WaferOnADesk(Study):
    """How many neurons of a wafer an ordinary computer can run, and what they would cost on the wafer."""

    title: ClassVar[str] = "Two hundred million neurons on your desk"
    views: ClassVar[tuple[str, ...]] = ("dies", "rate", "energy", "memory")
    main_knobs: ClassVar[tuple[str, ...]] = ("neurons", "fan_out", "local", "noise_hz", "duration_ms", "chip")
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "fifty thousand": {"neurons": 50_000},
        "silence": {"neurons": 50_000, "noise_hz": 0.0},
        "everything far": {"neurons": 50_000, "local": 0.0},
        "DarwinWafer": {"neurons": 50_000, "chip": "darwin-wafer"},
    }

    neurons: int = count(1_000_000, low=10_000, high=1_000_000_000, doc="number of neurons", label="neurons", log=True)
    fan_out: int = count(100, low=5, high=10_000, doc="synapses each neuron makes", label="fan-out", log=True)
    local: float = quantity(
        0.5, "", low=0.0, high=1.0, doc="share of the synapses that go to near patches", label="local"
    )
    noise: float = quantity(
        20 * Hz, "Hz", low=0 * Hz, high=100 * Hz, doc="spikes from outside for each neuron", label="noise"
    )
    duration: float = quantity(500 * ms, "ms", low=10 * ms, high=10 * s, doc="model time", label="duration")
    chip: Chip = member(
        "tianqin-hai-class", lambda: of_kind("wafer"), doc="the wafer and its prices", label="wafer", inner=False
    )
    seed: int = count(0, doc="seed of the synapses and of the noise")

    def quick(self) -> Self:
        """Fifty thousand neurons."""
        return replace(self, neurons=min(self.neurons, 50_000))

    @cached_property
    def circuit(self) -> WaferSheet:
        """The sheet, in patches of such a size that every die has at least one."""
        dies = self.chip.dies if isinstance(self.chip, WaferChip) else 1
        patch = min(LARGEST_PATCH, max(16, -(-self.neurons // dies)))
        return WaferSheet(neurons=self.neurons, fan_out=self.fan_out, local=self.local, noise=self.noise, patch=patch)

    @property
    def bytes_needed(self) -> int:
        """Bytes a run of this size will touch, as the wafer's backend estimates them; nothing is run or allocated."""
        netlist = unfold(self.circuit.network(), seed=self.seed)
        return bytes_needed(netlist, shape_of(netlist), 2)

    def fits(self) -> int:
        """Neurons for which this machine has memory at this moment: a number that is another on every machine."""
        have, (small, large) = memory.available(), (replace(self, neurons=n) for n in (FULL // 2, FULL))
        slope = (large.bytes_needed - small.bytes_needed) / (FULL - FULL // 2)
        return max(0, math.floor(FULL + (have - large.bytes_needed) / slope))

    def in_degrees(self) -> NDArray[np.int64]:
        """How many synapses each neuron of a small sheet of the same rule receives: at most a million synapses are followed."""
        neurons = max(200, min(self.neurons, COUNTED // self.fan_out) // 5 * 5)
        network = replace(self.circuit, neurons=neurons, patch=max(16, neurons // 25)).network()
        netlist = unfold(network, seed=self.seed)
        found = {name: np.zeros(cells.size, np.int64) for name, cells in netlist.populations.items()}
        for block in netlist.projections.values():
            if isinstance(block.rule, Sheet):
                sources, targets = block.sizes
                reached = block.rule.targets_of(np.arange(sources), sources, targets, block.key)
                found[block.target] += np.bincount(reached.reshape(-1), minlength=targets)
        return np.concatenate(list(found.values()))

    def run(self, progress: Progress | None = None) -> Result:
        """See Study; raises PlacementError, before anything is allocated, where wafer or machine are too small."""
        return whole(self.stages(progress))

    def stages(self, progress: Progress | None = None) -> Iterator[Result]:
        """See Study: while the sheet runs, the map shows where it fires now."""
        circuit = self.circuit
        probes = (
            Probe("E", "rate.die", every=NOW),
            *(Probe(name, "spikes", reduce="rate", every=BIN) for name in "EI"),
        )
        experiment = Experiment(
            circuit, self.chip, duration=self.duration, dt=circuit.step, seed=self.seed, probes=probes
        )
        first = True
        for recording in experiment.stages(progress):
            part = recording.duration / self.duration
            yield self._answer(recording) if part > 1 - 1e-9 else self._so_far(recording, part, first=first)
            first = False

    def _so_far(self, recording: Recording, part: float, *, first: bool) -> Result:
        """What is known while it still runs; the memory it takes is known from the first."""
        pictures: dict[str, Callable[[], Picture]] = {
            "dies": partial(self._dies, recording, now=True),
            "rate": partial(self._rate, recording),
            "energy": partial(figures.energy, recording),
        }
        if first:
            pictures["memory"] = self._memory
        numbers, recordings = self._counted(recording), {"wafer": recording}
        return Result(study=self, numbers=numbers, recordings=recordings, pictures=pictures, part=part)

    def _counted(self, recording: Recording) -> dict[str, float]:
        """What a recording counts, by second."""
        ledger, lasted = recording.ledger, recording.duration
        spikes, events = sum(recording.counts.values()), ledger.count("synaptic operation")
        return {
            "rate_hz": spikes / (self.neurons * lasted),
            "spikes": float(spikes),
            "events_per_s": events / lasted,
            "events_per_spike": _ratio(events, spikes),
            "energy_j": ledger.total / lasted,
            "power_w": ledger.total / max(lasted, ledger.chip_time),
            "pj_per_event": _ratio(ledger.total / pJ, events),
            "chip_time_ratio": ledger.chip_time / lasted,
        }

    def _answer(self, recording: Recording) -> Result:
        """The whole answer."""
        degrees, full = self.in_degrees(), replace(self, neurons=FULL)
        state = np.dtype(recording.arithmetic).itemsize
        numbers = self._counted(recording) | {
            "in_degree": float(degrees.mean()),
            "in_degree_sd": float(degrees.std()),
            "state_bytes": float(state),
            "memory_mb": self.bytes_needed / MB,
            "full_state_mb": state * FULL / MB,
            "full_memory_mb": full.bytes_needed / MB,
            "bytes_per_neuron": full.bytes_needed / FULL,
            "full_list_gb": 4 * FULL * self.fan_out / 1e9,
        }
        pictures: dict[str, Callable[[], Picture]] = {
            "dies": partial(self._dies, recording),
            "rate": partial(self._rate, recording),
            "energy": partial(figures.energy, recording),
            "memory": self._memory,
            "in-degrees": partial(drawn.degrees, degrees, mean=float(self.fan_out), source=SOURCE),
        }
        return Result(study=self, numbers=numbers, recordings={"wafer": recording}, pictures=pictures)

    def _dies(self, recording: Recording, *, now: bool = False) -> Picture:
        """The rate of the excitatory neurons on each die, over the whole run or in its last bin."""
        columns, rows = recording.placement.mesh
        found = np.full((rows, columns), np.nan)
        trace = recording.traces["E.rate.die"]
        lasted = np.diff([*trace["time"].values, recording.duration])
        long = np.flatnonzero(lasted > NOW / 2)
        rates = trace.values[long[-1]] if now and long.size else lasted @ trace.values / lasted.sum()
        for core, rate in zip(recording.placement.cores, rates.tolist(), strict=True):
            x, y = core.tile
            found[y, x] = rate
        return figures.field(
            found,
            x="die x",
            y="die y",
            x_values=list(range(columns)),
            y_values=list(range(rows)),
            label="rate of excitatory neurons",
            unit="Hz",
            title="The sheet as it runs: rates by die in the last moment"
            if now
            else "The sheet on the wafer: rates by die",
            source=SOURCE,
        )

    def _rate(self, recording: Recording) -> Picture:
        """The rates of both populations in bins."""
        lines = {}
        for name, label in (("E", "excitatory"), ("I", "inhibitory")):
            trace = recording.traces[f"{name}.rate"]
            lines[label] = ((trace["time"].values + BIN / 2) / ms, trace.values[:, 0])
        return figures.curves(
            lines,
            x="time",
            x_unit="ms",
            y="rate",
            y_unit="Hz",
            title="Rates of the whole sheet over time",
            source=SOURCE,
        )

    def _memory(self) -> Picture:
        """What sizes need, from the backend's estimate; nothing is run."""
        sizes = np.array(SIZES, np.float64)
        needed = np.array([replace(self, neurons=n).bytes_needed for n in SIZES])
        return drawn.memory(
            sizes,
            needed,
            state=2 * sizes,
            listed=4.0 * self.fan_out * sizes,
            here=(self.neurons, self.bytes_needed),
            machine=memory.available(),
            source="The wafer backend's own estimate; the machine's memory: what it has free at this moment",
        )


def _ratio(a: float, b: float) -> float:
    """a over b; not a number where nothing happened."""
    return a / b if b else float("nan")
