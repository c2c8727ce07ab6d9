"""Neuron models: Brian2 equations as text with knobs; `NEURONS` maps their names to their classes."""

from workbench.circuits.neurons.neuron import Neuron
from workbench.tables import LazyTable

__all__ = ["NEURONS", "Neuron"]

NEURONS = LazyTable(
    "neuron model",
    {
        "lif": "workbench.circuits.neurons.lif:Lif",
        "discrete-lif": "workbench.circuits.neurons.discrete_lif:DiscreteLif",
        "adex": "workbench.circuits.neurons.adex:AdEx",
        "izhikevich": "workbench.circuits.neurons.izhikevich:Izhikevich",
        "hodgkin-huxley": "workbench.circuits.neurons.hodgkin_huxley:HodgkinHuxley",
        "relu": "workbench.circuits.neurons.relu:Relu",
        "integrator": "workbench.circuits.neurons.integrator:Integrator",
    },
)
