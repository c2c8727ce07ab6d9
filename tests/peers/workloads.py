"""What is benchmarked: the networks of our side, as values. The peers' scripts write the same equations and numbers their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from workbench.chips import CHIPS
from workbench.chips.chip import Chip
from workbench.circuits import CIRCUITS
from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.wiring import FixedInDegree, HashRule
from workbench.units import Mohm, ms, mV


@dataclass(frozen=True)
class Workload:
    """One benchmark: what runs in which steps, and the same without spikes (`silent`), which costs the updates alone."""

    circuit: Callable[[], Circuit | Network]
    silent: Callable[[], Circuit | Network]
    dt: float
    neurons: int
    slots: int = 1
    """Steps that arriving spikes may lie ahead, where they are summed on arrival: the state they land in is so many times larger."""
    weighted: bool = False
    """Whether each synapse has a weight of its own."""
    chip: str = "loihi-roomy"


def vogels_abbott(name: str, *, silent: bool = False) -> Circuit:
    """W1 and W1C: the circuits as they are in the library; silent with a threshold that nothing reaches."""
    circuit: Any = CIRCUITS[name]
    if not silent:
        return circuit
    return replace(circuit, neuron=replace(circuit.neuron, threshold=50 * mV))


def balanced(delay: Any, *, drive: float = 24.6 * mV, size: int = 20_000) -> Network:
    """W2 and W2H: 20,000 neurons, 800 + 200 delta synapses each, J 0.2 mV, g 6, driven by a constant current."""
    cell = Lif(
        tau=20 * ms,
        rest=0.0,
        threshold=20 * mV,
        reset=10 * mV,
        refractory=2 * ms,
        resistance=40 * Mohm,
        bias=drive / (40 * Mohm),
    )
    start = {"v": Uniform(0.0, 20 * mV)}

    def many(source: str, target: str) -> Projection:
        excites = source == "E"
        wiring = FixedInDegree(800 if excites else 200)
        return Projection(source, target, wiring, weight=(0.2 if excites else -1.2) * mV, delay=delay)

    return Network(
        populations={"E": Population(size * 4 // 5, cell, start), "I": Population(size // 5, cell, start)},
        projections={f"{a}{b}": many(a, b) for a in "EI" for b in "EI"},
    )


def chip_style(neurons: int = 100_000, *, bias: float = 35.0) -> Network:
    """W3: neurons in whole steps, 100 targets each, 8-bit weights of both signs, a spike acts in the next step."""
    cell = DiscreteLif(leak=1 / 32, threshold=1024.0, reset=0.0, bias=bias)
    rule = HashRule(100)
    return Network(
        populations={"N": Population(neurons, cell, {"v": Uniform(0.0, 1024.0)})},
        projections={"NN": Projection("N", "N", rule, weight=Uniform(-68.5, 59.5), delay=1 * ms)},
    )


WORKLOADS = {
    "w1": Workload(
        lambda: vogels_abbott("vogels-abbott"),
        lambda: vogels_abbott("vogels-abbott", silent=True),
        0.1 * ms,
        4000,
        slots=2,
        chip="loihi-davies",
    ),
    "w1c": Workload(
        lambda: vogels_abbott("vogels-abbott-coba"),
        lambda: vogels_abbott("vogels-abbott-coba", silent=True),
        0.1 * ms,
        4000,
        slots=2,
        chip="loihi-roomy",
    ),
    "w2": Workload(lambda: balanced(1.5 * ms), lambda: balanced(1.5 * ms, drive=0.0), 0.1 * ms, 20_000),
    "w2h": Workload(
        lambda: balanced(Uniform(0.5 * ms, 1.5 * ms)),
        lambda: balanced(Uniform(0.5 * ms, 1.5 * ms), drive=0.0),
        0.1 * ms,
        20_000,
        slots=16,
    ),
    "w3": Workload(chip_style, lambda: chip_style(bias=0.0), 1 * ms, 100_000, weighted=True),
    "tiny": Workload(
        lambda: balanced(1.5 * ms, size=500), lambda: balanced(1.5 * ms, size=500, drive=0.0), 0.1 * ms, 500
    ),
}


def chip_for(workload: Workload, arithmetic: str) -> Chip:
    """The workload's chip in that arithmetic."""
    chip: Any = CHIPS[workload.chip]
    return replace(chip, name=f"{chip.name} {arithmetic}", arithmetic=arithmetic)
