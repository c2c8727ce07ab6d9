"""Numba leaves: arrays in, arrays out. Importing this room sets the thread and cache variables before Numba starts.

What NumPy does as well on small arrays is not compiled for them (each caller knows its bound), and an event program's first steps
are interpreted (`backends.event.tiers`): loading the compiler takes half a second, and compiling a run's kernel four.

Two OpenMP settings decide whether a second thread helps or ruins a run: a passive wait policy, so that a busy machine is not
spun to death, with a short spin first, so that a quiet one loses nothing. They must be set before Numba loads its threads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

KEPT = 3
"""States of the kernels whose compiled code is kept."""


def _settle() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    here, name = Path(__file__).parent, f"kernels-{_digest()}"
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        bases = [Path(given)] if Path(given).name != name else []  # a child of ours has it already
    else:
        # An installed, read-only package: Numba would give up with "no locator available" if home is not writable either.
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        bases = [
            *([here / "__pycache__"] if os.access(here, os.W_OK) else []),
            home / "neuromorphic-workbench" / "numba",
        ]
        bases.append(Path(tempfile.gettempdir()) / "neuromorphic-workbench-numba")
    for base in bases:
        try:
            (base / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        os.environ["NUMBA_CACHE_DIR"] = str(base / name)
        with suppress(OSError):  # another process may be tidying up as well
            for folder in sorted(base.glob("kernels-*"), key=lambda folder: folder.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(folder, ignore_errors=True)
        return


def _digest() -> str:
    """A name for these kernels as they are written.

    Numba looks at the file of a compiled function alone, and ours are put together from several: after a change in one of the others it
    would run what it compiled before. A folder for each state of the whole room cannot be stale.
    """
    made = hashlib.blake2b(digest_size=6)
    here = Path(__file__).parent
    for file in sorted(here.rglob("*.py")):
        made.update(str(file.relative_to(here)).encode() + file.read_bytes())
    return made.hexdigest()


_settle()

TINY = 1 << 14
"""Elements up to which NumPy is as fast as a compiled loop."""


def pays(elements: float, loading: int) -> bool:
    """Whether a compiled loop over so many elements pays: over more than `loading` if the compiler must be loaded for it."""
    return elements > (TINY if "numba" in sys.modules else loading)


def threads() -> int:
    """How many threads a kernel may use: NUMBA_NUM_THREADS, or every core; Numba need not be loaded for it."""
    if "numba" in sys.modules:
        from numba import get_num_threads  # noqa: PLC0415

        return get_num_threads()
    given = os.environ.get("NUMBA_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
