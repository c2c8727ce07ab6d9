"""`workbench course`: run the course, check its claims, list its lessons, seal an answer."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli import say
from workbench.errors import Cancelled
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.batch.notebook import Executed, Order
    from workbench.course.check import Compared
    from workbench.course.course import Course, Edition, Lesson

__all__ = ["course", "order_of"]

EDITION = click.option("--edition", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
                       help=tr("Size of the course's networks."))  # fmt: skip
NAME = click.option("--course", "name", default="", help=tr("Which course; by default the first."))
WORKERS = click.option("--workers", type=int, help=tr("Notebooks run at the same time; by default one a core."))


@click.group(help=tr("Run a course, check what it claims, list its lessons."),
             epilog=say.example("workbench course check"))  # fmt: skip
def course() -> None:
    pass


@course.command(
    help=tr("Execute the lessons whose source, parameters, code or versions changed; figures and claims with them."),
    epilog=say.example("workbench course run --edition quick --into out"),
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    help=tr("The folder to write to."),
)
@EDITION
@NAME
@WORKERS
def run(into: Path, edition: Edition, name: str, workers: int | None) -> int:
    from workbench.course import load_course

    status = _run(load_course(name), edition, into, workers, again=False)
    click.echo("\n" + tr("Executed notebooks: {folder}", folder=into / "notebooks"))
    click.echo(tr("Figures:            {folder}", folder=into / "figures"))
    click.echo(tr("Open the lab:       {line}", line="make lab   (workbench lab)"))
    return status


@course.command(
    help=tr("Run every lesson in a clean kernel, unchanged or not: published | ours | within?"),
    epilog=say.example("workbench course check", "workbench course check --edition full"),
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("out/check"),
    show_default=True,
    help=tr("The folder to write to."),
)
@EDITION
@NAME
@WORKERS
def check(into: Path, edition: Edition, name: str, workers: int | None) -> int:
    from workbench.course import load_course

    return _run(load_course(name), edition, into, workers, again=True)


@course.command(
    "list",
    help=tr("List the lessons with their minutes and goals."),
    epilog=say.example("workbench course list"),
)
@NAME
def list_(name: str) -> None:
    from workbench.course import load_course

    found = load_course(name)
    click.echo(tr(found.title) + "\n")
    rows = [(x.name, str(x.minutes), tr(x.title), x.notebook) for x in found.lesson]
    say.table(rows, tr("lesson"), tr("minutes"), tr("title"), tr("notebook"))


@course.command(
    help=tr("Run lessons in clean kernels and store them as the repository keeps them: only check cells keep outputs."),
    epilog=say.example("workbench course store four-states"),
)
@click.argument("lessons", nargs=-1)
@NAME
def store(lessons: tuple[str, ...], name: str) -> None:
    from workbench.batch.notebook import store as stored
    from workbench.course import load_course

    found = load_course(name)
    for lesson in [found.find(one) for one in lessons] or found.lesson:
        say.away(lesson.name, stored, lesson.path)
        click.echo(f"{lesson.path}")


@course.command(
    help=tr("Print the answer of an exercise as it stands in the course: not readable at a glance."),
    epilog=say.example("workbench course seal ex-1 41.71"),
)
@click.argument("exercise")
@click.argument("value", type=float)
def seal(exercise: str, value: float) -> None:
    from workbench.course.exercises import seal as sealed

    click.echo(f'answer = "{sealed(exercise, value)}"')


def order_of(lesson: Lesson, edition: Edition, *, into: Path, figures: Path, formats: tuple[str, ...]) -> Order:
    """The notebook of a lesson, to be run for an edition."""
    from workbench.batch.notebook import Order

    lines = dataclasses.asdict(lesson)
    concern = {key: lines[key] for key in ("claim", "exercise", "study")}
    return Order(
        notebook=lesson.path,
        into=into / lesson.path.name,
        figures=figures,
        parameters=lesson.parameters(edition),
        formats=formats,
        made_for=json.dumps(concern, sort_keys=True, default=str),
    )


def _run(course: Course, edition: Edition, into: Path, workers: int | None, *, again: bool) -> int:
    from workbench import jobs
    from workbench.batch.notebook import execute, execute_order, why

    orders = {
        lesson.name: order_of(
            lesson, edition, into=into / "notebooks" / Path(lesson.notebook).parent,
            figures=into / "figures" / lesson.name, formats=("png", "svg"),
        )
        for lesson in course.lesson
    }  # fmt: skip
    click.echo(
        f"{tr(course.title)}: {tr('{n} lessons, {edition} edition', n=len(orders), edition=tr(edition))}", err=True
    )
    executed: dict[str, Executed] = {}
    failed: dict[str, BaseException] = {}
    to_run: dict[str, Order] = {}
    for name, order in orders.items():
        reasons = [tr("checked in a clean kernel")] if again else why(order)
        if reasons:
            to_run[name] = order
            more = tr("; {n} more reasons", n=len(reasons) - 3) if len(reasons) > 3 else ""
            click.echo(f"  {tr('{name} runs: {reasons}', name=name, reasons='; '.join(reasons[:3]))}{more}", err=True)
        else:
            executed[name] = execute(order)
            click.echo(f"  {tr('{name} is up to date', name=name)}", err=True)
    if to_run:
        with jobs.Pool(min(len(to_run), workers or os.cpu_count() or 1)) as pool:
            under_way = {name: pool.submit(execute_order, order, again) for name, order in to_run.items()}
            say.watch(under_way)
            for name, job in under_way.items():
                if job.error is None:
                    executed[name] = job.result()
                else:
                    failed[name] = job.error
    for name, error in failed.items():
        if isinstance(error, Cancelled):
            raise error
        click.echo(f"  {name}: {error}", err=True)
    compared = _compare(course, edition, executed, into / "claims")
    click.echo()
    _print_claims(course, compared)
    held = sum(one.ok for _, one in compared if one is not None and not isinstance(one, str))
    gated = sum(not isinstance(one, str) for _, one in compared)
    click.echo("\n" + tr("{held} of {gated} claims hold.", held=held, gated=gated))
    if len(compared) > gated:
        line = "workbench course check --edition full"
        click.echo(tr("{n} more need the full size: {line}", n=len(compared) - gated, line=line))
    return 0 if held == gated and not failed else 1


def _compare(
    course: Course, edition: Edition, executed: dict[str, Executed], into: Path
) -> list[tuple[str, Compared | str]]:
    """Each claim of the course beside our number, from the check cells, else from a run of the study at its knobs.

    A claim that needs the full size gives, in the quick edition, only its name.
    """
    from workbench.batch.sweep import Row, fill
    from workbench.course.check import compare, same
    from workbench.studies import load_study

    compared: list[tuple[str, Compared | str]] = []
    rows: dict[int, Row] = {}
    for lesson in course.lesson:
        checks = executed[lesson.name].checks if lesson.name in executed else ()
        for claim in lesson.claim:
            found = next(
                (
                    c["numbers"]
                    for c in checks
                    if c["study"] == lesson.study
                    and claim.number in c["numbers"]
                    and all(same(c["at"].get(name), value) for name, value in claim.at.items())
                ),
                None,
            )
            if found is None and edition == "quick" and claim.edition == "full":
                compared.append((lesson.name, claim.number))
                continue
            if found is None:
                study = load_study(lesson.study)()
                study = (study.quick() if edition == "quick" else study).changed(claim.at)
                rows[len(compared)] = Row(study=study, at=claim.at)
            compared.append((lesson.name, compare((claim,), found or {})[0]))
    if rows:
        missing = len({row.name for row in rows.values()})
        click.echo("  " + tr("{n} settings that no check cell shows are run or looked up", n=missing), err=True)
        filled = fill(tuple(rows.values()), into=into)
        for row, error in filled.failed:
            click.echo(f"  {row}: {error}", err=True)
        for k, record in zip(rows, filled.records, strict=True):
            lesson, one = compared[k]
            if not isinstance(one, str):
                compared[k] = (lesson, compare((one.claim,), record.get("numbers", {}))[0])
    return compared


def _print_claims(course: Course, compared: list[tuple[str, Compared | str]]) -> None:
    from workbench.course.check import same
    from workbench.studies import load_study

    lines: list[tuple[str, ...]] = []
    usual = {lesson.name: load_study(lesson.study)().to_border() if lesson.study else {} for lesson in course.lesson}
    for lesson, one in compared:
        if isinstance(one, str):
            continue
        number, ours, published, within, verdict, source = one.cells()
        # where a claim sets a knob to what it is anyway, the table need not say so
        unusual = {k: v for k, v in one.claim.at.items() if not same(v, usual[lesson].get(k))}
        at = " ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in unusual.items())
        lines.append((lesson, f"{number} {at}".strip(), published, ours, f"{within} {verdict}".strip(), source))
    if lines:
        say.table(lines, tr("lesson"), tr("number"), tr("published"), tr("ours"), tr("within?"), tr("source"))
