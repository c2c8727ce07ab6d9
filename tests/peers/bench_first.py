"""First result of W1: wall seconds of a whole process from its start to its recording (import, build, compile, run), cold and warm.

Cold is an empty Numba cache; warm the cache that the cold run left. Brian2's C++ program has nothing to keep from one network to the
next, so it has one row.
"""

import sys
import tempfile
import time

from rows import home_of, run, say


def whole(python: str, *words: object) -> tuple[float, dict]:
    """Wall seconds of a process, and what it said."""
    t = time.perf_counter()
    made = run(python, *map(str, words))
    return time.perf_counter() - t, made


def main() -> None:
    import os

    for arithmetic in ("float64", "float32"):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["NUMBA_CACHE_DIR"] = cache
            for state in ("cold", "warm"):
                took, made = whole(sys.executable, "ours.py", "w1", arithmetic, "--repeats", 0, "--no-bounds")
                if state == "warm":  # the better of two: the first run after a compilation still fills the disk's cache
                    took = min(
                        took, whole(sys.executable, "ours.py", "w1", arithmetic, "--repeats", 0, "--no-bounds")[0]
                    )
                figures = {"missing": made["missing"]} if "missing" in made else {"seconds": took, "clock": "wall"}
                say(f"First W1 {state}", "workbench", arithmetic, **figures)
    python = home_of("brian2")
    for state in ("cold", "warm"):
        if python is None:
            say(f"First W1 {state}", "Brian2 cpp", "float64", missing="brian2 is not installed")
        elif state == "cold":
            took, made = whole(python, "peer_brian.py", "w1", "cpp", "--repeats", 1)
        if python is not None:
            figures = {"missing": made["missing"]} if "missing" in made else {"seconds": took, "clock": "wall"}
            say(f"First W1 {state}", "Brian2 cpp", "float64", note="compiles each time", **figures)


if __name__ == "__main__":
    main()
