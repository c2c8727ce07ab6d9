"""What a run keeps while it goes: spikes up to the limit, probed values, and the files a run is saved to."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import Limits, Probe, Program, Window
from workbench.circuits.drive import Drive
from workbench.circuits.unfold import Netlist
from workbench.errors import StoreError, UnsupportedError
from workbench.fields import to_json
from workbench.recordings.spikes import Spikes
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

__all__ = ["Recorder", "check_state", "noted", "opened", "read_state", "write_state"]

FORMAT = 3
"""What the arrays of a saved run mean; 2: arrivals may be counts, a wafer's potentials wait for their spikes; 3: counts of a unit."""


@final
class Recorder:
    """Spikes as chunks of (step, neuron) in order, neurons counted through all populations, and values by probe."""

    def __init__(self, netlist: Netlist, probes: Sequence[Probe], limits: Limits, dt: float) -> None:
        self.netlist, self.probes, self.limits, self.dt = netlist, tuple(probes), limits, dt
        self._steps: list[NDArray[np.int64]] = []
        self._neurons: list[NDArray[np.int32]] = []
        self._kept = 0
        self._dropping = False
        self._counts = np.zeros(len(netlist.populations), np.int64)
        self._edges = np.array([c.start for c in netlist.populations.values()] + [netlist.size])
        self._values: list[list[NDArray[np.float64]]] = [[] for _ in self.probes]
        self._value_steps: list[list[NDArray[np.int64]]] = [[] for _ in self.probes]
        self._recent: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._reached = 0
        self._nothing: Any = None
        self._plan: list[tuple[int, int, int, int]] = []
        """By probe: its number, where its values begin in the kernel's room, how many times, and how many each time."""
        # Spikes by bin for each rate probe: counted as they come, so that rates outlive the limit on spikes.
        self._bins: dict[int, NDArray[np.int64]] = {
            k: np.zeros(0, np.int64) for k, p in enumerate(self.probes) if p.reduce == "rate"
        }

    def add(self, steps: NDArray[np.int64], neurons: NDArray[Any]) -> None:
        """Keep the spikes of some steps (copied), ordered by step and neuron; beyond the limit they are counted only."""
        if not steps.size:
            return
        if len(self._edges) == 2:
            self._counts[0] += steps.size
        else:
            below = [int(np.count_nonzero(neurons < edge)) for edge in self._edges[1:-1]]
            self._counts += np.diff([0, *below, steps.size])
        chunk = (steps.copy(), neurons.astype(np.int32))
        self._recent.append(chunk)
        self._count_rates(*chunk)
        if self._kept + steps.size > self.limits.spikes:
            self._dropping = True
            self._steps, self._neurons, self._kept = [], [], 0
        if not self._dropping:
            self._steps.append(chunk[0])
            self._neurons.append(chunk[1])
            self._kept += steps.size

    def _count_rates(self, steps: NDArray[np.int64], neurons: NDArray[np.int32]) -> None:
        for k, bins in self._bins.items():
            p = self.probes[k]
            cells = self.netlist.populations[p.of]
            mine = (neurons >= cells.start) & (neurons < cells.start + cells.size)
            if p.which is not None:
                mine &= np.isin(neurons - cells.start, p.which)
            new = np.bincount(steps[mine] // p.steps(self.dt), minlength=bins.size)
            new[: bins.size] += bins
            self._bins[k] = new

    # --- windows ---

    def mark(self) -> list[int]:
        """A mark to make a Window of what comes next."""
        self._recent = []
        return [len(v) for v in self._values]

    def window(self, mark: Sequence[int], start: int, stop: int) -> Window:
        """What came since the mark."""
        steps, neurons = _joined(self._recent)
        self._recent = []
        self._reached = stop
        values = {
            p.name: np.concatenate(v[m:]) for p, v, m in zip(self.probes, self._values, mark, strict=True) if len(v) > m
        }
        for k in self._bins:  # the bins that ended in this window
            stride = self.probes[k].steps(self.dt)
            values[self.probes[k].name] = self._rates(k)[start // stride : stop // stride, None]
        return Window(
            start,
            stop,
            {n: (steps[k], (neurons[k] - c.start).astype(np.int32)) for n, c, k in self._split(neurons)},
            values,
        )

    def _split(self, neurons: NDArray[np.int32]) -> Any:
        for name, cells in self.netlist.populations.items():
            yield (
                name,
                cells,
                np.flatnonzero((neurons >= cells.start) & (neurons < cells.start + cells.size))
                if len(self.netlist.populations) > 1
                else slice(None),
            )

    # --- probes, for kernels that read state rows ---

    def taps(self, kernel: Any, begin: int, end: int, states: Mapping[str, int], blocks: Any) -> Any:
        """The kernel's Taps for the steps `begin` to `end`, sorted by block; `untap` collects them."""
        if not self.probes:
            return self._no_taps(kernel, blocks.core.size)
        columns: dict[str, list[NDArray[Any]]] = {
            k: [] for k in ("place", "state", "stride", "origin", "at", "width", "share")
        }
        self._plan = []
        room = 0
        for k, p in enumerate(self.probes):
            if p.reduce == "rate":
                continue
            which = p.neurons(self.netlist)
            stride, mean = p.steps(self.dt), p.reduce == "mean"
            origin = _next(begin, stride)
            times, width = len(range(origin, end, stride)), 1 if mean else which.size
            many = np.ones(which.size, np.int64)
            columns["place"].append(blocks.place[which + self.netlist.populations[p.of].start].astype(np.int64))
            columns["state"].append(many * _state(p, states))
            columns["stride"].append(many * stride)
            columns["origin"].append(many * origin)
            columns["at"].append(room + (0 * many if mean else np.arange(which.size)))
            columns["width"].append(many * width)
            columns["share"].append(many / (which.size if mean else 1.0))
            self._plan.append((k, room, times, width))
            self._value_steps[k].append(np.arange(origin, end, stride))
            room += times * width
        kinds = {"share": np.float64}
        c = {
            k: np.concatenate(v).astype(kinds.get(k, np.int64)) if v else np.zeros(0, kinds.get(k, np.int64))
            for k, v in columns.items()
        }
        order = np.argsort(c["place"], kind="stable")
        c = {k: v[order] for k, v in c.items()}
        count = blocks.core.size
        return kernel.Taps(
            first=np.searchsorted(c["place"], np.arange(count + 1) * 32).astype(np.int64),
            field=(c["place"] // 32 * len(states) + c["state"]) * 32 + c["place"] % 32,
            stride=c["stride"],
            origin=c["origin"],
            at=c["at"],
            width=c["width"],
            share=c["share"],
            out=np.zeros(room),
            means=any(p.reduce == "mean" for p in self.probes),
        )

    def _no_taps(self, kernel: Any, blocks: int) -> Any:
        """What `taps` gives where nothing is probed, made once."""
        if self._nothing is None:
            none = np.zeros(0, np.int64)
            columns = dict.fromkeys(("field", "stride", "origin", "at", "width"), none)
            self._nothing = kernel.Taps(
                first=np.zeros(blocks + 1, np.int64), **columns, share=np.zeros(0), out=np.zeros(0), means=False
            )
        return self._nothing

    def untap(self, taps: Any) -> None:
        """Keep what the kernel wrote into `taps`."""
        for k, start, times, width in self._plan:
            self._values[k].append(taps.out[start : start + times * width].reshape(times, width))

    def put(self, probe: int, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Keep the values of a probe (number `probe`) at these steps, a row each, for backends that step in Python."""
        self._values[probe].append(values)
        self._value_steps[probe].append(steps)

    # --- results ---

    def spikes(self) -> tuple[dict[str, Spikes], dict[str, int], tuple[str, ...]]:
        """Spikes and counts by population, and a note when the limit was passed."""
        steps, neurons = _joined(list(zip(self._steps, self._neurons, strict=True)))
        kept = {
            n: Spikes(steps[k], (neurons[k] - c.start).astype(np.int32), self.dt) for n, c, k in self._split(neurons)
        }
        counts = dict(zip(self.netlist.populations, self._counts.tolist(), strict=True))
        notes = ()
        if self._dropping:
            notes = (
                tr(
                    "More than {limit} spikes: they were counted, not kept. Use probes, a shorter run, or a higher limit.",
                    limit=self.limits.spikes,
                ),
            )
        return kept, counts, notes

    def traces(self) -> dict[str, xarray.DataArray]:
        """The probed values as labelled arrays."""
        if not self.probes:
            return {}
        import xarray  # noqa: PLC0415  only when there are traces to label

        made: dict[str, xarray.DataArray] = {}
        for p, values, steps in zip(self.probes, self._values, self._value_steps, strict=True):
            if p.reduce == "rate":
                made[p.name] = self._rate(p)
                continue
            which = p.neurons(self.netlist) if p.reduce is None else np.array([-1])
            data = np.concatenate(values) if values else np.zeros((0, which.size))
            time = (np.concatenate(steps) if steps else np.zeros(0, np.int64)) * self.dt
            made[p.name] = xarray.DataArray(
                data,
                dims=("time", "neuron"),
                coords={"time": time, "neuron": which},
                name=p.name,
                attrs={"units": self._unit(p), "reduce": p.reduce or "none"},
            )
        return made

    def _unit(self, p: Probe) -> str:
        """The unit of a probed variable; neurons in whole steps have none."""
        if self.netlist.populations[p.of].neuron.method == "steps":
            return ""
        return {"v": "V", "current": "A", "conductance": "S"}.get(p.variable.partition("_")[0], "")

    def _rate(self, p: Probe) -> xarray.DataArray:
        import xarray  # noqa: PLC0415

        hz = self._rates(self.probes.index(p))
        time = np.arange(hz.size) * p.steps(self.dt) * self.dt
        return xarray.DataArray(
            hz[:, None],
            dims=("time", "neuron"),
            coords={"time": time, "neuron": [-1]},
            name=p.name,
            attrs={"units": "Hz", "reduce": "rate"},
        )

    def _rates(self, probe: int) -> NDArray[np.float64]:
        """Hz in each bin so far; the last may be cut short by the end of the run."""
        p, stride = self.probes[probe], self.probes[probe].steps(self.dt)
        starts = np.arange(0, self._reached, stride)
        counts = np.zeros(starts.size, np.int64)
        found = self._bins[probe][: starts.size]
        counts[: found.size] = found
        size = self.netlist.populations[p.of].size if p.which is None else len(p.which)
        return counts / (size * np.minimum(stride, self._reached - starts) * self.dt)

    # --- saving ---

    def save(self) -> dict[str, NDArray[Any]]:
        """Everything kept, as arrays."""
        steps, neurons = _joined(list(zip(self._steps, self._neurons, strict=True)))
        made: dict[str, NDArray[Any]] = {
            "spikes.steps": steps,
            "spikes.neurons": neurons,
            "spikes.counts": self._counts.copy(),
            "spikes.dropping": np.array(self._dropping),
            "reached": np.array(self._reached),
        }
        made |= {f"rate.{k}": bins for k, bins in self._bins.items()}
        for k, (values, at) in enumerate(zip(self._values, self._value_steps, strict=True)):
            if values:
                made[f"probe.{k}.values"], made[f"probe.{k}.steps"] = np.concatenate(values), np.concatenate(at)
        return made

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self._steps, self._neurons = [arrays["spikes.steps"]], [arrays["spikes.neurons"]]
        self._kept, self._counts, self._dropping = (
            arrays["spikes.steps"].size,
            arrays["spikes.counts"].copy(),
            bool(arrays["spikes.dropping"]),
        )
        self._reached = int(arrays["reached"])
        self._bins = {k: arrays[f"rate.{k}"] for k in self._bins}
        for k in range(len(self.probes)):
            if f"probe.{k}.values" in arrays:
                self._values[k], self._value_steps[k] = [arrays[f"probe.{k}.values"]], [arrays[f"probe.{k}.steps"]]


def _joined(
    chunks: Sequence[tuple[NDArray[np.int64], NDArray[np.int32]]],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    if len(chunks) == 1:
        return chunks[0]
    if not chunks:
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    return np.concatenate([c[0] for c in chunks]), np.concatenate([c[1] for c in chunks])


def _next(begin: int, stride: int) -> int:
    return -(-begin // stride) * stride


def _state(p: Probe, states: Mapping[str, int]) -> int:
    if p.variable not in states:
        raise UnsupportedError(
            tr(
                "The event chip cannot probe '{variable}'; it has {known}.",
                variable=p.variable,
                known=", ".join(states),
            )
        )
    return states[p.variable]


# --- saved runs ---------------------------------------------------------------------------------------------------------


def write_state(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], note: Mapping[str, Any], program: Program
) -> Path:
    """Write a run's state to one file, whole or not at all."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    label = json.dumps({**note, "format": FORMAT, **_identity(program)})
    try:
        with part.open("wb") as file:
            np.savez(file, note=np.array(label), **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        raise StoreError(
            tr("The run could not be saved to {path}: {reason}.", path=path, reason=error.strerror or error)
        ) from error
    finally:
        part.unlink(missing_ok=True)  # also when Ctrl-C came in the middle
    return path


def read_state(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the note of a saved run; raises StoreError when the file is not one."""
    try:
        # Opened here, because NumPy leaves the file open when it turns out to be cut short.
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {k: file[k] for k in file.files}
        note = json.loads(str(arrays.pop("note")))
    except OSError as error:
        raise StoreError(
            tr("The saved run {path} cannot be read: {reason}.", path=path, reason=error.strerror or error)
        ) from error
    except Exception as error:
        raise StoreError(tr("{path} is not a saved run, or it was cut short.", path=path)) from error
    return arrays, note


def noted(drive: Drive, step: int) -> dict[str, Any]:
    """What a saved run says of its drive, and how far it got."""
    return {"step": step, "steps": drive.steps, "drive_seed": drive.seed, "trial": drive.trial_number}


def opened(path: str | Path, program: Program) -> tuple[dict[str, NDArray[Any]], dict[str, Any], Drive]:
    """The arrays, the note and the drive of a run that this very program saved; raises StoreError for anything else."""
    arrays, note = read_state(path)
    check_state(note, program, path)
    drive = Drive(
        sources=program.netlist.sources,
        steps=note["steps"],
        dt=program.dt,
        seed=note["drive_seed"],
        trial_number=note["trial"],
    )
    return arrays, note, drive


def _identity(program: Program) -> dict[str, Any]:
    """What a saved run and the program that resumes it must have in common: a chip is more than its name, and its die is part of it."""
    probes = [repr(p) for p in getattr(program, "probes", ())]
    numbers = hashlib.blake2b(json.dumps(to_json(program.chip), sort_keys=True).encode(), digest_size=8).hexdigest()
    return {
        "netlist": program.netlist.digest,
        "chip": program.chip.name,
        "chip's numbers": numbers,
        "seed": program.seed,
        "dt": program.dt,
        "probes": probes,
    }


def check_state(note: Mapping[str, Any], program: Program, path: str | Path) -> None:
    """Raise StoreError unless the note belongs to this program."""
    if note.get("format", 0) > FORMAT:
        raise StoreError(
            tr(
                "{path} was saved by a newer version (format {format}; this one reads up to {known}).",
                path=path,
                format=note["format"],
                known=FORMAT,
            )
        )
    if note.get("format", 0) < FORMAT:
        raise StoreError(
            tr(
                "{path} was saved by an earlier version (format {format}), whose numbers meant something else; run it anew.",
                path=path,
                format=note.get("format", 0),
            )
        )
    for what, value in _identity(program).items():
        if note.get(what) != value:
            raise StoreError(
                tr(
                    "{path} is the run of another program: its {what} is {theirs}, here it is {ours}.",
                    path=path,
                    what=what,
                    theirs=note.get(what),
                    ours=value,
                )
            )
