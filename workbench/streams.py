"""Named random streams from one seed, and the counter-based rule that gives every backend the same random numbers.

A stream is a 64-bit key derived from the seed and a name such as "drive/world/0". The rule turns (key, step, index) into 32
random bits with no state: any backend, thread or window asks for any of them in any order and gets the same. The same rule is
written three times and tested equal: here in NumPy, in `kernels.rule` in Numba, and as a Brian2 function in `backends.ideal`.

The mixing is a keyed integer hash of three multiply and xor-shift rounds on the index, with a second key word added between the
rounds so that two steps never share a shifted sequence (constants: Wellons' hash-prospector search, public domain).
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "WEYL",
    "bits",
    "counts_from_bits",
    "normal",
    "normal_at",
    "poisson_table",
    "step_words",
    "stream",
    "uniform",
    "uniform_at",
]

WEYL = 0x9E3779B1
M1, M2, M3 = 0x21F0AAAD, 0x735A2D97, 0x846CA68B
_MASK64 = (1 << 64) - 1


def stream(seed: int, *names: object) -> int:
    """The 64-bit key of the stream called `names` under `seed`; other names or seeds give unrelated keys."""
    text = "/".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def step_words(key: int, start: int, stop: int) -> NDArray[np.uint32]:
    """The two key words of each step from `start` to `stop`: shape (stop - start, 2)."""
    steps = np.arange(start, stop, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(key) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.stack([(z & np.uint64(0xFFFFFFFF)).astype(np.uint32), (z >> np.uint64(32)).astype(np.uint32)], axis=1)


def bits(
    word1: NDArray[np.uint32] | int, word2: NDArray[np.uint32] | int, index: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """32 random bits for each `index` under the key words (word1, word2); the arguments broadcast."""
    with np.errstate(over="ignore"):
        x = index.astype(np.uint32) * np.uint32(WEYL) + np.asarray(word1, np.uint32)
        x ^= x >> np.uint32(16)
        x *= np.uint32(M1)
        x ^= x >> np.uint32(15)
        x = x + np.asarray(word2, np.uint32)
        x *= np.uint32(M2)
        x ^= x >> np.uint32(15)
        x *= np.uint32(M3)
        x ^= x >> np.uint32(16)
    return x


def uniform(key: int, start: int, stop: int) -> NDArray[np.float64]:
    """Uniform numbers in (0, 1) number `start` to `stop` of the stream `key`, 53 bits each."""
    return uniform_at(key, np.arange(start, stop, dtype=np.uint32))


def uniform_at(key: int, index: NDArray[np.integer]) -> NDArray[np.float64]:
    """The uniform numbers of the stream `key` whose numbers are `index` (0 … 2³² − 1, any shape), the same as `uniform` gives."""
    n = index.astype(np.uint32)
    (a1, a2), (b1, b2) = step_words(key, 0, 2)
    high = bits(a1, a2, n).astype(np.uint64)
    low = bits(b1, b2, n).astype(np.uint64)
    return ((high << np.uint64(21)) ^ (low >> np.uint64(11))).astype(np.float64) * 2.0**-53 + 2.0**-54


def normal(key: int, start: int, stop: int) -> NDArray[np.float64]:
    """Standard normal numbers number `start` to `stop` of the stream `key`: the inverse distribution of its uniform numbers.

    Its tails end at ±8.2, where 53 bits end.
    """
    return normal_at(key, np.arange(start, stop, dtype=np.uint32))


def normal_at(key: int, index: NDArray[np.integer]) -> NDArray[np.float64]:
    """The standard normal numbers of the stream `key` whose numbers are `index` (any shape), the same as `normal` gives."""
    from scipy.special import ndtri  # noqa: PLC0415  a leaf: only who draws normal numbers loads SciPy

    # The largest uniform number rounds to 1, whose normal number is infinite.
    return ndtri(np.minimum(uniform_at(key, index), 1.0 - 2.0**-53))


def poisson_table(mean: float) -> NDArray[np.uint32]:
    """The thresholds that turn 32 random bits into a Poisson count of mean `mean` per step.

    The count is the number of thresholds that are <= the bits: threshold k is P(count <= k) in units of 2^-32, so every
    probability is met to 2^-32 and counts rarer than that do not occur. `mean` may be 0 (no spikes) to 60 000.
    """
    if not 0 <= mean <= 60000:
        from workbench.errors import DescriptionError  # noqa: PLC0415  a leaf: loads our sentences only to refuse
        from workbench.words import tr  # noqa: PLC0415

        raise DescriptionError(
            tr(
                "A Poisson source gives {mean:g} spikes per step on average; allowed: 0 … 60000. Use a smaller step or rate.",
                mean=mean,
            )
        )
    if mean == 0:
        return np.zeros(0, np.uint32)
    top = int(mean + 12 * math.sqrt(mean) + 40)
    k = np.arange(top + 1)
    logs = k * math.log(mean) - mean - np.array([math.lgamma(v + 1.0) for v in k.tolist()])
    below = np.cumsum(np.exp(logs))
    scaled = np.floor(below * 2.0**32)
    return scaled[scaled < 2.0**32].astype(np.uint32)


def counts_from_bits(random_bits: NDArray[np.uint32], table: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The Poisson counts for random bits: how many thresholds of `table` are at or below each."""
    return np.searchsorted(table, random_bits, side="right").astype(np.uint16)
