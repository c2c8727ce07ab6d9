"""A course file is read with care: what is wrong is named with its line and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.course import courses, load_course
from workbench.errors import DescriptionError, NotebookError

GOOD = """\
title = "A course"

[[lesson]]
notebook = "01-a/01-first.ipynb"
title = "First"
minutes = 10
goals = ["see"]
study = "network-states"
quick = { duration_ms = 500.0 }

[[lesson.claim]]
number = "rate_hz"
at = { g = 5, eta = 2 }
value = 37.95
within = "5 %"
source = "computed"

[[lesson]]
notebook = "01-a/02-second-one.ipynb"
title = "Second"
minutes = 10
goals = ["see"]

[[lesson.claim]]
number = "isi_cv"
above = 0.4
source = "computed"
"""


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "c.toml"
    path.write_text(text)
    return load_course(path)


def test_a_good_course_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(GOOD)
    course = load_course(path)
    first, second = course.lesson
    assert first.name == "first"
    assert first.claim[0].at == {"g": 5, "eta": 2}
    assert first.parameters("quick") == {"duration_ms": 500.0}
    assert second.claim[0].above == 0.4
    assert course.find("second-one") is second
    assert course.find("network-states") is first
    with pytest.raises(DescriptionError, match="did you mean 'first'"):
        course.find("fist")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("minutes = 10\n", "minuets = 10\n", 6, "did you mean 'minutes'"),
        ('above = 0.4\nsource = "computed"', 'above = 0.4\nsorce = "computed"', 27, "did you mean 'source'"),
        ("value = 37.95", 'value = "37.95"', 14, "write a number"),
        ("minutes = 10", "minutes = 10.5", 6, "write a whole number"),
        ('within = "5 %"', 'within = "a bit"', 11, "The tolerance 'a bit' is not one"),
        ('within = "5 %"\n', "", 11, "within what"),
        ("above = 0.4\n", "", 24, "claims nothing"),
        ('title = "First"\n', "", 3, "'title' is missing"),
        ('goals = ["see"]', "goals = [3]", 7, "'goals' is 3: write text"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    with pytest.raises(NotebookError) as raised:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert f"c.toml, line {line}:" in str(raised.value)
    assert said in str(raised.value)


def test_what_is_no_toml_or_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="is not TOML"):
        read(tmp_path, "title = \n")
    with pytest.raises(NotebookError, match="cannot be read"):
        load_course(tmp_path / "none.toml")
    with pytest.raises(DescriptionError, match="did you mean 'brain-inspired-computing'"):
        load_course("brain-inspired-computer")


def test_a_notebook_stands_in_a_course_once(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="twice"):
        read(tmp_path, GOOD.replace("02-second-one", "01-first"))


def test_there_is_a_course() -> None:
    assert "brain-inspired-computing" in courses()
