"""Rows of a benchmark: runs our side or a peer in a process of its own and prints what came back as one JSON object a line.

A row has `benchmark`, `engine`, `arithmetic`, `threads` and `seconds` (CPU seconds of all threads per second of model time, unless
`clock` says "wall"), and what else was measured: `events_per_s`, `updates_per_s`, `bound_share`, `delivery_share`, `rate_hz`,
`build_s`, `first_s`, `rss_mb`, `note`. With `compare` = "events" it is compared by events per second. A row with `missing` says why
there is no figure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LIMIT = 900.0
"""Seconds after which a process is given up."""

WORK = {
    "W1": (4000, 80, 10_000),
    "W1C": (4000, 80, 10_000),
    "W2": (20_000, 1000, 10_000),
    "W2H": (20_000, 1000, 10_000),
    "W3": (100_000, 100, 1000),
}
"""Neurons, synapses of each, and steps a second: what a simulator that does not count its events has done at its rate."""


def say(benchmark: str, engine: str, arithmetic: str, **figures: Any) -> None:
    """Print a row."""
    row = {"benchmark": benchmark, "engine": engine, "arithmetic": arithmetic, "threads": 1} | figures
    print(json.dumps(row), flush=True)


def interpreters() -> list[str]:
    """Where peers may be installed: the interpreters that WORKBENCH_PEERS lists, then this one."""
    listed = os.environ.get("WORKBENCH_PEERS", "").split(os.pathsep)
    return [*filter(None, listed), sys.executable]


@cache
def home_of(module: str) -> str | None:
    """The first interpreter that has the module, without importing it."""
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    for python in interpreters():
        try:
            if subprocess.run([python, "-c", look], capture_output=True, check=False).returncode == 0:
                return python
        except OSError:
            continue
    return None


def environment(threads: int) -> dict[str, str]:
    """The variables of a process that may use so many threads."""
    many = str(threads)
    return dict(os.environ) | {
        "NUMBA_NUM_THREADS": many,
        "OMP_NUM_THREADS": many,
        "OPENBLAS_NUM_THREADS": many,
        "MKL_NUM_THREADS": many,
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'false' if threads == 1 else 'true'}",
        "PYTHONWARNINGS": "ignore",
    }


def run(python: str, script: str, *words: object, threads: int = 1, limit: float = LIMIT) -> dict[str, Any]:
    """The last JSON object that a script printed; one with `missing` when it failed."""
    command = [python, str(HERE / script), *map(str, words)]
    with tempfile.TemporaryDirectory() as place:  # peers leave files where they are started
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=limit, env=environment(threads), cwd=place
            )
        except subprocess.TimeoutExpired:
            return {"missing": f"not done after {limit:.0f} s"}
    found = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 0 and found:
        return json.loads(found[-1])
    return {"missing": (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]}


def put(benchmark: str, engine: str, arithmetic: str, threads: int, made: dict[str, Any], **more: Any) -> bool:
    """Print what a process measured as a row; `wall=True` among `more` takes its wall time. Returns whether it measured."""
    wall = more.pop("wall", False)
    if "missing" in made:
        say(benchmark, engine, arithmetic, threads=threads, missing=made["missing"])
        return False
    made = dict(made)
    if benchmark in WORK and made.get("rate_hz") is not None:
        neurons, fan_out, steps = WORK[benchmark]
        made.setdefault("events_per_s", made["rate_hz"] * neurons * fan_out / made["cpu_s"])
        made.setdefault("updates_per_s", neurons * steps / made["cpu_s"])
    cpu, real = made.pop("cpu_s"), made.pop("wall_s")
    figures = {"seconds": real, "clock": "wall"} if wall else {"seconds": cpu, "wall_s": real}
    made.pop("arithmetic", None)
    say(benchmark, engine, arithmetic, threads=threads, **figures, **made, **more)
    return True


def ours(benchmark: str, workload: str, arithmetic: str, *words: object, threads: int = 1, **more: Any) -> bool:
    """Run our engine and print the row."""
    made = run(sys.executable, "ours.py", workload, arithmetic, *words, threads=threads)
    return put(benchmark, "workbench", arithmetic, threads, made, **more)


def peer(
    benchmark: str,
    engine: str,
    arithmetic: str,
    module: str,
    script: str,
    *words: object,
    threads: int = 1,
    **more: Any,
) -> bool:
    """Run another simulator, if an interpreter has `module`, and print the row."""
    python = home_of(module)
    if python is None:
        say(benchmark, engine, arithmetic, threads=threads, missing=f"{module} is not installed")
        return False
    limit = more.pop("limit", LIMIT)
    made = run(python, script, *words, threads=threads, limit=limit)
    return put(benchmark, engine, arithmetic, threads, made, **more)


def brian(benchmark: str, workload: str, *words: object, **more: Any) -> None:
    """Brian2's rows for a workload."""
    for target in ("cpp", "cython"):
        peer(benchmark, f"Brian2 {target}", "float64", "brian2", "peer_brian.py", workload, target, *words, **more)


def nest(benchmark: str, workload: str, *words: object, **more: Any) -> None:
    """NEST's row for a workload."""
    peer(benchmark, "NEST", "float64", "nest", "peer_nest.py", workload, *words, **more)
