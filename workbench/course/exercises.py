"""Exercises: an answer is not started, of the wrong type or unit, on the way, almost there, or right.

The right answers stand sealed in the course's TOML. The seal is no secret; it keeps an answer from being read by
accident.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import numbers
from dataclasses import dataclass
from typing import Any, Literal

from workbench.course.course import Exercise, Tolerance
from workbench.errors import NotebookError
from workbench.words import tr

__all__ = ["Answered", "State", "answered", "seal", "unseal"]

State = Literal["not started", "wrong type or unit", "on the way", "almost", "right"]

MARKS = {"not started": "○", "wrong type or unit": "✗", "on the way": "→", "almost": "≈", "right": "✓"}

ALMOST = 5
"""An answer within this many tolerances is almost right."""

THOUSANDS = (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)


@dataclass(frozen=True)
class Answered:
    """How far an answer is, and one sentence that helps."""

    exercise: str
    state: State
    sentence: str

    @property
    def ok(self) -> bool:
        return self.state == "right"

    def __repr__(self) -> str:
        return f"{MARKS[self.state]} {self.exercise}: {tr(self.state)}. {self.sentence}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        content = {"exercise": self.exercise, "state": self.state}
        return {"text/plain": repr(self), "application/vnd.workbench.answer+json": content}


def answered(exercise: Exercise, answer: Any) -> Answered:
    """The state of an answer."""

    def says(state: State, sentence: str) -> Answered:
        return Answered(exercise.name, state, sentence)

    unit = exercise.unit or "1"
    if answer is None or answer is ...:
        return says("not started", tr("Put your answer in place of the dots and run the cell again."))
    if hasattr(answer, "dim") and hasattr(answer, "get_best_unit"):
        return says("wrong type or unit", tr("Give a plain number in {unit}, not a quantity with a unit.", unit=unit))
    if getattr(answer, "ndim", None) == 0 and hasattr(answer, "item"):
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, numbers.Real):
        return says(
            "wrong type or unit",
            tr("A number is wanted ({unit}); this is of type {type}.", unit=unit, type=type(answer).__name__),
        )
    ours = float(answer)
    if not math.isfinite(ours):
        return says("wrong type or unit", tr("The answer is {value}: was something divided by zero?", value=ours))

    right = unseal(exercise.name, exercise.answer)
    tolerance = Tolerance(exercise.within)
    distance, allowed = abs(ours - right), tolerance.around(right)
    if distance <= allowed:
        return says("right", tr("Well done."))
    for slip in exercise.slip:
        usual = unseal(exercise.name, slip.answer)
        if abs(ours - usual) <= tolerance.around(usual):
            return says("on the way", tr(slip.say))
    if distance <= ALMOST * allowed:
        return says("almost", tr("The way is right; look at the rounding and at the last step."))
    for factor in THOUSANDS:
        if abs(ours * factor - right) <= allowed:
            return says(
                "wrong type or unit", tr("The digits are right but not the unit: give it in {unit}.", unit=unit)
            )
    if right and abs(-ours - right) <= allowed:
        return says("on the way", tr("The size is right; think about the sign."))
    direction = tr("Your number is too high.") if ours > right else tr("Your number is too low.")
    return says("on the way", f"{direction} {tr(exercise.hint)}".strip() if exercise.hint else direction)


def seal(name: str, value: float) -> str:
    """The answer `value` of exercise `name`, unreadable at a glance; `unseal` turns it back."""
    plain = json.dumps(float(value)).encode()
    return base64.urlsafe_b64encode(_stirred(name, plain)).decode()


def unseal(name: str, text: str) -> float:
    """The sealed answer of exercise `name`; raises NotebookError for one sealed for another or typed by hand."""
    try:
        return float(json.loads(_stirred(name, base64.urlsafe_b64decode(text.encode()))))
    except ValueError:
        raise NotebookError(
            tr("The answer of '{name}' is not sealed: `workbench course seal {name} VALUE` prints it.", name=name)
        ) from None


def _stirred(name: str, content: bytes) -> bytes:
    stream = itertools.chain.from_iterable(hashlib.sha256(f"{name} {k}".encode()).digest() for k in itertools.count())
    return bytes(a ^ b for a, b in zip(content, stream, strict=False))
