"""Our reader, counts and chip times beside SANA-FE itself, by hand: it is GPL, so it lives in an environment of its own.

    python -m venv /somewhere/sanafe && /somewhere/sanafe/bin/pip install sanafe==2.2.9
    .venv/bin/python tests/peers/check_sanafe.py /somewhere/sanafe/bin/python [random] [gesture] [cycle]

Writes the files of random networks and of the gesture network (weights and input from the peer's own package, nothing of it stays
here), has the peer run them, and prints packets, hops, updates, spikes, synaptic events, energies and step times of both, with ratios.
With "cycle" the peer's cycle-accurate model (Booksim 2, minutes) judges between its "detailed" model and our queues.
The spikes come from a plain NumPy twin of the discrete neuron, so that this holds the reader and the models, not the engine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME))

from tests.interchange.sanafe_files import group, loihi_architecture, network_file, random_network  # noqa: E402
from tests.interchange.sanafe_twin import count  # noqa: E402
from workbench.backends.event.timing import ChipClock  # noqa: E402
from workbench.circuits.unfold import unfold  # noqa: E402
from workbench.interchange import sanafe  # noqa: E402

PEER = """
import json, sys
import sanafe
arch_file, net_file, steps, models = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
out = {}
for model in models:
    arch = sanafe.load_arch(arch_file)
    net = sanafe.load_net(net_file, arch)
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    made = chip.sim(steps, timing_model=model, perf_trace="perf.csv")
    rows = [line.split(",") for line in open("perf.csv").read().split("\\n") if line]
    perf = {name: [float(row[k]) for row in rows[1:]] for k, name in enumerate(rows[0])}
    out[model] = {"energy": made["energy"], "time": made["sim_time"], "perf": perf}
