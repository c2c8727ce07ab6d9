"""Synaptic variables that do not start at zero: here they do, so one spike from outside brings what they hold.

The spike can act from the third step on. Until then the potential runs without its synapses, from a start chosen so that it is
where it would have been with them, and fires in the first step if it would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.network import Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import SpikeList
from workbench.circuits.synapses import Conductance, Exponential
from workbench.circuits.wiring import OneToOne
from workbench.fields import Distribution
from workbench.interchange.brian2.membranes import Membrane
from workbench.interchange.brian2.reading import Script
from workbench.interchange.imported import listed
from workbench.words import tr

__all__ = ["bring", "population"]


def population(script: Script, m: Membrane) -> Population:
    """The population with its initial states."""
    initial = dict(m.initial)
    if m.charged:
        late = m.size
        if isinstance(m.neuron, Lif):
            initial["v"], late = _start(script, m)
        script.note(
            tr(
                "'{name}': {variables} do not start at zero; one spike from outside brings what they hold. Of {size} neurons, "
                "{late} are not exact in the first two steps.",
                name=m.name,
                variables=", ".join(m.charged),
                size=m.size,
                late=late,
            )
        )
    return Population(m.size, m.neuron, {name: listed(value) for name, value in initial.items()})


def bring(script: Script, m: Membrane, found: dict[str, Source], projections: dict[str, Projection]) -> None:
    """What the synaptic variables start with, as one spike in the first step: it arrives when two steps have decayed."""
    if not m.charged:
        return
    name = f"start of {m.name}"
    found[name] = Source(m.size, SpikeList((0.0,) * m.size, tuple(range(m.size))))
    for variable, value in m.charged.items():
        left = np.broadcast_to(np.asarray(value) * _decay(m, variable, script.dt) ** 2, (m.size,))
        projections[f"{name}.{variable}"] = Projection(
            name, m.name, OneToOne(), weight=listed(left), delay=script.dt, receptor=m.ports[variable].receptor
        )


def _knob(m: Membrane, name: str | float) -> Any:
    value = getattr(m.neuron, name) if isinstance(name, str) else name
    return value.values if isinstance(value, Distribution) else value  # type: ignore[attr-defined]


def _decay(m: Membrane, variable: str, dt: float) -> Any:
    receptor = m.neuron.receptors[m.ports[variable].receptor]
    tau = receptor.tau if isinstance(receptor, (Exponential, Conductance)) else 1.0
    return np.exp(-dt / np.asarray(_knob(m, tau)))


def _start(script: Script, m: Membrane) -> tuple[NDArray[np.float64], int]:
    """Where the potential starts, and how many neurons are not exact: those that would fire in the second step."""
    dt = script.dt
    rest = _knob(m, "rest") + _knob(m, "resistance") * np.asarray(_knob(m, "bias"))
    away = np.exp(-dt / np.asarray(_knob(m, "tau")))
    v, threshold, held = (
        np.broadcast_to(np.asarray(x), (m.size,))
        for x in (m.initial["v"], _knob(m, "threshold"), _knob(m, "refractory"))
    )
    state = {n: np.asarray(x) for n, x in m.charged.items()}
    once = _stepped(m, v, state, dt)
    twice = _stepped(m, once, {n: x * _decay(m, n, dt) for n, x in state.items()}, dt)
    start = rest + (twice - rest) / away**2
    exact = (once <= threshold) & (twice <= threshold) & (rest + (start - rest) * away <= threshold)
    first = once > threshold
    made = np.where(exact, start, np.where(first, rest + (once - rest) / away, v))
    return made, int(np.count_nonzero(~exact & ~(first & (held > 1.5 * dt))))


def _stepped(m: Membrane, v: Any, state: Mapping[str, Any], dt: float) -> Any:
    """One step of the membrane with these currents and conductances: exact, or exponential Euler with conductances."""
    tau, r = np.asarray(_knob(m, "tau")), _knob(m, "resistance")
    rest = _knob(m, "rest") + r * np.asarray(_knob(m, "bias"))
    kinds = {n: m.neuron.receptors[m.ports[n].receptor] for n in state}
    if not any(isinstance(k, Conductance) for k in kinds.values()):
        numbers = {f: _knob(m, f) for f in m.neuron.__dataclass_fields__}
        made = Lif.step_constants(numbers, tuple(m.neuron.receptors), dt)
        rise = sum(x * made[f"b.{m.ports[n].receptor}"] for n, x in state.items())
        return made["mu"] + (v - made["mu"]) * made["a"] + rise
    total, pull = 1.0, rest
    for n, x in state.items():
        kind = kinds[n]
        total = total + (r * x if isinstance(kind, Conductance) else 0.0)
        pull = pull + r * x * (_knob(m, kind.reversal) if isinstance(kind, Conductance) else 1.0)
    return pull / total + (v - pull / total) * np.exp(-dt * total / tau)
