"""What an explorer says in words: the head of each column, the table of numbers, and the text for readers without pictures."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from workbench.words import tr

if TYPE_CHECKING:
    from widgets.session import Session, Side

__all__ = ["badge", "head", "label", "missing", "numbers", "seconds", "text", "written"]

_CELL = "padding:1px 10px 1px 0;text-align:right;font-variant-numeric:tabular-nums;"


def label(session: Session, name: str) -> str:
    """What a column is called: who made its pictures."""
    side = session.sides[name]
    if side.follows:
        chip = session.values.get("chip", "")
        kind = getattr(getattr(session.study, "chip", None), "kind", "")
        if kind == "crossbar":
            return tr("Crossbar: {chip}", chip=chip)
        if kind == "wafer":
            return tr("Wafer: {chip}", chip=chip)
        return tr("Digital chip: {chip}", chip=chip) if kind == "digital" else tr("Event chip: {chip}", chip=chip)
    if name == "ideal":
        return tr("Brian2 reference")
    return name or tr(session.study.title) or type(session.study).__name__


def badge(session: Session, name: str) -> str:
    """The few words on a mark: what is still being computed, and that a picture shows a part of a run."""
    side = session.sides[name]
    if side.result is not None and side.result.part < 1 and not side.stale:
        return _so_far(side)
    if not side.waiting or side.here:
        return ""
    done = side.progress[0]
    who = tr("Brian2 reference") if name == "ideal" else label(session, name)
    return (
        tr("{who}, computing… {percent:.0f} %", who=who, percent=100 * done)
        if done > 0
        else tr("{who}, computing…", who=who)
    )


def head(session: Session, name: str) -> str:
    """The head of a column: its name, how long the run took, and what went wrong."""
    side = session.sides[name]
    if side.message:
        return f"<b>{escape(label(session, name))}</b> <span role='alert'>— {escape(side.message)}</span>"
    if side.waiting and not side.here:
        return f"<b>{escape(label(session, name))}</b> — {escape(side.progress[1] or tr('computing…'))}"
    if side.result is not None and side.result.part < 1:
        return f"<b>{escape(label(session, name))}</b> — {escape(_so_far(side))}"
    if side.stopped:
        return f"<b>{escape(label(session, name))}</b> — {escape(tr('stopped; the pictures are those of before'))}"
    time = tr("computed in {time}", time=seconds(side.seconds)) if side.seconds else ""
    return f"<b>{escape(label(session, name))}</b>{' — ' + escape(time) if time else ''}"


def _so_far(side: Side) -> str:
    """How much of the run a side shows."""
    percent = 100 * side.result.part if side.result else 0
    if side.stopped:
        return tr("stopped: the first {percent:.0f} % of the run", percent=percent)
    return tr("so far: {percent:.0f} % of the run", percent=percent)


def seconds(took: float) -> str:
    """A time as a person reads it."""
    return f"{1000 * took:.0f} ms" if took < 1 else f"{took:.1f} s" if took < 100 else f"{took / 60:.1f} min"


def missing(session: Session, name: str, view: str) -> str:
    """The note where one side has no such picture."""
    return f"<i style='opacity:.75'>{escape(tr('{side} has no picture of {view}.', side=label(session, name), view=tr(view)))}</i>"


def numbers(session: Session) -> str:
    """The numbers of every side beside each other, and those of the pinned result."""
    columns = [
        (
            label(session, name) + (f" ({_so_far(side)})" if side.result.part < 1 else ""),
            side.result.numbers,
            side.stale,
        )
        for name, side in session.sides.items()
        if side.result
    ]
    if session.pinned:
        columns += [
            (tr("pinned: {side}", side=label(session, n)), v, False)
            for n, v in session.pinned.numbers.items()
            if n in session.sides
        ]
    rows = list(dict.fromkeys(key for _, found, _ in columns for key in found))
    if not rows:
        return ""
    heads = "".join(f"<th scope='col' style='{_CELL}'>{escape(title)}</th>" for title, _, _ in columns)
    body = "".join(
        f"<tr><th scope='row' style='{_CELL}text-align:left;font-weight:normal'>{escape(written(row))}</th>"
        + "".join(
            f"<td style='{_CELL}{'opacity:.5' if stale else ''}'>{_number(found.get(row))}</td>"
            for _, found, stale in columns
        )
        + "</tr>"
        for row in rows
    )
    return f"<table style='border-collapse:collapse;line-height:1.5'><thead><tr><th></th>{heads}</tr></thead><tbody>{body}</tbody></table>"


def written(key: str) -> str:
    """A number's name as a person reads it: the unit is its ending (`hottest_c` is "hottest (°C)")."""
    words, unit = _parted(key)
    plain = words.replace("_", " ")
    read = tr(plain)
    if read == plain:
        read = " ".join(_WRITTEN.get(word, word) for word in plain.split(" "))
    return f"{read} ({unit})" if unit else read


