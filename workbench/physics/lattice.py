"""Meshes with dead places: how far apart things are, what is cut off, and how many may die before the mesh falls apart.

A place is alive or dead (rows × columns, True where alive), and linked to its four neighbours that live. A link may be dead too.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench import streams
from workbench.errors import DescriptionError
from workbench.physics.ranges import whole
from workbench.words import tr

__all__ = [
    "clusters",
    "distances",
    "link_load",
    "mean_hops",
    "spans",
    "span_threshold",
    "unreachable",
]

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


def mean_hops(*sides: int, distinct: bool = False) -> float:
    """The mean Manhattan distance of two random places of a mesh of n × m × … places: Σ (n² − 1)/3n.

    `distinct` leaves out pairs of a place with itself: × N/(N − 1).
    """
    whole("sides", len(sides))
    mean = sum((whole("side", n) ** 2 - 1) / (3 * n) for n in sides)
    places = math.prod(sides)
    if distinct and places < 2:
        raise DescriptionError(tr("A mesh of one place has no two different places."))
    return mean * places / (places - 1) if distinct else mean


def link_load(side: int) -> Array:
    """How many of the n² pairs of one row of n routers cross each link eastward, (k+1)(n−k−1): most in the middle."""
    k = np.arange(whole("side", side) - 1, dtype=np.float64)
    return (k + 1) * (side - k - 1)


def distances(
    alive: ArrayLike, start: tuple[int, int], *, east: ArrayLike | None = None, south: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Hops from `start` to every place by the shortest way through living places; -1 for what is dead or cut off.

    `east` (rows × columns−1) and `south` (rows−1 × columns) say which links live; default: all.
    """
    from scipy.sparse.csgraph import breadth_first_order  # noqa: PLC0415  SciPy only where it is needed

    live = _live(alive)
    row, column = start
    if not (0 <= row < live.shape[0] and 0 <= column < live.shape[1] and live[row, column]):
        raise DescriptionError(
            tr("Place {place} is dead or outside the mesh: start from a living one.", place=tuple(start))
        )
    order, before = breadth_first_order(_graph(live, east, south), row * live.shape[1] + column, directed=False)
    hops = np.full(live.size, -1, np.int64)
    hops[order[0]] = 0
    # Parents come before children, generation by generation: each pass settles all children of settled parents.
    parents, waiting = before[order[1:]], order[1:]
    while waiting.size:
        known = hops[parents] >= 0
        cut = int(known.argmin()) if not known.all() else waiting.size
        hops[waiting[:cut]] = hops[parents[:cut]] + 1
        parents, waiting = parents[cut:], waiting[cut:]
    return hops.reshape(live.shape)


def clusters(alive: ArrayLike, *, east: ArrayLike | None = None, south: ArrayLike | None = None) -> NDArray[np.int64]:
    """The part every living place belongs to, numbered from 0, the largest first; -1 for dead places."""
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415  SciPy only where it is needed

    live = _live(alive)
    _, label = connected_components(_graph(live, east, south), directed=False)
    label = np.where(live.reshape(-1), label, -1)
    names, first, sizes = np.unique(label[label >= 0], return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.full(live.size, -1, np.int64)
    rank[names[order]] = np.arange(names.size)
    return np.where(label >= 0, rank[label], -1).reshape(live.shape)


def unreachable(
    alive: ArrayLike, *, east: ArrayLike | None = None, south: ArrayLike | None = None
) -> list[tuple[int, int]]:
    """The living places that the largest part of the mesh cannot reach, row by row; empty where it hangs together."""
    part = clusters(alive, east=east, south=south)
    return [(int(r), int(c)) for r, c in zip(*np.nonzero(part > 0))]


def spans(alive: ArrayLike) -> bool:
    """Whether living places lead from the first row to the last."""
    from scipy.ndimage import label  # noqa: PLC0415  SciPy only where it is needed

    marked = np.asarray(label(_live(alive))[0])  # pyright: ignore[reportIndexIssue]
    top = marked[0][marked[0] > 0]
    return bool(np.isin(marked[-1], top).any())


def span_threshold(side: int, *, specimens: int = 20, seed: int = 0) -> Array:
    """The share of living places at which each random side × side mesh first spans, one number a specimen.

    Places come alive in the order of their random numbers; bisection finds the one that joins top and bottom. In the limit of large
    meshes it is the site percolation threshold of the square lattice, 0.5927: about 40.7 % may die.
    """
    n = whole("side", side, 2)
    found = np.empty(whole("specimens", specimens))
    for k in range(specimens):
        u = streams.uniform(streams.stream(seed, "percolation", k), 0, n * n).reshape(n, n)
        order = np.sort(u, axis=None)
        low, high = 0, n * n  # with `low` places alive it does not span, with `high` it does
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if spans(u <= order[middle - 1]) else (middle, high)
        found[k] = high / (n * n)
    return found


def _live(alive: ArrayLike) -> Bools:
    live = np.asarray(alive, dtype=np.bool_)
    if live.ndim != 2 or not live.size:
        raise DescriptionError(tr("A mesh needs rows and columns; this one has shape {shape}.", shape=live.shape))
    return live


def _graph(live: Bools, east: ArrayLike | None, south: ArrayLike | None) -> object:
    import scipy.sparse as sp  # noqa: PLC0415  SciPy only where it is needed

    place = np.arange(live.size).reshape(live.shape)
    ends = []
    for name, given, axis in (("east", east, 1), ("south", south, 0)):
        a = np.take(place, range(live.shape[axis] - 1), axis)
        b = np.take(place, range(1, live.shape[axis]), axis)
        whole_link = np.take(live, range(live.shape[axis] - 1), axis) & np.take(live, range(1, live.shape[axis]), axis)
        if given is not None:
            link = np.asarray(given, dtype=np.bool_)
            if link.shape != whole_link.shape:
                raise DescriptionError(
                    tr(
                        "{name} has shape {shape}; {wanted} is needed.",
                        name=name,
                        shape=link.shape,
                        wanted=whole_link.shape,
                    )
                )
            whole_link = whole_link & link
        ends.append((a[whole_link], b[whole_link]))
    a = np.concatenate([e[0] for e in ends])
    b = np.concatenate([e[1] for e in ends])
    return sp.csr_matrix((np.ones(a.size), (a, b)), shape=(live.size, live.size))
