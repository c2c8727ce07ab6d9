"""What a person sees and may change, without any toolkit: a study, its settings, and the pictures on each side.

Controls ask (`ask`, `preset`, `reset`, `undo`, `pin`), marks are told (`watch`); neither knows the other. A changed setting makes a
new study. A fast chip runs it here, at once; Brian2 runs it in a worker process, and its picture arrives when ready.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from widgets import takeaway
from widgets.album import Drawn, drawn
from widgets.newest import Newest
from workbench import words
from workbench.errors import Cancelled, DescriptionError, WorkbenchError
from workbench.studies import painting
from workbench.studies.load import load_study
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.fields import Knob
    from workbench.studies.study import Result, Study

__all__ = ["Session", "Side"]

FAST_KINDS = ("event",)
"""Kinds of chip whose emulator answers while a slider moves; all others run in the worker."""

OVERTAKEN_AFTER = 0.25
"""Seconds after which a run in this process gives way to a newer setting; a shorter one is always finished and shown."""

BLINK = 0.2
"""Seconds for which an old picture may stand before it is shown as old."""

MOST_WORDS = 300
"""Characters shown of what a broken study says."""

TELLING = 0.4
"""Seconds after which a run says again how far it is, however little came of it."""

PATIENCE = 0.4
"""Seconds a slider must rest before the worker starts on its setting."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One column of pictures: what made them, how fresh they are, and what happened instead."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Border values this side puts over the person's, as {"chip": "ideal"}."""
    here: bool = True
    """Whether it runs in this process while a slider moves, else in the worker."""
    follows: bool = False
    """Whether its chip is the one the person chooses."""
    stale: bool = False
    waiting: bool = False
    message: str = ""
    progress: tuple[float, str] = (0.0, "")
    begun: float = 0.0
    """When its run began, on the clock that only goes forward."""
    stopped: bool = False
    """Whether a person stopped its run; what had been run is shown if the study gives it (`Result.part` under 1)."""
    result: Result | None = None
    seconds: float = 0.0
    pictures: Mapping[str, tuple[Drawn, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pinned:
    """A result put aside to compare with: its settings, and each side's pictures and numbers."""

    values: Mapping[str, Any]
    pictures: Mapping[str, Mapping[str, tuple[Drawn, ...]]]
    numbers: Mapping[str, Mapping[str, float]]


class Session:
    """The view model of an explorer; every method may be called from the toolkit's thread.

    `watch(callback)` is called with what changed: "settings", "message", "pinned", or "side:<name>"; from the working
    threads too, so a toolkit that cares wraps its callback.
    """

    def __init__(
        self,
        study: Study | type[Study] | str,
        *,
        chips: Sequence[str] | None = None,
        submit: Callable[[Study], Any] | None = None,
    ) -> None:
        study = load_study(study) if isinstance(study, str) else study
        self._fixed_chips = chips is not None
        self.study: Study = self._on_a_chip(study() if isinstance(study, type) else study)
        self.first = self.study
        self.language = words.language()
        self.message = ""
        self.pinned: Pinned | None = None
        self.sides: dict[str, Side] = {side.name: side for side in _sides(self.study, chips)}
        self._submit = submit or _submit
        self._past: list[Study] = []
        self._future: list[Study] = []
        self._last_move: tuple[tuple[str, ...], float] = ((), 0.0)
        self._watchers: list[Callable[[str], None]] = []
        self._lock = threading.RLock()
        self._here: Newest[Study] = Newest(self._run_here)
        self._there: Newest[Study] = Newest(self._run_there, patience=PATIENCE)
        self._job: Any = None
        self._stopped = threading.Event()
        self._veil: threading.Timer | None = None

    # --- settings -----------------------------------------------------------------------------------------------------

    @property
    def values(self) -> dict[str, Any]:
        """Every knob in border units, as it is set now."""
        return self.study.to_border()

    @property
    def knobs(self) -> dict[str, Knob]:
        """The knobs a person may turn here; a chip that the sides fix is not among them."""
        found = self.study.knobs()
        fixed = {name for side in self.sides.values() for name in side.settings if not side.follows} | set(
            self.study.live
        )
        follows = any(side.follows for side in self.sides.values())
        shown = {n: k for n, k in found.items() if n not in fixed or (n == "chip" and follows)}
        if "chip" in shown and "ideal" in self.sides:
            # The reference has its own side; choosing it for the other one would show it twice.
            shown["chip"] = replace(shown["chip"], options=tuple(o for o in shown["chip"].options if o != "ideal"))
        return shown

    def ask(self, changes: Mapping[str, Any]) -> bool:
        """Set some knobs; a setting the study refuses leaves everything as it was, and `message` says why."""
        with words.speaking(self.language):
            try:
                study = self.study.changed(changes)
            except WorkbenchError as refused:
                self._say(str(refused))
                return False
        now = time.monotonic()
        moved = tuple(sorted(changes))
        # One drag of one slider is one step back.
        if self._last_move[0] != moved or now - self._last_move[1] > 1.0:
            self._past.append(self.study)
            del self._past[:-100]
        self._last_move = (moved, now)
        self._future.clear()
        self._take(study)
        return True

    def paint(self, view: str, cells: Sequence[tuple[int, int]]) -> bool:
        """Draw a brush over cells (row, column) of a view that can be painted: its knob gets the new pattern."""
        knob = self.study.paints.get(view)
        if knob is None:
            return False
        return self.ask({knob: painting.stroke(str(self.values[knob]), cells)})

    def preset(self, name: str) -> bool:
        """Set the knobs a preset names; all others go back to where they began."""
        presets = self.study.presets
        if name not in presets:
            self._say(str(DescriptionError(tr("There is no preset '{name}'.", name=name))))
            return False
        with words.speaking(self.language):
            try:
                chip = {"chip": self.values["chip"]} if self._chip_is_open else {}
                study = self.first.changed({**chip, **presets[name]})
            except WorkbenchError as refused:
                self._say(str(refused))
                return False
        self._step(study)
        return True

    @property
    def current_preset(self) -> str:
        """The preset that all knobs agree with now, or an empty text."""
        values = self.values
        begin = self.first.to_border()
        for name, settings in self.study.presets.items():
            wanted = {**begin, **settings, **({"chip": values["chip"]} if self._chip_is_open else {})}
            if all(values.get(k) == v for k, v in wanted.items() if not k.startswith("chip.")):
                return name
        return ""

    def reset(self) -> None:
        """Back to the settings this explorer began with."""
        self._step(self.first)

    def undo(self) -> None:
        """One step back."""
        if self._past:
            self._future.append(self.study)
            self._last_move = ((), 0.0)
            self._take(self._past.pop())

    def redo(self) -> None:
        """One step forth again."""
        if self._future:
            self._past.append(self.study)
            self._last_move = ((), 0.0)
            self._take(self._future.pop())

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step forth."""
        return bool(self._future)

    def load(self, token: str) -> bool:
        """Take over the settings of a token that `text("token")` gave."""
        with words.speaking(self.language):
            try:
                study = takeaway.from_token(token, self.study)
            except WorkbenchError as refused:
                self._say(str(refused))
                return False
        self._step(study)
        return True

    def text(self, form: str) -> str:
        """The settings to take away: "cell", "yaml", "run", "sweep" or "token"."""
        with words.speaking(self.language):
            return takeaway.FORMS[form](self.study, self.first)

    def _step(self, study: Study) -> None:
        self._past.append(self.study)
        self._future.clear()
        self._last_move = ((), 0.0)
        self._take(study)

    def _on_a_chip(self, study: Study) -> Study:
        """The study on real hardware: the reference has a side of its own, so the other one shows the first chip there is."""
        chip = study.knobs().get("chip")
        if self._fixed_chips or chip is None or chip.kind != "name" or chip.default != "ideal":
            return study
        other = next((name for name in chip.options if name != "ideal"), None)
        return study.changed({"chip": other}) if other else study

    def _take(self, study: Study) -> None:
        self.study = self._on_a_chip(study)
        self.message = ""
        self.run()
        self._tell("settings")

    @property
    def _chip_is_open(self) -> bool:
        return any(side.follows for side in self.sides.values())

    # --- compare ------------------------------------------------------------------------------------------------------

    def pin(self) -> None:
        """Put the results of now aside; the marks draw them in grey behind what comes."""
        with self._lock:
            self.pinned = Pinned(
                values=self.values,
                pictures={name: side.pictures for name, side in self.sides.items()},
                numbers={name: dict(side.result.numbers) for name, side in self.sides.items() if side.result},
            )
        self._tell("pinned")

    def unpin(self) -> None:
        """Put the pinned results away."""
        self.pinned = None
        self._tell("pinned")

    # --- running ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the present settings on every side; only the newest settings are worked on."""
        self._stopped = threading.Event()  # one for each run: who is stopped stays stopped
        with self._lock:
            for name, side in self.sides.items():
                self.sides[name] = replace(
                    side, stale=True, waiting=True, stopped=False, progress=(0.0, ""), begun=time.monotonic()
                )
        # The run begins before anybody is told, because telling takes time. The worker begins when this process has nothing
        # more to do: on few cores it would take the fast side's time.
        (self._here if any(side.here for side in self.sides.values()) else self._there).put(self.study)
        for name, side in self.sides.items():
            if not side.here:
                self._tell(f"side:{name}")
        # A picture that is new within a blink need not turn grey first.
        if self._veil is None or not self._veil.is_alive():
            self._veil = threading.Timer(BLINK, self._show_stale)
            self._veil.daemon = True
            self._veil.start()

    def stop(self) -> None:
        """End what runs, within a second, and begin nothing that waits; what was run so far stays in sight, marked as part."""
        self._stopped.set()
        self._here.drop()
        self._there.drop()
        if self._job is not None:
            self._job.cancel()
        for name, side in list(self.sides.items()):
            if side.waiting:
                self._update(name, waiting=False, stopped=True)

    @property
    def going(self) -> dict[str, Any]:
        """How far the slowest run is: the part done, seconds since it began, seconds left (None at first); empty when nothing runs."""
        running = [side for side in self.sides.values() if side.waiting]
        if not running:
            return {}
        slowest = min(running, key=lambda side: side.progress[0])
        part, took = slowest.progress[0], time.monotonic() - slowest.begun
        return {"part": part, "took": took, "left": took * (1 - part) / part if part > 0.02 else None}

    def _show_stale(self) -> None:
        for name, side in list(self.sides.items()):
            if side.here and side.stale:
                self._tell(f"side:{name}")

    def run_first(self, *, timeout: float = 60.0) -> None:
        """Run the sides of this process now, so that a static picture can be shown; alone, the worker's side is waited for."""
        self.run()
        if any(side.here for side in self.sides.values()):
            self._here.idle(timeout)
        else:
            self._there.idle(timeout)

    def settle(self, timeout: float = 60.0) -> bool:
        """Wait until every side shows the present settings (or says why not)."""
        end = time.monotonic() + timeout
        return self._here.idle(timeout) and self._there.idle(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Stop what runs and forget what waits."""
        self._stopped.set()
        self._here.drop()
        self._there.drop()
        self._watchers.clear()
        if self._job is not None:
            self._job.cancel()

    def speak(self, language: str) -> None:
        """Draw the pictures there are in another language."""
        self.language = language
        with words.speaking(language):
            for name, side in list(self.sides.items()):
                if side.result is not None:
                    self._update(name, pictures={**side.pictures, **drawn(side.result, self.study.views)})
        self._tell("settings")

    def _run_here(self, study: Study, overtaken: Callable[[], bool]) -> None:
        stopped = self._stopped
        for name in [n for n, side in self.sides.items() if side.here]:
            begin = told = time.perf_counter()

            def progress(part: float, text: str = "", *, name: str = name, begin: float = begin) -> None:
                nonlocal told
                now = time.perf_counter()
                _heed(stopped)
                if now - begin > OVERTAKEN_AFTER:
                    if overtaken():
                        raise Cancelled(tr("A newer setting took over."))
                    if self.sides[name].progress[0] + 0.02 < part or now - told > TELLING:
                        told = now
                        self._update(name, progress=(part, text))

            with words.speaking(self.language):
                self._attempt(name, study, lambda asked, progress=progress: asked.stages(progress), stopped)
        if not (overtaken() or stopped.is_set()) and any(not side.here for side in self.sides.values()):
            self._there.put(study)

    def _run_there(self, study: Study, overtaken: Callable[[], bool]) -> None:
        stopped = self._stopped
        for name in [n for n, side in self.sides.items() if not side.here]:
            if study is not self.study or stopped.is_set():
                return

            def run(asked: Study, name: str = name) -> Iterator[Result]:
                return self._in_worker(name, asked, lambda: study is not self.study, stopped)

            with words.speaking(self.language):
                self._attempt(name, study, run, stopped)

    def _in_worker(
        self, name: str, study: Study, overtaken: Callable[[], bool], stopped: threading.Event
    ) -> Iterator[Result]:
        job = self._job = self._submit(study)
        said, shown = 0.0, None
        try:
            while not job.done():
                if stopped.is_set():
                    job.cancel()
                _heed(stopped)
                # A worker that still imports Brian2 would have to be killed, and the next one would begin to import again.
                if overtaken() and job.progress != (0.0, ""):
                    job.cancel()
                    raise Cancelled(tr("A newer setting took over."))
                if self.sides[name].progress != job.progress and time.monotonic() - said > 0.2:
                    said = time.monotonic()
                    self._update(name, progress=job.progress)
                if job.stage is not shown:
                    shown = job.stage
                    yield shown
                time.sleep(0.03)
            yield job.result()
        finally:
            self._job = None

    def _attempt(
        self, name: str, study: Study, run: Callable[[Study], Iterator[Result]], stopped: threading.Event
    ) -> None:
        """Run one side and show what comes, or say in a sentence why nothing does; the last good picture stays."""
        begin = time.perf_counter()
        try:
            for result in run(self.study_on(self.sides[name], study)):
                pictures = drawn(result, study.views)
                _heed(stopped)
                self._show(name, study, result, pictures, time.perf_counter() - begin)
        except Cancelled:
            return  # a newer setting is on its way, and the side stays stale until it comes; or a person stopped it
        except WorkbenchError as refused:
            self._update(name, waiting=study is not self.study, message=str(refused))
        except Exception as broken:  # noqa: BLE001  a study of one's own may raise anything; the explorer must live on
            said = str(broken)
            said = said if len(said) <= MOST_WORDS else said[:MOST_WORDS] + "…"
            text = tr("The study raised {kind}: {what}", kind=type(broken).__name__, what=said)
            self._update(name, waiting=study is not self.study, message=text)

    def _show(
        self, name: str, study: Study, result: Result, pictures: Mapping[str, tuple[Drawn, ...]], seconds: float
    ) -> None:
        """Show an answer, whole or so far; of one so far the pictures that it does not have stay what they were."""
        fresh = study is self.study
        if result.part < 1:
            if fresh:
                pictures = {**self.sides[name].pictures, **pictures}
                self._update(name, result=result, pictures=pictures, seconds=seconds, message="", stale=False)
            return
        now = {"stale": not fresh, "waiting": not fresh, "stopped": False}
        self._update(name, result=result, pictures=pictures, seconds=seconds, message="", **now)

    def study_on(self, side: Side, study: Study | None = None) -> Study:
        """The present study (or `study`) as one side runs it: the person's settings, with the side's own over them."""
        study = self.study if study is None else study
        settings = {**study.live, **({} if side.follows else side.settings)}
        return study.changed(settings) if settings else study

    # --- watching -----------------------------------------------------------------------------------------------------

    def watch(self, callback: Callable[[str], None]) -> None:
        """Call `callback(what)` after every change."""
        self._watchers.append(callback)

    def _update(self, name: str, **changes: Any) -> None:
        with self._lock:
            self.sides[name] = replace(self.sides[name], **changes)
        self._tell(f"side:{name}")

    def _say(self, text: str) -> None:
        self.message = text
        self._tell("message")

    def _tell(self, what: str) -> None:
        for callback in list(self._watchers):
            callback(what)


def _heed(stopped: threading.Event) -> None:
    if stopped.is_set():
        raise Cancelled(tr("The run was stopped."))


def _submit(study: Study) -> Any:
    from workbench import jobs  # noqa: PLC0415  the worker is only needed once something runs there

    return jobs.submit(study)


def _sides(study: Study, chips: Sequence[str] | None) -> list[Side]:
    """The columns of an explorer: Brian2's reference and the chosen chip, or exactly the chips asked for."""
    chip = study.knobs().get("chip")
    if chip is None or chip.kind != "name":
        if chips:
            raise DescriptionError(
                tr("This study has no knob 'chip', so it cannot be shown on {chips}.", chips=", ".join(chips))
            )
        # Who paints wants to see at once what comes of it, so a study that can be painted answers in this process.
        return [Side(name="", here=bool(study.paints))]
    from workbench.chips import CHIPS  # noqa: PLC0415

    if chips is not None:
        return [Side(name=c, settings={"chip": c}, here=CHIPS[c].kind in FAST_KINDS) for c in chips]
    chosen = Side(name="chip", here=True, follows=True)
    if "ideal" not in chip.options:  # a study of chips alone has no reference beside it
        return [chosen]
    return [Side(name="ideal", settings={"chip": "ideal"}, here=False), chosen]
