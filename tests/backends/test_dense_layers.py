"""All-to-all layers from outside: tiles of weights give what lists of synapses give, to the last bit, rows or product, however cut."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_matrix

from workbench.backends import Probe
from workbench.backends.event import dense
from workbench.backends.event.tiers import COMPILED, INTERPRETED, held
from workbench.chips import CHIPS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import External
from workbench.circuits.wiring import AllToAll, Explicit
from workbench.experiment import Experiment
from workbench.units import ms

BASE = replace(CHIPS["loihi-roomy"], neurons_per_core=300)
STEPS, A, B = 100, 70, 700
CHANCE = np.random.default_rng(3)
WEIGHTS = {
    "float32": CHANCE.normal(0.0, 9.0, A * B).astype(np.float32).astype(float),
    "float64": np.rint(CHANCE.normal(0.0, 9.0, A * B) * 1024) / 1024,
    "integer": CHANCE.integers(-120, 120, A * B).astype(float),
}
MANY = (CHANCE.random((STEPS, A)) < np.linspace(0.0, 0.9, STEPS)[:, None]).astype(np.uint16)
TWICE = MANY + 2 * (CHANCE.random((STEPS, A)) < 0.02).astype(np.uint16)
OTHER = (CHANCE.random((STEPS, 40)) < 0.2).astype(np.uint16)


def layer(arithmetic: str, *, tiles: bool, chip=BASE, back: bool = False) -> Experiment:
    """Two sources onto one population, one with a weight for each synapse and one with a weight for all."""
    j, i = np.divmod(np.arange(A * B), A)
    second = np.divmod(np.arange(40 * B), 40)
    lists = [
        Explicit(coo_matrix((np.ones(a.size), (a, b)), (n, B))) for a, b, n in ((i, j, A), (second[1], second[0], 40))
    ]
    wiring = [AllToAll(), AllToAll()] if tiles else lists
    cell = DiscreteLif(leak=1 / 16, threshold=300.0)
    projections = {
        "layer": Projection("in", "out", wiring[0], weight=Values(WEIGHTS[arithmetic]), delay=1 * ms),
        "bias": Projection("on", "out", wiring[1], weight=2.0, delay=1 * ms),
    }
    if back:
        projections["back"] = Projection("out", "out", AllToAll(), weight=-1.0, delay=1 * ms)
    network = Network(
        populations={"before": Population(33, cell), "out": Population(B, cell)},
        sources={"in": Source(A, External()), "on": Source(40, External())},
        projections=projections,
    )
    chip = replace(chip, name=f"{chip.name} {arithmetic}", arithmetic=arithmetic)
    probe = Probe("out", "v")
    return Experiment(network, chip, duration=STEPS * ms, dt=1 * ms, seed=1, probes=(probe,))


def run(experiment: Experiment, given: np.ndarray, cuts=(STEPS,), tier=COMPILED, other=OTHER):
    program: Any = experiment.compile()
    going = program.start(draw(program.netlist, STEPS * ms, dt=1 * ms, seed=1))
    begin = 0
    with held(tier):
        for many in cuts:
            here = slice(begin, begin + many)
            going.advance(many * ms, {"in": given[here], "on": other[here]})
            begin += many
    return program, going.recording()


def equal(a, b) -> bool:
    same = all(a.spikes[n] == b.spikes[n] for n in a.spikes)
    same &= np.array_equal(a.traces["out.v"].values, b.traces["out.v"].values)
    return bool(same and np.array_equal(a.ledger.counts[..., :1], b.ledger.counts[..., :1]))


@pytest.mark.parametrize("arithmetic", ["float64", "float32", "integer"])
@pytest.mark.parametrize("given", [MANY, TWICE], ids=["once", "some twice or thrice"])
def test_tiles_give_what_lists_of_synapses_give(arithmetic, given):
    # One weight for all is added once, as often as there are spikes: in float32 that rounds once instead of each time.
    other = OTHER * (arithmetic != "float32")
    program, tiles = run(layer(arithmetic, tiles=True), given, other=other)
    assert not program._layout["rows"]["codes"].size
    assert program._layout["dense"]["weights"].itemsize == {"float64": 8, "float32": 4, "integer": 1}[arithmetic]
    _, lists = run(layer(arithmetic, tiles=False), given, other=other)
    assert sum(tiles.counts.values()) > 1000
    assert equal(tiles, lists)
    operations = given.sum() * B + other.sum() * B
    assert tiles.ledger.count("outside operation") == lists.ledger.count("outside operation") == operations


@pytest.mark.parametrize("arithmetic", ["float64", "float32", "integer"])
def test_an_interpreted_layer_has_the_same_bits(arithmetic):
    compiled, interpreted = (run(layer(arithmetic, tiles=True), TWICE, tier=t)[1] for t in (COMPILED, INTERPRETED))
    assert equal(compiled, interpreted)
    assert np.array_equal(compiled.ledger.counts, interpreted.ledger.counts)


@pytest.mark.parametrize("arithmetic", ["float64", "float32"])
def test_a_product_of_matrices_changes_no_bit(arithmetic, monkeypatch):
    made = []
    for crossover in (1.0, 0.4, 0.0):
        monkeypatch.setitem(dense.CROSSOVER, arithmetic, crossover)
        made.append(run(layer(arithmetic, tiles=True), MANY)[1])
    assert equal(made[0], made[1])
    assert equal(made[0], made[2])


@pytest.mark.parametrize("arithmetic", ["float64", "float32", "integer"])
@pytest.mark.parametrize("back", [False, True])
def test_however_a_layer_is_cut_it_is_the_same(arithmetic, back):
    _, whole = run(layer(arithmetic, tiles=True, back=back), MANY)
    _, parts = run(layer(arithmetic, tiles=True, back=back), MANY, (1, 2, 3, 5, 8, 13, 21, 34, 13))
    assert equal(whole, parts)
    assert np.array_equal(whole.ledger.counts, parts.ledger.counts)


def test_a_state_that_something_reached_makes_an_update_active():
    counting = replace(BASE, counting="nonzero")
    _, tiles = run(layer("integer", tiles=True, chip=counting), TWICE)
    _, lists = run(layer("integer", tiles=False, chip=counting), TWICE)
    assert tiles.ledger.count("active update") == lists.ledger.count("active update")


def test_inputs_of_any_whole_type_are_the_same_spikes():
    expected = run(layer("integer", tiles=True), TWICE)[1]
    for kind in (np.uint8, np.int64, np.float64):
        assert equal(run(layer("integer", tiles=True), TWICE.astype(kind))[1], expected)
