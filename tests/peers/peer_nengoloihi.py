"""NengoLoihi's emulator on W3's equations with fewer neurons: `peer_nengoloihi.py [NEURONS]`, one JSON object on standard output.

Nengo writes a current where we write a jump: with a decay of 1/32 in a step, a jump w is the current 32 w for one step, and a spike is
1/dt high. The threshold is 1. The emulator rounds weights, decay and bias to the chip's whole numbers by itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import nengo
import nengo_loihi
import numpy as np


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("neurons", type=int, nargs="?", default=1000)
    ask.add_argument("--seconds", type=float, default=1.0)
    a = ask.parse_args()
    begin = time.perf_counter()
    nengo_loihi.set_defaults()
    rng = np.random.default_rng(1)
    n, dt = a.neurons, 1e-3
    sources = np.repeat(np.arange(n), 100)
    places = np.stack([rng.integers(0, n, sources.size), sources], axis=1)  # rows are targets in Nengo
    jumps = rng.integers(-68, 60, sources.size) * 32.0 / 1024.0 * dt
    wires = nengo.Sparse((n, n), init=jumps, indices=places)
    rule = nengo_loihi.neurons.LoihiLIF(tau_rc=-dt / np.log(31.0 / 32.0), tau_ref=0.0)
    with nengo.Network(seed=1) as model:
        cells = nengo.Ensemble(n, 1, neuron_type=rule, gain=np.ones(n), bias=np.full(n, 35.0 * 32.0 / 1024.0))
        nengo.Connection(cells.neurons, cells.neurons, transform=wires, synapse=None)
        probe = nengo.Probe(cells.neurons)
    with nengo_loihi.Simulator(model, dt=dt, target="sim", progress_bar=False) as sim:
        sim.run(0.1)
        build = time.perf_counter() - begin
        t, c = time.perf_counter(), time.process_time()
        sim.run(a.seconds)
        cpu, wall = time.process_time() - c, time.perf_counter() - t
        spikes = float(np.sum(sim.data[probe][-round(a.seconds / dt) :] > 0))
    print(
        json.dumps(
            {
                "cpu_s": cpu / a.seconds,
                "wall_s": wall / a.seconds,
                "rate_hz": spikes / n / a.seconds,
                "events_per_s": spikes * 100 / cpu,
                "updates_per_s": n * a.seconds / dt / cpu,
                "build_s": build,
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": nengo_loihi.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
