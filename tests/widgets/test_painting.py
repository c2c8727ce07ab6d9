"""Painting by its values, without a browser: a stroke over cells of a picture becomes the text of a knob, and a new study."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import pytest

from widgets import explore, knobs, marks, takeaway
from widgets.session import Session
from widgets.studio import page, parts
from workbench.fields import described, text
from workbench.figures.layers import Axis, Image, Panel, Sketch
from workbench.figures.picture import picture
from workbench.studies.painting import painted, stroke
from workbench.studies.study import Progress, Result, Study

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@picture
def cells(pattern: str) -> Sketch:
    image = Image(values=painted(pattern, (3, 5)).astype(float), x_range=(-0.5, 4.5), y_range=(-0.5, 2.5))
    return Sketch(panels=(Panel(layers=(image,), x=Axis(label="column")),), title="Cells", alt="Some cells.")


@final
@described
class Easel(Study):
    """Three rows of five cells."""

    title: ClassVar[str] = "An easel"
    views: ClassVar[tuple[str, ...]] = ("cells", "other")
    paints: ClassVar = {"cells": "pattern"}

    pattern: str = text("", doc="painted cells")

    def check(self) -> None:
        painted(self.pattern, (3, 5))

    def run(self, progress: Progress | None = None) -> Result:
        pictures = {"cells": lambda: cells(self.pattern), "other": lambda: cells(self.pattern)}
        return Result(study=self, numbers={"painted": float(painted(self.pattern, (3, 5)).sum())}, pictures=pictures)


class Now:
    """A job that is done at once."""

    progress = (0.0, "")

    def __init__(self, study: Study) -> None:
        self.study = study

    def done(self) -> bool:
        return True

    def cancel(self) -> None: ...

    def result(self) -> Result:
        return self.study.run()


@pytest.fixture
def session() -> Session:
    made = Session(Easel, submit=Now)
    made.run_first()
    return made


def test_a_stroke_paints_and_a_stroke_that_begins_on_paint_wipes() -> None:
    assert stroke("", [(2, 1)]) == "2,1"
    assert stroke("2,1", [(0, 0), (2, 1)]) == "0,0 2,1", "a brush that begins on a bare cell wipes nothing"
    assert stroke("0,0 2,1", [(2, 1), (2, 2), (0, 0)]) == ""
    assert stroke("1,1", []) == "1,1"


def test_a_stroke_is_a_new_study_and_one_step_back(session: Session) -> None:
    assert session.paint("cells", [(0, 1), (0, 2)])
    session.settle(20)
    assert session.study == Easel(pattern="0,1 0,2")
    assert next(iter(session.sides.values())).result.numbers["painted"] == 2
    session.undo()
    assert session.study.pattern == ""


def test_a_view_that_nobody_paints_takes_no_stroke(session: Session) -> None:
    assert not session.paint("other", [(0, 1)])
    assert not session.paint("no such view", [(0, 1)])
    assert session.study == Easel()


def test_a_cell_outside_is_refused_in_a_sentence(session: Session) -> None:
    assert not session.paint("cells", [(3, 0)])
    assert "rows are 0 … 2" in session.message
    assert session.study == Easel()


def test_the_text_is_a_control_and_travels_in_a_token(session: Session) -> None:
    assert knobs.control(session.knobs["pattern"])["kind"] == "line"
    session.ask({"pattern": "1,1 2,4"})
    token = session.text("token")
    assert takeaway.from_token(token, Easel()).pattern == "1,1 2,4"
    assert not session.ask({"pattern": "one"})
    assert "'one' is no cell" in session.message


def test_the_marks_of_both_toolkits_hand_their_stroke_to_the_session() -> None:
    made = explore(Easel)
    try:
        made.wait()
        by_view = {view: mark for (_, view, _, _), mark in made.board.marks.items()}
        assert (by_view["cells"].paints, by_view["other"].paints) == (True, False)
        before = by_view["cells"].picture
        by_view["cells"].picked = {"n": 1, "cells": [[0, 0], [0, 1]]}
        made.wait()
        assert made.study.pattern == "0,0 0,1"
        assert by_view["cells"].picture != before
        assert made.board.controls.state["values"]["pattern"] == "0,0 0,1"
    finally:
        made.close()
    heard: list[Any] = []
    mark = parts.Mark.of("image", paints=True)
    page._Panel(wall=None, document=None).on_picked(mark, heard.append)  # type: ignore[arg-type]
    mark.picked = {"n": 1, "cells": [[2, 3]]}
    assert heard == [{"n": 1, "cells": [[2, 3]]}]


def test_the_picture_draws_row_0_at_its_lower_edge_as_strokes_count() -> None:
    _, header = marks.payload(cells("0,3").panels[0])
    grid = header["grid"]
    drawn = np.asarray(grid["values"]).reshape(grid["height"], grid["width"])
    assert drawn[-1, 3] == 1.0
    assert drawn.sum() == 1.0
    assert header["words"]["paint"]
