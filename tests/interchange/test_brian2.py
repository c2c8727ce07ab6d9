"""A Brian2 script and its conversion spike alike: same wiring, same start, Brian2's own exact integration against ours."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import workbench.interchange.brian2 as reader
from tests.interchange.scripts import ROOMY, brian, listed, ours, same, theirs
from workbench.chips import CHIPS
from workbench.circuits.network import Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, Explicit, OneToOne
from workbench.experiment import Experiment
from workbench.interchange.brian2 import from_brian2
from workbench.interchange.imported import Imported, Listed

CUBA = """
dv/dt  = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""


def cuba(b, size: int, p: float) -> tuple[list, dict]:
    """Vogels and Abbott's network as it is usually written for Brian2."""
    names = dict(
        taum=20 * b.ms,
        taue=5 * b.ms,
        taui=10 * b.ms,
        Vt=-50 * b.mV,
        Vr=-60 * b.mV,
        El=-49 * b.mV,
        we=1.62 * b.mV,
        wi=-9 * b.mV,
    )
    P = b.NeuronGroup(
        size, CUBA, threshold="v > Vt", reset="v = Vr", refractory=5 * b.ms, method="exact", namespace=names, name="P"
    )
    P.v = "-60*mV + rand()*10*mV"
    cut = size * 4 // 5
    Ce = b.Synapses(P[:cut], P, on_pre="ge += we", delay=0.1 * b.ms, namespace=names, name="Ce")
    Ci = b.Synapses(P[cut:], P, on_pre="gi += wi", delay=0.1 * b.ms, namespace=names, name="Ci")
    Ce.connect(p=p)
    Ci.connect(p=p)
    return [P, Ce, Ci], names


@pytest.mark.slow
def test_the_cuba_network_spikes_alike_and_says_its_energy(capsys):
    """4,000 neurons and 320,000 synapses, spike for spike for 200 ms."""
    with brian(3) as b:
        objects, _ = cuba(b, 4000, 0.02)
        circuit = from_brian2(objects)
        here = Experiment(circuit, CHIPS[ROOMY], duration=0.2, dt=circuit.dt).run()
        reference = ours(circuit, 0.2)
        expected = theirs(b, objects, 0.2)
    assert len(expected["P"]) > 4000
    assert listed(here) == expected == reference
    assert unfold(circuit.network(), seed=0).synapses == len(objects[1]) + len(objects[2])
    # the ledger holds what those spikes cost, and nothing else
    prices = CHIPS[ROOMY].prices  # type: ignore[attr-defined]
    assert here.ledger.total == pytest.approx(sum(here.ledger.count(e) * prices[e].joules for e in prices), rel=1e-12)
    assert here.ledger.count("synaptic operation") == sum(
        int(np.asarray(s.N_outgoing_pre)[i]) if begin <= i < end else 0
        for s, begin, end in ((objects[1], 0, 3200), (objects[2], 3200, 4000))
        for t, i in expected["P"]
    )
    with capsys.disabled():
        print(f"\nCUBA, 200 ms: {len(expected['P'])} spikes, {here.ledger.total * 1e6:.1f} µJ on {ROOMY}")


def test_at_most_five_added_lines_take_a_script_to_energy():
    """The lines of the docstring, run as they stand in a script of their own."""
    lines = [x.strip() for x in (reader.__doc__ or "").splitlines() if x.startswith("    ")]
    assert 1 <= len(lines) <= 5
    script = """
    from brian2 import *
    prefs.codegen.target = "numpy"
    tau, we = 10*ms, 3*mV
    G = NeuronGroup(50, "dv/dt = (12*mV - v)/tau : volt", threshold="v > 10*mV", reset="v = 0*mV", method="exact")
    G.v = "rand()*10*mV"
    S = Synapses(G, G, on_pre="v += we", delay=1*ms)
    S.connect(p=0.1)
    M = SpikeMonitor(G)
    net = Network(G, S, M)
    """
    code = textwrap.dedent(script) + "\n".join(lines)
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    energy, unit, *notes = run.stdout.splitlines()
    assert float(energy) > 0
    assert unit == "J"
    assert any("Monitors" in n for n in notes)


