"""Power grids: closed forms of a strip, a plate, a disc and a pad, against the solver; edge feeding against vertical."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import DescriptionError
from workbench.physics import grid
from workbench.physics.grid import PowerGrid

SIDE = 0.215
J = 20e3 / SIDE**2


def test_20_kiloamperes_cannot_come_in_over_the_edges():
    assert pytest.approx(4.33e5, rel=1e-3) == J
    assert grid.strip_drop(J, 1e-3, SIDE) == pytest.approx(2.5, abs=0.01)
    assert grid.plate_drop(J, 1e-3, SIDE) == pytest.approx(1.47, abs=0.01)
    assert grid.strip_drop(J, 1e-4, SIDE) == pytest.approx(0.25, abs=0.001)
    assert grid.plate_drop(J, 1e-4, SIDE) == pytest.approx(0.147, abs=0.001)
    assert grid.vertical_drop(J, 2e-8) == pytest.approx(J * 2e-8)


@pytest.mark.parametrize(("size", "rs"), [((0.2, 0.2), 1e-3), ((0.3, 0.1), 4e-4)])
def test_the_solver_sags_as_the_closed_forms(size, rs):
    def drop(fed: str, **more) -> float:
        return float(PowerGrid(cells=(81, 81), size=size, sheets=[rs], fed=fed, **more).drop(1000.0).max())

    j = 1000.0 / (size[0] * size[1])
    assert drop("left and right") == pytest.approx(grid.strip_drop(j, rs, size[1]), rel=1e-3)
    assert drop("left") == pytest.approx(grid.strip_drop(j, rs, size[1], edges=1), rel=1e-3)
    assert drop("four edges") == pytest.approx(grid.plate_drop(j, rs, size[1], aspect=size[0] / size[1]), rel=1e-3)
    assert drop("vertical", feed=1e-7) == pytest.approx(grid.vertical_drop(j, 1e-7), rel=1e-10)


def test_a_disc_fed_at_its_rim_and_a_pad_in_its_cell_solve_their_equation():
    # (1/s)(s u')' = −jR: held at the rim of the disc; and closed at the cell's rim, held at the pad's
    n, a, b = 4000, 2e-4, 5e-3

    def radial(inner: float, outer: float, held_outer: bool) -> float:
        s = np.linspace(inner, outer, n + 1)
        mid, h = (s[1:] + s[:-1]) / 2, (outer - inner) / n
        inside = np.concatenate([[0.0], np.cumsum(mid * h)])  # current collected within s, over 2π j
        passed = inside if held_outer else inside[-1] - inside
        return float(np.sum(((passed[1:] + passed[:-1]) / 2) / mid * h))

    assert grid.disc_drop(1e5, 1e-3, b) == pytest.approx(100 * radial(0.0, b, True), rel=1e-4)
    assert grid.pad_drop(1e5, 1e-3, cell=b, pad=a) == pytest.approx(100 * radial(a, b, False), rel=1e-4)


def test_metal_above_carries_what_vias_let_through():
    # A thick upper sheet, perfect vias: both sheets in parallel. Poor vias: the lower one sags by j r more.
    def drop(via: float) -> float:
        return float(PowerGrid(cells=(60, 60), size=(0.1, 0.1), sheets=[1e-4, 1e-2], vias=[via]).drop(500.0).max())

    both = 1 / (1 / 1e-4 + 1 / 1e-2)
    assert drop(1e-12) == pytest.approx(grid.plate_drop(5e4, both, 0.1), rel=2e-3)
    assert drop(1e-12) < drop(1e-8) < drop(1e-6) < grid.plate_drop(5e4, 1e-2, 0.1)


def test_vertical_pads_leave_only_the_sag_between_them():
    # pads on every 8th cell of a periodic pattern: the same drop as one closed cell of the pattern
    feed = np.full((32, 32), np.inf)
    feed[4::8, 4::8] = 1e-9
    small = np.full((8, 8), np.inf)
    small[4, 4] = 1e-9
    wide = PowerGrid(cells=(32, 32), size=(0.04, 0.04), sheets=[1e-3], fed="vertical", feed=feed).drop(64.0).max()
    one = PowerGrid(cells=(8, 8), size=(0.01, 0.01), sheets=[1e-3], fed="vertical", feed=small).drop(4.0).max()
    assert wide == pytest.approx(one, rel=0.3)
    edges = PowerGrid(cells=(32, 32), size=(0.04, 0.04), sheets=[1e-3]).drop(64.0).max()
    assert (
        PowerGrid(cells=(32, 32), size=(0.04, 0.04), sheets=[1e-3], fed="vertical", feed=1e-9).drop(64.0).max() < edges
    )


def test_drops_add_and_pads_are_reciprocal():
    rng = np.random.default_rng(0)
    g = PowerGrid(cells=(9, 7), size=(0.1, 0.1), sheets=[1e-3 * (1 + rng.random((9, 7)))])
    a, b = rng.random((9, 7)), rng.random((9, 7))
    assert np.abs(g.drop(a + b) - g.drop(a) - g.drop(b)).max() < 1e-12
    assert (g.drop(a) * b).sum() == pytest.approx((g.drop(b) * a).sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[0.0]), "above 0"),
        (lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[1.0], fed="below"), "feed"),
        (lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[1.0], fed="vertical"), "needs feed"),
        (lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[1.0], feed=1.0), "needs feed"),
        (lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[1.0, 1.0], vias=[0.0]), "vias"),
        (
            lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[1.0], fed="vertical", feed=np.inf).drop(1.0),
            "leads nowhere",
        ),
        (lambda: PowerGrid(cells=(3, 3), size=(1, 1), sheets=[1.0]).drop(-1.0), "negative"),
        (lambda: grid.pad_drop(1.0, 1.0, cell=1.0, pad=2.0), "does not fit"),
        (lambda: grid.strip_drop(1.0, 1.0, 1.0, edges=3), "1 or 2"),
    ],
)
def test_grids_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(DescriptionError, match=says):
        wrong()
