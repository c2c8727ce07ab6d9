"""What one event costs, and where that number comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["Citation", "Price"]


@final
@dataclass(frozen=True)
class Citation:
    """Where a number comes from: published, computed or assumed, and the place."""

    kind: Literal["published", "computed", "assumed"]
    where: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}"


@final
@dataclass(frozen=True)
class Price:
    """The energy (J) and the time (s) of one event, with its source."""

    joules: float
    seconds: float
    citation: Citation

    def __post_init__(self) -> None:
        for name, value in (("joules", self.joules), ("seconds", self.seconds)):
            if not 0 <= value < 1:
                raise DescriptionError(
                    tr("Price.{name} is {value}: it must lie between 0 and 1 (SI).", name=name, value=value)
                )
