"""What a wafer run keeps: spikes while they are few, and rates by population, die or patch however many they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import Limits, Probe, Window
from workbench.backends.wafer.layout import Shape
from workbench.backends.wafer.meter import Map
from workbench.circuits.sheet import patch_edges
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError, unknown
from workbench.recordings.spikes import Spikes
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

__all__ = ["KEPT", "VARIABLES", "Watch"]

KEPT = 1_000_000
"""Of a network of more neurons than this, at most so many spikes are kept: twenty million would take half as much room as two hundred million neurons."""

VARIABLES = ("v", "spikes", "rate.die", "rate.patch")

FEW = 100_000
"""Neurons whose potential can be probed at once."""


@final
class Watch:
    """Spikes as chunks of (step, neuron), rates in bins, potentials of single neurons."""

    def __init__(
        self, netlist: Netlist, probes: Sequence[Probe], limits: Limits, dt: float, shape: Shape, laid: Map
    ) -> None:
        self.netlist, self.probes, self.dt, self.shape, self.map = netlist, tuple(probes), dt, shape, laid
        self.limit = min(limits.spikes, KEPT) if netlist.size > KEPT else limits.spikes
        self._steps: list[NDArray[np.int64]] = []
        self._neurons: list[NDArray[np.int32]] = []
        self._kept = 0
        self.dropping = False
        """Whether the limit was passed."""
        self._counts = np.zeros(len(netlist.populations), np.int64)
        self._recent: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._reached = 0
        self._names = list(netlist.populations)
        for p in self.probes:
            self._check(p)
        self._bins = {
            k: np.zeros((0, self._places(p).size), np.int64) for k, p in enumerate(self.probes) if not _looks(p)
        }
        self._values: dict[int, list[NDArray[np.int16]]] = {k: [] for k, p in enumerate(self.probes) if _looks(p)}
        self._times: dict[int, list[NDArray[np.int64]]] = {k: [] for k in self._values}

    def _check(self, p: Probe) -> None:
        if p.variable not in VARIABLES:
            raise unknown("variable", p.variable, VARIABLES)
        if p.variable == "v" and (p.which is None or p.reduce == "rate") and self.netlist.populations[p.of].size > FEW:
            raise DescriptionError(
                tr(
                    "Probe of '{name}': name the neurons, at most {most}, with which=; the population has {size:,}.",
                    name=p.of,
                    most=FEW,
                    size=self.netlist.populations[p.of].size,
                )
            )
        if p.variable == "spikes" and p.reduce != "rate":
            raise DescriptionError(
                tr("Probe of '{name}': spikes are recorded by themselves; reduce=\"rate\" gives rates.", name=p.of)
            )
        if p.variable.startswith("rate.") and p.which is not None and max(p.which, default=0) >= self._all(p).size:
            raise DescriptionError(
                tr(
                    "Probe of '{name}': there is no {what} {n}; there are {many}.",
                    name=p.of,
                    what=p.variable[5:],
                    n=max(p.which),
                    many=self._all(p).size,
                )
            )

    # --- where a rate is counted ---

    def _all(self, p: Probe) -> NDArray[np.int64]:
        """Neurons of the population on each die or patch; for a rate of the whole, all of them."""
        mine = self.map.neurons[self._names.index(p.of)]
        if p.variable == "rate.patch":
            return mine
        if p.variable == "rate.die":
            return np.bincount(self.map.die, mine, len(self.map.names)).astype(np.int64)
        return np.array([mine.sum() if p.which is None else len(p.which)])

    def _places(self, p: Probe) -> NDArray[np.int64]:
        """The dies or patches a probe asks for."""
        if p.variable.startswith("rate."):
            return np.arange(self._all(p).size) if p.which is None else np.array(p.which, np.int64)
        return np.array([-1])

    @property
    def needs_spikes(self) -> bool:
        """Whether anyone still wants to know who fired."""
        return not self.dropping or any(p.variable == "spikes" and p.which is not None for p in self.probes)

    # --- taking in ---

    def count(self, first: int, counts: NDArray[np.int64]) -> None:
        """Take the spikes of some steps from `first` on, by (step, population, patch)."""
        self._counts += counts.sum(axis=(0, 2))
        steps = np.arange(first, first + len(counts))
        for k, bins in self._bins.items():
            p = self.probes[k]
            if p.variable == "spikes" and p.which is not None:
                continue
            mine = counts[:, self._names.index(p.of)]
            if p.variable == "rate.die":
                mine = np.array([np.bincount(self.map.die, row, len(self.map.names)) for row in mine]).astype(np.int64)
            elif p.variable == "spikes":
                mine = mine.sum(axis=1, keepdims=True)
            if p.variable != "spikes":
                mine = mine[:, self._places(p)]
            self._bins[k] = _binned(bins, steps // p.steps(self.dt), mine)
        self._reached = first + len(counts)
        if not self.dropping and int(self._counts.sum()) > self.limit:
            self.dropping = True
            self._steps, self._neurons, self._recent = [], [], []

    def spiked(self, steps: NDArray[np.int64], neurons: NDArray[np.int32]) -> None:
        """Take who fired, in order of step and neuron (counted through all populations)."""
        for k, bins in self._bins.items():
            p = self.probes[k]
            if p.variable == "spikes" and p.which is not None:
                start = self.netlist.populations[p.of].start
                mine = np.isin(neurons, np.asarray(p.which) + start)
                self._bins[k] = _binned(bins, steps[mine] // p.steps(self.dt), np.ones((int(mine.sum()), 1), np.int64))
        if self.dropping or not steps.size:
            return
        self._steps.append(steps)
        self._neurons.append(neurons)
        self._recent.append((steps, neurons))

    def looked(self, probe: int, steps: NDArray[np.int64], values: NDArray[np.int16]) -> None:
        """Take potentials at the start of these steps, (steps, neurons)."""
        here = steps % self.probes[probe].steps(self.dt) == 0
        if here.any():
            self._values[probe].append(values[here].copy())
            self._times[probe].append(steps[here])

    # --- windows ---

    def mark(self) -> dict[int, int]:
        """A mark to make a Window of what comes next."""
        self._recent = []
        return {k: len(v) for k, v in self._values.items()}

    def window(self, mark: Mapping[int, int], start: int, stop: int) -> Window:
        """What came since the mark; no spikes once the limit was passed."""
        steps, neurons = _joined(self._recent)
        self._recent = []
        values: dict[str, NDArray[np.float64]] = {}
        for k, p in enumerate(self.probes):
            stride = p.steps(self.dt)
            if k in self._bins:
                values[p.name] = self._rates(k)[start // stride : stop // stride]
            elif len(self._values[k]) > mark[k]:
                values[p.name] = self._reduced(p, np.concatenate(self._values[k][mark[k] :]))
        return Window(start, stop, {n: (steps[m], ids) for n, m, ids in self._split(neurons)}, values)

    def _split(self, neurons: NDArray[np.int32]) -> Any:
        for name, cells in self.netlist.populations.items():
            mine = (neurons >= cells.start) & (neurons < cells.start + cells.size)
            yield name, mine, (neurons[mine] - cells.start).astype(np.int32)

    # --- results ---

    def spikes(self) -> tuple[dict[str, Spikes], dict[str, int], tuple[str, ...]]:
        """Spikes and counts by population, and a note when the limit was passed."""
        steps, neurons = _joined(list(zip(self._steps, self._neurons, strict=True)))
        kept = {n: Spikes(steps[m], ids, self.dt) for n, m, ids in self._split(neurons)}
        notes = ()
        if self.dropping:
            notes = (
                tr(
                    "More than {limit} spikes: they were counted, not kept. Use probes, a shorter run, or a higher limit.",
                    limit=self.limit,
                ),
            )
        return kept, dict(zip(self._names, self._counts.tolist(), strict=True)), notes

    def traces(self) -> dict[str, xarray.DataArray]:
        """The probed values as labelled arrays; the "neuron" of a rate is its die or patch, −1 for the whole."""
        if not self.probes:
            return {}
        import xarray  # noqa: PLC0415  only when there are traces to label

        made: dict[str, xarray.DataArray] = {}
        for k, p in enumerate(self.probes):
            if k in self._bins:
                data, which, unit = self._rates(k), self._places(p), "Hz"
                time = np.arange(len(data)) * p.steps(self.dt) * self.dt
                how = "rate"
            else:
                which = np.array([-1]) if p.reduce else p.neurons(self.netlist)
                kept = self._values[k]
                data = self._reduced(p, np.concatenate(kept)) if kept else np.zeros((0, which.size))
                time = (np.concatenate(self._times[k]) if kept else np.zeros(0)) * self.dt
                unit, how = "", p.reduce or "none"
            made[p.name] = xarray.DataArray(
                data,
                dims=("time", "neuron"),
                coords={"time": time, "neuron": which},
                name=p.name,
                attrs={"units": unit, "reduce": how},
            )
        return made

    @staticmethod
    def _reduced(p: Probe, values: NDArray[np.int16]) -> NDArray[np.float64]:
        made = values.astype(np.float64)
        return made.mean(axis=1, keepdims=True) if p.reduce == "mean" else made

    def _rates(self, k: int) -> NDArray[np.float64]:
        """Hz in each bin so far; the last may be cut short by the end of the run."""
        p = self.probes[k]
        stride = p.steps(self.dt)
        starts = np.arange(0, self._reached, stride)
        counts = np.zeros((starts.size, self._bins[k].shape[1]), np.int64)
        found = self._bins[k][: starts.size]
        counts[: len(found)] = found
        size = self._all(p)
        size = size[self._places(p)] if p.variable.startswith("rate.") else size
        return counts / (np.maximum(size, 1) * (np.minimum(stride, self._reached - starts) * self.dt)[:, None])

    # --- saving ---

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything kept, as arrays."""
        steps, neurons = _joined(list(zip(self._steps, self._neurons, strict=True)))
        made: dict[str, NDArray[Any]] = {
            "spikes.steps": steps,
            "spikes.neurons": neurons,
            "spikes.counts": self._counts.copy(),
            "spikes.dropping": np.array(self.dropping),
            "reached": np.array(self._reached),
        }
        made |= {f"rate.{k}": bins for k, bins in self._bins.items()}
        for k, values in self._values.items():
            if values:
                made[f"probe.{k}.values"] = np.concatenate(values)
                made[f"probe.{k}.steps"] = np.concatenate(self._times[k])
        return made

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self._steps, self._neurons = [arrays["spikes.steps"]], [arrays["spikes.neurons"]]
        self._counts = arrays["spikes.counts"].copy()
        self.dropping, self._reached = bool(arrays["spikes.dropping"]), int(arrays["reached"])
        self._bins = {k: arrays[f"rate.{k}"] for k in self._bins}
        for k in self._values:
            if f"probe.{k}.values" in arrays:
                self._values[k], self._times[k] = [arrays[f"probe.{k}.values"]], [arrays[f"probe.{k}.steps"]]


def lanes_of(
    netlist: Netlist, shape: Shape, population: str, which: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The patch and the place of each of these neurons."""
    number = list(netlist.populations).index(population)
    edges = patch_edges(netlist.populations[population].size, shape.patches)
    patch = np.searchsorted(edges, which, side="right") - 1
    return patch, patch * shape.width + sum(shape.strides[:number]) + which - edges[patch]


def _looks(p: Probe) -> bool:
    return p.variable == "v"


def _binned(bins: NDArray[np.int64], at: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bins with these counts added, longer if need be."""
    if not at.size:
        return bins
    more = int(at.max()) + 1 - len(bins)
    if more > 0:
        bins = np.concatenate([bins, np.zeros((more, bins.shape[1]), np.int64)])
    np.add.at(bins, at, counts)
    return bins


def _joined(
    chunks: Sequence[tuple[NDArray[np.int64], NDArray[np.int32]]],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    if not chunks:
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    return np.concatenate([c[0] for c in chunks]), np.concatenate([c[1] for c in chunks])
