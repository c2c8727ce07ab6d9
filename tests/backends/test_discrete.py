"""Neurons in whole steps on Brian2: bit-equal to their definition, however a run is cut, resumed or compiled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import run_discrete
from tests.properties.discrete import DT, discrete_networks
from workbench.backends.base import Probe, compile
from workbench.chips import Ideal
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.spread import Uniform, Values
from workbench.circuits.stimuli import External, Poisson, SpikeList, StepCurrent
from workbench.circuits.synapses import Delta, Jump
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, FixedInDegree, OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.experiment import Experiment
from workbench.fields import described
from workbench.units import mV, nA

STEPS = 80


def probes_of(network: Network) -> tuple[Probe, ...]:
    """v and every current in use, of every population."""
    used = {(p.target, p.receptor) for p in network.projections.values()}
    return tuple(
        Probe(name, variable)
        for name in network.populations
        for variable, receptor in (("v", ""), ("current_exc", "exc"), ("current_inh", "inh"))
        if not receptor or (name, receptor) in used
    )


def check_equal(network: Network, seed: int, *, target: str = "numpy") -> int:
    """Hold the reference against the twin in every spike and state; gives the number of spikes."""
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, STEPS * DT, dt=DT, seed=seed)
    rng = np.random.default_rng(seed)
    handed = {
        n: rng.poisson(0.3, (STEPS, s.size)).astype(np.int64)
        for n, s in netlist.sources.items()
        if drive.is_external(n)
    }
    states: list = []
    twin, events = run_discrete(netlist, drive, STEPS, inputs=handed, states=states)
    run = compile(netlist, Ideal(target=target), dt=DT, seed=seed, probes=probes_of(network)).start(drive)
    run.advance(STEPS * DT, handed)
    recording = run.recording()
    starts = {n: c.start for n, c in netlist.populations.items()}
    ours = sorted((int(t), int(i) + starts[n]) for n, s in recording.spikes.items() for t, i in zip(s.steps, s.neurons))
    assert ours == sorted(twin)
    for probe in probes_of(network):
        here = netlist.populations[probe.of].span
        state = {"v": "v", "current_exc": "exc", "current_inh": "inh"}[probe.variable]
        wanted = np.array([s[state][here] for s in states])
        assert np.array_equal(recording.traces[probe.name].values, wanted), probe.name
    assert recording.ledger.count("spike") == events["spike"]
    assert recording.ledger.count("synaptic operation") == events["synaptic operation"]
    return len(ours)


@settings(max_examples=25, deadline=None)
@given(network=discrete_networks(), seed=st.integers(0, 99))
def test_equals_the_slow_twin_in_every_bit(network, seed):
    check_equal(network, seed)


BUSY = Network(
    {
        "A": Population(
            12, DiscreteLif(leak=Uniform(0.01, 0.2), leak_exc=0.3, threshold=900.0), {"v": Uniform(0, 800)}
        ),
        "B": Population(
            5, DiscreteLif(leak=41 / 4096, leak_exc=0.25, leak_inh=0.5, refractory=3, bias=90.0, rounding="away")
        ),
        "C": Population(5, DiscreteLif(threshold=500.0, after_spike="subtract", lowest=-100.0, bias=130.7)),
    },
    {"world": Source(12, Poisson(300.0)), "other": Source(4, Poisson(200.0)), "hand": Source(5, External())},
    {
        "world": Projection("world", "A", OneToOne(), weight=410.0),
        "other": Projection(
            "other", "A", AllToAll(), weight=Uniform(10, 200), delay=Uniform(DT, 4 * DT), receptor="exc"
        ),
        "hand": Projection("hand", "B", OneToOne(), weight=300.0, delay=2 * DT, receptor="inh"),
        "AB": Projection("A", "B", AllToAll(), weight=100.0, delay=DT, receptor="exc"),
        "BA": Projection("B", "A", AllToAll(), weight=-200.0, delay=Uniform(DT, 6 * DT)),
        "BC": Projection("B", "C", AllToAll(), weight=-90.0, delay=3 * DT),
        "AA": Projection("A", "A", FixedInDegree(degree=4), weight=60.0, delay=5 * DT, receptor="exc"),
    },
)


@pytest.mark.parametrize("target", ["numpy", "cython"])
def test_both_targets_do_the_same(target):
    assert check_equal(BUSY, 3, target=target) > 100


def test_a_spike_over_one_step_acts_in_the_next():
    network = Network(
        {"P": Population(2, DiscreteLif(threshold=Values([9.0, 9.5]), leak=1.0))},
        {"S": Source(1, SpikeList((2 * DT,), (0,)))},
        {
            "S": Projection("S", "P", AllToAll(), weight=Values([10.0, 0.0]), delay=DT),
            "PP": Projection("P", "P", AllToAll(), weight=Values([0.0, 0.0, 10.0, 0.0]), delay=DT),
        },
    )
    spikes = Experiment(network, duration=10 * DT, dt=DT).run().of("P")
    assert list(zip(spikes.steps.tolist(), spikes.neurons.tolist())) == [(3, 0), (4, 1)]


@pytest.mark.parametrize(
    ("refractory", "steps"), [(0, [0, 1, 2, 3]), (1, [0, 1, 2, 3]), (2, [0, 2, 4, 6]), (5, [0, 5, 10, 15])]
)
def test_silence_lasts_the_refractory_steps(refractory, steps):
    network = Network({"P": Population(1, DiscreteLif(threshold=1.0, bias=2.0, refractory=refractory))})
    assert Experiment(network, duration=20 * DT, dt=DT).run().of("P").steps.tolist()[:4] == steps


def test_a_run_cut_in_pieces_or_resumed_is_the_same_run(tmp_path):
    netlist = unfold(BUSY, seed=1)
    drive = draw(netlist, 120 * DT, dt=DT, seed=1)
    program = compile(netlist, Ideal(), dt=DT, seed=1, probes=probes_of(BUSY))
    handed = np.random.default_rng(1).poisson(0.2, (120, 5))

    def advanced(run, start, stop):
        return run.advance((stop - start) * DT, {"hand": handed[start:stop]})

    whole = program.start(drive)
    advanced(whole, 0, 120)
    pieces = program.start(drive)
    for start in range(0, 120, 5):
        if start == 60:
            pieces = program.resume(pieces.save(tmp_path / "run.npz"))
        advanced(pieces, start, start + 5)
    one, other = whole.recording(), pieces.recording()
    assert sum(one.counts.values()) > 150
    assert all(one.spikes[n] == other.spikes[n] for n in one.spikes)
    assert all(np.array_equal(one.traces[n], other.traces[n]) for n in one.traces)
    assert np.array_equal(one.ledger.counts, other.ledger.counts)


def test_neurons_in_steps_and_in_time_talk_to_each_other():
    """A delay means the same on both sides: due in step m + d, felt by a neuron in whole steps at once, by a Lif one step later."""
    network = Network(
        {
            "steps": Population(1, DiscreteLif(threshold=5.0, leak=1.0)),
            "time": Population(1, Lif(reset=0.0, refractory=0.0)),
        },
        {"S": Source(1, SpikeList((0.0,), (0,)))},
        {
            "S": Projection("S", "steps", OneToOne(), weight=6.0, delay=2 * DT),
            "forth": Projection("steps", "time", OneToOne(), weight=30 * mV, delay=3 * DT),
            "back": Projection("time", "steps", OneToOne(), weight=6.0, delay=3 * DT),
        },
    )
    recording = Experiment(network, duration=20 * DT, dt=DT).run()
    assert recording.of("steps").steps.tolist() == [2, 9, 16]
    assert recording.of("time").steps.tolist() == [6, 13]


def test_traces_have_no_unit_and_inner_names_are_not_offered():
    network = Network({"P": Population(1, DiscreteLif(bias=1.0))})
    recording = Experiment(network, duration=3 * DT, dt=DT, probes=(Probe("P", "v"),)).run()
    assert recording.traces["P.v"].attrs["units"] == ""
    assert recording.traces["P.v"].values[:, 0].tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(DescriptionError, match="ready"):
        Experiment(network, duration=3 * DT, dt=DT, probes=(Probe("P", "ready"),)).run()


def test_currents_from_outside_are_refused_by_name():
    populations, sources = {"P": Population(1, DiscreteLif())}, {"I": Source(1, StepCurrent(1 * nA))}
    with pytest.raises(DescriptionError, match="DiscreteLif has no receptor 'current'; it has input, exc, inh"):
        Network(populations, sources, {"I": Projection("I", "P", OneToOne(), weight=1.0, receptor="current")})
    with pytest.raises(DescriptionError, match="no receptor 'gap'"):
        Network(populations, {}, {"I": Projection("P", "P", OneToOne(), weight=1.0, receptor="gap")})
    with pytest.raises(DescriptionError, match="receptor of kind Current"):
        Network(populations, sources, {"I": Projection("I", "P", OneToOne(), weight=1.0, receptor="exc")})


def mine(**body) -> Network:
    neuron = described(type("Mine", (Neuron,), {"start": {"v": 0.0}, "fires": "v > 1*volt", **body}))()
    return Network(
        {"P": Population(1, neuron)},
        {"S": Source(1, SpikeList((DT,), (0,)))},
        {"S": Projection("S", "P", OneToOne(), weight=1.0, receptor="in")},
    )


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (mine(method="steps", receptors={"in": Jump("v")}), "Mine: there is no rule in whole steps"),
        (
            mine(equations="dv/dt = -v/(10*ms) : volt", method="euler", receptors={"in": Jump("v")}),
            "Mine: its receptor 'in' is of kind Jump",
        ),
        (mine(method="steps", receptors={"in": Delta("v")}), "Mine: there is no rule in whole steps"),
    ],
)
def test_jumps_and_whole_steps_belong_together(network, says):
    with pytest.raises(UnsupportedError, match=says):
        Experiment(network, duration=5 * DT, dt=DT).run()


def test_a_reset_above_the_threshold_is_refused():
    with pytest.raises(DescriptionError, match=r"DiscreteLif.reset is 100 and DiscreteLif.threshold 64"):
        DiscreteLif(reset=100.0)
