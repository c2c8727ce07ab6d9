"""The event engine's kernels: tables, rules, rows, the run, and chip time. Numba is loaded when `advance` is first asked for."""

from typing import TYPE_CHECKING, Any

from workbench.kernels.event.tables import Blocks, Noise, Outside, Rows, Scratch, Shape, State, Taps

if TYPE_CHECKING:
    from workbench.kernels.event.run import advance

__all__ = ["Blocks", "Noise", "Outside", "Rows", "Scratch", "Shape", "State", "Taps", "advance"]


def __getattr__(name: str) -> Any:
    if name != "advance":
        raise AttributeError(name)
    from workbench.kernels.event.run import advance  # noqa: PLC0415  what runs uncompiled needs no compiler

    return advance
