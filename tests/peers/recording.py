"""What recording costs: `recording.py WORKLOAD ARITHMETIC`, or `recording.py spikes ARITHMETIC --limit SPIKES`; one JSON object.

The recorder's share is the CPU time inside its methods, for a run through the public interface. Ten million spikes come from
20,000 neurons without synapses, driven far above threshold; what they take is the growth of the process's peak memory.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from ours import peak_mb, timed

METHODS = ("add", "mark", "window", "taps", "untap", "spikes", "traces")


def watch(recorder: Any) -> dict[str, float]:
    """Wrap the recorder's methods so that the CPU seconds inside the outermost of them add up."""
    spent = {"s": 0.0, "depth": 0.0}

    def wrapped(method: Any) -> Any:
        def timed_method(*words: Any, **more: Any) -> Any:
            spent["depth"] += 1
            t = time.process_time()
            try:
                return method(*words, **more)
            finally:
                spent["depth"] -= 1
                if spent["depth"] == 0:
                    spent["s"] += time.process_time() - t

        return timed_method

    for name in METHODS:
        if hasattr(recorder, name):
            setattr(recorder, name, wrapped(getattr(recorder, name)))
    return spent


def share(name: str, arithmetic: str) -> dict[str, Any]:
    """The recorder's share of a workload."""
    from workloads import WORKLOADS, chip_for

    from workbench.backends.recorder import Recorder
    from workbench.circuits.drive import draw
    from workbench.experiment import Experiment

    w = WORKLOADS[name]
    program = Experiment(w.circuit(), chip_for(w, arithmetic), duration=1.0, dt=w.dt, seed=1).compile()
    drive = draw(program.netlist, 1.0, dt=w.dt, seed=1)
    program.run(drive)
    spent = watch(Recorder)
    best = None
    for _ in range(3):
        spent["s"] = 0.0
        cpu, wall, _recording = timed(lambda: program.run(drive))
        best = min(best or (cpu, wall, spent["s"]), (cpu, wall, spent["s"]))
    cpu, wall, inside = best or (0.0, 0.0, 0.0)
    return {
        "cpu_s": cpu,
        "wall_s": wall,
        "recorder_share": inside / cpu,
        "note": f"recorder {inside / cpu:.1%} of the run",
    }


def many(arithmetic: str, limit: int) -> dict[str, Any]:
    """Ten million spikes under a limit on how many are kept."""
    from dataclasses import replace

    from workloads import WORKLOADS, chip_for

    from workbench.backends.base import Limits
    from workbench.circuits.network import Network, Population
    from workbench.circuits.neurons.lif import Lif
    from workbench.circuits.spread import Uniform
    from workbench.experiment import Experiment
    from workbench.units import Mohm, mV

    cell = Lif(threshold=20 * mV, reset=10 * mV, resistance=40 * Mohm, bias=100 * mV / (40 * Mohm))
    network = Network(populations={"N": Population(20_000, cell, {"v": Uniform(0.0, 20 * mV)})})
    chip = chip_for(WORKLOADS["w2"], arithmetic)
    experiment = Experiment(network, chip, duration=0.01, dt=1e-4, seed=1, limits=Limits(spikes=limit))
    experiment.run()
    before = peak_mb()
    seconds = 2.2
    cpu, wall, recording = timed(replace(experiment, duration=seconds).run)
    count, grown = sum(recording.counts.values()), peak_mb() - before
    return {
        "cpu_s": cpu / seconds,
        "wall_s": wall / seconds,
        "rss_mb": peak_mb(),
        "grown_mb": grown,
        "rate_hz": count / 20_000 / seconds,
        "spikes": count,
        "note": f"{count / 1e6:.1f} M spikes, {grown:.0f} MB more ({grown * 2**20 / count:.0f} bytes a spike)",
    }


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("what")
    ask.add_argument("arithmetic")
    ask.add_argument("--limit", type=int, default=20_000_000)
    a = ask.parse_args()
    from workbench.backends.event import tiers

    with tiers.held(tiers.COMPILED):
        print(json.dumps(many(a.arithmetic, a.limit) if a.what == "spikes" else share(a.what, a.arithmetic)))


if __name__ == "__main__":
    main()
