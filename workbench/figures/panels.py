"""Several pictures under one title: panels of the same time, or of several runs one above the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.figures.layers import Panel, Sketch
from workbench.figures.picture import Picture, picture
from workbench.words import tr

__all__ = ["stack"]


@picture
def stack(pictures: Mapping[str, Picture], *, title: str, source: str = "") -> Sketch:
    """The panels of several pictures from top to bottom, each headed by its (English) name.

    Panels over the same stretch of the same axis show it once, at the bottom, and stand closer together.
    """
    panels: list[Panel] = []
    said: list[str] = []
    sources: dict[str, None] = {tr(source): None} if source else {}
    for name, one in pictures.items():
        first, *others = one.panels
        panels += [replace(first, title=tr(name)), *others]
        said.append(f"{tr(name)}: {one.alt}")
        if one.source:
            sources[one.source] = None
    shared = len({(p.x.text, p.x.limits) for p in panels}) == 1 and panels[0].x.limits is not None
    if shared and len(panels) > 1:
        squeezed = [replace(p, height=0.6 * p.height if len(panels) > 2 else p.height) for p in panels]
        panels = [replace(p, x=replace(p.x, label="", unit="")) for p in squeezed[:-1]] + squeezed[-1:]
    return Sketch(panels=tuple(panels), title=tr(title), alt=" ".join(said), source="; ".join(sources))
