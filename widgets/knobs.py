"""Controls made from any study's knobs: one description, drawn by one ESM text in ipywidgets and in Panel alike.

`face` says what there is (controls, presets, words), `state` what holds now (values, message), `going` how far a run is. A person's wish comes
back as `asked`: {"n": 7, "do": "set", "values": {"g": 4.5}}; `answer` hands it to the session.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from widgets import summary
from workbench import words
from workbench.words import tr

if TYPE_CHECKING:
    from widgets.session import Session
    from workbench.fields import Knob

__all__ = ["answer", "control", "esm", "face", "going", "state"]

AT_ONCE = 0.5
"""Seconds a run may take before it gets a bar and a button to stop it."""

MOST_STEPS = 2**31 - 1  # a whole number without an upper end, such as a seed, has no use for a slider


@cache
def esm() -> str:
    """The ESM text of the control panel."""
    here = files("widgets")
    return "\n".join((here / name).read_text(encoding="utf-8") for name in ("marks/frame.js", "knobs.js"))


def control(knob: Knob) -> dict[str, Any]:
    """One control as plain data: what kind it is, what it is called, and how far it goes."""
    label = knob.shown_label
    said = {"name": knob.name, "label": label[:1].upper() + label[1:], "doc": knob.shown_doc, "unit": knob.unit}
    if knob.kind in ("choice", "name"):
        return {**said, "kind": "choice", "options": list(knob.options)}
    if knob.kind == "flag":
        return {**said, "kind": "flag"}
    if knob.kind == "text":
        return {**said, "kind": "line"}
    low, high = float(knob.low or 0.0), float(knob.high or 0.0)
    whole = knob.kind == "int"
    if not isinstance(knob.default, (int, float)):
        return {**said, "kind": "text"}  # a distribution: shown, not turned
    if whole and high >= MOST_STEPS and not knob.log:
        return {**said, "kind": "number", "low": low, "high": high, "step": 1, "whole": True}
    log = knob.log and high > low
    return {
        **said,
        "kind": "slider",
        "low": low,
        "high": high,
        "step": 1 if whole and not log else _step(low, high),
        "whole": whole,
        "log": log,
        "allowed": f"{_short(low)} … {_short(high)}{' ' + knob.unit if knob.unit else ''}",
    }


def _step(low: float, high: float) -> float:
    """A round step with about two hundred of them between the ends."""
    rough = (high - low) / 200
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e4 and value == round(value) else f"{value:g}"


def face(session: Session) -> dict[str, Any]:
    """What the control panel shows: changes only when the knobs do, as with another chip, or with the language."""
    with words.speaking(session.language):
        found = session.knobs
        main = [n for n in session.study.main_knobs if n in found] or [
            n for n, k in found.items() if k.path.count(".") == 0
        ]
        folded: dict[str, list[dict[str, Any]]] = {}
        for name, knob in found.items():
            if name not in main:
                folded.setdefault(knob.path.rpartition(".")[0], []).append(control(knob))
        return {
            "title": tr(session.study.title) or type(session.study).__name__,
            "about": tr(next(iter((type(session.study).__doc__ or "").strip().splitlines()), "")),
            "controls": [control(found[n]) for n in main],
            "groups": [{"title": _group(path), "controls": controls} for path, controls in folded.items()],
            "presets": [{"name": n, "label": tr(n)} for n in session.study.presets],
            "words": {
                "preset": tr("Preset"),
                "own": tr("own settings"),
                "reset": tr("Reset"),
                "undo": tr("Undo"),
                "redo": tr("Redo"),
                "pin": tr("Pin"),
                "unpin": tr("Unpin"),
                "pin_doc": tr("Keep these pictures in grey behind the next ones, to compare"),
                "take": tr("Take away"),
                "copy": tr("Copy"),
                "copied": tr("Copied"),
                "load": tr("Load"),
                "token": tr("Paste a token here"),
                "controls": tr("Controls"),
                "form": tr("Form"),
                "value": tr("value"),
                "progress": tr("Progress"),
                "stop": tr("Cancel"),
                "again": tr("Run again"),
                "forms": {
                    "cell": tr("Parameters cell"),
                    "yaml": tr("YAML"),
                    "run": tr("Command: run"),
                    "sweep": tr("Command: sweep"),
                    "token": tr("Token"),
                },
            },
        }


def _group(path: str) -> str:
    return " · ".join(tr(part) for part in path.split(".")) if path else tr("More")


def state(session: Session, *, n: int = 0, form: str = "") -> dict[str, Any]:
    """What holds now; `n` is the wish it answers, so that a slider still moving is not set back, `form` the text looked at."""
    with words.speaking(session.language):
        return {
            "n": n,
            "values": {
                name: v if isinstance(v, (bool, int, float, str)) else str(v) for name, v in session.values.items()
            },
            "preset": session.current_preset,
            "message": session.message,
            "undo": session.can_undo,
            "redo": session.can_redo,
            "pinned": session.pinned is not None,
            "text": session.text(form) if form else None,
        }


def going(session: Session) -> dict[str, Any]:
    """What is under way, for the bar under the buttons; empty when nothing runs, or has run for less than a blink."""
    with words.speaking(session.language):
        found = session.going
        if not found:
            stopped = any(side.stopped for side in session.sides.values())
            return {"stopped": True, "text": tr("stopped")} if stopped else {}
        if found["took"] < AT_ONCE:
            return {}
        took, left = summary.seconds(found["took"]), found["left"]
        text = tr("{took}, about {left} left", took=took, left=summary.seconds(left)) if left is not None else took
        return {"part": round(found["part"], 3), "text": text}


def answer(session: Session, asked: Mapping[str, Any]) -> None:
    """Do what a person asked for at the control panel."""
    match asked.get("do"):
        case "set":
            session.ask(dict(asked.get("values", {})))
        case "preset":
            session.preset(str(asked.get("name", "")))
        case "reset":
            session.reset()
        case "undo":
            session.undo()
        case "redo":
            session.redo()
        case "pin":
            session.unpin() if session.pinned else session.pin()
        case "stop":
            session.stop()
        case "again":
            session.run()
        case "load":
            session.load(str(asked.get("token", "")))
        case _:
            pass  # "text" only asks for an answer, which every wish gets
