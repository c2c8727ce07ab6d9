"""A network on Brian2: the program, and the run that goes forward step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np

from workbench.backends import outside
from workbench.backends.base import Inputs, Limits, Probe, Program, Run, Window, rounded_delays
from workbench.backends.ideal import engine, feeds, lines, saved, values, wires
from workbench.backends.ideal.groups import Group, gather
from workbench.backends.ideal.watch import Watch
from workbench.backends.recorder import Recorder
from workbench.chips.chip import Chip, Ideal
from workbench.circuits.drive import Drive, steps_of
from workbench.circuits.unfold import Block, Netlist
from workbench.errors import DescriptionError, UnsupportedError, WorkbenchError
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import Placement
from workbench.recordings.prices import Citation, Price
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["IdealProgram", "IdealRun", "compile"]

_FREE = Price(0.0, 0.0, Citation("assumed", "the reference has no hardware"))
_EVENTS = ("neuron update", "synaptic operation", "spike")


def compile(
    netlist: Netlist, chip: Chip, *, dt: float, seed: int, probes: Sequence[Probe] = (), limits: Limits | None = None
) -> IdealProgram:
    """The netlist as a Brian2 program; see `backends.compile`."""
    if not isinstance(chip, Ideal) or chip.target not in engine.TARGETS:
        raise UnsupportedError(
            tr(
                "The Brian2 backend steps by hand, takes inputs and resumes, so it has the targets {known}, not '{target}'.",
                known=", ".join(engine.TARGETS),
                target=getattr(chip, "target", chip.kind),
            )
        )
    return IdealProgram(netlist, chip, dt, seed, tuple(probes), limits or Limits())


@final
class IdealProgram(Program):
    """A network as Brian2 computes it: every model by its equations, in double precision."""

    def __init__(
        self, netlist: Netlist, chip: Ideal, dt: float, seed: int, probes: tuple[Probe, ...], limits: Limits
    ) -> None:
        self.netlist, self.chip, self.dt, self.seed, self.probes, self.limits = netlist, chip, dt, seed, probes, limits
        self.target = chip.target
        self.delays, losses = rounded_delays(netlist, dt)
        self.placement = Placement(losses=losses)

    @property
    def realised(self) -> Netlist:
        """The netlist with its delays in whole steps; nothing else is lost."""
        whole = {
            name: replace(
                b,
                delay=np.asarray(self.delays[name]) * self.dt
                if np.ndim(self.delays[name])
                else self.delays[name] * self.dt,
            )
            for name, b in self.netlist.projections.items()
        }
        return replace(self.netlist, projections=whole)

    def start(self, drive: Drive, *, seed: int = 0) -> IdealRun:
        """A run at step 0. Nothing is random here beyond netlist and drive, so `seed` changes nothing."""
        if drive.dt != self.dt:
            raise DescriptionError(
                tr(
                    "The drive has steps of {drive:g} ms, the program of {dt:g} ms.",
                    drive=drive.dt * 1e3,
                    dt=self.dt * 1e3,
                )
            )
        return IdealRun(self, drive)

    def resume(self, path: str | Path) -> IdealRun:
        """The run that `IdealRun.save` wrote, ready to go on; raises StoreError for a file of something else."""
        return saved.load(self, path)


@final
class IdealRun(Run):
    """A Brian2 network stepped by hand.

    `Network.run` prepares everything anew at each call (about 0.15 s). Here that is done once; then each step runs the same
    objects in the same order as `Network.run` does, and moves the clock.
    """

    def __init__(self, program: IdealProgram, drive: Drive) -> None:
        self.program, self.drive, self.step = program, drive, 0
        self._unfinished = False
        with engine.held(program.target) as b:
            try:
                self._build(b)
            except Exception as error:  # noqa: BLE001  Brian2 raises anything, from SyntaxError to KeyError
                refusal = self._refusal(error)
                vars(self).clear()
                engine.forget(error)
                raise refusal from None

    def _refusal(self, error: Exception) -> WorkbenchError:
        """What to tell the reader when Brian2 will not build the network."""
        why = engine.reason(error)
        if isinstance(why, WorkbenchError):
            return why
        return DescriptionError(
            tr("{model}: Brian2 cannot use these equations: {why}.", model=self._blamed(error), why=why)
        )

    def _build(self, b: Any) -> None:
        netlist, dt, drive, delays = self.program.netlist, self.program.dt, self.drive, self.program.delays
        self.groups = gather(netlist.populations.values())
        home = {cells.name: g for g in self.groups for cells in g.cells}
        self.wires = wires.plan(netlist, self.groups)
        delay_lines, self.value_wires = lines.lay(netlist, home, drive, dt)
        for name, turn in values.turns(netlist).items():
            home[name].turn = turn
        # Drawing in the group's own code pays once it is compiled; on the numpy target whole blocks are drawn ahead, which is faster.
        drawn = outside.fused(netlist) if self.program.target == "cython" else []
        drawing = feeds.draw_inside(drawn, drive, home, delays)
        clock = b.Clock(b.Quantity(dt, dim=b.second.dim), name="workbench_clock")
        for group in self.groups:
            self._building = group
            group.build(clock, dt)
        feeds.run_inside(drawing, home, clock)
        synapses = [made for wire in self.wires if (made := wire.build(clock, delays)) is not None]
        delaying = [line.build(clock) for line in delay_lines]
        synapses += [made for wire in self.value_wires if (made := wire.build(clock, dt)) is not None]
        drawn_names = {block.name for block in drawn}
        self.feeds: list[Any] = [
            feeds.SpikeFeed(block, drive, home[block.target], delays[block.name])
            for block in outside.spiking_blocks(netlist)
            if block.name not in drawn_names
        ]
        onto: dict[tuple[str, str], list[Block]] = {}
        for block in outside.current_blocks(netlist):
            onto.setdefault((block.target, block.receptor), []).append(block)
        self.feeds += [feeds.CurrentFeed(blocks, drive, home[target]) for (target, _), blocks in onto.items()]
        self.feeds += delay_lines
        self.network = b.Network(*(g.brian for g in self.groups), *delaying, *synapses, name="workbench_network")
        self._clock = clock
        clock.set_interval(0 * b.second, max(drive.steps, 1) * dt * b.second)
        self.network._clocks = {clock}
        self.network.before_run({})
        self._timestep, self._time = clock.variables["timestep"].get_value(), clock.variables["t"].get_value()
        self._objects = [obj.run for obj in self.network.sorted_objects if obj.active]
        longest = [max((w.steps for w in self.wires if w.source is g), default=0) for g in self.groups]
        self.watch = Watch(netlist, self.groups, self.program.probes, longest, dt)
        self.recorder = Recorder(netlist, self.program.probes, self.program.limits, dt)

    def _blamed(self, error: BaseException) -> str:
        """The model whose equations Brian2 stumbled over: the one being built, or the one named in the error."""
        groups: list[Group] = getattr(self, "groups", [])
        text, here = "", error
        while here is not None:
            text += str(here)
            here = here.__cause__ or here.__context__  # type: ignore[assignment]
        guilty = (
            [g for g in groups if f"'{g.name}" in text]
            if hasattr(self, "_clock")
            else [getattr(self, "_building", None)]
        )
        names = [type(g.neuron).__name__ for g in guilty or groups if g is not None]
        return names[0] if names else "?"

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """Go on for `duration` seconds; see Run."""
        return self.forward(steps_of(duration, self.program.dt), inputs)

    def forward(self, steps: int, inputs: Inputs | None = None) -> Window:
        """Go on for a whole number of steps."""
        if self._unfinished:
            raise WorkbenchError(
                tr(
                    "This run was interrupted in the middle of a step and cannot go on: start it again, or resume a saved one."
                )
            )
        start, stop = self.step, self.step + steps
        given = outside.checked_inputs(self.program.netlist, self.drive, inputs, steps)
        for feed in self.feeds:
            feed.window(start, stop, given)
        mark = self.recorder.mark()
        self._unfinished = True
        watch, timestep, time, dt = self.watch, self._timestep, self._time, self.program.dt
        # Exponential Euler divides 0 by 0 for a refractory neuron, and Brian2 writes no such result; a state that runs away
        # is noted in the recording.
        with np.errstate(all="ignore"):
            for step in range(start, stop):
                for feed in self.feeds:
                    feed(step)
                watch.before(step)
                for run in self._objects:
                    run()
                watch.after(step)
                timestep[0] = step + 1
                time[0] = (step + 1) * dt
        self.step = stop
        watch.close(start, stop, self.recorder)
        self._unfinished = False
        return self.recorder.window(mark, start, stop)

    def move_to(self, step: int) -> None:
        """Set the clock to the start of `step`; the caller has put the state there."""
        self.step = step
        self._timestep[0], self._time[0] = step, step * self.program.dt

    def recording(self) -> Recording:
        """Everything so far; the ledger counts what happened, at no price."""
        program, dt = self.program, self.program.dt
        spikes, counts, notes = self.recorder.spikes()
        happened = np.array([program.netlist.size * self.step, self._operations(), sum(counts.values())], np.int64)
        ledger = Ledger(
            counts=happened.reshape(1, 1, 3),
            windows=np.array([0.0, self.step * dt]),
            places=("Brian2",),
            events=_EVENTS,
            prices=dict.fromkeys(_EVENTS, _FREE),
        )
        traces = self.recorder.traces()
        for name, unit in self.watch.units().items():
            traces[name].attrs["units"] = unit
        return Recording(
            spikes=spikes,
            sizes={n: c.size for n, c in program.netlist.populations.items()},
            counts=counts,
            traces=traces,
            ledger=ledger,
            placement=program.placement,
            dt=dt,
            duration=self.step * dt,
            trial=self.drive.trial_number,
            backend="ideal",
            arithmetic="float64",
            notes=notes + self._runaways(),
        )

    def _runaways(self) -> tuple[str, ...]:
        """A sentence for each state that is no number any more."""
        return tuple(
            tr(
                "{model}: {state} has left the numbers; use a smaller dt or another method.",
                model=type(g.neuron).__name__,
                state=name,
            )
            for g in self.groups
            for name in g.states
            if not np.isfinite(g.array(name)).all()
        )

    def _operations(self) -> int:
        """Synaptic operations so far: the spikes of each neuron times its fan-out, and each synapse of values in every step."""
        total = self.step * sum(wire.synapses for wire in self.value_wires)
        for wire in self.wires:
            if wire.brian is not None and not wire.variable:
                fan_out = wire.brian.variables["N_outgoing"].get_value()
                total += sum(
                    int(self.watch.fired[c.span] @ fan_out[wire.source.first[c.name] :][: c.size].astype(np.int64))
                    for c in wire.source.cells
                )
        return total

    def save(self, path: str | Path) -> Path:
        """Write the state between two steps to one file, whole or not at all."""
        if self._unfinished:
            raise WorkbenchError(
                tr(
                    "This run was interrupted in the middle of a step and cannot go on: start it again, or resume a saved one."
                )
            )
        return saved.save(self, path)
