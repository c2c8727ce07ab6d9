"""Vectors written out: a rule of a neuron as arithmetic on 32 lanes, compiled as it stands.

LLVM's own vectoriser gives up on loops that write to many arrays, because it cannot prove that they do not overlap. Here a rule is
a Python function on `Lanes`, which behave like numbers; calling it while Numba compiles writes one vector instruction for each
operation, in that order and without contraction, so results are those of the scalar operations to the last bit. The same function
given NumPy arrays is its own slow twin.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.choices import absolute, largest, seldom, where

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = [
    "WIDTH",
    "Lanes",
    "Unsettled",
    "Word",
    "absolute",
    "ask",
    "atomic_add",
    "atomic_read",
    "converted",
    "give_way",
    "largest",
    "least",
    "load",
    "mask",
    "nonzero",
    "popcount",
    "prefetch",
    "seldom",
    "some",
    "splat",
    "store",
    "trailing",
    "unmask",
    "where",
    "zeros",
]

_WORD64 = ir.IntType(64)

WIDTH = 32
"""Lanes in a block: two registers of float32 or int32, four of float64, where registers have 512 bits."""

_FLOAT = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_WHOLE = {"+": "add", "-": "sub", "*": "mul", ">>": "ashr", "&": "and_", "|": "or_"}

REGISTER = 64
"""Bytes of the widest register."""


class Lanes:
    """A vector under construction: an LLVM value and the builder that goes on writing."""

    __slots__ = ("builder", "value", "within")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value
        self.within: Any = None
        """Where these are truth values: others that are true wherever they are."""

    @property
    def element(self) -> Any:
        """The LLVM type of one lane."""
        return self.value.type.element

    @property
    def real(self) -> bool:
        """Whether the lanes are floats."""
        return isinstance(self.element, (ir.FloatType, ir.DoubleType))

    def _other(self, other: Any) -> Any:
        if isinstance(other, Lanes):
            return other.value
        return ir.Constant(self.value.type, [ir.Constant(self.element, other)] * self.value.type.count)

    def _like(self, number: Any) -> Lanes:
        """The same number in as many lanes."""
        return Lanes(self.builder, self._other(number))

    def _compute(self, sign: str, other: Any) -> Lanes:
        name = (_FLOAT if self.real else _WHOLE)[sign]
        return Lanes(self.builder, getattr(self.builder, name)(self.value, self._other(other)))

    def _compare(self, sign: str, other: Any) -> Lanes:
        compare = self.builder.fcmp_ordered if self.real else self.builder.icmp_signed
        if self.real and sign == "!=":
            compare = self.builder.fcmp_unordered
        return Lanes(self.builder, compare(sign, self.value, self._other(other)))

    def __add__(self, other: Any) -> Lanes:
        return other.onto(self) if hasattr(other, "onto") else self._compute("+", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._compute("-", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._compute("*", other)

    def __truediv__(self, other: Any) -> Lanes:
        return self._compute("/", other)

    def __rshift__(self, other: Any) -> Lanes:
        return self._compute(">>", other)

    def __and__(self, other: Any) -> Lanes:
        made = Lanes(self.builder, self.builder.and_(self.value, self._other(other)))
        made.within = other
        return made

    def __or__(self, other: Any) -> Lanes:
        return Lanes(self.builder, self.builder.or_(self.value, self._other(other)))

    def __gt__(self, other: Any) -> Lanes:
        return self._compare(">", other)

    def __lt__(self, other: Any) -> Lanes:
        return self._compare("<", other)

    def __eq__(self, other: object) -> Lanes:  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: object) -> Lanes:  # type: ignore[override]
        return self._compare("!=", other)

    __hash__ = None  # type: ignore[assignment]

    # The choices of `kernels.choices`.

    def pick(self, yes: Any, no: Any) -> Lanes:
        """`yes` where these lanes are true, `no` elsewhere."""
        return Lanes(self.builder, self.builder.select(self.value, yes.value, no.value))

    def seldom(self, yes: Any, no: Any) -> Unsettled:
        """`no` for the time being: whoever runs the rule looks whether any of these lanes is true, and settles it."""
        return Unsettled(self, yes, no)

    def at_least(self, least: Any) -> Lanes:
        """The greater of each lane and `least`, a number."""
        return (self > least).pick(self, Lanes(self.builder, self._other(least)))

    def magnitude(self) -> Lanes:
        """Each lane without its sign."""
        return (self < 0).pick(Lanes(self.builder, self._other(0)) - self, self)


class Unsettled(Lanes):
    """Lanes of which some may have to be chosen anew."""

    __slots__ = ("condition", "yes")

    def __init__(self, condition: Lanes, yes: Lanes, no: Lanes) -> None:
        super().__init__(no.builder, no.value)
        self.condition, self.yes = condition, yes

    def settled(self) -> Lanes:
        """The choice, made."""
        return self.condition.pick(self.yes, Lanes(self.builder, self.value))


class Word:
    """Truth values of 32 lanes as the bits of a uint32, for which a vector is not worth its registers."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __or__(self, other: Any) -> Word:
        return Word(self.builder, self.builder.or_(self.value, mask(other)))


# --- loads and stores, for code generators --------------------------------------------------------------------------------


def _place(builder: Any, data: Any, at: Any, count: int) -> Any:
    where_to = builder.gep(data, [at])
    return builder.bitcast(where_to, ir.VectorType(data.type.pointee, count).as_pointer())


def load(builder: Any, data: Any, at: Any, count: int = WIDTH) -> Lanes:
    """The lanes from place `at` of `data` (a pointer)."""
    value = builder.load(_place(builder, data, at, count))
    value.align = _size(data.type.pointee)
    return Lanes(builder, value)


