"""The marks and the control panel as Panel components: the same ESM texts as in a notebook, unchanged."""

from __future__ import annotations

from typing import Any, ClassVar

import param
from panel.custom import AnyWidgetComponent

from widgets import knobs, marks

__all__ = ["Controls", "Mark"]


class _Plain(AnyWidgetComponent):
    """Abstract: a component whose text imports nothing, so it needs no map of module addresses, which would name a CDN."""

    __abstract = True

    @classmethod
    def _process_importmap(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {}


class Mark(_Plain):
    """One picture on a canvas; `Mark.of("points")` makes the mark of a kind."""

    __abstract = True
    _priority_changes: ClassVar[list[str]] = ["picked"]
    picture = param.Bytes(None, allow_None=True)
    pinned = param.Bytes(None, allow_None=True)
    stale = param.Boolean(False)
    badge = param.String("")
    group = param.String("")
    play = param.Boolean(False)
    paints = param.Boolean(False)
    picked = param.Dict({})

    @staticmethod
    def of(kind: str, **traits: Any) -> Mark:
        """The mark that draws pictures of this kind."""
        return _CLASSES[kind](sizing_mode="stretch_width", **traits)


class Points(Mark):
    """The mark for rasters and scatters."""

    _esm = marks.esm("points")


class Lines(Mark):
    """The mark for traces and curves."""

    _esm = marks.esm("lines")


class Image(Mark):
    """The mark for grids of numbers."""

    _esm = marks.esm("image")


class Bars(Mark):
    """The mark for ledgers."""

    _esm = marks.esm("bars")


_CLASSES = {"points": Points, "lines": Lines, "image": Image, "bars": Bars}


class Controls(_Plain):
    """The control panel of a study: `face` is what there is, `state` what holds now, `going` how far a run is.

    `asked` is what a person last asked for.
    """

    _esm = knobs.esm()
    # Panel would wait 50 ms for more to come; the page itself sends no more than one wish a blink.
    _priority_changes: ClassVar[list[str]] = ["asked"]
    face = param.Dict({})
    state = param.Dict({})
    going = param.Dict({})
    asked = param.Dict({})
