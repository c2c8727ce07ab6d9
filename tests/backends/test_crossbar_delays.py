"""Synapses of different delays on a crossbar: a matrix for each delay, up to as many as the chip allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.backends.base import compile
from workbench.backends.crossbar.delays import by_delay
from workbench.chips import CHIPS, Ideal
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import FixedProbability, OneToOne
from workbench.errors import DescriptionError, PlacementError
from workbench.experiment import Experiment
from workbench.units import ms, mV

PERFECT = CHIPS["crossbar-ideal"]
DT = 0.1 * ms


def network(low: float = 0.5, high: float = 1.5) -> Network:
    return Network(
        {"A": Population(60, Lif()), "B": Population(40, Lif())},
        {"w": Source(60, Poisson(3000.0))},
        {
            "in": Projection("w", "A", OneToOne(), weight=1.5 * mV),
            "AB": Projection("A", "B", FixedProbability(0.4), weight=1 * mV, delay=Uniform(low * ms, high * ms)),
            "BA": Projection("B", "A", FixedProbability(0.3), weight=-0.3 * mV, delay=0.5 * ms),
        },
    )


def run(chip):
    return Experiment(network(), chip, duration=100 * ms, dt=DT, seed=4).run()


def test_a_matrix_for_each_delay_equals_brian2_with_all_delays_kept():
    """Nothing is lost: the perfect chip has the spikes of the network as it was described."""
    r, reference = run(PERFECT), run(Ideal())
    assert not any("become one" in loss for loss in r.placement.losses)
    assert len({c.name.split("(")[1] for c in r.placement.cores}) == 11 + 1  # eleven delays of AB, one of BA
    assert all(reference.spikes[n] == r.spikes[n] for n in r.spikes)
    assert r.counts["B"] > 50


def test_parts_hold_every_synapse_once_and_groups_are_of_like_size():
    block = unfold(network(), seed=4).projections["AB"]
    i, j = block.edges()
    steps = np.maximum(np.rint(np.asarray(block.delay) / DT), 1).astype(int)
    for most in (1, 2, 4, 10, 11, 100):
        parts, losses = by_delay(block, DT, most=most)
        assert len(parts) == min(most, 11) or (most == 10 and 8 < len(parts) < 11)
        assert [p.steps for p in parts] == sorted({p.steps for p in parts})
        assert bool(losses) == (most < 11)
        assert sum(p.block.count for p in parts) == block.count
    apart, _ = by_delay(block, DT, most=11)
    for part in apart:
        found = set(zip(*(a.tolist() for a in part.block.edges()), strict=True))
        assert found == set(zip(i[steps == part.steps].tolist(), j[steps == part.steps].tolist(), strict=True))
    halves, _ = by_delay(block, DT, most=2)
    assert abs(halves[0].block.count - halves[1].block.count) < 0.2 * block.count


@pytest.mark.parametrize("most", [1, 3])
def test_too_many_delays_are_put_together_and_said(most):
    chip = replace(PERFECT, delays=most)
    program = Experiment(network(), chip, duration=100 * ms, dt=DT, seed=4).compile()
    said = [loss for loss in program.placement.losses if "become one of" in loss]
    assert len(said) == 1
    assert "0.5 to 1.5 ms" in said[0]
    assert ("a matrix of its own" in said[0]) == (most > 1)
    drive = draw(program.netlist, 100 * ms, dt=DT, seed=4)
    reference = compile(program.realised, Ideal(), dt=DT, seed=4).run(drive)
    r = program.run(drive)
    assert all(reference.spikes[n] == r.spikes[n] for n in r.spikes)


def test_delays_cost_tiles_and_reads():
    one, all_of_them = run(replace(PERFECT, delays=1)), run(PERFECT)
    assert len(all_of_them.placement.cores) == len(one.placement.cores) + 10
    assert all_of_them.ledger.count("tile read") > 5 * one.ledger.count("tile read")


def test_a_chip_with_too_few_tiles_for_the_delays_says_what_to_write():
    with pytest.raises(PlacementError, match="fewer delays"):
        run(replace(PERFECT, tiles=8))
    run(replace(PERFECT, tiles=8, delays=3))


def test_no_delay_at_all_is_refused():
    with pytest.raises(DescriptionError, match="delays"):
        replace(PERFECT, delays=0)
