"""Izhikevich, AdEx and Hodgkin–Huxley neurons, where a script's equations are ours up to the values of the parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import brian2
import numpy as np
import sympy

from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.hodgkin_huxley import HodgkinHuxley
from workbench.circuits.neurons.izhikevich import Izhikevich
from workbench.circuits.neurons.neuron import Neuron
from workbench.interchange.brian2.lif import lif
from workbench.interchange.brian2.membranes import Membrane, Model, Port, assign, build, unit_is
from workbench.interchange.brian2.reading import Number, line_of, meaning, polynomial, refusal, spread, symbol
from workbench.words import tr

__all__ = ["membrane"]


def membrane(model: Model) -> Membrane:
    """The population of a group: the first of our models that has its equations; refuses by name when none has."""
    powers = _coefficients(model.inner, [model.v])
    linear = not model.others and powers is not None and all(k < 2 for key in powers for _, k in key)
    if linear or not unit_is(model.group.user_equations[model.v], brian2.volt):
        return lif(model)
    return _adex(model) or _izhikevich(model) or _hodgkin_huxley(model) or lif(model)


def _close(a: Any, b: Any) -> bool:
    return bool(np.all(np.abs(np.asarray(a) - np.asarray(b)) <= 1e-9 * np.maximum(np.abs(np.asarray(b)), 1e-300)))


def _coefficients(expression: Any, names: list[str]) -> dict[Any, Any] | None:
    """The coefficients by monomial, or None when the expression is no polynomial in these names."""
    expanded = spread(expression)
    if not expanded.is_polynomial(*map(symbol, names)):
        return None
    return polynomial("", "", expanded, names)


def _finish(
    model: Model, kind: type[Neuron], knobs: dict[str, Number], states: Mapping[str, str], capacitance: Any
) -> Membrane:
    """Ports and initial states, the same for all three; `capacitance` is what a current is divided by, None where there is none."""
    slots = {
        slot: tuple(r for r in (slot, f"{slot}_g") if r in kind.receptors)
        for slot in ("exc", "inh")
        if slot in kind.receptors
    }
    if model.terms and not slots:
        x = model.terms[0].name
        raise refusal(
            model.name,
            line_of(model.group.user_equations, x),
            tr("{model} has no receptor for '{name}'.", model=kind.__name__, name=x),
        )
    decays, receptors = assign(model, kind.__name__, slots, knobs.get("cut", 0.0)) if model.terms else ({}, {})
    ports = {model.v: Port("input", 1.0)} if "input" in kind.receptors else {}
    for term in model.terms:
        ports[term.name] = Port(receptors[term.name], model.number(sympy.cancel(term.scale * capacitance)))
    model.script.note(
        tr(
            "'{name}' became {model}, integrated here by {method}; the script says {theirs}.",
            name=model.name,
            model=kind.__name__,
            method=kind.method,
            theirs=str(model.group.method_choice),
        )
    )
    return Membrane(
        name=model.name,
        size=len(model.group),
        neuron=build(model, kind, knobs | decays),
        initial={ours: model.start(theirs) for ours, theirs in states.items()},
        ports=ports,
        charged={n: start for n in receptors if np.any(start := model.start(n) * ports[n].factor)},
    )


def _no_hold(model: Model, kind: str) -> None:
    if isinstance(model.refractory, str) or np.any(np.asarray(model.refractory) != 0):
        raise refusal(
            model.name, f"refractory = {model.refractory}", tr("{model} has no refractory period.", model=kind)
        )


def _jumps(model: Model, states: set[str]) -> dict[str, tuple[str, Number]] | None:
    """What the reset does to each of `states`: ("=", value) or ("+=", value); None when it is anything else."""
    made: dict[str, tuple[str, Number]] = {}
    for variable, operation, expression, line in model.resets:
        x = symbol(variable)
        if operation == "=" and x in expression.free_symbols:
            operation, expression = "+=", sympy.expand(expression - x)
        if operation == "-=":
            operation, expression = "+=", -expression
        free = {s.name for s in expression.free_symbols}
        if variable not in states or variable in made or operation not in ("=", "+=") or free & states:
            return None
        made[variable] = (operation, model.number(expression, line))
    return made if set(made) == states else None


def _izhikevich(model: Model) -> Membrane | None:
    """dv/dt = 0.04/ms/mV v² + 5/ms v + 140 mV/ms − u + drive, du/dt = a (b v − u); v >= 30 mV: v = c, u += d."""
    if len(model.others) != 1:
        return None
    ((u, recovery),) = model.others.items()
    v = model.v
    fast, slow = _coefficients(model.inner, [v, u]), _coefficients(recovery, [v, u])
    if fast is None or slow is None or not unit_is(model.group.user_equations[u], brian2.volt / brian2.second):
        return None
    known = {((v, 2),), ((v, 1),), ((u, 1),), ()}
    if not set(fast) <= known or ((v, 2),) not in fast or not set(slow) <= {((v, 1),), ((u, 1),)}:
        return None
    number, zero = model.number, sympy.S.Zero
    right = (
        _close(number(fast[((v, 2),)]), 40000.0)
        and _close(number(fast.get(((v, 1),), zero)), 5000.0)
        and _close(number(fast.get(((u, 1),), zero)), -1.0)
        and _close(number(model.threshold), 0.03)
    )
    jumps = _jumps(model, {v, u})
    if not right or jumps is None or jumps[v][0] != "=" or jumps[u][0] != "+=" or ((u, 1),) not in slow:
        return None
    _no_hold(model, "Izhikevich")
    rate = -slow[((u, 1),)]
    knobs: dict[str, Number] = {
        "a": number(rate) / 1000.0,
        "b": number(sympy.cancel(slow.get(((v, 1),), zero) / rate)) / 1000.0,
        "c": jumps[v][1],
        "d": jumps[u][1],
        "drive": np.asarray(number(fast.get((), zero))) - 140.0,
    }
    return _finish(model, Izhikevich, knobs, {"v": v, "u": u}, None)


def _adex(model: Model) -> Membrane | None:
    """C dv/dt = gL (EL − v) + gL Δ exp((v − VT)/Δ) − w + I, dw/dt = (a (v − EL) − w)/tau_w; at a spike v = Vr, w += b."""
    v = model.v
    inner = spread(model.inner)
    spikes = [t for t in sympy.Add.make_args(inner) if any(symbol(v) in e.free_symbols for e in t.atoms(sympy.exp))]
    if len(model.others) != 1 or len(spikes) != 1:
        return None
    ((w, adaptation),) = model.others.items()
    upswing = spikes[0]
    calls = [e for e in upswing.atoms(sympy.exp) if symbol(v) in e.free_symbols]
    rest_of = _coefficients(inner - upswing, [v, w])
    slow = _coefficients(adaptation, [v, w])
    if len(calls) != 1 or rest_of is None or slow is None or not unit_is(model.group.user_equations[w], brian2.amp):
        return None
    inside, front = _coefficients(calls[0].args[0], [v]), upswing.xreplace({calls[0]: sympy.S.One})
    linear = {((v, 1),), ((w, 1),), ()}
    if inside is None or not set(inside) <= {((v, 1),), ()} or not set(rest_of) <= linear or not set(slow) <= linear:
        return None
    if (
        symbol(v) in front.free_symbols
        or ((v, 1),) not in inside
        or not {((v, 1),), ((w, 1),)} <= set(rest_of)
        or ((w, 1),) not in slow
    ):
        return None
    jumps = _jumps(model, {v, w})
    if jumps is None or jumps[v][0] != "=" or jumps[w][0] != "+=":
        return None
    _no_hold(model, "AdEx")
    number, zero = model.number, sympy.S.Zero
    capacitance = -1 / rest_of[((w, 1),)]
    c = number(sympy.cancel(capacitance))
    leak = number(sympy.cancel(-rest_of[((v, 1),)] * capacitance))
    slope = number(sympy.cancel(1 / inside[((v, 1),)]))
    height = number(front * capacitance) / (leak * slope)
    if not np.all(np.asarray(height) > 0):
        return None
    onset = -slope * (number(inside.get((), zero)) + np.log(height))
    tau_w = number(sympy.cancel(-1 / slow[((w, 1),)]))
    coupling = number(sympy.cancel(-slow.get(((v, 1),), zero) / slow[((w, 1),)]))
    # what pulls w, and what pulls v, must rest at the same potential; the rest of v's constant is a current
    pulled = number(sympy.cancel(-slow.get((), zero) / slow[((w, 1),)]))
    constant = number(sympy.cancel(rest_of.get((), zero) * capacitance))
    if np.any(np.asarray(coupling) != 0):
        rest: Number = np.asarray(-pulled / np.where(np.asarray(coupling) == 0, 1.0, coupling))
        rest = np.where(np.asarray(coupling) == 0, constant / leak, rest)
    else:
        rest = constant / leak
    if not _close(-np.asarray(coupling) * rest, pulled) and np.any(np.asarray(pulled) != 0):
        return None
    bias = constant - leak * rest
    knobs: dict[str, Number] = {
        "capacitance": c,
        "leak": leak,
        "rest": rest,
        "onset": onset,
        "slope": slope,
        "coupling": coupling,
        "tau_w": tau_w,
        "jump": jumps[w][1],
        "reset": jumps[v][1],
        "cut": number(model.threshold),
        "bias": np.where(np.abs(bias) < 1e-12 * np.abs(constant), 0.0, bias),
    }
    return _finish(model, AdEx, knobs, {"v": v, "w": w}, capacitance)


def _hodgkin_huxley(model: Model) -> Membrane | None:
    """The squid axon of 1952 as in our HodgkinHuxley: its gates m, h, n and their rates, whatever their spelling."""
    if set(model.others) != {"m", "h", "n"}:
        return None
    v = model.v
    made = _coefficients(model.inner, [v, "m", "h", "n"])
    gates = {(("m", 3), ("h", 1)): "sodium", (("n", 4),): "potassium", (): "leak"}
    wanted = {key for gate in gates for key in (_with(v, gate), gate)}
    if made is None or not set(made) <= wanted or any(_with(v, gate) not in made for gate in gates):
        return None
    _same_rates(model)
    # a current in the equation says the capacitance; without one it is 1 µF, and only ratios to it matter
    current = next(
        (t for t in model.terms if t.reversal is None and unit_is(model.group.user_equations[t.name], brian2.amp)), None
    )
    siemens = next(
        (
            t
            for t in model.terms
            if t.reversal is not None and unit_is(model.group.user_equations[t.name], brian2.siemens)
        ),
        None,
    )
    told = current or siemens
    capacitance = 1 / told.scale if told else sympy.Float(1e-6)
    knobs: dict[str, Number] = {"capacitance": model.number(sympy.cancel(capacitance))}
    for gate, ours in gates.items():
        pull = -made[_with(v, gate)]
        knobs[ours] = model.number(sympy.cancel(pull * capacitance))
        knobs[f"reversal_{ours}"] = model.number(sympy.cancel(made.get(gate, sympy.S.Zero) / pull))
    if np.any(np.abs(np.asarray(model.number(model.threshold))) > 1e-12) or model.resets:
        raise refusal(
            model.name,
            model.group.events["spike"],
            tr("HodgkinHuxley here fires when v passes 0 mV, is refractory while v > 0*mV, and resets nothing."),
        )
    holds = model.refractory
    if not isinstance(holds, str) or not _above_zero(holds, v):
        raise refusal(
            model.name,
            f"refractory = {holds}",
            tr("HodgkinHuxley here fires when v passes 0 mV, is refractory while v > 0*mV, and resets nothing."),
        )
    return _finish(model, HodgkinHuxley, knobs, {"v": v, "m": "m", "h": "h", "n": "n"}, capacitance)


def _with(v: str, gate: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    return ((v, 1), *gate)


def _above_zero(condition: str, v: str) -> bool:
    found = meaning(condition)
    return (
        isinstance(found, sympy.StrictGreaterThan)
        and found.lhs == symbol(v)
        and found.rhs in (0, symbol("mV") * 0, symbol("volt") * 0)
    )


def _same_rates(model: Model) -> None:
    """Compare the script's gate equations with ours at many potentials; refuses by name the first that differs."""
    from workbench.interchange.brian2.reading import evaluate  # noqa: PLC0415

    # not where a rate is 0/0: there our equations step over a hole
    potentials = np.array([x for x in np.linspace(-0.0973, 0.0531, 97) if min(abs(x + 0.055), abs(x + 0.04)) > 5e-4])
    ours = brian2.Equations(HodgkinHuxley.equations)
    for gate in ("m", "h", "n"):
        for open_share in (0.0, 0.37, 1.0):
            given = {model.v: potentials, gate: open_share}
            line = line_of(model.group.user_equations, gate)
            theirs = evaluate(model.script, model.group, model.others[gate], model.name, line, given)
            expected = evaluate(
                model.script,
                model.group,
                meaning(ours[gate].expr.code),
                model.name,
                line,
                {"v": potentials, gate: open_share},
            )
            size = np.max(np.abs(expected))
            if not np.all(np.abs(theirs - expected) <= 1e-7 * size) or math.isnan(float(np.sum(theirs))):
                raise refusal(
                    model.name,
                    line,
                    tr("this rate is not that of Hodgkin and Huxley 1952 at 6.3 °C, which HodgkinHuxley has."),
                )
