"""A real browser watches a sheet of neurons while it runs, and stops it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.browser.explorer_page import KNOBS, ExplorerPage
from tests.browser.pages import CHROMIUM, browser, free_port, server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
    pytest.mark.timeout(200),
]

ROOT = Path(__file__).resolve().parents[2]


def test_the_map_moves_while_the_sheet_runs_and_cancel_keeps_it(tmp_path):
    port = free_port()
    script = f"from widgets import serve; serve('wafer-on-a-desk', port={port}, open_browser=False)"
    log = tmp_path / "studio.log"
    with (
        server([sys.executable, "-c", script], f"http://127.0.0.1:{port}/", cwd=ROOT, log=log),
        browser() as (page, watch),
    ):
        page.goto(f"http://127.0.0.1:{port}/studio?study=wafer-on-a-desk")
        explorer = ExplorerPage(page)
        explorer.settle(90)
        going = page.locator(f"{KNOBS} .going")
        assert not going.is_visible()
        explorer.move("neurons", 500)
        explorer.move("duration_ms", 1000)
        explorer.until(going.is_visible, 30, "a bar")
        explorer.until(lambda: "left" in going.inner_text(), 30, "a time that is left")
        maps, parts = set(), []

        def moved() -> bool:
            maps.add(explorer.digests()[0])
            parts.append(float(going.get_attribute("data-part") or 0))
            return len(maps) >= 4

        explorer.until(moved, 60, "four maps")
        assert parts == sorted(parts) and 0 < parts[-1] < 1
        page.screenshot(path=tmp_path / "running.png")
        asked = time.monotonic()
        explorer.press("stop")
        explorer.until(page.locator(f'{KNOBS} [data-do="again"]').is_visible, 10, "the end of the run")
        assert time.monotonic() - asked < 2  # a second for the run, one for the page
        assert "stopped" in going.inner_text()
        assert page.get_by_text("stopped: the first").count() >= 1
        page.wait_for_timeout(700)
        last = explorer.digests()
        page.wait_for_timeout(700)
        assert explorer.digests() == last
        explorer.move("duration_ms", 0)
        explorer.settle(60)
        explorer.until(lambda: not going.is_visible(), 10, "the bar going away")
        assert page.get_by_text("stopped: the first").count() == 0
        assert watch.errors == []
        assert watch.foreign == []
