"""The simple neuron of Izhikevich 2003."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Current, Delta, Receptor
from workbench.fields import described, quantity
from workbench.units import mV

__all__ = ["Izhikevich"]


@final
@described
class Izhikevich(Neuron):
    """Izhikevich's simple neuron (IEEE Trans. Neural Netw. 14:1569, 2003), in volts and seconds.

    In the paper's units (mV, ms): v' = 0.04 v² + 5 v + 140 − u + I;  u' = a (b v − u);  at v ≥ 30: v → c, u → u + d.
    `drive` is the paper's I, in mV/ms = V/s; a current source adds to it with 1 A counting as 1 V/s.
    """

    a: float = quantity(0.02, "", low=0.0005, high=1.0, doc="rate of recovery (paper's a, 1/ms)", spread=True)
    b: float = quantity(0.2, "", low=-1.0, high=2.0, doc="sensitivity of recovery (paper's b, 1/ms)", spread=True)
    c: float = quantity(-65 * mV, "mV", low=-100 * mV, high=0 * mV, doc="potential after a spike", spread=True)
    d: float = quantity(8.0, "V/s", low=-20.0, high=40.0, doc="jump of recovery after a spike (paper's d)", spread=True)
    drive: float = quantity(0.0, "V/s", low=-100.0, high=200.0, doc="constant drive (paper's I)", spread=True)

    equations: ClassVar[str] = """
    dv/dt = 40000*v**2/(volt*second) + 5*v/ms + 140*volt/second - u + drive + current*volt/(amp*second) : volt
    du/dt = a/ms*(b*v/ms - u) : volt/second
    """
    fires: ClassVar[str] = "v >= 30*mV"
    after: ClassVar[str] = "v = c; u += d"
    start: ClassVar[Mapping[str, str | float]] = {"v": -65 * mV, "u": -13.0}
    method: ClassVar[str] = "euler"
    receptors: ClassVar[Mapping[str, Receptor]] = {"input": Delta("v"), "current": Current("current")}
