"""A membrane that is linear in its potential becomes a Lif, in whatever spelling and unit it was written."""

from __future__ import annotations

from typing import Any, cast

import brian2
import numpy as np
import sympy
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import sympy_to_str

from workbench.circuits.neurons.lif import Lif
from workbench.interchange.brian2.membranes import Membrane, Model, Port, Term, assign, build, pure, unit_is
from workbench.interchange.brian2.reading import Number, line_of, polynomial, refusal, symbol
from workbench.interchange.imported import scale_of
from workbench.words import tr

__all__ = ["lif"]

_SLOTS = {"exc": ("exc", "exc_g"), "inh": ("inh", "inh_g")}
_OWN = 2.0**20
"""Ohm: carries currents that the script writes as voltages; a power of two, so that nothing is rounded."""


def lif(model: Model) -> Membrane:
    """The Lif population of a group whose membrane equation is linear; refuses by name what is not."""
    equations, v = model.group.user_equations, model.v
    if model.others:
        x = next(iter(model.others))
        resets = [line for variable, _, _, line in model.resets if variable == x]
        if resets and pure(model.others[x], x) is not None:
            raise refusal(model.name, resets[0], tr("a spike resets the potential alone here, not '{name}'.", name=x))
        raise refusal(
            model.name,
            line_of(equations, x),
            tr(
                "'{name}' feeds the potential, but does not simply decay (dx/dt = -x/tau), and with it the model is none of "
                "Lif, Izhikevich, AdEx and HodgkinHuxley.",
                name=x,
            ),
        )
    slope, constant, gains = _linear(model)
    tau = model.number(sympy.cancel(-1 / slope))
    total = model.number(sympy.cancel(-constant / slope))
    above, reset = model.number(model.threshold, model.group.events["spike"]), _reset(model)
    for name, (gain, value) in gains.items():
        total = total + model.number(sympy.cancel(-gain / slope)) * value if name else total
    plain_rest = model.number(sympy.cancel(-constant / slope)) if gains else total
    volts = unit_is(equations[v], brian2.volt)
    scale = scale_of(above, reset, in_volts=volts)
    if scale != 1.0:
        model.script.note(
            tr(
                "'{name}': the potential {v} = 1 becomes {scale:g} mV here; weights onto it are scaled alike.",
                name=model.name,
                v=v,
                scale=scale * 1e3,
            )
        )
    resistance, natural = _resistance(model, slope, gains, scale)
    rest = np.clip(plain_rest * np.float64(scale), -0.1, 0.05)
    bias = (total * scale - rest) / resistance
    while not natural and np.max(np.abs(bias)) > 90e-9:
        resistance, bias = resistance * 2, bias / 2
    knobs, receptors = assign(model, "Lif", _SLOTS, np.asarray(above))
    threshold = np.asarray(above) * scale
    knobs |= {
        "tau": tau,
        "rest": rest,
        "threshold": np.nextafter(threshold, -np.inf) if model.inclusive else threshold,
        "reset": reset * scale,
        "resistance": resistance,
        "bias": bias,
    }
    if isinstance(model.refractory, str):
        raise refusal(
            model.name,
            f"refractory = '{model.refractory}'",
            tr("a Lif is refractory for a time, not while a condition holds."),
        )
    knobs["refractory"] = model.refractory
    if np.any(knobs["reset"] >= np.asarray(knobs["threshold"])):
        raise refusal(
            model.name,
            model.resets[0][3],
            tr("the reset lies at or above the threshold, so that a neuron would fire for ever."),
        )
    ports = {v: Port("input", scale)}
    for term in model.terms:
        ports[term.name] = Port(receptors[term.name], _factor(model, term, slope, scale, resistance))
    neuron = build(model, Lif, knobs)
    model.script.note(
        tr(
            "Lif neurons without conductances take the exact step here, those with conductances exponential Euler, whatever method the script names."
        )
    )
    return Membrane(
        name=model.name,
        size=len(model.group),
        neuron=neuron,
        initial={"v": model.start(v) * scale},
        ports=ports,
        charged={n: start for n in receptors if np.any(start := model.start(n) * ports[n].factor)},
    )


