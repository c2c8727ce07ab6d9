"""The view model: settings, presets, undo, pin, sides, and that nothing queues up. No toolkit, no browser."""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar, final

import pytest

from tests.widgets.toy_studies import Toy
from widgets import knobs, summary, takeaway
from widgets.newest import Newest
from widgets.session import Session
from workbench.errors import Cancelled, DescriptionError
from workbench.fields import described, quantity
from workbench.studies.study import Result, Study


class FakeJob:
    """A job that runs in a thread of this process: the worker has its own tests."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.progress = (0.0, "")
        self.stage: Any = None
        self._stop = False
        self._value: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        def progress(part: float, text: str = "") -> None:
            self.progress = (part, text)
            if self._stop:
                raise Cancelled("stopped")

        try:
            self._value = self.study.run(progress)
        except Exception as error:  # noqa: BLE001
            self._value = error

    def done(self) -> bool:
        return not self._thread.is_alive()

    def cancel(self) -> None:
        self._stop = True

    def result(self) -> Result:
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


def make(**how: Any) -> Session:
    return Session(Toy, submit=FakeJob, **how)


def test_both_sides_show_the_present_settings():
    session = make()
    session.run()
    assert session.settle(20)
    assert [side.stale for side in session.sides.values()] == [False, False]
    assert session.sides["ideal"].result.study.chip.kind == "ideal"
    assert session.sides["chip"].result.study.chip.kind == "event"
    assert set(session.sides["ideal"].pictures) == {"raster", "traces"}, "the reference has no energy picture"


def test_a_moved_slider_makes_a_new_study_and_a_new_picture():
    session = make()
    session.run_first()
    before, study = session.sides["chip"].pictures["traces"][0].picture, session.study
    assert session.ask({"g": 2.0})
    session.settle(20)
    assert session.study is not study
    assert study.g == 5.0, "a study is a value"
    assert session.sides["chip"].pictures["traces"][0].picture != before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"g": 99.0}, "0 … 10"),
        ({"gg": 1.0}, "did you mean 'g'"),
        ({"mode": "clam"}, "calm"),
        ({"g": float("nan")}, "allowed"),
    ],
)
def test_a_refused_setting_is_a_sentence_and_changes_nothing(changes, words):
    session = make()
    assert not session.ask(changes)
    assert words in session.message
    assert session.study == Toy()
    assert not session.can_undo
    session.ask({"g": 1.0})
    assert session.message == ""


@pytest.mark.parametrize(("g", "words"), [(9.0, "does not like nine"), (9.5, "ZeroDivisionError: the toy broke")])
def test_a_study_that_raises_leaves_the_last_good_picture(g, words):
    session = make()
    session.run_first()
    good = session.sides["chip"].pictures
    session.ask({"g": g})
    session.settle(20)
    side = session.sides["chip"]
    assert words in side.message
    assert side.stale
    assert side.pictures is good
    assert words in summary.head(session, "chip")
    session.ask({"g": 5.0})
    session.settle(20)
    assert session.sides["chip"].message == ""
    assert not session.sides["chip"].stale


def test_presets_reset_undo_and_redo():
    session = make()
    assert session.preset("fast")
    assert (session.study.g, session.study.rate, session.current_preset) == (2.0, 90.0, "fast")
    session.ask({"g": 3.0})
    assert session.current_preset == ""
    session.undo()
    assert session.current_preset == "fast"
    session.undo()
    assert session.study == Toy()
    session.redo()
    assert session.current_preset == "fast"
    session.reset()
    assert session.study == Toy()
    assert not session.can_redo
    assert not session.preset("nonsense")
    assert "nonsense" in session.message


def test_one_drag_is_one_step_back():
    session = make()
    for k in range(20):
        session.ask({"g": k / 10})
    session.ask({"rate_hz": 50.0})
    session.undo()
    assert session.study.g == 1.9
    session.undo()
    assert session.study.g == 5.0


def test_pin_keeps_pictures_and_numbers_beside_what_comes():
    session = make()
    session.run_first()
    kept = session.sides["chip"].pictures["traces"]
    session.pin()
    session.ask({"g": 1.0})
    session.settle(20)
    assert session.pinned.pictures["chip"]["traces"] is kept
    assert session.pinned.numbers["chip"]["isi_cv"] == 0.5
    assert "pinned" in summary.numbers(session)
    session.unpin()
    assert session.pinned is None


@pytest.mark.parametrize(
    "values", [{}, {"g": 4.25, "mode": "wild", "loud": True}, {"chip": "loihi-small-cores", "neurons_per_core": 32}]
)
def test_a_token_brings_the_settings_back(values):
    study = Toy().changed(values)
    assert takeaway.from_token(takeaway.token(study), Toy()) == study
    other = make()
    assert other.load(f"  {takeaway.token(study)}\n")
    assert other.study.digest == study.digest


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "worm?g=1",
        "tests.widgets.toy_studies:Toy?g=[",
        "tests.widgets.toy_studies:Toy?gg=1",
        "tests.widgets.toy_studies:Toy?g=99",
    ],
)
def test_a_damaged_token_is_refused_in_a_sentence(token):
    session = make()
    assert not session.load(token)
    assert session.message
    assert session.study == Toy()


def test_settings_to_take_away():
    session = make()
    session.ask({"g": 4.5, "mode": "wild"})
    cell = session.text("cell")
    assert "g: float = 4.5" in cell
    assert "# relative inhibitory weight" in cell
    scope: dict[str, Any] = {}
    exec(cell, scope)  # noqa: S102  the cell must be Python
    assert Toy.from_border({k: v for k, v in scope.items() if not k.startswith("__")}) == session.study
    assert session.text("run") == "workbench run tests.widgets.toy_studies:Toy -p g 4.5 -p mode wild"
    assert session.text("sweep").startswith("workbench sweep tests.widgets.toy_studies:Toy --grid g=2:7:5")
    assert "-p mode wild" in session.text("sweep")
    lines = dict(line.split(": ", 1) for line in session.text("yaml").splitlines())
    assert (lines["g"], lines["mode"], lines["loud"]) == ("4.5", '"wild"', "false")


def test_chips_can_be_fixed_by_name():
    session = make(chips=("loihi-davies", "loihi-davies-float32"))
    session.run()
    session.settle(20)
    assert [side.result.study.chip.arithmetic for side in session.sides.values()] == ["float64", "float32"]
    assert "chip" not in session.knobs
    with pytest.raises(DescriptionError, match="did you mean 'loihi-davies'"):
        make(chips=("loihi-davis",))


def test_the_reference_is_not_offered_twice():
    assert "ideal" not in make().knobs["chip"].options


def test_a_token_or_a_setting_never_puts_the_reference_on_both_sides():
    session = make()
    session.load("tests.widgets.toy_studies:Toy?g=2.0&chip=ideal")
    assert session.study.g == 2.0
    assert session.study.chip.kind == "event"


def test_what_a_study_sets_for_live_use_is_set_and_not_offered():
    session = Session("worm", submit=FakeJob)
    assert "reference" not in session.knobs
    assert session.study.reference, "the study itself, to take away, stays as it is"
    assert not session.study_on(session.sides["chip"]).reference
    assert session.study_on(session.sides["ideal"]).chip.kind == "ideal"


def test_another_chip_brings_its_own_knobs():
    session = make()
    session.ask({"chip": "loihi-small-cores"})
    assert session.values["neurons_per_core"] == 16
    assert session.message == ""


@final
@described
class Slow(Study):
    """Ten seconds, asked every ten milliseconds whether to go on."""

    g: float = quantity(1.0, low=0.0, high=10.0, doc="a number")
    live: ClassVar = {}

    def run(self, progress: Any = None) -> Result:
        for k in range(1000):
            time.sleep(0.01)
            progress(k / 1000, "")
        return Result(study=self, numbers={})


def test_a_newer_setting_cancels_the_older_job():
    session = Session(Slow, submit=FakeJob)
    session.run()
    time.sleep(0.6)
    job = session._job
    session.ask({"g": 2.0})
    time.sleep(0.6)
    assert job._stop
    assert session._job is not job
    session.close()


def test_nothing_queues_up_while_a_slider_moves():
    done: list[int] = []

    def work(wish: int, overtaken: Any) -> None:
        time.sleep(0.05)
        done.append(wish)

    newest: Newest[int] = Newest(work)
    for k in range(100):
        newest.put(k)
        time.sleep(0.002)
    assert newest.idle(5)
    assert done[-1] == 99
    assert len(done) < 20
    newest.put(100)
    assert newest.idle(5)
    assert done[-1] == 100


def test_the_patient_one_waits_until_the_slider_rests():
    done: list[int] = []
    patient: Newest[int] = Newest(lambda wish, _: done.append(wish), patience=0.1)
    for k in range(20):
        patient.put(k)
        time.sleep(0.02)
    assert patient.idle(5)
    assert done == [19]


def test_the_explorer_in_words_names_settings_numbers_and_pictures():
    session = make()
    session.run()
    session.settle(20)
    text = summary.text(session)
    for part in ("A toy", "g = 5.0", "Brian2 reference", "rate (Hz): 20", "200 spikes of 100 neurons"):
        assert part in text


# --- controls -----------------------------------------------------------------------------------------------------------


def test_every_knob_gets_a_control_with_label_unit_range_and_meaning():
    face = knobs.face(make())
    controls = {c["name"]: c for c in [*face["controls"], *(c for g in face["groups"] for c in g["controls"])]}
    assert set(controls) == set(make().knobs)
    assert [c["name"] for c in face["controls"]] == ["g", "rate_hz", "mode", "loud", "chip", "duration_ms"]
    g, rate = controls["g"], controls["rate_hz"]
    assert (g["kind"], g["label"], g["low"], g["high"], g["step"], g["doc"]) == (
        "slider",
        "Inhibition g",
        0.0,
        10.0,
        0.05,
        "relative inhibitory weight",
    )
    assert (rate["log"], rate["unit"], rate["allowed"]) == (True, "Hz", "0.1 … 1000 Hz")
    assert controls["seed"]["kind"] == "number"
    assert controls["mode"]["options"] == ["calm", "wild"]
    assert controls["loud"]["kind"] == "flag"
    assert all(c["label"] for c in controls.values())


def test_wishes_of_the_control_panel_reach_the_session():
    session = make()
    session.run_first()
    knobs.answer(session, {"n": 1, "do": "set", "values": {"g": 3.5}})
    assert session.study.g == 3.5
    knobs.answer(session, {"n": 2, "do": "preset", "name": "slow"})
    assert knobs.state(session, n=2)["preset"] == "slow"
    knobs.answer(session, {"n": 3, "do": "pin"})
    assert knobs.state(session)["pinned"]
    knobs.answer(session, {"n": 4, "do": "undo"})
    knobs.answer(session, {"n": 5, "do": "redo"})
    knobs.answer(session, {"n": 6, "do": "reset"})
    assert session.study == Toy()
    knobs.answer(session, {"n": 7, "do": "nonsense"})
    assert knobs.state(session, n=7, form="run")["text"] == "workbench run tests.widgets.toy_studies:Toy"
