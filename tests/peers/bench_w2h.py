"""W2H: W2 with a delay drawn for each synapse, uniform from 0.5 to 1.5 ms."""

from rows import brian, nest, ours

for arithmetic in ("float64", "float32"):
    ours("W2H", "w2h", arithmetic)
brian("W2H", "w2h")
nest("W2H", "w2h", note="iaf_psc_delta")
