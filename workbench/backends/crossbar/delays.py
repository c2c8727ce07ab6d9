"""Delays on a crossbar: a column is read at once, so the synapses of one matrix share one delay.

A projection of several delays becomes as many projections of one delay each, every one with a matrix of its own; its cells are then mostly
empty, which is what delays cost on such a chip. `CrossbarChip.delays` says how many matrices a projection may take for that; where it has
more delays, neighbouring ones are put together and named as a loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import delay_steps
from workbench.circuits.unfold import Block
from workbench.circuits.wiring import Explicit
from workbench.words import tr

__all__ = ["Part", "by_delay"]


@final
@dataclass(frozen=True, eq=False)
class Part:
    """The synapses of a projection that share a delay (in steps); its block's name says whose they are."""

    block: Block
    steps: int


def by_delay(block: Block, dt: float, *, most: int) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """A projection as at most `most` parts of one delay each, in increasing order, and what was lost by it.

    Where there are more delays they are cut into `most` groups of about as many synapses, and each group gets its mean, at least one step.
    """
    steps = delay_steps(block, dt)
    if np.ndim(steps) == 0:
        return (Part(block, int(steps)),), ()
    if not steps.size:
        return (Part(replace(block, delay=dt), 1),), ()
    group, shared = _groups(steps, most)
    off = int(np.abs(steps - shared[group]).max())
    parts = (
        (Part(block, int(shared[0])),)
        if len(shared) == 1
        else tuple(Part(_only(block, group == k, int(d), dt), int(d)) for k, d in enumerate(shared))
    )
    if not off:
        return parts, ()
    said = {"name": block.name, "low": float(steps.min()) * dt * 1e3, "high": float(steps.max()) * dt * 1e3}
    return parts, (
        tr(
            "{name}: delays from {low:g} to {high:g} ms become one of {one:g} ms; a column is read at once.",
            **said,
            one=float(shared[0]) * dt * 1e3,
        )
        if len(parts) == 1
        else tr(
            "{name}: delays from {low:g} to {high:g} ms become one of {many}, up to {off:g} ms off; each takes a matrix of its own.",
            **said,
            many=len(parts),
            off=off * dt * 1e3,
        ),
    )


def _groups(steps: NDArray[np.int32], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of each synapse, and the delay that each group shares, in increasing order and without doubles."""
    found, which, number = np.unique(steps, return_inverse=True, return_counts=True)
    if len(found) <= most:
        return which, found.astype(np.int64)
    # A delay belongs to the group in which the middle of its synapses lies, all of them counted by increasing delay.
    middle = np.cumsum(number) - number / 2
    group_of = np.minimum((middle / steps.size * most).astype(np.int64), most - 1)
    weight, total = np.bincount(group_of, number, most), np.bincount(group_of, number * found, most)
    mean = np.maximum(np.rint(total / np.maximum(weight, 1)).astype(np.int64), 1)
    shared, again = np.unique(mean[group_of], return_inverse=True)
    return again[which], shared


def _only(block: Block, chosen: NDArray[np.bool_], steps: int, dt: float) -> Block:
    """The chosen synapses of a block, with one delay; synapses between the same pair add up, as they do in a cell."""
    from scipy.sparse import coo_array  # noqa: PLC0415

    i, j = block.edges()
    weights = np.broadcast_to(np.asarray(block.weight, np.float64), i.shape)
    matrix = coo_array((weights[chosen], (i[chosen], j[chosen])), block.sizes)
    matrix.sum_duplicates()
    rule = Explicit(matrix)
    return replace(block, name=f"{block.name}:{steps}", rule=rule, weight=rule.weights, delay=steps * dt)
