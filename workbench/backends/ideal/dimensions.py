"""From the unit a knob is shown in to the dimension Brian2 checks: inside, numbers are SI, so the scale is always one."""

from __future__ import annotations

from typing import Any

from workbench.backends.ideal.engine import brian

__all__ = ["quantity", "word"]

_PLAIN = {
    "s": "second",
    "V": "volt",
    "A": "amp",
    "S": "siemens",
    "Ω": "ohm",
    "F": "farad",
    "Hz": "hertz",
    "J": "joule",
    "W": "watt",
}
_MADE = {
    "": "1",
    "%": "1",
    "V/s": "volt/second",
    "nS/mV": "siemens/volt",
    "1/(V·s)": "1/(volt*second)",
    "µA/cm²": "amp/metre**2",
    "mS/cm²": "siemens/metre**2",
    "µF/cm²": "farad/metre**2",
}


def word(unit: str) -> str:
    """The SI unit of a knob shown in `unit`, as Brian2 writes it: "mV" is "volt", "nS/mV" is "siemens/volt"."""
    if unit in _MADE:
        return _MADE[unit]
    return _PLAIN.get(unit) or _PLAIN.get(unit[1:], "1")


def quantity(value: Any, name: str) -> Any:
    """The SI number `value` with the dimension that Brian2 writes as `name`."""
    from brian2.equations.equations import dimensions_and_type_from_string  # noqa: PLC0415

    return value if name == "1" else brian().Quantity(value, dim=dimensions_and_type_from_string(name)[0])
