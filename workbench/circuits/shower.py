"""Poisson spikes drawn for many neurons at once: a count for the group, then who."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.circuits.stimuli import Stimulus
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["GROUP", "WORDS", "Shower"]

GROUP = 256
"""Source neurons that share one count."""

WORDS = 1024
"""Key words that belong to one step: one for the counts, the others for who, four spikes to a word."""


@final
@dataclass(frozen=True)
class Shower(Stimulus):
    """Independent Poisson spikes at `rate` (Hz) per source neuron, the same process as `Poisson`, at a cost that follows the spikes.

    A Poisson count for each group of 256 neurons is dealt to them at random, which makes their own counts independent and Poisson
    (the splitting of a Poisson process). With w(k) = words(key, 1024·step + k) and g the group, the count comes from bits(w(0), g) by
    the table of mean 256·rate·dt, and spike m goes to the neuron that byte m mod 4 of bits(w(1 + m div 4), g) names, counted from
    the group's first; in a last group that is not full, what nobody is there for is lost.
    """

    rate: float

    def __post_init__(self) -> None:
        if not (self.rate >= 0 and math.isfinite(self.rate)):
            raise DescriptionError(
                tr("{what} is {value}: it must be a finite number, 0 or more.", what="Shower.rate", value=self.rate)
            )

    def table(self, dt: float) -> NDArray[np.uint32]:
        """The thresholds of the counter rule for the count of a group in one step of `dt`."""
        # Far out, thresholds are all the same number: each would be asked, and none but the first counts.
        made = streams.poisson_table(GROUP * self.rate * dt)
        made = made[: np.searchsorted(made, made[-1]) + 1] if made.size else made
        if made.size > 4 * (WORDS - 1):
            raise DescriptionError(
                tr(
                    "Shower.rate is {rate:g} Hz, with steps of {dt:g} ms {mean:g} spikes in each; it is meant for few: write Poisson({rate:g}).",
                    rate=self.rate,
                    dt=dt * 1e3,
                    mean=self.rate * dt,
                )
            )
        return made

    def block(self, size: int, start: int, stop: int, dt: float, key: int) -> NDArray[np.uint16]:
        """See Stimulus."""
        table = self.table(dt)
        group = np.arange(-(-size // GROUP), dtype=np.uint32)
        made = np.zeros((stop - start, group.size * GROUP), np.uint16)
        for s in range(start, stop):
            w = streams.step_words(key, WORDS * s, WORDS * s + 1 + -(-table.size // 4))
            counts = streams.counts_from_bits(streams.bits(w[0, 0], w[0, 1], group), table)
            for m in range(int(counts.max(initial=0))):
                named = (streams.bits(w[1 + m // 4, 0], w[1 + m // 4, 1], group) >> np.uint32(8 * (m % 4))) & np.uint32(
                    255
                )
                who = (group * np.uint32(GROUP) + named)[counts > m]
                made[s - start, who] += np.uint16(1)  # each group names one neuron in each turn
        return made[:, :size]
