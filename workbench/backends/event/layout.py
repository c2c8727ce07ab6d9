"""What an event program is made of: rows of synapses, segments of neurons, Poisson sources, as the kernel's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.circuits.drive import Drive
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Current, Delta, Exponential
from workbench.circuits.unfold import Block, Netlist

if TYPE_CHECKING:
    from workbench.backends.event.program import EventProgram

__all__ = [
    "Wires",
    "lay_cuts",
    "lay_noise",
    "lay_parts",
    "lay_segments",
    "lay_wires",
    "realised_block",
    "starts_of",
    "targets_of",
]


@final
@dataclass(frozen=True, eq=False)
class Wires:
    """Rows of synapses as the kernel reads them, and which receptors they use."""

    arrays: dict[str, Any]
    exponentials: tuple[str, ...]
    """Exponential receptors in use, in the model's order: one current row each."""
    delta: bool
    blocks: tuple[Block, ...]
    """The blocks with rows: all but currents and the Poisson sources drawn in the kernel."""


def lay_wires(netlist: Netlist, kept: Mapping[str, Block], delays: Mapping[str, Any], real: Any) -> Wires:
    """Put the rows of all blocks one after the other, with each block's receptor, weights and delays."""
    drawn = {b.name for b in outside.fused(netlist)}
    carried = [b for b in kept.values() if not isinstance(b.kind, Current)]
    used = {b.receptor for b in carried}
    exponentials = tuple(n for n, r in Lif.receptors.items() if isinstance(r, Exponential) and n in used)
    delta = any(isinstance(b.kind, Delta) for b in carried)
    blocks = tuple(b for b in carried if b.name not in drawn)
    rows = {n: k + delta for k, n in enumerate(exponentials)} | {"input": 0}
    senders = [*netlist.populations, *netlist.sources]
    narrow = np.uint16 if max(c.size for c in netlist.populations.values()) <= 65536 else np.uint32
    start = np.empty(sum(b.sizes[0] + 1 for b in blocks), np.int64)
    targets = np.empty(sum(b.count for b in blocks), narrow)
    weights, lags = [np.zeros(0, real)], [np.zeros(0, np.int32)]
    a: dict[str, list[Any]] = {
        k: []
        for k in (
            "row_base",
            "target_start",
            "row",
            "weight",
            "weighted",
            "weight_at",
            "delay",
            "delayed",
            "delay_at",
        )
    }
    base = place_at = 0
    for b in blocks:
        own_w, own_d = isinstance(b.weight, np.ndarray), isinstance(delays[b.name], np.ndarray)
        rows_of = b.rows(numbered=own_w or own_d)
        end = place_at + rows_of.targets.size
        start[base : base + b.sizes[0] + 1] = rows_of.start + place_at
        targets[place_at:end] = rows_of.targets
        a["row_base"].append(base)
        a["target_start"].append(netlist.populations[b.target].start)
        a["row"].append(rows[b.receptor])
        a["weight"].append(0.0 if own_w else b.weight)
        a["weighted"].append(own_w)
        a["weight_at"].append(sum(w.size for w in weights) - place_at)
        a["delay"].append(0 if own_d else delays[b.name])
        a["delayed"].append(own_d)
        a["delay_at"].append(sum(d.size for d in lags) - place_at)
        if own_w:
            weights.append(np.asarray(b.weight)[rows_of.edge].astype(real))
        if own_d:
            lags.append(np.asarray(delays[b.name])[rows_of.edge].astype(np.int32))
        base, place_at = base + b.sizes[0] + 1, end
    listed = [[k for k, b in enumerate(blocks) if b.source == s] for s in senders]
    kinds = {"weight": real, "weighted": np.uint8, "delayed": np.uint8}
    arrays = {k: np.array(v, kinds.get(k, np.int64)) for k, v in a.items()}
    arrays |= {
        "start": start,
        "rows": np.array([b.sizes[0] for b in blocks], np.int64),
        "targets": targets,
        "weights": np.concatenate(weights),
        "delays": np.concatenate(lags),
        "first": np.cumsum([0, *map(len, listed)]),
        "listed": np.array([k for ks in listed for k in ks], np.int64),
    }
    return Wires(arrays, exponentials, delta, blocks)


def targets_of(wires: Wires, k: int) -> NDArray[Any]:
    """The targets of block number `k`, row after row."""
    base, rows = wires.arrays["row_base"][k], wires.blocks[k].sizes[0]
    start = wires.arrays["start"]
    return wires.arrays["targets"][start[base] : start[base + rows]]


def starts_of(wires: Wires, k: int) -> NDArray[np.int64]:
    """Where each row of block number `k` begins in `targets_of(wires, k)`, and where the last one ends."""
    base, rows = wires.arrays["row_base"][k], wires.blocks[k].sizes[0]
    start = wires.arrays["start"][base : base + rows + 1]
    return start - start[0]


