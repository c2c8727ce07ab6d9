"""Tables from names to things that are imported only when they are looked up: what exists does not depend on what was imported."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import unknown

__all__ = ["LazyTable"]


class LazyTable(Mapping[str, Any]):
    """A table from names to things that are imported when looked up: {"balanced": "workbench.circuits.library.balanced:Balanced"}.

    `make=True` calls what it finds, so that `CIRCUITS["balanced"]` is a circuit and not its class.
    """

    def __init__(self, kind: str, entries: Mapping[str, str], *, make: bool = False) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._make = make
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in self._entries:
                raise unknown(self.kind, name, self._entries)
            module, _, attribute = self._entries[name].partition(":")
            found = getattr(importlib.import_module(module), attribute)
            self._made[name] = found() if self._make else found
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __repr__(self) -> str:
        return f"<{self.kind} table: {', '.join(self._entries)}>"
