"""A rule written out as vector instructions is the same rule on NumPy arrays, to the last bit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit

from workbench.kernels.event import rules
from workbench.kernels.event.block import apply, apply_without_arrivals
from workbench.kernels.event.tables import Shape
from workbench.kernels.lanes import popcount, trailing

W = 32
BLOCKS = 7
ONE, TWO = (0,), (0, 0)
SHAPES = {
    "delta": (Shape((), (), (), ONE, (), ONE, ()), "float64"),
    "delta, constants shared": (Shape((), (), (), ONE, (), (), ()), "float32"),
    "two currents": (Shape((), TWO, (), (), (), ONE, ()), "float64"),
    "delta, a current and an outside current, float32": (Shape((), ONE, (), ONE, ONE, ONE, ()), "float32"),
    "conductances with everything": (Shape((), ONE, TWO, ONE, ONE, ONE, ()), "float64"),
    "conductances in float32, constants shared": (Shape((), (), TWO, (), (), (), ()), "float32"),
    "whole steps": (Shape(ONE, ONE, (), ONE, (), ONE, ()), "float64"),
    "whole numbers": (Shape(ONE, TWO, (), ONE, (), ONE, ()), "int32"),
    "whole numbers, constants shared, states counted": (Shape(ONE, (), (), ONE, (), (), ONE), "int32"),
}


@njit
def run(dense, shape, states, fields, hold, constants, size, holds, arrivals, stride, given, fired, touched):
    for b in range(np.uint64(BLOCKS)):
        at = b * np.uint64(W)
        a = (
            shape,
            fields,
            at * np.uint64(states),
            hold,
            at,
            constants,
            b * np.uint64(size),
            holds,
            at,
            arrivals,
            at,
            stride,
            given,
            at,
        )
        if dense:
            fired[b], touched[b] = apply(
                a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13]
            )
        else:
            fired[b], touched[b] = apply_without_arrivals(
                a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13]
            )


def a_network(shape: Shape, kind: str, rng: np.random.Generator):
    """Random states, constants and arrivals, some neurons waiting, some about to fire."""
    counted = {k: len(v) for k, v in shape._asdict().items()}
    kinds, opened = counted["currents"], counted["conductances"]
    names = rules.constants_of("discrete" if counted["discrete"] else "lif", kinds, opened)
    whole = kind == "int32"

    def draw(*size: int, scale: float = 1.0) -> np.ndarray:
        values = rng.normal(0, scale, size)
        return np.rint(values * 3000).astype(kind) if whole else values.astype(kind)

    values = {}
    for name in names:
        near_one = name.partition(".")[0] in ("a", "keep", "decay", "h")
        drawn = rng.integers(0, 4097, (BLOCKS, W)) if whole and near_one else None
        values[name] = drawn.astype(kind) if drawn is not None else np.abs(draw(BLOCKS, W)) * (0.3 if near_one else 1)
    if counted["discrete"]:
        values["subtract"] = rng.integers(0, 2, (BLOCKS, W)).astype(kind)
    holds = rng.integers(1, 9, (BLOCKS, W)).astype(np.int16)
    if not counted["spread"]:
        values = {n: np.repeat(v[:, :1], W, axis=1) for n, v in values.items()}
        holds = np.repeat(holds[:, :1], W, axis=1)
    rows = counted["delta"] + kinds + opened
    arrivals = draw(rows, BLOCKS, W) * (rng.random((rows, BLOCKS, W)) < 0.4).astype(kind)
    return SimpleNamespace(
        counted=counted,
        names=names,
        values={n: v.astype(kind) for n, v in values.items()},
        fields=draw(1 + kinds + opened, BLOCKS, W, scale=2.0),
        hold=rng.integers(0, 4, (BLOCKS, W)).astype(np.int16),
        holds=holds,
        arrivals=arrivals.astype(kind),
        given=draw(BLOCKS, W),
    )


def in_numpy(n: SimpleNamespace, shape: Shape, kind: str, *, dense: bool) -> SimpleNamespace:
    kinds = n.counted["currents"]
    k: dict[str, object] = {"current_scale": [], "conductance_scale": [], "conductance_pull": [], "decay": []}
    for name, value in n.values.items():
        group, dot, _ = name.partition(".")
        if dot:
            k[group].append(value)  # type: ignore[attr-defined]
        else:
            k[name] = value
    b = SimpleNamespace(
        v=n.fields[0],
        currents=tuple(n.fields[1 : 1 + kinds]),
        conductances=tuple(n.fields[1 + kinds :]),
        hold=n.hold,
        constants=SimpleNamespace(**k, hold=n.holds),
        arrivals=tuple(n.arrivals) if dense else None,
        given=n.given if n.counted["given"] else None,
        delta=bool(n.counted["delta"]),
        nonzero=bool(n.counted["nonzero"]),
        whole=kind == "int32",
    )
    b.fired, b.touched = getattr(rules, "discrete" if n.counted["discrete"] else "lif")(b)
    return b


def bits(words: np.ndarray) -> np.ndarray:
    return (words[:, None] >> np.arange(W, dtype=np.uint32)) & 1 == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SHAPES)
def test_compiled_and_numpy_agree_in_every_bit(name, seed):
    shape, kind = SHAPES[name]
    for dense in (True, False):
        if not dense and shape.discrete:
            continue
        n = a_network(shape, kind, np.random.default_rng(seed))
        with np.errstate(over="ignore"):
            expected = in_numpy(n, shape, kind, dense=dense)
        fields = np.ascontiguousarray(n.fields.transpose(1, 0, 2)).reshape(-1)
        constants = np.stack([n.values[c] for c in n.names], axis=1).reshape(-1)
        hold, arrivals = n.hold.reshape(-1).copy(), n.arrivals.reshape(-1).copy()
        fired, touched = np.zeros(BLOCKS, np.uint32), np.zeros(BLOCKS, np.uint32)
        run(
            dense, shape, len(n.fields), fields, hold, constants, len(n.names) * W, n.holds.reshape(-1),
            arrivals if arrivals.size else np.zeros(1, kind), np.uint64(BLOCKS * W), n.given.reshape(-1), fired, touched,
        )  # fmt: skip
        got = fields.reshape(BLOCKS, len(n.fields), W).transpose(1, 0, 2)
        for mine, theirs in zip(got, (expected.v, *expected.currents, *expected.conductances), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(hold.reshape(BLOCKS, W), expected.hold)
        np.testing.assert_array_equal(bits(fired), expected.fired)
        np.testing.assert_array_equal(bits(touched), expected.touched)
        assert expected.fired.any()
        assert not expected.fired.all()
        assert not arrivals.any() or not dense


def test_single_instructions():
    @njit
    def both(x):
        return popcount(x), trailing(x)

    for x in (1, 8, 0b1011000, 2**31, 2**32 - 1):
        assert both(np.uint32(x)) == (x.bit_count(), (x & -x).bit_length() - 1)
