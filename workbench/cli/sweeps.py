"""`workbench sweep`: a study over a grid of its knobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli import say
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["sweep"]


@click.command(
    help=tr("Run a study over a grid of its knobs: one row, one result. Interrupted, the same command goes on."),
    epilog=say.example(
        "workbench sweep network-states --grid g=3:6:4 --grid chip=ideal,loihi-davies --seeds 3 --into out/sweep",
        "workbench sweep my_file.py:MyStudy --grid current_pa=100:1000:10 --into out/mine",
    ),
)
@click.argument("study")
@click.option(
    "--grid",
    "axes",
    multiple=True,
    metavar="NAME=VALUES",
    help=tr("An axis: g=3:6:4 (start:stop:count), g=1:100:3:log, or chip=ideal,loihi-davies."),
)
@click.option(
    "-p", "--parameter", "given", nargs=2, multiple=True, metavar="NAME VALUE", help=tr("Set a knob that is not swept.")
)
@click.option("--seeds", type=int, default=1, show_default=True, help=tr("Replicates of each point."))
@click.option("--into", type=click.Path(path_type=Path), required=True, help=tr("The folder to write to."))
@click.option("--workers", type=int, help=tr("Processes; by default one a core."))
@click.option("--dask", "scheduler", metavar="ADDRESS", help=tr("A Dask scheduler to send the rows to."))
@click.option("--keep-stale", is_flag=True, help=tr("Keep rows made by other code or other versions."))
def sweep(
    study: str, axes: tuple[str, ...], given: tuple[tuple[str, str], ...], seeds: int, into: Path,
    workers: int | None, scheduler: str | None, keep_stale: bool,
) -> int:  # fmt: skip
    from workbench.batch.sweep import sweep as run
    from workbench.studies import load_study

    cls = load_study(study)
    asked = cls.from_border(say.typed(cls().knobs(), dict(given)))
    with say.progress(study) as living, _client(scheduler) as client:

        def told(over: int, of: int, row: Any, record: dict[str, Any]) -> None:
            state = tr("FAILED: {what}", what=record["error"]) if "error" in record else f"{record['seconds']:.1f} s"
            living(over / of, "")
            click.echo(f"\r{over:>5}/{of}  {row}  {state}", err=True)

        swept = run(asked, _grid(axes), seeds=seeds, into=into, workers=workers, client=client,
                    keep_stale=keep_stale, told=told)  # fmt: skip
    stood = len(swept.rows) - swept.ran
    click.echo(tr("{rows} rows: {ran} run now, {stood} stood there, {failed} failed.", rows=len(swept.rows),
                  ran=swept.ran, stood=stood, failed=len(swept.failed)))  # fmt: skip
    click.echo(f"{into / 'table.csv'}  {into / 'table.nc'}")
    return 1 if swept.failed else 0


def _grid(axes: tuple[str, ...]) -> dict[str, str]:
    grid: dict[str, str] = {}
    for text in axes:
        name, mark, values = text.partition("=")
        if not mark:
            raise DescriptionError(tr("'{text}' is no axis: write NAME=VALUES, such as g=3:6:4.", text=text))
        if name in grid:
            raise DescriptionError(tr("The axis '{name}' is given twice.", name=name))
        grid[name] = values
    return grid


def _client(address: str | None) -> Any:
    from contextlib import nullcontext

    if address is None:
        return nullcontext()
    from workbench.batch.cluster import connect

    return connect(address)