print("RESULT" + json.dumps(out))
"""

DATA = "import importlib.resources as r; print(r.files('sanafe.examples') / 'dvs_challenge.npz')"

ORACLE = {
    "updated": 913_154,
    "fired": 29_181,
    "spikes": 4_158_831,
    "packets": 295_322,
    "hops": 710_393,
    "east-west": 268_173,
    "north-south": 442_220,
    "energy": 253.1888587e-6,
    "simple": 1.417598e-3,
    "detailed": 1.585930e-3,
}
"""What SANA-FE 2.2.9 gave for its own gesture file, 100 steps."""


def peer(python: str, folder: Path, steps: int, models: str) -> dict[str, Any]:
    """What SANA-FE makes of arch.yaml and net.yaml in `folder`, one process a model: its Booksim keeps global state."""
    made = {}
    for model in models.split(","):
        run = subprocess.run(
            [python, "-c", PEER, "arch.yaml", "net.yaml", str(steps), model],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if "RESULT" not in run.stdout:
            raise SystemExit(run.stdout[-2000:] + run.stderr[-2000:])
        made |= json.loads(run.stdout.split("RESULT")[-1])
    return made


def ours(folder: Path, steps: int) -> dict[str, Any]:
    """What our reader, the twin and the clock make of the same files."""
    architecture = sanafe.read_architecture(folder / "arch.yaml")
    network, mapped = sanafe.read_network(folder / "net.yaml", architecture)
    made = count(unfold(network, seed=0), mapped, architecture.chip, steps)
    clock = ChipClock(
        architecture.chip,
        core_of=mapped.core_of,
        tiles=mapped.tiles,
        start=made.start,
        core=made.core,
        work=made.work,
        timing="queued",
    )
    times = clock.advance(made.steps, made.neurons, active=made.active, inactive=made.inactive)
    free = ChipClock(
        architecture.chip,
        core_of=mapped.core_of,
        tiles=mapped.tiles,
        start=made.start,
        core=made.core,
        work=made.work,
        timing="asynchronous",
    ).advance(made.steps, made.neurons, active=made.active, inactive=made.inactive)
    plain = count(unfold(network, seed=0), mapped, architecture.chip, steps, zero_counts=False).events["active update"]
    return {
        "counts": made,
        "chip": architecture.chip,
        "times": times,
        "free": free,
        "longest": clock.longest_queue,
        "plain": plain,
    }


def compare(name: str, theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    """Print one network's line."""
    perf = theirs["simple"]["perf"]
    made = mine["counts"]
    counted = {
        "fired": len(made.steps),
        "updated": int(made.active.sum()),
        "packets": made.events["packet"],
        "hops": made.events["east-west hop"] + made.events["north-south hop"],
        "spikes": sum(made.events[k] for k in ("synaptic operation", "dense operation", "shared operation")),
    }
    wrong = {k: (int(sum(perf[k])), v) for k, v in counted.items() if int(sum(perf[k])) != v}
    energy = sum(mine["chip"].prices[k].joules * v for k, v in made.events.items())
    e = energy / theirs["simple"]["energy"]["total"] - 1
    times, free = mine["times"], mine["free"]
    simple = times.simple.sum() / theirs["simple"]["time"] - 1
    ratio = times.seconds.sum() / theirs["detailed"]["time"]
    worst = times.seconds / np.array(theirs["detailed"]["perf"]["sim_time"])
    load = theirs["detailed"]["time"] / theirs["simple"]["time"]
    print(
        f"{name:34s} counts {wrong or 'equal'}  packets {counted['packets']:7d}  energy {e:+.1e}  simple {simple:+.1e}  "
        f"detailed/simple {load:.3f}  queued/detailed {ratio:.4f} (steps {worst.min():.3f}–{worst.max():.3f})  "
        f"queued>=simple {bool((times.seconds >= times.simple).all())}  free/queued {free.seconds.sum() / times.seconds.sum():.3f}  "
        f"queue {mine['longest']}  wait {times.waiting / max(1, times.packets) * 1e9:.1f} ns",
        flush=True,
    )
    if "cycle" in theirs:
        judge = theirs["cycle"]["time"]
        both = theirs["detailed"]["time"] / judge, times.seconds.sum() / judge
        print(f"{'':34s} beside the cycle-accurate model: detailed {both[0]:.4f}, queued {both[1]:.4f}", flush=True)


RANDOM = [
    # cores, neurons a core, packets a spike, synapses a packet, share that fires, spread of targets
    dict(cores=4, neurons=32, packets=2, synapses=4, firing=0.2),
    dict(cores=16, neurons=32, packets=4, synapses=4, firing=0.1),
    dict(cores=16, neurons=64, packets=8, synapses=8, firing=0.3),
    dict(cores=32, neurons=64, packets=4, synapses=16, firing=0.5),
    dict(cores=32, neurons=32, packets=16, synapses=8, firing=0.5),
    dict(cores=64, neurons=32, packets=8, synapses=8, firing=0.25),
    dict(cores=64, neurons=64, packets=16, synapses=2, firing=0.5),
    dict(cores=128, neurons=32, packets=4, synapses=8, firing=0.3),
    dict(cores=128, neurons=32, packets=16, synapses=8, firing=0.3),
    dict(cores=128, neurons=16, packets=32, synapses=1, firing=0.8),
    dict(cores=128, neurons=8, packets=8, synapses=8, firing=0.05),
    dict(cores=128, neurons=64, packets=2, synapses=32, firing=0.1),
    dict(cores=48, neurons=20, packets=12, synapses=10, firing=1.0),
    dict(cores=12, neurons=100, packets=6, synapses=40, firing=0.4),
]


