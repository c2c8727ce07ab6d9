"""The explorer in a notebook and the Studio's page, by their values: no browser."""

from __future__ import annotations

import base64
import subprocess
import sys
import time

import panel as pn
import pytest

from tests.widgets.toy_studies import Toy
from widgets import explore, marks, studio
from widgets.board import Board
from widgets.jupyter import Mark
from widgets.session import Session
from widgets.studio import page, parts


@pytest.fixture(scope="module")
def explorer():
    made = explore(Toy, chips=("loihi-davies",))
    yield made
    made.close()


def test_a_reader_without_a_kernel_gets_a_picture_and_a_text(explorer):
    bundle, _ = explorer._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "200 spikes of 100 neurons" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_wish_moves_the_pictures_and_is_answered(explorer):
    board = explorer.board
    mark = next(m for (_, view, _, _), m in board.marks.items() if view == "traces")
    before = mark.picture
    board.controls.asked = {"n": 1, "do": "set", "values": {"g": 2.5}}
    assert explorer.session.settle(20)
    assert explorer.study.g == 2.5
    assert explorer.result.numbers["isi_cv"] == 0.25
    assert mark.picture != before
    assert not mark.stale
    assert board.controls.state["n"] == 1
    assert board.controls.state["values"]["g"] == 2.5
    board.controls.asked = {"n": 2, "do": "pin"}
    assert mark.pinned == mark.picture
    board.controls.asked = {"n": 3, "do": "reset"}
    assert explorer.session.settle(20)
    assert mark.picture == before
    assert mark.pinned != b""
    board.controls.asked = {"n": 4, "do": "pin"}
    assert mark.pinned == b""


def test_a_refused_wish_is_a_sentence_at_the_controls_and_leaves_the_pictures(explorer):
    board = explorer.board
    pictures = [m.picture for m in board.marks.values()]
    board.controls.asked = {"n": 9, "do": "set", "values": {"g": 99.0}}
    assert "0 … 10" in board.controls.state["message"]
    assert [m.picture for m in board.marks.values()] == pictures


def test_both_worlds_draw_with_the_same_text():
    for kind in marks.KINDS:
        mine, theirs = Mark.of(kind), parts.Mark.of(kind)
        assert str(mine._esm) == theirs._esm == marks.esm(kind)
        for trait in ("picture", "pinned", "stale", "badge", "group", "play"):
            assert mine.has_trait(trait)
            assert trait in theirs.param


def test_the_board_sets_panel_components_like_ipywidgets():
    session = Session(Toy, chips=("loihi-davies",))
    session.run_first()
    wall = pn.GridBox()
    board = Board(session, page._Panel(wall, None))
    assert len(wall.objects) == 1 + len(board.marks) == 5
    mark = next(m for (_, view, _, _), m in board.marks.items() if view == "traces")
    before = mark.picture
    board.controls.asked = {"n": 1, "do": "set", "values": {"g": 1.0}}
    assert session.settle(20)
    end = time.monotonic() + 5
    while mark.picture == before and time.monotonic() < end:
        time.sleep(0.01)
    assert mark.picture != before
    assert board.controls.state["values"]["g"] == 1.0
    session.close()


def test_the_page_says_in_a_sentence_what_is_wrong_with_a_study():
    shown = page.Page("nonsense.py:Nothing")
    assert "nonsense.py" in str(shown._body.objects[0].object)


def test_the_studio_refuses_a_misspelt_study_before_it_serves():
    with pytest.raises(ValueError, match="did you mean 'worm'"):
        studio.serve("wurm", open_browser=False)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("widgets", ("panel", "ipywidgets", "anywidget", "holoviews", "brian2", "numba")),
        ("widgets.session", ("panel", "ipywidgets", "anywidget", "holoviews", "brian2", "numba")),
        ("widgets.explorer", ("panel", "bokeh", "holoviews", "brian2", "numba")),
    ],
)
def test_importing_a_room_loads_no_more_than_it_needs(module, absent):
    code = f"import sys, {module}; print([n for n in {absent!r} if n in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
