"""Pictures of memory cells show the numbers of the device, end where its validity ends, and say in words what they show."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import words
from workbench.chips.devices import DEVICES, Pulses, fit_csv
from workbench.chips.devices.assumed import assumed
from workbench.errors import DescriptionError
from workbench.figures import devices as figures
from workbench.figures.layers import Level, Lines, Points
from workbench.units import uS


def test_the_error_is_drawn_over_the_window_and_to_the_ends_of_what_was_measured():
    device = DEVICES["rram-wan"]
    picture = figures.programming(device, time=86_400.0)
    (panel,) = picture.panels
    within, beyond = (layer for layer in panel.layers if isinstance(layer, Lines))
    seen = np.isfinite(within.y)
    np.testing.assert_allclose(within.y[seen] * uS, device.spread_sd(within.x[seen] * uS, 86_400.0), rtol=1e-12)
    assert within.x[seen].min() >= 1.0 and beyond.x.min() == 0.0
    assert [level.value for level in panel.layers if isinstance(level, Level)] == [0.0, pytest.approx(40.0)]
    assert "Wan et al. 2022" in picture.source and "rram-wan: " in picture.alt and panel.x.unit == "µS"
    assert len(figures.programming(*DEVICES.values()).panels[0].layers) == 2 * len(DEVICES)
    with pytest.raises(DescriptionError, match="at least one device"):
        _ = figures.programming().panels


def test_a_bundle_is_drawn_with_its_median_and_breaks_between_cells():
    t = np.array([1.0, 10.0, 100.0])
    g = np.array([[4.0, 5.0, 6.0], [3.0, 4.0, 5.0], [0.0, 2.0, 1.0]]) * uS
    picture = figures.drift(t, {"low": g})
    (panel,) = picture.panels
    bundle, median = panel.layers
    assert panel.x.log and panel.y.log and panel.x.unit == "s"
    np.testing.assert_allclose(median.y, [5.0, 4.0, 1.0])
    assert np.count_nonzero(np.isnan(bundle.x)) == 3
    assert np.isnan(bundle.y[2]), "no conductance has no logarithm"
    assert "from 5 to 1 µS" in picture.alt
    with pytest.raises(DescriptionError, match="'low' has shape"):
        _ = figures.drift(t, {"low": g[:2]}).panels


def test_pulses_go_up_and_come_down_with_the_spread_that_many_runs_have():
    device = assumed(g_min=0.0, pulses=Pulses(up=0.05, down=0.08, up_shape=1.0, down_shape=2.0, cycle=0.3))
    (panel,) = figures.pulses(device, count=30).panels
    mean, above, below = (layer for layer in panel.layers if isinstance(layer, Lines))
    assert mean.y.size == 61 and mean.y[0] == 0 and mean.y[30] == pytest.approx(100 * (1 - 0.95**30))
    rng = np.random.default_rng(0)
    g = np.zeros(4000)
    for k in range(60):
        moved = device.potentiate(g) if k < 30 else device.depress(g)
        g = g + (moved - g) * (1 + 0.3 * rng.standard_normal(g.size))
        if k in (9, 59):
            assert (above.y[k + 1] - below.y[k + 1]) / 2 == pytest.approx(g.std() / uS, rel=0.08)
    measured = figures.pulses(device, count=2, measured={"a cell": np.full(5, 1e-6)}, bands=False)
    assert [type(layer) for layer in measured.panels[0].layers] == [Lines, Points, Level]
    with pytest.raises(DescriptionError, match="'a cell' has shape"):
        _ = figures.pulses(device, count=3, measured={"a cell": np.full(5, 1e-6)}).panels


@pytest.mark.parametrize("kind", ["programming", "drift", "pulses"])
def test_a_fit_is_drawn_on_its_data_with_what_is_left(tmp_path, kind):
    rng = np.random.default_rng(1)
    noise = 1 + 0.02 * rng.standard_normal(12)
    rows = {
        "programming": [
            "g_us,sd_us",
            *(f"{g},{(0.2 + 0.02 * g) * e}" for g, e in zip(range(1, 13), noise, strict=True)),
        ],
        "drift": ["time_s,g_us", *(f"{10.0**k},{9 * 10 ** (-0.05 * k) * e}" for k, e in enumerate(noise[:8]))],
        "pulses": [
            "pulse,g_us,direction",
            *(f"{k},{20 * (1 - 0.8**k) * e + 1},up" for k, e in enumerate(noise)),
            *(f"{k},{20 * 0.8**k * e + 1},down" for k, e in enumerate(noise)),
        ],
    }[kind]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    fit = fit_csv(path)
    picture = figures.fit(fit)
    upper, lower = picture.panels
    curves = 2 if kind == "pulses" else 1
    points = [layer for layer in upper.layers if isinstance(layer, Points)]
    lines = [layer for layer in upper.layers if isinstance(layer, Lines)]
    left = [layer for layer in lower.layers if isinstance(layer, Points)]
    assert len(points) == len(lines) == len(left) == curves == len(fit.series)
    for p, c, r in zip(points, lines, left, strict=True):
        np.testing.assert_allclose(p.y - c.y, r.y, atol=1e-12)
    assert 0.9 < fit.r2 < 1 and f"{fit.r2:.4f}" in picture.alt and "mine.csv" in picture.source
    assert upper.y.unit == "µS" and lower.y.unit == "µS"
    assert picture.save(tmp_path / "fit.png").stat().st_size > 5000
    with words.speaking("zh-CN"):
        assert "拟合" in picture.title
