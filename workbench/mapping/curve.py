"""The order in which a space-filling curve visits the tiles of a mesh, so that what is near in number is near on the mesh."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

__all__ = ["boustrophedon", "hilbert", "row_major"]


def hilbert(wide: int, high: int, *, first: int | None = None) -> NDArray[np.int32]:
    """The tiles (x, y) of a mesh of any size in the order of Hilbert's curve, shape (wide · high, 2), or the `first` of them.

    On a square of 2^k tiles it is Hilbert's curve (1891). Other rectangles are halved as evenly as they allow; then one step of
    the curve may go to a diagonal neighbour where both an odd and an even side make it unavoidable.
    """
    along, across = ((wide, 0), (0, high)) if wide >= high else ((0, high), (wide, 0))
    return np.array(list(islice(_walk((0, 0), along, across), first)), np.int32).reshape(-1, 2)


Pair = tuple[int, int]


def _walk(at: Pair, along: Pair, across: Pair) -> Iterator[Pair]:
    """Visit the rectangle at `at` that reaches `along` (the way the curve goes from one end to the other) and `across`."""
    length, width = abs(sum(along)), abs(sum(across))
    step, side = _unit(along), _unit(across)
    if width == 1 or length == 1:
        count, go = (length, step) if width == 1 else (width, side)
        for k in range(count):
            yield at[0] + k * go[0], at[1] + k * go[1]
        return
    half_along, half_across = _half(along), _half(across)
    if (
        2 * length > 3 * width
    ):  # long: two rectangles one behind the other, the first of even length so that the ends meet
        if length > 2 and abs(sum(half_along)) % 2:
            half_along = _plus(half_along, step)
        yield from _walk(at, half_along, across)
        yield from _walk(_plus(at, half_along), _minus(along, half_along), across)
        return
    if width > 2 and abs(sum(half_across)) % 2:
        half_across = _plus(half_across, side)
    # up on the near side, along the far side, and down again: Hilbert's cup
    yield from _walk(at, half_across, half_along)
    yield from _walk(_plus(at, half_across), along, _minus(across, half_across))
    corner = _plus(at, _plus(_minus(along, step), _minus(half_across, side)))
    yield from _walk(corner, (-half_across[0], -half_across[1]), _minus(half_along, along))


def _half(v: Pair) -> Pair:
    """Half of a vector along one axis, rounded towards nothing."""
    return int(v[0] / 2), int(v[1] / 2)


def _unit(v: Pair) -> Pair:
    return (v[0] > 0) - (v[0] < 0), (v[1] > 0) - (v[1] < 0)


def _plus(a: Pair, b: Pair) -> Pair:
    return a[0] + b[0], a[1] + b[1]


def _minus(a: Pair, b: Pair) -> Pair:
    return a[0] - b[0], a[1] - b[1]


def row_major(wide: int, high: int) -> NDArray[np.int32]:
    """West to east, then row by row."""
    y, x = np.divmod(np.arange(wide * high, dtype=np.int32), np.int32(wide))
    return np.stack([x, y], axis=1)


def boustrophedon(wide: int, high: int) -> NDArray[np.int32]:
    """As the ox ploughs: one row to the east, the next one back."""
    tiles = row_major(wide, high)
    odd = tiles[:, 1] % 2 == 1
    tiles[odd, 0] = wide - 1 - tiles[odd, 0]
    return tiles
