"""Murray's vessels: his exponent and angles found by optimisers that know neither; trees against even radii and ducts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from workbench.errors import DescriptionError
from workbench.physics import vascular
from workbench.physics.vascular import Tree

MU, UPKEEP = 3.5e-3, vascular.BLOOD_UPKEEP


def test_the_best_radius_costs_least_and_has_one_shear_for_every_flow():
    for flow in (1e-9, 3e-7, 5e-5):
        r = vascular.best_radius(flow, viscosity=MU, upkeep=UPKEEP)
        cost = [vascular.vessel_cost(flow, r * f, 0.1, viscosity=MU, upkeep=UPKEEP) for f in (0.999, 1.0, 1.001)]
        assert min(cost) == cost[1]
        assert vascular.wall_shear(flow, r, MU) == pytest.approx(1.650, abs=5e-4)
        assert vascular.wall_shear(flow, r, MU) == pytest.approx(math.sqrt(MU * UPKEEP), rel=1e-12)


@pytest.mark.parametrize(("e", "p", "exponent"), [(2.0, 4.0, 3.0), (3.0, 5.0, 7 / 3), (2.0, 2.0, 2.0)])
def test_an_optimiser_of_a_whole_tree_finds_murrays_exponent(e, p, exponent):
    # Radii free, one by one; cost Q^e/r^p + r² summed over an uneven tree. Then r ∝ Q^(1/x), and r0^x = Σ r^x at each branching.
    flow = np.array([1.0, 0.7, 0.3, 0.5, 0.2, 0.25, 0.05])
    length = np.array([1.0, 0.8, 0.6, 0.5, 0.9, 0.4, 0.7])

    def cost(log_r: np.ndarray) -> float:
        r = np.exp(log_r)
        return float((length * (flow**e / r**p + r**2)).sum())

    found = minimize(cost, np.zeros(7), method="BFGS", options={"gtol": 1e-9}).x
    slope = 1 / np.polyfit(np.log(flow), found, 1)[0]
    assert slope == pytest.approx(exponent, abs=0.005)
    assert vascular.exponent(e, p) == pytest.approx(exponent)
    r = np.exp(found)
    assert vascular.parent_radius([r[1], r[2]], exponent=exponent) == pytest.approx(r[0], rel=1e-4)


def test_equal_daughters_are_0_7937_of_their_parent_and_turn_by_37_47_degrees():
    assert vascular.daughter_ratio() == pytest.approx(0.7937, abs=5e-5)
    assert math.degrees(vascular.half_angle()) == pytest.approx(37.47, abs=0.005)
    assert 2 * math.degrees(vascular.half_angle()) == pytest.approx(74.93, abs=0.005)
    assert vascular.branch_angles(1.0, 1.0) == pytest.approx((vascular.half_angle(),) * 2)
    assert vascular.daughter_ratio(3, exponent=2.0) == pytest.approx(3**-0.5)
    assert math.degrees(vascular.half_angle(exponent=2.0)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("first", "second"), [(1.0, 1.0), (1.0, 0.6), (0.8, 0.7)])
def test_an_optimiser_of_the_branching_point_finds_the_angles(first, second):
    parent = vascular.parent_radius([first, second])
    ends, weights = np.array([[-3.0, 0.0], [1.5, 1.4], [1.5, -1.1]]), np.array([parent, first, second]) ** 2

    def volume(point: np.ndarray) -> float:
        return float((weights * np.hypot(*(ends - point).T)).sum())

    at = minimize(volume, np.zeros(2), method="BFGS", options={"gtol": 1e-10}).x
    way = at - ends[0]
    turned = [abs(math.atan2(way[0] * d[1] - way[1] * d[0], float(way @ d))) for d in (ends[1] - at, ends[2] - at)]
    assert turned == pytest.approx(vascular.branch_angles(first, second), abs=1e-4)


def test_a_tree_whose_lengths_follow_its_radii_loses_as_much_in_each_generation():
    generations, ratio = 6, vascular.daughter_ratio()
    parent, length, flow = [-1], [1e-2], [1e-6]
    level = [0]
    for _ in range(generations):
        level = [
            (parent.append(k), length.append(length[k] * ratio), flow.append(flow[k] / 2), len(parent) - 1)[-1]
            for k in level
            for _ in range(2)
        ]
    tree = Tree(parent=np.array(parent), length=np.array(length), flow=np.array(flow))
    radii = 1e-3 * np.cbrt(tree.flow / 1e-6)
    pressure = tree.pressure(radii, 1e-3)
    first = pressure[0]
    assert pressure[tree.leaves] == pytest.approx(np.full(2**generations, first * (generations + 1)), rel=1e-9)


def test_murrays_radii_share_out_a_volume_for_least_friction():
    tree = vascular.plate_tree(5, (0.2, 0.2), 1e-5)
    best, even = tree.best_radii(1e-5), tree.even_radii(1e-5)
    assert tree.volume(best) == pytest.approx(1e-5, rel=1e-12) and tree.volume(even) == pytest.approx(1e-5, rel=1e-12)
    assert tree.friction(best, 1e-3) == pytest.approx(tree.least_friction(1e-5, 1e-3), rel=1e-12)
    assert tree.friction(best, 1e-3) < tree.friction(even, 1e-3)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = best * np.exp(0.1 * rng.standard_normal(best.size))
        other *= math.sqrt(1e-5 / tree.volume(other))
        assert tree.friction(other, 1e-3) > tree.friction(best, 1e-3)
    # power is pressure × flow, leaf by leaf
    leaves = tree.leaves
    assert (tree.pressure(best, 1e-3)[leaves] * tree.flow[leaves]).sum() == pytest.approx(
        tree.friction(best, 1e-3), rel=1e-9
    )


@pytest.mark.parametrize("size", [(0.2, 0.2), (0.1, 0.3)])
def test_a_plate_tree_serves_equal_areas(size):
    tree = vascular.plate_tree(6, size, 3e-6)
    assert tree.leaves.size == 64 and tree.flow[tree.leaves] == pytest.approx(np.full(64, 3e-6 / 64))
    x, y = tree.ends[tree.leaves][:, 2:].T
    spots = {(round(a / size[1] * 1e6), round(b / size[0] * 1e6)) for a, b in zip(x, y)}
    assert len(spots) == 64 and 0 < x.min() < x.max() < size[1] and 0 < y.min() < y.max() < size[0]
    assert x.mean() == pytest.approx(size[1] / 2) and y.mean() == pytest.approx(size[0] / 2)


def test_ducts_are_tubes_side_by_side():
    n, long, volume, flow = 20, 0.2, 1e-5, 1e-5
    radius = math.sqrt(volume / (n * math.pi * long))
    one = vascular.vessel_cost(flow / n, radius, long, viscosity=1e-3, upkeep=0.0)
    assert vascular.ducts_power(n, long, volume, flow, 1e-3) == pytest.approx(n * one, rel=1e-12)
    assert vascular.ducts_power(2 * n, long, volume, flow, 1e-3) == pytest.approx(2 * n * one, rel=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Tree(parent=np.array([-1, 0, 0]), length=np.ones(3), flow=np.array([1.0, 0.5, 0.4])),
        lambda: Tree(parent=np.array([0, -1]), length=np.ones(2), flow=np.ones(2)),
        lambda: Tree(parent=np.array([-1, 0]), length=-np.ones(2), flow=np.ones(2)),
        lambda: vascular.best_radius(-1.0, viscosity=MU, upkeep=1.0),
        lambda: vascular.parent_radius([]),
        lambda: vascular.plate_tree(0, (1, 1), 1.0),
        lambda: vascular.plate_tree(3, (1, 1), 1.0).best_radii(0.0),
    ],
)
def test_vessels_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DescriptionError):
        wrong()


def circulation(thin: float = 0.8) -> vascular.Circulation:
    """Arteries of a plate, and veins that come back another way: from an edge, twice as long."""
    arteries = vascular.plate_tree(4, (0.2, 0.15), 1e-5)
    veins = Tree(parent=arteries.parent, length=2 * arteries.length, flow=arteries.flow)
    return vascular.Circulation(arteries=arteries, veins=veins, viscosity=(1e-3, thin * 1e-3))


def test_an_optimiser_of_arteries_and_veins_finds_murrays_law_on_both_sides():
    # All radii free, one volume for both sides: r ∝ Q^(1/3) μ^(1/6), and the volume is shared as the closed form says
    both, volume = circulation(), 1e-5
    flow, length = (np.concatenate([getattr(tree, name) for tree in both.sides]) for name in ("flow", "length"))
    mu = np.repeat(both.viscosity, both.arteries.flow.size)
    flow, length, mu = flow / flow.max(), length / length.max(), mu / mu.max()

    def cost(log_r: np.ndarray) -> tuple[float, np.ndarray]:
        lost, held = mu * length * flow**2 * np.exp(-4 * log_r), length * np.exp(2 * log_r)
        return float((lost + held).sum()), 2 * held - 4 * lost

    found = np.exp(minimize(cost, np.zeros(flow.size), jac=True, method="BFGS", options={"gtol": 1e-9}).x)
    best = np.concatenate(both.best_radii(volume))
    assert best / best[0] == pytest.approx(found / found[0], rel=1e-5)
    back = best[both.arteries.flow.size :]
    assert back[0] / best[0] == pytest.approx(0.8 ** (1 / 6), rel=1e-12), "thinner coolant, finer veins"
    assert back[0] ** 3 == pytest.approx((back[1:3] ** 3).sum(), rel=1e-12), "where veins join, cubes add up too"


def test_friction_of_both_sides_is_their_closed_form_and_the_least():
    both, volume = circulation(), 1e-5
    best, even = both.best_radii(volume), both.even_radii(volume)
    assert both.volume(best) == pytest.approx(volume, rel=1e-12) == pytest.approx(both.volume(even), rel=1e-12)
    assert sum(both.friction(best)) == pytest.approx(both.least_friction(volume), rel=1e-12)
    assert both.least_friction(volume) < sum(both.friction(even))
    assert sum(both.shares()) == pytest.approx(1, rel=1e-12)
    assert [tree.volume(r) / volume for tree, r in zip(both.sides, best)] == pytest.approx(both.shares(), rel=1e-12)
    for share in (0.9, 1.1):
        own = share * both.shares()[0]
        other = both.arteries.best_radii(own * volume), both.veins.best_radii((1 - own) * volume)
        assert sum(both.friction(other)) > both.least_friction(volume)


def test_mirrored_veins_cost_eight_times_what_arteries_cost_alone():
    tree = vascular.plate_tree(6, (0.2, 0.2), 1e-5)
    both = vascular.Circulation(arteries=tree, veins=tree, viscosity=(1e-3, 1e-3))
    assert both.shares() == (0.5, 0.5)
    assert both.least_friction(1e-5) == pytest.approx(8 * tree.least_friction(1e-5, 1e-3), rel=1e-12)


def test_the_whole_pressure_is_that_of_arteries_and_of_veins_and_pumps_what_is_lost():
    both = circulation()
    radii = both.best_radii(1e-5)
    there, back = (tree.pressure(r, mu)[tree.leaves] for tree, r, mu in zip(both.sides, radii, both.viscosity))
    assert both.pressure(radii) == pytest.approx(there + back, rel=1e-12)
    flow = both.arteries.flow[both.arteries.leaves]
    assert (both.pressure(radii) * flow).sum() == pytest.approx(sum(both.friction(radii)), rel=1e-9)
    assert flow.sum() == pytest.approx(both.veins.flow[0], rel=1e-12), "what comes in goes out"


def test_veins_that_do_not_take_what_arteries_bring_are_refused():
    arteries = vascular.plate_tree(3, (0.2, 0.2), 1e-5)
    for veins in (vascular.plate_tree(4, (0.2, 0.2), 1e-5), vascular.plate_tree(3, (0.2, 0.2), 0.9e-5)):
        with pytest.raises(DescriptionError, match="Veins take from each place"):
            vascular.Circulation(arteries=arteries, veins=veins, viscosity=(1e-3, 1e-3))
    with pytest.raises(DescriptionError, match="viscosity"):
        vascular.Circulation(arteries=arteries, veins=arteries, viscosity=(1e-3, 0.0))
