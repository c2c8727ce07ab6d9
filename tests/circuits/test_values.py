"""Neurons and stimuli of values: their numbers are checked, their frames are shown in time, and a network says what may go where."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons import NEURONS
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.spread import Normal, Uniform, Values
from workbench.circuits.stimuli import ExternalValues, Frames, Poisson, StepCurrent
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.errors import DescriptionError
from workbench.fields import knobs, to_json
from workbench.units import ms, mV

DT = 0.1 * ms


def chain(delays, *, names="ABC", **more) -> Network:
    """Relu populations in a ring, with these delays."""
    n = len(names)
    return Network(
        {name: Population(1, Relu()) for name in names},
        {},
        {
            f"to {names[(k + 1) % n]}": Projection(
                names[k], names[(k + 1) % n], OneToOne(), weight=1.0, delay=d, **more
            )
            for k, d in enumerate(delays)
        },
    )


def test_the_models_are_known_by_name_with_their_knobs():
    assert list(knobs(NEURONS["relu"]())) == ["gain", "bias", "lowest", "highest"]
    assert list(knobs(NEURONS["integrator"]())) == ["tau_ms", "bias"]
    assert Relu.emits == Integrator.emits == "values"
    assert Lif.emits == "spikes"


def test_every_neuron_may_have_a_bias_of_its_own():
    netlist = unfold(Network({"R": Population(3, Relu(bias=Values([1, 2, 3])))}), seed=0)
    assert netlist.populations["R"].parameters["bias"].tolist() == [1, 2, 3]


def test_a_relu_needs_room_between_its_bounds():
    with pytest.raises(DescriptionError, match="lowest is 2 and Relu.highest 1"):
        Relu(lowest=2.0, highest=1.0)


# --- frames ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "stop"), [(0, 8), (1, 2), (3, 9), (7, 7)])
def test_each_frame_is_shown_for_its_time_and_then_nothing(start, stop):
    values = np.arange(6.0).reshape(3, 2) + 1
    shown = np.concatenate([np.repeat(values, 2, axis=0), np.zeros((4, 2))])
    frames = Frames(values, every=2 * DT)
    assert np.array_equal(frames.block(2, start, stop, DT, 0), shown[start:stop])
    assert frames.duration == pytest.approx(6 * DT)


def test_frames_are_equal_when_their_numbers_are():
    one, same, other = (Frames(v, every=1 * ms) for v in ([[1, 2.5]], np.array([[1, 2.5]]), [[1, 2.6]]))
    assert one == same and hash(one) == hash(same) and to_json(one) == to_json(same)
    assert one != other and to_json(one) != to_json(other)
    assert one != Frames([[1, 2.5]], every=2 * ms)
    assert pickle.loads(pickle.dumps(one)) == one
    assert Frames(np.zeros((2, 3)), every=1 * ms) != Frames(np.zeros((3, 2)), every=1 * ms)


def test_frames_do_not_follow_the_array_they_were_made_of():
    array = np.ones((1, 2))
    frames = Frames(array, every=DT)
    array[:] = 5
    assert frames.values.tolist() == [[1, 1]]
    with pytest.raises(ValueError):
        frames.values[0, 0] = 2


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1.0, 2.0], r"\(frames, size\).*\(2,\)"),
        (np.zeros((0, 3)), r"\(0, 3\)"),
        ([["a"]], r"\(frames, size\)"),
        ([[1.0, np.nan]], "neuron 1 in frame 0 is nan"),
    ],
)
def test_frames_that_are_no_rows_of_numbers_are_refused(values, says):
    with pytest.raises(DescriptionError, match=says):
        Frames(values, every=DT)


@pytest.mark.parametrize("every", [0.0, -1.0, np.inf, np.nan])
def test_a_frame_is_shown_for_a_positive_time(every):
    with pytest.raises(DescriptionError, match="Frames.every"):
        Frames([[1.0]], every=every)


@pytest.mark.parametrize("every", [0.15 * ms, 0.01 * ms])
def test_a_frame_that_is_no_whole_number_of_steps_is_refused(every):
    with pytest.raises(DescriptionError, match="not a whole number of steps of 0.1 ms"):
        Frames([[1.0]], every=every).block(1, 0, 1, DT, 0)


def test_a_source_has_as_many_neurons_as_a_frame_has_values():
    with pytest.raises(DescriptionError, match=r"Source.size is 3.*write Source\(2, Frames"):
        Source(3, Frames([[1.0, 2.0]], every=DT))


def test_a_drive_makes_values_real():
    network = Network(
        {"R": Population(1, Relu())},
        {"F": Source(1, Frames([[2.0], [3.0]], every=DT)), "X": Source(1, ExternalValues())},
        {"F": Projection("F", "R", OneToOne(), weight=1.0), "X": Projection("X", "R", OneToOne(), weight=1.0)},
    )
    drive = draw(unfold(network, seed=0), 3 * DT, dt=DT, seed=0)
    assert drive.values("F", 0, 3).ravel().tolist() == [2, 3, 0]
    assert not drive.values("X", 0, 3).any()
    assert drive.is_external("X") and not drive.is_external("F")


# --- what may go where ----------------------------------------------------------------------------------------------------


def joined(stimulus, neuron, receptor, weight=1.0) -> Network:
    return Network(
        {"P": Population(1, neuron)},
        {"S": Source(1, stimulus)},
        {"p": Projection("S", "P", OneToOne(), weight=weight, receptor=receptor)},
    )


@pytest.mark.parametrize("stimulus", [Poisson(1.0), Frames([[1.0]], every=DT), ExternalValues()])
@pytest.mark.parametrize(("neuron", "receptor"), [(Relu(), "input"), (Lif(), "input"), (Lif(), "exc")])
def test_spikes_and_values_go_onto_values_jumps_and_currents_that_decay(stimulus, neuron, receptor):
    joined(stimulus, neuron, receptor)


def test_values_do_not_go_onto_conductances_currents_and_gap_junctions():
    with pytest.raises(DescriptionError, match="'S' emits values, and 'exc_g' is a receptor of kind Conductance"):
        joined(ExternalValues(), Lif(), "exc_g")
    with pytest.raises(DescriptionError, match="current sources go onto a receptor of kind Current"):
        joined(ExternalValues(), Lif(), "current")
    with pytest.raises(DescriptionError, match="current sources go onto a receptor of kind Current"):
        joined(StepCurrent(1e-9), Relu(), "input")
    with pytest.raises(DescriptionError, match="kind Gap"):
        Network(
            {"R": Population(1, Relu()), "L": Population(1, Lif())},
            {},
            {"p": Projection("R", "L", OneToOne(), weight=1e-9, receptor="gap")},
        )


def test_a_loop_without_delay_is_refused_by_its_names():
    with pytest.raises(DescriptionError, match="A → B → C → A: the projections 'to B', 'to C', 'to A'"):
        chain([0.0, 0.0, 0.0])
    with pytest.raises(DescriptionError, match="A → A: the projections 'to A'"):
        chain([0.0], names="A")
    with pytest.raises(DescriptionError, match="B → C → B"):
        Network(
            {name: Population(1, Relu()) for name in "ABC"},
            {},
            {
                f"{a}{b}": Projection(a, b, OneToOne(), weight=1.0, delay=0.0)
                for a, b in [("A", "B"), ("B", "C"), ("C", "B")]
            },
        )


def test_a_loop_is_allowed_with_one_delay_or_one_spiking_population_in_it():
    chain([0.0, 0.0, DT])
    chain([0.0, 0.0, Uniform(DT, 2 * DT)])
    with pytest.raises(DescriptionError, match="loop of delay 0"):
        chain([0.0, 0.0, Values([0.0])])
    Network(
        {"R": Population(1, Relu()), "L": Population(1, Lif())},
        {},
        {
            "RL": Projection("R", "L", OneToOne(), weight=1 * mV, delay=0.0),
            "LR": Projection("L", "R", OneToOne(), weight=1.0, delay=0.0),
        },
    )


def test_two_ways_to_the_same_place_are_no_loop():
    Network(
        {name: Population(1, Relu()) for name in "ABCD"},
        {},
        {
            f"{a}{b}": Projection(a, b, OneToOne(), weight=1.0, delay=0.0)
            for a, b in [("A", "B"), ("A", "C"), ("B", "D"), ("C", "D"), ("A", "D")]
        },
    )


def test_weights_of_values_are_the_numbers_as_they_were_written():
    third = 1 / 3
    network = Network(
        {"R": Population(3, Relu()), "L": Population(3, Lif())},
        {"S": Source(3, Poisson(1.0))},
        {
            "RL": Projection("R", "L", AllToAll(), weight=third * mV, delay=0.0),
            "LR": Projection("L", "R", AllToAll(), weight=Normal(third, 0.1)),
            "SL": Projection("S", "L", AllToAll(), weight=third * mV),
        },
    )
    blocks = unfold(network, seed=0).projections
    assert blocks["RL"].weight == third * mV and blocks["RL"].emits == "values"
    assert blocks["SL"].weight != third * mV and blocks["SL"].emits == "spikes"
    assert len(set(np.asarray(blocks["LR"].weight).tolist())) == 9
    assert not np.array_equal(np.rint(blocks["LR"].weight * 2.0**44), blocks["LR"].weight * 2.0**44)
