"""The study of twenty watts: its numbers are the measures', every machine and way can be chosen, every picture is complete."""

from __future__ import annotations

import math
import pickle

import pytest

from workbench.errors import DescriptionError
from workbench.machines import SYSTEMS
from workbench.measures import twenty_watts as tw
from workbench.physics.pue import landauer
from workbench.studies import STUDIES
from workbench.studies.twenty_watts import TwentyWatts


def numbers(**knobs: object) -> dict[str, float]:
    return dict(TwentyWatts.from_border(knobs).run().numbers)


def test_it_is_found_by_name_and_every_preset_runs() -> None:
    assert STUDIES["twenty-watts"] is TwentyWatts
    for name in TwentyWatts.presets:
        found = TwentyWatts.preset(name).run().numbers
        assert found["machine_w"] > 0, name
    assert list(TwentyWatts().knobs())[: len(TwentyWatts.main_knobs)] == list(TwentyWatts.main_knobs)
    assert pickle.loads(pickle.dumps(TwentyWatts())).digest == TwentyWatts().digest


@pytest.mark.parametrize("machine", SYSTEMS)
def test_every_machine_can_be_asked_in_every_way(machine: str) -> None:
    for counted in tw.WAYS:
        found = numbers(machine=machine, counted=counted)
        told = counted in tw.ways_of(SYSTEMS[machine])
        assert math.isfinite(found["machine_w"]) == told, counted
        if told:
            assert found["machine_w"] == pytest.approx(tw.watts(SYSTEMS[machine], tw.Demand(), counted))


def test_as_many_events_as_deepsouth() -> None:
    found = dict(TwentyWatts.preset("as many events as DeepSouth").run().numbers)
    assert found["events_per_second"] == pytest.approx(228e12)
    assert found["budget_fj"] == pytest.approx(found["deepsouth_fj"]) == pytest.approx(87.72, rel=1e-4)
    assert found["landauer_times"] == pytest.approx(3e7, rel=0.02)


def test_knobs_move_what_they_should() -> None:
    base = numbers()
    assert base["times_brain"] == pytest.approx(base["machine_w"] / 20)
    assert numbers(rate_hz=10.0)["machine_w"] == pytest.approx(10 * base["machine_w"])
    assert numbers(rate_hz=10.0)["budget_fj"] == pytest.approx(base["budget_fj"] / 10)
    assert numbers(communication_percent=50.0)["budget_fj"] == pytest.approx(base["budget_fj"] / 2)
    assert numbers(rate_hz=10.0, counted="neurons")["machine_w"] == numbers(counted="neurons")["machine_w"]
    assert numbers(machine="tianqin-hai")["machines_for_neurons"] == base["wafers"] == 430
    fixed = [name for name in tw.ledger() if numbers(rate_hz=7.0, speed=3.0)[name] != base[name]]
    assert not fixed


def test_no_published_machine_comes_down_to_a_brain() -> None:
    """At one spike a second: the lowest of all is peak arithmetic, and it lies an order above."""
    lowest = min(
        tw.watts(one, tw.Demand(), way) for one in SYSTEMS.values() if one.name != "brain" for way in tw.ways_of(one)
    )
    assert lowest == pytest.approx(385.28, rel=1e-4)


def test_every_picture_has_a_title_units_words_and_a_source() -> None:
    study = TwentyWatts.preset("SpiNNaker, at the plug")
    pictures = study.run().figures()
    assert set(TwentyWatts.views) <= set(pictures)
    for name in pictures:
        sketch = pictures[name].sketch
        assert sketch.title, name
        assert sketch.source, name
        assert len(sketch.alt) > 50, name
        for panel in sketch.panels:
            assert panel.x.label, name
    units = {name: pictures[name].sketch.panels[0].x.unit for name in ("watts", "ladder", "footnote", "rate")}
    assert units == {"watts": "W", "ladder": "J", "footnote": "W", "rate": "Hz"}


def test_the_watts_picture_holds_every_machine_and_rings_the_chosen_one() -> None:
    picture = TwentyWatts.preset("SpiNNaker, at the plug").run().figures()["watts"].sketch
    layers = picture.panels[0].layers
    drawn = sum(len(layer.x) for layer in layers if hasattr(layer, "x") and layer.label != "chosen")
    assert drawn == sum(len(tw.ways_of(one)) for one in SYSTEMS.values() if one.name != "brain")
    chosen = next(layer for layer in layers if layer.label == "chosen")
    assert chosen.x[0] == pytest.approx(tw.watts(SYSTEMS["spinnaker"], tw.Demand(), "plug"))
    levels = [layer.value for layer in layers if hasattr(layer, "value")]
    assert levels[0] == 20
    assert levels[1] == pytest.approx(6.02e14 * landauer(310.0))


def test_the_waterfalls_bars_begin_where_the_last_one_ended() -> None:
    sketch = TwentyWatts().run().figures()["footnote"].sketch
    bars = [layer for layer in sketch.panels[0].layers if getattr(layer, "width", 0) == 1.6]
    spans = [(bar.x[0], bar.x[1]) for bar in bars]
    assert [round(spans[k][1] / spans[k + 1][0], 9) for k in range(1, 4)] == [1, 1, 1]
    assert spans[-1][1] == pytest.approx(53.5e9, rel=1e-3)
    for bar in bars:
        assert {round(float(x), 3) for x in bar.x} == {round(float(x), 3) for x in bar.x[:2]}


def test_nonsense_is_refused() -> None:
    for knobs in ({"machine": "hal-point"}, {"counted": "socket"}, {"rate_hz": -1.0}, {"communication_percent": 100.0}):
        with pytest.raises(DescriptionError):
            TwentyWatts.from_border(knobs)
