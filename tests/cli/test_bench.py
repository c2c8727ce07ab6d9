"""`workbench bench`: its tables, its JSON, its goals, and what it says where other simulators are missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.cli.bench import judged, tables

PEERS = Path(__file__).parents[1] / "peers"
OURS = {
    "benchmark": "W9",
    "engine": "workbench",
    "arithmetic": "float32",
    "threads": 1,
    "seconds": 0.02,
    "events_per_s": 2e9,
    "bound_share": 0.81,
    "rss_mb": 301.0,
}
SLOW = {"benchmark": "W9", "engine": "Slow", "arithmetic": "float64", "threads": 1, "seconds": 0.1, "rate_hz": 7.5}
SMALL = {
    "benchmark": "W9",
    "engine": "Small",
    "arithmetic": "float64",
    "threads": 1,
    "seconds": 0.001,
    "events_per_s": 4e6,
    "compare": "events",
}
ABSENT = {
    "benchmark": "W9",
    "engine": "Absent",
    "arithmetic": "float64",
    "threads": 1,
    "missing": "absent is not installed",
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def kept(place: Path, *rows: dict[str, Any]) -> str:
    done, missing = [r for r in rows if "missing" not in r], [r for r in rows if "missing" in r]
    path = place / "rows.json"
    path.write_text(json.dumps({"rows": done, "missing": missing}))
    return str(path)


def test_a_table_has_the_ratio_to_our_row_and_no_empty_column() -> None:
    ((title, columns, lines),) = tables([OURS, SLOW, ABSENT])
    assert title == "W9"
    assert columns == (
        "engine",
        "arithmetic",
        "CPU time",
        "M events/s",
        "of the bound",
        "faster: workbench float32",
        "memory",
        "rate",
    )
    assert lines[0] == ("workbench", "float32", "0.02 s", "2,000.0", "81%", "", "301 MB", "")
    assert lines[1] == ("Slow", "float64", "0.1 s", "", "", "5.00 ×", "", "7.50 Hz")


def test_a_product_says_what_it_takes_of_the_bare_one() -> None:
    ((_, columns, lines),) = tables([{**OURS, "gemm_ratio": 1.074}, SLOW])
    assert [line[columns.index("of the GEMM")] for line in lines] == ["1.07 ×", ""]


def test_a_peer_that_did_less_work_is_compared_by_events() -> None:
    ((_, columns, lines),) = tables([OURS, SMALL])
    assert lines[1][columns.index("faster: workbench float32")] == "500 ×"


def test_wall_time_and_threads_have_their_columns() -> None:
    one, two = ({**OURS, "clock": "wall", "threads": k, "seconds": 0.04 / k} for k in (1, 2))
    ((_, columns, lines),) = tables([one, two])
    assert columns[:4] == ("engine", "arithmetic", "threads", "wall time")
    assert lines[1][columns.index("faster: workbench float32 2")] == ""
    assert lines[0][columns.index("faster: workbench float32 2")] == "2.00 ×"


def test_what_is_missing_is_named_with_the_way_to_get_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "bench", "--rows", kept(tmp_path, OURS, ABSENT))
    assert status == 0
    assert "W9, Absent float64: absent is not installed" in out
    assert "scripts/peers.py" in out
    assert "WORKBENCH_PEERS" in out


def test_json_has_rows_missing_and_goals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "bench", "--json", "--rows", kept(tmp_path, OURS, SLOW, ABSENT))
    assert status == 0
    made = json.loads(out)
    assert made["rows"] == [OURS, SLOW]
    assert made["missing"] == [ABSENT]
    assert {"benchmark", "figure", "measured", "by", "must_met", "aim_met"} <= set(made["goals"][0])


def test_rows_that_json_wrote_are_read_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first = run(capsys, "bench", "--json", "--rows", kept(tmp_path, OURS, ABSENT))[1]
    (tmp_path / "again.json").write_text(first)
    assert run(capsys, "bench", "--json", "--rows", str(tmp_path / "again.json"))[1] == first


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"rows": [{"engine": "x"}], "missing": []}', '{"rows": 3, "missing": []}']
)
def test_a_file_without_rows_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.json").write_text(text)
    status, _, err = run(capsys, "bench", "--rows", str(tmp_path / "rows.json"))
    assert status == 2
    assert "holds no rows" in err


def test_an_unknown_benchmark_is_refused_before_any_runs(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "bench", "w22")
    assert status == 2
    assert "Unknown benchmark 'w22': did you mean 'w2'" in err
    assert not out


@pytest.mark.parametrize(
    ("goal", "measured", "must", "aim"),
    [
        ({"figure": "speed", "than": "Slow", "must": 4.5, "aim": 9.0}, 5.0, True, False),
        ({"figure": "speed", "than": "Small", "must": 500.0}, 500.0, True, None),
        ({"figure": "speed", "than": "Absent", "must": 5.0}, None, None, None),
        ({"figure": "events_per_s", "must": 2.1e9}, 2e9, False, None),
        ({"figure": "seconds", "most": True, "aim": 0.02}, 0.02, None, True),
        ({"figure": "seconds", "most": True, "must": 0.019}, 0.02, False, None),
    ],
)
def test_a_goal_is_judged_by_its_bars(
    goal: dict[str, Any], measured: float | None, must: bool | None, aim: bool | None
) -> None:
    (made,) = judged([OURS, SLOW, SMALL, ABSENT], [{"benchmark": "W9", "arithmetic": ["float32"], **goal}])
    assert made["measured"] == (pytest.approx(measured) if measured else None)
    assert (made["must_met"], made["aim_met"]) == (must, aim)


def test_the_best_of_the_allowed_arithmetics_counts() -> None:
    other = {**OURS, "arithmetic": "integer", "seconds": 0.01}
    goal = {"benchmark": "W9", "figure": "speed", "than": "Slow", "must": 4.5}
    assert judged([OURS, other, SLOW], [{**goal, "arithmetic": ["float32", "integer"]}])[0]["by"] == "integer"
    assert judged([OURS, other, SLOW], [{**goal, "arithmetic": ["float32"]}])[0]["by"] == "float32"


def test_a_gain_of_threads_is_judged_against_our_own_row() -> None:
    one, two = ({**OURS, "clock": "wall", "threads": k, "seconds": 0.04 / k} for k in (1, 2))
    goal = {"benchmark": "W9", "arithmetic": ["float32"], "threads": 2, "figure": "speed", "than": "workbench"}
    assert judged([one, two], [{**goal, "than_threads": 1, "must": 1.4}])[0]["measured"] == pytest.approx(2.0)


def test_every_goal_can_be_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    goals = tomllib.loads((PEERS / "goals.toml").read_text())["goal"]
    fields = {"benchmark", "arithmetic", "threads", "figure", "most", "must", "aim", "note"}
    fields |= {"than", "than_benchmark", "than_threads", "than_arithmetic"}
    for goal in goals:
        assert set(goal) <= fields, goal
        assert ("than" in goal) == (goal["figure"] == "speed"), goal
        assert "must" in goal or "aim" in goal, goal
    status, out, _ = run(capsys, "bench", "--goals", "--rows", kept(tmp_path, {**OURS, "benchmark": "W1"}))
    assert status == 0
    line = next(line for line in out.splitlines() if line.startswith("W1 ") and "seconds" in line)
    assert "≤ 0.013" in line
    assert "not met" in line


def test_a_tiny_benchmark_runs_and_a_missing_peer_does_not_stop_it(tmp_path: Path) -> None:
    script = tmp_path / "bench_tiny.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(PEERS)!r})
        from rows import ours, peer
        ours("Tiny", "tiny", "float64", "--seconds", 0.05, "--repeats", 1)
        peer("Tiny", "Nobody", "float64", "no_such_simulator", "peer_nest.py", "w1")
        ours("Tiny", "no-such-workload", "float64")
        """)
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"WORKBENCH_PEERS": os.pathsep.join([str(tmp_path / "python"), sys.executable])},
    )
    assert done.returncode == 0, done.stderr
    tiny, nobody, unknown = map(json.loads, done.stdout.splitlines())
    assert tiny["seconds"] > 0
    assert tiny["synapses"] == 500 * 1000
    assert tiny["events_per_s"] >= 0
    assert tiny["bound_share"] > 0
    assert nobody["missing"] == "no_such_simulator is not installed"
    assert "no-such-workload" in unknown["missing"]


