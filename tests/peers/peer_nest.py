"""NEST's side of the benchmark: `peer_nest.py WORKLOAD [--threads N]`, one JSON object on standard output.

The same equations and numbers as `workloads.py` in NEST's units (pF, pA, nS, mV, ms).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import nest
import numpy as np

SIZES = {"w1": 4000, "w1c": 4000, "w2": 20_000, "w2h": 20_000, "w3": 100_000}


def vogels_abbott(*, conductances: bool) -> Any:
    """W1 (a resistance of 100 MΩ: 1.62 mV is 16.2 pA) and W1C."""
    shared = dict(V_th=-50.0, V_reset=-60.0, t_ref=5.0, C_m=200.0, tau_syn_ex=5.0, tau_syn_in=10.0)
    if conductances:
        model = shared | dict(E_L=-60.0, g_L=10.0, E_ex=0.0, E_in=-80.0)
        cells = nest.Create("iaf_cond_exp", 4000, params=model)
        cells.g_ex, cells.g_in = nest.random.uniform(0.0, 6.0), nest.random.uniform(0.0, 67.0)
        weights = 6.0, -67.0
    else:
        cells = nest.Create("iaf_psc_exp", 4000, params=shared | dict(E_L=-49.0, tau_m=20.0))
        weights = 16.2, -90.0
    cells.V_m = nest.random.uniform(-60.0, -50.0)
    rule = {"rule": "pairwise_bernoulli", "p": 0.02}
    nest.Connect(cells[:3200], cells, rule, {"weight": weights[0], "delay": 0.1})
    nest.Connect(cells[3200:], cells, rule, {"weight": weights[1], "delay": 0.1})
    return cells


def balanced(*, spread: bool) -> Any:
    """W2 and W2H; the drive of 24.6 mV is a current of 307.5 pA through 80 MΩ."""
    model = dict(E_L=0.0, V_th=20.0, V_reset=10.0, t_ref=2.0, tau_m=20.0, C_m=250.0, I_e=24.6 * 250.0 / 20.0)
    cells = nest.Create("iaf_psc_delta", 20_000, params=model)
    cells.V_m = nest.random.uniform(0.0, 20.0)
    delay = nest.random.uniform(0.5, 1.5) if spread else 1.5
    for source, degree, weight in ((cells[:16_000], 800, 0.2), (cells[16_000:], 200, -1.2)):
        nest.Connect(source, cells, {"rule": "fixed_indegree", "indegree": degree}, {"weight": weight, "delay": delay})
    return cells


def chip_style() -> Any:
    """W3; the decay of 1/32 in a step is tau = -1 / ln(31/32) ms, and 35 in a step the current that holds 35 · 32."""
    tau = -1.0 / np.log(31.0 / 32.0)
    model = dict(E_L=0.0, V_th=1024.0, V_reset=0.0, t_ref=0.0, tau_m=tau, C_m=tau, I_e=35.0 * 32.0, V_m=0.0)
    cells = nest.Create("iaf_psc_delta", 100_000, params=model)
    cells.V_m = nest.random.uniform(0.0, 1024.0)
    synapse = {"weight": nest.random.uniform_int(128) - 68.0, "delay": 1.0}
    nest.Connect(cells, cells, {"rule": "fixed_outdegree", "outdegree": 100}, synapse)
    return cells


MODELS = {
    "w1": lambda: vogels_abbott(conductances=False),
    "w1c": lambda: vogels_abbott(conductances=True),
    "w2": lambda: balanced(spread=False),
    "w2h": lambda: balanced(spread=True),
    "w3": chip_style,
}


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("workload", choices=SIZES)
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--seconds", type=float, default=1.0)
    ask.add_argument("--repeats", type=int, default=1)
    a = ask.parse_args()
    begin = time.perf_counter()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus({"resolution": 1.0 if a.workload == "w3" else 0.1, "local_num_threads": a.threads})
    cells = MODELS[a.workload]()
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Prepare()
    nest.Run(100.0)
    build = time.perf_counter() - begin
    both, before = [], recorder.n_events
    for _ in range(a.repeats):
        t, c = time.perf_counter(), time.process_time()
        nest.Run(1000.0 * a.seconds)
        both.append((time.process_time() - c, time.perf_counter() - t))
    cpu, wall = min(both)
    print(
        json.dumps(
            {
                "cpu_s": cpu / a.seconds,
                "wall_s": wall / a.seconds,
                "rate_hz": (recorder.n_events - before) / SIZES[a.workload] / a.seconds / a.repeats,
                "build_s": build,
                "first_s": build + both[0][1],
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": nest.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
