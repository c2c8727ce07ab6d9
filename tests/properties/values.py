"""Hypothesis strategies for small random networks of neurons that emit values, alone or among spiking ones."""

from __future__ import annotations

from hypothesis import strategies as st

from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.spread import Normal, Uniform, Values
from workbench.circuits.stimuli import Frames, Poisson, Regular
from workbench.circuits.wiring import AllToAll, FixedProbability, OneToOne
from workbench.units import ms, mV, pA

DT = 0.1 * ms
"""One step of these networks."""

models = st.sampled_from(
    [
        Relu(bias=Uniform(-0.5, 0.5)),
        Relu(gain=0.7, lowest=-1.0, highest=1.5),
        Integrator(tau=0.7 * ms),
        Integrator(tau=Uniform(0.3 * ms, 5 * ms), bias=0.2),
        Lif(refractory=0.4 * ms),
        DiscreteLif(leak=0.1, threshold=2.0, leak_exc=0.3, refractory=2),
        DiscreteLif(leak=0.2, threshold=1.5, after_spike="subtract", lowest=-1.0),
    ]
)
scales = {"volt": 4 * mV, "amp": 300 * pA, "1": 0.8}


@st.composite
def value_networks(draw) -> Network:
    """Two to four populations; values with a delay of 0 go only from an earlier to a later one in the alphabet, so no loop is made."""
    count = draw(st.integers(2, 4))
    populations = {name: Population(draw(st.integers(1, 4)), draw(models)) for name in "ABCD"[:count]}
    rows = draw(st.lists(st.lists(st.floats(-2, 2), min_size=3, max_size=3), min_size=1, max_size=12))
    sources = {
        "frames": Source(3, Frames(rows, every=draw(st.integers(1, 3)) * DT)),
        "rain": Source(2, Poisson(draw(st.sampled_from([500.0, 9000.0])))),
        "ticks": Source(2, Regular(1500.0, phase=0.5)),
    }
    projections: dict[str, Projection] = {}
    for number in range(draw(st.integers(2, 7))):
        source = draw(st.sampled_from([*sources, *populations]))
        target = draw(st.sampled_from(list(populations)))
        neuron, valued = populations[target].neuron, source == "frames"
        if source in populations:
            valued = populations[source].neuron.emits == "values"
        receptor = draw(st.sampled_from([r for r in ("input", "exc") if r in neuron.receptors]))
        instant = valued and (source == "frames" or source < target)
        delays = [DT, 3 * DT, Uniform(DT, 4 * DT), *([0.0] * 3 if instant else [])]
        sender = sources[source].size if source in sources else populations[source].size
        wirings = [AllToAll(), FixedProbability(0.6), *([OneToOne()] if sender == populations[target].size else [])]
        scale = scales[neuron.receptors[receptor].unit]
        wiring, delay = draw(st.sampled_from(wirings)), draw(st.sampled_from(delays))
        if instant and isinstance(wiring, AllToAll) and draw(st.booleans()):
            delay = Values([(e % 3) * DT for e in range(sender * populations[target].size)])
        projections[f"p{number}"] = Projection(
            source,
            target,
            wiring,
            weight=draw(st.sampled_from([Normal(0.5 * scale, 0.5 * scale), 0.713 * scale, -0.377 * scale])),
            delay=delay,
            receptor=receptor,
        )
    return Network(populations, sources, projections)
