"""The leaky integrator: a neuron that emits a value in every step, its input smoothed over a time constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Receptor, Value
from workbench.fields import described, quantity
from workbench.units import ms, s

__all__ = ["Integrator"]

_MOST = 2.0**53


@final
@described
class Integrator(Neuron):
    """Leaky integrator: tau dy/dt = x + bias − y, with what arrives held over the step; it emits y.

    y[n] = a · y[n − 1] + (1 − a) · (x[n] + bias), a = exp(−dt / tau), x the sum of weight · emitted over what arrives in
    step n: a constant input is reached, and a spike of weight w leaves w · (1 − a). Nothing but tau has a unit.
    """

    tau: float = quantity(10 * ms, "ms", low=0.01 * ms, high=100 * s, doc="time constant", log=True, spread=True)
    bias: float = quantity(0.0, "", low=-_MOST, high=_MOST, doc="added to what arrives", spread=True)

    emits: ClassVar[Literal["spikes", "values"]] = "values"
    equations: ClassVar[str] = "dy/dt = (x + bias - y) / tau : 1"
    start: ClassVar[Mapping[str, str | float]] = {"y": 0.0}
    receptors: ClassVar[Mapping[str, Receptor]] = {"input": Value("x")}
