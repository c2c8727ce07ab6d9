"""Painted cells: a line of text such as "3,4 3,5 10,0" names cells (row, column), so that a picture can be a knob.

A cell that is named twice is as it was before: painting a painted cell wipes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["cells", "painted", "stroke"]

Cell = tuple[int, int]

_CELL = re.compile(r"(\d{1,6}),(\d{1,6})")


def cells(pattern: str) -> tuple[Cell, ...]:
    """The painted cells (row, column), row by row; raises DescriptionError for a text that is no pattern."""
    found: set[Cell] = set()
    for word in pattern.split():
        read = _CELL.fullmatch(word)
        if read is None:
            raise DescriptionError(
                tr("'{word}' is no cell: write cells as row,column with spaces between, such as '3,4 3,5'.", word=word)
            )
        found ^= {(int(read[1]), int(read[2]))}
    return tuple(sorted(found))


def painted(pattern: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which cells of an array of `shape` (rows, columns) are painted; raises DescriptionError for a cell that lies outside."""
    made = np.zeros(shape, bool)
    for row, column in cells(pattern):
        if row >= shape[0] or column >= shape[1]:
            raise DescriptionError(
                tr(
                    "Cell {row},{column} lies outside: here rows are 0 … {rows} and columns 0 … {columns}.",
                    row=row,
                    column=column,
                    rows=shape[0] - 1,
                    columns=shape[1] - 1,
                )
            )
        made[row, column] = True
    return made


def stroke(pattern: str, along: Iterable[Cell]) -> str:
    """The pattern after a brush went along these cells: it paints if the first was bare, and wipes if the first was painted."""
    before = set(cells(pattern))
    over = [(int(row), int(column)) for row, column in along]
    if over:
        before = before - set(over) if over[0] in before else before | set(over)
    return " ".join(f"{row},{column}" for row, column in sorted(before))
