"""Neuron models on Brian2: published patterns, receptors against closed forms, and models written in a notebook."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np
import pytest

from workbench.backends.base import Probe
from workbench.chips import CHIPS
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons import Neuron
from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.hodgkin_huxley import HodgkinHuxley
from workbench.circuits.neurons.izhikevich import Izhikevich
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Linear, Values
from workbench.circuits.stimuli import External, Regular, SpikeList, StepCurrent
from workbench.circuits.synapses import Conductance, Current, Delta, Exponential, Gap
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.experiment import Experiment
from workbench.fields import described, quantity
from workbench.units import Mohm, ms, mV, nA, nS, pA, pF, s, uA, us

DT = 0.1 * ms


def train(recording, name: str, neuron: int) -> np.ndarray:
    spikes = recording.of(name)
    return spikes.times[spikes.neurons == neuron]


def test_adex_patterns_of_naud_2008():
    """Facts from 5 µs Euler; 20 µs keeps the counts within one spike and the first intervals within 2 %."""
    table = {  # C pF, g_L nS, E_L mV, a nS, tau_w ms, b pA, V_r mV, I pA: spikes, first intervals in ms
        "tonic": (200, 10, -70, 2, 30, 0, -58, 500, 51, (9.0, 9.1, 9.2)),
        "adaptation": (200, 12, -70, 2, 300, 60, -58, 500, 10, (11.3, 14.4, 19.6, 29.4)),
        "initial burst": (130, 18, -58, 4, 150, 120, -50, 400, 10, (3.4, 7.3, 54.8)),
        "delayed accelerating": (200, 12, -70, -10, 300, 0, -58, 300, 36, (20.6, 19.1, 18.0)),
    }
    column = [Values(c) for c in zip(*[row[:8] for row in table.values()])]
    scaled = [Values([v * unit for v in c.values]) for c, unit in zip(column, (pF, nS, mV, nS, ms, pA, mV, pA))]
    names = ("capacitance", "leak", "rest", "coupling", "tau_w", "jump", "reset", "bias")
    neuron = AdEx(**dict(zip(names, scaled)))
    recording = Experiment(Network({"P": Population(4, neuron)}), duration=500 * ms, dt=20 * us).run()
    for k, (name, row) in enumerate(table.items()):
        times = train(recording, "P", k)
        assert abs(times.size - row[8]) <= 1, name
        # The first interval of the table is the first between two spikes.
        assert np.diff(times)[: len(row[9])] / ms == pytest.approx(row[9], rel=0.02, abs=0.1), name


def test_izhikevich_patterns_of_2003():
    """The four kinds fire as a plain Euler loop does; published: regular, chattering, fast, resonating."""
    kinds = {"RS": (0.02, 0.2, -65, 8), "CH": (0.02, 0.2, -50, 2), "FS": (0.1, 0.2, -65, 2), "RZ": (0.1, 0.26, -65, 2)}
    a, b, c, d = zip(*kinds.values())
    neuron = Izhikevich(a=Values(a), b=Values(b), c=Values([x * mV for x in c]), d=Values(d), drive=10.0)
    initial = {"u": Values([0.2 * -65, 0.2 * -65, 0.2 * -65, 0.26 * -65])}
    recording = Experiment(Network({"P": Population(4, neuron, initial)}), duration=1 * s, dt=DT).run()
    for k, (a, b, c, d) in enumerate(kinds.values()):
        v, u, steps = -65.0, b * -65.0, []
        for step in range(10_000):
            v, u = v + 0.1 * (0.04 * v * v + 5 * v + 140 - u + 10), u + 0.1 * a * (b * v - u)
            if v >= 30:
                v, u = c, u + d
                steps.append(step)
        ours = recording.of("P").steps[recording.of("P").neurons == k].tolist()
        # The loop is in mV: rounding may part the two late in the run, by a step.
        assert ours[:20] == steps[:20]
        assert abs(len(ours) - len(steps)) <= 1


def test_hodgkin_huxley_begins_to_fire_all_at_once():
    neuron = HodgkinHuxley(bias=Values([6.1 * uA, 6.4 * uA, 10 * uA, 20 * uA]))
    recording = Experiment(
        Network({"P": Population(4, neuron)}), duration=300 * ms, dt=10 * us, probes=(Probe("P", "v", which=(2,)),)
    ).run()
    rates = [
        1 / np.diff(train(recording, "P", k)[-2:]).item() if train(recording, "P", k).size > 5 else 0.0
        for k in range(4)
    ]
    assert rates[0] == 0.0
    assert rates[1] > 50
    assert rates[2] == pytest.approx(68.34, rel=0.01)
    assert rates[3] == pytest.approx(86.46, rel=0.01)
    assert 39.8 * mV < recording.traces["P.v"].values.max() < 41.6 * mV


def test_a_conductance_pulls_towards_its_reversal():
    """After one arrival g decays and v follows; the exact solution by fine integration of the same equation."""
    lif = Lif(tau=20 * ms, resistance=100 * Mohm, tau_exc=5 * ms, reversal_exc=60 * mV, threshold=90 * mV)
    network = Network(
        {"P": Population(1, lif)},
        {"S": Source(1, SpikeList((1 * ms,), (0,)))},
        {"S": Projection("S", "P", OneToOne(), weight=20 * nS, delay=0.1 * ms, receptor="exc_g")},
    )
    probes = (Probe("P", "v"), Probe("P", "conductance_exc_g"))
    recording = Experiment(network, duration=30 * ms, dt=DT, probes=probes).run()
    g = recording.traces["P.conductance_exc_g"]
    assert g.attrs["units"] == "S"
    assert g.values[12, 0] == pytest.approx(20 * nS)
    v, fine, arrived = 0.0, DT / 200, 20 * nS
    for k in range(200 * 188):  # from step 12 to the end of step 199
        v += fine / 20e-3 * (-v + 100e6 * arrived * np.exp(-k * fine / 5e-3) * (60e-3 - v))
    assert recording.traces["P.v"].values[200, 0] == pytest.approx(v, rel=1e-2)


def test_gap_junctions_draw_neighbours_together():
    lif = Lif(tau=10 * ms, resistance=100 * Mohm)
    weight = 5 * nS
    network = Network(
        {
            "A": Population(1, lif, {"v": 10 * mV}),
            "B": Population(1, replace(lif), {"v": 0.0}),
            "C": Population(1, Lif(refractory=1 * ms)),
        },
        {},
        {
            "AB": Projection("A", "B", OneToOne(), weight=weight, receptor="gap"),
            "BA": Projection("B", "A", OneToOne(), weight=weight, receptor="gap"),
        },
    )
    recording = Experiment(network, duration=5 * ms, dt=0.01 * ms, probes=(Probe("A", "v"), Probe("B", "v"))).run()
    a, b = recording.traces["A.v"].values[:, 0], recording.traces["B.v"].values[:, 0]
    t = recording.traces["A.v"]["time"].values
    # The sum decays with tau, the difference with tau / (1 + 2 R g).
    assert a + b == pytest.approx(10e-3 * np.exp(-t / 10e-3), rel=2e-3)
    assert a - b == pytest.approx(10e-3 * np.exp(-t * (1 + 2 * 100e6 * 5e-9) / 10e-3), rel=5e-3, abs=1e-6)
    with_event = Experiment(network, CHIPS["loihi-davies"], duration=1 * ms, dt=DT).run()
    assert any("gap junctions" in loss for loss in with_event.placement.losses)


def test_a_current_step_reaches_its_closed_form():
    network = Network(
        {"P": Population(1, Lif(tau=20 * ms, resistance=40 * Mohm))},
        {"I": Source(1, StepCurrent(0.4 * nA, 10 * ms, 60 * ms))},
        {"I": Projection("I", "P", OneToOne(), weight=1.0, receptor="current")},
    )
    recording = Experiment(
        network, duration=100 * ms, dt=DT, probes=(Probe("P", "v"), Probe("P", "current_current"))
    ).run()
    v = recording.traces["P.v"].values[:, 0]
    assert v[100] == 0.0
    assert v[600] == pytest.approx(16 * mV * (1 - np.exp(-50 / 20)), rel=1e-12)
    assert v[999] == pytest.approx(v[600] * np.exp(-39.9 / 20), rel=1e-12)
    assert recording.traces["P.current_current"].attrs["units"] == "A"


def test_several_models_talk_to_each_other():
    network = Network(
        {
            "lif": Population(5, Lif(bias=0.6 * nA)),
            "adex": Population(4, AdEx()),
            "hh": Population(2, HodgkinHuxley(bias=10 * uA)),
            "izh": Population(3, Izhikevich(drive=12.0)),
        },
        {"clock": Source(1, Regular(200.0))},
        {
            "a": Projection("lif", "adex", AllToAll(), weight=400 * pA, delay=1 * ms, receptor="exc"),
            "b": Projection("izh", "adex", AllToAll(), weight=2 * nS, receptor="exc_g"),
            "c": Projection("adex", "lif", AllToAll(), weight=1 * mV),
            "d": Projection("hh", "izh", AllToAll(), weight=3 * mV),
            "e": Projection("clock", "lif", AllToAll(), weight=1 * mV),
            "f": Projection("hh", "hh", AllToAll(), weight=1e-6, receptor="gap"),
        },
    )
    recording = Experiment(network, duration=100 * ms, dt=0.02 * ms).run()
    assert min(recording.counts.values()) > 0
    assert recording.ledger.count("spike") == sum(recording.counts.values())


# --- what somebody writes in a notebook ------------------------------------------------------------------------------------


@final
@described
class Quadratic(Neuron):
    """Quadratic integrate-and-fire neuron with a knob of its own and its own receptors."""

    tau: float = quantity(10 * ms, "ms", low=1 * ms, high=1 * s, doc="time constant", spread=True)
    critical: float = quantity(10 * mV, "mV", low=0.0, high=1.0, doc="unstable point", spread=True)
    refractory: float = quantity(1 * ms, "ms", low=0.0, high=1 * s, doc="refractory period", spread=True)
    resistance: float = quantity(50 * Mohm, "MΩ", low=1.0, high=1e10, doc="membrane resistance")

    equations = "dv/dt = (v*(v - critical)/critical + resistance*current)/tau : volt (unless refractory)"
    fires = "v > 40*mV"
    after = "v = 0*mV"
    holds = "refractory"
    start = {"v": 0.0}
    method = "rk4"
    receptors = {
        "jump": Delta("v"),
        "slow": Exponential("current", 30 * ms),
        "shunt": Conductance("current", 4 * ms, 0.0),
        "gap": Gap("current"),
        "hand": Current("current"),
    }


def test_a_model_written_in_a_notebook_runs_with_all_its_receptors():
    network = Network(
        {"Q": Population(6, Quadratic(critical=Linear(5 * mV, 15 * mV), refractory=Linear(0.0, 5 * ms)))},
        {"S": Source(6, Regular(100.0)), "I": Source(1, StepCurrent(0.2 * nA)), "x": Source(1, External())},
        {
            "jump": Projection("S", "Q", OneToOne(), weight=6 * mV, receptor="jump"),
            "slow": Projection("Q", "Q", AllToAll(), weight=5 * pA, receptor="slow"),
            "shunt": Projection("Q", "Q", AllToAll(), weight=1 * nS, delay=2 * ms, receptor="shunt"),
            "gap": Projection("Q", "Q", AllToAll(), weight=0.1 * nS, receptor="gap"),
            "I": Projection("I", "Q", AllToAll(), weight=1.0, receptor="hand"),
            "x": Projection("x", "Q", AllToAll(), weight=1 * mV, receptor="jump"),
        },
    )
    recording = Experiment(network, duration=100 * ms, dt=DT).run()
    assert recording.counts["Q"] > 10
    intervals = [np.diff(train(recording, "Q", k)) for k in range(6)]
    assert all(
        i.min() >= Linear(0.0, 5 * ms).from_uniform(np.zeros(6))[k] - 1e-9 for k, i in enumerate(intervals) if i.size
    )
    with pytest.raises(UnsupportedError, match="no rule for the neuron model Quadratic"):
        Experiment(network, CHIPS["loihi-davies"], duration=1 * ms, dt=DT).run()


def test_a_state_that_runs_away_is_noted():
    body = {"equations": "dv/dt = v**2/(mV*ms) : volt", "start": {"v": 1.0}, "method": "euler"}
    network = Network({"Q": Population(1, described(type("Explosive", (Neuron,), body))())})
    assert "Explosive: v has left the numbers" in Experiment(network, duration=20 * ms, dt=DT).run().notes[0]


def wrong(**changes: object) -> Network:
    """A network of a model like Quadratic with something changed, made as a notebook would."""
    body = {
        "equations": Quadratic.equations,
        "fires": Quadratic.fires,
        "after": Quadratic.after,
        "start": {"v": 0.0},
        "method": "euler",
        "__annotations__": {"critical": "float"},
        "critical": quantity(10 * mV, "mV", low=0.0, high=1.0, doc="unstable point"),
        **changes,
    }
    return Network({"Q": Population(2, described(type("Mine", (Neuron,), body))())})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"equations": "dv/dt = (v - critical)/(10*ms) : volt", "fires": "v > thresh"}, r"Mine: .*thresh"),
        (
            {"equations": "dv/dt = (v - critical)/(10*mV) : volt"},
            r"Mine: .*does not have the expected unit volt / second",
        ),
        ({"equations": "dv/dt = (v - critical/(10*ms) : volt"}, r"Mine: "),
        ({"equations": "dv/dt = (v - critical)/(10*ms) : volt", "after": "qq += 1*mV"}, r"Mine: .*qq"),
        ({"equations": "dv/dt = (v - critical)/(10*ms) : volt", "method": "rk5"}, r"Mine.method = rk5.*rk4"),
        (
            {"equations": "dw/dt = (w - critical)/(10*ms) : volt", "fires": "w > critical", "after": ""},
            r"Unknown state 'Mine.start\['v'\]'.*Known: .*w",
        ),
        ({"equations": "dv/dt = (v - critical)/(10*ms) : volt", "fires": "v + critical"}, r"Mine: .*boolean"),
        (
            {"equations": "dv/dt = -v/(10*ms) + xi*mV/second**0.5 : volt"},
            r"Mine draws random numbers with 'xi'.*NoisyCurrent",
        ),
        ({"equations": "dv/dt = -v/(10*ms) : volt", "after": "v = 10*mV*rand()"}, r"with 'rand'"),
    ],
)
def test_a_wrong_equation_is_explained_with_the_models_name(changes, says, capfd):
    with pytest.raises(DescriptionError, match=says) as caught:
        Experiment(wrong(**changes), duration=1 * ms, dt=DT).run()
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
