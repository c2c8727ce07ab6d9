"""The cells of one array, specimen by specimen: written with errors, verified, stuck, drifting, warm, and noisily read.

What belongs to the specimen (its spread, its stuck cells, the drift exponent of a cell) is drawn from streams of the die; what belongs to
an act (a write) from streams of die and seed together. Every number is keyed by the physical place of its cell, so that any order and
any part of an array gives the same cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench import streams
from workbench.chips.crossbar import Effects
from workbench.chips.devices import Device
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["Cells", "step_sizes", "stuck_map", "write"]

Array = NDArray[np.float64]
Place = tuple[str | int, ...]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """The cells of one array after they were written: what they hold at any later time, in S, float64, shape (rows, columns)."""

    device: Device
    effects: Effects
    target: Array
    written: Array
    """What the cells hold at the device's reference time, at 300 K."""
    stuck: NDArray[np.bool_]
    exponents: Array | None
    """Drift exponent of each cell; None where nothing drifts by a power law."""
    relaxed: Array | None
    """For each cell, a standard normal number: which way it relaxes; None where nothing relaxes."""
    pulses: int
    """Write pulses used, all rounds together."""
    unverified: int = 0
    """Cells that were still off by more than the tolerance when the rounds ended, stuck ones included; 0 without verify."""

    def at(self, time: float = 0.0, temperature: float = 300.0) -> Array:
        """Conductances `time` seconds after programming (0: the reference time) at `temperature` K.

        Raises DescriptionError for a time or temperature outside the device's validity.
        """
        device, effects = self.device, self.effects
        g = self._aged(device.at_time(time)) if effects.drift else self.written
        return device.at_temperature(g, temperature) if effects.temperature else g

    def read_sd(self, time: float = 0.0) -> float | Array:
        """Standard deviation of one read at `time`: one number where it is the same for every cell, else (rows, columns); S.

        Without drift, 1/f noise stays what it is at the reference time.
        """
        device, effects = self.device, self.effects
        if not effects.read_noise:
            return 0.0
        if device.read_linear:
            return device.read_constant
        low, high = device.conductances
        time = device.at_time(time) if effects.drift else device.reference_time
        now = self._aged(time) if effects.drift else self.written
        return device.read_sd(np.clip(now, low, high), time, written=np.clip(self.written, low, high))

    @staticmethod
    def stuck_map(
        die: int,
        place: Place,
        shape: tuple[int, int],
        stuck_low: float,
        stuck_high: float,
        *,
        first: tuple[int, int] = (0, 0),
        width: int = 0,
    ) -> NDArray[np.int8]:
        """Which cells of a die are stuck, known before anything is written; see `stuck_map`."""
        return stuck_map(die, place, shape, stuck_low, stuck_high, first=first, width=width)

    def _aged(self, time: float) -> Array:
        """Conductances at `time`, 300 K; a stuck cell stays."""
        device = self.device
        if time == device.reference_time or not device.drifts:
            return self.written
        g = self.written
        if device.shift:
            g = g + device.mean_shift(self.target, time)
        if self.relaxed is not None:
            more = device.spread_sd(self.target, time) ** 2 - device.programming_sd(self.target) ** 2
            g = g + self.relaxed * np.sqrt(np.maximum(more, 0.0))
        if self.exponents is not None:
            g = g * np.power(time / device.reference_time, -self.exponents)
        return np.where(self.stuck, self.written, np.maximum(g, 0.0))


def write(
    device: Device,
    target: ArrayLike,
    *,
    effects: Effects,
    die: int,
    seed: int,
    place: Place,
    stuck_low: float = 0.0,
    stuck_high: float = 0.0,
    verify: int = 0,
    tolerance: float = 0.02,
    first: tuple[int, int] = (0, 0),
    width: int = 0,
) -> Cells:
    """Write an array of cells to `target` (rows, columns), S, and give what they became.

    Every write of a cell draws a fresh error of the device's standard deviation and counts as one write pulse, which stands for the whole
    programming of that cell. With `verify` rounds, cells off by more than `tolerance` of the window are written again, up to that often;
    the read of a verify is taken as averaged, without noise, and a stuck cell is tried like any other.

    Parameters
    ----------
    die, seed
        The specimen and the act.
    place
        What names the array on the chip, a tuple of words and numbers; keys the random numbers.
    stuck_low, stuck_high
        Shares of cells stuck at either end of the window.
    first, width
        Where on the physical array `target` lies (row, column), and how wide that array is (0: as wide as `target`).

    Raises
    ------
    DescriptionError
        For targets that are not finite, not two-dimensional, or outside the device's window.
    """
    goal = _checked(device, target)
    index = _index(goal.shape, first, width)
    frozen = (
        stuck_map(die, place, goal.shape, stuck_low, stuck_high, first=first, width=width) if effects.stuck else None
    )
    top = np.full(goal.shape, np.inf)
    if effects.spread and device.window_spread:
        own = 1 + device.window_spread * streams.normal_at(streams.stream(die, "window", *place), index)
        top = device.g_min + device.window * np.maximum(own, 0.0)
    ends = None if frozen is None else np.where(frozen > 0, device.g_max, device.g_min)

    sd = device.programming_sd(goal) if effects.programming and device.programming is not None else None
    held = goal.copy()
    pulses, missed = 0, np.ones(goal.shape, bool)
    for attempt in range(verify + 1):
        if sd is None:
            held = np.minimum(goal, top)
        else:
            key = streams.stream(die, "programming", int(seed), *place, attempt)
            at = index[missed]
            held[missed] = np.clip(goal[missed] + sd[missed] * streams.normal_at(key, at), 0.0, top[missed])
        if frozen is not None and ends is not None:
            held = np.where(frozen != 0, ends, held)
        pulses += int(np.count_nonzero(missed))
        if verify:
            missed = missed & (np.abs(held - goal) > tolerance * device.window)
            if not missed.any():
                break

    drifting = effects.drift and device.drift_mean is not None
    return Cells(
        device=device,
        effects=effects,
        target=goal,
        written=held,
        stuck=np.zeros(goal.shape, bool) if frozen is None else frozen != 0,
        exponents=_exponents(device, goal, die, place, index, spread=effects.spread) if drifting else None,
        relaxed=streams.normal_at(streams.stream(die, "relaxation", int(seed), *place), index)
        if effects.drift and effects.programming and device.relaxation
        else None,
        pulses=pulses,
        unverified=int(np.count_nonzero(missed)) if verify else 0,
    )


