"""A layer of weights as pairs of cells that learn by pulses: every weight is the difference of two conductances.

    w = (g₊ − g₋) / (g_max − g_min) · reach

A pulse moves a cell by what its device says: soft bounds (non-linear), up and down not alike (asymmetric), a step size of its own for
either direction (device to device), and chance in every pulse (cycle to cycle). All pulses are counted.
"""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.chips.devices import Device
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["Pairs"]

Array = NDArray[np.float64]
Wanted = NDArray[np.int8]
_LEAST_SIZE = 0.05
"""A cell whose drawn step size is smaller still moves by this share of the mean step: a dead cell is a stuck cell, another effect."""


@final
class Pairs:
    """`rows` × `columns` pairs of cells of one `device`, learning in place.

    Parameters
    ----------
    shape
        Rows (inputs) and columns (outputs).
    device
        The cell; conductances and its pulses are taken from it.
    reach
        The weight of a pair with one cell at each end of the window.
    name, die, seed
        Names the layer. What belongs to the specimen, a cell's own step sizes, comes from `die`; what belongs to an act comes from `seed`.
    """

    def __init__(self, shape: tuple[int, int], device: Device, *, reach: float, name: str, die: int, seed: int) -> None:
        if min(shape) < 1 or not reach > 0:
            raise DescriptionError(
                tr(
                    "Pairs of cells need at least one row and column and a reach above 0, not {shape} and {reach}.",
                    shape=shape,
                    reach=reach,
                )
            )
        self.device, self.reach, self.name, self.seed = device, float(reach), name, seed
        self.shape = (2, *shape)
        size = 2 * shape[0] * shape[1]

        def own(direction: str) -> Array:
            drawn = streams.normal(streams.stream(die, "step size", name, direction), 0, size).reshape(self.shape)
            return np.maximum(1 + device.pulse_spread * drawn, _LEAST_SIZE)

        self._sizes = {True: own("up"), False: own("down")}
        self.cells: Array = np.full(self.shape, device.g_min + device.window / 2)
        """Conductances, S: (2, rows, columns), the positive cells first."""
        self.pulses: NDArray[np.int64] = np.zeros(self.shape, np.int64)
        """Pulses that each cell got."""
        self.pulsed = 0.0
        """Σ g over all pulses, S: times V²·t of a pulse it is their energy."""
        self.driven = 0.0
        """Σ x²·g over all cells and reads, S × input²: times (V/largest input)²·t of a read it is the energy in the cells."""
        self.largest = 0.0
        """The largest input so far."""
        self.conversions = 0
        """Columns (or rows, read back) converted."""
        self.verifies = 0
        """Cells read to verify a pulse."""
        self.row_cycles = 0
        """Rows pulsed in one direction at once: the steps that cycle-parallel writing takes."""
        self._acts = 0

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def weights(self) -> Array:
        """The weights the pairs have now, (rows, columns)."""
        return (self.cells[0] - self.cells[1]) * (self.reach / self.device.window)

    def variance(self) -> Array:
        """Variance of one read of each weight, (rows, columns)."""
        sd = self.device.read_sd(self.cells)
        return (sd**2).sum(axis=0) * (self.reach / self.device.window) ** 2

    def product(self, x: Array, *, first: int, what: str = "read", counted: bool = True) -> Array:
        """x (number, rows) times the weights, with fresh read noise: (number, columns).

        A column's noise is drawn once, with the variance Σ x²σ² of its cells' independent noise: the same distribution. Sample k of the
        reads called `what` has the number `first` + k, which its noise belongs to. `counted`: whether its energy is.
        """
        return self._read(x, first, what, back=False, counted=counted)

    def back(self, x: Array, *, first: int) -> Array:
        """x (number, columns) times the transposed weights: the same cells read from the columns, (number, rows)."""
        return self._read(x, first, "read back", back=True, counted=True)

    def _read(self, x: Array, first: int, what: str, *, back: bool, counted: bool) -> Array:
        seen = [self.weights, self.variance(), self.cells.sum(axis=0)]
        weights, variance, both = (held.T for held in seen) if back else seen
        y = x @ weights
        squares = x * x
        if counted:
            self.driven += float(squares.sum(axis=0) @ both.sum(axis=1))
            self.largest = max(self.largest, float(np.abs(x).max(initial=0.0)))
            self.conversions += y.size
        if not variance.any():
            return y
        key, at = streams.stream(self.seed, what, self.name), first * y.shape[1]
        return y + np.sqrt(squares @ variance) * streams.normal(key, at, at + y.size).reshape(y.shape)

    # --- writing ------------------------------------------------------------------------------------------------------

    def program(self, weights: Array) -> None:
        """Write weights once, before learning begins: the pair around the middle of the window, with the device's programming error.

        Not counted as pulses. Weights beyond the reach are clipped.
        """
        target = self.targets(weights)
        drawn = streams.normal(streams.stream(self.seed, "programming", self.name), 0, target.size).reshape(
            target.shape
        )
        self.cells = self._within(target + self.device.programming_sd(target) * drawn)

    def targets(self, weights: Array) -> Array:
        """The conductances that mean `weights`, S: half of the difference to either side of the middle of the window."""
        half = np.clip(weights / self.reach, -1.0, 1.0) * (self.device.window / 2)
        middle = self.device.g_min + self.device.window / 2
        return np.stack([middle + half, middle - half])

    def push(self, wanted: Wanted) -> int:
        """One pulse to both cells of each pair whose weight should change: +1 sets g₊ and resets g₋, −1 the other way. The number of pulses."""
        return self.pulse(np.stack([wanted, -wanted]))

    def pulse(self, direction: Wanted) -> int:
        """One pulse to each cell with a direction, +1 up or −1 down; 0 leaves it alone. (2, rows, columns). The number of pulses."""
        flat = self.cells.reshape(-1)
        device = self.device
        key = streams.stream(self.seed, "pulse", self.name, self._acts)
        self._acts += 1
        done = 0
        for up in (True, False):
            at = np.flatnonzero(direction.reshape(-1) == (1 if up else -1))
            if not at.size:
                continue
            g, size = flat[at], self._sizes[up].reshape(-1)[at]
            step = (device.potentiate(g, size=size) if up else device.depress(g, size=size)) - g
            if device.pulses.cycle:
                # The device states the deviation of a mean step; a cell's own step is larger or smaller by its size.
                step = step + device.pulse_sd(g, up=up) * size * streams.normal_at(key, at)
            flat[at] = self._within(g + step)
            self.pulses.reshape(-1)[at] += 1
            self.pulsed += float(g.sum())
            self.row_cycles += int(np.unique(at // self.shape[2] % self.shape[1]).size)
            done += at.size
        return done

    def verify(self, weights: Array, *, rounds: int, tolerance: float) -> int:
        """Write-verify: up to `rounds` times read every cell and pulse those further than `tolerance` of the window from target.

        Returns the number of pulses; each round's reads are counted in `verifies`.
        """
        target = self.targets(weights)
        allowed = tolerance * self.device.window
        done = 0
        for _ in range(rounds):
            sd = self.device.read_sd(self.cells)
            drawn = streams.normal(streams.stream(self.seed, "verify", self.name, self._acts), 0, target.size)
            off = target - (self.cells + sd * drawn.reshape(target.shape))
            self.verifies += target.size
            direction = np.where(np.abs(off) > allowed, np.sign(off), 0.0).astype(np.int8)
            pulsed = self.pulse(direction)
            done += pulsed
            if not pulsed:
                break
        return done

    def _within(self, g: Array) -> Array:
        return np.clip(g, self.device.g_min, self.device.g_max)

    @property
    def pulses_per_cell(self) -> float:
        """Mean number of pulses a cell got."""
        return float(self.pulses.mean())
