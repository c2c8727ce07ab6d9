"""A run in a file: its state between two steps, and its resumption in another process.

Kept are the neurons' states, who fired during the longest delay, outside spikes still under way, and what was recorded. The
synapses' queues are not kept: they are filled again from those spikes, so a file does not depend on how Brian2 stores them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.drive import Drive
from workbench.errors import StoreError
from workbench.recordings.files import whole
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.backends.ideal.program import IdealProgram, IdealRun

__all__ = ["load", "save"]

FORMAT = "workbench run on Brian2"
VERSION = 1


def save(run: IdealRun, path: str | Path) -> Path:
    """Write `run` to `path`, whole or not at all."""
    head = {"format": FORMAT, "version": VERSION, **_identity(run.program), "step": run.step, "steps": run.drive.steps,
            "seed": run.drive.seed, "trial": run.drive.trial_number, "stored": run.recorder.stored, "full": run.recorder.full}
    arrays: dict[str, NDArray[Any]] = {"head": np.array(json.dumps(head))}
    for number, group in enumerate(run.groups):
        for name in _states(group.brian):
            arrays[f"state/{number}/{name}"] = group.array(name)
        arrays[f"fired/{number}"] = run.recorder.fired[number]
        arrays |= _flat(f"lately/{number}", [(np.full(f.size, s), f) for s, f in run.recorder.lately[number]])
    for name, kept in run.recorder.kept.items():
        arrays |= _flat(f"kept/{name}", kept)
    for name, trace in run.recorder.traces.items():
        arrays[f"trace/{name}"] = np.concatenate(trace.rows) if trace.rows else np.zeros(0)
        arrays[f"binned/{name}"] = np.array(trace.binned)
    for number, feed in enumerate(run.feeds):
        if hasattr(feed, "handed"):
            arrays[f"handed/{number}"] = feed.handed
    with whole(path) as part, open(part, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return Path(path)


def load(program: IdealProgram, path: str | Path) -> IdealRun:
    """The run in `path`, ready to go on; raises StoreError for a file that is cut short, newer, or of something else."""
    from workbench.backends.ideal.program import IdealRun  # noqa: PLC0415  the two need each other

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        head = json.loads(str(arrays["head"]))
    except FileNotFoundError:
        raise StoreError(tr("There is no file {path}.", path=path)) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(tr("{path} is not a saved run, or was cut short.", path=path)) from error
    _check(head, program, path)
    drive = Drive(sources=program.netlist.sources, steps=head["steps"], dt=program.dt, seed=head["seed"], trial_number=head["trial"])
    run = IdealRun(program, drive)
    _fill(run, head, arrays)
    return run


def _identity(program: IdealProgram) -> dict[str, Any]:
    probes = [[p.of, p.variable, None if p.which is None else list(p.which), p.every, p.reduce] for p in program.probes]
    return {"netlist": program.netlist.digest, "dt": program.dt, "probes": probes}


def _check(head: dict[str, Any], program: IdealProgram, path: str | Path) -> None:
    if head.get("format") != FORMAT:
        raise StoreError(tr("{path} is not a saved run, or was cut short.", path=path))
    if head.get("version", 0) > VERSION:
        raise StoreError(tr("{path} was written by a newer version of the workbench; update it to read the file.", path=path))
    for what, value in _identity(program).items():
        if head.get(what) != value:
            raise StoreError(tr("{path} was saved by another program: its {what} differs. Compile the same experiment to resume it.", path=path, what=what))


def _states(group: Any) -> list[str]:
    """The variables that change during a run."""
    constant = {name for name in group.equations.names if group.variables.get(name) is not None and getattr(group.variables[name], "constant", False)}
    changing = (group.equations.diff_eq_names | group.equations.parameter_names) - constant
    return sorted(changing) + [name for name in ("lastspike", "not_refractory") if name in group.variables]


def _flat(name: str, parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    steps = np.concatenate([s for s, _ in parts]) if parts else np.zeros(0)
    neurons = np.concatenate([n for _, n in parts]) if parts else np.zeros(0)
    return {f"{name}/steps": steps.astype(np.int64), f"{name}/neurons": neurons.astype(np.int32)}


def _fill(run: IdealRun, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    recorder = run.recorder
    recorder.stored, recorder.full = head["stored"], head["full"]
    for number, group in enumerate(run.groups):
        for name in _states(group.brian):
            group.array(name)[:] = arrays[f"state/{number}/{name}"]
        recorder.fired[number] = arrays[f"fired/{number}"]
        steps, neurons = arrays[f"lately/{number}/steps"], arrays[f"lately/{number}/neurons"]
        recorder.lately[number] = [(int(s), neurons[steps == s]) for s in np.unique(steps)]
    for name in recorder.kept:
        fired = arrays[f"kept/{name}/steps"], arrays[f"kept/{name}/neurons"]
        recorder.kept[name] = [fired] if fired[0].size else []
    for name, trace in recorder.traces.items():
        rows = arrays[f"trace/{name}"]
        trace.rows = [rows] if rows.size else []
        trace.binned = int(arrays[f"binned/{name}"])
    for number, feed in enumerate(run.feeds):
        if hasattr(feed, "handed"):
            feed.handed, feed.handed_stop = arrays[f"handed/{number}"], head["step"]
    run.move_to(head["step"])
    _refill(run)


def _refill(run: IdealRun) -> None:
    """Put the spikes of the last steps into the synapses' queues, as the steps themselves did."""
    for wire in run.wires:
        if wire.brian is None or wire.variable:
            continue
        fired = dict(run.recorder.lately[run.groups.index(wire.source)])
        queue = wire.brian.pre.queue
        for step in range(run.step - wire.steps, run.step):
            if step in fired:
                queue.push(np.ascontiguousarray(fired[step], np.int32))
            queue.advance()
