"""From a recording, or from theory, to numbers: `measures.rate(recording, "E")`, `measures.siegert.rate(circuit)`.

Names are resolved when used, so that importing this room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.measures import siegert
    from workbench.measures.lif import lif_rate, rheobase
    from workbench.measures.spikes import (
        counts,
        intervals,
        isi_cv,
        peak_frequency,
        population_rate,
        rate,
        rates,
        shared_spikes,
        spectrum,
        synchrony,
    )

__all__ = [
    "counts",
    "intervals",
    "isi_cv",
    "lif_rate",
    "peak_frequency",
    "population_rate",
    "rate",
    "rates",
    "rheobase",
    "shared_spikes",
    "siegert",
    "spectrum",
    "synchrony",
]

_HOMES = {"lif_rate": "lif", "rheobase": "lif", "siegert": ""}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "spikes")
    found = importlib.import_module(f"{__name__}.{home or name}")
    return getattr(found, name) if home else found
