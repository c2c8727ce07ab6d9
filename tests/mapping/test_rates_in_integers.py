"""Populations keep their rates in whole numbers: library circuits at quick size, ten wiring seeds, within two standard deviations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.backends.base import compile
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.unfold import unfold
from workbench.units import ms

DT = 0.1 * ms
FLOAT = CHIPS["loihi-roomy"]
CHIP = replace(FLOAT, name="whole", arithmetic="integer")

SEEDS = range(10)
DURATION = 200 * ms
RUNNABLE = ("balanced", "vogels-abbott", "synfire-chain", "winner-take-all", "potjans-diesmann")


def rates(circuit: str, chip: Any) -> tuple[np.ndarray, list[str], tuple[str, ...]]:
    """The rate of each population (columns) for ten wiring seeds, and the losses of the last."""
    rows, losses, names = [], (), []
    for seed in SEEDS:
        netlist = unfold(CIRCUITS[circuit].quick().network(), seed=seed)
        program = compile(netlist, chip, dt=DT, seed=seed)
        losses = program.placement.losses
        counts = program.run(draw(netlist, DURATION, dt=DT, seed=seed)).counts
        names = list(counts)
        rows.append([counts[n] / netlist.populations[n].size / DURATION for n in names])
    return np.array(rows), names, losses


@pytest.mark.parametrize("circuit", RUNNABLE)
def test_populations_keep_their_rates_in_whole_numbers(circuit):
    """The mean over ten wiring seeds lies within two standard deviations (over seeds) of the float run."""
    exact, names, _ = rates(circuit, FLOAT)
    ours, _, losses = rates(circuit, CHIP)
    assert losses
    sd = exact.std(axis=0, ddof=1)
    off = ours.mean(axis=0) - exact.mean(axis=0)
    assert np.all(np.abs(off) <= 2 * sd), dict(zip(names, zip(off, sd)))


def test_the_worm_lies_outside_and_its_losses_say_why():
    """Its wiring is measured and nothing is random, so the band is a line. Each cell fires a few times, and jumps of a few per cent more
    or less decide whether a motor neuron joins in.
    """
    exact, names, _ = rates("worm", FLOAT)
    ours, _, losses = rates("worm", CHIP)
    assert np.all(exact == exact[0])
    off = dict(zip(names, (ours[0] - exact[0]) / np.maximum(exact[0], 1e-9)))
    assert off["sensory"] == off["inter"] == 0
    assert 0 < abs(off["motor"]) < 0.1
    assert any(loss == "motor: tau 20 ms kept as 20.43 ms (20 of 4096 a step)." for loss in losses)
    assert any("rounded to zero" in loss and loss.startswith("inter to sensory") for loss in losses)
