"""W5, a wafer: integer neurons on a sheet, fan-out 100, no synapse stored, 1 ms steps, noise of each neuron's own; ledger on.

First how the cost grows, over the same 0.3 s from rest; then a whole second of 200 million neurons on two threads, and a billion.
"""

import math
import sys

from rows import put, run, say

found = {}
for neurons, repeats in ((1e6, 5), (1e7, 3), (1e8, 2), (2e8, 2)):
    made = run(sys.executable, "wafer.py", neurons, "--repeats", repeats)
    if put(f"W5 {neurons / 1e6:g} M", "workbench", "int16", 1, made):
        found[neurons] = made["cpu_s"]
if len(found) > 1:
    x, y = [math.log(n) for n in found], [math.log(c) for c in found.values()]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)) / sum(
        (a - middle_x) ** 2 for a in x
    )
    say("W5 growth", "workbench", "int16", exponent=slope, off=abs(slope - 1), note=f"CPU time ~ neurons^{slope:.3f}")
made = run(sys.executable, "wafer.py", 2e8, "--seconds", 1.0, threads=2)
put(
    "W5 one second", "workbench", "int16", 2, made, wall=True, **({} if "missing" in made else {"cpu_s": made["cpu_s"]})
)
put("W5 1000 M", "workbench", "int16", 1, run(sys.executable, "wafer.py", 1e9, "--seconds", 0.02))
