"""Build: seconds from a Network to a program, W2's 20 million synapses from their rule, and the full cortical column if there is one."""

import sys

from rows import put, run

for arithmetic in ("float64", "float32"):
    put("Build 20 M", "workbench", arithmetic, 1, run(sys.executable, "building.py", "w2", arithmetic), clock="CPU")
made = run(sys.executable, "building.py", "column", "float32")
put("Build column", "workbench", "float32", 1, made, clock="CPU")
