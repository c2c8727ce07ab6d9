"""Power usage effectiveness: what a facility draws over what its computers draw, and what a promised saving would need.

E_total = E_IT × PUE. With the IT energy changed to f × E_IT and the PUE from p₀ to p₁, the saving is s = 1 − f p₁/p₀.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from workbench.physics.ranges import at_least, not_negative, positive, within
from workbench.recordings.prices import Citation

__all__ = ["SURVEY", "Facility", "fan_power", "landauer", "largest_saving", "pue_needed", "saving"]

BOLTZMANN = 1.380649e-23

SURVEY = {
    2023: (1.58, Citation("published", "Uptime Institute survey 2023")),
    2024: (1.56, Citation("published", "Uptime Institute survey 2024")),
}
"""The mean PUE that facilities reported, by year."""


def saving(before: float, after: float, *, it_ratio: float = 1.0) -> float:
    """The share of all energy saved from PUE `before` to `after`, when IT draws `it_ratio` of what it did: 1 − f p₁/p₀."""
    return 1 - not_negative("it_ratio", it_ratio) * at_least("after", after, 1.0) / at_least("before", before, 1.0)


def largest_saving(before: float, *, it_ratio: float = 1.0) -> float:
    """The most that can be saved by cooling alone: 1 − f/p₀, at a PUE of 1 that nothing reaches. 36.7 % at 1.58."""
    return saving(before, 1.0, it_ratio=it_ratio)


def pue_needed(before: float, saving: float, *, it_ratio: float = 1.0) -> float:
    """The PUE that a saving needs: (1 − s) p₀/f. Below 1 it cannot be had: the saving must come from the IT load too."""
    return (1 - within("saving", saving, 0.0, 1.0)) * at_least("before", before, 1.0) / positive("it_ratio", it_ratio)


def fan_power(power: float, speed: float) -> float:
    """The power (W) of fans that drew `power` and now turn at `speed` of what they did: P n³."""
    return not_negative("power", power, "W") * not_negative("speed", speed) ** 3


def landauer(temperature: float) -> float:
    """The least energy (J) that erasing one bit costs at a temperature (K): k T ln 2."""
    return BOLTZMANN * positive("temperature", temperature, "K") * math.log(2)


@final
@dataclass(frozen=True, kw_only=True)
class Facility:
    """A ledger of power (W): what computes, and what serves it. Server fans and leakage count as IT, which is what PUE hides."""

    compute: float
    leakage: float = 0.0
    fans: float = 0.0
    cooling: float = 0.0
    distribution: float = 0.0
    other: float = 0.0

    def __post_init__(self) -> None:
        positive("compute", self.compute, "W")
        for name in ("leakage", "fans", "cooling", "distribution", "other"):
            not_negative(name, getattr(self, name), "W")

    @property
    def it(self) -> float:
        """W inside the racks."""
        return self.compute + self.leakage + self.fans

    @property
    def total(self) -> float:
        """W at the meter."""
        return self.it + self.cooling + self.distribution + self.other

    @property
    def pue(self) -> float:
        """Total over IT."""
        return self.total / self.it

    def saving(self, after: Facility) -> float:
        """The share of all power that `after` saves: the same as by `saving` from both PUEs and the ratio of IT."""
        return 1 - after.total / self.total
