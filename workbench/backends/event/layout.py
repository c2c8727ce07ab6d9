"""What an event program is made of: blocks of neurons, rows of synapses, Poisson sources, as the kernel's arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends import outside
from workbench.backends.base import delay_steps
from workbench.backends.event import plain
from workbench.circuits.drive import Drive
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Conductance, Current, Exponential
from workbench.circuits.unfold import Block, Netlist
from workbench.circuits.wiring import Rows
from workbench.errors import UnsupportedError
from workbench.kernels import pays
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.backends.event.program import EventProgram

__all__ = [
    "LANES",
    "Form",
    "Ways",
    "Wires",
    "bundles_of",
    "form_of",
    "lay_blocks",
    "lay_noise",
    "lay_rows",
    "lay_runs",
    "lay_ways",
    "lay_wires",
    "narrowed",
    "starts_of",
    "targets_of",
]

LANES = 32
"""Neurons in a block."""

SMALL = 1 << 21
"""Synapses up to which NumPy fills the rows sooner than a compiled loop is loaded."""

MOST_WAYS = 4
"""Weights of one receptor that are counted apart."""

LARGEST_UNIT = 1 << 15
"""Weights are kept in units no larger."""

SOME = 1 << 20
"""So many weights are looked at together."""

LONGEST_HOLD = 32_767
"""Refractory steps that fit a block."""


@final
@dataclass(frozen=True)
class Form:
    """Which rule a network's neurons follow, and which receptors are in use; every one but "input" has a state of its own."""

    discrete: bool
    delta: bool
    currents: tuple[str, ...]
    conductances: tuple[str, ...]

    @property
    def rows(self) -> dict[str, int]:
        """The state at which what a receptor brings arrives."""
        return {"input": 0} | {name: k for k, name in enumerate((*self.currents, *self.conductances), start=1)}

    @property
    def states(self) -> dict[str, int]:
        """The field of each state of a neuron, as a probe names it."""
        names = ("v", *(f"current_{n}" for n in self.currents), *(f"conductance_{n}" for n in self.conductances))
        return {name: number for number, name in enumerate(names)}


def form_of(netlist: Netlist, kept: Mapping[str, Block]) -> Form:
    """The form of a network whose models the chip is known to have."""
    discrete = any(isinstance(c.neuron, DiscreteLif) for c in netlist.populations.values())
    used = {b.receptor for b in kept.values() if not isinstance(b.kind, Current)}
    receptors = DiscreteLif.receptors if discrete else Lif.receptors
    flowing = [
        n for n, r in receptors.items() if n in used and (isinstance(r, Exponential) or (discrete and n != "input"))
    ]
    opening = [n for n, r in receptors.items() if n in used and isinstance(r, Conductance)]
    return Form(discrete, "input" in used, tuple(flowing), tuple(opening))


@final
@dataclass(frozen=True, eq=False)
class Wires:
    """Synapses by source, block by block, as the rules give them."""

    blocks: tuple[Block, ...]
    """The blocks with rows: all but currents, gap junctions and the Poisson sources drawn in the kernel."""
    rows: tuple[Rows, ...]


def lay_wires(netlist: Netlist, kept: Mapping[str, Block]) -> Wires:
    """The rows of all blocks that carry spikes."""
    drawn = {b.name for b in outside.fused(netlist)}
    blocks = tuple(b for b in kept.values() if not isinstance(b.kind, Current) and b.name not in drawn)
    return Wires(blocks, tuple(b.rows() for b in blocks))


def starts_of(wires: Wires, k: int) -> NDArray[np.int64]:
    """Where the rows of block number `k` begin in `targets_of`."""
    return wires.rows[k].start


def targets_of(wires: Wires, k: int) -> NDArray[Any]:
    """The targets of block number `k`, local to their population, row after row."""
    return wires.rows[k].targets


