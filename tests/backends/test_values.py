"""Neurons that emit values, on Brian2 and under the clock that the matrix backends share: closed forms, a slow twin, any cut of a run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.values_twin import run_values
from tests.properties.discrete import discrete_networks
from tests.properties.networks import networks
from tests.properties.values import DT, value_networks
from workbench.backends import outside
from workbench.backends.base import Limits, Probe, compile, delay_losses
from workbench.backends.clockwork import Clockwork, ways
from workbench.backends.recorder import Recorder
from workbench.chips import CHIPS, Ideal
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import ExternalValues, Frames, Poisson, Regular, SpikeList
from workbench.circuits.unfold import Netlist, unfold
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.units import Hz, ms, mV

CHANCE = np.random.default_rng(4)


def plain(way, first, rows):
    """The product that rounds nothing; each row is computed alone, so that its sum does not depend on its neighbours."""
    return (way.weights.T @ rows.T).T


class Clocked:
    """A run under `Clockwork` in place of a backend."""

    def __init__(self, netlist: Netlist, drive, probes=()) -> None:
        self.drive, self.recorder = drive, Recorder(netlist, probes, Limits(), drive.dt)
        self.clock = Clockwork(netlist, drive.dt, plain, probes=probes)

    def forward(self, steps: int, inputs=None) -> None:
        self.clock.advance(
            steps, self.drive, self.recorder, outside.checked_inputs(self.clock.netlist, self.drive, inputs, steps)
        )

    def result(self):
        return self.recorder.spikes()[0], {n: t.values for n, t in self.recorder.traces().items()}


def states(netlist: Netlist) -> tuple[Probe, ...]:
    """A probe of every y and every v."""
    return tuple(Probe(n, "y" if c.neuron.emits == "values" else "v") for n, c in netlist.populations.items())


def on_brian2(netlist: Netlist, drive, probes=(), *, target: str = "numpy"):
    recording = compile(netlist, Ideal(target=target), dt=drive.dt, seed=0, probes=probes).run(drive)
    return recording.spikes, {n: t.values for n, t in recording.traces.items()}


def clocked(netlist: Netlist, drive, probes=()):
    run = Clocked(netlist, drive, probes)
    run.forward(drive.steps)
    return run.result()


def assert_equal(one, other, *, exact: bool = False) -> None:
    for name, spikes in one[0].items():
        assert spikes == other[0][name], name
    for name, values in one[1].items():
        if exact:
            assert np.array_equal(values, other[1][name]), name
        else:
            np.testing.assert_allclose(values, other[1][name], rtol=1e-12, atol=1e-12, err_msg=name)


def emitted(result, netlist: Netlist, steps: int) -> dict[str, np.ndarray]:
    """Of a result with all states probed, what each population emitted."""
    made = {}
    for name, cells in netlist.populations.items():
        made[name] = np.zeros((steps, cells.size))
        if cells.neuron.emits == "values":
            made[name] = result[1][f"{name}.y"]
        else:
            made[name][result[0][name].steps, result[0][name].neurons] = 1.0
    return made


def layers(weights, biases, frames, *, delay: float = 0.0) -> Network:
    """A network of Relu layers, one frame a step."""
    names = [f"layer {k}" for k in range(len(weights))]
    return Network(
        {n: Population(w.shape[1], Relu(bias=Values(b))) for n, w, b in zip(names, weights, biases)},
        {"frames": Source(frames.shape[1], Frames(frames, every=DT))},
        {
            n: Projection(before, n, AllToAll(), weight=Values(w.T.ravel()), delay=delay)
            for before, n, w in zip(["frames", *names], names, weights)
        },
    )


# --- closed forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [on_brian2, clocked])
@pytest.mark.parametrize("delay", [0, 1])
def test_two_layers_of_relu_are_two_products_and_all_of_them_lie_in_one_step_without_delay(way, delay):
    weights = [CHANCE.normal(size=(8, 6)), CHANCE.normal(size=(6, 3))]
    biases, frames = [CHANCE.normal(size=6), CHANCE.normal(size=3)], CHANCE.normal(size=(50, 8))
    netlist = unfold(layers(weights, biases, frames, delay=delay * DT), seed=0)
    drive = draw(netlist, 55 * DT, dt=DT, seed=0)
    _, traces = way(netlist, drive, states(netlist))
    shown = np.concatenate([np.zeros((2 * delay, 8)), frames, np.zeros((5, 8))])[:55]
    hidden = np.maximum(shown @ weights[0] + biases[0], 0)
    if delay:  # the second layer sees the bias of the first from step 1 on: in step 0 nothing has been emitted
        hidden[0] = 0
    np.testing.assert_allclose(
        traces["layer 1.y"], np.maximum(hidden @ weights[1] + biases[1], 0), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("way", [on_brian2, clocked])
def test_an_integrator_goes_to_its_input_along_an_exponential(way):
    tau = 3 * ms
    network = Network(
        {"I": Population(2, Integrator(tau=tau, bias=Values([0.0, 1.0])), {"y": -2.0})},
        {"S": Source(2, Frames(np.full((1, 2), 1.5), every=200 * DT))},
        {"S": Projection("S", "I", OneToOne(), weight=2.0, delay=0.0)},
    )
    netlist = unfold(network, seed=0)
    _, traces = way(netlist, draw(netlist, 200 * DT, dt=DT, seed=0), (Probe("I", "y"),))
    time = np.arange(1, 201) * DT
    for k, goal in enumerate((3.0, 4.0)):
        np.testing.assert_allclose(traces["I.y"][:, k], goal + (-2.0 - goal) * np.exp(-time / tau), rtol=1e-12)


@pytest.mark.parametrize("way", [on_brian2, clocked])
@pytest.mark.parametrize("lag", [1, 4])
def test_an_integrator_of_spikes_is_the_filtered_spike_train(way, lag):
    times = np.array([0, 3, 4, 30])
    network = Network(
        {"I": Population(1, Integrator(tau=1 * ms))},
        {"S": Source(1, SpikeList(tuple(times * DT), (0,) * 4))},
        {"S": Projection("S", "I", OneToOne(), weight=0.3, delay=lag * DT)},
    )
    netlist = unfold(network, seed=0)
    _, traces = way(netlist, draw(netlist, 60 * DT, dt=DT, seed=0), (Probe("I", "y"),))
    a = math.exp(-0.1)
    expected = [sum(0.3 * (1 - a) * a ** (n - t - lag) for t in times if t + lag <= n) for n in range(60)]
    np.testing.assert_allclose(traces["I.y"][:, 0], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("way", [on_brian2, clocked])
def test_a_recurrent_relu_network_remembers_which_pattern_it_was_shown(way):
    """Two groups that support themselves and suppress the other: y[n] = clip(W y[n − 1] + input), followed by hand."""
    w = np.kron(np.array([[0.6, -0.7], [-0.7, 0.6]]), np.ones((2, 2)))
    cue = np.array([[0.9, 0.8, 0.2, 0.1]])
    network = Network(
        {"R": Population(4, Relu(highest=1.0))},
        {"cue": Source(4, Frames(cue, every=2 * DT))},
        {
            "cue": Projection("cue", "R", OneToOne(), weight=1.0, delay=0.0),
            "R": Projection("R", "R", AllToAll(), weight=Values(w.ravel()), delay=DT),
        },
    )
    netlist = unfold(network, seed=0)
    _, traces = way(netlist, draw(netlist, 20 * DT, dt=DT, seed=0), (Probe("R", "y"),))
    y, expected = np.zeros(4), []
    for n in range(20):
        y = np.clip(w @ y + (cue[0] if n < 2 else 0), 0, 1)
        expected.append(y)
    np.testing.assert_allclose(traces["R.y"], expected, rtol=1e-12, atol=1e-15)
    assert traces["R.y"][-1].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("way", [on_brian2, clocked])
@pytest.mark.parametrize("lag", [0, 2])
def test_a_value_lifts_a_potential_by_its_weight_in_every_step(way, lag):
    network = Network(
        {"L": Population(1, Lif())},
        {"S": Source(1, Frames(np.array([[1.0], [0.0], [-0.5]]), every=DT))},
        {"S": Projection("S", "L", OneToOne(), weight=2 * mV, delay=lag * DT)},
    )
    netlist = unfold(network, seed=0)
    _, traces = way(netlist, draw(netlist, 8 * DT, dt=DT, seed=0), (Probe("L", "v"),))
    v, expected = 0.0, []
    shown = [0.0] * lag + [1.0, 0.0, -0.5] + [0.0] * 8
    for n in range(8):
        expected.append(v)  # a potential belongs to the start of its step
        v = v * math.exp(-DT / (20 * ms)) + 2 * mV * shown[n]
    np.testing.assert_allclose(traces["L.v"][:, 0], expected, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("way", [on_brian2, clocked])
def test_a_refractory_neuron_drops_the_values_that_arrive(way):
    network = Network(
        {"L": Population(1, Lif(refractory=1 * ms, reset=0.0))},
        {"S": Source(1, Frames(np.ones((100, 1)), every=DT))},
        {"S": Projection("S", "L", OneToOne(), weight=6 * mV, delay=0.0)},
    )
    netlist = unfold(network, seed=0)
    spikes, _ = way(netlist, draw(netlist, 60 * DT, dt=DT, seed=0), ())
    # Four jumps lead above 20 mV, noticed in the step after; then ten steps of silence, in which jumps are lost.
    assert spikes["L"].steps.tolist() == [4, 18, 32, 46]


def test_many_layers_without_delay_are_known_in_one_step_in_whatever_order_they_are_written():
    depth = 12
    names = [f"layer {(5 * k) % depth:02}" for k in range(depth)]
    chain = [f"layer {k:02}" for k in range(depth)]
    network = Network(
        {n: Population(1, Relu(gain=2.0)) for n in names},
        {"S": Source(1, Frames([[1.0], [3.0]], every=DT))},
        {b: Projection(a, b, OneToOne(), weight=1.0, delay=0.0) for a, b in reversed(list(zip(["S", *chain], chain)))},
    )
    netlist = unfold(network, seed=0)
    drive = draw(netlist, 3 * DT, dt=DT, seed=0)
    for way in (on_brian2, clocked):
        _, traces = way(netlist, drive, (Probe(chain[-1], "y"),))
        assert traces[f"{chain[-1]}.y"].ravel().tolist() == [2.0**depth, 3 * 2.0**depth, 0.0]


# --- against the twin -----------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(network=value_networks(), seed=st.integers(0, 99))
def test_the_shared_clock_equals_the_slow_twin(network, seed):
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, 40 * DT, dt=DT, seed=seed)
    ours, twin = emitted(clocked(netlist, drive, states(netlist)), netlist, 40), run_values(netlist, drive, 40)
    for name in netlist.populations:
        np.testing.assert_allclose(ours[name], twin[name], rtol=1e-12, atol=1e-12, err_msg=name)


@settings(max_examples=15)
@given(network=value_networks(), seed=st.integers(0, 99))
def test_brian2_equals_the_slow_twin(network, seed):
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, 40 * DT, dt=DT, seed=seed)
    ours, twin = emitted(on_brian2(netlist, drive, states(netlist)), netlist, 40), run_values(netlist, drive, 40)
    for name in netlist.populations:
        np.testing.assert_allclose(ours[name], twin[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", ["balanced", "vogels-abbott", "vogels-abbott-coba"])
def test_the_shared_clock_equals_brian2_spike_for_spike_on_circuits_of_lif(name):
    netlist = unfold(CIRCUITS[name].quick().network(), seed=3)
    drive = draw(netlist, 60 * ms, dt=DT, seed=3)
    ours, theirs = clocked(netlist, drive), on_brian2(netlist, drive)
    assert sum(s.steps.size for s in ours[0].values()) > 300
    assert_equal(ours, theirs)


@settings(max_examples=8)
@given(network=networks(), seed=st.integers(0, 99))
def test_the_shared_clock_equals_brian2_to_the_last_bit_on_networks_of_lif(network, seed):
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, 100 * DT, dt=DT, seed=seed)
    assert_equal(clocked(netlist, drive, states(netlist)), on_brian2(netlist, drive, states(netlist)), exact=True)


@settings(max_examples=8)
@given(network=discrete_networks(), seed=st.integers(0, 99))
def test_the_shared_clock_equals_brian2_to_the_last_bit_on_networks_in_whole_steps(network, seed):
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, 60 * ms, dt=1 * ms, seed=seed)
    assert_equal(clocked(netlist, drive, states(netlist)), on_brian2(netlist, drive, states(netlist)), exact=True)


MIXED = Network(
    {
        "A": Population(3, Relu(bias=0.2, highest=2.0)),
        "B": Population(3, Integrator(tau=1 * ms)),
        "L": Population(2, Lif(refractory=0.5 * ms)),
        "open": Population(2, Relu(lowest=-5.0)),
    },
    {
        "frames": Source(3, Frames(CHANCE.normal(size=(15, 3)), every=2 * DT)),
        "rain": Source(3, Poisson(2000 * Hz)),
        "given": Source(2, ExternalValues()),
    },
    {
        "in": Projection("frames", "A", AllToAll(), weight=Values(CHANCE.normal(size=9)), delay=0.0),
        "late": Projection("frames", "B", OneToOne(), weight=0.7, delay=3 * DT),
        "rain": Projection("rain", "B", OneToOne(), weight=2.5, delay=2 * DT),
        "AB": Projection("A", "B", AllToAll(), weight=0.4, delay=Values([k % 4 * DT for k in range(9)])),
        "BA": Projection("B", "A", OneToOne(), weight=-0.3, delay=5 * DT),
        "AL": Projection("A", "L", AllToAll(), weight=3 * mV, delay=0.0),
        "LB": Projection("L", "B", AllToAll(), weight=1.5, delay=2 * DT),
        "given": Projection("given", "open", OneToOne(), weight=2.0, delay=0.0),
        "again": Projection("given", "open", AllToAll(), weight=0.5, delay=3 * DT),
    },
)


def test_both_targets_of_brian2_give_the_same():
    network = Network(
        {"A": Population(3, Relu(bias=0.2, highest=2.0)), "B": Population(3, Integrator(tau=1 * ms))},
        {"frames": Source(3, Frames(CHANCE.normal(size=(15, 3)), every=2 * DT)), "rain": Source(3, Poisson(2000 * Hz))},
        {
            "in": Projection("frames", "A", AllToAll(), weight=Values(CHANCE.normal(size=9)), delay=0.0),
            "rain": Projection("rain", "B", OneToOne(), weight=2.5, delay=2 * DT),
            "AB": Projection("A", "B", AllToAll(), weight=0.4, delay=0.0),
            "BA": Projection("B", "A", OneToOne(), weight=-0.3, delay=5 * DT),
        },
    )
    netlist = unfold(network, seed=2)
    drive = draw(netlist, 60 * DT, dt=DT, seed=2)
    one, other = (on_brian2(netlist, drive, states(netlist), target=t) for t in ("numpy", "cython"))
    assert one[1]["B.y"].std() > 0.1
    assert_equal(one, other)


# --- any cut of a run -----------------------------------------------------------------------------------------------------


def handed(steps: int) -> np.ndarray:
    return np.random.default_rng(8).normal(size=(steps, 2))


@pytest.mark.parametrize("cuts", [(60,), (1, 59), (7, 13, 40), (30, 1, 1, 28)])
def test_a_run_in_pieces_equals_the_whole(cuts):
    netlist = unfold(MIXED, seed=2)
    drive, values, twin = draw(netlist, 60 * DT, dt=DT, seed=2), handed(60), None
    twin = run_values(netlist, drive, 60, inputs={"given": values})
    program = compile(netlist, Ideal(target="numpy"), dt=DT, seed=0, probes=states(netlist))
    brian, clock, at = program.start(drive), Clocked(netlist, drive, states(netlist)), 0
    for steps in cuts:
        piece = {"given": values[at : at + steps]}
        window = brian.advance(steps * DT, piece)
        assert np.array_equal(window.probes["open.y"], brian.recorder.traces()["open.y"].values[at:])
        clock.forward(steps, piece)
        at += steps
    recording = brian.recording()
    ours = recording.spikes, {n: t.values for n, t in recording.traces.items()}
    for result in (ours, clock.result()):
        made = emitted(result, netlist, 60)
        for name in netlist.populations:
            np.testing.assert_allclose(made[name], twin[name], rtol=1e-12, atol=1e-12, err_msg=name)
    whole = Clocked(netlist, drive, states(netlist))
    whole.forward(60, {"given": values})
    assert_equal(whole.result(), clock.result(), exact=True)


def test_a_saved_run_goes_on_identically(tmp_path):
    netlist = unfold(MIXED, seed=2)
    drive, values = draw(netlist, 60 * DT, dt=DT, seed=2), handed(60)
    program = compile(netlist, Ideal(target="numpy"), dt=DT, seed=0, probes=states(netlist))
    first, whole = program.start(drive), program.start(drive)
    whole.advance(60 * DT, {"given": values})
    first.advance(23 * DT, {"given": values[:23]})
    second = program.resume(first.save(tmp_path / "run"))
    second.advance(37 * DT, {"given": values[23:]})
    one, other = whole.recording(), second.recording()
    assert all(one.spikes[n] == other.spikes[n] for n in one.spikes)
    assert all(np.array_equal(one.traces[n], other.traces[n]) for n in one.traces)
    assert np.array_equal(one.ledger.counts, other.ledger.counts)


def test_a_saved_clock_goes_on_identically():
    netlist = unfold(MIXED, seed=2)
    drive, values = draw(netlist, 60 * DT, dt=DT, seed=2), handed(60)
    whole, first, second = (Clocked(netlist, drive, states(netlist)) for _ in range(3))
    whole.forward(60, {"given": values})
    first.forward(23, {"given": values[:23]})
    second.clock.restore(first.clock.save())
    second.recorder.restore(first.recorder.save())
    second.forward(37, {"given": values[23:]})
    assert_equal(whole.result(), second.result(), exact=True)


def test_values_handed_in_for_the_first_step_alone_are_gone_in_the_next():
    netlist = unfold(MIXED, seed=2)
    run = compile(netlist, Ideal(target="numpy"), dt=DT, seed=0, probes=(Probe("open", "y"),)).start(
        draw(netlist, 10 * DT, dt=DT, seed=0)
    )
    made = run.advance(5 * DT, {"given": [1.0, -2.0]}).probes["open.y"]
    assert made[0].tolist() == [2.0, -4.0]
    assert made[1:3].tolist() == [[0.0, 0.0]] * 2
    assert made[3].tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("bad", [np.zeros((5, 3)), [np.nan, 1.0], np.array(["a", "b"]), 1j * np.ones(2)])
def test_values_of_the_wrong_shape_or_kind_are_refused(bad):
    netlist = unfold(MIXED, seed=2)
    run = compile(netlist, Ideal(target="numpy"), dt=DT, seed=0).start(draw(netlist, 10 * DT, dt=DT, seed=0))
    with pytest.raises(DescriptionError, match="given"):
        run.advance(5 * DT, {"given": bad})


def test_a_way_holds_the_synapses_of_one_delay_and_adds_up_those_between_a_pair():
    netlist = unfold(MIXED, seed=2)
    found = ways(netlist.projections["AB"], DT)
    assert [w.delay for w in found] == [0, 1, 2, 3]
    assert sum(w.weights.toarray() for w in found) == pytest.approx(np.full((3, 3), 0.4))


# --- refusals and edges ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["Relu", "Frames"])
def test_an_event_chip_refuses_values_by_name(what):
    network = (
        Network({"P": Population(2, Relu())})
        if what == "Relu"
        else Network(
            {"L": Population(1, Lif())},
            {"P": Source(1, Frames([[1.0]], every=DT))},
            {"p": Projection("P", "L", OneToOne(), weight=1 * mV)},
        )
    )
    chip = next(c for c in CHIPS.values() if c.kind == "event")
    with pytest.raises(UnsupportedError, match=rf"'P' \({what}\) emits values"):
        compile(unfold(network, seed=0), chip, dt=DT, seed=0)


def test_a_delay_of_zero_is_kept_for_values_and_rounded_up_for_spikes():
    network = Network(
        {"R": Population(1, Relu()), "L": Population(1, Lif())},
        {"rain": Source(1, Poisson(10.0))},
        {
            "values": Projection("R", "L", OneToOne(), weight=1 * mV, delay=0.0),
            "short": Projection("R", "L", OneToOne(), weight=1 * mV, delay=0.04 * ms),
            "spikes": Projection("rain", "R", OneToOne(), weight=1.0, delay=0.0),
        },
    )
    netlist = unfold(network, seed=0)
    program = compile(netlist, Ideal(target="numpy"), dt=DT, seed=0)
    assert [program.delays[n] for n in ("values", "short", "spikes")] == [0, 1, 1]
    assert [p.delay for p in program.realised.projections.values()] == pytest.approx([0, DT, DT])
    losses = delay_losses(netlist, DT)
    assert len(losses) == 2 and losses[0].startswith("short") and losses[1].startswith("spikes")


def test_only_what_is_emitted_can_be_probed_of_values():
    netlist = unfold(Network({"R": Population(1, Relu())}), seed=0)
    drive = draw(netlist, DT, dt=DT, seed=0)
    for start in (
        lambda p: compile(netlist, Ideal(target="numpy"), dt=DT, seed=0, probes=p).start(drive),
        lambda p: Clocked(netlist, drive, p),
    ):
        with pytest.raises(DescriptionError, match="y"):
            start((Probe("R", "x"),))


@pytest.mark.parametrize("way", [on_brian2, clocked])
def test_probes_keep_some_neurons_some_steps_and_means_of_values(way):
    frames = CHANCE.uniform(size=(12, 4))
    network = Network(
        {"R": Population(4, Relu())},
        {"S": Source(4, Frames(frames, every=DT))},
        {"S": Projection("S", "R", OneToOne(), weight=1.0, delay=0.0)},
    )
    netlist = unfold(network, seed=0)
    probes = (
        Probe("R", "y", which=(3, 1), every=3 * DT),
        Probe("R", "y", reduce="mean"),
        Probe("R", "spikes", reduce="rate"),
    )
    _, traces = way(netlist, draw(netlist, 12 * DT, dt=DT, seed=0), probes)
    assert np.array_equal(traces["R.y"], frames[::3][:, [3, 1]])
    np.testing.assert_allclose(traces["R.y.mean"][:, 0], frames.mean(axis=1), rtol=1e-12)
    assert not traces["R.rate"].any()


def test_each_synapse_of_values_is_an_operation_in_every_step():
    netlist = unfold(
        Network(
            {"R": Population(3, Relu())},
            {"S": Source(2, Frames(np.ones((4, 2)), every=DT)), "T": Source(3, Regular(100.0))},
            {
                "S": Projection("S", "R", AllToAll(), weight=1.0, delay=0.0),
                "T": Projection("T", "R", OneToOne(), weight=1.0),
            },
        ),
        seed=0,
    )
    recording = compile(netlist, Ideal(target="numpy"), dt=DT, seed=0).run(draw(netlist, 10 * DT, dt=DT, seed=0))
    assert recording.ledger.counts[0, 0].tolist() == [30, 60, 0]
    assert recording.counts == {"R": 0}
