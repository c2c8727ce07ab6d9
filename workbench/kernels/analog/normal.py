"""Normal numbers from random bits, in float32 operations that are the same in a vector register and in NumPy.

    p = (k + 1/2) / 2³²,  k the upper 31 bits of 32,   u = 6 + log₂ p(1 − p)
    z = ± (p − ½)·C(u)  for u ≥ −4,   z = ± T(√(6 − u))  below (|z| > 3.1, one number in 500)

z is the inverse of the normal distribution at p, and the lowest bit is its sign; C and T are minimax polynomials of our own fit.
Every step is one IEEE operation (a sum with a product may be one: `fused`) in the order written, so any machine gives the same number
to the last bit. The law is met to 1.5·10⁻⁵ in z; |z| ends at 6.34, beyond which one number in 4·10⁹ would lie.
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

_SPLIT = -4.0
_CENTRE = (
    -4.4358344078063965,
    0.4785909056663513,
    0.006929827854037285,
    -0.0009759784443303943,
    -0.00013396114809438586,
    -2.173194388888078e-06,
    6.957756681913452e-07,
)
"""z / (p − ½) in powers of u, lowest first; error in z 7.3e-6."""
_TAIL = (
    4.7978386878967285,
    1.2498795986175537,
    -0.012170623987913132,
    0.002124784281477332,
    -0.0003523103951010853,
    0.00012666737893596292,
    -5.7597550039645284e-05,
)
"""z in powers of √(6 − u) − 4.5; error 2.4e-6."""
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


def _like(x: Lanes, value: Any) -> Lanes:
    """A number in as many lanes."""
    return (
        value
        if isinstance(value, Lanes)
        else Lanes(x.builder, ir.Constant(x.value.type, [x.element(value)] * x.value.type.count))
    )


def fused(x: Any, y: Any, z: Any) -> Any:
    """x·y + z, float32, rounded once."""
    if isinstance(x, Lanes):
        return instruction("fma", x, _like(x, y), _like(x, z))
    # Products of float32 are exact in float64. A sum that is not gets an odd last bit, so that rounding it again goes the right way.
    product, z = x.astype(np.float64) * y, np.asarray(z, np.float64)
    total = product + z
    part = total - product
    lost = (product - (total - part)) + (z - part)
    even = (total.view(np.int64) & 1) == 0
    return np.where((lost != 0) & even, np.nextafter(total, np.copysign(np.inf, lost)), total).astype(np.float32)


def _powers(x: Any, coefficients: tuple[float, ...]) -> Any:
    made = fused(x, coefficients[-1], coefficients[-2])
    for c in coefficients[-3::-1]:
        made = fused(made, x, c)
    return made


def bits(word1: Any, word2: Any, index: Any) -> Any:
    """32 random bits for each `index` under two key words: `streams.bits` on lanes."""
    x = index * WEYL + word1
    x = _xor(x, _right(x, 16)) * M1
    x = _xor(x, _right(x, 15)) + word2
    x = x * M2
    x = _xor(x, _right(x, 15)) * M3
    return _xor(x, _right(x, 16))


def _depth(random: Any) -> tuple[Any, Any]:
    """(p, u) of random bits."""
    p = fused(_rounded(_right(random, 1)), 2.0**-32, 2.0**-33)
    q = _pattern(fused(p * -1.0, p, p)) + (_ONE - _HALF_ROOT)
    t = _float_of((q & 0x7FFFFF) + _HALF_ROOT) - 1.0
    return p, fused(t, _powers(t, _LOG), _rounded(_right(q, 23)) - (127.0 - 6.0))


def _signed(z: Any, random: Any) -> Any:
    return _float_of(_xor(_pattern(z), random * 0x80000000))


def near(random: Any) -> tuple[Any, Any]:
    """(z, which z are not valid because they lie in the tails) of random bits."""
    p, u = _depth(random)
    return _signed((p - 0.5) * _powers(u, _CENTRE), random), u < _SPLIT


def far(random: Any, z: Any) -> Any:
    """z with those of the tails put right."""
    _, u = _depth(random)
    tail = _powers(_root(u * -1.0 + 6.0) - 4.5, _TAIL)
    return where(u < _SPLIT, _signed(tail, random), z)


def normal(random: Any) -> Any:
    """Standard normal numbers, float32, of 32 random bits each."""
    z, _ = near(random)
    return far(random, z)
