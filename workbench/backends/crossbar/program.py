"""The crossbar backend: networks whose projections are matrices of conductances; neurons are digital beside them.

Each projection is one `Matrix` on arrays of its own. What comes one-to-one from outside needs no matrix and arrives digitally. A chip without
any imperfection and without rounding converters computes in float64, and equals Brian2 on its realised netlist spike for spike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import Inputs, Limits, Probe, Program, Run, Window, delay_losses
from workbench.backends.cells import begin
from workbench.backends.clockwork import Clockwork, Way
from workbench.backends.crossbar.delays import by_delay
from workbench.backends.crossbar.matrix import Matrix
from workbench.backends.crossbar.meter import Meter
from workbench.backends.recorder import Recorder, noted, opened, write_state
from workbench.chips.crossbar import CrossbarChip
from workbench.circuits.drive import Drive, steps_of
from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Block, Netlist
from workbench.circuits.wiring import AllToAll, Explicit, OneToOne
from workbench.errors import PlacementError
from workbench.recordings.placement import CoreUse, Placement
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["CrossbarProgram", "CrossbarRun", "compile"]

LARGEST = 2_000_000_000
"""Cells of a chip in use at most: each takes about 40 bytes here."""

SAMPLES = 256
"""Steps of the network with exact products that set the converters' ranges."""


def compile(
    netlist: Netlist,
    chip: CrossbarChip,
    *,
    dt: float,
    seed: int,
    probes: Sequence[Probe] = (),
    limits: Limits | None = None,
) -> CrossbarProgram:
    """Fit `netlist` to a crossbar chip; see `backends.compile`."""
    losses = delay_losses(netlist, dt)
    carried: dict[str, Block] = {}
    for name, block in netlist.projections.items():
        if isinstance(block.kind, Gap):
            losses += (
                tr(
                    "{name}: {count} gap junctions dropped; this chip carries spikes and values only.",
                    name=name,
                    count=block.count,
                ),
            )
            continue
        carried[name] = block
    delays: dict[str, int] = {}
    apart: dict[str, Block] = {}
    for name, block in carried.items():
        if isinstance(block.kind, Current):
            apart[name] = block
            continue
        # What comes one-to-one from outside needs no matrix, and none for each of its delays.
        parts, said = by_delay(block, dt, most=1 if _direct_from_outside(block) else chip.delays)
        losses += said
        apart |= {part.block.name: part.block for part in parts}
        delays |= {part.block.name: part.steps for part in parts}
    carried = apart
    kept = replace(netlist, projections=carried)
    used = {b.receptor for b in carried.values()}
    for cells in kept.populations.values():
        begin(
            replace(cells, receptors=tuple(r for r in cells.receptors if r in used)), dt
        )  # refuses what it cannot step
    kept = replace(
        kept,
        populations={
            n: replace(
                c,
                receptors=tuple(
                    r for r in c.receptors if any(b.target == n and b.receptor == r for b in carried.values())
                ),
            )
            for n, c in kept.populations.items()
        },
    )
    _check_size(kept, chip)
    matrices: dict[str, Matrix] = {}
    direct: list[str] = []
    first = 0
    for name, block in kept.projections.items():
        if isinstance(block.kind, Current):
            continue
        if _direct_from_outside(block):
            direct.append(name)
            continue
        matrices[name] = _matrix(block, chip, seed=seed, first=first)
        losses += matrices[name].losses
        first += matrices[name].cut.arrays
    return CrossbarProgram(
        netlist=netlist,
        chip=chip,
        dt=dt,
        seed=seed,
        placement=_placement(matrices, chip, losses, kept),
        probes=tuple(probes),
        limits=limits or Limits(),
        matrices=matrices,
        _carried=kept,
        _delays=delays,
        _direct=tuple(direct),
    )


def _direct_from_outside(block: Block) -> bool:
    return block.external and isinstance(block.rule, OneToOne)


def dense(block: Block) -> NDArray[np.float64]:
    """The weights of a block as a matrix (sources, targets); synapses between the same pair add up."""
    made = np.zeros(block.sizes)
    i, j = block.edges()
    np.add.at(made, (i, j), np.broadcast_to(np.asarray(block.weight, np.float64), i.shape))
    return made


