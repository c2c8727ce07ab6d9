"""Reading an array: codes are those of float64 arithmetic, the same for any split of a batch; noise has the law it claims."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from tests.kernels import analog_twin as twin
from workbench import streams
from workbench.kernels import analog
from workbench.kernels.analog import _aligned
from workbench.kernels.analog.loops import BLOCK, LINES, product_batch
from workbench.kernels.analog.normal import LARGEST, fused, normal
from workbench.kernels.analog.vectors import TALL
from workbench.kernels.analog.whole import WHOLE

KEY = streams.stream(3, "read", "W")
"""Above 2⁶³: a key that a signed number could not hold."""


def an_array(rows: int, columns: int, *, state: bool, bits: int, seed: int = 0) -> dict[str, object]:
    """Cells, noise and converters that differ from column to column; outputs use most of the codes."""
    rng = np.random.default_rng(seed)
    high = 2 ** (bits - 1) - 1
    return {
        "matrix": rng.normal(size=(rows, columns)),
        "variance": rng.random((rows, columns)) * 1e-2 if state else 1e-3,
        "gain": 1 + 0.05 * rng.normal(size=columns),
        "offset": rng.normal(size=columns) * 50,
        "lsb": rng.uniform(0.5, 1.5, columns) * 73 * np.sqrt(rows) * 2.5 / high,
        "low": -high,
        "high": high,
    }


def inputs(batch: int, rows: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-127, 128, (batch, rows)).astype(np.float32)


def by_twin(a: dict[str, object], x: np.ndarray, key: int | None, first: int) -> tuple[np.ndarray, int]:
    a = dict(a)
    low, high = a.pop("low"), a.pop("high")
    return twin.codes(twin.levels(x=x, key=key, first=first, **a), low, high)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [False, True], ids=["linear", "state-dependent"])
@pytest.mark.parametrize(
    ("batch", "rows", "columns", "bits"),
    [
        (1, 128, 128, 8),
        (3, 64, 300, 8),
        (9, 50, 40, 8),
        (2 * BLOCK + TALL + 1, 129, 65, 8),
        (70, 512, 33, 8),
        (20, 1024, 40, 6),
        (9, 1, 1, 8),
        (17, 40, 64, 2),
        (9, 96, 40, 13),
        (9, 50, 40, 17),
    ],
)
def test_codes_are_those_of_float64(batch: int, rows: int, columns: int, bits: int, state: bool) -> None:
    a, x = an_array(rows, columns, state=state, bits=bits), inputs(batch, rows)
    for key in (KEY, None):
        got, clipped = analog.read(analog.bank(**a), x, key, 7)  # type: ignore[arg-type]
        want, over = by_twin(a, x, key, 7)
        assert got.dtype == (np.int16 if bits <= 16 else np.int32)
        assert np.array_equal(got, want)
        assert clipped == over


@pytest.mark.parametrize("state", [False, True], ids=["linear", "state-dependent"])
def test_values_are_those_of_float64_to_the_last_bit(state: bool) -> None:
    a = an_array(200, 70, state=state, bits=8)
    x = inputs(130, 200) / 7.0
    for key in (KEY, None):
        got = analog.read_values(analog.bank(**a), x, key, 5)  # type: ignore[arg-type]
        args = {k: v for k, v in a.items() if k not in ("low", "high")}
        want = twin.levels(x=x, key=key, first=5, **args) * a["lsb"]  # type: ignore[arg-type]
        assert np.array_equal(got, want)
    plain = analog.bank(a["matrix"], gain=a["gain"], offset=a["offset"])  # type: ignore[arg-type]
    off = np.abs(analog.read_values(plain, x, KEY) - ((x @ a["matrix"]) * a["gain"] + a["offset"]))  # type: ignore[operator]
    assert off.max() < 1e-9


def levels_near_edges(
    rows: int, columns: int, batch: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(matrix, offset, x) whose levels lie on edges between codes, and a few float64 roundings to a float32 rounding beside them."""
    matrix = rng.normal(size=(rows, columns))
    x = inputs(batch, rows)
    level = twin.ordered(x.astype(np.float64), matrix)
    # The offset of column j puts the level of sample j on an edge; the others fall where they fall.
    edge = np.rint(level[np.arange(columns) % batch, np.arange(columns)] / 50) + 0.5
    aside = np.concatenate([[0.0], np.geomspace(1e-14, 1e-2, columns - 1)]) * rng.choice([-1, 1], columns)
    return matrix, (edge + aside) * 50 - level[np.arange(columns) % batch, np.arange(columns)], x


