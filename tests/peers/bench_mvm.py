"""Reading an array: a matrix n × n times B vectors with 8-bit inputs, read noise of 2 % and 8-bit codes, beside the bare product.

CPU seconds of one product of the whole batch on one thread, the least of alternating rounds in one process. "numpy GEMM" is
`x @ M` in float32, no noise and no converters; "numpy cells" draws the noise of every cell anew for each vector (timed on 4 vectors at
most). "state" among the benchmarks: noise whose size differs from cell to cell. "product" among them: `Matrix.product` as users call it,
float64 in and out, DAC, counting and decoding included; the others are the kernel alone, from levels to codes. aihwkit runs in an
environment of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from rows import peer, run, say

SHAPES = [(n, batch) for n in (128, 512, 1024) for batch in (1, 64, 1024)]
ROUNDS = 15


def least(calls: Mapping[str, Callable[[], Any]], flop: float) -> dict[str, float]:
    """The least CPU seconds of each call; rounds alternate, so that a busy machine slows all alike."""
    repeats = max(1, round(2e9 / (flop + 2e5)))
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            begin = time.process_time()
            for _ in range(repeats):
                call()
            best[name] = min(best[name], (time.process_time() - begin) / repeats)
    return best


def measure(n: int, batch: int) -> dict[str, float]:
    """CPU seconds of each way."""
    import numpy as np

    from workbench.kernels import analog

    rng = np.random.default_rng(1)
    x = rng.integers(-127, 128, (batch, n)).astype(np.float32)
    matrix = rng.normal(size=(n, n))
    lsb = 3.5 * 73 * np.sqrt(n) / 127  # sums have a standard deviation of 73 √n; 3.5 of them are full scale
    bare = matrix.astype(np.float32)
    linear = analog.bank(matrix, variance=4e-4, lsb=lsb)
    state = analog.bank(matrix, variance=8e-4 * rng.random((n, n)), lsb=lsb)
    product, product_state = public(n, matrix)
    volts = x / 127.0
    made = least(
        {
            "gemm": lambda: x @ bare,
            "linear": lambda: analog.read(linear, x, 5),
            "state": lambda: analog.read(state, x, 5),
            "product": lambda: product.product(volts),
            "product state": lambda: product_state.product(volts),
        },
        2.0 * n * n * batch,
    )
    few = x[:4]
    drawn = least(
        {"cells": lambda: [row @ (bare + 0.02 * rng.standard_normal((n, n), dtype=np.float32)) for row in few]}, 1e9
    )
    return made | {"cells": drawn["cells"] * batch / len(few)}


def public(n: int, matrix: Any) -> tuple[Any, Any]:
    """Matrices on one array, with levels of 8 bits with their sign, 8-bit ADCs and read noise: alike in all cells, and as PCM has it."""
    from dataclasses import replace

    import numpy as np

    from workbench.backends.crossbar import Matrix
    from workbench.chips import CHIPS
    from workbench.chips.crossbar import Effects
    from workbench.chips.devices import DEVICES

    none = Effects(**dict.fromkeys(Effects.__dataclass_fields__, False))
    chip = replace(
        CHIPS["crossbar-assumed"], rows=n, columns=2 * n, dac_bits=7, adc_bits=8, effects=replace(none, read_noise=True)
    )
    alike = replace(DEVICES["ideal"], name="assumed", read_constant=0.005 * DEVICES["ideal"].g_max)
    samples = np.random.default_rng(2).uniform(-1, 1, (256, n))
    return tuple(
        Matrix(matrix, one).calibrated(samples, inputs=1.0)
        for one in (replace(chip, device=alike), replace(chip, device=DEVICES["pcm-nandakumar"]))
    )  # pyright: ignore[reportReturnType]


def main() -> None:
    for n, batch in SHAPES:
        name = f"MVM {n} × {batch}"
        made = run(sys.executable, "bench_mvm.py", n, batch)
        if "missing" in made:
            say(name, "workbench", "float32", missing=made["missing"])
            continue
        load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
        say(name, "workbench", "float32", seconds=made["linear"], gemm_ratio=made["linear"] / made["gemm"], note=load)
        say(name, "numpy GEMM", "float32", seconds=made["gemm"], note="no noise, no converters")
        say(name, "numpy cells", "float32", seconds=made["cells"], note="noise for every cell")
        peer(name, "aihwkit", "float32", "aihwkit", "peer_aihwkit.py", n, batch, note="C++ tile")
        name = f"{name}, state"
        say(name, "workbench", "float32", seconds=made["state"], gemm_ratio=made["state"] / made["gemm"])
        say(name, "numpy GEMM", "float32", seconds=made["gemm"])
        for kind, suffix in (("product", ""), ("product state", ", state")):
            name = f"MVM {n} × {batch}, product{suffix}"
            say(name, "workbench", "float32", seconds=made[kind], gemm_ratio=made[kind] / made["gemm"])
            say(name, "numpy GEMM", "float32", seconds=made["gemm"])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
    else:
        main()
