"""The check cell compares with the course's claims, and says how far an answer is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from workbench.course import check
from workbench.course.check import CHECK_MIME, Checked, claims_at, compare, rounded
from workbench.course.course import Claim, Exercise, Lesson, Slip, Tolerance
from workbench.course.exercises import answered, seal, unseal
from workbench.errors import DescriptionError, NotebookError

CLAIM = Claim(number="rate_hz", value=40.0, within="5 %", source="A 2000", at={"g": 5, "eta": 2})
EXERCISE = Exercise(
    name="ex-9",
    ask="How fast?",
    unit="Hz",
    within="1 %",
    answer=seal("ex-9", 41.71),
    slip=(Slip(answer=seal("ex-9", 45.51), say="That is without the refractory period."),),
    hint="Write down the time to threshold first.",
)


@pytest.mark.parametrize(("ours", "ok"), [(40.0, True), (42.0, True), (38.0, True), (42.1, False), (math.nan, False)])
def test_a_claim_holds_within_its_tolerance(ours: float, ok: bool) -> None:
    assert CLAIM.holds(ours) is ok


def test_a_bound_is_a_claim_too() -> None:
    claim = Claim(number="cv", above=0.4, below=1.0, source="B")
    assert [claim.holds(x) for x in (0.4, 0.5, 1.0, math.nan)] == [False, True, False, False]


def test_a_tolerance_is_a_share_or_a_distance() -> None:
    assert Tolerance("5 %").around(-40) == 2
    assert Tolerance("0.5").around(40) == 0.5
    with pytest.raises(DescriptionError, match="write"):
        Tolerance("about")


def test_a_claim_holds_at_the_knobs_it_names() -> None:
    lesson = Lesson(notebook="a.ipynb", title="A", minutes=1, goals=(), claim=(CLAIM,))
    assert claims_at(lesson, {"g": 5.0, "eta": 2.0, "chip": "any"}) == (CLAIM,)
    assert claims_at(lesson, {"g": 5.1, "eta": 2.0, "chip": "any"}) == ()
    assert claims_at(lesson, {"g": 5.0}) == ()


def test_the_table_is_rounded_text_and_carries_json() -> None:
    made = Checked(
        study="s", at={"g": 5.0}, numbers={"rate_hz": 41.23456789}, claims=compare((CLAIM,), {"rate_hz": 41.23456789})
    )
    text = repr(made)
    assert "41.23 " in text
    assert "40 " in text
    assert "ok" in text
    bundle = made._repr_mimebundle_()
    assert bundle["text/plain"] == text
    assert bundle[CHECK_MIME]["numbers"] == {"rate_hz": 41.2346}
    assert bundle[CHECK_MIME]["ok"] is True


def test_a_number_nobody_computed_does_not_hold() -> None:
    (one,) = compare((CLAIM,), {})
    assert not one.ok
    assert "missing" in one.cells()


@pytest.mark.parametrize(
    ("value", "text"),
    [(37.0312, "37.03"), (0.0, "0"), (302.0, "302"), (1234.5678, "1235"), (1.2e-9, "1.200e-09"), (math.nan, "nan")],
)
def test_numbers_are_rounded_to_what_a_reader_needs(value: float, text: str) -> None:
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (None, "not started", "dots"),
        (..., "not started", "dots"),
        ("41.71", "wrong type or unit", "type str"),
        ([41.71], "wrong type or unit", "type list"),
        (True, "wrong type or unit", "type bool"),
        (math.inf, "wrong type or unit", "divided by zero"),
        (0.04171, "wrong type or unit", "give it in Hz"),
        (41710.0, "wrong type or unit", "give it in Hz"),
        (45.5, "on the way", "refractory"),
        (-41.71, "on the way", "sign"),
        (90, "on the way", "too high. Write down"),
        (1.0, "on the way", "too low"),
        (43.0, "almost", "rounding"),
        (41.71, "right", "Well done"),
        (np.float64(41.5), "right", "Well done"),
        (np.array(41.71), "right", "Well done"),
    ],
)
def test_an_answer_is_in_one_of_five_states_with_a_sentence(answer: Any, state: str, said: str) -> None:
    found = answered(EXERCISE, answer)
    assert found.state == state
    assert said in found.sentence
    assert found.ok is (state == "right")
    assert said in repr(found)


def test_a_brian2_quantity_is_of_the_wrong_type() -> None:
    brian2 = pytest.importorskip("brian2")
    assert answered(EXERCISE, 41.71 * brian2.Hz).state == "wrong type or unit"


def test_an_answer_is_not_in_plain_sight() -> None:
    sealed = seal("ex-9", 41.71)
    assert "41" not in sealed
    assert unseal("ex-9", sealed) == 41.71
    with pytest.raises(NotebookError, match="course seal"):
        unseal("ex-8", sealed)
    with pytest.raises(NotebookError, match="course seal"):
        unseal("ex-9", "41.71")


def test_an_exercise_nobody_has_is_refused() -> None:
    with pytest.raises(DescriptionError, match="exercise"):
        check("ex-none", 1.0)
