"""Our side of W4 and NumPy's: `layer.py PERCENT integer|float32|numpy-batched|numpy-stepwise`, one JSON object on standard output.

4096 inputs that are active with the given probability in each of 200 steps, all connected to 4096 neurons by 8-bit weights. The
spikes are handed in with `advance(inputs=...)`; the dense side multiplies float32 matrices and leaves the neurons out.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace
from typing import Any

import numpy as np

N, STEPS, DT = 4096, 200, 1e-3


def dense(spikes: Any, weights: Any, *, batched: bool) -> None:
    """All products of 200 steps."""
    if batched:
        spikes @ weights
    else:
        for row in spikes:
            weights @ row


def event_driven(percent: float, arithmetic: str, spikes: Any) -> tuple[list[tuple[float, float]], dict[str, float]]:
    """CPU and wall seconds of some runs through the public interface, and what else was measured."""
    from workbench.backends.event import tiers
    from workbench.chips import CHIPS
    from workbench.circuits.drive import draw
    from workbench.circuits.network import Network, Population, Projection, Source
    from workbench.circuits.neurons.discrete_lif import DiscreteLif
    from workbench.circuits.spread import Uniform
    from workbench.circuits.stimuli import External
    from workbench.circuits.wiring import AllToAll
    from workbench.experiment import Experiment

    cell = DiscreteLif(leak=1 / 32, threshold=8192.0)
    network = Network(
        populations={"out": Population(N, cell)},
        sources={"in": Source(N, External())},
        projections={"layer": Projection("in", "out", AllToAll(), weight=Uniform(-64.5, 64.5), delay=DT)},
    )
    base: Any = CHIPS["loihi-roomy"]
    chip = replace(base, name=f"{base.name} {arithmetic}", arithmetic=arithmetic)
    begin = time.perf_counter()
    program = Experiment(network, chip, duration=STEPS * DT, dt=DT, seed=1).compile()
    build = time.perf_counter() - begin
    drive = draw(program.netlist, STEPS * DT, dt=DT, seed=1)
    times, events = [], 0
    for _ in range(4):
        run = program.start(drive)
        t, c = time.perf_counter(), time.process_time()
        with tiers.held(tiers.COMPILED):
            run.advance(STEPS * DT, inputs={"in": spikes})
        times.append((time.process_time() - c, time.perf_counter() - t))
        ledger = run.recording().ledger
        events = sum(ledger.count(e) for e in ("dense operation", "synaptic operation", "outside operation"))
    return times[1:], {"events": events, "build_s": build}


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("percent", type=float)
    ask.add_argument("way", choices=("integer", "float32", "float64", "numpy-batched", "numpy-stepwise"))
    a = ask.parse_args()
    rng = np.random.default_rng(1)
    spikes = rng.random((STEPS, N)) < a.percent / 100
    more: dict[str, float] = {}
    if a.way.startswith("numpy"):
        values, weights = spikes.astype(np.float32), rng.standard_normal((N, N)).astype(np.float32)
        times = []
        for _ in range(4):
            t, c = time.perf_counter(), time.process_time()
            dense(values, weights, batched=a.way.endswith("batched"))
            times.append((time.process_time() - c, time.perf_counter() - t))
        times = times[1:]
    else:
        times, more = event_driven(a.percent, a.way, spikes.astype(np.uint16))
    cpu, wall = min(times)
    seconds = STEPS * DT
    row = {"cpu_s": cpu / seconds, "wall_s": wall / seconds, "note": f"{cpu / STEPS * 1e6:.1f} µs a step"}
    if "events" in more:
        row |= {"events_per_s": more["events"] / cpu, "build_s": more["build_s"]}
    print(json.dumps(row | {"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