def _linear(model: Model) -> tuple[Any, Any, dict[str, tuple[Any, Number]]]:
    """Slope and constant of the membrane equation, and the gain and value of each of its parameters in ampere."""
    v, line = model.v, model.line
    amps = _amperes(model)
    made = polynomial(model.name, line, model.inner, [v, *amps])
    if any(len(key) > 1 or any(k > 1 for n, k in key if n != v) for key in made):
        amps, made = {}, polynomial(model.name, line, model.inner, [v])
    for key, coefficient in made.items():
        if key and key[0] == (v, key[0][1]) and key[0][1] > 1:
            term = sympy_to_str(coefficient * symbol(v) ** key[0][1])
            raise refusal(
                model.name,
                line,
                tr(
                    "the term '{term}' is nonlinear; the models here are linear in the potential, or Izhikevich, AdEx, "
                    "Hodgkin–Huxley as they are written in workbench.circuits.neurons.",
                    term=term,
                ),
            )
    slope = made.get(((v, 1),), sympy.S.Zero)
    if slope == 0 or not np.all(np.asarray(model.number(slope)) < 0):
        raise refusal(model.name, line, tr("the potential does not leak; a Lif needs a leak such as (El - v)/tau."))
    gains = {n: (made[((n, 1),)], value) for n, value in amps.items() if ((n, 1),) in made}
    return slope, made.get((), sympy.S.Zero), gains


def _amperes(model: Model) -> dict[str, Number]:
    """The constants of the membrane equation that are currents, with their values."""
    found = {}
    for name in sorted(s.name for s in model.inner.free_symbols if s.name != model.v and s.name not in DEFAULT_UNITS):
        known = model.group.resolve_all({name}, model.script.namespace, user_identifiers=set())[name]
        if brian2.have_same_dimensions(getattr(known, "dim", None), cast(Any, brian2.amp).dim):
            found[name] = model.number(symbol(name))
    return found


def _reset(model: Model) -> Number:
    line = "; ".join(line for *_, line in model.resets)
    if len(model.resets) == 1:
        variable, operation, expression, _ = model.resets[0]
        if variable == model.v and operation == "=" and symbol(model.v) not in expression.free_symbols:
            return model.number(expression, line)
    raise refusal(model.name, line, tr("a reset here sets the potential to a constant, such as 'v = -60*mV'."))


def _resistance(model: Model, slope: Any, gains: dict[str, tuple[Any, Number]], scale: float) -> tuple[Number, bool]:
    """What turns a current into a voltage: the script's own where it has one, else ours."""
    equations = model.group.user_equations
    candidates = [
        (t.scale, 1.0 if t.reversal is not None else scale)
        for t in model.terms
        if unit_is(equations[t.name], brian2.siemens if t.reversal is not None else brian2.amp)
    ] + [(gain, scale) for gain, _ in gains.values()]
    for expression, times in candidates:
        value = model.number(sympy.cancel(-expression / slope)) * times
        if np.all((np.asarray(value) >= 1e3) & (np.asarray(value) <= 1e10)):
            return value, True
    return _OWN, False


def _factor(model: Model, term: Term, slope: Any, scale: float, resistance: Number) -> Number:
    """What a jump of one of the script's variable weighs here, in ampere or siemens."""
    gain = model.number(sympy.cancel(-term.scale / slope)) * (1.0 if term.reversal is not None else scale)
    factor = np.asarray(gain) / resistance
    # a gain that is the resistance up to rounding is the resistance
    factor = np.where(np.abs(factor - 1) < 4e-16, 1.0, factor)
    return float(factor.flat[0]) if np.all(factor == factor.flat[0]) else factor
