"""Networks whose synapses are stored run on a wafer's own mesh: its dies, links, prices and dead parts carry over, and the spikes are Brian2's."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from workbench.backends.base import compile
from workbench.chips import CHIPS, Ideal
from workbench.chips.event import EVENTS
from workbench.chips.wafers import DARWIN_WAFER, TIANQIN_HAI_CLASS
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.sheet import Sheet
from workbench.circuits.shower import Shower
from workbench.circuits.stimuli import Poisson
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.errors import DescriptionError, PlacementError, UnsupportedError
from workbench.experiment import Experiment
from workbench.mapping.faults import drawn, faults_of
from workbench.mapping.lattice import KINDS, kinds_of
from workbench.units import ms

SMALL = replace(DARWIN_WAFER, name="small", dies_x=4, dies_y=3, tiles_x=4, tiles_y=4, neurons_per_core=4)
WORM = CIRCUITS["worm"]
BROKEN = {
    "a dead die": {"dead_dies": ((1, 0),)},
    "a dead side": {"dead_links": ((0, 0, 1, 0), (1, 1, 1, 0))},
    "dead cores": {"dead_cores": ((0, 0, 3), (1, 0, 0))},
    "all of them in two layers": {
        "layers": 2,
        "dead_dies": ((1, 0),),
        "dead_links": ((0, 2, 0, 1),),
        "dead_cores": ((0, 0, 17),),
    },
}


@cache
def run(chip, circuit=WORM, duration=30 * ms):
    return Experiment(circuit, chip, duration=duration, seed=2).run()


def same(one, other):
    return all(one.spikes[n] == other.spikes[n] for n in one.spikes)


@pytest.mark.parametrize("broken", BROKEN)
def test_the_worm_lives_on_a_broken_wafer_and_fires_as_ever(broken):
    chip = replace(SMALL, **BROKEN[broken])
    r, ledger = run(chip), run(chip).ledger
    assert sum(r.counts.values()) > 50
    assert same(r, run(SMALL))
    assert same(r, run(Ideal()))
    assert r.arithmetic == "float64"
    mesh = chip.mesh()
    faults, kinds = drawn(mesh), kinds_of(mesh)
    assert ledger.links.sum() == sum(ledger.count(e) for e in KINDS if e in ledger.events)
    assert not ledger.links[:, faults.links].any()
    for k, kind in enumerate(KINDS):
        assert ledger.links[0][kinds == k].sum() == (ledger.count(kind) if kind in ledger.events else 0)
    for core in r.placement.cores:
        x, y = core.tile
        assert faults.room[y, x] > 0
    assert any("stored on the wafer's mesh" in loss for loss in r.placement.losses)
    assert ledger.timing == "queued"
    assert ledger.counts.any()
    assert ledger.links.any()
    assert ledger.chip_time > 0


def test_what_is_dead_on_the_wafer_is_dead_on_its_mesh():
    mesh = replace(SMALL, **BROKEN["all of them in two layers"]).mesh()
    faults = drawn(mesh)
    assert (mesh.tiles_x, mesh.tiles_y, mesh.layers, mesh.rows) == (16, 12, 2, 24)
    wanted = np.zeros((24, 16), bool)
    wanted[0:4, 4:8] = wanted[12:16, 4:8] = True
    assert np.array_equal(faults.tiles, wanted)
    alone = np.argwhere(faults.cores[:, :, 0] & ~faults.tiles)
    assert alone.tolist() == [[12, 1]]  # core 17 of 32: the second tile of the upper layer
    north = faults.links[2] & ~wanted & ~faults._off[2]
    assert np.argwhere(north).tolist() == [[r, c] for r in (7, 19) for c in range(4)]
    assert faults_of(SMALL.mesh()) is None


def test_prices_and_sizes_of_the_wafer_carry_over():
    for chip in (DARWIN_WAFER, TIANQIN_HAI_CLASS):
        mesh = chip.mesh()
        assert mesh.cores == chip.dies * chip.cores_per_die
        assert mesh.events == (*EVENTS, "die link")
        assert (mesh.die_x, mesh.die_y) == (chip.tiles_x, chip.tiles_y)
        for event in (
            "synaptic operation",
            "spike",
            "packet",
            "core step",
            "east-west hop",
            "north-south hop",
            "die link",
            "via",
        ):
            assert mesh.prices[event] == chip.prices[event]
        assert mesh.prices["active update"] == mesh.prices["inactive update"] == chip.prices["neuron update"]
        assert mesh.prices["dense operation"] == mesh.prices["shared operation"] == chip.prices["synaptic operation"]
        assert mesh.prices["packet received"].joules == mesh.barrier(100) == 0
    assert SMALL.mesh(routing="unicast", timing="simple").routing == "unicast"


@pytest.mark.parametrize("chip", ["darwin-wafer", "tianqin-hai-class"])
@pytest.mark.parametrize("circuit", ["potjans-diesmann", "balanced", "vogels-abbott", "winner-take-all"])
def test_other_networks_run_on_whole_wafers_as_on_brian2(chip, circuit):
    described = CIRCUITS[circuit].quick()
    r = run(CHIPS[chip], described)
    assert sum(r.counts.values()) > 0
    assert same(r, run(Ideal(), described))


def test_a_column_of_cortex_queues_on_a_wafer_and_goes_round_a_dead_die():
    column = replace(CIRCUITS["potjans-diesmann"], scale=0.02)
    small = replace(SMALL, neurons_per_core=16, prices=TIANQIN_HAI_CLASS.prices)
    whole, broken = run(small, column, 40 * ms), run(replace(small, dead_dies=((1, 1),)), column, 40 * ms)
    assert same(whole, broken)
    hops = [sum(r.ledger.count(e) for e in KINDS[:3]) for r in (whole, broken)]
    assert hops[0] != hops[1]
    assert whole.ledger.chip_time != broken.ledger.chip_time
    quiet = run(replace(small, dead_dies=((1, 1),)).mesh(timing="simple"), column, 40 * ms)
    assert broken.ledger.chip_time > quiet.ledger.chip_time  # what waiting costs
    assert same(quiet, whole)


def test_a_run_goes_on_from_where_it_was_saved(tmp_path):
    asked = Experiment(WORM, replace(SMALL, **BROKEN["a dead die"]), duration=30 * ms, seed=2)
    program = asked.compile()
    going = program.start(draw(program.netlist, 30 * ms, dt=1e-4, seed=2), seed=2)
    going.advance(12 * ms)
    going.save(tmp_path / "half")
    resumed = asked.compile().resume(tmp_path / "half")
    resumed.advance(18 * ms)
    again, straight = resumed.recording(), run(asked.chip)
    assert same(again, straight)
    assert np.array_equal(again.ledger.counts, straight.ledger.counts)
    assert again.ledger.chip_time == straight.ledger.chip_time


def test_whole_numbers_stay_whole():
    network = Network(
        {"A": Population(60, DiscreteLif(threshold=50.0, rounding="away"))},
        {"S": Source(60, Poisson(400.0))},
        {
            "in": Projection("S", "A", OneToOne(), weight=30.0, delay=1 * ms),
            "AA": Projection("A", "A", AllToAll(), weight=1.0, delay=1 * ms),
        },
    )
    made = Experiment(network, SMALL, duration=50 * ms, dt=1 * ms, seed=1).compile()
    r = made.run(draw(made.realised, 50 * ms, dt=1 * ms, seed=1))
    reference = compile(made.realised, Ideal(), dt=1 * ms, seed=1).run(draw(made.realised, 50 * ms, dt=1 * ms, seed=1))
    assert r.arithmetic == "integer"
    assert r.counts["A"] > 10
    assert same(r, reference)


def test_what_does_not_fit_or_hang_together_is_refused():
    with pytest.raises(PlacementError, match=r"is cut: no way leads .* \(0, 0\)"):
        run(replace(SMALL, dead_links=((0, 0, 1, 0), (0, 0, 0, 1))))
    few = tuple((x, y) for x in range(4) for y in range(3) if (x, y) not in ((0, 0), (1, 0)))
    with pytest.raises(
        PlacementError, match=r"Of the 192 cores of small .* 32 are left: 160 are dead.*neurons do not fit"
    ):
        run(replace(SMALL, dead_dies=few))


def made(network):
    return Experiment(network, TIANQIN_HAI_CLASS, duration=1 * ms, dt=1 * ms).compile()


def test_what_a_wafer_has_no_rule_for_is_named():
    """Beside a sheet, which nobody stores: what needs stored synapses alone goes to the wafer's mesh ."""
    neuron, poisson, shower = (
        DiscreteLif(rounding="away"),
        Source(40, Poisson(10.0, stop=1.0)),
        Source(40, Shower(10.0)),
    )
    sheet, outside = (
        {"AA": Projection("A", "A", Sheet(4, 2, 2), weight=1.0)},
        {"in": Projection("S", "A", OneToOne(), weight=1.0)},
    )
    for network, what in (
        (Network({"A": Population(40, Lif())}, {"S": shower}, outside), "Lif"),
        (Network({"A": Population(40, DiscreteLif(after_spike="subtract"))}, {}, sheet), "subtract"),
        (Network({"A": Population(40, neuron)}, {"S": poisson}, sheet | outside), "Poisson"),
        (
            Network({"A": Population(40, neuron)}, {}, sheet | {"all": Projection("A", "A", AllToAll(), weight=1.0)}),
            "AllToAll",
        ),
        (
            Network(
                {"A": Population(40, neuron)},
                {},
                {"AA": Projection("A", "A", Sheet(4, 2, 2), weight=1.0, receptor="exc")},
            ),
            "exc",
        ),
    ):
        with pytest.raises(UnsupportedError, match=what):
            made(network)
    big = DiscreteLif(rounding="away", threshold=1e6)
    with pytest.raises(DescriptionError, match="two bytes"):
        made(Network({"A": Population(40, big)}))
    two = {n: Projection("A", "A", Sheet(4, k, 1), weight=1.0) for n, k in (("a", 2), ("b", 4))}
    with pytest.raises(DescriptionError, match="one sheet"):
        made(Network({"A": Population(40, neuron)}, {}, two))
