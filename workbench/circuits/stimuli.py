"""What reaches a network from outside: spikes by a rule or a list, currents, values, or whatever `advance` is handed.

A spiking stimulus is a count per source neuron and step; a current or value stimulus is a number per source neuron and step. All are
computed block by block from the step number, so that no array grows with neurons × duration.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.errors import DescriptionError
from workbench.kernels import pays
from workbench.words import tr

__all__ = [
    "External",
    "ExternalValues",
    "Frames",
    "NoisyCurrent",
    "Poisson",
    "Regular",
    "SpikeList",
    "StepCurrent",
    "Stimulus",
]

SMALL = 1 << 20
"""Counts up to which NumPy draws sooner than a compiled loop is loaded."""


@dataclass(frozen=True)
class Stimulus:
    """Abstract: what the neurons of a source do, step by step."""

    kind: ClassVar[Literal["spikes", "current", "values"]] = "spikes"

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.uint16] | NDArray[np.float64]:
        """Counts (uint16), currents (float64, ampere) or values (float64) of steps `start` to `stop`, shape (stop − start, size)."""
        raise NotImplementedError


def _not_negative(what: str, value: float) -> None:
    if not (value >= 0 and math.isfinite(value)):
        raise DescriptionError(tr("{what} is {value}: it must be a finite number, 0 or more.", what=what, value=value))


@final
@dataclass(frozen=True)
class Poisson(Stimulus):
    """Independent Poisson spikes at `rate` (Hz) per source neuron, from `start` to `stop` (s); several may fall in one step."""

    rate: float
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        _not_negative("Poisson.rate", self.rate)
        _not_negative("Poisson.start", self.start)

    def window(self, dt: float) -> tuple[int, int]:
        """The first and the past-the-last step with spikes."""
        return round(self.start / dt), 2**62 if math.isinf(self.stop) else round(self.stop / dt)

    def table(self, dt: float) -> NDArray[np.uint32]:
        """The thresholds of the counter rule for one step of `dt`."""
        return streams.poisson_table(self.rate * dt)

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.uint16]:
        """See Stimulus."""
        made = np.zeros((stop - start, size), np.uint16)
        first, last = self.window(dt)
        a, b = max(start, first), min(stop, last)
        if a < b and not pays((b - a) * size, SMALL):
            words = streams.step_words(key, a, b)
            drawn = streams.bits(words[:, :1], words[:, 1:], np.arange(size, dtype=np.uint32))
            made[a - start : b - start] = streams.counts_from_bits(drawn, self.table(dt))
        elif a < b:
            from workbench.kernels import rule  # noqa: PLC0415  the compiled twin only for what is large

            rule.fill_counts(np.uint64(key), self.table(dt), a, made[a - start : b - start])
        return made


@final
@dataclass(frozen=True)
class Regular(Stimulus):
    """Spikes at equal intervals, `rate` (Hz), the first at `start` (s); neuron k of n is shifted by `phase` · k / n periods."""

    rate: float
    start: float = 0.0
    stop: float = math.inf
    phase: float = 0.0

    def __post_init__(self) -> None:
        _not_negative("Regular.rate", self.rate)
        _not_negative("Regular.start", self.start)

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.uint16]:
        """See Stimulus. The number of spikes up to a step is floor(time · rate + 1), so none is lost to rounding."""
        if self.rate == 0:
            return np.zeros((stop - start, size), np.uint16)
        last = 2**62 if math.isinf(self.stop) else round(self.stop / dt)
        steps = np.arange(start - 1, stop)[:, None]
        shift = self.phase * np.arange(size)[None, :] / max(size, 1)
        # Half a step of slack keeps a period that is a whole number of steps from wobbling.
        so_far = np.floor((np.minimum(steps, last - 1) * dt - self.start + dt * 1e-6) * self.rate - shift + 1)
        return np.diff(np.maximum(so_far, 0), axis=0).astype(np.uint16)


@final
@dataclass(frozen=True)
class SpikeList(Stimulus):
    """Given spikes: `times` (s) and the source neuron of each."""

    times: tuple[float, ...]
    neurons: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", tuple(float(t) for t in self.times))
        object.__setattr__(self, "neurons", tuple(int(n) for n in self.neurons))
        if len(self.times) != len(self.neurons):
            raise DescriptionError(
                tr("SpikeList: {times} times but {neurons} neurons.", times=len(self.times), neurons=len(self.neurons))
            )
        for t in self.times:
            _not_negative("a time of SpikeList", t)

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.uint16]:
        """See Stimulus; a time between two steps belongs to the nearer one."""
        made = np.zeros((stop - start, size), np.uint16)
        if self.neurons and (min(self.neurons) < 0 or max(self.neurons) >= size):
            raise DescriptionError(
                tr("SpikeList: neuron {n} is not among the source's {size}.", n=max(self.neurons), size=size)
            )
        steps = np.rint(np.asarray(self.times) / dt).astype(np.int64)
        inside = (steps >= start) & (steps < stop)
        np.add.at(made, (steps[inside] - start, np.asarray(self.neurons, np.int64)[inside]), 1)
        return made


@final
@dataclass(frozen=True)
class StepCurrent(Stimulus):
    """A constant current `amplitude` (A) from `start` to `stop` (s)."""

    amplitude: float
    start: float = 0.0
    stop: float = math.inf
    kind: ClassVar[Literal["spikes", "current", "values"]] = "current"

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.float64]:
        """See Stimulus."""
        last = 2**62 if math.isinf(self.stop) else round(self.stop / dt)
        steps = np.arange(start, stop)
        on = (steps >= round(self.start / dt)) & (steps < last)
        return np.repeat(np.where(on, self.amplitude, 0.0)[:, None], size, axis=1)


@final
@dataclass(frozen=True)
class NoisyCurrent(Stimulus):
    """A current of mean `mean` and standard deviation `sd` (A), drawn anew every `every` seconds for each source neuron."""

    mean: float
    sd: float
    every: float = 1e-4
    kind: ClassVar[Literal["spikes", "current", "values"]] = "current"

    def __post_init__(self) -> None:
        _not_negative("NoisyCurrent.sd", self.sd)
        if not self.every > 0:
            raise DescriptionError(
                tr(
                    "{what} is {value}: it must be a finite number, 0 or more.",
                    what="NoisyCurrent.every",
                    value=self.every,
                )
            )

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.float64]:
        """See Stimulus; Gaussian by inverting the distribution function of the counter rule's bits."""
        from scipy.special import ndtri  # noqa: PLC0415

        hold = max(1, round(self.every / dt))
        draws = np.arange(start, stop) // hold
        first = int(draws[0]) if draws.size else 0
        w = streams.step_words(key, first, int(draws[-1]) + 1 if draws.size else 0)
        u = (
            streams.bits(w[:, :1], w[:, 1:], np.arange(size, dtype=np.uint32)[None, :]).astype(np.float64) + 0.5
        ) * 2.0**-32
        return (self.mean + self.sd * ndtri(u))[draws - first]


