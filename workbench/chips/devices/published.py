"""Published memory cells: what papers measured, as far as fits of it are public, and what had to be assumed, each number with its source."""

from __future__ import annotations

from workbench.chips.devices.device import Device, Pulses
from workbench.chips.devices.laws import Law, Piece, polynomial
from workbench.recordings.prices import Citation
from workbench.units import nS, ns, uS

__all__ = ["HERMES", "HERMES_SINGLE", "PCM_JOSHI", "PCM_NANDAKUMAR", "RRAM_MILO", "RRAM_WAN", "SONOS"]

_DAY = 86_400.0
_TEN_YEARS = 3.2e8
_STEPS_ASSUMED = Citation(
    "assumed", "soft bounds with a round number for each knob; no pulse data of this device are public in numbers"
)

_IN_THE_ERROR = Citation("assumed", "none: the published error is over many cells and holds their differences")

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
        "window_spread": _IN_THE_ERROR,
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
        "window_spread": _IN_THE_ERROR,
        "pulses": _PCM_STEPS_ASSUMED,
    },
)

# Hermes: fits over u = g/g_max of what was characterised, one device (10.35 µS) or two together (20.7 µS) a conductance.
_HERMES = (
    "Le Gallo et al. 2023, Nat. Electron. 6:680, and Khaddam-Aljameh et al. 2022, JSSC; coefficients as published with aihwkit "
    "(inference/noise/hermes.py)"
)
_HERMES_CITED = {
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
        Citation("published", _HERMES),
    ),
    "times": _FAR,
    "temperatures": _PCM_HEAT_RANGE,
    "activation": _PCM_HEAT,
    "window_spread": _IN_THE_ERROR,
    "pulses": _PCM_STEPS_ASSUMED,
}
_HERMES_DRIFT = (
    Piece(polynomial=(-0.0182,), log=-0.0387, low=0.0720, high=0.13, below=0.0945),
    Piece(polynomial=(0.0736, -0.0126, -0.0436)),
)

HERMES = Device(
    name="hermes",
    g_min=0.0,
    g_max=20.7 * uS,
    reference_time=300.0,
    conductances=(0.0, 20.7 * uS),
    times=(300.0, _TEN_YEARS),
    temperatures=(260.0, 360.0),
    programming=polynomial(20.7 * uS, 0.16603222, 4.71806468, -8.48101252, 4.68961419),
    drift_mean=Law(reference=20.7 * uS, pieces=_HERMES_DRIFT),
    drift_sd=Law(
        reference=20.7 * uS,
        pieces=(
            Piece(polynomial=(-0.0057,), log=-0.0117, low=0.0091, high=0.04, below=0.3055),
            Piece(polynomial=(0.0073, 0.0093, -0.0118)),
        ),
    ),
    flicker=Law(
        reference=20.7 * uS,
        pieces=(
            Piece(polynomial=(-0.0069,), log=-0.0117, low=0.015, high=0.04, below=0.16),
            Piece(polynomial=(0.0123, 0.0211, -0.0280, 0.0069)),
        ),
    ),
    read_time=512 * ns,
    activation=polynomial(20.7 * uS, 0.2, -0.15, scale=1.0),
    pulses=_PCM_STEPS,
    citations=_HERMES_CITED,
)

HERMES_SINGLE = Device(
    name="hermes-single",
    g_min=0.0,
    g_max=10.35 * uS,
    reference_time=200.0,
    conductances=(0.0, 10.35 * uS),
    times=(200.0, _TEN_YEARS),
    temperatures=(260.0, 360.0),
    programming=polynomial(10.35 * uS, 0.15781817, 2.32443916, -2.16310839, 0.68841818),
    drift_mean=Law(reference=10.35 * uS, pieces=_HERMES_DRIFT),
    drift_sd=Law(
        reference=10.35 * uS,
        pieces=(
            Piece(polynomial=(-0.0023,), log=-0.0120, low=0.0124, high=0.04, below=0.3039),
            Piece(polynomial=(0.0104, 0.0116, -0.0165)),
        ),
    ),
    flicker=Law(
        reference=10.35 * uS,
        pieces=(
            Piece(polynomial=(0.0038,), log=-0.0078, low=0.0179, high=0.04, below=0.1591),
            Piece(polynomial=(0.0088, 0.0768, -0.1352, 0.0664)),
        ),
    ),
    read_time=512 * ns,
    activation=polynomial(10.35 * uS, 0.2, -0.15, scale=1.0),
    pulses=_PCM_STEPS,
    citations=_HERMES_CITED,
)

