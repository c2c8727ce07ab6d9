"""A chip: hardware as data, with a price for each event and a citation for each price. No chip knows its emulator."""

from __future__ import annotations

from typing import ClassVar, final

from workbench.fields import choice, count, described

__all__ = ["Chip", "Ideal"]


@described
class Chip:
    """Abstract: something a network can run on. `die` says which specimen: its spread, stuck cells and defects."""

    kind: ClassVar[str] = ""
    """Which backend emulates it: a key of `BACKENDS`."""
    name: str = ""
    die: int = count(0, doc="which specimen of the chip")

    @property
    def size(self) -> str:
        """How large it is, in words."""
        return ""

    @property
    def holds(self) -> str:
        """How much of a network fits on it, in words."""
        return ""


@final
@described
class Ideal(Chip):
    """No hardware: Brian2 integrates the equations in double precision. The reference for every chip."""

    kind: ClassVar[str] = "ideal"
    name: str = "ideal"
    target: str = choice(
        "numpy", ("numpy", "cython"), doc="how Brian2 computes: numpy starts at once, cython compiles first"
    )
