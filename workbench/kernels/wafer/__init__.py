"""The wafer engine: millions of neurons in two bytes each, patch by patch, their synapses drawn when a spike needs them."""

from workbench.kernels.wafer.run import advance
from workbench.kernels.wafer.tables import CHUNK, COUNTERS, HELD, Lists, Noise, Populations, Projections, Sync, Taps

__all__ = [
    "CHUNK",
    "COUNTERS",
    "HELD",
    "Lists",
    "Noise",
    "Populations",
    "Projections",
    "Sync",
    "Taps",
    "advance",
]
