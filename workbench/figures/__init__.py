"""From recordings and numbers to pictures: `figures.raster(recording)`. No controls here, and no logic of a study.

Every function gives a Picture, which draws itself when someone looks. Names are resolved when used, and HoloViews is imported when
something is drawn, so that importing this room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.figures.ledger import energy, readable_joules, tiles
    from workbench.figures.numbers import curves, field
    from workbench.figures.panels import stack
    from workbench.figures.picture import Picture
    from workbench.figures.spikes import raster, rate, spectrum
    from workbench.figures.states import traces

__all__ = [
    "Picture",
    "curves",
    "energy",
    "field",
    "raster",
    "rate",
    "readable_joules",
    "spectrum",
    "stack",
    "tiles",
    "traces",
]

# No file here is called like one of these names: a submodule, once imported, would hide the function.
_HOMES = {
    "Picture": "picture",
    "raster": "spikes",
    "rate": "spikes",
    "spectrum": "spikes",
    "traces": "states",
    "energy": "ledger",
    "tiles": "ledger",
    "readable_joules": "ledger",
    "curves": "numbers",
    "field": "numbers",
    "stack": "panels",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