def gesture(python: str) -> str:
    """The gesture network: weights, thresholds and one input from the peer's package, mapped as in the peer's own file."""
    where = subprocess.run([python, "-c", DATA], capture_output=True, text=True, check=True).stdout.split()[-1]
    with np.load(where) as data:
        kernels = [data[f"conv{k}"] for k in (1, 2, 3, 4)]
        dense, bias, thresholds = data["dense1"], data["inputs"], data["thresholds"]
    groups, edges, mappings = [], [], []
    sizes = [1024, 3600, 5408, 7744, 891, 11]
    for k, size in enumerate(sizes):
        neurons = (
            "[" + ", ".join(f"{i}: {{bias: {b:g}}}" for i, b in enumerate(bias)) + "]"
            if k == 0
            else f"['0..{size - 1}': {{}}]"
        )
        unit = "dense_synapse" if k == 5 else "conv_synapse"
        groups.append(
            group(str(k), neurons, threshold=thresholds[k], reset=0, leak_decay=0.99975585937, synapse_hw_name=unit)
        )
    side = 32
    for k, kernel in enumerate(kernels):
        stride = 2 if k == 0 else 1
        names = {
            "type": "conv2d",
            "input_height": side,
            "input_width": side,
            "input_channels": kernel.shape[2],
            "kernel_height": 3,
            "kernel_width": 3,
            "kernel_count": kernel.shape[3],
            "stride_width": stride,
            "stride_height": stride,
            "weight": [int(w) for w in kernel.reshape(-1)],
        }
        edges.append(f"  - {k} -> {k + 1}: {{" + ", ".join(f"{a}: {b}" for a, b in names.items()) + "}")
        side = (side - 3) // stride + 1
    edges.append(f"  - 4 -> 5: {{type: dense, weight: {[int(w) for w in dense.reshape(-1)]}}}")
    place = {
        5: lambda n: 0,
        4: lambda n: 1 + n // 99,
        3: lambda n: 10 + 2 * (n // 704) + n // 32 % 2,
        2: lambda n: 32 + n // 4 % 8,
        1: lambda n: 40 + n % 240 // 32,
        0: lambda n: 48,
    }
    for k, core_of in place.items():
        for n in range(sizes[k]):
            core = core_of(n)
            mappings.append(f"  - {k}.{n}: {{core: {core // 4}.{core % 4}}}")
    return network_file("\n".join(groups), "\n".join(edges), "\n".join(mappings))


def main() -> None:
    """Run what is asked for."""
    python, wanted = sys.argv[1], sys.argv[2:] or ["random", "gesture"]
    models = "simple,detailed,cycle" if "cycle" in wanted else "simple,detailed"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "arch.yaml").write_text(loihi_architecture())
        if "random" in wanted:
            for seed, sizes in enumerate(RANDOM):
                (folder / "net.yaml").write_text(network_file(**random_network(seed, **sizes)))
                name = " ".join(f"{v:g}" for v in sizes.values())
                compare(f"random {seed}: {name}", peer(python, folder, 10, models), ours(folder, 10))
        if "gesture" in wanted:
            (folder / "net.yaml").write_text(gesture(python))
            theirs, mine = peer(python, folder, 100, models), ours(folder, 100)
            compare("gesture", theirs, mine)
            events, chip = mine["counts"].events, mine["chip"]
            found = {
                "updated": events["active update"],
                "fired": events["spike"],
                "spikes": sum(events[k] for k in ("synaptic operation", "dense operation", "shared operation")),
                "packets": events["packet"],
                "hops": events["east-west hop"] + events["north-south hop"],
                "east-west": events["east-west hop"],
                "north-south": events["north-south hop"],
                "energy": sum(chip.prices[k].joules * v for k, v in events.items()),
                "simple": mine["times"].simple.sum(),
                "detailed": mine["times"].seconds.sum(),
            }
            for name, value in ORACLE.items():
                print(
                    f"  {name:12s} published run {value:<14g} ours {found[name]:<14.10g} ratio {found[name] / value:.10f}"
                )
            print(
                f"  arrivals that add up to nothing: {events['active update'] - mine['plain']} active updates fewer without them"
            )


if __name__ == "__main__":
    main()
