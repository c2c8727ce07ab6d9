"""What converters cost: bounds and a survey line for the energy of an ADC, its area, its noise, and a rough price for a DAC.

An ADC of b bits is limited twice. A circuit spends some energy for each of its 2^b steps (Walden), and noise has to be kept below a
step (Schreier; below that, thermal noise itself):

    Walden     E = W · 2^b                                    W: joules a step
    Schreier   E = 10^((SNDR − FOM) / 10) / 2                 FOM = min(180.14, 302.74 − 6.461 ln f) dB, f in Hz
    thermal    E = 8 k T · SNR

with SNDR = SQNR = 6.02 b + 1.76 dB, a full-scale sine rounded to b bits. All energies are joules for one conversion, all rates
conversions a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.recordings.prices import Citation
from workbench.units import fJ, pJ, um2
from workbench.words import tr

__all__ = [
    "BOLTZMANN",
    "SOURCES",
    "WALDEN_BEST",
    "WALDEN_OLD",
    "WALDEN_USUAL",
    "adc_area",
    "adc_bits",
    "adc_bound",
    "adc_energy",
    "dac_energy",
    "schreier",
    "schreier_corner",
    "sqnr",
    "survey_line",
    "thermal",
    "walden",
]

Array = NDArray[np.float64]
Bound = Literal["walden", "schreier", "thermal"]

BOLTZMANN = 1.380649e-23  # J/K, exact
WALDEN_BEST = 0.5 * fJ
WALDEN_USUAL = 2.2 * fJ
WALDEN_OLD = 10 * fJ
FOM_MOST, FOM_INTERCEPT, FOM_SLOPE = 180.14, 302.74, -6.461  # dB, dB, dB for each e-fold of the rate
AREA = (4.85, 0.797, 0.067, -0.134, 0.424)  # of ln(µm²): constant, ln(nm), ln(Hz), bits, ln(pJ a conversion)
UNIT_CAPACITANCE = 1e-15  # F

_SURVEY = "fit of Murmann's ADC survey 1997–2023, accelergy-adc-plug-in, adc_data/model.yaml"
SOURCES: Mapping[str, Citation] = {
    "WALDEN_BEST": Citation("assumed", "recalled: less than 1 fJ a step is reported today"),
    "WALDEN_USUAL": Citation("published", "2.2 fJ a step, ISSCC 2013, survey notes of Converter Passion"),
    "WALDEN_OLD": Citation("assumed", "a round number, four times the records of 2008 (4.4 fJ) or 2012 (2.8 fJ)"),
    "FOM_MOST": Citation("published", _SURVEY),
    "FOM_INTERCEPT": Citation("published", _SURVEY),
    "FOM_SLOPE": Citation("published", _SURVEY),
    "AREA": Citation("published", f"{_SURVEY}; its constant is that of the smallest tenth of the converters"),
    "thermal": Citation("computed", "8 k T · SNR: the least energy that samples a sine of that SNR, at 300 K"),
    "dac_energy": Citation("assumed", "a unit capacitor of 1 fF for each step, charged to the supply"),
}
"""Where each number of this file comes from."""


def sqnr(bits: ArrayLike) -> Array:
    """The signal-to-quantisation-noise ratio of a full-scale sine, dB: 6.02 b + 1.76 (exactly 10 log10(1.5 · 4^b))."""
    return 20 * math.log10(2) * np.asarray(bits, dtype=float) + 10 * math.log10(1.5)


def adc_bits(decibels: ArrayLike) -> Array:
    """The bits that a ratio of signal to noise and distortion is worth (ENOB): the inverse of `sqnr`."""
    return (np.asarray(decibels, dtype=float) - 10 * math.log10(1.5)) / (20 * math.log10(2))


def walden(bits: ArrayLike, step: float = WALDEN_USUAL) -> Array:
    """Energy of a conversion that costs `step` joules for each of its 2^b steps, J."""
    return step * np.exp2(np.asarray(bits, dtype=float))


def survey_line(rate: ArrayLike) -> Array:
    """Schreier's figure of merit of the best converters at a rate (1/s), dB: flat to the corner, then falling."""
    f = np.asarray(rate, dtype=float)
    return np.minimum(FOM_MOST, FOM_INTERCEPT + FOM_SLOPE * np.log(f))


