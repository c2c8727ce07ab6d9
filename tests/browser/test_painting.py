"""A hand paints cells of a crossbar in a real browser: one by a click, several by a drag, and one away again."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.browser.explorer_page import ExplorerPage
from tests.browser.pages import CHROMIUM, browser, free_port, server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
    pytest.mark.timeout(300),
]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "memory-that-computes?matrix=empty&rows=4&columns=4&vector=all+on"
SETTINGS = urlencode({"study": "memory-that-computes", "token": TOKEN})


def test_cells_are_painted_by_click_and_drag_and_the_text_follows(tmp_path: Path) -> None:
    port = free_port()
    script = f"from widgets import serve; serve('memory-that-computes', port={port}, open_browser=False)"
    with (
        server([sys.executable, "-c", script], f"http://127.0.0.1:{port}/", cwd=ROOT, log=tmp_path / "studio.log"),
        browser() as (page, watch),
    ):
        page.goto(f"http://127.0.0.1:{port}/studio?{SETTINGS}")
        explorer = ExplorerPage(page)
        explorer.settle(90)
        canvas = page.locator('.workbench-mark[data-paints="true"] canvas[role=img]').first
        text = page.locator('.workbench-knobs [data-line="pattern"]')
        begin = explorer.digests()
        box = canvas.bounding_box()

        def at(x: float, y: float) -> tuple[float, float]:
            return box["x"] + x * box["width"], box["y"] + y * box["height"]

        page.mouse.click(*at(0.5, 0.5))
        explorer.until(lambda: text.input_value() != "", 20, "a painted cell in the text")
        explorer.settle(60)
        cell = text.input_value()
        assert len(cell.split()) == 1
        assert explorer.digests()[0] != begin[0]
        page.mouse.click(*at(0.5, 0.5))
        explorer.until(lambda: text.input_value() == "", 20, "the same cell wiped")
        page.mouse.move(*at(0.2, 0.5))
        page.mouse.down()
        page.mouse.move(*at(0.6, 0.5), steps=3)
        page.mouse.up()
        explorer.until(lambda: len(text.input_value().split()) >= 3, 20, "a row of painted cells")
        assert len({word.split(",")[0] for word in text.input_value().split()}) == 1, "one row"
        text.fill("1,1 9,9")
        text.press("Enter")
        explorer.until(lambda: "lies outside" in explorer.message(), 20, "a refusal in a sentence")
        assert watch.errors == []
        assert watch.foreign == []
