"""The ledger: linear in its counts, sums to the whole, refuses what it cannot price or hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.chips import CHIPS
from workbench.chips.event import EVENTS
from workbench.errors import DescriptionError
from workbench.recordings.ledger import Ledger
from workbench.recordings.prices import Citation, Price
from workbench.units import pJ

ASSUMED = Citation("assumed", "a test")


def ledger(counts, events=("a", "b")):
    prices = {e: Price(k * pJ, 0.0, ASSUMED) for k, e in enumerate(events, start=1)}
    counts = np.asarray(counts, np.int64)
    return Ledger(
        counts=counts,
        windows=np.arange(counts.shape[0] + 1.0),
        places=tuple(f"core {p}" for p in range(counts.shape[1])),
        events=tuple(events),
        prices=prices,
    )


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), min_size=2, max_size=2),
        min_size=1,
        max_size=4,
    )
)
def test_parts_sum_to_the_whole(counts):
    book = ledger(counts)
    whole = pytest.approx(book.total, rel=1e-12)
    assert book.energy().sum() == whole
    assert sum(book.by_event().values()) == whole
    assert sum(book.by_place().values()) == whole
    double = book.reprice({e: Price(2 * p.joules, 0.0, ASSUMED) for e, p in book.prices.items()})
    assert double.total == pytest.approx(2 * book.total, rel=1e-12)


def test_labels_must_fit_the_counts():
    with pytest.raises(DescriptionError, match="its labels need"):
        Ledger(
            counts=np.zeros((1, 2, 3), np.int64),
            windows=np.array([0.0, 1.0]),
            places=("a", "b"),
            events=("x",),
            prices={"x": Price(0, 0, ASSUMED)},
        )
    with pytest.raises(DescriptionError, match="Unknown price 'b'"):
        Ledger(counts=np.zeros((1, 1, 1), np.int64), windows=np.array([0.0, 1.0]), places=("a",), events=("b",))
    with pytest.raises(DescriptionError, match="did you mean|Unknown event 'c'"):
        ledger([[[1, 2]]]).reprice({"c": Price(0, 0, ASSUMED)})
    with pytest.raises(DescriptionError, match="Unknown event"):
        ledger([[[1, 2]]]).count("nothing")


def test_a_ledger_too_large_is_refused_before_it_is_made():
    Ledger.room(1, 128, 9)
    with pytest.raises(DescriptionError, match="at most 256"):
        Ledger.room(10**6, 128, 9)


def test_prices_make_sense():
    with pytest.raises(DescriptionError, match="joules is -1"):
        Price(-1.0, 0.0, ASSUMED)
    with pytest.raises(DescriptionError, match="seconds is nan"):
        Price(0.0, float("nan"), ASSUMED)


def test_davies_table_is_the_published_one():
    """Facts: Davies et al. 2018, table 2, as transcribed by SANA-FE."""
    published = {
        "active update": (81, 8.4),
        "inactive update": (52, 5.3),
        "synaptic operation": (23.6, 3.5),
        "tile-local packet": (1.7, 2.1),
        "east-west hop": (3.0, 4.1),
        "north-south hop": (4.0, 6.5),
    }
    prices = CHIPS["loihi-davies"].prices
    assert set(prices) == set(EVENTS)
    for event, (picojoules, nanoseconds) in published.items():
        assert prices[event].joules == pytest.approx(picojoules * 1e-12, rel=1e-12)
        assert prices[event].seconds == pytest.approx(nanoseconds * 1e-9, rel=1e-12)
        assert prices[event].citation.kind == "published"
    chip = CHIPS["loihi-davies"]
    assert (chip.cores, chip.tiles, chip.neurons_per_core, chip.axons_in) == (128, 32, 1024, 4096)
    assert chip.barrier(1) == pytest.approx(113e-9)
    assert chip.barrier(32) == pytest.approx(465e-9)
