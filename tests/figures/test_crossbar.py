"""Pictures of a crossbar hold the numbers they were given, and say them."""

from __future__ import annotations

import io

import numpy as np
import pytest

from workbench.chips.crossbars import CROSSBAR_ASSUMED
from workbench.figures import crossbar
from workbench.figures.layers import Bars, Image, Level, Lines, Points


def layers(picture: object, kind: type, panel: int = 0) -> list:
    return [layer for layer in picture.panels[panel].layers if isinstance(layer, kind)]  # type: ignore[attr-defined]


def test_conductances_lie_as_on_the_array_in_microsiemens() -> None:
    cells = np.arange(12.0).reshape(3, 4) * 1e-6
    picture = crossbar.conductances(cells, pairs=True)
    (image,) = layers(picture, Image)
    assert image.values[2, 1] == pytest.approx(9.0)
    assert image.x_range == (-0.5, 3.5)
    assert image.y_range == (-0.5, 2.5)
    assert "from 0 to 11 µS, 5.5 µS on average" in picture.alt
    assert "subtracts" in picture.alt
    assert "subtracts" not in crossbar.conductances(cells, pairs=False).alt


def test_outputs_stand_beside_what_is_right_with_the_spread_of_one_read() -> None:
    picture = crossbar.outputs([1.0, 2.0], [1.5, 2.0], [0.25, 0.0], reads=9)
    right, got = layers(picture, Points)
    assert right.y.tolist() == [1.0, 2.0]
    assert got.y.tolist() == [1.5, 2.0]
    (whiskers,) = layers(picture, Lines, panel=1)
    np.testing.assert_allclose(whiskers.y[:2], [0.25, 0.75])
    assert np.isnan(whiskers.y[2])
    assert "at output 0: 1.5 in place of 1" in picture.alt


def test_codes_are_counted_once_each_and_their_ends_are_marked() -> None:
    steps = [-7, -7, 0, 0, 0, 7, 7, 7, 7, 3]
    picture = crossbar.codes(steps, (-7, 7), clipped=0.2)
    (line,) = layers(picture, Lines)
    assert line.y[::2].sum() == pytest.approx(100.0)
    assert line.y.max() == pytest.approx(40.0)
    assert [level.value for level in layers(picture, Level)] == [-7.0, 7.0]
    assert "4 of 15 codes occur" in picture.alt
    assert "20.00%" in picture.alt
    assert "put together" in crossbar.codes(steps, None, clipped=0.0).alt


def test_many_codes_share_bins_that_still_hold_all_of_them() -> None:
    steps = np.repeat(np.arange(-2047, 2048), 2)
    (line,) = layers(crossbar.codes(steps, (-2047, 2047), clipped=0.0), Lines)
    assert line.x.size < 600
    assert line.y[::2].sum() == pytest.approx(100.0)


def test_the_bill_of_a_product_is_dearest_first_and_cites_its_prices() -> None:
    prices = CROSSBAR_ASSUMED.prices
    counts = {"row pulse": 10, "conversion": 4, "tile read": 1}
    joules = {event: n * prices[event].joules for event, n in counts.items()}
    picture = crossbar.spent(joules, counts, prices)
    (bars,) = layers(picture, Bars)
    assert list(bars.values) == sorted(bars.values, reverse=True)
    assert bars.values.sum() == pytest.approx(sum(joules.values()) * 1e12)
    assert str(prices["conversion"].citation) in picture.source
    assert crossbar.spent({}, {}, prices).alt == "nothing was read."


def test_weights_meant_and_held_say_how_far_apart_they_are() -> None:
    meant = np.array([-1.0, 0.0, 0.5, 1.0])
    picture = crossbar.realised(meant, meant + np.array([0.0, 0.1, -0.1, 0.0]))
    assert "off by 7.07% of the largest (root mean square), at most 10.00%" in picture.alt
    big = crossbar.realised(np.linspace(-1, 1, 10_001), np.linspace(-1, 1, 10_001))
    assert layers(big, Points)[0].x.size <= 2000


def test_accuracies_show_mean_and_spread_over_dies() -> None:
    picture = crossbar.accuracies({"none": [0.97], "all": [0.9, 0.94]}, levels={"float": 0.975}, title="Right answers")
    (dots,) = layers(picture, Points)
    np.testing.assert_allclose(dots.x, [97.0, 92.0])
    (line,) = layers(picture, Lines)
    sd = np.std([90.0, 94.0], ddof=1)
    np.testing.assert_allclose(line.x[3:5], [92 - sd, 92 + sd])
    assert layers(picture, Level)[0].value == pytest.approx(97.5)
    assert "none: 97.0 %; all: 92.0 ± 2.8 %; float: 97.5 %." in picture.alt


def test_each_picture_draws_to_a_file(tmp_path) -> None:
    made = {
        "cells": crossbar.conductances(np.eye(3) * 1e-6, pairs=False),
        "outputs": crossbar.outputs([1.0], [1.0], [0.1], reads=2),
        "codes": crossbar.codes([1, 2], (-3, 3), clipped=0.0),
        "accuracies": crossbar.accuracies({"none": [0.9, 0.8]}, title="Right answers"),
    }
    for name, picture in made.items():
        path = picture.save(tmp_path / f"{name}.png")
        assert io.BytesIO(path.read_bytes()).getvalue().startswith(b"\x89PNG")
