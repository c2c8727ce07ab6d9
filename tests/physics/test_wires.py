"""What reaches the columns of a crossbar through resistive wires, against Kirchhoff's law node by node, closed forms and another solver."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import crossbar_matrix, crossbar_nodes
from workbench import streams
from workbench.errors import DescriptionError
from workbench.physics import dissection, wires

WIRES = [(1.0, 1.0), (0.35, 2.0), (0.01, 0.01), (100.0, 100.0), (3.0, 0.0), (0.0, 2.0), (1e-9, 1e-6), (1e4, 1e4)]


def cells(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Conductances from 1 to 100 µS."""
    return np.random.default_rng(seed).uniform(1e-6, 1e-4, (rows, columns))


# --- the effective matrix -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "column"), WIRES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (8, 8), (9, 17), (64, 64), (100, 20)])
def test_the_matrix_is_that_of_kirchhoffs_law(shape: tuple[int, int], row: float, column: float) -> None:
    g = cells(*shape)
    wanted = crossbar_matrix(g, row, column)
    np.testing.assert_allclose(wires.effective(g, row, column), wanted, rtol=0, atol=2e-11 * wanted.max())


@pytest.mark.parametrize("wire", [0.01, 1.0, 100.0])
def test_a_tile_of_128_is_that_of_kirchhoffs_law(wire: float) -> None:
    g = cells(128, 128)
    v = np.random.default_rng(1).uniform(-0.2, 0.2, (128, 3))
    wanted = crossbar_nodes(g, v, wire, wire)[0]
    np.testing.assert_allclose(v.T @ wires.effective(g, wire, wire), wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    row=st.sampled_from([0.0, 0.02, 1.0, 30.0, 1e3, 1e6]),
    column=st.sampled_from([0.0, 0.02, 1.0, 30.0, 1e3, 1e6]),
    empty=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_any_small_array_with_cells_missing(
    rows: int, columns: int, row: float, column: float, empty: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(-9, -3, (rows, columns)) * (rng.random((rows, columns)) >= empty)
    if not g.any():
        assert not wires.effective(g, row, column).any()
        return
    wanted = crossbar_matrix(g, row, column)
    np.testing.assert_allclose(wires.effective(g, row, column), wanted, rtol=0, atol=1e-9 * wanted.max())


def test_perfect_wires_change_nothing() -> None:
    g = cells(5, 7)
    assert np.array_equal(wires.effective(g, 0.0, 0.0), g)
    assert np.array_equal(wires.effective(np.zeros((3, 4)), 1.0, 1.0), np.zeros((3, 4)))


def test_good_wires_lose_what_their_drops_say() -> None:
    """At a millionth of an ohm what is lost is of the order of 1e-7, and right to a millionth of itself: no cancellation in volts."""
    g = cells(64, 64)
    k = np.arange(1, 65)
    wire = 1e-6
    # to first order each cell's current drops voltage on the segments that it shares with its row, and with its column
    row = np.einsum("ik,jk,ij->ij", g, np.minimum.outer(k, k).astype(float), g)
    column = np.einsum("kj,ik,ij->ij", g, np.minimum.outer(k[::-1], k[::-1]).astype(float), g)
    lost = g.sum(axis=0) - np.ones(64) @ wires.effective(g, wire, wire)
    np.testing.assert_allclose(lost, wire * (row + column).sum(axis=0), rtol=2e-6)


@pytest.mark.parametrize("wire", [0.01, 1.0, 100.0])
def test_solving_and_the_matrix_agree(wire: float) -> None:
    g, v = cells(200, 150), np.random.default_rng(2).normal(size=200)
    wanted = wires.solve(g, v, wire, wire).currents
    np.testing.assert_allclose(v @ wires.effective(g, wire, wire), wanted, rtol=0, atol=1e-11 * np.abs(wanted).max())


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    g = cells(150, 90)
    alone = wires.effective(g, 1.0, 2.0, threads=1)
    monkeypatch.setattr(dissection, "SHARED", 1)
    assert np.array_equal(wires.effective(g, 1.0, 2.0, threads=2), alone)
    assert np.array_equal(wires.effective(cells(3, 90), 1.0, 2.0, threads=2), wires.effective(cells(3, 90), 1.0, 2.0))


@pytest.mark.parametrize("shape", [(1, 5), (16, 1), (16, 16), (1, 40), (40, 1), (33, 20)])
def test_a_matrix_stays_what_it_was_when_the_next_one_is_made(shape: tuple[int, int]) -> None:
    first = wires.effective(cells(*shape), 1.0, 2.0)
    kept = first.copy()
    wires.effective(2 * cells(*shape), 3.0, 1.0)
    assert np.array_equal(first, kept) and first.flags.c_contiguous and first.shape == shape


def test_a_doubtful_matrix_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    g = cells(12, 9)
    wanted = crossbar_matrix(g, 1e6, 1e6)
    true = dissection.transfer
    monkeypatch.setattr(dissection, "transfer", lambda *a, **k: true(*a, **k) * (1 + 1e-6))
    np.testing.assert_allclose(wires.effective(g, 1e6, 1e6), wanted, rtol=0, atol=1e-10 * wanted.max())


# --- what physics demands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "column"), WIRES)
def test_reciprocity(row: float, column: float) -> None:
    """Seen from the columns' ends, the array is the same one turned round."""
    g = cells(20, 33)
    there = wires.effective(g, row, column)
    back = wires.effective(g[::-1, ::-1].T, column, row)
    np.testing.assert_allclose(back[::-1, ::-1].T, there, rtol=0, atol=1e-13 * there.max())


def test_currents_add_up() -> None:
    g = cells(30, 20)
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=30), rng.normal(size=30)
    both = wires.solve(g, 2 * a - 3 * b, 1.0, 0.5)
    one, two = wires.solve(g, a, 1.0, 0.5), wires.solve(g, b, 1.0, 0.5)
    for k in range(3):
        np.testing.assert_allclose(both[k], 2 * one[k] - 3 * two[k], rtol=0, atol=1e-12 * np.abs(both[k]).max())


@pytest.mark.parametrize(("row", "column"), WIRES)
def test_an_array_without_sources_gives_nothing_away(row: float, column: float) -> None:
    """No current is negative, and no line gives more than its cells could; a cell may give more, over other rows and columns."""
    g = cells(24, 40)
    g[3, 5] = 0.0
    made = wires.effective(g, row, column)
    assert made.min() >= 0
    assert (made.sum(axis=0) <= g.sum(axis=0) * (1 + 1e-12)).all()
    assert (made.sum(axis=1) <= g.sum(axis=1) * (1 + 1e-12)).all()
    if min(row, column) > 0.1:
        assert made[3, 5] > 0


@pytest.mark.parametrize(("row", "column"), [w for w in WIRES if min(w) > 1e-3])
def test_energy_goes_in_as_it_comes_out(row: float, column: float) -> None:
    g = cells(40, 30)
    v = np.random.default_rng(4).uniform(-0.2, 0.2, 40)
    currents, w, b = wires.solve(g, v, row, column)
    across = w - b
    cell = g * across
    along_rows = cell[:, ::-1].cumsum(axis=1)[:, ::-1]  # what each segment of a row carries
    along_columns = cell.cumsum(axis=0)
    given = v @ along_rows[:, 0]
    heat = (cell * across).sum() + row * (along_rows**2).sum() + column * (along_columns**2).sum()
    assert heat == pytest.approx(given, rel=1e-10)
    np.testing.assert_allclose(currents, along_columns[-1], rtol=0, atol=1e-11 * np.abs(currents).max())


@pytest.mark.parametrize(("row", "column"), WIRES)
def test_every_node_has_the_voltage_of_kirchhoffs_law(row: float, column: float) -> None:
    g, v = cells(23, 31), np.random.default_rng(5).uniform(-0.2, 0.2, 23)
    found = wires.solve(g, v, row, column)
    wanted = crossbar_nodes(g, v, row, column)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-10 * max(np.abs(theirs).max(), 1e-300))


