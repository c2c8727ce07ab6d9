"""A measured table from a text file: columns whose names carry their units, every number checked, every refusal with its line."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError, unknown
from workbench.words import tr

__all__ = ["MOST_BYTES", "MOST_ROWS", "Table", "read"]

MOST_BYTES = 16 * 2**20
MOST_ROWS = 200_000
_CONDUCTANCE = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TIME = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_UNITS = {"g": _CONDUCTANCE, "sd": _CONDUCTANCE, "time": _TIME}
_PLAIN = ("pulse", "cell")
_ALIASES = {"conductance": "g", "sigma": "sd", "std": "sd"}
_DIRECTIONS = {
    "up": 1, "ltp": 1, "potentiation": 1, "set": 1, "+1": 1, "1": 1,
    "down": -1, "ltd": -1, "depression": -1, "reset": -1, "-1": -1,
}  # fmt: skip


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """What a file holds: columns in SI by the name before the unit ("g", "sd", "time", "pulse", "cell", "direction")."""

    file: str
    columns: dict[str, NDArray[np.float64]]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read(path: str | os.PathLike[str]) -> Table:
    """The table in the file at `path`: commas, semicolons or tabs, a header, "#" for comments.

    Raises DescriptionError for a file that is missing, empty, too large or no text, for an unknown or repeated column or unit, and for
    what is not a finite number in its range, with the line.
    """
    place = Path(path)
    lines = _lines(place)
    number, head = lines[0]
    delimiter = next((d for d in (",", ";", "\t") if d in head), ",")
    columns = [_column(place.name, cell) for cell in next(csv.reader([head], delimiter=delimiter))]
    names = [name for name, _ in columns]
    for name in names:
        if names.count(name) > 1:
            raise DescriptionError(
                tr("{file}, line {line}: the column '{name}' is there twice.", file=place.name, line=number, name=name)
            )
    if len(lines) == 1:
        raise DescriptionError(tr("{file} has a header and no numbers.", file=place.name))
    if len(lines) - 1 > MOST_ROWS:
        raise DescriptionError(
            tr(
                "{file} has {rows:,} rows; at most {most:,} are read. Thin it out.",
                file=place.name,
                rows=len(lines) - 1,
                most=MOST_ROWS,
            )
        )
    table = np.empty((len(lines) - 1, len(columns)))
    for row, (number, line) in enumerate(lines[1:]):
        cells = next(csv.reader([line], delimiter=delimiter))
        if len(cells) != len(columns):
            raise DescriptionError(
                tr(
                    "{file}, line {line}: {got} values for {columns} columns.",
                    file=place.name,
                    line=number,
                    got=len(cells),
                    columns=len(columns),
                )
            )
        for k, ((name, factor), cell) in enumerate(zip(columns, cells, strict=True)):
            table[row, k] = _number(place.name, number, name, cell.strip()) * factor
    return Table(file=place.name, columns={name: table[:, k].copy() for k, name in enumerate(names)})


def _lines(place: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers."""
    try:
        size = place.stat().st_size
        if size > MOST_BYTES:
            raise DescriptionError(
                tr(
                    "{file} has {size:.0f} MB; at most {most:.0f} MB are read. Thin it out.",
                    file=place.name,
                    size=size / 2**20,
                    most=MOST_BYTES / 2**20,
                )
            )
        text = place.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DescriptionError(
            tr("{file} cannot be read: {why}.", file=str(place), why=error.strerror or error)
        ) from None
    except UnicodeDecodeError:
        raise DescriptionError(
            tr("{file} is not a text file in UTF-8; save it as CSV in UTF-8.", file=place.name)
        ) from None
    lines = [
        (n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise DescriptionError(tr("{file} is empty.", file=place.name))
    return lines


def _column(file: str, said: str) -> tuple[str, float]:
    """The name of a column and the factor of its unit; "g_us" is ("g", 1e-6)."""
    text = said.strip().lower().replace("µ", "u").replace("μ", "u")
    if text in _PLAIN or text == "direction":
        return text, 1.0
    name, _, unit = text.partition("_")
    name = _ALIASES.get(name, name)
    if name in _UNITS:
        known = _UNITS[name]
        if unit in known:
            return name, known[unit]
        raise DescriptionError(
            tr(
                "{file}: the column '{said}' must carry its unit: write {known}.",
                file=file,
                said=said.strip(),
                known=", ".join(f"{name}_{u}" for u in known),
            )
        )
    known = [*(f"{name}_{u}" for name, units in _UNITS.items() for u in units), *_PLAIN, "direction"]
    raise unknown("column", said.strip(), known)


def _number(file: str, line: int, name: str, cell: str) -> float:
    """One value in its column's range, or the refusal with its line."""
    if name == "direction":
        if cell.lower() not in _DIRECTIONS:
            raise DescriptionError(
                tr("{file}, line {line}: direction is '{cell}'; write up or down.", file=file, line=line, cell=cell)
            )
        return float(_DIRECTIONS[cell.lower()])
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DescriptionError(
            tr(
                "{file}, line {line}: {name} is '{cell}', which is no number.",
                file=file,
                line=line,
                name=name,
                cell=cell,
            )
        )
    if value < 0 or (name == "time" and value == 0) or (name in _PLAIN and value != math.floor(value)):
        needed = {"time": tr("above 0"), "pulse": tr("a whole number from 0"), "cell": tr("a whole number from 0")}
        raise DescriptionError(
            tr(
                "{file}, line {line}: {name} is {cell}; it must be {needed}.",
                file=file,
                line=line,
                name=name,
                cell=cell,
                needed=needed.get(name, tr("at least 0")),
            )
        )
    return value
