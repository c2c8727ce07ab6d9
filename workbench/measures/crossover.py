"""Where an event chip and a dense engine need the same energy: the closed form, and where two measured curves cross.

A layer of N neurons wired onto itself with fan-out f, of which the share ρ fires in a step, costs an event chip

    E(ρ) = C·e_core + N·e_inactive + N·p(ρ)·(e_active − e_inactive) + N·ρ·(f·e_syn + e_travel),

where p(ρ) = 1 − (1 − ρ)(1 − 1/N)^(ρNf) is the share of neurons that fire or hear of a spike. A dense engine pays E_dense, whatever ρ is.
Where ρf is large, p is 1, E is a straight line, and the crossover is explicit:

    ρ* = (E_dense − C·e_core − N·e_active) / (N·(f·e_syn + e_travel)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.recordings.prices import Price

__all__ = ["EventLayer", "crossing"]


@final
@dataclass(frozen=True, kw_only=True)
class EventLayer:
    """One layer on an event chip, by what its events cost in joules."""

    neurons: int
    fan_out: float
    operation: float
    """A spike at a synapse."""
    active: float
    """A step of a neuron to which something happened."""
    inactive: float
    """A step of a neuron to which nothing happened."""
    idle: float = 0.0
    """All cores in use, a step, whatever happens."""
    travel: float = 0.0
    """A spike on its way: leaving, packets, hops, arriving."""

    @staticmethod
    def of(prices: Mapping[str, Price], *, neurons: int, fan_out: float, cores: int, travel: float) -> EventLayer:
        """The layer at a price list: on so many cores, with so many joules of travel a spike."""
        cost = {event: price.joules for event, price in prices.items()}
        return EventLayer(
            neurons=neurons,
            fan_out=fan_out,
            operation=cost["synaptic operation"],
            active=cost["active update"],
            inactive=cost["inactive update"],
            idle=cores * cost["core step"],
            travel=travel,
        )

    @property
    def per_spike(self) -> float:
        """What one spike costs, J: its synapses and its way."""
        return self.fan_out * self.operation + self.travel

    def touched(self, activity: ArrayLike) -> NDArray[np.float64]:
        """The share p of neurons that fire or hear of a spike in a step, for random wiring."""
        rho = np.asarray(activity, dtype=float)
        heard = self.neurons * np.log1p(-1 / max(self.neurons, 2)) * rho * self.fan_out
        return 1 - (1 - rho) * np.exp(heard)

    def energy(self, activity: ArrayLike) -> NDArray[np.float64]:
        """The energy of a step, J, at each activity (spikes per neuron and step)."""
        rho = np.asarray(activity, dtype=float)
        updates = self.inactive + self.touched(rho) * (self.active - self.inactive)
        return self.idle + self.neurons * (updates + rho * self.per_spike)

    def crossover(self, dense: float) -> float:
        """ρ*: the activity at which a step costs `dense` joules; below 0 events never win, above 1 they always do."""
        return (dense - self.idle - self.neurons * self.active) / (self.neurons * self.per_spike)


def crossing(x: ArrayLike, rising: ArrayLike, other: ArrayLike) -> float:
    """Where the measured curve `rising` first passes `other` from below, on the straight line between two points.

    `x` ascends. NaN when it never does: it starts above, or stays below.
    """
    at, a, b = (np.asarray(v, dtype=float) for v in np.broadcast_arrays(x, rising, other))
    above: NDArray[Any] = a >= b
    if above[0] or not above.any():
        return float("nan")
    k = int(np.argmax(above))
    before, after = float(b[k - 1] - a[k - 1]), float(a[k] - b[k])
    return float(at[k - 1] + (at[k] - at[k - 1]) * before / (before + after))