# --- the ladder ---------------------------------------------------------------------------------------------------------


def recurrence(count: int, conductance: float, wire: float) -> list[float]:
    """A ladder from its far end: the last node at 1, currents and drops added up cell by cell towards the driver."""
    nodes, v, i = [], 1.0, 0.0
    for _ in range(count):
        nodes.append(v)
        i += conductance * v
        v += wire * i
    return [node / v for node in reversed(nodes)]


@settings(max_examples=200, deadline=None)
@given(count=st.integers(1, 2000), conductance=st.floats(1e-9, 1e-2), wire=st.floats(0, 1e3))
def test_the_ladder_is_its_recurrence(count: int, conductance: float, wire: float) -> None:
    if count * math.sqrt(wire * conductance) > 300:
        count = max(1, int(300 / math.sqrt(wire * conductance)))
    np.testing.assert_allclose(wires.ladder(count, conductance, wire), recurrence(count, conductance, wire), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 150), conductance=st.floats(1e-9, 1e-3), wire=st.sampled_from([0.0, 1e-3, 0.1, 1.0, 10.0, 1e3])
)
def test_a_row_of_a_crossbar_is_the_ladder(count: int, conductance: float, wire: float) -> None:
    g = np.full((1, count), conductance)
    ladder = wires.ladder(count, conductance, wire)
    np.testing.assert_allclose(wires.solve(g, [1.0], wire, 0.0).row_nodes[0], ladder, rtol=0, atol=1e-9)
    np.testing.assert_allclose(wires.effective(g, wire, 0.0)[0] / conductance, ladder, rtol=0, atol=1e-9)
    # and a column is one read backwards
    np.testing.assert_allclose(wires.effective(g.T, 0.0, wire)[:, 0] / conductance, ladder[::-1], rtol=0, atol=1e-9)