@final
@dataclass(frozen=True)
class External(Stimulus):
    """Spikes handed in from outside, by `run.advance(duration, inputs={source: counts})`; nothing when nothing is handed in."""

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.uint16]:
        """See Stimulus: silent by itself."""
        return np.zeros((stop - start, size), np.uint16)


@final
@dataclass(frozen=True)
class Frames(Stimulus):
    """Given values: an array (frames, size), each frame presented for `every` seconds, in order; zero after the last.

    Two are equal when their numbers are; JSON keeps a digest of them.
    """

    values: Any = field(compare=False)
    every: float
    digest: str = field(init=False, default="")
    kind: ClassVar[Literal["spikes", "current", "values"]] = "values"

    def __post_init__(self) -> None:
        try:
            held = np.array(self.values, np.float64, order="C")
        except (TypeError, ValueError):
            held = np.zeros(0)
        if held.ndim != 2 or 0 in held.shape:
            raise DescriptionError(
                tr(
                    "Frames takes an array of numbers (frames, size), at least one of each; this one has shape {shape}.",
                    shape=np.shape(self.values) if isinstance(self.values, np.ndarray) else held.shape,
                )
            )
        if not np.isfinite(held).all():
            frame, neuron = np.argwhere(~np.isfinite(held))[0].tolist()
            raise DescriptionError(
                tr(
                    "Frames: the value of neuron {neuron} in frame {frame} is {value}; all must be finite.",
                    neuron=neuron,
                    frame=frame,
                    value=float(held[frame, neuron]),
                )
            )
        if not (self.every > 0 and math.isfinite(self.every)):
            raise DescriptionError(
                tr("{what} is {value}: it must be a positive time in seconds.", what="Frames.every", value=self.every)
            )
        held.flags.writeable = False
        object.__setattr__(self, "values", held)
        said = f"{held.shape}".encode() + held.tobytes()
        object.__setattr__(self, "digest", hashlib.blake2b(said, digest_size=16).hexdigest())

    @property
    def size(self) -> int:
        """Values in a frame."""
        return self.values.shape[1]

    @property
    def duration(self) -> float:
        """How long all frames take together, s."""
        return self.values.shape[0] * self.every

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.float64]:
        """See Stimulus; raises DescriptionError unless a frame lasts a whole number of steps."""
        hold = round(self.every / dt)
        if hold < 1 or abs(hold * dt - self.every) > 1e-6 * dt:
            raise DescriptionError(
                tr(
                    "Frames.every is {every:g} ms, which is not a whole number of steps of {dt:g} ms, one or more.",
                    every=self.every * 1e3,
                    dt=dt * 1e3,
                )
            )
        made = np.zeros((stop - start, size))
        frame = np.arange(start, stop) // hold
        shown = frame < len(self.values)
        made[shown] = self.values[frame[shown]]
        return made


@final
@dataclass(frozen=True)
class ExternalValues(Stimulus):
    """Values handed in from outside, by `run.advance(duration, inputs={source: values})`; zero when nothing is handed in."""

    kind: ClassVar[Literal["spikes", "current", "values"]] = "values"

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.float64]:
        """See Stimulus: zero by itself."""
        return np.zeros((stop - start, size))
