"""From a moved slider to a painted picture of the event chip, in Chromium: JupyterLab and Studio. Run by hand.

    python -m tests.peers.slider_latency [moves]

With "beside Brian2" the reference is computed in its worker whenever the slider rests, on the same cores; "alone" there is none.

Times are from the slider's input event to the first frame in which every picture of the chip's side has been painted anew,
measured in the page itself; each move is to another setting, so no cache can answer. Brian2 stays in its worker.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from tests.browser.explorer_page import ExplorerPage
from tests.browser.pages import browser, free_port, lab, run_notebook, server
from workbench.backends.event import tiers
from workbench.chips import CHIPS
from workbench.studies.network_states import NetworkStates

# 800 excitatory and 200 inhibitory neurons for one second of model time, float64, recorder and ledger on.
CELLS = """
from workbench.studies.network_states import NetworkStates
from widgets import explore
explore(NetworkStates())
"""
ROOT = Path(__file__).resolve().parents[2]

MEASURE = """([place, columns]) => new Promise((done, fail) => {
  const deep = (root, found) => {
    for (const n of root.querySelectorAll('*')) {
      if (n.matches('.workbench-mark')) found.marks.push(n);
      if (n.matches('.workbench-knobs input[data-knob="g"]')) found.slider = n;
      if (n.shadowRoot) deep(n.shadowRoot, found);
    }
    return found;
  };
  const { marks, slider } = deep(document, { marks: [], slider: null });
  const mine = marks.filter((_, k) => k % columns === columns - 1);
  const before = mine.map((m) => m.dataset.painted);
  const start = performance.now();
  let first = 0;
  const look = () => {
    const now = performance.now();
    const painted = mine.filter((m, k) => m.dataset.painted !== before[k]).length;
    if (painted && !first) first = now - start;
    if (painted === mine.length) done([first, now - start]);
    else if (now - start > 20000) fail(new Error('no new picture: ' + mine.map((m, k) => [m.dataset.state, before[k], m.dataset.painted].join(' ')).join('; ')));
    else requestAnimationFrame(look);
  };
  slider.value = String(place);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(look);
})"""


def measure(page: Any, moves: int, columns: int) -> list[tuple[float, float]]:
    """First and last painted picture of the chip's side after each move, ms."""
    explorer = ExplorerPage(page)
    explorer.settle(120)
    rng = random.Random(7)
    taken = []
    # Nine places are more than one step of g, so no two moves ask for the same setting.
    for place in rng.sample(range(250, 750, 9), min(moves, 55)):
        taken.append(tuple(page.evaluate(MEASURE, [place, columns])))
        page.wait_for_timeout(150)
    return taken


def say(where: str, taken: list[tuple[float, float]]) -> None:
    first, last = ([t[k] for t in taken] for k in (0, 1))
    print(
        f"{where:<26} first picture: median {statistics.median(first):.0f} ms; all pictures: median {statistics.median(last):.0f} ms, "
        f"95 % below {sorted(last)[int(0.95 * len(last))]:.0f} ms ({len(taken)} moves)",
        flush=True,
    )


def write_notebook(path: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def main(moves: int) -> None:
    with tiers.held(tiers.COMPILED):
        NetworkStates(chip=CHIPS["loihi-davies"]).run()  # leaves its kernel on disk for the servers
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_notebook(folder / "beside.ipynb", CELLS)
        write_notebook(
            folder / "alone.ipynb", CELLS.replace("NetworkStates())", "NetworkStates(), chips=('loihi-davies',))")
        )
        with lab(folder, folder) as address, browser() as (page, _):
            for name, columns in (("alone", 1), ("beside", 2)):
                run_notebook(page, address, f"{name}.ipynb")
                say(f"JupyterLab, {name}", measure(page, moves, columns))
        for name, columns in (("alone", 1), ("beside", 2)):
            port = free_port()
            chips = "chips=('loihi-davies',), " if columns == 1 else ""
            script = f"from widgets import serve; serve('network-states', {chips}port={port}, open_browser=False)"
            where = f"http://127.0.0.1:{port}/"
            with (
                server([sys.executable, "-c", script], where, cwd=ROOT, log=folder / "studio.log"),
                browser() as (page, _),
            ):
                page.goto(f"{where}studio")
                say(f"Studio, {name}", measure(page, moves, columns))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