def test_the_ladder_of_128_cells() -> None:
    assert wires.ladder(128, 10e-6, 1.0)[-1] == pytest.approx(0.92276, abs=5e-6)
    assert wires.continuum(128, 10e-6, 1.0) == pytest.approx(0.92332, abs=5e-6)


def test_many_fine_segments_are_the_continuum() -> None:
    """With the line's whole resistance and conductance kept, the ladder nears the continuum as 1/N."""
    apart = [
        wires.ladder(n, 1e-3 / n, 1e3 / n)[-1] / wires.continuum(n, 1e-3 / n, 1e3 / n) - 1 for n in (100, 200, 400)
    ]
    assert apart[0] / apart[1] == pytest.approx(2, rel=0.02) and apart[1] / apart[2] == pytest.approx(2, rel=0.02)
    assert wires.continuum(10**6, 1.0, 1.0) == 0.0 and wires.ladder(10**4, 1.0, 1.0)[-1] == 0.0


# --- another solver -----------------------------------------------------------------------------------------------------

# badcrossbar 1.1.0, `tests/peers/peer_badcrossbar.py fixture`: 5 × 4 cells, rows of 50 Ω and columns of 20 Ω a segment
CURRENTS = [3.004422786605716e-05, 2.4405459117400376e-05, 2.7098163932375165e-05, 3.800166950421994e-05]
LAST_ROW = [0.19772232234314926, 0.19630828298559772, 0.19538868956689948, 0.19459939989640657]
FIRST_COLUMNS = [0.0011001095057622428, 0.0012197653007162902, 0.0015066383401608058, 0.0016364602469526]


def test_badcrossbar_finds_the_same_circuit() -> None:
    i, j = np.indices((5, 4))
    g = (1 + 99 * ((7 * i + 11 * j + 3) % 17) / 16) * 1e-6
    v = 0.2 * (1 + np.arange(5.0)) / 5
    currents, rows, columns = wires.solve(g, v, 50.0, 20.0)
    np.testing.assert_allclose(currents, CURRENTS, rtol=1e-9)
    np.testing.assert_allclose(v @ wires.effective(g, 50.0, 20.0), CURRENTS, rtol=1e-9)
    np.testing.assert_allclose(rows[4], LAST_ROW, rtol=1e-9)
    np.testing.assert_allclose(columns[0], FIRST_COLUMNS, rtol=1e-9)


# --- read noise through the wires ---------------------------------------------------------------------------------------


