"""Draw: the outside input of a network as a value, made real one window at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.circuits.stimuli import External, ExternalValues, Poisson
from workbench.circuits.unfold import Netlist, SourceCells
from workbench.errors import DescriptionError
from workbench.fields import to_json
from workbench.words import tr

__all__ = ["Drive", "draw", "steps_of"]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Drive:
    """The outside input: a key per source and the stimulus it feeds; `counts`, `currents` and `values` make any window real."""

    sources: Mapping[str, SourceCells]
    steps: int
    dt: float
    seed: int
    trials: int = 1
    trial_number: int = 0

    def trial(self, number: int) -> Drive:
        """The drive of trial `number`, counted from 0."""
        if not 0 <= number < self.trials:
            raise DescriptionError(
                tr(
                    "There is no trial {number}: the drive has {trials}, counted from 0.",
                    number=number,
                    trials=self.trials,
                )
            )
        return replace(self, trials=1, trial_number=self.trial_number + number)

    def key(self, source: str) -> int:
        """The random stream of a source in this trial."""
        return streams.stream(self.seed, "drive", source, self.trial_number)

    def counts(self, source: str, start: int, stop: int) -> NDArray[np.uint16]:
        """Spikes per step and source neuron, shape (stop − start, size)."""
        s = self.sources[source]
        return s.stimulus.block(s.size, start, stop, self.dt, self.key(source))  # type: ignore[return-value]

    def currents(self, source: str, start: int, stop: int) -> NDArray[np.float64]:
        """Ampere per step and source neuron, shape (stop − start, size)."""
        s = self.sources[source]
        return s.stimulus.block(s.size, start, stop, self.dt, self.key(source))  # type: ignore[return-value]

    def values(self, source: str, start: int, stop: int) -> NDArray[np.float64]:
        """Values per step and source neuron, shape (stop − start, size)."""
        s = self.sources[source]
        return s.stimulus.block(s.size, start, stop, self.dt, self.key(source))  # type: ignore[return-value]

    def rule(self, source: str) -> tuple[int, NDArray[np.uint32], int, int] | None:
        """For a Poisson source (key, thresholds, first step, past-the-last step), for kernels that draw as they go; else None."""
        stimulus = self.sources[source].stimulus
        if not isinstance(stimulus, Poisson):
            return None
        return (self.key(source), stimulus.table(self.dt), *stimulus.window(self.dt))

    def is_external(self, source: str) -> bool:
        """Whether what the source emits comes from `advance(inputs=...)`."""
        return isinstance(self.sources[source].stimulus, (External, ExternalValues))

    def to_json(self) -> dict[str, object]:
        """The drive as plain JSON values."""
        return {
            "sources": to_json({n: {"size": s.size, "stimulus": s.stimulus} for n, s in self.sources.items()}),
            "steps": self.steps,
            "dt": self.dt,
            "seed": self.seed,
            "trial": self.trial_number,
        }


def draw(netlist: Netlist, duration: float, *, dt: float, seed: int, trials: int = 1) -> Drive:
    """The outside input of `netlist` for `duration` seconds in steps of `dt`, from the stream "drive" of `seed`."""
    if trials < 1:
        raise DescriptionError(
            tr("{where} is {value!r}: it must be a whole number, 1 or more.", where="trials", value=trials)
        )
    return Drive(sources=netlist.sources, steps=steps_of(duration, dt), dt=float(dt), seed=int(seed), trials=trials)


def steps_of(duration: float, dt: float) -> int:
    """How many steps of `dt` make `duration`; raises DescriptionError when it is not a whole number of them."""
    if not (dt > 0 and duration >= 0 and np.isfinite(duration)):
        raise DescriptionError(
            tr("A duration of {duration} s in steps of {dt} s makes no sense.", duration=duration, dt=dt)
        )
    steps = round(duration / dt)
    if abs(steps * dt - duration) > 1e-6 * dt:
        raise DescriptionError(
            tr(
                "{duration:g} ms is not a whole number of steps of {dt:g} ms; the nearest is {near:g} ms.",
                duration=duration * 1e3,
                dt=dt * 1e3,
                near=steps * dt * 1e3,
            )
        )
    return steps