_ENDINGS = {
    "w_per_cm2": "W/cm²",
    "l_per_min": "L/min",
    "k_per_kw": "K/kW",
    "tops_per_watt": "TOPS/W",
    "gsops_per_watt": "GSOPS/W",
    "per_second": "1/s",
    "per_s": "1/s",
    "degrees": "°",
    "kpa": "kPa",
    "mm": "mm",
    "mb": "MB",
    "gb": "GB",
    "db": "dB",
    "zj": "zJ",
    "c": "°C",
}
"""Units of results that no knob has, by how a number's name ends."""
_WRITTEN = (
    {word: word.upper() for word in ("adc", "asic", "cv", "isi", "mac", "pue", "sndr", "sqnr", "tops", "wse")}
    | {
        "cg1": "CG-1",
        "deepsouth": "DeepSouth",
        "fj": "fJ",
        "gsops": "GSOPS",
        "h100": "H100",
        "landauer": "Landauer",
        "northpole": "NorthPole",
        "pj": "pJ",
        "truenorth": "TrueNorth",
    }
    | {
        f"l{layer}{kind}": f"L{layer.replace('23', '2/3')}{kind.upper()}"
        for layer in ("23", "4", "5", "6")
        for kind in "ei"
    }
)
"""Words of an English name that are written otherwise."""


def _parted(key: str) -> tuple[str, str]:
    """A number's name without its unit, and the unit: the longest ending that is one."""
    from workbench import units  # noqa: PLC0415

    endings = dict(_ENDINGS)
    for unit in units.known():
        endings.setdefault(units.suffix(unit), unit)  # the first of a name: "us" is a time before it is a conductance
    del endings[""]
    for ending in sorted(endings, key=len, reverse=True):
        if key == ending and ending in _ENDINGS:
            return key, ""
        if key.endswith(f"_{ending}"):
            return key[: -len(ending) - 1], endings[ending]
    return key, ""


def _number(value: float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.5g}"


def text(session: Session) -> str:
    """The whole explorer in words: settings, numbers, and the description of each picture."""
    lines = [tr(session.study.title) or type(session.study).__name__]
    main = session.study.main_knobs or tuple(n for n, k in session.study.knobs().items() if "." not in k.path)
    lines.append(", ".join(f"{n} = {v}" for n, v in session.values.items() if n in main))
    for name, side in session.sides.items():
        if side.message:
            lines.append(f"{label(session, name)}: {side.message}")
        if side.result is None:
            if not side.message:
                lines.append(f"{label(session, name)}: {tr('not computed yet')}")
            continue
        lines.append("")
        lines.append(label(session, name) + (f" ({_so_far(side)})" if side.result.part < 1 else ""))
        lines += [f"  {written(key)}: {_number(value)}" for key, value in side.result.numbers.items()]
        lines += [f"  {panel.text}" for panels in side.pictures.values() for panel in panels[:1]]
    return "\n".join(lines)
