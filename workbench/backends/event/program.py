"""The event backend: leaky integrate-and-fire neurons on a mesh of cores, with every event counted.

In float64 it equals the Brian2 reference spike for spike: both do the operations of `Lif.step_constants` in the same order, and
sums of arrivals are exact on the weights' grid. So do whole numbers, whose reference is the realised netlist. float32 is for speed
and is not claimed to be equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import Inputs, Limits, Probe, Program, Run, Window, delay_losses, delay_steps
from workbench.backends.event import tiers
from workbench.backends.event.cores import Fan, lay_cores
from workbench.backends.event.dense import dense_blocks, lay_dense
from workbench.backends.event.interpreter import Interpreter, holds, wake_up
from workbench.backends.event.layout import (
    LANES,
    Form,
    Wires,
    form_of,
    lay_blocks,
    lay_noise,
    lay_rows,
    lay_runs,
    lay_ways,
    lay_wires,
)
from workbench.backends.event.masks import dense_wires, lay_masks
from workbench.backends.event.memory import aligned
from workbench.backends.event.meter import Meter, padded
from workbench.backends.event.parts import gathers, lay_buckets, lay_parts
from workbench.backends.event.ring import put_ring, taken_ring
from workbench.backends.event.support import check_supported, realised
from workbench.backends.recorder import Recorder, noted, opened, write_state
from workbench.chips.event import EventChip
from workbench.circuits.drive import Drive, steps_of
from workbench.circuits.synapses import Gap
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError
from workbench.kernels.event.tables import CHUNK
from workbench.mapping.mapped import Mapped
from workbench.recordings.placement import Placement
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["EventProgram", "EventRun", "compile"]

BUFFER = 1 << 18
"""Spikes one call of the kernel can write before Python takes them away."""

CALL = 2048
"""Steps in one call of the kernel, at most: progress, Cancel and the counts of a call stay small."""

WINDOW = 32
"""At most so many steps between two deliveries; never more than the shortest delay."""

LISTED = 64
"""Steps between two deliveries where spikes come from outside alone, whose weights are read once for all of them; 200 gained nothing."""

THREADED_FROM = 5000
"""Networks of so many neurons use all threads Numba was given (NUMBA_NUM_THREADS); smaller ones lose by it."""

_REAL = {"float64": np.float64, "float32": np.float32, "integer": np.int32}


def compile(
    netlist: Netlist,
    chip: EventChip,
    *,
    dt: float,
    seed: int,
    probes: Sequence[Probe] = (),
    limits: Limits | None = None,
    mapping: Mapped | None = None,
) -> EventProgram:
    """Fit `netlist` to an event chip; see `backends.compile`."""
    check_supported(netlist, chip)
    real = _REAL[chip.arithmetic]
    losses = delay_losses(netlist, dt)
    carried = {n: b for n, b in netlist.projections.items() if not isinstance(b.kind, Gap)}
    for name, block in netlist.projections.items():
        if isinstance(block.kind, Gap):
            losses += (
                tr(
                    "{name}: {count} gap junctions dropped; this chip carries spikes only.",
                    name=name,
                    count=block.count,
                ),
            )
    kept = replace(netlist, projections=carried)
    if real is np.int32:
        from workbench.mapping.quantise import quantise  # noqa: PLC0415  floats need it not

        kept, more = quantise(kept, chip, dt=dt)
        losses += more
    elif real is np.float32:
        losses += (tr("weights and potentials kept in float32."),)
    form = form_of(kept, kept.projections)
    wires = lay_wires(kept, kept.projections)
    fan = lay_cores(kept, chip, wires, losses, mapped=mapping, seed=seed)
    return EventProgram(
        netlist=netlist,
        chip=chip,
        dt=dt,
        seed=seed,
        placement=fan.placement,
        probes=tuple(probes),
        limits=limits or Limits(),
        _carried=kept,
        _form=form,
        _fan=fan,
        _real=real,
        _layout=_lay(kept, wires, fan, form, probes, dt, real, marked=chip.counting == "nonzero" and form.discrete),
    )


def _lay(
    netlist: Netlist,
    wires: Wires,
    fan: Fan,
    form: Form,
    probes: Sequence[Probe],
    dt: float,
    real: Any,
    *,
    marked: bool,
) -> dict[str, Any]:
    """Blocks and rows for the kernel, and how many steps and slots its windows have."""
    from workbench import kernels  # noqa: PLC0415  compiled kernels only when something runs

    spans = [[int(delay_steps(b, dt, value=x)) for x in b.extremes()["delay"]] for b in wires.blocks]
    listed = any(b.external for b in wires.blocks)
    window = min([WINDOW, *(low for b, (low, _) in zip(wires.blocks, spans, strict=True) if not b.external)])
    inner = any(not b.external for b in wires.blocks)
    if not inner and listed:
        window = LISTED
    if listed and real is np.float32 and (inner or len({step for span in spans for step in span}) > 1):
        window = 1  # outside and inside spikes keep one order of arrival, however a run is cut
    window = max(1, min(window, 4_000_000 // max(1, netlist.size)))
    longest = max([1, *(high for _, high in spans)])
    # Outside spikes of a whole window are added before its first step, each to a slot of its own.
    slots = window + longest if listed else max(window, longest)
    late = window == 1 and inner and not (listed or form.discrete or form.delta or outside.fused(netlist))
    flagged = window == 1
    if late:
        # Nobody moves by what came in the same step, so a window may be a step longer than the shortest delay.
        window, slots = 2, longest + 1
    means = any(p.reduce == "mean" for p in probes)
    threads = kernels.threads() if netlist.size >= THREADED_FROM and not means else 1
    synapses = sum(r.targets.size for r in wires.rows) / max(1, sum(r.start.size - 1 for r in wires.rows))
    synapses *= max(1, len({b.target for b in wires.blocks}))
    chosen = dense_wires(wires, dt) if not marked else ()
    ways = lay_ways(netlist, wires, form, real)
    if not ways.count and real is not np.int32:
        chosen = ()  # sums of floats depend on their order
    kept = bool(ways.count) and not ways.unit and window > 1 and not late and len(chosen) == len(wires.blocks)
    if kept:
        ways = replace(ways, kind=np.uint8)
    blocks = lay_blocks(netlist, fan.core_of, form, ways, dt, real)
    blocks["parts"], blocks["shares"], gathered = lay_parts(
        blocks["core"].size,
        threads,
        synapses=synapses,
        states=len(form.states),
        ways=max(1, ways.count),
        itemsize=np.dtype(ways.kind).itemsize,
        slots=slots if any(low != high for low, high in spans) else 1,
        whole=CHUNK if chosen else 1,
        gathers=not chosen and gathers(netlist, wires, ways, dt, real),
    )
    spread = bool(
        np.ptp(blocks["constants"].reshape(-1, LANES), axis=1).any()
        or np.ptp(blocks["holds"].reshape(-1, LANES), axis=1).any()
    )
    blocks |= lay_runs(blocks, spread=spread)
    layers = dense_blocks(netlist, wires.blocks, blocks)
    apart = (*layers, *chosen)
    rows = lay_rows(netlist, wires, blocks, form, ways, slots, dt, real, apart=apart, spare=LANES if gathered else 0)
    return {
        "spread": spread,
        "blocks": blocks,
        "rows": rows,
        "gathered": gathered,
        "dense": lay_dense(netlist, wires.blocks, layers, blocks, form, dt, real) if layers else None,
        "masks": lay_masks(netlist, wires, chosen, blocks, form, ways, dt, real) if chosen else None,
        "kept": kept,
        "window": window,
        "slots": slots,
        "flagged": flagged,
        "late": late,
        "ways": ways,
    }


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
    _carried: Netlist
    _form: Form
    _fan: Fan
    _real: Any
    _layout: dict[str, Any]

    @property
    def realised(self) -> Netlist:
        """The netlist with delays rounded to steps, numbers as the arithmetic keeps them, and without what the chip cannot carry."""
        return realised(self._carried, self.dt, self._real)

    def start(self, drive: Drive, *, seed: int = 0) -> EventRun:
        """See Program. The event chip draws nothing itself, so `seed` changes nothing here."""
        if drive.dt != self.dt:
            raise DescriptionError(tr("The drive has steps of {a} s, the program of {b} s.", a=drive.dt, b=self.dt))
        return EventRun(self, drive)

    def resume(self, path: str | Path) -> EventRun:
        """See Program; raises StoreError when the file is not a saved run of this very program."""
        arrays, note, drive = opened(path, self)
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
        netlist, real, form, layout = program._carried, program._real, program._form, program._layout
        blocks = layout["blocks"]
        self._spread = layout["spread"]
        self._counts_states = program.chip.counting == "nonzero" and form.discrete
        self._blocks = event.Blocks(**blocks)
        dense = layout["dense"]
        masks = layout["masks"]
        self._rows = event.Rows(
            **layout["rows"], dense=event.Dense(**dense) if dense else (), masks=event.Masks(**masks) if masks else ()
        )
        self._window, self._slots = layout["window"], layout["slots"]
        places, count, cores = blocks["neuron"].size, blocks["core"].size, len(program.placement.cores)
        states = len(form.states)
        v = np.concatenate(
            [np.broadcast_to(np.asarray(c.initial["v"], np.float64), c.size) for c in netlist.populations.values()]
        )
        fields = aligned((count, states, LANES), real)
        lanes = blocks["neuron"].reshape(-1, LANES)
        fields[:, 0] = np.where(lanes < 0, 0, v[lanes]).astype(real)
        parts = blocks["parts"].size - 1
        kept = layout["kept"]
        # Rows of bits are added whole, which may reach beyond the last place (by nothing).
        room = self._slots * layout["ways"].lines(states) * places + LANES * CHUNK * bool(masks)
        self._state = event.State(
            fields=fields.reshape(-1),
            until=aligned((places,), np.int64),
            waiting=np.full(count, np.iinfo(np.uint32).max, np.uint32),
            wakes=np.zeros(count, np.int64),
            marks=np.zeros(self._slots * count if self._counts_states else 1, np.uint32),
            arrivals=aligned((room,), layout["ways"].kind),
            spare=aligned((room if kept else 1,), np.uint16),
            came=np.zeros(parts * self._slots, np.uint64),
            many=np.zeros(parts * self._slots, np.int64),
        )
        self._state.until[blocks["neuron"] < 0] = event.FOREVER
        self._fused = [b.name for b in outside.fused(netlist)]
        self._listed = [b for b in outside.spiking_blocks(netlist) if b.name not in self._fused]
        self._currents = outside.current_blocks(netlist)
        self._noise = event.Noise(**lay_noise(program, drive, self._fused))
        self._shape = event.Shape(
            discrete=(0,) * form.discrete,
            currents=(0,) * len(form.currents),
            conductances=(0,) * len(form.conductances),
            delta=(0,) * form.delta,
            given=(0,) * bool(self._currents),
            spread=(0,) * self._spread,
            waits=(0,) * bool(blocks["holds"].max() > 1),
            ways=(0,) * layout["ways"].count,
            cancels=(0,) * layout["ways"].cancels,
            nonzero=(0,) * self._counts_states,
            flagged=(0,) * layout["flagged"],
            late=(0,) * layout["late"],
            kept=(0,) * kept,
        )
        self._recorder = Recorder(netlist, program.probes, program.limits, program.dt)
        self._meter = Meter(program._fan, program.chip, program.dt, drive.steps, program.limits.window)
        threads = blocks["shares"].size - 1
        self._longest = max(1, min(CALL, 4_000_000 // max(1, cores)))
        room = max(BUFFER, 2 * netlist.size)
        self._scratch = event.Scratch(
            fired=np.zeros((self._window + layout["late"]) * _whole(count), np.uint32),
            ranks=np.zeros(0 if blocks["ordered"] else _whole(-(-netlist.size // LANES)), np.uint32),
            step=np.empty(room, np.int64),
            neuron=np.empty(room, np.int32),
            active=np.zeros((threads, 0, cores), np.int32),
            outside=np.zeros((threads, 0, cores), np.int32),
            drawn=np.zeros((threads, LANES), np.uint32),
            sync=np.zeros(16, np.int64),
            buckets=event.Buckets(**lay_buckets(layout["rows"], parts, threads)) if layout["gathered"] else (),
        )
        self._threads, self._cores = threads, padded(cores)
        self._choice = tiers.Choice(
            (
                self._shape,
                self._state,
                self._blocks,
                self._rows._replace(dense=(), masks=()),
                self._rows.dense,
                self._rows.masks,
                self._noise,
                self._scratch.buckets,
            ),
            places,
        )
        self._interpreter: Interpreter | None = None

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """See Run."""
        program, begin = self.program, self.step
        stop = begin + steps_of(duration, program.dt)
        given = outside.checked_inputs(program.netlist, self.drive, inputs, stop - begin, narrow=True)
        mark = self._recorder.mark()
        heavy = bool(self._listed or self._currents)
        block = max(1, min(self._longest, 2_000_000 // max(1, program.netlist.size) if heavy else self._longest))
        while self.step < stop:
            end = min(stop, self.step + min(block, self._meter.left()))
            self._go(end, {n: g[self.step - begin : end - begin] for n, g in given.items()})
        return self._recorder.window(mark, begin, stop)

    def _go(self, end: int, given: Mapping[str, NDArray[np.int64]]) -> None:
        """Run up to step `end`, in as many calls of the kernel as the spike buffers need."""
        begin = self.step
        arrivals = self._outside(begin, end, given)
        taps = self._recorder.taps(self._kernel, begin, end, self.program._form.states, self._blocks)
        places = self._blocks.neuron.size
        while self.step < end:
            done = self.step - begin
            rest = arrivals._replace(
                at=arrivals.at[done:], current=arrivals.current[done * places :] if self._currents else arrivals.current
            )
            # Counts of this call alone, as whole arrays: for slices of larger ones the kernel would be compiled again.
            active, listed = np.zeros((2, self._threads, end - self.step, self._cores), np.int32)
            scratch = self._scratch._replace(active=active, outside=listed)
            scratch.sync[:] = 0
            reached, written = self._call(end, rest, taps, scratch)
            steps, neurons = scratch.step[:written], scratch.neuron[:written]
            taken = reached - self.step
            self._meter.add(
                steps,
                neurons,
                _together(scratch.active[:, :taken]),
                _together(scratch.outside[:, :taken]),
                compiled=self._interpreter is None,
            )
            self._recorder.add(steps, neurons)
            self.step = reached
        self._recorder.untap(taps)

    def _call(self, end: int, arrivals: Any, taps: Any, scratch: Any) -> tuple[int, int]:
        """Some steps, up to `end`: interpreted, or one call of the kernel in every thread; they meet inside it."""
        form = self.program._form
        if not self._choice.compiled(self.drive.steps - self.step):
            if self._interpreter is None:
                self._interpreter = Interpreter(
                    self._shape, self._slots, self._state, self._blocks, self._rows, self._noise, self.step
                )
            interpreter, piece = self._interpreter, min(end, self.step + self._choice.piece())
            return self._choice.timed(lambda: interpreter.advance(self.step, piece, arrivals, taps, scratch), self.step)
        self._settle()
        self._interpreter = None

        def one(thread: int) -> tuple[int, int]:
            return self._kernel.advance(
                thread,
                self.step,
                end,
                self._window,
                self._shape,
                len(form.states),
                self._slots,
                self._state,
                self._blocks,
                self._rows,
                self._noise,
                arrivals,
                taps,
                scratch,
            )

        if self._threads == 1:
            reached = one(0)
            self._choice.remember()
            return reached
        with ThreadPoolExecutor(self._threads - 1) as pool:
            others = [pool.submit(one, t) for t in range(1, self._threads)]
            reached = one(0)
            for other in others:
                other.result()
        self._choice.remember()
        return reached

    def _settle(self) -> None:
        """Bring the kernel's arrays up to date with the interpreter's."""
        if self._interpreter is not None:
            self._interpreter.put_back()

    def _outside(self, begin: int, end: int, given: Mapping[str, NDArray[np.int64]]) -> Any:
        if not (self._listed or self._currents):
            at, none = np.zeros(end - begin + 1, np.int64), np.zeros(0, np.int64)
            return self._kernel.Outside(at, none, none, none, np.zeros(1, self.program._real))
        netlist, drive = self.program._carried, self.drive
        numbers = {n: len(netlist.populations) + k for k, n in enumerate(netlist.sources)}
        at = np.zeros(end - begin + 1, np.int64)
        senders: list[NDArray[np.int64]] = []
        parts: list[outside.Events] = []
        find = self._kernel.listed if self._choice.ready else None
        for source in dict.fromkeys(b.source for b in self._listed):
            found = outside.events(drive, source, begin, end, given, find)
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
        current = np.zeros(1, self.program._real)
        if self._currents:
            made = np.zeros((end - begin, self._blocks.neuron.size), self.program._real)
            for name, values in outside.currents(netlist, drive, begin, end).items():
                made[:, self._blocks.place[netlist.populations[name].span]] = values
            current = made.reshape(-1)
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
            ledger=self._meter.ledger(),
            placement=program.placement,
            dt=program.dt,
            duration=self.step * program.dt,
            trial=self.drive.trial_number,
            backend="event",
            arithmetic=program.chip.arithmetic,
            notes=notes,
        )

    @property
    def _ring(self) -> tuple[Any, Any, Any, int, int]:
        """What `taken_ring` and `put_ring` ask for; parts differ with the number of threads."""
        lines = self.program._layout["ways"].lines(len(self.program._form.states))
        return self._state, self._shape, self._blocks.parts, self._slots, lines

    def save(self, path: str | Path) -> Path:
        """See Run."""
        self._settle()
        state = self._state
        arrays = {"state.fields": state.fields, "state.hold": holds(state, self.step), "state.marks": state.marks}
        arrays["state.arrivals"] = taken_ring(*self._ring)
        arrays |= self._recorder.save() | self._meter.save()
        return write_state(path, arrays, noted(self.drive, self.step), self.program)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], note: Mapping[str, Any]) -> None:
        state, step = self._state, note["step"]
        state.fields[:], state.marks[:] = arrays["state.fields"], arrays["state.marks"]
        wake_up(state, arrays["state.hold"], step)
        put_ring(*self._ring, arrays["state.arrivals"])
        self._interpreter = None
        self._recorder.restore(arrays)
        self._meter.restore(arrays)
        self.step = note["step"]


def _together(counted: NDArray[np.int32]) -> NDArray[np.int32]:
    """What all threads counted."""
    return counted[0] if len(counted) == 1 else counted.sum(axis=0, dtype=np.int32)


def _whole(count: int) -> int:
    """So many words rounded up to whole vectors of them."""
    return -(-count // LANES) * LANES
