"""The event backend: leaky integrate-and-fire neurons on a mesh of cores, with every event counted.

In float64 it equals the Brian2 reference spike for spike: both do the operations of `Lif.step_constants` in the same order, and
sums of arrivals are exact on the weights' grid. float32 is for speed and is not claimed to be equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import Inputs, Limits, Probe, Program, Run, Window, rounded_delays
from workbench.backends.event.cores import Fan, lay_cores, sum_at
from workbench.backends.event.layout import (
    Wires,
    lay_cuts,
    lay_noise,
    lay_parts,
    lay_segments,
    lay_wires,
    realised_block,
)
from workbench.backends.recorder import Recorder, check_state, read_state, write_state
from workbench.chips.event import EVENTS, EventChip
from workbench.circuits.drive import Drive, steps_of
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Current, Delta, Exponential, Gap
from workbench.circuits.unfold import Block, Netlist
from workbench.errors import DescriptionError, UnsupportedError
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["EventProgram", "EventRun", "compile"]

BUFFER = 1 << 19
"""Spikes one call of the kernel can write before Python takes them away."""

WINDOW = 32
"""At most so many steps between two deliveries; never more than the shortest delay."""

THREADED_FROM = 5000
"""Networks of so many neurons use all threads Numba was given (NUMBA_NUM_THREADS); smaller ones lose by it."""


def compile(
    netlist: Netlist,
    chip: EventChip,
    *,
    dt: float,
    seed: int,
    probes: Sequence[Probe] = (),
    limits: Limits | None = None,
) -> EventProgram:
    """Fit `netlist` to an event chip; see `backends.compile`."""
    check_supported(netlist, chip)
    real = np.float32 if chip.arithmetic == "float32" else np.float64
    delays, losses = rounded_delays(netlist, dt)
    kept = {n: b for n, b in netlist.projections.items() if not isinstance(b.kind, Gap)}
    for name, block in netlist.projections.items():
        if isinstance(block.kind, Gap):
            losses += (
                tr(
                    "{name}: {count} gap junctions dropped; this chip carries spikes only.",
                    name=name,
                    count=block.count,
                ),
            )
    if real is np.float32:
        losses += (tr("weights and potentials kept in float32."),)
    wires = lay_wires(netlist, kept, delays, real)
    fan = lay_cores(netlist, chip, wires, losses)
    segments = lay_segments(netlist, fan.placement.core_of, dt, real)
    realised = replace(netlist, projections={n: realised_block(b, delays[n], dt, real) for n, b in kept.items()})
    return EventProgram(
        netlist=netlist,
        chip=chip,
        dt=dt,
        seed=seed,
        placement=fan.placement,
        probes=tuple(probes),
        limits=limits or Limits(),
        _realised=realised,
        _wires=wires,
        _fan=fan,
        _segments=segments,
        _delays=delays,
        _real=real,
    )


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class EventProgram(Program):
    """A netlist on the cores of an event chip."""

    netlist: Netlist
    chip: EventChip  # pyright: ignore[reportIncompatibleVariableOverride]  the compiler table sends only these here
    dt: float
    seed: int
    placement: Placement
    probes: tuple[Probe, ...] = ()
    limits: Limits = field(default_factory=Limits)
    _realised: Netlist
    _wires: Wires
    _fan: Fan
    _segments: dict[str, Any]
    _delays: Mapping[str, Any]
    _real: Any

    @property
    def realised(self) -> Netlist:
        """The netlist with delays rounded to steps, weights as the arithmetic keeps them, and without what the chip cannot carry."""
        return self._realised

    def start(self, drive: Drive, *, seed: int = 0) -> EventRun:
        """See Program. The event chip draws nothing itself, so `seed` changes nothing here."""
        if drive.dt != self.dt:
            raise DescriptionError(tr("The drive has steps of {a} s, the program of {b} s.", a=drive.dt, b=self.dt))
        return EventRun(self, drive)

    def resume(self, path: str | Path) -> EventRun:
        """See Program; raises StoreError when the file is not a saved run of this very program."""
        arrays, note = read_state(path)
        check_state(note, self, path)
        drive = Drive(
            sources=self.netlist.sources,
            steps=note["steps"],
            dt=self.dt,
            seed=note["drive_seed"],
            trials=1,
            trial_number=note["trial"],
        )
        going = EventRun(self, drive)
        going._restore(arrays, note)
        return going


@final
class EventRun(Run):
    """An event program under way."""

    def __init__(self, program: EventProgram, drive: Drive) -> None:
        from workbench.kernels import event  # noqa: PLC0415  compiled kernels only when something runs

        self._kernel = event
        self.program, self.drive, self.step = program, drive, 0
        netlist, real = program.netlist, program._real
        size, kinds = netlist.size, len(program._wires.exponentials)
        self._window = self._longest_window()
        slots = self._window + max([1, *(int(np.max(d, initial=1)) for d in program._delays.values())])
        v = np.concatenate(
            [np.broadcast_to(np.asarray(c.initial["v"], real), c.size) for c in netlist.populations.values()]
        )
        segments = len(program._segments["core"])
        self._state = event.State(
            v=v.astype(real),
            currents=np.zeros((kinds, size), real),
            ready=np.zeros(size, np.int64 if real is np.float64 else np.int32),
            ring=np.zeros((slots, max(1, kinds + program._wires.delta), size), real),
            spikes=np.zeros(size, np.int64),
            active=np.zeros(segments, np.int64),
            outside=np.zeros(segments, np.int64),
            outside_core=np.zeros(len(program.placement.cores), np.int64),
            clock=np.zeros(1),
        )
        self._segments = event.Segments(**program._segments)
        parts = self._parts()
        edges = program._segments["start"][parts]
        wires = {k: v for k, v in program._wires.arrays.items() if k != "rows"}
        self._wires = event.Wires(**wires, cuts=lay_cuts(event, program._wires, edges))
        self._fused = [b.name for b in outside.fused(netlist)]
        self._noise = event.Noise(**lay_noise(program, drive, self._fused))
        self._fan = event.Fan(**program._fan.arrays)
        price = program.chip.prices
        tiles = len({c.tile for c in program.placement.cores})
        self._times = event.Times(
            active=price["active update"].seconds,
            inactive=price["inactive update"].seconds,
            operation=price["synaptic operation"].seconds,
            outside=price["outside operation"].seconds,
            barrier=program.chip.barrier(tiles),
        )
        self._recorder = Recorder(netlist, program.probes, program.limits, program.dt)
        room = max(BUFFER, 2 * size)
        self._spike_step, self._spike_neuron = np.empty(room, np.int64), np.empty(room, np.int64)
        longest = int(np.diff(program._segments["start"]).max())
        pieces, most = len(parts) - 1, int(np.diff(edges).max())
        self._scratch = event.Scratch(
            parts=parts,
            x=np.empty((pieces, longest), real),
            hit=np.empty((pieces, longest), self._state.ready.dtype),
            bits=np.empty((pieces, longest), np.uint32),
            drawn=np.empty((pieces, longest), np.uint32),
            step=np.empty((pieces, self._window * most + 1), np.int64),
            neuron=np.empty((pieces, self._window * most + 1), np.int64),
            written=np.zeros(pieces, np.int64),
            work=np.zeros((self._window, len(program.placement.cores))),
        )
        self._advance = event.advance if pieces == 1 else event.advance_threads

    def _longest_window(self) -> int:
        """Steps between two deliveries: within the shortest delay no spike can reach anyone."""
        program = self.program
        inner = [b for b in program._wires.blocks if not b.external]
        listed = len(inner) < len(program._wires.blocks)
        if listed and program._real is np.float32:
            return 1  # outside and inside spikes keep one order of arrival, however a run is cut
        return min([WINDOW, *(int(np.min(program._delays[b.name], initial=WINDOW)) for b in inner)])

    def _parts(self) -> NDArray[np.int64]:
        """Cut the neurons into one part a thread where that pays; a mean over a population needs them all together."""
        from workbench import kernels  # noqa: PLC0415  compiled kernels only when something runs

        program = self.program
        means = any(p.reduce == "mean" for p in program.probes)
        threads = kernels.threads() if program.netlist.size >= THREADED_FROM and not means else 1
        return lay_parts(program._segments["core"], program._segments["start"], threads)

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """See Run."""
        program, begin = self.program, self.step
        stop = begin + steps_of(duration, program.dt)
        given = outside.checked_inputs(program.netlist, self.drive, inputs, stop - begin)
        mark = self._recorder.mark()
        block = max(1, min(4096, 2_000_000 // max(1, program.netlist.size)))
        while self.step < stop:
            end = min(stop, self.step + block) if self._listed or self._currents else stop
            part = {n: g[self.step - begin : end - begin] for n, g in given.items()}
            self._go(end, part)
        return self._recorder.window(mark, begin, stop)

    @property
    def _listed(self) -> list[Block]:
        return [b for b in outside.spiking_blocks(self.program.netlist) if b.name not in self._fused]

    @property
    def _currents(self) -> list[Block]:
        return outside.current_blocks(self.program.netlist)

    def _go(self, end: int, given: Mapping[str, NDArray[np.int64]]) -> None:
        """Run up to step `end`, in as many calls of the kernel as the spike buffers need."""
        begin = self.step
        arrivals = self._outside(begin, end, given)
        taps = self._recorder.taps(self._kernel, begin, end, self.program._wires.exponentials)
        while self.step < end:
            rest = arrivals._replace(
                at=arrivals.at[self.step - begin :],
                current=arrivals.current[self.step - begin :] if arrivals.current.size else arrivals.current,
            )
            reached, written = self._advance(
                self.step,
                end,
                self._window,
                self._state,
                self._segments,
                self._wires,
                self._noise,
                rest,
                self._fan,
                self._times,
                taps,
                self._scratch,
                self.program._fan.core_of,
                self._spike_step,
                self._spike_neuron,
            )
            self._recorder.add(self._spike_step[:written], self._spike_neuron[:written])
            self.step = reached
        self._recorder.untap(taps)

    def _outside(self, begin: int, end: int, given: Mapping[str, NDArray[np.int64]]) -> Any:
        netlist, drive = self.program.netlist, self.drive
        numbers = {n: len(netlist.populations) + k for k, n in enumerate(netlist.sources)}
        at = np.zeros(end - begin + 1, np.int64)
        senders: list[NDArray[np.int64]] = []
        parts: list[outside.Events] = []
        for source in dict.fromkeys(b.source for b in self._listed):
            found = outside.events(drive, source, begin, end, given)
            parts.append(found)
            senders.append(np.full(found.neurons.size, numbers[source], np.int64))
            at += found.at
        sender, neuron, count = (
            np.concatenate(p) if p else np.zeros(0, np.int64)
            for p in (senders, [p.neurons for p in parts], [p.counts for p in parts])
        )
        if len(parts) > 1:
            step = np.concatenate([np.repeat(np.arange(end - begin), np.diff(p.at)) for p in parts])
            order = np.argsort(step, kind="stable")
            sender, neuron, count = sender[order], neuron[order], count[order]
        current = np.zeros((0, 0), self.program._real)
        if self._currents:
            current = np.zeros((end - begin, netlist.size), self.program._real)
            for name, values in outside.currents(netlist, drive, begin, end).items():
                current[:, netlist.populations[name].span] = values
        return self._kernel.Outside(at=at, sender=sender, neuron=neuron, times=count, current=current)

    def recording(self) -> Recording:
        """See Run."""
        program = self.program
        spikes, counts, notes = self._recorder.spikes()
        return Recording(
            spikes=spikes,
            sizes={n: c.size for n, c in program.netlist.populations.items()},
            counts=counts,
            traces=self._recorder.traces(),
            ledger=self._ledger(),
            placement=program.placement,
            dt=program.dt,
            duration=self.step * program.dt,
            trial=self.drive.trial_number,
            backend="event",
            arithmetic=program.chip.arithmetic,
            notes=notes,
        )

    def _ledger(self) -> Ledger:
        program, fan = self.program, self.program._fan
        cores = len(program.placement.cores)
        place_of = program._segments["core"]
        sizes = np.diff(program._segments["start"])
        fired = self._state.spikes
        table: dict[str, NDArray[np.int64]] = {}
        active = np.bincount(place_of, self._state.active, cores).astype(np.int64)
        table["active update"] = active
        table["inactive update"] = np.bincount(place_of, sizes, cores).astype(np.int64) * self.step - active
        table["outside operation"] = (
            np.bincount(place_of, self._state.outside, cores).astype(np.int64) + self._state.outside_core
        )
        starts, landed, worked = fan.arrays["start"], fan.arrays["core"], fan.arrays["operations"]
        times = np.repeat(fired, np.diff(starts))
        nothing = np.zeros(cores, np.int64)
        table["core step"] = nothing + self.step
        table["synaptic operation"] = sum_at(landed, worked * times, cores)
        table["dense operation"] = table["shared operation"] = nothing
        table["packet received"] = sum_at(landed, times, cores)
        home = fan.core_of
        for event, per_spike in fan.per_spike.items():
            table[event] = sum_at(home, per_spike * fired, cores)
        table["spike"] = sum_at(home, fired, cores)
        counts = np.stack([table[e] for e in EVENTS], axis=1)[None]
        return Ledger(
            counts=counts,
            windows=np.array([0.0, self.step * program.dt]),
            places=tuple(c.name for c in program.placement.cores),
            events=EVENTS,
            prices=program.chip.prices,
            timing="simple",
            chip_times=self._state.clock.copy(),
        )

    def save(self, path: str | Path) -> Path:
        """See Run."""
        arrays = {f"state.{k}": v for k, v in self._state._asdict().items()} | self._recorder.save()
        note = {
            "step": self.step,
            "steps": self.drive.steps,
            "drive_seed": self.drive.seed,
            "trial": self.drive.trial_number,
        }
        return write_state(path, arrays, note, self.program)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], note: Mapping[str, Any]) -> None:
        self._state = self._kernel.State(**{k: arrays[f"state.{k}"] for k in self._state._fields})
        self._recorder.restore(arrays)
        self.step = note["step"]


def check_supported(netlist: Netlist, chip: EventChip) -> None:
    """Raise UnsupportedError for a neuron model or a receptor the chip has no rule for."""
    for cells in netlist.populations.values():
        model = type(cells.neuron).__name__
        if not isinstance(cells.neuron, Lif):
            raise UnsupportedError(
                tr(
                    "{chip} has no rule for the neuron model {model} of population '{name}'; it has: Lif.",
                    chip=chip.name,
                    model=model,
                    name=cells.name,
                )
            )
        for receptor in cells.receptors:
            if not isinstance(cells.neuron.receptors[receptor], (Delta, Exponential, Gap, Current)):
                raise UnsupportedError(
                    tr(
                        "{chip} has no rule for the receptor '{receptor}' of population '{name}'; it has: input, exc, inh, current.",
                        chip=chip.name,
                        receptor=receptor,
                        name=cells.name,
                    )
                )
