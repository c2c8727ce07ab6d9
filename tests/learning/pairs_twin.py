"""A slow twin of a layer of pairs: one cell at a time, one pulse at a time, in plain Python; the same random numbers."""

from __future__ import annotations

from workbench import streams
from workbench.chips.devices import Device


def pushed(
    device: Device, start: list[list[list[float]]], wanted: list[list[list[int]]], *, name: str, die: int, seed: int
) -> tuple[list[list[list[float]]], list[list[list[int]]]]:
    """Conductances [plane][row][column] and pulse counts after updates `wanted`[update][row][column] of −1, 0 or +1."""
    rows, columns = len(start[0]), len(start[0][0])
    size = 2 * rows * columns

    def own(direction: str) -> list[float]:
        drawn = streams.normal(streams.stream(die, "step size", name, direction), 0, size)
        return [max(1 + device.pulses.spread * float(z), 0.05) for z in drawn]

    sizes = {1: own("up"), -1: own("down")}
    g = [[list(row) for row in plane] for plane in start]
    counts = [[[0] * columns for _ in range(rows)] for _ in range(2)]
    for update, directions in enumerate(wanted):
        chance = streams.normal(streams.stream(seed, "pulse", name, update), 0, size)
        for plane in range(2):
            for i in range(rows):
                for j in range(columns):
                    d = directions[i][j] * (1 if plane == 0 else -1)
                    if d == 0:
                        continue
                    at = (plane * rows + i) * columns + j
                    v = (g[plane][i][j] - device.g_min) / device.window
                    p = device.pulses
                    left, step, shape = (1 - v, p.up, p.up_shape) if d > 0 else (v, p.down, p.down_shape)
                    mean = min(step * sizes[d][at], 1.0) * left**shape
                    noise = p.cycle * step * left**shape * sizes[d][at] * float(chance[at])
                    g[plane][i][j] += d * mean * device.window + noise * device.window
                    g[plane][i][j] = min(max(g[plane][i][j], device.g_min), device.g_max)
                    counts[plane][i][j] += 1
    return g, counts
