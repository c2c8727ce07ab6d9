"""What a picture is made of before anything draws it: panels of points, lines, bars, an image and levels, as plain arrays.

HoloViews draws these to files and in Panel, the browser's marks draw the same ones on a canvas, and a test reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLOURS", "Axis", "Bars", "Image", "Layer", "Level", "Lines", "Panel", "Points", "Sketch", "colour"]

Array = NDArray[np.generic]
Dash = Literal["solid", "dashed", "dotted"]

# Eight colours that stay apart for colour-blind readers (Okabe and Ito 2008; as in Wong 2011, Nature Methods 8:441).
COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "pink": "#CC79A7",
    "yellow": "#E69F00",
    "sky": "#56B4E9",
    "black": "#222222",
    "grey": "#7F7F7F",
}
_ORDER = ("blue", "orange", "green", "pink", "yellow", "sky", "black")


def colour(index: int) -> str:
    """The colour of the n-th thing drawn in one panel."""
    return COLOURS[_ORDER[index % len(_ORDER)]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Axis:
    """One axis: what it shows, in which unit, and how far it reaches."""

    label: str = ""
    unit: str = ""
    limits: tuple[float, float] | None = None
    log: bool = False
    ticks: tuple[tuple[float, str], ...] | None = None

    @property
    def text(self) -> str:
        """The label with its unit: "time (s)"."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """One dot a row: `x` and `y` of the same length."""

    x: Array
    y: Array
    label: str = ""
    colour: str = COLOURS["black"]
    size: float = 3.0
    marker: Literal["dot", "ring", "square", "tick"] = "dot"


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """One line through `x` and `y`; NaN in `y` breaks it."""

    x: Array
    y: Array
    label: str = ""
    colour: str = COLOURS["blue"]
    dash: Dash = "solid"
    width: float = 1.4


@dataclass(frozen=True, kw_only=True, eq=False)
class Bars:
    """One bar a name, from top to bottom, with `texts` at their ends."""

    names: tuple[str, ...]
    values: Array
    texts: tuple[str, ...] = ()
    label: str = ""
    colour: str = COLOURS["blue"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Image:
    """A field of numbers: `values[row, column]`, row 0 at the lower end of `y_range`; NaN is drawn as background.

    Numbers on both sides of 0 go from blue over pale to orange, 0 in the middle; others from dark to light.
    """

    values: Array
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    label: str = ""
    unit: str = ""
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Level:
    """A straight line across the panel at one value of `y` (or of `x`): a theory, a threshold, a published number."""

    value: float
    along: Literal["y", "x"] = "y"
    label: str = ""
    colour: str = COLOURS["grey"]
    dash: Dash = "dashed"


Layer = Points | Lines | Bars | Image | Level


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One pair of axes and what lies on it."""

    layers: tuple[Layer, ...]
    x: Axis = Axis()
    y: Axis = Axis()
    title: str = ""
    height: float = 1.0
    """How tall beside the other panels of the picture."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketch:
    """All of a picture in one language: panels from top to bottom, a title, what a blind reader needs, and the source."""

    panels: tuple[Panel, ...]
    title: str
    alt: str
    source: str = ""