def stuck_map(
    die: int,
    place: Place,
    shape: tuple[int, int],
    stuck_low: float,
    stuck_high: float,
    *,
    first: tuple[int, int] = (0, 0),
    width: int = 0,
) -> NDArray[np.int8]:
    """Which cells of a die are stuck, shape (rows, columns): −1 at the low end, +1 at the high end, 0 not stuck.

    A cell has one number for good, so that a larger share keeps the cells of a smaller one. Raises DescriptionError for shares that are
    no shares.
    """
    if not (stuck_low >= 0 and stuck_high >= 0 and stuck_low + stuck_high <= 1):
        raise DescriptionError(
            tr(
                "Shares of stuck cells are {low} low and {high} high: each must be at least 0, and together at most 1.",
                low=stuck_low,
                high=stuck_high,
            )
        )
    index = _index(shape, first, width)
    if stuck_low == 0 == stuck_high:
        return np.zeros(shape, np.int8)
    number = streams.uniform_at(streams.stream(die, "stuck", *place), index)
    return (number > 1 - stuck_high).astype(np.int8) - (number < stuck_low).astype(np.int8)


def step_sizes(
    device: Device,
    *,
    effects: Effects,
    die: int,
    place: Place,
    shape: tuple[int, int],
    first: tuple[int, int] = (0, 0),
    width: int = 0,
) -> Array:
    """Each cell's own factor on the step of a programming pulse, for `Device.potentiate(size=...)`: log-normal with mean 1, shape `shape`."""
    if not effects.spread or device.pulse_spread == 0:
        return np.ones(shape)
    variance = np.log1p(device.pulse_spread**2)
    z = streams.normal_at(streams.stream(die, "step", *place), _index(shape, first, width))
    return np.exp(np.sqrt(variance) * z - variance / 2)


def _exponents(device: Device, goal: Array, die: int, place: Place, index: NDArray[np.int64], *, spread: bool) -> Array:
    """The drift exponent of each cell: |mean + sd·z|, z of the cell for good; without spread the mean."""
    mean, sd = device.drift_exponent(goal)
    if not spread or device.drift_sd is None:
        return mean
    return np.abs(mean + sd * streams.normal_at(streams.stream(die, "drift", *place), index))


def _index(shape: tuple[int, ...], first: tuple[int, int], width: int) -> NDArray[np.int64]:
    """The number of each cell on its physical array, row by row."""
    rows, columns = shape
    whole = width or first[1] + columns
    if first[0] < 0 or first[1] < 0 or first[1] + columns > whole:
        raise DescriptionError(
            tr(
                "{columns} columns from column {first} do not lie on an array {width} columns wide.",
                columns=columns,
                first=first[1],
                width=whole,
            )
        )
    return (first[0] + np.arange(rows))[:, None] * whole + (first[1] + np.arange(columns))


def _checked(device: Device, target: ArrayLike) -> Array:
    """The targets as float64, inside the window to rounding; else DescriptionError with the first cell that is wrong."""
    goal = np.array(target, dtype=np.float64)
    if goal.ndim != 2:
        raise DescriptionError(
            tr("Cells are written as rows × columns; got {dimensions} dimensions.", dimensions=goal.ndim)
        )
    slack = 1e-9 * device.g_max
    wrong = ~((goal >= device.g_min - slack) & (goal <= device.g_max + slack))
    if wrong.any():
        row, column = (int(i[0]) for i in np.nonzero(wrong))
        raise DescriptionError(
            tr(
                "The target of the cell at row {row}, column {column} is {value:g} µS; the window of {name} is {low:g} … {high:g} µS.",
                row=row,
                column=column,
                value=goal[row, column] * 1e6,
                name=device.name,
                low=device.g_min * 1e6,
                high=device.g_max * 1e6,
            )
        )
    return np.clip(goal, device.g_min, device.g_max)
