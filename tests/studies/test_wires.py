"""The study of wires: its numbers are those of the network, patterns and paint mean what they say, pictures say what they show."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.naive import crossbar_matrix, crossbar_nodes
from workbench.errors import DescriptionError
from workbench.studies import STUDIES
from workbench.studies.wires import INPUTS, PATTERNS, Wires


def test_it_is_known_by_name() -> None:
    assert STUDIES["wires"] is Wires


def test_its_numbers_are_those_of_the_network() -> None:
    study = Wires(rows=20, columns=24, row_wire=30.0, column_wire=10.0, pattern="random", inputs="both signs")
    g, v = study.conductances, study.driven
    made = crossbar_matrix(g, 30.0, 10.0)
    currents, w, b = crossbar_nodes(g, v, 30.0, 10.0)
    numbers = study.run().numbers
    assert numbers["mean_loss_percent"] == pytest.approx(100 * (1 - made.sum() / g.sum()), rel=1e-9)
    worst = 100 * np.max(1 - made.sum(axis=0) / g.sum(axis=0))
    assert numbers["worst_loss_percent"] == pytest.approx(worst, rel=1e-9)
    off = np.abs(currents - v @ g).max() / np.abs(v @ g).max()
    assert numbers["worst_error_percent"] == pytest.approx(100 * off, rel=1e-9)
    assert numbers["highest_column_mv"] == pytest.approx(1e3 * np.abs(b).max(), rel=1e-9)
    assert numbers["power_uw"] == pytest.approx(1e6 * v @ (g * (w - b)).sum(axis=1), rel=1e-9)


def test_the_ladder_of_the_closed_form() -> None:
    result = Wires.preset("the ladder of the closed form").run()
    assert result.numbers["ladder_end"] == pytest.approx(0.92276, abs=5e-6)
    assert result.numbers["continuum_end"] == pytest.approx(0.92332, abs=5e-6)
    # its columns have no resistance, so every row is the ladder, and its far end what the last column loses
    assert result.numbers["worst_loss_percent"] == pytest.approx(100 * (1 - result.numbers["ladder_end"]), rel=1e-9)
    assert result.numbers["weakest_row_percent"] == pytest.approx(100 * result.numbers["ladder_end"], rel=1e-9)


def test_perfect_wires_lose_nothing_and_worse_wires_lose_more() -> None:
    assert Wires(row_wire=0.0, column_wire=0.0).run().numbers["mean_loss_percent"] == pytest.approx(0, abs=1e-12)
    losses = [
        Wires(row_wire=r, column_wire=r).run().numbers["mean_loss_percent"] for r in (0.01, 0.1, 1.0, 10.0, 100.0)
    ]
    assert losses == sorted(losses) and losses[0] < 0.5 and losses[-1] > 90


@pytest.mark.parametrize("pattern", PATTERNS)
def test_paint_turns_a_cell_over(pattern: str) -> None:
    study = Wires(rows=8, columns=12, pattern=pattern)
    bare, painted = study.conductances, study.changed({"painted": "0,0 7,11 3,4"}).conductances
    changed = bare != painted
    assert {(int(i), int(j)) for i, j in np.argwhere(changed)} == {(0, 0), (7, 11), (3, 4)}
    np.testing.assert_allclose((bare + painted)[changed], study.on + study.off)
    assert bare.min() >= study.off and bare.max() <= study.on


def test_patterns_are_what_they_are_called() -> None:
    on = {p: Wires(rows=6, columns=6, pattern=p).conductances == Wires().on for p in PATTERNS}
    assert on["uniform"].all() and not on["painted"].any()
    assert np.array_equal(on["diagonal"], np.eye(6, dtype=bool))
    assert on["checkerboard"].sum() == 18 and on["checkerboard"][0, 0] and not on["checkerboard"][0, 1]
    wide = Wires(rows=4, columns=16, pattern="diagonal").conductances == Wires().on
    assert wide.any(axis=0).all() and wide.any(axis=1).all()


def test_inputs_are_what_they_are_called() -> None:
    volts = {p: Wires(rows=10, inputs=p).driven for p in INPUTS}
    assert (volts["all on"] == 0.2).all()
    assert np.flatnonzero(volts["one row"]).tolist() == [0]
    assert np.flatnonzero(volts["every other row"]).tolist() == [0, 2, 4, 6, 8]
    assert (volts["random"] >= 0).all() and volts["both signs"].min() < 0 < volts["both signs"].max()
    assert all(np.abs(v).max() <= 0.2 for v in volts.values())


def test_paint_outside_the_array_is_refused() -> None:
    with pytest.raises(DescriptionError, match="Cell 3,9 lies outside"):
        Wires(rows=4, columns=8, painted="3,9")
    with pytest.raises(DescriptionError, match="is no cell"):
        Wires().changed({"painted": "three"})


@pytest.mark.parametrize("preset", [None, *Wires.presets])
def test_every_picture_says_what_it_shows(preset: str | None) -> None:
    study = Wires() if preset is None else Wires.preset(preset)
    pictures = study.run().figures()
    assert set(Wires.views) <= set(pictures)
    for name in pictures:
        sketch = pictures[name].sketch
        assert sketch.title and len(sketch.alt) > 40, name
        for panel in sketch.panels:
            assert panel.x.text and panel.y.text, name
    image = pictures["voltages"].panels[0].layers[0]
    assert image.values.shape == (study.rows, study.columns)
    for view in Wires.paints:  # what a person paints must be the cells
        assert pictures[view].panels[0].layers[0].values.shape == (study.rows, study.columns)


def test_the_picture_of_the_reach_holds_closed_form_and_network_together() -> None:
    ladder, continuum, alone, corner = Wires(row_wire=5.0).run().figures()["reach"].panels[0].layers[:4]
    for size, value in zip(alone.x, alone.y, strict=True):
        assert value == pytest.approx(float(np.interp(size, ladder.x, ladder.y)), abs=0.01)
    # columns take their share too, until there is so little current left that they lift the voltage of its way back
    assert (corner.y[:6] < alone.y[:6]).all() and (ladder.y <= continuum.y).all()


def test_an_array_that_conducts_nothing_has_numbers_and_pictures() -> None:
    result = Wires(on=0.0, off=0.0, rows=3, columns=3).run()
    assert not any(math.isnan(v) for v in result.numbers.values())
    assert result.numbers["mean_loss_percent"] == 0 and result.figures()["losses"].alt == "No cell conducts."
