"""The closed form of a leaky integrate-and-fire neuron under a constant current.

    r = 1 / (refractory + tau ln((drive - reset) / (drive - threshold)))    with drive = rest + resistance × current

Source: Lapicque 1907; in this form Gerstner, Kistler, Naud and Paninski 2014, Neuronal Dynamics, ch. 1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from workbench.circuits.neurons.lif import Lif

__all__ = ["lif_rate", "rheobase"]


def lif_rate(neuron: Lif, current: ArrayLike) -> NDArray[np.float64]:
    """The rate (Hz) of `neuron` under a constant `current` (A), elementwise; exactly 0 Hz up to the rheobase."""
    drive = neuron.rest + neuron.resistance * np.asarray(current, dtype=float)
    fires = drive > neuron.threshold
    safe = np.where(fires, drive, neuron.threshold + abs(neuron.threshold) + 1.0)
    rising = neuron.tau * np.log((safe - neuron.reset) / (safe - neuron.threshold))
    return np.where(fires, 1.0 / (neuron.refractory + rising), 0.0)


def rheobase(neuron: Lif) -> float:
    """The constant current (A) that holds `neuron` exactly at its threshold; any more makes it fire."""
    return (neuron.threshold - neuron.rest) / neuron.resistance
