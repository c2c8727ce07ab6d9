"""The fixed-point rule itself: whole numbers stay whole, a leak never makes a potential larger, and it ends at zero exactly.

Each property is asked of the plain twin for single numbers, and of the reference for a population with every leak there is.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import kept
from workbench.backends.base import Probe, compile
from workbench.chips import Ideal
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons import NEURONS
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import SpikeList
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import OneToOne
from workbench.errors import DescriptionError
from workbench.fields import from_json, knobs, to_json
from workbench.units import ms

BITS_24 = st.integers(-(2**23), 2**23 - 1)
PARTS = st.integers(0, 4096)


@given(x=BITS_24, parts=PARTS)
def test_what_is_left_is_whole_no_larger_and_of_the_same_sign(x, parts):
    left = kept(x, parts / 4096, "away")
    assert left == int(left)
    assert abs(left) <= abs(x)
    assert left * x >= 0
    assert left == -kept(-x, parts / 4096, "away")


@given(x=BITS_24, parts=PARTS)
def test_the_loss_is_rounded_away_from_zero_by_less_than_one(x, parts):
    lost = abs(x) - abs(kept(x, parts / 4096, "away"))
    assert 0 <= lost - abs(x) * parts / 4096 < 1


@given(x=BITS_24)
def test_all_parts_empty_it_in_one_step_and_none_keep_it(x):
    assert kept(x, 1.0, "away") == 0
    assert kept(x, 0.0, "away") == x


@given(x=BITS_24, parts=st.integers(1, 4096))
def test_zero_is_reached_exactly_and_kept(x, parts):
    """Without rounding a potential would halve for ever; with it, one is lost in each step at least."""
    steps = 0
    while x != 0:
        smaller = kept(x, parts / 4096, "away")
        assert abs(smaller) <= abs(x) - 1
        x, steps = smaller, steps + 1
        assert steps < 80_000
    assert kept(0, parts / 4096, "away") == 0


@pytest.fixture(scope="module")
def decays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leaks in 1/4096 (every one, with a positive and a negative start), and v and u over time, on the reference."""
    rng = np.random.default_rng(0)
    parts = np.repeat(np.arange(4097), 2)
    start = rng.integers(1, 2**22, parts.size) * np.tile([1, -1], 4097)
    neuron = DiscreteLif(
        leak=Values((parts / 4096).tolist()),
        leak_exc=Values((parts / 4096).tolist()),
        threshold=2.0**23,
        rounding="away",
    )
    still = Network(
        {"P": Population(parts.size, neuron, {"v": Values(start.astype(float).tolist())})},
        {"S": Source(parts.size, SpikeList((0.0,) * parts.size, tuple(range(parts.size))))},
        {
            "S": Projection(
                "S", "P", OneToOne(), weight=Values((start // 64).astype(float).tolist()), delay=2 * ms, receptor="exc"
            )
        },
    )
    netlist = unfold(still, seed=0)
    probes = (Probe("P", "v"), Probe("P", "current_exc"))
    recording = compile(netlist, Ideal(), dt=1 * ms, seed=0, probes=probes).run(
        draw(netlist, 60 * ms, dt=1 * ms, seed=0)
    )
    return parts, recording.traces["P.v"].values, recording.traces["P.current_exc"].values


def test_the_reference_keeps_whole_numbers_whole(decays):
    _, v, u = decays
    assert np.array_equal(v, np.rint(v))
    assert np.array_equal(u, np.rint(u))
    assert u[3].any()


def test_on_the_reference_no_potential_grows_under_its_leak(decays):
    parts, v, u = decays
    # The current arrives in step 2: until then the potential is alone.
    assert np.all(np.abs(v[1]) <= np.abs(v[0]))
    assert np.all(np.abs(v[2]) <= np.abs(v[1]))
    assert np.all(np.abs(u[4:]) <= np.abs(u[3:-1]))
    assert np.all(u[3:] * u[3] >= 0)
    assert np.all(u[3, parts == 4096] == 0)
    assert np.all(v[1, parts == 4096] == 0)
    assert np.all(u[-1, parts > 1500] == 0)
    assert np.all(u[-1, parts == 0] == u[3, parts == 0])


def test_the_reference_does_what_the_twin_does(decays):
    parts, v, u = decays
    for k in range(0, parts.size, 97):
        leak = parts[k] / 4096
        x, i = v[0, k], u[3, k]
        assert v[1, k] == kept(x, leak, "away")
        for n in range(4, 12):
            i = kept(i, leak, "away")
            assert u[n, k] == i


@settings(max_examples=30)
@given(x=st.floats(-1e6, 1e6), leak=st.floats(0, 1))
def test_without_rounding_the_share_that_stays_is_multiplied(x, leak):
    assert kept(x, leak, "none") == x * (1 - leak)


def test_the_model_is_in_the_table_and_survives_json():
    neuron = NEURONS["discrete-lif"](leak=0.25, threshold=100.0, rounding="away", after_spike="subtract", refractory=3)
    assert from_json(to_json(neuron)) == neuron
    assert {"leak", "threshold", "refractory", "rounding", "after_spike", "lowest"} <= set(knobs(neuron))


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"leak": 1.5}, "DiscreteLif.leak"),
        ({"threshold": -1.0}, "DiscreteLif.threshold"),
        ({"refractory": 2.5}, "DiscreteLif.refractory is 2.5: it must be a whole number"),
        ({"rounding": "up"}, "none, away"),
        ({"after_spike": "nothing"}, "reset, subtract"),
        ({"lowest": 5.0}, "DiscreteLif.lowest"),
        ({"reset": 65.0}, "the reset must not lie above the threshold"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers, says):
    with pytest.raises(DescriptionError, match=says):
        DiscreteLif(**numbers)
