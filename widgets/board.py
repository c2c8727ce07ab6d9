"""The board puts a session on the screen, whatever the toolkit: one control panel, and a grid of marks, views by sides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import Any, Protocol

from widgets import knobs, summary
from widgets.album import Drawn
from widgets.session import Session
from workbench import words

__all__ = ["Board", "Toolkit"]

_boards = count(1)


class Toolkit(Protocol):
    """What a board needs of ipywidgets or Panel: to make things, to set their traits at once, and to hear a wish or a painted cell."""

    def controls(self) -> Any: ...

    def mark(self, kind: str, **traits: Any) -> Any: ...

    def html(self, text: str) -> Any: ...

    def put(self, thing: Any, **traits: Any) -> None: ...

    def put_html(self, thing: Any, text: str) -> None: ...

    def on_asked(self, controls: Any, callback: Callable[[Mapping[str, Any]], None]) -> None: ...

    def on_picked(self, mark: Any, callback: Callable[[Mapping[str, Any]], None]) -> None: ...

    def arrange(self, cells: Sequence[Any], columns: int) -> None: ...

    def together(self) -> AbstractContextManager[None]:
        """Send all that is put inside as one message where the toolkit can."""
        ...


class Board:
    """One session on the screen. It listens to the session and sets traits; it hears wishes and hands them over."""

    def __init__(self, session: Session, toolkit: Toolkit) -> None:
        self.session = session
        self.toolkit = toolkit
        self.group = f"board-{next(_boards)}-{id(session):x}"
        self.controls = toolkit.controls()
        self.heads = {name: toolkit.html("") for name in session.sides}
        self.numbers = toolkit.html("")
        self.marks: dict[tuple[str, str, int, str], Any] = {}
        self._notes: dict[tuple[str, str, int], Any] = {}
        self._shape: Any = None
        self._face: dict[str, Any] = {}
        self._asked: Mapping[str, Any] = {}
        self._form = ""
        self._sent: dict[int, dict[str, Any]] = {}
        # Wishes come from the toolkit's thread and results from the working ones.
        self._lock = threading.RLock()
        toolkit.on_asked(self.controls, self.hear)
        session.watch(self.tell)
        self.refresh()

    def hear(self, asked: Mapping[str, Any]) -> None:
        """Do what a person asked for, and show what holds now."""
        if not asked:
            return
        self._asked = asked
        if asked.get("do") == "text":
            self._form = str(asked.get("form", "cell"))
        knobs.answer(self.session, asked)
        self._show_state()

    def paint(self, view: str, picked: Mapping[str, Any]) -> None:
        """Hand the cells of a stroke over to the session, and show what holds now."""
        if picked:
            self.session.paint(view, [(int(row), int(column)) for row, column in picked.get("cells", ())])
            self._show_state()

    def tell(self, what: str) -> None:
        """Show what changed in the session."""
        with self._lock, words.speaking(self.session.language):
            if what.startswith("side:"):
                self._show_side(what.removeprefix("side:"))
                return
        with self._lock, words.speaking(self.session.language), self.toolkit.together():
            if what == "pinned":
                self._show_marks()
                self._show_numbers()
            if what in ("settings", "message", "pinned"):
                self._show_state()

    def refresh(self) -> None:
        """Show everything anew, as after a change of language."""
        with self._lock, words.speaking(self.session.language), self.toolkit.together():
            self._show_state()
            self._show_marks()
            for name in self.session.sides:
                self._show_head(name)
            for (name, view, n), note in self._notes.items():
                self._put_html(note, summary.missing(self.session, name, view) if n == 0 else "")
            self._show_numbers()

    def _show_state(self) -> None:
        face = knobs.face(self.session)
        traits: dict[str, Any] = {"state": knobs.state(self.session, n=int(self._asked.get("n", 0)), form=self._form)}
        if face != self._face:
            self._face = face
            traits["face"] = face
        self._put(self.controls, **traits)

    def _show_side(self, name: str) -> None:
        # The pictures go first, in a message of their own; what is said about them may follow.
        with self.toolkit.together():
            self._show_marks(only=name)
        with self.toolkit.together():
            self._show_head(name)
            self._put(self.controls, going=knobs.going(self.session))
            side = self.session.sides[name]
            if not side.waiting or (side.result is not None and side.result.part < 1):
                self._show_numbers()

    def _show_head(self, name: str) -> None:
        self._put_html(self.heads[name], summary.head(self.session, name))

    def _show_numbers(self) -> None:
        self._put_html(self.numbers, summary.numbers(self.session))

    def _put(self, thing: Any, **traits: Any) -> None:
        """Send only what differs from what was sent last: progress ticks often, pictures seldom."""
        sent = self._sent.setdefault(id(thing), {})
        fresh = {name: value for name, value in traits.items() if name not in sent or sent[name] != value}
        if fresh:
            sent.update(fresh)
            self.toolkit.put(thing, **fresh)

    def _put_html(self, thing: Any, text: str) -> None:
        sent = self._sent.setdefault(id(thing), {})
        if sent.get("html") != text:
            sent["html"] = text
            self.toolkit.put_html(thing, text)

    # --- marks --------------------------------------------------------------------------------------------------------

    def _show_marks(self, only: str | None = None) -> None:
        sides = self.session.sides
        shape = {
            name: tuple((view, tuple(d.kind for d in panels)) for view, panels in side.pictures.items())
            for name, side in sides.items()
        }
        if shape != self._shape:
            self._shape = shape
            self._arrange()
            only = None
        pinned = self.session.pinned
        for (name, view, n, kind), mark in list(self.marks.items()):
            if only is not None and name != only:
                continue
            side = sides[name]
            drawn = _panel(side.pictures.get(view), n, kind)
            before = _panel(pinned.pictures.get(name, {}).get(view), n, kind) if pinned else None
            traits: dict[str, Any] = {"stale": side.stale, "badge": summary.badge(self.session, name)}
            if drawn is not None:
                traits["picture"] = drawn.picture
            traits["pinned"] = before.picture if before else b""
            self._put(mark, **traits)

    def _arrange(self) -> None:
        """Lay out the grid anew: a row for each panel of each view, a column for each side."""
        sides = self.session.sides
        views = list(dict.fromkeys(view for side in sides.values() for view in side.pictures))
        cells: list[Any] = [self.heads[name] for name in sides]
        used: set[tuple[str, str, int, str]] = set()
        plays = ""  # the one mark with a play button: the first over time
        for view in views:
            # A side that has nothing yet takes its shape from the one that has.
            model = next(side.pictures[view] for side in sides.values() if view in side.pictures)
            rows = max(len(side.pictures.get(view, model)) for side in sides.values())
            for n in range(rows):
                for name, side in sides.items():
                    panels = side.pictures.get(view, () if side.pictures else model)
                    if n >= len(panels):
                        cells.append(self._note(name, view, n))
                        continue
                    key = (name, view, n, panels[n].kind)
                    used.add(key)
                    if key not in self.marks:
                        self.marks[key] = self._mark(view, panels[n].kind, paints=n == 0)
                    if panels[n].timed and not plays:
                        plays = view
                        self._put(self.marks[key], play=True)
                    cells.append(self.marks[key])
        for key in [k for k in self.marks if k not in used]:
            self._sent.pop(id(self.marks.pop(key)), None)
        self.toolkit.arrange(cells, len(sides))

    def _mark(self, view: str, kind: str, *, paints: bool) -> Any:
        """A mark for one panel; the cells of an image can be painted where the study says so."""
        if not (paints and kind == "image" and view in self.session.study.paints):
            return self.toolkit.mark(kind, group=self.group, play=False)
        made = self.toolkit.mark(kind, group=self.group, play=False, paints=True)
        self.toolkit.on_picked(made, lambda picked: self.paint(view, picked))
        return made

    def _note(self, name: str, view: str, n: int) -> Any:
        """What stands where a side has no picture: a sentence in the first row of the view, nothing below it."""
        if (name, view, n) not in self._notes:
            self._notes[name, view, n] = self.toolkit.html(summary.missing(self.session, name, view) if n == 0 else "")
        return self._notes[name, view, n]


def _panel(panels: tuple[Drawn, ...] | None, n: int, kind: str) -> Drawn | None:
    if panels is None or n >= len(panels) or panels[n].kind != kind:
        return None
    return panels[n]