def scripts(folder: Path, **bodies: str) -> dict[str, Path]:
    found = {}
    for name, body in bodies.items():
        found[name] = folder / f"bench_{name}.py"
        found[name].write_text("import json\n" + textwrap.dedent(body))
    return found


def test_rows_are_said_as_they_come_and_a_script_that_fails_keeps_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scripts(
        tmp_path, one=f"print(json.dumps({OURS!r})); raise SystemExit('no more')", two=f"print(json.dumps({SLOW!r}))"
    )
    monkeypatch.setattr("workbench.cli.bench._scripts", lambda: made)
    status, out, err = run(capsys, "bench")
    assert status == 1
    assert "W9, workbench float32: 0.02 s" in err
    assert "one failed: no more" in err
    assert "W9, Slow float64: 0.1 s" in err
    assert "5.00 ×" in out


def test_ctrl_c_keeps_what_was_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"""
    import os, signal, time
    print(json.dumps({OURS!r}), flush=True)
    time.sleep(0.5)
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(60)
    """
    made = scripts(tmp_path, one=body, two=f"print(json.dumps({SLOW!r}))")
    monkeypatch.setattr("workbench.cli.bench._scripts", lambda: made)
    status, out, err = run(capsys, "bench")
    assert status == 1
    assert "Interrupted" in err
    assert "0.02 s" in out
    assert "Slow" not in out + err
