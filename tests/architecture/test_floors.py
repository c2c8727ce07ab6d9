"""The house stands: floors, lazy faces, nothing that names a host or a machine, sentences that say what to write."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]

HEAVY = (
    "brian2",
    "numba",
    "holoviews",
    "panel",
    "xarray",
    "matplotlib",
    "papermill",
    "ipywidgets",
    "anywidget",
    "h5py",
    "dask",
)

LIGHT = {
    "workbench": HEAVY,
    "workbench.fields": HEAVY,
    "workbench.circuits": HEAVY,
    "workbench.circuits.neurons": HEAVY,
    "workbench.circuits.library.balanced": HEAVY,
    "workbench.chips": HEAVY,
    "workbench.backends": HEAVY,
    "workbench.interchange": HEAVY,
    "workbench.studies": HEAVY,
    "workbench.course": HEAVY,
    "workbench.jobs": HEAVY,
    "workbench.cli": HEAVY,
    "workbench.batch.notebook": tuple(name for name in HEAVY if name not in ("matplotlib",)),
    "workbench.experiment": ("brian2", "numba", "holoviews", "panel", "matplotlib", "ipywidgets"),
    "workbench.figures": ("brian2", "numba", "holoviews", "panel", "matplotlib", "ipywidgets"),
    "workbench.recordings": ("brian2", "numba", "holoviews", "panel", "matplotlib", "ipywidgets"),
    "widgets": ("brian2", "numba", "holoviews", "panel", "matplotlib"),
}


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository; of a folder without git, all that are not made."""
    run = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=HOME, capture_output=True, text=True, check=False
    )
    if run.returncode == 0:
        return [HOME / name for name in run.stdout.split("\0") if name and (HOME / name).is_file()]
    made = {".venv", "out", "__pycache__"}
    return [p for pattern in patterns for p in HOME.rglob(pattern) if p.is_file() and not made & set(p.parts)]


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_no_arrow_runs_up() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    run = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("module", LIGHT)
def test_importing_a_room_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({LIGHT[module]!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


def test_the_face_gives_every_name_it_lists() -> None:
    code = "import workbench; [getattr(workbench, name) for name in workbench.__all__]; print(len(workbench.__all__))"
    run = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_no_file_names_a_machine_or_an_index() -> None:
    # written in pieces, so that this file does not find itself
    words = [
        "/wor" + "k/",
        "/far" + "m/",
        "/roo" + "t/",
        "/tm" + "p/",
        "pypi" + ".org",
        "python" + "hosted",
        "/simp" + "le/",
    ]
    pattern = re.compile("|".join(map(re.escape, words)))
    found = [
        f"{path.relative_to(HOME)}:{number}: {line.strip()[:90]}"
        for path in tracked(
            "*.py", "*.toml", "*.ipynb", "*.md", "*.txt", "*.sh", "*.js", "*.json", "Makefile", "binder/*", ".ci/*"
        )
        for number, line in enumerate(source(path).splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_nothing_asks_the_internet_at_run_time() -> None:
    """Addresses may stand in citations; a fetch, a script tag or a CDN may not."""
    pattern = re.compile(r"(urlopen|requests\.(get|post)|httpx\.|fetch\(\s*['\"]https?:|src=['\"]https?:|cdn\.|unpkg)")
    scripts = {"scripts"}  # what makes a data table may fetch, once, by hand
    found = [
        f"{path.relative_to(HOME)}:{number}: {line.strip()[:90]}"
        for path in tracked("workbench/*", "widgets/*", "notebooks/*", "curricula/*", "binder/*")
        if path.suffix in (".py", ".js", ".mjs", ".css", ".ipynb", ".toml", "") and not scripts & set(path.parts)
        for number, line in enumerate(source(path).splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_lock_holds_releases_and_no_address() -> None:
    for line in (HOME / "constraints.txt").read_text().splitlines():
        assert re.match(r"^(#.*|[a-z0-9_.\-]+(\[[a-z,]+\])?==\S+( ; .+)?)?$", line, re.I), line


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(x for group in project["optional-dependencies"].values() for x in group)]
    locked = {line.partition("==")[0].lower() for line in (HOME / "constraints.txt").read_text().splitlines()}
    for text in wanted:
        name = re.match(r"[A-Za-z0-9_.\-]+", text)
        assert name is not None
        assert name[0].lower() in locked, text


def test_no_assert_and_no_print_below_the_command_line() -> None:
    programs = {"harvest.py", "make_worm.py", "server.py"}  # what they print is what they are for
    found = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for path in tracked("workbench/*.py", "widgets/*.py")
        if path.name not in programs
        for node in ast.walk(ast.parse(source(path)))
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
    ]
    assert not found, "\n".join(found)


def test_every_public_thing_says_what_it_is_in_a_sentence() -> None:
    found: list[str] = []
    for path in tracked("workbench/*.py", "widgets/*.py"):
        tree = ast.parse(source(path))
        if not (path.name == "__main__.py" or ast.get_docstring(tree)):
            found.append(f"{path.relative_to(HOME)}: the module")
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                said = (ast.get_docstring(node) or "").strip()
                command = any("click" in ast.unparse(d) or ".command" in ast.unparse(d) for d in node.decorator_list)
                overload = any("overload" in ast.unparse(d) for d in node.decorator_list)
                if not command and not overload and not said:
                    found.append(f"{path.relative_to(HOME)}:{node.lineno}: {node.name}")
    assert not found, "\n".join(found)


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(HOME)): count
        for path in tracked("*.py", "*.js", "*.mjs")
        if (count := len(source(path).splitlines())) > 520
    }
    assert not long, f"over 520 lines: {json.dumps(long, indent=1)}"
