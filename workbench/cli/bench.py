"""`workbench bench`: our speed beside other simulators, as ratios, each row naming its arithmetic.

Every script tests/peers/bench_*.py is run in a process of its own and prints one JSON object a line, a row (its fields are said in
tests/peers/rows.py). Goals are data too, in tests/peers/goals.toml; a goal that is missed is said and is no error.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from workbench.cli import say
from workbench.errors import DescriptionError, NotebookError, unknown
from workbench.words import tr

__all__ = ["bench", "judged", "tables"]

Row = Mapping[str, Any]
OURS = "workbench"


@click.command(
    help=tr("Time the workbench beside Brian2 and other simulators that are installed."),
    epilog=say.example("workbench bench w1", "workbench bench w2 w3 --goals"),
)
@click.argument("names", nargs=-1)
@click.option("--goals", "with_goals", is_flag=True, help=tr("Print the goals beside what was measured."))
@click.option("--json", "as_json", is_flag=True, help=tr("Print the rows as JSON."))
@click.option(
    "--rows",
    "kept",
    type=click.Path(dir_okay=False, path_type=Path),
    help=tr("Run nothing; take the rows from a file that --json wrote."),
)
def bench(names: tuple[str, ...], with_goals: bool, as_json: bool, kept: Path | None) -> int:
    scripts = _scripts()
    for name in names:
        if name not in scripts:
            raise unknown(tr("benchmark"), name, scripts)
    rows, failed = (_kept(kept), False) if kept else _measured({name: scripts[name] for name in names or scripts})
    goals = judged(rows, _goals())
    if as_json:
        done = [row for row in rows if "missing" not in row]
        missing = [row for row in rows if "missing" in row]
        click.echo(json.dumps({"rows": done, "missing": missing, "goals": goals}, indent=1, ensure_ascii=False))
        return 1 if failed else 0
    for title, columns, lines in tables(rows):
        click.echo(f"\n{title}")
        say.table(lines, *columns)
    _say_missing(rows)
    if with_goals:
        ran = {row["benchmark"] for row in rows}
        _print_goals([goal for goal in goals if goal["benchmark"] in ran])
    return 1 if failed else 0


def _folder() -> Path:
    return Path(__file__).resolve().parents[2] / "tests" / "peers"


def _scripts() -> dict[str, Path]:
    found = {path.stem.removeprefix("bench_"): path for path in sorted(_folder().glob("bench_*.py"))}
    if not found:
        raise NotebookError(
            tr("The benchmarks come with the repository (tests/peers), not with the installed package.")
        )
    return found


def _goals() -> list[dict[str, Any]]:
    return tomllib.loads((_folder() / "goals.toml").read_text(encoding="utf-8"))["goal"]


def _measured(scripts: Mapping[str, Path]) -> tuple[list[dict[str, Any]], bool]:
    """The rows of some scripts, each in a process of its own, said as they come, and whether one of them failed.

    Ctrl+C ends it; what was measured so far is kept.
    """
    rows: list[dict[str, Any]] = []
    failed = False
    for name, script in scripts.items():
        click.echo(f"  {name} ...", err=True)
        try:
            wrong = _rows_of(script, rows)
        except KeyboardInterrupt:
            click.echo(tr("Interrupted; these rows were measured before."), err=True)
            return rows, True
        if wrong is not None:
            failed = True
            click.echo(tr("{name} failed: {what}", name=name, what=wrong), err=True)
    return rows, failed


def _rows_of(script: Path, rows: list[dict[str, Any]]) -> str | None:
    """Add the rows of a script to `rows`; returns what went wrong, if anything did."""
    with tempfile.TemporaryFile("w+") as complaints:
        with subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as run:
            try:
                for line in run.stdout or ():
                    if line.startswith("{"):
                        rows.append(json.loads(line))
                        click.echo(f"    {_said(rows[-1])}", err=True)
            except BaseException:
                run.kill()
                raise
        complaints.seek(0)
        return (complaints.read().strip().splitlines() or ["?"])[-1] if run.returncode else None


def _said(row: Row) -> str:
    """A row in one short line."""
    who = f"{row['benchmark']}, {row['engine']} {row['arithmetic']}"
    if "missing" in row:
        return f"{who}: {row['missing']}"
    return who if row.get("seconds") is None else f"{who}: {row['seconds']:.4g} s"


def _kept(path: Path) -> list[dict[str, Any]]:
    """The rows of a file that --json wrote."""
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
        rows = [*made["rows"], *made["missing"]]
        fit = all({"benchmark", "engine", "arithmetic"} <= set(row) for row in rows)
    except (ValueError, KeyError, TypeError):
        fit, rows = False, []
    if not fit:
        raise DescriptionError(
            tr("{path} holds no rows of benchmarks: write one with `workbench bench --json > FILE`.", path=path)
        )
    return rows


# --- tables ---


def tables(rows: Sequence[Row]) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """For each benchmark its title, the titles of its columns and its lines; columns in which nothing was measured are left out."""
    made = []
    for benchmark in dict.fromkeys(row["benchmark"] for row in rows):
        mine = [row for row in rows if row["benchmark"] == benchmark and "missing" not in row]
        if not mine:
            continue
        columns = [
            (title, cells) for title, cells in _columns(mine) if any(cells) or title in (tr("engine"), tr("arithmetic"))
        ]
        lines = list(zip(*(cells for _, cells in columns), strict=True))
        made.append((benchmark, tuple(title for title, _ in columns), lines))
    return made


def _columns(rows: Sequence[Row]) -> Iterable[tuple[str, list[str]]]:
    """Every column there is, with a cell for each row."""

    def cells(key: str, write: Callable[[float], str]) -> list[str]:
        return ["" if row.get(key) is None else write(row[key]) for row in rows]

    def clock(row: Row) -> str:
        return "" if row.get("seconds") is None else f"{row['seconds']:.4g} s"

    yield tr("engine"), [str(row["engine"]) for row in rows]
    yield tr("arithmetic"), [str(row["arithmetic"]) for row in rows]
    threaded = any(row.get("threads", 1) != 1 for row in rows)
    yield tr("threads"), cells("threads", str) if threaded else [""] * len(rows)
    wall = any(row.get("clock") == "wall" for row in rows)
    yield tr("wall time") if wall else tr("CPU time"), [clock(row) for row in rows]
    yield tr("M events/s"), cells("events_per_s", lambda x: f"{x / 1e6:,.1f}")
    yield tr("M updates/s"), cells("updates_per_s", lambda x: f"{x / 1e6:,.0f}")
    yield tr("M/s"), cells("rate", lambda x: f"{x / 1e6:,.0f}")
    yield tr("of the GEMM"), cells("gemm_ratio", lambda x: f"{x:.2f} ×")
    yield tr("of the bound"), cells("bound_share", lambda x: f"{x:.0%}")
    yield tr("delivery of its bound"), cells("delivery_share", lambda x: f"{x:.0%}")
    for ours in rows:
        if str(ours["engine"]).startswith(OURS) and len(rows) > 1:
            times = [None if row is ours else speed(ours, row) for row in rows]
            name = " ".join([ours["engine"], ours["arithmetic"]] + ([str(ours["threads"])] if threaded else []))
            yield (
                tr("faster: {engine}", engine=name),
                ["" if x is None else f"{x:.2f} ×" if x < 10 else f"{x:,.0f} ×" for x in times],
            )
    yield tr("build"), cells("build_s", lambda x: f"{x:.1f} s")
    yield tr("memory"), cells("rss_mb", lambda x: f"{x:,.0f} MB")
    yield tr("rate"), cells("rate_hz", lambda x: f"{x:.2f} Hz")
    yield tr("note"), [str(row.get("note") or "") for row in rows]


def speed(ours: Row, other: Row) -> float | None:
    """How many times faster `ours` is: by time, or by events per second where the other says that it did less work."""
    if "events" in (ours.get("compare"), other.get("compare")):
        mine, theirs = ours.get("events_per_s"), other.get("events_per_s")
    else:
        mine, theirs = other.get("seconds"), ours.get("seconds")
    return mine / theirs if mine and theirs else None


def _say_missing(rows: Sequence[Row]) -> None:
    missing = [row for row in rows if "missing" in row]
    if not missing:
        return
    click.echo("\n" + tr("Not measured:"))
    for row in missing:
        click.echo(f"  {row['benchmark']}, {row['engine']} {row['arithmetic']}: {row['missing']}")
    if any("is not installed" in row["missing"] for row in missing):
        click.echo(
            tr("`python scripts/peers.py FOLDER` installs other simulators; WORKBENCH_PEERS names their interpreters.")
        )


# --- goals ---


def judged(rows: Sequence[Row], goals: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each goal with what was measured: `measured` (None when nothing was), and whether `must` and `aim` are met."""
    done = [row for row in rows if "missing" not in row]
    made = []
    for goal in goals:
        most = bool(goal.get("most"))
        values = [
            (value, row["arithmetic"])
            for row in done
            if row["benchmark"] == goal["benchmark"]
            and str(row["engine"]).startswith(OURS)
            and row["arithmetic"] in goal["arithmetic"]
            and row.get("threads", 1) == goal.get("threads", 1)
            and (value := _figure(row, goal, done)) is not None
        ]
        best = (min(values) if most else max(values)) if values else (None, "")
        met = {
            bar: None
            if best[0] is None or bar not in goal
            else (best[0] <= goal[bar] if most else best[0] >= goal[bar])
            for bar in ("must", "aim")
        }
        made.append({**goal, "measured": best[0], "by": best[1], "must_met": met["must"], "aim_met": met["aim"]})
    return made


