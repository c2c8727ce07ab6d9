"""The digital backend: networks on cores with their weights beside the multipliers, every event counted.

With `weight_bits=0` it equals the Brian2 reference spike for spike, and values to rounding. With 2, 4 or 8 bits, weights are whole
numbers with one scale; spiking networks then equal Brian2 on the realised netlist, because neurons still compute in float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import Inputs, Limits, Probe, Program, Run, Window, delay_losses, delay_steps
from workbench.backends.cells import begin
from workbench.backends.clockwork import Clockwork, Way, order
from workbench.backends.digital.arithmetic import Code, Line, lines
from workbench.backends.digital.layout import Layout, check_capacity, lay
from workbench.backends.digital.meter import Meter
from workbench.backends.digital.ranges import never_negative, ranges
from workbench.backends.digital.weights import Kept, carried, keep
from workbench.backends.recorder import Recorder, noted, opened, write_state
from workbench.chips.digital import DigitalChip
from workbench.circuits.drive import Drive, steps_of
from workbench.circuits.synapses import Gap
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError
from workbench.recordings.placement import Placement
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["DigitalProgram", "DigitalRun", "compile"]

LOADS = 4_000_000
"""At most so many counts of a step on a core are held at once."""


def compile(
    netlist: Netlist,
    chip: DigitalChip,
    *,
    dt: float,
    seed: int,
    probes: Sequence[Probe] = (),
    limits: Limits | None = None,
) -> DigitalProgram:
    """Fit `netlist` to a digital near-memory chip; see `backends.compile`."""
    losses = delay_losses(netlist, dt)
    netlist_kept, dropped = _without_gaps(netlist)
    for cells in netlist_kept.populations.values():
        begin(cells, dt)
    if chip.memory == "fetched" and chip.batch > 1 and any(stage.recurrent for stage in order(netlist_kept)):
        raise DescriptionError(
            tr(
                "{chip}: {batch} steps cannot share one fetch of the weights where a network has loops: each step waits for the one before. "
                "Write batch=1.",
                chip=chip.name,
                batch=chip.batch,
            )
        )
    check_capacity(netlist_kept, chip)
    losses += dropped
    kept: dict[str, Kept] = {}
    for name, block in netlist_kept.projections.items():
        if carried(block):
            kept[name], said = keep(block, chip)
            losses += said
    senders = {k.block.source for k in kept.values() if k.block.emits == "values"}
    coded = senders if chip.weight_bits and chip.activation_bits else set()
    if coded:
        losses += (
            tr(
                "values of {names} are sent in {bits} bits; the range is {how}.",
                names=", ".join(sorted(coded)),
                bits=chip.activation_bits,
                how=tr("measured on the drive")
                if chip.activation_range == "calibrated"
                else tr("the most there can be"),
            ),
        )
    layout = lay(netlist_kept, chip, kept, _depths(netlist_kept), _slots(netlist_kept, kept, dt), losses)
    return DigitalProgram(
        netlist=netlist,
        chip=chip,
        dt=dt,
        seed=seed,
        placement=layout.placement,
        probes=tuple(probes),
        limits=limits or Limits(),
        _carried=netlist_kept,
        _kept=kept,
        _layout=layout,
        _coded=frozenset(coded),
    )


def _without_gaps(netlist: Netlist) -> tuple[Netlist, tuple[str, ...]]:
    """The netlist without its gap junctions, and a sentence for each projection of them."""
    gaps = {n: b for n, b in netlist.projections.items() if isinstance(b.kind, Gap)}
    if not gaps:
        return netlist, ()
    populations = {
        n: replace(c, receptors=tuple(r for r in c.receptors if not isinstance(c.neuron.receptors[r], Gap)))
        for n, c in netlist.populations.items()
    }
    rest = {n: b for n, b in netlist.projections.items() if n not in gaps}
    said = tuple(
        tr("{name}: {count} gap junctions dropped; this chip carries spikes and values only.", name=n, count=b.count)
        for n, b in gaps.items()
    )
    return replace(netlist, populations=populations, projections=rest), said


def _depths(netlist: Netlist) -> dict[str, int]:
    """In which layer of a step each population is: after those it hears in the same step. Sources are −1."""
    depth = dict.fromkeys(netlist.sources, -1)
    for stage in order(netlist):
        for name in stage.populations:
            instant = [
                depth[b.source]
                for b in netlist.projections.values()
                if b.target == name and b.emits == "values" and b.extremes()["delay"][0] == 0 and b.source in depth
            ]
            depth[name] = max([-1, *instant]) + 1
    return depth


def _slots(netlist: Netlist, kept: Mapping[str, Kept], dt: float) -> dict[str, int]:
    """Sums that wait for each neuron of a population: the longest delay onto each of its receptors."""
    made = dict.fromkeys(netlist.populations, 0)
    longest: dict[tuple[str, str], int] = {}
    for k in kept.values():
        b = k.block
        most = int(delay_steps(b, dt, value=b.extremes()["delay"][1]))
        longest[b.target, b.receptor] = max(longest.get((b.target, b.receptor), 0), most)
    for (target, _), most in longest.items():
        made[target] += most
    return made


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class DigitalProgram(Program):
    """A netlist on the cores of a digital near-memory chip."""

    netlist: Netlist
    chip: DigitalChip  # pyright: ignore[reportIncompatibleVariableOverride]  the compiler table sends only these here
    dt: float
    seed: int
    placement: Placement
    probes: tuple[Probe, ...] = ()
    limits: Limits = field(default_factory=Limits)
    _carried: Netlist
    _kept: dict[str, Kept]
    _layout: Layout
    _coded: frozenset[str]

    @property
    def realised(self) -> Netlist:
        """The netlist with delays in whole steps and the weights the chip has. Rounded values are no part of a netlist: see the losses."""

        def stepped(block: Any) -> Any:
            return block.mapped(delay=lambda d: np.asarray(delay_steps(block, self.dt, value=d)) * self.dt)

        blocks = {
            n: stepped(self._kept[n].realised if n in self._kept and self.chip.weight_bits else b)
            for n, b in self._carried.projections.items()
        }
        return replace(self._carried, projections=blocks)

    def start(self, drive: Drive, *, seed: int = 0) -> DigitalRun:
        """See Program. A digital chip draws nothing itself, so `seed` changes nothing here; the drive's first steps set the ranges."""
        if drive.dt != self.dt:
            raise DescriptionError(tr("The drive has steps of {a} s, the program of {b} s.", a=drive.dt, b=self.dt))
        found = ranges(self.realised, self.chip, self.dt, set(self._coded), drive, lambda: self.lines(coded=False))
        return DigitalRun(self, drive, found)

    def resume(self, path: str | Path) -> DigitalRun:
        """See Program; raises StoreError when the file is not a saved run of this very program."""
        arrays, note, drive = opened(path, self)
        going = DigitalRun(self, drive, note["ranges"])
        going._restore(arrays, note)
        return going

    def lines(self, *, coded: bool = True) -> list[Line]:
        """The products of all projections, in the netlist's order; with `coded`, of the whole numbers that values are sent as."""
        return [
            line
            for k in self._kept.values()
            for line in lines(k, self.chip, self.dt, coded=coded and k.block.source in self._coded)
        ]


