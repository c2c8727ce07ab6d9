"""W2: a balanced network, 20,000 LIF neurons with 1,000 delta synapses each, one delay of 1.5 ms, dt 0.1 ms, one thread."""

from rows import brian, nest, ours, peer

for arithmetic in ("float64", "float32"):
    ours("W2", "w2", arithmetic)
brian("W2", "w2")
nest("W2", "w2", note="iaf_psc_delta")
peer(
    "W2",
    "brainevent",
    "float32",
    "brainevent",
    "peer_brainevent.py",
    "w2",
    note="BrainPy's event kernels, JAX on the CPU",
)
