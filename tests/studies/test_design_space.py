"""Design space: all designs are run or say why not, the front is a front, and the same network runs on every design."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from workbench.chips import CHIPS
from workbench.chips.design import Design
from workbench.errors import Cancelled, DescriptionError, UnsupportedError
from workbench.measures.pareto import front
from workbench.studies.design_space import AXES, DesignSpace, sampled


@pytest.fixture(scope="module")
def result():
    return DesignSpace.from_border({"designs": 16, "seeds": 2, "duration_ms": 50.0}).run()


def test_every_design_is_in_the_table_with_costs_or_a_reason(result) -> None:
    table = result.table
    fits = np.isfinite(table["energy_uj"].values)
    assert table.sizes["design"] == 16
    assert 0 < fits.sum() < 16, "a space without a wall teaches nothing"
    for k in range(16):
        reason = str(table["reason"].values[k])
        assert bool(reason) != bool(fits[k])
        if reason:
            assert "design" in reason and any(c.isdigit() for c in reason)
    assert result.numbers["designs_that_fit"] == fits.sum()


def test_the_front_is_a_front(result) -> None:
    table = result.table
    costs = np.stack([table[c].values for c in ("energy_uj", "time_ms", "area_mm2")], axis=1)
    assert np.array_equal(front(costs), table["front"].values)
    assert result.numbers["front_size"] == table["front"].values.sum() >= 1
    on_front = costs[table["front"].values]
    assert result.numbers["best_energy_uj"] == pytest.approx(on_front[:, 0].min())
    assert result.numbers["best_time_ms"] == pytest.approx(on_front[:, 1].min())
    base = result.numbers["base_energy_uj"] * result.numbers["base_time_ms"]
    # The best product of two costs need not be on the front of three, but no design on the front is better.
    assert result.numbers["best_product_over_base"] <= (on_front[:, 0] * on_front[:, 1]).min() / base * (1 + 1e-12)


def test_seeds_spread_and_the_spikes_do_not_depend_on_the_design(result) -> None:
    table = result.table
    fits = np.isfinite(table["energy_uj"].values)
    assert (table["energy_sd_uj"].values[fits] > 0).all()
    assert 0 < result.numbers["seed_spread_percent"] < 5
    few, many = (DesignSpace.from_border({"designs": n, "seeds": 1, "duration_ms": 50.0}).run() for n in (4, 12))
    assert few.numbers["rate_hz"] == many.numbers["rate_hz"]


def test_the_same_seed_gives_the_same_answer() -> None:
    a, b = (DesignSpace().quick().run() for _ in range(2))
    assert {k: repr(v) for k, v in a.numbers.items()} == {k: repr(v) for k, v in b.numbers.items()}


@pytest.mark.parametrize("number", [7, 35])
def test_a_latin_hypercube_uses_every_value_about_equally(number: int) -> None:
    designs = sampled(number, "latin hypercube", seed=4)
    assert len(designs) == number
    for name, values in AXES.items():
        counts = [sum(getattr(d, name) == v for d in designs) for v in values]
        assert sum(counts) == number
        assert max(counts) - min(counts) <= 1
    assert designs == sampled(number, "latin hypercube", seed=4)
    assert designs != sampled(number, "latin hypercube", seed=5)


def test_a_grid_has_its_corners() -> None:
    whole = sampled(10_000, "grid", seed=0)
    assert len(whole) == 3**5 == len(set(whole))
    ends = [{values[0], values[-1]} for values in AXES.values()]
    corners = [d for d in whole if all(getattr(d, n) in e for n, e in zip(AXES, ends, strict=True))]
    assert len(corners) == 2**5
    assert all(isinstance(d, Design) for d in sampled(9, "grid", seed=0))


@pytest.mark.parametrize("preset", DesignSpace.presets)
def test_presets_run_and_pictures_speak(preset: str) -> None:
    found = pickle.loads(pickle.dumps(DesignSpace.preset(preset).quick().run()))
    assert found.numbers["designs"] >= 2
    for name, picture in found.figures().items():
        assert picture.title and picture.alt and picture.panels, name


def test_nonsense_is_refused_and_a_run_can_be_stopped() -> None:
    with pytest.raises(UnsupportedError, match="'ideal' is not one"):
        DesignSpace(chip=CHIPS["ideal"]).run()
    with pytest.raises(DescriptionError, match="did you mean 'balanced'"):
        DesignSpace.from_border({"circuit": "balance"})
    with pytest.raises(DescriptionError, match="between 2 and 2000"):
        DesignSpace.from_border({"designs": 1})

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        DesignSpace().quick().run(stop)
