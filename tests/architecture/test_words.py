"""Every sentence can be translated, translations keep the values, and lesson (b)'s controls exist in Chinese."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench import words
from workbench.course import load_course
from workbench.fields import knobs
from workbench.studies import STUDIES

HOME = Path(__file__).resolve().parents[2]
CHINESE = json.loads((HOME / "workbench" / "locale" / "zh_CN.json").read_text(encoding="utf-8"))


def sentences() -> Iterator[tuple[str, str]]:
    """Each literal given to tr, and where."""
    for folder in ("workbench", "widgets"):
        for path in sorted((HOME / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                first = node.args[0]
                if name == "tr" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value, f"{path.relative_to(HOME)}:{node.lineno}"


def blanks(text: str) -> set[str]:
    return {re.split(r"[.!\[:]", name)[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_a_translation_keeps_the_values() -> None:
    wrong = [
        english for english, chinese in CHINESE.items() if blanks(english) != blanks(chinese) or not chinese.strip()
    ]
    assert not wrong, "\n".join(wrong)


def test_the_controls_of_the_four_states_exist_in_chinese() -> None:
    study = STUDIES["network-states"]()
    wanted = {study.title, *study.presets}
    for name, knob in knobs(study).items():
        if name in study.main_knobs:
            wanted |= {knob.label, knob.doc}
    missing = sorted(text for text in wanted if text and text not in CHINESE)
    assert not missing, "\n".join(missing)


def test_every_sentence_exists_in_chinese() -> None:
    missing = sorted({f"{where}  {text}" for text, where in sentences() if text not in CHINESE})
    assert not missing, f"{len(missing)} sentences:\n" + "\n".join(missing)


OURS = {"DescriptionError", "PlacementError", "UnsupportedError", "NotebookError", "StoreError"}


def test_no_error_of_ours_is_said_past_the_catalogue() -> None:
    """A refusal is a sentence a learner reads: its words come from tr, never from a literal of their own."""
    past = []
    for folder in ("workbench", "widgets"):
        for path in sorted((HOME / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in OURS and node.args):
                    continue
                said = node.args[0]
                pieces = said.values if isinstance(said, ast.JoinedStr) else [said]
                text = "".join(str(p.value) for p in pieces if isinstance(p, ast.Constant))
                if re.search(r"[A-Za-z]{2,}", text):
                    past.append(f"{path.relative_to(HOME)}:{node.lineno}  {text}")
    assert not past, "\n".join(past)


def test_the_course_speaks_chinese() -> None:
    course = load_course()
    said = [course.title, *(text for x in course.lesson for text in (x.title, *x.goals))]
    exercises = [e for x in course.lesson for e in x.exercise]
    said += [text for e in exercises for text in (e.ask, e.hint, *(slip.say for slip in e.slip))]
    missing = [text for text in said if text and text not in CHINESE]
    assert not missing, "\n".join(missing)


def test_every_study_says_in_chinese_what_it_asks() -> None:
    asked = {name: (made.__doc__ or "").strip().splitlines()[0] for name, made in STUDIES.items()}
    assert not {name: text for name, text in asked.items() if text not in CHINESE}


def test_no_translation_is_left_over() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("workbench", "widgets")
        for path in (HOME / folder).rglob("*")
        if path.suffix in (".py", ".js", ".mjs")
    ) + (HOME / "curricula" / "brain-inspired-computing.toml").read_text(encoding="utf-8")
    # numbers whose names are put together in the code are named whole in the lessons
    source += "\n".join(path.read_text(encoding="utf-8") for path in (HOME / "notebooks").rglob("*.ipynb"))
    # a sentence may be written over several lines, so only its longest run of plain words is looked for
    flat = re.sub(r'["\']\s*\n\s*f?["\']', "", source)

    def longest(text: str) -> str:
        return max(re.split(r'[{}"\\\n]|\\u', text), key=len)

    def named(text: str) -> bool:
        """A label without words of its own is a name in the code, or is put together there: f"{role}_latency_ms"."""
        name, _, rest = text.replace(" ", "_").partition("_")
        return (f"{name}_{rest}" if rest else name) in source or (bool(rest) and f"}}_{rest}" in source)

    left = [
        english
        for english in CHINESE
        if not any(longest(english) in text for text in (flat, source)) and not named(english)
    ]
    assert not left, "\n".join(left)


def test_a_language_is_chosen_by_name_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "zh-CN" in words.languages()
    monkeypatch.setattr(words, "_chosen", None)
    monkeypatch.setenv("WORKBENCH_LANG", "zh_CN.UTF-8")
    assert words.language() == "zh-CN"
    monkeypatch.setenv("WORKBENCH_LANG", "tlh")
    assert words.language() == "en"
