"""A description declares each number once; the check, the slider, the docs row, the notebook parameter and the sweep axis follow.

    @final
    @described
    class Lif(Neuron):
        tau: float = quantity(20 * ms, "ms", low=0.1 * ms, high=1 * s, doc="membrane time constant")

`described` makes a frozen, keyword-only, comparable, hashable and picklable value whose fields are checked when it is made.
Inside, every number is SI. At the border (notebooks, TOML, command line, tokens) a knob has a name with its unit, `tau_ms`,
and a number in that unit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar, cast, dataclass_transform

from workbench import units
from workbench.errors import DescriptionError, unknown
from workbench.words import tr

__all__ = [
    "Distribution",
    "Knob",
    "choice",
    "count",
    "described",
    "described_name",
    "flag",
    "from_border",
    "from_json",
    "knobs",
    "member",
    "part",
    "plain",
    "quantity",
    "text",
    "to_border",
    "to_json",
    "without_unit",
]

Kind = Literal["float", "int", "choice", "flag", "name", "text"]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One adjustable number or choice of a description, as a person sees it: all values in `unit`."""

    name: str
    """The border name, `duration_ms`."""
    path: str
    """Where it lives, dotted: `circuit.neuron.tau`."""
    kind: Kind
    unit: str = ""
    low: float | None = None
    high: float | None = None
    default: Any = None
    options: tuple[str, ...] = ()
    label: str = ""
    doc: str = ""
    log: bool = False

    @property
    def shown_label(self) -> str:
        """The label in the reader's language."""
        return tr(self.label)

    @property
    def shown_doc(self) -> str:
        """The explanation in the reader's language."""
        return tr(self.doc)


@dataclass(frozen=True, kw_only=True)
class _Declared:
    """What a field's declaration says, kept in the dataclass metadata (SI units)."""

    kind: Kind | Literal["part"]
    unit: str = ""
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()
    label: str | None = None
    doc: str = ""
    log: bool = False
    table: Callable[[], Mapping[str, Any]] | None = None
    spread: bool = False
    inner: bool = True


class Distribution:
    """Abstract: a quantity that differs from neuron to neuron or synapse to synapse; made real in `unfold`."""

    def bounds(self) -> tuple[float, float]:
        """The lowest and highest value it can give, for the range check."""
        raise NotImplementedError


def quantity(
    default: float,
    unit: str = "",
    *,
    low: float,
    high: float,
    doc: str,
    label: str | None = None,
    log: bool = False,
    spread: bool = False,
) -> Any:
    """A field that holds a physical number: SI inside, shown in `unit`, between `low` and `high` (SI, inclusive).

    `spread=True` lets a Distribution stand in for the number. `log=True` asks for a logarithmic slider.
    """
    units.factor(unit)
    return field(
        default=default,
        metadata={
            "knob": _Declared(kind="float", unit=unit, low=low, high=high, doc=doc, label=label, log=log, spread=spread)
        },
    )


def count(
    default: int, *, low: int = 0, high: int = 2**31 - 1, doc: str, label: str | None = None, log: bool = False
) -> Any:
    """A field that holds a whole number between `low` and `high`, inclusive."""
    return field(
        default=default, metadata={"knob": _Declared(kind="int", low=low, high=high, doc=doc, label=label, log=log)}
    )


def choice(default: str, options: Sequence[str], *, doc: str, label: str | None = None) -> Any:
    """A field that holds one word of `options`."""
    return field(
        default=default, metadata={"knob": _Declared(kind="choice", options=tuple(options), doc=doc, label=label)}
    )


def flag(default: bool, *, doc: str, label: str | None = None) -> Any:
    """A field that is on or off."""
    return field(default=default, metadata={"knob": _Declared(kind="flag", doc=doc, label=label)})


def text(default: str, *, doc: str, label: str | None = None) -> Any:
    """A field that holds a line of text; what it may say is for the owner's `check` to judge."""
    return field(default=default, metadata={"knob": _Declared(kind="text", doc=doc, label=label)})


def part(default: Any, *, doc: str) -> Any:
    """A field that holds another description, whose knobs nest under this field's name."""
    return field(default=default, metadata={"knob": _Declared(kind="part", doc=doc)})


