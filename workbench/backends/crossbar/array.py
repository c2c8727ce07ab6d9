"""One array of cells as it is now: written once, then aged, warmed, and seen through its wires."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.crossbar import repair
from workbench.backends.crossbar.cells import Cells, write
from workbench.backends.crossbar.tiles import Piece
from workbench.chips.crossbar import CrossbarChip

__all__ = ["Array", "Seen"]


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """What the converters see of an array, for each weight it holds; conductances over the width of the window.

    share: (rows, outputs), what an input of one brings to each output; pairs are subtracted.
    variance: the variance of a single read of it: one number for all cells, or (rows, outputs).
    load: (rows,) all conductance on a row, S: what a volt on it dissipates.
    gain: the factor that drift compensation found, 1 without.
    """

    share: NDArray[np.float64]
    variance: float | NDArray[np.float64]
    load: NDArray[np.float64]
    gain: float


@final
class Array:
    """The cells of one piece of a matrix, on array `piece.array` of the chip."""

    def __init__(self, piece: Piece, shares: NDArray[np.float64], chip: CrossbarChip, *, seed: int) -> None:
        device, effects = chip.device, chip.effects
        place = ("array", piece.array)
        low, high = (chip.stuck_low, chip.stuck_high) if effects.stuck else (0.0, 0.0)
        self.piece, self.device = piece, device
        self.order: NDArray[np.int64] | None = None
        """Where the outputs lie, when columns were moved around stuck cells."""
        if chip.remap and low + high:
            shares, self.order = repair.around(shares, chip, place, low, high)
        self.cells: Cells = write(
            device,
            device.g_min + shares * (device.g_max - device.g_min),
            effects=effects,
            die=chip.die,
            seed=seed,
            place=place,
            stuck_low=low,
            stuck_high=high,
            verify=chip.verify,
            tolerance=chip.tolerance,
            width=chip.columns,
        )

    def conductances(self, chip: CrossbarChip) -> NDArray[np.float64]:
        """The conductances at the chip's age and temperature, S, (rows, columns)."""
        return self.cells.at(age(chip), chip.temperature)

    def seen(self, chip: CrossbarChip) -> Seen:
        """What converters see at the chip's age and temperature, through its wires."""
        window = self.device.g_max - self.device.g_min
        now = self.conductances(chip)
        through = self._through(now, chip)
        share = self._weights(through, chip, sign=-1.0) / window
        variance: float | NDArray[np.float64] = 0.0
        if chip.effects.read_noise:
            sd = self.cells.read_sd(age(chip))
            if np.ndim(sd) or through is not now:
                # A cell's noise is taken to reach the column as its signal does, by T/G. Exact adjoints (`physics.wires.noise_variance`) need
                # the inputs; against them the sd is too large by 2 % where wires lose 4 % of the current, 7 % at 12 %, 22 % at 35 %
                # (all rows driven alike; a sixth of that with inputs of both signs).
                passed = np.divide(through, now, out=np.ones_like(now), where=now > 0)
                variance = self._weights((np.asarray(sd) * passed) ** 2, chip, sign=1.0) / window**2
            else:
                variance = float(sd) ** 2 * (2.0 if chip.pairs == "differential" else 1.0) / window**2
        gain = 1.0
        if chip.compensate:
            gain = float(self._at_first.sum() / max(now.sum(), 1e-30))
        return Seen(share, variance, now.sum(axis=1), gain)

    @cached_property
    def _at_first(self) -> NDArray[np.float64]:
        """Conductances at the device's reference time: what compensation remembers."""
        return self.cells.at(self.device.reference_time)

    def _through(self, now: NDArray[np.float64], chip: CrossbarChip) -> NDArray[np.float64]:
        if not (chip.effects.wires and (chip.wire_row or chip.wire_column)):
            return now
        from workbench.physics.wires import effective  # noqa: PLC0415  solvers only where there are wires

        return effective(now, chip.wire_row, chip.wire_column)

    def _weights(self, columns: NDArray[np.float64], chip: CrossbarChip, *, sign: float) -> NDArray[np.float64]:
        """One number for each weight from one for each cell: pairs are added with this sign; moved columns are put back."""
        made = columns[:, 0::2] + sign * columns[:, 1::2] if chip.pairs == "differential" else columns
        return np.ascontiguousarray(made if self.order is None else made[:, self.order])


def age(chip: CrossbarChip) -> float:
    """Seconds since programming: the chip's age, or the device's reference time."""
    return chip.age or chip.device.reference_time
