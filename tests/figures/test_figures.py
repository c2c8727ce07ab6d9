"""Pictures are tested on their data: what is drawn, what the text says, and that two savings give the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench import figures, words
from workbench.errors import DescriptionError, StoreError
from workbench.figures import fonts
from workbench.figures.layers import Bars, Image, Level, Lines, Points
from workbench.figures.picture import OwnPicture, Picture
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import CoreUse, Placement
from workbench.recordings.prices import Citation, Price
from workbench.recordings.recording import Recording
from workbench.recordings.spikes import Spikes
from workbench.studies.study import Album

DT = 1e-4


def recording(*, priced: bool = True) -> Recording:
    """80 E neurons at 50 Hz like clocks, 20 silent I neurons, two traces, two cores on a 2 × 2 mesh."""
    import xarray as xr

    steps = np.repeat(np.arange(100, 10_000, 200), 80)
    neurons = np.tile(np.arange(80, dtype=np.int32), 50)
    joules = 1e-9 if priced else 0.0
    prices = {
        "spike": Price(joules, 0.0, Citation("published", "a table")),
        "hop": Price(joules / 2, 0.0, Citation("assumed", "a guess")),
    }
    ledger = Ledger(
        counts=np.array([[[100, 0], [20, 40]]]),
        windows=np.array([0.0, 1.0]),
        places=("core 0", "core 1"),
        events=("spike", "hop"),
        prices=prices,
    )
    cores = tuple(CoreUse(f"core {k}", (k, 1), {"neurons": (50, 64), "synapses": (10, 99)}) for k in range(2))
    trace = xr.DataArray(
        np.linspace(0, 0.02, 20_000).reshape(10_000, 2),
        dims=("time", "neuron"),
        coords={"time": np.arange(10_000) * DT, "neuron": [0, 3]},
        attrs={"units": "V"},
    )
    return Recording(
        spikes={"E": Spikes(steps, neurons, DT), "I": Spikes(np.zeros(0, np.int64), np.zeros(0, np.int32), DT)},
        sizes={"E": 80, "I": 20},
        counts={"E": 4000, "I": 0},
        traces={"E.v": trace},
        ledger=ledger,
        placement=Placement(cores=cores, mesh=(2, 2)),
        dt=DT,
        duration=1.0,
    )


def test_a_raster_shows_a_share_of_each_population() -> None:
    (panel,) = figures.raster(recording(), rows=50).panels
    e, i = panel.layers
    assert isinstance(e, Points) and isinstance(i, Points)
    assert e.x.size == 40 * 50 and set(np.unique(e.y)) == set(range(40)) and i.x.size == 0
    assert e.x.min() == pytest.approx(0.01)
    assert panel.y.ticks == ((19.5, "E"), (44.5, "I")) and panel.y.limits == (-1.0, 50.0)


def test_a_raster_shows_every_neuron_when_asked_and_only_the_stretch() -> None:
    (panel,) = figures.raster(recording(), rows=None, start=0.5, stop=0.6).panels
    dots = panel.layers[0]
    assert isinstance(dots, Points) and dots.x.size == 80 * 5 and dots.x.min() >= 0.5 and dots.x.max() < 0.6


def test_a_rate_ends_in_the_right_mean_and_names_its_theory() -> None:
    picture = figures.rate(recording(), theory={"mean field": 47.0}, source="a book")
    (panel,) = picture.panels
    e, i, level = panel.layers
    assert isinstance(e, Lines) and isinstance(i, Lines) and isinstance(level, Level)
    assert e.y.mean() == pytest.approx(50.0) and i.y.max() == 0.0 and level.value == 47.0
    assert "mean 50 Hz" in picture.alt and "mean field predicts 47 Hz" in picture.alt and picture.source == "a book"


def test_traces_are_thinned_without_losing_a_peak() -> None:
    r = recording()
    r.traces["E.v"].values[5000, 0] = 0.1
    top, low = figures.traces(r, "E.v", neurons=2).panels
    line, ticks = top.layers
    assert isinstance(line, Lines) and isinstance(ticks, Points)
    assert line.x.size <= 2000 and line.y.max() == pytest.approx(100.0) and ticks.x.size == 50
    assert low.layers[0].label == "neuron 3"  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [10, 2000, 2001, 9999, 100_003])
def test_a_thinned_line_keeps_its_order_its_ends_and_its_extremes(size: int) -> None:
    from workbench.figures.states import thin

    y = np.random.default_rng(size).standard_normal(size)
    at, values = thin(np.arange(size), y)
    assert at.size <= 2000 and np.all(np.diff(at) > 0) and np.array_equal(values, y[at])
    assert values.min() == y.min() and values.max() == y.max()


def test_an_unknown_trace_is_guessed() -> None:
    with pytest.raises(DescriptionError, match="did you mean 'E.v'"):
        figures.traces(recording(), "E.w").alt  # noqa: B018


def test_energy_bars_add_up_to_the_ledger_and_cite_their_prices() -> None:
    r = recording()
    picture = figures.energy(r)
    bars = picture.panels[0].layers[0]
    assert isinstance(bars, Bars) and bars.names == ("spike", "hop")
    assert bars.values.sum() * 1e-9 == pytest.approx(r.ledger.total) and bars.texts == ("120 nJ · 86 %", "20 nJ · 14 %")
    assert picture.source == "Prices — published: a table; assumed: a guess" and picture.title == "Energy: 140 nJ"


def test_without_prices_events_are_counted_and_no_joule_is_claimed() -> None:
    picture = figures.energy(recording(priced=False))
    bars = picture.panels[0].layers[0]
    assert isinstance(bars, Bars) and list(bars.values) == [120.0, 40.0] and "no hardware" in picture.title


def test_tiles_place_each_core_s_energy() -> None:
    image = figures.tiles(recording()).panels[0].layers[0]
    assert isinstance(image, Image)
    assert (
        image.values.shape == (2, 2)
        and np.isnan(image.values[0]).all()
        and image.values[1] == pytest.approx([100.0, 40.0])
    )


def test_a_field_covers_its_axes() -> None:
    picture = figures.field(
        [[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]],
        x="g",
        y="drive",
        x_values=[3, 4, 5],
        y_values=[1, 2],
        label="rate",
        unit="Hz",
    )
    image = picture.panels[0].layers[0]
    assert isinstance(image, Image) and image.x_range == (2.5, 5.5) and image.y_range == (0.5, 2.5)
    assert picture.alt == "rate from 1 to 9 Hz, highest at g = 5 and drive = 2."
    with pytest.raises(DescriptionError, match=r"shape \(1, 2\); its axes need \(2, 1\)"):
        figures.field([[1, 2]], x="a", y="b", x_values=[1], y_values=[1, 2], label="c").alt  # noqa: B018


def test_curves_give_one_colour_to_theory_and_measurement() -> None:
    picture = figures.curves(
        {"theory": ([0, 1], [0, 2])},
        points={"theory": ([1], [2.1]), "other": ([0.5], [1.0])},
        x="I",
        y="r",
        y_unit="Hz",
    )
    line, rings, other = picture.panels[0].layers
    assert isinstance(line, Lines) and isinstance(rings, Points) and isinstance(other, Points)
    assert line.colour == rings.colour != other.colour and rings.marker == "ring"
    assert "theory: 0 Hz at I 0, 2 Hz at 1." in picture.alt and "other: 1 Hz at I 0.5." in picture.alt


def test_a_stack_keeps_the_panels_and_their_words() -> None:
    r = recording()
    both = figures.stack({"Spikes": figures.raster(r), "Rate": figures.rate(r)}, title="Both")
    assert [p.x.text for p in both.panels] == ["", "time (s)"], "the same axis is shown once"
    assert [p.title for p in both.panels] == ["Spikes", "Rate"] and "Rate: E: mean 50 Hz" in both.alt


# --- drawing ----------------------------------------------------------------------------------------------------------


def everything() -> dict[str, Picture]:
    r = recording()
    return {
        "raster": figures.raster(r),
        "rate": figures.rate(r),
        "traces": figures.traces(r),
        "energy": figures.energy(r),
        "tiles": figures.tiles(r),
        "spectrum": figures.spectrum(r, "E"),
        "curves": figures.curves(
            {"a": ([1, 2], [1, 2])}, x="x", y="y", levels={"l": 1.5}, marks={"m": 1.2}, log_x=True
        ),
        "field": figures.field(np.eye(3), x="x", y="y", x_values=[0, 1, 2], y_values=[0, 1, 2], label="z"),
    }


@pytest.mark.parametrize("name", list(everything()))
def test_the_element_holds_the_sketched_data(name: str) -> None:
    """HoloViews' elements carry exactly the arrays that a canvas would draw."""
    picture = everything()[name]
    overlays = list(picture.element) if type(picture.element).__name__ == "Layout" else [picture.element]
    for panel, overlay in zip(picture.panels, overlays, strict=True):
        drawn = [layer for layer in panel.layers if not (isinstance(layer, (Points, Lines)) and layer.x.size == 0)]
        for layer, one in zip(drawn, overlay, strict=True):
            if isinstance(layer, (Points, Lines)):
                assert np.array_equal(one.dimension_values(0), layer.x) and np.array_equal(
                    one.dimension_values(1), layer.y, equal_nan=True
                )
            elif isinstance(layer, Bars):
                assert list(one.dimension_values(0)) == list(layer.names) and np.array_equal(
                    one.dimension_values(1), layer.values
                )
            elif isinstance(layer, Image):
                assert np.array_equal(one.dimension_values(2, flat=False), layer.values, equal_nan=True)
            else:
                assert one.data == layer.value


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_picture_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("rate", "field"):
        one, other = (everything()[name].save(tmp_path / f"{k}.{kind}").read_bytes() for k in range(2))
        assert one == other and len(one) > 3000


