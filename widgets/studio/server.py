"""The Studio's server: a Panel application whose scripts and styles come from this machine."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Any

import panel as pn

from widgets.studio.page import Page
from workbench.errors import WorkbenchError
from workbench.studies import load_study
from workbench.words import tr

__all__ = ["run"]


def run(
    study: str, *, chips: Sequence[str] | None, port: int, open_browser: bool, address: str, origins: tuple[str, ...]
) -> None:
    """See `widgets.studio.serve`."""
    if study:
        load_study(study)  # a misspelt name is better refused here than on the page
    pn.extension()

    def page() -> pn.viewable.Viewable:
        return Page(study, chips).view

    try:
        server: Any = pn.serve(
            {"studio": page},
            port=port,
            address=address,
            show=False,
            start=False,
            title=tr("Neuromorphic Workbench"),
            websocket_origin=[*_own(address, port), *origins],
            index="studio",
        )
    except OSError as taken:
        if taken.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise WorkbenchError(
            tr("Port {port} is taken: choose another with --port, or 0 for a free one.", port=port)
        ) from None
    where = f"http://{'localhost' if address in ('127.0.0.1', 'localhost', '') else address}:{server.port}/studio"
    print(tr("The Studio is at {where} (Ctrl-C ends it).", where=where), flush=True)
    if open_browser:
        server.io_loop.add_callback(server.show, "/studio")
    server.start()
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        server.stop()


def _own(address: str, port: int) -> list[str]:
    """The names under which this machine itself may ask; with a port still to be found, any local one."""
    return [f"{name}:{port or '*'}" for name in dict.fromkeys(("localhost", "127.0.0.1", address)) if name]
