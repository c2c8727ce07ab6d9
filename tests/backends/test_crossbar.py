"""Matrices on crossbar arrays against plain products and closed forms; networks on them against Brian2."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.backends.base import Limits, Probe, compile
from workbench.backends.crossbar import Matrix
from workbench.chips import CHIPS, Ideal
from workbench.chips.crossbar import EVENTS, CrossbarChip, Effects
from workbench.chips.devices import DEVICES
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.stimuli import Frames, Poisson
from workbench.circuits.wiring import AllToAll, FixedProbability, OneToOne
from workbench.errors import DescriptionError, PlacementError, StoreError, UnsupportedError
from workbench.experiment import Experiment
from workbench.measures.crossbar_energy import activity, product
from workbench.units import ms, mV

RNG = np.random.default_rng(7)
W = RNG.normal(size=(90, 33))
X = RNG.uniform(-1, 1, (40, 90))
PERFECT: CrossbarChip = CHIPS["crossbar-ideal"]
NOISY: CrossbarChip = CHIPS["crossbar-assumed"]
ALONE = Effects(**dict.fromkeys(Effects.__dataclass_fields__, False))


def noisy(read: float) -> CrossbarChip:
    """A chip with a window from 0 to 100 µS, errors as shares of it, and no other imperfection."""

    device = replace(DEVICES["ideal"], name="assumed", read_constant=read * DEVICES["ideal"].g_max)
    return replace(PERFECT, device=device, effects=replace(ALONE, read_noise=True))


# --- exact ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tile", [(256, 256), (32, 16), (7, 2), (90, 66)])
@pytest.mark.parametrize("pairs", ["differential", "offset"])
def test_a_perfect_chip_multiplies(tile, pairs):
    # A window that does not begin at 0: what a closed cell conducts must cancel, in pairs or digitally.
    device = replace(DEVICES["ideal"], g_min=0.2 * DEVICES["ideal"].g_max)
    chip = replace(PERFECT, rows=tile[0], columns=tile[1], pairs=pairs, device=device)
    m = Matrix(W, chip)
    assert np.abs(m.product(X) - X @ W).max() < 1e-11
    assert np.abs(m.realised - W).max() < 1e-12


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 12),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["differential", "offset"]),
    st.sampled_from(["projection", "column"]),
    st.integers(0, 2**31),
)
def test_rounded_weights_lie_on_their_grid_and_slices_change_nothing(bits, slices, pairs, scale, seed):
    w = np.random.default_rng(seed).normal(size=(9, 5))
    whole = replace(
        PERFECT, weight_bits=bits * slices if bits * slices <= 16 else bits, pairs=pairs, weight_scale=scale
    )
    sliced = replace(whole, slices=slices if whole.weight_bits % slices == 0 else 1)
    one, many = Matrix(w, whole), Matrix(w, sliced)
    assert np.abs(one.realised - many.realised).max() < 1e-12
    largest = np.abs(w).max(axis=0) if scale == "column" else np.abs(w).max()
    levels = 2**whole.weight_bits - 1 if pairs == "differential" else 2 ** (whole.weight_bits - 1) - 1
    assert np.abs(one.realised - np.rint(w / largest * levels) / levels * largest).max() < 1e-12


@pytest.mark.parametrize("name", ["crossbar-assumed", "isaac", "neurram", "hermes-core", "sonos-1152"])
@pytest.mark.parametrize("dac", ["levels", "bit-serial"])
def test_any_split_of_a_batch_gives_the_same_codes_counts_and_clips(name, dac):
    chip = replace(CHIPS[name], dac=dac, dac_bits=min(CHIPS[name].dac_bits, 5), rows=48, adc_offset=0.3, adc_gain=0.01)
    m = Matrix(W, chip, seed=5).calibrated(X[:20])
    whole, parts = m.fresh(), m.fresh()
    y = whole.product(X)
    pieces = [parts.product(X[a:b], first=a) for a, b in [(0, 1), (1, 8), (8, 39), (39, 40)]]
    assert np.array_equal(np.concatenate(pieces), y)
    assert np.array_equal(whole.tally, parts.tally)
    assert (whole.clipped, whole.conversions) == (parts.clipped, parts.conversions)
    backwards = m.fresh()
    for a, b in [(30, 40), (0, 30)]:
        assert np.array_equal(backwards.product(X[a:b], first=a), y[a:b])


@pytest.mark.parametrize("name", ["crossbar-assumed", "isaac", "hermes-core"])
def test_codes_are_the_same_for_any_split_order_and_threads(name):
    chip = replace(CHIPS[name], rows=48, columns=40, tiles=10_000, dac_bits=min(CHIPS[name].dac_bits, 5))
    m = Matrix(W, chip, seed=5).calibrated(X[:20])
    x = X.copy()
    x[7, :48] = 0.0
    whole = m.codes(x)
    assert [(codes.shape, codes.dtype.kind) for codes in whole] == [((40, 33), "i")] * len(m.reads)
    pieces = [(k, min(k + 7, 40)) for k in range(0, 40, 7)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda ab: m.fresh().codes(x[ab[0] : ab[1]], first=ab[0]), pieces[::-1]))[::-1]
    for k, codes in enumerate(whole):
        assert np.array_equal(np.concatenate([part[k] for part in parts]), codes)
        rows, _, _ = m.reads[k]
        assert np.any(codes[7]) == (rows.start > 0)  # what drives no row is not read


def test_a_product_is_its_decoded_codes():
    chip = replace(PERFECT, adc_bits=8, dac_bits=6, rows=48, effects=replace(ALONE, read_noise=True))
    m = Matrix(W, replace(chip, device=noisy(0.01).device), seed=2).calibrated(X)
    top = 2 ** (chip.adc_bits - 1) - 1
    codes, scale = m.fresh().codes(X), [full / top for full in (m.save()["full.0"], m.save()["full.1"])]
    assert [rows for rows, _, _ in m.reads] == [slice(0, 45), slice(45, 90)]
    assert all(np.abs(one).max() <= top for one in codes)
    y = m.product(X)
    assert np.abs(sum(c * s for c, s in zip(codes, scale, strict=True)) - y).max() < 1e-12 * np.abs(y).max()
    assert np.array_equal(
        m.fresh().product(X.astype(np.float32)), m.fresh().product(X.astype(np.float32).astype(float))
    )
    with pytest.raises(UnsupportedError, match="no ADCs"):
        Matrix(W, PERFECT).codes(X)


def test_what_is_wrong_counts_nothing():
    m = Matrix(W, replace(NOISY, rows=48))
    m.product(X)
    before = m.tally, m.clipped, m.conversions, m.clipped_inputs
    for bad in (np.nan, np.inf, -np.inf):
        x = X.copy()
        x[30, 60] = bad
        with pytest.raises(DescriptionError, match="finite"):
            m.product(x)
    assert np.array_equal(m.tally, before[0])
    assert (m.clipped, m.conversions, m.clipped_inputs) == before[1:]


def test_a_chip_is_its_die_and_a_programming_its_seed():
    def made(die: int, seed: int) -> np.ndarray:
        return Matrix(W, replace(NOISY, die=die, stuck_low=0.05), seed=seed).realised

    assert np.array_equal(made(1, 2), made(1, 2))
    assert not np.array_equal(made(1, 2), made(1, 3))
    assert not np.array_equal(made(1, 2), made(2, 2))
    still = Effects(**(dict.fromkeys(Effects.__dataclass_fields__, False) | {"stuck": True}))
    stuck = replace(PERFECT, effects=still, stuck_low=0.05)
    one, other = Matrix(W, stuck, seed=1), Matrix(W, stuck, seed=9)
    assert np.array_equal(one.realised, other.realised)  # what is stuck belongs to the die
    assert not np.array_equal(one.realised, Matrix(W, replace(stuck, die=3)).realised)


def test_stuck_cells_stay_where_they_are_whatever_is_written():
    still = Effects(**(dict.fromkeys(Effects.__dataclass_fields__, False) | {"stuck": True}))
    chip = replace(PERFECT, effects=still, stuck_low=0.03, stuck_high=0.03, rows=64, columns=64)
    low, high = chip.device.g_min, chip.device.g_max
    one, two = (Matrix(w, chip).conductances[0] for w in (RNG.uniform(-1, 1, (64, 32)), RNG.uniform(-1, 1, (64, 32))))
    small = Matrix(RNG.uniform(-1, 1, (20, 10)), chip).conductances[0]
    held = (one == two) & ((one == low) | (one == high))
    assert 100 < np.count_nonzero(held & (one == high)) < 145  # 3 % of 4,096
    assert np.array_equal(small[:, :20] == high, (one[:20, :20] == high) & held[:20, :20] | (small == high))
    assert np.all((small == high)[held[:20, :20] & (one[:20, :20] == high)])


# --- closed forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [4, 6, 8, 10])
def test_the_converter_has_the_signal_to_noise_ratio_of_its_bits(bits):
    chip = replace(PERFECT, adc_bits=bits)
    x = np.sin(2 * np.pi * np.sqrt(2) * np.arange(20_000))[:, None]
    m = Matrix(np.array([[1.0]]), chip).calibrated(x)
    error = m.product(x)[:, 0] - x[:, 0]
    sqnr = 10 * np.log10(np.mean(x**2) / np.mean(error**2))
    # Equal steps to both sides of a code for zero: 2^b − 1 codes, which tells at few bits, as it does for any real converter.
    assert sqnr == pytest.approx(6.02 * bits + 1.76, abs=0.8 if bits < 6 else 0.15)


def test_programming_noise_reaches_the_output_as_the_sum_of_squares():
    chip = replace(PERFECT, device=DEVICES["pcm-joshi"], effects=replace(ALONE, programming=True), rows=64, columns=512)
    w = np.tile(RNG.uniform(-1, 1, (64, 1)), (1, 256))
    x = RNG.uniform(-1, 1, 64)
    errors = np.concatenate([Matrix(w, chip, seed=s).product(x) - x @ w for s in range(16)])
    device, window = chip.device, chip.device.g_max - chip.device.g_min
    share = np.abs(w[:, 0]) / np.abs(w).max()
    sd = [device.programming_sd(device.g_min + window * s) for s in (share, np.zeros(64))]
    # No conductance is below 0: cells at the bottom of the window lose the lower part of their error.
    variance = float(np.sum(x**2 * (sd[0] ** 2 + 0.34 * sd[1] ** 2)) * (np.abs(w).max() / window) ** 2)
    assert np.var(errors) == pytest.approx(variance, rel=0.12)


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_read_noise_reaches_the_output_as_the_norm_of_the_input(sigma):
    chip = noisy(read=sigma)
    m = Matrix(W, chip, seed=3)
    y = m.product(np.repeat(X[:1], 4000, axis=0))
    window = chip.device.g_max - chip.device.g_min
    sd = sigma * chip.device.g_max / window * np.abs(W).max() * np.sqrt(2) * np.linalg.norm(X[0])
    assert y.std(axis=0).mean() == pytest.approx(sd, rel=0.02)
    assert np.abs(y.mean(axis=0) - X[0] @ W).max() < 5 * sd / np.sqrt(4000)


def test_wires_are_the_effective_matrix():
    from workbench.physics.wires import effective

    chip = replace(PERFECT, wire_row=2.0, wire_column=3.0, effects=replace(ALONE, wires=True), rows=128, columns=128)
    m = Matrix(W, chip)
    t = effective(m.conductances[0], 2.0, 3.0)
    scale = np.abs(W).max() / (chip.device.g_max - chip.device.g_min)
    assert np.abs(m.realised - (t[:, 0::2] - t[:, 1::2]) * scale).max() < 1e-12
    assert np.abs(m.product(X) - X @ m.realised).max() < 1e-10


def test_what_a_product_costs_is_the_closed_form():
    x = RNG.uniform(0.05, 1, (1, 90))
    for name, dac in [
        ("crossbar-assumed", "levels"),
        ("crossbar-assumed", "bit-serial"),
        ("isaac", "bit-serial"),
        ("sonos-1152", "levels"),
    ]:
        chip = replace(CHIPS[name], dac=dac, rows=40, columns=20, adc_share=4, tiles=10_000)
        m = Matrix(W, chip, signed=False, inputs=1.0)
        m.product(x)
        theory = product(chip, 90, 33, given=activity(chip, x, 1.0))
        for event in ("tile read", "row pulse", "conversion", "digital addition", "buffer byte", "synaptic operation"):
            if dac == "levels" or event in ("row pulse", "synaptic operation"):
                assert m.counts[event] == pytest.approx(theory.counts[event]), (name, event)
            else:  # a row block is not read for a bit that none of its inputs has
                assert m.counts[event] <= theory.counts[event]
        assert m.seconds == pytest.approx(theory.latency)


def test_energy_in_the_cells_is_volts_squared_times_conductance():
    m = Matrix(W, replace(PERFECT, rows=40))
    m.product(X)
    joules = 0.0
    for array, g in zip(m.arrays, m.conductances, strict=True):
        joules += float(np.sum((X[:, array.piece.rows] * 0.2) ** 2 @ g)) * m.chip.read_time
    assert m.counts["array attojoule"] * 1e-18 == pytest.approx(joules, rel=1e-6)


# --- cures ----------------------------------------------------------------------------------------------------------


def off(chip: CrossbarChip, age: float = 0.0, **more: object) -> float:
    m = Matrix(W, replace(chip, age=age, **more), seed=1)  # type: ignore[arg-type]
    return float(np.sqrt(np.mean((m.realised - W) ** 2)))


def test_every_effect_hurts_alone_and_every_cure_helps():
    chip = replace(
        NOISY, device=DEVICES["pcm-nandakumar"], wire_row=1.0, wire_column=1.0, stuck_low=0.02, stuck_high=0.02
    )
    alone = {
        e: off(replace(chip, effects=replace(ALONE, **{e: True})), age=1e6)
        for e in ("programming", "drift", "stuck", "wires")
    }
    assert off(replace(chip, effects=ALONE), age=1e6) < 1e-12
    assert all(error > 1e-3 for error in alone.values()), alone
    drift = replace(chip, effects=replace(ALONE, drift=True, spread=True))
    assert off(drift, age=3e7, compensate=True) < 0.5 * off(drift, age=3e7)
    stuck = replace(chip, effects=replace(ALONE, stuck=True))
    assert off(stuck, remap=True) < 0.5 * off(stuck)
    writing = replace(chip, effects=replace(ALONE, programming=True))
    assert off(writing, verify=8, tolerance=0.02) < 0.5 * off(writing)


def test_calibration_undoes_offset_and_gain_of_the_converters():
    chip = replace(PERFECT, adc_bits=8, adc_offset=3.0, adc_gain=0.05, effects=replace(ALONE, converters=True))
    errors = {}
    for calibrate in (False, True):
        m = Matrix(W, replace(chip, calibrate=calibrate, adc_span=1.3)).calibrated(X)
        errors[calibrate] = np.std(m.product(X) - X @ W)
    assert errors[True] < 0.35 * errors[False]


def test_clipping_is_counted():
    m = Matrix(W, replace(PERFECT, adc_bits=8, adc_span=0.25)).calibrated(X)
    y = m.product(X)
    assert 0.05 < m.clipped / m.conversions < 0.6
    assert np.abs(y).max() < np.abs(X @ W).max()


# --- networks -------------------------------------------------------------------------------------------------------


def small(weight: float = 1.0 * mV) -> Network:
    return Network(
        {"A": Population(60, Lif()), "B": Population(40, Lif())},
        {"w": Source(60, Poisson(3000.0))},
        {
            "in": Projection("w", "A", OneToOne(), weight=1.5 * mV),
            "AB": Projection("A", "B", FixedProbability(0.4), weight=weight, delay=1 * ms),
            "BA": Projection("B", "A", AllToAll(), weight=-0.3 * mV, delay=0.5 * ms),
        },
    )


def test_an_imperfect_chip_realises_what_brian2_runs():
    """Static imperfections (writing, spread, drift, stuck cells, wires) are in `realised`: Brian2 runs it spike for spike."""
    effects = replace(NOISY.effects, read_noise=False, converters=False)
    chip = replace(
        NOISY,
        device=DEVICES["pcm-nandakumar"],
        effects=effects,
        adc_bits=0,
        age=1e5,
        stuck_low=0.01,
        wire_row=1.0,
        wire_column=1.0,
        rows=64,
        columns=64,
    )
    program = compile_small(chip)
    r = program.run(draw(program.netlist, 100 * ms, dt=0.1 * ms, seed=4), seed=4)
    assert r.arithmetic == "float64"
    reference = compile(program.realised, Ideal(), dt=0.1 * ms, seed=4).run(
        draw(program.realised, 100 * ms, dt=0.1 * ms, seed=4)
    )
    assert all(reference.spikes[n] == r.spikes[n] for n in r.spikes)
    assert r.counts["B"] > 50
    assert any("weights are off" in loss for loss in r.placement.losses)


def compile_small(chip, **more):
    return Experiment(small(), chip, duration=100 * ms, dt=0.1 * ms, seed=4, **more).compile()


def test_ledger_windows_add_up_to_the_run():
    whole = Experiment(small(), NOISY, duration=100 * ms, seed=4).run()
    parts = Experiment(small(), NOISY, duration=100 * ms, seed=4, limits=Limits(window=20 * ms)).run()
    assert parts.ledger.counts.shape[0] == 5
    assert np.array_equal(parts.ledger.counts.sum(axis=0), whole.ledger.counts[0])
    assert parts.ledger.chip_time == pytest.approx(whole.ledger.chip_time)
    assert whole.ledger.count("neuron update") == 100 * 1000
    assert whole.ledger.count("spike") == sum(whole.counts.values())
    assert set(whole.ledger.events) == set(EVENTS)


def test_layers_of_values_are_one_product_over_all_frames():
    rng = np.random.default_rng(1)
    frames, first, second = rng.uniform(0, 1, (30, 12)), rng.normal(size=(12, 9)), rng.normal(size=(9, 4))
    from scipy.sparse import coo_array

    from workbench.circuits.spread import Values
    from workbench.circuits.wiring import Explicit

    def dense(a, b, w):
        i, j = np.indices(w.shape).reshape(2, -1)
        rule = Explicit(coo_array((w.ravel(), (i, j)), shape=w.shape))
        return Projection(a, b, rule, weight=Values(tuple(rule.weights.tolist())), delay=0.0)

    net = Network(
        {"h": Population(9, Relu()), "o": Population(4, Relu(lowest=-1e6))},
        {"x": Source(12, Frames(frames, every=1 * ms))},
        {"xh": dense("x", "h", first), "ho": dense("h", "o", second)},
    )
    expected = np.maximum(frames @ first, 0) @ second
    exact = Experiment(net, PERFECT, duration=30 * ms, dt=1 * ms, probes=(Probe("o", "y"),)).run()
    assert np.abs(exact.traces["o.y"].values - expected).max() < 1e-12
    rough = Experiment(
        net, replace(PERFECT, adc_bits=8, dac_bits=8), duration=30 * ms, dt=1 * ms, probes=(Probe("o", "y"),)
    ).run()
    off = np.abs(rough.traces["o.y"].values - expected).max() / np.abs(expected).max()
    assert 1e-4 < off < 0.03


def test_a_run_of_another_die_numbers_or_programming_is_not_resumed(tmp_path):
    program = compile_small(NOISY)
    going = program.start(draw(program.netlist, 100 * ms, dt=0.1 * ms, seed=4), seed=4)
    going.advance(5 * ms)
    path = going.save(tmp_path / "run")
    for other in (replace(NOISY, die=1), replace(NOISY, adc_bits=7)):
        with pytest.raises(StoreError, match="chip's numbers"):
            compile_small(other).resume(path)
    again = compile(program.netlist, NOISY, dt=0.1 * ms, seed=5)
    with pytest.raises(StoreError, match="its seed is 4, here it is 5"):
        again.resume(path)
    assert compile_small(NOISY).resume(path).step == 50


# --- bad input ------------------------------------------------------------------------------------------------------


def test_refusals_say_what_and_where():
    with pytest.raises(PlacementError, match=r"needs 12 tiles .* 4 of 4 are free, 8 too few.*tiles=12"):
        Matrix(W, replace(PERFECT, rows=32, columns=20, tiles=4))
    wrong = W.copy()
    wrong[3, 4] = np.nan
    with pytest.raises(DescriptionError, match=r"row 3, column 4 is nan"):
        Matrix(wrong, PERFECT)
    with pytest.raises(DescriptionError, match=r"multiplies vectors of 90 numbers"):
        Matrix(W, PERFECT).product(X[:, :5])
    with pytest.raises(DescriptionError, match=r"range would be zero"):
        Matrix(W, PERFECT).calibrated(np.zeros((3, 90)))
    with pytest.raises(DescriptionError, match=r"no price for 'conversion'"):
        replace(PERFECT, prices={k: v for k, v in PERFECT.prices.items() if k != "conversion"})
    with pytest.raises(DescriptionError, match=r"3 slices cannot share 8 bits"):
        replace(PERFECT, weight_bits=8, slices=3)
    with pytest.raises(PlacementError, match=r"has 2 tiles .*; the network needs"):
        Experiment(CIRCUITS["balanced"].quick(), replace(NOISY, tiles=2), duration=1 * ms).compile()
