"""What the browser tests do on a page with an explorer, the same for JupyterLab and for the Studio."""

from __future__ import annotations

import time
from typing import Any

# Playwright's CSS looks into open shadow roots, where Panel keeps its components.
KNOBS = ".workbench-knobs"
MARK = ".workbench-mark"

DIGESTS = """marks => marks.map(m => {
  const c = m.querySelector('canvas');
  if (!c.width || !c.height) return '';
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let h = 2166136261;
  for (let k = 0; k < d.length; k += 7) h = Math.imul(h ^ d[k], 16777619);
  return String(h >>> 0);
})"""

STATES = "marks => marks.map(m => [m.dataset.state, Number(m.dataset.painted || 0)])"


class ExplorerPage:
    """An explorer in a browser: its sliders, buttons and pictures."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.wait_for_selector(KNOBS, timeout=60_000)
        page.wait_for_selector(f"{MARK}[data-painted]", timeout=60_000)

    @property
    def marks(self) -> Any:
        return self.page.locator(MARK)

    def digests(self) -> list[str]:
        """One number for the pixels of each mark."""
        return self.marks.evaluate_all(DIGESTS)

    def states(self) -> list[tuple[str, int]]:
        """Each mark's state, and how often it was painted."""
        return [tuple(s) for s in self.marks.evaluate_all(STATES)]

    def sliders(self) -> list[str]:
        """The names of all sliders, those in folded groups too."""
        return self.page.locator(f"{KNOBS} input[type=range]").evaluate_all("all => all.map(s => s.dataset.knob)")

    def unfold(self) -> None:
        """Open every folded group, as a person would before using its controls."""
        self.page.locator(f"{KNOBS} details").evaluate_all("all => all.forEach(d => { d.open = true; })")

    def slider(self, name: str) -> Any:
        return self.page.locator(f'{KNOBS} input[type=range][data-knob="{name}"]')

    def number(self, name: str) -> float:
        """What the box beside a slider shows."""
        return float(self.page.locator(f'{KNOBS} [data-number="{name}"]').input_value())

    def move(self, name: str, place: float) -> None:
        """Drag a slider to a place, 0 to 1000."""
        self.slider(name).evaluate(
            """(s, place) => {
              s.value = String(place);
              s.dispatchEvent(new Event('input', {bubbles: true}));
              s.dispatchEvent(new Event('change', {bubbles: true}));
            }""",
            place,
        )

    def press(self, name: str) -> None:
        self.page.locator(f'{KNOBS} [data-do="{name}"]').click()

    def message(self) -> str:
        return self.page.locator(f"{KNOBS} .message").inner_text()

    def glasses(self) -> int:
        """On how many marks something is drawn over the picture, such as a cursor."""
        return self.marks.evaluate_all(
            """marks => marks.filter(m => {
              const g = m.querySelectorAll('canvas')[1];
              return g.width && g.getContext('2d').getImageData(0, 0, g.width, g.height).data.some(v => v);
            }).length"""
        )

    def pinned(self) -> str:
        return self.page.locator(f'{KNOBS} [data-do="pin"]').get_attribute("aria-pressed")

    def happens(self, happened: Any, seconds: float) -> bool:
        """Whether it comes true in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if happened():
                return True
            self.page.wait_for_timeout(50)
        return False

    def until(self, happened: Any, seconds: float, what: str) -> None:
        if not self.happens(happened, seconds):
            raise AssertionError(
                f"{what} did not happen within {seconds:g} s; message: {self.message()!r}; states: {self.states()}"
            )

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until every picture is fresh, the reference's too."""
        self.page.wait_for_timeout(120)
        self.until(lambda: all(state == "fresh" for state, _ in self.states()), seconds, "fresh pictures everywhere")
        self.page.wait_for_timeout(120)  # fresh is said before the next frame paints
