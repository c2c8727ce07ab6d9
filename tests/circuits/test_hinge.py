"""Unfold and draw: one decision for every backend, rules in place of arrays, refusals that name the place."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw, steps_of
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Linear, LogNormal, Normal, Uniform, Values
from workbench.circuits.stimuli import External, NoisyCurrent, Poisson, Regular, SpikeList, StepCurrent
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.errors import DescriptionError
from workbench.units import Hz, ms, mV, nA, nS


def one(stimulus, size=4):
    return Network(
        {"A": Population(size, Lif())},
        {"s": Source(size, stimulus)},
        {
            "in": Projection(
                "s",
                "A",
                OneToOne(),
                weight=1.0 if stimulus.kind == "current" else 1 * mV,
                receptor="current" if stimulus.kind == "current" else "input",
            )
        },
    )


@pytest.mark.parametrize(
    "stimulus",
    [
        Poisson(3000.0),
        Regular(333.0, phase=1.0),
        SpikeList((0.001, 0.002), (0, 3)),
        StepCurrent(1 * nA, 2 * ms, 4 * ms),
        NoisyCurrent(0.0, 1 * nA, 0.5 * ms),
        External(),
    ],
)
def test_any_window_is_a_window_of_the_whole(stimulus):
    drive = draw(unfold(one(stimulus), seed=1), 10 * ms, dt=0.1 * ms, seed=1)
    block = drive.currents if stimulus.kind == "current" else drive.counts
    whole = block("s", 0, 100)
    assert whole.shape == (100, 4)
    for start, stop in ((0, 1), (13, 40), (99, 100), (50, 50)):
        assert np.array_equal(block("s", start, stop), whole[start:stop])


def test_trials_and_seeds_change_the_drive_alone():
    network = one(Poisson(3000.0))
    netlist = unfold(network, seed=1)
    drive = draw(netlist, 10 * ms, dt=0.1 * ms, seed=1, trials=3)
    blocks = [drive.trial(k).counts("s", 0, 100) for k in range(3)]
    assert not np.array_equal(blocks[0], blocks[1])
    assert np.array_equal(blocks[0], drive.counts("s", 0, 100))
    with pytest.raises(DescriptionError, match="no trial 3"):
        drive.trial(3)


def test_regular_spikes_are_regular():
    counts = draw(unfold(one(Regular(100 * Hz, start=5 * ms)), seed=1), 100 * ms, dt=0.1 * ms, seed=1).counts(
        "s", 0, 1000
    )
    assert np.flatnonzero(counts[:, 0]).tolist() == list(range(50, 1000, 100))


def test_noisy_current_has_its_mean_and_spread():
    values = draw(unfold(one(NoisyCurrent(2 * nA, 1 * nA)), seed=1), 1.0, dt=0.1 * ms, seed=1).currents("s", 0, 10000)
    assert values.mean() == pytest.approx(2 * nA, abs=4 * nA / np.sqrt(40000))
    assert values.std() == pytest.approx(1 * nA, rel=0.02)


@pytest.mark.parametrize(
    ("spread", "mean", "sd"),
    [(Normal(1.0, 0.1), 1.0, 0.1), (Uniform(0.0, 2.0), 1.0, 2 / np.sqrt(12)), (LogNormal(1.0, 0.3), 1.0, None)],
)
def test_spreads_have_their_moments(spread, mean, sd):
    network = Network({"A": Population(20000, Lif(), {"v": spread})})
    v = unfold(network, seed=4).populations["A"].initial["v"]
    assert v.mean() == pytest.approx(mean, rel=0.02)
    if sd:
        assert v.std() == pytest.approx(sd, rel=0.02)
    assert v.min() >= spread.bounds()[0]
    assert v.max() <= spread.bounds()[1]


def test_ramps_and_values_follow_the_index():
    network = Network({"A": Population(3, Lif(bias=Linear(0 * nA, 1 * nA), tau=Values((0.01, 0.02, 0.03))))})
    cells = unfold(network, seed=0).populations["A"]
    assert cells.parameters["bias"].tolist() == [0.0, 0.5 * nA, 1 * nA]
    assert cells.parameters["tau"].tolist() == [0.01, 0.02, 0.03]
    with pytest.raises(DescriptionError, match="parameter.A.tau: 3 values are given for 4 places"):
        unfold(Network({"A": Population(4, Lif(tau=Values((0.01, 0.02, 0.03))))}), seed=0)


def test_weights_lie_on_the_receptors_grid():
    netlist = unfold(
        Network(
            {"A": Population(9, Lif())},
            {},
            {"AA": Projection("A", "A", AllToAll(), weight=Normal(0.1 * mV, 0.01 * mV))},
        ),
        seed=0,
    )
    block = netlist.projections["AA"]
    assert np.all(block.weight * 2**44 == np.rint(block.weight * 2**44))
    assert block.weight == pytest.approx(0.1 * mV, rel=0.5)
    assert block.count == 81 == netlist.synapses


def test_what_is_the_same_for_all_stays_one_number():
    netlist = unfold(CIRCUITS["balanced"].network(), seed=0)
    assert all(isinstance(b.weight, float) and isinstance(b.delay, float) for b in netlist.projections.values())
    assert all(isinstance(v, float) for v in netlist.populations["E"].parameters.values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"source": "B"}, "Projection 'AA': there is no 'B'"),
        ({"target": "AB"}, "did you mean 'A'"),
        ({"receptor": "ecx"}, "Lif has no receptor 'ecx'; it has input, exc"),
        ({"receptor": "current"}, "current sources go onto a receptor of kind Current"),
        ({"weight": float("nan")}, "weight is nan; it must be finite"),
        ({"delay": -1 * ms}, "a delay not negative"),
        ({"source": "s", "receptor": "gap", "weight": 1 * nS}, "a gap junction joins two populations"),
        ({"plasticity": "stdp"}, "plastic synapses are not available yet"),
    ],
)
def test_networks_that_make_no_sense_name_the_projection(change, sentence):
    given = {"source": "A", "target": "A", "wiring": AllToAll(), "weight": 1 * mV} | change
    with pytest.raises(DescriptionError, match=sentence):
        unfold(
            Network({"A": Population(2, Lif())}, {"s": Source(2, Poisson(1.0))}, {"AA": Projection(**given)}), seed=0
        )


def test_populations_that_make_no_sense_are_refused():
    with pytest.raises(DescriptionError, match="whole number, 1 or more"):
        Population(0, Lif())
    with pytest.raises(DescriptionError, match=r"write a neuron model such as Lif\(\)"):
        Population(1, Lif)
    with pytest.raises(DescriptionError, match="no state of Lif; states: v"):
        Population(1, Lif(), {"w": 0.0})
    with pytest.raises(DescriptionError, match="both a population and a source"):
        Network({"A": Population(1, Lif())}, {"A": Source(1, Poisson(1.0))})


def test_durations_are_whole_steps():
    assert steps_of(1.0, 1e-4) == 10000
    with pytest.raises(DescriptionError, match="not a whole number of steps of 0.1 ms; the nearest is 1 ms"):
        steps_of(1.03 * ms, 0.1 * ms)


@pytest.mark.parametrize("name", list(CIRCUITS))
def test_every_circuit_unfolds_quick_and_whole(name):
    circuit = CIRCUITS[name]
    quick = unfold(circuit.quick().network(), seed=0)
    whole = unfold(circuit.network(), seed=0)
    assert 0 < quick.size <= whole.size
    assert unfold(circuit.network(), seed=0).digest == whole.digest != unfold(circuit.network(), seed=1).digest


def test_full_size_brunel_for_a_second_adds_little_memory():
    """12,500 neurons, 15.6 million synapses, 250 million outside spikes: at most 150 MB beside the started interpreter."""
    code = """
import resource
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.experiment import Experiment
from dataclasses import replace
chip = replace(CHIPS["loihi-davies"], axons_in=10**6, axons_out=10**6)
Experiment(CIRCUITS["balanced"].quick(), chip, duration=0.001).run()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
r = Experiment(CIRCUITS["balanced"], chip, duration=1.0, seed=1).run()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) / 1024, sum(r.counts.values()) / 12500, r.ledger.count("outside operation"))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ)
    megabytes, rate, outside = map(float, done.stdout.split())
    assert megabytes <= 150
    assert outside == pytest.approx(250e6, rel=0.01)
    assert rate == pytest.approx(37, rel=0.05)
