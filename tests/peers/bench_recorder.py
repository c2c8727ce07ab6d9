"""What recording costs: the recorder's share of W2 and W3, and ten million spikes kept and not kept."""

import sys

from rows import put, run

for workload, arithmetic in (("w2", "float32"), ("w3", "integer"), ("w1", "float32")):
    put(
        f"Recorder {workload.upper()}",
        "workbench",
        arithmetic,
        1,
        run(sys.executable, "recording.py", workload, arithmetic),
    )
for limit in (20_000_000, 1_000_000):
    made = run(sys.executable, "recording.py", "spikes", "float32", "--limit", limit)
    put(f"10 M spikes, limit {limit // 10**6} M", "workbench", "float32", 1, made)
