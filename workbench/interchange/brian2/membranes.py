"""From a NeuronGroup's equations, threshold and reset to one of our neuron models: taken from the parsed equations, not from their spelling."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, final

import brian2
import numpy as np
import sympy
from brian2.parsing.sympytools import sympy_to_str

from workbench.circuits.neurons.neuron import Neuron
from workbench.errors import WorkbenchError
from workbench.interchange.brian2.reading import (
    Number,
    Script,
    evaluate,
    line_of,
    meaning,
    polynomial,
    refusal,
    spread,
    statements,
    symbol,
)
from workbench.interchange.imported import listed
from workbench.words import tr

__all__ = ["Membrane", "Model", "Port", "Term", "assign", "build", "pure", "read_model"]


@final
@dataclass(frozen=True, eq=False)
class Port:
    """Where a jump of one of the script's variables goes: our receptor, and what a jump of one there weighs here."""

    receptor: str
    factor: Number


@final
@dataclass(eq=False)
class Membrane:
    """A NeuronGroup as a population: its neuron, its initial states, its ports, and what its synaptic variables start with."""

    name: str
    size: int
    neuron: Neuron
    initial: dict[str, Number]
    ports: dict[str, Port]
    charged: dict[str, Number] = field(default_factory=dict)
    """Synaptic variables that do not start at zero, in the receptor's unit."""


@final
@dataclass(frozen=True, eq=False)
class Term:
    """A synaptic variable of the membrane equation: scale · x, or scale · x · (reversal − v), with dx/dt = −x/tau."""

    name: str
    tau: Number
    scale: Any
    """An expression, so that what cancels against the membrane's own constants does so exactly."""
    reversal: Number | None = None


@final
@dataclass(eq=False)
class Model:
    """The equations of a group, taken apart: dv/dt = inner(v, others) + the terms of the synaptic variables."""

    script: Script
    group: Any
    v: str
    inner: Any
    terms: list[Term]
    others: dict[str, Any]
    threshold: Any
    """The threshold as an expression without v."""
    inclusive: bool
    """Whether v = threshold fires too."""
    resets: list[tuple[str, str, Any, str]]
    """The statements of the reset: variable, operation, expression, line."""
    refractory: Any

    @property
    def name(self) -> str:
        """The group's name."""
        return self.group.name

    @property
    def line(self) -> str:
        """The membrane equation."""
        return line_of(self.group.user_equations, self.v)

    def number(self, expression: Any, line: object = None) -> Number:
        """What an expression of constants is worth in this group."""
        return evaluate(self.script, self.group, expression, self.name, line or self.line)

    def start(self, name: str) -> Number:
        """The present value of a state, SI."""
        values = np.array(self.group.variables[name].get_value(), np.float64)
        return float(values[0]) if np.all(values == values[0]) else values


def read_model(script: Script, group: Any) -> Model:
    """Take the equations of a NeuronGroup apart; refuses by name what no model here has."""
    name, equations = group.name, group.user_equations
    _refuse_extras(group)
    replaced = _subexpressions(script, group, equations)
    threshold = group.events["spike"]
    changing = set(equations.diff_eq_names)
    condition = meaning(threshold, _only_sub(replaced, changing))
    inside = {s.name for s in condition.free_symbols} & changing
    if len(inside) != 1 or not isinstance(
        condition, (sympy.StrictGreaterThan, sympy.GreaterThan, sympy.StrictLessThan, sympy.LessThan)
    ):
        raise refusal(name, threshold, tr("a threshold here is one state above a constant, such as 'v > -50*mV'."))
    (v,) = inside
    high, low = cast(Any, condition.gts), cast(Any, condition.lts)
    side = polynomial(name, threshold, high - low, [v])
    slope, rest = side.get(((v, 1),), sympy.S.Zero), side.get((), sympy.S.Zero)
    if not set(side) <= {((v, 1),), ()} or not np.all(np.asarray(evaluate(script, group, slope, name, threshold)) > 0):
        raise refusal(name, threshold, tr("a threshold here is one state above a constant, such as 'v > -50*mV'."))
    written = {n: replaced[symbol(n)] for n in changing}
    resets = [
        (variable, operation, meaning(expression, _only_sub(replaced, changing)), line)
        for variable, operation, expression, line in statements(group.event_codes["spike"], name)
    ]
    touched = {variable for variable, *_ in resets}
    inner, terms, others = _parts(script, group, v, written, touched)
    return Model(
        script=script,
        group=group,
        v=v,
        inner=inner,
        terms=terms,
        others=others,
        threshold=-rest / slope,
        inclusive=isinstance(condition, (sympy.GreaterThan, sympy.LessThan)),
        resets=resets,
        refractory=_refractory(script, group, v),
    )


