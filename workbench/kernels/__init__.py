"""Numba leaves: arrays in, arrays out. Importing this room sets the thread and cache variables before Numba starts.

Two OpenMP settings decide whether a second thread helps or ruins a run: a passive wait policy, so that a busy machine is not
spun to death, with a short spin first, so that a quiet one loses nothing. They must be set before Numba loads its threads.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def _settle() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    here = Path(__file__).parent
    if not os.access(here, os.W_OK):
        # An installed, read-only package: Numba would give up with "no locator available" if home is not writable either.
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "neuromorphic-workbench" / "numba"
        try:
            cache.mkdir(parents=True, exist_ok=True)
            os.environ["NUMBA_CACHE_DIR"] = str(cache)
        except OSError:
            os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / "neuromorphic-workbench-numba")


_settle()


def threads() -> int:
    """How many threads a kernel may use: NUMBA_NUM_THREADS, or every core."""
    from numba import get_num_threads  # noqa: PLC0415  Numba starts its threads with its first import

    return get_num_threads()
