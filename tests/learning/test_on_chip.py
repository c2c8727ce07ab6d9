"""Learning on cells: the rule as written, its bars on the digits, and what a new class does to the old ones."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import streams
from workbench.chips.converters import adc_energy
from workbench.chips.devices import DEVICES
from workbench.circuits.library.digits import handwritten, trained
from workbench.errors import DescriptionError
from workbench.learning import energy
from workbench.learning.new_class import add
from workbench.learning.on_chip import Rule, Stack, learn, with_bias
from workbench.learning.pairs import Pairs
from workbench.learning.training import error

RRAM = DEVICES["rram-wan"]
FLOAT = trained("noise-aware").accuracy(handwritten().test, handwritten().test_labels)


def learned(rule: Rule, *, device: str = "rram-wan", die: int = 0, looks: int = 4):
    data, known = handwritten(), trained("noise-aware")
    pairs = Pairs((65, 10), DEVICES[device], reach=1.5, name="output", die=die, seed=die)
    pairs.program(np.zeros((65, 10)))
    stack = Stack(pairs)
    tests = known.features(data.test), data.test_labels
    history = learn(stack, rule, (known.features(data.train), data.train_labels), tests, seed=die, looks=looks)
    return history, stack, float(np.mean([stack.accuracy(*tests, look=-k) for k in range(1, 6)]))


def test_pushes_are_the_sign_of_the_error_above_the_threshold() -> None:
    slope = np.array([[0.5, -1.0, 0.19], [0.0, 0.2, -0.21]])
    assert Rule(threshold=0.2).pushes(slope, 1.0).tolist() == [[-1, 1, 0], [0, 0, 1]]
    assert Rule(threshold=0.2).pushes(slope, 4.0).tolist() == [[0, 1, 0], [0, 0, 0]]
    assert Rule(rule="sign", threshold=0.2).pushes(slope, 4.0).tolist() == [[-1, 1, -1], [0, -1, 1]]
    assert not Rule().pushes(np.zeros((2, 2)), 0.0).any()


def test_slopes_are_the_gradient_of_the_loss_through_both_layers() -> None:
    ideal = DEVICES["ideal"]
    hidden = Pairs((5, 6), ideal, reach=2.0, name="hidden", die=0, seed=0)
    last = Pairs((7, 3), ideal, reach=2.0, name="output", die=0, seed=0)
    w = [
        np.clip(streams.normal(k, 0, p.shape[1] * p.shape[2]).reshape(p.shape[1:]) / 2, -1.9, 1.9)
        for k, p in ((1, hidden), (2, last))
    ]
    hidden.program(w[0])
    last.program(w[1])
    x, labels = streams.normal(3, 0, 32).reshape(8, 4), np.arange(8) % 3

    def loss(w1: np.ndarray, w2: np.ndarray) -> float:
        z = with_bias(np.maximum(with_bias(x) @ w1, 0)) @ w2
        return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(8), labels]).sum())

    slopes = Stack(last, hidden).slopes(x, labels, first=0)
    for k in range(2):
        for at in np.ndindex(*w[k].shape):
            up, down = [v.copy() for v in w], [v.copy() for v in w]
            up[k][at] += 1e-5
            down[k][at] -= 1e-5
            assert slopes[k][at] == pytest.approx((loss(*up) - loss(*down)) / 2e-5, abs=1e-6)
    assert error(x @ w[0][:4, :3], labels).shape == (8, 3)


@pytest.mark.parametrize("die", [0, 1])
def test_a_threshold_reaches_float_accuracy_with_few_writes(die: int) -> None:
    """Goal 9 of the benchmark: within half a point of float, at most 150 pulses a cell, a tenth of the writes without threshold."""
    _, gated, right = learned(Rule(), die=die)
    _, free, poor = learned(Rule(rule="sign"), die=die)
    assert right >= FLOAT - 0.005
    assert gated.pulses_per_cell <= 150
    assert free.pulses_per_cell >= 10 * gated.pulses_per_cell
    assert right > poor + 0.01, "the threshold also raises the accuracy"


def test_a_threshold_measured_in_the_same_update_reaches_it_too() -> None:
    _, stack, right = learned(Rule(gate="relative", threshold=0.4))
    assert right >= FLOAT - 0.005
    assert stack.pulses_per_cell <= 150


def test_write_verify_reaches_it_with_more_pulses_and_many_reads() -> None:
    _, gated, _ = learned(Rule())
    _, checked, right = learned(Rule(rule="write-verify", rate=0.3, epochs=10))
    assert right >= FLOAT - 0.01
    assert checked.pulses_per_cell > 2 * gated.pulses_per_cell
    assert checked.last.verifies > checked.last.pulses.sum()


def test_cells_that_one_pulse_erases_need_a_threshold() -> None:
    _, _, without = learned(Rule(rule="sign", epochs=10), device="pcm-joshi")
    _, _, right = learned(Rule(threshold=0.05), device="pcm-joshi")
    assert without < 0.5 < right


def test_learning_is_the_same_twice() -> None:
    one, two = (learned(Rule(epochs=2))[0] for _ in range(2))
    np.testing.assert_array_equal(one.accuracy, two.accuracy)
    np.testing.assert_array_equal(one.pulses, two.pulses)


def test_looking_more_often_changes_nothing_that_is_learned() -> None:
    cells = [learned(Rule(epochs=2), looks=looks)[1].last.cells for looks in (0, 1, 7)]
    np.testing.assert_array_equal(cells[0], cells[1])
    np.testing.assert_array_equal(cells[0], cells[2])


def test_a_history_says_from_when_on_it_was_good_enough() -> None:
    history = learned(Rule(epochs=4), looks=0)[0]
    assert history.updates.tolist() == [0, 57, 114, 171, 228]
    assert history.first_within(0.0) == 0
    assert history.first_within(1.01) is None
    at = history.first_within(0.9)
    assert at is not None
    assert np.all(history.accuracy[at:] >= 0.9)
    assert history.accuracy[at - 1] < 0.9


def test_a_new_class_is_learned_and_alone_it_is_paid_for_by_the_old_ones() -> None:
    rule = Rule(epochs=20)
    mixed, alone = (add(9, RRAM, rule, shots=20, kept=kept, reach=1.5) for kept in (5, 0))
    for one in (mixed, alone):
        assert one.new_before == 0.0
        assert one.old_before > 0.95
        assert one.new_after > 0.9
    assert mixed.old_after > 0.9
    assert alone.old_after < mixed.old_after - 0.1
    assert alone.pulses_per_cell < 5


def test_more_samples_than_there_are_is_refused() -> None:
    with pytest.raises(DescriptionError, match="samples of the digit"):
        add(3, RRAM, Rule(), shots=20, kept=99, reach=1.5)


def test_the_bill_is_what_was_counted_at_the_stated_costs() -> None:
    rule = Rule(epochs=2)
    _, stack, _ = learned(rule)
    updates = 2 * 57
    bill = energy.chip(stack, rule, updates=updates, samples=16)
    costs = energy.Costs()
    last = stack.last
    assert bill.parts["pulses"] == pytest.approx(last.pulsed * costs.pulse_voltage**2 * costs.pulse_time / updates)
    assert bill.parts["gradient"] == pytest.approx(16 * 650 * 0.3e-12)
    assert bill.parts["conversions"] * updates == pytest.approx(last.conversions * float(adc_energy(8)))
    assert last.conversions == 2 * 898 * 10
    assert sum(bill.parts.values()) == pytest.approx(bill.total)
    by_hand = 16 * 650 * (2 * 0.3 + 2.5) * 1e-12 + 650 * 4 * 2.5e-12
    assert energy.asic(stack, samples=16).total == pytest.approx(by_hand)


def test_write_verify_pays_for_its_reads_and_its_copy() -> None:
    rule = Rule(rule="write-verify", epochs=2)
    _, stack, _ = learned(rule)
    bill = energy.chip(stack, rule, updates=114, samples=16)
    assert bill.parts["weights in memory"] == pytest.approx(650 * 4 * 2.5e-12)
    assert bill.parts["verifying"] > stack.last.verifies / 114 * float(adc_energy(8))
    assert set(energy.ASSUMED) >= {"pulse_voltage", "pulse_time", "read_voltage", "read_time", "asic"}
