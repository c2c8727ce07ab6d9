"""The 20-watt arithmetic against numbers worked out by hand; every unit of the ledger is checked, and slips are found as slips."""

from __future__ import annotations

import math

import pytest

from workbench.errors import DescriptionError, UnsupportedError
from workbench.machines import SYSTEMS
from workbench.measures import twenty_watts as tw
from workbench.measures.twenty_watts import Demand, watts, ways_of
from workbench.physics.coolant import bioheat_rise
from workbench.physics.pue import landauer, largest_saving

BRAIN = Demand()


@pytest.mark.parametrize(
    ("name", "value", "digits"),
    [
        ("neuron_nw", 0.23, 2),
        ("blood_k", 0.42, 2),
        ("landauer_zj", 2.967, 3),
        ("levy_ratio", 35, 0),
        ("deepsouth_fj", 88, 0),
        ("deepsouth_loihi_kw", 5.4, 1),
        ("deepsouth_truenorth_kw", 5.9, 1),
        ("deepsouth_odin_kw", 2.9, 1),
        ("deepsouth_darwin_kw", 1.1, 1),
        ("deepsouth_genn_kw", 16_900, -2),
        ("deepsouth_spinnaker_kw", 137_000, -3),
        ("sequoia_gw", 12.2, 1),
        ("article_times", 4e5, -3),
        ("wafers", 430, 0),
        ("hala_pj", 6.8, 1),
        ("darwin_w", 314, 0),
        ("darwin_pj", 1.56, 2),
        ("truenorth_pj", 2.5, 1),
        ("cg1_kw", 1280, 0),
        ("saving_percent", 36.7, 1),
        ("baseline_pue", 1.667, 3),
    ],
)
def test_the_ledger_gives_the_numbers_as_they_are_told(name, value, digits):
    assert round(tw.ledger()[name].value, digits) == value


def test_every_line_has_the_unit_it_says():
    lines = tw.ledger()
    for name, line in lines.items():
        assert math.isfinite(line.value), name
        assert line.how
    ending = {
        "nw": "nW",
        "zj": "zJ",
        "fj": "fJ",
        "pj": "pJ",
        "kw": "kW",
        "gw": "GW",
        "w": "W",
        "k": "K",
        "percent": "%",
    }
    for name, line in lines.items():
        last = name.rpartition("_")[2]
        if last in ending:
            assert line.unit.split("/")[0] == ending[last], name


def test_the_constants_by_hand():
    assert landauer(300.0) == pytest.approx(2.871e-21, rel=1e-4)
    assert landauer(310.0) == pytest.approx(2.967e-21, rel=2e-4)
    assert tw.ledger()["erasures_zbit"].value == pytest.approx(20 / 2.96668, rel=1e-5)
    assert (
        tw.ledger()["blood_k"].value == pytest.approx(bioheat_rise(20, 750e-6 / 60)) == pytest.approx(0.42, abs=0.005)
    )
    assert 23.6e-12 / landauer(300.0) == pytest.approx(8e9, rel=0.03)


def test_a_loop_over_a_small_brain_counts_the_same_events():
    """Ten neurons of three synapses, four spikes each in a second: counted one by one."""
    joules = 0.0
    for _neuron in range(10):
        for _spike in range(4):
            for _synapse in range(3):
                joules += 23.6e-12
    small = Demand(neurons=10, synapses=3, rate=4)
    assert small.events == 120
    assert watts(SYSTEMS["loihi"], small, "operation") == pytest.approx(joules)


def test_watts_follow_rate_synapses_neurons_and_speed_where_events_are_counted():
    hala = SYSTEMS["hala-point"]
    base = watts(hala, BRAIN, "chip")
    assert base == pytest.approx(6.02e14 * 2600 / 380e12)
    for knob in ("neurons", "synapses", "rate", "speed"):
        twice = Demand(**{knob: 2 * getattr(BRAIN, knob)})
        assert watts(hala, twice, "chip") == pytest.approx(2 * base)
    assert watts(hala, Demand(rate=0), "chip") == 0


def test_machines_are_counted_by_size_and_do_not_follow_the_rate():
    hala = SYSTEMS["hala-point"]
    assert tw.machines_for(hala, BRAIN) == pytest.approx(86 / 1.15)
    assert watts(hala, BRAIN, "neurons") == watts(hala, Demand(rate=1000), "neurons") == pytest.approx(2600 * 86 / 1.15)
    assert watts(hala, Demand(speed=20), "neurons") == watts(hala, BRAIN, "neurons")
    assert watts(hala, Demand(speed=40), "neurons") == pytest.approx(2 * watts(hala, BRAIN, "neurons"))
    sequoia = SYSTEMS["sequoia"]
    assert watts(sequoia, BRAIN, "neurons") == pytest.approx(7.9e6 * 1542 * 86 / 530)
    assert watts(sequoia, BRAIN, "synapses") == pytest.approx(7.9e6 * 1542 * 6.02e14 / 1.37e14)
    assert tw.machines_for(SYSTEMS["tianqin-hai"], BRAIN) == 430
    assert tw.machines_for(SYSTEMS["darwin-wafer"], BRAIN) == pytest.approx(573.3, rel=1e-3)


