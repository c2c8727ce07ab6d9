"""Defects of a specimen: how many cores, routers, links and dies are dead, by which law they cluster, and what is kept in reserve."""

from __future__ import annotations

import re
from typing import final

from workbench.errors import DescriptionError
from workbench.fields import choice, count, described, quantity, text
from workbench.units import per_mm2
from workbench.words import tr

__all__ = ["LAWS", "Defects", "Tile", "cut_links", "killed_cores", "killed_tiles"]

LAWS = ("poisson", "murphy", "seeds", "negative binomial")
"""How the density of defects differs from die to die: not at all, in a triangle, exponentially, or as a gamma distribution."""

Tile = tuple[int, int]
"""(row, column)."""

_TILE = re.compile(r"(\d{1,6}),(\d{1,6})(?::(\d{1,6}),(\d{1,6}))?")
_CORE = re.compile(r"(\d{1,6}),(\d{1,6}),(\d{1,6})")
_LINK = re.compile(r"(\d{1,6}),(\d{1,6})-(\d{1,6}),(\d{1,6})")


@final
@described
class Defects:
    """What is broken on a chip of many tiles, and how it is mended; which parts they are is drawn from the chip's `die`.

    A core is dead if at least one killing defect lies on its area A. Defects fall at random with the density D·M, where M has the mean 1
    and is one number for each die: P(core lives) = E[exp(−A·D·M)], which is exp(−λ) (Poisson, λ = A·D), ((1 − exp(−λ))/λ)² (Murphy),
    1/(1 + λ) (Seeds), (1 + λ/α)^(−α) (negative binomial). A dead router takes its tile with it: cores and links.
    """

    density: float = quantity(
        0.0, "/mm²", low=0.0, high=100 * per_mm2, doc="killing defects on an area; a core with one or more is dead"
    )
    law: str = choice("poisson", LAWS, doc="how the density differs from die to die", label="clustering law")
    alpha: float = quantity(
        2.0,
        "",
        low=0.05,
        high=1000.0,
        doc="α of the negative binomial law: the smaller, the more clustered",
        label="clustering α",
        log=True,
    )
    die_tiles: int = count(
        0, low=0, high=4096, doc="tiles along each side of a die, which shares one density; 0: all tiles are one die"
    )
    dies: float = quantity(0.0, "%", low=0.0, high=1.0, doc="chance of a die to be dead as a whole", label="dead dies")
    routers: float = quantity(
        0.0, "%", low=0.0, high=1.0, doc="chance of a tile to be dead: its router, cores and links", label="dead tiles"
    )
    links: float = quantity(
        0.0, "%", low=0.0, high=1.0, doc="chance of a link between two tiles to be dead, both ways", label="dead links"
    )
    vias: float = quantity(
        0.0, "%", low=0.0, high=1.0, doc="chance of a link between two layers to be dead, both ways", label="dead vias"
    )
    killed: str = text(
        "", doc="tiles killed by hand, row,column: '3,4 3,5'; click on the map or write", label="killed tiles"
    )
    killed_cores: str = text("", doc="cores killed by hand, row,column,core: '3,4,0'; packets still pass their tiles")
    cut: str = text("", doc="links cut by hand, tile-tile: '3,4-3,5 0,0-1,0'", label="cut links")
    spare_columns: int = count(0, low=0, high=4095, doc="last columns of tiles, kept in reserve")
    spare_rows: int = count(0, low=0, high=4095, doc="last rows of tiles, kept in reserve")
    repair: str = choice(
        "around",
        ("around", "nearest", "shift"),
        doc="place on all that lives; or as if whole, and move from dead tiles to the nearest free one, or shift rows past them",
    )
    detours: str = choice(
        "shortest",
        ("shortest", "up-down"),
        doc="shortest ways on as many virtual channels as they need; or up*/down* ways on one, which may be longer",
    )

    def check(self) -> None:
        """What is killed or cut by hand must be readable; whether it lies on the mesh is for the chip to say."""
        killed_tiles(self.killed)
        killed_cores(self.killed_cores)
        cut_links(self.cut)

    @property
    def quiet(self) -> bool:
        """Whether nothing can be dead and nothing is kept in reserve: then a chip is as if it had no defects at all."""
        chances = self.density or self.dies or self.routers or self.links or self.vias
        reserved = (self.spare_columns or self.spare_rows) and self.repair != "around"
        return not (chances or self.killed.strip() or self.killed_cores.strip() or self.cut.strip() or reserved)


def killed_tiles(pattern: str) -> tuple[Tile, ...]:
    """The tiles (row, column) of a text such as "3,4 3,5", or of a block such as "0,0:2,3" with its corners; named twice is as before."""
    found: set[Tile] = set()
    for word in pattern.split():
        read = _TILE.fullmatch(word)
        if read is None:
            raise DescriptionError(
                tr("'{word}' is no tile: write tiles as row,column with spaces between, such as '3,4 3,5'.", word=word)
            )
        row, column = int(read[1]), int(read[2])
        to_row, to_column = (row, column) if read[3] is None else (int(read[3]), int(read[4]))
        found ^= {(r, c) for r in range(row, to_row + 1) for c in range(column, to_column + 1)}
    return tuple(sorted(found))


def killed_cores(pattern: str) -> tuple[tuple[int, int, int], ...]:
    """The cores (row, column, core on the tile) of a text such as "3,4,0"."""
    found: set[tuple[int, int, int]] = set()
    for word in pattern.split():
        read = _CORE.fullmatch(word)
        if read is None:
            raise DescriptionError(
                tr(
                    "'{word}' is no core: write cores as row,column,core with spaces between, such as '3,4,0'.",
                    word=word,
                )
            )
        found ^= {(int(read[1]), int(read[2]), int(read[3]))}
    return tuple(sorted(found))


def cut_links(pattern: str) -> tuple[tuple[Tile, Tile], ...]:
    """The links of a text such as "3,4-3,5 0,0-1,0", each as its two tiles (row, column), the smaller one first."""
    found: set[tuple[Tile, Tile]] = set()
    for word in pattern.split():
        read = _LINK.fullmatch(word)
        if read is None:
            raise DescriptionError(
                tr(
                    "'{word}' is no link: write links as tile-tile, each tile as row,column, such as '3,4-3,5'.",
                    word=word,
                )
            )
        row, column, to_row, to_column = (int(part) for part in read.groups())
        if abs(row - to_row) + abs(column - to_column) != 1:
            raise DescriptionError(
                tr("'{word}' is no link: a link joins two tiles beside each other, such as '3,4-3,5'.", word=word)
            )
        one, other = sorted([(row, column), (to_row, to_column)])
        found ^= {(one, other)}
    return tuple(sorted(found))
