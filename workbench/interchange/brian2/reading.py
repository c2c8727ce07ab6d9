"""A Brian2 script as we read it: its objects, its namespace, and the numbers behind its expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import brian2
import numpy as np
import sympy
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, Constant
from brian2.parsing.statements import parse_statement
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from workbench.errors import UnsupportedError
from workbench.words import tr

__all__ = [
    "Number",
    "Script",
    "constants",
    "evaluate",
    "line_of",
    "meaning",
    "polynomial",
    "refusal",
    "spread",
    "statements",
    "symbol",
]

Number = float | NDArray[np.float64]

_KNOWN = {
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "asin",
    "acos",
    "atan",
    "Abs",
    "floor",
    "ceiling",
    "sign",
}
_CLOCK = {"t", "dt", "t_in_timesteps", "lastspike", "not_refractory", "lastupdate"}


@final
@dataclass(eq=False)
class Script:
    """The objects of a script by kind, the names they may use, their common step, and what we have to say about them."""

    namespace: Mapping[str, Any]
    dt: float = 0.0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a sentence, once."""
        if text not in self.notes:
            self.notes.append(text)


def refusal(where: str, line: object, why: str) -> UnsupportedError:
    """The error for what cannot be taken: the object, its line in the model, and why."""
    said = " ".join(str(line).split())
    return UnsupportedError(tr("'{where}', in the line '{line}': {why}", where=where, line=said, why=why))


def symbol(name: str) -> sympy.Symbol:
    """A name as Brian2 gives it to SymPy."""
    return sympy.Symbol(name, real=True)


def spread(expression: Any) -> Any:
    """The expression as a sum of products; exponentials of sums stay whole."""
    return sympy.expand(expression, power_exp=False, power_base=False, log=False)


def line_of(equations: Any, name: str) -> str:
    """The line of the model that defines `name`."""
    return str(equations[name]) if name in equations else name


def meaning(text: str, replaced: Mapping[sympy.Symbol, Any] | None = None) -> Any:
    """An expression of the script as SymPy sees it, with the model's subexpressions put in."""
    return str_to_sympy(text).xreplace(dict(replaced or {}))


def statements(code: str, where: str) -> list[tuple[str, str, str, str]]:
    """The statements of a piece of code, each as (variable, operation, expression, the line itself)."""
    made = []
    for raw in re.split(r"[;\n]", code):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        try:
            variable, operation, expression, _ = parse_statement(line)
        except ValueError:
            raise refusal(where, line, tr("this is no statement such as 'v += w'.")) from None
        made.append((variable, operation, expression, line))
    return made


def polynomial(
    where: str, line: object, expression: Any, names: Iterable[str]
) -> dict[tuple[tuple[str, int], ...], Any]:
    """The coefficients of an expression by monomial: {(("g", 1), ("v", 1)): ..., (): ...}; refuses what is no polynomial."""
    order = list(names)
    symbols = [symbol(n) for n in order]
    expanded = spread(expression)
    for term in sympy.Add.make_args(expanded):
        if not term.is_polynomial(*symbols):
            raise refusal(
                where,
                line,
                tr(
                    "the term '{term}' is nonlinear; the models here are linear in the potential, or Izhikevich, AdEx, "
                    "Hodgkin–Huxley as they are written in workbench.circuits.neurons.",
                    term=sympy_to_str(term),
                ),
            )
    made: dict[tuple[tuple[str, int], ...], Any] = {}
    for powers, coefficient in sympy.Poly(expanded, *symbols).terms():
        made[tuple((n, int(k)) for n, k in zip(order, powers) if k)] = coefficient
    return {key: value for key, value in made.items() if value != 0}


def constants(script: Script, group: Any, names: Iterable[str], where: str, line: object) -> dict[str, Any]:
    """What the names mean in this group: numbers and arrays; refuses by name what is not there or changes during a run."""
    made: dict[str, Any] = {}
    for name in sorted(names):
        if name in _CLOCK or name in _moving(group):
            raise refusal(where, line, tr("'{name}' changes during a run, where a constant is needed.", name=name))
        try:
            found = group.resolve_all({name}, script.namespace, user_identifiers=set())[name]
        except KeyError:
            raise refusal(
                where,
                line,
                tr(
                    "there is no '{name}' in the model or in the namespace; give it as namespace={{'{name}': …}}.",
                    name=name,
                ),
            ) from None
        if not isinstance(found, (Constant, ArrayVariable)):
            raise refusal(where, line, tr("'{name}' is no number or array of numbers.", name=name))
        value = np.array(found.get_value(), np.float64)
        made[name] = float(value.reshape(-1)[0]) if value.ndim == 0 or found.scalar else value
    return made


def _moving(group: Any) -> set[str]:
    equations = getattr(group, "equations", None)
    return set(equations.diff_eq_names) if equations is not None else set()


def evaluate(
    script: Script, group: Any, expression: Any, where: str, line: object, given: Mapping[str, Any] | None = None
) -> Number:
    """The number an expression has, or an array over the group's neurons; `given` holds names that are known already."""
    check_functions(script, group, expression, where, line)
    known = dict(given or {})
    names = sorted(s.name for s in expression.free_symbols)
    known |= constants(script, group, [n for n in names if n not in known], where, line)
    from scipy.special import exprel  # noqa: PLC0415

    compute = sympy.lambdify([symbol(n) for n in names], _plain(expression), [{"exprel": exprel}, "numpy"])
    with np.errstate(all="ignore"):
        value = np.asarray(compute(*(known[n] for n in names)), np.float64)
    if not np.isfinite(value).all():
        raise refusal(where, line, tr("'{term}' has no finite value.", term=sympy_to_str(expression)))
    return float(value) if value.ndim == 0 else value


def _plain(expression: Any) -> Any:
    """The expression with every symbol real: Brian2 makes some of them whole numbers."""
    return expression.xreplace({s: symbol(s.name) for s in expression.free_symbols})


def check_functions(script: Script, group: Any, expression: Any, where: str, line: object) -> None:
    """Refuse by name functions of time, random numbers and functions we do not know."""
    for call in sorted(expression.atoms(sympy.Function, AppliedUndef), key=str):
        name = type(call).__name__
        if name in _KNOWN:
            continue
        try:
            found = group.resolve_all({name}, script.namespace, user_identifiers=set())[name]
        except KeyError:
            found = None
        if isinstance(found, brian2.TimedArray):
            raise refusal(
                where,
                line,
                tr(
                    "'{name}' is a TimedArray; give the network a StepCurrent or NoisyCurrent source instead.",
                    name=name,
                ),
            )
        if isinstance(found, Function) and not found.stateless:
            raise refusal(
                where,
                line,
                tr(
                    "'{name}' draws random numbers during the run; chance comes from outside here: use a PoissonGroup or PoissonInput.",
                    name=name,
                ),
            )
        if name != "exprel":
            raise refusal(where, line, tr("the function '{name}' has no counterpart here.", name=name))
