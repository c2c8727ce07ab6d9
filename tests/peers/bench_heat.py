"""Heat and current of a whole wafer: 512 × 512 cells in several layers, beside a sparse LU of the same cells at 64 × 64.

Seconds are CPU seconds of one thread, everything included from the description to the field. `balance` is what leaves over what
enters, less one. The LU is SciPy's; at 512 × 512 in five layers it would need more memory than it is worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from rows import say
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from workbench.physics.grid import PowerGrid
from workbench.physics.heat import Layer, Stack
from workbench.physics.leakage import Leakage, settle
from workbench.physics.materials import COPPER, SILICON

SIDE = 0.215


def timed(call: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU seconds of so many calls."""
    took = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        took.append(time.process_time() - begin)
    return min(took)


def stack(n: int, *, wafer: object = 1.0, plate: object = 1.0, **more: object) -> Stack:
    """Five slices: a wafer on a copper plate, each covered so far."""
    layers = [
        Layer(name="wafer", solid=SILICON, thickness=0.7e-3, interface=1e-5, slices=2, cover=wafer),  # type: ignore[arg-type]
        Layer(name="plate", solid=COPPER, thickness=3e-3, slices=3, cover=plate),  # type: ignore[arg-type]
    ]
    return Stack(layers=layers, size=(SIDE, SIDE), cells=(n, n), **({"film": 2e4} | more))  # type: ignore[arg-type]


def power(n: int) -> np.ndarray:
    """15 kW, uneven: watts per cell."""
    made = np.random.default_rng(1).uniform(0.5, 1.5, (n, n))
    return made * (15_000 / made.sum())


def cover(kind: str, n: int = 512) -> np.ndarray:
    """What part of every cell silicon covers: a round wafer, dies with gaps between, or grains of any conductance."""
    at = np.arange(n) + 0.5
    if kind == "round":
        return np.clip(n / 2 - np.hypot(at[:, None] - n / 2, at - n / 2) + 0.5, 0.0, 1.0)
    if kind == "dies":
        return np.outer(*[(at % 64 < 53) * 1.0] * 2)
    return np.random.default_rng(3).uniform(0.05, 1.0, (n, n))


def network(s: Stack) -> tuple[sp.csc_matrix, float]:
    """The same cells as one sparse matrix (W/K), and the area of a cell."""
    n, area = s.cells[0], s.sheet_area
    chain = sp.diags_array([-np.ones(n - 1), np.r_[1, 2 * np.ones(n - 2), 1], -np.ones(n - 1)], offsets=[-1, 0, 1])
    eye = sp.eye_array(n)
    plane = sp.kron(eye, chain) + sp.kron(chain, eye)
    along = [float(np.ravel(a)[0]) for a in s.sheets.along]
    across = [float(np.ravel(a)[0]) * area for a in s.sheets.across]
    ground = [float(np.ravel(g)[0]) * area for g in s.sheets.ground]
    down = np.diag(ground)
    for i, c in enumerate(across):
        down[i : i + 2, i : i + 2] += c * np.array([[1, -1], [-1, 1]])
    whole = sp.kron(sp.diags_array(along), plane) + sp.kron(sp.csr_array(down), sp.eye_array(n * n))
    return sp.csc_matrix(whole), area


with threadpool_limits(1):
    small = stack(64)
    matrix, area = network(small)
    right = (small.source({"wafer": power(64)}) * area).ravel()
    exact = splu(matrix).solve(right)
    field = small.field({"wafer": power(64)})
    off = float(np.abs(field.rise.ravel() - exact).max() / np.abs(exact).max())
    say(
        "HEAT 64, 5 layers",
        "workbench",
        "float64",
        seconds=timed(lambda: stack(64).field({"wafer": power(64)})),
        error=off,
    )
    say("HEAT 64, 5 layers", "SciPy LU", "float64", seconds=timed(lambda: splu(matrix).solve(right), 1))
    heat = power(512)
    film = np.random.default_rng(0).uniform(2e3, 2e4, (512, 512))
    stack(64, wafer=cover("dies", 64), flow=2000.0).field({"wafer": power(64)})  # compiled before it is timed
    for name, more in (
        ("5 layers", {}),
        ("5 layers, warming coolant", {"flow": 2000.0}),
        ("5 layers, uneven film", {"film": film}),
        ("5 layers, round wafer", {"wafer": cover("round")}),
        ("5 layers, dies with gaps", {"wafer": cover("dies")}),
        ("5 layers, grains", {"wafer": cover("grains")}),
        ("5 layers, round wafer and plate", {"wafer": cover("round"), "plate": cover("round")}),
        ("5 layers, dies with gaps, warming coolant", {"wafer": cover("dies"), "flow": 2000.0}),
    ):
        made = stack(512, **more).field({"wafer": heat})
        seconds = timed(lambda more=more: stack(512, **more).field({"wafer": heat}))
        balance = abs(made.heat_out / made.heat_in - 1)
        say(f"HEAT 512, {name}", "workbench", "float64", seconds=seconds, balance=balance)
    leaks = Leakage(power=7000.0, reference=330.0, doubling=20.0)
    for name, more in (
        ("leakage", {}),
        ("leakage, warming coolant", {"flow": 2000.0}),
        ("leakage, warming coolant, dies with gaps", {"wafer": cover("dies"), "flow": 2000.0}),
    ):
        done = settle(stack(512, **more), "wafer", heat, leaks)
        seconds = timed(lambda more=more: settle(stack(512, **more), "wafer", heat, leaks), 2)
        balance = abs(done.field.heat_out / done.power - 1)
        say(f"HEAT 512, {name}", "workbench", "float64", seconds=seconds, balance=balance, gain=done.gain)
    amperes = power(512) / 0.8
    for fed, more in (
        ("four edges", {}),
        ("vertical", {"feed": np.where(np.indices((512, 512)).sum(axis=0) % 8, np.inf, 1e-9)}),
    ):
        grid = dict(
            cells=(512, 512), size=(SIDE, SIDE), sheets=(1e-3, 2e-3, 5e-3), vias=(1e-10, 1e-10), fed=fed, **more
        )
        say(
            f"GRID 512, {fed}", "workbench", "float64", seconds=timed(lambda grid=grid: PowerGrid(**grid).drop(amperes))
        )
