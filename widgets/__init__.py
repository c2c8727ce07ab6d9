"""Sliders and pictures in the browser: `explore(study)` in a notebook, the Studio without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from widgets.explorer import explore
    from widgets.studio import serve

__all__ = ["explore", "serve"]

_HOMES = {"explore": "widgets.explorer", "serve": "widgets.studio"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415

    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found
