"""Neurons in whole steps on Brian2: no equation to integrate, but a few assignments once a step.

Arrivals come first here, so synapses put them ready one step early: a spike of step m over a delay of d steps is laid down at the
end of step m + d − 1 and taken in at the beginning of step m + d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Jump
from workbench.errors import UnsupportedError
from workbench.words import tr

__all__ = ["FIRES", "after", "constants", "is_discrete", "model", "refuse", "states", "step"]

FIRES = "v > threshold and ready <= t_in_timesteps"
"""A neuron is ready from this step on; Brian2's own refractoriness counts seconds."""


def is_discrete(neuron: Neuron) -> bool:
    """Whether the model goes forward in whole steps."""
    return neuron.method == "steps"


def refuse(neuron: Neuron, used: Sequence[str]) -> None:
    """Raise UnsupportedError for a model in whole steps without a rule here, and for a receptor that the model cannot use."""
    name = type(neuron).__name__
    if is_discrete(neuron) and not isinstance(neuron, DiscreteLif):
        raise UnsupportedError(
            tr(
                "{model}: there is no rule in whole steps (method 'steps') for it; there is one for DiscreteLif.",
                model=name,
            )
        )
    for receptor in used:
        if isinstance(neuron.receptors[receptor], Jump) is not is_discrete(neuron):
            raise UnsupportedError(
                tr(
                    "{model}: its receptor '{receptor}' is of kind {kind}; neurons in whole steps have jumps, and only they do.",
                    model=name,
                    receptor=receptor,
                    kind=type(neuron.receptors[receptor]).__name__,
                )
            )


def states(neuron: Neuron, used: Sequence[str]) -> list[str]:
    """The potential and the currents in use."""
    flows = [str(neuron.receptors[name].variable) for name in used]
    return ["v", *(name for name in flows if name != "v")]


def model(neuron: Neuron, used: Sequence[str]) -> str:
    """The variables, as Brian2 declares them; `ready` is the first step of the next integration."""
    names = [*states(neuron, used), "ready", *(f"arrivals_{name}" for name in used)]
    return "\n".join(f"{name} : 1" for name in names)


def constants(parameters: Mapping[str, Any], used: Sequence[str]) -> dict[str, Any]:
    """What a step needs beyond the model's own numbers: the shares that stay, and the steps of silence."""
    made = {"step_hold": np.maximum(np.asarray(parameters["refractory"], np.float64), 1.0)}
    for leak in ("leak", *(f"leak_{name}" for name in used if name != "input")):
        made[f"step_keep_{leak}"] = 1.0 - np.asarray(parameters[leak], np.float64)
    return {k: float(v) if v.ndim == 0 else v for k, v in made.items()}


def step(neuron: Neuron, used: Sequence[str], *, floored: bool) -> str:
    """One step as assignments, in the order of `DiscreteLif`'s own text."""
    flows = [name for name in used if name != "input"]
    lines = [f"current_{name} += arrivals_{name}" for name in flows]
    lines += [f"arrivals_{name} = 0" for name in flows]
    total = [
        _kept(neuron, "v", "leak"),
        *(["arrivals_input"] if "input" in used else []),
        *(f"current_{name}" for name in flows),
        "bias",
    ]
    lines.append(f"reached = {' + '.join(total)}")
    if floored:
        lines.append("reached = int(reached < lowest)*lowest + int(reached >= lowest)*reached")
    lines.append("v = int(ready <= t_in_timesteps)*reached + int(ready > t_in_timesteps)*v")
    if "input" in used:
        lines.append("arrivals_input = 0")
    lines += [f"current_{name} = {_kept(neuron, f'current_{name}', f'leak_{name}')}" for name in flows]
    return "\n".join(lines)


def after(neuron: Neuron) -> str:
    """What a spike does."""
    jump = "v = v - threshold" if getattr(neuron, "after_spike", "reset") == "subtract" else "v = reset"
    return f"{jump}\nready = t_in_timesteps + step_hold"


def _kept(neuron: Neuron, state: str, leak: str) -> str:
    if getattr(neuron, "rounding", "none") == "away":
        return f"({state} - sign({state})*ceil(abs({state}*{leak})))"
    return f"{state}*step_keep_{leak}"
