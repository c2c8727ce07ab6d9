"""Wires of a crossbar: the effective matrix, and one input, beside badcrossbar and a sparse LU of the whole network.

Cells of 1 to 100 µS, the same wires both ways. Seconds are CPU seconds of one thread. `error` is against the nodal LU where that is made
(64, 128), else against the other solver, as a share of the largest current; `mvm_s` is what 64 inputs cost once the matrix is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from rows import home_of, put, run, say
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from workbench.physics import wires

CASES = (
    (64, 0.35),
    (64, 1.0),
    (128, 0.01),
    (128, 0.35),
    (128, 1.0),
    (128, 100.0),
    (256, 0.35),
    (256, 1.0),
    (512, 0.35),
    (512, 1.0),
)


def timed(call: Callable[[], object], repeats: int) -> float:
    """The least CPU seconds of so many calls."""
    took = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        took.append(time.process_time() - begin)
    return min(took)


def nodal(g: np.ndarray, wire: float) -> tuple[sp.csc_matrix, np.ndarray]:
    """Kirchhoff's law at all nodes: the matrix, rows' nodes first, and which of its rows take the drivers' current."""
    n = len(g)
    at = np.arange(n * n).reshape(n, n)
    w, b, c = at, n * n + at, 1 / wire
    ends = [(w, b, g), (w[:, :-1], w[:, 1:], c), (b[:-1], b[1:], c)]
    p, q, y = (np.concatenate([np.broadcast_to(e[k], e[0].shape).ravel() for e in ends]) for k in range(3))
    diagonal = np.zeros(2 * n * n)
    diagonal[w[:, 0]] += c
    diagonal[b[-1]] += c
    np.add.at(diagonal, p, y)
    np.add.at(diagonal, q, y)
    k = np.arange(2 * n * n)
    rows, columns = np.concatenate([p, q, k]), np.concatenate([q, p, k])
    return sp.csc_matrix((np.concatenate([-y, -y, diagonal]), (rows, columns))), w[:, 0]


def lu(g: np.ndarray, wire: float, v: np.ndarray) -> np.ndarray:
    """Column currents (inputs, columns) for voltages (rows, inputs)."""
    n = len(g)
    matrix, driven = nodal(g, wire)
    given = np.zeros((2 * n * n, v.shape[1]))
    given[driven] = v / wire
    return (splu(matrix).solve(given)[n * n + n * (n - 1) :] / wire).T


def case(n: int, wire: float) -> None:
    rng = np.random.default_rng(0)
    g = rng.uniform(1e-6, 1e-4, (n, n))
    name, repeats = f"Wires {n}, {wire:g} Ω", {64: 20, 128: 20, 256: 6, 512: 3}[n]
    for inputs in (n, 1):
        v = np.random.default_rng(0)
        v.uniform(1e-6, 1e-4, (n, n))
        volts = v.uniform(0.0, 0.2, (n, inputs))  # the same draws as the peer's
        if inputs == 1:
            bench = f"{name}, one input"
            mine = wires.solve(g, volts[:, 0], wire, wire).currents[None]
            seconds = timed(lambda volts=volts: wires.solve(g, volts[:, 0], wire, wire), repeats)
            more = {}
        else:
            bench = name
            made = wires.effective(g, wire, wire, threads=1)
            mine = volts.T @ made
            seconds = timed(lambda: wires.effective(g, wire, wire, threads=1), repeats)
            few, single = volts.T[:64].astype(np.float32), made.astype(np.float32)
            more = {"mvm_s": timed(lambda few=few, single=single: few @ single, 20), "lost": 1 - made.sum() / g.sum()}
        if n <= 128:
            exact = lu(g, wire, volts)
        else:
            exact = np.stack([wires.solve(g, one, wire, wire).currents for one in volts.T[:3]]) if inputs > 1 else mine
            if inputs == 1:
                exact = volts.T @ made
        more["error"] = float(np.abs(mine[: len(exact)] - exact).max() / np.abs(exact).max())
        say(bench, "workbench", "float64", seconds=seconds, **more)
        if n <= 128 or (n == 256 and wire == 1.0):
            say(
                bench,
                "SciPy LU",
                "float64",
                seconds=timed(lambda volts=volts: lu(g, wire, volts), 2 if n <= 128 else 1),
            )
        python = home_of("badcrossbar")
        if n <= 128 and python:
            theirs = run(python, "peer_badcrossbar.py", n, wire, inputs)
            found = np.array(theirs.pop("currents", []))
            if found.size:
                theirs["error"] = float(np.abs(found - mine[0]).max() / np.abs(mine[0]).max())
            put(bench, "badcrossbar", "float64", 1, theirs)
        elif n <= 128:
            say(bench, "badcrossbar", "float64", missing="badcrossbar is not installed")


if __name__ == "__main__":
    wires.effective(np.full((16, 16), 1e-5), 1.0, 1.0)  # compiled before it is timed
    wires.solve(np.full((2, 2), 1e-5), [1.0, 1.0], 1.0, 1.0)
    with threadpool_limits(1):
        square = np.random.default_rng(0).random((512, 512), np.float32)
        seconds = timed(lambda: square @ square, 20)
        say(
            "Wires",
            "float32 product",
            "float32",
            seconds=seconds,
            rate=2 * 512**3 / seconds,
            note="operations a second, 512²",
        )
        for n, wire in CASES:
            case(n, wire)