def test_the_brain_draws_twenty_watts_by_its_own_numbers():
    for way in ways_of(SYSTEMS["brain"]):
        assert watts(SYSTEMS["brain"], BRAIN, way) == pytest.approx(20)


def test_communication_is_added_where_only_arithmetic_is_in_the_price():
    wafer = SYSTEMS["darwin-wafer"]
    share = tw.COMMUNICATING / (tw.COMMUNICATING + tw.COMPUTING)
    alone = watts(wafer, BRAIN, "operation")
    assert watts(wafer, BRAIN, "operation", communication=share) == pytest.approx(36 * alone)
    assert watts(wafer, BRAIN, "chip", communication=share) == watts(wafer, BRAIN, "chip")


def test_nobody_is_counted_by_what_was_not_published():
    assert ways_of(SYSTEMS["tianqin-hai"]) == ways_of(SYSTEMS["deepsouth"]) == ()
    with pytest.raises(UnsupportedError, match="Nobody published what DeepSouth needs by chip; there is: nothing"):
        watts(SYSTEMS["deepsouth"], BRAIN, "chip")
    with pytest.raises(UnsupportedError, match="Hala Point needs by plug; there is: chip, neurons, synapses"):
        watts(SYSTEMS["hala-point"], BRAIN, "plug")
    with pytest.raises(UnsupportedError, match="how many neurons H100 holds"):
        tw.machines_for(SYSTEMS["h100"], BRAIN)
    with pytest.raises(UnsupportedError, match="Loihi 2 needs by chip"):
        tw.price("loihi-2", "chip")


def test_picojoules_and_microjoules_lie_four_orders_apart():
    found = tw.whole_systems()
    assert found["Loihi"] == pytest.approx(5381, rel=1e-3)
    assert found["GeNN, RTX 4090"] == pytest.approx(16.9e6, rel=0.01)
    assert 1e4 < found["SpiNNaker"] / found["Loihi"] < 1e5


def test_the_footnote_multiplies_up_step_by_step():
    steps = tw.footnote()
    assert [round(step.watts / 20, 3) for step in steps[:2]] == [1, 395_000]
    assert steps[2].watts == pytest.approx(12.1818e9)
    assert steps[2].watts == pytest.approx(12e9, rel=0.02), "the 12 GW that Modha is quoted with"
    assert math.prod(step.factor for step in steps) * 20 == pytest.approx(steps[-1].watts)
    assert steps[-1].watts == pytest.approx(watts(SYSTEMS["sequoia"], BRAIN, "synapses"))
    assert tw.footnote(Demand(speed=1 / 1542))[2].factor == pytest.approx(1)


def test_one_chip_has_many_efficiencies():
    rest, marginal = tw.truenorth()
    assert tw.efficiency(58e9, rest, marginal) == pytest.approx(400e9)
    at = tw.events_at(46e9, rest, marginal)
    assert tw.efficiency(at, rest, marginal) == pytest.approx(46e9)
    assert at / 2**20 / 128 == pytest.approx(23.79, rel=1e-3), "Hz, with half the crossbar in use"
    assert tw.events_at(1e12, rest, marginal) == math.inf
    assert tw.efficiency(0, rest, marginal) == 0


@pytest.mark.parametrize(
    ("pue", "saving"), [(1.2, 16.7), (1.4, 28.6), (1.5, 33.3), (1.58, 36.7), (1.8, 44.4), (2.0, 50)]
)
def test_cooling_saves_at_most_its_own_share(pue, saving):
    assert 100 * largest_saving(pue) == pytest.approx(saving, abs=0.05)
    assert tw.baseline_for(largest_saving(pue)) == pytest.approx(pue)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: Demand(neurons=0), "Demand.neurons is 0"),
        (lambda: Demand(rate=-1), "must not lie below 0"),
        (lambda: Demand(synapses=math.nan), "Demand.synapses is nan"),
        (lambda: watts(SYSTEMS["loihi"], BRAIN, "operations"), "did you mean 'operation'"),
        (lambda: watts(SYSTEMS["loihi"], BRAIN, "operation", communication=1.0), "communication is 1.0"),
        (lambda: tw.machines_for(SYSTEMS["loihi"], BRAIN, "chip"), "way to count"),
        (lambda: tw.baseline_for(1), "between 0 and 1"),
        (lambda: tw.price("lohi", "chip"), "did you mean 'loihi'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(ask, sentence):
    with pytest.raises(DescriptionError, match=sentence):
        ask()
