"""A sweep: one row, one file; resumed, repaired, refused, the same whoever runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from workbench.batch import fingerprint
from workbench.batch.sweep import axis, plan, sweep
from workbench.errors import DescriptionError
from workbench.studies import load_study

TOY = Path(__file__).parent / "toy_study.py"


@pytest.fixture
def toy() -> Any:
    return load_study(f"{TOY}:Toy")()


def test_an_axis_is_a_line_a_ratio_or_a_list(toy: Any) -> None:
    knobs = toy.knobs()
    assert axis("3:6:4") == [3, 4, 5, 6]
    assert axis("0:0.3:4") == [0, 0.1, 0.2, 0.3]
    assert axis("1:100:3:log") == [1, 10, 100]
    assert axis("1,2.5") == [1, 2.5]
    assert axis("2:2:1") == [2]
    assert all(type(v) is int for v in axis("0:6:3", knobs["seed"]))


@pytest.mark.parametrize("text", ["3:6", "3:6:0", "a:b:3", "3:6:4:lin", "x,y", "", "0:1:3:log"])
def test_what_is_no_axis_is_refused(text: str, toy: Any) -> None:
    with pytest.raises(DescriptionError):
        plan(toy, {"height": text})


def test_every_row_is_checked_before_any_runs(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="did you mean 'height'"):
        sweep(toy, {"hieght": "1:2:2"}, into=tmp_path / "a")
    with pytest.raises(DescriptionError, match="height is 9"):
        sweep(toy, {"height": "1:9:2"}, into=tmp_path / "b")
    with pytest.raises(DescriptionError, match="at least one seed"):
        plan(toy, {"height": "1,2"}, seeds=0)
    assert not any(tmp_path.iterdir())


def test_the_seed_of_a_row_depends_on_the_row_alone(toy: Any) -> None:
    small = {(r.at["height"], r.at["seed"]): r.name for r in plan(toy, {"height": [1.0, 2.0]}, seeds=2)}
    large = {(r.at["height"], r.at["seed"]): r.name for r in plan(toy, {"height": [3.0, 2.0, 1.0]}, seeds=3)}
    assert set(small) == {(1.0, 0), (1.0, 1), (2.0, 0), (2.0, 1)}
    assert small.items() <= large.items(), "a larger grid finds the rows of a smaller one"


def test_tables_hold_every_row_once(toy: Any, tmp_path: Path) -> None:
    done = sweep(toy, {"height": "1:3:3"}, seeds=2, into=tmp_path, workers=2)
    assert done.ran == 6
    table = xr.load_dataset(tmp_path / "table.nc", engine="h5netcdf")
    assert dict(table.sizes) == {"height": 3, "seed": 2}
    np.testing.assert_array_equal(table["area"].values, [[1, 1.001], [4, 4.001], [9, 9.001]])
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0] == "height,seed,area,error,row"
    assert len(lines) == 7
    assert not list(tmp_path.rglob("*.part"))


def test_finished_rows_stay_and_failed_ones_run_again(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FAILS", "2.0")
    first = sweep(toy, {"height": "1:3:3"}, into=tmp_path, workers=1)
    assert [text for _, text in first.failed] == ["ValueError: the parabola broke"]
    assert np.isnan(first.table["area"].sel(height=2.0).item())
    monkeypatch.delenv("TOY_FAILS")
    second = sweep(toy, {"height": "1:3:3"}, into=tmp_path, workers=1)
    assert second.ran == 1
    assert not second.failed
    assert sweep(toy, {"height": "1:3:3"}, into=tmp_path, workers=1).ran == 0


def test_a_row_that_kills_its_worker_fails_alone(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_DIES", "2.0")
    done = sweep(toy, {"height": "1:3:3"}, into=tmp_path, workers=1)
    assert len(done.failed) == 1
    assert "exit status 7" in done.failed[0][1]
    assert done.table["area"].sel(height=3.0).item() == 9


def test_rows_made_by_other_code_run_again_and_say_why(toy: Any, tmp_path: Path) -> None:
    sweep(toy, {"height": "1:2:2"}, into=tmp_path, workers=1)
    path = next((tmp_path / "rows").iterdir())
    record = json.loads(path.read_text())
    record["code"]["workbench/units.py"] = "something else"
    path.write_text(json.dumps(record))
    assert fingerprint.stale(record, {}) == ["workbench/units.py changed"]
    assert sweep(toy, {"height": "1:2:2"}, into=tmp_path, workers=1, keep_stale=True).ran == 0
    assert sweep(toy, {"height": "1:2:2"}, into=tmp_path, workers=1).ran == 1


def test_interrupted_a_sweep_leaves_whole_rows_and_goes_on(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "workbench", "sweep", f"{TOY}:Toy", "--grid", "height=0:4:9", "-p", "wait_ms", "400"]
    line += ["--into", str(tmp_path), "--workers", "2"]
    run = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    rows = tmp_path / "rows"
    end = time.monotonic() + 60
    while time.monotonic() < end and (not rows.is_dir() or len(list(rows.glob("*.json"))) < 2):
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Traceback" not in said
    assert "the same command goes on" in said
    made = [json.loads(path.read_text()) for path in rows.glob("*.json")]
    assert 2 <= len(made) < 9
    assert not list(tmp_path.rglob("*.part"))
    again = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{len(made)} stood there, 0 failed" in again.stdout


def test_a_dask_client_runs_the_same_rows(toy: Any, tmp_path: Path) -> None:
    distributed = pytest.importorskip("dask.distributed", reason="the extra `batch` is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        done = sweep(toy, {"height": "1:2:2"}, into=tmp_path, client=client)
    assert done.table["area"].values.ravel().tolist() == [1.0, 4.0]
