"""Networks and chips that others wrote: one reader per format, from their files to our descriptions. Importing it loads nothing heavy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_FACE = {
    "Imported": "workbench.interchange.imported",
    "from_brian2": "workbench.interchange.brian2",
    "read_architecture": "workbench.interchange.sanafe",
    "read_network": "workbench.interchange.sanafe",
    "read_nir": "workbench.interchange.nir",
}

__all__ = ["Imported", "from_brian2", "read_architecture", "read_network", "read_nir"]

if TYPE_CHECKING:
    from workbench.interchange.brian2 import from_brian2
    from workbench.interchange.imported import Imported
    from workbench.interchange.nir import read_nir
    from workbench.interchange.sanafe import read_architecture, read_network


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'workbench.interchange' has no attribute {name!r}")
    return getattr(import_module(_FACE[name]), name)
