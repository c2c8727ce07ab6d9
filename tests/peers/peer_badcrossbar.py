"""badcrossbar's side: `peer_badcrossbar.py N WIRE INPUTS` solves a crossbar of N × N cells; `peer_badcrossbar.py fixture` prints a small one.

The cells are those of `bench_wires.py`: 1 to 100 µS from numpy's default generator. Its drawings need pycairo; solving does not.
"""

from __future__ import annotations

import json
import logging
import sys
import time

import numpy as np

logging.disable(logging.CRITICAL)


def main() -> None:
    from badcrossbar import compute

    if sys.argv[1] == "fixture":
        i, j = np.indices((5, 4))
        g = (1 + 99 * ((7 * i + 11 * j + 3) % 17) / 16) * 1e-6
        v = 0.2 * (1 + np.arange(5.0)[:, None]) / 5
        solved = compute(v, 1 / g, r_i_word_line=50.0, r_i_bit_line=20.0)
        print(
            json.dumps(
                {
                    "currents": np.asarray(solved.currents.output).ravel().tolist(),
                    "row_nodes": np.asarray(solved.voltages.word_line).reshape(5, 4).tolist(),
                    "column_nodes": np.asarray(solved.voltages.bit_line).reshape(5, 4).tolist(),
                }
            )
        )
        return
    n, wire, inputs = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    rng = np.random.default_rng(0)
    g = rng.uniform(1e-6, 1e-4, (n, n))
    v = rng.uniform(0.0, 0.2, (n, inputs))
    best = []
    for _ in range(3 if n <= 128 else 1):
        t, c = time.perf_counter(), time.process_time()
        solved = compute(v, 1 / g, r_i=wire, node_voltages=False, all_currents=False)
        best.append((time.process_time() - c, time.perf_counter() - t))
    cpu, wall = min(best)
    currents = np.asarray(solved.currents.output).reshape(inputs, n)
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "currents": currents[0].tolist()}))


if __name__ == "__main__":
    main()
