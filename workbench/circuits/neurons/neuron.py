"""The neuron model: Brian2 equations as text, with knobs for its numbers and receptors for its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from workbench.circuits.synapses import Receptor
from workbench.fields import described

__all__ = ["Neuron"]


@described
class Neuron:
    """Abstract: a neuron model. Subclass it, declare knobs, and write the equations as Brian2 reads them.

    Names in `equations`, `fires` and `after` are the model's own knobs and states. `current` (ampere) is provided: the sum of
    what the used receptors, current sources and `bias` (if the model has that knob) bring.

    A model that emits values gives its equations for `y`, what it emits in a step: a differential equation, or `y = ... : 1`.
    There `x` is provided: the sum of what arrives in the step, without unit.
    """

    emits: ClassVar[Literal["spikes", "values"]] = "spikes"
    """Whether it emits spikes, now and then, or a value in every step."""

    equations: ClassVar[str] = ""
    """Differential equations, Brian2 syntax."""
    fires: ClassVar[str] = ""
    """The condition for a spike, tested after the integration of each step."""
    after: ClassVar[str] = ""
    """What a spike does to the states, at the end of the step."""
    holds: ClassVar[str] = ""
    """The name of the knob with the refractory time, or a condition on the states; empty for none."""
    start: ClassVar[Mapping[str, str | float]] = {}
    """Initial value of each state: an SI number or the name of a knob."""
    receptors: ClassVar[Mapping[str, Receptor]] = {}
    """What a projection can name as its receptor."""
    method: ClassVar[str] = "exponential_euler"
    """How Brian2 integrates: one of its method names, or "house" for a model with an exact step of its own."""