@pytest.mark.parametrize("pieces", [1, 7, 64, 1000])
def test_no_split_moves_a_level_over_an_edge(pieces: int) -> None:
    matrix, offset, x = levels_near_edges(300, 200, 150, np.random.default_rng(2))
    for variance, key in ((0.0, None), (1e-3, KEY)):
        a = analog.bank(matrix, variance=variance, offset=offset, lsb=50.0)
        got = np.concatenate([analog.read(a, x[k : k + pieces], key, k)[0] for k in range(0, len(x), pieces)])
        want, _ = twin.codes(twin.levels(matrix, x, key, variance=variance, offset=offset, lsb=50.0), -127, 127)
        assert np.array_equal(got, want)


def test_levels_on_an_edge_round_to_even() -> None:
    """Whole weights and inputs, LSB 2: every odd sum lies exactly on an edge, in any arithmetic."""
    rng = np.random.default_rng(4)
    matrix, x = rng.integers(-3, 4, (500, 90)), inputs(80, 500)
    level = x.astype(np.int64) @ matrix
    assert np.count_nonzero(level % 2) > 2000
    got, clipped = analog.read(analog.bank(matrix, lsb=2.0, low=-30000, high=30000), x, None)
    assert np.array_equal(got, np.rint(level / 2.0))
    assert clipped == 0


WAYS = {"floats": (40, 0), "whole numbers": (40, 127), "whole numbers one by one": (4, 127)}
"""Vectors at once, and the largest input of products of whole numbers (0: none)."""


def by_way(a: analog.Bank, way: str, room: float | None = None) -> analog.Bank:
    """The array read in this way; with a `room`, only outputs further than that from a whole level are looked at again."""
    single, fixed, shape = a.single.copy(), a.fixed.copy(), a.shape.copy()
    if not WAYS[way][1]:
        shape[5] = 0
    if room is not None:
        n, rows = a.padded, int(shape[1])
        single[n * rows :][: 4 * n].reshape(-1, 4, 32)[:, 3] = room
        fixed.reshape(2, -1, LINES, 32)[:, :, 3] = room
    return a._replace(single=_aligned(np.float32, single), fixed=_aligned(np.float32, fixed), shape=shape)


def bounds(a: analog.Bank, x: np.ndarray, way: str) -> np.ndarray:
    """What an output may err, in LSB, before it is looked at again: (batch, n)."""
    n, rows = a.padded, int(a.shape[1])
    table = a.single[n * rows :][: 4 * n].reshape(-1, 4, 32)
    if WAYS[way][1]:
        table = a.fixed.reshape(2, -1, LINES, 32)[int(way.endswith("one"))]
    made = np.linalg.norm(x.astype(float), axis=1)[:, None] * table[:, 2].ravel() + 0.5 - table[:, 3].ravel()
    return made[:, : a.columns]


@pytest.mark.parametrize("way", WAYS)
def test_fast_product_errs_less_than_its_bound_says(way: str) -> None:
    """Where all x·M have one sign and one size, sums err most; without the edges' second look codes would be wrong there."""
    if WAYS[way][1] and not WHOLE:
        pytest.skip("this processor has no products of whole numbers")
    rng = np.random.default_rng(5)
    matrix = np.full((1000, 64), 0.1) + rng.uniform(0, 1e-3, (1000, 64))
    x = np.full((WAYS[way][0], 1000), 101.0, np.float32) - rng.integers(0, 3, (WAYS[way][0], 1000))
    lsb, high = (0.01, 2**21) if way == "floats" else (0.3, 2**16)
    a = by_way(analog.bank(matrix, lsb=lsb, low=-high, high=high), way)
    level = twin.levels(matrix, x, lsb=lsb)
    fast, _ = analog.read(by_way(a, way, room=1e9), x, None)
    assert np.all(np.abs(fast - level) <= 0.5 + bounds(a, x, way))
    if way != "whole numbers":  # 24 bits of a cell leave nothing to err by where they can be right
        assert np.any(fast != np.rint(level))
    assert np.array_equal(analog.read(a, x, None)[0], np.rint(level))


