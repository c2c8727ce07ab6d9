"""When a run is interpreted and when it is compiled: whichever gives the result sooner. The result itself is the same.

Compiling the kernel for a new shape of network takes seconds, in which NumPy steps a small one through most runs. So a run begins
interpreted, and goes on compiled once that pays: when the steps that are left would take longer than compiling, or when
interpreting this shape has taken as long already in this process, so that nobody waits more than about twice as long as they must.
A kernel compiled before, in this process or by another that left it on disk, is used at once or almost.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

__all__ = ["COMPILED", "INTERPRETED", "Choice", "held"]

COMPILED, INTERPRETED = "compiled", "interpreted"

COMPILING = 4.0
"""Seconds that compiling takes, about."""

LOADING, READING = 0.5, 0.1
"""Seconds that loading the compiler takes, and reading what it left on disk."""

STEP, PLACE = 50e-6, 25e-9
"""Seconds that an interpreted step takes, and each place in it: a guess until it is measured."""

PIECES = (8, 56, 448)
"""Interpreted steps between two looks at the clock: few at first, because one may take long."""

_held: list[str] = []
_compiled: set[str] = set()
_spent: dict[str, float] = {}


@contextmanager
def held(tier: str) -> Iterator[None]:
    """Run all event programs "compiled", or all "interpreted", for tests and benchmarks; a block inside another goes first."""
    _held.append(tier)
    try:
        yield
    finally:
        _held.pop()


@final
class Choice:
    """The choice for one run, whose kernel is compiled for the types of the arrays in `tables`."""

    def __init__(self, tables: tuple[Any, ...], places: int) -> None:
        types = [
            [
                (a.dtype.str, a.ndim) if hasattr(a, "dtype") else a if isinstance(a, tuple) else type(a).__name__
                for a in table
            ]
            for table in tables
        ]
        self._key = hashlib.blake2b(repr(types).encode(), digest_size=12).hexdigest()
        self._rate = STEP + PLACE * places
        self._calls = 0

    @property
    def ready(self) -> bool:
        """Whether the compiled kernels are loaded and for use."""
        return self._key in _compiled and not (_held and _held[-1] == INTERPRETED)

    def compiled(self, left: int) -> bool:
        """Whether the next of the `left` steps is to be compiled."""
        if _held:
            return _held[-1] == COMPILED
        return self._price() <= max(left * self._rate, _spent.get(self._key, 0.0))

    def _price(self) -> float:
        """Seconds until the compiled kernel is at hand."""
        if self._key in _compiled:
            return 0.0
        loading = 0.0 if "numba" in sys.modules else LOADING
        mark = self._mark()
        return loading + (READING if mark is not None and mark.exists() else COMPILING)

    def _mark(self) -> Path | None:
        """A file beside Numba's own, which says that the kernel for these types is there: its own can be read only by loading it."""
        folder = os.environ.get("NUMBA_CACHE_DIR")
        return None if folder is None else Path(folder) / f"advance-{self._key}"

    def remember(self) -> None:
        """The kernel is compiled now."""
        if self._key not in _compiled:
            _compiled.add(self._key)
            mark = self._mark()
            if mark is not None:
                with suppress(OSError):
                    mark.touch()

    def piece(self) -> int:
        """How many steps to interpret before asking again."""
        return PIECES[min(self._calls, len(PIECES) - 1)]

    def timed(self, call: Callable[[], tuple[int, int]], step: int) -> tuple[int, int]:
        """Interpret from `step` on, and remember how long it took."""
        begin = time.thread_time()
        reached, written = call()
        took = time.thread_time() - begin
        _spent[self._key] = _spent.get(self._key, 0.0) + took
        if self._calls:  # the first steps also prepare
            self._rate = took / max(1, reached - step)
        self._calls += 1
        return reached, written
