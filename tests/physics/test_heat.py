"""Heat in a stack: slabs, films, glue, a coolant that warms, and the balance of what goes in and out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.errors import DescriptionError
from workbench.physics import conduction, coolant
from workbench.physics.heat import Layer, Stack
from workbench.physics.materials import BLOOD, COPPER, SILICON, Solid, water
from workbench.physics.stacking import even_rise
from workbench.recordings.prices import Citation

RNG = np.random.default_rng(3)
AREA = 0.2 * 0.3
PLAIN = Solid(
    name="plain", conductivity=130.0, density=2329.0, heat_capacity=700.0, citation=Citation("assumed", "a test")
)


def stack(cells=(12, 16), film=1e4, **more) -> Stack:
    layers = more.pop("layers", None) or (
        Layer(name="active", solid=SILICON, thickness=50e-6, interface=1e-7),
        Layer(name="wafer", solid=PLAIN, thickness=0.725e-3, interface=1e-5, slices=2),
        Layer(name="plate", solid=COPPER, thickness=3e-3, slices=2),
    )
    return Stack(layers=layers, size=(0.2, 0.3), cells=cells, film=film, **more)


def test_even_power_is_the_lumped_stack_everywhere():
    s = stack()
    f = s.field({"active": 5000.0})
    assert np.abs(f.rise[0] - 5000.0 * s.resistance()).max() < 1e-8
    assert np.ptp(f.of("wafer")) < 1e-9


def test_a_slab_of_many_slices_has_the_drop_of_its_closed_form_and_a_heated_one_its_parabola():
    slices, thick = 40, 1e-3
    cold = stack(layers=[Layer(name="slab", solid=PLAIN, thickness=thick, slices=slices)], film=1e9)
    rise = cold.field({"slab": 6000.0}).rise[:, 0, 0]
    source = 6000.0 / (AREA * thick)
    depth = (np.arange(slices) + 0.5) / slices * thick
    exact = conduction.slab_source_rise(source, thick, 130.0, cooled="one") * (1 - (depth / thick) ** 2)
    assert np.abs(rise - exact - 6000.0 / AREA / 1e9).max() < 2e-3 * exact.max()
    both = stack(layers=[Layer(name="slab", solid=PLAIN, thickness=thick, slices=41)], film=1e9, top_film=1e9)
    f = both.field({"slab": 6000.0})
    assert f.rise.max() == pytest.approx(conduction.slab_source_rise(source, thick, 130.0), rel=2e-3)
    assert f.heat_out == pytest.approx(f.heat_in, rel=1e-10)


def test_many_active_layers_add_up_as_their_closed_form():
    # n layers of power, each one interface above the next; interface large beside the silicon
    for n in (1, 2, 5):
        layers = [
            Layer(name=f"die {k}", solid=COPPER, thickness=1e-6, interface=1e-5 if k < n - 1 else 0.0) for k in range(n)
        ]
        s = stack(layers=layers, film=2e4)
        f = s.field({f"die {k}": 1000.0 for k in range(n)})
        between = 1e-5 + 1e-6 / 400
        assert f.rise.max() == pytest.approx(
            even_rise(n, 1000.0 / AREA, between, 1 / (1 / 2e4 + 0.5e-6 / 400)), rel=1e-10
        )


@pytest.mark.parametrize("flow", [math.inf, 900.0, 60.0])
@pytest.mark.parametrize("uneven", [False, True])
def test_heat_in_is_heat_out_to_1e_10(flow, uneven):
    cover = np.ones((12, 16))
    if uneven:
        cover[::3, ::4] = 0.0
    layers = (
        Layer(name="active", solid=SILICON, thickness=0.7e-3, interface=1e-5, cover=cover),
        Layer(name="plate", solid=COPPER, thickness=3e-3),
    )
    power = 5000 * RNG.random((12, 16)) / 96
    f = stack(layers=layers, flow=flow).field({"active": power})
    assert f.heat_in == pytest.approx(power.sum(), rel=1e-12)
    assert abs(f.heat_out - f.heat_in) < 1e-10 * f.heat_in
    wetted, _ = f.stack.sheets.lost(f.rise, reservoir=f.stack.beneath(f.coolant[:, :-1] - f.stack.inlet))
    assert abs(wetted - f.heat_in) < 1e-10 * f.heat_in


def test_the_coolant_warms_by_p_over_mc_on_the_whole_and_evenly_over_even_power():
    f = stack(flow=500.0).field({"active": 4000.0})
    assert (f.coolant[:, -1] - f.coolant[:, 0]).mean() == pytest.approx(4000 / 500, rel=1e-10)
    assert np.diff(f.rise[-1].mean(axis=0)).min() > 0, "downstream is hotter"
    still = stack().field({"active": 4000.0})
    assert (f.rise > still.rise - 1e-9).all()


def test_an_isothermal_wall_gives_its_coolant_the_effectiveness_of_the_closed_form():
    # A wall that conducts perfectly along: all at one temperature T; Q = ε C T with ε = 1 − exp(−hA/C), whatever the grid.
    perfect = Solid(
        name="perfect", conductivity=1e12, density=1.0, heat_capacity=1.0, citation=Citation("assumed", "a test")
    )
    for columns in (3, 24):
        s = Stack(
            layers=[Layer(name="w", solid=perfect, thickness=1e-3)],
            size=(0.2, 0.3),
            cells=(2, columns),
            film=2e4,
            flow=700.0,
        )
        f = s.field({"w": 1000.0})
        share = coolant.effectiveness(2e4 * AREA / 700.0)
        assert f.rise.mean() == pytest.approx(1000 / (700.0 * share), rel=1e-6)


def test_what_i_feels_of_j_is_what_j_feels_of_i_and_fields_add():
    s = stack()
    a, b = np.zeros((12, 16)), np.zeros((12, 16))
    a[2, 3], b[9, 12] = 1.0, 1.0
    fa, fb, both = (s.field({"active": p}) for p in (a, b, 2 * a + 3 * b))
    assert fa.rise[0, 9, 12] == pytest.approx(fb.rise[0, 2, 3], rel=1e-9)
    assert np.abs(both.rise - 2 * fa.rise - 3 * fb.rise).max() < 1e-9
    assert np.unravel_index(fa.rise.argmax(), fa.rise.shape) == (0, 2, 3) and fa.rise.min() > 0


def test_a_thin_wafer_follows_its_coolant_in_its_time_constant():
    s = Stack(layers=[Layer(name="si", solid=PLAIN, thickness=0.775e-3)], size=(0.2, 0.2), cells=(4, 4), film=1e4)
    tau = conduction.time_constant(2329, 700, 0.775e-3, 1e4) + 2329 * 700 * (0.775e-3) ** 2 / (2 * 130)
    steps = s.steps({"si": 1000.0}, dt=tau / 50)
    course = [next(steps).mean() - s.inlet for _ in range(100)]
    final = s.field({"si": 1000.0}).rise.mean()
    assert course[49] / final == pytest.approx(1 - math.exp(-1), abs=1e-4)
    assert course[99] / final == pytest.approx(1 - math.exp(-2), abs=1e-4)


def test_the_surface_of_a_deep_body_steps_as_the_error_function():
    n, thick = 200, 0.02
    s = Stack(
        layers=[Layer(name="body", solid=PLAIN, thickness=thick, slices=n)],
        size=(1, 1),
        cells=(1, 1),
        film=1e9,
        inlet=300.0,
    )
    start = np.full((n, 1, 1), 340.0)
    steps = s.steps({}, dt=0.002, start=start)
    got = [next(steps) for _ in range(100)][-1][:, 0, 0]
    depth = thick - (np.arange(n) + 0.5) * thick / n
    alpha = conduction.diffusivity(130, 2329, 700)
    exact = conduction.step_temperature(depth, 0.2, alpha, surface=300.0, start=340.0)
    assert np.abs(got - exact).max() < 0.05


def test_a_hot_core_on_a_wafer_is_local():
    # A hot column of cells at one end falls by e within the spreading length
    s = Stack(layers=[Layer(name="si", solid=PLAIN, thickness=0.775e-3)], size=(0.01, 0.1), cells=(1, 2000), film=1e4)
    hot = np.zeros((1, 2000))
    hot[0, 0] = 1.0
    rise = s.field({"si": hot}).rise[0, 0]
    film = 1 / (1e-4 + 0.775e-3 / 2 / 130)
    length = conduction.spreading_length(130, 0.775e-3, film)
    step = 0.1 / 2000
    far = round(length / step)
    assert rise[10 + far] / rise[10] == pytest.approx(math.exp(-far * step / length), rel=1e-3)


def test_a_coolant_needs_33_litres_a_minute_for_23_kilowatts_at_10_kelvin():
    w = water(293.15)
    assert coolant.mass_flow(23e3, 10.0, w) == pytest.approx(0.549, abs=0.001)
    assert coolant.volume_flow(23e3, 10.0, w) * 60e3 == pytest.approx(33.0, abs=0.1)
    assert coolant.rise(23e3, coolant.mass_flow(23e3, 10.0, w), w) == pytest.approx(10.0)


def test_blood_warms_by_less_than_half_a_kelvin_on_its_way_through_a_brain():
    assert coolant.bioheat_rise(20.0, 750e-6 / 60, BLOOD) == pytest.approx(0.42, abs=0.005)


def test_laminar_tubes():
    from scipy.integrate import quad

    # Poiseuille: the mean of the parabola (Δp/4μL)(r² − s²) carries Q
    r, long, mu, q = 1e-3, 0.3, 1e-3, 2e-6
    dp = coolant.pressure_drop(q, r, long, mu)
    carried = quad(lambda s: dp / (4 * mu * long) * (r * r - s * s) * 2 * math.pi * s, 0, r)[0]
    assert carried == pytest.approx(q, rel=1e-9)
    assert coolant.NUSSELT["flux"] == pytest.approx(48 / 11, abs=1e-3)
    assert coolant.duct_film(1e-3, water(), wall="temperature") == pytest.approx(3.66 * water().conductivity / 1e-3)
    assert coolant.reynolds(q, r, water()) < 2300
    assert coolant.pumping_power(dp, q, efficiency=0.5) == pytest.approx(2 * dp * q)


def test_nusselts_number_of_an_even_wall_is_the_first_eigenvalue_of_graetz():
    # (1/s)(s φ')' + λ²(1 − s²) φ = 0, Nu = λ₁²/2
    from scipy.linalg import eigh

    n = 800
    s = (np.arange(n) + 0.5) / n
    faces = np.arange(1, n) / n
    a = np.zeros((n, n))
    for k, f in enumerate(faces):
        a[k : k + 2, k : k + 2] += f * n * np.array([[1, -1], [-1, 1]])
    a[-1, -1] += 2 * n
    first = eigh(a, np.diag(s * (1 - s**2) / n), eigvals_only=True, subset_by_index=[0, 0])[0]
    assert first / 2 == pytest.approx(coolant.NUSSELT["temperature"], abs=0.005)


def test_effectiveness_has_its_limits():
    assert coolant.effectiveness(0.0) == 0.0
    assert coolant.effectiveness(50.0) == pytest.approx(1.0)
    assert coolant.counterflow_effectiveness(2.0, 0.0) == pytest.approx(coolant.effectiveness(2.0))
    assert coolant.counterflow_effectiveness(2.0, 1.0) == pytest.approx(
        coolant.counterflow_effectiveness(2.0, 1 - 1e-9), rel=1e-6
    )
    steps = coolant.ladder(np.full((1, 50), 30.0), 20.0, coolant.effectiveness(2.0 / 50))
    assert steps[0, -1] == pytest.approx(20 + 10 * coolant.effectiveness(2.0), rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: stack().field({"active": -1.0}), "negative"),
        (lambda: stack().field({"active": np.full((12, 16), np.nan)}), "not finite"),
        (lambda: stack().field({"active": np.ones((3, 3))}), "shape"),
        (lambda: stack().field({"glue": 1.0}), "layer"),
        (lambda: stack(film=0.0).field({"active": 1.0}), "leads nowhere"),
        (lambda: stack(film=-1.0), "negative"),
        (lambda: stack(flow=0.0), "flow"),
        (lambda: stack(flow=10.0, film=np.linspace(1, 2, 192).reshape(12, 16)), "film"),
        (lambda: stack(inlet=-3.0), "inlet"),
        (lambda: stack(layers=[Layer(name="a", solid=SILICON, thickness=1e-3, cover=1.2)]), "cover"),
        (lambda: stack(layers=[Layer(name="a", solid=SILICON, thickness=1e-3)] * 2), "one name"),
        (lambda: stack(layers=[Layer(name="a", solid=SILICON, thickness=1e-3)], top_film=1.0), "both faces"),
        (lambda: next(stack(flow=10.0).steps({}, dt=1.0)), "flow infinite"),
        (lambda: coolant.mass_flow(1.0, 0.0, water()), "rise"),
        (lambda: coolant.duct_film(1.0, water(), wall="round"), "wall"),
    ],
)
def test_stacks_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(DescriptionError, match=says):
        wrong()
