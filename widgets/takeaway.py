"""The settings of an explorer to take away: a parameters cell, YAML, command lines, and a token to send to somebody."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from workbench.errors import DescriptionError, NotebookError
from workbench.studies.load import reference
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.studies.study import Study

__all__ = ["FORMS", "cell", "from_token", "run_line", "sweep_line", "token", "yaml"]


def cell(study: Study, start: Study | None = None) -> str:
    """A parameters cell for a notebook: `g: float = 5.0  # relative inhibitory weight`."""
    lines = []
    for name, knob in study.knobs().items():
        if "." in name or not _shown(study, start, name):
            continue  # a dotted name is no Python name; such knobs travel by YAML, token and command line
        kind = {"float": "float", "int": "int", "flag": "bool"}.get(knob.kind, "str")
        value = knob.default
        if kind == "float" and isinstance(value, (int, float)):
            value = float(value)
        allowed = (
            f" ({knob.low:g} … {knob.high:g}{' ' + knob.unit if knob.unit else ''})"
            if knob.low is not None and knob.high is not None
            else ""
        )
        lines.append((f"{name}: {kind} = {value!r}", f"  # {knob.shown_doc}{allowed}"))
    wide = max((len(code) for code, _ in lines), default=0)
    return "\n".join(f"{code:<{wide}}{comment}" for code, comment in lines)


def yaml(study: Study, start: Study | None = None) -> str:
    """A YAML file of the knobs, as papermill's `-f` and the workbench's commands read it."""
    return "\n".join(
        f"{_yaml_key(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in _plain(study).items()
    )


def run_line(study: Study, start: Study | None = None) -> str:
    """The command that runs the study at these settings."""
    return " ".join(["workbench run", shlex.quote(_name(study)), *_changed(study)])


def sweep_line(study: Study, start: Study | None = None) -> str:
    """The command that sweeps around these settings, over the first number that has room on both sides."""
    study_knobs = study.knobs()
    numbers = [k for k in study_knobs.values() if k.kind == "float" and isinstance(k.default, (int, float))]
    grid = ""
    if numbers:
        k = numbers[0]
        low, high = float(k.low or 0.0), float(k.high or 1.0)
        span = (high - low) / 4
        grid = f"--grid {k.name}={max(low, k.default - span):g}:{min(high, k.default + span):g}:5"
    fixed = _changed(study, without=numbers[0].name if numbers else "")
    return " ".join(part for part in ["workbench sweep", shlex.quote(_name(study)), grid, *fixed] if part)


def token(study: Study, start: Study | None = None) -> str:
    """A text to send to somebody: the study's name and every knob, as a web address would write them."""
    return f"{quote(_name(study), safe=':./')}?{urlencode({k: json.dumps(v) if not isinstance(v, str) else v for k, v in _plain(study).items()})}"


def from_token(text: str, like: Study) -> Study:
    """The study a token describes; raises DescriptionError for a token of another study or one that is damaged."""
    name, mark, query = text.strip().partition("?")
    if not mark:
        raise DescriptionError(
            tr("This is not a token: it should look like {example}.", example=f"{_name(like)}?g=5.0&seed=0")
        )
    if name != _name(like):
        raise DescriptionError(tr("This token is for the study {other}, not for {this}.", other=name, this=_name(like)))
    known = type(like)().knobs()
    values: dict[str, Any] = {}
    pairs = parse_qsl(query, keep_blank_values=True)
    chosen = dict(pairs)
    # Knobs inside a chip exist only once that chip is chosen.
    names = {k: v for k, v in chosen.items() if k in known and known[k].kind == "name"}
    base = type(like)().changed(names) if names else type(like)()
    known = base.knobs()
    for key, value in pairs:
        if key in names:
            continue
        kind = known[key].kind if key in known else "choice"
        values[key] = value if kind in ("choice", "text") else _read(key, value)
    return base.changed(values)


def _read(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise DescriptionError(tr("The token says {name}={text}, which is not a value.", name=key, text=text)) from None


def _name(study: Study) -> str:
    try:
        return reference(study)
    except NotebookError:
        return type(study).__name__


def _plain(study: Study) -> dict[str, Any]:
    """The border values that text can carry and that say something.

    A distribution cannot be typed and is left at its place in the code. What a named chip says about itself is not repeated.
    """
    found = study.knobs()
    names = {name: k.default for name, k in found.items() if k.kind == "name"}
    inside = tuple(found[name].path + "." for name in names)
    fresh = type(study)().changed(names).to_border() if names else {}
    return {
        name: k.default
        for name, k in found.items()
        if isinstance(k.default, (bool, int, str)) or (isinstance(k.default, float) and math.isfinite(k.default))
        if not (k.path.startswith(inside) and fresh.get(name) == k.default)
    }


def _shown(study: Study, start: Study | None, name: str) -> bool:
    return not study.main_knobs or name in study.main_knobs or name in _differing(study)


def _differing(study: Study) -> dict[str, Any]:
    """The knobs that differ from the study as its class makes it."""
    plain = type(study)().to_border()  # what nothing on the command line would give
    return {k: v for k, v in _plain(study).items() if plain.get(k) != v}


def _changed(study: Study, without: str = "") -> list[str]:
    return [
        f"-p {k} {shlex.quote(v if isinstance(v, str) else json.dumps(v))}"
        for k, v in _differing(study).items()
        if k != without
    ]


def _yaml_key(name: str) -> str:
    return json.dumps(name) if "." in name else name


FORMS: dict[str, Callable[[Study, Study | None], str]] = {
    "cell": cell,
    "yaml": yaml,
    "run": run_line,
    "sweep": sweep_line,
    "token": token,
}
