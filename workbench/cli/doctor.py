"""`workbench doctor`: is everything here that the course needs, and where not, what to do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from workbench.cli import say
from workbench.course.check import columns
from workbench.words import tr

__all__ = ["Report", "doctor"]

Finding = tuple[str, str, str, str]
NEEDED = ("numpy", "scipy", "numba", "brian2", "xarray", "h5netcdf", "holoviews", "matplotlib", "papermill",
          "ipywidgets", "anywidget")  # fmt: skip
OPTIONAL = {"jupyterlab": "lab", "panel": "studio", "dask": "batch"}


@dataclass(frozen=True)
class Report:
    """What the doctor found, as a table with a hint for what is not well."""

    findings: tuple[Finding, ...]

    @property
    def bad(self) -> tuple[str, ...]:
        """What keeps the course from running."""
        return tuple(what for what, state, _, _ in self.findings if state == "bad")

    def __repr__(self) -> str:
        lines = columns([(tr("what"), "", tr("found")), *(finding[:3] for finding in self.findings)])
        hints = [f"{what}: {hint}" for what, state, _, hint in self.findings if state != "ok" and hint]
        well = tr("Everything the course needs is here.")
        end = tr("Not ready: {what}", what=", ".join(self.bad)) if self.bad else well
        return "\n".join([*lines, *([""] if hints else []), *hints, "", end])


def doctor() -> Report:
    """Look whether everything is here that the course needs; in a notebook, the last line of a cell."""
    return Report((*_releases(), *_fonts(), *_browser(), *_caches(), *_machine(), *_course()))


@click.command(
    "doctor",
    help=tr("Look whether everything is here: releases, fonts, browser, caches, threads, memory."),
    epilog=say.example("workbench doctor"),
)
def command() -> int:
    report = doctor()
    click.echo(repr(report))
    return 1 if report.bad else 0


def _releases() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield "Python", "ok" if good else "bad", version, tr("Python 3.11 to 3.13 is needed.")
    for name in NEEDED:
        found = _version(name)
        yield name, "ok" if found else "bad", found or tr("missing"), tr("`make run` installs it.")
    if _version("brian2").startswith("2.9.") and tuple(map(int, _version("numpy").split(".")[:2])) >= (2, 4):
        yield "brian2 + numpy", "bad", tr("do not fit"), tr("Brian2 2.9 needs NumPy below 2.4.")
    for name, extra in OPTIONAL.items():
        found = _version(name)
        hint = f"pip install neuromorphic-workbench[{extra}]"
        yield name, "ok" if found else "–", found or tr("missing"), hint


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _fonts() -> Iterator[Finding]:
    from workbench.figures import fonts

    chinese = fonts.chinese()
    yield (
        tr("Chinese font"),
        "ok" if chinese else "–",
        str(chinese or tr("none")),
        tr("Figures keep English labels; the package fonts-noto-cjk brings one."),
    )


def _browser() -> Iterator[Finding]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    yield "Chromium", "ok" if found else "–", found or tr("missing"), tr("Only the browser tests need it.")


def _caches() -> Iterator[Finding]:
    numba = os.environ.get("NUMBA_CACHE_DIR")
    kernels = Path(numba) if numba else Path(str(importlib.util.find_spec("workbench.kernels").origin)).parent  # type: ignore[union-attr]
    compiled = len(list(kernels.rglob("*.nbi"))) if kernels.is_dir() else 0
    hint = tr("Set NUMBA_CACHE_DIR to a folder that can be written, else every process compiles again.")
    yield (tr("compiled kernels"), "ok" if _writable(kernels) else "bad",
           tr("{n} in {folder}", n=compiled, folder=kernels), hint)  # fmt: skip
    import matplotlib

    for name, folder in (
        ("matplotlib", Path(matplotlib.get_cachedir())),
        (tr("temporary files"), Path(tempfile.gettempdir())),
    ):
        yield name, "ok" if _writable(folder) else "bad", str(folder), tr("This folder cannot be written.")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _machine() -> Iterator[Finding]:
    import psutil

    cores = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1
    asked = os.environ.get("NUMBA_NUM_THREADS")
    said = tr("{n} cores", n=cores) + (f", NUMBA_NUM_THREADS={asked}" if asked else "")
    yield tr("threads"), "ok", said, ""
    free = psutil.virtual_memory().available / 2**30
    yield tr("memory"), "ok" if free > 0.5 else "bad", f"{free:.1f} GiB", tr("A lesson needs about half a GiB.")
    room = shutil.disk_usage(Path.cwd()).free / 2**30
    yield tr("disk"), "ok" if room > 1 else "bad", f"{room:.1f} GiB", tr("Less than 1 GiB is free here.")


def _course() -> Iterator[Finding]:
    from workbench.course import courses, load_course

    for name in courses():
        missing = [lesson.notebook for lesson in load_course(name).lesson if not lesson.path.is_file()]
        found = tr("{n} lessons", n=len(load_course(name).lesson))
        yield name, "bad" if missing else "ok", found, tr("Missing notebooks: {names}", names=", ".join(missing))
    yield tr("network"), "ok", tr("not needed: everything runs without it"), ""
