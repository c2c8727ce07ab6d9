"""Only the newest wish is worked on; nothing queues up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Newest"]

T = TypeVar("T")


class Newest(Generic[T]):
    """A worker thread with room for one wish: a newer one takes the place of one that still waits.

    `work(wish, overtaken)` does it; it may ask `overtaken()` whether a newer wish waits, and stop early. The thread begins
    with the first wish and ends when none is left, so an idle explorer holds none.
    """

    def __init__(self, work: Callable[[T, Callable[[], bool]], None], *, patience: float = 0.0) -> None:
        self._work = work
        self._patience = patience
        self._lock = threading.Condition()
        self._waiting: list[T] = []
        self._busy = False

    def put(self, wish: T) -> None:
        """Work on `wish` next, in place of whatever waits."""
        with self._lock:
            self._waiting = [wish]
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._serve, daemon=True, name="workbench explorer").start()
            self._lock.notify_all()

    def drop(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting = []

    def overtaken(self) -> bool:
        """Whether a newer wish waits."""
        return bool(self._waiting)

    def idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do; False when that takes longer than `timeout`."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._busy, timeout)

    def _serve(self) -> None:
        while True:
            if self._patience:
                self._settle()
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    self._lock.notify_all()
                    return
                wish = self._waiting.pop()
            self._work(wish, self.overtaken)

    def _settle(self) -> None:
        """Wait until no newer wish has come for `patience` seconds: a slider still moves."""
        with self._lock:
            end = time.monotonic() + self._patience
            while self._waiting and (left := end - time.monotonic()) > 0:
                if self._lock.wait(left):
                    end = time.monotonic() + self._patience
