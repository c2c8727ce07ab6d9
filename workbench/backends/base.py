"""What every backend gives: a program that fits a chip, and a run of it that goes forward step by step."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.chip import Chip
from workbench.circuits.drive import Drive
from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Block, Netlist
from workbench.errors import DescriptionError, UnsupportedError, unknown
from workbench.mapping.mapped import Mapped
from workbench.recordings.placement import Placement
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = [
    "BACKENDS",
    "Inputs",
    "Limits",
    "Probe",
    "Program",
    "Progress",
    "Run",
    "Window",
    "compile",
    "delay_losses",
    "delay_steps",
    "finish",
    "report",
    "rounded_delays",
    "slices",
]

Progress = Callable[[float, str], None]
"""Called with the fraction done and a sentence; it may raise Cancelled."""

Inputs = Mapping[str, NDArray[Any]]
"""For each External source, spike counts of shape (steps, size), or (size,) for the first step of the window alone; for each
ExternalValues source, values likewise."""

PATIENCE = 0.3
"""Seconds between two reports of a run."""

BRISK = 0.03
"""Seconds that a slice of a run takes at least: shorter ones would cost more to begin and end than to run, and nobody sees them."""

FIRST = 64
"""Steps before the first report, of most runs."""

BACKENDS: Mapping[str, str] = {
    "ideal": "workbench.backends.ideal:compile",
    "event": "workbench.backends.event:compile",
    "crossbar": "workbench.backends.crossbar:compile",
    "digital": "workbench.backends.digital:compile",
    "wafer": "workbench.backends.wafer:compile",
}
"""Kind of chip to where its compiler is."""


@final
@dataclass(frozen=True)
class Probe:
    """Ask for a variable of a population: of neurons `which` (all by default), `every` so many seconds (each step by default).

    `reduce="mean"` keeps the mean over those neurons, `reduce="rate"` the population's rate in Hz (variable "spikes").
    A value belongs to the start of its step, before the integration; the "y" of a neuron that emits values is what it emits in that step.
    """

    of: str
    variable: str
    which: Sequence[int] | None = None
    every: float | None = None
    reduce: Literal["mean", "rate"] | None = None

    def __post_init__(self) -> None:
        if self.which is not None:
            object.__setattr__(self, "which", tuple(int(w) for w in self.which))
        if self.reduce not in (None, "mean", "rate"):
            raise unknown("reduction", self.reduce, ("mean", "rate"))

    @property
    def name(self) -> str:
        """The key of its trace: "E.v", "E.v.mean", "E.rate"."""
        if self.reduce == "rate":
            return f"{self.of}.rate"
        return f"{self.of}.{self.variable}" + (f".{self.reduce}" if self.reduce else "")

    def neurons(self, netlist: Netlist) -> NDArray[np.int64]:
        """The probed neurons, local to the population; raises DescriptionError for one that is not there."""
        if self.of not in netlist.populations:
            raise unknown("population", self.of, netlist.populations)
        size = netlist.populations[self.of].size
        which = np.arange(size) if self.which is None else np.asarray(self.which, np.int64)
        if which.size and not (which.min() >= 0 and which.max() < size):
            raise DescriptionError(
                tr(
                    "Probe of '{name}': neuron {n} is not there; the population has {size}, counted from 0.",
                    name=self.of,
                    n=int(which.max()),
                    size=size,
                )
            )
        return which

    def steps(self, dt: float) -> int:
        """How many steps lie between two values."""
        return 1 if self.every is None else max(1, round(self.every / dt))


@final
@dataclass(frozen=True)
class Limits:
    """What a run may keep: spikes beyond `spikes` are counted but not stored, and the recording says so.

    `window` is the model time of one window of the ledger, s; one window for the whole run by default.
    """

    spikes: int = 20_000_000
    window: float | None = None


@final
@dataclass(frozen=True, eq=False)
class Window:
    """What happened in one `advance`: steps `start` to `stop`, spikes by population as (steps, local neurons), probed values."""

    start: int
    stop: int
    spikes: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int32]]]
    probes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


class Run:
    """Abstract: a program under way. Its state lies between two steps."""

    step: int
    drive: Drive
    first: int = FIRST
    """Steps that surely take no second: how far it goes before the first report."""

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """Go on for `duration` seconds of model time; `inputs` feeds the External sources."""
        raise NotImplementedError

    def recording(self) -> Recording:
        """Everything so far."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write the state to a file from which `Program.resume` goes on identically."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back the memory that only going on needs; `recording` still answers."""


class Program:
    """Abstract: a network fitted to a chip."""

    netlist: Netlist
    chip: Chip
    dt: float
    seed: int
    placement: Placement

    @property
    def realised(self) -> Netlist:
        """What the chip really computes, as a netlist: rounded delays, quantised weights, lost receptors."""
        raise NotImplementedError

    def start(self, drive: Drive, *, seed: int = 0) -> Run:
        """A run at step 0 under `drive`."""
        raise NotImplementedError

    def resume(self, path: str | Path) -> Run:
        """The run that `Run.save` wrote, ready to go on."""
        raise NotImplementedError

    def run(self, drive: Drive, *, seed: int = 0, progress: Progress | None = None) -> Recording:
        """Run the whole drive. Between windows `progress` is told how far it is; if it raises Cancelled, the run ends there."""
        going = self.start(drive, seed=seed)
        return finish(going, progress)


def finish(going: Run, progress: Progress | None = None) -> Recording:
    """Advance a run to the end of its drive, in `slices`; it does not go on after that."""
    for _ in slices(going, progress):
        pass
    going.close()
    return going.recording()


def slices(going: Run, progress: Progress | None = None) -> Iterator[float]:
    """Advance a run to the end of its drive, slice by slice: at least about three a second.

    Twenty of them or more, unless they would be shorter than `BRISK` seconds. `progress` is told before the first and after each; then
    comes the part done, and whoever iterates may look at the run or leave it.
    """
    total = going.drive.steps
    most = max(1, math.ceil(total / 20))
    window = min(most, going.first)
    report(progress, going.step / max(total, 1), tr("running"))
    while going.step < total:
        steps, begun = min(window, total - going.step), time.perf_counter()
        going.advance(steps * going.drive.dt)
        took = time.perf_counter() - begun
        # The first window may have compiled something; a later one says how long a step takes.
        fast = steps / max(took, 1e-9)
        window = max(1, min(max(most, int(BRISK * fast)), 8 * window, int(PATIENCE * fast)))
        report(progress, going.step / total, tr("running"))
        yield going.step / total


def report(progress: Progress | None, fraction: float, text: str) -> None:
    """Tell `progress`, if there is one; it may raise Cancelled, which passes through."""
    if progress is not None:
        progress(fraction, text)


def compile(
    netlist: Netlist,
    chip: Chip,
    *,
    dt: float,
    seed: int,
    probes: Sequence[Probe] = (),
    limits: Limits | None = None,
    mapping: Mapped | None = None,
) -> Program:
    """Fit `netlist` to `chip` for steps of `dt`; with `mapping` on the cores and tiles it names (event chips).

    Raises PlacementError when it does not fit, UnsupportedError when the chip has no rule for a model or receptor.
    """
    if chip.kind not in BACKENDS:
        raise UnsupportedError(
            tr(
                "No backend emulates a chip of kind '{kind}'; there are {known}.",
                kind=chip.kind,
                known=", ".join(BACKENDS),
            )
        )
    if not (dt > 0 and math.isfinite(dt)):
        raise DescriptionError(tr("dt is {dt}: it must be a positive time in seconds.", dt=dt))
    for probe in probes:
        # All of 200 million neurons need no list to be checked.
        if probe.which is not None or probe.of not in netlist.populations:
            probe.neurons(netlist)
        if sum(other.name == probe.name for other in probes) > 1:
            raise DescriptionError(
                tr("Two probes give the trace '{name}': ask for all its neurons in one, with which=.", name=probe.name)
            )
    module, _, name = BACKENDS[chip.kind].partition(":")
    build: Callable[..., Program] = getattr(importlib.import_module(module), name)
    more: dict[str, Any] = {}
    if mapping is not None:
        if chip.kind != "event":
            raise UnsupportedError(
                tr("A mapping is for event chips; '{name}' is of kind '{kind}'.", name=chip.name, kind=chip.kind)
            )
        more["mapping"] = mapping
    return build(netlist, chip, dt=float(dt), seed=int(seed), probes=tuple(probes), limits=limits or Limits(), **more)


def delay_steps(block: Block, dt: float, numbers: NDArray[Any] | None = None, *, value: float | None = None) -> Any:
    """The delays of a block in whole steps, at least one: an int where all are equal, else int32 (for the synapses `numbers` alone).

    With `value` (s), what that one delay becomes. Of values, a delay that is written as 0 stays 0.
    """
    exact = np.asarray(block.delays(numbers) if value is None else value) / dt
    whole = np.maximum(np.rint(exact), 1).astype(np.int32)
    if block.emits == "values":
        whole = np.where(exact == 0, np.int32(0), whole)
    return int(whole) if whole.ndim == 0 else whole


def delay_losses(netlist: Netlist, dt: float) -> tuple[str, ...]:
    """A sentence for each projection where rounding to whole steps changes a delay."""
    losses: list[str] = []
    for name, block in netlist.projections.items():
        if isinstance(block.kind, (Current, Gap)):
            continue
        if block.delayed and block.count > 1_000_000:
            low, high = block.extremes()["delay"]
            off = 0.0 if low == high else 0.5  # not worth making a million numbers for
            off = max(off, *(abs(delay_steps(block, dt, value=x) - x / dt) for x in (low, high)))
        else:
            exact = np.asarray(block.delays()) / dt
            off = float(np.max(np.abs(delay_steps(block, dt) - exact), initial=0.0))
        if off > 1e-6:
            losses.append(
                tr(
                    "{name}: delays rounded to whole steps of {dt:g} ms, at least one; the largest change is {off:.3g} ms.",
                    name=name,
                    dt=dt * 1e3,
                    off=off * dt * 1e3,
                )
            )
    return tuple(losses)


def rounded_delays(netlist: Netlist, dt: float) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Delays in steps by projection (an int, or int32 per edge), and a sentence for each projection where rounding changed one."""
    return {n: delay_steps(b, dt) for n, b in netlist.projections.items()}, delay_losses(netlist, dt)