def test_importing_the_readers_loads_nothing_heavy():
    code = (
        "import sys, workbench.interchange as room; room.from_brian2, room.read_nir, room.Imported; "
        "print(*sorted({'brian2', 'nir', 'h5py', 'numba', 'scipy', 'sympy', 'xarray'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_delta_synapses_by_synapse_weights_signs_and_delays():
    with brian() as b:
        G = b.NeuronGroup(
            60, "dv/dt = (El - v)/tau + drive/tau : volt (unless refractory)\ndrive : volt\ntau : second (constant)\nEl : volt",
            threshold="v > -50*mV", reset="v = -60*mV", refractory=2 * b.ms, method="exact", name="G"
        )  # fmt: skip
        G.v, G.El, G.tau, G.drive = "-60*mV + rand()*9*mV", -60 * b.mV, "10*ms + rand()*10*ms", "12*mV + rand()*3*mV"
        S = b.Synapses(G, G, "w : volt", on_pre="v_post += w")
        S.connect(condition="i != j", p=0.3)
        S.w, S.delay = "(rand() - 0.6)*2*mV", "0.1*ms + rand()*3*ms"
        circuit = same(b, [G, S], 0.2, least=300)
    (projection,) = circuit.written.projections.values()
    assert isinstance(projection.wiring, Explicit)
    assert isinstance(projection.weight, Listed)
    assert isinstance(projection.delay, Listed)
    assert isinstance(circuit.written.populations["G"].neuron.tau, Listed)  # type: ignore[attr-defined]


SPELLINGS = {
    "leak over tau": ("dv/dt = (El - v + R*Is)/tau : volt (unless refractory)", dict(R=1e8, tau=0.015)),
    "conductance over capacitance": ("dv/dt = gl*(El - v)/C + Is/C : volt (unless refractory)", dict(gl=1e-8, C=1.5e-10)),
    "a subexpression and signs": ("I = Is + 0*amp : amp\ndv/dt = -((v - El) - I/gl)/(C/gl) : volt (unless refractory)", dict(gl=1e-8, C=1.5e-10)),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_any_spelling_of_the_leak_is_the_same_neuron(spelling):
    text, numbers = SPELLINGS[spelling]
    with brian() as b:
        units = dict(R=b.ohm, tau=b.second, gl=b.siemens, C=b.farad)
        names = {n: x * units[n] for n, x in numbers.items()} | {"El": -65 * b.mV}
        G = b.NeuronGroup(
            20, text + "\ndIs/dt = -Is/(5*ms) : amp", threshold="v > -50*mV", reset="v = El", refractory="3*ms",
            method="exact", namespace=names, name="G",
        )  # fmt: skip
        G.v = "-65*mV + rand()*14*mV"
        D = b.SpikeGeneratorGroup(5, [0, 1, 2, 3, 4] * 20, np.linspace(1, 90, 100) * b.ms)
        S = b.Synapses(D, G, on_pre="Is += 0.4*nA", delay=0.3 * b.ms, name="S")
        S.connect()
        circuit = same(b, [G, D, S], 0.1, least=50)
    neuron = circuit.written.populations["G"].neuron
    assert isinstance(neuron, Lif)
    assert neuron.tau == pytest.approx(15e-3, rel=1e-14)
    assert neuron.rest == pytest.approx(-65e-3, rel=1e-14)
    assert neuron.resistance == pytest.approx(1e8, rel=1e-14)
    assert isinstance(circuit.written.projections["S"].wiring, AllToAll)


def test_a_bias_current_stays_a_current_and_a_number_a_neuron():
    with brian() as b:
        G = b.NeuronGroup(
            8, "dv/dt = (El - v + R*I)/tau : volt (unless refractory)\nI : amp\nR : ohm (constant)", threshold="v >= -50*mV",
            reset="v = El", refractory=1 * b.ms, method="exact", namespace=dict(El=-65 * b.mV, tau=10 * b.ms), name="G"
        )  # fmt: skip
        G.v, G.I, G.R = -65 * b.mV, np.linspace(0.1, 0.4, 8) * b.nA, np.linspace(80, 160, 8) * b.Mohm
        circuit = same(b, [G], 0.1, least=20)
    neuron = circuit.written.populations["G"].neuron
    assert isinstance(neuron, Lif)
    assert np.allclose(neuron.bias.values, np.linspace(0.1, 0.4, 8) * 1e-9, rtol=1e-12)  # type: ignore[attr-defined]
    assert np.allclose(neuron.resistance.values, np.linspace(80, 160, 8) * 1e6, rtol=1e-12)  # type: ignore[attr-defined]
    assert neuron.threshold == np.nextafter(-50e-3, -1), "v >= x is v > the number before x"


def test_a_potential_without_unit_is_scaled_by_a_power_of_two():
    with brian() as b:
        G = b.NeuronGroup(
            10,
            "dv/dt = (I - v)/tau : 1\nI : 1",
            threshold="v > 1",
            reset="v = 0",
            method="exact",
            namespace=dict(tau=10 * b.ms),
            name="G",
        )
        G.I, G.v = "1.2 + rand()*40", "rand()*0.9"
        S = b.Synapses(G, G, "w : 1", on_pre="v += w/2", delay=1 * b.ms)
        S.connect(condition="i != j")
        S.w = "rand()*0.4 - 0.3"
        circuit = same(b, [G, S], 0.1, least=200)
    assert circuit.written.populations["G"].neuron.threshold == 2.0**-5  # type: ignore[attr-defined]
    assert any("31.25 mV" in n for n in circuit.notes)


def test_conductances_start_charged_too():
    """COBA in its usual style, with conductances that do not start at zero: spike for spike with Brian2's exponential Euler."""
    with brian(5) as b:
        names = dict(
            taum=20 * b.ms, taue=5 * b.ms, taui=10 * b.ms, Ee=0 * b.mV, Ei=-80 * b.mV, gl=10 * b.nS, El=-60 * b.mV
        )
        P = b.NeuronGroup(
            100,
            "dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v))*(1./gl)/taum : volt (unless refractory)\n"
            "dge/dt = -ge*(1./taue) : siemens\ndgi/dt = -gi*(1./taui) : siemens",
            threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms, method="exponential_euler", namespace=names, name="P",
        )  # fmt: skip
        P.v, P.ge, P.gi = "-60*mV + rand()*12*mV", "(1 + rand())*5*nS", "(20 + rand()*12)*nS"
        Ce = b.Synapses(P[:80], P, on_pre="ge += 6*nS", delay=0.1 * b.ms, name="Ce")
        Ci = b.Synapses(P[80:], P, on_pre="gi += 67*nS", delay=0.1 * b.ms, name="Ci")
        Ce.connect(p=0.3)
        Ci.connect(p=0.1)
        circuit = same(b, [P, Ce, Ci], 0.1, least=300)
    receptors = {n: p.receptor for n, p in circuit.written.projections.items()}
    assert receptors == {"Ce": "exc_g", "Ci": "inh_g", "start of P.exc_g": "exc_g", "start of P.inh_g": "inh_g"}
    neuron = circuit.written.populations["P"].neuron
    assert isinstance(neuron, Lif)
    assert (neuron.reversal_exc, neuron.reversal_inh) == (0.0, -0.08)


def test_currents_that_start_charged_spike_alike():
    with brian() as b:
        G = b.NeuronGroup(
            12, "dv/dt = (ge - v)/(10*ms) : volt (unless refractory)\ndge/dt = -ge/(30*ms) : volt", threshold="v > 10*mV",
            reset="v = 0*mV", refractory=1 * b.ms, method="exact", name="G"
        )  # fmt: skip
        G.ge, G.v = np.linspace(0, 80, 12) * b.mV, np.linspace(9.9, 0, 12) * b.mV
        same(b, [G], 0.1, least=15)


def test_without_delay_spikes_arrive_one_step_later_and_it_is_said():
    """Two feed-forward stages: each stage of a script without delays comes exactly one step later here."""
    with brian() as b:
        D = b.SpikeGeneratorGroup(1, [0, 0], [1.0, 5.0] * b.ms)
        G = b.NeuronGroup(
            2, "dv/dt = -v/(10*ms) : volt", threshold="v > 5*mV", reset="v = 0*mV", method="exact", name="G"
        )
        first = b.Synapses(D, G, on_pre="v += 9*mV")
        first.connect(i=0, j=0)
        second = b.Synapses(G, G, on_pre="v += 9*mV")
        second.connect(i=0, j=1)
        circuit = from_brian2([D, G, first, second], namespace={})
        expected = theirs(b, [D, G, first, second], 0.01)["G"]
    late = [(step + 1 + neuron, neuron) for step, neuron in expected]
    assert ours(circuit, 0.01)["G"] == ours(circuit, 0.01, ROOMY)["G"] == late
    assert sum("one step" in n for n in circuit.notes) == 2


def test_poisson_groups_inputs_and_subgroups_become_sources():
    with brian() as b:
        G = b.NeuronGroup(
            6, "dv/dt = -v/(10*ms) : volt", threshold="v > 5*mV", reset="v = 0*mV", method="exact", name="G"
        )
        even = b.PoissonGroup(3, 50 * b.Hz, name="even")
        odd = b.PoissonGroup(4, [10, 10, 30, 30] * b.Hz, name="odd")
        S1 = b.Synapses(even, G[:3], on_pre="v += 1*mV", name="S1")
        S1.connect(j="i")
        S2 = b.Synapses(odd[1:], G, on_pre="v += 2*mV; v -= 1*mV", delay=1 * b.ms, name="S2")
        S2.connect()
        background = b.PoissonInput(G[2:5], "v", N=100, rate=20 * b.Hz, weight=0.1 * b.mV)
        network = from_brian2([G, even, odd, S1, S2, background], namespace={}).written
    assert network.sources["even"].stimulus == Poisson(50.0)
    assert {n: (s.size, s.stimulus.rate) for n, s in network.sources.items() if n.startswith("odd")} == {  # type: ignore[attr-defined]
        "odd 0": (2, 10.0),
        "odd 1": (2, 30.0),
    }
    assert network.sources[background.name].size == 3
    assert network.sources[background.name].stimulus == Poisson(2000.0)

    def pairs(p: Projection) -> list[tuple[int, int]]:
        i, j = p.wiring.edges(network.sources[p.source].size, 6, 0)
        return sorted(zip(i.tolist(), j.tolist()))

    assert pairs(network.projections["S1"]) == [(0, 0), (1, 1), (2, 2)]
    assert pairs(network.projections[background.name]) == [(0, 2), (1, 3), (2, 4)]
    # neuron 0 of odd is outside the subgroup; 1 is the second with 10 Hz, and 2 and 3 have 30 Hz
    assert {
        i for n, p in network.projections.items() if n.startswith("S2") and p.source == "odd 0" for i, _ in pairs(p)
    } == {1}
    assert {
        i for n, p in network.projections.items() if n.startswith("S2") and p.source == "odd 1" for i, _ in pairs(p)
    } == {0, 1}
    assert sorted(p.weight for n, p in network.projections.items() if n.startswith("S2") and p.source == "odd 0") == [
        -1e-3,
        2e-3,
    ]


def test_a_poisson_script_has_the_same_mean_rate():
    """Eight hundred inputs of 10 Hz to each of 200 neurons: 2 s of both agree within three standard errors of their difference."""
    with brian(2) as b:
        G = b.NeuronGroup(200, "dv/dt = -v/(20*ms) : volt (unless refractory)", threshold="v > 20*mV", reset="v = 10*mV", refractory=2 * b.ms, method="exact", name="G")  # fmt: skip
        background = b.PoissonInput(G, "v", N=800, rate=10 * b.Hz, weight=0.13 * b.mV)
        circuit = from_brian2([G, background])
        expected = np.bincount([i for _, i in theirs(b, [G, background], 2.0)["G"]], minlength=200)
    here = np.bincount([i for _, i in ours(circuit, 2.0, ROOMY)["G"]], minlength=200)
    assert expected.mean() > 10
    error = np.sqrt(expected.var() / 200 + here.var() / 200)
    assert abs(here.mean() - expected.mean()) < 3 * error


def test_the_objects_around_are_found_as_run_finds_them():
    with brian() as b:
        tau = 10 * b.ms
        G = b.NeuronGroup(
            3, "dv/dt = (12*mV - v)/tau : volt", threshold="v > 10*mV", reset="v = 0*mV", method="exact", name="G"
        )
        S = b.Synapses(G, G, on_pre="v += 1*mV", delay=1 * b.ms)
        S.connect(j="i")
        circuit = from_brian2()
        assert tau is not None
    assert list(circuit.written.populations) == [G.name]
    assert isinstance(circuit.written.projections[S.name].wiring, OneToOne)


def test_a_script_that_has_run_starts_where_it_stands():
    with brian() as b:
        G = b.NeuronGroup(
            5, "dv/dt = (12*mV - v)/(10*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV", method="exact", name="G"
        )
        G.v = np.linspace(0, 9, 5) * b.mV
        D = b.SpikeGeneratorGroup(1, [0, 0, 0], [1.0, 15.0, 30.0] * b.ms)
        S = b.Synapses(D, G, on_pre="v += 1*mV", delay=1 * b.ms)
        S.connect()
        M = b.SpikeMonitor(G)
        net = b.Network(G, D, S, M)
        net.run(10 * b.ms)
        circuit = from_brian2(net)
        before = M.num_spikes
        net.run(30 * b.ms)
        later = [(round(float(t) / 1e-4) - 100, int(i)) for t, i in zip(M.t[before:], M.i[before:])]
    assert any("10 ms" in n for n in circuit.notes)
    assert ours(circuit, 0.03)["G"] == sorted(later)


def test_a_script_that_ran_without_a_network_starts_where_it_stands():
    with brian() as b:
        G = b.NeuronGroup(
            1, "dv/dt = (9*mV - v)/(10*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV", method="exact", name="G"
        )
        D = b.SpikeGeneratorGroup(1, [0], [25] * b.ms, name="D")
        assert from_brian2([G, D]).notes == from_brian2([G]).notes
        b.run(20 * b.ms)
        circuit = from_brian2()
        assert D.name == "D"
    assert any("20 ms" in n for n in circuit.notes)
    assert circuit.written.populations["G"].initial["v"] == pytest.approx(9e-3 * (1 - np.exp(-2)))
    later = from_brian2([G, D])
    assert later.notes == circuit.notes


def test_synapses_with_several_pathways_and_local_names():
    with brian() as b:
        D = b.SpikeGeneratorGroup(4, [0, 1, 2, 3, 0, 2], [1, 2, 3, 4, 6, 6.5] * b.ms)
        G = b.NeuronGroup(
            3,
            "dv/dt = (ge - v)/(10*ms) : volt\ndge/dt = -ge/(3*ms) : volt\ngain : 1",
            threshold="v > 2*mV",
            reset="v = 0*mV",
            method="exact",
            name="G",
        )
        G.gain = [1, 2, 3]
        S = b.Synapses(
            D, G, "w : volt\nscale = 2*w : volt",
            on_pre={"fast": "x = scale*gain_post\nge = ge + x", "slow": "v_post += w*(1 + i)/(1 + j)"},
            delay={"fast": 0.5 * b.ms},
        )  # fmt: skip
        S.connect()
        S.w = "1*mV + rand()*mV"
        S.slow.delay = "1*ms + rand()*ms"
        circuit = same(b, [D, G, S], 0.012, least=8)
    assert sorted(p.receptor for p in circuit.written.projections.values()) == ["exc", "input"]


def test_shared_numbers_and_states_that_do_not_matter():
    with brian() as b:
        D = b.SpikeGeneratorGroup(1, [0, 0], [1, 3] * b.ms, name="D")
        G = b.NeuronGroup(
            2, "dv/dt = (El - v)/tau : volt\nEl : volt (shared)\ntau : second (shared, constant)\ndcalcium/dt = -calcium/second : 1",
            threshold="v > 5*mV", reset="v = El", method="exact", name="G",
        )  # fmt: skip
        G.tau, G.El, G.v = 10 * b.ms, 1 * b.mV, 1 * b.mV
        S = b.Synapses(D, G, "w : volt (shared)", on_pre="v += w", delay=0.2 * b.ms, name="S")
        S.connect()
        S.w = 7 * b.mV
        circuit = same(b, [D, G, S], 0.005, least=4)
    assert any("'calcium' does not reach" in n for n in circuit.notes)
    assert circuit.written.populations["G"].neuron.rest == 1e-3  # type: ignore[attr-defined]


def test_every_statement_counts_even_on_the_same_variable():
    with brian() as b:
        D = b.SpikeGeneratorGroup(1, [0, 0], [1, 3] * b.ms, name="D")
        G = b.NeuronGroup(
            2, "dv/dt = -v/(10*ms) : volt", threshold="v > 5*mV", reset="v = 0*mV", method="exact", name="G"
        )
        S = b.Synapses(D, G, on_pre="v += 1.5*mV\nv += 2.5*mV; v += 1.7*mV", delay=0.2 * b.ms, name="S")
        S.connect()
        circuit = same(b, [D, G, S], 0.005, least=4)
    assert len(circuit.written.projections) == 3


def test_weights_that_the_grid_moves_are_said():
    with brian() as b:
        G = b.NeuronGroup(
            2, "dv/dt = -v/(10*ms) : volt", threshold="v > 5*mV", reset="v = 0*mV", method="exact", name="G"
        )
        rough, fine = (
            b.Synapses(G, G, on_pre=f"v += {w}*mV", delay=1 * b.ms, name=n)
            for w, n in ((0.1, "rough"), (0.9765625, "fine"))
        )
        rough.connect()
        fine.connect()
        notes = from_brian2([G, rough, fine]).notes
    assert [n for n in notes if "grid" in n and "'rough'" in n]
    assert not [n for n in notes if "grid" in n and "'fine'" in n], "1/1024 V lies on the grid"


def test_an_imported_network_is_a_circuit_like_any_other(tmp_path):
    with brian() as b:
        objects, _ = cuba(b, 100, 0.1)
        first, second = from_brian2(objects), from_brian2(objects)
    assert isinstance(first, Imported)
    experiment = Experiment(first, duration=0.01, dt=first.dt)
    assert experiment.digest == Experiment(second, duration=0.01, dt=second.dt).digest
    recording = experiment.run()
    path = recording.save(tmp_path / "r.nc")
    assert path.stat().st_size < 200_000, "the arrays are named by their digest, not written out"
    assert listed(recording) == listed(type(recording).load(path))