def member(
    default: str | Any,
    table: Callable[[], Mapping[str, Any]],
    *,
    doc: str,
    label: str | None = None,
    inner: bool = True,
) -> Any:
    """A field that holds a description known by name in a table (a chip, a circuit); at the border it is that name.

    `default` may be the name; it is looked up when the owner is made. With `inner` the knobs of the description nest too.
    """
    made: dict[str, Any] = {
        "metadata": {"knob": _Declared(kind="name", doc=doc, label=label, table=table, inner=inner)}
    }
    return field(default=default, **made)


# Without field specifiers a type checker takes what follows `=` as the default: just what `quantity(20 * ms, ...)` means.
@dataclass_transform(frozen_default=True, kw_only_default=True)
def described(cls: type[T]) -> type[T]:
    """Turn a class of fields into a frozen, keyword-only value that checks every declared field when it is made.

    A method `check(self)` on the class, if there is one, is called afterwards for what concerns several fields at once.
    """

    def check_fields(self: Any) -> None:
        for f, declared in _declared(type(self)):
            object.__setattr__(self, f.name, _checked(type(self), f.name, declared, getattr(self, f.name)))
        agree = getattr(self, "check", None)
        if agree is not None:
            agree()

    cls.__post_init__ = check_fields  # type: ignore[attr-defined]
    made = dataclass(frozen=True, kw_only=True)(cls)
    _say_unknown_names(made)
    return made


def _say_unknown_names(cls: type) -> None:
    """Make a misspelt field name in the constructor say "did you mean" in place of Python's TypeError."""
    plain_init = cls.__init__

    def __init__(self: Any, *args: Any, **given: Any) -> None:
        names = [f.name for f in dataclasses.fields(cast(Any, type(self)))]
        for name in given:
            if name not in names:
                raise unknown(f"field of {type(self).__name__}", name, names)
        plain_init(self, *args, **given)

    __init__.__doc__ = plain_init.__doc__
    __init__.__wrapped__ = plain_init  # type: ignore[attr-defined]  # inspect.signature still shows the fields
    cls.__init__ = __init__


@cache
def _declared(cls: type) -> tuple[tuple[dataclasses.Field[Any], _Declared], ...]:
    return tuple((f, f.metadata["knob"]) for f in dataclasses.fields(cast(Any, cls)) if "knob" in f.metadata)


def _checked(cls: type, name: str, d: _Declared, value: Any) -> Any:
    """The value a field keeps, or a DescriptionError naming what, where, the allowed range and what to write instead."""
    where = f"{cls.__name__}.{name}"
    if d.kind == "float":
        return _checked_number(where, d, value)
    if d.kind == "int":
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            if (
                isinstance(value, (float, numbers.Real))
                and not isinstance(value, bool)
                and float(cast(float, value)).is_integer()
            ):
                value = int(cast(float, value))
            else:
                raise DescriptionError(
                    tr(
                        "{where} is {value!r}: it must be a whole number from {low} to {high}.",
                        where=where,
                        value=value,
                        low=d.low,
                        high=d.high,
                    )
                )
        value = int(value)
        if not cast(float, d.low) <= value <= cast(float, d.high):
            raise DescriptionError(
                tr(
                    "{where} is {value}: it must lie between {low} and {high}.",
                    where=where,
                    value=value,
                    low=d.low,
                    high=d.high,
                )
            )
        return value
    if d.kind == "choice":
        if value not in d.options:
            raise unknown(f"value of {where}", value, d.options)
        return value
    if d.kind == "flag":
        if value is True or value is False or type(value).__name__ == "bool_":
            return bool(value)
        raise DescriptionError(tr("{where} is {value!r}: write True or False.", where=where, value=value))
    if d.kind == "text" and not isinstance(value, str):
        raise DescriptionError(tr("{where} is {value!r}: it must be a text.", where=where, value=value))
    if d.kind == "name" and isinstance(value, str):
        table = cast(Any, d.table)()
        if value not in table:
            raise unknown(name, value, table)
        return table[value]
    return value


def without_unit(where: str, value: Any) -> None:
    """Raise DescriptionError for a Brian2 quantity, with the plain SI number to write in its place."""
    if hasattr(value, "dim") and hasattr(value, "get_best_unit"):
        raise DescriptionError(
            tr(
                "{where} is the Brian2 quantity {value}: descriptions take plain SI numbers; write {number!r} or use workbench.units.",
                where=where,
                value=value,
                number=float(value),
            )
        )


