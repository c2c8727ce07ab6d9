"""A run that takes long is seen while it goes: pictures of what there is so far, a bar, and a stop that keeps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, final

import ipywidgets as ipw
import numpy as np
import pytest

from tests.widgets.toy_studies import energy, traces
from widgets import knobs, summary
from widgets.board import Board
from widgets.explorer import _Ipywidgets
from widgets.session import Session
from workbench import jobs
from workbench.fields import described, quantity
from workbench.studies.desk import WaferOnADesk
from workbench.studies.study import Progress, Result, Study, whole
from workbench.units import ms


@final
@described
class Growing(Study):
    """How a toy grows in a hundred steps."""

    title: ClassVar[str] = "A long toy"
    views: ClassVar[tuple[str, ...]] = ("traces", "energy")

    g: float = quantity(5.0, "", low=0.0, high=10.0, doc="height")
    pace: float = quantity(1 * ms, "ms", low=0.0, high=1.0, doc="time of a step")

    def run(self, progress: Progress | None = None) -> Result:
        return whole(self.stages(progress))

    def stages(self, progress: Progress | None = None) -> Iterator[Result]:
        for k in range(1, 101):
            time.sleep(self.pace)
            if progress:
                progress(k / 100, f"step {k}")
            makers = {"traces": partial(traces, self.g * k)}
            if k == 100:
                makers["energy"] = partial(energy, self.g, 1.0)
            if k % 10 == 0:
                yield Result(study=self, numbers={"steps": float(k)}, pictures=makers, part=k / 100)


class Seen:
    """What a side showed, whenever it changed."""

    def __init__(self, session: Session, name: str) -> None:
        self.sides: list[Any] = []
        self.going: list[Any] = []
        session.watch(lambda what: self._note(session, name) if what == f"side:{name}" else None)

    def _note(self, session: Session, name: str) -> None:
        self.sides.append(session.sides[name])
        self.going.append(knobs.going(session))

    def parts(self) -> list[float]:
        made = [s.result.part for s in self.sides if s.result]
        return [p for k, p in enumerate(made) if not k or p != made[k - 1]]


def session_of(study: Study, *, here: bool) -> Session:
    session = Session(study)
    session.sides[""] = replace(session.sides[""], here=here)
    return session


def wait(happened: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("here", [True, False])
def test_pictures_grow_while_it_runs_and_are_whole_at_last(here):
    jobs.forget()
    session = session_of(Growing(pace=8 * ms), here=here)
    seen = Seen(session, "")
    session.run()
    assert session.settle(40)
    parts = seen.parts()
    assert parts == sorted(parts) and parts[-1] == 1.0 and len(parts) >= 4
    grown = {side.pictures["traces"][0].picture for side in seen.sides if "traces" in side.pictures}
    assert len(grown) == len(parts)
    for side in seen.sides:
        if side.result and side.result.part < 1:
            assert side.waiting and not side.stale and "energy" not in side.pictures
    side = session.sides[""]
    assert (side.waiting, side.stale, side.stopped) == (False, False, False)
    assert set(side.pictures) == {"traces", "energy"}
    assert "so far" not in summary.head(session, "") + summary.badge(session, "") + summary.numbers(session)
    told = [g for g in seen.going if g]
    assert all(0 <= g["part"] <= 1 and "s" in g["text"] for g in told)
    assert any("left" in g["text"] for g in told)
    assert knobs.going(session) == {}


@pytest.mark.parametrize("here", [True, False])
def test_a_stop_is_heard_within_a_second_and_keeps_what_was_run(here):
    jobs.forget()
    session = session_of(Growing(pace=40 * ms), here=here)
    session.run()
    wait(lambda: session.sides[""].result is not None)
    assert "so far: " in summary.badge(session, "")
    begun = time.monotonic()
    knobs.answer(session, {"do": "stop"})
    assert session.settle(1.0)
    assert time.monotonic() - begun < 1
    side = session.sides[""]
    assert (side.waiting, side.stopped, side.stale) == (False, True, False)
    assert 0 < side.result.part < 1
    assert side.result.numbers["steps"] == round(100 * side.result.part)
    for said in (
        summary.head(session, ""),
        summary.badge(session, ""),
        summary.numbers(session),
        summary.text(session),
    ):
        assert f"stopped: the first {100 * side.result.part:.0f} %" in said
    assert knobs.going(session) == {"stopped": True, "text": "stopped"}
    time.sleep(0.3)
    assert session.sides[""] is side, "nothing comes after a stop"
    # Again, from the beginning; and a setting moved while it runs takes its place.
    session.ask({"pace_ms": 1.0})
    assert session.settle(30)
    assert session.sides[""].result.part == 1.0
    assert not session.sides[""].stopped


def test_stopped_before_it_had_anything_the_pictures_of_before_stay():
    session = session_of(Growing(pace=0.0), here=True)
    session.run_first()
    good = session.sides[""].pictures
    session.ask({"pace_ms": 60.0})
    time.sleep(0.2)
    session.stop()
    assert session.settle(1.0)
    side = session.sides[""]
    assert side.pictures is good and side.stale and side.stopped
    assert "those of before" in summary.head(session, "")


def test_again_begins_at_once_though_the_stopped_run_still_ends():
    session = session_of(Growing(pace=20 * ms), here=True)
    session.run()
    wait(lambda: session.sides[""].result is not None)
    session.stop()
    knobs.answer(session, {"do": "again"})
    assert session.sides[""].waiting
    assert session.settle(30)
    assert session.sides[""].result.part == 1.0


def test_closing_ends_a_long_run():
    session = session_of(Growing(pace=50 * ms), here=True)
    session.run()
    wait(lambda: session.sides[""].result is not None)
    session.close()
    assert session.settle(1.0)


def test_a_million_neurons_are_seen_and_stopped():
    """The sheet itself: the map is that of the last moment, the interface's thread is free, and no thread is left."""
    session = Session(WaferOnADesk(neurons=1_000_000, duration=10.0))
    threads = threading.active_count()
    board = Board(session, _Ipywidgets(ipw.GridBox()))
    session.run()
    maps: set[bytes] = set()

    def grown() -> bool:
        side = session.sides["chip"]
        if "dies" in side.pictures:
            maps.add(side.pictures["dies"][0].picture)
        return len(maps) >= 2

    wait(grown, 60)
    assert 0 < board.controls.going["part"] < 1
    assert "so far" in board.numbers.value
    begun = time.monotonic()
    board.hear({"do": "stop", "n": 1})
    assert time.monotonic() - begun < 0.3
    assert session.settle(1.5)
    result = session.sides["chip"].result
    recording = result.recordings["wafer"]
    assert 0 < recording.duration < 10.0
    assert result.part == pytest.approx(recording.duration / 10.0)
    assert result.numbers["spikes"] == sum(recording.counts.values())
    shown = result.figures()["dies"].sketch.panels[0].layers[0].values
    rates = recording.traces["E.rate.die"].values
    assert any(np.allclose(np.sort(shown[np.isfinite(shown)]), np.sort(row)) for row in rates[-2:])
    assert board.controls.going["stopped"]
    wait(lambda: threading.active_count() <= threads + 1, 5)
