"""One command, `workbench`; each subcommand is imported when it is called for, so that `--help` is quick."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

import click

from workbench import words
from workbench.errors import Cancelled, WorkbenchError
from workbench.words import tr

__all__ = ["main"]

COMMANDS = {
    "run": "workbench.cli.runs:run",
    "figures": "workbench.cli.runs:figures",
    "sweep": "workbench.cli.sweeps:sweep",
    "studies": "workbench.cli.lists:studies",
    "circuits": "workbench.cli.lists:circuits",
    "chips": "workbench.cli.lists:chips",
    "course": "workbench.cli.courses:course",
    "studio": "workbench.cli.rooms:studio",
    "lab": "workbench.cli.rooms:lab",
    "warm": "workbench.cli.warm:warm",
    "doctor": "workbench.cli.doctor:command",
    "bench": "workbench.cli.bench:bench",
}


class Commands(click.Group):
    """The commands of a table from names to import paths."""

    def __init__(self, *arguments: object, table: dict[str, str], **keywords: object) -> None:
        super().__init__(*arguments, **keywords)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name].partition(":")
        return getattr(importlib.import_module(module), name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.table and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], self.table, n=1)
            hint = tr("Did you mean '{close}'?", close=close[0]) if close else tr("See `workbench --help`.")
            raise click.UsageError(tr("There is no command '{name}'. {hint}", name=args[0], hint=hint), ctx)
        return super().resolve_command(ctx, args)


def _make() -> Commands:
    """The command with its help in the language of the moment."""
    group = Commands(
        name="workbench",
        table=COMMANDS,
        help=tr("Learn, explore and do experiments on brain-inspired computing."),
        epilog=tr("Example: {line}", line="workbench run network-states -p g 4.5 --into out/x"),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        params=[
            click.Option(
                ["--lang"],
                metavar="LANGUAGE",
                expose_value=False,
                help=tr("Language of sentences and figures: {known} (or set WORKBENCH_LANG).",
                        known=", ".join(words.languages())),
            ),
            click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
                         help=tr("Say which version this is.")),
        ],
    )  # fmt: skip
    return group


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"workbench {version('neuromorphic-workbench')}")
        ctx.exit()


def _wanted_language(arguments: Sequence[str]) -> str | None:
    """The value of --lang; help is written while commands are made, so it is needed before click reads the line."""
    for k, word in enumerate(arguments):
        if word.startswith("--lang="):
            return word.partition("=")[2]
        if word == "--lang" and k + 1 < len(arguments):
            return arguments[k + 1]
    return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what we raise on purpose becomes one sentence and exit status 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        language = _wanted_language(given)
        if language is not None:
            words.use(language)
        status = _make().main(given, prog_name="workbench", standalone_mode=False)
    except click.exceptions.Abort:
        raise SystemExit(
            _say(tr("Interrupted; nothing half-written is left, and the same command goes on."), 130)
        ) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(2) from None
    except Cancelled as error:
        raise SystemExit(_say(str(error), 130)) from None
    except WorkbenchError as error:
        raise SystemExit(_say(str(error), 2)) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is None:
            raise
        reason = error.strerror or type(error).__name__
        raise SystemExit(
            _say(
                tr(
                    "{path} cannot be used: {reason}. Choose another place with --into.",
                    path=error.filename,
                    reason=reason,
                ),
                2,
            )
        ) from None
    raise SystemExit(status if isinstance(status, int) else 0)


def _say(sentence: str, status: int) -> int:
    click.echo(f"workbench: {sentence}", err=True)
    return status
