"""A lesson fits on Binder: the kernel after lesson (b), the server beside it, and the wait for the first picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from workbench.course import home

LESSON = home("notebooks") / "02-networks" / "01-four-states.ipynb"
START = Path(__file__).resolve().parents[2] / "binder" / "start"
MB = 2**20

# Binder guarantees 450 MB to the whole session
KERNEL, SESSION, FIRST_PICTURE = 300, 450, 20.0

AS_ON_BINDER = """
import sys
sys.modules["dask"] = None  # binder/requirements.txt installs no Dask; where it is installed, xarray loads it: 20 MB
"""
ASK = """
import gc, json, psutil
gc.collect()
_own = psutil.Process()
print(json.dumps({"kernel": _own.memory_full_info().pss, "workers": [c.memory_full_info().pss for c in _own.children(True)]}))
"""


def environment() -> dict[str, str]:
    """What binder/start exports."""
    told = subprocess.run([str(START), "env", "-0"], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in told.split("\0") if "=" in line)


def run(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from nbclient import NotebookClient

    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    NotebookClient(
        notebook, kernel_name="python3", timeout=600, resources={"metadata": {"path": str(LESSON.parent)}}
    ).execute()
    return notebook


@pytest.fixture(scope="module", autouse=True)
def warmed() -> None:
    """What binder/postBuild does: nobody compiles during a lesson."""
    code = (
        "from workbench.backends.event.tiers import COMPILED, held\n"
        "from workbench.studies import STUDIES as s\n"
        "with held(COMPILED): s['network-states']().changed({'chip': 'loihi-roomy'}).run()"
    )
    subprocess.run([str(START), sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def server() -> Any:
    """An idle JupyterLab server, as Binder runs it."""
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.token=",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={LESSON.parent}",
    ]
    process = subprocess.Popen(
        [str(START), sys.executable, "-m", "jupyterlab", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(8)
    yield psutil.Process(process.pid)
    process.terminate()
    process.wait()


@pytest.mark.slow
def test_the_session_fits_what_binder_guarantees(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(LESSON, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(AS_ON_BINDER))
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    told = json.loads(run(notebook, monkeypatch).cells[-1].outputs[-1]["text"])
    kernel = told["kernel"] / MB
    served = server.memory_full_info().pss / MB
    print(f"kernel {kernel:.0f} MB, workers {[round(w / MB) for w in told['workers']]} MB, server {served:.0f} MB")
    assert kernel <= KERNEL
    assert kernel + served <= SESSION


@pytest.mark.slow
def test_the_first_picture_comes_soon_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(LESSON, as_version=4)
    code = [k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    first = next(k for k in code if "figures()" in notebook.cells[k].source)
    notebook.cells = notebook.cells[: first + 1]
    one = {min(psutil.Process().cpu_affinity())} if hasattr(os, "sched_setaffinity") else None
    before = os.sched_getaffinity(0) if one else None
    started = time.perf_counter()
    try:
        if one:
            os.sched_setaffinity(0, one)  # Binder gives one core at most
        done = run(notebook, monkeypatch)
    finally:
        if before:
            os.sched_setaffinity(0, before)
    seconds = time.perf_counter() - started
    print(f"first picture after {seconds:.1f} s on one core")
    assert any("image/png" in o.get("data", {}) for o in done.cells[first].outputs)
    assert seconds < FIRST_PICTURE
