"""From a result's pictures to what the marks draw: one block of bytes a panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from widgets import marks

if TYPE_CHECKING:
    from workbench.studies.study import Result

__all__ = ["Drawn", "drawn"]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One panel of a picture, ready for the mark of its kind."""

    kind: str
    picture: bytes
    text: str
    """Title and description, for whoever cannot see it."""
    timed: bool = False
    """Whether its lower axis is time, so that a cursor can sweep over it."""


def drawn(result: Result, views: Iterable[str]) -> dict[str, tuple[Drawn, ...]]:
    """The pictures an explorer keeps in sight, by name; a picture this result does not have is left out."""
    album = result.figures()
    return {name: _panels(album[name]) for name in (tuple(views) or tuple(album)[:4]) if name in album}


def _panels(picture: Any) -> tuple[Drawn, ...]:
    """The panels of a Picture, or the elements of a HoloViews layout."""
    title, alt = getattr(picture, "title", ""), getattr(picture, "alt", "")
    panels = getattr(picture, "panels", None)
    if panels is None:
        element = getattr(picture, "element", picture)
        panels = list(element) if type(element).__name__ in ("Layout", "NdLayout") else [element]
    made = []
    for n, panel in enumerate(panels):
        kind, header = marks.payload(panel, title=title if n == 0 else "", alt=alt)
        text = f"{header['title']}. {alt}".strip(". ") + "."
        made.append(Drawn(kind=kind, picture=marks.pack(header), text=text, timed=bool(header["x"].get("linked"))))
    return tuple(made)
