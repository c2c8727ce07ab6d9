"""A real browser moves every slider: in JupyterLab, and on the Studio's page."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser.explorer_page import ExplorerPage
from tests.browser.pages import CHROMIUM, answer, browser, free_port, lab, run_notebook, server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
    pytest.mark.timeout(400),
]

ROOT = Path(__file__).resolve().parents[2]
LESSON = ROOT / "notebooks" / "02-networks" / "01-four-states.ipynb"


def exercise(explorer: ExplorerPage) -> None:
    """Move every main slider to its ends and back, press reset and pin, and look at what the pictures do."""
    explorer.settle(90)
    begin = explorer.digests()
    assert len(begin) >= 4, "views by sides"
    assert all(begin), "no empty pane"
    names = explorer.page.locator(".workbench-knobs > .row input[type=range]").evaluate_all(
        "all => all.map(s => s.dataset.knob)"
    )
    assert names
    for name in names:
        default = explorer.slider(name).evaluate("s => Number(s.value)")
        shown = explorer.number(name)
        changed = False
        for place in (0, 1000):
            explorer.move(name, place)
            if abs(place - default) > 1:
                # At its very end a knob may ask for minutes of work or for nothing at all; one end must show something.
                seconds = 10 if changed else 40
                changed = explorer.happens(lambda: differs(explorer.digests(), begin), seconds) or changed
        assert changed, f"{name} changes no picture"
        explorer.move(name, default)
        explorer.press("reset")
        explorer.until(
            lambda name=name, shown=shown: explorer.number(name) == pytest.approx(shown), 10, f"the reset of {name}"
        )
    explorer.until(lambda: explorer.digests() == begin, 90, "the same settings giving the same pictures")
    assert explorer.message() == ""
    explorer.press("pin")
    explorer.until(lambda: explorer.pinned() == "true", 10, "pin")
    explorer.move(names[0], 700)
    explorer.until(
        lambda: all(a != b for a, b in zip(explorer.digests(), begin, strict=True)), 90, "a change of every picture"
    )
    explorer.settle(90)
    explorer.press("pin")
    explorer.until(lambda: explorer.pinned() == "false", 10, "unpin")
    explorer.press("reset")
    explorer.until(lambda: explorer.digests() == begin, 90, "the first pictures coming back")


def play_and_zoom(explorer: ExplorerPage) -> None:
    """A sweep through model time and a shared time window, both in the page alone."""
    page, begin = explorer.page, explorer.digests()
    page.locator(".workbench-mark button:visible").first.click()
    explorer.until(lambda: explorer.glasses() > 1, 10, "a cursor on several marks")
    page.locator(".workbench-mark button:visible").first.click()
    box = explorer.marks.first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 90, steps=4)
    page.mouse.up()
    explorer.until(
        lambda: sum(a != b for a, b in zip(explorer.digests(), begin, strict=True)) >= 4,
        10,
        "a window on several marks",
    )
    page.mouse.dblclick(box["x"] + box["width"] * 0.5, box["y"] + 90)
    explorer.until(lambda: explorer.digests() == begin, 10, "the whole time again")


def differs(now: list[str], before: list[str]) -> bool:
    return any(a != b for a, b in zip(now, before, strict=True))


def accessible(page: Any) -> None:
    """Every control and every picture has a name that a screen reader can say."""
    nameless = page.locator(
        ".workbench-knobs input, .workbench-knobs select, .workbench-knobs textarea, .workbench-knobs button"
    ).evaluate_all(
        "all => all.filter(n => !(n.getAttribute('aria-label') || n.labels?.length || n.textContent.trim())).map(n => n.outerHTML)"
    )
    assert nameless == []
    described = page.locator(".workbench-mark canvas[role=img]").evaluate_all(
        "all => all.map(c => c.getAttribute('aria-label') || '')"
    )
    assert described
    assert all(len(text) > 10 for text in described)


def test_every_slider_of_the_lesson_changes_its_pictures_in_jupyterlab(tmp_path):
    folder, scratch = tmp_path / "course", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    shutil.copy(LESSON, folder)  # JupyterLab saves what it has open
    with lab(folder, scratch) as address, browser() as (page, watch):
        run_notebook(page, address, LESSON.name)
        page.locator(".workbench-knobs").first.scroll_into_view_if_needed()
        explorer = ExplorerPage(page)
        exercise(explorer)
        play_and_zoom(explorer)
        accessible(page)
        assert watch.errors == []
        assert watch.foreign == []


def test_every_slider_of_the_studio_changes_its_pictures(tmp_path):
    port = free_port()
    script = f"from widgets import serve; serve('network-states', port={port}, open_browser=False)"
    with (
        server([sys.executable, "-c", script], f"http://127.0.0.1:{port}/", cwd=ROOT, log=tmp_path / "studio.log"),
        browser() as (page, watch),
    ):
        assert answer(f"http://127.0.0.1:{port}/studio")
        page.goto(f"http://127.0.0.1:{port}/studio")
        explorer = ExplorerPage(page)
        exercise(explorer)
        play_and_zoom(explorer)
        accessible(page)
        assert watch.errors == []
        assert watch.foreign == []
