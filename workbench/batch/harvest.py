"""What the runner asks a notebook's kernel after its last cell: which code was used, and every picture there is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.batch.fingerprint import code_of, loaded_code
from workbench.figures.picture import Picture
from workbench.studies.study import Result

__all__ = ["harvest"]


def harvest(namespace: Mapping[str, Any], *, into: str, formats: tuple[str, ...]) -> None:
    """Save the pictures of a notebook's results and print, as JSON, what was saved and what code was used."""
    folder = Path(into)
    folder.mkdir(parents=True, exist_ok=True)
    saved: dict[str, str] = {}
    found = dict(_pictures(namespace)) if formats else {}
    for name, picture in found.items():
        for ending in formats:
            picture.save(folder / f"{name}.{ending}")
        saved[name] = picture.text
    print(json.dumps({"figures": saved, "code": code_of(loaded_code())}))


def _pictures(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Picture]]:
    """Every picture by a file name: the figure's name alone where there is one result, else after the result's."""
    results = dict(_results({name: value for name, value in namespace.items() if not name.startswith("_")}))
    seen: set[int] = set()
    for name, result in results.items():
        if id(result) in seen:
            continue
        seen.add(id(result))
        for figure, picture in result.figures().items():
            yield (figure if len({id(r) for r in results.values()}) == 1 else f"{name}-{figure}"), picture
    for name, value in namespace.items():
        if isinstance(value, Picture) and not name.startswith("_"):
            yield name.replace("_", "-"), value


def _results(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    for name, value in namespace.items():
        tidy = str(name).replace("_", "-").replace(" ", "-")
        if isinstance(value, Result):
            yield tidy, value
        elif isinstance(value, dict) and value and all(isinstance(v, Result) for v in value.values()):
            yield from ((f"{tidy}-{inner}", result) for inner, result in _results(value))
        elif isinstance(value, (list, tuple)) and value and all(isinstance(v, Result) for v in value):
            yield from ((f"{tidy}-{k}", result) for k, result in enumerate(value, start=1))
