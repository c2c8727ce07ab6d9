"""`workbench bench`: our speed beside other simulators, as ratios, each row naming its arithmetic.

Every script tests/peers/bench_*.py is run in a process of its own and prints one JSON object a line:
{"benchmark": "CUBA", "engine": "event", "arithmetic": "float64", "seconds": 0.8, "note": ""}. The ratios are to the
engines whose name starts with "brian2" in the same benchmark.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli import say
from workbench.errors import NotebookError, unknown
from workbench.words import tr

__all__ = ["bench"]


@click.command(
    help=tr("Time the workbench beside Brian2 and other simulators that are installed."),
    epilog=say.example("workbench bench", "workbench bench cuba"),
)
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help=tr("Print the rows as JSON."))
def bench(names: tuple[str, ...], as_json: bool) -> int:
    scripts = _scripts()
    for name in names:
        if name not in scripts:
            raise unknown(tr("benchmark"), name, scripts)
    rows: list[dict[str, Any]] = []
    failed = False
    for name in names or tuple(scripts):
        click.echo(f"  {name} ...", err=True)
        run = subprocess.run([sys.executable, str(scripts[name])], capture_output=True, text=True, check=False)
        rows += [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        if run.returncode:
            failed = True
            last = (run.stderr.strip().splitlines() or ["?"])[-1]
            click.echo(tr("{name} failed: {what}", name=name, what=last), err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        _print(rows)
    return 1 if failed else 0


def _scripts() -> dict[str, Path]:
    folder = Path(__file__).resolve().parents[2] / "tests" / "peers"
    found = {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}
    if not found:
        raise NotebookError(
            tr("The benchmarks come with the repository (tests/peers), not with the installed package.")
        )
    return found


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    references = list(dict.fromkeys(r["engine"] for r in rows if str(r["engine"]).startswith("brian2")))
    lines: list[tuple[str, ...]] = []
    for row in rows:
        beside = {r["engine"]: r["seconds"] for r in rows if r["benchmark"] == row["benchmark"]}
        ratios = [f"{beside[name] / row['seconds']:.2f} ×" if name in beside else "" for name in references]
        seconds = f"{row['seconds']:.3f} s"
        lines.append((row["benchmark"], row["engine"], row["arithmetic"], seconds, *ratios, row.get("note", "")))
    speed = [tr("speed to {engine}", engine=name) for name in references]
    say.table(lines, tr("benchmark"), tr("engine"), tr("arithmetic"), tr("time"), *speed, tr("note"))