def _figure(row: Row, goal: Mapping[str, Any], rows: Sequence[Row]) -> float | None:
    """What a goal looks at in one of our rows."""
    if goal["figure"] != "speed":
        return row.get(goal["figure"])
    for other in rows:
        if (
            other["benchmark"] == goal.get("than_benchmark", goal["benchmark"])
            and other["engine"] == goal["than"]
            and other.get("threads", 1) == goal.get("than_threads", 1)
            and (goal["than"] != OURS or other["arithmetic"] == goal.get("than_arithmetic", row["arithmetic"]))
        ):
            return speed(row, other)
    return None


def _print_goals(goals: Sequence[Row]) -> None:
    def bar(goal: Row, name: str) -> str:
        return "" if name not in goal else f"{'≤' if goal.get('most') else '≥'} {_short(goal[name])}"

    def met(state: bool | None) -> str:
        return "" if state is None else tr("met") if state else tr("not met")

    lines = []
    for goal in goals:
        figure = tr("faster than {engine}", engine=goal["than"]) if goal["figure"] == "speed" else goal["figure"]
        if "than_benchmark" in goal:
            figure += f" ({goal['than_benchmark']})"
        elif goal.get("than_threads", goal.get("threads", 1)) != goal.get("threads", 1):
            figure += f" ({goal['than_threads']} → {goal['threads']})"
        measured = tr("not measured") if goal["measured"] is None else _short(goal["measured"])
        lines.append(
            (
                goal["benchmark"],
                figure,
                goal["by"] or "/".join(goal["arithmetic"]),
                measured,
                bar(goal, "must"),
                met(goal["must_met"]),
                bar(goal, "aim"),
                met(goal["aim_met"]),
                str(goal.get("note", "")),
            )
        )
    click.echo("\n" + tr("Goals"))
    heads = (tr("benchmark"), tr("figure"), tr("arithmetic"), tr("measured"), tr("must"), "", tr("aim"), "", tr("note"))
    say.table(lines, *heads)


def _short(number: float) -> str:
    if abs(number) >= 1e8:
        return f"{number / 1e9:.3g} G"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
