"""`workbench warm`: compile and cache now what the first lesson would otherwise wait for."""

from __future__ import annotations

import time
from typing import Any

import click

from workbench.cli import say
from workbench.words import tr

__all__ = ["warm"]


@click.command(
    help=tr("Fill the caches: run every study once, small, on every chip it takes, and draw one picture of each."),
    epilog=say.example("workbench warm"),
)
def warm() -> None:
    from workbench.chips import CHIPS
    from workbench.errors import PlacementError, UnsupportedError
    from workbench.studies import STUDIES

    for name, cls in STUDIES.items():
        study = cls().quick()
        knobs = study.knobs()
        # Chips that differ in numbers alone run the same compiled code: one of each kind and arithmetic will do.
        apart = {(c.kind, getattr(c, "arithmetic", "")): n for n, c in reversed(list(CHIPS.items()))}
        taken = knobs["chip"].options if "chip" in knobs else ()
        for chip in [c for c in reversed(list(apart.values())) if c in taken] if taken else ("",):
            started = time.perf_counter()
            try:
                _once(study.changed({"chip": chip}) if chip else study)
            except (PlacementError, UnsupportedError):
                continue  # this chip does not take this study, so nothing of it can be warmed
            click.echo(f"  {name} {chip}  {time.perf_counter() - started:.1f} s")


def _once(study: Any) -> None:
    from workbench.backends.event import tiers

    with tiers.held(tiers.COMPILED):  # a short run alone would not be worth compiling
        result = study.run()
    for picture in result.figures().values():
        picture.png()
