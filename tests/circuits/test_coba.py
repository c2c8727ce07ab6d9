"""The conductance network: alive without input, at the rate it should have, and where its numbers say it is."""

from __future__ import annotations

import pytest

from workbench import measures
from workbench.circuits import CIRCUITS
from workbench.circuits.library.coba import COBA
from workbench.experiment import Experiment
from workbench.units import ms, mV, nS


def test_it_keeps_itself_alive_at_twenty_hertz():
    """computed with Brian2 from other wiring and states: 20.1 Hz and 19.4 Hz; the outside spikes end after 50 ms."""
    recording = Experiment(COBA(), duration=1.1, seed=0).run()
    steady = recording.after(200 * ms)
    assert 17 < measures.rate(steady, "E") < 23
    assert 17 < measures.rate(steady, "I") < 23
    assert recording.of("E").after(1.0).count > 1000, "alive at 1 s"
    assert measures.isi_cv(steady, "E") > 1, "it fires in bursts"


def test_without_a_kick_it_stays_silent():
    recording = Experiment(COBA(kick_rate=0.0).quick(), duration=200 * ms, seed=0).run()
    assert recording.of("E").after(100 * ms).count == 0


def test_its_numbers_are_the_published_ones():
    circuit = COBA()
    assert (circuit.excitatory, circuit.inhibitory, circuit.connectivity) == (3200, 800, 0.02)
    assert (circuit.excite, circuit.inhibit) == (pytest.approx(6 * nS), pytest.approx(67 * nS))
    network = circuit.network()
    assert {p.receptor for p in network.projections.values()} == {"exc_g", "inh_g"}
    assert all(p.weight > 0 for p in network.projections.values()), (
        "a conductance is positive; the reversal has the sign"
    )
    neuron = network.populations["E"].neuron
    assert (neuron.reversal_exc, neuron.reversal_inh) == (0.0, pytest.approx(-80 * mV))


def test_the_quick_size_has_as_many_inputs():
    circuit, quick = COBA(), COBA().quick()
    assert quick.excitatory * quick.connectivity == pytest.approx(circuit.excitatory * circuit.connectivity)
    assert CIRCUITS["vogels-abbott-coba"] == circuit
