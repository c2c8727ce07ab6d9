"""W1: the Vogels-Abbott network with currents: 4,000 LIF neurons, p 0.02, dt 0.1 ms, exact integration, one thread."""

from rows import brian, nest, ours, peer

for arithmetic in ("float64", "float32"):
    ours("W1", "w1", arithmetic, "--repeats", 10)
brian("W1", "w1", "--repeats", 10)
nest("W1", "w1", "--repeats", 3, note="iaf_psc_exp")
peer(
    "W1",
    "brainevent",
    "float32",
    "brainevent",
    "peer_brainevent.py",
    "w1",
    note="BrainPy's event kernels, JAX on the CPU",
)
