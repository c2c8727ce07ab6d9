"""What an event chip can carry, and what it makes of a netlist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from workbench.chips.event import EventChip
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Conductance, Current, Delta, Exponential, Gap, Jump
from workbench.circuits.unfold import Netlist
from workbench.errors import UnsupportedError
from workbench.words import tr

__all__ = ["check_supported", "realised"]

_MODELS = (Lif, DiscreteLif)


def check_supported(netlist: Netlist, chip: EventChip) -> None:
    """Raise UnsupportedError for a neuron model or a receptor the chip has no rule for."""
    seen: set[type] = set()
    for name, source in netlist.sources.items():
        if source.stimulus.kind == "values":
            raise UnsupportedError(_values(chip, name, source.stimulus))
    for cells in netlist.populations.values():
        model = type(cells.neuron)
        seen.add(model)
        if cells.neuron.emits == "values":
            raise UnsupportedError(_values(chip, cells.name, cells.neuron))
        if model not in _MODELS:
            raise UnsupportedError(
                tr(
                    "{chip} has no rule for the neuron model {model} of population '{name}'; it has: Lif, DiscreteLif.",
                    chip=chip.name,
                    model=model.__name__,
                    name=cells.name,
                )
            )
        for receptor in cells.receptors:
            if not isinstance(cells.neuron.receptors[receptor], (Delta, Exponential, Conductance, Jump, Gap, Current)):
                raise UnsupportedError(
                    tr(
                        "{chip} has no rule for the receptor '{receptor}' of population '{name}'; it has: {known}.",
                        chip=chip.name,
                        receptor=receptor,
                        name=cells.name,
                        known=", ".join(cells.neuron.receptors),
                    )
                )
    if len(seen) > 1:
        raise UnsupportedError(
            tr(
                "{chip} runs one neuron model at a time; this network has {models}.",
                chip=chip.name,
                models=", ".join(sorted(m.__name__ for m in seen)),
            )
        )
    whole = [c.name for c in netlist.populations.values() if getattr(c.neuron, "rounding", "none") == "away"]
    if whole and chip.arithmetic != "integer":
        raise UnsupportedError(
            tr(
                "Population '{name}' rounds to whole numbers, {chip} computes in {arithmetic}: give the chip arithmetic='integer'.",
                name=whole[0],
                chip=chip.name,
                arithmetic=chip.arithmetic,
            )
        )


def _values(chip: EventChip, name: str, what: Any) -> str:
    return tr(
        "{chip} carries spikes, and '{name}' ({kind}) emits values: take a crossbar or digital chip, or Ideal().",
        chip=chip.name,
        name=name,
        kind=type(what).__name__,
    )


def realised(netlist: Netlist, dt: float, real: Any) -> Netlist:
    """The netlist as the chip keeps it: delays in whole steps, weights in the chip's arithmetic."""

    def kept(weight: Any) -> Any:
        return np.asarray(weight, np.float32).astype(np.float64) if real is np.float32 else weight

    def stepped(delay: Any) -> Any:
        return np.maximum(np.rint(np.asarray(delay) / dt), 1) * dt

    blocks = {n: b.mapped(weight=kept, delay=stepped) for n, b in netlist.projections.items()}
    return replace(netlist, projections=blocks)
