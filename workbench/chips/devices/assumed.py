"""Memory cells made from a few knobs: the perfect one, and a learner's device whose every number is an assumption."""

from __future__ import annotations

from workbench.chips.devices.device import Device, Pulses
from workbench.chips.devices.laws import Law, Piece, constant, polynomial
from workbench.recordings.prices import Citation
from workbench.units import uS

__all__ = ["ASSUMED", "IDEAL", "assumed"]

_BY_DEFINITION = Citation("assumed", "perfect by definition")

IDEAL = Device(
    name="ideal",
    g_min=0.0,
    g_max=100 * uS,
    reference_time=1.0,
    pulses=Pulses(up=0.01, down=0.01, up_shape=0.0, down_shape=0.0),
    citations=dict.fromkeys(("g_min", "g_max", "reference_time", "pulses"), _BY_DEFINITION),
)
"""No error of any kind, in a window from nothing to 100 µS; a pulse is a hundredth of it."""


def assumed(
    *,
    name: str = "assumed",
    g_min: float = 1 * uS,
    g_max: float = 100 * uS,
    programming: float = 0.03,
    read: float = 0.01,
    flicker: float = 0.0,
    drift: float = 0.05,
    drift_spread: float = 0.01,
    energy: float = 0.0,
    pulses: Pulses | None = None,
) -> Device:
    """A device with one number for each effect.

    Parameters
    ----------
    g_min, g_max
        The window, S.
    programming, read
        Standard deviation of writing and of one (white) read, as shares of `g_max`, the same at every conductance.
    flicker
        q of the 1/f noise, the same at every conductance.
    drift, drift_spread
        Mean and standard deviation over cells of the drift exponent ν; written at 1 s.
    energy
        Activation energy, eV.
    pulses
        How a pulse moves it; without it, steps of 2 % with 30 % from pulse to pulse and 20 % from cell to cell.
    """
    made = Citation("assumed", "a round number, chosen to show the effect")
    return Device(
        name=name,
        g_min=g_min,
        g_max=g_max,
        reference_time=1.0,
        conductances=(0.0, max(g_max, 0.0)),
        times=(1.0, 3.2e9),
        programming=polynomial(g_max, programming * g_max, scale=1.0) if programming else None,
        drift_mean=constant(drift) if drift else None,
        drift_sd=constant(drift_spread) if drift_spread else None,
        read_constant=read * g_max,
        flicker=Law(reference=g_max, pieces=(Piece(polynomial=(flicker,)),)) if flicker else None,
        activation=constant(energy) if energy else None,
        pulses=pulses or Pulses(up=0.02, down=0.02, cycle=0.3, spread=0.2),
        citations=dict.fromkeys(
            (
                "g_min",
                "g_max",
                "reference_time",
                "programming",
                "drift_mean",
                "drift_sd",
                "read_constant",
                "flicker",
                "activation",
                "pulses",
            ),
            made,
        ),
    )


ASSUMED = assumed()
