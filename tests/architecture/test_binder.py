"""What Binder would build: repo2docker takes our files as they are meant; the caches that postBuild warms are hit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Dockerfile of a copy of what decides it, so that nothing else is walked."""
    pytest.importorskip("repo2docker")
    copy = tmp_path_factory.mktemp("binder")
    shutil.copytree(HOME / "binder", copy / "binder")
    for name in ("constraints.txt", "pyproject.toml"):
        shutil.copy(HOME / name, copy / name)
    command = [sys.executable, "-W", "ignore", "-m", "repo2docker", "--no-build", "--debug", "--user-id", "1000"]
    run = subprocess.run([*command, "--user-name", "u", str(copy)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


def test_the_image_holds_what_the_folder_asks_for(dockerfile: str) -> None:
    assert "fonts-noto-cjk" in dockerfile
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in dockerfile
    assert "./binder/postBuild" in dockerfile
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile
    assert "NB_PYTHON_PREFIX" in dockerfile


def test_the_scripts_stop_at_the_first_failure_and_hand_over() -> None:
    post, start = (HOME / "binder" / "postBuild").read_text(), (HOME / "binder" / "start").read_text()
    assert "set -euo pipefail" in post
    assert start.rstrip().endswith('exec "$@"')
    for name in ("postBuild", "start"):
        assert os.access(HOME / "binder" / name, os.X_OK)
        subprocess.run(["bash", "-n", str(HOME / "binder" / name)], check=True)


def test_start_gives_the_server_what_postbuild_warmed(tmp_path: Path) -> None:
    run = subprocess.run(
        [str(HOME / "binder" / "start"), "env"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    told = dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)
    assert told["NUMBA_CACHE_DIR"].startswith(str(tmp_path))
    assert told["NUMBA_CPU_NAME"] == "generic"
    assert told["NUMBA_NUM_THREADS"] == "1"


def test_a_second_process_hits_the_warmed_kernels(tmp_path: Path) -> None:
    code = """
import sys
from workbench.backends.event import tiers
from workbench.studies import STUDIES
with tiers.held(tiers.COMPILED):
    STUDIES["network-states"]().quick().changed({"chip": "loihi-davies", "duration_ms": 300.0}).run()
from numba.core.dispatcher import Dispatcher
import workbench.kernels, pkgutil, importlib
found = {}
for m in pkgutil.walk_packages(workbench.kernels.__path__, "workbench.kernels."):
    module = importlib.import_module(m.name)
    for name, value in vars(module).items():
        if isinstance(value, Dispatcher):
            found[f"{m.name}.{name}"] = value.stats
print("hits", sum(sum(s.cache_hits.values()) for s in found.values()))
print("misses", sum(sum(s.cache_misses.values()) for s in found.values()))
"""
    start = str(HOME / "binder" / "start")
    environment = {**os.environ, "HOME": str(tmp_path)}

    def told() -> dict[str, int]:
        run = subprocess.run(
            [start, sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
        )
        assert run.returncode == 0, run.stderr[-2000:]
        return {name: int(value) for name, value in (line.split() for line in run.stdout.splitlines()[-2:])}

    cold, warm = told(), told()
    assert cold["misses"] > 0
    assert warm["misses"] == 0
    assert warm["hits"] > 0
