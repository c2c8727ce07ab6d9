"""A machine or a brain as data: what it holds, what it draws, what it does in a second, and what one event costs; each number cited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, final

from workbench.errors import DescriptionError
from workbench.recordings.prices import Citation
from workbench.words import tr

__all__ = ["COUNTED", "Counted", "Energy", "System"]

Counted = Literal["operation", "chip", "plug"]
COUNTED: Mapping[Counted, str] = {
    "operation": "the arithmetic of one synaptic operation alone, from a price list or from peak numbers",
    "chip": "all power of the chips over the synaptic events they handle",
    "plug": "power at the plug while a known model ran, over its synaptic events",
}
"""What an "energy per synaptic operation" may mean; the three lie up to five orders apart."""

NUMBERS = ("neurons", "synapses", "watts", "events", "operations", "speed")


@final
@dataclass(frozen=True)
class Energy:
    """Joules for one synaptic event, what was counted, at which occasion, and where the number comes from."""

    joules: float
    counted: Counted
    citation: Citation
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.joules < 1:
            raise DescriptionError(
                tr("Price.{name} is {value}: it must lie between 0 and 1 (SI).", name="joules", value=self.joules)
            )
        if self.counted not in COUNTED:
            raise DescriptionError(
                tr("'{key}' is {value!r}: write {said}.", key="counted", value=self.counted, said=", ".join(COUNTED))
            )


@final
@dataclass(frozen=True, kw_only=True)
class System:
    """What is said of one machine; None where nothing was published or found. Every number has its citation in `sources`.

    Of several energies with the same definition the first is the one that is compared, the others are told.
    """

    name: str
    title: str
    year: int
    family: str
    """"neuromorphic", "wafer", "GPU", "supercomputer", "CPU cluster", "FPGA" or "brain"."""
    neurons: float | None = None
    synapses: float | None = None
    watts: float | None = None
    """What it draws, W."""
    events: float | None = None
    """Synaptic events a second, as its makers count them, at most."""
    operations: float | None = None
    """Arithmetic operations a second at most: a multiplication and an addition are two."""
    speed: float | None = None
    """Model time over wall-clock time with all its neurons: 1 is as fast as life, 1000 a thousand times faster."""
    energies: tuple[Energy, ...] = ()
    sources: Mapping[str, Citation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = {name for name in NUMBERS if getattr(self, name) is not None}
        for name in given:
            if not getattr(self, name) > 0:
                raise DescriptionError(
                    tr(
                        "{where} is {value}: it must lie above 0.",
                        where=f"{self.name}.{name}",
                        value=getattr(self, name),
                    )
                )
        if given != set(self.sources):
            raise DescriptionError(
                tr(
                    "{name}: numbers and citations do not match in {names}.",
                    name=self.name,
                    names=", ".join(sorted(given ^ set(self.sources))),
                )
            )

    def energy(self, counted: str) -> Energy | None:
        """The energy of a synaptic event by one definition; None if nobody told it."""
        return next((e for e in self.energies if e.counted == counted), None)

    @property
    def numbers(self) -> dict[str, tuple[float, Citation]]:
        """Every number there is, with its citation."""
        return {f.name: (getattr(self, f.name), self.sources[f.name]) for f in fields(self) if f.name in self.sources}
