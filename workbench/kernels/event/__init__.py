"""The event engine's compiled kernels: tables, rules, rows, the run, and chip time."""

from workbench.kernels.event.run import advance
from workbench.kernels.event.tables import Blocks, Noise, Outside, Rows, Scratch, Shape, State, Taps

__all__ = ["Blocks", "Noise", "Outside", "Rows", "Scratch", "Shape", "State", "Taps", "advance"]
