"""Two threads against one on W2 and W3, wall seconds; on the machine as it is, and with two busy loops beside."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rows import nest, ours


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that do nothing but keep a core busy."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def main() -> None:
    few = ("--no-bounds", "--repeats", 5)
    for workload, arithmetic in (("w2", "float32"), ("w3", "integer")):
        name = f"{workload.upper()} wall"
        for threads in (1, 2):
            ours(name, workload, arithmetic, *few, threads=threads, wall=True)
        nest(name, workload, "--threads", 2, threads=2, wall=True)
        with busy(2):
            for threads in (1, 2):
                ours(f"{name}, overloaded", workload, arithmetic, *few, threads=threads, wall=True)


if __name__ == "__main__":
    main()