@final
class DigitalRun(Run):
    """A digital program under way."""

    def __init__(self, program: DigitalProgram, drive: Drive, found: Mapping[str, float]) -> None:
        self.program, self.drive, self.step = program, drive, 0
        chip, netlist = program.chip, program._carried
        self._ranges = dict(found)
        self._codes = {
            n: Code.of(found[n], chip.activation_bits, signed=not never_negative(netlist, n)) for n in program._coded
        }
        self._lines = {line.way.key: line for line in program.lines()}
        ways = [line.way for line in self._lines.values()]
        self._first_way = {way.block.source: way.key for way in reversed(ways)}
        self._recorder = Recorder(program.netlist, program.probes, program.limits, program.dt)
        self._meter = Meter(program._layout, chip, program.dt, drive.steps, program.limits.window)
        self._clock = Clockwork(netlist, program.dt, self._product, probes=program.probes, ways=ways)
        self._cut = dict.fromkeys(sorted(program._coded), 0)
        self._coding: tuple[Any, NDArray[np.float64]] | None = None

    def _product(self, way: Way, first: int, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        sender, key = way.block.source, way.key
        code = self._codes.get(sender)
        new = key == self._first_way[sender]
        if code is not None:
            if new or self._coding is None or self._coding[0] is not sender:
                whole, cut = code.whole(rows)
                self._coding = (sender, whole)
                self._cut[sender] += cut if new else 0
            rows = self._coding[1]
        if new:
            self._meter.sent(sender, rows)
        return self._lines[key].product(rows, 1.0 if code is None else code.step)

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """See Run."""
        program, begin_step = self.program, self.step
        stop = begin_step + steps_of(duration, program.dt)
        given = outside.checked_inputs(program.netlist, self.drive, inputs, stop - begin_step)
        mark = self._recorder.mark()
        loads = len(program._layout.memory_stages) * max(1, len(program.placement.cores))
        most = max(1, LOADS // max(loads, program.netlist.size))
        while self.step < stop:
            end = min(stop, self.step + min(most, self._meter.left()))
            cut = {n: g[self.step - begin_step : end - begin_step] for n, g in given.items()}
            self._clock.advance(end - self.step, self.drive, self._recorder, cut)
            self._meter.close(end - self.step)
            self.step = end
        window = self._recorder.window(mark, begin_step, stop)
        for name, (steps, neurons) in window.spikes.items():
            if steps.size:
                self._meter.spiked(steps, program._layout.home[name][neurons])
        return window

    def recording(self) -> Recording:
        """See Run."""
        program = self.program
        spikes, counts, notes = self._recorder.spikes()
        for name, cut in self._cut.items():
            if cut:
                notes += (
                    tr(
                        "{name}: {cut} values beyond the range of {range:.4g} were cut; use more calibration steps, or activation_range='worst'.",
                        name=name,
                        cut=cut,
                        range=self._ranges[name],
                    ),
                )
        bits = program.chip.weight_bits
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
            backend="digital",
            arithmetic=f"int{bits}" if bits else "float64",
            notes=notes,
        )

    def save(self, path: str | Path) -> Path:
        """See Run."""
        arrays = self._clock.save() | self._recorder.save() | self._meter.save()
        for key, line in self._lines.items():
            arrays |= {f"line.{key}.{name}": a for name, a in line.save().items()}
        note = noted(self.drive, self.step) | {"ranges": self._ranges, "cut": self._cut}
        return write_state(path, arrays, note, self.program)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], note: Mapping[str, Any]) -> None:
        self._clock.restore(arrays)
        self._recorder.restore(arrays)
        self._meter.restore(arrays)
        for key, line in self._lines.items():
            prefix = f"line.{key}."
            line.restore({k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)})
        self._cut = dict(note["cut"])
        self.step = note["step"]
