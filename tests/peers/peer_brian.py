"""Brian2's side of the benchmark: `peer_brian.py WORKLOAD cython|cpp [--threads N]`, one JSON object on standard output.

The same equations and numbers as `workloads.py`, written as a Brian2 user would. Brian2's C++ program measures its own run phase
(CPU time while it has one thread, wall time with OpenMP); on the cython target the run phase is measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import brian2 as b
import numpy as np

SIZES = {"w1": 4000, "w1c": 4000, "w2": 20_000, "w2h": 20_000, "w3": 100_000}
SETTLE = 0.1
"""Seconds of model time before the measured part on the cython target."""


def vogels_abbott(*, conductances: bool) -> list[Any]:
    """W1 and W1C: Brette et al. 2007, the current-based and the conductance-based network."""
    if conductances:
        eqs = """
        dv/dt = (-60*mV - v + ge * (0*mV - v) + gi * (-80*mV - v)) / (20*ms) : volt (unless refractory)
        dge/dt = -ge / (5*ms) : 1
        dgi/dt = -gi / (10*ms) : 1
        """
        group = b.NeuronGroup(
            4000, eqs, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms, method="exponential_euler"
        )
        group.ge, group.gi = "rand() * 0.6", "rand() * 6.7"
        jumps = "ge += 0.6", "gi += 6.7"
    else:
        eqs = """
        dv/dt = (ge + gi - (v + 49*mV)) / (20*ms) : volt (unless refractory)
        dge/dt = -ge / (5*ms) : volt
        dgi/dt = -gi / (10*ms) : volt
        """
        group = b.NeuronGroup(
            4000, eqs, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms, method="exact"
        )
        jumps = "ge += 1.62*mV", "gi -= 9*mV"
    group.v = "-60*mV + rand() * 10*mV"
    exc, inh = b.Synapses(group[:3200], group, on_pre=jumps[0]), b.Synapses(group[3200:], group, on_pre=jumps[1])
    exc.connect(p=0.02)
    inh.connect(p=0.02)
    return [group, exc, inh]


def balanced(*, spread: bool) -> list[Any]:
    """W2 and W2H: 20,000 neurons, 800 + 200 delta synapses each; one delay, or one drawn for each synapse."""
    rng = np.random.default_rng(1)
    group = b.NeuronGroup(
        20_000,
        "dv/dt = (24.6*mV - v) / (20*ms) : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * b.ms,
        method="exact",
    )
    group.v = "rand() * 20*mV"
    parts: list[Any] = [group]
    for first, last, degree, jump in ((0, 16_000, 800, "v += 0.2*mV"), (16_000, 20_000, 200, "v -= 1.2*mV")):
        # one delay for all is said at the start: Brian2 then keeps no delay for each synapse
        synapses = b.Synapses(group[first:last], group, on_pre=jump, delay=None if spread else 1.5 * b.ms)
        # in the order of their sources, as Brian2's own rules make them: the other order costs it five times the time
        sources = rng.integers(0, last - first, degree * 20_000, dtype=np.int32)
        order = np.argsort(sources, kind="stable").astype(np.int32)
        synapses.connect(i=sources[order], j=order // degree)
        if spread:
            synapses.delay = rng.uniform(0.5, 1.5, sources.size) * b.ms
        parts.append(synapses)
    return parts


def chip_style() -> list[Any]:
    """W3: 100,000 neurons in whole steps, 100 targets each, weights from -68 to 59, a spike acts in the next step."""
    rng = np.random.default_rng(1)
    group = b.NeuronGroup(100_000, "v : 1\nu : 1", threshold="v > 1024", reset="v = 0")
    # on_pre runs after the update of its step, so a delay of 0 here is what a delay of one step is elsewhere
    group.run_regularly("v = v * (1.0 - 1.0 / 32.0) + u + 35\nu = 0", when="groups")
    group.v = "floor(rand() * 1024)"
    synapses = b.Synapses(group, group, "w : 1 (constant)", on_pre="u_post += w")
    sources = np.repeat(np.arange(100_000, dtype=np.int32), 100)
    synapses.connect(i=sources, j=rng.integers(0, 100_000, sources.size, dtype=np.int32))
    synapses.w = rng.integers(-68, 60, sources.size).astype(float)
    return [group, synapses]


MODELS = {
    "w1": lambda: vogels_abbott(conductances=False),
    "w1c": lambda: vogels_abbott(conductances=True),
    "w2": lambda: balanced(spread=False),
    "w2h": lambda: balanced(spread=True),
    "w3": chip_style,
}


def measured_cpp(folder: Path, repeats: int) -> tuple[float, float]:
    """Best run phase of the built program and its peak memory in MB."""
    seconds, peak = [], 0.0
    for _ in range(repeats):
        child = os.posix_spawn(str(folder / "main"), ["main"], dict(os.environ))
        _, status, usage = os.wait4(child, 0)
        if status:
            raise RuntimeError(f"Brian2's program ended with status {status}")
        seconds.append(float((folder / "results" / "last_run_info.txt").read_text().split()[0]))
        peak = max(peak, usage.ru_maxrss / 1024)
    return min(seconds), peak


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("workload", choices=SIZES)
    ask.add_argument("target", choices=("cython", "cpp"))
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--seconds", type=float, default=1.0)
    ask.add_argument("--repeats", type=int, default=3)
    ask.add_argument("--cache", help="a Cython cache to use again; a fresh one by default")
    a = ask.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        b.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-march=native", "-std=c++11"]
        if a.target == "cpp":
            if a.threads > 1:
                b.prefs.devices.cpp_standalone.openmp_threads = a.threads
            b.set_device("cpp_standalone", directory=str(folder / "made"), build_on_run=False)
        else:
            b.prefs.codegen.target = "cython"
            b.prefs.codegen.runtime.cython.cache_dir = a.cache or str(folder / "cython")
        b.defaultclock.dt = (1.0 if a.workload == "w3" else 0.1) * b.ms
        b.seed(1)
        parts = MODELS[a.workload]()
        spikes = b.SpikeMonitor(parts[0])
        net = b.Network(*parts, spikes)
        size = SIZES[a.workload]
        if a.target == "cpp":
            net.run(a.seconds * b.second)
            b.device.build(directory=str(folder / "made"), compile=True, run=True)
            first = time.perf_counter() - begin
            rate = spikes.num_spikes / size / a.seconds
            os.chdir(folder / "made")
            cpu, peak = measured_cpp(folder / "made", a.repeats)
            build, wall = first - cpu, cpu
        else:
            net.run(SETTLE * b.second)
            build = time.perf_counter() - begin
            both, before = [], spikes.num_spikes
            for _ in range(a.repeats):
                t, c = time.perf_counter(), time.process_time()
                net.run(a.seconds * b.second)
                both.append((time.process_time() - c, time.perf_counter() - t))
            cpu, wall = min(both)
            first = build + both[0][1]
            rate = (spikes.num_spikes - before) / size / a.seconds / a.repeats
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps(
                {
                    "cpu_s": cpu / a.seconds,
                    "wall_s": wall / a.seconds,
                    "rate_hz": rate,
                    "build_s": build,
                    "first_s": first,
                    "rss_mb": peak,
                    "version": b.__version__,
                }
            )
        )
        os.chdir("/")


if __name__ == "__main__":
    main()
