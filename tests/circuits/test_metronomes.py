"""Metronomes: in any period every neuron fires once, whatever its wiring; Brian2 says so too."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.chips import CHIPS, Ideal
from workbench.circuits.library.metronomes import Metronomes
from workbench.experiment import Experiment
from workbench.units import ms


def run(circuit: Metronomes, steps: int, chip: str = "loihi-small-cores"):
    return Experiment(circuit, CHIPS[chip], duration=steps * circuit.step, dt=circuit.step).run()


@pytest.mark.parametrize("period", [1, 2, 3, 7, 100, 1000])
@pytest.mark.parametrize("fan_out", [1, 300])
def test_every_neuron_fires_once_a_period(period: int, fan_out: int) -> None:
    spikes = run(Metronomes(neurons=300, fan_out=fan_out, period=period), 2 * period).spikes["N"]
    for first in (0, period):
        inside = (spikes.steps >= first) & (spikes.steps < first + period)
        assert np.array_equal(np.sort(spikes.neurons[inside]), np.arange(300))
    in_step = np.bincount(spikes.steps, minlength=2 * period)
    assert in_step.max() - in_step.min() <= 3, "the golden ratio spreads them evenly"


def test_the_ledger_counts_one_operation_a_synapse() -> None:
    r = run(Metronomes(neurons=256, fan_out=10, period=8, locality=0.5, reach=8), 32)
    assert r.ledger.count("spike") == 256 * 4
    assert r.ledger.count("synaptic operation") == 256 * 4 * 10


def test_brian2_fires_them_in_the_same_steps() -> None:
    circuit = Metronomes(neurons=50, fan_out=5, period=6)
    chip = run(circuit, 18)
    ideal = Experiment(circuit, Ideal(), duration=18 * ms, dt=1 * ms).run()
    assert chip.spikes["N"] == ideal.spikes["N"]


def test_neighbours_only_means_shorter_ways() -> None:
    far, near = (run(Metronomes(neurons=1024, fan_out=16, period=4, locality=x, reach=16), 16) for x in (0.0, 1.0))
    hops = [r.ledger.count("east-west hop") + r.ledger.count("north-south hop") for r in (far, near)]
    assert hops[1] < hops[0] / 3
