"""Wiring on a sheet of patches, by a rule that needs no stored synapse: near neighbours and far places, mixed by a number.

It is made for networks too large to store, and for caches: a block-structured random graph, not the uniform one. What the two have
in common, and in what they differ, is said at `Sheet`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.circuits.wiring import Edges, Wiring
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["NEAR", "Sheet", "patch_edges"]

NEAR = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
"""Where near contacts lie, in turn, in patches to the east and to the north: the patch itself, then its eight neighbours."""

FAR = 1 << 40
"""Key words from this number on decide where far contacts lie; those before it decide the targets."""

DRAWS = 1 << 16
"""Pairs of targets one contact may draw."""


def patch_edges(size: int, patches: int) -> NDArray[np.int64]:
    """Where the patches of a population of this size begin, and the end: patch p holds neurons ⌊p·size/patches⌋ and on."""
    return np.arange(patches + 1, dtype=np.int64) * size // patches


@final
@dataclass(frozen=True)
class Sheet(Wiring):
    """Every neuron makes `fan_out` synapses onto a sheet of `patches_x` × `patches_y` patches, which closes on itself at its edges.

    Both populations are dealt to the patches in equal runs (`patch_edges`). All neurons of a patch share `contacts` patches that they
    reach, and the synapses of each neuron are shared out evenly among them. A share `local` of the contacts is near: the patch itself
    and its eight neighbours, in turn (`NEAR`). The others are far: far contact c is a random permutation of all patches. Within the
    patch it reaches, every synapse draws its target at random, with replacement.

    What this has in common with the uniform random graph: the fan-out is the same for all, the mean in-degree is the same for every
    patch, and in-degrees are binomial, all but Poisson. In what it differs: neurons of one patch send to the same patches, so they
    have more targets in common, by a factor of 1 + (patches − 1) / contacts where all are far, and so have the sources of one neuron.

    Pair j of the draws of contact c by source i is h = bits(words(key, 65536·c + j), i): with n neurons in the patch, the first
    target is ⌊h·n / 2³²⌋, the second ⌊r·n / 2³²⌋ with r = h·n mod 2³². Contact c makes ⌊(c+1)·F/C⌋ − ⌊c·F/C⌋ synapses of each source.
    """

    fan_out: int
    patches_x: int
    patches_y: int
    local: float = 0.5
    contacts: int = 20

    def __post_init__(self) -> None:
        for name in ("fan_out", "patches_x", "patches_y", "contacts"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < (0 if name == "fan_out" else 1):
                raise DescriptionError(
                    tr(
                        "{where} is {value!r}: it must be a whole number, 1 or more.",
                        where=f"Sheet.{name}",
                        value=value,
                    )
                )
        if not 0 <= self.local <= 1:
            raise DescriptionError(
                tr("Sheet.local is {value}: it must lie between 0 and 1, the share of near contacts.", value=self.local)
            )

    @property
    def patches(self) -> int:
        """How many patches the sheet has."""
        return self.patches_x * self.patches_y

    @property
    def shares(self) -> NDArray[np.int64]:
        """How many synapses each contact makes for each source."""
        most = min(self.contacts, self.fan_out)
        return np.diff(np.arange(most + 1) * self.fan_out // max(1, most))

    @property
    def near(self) -> int:
        """How many contacts are near; they come first."""
        return round(self.local * self.shares.size)

    def reached(self, key: int) -> NDArray[np.int32]:
        """The patch that each contact of each patch reaches, shape (contacts, patches); every row is a permutation."""
        return _reached(self, key)

    def targets_of(self, source: NDArray[np.integer], sources: int, targets: int, key: int) -> NDArray[np.int64]:
        """The targets of each given source, shape (len(source), fan_out), contact by contact."""
        self._check(sources, targets)
        starts, ends = (patch_edges(n, self.patches) for n in (sources, targets))
        source = np.asarray(source, np.int64)
        home = np.searchsorted(starts, source, side="right") - 1
        made: list[NDArray[np.int64]] = []
        for c, share in enumerate(self.shares.tolist()):
            there = self.reached(key)[c, home]
            first = ends[there][:, None]
            n = (ends[there + 1] - ends[there]).astype(np.uint64)[:, None]
            w = streams.step_words(key, DRAWS * c, DRAWS * c + (share + 1) // 2)
            h = streams.bits(w[:, 0][None, :], w[:, 1][None, :], source.astype(np.uint32)[:, None]).astype(np.uint64)
            one = h * n
            two = (one & np.uint64(0xFFFFFFFF)) * n
            pair = np.stack([one >> np.uint64(32), two >> np.uint64(32)], axis=2).reshape(source.size, -1)
            made.append(first + pair[:, :share].astype(np.int64))
        return np.concatenate(made, axis=1) if made else np.zeros((source.size, 0), np.int64)

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        j = self.targets_of(np.arange(sources), sources, targets, key).reshape(-1)
        i = np.repeat(np.arange(sources, dtype=np.int64), self.fan_out)
        order = np.argsort(j, kind="stable")
        return i[order].astype(np.int32), j[order].astype(np.int32)

    def count(self, sources: int, targets: int, key: int) -> int:
        """Fan-out × sources."""
        self._check(sources, targets)
        return self.fan_out * sources

    def _check(self, sources: int, targets: int) -> None:
        if min(sources, targets) < self.patches:
            raise DescriptionError(
                tr(
                    "A sheet of {x} × {y} patches needs at least {patches} neurons on both sides, not {sources} and {targets}: "
                    "take fewer patches.",
                    x=self.patches_x,
                    y=self.patches_y,
                    patches=self.patches,
                    sources=sources,
                    targets=targets,
                )
            )


@lru_cache(maxsize=32)
def _reached(sheet: Sheet, key: int) -> NDArray[np.int32]:
    patch = np.arange(sheet.patches, dtype=np.int64)
    x, y = patch % sheet.patches_x, patch // sheet.patches_x
    made = np.empty((sheet.shares.size, sheet.patches), np.int32)
    for c in range(sheet.shares.size):
        if c < sheet.near:
            dx, dy = NEAR[c % len(NEAR)]
            made[c] = (y + dy) % sheet.patches_y * sheet.patches_x + (x + dx) % sheet.patches_x
        else:
            w1, w2 = streams.step_words(key, FAR + c, FAR + c + 1)[0]
            made[c] = np.argsort(streams.bits(w1, w2, patch.astype(np.uint32)), kind="stable")
    made.flags.writeable = False
    return made
