"""The wafer backend: neurons in whole steps and two bytes, synapses drawn when they are needed, every event counted by die.

It computes what `realised` says, in whole numbers: the reference runs that netlist spike for spike. The one exception is named when
it happens: a sum of arrivals that does not fit two bytes is cut, and the recording says how often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import base, outside
from workbench.backends.base import Inputs, Limits, Probe, Program, Run, Window
from workbench.backends.recorder import noted, opened, write_state
from workbench.backends.wafer import memory
from workbench.backends.wafer.layout import (
    LANES,
    LARGEST_PATCH,
    Shape,
    by_rule,
    check_supported,
    kept,
    lay_noise,
    lay_populations,
    lay_projections,
    realised,
    shape_of,
)
from workbench.backends.wafer.meter import Map, Meter, lay_map
from workbench.backends.wafer.watch import Watch, lanes_of
from workbench.chips.wafer import WaferChip
from workbench.circuits.drive import Drive, steps_of
from workbench.circuits.shower import GROUP
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError, PlacementError
from workbench.mapping.dies import die_faults
from workbench.recordings.placement import Placement
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["WaferProgram", "WaferRun", "bytes_needed", "compile"]

CALL = 16
"""Steps in one call of the kernel, at most; the spikes of so many are held."""

LARGE = 2_000_000
"""Networks of so many neurons go on by the shortest delay in one call: a call costs nothing beside a step."""

THREADED_FROM = 20_000
"""Networks of so many neurons use all threads Numba was given (NUMBA_NUM_THREADS)."""

CORES_NAMED = 5_000_000
"""Networks of so many neurons or fewer list the die of every neuron in their placement."""


def compile(
    netlist: Netlist,
    chip: WaferChip,
    *,
    dt: float,
    seed: int,
    probes: Sequence[Probe] = (),
    limits: Limits | None = None,
) -> Program:
    """Fit `netlist` to a wafer; see `backends.compile`. Raises PlacementError when wafer or machine are too small, before it allocates.

    A network the wafer has no rule for, whose synapses must be stored, goes to the event backend on the wafer's own mesh.
    """
    if not by_rule(netlist, chip):
        return _stored(netlist, chip, dt=dt, seed=seed, probes=probes, limits=limits)
    check_supported(netlist, chip)
    whole, losses = realised(netlist, chip, dt)
    shape = shape_of(whole)
    laid = lay_map(whole, chip, shape)
    _check_memory(whole, shape)
    core_of = np.zeros(0, np.int32)
    if netlist.size <= CORES_NAMED:
        core_of = np.concatenate([np.repeat(laid.die, row) for row in laid.neurons]).astype(np.int32)
    return WaferProgram(
        netlist=netlist,
        chip=chip,
        dt=dt,
        seed=seed,
        placement=Placement(cores=laid.uses, core_of=core_of, losses=losses, mesh=(chip.dies_x, chip.dies_y)),
        probes=tuple(probes),
        limits=limits or Limits(),
        _whole=whole,
        _shape=shape,
        _map=laid,
    )


def _stored(netlist: Netlist, chip: WaferChip, **asked: Any) -> Program:
    """The network on `chip.mesh()`, in whole numbers if its neurons round to them; a wafer cut in two is refused as for sheets."""
    die_faults(chip)
    whole = any(getattr(c.neuron, "rounding", "none") == "away" for c in netlist.populations.values())
    made: Any = base.compile(netlist, chip.mesh(arithmetic="integer" if whole else "float64"), **asked)
    said = tr(
        "{chip} has no rule for this network: its synapses are stored on the wafer's mesh, with no limit on their number. An update of a neuron "
        "has one price whether something arrived or not, and no price is known for packets received or staying on their tile, or for a barrier.",
        chip=chip.name,
    )
    return replace(made, placement=replace(made.placement, losses=(*made.placement.losses, said)))


def _slots(netlist: Netlist, dt: float) -> tuple[int, int, int]:
    """Steps that a patch goes in one visit, steps in a call, and steps whose spikes are held."""
    delays = [round(float(b.delay) / dt) for b in netlist.projections.values() if not b.external]  # type: ignore[arg-type]
    waits = max((int(float(c.parameters["refractory"])) - 1 for c in netlist.populations.values()), default=0)  # type: ignore[arg-type]
    visit = max(1, min(CALL, *delays)) if delays else CALL
    call = visit if netlist.size >= LARGE else CALL // visit * visit
    return visit, call, max(*delays, waits, 1) + call


def bytes_needed(netlist: Netlist, shape: Shape, slots: int) -> int:
    """Bytes a run will touch: two for each lane, an eighth of that for lists of a step in which up to one neuron in 16 fires, tables."""
    contacts = sum(b.rule.shares.size for b in netlist.projections.values() if not b.external)  # type: ignore[attr-defined]
    tables = shape.patches * (3 * 4 * contacts + 40 * len(netlist.populations) * slots)
    return 2 * shape.places + shape.places // 8 + tables + 40 * 2**20


def _check_memory(netlist: Netlist, shape: Shape, dt: float = 1.0) -> None:
    need, have = bytes_needed(netlist, shape, 2), memory.available()
    if need > have:
        fits = int(netlist.size * max(0, have - 40 * 2**20) / (need - 40 * 2**20))
        raise PlacementError(
            tr(
                "{size:,} neurons need {need:,.0f} MB of memory, and this machine has {have:,.0f} MB left; nothing was allocated. "
                "{fits:,} neurons fit.",
                size=netlist.size,
                need=need / 2**20,
                have=have / 2**20,
                fits=fits // 10**5 * 10**5 if fits >= 10**6 else fits,
            )
        )


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class WaferProgram(Program):
    """A netlist on the dies of a wafer."""

    netlist: Netlist
    chip: WaferChip  # pyright: ignore[reportIncompatibleVariableOverride]  the compiler table sends only these here
    dt: float
    seed: int
    placement: Placement
    probes: tuple[Probe, ...] = ()
    limits: Limits = field(default_factory=Limits)
    _whole: Netlist
    _shape: Shape
    _map: Map

    @property
    def realised(self) -> Netlist:
        """The netlist in whole numbers and steps; the wiring stays the rule it is."""
        return self._whole

    def start(self, drive: Drive, *, seed: int = 0) -> WaferRun:
        """See Program. The wafer draws nothing itself, so `seed` changes nothing here."""
        if drive.dt != self.dt:
            raise DescriptionError(tr("The drive has steps of {a} s, the program of {b} s.", a=drive.dt, b=self.dt))
        return WaferRun(self, drive)

    def resume(self, path: str | Path) -> WaferRun:
        """See Program; raises StoreError when the file is not a saved run of this very program."""
        arrays, note, drive = opened(path, self)
        return WaferRun(self, drive, (arrays, note))


@final
class WaferRun(Run):
    """A wafer program under way."""

    def __init__(
        self,
        program: WaferProgram,
        drive: Drive,
        saved: tuple[dict[str, NDArray[Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        from workbench import kernels  # noqa: PLC0415  compiled kernels only when something runs
        from workbench.kernels import wafer  # noqa: PLC0415

        self._kernel = wafer
        self.program, self.drive, self.step = program, drive, 0
        self.first = max(1, min(base.FIRST, LARGE // max(1, program.netlist.size)))
        net, shape = program._whole, program._shape
        many, patches = len(net.populations), shape.patches
        self._visit, self._call, self._slots = _slots(net, program.dt)
        self._threads = kernels.threads() if net.size >= THREADED_FROM else 1
        self._pops = wafer.Populations(**lay_populations(net, shape))
        self._projs = wafer.Projections(**lay_projections(net, shape, program.dt))
        self._noise = wafer.Noise(**lay_noise(net, drive, program.dt))
        # A piece has room for every patch with a bit for each lane; what is never written takes no memory.
        piece = shape.places // 16
        self._lists = wafer.Lists(
            fired=np.zeros((self._slots, many, patches), np.int32),
            at=np.zeros((self._slots, many, patches), np.int64),
            arrived=np.zeros((self._slots, many, patches), np.int32),
            ids=np.empty(self._slots * self._threads * piece + self._threads * wafer.SCRATCH, np.uint16),
        )
        self._sync = wafer.Sync(
            shared=np.zeros(wafer.COUNTERS + CALL, np.int64),
            cut=np.zeros(8 * self._threads, np.int64),
            places=np.empty((self._threads, wafer.ROOM + 64), np.uint16),
            cursors=np.zeros((self._threads, self._visit), np.int64),
            masks=np.zeros((self._threads, LARGEST_PATCH // LANES + 64), np.uint32),
            named=np.empty((self._threads, 3 * (LARGEST_PATCH // GROUP + 32)), np.uint32),
            woven=np.empty((self._threads, LARGEST_PATCH // GROUP + 32), np.uint64),
        )
        self._watch = Watch(net, program.probes, program.limits, program.dt, shape, program._map)
        self._meter = Meter(net, program.chip, shape, program._map, program.dt, drive.steps, program.limits.window)
        self._taps, self._tapped = self._lay_taps()
        self._last = np.array(
            [float(net.populations[program.probes[k].of].initial["v"]) for k in self._tapped], np.int16
        )  # type: ignore[arg-type]
        if saved is None:
            row = np.concatenate(
                [
                    np.full(stride, kept(c, float(c.initial["v"])), np.int16)  # type: ignore[arg-type]
                    for c, stride in zip(net.populations.values(), shape.strides, strict=True)
                ]
            )
            self._v = _aligned(shape.places)
            self._v.reshape(patches, -1)[:] = row
        else:
            self._restore(*saved)

    def _lay_taps(self) -> tuple[Any, NDArray[np.int64]]:
        """The kernel's taps in order of patch, and the probe each belongs to."""
        net, shape = self.program._whole, self.program._shape
        columns: dict[str, list[NDArray[np.int64]]] = {
            k: [np.zeros(0, np.int64)] for k in ("patch", "place", "population", "probe")
        }
        for k, p in enumerate(self.program.probes):
            if p.variable == "v":
                patch, place = lanes_of(net, shape, p.of, p.neurons(net))
                made = (patch, place, np.full(patch.size, list(net.populations).index(p.of)), np.full(patch.size, k))
                for column, values in zip(columns.values(), made, strict=True):
                    column.append(values.astype(np.int64))
        c = {k: np.concatenate(v) for k, v in columns.items()}
        order = np.argsort(c["patch"], kind="stable")
        taps = self._kernel.Taps(
            first=np.searchsorted(c["patch"][order], np.arange(shape.patches + 1)).astype(np.int64),
            place=c["place"][order],
            population=c["population"][order],
            out=np.zeros((CALL, order.size), np.int16),
        )
        self._order = np.argsort(order, kind="stable")  # back to the order of the probes
        return taps, c["probe"][order]

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """See Run."""
        self._open()
        begin = self.step
        stop = begin + steps_of(duration, self.program.dt)
        outside.checked_inputs(self.program.netlist, self.drive, inputs, stop - begin)
        mark = self._watch.mark()
        while self.step < stop:
            self._go(min(stop, self.step + min(self._call, self._meter.left())))
        return self._watch.window(mark, begin, stop)

    def _go(self, end: int) -> None:
        """Run up to step `end` in every thread; they meet inside the kernel."""
        self._sync.shared[:] = 0

        def one(thread: int) -> None:
            self._kernel.advance(
                thread,
                self._threads,
                self.step,
                end,
                self._visit,
                self._slots,
                self.program._shape.width,
                self._v,
                self._pops,
                self._projs,
                self._noise,
                self._lists,
                self._taps,
                self._sync,
            )

        if self._threads == 1:
            one(0)
        else:
            with ThreadPoolExecutor(self._threads - 1) as pool:
                others = [pool.submit(one, t) for t in range(1, self._threads)]
                one(0)
                for other in others:
                    other.result()
        steps = np.arange(self.step, end)
        counts = self._lists.fired[steps % self._slots].astype(np.int64)
        self._watch.count(self.step, counts)
        if self._watch.needs_spikes:
            self._watch.spiked(*self._who(steps))
        self._meter.add(self._lists.fired[steps % self._slots], self._lists.arrived[steps % self._slots])
        if self._tapped.size:
            seen = np.concatenate([self._last[None], self._taps.out[: steps.size]])
            for k in np.unique(self._tapped).tolist():
                mine = self._order[self._tapped[self._order] == k]
                self._watch.looked(k, steps, seen[:-1, mine])
            self._last = seen[-1].copy()
        self.step = end

    def _who(self, steps: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Who fired in these steps, in order of step and neuron."""
        lists = self._lists
        many = int(lists.fired[steps % self._slots].sum())
        when, who = np.empty(many, np.int64), np.empty(many, np.int32)
        if many:
            self._kernel.gather(
                self.step,
                self.step + steps.size,
                self._slots,
                self._pops.size,
                self._pops.stride,
                lists.fired,
                lists.at,
                lists.ids,
                when,
                who,
            )
        return when, who

    def close(self) -> None:
        """See Run: the potentials go before a recording asks for memory of its own."""
        self._v = self._v[:0].copy()

    def _open(self) -> None:
        if not self._v.size:
            raise DescriptionError(tr("This run is closed: it neither goes on nor can be saved. Start another."))

    def recording(self) -> Recording:
        """See Run."""
        program = self.program
        spikes, counts, notes = self._watch.spikes()
        cut = int(self._sync.cut.sum())
        if cut:
            notes = (
                *notes,
                tr(
                    "{cut} sums of arrivals did not fit two bytes and were cut: here the run is not what `realised` says. Use smaller weights.",
                    cut=cut,
                ),
            )
        return Recording(
            spikes=spikes,
            sizes={n: c.size for n, c in program.netlist.populations.items()},
            counts=counts,
            traces=self._watch.traces(),
            ledger=self._meter.ledger(),
            placement=program.placement,
            dt=program.dt,
            duration=self.step * program.dt,
            trial=self.drive.trial_number,
            backend="wafer",
            arithmetic="int16",
            notes=notes,
        )

    def save(self, path: str | Path) -> Path:
        """See Run; the file is there whole or, if the process ends on the way, as it was before."""
        self._open()
        slots = [s % self._slots for s in range(max(0, self.step - self._slots), self.step)]
        net = self.program._whole
        lists = [
            _ids(
                self._lists.ids,
                int(self._lists.at[s, q, b]),
                int(self._lists.fired[s, q, b]),
                self.program._shape.strides[q],
            )
            for s in slots
            for q in range(len(net.populations))
            for b in np.flatnonzero(self._lists.fired[s, q]).tolist()
        ]
        arrays = {
            "v": self._v,
            "lists.slots": np.array(slots, np.int64),
            "lists.count": self._lists.fired[slots],
            "lists.ids": np.concatenate([*lists, np.zeros(0, np.uint16)]).astype(np.uint16),
            "cut": self._sync.cut.sum(keepdims=True),
            "last": self._last,
        }
        return write_state(
            path, arrays | self._watch.save() | self._meter.save(), noted(self.drive, self.step), self.program
        )

    def _restore(self, arrays: Mapping[str, NDArray[Any]], note: Mapping[str, Any]) -> None:
        """Take back what `save` wrote; the lists are written anew, for the number of threads may be another."""
        shape, ids = self.program._shape, arrays["lists.ids"]
        self._v = _aligned(shape.places)
        self._v[:] = arrays["v"]
        piece, taken = shape.places // 16, 0
        for s, counts in zip(arrays["lists.slots"].tolist(), arrays["lists.count"], strict=True):
            self._lists.fired[s] = counts
            at = s * self._threads * piece
            for q in range(counts.shape[0]):
                room = shape.strides[q] // 16
                for b in np.flatnonzero(counts[q]).tolist():
                    fired = int(counts[q, b])
                    mine = ids[taken : taken + fired]
                    taken += fired
                    self._lists.at[s, q, b] = at
                    if fired > room:
                        bits = np.zeros(shape.strides[q], np.uint8)
                        bits[mine] = 1
                        mine = np.packbits(bits, bitorder="little").view("<u2")
                    self._lists.ids[at : at + mine.size] = mine
                    at += mine.size
        self._sync.cut[0] = int(arrays["cut"][0])
        self._last = arrays["last"]
        self._watch.restore(arrays)
        self._meter.restore(arrays)
        self.step = int(note["step"])


def _aligned(places: int) -> NDArray[np.int16]:
    """Room for so many potentials that begins with a cache line: a register of 32 must not lie across two."""
    room = np.empty(places + LANES, np.int16)
    first = -room.ctypes.data % (2 * LANES) // 2
    return room[first : first + places]


def _ids(ids: NDArray[np.uint16], at: int, fired: int, stride: int) -> NDArray[np.int64]:
    """The numbers within their patch of those that fired (see `kernels.wafer.tables.Lists`)."""
    if fired * 16 <= stride:
        return ids[at : at + fired].astype(np.int64)
    bits = np.unpackbits(ids[at : at + stride // 16].astype("<u2").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits)
