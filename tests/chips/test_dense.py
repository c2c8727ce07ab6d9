"""Dense engines: a roofline in time and energy, by hand; the cliff where weights no longer fit; every number cited."""

from __future__ import annotations

import dataclasses

import pytest

from workbench.chips.dense import DENSE, DenseEngine
from workbench.errors import DescriptionError, PlacementError, UnsupportedError
from workbench.recordings.prices import Citation
from workbench.units import pJ, us

TOY = DenseEngine(
    name="toy", peak_int8=1e12, peak_fp16=0.5e12, power=10.0, bandwidth=1e9, on_chip=1e6,
    mac_int8=1 * pJ, mac_fp16=3 * pJ, dram_byte=100 * pJ, sram_byte=2 * pJ, utilisation=0.5, overhead=2 * us,
)  # fmt: skip


@pytest.mark.parametrize("name", DENSE)
def test_every_number_of_an_engine_is_cited(name: str) -> None:
    engine = DENSE[name]
    assert engine.name == name
    for field in dataclasses.fields(engine):
        if field.name not in ("name", "sources"):
            assert field.name in engine.sources, field.name
            assert engine.sources[field.name].kind in ("published", "computed", "assumed")
    if name.endswith("-class"):
        assert "a class" in engine.sources["peak_int8"].where
        assert not any(c.kind == "published" for c in engine.sources.values())


def test_the_layer_of_a_toy_is_what_one_works_out_by_hand() -> None:
    cost = TOY.layer(100, 200, weights="fetched")
    assert cost.macs == 20_000
    assert cost.fetched == 20_000
    assert cost.seconds == pytest.approx(2e-6 + 20_000 / 1e9)  # memory: 20 µs; computing would take 0.08 µs
    assert cost.bound == "memory"
    assert cost.joules == pytest.approx(20_000 * (1 + 100 + 2) * pJ + 300 * 2 * pJ)
    assert cost.at_power == pytest.approx(10 * cost.seconds)
    kept = TOY.layer(100, 200, weights="on chip")
    assert (kept.fetched, kept.bound) == (0.0, "overhead")
    assert kept.seconds == pytest.approx(2e-6 + 2 * 20_000 / 0.5e12)
    assert kept.joules == pytest.approx(cost.joules - 20_000 * 100 * pJ)


def test_a_batch_shares_the_weights_and_waits_for_all() -> None:
    one, many = (TOY.layer(100, 200, batch=b) for b in (1, 1000))
    assert many.joules == pytest.approx(20_000 * 1 * pJ + 300 * 2 * pJ + 20_000 * 102 * pJ / 1000)
    assert many.joules < one.joules / 50
    assert many.seconds > one.seconds
    assert many.bound == "compute"
    assert many.seconds == pytest.approx(2e-6 + 2 * 20_000 * 1000 / 0.5e12)


def test_sixteen_bits_move_twice_the_bytes() -> None:
    assert TOY.layer(10, 10, precision="fp16").fetched == 2 * TOY.layer(10, 10).fetched
    assert TOY.layer(10, 10, weights="on chip", precision="fp16").joules == pytest.approx(
        100 * 3 * pJ + (200 + 40) * 2 * pJ
    )


def test_weights_that_do_not_fit_are_fetched_or_refused() -> None:
    assert TOY.layer(1000, 1000, weights="on chip").fetched == 0
    assert TOY.layer(1000, 1001, weights="on chip").fetched == 1_001_000  # a byte too many, and all of them are fetched
    northpole = DENSE["northpole"]
    assert northpole.layer(13_000, 14_000, weights="fetched").fetched == 0  # there is nowhere to fetch from
    with pytest.raises(PlacementError, match=r"northpole.*196 MB.*192 MB"):
        northpole.layer(14_000, 14_000)


def test_peak_energy_is_power_over_peak() -> None:
    """At full use the operations of a second cost the rated power: 1.56 and 2.83 TOPS/W (computed from the data sheets)."""
    for name, tops_per_watt in (("a100", 1.56), ("h100", 2.83), ("northpole", 2.83)):
        assert 2 / DENSE[name].mac_int8 / 1e12 == pytest.approx(tops_per_watt, rel=0.003)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: TOY.layer(0, 5), DescriptionError, "each must be 1 or more"),
        (lambda: TOY.layer(5, 5, batch=0), DescriptionError, "batches of 0"),
        (lambda: TOY.layer(5, 5, precision="int4"), DescriptionError, "Unknown precision 'int4'"),  # type: ignore[arg-type]
        (lambda: TOY.layer(5, 5, weights="elsewhere"), DescriptionError, "on chip"),  # type: ignore[arg-type]
        (lambda: DENSE["northpole"].layer(5, 5, precision="fp16"), UnsupportedError, "it has: int8"),
        (lambda: DenseEngine(name="idle"), DescriptionError, "computes nothing"),
        (lambda: DenseEngine(name="x", peak_int8=1e12, power=-1.0), DescriptionError, "power"),
        (lambda: DenseEngine(name="x", peak_int8=1e12, utilisation=1.5), DescriptionError, "utilisation"),
        (lambda: DenseEngine(name="x", peak_int8=1e12, peek=1.0), DescriptionError, "peek"),  # type: ignore[call-arg]
        (
            lambda: DenseEngine(name="x", peak_int8=1e12, sources={"powr": Citation("assumed", "ours")}),
            DescriptionError,
            "did you mean 'power'",
        ),
        (lambda: DENSE["a1000"], DescriptionError, "did you mean 'a100'"),
    ],
)
def test_nonsense_is_refused(make, error, said) -> None:
    with pytest.raises(error, match=said):
        make()