@pytest.mark.parametrize("way", list(WAYS)[1:])
def test_variances_in_whole_numbers_err_less_than_their_bound_says(way: str) -> None:
    """Few inputs on cells of very different noise, where rounded variances are worst; and codes are right nevertheless."""
    rng = np.random.default_rng(6)
    matrix, variance = rng.normal(size=(300, 96)), 10.0 ** rng.uniform(-9, -1, (300, 96))
    x = inputs(WAYS[way][0], 300)
    x[1:] *= rng.random((len(x) - 1, 300)) < np.geomspace(0.004, 1, len(x) - 1)[:, None]
    a = by_way(analog.bank(matrix, variance=variance, lsb=20.0), way)
    got, clipped = analog.read(a, x, KEY, 3)
    want, over = twin.codes(twin.levels(matrix, x, KEY, 3, variance=variance, lsb=20.0), -127, 127)
    assert np.array_equal(got, want) and clipped == over
    assert (a.shape[5] > 0) == WHOLE


@pytest.mark.parametrize("state", [False, True], ids=["linear", "state-dependent"])
def test_ways_of_multiplying_give_the_same_codes(state: bool) -> None:
    a, x = analog.bank(**an_array(513, 90, state=state, bits=8)), inputs(80, 513)  # type: ignore[arg-type]
    whole, clipped = analog.read(a, x, KEY)
    assert np.array_equal(analog.read(by_way(a, "floats"), x, KEY)[0], whole)
    for pieces in (1, 3, 6):
        parts = [analog.read(a, x[k : k + pieces], KEY, k) for k in range(0, 80, pieces)]
        assert np.array_equal(np.concatenate([codes for codes, _ in parts]), whole)
        assert sum(over for _, over in parts) == clipped
    # Inputs that are not whole, or beyond the bytes: floats again.
    for other in (x + np.float32(0.5), x * np.float32(2)):
        got, _ = analog.read(a, other, KEY)
        want, _ = by_twin(an_array(513, 90, state=state, bits=8), other, KEY, 0)
        assert np.array_equal(got, want)


