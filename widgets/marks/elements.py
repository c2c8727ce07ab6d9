"""From a HoloViews element (Scatter, Points, Curve, Image, Bars, or an overlay of them) to the header a mark draws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from widgets.marks import header
from workbench.errors import UnsupportedError
from workbench.words import tr

__all__ = ["of_element"]

_DOTS = ("Scatter", "Points")
_LINES = ("Curve", "Area", "Histogram")
_RULES = {"VLine": "vertical", "HLine": "horizontal"}
_GRIDS = ("Image", "Raster", "QuadMesh")

Parts = list[tuple[Any, str]]


def of_element(element: Any, *, title: str = "", alt: str = "") -> tuple[str, dict[str, Any]]:
    """The mark that draws `element` and its header; raises UnsupportedError for an element that no mark draws."""
    parts = list(_parts(element))
    names = [type(part).__name__ for part, _ in parts]
    if not parts:
        raise UnsupportedError(tr("The figure is empty: there is nothing to draw."))
    title = title or _option(element, parts, "title", "")
    if names[0] in _GRIDS:
        return "image", {**header.frame("image", title, alt), **_image(parts[0][0])}
    if names[0] == "Bars":
        return "bars", {**header.frame("bars", title, alt), **_bars(element, parts)}
    wrong = [name for name in names if name not in (*_DOTS, *_LINES, *_RULES)]
    if wrong:
        known = ", ".join((*_DOTS, *_LINES, *_RULES, *_GRIDS, "Bars"))
        raise UnsupportedError(tr("No mark draws a {kind} element. Known: {known}.", kind=wrong[0], known=known))
    dots = sum(len(part) for part, _ in parts if type(part).__name__ in _DOTS)
    kind = "points" if dots and (dots > header.TRACE_LIMIT or not any(name in _LINES for name in names)) else "lines"
    return kind, {**header.frame(kind, title, alt), **_plane(element, parts)}


def _parts(element: Any) -> Iterator[tuple[Any, str]]:
    """The plain elements inside an overlay, each with its label."""
    if type(element).__name__ == "NdOverlay":
        for key, part in zip(element.keys(), element, strict=True):
            name = ", ".join(str(k) for k in key) if isinstance(key, tuple) else str(key)
            yield part, part.label or name
    elif type(element).__name__ == "Overlay":
        for part in element:
            yield from _parts(part)
    else:
        yield element, element.label


def _option(element: Any, parts: Parts, name: str, otherwise: Any, group: str = "plot") -> Any:
    """An option the figure set (a title, a logarithmic axis, a colour), on the whole or a part, for whichever backend."""
    import holoviews as hv  # noqa: PLC0415  whoever made the element has imported it

    for each in (element, *(part for part, _ in parts)):
        for backend in hv.Store.renderers:
            found = hv.Store.lookup_options(backend, each, group).kwargs.get(name)
            if found is not None and found != "":
                return found
    return otherwise


def _label(dimension: Any) -> str:
    return f"{dimension.label} ({dimension.unit})" if dimension.unit else str(dimension.label)


def _limits(dimension: Any, option: Any) -> tuple[Any, Any] | None:
    """The range somebody declared: on the dimension, or as an option of the plot."""
    for source in (option, dimension.range, dimension.soft_range):
        if source is not None and len(source) == 2 and any(v is not None for v in source):
            return tuple(source)
    return None


def _plane(element: Any, parts: Parts) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    for n, (part, label) in enumerate(parts):
        name = type(part).__name__
        colour = _option(part, [], "color", n, "style")
        colour = colour if isinstance(colour, str) and colour.startswith("#") and len(colour) == 7 else n
        if name in _RULES:
            series.append({"label": label, "style": _RULES[name], "colour": colour, "at": float(part.data)})
            continue
        if name == "Histogram":
            x, y = np.repeat(np.asarray(part.edges), 2)[1:-1], np.repeat(part.dimension_values(1), 2)
        else:
            x, y = part.dimension_values(0), part.dimension_values(1)
        step = str(_option(part, [], "interpolation", "")).startswith("steps")
        if name in _LINES:
            x, y = header.decimate(x, y)
        xs.append(np.asarray(x))
        ys.append(np.asarray(y))
        series.append(
            {
                "label": label,
                "style": "dots" if name in _DOTS else "line",
                "step": step,
                "colour": colour,
                "x": header.tight(x),
                "y": header.tight(y),
            }
        )
    # The first element with data names the axes; a marking line has no names.
    first = next((part for part, _ in parts if type(part).__name__ not in _RULES), parts[0][0])
    dots_only = all(type(part).__name__ in (*_DOTS, *_RULES) for part, _ in parts)
    x, y = first.get_dimension(0), first.get_dimension(1)

    def option(name: str) -> Any:
        return _option(element, parts, name, None)

    return {
        "x": header.axis(
            option("xlabel") or _label(x),
            xs,
            limits=_limits(x, option("xlim")),
            log=bool(option("logx")),
            margin=0.01 if dots_only else 0.0,
            linked=header.clock(x.name, x.unit or "") or header.clock(x.label, x.unit or ""),
        ),
        "y": header.axis(
            option("ylabel") or _label(y),
            ys,
            limits=_limits(y, option("ylim")),
            log=bool(option("logy")),
            margin=0.03 if dots_only else 0.06,
        ),
        "series": series,
    }


def _image(image: Any) -> dict[str, Any]:
    x, y, z = (image.get_dimension(n) for n in range(3))
    if hasattr(image, "bounds"):
        left, bottom, right, top = (float(v) for v in image.bounds.lbrt())
    else:
        (left, right), (bottom, top) = image.range(0), image.range(1)
    made = header.grid(
        image.dimension_values(2, flat=False),
        (float(left), float(bottom), float(right), float(top)),
        _label(z),
        _limits(z, _option(image, [], "clim", None)),
    )
    return {
        **made,
        "x": header.axis(_label(x), [], limits=(left, right), linked=header.clock(x.name, x.unit or "")),
        "y": header.axis(_label(y), [], limits=(bottom, top)),
    }


def _bars(element: Any, parts: Parts) -> dict[str, Any]:
    """HoloViews' second key dimension, or the label of each Bars of an overlay, is the group."""
    names: list[str] = []
    groups: dict[str, dict[str, float]] = {}
    for part, label in parts:
        keys = [str(k) for k in part.dimension_values(0)]
        inner = [str(k) for k in part.dimension_values(1)] if len(part.kdims) > 1 else [label] * len(keys)
        for key, group, value in zip(keys, inner, part.dimension_values(len(part.kdims)), strict=True):
            if key not in names:
                names.append(key)
            groups.setdefault(group, {})[key] = float(value)
    first = parts[0][0]
    value = first.get_dimension(len(first.kdims))
    rows = {g: np.array([v.get(name, math.nan) for name in names]) for g, v in groups.items()}
    stacked = bool(_option(first, [], "stacked", False))
    reach = [np.nansum(list(rows.values()), axis=0)] if stacked else list(rows.values())
    value_axis = header.axis(
        _label(value),
        reach,
        limits=_limits(value, _option(first, [], "ylim", None)),
        log=bool(_option(element, parts, "logy", False)),
    )
    return header.bars(names, rows, value_axis, stacked=stacked, colours=list(range(len(rows))))
