"""A study asks one question: its fields are knobs, its run gives numbers, recordings and pictures.

A notebook tells its story, the explorer gives it sliders, a sweep varies it, its claims are tested. All of them use the
class below and nothing else, so a study written in a notebook or in a file of one's own works everywhere at once:

    @final
    @described
    class MyStudy(Study):
        '''How the rate of one neuron grows with its input.'''

        current: float = quantity(500 * pA, "pA", low=0 * pA, high=1 * nA, doc="constant input current")

        def run(self, progress: Progress | None = None) -> Result:
            return Result(study=self, numbers={"rate_hz": float(measures.lif_rate(Lif(), self.current))})
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from workbench import fields
from workbench.errors import unknown
from workbench.fields import Knob, described
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

    from workbench.figures.picture import Shown
    from workbench.recordings.recording import Recording

__all__ = ["Album", "Progress", "Result", "Study", "whole"]

Progress = Callable[[float, str], None]
"""Called with the part done, 0 to 1, and a sentence; it may raise Cancelled to stop the run."""


@described
class Study:
    """Abstract: a question with knobs; write `@final @described class MyStudy(Study)` with fields and a `run`."""

    title: ClassVar[str] = ""
    """One line in English; passes through words.tr where it is drawn."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Named settings worth looking at, in border units: {"slow": {"g": 4.5, "eta": 0.9}}."""
    views: ClassVar[tuple[str, ...]] = ()
    """The figures an explorer keeps in sight while a slider moves."""
    main_knobs: ClassVar[tuple[str, ...]] = ()
    """The knobs an explorer shows first, by border name; the others fold away. Empty: all of them."""

    paints: ClassVar[Mapping[str, str]] = {}
    """Views whose image cells a person may paint, and the text knob that holds the pattern: {"conductances": "pattern"}."""

    live: ClassVar[Mapping[str, Any]] = {}
    """Settings an explorer puts over the person's: {"reference": False} where it shows Brian2 beside the chip anyway."""

    def run(self, progress: Progress | None = None) -> Result:
        """Answer the question; raises Cancelled if `progress` does."""
        raise NotImplementedError

    def stages(self, progress: Progress | None = None) -> Iterator[Result]:
        """The answer as it grows, whole at last: an explorer shows each, and what there is when a person stops the run.

        A study that takes long gives what it has from time to time, with `part` under 1; its `run` is `whole(self.stages(progress))`.
        """
        yield self.run(progress)

    def quick(self) -> Self:
        """The same question at a size for tests and the quick edition of a course."""
        return self

    @classmethod
    def from_border(cls, values: Mapping[str, Any]) -> Self:
        """The study with knobs set in border units: `from_border({"g": 4.5, "duration_ms": 500.0})`.

        Raises DescriptionError for a misspelt name, a value out of range or of the wrong type.
        """
        return fields.from_border(cls, values)

    @classmethod
    def preset(cls, name: str) -> Self:
        """The study at one of its presets; raises DescriptionError for a name it does not have."""
        if name not in cls.presets:
            raise unknown("preset", name, cls.presets)
        return cls.from_border(cls.presets[name])

    def changed(self, values: Mapping[str, Any]) -> Self:
        """This study with some knobs set anew, in border units."""
        return fields.from_border(self, values)

    def to_border(self) -> dict[str, Any]:
        """Every knob in border units, ready for a parameters cell, a YAML file or a command line."""
        return fields.to_border(self)

    def knobs(self) -> dict[str, Knob]:
        """Every knob by border name, the main ones first."""
        found = fields.knobs(self)
        first = [name for name in self.main_knobs if name in found]
        return {name: found[name] for name in [*first, *(n for n in found if n not in first)]}

    @property
    def digest(self) -> str:
        """A short name for exactly this question: equal studies have equal digests, in any process."""
        text = json.dumps(fields.to_json(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What a study found: numbers by name (the unit is the name's ending), recordings, a table, and pictures on demand."""

    study: Study
    numbers: Mapping[str, float]
    recordings: Mapping[str, Recording] = field(default_factory=dict)
    table: xarray.Dataset | None = None
    part: float = 1.0
    """How much of the run is in it, 0 to 1: under 1 it is an answer so far (`Study.stages`)."""
    pictures: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    """How to make each picture: `partial(figures.raster, recording)`, or a function that gives a HoloViews element; nothing is drawn
    until someone looks."""

    def figures(self) -> Album:
        """The pictures by name; each is made when it is looked up."""
        return Album(self.pictures)

    def __repr__(self) -> str:
        wide = max((len(name) for name in self.numbers), default=0)
        lines = [f"{name:<{wide}}  {value:.6g}" for name, value in self.numbers.items()]
        more = tr("pictures: {names}", names=", ".join(self.pictures)) if self.pictures else ""
        return "\n".join([tr(self.study.title) or type(self.study).__name__, *lines, *([more] if more else [])])


def whole(stages: Iterator[Result]) -> Result:
    """The last of the stages of an answer; raises what the study raises."""
    return deque(stages, maxlen=1)[0]


class Album(Mapping[str, Any]):
    """The pictures of one result by name; looking one up makes it, and it is kept. A HoloViews element becomes a picture."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Shown] = {}

    def __getitem__(self, name: str) -> Any:
        from workbench.figures.picture import as_picture  # noqa: PLC0415  a run that shows nothing needs no figures

        if name not in self._made:
            if name not in self._makers:
                raise unknown("figure", name, self._makers)
            self._made[name] = as_picture(self._makers[name]())
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __repr__(self) -> str:
        return f"<{tr('pictures: {names}', names=', '.join(self._makers))}>"


def is_described(cls: type) -> bool:
    """Whether `cls` carries `@described` itself; without it its fields are not knobs."""
    return "__dataclass_fields__" in cls.__dict__ and dataclasses.is_dataclass(cls)
