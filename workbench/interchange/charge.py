"""Synaptic currents and conductances that do not start at zero: here they do, so one spike from outside brings what they hold.

The spike can act from the third step on. Until then the potential runs without its synapses, from a start chosen so that it is
where it would have been with them, and fires in the first step if it would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.network import Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.stimuli import SpikeList
from workbench.circuits.synapses import Conductance, Exponential
from workbench.circuits.wiring import OneToOne
from workbench.fields import Distribution
from workbench.interchange.imported import listed

__all__ = ["brought", "start"]

Charged = Mapping[str, Any]
"""What receptors hold at the start, in ampere or siemens: one number, or one for each neuron."""


def brought(
    name: str, size: int, neuron: Neuron, charged: Charged, *, dt: float
) -> tuple[Source, dict[str, Projection]]:
    """The source that fires once, in the first step, and its projections onto the population `name`, by receptor."""
    source = Source(size, SpikeList((0.0,) * size, tuple(range(size))))
    made = {}
    for receptor, value in charged.items():
        left = np.broadcast_to(np.asarray(value) * _decay(neuron, receptor, dt) ** 2, (size,))
        made[receptor] = Projection(
            f"start of {name}", name, OneToOne(), weight=listed(left), delay=dt, receptor=receptor
        )
    return source, made


def start(neuron: Lif, size: int, v: Any, charged: Charged, *, dt: float) -> tuple[NDArray[np.float64], int]:
    """Where the potential starts, and how many neurons are not exact: those that would fire in the second step."""
    rest = _knob(neuron, "rest") + _knob(neuron, "resistance") * np.asarray(_knob(neuron, "bias"))
    away = np.exp(-dt / np.asarray(_knob(neuron, "tau")))
    v, threshold, held = (
        np.broadcast_to(np.asarray(x), (size,)) for x in (v, _knob(neuron, "threshold"), _knob(neuron, "refractory"))
    )
    state = {r: np.asarray(x) for r, x in charged.items()}
    once = _stepped(neuron, v, state, dt)
    twice = _stepped(neuron, once, {r: x * _decay(neuron, r, dt) for r, x in state.items()}, dt)
    begin = rest + (twice - rest) / away**2
    exact = (once <= threshold) & (twice <= threshold) & (rest + (begin - rest) * away <= threshold)
    first = once > threshold
    made = np.where(exact, begin, np.where(first, rest + (once - rest) / away, v))
    return made, int(np.count_nonzero(~exact & ~(first & (held > 1.5 * dt))))


def _knob(neuron: Neuron, name: str | float) -> Any:
    value = getattr(neuron, name) if isinstance(name, str) else name
    return value.values if isinstance(value, Distribution) else value  # type: ignore[attr-defined]


def _decay(neuron: Neuron, receptor: str, dt: float) -> Any:
    kind = neuron.receptors[receptor]
    tau = kind.tau if isinstance(kind, (Exponential, Conductance)) else 1.0
    return np.exp(-dt / np.asarray(_knob(neuron, tau)))


def _stepped(neuron: Neuron, v: Any, state: Charged, dt: float) -> Any:
    """One step of the membrane with these currents and conductances: exact, or exponential Euler with conductances."""
    tau, r = np.asarray(_knob(neuron, "tau")), _knob(neuron, "resistance")
    rest = _knob(neuron, "rest") + r * np.asarray(_knob(neuron, "bias"))
    kinds = {name: neuron.receptors[name] for name in state}
    if not any(isinstance(k, Conductance) for k in kinds.values()):
        numbers = {f: _knob(neuron, f) for f in neuron.__dataclass_fields__}
        made = Lif.step_constants(numbers, tuple(state), dt)
        return made["mu"] + (v - made["mu"]) * made["a"] + sum(x * made[f"b.{name}"] for name, x in state.items())
    total, pull = 1.0, rest
    for name, x in state.items():
        kind = kinds[name]
        total = total + (r * x if isinstance(kind, Conductance) else 0.0)
        pull = pull + r * x * (_knob(neuron, kind.reversal) if isinstance(kind, Conductance) else 1.0)
    return pull / total + (v - pull / total) * np.exp(-dt * total / tau)
