"""The matrix of a crossbar with resistive wires by nested dissection: patches of cells, joined in pairs until one is left.

Joining two patches of n × n cells costs of the order of n³ operations, and there are few large ones, so all of it is of the order of
n³, where eliminating column after column takes n⁴. Ports that lead nowhere, at the open ends of rows and columns, are dropped on the
way. Everything is float64; nothing is divided by a wire's resistance, so good wires and none at all are as exact as bad ones.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["transfer"]

Array = NDArray[np.float64]
Sides = tuple[int, int, int, int]
Block = tuple[Array, Sides, Sides]
"""A patch's matrix, and how many outputs and inputs it has left, right, top and bottom."""

LEFT, RIGHT, TOP, BOTTOM = range(4)
SHARED = 128 * 128
"""Cells from which on two threads are worth their start."""


def transfer(conductances: Array, row_wire: float, column_wire: float, *, threads: int = 1) -> Array:
    """Column currents per volt on each row, S, (rows, columns); the same bits for any number of threads."""
    from workbench.kernels import wires  # noqa: PLC0415  Numba only where something is solved

    rows, columns = conductances.shape
    side = wires.PATCH
    down, across = -(-rows // side), -(-columns // side)
    # Cells that conduct nothing, above the first row and behind the last column, change nothing.
    padded = np.zeros((down * side, across * side))
    padded[down * side - rows :, :columns] = conductances
    tree = _Tree(padded, row_wire, column_wire, down, across)
    made, _, _ = tree.all(threads if conductances.size >= SHARED else 1)
    return np.ascontiguousarray(made[-across * side :, : down * side][:columns, down * side - rows :].T)


class _Scratch:
    """What one thread works on: the patches of its part, and memory that is used again at every join."""

    def __init__(self, patches: Array, top: int, left: int) -> None:
        self.patches, self.top, self.left = patches, top, left
        self.work = np.empty(0)
        self._kept: dict[tuple[int, int], Array] = {}

    def room(self, place: tuple[int, int], size: int) -> Array:
        kept = self._kept.get(place)
        if kept is None or kept.size < size:
            kept = self._kept[place] = np.empty(size)
        return kept[:size]


class _Tree:
    def __init__(self, padded: Array, row_wire: float, column_wire: float, down: int, across: int) -> None:
        self.padded, self.wires = padded, (float(row_wire), float(column_wire))
        self.down, self.across = down, across

    def all(self, threads: int) -> Block:
        """The matrix of the whole array: outputs at the bottom, inputs at the left."""
        whole = (0, self.down, 0, self.across)
        if threads < 2:
            return self.block(whole, self.scratch(whole))
        first, second, sides = _halves(whole)
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(lambda: self.block(first, self.scratch(first), (1, 0)))
            two = self.block(second, self.scratch(second), (1, 1))
            return self.joined(one.result(), two, sides, whole, _Scratch(np.empty(0), 0, 0), (0, 0))

    def scratch(self, part: tuple[int, int, int, int]) -> _Scratch:
        from workbench.kernels import wires  # noqa: PLC0415

        top, bottom, left, right = (wires.PATCH * k for k in part)
        return _Scratch(wires.patches(self.padded[top:bottom, left:right], *self.wires), part[0], part[2])

    def block(self, part: tuple[int, int, int, int], scratch: _Scratch, place: tuple[int, int] = (0, 0)) -> Block:
        """The matrix of some patches; it stays valid until another one takes its place."""
        top, bottom, left, right = part
        if bottom - top == 1 and right - left == 1:
            made = scratch.patches[top - scratch.top, left - scratch.left]
            sides = (made.shape[0] // 4,) * 4
            return made, sides, sides
        first, second, sides = _halves(part)
        depth = place[0] + 1
        one, two = self.block(first, scratch, (depth, 0)), self.block(second, scratch, (depth, 1))
        return self.joined(one, two, sides, part, scratch, place)

    def joined(
        self,
        one: Block,
        two: Block,
        sides: tuple[int, int],
        part: tuple[int, int, int, int],
        scratch: _Scratch,
        place: tuple[int, int],
    ) -> Block:
        """Two patches as one, without the ports that lie on an edge of the array and lead nowhere."""
        from workbench.kernels import wires  # noqa: PLC0415

        top, bottom, left, right = part
        outputs = (left > 0, right < self.across, top > 0, True)
        inputs = (True, right < self.across, top > 0, bottom < self.down)
        index, cut, mirrored, has_out, has_in, work = _plan(one[1:], two[1:], sides, outputs, inputs)
        if scratch.work.size < work:
            scratch.work = np.empty(work)
        out = scratch.room(place, sum(has_out) * sum(has_in)).reshape(sum(has_out), sum(has_in))
        wires.join(one[0], two[0], index, cut, mirrored, has_out[LEFT] + has_out[RIGHT], scratch.work, out)
        return out, has_out, has_in


def _halves(
    part: tuple[int, int, int, int],
) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int], tuple[int, int]]:
    """The part cut across its longer side, and the sides on which the two halves touch."""
    top, bottom, left, right = part
    if right - left > bottom - top:
        middle = (left + right) // 2
        return (top, bottom, left, middle), (top, bottom, middle, right), (RIGHT, LEFT)
    middle = (top + bottom) // 2
    return (top, middle, left, right), (middle, bottom, left, right), (BOTTOM, TOP)


@lru_cache(maxsize=1024)
def _plan(
    one: tuple[Sides, Sides],
    two: tuple[Sides, Sides],
    sides: tuple[int, int],
    outputs: tuple[bool, ...],
    inputs: tuple[bool, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool, Sides, Sides, int]:
    """Where ports are and where they go (see `kernels.wires.join`), the joined patch's sides, and the scratch that is needed."""
    out, has_out = _places(one[0], two[0], sides, outputs)
    into, has_in = _places(one[1], two[1], sides, inputs)
    mirrored = has_out == has_in and all(np.array_equal(a, b) for a, b in zip(out[4:], into[4:], strict=True))
    parts = [*out[0:2], *into[0:2], *out[2:4], *into[2:4], *out[4:6], *into[4:6]]
    n, out_a, out_b, in_a, in_b = (parts[k].size for k in (0, 4, 5, 6, 7))
    work = 3 * n * n + 2 * n * in_a + 3 * n * in_b + n * (out_a + out_b) + max(out_a, out_b) * max(in_a, in_b)
    cut = np.cumsum([0, *(p.size for p in parts)])
    return np.concatenate(parts), cut, mirrored, has_out, has_in, work


def _places(
    one: Sides, two: Sides, sides: tuple[int, int], keep: tuple[bool, ...]
) -> tuple[list[NDArray[np.int64]], Sides]:
    """Of two patches: the joined ports, the other ports that are kept, the places of the latter in the whole; and its sides."""
    at = [np.cumsum([0, *had]) for had in (one, two)]
    kept = [
        [size if side != joined and keep[side] else 0 for side, size in enumerate(had)]
        for had, joined in zip((one, two), sides)
    ]
    whole = [a + b for a, b in zip(*kept)]
    new = np.cumsum([0, *whole])
    found = [at[k][sides[k]] + np.arange((one, two)[k][sides[k]]) for k in range(2)]
    found += [np.concatenate([at[k][s] + np.arange(kept[k][s]) for s in range(4)]) for k in range(2)]
    found += [
        np.concatenate([new[s] + (kept[0][s] if k else 0) + np.arange(kept[k][s]) for s in range(4)]) for k in range(2)
    ]
    return found, (whole[0], whole[1], whole[2], whole[3])
