"""The parameters cell of a notebook: names, types, defaults and comments; what is asked is checked against it.

Papermill takes any name without a word, and then the default experiment runs. Here a misspelt one is refused.
"""

from __future__ import annotations

import ast
import io
import json
import math
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import NotebookError, unknown
from workbench.words import tr

__all__ = ["Parameter", "cells", "checked", "parameters"]

NUMBERS = {"float": float, "int": int}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One line of the parameters cell: `g: float = 5.0  # relative inhibitory weight`."""

    name: str
    type: str
    default: Any
    doc: str = ""


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook as plain data, sources joined; raises NotebookError for a file that is none.

    nbformat would take two seconds to import, which is too much to learn that nothing has changed.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [{**cell, "source": "".join(cell["source"])} for cell in found]
    except OSError as error:
        raise NotebookError(tr("The notebook {path} cannot be read: {what}.", path=path, what=error.strerror)) from None
    except (ValueError, KeyError, TypeError):
        raise NotebookError(tr("{path} is not a notebook.", path=path)) from None


def parameters(path: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, by name; raises NotebookError when no cell is tagged `parameters`."""
    tagged = [cell for cell in cells(path) if "parameters" in cell["metadata"].get("tags", ())]
    if not tagged:
        raise NotebookError(tr("{path} has no cell tagged 'parameters', so none can be set.", path=path))
    return read_cell(tagged[0]["source"])


def read_cell(source: str) -> dict[str, Parameter]:
    """The parameters that the source of a cell declares."""
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, Parameter] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            name, kind, value = node.target.id, ast.unparse(node.annotation), node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, kind, value = node.targets[0].id, "", node.value
        else:
            continue
        default = _literal(ast.unparse(value))
        doc = comments.get(node.end_lineno or node.lineno, "")
        found[name] = Parameter(name=name, type=kind or type(default).__name__, default=default, doc=doc)
    return found


def checked(known: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values as the notebook's types; text (from a command line) is read, anything else must fit.

    Raises DescriptionError for a name the notebook does not have, NotebookError for a value of another type.
    """
    ready: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise unknown(tr("parameter"), name, known)
        ready[name] = _fitted(known[name], value)
    return ready


def _fitted(parameter: Parameter, value: Any) -> Any:
    kind = parameter.type
    # numpy's numbers would fail when the notebook is written
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
    if isinstance(value, str) and kind != "str":
        value = {"true": True, "false": False}.get(value.lower(), _literal(value))
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind in NUMBERS and isinstance(value, (int, float)) and not isinstance(value, bool):
        number = NUMBERS[kind](value)
        if math.isfinite(number) and number == value:
            return number
    elif kind not in (*NUMBERS, "str", "bool") and type(value).__name__ == kind.partition("[")[0]:
        return value
    raise NotebookError(
        tr("The parameter '{name}' is of type {type}: {value!r} is not.", name=parameter.name, type=kind, value=value)
    )


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