@pytest.mark.parametrize("state", [False, True], ids=["linear", "state-dependent"])
@pytest.mark.parametrize(("batch", "high"), [(3, 255.0), (75, 255.0), (75, 127.0), (9, 15.0), (9, 4095.0)])
def test_a_read_with_its_dac_is_levels_codes_and_values(batch: int, high: float, state: bool) -> None:
    """Two row blocks of 70 and 50 inputs, from float64 and float32; some samples drive no row."""
    rng = np.random.default_rng(8)
    x = rng.uniform(-1.1, 1.1, (batch, 120))
    x[::3, 70:] = 0.0
    for kind in (np.float64, np.float32):
        x = x.astype(kind)
        y, levels = np.full((batch, 40), np.nan), np.clip(np.rint(x.astype(float) * high), -high, high)
        want = np.zeros((batch, 40))
        for begin, end in ((0, 70), (70, 120)):
            rows, here = end - begin, levels[:, begin:end]
            args = {
                "matrix": rng.normal(size=(rows, 40)),
                "variance": rng.random((rows, 40)) * 1e-2 if state else 1e-3,
                "lsb": np.sqrt(rows) * high / 80,
                "offset": rng.normal(size=40),
            }
            a = analog.bank(**args)
            squares, reads, totals, counted = (
                np.zeros(rows),
                np.zeros(batch, np.int64),
                np.zeros(batch),
                np.zeros(7, int),
            )
            decoding, none = rng.normal(size=(2, 40)), np.zeros((0, 0), np.int16)
            both = (a.single, a.double, a.whole, a.fixed, a.shape)
            counts = (squares, reads, totals, counted)
            product_batch(
                x, begin, high, -high, high, -1, 5, 2, True, *both, none, 2.0, decoding, begin == 0, y, *counts
            )  # fmt: skip
            said, clipped = twin.codes(twin.levels(x=here, key=5, first=2, **args), -127, 127)
            active = np.count_nonzero(here, axis=1) > 0
            want += np.where(active[:, None], 2.0 * (said * decoding[0] + decoding[1]), 0.0)
            assert np.array_equal(squares, (here**2).sum(axis=0))
            assert np.array_equal(reads, active) and np.array_equal(totals, here.sum(axis=1))
            beyond = np.count_nonzero(np.abs(x[:, begin:end].astype(float) * high) > high + 0.5)
            assert counted.tolist() == [clipped, np.count_nonzero(here), active.sum(), 0, 0, beyond, 0]
            codes = np.empty((batch, a.padded), np.int16)
            product_batch(
                x, begin, high, -high, high, -1, 5, 2, True, *both, codes, 2.0, decoding, True, none.astype(float), *counts
            )  # fmt: skip
            assert np.array_equal(codes[:, :40], np.where(active[:, None], said, 0))
        assert np.array_equal(y, want)


def test_bits_of_levels_drive_the_rows_one_after_the_other() -> None:
    rng = np.random.default_rng(9)
    x, matrix = rng.uniform(-1, 1, (20, 45)), rng.normal(size=(45, 33))
    a = analog.bank(matrix, lsb=0.5)
    levels = np.clip(np.rint(x * 31), -31, 31).astype(int)
    for plane in range(5):
        codes, counted = np.empty((20, a.padded), np.int16), np.zeros(7, np.int64)
        product_batch(
            x, 0, 31.0, -31.0, 31.0, plane, 0, 0, False, a.single, a.double, a.whole, a.fixed, a.shape, codes, 1.0,
            np.zeros((2, 33)), True, np.zeros((0, 0)), np.zeros(45), np.zeros(20, np.int64), np.zeros(0), counted
        )  # fmt: skip
        driven = np.sign(levels) * (np.abs(levels) >> plane & 1)
        want, _ = twin.codes(twin.levels(matrix, driven, lsb=0.5), -127, 127)
        assert np.array_equal(codes[:, :33], want)
        assert counted[1] == np.count_nonzero(driven)
        assert counted[3] == (np.count_nonzero(levels) if plane == 0 else 0)


def test_threads_change_nothing() -> None:
    a, x = analog.bank(**an_array(256, 100, state=False, bits=8)), inputs(200, 256)  # type: ignore[arg-type]
    whole, clipped = analog.read(a, x, KEY, 11)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda k: analog.read(a, x[k : k + 30], KEY, 11 + k), range(0, 200, 30)))
    assert np.array_equal(np.concatenate([codes for codes, _ in parts]), whole)
    assert sum(over for _, over in parts) == clipped


def test_noise_belongs_to_sample_column_and_key() -> None:
    matrix, x = np.zeros((32, 50)), np.ones((30, 32), np.float32)
    a = analog.bank(matrix, variance=1.0)
    z = analog.read_values(a, x, KEY) / np.sqrt(32)
    assert np.array_equal(analog.read_values(a, x[:4], KEY, 20) / np.sqrt(32), z[20:24])
    assert np.abs(z - twin.normals(KEY, 0, 30, 50)).max() < 1e-12
    assert np.unique(z).size == z.size
    assert not np.any(z == analog.read_values(a, x, KEY + 1) / np.sqrt(32))


