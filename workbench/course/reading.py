"""Reading TOML into dataclasses: an unknown, missing or wrong key is refused with its line and "did you mean"."""

from __future__ import annotations

import dataclasses
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from workbench.errors import NotebookError, WorkbenchError, unknown
from workbench.words import tr

__all__ = ["read_toml"]

T = TypeVar("T")
Place = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*\[(\[?)\s*([\w.\-]+)\s*\]")
_KEY = re.compile(r"""^\s*["']?([\w\-]+)["']?\s*=""")

_SAID = {str: "text", float: "a number", int: "a whole number", bool: "true or false", tuple: "a list", dict: "a table"}


def read_toml(cls: type[T], path: Path) -> T:
    """The dataclass `cls` filled from a TOML file; raises NotebookError naming the file, the line and what to write."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise NotebookError(tr("The course {path} cannot be read: {what}.", path=path, what=error.strerror)) from None
    except tomllib.TOMLDecodeError as error:
        raise NotebookError(tr("{path} is not TOML: {what}.", path=path.name, what=error)) from None
    return _Reader(path.name, text).table(cls, content, ())


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.splitlines()

    def table(self, cls: type[T], content: Mapping[str, Any], place: Place) -> T:
        """One table of the file as one dataclass; its fields' types say what each key may hold."""
        hints = typing.get_type_hints(cls)
        known = {f.name: f for f in dataclasses.fields(typing.cast(Any, cls)) if f.init}
        for key in content:
            if key not in known:
                self.refuse(str(unknown(tr("key"), key, known)), place, key)
        for name, f in known.items():
            needed = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            if needed and name not in content:
                self.refuse(tr("The key '{key}' is missing here.", key=name), place, None)
        values = {key: self.value(hints[key], value, (*place, key)) for key, value in content.items()}
        try:
            return cls(**values)
        except WorkbenchError as error:
            self.refuse(str(error), place, None)

    def value(self, hint: Any, value: Any, place: Place) -> Any:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in (types.UnionType, typing.Union):
            # only `X | None` is used: a key that may be left out
            return self.value(next(t for t in inner if t is not type(None)), value, place)
        wanted = origin or hint
        if wanted is tuple and isinstance(value, list):
            return tuple(self.value(inner[0], item, (*place, k)) for k, item in enumerate(value))
        if dataclasses.is_dataclass(wanted) and isinstance(value, dict):
            return self.table(typing.cast(Any, wanted), value, place)
        if wanted is dict and isinstance(value, dict):
            return value
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if wanted is Any or (isinstance(wanted, type) and type(value) is wanted):
            return value
        said = tr(_SAID.get(wanted, "a table"))
        last = max(k for k, piece in enumerate(place) if isinstance(piece, str))
        key = str(place[last])
        return self.refuse(
            tr("'{key}' is {value!r}: write {said}.", key=key, value=value, said=said), place[:last], key
        )

    def refuse(self, sentence: str, place: Place, key: str | None) -> typing.NoReturn:
        line = self.line(place, key)
        where = self.name if line is None else tr("{file}, line {line}", file=self.name, line=line)
        raise NotebookError(f"{where}: {sentence}")

    def line(self, place: Place, key: str | None) -> int | None:
        """The line of a key, or of the header of its table; tomllib does not keep them."""
        seen: dict[Place, int] = {}
        here: Place = ()
        header: int | None = None
        for number, line in enumerate(self.lines, start=1):
            if found := _HEADER.match(line):
                here = self._entered(found[2].split("."), bool(found[1]), seen)
                if here == place:
                    header = number
            elif key is not None and (found := _KEY.match(line)) and found[1] == key and here == place:
                return number
        return header

    @staticmethod
    def _entered(parts: list[str], array: bool, seen: dict[Place, int]) -> Place:
        """The place a header opens: names, with the running number after each array of tables."""
        here: Place = ()
        for k, part in enumerate(parts):
            here = (*here, part)
            if array and k == len(parts) - 1:
                seen[here] = seen.get(here, -1) + 1
            if here in seen:
                here = (*here, seen[here])
        return here
