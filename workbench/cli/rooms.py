"""`workbench studio` and `workbench lab`: the doors that open in a browser."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys

import click

from workbench.cli import say
from workbench.errors import WorkbenchError
from workbench.words import tr

__all__ = ["lab", "studio"]


@click.command(
    help=tr("Serve a study as a page in the browser, with the same sliders as the notebook."),
    epilog=say.example("workbench studio", "workbench studio my_file.py:MyStudy --port 5010"),
)
@click.argument("study", default="network-states")
@click.option("--port", type=int, default=5006, show_default=True, help=tr("The port to serve on; 0 for any free one."))
@click.option("--browser/--no-browser", "show", default=True, help=tr("Open a browser."))
@click.option("--allow-origin", multiple=True, metavar="HOST", help=tr("Also accept pages served under another name."))
def studio(study: str, port: int, show: bool, allow_origin: tuple[str, ...]) -> None:
    from workbench.studies import load_study

    load_study(study)  # a misspelt name must be said here, not on a blank page
    if importlib.util.find_spec("panel") is None:
        raise WorkbenchError(tr("The studio needs Panel: `pip install neuromorphic-workbench[studio]`."))
    # the room stands above this one, so it is looked up by name when the door is opened
    serve = importlib.import_module("widgets.studio").serve
    serve(study, port=port, open_browser=show, origins=tuple(allow_origin))


@click.command(
    help=tr("Open JupyterLab on the course's notebooks."),
    epilog=say.example("workbench lab", "workbench lab --no-browser --port 8890"),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def lab(options: tuple[str, ...]) -> int:
    from workbench.course import home

    if importlib.util.find_spec("jupyterlab") is None:
        raise WorkbenchError(tr("The lab needs JupyterLab: `pip install neuromorphic-workbench[lab]`."))
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    allowed = ["--allow-root"] if root and "--allow-root" not in options else []
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={home('notebooks')}", *allowed, *options]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0
