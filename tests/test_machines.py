"""Published machines: every number has a place, and the arithmetic on them is arithmetic."""

from __future__ import annotations

import pytest

from workbench import machines
from workbench.errors import DescriptionError
from workbench.machines import COLUMN_RUNS
from workbench.units import pJ, uJ


def test_every_row_is_cited_and_makes_sense():
    assert len({row.name for row in COLUMN_RUNS}) == len(COLUMN_RUNS) == 14
    for row in COLUMN_RUNS:
        assert row.citation.kind == "published"
        assert "Senk" in row.citation.where
        assert 0.01 < row.real_time_factor < 100
        assert row.joules is None or 0.01 * uJ < row.joules < 20 * uJ
        assert row.drive in ("dc", "poisson")
        assert 2018 <= row.year <= 2023


def test_the_best_of_them():
    assert machines.best().name == machines.best("time").name == "neuroAIx, 35 FPGAs"
    assert machines.best().joules == pytest.approx(0.0476 * uJ)
    assert machines.machine("GeNN, V100").citation.where.endswith("estimated by its authors")
    assert machines.machine("GeNN, Titan RTX").watts is None


def test_power_follows_from_speed_and_energy():
    """12 boards of SpiNNaker in real time: 0.601 µJ × 967 million events a second."""
    assert machines.machine("SpiNNaker, 12 boards").watts == pytest.approx(581, rel=0.01)
    assert machines.energy_per_event(581.2, 9.67e8) == pytest.approx(0.601 * uJ, rel=1e-3)


def test_an_emulated_event_lies_three_orders_below_the_best_machine():
    assert 1000 < machines.times_above(23.6 * pJ) < 3000


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: machines.machine("GeNN, V10"), "did you mean 'GeNN, V100'"),
        (lambda: machines.best("colour"), "Known: energy, time"),
        (lambda: machines.energy_per_event(1.0, 0.0), "makes no sense"),
    ],
)
def test_what_makes_no_sense_is_refused(ask, sentence):
    with pytest.raises(DescriptionError, match=sentence):
        ask()


def test_it_is_light():
    import subprocess
    import sys

    heavy = ("brian2", "numba", "holoviews", "matplotlib", "xarray", "workbench.circuits")
    code = f"import sys, workbench.machines; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
