"""The ledger lesson: counts that a student can work out, energies that follow, and TrueNorth's two efficiencies from one chip."""

from __future__ import annotations

import pickle

import pytest

from workbench.chips import CHIPS
from workbench.errors import DescriptionError, UnsupportedError
from workbench.studies.chip_ledger import ChipLedger, repriced


def numbers(**knobs: object) -> dict[str, float]:
    return dict(ChipLedger.from_border(knobs).run().numbers)


@pytest.mark.parametrize(("knocks", "steps"), [(3, 20), (1, 5), (0, 7), (10, 60)])
def test_the_counts_are_those_worked_out_by_hand(knocks: int, steps: int) -> None:
    found = numbers(knocks=knocks, steps=steps)
    fired_a = fired_b = 2 * knocks
    by_hand = {
        "core_steps": 5 * steps,
        "spikes": fired_a + fired_b,
        "outside_operations": 2 * knocks,
        "synaptic_operations": 4 * fired_a,  # one in B, two in C, one in D
        "packets": 4 * fired_a,
        "packets_received": 4 * fired_a,
        "tile_local_packets": fired_a,
        "east_west_hops": 2 * fired_a,
        "north_south_hops": fired_a,
        "active_updates": 14 * knocks,  # knocked 2, A fires 2, eight hear of it, B fires 2
        "inactive_updates": 10 * steps - 14 * knocks,
    }
    for name, count in by_hand.items():
        assert found.get(name, 0) == count, name


def test_davies_table_adds_up_by_hand() -> None:
    found = numbers()
    joules = 42 * 81 + 158 * 52 + 24 * 23.6 + 6 * 23.6 + 6 * 1.7 + 12 * 3.0 + 6 * 4.0
    assert found["energy_nj"] == pytest.approx(joules / 1000)
    assert found["energy_nj"] == pytest.approx(12.3962)
    assert found["idle_nj"] == pytest.approx(200 * 52 / 1000)


def test_repricing_is_a_run_at_those_prices() -> None:
    result = ChipLedger.from_border({"other": "darwin3"}).run()
    again = ChipLedger.from_border({"chip": "darwin3"}).run()
    assert result.numbers["repriced_nj"] == pytest.approx(again.numbers["energy_nj"], rel=1e-12)
    ledger = result.recordings["by hand"].ledger
    other = repriced(ledger, CHIPS["darwin3"].prices)
    assert (other.counts == ledger.counts).all()
    assert other.chip_time == ledger.chip_time


def test_truenorth_has_both_of_its_published_efficiencies() -> None:
    """One chip, one price list: 39 GSOPS/W at 20 Hz and 128 synapses (46 as usually quoted), near 400 at 200 Hz and 256."""
    typical = numbers(fan_out=128)
    busy = numbers(fan_out=256)
    leak, each = 65e-3 / 4096 * 1e-3, (58e9 / 400e9 - 65e-3) / 58e9
    per_step = 256 / 50 * 128
    assert typical["typical_pj_per_operation"] == pytest.approx((leak / per_step + each) * 1e12, rel=1e-6)
    assert typical["typical_pj_per_operation"] == pytest.approx(25.6, rel=0.005)
    assert typical["typical_gsops_per_watt"] == pytest.approx(39.07, rel=0.005)
    assert busy["busy_gsops_per_watt"] == pytest.approx(386.1, rel=0.005)


@pytest.mark.parametrize("chip", ["loihi-davies", "tianqin-class", "odin", "tianjic", "spinnaker", "loihi-sanafe"])
def test_the_second_part_runs_on_other_chips(chip: str) -> None:
    found = numbers(busy=chip, knocks=0, steps=1)
    assert found["busy_gsops_per_watt"] >= found["typical_gsops_per_watt"] * 0.999


@pytest.mark.parametrize(
    ("knobs", "error", "said"),
    [
        ({"knocks": 5, "steps": 24}, DescriptionError, "5 knocks need 25 steps"),
        ({"chip": "ideal"}, DescriptionError, "Unknown chip 'ideal'"),
        ({"busy": "ideal"}, DescriptionError, "'ideal'"),
        ({"other": "loihi"}, DescriptionError, "Unknown .*'loihi'"),
    ],
)
def test_what_makes_no_sense_is_refused(knobs: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        ChipLedger.from_border(knobs).run()


def test_a_chip_without_prices_is_refused_however_it_comes() -> None:
    for knob in ("chip", "other", "busy"):
        with pytest.raises(UnsupportedError, match="'ideal' is not one"):
            ChipLedger(**{knob: CHIPS["ideal"]}).run()


@pytest.mark.parametrize("preset", ChipLedger.presets)
def test_every_preset_runs_and_its_pictures_speak(preset: str) -> None:
    result = pickle.loads(pickle.dumps(ChipLedger.preset(preset).run()))
    for name, picture in result.figures().items():
        assert picture.title and picture.alt.endswith(".") and picture.panels, name
    receipt = result.figures()["receipt"]
    assert "inactive update" in receipt.alt
