"""A course is data: lessons in order, with minutes, goals, claims, exercises and sweeps; one TOML file each."""

from __future__ import annotations

import importlib.resources
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from workbench.course.reading import read_toml
from workbench.errors import DescriptionError, NotebookError, unknown
from workbench.words import tr

__all__ = [
    "Claim", "Course", "Edition", "Exercise", "Lesson", "Slip", "Sweep", "Tolerance", "courses", "home", "load_course",
]  # fmt: skip

Edition = Literal["quick", "full"]
EDITIONS: tuple[Edition, ...] = ("quick", "full")


def home(kind: str) -> Path:
    """The folder of "notebooks" or "curricula": in the installed package, else beside the source."""
    packed = Path(str(importlib.resources.files("workbench"))) / "_data" / kind
    return packed if packed.is_dir() else Path(__file__).resolve().parents[2] / kind


@dataclass(frozen=True)
class Tolerance:
    """How far ours may lie from the published number: "5 %" of it, or "0.5" in its own unit."""

    text: str

    def __post_init__(self) -> None:
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*%?\s*", self.text) is None:
            raise DescriptionError(tr('The tolerance \'{text}\' is not one: write "5 %" or "0.5".', text=self.text))

    def around(self, value: float) -> float:
        """The tolerance as a distance from `value`."""
        number = float(self.text.strip().rstrip("%"))
        return abs(value) * number / 100 if self.text.strip().endswith("%") else number


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A number that somebody published or computed, and how near ours must come; or a bound it must respect."""

    number: str
    """Its name in `Result.numbers`; the ending is the unit."""
    source: str
    value: float | None = None
    within: str | None = None
    above: float | None = None
    below: float | None = None
    at: dict[str, Any] = field(default_factory=dict)
    """The knobs it holds at, in border units; the others may stand anywhere."""
    edition: str = "quick"
    """"full": the number needs the full size, the quick edition does not gate on it."""

    def __post_init__(self) -> None:
        if self.edition not in EDITIONS:
            raise unknown("edition", self.edition, EDITIONS)
        if (self.value is None) != (self.within is None):
            raise DescriptionError(tr('A claim with a value says within what: within = "5 %".'))
        if self.value is None and self.above is None and self.below is None:
            raise DescriptionError(
                tr("The claim on '{number}' claims nothing: give value and within, above or below.", number=self.number)
            )
        if self.within is not None:
            Tolerance(self.within)

    def holds(self, ours: float) -> bool:
        """Whether our number agrees."""
        if self.value is not None and self.within is not None:
            near = abs(ours - self.value) <= Tolerance(self.within).around(self.value)
        else:
            near = ours == ours  # a number, not NaN
        return near and (self.above is None or ours > self.above) and (self.below is None or ours < self.below)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep that belongs to a lesson: `workbench sweep network-states --grid g=3:6:4` as data."""

    name: str
    grid: dict[str, Any]
    seeds: int = 1


@dataclass(frozen=True, kw_only=True)
class Slip:
    """A wrong answer many give, and what to tell them."""

    answer: str
    """Sealed, like the right one."""
    say: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A question with a numeric answer, checked by `check("ex-1", answer)`."""

    name: str
    ask: str
    answer: str
    """Sealed with `workbench course seal`: not secret, only not in plain sight."""
    unit: str = ""
    within: str = "2 %"
    hint: str = ""
    slip: tuple[Slip, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One notebook of a course."""

    notebook: str
    """Its path in the notebooks' folder."""
    title: str
    minutes: int
    goals: tuple[str, ...]
    study: str = ""
    """The study its claims are about, by name."""
    quick: dict[str, Any] = field(default_factory=dict)
    """Notebook parameters of the quick edition, where they differ from the notebook's own."""
    full: dict[str, Any] = field(default_factory=dict)
    """Notebook parameters of the full edition."""
    claim: tuple[Claim, ...] = ()
    sweep: tuple[Sweep, ...] = ()
    exercise: tuple[Exercise, ...] = ()

    @property
    def name(self) -> str:
        """What it is called on the command line: the notebook's name without its number."""
        return re.sub(r"^\d+-", "", Path(self.notebook).stem)

    @property
    def path(self) -> Path:
        """Where the notebook is."""
        return home("notebooks") / self.notebook

    def parameters(self, edition: Edition) -> dict[str, Any]:
        """The notebook parameters an edition sets."""
        return dict(self.full if edition == "full" else self.quick)


@dataclass(frozen=True, kw_only=True)
class Course:
    """Lessons in their order."""

    title: str
    lesson: tuple[Lesson, ...] = ()

    def __post_init__(self) -> None:
        for what, names in (
            ("notebook", [x.notebook for x in self.lesson]),
            ("exercise", [e.name for x in self.lesson for e in x.exercise]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise NotebookError(tr("The {what} '{name}' stands in the course twice.", what=tr(what), name=twice[0]))

    def find(self, name: str) -> Lesson:
        """The lesson called `name` ("four-states"), or with that notebook or study; raises DescriptionError."""
        for lesson in self.lesson:
            if name in (lesson.name, lesson.notebook, lesson.study, Path(lesson.notebook).stem):
                return lesson
        raise unknown("lesson", name, [lesson.name for lesson in self.lesson])


def courses() -> tuple[str, ...]:
    """The names of the courses there are."""
    return tuple(sorted(path.stem for path in home("curricula").glob("*.toml")))


def load_course(name: str | Path = "") -> Course:
    """A course by name or by its TOML file; without a name the only one, or the first.

    Raises DescriptionError for a course nobody has, NotebookError for a file that is not one (with the line).
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return read_toml(Course, Path(name))
    known = courses()
    if not known:
        raise NotebookError(tr("There is no course in {folder}.", folder=home("curricula")))
    if name and name not in known:
        raise unknown("course", name, known)
    return _kept(home("curricula") / f"{name or known[0]}.toml")


@cache
def _kept(path: Path) -> Course:
    return read_toml(Course, path)
