"""Files in SANA-FE's format, written by ourselves: an architecture with the prices of our preset, and networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.chips.loihi_sanafe import LOIHI_SANAFE

UNITS = """\
          axon_in:
            - name: in
              attributes: {{energy_message_in: {received[0]}, latency_message_in: {received[1]}}}
          synapse:
            - name: dense_synapse
              attributes: {{model: current_based, energy_process_spike: {dense[0]}, latency_process_spike: {dense[1]}}}
            - name: sparse_synapse
              attributes: {{model: current_based, energy_process_spike: {sparse[0]}, latency_process_spike: {sparse[1]}}}
            - name: conv_synapse
              attributes: {{model: current_based, energy_process_spike: {shared[0]}, latency_process_spike: {shared[1]}}}
          dendrite:
            - name: adder
              attributes: {{model: accumulator, energy_update: 0.0, latency_update: 0.0}}
          soma:
            - name: lif
              attributes:
                model: leaky_integrate_fire
                energy_access_neuron: 51.2e-12
                latency_access_neuron: 6.0e-9
                energy_update_neuron: 21.6e-12
                latency_update_neuron: 3.7e-9
                energy_spike_out: 69.3e-12
                latency_spike_out: 30.0e-9
            - name: door[0..7]
              attributes:
                model: input
                energy_access_neuron: 0.0
                latency_access_neuron: 0.0
                energy_update_neuron: 0.0
                latency_update_neuron: 0.0
                energy_spike_out: 0.0
                latency_spike_out: 0.0
          axon_out:
            - name: out
              attributes: {{energy_message_out: {packet[0]}, latency_message_out: {packet[1]}}}
"""


def loihi_architecture(
    *,
    width: int = 8,
    height: int = 4,
    cores: int = 4,
    neurons: int = 1024,
    buffer: int = 16,
    barrier: str = "{1: 0.6e-6, 2: 1.0e-6, 4: 1.4e-6, 29: 1.8e-6}",
) -> str:
    """An architecture file with the numbers of `loihi-sanafe`."""
    price = {k: (repr(float(p.joules)), repr(float(p.seconds))) for k, p in LOIHI_SANAFE.prices.items()}
    units = UNITS.format(
        received=price["packet received"],
        dense=price["dense operation"],
        sparse=price["synaptic operation"],
        shared=price["shared operation"],
        packet=price["packet"],
    )
    row, column = price["east-west hop"], price["north-south hop"]
    hops = "\n".join(
        f"        energy_{side}_hop: {cost[0]}\n        latency_{side}_hop: {cost[1]}"
        for side, cost in (("east", row), ("west", row), ("north", column), ("south", column))
    )
    return f"""\
architecture:
  name: our_loihi
  attributes:
    topology: mesh
    width: {width}
    height: {height}
    link_buffer_size: {buffer}
    sync_model: table
    latency_sync: {barrier}
  tile:
    - name: tile[0..{width * height - 1}]
      attributes:
{hops}
      core:
        - name: core[0..{cores - 1}]
          attributes: {{buffer_position: soma, buffer_inside_unit: false, max_neurons_supported: {neurons}}}
{units}"""


def network_file(groups: str, edges: str, mappings: str) -> str:
    """A network file from its three lists."""
    return f"network:\n  name: ours\n  groups:\n{groups}\n  edges:\n{edges}\nmappings:\n{mappings}\n"


def group(name: str, neurons: str, **attributes: Any) -> str:
    """One group: `neurons` is a flow list of neurons."""
    said = ", ".join(f"{k}: {v}" for k, v in attributes.items())
    return f"  - name: {name}\n    attributes: {{{said}}}\n    neurons: {neurons}"


def random_network(
    seed: int,
    *,
    cores: int,
    neurons: int,
    packets: int,
    synapses: int,
    firing: float,
    leak: float = 1.0,
    least: int = -3,
) -> dict[str, str]:
    """A network whose firing neurons are driven to fire every few steps and send to `packets` random cores each."""
    rng = np.random.default_rng(seed)
    size = cores * neurons
    drive = np.where(rng.random(size) < firing, rng.integers(16, 129, size), 0)
    listed = ", ".join(f"{k}: {{bias: {b}}}" for k, b in enumerate(drive))
    edges = []
    for i in np.flatnonzero(drive):
        for c in rng.choice(cores, min(packets, cores), replace=False):
            for j in rng.choice(neurons, min(synapses, neurons), replace=False):
                edges.append(f"  - pop.{i} -> pop.{c * neurons + j}: {{weight: {rng.integers(least, 4)}}}")
    mappings = [f"  - pop.{c * neurons}..{c * neurons + neurons - 1}: {{core: {c // 4}.{c % 4}}}" for c in range(cores)]
    return {
        "groups": group(
            "pop", f"[{{{listed}}}]", threshold=64, reset=0, leak_decay=leak, synapse_hw_name="sparse_synapse"
        ),
        "edges": "\n".join(edges),
        "mappings": "\n".join(mappings),
    }
