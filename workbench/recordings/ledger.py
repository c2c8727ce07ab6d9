"""The ledger: how often each event happened, when and where. Emulators count, price lists price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError, UnsupportedError, unknown
from workbench.recordings.prices import Price
from workbench.words import tr

__all__ = ["LARGEST", "Ledger"]

LARGEST = 256 * 2**20
"""A ledger over this many bytes is refused before it is allocated."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Ledger:
    """Counts of events by window, place and kind, with the price of each kind.

    counts: int64, shape (windows, places, events). `windows` are the edges in seconds of model time, one more than windows.
    `chip_time` is what the emulated chip would need for the run, in seconds, under the timing model `timing`.
    """

    counts: NDArray[np.int64]
    windows: NDArray[np.float64]
    places: tuple[str, ...]
    events: tuple[str, ...]
    prices: Mapping[str, Price] = field(default_factory=dict)
    timing: str = "none"
    chip_times: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Chip time of each window, s; empty when there is no timing model."""
    links: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 4, 0, 0), np.int64))
    """Packets over each link, shape (windows, 4, tiles_y, tiles_x): east, west, north, south; no windows without a mesh."""

    def __post_init__(self) -> None:
        if self.counts.shape != (len(self.windows) - 1, len(self.places), len(self.events)):
            raise DescriptionError(
                tr(
                    "The ledger's counts have shape {shape}; its labels need {needed}.",
                    shape=self.counts.shape,
                    needed=(len(self.windows) - 1, len(self.places), len(self.events)),
                )
            )
        missing = [e for e in self.events if e not in self.prices]
        if missing:
            raise unknown("price", missing[0], self.prices)

    @staticmethod
    def room(windows: int, places: int, events: int) -> None:
        """Raise DescriptionError when a ledger of this shape would be too large to hold."""
        size = 8 * windows * places * events
        if size > LARGEST:
            raise DescriptionError(
                tr(
                    "A ledger of {windows} windows × {places} places × {events} events takes {mb:.0f} MB; at most {limit:.0f}. Use longer windows.",
                    windows=windows,
                    places=places,
                    events=events,
                    mb=size / 2**20,
                    limit=LARGEST / 2**20,
                )
            )

    def _joules(self) -> NDArray[np.float64]:
        return np.array([self.prices[e].joules for e in self.events])

    def energy(self) -> NDArray[np.float64]:
        """The energy in joules, same shape as counts."""
        return self.counts * self._joules()

    @property
    def total(self) -> float:
        """All energy, J."""
        return float(self.counts.sum(axis=(0, 1)) @ self._joules()) if self.events else 0.0

    @property
    def chip_time(self) -> float:
        """What the chip would need for the run, s; 0 without a timing model."""
        return float(self.chip_times.sum())

    def count(self, event: str) -> int:
        """How often `event` happened in all."""
        if event not in self.events:
            raise unknown("event", event, self.events)
        return int(self.counts[:, :, self.events.index(event)].sum())

    def by_event(self) -> dict[str, float]:
        """Joules by kind of event."""
        return dict(zip(self.events, (self.counts.sum(axis=(0, 1)) * self._joules()).tolist(), strict=True))

    def by_place(self) -> dict[str, float]:
        """Joules by place."""
        return (
            dict(zip(self.places, (self.counts.sum(axis=0) @ self._joules()).tolist(), strict=True))
            if self.events
            else {}
        )

    def reprice(self, prices: Mapping[str, Price]) -> Ledger:
        """The same counts at other prices, without a run.

        Energy is linear in the counts and reprices exactly. Chip time is not: it is decided during the run, so a price list with
        other times raises UnsupportedError, which names what to run again.
        """
        merged = {**self.prices, **prices}
        wrong = [p for p in prices if p not in self.events]
        if wrong:
            raise unknown("event", wrong[0], self.events)
        if self.timing != "none" and any(merged[e].seconds != self.prices[e].seconds for e in self.events):
            raise UnsupportedError(
                tr(
                    "Other times per event change the chip time, which is decided during a run: run the experiment again on a chip with these prices."
                )
            )
        return replace(self, prices=merged)
