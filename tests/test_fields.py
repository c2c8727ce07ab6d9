"""One declaration gives the check, the border, the slider and the JSON; every refusal says what to write instead."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import units
from workbench.chips import CHIPS
from workbench.circuits.library.balanced import Balanced
from workbench.circuits.network import Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.wiring import AllToAll
from workbench.errors import DescriptionError
from workbench.experiment import Experiment
from workbench.fields import (
    choice,
    count,
    described,
    flag,
    from_border,
    from_json,
    knobs,
    member,
    part,
    quantity,
    to_border,
    to_json,
)
from workbench.units import ms, mV


@final
@described
class Toy:
    """A description with a knob of every kind."""

    tau: float = quantity(20 * ms, "ms", low=1 * ms, high=1.0, doc="time constant")
    size: int = count(10, low=1, high=100, doc="how many")
    mode: str = choice("slow", ("slow", "fast"), doc="how")
    on: bool = flag(True, doc="whether")
    neuron: Lif = part(Lif(), doc="the neuron")
    chip: object = member("ideal", lambda: CHIPS, doc="what it runs on")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Toy(tau=20.0), r"Toy.tau is 20000 ms; allowed: 1 ms … 1000 ms\. Did you mean 20 \* ms\?"),
        (lambda: Toy(tau=math.nan), "not a number"),
        (lambda: Toy(tau="20 ms"), "it must be a number; allowed"),
        (lambda: Toy(tau=True), "it must be a number"),
        (lambda: Toy(tau=Uniform(0.01, 0.02)), "takes one number, not a distribution"),
        (lambda: Toy(size=0), "Toy.size is 0: it must lie between 1 and 100"),
        (lambda: Toy(size=2.5), "whole number from 1 to 100"),
        (lambda: Toy(mode="fats"), "did you mean 'fast'"),
        (lambda: Toy(on=3), "write True or False"),
        (lambda: Toy(tua=0.02), "did you mean 'tau'"),
        (lambda: Toy(chip="loihi"), "did you mean 'loihi-roomy'"),
        (lambda: from_border(Toy, {"tau": 20}), "names carry their unit here, did you mean 'tau_ms'"),
        (lambda: from_border(Toy, {"tau_ms": 5000}), "tau_ms is 5000; allowed: 1 … 1000 ms"),
        (lambda: from_border(Toy, {"tau_ms": "5"}), "it must be a number"),
        (lambda: from_border(Toy, {"sise": 5}), "did you mean 'size'"),
        (lambda: Lif(reset=30 * mV), "the reset must lie below the threshold"),
        (lambda: Lif(tau=Uniform(1 * ms, 5.0)), "spreads from 1 ms to 5000 ms"),
    ],
)
def test_bad_values_are_refused_with_the_line_to_write(make, sentence):
    with pytest.raises(DescriptionError, match=sentence):
        make()


def test_a_brian2_quantity_is_refused_with_the_number():
    import brian2

    with pytest.raises(DescriptionError, match="Brian2 quantity .* write 0.02"):
        Lif(tau=20 * brian2.ms)
    with pytest.raises(DescriptionError, match="Projection.weight is the Brian2 quantity"):
        Projection("A", "A", AllToAll(), weight=1 * brian2.mV)
    with pytest.raises(DescriptionError, match="Projection.delay is the Brian2 quantity"):
        Projection("A", "A", AllToAll(), weight=1 * mV, delay=1 * brian2.ms)
    with pytest.raises(DescriptionError, match="initial.*is the Brian2 quantity"):
        Population(1, Lif(), {"v": 1 * brian2.mV})
    with pytest.raises(DescriptionError, match="duration is the Brian2 quantity"):
        Experiment(Balanced(), duration=1 * brian2.second)


def test_knobs_have_border_names_units_and_ranges():
    found = knobs(Toy())
    assert (found["tau_ms"].low, found["tau_ms"].high, found["tau_ms"].default) == (1.0, 1000.0, 20.0)
    assert found["chip"].options == tuple(CHIPS)
    assert found["neuron.tau_ms"].path == "neuron.tau"
    assert found["threshold_mv"].unit == "mV"
    assert found["size"].kind == "int"
    assert found["on"].kind == "flag"


def test_border_round_trip_keeps_every_bit():
    toy = from_border(
        Toy, {"tau_ms": 33.3, "neuron.tau_ms": 7.7, "chip": "loihi-davies", "cores_per_tile": 2, "on": False}
    )
    assert from_border(Toy, to_border(toy)) == toy
    assert toy.chip.cores_per_tile == 2


@given(st.floats(1.0, 1000.0))
def test_border_numbers_survive(value):
    toy = from_border(Toy, {"tau_ms": value})
    assert from_border(Toy, to_border(toy)).tau == toy.tau


@pytest.mark.parametrize(
    "description", [Toy(), Balanced(g=4.5), Lif(tau=Uniform(1 * ms, 2 * ms)), CHIPS["loihi-davies"]]
)
def test_json_and_pickle_round_trip(description):
    assert from_json(to_json(description)) == description
    assert pickle.loads(pickle.dumps(description)) == description
    assert hash(replace(description)) == hash(description)


def test_json_of_something_that_is_not_here():
    with pytest.raises(DescriptionError, match="which is not here"):
        from_json({"type": "workbench.nothing:Nothing"})
    with pytest.raises(DescriptionError, match="not a description"):
        from_json({"type": "workbench.errors:unknown"})


@pytest.mark.parametrize("unit", units.known())
def test_every_unit_shows_and_reads_back(unit):
    assert units.to_si(units.shown(3 * units.factor(unit), unit), unit) == 3 * units.factor(unit)
    assert units.suffix(unit).replace("_", "").isalnum() or not unit


def test_an_unknown_unit_is_named():
    with pytest.raises(DescriptionError, match="Unknown unit 'furlong'"):
        units.factor("furlong")
