"""A device from somebody's own measurements: what a file of conductances says about writing, drifting or pulsing a cell.

g_us, sd_us [, time_s]           how far off cells end up, at one time or several
time_s, g_us [, cell]            how conductance drifts
pulse, g_us, direction           how pulses move it up and down
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.devices.assumed import IDEAL
from workbench.chips.devices.device import Device
from workbench.chips.devices.laws import Law, Piece, constant, polynomial
from workbench.chips.devices.table import Table, read
from workbench.errors import DescriptionError
from workbench.recordings.prices import Citation
from workbench.words import tr

__all__ = ["Fit", "Series", "device_from_csv", "fit_csv"]

Array = NDArray[np.float64]
_MOST_SERIES = 64
_MOST_PULSES = 10_000
_BEYOND = 0.5
_INSIDE = 0.2
"""How far beyond the data, and inside them, a fitted soft bound may lie, as a share of the range of the data."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One curve of a fit: measured `x`, `y`, the fit at the same `x`, and a label; SI."""

    x: Array
    y: Array
    fitted: Array
    label: str = ""
    direction: int = 1


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A device and the measurements it was fitted to: `kind` says what, `series` are the curves, `r2` how well over all of them."""

    device: Device
    kind: Literal["programming", "drift", "pulses"]
    series: tuple[Series, ...]

    @property
    def r2(self) -> float:
        """1 − Σ residual² / Σ (y − mean y)², over all points; of ln g for drift. NaN where the data do not vary at all."""
        y, fitted = (np.concatenate([getattr(s, name) for s in self.series]) for name in ("y", "fitted"))
        if self.kind == "drift":
            y, fitted = np.log(y), np.log(fitted)
        varies = float(np.sum((y - y.mean()) ** 2))
        return 1 - float(np.sum((y - fitted) ** 2)) / varies if varies > 0 else float("nan")


def device_from_csv(
    path: str | os.PathLike[str], *, name: str = "", base: Device = IDEAL, reference_time: float = 1.0
) -> Device:
    """A device fitted to a measured file; what the file does not say is `base`'s. See `fit_csv`, which also keeps the data."""
    return fit_csv(path, name=name, base=base, reference_time=reference_time).device


def fit_csv(path: str | os.PathLike[str], *, name: str = "", base: Device = IDEAL, reference_time: float = 1.0) -> Fit:
    """Fit a measured file, and keep the data beside the fit for `figures.devices.fit`.

    Parameters
    ----------
    path
        A CSV file with a header. Columns carry units: `g_us` (or _ns, _ms, _s), `sd_us`, `time_s` (or _ms, _us, _min, _h, _d); plain are
        `pulse`, `cell`, `direction` (up or down). `g, sd [, time]` gives the programming error, a quadratic in g for each time;
        `time, g [, cell]` the drift exponent, its mean over ln g and its spread; `pulse, g, direction` the soft-bound steps.
    name
        What the device is called; without it, the file's name.
    base
        A device for all that the file does not say: files are chained by giving the first one's device here.
    reference_time
        When the programming error was measured, s, for a file that does not say.

    Raises
    ------
    DescriptionError
        For a file that cannot be read as such a table, has too few points, or in which the conductance does not vary.
    """
    table = read(path)
    name = name or table.file.rpartition(".")[0] or table.file
    if "sd" in table:
        _exactly(table, ("g", "sd"), ("time",))
        return _programming(table, name, base, reference_time)
    if "pulse" in table or "direction" in table:
        _exactly(table, ("pulse", "g", "direction"), ())
        return _pulses(table, name, base)
    if "time" in table:
        _exactly(table, ("time", "g"), ("cell",))
        return _drift(table, name, base)
    raise DescriptionError(
        tr(
            "{file} has the columns {columns}; write g_us, sd_us (programming), time_s, g_us (drift) or pulse, g_us, direction (pulses).",
            file=table.file,
            columns=", ".join(table.columns),
        )
    )


