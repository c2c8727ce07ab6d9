"""Everything the workbench raises on purpose.

WorkbenchError
├── DescriptionError (also a ValueError)   a description that makes no sense: value, range, name
├── PlacementError                         a network that does not fit the chip: core, resource, used, limit
├── UnsupportedError                       a model, receptor or verb the backend has no rule for
├── NotebookError                          a notebook or course file that cannot be used as asked
├── StoreError                             a file that is newer, cut short, or of something else
└── Cancelled                              the person asked to stop
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "Cancelled",
    "DescriptionError",
    "NotebookError",
    "PlacementError",
    "StoreError",
    "UnsupportedError",
    "WorkbenchError",
    "unknown",
]


class WorkbenchError(Exception):
    """The root of every error the workbench raises on purpose; its text says what to write instead."""


class DescriptionError(WorkbenchError, ValueError):
    """A description that makes no sense: a value outside its range, a name nobody has, a unit that does not fit."""


class PlacementError(WorkbenchError):
    """A network that does not fit its chip: which core, which resource, used and limit."""


class UnsupportedError(WorkbenchError):
    """A model, receptor or verb for which this backend has no rule; the text names what it has."""


class NotebookError(WorkbenchError):
    """A notebook or course file that cannot be used as asked."""


class StoreError(WorkbenchError):
    """A stored recording that cannot be read or written: newer, cut short, of something else, or no room."""


class Cancelled(WorkbenchError):
    """The person asked to stop; nothing half-written stays."""


def unknown(kind: str, name: object, known: Iterable[str]) -> DescriptionError:
    """The error for a name nobody has: it lists what there is and guesses what was meant."""
    from workbench.words import tr  # noqa: PLC0415  words raises our errors, so it cannot be needed at import

    names = [str(k) for k in known]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    listed = ", ".join(names) if len(names) <= 40 else ", ".join(names[:40]) + ", …"
    if close:
        text = tr(
            "Unknown {kind} '{name}': did you mean '{close}'? Known: {listed}.",
            kind=tr(kind),
            name=name,
            close=close[0],
            listed=listed,
        )
    else:
        text = tr("Unknown {kind} '{name}'. Known: {listed}.", kind=tr(kind), name=name, listed=listed)
    return DescriptionError(text)
