"""The mapping's study: each step's numbers are those of the mapping, pictures show all packets, a run gives its own rates."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.chips import CHIPS
from workbench.circuits.unfold import unfold
from workbench.errors import DescriptionError
from workbench.mapping import curve
from workbench.measures.mesh import distance_at_lag, fired, mean_manhattan, travel
from workbench.studies import load_study
from workbench.units import nJ

STUDY = load_study("mesh-mapping")
MAPPED = STUDY.preset("mapped")


@pytest.fixture(scope="module")
def result():
    return MAPPED.changed({"bars": True}).run()


def test_every_step_saves_and_the_numbers_are_those_of_the_mapping(result):
    numbers, costs = result.numbers, MAPPED.mapped().costs
    assert numbers["packets_before"] == costs[0].packets == 2137
    assert numbers["spike_hops_before"] == costs[0].spike_hops == 6754
    hops = [numbers[f"spike_hops_{step}"] for step in ("before", "partitioned", "placed", "routed")]
    assert hops == [c.spike_hops for c in costs] == sorted(hops, reverse=True)
    assert numbers["energy_nj"] == costs[-1].joules / nJ < 0.5 * numbers["energy_before_nj"]
    assert numbers["max_link"] < numbers["max_link_before"]
    assert numbers["deadlock_free"] == 1


def test_the_searches_beat_the_curve_they_start_from(result):
    numbers = result.numbers
    assert numbers["hops_force_directed"] <= numbers["hops_hilbert"]
    assert numbers["hops_annealing"] <= numbers["hops_hilbert"]
    assert numbers["hops_force_directed"] == pytest.approx(
        numbers["spike_hops_placed"] / numbers["packets_partitioned"]
    )


def test_distances_and_the_layered_net_are_those_of_the_facts(result):
    numbers = result.numbers
    assert numbers["mean_distance"] == pytest.approx(5.25, rel=1e-12)
    assert numbers["hilbert_lag_4"] == pytest.approx(2.400, abs=0.0005)
    assert numbers["hilbert_lag_16"] == pytest.approx(4.967, abs=0.0005)
    assert numbers["layered_share"] <= numbers["layered_share_hilbert"] <= 0.5
    assert mean_manhattan(8, 4) == 3.875 and mean_manhattan(8, 16) == 7.9375 and mean_manhattan(32, 32) == 21.3125
    assert distance_at_lag(curve.row_major(64, 64), 64) == 1.0


def test_as_it_lies_nothing_changes():
    numbers = STUDY.preset("as it lies").run().numbers
    assert len({numbers[f"spike_hops_{step}"] for step in ("before", "partitioned", "placed", "routed")}) == 1
    assert numbers["energy_nj"] == numbers["energy_before_nj"]
    assert "layered_share" not in numbers


def test_pictures_hold_every_neuron_and_every_packet(result):
    figures = result.figures()
    assert set(STUDY.views) <= set(figures)
    image = figures["links"].panels[0].layers[0]
    assert np.nansum(image.values) == result.numbers["spike_hops_routed"]
    before = figures["links before"].panels[0].layers[0]
    assert np.nansum(before.values) == result.numbers["spike_hops_before"]
    assert image.limits == before.limits == (0.0, np.nanmax(before.values))
    assert np.nansum(figures["load"].panels[0].layers[0].values) == 4665  # chemical contacts, each a synapse
    squares = [p for p in figures["map"].panels[0].layers if p.marker == "square"]
    assert sum(p.x.size for p in squares) == result.numbers["cores_used"]
    assert figures["methods"].panels[0].layers[0].values.tolist() == pytest.approx(
        [result.numbers[f"hops_{n}"] for n in ("random", "row_major", "hilbert", "force_directed", "annealing")]
    )
    for line in figures["convergence"].panels[0].layers:
        assert line.y[-1] <= line.y[0]
    assert "25 of 64 tiles in use" in figures["map"].alt


def test_a_run_says_who_fires_and_its_packets_are_those_of_the_ledger():
    study = MAPPED.changed({"activity": "recorded"})
    result = study.run()
    ledger, numbers = result.recordings["run"].ledger, result.numbers
    assert numbers["packets_before"] == ledger.count("packet")
    assert numbers["spike_hops_before"] == ledger.count("east-west hop") + ledger.count("north-south hop")
    assert numbers["spike_hops_routed"] < numbers["spike_hops_before"]
    netlist = unfold(study.circuit.network(), seed=0)
    ways = travel(result.recordings["run"], netlist)
    assert ways.packets.sum() == numbers["packets_before"]
    assert (ways.hops * ways.packets).sum() == numbers["spike_hops_before"]
    assert fired(result.recordings["run"], netlist).sum() == ledger.count("spike")


def test_a_column_is_mapped_too():
    numbers = STUDY.preset("a column").run().numbers
    assert numbers["neurons"] > 1500
    assert numbers["packets_partitioned"] < numbers["packets_before"]
    assert numbers["deadlock_free"] == 1


def test_a_chip_without_a_mesh_is_refused():
    with pytest.raises(DescriptionError, match="write a chip with a mesh"):
        STUDY(chip=CHIPS["ideal"]).run()


def test_the_quick_edition_takes_the_quick_circuit():
    study = STUDY.from_border({"circuit": "balanced"}).quick()
    assert study.circuit.excitatory == 800
