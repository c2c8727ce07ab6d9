"""Importing this module loads Brian2 and lets it take one step, so that a worker can do both while a person still reads."""

from __future__ import annotations

from workbench.backends.ideal.program import compile
from workbench.chips.chip import Ideal
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import FixedInDegree, OneToOne
from workbench.units import Hz, ms, mV

_netlist = unfold(
    Network(
        {"P": Population(2, Lif())},
        {"S": Source(2, Poisson(100 * Hz))},
        {
            "S": Projection("S", "P", OneToOne(), weight=1 * mV),
            "P": Projection("P", "P", FixedInDegree(degree=1), weight=1 * mV),
        },
    ),
    seed=0,
)
compile(_netlist, Ideal(), dt=0.1 * ms, seed=0).start(draw(_netlist, 1 * ms, dt=0.1 * ms, seed=0)).advance(0.1 * ms)
