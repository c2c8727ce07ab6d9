"""Conducting sheets: against a dense slow twin, closed forms, and what every such field must obey."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import erfc

from tests.physics import sheets_twin
from workbench.errors import DescriptionError
from workbench.physics.conduction import plate_coefficient
from workbench.physics.sheets import EDGES, Sheets, faces

RNG = np.random.default_rng(5)
CELLS, SIZE = (5, 7), (0.5, 1.1)


def some(vary: str, edges: tuple[str, str]) -> Sheets:
    """Three layers of which what `vary` names differs from cell to cell."""

    def values(low: float, name: str, layer: int) -> object:
        return low * (1 + RNG.random(CELLS)) if name in vary.split(",") or f"{name}{layer}" in vary.split(",") else low

    return Sheets(
        cells=CELLS,
        size=SIZE,
        along=[values(0.3 + k, "along", k) for k in range(3)],
        across=[values(2.0 + k, "across", k) for k in range(2)],
        ground=[0.0, 0.0, values(1.5, "ground", 2)],
        edges=edges,
    )


@pytest.mark.parametrize("edges", list(itertools.product(EDGES, EDGES)))
@pytest.mark.parametrize("vary", ["", "along0", "ground2", "along,across,ground2"])
def test_every_kind_of_sheet_equals_its_dense_twin(vary, edges):
    sheets = some(vary, edges)
    source = RNG.random((3, *CELLS))
    twin = sheets_twin.solve(CELLS, SIZE, sheets.along, sheets.across, sheets.ground, edges, source)
    u = sheets.solve(source)
    assert np.abs(u - twin).max() < 1e-10 * np.abs(twin).max()
    assert (
        np.abs(
            sheets.response(2, 0)(source[1]) - sheets.solve(np.stack([0 * source[0], 0 * source[0], source[1]]))[0]
        ).max()
        < 1e-10
    )


def test_a_cell_that_does_not_conduct_along_is_no_hole_in_the_solver():
    along = np.ones(CELLS)
    along[2, 3] = along[0, 0] = 0.0
    sheets = Sheets(cells=CELLS, size=SIZE, along=[along, 2.0], across=[3.0], ground=[0.0, 1.0])
    source = RNG.random((2, *CELLS))
    twin = sheets_twin.solve(CELLS, SIZE, sheets.along, sheets.across, sheets.ground, sheets.edges, source)
    assert np.abs(sheets.solve(source) - twin).max() < 1e-10
    assert faces(np.array([[0.0], [0.0], [2.0], [6.0]])).reshape(-1).tolist() == [0.0, 0.0, 3.0]


def test_sheets_on_a_reservoir_take_its_value_and_no_source_means_no_field():
    sheets = some("along", ("closed", "closed"))
    assert np.abs(sheets.solve(0.0, reservoir=7.0) - 7.0).max() < 1e-9
    assert not sheets.solve(0.0).any()


@pytest.mark.parametrize("vary", ["", "along1", "along,across"])
def test_heat_in_is_heat_out_to_1e_10(vary):
    for edges in (("closed", "closed"), ("held", "closed"), ("held first", "held")):
        sheets = some(vary, edges)
        source = RNG.random((3, *CELLS))
        ground, out = sheets.lost(sheets.solve(source))
        put = source.sum() * sheets.area
        assert abs(ground + out - put) < 1e-10 * put
        assert (out > 0) == (edges != ("closed", "closed"))


@pytest.mark.parametrize("vary", ["", "along1", "along,across,ground2"])
def test_what_i_feels_of_j_is_what_j_feels_of_i(vary):
    sheets = some(vary, ("held", "closed"))
    i, j = (0, 1, 2), (2, 4, 5)
    a, b = np.zeros((3, *CELLS)), np.zeros((3, *CELLS))
    a[i] = b[j] = 1.0
    assert sheets.solve(a)[j] == pytest.approx(sheets.solve(b)[i], rel=1e-9)
    # and superposition
    assert np.abs(sheets.solve(2 * a + 3 * b) - 2 * sheets.solve(a) - 3 * sheets.solve(b)).max() < 1e-9


def test_no_place_is_hotter_than_where_heat_goes_in_and_none_colder_than_its_surroundings():
    sheets = some("along", ("closed", "held"))
    source = np.zeros((3, *CELLS))
    source[1, 3, 4] = 1.0
    u = sheets.solve(source)
    assert np.unravel_index(u.argmax(), u.shape) == (1, 3, 4) and u.min() > 0
    # without sources, between held edges and a warm reservoir, all lies between
    v = sheets.solve(0.0, reservoir=1.0)
    assert v.min() > 0 and v.max() < 1


def test_the_cold_edged_plate_converges_in_second_order_to_0_0736713530():
    def centre(n: int) -> float:
        u = Sheets(cells=(n, n), size=(1.0, 1.0), along=[1.0], edges=("held", "held")).solve(1.0)[0]
        return float(u[n // 2, n // 2])  # odd n: a cell lies on the centre

    errors = [abs(centre(n) - plate_coefficient()) for n in (15, 45, 135)]
    assert errors[0] / errors[1] == pytest.approx(9, rel=0.01) and errors[1] / errors[2] == pytest.approx(9, rel=0.01)
    assert errors[2] < 4e-6


def test_finer_grids_approach_a_wide_plate_from_one_side():
    def centre(n: int) -> float:
        return float(Sheets(cells=(2 * n, n), size=(2.0, 1.0), along=[3.0], edges=("held", "held")).solve(5.0).max())

    found = [centre(n) for n in (8, 16, 32, 64)]
    assert found == sorted(found) or found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(plate_coefficient(2.0) * 5 / 3, rel=1e-3)


@pytest.mark.parametrize("contrast", [1.0, 5.0])
def test_a_strip_of_two_conductors_is_exact_at_its_joint(contrast):
    # Flux 1 enters at one end, leaves at the held other: the profile is two straight lines whatever the grid.
    n = 20
    along = np.where(np.arange(n) < n // 2, 1.0, contrast)[None, :] * np.ones((1, n))
    source = np.zeros((1, 1, n))
    source[0, 0, 0] = n
    u = Sheets(cells=(1, n), size=(1.0, 1.0), along=[along], edges=("closed", "held last")).solve(source)[0, 0]
    x = (np.arange(n) + 0.5) / n
    exact = np.where(x < 0.5, (0.5 - x) + 0.5 / contrast, (1 - x) / contrast)
    assert np.abs(u - exact).max() < 1e-10


def test_a_hot_line_spreads_by_the_length_of_a_fin():
    # σ u'' = g u: away from its source u falls as exp(-x/√(σ/g))
    sheets = Sheets(cells=(1, 4000), size=(1.0, 40.0), along=[4.0], ground=[1.0])
    source = np.zeros((1, 1, 4000))
    source[0, 0, 0] = 1.0
    u = sheets.solve(source)[0, 0]
    assert np.diff(np.log(u[200:1200])) / -0.01 == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("vary", ["", "along0"])
def test_a_step_settles_to_the_steady_field_and_one_cell_follows_its_exponential(vary):
    along = 1.0 if not vary else 1.0 + RNG.random((4, 6))
    sheets = Sheets(cells=(4, 6), size=(1, 1), along=[along, 1.0], across=[2.0], ground=[0.0, 1.0], store=[1.0, 3.0])
    source = RNG.random((2, 4, 6))
    steps = sheets.steps(source, dt=0.5)
    last = [next(steps) for _ in range(200)][-1]
    assert np.abs(last - sheets.solve(source)).max() < 1e-8
    one = Sheets(cells=(1, 1), size=(1, 1), along=[1.0], ground=[2.0], store=[5.0])
    errors = []
    for n in (20, 40):
        steps = one.steps(3.0, dt=4.0 / n)
        got = [float(next(steps)[0, 0, 0]) for _ in range(n)][-1]
        errors.append(abs(got - 1.5 * (1 - np.exp(-4.0 * 2 / 5))))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_a_deep_body_answers_a_flux_as_its_closed_form_says():
    # Even flux q into a deep bar: u = 2q√(t/(π k c)) e^(−x²/4αt) − (q x/k) erfc(x/2√(αt))
    n, long = 400, 4.0
    sheets = Sheets(cells=(1, n), size=(1.0, long), along=[0.7], store=[1.3], ground=[0.0])
    source = np.zeros((1, 1, n))
    source[0, 0, 0] = n / long
    steps = sheets.steps(source, dt=1e-3)
    u = [next(steps) for _ in range(300)][-1][0, 0]
    t, alpha, x = 0.3, 0.7 / 1.3, (np.arange(n) + 0.5) * long / n
    exact = 2 * np.sqrt(t / (np.pi * 0.7 * 1.3)) * np.exp(-(x**2) / (4 * alpha * t)) - x / 0.7 * erfc(
        x / (2 * np.sqrt(alpha * t))
    )
    assert np.abs(u - exact)[1:].max() < 1e-3 * exact.max()
    assert u.sum() * sheets.area * 1.3 == pytest.approx(t, rel=1e-9)  # all that went in is stored


def test_an_uneven_step_in_time_equals_one_dense_exponential():
    from scipy.linalg import expm

    cells, size = (3, 4), (1.0, 1.0)
    along, ground = 1.0 + RNG.random(cells), 0.5 + RNG.random(cells)
    sheets = Sheets(
        cells=cells,
        size=size,
        along=[along, 2.0],
        across=[1.0 + RNG.random(cells)],
        ground=[0.0, ground],
        store=[1.0, 2.0],
    )
    a = sheets_twin.matrix(cells, size, sheets.along, sheets.across, sheets.ground, sheets.edges)
    c = np.repeat([1.0, 2.0], 12)
    start = RNG.random((2, *cells))
    exact = (expm(-0.05 * a / c[:, None]) @ start.reshape(-1)).reshape(2, *cells)
    steps = sheets.steps(0.0, dt=0.05 / 64, start=start)
    got = [next(steps) for _ in range(64)][-1]
    assert np.abs(got - exact).max() < 1e-4 * np.abs(exact).max()


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        (dict(along=[1.0]), "leads nowhere"),
        (dict(along=[1.0, 1.0], across=[0.0], ground=[0.0, 1.0]), "leads nowhere"),
        (dict(along=[-1.0], ground=[1.0]), "negative"),
        (dict(along=[np.ones((2, 2))], ground=[1.0]), "shape"),
        (dict(along=[1.0, 1.0], across=[], ground=[1.0]), "entries"),
        (dict(along=[np.nan], ground=[1.0]), "not finite"),
        (dict(along=[1.0], ground=[1.0], edges=("open", "closed")), "edge"),
        (dict(along=[1.0], ground=[1.0], size=(0.0, 1.0)), "height"),
        (dict(along=[1.0], ground=[1.0], cells=(0, 3)), "rows"),
    ],
)
def test_sheets_that_make_no_sense_are_refused(kwargs, says):
    with pytest.raises(DescriptionError, match=says):
        Sheets(**{"cells": (3, 3), "size": (1.0, 1.0), **kwargs}).solve(1.0)


def test_a_field_without_store_has_no_time_and_a_wrong_source_no_field():
    sheets = Sheets(cells=(3, 3), size=(1.0, 1.0), along=[1.0], ground=[1.0])
    with pytest.raises(DescriptionError, match="stores nothing"):
        next(sheets.steps(1.0, dt=1.0))
    with pytest.raises(DescriptionError, match="shape"):
        sheets.solve(np.ones((1, 2, 2)))
