"""The matrix of a crossbar with resistive wires by nested dissection: patches of cells, joined in pairs until one is left.

Joining two patches of n × n cells costs of the order of n³ operations, and there are few large ones, so all of it is of the order of
n³, where eliminating column after column takes n⁴. Ports that lead nowhere, at the open ends of rows and columns, are dropped on the
way. Everything is float64; nothing is divided by a wire's resistance, so good wires and none at all are as exact as bad ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["transfer"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Sides = tuple[int, int, int, int]
"""Ports left, right, top and bottom."""
Part = tuple[int, int, int, int]
"""Patches of an array: from a row to before another, from a column to before another."""

LEFT, RIGHT, TOP, BOTTOM = range(4)
SHARED = 128 * 128
"""Cells from which on two threads are worth their start."""
KEPT = 1 << 19
"""Numbers up to which a thread keeps memory for the next array, 4 MB: tiles of 128 × 128 cells come by the hundred, larger ones do not."""


def transfer(conductances: Array, row_wire: float, column_wire: float, *, threads: int = 1) -> Array:
    """Column currents per volt on each row, S, (rows, columns); the same bits for any number of threads."""
    from workbench.kernels import patches, wires  # noqa: PLC0415  Numba only where something is solved

    rows, columns = conductances.shape
    side = patches.PATCH
    down, across = -(-rows // side), -(-columns // side)
    # Cells that conduct nothing, above the first row and behind the last column, change nothing.
    padded = np.zeros((down * side, across * side))
    padded[down * side - rows :, :columns] = conductances
    whole = (0, down, 0, across)

    def made(part: Part) -> tuple[Array, Sides, Sides]:
        top, bottom, left, right = (side * k for k in part)
        program = _program(down, across, side, part)
        small = patches.patches(padded[top:bottom, left:right], float(row_wire), float(column_wire))
        return program.run(small), program.outputs, program.inputs

    with _own_threads():
        if threads < 2 or conductances.size < SHARED:
            matrix = made(whole)[0]
        else:
            one, two, sides = _halves(whole)
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(made, one)
                b, *ports_b = made(two)
                a, *ports_a = waiting.result()
            plan = _plan(tuple(ports_a), tuple(ports_b), sides, *_open(whole, down, across))
            matrix = np.empty((sum(plan.outputs), sum(plan.inputs)))
            wires.join(a, b, plan.index, plan.cut, plan.mirrored, plan.row_ports, np.empty(plan.work), matrix)
    return np.array(matrix[-across * side :, : down * side][:columns, down * side - rows :].T, order="C")


@cache
def _blas() -> Any:
    """The controller of BLAS libraries; found once, when the one that kernels call has been loaded."""
    import scipy.linalg.cython_blas  # noqa: F401, PLC0415
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415

    return ThreadpoolController()


_rooms = threading.local()


def _room(name: str, size: int) -> Array:
    """Memory of the thread's own for so many numbers, kept from one array to the next unless it is large: new pages cost time."""
    if size > KEPT:
        return np.empty(size)
    kept: dict[str, Array] = _rooms.__dict__
    if name not in kept or kept[name].size < size:
        kept[name] = np.empty(size)
    return kept[name][:size]


_lock = threading.Lock()
_inside: list[Any] = []


