"""W1C: the Vogels-Abbott network with conductances, one thread. NEST integrates it with an adaptive solver."""

from rows import brian, nest, ours

for arithmetic in ("float64", "float32"):
    ours("W1C", "w1c", arithmetic, "--repeats", 6)
brian("W1C", "w1c", "--repeats", 6, note="exponential Euler")
nest("W1C", "w1c", note="iaf_cond_exp, adaptive Runge-Kutta")
