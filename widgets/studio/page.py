"""One page of the Studio: the study, the language, and the board of its session."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import panel as pn

from widgets.board import Board
from widgets.session import Session
from widgets.studio.parts import Controls, Mark
from workbench import words
from workbench.errors import WorkbenchError
from workbench.studies import STUDIES, load_study
from workbench.words import tr

__all__ = ["Page"]

_STYLE = """
:host { --wide: 100%; } h1 { font-size: 19px; margin: 4px 0; } table { font-size: 13px; }
"""
_LANGUAGES = {"en": "English", "zh-CN": "简体中文"}


class Page:
    """What one visitor sees; the address may name it: `?study=worm&lang=zh-CN&token=…`."""

    def __init__(self, study: str = "", chips: Sequence[str] | None = None) -> None:
        asked = {k: v[0].decode() for k, v in (pn.state.session_args or {}).items()}
        self._document = pn.state.curdoc
        self._session: Session | None = None
        self._chips = chips
        with contextlib.suppress(WorkbenchError):
            study = asked.get("study") or study
        self._language = next((known for known in words.languages() if known == asked.get("lang")), words.language())
        names = list(dict.fromkeys([*([study] if study else []), *STUDIES]))
        self._studies = pn.widgets.Select(options=names, value=names[0], width=230, margin=(2, 8))
        self._languages = pn.widgets.Select(
            options={_LANGUAGES.get(known, known): known for known in words.languages()},
            value=self._language,
            width=140,
            margin=(2, 8),
        )
        self._title = pn.pane.HTML("", margin=(0, 12), stylesheets=[_STYLE])
        self._body = pn.Column(sizing_mode="stretch_width")
        self.view = pn.Column(
            pn.Row(
                self._title,
                pn.layout.HSpacer(),
                self._studies,
                self._languages,
                sizing_mode="stretch_width",
                align="center",
            ),
            self._body,
            sizing_mode="stretch_width",
            margin=(4, 12),
        )
        self._studies.param.watch(lambda _: self.open(), "value")
        self._languages.param.watch(lambda change: self.speak(change.new), "value")
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(lambda _: self.close())
        self.open(asked.get("token", ""))

    def open(self, token: str = "") -> None:
        """Show the chosen study."""
        self.close()
        with words.speaking(self._language):
            self._label()
            try:
                session = Session(load_study(self._studies.value), chips=self._chips)
                session.language = self._language
                if token:
                    session.load(token)
                session.run_first()
            except WorkbenchError as refused:
                self._body.objects = [pn.pane.Alert(str(refused), alert_type="warning")]
                return
            self._session = session
            wall = pn.GridBox(ncols=max(1, len(session.sides)), sizing_mode="stretch_width")
            self._board = Board(session, _Panel(wall, self._document))
            left = pn.Column(self._board.controls, width=300, margin=(0, 16, 0, 0))
            right = pn.Column(wall, self._board.numbers, sizing_mode="stretch_width")
            self._body.objects = [pn.Row(left, right, sizing_mode="stretch_width")]

    def speak(self, language: str) -> None:
        """Show the same study in another language, at the settings of now."""
        self._language = language
        with words.speaking(language):
            self._label()
            if self._session is not None:
                self._session.speak(language)
                self._board.refresh()

    def close(self) -> None:
        """Stop what this page still runs."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _label(self) -> None:
        self._title.object = f"<h1>{tr('Neuromorphic Workbench')}</h1>"
        self._studies.name = tr("Study")
        self._languages.name = tr("Language")


class _Panel:
    """How a board makes and sets Panel components; what comes from a working thread waits for the page's own turn."""

    def __init__(self, wall: pn.GridBox, document: Any) -> None:
        self._wall = wall
        self._document = document
        self._thread = threading.get_ident()
        self._waiting: dict[int, list[Callable[[], Any]]] = {}

    def _soon(self, change: Callable[[], Any]) -> None:
        me = threading.get_ident()
        if me in self._waiting:
            self._waiting[me].append(change)
        elif self._document is None or me == self._thread:
            change()
        else:
            self._document.add_next_tick_callback(change)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """One turn of the page, and one message to the browser, for all that changes inside."""
        me = threading.get_ident()
        if me in self._waiting:
            yield
            return
        changes = self._waiting[me] = []
        try:
            yield
        finally:
            del self._waiting[me]
            if changes:
                self._soon(lambda: self._change_all(changes))

    def _change_all(self, changes: list[Callable[[], Any]]) -> None:
        with pn.io.hold(self._document) if self._document is not None else contextlib.nullcontext():
            for change in changes:
                change()

    def controls(self) -> Controls:
        return Controls(sizing_mode="stretch_width")

    def mark(self, kind: str, **traits: Any) -> Mark:
        return Mark.of(kind, **traits)

    def html(self, text: str) -> pn.pane.HTML:
        return pn.pane.HTML(text, sizing_mode="stretch_width", margin=(2, 6))

    def put(self, thing: Any, **traits: Any) -> None:
        changed = {name: value or None if isinstance(value, bytes) else value for name, value in traits.items()}
        self._soon(lambda: thing.param.update(**changed))

    def put_html(self, thing: Any, text: str) -> None:
        self._soon(lambda: setattr(thing, "object", text))

    def on_asked(self, controls: Any, callback: Callable[[Mapping[str, Any]], None]) -> None:
        controls.param.watch(lambda change: callback(change.new), "asked")

    def on_picked(self, mark: Any, callback: Callable[[Mapping[str, Any]], None]) -> None:
        mark.param.watch(lambda change: callback(change.new), "picked")

    def arrange(self, cells: Sequence[Any], columns: int) -> None:
        def lay() -> None:
            self._wall.ncols = columns
            self._wall.objects = list(cells)

        self._soon(lay)