def _checked_number(where: str, d: _Declared, value: Any) -> Any:
    low, high = cast(float, d.low), cast(float, d.high)
    allowed = f"{units.readable(low, d.unit)} … {units.readable(high, d.unit)}"
    if isinstance(value, Distribution):
        if not d.spread:
            raise DescriptionError(
                tr("{where} takes one number, not a distribution; allowed: {allowed}.", where=where, allowed=allowed)
            )
        least, most = value.bounds()
        if least < low or most > high:
            raise DescriptionError(
                tr(
                    "{where} spreads from {least} to {most}; allowed: {allowed}.",
                    where=where,
                    least=units.readable(least, d.unit),
                    most=units.readable(most, d.unit),
                    allowed=allowed,
                )
            )
        return value
    without_unit(where, value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise DescriptionError(
            tr(
                "{where} is {value!r}: it must be a number; allowed: {allowed}.",
                where=where,
                value=value,
                allowed=allowed,
            )
        )
    number = float(value)
    if math.isnan(number):
        raise DescriptionError(tr("{where} is not a number (NaN); allowed: {allowed}.", where=where, allowed=allowed))
    if not low <= number <= high:
        hint = ""
        scale = units.factor(d.unit)
        if scale != 1.0 and low <= number * scale <= high:
            hint = " " + tr("Did you mean {number:g} * {unit}? Numbers here are SI.", number=number, unit=d.unit)
        raise DescriptionError(
            tr(
                "{where} is {value}; allowed: {allowed}.",
                where=where,
                value=units.readable(number, d.unit),
                allowed=allowed,
            )
            + hint
        )
    return number


# --- knobs and the border ---------------------------------------------------------------------------------------------


def knobs(description: Any) -> dict[str, Knob]:
    """Every knob of a description and of the descriptions inside it, by border name: short where that is unique, else dotted."""
    found = list(_walk(description, ""))
    shorts = [k.name for k in found]
    named: dict[str, Knob] = {}
    for k in found:
        depth = k.path.count(".")
        # An outer knob keeps its short name even if an inner one is called the same: seed, chip.
        clash = [other for other in found if other.name == k.name and other.path.count(".") <= depth and other is not k]
        name = k.name if shorts.count(k.name) == 1 or not clash else _dotted(k)
        named[name] = dataclasses.replace(k, name=name)
    return named


def _dotted(k: Knob) -> str:
    head = k.path.rpartition(".")[0]
    return f"{head}.{k.name}" if head else k.name


def _walk(description: Any, prefix: str) -> Iterator[Knob]:
    for f, d in _declared(type(description)):
        value = getattr(description, f.name)
        path = f"{prefix}{f.name}"
        if d.kind == "part":
            if dataclasses.is_dataclass(value):
                yield from _walk(value, path + ".")
            continue
        ending = units.suffix(d.unit)
        yield Knob(
            name=f"{f.name}_{ending}" if ending else f.name,
            path=path,
            kind=d.kind,
            unit=d.unit,
            low=None if d.low is None else _border_value(d, d.low),
            high=None if d.high is None else _border_value(d, d.high),
            default=_border_value(d, value),
            options=tuple(cast(Any, d.table)()) if d.kind == "name" else d.options,
            label=d.label or f.name.replace("_", " "),
            doc=d.doc,
            log=d.log,
        )
        if d.kind == "name" and d.inner and dataclasses.is_dataclass(value):
            yield from _walk(value, path + ".")


def _border_value(d: _Declared, value: Any) -> Any:
    if d.kind == "float" and isinstance(value, (int, float)):
        return units.shown(float(value), d.unit)
    if d.kind == "name":
        return described_name(value)
    return value


def described_name(value: Any) -> str:
    """The name a description goes by in its table; for one made by hand, its class name."""
    return str(getattr(value, "name", "") or getattr(type(value), "title", "") or type(value).__name__)


def to_border(description: Any) -> dict[str, Any]:
    """The description's knobs as plain border values: {"g": 5.0, "duration_ms": 1000.0, "chip": "ideal"}."""
    return {name: k.default for name, k in knobs(description).items()}


def from_border(start: Any, values: Mapping[str, Any]) -> Any:
    """`start` (a description, or its class) with the border `values` put in; raises DescriptionError for a misspelt name."""
    description = start() if isinstance(start, type) else start
    pending = dict(values)
    # Names of whole descriptions first: choosing another chip changes which inner knobs exist.
    for wholes in (True, False):
        known = knobs(description)
        for name in [n for n in pending if n in known and (known[n].kind == "name") is wholes]:
            description = _put(description, known[name].path.split("."), known[name], pending.pop(name))
    if pending:
        wrong = next(iter(pending))
        raise _explained(wrong, knobs(description), type(description).__name__)
    return description


def _explained(name: str, known: Mapping[str, Knob], owner: str) -> DescriptionError:
    for k in known.values():
        if k.unit and k.path.rpartition(".")[2] == name:
            return DescriptionError(
                tr(
                    "Unknown knob '{name}' of {owner}: names carry their unit here, did you mean '{close}'?",
                    name=name,
                    owner=owner,
                    close=k.name,
                )
            )
    return unknown(f"knob of {owner}", name, known)


def _put(description: Any, path: Sequence[str], k: Knob, value: Any) -> Any:
    head, rest = path[0], path[1:]
    if rest:
        return dataclasses.replace(description, **{head: _put(getattr(description, head), rest, k, value)})
    if k.kind == "float":
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise DescriptionError(
                tr(
                    "{name} is {value!r}: it must be a number; allowed: {low:g} … {high:g} {unit}.",
                    name=k.name,
                    value=value,
                    low=k.low,
                    high=k.high,
                    unit=k.unit,
                ).replace(" .", ".")
            )
        value = float(cast(float, value))
        if math.isnan(value) or not cast(float, k.low) <= value <= cast(float, k.high):
            raise DescriptionError(
                tr(
                    "{name} is {value:g}; allowed: {low:g} … {high:g} {unit}.",
                    name=k.name,
                    value=float(value),
                    low=k.low,
                    high=k.high,
                    unit=k.unit,
                ).replace(" .", ".")
            )
        value = units.to_si(float(value), k.unit)
    return dataclasses.replace(description, **{head: value})


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(description: Any) -> Any:
    """The description as plain JSON values, each nested description with its class under "type"."""
    if dataclasses.is_dataclass(description) and not isinstance(description, type):
        cls = type(description)
        body = {f.name: to_json(getattr(description, f.name)) for f in dataclasses.fields(description)}
        return {"type": f"{cls.__module__}:{cls.__qualname__}", **body}
    if isinstance(description, Mapping):
        return {str(k): to_json(v) for k, v in description.items()}
    if isinstance(description, (list, tuple)):
        return [to_json(v) for v in description]
    return plain(description)


def plain(value: Any) -> Any:
    """A JSON-able twin of a leaf value; an object that has none is represented by its digest or its text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    digest = getattr(value, "digest", None)
    if digest is None and hasattr(
        value, "tobytes"
    ):  # an array: numpy's text of it is slow, and cut short when it is long
        digest = hashlib.blake2b(value.tobytes(), digest_size=16).hexdigest()
    return {"digest": digest} if isinstance(digest, str) else repr(value)


def from_json(data: Any) -> Any:
    """The description that `to_json` wrote; raises DescriptionError when it names a class that is not there."""
    import importlib  # noqa: PLC0415

    if isinstance(data, Mapping) and "type" in data and ":" in str(data["type"]):
        module, _, name = str(data["type"]).partition(":")
        try:
            cls: Any = importlib.import_module(module)
            for piece in name.split("."):
                cls = getattr(cls, piece)
        except (ImportError, AttributeError):
            raise DescriptionError(tr("The description names {type}, which is not here.", type=data["type"])) from None
        if not dataclasses.is_dataclass(cls):
            raise DescriptionError(tr("The description names {type}, which is not a description.", type=data["type"]))
        return cast(Any, cls)(**{k: from_json(v) for k, v in data.items() if k != "type"})
    if isinstance(data, Mapping):
        return {k: from_json(v) for k, v in data.items()}
    if isinstance(data, list):
        return tuple(from_json(v) for v in data)
    return data