@final
@dataclass(frozen=True)
class Ways:
    """How arrivals are kept: as sums of weights in `kind`, or, with `count` ways, as counts of spikes for each weight."""

    kind: Any
    count: int = 0
    number: Mapping[tuple[str, str, Any], int] = field(default_factory=dict)
    """The way of a weight onto a receptor of a population."""
    cancels: bool = False
    """Whether counts that are not zero may add up to nothing."""
    unit: int = 0
    """Not 0: the one way counts such units, of which every weight is a whole number, negative ones too."""

    def lines(self, states: int) -> int:
        """Lines of arrivals that a block has in one step."""
        return states * max(1, self.count)

    def line(self, block: Block, form: Form, real: Any) -> int:
        """The line onto which a block of synapses goes."""
        row = form.rows[block.receptor]
        if self.unit or not self.count:
            return row
        return row * self.count + self.number[block.target, block.receptor, real(block.weight)]

    def amount(self, weight: Any, unit: int) -> Any:
        """What a spike adds to what is kept: `weight` where its synapses share one, else what their numbers are multiplied by."""
        if self.unit:
            return int(unit if weight is None else weight) // self.unit
        return 1 if self.count else unit if weight is None else weight


def lay_ways(netlist: Netlist, wires: Wires, form: Form, real: Any) -> Ways:
    """The narrowest way to keep arrivals that cannot overflow: counts where all synapses of a receptor share a few weights.

    Whole weights have a power of two in common, of which they are small numbers: where sums do not fit 16 bits, those may. A neuron's spike comes at most once through each synapse in a step, so no place counts more than its synapses. A count times a
    weight is what the sum would be, to the last bit in float64 (weights lie on a grid whose sums are exact).
    """
    plain = Ways(real)
    if not wires.blocks or outside.fused(netlist) or any(b.external for b in wires.blocks):
        return plain
    most = {n: np.zeros(c.size, np.int64) for n, c in netlist.populations.items()}
    kinds: tuple[Any, ...]
    number: dict[tuple[str, str, Any], int]
    if real is np.int32:
        for b, rows in zip(wires.blocks, wires.rows, strict=True):
            low, high = b.extremes()["weight"]
            _count(rows.targets, most[b.target], math.ceil(max(-low, high)))
        highest, fits = max(int(m.max()) for m in most.values()), np.iinfo(np.int16).max
        if highest <= fits:
            return Ways(np.int16)
        unit = _unit_of(wires.blocks) if highest // LARGEST_UNIT <= fits else 1
        number = {(b.target, b.receptor, unit): 0 for b in wires.blocks}
        return Ways(np.int16, 1, number, unit=unit) if unit > 1 and highest // unit <= fits else plain
    if any(b.weighted for b in wires.blocks):
        return plain
    number = {}
    for b in wires.blocks:
        key = (b.target, b.receptor, real(b.weight))
        number.setdefault(key, sum(k[:2] == key[:2] for k in number))
    count = max(number.values()) + 1
    if count > MOST_WAYS:
        return plain
    for b, rows in zip(wires.blocks, wires.rows, strict=True):
        _count(rows.targets, most[b.target], 1)
    highest = max(int(m.max()) for m in most.values())
    kinds = tuple(t for t in (np.uint8, np.uint16) if highest <= np.iinfo(t).max)
    return Ways(kinds[0], count, number, _cancels(number, highest, real)) if kinds else plain


def _unit_of(blocks: Sequence[Block]) -> int:
    """The greatest power of two that divides all weights, at most `LARGEST_UNIT`."""
    bits = LARGEST_UNIT
    for b in blocks:
        # Some at a time, since all weights in float64 would take more than the synapses themselves.
        for at in range(0, b.count if b.weighted else 1, SOME):
            found = b.weights(np.arange(at, min(at + SOME, b.count))) if b.weighted else b.weight
            bits |= int(np.bitwise_or.reduce(np.atleast_1d(np.asarray(found)).astype(np.int64)))
            if bits & 1:
                return 1
    return bits & -bits


