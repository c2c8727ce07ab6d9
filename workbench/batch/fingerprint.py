"""What a stored result was made from, and why it is stale: source, parameters, code, versions; never dates."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench import jobs
from workbench.errors import StoreError
from workbench.recordings import files
from workbench.words import tr

__all__ = ["code_of", "digest", "loaded_code", "put", "stale", "versions"]

PACKAGE = Path(__file__).resolve().parents[1]
ROOTS = {"workbench": PACKAGE, "widgets": PACKAGE.parent / "widgets"}

NUMERIC = ("numpy", "scipy", "numba", "brian2", "xarray", "holoviews", "matplotlib")
"""The libraries whose release can change a number or a picture."""

# what a notebook does not compute with: the code that runs it
OUTSIDE = ("workbench.batch", "workbench.cli", "workbench.course", "workbench.jobs", "workbench.__main__")


def digest(*values: Any) -> str:
    """A short name for JSON-able values."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def versions() -> dict[str, str]:
    """The releases of Python and of the numeric libraries."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in NUMERIC:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "none"
    return found


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "gone"


def code_of(names: Iterable[str]) -> dict[str, str]:
    """A digest of each file in `names`, written from the repository: "workbench/circuits/unfold.py"."""
    return {name: _content(PACKAGE.parent / name) for name in sorted(names)}


def loaded_code() -> list[str]:
    """The files of ours that this process has computed with, with the data they read.

    A process that has used a worker (workbench.jobs) cannot know what was loaded over there, so there all counts.
    """
    every = jobs.used()
    names: set[str] = set()
    for root in ROOTS.values():
        for path in root.rglob("*"):
            if path.suffix in (".pyc", ".nbi", ".nbc") or not path.is_file():
                continue
            relative = path.relative_to(PACKAGE.parent)
            module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            if module.startswith(OUTSIDE) or relative.parts[1] == "locale":
                continue
            if every or path.suffix not in (".py", ".js", ".mjs", ".css") or module in sys.modules:
                names.add(relative.as_posix())
    return sorted(names)


def stale(then: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """Why what was made `then` is not what would be made `now`: sentences, none when nothing changed.

    Both hold "source", "parameters", "formats", "versions" and whatever else matters; "code" of then is compared with
    the files as they are.
    """
    if then is None:
        return [tr("it was never made")]
    reasons: list[str] = []
    for key in now:
        before, after = then.get(key), now[key]
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for name in sorted({*before, *after}):
                if before.get(name) != after.get(name):
                    was, is_now = before.get(name, "–"), after.get(name, "–")
                    reasons.append(tr("{name} was {was} and is {now}", name=name, was=was, now=is_now))
        else:
            reasons.append(tr("the {part} changed", part=tr(key)))
    code = then.get("code", {})
    reasons += [tr("{file} changed", file=name) for name, was in code.items() if code_of([name])[name] != was]
    return reasons


def put(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all, and its folder with it; raises StoreError with what the system refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            tr("The folder {path} cannot be made: {what}.", path=path.parent, what=error.strerror)
        ) from error
    files.write(path, content.encode() if isinstance(content, str) else content)
