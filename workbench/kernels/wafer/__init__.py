"""The wafer engine: millions of neurons in two bytes each, patch by patch, their synapses drawn when a spike needs them."""

from workbench.kernels.wafer.arrivals import ROOM
from workbench.kernels.wafer.run import advance, gather
from workbench.kernels.wafer.tables import (
    CHUNK,
    COUNTERS,
    HELD,
    SCRATCH,
    Lists,
    Noise,
    Populations,
    Projections,
    Sync,
    Taps,
)

__all__ = [
    "CHUNK",
    "COUNTERS",
    "HELD",
    "ROOM",
    "SCRATCH",
    "Lists",
    "Noise",
    "Populations",
    "Projections",
    "Sync",
    "Taps",
    "advance",
    "gather",
]
