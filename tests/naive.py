"""Slow, obvious twins: what a step, a rule or a route means, written for reading. Tests hold the fast code against these."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np

from workbench.backends import outside
from workbench.backends.base import rounded_delays
from workbench.circuits.drive import Drive
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Current
from workbench.circuits.unfold import Netlist

GOLD = 0x9E3779B97F4A7C15
M64, M32 = 2**64 - 1, 2**32 - 1


def rule_bits(key: int, step: int, index: int) -> int:
    """The counter rule in plain Python integers."""
    z = (key + step * GOLD) & M64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
    z ^= z >> 31
    x = (index * 0x9E3779B1 + (z & M32)) & M32
    x ^= x >> 16
    x = (x * 0x21F0AAAD) & M32
    x ^= x >> 15
    x = (x + (z >> 32)) & M32
    x = (x * 0x735A2D97) & M32
    x ^= x >> 15
    x = (x * 0x846CA68B) & M32
    return x ^ (x >> 16)


def at(value: Any, k: int) -> float:
    """A number that is the same for all, or the k-th of many."""
    return float(value) if np.ndim(value) == 0 else float(value[k])


def outside_operations(netlist: Netlist, delays: dict[str, Any], given: dict[str, np.ndarray], steps: int) -> int:
    """Synapses met by spikes from outside; a spike counts where the engine handles it: fused sources on arrival, listed ones when sent."""
    total = 0
    for name, b in netlist.projections.items():
        if b.source in given:
            i, _ = b.edges()
            lag = int(np.max(delays[name])) if b in outside.fused(netlist) else 0
            total += int(given[b.source][: max(steps - lag, 0)].sum(axis=0)[i].sum())
    return total


def run_lif(netlist: Netlist, drive: Drive, steps: int) -> tuple[list[tuple[int, int]], dict[str, int]]:
    """Every spike as (step, neuron), and the counts of events, of a netlist of Lif neurons: one neuron at a time."""
    dt = drive.dt
    delays, _ = rounded_delays(netlist, dt)
    cells = list(netlist.populations.values())
    owner = {c.start + k: (c, k) for c in cells for k in range(c.size)}
    exponentials = [r for r in ("exc", "inh") if any(r in c.receptors for c in cells)]

    constants: dict[str, dict[str, Any]] = {
        c.name: Lif.step_constants(dict(c.parameters), exponentials, dt) for c in cells
    }
    out: dict[tuple[str, int], list[tuple[int, str, float, int]]] = defaultdict(list)
    for name, b in netlist.projections.items():
        if isinstance(b.kind, Current):
            continue
        i, j = b.edges()
        for e in range(len(i)):
            target = netlist.populations[b.target].start + int(j[e])
            out[b.source, int(i[e])].append(
                (target, b.receptor, at(b.weight, e), int(np.broadcast_to(delays[name], len(i))[e]))
            )

    v = {n: at(c.initial["v"], k) for n, (c, k) in owner.items()}
    current = {(n, r): 0.0 for n in owner for r in exponentials}
    ready = dict.fromkeys(owner, 0)
    due: dict[int, dict[tuple[int, str], float]] = defaultdict(lambda: defaultdict(float))
    given = {s: drive.counts(s, 0, steps) for s, x in netlist.sources.items() if x.stimulus.kind == "spikes"}
    inward = outside.currents(netlist, drive, 0, steps)
    spikes: list[tuple[int, int]] = []
    events = {"active update": 0, "synaptic operation": 0, "outside operation": 0, "spike": 0}
    for n in range(steps):
        for source, counts in given.items():
            for k in np.flatnonzero(counts[n]):
                for target, receptor, weight, delay in out[source, int(k)]:
                    due[n + delay][target, receptor] += weight * int(counts[n, k])
        fired = []
        for m, (c, k) in owner.items():
            p = constants[c.name]
            x = at(p["mu"], k) + (v[m] - at(p["mu"], k)) * at(p["a"], k)
            for r in exponentials:
                x += current[m, r] * at(p[f"b.{r}"], k)
                current[m, r] *= at(p[f"c.{r}"], k)
            if c.name in inward:
                x += at(p["gain"], k) * inward[c.name][n, k]
            awake = ready[m] <= n
            if awake:
                v[m] = x
            if awake and v[m] > at(c.parameters["threshold"], k):
                fired.append(m)
        arrived = due.pop(n, {})
        touched = {m for (m, _), w in arrived.items() if w != 0.0}
        for (m, receptor), weight in arrived.items():
            if receptor == "input":
                if ready[m] <= n and m not in fired:
                    v[m] += weight
            else:
                current[m, receptor] += weight
        for m in fired:
            c, k = owner[m]
            v[m] = at(c.parameters["reset"], k)
            ready[m] = n + int(np.floor(at(c.parameters["refractory"], k) / dt + 1e-3))
            spikes.append((n, m))
            for target, receptor, weight, delay in out[c.name, k]:
                due[n + delay][target, receptor] += weight
                events["synaptic operation"] += 1
        events["active update"] += len(touched | set(fired))
        events["spike"] += len(fired)
    events["outside operation"] = outside_operations(netlist, delays, given, steps)
    return spikes, events


def kept(x: float, leak: float, rounding: str) -> float:
    """What a leak leaves of `x` in one step; in plain integers where the numbers are whole."""
    if rounding == "none":
        return x * (1.0 - leak)
    if float(x).is_integer() and float(leak * 4096).is_integer():
        lost = -(-abs(int(x)) * int(leak * 4096) // 4096)
    else:
        lost = math.ceil(leak * abs(x))
    return x - lost if x > 0 else x + lost


def run_discrete(
    netlist: Netlist,
    drive: Drive,
    steps: int,
    *,
    inputs: dict[str, np.ndarray] | None = None,
    states: list[dict[str, list[float]]] | None = None,
) -> tuple[list[tuple[int, int]], dict[str, int]]:
    """Like `run_lif`, for a netlist of DiscreteLif neurons; `states` is filled with v, exc, inh at the start of each step."""
    delays, _ = rounded_delays(netlist, drive.dt)
    owner = {c.start + k: (c, k) for c in netlist.populations.values() for k in range(c.size)}
    out: dict[tuple[str, int], list[tuple[int, str, float, int]]] = defaultdict(list)
    for name, b in netlist.projections.items():
        i, j = b.edges()
        lag = np.broadcast_to(delays[name], len(i))
        for e in range(len(i)):
            target = netlist.populations[b.target].start + int(j[e])
            out[b.source, int(i[e])].append((target, b.receptor, at(b.weight, e), int(lag[e])))

    v = [at(c.initial["v"], k) for c, k in owner.values()]
    u = {r: [0.0] * len(v) for r in ("exc", "inh")}
    ready = [0] * len(v)
    due: dict[int, dict[tuple[int, str], float]] = defaultdict(lambda: defaultdict(float))
    given = {s: drive.counts(s, 0, steps) for s in netlist.sources} | (inputs or {})
    spikes: list[tuple[int, int]] = []
    events = {"active update": 0, "synaptic operation": 0, "outside operation": 0, "spike": 0}
    for n in range(steps):
        if states is not None:
            states.append({"v": list(v), "exc": list(u["exc"]), "inh": list(u["inh"])})
        for source, counts in given.items():
            for k in np.flatnonzero(counts[n]):
                for target, receptor, weight, delay in out[source, int(k)]:
                    due[n + delay][target, receptor] += weight * int(counts[n, k])
        arrived = due.pop(n, {})
        fired = []
        for m, (c, k) in owner.items():
            rounding = c.neuron.rounding
            p = {name: at(value, k) for name, value in c.parameters.items()}
            for r in u:
                u[r][m] += arrived.get((m, r), 0.0)
            if ready[m] <= n:
                x = kept(v[m], p["leak"], rounding)
                x = x + arrived.get((m, "input"), 0.0)
                x = x + u["exc"][m]
                x = x + u["inh"][m]
                x = x + p["bias"]
                v[m] = max(x, p["lowest"])
                if v[m] > p["threshold"]:
                    fired.append(m)
            for r in u:
                u[r][m] = kept(u[r][m], p[f"leak_{r}"], rounding)
        for m in fired:
            c, k = owner[m]
            reset = c.neuron.after_spike == "reset"
            v[m] = at(c.parameters["reset"], k) if reset else v[m] - at(c.parameters["threshold"], k)
            ready[m] = n + max(1, int(at(c.parameters["refractory"], k)))
            spikes.append((n, m))
            for target, receptor, weight, delay in out[c.name, k]:
                due[n + delay][target, receptor] += weight
                events["synaptic operation"] += 1
        events["active update"] += len({m for (m, _), w in arrived.items() if w != 0.0} | set(fired))
        events["spike"] += len(fired)
    events["outside operation"] = outside_operations(netlist, delays, given, steps)
    return spikes, events


def crossbar_nodes(
    conductances: np.ndarray, voltages: np.ndarray, row_wire: float, column_wire: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Column currents, row nodes and column nodes of a crossbar: Kirchhoff's current law at every node, by sparse LU.

    Row i's driver, a segment, the node of its first cell, a segment, ...; column j's first cell, a segment, ..., its last cell, a
    segment, ground. `voltages` is (rows,), or (rows, many): currents are then
    (many, columns) and nodes (rows, columns, many). Nodes that a wire without resistance joins are one node.
    """
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    rows, columns = conductances.shape
    given = np.asarray(voltages, dtype=float).reshape(rows, -1)
    ground = rows  # known potentials: the drivers 0 .. rows-1, then ground; nodes are numbered after them
    w = np.repeat(np.arange(rows)[:, None], columns, axis=1)
    b = np.full((rows, columns), ground)
    count = rows + 1
    if row_wire:
        w = count + np.arange(rows * columns).reshape(rows, columns)
        count += rows * columns
    if column_wire:
        b = count + np.arange(rows * columns).reshape(rows, columns)
        count += rows * columns
    resistors = [(int(w[i, j]), int(b[i, j]), conductances[i, j]) for i in range(rows) for j in range(columns)]
    if row_wire:
        for i in range(rows):
            path = [i, *w[i]]
            resistors += [(int(p), int(q), 1 / row_wire) for p, q in itertools.pairwise(path)]
    if column_wire:
        for j in range(columns):
            path = [*b[:, j], ground]
            resistors += [(int(p), int(q), 1 / column_wire) for p, q in itertools.pairwise(path)]
    p, q, g = (np.array(x) for x in zip(*resistors))
    laplacian = sp.csc_matrix(
        (np.concatenate([g, g, -g, -g]), (np.concatenate([p, q, p, q]), np.concatenate([p, q, q, p]))), (count, count)
    )
    known = rows + 1
    potential = np.zeros((count, given.shape[1]))
    potential[:rows] = given
    if count > known:
        potential[known:] = splu(laplacian[known:, known:]).solve(-(laplacian[known:, :known] @ potential[:known]))
    current = (conductances[:, :, None] * (potential[w] - potential[b])).sum(axis=0).T
    if np.ndim(voltages) == 1:
        return current[0], potential[w][:, :, 0], potential[b][:, :, 0]
    return current, potential[w], potential[b]


def crossbar_matrix(conductances: np.ndarray, row_wire: float, column_wire: float) -> np.ndarray:
    """The matrix T with column currents V @ T, one row at a time: one volt on that row, none on the others."""
    return crossbar_nodes(conductances, np.eye(len(conductances)), row_wire, column_wire)[0]
