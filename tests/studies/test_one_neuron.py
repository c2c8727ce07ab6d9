"""One neuron against closed forms and published patterns; the numbers are those of the lesson."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import DescriptionError, UnsupportedError
from workbench.measures import counts
from workbench.studies.one_neuron import ADEX, IZHIKEVICH, OneNeuron, merged


@pytest.mark.parametrize("chip", ["ideal", "loihi-davies"])
@pytest.mark.parametrize("dt_ms", [0.1, 0.02])
def test_the_integrate_and_fire_curve_is_the_closed_form_to_one_step(chip: str, dt_ms: float) -> None:
    """Spikes lie on the grid of steps, so an interval is late by at most one step; the exact integration adds nothing."""
    result = OneNeuron.from_border({"chip": chip, "dt_ms": dt_ms, "points": 41}).run()
    assert 0 < result.numbers["interval_error_ms"] <= dt_ms
    assert result.numbers["rheobase_pa"] == pytest.approx(375.0)
    assert result.numbers["middle_theory_hz"] == pytest.approx(63.04, abs=0.005)
    assert result.numbers["top_theory_hz"] == pytest.approx(149.25, abs=0.005)
    assert result.numbers["top_rate_hz"] == pytest.approx(149.25, rel=149.25 * dt_ms / 1000)


def test_below_the_rheobase_nobody_fires() -> None:
    result = OneNeuron.from_border({"dt_ms": 0.1, "points": 41, "highest_pa": 375.0, "chip": "loihi-davies"}).run()
    assert result.recordings["neurons"].counts["neurons"] == 0
    assert np.isnan(result.numbers["interval_error_ms"]) and result.figures()["curve"].alt


def test_the_squid_axon_begins_at_fifty_hertz() -> None:
    """Between 6.2 and 6.3 µA/cm², with a jump: a class-2 onset. Computed: 52.95, 68.34 and 86.46 Hz at 6.3, 10 and 20 µA/cm²."""
    numbers = OneNeuron.from_border({"model": "hodgkin-huxley"}).run().numbers
    assert (numbers["last_silent_ua"], numbers["onset_ua"]) == (pytest.approx(6.2), pytest.approx(6.3))
    assert numbers["onset_rate_hz"] == pytest.approx(52.95, rel=0.01)
    assert numbers["middle_rate_hz"] == pytest.approx(68.34, rel=0.01)
    assert numbers["top_rate_hz"] == pytest.approx(86.46, rel=0.01)


def test_izhikevich_s_four_patterns_have_the_counts_of_the_converged_equations() -> None:
    """Against a plain Euler twin at the same step, and against the counts known at a tenfold step (23, 86, 125, 178) within 10 %."""
    result = OneNeuron.from_border({"model": "izhikevich"}).run()
    ours = [result.numbers[f"{k}_spikes"] for k in ("rs", "ch", "fs", "rz")]
    assert ours == pytest.approx(twin(0.01), abs=1)
    assert ours == pytest.approx([23, 86, 125, 178], rel=0.1)
    assert result.numbers["rs_first_interval_ms"] < 0.6 * result.numbers["rs_last_interval_ms"]


def twin(dt: float) -> list[float]:
    """Izhikevich's equations in his units (mV, ms), both stepped from the same state."""
    a, b, c, d = np.array([[p.a, p.b, 1e3 * p.c, p.d] for p in IZHIKEVICH.values()]).T
    v = np.full(4, -65.0)
    u, fired = b * v, np.zeros(4)
    for _ in range(round(1000 / dt)):
        v, u = v + dt * (0.04 * v * v + 5 * v + 140 - u + 10), u + dt * a * (b * v - u)
        over = v >= 30
        fired += over
        v, u = np.where(over, c, v), np.where(over, u + d, u)
    return list(fired)


def test_adex_patterns_have_the_published_signatures() -> None:
    """Counts computed at 5 µs; the irregular pattern is chaotic, so only its irregularity is held."""
    numbers = OneNeuron.from_border({"model": "adex"}).run().numbers
    assert [numbers[f"{k}_spikes"] for k in ("tonic", "adaptation", "burst", "accelerating")] == [51, 10, 10, 36]
    assert numbers["adaptation_first_interval_ms"] == pytest.approx(11.3, abs=0.1)
    assert numbers["adaptation_sixth_interval_ms"] == pytest.approx(67.7, abs=0.3)
    assert numbers["irregular_cv"] > 0.4


def test_merged_patterns_are_the_patterns_one_after_the_other() -> None:
    one = merged(ADEX)
    assert one.rest.values == tuple(p.rest for p in ADEX.values()) and one.slope == 0.002


def test_the_chip_says_which_models_it_has() -> None:
    with pytest.raises(UnsupportedError):
        OneNeuron.from_border({"model": "hodgkin-huxley", "chip": "loihi-davies"}).run()


def test_an_unknown_model_is_guessed() -> None:
    with pytest.raises(DescriptionError, match="did you mean 'izhikevich'"):
        OneNeuron.from_border({"model": "izhikevic"})


@pytest.mark.parametrize("preset", list(OneNeuron.presets))
def test_every_preset_runs_quickly_and_every_picture_speaks(preset: str) -> None:
    result = OneNeuron.preset(preset).changed({"dt_ms": 0.05, "points": 21}).run()
    assert counts(result.recordings["neurons"], "neurons").sum() > 0
    for name, picture in result.figures().items():
        assert picture.title and picture.alt and picture.panels, name
