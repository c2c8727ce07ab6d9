"""A layer of pairs: pulses do what the device says, reads are as noisy as their cells, and everything is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.learning.pairs_twin import pushed
from workbench import streams
from workbench.chips.devices import DEVICES, Device, Pulses
from workbench.errors import DescriptionError
from workbench.learning.pairs import Pairs

RRAM: Device = DEVICES["rram-wan"]


def layer(device: Device = RRAM, shape: tuple[int, int] = (5, 3), *, seed: int = 0, die: int = 0) -> Pairs:
    return Pairs(shape, device, reach=2.0, name="w", die=die, seed=seed)


def plain(**pulses: float) -> Device:
    return replace(DEVICES["ideal"], pulses=Pulses(**pulses))


@pytest.mark.parametrize(
    "device", [RRAM, plain(up=0.05, down=0.02, up_shape=2.5, down_shape=0.5, cycle=0.4, spread=0.6)]
)
def test_pulses_equal_the_slow_twin_cell_by_cell(device: Device) -> None:
    wanted = np.sign(np.round(3 * streams.normal(1, 0, 40 * 15))).astype(np.int8).reshape(40, 5, 3)
    wanted[np.abs(streams.normal(2, 0, 600)).reshape(40, 5, 3) < 0.5] = 0
    pairs = layer(device, seed=7, die=3)
    start = pairs.cells.tolist()
    done = sum(pairs.push(w) for w in wanted)
    cells, counts = pushed(device, start, wanted.tolist(), name="w", die=3, seed=7)
    np.testing.assert_allclose(pairs.cells, cells, rtol=1e-12)
    assert pairs.pulses.tolist() == counts
    assert done == pairs.pulses.sum() == 2 * np.count_nonzero(wanted)


def test_n_pulses_up_follow_the_closed_form_of_soft_bounds() -> None:
    pairs = layer(plain(up=0.1, down=0.1))
    up = np.ones((5, 3), np.int8)
    for n in range(1, 21):
        pairs.push(up)
        v = 1 - 0.5 * 0.9**n
        np.testing.assert_allclose(pairs.weights, 2.0 * (v - (1 - v)), rtol=1e-12)


def test_turns_up_and_down_settle_where_the_two_steps_are_equal() -> None:
    """Up by a(1−v), down by b·v: the band is one step wide around v = a/(a + b), wherever it starts."""
    up, down = 0.01, 0.03
    pairs = layer(plain(up=up, down=down))
    for _ in range(400):
        pairs.pulse(np.ones((2, 5, 3), np.int8))
        pairs.pulse(-np.ones((2, 5, 3), np.int8))
    v = pairs.cells / RRAM_FREE.window
    assert np.all(np.abs(v - up / (up + down)) < up)
    np.testing.assert_allclose(pairs.weights, 0.0, atol=1e-12)


RRAM_FREE: Device = DEVICES["ideal"]


def test_cells_stay_in_their_window_whatever_is_asked() -> None:
    pairs = layer(plain(up=1.0, down=1.0, up_shape=0.0, down_shape=0.0, cycle=2.0, spread=1.0))
    for k in range(30):
        pairs.push(np.full((5, 3), 1 if k % 3 else -1, np.int8))
    assert pairs.cells.min() >= RRAM_FREE.g_min
    assert pairs.cells.max() <= RRAM_FREE.g_max


def test_noise_from_pulse_to_pulse_has_the_deviation_the_device_states() -> None:
    device = plain(up=0.05, down=0.05, cycle=0.3)
    pairs = layer(device, (200, 200))
    before = pairs.cells.copy()
    pairs.push(np.ones((200, 200), np.int8))
    step = (pairs.cells - before)[0].ravel()
    mean = float(device.potentiate(before[0, 0, 0]) - before[0, 0, 0])
    assert step.mean() == pytest.approx(mean, rel=5 * 0.3 / np.sqrt(step.size))
    assert step.std() == pytest.approx(float(device.pulse_sd(before[0, 0, 0])), rel=5 / np.sqrt(2 * step.size))


def test_cells_of_one_die_keep_their_step_sizes_and_another_die_has_others() -> None:
    device = plain(up=0.05, down=0.05, spread=0.2)
    up = np.ones((5, 3), np.int8)

    def moved(die: int, seed: int) -> np.ndarray:
        pairs = layer(device, die=die, seed=seed)
        pairs.push(up)
        return pairs.cells

    np.testing.assert_array_equal(moved(0, 0), moved(0, 1))
    assert not np.array_equal(moved(0, 0), moved(1, 0))


def test_read_noise_has_the_variance_of_its_cells() -> None:
    pairs = layer(RRAM, (40, 2))
    pairs.program(streams.normal(5, 0, 80).reshape(40, 2) / 2)
    x = np.tile(np.linspace(0, 1, 40), (20000, 1))
    y = pairs.product(x, first=0)
    scale = 2.0 / RRAM.window
    sd = scale * np.sqrt(x[0] ** 2 @ (RRAM.read_sd(pairs.cells) ** 2).sum(axis=0))
    np.testing.assert_allclose(y.mean(axis=0), x[0] @ pairs.weights, atol=5 * sd.max() / np.sqrt(len(x)))
    np.testing.assert_allclose(y.std(axis=0), sd, rtol=5 / np.sqrt(2 * len(x)))


def test_reads_in_pieces_are_the_reads_at_once() -> None:
    pairs = layer()
    x = streams.uniform(9, 0, 50).reshape(10, 5)
    whole = pairs.product(x, first=100)
    pieces = np.vstack([pairs.product(x[:4], first=100), pairs.product(x[4:], first=104)])
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-12)
    assert not np.allclose(pairs.product(x, first=0), whole), "other reads have other noise"


def test_the_transposed_read_is_the_same_matrix() -> None:
    pairs = layer(plain(), (5, 5))
    pairs.program(streams.normal(3, 0, 25).reshape(5, 5) / 3)
    x = streams.normal(4, 0, 5)[None]
    np.testing.assert_allclose(pairs.back(x, first=0), x @ pairs.weights.T, rtol=1e-12)


def test_what_is_read_and_pulsed_is_counted() -> None:
    pairs = layer()
    x = np.full((7, 5), 0.5)
    pairs.product(x, first=0)
    assert pairs.conversions == 21
    assert pairs.driven == pytest.approx(7 * 0.25 * pairs.cells.sum())
    pairs.product(x, first=0, counted=False)
    assert pairs.conversions == 21
    before = pairs.cells.sum()
    wanted = np.zeros((5, 3), np.int8)
    wanted[1] = 1
    wanted[4, 0] = -1
    assert pairs.push(np.ones((5, 3), np.int8)) == 30
    assert pairs.pulsed == pytest.approx(before)
    cycles = pairs.row_cycles
    assert pairs.push(wanted) == 8
    assert pairs.row_cycles - cycles == 4, "two rows, each set once and reset once"
    assert pairs.pulses_per_cell == pytest.approx(38 / 30)


def test_programming_hits_the_weights_as_well_as_the_device_can() -> None:
    wanted = np.clip(streams.normal(3, 0, 6000) / 2, -2, 2).reshape(60, 100)
    exactly = layer(plain(), wanted.shape)
    exactly.program(wanted)
    np.testing.assert_allclose(exactly.weights, wanted, atol=1e-12)
    assert exactly.pulses.sum() == 0
    noisy = layer(RRAM, wanted.shape)
    noisy.program(wanted)
    sd = np.sqrt((RRAM.programming_sd(noisy.targets(wanted)) ** 2).sum(axis=0)) * 2.0 / RRAM.window
    inside = np.abs(wanted) < 1.2  # cells near the ends of their window are clipped there
    z = ((noisy.weights - wanted) / sd)[inside]
    assert z.std() == pytest.approx(1.0, rel=5 / np.sqrt(2 * z.size))


def test_write_verify_brings_every_cell_within_its_tolerance() -> None:
    device = plain(up=0.02, down=0.03, cycle=0.3, spread=0.2)
    pairs = layer(device, (20, 10))
    wanted = np.clip(streams.normal(3, 0, 200) / 2, -1.6, 1.6).reshape(20, 10)
    pulses = pairs.verify(wanted, rounds=400, tolerance=0.02)
    off = np.abs(pairs.cells - pairs.targets(wanted)) / device.window
    assert off.max() <= 0.02
    assert pulses == pairs.pulses.sum() > 400
    assert pairs.verifies > pulses, "the last round reads all and pulses none"
    assert pairs.verify(wanted, rounds=5, tolerance=0.02) == 0


def test_a_layer_of_nothing_is_refused() -> None:
    with pytest.raises(DescriptionError, match="at least one row"):
        Pairs((0, 3), RRAM, reach=1.0, name="w", die=0, seed=0)
    with pytest.raises(DescriptionError, match="reach above 0"):
        Pairs((2, 3), RRAM, reach=0.0, name="w", die=0, seed=0)
