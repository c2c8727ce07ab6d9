"""The bounds of this machine: random additions by table size, updates of leaky units, STREAM; rates of one core per CPU second."""

import bounds
from rows import say

for state, arithmetic in (("float32", "float32"), ("float64", "float64"), ("int32", "integer"), ("int16", "integer")):
    for kb in (32, 80, 160, 400, 1024):
        places = kb * 1024 // (2 if state == "int16" else 8 if state == "float64" else 4)
        for weighted in (False, True):
            rate = bounds.random_add(places, state, weighted=weighted)
            stream = "uint16" if places <= 65536 else "uint32"
            what = f"add {state} {kb} KB"
            say(
                "Machine",
                what,
                arithmetic,
                rate=rate,
                note=f"{stream} targets" + (", int8 weights" if weighted else ""),
            )
    say("Machine", f"update {state}", arithmetic, rate=bounds.updates(20_000, state), note="20,000 leaky units")
for what in ("copy", "triad"):
    say("Machine", f"STREAM {what}", "float64", rate=bounds.stream(what), note="bytes a second")