def splat(builder: Any, data: Any, at: Any, count: int = WIDTH) -> Lanes:
    """The one number at place `at` of `data` in every lane."""
    kind = ir.VectorType(data.type.pointee, count)
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, builder.load(builder.gep(data, [at])), ir.IntType(32)(0))
    return Lanes(
        builder, builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count))
    )


def store(builder: Any, lanes: Lanes, data: Any, at: Any) -> None:
    """Put lanes at place `at` of `data`."""
    done = builder.store(lanes.value, _place(builder, data, at, lanes.value.type.count))
    done.align = _size(data.type.pointee)


def zeros(like: Lanes) -> Lanes:
    """As many zeros."""
    return Lanes(like.builder, ir.Constant(like.value.type, None))


def mask(lanes: Lanes | Word) -> Any:
    """The truth values of 32 lanes as the bits of one uint32, lane 0 the lowest."""
    if isinstance(lanes, Word):
        return lanes.value
    return lanes.builder.bitcast(lanes.value, ir.IntType(lanes.value.type.count))


def some(lanes: Lanes, kind: Any) -> Any:
    """Whether any of these truth values (or of those they lie within) is true; they came of comparing lanes of `kind`."""
    builder, value = lanes.builder, (lanes.within or lanes).value
    while value.type.count * _size(kind) > REGISTER:
        half = value.type.count // 2
        low, high = (
            builder.shuffle_vector(
                value, value, ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(begin, begin + half)))
            )
            for begin in (0, half)
        )
        value = builder.or_(low, high)
    word = ir.IntType(value.type.count)
    return builder.icmp_unsigned("!=", builder.bitcast(value, word), word(0))


def unmask(builder: Any, bits: Any) -> Lanes:
    """The bits of a word as truth values of lanes, the inverse of `mask`."""
    return Lanes(builder, builder.bitcast(bits, ir.VectorType(ir.IntType(1), WIDTH)))


def converted(lanes: Lanes, kind: Any, *, signed: bool = True) -> Lanes:
    """The lanes as numbers of another LLVM type: whole numbers as wider or narrower ones, or as floats."""
    b, element = lanes.builder, lanes.element
    if element == kind:
        return lanes
    vector = ir.VectorType(kind, lanes.value.type.count)
    if isinstance(kind, ir.DoubleType) and not signed and element.width <= 32:
        # The bits of 2⁵² + n, less 2⁵²: half the instructions of a conversion.
        wide = ir.VectorType(_WORD64, lanes.value.type.count)
        high = ir.Constant(wide, [ir.Constant(_WORD64, 0x4330000000000000)] * wide.count)
        number = b.bitcast(b.or_(b.zext(lanes.value, wide), high), vector)
        return Lanes(b, number) - 2.0**52
    if isinstance(kind, (ir.FloatType, ir.DoubleType)):
        return Lanes(b, (b.sitofp if signed else b.uitofp)(lanes.value, vector))
    if kind.width < element.width:
        return Lanes(b, b.trunc(lanes.value, vector))
    return Lanes(b, (b.sext if signed else b.zext)(lanes.value, vector))


def least(lanes: Lanes) -> Any:
    """The smallest of whole numbers."""
    kind = lanes.value.type
    reduce = ir.FunctionType(kind.element, [kind])
    name = f"llvm.vector.reduce.smin.v{kind.count}i{kind.element.width}"
    return lanes.builder.call(cgutils.get_or_insert_function(lanes.builder.module, reduce, name), [lanes.value])


def _size(kind: Any) -> int:
    return {ir.FloatType: 4, ir.DoubleType: 8}.get(type(kind)) or kind.width // 8


# --- single instructions that Numba does not offer --------------------------------------------------------------------------


@intrinsic
def popcount(typingctx: Any, x: Any) -> Any:
    """How many bits of an integer are set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return x(x), code


@intrinsic
def trailing(typingctx: Any, x: Any) -> Any:
    """The number of the lowest set bit of an integer that is not zero."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return x(x), code


def ask(builder: Any, where_to: Any) -> None:
    """Ask for the cache line of a pointer before it is needed, for code generators."""
    pointer = builder.bitcast(where_to, ir.IntType(8).as_pointer())
    word = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [pointer, word(0), word(3), word(1)])


@intrinsic
def nonzero(typingctx: Any, array: Any, at: Any) -> Any:
    """Which of the 32 numbers from `array[at]` on are not zero, as the bits of a uint32, the first the lowest."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return mask(load(builder, data, args[1]) != 0)

    return types.uint32(array, types.uint64), code


@intrinsic
def prefetch(typingctx: Any, array: Any, at: Any) -> Any:
    """Ask for the cache line of `array[at]` before it is needed."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        ask(builder, builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.uint64), code


def _atomic(kind: str) -> Callable[..., Any]:
    def make(typingctx: Any, array: Any, at: Any, value: Any = None) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            pointer = builder.gep(data, [args[1]])
            if kind == "read":
                return builder.load_atomic(pointer, "acquire", 8)
            return builder.atomic_rmw("add", pointer, args[2], "acq_rel")

        if kind == "read":
            return array.dtype(array, types.uint64), code
        return array.dtype(array, types.uint64, array.dtype), code

    return make


def _read(typingctx: Any, array: Any, at: Any) -> Any:
    return _atomic("read")(typingctx, array, at)


def _add(typingctx: Any, array: Any, at: Any, value: Any) -> Any:
    return _atomic("add")(typingctx, array, at, value)


atomic_read = intrinsic(_read)
"""The value of `array[at]` (int64) as other threads left it."""
atomic_add = intrinsic(_add)
"""Add to `array[at]` (int64) so that no other thread's addition is lost; returns the value before."""


@intrinsic
def give_way(typingctx: Any) -> Any:
    """Let another thread have this core."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), code
