"""Pictures of a design space: what each design costs, which designs nothing beats, and how every knob decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.figures.layers import COLOURS, Axis, Bars, Layer, Lines, Panel, Points, Sketch
from workbench.figures.picture import picture
from workbench.words import tr

__all__ = ["knob_panels", "reasons", "tradeoff"]

_BEST, _OTHER, _FAILED = COLOURS["orange"], COLOURS["blue"], COLOURS["grey"]


@picture
def tradeoff(
    x: ArrayLike,
    y: ArrayLike,
    third: ArrayLike,
    best: NDArray[np.bool_],
    *,
    labels: tuple[str, str, str],
    units: tuple[str, str, str],
    spread: tuple[ArrayLike, ArrayLike] | None = None,
    base: tuple[float, float] | None = None,
    unfit: int = 0,
    title: str = "",
    source: str = "",
) -> Sketch:
    """Designs by two costs, on logarithmic axes where they differ much; a larger dot costs more of the third; those on the front in orange.

    `best` marks the front in all three costs; the stairs join those that nothing beats in the two drawn. `spread` is the standard
    deviation over seeds in x and y, `base` a design to compare with.
    """
    a, b, c = (np.asarray(v, dtype=float) for v in (x, y, third))
    fits = np.isfinite(a) & np.isfinite(b)
    layers: list[Layer] = []
    if fits.any():
        layers.append(_stairs(a[fits], b[fits], tr("front of the two")))
    if spread is not None:
        layers.append(_bars(a, b, np.asarray(spread[0], dtype=float), np.asarray(spread[1], dtype=float), fits))
    edges = np.nanquantile(c[fits], [1 / 3, 2 / 3]) if fits.any() else np.zeros(2)
    classes = np.digitize(np.nan_to_num(c), edges)
    small = tr("beaten (larger dots: more {third})", third=tr(labels[2]))
    for mark, shade, word in ((False, _OTHER, small), (True, _BEST, tr("on the front of all three"))):
        for size in range(3):
            here = fits & (best == mark) & (classes == size)
            layers.append(
                Points(x=a[here], y=b[here], label=word if size == 1 else "", colour=shade, size=(4.0, 6.5, 9.5)[size])
            )
    if base is not None:
        layers.append(
            Points(
                x=np.array([base[0]]),
                y=np.array([base[1]]),
                label=tr("the chip as it is"),
                colour=COLOURS["black"],
                size=8.0,
                marker="ring",
            )
        )
    alt = tr(
        "{fits} designs fit, {unfit} do not. {front} are on the front of all three costs. Least {first}: {low_x:.3g} {unit_x}; least {second}: {low_y:.3g} {unit_y}.",
        fits=int(fits.sum()),
        unfit=unfit,
        front=int(best.sum()),
        first=tr(labels[0]),
        second=tr(labels[1]),
        low_x=float(np.nanmin(a)) if fits.any() else float("nan"),
        low_y=float(np.nanmin(b)) if fits.any() else float("nan"),
        unit_x=units[0],
        unit_y=units[1],
    )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr(labels[0]), unit=units[0], log=_wide(a[fits])),
        y=Axis(label=tr(labels[1]), unit=units[1], log=_wide(b[fits])),
        height=1.6,
    )
    return Sketch(panels=(panel,), title=tr(title), alt=alt, source=tr(source) if source else "")


@picture
def knob_panels(
    knobs: Mapping[str, tuple[ArrayLike, str]],
    cost: ArrayLike,
    best: NDArray[np.bool_],
    *,
    label: str,
    unit: str,
    title: str = "",
    source: str = "",
) -> Sketch:
    """One panel a knob: every design by its value there and its cost; below the line, as grey ticks, those that do not fit."""
    y = np.asarray(cost, dtype=float)
    fits = np.isfinite(y)
    low, high = (float(y[fits].min()), float(y[fits].max())) if fits.any() else (1.0, 10.0)
    log = _wide(y[fits])
    floor = low / (high / low) ** 0.22 if log else low - 0.22 * (high - low or low)
    limits = (floor / 1.15, high * 1.15) if log else (floor - 0.12 * (high - floor), high + 0.12 * (high - floor))
    panels = []
    said = []
    for k, (name, (values, of)) in enumerate(knobs.items()):
        # A factor of two is one step to the right; the axis stays plain, so that only our ticks stand on it.
        x = np.log2(np.asarray(values, dtype=float))
        layers: tuple[Layer, ...] = (
            Points(x=x[fits & ~best], y=y[fits & ~best], label=tr("beaten") if k == 0 else "", colour=_OTHER, size=4.5),
            Points(
                x=x[best], y=y[best], label=tr("on the front of all three") if k == 0 else "", colour=_BEST, size=5.5
            ),
            Points(
                x=x[~fits],
                y=np.full(int((~fits).sum()), floor),
                label=tr("does not fit") if k == 0 else "",
                colour=_FAILED,
                marker="tick",
                size=7.0,
            ),
        )
        panels.append(
            Panel(
                layers=layers,
                x=Axis(label=tr(name), unit=of, ticks=_ticks(x), limits=(float(x.min()) - 0.3, float(x.max()) + 0.3)),
                y=Axis(label=tr(label), unit=unit, log=log, limits=limits),
                height=0.62,
            )
        )
        if fits.sum() > 2 and np.ptp(x[fits]) > 0:
            said.append(f"{tr(name)} {_rank(x[fits], y[fits]):+.2f}")
    alt = tr(
        "How {cost} goes with each knob, as a rank correlation: {said}.", cost=tr(label), said=", ".join(said) or "-"
    )
    return Sketch(panels=tuple(panels), title=tr(title), alt=alt, source=tr(source) if source else "")


@picture
def reasons(sentences: Sequence[tuple[str, str]], *, title: str = "") -> Sketch:
    """Why designs do not fit: how many for each resource; `sentences` are (resource, what the mapping said)."""
    names = sorted({r for r, _ in sentences}, key=lambda n: -sum(r == n for r, _ in sentences))
    number = [sum(r == n for r, _ in sentences) for n in names]
    if not names:
        names, number = ["none"], [0]
    panel = Panel(
        layers=(
            Bars(
                names=tuple(tr(n) for n in names),
                values=np.array(number, dtype=float),
                texts=tuple(str(n) for n in number),
            ),
        ),
        x=Axis(label=tr("resource")),
        y=Axis(label=tr("designs that do not fit"), limits=(0.0, 1.3 * max([*number, 1]))),
        height=0.45 + 0.13 * len(names),
    )
    alt = " ".join(text for _, text in sentences[:6]) or tr("Every design fits.")
    return Sketch(panels=(panel,), title=tr(title), alt=alt)


def _stairs(x: NDArray[np.float64], y: NDArray[np.float64], label: str) -> Lines:
    """The line under which no design lies: from left to right, down whenever one is better."""
    order = np.lexsort((y, x))
    least = np.minimum.accumulate(y[order])
    keep = np.concatenate([[True], np.diff(least) < 0])
    at, level = x[order][keep], least[keep]
    return Lines(
        x=np.append(np.repeat(at, 2)[1:], x.max()),
        y=np.append(np.repeat(level, 2)[:-1], level[-1]),
        label=label,
        colour=_BEST,
        width=1.0,
    )


def _bars(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    sx: NDArray[np.float64],
    sy: NDArray[np.float64],
    fits: NDArray[np.bool_],
) -> Lines:
    """A cross at each design, one standard deviation long to each side."""
    gap = np.full(int(fits.sum()), np.nan)
    a, b, c, d = x[fits], y[fits], sx[fits], sy[fits]
    flat = np.stack([np.maximum(a - c, 1e-3 * a), a + c, gap, a, a, gap], axis=1).ravel()
    tall = np.stack([b, b, gap, np.maximum(b - d, 1e-3 * b), b + d, gap], axis=1).ravel()
    return Lines(x=flat, y=tall, colour=COLOURS["grey"], width=0.8)


def _ticks(x: NDArray[np.float64]) -> tuple[tuple[float, str], ...]:
    """Up to eight of the values that occur, given as their log2, as ticks."""
    found = np.unique(x[np.isfinite(x)])
    shown = found[:: max(1, -(-found.size // 8))]
    return tuple((float(v), f"{2**v:.4g}") for v in shown)


def _wide(values: NDArray[np.float64]) -> bool:
    """Whether values differ so much that an axis should be logarithmic."""
    return bool(values.size) and float(values.max()) > 3 * float(values.min()) > 0


def _rank(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Spearman's rank correlation, ties by their order."""
    a, b = (np.argsort(np.argsort(v, kind="stable"), kind="stable").astype(float) for v in (x, y))
    return float(np.corrcoef(a, b)[0, 1])
