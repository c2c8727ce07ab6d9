"""The slow, obvious twin of networks with values: what every neuron emits in every step, one neuron and one synapse at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.naive import at, kept
from workbench.backends.base import delay_steps
from workbench.circuits.drive import Drive
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.unfold import Netlist


def run_values(
    netlist: Netlist, drive: Drive, steps: int, *, inputs: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """(steps, size) for each population: 1.0 where a neuron spiked, y where it emits values."""
    inward: dict[tuple[str, int], list[tuple[str, str, int, float, int]]] = defaultdict(list)
    for b in netlist.projections.values():
        i, j = b.edges()
        lag = np.broadcast_to(delay_steps(b, drive.dt), len(i))
        for e in range(len(i)):
            inward[b.target, int(j[e])].append((b.receptor, b.source, int(i[e]), at(b.weight, e), int(lag[e])))
    outside = {
        name: drive.values(name, 0, steps) if s.stimulus.kind == "values" else drive.counts(name, 0, steps)
        for name, s in netlist.sources.items()
    } | dict(inputs or {})
    cells = netlist.populations
    made = {name: np.full((steps, c.size), np.nan) for name, c in cells.items()}
    state: dict[tuple[str, int], dict[str, Any]] = {
        (name, k): {s: at(v, k) for s, v in c.initial.items()} | {"ready": 0, "exc": 0.0, "inh": 0.0}
        for name, c in cells.items()
        for k in range(c.size)
    }

    def emitted(name: str, n: int, k: int) -> float:
        if n < 0:
            return 0.0
        if name in outside:
            return float(outside[name][n, k])
        if math.isnan(made[name][n, k]):  # asked for in the step itself: whoever asks waits until it is known
            made[name][n, k] = value(name, n, k)
        return float(made[name][n, k])

    def arriving(name: str, n: int, k: int, receptor: str) -> float:
        return sum(w * emitted(source, n - d, i) for r, source, i, w, d in inward[name, k] if r == receptor)

    def value(name: str, n: int, k: int) -> float:
        p = {f: at(v, k) for f, v in cells[name].parameters.items()}
        x = arriving(name, n, k, "input")
        if isinstance(cells[name].neuron, Relu):
            return min(max(p["gain"] * (x + p["bias"]), p["lowest"]), p["highest"])
        a = math.exp(-drive.dt / p["tau"])
        before = emitted(name, n - 1, k) if n else state[name, k]["y"]
        return a * before + (1 - a) * (x + p["bias"])

    def lif(name: str, n: int, k: int) -> float:
        s, c = state[name, k], cells[name]
        p = {f: at(v, k) for f, v in c.parameters.items()}
        constants = Lif.step_constants(p, ("input", "exc", "inh"), drive.dt)
        x = constants["mu"] + (s["v"] - constants["mu"]) * constants["a"]
        for r in ("exc", "inh"):
            x += s[r] * constants[f"b.{r}"]
            s[r] = s[r] * constants[f"c.{r}"] + arriving(name, n, k, r)
        awake = s["ready"] <= n
        fired = awake and x > p["threshold"]
        if awake:
            s["v"] = x + arriving(name, n, k, "input")
        if fired:
            s["v"], s["ready"] = p["reset"], n + math.floor(p["refractory"] / drive.dt + 1e-3)
        return float(fired)

    def discrete(name: str, n: int, k: int) -> float:
        s, c = state[name, k], cells[name]
        p = {f: at(v, k) for f, v in c.parameters.items()}
        rounding = c.neuron.rounding  # type: ignore[attr-defined]
        x = kept(s["v"], p["leak"], rounding) + arriving(name, n, k, "input")
        for r in ("exc", "inh"):
            s[r] += arriving(name, n, k, r)
            x += s[r]
            s[r] = kept(s[r], p[f"leak_{r}"], rounding)
        if s["ready"] > n:
            return 0.0
        s["v"] = max(x + p["bias"], p["lowest"])
        if s["v"] <= p["threshold"]:
            return 0.0
        s["v"] = s["v"] - p["threshold"] if c.neuron.after_spike == "subtract" else p["reset"]  # type: ignore[attr-defined]
        s["ready"] = n + max(1, int(p["refractory"]))
        return 1.0

    rules = {Relu: emitted, Integrator: emitted, Lif: lif, DiscreteLif: discrete}
    for n in range(steps):
        for name, c in cells.items():
            for k in range(c.size):
                made[name][n, k] = rules[type(c.neuron)](name, n, k)
    return made
