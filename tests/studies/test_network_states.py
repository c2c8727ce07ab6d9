"""The balanced network in its four states: against the mean field and against Brian2 at the small size, against Brunel's numbers in full.

Statistical, with fixed seeds. The mean field assumes independent inputs, so a small network misses it by more than Brunel's does: at
800 + 200 neurons the tolerance is 5 % (7 % when synchronous) and 25 % in the slow state; over seeds 0 to 9 it missed by at most 3.5, 5.8
and 21 %.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from workbench.errors import DescriptionError, PlacementError
from workbench.measures import shared_spikes, siegert
from workbench.studies.network_states import NetworkStates

EVENT = {"chip": "loihi-davies"}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("preset", "within"),
    [("fast oscillation", 0.05), ("asynchronous", 0.05), ("slow oscillation", 0.25), ("synchronous", 0.07)],
)
def test_the_small_network_fires_near_its_mean_field(preset: str, within: float, seed: int) -> None:
    numbers = NetworkStates.preset(preset).changed({**EVENT, "seed": seed}).run().numbers
    assert numbers["rate_hz"] == pytest.approx(numbers["theory_hz"], rel=within)


def test_the_four_states_differ_as_brunel_names_them() -> None:
    """Regular or irregular by the CV, synchronous or not by χ, fast or slow by the spectrum."""
    found = {
        name: NetworkStates.preset(name).changed(EVENT).run().numbers
        for name in ("synchronous", "fast oscillation", "asynchronous", "slow oscillation")
    }
    cv = {name: n["isi_cv"] for name, n in found.items()}
    together = {name: n["synchrony"] for name, n in found.items()}
    assert cv["synchronous"] < 0.1 and all(cv[n] > 0.3 for n in found if n != "synchronous")
    assert (
        together["synchronous"] > 2 * together["asynchronous"]
        and together["fast oscillation"] > together["asynchronous"]
    )
    assert 140 < found["fast oscillation"]["oscillation_hz"] < 200
    assert 15 < found["slow oscillation"]["oscillation_hz"] < 45
    assert found["slow oscillation"]["rate_hz"] < found["slow oscillation"]["oscillation_hz"], (
        "each neuron skips most cycles"
    )


def test_brian2_and_the_event_chip_agree_spike_for_spike() -> None:
    ideal, chip = (
        NetworkStates.from_border({"chip": chip, "duration_ms": 300.0}).run() for chip in ("ideal", "loihi-davies")
    )
    for population in ("E", "I"):
        assert shared_spikes(ideal.recordings["network"], chip.recordings["network"], population=population) == 1.0
    assert ideal.numbers["energy_uj"] == 0.0 < chip.numbers["energy_uj"]


def test_the_full_network_does_not_fit_the_published_chip() -> None:
    with pytest.raises(PlacementError, match=r"axons.* used 1\d{4}, limit 4096"):
        NetworkStates.preset("Brunel C").changed(EVENT).run()


@pytest.mark.parametrize(
    ("preset", "rate", "within", "oscillation"),
    [("Brunel B", 55.84, 0.10, 176.7), ("Brunel C", 37.95, 0.05, None), ("Brunel D", 5.61, 0.20, 21.0)],
)
def test_the_full_network_has_brunel_s_numbers(
    preset: str, rate: float, within: float, oscillation: float | None
) -> None:
    """B and C against the Siegert rate; D against a Brian2 run of this network (its mean field, 6.52 Hz, misses the slow oscillation)."""
    numbers = NetworkStates.preset(preset).changed({"chip": "loihi-roomy"}).run().numbers
    assert numbers["rate_hz"] == pytest.approx(rate, rel=within)
    if oscillation:
        assert numbers["oscillation_hz"] == pytest.approx(oscillation, rel=0.15)


def test_full_and_quick_are_the_same_question_at_two_sizes() -> None:
    study = NetworkStates.from_border({"g": 6.0})
    assert study.full().circuit.excitatory == 10_000 and study.full().circuit.g == 6.0
    assert siegert.rate(study.changed({"eta": 4.0}).full().circuit) == pytest.approx(55.84, abs=0.005)
    assert study.full().quick().circuit == study.circuit and study.quick().duration == 0.5


def test_the_knobs_a_lesson_names_are_there() -> None:
    knobs = NetworkStates().knobs()
    assert list(knobs)[:8] == list(NetworkStates.main_knobs)
    assert knobs["duration_ms"].unit == "ms" and set(knobs["chip"].options) >= {"ideal", "loihi-davies"}
    for name in NetworkStates.presets:
        NetworkStates.preset(name)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"gg": 4.5}, "did you mean 'g'"),
        ({"duration": 500.0}, "did you mean 'duration_ms'"),
        ({"g": 99.0}, "allowed: 0"),
        ({"eta": float("nan")}, "allowed"),
        ({"chip": "loihi-davie"}, "did you mean 'loihi-davies'"),
        ({"g": "five"}, "must be a number"),
    ],
)
def test_bad_input_is_explained(values: dict[str, object], said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        NetworkStates.from_border(values)


def test_every_picture_speaks_and_the_result_travels() -> None:
    result = pickle.loads(pickle.dumps(NetworkStates.from_border({**EVENT, "duration_ms": 500.0}).run()))
    for name, picture in result.figures().items():
        assert picture.title and picture.alt.endswith(".") and picture.panels, name
    fixed = result.figures()["fixed point"].panels[0]
    settled = fixed.layers[2]
    assert np.asarray(settled.x)[0] == pytest.approx(result.numbers["theory_hz"])  # type: ignore[union-attr]


def test_a_run_can_be_stopped() -> None:
    from workbench.errors import Cancelled

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        NetworkStates.from_border(EVENT).run(stop)
