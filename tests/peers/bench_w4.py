"""W4: one layer 4096 → 4096, 200 steps of 1 ms at four activities, event-driven, beside dense products."""

import sys

from rows import peer, put, run

for percent in (1, 5, 10, 30):
    name = f"W4 {percent} %"
    for arithmetic in ("integer", "float32"):
        put(name, "workbench", arithmetic, 1, run(sys.executable, "layer.py", percent, arithmetic))
    for way in ("batched", "stepwise"):
        put(name, f"numpy {way}", "float32", 1, run(sys.executable, "layer.py", percent, f"numpy-{way}"))
        peer(name, f"torch {way}", "float32", "torch", "peer_torch.py", percent, way)