def schreier_corner() -> float:
    """The rate at which the survey line begins to fall, 1/s: 174 MS/s."""
    return math.exp((FOM_MOST - FOM_INTERCEPT) / FOM_SLOPE)


def schreier(bits: ArrayLike, rate: ArrayLike) -> Array:
    """Energy of a conversion on the survey line, J: FOM = SNDR + 10 log10(bandwidth / power), bandwidth half the rate."""
    return 10 ** ((sqnr(bits) - survey_line(rate)) / 10) / 2


def thermal(bits: ArrayLike, temperature: float = 300.0) -> Array:
    """Energy below which thermal noise alone is larger than the rounding, J."""
    return 8 * BOLTZMANN * temperature * 10 ** (sqnr(bits) / 10)


def adc_energy(
    bits: ArrayLike, rate: ArrayLike = 1e9, *, step: float = WALDEN_USUAL, temperature: float = 300.0
) -> Array:
    """Energy of a conversion by the highest of the three bounds, J. Raises DescriptionError for bits or a rate out of range.

    A converter of 0 bits is none: it costs nothing.
    """
    b, f = np.broadcast_arrays(np.asarray(bits, dtype=float), np.asarray(rate, dtype=float))
    _within("bits", b, 0.0, 24.0, "")
    _within("rate", f, 1.0, 1e12, "1/s")
    highest = np.maximum(np.maximum(walden(b, step), schreier(b, f)), thermal(b, temperature))
    return np.where(b > 0, highest, 0.0)


def adc_bound(bits: float, rate: float = 1e9, *, step: float = WALDEN_USUAL, temperature: float = 300.0) -> Bound:
    """Which of the three bounds is the highest: what limits a converter of so many bits at that rate."""
    found: dict[Bound, float] = {
        "walden": float(walden(bits, step)),
        "schreier": float(schreier(bits, rate)),
        "thermal": float(thermal(bits, temperature)),
    }
    return max(found, key=lambda name: found[name])


def adc_area(bits: ArrayLike, rate: ArrayLike, node: float, energy: ArrayLike | None = None) -> Array:
    """Area of a converter by the survey's regression, m², in a process of `node` metres (32e-9).

    ln A/µm² = 4.85 + 0.797 ln node/nm + 0.067 ln f − 0.134 b + 0.424 ln E/pJ; without `energy` (J) the bounds give it. The energy goes
    in as a logarithm, as the fit's own program does it. More bits at the same energy make it smaller: the regression sees converters
    that were built.
    """
    joules = adc_energy(bits, rate) if energy is None else np.asarray(energy, dtype=float)
    _within("node", np.asarray(node), 1e-9, 1e-6, "m")
    if np.any(joules <= 0):
        raise DescriptionError(tr("A converter without energy has no area: give bits above 0, or an energy above 0 J."))
    constant, by_node, by_rate, by_bits, by_energy = AREA
    found = constant + by_node * math.log(node / 1e-9) + by_rate * np.log(np.asarray(rate, dtype=float))
    return np.exp(found + by_bits * np.asarray(bits, dtype=float) + by_energy * np.log(joules / pJ)) * um2


def dac_energy(bits: ArrayLike, voltage: float = 1.0, *, unit: float = UNIT_CAPACITANCE) -> Array:
    """Energy of one conversion of a capacitive DAC, J: 2^b unit capacitors charged to `voltage`. An assumption, not a survey."""
    b = np.asarray(bits, dtype=float)
    _within("bits", b, 0.0, 24.0, "")
    return np.where(b > 0, np.exp2(b) * unit * voltage**2, 0.0)


def _within(name: str, values: NDArray[np.floating], low: float, high: float, unit: str) -> None:
    """Refuse what a converter cannot have."""
    bad = values[~((values >= low) & (values <= high))]
    if bad.size:
        raise DescriptionError(
            tr(
                "A converter's {name} is {value:g} {unit}: allowed is {low:g} to {high:g}.",
                name=tr(name),
                value=float(np.ravel(bad)[0]),
                unit=unit,
                low=low,
                high=high,
            )
        )
