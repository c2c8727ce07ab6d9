"""The wafer's vector instructions are the rules they were written from, to the last bit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit, uint64

from workbench import streams
from workbench.circuits.shower import Shower
from workbench.kernels.wafer import arrivals
from workbench.kernels.wafer.vectors import BLOCKS, add, leaky, set_masks, step, targets

KEY = streams.stream(1, "kernel")


@njit
def run_step(v, at, blocks, keeps, bias, lowest, threshold, after, masks):
    step(v, at, blocks, keeps, bias, lowest, threshold, after, masks, uint64(0), uint64(16))


@njit
def run_set_masks(masks, at):
    return set_masks(masks, at)


@pytest.mark.parametrize(("leak", "bias", "after"), [(0, 0, 0), (1, 7, -30), (200, -40, 5), (4095, 100, 0)])
@pytest.mark.parametrize("blocks", [1, 63, 64, 65])
def test_a_step_is_the_rule(leak, bias, after, blocks):
    rng = np.random.default_rng(leak)
    v = rng.integers(-32768, 32767, 65 * 32).astype(np.int16)
    v[:6] = (-32768, 32767, 1000, 1001, -1000, 0)
    k = SimpleNamespace(lowest=-1000, threshold=1000, bias=bias, after=after)

    def lost(size):
        return -(-size * leak // 4096)

    fired, left = leaky(v.astype(np.int64), k, lambda size: size - lost(size))
    room = np.concatenate([np.full(32, 77, np.int16), v, np.full(32, 77, np.int16)])
    masks = np.full(3 * BLOCKS, 99, np.uint32)
    constants = (np.int32(x) for x in (65536 - leak * 16 & 0xFFFF, bias, -1000, 1000, after))
    run_step(room, np.uint64(32), np.uint64(blocks), *constants, masks)
    many = 32 * blocks
    assert np.array_equal(room[32 : 32 + many], left[:many])
    assert np.array_equal(room[32 + many : -32], v[many:])  # no lane more
    assert room[:32].tolist() == room[-32:].tolist() == [77] * 32
    seen = (masks[:blocks, None] >> np.arange(32, dtype=np.uint32)) & 1
    assert np.array_equal(seen.reshape(-1).astype(bool), fired[:many])
    assert not masks[blocks : -(-blocks // BLOCKS) * BLOCKS].any()
    for turn in range(-(-blocks // BLOCKS)):
        found = run_set_masks(masks, np.uint64(turn * BLOCKS))
        wanted = [k for k in range(BLOCKS) if turn * BLOCKS + k < blocks and masks[turn * BLOCKS + k]]
        assert [k for k in range(BLOCKS) if found >> k & 1] == wanted


@njit
def run_targets(ids, first, words, low, share, size, out, taken):
    return targets(ids, uint64(0), first, words, low, share, size, out, uint64(1), taken)


@pytest.mark.parametrize("share", [1, 2, 5, 8])
@pytest.mark.parametrize("taken", [1, 7, 16])
def test_targets_are_the_high_and_the_low_part_of_a_product(share, taken):
    ids = np.sort(np.random.default_rng(3).choice(65536, 16, replace=False)).astype(np.uint16)
    words = np.ascontiguousarray(streams.step_words(KEY, 4, 11))
    for size in (1, 111, 52_428, 65_536):
        out = np.zeros(1 + 8 * 16 + 32, np.uint16)
        end = run_targets(
            ids, np.uint32(123_456_789), words, np.uint64(2), np.uint64(share), np.uint64(size), out, np.uint64(taken)
        )
        wanted = []
        for pair in range((share + 1) // 2):
            h = streams.bits(*words[2 + pair], ids.astype(np.uint32) + np.uint32(123_456_789))
            for k in range(taken):
                product = int(h[k]) * size
                wanted += [product >> 32, (product % 2**32) * size >> 32][: share - 2 * pair]
        assert end == 1 + share * taken
        assert out[1:end].tolist() == wanted
        assert out[0] == 0


@njit
def run_add(v, at, weight, cut):
    add(v, uint64(at), weight, cut, uint64(0))


def test_a_sum_that_does_not_fit_is_cut_and_counted():
    v, cut = np.array([32_000, -32_000, 5], np.int16), np.zeros(1, np.int64)
    for at, weight in ((0, 900), (1, -900), (2, 900)):
        run_add(v, at, np.int16(weight), cut)
    assert v.tolist() == [32_767, -32_768, 905]
    assert cut[0] == 2


@pytest.mark.parametrize("rate", [0.0, 3.0, 20.0, 400.0])
@pytest.mark.parametrize(("low", "high"), [(0, 256), (0, 1000), (100, 300), (700, 1500), (255, 257), (768, 1024)])
def test_a_patch_gets_its_part_of_the_shower(rate, low, high):
    shower, when = Shower(rate), 6
    wanted = shower.block(2000, when, when + 1, 1e-3, KEY)[0, low:high].astype(np.int64)
    table = shower.table(1e-3)
    v, cut = np.zeros(2000, np.int16), np.zeros(8, np.int64)
    named, woven = np.zeros(3 * 300, np.uint32), np.zeros(300, np.uint64)
    places = np.zeros(arrivals.ROOM + 64, np.uint16)
    came = arrivals.rain(
        v, np.uint64(17), low, high, when, np.uint64(KEY), table, np.uint64(0), np.uint64(table.size), np.int16(3), named, woven, places,
        cut, np.uint64(0),
    )  # fmt: skip
    assert came == wanted.sum()
    assert np.array_equal(v[17 : 17 + high - low], 3 * wanted)
    assert not v[:17].any()
    assert not v[17 + high - low :].any()
