"""Events against a clock: what the emulator measures crosses where the closed form says, and events lose where they should."""

from __future__ import annotations

import pickle

import pytest

from workbench.chips import CHIPS
from workbench.errors import Cancelled, DescriptionError, PlacementError, UnsupportedError
from workbench.studies.crossover import EventsAgainstClock
from workbench.units import pJ

SMALL = {"neurons": 256, "fan_out": 32, "points": 6, "rows": 1}


def study(**knobs: object) -> EventsAgainstClock:
    return EventsAgainstClock.from_border({**SMALL, **knobs})


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"fan_out": 256},
        {"opponent": "h100"},
        {"chip": "loihi-davies"},
        {"chip": "tianqin-class", "fan_out": 128},
        {"locality": 1.0},
        {"precision": "fp16"},
    ],
)
def test_the_run_crosses_where_the_closed_form_says(knobs: dict[str, object]) -> None:
    numbers = study(**knobs).run().numbers
    assert 0 < numbers["theory_percent"] < 100
    # The explicit form takes every neuron as touched; at the crossover a few are not.
    assert numbers["theory_error_percent"] < 3


def test_on_one_core_the_crossover_is_worked_out_by_hand() -> None:
    numbers = EventsAgainstClock.from_border({"chip": "loihi-davies", "points": 6, "rows": 1}).run().numbers
    dense = 1024**2 * 2 * 400 / 624e12
    assert numbers["dense_nj"] == pytest.approx(dense / 1e-9)
    by_hand = (dense - 1024 * 81 * pJ) / (1024 * (64 * 23.6 + 1.7) * pJ)
    assert numbers["crossover_percent"] == pytest.approx(100 * by_hand, rel=0.005)
    assert numbers["crossover_percent"] == pytest.approx(81.46, rel=0.005)


def test_a_spike_s_way_over_the_mesh_is_worked_out_by_hand() -> None:
    """64 random targets on 64 cores: 40.6 packets, each 2.625 hops east–west and as many north–south on average."""
    numbers = EventsAgainstClock.from_border({"points": 3, "rows": 1}).run().numbers
    cores = 64 * (1 - (1 - 1 / 64) ** 64)
    assert numbers["far_way_pj"] == pytest.approx(cores * 2.625 * (3.0 + 4.0), rel=0.01)
    assert numbers["near_way_pj"] < numbers["far_way_pj"] / 5


def test_events_lose_where_they_should() -> None:
    sparse, busy = (study(activity=a, fan_out=f).run().numbers for a, f in ((0.01, 8), (1.0, 256)))
    assert sparse["event_over_dense"] < 1 < busy["event_over_dense"]
    one, eight = (study(steps=s).run().numbers for s in (1, 8))
    assert eight["event_nj"] == pytest.approx(8 * one["event_nj"])
    assert eight["theory_percent"] < one["theory_percent"] / 7
    # A layer so small that passing its neurons over costs more than multiplying them: events lose even in silence.
    tiny = study(neurons=32, fan_out=4, activity=0.001, chip="loihi-davies").run().numbers
    assert tiny["event_over_dense"] > 1
    assert tiny["theory_percent"] < 0


def test_the_clock_gains_by_its_batch_and_loses_by_fetching() -> None:
    kept, fetched, batch = (
        study(**k).run().numbers for k in ({}, {"weights": "fetched"}, {"weights": "fetched", "batch": 256})
    )
    assert fetched["dense_nj"] > 10 * kept["dense_nj"]
    assert kept["dense_nj"] < batch["dense_nj"] < 1.3 * kept["dense_nj"]
    assert fetched["won_percent"] > kept["won_percent"]
    assert kept["dense_at_power_nj"] > 100 * kept["dense_nj"], "rated power for microseconds is what the plug sees"


def test_more_activity_never_costs_less() -> None:
    found = [study(activity=a, points=3).run().numbers["event_nj"] for a in (0.01, 0.1, 0.5, 1.0)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("knobs", "error", "said"),
    [
        ({"chip": "ideal"}, DescriptionError, "Unknown chip 'ideal'"),
        ({"chip": "truenorth", "neurons": 1024}, PlacementError, "axons in"),
        ({"fan_out": 300}, DescriptionError, "there are 256 neurons"),
        ({"opponent": "northpole", "precision": "fp16"}, UnsupportedError, "int8"),
        ({"opponent": "a10"}, DescriptionError, "did you mean 'a100'"),
        ({"activity": 2.0}, DescriptionError, "allowed"),
    ],
)
def test_what_cannot_be_compared_is_refused(knobs: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        study(**knobs).run()


def test_a_chip_without_events_is_refused_however_it_comes() -> None:
    with pytest.raises(UnsupportedError, match="'ideal' is not one"):
        EventsAgainstClock(chip=CHIPS["ideal"]).run()
    assert "ideal" not in EventsAgainstClock().knobs()["chip"].options


def test_pictures_speak_the_result_travels_and_a_run_can_be_stopped() -> None:
    result = pickle.loads(pickle.dumps(EventsAgainstClock().quick().run()))
    for name, picture in result.figures().items():
        assert picture.title and picture.alt.endswith(".") and picture.panels, name
        assert picture.png()[:4] == b"\x89PNG"
    assert set(EventsAgainstClock.views) <= set(result.figures())

    def stop(fraction: float, text: str) -> None:
        assert 0 <= fraction <= 1
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        study().run(stop)


def test_knobs_and_presets_are_there() -> None:
    assert list(EventsAgainstClock().knobs())[:10] == list(EventsAgainstClock.main_knobs)
    for name in EventsAgainstClock.presets:
        EventsAgainstClock.preset(name)
    assert CHIPS["loihi-small-cores"] == EventsAgainstClock().chip