def _exactly(table: Table, needed: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Raise DescriptionError for a missing column, or one that has no meaning beside the others."""
    for column in needed:
        if column not in table:
            raise DescriptionError(
                tr(
                    "{file} has no column '{column}': it has {columns}, and needs {needed}.",
                    file=table.file,
                    column=column,
                    columns=", ".join(table.columns),
                    needed=", ".join(needed),
                )
            )
    for column in table.columns:
        if column not in needed + more:
            raise DescriptionError(
                tr(
                    "{file}: the column '{column}' means nothing beside {needed}; leave it out.",
                    file=table.file,
                    column=column,
                    needed=", ".join(needed),
                )
            )


def _enough(table: Table, got: int, least: int, what: str) -> None:
    if got < least:
        raise DescriptionError(
            tr(
                "{file} has {got} {what}; a fit needs at least {least}.",
                file=table.file,
                got=got,
                what=what,
                least=least,
            )
        )


def _range(table: Table, base: Device) -> tuple[float, float]:
    """The range of the conductances that the base knows too; one of zero width is refused."""
    low, high = float(table["g"].min()), float(table["g"].max())
    if not high > low:
        raise DescriptionError(
            tr(
                "{file}: every conductance is {g:g} µS, a window of zero width; measure at least two levels.",
                file=table.file,
                g=low * 1e6,
            )
        )
    both = max(low, base.conductances[0]), min(high, base.conductances[1])
    if not both[1] > both[0]:
        raise DescriptionError(
            tr(
                "{file} reaches {low:g} … {high:g} µS, and {base} is known for {base_low:g} … {base_high:g} µS: they do not overlap.",
                file=table.file,
                low=low * 1e6,
                high=high * 1e6,
                base=base.name,
                base_low=base.conductances[0] * 1e6,
                base_high=base.conductances[1] * 1e6,
            )
        )
    return both


def _cited(table: Table, base: Device, *fields: str, **more: Citation) -> dict[str, Citation]:
    """The base's citations (what is kept of it), and the file for what it said."""
    kept = {
        field: Citation("assumed", f"as in {base.name or 'the base device'}: {citation}")
        for field, citation in base.citations.items()
    }
    return {
        **kept,
        **dict.fromkeys(fields, Citation("published", f"measured: {table.file}, the user's own file")),
        **more,
    }


# --- programming ------------------------------------------------------------------------------------------------------


def _programming(table: Table, name: str, base: Device, reference_time: float) -> Fit:
    """A quadratic of sd over g for each time; the first is the programming error, later ones hold its relaxation too."""
    low, high = _range(table, base)
    times = np.unique(table["time"]) if "time" in table else np.array([reference_time])
    if times.size > _MOST_SERIES:
        raise DescriptionError(
            tr(
                "{file} has {times} different times; at most {most} are fitted.",
                file=table.file,
                times=times.size,
                most=_MOST_SERIES,
            )
        )
    laws: list[tuple[float, Law]] = []
    series: list[Series] = []
    for t in times.tolist():
        of = table["time"] == t if "time" in table else np.ones(len(table), bool)
        g, sd = table["g"][of], table["sd"][of]
        _enough(table, np.unique(g).size, 4, tr("different conductances at {time:g} s", time=t))
        law = polynomial(high, *np.polynomial.polynomial.polyfit(g / high, sd, 2).tolist(), scale=1.0)
        order = np.argsort(g, kind="stable")
        laws.append((t, law))
        series.append(Series(x=g[order], y=sd[order], fitted=law(g[order]), label=f"{t:g} s"))
    first = float(times[0])
    later = max(base.times[1], first) if base.drift_mean is not None else float(times[-1])
    device = replace(
        base,
        name=name,
        g_min=low,
        g_max=high,
        conductances=(low, high),
        reference_time=first,
        times=(first, later),
        programming=laws[0][1],
        relaxation=tuple(laws[1:]),
        shift=(),
        citations=_cited(
            table,
            base,
            "g_min",
            "g_max",
            "conductances",
            "programming",
            *(("relaxation", "reference_time", "times") if "time" in table else ()),
            **(
                {}
                if "time" in table
                else {"reference_time": Citation("assumed", f"{table.file} does not say when; taken as {first:g} s")}
            ),
        ),
    )
    return Fit(device=device, kind="programming", series=tuple(series))


# --- drift ------------------------------------------------------------------------------------------------------------


def _drift(table: Table, name: str, base: Device) -> Fit:
    """ν of each cell by a line through ln g over ln t; its mean over ln g₀ and its spread over cells."""
    if table["g"].min() <= 0:
        raise DescriptionError(
            tr("{file}: drift of a conductance of 0 is not defined; leave those rows out.", file=table.file)
        )
    cells = table["cell"] if "cell" in table else np.zeros(len(table))
    names = np.unique(cells)
    start = float(table["time"].min())
    starts, exponents, series = [], [], []
    for cell in names.tolist():
        of = cells == cell
        t, g = table["time"][of], table["g"][of]
        _enough(table, np.unique(t).size, 3, tr("different times for cell {cell:g}", cell=cell))
        line = np.polynomial.polynomial.polyfit(np.log(t / start), np.log(g), 1)
        starts.append(float(np.exp(line[0])))
        exponents.append(-float(line[1]))
        if len(series) < _MOST_SERIES:
            order = np.argsort(t, kind="stable")
            series.append(
                Series(
                    x=t[order],
                    y=g[order],
                    fitted=np.exp(line[0] + line[1] * np.log(t[order] / start)),
                    label=f"{cell:g}",
                )
            )
    g0, nu = np.array(starts), np.array(exponents)
    several = g0.size >= 4 and g0.max() > 2 * g0.min()
    # One level says nothing about the range in which other laws of the base hold.
    measured = _range(table, base) if several or base.programming is None else None
    low, high = measured or (base.g_min, base.g_max)
    if several:
        top = float(g0.max())
        a, b = np.polynomial.polynomial.polyfit(np.log(g0 / top), nu, 1).tolist()
        ends = sorted((a, a + b * float(np.log(g0.min() / top))))
        mean = Law(reference=top, pieces=(Piece(polynomial=(a,), log=b, low=ends[0], high=ends[1]),))
        sd = float(np.std(nu - (a + b * np.log(g0 / top)), ddof=2))
    else:
        mean, sd = constant(float(nu.mean())), float(np.std(nu, ddof=1)) if nu.size > 1 else 0.0
    reference = start if base.programming is None else base.reference_time
    device = replace(
        base,
        name=name,
        g_min=low,
        g_max=high,
        conductances=measured or base.conductances,
        reference_time=reference,
        times=(min(start, reference), max(float(table["time"].max()), reference)),
        drift_mean=mean,
        drift_sd=constant(sd) if sd else None,
        citations=_cited(
            table,
            base,
            "drift_mean",
            "drift_sd",
            "times",
            *(("g_min", "g_max", "conductances", "reference_time") if measured else ()),
            **(
                {}
                if several
                else {
                    "drift_mean": Citation(
                        "published",
                        f"measured: {table.file}, the user's own file; too few levels: one exponent for every conductance",
                    )
                }
            ),
        ),
    )
    return Fit(device=device, kind="drift", series=tuple(series))


# --- pulses -----------------------------------------------------------------------------------------------------------


def _pulses(table: Table, name: str, base: Device) -> Fit:
    """Soft-bound steps up and down, both bounds fitted with them; the window is the range of the data."""
    from scipy.optimize import least_squares  # noqa: PLC0415  only who fits a file needs it

    low, high = float(table["g"].min()), float(table["g"].max())
    window = _range(table, base)
    reach = high - low
    if table["pulse"].max() > _MOST_PULSES:
        raise DescriptionError(
            tr(
                "{file} goes to pulse {last:g}; at most {most:,} are fitted.",
                file=table.file,
                last=table["pulse"].max(),
                most=_MOST_PULSES,
            )
        )
    runs: list[tuple[int, NDArray[np.int64], Array]] = []
    for direction in (1, -1):
        of = table["direction"] == direction
        if not of.any():
            continue
        order = np.argsort(table["pulse"][of], kind="stable")
        n, g = table["pulse"][of][order].astype(np.int64), table["g"][of][order]
        _enough(
            table, np.unique(n).size, 6, tr("different pulses up") if direction > 0 else tr("different pulses down")
        )
        runs.append((direction, n - n[0], g))

    # Per run: how large the first step would be, its shape, and where it starts. For all: both bounds.
    # Noise carries single points past a bound, so that a bound may lie a little inside the data.
    start, least, most = [0.02, 0.02], [-_INSIDE, -_INSIDE], [_BEYOND, _BEYOND]
    for direction, n, g in runs:
        start += [
            float(np.clip(2.0 / max(int(n[-1]), 1), 1e-5, 0.9)),
            1.0,
            float(np.clip((g[0] - low) / reach, 0.0, 1.0)),
        ]
        least += [1e-6, 0.0, -0.2]
        most += [1.0, 10.0, 1.2]
        if (g[-1] - g[0]) * direction <= 0:
            raise DescriptionError(
                tr(
                    "{file}: pulses {direction} move the conductance the other way.",
                    file=table.file,
                    direction="up" if direction > 0 else "down",
                )
            )
    most[0] = min(_BEYOND, low / reach)  # no conductance below nothing

    def bounds(p: Array) -> tuple[float, float]:
        return low - p[0] * reach, high + p[1] * reach

    def curves(p: Array) -> list[Array]:
        bottom, top = bounds(p)
        made = []
        for k, (direction, n, _) in enumerate(runs):
            step, shape, begin = p[2 + 3 * k : 5 + 3 * k]
            v = (low + begin * reach - bottom) / (top - bottom)
            track = _track(1 - v if direction > 0 else v, step, shape, int(n[-1]))[n]
            made.append(bottom + (top - bottom) * (1 - track if direction > 0 else track))
        return made

    start[0] = min(start[0], most[0] / 2)
    apart: Callable[[Array], Array] = lambda p: np.concatenate(  # noqa: E731
        [(c - g) / reach for c, (_, _, g) in zip(curves(p), runs, strict=True)]
    )
    found = least_squares(
        apart, start, bounds=(least, most), x_scale=[0.1, 0.1, *([0.01, 1.0, 0.1] * len(runs))], max_nfev=200
    )
    p = found.x
    bottom, top = bounds(p)
    bottom = max(bottom, 0.0)
    window = max(window[0], bottom), min(window[1], top)
    made = curves(p)
    steps = base.pulses
    for k, (direction, _, _) in enumerate(runs):
        size, shape = float(p[2 + 3 * k]), float(p[3 + 3 * k])
        steps = (
            replace(steps, up=size, up_shape=shape) if direction > 0 else replace(steps, down=size, down_shape=shape)
        )
    steps = replace(steps, cycle=_cycle(runs, made))
    device = replace(
        base,
        name=name,
        g_min=window[0],
        g_max=window[1],
        conductances=window,
        bounds=(bottom, top),
        pulses=steps,
        citations=_cited(
            table,
            base,
            "pulses",
            "g_min",
            "g_max",
            "conductances",
            bounds=Citation("computed", f"soft bounds fitted to {table.file}"),
        ),
    )
    series = tuple(
        Series(x=n.astype(float), y=g, fitted=c, label=tr("up") if direction > 0 else tr("down"), direction=direction)
        for (direction, n, g), c in zip(runs, made, strict=True)
    )
    return Fit(device=device, kind="pulses", series=series)


def _track(distance: float, step: float, shape: float, pulses: int) -> Array:
    """The distance to the soft bound after 0, 1, … pulses."""
    made = np.empty(pulses + 1)
    x = max(float(distance), 0.0)
    for k in range(pulses + 1):
        made[k] = x
        x = max(x - step * x**shape, 0.0)
    return made


def _cycle(runs: list[tuple[int, NDArray[np.int64], Array]], made: list[Array]) -> float:
    """Spread of single steps around the fit, relative to them; 0 where too few single steps were measured."""
    off, size = [], []
    for (_, n, g), c in zip(runs, made, strict=True):
        single = np.diff(n) == 1
        off.append((np.diff(g) - np.diff(c))[single])
        size.append(np.diff(c)[single])
    together, sizes = np.concatenate(off), np.concatenate(size)
    if together.size < 10 or not np.any(sizes):
        return 0.0
    return float(min(np.sqrt(np.mean(together**2) / np.mean(sizes**2)), 5.0))
