"""What the marks draw is what the HoloViews element, and the picture's panel, say: data, labels, ranges."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pytest

from tests.widgets.toy_studies import energy, raster, traces
from widgets import marks
from widgets.marks.header import decimate
from workbench.errors import UnsupportedError
from workbench.figures.layers import Bars, Image, Lines, Panel, Points

TIME = hv.Dimension("time", unit="ms")
rng = np.random.default_rng(5)


def read(element: object, **how: str) -> tuple[str, dict]:
    """The header of an element after a journey through its bytes."""
    kind, header = marks.payload(element, **how)
    return kind, marks.unpack(marks.pack(header))


def test_a_scatter_travels_with_its_data_labels_and_units():
    x, y = rng.uniform(0, 1000, 500), rng.integers(0, 80, 500)
    kind, header = read(
        hv.Scatter((x, y), TIME, hv.Dimension("neuron"), label="E"), title="Spikes", alt="Five hundred spikes."
    )
    assert kind == "points"
    (series,) = header["series"]
    np.testing.assert_allclose(series["x"], x, rtol=1e-6)
    np.testing.assert_array_equal(series["y"], y)
    assert series["y"].dtype == np.uint16
    assert (header["x"]["label"], header["y"]["label"]) == ("time (ms)", "neuron")
    assert (header["title"], header["alt"], header["x"]["linked"]) == ("Spikes", "Five hundred spikes.", "time ms")


def test_an_overlay_of_points_keeps_one_series_a_population():
    e, i = rng.uniform(size=(2, 40)), rng.uniform(size=(2, 10))
    kind, header = read(hv.Points(tuple(e), ["x", "y"], label="E") * hv.Points(tuple(i), ["x", "y"], label="I"))
    assert kind == "points"
    assert [s["label"] for s in header["series"]] == ["E", "I"]
    np.testing.assert_allclose(header["series"][1]["y"], i[1], rtol=1e-6)


def test_curves_become_lines_and_an_ndoverlay_names_them():
    t = np.linspace(0, 1, 101)
    curves = hv.NdOverlay(
        {k: hv.Curve((t, np.sin(t * k)), TIME, hv.Dimension("v", label="potential", unit="mV")) for k in (1, 2, 3)},
        kdims="cell",
    )
    kind, header = read(curves)
    assert kind == "lines"
    assert [s["label"] for s in header["series"]] == ["1", "2", "3"]
    np.testing.assert_allclose(header["series"][2]["y"], np.sin(t * 3), rtol=1e-5, atol=1e-7)
    assert header["y"]["label"] == "potential (mV)"


def test_a_long_trace_is_thinned_but_keeps_its_extremes_and_its_ends():
    t = np.arange(100_000) * 1e-4
    v = rng.normal(size=t.size)
    v[77_777] = 40.0
    _, header = read(hv.Curve((t, v)))
    (series,) = header["series"]
    assert len(series["x"]) <= 2000
    assert series["y"].max() == 40.0
    assert series["y"].min() == np.float32(v.min())
    assert (series["x"][0], series["x"][-1]) == (np.float32(t[0]), np.float32(t[-1]))
    assert np.all(np.diff(series["x"]) > 0)


@pytest.mark.parametrize("size", [0, 1, 1999, 2000, 2001, 2003, 12_345])
def test_thinning_only_ever_takes_points_of_the_trace(size):
    x, y = np.arange(size), rng.normal(size=size)
    kept_x, kept_y = decimate(x, y)
    assert len(kept_x) <= 2000
    np.testing.assert_array_equal(kept_y, y[kept_x])


def test_a_hole_in_a_trace_stays_a_hole():
    y = np.ones(5000)
    y[2000:3000] = np.nan
    kept_x, kept_y = decimate(np.arange(5000), y)
    assert np.isnan(kept_y[(kept_x > 2010) & (kept_x < 2990)]).all()


def test_a_marking_line_and_a_scatter_among_curves():
    t = np.linspace(0, 1, 50)
    kind, header = read(
        hv.Curve((t, t), "I", "rate", label="theory")
        * hv.Scatter((t[::5], t[::5]), "I", "rate", label="ours")
        * hv.HLine(0.5)
    )
    assert kind == "lines"
    assert [s["style"] for s in header["series"]] == ["line", "dots", "horizontal"]
    assert header["series"][2]["at"] == 0.5


def test_an_image_travels_row_by_row_from_the_top():
    values = rng.normal(size=(3, 5))
    image = hv.Image((np.arange(5), np.arange(3), values), ["x", "y"], hv.Dimension("heat", unit="K"))
    kind, header = read(image)
    assert kind == "image"
    assert (header["grid"]["width"], header["grid"]["height"]) == (5, 3)
    np.testing.assert_allclose(
        header["grid"]["values"].reshape(3, 5), image.dimension_values(2, flat=False)[::-1], rtol=1e-6
    )
    assert (header["grid"]["left"], header["grid"]["right"]) == pytest.approx((-0.5, 4.5))
    assert header["bar"]["label"] == "heat (K)"
    assert header["bar"]["lo"] == -header["bar"]["hi"], "signed data has its zero in the middle of the colours"


def test_bars_travel_by_category_and_group():
    kind, header = read(
        hv.Bars([("core 0", "E", 1.0), ("core 0", "I", 2.0), ("core 1", "E", 3.0)], ["core", "population"], "energy")
    )
    assert kind == "bars"
    assert header["y"]["categories"] == ["core 0", "core 1"]
    assert [s["label"] for s in header["series"]] == ["E", "I"]
    np.testing.assert_array_equal(header["series"][1]["x"], np.array([2.0, np.nan], np.float32))
    assert header["x"]["lo"] == 0


def test_an_element_no_mark_draws_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="Sankey"):
        marks.payload(hv.Sankey([("a", "b", 1)]))


@pytest.mark.parametrize(
    "picture", [raster(5.0, 100, 40.0, 0), traces(3.0), energy(2.0, 30.0)], ids=["raster", "traces", "energy"]
)
def test_a_picture_gives_its_marks_the_data_of_its_holoviews_element(picture):
    """Panels go to the marks without HoloViews; files and Panel go through it. Both must show the same numbers."""
    elements = [picture.element] if len(picture.panels) == 1 else list(picture.element)
    for panel, element in zip(picture.panels, elements, strict=True):
        kind, mine = read(panel)
        other_kind, theirs = read(element)
        assert kind == other_kind
        if kind == "image":
            np.testing.assert_allclose(mine["grid"]["values"], theirs["grid"]["values"], rtol=1e-6)
            continue
        drawn = [s for s in theirs["series"] if "x" in s]
        for layer, a, b in zip(panel.layers, [s for s in mine["series"] if "x" in s], drawn, strict=False):
            np.testing.assert_allclose(a["x"], b["x"], rtol=1e-5)
            if isinstance(layer, (Points, Lines)):
                np.testing.assert_allclose(a["y"], b["y"], rtol=1e-5, atol=1e-6)


def test_panels_carry_their_layers_numbers():
    x = np.arange(30.0)
    _, header = read(Panel(layers=(Points(x=x, y=x.astype(int), label="E"), Lines(x=x, y=-x, label="mean"))))
    np.testing.assert_array_equal(header["series"][0]["y"], x)
    np.testing.assert_array_equal(header["series"][1]["y"], -x)
    _, header = read(Panel(layers=(Bars(names=("a", "b"), values=np.array([1.0, 2.0]), texts=("one", "two")),)))
    assert (header["y"]["categories"], header["series"][0]["texts"]) == (["a", "b"], ["one", "two"])
    _, header = read(Panel(layers=(Image(values=np.arange(6.0).reshape(2, 3), x_range=(0, 3), y_range=(0, 2)),)))
    np.testing.assert_array_equal(header["grid"]["values"], [3, 4, 5, 0, 1, 2])


def test_a_raster_of_a_hundred_thousand_spikes_is_small_and_quick_to_pack():
    x, y = rng.uniform(0, 1000, 100_000), rng.integers(0, 1000, 100_000)
    block = marks.pack(marks.payload(hv.Points((x, y), ["time", "neuron"]))[1])
    assert len(block) < 100_000 * 6 + 2000


@pytest.mark.parametrize("kind", marks.KINDS)
def test_an_esm_text_stands_alone(kind):
    text = marks.esm(kind)
    assert "export default" in text
    assert "\nimport " not in text
    assert "http" not in text
    assert "fetch(" not in text
