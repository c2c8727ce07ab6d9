"""BrainPy's event kernels (brainevent on JAX, CPU): `peer_brainevent.py w1|w2`, one JSON object on standard output.

The same equations and numbers as `workloads.py`, float32, exact integration, the whole run one compiled scan.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import brainevent
import jax
import jax.numpy as jnp
import numpy as np


def rows(sources: np.ndarray, targets: np.ndarray, shape: tuple[int, int], weight: float) -> Any:
    """A matrix by source with one weight for all."""
    order = np.argsort(sources, kind="stable")
    start = np.zeros(shape[0] + 1, np.int32)
    np.cumsum(np.bincount(sources, minlength=shape[0]), out=start[1:])
    data = jnp.asarray([weight], jnp.float32)
    return brainevent.CSR((data, jnp.asarray(targets[order], jnp.int32), jnp.asarray(start)), shape=shape)


def random_pairs(rng: np.random.Generator, sources: int, targets: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Every pair with probability p."""
    i, j = np.nonzero(rng.random((sources, targets), np.float32) < p)
    return i, j


def w1(rng: np.random.Generator) -> tuple[Any, Any, int]:
    """State and step of the current-based Vogels-Abbott network."""
    n = 4000
    exc = rows(*random_pairs(rng, 3200, n, 0.02), (3200, n), 1.62)
    inh = rows(*random_pairs(rng, 800, n, 0.02), (800, n), -9.0)
    a, e, i = (np.exp(-0.1 / tau) for tau in (20.0, 5.0, 10.0))
    be, bi = 5.0 / (5.0 - 20.0) * (e - a), 10.0 / (10.0 - 20.0) * (i - a)

    def step(state: Any, _: Any) -> Any:
        v, ge, gi, hold, count = state
        free = hold == 0
        moved = -49.0 + (v + 49.0) * a + ge * be + gi * bi
        v = jnp.where(free, moved, v)
        fired = free & (v > -50.0)
        ge = ge * e + brainevent.BinaryArray(fired[:3200]) @ exc
        gi = gi * i + brainevent.BinaryArray(fired[3200:]) @ inh
        v = jnp.where(fired, -60.0, v)
        hold = jnp.where(fired, 50, jnp.maximum(hold - 1, 0))
        return (v, ge, gi, hold, count + fired.sum()), None

    v = jnp.asarray(rng.uniform(-60.0, -50.0, n), jnp.float32)
    zero = jnp.zeros(n, jnp.float32)
    return (v, zero, zero, jnp.zeros(n, jnp.int32), jnp.int32(0)), step, n


def w2(rng: np.random.Generator) -> tuple[Any, Any, int]:
    """State and step of the balanced network with one delay of 15 steps: spikes wait in a ring."""
    n = 20_000
    matrices = []
    for many, degree, weight in ((16_000, 800, 0.2), (4_000, 200, -1.2)):
        sources = rng.integers(0, many, degree * n, dtype=np.int32)
        matrices.append(rows(sources, np.repeat(np.arange(n, dtype=np.int32), degree), (many, n), weight))
    exc, inh = matrices
    a = np.exp(-0.1 / 20.0)

    def step(state: Any, k: Any) -> Any:
        v, hold, ring, count = state
        free = hold == 0
        v = jnp.where(free, 24.6 + (v - 24.6) * a, v)
        fired = free & (v > 20.0)
        late = ring[k % 15]
        arrived = brainevent.BinaryArray(late[:16_000]) @ exc + brainevent.BinaryArray(late[16_000:]) @ inh
        hold = jnp.where(fired, 20, jnp.maximum(hold - 1, 0))
        v = jnp.where(fired, 10.0, jnp.where(free, v + arrived, v))
        return (v, hold, ring.at[k % 15].set(fired), count + fired.sum()), None

    v = jnp.asarray(rng.uniform(0.0, 20.0, n), jnp.float32)
    return (v, jnp.zeros(n, jnp.int32), jnp.zeros((15, n), bool), jnp.int32(0)), step, n


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("workload", choices=("w1", "w2"))
    ask.add_argument("--repeats", type=int, default=3)
    a = ask.parse_args()
    begin = time.perf_counter()
    state, step, size = {"w1": w1, "w2": w2}[a.workload](np.random.default_rng(1))
    run = jax.jit(lambda state: jax.lax.scan(step, state, jnp.arange(10_000))[0])
    state = jax.block_until_ready(run(state))
    build = time.perf_counter() - begin
    both, before = [], int(state[-1])
    for _ in range(a.repeats):
        t, c = time.perf_counter(), time.process_time()
        state = jax.block_until_ready(run(state))
        both.append((time.process_time() - c, time.perf_counter() - t))
    cpu, wall = min(both)
    print(
        json.dumps(
            {
                "cpu_s": cpu,
                "wall_s": wall,
                "rate_hz": (int(state[-1]) - before) / size / a.repeats,
                "build_s": build,
                "first_s": build,
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": brainevent.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
