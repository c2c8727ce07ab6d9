"""Whole numbers in place of real ones: the translation into steps is exact, every loss is named, and populations keep their rates."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import run_discrete
from tests.properties.networks import networks
from workbench.backends.base import Probe, compile
from workbench.chips import CHIPS, Ideal
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import LogNormal, Normal, Uniform, Values
from workbench.circuits.stimuli import Poisson, SpikeList, StepCurrent
from workbench.circuits.unfold import Netlist, unfold
from workbench.circuits.wiring import AllToAll, FixedProbability, OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.mapping import weights
from workbench.mapping.quantise import LOWEST, TOP, in_steps, quantise, scales
from workbench.mapping.weights import GRAIN, LARGEST
from workbench.units import ms, mV, nA, nS, pA

DT = 0.1 * ms
FLOAT = CHIPS["loihi-roomy"]
CHIP = replace(FLOAT, name="whole", arithmetic="integer")


def spikes_on_brian(netlist: Netlist, steps: int, *, seed: int, dt: float = DT) -> dict[str, Any]:
    return compile(netlist, Ideal(), dt=dt, seed=seed).run(draw(netlist, steps * dt, dt=dt, seed=seed)).spikes  # type: ignore[return-value]


def whole_numbers(values: Any) -> bool:
    return bool(np.all(np.asarray(values) == np.rint(values)))


# --- from seconds to steps ------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    network=st.one_of(networks(exponential=False, currents=False), networks(jumps=False, currents=False)),
    seed=st.integers(0, 99),
)
def test_a_lif_in_steps_fires_when_the_lif_does(network, seed):
    """Jumps alone and currents alone: the same spikes, whatever the constants, delays and refractory periods."""
    netlist = unfold(network, seed=seed)
    ours, lif = (spikes_on_brian(n, 150, seed=seed) for n in (in_steps(netlist, dt=DT), netlist))
    assert all(ours[n] == lif[n] for n in lif)


def test_what_differs_where_a_neuron_has_jumps_and_currents():
    network = Network(
        {"P": Population(30, Lif(refractory=1 * ms, bias=0.55 * nA), {"v": Uniform(0, 19 * mV)})},
        {"S": Source(30, Poisson(900.0)), "T": Source(30, Poisson(900.0))},
        {
            "S": Projection("S", "P", OneToOne(), weight=1 * mV),
            "T": Projection("T", "P", OneToOne(), weight=90 * pA, receptor="exc"),
        },
    )
    netlist = unfold(network, seed=1)
    ours, lif = (spikes_on_brian(n, 2000, seed=1)["P"].steps.size for n in (in_steps(netlist, dt=DT), netlist))
    assert lif > 500
    assert abs(ours - lif) < 0.02 * lif
    assert any("one step earlier" in loss for loss in quantise(netlist, CHIP, dt=DT)[1])


# --- whole numbers --------------------------------------------------------------------------------------------------------


def check_ranges(netlist: Netlist) -> None:
    for cells in netlist.populations.values():
        assert isinstance(cells.neuron, DiscreteLif)
        assert cells.neuron.rounding == "away"
        p = {k: np.asarray(v) for k, v in cells.parameters.items()}
        for name in ("leak", "leak_exc", "leak_inh"):
            assert whole_numbers(p[name] * 4096)
            assert np.all((p[name] >= 0) & (p[name] <= 1))
        assert whole_numbers(p["threshold"] / GRAIN)
        assert np.all((p["threshold"] >= 0) & (p["threshold"] <= TOP + GRAIN))
        for values in (p["reset"], p["bias"], p["refractory"], cells.initial["v"]):
            assert whole_numbers(values)
            assert np.all(np.abs(values) <= -LOWEST)
        assert np.all(p["lowest"] == LOWEST)
    for block in netlist.projections.values():
        assert whole_numbers(np.asarray(block.weight) / GRAIN)
        assert np.all(np.abs(block.weight) <= LARGEST)


@settings(max_examples=25, deadline=None)
@given(network=networks(currents=False), seed=st.integers(0, 99), scale=st.sampled_from(["population", "neuron"]))
def test_the_quantised_netlist_runs_in_whole_numbers_on_brian2(network, seed, scale):
    """Ranges hold, and Brian2 agrees with plain Python integers in every spike and potential."""
    netlist, _ = quantise(unfold(network, seed=seed), replace(CHIP, weight_scale=scale), dt=DT)
    check_ranges(netlist)
    drive, states = draw(netlist, 100 * DT, dt=DT, seed=seed), []
    twin, _ = run_discrete(netlist, drive, 100, states=states)
    probes = tuple(Probe(n, "v") for n in netlist.populations)
    recording = compile(netlist, Ideal(), dt=DT, seed=seed, probes=probes).run(drive)
    starts = {n: c.start for n, c in netlist.populations.items()}
    ours = sorted((int(t), int(i) + starts[n]) for n, s in recording.spikes.items() for t, i in zip(s.steps, s.neurons))
    assert ours == sorted(twin)
    for name, cells in netlist.populations.items():
        wanted = np.array([s["v"][cells.span] for s in states])
        assert whole_numbers(wanted)
        assert np.array_equal(recording.traces[f"{name}.v"].values, wanted)


def test_other_arithmetic_leaves_the_netlist_alone():
    netlist = unfold(CIRCUITS["balanced"].quick().network(), seed=0)
    assert quantise(netlist, FLOAT, dt=DT) == (netlist, ())


def test_the_netlist_has_a_name_of_its_own():
    netlist = unfold(CIRCUITS["balanced"].quick().network(), seed=0)
    chips = [CHIP, replace(CHIP, weight_bits=4), replace(CHIP, weight_scale="neuron")]
    names = [quantise(netlist, c, dt=DT)[0].digest for c in chips] + [netlist.digest]
    assert len(set(names)) == 4
    assert quantise(netlist, CHIP, dt=DT)[0].digest == names[0]


def one_lif(weight: float, *, receptor: str = "input", size: int = 1, **numbers: Any) -> Network:
    return Network(
        {"P": Population(size, Lif(**numbers))},
        {"S": Source(1, SpikeList((1 * ms,), (0,)))},
        {"S": Projection("S", "P", AllToAll(), weight=weight, delay=0.1 * ms, receptor=receptor)},
    )


@pytest.mark.parametrize(("receptor", "weight"), [("input", 3 * mV), ("exc", 300 * pA), ("inh", -200 * pA)])
def test_an_arrival_keeps_its_area_and_a_constant_current_its_level(receptor, weight):
    """The mean effect of input survives the rounding of leaks; the potential in volts lies beside the Lif's."""
    network = one_lif(weight, receptor=receptor, tau=13.7 * ms, tau_exc=3.3 * ms, tau_inh=7.9 * ms, bias=0.1 * nA)
    netlist = unfold(network, seed=0)
    made, losses = quantise(netlist, CHIP, dt=DT)
    assert any("tau 13.7 ms kept as" in loss for loss in losses)
    found = {}
    for name, n, chip in (("float", netlist, FLOAT), ("whole", made, Ideal())):
        run = compile(n, chip, dt=DT, seed=0, probes=(Probe("P", "v"),)).run(draw(n, 300 * ms, dt=DT, seed=0))
        found[name] = run.traces["P.v"].values[:, 0]
    scale = scales(netlist, CHIP, dt=DT)["P"]
    volts = scale.zero + found["whole"] * scale.unit
    level = 40e6 * 0.1 * nA
    assert volts[-1] == pytest.approx(level, rel=1e-3)
    # A jump shows in the step it arrives in for one, in the next for the other: leave that step out.
    assert np.sort(np.abs(volts - found["float"]))[-2] < 0.03 * level
    for name, n, chip in (("float", netlist, FLOAT), ("whole", made, Ideal())):
        silent = replace(n, projections={"S": replace(n.projections["S"], weight=0.0)})
        run = compile(silent, chip, dt=DT, seed=0, probes=(Probe("P", "v"),)).run(draw(n, 300 * ms, dt=DT, seed=0))
        found[name] = (found[name] - run.traces["P.v"].values[:, 0]).sum()
    assert found["whole"] * scale.unit == pytest.approx(found["float"], rel=0.02)


