"""Where the energy goes: numbers of the study are those of the closed forms, every knob and picture works, nonsense is refused."""

from __future__ import annotations

import pickle

import pytest

from workbench.chips.crossbars import CROSSBARS
from workbench.errors import DescriptionError
from workbench.measures.crossbar_energy import Activity, product
from workbench.studies import STUDIES
from workbench.studies.where_energy_goes import WhereEnergyGoes


def numbers(**knobs: object) -> dict[str, float]:
    return dict(WhereEnergyGoes.from_border(knobs).run().numbers)


def test_it_is_found_by_name_and_every_preset_runs() -> None:
    assert STUDIES["where-energy-goes"] is WhereEnergyGoes
    for name in WhereEnergyGoes.presets:
        found = WhereEnergyGoes.preset(name).run().numbers
        assert found["crossbar_pj"] > 0, name
    assert list(WhereEnergyGoes().knobs())[:11] == list(WhereEnergyGoes.main_knobs)


def test_numbers_are_those_of_the_closed_form() -> None:
    one = product(CROSSBARS["isaac"], 128, 128, given=Activity.full())
    found = numbers(chip="isaac", size=128, full=True)
    assert found["adc_percent"] == pytest.approx(100 * one.adc_share)
    assert found["fj_per_mac"] == pytest.approx(1e15 * one.joules / 128**2)
    assert 96 * found["tile_power_mw"] == pytest.approx(329.8, rel=0.001)
    parts = found["adc_percent"] + found["array_percent"] + found["rows_percent"] + found["digital_percent"]
    assert parts == pytest.approx(100)


def test_neurram_by_the_study() -> None:
    found = numbers(chip="neurram", size=256, millions=1.0)
    assert found["fj_per_operation"] == pytest.approx(153.9, rel=0.001)
    assert found["tops_per_watt"] == pytest.approx(6.44, rel=0.02)
    assert found["tops_of_chip"] == pytest.approx(0.264, rel=0.002)


def test_rows_bits_and_conductance_move_what_they_should() -> None:
    base = numbers()
    assert numbers(rows=1024)["adc_percent"] < base["adc_percent"] / 1.8
    assert numbers(adc=10)["conversion_pj"] == pytest.approx(16 * base["conversion_pj"])
    assert numbers(adc=10)["bound_pj"] == pytest.approx(16 * base["bound_pj"])
    assert numbers(inputs="bit-serial")["conversions"] == 7 * base["conversions"]
    weak, strong = (numbers(conductance_us=g) for g in (1.0, 10.0))
    assert strong["cells_flip_rows"] == pytest.approx(weak["cells_flip_rows"] / 10)
    assert strong["cells_flip_rows"] == pytest.approx(2e-12 / (2 * 0.2**2 / 3 * 10e-6 * 10e-9))
    assert 512 < base["flip_rows"] < 1024
    assert numbers(rows=512)["adc_percent"] > 50 > numbers(rows=1024)["adc_percent"]


def test_a_batch_helps_who_fetches_and_nobody_else() -> None:
    one, many = numbers(), numbers(batch=256)
    assert many["far_pj"] < one["far_pj"] / 100
    assert many["near_pj"] == pytest.approx(one["near_pj"])
    assert many["crossbar_pj"] == pytest.approx(one["crossbar_pj"])
    large = [numbers(millions=3000.0, batch=b)["near_pj"] for b in (1, 64)]
    assert large[1] < large[0] / 20


def test_every_machine_has_its_cliff() -> None:
    found = numbers()
    holds = found["crossbar_holds_millions"]
    assert holds == pytest.approx(1024 * 256 * 128 / 1e6)
    below, above = (numbers(millions=m)["crossbar_pj"] for m in (0.99 * holds, 1.01 * holds))
    assert above > 1000 * below
    assert found["near_holds_millions"] == 192
    below, above = (numbers(millions=m)["near_pj"] for m in (191.0, 193.0))
    assert above > 50 * below
    assert numbers(bits="2")["near_holds_millions"] == 768
    assert numbers(bits="4")["near_pj"] == pytest.approx(found["near_pj"] / 2)


@pytest.mark.parametrize("name", CROSSBARS)
def test_pictures_speak_for_every_chip(name: str) -> None:
    result = pickle.loads(pickle.dumps(WhereEnergyGoes.from_border({"chip": name, "size": 128}).run()))
    assert set(WhereEnergyGoes.views) <= set(result.figures())
    for key, picture in result.figures().items():
        assert picture.title and picture.alt.endswith(".") and picture.panels, key
        assert "nan" not in picture.alt, key


def test_pictures_can_be_drawn() -> None:
    for key, picture in WhereEnergyGoes().run().figures().items():
        assert picture.png()[:4] == b"\x89PNG", key


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"chip": "isac"}, "did you mean 'isaac'"),
        ({"opponent": "northpol"}, "did you mean 'northpole'"),
        ({"bits": "3"}, "bits"),
        ({"size": 0}, "size"),
        ({"millions": 0.0}, "millions"),
    ],
)
def test_nonsense_is_refused(knobs: dict[str, object], said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        numbers(**knobs)
