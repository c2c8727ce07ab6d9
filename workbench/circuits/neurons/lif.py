"""The leaky integrate-and-fire neuron and its exact step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Conductance, Current, Delta, Exponential, Gap, Receptor
from workbench.errors import DescriptionError
from workbench.fields import described, quantity
from workbench.units import Gohm, Mohm, kohm, ms, mV, nA, s
from workbench.words import tr

__all__ = ["Lif"]


@final
@described
class Lif(Neuron):
    """Leaky integrate-and-fire neuron.

    tau dv/dt = rest − v + resistance · current; fires above threshold (Lapicque 1907; Gerstner et al. 2014, eq. 1.5).
    """

    tau: float = quantity(20 * ms, "ms", low=0.1 * ms, high=1 * s, doc="membrane time constant", spread=True)
    rest: float = quantity(0 * mV, "mV", low=-100 * mV, high=50 * mV, doc="resting potential", spread=True)
    threshold: float = quantity(20 * mV, "mV", low=-80 * mV, high=100 * mV, doc="firing threshold", spread=True)
    reset: float = quantity(10 * mV, "mV", low=-100 * mV, high=100 * mV, doc="potential after a spike", spread=True)
    refractory: float = quantity(2 * ms, "ms", low=0 * ms, high=100 * ms, doc="absolute refractory period", spread=True)
    resistance: float = quantity(
        40 * Mohm, "MΩ", low=1 * kohm, high=10 * Gohm, doc="membrane resistance", log=True, spread=True
    )
    bias: float = quantity(0 * nA, "nA", low=-100 * nA, high=100 * nA, doc="constant current", spread=True)
    tau_exc: float = quantity(5 * ms, "ms", low=0.05 * ms, high=1 * s, doc="decay of excitatory receptors", spread=True)
    tau_inh: float = quantity(
        10 * ms, "ms", low=0.05 * ms, high=1 * s, doc="decay of inhibitory receptors", spread=True
    )
    reversal_exc: float = quantity(
        0 * mV, "mV", low=-100 * mV, high=100 * mV, doc="reversal of excitatory conductances", spread=True
    )
    reversal_inh: float = quantity(
        -80 * mV, "mV", low=-120 * mV, high=100 * mV, doc="reversal of inhibitory conductances", spread=True
    )

    equations: ClassVar[str] = "dv/dt = (rest - v + resistance * current) / tau : volt (unless refractory)"
    fires: ClassVar[str] = "v > threshold"
    after: ClassVar[str] = "v = reset"
    holds: ClassVar[str] = "refractory"
    start: ClassVar[Mapping[str, str | float]] = {"v": "rest"}
    method: ClassVar[str] = "house"
    receptors: ClassVar[Mapping[str, Receptor]] = {
        "input": Delta("v"),
        "exc": Exponential("current", "tau_exc"),
        "inh": Exponential("current", "tau_inh"),
        "exc_g": Conductance("current", "tau_exc", "reversal_exc"),
        "inh_g": Conductance("current", "tau_inh", "reversal_inh"),
        "gap": Gap("current"),
        "current": Current("current"),
    }

    def check(self) -> None:
        """A reset above the threshold would fire for ever."""
        if isinstance(self.reset, float) and isinstance(self.threshold, float) and self.reset >= self.threshold:
            raise DescriptionError(
                tr(
                    "Lif.reset is {reset:g} mV and Lif.threshold {threshold:g} mV: the reset must lie below the threshold.",
                    reset=self.reset / mV,
                    threshold=self.threshold / mV,
                )
            )

    @staticmethod
    def step_constants(parameters: Mapping[str, Any], used: Sequence[str], dt: float) -> dict[str, Any]:
        """The constants of one exact step of `dt` for the used delta and exponential receptors, numbers or arrays.

        v ← mu + (v − mu)·a + Σ_k I_k·b_k + i·gain,  I_k ← I_k·c_k, with the receptors in the model's order; every backend
        does these float64 operations in this order, so results are equal to the last bit. Returns mu, a, gain and, for each
        exponential receptor k, b_k and c_k under the keys "b.exc", "c.exc".

        With conductances the membrane equation dv/dt = A − Bv has A and B held over the step, and exp(−x) is its Padé
        approximant (12 − 6x + x²)/(12 + 6x + x²), off by x⁵/720: x = h + Σ_k g_k·scale_k,
        y = h·mu + Σ_k g_k·pull_k + Σ_k I_k·b_k + i·gain, v ← (v·(x·x + 12 − 6x) + 12y) / (x·x + 12 + 6x), g_k ← g_k·c_k.
        Then b and gain are h·resistance, and h, "scale.exc_g" and "pull.exc_g" come with the rest.
        """
        p = parameters
        a = np.exp(-dt / p["tau"])
        made = {"mu": p["rest"] + p["resistance"] * p["bias"], "a": a, "gain": p["resistance"] * (1.0 - a)}
        for name, receptor in Lif.receptors.items():
            if name in used and isinstance(receptor, Exponential):
                tau = np.asarray(p[receptor.tau] if isinstance(receptor.tau, str) else receptor.tau)
                c = np.exp(-dt / tau)
                gap = tau - p["tau"]
                close = np.abs(gap) < 1e-9 * tau
                apart = p["resistance"] * tau / np.where(close, 1.0, gap) * (c - a)
                b = np.where(close, p["resistance"] * a * dt / p["tau"], apart)
                made[f"b.{name}"], made[f"c.{name}"] = (
                    (float(b), float(c)) if np.ndim(b) == 0 else (b, np.broadcast_to(c, b.shape))
                )
        open_to = [n for n, r in Lif.receptors.items() if n in used and isinstance(r, Conductance)]
        if open_to:
            made["h"] = dt / p["tau"]
            push = made["h"] * p["resistance"]
            made["gain"] = push
            made |= {key: push for key in made if key.startswith("b.")}
            for name in open_to:
                receptor = Lif.receptors[name]
                tau = p[receptor.tau] if isinstance(receptor.tau, str) else receptor.tau  # type: ignore[attr-defined]
                pull = p[receptor.reversal] if isinstance(receptor.reversal, str) else receptor.reversal  # type: ignore[attr-defined]
                made[f"scale.{name}"], made[f"pull.{name}"] = push, push * pull
                made[f"c.{name}"] = np.exp(-dt / np.asarray(tau))
                if np.ndim(made[f"c.{name}"]) == 0:
                    made[f"c.{name}"] = float(made[f"c.{name}"])
        return made
