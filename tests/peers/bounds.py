"""The bounds of this machine, measured by the loops of `workbench.kernels.bound`: CPU-time rates of one core, best of five."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

STATE = {"float64": np.float64, "float32": np.float32, "integer": np.int32}
"""The type of a neuron's state in each arithmetic."""


def rate(work: float, call: Callable[[], Any], *, least: float = 0.03) -> float:
    """`work` per CPU second of `call`, the best of five rounds of at least `least` seconds."""
    call()
    t = time.process_time()
    call()
    rounds = max(1, round(least / max(time.process_time() - t, 1e-6)))
    best = 0.0
    for _ in range(5):
        t = time.process_time()
        for _ in range(rounds):
            call()
        best = max(best, work * rounds / (time.process_time() - t))
    return best


@cache
def random_add(places: int, state: str, *, weighted: bool = False, index: str = "") -> float:
    """Additions a second to random places of a table of so many; `weighted` reads an int8 weight for each."""
    from workbench.kernels import bound

    rng = np.random.default_rng(1)
    narrow = index or ("uint16" if places <= 65536 else "uint32")
    targets = rng.integers(0, places, 4_000_000).astype(narrow)
    table = np.zeros(places, STATE.get(state, state))
    if weighted:
        weights = rng.integers(-100, 100, targets.size).astype(np.int8)
        return rate(targets.size, lambda: bound.add_weights_at_random(table, targets, weights))
    one = table.dtype.type(1)
    return rate(targets.size, lambda: bound.add_at_random(table, targets, one))


@cache
def updates(places: int, state: str) -> float:
    """Updates a second of so many leaky units, without spikes to hand on."""
    from workbench.kernels import bound

    kind = np.dtype(STATE.get(state, state)).type
    v, arrived, fired = np.zeros(places, kind), np.zeros(places, kind), np.zeros(places, np.uint8)
    steps = max(1, 4_000_000 // places)
    leak, drive, top = np.float32(1 / 32) if kind is not np.float64 else 1 / 32, kind(1), kind(1000)
    return rate(places * steps, lambda: bound.update_leaky(v, arrived, fired, leak, drive, top, steps))


@cache
def stream(what: str) -> float:
    """Bytes a second of STREAM's copy or triad on arrays of 64 MB."""
    from workbench.kernels import bound

    a, b, c = (np.ones(8_000_000) for _ in range(3))
    if what == "copy":
        return rate(16.0 * a.size, lambda: bound.copy(a, b))
    return rate(24.0 * a.size, lambda: bound.triad(a, b, c, 3.0))
