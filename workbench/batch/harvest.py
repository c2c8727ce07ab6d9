"""What the runner asks a notebook's kernel after its last cell: which code was used, and the pictures it has shown."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench import words
from workbench.batch.fingerprint import code_of, loaded_code
from workbench.figures.picture import Picture

__all__ = ["harvest", "shown"]


def harvest(namespace: Mapping[str, Any], *, into: str, formats: tuple[str, ...]) -> None:
    """Save the pictures a notebook has shown and print, as JSON, what was saved and what code was used."""
    folder = Path(into)
    saved: dict[str, str] = {}
    for name, picture in shown(namespace.get("In", ()), namespace.get("Out", {})).items():
        folder.mkdir(parents=True, exist_ok=True)
        for ending in formats:
            picture.save(folder / f"{name}.{ending}")
        saved[name] = picture.text
    print(json.dumps({"figures": saved, "code": code_of(loaded_code())}))


def shown(sources: Any, outputs: Mapping[int, Any]) -> dict[str, Picture]:
    """The pictures among a kernel's outputs, named after what the cell says: `storm.figures()["raster"]` is storm-raster.

    The result's name is left out where that is clear without it; any other picture is named after its title.
    """
    found: list[tuple[str, str, Picture]] = []
    for number in sorted(outputs):
        picture = outputs[number]
        if isinstance(picture, Picture):
            owner, figure = _named(sources[number]) or ("", _title(picture))
            found.append((owner, figure or f"cell {number}", picture))
    figures = [figure for _, figure, _ in found]
    named: dict[str, Picture] = {}
    for owner, figure, picture in found:
        clear = owner in ("", "result") or figures.count(figure) == 1
        name = _slug(figure if clear else f"{owner} {figure}")
        again = next(n for n in ("", *(f"-{k}" for k in range(2, 1000))) if name + n not in named)
        named[name + again] = picture
    return named


def _title(picture: Picture) -> str:
    with words.speaking("en"):  # a file's name does not change with the reader's language
        return picture.title


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[A-Za-z0-9]+", text)).lower()


def _named(source: str) -> tuple[str, str] | None:
    """The result and the figure that the last line of a cell names, if it is of that form."""
    try:
        last = ast.parse(source).body[-1]
    except (SyntaxError, IndexError):
        return None
    match last:
        case ast.Expr(
            value=ast.Subscript(value=ast.Call(func=ast.Attribute(value=owner)), slice=ast.Constant(value=str(figure)))
        ):
            return (owner.id if isinstance(owner, ast.Name) else "", figure)
    return None
