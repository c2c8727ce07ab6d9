"""Remapping around stuck cells: the partner of a stuck cell makes up for it, and columns move to where stuck cells hurt least."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.backends.crossbar import cells
from workbench.chips.crossbar import CrossbarChip

__all__ = ["around"]


def around(
    shares: NDArray[np.float64], chip: CrossbarChip, place: tuple[str | int, ...], low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The shares (rows, columns) as they should be written, and the place of each output among the outputs of the array.

    The cost of an output at a place is the squared error that its stuck cells leave after their partners have done what they can;
    the assignment with the least total is found exactly (the Hungarian method, SciPy).
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    stuck = _stuck_shares(shares.shape, chip, place, low, high)
    pair = chip.pairs == "differential"
    wide = 2 if pair else 1
    wanted = shares[:, 0::2] - shares[:, 1::2] if pair else shares
    held = stuck.reshape(shares.shape[0], -1, wide)
    outputs = wanted.shape[1]
    cost = np.zeros((outputs, outputs))
    for place_number in np.flatnonzero(np.isfinite(held).any(axis=(0, 2))):
        rows = np.flatnonzero(np.isfinite(held[:, place_number]).any(axis=1))
        left = _error(wanted[rows], held[rows, place_number])
        cost[:, place_number] = (left**2).sum(axis=0)
    output, at = linear_sum_assignment(cost)
    order = np.empty(outputs, np.int64)
    order[output] = at
    made = np.empty_like(shares).reshape(shares.shape[0], outputs, wide)
    made[:, order] = shares.reshape(shares.shape[0], outputs, wide)
    if pair:
        aim = made[:, :, 0] - made[:, :, 1]
        plus, minus = held[:, :, 0], held[:, :, 1]
        made[:, :, 1] = np.where(np.isfinite(plus), np.clip(plus - aim, 0.0, 1.0), made[:, :, 1])
        made[:, :, 0] = np.where(np.isfinite(minus), np.clip(aim + minus, 0.0, 1.0), made[:, :, 0])
    return made.reshape(shares.shape), order


def _error(wanted: NDArray[np.float64], held: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is missing of the wanted differences (rows, outputs) where cells (rows, 1 or 2) hold what they hold; nan is free."""
    if held.shape[1] == 1:
        return np.where(np.isfinite(held), wanted - held, 0.0)
    plus, minus = held[:, :1], held[:, 1:]
    top = np.where(np.isfinite(plus), plus, 1.0) - np.where(np.isfinite(minus), minus, 0.0)
    bottom = np.where(np.isfinite(plus), plus, 0.0) - np.where(np.isfinite(minus), minus, 1.0)
    return wanted - np.clip(wanted, bottom, top)


def _stuck_shares(
    shape: tuple[int, int], chip: CrossbarChip, place: tuple[str | int, ...], low: float, high: float
) -> NDArray[np.float64]:
    """0 or 1 where a cell is stuck, nan elsewhere."""
    stuck = cells.stuck_map(chip.die, place, shape, low, high, width=chip.columns)
    return np.where(stuck < 0, 0.0, np.where(stuck > 0, 1.0, np.nan))
