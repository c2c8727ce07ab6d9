"""A run in a file: its state between two steps, and its resumption in another process.

Kept are the neurons' states, who fired during the longest delay, outside spikes still under way, and what was recorded. The
synapses' queues are not kept: they are filled again from those spikes, so a file does not depend on how Brian2 stores them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.backends.recorder import noted, opened, write_state

if TYPE_CHECKING:
    from workbench.backends.ideal.program import IdealProgram, IdealRun

__all__ = ["load", "save"]


def save(run: IdealRun, path: str | Path) -> Path:
    """Write `run` to `path`, whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {"fired": run.watch.fired, **run.recorder.save()}
    for number, group in enumerate(run.groups):
        arrays |= {f"state.{number}.{name}": group.array(name) for name in _states(group.brian)}
        lately = run.watch.lately[number]
        arrays[f"lately.{number}.steps"] = np.repeat(
            np.array([s for s, _ in lately], np.int64), [f.size for _, f in lately]
        )
        arrays[f"lately.{number}.neurons"] = np.concatenate([f for _, f in lately]) if lately else np.zeros(0, np.int32)
    arrays |= {f"handed.{number}": feed.handed for number, feed in enumerate(run.feeds) if hasattr(feed, "handed")}
    return write_state(path, arrays, noted(run.drive, run.step), run.program)


def load(program: IdealProgram, path: str | Path) -> IdealRun:
    """The run in `path`, ready to go on; raises StoreError for a file that is cut short, newer, or of something else."""
    arrays, note, drive = opened(path, program)
    run = program.start(drive)
    run.recorder.restore(arrays)
    run.watch.fired = arrays["fired"]
    for number, group in enumerate(run.groups):
        for name in _states(group.brian):
            group.array(name)[:] = arrays[f"state.{number}.{name}"]
        steps, neurons = arrays[f"lately.{number}.steps"], arrays[f"lately.{number}.neurons"]
        run.watch.lately[number] = [(int(s), neurons[steps == s]) for s in np.unique(steps)]
    for number, feed in enumerate(run.feeds):
        if hasattr(feed, "handed"):
            feed.handed, feed.handed_stop = arrays[f"handed.{number}"], note["step"]
    run.move_to(note["step"])
    _refill(run)
    return run


def _states(group: Any) -> list[str]:
    """The variables that change during a run."""
    equations, variables = group.equations, group.variables
    changing = [n for n in equations.diff_eq_names | equations.parameter_names if not variables[n].constant]
    return sorted(changing) + [n for n in ("lastspike", "not_refractory") if n in variables]


def _refill(run: IdealRun) -> None:
    """Put the spikes of the last steps into the synapses' queues, as the steps themselves did."""
    for wire in run.wires:
        if wire.brian is None or wire.variable:
            continue
        fired = dict(run.watch.lately[run.groups.index(wire.source)])
        queue = wire.brian.pre.queue
        for step in range(run.step - wire.steps, run.step):
            if step in fired:
                queue.push(np.ascontiguousarray(fired[step], np.int32))
            queue.advance()
