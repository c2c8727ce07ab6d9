"""The sheet's wiring is what it says it is, and near enough to the uniform random graph; showers are independent Poisson spikes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench import streams
from workbench.backends.base import compile
from workbench.chips import CHIPS
from workbench.circuits.drive import draw
from workbench.circuits.library.wafer_sheet import WaferSheet
from workbench.circuits.network import Network
from workbench.circuits.sheet import NEAR, Sheet, patch_edges
from workbench.circuits.shower import Shower
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import HashRule
from workbench.errors import DescriptionError

KEY = streams.stream(5, "a test")


def in_degrees(rule, sources, targets, key=KEY):
    return np.bincount(rule.edges(sources, targets, key)[1], minlength=targets)


def test_every_contact_is_a_permutation_and_the_near_ones_are_near():
    sheet = Sheet(40, 6, 5, local=0.5, contacts=20)
    reached = sheet.reached(KEY)
    assert reached.shape == (20, 30)
    for row in reached:
        assert np.array_equal(np.sort(row), np.arange(30))
    for c, (dx, dy) in zip(range(sheet.near), NEAR + NEAR, strict=False):
        x, y = reached[c] % 6, reached[c] // 6
        assert np.array_equal((x - dx) % 6, np.arange(30) % 6)
        assert np.array_equal((y - dy) % 5, np.arange(30) // 6)
    assert len({tuple(row) for row in reached[sheet.near :].tolist()}) == 10


@pytest.mark.parametrize(
    ("fan_out", "contacts", "sources", "targets"), [(100, 20, 700, 700), (7, 3, 300, 90), (3, 20, 90, 400)]
)
def test_targets_follow_the_written_rule(fan_out, contacts, sources, targets):
    """Draw by draw in Python's whole numbers, from the docstring."""
    sheet = Sheet(fan_out, 3, 3, 0.4, contacts)
    made = sheet.targets_of(np.arange(sources), sources, targets, KEY)
    assert made.shape == (sources, fan_out)
    starts, ends = patch_edges(sources, 9).tolist(), patch_edges(targets, 9).tolist()
    contacts = min(contacts, fan_out)
    for i in range(0, sources, 37):
        home = max(p for p in range(9) if starts[p] <= i)
        wanted = []
        for c in range(contacts):
            share = (c + 1) * fan_out // contacts - c * fan_out // contacts
            there = int(sheet.reached(KEY)[c, home])
            n = ends[there + 1] - ends[there]
            for j in range((share + 1) // 2):
                w = streams.step_words(KEY, 65536 * c + j, 65536 * c + j + 1)[0]
                h = int(streams.bits(w[0], w[1], np.array([i], np.uint32))[0])
                pair = [h * n >> 32, (h * n % 2**32) * n >> 32]
                wanted += [ends[there] + t for t in pair[: share - 2 * j]]
        assert made[i].tolist() == wanted


def test_edges_rows_and_targets_are_the_same_synapses():
    sheet = Sheet(11, 4, 2, 0.3, 5)
    i, j = sheet.edges(200, 90, KEY)
    assert i.size == sheet.count(200, 90, KEY) == 2200
    assert np.all(np.diff(j) >= 0)
    assert np.array_equal(np.bincount(i), np.full(200, 11))
    rows = sheet.rows(200, 90, KEY, numbered=True)
    for s in (0, 77, 199):
        mine = np.sort(rows.targets[rows.start[s] : rows.start[s + 1]])
        assert np.array_equal(mine, np.sort(sheet.targets_of(np.array([s]), 200, 90, KEY)[0]))
    assert np.array_equal(j[rows.edge], rows.targets)


def test_in_degrees_are_those_of_the_uniform_graph():
    """Mean 100 in every patch, variance that of a binomial, and the same distribution as uniform targets."""
    size, fan_out = 25_000, 100
    ours = in_degrees(Sheet(fan_out, 5, 5), size, size)
    uniform = in_degrees(HashRule(fan_out), size, size)
    assert np.array_equal(ours.reshape(25, -1).mean(axis=1), np.full(25, 100.0))
    error = np.sqrt(2 / size)  # of a variance, relatively
    assert ours.var() == pytest.approx(100.0, rel=4 * error)
    assert uniform.var() == pytest.approx(100.0, rel=4 * error)
    below = [np.cumsum(np.bincount(d, minlength=200))[:200] / size for d in (ours, uniform)]
    assert np.abs(below[0] - below[1]).max() < 1.63 * np.sqrt(2 / size)  # Kolmogorov–Smirnov, 1 %


def test_neighbours_share_more_targets_as_their_patch_reaches_few():
    size, fan_out, patches, contacts = 9_000, 60, 36, 6
    sheet = Sheet(fan_out, 6, 6, local=0.0, contacts=contacts)
    pairs = [(s, s + 1) for s in range(0, size, 250)] * 10
    firsts = np.array([s + k for k, (s, _) in enumerate(pairs)]) % size
    home = np.searchsorted(patch_edges(size, patches), firsts, side="right")
    others = np.where(
        np.searchsorted(patch_edges(size, patches), firsts + 7, side="right") == home, firsts + 7, firsts - 7
    )
    a, b = (sheet.targets_of(x, size, size, KEY) for x in (firsts, others))
    common = np.mean([(one[:, None] == two[None, :]).sum() for one, two in zip(a, b, strict=True)])
    assert common == pytest.approx(fan_out**2 / size * (patches / contacts + 1 - 1 / contacts), rel=0.1)


def test_the_sheet_and_the_uniform_graph_fire_at_the_same_rates():
    described = replace(WaferSheet(), neurons=6000, patch=400, weight=0.04, noise_weight=0.5)
    network = described.network()
    uniform = Network(
        network.populations,
        network.sources,
        {
            n: replace(p, wiring=HashRule(p.wiring.fan_out)) if isinstance(p.wiring, Sheet) else p
            for n, p in network.projections.items()
        },
    )
    chip = replace(CHIPS["loihi-roomy"], arithmetic="integer")
    rates = []
    for net in (network, uniform):
        netlist = unfold(net, seed=2)
        drive = draw(netlist, 1.5, dt=described.step, seed=2)
        counts = compile(netlist, chip, dt=described.step, seed=2).run(drive).counts
        rates.append(sum(counts.values()) / 6000 / 1.5)
    assert 0.5 < rates[0] < 5
    assert rates[0] == pytest.approx(rates[1], rel=0.05)  # 13,000 spikes or so: 1 % by chance


def test_a_shower_is_independent_poisson():
    shower, dt, size, steps = Shower(20.0), 1e-3, 1000, 4000
    counts = shower.block(size, 0, steps, dt, KEY).astype(np.float64)
    total = counts.sum()
    mean = 0.02 * size * steps
    assert total == pytest.approx(mean, abs=4 * np.sqrt(mean))
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / counts.size))
    of_neurons = counts.sum(axis=0)
    assert of_neurons.var() / of_neurons.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / size))
    of_groups = counts[:, :768].reshape(steps, 3, 256).sum(axis=2)
    assert of_groups.var() / of_groups.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / of_groups.size))
    near = np.corrcoef(counts[:, 0::2].reshape(-1)[: size * 400], counts[:, 1::2].reshape(-1)[: size * 400])[0, 1]
    later = np.corrcoef(counts[:-1].reshape(-1), counts[1:].reshape(-1))[0, 1]
    assert abs(near) < 4 / np.sqrt(size * 400)
    assert abs(later) < 4 / np.sqrt(size * (steps - 1))


def test_a_shower_is_the_same_in_any_window():
    shower = Shower(300.0)
    whole = shower.block(300, 0, 40, 1e-3, KEY)
    assert np.array_equal(whole[13:29], shower.block(300, 13, 29, 1e-3, KEY))
    assert np.array_equal(whole[:, :256], shower.block(256, 0, 40, 1e-3, KEY))
    assert whole.max() > 1


def test_what_makes_no_sense_is_refused():
    with pytest.raises(DescriptionError, match=r"Sheet\.local is 1\.5"):
        Sheet(10, 2, 2, 1.5)
    with pytest.raises(DescriptionError, match=r"Sheet\.patches_x is 0"):
        Sheet(10, 0, 2)
    with pytest.raises(DescriptionError, match="at least 100 neurons"):
        Sheet(10, 10, 10).count(50, 500, KEY)
    with pytest.raises(DescriptionError, match=r"Shower\.rate is -1"):
        Shower(-1.0)
    with pytest.raises(DescriptionError, match="write Poisson"):
        Shower(2e5).block(10, 0, 1, 1e-3, KEY)
