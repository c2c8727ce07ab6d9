"""Normal numbers from random bits, in float32 operations that are the same in a vector register and in NumPy.

    p = (k + 1/2) / 2³²,  k the upper 31 bits of 32,   x = 1 − 2p,   w = −log₂ p(1 − p)
    z = ± x·C(w)  for w < 11,   z = ± T(√w)  beyond (|z| > 3.3, one number in 1,000)

z is the inverse of the normal distribution at p, and the lowest bit is its sign; C and T are minimax polynomials of our own fit.
Every step is one IEEE operation, rounded by itself, in the order written, so any machine gives the same number to the last bit.
The law is met to 5·10⁻⁶ in z; |z| ends at 6.34, beyond which one number in 4·10⁹ would lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from workbench.kernels.lanes import Lanes, where
from workbench.streams import M1, M2, M3, WEYL

__all__ = ["LARGEST", "bits", "far", "instruction", "near", "normal"]

LARGEST = 6.4
"""No |z| is larger."""

_SPLIT = 11.0
_CENTRE = (
    2.3366384506225586,
    0.23548787832260132,
    -0.0040920996107161045,
    -0.00035209464840590954,
    6.151296111056581e-05,
    -2.931521066784626e-06,
    -2.645068377660209e-07,
    3.4236119716979374e-08,
)
"""z / x in powers of w − 6.5, lowest first; error in z 1.1e-6."""
_TAIL = (
    4.797837257385254,
    1.2498767375946045,
    -0.012152772396802902,
    0.002134262351319194,
    -0.0003864872269332409,
    0.00012081503518857062,
    -4.15081340179313e-05,
)
"""z in powers of √w − 4.5; error 1.1e-6."""
_LOG = (1.4425779581069946, -0.7202430963516235, 0.48668935894966125, -0.3945630192756653, 0.25262922048568726)
"""log₂(1 + t) / t in powers of t, for 1 + t from √½ to √2; error of the logarithm 1.5e-5."""
_HALF_ROOT = 0x3F3504F3
"""The bits of √½."""
_ONE = 0x3F800000


def instruction(name: str, *lanes: Lanes) -> Lanes:
    """One of LLVM's instructions on lanes of float32: "sqrt", "rint", "fabs", "fma"."""
    builder, kind = lanes[0].builder, lanes[0].value.type
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(lanes)), f"llvm.{name}.v{kind.count}f32"
    )
    return Lanes(builder, builder.call(function, [x.value for x in lanes]))


def _right(x: Any, by: int) -> Any:
    """Whole numbers shifted right, zeros moving in."""
    if not isinstance(x, Lanes):
        return x >> np.uint32(by)
    return Lanes(x.builder, x.builder.lshr(x.value, x._other(by)))


def _xor(x: Any, y: Any) -> Any:
    if not isinstance(x, Lanes):
        return x ^ y
    return Lanes(x.builder, x.builder.xor(x.value, y.value))


def _pattern(x: Any) -> Any:
    """The bits of floats."""
    if not isinstance(x, Lanes):
        return x.view(np.uint32)
    return Lanes(x.builder, x.builder.bitcast(x.value, ir.VectorType(ir.IntType(32), x.value.type.count)))


def _float_of(x: Any) -> Any:
    """The floats that have these bits."""
    if not isinstance(x, Lanes):
        return x.view(np.float32)
    return Lanes(x.builder, x.builder.bitcast(x.value, ir.VectorType(ir.FloatType(), x.value.type.count)))


def _rounded(x: Any) -> Any:
    """Whole numbers below 2³¹ as the nearest floats."""
    if not isinstance(x, Lanes):
        return x.astype(np.float32)
    return Lanes(x.builder, x.builder.sitofp(x.value, ir.VectorType(ir.FloatType(), x.value.type.count)))


def _root(x: Any) -> Any:
    if not isinstance(x, Lanes):
        return np.sqrt(x)
    return instruction("sqrt", x)


def _powers(x: Any, coefficients: tuple[float, ...]) -> Any:
    made = x * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        made = (made + c) * x
    return made + coefficients[0]


def bits(word1: Any, word2: Any, index: Any) -> Any:
    """32 random bits for each `index` under two key words: `streams.bits` on lanes."""
    x = index * WEYL + word1
    x = _xor(x, _right(x, 16)) * M1
    x = _xor(x, _right(x, 15)) + word2
    x = x * M2
    x = _xor(x, _right(x, 15)) * M3
    return _xor(x, _right(x, 16))


def _depth(random: Any) -> tuple[Any, Any]:
    """(x, w − 6.5) of random bits."""
    p = (_rounded(_right(random, 1)) + 0.5) * 2.0**-32
    x = p * -2.0 + 1.0
    q = _pattern(p * (p * -1.0 + 1.0)) + (_ONE - _HALF_ROOT)
    t = _float_of((q & 0x7FFFFF) + _HALF_ROOT) - 1.0
    return x, _rounded(_right(q, 23)) * -1.0 + (127.0 - 6.5) - t * _powers(t, _LOG)


def _signed(z: Any, random: Any) -> Any:
    return _float_of(_xor(_pattern(z), random * 0x80000000))


def near(random: Any) -> tuple[Any, Any]:
    """(z, which z are not valid because they lie in the tails) of random bits."""
    x, w = _depth(random)
    return _signed(x * _powers(w, _CENTRE), random), w > _SPLIT - 6.5


def far(random: Any, z: Any) -> Any:
    """z with those of the tails put right."""
    _, w = _depth(random)
    tail = _powers(_root(w + 6.5) - 4.5, _TAIL)
    return where(w > _SPLIT - 6.5, _signed(tail, random), z)


def normal(random: Any) -> Any:
    """Standard normal numbers, float32, of 32 random bits each."""
    z, _ = near(random)
    return far(random, z)