def _refuse_extras(group: Any) -> None:
    """What a NeuronGroup may carry beyond equations, threshold and reset, and we do not have."""
    name = group.name
    for event in group.events:
        if event != "spike":
            raise refusal(
                name,
                group.events[event],
                tr("the event '{event}' has no counterpart here; only 'spike' has.", event=event),
            )
    if "spike" not in group.events:
        raise refusal(
            name,
            next(iter(map(str, group.user_equations.values())), ""),
            tr("the group has no threshold: it never spikes."),
        )
    if "spike" not in group.event_codes:
        raise refusal(name, group.events["spike"], tr("the group has a threshold but no reset."))
    usual = (group.state_updater, *group.thresholder.values(), *group.resetter.values())
    for part in group.contained_objects:
        if part is group.subexpression_updater:
            lines = [e for e in group.user_equations.values() if "constant over dt" in e.flags]
            raise refusal(name, lines[0], tr("'constant over dt' has no counterpart here."))
        if part not in usual:
            raise refusal(
                name, getattr(part, "abstract_code", None) or part.name, tr("run_regularly has no counterpart here.")
            )
    for part, slot in (
        (group.state_updater, "groups"),
        (group.thresholder["spike"], "thresholds"),
        (group.resetter["spike"], "resets"),
    ):
        if part.when != slot:
            raise refusal(
                name,
                part.name,
                tr("it runs in the slot '{when}', here it is always '{slot}'.", when=part.when, slot=slot),
            )
    for equation in group.user_equations.values():
        if "linked" in equation.flags:
            raise refusal(name, equation, tr("linked variables have no counterpart here."))
        if equation.expr is not None and equation.expr.stochastic_variables:
            word = sorted(equation.expr.stochastic_variables)[0]
            raise refusal(
                name,
                equation,
                tr(
                    "the noise '{word}' has no counterpart here; use PoissonInput, or a NoisyCurrent source on the converted network.",
                    word=word,
                ),
            )


def _subexpressions(script: Script, group: Any, equations: Any) -> dict[sympy.Symbol, Any]:
    """Every equation with an expression, with the subexpressions put in; keyed by the symbol it defines."""
    identifiers = {i for e in equations.values() if e.expr is not None for i in e.expr.identifiers}
    functions = {}
    for identifier in sorted(identifiers - set(equations.names)):
        try:
            functions |= group.resolve_all({identifier}, script.namespace, user_identifiers=set())
        except KeyError:
            line = next(e for e in equations.values() if e.expr is not None and identifier in e.expr.identifiers)
            raise refusal(
                group.name,
                line,
                tr(
                    "there is no '{name}' in the model or in the namespace; give it as namespace={{'{name}': …}}.",
                    name=identifier,
                ),
            ) from None
    found = equations.get_substituted_expressions(functions, include_subexpressions=True)
    return {symbol(n): meaning(e.code) for n, e in found}


def _only_sub(replaced: Mapping[sympy.Symbol, Any], changing: set[str]) -> dict[sympy.Symbol, Any]:
    return {s: e for s, e in replaced.items() if s.name not in changing}


def pure(expression: Any, name: str) -> Any:
    """The time constant of dx/dt = −x/tau; None when the equation is another one."""
    x = symbol(name)
    rate = sympy.cancel(expression / x)
    return None if rate == 0 or x in rate.free_symbols else -1 / rate


def _parts(
    script: Script, group: Any, v: str, written: Mapping[str, Any], touched: set[str]
) -> tuple[Any, list[Term], dict[str, Any]]:
    """The membrane equation without its synaptic variables, these variables, and the states that are neither."""
    name, equations = group.name, group.user_equations
    used, queue = set(), [v]
    while queue:
        at = queue.pop()
        fresh = {s.name for s in written[at].free_symbols} & set(written) - used - {v}
        used |= fresh
        queue += fresh
    for x in [n for n in equations if n in set(written) - used - {v}]:
        script.note(tr("'{name}': '{variable}' does not reach the potential and was left out.", name=name, variable=x))
    decays, others = {}, {}
    for x in [n for n in equations if n in used]:
        tau = pure(written[x], x)
        moving = tau is not None and {s.name for s in tau.free_symbols} & set(written)
        if tau is None or moving or x in touched:
            others[x] = written[x]
        else:
            decays[x] = tau
    coefficients: dict[str, dict[int, Any]] = {}
    inner = written[v]
    if decays:
        inner = sympy.S.Zero
        order, expanded = list(decays), spread(written[v])
        for term in sympy.Add.make_args(expanded):
            here = [x for x in order if symbol(x) in term.free_symbols]
            if not here:
                inner += term
                continue
            bare = term / symbol(here[0])
            power = 1 if symbol(v) in bare.free_symbols else 0
            bare = bare / symbol(v) if power else bare
            if len(here) > 1 or {s.name for s in cast(Any, sympy.sympify(bare)).free_symbols} & set(written):
                raise refusal(
                    name,
                    line_of(equations, v),
                    tr(
                        "the term '{term}' is no current and no conductance: only x and x*(E - v) are, with x decaying exponentially.",
                        term=sympy_to_str(term),
                    ),
                )
            kept = coefficients.setdefault(here[0], {})
            kept[power] = kept.get(power, sympy.S.Zero) + bare
    terms = []
    for x, kept in coefficients.items():
        line = line_of(equations, v)
        tau = evaluate(script, group, decays[x], name, line_of(equations, x))
        if not np.all(np.asarray(tau) > 0):
            raise refusal(name, line_of(equations, x), tr("it grows in place of decaying."))
        if "unless refractory" in equations[x].flags and not _never_holds(group):
            raise refusal(name, line_of(equations, x), tr("currents here go on decaying while a neuron is refractory."))
        current, pull = kept.get(0, sympy.S.Zero), kept.get(1, sympy.S.Zero)
        if pull == 0:
            terms.append(Term(x, tau, current))
        else:
            reversal = evaluate(script, group, sympy.cancel(-current / pull), name, line)
            terms.append(Term(x, tau, -pull, reversal))
    return inner, terms, others


