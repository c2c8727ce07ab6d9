"""First result of W1: wall seconds of a whole process from its start to its recording (import, build, compile, run), cold and warm.

Cold is an empty Numba cache; warm the cache that the cold run left. Brian2's C++ program has nothing to keep from one network to the
next, so it has one row. CPU seconds, compilers included, stand in the note: they say more on a machine that others use too.
"""

import os
import resource
import sys
import tempfile
import time
from typing import Any

from rows import home_of, run, say


def whole(python: str, *words: object) -> dict[str, Any]:
    """The figures of a process from its start to its end."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    t, c = time.perf_counter(), spent()
    made = run(python, *map(str, words))
    if "missing" in made:
        return {"missing": made["missing"]}
    return {"seconds": time.perf_counter() - t, "clock": "wall", "note": f"{spent() - c:.1f} CPU s"}


def best(*made: dict[str, Any]) -> dict[str, Any]:
    """The quickest of some runs."""
    return min(made, key=lambda figures: figures.get("seconds", float("inf")))


def main() -> None:
    for arithmetic in ("float64", "float32"):
        words = (sys.executable, "ours.py", "w1", arithmetic, "--repeats", 0, "--no-bounds")
        with tempfile.TemporaryDirectory() as cache:
            os.environ["NUMBA_CACHE_DIR"] = cache
            say("First W1 cold", "workbench", arithmetic, **whole(*words))
            say("First W1 warm", "workbench", arithmetic, **best(*(whole(*words) for _ in range(3))))
    python = home_of("brian2")
    made = {"missing": "brian2 is not installed"}
    if python is not None:
        made = whole(python, "peer_brian.py", "w1", "cpp", "--repeats", 1)
    for state in ("cold", "warm"):
        say(f"First W1 {state}", "Brian2 cpp", "float64", **made)


if __name__ == "__main__":
    main()
