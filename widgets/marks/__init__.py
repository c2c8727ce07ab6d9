"""Four marks draw pictures on a canvas where speed matters: points, lines, image, bars.

`payload` reads the data and labels of a HoloViews element, or of a picture's panel before HoloViews sees it; `pack` makes
the bytes a mark draws. The same ESM text serves ipywidgets (`widgets.notebook`) and Panel (`widgets.studio`).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from widgets.marks.header import KINDS, pack, unpack

__all__ = ["KINDS", "esm", "pack", "payload", "unpack"]


def payload(thing: Any, *, title: str = "", alt: str = "") -> tuple[str, dict[str, Any]]:
    """The mark that draws a HoloViews element or a picture's panel, and its header, whose data stay NumPy arrays until `pack`.

    Raises UnsupportedError for something no mark draws.
    """
    from workbench.figures.layers import Panel  # noqa: PLC0415  importing widgets.marks loads no figures

    if isinstance(thing, Panel):
        from widgets.marks.panels import of_panel  # noqa: PLC0415

        return of_panel(thing, title=title, alt=alt)
    from widgets.marks.elements import of_element  # noqa: PLC0415  HoloViews only where somebody made an element

    return of_element(thing, title=title, alt=alt)


@cache
def esm(kind: str) -> str:
    """The ESM text of a mark: the shared frame and stage, then the mark's own few lines."""
    here = files("widgets.marks")
    return "\n".join((here / f"{name}.js").read_text(encoding="utf-8") for name in ("frame", "stage", kind))
