"""The slider: 800 E + 200 I neurons, p 0.1, dt 0.1 ms, one second of model time; fifty different settings.

Wall seconds from `Experiment.run` (unfold, draw, compile, run) to the Recording, float64, recorder and ledger on, no cache of
results: the median is the row, the slowest is in the note. A second row is the whole of `NetworkStates.run`, with its numbers.
The Brian2 reference runs one of the settings for comparison.
"""

from __future__ import annotations

import json
import statistics
import time

from workbench.backends.event import tiers
from workbench.chips import CHIPS, Ideal
from workbench.circuits import CIRCUITS
from workbench.experiment import Experiment
from workbench.studies.network_states import NetworkStates

SETTINGS = [(3.0 + 3.0 * (k % 10) / 9, 0.9 + 2.1 * (k // 10) / 4, k) for k in range(50)]


def say(engine: str, seconds: float, note: str) -> None:
    print(
        json.dumps(
            {
                "benchmark": "slider 1,000 neurons, wall",
                "engine": engine,
                "arithmetic": "float64",
                "seconds": seconds,
                "note": note,
            }
        ),
        flush=True,
    )


def main() -> None:
    quick = Experiment(CIRCUITS["balanced"].quick(), CHIPS["loihi-davies"], duration=1.0, dt=1e-4)
    quick.run()
    times = []
    for g, eta, seed in SETTINGS:
        begin = time.perf_counter()
        quick.vary(g=g, eta=eta, seed=seed).run()
        times.append(time.perf_counter() - begin)
    say(
        "workbench loihi-davies",
        statistics.median(times),
        f"median of 50, slowest {max(times) * 1e3:.0f} ms, goal 50 ms",
    )
    study = NetworkStates(chip=CHIPS["loihi-davies"])
    study.run()
    times = []
    for g, eta, seed in SETTINGS:
        moved = study.changed({"g": g, "eta": eta, "seed": seed})
        begin = time.perf_counter()
        moved.run()
        times.append(time.perf_counter() - begin)
    say("workbench study.run()", statistics.median(times), f"median of 50, slowest {max(times) * 1e3:.0f} ms")
    reference = quick.on(Ideal())
    reference.vary(duration=0.01).run()
    begin = time.perf_counter()
    reference.run()
    say("brian2 numpy (reference)", time.perf_counter() - begin, "one setting")


if __name__ == "__main__":
    with tiers.held(tiers.COMPILED):  # what a moved slider costs once the network's kernel is there
        main()