def test_sensitivity_is_the_slope_of_the_currents() -> None:
    g, v = cells(7, 9), np.random.default_rng(6).uniform(-0.2, 0.2, 7)
    for i, j in ((0, 0), (3, 5), (6, 8), (6, 0)):
        one = np.zeros_like(g)
        one[i, j] = 1.0
        step = 1e-3 * g[i, j] * one
        slope = (wires.solve(g + step, v, 500.0, 300.0).currents - wires.solve(g - step, v, 500.0, 300.0).currents) / (
            2 * step.sum()
        )
        variance = wires.noise_variance(g, one, v, 500.0, 300.0)
        np.testing.assert_allclose(variance, slope**2, rtol=1e-5, atol=1e-5 * variance.max())


def test_many_inputs_are_one_after_the_other() -> None:
    g, v = cells(6, 5), np.random.default_rng(7).uniform(-0.2, 0.2, (3, 6))
    together = wires.noise_variance(g, (0.03 * g) ** 2, v, 10.0, 20.0)
    for k in range(3):
        assert np.array_equal(together[k], wires.noise_variance(g, (0.03 * g) ** 2, v[k], 10.0, 20.0))


def test_without_wires_noise_adds_up_cell_by_cell() -> None:
    g, v = cells(6, 5), np.linspace(-0.2, 0.2, 6)
    np.testing.assert_allclose(wires.noise_variance(g, g**2, v, 0.0, 0.0), v**2 @ g**2, rtol=1e-12)


def test_noise_drawn_cell_by_cell_has_that_variance() -> None:
    g, v = cells(10, 8), np.linspace(0.05, 0.2, 10)
    draws = 3000
    z = streams.normal(streams.stream(0, "noise through wires"), 0, draws * g.size).reshape(draws, 10, 8)
    read = np.stack([wires.solve(g * (1 + 0.02 * one), v, 300.0, 300.0).currents for one in z])
    expected = wires.noise_variance(g, (0.02 * g) ** 2, v, 300.0, 300.0)
    # a sample variance of 3000 draws is within 8 % of the truth for three standard errors
    np.testing.assert_allclose(read.var(axis=0), expected, rtol=0.08)


@pytest.mark.parametrize(
    ("size", "lost", "near", "once", "without"), [(32, 0.04, 0.001, 0.02, 0.06), (64, 0.12, 0.001, 0.07, 0.22)]
)
def test_cheap_noise_errs_as_its_docstring_says(
    size: int, lost: float, near: float, once: float, without: float
) -> None:
    g = cells(size, size)
    made = wires.effective(g, 1.0, 1.0)
    assert 1 - made.sum() / g.sum() == pytest.approx(lost, abs=0.005)
    v, variance = np.full(size, 0.2), (0.03 * g) ** 2
    exact = wires.noise_variance(g, variance, v, 1.0, 1.0)
    terms = wires.noise_terms(g, variance, 1.0, 1.0, made=made)
    off = np.sqrt(terms.variance(v, v @ made) / exact) - 1
    assert abs(off.mean()) < near + 5e-4 and np.abs(off).max() < 0.004
    # not asking how far the column rises, and not asking at all
    assert np.mean(np.sqrt(v**2 @ terms.square / exact)) - 1 == pytest.approx(once, abs=0.005)
    assert np.mean(np.sqrt(v**2 @ variance / exact)) - 1 == pytest.approx(without, abs=0.005)


@pytest.mark.parametrize(("kind", "most"), [("random", 0.006), ("signs", 0.012), ("half", 0.01), ("far", 0.035)])
def test_cheap_noise_holds_for_other_inputs_too(kind: str, most: float) -> None:
    g, at = cells(64, 64), np.arange(64)
    u = streams.uniform(streams.stream(1, "inputs of cheap noise"), 0, 64)
    v = {"random": 0.2 * u, "signs": 0.4 * (u - 0.5), "half": 0.2 * (u < 0.5), "far": 0.2 * (at < 16)}[kind]
    variance = (0.03 * g) ** 2
    made = wires.effective(g, 1.0, 1.0)
    exact = wires.noise_variance(g, variance, v, 1.0, 1.0)
    found = wires.noise_terms(g, variance, 1.0, 1.0).variance(v, v @ made)
    assert np.abs(np.sqrt(found / exact) - 1).max() < most
    assert (
        np.abs(np.sqrt(found / exact) - 1).mean()
        < np.abs(np.sqrt(v**2 @ ((made / g) ** 2 * variance) / exact) - 1).mean()
    )


