"""W3, chip style: 100,000 neurons in whole steps of 1 ms, fan-out 100, 8-bit weights, a delay of one step; ledger on.

Peers that cannot hold it (SANA-FE, NengoLoihi) run fewer neurons of the same kind and are compared by events per CPU second.
"""

from rows import brian, nest, ours, peer

for arithmetic in ("integer", "float32", "float64"):
    ours("W3", "w3", arithmetic)
brian("W3", "w3")
nest("W3", "w3", note="iaf_psc_delta")
snn = dict(note="sparse CSR product in each step", limit=600)
peer("W3", "snnTorch", "float32", "snntorch", "peer_snntorch.py", **snn)
for neurons, timing, steps in (
    (1_000, "simple", 1000),
    (1_000, "detailed", 1000),
    (10_000, "simple", 200),
    (10_000, "detailed", 100),
):
    size = f"{neurons // 1000}k"
    words = (neurons, timing, "--steps", steps)
    peer(
        "W3",
        f"SANA-FE {timing} {size}",
        "float64",
        "sanafe",
        "peer_sanafe.py",
        *words,
        compare="events",
        note=f"{size} neurons on 98 cores",
    )
peer(
    "W3",
    "NengoLoihi 1k",
    "integer",
    "nengo_loihi",
    "peer_nengoloihi.py",
    compare="events",
    note="emulator, 1,000 neurons",
)