# --- resistive --------------------------------------------------------------------------------------------------------

# The quartic is over u = g / 40 µS. Used over another window without its reference, it is up to 1.6 times too noisy at 25 µS.
_WAN = Citation(
    "published",
    "Wan et al. 2022, Nature 608:504 (NeuRRAM), Extended Data Fig. 3; quartic over g/40 µS at 1 s, 1 day and 2 days as published with "
    "aihwkit (inference/noise/reram.py). CrossSim's cubic of the same figure lies within 0.8 µS of it up to 39 µS",
)
_RRAM_STEPS = Pulses(up=0.02, down=0.03, up_shape=1.0, down_shape=1.0, cycle=0.3, spread=0.2)

RRAM_WAN = Device(
    name="rram-wan",
    g_min=1 * uS,
    g_max=40 * uS,
    reference_time=1.0,
    conductances=(0.0, 40 * uS),
    times=(1.0, 2 * _DAY),
    temperatures=(300.0, 300.0),
    programming=polynomial(40 * uS, 0.348, 16.030, -43.853, 45.393, -16.815),
    relaxation=(
        (_DAY, polynomial(40 * uS, 0.701, 22.086, -50.773, 47.095, -16.458)),
        (2 * _DAY, polynomial(40 * uS, 0.782, 20.274, -43.507, 37.062, -11.934)),
    ),
    read_constant=0.01 * 40 * uS,
    pulses=_RRAM_STEPS,
    citations={
        **dict.fromkeys(
            ("g_max", "reference_time", "conductances", "times", "programming", "relaxation"),
            _WAN,
        ),
        "g_min": Citation("assumed", "1 µS: recalled from the same paper"),
        "log_time": Citation("assumed", "relaxation goes on with ln t between the three times measured"),
        "read_constant": Citation(
            "assumed", "1 % of 40 µS, what aihwkit advises beside this fit for short-term read noise"
        ),
        "temperatures": Citation("assumed", "nothing is known of other temperatures"),
        "window_spread": _IN_THE_ERROR,
        "pulses": _STEPS_ASSUMED,
    },
)

RRAM_MILO = Device(
    name="rram-milo",
    g_min=50 * uS,
    g_max=225 * uS,
    reference_time=1.0,
    conductances=(50 * uS, 225 * uS),
    times=(1.0, 1.0),
    temperatures=(300.0, 300.0),
    programming=polynomial(1 * uS, 4.782321, -0.009107),  # in g/µS
    pulses=_RRAM_STEPS,
    citations={
        **dict.fromkeys(
            ("g_min", "g_max", "conductances", "programming"),
            Citation(
                "published",
                "Milo et al. 2021, IRPS, Fig. 4 (IGVVA-100); linear fit as published with CrossSim (RRAM_Milo)",
            ),
        ),
        "reference_time": Citation("assumed", "one second after programming: the fit names no time"),
        "times": Citation("assumed", "nothing is known of later times"),
        "temperatures": Citation("assumed", "nothing is known of other temperatures"),
        "read_constant": Citation("assumed", "none: no read noise goes with the fit"),
        "window_spread": _IN_THE_ERROR,
        "pulses": _STEPS_ASSUMED,
    },
)

# --- charge trapping --------------------------------------------------------------------------------------------------

# The fits are over the cell's current in nA; CrossSim takes 1.6 µA for 16 µS, so that 1 nA stands for 10 nS.
_NANOAMPERE = 10 * nS


