"""The squid axon of Hodgkin and Huxley 1952."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Conductance, Current, Exponential, Gap, Receptor
from workbench.fields import described, quantity
from workbench.units import ms, mV, s, uF

__all__ = ["HodgkinHuxley"]


@final
@described
class HodgkinHuxley(Neuron):
    """Hodgkin–Huxley neuron at 6.3 °C (J. Physiol. 117:500, 1952), modern sign convention, 1 cm² of membrane.

    C dv/dt = I − g_Na m³h (v − E_Na) − g_K n⁴ (v − E_K) − g_L (v − E_L); currents in A equal A/cm² here.
    """

    capacitance: float = quantity(
        1 * uF, "µF", low=0.1 * uF, high=10 * uF, doc="membrane capacitance of 1 cm²", spread=True
    )
    sodium: float = quantity(0.12, "S", low=0.0, high=1.0, doc="peak sodium conductance of 1 cm²", spread=True)
    potassium: float = quantity(0.036, "S", low=0.0, high=1.0, doc="peak potassium conductance of 1 cm²", spread=True)
    leak: float = quantity(0.0003, "S", low=0.0, high=0.1, doc="leak conductance of 1 cm²", spread=True)
    reversal_sodium: float = quantity(
        50 * mV, "mV", low=0.0, high=100 * mV, doc="sodium reversal potential", spread=True
    )
    reversal_potassium: float = quantity(
        -77 * mV, "mV", low=-120 * mV, high=0.0, doc="potassium reversal potential", spread=True
    )
    reversal_leak: float = quantity(
        -54.387 * mV, "mV", low=-100 * mV, high=0.0, doc="leak reversal potential", spread=True
    )
    bias: float = quantity(0.0, "µA", low=-1e-3, high=1e-3, doc="constant current into 1 cm²", spread=True)
    tau_exc: float = quantity(5 * ms, "ms", low=0.05 * ms, high=1 * s, doc="decay of excitatory receptors", spread=True)
    reversal_exc: float = quantity(
        0 * mV, "mV", low=-100 * mV, high=100 * mV, doc="reversal of excitatory conductances", spread=True
    )

    # The opening rates are x/(1 - exp(-x)), whose hole at x = 0 is stepped over by 1e-12 V. Brian2's exprel has no hole, but on the
    # numpy target it prints its argument at every call, which makes a run fifty times slower.
    equations: ClassVar[str] = """
    dv/dt = (current - sodium*m**3*h*(v - reversal_sodium) - potassium*n**4*(v - reversal_potassium) - leak*(v - reversal_leak))/capacitance : volt
    dm/dt = (v + 40*mV + 1e-12*volt)/(10*mV)/(1 - exp(-(v + 40*mV + 1e-12*volt)/(10*mV)))/ms*(1 - m) - 4*exp(-(v + 65*mV)/(18*mV))/ms*m : 1
    dh/dt = 0.07*exp(-(v + 65*mV)/(20*mV))/ms*(1 - h) - 1/(exp(-(v + 35*mV)/(10*mV)) + 1)/ms*h : 1
    dn/dt = 0.1*(v + 55*mV + 1e-12*volt)/(10*mV)/(1 - exp(-(v + 55*mV + 1e-12*volt)/(10*mV)))/ms*(1 - n) - 0.125*exp(-(v + 65*mV)/(80*mV))/ms*n : 1
    """
    fires: ClassVar[str] = "v > 0*mV"
    after: ClassVar[str] = ""
    holds: ClassVar[str] = "v > 0*mV"
    start: ClassVar[Mapping[str, str | float]] = {
        "v": -65 * mV,
        "m": 0.0529324852572496,
        "h": 0.596120753508460,
        "n": 0.317676914060697,
    }
    method: ClassVar[str] = "euler"
    receptors: ClassVar[Mapping[str, Receptor]] = {
        "exc": Exponential("current", "tau_exc"),
        "exc_g": Conductance("current", "tau_exc", "reversal_exc"),
        "gap": Gap("current"),
        "current": Current("current"),
    }