def _never_holds(group: Any) -> bool:
    return group._refractory is False  # there is no public name for what was given


def _refractory(script: Script, group: Any, v: str) -> Any:
    """Zero, a time, or the condition that was given."""
    given = group._refractory
    if given is False:
        return 0.0
    line = tr("refractory = {value}", value=given)
    if isinstance(given, str):
        expression = meaning(given)
        if expression.is_Relational or expression.is_Boolean:
            return given
        value = evaluate(script, group, expression, group.name, line)
    else:
        value = float(given)
    if np.any(np.asarray(value) > 0) and "unless refractory" not in group.user_equations[v].flags:
        raise refusal(
            group.name,
            line_of(group.user_equations, v),
            tr(
                "here a potential stands still while it is refractory; write (unless refractory), or leave refractory out."
            ),
        )
    return value


def assign(
    model: Model, kind: str, slots: Mapping[str, Sequence[str]], below: Number
) -> tuple[dict[str, Number], dict[str, str]]:
    """Which receptor of a `kind` each synaptic variable gets, and the neuron's knobs that follow.

    `slots` maps "exc" to the receptors of that slot, such as ("exc", "exc_g"). Variables that decay alike share a slot; a
    conductance that pulls below `below` prefers the inhibitory one.
    """

    def fits(a: Term, b: Term) -> bool:
        same = np.all(np.asarray(a.tau) == np.asarray(b.tau))
        pulls = a.reversal is None or b.reversal is None or np.all(np.asarray(a.reversal) == np.asarray(b.reversal))
        return bool(same and pulls)

    only = model.terms
    names = list(slots)
    best: tuple[int, tuple[int, ...]] | None = None
    for choice in itertools.product(range(len(names)), repeat=len(only)):
        if any(f"{names[k]}_g" not in slots[names[k]] for k, t in zip(choice, only) if t.reversal is not None):
            continue
        if all(fits(only[a], only[b]) for a in range(len(only)) for b in range(a) if choice[a] == choice[b]):
            cost = sum(k != _wish(t, n, below) for n, (k, t) in enumerate(zip(choice, only)))
            best = min(best, (cost, choice)) if best else (cost, choice)
    if best is None:
        lines = "; ".join(line_of(model.group.user_equations, t.name) for t in only)
        raise refusal(
            model.name,
            lines,
            tr(
                "too many different synapses: {model} has {count} kinds, each with one decay time and one reversal potential.",
                model=kind,
                count=len(names),
            ),
        )
    knobs: dict[str, Number] = {}
    ports: dict[str, str] = {}
    for k, t in zip(best[1], only):
        knobs[f"tau_{names[k]}"] = t.tau
        if t.reversal is not None:
            knobs[f"reversal_{names[k]}"] = t.reversal
        ports[t.name] = names[k] if t.reversal is None else f"{names[k]}_g"
    return knobs, ports


def _wish(term: Term, number: int, below: Number) -> int:
    if term.reversal is not None:
        return int(np.max(term.reversal) < np.min(below))
    return min(number, 1)


def build(model: Model, kind: type[Neuron], knobs: Mapping[str, Number]) -> Neuron:
    """The neuron with these knobs, arrays as one number a neuron; a refusal of ours gets the group's name and line."""
    try:
        return kind(**{name: listed(value) for name, value in knobs.items()})
    except WorkbenchError as error:
        raise refusal(model.name, model.line, str(error)) from None


def unit_is(equation: Any, unit: Any) -> bool:
    """Whether a variable has the dimension of a unit."""
    return brian2.have_same_dimensions(equation.dim, unit.dim)
