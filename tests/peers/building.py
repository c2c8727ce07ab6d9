"""How long a network takes to build: `building.py w2|column ARITHMETIC`, one JSON object on standard output.

The kernels are compiled first on the quick network, so that what is measured is the building and not the compiler.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from ours import OPERATIONS, peak_mb, timed

COLUMN = "potjans-diesmann"


def full_column() -> tuple[Any, Any]:
    """The column at its full size, and a small one to compile with."""
    from workbench.circuits import CIRCUITS

    small: Any = CIRCUITS[COLUMN]
    return type(small)(scale=1.0), small.quick()


def main() -> None:
    from workloads import WORKLOADS, balanced, chip_for

    from workbench.backends.event import tiers
    from workbench.experiment import Experiment
    from workbench.units import ms

    ask = argparse.ArgumentParser()
    ask.add_argument("what", choices=("w2", "column"))
    ask.add_argument("arithmetic")
    a = ask.parse_args()
    w = WORKLOADS["w2"]
    chip = chip_for(w, a.arithmetic)
    large, small = (w.circuit(), balanced(1.5 * ms, size=500)) if a.what == "w2" else full_column()
    duration = 0.01 if a.what == "w2" else 0.1
    if a.what == "column":
        with tiers.held(tiers.COMPILED):
            for _ in range(
                2
            ):  # the first run loads the compiler, which is when small networks are wired by compiled loops too
                Experiment(small, chip, duration=0.01, dt=1e-4, seed=1).run()
    experiment = Experiment(large, chip, duration=duration, dt=1e-4, seed=1)
    best = (1e9, 1e9)
    for _ in range(1 if a.what == "column" else 3):
        cpu, wall, program = timed(experiment.compile)
        best = min(best, (cpu, wall))
    row: dict[str, Any] = {
        "synapses": program.netlist.synapses,
        "note": f"{program.netlist.synapses / 1e6:.0f} M synapses",
    }
    if a.what == "column":
        from workbench.circuits.drive import draw

        drive = draw(program.netlist, duration, dt=1e-4, seed=1)
        with tiers.held(tiers.COMPILED):
            cpu, _, recording = timed(lambda: program.run(drive))
        events = sum(recording.ledger.count(e) for e in OPERATIONS)
        row |= {
            "rate_hz": sum(recording.counts.values()) / program.netlist.size / duration,
            "events_per_s": events / cpu,
            "note": row["note"] + f", built and run: {cpu / duration:.1f} CPU s per second of model time",
        }
    cpu, wall = best
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "build_s": wall, "rss_mb": peak_mb()} | row))


if __name__ == "__main__":
    main()
