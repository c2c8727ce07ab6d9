"""SANA-FE's side of W3: `peer_sanafe.py NEURONS simple|detailed`, one JSON object on standard output.

The chip is its own Loihi file, the neurons those of `workloads.py`, but fewer: SANA-FE keeps a record of some kilobyte for each
synapse. They are dealt in turn to the 98 cores that the full network fills, so a spike leaves for as many cores (about 63) as
there; the figure to compare is CPU time per synaptic event.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from importlib.metadata import version

import numpy as np
import sanafe


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("neurons", type=int)
    ask.add_argument("timing", choices=("simple", "detailed"))
    ask.add_argument("--steps", type=int, default=1000)
    ask.add_argument("--cores", type=int, default=98)
    a = ask.parse_args()
    begin = time.perf_counter()
    rng = np.random.default_rng(1)
    arch = sanafe.load_loihi()
    sanafe.SpikingChip(arch)  # an empty one, for what the chip costs without synapses
    empty = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    network = sanafe.Network()
    model = {"threshold": 1024.0, "reset": 0.0, "leak_decay": 31.0 / 32.0, "bias": 35.0, "force_update": True}
    group = network.create_neuron_group(
        "n",
        a.neurons,
        model_attributes=model,
        default_synapse_hw_name="loihi_sparse_synapse",
        default_dendrite_hw_name="loihi_dendrites",
        soma_hw_name="loihi_lif",
    )
    sources = np.repeat(np.arange(a.neurons), 100)
    targets = rng.integers(0, a.neurons, sources.size)
    weights = rng.integers(-68, 60, sources.size).astype(float)
    group.connect_neurons_sparse(
        group, {"weight": weights.tolist()}, list(zip(sources.tolist(), targets.tolist(), strict=True))
    )
    cores = [core for tile in arch.tiles for core in tile.cores]
    # All neurons start at 0 here, and the weights part them within the 200 steps that are not measured.
    for k, neuron in enumerate(group.neurons):
        neuron.map_to_core(cores[k % a.cores])
    chip = sanafe.SpikingChip(arch)
    chip.load(network)
    chip.sim(200, timing_model=a.timing, processing_threads=1)
    build = time.perf_counter() - begin
    t, c = time.perf_counter(), time.process_time()
    made = chip.sim(a.steps, timing_model=a.timing, processing_threads=1)
    cpu, wall = time.process_time() - c, time.perf_counter() - t
    seconds = a.steps * 1e-3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "cpu_s": cpu / seconds,
                "wall_s": wall / seconds,
                "rate_hz": made["neurons_fired"] / a.neurons / seconds,
                "events_per_s": made["spikes"] / cpu,
                "updates_per_s": a.neurons * a.steps / cpu,
                "build_s": build,
                "first_s": build + wall,
                "rss_mb": peak,
                "bytes_per_synapse": (peak - empty) * 2**20 / sources.size,
                "packets_per_spike": made["packets_sent"] / made["neurons_fired"],
                "synapses": int(sources.size),
                "version": version("sanafe"),
            }
        )
    )


if __name__ == "__main__":
    main()
