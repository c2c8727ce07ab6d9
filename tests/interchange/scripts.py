"""Brian2 scripts run twice: by Brian2 itself, and converted, on the reference and on the event chip."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from workbench.backends.ideal import engine
from workbench.chips import CHIPS, Ideal
from workbench.experiment import Experiment
from workbench.interchange.brian2 import from_brian2
from workbench.interchange.imported import Imported
from workbench.recordings.recording import Recording

Spikes = list[tuple[int, int]]
ROOMY = "loihi-roomy"


@contextmanager
def brian(seed: int = 1) -> Iterator[Any]:
    """Brian2 on its numpy target with steps of 0.1 ms and a seed; its settings are as before afterwards."""
    b: Any = engine.brian()
    target, step = b.prefs.codegen.target, b.defaultclock.dt
    b.prefs.codegen.target, b.defaultclock.dt = "numpy", 0.1 * b.ms
    log = logging.getLogger("brian2")
    level = log.level
    log.setLevel(logging.CRITICAL)
    b.BrianLogger.suppress_name("unused_brian_object")
    b.start_scope()
    b.seed(seed)
    try:
        yield b
    finally:
        b.prefs.codegen.target, b.defaultclock.dt = target, step
        log.setLevel(level)


def theirs(
    b: Any, objects: Sequence[Any], duration: float, namespace: dict[str, Any] | None = None
) -> dict[str, Spikes]:
    """What Brian2 computes, as sorted (step, neuron) by group."""
    monitors = {o.name: b.SpikeMonitor(o) for o in objects if isinstance(o, b.NeuronGroup)}
    b.Network(*objects, *monitors.values()).run(duration * b.second, namespace=namespace or {})
    return {
        name: sorted(zip(np.rint(np.asarray(m.t_[:]) / float(b.defaultclock.dt)).astype(int).tolist(), m.i[:].tolist()))
        for name, m in monitors.items()
    }


def listed(recording: Recording) -> dict[str, Spikes]:
    """The spikes of a recording as (step, neuron) by population."""
    return {n: list(zip(s.steps.tolist(), s.neurons.tolist())) for n, s in recording.spikes.items()}


def ours(circuit: Imported, duration: float, chip: str = "ideal") -> dict[str, Spikes]:
    """What the converted network computes."""
    on = Ideal() if chip == "ideal" else CHIPS[chip]
    return listed(Experiment(circuit, on, duration=duration, dt=circuit.dt).run())


def same(
    b: Any,
    objects: Sequence[Any],
    duration: float,
    *,
    least: int,
    namespace: dict[str, Any] | None = None,
    chips: tuple[str, ...] = ("ideal", ROOMY),
) -> Imported:
    """Convert, run everywhere, and hold all spikes equal; `least` spikes must come, so that equality says something."""
    circuit = from_brian2(list(objects), namespace=namespace or {})
    made = {chip: ours(circuit, duration, chip) for chip in chips}
    expected = theirs(b, objects, duration, namespace)
    assert sum(map(len, expected.values())) >= least
    for chip, spikes in made.items():
        assert spikes == expected, chip
    return circuit
