"""Pictures of events against a clock and of a design space: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.chips import CHIPS
from workbench.figures import crossover, draw, pareto
from workbench.figures.layers import Bars, Image, Level, Lines, Points

RHO = np.array([1 / 256, 1 / 64, 1 / 16, 1 / 4, 1.0])


def test_over_activity_draws_rings_a_line_and_where_they_cross() -> None:
    picture = crossover.over_activity(
        RHO, RHO * 1e-6, {"a100": 2.5e-7, "h100": 1e-7}, what="energy", unit="J", theory=RHO * 1e-6, crossing=0.25
    )
    (panel,) = picture.panels
    rings, closed, first, second, level = panel.layers
    assert (
        isinstance(rings, Points)
        and isinstance(closed, Lines)
        and isinstance(first, Lines)
        and isinstance(level, Level)
    )
    assert panel.x.log and panel.y.log and panel.y.unit == "µJ"
    assert rings.y == pytest.approx(RHO)
    assert np.asarray(first.y) == pytest.approx([0.25, 0.25])
    assert isinstance(second, Lines) and second.colour != first.colour
    assert level.value == 0.25 and level.label == "crossover 25 %"
    assert "cross at 25 %" in picture.alt
    never = crossover.over_activity(RHO, RHO, {"a100": 9.0}, what="energy", unit="J")
    assert "do not cross" in never.alt and not any(isinstance(x, Level) for x in never.panels[0].layers)


def test_the_map_is_signed_around_one() -> None:
    ratio = np.outer([0.1, 1.0, 10.0], [0.1, 1.0, 1.0, 1.0, 10.0])
    picture = crossover.winner_map(RHO, [4, 16, 64], ratio, theory=[2.0, 0.25, 1e-5], neurons=64)
    image, line = picture.panels[0].layers
    assert isinstance(image, Image) and isinstance(line, Lines)
    low, high, colours = draw.scale(image)
    assert low == -high and not isinstance(colours, str), "as many colours below 1 as above"
    assert image.values[0, 0] == pytest.approx(-2) and image.values[2, 4] == pytest.approx(2)
    assert np.isnan(line.x[0]) and np.isnan(line.x[2]), "off the map, the closed form is not drawn"
    assert line.x[1] == pytest.approx(3.0)
    assert picture.panels[0].x.ticks == tuple(
        zip(map(float, range(5)), ["1/256", "1/64", "1/16", "1/4", "1"], strict=True)
    )
    assert "33%" in picture.alt


def test_an_image_without_negative_numbers_keeps_its_colours() -> None:
    plain = Image(values=np.array([[0.0, 3.0]]), x_range=(0, 1), y_range=(0, 1))
    assert draw.scale(plain) == (0.0, 3.0, "viridis")
    assert draw.scale(Image(values=np.full((1, 2), np.nan), x_range=(0, 1), y_range=(0, 1)))[2] == "viridis"


def test_rivals_say_always_and_never() -> None:
    picture = crossover.rivals({"a": 3.0, "b": 0.2, "c": -1.0})
    bars = picture.panels[0].layers[0]
    assert isinstance(bars, Bars)
    assert bars.names == ("a", "b", "c") and list(bars.values) == pytest.approx([100, 20, 0])
    assert bars.texts == ("events always win", "20 %", "events never win")


def test_ways_start_at_zero_joules() -> None:
    picture = crossover.ways([0.0, 1.0], {"synapses": np.array([2e-9, 2e-9]), "its way": np.array([1e-9, 1e-10])})
    panel = picture.panels[0]
    assert panel.y.limits is not None and panel.y.limits[0] == 0 and panel.y.unit == "nJ"
    assert "100 pJ with all synapses near" in picture.alt


def test_the_stairs_run_under_every_design() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 2.5, np.nan]), np.array([3.0, 2.0, 1.0, 5.0, np.nan])
    best = np.array([True, True, True, False, False])
    picture = pareto.tradeoff(
        x,
        y,
        np.array([1.0, 2, 3, 4, 5]),
        best,
        labels=("energy", "chip time", "area"),
        units=("µJ", "ms", "mm²"),
        unfit=1,
    )
    stairs = picture.panels[0].layers[0]
    assert isinstance(stairs, Lines)
    assert list(zip(stairs.x, stairs.y, strict=True)) == [(1, 3), (2, 3), (2, 2), (3, 2), (3, 1), (3, 1)]
    dots = [layer for layer in picture.panels[0].layers if isinstance(layer, Points)]
    assert sum(layer.x.size for layer in dots) == 4
    assert "4 designs fit, 1 do not" in picture.alt


def test_every_knob_has_a_panel_and_what_does_not_fit_is_seen() -> None:
    cost = np.array([10.0, 20.0, np.nan, 40.0])
    knobs = {"neurons per core": (np.array([1, 2, 4, 8]), ""), "link width": (np.array([8, 8, 16, 16]), "bit")}
    picture = pareto.knob_panels(knobs, cost, np.array([True, False, False, False]), label="energy", unit="µJ")
    assert len(picture.panels) == 2
    beaten, best, failed = picture.panels[0].layers
    assert isinstance(failed, Points) and list(failed.x) == [2.0] and failed.y[0] < 10
    assert isinstance(best, Points) and list(best.x) == [0.0]
    assert isinstance(beaten, Points) and beaten.x.size == 2
    assert "+1.00" in picture.alt, "the cost rises with the first knob, in rank"


def test_reasons_are_counted() -> None:
    picture = pareto.reasons([("cores", "9 of 16 cores."), ("cores", "x."), ("axons in", "y.")])
    bars = picture.panels[0].layers[0]
    assert isinstance(bars, Bars) and bars.names == ("cores", "axons in") and bars.texts == ("2", "1")
    assert pareto.reasons([]).alt == "Every design fits."


def test_a_receipt_lists_what_happened_and_adds_up() -> None:
    from workbench.figures import ledger as pictures
    from workbench.studies.chip_ledger import ChipLedger

    r = ChipLedger(knocks=1, steps=5)._by_hand()
    picture = pictures.receipt(r)
    bars = picture.panels[0].layers[0]
    assert isinstance(bars, Bars)
    happened = [e for e in r.ledger.events if r.ledger.count(e)]
    assert len(bars.names) == len(happened) < len(r.ledger.events), "what did not happen is not listed"
    assert list(bars.values) == sorted(bars.values, reverse=True)
    assert bars.values.sum() * 1e-9 == pytest.approx(r.ledger.total)
    assert bars.texts[0] == "36 × 52 pJ = 1.87 nJ" and "Together" in picture.alt
    # The longest text stands beside the longest bar; the axis leaves room for it.
    assert picture.panels[0].y.limits is not None and picture.panels[0].y.limits[1] > 1.5 * bars.values[0]


def test_energy_bars_stay_readable_with_thirteen_events() -> None:
    from workbench import figures
    from workbench.studies.chip_ledger import ChipLedger

    r = ChipLedger(knocks=1, steps=5, chip=CHIPS["tianqin-class"])._by_hand()
    picture = figures.energy(r)
    (panel,) = picture.panels
    bars = panel.layers[0]
    assert isinstance(bars, Bars)
    assert len(bars.names) == 11 and min(bars.values) > 0, "dense and shared operations did not happen here"
    assert panel.height * draw.HEIGHT / len(bars.names) > 0.3, "inches for each bar"
    assert all("0 %" not in text.replace("10 %", "").replace("20 %", "").replace("30 %", "") for text in bars.texts)


def test_totals_name_what_charges_nothing() -> None:
    from workbench.figures import ledger as pictures

    picture = pictures.totals({"a": 2e-9, "b": 1e-12, "free": 0.0})
    dots = picture.panels[0].layers[0]
    assert isinstance(dots, Points) and list(dots.x) == [1e-12, 2e-9]
    assert [text for _, text in picture.panels[0].y.ticks or ()] == ["b: 1 pJ", "a: 2 nJ"]
    assert "charge nothing for it: free" in picture.alt
