"""The worm's study: the wave, the equality of the two engines, and the sums of the chip's ledger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.circuits.library.worm import BACKWARD, FORWARD, ROLES, connectome
from workbench.circuits.unfold import unfold
from workbench.measures.mesh import travel
from workbench.studies import load_study
from workbench.units import ms, mV

STUDY = load_study("worm")


@pytest.fixture(scope="module")
def result():
    return STUDY().run()


def test_the_touch_reaches_motor_neurons_and_muscles_in_order_and_ends(result):
    numbers = result.numbers
    latencies = [numbers[f"{role}_latency_ms"] for role in ("sensory", "inter", "motor", "muscle")]
    assert latencies == sorted(latencies)
    assert numbers["neurons_reached"] == 74
    assert numbers["muscles_reached"] == 24
    assert numbers["last_spike_ms"] < 50, "the wave ends with the touch"


@pytest.mark.parametrize("touch", ["anterior", "posterior", "nose"])
def test_without_gap_junctions_the_chip_equals_brian2_spike_for_spike(touch):
    numbers = STUDY.from_border({"touch": touch, "gap_junctions": False}).run().numbers
    assert numbers["spikes_that_differ"] == 0
    assert numbers["spikes"] > 0
    assert "gap_spikes" not in numbers


def test_equality_holds_with_a_background_and_in_a_storm():
    for values in ({"background_hz": 5.0, "seed": 3}, {"weight_mv": 1.6}):
        assert STUDY.from_border({**values, "gap_junctions": False}).run().numbers["spikes_that_differ"] == 0


def test_the_chip_lists_the_gap_junctions_it_loses_and_brian2_shows_what_they_change(result):
    losses = result.recordings["chip"].placement.losses
    assert losses
    assert all("gap" in sentence for sentence in losses)
    assert not result.recordings["gap junctions"].placement.losses
    assert result.numbers["spikes_that_differ"] == 0
    assert result.numbers["gap_spikes"] != result.numbers["spikes"]


def test_ledger_and_ways_of_packets_tell_the_same_sums(result):
    chip = result.recordings["chip"]
    netlist = unfold(STUDY().circuit.network(), seed=0)
    ways, ledger = travel(chip, netlist), chip.ledger
    assert ways.packets.sum() == ledger.count("packet") == ways.by_hops().sum()
    assert ways.hops @ ways.packets == ledger.count("east-west hop") + ledger.count("north-south hop")
    assert ways.by_hops()[0] == ledger.count("tile-local packet")
    assert ways.by_neuron(netlist.size).sum() == ways.hops @ ways.packets
    assert ledger.count("spike") == sum(chip.counts.values()) == result.numbers["spikes"]
    steps = round(chip.duration / chip.dt)
    assert ledger.count("active update") + ledger.count("inactive update") == netlist.size * steps
    assert sum(ledger.by_event().values()) == pytest.approx(ledger.total)
    assert sum(ledger.by_place().values()) == pytest.approx(ledger.total)


def test_a_slow_obvious_loop_finds_the_same_spikes(result):
    """Every cell, every step, in plain NumPy: no code of the workbench between the table and the spikes."""
    worm = connectome()
    names = [name for role in ROLES for name in worm.cells[role]]
    place = {name: k for k, name in enumerate(names)}
    jumps = np.zeros((len(names), len(names)))
    for (a, b), contacts in worm.chemical.items():
        for i, j, sections in zip(*contacts.matrix[:3]):
            sender, receiver = worm.cells[a][i], worm.cells[b][j]
            jumps[place[sender], place[receiver]] = sections * (1e-3 if worm.sign(sender) > 0 else -4e-3)
    touched = [place[name] for name in ("ALML", "ALMR", "AVM")]
    v, free_at, waiting, fired = np.zeros(len(names)), np.zeros(len(names), int), {}, set()
    for step in range(1000):
        free = free_at <= step
        v[free] *= np.exp(-0.1 / 20)
        fires = free & (v > 20e-3)
        arrived = waiting.pop(step, np.zeros(len(names)))
        if step - 1 in range(100, 600, 100):
            arrived[touched] += 40e-3
        v[free & ~fires] += arrived[free & ~fires]
        v[fires], free_at[fires] = 0.0, step + 50
        waiting[step + 10] = jumps[fires].sum(axis=0)
        fired |= {(step, names[k]) for k in np.flatnonzero(fires)}
    chip = result.recordings["chip"]
    ours = {
        (step, worm.cells[role][k]) for role in ROLES for step, k in zip(chip.of(role).steps, chip.of(role).neurons)
    }
    assert len(fired) == 303
    assert ours == fired


def test_the_textbook_touch_circuit_appears(result):
    """Chalfie et al. 1985: a touch at the front runs over AVA, AVB, AVD and PVC and makes the worm back up."""
    numbers, worm = result.numbers, connectome()
    assert len(worm.places("motor", BACKWARD)) == 21
    assert len(worm.places("motor", FORWARD)) == 18
    assert numbers["command_cells_reached"] == 8
    assert numbers["backward_motor_reached"] / 21 > 0.5 > numbers["forward_motor_reached"] / 18


@pytest.mark.parametrize(
    "assumed",
    [
        {"delay_ms": 0.2},
        {"delay_ms": 5.0},
        {"tau_ms": 10.0},
        {"tau_ms": 40.0},
        {"inhibition": 1.0},
        {"inhibition": 8.0},
    ],
    ids=str,
)
def test_the_touch_circuit_does_not_hang_on_assumed_numbers(assumed):
    numbers = STUDY.from_border({**assumed, "duration_ms": 200.0, "reference": False}).run().numbers
    assert numbers["command_cells_reached"] == 8
    assert numbers["backward_motor_reached"] / 21 > numbers["forward_motor_reached"] / 18


def test_spikelets_bring_back_what_gap_junctions_carry():
    """AVB reaches the forward motor neurons by 156 sections of gap junctions and 3 of chemical synapses."""
    values = {"gap_junctions": False, "reference": False}
    without = STUDY.from_border(values).run().numbers["forward_motor_reached"]
    assert STUDY.from_border({**values, "spikelet_mv": 0.2}).run().numbers["forward_motor_reached"] > without


def test_if_glutamate_inhibits_the_touch_goes_nowhere():
    still = STUDY.from_border({"glutamate": "inhibits", "reference": False}).run().numbers
    assert still["neurons_reached"] == 3, "the three touched cells release glutamate"


def test_synaptic_operations_are_spikes_times_fan_out(result):
    chip, worm = result.recordings["chip"], connectome()
    expected = 0
    for (role, _), contacts in worm.chemical.items():
        fan_out = np.bincount(contacts.matrix[0], minlength=len(worm.cells[role]))
        expected += int(fan_out[chip.of(role).neurons].sum())
    assert result.numbers["synaptic_operations"] == expected


def test_nothing_fires_without_a_touch():
    still = STUDY.from_border({"touch_rate_hz": 0.0, "reference": False}).run()
    assert still.numbers["spikes"] == 0
    assert np.isnan(still.numbers["motor_latency_ms"])
    for picture in still.figures().values():
        assert picture.alt, "every picture can say that there is nothing"


def test_weaker_synapses_reach_fewer_and_stronger_ones_do_not_stop():
    weights = ({"weight_mv": w, "reference": False} for w in (0.5, 1.0, 1.6))
    reached = [STUDY.from_border(values).run().numbers["neurons_reached"] for values in weights]
    assert reached == sorted(reached)
    storm = STUDY.from_border({"weight_mv": 1.6, "reference": False, "duration_ms": 500.0}).run()
    assert storm.numbers["last_spike_ms"] > 480


def test_on_the_ideal_chip_there_is_a_wave_and_no_mesh():
    ideal = STUDY.from_border({"chip": "ideal", "reference": False, "gap_junctions": False}).run()
    assert ideal.numbers["spikes"] == 303
    assert "cores" not in ideal.pictures
    assert "energy_uj" not in ideal.numbers


def test_progress_runs_from_nothing_to_all_and_cancels(result):
    told: list[float] = []
    STUDY.from_border({"gap_junctions": False}).run(lambda fraction, text: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_pictures_have_the_data_of_the_recording(result):
    pictures = result.figures()
    assert set(STUDY.views) <= set(pictures)
    dots = sum(layer.x.size for layer in pictures["raster"].panels[0].layers if hasattr(layer, "marker"))
    assert dots == result.numbers["spikes"]
    stairs = [layer for layer in pictures["wave"].panels[0].layers if layer.label and layer.y.size > 1]
    climbs = {layer.label: layer.y[-1] for layer in stairs}
    first = {role: result.recordings["chip"].of(role).neurons for role in ROLES}
    assert climbs == {role: np.unique(neurons).size for role, neurons in first.items() if neurons.size}
    assert np.nansum(pictures["cores"].panels[0].layers[0].values) == result.numbers["synaptic_operations"]
    assert pictures["hops"].panels[0].layers[0].values.sum() == result.numbers["packets"]
    assert np.isfinite(pictures["wiring"].panels[0].layers[0].values).sum() == 4665


def test_presets_are_studies():
    for name in STUDY.presets:
        assert STUDY.preset(name) == STUDY.preset(name)
    assert STUDY().quick().duration <= 100 * ms
    assert replace(STUDY().circuit, weight=2 * mV) != STUDY().circuit
