"""The check cell: `check(result)` beside published numbers, `check("ex-1", answer)` for an exercise.

What it gives prints as text for the reader (and for nbval, which compares text) and carries the same as JSON for batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from workbench.course.course import Claim, Lesson, courses, load_course
from workbench.course.exercises import Answered, answered
from workbench.errors import unknown
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.studies.study import Result

__all__ = ["CHECK_MIME", "Checked", "Compared", "check", "claims_at", "compare", "rounded"]

CHECK_MIME = "application/vnd.workbench.check+json"


def rounded(value: float, digits: int = 4) -> str:
    """A number as a reader wants it: four significant digits, no exponent where that can be helped."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 10**7:
        return str(int(value))  # a count is a count
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    places = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
    return f"{value:.{places}f}"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One claim beside our number."""

    claim: Claim
    ours: float | None
    """None: no such number was computed."""

    @property
    def ok(self) -> bool:
        return self.ours is not None and self.claim.holds(self.ours)

    @property
    def published(self) -> str:
        """The published side, as text."""
        parts = [] if self.claim.value is None else [rounded(self.claim.value)]
        parts += [] if self.claim.above is None else [f"> {self.claim.above:g}"]
        parts += [] if self.claim.below is None else [f"< {self.claim.below:g}"]
        return ", ".join(parts)

    def cells(self) -> tuple[str, ...]:
        """Number, ours, published, tolerance, verdict, source: the columns of every table of claims."""
        ours = tr("missing") if self.ours is None else rounded(self.ours)
        verdict = tr("ok") if self.ok else tr("NOT WITHIN")
        within = tr("within {tolerance}", tolerance=self.claim.within) if self.claim.within else ""
        within = tr("exactly") if self.claim.within == "0" else within
        return self.claim.number, ours, self.published, within, verdict, self.claim.source


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What `check(result)` found: each claim that holds at these knobs beside our number."""

    study: str
    at: Mapping[str, Any]
    numbers: Mapping[str, float]
    claims: tuple[Compared, ...]

    @property
    def ok(self) -> bool:
        return all(c.ok for c in self.claims)

    def __repr__(self) -> str:
        if not self.claims:
            lines = [tr("No published number is claimed at these settings; ours:")]
            return "\n".join([*lines, *columns([(name, rounded(value)) for name, value in self.numbers.items()])])
        titles = (tr("number"), tr("ours"), tr("published"), "", "", tr("source"))
        return "\n".join(columns([titles, *(c.cells() for c in self.claims)]))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": repr(self), CHECK_MIME: self.to_json()}

    def to_json(self) -> dict[str, Any]:
        """The same for programs; six digits, so that it is stable across machines."""
        numbers = {name: float(f"{value:.6g}") for name, value in self.numbers.items()}
        numbers = {name: value if math.isfinite(value) else str(value) for name, value in numbers.items()}
        return {"study": self.study, "at": dict(self.at), "numbers": numbers, "ok": self.ok}


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of text as lines with aligned columns; a Chinese character counts as two."""
    widths = [max(_width(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["   ".join(c + " " * (w - _width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def same(a: object, b: object) -> bool:
    """Whether two settings of a knob are the same: numbers up to rounding at the border."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and bool not in (type(a), type(b)):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


def claims_at(lesson: Lesson, at: Mapping[str, Any]) -> tuple[Claim, ...]:
    """The claims of a lesson that hold at these knobs; a knob the claim does not name may stand anywhere."""
    return tuple(c for c in lesson.claim if all(name in at and same(value, at[name]) for name, value in c.at.items()))


def compare(claims: tuple[Claim, ...], numbers: Mapping[str, float]) -> tuple[Compared, ...]:
    """Each claim beside the number of that name."""
    return tuple(Compared(claim=c, ours=float(numbers[c.number]) if c.number in numbers else None) for c in claims)


@overload
def check(what: Result) -> Checked: ...
@overload
def check(what: str, answer: Any) -> Answered: ...
def check(what: Result | str, answer: Any = None) -> Checked | Answered:
    """Compare a result with what was published, or an answer with the right one.

    The last line of a check cell. `check(result)` looks up the claims of the course that hold at the result's knobs;
    `check("ex-1", answer)` tells how far an answer is: not started, wrong type or unit, on the way, almost, right.
    """
    known = [load_course(name) for name in courses()]
    if isinstance(what, str):
        exercises = {e.name: e for course in known for lesson in course.lesson for e in lesson.exercise}
        if what not in exercises:
            raise unknown("exercise", what, exercises)
        return answered(exercises[what], answer)

    from workbench.studies import reference

    try:
        study = reference(what.study)
    except Exception:  # noqa: BLE001  a study made in a notebook has no claims, and that is no error
        study = type(what.study).__qualname__
    at = what.study.to_border()
    claims = tuple(c for course in known for x in course.lesson if x.study == study for c in claims_at(x, at))
    return Checked(study=study, at=at, numbers=dict(what.numbers), claims=compare(claims, what.numbers))
