"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Conductance, Current, Delta, Exponential, Gap, Receptor
from workbench.fields import described, quantity
from workbench.units import ms, mV, nA, nS, pF, s, uS

__all__ = ["AdEx"]


@final
@described
class AdEx(Neuron):
    """Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005; patterns of Naud et al. 2008).

    C dv/dt = −g_L (v − E_L) + g_L Δ exp((v − V_T)/Δ) − w + I;  τ_w dw/dt = a (v − E_L) − w;  at a spike v → V_r, w → w + b.
    """

    capacitance: float = quantity(200 * pF, "pF", low=1 * pF, high=10000 * pF, doc="membrane capacitance", spread=True)
    leak: float = quantity(10 * nS, "nS", low=0.01 * nS, high=1 * uS, doc="leak conductance", spread=True)
    rest: float = quantity(-70 * mV, "mV", low=-100 * mV, high=0 * mV, doc="leak reversal potential", spread=True)
    onset: float = quantity(
        -50 * mV, "mV", low=-100 * mV, high=0 * mV, doc="potential where the upswing begins (V_T)", spread=True
    )
    slope: float = quantity(2 * mV, "mV", low=0.1 * mV, high=20 * mV, doc="sharpness of the upswing (Δ_T)", spread=True)
    coupling: float = quantity(2 * nS, "nS", low=-1 * uS, high=1 * uS, doc="subthreshold adaptation (a)", spread=True)
    tau_w: float = quantity(30 * ms, "ms", low=1 * ms, high=5 * s, doc="time constant of adaptation", spread=True)
    jump: float = quantity(0 * nA, "pA", low=0 * nA, high=10 * nA, doc="spike-triggered adaptation (b)", spread=True)
    reset: float = quantity(-58 * mV, "mV", low=-100 * mV, high=0 * mV, doc="potential after a spike", spread=True)
    cut: float = quantity(
        0 * mV, "mV", low=-60 * mV, high=100 * mV, doc="potential at which a spike is counted", spread=True
    )
    bias: float = quantity(0 * nA, "pA", low=-100 * nA, high=100 * nA, doc="constant current", spread=True)
    tau_exc: float = quantity(5 * ms, "ms", low=0.05 * ms, high=1 * s, doc="decay of excitatory receptors", spread=True)
    tau_inh: float = quantity(
        10 * ms, "ms", low=0.05 * ms, high=1 * s, doc="decay of inhibitory receptors", spread=True
    )
    reversal_exc: float = quantity(
        0 * mV, "mV", low=-100 * mV, high=100 * mV, doc="reversal of excitatory conductances", spread=True
    )
    reversal_inh: float = quantity(
        -80 * mV, "mV", low=-120 * mV, high=100 * mV, doc="reversal of inhibitory conductances", spread=True
    )

    equations: ClassVar[str] = """
    dv/dt = (leak * (rest - v) + leak * slope * exp((v - onset) / slope) - w + current) / capacitance : volt
    dw/dt = (coupling * (v - rest) - w) / tau_w : amp
    """
    fires: ClassVar[str] = "v > cut"
    after: ClassVar[str] = "v = reset; w += jump"
    start: ClassVar[Mapping[str, str | float]] = {"v": "rest", "w": 0.0}
    method: ClassVar[str] = "euler"
    receptors: ClassVar[Mapping[str, Receptor]] = {
        "input": Delta("v"),
        "exc": Exponential("current", "tau_exc"),
        "inh": Exponential("current", "tau_inh"),
        "exc_g": Conductance("current", "tau_exc", "reversal_exc"),
        "inh_g": Conductance("current", "tau_inh", "reversal_inh"),
        "gap": Gap("current"),
        "current": Current("current"),
    }
