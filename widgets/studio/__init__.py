"""The Studio: one page, without a notebook, that shows any study with the same controls and the same marks.

workbench studio                     serves it here and opens the browser
serve("network-states", port=5007, open_browser=False)
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["serve"]


def serve(
    study: str = "",
    *,
    chips: Sequence[str] | None = None,
    port: int = 5006,
    open_browser: bool = True,
    address: str = "127.0.0.1",
    origins: Sequence[str] = (),
) -> None:
    """Serve the Studio until Ctrl-C; no request leaves this machine.

    Parameters
    ----------
    study
        The study shown first: a name of `workbench studies`, or "my_file.py:MyStudy"; left out: the first of ours.
    chips
        The columns to show, by chip name; left out: the reference, and the chip chosen in the controls.
    port
        Where to listen; 0 takes a free one.
    open_browser
        Whether to open a browser window.
    address
        The network address to listen on; the plain one lets only this machine in.
    origins
        Other host names under which a proxy shows the page; "*" for any.
    """
    from widgets.studio.server import run  # noqa: PLC0415  Panel takes a second to import

    run(study, chips=chips, port=port, open_browser=open_browser, address=address, origins=tuple(origins))
