"""The front: no row on it is beaten, every row off it is, whatever the table."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.measures.pareto import front

TABLES = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.sampled_from([1.0, 2.0, 3.0, np.nan])
)


def beats(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


@given(TABLES)
def test_the_front_is_what_nothing_beats(table: np.ndarray) -> None:
    kept = front(table)
    whole = np.isfinite(table).all(axis=1)
    for k, row in enumerate(table):
        beaten = any(beats(other, row) for other in table[whole])
        assert kept[k] == (bool(whole[k]) and not beaten)
    assert kept.any() == whole.any()


def test_of_equal_designs_all_stay() -> None:
    assert front([[1, 2], [1, 2], [2, 1], [2, 2]]).tolist() == [True, True, True, False]
