"""Mapping: ten thousand clusters on 100 × 100 tiles, a layered net on 64 × 64, METIS in row-major order, and the column's reach.

CPU seconds of one core after the kernels are compiled. `share` is hops over those of the placement the note names.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.unfold import unfold
from workbench.mapping import map, place
from workbench.mapping.mapped import plan
from workbench.mapping.reach import synapses
from workbench.mapping.traffic import Traffic
from workbench.studies.mesh_mapping import layered

MESH = replace(CHIPS["loihi-small-cores"], tiles_x=100, tiles_y=100)


def say(engine: str, seconds: float, note: str, **more: float) -> None:
    row = {"benchmark": "mapping", "engine": engine, "arithmetic": "float64", "seconds": seconds, "note": note}
    print(json.dumps(row | more), flush=True)


def timed(call: Callable[[], place.Search]) -> tuple[place.Search, float]:
    begin = time.process_time()
    return call(), time.process_time() - begin


def clusters(kind: str) -> Traffic:
    """Ten thousand clusters of ten partners each: near in number, or anywhere."""
    rng = np.random.default_rng(0)
    source = np.repeat(np.arange(10_000), 10)
    near = (source + np.rint(rng.laplace(0, 30, source.size)).astype(int)) % 10_000
    target = near if kind == "local" else rng.integers(0, 10_000, source.size)
    return Traffic(10_000, source.astype(np.int32), target.astype(np.int32), np.ones(source.size))


if __name__ == "__main__":
    place.force_directed(layered(20, 20), replace(MESH, tiles_x=20, tiles_y=20))  # compiled before it is timed
    for kind in ("local", "anywhere"):
        traffic = clusters(kind)
        found, seconds = timed(lambda traffic=traffic: place.force_directed(traffic, MESH))
        share = float(found.costs[-1]) / traffic.hops(place.random(10_000, MESH, seed=0))
        say(
            "force-directed", seconds, f"10,000 clusters, {kind}, {found.costs.size - 1} sweeps; goal 60 s", share=share
        )
    large, net = replace(MESH, tiles_x=64, tiles_y=64), layered(64, 64)
    found, seconds = timed(lambda: place.force_directed(net, large))
    share = float(found.costs[-1]) / net.hops(place.random(net.cores, large, seed=0))
    say("force-directed", seconds, "layers of 64 on 64 × 64 tiles, beside random; goal 0.5", share=share)
    column = unfold(replace(CIRCUITS["potjans-diesmann"], scale=1.0).network(), seed=0)
    rows = list(synapses(column)())
    roomy = replace(CHIPS["loihi-roomy"], tiles_x=20, tiles_y=20, cores_per_tile=1, neurons_per_core=256)
    small = unfold(CIRCUITS["worm"].network(), seed=0)
    map(small, replace(roomy, placement="force-directed"), seed=0)
    for _ in range(2):  # the first compiles
        begin = time.process_time()
        made = plan(column, roomy, seed=0, rows=lambda: rows)
        seconds = time.process_time() - begin
    say(
        "reach",
        seconds,
        f"the column: {column.synapses:,} synapses, {len(made.cores)} cores, {made.reached.inside.pairs:,} pairs",
    )
