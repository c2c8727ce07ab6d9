"""Neurons in whole steps on the event chip: what the slow twin says, in floats and in integers, and what Brian2 makes of the realised netlist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.naive import run_discrete
from tests.properties.discrete import DT, discrete_networks
from tests.properties.networks import networks
from workbench.backends.base import Probe, compile
from workbench.backends.event import tiers
from workbench.chips import CHIPS, Ideal
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.unfold import unfold
from workbench.errors import UnsupportedError
from workbench.kernels.event.rules import CONSTANTS
from workbench.mapping.quantise import LOWEST
from workbench.units import ms

FLOAT = CHIPS["loihi-roomy"]
WHOLE = replace(FLOAT, name="whole", arithmetic="integer", weight_bits=24)
STEPS = 80
FLOORED = "lowest" in CONSTANTS["discrete"]
"""Whether the chip's rule has the floor of `DiscreteLif.lowest`; until it does, networks that touch it are left out."""


def probes_of(network: Network) -> tuple[Probe, ...]:
    """v of every population; currents too, where all populations use the receptor."""
    used = {(p.target, p.receptor) for p in network.projections.values()}
    return tuple(
        Probe(name, variable)
        for name in network.populations
        for variable, receptor in (("v", ""), ("current_exc", "exc"), ("current_inh", "inh"))
        if not receptor or (name, receptor) in used
    )


def check_equal(network: Network, seed: int, chip: Any, dt: float) -> int:
    """Spikes, states and counts of the chip against the twin's, which runs the realised netlist."""
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, STEPS * dt, dt=dt, seed=seed)
    rng = np.random.default_rng(seed)
    handed = {
        n: rng.poisson(0.3, (STEPS, s.size)).astype(np.int64)
        for n, s in netlist.sources.items()
        if drive.is_external(n)
    }
    probes = probes_of(network)
    program = compile(netlist, chip, dt=dt, seed=seed, probes=probes)
    states: list = []
    twin, events = run_discrete(program.realised, drive, STEPS, inputs=handed, states=states)
    assume(FLOORED or chip is FLOAT or min(min(s["v"]) for s in states) > LOWEST)
    run = program.start(drive)
    run.advance(STEPS * dt, handed)
    recording = run.recording()
    starts = {n: c.start for n, c in netlist.populations.items()}
    ours = sorted((int(t), int(i) + starts[n]) for n, s in recording.spikes.items() for t, i in zip(s.steps, s.neurons))
    assert ours == sorted(twin)
    for probe in probes:
        state = {"v": "v", "current_exc": "exc", "current_inh": "inh"}[probe.variable]
        wanted = np.array([s[state][netlist.populations[probe.of].span] for s in states])
        assert np.array_equal(recording.traces[probe.name].values, wanted), probe.name
    count = recording.ledger.count
    assert count("synaptic operation") + count("dense operation") == events["synaptic operation"]
    for event in ("spike", "active update", "outside operation"):
        assert count(event) == events[event], event
    return len(ours)


def in_floats(network, seed):
    check_equal(network, seed, FLOAT, DT)


def in_integers(network, seed):
    check_equal(network, seed, WHOLE, DT)


def quantised(network, seed, bits):
    check_equal(network, seed, replace(WHOLE, weight_bits=bits), 0.1 * ms)


SEEDS = st.integers(0, 99)
RANDOM = {
    "floats": (in_floats, given(network=discrete_networks(rounding="none", floored=FLOORED), seed=SEEDS)),
    "integers": (in_integers, given(network=discrete_networks(rounding="away", floored=FLOORED), seed=SEEDS)),
    "a quantised Lif": (
        quantised,
        given(network=networks(currents=False), seed=SEEDS, bits=st.sampled_from([4, 8, 16])),
    ),
}


@pytest.mark.parametrize("numbers", RANDOM)
@pytest.mark.parametrize(
    ("tier", "examples"), [(tiers.INTERPRETED, 25), (tiers.COMPILED, 5)]
)  # nearly every network has a shape of its own to compile
def test_random_networks_equal_the_twin_in_every_bit(numbers, tier, examples):
    equal, drawn = RANDOM[numbers]
    with tiers.held(tier):
        settings(max_examples=examples, deadline=None)(drawn(equal))()


@pytest.mark.parametrize("circuit", ["balanced", "vogels-abbott", "winner-take-all", "worm"])
def test_brian2_runs_the_realised_netlist_to_the_same_spikes(circuit):
    """`program.realised` in integer mode is what the chip computes: the two agree integer for integer on library circuits."""
    netlist = unfold(CIRCUITS[circuit].quick().network(), seed=2)
    drive = draw(netlist, 100 * ms, dt=0.1 * ms, seed=2)
    name = next(iter(netlist.populations))
    probes = (Probe(name, "v", which=(0, 1, 2)),)
    program = compile(netlist, replace(WHOLE, weight_bits=8), dt=0.1 * ms, seed=2, probes=probes)
    here = program.run(drive)
    there = compile(program.realised, Ideal(), dt=0.1 * ms, seed=2, probes=probes).run(drive)
    assert sum(here.counts.values()) > 20
    assert all(here.spikes[n] == there.spikes[n] for n in here.spikes)
    assert np.array_equal(here.traces[f"{name}.v"], there.traces[f"{name}.v"])
    assert here.arithmetic == "integer"


def test_a_rounding_neuron_asks_for_an_integer_chip():
    network = Network({"P": Population(1, DiscreteLif(rounding="away"))})
    with pytest.raises(UnsupportedError, match="Population 'P' rounds to whole numbers"):
        check_equal(network, 0, FLOAT, DT)
