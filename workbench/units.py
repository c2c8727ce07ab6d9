"""Units are plain SI floats: `20 * ms` is the number 0.02, and nothing inside the workbench carries a unit."""

from __future__ import annotations

from typing import Final

s: Final = 1.0
ms: Final = 1e-3
us: Final = 1e-6
ns: Final = 1e-9
V: Final = 1.0
mV: Final = 1e-3
uV: Final = 1e-6
A: Final = 1.0
mA: Final = 1e-3
uA: Final = 1e-6
nA: Final = 1e-9
pA: Final = 1e-12
S: Final = 1.0
mS: Final = 1e-3
uS: Final = 1e-6
nS: Final = 1e-9
pS: Final = 1e-12
ohm: Final = 1.0
kohm: Final = 1e3
Mohm: Final = 1e6
Gohm: Final = 1e9
F: Final = 1.0
uF: Final = 1e-6
nF: Final = 1e-9
pF: Final = 1e-12
Hz: Final = 1.0
kHz: Final = 1e3
MHz: Final = 1e6
J: Final = 1.0
mJ: Final = 1e-3
uJ: Final = 1e-6
nJ: Final = 1e-9
pJ: Final = 1e-12
fJ: Final = 1e-15
K: Final = 1.0
W: Final = 1.0
GW: Final = 1e9
kW: Final = 1e3
mW: Final = 1e-3
uW: Final = 1e-6
nW: Final = 1e-9
mm2: Final = 1e-6
um2: Final = 1e-12
per_mm2: Final = 1e6
bit: Final = 1.0
kbit: Final = 1024.0
Mbit: Final = 1024.0**2

# What a knob may be shown in, how much one of it is in SI, and the ending of its border name.
_SHOWN: Final[dict[str, tuple[float, str]]] = {
    "": (1.0, ""),
    "s": (s, "s"),
    "ms": (ms, "ms"),
    "µs": (us, "us"),
    "ns": (ns, "ns"),
    "V": (V, "v"),
    "mV": (mV, "mv"),
    "µV": (uV, "uv"),
    "A": (A, "a"),
    "µA": (uA, "ua"),
    "nA": (nA, "na"),
    "pA": (pA, "pa"),
    "S": (S, "s"),
    "µS": (uS, "us"),
    "nS": (nS, "ns"),
    "pS": (pS, "ps"),
    "Ω": (ohm, "ohm"),
    "kΩ": (kohm, "kohm"),
    "MΩ": (Mohm, "mohm"),
    "GΩ": (Gohm, "gohm"),
    "µF": (uF, "uf"),
    "nF": (nF, "nf"),
    "pF": (pF, "pf"),
    "Hz": (Hz, "hz"),
    "kHz": (kHz, "khz"),
    "MHz": (MHz, "mhz"),
    "J": (J, "j"),
    "mJ": (mJ, "mj"),
    "µJ": (uJ, "uj"),
    "nJ": (nJ, "nj"),
    "pJ": (pJ, "pj"),
    "fJ": (fJ, "fj"),
    "W": (W, "w"),
    "GW": (GW, "gw"),
    "kW": (kW, "kw"),
    "mW": (mW, "mw"),
    "µW": (uW, "uw"),
    "nW": (nW, "nw"),
    "K": (K, "k"),
    "mm²": (mm2, "mm2"),
    "µm²": (um2, "um2"),
    "/mm²": (per_mm2, "per_mm2"),
    "bit": (bit, "bits"),
    "kbit": (kbit, "kbits"),
    "Mbit": (Mbit, "mbits"),
    "%": (0.01, "percent"),
    "V/s": (1.0, "v_per_s"),
    "LSB": (1.0, "lsb"),
}


def factor(unit: str) -> float:
    """How many SI units one of `unit` is: `factor("mV")` is 0.001. Raises DescriptionError for an unknown unit."""
    return _entry(unit)[0]


def suffix(unit: str) -> str:
    """The ending a border name takes for `unit`: `suffix("Hz")` is "hz", for a plain number it is empty."""
    return _entry(unit)[1]


def known() -> tuple[str, ...]:
    """Every unit a knob may be shown in."""
    return tuple(_SHOWN)


def _entry(unit: str) -> tuple[float, str]:
    try:
        return _SHOWN[unit]
    except KeyError:
        from workbench.errors import unknown  # noqa: PLC0415  errors and units are neighbours; neither needs the other at import

        raise unknown("unit", unit, _SHOWN) from None


def shown(value: float, unit: str) -> float:
    """The number a person sees for the SI `value` in `unit`, without the dust of the division: 0.02 s is 20.0 ms."""
    ratio = value / factor(unit)
    tidy = float(f"{ratio:.12g}")
    return tidy if to_si(tidy, unit) == value else ratio


def to_si(value: float, unit: str) -> float:
    """The SI number for `value` typed in `unit`: 20 ms is 0.02."""
    return value * factor(unit)


def readable(value: float, unit: str = "") -> str:
    """A short text for an SI value shown in `unit`: "20 ms"."""
    text = f"{shown(value, unit):.6g}"
    return f"{text} {unit}" if unit else text