def test_every_kind_of_picture_can_be_drawn() -> None:
    for name, picture in everything().items():
        assert picture.png().startswith(b"\x89PNG"), name


def test_a_notebook_gets_a_png_a_text_and_an_alternative_text() -> None:
    data, metadata = figures.rate(recording())._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert (
        data["text/plain"].startswith("Population rate\nE: mean 50 Hz") and "mean 50 Hz" in metadata["image/png"]["alt"]
    )


def test_a_lesson_s_picture_needs_no_holoviews() -> None:
    """It would bring Panel, Bokeh and pandas: 85 MB and seconds that a small server does not have."""
    code = (
        "import sys, workbench.figures as f\n"
        "f.curves({'a': ([1, 2], [1, 2])}, x='x', y='y')._repr_mimebundle_()\n"
        "print(sorted(m for m in ('holoviews', 'panel', 'bokeh', 'pandas', 'matplotlib.pyplot') if m in sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_holoviews_element_of_one_s_own_is_a_picture(tmp_path: Path) -> None:
    import holoviews as hv

    hv.renderer("matplotlib")
    album = Album({"mine": lambda: hv.Curve([1, 2, 3], label="Mine")})
    mine = album["mine"]
    data, _ = mine._repr_mimebundle_()
    assert data["text/plain"] == "Mine" and mine.png().startswith(b"\x89PNG")
    one, other = (mine.save(tmp_path / f"{k}.svg").read_bytes() for k in range(2))
    assert one == other
    described = OwnPicture(album["mine"].element, title="Title", alt="A line from 1 to 3.", source="mine")
    assert described.text == "Title\nA line from 1 to 3.\nmine"


def test_every_element_can_be_drawn_by_holoviews() -> None:
    for name, picture in everything().items():
        assert OwnPicture(picture.element).png().startswith(b"\x89PNG"), name


def test_a_picture_is_saved_by_its_ending_only(tmp_path: Path) -> None:
    picture = figures.rate(recording())
    with pytest.raises(DescriptionError, match="picture format 'gif'"):
        picture.save(tmp_path / "rate.gif")
    with pytest.raises(StoreError, match="there is no folder"):
        picture.save(tmp_path / "nowhere" / "rate.png")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_open_or_shown() -> None:
    import matplotlib.pyplot as plt

    figures.rate(recording()).png()
    assert plt.get_fignums() == []


def test_a_picture_follows_the_language_but_never_draws_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = figures.rate(recording())
    english = picture.png()
    with words.speaking("zh-CN"):
        assert picture.title == words.tr("Population rate")
        monkeypatch.setattr(fonts, "chinese", lambda: None)
        assert picture._drawable() == "en" and picture.png() == english
        monkeypatch.setattr(fonts, "chinese", lambda: "Some Font")
        assert picture._drawable() == "zh-CN" and fonts.families("zh-CN") == ["DejaVu Sans", "Some Font"]


@pytest.mark.skipif(fonts.chinese() is None, reason="no Chinese font here")
def test_with_a_chinese_font_no_glyph_is_missing() -> None:
    """A missing glyph is a matplotlib warning, and warnings are errors under test."""
    import warnings

    with words.speaking("zh-CN"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for picture in everything().values():
            picture.png()


def test_importing_figures_loads_no_plotting_library() -> None:
    code = "import sys, workbench.figures as f; f.raster, f.energy, f.curves; print(sorted(m for m in ('holoviews','matplotlib','panel','bokeh') if m in sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