def lay_segments(netlist: Netlist, core_of: NDArray[np.int32], dt: float, real: Any) -> dict[str, Any]:
    """Cut the populations where the core or a constant changes; a spread parameter makes every neuron its own segment."""
    exponentials = [
        n
        for n, r in Lif.receptors.items()
        if isinstance(r, Exponential) and any(n in c.receptors for c in netlist.populations.values())
    ]
    columns: dict[str, list[Any]] = {
        k: [] for k in ("start", "population", "base", "core", "mu", "a", "gain", "threshold", "reset", "refractory")
    }
    b: list[NDArray[Any]] = []
    c: list[NDArray[Any]] = []
    for number, cells in enumerate(netlist.populations.values()):
        p = dict(cells.parameters)
        constants = Lif.step_constants(p, exponentials, dt) | {"threshold": p["threshold"], "reset": p["reset"]}
        hold = np.floor(np.asarray(p["refractory"]) / dt + 1e-3).astype(np.int32)
        spread = any(np.ndim(x) for x in constants.values()) or hold.ndim > 0
        mine = core_of[cells.span]
        cuts = np.arange(cells.size) if spread else np.flatnonzero(np.diff(mine, prepend=-1))

        at = partial(_taken, size=cells.size, cuts=cuts)

        for k in ("mu", "a", "gain", "threshold", "reset"):
            columns[k].append(at(constants[k]))
        columns["start"].append(cuts + cells.start)
        columns["population"].append(np.full(cuts.size, number))
        columns["base"].append(np.full(cuts.size, cells.start))
        columns["core"].append(mine[cuts])
        columns["refractory"].append(at(hold))
        b.append(
            np.stack([at(constants[f"b.{e}"]) for e in exponentials]) if exponentials else np.zeros((0, cuts.size))
        )
        c.append(
            np.stack([at(constants[f"c.{e}"]) for e in exponentials]) if exponentials else np.zeros((0, cuts.size))
        )
    kinds = {"start": np.int64, "population": np.int64, "base": np.int64, "core": np.int64, "refractory": np.int64}
    made = {k: np.concatenate(v).astype(kinds.get(k, real)) for k, v in columns.items()}
    made["start"] = np.append(made["start"], netlist.size)
    made["of"] = np.repeat(np.arange(made["core"].size, dtype=np.int32), np.diff(made["start"]))
    return made | {"b": np.concatenate(b, axis=1).astype(real), "c": np.concatenate(c, axis=1).astype(real)}


def _taken(value: Any, *, size: int, cuts: NDArray[np.int64]) -> NDArray[Any]:
    return np.broadcast_to(np.asarray(value), size)[cuts]


def lay_parts(cores: NDArray[np.int64], starts: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """The first segment of each of at most `parts` parts of about equal size; a core is never shared by two."""
    cuts = np.flatnonzero(np.diff(cores)) + 1
    wanted = starts[-1] * np.arange(1, parts) / parts
    chosen = {int(cuts[np.argmin(np.abs(starts[cuts] - w))]) for w in wanted} if cuts.size else set()
    return np.array([0, *sorted(chosen), cores.size], np.int64)


def lay_cuts(kernel: Any, wires: Wires, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row of synapses, where it passes from one part of the neurons to the next; `edges` are the parts' first neurons."""
    a = wires.arrays
    cuts = np.zeros((a["start"].size, edges.size), np.int64)
    kernel.cut_rows(a["start"], a["targets"], a["row_base"], a["rows"], a["target_start"], edges, cuts)
    return cuts


def lay_noise(program: EventProgram, drive: Drive, fused: Sequence[str]) -> dict[str, Any]:
    """The Poisson sources the kernel draws itself, with the range of thresholds worth comparing for every neuron."""
    rows = {n: k + program._wires.delta for k, n in enumerate(program._wires.exponentials)} | {"input": 0}
    numbers = {n: k for k, n in enumerate(program.netlist.populations)}
    columns: dict[str, list[Any]] = {
        k: [] for k in ("population", "key", "low", "high", "weight", "row", "delay", "begin", "end")
    }
    tables, at = [np.zeros(0, np.uint32)], [0]
    for name in fused:
        b = program.netlist.projections[name]
        key, table, begin, end = drive.rule(b.source)  # type: ignore[misc]
        rare = 2.0**32 / 2**11  # counts that one neuron in two thousand meets are compared apart
        low, high = int(np.searchsorted(table, rare)), int(np.searchsorted(table, 2.0**32 - rare))
        for k, value in zip(
            columns,
            (
                numbers[b.target],
                key,
                low,
                max(low, high),
                b.weight,
                rows[b.receptor],
                program._delays[name],
                begin,
                end,
            ),
            strict=True,
        ):
            columns[k].append(value)
        tables.append(table)
        at.append(at[-1] + table.size)
    kinds = {"key": np.uint64, "weight": program._real}
    return {k: np.array(v, kinds.get(k, np.int64)) for k, v in columns.items()} | {
        "table": np.concatenate(tables),
        "table_at": np.array(at, np.int64),
    }


def realised_block(block: Block, steps: Any, dt: float, real: Any) -> Block:
    """A block as the chip keeps it: delays in whole steps, weights in the chip's arithmetic."""
    weight = block.weight if real is np.float64 else np.asarray(block.weight, np.float32).astype(np.float64)
    if not isinstance(weight, float) and np.ndim(weight) == 0:
        weight = float(weight)
    delay = steps * dt
    return replace(block, weight=weight, delay=float(delay) if np.ndim(delay) == 0 else delay)
