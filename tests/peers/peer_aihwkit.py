"""aihwkit's side of MVM: `peer_aihwkit.py N BATCH`, one JSON object on standard output: CPU and wall seconds of one product.

Its C++ tile (torch only carries the numbers): inputs and outputs of 8 bits, Gaussian noise of 0.02 on every weight of a read, no
noise and bound management, which would rescale vectors. The BLAS in its wheel may not know a new processor and then runs code of 2004:
it is told one that it knows, which makes it 2.5 times faster there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

if "OPENBLAS_CORETYPE" not in os.environ and Path("/proc/cpuinfo").exists():
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    if "avx512vl" in flags:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    elif "avx2" in flags and "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"

import torch
from aihwkit import __version__
from aihwkit.simulator.configs import IdealDevice, SingleRPUConfig
from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType, WeightNoiseType
from aihwkit.simulator.parameters.io import IOParameters
from aihwkit.simulator.tiles.analog import AnalogTile

ROUNDS = 15


def main() -> None:
    n, batch = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    forward = IOParameters(
        inp_bound=1.0,
        inp_noise=0.0,
        inp_res=1.0 / 254.0,
        out_bound=3.5 * 0.58 * 0.2 * n**0.5,
        out_noise=0.0,
        out_res=1.0 / 254.0,
        w_noise=0.02,
        w_noise_type=WeightNoiseType.ADDITIVE_CONSTANT,
        noise_management=NoiseManagementType.NONE,
        bound_management=BoundManagementType.NONE,
    )
    tile = AnalogTile(n, n, SingleRPUConfig(device=IdealDevice(), forward=forward))
    tile.set_weights(torch.randn(n, n) * 0.2)
    x = torch.rand(batch, n) * 2.0 - 1.0
    repeats = max(1, round(2e8 / (2.0 * n * n * batch + 2e5)))
    cpu = wall = float("inf")
    for _ in range(ROUNDS):
        begin, start = time.process_time(), time.perf_counter()
        for _ in range(repeats):
            tile.tile.forward(x, False, False, False, False)
        cpu = min(cpu, (time.process_time() - begin) / repeats)
        wall = min(wall, (time.perf_counter() - start) / repeats)
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "version": __version__}))


if __name__ == "__main__":
    main()
