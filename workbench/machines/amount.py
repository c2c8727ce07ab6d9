"""A number that keeps its unit: watts over operations is not joules an operation, and an Amount says so.

    Amount(20, "W") / Amount(228e12, "op/s")            # 8.77e-14 J/op
    (Amount(20, "W") / Amount(228e12, "op")).to("fJ/op")  # refused: s is missing
    Amount(23.6, "pJ/op") + Amount(4.9, "pJ/event")       # refused: an operation is not an event

Units are joules, watts, seconds, hertz, kelvins, bits, and things that are counted: operations, synaptic events, spikes, synapses,
neurons, wafers, brains. What is counted is a dimension of its own, so that one definition never slips into another. Inside the
workbench numbers are SI floats; this is for the arithmetic on published numbers, where the unit is what goes wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from workbench.errors import DescriptionError, unknown
from workbench.words import tr

__all__ = ["Amount"]

COUNTS = ("op", "event", "spike", "synapse", "neuron", "chip", "wafer", "machine", "brain", "bit")
_NAMES: Mapping[str, tuple[float, Mapping[str, int]]] = {
    "J": (1.0, {"J": 1}),
    "s": (1.0, {"s": 1}),
    "K": (1.0, {"K": 1}),
    "W": (1.0, {"J": 1, "s": -1}),
    "Hz": (1.0, {"s": -1}),
    "kg": (1.0, {"kg": 1}),
    "L": (1.0, {"L": 1}),
    "min": (60.0, {"s": 1}),
    "h": (3600.0, {"s": 1}),
    "1": (1.0, {}),
    "%": (0.01, {}),
    **{name: (1.0, {name: 1}) for name in COUNTS},
}
_PREFIXES = {
    "z": 1e-21, "a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "u": 1e-6, "m": 1e-3,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21,
}  # fmt: skip


@final
@dataclass(frozen=True, eq=False)
class Amount:
    """`value` in `unit`; sums want the same unit, products and quotients make a new one. Raises DescriptionError for a unit nobody has."""

    value: float
    unit: str = "1"

    def __post_init__(self) -> None:
        _read(self.unit)

    @property
    def si(self) -> float:
        """The number in SI, counted things one by one."""
        return float(self.value) * _read(self.unit)[0]

    @property
    def dimension(self) -> dict[str, int]:
        """The power of each base unit, in the order of their names; no entry where it is zero."""
        return _read(self.unit)[1]

    def to(self, unit: str) -> float:
        """The plain number in `unit`; raises DescriptionError, saying what is missing, if this amount is of another kind."""
        size, wanted = _read(unit)
        if wanted != self.dimension:
            raise DescriptionError(
                tr(
                    "{has} is not {wanted}: to get there, multiply by something in {missing}.",
                    has=_spelled(self.dimension),
                    wanted=unit,
                    missing=_spelled(_times(wanted, self.dimension, -1)),
                )
            )
        return self.si / size

    def __mul__(self, other: Amount | float) -> Amount:
        theirs = _as_amount(other)
        return Amount(self.si * theirs.si, _spelled(_times(self.dimension, theirs.dimension, 1)))

    __rmul__ = __mul__

    def __truediv__(self, other: Amount | float) -> Amount:
        theirs = _as_amount(other)
        if theirs.si == 0:
            raise DescriptionError(tr("{amount} is divided by nothing: 0 {unit}.", amount=self, unit=theirs.unit))
        return Amount(self.si / theirs.si, _spelled(_times(self.dimension, theirs.dimension, -1)))

    def __rtruediv__(self, other: float) -> Amount:
        return _as_amount(other) / self

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.si + self._same(other), _spelled(self.dimension))

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.si - self._same(other), _spelled(self.dimension))

    def __lt__(self, other: Amount) -> bool:
        return self.si < self._same(other)

    def __eq__(self, other: object) -> bool:
        """Equal amounts are equal whatever the prefix; of another kind they are simply different."""
        return isinstance(other, Amount) and self.dimension == other.dimension and self.si == other.si

    def __hash__(self) -> int:
        return hash((self.si, tuple(self.dimension.items())))

    def __repr__(self) -> str:
        return f"{self.value:.4g} {self.unit}" if self.unit != "1" else f"{self.value:.4g}"

    def _same(self, other: Any) -> float:
        """The SI number of `other`, if it is of this kind."""
        theirs = _as_amount(other)
        if theirs.dimension != self.dimension:
            raise DescriptionError(
                tr(
                    "{first} and {second} are of different kinds: {one} and {other}.",
                    first=self,
                    second=theirs,
                    one=_spelled(self.dimension),
                    other=_spelled(theirs.dimension),
                )
            )
        return theirs.si


def _as_amount(value: Amount | float) -> Amount:
    return value if isinstance(value, Amount) else Amount(float(value))


def _read(unit: str) -> tuple[float, dict[str, int]]:
    """Size in SI and dimension of a text like "pJ/op", "W" or "event/(neuron·s)"."""
    if re.search(r"\([^)]*/", unit):  # "J/(op/s)" could be read in two ways
        raise unknown("unit", unit, _NAMES)
    over, *under = unit.replace("(", "").replace(")", "").split("/")
    size: float = 1.0
    dimension: dict[str, int] = {}
    for power, part in ((1, over), *((-1, text) for text in under)):
        for name in filter(None, re.split(r"[·* ]", part)):
            one, its = _one(name, unit)
            size *= one**power
            dimension = _times(dimension, its, power)
    return size, dimension


def _one(name: str, unit: str) -> tuple[float, Mapping[str, int]]:
    """One word of a unit, with its power ("s^2") and its prefix."""
    word, _, power = name.partition("^")
    exponent = int(power) if power.lstrip("-").isdigit() else 1
    if word in _NAMES:
        size, its = _NAMES[word]
    elif word[:1] in _PREFIXES and word[1:] in _NAMES:
        size, its = _PREFIXES[word[0]] * _NAMES[word[1:]][0], _NAMES[word[1:]][1]
    else:
        raise unknown("unit", unit, _NAMES)
    return size**exponent, {base: n * exponent for base, n in its.items()}


def _times(first: Mapping[str, int], second: Mapping[str, int], sign: int) -> dict[str, int]:
    """The dimension of a product (sign 1) or of a quotient (sign −1)."""
    found = {base: first.get(base, 0) + sign * second.get(base, 0) for base in sorted({*first, *second})}
    return {base: power for base, power in found.items() if power}


def _spelled(dimension: Mapping[str, int]) -> str:
    """A dimension as a unit: "J/(op·s)"; joules a second are watts."""
    powers = dict(dimension)
    if powers.get("J") == 1 and powers.get("s") == -1:
        powers = {"W": 1, **{base: power for base, power in powers.items() if base not in "Js"}}

    def row(sign: int) -> str:
        return "·".join(f"{b}^{abs(p)}" if abs(p) > 1 else b for b, p in powers.items() if p * sign > 0)

    over, under = row(1) or "1", row(-1)
    if not under:
        return over
    return f"{over}/({under})" if "·" in under else f"{over}/{under}"
