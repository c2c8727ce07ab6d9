"""Memory cells: published numbers, ranges that refuse, pulses in closed form, and devices fitted to files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.chips.devices import DEVICES, Device, Law, Piece, Pulses, device_from_csv, fit_csv
from workbench.chips.devices import table as tables
from workbench.chips.devices.assumed import assumed
from workbench.errors import DescriptionError
from workbench.fields import from_json, to_json
from workbench.units import uS

LAWS = ("programming", "drift_mean", "drift_sd", "read_state", "flicker", "activation", "relaxation", "shift")


@pytest.mark.parametrize("name", list(DEVICES))
def test_every_number_of_a_preset_is_cited_and_it_survives_a_file(name):
    device = DEVICES[name]
    assert device.name == name
    said = {f for f in LAWS if getattr(device, f)} | {"g_min", "g_max", "reference_time", "pulses"}
    if device.read_constant:
        said.add("read_constant")
    assert said <= set(device.citations)
    assert all(str(citation) for citation in device.citations.values())
    again = from_json(json.loads(json.dumps(to_json(device))))
    assert again == device and hash(again) == hash(device)


@pytest.mark.parametrize("name", list(DEVICES))
def test_the_whole_window_and_the_whole_time_are_usable(name):
    device = DEVICES[name]
    g = np.linspace(device.g_min, device.g_max, 101)
    for t in (0.0, *device.times, np.sqrt(device.reference_time * device.times[1])):
        if t and t < device.reference_time:
            continue
        for values in (device.spread_sd(g, t), device.read_sd(g, t), g + device.mean_shift(g, t) + 1e-7):
            assert values.shape == g.shape and np.all(np.isfinite(values)) and np.all(values >= 0)
    mean, sd = device.drift_exponent(g)
    assert np.all((mean >= 0) & (mean < 0.2) & (sd >= 0) & (sd < 0.05))


def test_the_phase_change_cell_of_nandakumar_gives_the_published_numbers():
    device = DEVICES["pcm-nandakumar"]
    assert device.programming_sd(12.5 * uS) / device.g_max == pytest.approx(0.0381, abs=5e-5)
    mean, sd = device.drift_exponent(np.array([0.5, 0.8, 1.0, 0.1, 0.01]) * device.g_max)
    np.testing.assert_allclose(
        mean, [0.049, 0.049, 0.049, 0.0244 - 0.0155 * np.log(0.1), 0.0244 - 0.0155 * np.log(0.01)]
    )
    np.testing.assert_allclose(sd, [0.008, 0.008, 0.008, -0.0125 * np.log(0.1) - 0.0059, 0.045])
    # 1/f: q = min(0.0088/u^0.65, 0.2), and it grows with √ln t
    t = np.array([20.0, 1e4, 1e7])
    q = 0.0088 / 0.5**0.65
    expected = q * 12.5 * uS * np.sqrt(np.log((t + 250e-9) / 500e-9))
    np.testing.assert_allclose([device.read_sd(12.5 * uS, x) for x in t], expected, rtol=1e-12)
    assert device.read_sd(0.01 * uS, 20.0, written=0.01 * uS) == pytest.approx(
        0.2 * 0.01 * uS * np.sqrt(np.log((20 + 250e-9) / 500e-9))
    )
    assert not device.read_linear and DEVICES["rram-wan"].read_linear


def test_the_cell_of_joshi_is_a_quadratic_in_microsiemens():
    g = np.array([0.25, 5.0, 12.5, 25.0])
    expected = -0.00178767 * g**2 + 0.07585724 * g + 0.28638599
    np.testing.assert_allclose(DEVICES["pcm-joshi"].programming_sd(g * uS), expected * uS, rtol=1e-12)
    assert DEVICES["pcm-joshi"].reference_time == 27.36


def test_the_error_of_wan_stays_what_it_is_in_another_window():
    """The quartic is over g/40 µS. A library that loses the 40 µS makes the cell 1.6 times too noisy at 25 µS."""
    wide = DEVICES["rram-wan"]
    assert wide.programming_sd(20 * uS) / (40 * uS) == pytest.approx(0.0506, abs=5e-5)
    for top in (25 * uS, 21 * uS):
        narrow = replace(wide, g_max=top)
        assert narrow.programming_sd(20 * uS) == wide.programming_sd(20 * uS)
    # and a device all of whose conductances are another has the same error as a share of its window
    for factor in (25 / 40, 12.5 / 40, 3.0):
        other = wide.scaled(factor)
        assert other.programming_sd(0.5 * 40 * uS * factor) / other.g_max == pytest.approx(0.0506, abs=5e-5)
        assert other.spread_sd(10 * uS * factor, 1e5) == pytest.approx(factor * wide.spread_sd(10 * uS, 1e5))


@pytest.mark.parametrize("name", ["pcm-nandakumar", "hermes", "sonos"])
def test_scaling_leaves_every_relative_number(name):
    device, twice = DEVICES[name], DEVICES[name].scaled(2.0)
    g, t = 0.37 * device.g_max, device.times[1] / 3
    assert twice.drift_exponent(2 * g) == device.drift_exponent(g)
    assert twice.read_sd(2 * g, t) == pytest.approx(2 * device.read_sd(g, t), rel=1e-12)
    assert twice.mean_shift(2 * g, t) == pytest.approx(2 * device.mean_shift(g, t), rel=1e-12)


def test_two_fits_of_the_same_figure_of_wan_agree_to_what_the_citation_says():
    g = np.linspace(0, 39.26, 200)
    cubic = 1.536e-4 * g**3 - 1.167e-2 * g**2 + 2.374e-1 * g + 1.053
    off = np.abs(DEVICES["rram-wan"].programming_sd(g * uS) / uS - cubic)
    assert 0.5 < off.max() < 0.8


def test_hermes_changes_its_law_of_drift_where_it_was_fitted_in_two_pieces():
    device = DEVICES["hermes"]
    u = np.array([0.05, 0.0944, 0.0946, 0.5])
    low = np.clip(-0.0387 * np.log(u) - 0.0182, 0.0720, 0.13)
    high = -0.0436 * u**2 - 0.0126 * u + 0.0736
    np.testing.assert_allclose(device.drift_exponent(u * 20.7 * uS)[0], np.where(u < 0.0945, low, high), rtol=1e-12)


def test_relaxation_is_what_was_measured_at_the_times_measured_and_logarithmic_between():
    device = DEVICES["rram-wan"]
    u, day = 0.5, 86_400.0
    quartic = {
        1.0: (0.348, 16.030, -43.853, 45.393, -16.815),
        day: (0.701, 22.086, -50.773, 47.095, -16.458),
        2 * day: (0.782, 20.274, -43.507, 37.062, -11.934),
    }
    sd = {t: float(np.polynomial.polynomial.polyval(u, c)) * uS for t, c in quartic.items()}
    for t, expected in sd.items():
        assert device.spread_sd(20 * uS, t) == pytest.approx(expected, rel=1e-12)
    assert device.spread_sd(20 * uS, np.sqrt(day)) == pytest.approx((sd[1.0] + sd[day]) / 2, rel=1e-12)
    sonos = DEVICES["sonos"]
    between = (sonos.mean_shift(8 * uS, day) + sonos.mean_shift(8 * uS, 2 * day)) / 2
    assert sonos.mean_shift(8 * uS, 1.5 * day) == pytest.approx(between, rel=1e-12)
    assert sonos.mean_shift(8 * uS, 0) == 0


def test_temperature_is_arrhenius_around_300_kelvin():
    device = assumed(energy=0.2)
    expected = 50 * uS * np.exp(0.2 / 8.617333262e-5 * (1 / 300 - 1 / 330))
    assert device.at_temperature(50 * uS, 330.0) == pytest.approx(expected, rel=1e-12)
    assert device.at_temperature(50 * uS, 300.0) == 50 * uS
    assert DEVICES["ideal"].at_temperature(50 * uS, 400.0) == 50 * uS


# --- pulses -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0.001, 0.5), st.floats(0.001, 0.5), st.floats(0.0, 1.0), st.integers(0, 300), st.sampled_from([0.0, 1.0])
)
def test_many_pulses_are_the_closed_form(up, down, start, n, shape):
    device = Device(g_min=2 * uS, g_max=30 * uS, pulses=Pulses(up=up, down=down, up_shape=shape, down_shape=shape))
    g = device.g_min + start * device.window
    if shape == 1.0:  # v_n = 1 − (1 − v)(1 − α)^n
        rising = device.g_max - (device.g_max - g) * (1 - up) ** n
        falling = device.g_min + (g - device.g_min) * (1 - down) ** n
    else:
        rising = min(g + n * up * device.window, device.g_max)
        falling = max(g - n * down * device.window, device.g_min)
    assert device.potentiate(g, n) == pytest.approx(rising, abs=1e-12 * device.g_max)
    assert device.depress(g, n) == pytest.approx(falling, abs=1e-12 * device.g_max)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.001, 0.9), st.floats(0.0, 4.0), st.floats(0.0, 1.0), st.integers(1, 40))
def test_many_pulses_are_one_after_the_other_inside_the_window(step, shape, start, n):
    device = Device(g_min=1 * uS, g_max=9 * uS, pulses=Pulses(up=step, down=step, up_shape=shape, down_shape=shape))
    up = down = device.g_min + start * device.window
    for _ in range(n):
        up += step * device.window * max(1 - (up - device.g_min) / device.window, 0) ** shape
        up = min(up, device.g_max)
        down -= step * device.window * max((down - device.g_min) / device.window, 0) ** shape
        down = max(down, device.g_min)
    g = np.array([device.g_min + start * device.window])
    assert device.potentiate(g, n)[0] == pytest.approx(up, abs=1e-9 * device.g_max)
    assert device.depress(g, n)[0] == pytest.approx(down, abs=1e-9 * device.g_max)


def test_a_number_of_pulses_and_a_size_for_each_cell():
    device = Device(g_min=0.0, g_max=10 * uS, pulses=Pulses(up=0.1, up_shape=2.0, cycle=0.3))
    g = np.full(3, 1 * uS)
    each = device.potentiate(g, np.array([0, 1, 2]), size=np.array([1.0, 2.0, 1.0]))
    assert each[0] == pytest.approx(1 * uS) and each[1] - 1 * uS == pytest.approx(2 * 0.1 * 10 * uS * 0.81)
    assert each[2] == pytest.approx(device.potentiate(device.potentiate(1 * uS)))
    assert device.pulse_sd(1 * uS) == pytest.approx(0.3 * 0.81 * uS)
    for wrong in (-1, 1.5, 10**6):
        with pytest.raises(DescriptionError, match="whole numbers"):
            device.potentiate(g, wrong)


def test_bounds_of_pulses_may_lie_outside_the_window_and_pulses_still_stop_at_it():
    narrow = Device(g_min=2 * uS, g_max=8 * uS, bounds=(0.0, 10 * uS), pulses=Pulses(up=0.1))
    assert narrow.potentiate(5 * uS) == pytest.approx(5.5 * uS)
    assert narrow.potentiate(5 * uS, 1000) == 8 * uS
    with pytest.raises(DescriptionError, match="must hold the window"):
        Device(g_min=2 * uS, g_max=8 * uS, bounds=(3 * uS, 10 * uS))


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: DEVICES["pcm-joshi"].programming_sd(40 * uS), r"pcm-joshi.*40 µS.*0 µS … 25 µS.*another device"),
        (lambda: DEVICES["pcm-joshi"].drift_exponent([1 * uS, np.nan]), "nan µS"),
        (lambda: DEVICES["pcm-joshi"].read_sd(-1 * uS), "-1 µS"),
        (lambda: replace(DEVICES["pcm-joshi"], g_max=40 * uS), r"40 µS.*outside"),
        (lambda: replace(DEVICES["pcm-joshi"], g_max=0.25 * uS), "no width"),
        (lambda: DEVICES["rram-wan"].spread_sd(5 * uS, 1e6), r"time of 1e\+06 s.*172800 s"),
        (lambda: DEVICES["pcm-joshi"].at_time(1.0), r"time of 1 s is outside.*27.36 s"),
        (lambda: DEVICES["rram-milo"].at_temperature(60 * uS, 350.0), "temperature of 350 K"),
        (lambda: DEVICES["pcm-joshi"].scaled(0.0), "positive number"),
        (lambda: DEVICES["pcm-jochi"], "did you mean 'pcm-joshi'"),
        (lambda: Device(citations={"g_mx": DEVICES["ideal"].citations["g_max"]}), "did you mean 'g_max'"),
        (lambda: Device(relaxation=((0.5, Law(reference=1e-6)),)), "must rise"),
        (lambda: Law(reference=0.0), "positive conductance"),
        (lambda: Law(reference=1e-6, pieces=(Piece(below=0.5),)), "pieces of a law"),
    ],
)
def test_what_was_not_measured_is_refused(make, says):
    with pytest.raises(DescriptionError, match=says):
        make()


# --- a user's own file ------------------------------------------------------------------------------------------------


def _write(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_programming_errors_gives_them_back(tmp_path):
    joshi = DEVICES["pcm-joshi"]
    g = np.linspace(1, 24, 24)
    rows = "\n".join(
        f"{x!r}, {y!r}" for x, y in zip(g.tolist(), (joshi.programming_sd(g * uS) * 1e9).tolist(), strict=True)
    )
    fit = fit_csv(_write(tmp_path, f"# my cells\ng_uS,sd_nS\n{rows}\n"))
    device = fit.device
    assert device.name == "mine" and fit.r2 == pytest.approx(1.0)
    np.testing.assert_allclose(device.programming_sd(g * uS), joshi.programming_sd(g * uS), rtol=1e-9)
    assert device.valid["conductance"] == pytest.approx((1 * uS, 24 * uS)) == (device.g_min, device.g_max)
    assert str(device.citations["programming"]) == "published: measured: mine.csv, the user's own file"
    assert device.citations["reference_time"].kind == "assumed"
    with pytest.raises(DescriptionError, match="outside what is known"):
        device.programming_sd(25 * uS)


def test_errors_at_several_times_become_relaxation(tmp_path):
    rows = [f"{g},{0.1 + 0.01 * g + 0.05 * k},{t}" for k, t in enumerate((1, 3600)) for g in (1, 2, 5, 10)]
    device = device_from_csv(_write(tmp_path, "g_us;sd_us;time_s\n" + "\n".join(rows).replace(",", ";")), name="two")
    assert device.valid["time"] == (1.0, 3600.0) and device.name == "two"
    assert device.programming_sd(5 * uS) == pytest.approx(0.15 * uS)
    assert device.spread_sd(5 * uS, 3600.0) == pytest.approx(0.20 * uS)
    assert device.spread_sd(5 * uS, 60.0) == pytest.approx(0.175 * uS)


def test_a_file_of_drifting_cells_gives_their_exponents(tmp_path):
    rng = np.random.default_rng(4)
    t = np.geomspace(10, 1e5, 7)
    g0 = np.geomspace(0.5, 20, 300)
    nu = 0.05 - 0.01 * np.log(g0 / 20) + 0.005 * rng.standard_normal(300)
    rows = [
        f"{x!r},{(a * (x / 10) ** -n)!r},{c}"
        for c, (a, n) in enumerate(zip(g0.tolist(), nu.tolist(), strict=True))
        for x in t.tolist()
    ]
    fit = fit_csv(_write(tmp_path, "time_s,g_us,cell\n" + "\n".join(rows)))
    mean, sd = fit.device.drift_exponent(np.array([0.5, 3.0, 19.0]) * uS)
    np.testing.assert_allclose(
        mean, 0.05 - 0.01 * np.log(np.array([0.5, 3.0, 19.0]) / 20), atol=5 * 0.005 / np.sqrt(300)
    )
    assert sd[0] == pytest.approx(0.005, rel=5 / np.sqrt(600))
    assert fit.r2 == pytest.approx(1.0) and fit.device.valid["time"] == (10.0, 1e5)
    one = device_from_csv(_write(tmp_path, "time_h,g_us\n" + "\n".join(f"{x},{5 * x**-0.03}" for x in (1, 2, 5, 10))))
    assert one.drift_exponent(one.g_max)[0] == pytest.approx(0.03) and one.drift_exponent(one.g_max)[1] == 0
    assert one.reference_time == pytest.approx(3600.0)


@pytest.mark.parametrize(("up_shape", "down_shape", "low"), [(1.0, 1.0, 2.0), (1.5, 0.7, 2.0), (0.0, 2.0, 0.0)])
def test_a_file_of_pulses_gives_the_soft_bounds_back(tmp_path, up_shape, down_shape, low):
    steps = Pulses(up=0.01 if up_shape == 0 else 0.05, down=0.08, up_shape=up_shape, down_shape=down_shape)
    truth = Device(g_min=low * uS, g_max=30 * uS, pulses=steps)
    n = np.arange(81)
    up = truth.potentiate(np.full(81, 3 * uS), n) / uS
    down = truth.depress(np.full(81, 29 * uS), n) / uS
    rows = [f"{k},{g!r},{d}" for d, track in (("up", up), ("LTD", down)) for k, g in enumerate(track.tolist())]
    fit = fit_csv(_write(tmp_path, "pulse,g_us,direction\n" + "\n".join(rows)))
    assert fit.r2 > 0.99999
    mine = fit.device
    assert mine.pulses.cycle < 1e-2
    at = np.array([5.0, 10.0, 20.0]) * uS  # what matters is the trajectory: bounds and shapes trade against each other
    for k in (1, 10):
        np.testing.assert_allclose(mine.potentiate(at, k), truth.potentiate(at, k), rtol=2e-3)
        np.testing.assert_allclose(mine.depress(at, k), truth.depress(at, k), rtol=2e-3)


def test_files_are_chained_through_their_base(tmp_path):
    first = device_from_csv(_write(tmp_path, "g_us,sd_us\n1,0.1\n2,0.2\n5,0.5\n10,1\n"), reference_time=20.0)
    both = device_from_csv(_write(tmp_path, "time_s,g_us\n10,5\n100,4.8\n1000,4.6\n", "drift.csv"), base=first)
    assert both.programming == first.programming and both.conductances == first.conductances
    assert both.reference_time == 20.0 and both.valid["time"] == (10.0, 1000.0)
    assert both.drift_exponent(2 * uS)[0] == pytest.approx(np.log(5 / 4.6) / np.log(100), rel=0.02)
    assert "drift.csv" in both.citations["drift_mean"].where
    assert "mine.csv" in both.citations["programming"].where
    with pytest.raises(DescriptionError, match="do not overlap"):
        device_from_csv(_write(tmp_path, "g_us,sd_us\n30,1\n31,1\n32,1\n33,1\n"), base=DEVICES["pcm-joshi"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("# nothing\n\n", "is empty"),
        ("g_us,sd_us\n", "a header and no numbers"),
        ("g,sd_us\n1,2\n", "must carry its unit: write g_s, g_ms, g_us, g_ns"),
        ("g_mv,sd_us\n1,2\n", "must carry its unit"),
        ("pulze,g_us,direction\n1,2,up\n", "did you mean 'pulse'"),
        ("g_us,g_ns,sd_us\n1,1,1\n", "'g' is there twice"),
        ("g_us,sd_us\n1,0.1\n2,much\n", "line 3: sd is 'much', which is no number"),
        ("g_us,sd_us\n1,nan\n", "line 2: sd is 'nan'"),
        ("g_us,sd_us\n1,-2\n", "line 2: sd is -2; it must be at least 0"),
        ("time_s,g_us\n0,1\n", "line 2: time is 0; it must be above 0"),
        ("pulse,g_us,direction\n1.5,1,up\n", "pulse is 1.5; it must be a whole number"),
        ("pulse,g_us,direction\n1,1,left\n", "direction is 'left'; write up or down"),
        ("g_us,sd_us\n1,2,3\n", "line 2: 3 values for 2 columns"),
        ("g_us,sd_us\n1,2\n3,4\n3,5\n4,4\n", "3 different conductances at 1 s; a fit needs at least 4"),
        ("g_us,sd_us\n" + "5,1\n" * 9, "window of zero width"),
        ("time_s,g_us\n1,5\n2,5\n", "2 different times for cell 0"),
        ("time_s,g_us\n1,5\n2,5\n3,0\n", "drift of a conductance of 0"),
        ("sd_us,time_s\n1,1\n", "no column 'g'"),
        ("pulse,g_us\n1,1\n", "no column 'direction'"),
        ("g_us,sd_us,pulse\n1,1,1\n", "'pulse' means nothing beside g, sd"),
        ("g_us\n1\n", "write g_us, sd_us"),
        ("pulse,g_us,direction\n" + "".join(f"{k},{k},down\n" for k in range(9)), "the other way"),
        ("pulse,g_us,direction\n0,1,up\n1,2,up\n", "2 different pulses up"),
        ("pulse,g_us,direction\n0,1,up\n99999,2,up\n", "at most 10,000"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line(tmp_path, text, says):
    with pytest.raises(DescriptionError, match=says):
        device_from_csv(_write(tmp_path, text))


def test_a_file_that_is_no_table_is_refused(tmp_path, monkeypatch):
    with pytest.raises(DescriptionError, match="cannot be read"):
        device_from_csv(tmp_path / "none.csv")
    with pytest.raises(DescriptionError, match="cannot be read"):
        device_from_csv(tmp_path)
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00g")
    with pytest.raises(DescriptionError, match="not a text file"):
        device_from_csv(binary)
    long = _write(tmp_path, "g_us,sd_us\n" + "1,2\n" * 50)
    monkeypatch.setattr(tables, "MOST_ROWS", 20)
    with pytest.raises(DescriptionError, match="50 rows; at most 20"):
        device_from_csv(long)
    monkeypatch.setattr(tables, "MOST_BYTES", 20)
    with pytest.raises(DescriptionError, match="Thin it out"):
        device_from_csv(long)
