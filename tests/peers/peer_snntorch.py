"""snnTorch's side of W3: `peer_snntorch.py [--steps N]`, one JSON object on standard output.

snnTorch has no sparse recurrent layer: its Leaky neuron is fed by PyTorch's own CSR product of all spikes in each step, the way its
users write sparse nets. The same leak, threshold and weights as `workloads.py`; the reset is to zero.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
import snntorch
import torch

N, FAN_OUT = 100_000, 100


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--steps", type=int, default=100)
    ask.add_argument("--settle", type=int, default=20)
    a = ask.parse_args()
    begin = time.perf_counter()
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    # rows are targets here: the product of matrix and spikes is what arrives
    sources = np.repeat(np.arange(N, dtype=np.int64), FAN_OUT)
    targets = rng.integers(0, N, sources.size)
    order = np.argsort(targets, kind="stable")
    start = np.zeros(N + 1, np.int64)
    np.cumsum(np.bincount(targets, minlength=N), out=start[1:])
    weights = rng.integers(-68, 60, sources.size).astype(np.float32)[order]
    matrix = torch.sparse_csr_tensor(
        torch.from_numpy(start), torch.from_numpy(sources[order]), torch.from_numpy(weights), size=(N, N)
    )
    leaky = snntorch.Leaky(beta=31.0 / 32.0, threshold=1024.0, reset_mechanism="zero")
    v = torch.from_numpy(rng.uniform(0, 1024, N).astype(np.float32))
    spikes = torch.zeros(N)
    count = 0
    with torch.no_grad():
        for k in range(a.settle + a.steps):
            if k == a.settle:
                build = time.perf_counter() - begin
                t, c = time.perf_counter(), time.process_time()
                count = 0
            spikes, v = leaky(matrix @ spikes + 35.0, v)
            count += int(spikes.sum())
    cpu, wall = time.process_time() - c, time.perf_counter() - t
    seconds = a.steps * 1e-3
    print(
        json.dumps(
            {
                "cpu_s": cpu / seconds,
                "wall_s": wall / seconds,
                "rate_hz": count / N / seconds,
                "events_per_s": count * FAN_OUT / cpu,
                "updates_per_s": N * a.steps / cpu,
                "build_s": build,
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": snntorch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
