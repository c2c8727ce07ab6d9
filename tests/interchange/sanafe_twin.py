"""A plain twin of the discrete neuron on a chip, with what SANA-FE counts: NumPy, one step after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.backends.event.timing import work_of
from workbench.chips.event import EVENTS, EventChip
from workbench.circuits.unfold import Netlist


@dataclass
class Counted:
    """Spikes in order, updates by step and core, events in all, and the fan-out table."""

    steps: np.ndarray
    neurons: np.ndarray
    active: np.ndarray
    inactive: np.ndarray
    events: dict[str, int]
    start: np.ndarray
    core: np.ndarray
    work: np.ndarray


def count(netlist: Netlist, mapped: Any, chip: EventChip, steps: int, *, zero_counts: bool = True) -> Counted:
    """Run a netlist of DiscreteLif neurons without refractoriness and count; delays are one step, sources are silent.

    `zero_counts`: arrivals that add up to nothing make an update active, as in SANA-FE.
    """
    size = netlist.size
    cells = list(netlist.populations.values())

    def wide(name: str) -> np.ndarray:
        return np.concatenate([np.broadcast_to(np.asarray(c.parameters[name], float), c.size) for c in cells])

    leak, threshold, reset, bias = (wide(k) for k in ("leak", "threshold", "reset", "bias"))
    away = np.concatenate([np.full(c.size, c.neuron.rounding == "away") for c in cells])
    subtract = np.concatenate([np.full(c.size, c.neuron.after_spike == "subtract") for c in cells])
    v = np.concatenate([np.broadcast_to(np.asarray(c.initial["v"], float), c.size) for c in cells]).copy()
    core_of = np.asarray(mapped.core_of)
    cores = len(mapped.tiles)
    parts = []
    kinds = {"synaptic operation": 0, "dense operation": 1, "shared operation": 2}
    for b in netlist.projections.values():
        i, j = b.edges()
        parts.append(
            (
                i.astype(np.int64) + netlist.populations[b.source].start,
                j.astype(np.int64) + netlist.populations[b.target].start,
                np.broadcast_to(np.asarray(b.weight, float), i.size),
                np.full(i.size, kinds[b.rule.storage]),
            )
        )
    i, j, w, kind = (
        (np.concatenate(x) if parts else np.zeros(0, np.int64) for x in zip(*parts))
        if parts
        else [np.zeros(0, np.int64)] * 4
    )
    order = np.argsort(i, kind="stable")
    i, j, w, kind = i[order], j[order], np.asarray(w, float)[order], kind[order]
    first = np.searchsorted(i, np.arange(size + 1))
    pair = i * cores + core_of[j]
    pairs, number = np.unique(pair, return_inverse=True)
    operations = np.zeros((3, pairs.size), np.int64)
    np.add.at(operations, (kind, number), 1)
    sender, core = pairs // cores, pairs % cores
    start = np.searchsorted(sender, np.arange(size + 1))
    work = work_of(chip, synaptic=operations[0], dense=operations[1], shared=operations[2])
    hops = np.abs(np.asarray(mapped.tiles)[core_of[sender]] - np.asarray(mapped.tiles)[core]).astype(np.int64)

    arriving, touched = np.zeros(size), np.zeros(size, bool)
    fired_at, fired_who = [], []
    active = np.zeros((steps, cores), np.int64)
    for n in range(steps):
        on = (v != 0) | (bias != 0) | (touched if zero_counts else arriving != 0)
        lost = np.where(away, np.ceil(leak * np.abs(v)) * np.sign(v), leak * v)
        v = v - lost + arriving + bias
        fires = v > threshold
        v = np.where(fires, np.where(subtract, v - threshold, reset), v)
        active[n] = np.bincount(core_of[on | fires], minlength=cores)
        who = np.flatnonzero(fires)
        fired_at.append(np.full(who.size, n))
        fired_who.append(who)
        arriving, touched = np.zeros(size), np.zeros(size, bool)
        if who.size:
            rows = np.concatenate([np.arange(first[k], first[k + 1]) for k in who])
            np.add.at(arriving, j[rows], w[rows])
            touched[j[rows]] = True
    neurons = np.concatenate(fired_who)
    times = np.bincount(neurons, minlength=size)
    events = dict.fromkeys(EVENTS, 0)
    for name, k in kinds.items():
        events[name] = int(times[sender] @ operations[k])
    events |= {
        "active update": int(active.sum()),
        "inactive update": size * steps - int(active.sum()),
        "spike": neurons.size,
        "packet": int(times[sender].sum()),
        "packet received": int(times[sender].sum()),
        "east-west hop": int(times[sender] @ hops[:, 0]),
        "north-south hop": int(times[sender] @ hops[:, 1]),
    }
    inactive = np.bincount(core_of, minlength=cores)[None, :] - active
    return Counted(np.concatenate(fired_at), neurons, active, inactive, events, start, core, work)
