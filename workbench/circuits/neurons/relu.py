"""The rectified linear unit: a neuron that emits a value in every step, and remembers nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Receptor, Value
from workbench.errors import DescriptionError
from workbench.fields import described, quantity
from workbench.words import tr

__all__ = ["Relu"]

_MOST = 2.0**53


@final
@described
class Relu(Neuron):
    """Rectified linear unit: emits y = gain · (x + bias), not below `lowest` and not above `highest`, in every step.

    x is the sum of weight · emitted over what arrives in this step. Nothing has a unit, and nothing is remembered.
    """

    gain: float = quantity(1.0, "", low=-_MOST, high=_MOST, doc="slope between the two bounds", spread=True)
    bias: float = quantity(0.0, "", low=-_MOST, high=_MOST, doc="added to what arrives", spread=True)
    lowest: float = quantity(0.0, "", low=-_MOST, high=_MOST, doc="the value is never below this", spread=True)
    highest: float = quantity(_MOST, "", low=-_MOST, high=_MOST, doc="the value is never above this", spread=True)

    emits: ClassVar[Literal["spikes", "values"]] = "values"
    equations: ClassVar[str] = "y = clip(gain * (x + bias), lowest, highest) : 1"
    receptors: ClassVar[Mapping[str, Receptor]] = {"input": Value("x")}

    def check(self) -> None:
        """The bounds must leave room."""
        if isinstance(self.lowest, float) and isinstance(self.highest, float) and self.lowest > self.highest:
            raise DescriptionError(
                tr(
                    "Relu.lowest is {lowest:g} and Relu.highest {highest:g}: lowest must not lie above highest.",
                    lowest=self.lowest,
                    highest=self.highest,
                )
            )
