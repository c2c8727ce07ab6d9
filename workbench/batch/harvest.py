"""What the runner asks a notebook's kernel after its last cell: which code was used, and the pictures it has shown."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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

    The result's name is left out where that is clear without it.
    """
    found: list[tuple[tuple[str, str], Picture]] = []
    for number in sorted(outputs):
        if isinstance(outputs[number], Picture):
            found.append((_named(sources[number]) or ("cell", str(number)), outputs[number]))
    figures = [figure for (_, figure), _ in found]
    named: dict[str, Picture] = {}
    for (owner, figure), picture in found:
        clear = owner == "result" or figures.count(figure) == 1
        named[(figure if clear and owner != "cell" else f"{owner}-{figure}").replace(" ", "-").replace("_", "-")] = (
            picture
        )
    return named


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
            return (owner.id if isinstance(owner, ast.Name) else ast.unparse(owner).strip("'\"[]() "), figure)
    return None
