"""The leaky integrate-and-fire neuron in whole steps, as digital chips compute it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Jump, Receptor
from workbench.errors import DescriptionError
from workbench.fields import choice, count, described, quantity
from workbench.words import tr

__all__ = ["DiscreteLif"]


@final
@described
class DiscreteLif(Neuron):
    """Leaky integrate-and-fire neuron in whole steps: no unit, no time but the step.

    In each step, what is due arrives at the currents u first. Unless the neuron is refractory, v ← v − loss(v) + Σ input + Σ u + bias,
    summed in this order, and not below `lowest`; it fires if v > threshold. Then u ← u − loss(u), and in a neuron that fired
    v becomes `reset` (or loses `threshold`). After a spike in step m it integrates again in step m + refractory, at the
    earliest in the next; jumps of v that arrive meanwhile are lost.

    loss(x) is leak · x, with rounding "away" sgn(x)·⌈leak·|x|⌉: the fixed-point rule of Loihi, where a leak is a whole
    number of 1/4096 (Davies et al. 2018; Michaelis et al. 2022, Front. Neuroinform. 16:1015624). Without rounding,
    x − loss(x) is computed as x · (1 − leak). A spike with a delay of one step acts in the next.
    """

    leak: float = quantity(0.0, "", low=0.0, high=1.0, doc="share of the potential lost in a step", spread=True)
    leak_exc: float = quantity(
        1.0, "", low=0.0, high=1.0, doc="share of the excitatory current lost in a step", spread=True
    )
    leak_inh: float = quantity(
        1.0, "", low=0.0, high=1.0, doc="share of the inhibitory current lost in a step", spread=True
    )
    threshold: float = quantity(64.0, "", low=0.0, high=2.0**31, doc="firing threshold", spread=True)
    reset: float = quantity(0.0, "", low=-(2.0**31), high=2.0**31, doc="potential after a spike", spread=True)
    bias: float = quantity(0.0, "", low=-(2.0**31), high=2.0**31, doc="added in every step", spread=True)
    lowest: float = quantity(
        -(2.0**31), "", low=-(2.0**31), high=0.0, doc="the potential is never below this", spread=True
    )
    refractory: int = count(0, low=0, high=10_000, doc="steps without integration after a spike")
    after_spike: str = choice("reset", ("reset", "subtract"), doc="what a spike does to the potential")
    rounding: str = choice(
        "none", ("none", "away"), doc="how losses are rounded: not at all, or away from zero to whole numbers"
    )

    start: ClassVar[Mapping[str, str | float]] = {"v": 0.0}
    method: ClassVar[str] = "steps"
    fires: ClassVar[str] = "v > threshold"
    holds: ClassVar[str] = "refractory"
    receptors: ClassVar[Mapping[str, Receptor]] = {
        "input": Jump("v"),
        "exc": Jump("current_exc", "leak_exc"),
        "inh": Jump("current_inh", "leak_inh"),
    }

    def check(self) -> None:
        """A reset above the threshold would fire for ever."""
        if isinstance(self.reset, float) and isinstance(self.threshold, float) and self.reset > self.threshold:
            raise DescriptionError(
                tr(
                    "DiscreteLif.reset is {reset:g} and DiscreteLif.threshold {threshold:g}: the reset must not lie above the threshold.",
                    reset=self.reset,
                    threshold=self.threshold,
                )
            )
