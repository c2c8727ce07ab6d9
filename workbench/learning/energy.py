"""What an update costs: on the chip, from the reads, conversions and pulses that were counted, and on a digital engine beside it.

Every number of `Costs` is assumed and says so in `ASSUMED`; digital parts are those of `NEAR_MEMORY_45NM`. Tsinghua University's releases
on STELLAR (Zhang et al. 2023, Science 381:1205) give the chip 3 % (1/35) of an ASIC's energy in an advanced node; how that was counted is
not in what we read, so the share computed here stands beside that number and is no test of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from workbench.chips.converters import SOURCES, adc_energy
from workbench.chips.near_memory import NEAR_MEMORY_45NM
from workbench.fields import count, described, quantity
from workbench.learning.on_chip import Rule, Stack
from workbench.recordings.prices import Citation
from workbench.units import V, ns

__all__ = ["ASSUMED", "PUBLISHED_SHARE", "Bill", "Costs", "asic", "chip"]

PUBLISHED_SHARE = Citation("published", "Tsinghua University on STELLAR, 2023: 3 % (1/35) of the energy of an ASIC")
_BYTES_A_WEIGHT = 2

ASSUMED: dict[str, Citation] = {
    "pulse_voltage": Citation("assumed", "1.5 V: the order of set and reset of resistive cells with a selector"),
    "pulse_time": Citation("assumed", "50 ns; a pulse's energy is V²·g·t at the conductance before it"),
    "read_voltage": Citation("assumed", "0.2 V for the largest input, others in proportion"),
    "read_time": Citation("assumed", "100 ns"),
    "conversion": Citation(
        "assumed",
        f"the highest of Walden's and Schreier's bounds at 10⁹ conversions a second: {SOURCES['WALDEN_USUAL'].where}; {SOURCES['FOM_MOST'].where}",
    ),
    "verify": Citation("assumed", "a verifying read is one cell at the read voltage and one conversion"),
    "gradient": Citation("assumed", "one MAC for each weight and sample, in registers: no memory is paid for it"),
    "copy": Citation(
        "assumed", "write-verify reads and writes 2 bytes of SRAM for each weight's digital copy in an update"
    ),
    "asic": Citation(
        "assumed",
        "a digital engine does the same MACs, fetches a byte of SRAM for each weight and sample in either direction, and reads and "
        "writes 2 bytes of each weight in an update; its error, softmax and control are left out on both sides",
    ),
    **{f"45 nm {event}": NEAR_MEMORY_45NM.prices[event].citation for event in ("MAC", "SRAM byte")},
}
"""What the energies rest on, by what it concerns."""


@final
@described
class Costs:
    """Voltages and times of pulses and reads, and the converter; all assumed, see ASSUMED."""

    pulse_voltage: float = quantity(
        1.5 * V, "V", low=0.1 * V, high=10 * V, doc="voltage of a set or reset pulse (assumed)"
    )
    pulse_time: float = quantity(
        50 * ns, "ns", low=0.1 * ns, high=100_000 * ns, doc="length of a set or reset pulse (assumed)", log=True
    )
    read_voltage: float = quantity(0.2 * V, "V", low=0.01 * V, high=1 * V, doc="voltage of the largest input (assumed)")
    read_time: float = quantity(
        100 * ns, "ns", low=1 * ns, high=10_000 * ns, doc="length of a read (assumed)", log=True
    )
    converter_bits: int = count(8, low=1, high=14, doc="bits of a conversion (assumed)", label="ADC bits")


@final
@dataclass(frozen=True)
class Bill:
    """The mean energy of one update by part, J."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """All parts together, J."""
        return sum(self.parts.values())


def chip(stack: Stack, rule: Rule, *, updates: int, samples: int, costs: Costs | None = None) -> Bill:
    """What an update cost on the chip, by part: the counts of `stack` over its `updates`, in each of which it saw `samples`."""
    c = costs or Costs()
    conversion = float(adc_energy(c.converter_bits))
    read = c.read_voltage**2 * c.read_time
    parts = {"cells": 0.0, "conversions": 0.0, "pulses": 0.0, "gradient": 0.0}
    verifying = copies = 0.0
    for layer in stack.layers:
        weights = layer.shape[1] * layer.shape[2]
        parts["cells"] += layer.driven * read / max(layer.largest, 1e-300) ** 2
        parts["conversions"] += layer.conversions * conversion
        parts["pulses"] += layer.pulsed * c.pulse_voltage**2 * c.pulse_time
        parts["gradient"] += updates * samples * weights * _digital("MAC")
        mean = float(layer.cells.mean())
        verifying += layer.verifies * (conversion + mean * read)
        copies += updates * weights * 2 * _BYTES_A_WEIGHT * _digital("SRAM byte")
    if rule.rule == "write-verify":
        parts |= {"verifying": verifying, "weights in memory": copies}
    return Bill({name: joules / max(updates, 1) for name, joules in parts.items()})


def asic(stack: Stack, *, samples: int) -> Bill:
    """What the same update costs a digital engine at 45 nm, by part; see ASSUMED."""
    macs = fetched = kept = 0
    for k, layer in enumerate(stack.layers):
        weights = layer.shape[1] * layer.shape[2]
        passes = 1 if k == 0 else 2  # the first layer that learns sends no error further back
        macs += samples * weights * (passes + 1)
        fetched += samples * weights * passes
        kept += weights * 2 * _BYTES_A_WEIGHT
    return Bill(
        {
            "arithmetic": macs * _digital("MAC"),
            "weights fetched": fetched * _digital("SRAM byte"),
            "weights in memory": kept * _digital("SRAM byte"),
        }
    )


def _digital(event: str) -> float:
    return NEAR_MEMORY_45NM.prices[event].joules
