"""No orphan either way, and every notebook is built as the house builds them."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from workbench.batch.parameters import parameters
from workbench.course import courses, home, load_course
from workbench.studies import STUDIES

NOTEBOOKS = sorted(p for p in home("notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
LESSONS = [lesson for name in courses() for lesson in load_course(name).lesson]

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda x: x.name)


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", ()))


def test_no_notebook_and_no_lesson_is_an_orphan() -> None:
    stand = {path.relative_to(home("notebooks")).as_posix() for path in NOTEBOOKS}
    listed = {lesson.notebook for lesson in LESSONS}
    assert stand == listed, f"in no course: {sorted(stand - listed)}; not there: {sorted(listed - stand)}"


@each_lesson
def test_a_lesson_says_how_long_and_what_for_and_claims_something(lesson: Any) -> None:
    assert 5 <= lesson.minutes <= 120
    assert lesson.goals
    assert lesson.claim
    assert all(claim.source for claim in lesson.claim)


@each_lesson
def test_a_lessons_settings_are_the_studys_and_the_notebooks(lesson: Any) -> None:
    study = STUDIES[lesson.study]()
    for claim in lesson.claim:
        study.changed(claim.at)
    for edition in ("quick", "full"):
        assert set(lesson.parameters(edition)) <= set(parameters(lesson.path))


@each_notebook
def test_a_notebook_has_its_parts_in_order(path: Path) -> None:
    found = cells(path)
    assert found[0]["cell_type"] == "markdown"
    title = "".join(found[0]["source"])
    assert title.startswith("# ")
    assert "minutes" in title
    kinds = ["parameters" in tags(c) for c in found if c["cell_type"] == "code"]
    assert kinds[0], "the first code cell is tagged `parameters`"
    assert sum(kinds) == 1
    assert any("nbval-check-output" in tags(c) for c in found), "a cell that compares with published numbers"


@each_notebook
def test_a_parameter_says_its_type_and_what_it_is(path: Path) -> None:
    for parameter in parameters(path).values():
        assert parameter.doc, f"{parameter.name} has no comment"


@each_notebook
def test_only_check_cells_store_outputs_and_the_count_with_them(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] != "code":
            continue
        if "nbval-check-output" in tags(cell):
            assert cell["outputs"], "a check cell keeps its text"
            assert isinstance(cell["execution_count"], int)
        else:
            assert not cell["outputs"]
            assert cell["execution_count"] is None


@each_notebook
def test_logic_lives_in_studies(path: Path) -> None:
    for cell in cells(path):
        text = "".join(cell["source"])
        if cell["cell_type"] != "code" or text.lstrip().startswith(("%", "!")):
            continue
        assert len(text.splitlines()) <= 25, text[:80]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno
                assert length <= 5, f"{node.name} is {length + 1} lines long"
