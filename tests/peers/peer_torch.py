"""PyTorch's side of W4: `peer_torch.py PERCENT batched|stepwise`, dense products of 4096 × 4096 on one core."""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch

N, STEPS = 4096, 200


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("percent", type=float)
    ask.add_argument("way", choices=("batched", "stepwise"))
    a = ask.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    weights = torch.from_numpy(rng.standard_normal((N, N)).astype(np.float32))
    spikes = torch.from_numpy((rng.random((STEPS, N)) < a.percent / 100).astype(np.float32))
    best = []
    with torch.no_grad():
        for _ in range(4):
            t, c = time.perf_counter(), time.process_time()
            if a.way == "batched":
                torch.mm(spikes, weights)
            else:
                for row in spikes:
                    torch.mv(weights, row)
            best.append((time.process_time() - c, time.perf_counter() - t))
    cpu, wall = min(best[1:])
    seconds = STEPS * 1e-3
    print(json.dumps({"cpu_s": cpu / seconds, "wall_s": wall / seconds, "version": torch.__version__}))


if __name__ == "__main__":
    main()
