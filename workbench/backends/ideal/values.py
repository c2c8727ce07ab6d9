"""Neurons that emit values on Brian2: their code, and their turn within a step.

Values come first in a step, in the order of their dependence. Arrivals of spikes lie ready (see `steps`); for one population after
the other the sums of weight · value are made, taken in, and turned into what it emits; then the spiking neurons go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.backends import clockwork
from workbench.backends.ideal.engine import brian
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Value
from workbench.circuits.unfold import Netlist
from workbench.errors import DescriptionError, UnsupportedError
from workbench.words import tr

__all__ = ["PLACES", "SLOT", "given", "model", "refuse", "sums", "taken", "turns"]

SLOT = "before_groups"
"""When values arise within a step."""

PLACES = 4
"""In this slot each population has four places: sums are made, taken in, differential equations solved, and y written."""


def refuse(neuron: Neuron, used: Sequence[str]) -> None:
    """Raise UnsupportedError for a receptor of the wrong kind, and DescriptionError for a model without a y."""
    valued, name = neuron.emits == "values", type(neuron).__name__
    for receptor in used:
        if isinstance(neuron.receptors[receptor], Value) is not valued:
            raise UnsupportedError(
                tr(
                    "{model}: its receptor '{receptor}' is of kind {kind}; neurons that emit values have receptors of kind Value, and only they do.",
                    model=name,
                    receptor=receptor,
                    kind=type(neuron.receptors[receptor]).__name__,
                )
            )
    if valued and "y" not in brian().Equations(neuron.equations).names:
        raise DescriptionError(
            tr(
                "{model} emits values, but its equations do not say y: write 'y = ... : 1' or 'dy/dt = ... : 1'.",
                model=name,
            )
        )


def model(neuron: Neuron, used: Sequence[str]) -> str:
    """The variables, as Brian2 declares them: a `y` without a differential equation is written once a step, see `given`."""
    own = [_declared(line) for line in brian().Equations(neuron.equations).values()]
    inputs = dict.fromkeys(["x", *(neuron.receptors[name].variable for name in used)])
    return "\n".join([*own, *(f"{name} : 1" for name in inputs), *(f"arrivals_{name} : 1" for name in used)])


def _declared(line: Any) -> str:
    return "y : 1" if line.varname == "y" and line.type == "subexpression" else str(line)


def given(neuron: Neuron) -> str:
    """The assignment of a `y` without a differential equation; empty for one that has it."""
    line = brian().Equations(neuron.equations)["y"]
    return f"y = {line.expr.code}" if line.type == "subexpression" else ""


def sums(neuron: Neuron, used: Mapping[str, int]) -> str:
    """A variable for each Synapses object that brings values to a receptor."""
    return "".join(f"\n{name} : {neuron.receptors[r].unit}" for r in used for name in _summed(r, used))


def _summed(receptor: str, used: Mapping[str, int]) -> list[str]:
    return [f"valued_{receptor}_{k}" for k in range(used.get(receptor, 0))]


def taken(neuron: Neuron, receptors: Sequence[str], used: Mapping[str, int]) -> str:
    """What becomes of the sums: values take them in with the spikes of the step; elsewhere they join the arrivals."""
    if neuron.emits != "values":
        return "\n".join(f"arrivals_{r} += {' + '.join(_summed(r, used))}" for r in receptors if used.get(r))
    inputs: dict[str, list[str]] = {}
    for r in receptors:
        inputs.setdefault(neuron.receptors[r].variable, []).extend([f"arrivals_{r}", *_summed(r, used)])
    lines = [f"{variable} = {' + '.join(parts)}" for variable, parts in inputs.items()]
    return "\n".join([*lines, *(f"arrivals_{r} = 0" for r in receptors)])


def turns(netlist: Netlist) -> dict[str, int]:
    """When each population's values are known within a step; all spiking neurons follow them."""
    if all(cells.neuron.emits == "spikes" for cells in netlist.populations.values()):
        return dict.fromkeys(netlist.populations, 0)
    line = [name for stage in clockwork.order(netlist) for name in stage.populations]
    valued = [name for name in line if netlist.populations[name].neuron.emits == "values"]
    return {name: valued.index(name) if name in valued else len(valued) for name in line}
