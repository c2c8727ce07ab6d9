"""The marks and the control panel as ipywidgets: thin shells around the ESM texts, with no logic of their own."""

from __future__ import annotations

import anywidget
import traitlets

from widgets import knobs, marks

__all__ = ["Controls", "Mark"]


class Mark(anywidget.AnyWidget):
    """One picture on a canvas; `Mark.of("points")` makes the mark of a kind."""

    picture = traitlets.Bytes(b"").tag(sync=True)
    pinned = traitlets.Bytes(b"").tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    badge = traitlets.Unicode("").tag(sync=True)
    group = traitlets.Unicode("").tag(sync=True)
    play = traitlets.Bool(False).tag(sync=True)
    paints = traitlets.Bool(False).tag(sync=True)
    picked = traitlets.Dict().tag(sync=True)

    @staticmethod
    def of(kind: str, **traits: object) -> Mark:
        """The mark that draws pictures of this kind."""
        return _CLASSES[kind](**traits)


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


class Controls(anywidget.AnyWidget):
    """The control panel of a study: `face` is what there is, `state` what holds now, `going` how far a run is.

    `asked` is what a person last asked for.
    """

    _esm = knobs.esm()
    face = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    going = traitlets.Dict().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
