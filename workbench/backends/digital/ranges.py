"""The largest value that each sender of values emits: measured on the first steps of a drive, or bounded from above.

A frame's numbers are known. What is handed in from outside while a run goes is not: values are taken to lie between −1 and 1, a source's
spikes to be one a step at most, and what follows from them is bounded in place of measured. What lies beyond a range is cut and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.backends.clockwork import Clockwork, Way
from workbench.backends.digital.arithmetic import Line
from workbench.backends.recorder import Recorder
from workbench.chips.digital import DigitalChip
from workbench.circuits.drive import Drive
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.stimuli import Frames
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["bounded", "measured", "never_negative", "ranges"]

ROUNDS = 100
"""Values go round a loop at most so often while a bound is sought."""

NO_BOUND = 2.0**50
"""A bound so large is none: a rectified unit's own largest value lies beyond it unless one is given."""


def ranges(
    netlist: Netlist, chip: DigitalChip, dt: float, senders: set[str], drive: Drive, made: Callable[[], list[Line]]
) -> dict[str, float]:
    """The largest |value| of each of these senders of a realised netlist; `made` makes the lines that carry values unrounded.

    Raises DescriptionError where a bound is asked for and there is none.
    """
    if not senders:
        return {}
    known = {n: _frames(netlist, n) for n in senders if n in netlist.sources}
    open_ended = any(drive.is_external(n) for n in netlist.sources)
    if chip.activation_range == "worst" or open_ended:
        found = bounded(netlist, chip, known)
    else:
        found = measured(netlist, dt, drive, min(chip.calibration, drive.steps), made())
    return {n: found.get(n, 0.0) if n not in known else known[n] for n in senders}


def _frames(netlist: Netlist, source: str) -> float:
    stimulus = netlist.sources[source].stimulus
    return float(np.abs(stimulus.values).max()) if isinstance(stimulus, Frames) else 1.0


def never_negative(netlist: Netlist, sender: str) -> bool:
    """Whether a sender's values are known to be 0 or more, so that no bit is spent on a sign."""
    if sender in netlist.sources:
        stimulus = netlist.sources[sender].stimulus
        return isinstance(stimulus, Frames) and bool(stimulus.values.min() >= 0)
    cells = netlist.populations[sender]
    return isinstance(cells.neuron, Relu) and bool(np.all(np.asarray(cells.parameters["lowest"]) >= 0))


def measured(netlist: Netlist, dt: float, drive: Drive, steps: int, lines: list[Line]) -> dict[str, float]:
    """The largest |value| that each population emits in the first `steps` steps of the drive, nothing rounded but the weights."""
    largest: dict[str, float] = {}
    by_key = {line.way.key: line for line in lines}

    def product(way: Way, first: int, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if way.block.emits == "values":
            source = way.block.source
            largest[source] = max(largest.get(source, 0.0), float(np.abs(rows).max(initial=0.0)))
        return by_key[way.key].product(rows, 1.0)

    from workbench.backends.base import Limits  # noqa: PLC0415

    clock = Clockwork(netlist, dt, product, ways=[line.way for line in lines])
    clock.advance(steps, drive, Recorder(netlist, (), Limits(spikes=0), dt))
    return largest


def bounded(netlist: Netlist, chip: DigitalChip, sources: Mapping[str, float]) -> dict[str, float]:
    """The most |value| that each population can ever emit; raises DescriptionError for a loop that nothing bounds."""
    bound: dict[str, NDArray[np.float64]] = {
        n: np.full(s.size, sources.get(n, 1.0)) for n, s in netlist.sources.items()
    }
    bound |= {n: np.zeros(c.size) for n, c in netlist.populations.items()}
    for n, cells in netlist.populations.items():
        if cells.neuron.emits == "spikes":
            bound[n][:] = 1.0
        elif "y" in cells.initial:
            bound[n][:] = np.abs(np.asarray(cells.initial["y"]))
    weights = [
        (b, *b.edges(), np.abs(np.asarray(b.weight))) for b in netlist.projections.values() if b.emits != "current"
    ]
    for _ in range(ROUNDS):
        before = {n: a.copy() for n, a in bound.items()}
        reach = {n: np.zeros(c.size) for n, c in netlist.populations.items()}
        for block, i, j, w in weights:
            reach[block.target] += np.bincount(j, before[block.source][i] * w, block.sizes[1])
        for n, cells in netlist.populations.items():
            if cells.neuron.emits != "values":
                continue
            p = {k: np.asarray(v) for k, v in cells.parameters.items()}
            if isinstance(cells.neuron, Relu):
                ends = [np.clip(p["gain"] * (p["bias"] + s * reach[n]), p["lowest"], p["highest"]) for s in (-1.0, 1.0)]
                bound[n] = np.maximum(np.abs(ends[0]), np.abs(ends[1]))
            else:
                bound[n] = np.maximum(bound[n], reach[n] + np.abs(p["bias"]))
        if max(float(a.max(initial=0.0)) for a in bound.values()) >= NO_BOUND:
            break
        if all(np.array_equal(bound[n], before[n]) for n in bound):
            return {n: float(a.max(initial=0.0)) for n, a in bound.items()}
    raise DescriptionError(
        tr(
            "{chip}: nothing bounds the values that go round in this network; write activation_range='calibrated', or give its Relu a highest.",
            chip=chip.name,
        )
    )
