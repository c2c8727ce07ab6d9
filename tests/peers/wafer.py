"""A wafer's run measured: `wafer.py NEURONS --seconds S`, one JSON object on standard output.

Everything goes through the public interface: an experiment with a rate of every die each 10 ms and the ledger. CPU seconds are those of
all threads, for the whole run from rest; what is compiled is compiled before, on a small sheet.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

from ours import peak_mb, timed

ONE_WAFER = 200_000_000


def measure(neurons: int, seconds: float, repeats: int) -> dict[str, Any]:
    """The row of a sheet of so many neurons."""
    from workbench.backends.base import Probe
    from workbench.chips.wafers import TIANQIN_HAI_CLASS
    from workbench.circuits.library.wafer_sheet import WaferSheet
    from workbench.experiment import Experiment

    chip = TIANQIN_HAI_CLASS
    if neurons > ONE_WAFER:  # as many wafers side by side as are needed
        chip = replace(chip, name="side by side", dies_x=chip.dies_x * -(-neurons // ONE_WAFER))
    described = replace(WaferSheet(), neurons=neurons)
    # Without probes: labelling them loads libraries, which a first run loads when its potentials are given back.
    Experiment(replace(described, neurons=30_000), chip, duration=0.02, dt=described.step, seed=1).run()
    asked = Experiment(described, chip, duration=seconds, dt=described.step, seed=1)
    dies = range(len(asked.compile().placement.cores))
    asked = replace(asked, probes=tuple(Probe(p, "rate.die", which=tuple(dies), every=0.01) for p in "EI"))
    cpu, wall, recording = timed(asked.run)
    for _ in range(repeats - 1):
        again, real, recording = timed(asked.run)
        cpu, wall = min(cpu, again), min(wall, real)
    counts = sum(recording.counts.values())
    events = recording.ledger.count("synaptic operation") + recording.ledger.count("outside operation")
    last = recording.traces["E.rate.die"].values[-2]
    return {
        "cpu_s": cpu / seconds,
        "wall_s": wall / seconds,
        "ms_per_step": 1000 * cpu * described.step / seconds,
        "rate_hz": counts / neurons / seconds,
        "events_per_s": events / cpu,
        "updates_per_s": neurons * seconds / described.step / cpu,
        "rss_mb": peak_mb(),
        "joules": recording.ledger.total,
        "note": f"{neurons / 1e6:g} M neurons, {seconds:g} s; dies at {last.min():.2f} to {last.max():.2f} Hz at the end",
    }


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("neurons", type=float)
    ask.add_argument("--seconds", type=float, default=0.3)
    ask.add_argument("--repeats", type=int, default=1)
    a = ask.parse_args()
    print(json.dumps(measure(int(a.neurons), a.seconds, a.repeats)))


if __name__ == "__main__":
    main()
