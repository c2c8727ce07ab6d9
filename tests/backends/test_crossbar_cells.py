"""Cells of an array: as far off as their device says, the same for a die in any order, ageing by the law, mended by verify."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from workbench.backends.crossbar.cells import Cells, step_sizes, stuck_map, write
from workbench.chips.crossbar import Effects
from workbench.chips.devices import DEVICES, Device, Pulses
from workbench.chips.devices.assumed import assumed
from workbench.errors import DescriptionError
from workbench.units import uS

NONE = Effects(**{f.name: False for f in fields(Effects)})
PLACE = ("W", 0, 0)
SHAPE = (200, 100)  # 20 000 cells: a standard deviation is known to 0.5 %


def _write(device, g, *, shape=SHAPE, effects=NONE, die=1, seed=2, place=PLACE, **more):
    target = np.broadcast_to(np.asarray(g, dtype=float), shape)
    return write(device, target, effects=effects, die=die, seed=seed, place=place, **more)


def _only(**on):
    return replace(NONE, **on)


def _is_sd(values, expected):
    """A sample standard deviation within 4.5 of its own standard errors."""
    assert np.std(values) == pytest.approx(expected, rel=4.5 / np.sqrt(2 * values.size))


@pytest.mark.parametrize("name", ["pcm-joshi", "pcm-nandakumar", "hermes", "rram-wan", "rram-milo", "sonos"])
@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_cells_are_off_by_the_published_polynomial(name, share):
    device = DEVICES[name]
    g = device.g_min + share * device.window
    sd = float(device.programming_sd(g))
    assert g > 3.5 * sd, "far enough from 0 for the clip not to matter here"
    cells = _write(device, g, effects=_only(programming=True))
    _is_sd(cells.written, sd)
    assert abs(cells.written.mean() - g) < 4.5 * sd / np.sqrt(cells.written.size)


def test_no_conductance_is_negative():
    cells = _write(DEVICES["pcm-nandakumar"], 0.0, effects=Effects())
    assert cells.written.min() == 0.0 and np.mean(cells.written == 0) == pytest.approx(0.5, abs=0.02)
    assert cells.at(1e6).min() >= 0


def test_without_effects_an_array_is_what_was_meant():
    for device in DEVICES.values():
        target = np.linspace(device.g_min, device.g_max, 12).reshape(3, 4)
        cells = write(device, target, effects=NONE, die=1, seed=2, place=PLACE, stuck_low=0.4, stuck_high=0.4)
        late = device.times[1]
        assert np.array_equal(cells.written, target) and np.array_equal(cells.at(late, 400.0), target)
        assert cells.read_sd(late) == 0.0 and cells.pulses == 12 and not cells.stuck.any()


@pytest.mark.parametrize(("share", "mean", "sd"), [(0.5, 0.049, 0.008), (0.9, 0.049, 0.008), (0.1, 0.060, 0.023)])
def test_drift_exponents_of_nandakumar(share, mean, sd):
    device = DEVICES["pcm-nandakumar"]
    cells = _write(device, share * device.g_max, effects=_only(drift=True, spread=True))
    nu = -np.log(cells.at(2e5) / cells.written) / np.log(2e5 / 20.0)
    assert nu.mean() == pytest.approx(mean, abs=6e-4) and nu.std() == pytest.approx(sd, abs=6e-4)
    alike = _write(device, share * device.g_max, effects=_only(drift=True)).at(2e5)
    assert np.ptp(alike) < 1e-20, "without spread, cells of one level drift alike"


def test_drift_is_a_power_law_from_the_reference_time_on():
    device = assumed(drift=0.06, drift_spread=0.0, programming=0.0)
    cells = _write(device, 40 * uS, shape=(2, 3), effects=_only(drift=True))
    assert np.array_equal(cells.at(0), cells.written) and np.array_equal(cells.at(1.0), cells.written)
    np.testing.assert_allclose(cells.at(1e6), 40 * uS * 1e6**-0.06, rtol=1e-12)


def test_relaxed_cells_are_as_far_off_as_was_measured_later():
    device = DEVICES["rram-wan"]
    cells = _write(device, 20 * uS, effects=_only(programming=True, drift=True))
    for t in (1.0, 3600.0, 86_400.0, 172_800.0):
        _is_sd(cells.at(t), float(device.spread_sd(20 * uS, t)))
    assert np.corrcoef(cells.at(86_400.0).ravel(), cells.at(172_800.0).ravel())[0, 1] > 0.99, "a cell keeps its way"
    sonos = DEVICES["sonos"]
    cells = _write(sonos, 8 * uS, effects=_only(drift=True))
    np.testing.assert_allclose(cells.at(2.5 * 86_400), 8 * uS + sonos.mean_shift(8 * uS, 2.5 * 86_400), rtol=1e-12)


def test_read_noise_grows_by_its_law_only_while_cells_drift():
    device = DEVICES["pcm-nandakumar"]
    cells = _write(device, 12.5 * uS, shape=(2, 2), effects=_only(read_noise=True, drift=True))
    q = 0.0088 / 0.5**0.65
    for t in (20.0, 1e6):
        noise = q * np.sqrt(np.log((t + 250e-9) / 500e-9))
        np.testing.assert_allclose(cells.read_sd(t), noise * cells.at(t), rtol=1e-12)
    still = _write(device, 12.5 * uS, shape=(2, 2), effects=_only(read_noise=True))
    assert np.array_equal(still.read_sd(1e6), still.read_sd(20.0))
    assert _write(DEVICES["rram-wan"], 5 * uS, effects=_only(read_noise=True)).read_sd(1e4) == pytest.approx(0.4 * uS)


def test_temperature_moves_every_cell_by_arrhenius():
    device = assumed(energy=0.1)
    cells = _write(device, 30 * uS, shape=(2, 2), effects=_only(temperature=True))
    np.testing.assert_allclose(cells.at(0, 350.0), device.at_temperature(30 * uS, 350.0), rtol=1e-12)
    assert np.array_equal(_write(device, 30 * uS, shape=(2, 2)).at(0, 350.0), np.full((2, 2), 30 * uS))


# --- the die ----------------------------------------------------------------------------------------------------------


def test_a_part_of_an_array_has_the_cells_of_the_whole():
    device = DEVICES["pcm-nandakumar"]
    target = np.random.default_rng(0).uniform(0, device.g_max, (20, 30))
    more = dict(effects=Effects(), die=7, seed=3, place=PLACE, stuck_low=0.1, stuck_high=0.1, verify=3)
    whole = write(device, target, **more)
    for rows, columns in ((slice(0, 20), slice(10, 17)), (slice(5, 9), slice(0, 30)), (slice(19, 20), slice(29, 30))):
        first = (rows.start, columns.start)
        part = write(device, target[rows, columns], first=first, width=30, **more)
        assert np.array_equal(part.written, whole.written[rows, columns])
        assert np.array_equal(part.at(1e6, 320.0), whole.at(1e6, 320.0)[rows, columns])
        assert np.array_equal(part.read_sd(1e6), whole.read_sd(1e6)[rows, columns])


def test_a_chip_is_its_die_and_an_act_is_its_seed():
    device = DEVICES["pcm-nandakumar"]
    effects = _only(drift=True, spread=True, stuck=True)
    stuck = dict(stuck_low=0.1, stuck_high=0.1)

    def late(**more):
        return _write(device, 10 * uS, effects=effects, **{**stuck, **more}).at(1e6)

    assert np.array_equal(late(seed=2), late(seed=99)), "drift exponents and stuck cells are the die's"
    assert not np.array_equal(late(die=1), late(die=2))
    assert not np.array_equal(late(place=("W", 0, 0)), late(place=("W", 0, 1)))
    written = [
        _write(device, 10 * uS, effects=_only(programming=True), die=d, seed=s).written.ravel()
        for d, s in ((1, 2), (1, 3), (2, 2))
    ]
    r = np.corrcoef(written)
    assert np.abs(r[np.triu_indices(3, 1)]).max() < 4.5 / np.sqrt(written[0].size)


def test_stuck_cells_are_known_before_writing_whatever_is_written():
    device = DEVICES["rram-wan"]
    known = Cells.stuck_map(5, PLACE, SHAPE, 0.06, 0.03)
    assert np.mean(known < 0) == pytest.approx(0.06, abs=4.5 * np.sqrt(0.06 / known.size))
    assert np.mean(known > 0) == pytest.approx(0.03, abs=4.5 * np.sqrt(0.03 / known.size))
    for g, seed in ((2 * uS, 1), (30 * uS, 2)):
        cells = _write(device, g, effects=Effects(), die=5, seed=seed, stuck_low=0.06, stuck_high=0.03)
        assert np.array_equal(cells.stuck, known != 0)
        for t in (1.0, 86_400.0):
            assert np.all(cells.at(t)[known < 0] == device.g_min) and np.all(cells.at(t)[known > 0] == device.g_max)
    more = stuck_map(5, PLACE, SHAPE, 0.2, 0.1)
    assert np.array_equal(more[known != 0], known[known != 0]), "more stuck cells keep the ones there were"
    assert not np.array_equal(known, stuck_map(6, PLACE, SHAPE, 0.06, 0.03))


def test_cells_of_a_die_differ_in_how_far_they_reach():
    device = replace(DEVICES["ideal"], window_spread=0.1)
    cells = _write(device, device.g_max, effects=_only(spread=True))
    short = cells.written[cells.written < device.g_max]
    assert short.size / cells.written.size == pytest.approx(0.5, abs=0.02)
    assert np.sqrt(np.mean((1 - short / device.g_max) ** 2)) == pytest.approx(0.1, rel=0.05)
    assert np.all(_write(device, 20 * uS, effects=_only(spread=True)).written == 20 * uS)


def test_step_sizes_have_mean_one_and_the_spread_of_the_device():
    device = Device(pulses=Pulses(spread=0.3))
    sizes = step_sizes(device, effects=_only(spread=True), die=3, place=PLACE, shape=SHAPE)
    assert sizes.min() > 0 and sizes.mean() == pytest.approx(1.0, abs=4.5 * 0.3 / np.sqrt(sizes.size))
    assert sizes.std() == pytest.approx(0.3, rel=0.05)
    assert np.all(step_sizes(device, effects=NONE, die=3, place=PLACE, shape=SHAPE) == 1)


# --- write-verify -----------------------------------------------------------------------------------------------------


def test_verify_brings_cells_within_tolerance_and_counts_its_pulses():
    device = DEVICES["pcm-joshi"]
    g, tolerance = 12.5 * uS, 0.02
    effects = _only(programming=True)
    done = _write(device, g, effects=effects, verify=60, tolerance=tolerance)
    assert np.abs(done.written - g).max() <= tolerance * device.window and done.unverified == 0
    # A write passes with probability p, so that the pulses a cell needs are geometric with mean 1/p.
    from scipy.stats import norm

    p = 2 * norm.cdf(tolerance * device.window / float(device.programming_sd(g))) - 1
    cells = done.written.size
    assert done.pulses / cells == pytest.approx(1 / p, abs=4.5 * np.sqrt((1 - p) / p**2 / cells))
    off = [np.std(_write(device, g, effects=effects, verify=k, tolerance=tolerance).written) for k in (0, 1, 3, 10)]
    assert off == sorted(off, reverse=True) and off[0] > 1.8 * off[-1]
    once = _write(device, g, effects=effects)
    assert once.pulses == cells and once.unverified == 0


def test_verify_does_not_touch_what_was_good_and_tries_stuck_cells_in_vain():
    device = DEVICES["pcm-joshi"]
    effects = _only(programming=True, stuck=True)
    first = _write(device, 12.5 * uS, effects=effects)
    second = _write(device, 12.5 * uS, effects=effects, verify=1)
    good = np.abs(first.written - 12.5 * uS) <= 0.02 * device.window
    assert np.array_equal(second.written[good], first.written[good]) and second.pulses == good.size + np.sum(~good)
    stuck = _write(device, 12.5 * uS, effects=effects, verify=50, stuck_low=0.05, stuck_high=0.05)
    assert stuck.unverified == np.count_nonzero(stuck.stuck) > 0
    assert stuck.pulses > stuck.written.size + 50 * stuck.unverified


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: _write(DEVICES["pcm-joshi"], 30 * uS, shape=(2, 2)),
            r"row 0, column 0 is 30 µS.*pcm-joshi is 0.25 … 25",
        ),
        (lambda: _write(DEVICES["pcm-joshi"], [[1 * uS, np.nan]], shape=(1, 2)), "row 0, column 1 is nan"),
        (lambda: write(DEVICES["ideal"], np.zeros(3), effects=NONE, die=0, seed=0, place=PLACE), "1 dimensions"),
        (lambda: stuck_map(0, PLACE, (2, 2), 0.7, 0.7), "together at most 1"),
        (lambda: stuck_map(0, PLACE, (2, 2), -0.1, 0.0), "at least 0"),
        (lambda: stuck_map(0, PLACE, (2, 5), 0.1, 0.0, first=(0, 6), width=10), "do not lie on an array 10 columns"),
        (lambda: _write(DEVICES["rram-wan"], 5 * uS, effects=Effects()).at(1e7), "time of 1e"),
        (lambda: _write(DEVICES["rram-wan"], 5 * uS, effects=Effects()).at(1.0, 350.0), "temperature of 350 K"),
    ],
)
def test_what_makes_no_sense_is_refused(make, says):
    with pytest.raises(DescriptionError, match=says):
        make()