def test_single_weights_choose_the_unit():
    """J and −5 J are both whole mantissas of the unit that is found; so nothing is lost but the time constant."""
    netlist = unfold(CIRCUITS["balanced"].quick().network(), seed=0)
    _, losses = quantise(netlist, CHIP, dt=DT)
    assert not any("weights" in loss for loss in losses)
    assert [loss for loss in losses if loss.startswith("E: tau")] == [
        "E: tau 20 ms kept as 20.43 ms (20 of 4096 a step)."
    ]


# --- weights --------------------------------------------------------------------------------------------------------------


def weights_of(network: Network, **chip: Any) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Wanted and kept weights of projection "S" in volts, and the losses."""
    netlist = unfold(network, seed=3)
    made, losses = quantise(netlist, replace(CHIP, **chip), dt=DT)
    unit = scales(netlist, replace(CHIP, **chip), dt=DT)["P"].unit
    exact, leak = np.exp(-DT / 20e-3), 20 / 4096
    wanted = np.asarray(netlist.projections["S"].weight) * exact * leak / (1 - exact)
    return wanted, np.asarray(made.projections["S"].weight) * unit, losses


def spread_network(spread: Any) -> Network:
    return Network(
        {"P": Population(40, Lif())},
        {"S": Source(30, Poisson(100.0))},
        {"S": Projection("S", "P", FixedProbability(0.5), weight=spread)},
    )


@pytest.mark.parametrize("spread", [Normal(1 * mV, 0.1 * mV), Uniform(-2 * mV, 2 * mV), LogNormal(0.3 * mV, 1.0)])
def test_the_sentence_on_weights_says_what_happened(spread):
    wanted, kept, losses = weights_of(spread_network(spread), weight_bits=5)
    (said,) = [loss for loss in losses if loss.startswith("S: weights")]
    error = np.abs(kept - wanted) / np.abs(wanted)
    worst, mean, clipped, total, zero = re.findall(r"([\d.e+-]+)(?: %| of| clipped| rounded)", said.split("bits; ")[1])
    assert float(worst) == pytest.approx(100 * error.max(), rel=0.01)
    assert float(mean) == pytest.approx(100 * error.mean(), rel=0.01)
    assert (int(zero), int(total)) == (np.count_nonzero(kept == 0), wanted.size)
    step = np.min(np.diff(np.unique(np.abs(kept))))
    assert int(clipped) == np.count_nonzero(np.abs(kept - wanted) > 0.5001 * step)


def test_more_bits_lose_less_and_an_exponent_of_their_own_helps_neurons():
    network = spread_network(LogNormal(0.3 * mV, 1.5))
    errors = {
        (scale, bits): float(np.sum((kept - wanted) ** 2))
        for scale in ("population", "neuron")
        for bits in (3, 5, 8, 12)
        for wanted, kept, _ in [weights_of(network, weight_bits=bits, weight_scale=scale)]
    }
    for scale in ("population", "neuron"):
        falling = [errors[scale, bits] for bits in (3, 5, 8, 12)]
        assert falling == sorted(falling, reverse=True)
    assert all(errors["neuron", bits] <= errors["population", bits] for bits in (3, 5, 8, 12))


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=30),
    bits=st.integers(2, 10),
    seed=st.integers(0, 9),
)
def test_the_exponent_is_the_best_there_is(values, bits, seed):
    """For a netlist that is whole already: the squared error is that of the best exponent, found by trying all."""
    network = Network(
        {"P": Population(len(values), DiscreteLif(threshold=1000.0, rounding="away"))},
        {"S": Source(1, SpikeList((), ()))},
        {"S": Projection("S", "P", AllToAll(), weight=Values([float(v) for v in values]))},
    )
    made, losses = quantise(unfold(network, seed=seed), replace(CHIP, weight_bits=bits), dt=DT)
    kept, w = np.asarray(made.projections["S"].weight), np.array(values, float)
    least = min(
        float(np.sum((np.clip(np.rint(w / 2.0**e), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * 2.0**e - w) ** 2))
        for e in range(22)
    )
    assert np.sum((kept - w) ** 2) <= least * (1 + 1e-12) or bits < 8
    assert bool(losses) == (not np.array_equal(kept, w))


# --- netlists in steps, and refusals --------------------------------------------------------------------------------------


def integer_network(**numbers: Any) -> Network:
    neuron = DiscreteLif(**{"leak": 41 / 4096, "threshold": 500.0, "rounding": "away", **numbers})
    return Network(
        {"P": Population(6, neuron)},
        {"S": Source(6, Poisson(300.0))},
        {
            "S": Projection("S", "P", OneToOne(), weight=100.0),
            "P": Projection("P", "P", AllToAll(), weight=Values([float(k % 256 - 128) for k in range(36)])),
        },
    )


def test_whole_numbers_that_fit_pass_untouched():
    netlist = unfold(integer_network(), seed=0)
    made, losses = quantise(netlist, CHIP, dt=DT)
    assert losses == ()
    assert made.populations["P"].parameters | {"lowest": 0} == netlist.populations["P"].parameters | {"lowest": 0}
    assert all(np.array_equal(made.projections[n].weight, b.weight) for n, b in netlist.projections.items())
    assert all(np.array_equal(made.projections[n].delay, b.delay) for n, b in netlist.projections.items())
    assert scales(netlist, CHIP, dt=DT)["P"].unit == 1.0


def test_a_float_neuron_in_steps_is_scaled():
    network = Network(
        {"P": Population(4, DiscreteLif(leak=0.05, leak_exc=0.3, threshold=1.0, bias=0.02))},
        {"S": Source(4, Poisson(300.0))},
        {"S": Projection("S", "P", OneToOne(), weight=0.25, receptor="exc")},
    )
    netlist = unfold(network, seed=0)
    made, losses = quantise(netlist, CHIP, dt=1 * ms)
    check_ranges(made)
    assert any("P: leak 0.05 kept as 0.0500488 (205 of 4096)." in loss for loss in losses)
    ours, exact = (spikes_on_brian(n, 2000, seed=0, dt=1 * ms)["P"].steps.size for n in (made, netlist))
    assert exact > 100
    assert abs(ours - exact) <= 0.02 * exact


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"leak": 0.01}, "leak is 0.01; in integers it must be a whole number of 1/4096"),
        ({"threshold": 10.5}, "threshold is 10.5; in integers it must be a whole number within 24 bits"),
        ({"threshold": 2.0**24}, "threshold is 1.67772e"),
        ({"bias": Values([0.0, 0.0, 0.25, 0.0, 0.0, 0.0])}, "bias is 0.25"),
    ],
)
def test_numbers_that_should_be_whole_are_refused(numbers, says):
    with pytest.raises(DescriptionError, match=f"Population 'P': {says}"):
        quantise(unfold(integer_network(**numbers), seed=0), CHIP, dt=DT)


def test_what_integers_cannot_carry_is_named():
    def netlist(neuron: Any, **projection: Any) -> Netlist:
        given = {"source": "S", "target": "P", "wiring": OneToOne(), "weight": 1.0, **projection}
        kind = StepCurrent(1 * nA) if given.get("receptor") == "current" else Poisson(100.0)
        return unfold(Network({"P": Population(2, neuron)}, {"S": Source(2, kind)}, {"S": Projection(**given)}), seed=0)

    with pytest.raises(UnsupportedError, match=r"receptor 'exc_g' \(projection 'S'\); it has: input, exc, inh"):
        quantise(netlist(Lif(), weight=1 * nS, receptor="exc_g"), CHIP, dt=DT)
    with pytest.raises(UnsupportedError, match="receptor 'current'"):
        quantise(netlist(Lif(), receptor="current"), CHIP, dt=DT)
    with pytest.raises(UnsupportedError, match="neuron model AdEx of population 'P'; it has: Lif, DiscreteLif"):
        quantise(netlist(AdEx(), weight=1 * mV), CHIP, dt=DT)
    gap = unfold(
        Network(
            {"P": Population(2, Lif())}, {}, {"G": Projection("P", "P", AllToAll(), weight=1 * nS, receptor="gap")}
        ),
        seed=0,
    )
    made, losses = quantise(gap, CHIP, dt=DT)
    assert not made.projections
    assert "G: 4 gap junctions dropped; this chip carries spikes only." in losses


def test_delays_come_in_whole_steps():
    network = one_lif(1 * mV)
    late = replace(network, projections={"S": replace(network.projections["S"], delay=0.27 * ms)})
    made, _ = quantise(unfold(late, seed=0), CHIP, dt=DT)
    assert made.projections["S"].delay == pytest.approx(0.4 * ms)


def test_many_weights_stay_a_rule_and_a_sample_speaks_for_them(monkeypatch):
    """With an even sample in place of all weights: the same grid, nothing clipped beyond it, and nearly the same sentence."""
    netlist = unfold(spread_network(Normal(1 * mV, 0.1 * mV)), seed=3)
    whole, _ = quantise(netlist, CHIP, dt=DT)
    monkeypatch.setattr(weights, "MANY", 50)
    made, losses = quantise(netlist, CHIP, dt=DT)
    kept = np.asarray(made.projections["S"].weight)
    assert type(vars(made.projections["S"])["_weight"]) is type(vars(netlist.projections["S"])["_weight"])
    assert kept.size == netlist.projections["S"].count > 400
    assert whole_numbers(kept / GRAIN)
    assert np.abs(kept).max() <= LARGEST
    assert kept == pytest.approx(np.asarray(whole.projections["S"].weight), rel=0.06)
    assert any(
        loss.startswith("S: weights in 8 bits") and "0 of 600 clipped" in loss.replace(str(kept.size), "600")
        for loss in losses
    )