def test_cheap_noise_is_exact_for_one_column_with_perfect_rows_and_without_wires() -> None:
    g, v = cells(9, 4), np.linspace(-0.1, 0.2, 9)
    perfect = wires.noise_terms(g, g**2, 0.0, 0.0)
    np.testing.assert_allclose(perfect.variance(v, v @ g), v**2 @ g**2, rtol=1e-12)
    # one column over perfect rows: the all-on input is the one that the terms were made of
    one, on = cells(20, 1), np.full(20, 0.2)
    exact = wires.noise_variance(one, (0.03 * one) ** 2, on, 0.0, 500.0)
    terms = wires.noise_terms(one, (0.03 * one) ** 2, 0.0, 500.0)
    np.testing.assert_allclose(terms.variance(on, on @ wires.effective(one, 0.0, 500.0)), exact, rtol=1e-9)


def test_cheap_noise_of_cells_that_conduct_nothing_is_finite_and_bounded() -> None:
    g = cells(12, 7) * (np.indices((12, 7)).sum(axis=0) % 3 > 0)
    g[:, 2] = 0.0
    v, variance = np.full((2, 12), 0.2), np.full(g.shape, 1e-14)
    made = wires.effective(g, 50.0, 50.0)
    found = wires.noise_terms(g, variance, 50.0, 50.0, made=made).variance(v, v @ made)
    assert found.shape == (2, 7) and (found <= v**2 @ variance).all()
    exact = wires.noise_variance(g, variance, v, 50.0, 50.0)
    np.testing.assert_allclose(np.sqrt(found), np.sqrt(exact), rtol=0.05)


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conductances", "row", "column", "said"),
    [
        ([[1e-6, -1e-6]], 1.0, 1.0, "row 0, column 1 has -1e-06 S"),
        ([[1e-6], [math.nan]], 1.0, 1.0, "row 1, column 0 has nan S"),
        ([[math.inf]], 0.0, 0.0, "must be finite"),
        ([1e-6, 1e-6], 1.0, 1.0, r"shape \(2,\)"),
        (np.zeros((0, 3)), 1.0, 1.0, r"shape \(0, 3\)"),
        ([[1e-6]], -1.0, 1.0, "row_wire is -1.0 Ω"),
        ([[1e-6]], 1.0, math.nan, "column_wire is nan Ω"),
        ([[1e-6]], math.inf, 0.0, "row_wire is inf Ω"),
        ([[1e200]], 1e200, 0.0, "overflow"),
    ],
)
def test_what_has_no_currents_is_refused(conductances: object, row: float, column: float, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        wires.effective(conductances, row, column)  # type: ignore[arg-type]
    with pytest.raises(DescriptionError, match=said):
        wires.solve(conductances, [0.1], row, column)  # type: ignore[arg-type]


def test_voltages_and_variances_must_fit() -> None:
    g = cells(3, 4)
    with pytest.raises(DescriptionError, match="one for each of 3 rows"):
        wires.solve(g, [0.1, 0.2], 1.0, 1.0)
    with pytest.raises(DescriptionError, match="one for each of 3 rows"):
        wires.solve(g, np.zeros((2, 3)), 1.0, 1.0)
    with pytest.raises(DescriptionError, match="finite numbers"):
        wires.solve(g, [0.1, math.inf, 0.0], 1.0, 1.0)
    with pytest.raises(DescriptionError, match="Variances"):
        wires.noise_variance(g, -g, [0.1, 0.1, 0.1], 1.0, 1.0)
    with pytest.raises(DescriptionError, match=r"shape \(2, 2\)"):
        wires.noise_variance(g, np.zeros((2, 2)), [0.1, 0.1, 0.1], 1.0, 1.0)
    with pytest.raises(DescriptionError, match="at least one"):
        wires.ladder(0, 1e-6, 1.0)
    with pytest.raises(DescriptionError, match="both must be finite"):
        wires.ladder(3, -1e-6, 1.0)


def test_wires_that_leave_nothing_to_read_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "LIMIT", 20)
    with pytest.raises(DescriptionError, match="Are conductances in S and wires in Ω"):
        wires.solve(cells(30, 30), np.ones(30), 1e9, 1e9)
