"""Sliders for any study, in a notebook: `explore(NetworkStates())`."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw

from widgets import summary
from widgets.board import Board
from widgets.jupyter import Controls, Mark
from widgets.session import Session
from workbench import words

if TYPE_CHECKING:
    from workbench.figures.picture import Picture
    from workbench.studies.study import Result, Study

__all__ = ["Explorer", "explore"]


def explore(study: Study | type[Study] | str, *, chips: Sequence[str] | None = None) -> Explorer:
    """Sliders beside the pictures of a study, which follow them: Brian2's reference and the event-driven chip side by side.

    Parameters
    ----------
    study
        A study, its class, its name ("network-states"), or "my_file.py:MyStudy".
    chips
        The columns to show, by chip name; left out: the reference, and the chip chosen in the controls.
    """
    return Explorer(Session(study, chips=chips))


class Explorer(ipw.HBox):
    """The explorer of one study: an ipywidgets layout that also shows a static picture and a text where no kernel runs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._wall = ipw.GridBox(layout=ipw.Layout(grid_gap="4px 10px", width="100%"))
        session.run_first()
        self.board = Board(session, _Ipywidgets(self._wall))
        left = ipw.Box(
            [self.board.controls],
            layout=ipw.Layout(flex="0 0 290px", min_width="250px", max_width="330px", margin="0 14px 0 0"),
        )
        right = ipw.VBox([self._wall, self.board.numbers], layout=ipw.Layout(flex="1 1 420px", min_width="0"))
        super().__init__([left, right], layout=ipw.Layout(flex_flow="row wrap", width="100%", align_items="flex-start"))

    @property
    def study(self) -> Study:
        """The study at the settings of now, to go on with in code."""
        return self.session.study

    @property
    def result(self) -> Result | None:
        """The newest result of the chip's side, or of the only side."""
        return list(self.session.sides.values())[-1].result

    @property
    def reference(self) -> Result | None:
        """The newest result of Brian2's side; None while it is computed for the first time."""
        side = self.session.sides.get("ideal")
        return side.result if side else None

    def wait(self, timeout: float = 60.0) -> Explorer:
        """Wait until the worker's side, too, shows the settings of now; for notebooks that are run as a whole."""
        self.session.settle(timeout)
        return self

    def close(self) -> None:
        """Stop what runs, and close the widgets."""
        self.session.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        made = super()._repr_mimebundle_(**kwargs)
        data, more = made if isinstance(made, tuple) else (made, {})
        with words.speaking(self.session.language):
            bundle: dict[str, Any] = {**(data or {}), "text/plain": summary.text(self.session)}
            picture = self._picture()
            if picture is not None:
                bundle["image/png"] = base64.b64encode(picture.png()).decode("ascii")
        return bundle, more

    def _picture(self) -> Picture | None:
        """All pictures of one side below each other; the reader of a page without a kernel sees this."""
        from workbench import figures  # noqa: PLC0415

        for side in reversed(self.session.sides.values()):
            if side.result is not None:
                album = side.result.figures()
                pictures = {view: album[view] for view in side.pictures}
                only = next(iter(pictures.values()), None)
                return figures.stack(pictures, title=self.session.study.title) if len(pictures) > 1 else only
        return None


class _Ipywidgets:
    """How a board makes and sets ipywidgets."""

    def __init__(self, wall: ipw.GridBox) -> None:
        self._wall = wall
        self._lock = threading.RLock()

    def controls(self) -> Controls:
        return Controls(layout=ipw.Layout(width="100%"))

    def mark(self, kind: str, **traits: Any) -> Mark:
        return Mark.of(kind, **traits)

    def html(self, text: str) -> ipw.HTML:
        return ipw.HTML(text, layout=ipw.Layout(min_width="0"))

    def put(self, thing: Any, **traits: Any) -> None:
        with self._lock, thing.hold_sync():
            for name, value in traits.items():
                setattr(thing, name, value)

    def put_html(self, thing: Any, text: str) -> None:
        thing.value = text

    def on_asked(self, controls: Any, callback: Callable[[Mapping[str, Any]], None]) -> None:
        controls.observe(lambda change: callback(change["new"]), "asked")

    def on_picked(self, mark: Any, callback: Callable[[Mapping[str, Any]], None]) -> None:
        mark.observe(lambda change: callback(change["new"]), "picked")

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()  # each widget is its own message here

    def arrange(self, cells: Sequence[Any], columns: int) -> None:
        self._wall.layout.grid_template_columns = f"repeat({columns}, minmax(0, 1fr))"
        self._wall.children = tuple(cells)
