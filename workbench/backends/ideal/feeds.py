"""Outside input on Brian2: counts and currents of a few steps at a time, put where Brian2 computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.ideal import rule
from workbench.backends.ideal.groups import Group
from workbench.circuits.drive import Drive
from workbench.circuits.unfold import Block
from workbench.circuits.wiring import OneToOne

__all__ = ["CurrentFeed", "SpikeFeed", "draw_inside", "run_inside"]

_AHEAD = 500_000
"""At most so many numbers are held ahead of their step."""


@final
class SpikeFeed:
    """The spikes of one block from outside: what arrives at each target neuron, step by step."""

    def __init__(self, block: Block, drive: Drive, group: Group, steps: Any) -> None:
        first = group.first[block.target]
        self._block, self._drive = block, drive
        self._arrivals = group.array(f"arrivals_{block.receptor}")[first : first + block.sizes[1]]
        self._open = drive.is_external(block.source)
        self._ways = _ways(block, np.asarray(steps))
        self.longest = max((delay for delay, _ in self._ways), default=1)
        self._room = max(1, _AHEAD // (max(block.sizes) * max(1, len(self._ways))))
        self.handed = np.zeros((0, block.sizes[0]), np.int64)
        """Counts handed to `advance` that may still be under way: those of the steps just before `handed_stop`."""
        self.handed_stop = 0
        self._start, self._stop, self._ahead = 0, 0, np.zeros((0, block.sizes[1]))

    def window(self, start: int, stop: int, given: Mapping[str, NDArray[np.int64]]) -> None:
        """Get ready for the steps `start` to `stop`, with the counts handed in for them."""
        self._start, self._stop, self._end = start, start, stop
        if self._open:
            new = given.get(self._block.source, np.zeros((stop - start, self._block.sizes[0]), np.int64))
            self.handed = np.concatenate([self.handed[-self.longest :], new])
            self.handed_stop = stop

    def __call__(self, step: int) -> None:
        """Add what arrives at `step`."""
        if step >= self._stop:
            self._start, self._stop = step, min(self._end, step + self._room)
            self._ahead = self._arriving(self._start, self._stop)
        self._arrivals += self._ahead[step - self._start]

    def _arriving(self, start: int, stop: int) -> NDArray[np.float64]:
        total = np.zeros((stop - start, self._block.sizes[1]))
        for delay, weights in self._ways:
            counts = self._counts(start - delay, stop - delay).astype(np.float64)
            # On the weights' grid products and sums are exact, so no order of summation can show.
            total += counts * weights if isinstance(weights, float) or weights.ndim == 1 else (weights @ counts.T).T
        return total

    def _counts(self, start: int, stop: int) -> NDArray[Any]:
        """Counts sent in the steps `start` to `stop`; nothing was sent before step 0."""
        if not self._open:
            sent = self._drive.counts(self._block.source, max(start, 0), max(stop, 0))
        else:
            begin = self.handed_stop - len(self.handed)
            sent = self.handed[max(start - begin, 0) : max(stop - begin, 0)]
        missing = (stop - start) - len(sent)
        return np.concatenate([np.zeros((missing, sent.shape[1]), sent.dtype), sent]) if missing else sent


def _ways(block: Block, steps: NDArray[Any]) -> list[tuple[int, Any]]:
    """(delay, weights) for each delay in the block: one number, one for each neuron, or a sparse matrix (targets × sources)."""
    if isinstance(block.rule, OneToOne) and steps.ndim == 0:
        return [(int(steps), block.weight)]
    from scipy.sparse import csr_matrix  # noqa: PLC0415

    i, j = block.edges()
    weights = np.broadcast_to(np.asarray(block.weight, np.float64), i.shape)
    shape = (block.sizes[1], block.sizes[0])
    if steps.ndim == 0:
        return [(int(steps), csr_matrix((weights, (j, i)), shape))]
    return [
        (int(d), csr_matrix((weights[steps == d], (j[steps == d], i[steps == d])), shape)) for d in np.unique(steps)
    ]


@final
class CurrentFeed:
    """The outside current onto one receptor of a population, summed over its blocks in the projections' order."""

    def __init__(self, blocks: Sequence[Block], drive: Drive, group: Group) -> None:
        target, first = blocks[0].target, group.first[blocks[0].target]
        self._blocks, self._drive = blocks, drive
        self._current = group.array(f"current_{blocks[0].receptor}")[first : first + blocks[0].sizes[1]]
        self._edges = [None if isinstance(b.rule, OneToOne) else b.edges() for b in blocks]
        self._room = max(1, _AHEAD // max(max(b.sizes) for b in blocks))
        self._start, self._stop, self._ahead = 0, 0, np.zeros((0, 0))
        self.target = target

    def window(self, start: int, stop: int, given: Mapping[str, NDArray[np.int64]]) -> None:
        """Get ready for the steps `start` to `stop`."""
        self._start, self._stop, self._end = start, start, stop

    def __call__(self, step: int) -> None:
        """Set the current of `step`."""
        if step >= self._stop:
            self._start, self._stop = step, min(self._end, step + self._room)
            self._ahead = self._flowing(self._start, self._stop)
        self._current[:] = self._ahead[step - self._start]

    def _flowing(self, start: int, stop: int) -> NDArray[np.float64]:
        total = np.zeros((stop - start, self._blocks[0].sizes[1]))
        for block, edges in zip(self._blocks, self._edges, strict=True):
            values = self._drive.currents(block.source, start, stop)
            if edges is None:
                total += values * block.weight
            else:
                np.add.at(total, cast(Any, (slice(None), edges[1])), values[:, edges[0]] * block.weight)
        return total


def draw_inside(
    blocks: Sequence[Block], drive: Drive, home: Mapping[str, Group], steps: Mapping[str, Any]
) -> dict[str, list[tuple[str, str]]]:
    """Let the groups draw these Poisson blocks themselves, in their own code; call before the groups are built.

    Gives for each population the lines to run at the start of a step, as (name, code).
    """
    made: dict[str, list[tuple[str, str]]] = {}
    for number, block in enumerate(blocks):
        group, given = home[block.target], drive.rule(block.source)
        if given is None:
            continue
        name = f"outside_{number}"
        group.functions[name] = rule.poisson_counts(name, given, int(steps[block.name]))
        group.extra[f"synaptic_weight_{name}"] = (float(block.weight), block.kind.unit)
        code = f"arrivals_{block.receptor} += synaptic_weight_{name} * {name}(i, t_in_timesteps)"
        made.setdefault(block.target, []).append((name, code))
    return made


def run_inside(lines: Mapping[str, list[tuple[str, str]]], home: Mapping[str, Group], clock: Any) -> None:
    """Put the lines of `draw_inside` into the groups, once they are built; `i` counts from the start of each population."""
    from brian2.groups.subgroup import Subgroup  # noqa: PLC0415

    for population, codes in lines.items():
        group = home[population]
        first, size = group.first[population], next(c.size for c in group.cells if c.name == population)
        part = (
            group.brian
            if size == group.size
            else Subgroup(group.brian, first, first + size, name=f"{group.name}_part_{first}")
        )
        for name, code in codes:
            group.runners.append(part.run_regularly(code, when="start", clock=clock, name=f"{group.name}_{name}"))
