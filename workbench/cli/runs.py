"""`workbench run` and `workbench figures`: one notebook, lesson or study, or all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import say
from workbench.errors import NotebookError
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.course.course import Lesson
    from workbench.studies.study import Study

__all__ = ["figures", "run"]


@click.command(
    help=tr(
        "Run one notebook or study with parameters; TARGET is a notebook, a lesson, a study or my_file.py:MyStudy."
    ),
    epilog=say.example(
        "workbench run notebooks/02-networks/01-four-states.ipynb -p g 4.5 --into out/slow",
        "workbench run network-states -p g 4.5 -p chip loihi-davies",
        "workbench run my_file.py:MyStudy --into out/mine",
    ),
)
@click.argument("target")
@click.option("-p", "--parameter", "given", nargs=2, multiple=True, metavar="NAME VALUE", help=tr("Set a parameter."))
@click.option("-f", "--file", "file", type=click.Path(path_type=Path), help=tr("Set parameters from a YAML file."))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("out/run"),
    show_default=True,
    help=tr("The folder to write to."),
)
@click.option("--format", "endings", default="png,svg", show_default=True, help=tr("Figure formats: png, svg, pdf."))
@click.option("--again", is_flag=True, help=tr("Run even if nothing has changed."))
def run(
    target: str, given: tuple[tuple[str, str], ...], file: Path | None, into: Path, endings: str, again: bool
) -> None:
    values: dict[str, Any] = {**(_yaml(file) if file else {}), **dict(given)}
    notebook = _notebook(target)
    if notebook is None:
        _run_study(target, values, into, say.formats(endings))
        return
    from workbench.batch.notebook import Order, execute_order, why

    order = Order(notebook=notebook, into=into / notebook.name, figures=into / "figures", parameters=values,
                  formats=say.formats(endings))  # fmt: skip
    for reason in why(order):
        click.echo(f"  {tr('runs because {reason}', reason=reason)}", err=True)
    done = say.away(notebook.stem, execute_order, order, again)
    state = tr("in {seconds:.1f} s", seconds=done.seconds) if done.fresh else tr("nothing had changed")
    click.echo(f"{order.into}  ({state})")
    for name in done.figures:
        click.echo(f"{order.figures / name}.{{{endings}}}")


def _run_study(target: str, values: dict[str, Any], into: Path, endings: tuple[str, ...]) -> None:
    import json

    from workbench.batch.figures import draw_study

    study = _study(target, values)
    with say.progress(target) as told:
        names = draw_study(study, into, endings, told)
    numbers = json.loads((into / "figures.json").read_text(encoding="utf-8"))["numbers"]
    for name, value in numbers.items():
        click.echo(f"{name}  {value:.6g}")
    for name in names:
        click.echo(f"{into / name}.{{{','.join(endings)}}}")


@click.command(
    help=tr("Make all figures of the course, or of lessons and studies; what is up to date is not made again."),
    epilog=say.example(
        "workbench figures --into out/figures",
        "workbench figures four-states --format svg,pdf --into paper/figures",
        "workbench figures my_file.py:MyStudy",
    ),
)
@click.argument("targets", nargs=-1)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("out/figures"),
    show_default=True,
    help=tr("The folder to write to; each lesson or study gets its own in it."),
)
@click.option("--format", "endings", default="png,svg", show_default=True, help=tr("Figure formats: png, svg, pdf."))
@click.option(
    "--edition",
    type=click.Choice(["quick", "full"]),
    default="quick",
    show_default=True,
    help=tr("Size of the course's networks."),
)
@click.option("--why", "only_why", is_flag=True, help=tr("Only say what would be made, and why."))
@click.option("--again", is_flag=True, help=tr("Make them even if nothing has changed."))
def figures(targets: tuple[str, ...], into: Path, endings: str, edition: Any, only_why: bool, again: bool) -> None:
    from workbench.course import load_course

    course = load_course()
    wanted = say.formats(endings)
    lessons = {lesson.name: lesson for lesson in course.lesson}
    for target in targets or tuple(lessons):
        folder = into / target.replace(".py:", "-").replace("/", "-")
        if target in lessons:
            reasons, make = _of_lesson(lessons[target], edition, folder, wanted)
        else:
            reasons, make = _of_study(_study(target, {}), folder, wanted)
        reasons = [tr("you asked for it")] if again else reasons
        if not reasons:
            click.echo(tr("{name}: up to date in {folder}", name=target, folder=folder))
            continue
        click.echo(tr("{name}: {reasons}", name=target, reasons="; ".join(reasons[:4])))
        if only_why:
            continue
        for name in say.away(target, make):
            click.echo(f"  {folder / name}.{{{endings}}}")


Make = Callable[[Callable[[float, str], None]], list[str]]


def _of_lesson(lesson: Lesson, edition: Any, folder: Path, wanted: tuple[str, ...]) -> tuple[list[str], Make]:
    from workbench.batch.notebook import execute_order, why
    from workbench.cli.courses import order_of

    order = order_of(lesson, edition, figures=folder, into=folder, formats=wanted)
    return why(order), lambda told: list(execute_order(order, True, told).figures)


def _of_study(study: Study, folder: Path, wanted: tuple[str, ...]) -> tuple[list[str], Make]:
    from workbench.batch.figures import draw_study, why_study

    return why_study(study, folder, wanted), lambda told: draw_study(study, folder, wanted, told)


def _notebook(target: str) -> Path | None:
    """The notebook a target means: a file, or a lesson of the course by name; None for a study."""
    from workbench.course import courses, load_course

    if target.endswith(".ipynb"):
        if not Path(target).is_file():
            raise NotebookError(tr("There is no notebook {path}.", path=target))
        return Path(target)
    for name in courses():
        for lesson in load_course(name).lesson:
            if lesson.name == target and target not in _studies():
                return lesson.path
    return None


def _studies() -> tuple[str, ...]:
    from workbench.studies import STUDIES

    return tuple(STUDIES)


def _study(target: str, values: dict[str, Any]) -> Study:
    from workbench.studies import load_study

    cls = load_study(target)
    return cls.from_border(say.typed(cls().knobs(), values))


def _yaml(path: Path) -> dict[str, Any]:
    import yaml  # papermill brings it

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotebookError(tr("{path} cannot be read: {what}.", path=path, what=error.strerror)) from None
    except yaml.YAMLError as error:
        raise NotebookError(tr("{path} is not YAML: {what}.", path=path, what=error)) from None
    if not isinstance(content, dict):
        raise NotebookError(tr("{path} holds no parameters: write lines such as `g: 4.5`.", path=path))
    return content
