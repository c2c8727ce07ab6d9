"""Izhikevich, AdEx and Hodgkin–Huxley scripts become our models when their equations are ours, and are refused when not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interchange.scripts import brian, same
from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.hodgkin_huxley import HodgkinHuxley
from workbench.circuits.neurons.izhikevich import Izhikevich
from workbench.circuits.neurons.lif import Lif
from workbench.errors import UnsupportedError
from workbench.interchange.brian2 import from_brian2

IZHIKEVICH = """
dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms - u + I : volt
du/dt = a*(b*v - u) : volt/second
I : volt/second
a : 1/second
b : 1/second
"""


def test_izhikevich_as_the_paper_writes_it():
    with brian() as b:
        G = b.NeuronGroup(10, IZHIKEVICH, threshold="v >= 30*mV", reset="v = c; u += d", method="euler", name="G",
                          namespace=dict(c=-65 * b.mV, d=8 * b.mV / b.ms))  # fmt: skip
        G.v, G.a, G.b, G.I = -65 * b.mV, "(0.02 + rand()*0.05)/ms", 0.2 / b.ms, "(5 + rand()*10)*mV/ms"
        G.u = -13 * b.mV / b.ms
        S = b.Synapses(G, G, on_pre="v += 0.5*mV", delay=1 * b.ms, name="S")
        S.connect(condition="i != j")
        circuit = same(b, [G, S], 0.2, least=40, chips=("ideal",))
    neuron = circuit.written.populations["G"].neuron
    assert isinstance(neuron, Izhikevich)
    assert (neuron.c, neuron.d) == (-65e-3, 8.0)
    assert neuron.b == pytest.approx(0.2, rel=1e-12)


ADEX = """
dvm/dt = (gL*(EL - vm) + gL*DeltaT*exp((vm - VT)/DeltaT) + I + g - w)/C : volt
dw/dt = (a*(vm - EL) - w)/tauw : amp
dg/dt = -g/(5*ms) : amp
I : amp
"""


@pytest.mark.parametrize("coupling", [4.0, 0.0])
def test_adex_as_brette_and_gerstner_write_it(coupling):
    with brian() as b:
        numbers = dict(
            C=281 * b.pF, gL=30 * b.nS, EL=-70.6 * b.mV, VT=-50.4 * b.mV, DeltaT=2 * b.mV,
            tauw=144 * b.ms, a=coupling * b.nS, b=0.0805 * b.nA, Vr=-70.6 * b.mV, Vcut=-39 * b.mV,
        )  # fmt: skip
        G = b.NeuronGroup(
            6, ADEX, threshold="vm > Vcut", reset="vm = Vr; w += b", method="euler", name="G", namespace=numbers
        )
        G.vm, G.I, G.w = -70.6 * b.mV, np.linspace(0.7, 1.5, 6) * b.nA, 10 * b.pA
        S = b.Synapses(G, G, on_pre="g += 50*pA", delay=1 * b.ms, name="S", namespace={})
        S.connect(condition="i != j")
        # the sums are grouped in another way here, so the last digits differ and a bound on time stands for equality
        circuit = same(b, [G, S], 0.1, least=20, chips=("ideal",))
    neuron = circuit.written.populations["G"].neuron
    assert isinstance(neuron, AdEx)
    expected = dict(capacitance=281e-12, leak=30e-9, rest=-70.6e-3, onset=-50.4e-3, slope=2e-3, tau_w=0.144, coupling=coupling * 1e-9,
                    jump=0.0805e-9, reset=-70.6e-3, cut=-39e-3)  # fmt: skip
    if coupling:
        for name, value in expected.items():
            assert getattr(neuron, name) == pytest.approx(value, rel=1e-9), name


HH = """
dv/dt = (I - gNa*m**3*h*(v - ENa) - gK*n**4*(v - EK) - gl*(v - El))/C : volt
dm/dt = alpham*(1 - m) - betam*m : 1
dh/dt = 0.07*exp(-(v + 65*mV)/(20*mV))/ms*(1 - h) - h/(1 + exp(-(v + 35*mV)/(10*mV)))/ms : 1
dn/dt = 0.01/mV*10*mV/exprel(-(v + 55*mV)/(10*mV))/ms*(1 - n) - 0.125*exp(-(v + 65*mV)/(80*mV))/ms*n : 1
alpham = 0.1/mV*10*mV/exprel(-(v + 40*mV)/(10*mV))/ms : Hz
betam = 4*exp(-(v + 65*mV)/(18*mV))/ms : Hz
dI/dt = -I/(5*ms) : amp
"""


def hodgkin_huxley(b, equations: str = HH, **more):
    numbers = dict(
        C=1 * b.uF, gNa=120 * b.mS, ENa=50 * b.mV, gK=36 * b.mS, EK=-77 * b.mV, gl=0.3 * b.mS, El=-54.387 * b.mV
    )
    arguments = dict(threshold="v > 0*mV", reset="", refractory="v > 0*mV", method="euler") | more
    G = b.NeuronGroup(3, equations, name="G", dt=0.01 * b.ms, namespace=numbers, **arguments)
    G.v, G.m, G.h, G.n = -65 * b.mV, 0.0529324852572496, 0.596120753508460, 0.317676914060697
    return G


def test_the_squid_axon_of_1952():
    with brian() as b:
        b.defaultclock.dt = 0.01 * b.ms
        G = hodgkin_huxley(b)
        D = b.SpikeGeneratorGroup(3, [0, 1, 2, 0], [1, 2, 3, 20] * b.ms)
        S = b.Synapses(D, G, on_pre="I += 20*uA*(1 + j)", delay=1 * b.ms, namespace={})
        S.connect(j="i")
        circuit = same(b, [G, D, S], 0.03, least=4, chips=("ideal",))
    neuron = circuit.written.populations["G"].neuron
    assert isinstance(neuron, HodgkinHuxley)
    assert neuron.capacitance == pytest.approx(1e-6)
    assert neuron.sodium == pytest.approx(0.12)
    assert neuron.reversal_leak == pytest.approx(-54.387e-3)


def test_other_rates_thresholds_and_refractory_periods_are_refused():
    with brian() as b:
        b.defaultclock.dt = 0.01 * b.ms
        cases = {
            "alpham*(1 - m)": dict(equations=HH.replace("alpham*(1 - m)", "1.1*alpham*(1 - m)")),
            "HodgkinHuxley": dict(threshold="v > -20*mV"),
            "refractory = v > -40*mV": dict(refractory="v > -40*mV"),
        }
        for word, change in cases.items():
            with pytest.raises(UnsupportedError, match="'G'") as refused:
                from_brian2(hodgkin_huxley(b, **change))
            assert word in str(refused.value)


def test_models_that_are_nearly_ours_are_refused():
    with brian() as b:
        other = IZHIKEVICH.replace("0.04/ms/mV", "0.05/ms/mV")
        names = dict(c=-65 * b.mV, d=8 * b.mV / b.ms)
        with pytest.raises(UnsupportedError, match="'G'.*du/dt"):
            from_brian2(
                b.NeuronGroup(2, other, threshold="v >= 30*mV", reset="v = c; u += d", name="G", namespace=names)
            )
        with pytest.raises(UnsupportedError, match="'G'.*AdEx has no refractory period"):
            from_brian2(
                b.NeuronGroup(
                    2, ADEX.replace(" : volt", " : volt (unless refractory)"), threshold="vm > 0*mV", reset="vm = EL; w += 1*pA", refractory=2 * b.ms, name="G",
                    namespace=dict(C=281 * b.pF, gL=30 * b.nS, EL=-70 * b.mV, VT=-50 * b.mV, DeltaT=2 * b.mV, tauw=144 * b.ms, a=4 * b.nS),
                )
            )  # fmt: skip


def test_adaptation_that_is_linear_is_no_lif():
    """A second state that feeds back is refused by its line, not taken for a synapse."""
    with brian() as b:
        G = b.NeuronGroup(
            2,
            "dv/dt = (-v - w)/(10*ms) : volt\ndw/dt = (v - w)/(50*ms) : volt",
            threshold="v > 1*mV",
            reset="v = 0*mV",
            name="G",
        )
        with pytest.raises(UnsupportedError, match=r"'G', in the line 'dw/dt = \(v - w\)/\(50\*ms\)"):
            from_brian2(G)
        plain = b.NeuronGroup(
            2,
            "dv/dt = (-v - w)/(10*ms) : volt\ndw/dt = -w/(50*ms) : volt",
            threshold="v > 1*mV",
            reset="v = 0*mV",
            name="H",
        )
        assert isinstance(from_brian2(plain).written.populations["H"].neuron, Lif)