def _cancels(number: Mapping[tuple[str, str, Any], int], highest: int, real: Any) -> bool:
    """Whether up to `highest` spikes of each weight may add up to nothing in the kernel's arithmetic."""
    for target, receptor, _ in number:
        weights = [w for t, r, w in number if (t, r) == (target, receptor)]
        if 0 in weights or (len(weights) > 2 and min(weights) < 0 < max(weights)):
            return True
        if min(weights) < 0 < max(weights):
            sums = [np.arange(1, highest + 1).astype(real) * abs(w) for w in weights]
            if np.intersect1d(*sums).size:
                return True
    return False


def _count(targets: NDArray[Any], most: NDArray[np.int64], times: int) -> None:
    """Add `times` to the place of each target."""
    if pays(targets.size, SMALL):
        from workbench.kernels.event import rows as kernel  # noqa: PLC0415  compiled kernels only for what is large

        kernel.count_targets(targets, most, times)
    else:
        most += np.bincount(targets, minlength=most.size) * times


# --- neurons ----------------------------------------------------------------------------------------------------------------


def lay_blocks(netlist: Netlist, core_of: NDArray[Any], form: Form, ways: Ways, dt: float, real: Any) -> dict[str, Any]:
    """Blocks of 32 lanes; each holds neurons of one population on one core, and knows where its constants are."""
    from workbench.kernels.event.rules import constants_of  # noqa: PLC0415  compiled kernels only when something runs

    rule = "discrete" if form.discrete else "lif"
    names = constants_of(rule, len(form.currents), len(form.conductances), ways.count * len(form.states))
    columns: dict[str, list[NDArray[Any]]] = {
        k: [] for k in ("core", "population", "neuron", "constants_of", "holds_of")
    }
    constants: list[NDArray[Any]] = []
    holds: list[NDArray[Any]] = []
    ordered, sets = True, 0
    for number, cells in enumerate(netlist.populations.values()):
        mine = np.asarray(core_of[cells.span])
        order = np.arange(cells.size)
        if np.any(np.diff(mine) < 0):
            order, ordered = np.argsort(mine, kind="stable"), False
        runs = np.flatnonzero(np.diff(mine[order], prepend=-1))
        lengths = np.diff(np.append(runs, cells.size))
        counts = -(-lengths // LANES)
        lanes = np.full(int(counts.sum()) * LANES, -1, np.int32)
        first = np.concatenate([[0], np.cumsum(counts)[:-1]]) * LANES
        lanes[np.repeat(first - runs, lengths) + np.arange(cells.size)] = order + cells.start
        blocks = lanes.size // LANES
        values, hold = _constants(netlist, cells.name, form, dt)
        values |= dict.fromkeys((n for n in names if n.startswith("weight.")), 0.0)
        for (target, receptor, weight), way in ways.number.items():
            if target == cells.name:
                values[f"weight.{form.rows[receptor] * ways.count + way}"] = weight
        spread = any(np.ndim(v) for v in values.values()) or np.ndim(hold) > 0
        # A set of constants for each block where neurons differ, one for all where they do not.
        pick = np.where(lanes < 0, 0, lanes - cells.start) if spread else np.zeros(LANES, np.int64)
        made = np.stack([np.broadcast_to(np.asarray(values[n], np.float64), cells.size)[pick] for n in names])
        made = made.reshape(len(names), -1, LANES).transpose(1, 0, 2)
        constants.append((np.rint(made) if real is np.int32 else made).astype(real))
        holds.append(np.broadcast_to(hold, cells.size)[pick].astype(np.int16))
        own = np.arange(blocks) if spread else np.zeros(blocks, np.int64)
        columns["core"].append(np.repeat(mine[order][runs], counts))
        columns["population"].append(np.full(blocks, number))
        columns["neuron"].append(lanes)
        columns["constants_of"].append((sets + own) * len(names) * LANES)
        columns["holds_of"].append((sets + own) * LANES)
        sets += blocks if spread else 1
    kinds = {"constants_of": np.uint64, "holds_of": np.uint64}
    a: dict[str, Any] = {k: np.concatenate(v).astype(kinds.get(k, np.int32)) for k, v in columns.items()}
    lane = a["neuron"] >= 0
    place = np.empty(netlist.size, np.int32)
    place[a["neuron"][lane]] = np.flatnonzero(lane)
    starts = np.array([c.start for c in netlist.populations.values()], np.int64)
    index = np.maximum(a["neuron"].astype(np.int64) - np.repeat(starts[a["population"]], LANES), 0)
    bits = (lane.reshape(-1, LANES) * (1 << np.arange(LANES, dtype=np.uint64))).sum(axis=1)
    return a | {
        "live": bits.astype(np.uint32),
        "number": index.astype(np.uint32),
        "place": place,
        "constants": np.concatenate(constants).reshape(-1),
        "holds": np.concatenate(holds).reshape(-1),
        "ordered": ordered,
    }


def _constants(netlist: Netlist, population: str, form: Form, dt: float) -> tuple[dict[str, Any], Any]:
    """The constants of a population's neurons under the kernel's names, numbers or arrays, and their refractory steps."""
    cells = netlist.populations[population]
    p = dict(cells.parameters)
    if form.discrete:
        neuron = cells.neuron
        whole = getattr(neuron, "rounding", "none") == "away"

        def left(leak: Any) -> Any:
            return np.asarray(leak) * 4096 if whole else 1.0 - np.asarray(leak)

        subtract = getattr(neuron, "after_spike", "reset") == "subtract"
        made = {
            "keep": left(p["leak"]),
            "bias": p["bias"],
            "lowest": p["lowest"],
            "threshold": p["threshold"],
            # v − threshold is reset + 1 · (v − threshold) with a reset of 0.
            "reset": 0.0 if subtract else p["reset"],
            "subtract": float(subtract),
        }
        made |= {f"decay.{k}": left(p[f"leak_{n}"]) for k, n in enumerate(form.currents)}
        hold = np.asarray(p["refractory"])
    else:
        c = Lif.step_constants(p, (*form.currents, *form.conductances), dt)
        made = {k: c[k] for k in ("mu", "a", "gain")} | {"threshold": p["threshold"], "reset": p["reset"]}
        made |= {f"current_scale.{k}": c[f"b.{n}"] for k, n in enumerate(form.currents)}
        made |= {f"decay.{k}": c[f"c.{n}"] for k, n in enumerate((*form.currents, *form.conductances))}
        if form.conductances:
            made["h"] = c["h"]
            made |= {f"conductance_scale.{k}": c[f"scale.{n}"] for k, n in enumerate(form.conductances)}
            made |= {f"conductance_pull.{k}": c[f"pull.{n}"] for k, n in enumerate(form.conductances)}
        hold = np.floor(np.asarray(p["refractory"]) / dt + 1e-3)
    hold = np.maximum(hold, 1).astype(np.int64)
    if hold.max() > LONGEST_HOLD:
        raise UnsupportedError(
            tr(
                "The refractory period of '{name}' is {steps} steps; an event chip counts up to {most}. Take longer steps.",
                name=population,
                steps=int(hold.max()),
                most=LONGEST_HOLD,
            )
        )
    return made, hold


def lay_runs(blocks: Mapping[str, Any], *, spread: bool) -> dict[str, NDArray[np.int64]]:
    """Runs of blocks of one part that have the same constants (or each its own), and the first of each part."""
    parts = blocks["parts"]
    numbers = blocks["constants_of"][:0] if spread else blocks["constants_of"]
    edges = np.union1d(parts, np.flatnonzero(np.diff(numbers)) + 1).astype(np.int64)
    return {"runs": edges, "first_run": np.searchsorted(edges, parts).astype(np.int64)}


# --- synapses ---------------------------------------------------------------------------------------------------------------


def lay_rows(
    netlist: Netlist,
    wires: Wires,
    blocks: Mapping[str, Any],
    form: Form,
    ways: Ways,
    slots: int,
    dt: float,
    real: Any,
    *,
    apart: Sequence[int] = (),
    spare: int = 0,
) -> dict[str, Any]:
    """Synapses by sender, in bundles of one delay and one weight (or with one of each for every synapse), but for the blocks `apart`.

    After the last synapse come `spare` that are none, for whoever reads whole vectors.
    """
    kernel: Any = plain
    if pays(sum(r.targets.size for r in wires.rows), SMALL):
        from workbench.kernels.event import rows as kernel  # noqa: PLC0415  compiled kernels only for what is large

    senders = [*netlist.populations, *netlist.sources]
    bundles = bundles_of(wires, senders, dt, real, apart)
    parts = blocks["parts"]
    part_of = np.repeat(np.arange(parts.size - 1, dtype=np.int64), np.diff(parts))
    states = ways.lines(len(form.states))
    widest = int(np.diff(parts).max()) * LANES * states
    sizes = [c.size for c in netlist.populations.values()] + [s.size for s in netlist.sources.values()]
    total = sum(wires.rows[k].targets.size for _, ks in bundles for k in ks)
    base = np.cumsum([0, *(sizes[key[0]] for key, _ in bundles)])
    cuts = np.zeros((int(base[-1]), parts.size), np.uint32 if total < 2**32 else np.int64)
    reach = widest
    if any(key[1] == 0 for key, _ in bundles):
        # Whoever reads whole vectors also adds the slot to a code.
        reach = widest * (2 * slots if spare else slots + 1)
    codes = np.empty(total + spare, np.uint16 if reach <= 65536 else np.uint32)
    owned = sum(wires.rows[k].targets.size for key, ks in bundles if key[2] is None for k in ks)
    weights = np.empty(owned + (spare if owned else 0), real)
    codes[total:], weights[owned:] = 0, 0
    weight_at, at, spent = [], 0, 0
    nothing = np.zeros(0, np.int32)
    for number, (key, members) in enumerate(bundles):
        mine = cuts[base[number] : base[number + 1]]
        for k in members:
            place = blocks["place"][netlist.populations[wires.blocks[k].target].span]
            kernel.count_block(wires.rows[k].start, wires.rows[k].targets, place, part_of, mine)
        begin, at = at, int(kernel.settle(mine, at))
        cursor = mine[:, :-1].copy()
        for k in members:
            block, rows = wires.blocks[k], wires.rows[k]
            if key[1] == 0 or key[2] is None:
                rows = block.rows(numbered=True)
            kernel.add_block(
                rows.start,
                rows.targets,
                blocks["place"][netlist.populations[block.target].span],
                part_of,
                parts,
                cursor,
                ways.line(block, form, real),
                states,
                delay_steps(block, dt, rows.edge) if key[1] == 0 else nothing,
                codes,
                weights[spent:],
                begin,
                np.asarray(block.weights(rows.edge), real) if key[2] is None else np.zeros(0, real),
            )
        weight_at.append(spent - begin)
        spent += (at - begin) if key[2] is None else 0
    weights, unit = narrowed(weights)
    weights = weights if weights.size else weights.astype(ways.kind)
    listed = [[n for n, (key, _) in enumerate(bundles) if key[0] == s] for s in range(len(senders))]
    order = [n for ns in listed for n in ns]
    names = {
        "base": [int(base[n]) for n in order],
        "delay": [bundles[n][0][1] for n in order],
        "weighted": [bundles[n][0][2] is None for n in order],
        "weight_at": [weight_at[n] for n in order],
    }
    sizes_in = [c.size for c in netlist.populations.values()]
    return {k: np.array(v, np.uint8 if k == "weighted" else np.int64) for k, v in names.items()} | {
        "codes": codes,
        "cuts": cuts.reshape(-1),
        # A spike that is counted adds one.
        "weight": np.array([ways.amount(bundles[n][0][2], unit) for n in order], ways.kind),
        "weights": weights,
        "states": np.array(
            [np.bitwise_or.reduce([1 << form.rows[wires.blocks[k].receptor] for k in bundles[n][1]]) for n in order],
            np.uint64,
        ),
        "first": np.cumsum([0, *map(len, listed)]).astype(np.int64),
        "sender": np.repeat(np.arange(len(sizes_in), dtype=np.uint16), sizes_in),
        "start": np.array([c.start for c in netlist.populations.values()] + [0] * len(netlist.sources), np.int64),
    }


Bundle = tuple[int, int, Any]
"""The sender's number, the common delay in steps (0: each synapse has its own), the common weight (None: each has its own)."""


def bundles_of(
    wires: Wires, senders: Sequence[str], dt: float, real: Any, apart: Sequence[int] = ()
) -> list[tuple[Bundle, list[int]]]:
    """The bundles in which the blocks of synapses lie, but for those `apart`, and which blocks are in each."""
    found: dict[Bundle, list[int]] = {}
    for k, block in enumerate(wires.blocks):
        if k in apart:
            continue
        low, high = (int(delay_steps(block, dt, value=x)) for x in block.extremes()["delay"])
        delay = low if not block.delayed or low == high else 0
        weight = None if block.weighted else real(block.weight)
        found.setdefault((senders.index(block.source), delay, weight), []).append(k)
    return list(found.items())


def narrowed(weights: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Whole weights in the fewest bytes that hold them all, and the power of two they were divided by.

    The stream of weights is half of what a delivery reads, and a chip's weights are short mantissas with an exponent.
    """
    if not np.issubdtype(weights.dtype, np.integer) or not weights.size:
        return weights, 1
    low, high, bits = int(weights.min()), int(weights.max()), int(np.bitwise_or.reduce(weights))
    unit = bits & -bits or 1
    low, high = low // unit, high // unit
    fits = next((t for t in (np.int8, np.int16) if np.iinfo(t).min <= low and high <= np.iinfo(t).max), np.int32)
    return (weights // unit).astype(fits), unit


def lay_noise(program: EventProgram, drive: Drive, fused: Sequence[str]) -> dict[str, Any]:
    """The Poisson sources the kernel draws itself, with the range of thresholds worth comparing for every neuron."""
    numbers = {n: k for k, n in enumerate(program.netlist.populations)}
    columns: dict[str, list[Any]] = {
        k: [] for k in ("population", "key", "low", "high", "weight", "row", "delay", "begin", "end")
    }
    tables, at = [np.zeros(0, np.uint32)], [0]
    for name in fused:
        b = program._carried.projections[name]
        key, table, begin, end = drive.rule(b.source)  # type: ignore[misc]
        if not table.size:
            continue
        rare = 2.0**32 / 2**11  # counts that one neuron in two thousand meets are compared apart
        low, high = int(np.searchsorted(table, rare)), int(np.searchsorted(table, 2.0**32 - rare))
        made = (
            numbers[b.target],
            key,
            low,
            max(low, high),
            b.weight,
            program._form.rows[b.receptor],
            int(delay_steps(b, program.dt)),
            begin,
            end,
        )
        for k, value in zip(columns, made, strict=True):
            columns[k].append(value)
        tables.append(table)
        at.append(at[-1] + table.size)
    kinds = {"key": np.uint64, "weight": program._layout["ways"].kind}
    return {k: np.array(v, kinds.get(k, np.int64)) for k, v in columns.items()} | {
        "table": np.concatenate(tables),
        "table_at": np.array(at, np.int64),
    }
