"""A rule written out as vector instructions is the same rule on NumPy arrays, to the last bit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit

from workbench.kernels.event import rules
from workbench.kernels.event.block import sweep
from workbench.kernels.event.tables import Shape
from workbench.kernels.lanes import popcount, trailing

W = 32
BLOCKS = 7
ONE, TWO = (0,), (0, 0)
STEPS = 3


def shape(**given: tuple[int, ...]) -> Shape:
    """A shape of what is given and nothing else."""
    return Shape(**{name: given.get(name, ()) for name in Shape._fields})


SHAPES = {
    "delta": (shape(delta=ONE, spread=ONE, waits=ONE), "float64"),
    "delta, constants shared": (shape(delta=ONE, waits=ONE), "float32"),
    "two currents": (shape(currents=TWO, spread=ONE, waits=ONE), "float64"),
    "delta, a current and an outside current, float32": (
        shape(currents=ONE, delta=ONE, given=ONE, spread=ONE, waits=ONE), "float32"
    ),
    "conductances with everything": (
        shape(currents=ONE, conductances=TWO, delta=ONE, given=ONE, spread=ONE, waits=ONE), "float64"
    ),
    "conductances in float32, constants shared": (shape(conductances=TWO), "float32"),
    "whole steps": (shape(discrete=ONE, currents=ONE, delta=ONE, spread=ONE, waits=ONE), "float64"),
    "whole numbers": (shape(discrete=ONE, currents=TWO, delta=ONE, spread=ONE, waits=ONE), "int32"),
    "whole numbers, constants shared, states counted": (shape(discrete=ONE, delta=ONE, nonzero=ONE), "int32"),
    "counts of two weights": (shape(delta=ONE, waits=ONE, ways=TWO), "float64"),
    "counts, float32, sums that may cancel": (
        shape(delta=ONE, currents=ONE, spread=ONE, waits=ONE, ways=TWO, cancels=ONE), "float32"
    ),
    "narrow sums": (shape(discrete=ONE, delta=ONE, waits=ONE), "int32"),
    "step by step": (shape(currents=TWO, waits=ONE, flagged=ONE), "float64"),
    "step by step, counts of a weight each": (shape(currents=TWO, waits=ONE, ways=ONE, flagged=ONE), "float64"),
    "step by step, counts of two weights": (shape(delta=ONE, conductances=ONE, ways=TWO, flagged=ONE), "float32"),
    "late": (shape(currents=TWO, waits=ONE, flagged=ONE, late=ONE), "float32"),
    "late, counts": (shape(currents=ONE, conductances=ONE, waits=ONE, ways=ONE, flagged=ONE, late=ONE), "float64"),
    "step by step, whole steps": (
        shape(discrete=ONE, delta=ONE, currents=ONE, spread=ONE, nonzero=ONE, flagged=ONE), "int32"
    ),
}  # fmt: skip
KINDS = {
    "counts of two weights": np.uint16,
    "counts, float32, sums that may cancel": np.uint8,
    "narrow sums": np.int16,
    "step by step, counts of a weight each": np.uint8,
    "late, counts": np.uint8,
    "step by step, counts of two weights": np.uint16,
}
"""The kind of the arrivals, where it is not that of the states."""


BEGIN, SLOT, SLOTS = 10, 3, 4
"""The first step, its slot of arrivals, and how many slots there are: the second step begins them again."""


@njit
def run(shape, s, k, arrivals, spare, marks, came, given, fired, active, back, first, steps):
    late = len(shape.late)
    slot, line, row = np.uint64((SLOT + first - late) % SLOTS), np.uint64(first), np.uint64(first + late)
    last, begin, words = np.uint64(BLOCKS), np.uint64(BEGIN + first), np.uint64(BLOCKS * W)
    if steps:
        sweep(
            shape, s[0], s[1], s[2], s[3], k[0], k[1], k[2], k[3], k[4], k[5], arrivals, spare, marks, came, given, fired, active,
            np.uint64(0), last, np.uint64(back), begin, np.uint64(steps), row, last, line, np.uint64(0), slot, np.uint64(SLOTS),
            words, np.uint64(0), (0,),
        )  # fmt: skip
    else:
        sweep(
            shape, s[0], s[1], s[2], s[3], k[0], k[1], k[2], k[3], k[4], k[5], arrivals, spare, marks, came, given, fired, active,
            np.uint64(0), last, np.uint64(back), begin, np.uint64(steps), row, last, line, np.uint64(0), slot, np.uint64(SLOTS),
            words, np.uint64(0), (),
        )  # fmt: skip


def a_network(name: str, rng: np.random.Generator):
    """Random states, constants and arrivals, some neurons waiting, some about to fire."""
    shape, kind = SHAPES[name]
    counted = {k: len(v) for k, v in shape._asdict().items()}
    kinds, opened, ways = counted["currents"], counted["conductances"], counted["ways"]
    states = 1 + kinds + opened
    lines = states * max(1, ways)
    rule = "discrete" if counted["discrete"] else "lif"
    names = rules.constants_of(rule, kinds, opened, lines if ways else 0)
    whole = kind == "int32"

    def draw(*size: int, scale: float = 1.0) -> np.ndarray:
        values = rng.normal(0, scale, size)
        return np.rint(values * 3000).astype(kind) if whole else values.astype(kind)

    values = {}
    for constant in names:
        near_one = constant.partition(".")[0] in ("a", "keep", "decay", "h")
        drawn = rng.integers(0, 4097, (BLOCKS, W)) if whole and near_one else None
        signed = draw(BLOCKS, W) * (1 if constant.startswith("weight") else 0)
        values[constant] = (
            drawn.astype(kind) if drawn is not None else signed + np.abs(draw(BLOCKS, W)) * (0.3 if near_one else 1)
        )
    if counted["discrete"]:
        values["subtract"] = rng.integers(0, 2, (BLOCKS, W)).astype(kind)
    holds = rng.integers(1, 9 if counted["waits"] else 2, (BLOCKS, W)).astype(np.int16)
    if not counted["spread"]:
        values = {n: np.full_like(v, v[0, 0]) for n, v in values.items()}
        holds[:] = holds[0, 0]
    size = (SLOTS, lines, BLOCKS, W)
    arrivals = rng.integers(0, 200, size).astype(KINDS[name]) if name in KINDS else draw(*size)
    if ways:
        arrivals[:, :, ::2] = np.minimum(arrivals[:, :, ::2], 1)  # most blocks get no spike twice
    arrivals = arrivals * (rng.random(size) < 0.4).astype(arrivals.dtype)
    arrivals[SLOT - 1] = 0  # of the step before, whose arrivals have come
    return SimpleNamespace(
        shape=shape,
        kind=np.dtype(kind),
        counted=counted,
        values={n: v.astype(kind) for n, v in values.items()},
        fields=draw(states, BLOCKS, W, scale=2.0),
        hold=(rng.integers(0, 4, (BLOCKS, W)) * counted["waits"]).astype(np.int16),
        holds=holds,
        arrivals=arrivals,
        given=draw(STEPS, BLOCKS, W),
        marks=(rng.integers(0, 2**32, (SLOTS, BLOCKS)) * counted["nonzero"]).astype(np.uint32),
    )


def arrived(n: SimpleNamespace, slot: int) -> list[np.ndarray]:
    """What comes to each state in this slot: sums, or counts times weights, in the order of the ways."""
    ways = n.counted["ways"]
    if not ways:
        return list(n.arrivals[slot].astype(n.kind))
    made = []
    for state in range(len(n.fields)):
        parts = [
            n.arrivals[slot, line].astype(n.kind) * n.values[f"weight.{line}"]
            for line in range(state * ways, (state + 1) * ways)
        ]
        made.append(sum(parts[1:], parts[0]))
    return made


def in_numpy(n: SimpleNamespace, *, quiet: bool) -> SimpleNamespace:
    """The same steps by the rule on arrays: the states, who waits, who fired and who was touched in each step."""
    kinds, delta = n.counted["currents"], bool(n.counted["delta"])
    k: dict[str, object] = {}
    for name, value in n.values.items():
        group, dot, _ = name.partition(".")
        k.setdefault(group, []).append(value) if dot else k.update({name: value})  # type: ignore[attr-defined]
    for group in ("current_scale", "conductance_scale", "conductance_pull", "decay"):
        k.setdefault(group, [])
    fields, hold = list(n.fields), n.hold
    fired, touched = [], []
    for step in range(STEPS):
        slot = (SLOT + step) % SLOTS
        b = SimpleNamespace(
            v=fields[0],
            currents=tuple(fields[1 : 1 + kinds]),
            conductances=tuple(fields[1 + kinds :]),
            hold=hold,
            constants=SimpleNamespace(**k, hold=n.holds),
            arrivals=tuple(a * (not quiet) for a in arrived(n, slot)[0 if delta else 1 :]),
            given=n.given[step] if n.counted["given"] else None,
            delta=delta,
            nonzero=bool(n.counted["nonzero"]),
            whole=n.kind.kind == "i",
        )
        fires, met = getattr(rules, "discrete" if n.counted["discrete"] else "lif")(b)
        fields, hold = [b.v, *b.currents, *b.conductances], b.hold
        fired.append(fires)
        touched.append(fires | met | bits(n.marks[slot]))
    return SimpleNamespace(fields=fields, hold=hold, fired=np.array(fired), touched=np.array(touched))


def bits(words: np.ndarray) -> np.ndarray:
    return (words[..., None] >> np.arange(W, dtype=np.uint32)) & 1 == 1


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_compiled_and_numpy_agree_in_every_bit(name, back):
    agree(a_network(name, np.random.default_rng(len(name) + back)), back=back, quiet=False)


@pytest.mark.parametrize("name", [name for name, (shape, _) in SHAPES.items() if shape.flagged])
def test_where_nothing_came_nothing_is_read(name):
    agree(a_network(name, np.random.default_rng(len(name))), back=False, quiet=True)


def agree(n: SimpleNamespace, *, back: bool, quiet: bool) -> None:
    """Both take the same steps."""
    with np.errstate(over="ignore"):
        expected = in_numpy(n, quiet=quiet)
    fields = np.ascontiguousarray(n.fields.transpose(1, 0, 2)).reshape(-1)
    until = np.where(n.hold > 0, BEGIN - 1 + n.hold.astype(np.int64), 0).reshape(-1)
    states = fields, np.full(BLOCKS, 2**32 - 1, np.uint32), np.zeros(BLOCKS, np.int64), until
    constants = np.stack(list(n.values.values()), axis=1).reshape(-1)
    sets = np.arange(BLOCKS) * bool(n.counted["spread"])
    core = np.arange(BLOCKS, dtype=np.int32) % 2
    known = (
        constants, (sets * len(n.values) * W).astype(np.uint64), n.holds.reshape(-1), (sets * W).astype(np.uint64),
        np.full(BLOCKS, 2**32 - 1, np.uint32), core,
    )  # fmt: skip
    arrivals, marks, spare = n.arrivals.reshape(-1).copy(), n.marks.reshape(-1).copy(), np.zeros(1, np.uint16)
    late = len(n.shape.late)
    fired, active = np.zeros((STEPS + late) * BLOCKS, np.uint32), np.zeros((STEPS, 2), np.int32)
    came = np.full(SLOTS, 0 if quiet else 2**64 - 1, np.uint64)
    # Steps in one go, or one by one where the shape wants it; where arrivals are late, two and one, and what is left over.
    pieces = (
        [(0, 2), (2, 1), (STEPS, 0)] if late else [(s, 1) for s in range(STEPS)] if n.shape.flagged else [(0, STEPS)]
    )
    for first, steps in pieces:
        run(
            n.shape, states, known, arrivals, spare, marks, came, n.given.reshape(-1), fired, active, back, first, steps
        )
    got = fields.reshape(BLOCKS, len(n.fields), W).transpose(1, 0, 2)
    for mine, theirs in zip(got, expected.fields, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    if n.counted["waits"]:
        np.testing.assert_array_equal(np.maximum(until - (BEGIN + STEPS - 1), 0).reshape(BLOCKS, W), expected.hold)
    np.testing.assert_array_equal(bits(fired.reshape(-1, BLOCKS)[late:]), expected.fired)
    assert expected.fired.any()
    assert not expected.fired.all()
    by_core = np.stack([expected.touched[:, core == c].sum(axis=(1, 2)) for c in range(2)], axis=1)
    np.testing.assert_array_equal(active, by_core)
    slots = [(SLOT + step) % SLOTS for step in range(STEPS)]
    read = arrivals.reshape(n.arrivals.shape)[:, 0 if n.counted["delta"] else max(1, n.counted["ways"]) :]
    assert read[slots].any() == quiet
    assert not marks.reshape(SLOTS, BLOCKS)[slots].any()


def test_single_instructions():
    @njit
    def both(x):
        return popcount(x), trailing(x)

    for x in (1, 8, 0b1011000, 2**31, 2**32 - 1):
        assert both(np.uint32(x)) == (x.bit_count(), (x & -x).bit_length() - 1)
