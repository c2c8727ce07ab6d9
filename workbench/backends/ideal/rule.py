"""The counter-based rule as a Brian2 function: the third twin, beside `streams` (NumPy) and `kernels.rule` (Numba)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.ideal.engine import brian

__all__ = ["poisson_counts"]

# Key, window and delay come in through an array and are not written into the text, so that a new seed compiles nothing.
_CYTHON = """
cdef int NAME(const int64_t index, const int64_t now):
    cdef int64_t step = now - _namespaceNAME_given[0]
    if step < _namespaceNAME_given[1] or step >= _namespaceNAME_given[2]:
        return 0
    cdef uint64_t z = <uint64_t>_namespaceNAME_given[3] + <uint64_t>step * 0x9E3779B97F4A7C15ULL
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    z = z ^ (z >> 31)
    cdef unsigned int x = <unsigned int>index * 0x9E3779B1U + <unsigned int>(z & 0xFFFFFFFFULL)
    x = x ^ (x >> 16)
    x = x * 0x21F0AAADU
    x = x ^ (x >> 15)
    x = x + <unsigned int>(z >> 32)
    x = x * 0x735A2D97U
    x = x ^ (x >> 15)
    x = x * 0x846CA68BU
    x = x ^ (x >> 16)
    cdef int count = 0
    while count < _namespace_numNAME_table and <int64_t>x >= _namespaceNAME_table[count]:
        count += 1
    return count
"""


def poisson_counts(name: str, rule: tuple[int, NDArray[np.uint32], int, int], delay: int) -> Any:
    """A Brian2 function `name(i, t_in_timesteps)`: the spikes of source neuron i that arrive now, `delay` steps after they were sent.

    `rule` is what `Drive.rule` gives: key, thresholds, first and past-the-last step.
    """
    key, table, first, last = rule
    function = brian().Function(
        _numpy_twin(key, table, first, last, delay),
        arg_units=[1, 1],
        return_unit=1,
        arg_types=["integer", "integer"],
        return_type="integer",
        stateless=True,
    )
    function.implementations.add_implementation(
        "cython",
        _CYTHON.replace("NAME", name),
        name=name,
        namespace={
            f"{name}_given": np.array([delay, first, min(last, 2**62), np.uint64(key).astype(np.int64)], np.int64),
            f"{name}_table": np.append(table.astype(np.int64), 2**40),
        },
    )
    return function


def _numpy_twin(key: int, table: NDArray[np.uint32], first: int, last: int, delay: int) -> Callable[[Any, Any], Any]:
    def counts(index: Any, now: Any) -> NDArray[np.int32]:
        index = np.asarray(index)
        step = int(now) - delay
        if not first <= step < last:
            return np.zeros(index.shape, np.int32)
        ((word1, word2),) = streams.step_words(key, step, step + 1)
        return streams.counts_from_bits(streams.bits(word1, word2, index.astype(np.uint32)), table).astype(np.int32)

    return counts
