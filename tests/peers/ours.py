"""Our side of a benchmark: `ours.py WORKLOAD ARITHMETIC`, one JSON object on standard output.

Everything goes through the public interface, recorder and ledger on. Threads are those of NUMBA_NUM_THREADS, set by whoever
starts this process. The bounds are measured in this process too, after the runs.
"""

from __future__ import annotations

import time

BORN = time.perf_counter()

import argparse  # noqa: E402  the clock starts before the imports: they belong to the first result
import json  # noqa: E402
import resource  # noqa: E402
from typing import Any  # noqa: E402

OPERATIONS = ("synaptic operation", "dense operation", "shared operation", "outside operation")


def peak_mb() -> float:
    """The most memory this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(call: Any) -> tuple[float, float, Any]:
    """CPU seconds of all threads, wall seconds, and what came back."""
    t, c = time.perf_counter(), time.process_time()
    made = call()
    return time.process_time() - c, time.perf_counter() - t, made


def measure(name: str, arithmetic: str, *, seconds: float, repeats: int, bounds: bool) -> dict[str, Any]:
    """The row of one workload in one arithmetic."""
    from workloads import WORKLOADS, chip_for

    from workbench.backends.event import tiers
    from workbench.circuits.drive import draw
    from workbench.experiment import Experiment

    w = WORKLOADS[name]
    experiment = Experiment(w.circuit(), chip_for(w, arithmetic), duration=seconds, dt=w.dt, seed=1)
    empty = peak_mb()  # Numba is loaded after this, so its memory is counted with the synapses
    build_cpu, build, program = timed(experiment.compile)
    drive = draw(program.netlist, seconds, dt=w.dt, seed=1)
    best_cpu, best_wall, recording = timed(lambda: program.run(drive))
    first = time.perf_counter() - BORN
    with tiers.held(tiers.COMPILED):
        if repeats:
            program.run(drive)  # the first result may have been interpreted; what is measured now is compiled
        for _ in range(repeats):
            cpu, wall, recording = timed(lambda: program.run(drive))
            best_cpu, best_wall = min(best_cpu, cpu), min(best_wall, wall)
    events = sum(recording.ledger.count(e) for e in OPERATIONS)
    updates = w.neurons * seconds / w.dt
    row = {
        "arithmetic": recording.arithmetic,
        "cpu_s": best_cpu / seconds,
        "wall_s": best_wall / seconds,
        "rate_hz": sum(recording.counts.values()) / w.neurons / seconds,
        "events_per_s": events / best_cpu,
        "updates_per_s": updates / best_cpu,
        "build_s": build,
        "build_cpu_s": build_cpu,
        "first_s": first,
        "rss_mb": peak_mb(),
        "synapses": program.netlist.synapses,
        "bytes_per_synapse": (peak_mb() - empty) * 2**20 / program.netlist.synapses,
    }
    return row | shares(name, arithmetic, seconds, best_cpu, events, updates) if bounds else row


def shares(
    name: str, arithmetic: str, seconds: float, cpu: float, events: float, updates: float
) -> dict[str, float | None]:
    """How near the bound: the whole run, and delivery alone (the run less a silent one), against bare loops."""
    import bounds
    from workloads import WORKLOADS, chip_for

    from workbench.backends.event import tiers
    from workbench.circuits.drive import draw
    from workbench.experiment import Experiment

    w = WORKLOADS[name]
    silent = Experiment(w.silent(), chip_for(w, arithmetic), duration=seconds, dt=w.dt, seed=1)
    program = silent.compile()
    drive = draw(program.netlist, seconds, dt=w.dt, seed=1)
    with tiers.held(tiers.COMPILED):
        quiet = min(timed(lambda: program.run(drive))[0] for _ in range(4))
    add = bounds.random_add(w.neurons * w.slots, arithmetic, weighted=w.weighted)
    update = bounds.updates(w.neurons, arithmetic)
    return {
        "silent_s": quiet / seconds,
        "add_bound_per_s": add,
        "update_bound_per_s": update,
        "bound_share": (events / add + updates / update) / cpu,
        # the difference of two times says nothing where the updates are nearly all of it
        "delivery_share": events / (cpu - quiet) / add if cpu > 1.3 * quiet else None,
    }


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("workload")
    ask.add_argument("arithmetic", choices=("float64", "float32", "integer"))
    ask.add_argument("--seconds", type=float, default=1.0)
    ask.add_argument("--repeats", type=int, default=3)
    ask.add_argument("--no-bounds", action="store_true")
    a = ask.parse_args()
    row = measure(a.workload, a.arithmetic, seconds=a.seconds, repeats=a.repeats, bounds=not a.no_bounds)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