def test_shape_of_inputs_is_checked() -> None:
    a = analog.bank(np.ones((20, 4)), lsb=1.0)
    for wrong in (np.ones((3, 21), np.float32), np.ones(20, np.float32)):
        with pytest.raises(ValueError, match="20 rows"):
            analog.read(a, wrong, None)
        with pytest.raises(ValueError, match="20 rows"):
            analog.read_values(a, wrong, None)
    codes, clipped = analog.read(a, np.ones((0, 20), np.float32), KEY)
    assert codes.shape == (0, 4) and clipped == 0


# --- normal numbers ---


def draws(seeds: int, samples: int, columns: int) -> np.ndarray:
    return np.stack([twin.normals(streams.stream(seed, "normals"), 0, samples, columns) for seed in range(seeds)])


def test_normal_numbers_invert_the_normal_distribution() -> None:
    """Over all bits: the ends, the places where the formula changes, and a fine net."""
    k = np.concatenate([np.arange(2000), 2**31 - 1 - np.arange(2000), np.geomspace(1, 2**31 - 1, 200_000)]).astype(
        np.uint32
    )
    z = normal(k * np.uint32(2)).astype(np.float64)
    exact = ndtri((k + 0.5) / 2.0**32)
    assert np.abs(np.abs(z) - np.abs(exact)).max() < 1.5e-5
    assert np.array_equal(normal(k * np.uint32(2) + np.uint32(1)), -normal(k * np.uint32(2)))
    assert np.abs(z).max() < LARGEST


def test_fused_operation_rounds_once() -> None:
    """Against whole-number arithmetic, where 2⁻²⁴ decides: (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴ ties but for the third term."""
    x = np.full(3, 1 + 2.0**-12, np.float32)
    z = np.array([0.0, 2.0**-80, -(2.0**-80)], np.float32)
    assert fused(x, x, z).tolist() == [1 + 2.0**-11, 1 + 2.0**-11 + 2.0**-23, 1 + 2.0**-11]


def test_normal_numbers_have_their_moments_and_law() -> None:
    z = draws(8, 1000, 500)
    n = z[0].size
    for one in z.reshape(8, -1):
        assert abs(one.mean()) < 4.5 / np.sqrt(n)
        assert abs(one.var() - 1) < 4.5 * np.sqrt(2 / n)
        assert abs(stats.skew(one)) < 4.5 * np.sqrt(6 / n)
        assert abs(stats.kurtosis(one)) < 4.5 * np.sqrt(24 / n)
        assert stats.kstest(one, "norm").pvalue > 1e-3
    both = z.reshape(8, 1000, 500)
    for ahead, behind in ((both[:, :, 1:], both[:, :, :-1]), (both[:, 1:], both[:, :-1]), (both[1:], both[:-1])):
        assert abs(np.mean(ahead * behind)) < 4.5 / np.sqrt(ahead.size)
    for far in (3.0, 4.0, 4.5):
        expected = z.size * 2 * stats.norm.sf(far)
        assert abs(np.count_nonzero(np.abs(z) > far) - expected) < 4.5 * np.sqrt(expected)


@pytest.mark.parametrize("rows", [1, 40])
@pytest.mark.parametrize("state", [False, True], ids=["linear", "state-dependent"])
def test_noise_of_outputs_is_that_of_cells_in_distribution(rows: int, state: bool) -> None:
    """The same vector read 4,000 times: noise drawn per output against noise drawn for every cell, by Kolmogorov and Smirnov."""
    rng = np.random.default_rng(6)
    matrix = rng.normal(size=(rows, 3))
    variance = rng.uniform(0.1, 2.0, matrix.shape) if state else 0.3
    x = np.repeat(rng.integers(-127, 128, (1, rows)).astype(np.float32), 4000, axis=0)
    x[:, 0] = 90
    drawn = analog.read_values(analog.bank(matrix, variance=variance), x, KEY)
    cells = twin.cell_by_cell(matrix, variance, x.astype(np.float64), rng)
    for j in range(3):
        assert stats.ks_2samp(drawn[:, j], cells[:, j]).pvalue > 1e-3
    # Columns of one read share nothing, however they are drawn.
    for made in (drawn, cells):
        assert np.abs(np.corrcoef(made.T) - np.eye(3)).max() < 4.5 / np.sqrt(len(x))
