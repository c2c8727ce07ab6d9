"""The event engine's compiled kernels: tables, one step of neurons, and the run."""

from workbench.kernels.event.run import advance, advance_threads, cut_rows, fan_out
from workbench.kernels.event.tables import Fan, Noise, Outside, Scratch, Segments, State, Taps, Times, Wires

__all__ = [
    "Fan",
    "Noise",
    "Outside",
    "Scratch",
    "Segments",
    "State",
    "Taps",
    "Times",
    "Wires",
    "advance",
    "advance_threads",
    "cut_rows",
    "fan_out",
]
