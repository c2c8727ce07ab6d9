"""The chips from the literature: every number is cited, the derived ones follow from the published ones, nonsense is refused."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from workbench.chips import CHIPS
from workbench.chips.event import EVENTS, EventChip
from workbench.chips.tianqin import NO_DATA
from workbench.circuits.library.metronomes import Metronomes
from workbench.errors import DescriptionError, PlacementError
from workbench.experiment import Experiment
from workbench.fields import from_json, knobs, quantity, to_json
from workbench.recordings.prices import Citation, Price
from workbench.units import mJ, ms, mW, pJ

EVENT = {name: chip for name, chip in CHIPS.items() if isinstance(chip, EventChip)}
LIMITS = (
    "tiles_x",
    "tiles_y",
    "cores_per_tile",
    "neurons_per_core",
    "synapses_per_core",
    "axons_in",
    "axons_out",
    "core_area",
)


@pytest.mark.parametrize("name", EVENT)
def test_every_price_and_every_limit_says_where_it_comes_from(name: str) -> None:
    chip = EVENT[name]
    assert set(chip.prices) == set(EVENTS)
    cited = [*chip.sources.values(), *(price.citation for price in chip.prices.values())]
    assert all(c.kind in ("published", "computed", "assumed") and len(c.where) > 10 for c in cited)
    missing = [limit for limit in LIMITS if limit not in chip.sources]
    if name != "loihi-sanafe":  # read from SANA-FE's files, which cite themselves
        assert not missing, missing
        different = [k for k in knobs(chip) if k not in ("die", "name")]
        usual = {f.name: f.default for f in dataclasses.fields(EventChip)}
        shape = [k.rpartition("_ns")[0] or k.removesuffix("_mm2") for k in different]
        unsaid = [f for f in shape if getattr(chip, f) != usual[f] and f not in chip.sources and f != "arithmetic"]
        assert not unsaid, f"differ from the defaults without a source: {unsaid}"


@pytest.mark.parametrize("name", EVENT)
def test_a_chip_travels_through_json(name: str) -> None:
    again = from_json(to_json(EVENT[name]))
    assert again == EVENT[name]


def test_truenorth_draws_what_was_published_at_rest_and_at_its_peak() -> None:
    chip = CHIPS["truenorth"]
    at_rest = chip.cores * chip.prices["core step"].joules / (1 * ms)
    assert at_rest == pytest.approx(65 * mW)
    peak = at_rest + 58e9 * chip.prices["synaptic operation"].joules
    assert 58e9 / peak == pytest.approx(400e9)  # published: 58 GSOPS at most, 400 GSOPS/W at most
    # And 26 pJ, the number usually quoted, comes out as all power over all events at 20 Hz and 128 synapses a neuron.
    events = chip.cores * chip.neurons_per_core * 20 * 128
    assert (at_rest / events + chip.prices["synaptic operation"].joules) / pJ == pytest.approx(25.6, abs=0.1)


def test_tianjic_and_darwin3_follow_from_their_totals() -> None:
    tianjic, darwin = CHIPS["tianjic"], CHIPS["darwin3"]
    phase = 5050 / 300e6
    assert tianjic.barrier(156) == pytest.approx(phase) == pytest.approx(16.8e-6, rel=0.01)
    assert tianjic.cores * tianjic.prices["core step"].joules / phase == pytest.approx(0.4)
    assert tianjic.cores * tianjic.neurons_per_core == 39_936
    assert darwin.cores * darwin.neurons_per_core == pytest.approx(2.35e6, rel=0.01)
    assert darwin.cores * darwin.synapses_per_core >= 100e6 * 0.99999
    # 64 chips at once: the 64 TSOPS published for the wafer.
    assert 64 * darwin.cores / darwin.prices["synaptic operation"].seconds == pytest.approx(64e12)


def test_spinnaker_s_price_holds_everything_and_says_so() -> None:
    chip = CHIPS["spinnaker"]
    assert "included" in chip.prices["synaptic operation"].citation.where
    assert all(p.joules == 0 for e, p in chip.prices.items() if "operation" not in e)
    both = chip.prices["synaptic operation"].joules + 1.306 * chip.prices["outside operation"].joules
    assert both == pytest.approx(0.628e-6)  # the run with Poisson input


def test_the_tianqin_class_is_assumed_in_every_number() -> None:
    chip = CHIPS["tianqin-class"]
    cited = [*chip.sources.values(), *(p.citation for p in chip.prices.values())]
    assert {c.kind for c in cited} == {"assumed"}
    assert all(NO_DATA in c.where for c in cited)
    assert "a class, not the chip" in NO_DATA


@pytest.mark.parametrize("name", ["truenorth", "odin", "tianjic"])
def test_a_chip_of_small_cores_runs_what_it_can_hold_and_names_what_it_cannot(name: str) -> None:
    chip = EVENT[name]
    fits = Experiment(Metronomes(neurons=256, fan_out=128, period=4), chip, duration=16 * ms, dt=1 * ms).run()
    assert fits.counts["N"] == 256 * 4
    assert fits.ledger.count("synaptic operation") == 256 * 4 * 128
    with pytest.raises(PlacementError, match=rf"{name}.*(axons in|axons out|cores).*\d"):
        Experiment(Metronomes(neurons=1024, fan_out=128), chip, duration=16 * ms, dt=1 * ms).run()


CITED = Citation("assumed", "a test of what makes no sense")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tiles_x": 0}, "EventChip.tiles_x is 0"),
        ({"cores_per_tile": 0}, "EventChip.cores_per_tile is 0"),
        ({"neurons_per_core": -5}, "EventChip.neurons_per_core is -5"),
        ({"core_area": -1.0}, "EventChip.core_area"),
        ({"barrier_one": 2.0}, "barrier_one"),
        ({"barriers": ((4, 1e-6), (2, 2e-6))}, "ascending"),
        ({"routing": "multcast"}, "multicast"),
        ({"placement": "hilbrt"}, "hilbert"),
        ({"neuron_per_core": 5}, "neurons_per_core"),
        ({"prices": {}}, "no price for 'core step'"),
        ({"sources": {"neurons_pr_core": CITED}}, "did you mean 'neurons_per_core'"),
    ],
)
def test_a_chip_that_makes_no_sense_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        EventChip(**{"name": "mine", "prices": CHIPS["loihi-davies"].prices, **changes})


def test_nonsense_prices_events_and_units_are_refused() -> None:
    with pytest.raises(DescriptionError, match="between 0 and 1"):
        Price(-1 * pJ, 0.0, CITED)
    with pytest.raises(DescriptionError, match="between 0 and 1"):
        Price(1.0, float("nan"), CITED)
    loihi = CHIPS["loihi-davies"]
    with pytest.raises(DescriptionError, match="did you mean 'north-south hop'"):
        replace(loihi, prices={**loihi.prices, "north-sout hop": Price(1 * pJ, 0.0, CITED)})
    with pytest.raises(DescriptionError, match="Unknown unit 'pints'"):
        quantity(1.0, "pints", low=0.0, high=1.0, doc="ale")
    with pytest.raises(DescriptionError, match="SI"):
        EventChip(name="thousandfold", prices=loihi.prices, barrier_one=113.0)
    assert 1 * mJ == 1e-3  # a price of a thousand millijoule would be refused, one is not
    with pytest.raises(DescriptionError, match="did you mean 'truenorth'"):
        CHIPS["true-north"]


def test_the_command_line_lists_chips_with_their_marks_and_one_chip_with_its_sources() -> None:
    from click.testing import CliRunner

    from workbench.cli.lists import chips

    listed = CliRunner().invoke(chips, []).output.splitlines()
    assert len(listed) == 1 + len(CHIPS)
    row = next(line for line in listed if line.startswith("tianqin-class"))
    assert "assumed" in row and "published" not in row and "computed" not in row
    one = CliRunner().invoke(chips, ["truenorth"]).output
    assert "axons_out" in one and "a neuron sends to one axon of one core" in one
    assert "computed: (58 GSOPS / 400 GSOPS/W" in one
