"""All-to-all synapses from outside as tiles of weights: which blocks are laid so, and how (see `kernels.event.dense`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import delay_steps
from workbench.backends.event.layout import LANES, Form, narrowed
from workbench.circuits.unfold import Block, Netlist
from workbench.circuits.wiring import AllToAll

__all__ = ["CROSSOVER", "dense_blocks", "lay_dense"]

ROW = 256
"""Bytes of a tile's row: 4,096 of them are half of a second cache, and their sums fill half the registers."""

CROSSOVER = {"float32": 0.24, "float64": 0.24, "int32": 1.0}
"""The share of active senders from which a product of matrices is faster than adding rows; never for whole numbers.

Measured on W4 in float32: rows take 267, 328 and 396 µs a step at 20, 25 and 30 %, the product 315 to 327 at any of them.
"""


def dense_blocks(netlist: Netlist, blocks: Sequence[Block], laid: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of the blocks that are laid as tiles: all-to-all from outside with one delay, onto lanes that are mostly in use."""
    live = np.asarray(laid["neuron"]).reshape(-1, LANES) >= 0
    used = {name: live[_span(netlist, name, laid)].mean() for name in netlist.populations}
    drawn = {b.name for b in outside.fused(netlist)}
    return tuple(
        k
        for k, b in enumerate(blocks)
        if b.external and type(b.rule) is AllToAll and not b.delayed and b.name not in drawn and used[b.target] >= 0.5
    )


def lay_dense(
    netlist: Netlist,
    blocks: Sequence[Block],
    chosen: Sequence[int],
    laid: Mapping[str, Any],
    form: Form,
    dt: float,
    real: Any,
) -> dict[str, Any]:
    """The chosen blocks under the names of `kernels.event.Dense`; `laid` are the blocks of neurons."""
    senders = [*netlist.populations, *netlist.sources]
    listed = {b.source for b in outside.spiking_blocks(netlist)} - {b.source for b in outside.fused(netlist)}
    columns: dict[str, list[Any]] = {
        k: [] for k in ("sender", "senders", "delay", "state", "first", "last", "weighted", "weight")
    }
    tiles, begins, sizes, made = [0], [], [], []
    for k in chosen:
        block = blocks[k]
        span = _span(netlist, block.target, laid)
        row = {
            "sender": senders.index(block.source),
            "senders": block.sizes[0],
            "delay": int(delay_steps(block, dt)),
            "state": form.rows[block.receptor],
            "first": span.start,
            "last": span.stop,
            "weighted": block.weighted,
            "weight": 1.0 if block.weighted else block.weight,
        }
        for name, value in row.items():
            columns[name].append(value)
        if block.weighted:
            made.append(_by_lane(netlist, block, laid, span, real))
    whole, unit = narrowed(np.concatenate([m.reshape(-1) for m in made]) if made else np.zeros(0, real))
    step = max(1, ROW // (LANES * whole.itemsize))
    at, spots, spent = 0, [], 0
    weights = np.empty_like(whole)
    for first, last, own, many in zip(*(columns[n] for n in ("first", "last", "weighted", "senders")), strict=True):
        if own:
            lanes = whole[spent : spent + (last - first) * LANES * many].reshape(-1, many)
            spent += lanes.size
            cuts = [first, *(p for p in laid["parts"].tolist() if first < p < last), last]
            for low, high in pairwise(cuts):
                block = low
                while block < high:
                    wide = step if block + step <= high else 1
                    mine = lanes[(block - first) * LANES : (block - first + wide) * LANES]
                    weights[at : at + mine.size] = mine.T.reshape(-1)
                    begins.append(block)
                    sizes.append(wide)
                    spots.append(at)
                    at += mine.size
                    block += wide
        tiles.append(len(begins))
    columns["weight"] = [unit if own else w for own, w in zip(columns["weighted"], columns["weight"], strict=True)]
    kinds = {"weighted": np.uint8, "weight": real}
    return {name: np.array(values, kinds.get(name, np.int64)) for name, values in columns.items()} | {
        "tiles": np.array(tiles, np.int64),
        "tile_block": np.array(begins, np.int64),
        "tile_blocks": np.array(sizes, np.int64),
        "tile_at": np.array(spots, np.int64),
        "weights": weights,
        "crossover": CROSSOVER[np.dtype(real).name],
        "single": len(listed) == 1,
    }


def _span(netlist: Netlist, population: str, laid: Mapping[str, Any]) -> slice:
    """The blocks of a population, which lie together."""
    mine = np.flatnonzero(np.asarray(laid["population"]) == list(netlist.populations).index(population))
    return slice(int(mine[0]), int(mine[-1]) + 1)


def _by_lane(netlist: Netlist, block: Block, laid: Mapping[str, Any], span: slice, real: Any) -> NDArray[Any]:
    """The weights onto each lane of the target's blocks, from every sender: shape (lanes, senders), nought for empty lanes."""
    neurons = np.asarray(laid["neuron"])[span.start * LANES : span.stop * LANES]
    made = np.zeros((neurons.size, block.sizes[0]), real)
    own, wired = np.arange(block.sizes[0]), neurons - netlist.populations[block.target].start
    for first in range(0, neurons.size, LANES):
        lanes = first + np.flatnonzero(neurons[first : first + LANES] >= 0)
        # the canonical number of a synapse counts targets first (see AllToAll.edges)
        numbers = wired[lanes].astype(np.int64)[:, None] * block.sizes[0] + own
        made[lanes] = np.asarray(block.weights(numbers.reshape(-1)), real).reshape(numbers.shape)
    return made
