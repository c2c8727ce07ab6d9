"""Published memory cells: what papers measured, as far as fits of it are public, and what had to be assumed, each number with its source."""

from __future__ import annotations

from workbench.chips.devices.device import Device, Pulses
from workbench.chips.devices.laws import Law, Piece, polynomial
from workbench.recordings.prices import Citation
from workbench.units import ns, uS

__all__ = ["PCM_JOSHI", "PCM_NANDAKUMAR"]

_DAY = 86_400.0
_TEN_YEARS = 3.2e8
_STEPS_ASSUMED = Citation(
    "assumed", "soft bounds with a round number for each knob; no pulse data of this device are public in numbers"
)

# --- phase change -----------------------------------------------------------------------------------------------------

_NANDAKUMAR = "Nandakumar et al. 2019, ICECS, statistical model of mushroom PCM; coefficients as published with aihwkit (inference/noise/pcm.py)"
_FAR = Citation("assumed", "the power law of drift is taken to go on to ten years; measured were hours to days")
_PCM_HEAT = Citation(
    "assumed",
    "0.2 eV when nearly reset to 0.05 eV when set, linear between: the order of magnitude recalled for Ge2Sb2Te5 at low field",
)
_PCM_HEAT_RANGE = Citation("assumed", "where crystallisation and drift are taken to stay what they are at 300 K")
_PCM_STEPS = Pulses(up=0.05, down=1.0, up_shape=1.0, down_shape=1.0, cycle=0.3, spread=0.2)
_PCM_STEPS_ASSUMED = Citation(
    "assumed", "crystallisation adds up pulse by pulse, one melting pulse resets; round numbers, not fitted to data"
)

PCM_NANDAKUMAR = Device(
    name="pcm-nandakumar",
    g_min=0.0,
    g_max=25 * uS,
    reference_time=20.0,
    conductances=(0.0, 25 * uS),
    times=(20.0, _TEN_YEARS),
    temperatures=(260.0, 360.0),
    programming=polynomial(25 * uS, 0.26348, 1.9650, -1.1731),
    drift_mean=Law(reference=25 * uS, pieces=(Piece(polynomial=(0.0244,), log=-0.0155, low=0.049, high=0.1),)),
    drift_sd=Law(reference=25 * uS, pieces=(Piece(polynomial=(-0.0059,), log=-0.0125, low=0.008, high=0.045),)),
    flicker=Law(reference=25 * uS, pieces=(Piece(power=0.0088, exponent=-0.65, high=0.2),)),
    read_time=250 * ns,
    activation=polynomial(25 * uS, 0.2, -0.15, scale=1.0),
    pulses=_PCM_STEPS,
    citations={
        **dict.fromkeys(
            (
                "g_min",
                "g_max",
                "reference_time",
                "conductances",
                "programming",
                "drift_mean",
                "drift_sd",
                "flicker",
                "read_time",
            ),
            Citation("published", _NANDAKUMAR),
        ),
        "times": _FAR,
        "temperatures": _PCM_HEAT_RANGE,
        "activation": _PCM_HEAT,
        "window_spread": Citation(
            "assumed", "none: the published error is over many cells and holds their differences"
        ),
        "pulses": _PCM_STEPS_ASSUMED,
    },
)

_JOSHI = Citation(
    "published",
    "Joshi et al. 2020, Nat. Commun. 11:2473, Fig. 3b, 27.36 s after programming; quadratic fit as published with CrossSim (PCM_Joshi)",
)
_BORROWED = Citation(
    "assumed", f"no fit of it is published for this array; borrowed from another PCM of the same makers: {_NANDAKUMAR}"
)

PCM_JOSHI = Device(
    name="pcm-joshi",
    g_min=0.25 * uS,
    g_max=25 * uS,
    reference_time=27.36,
    conductances=(0.0, 25 * uS),
    times=(27.36, _TEN_YEARS),
    temperatures=(260.0, 360.0),
    programming=polynomial(1 * uS, 0.28638599, 0.07585724, -0.00178767),  # in g/µS
    drift_mean=PCM_NANDAKUMAR.drift_mean,
    drift_sd=PCM_NANDAKUMAR.drift_sd,
    flicker=PCM_NANDAKUMAR.flicker,
    read_time=250 * ns,
    activation=PCM_NANDAKUMAR.activation,
    pulses=_PCM_STEPS,
    citations={
        **dict.fromkeys(("g_max", "reference_time", "conductances", "programming"), _JOSHI),
        "g_min": Citation("assumed", "an on/off ratio of 100, as CrossSim suggests with this fit"),
        **dict.fromkeys(("drift_mean", "drift_sd", "flicker", "read_time"), _BORROWED),
        "times": _FAR,
        "temperatures": _PCM_HEAT_RANGE,
        "activation": _PCM_HEAT,
        "window_spread": Citation(
            "assumed", "none: the published error is over many cells and holds their differences"
        ),
        "pulses": _PCM_STEPS_ASSUMED,
    },
)
