"""What a user writes in a notebook or a file, a neuron model, a circuit, a chip and a study, works without touching the package."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, final

import pytest

from workbench.backends.base import Probe
from workbench.chips import CHIPS, Chip
from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.stimuli import Poisson
from workbench.circuits.synapses import Delta
from workbench.circuits.wiring import FixedProbability, OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.experiment import Experiment
from workbench.fields import described, from_border, knobs, member, quantity
from workbench.studies.study import Result, Study
from workbench.units import ms, mV


@final
@described
class Quadratic(Neuron):
    """Quadratic integrate-and-fire neuron, written as equations."""

    tau: float = quantity(10 * ms, "ms", low=1 * ms, high=100 * ms, doc="time constant")
    critical: float = quantity(15 * mV, "mV", low=1 * mV, high=50 * mV, doc="critical potential")
    cut: float = quantity(40 * mV, "mV", low=20 * mV, high=100 * mV, doc="where a spike is counted")

    equations: ClassVar[str] = "dv/dt = v * (v - critical) / (critical * tau) : volt"
    fires: ClassVar[str] = "v > cut"
    after: ClassVar[str] = "v = 0*mV"
    start: ClassVar = {"v": 0.0}
    receptors: ClassVar = {"input": Delta("v")}
    method: ClassVar[str] = "euler"


@final
@described
class Pair(Circuit):
    """Two small populations of any model."""

    name: ClassVar[str] = "pair"
    jump: float = quantity(1 * mV, "mV", low=0 * mV, high=10 * mV, doc="weight")
    neuron: Neuron = member(Lif(), dict, doc="the model", inner=False)

    def network(self) -> Network:
        """See Circuit."""
        return Network(
            {"A": Population(20, self.neuron)},
            {"w": Source(20, Poisson(2000.0))},
            {
                "w": Projection("w", "A", OneToOne(), weight=1.5 * mV),
                "AA": Projection("A", "A", FixedProbability(0.2), weight=self.jump),
            },
        )


@final
@described
class PairStudy(Study):
    """How a pair answers."""

    title: ClassVar[str] = "A pair"
    circuit: Pair = member(Pair(), lambda: {"pair": Pair()}, doc="the circuit")
    chip: Chip = member("ideal", lambda: CHIPS, doc="the chip")

    def run(self, progress=None) -> Result:
        """See Study."""
        recording = Experiment(self.circuit, self.chip, duration=50 * ms, seed=1).run(progress)
        return Result(study=self, numbers={"spikes": recording.counts["A"]}, recordings={"pair": recording})


def test_a_model_written_as_equations_runs_on_the_reference():
    e = Experiment(Pair(neuron=Quadratic()), duration=50 * ms, seed=1, probes=(Probe("A", "v"),))
    r = e.run()
    assert r.counts["A"] > 10
    assert r.traces["A.v"].shape == (500, 20)


def test_a_chip_without_a_rule_for_it_says_what_it_has():
    with pytest.raises(UnsupportedError, match="Quadratic .*it has: Lif"):
        Experiment(Pair(neuron=Quadratic()), CHIPS["loihi-davies"], duration=5 * ms).run()


def test_a_model_with_a_wrong_equation_is_named():
    @final
    @described
    class Wrong(Neuron):
        """A model whose equation has a typing error."""

        equations: ClassVar[str] = "dv/dt = -v / tua : volt"
        fires: ClassVar[str] = "v > 1*mV"
        start: ClassVar = {"v": 0.0}
        receptors: ClassVar = {"input": Delta("v")}

    with pytest.raises(DescriptionError, match="Wrong"):
        Experiment(Pair(neuron=Wrong()), duration=5 * ms).run()


def test_a_circuit_a_chip_and_a_study_of_ones_own():
    small = replace(CHIPS["loihi-davies"], name="small", neurons_per_core=4)
    study = PairStudy(circuit=Pair(jump=2 * mV), chip=small)
    assert knobs(study)["jump_mv"].default == 2.0
    result = study.run()
    assert len(result.recordings["pair"].placement.cores) == 5
    moved = from_border(study, {"jump_mv": 3.0, "neurons_per_core": 10})
    assert moved.run().numbers["spikes"] != result.numbers["spikes"]
    reference = from_border(moved, {"chip": "ideal"}).run()
    assert reference.recordings["pair"].of("A") == moved.run().recordings["pair"].of("A")