@contextmanager
def _own_threads() -> Iterator[None]:
    """BLAS keeps to the thread it is called on: many products are small, and how a large one is cut up must not change its bits."""
    with _lock:  # who comes first sets the limit, who leaves last lifts it
        _inside.append(_inside[0] if _inside else _blas().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limit = _inside.pop()
            if not _inside:
                limit.restore_original_limits()


@dataclass(frozen=True, eq=False)
class _Plan:
    """How two patches are joined (see `kernels.wires.join`), the ports that come of it, and the scratch that is needed."""

    index: Whole
    cut: Whole
    mirrored: bool
    outputs: Sides
    inputs: Sides
    work: int

    @property
    def row_ports(self) -> int:
        return self.outputs[LEFT] + self.outputs[RIGHT]


@dataclass(frozen=True, eq=False)
class _Program:
    """How the patches of a part become one: what `kernels.wires.run` takes, and the memory it needs."""

    steps: Whole
    index: Whole
    cuts: Whole
    kinds: Whole
    arena: int
    work: int
    outputs: Sides
    inputs: Sides

    def run(self, patches: Array) -> Array:
        """The matrix of the part; it lies in memory that the thread uses again."""
        from workbench.kernels import wires  # noqa: PLC0415

        shape = (sum(self.outputs), sum(self.inputs))
        if not len(self.steps):
            return patches.reshape(shape)
        arena, work = _room("arena", self.arena), _room("work", self.work)
        wires.run(self.steps, self.index, self.cuts, self.kinds, patches.reshape(-1), arena, work)
        at = int(self.steps[-1, 8])
        return arena[at : at + shape[0] * shape[1]].reshape(shape)


@dataclass(frozen=True, eq=False)
class _Made:
    """A patch on its way: whether it lies in the arena, where (a place among patches, or a room), and its ports."""

    inside: int
    at: Any
    outputs: Sides
    inputs: Sides

    def placed(self, rooms: dict[tuple[int, int], int]) -> tuple[int, int, int, int]:
        return self.inside, rooms[self.at] if self.inside else self.at, sum(self.outputs), sum(self.inputs)


@lru_cache(maxsize=32)
def _program(down: int, across: int, side: int, part: Part) -> _Program:
    """The program of a part of an array of `down` × `across` patches: depth first, so that memory is used again."""
    four = (side, side, side, side)
    plans: dict[_Plan, int] = {}
    sizes: dict[tuple[int, int], int] = {}
    steps: list[tuple[_Made, _Made, _Made, int]] = []

    def write(piece: Part, depth: int, second: int) -> _Made:
        top, bottom, left, right = piece
        if bottom - top == 1 and right - left == 1:
            number = (top - part[0]) * (part[3] - part[2]) + left - part[2]
            return _Made(0, number * (4 * side) ** 2, four, four)
        one, two, sides = _halves(piece)
        a, b = write(one, depth + 1, 0), write(two, depth + 1, 1)
        plan = _plan((a.outputs, a.inputs), (b.outputs, b.inputs), sides, *_open(piece, down, across))
        made = _Made(1, (depth, second), plan.outputs, plan.inputs)
        sizes[made.at] = max(sizes.get(made.at, 0), sum(plan.outputs) * sum(plan.inputs))
        steps.append((a, b, made, plans.setdefault(plan, len(plans))))
        return made

    last = write(part, 0, 0)
    ends = np.cumsum([0, *sizes.values()])
    rooms = {room: int(end) for room, end in zip(sizes, ends, strict=False)}
    starts = np.cumsum([0, *(plan.index.size for plan in plans)])
    rows = [(*a.placed(rooms), *b.placed(rooms), *made.placed(rooms)[1:], plan) for a, b, made, plan in steps]
    return _Program(
        np.array(rows, np.int64).reshape(-1, 12),
        np.concatenate([np.empty(0, np.int64), *(plan.index for plan in plans)]),
        np.array([plan.cut + start for plan, start in zip(plans, starts, strict=False)], np.int64).reshape(-1, 13),
        np.array([(plan.mirrored, plan.row_ports) for plan in plans], np.int64).reshape(-1, 2),
        int(ends[-1]),
        max((plan.work for plan in plans), default=0),
        last.outputs,
        last.inputs,
    )


def _halves(part: Part) -> tuple[Part, Part, tuple[int, int]]:
    """The part cut across its longer side, and the sides on which the two halves touch."""
    top, bottom, left, right = part
    if right - left > bottom - top:
        middle = (left + right) // 2
        return (top, bottom, left, middle), (top, bottom, middle, right), (RIGHT, LEFT)
    middle = (top + bottom) // 2
    return (top, middle, left, right), (middle, bottom, left, right), (BOTTOM, TOP)


def _open(part: Part, down: int, across: int) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """On which sides a part's outputs and inputs are needed: what drives rows is never asked for, and ground gives nothing."""
    top, bottom, left, right = part
    return (left > 0, right < across, top > 0, True), (True, right < across, top > 0, bottom < down)


@lru_cache(maxsize=1024)
def _plan(
    one: tuple[Sides, ...],
    two: tuple[Sides, ...],
    sides: tuple[int, int],
    outputs: tuple[bool, ...],
    inputs: tuple[bool, ...],
) -> _Plan:
    """Where ports of two patches (outputs, inputs) are and where they go when they are joined at `sides`, and some sides kept."""
    out, has_out = _places(one[0], two[0], sides, outputs)
    into, has_in = _places(one[1], two[1], sides, inputs)
    mirrored = has_out == has_in and all(np.array_equal(a, b) for a, b in zip(out[4:], into[4:], strict=True))
    parts = [*out[0:2], *into[0:2], *out[2:4], *into[2:4], *out[4:6], *into[4:6]]
    n, out_a, out_b, in_a, in_b = (parts[k].size for k in (0, 4, 5, 6, 7))
    work = 3 * n * n + 2 * n * in_a + 3 * n * in_b + n * (out_a + out_b) + max(n, out_a, out_b) * max(in_a, in_b)
    cut = np.cumsum([0, *(p.size for p in parts)])
    return _Plan(np.concatenate(parts), cut, mirrored, has_out, has_in, work)


def _places(one: Sides, two: Sides, sides: tuple[int, int], keep: tuple[bool, ...]) -> tuple[list[Whole], Sides]:
    """Of two patches: the joined ports, the other ports that are kept, the places of the latter in the whole; and its sides."""
    both = (one, two)
    at = [np.cumsum([0, *had]) for had in both]
    kept = [[n if s != sides[k] and keep[s] else 0 for s, n in enumerate(both[k])] for k in range(2)]
    whole = [a + b for a, b in zip(*kept, strict=True)]
    new = np.cumsum([0, *whole])
    before = [[0] * 4, kept[0]]
    found = [at[k][sides[k]] + np.arange(both[k][sides[k]]) for k in range(2)]
    found += [np.concatenate([at[k][s] + np.arange(kept[k][s]) for s in range(4)]) for k in range(2)]
    found += [np.concatenate([new[s] + before[k][s] + np.arange(kept[k][s]) for s in range(4)]) for k in range(2)]
    return found, (whole[0], whole[1], whole[2], whole[3])
