"""Published machines: every number has a place, and the arithmetic on them is arithmetic."""

from __future__ import annotations

import pytest

from workbench import machines
from workbench.errors import DescriptionError
from workbench.machines import COLUMN_RUNS, COUNTED, SYSTEMS, Amount, Energy, System, system
from workbench.recordings.prices import Citation
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


# --- amounts -----------------------------------------------------------------------------------------------------------


def test_an_amount_keeps_its_unit_through_products_and_quotients():
    energy = Amount(20, "W") / Amount(228e12, "op/s")
    assert energy.dimension == {"J": 1, "op": -1}
    assert energy.to("fJ/op") == pytest.approx(87.719, rel=1e-4)
    assert (energy * Amount(1, "Top/s")).to("W") == pytest.approx(0.087719, rel=1e-4)
    assert (Amount(7.9, "MW") * 1542).to("GW") == pytest.approx(12.1818)
    assert (1 / Amount(400e9, "op/(s·W)")).to("pJ/op") == pytest.approx(2.5)
    assert Amount(1, "h").to("min") == 60
    assert Amount(5, "J/s") == Amount(5000, "mW")
    assert hash(Amount(5, "J/s")) == hash(Amount(5, "W"))
    assert Amount(1, "W") != Amount(1, "J")
    assert Amount(1, "pJ") < Amount(1, "nJ")


@pytest.mark.parametrize(
    "unit", ["W/op", "pJ/(op·s)", "J", "event/s", "Zbit/s", "nW/neuron", "J/(K·kg)", "1", "s^2", "W^2/K"]
)
def test_the_dimension_written_out_reads_back_as_itself(unit):
    amount = Amount(3.0, unit)
    again = amount * 1.0
    assert again.dimension == amount.dimension
    assert Amount(1.0, again.unit).dimension == amount.dimension
    assert again.to(unit) == pytest.approx(3.0)


def test_watts_over_operations_are_not_joules_an_operation():
    wrong = Amount(20, "W") / Amount(228e12, "op")
    with pytest.raises(DescriptionError, match=r"W/op is not fJ/op: to get there, multiply by something in s\."):
        wrong.to("fJ/op")
    with pytest.raises(DescriptionError, match="multiply by something in op"):
        Amount(1, "J/op").to("J")


def test_an_operation_is_not_an_event_and_nothing_is_added_to_another_kind():
    with pytest.raises(DescriptionError, match="different kinds: J/op and J/event"):
        Amount(23.6, "pJ/op") + Amount(4.9, "pJ/event")
    assert (Amount(23.6, "pJ/op") + Amount(0.0004, "nJ/op")).to("pJ/op") == pytest.approx(24.0)
    assert (Amount(3, "W") - Amount(1, "J/s")).to("W") == pytest.approx(2)
    with pytest.raises(DescriptionError, match="different kinds"):
        _ = Amount(1, "W") < Amount(1, "J")


@pytest.mark.parametrize("unit", ["Wat", "J/(op/s)", "pJ/sop", "8"])
def test_a_unit_nobody_has_is_refused(unit):
    with pytest.raises(DescriptionError, match="Unknown unit"):
        Amount(1, unit)


def test_nothing_is_divided_by_nothing():
    with pytest.raises(DescriptionError, match="divided by nothing"):
        Amount(1, "W") / Amount(0, "op/s")


# --- systems -----------------------------------------------------------------------------------------------------------


def test_every_system_cites_each_of_its_numbers():
    assert len(SYSTEMS) >= 20
    for name, one in SYSTEMS.items():
        assert one.name == name
        assert one.numbers or one.energies, name
        for number, (value, citation) in one.numbers.items():
            assert value > 0
            assert citation.kind in ("published", "computed", "assumed")
            assert len(citation.where) > 10, (name, number)
        for energy in one.energies:
            assert energy.counted in COUNTED
            assert len(energy.citation.where) > 10


def test_what_was_only_recalled_is_marked_assumed():
    """The list of what nobody found in a source, number by number; it may only become shorter."""
    assumed = {
        f"{one.name}.{key}" for one in SYSTEMS.values() for key, (_, citation) in one.numbers.items() if citation.kind == "assumed"
    } | {
        f"{one.name} {energy.joules:.2e}" for one in SYSTEMS.values() for energy in one.energies if energy.citation.kind == "assumed"
    }  # fmt: skip
    assert assumed == {
        "brain.synapses", "truenorth.speed", "spinnaker.neurons", "sequoia.watts",
        "truenorth 2.17e-11", "truenorth 2.60e-11", "brainscales-2 1.00e-11", "tianjic 1.54e-12",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number", "value"),
    [
        ("brain", "neurons", 86e9),
        ("brain", "watts", 20),
        ("truenorth", "neurons", 1_048_576),
        ("truenorth", "synapses", 268_435_456),
        ("hala-point", "neurons", 1.15e9),
        ("hala-point", "events", 380e12),
        ("spinnaker", "watts", 57_600),
        ("spinnaker-2", "neurons", 5.244e9),
        ("brainscales-1", "speed", 1e4),
        ("darwin-wafer", "synapses", 6.4e9),
        ("tianqin-hai", "neurons", 2e8),
        ("deepsouth", "events", 228e12),
        ("cg-1", "watts", 1.28e6),
        ("wse-2", "operations", 62.5e15),
        ("sequoia", "neurons", 5.3e11),
        ("sequoia", "synapses", 1.37e14),
    ],
)
def test_numbers_are_the_published_ones(name, number, value):
    assert getattr(system(name), number) == pytest.approx(value, rel=1e-9)


def test_machines_that_are_also_chips_have_the_chips_prices():
    from workbench.chips import CHIPS
    from workbench.chips.dense import DENSE

    assert system("loihi").energies[0].joules == CHIPS["loihi-davies"].prices["synaptic operation"].joules
    assert system("odin").energies[0].joules == CHIPS["odin"].prices["synaptic operation"].joules
    for name in ("a100", "h100"):
        engine = DENSE[name]
        assert system(name).energies[0].joules == pytest.approx(engine.mac_fp16)
        assert (system(name).watts, system(name).operations) == (engine.power, engine.peak_fp16)


def test_energies_at_the_plug_are_rows_of_the_column():
    plug = {one.name: one.energy("plug") for one in SYSTEMS.values() if one.energy("plug")}
    assert set(plug) == {"spinnaker", "rtx-4090", "epyc", "neuroaix"}
    assert plug["neuroaix"].joules == machines.best().joules


def test_a_system_that_says_less_or_more_than_it_cites_is_refused():
    with pytest.raises(DescriptionError, match=r"numbers and citations do not match in watts"):
        System(name="x", title="x", year=2000, family="GPU", watts=1.0)
    cited = {"watts": Citation("assumed", "a guess of ours")}
    with pytest.raises(DescriptionError, match=r"x.watts is -1.0"):
        System(name="x", title="x", year=2000, family="GPU", watts=-1.0, sources=cited)
    with pytest.raises(DescriptionError, match="between 0 and 1"):
        Energy(2.0, "chip", cited["watts"])
    with pytest.raises(DescriptionError, match="write operation, chip, plug"):
        Energy(1e-12, "socket", cited["watts"])  # type: ignore[arg-type]
    with pytest.raises(DescriptionError, match="did you mean 'truenorth'"):
        system("truenort")