def _check_size(netlist: Netlist, chip: CrossbarChip) -> None:
    """Raise PlacementError before anything is allocated when the matrices have more cells than the chip, or than this machine could hold."""
    worst = ("", 0)
    total = 0
    for name, block in netlist.projections.items():
        if isinstance(block.kind, Current) or _direct_from_outside(block):
            continue
        rows, columns = block.sizes
        arrays = -(-rows // chip.rows) * -(-columns // chip.outputs) * chip.slices
        total += arrays
        worst = max(worst, (name, arrays), key=lambda w: w[1])
    cells = total * chip.rows * chip.columns
    if total > chip.tiles or cells > LARGEST:
        raise PlacementError(
            tr(
                "{chip} has {limit} tiles of {rows} × {columns} cells; the network needs {needed}, {short} too few "
                "(the largest projection, '{name}', takes {most}). Write tiles={needed} or more, larger tiles, fewer delays, or a smaller network.",
                chip=chip.name,
                limit=chip.tiles,
                rows=chip.rows,
                columns=chip.columns,
                needed=total,
                short=max(0, total - chip.tiles),
                name=worst[0],
                most=worst[1],
            )
            if total > chip.tiles
            else tr(
                "The network needs {cells:.2g} cells of {chip}; at most {limit:.2g} are emulated. Write a smaller network.",
                cells=cells,
                chip=chip.name,
                limit=LARGEST,
            )
        )


def _matrix(block: Block, chip: CrossbarChip, *, seed: int, first: int) -> Matrix:
    """The matrix of one projection: spikes drive a row with one pulse, values through the DACs."""
    if block.emits == "spikes":
        # One pulse a spike; an outside source may bring several in a step, as many as the DAC has levels.
        bits = chip.dac_bits if block.external else min(chip.dac_bits, 1)
        chip = replace(chip, dac_bits=bits, dac="levels")
        return Matrix(
            dense(block), chip, seed=seed, name=block.name, inputs=float(max(1, 2**bits - 1)), signed=False, first=first
        )
    return Matrix(dense(block), chip, seed=seed, name=block.name, first=first)


def _placement(
    matrices: Mapping[str, Matrix], chip: CrossbarChip, losses: tuple[str, ...], netlist: Netlist
) -> Placement:
    wide = max(1, int(np.ceil(np.sqrt(chip.tiles))))
    cells: list[CoreUse] = []
    for name, matrix in matrices.items():
        for array in matrix.arrays:
            rows, outputs, number = array.piece.rows, array.piece.outputs, array.piece.array
            columns = (outputs.stop - outputs.start) * (chip.columns // chip.outputs)
            height = rows.stop - rows.start
            cells.append(
                CoreUse(
                    name=f"tile {number} ({name})",
                    tile=(number % wide, number // wide),
                    uses={
                        "rows": (height, chip.rows),
                        "columns": (columns, chip.columns),
                        "cells": (height * columns, chip.rows * chip.columns),
                    },
                )
            )
    core_of = np.zeros(netlist.size, np.int32)
    return Placement(cores=tuple(cells), core_of=core_of, losses=losses, mesh=(wide, -(-chip.tiles // wide)))


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class CrossbarProgram(Program):
    """A netlist on the arrays of a crossbar chip; `matrices` are its projections, programmed."""

    netlist: Netlist
    chip: CrossbarChip  # pyright: ignore[reportIncompatibleVariableOverride]  the compiler table sends only these here
    dt: float
    seed: int
    placement: Placement
    matrices: Mapping[str, Matrix]
    probes: tuple[Probe, ...] = ()
    limits: Limits = field(default_factory=Limits)
    _carried: Netlist
    _delays: Mapping[str, int]
    _direct: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether products are plain float64 sums: nothing rounds, clips or adds noise between rows and columns."""
        return self.chip.adc_bits == 0 and not any(m.noisy for m in self.matrices.values())

    @property
    def realised(self) -> Netlist:
        """The netlist with the weights that the arrays have now, each delay a projection of its own, and without what the chip cannot carry."""
        made: dict[str, Block] = {}
        for name, block in self._carried.projections.items():
            if name not in self._delays:
                made[name] = block
                continue
            delay = self._delays[name] * self.dt
            if name in self.matrices:
                made[name] = _realised(block, self.weights(name), delay)
            else:
                made[name] = block.mapped(delay=lambda d, delay=delay: np.full_like(d, delay))
        return replace(self._carried, projections=made)

    def weights(self, name: str) -> NDArray[np.float64]:
        """What the arrays of a projection hold now, on the grid of its receptor's weights: (sources, targets)."""
        grid = self._carried.projections[name].kind.grid
        now = self.matrices[name].realised
        return np.rint(now / grid) * grid if grid and self._carried.projections[name].emits == "spikes" else now

    def start(self, drive: Drive, *, seed: int = 0) -> CrossbarRun:
        """See Program. Ranges of converters are set here, from the first steps of the network with exact products."""
        run = CrossbarRun(self, drive)
        if self.chip.adc_bits or self.chip.dac_bits:
            run.calibrate()
        return run

    def resume(self, path: str | Path) -> CrossbarRun:
        """See Program; raises StoreError when the file is not a saved run of this very program."""
        arrays, note, drive = opened(path, self)
        going = CrossbarRun(self, drive)
        going._restore(arrays, note)
        return going


def _realised(block: Block, weights: NDArray[np.float64], delay: float) -> Block:
    from scipy.sparse import coo_array  # noqa: PLC0415

    if np.count_nonzero(weights) == weights.size:
        rule: Any = AllToAll()
        values = np.ascontiguousarray(weights.T).reshape(-1)
    else:
        rule = Explicit(coo_array(weights))
        values = rule.weights
    return replace(block, rule=rule, weight=values, delay=delay)


@final
class CrossbarRun(Run):
    """A crossbar program under way."""

    def __init__(self, program: CrossbarProgram, drive: Drive) -> None:
        self.program, self.drive, self.step = program, drive, 0
        netlist = program._carried
        ways = [
            Way(block, program._delays[name], None if name in program.matrices else _direct(block))
            for name, block in netlist.projections.items()
            if name in program._delays
        ]
        self._exact = program.exact
        self._weights = {name: program.weights(name) for name in program.matrices} if self._exact else {}
        self.matrices = {name: matrix.fresh() for name, matrix in program.matrices.items()}
        self._clock = Clockwork(netlist, program.dt, self._product, probes=program.probes, ways=ways)
        self._recorder = Recorder(netlist, program.probes, program.limits, program.dt)
        self._meter = Meter(
            netlist,
            program.chip,
            self.matrices,
            program._delays,
            self._clock.stages,
            dt=program.dt,
            steps=drive.steps,
            window=program.limits.window,
        )

    def calibrate(self) -> None:
        """Set the ranges of DACs and ADCs: run the network with exact products and look at what comes to the matrices."""
        seen: dict[str, list[NDArray[np.float64]]] = {name: [] for name in self.matrices}

        def product(way: Way, first: int, emitted: NDArray[np.float64]) -> NDArray[np.float64]:
            name = way.block.name
            if name not in seen:
                return np.asarray(emitted @ way.weights)
            seen[name].append(emitted.copy())
            return np.asarray(emitted @ self.matrices[name].weights)

        program, netlist = self.program, self.program._carried
        trial = Clockwork(netlist, program.dt, product, ways=self._clock.ways)
        trial.advance(min(SAMPLES, self.drive.steps), self.drive, Recorder(netlist, (), Limits(spikes=0), program.dt))
        for name, rows in seen.items():
            samples = np.concatenate(rows) if rows else np.zeros((0, self.matrices[name].cut.inputs))
            samples = samples[samples.any(axis=1)]
            if len(samples):  # nothing came in these steps: the ranges stay those for random inputs
                spikes = netlist.projections[name].emits == "spikes"
                kept = {"inputs": self.matrices[name].inputs, "signed": False} if spikes else {}
                self.matrices[name] = self.matrices[name].calibrated(samples, **kept)
        self._meter.matrices = self.matrices

    def _product(self, way: Way, first: int, emitted: NDArray[np.float64]) -> NDArray[np.float64]:
        name = way.block.name
        if name not in self.matrices:
            self._meter.direct(emitted)
            return np.asarray(emitted @ way.weights)
        matrix = self.matrices[name]
        self._meter.reads(name, emitted, first)
        if self._exact:
            matrix.count(emitted)
            return np.asarray(emitted @ self._weights[name])
        return matrix.product(emitted, first=first)

    def advance(self, duration: float, inputs: Inputs | None = None) -> Window:
        """See Run."""
        program, begin = self.program, self.step
        stop = begin + steps_of(duration, program.dt)
        given = outside.checked_inputs(program.netlist, self.drive, inputs, stop - begin)
        mark = self._recorder.mark()
        while self.step < stop:
            end = min(stop, self.step + self._meter.left())
            cut = {n: g[self.step - begin : end - begin] for n, g in given.items()}
            self._meter.open(end - self.step)
            spikes = self._clock.advance(end - self.step, self.drive, self._recorder, cut)
            self._meter.add(sum(spikes.values()))
            self.step = end
        return self._recorder.window(mark, begin, stop)

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
            backend="crossbar",
            arithmetic="float64" if self._exact else "analogue",
            notes=(*notes, *self._clipping()),
        )

    def _clipping(self) -> tuple[str, ...]:
        """A sentence for each projection whose converters clipped."""
        said = []
        for name, m in self.matrices.items():
            if m.clipped:
                said.append(
                    tr(
                        "{name}: {clipped} of {all} conversions were clipped ({share:.2%}).",
                        name=name,
                        clipped=m.clipped,
                        all=m.conversions,
                        share=m.clipped / m.conversions,
                    )
                )
            if m.clipped_inputs:
                said.append(
                    tr(
                        "{name}: {clipped} inputs were above the range of the DACs.",
                        name=name,
                        clipped=m.clipped_inputs,
                    )
                )
        return tuple(said)

    def save(self, path: str | Path) -> Path:
        """See Run."""
        arrays = self._clock.save() | self._recorder.save() | self._meter.save()
        for name, matrix in self.matrices.items():
            arrays |= {f"matrix.{name}.{key}": value for key, value in matrix.save().items()}
        return write_state(path, arrays, noted(self.drive, self.step), self.program)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], note: Mapping[str, Any]) -> None:
        self._clock.restore(arrays)
        self._recorder.restore(arrays)
        for name in self.matrices:
            prefix = f"matrix.{name}."
            own = {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
            self.matrices[name] = self.matrices[name].restored(own)
        self._meter.matrices = self.matrices
        self._meter.restore(arrays)
        self.step = note["step"]


def _direct(block: Block) -> Any:
    from scipy.sparse import diags_array  # noqa: PLC0415

    return diags_array(np.broadcast_to(np.asarray(block.weight, np.float64), block.sizes[:1]))
