"""Pictures of a crossbar: its conductances, what its columns give beside what is right, its codes, its bill, and what errors cost a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from workbench.figures.layers import COLOURS, Axis, Bars, Image, Layer, Level, Lines, Panel, Points, Sketch, colour
from workbench.figures.ledger import readable_joules
from workbench.figures.picture import picture
from workbench.recordings.prices import Price
from workbench.words import tr

__all__ = ["accuracies", "codes", "conductances", "outputs", "realised", "spent"]

_MICRO = 1e-6
_MOST_CODES = 256
_MOST_DOTS = 2000


@picture
def conductances(cells: ArrayLike, *, pairs: bool, title: str = "") -> Sketch:
    """The conductances (S) of an array, row 0 at the lower edge; with `pairs`, what adds and what subtracts lie side by side."""
    values = np.asarray(cells, float) / _MICRO
    rows, columns = values.shape
    image = Image(
        values=values,
        x_range=(-0.5, columns - 0.5),
        y_range=(-0.5, rows - 0.5),
        label=tr("conductance"),
        unit="µS",
    )
    alt = tr(
        "{rows} rows of {columns} cells, from {low:.3g} to {high:.3g} µS, {mean:.3g} µS on average.",
        rows=rows,
        columns=columns,
        low=float(values.min()),
        high=float(values.max()),
        mean=float(values.mean()),
    )
    if pairs:
        alt += " " + tr("An even column adds, the odd one beside it subtracts.")
    panel = Panel(
        layers=(image,), x=Axis(label=tr("column of cells")), y=Axis(label=tr("row")), height=0.9 + min(rows, 64) / 80
    )
    return Sketch(panels=(panel,), title=tr(title) if title else tr("Conductances"), alt=alt)


@picture
def outputs(
    ideal: ArrayLike, mean: ArrayLike, sd: ArrayLike, *, reads: int, title: str = "", source: str = ""
) -> Sketch:
    """What each column should give, and what it gives: the mean of `reads` reads, with a bar of one standard deviation to each side."""
    right, got, off = (np.asarray(v, float) for v in (ideal, mean, sd))
    at = np.arange(right.size)
    orange = COLOURS["orange"]
    layers = (
        Points(x=at, y=right, label=tr("right"), colour=COLOURS["black"], size=6.0, marker="square"),
        Points(x=at, y=got, label=tr("this chip"), colour=orange, size=5.0, marker="ring"),
    )
    whiskers = np.stack([got - right - off, got - right + off, np.full_like(off, np.nan)], axis=1).ravel()
    wrong = (
        Points(x=at, y=got - right, label=tr("mean of the reads"), colour=orange, size=5.0, marker="ring"),
        Lines(x=np.repeat(at, 3), y=whiskers, label=tr("spread of one read"), colour=orange, width=1.6),
        Level(value=0.0),
    )
    worst = int(np.argmax(np.abs(got - right)))
    alt = tr(
        "{columns} outputs over {reads} reads. The mean is off by {rms:.3g} (root mean square), most at output {worst}: {got:.3g} in place of {right:.3g}. One read spreads by {sd:.3g}.",
        columns=right.size,
        reads=reads,
        rms=float(np.sqrt(np.mean((got - right) ** 2))),
        worst=worst,
        got=float(got[worst]),
        right=float(right[worst]),
        sd=float(np.sqrt(np.mean(off**2))),
    )
    axis = Axis(label=tr("output"), limits=(-0.7, right.size - 0.3))
    panels = (
        Panel(layers=layers, x=axis, y=Axis(label=tr("weights × inputs")), height=0.9),
        Panel(layers=wrong, x=axis, y=Axis(label=tr("off by")), title=tr("What is wrong with it"), height=0.7),
    )
    return Sketch(
        panels=panels,
        title=tr(title) if title else tr("The product, column by column"),
        alt=alt,
        source=tr(source) if source else "",
    )


@picture
def codes(steps: ArrayLike, ends: tuple[int, int] | None, *, clipped: float, title: str = "") -> Sketch:
    """How often each code of the converters came; `ends` are the lowest and highest code, `clipped` the share that was beyond them."""
    found = np.asarray(steps, np.int64).ravel()
    low, high = ends if ends else (int(found.min()), int(found.max()))
    wide = max(1, -(-(high - low + 1) // _MOST_CODES))
    edges = np.arange(low, high + wide + 1, wide) - 0.5
    counts, _ = np.histogram(found, edges)
    layers: list[Layer] = [
        Lines(
            x=np.repeat(edges, 2)[1:-1],
            y=np.repeat(100.0 * counts / max(found.size, 1), 2),
            label=tr("how often"),
            colour=COLOURS["blue"],
        )
    ]
    used = np.unique(found).size
    if ends:
        layers += [
            Level(value=float(end), along="x", label=tr("last code") if k else "", colour=COLOURS["orange"])
            for k, end in enumerate(ends)
        ]
        said = tr(
            "{used} of {all} codes occur, from {low} to {high}; {clipped:.2%} of the conversions were clipped.",
            used=used,
            all=high - low + 1,
            low=int(found.min()),
            high=int(found.max()),
            clipped=clipped,
        )
    else:
        said = tr(
            "Outputs are put together digitally, here in 127ths of the largest; {clipped:.2%} of the conversions were clipped.",
            clipped=clipped,
        )
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("code") if ends else tr("output, largest = 127")),
        y=Axis(label=tr("share"), unit="%"),
        height=0.9,
    )
    return Sketch(panels=(panel,), title=tr(title) if title else tr("Codes of the ADCs"), alt=said)


@picture
def spent(joules: Mapping[str, float], counts: Mapping[str, int], prices: Mapping[str, Price]) -> Sketch:
    """What one product costs, event by event, dearest first."""
    total = sum(joules.values())
    ordered = sorted(joules, key=lambda event: -joules[event])
    texts = tuple(f"{counts[e]:,} · {readable_joules(joules[e])} · {joules[e] / total:.0%}" for e in ordered)
    values = np.array([joules[e] / 1e-12 for e in ordered])
    panel = Panel(
        layers=(Bars(names=tuple(tr(e) for e in ordered), values=values, texts=texts),),
        x=Axis(label=tr("event")),
        y=Axis(label=tr("energy"), unit="pJ", limits=(0.0, 1.5 * float(values.max(initial=1e-3)))),
        height=0.35 + 0.14 * max(len(ordered), 1),
    )
    lines = "; ".join(f"{tr(e)}: {text}" for e, text in zip(ordered, texts, strict=True))
    cited = {str(prices[e].citation): None for e in ordered}
    return Sketch(
        panels=(panel,),
        title=tr("One product costs {total}", total=readable_joules(total)),
        alt=tr("{said}.", said=lines or tr("nothing was read")),
        source=tr("Prices — {citations}", citations="; ".join(cited)),
    )


@picture
def realised(meant: ArrayLike, held: ArrayLike, *, title: str = "", source: str = "") -> Sketch:
    """Each weight as it was meant, and as the chip holds it; the line is where both agree."""
    x, y = np.asarray(meant, float).ravel(), np.asarray(held, float).ravel()
    every = -(-x.size // _MOST_DOTS)
    ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
    off = y - x
    largest = float(np.abs(x).max()) or 1.0
    panel = Panel(
        layers=(
            Points(x=x[::every], y=y[::every], label=tr("weights"), colour=COLOURS["blue"], size=2.5),
            Lines(x=ends, y=ends, label=tr("as meant"), colour=COLOURS["grey"], dash="dashed"),
        ),
        x=Axis(label=tr("weight meant")),
        y=Axis(label=tr("weight held")),
        height=1.2,
    )
    alt = tr(
        "{count} weights, off by {rms:.2%} of the largest (root mean square), at most {most:.2%}.",
        count=x.size,
        rms=float(np.sqrt(np.mean(off**2))) / largest,
        most=float(np.abs(off).max()) / largest,
    )
    return Sketch(panels=(panel,), title=tr(title) if title else tr("Weights, meant and held"), alt=alt, source=source)


@picture
def accuracies(
    found: Mapping[str, Sequence[float]],
    *,
    levels: Mapping[str, float] | None = None,
    title: str = "",
    source: str = "",
) -> Sketch:
    """Shares of right answers by (English) name, one number a die: the mean as a dot, a standard deviation to each side as a line."""
    names = list(found)
    means = np.array([np.mean(found[n]) for n in names]) * 100
    sds = np.array([np.std(found[n], ddof=1) if len(found[n]) > 1 else 0.0 for n in names]) * 100
    at = np.arange(len(names), dtype=float)[::-1]
    layers: list[Layer] = [
        Points(x=means, y=at, label=tr("mean over dies"), colour=COLOURS["blue"], size=6.0),
    ]
    if np.any(sds > 0):
        x = np.stack([means - sds, means + sds, np.full_like(means, np.nan)], axis=1).ravel()
        y = np.stack([at, at, np.full_like(at, np.nan)], axis=1).ravel()
        layers.append(Lines(x=x, y=y, label=tr("standard deviation"), colour=COLOURS["blue"], width=2.0))
    layers += [
        Level(value=100 * value, along="x", label=tr(name), colour=colour(k + 1))
        for k, (name, value) in enumerate((levels or {}).items())
    ]
    texts = [f"{m:.1f}" + (f" ± {s:.1f}" if s > 0 else "") for m, s in zip(means, sds, strict=True)]
    ticks = tuple((float(y), f"{tr(n)}: {t} %") for y, n, t in zip(at, names, texts, strict=True))
    panel = Panel(
        layers=tuple(layers),
        x=Axis(label=tr("right answers"), unit="%"),
        y=Axis(ticks=ticks, limits=(-0.7, len(names) - 0.3)),
        height=0.4 + 0.13 * len(names),
    )
    said = [text for _, text in ticks] + [f"{tr(n)}: {100 * v:.1f} %" for n, v in (levels or {}).items()]
    return Sketch(
        panels=(panel,),
        title=tr(title),
        alt=tr("{said}.", said="; ".join(said)),
        source=tr(source) if source else "",
    )
