"""Several pictures under one title: panels of the same time, or of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.figures.layers import Sketch
from workbench.figures.picture import Picture, picture
from workbench.words import tr

__all__ = ["stack"]


@picture
def stack(pictures: Mapping[str, Picture], *, title: str, source: str = "") -> Sketch:
    """The panels of several pictures from top to bottom, each headed by its (English) name."""
    panels = []
    said = []
    sources: dict[str, None] = {tr(source): None} if source else {}
    for name, one in pictures.items():
        first, *others = one.panels
        panels += [replace(first, title=tr(name)), *others]
        said.append(f"{tr(name)}: {one.alt}")
        if one.source:
            sources[one.source] = None
    return Sketch(panels=tuple(panels), title=tr(title), alt=" ".join(said), source="; ".join(sources))
