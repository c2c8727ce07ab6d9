"""The event engine's kernels: tables, rules, rows, the run, and chip time. Numba is loaded when one of the last two is first asked for."""

from typing import TYPE_CHECKING, Any

from workbench.kernels.event.tables import (
    FOREVER,
    Blocks,
    Buckets,
    Dense,
    Masks,
    Noise,
    Outside,
    Rows,
    Scratch,
    Shape,
    State,
    Taps,
)

if TYPE_CHECKING:
    from workbench.kernels.event.outside import listed
    from workbench.kernels.event.run import advance

__all__ = [
    "FOREVER",
    "Blocks",
    "Buckets",
    "Dense",
    "Masks",
    "Noise",
    "Outside",
    "Rows",
    "Scratch",
    "Shape",
    "State",
    "Taps",
    "advance",
    "listed",
]


def __getattr__(name: str) -> Any:
    # what runs uncompiled needs no compiler
    if name == "advance":
        from workbench.kernels.event.run import advance  # noqa: PLC0415

        return advance
    if name == "listed":
        from workbench.kernels.event.outside import listed  # noqa: PLC0415

        return listed
    raise AttributeError(name)