def _saturating(largest: float, length: float) -> Law:
    """A·(1 − e^(−I/B)) in nA."""
    return Law(reference=_NANOAMPERE, scale=_NANOAMPERE, pieces=(Piece(saturating=largest, length=length),))


def _tenth(*coefficients: float) -> Law:
    """A polynomial of the tenth degree in nA, of a mean that may move either way."""
    return polynomial(_NANOAMPERE, *coefficients, scale=_NANOAMPERE, low=None)


_AGRAWAL = Citation(
    "published",
    "Agrawal et al. 2022, IEDM 21.7, 40 nm SONOS, 128 thousand cells over five days; fits as published with CrossSim (SONOS)",
)

# The mean change by day 1 to 5, lowest power first.
# fmt: off
_SONOS_SHIFT = tuple(
    (day * _DAY, _tenth(*coefficients))
    for day, coefficients in (
        (1, (6.83650e-01, 6.51250e-03, -4.03163e-04, 3.37944e-06, -1.87435e-08, 5.88902e-11,
             -1.07685e-13, 1.17751e-16, -7.60016e-20, 2.67255e-23, -3.94954e-27)),
        (2, (6.60925e-01, 8.60627e-03, -1.72936e-04, 7.44096e-07, -5.94866e-09, 2.36734e-11,
             -4.83740e-14, 5.56072e-17, -3.65397e-20, 1.28405e-23, -1.87450e-27)),
        (3, (1.15821e00, 1.96116e-02, -4.70807e-04, 3.67510e-06, -2.08786e-08, 6.59752e-11,
             -1.19499e-13, 1.28435e-16, -8.11574e-20, 2.78802e-23, -4.02057e-27)),
        (4, (8.72216e-01, 1.70926e-02, -2.23370e-04, 1.57526e-06, -1.32779e-08, 5.08256e-11,
             -1.01251e-13, 1.14633e-16, -7.46124e-20, 2.60559e-23, -3.78724e-27)),
        (5, (1.15294e00, 1.03149e-02, -6.05199e-05, 1.76086e-08, -6.46690e-09, 3.39044e-11,
             -7.53872e-14, 8.98185e-17, -6.00346e-20, 2.12615e-23, -3.11099e-27)),
    )
)
# fmt: on

SONOS = Device(
    name="sonos",
    g_min=0.0,
    g_max=14 * uS,
    reference_time=1.0,
    conductances=(0.0, 14 * uS),
    times=(1.0, 5 * _DAY),
    temperatures=(300.0, 300.0),
    programming=_saturating(19.88665, 176.3115),
    relaxation=(
        (1 * _DAY, _saturating(25.59102, 186.85544)),
        (2 * _DAY, _saturating(28.72753, 193.56834)),
        (3 * _DAY, _saturating(31.04318, 198.90332)),
        (4 * _DAY, _saturating(33.76214, 204.77023)),
        (5 * _DAY, _saturating(34.57909, 207.34309)),
    ),
    shift=_SONOS_SHIFT,
    log_time=False,
    read_state=_saturating(12.58037, 215.36557),
    pulses=Pulses(up=0.02, down=0.02, up_shape=1.0, down_shape=1.0, cycle=0.1, spread=0.1),
    citations={
        **dict.fromkeys(("times", "programming", "relaxation", "shift", "read_state"), _AGRAWAL),
        "g_min": Citation("assumed", "nothing: the on/off ratio is above 10⁷"),
        **dict.fromkeys(
            ("g_max", "conductances"),
            Citation(
                "computed",
                "1.6 µA stands for 16 µS at 0.1 V (CrossSim); above 14 µS the fits of the mean run away and the days contradict each other",
            ),
        ),
        "reference_time": Citation("assumed", "one second stands for 'right after programming'"),
        "log_time": Citation("assumed", "linear in t between the days measured, as CrossSim interpolates"),
        "temperatures": Citation("assumed", "nothing is known of other temperatures"),
        "window_spread": _IN_THE_ERROR,
        "pulses": _STEPS_ASSUMED,
    },
)
