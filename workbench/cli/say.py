"""What several commands say in the same way: examples, tables, progress."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from workbench.course.check import columns
from workbench.errors import DescriptionError
from workbench.fields import Knob
from workbench.jobs import Job, Pool
from workbench.words import tr

__all__ = ["away", "example", "formats", "progress", "table", "typed", "watch"]


T = TypeVar("T")


def example(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\n" + "\n".join([tr("Example:"), *(f"  {line}" for line in lines)])


def formats(text: str) -> tuple[str, ...]:
    """ "svg,pdf" as endings; raises DescriptionError for one we cannot write."""
    from workbench.errors import unknown

    known = ("png", "svg", "pdf")
    wanted = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    for word in wanted:
        if word not in known:
            raise unknown(tr("picture format"), word, known)
    return wanted


def table(rows: Iterable[tuple[str, ...]], *titles: str) -> None:
    """Print rows under titles in aligned columns."""
    lines = columns([tuple(titles), *rows])
    if sys.stdout.isatty():
        # the last column is the one that can be cut
        wide = shutil.get_terminal_size().columns
        lines = [line if len(line) <= wide else line[: wide - 1] + "…" for line in lines]
    click.echo(click.style(lines[0], bold=True))
    for line in lines[1:]:
        click.echo(line)


def typed(knobs: Mapping[str, Knob], values: Mapping[str, Any]) -> dict[str, Any]:
    """Words of a command line as values of knobs; names that are no knob pass, for the study to refuse."""
    return {name: _typed(knobs[name], v) if name in knobs and isinstance(v, str) else v for name, v in values.items()}


def _typed(knob: Knob, text: str) -> Any:
    if knob.kind in ("choice", "name", "text"):
        return text
    if knob.kind == "flag" and text.lower() in ("true", "false", "yes", "no", "on", "off"):
        return text.lower() in ("true", "yes", "on")
    try:
        number = float(text)
    except ValueError:
        raise DescriptionError(tr("{name} wants a number, not '{text}'.", name=knob.name, text=text)) from None
    return int(number) if knob.kind == "int" and number.is_integer() else number


@contextmanager
def progress(name: str) -> Iterator[Callable[[float, str], None]]:
    """A living line for one run in a terminal; elsewhere silence until it is over."""
    living = sys.stderr.isatty()
    width = 0

    def told(fraction: float, text: str = "") -> None:
        nonlocal width
        if living:
            line = f"  {name} {fraction:4.0%}  {text}"[:110]
            click.echo("\r" + line.ljust(width), nl=False, err=True)
            width = len(line)

    try:
        yield told
    finally:
        if living and width:
            click.echo("\r" + " " * width + "\r", nl=False, err=True)


def away(name: str, function: Callable[..., T], *arguments: Any) -> T:
    """Run `function(*arguments, progress)` in a process of its own, where Ctrl-C ends it without a word."""
    with Pool(1) as pool:
        job = pool.submit(function, *arguments)
        watch({name: job})
        return job.result()


QUIET = 15.0
"""Seconds between two lines about a running job, where there is no living line."""


def watch(jobs: Mapping[str, Job[Any]], *, said: Mapping[str, str] | None = None) -> None:
    """Wait for named jobs: one living line in a terminal, a line at each end elsewhere."""
    living = sys.stderr.isatty()
    started = {name: time.perf_counter() for name in jobs}
    pending = dict(jobs)
    spoken = dict(started)
    width = 0
    while pending:
        for name, job in list(pending.items()):
            if job.done():
                del pending[name]
                if living:
                    click.echo("\r" + " " * width + "\r", nl=False, err=True)
                error = job.error
                end = tr("done") if error is None else tr("FAILED")
                click.echo(f"  {name}  {end}, {time.perf_counter() - started[name]:.1f} s", err=True)
        if living and pending:
            parts = [f"{name} {job.progress[0]:4.0%}" for name, job in pending.items() if job.progress[1]]
            line = ("  " + "   ".join(parts))[:110]
            click.echo("\r" + line.ljust(width), nl=False, err=True)
            width = len(line)
        for name, job in pending.items():
            if not living and time.perf_counter() - spoken[name] > QUIET:
                spoken[name] = time.perf_counter()
                click.echo(f"  {name}  {job.progress[0]:.0%}  {job.progress[1]}", err=True)
        time.sleep(0.05 if pending else 0)
