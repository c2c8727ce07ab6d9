"""Neurons on Brian2: populations of one model become one NeuronGroup, receptors become its variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from workbench import fields
from workbench.backends.ideal import dimensions, steps, values
from workbench.backends.ideal.engine import brian
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.synapses import Conductance, Current, Delta, Exponential, Gap
from workbench.circuits.unfold import Cells
from workbench.errors import DescriptionError, unknown
from workbench.words import tr

__all__ = ["Group", "gather"]

Value = float | NDArray[np.float64]

_STEP_UNITS = {"mu": "volt", "b": "ohm", "gain": "ohm", "scale": "ohm", "pull": "volt*ohm"}
"""Units of the constants of `Lif.step_constants`, by the first word of their keys."""


@final
@dataclass(eq=False)
class Group:
    """Populations of one model with the same used receptors, side by side in one NeuronGroup."""

    name: str
    cells: tuple[Cells, ...]
    first: Mapping[str, int] = field(default_factory=dict)
    """Where each population begins inside the group."""
    gaps: dict[str, int] = field(default_factory=dict)
    """How many Synapses objects bring current through each gap receptor: each needs a variable of its own."""
    sums: dict[str, int] = field(default_factory=dict)
    """How many Synapses objects bring values to each receptor: each needs a variable of its own."""
    turn: int = 0
    """When its values are known within a step; for spiking neurons, when all values that reach it are."""
    extra: dict[str, tuple[Value, str]] = field(default_factory=dict)
    """Further parameters as (value, unit): weights that depend on the source neuron alone."""
    functions: dict[str, Any] = field(default_factory=dict)
    """Brian2 functions that the group's own code may call."""
    brian: Any = None
    runners: list[Any] = field(default_factory=list)

    @property
    def neuron(self) -> Neuron:
        """The model; the numbers may differ from population to population."""
        return self.cells[0].neuron

    @property
    def discrete(self) -> bool:
        """Whether the model goes forward in whole steps."""
        return steps.is_discrete(self.neuron)

    @property
    def valued(self) -> bool:
        """Whether the model emits values."""
        return self.neuron.emits == "values"

    @property
    def early(self) -> bool:
        """Whether arrivals are taken in at the beginning of a step."""
        return self.discrete or self.valued

    @property
    def states(self) -> list[str]:
        """The states that move by themselves."""
        if self.valued:
            return sorted({"y", *self.brian.equations.diff_eq_names})
        return (
            steps.states(self.neuron, self.receptors) if self.discrete else sorted(self.brian.equations.diff_eq_names)
        )

    @property
    def size(self) -> int:
        """How many neurons."""
        return sum(c.size for c in self.cells)

    @property
    def receptors(self) -> tuple[str, ...]:
        """The receptors in use, in the model's order."""
        return self.cells[0].receptors

    def array(self, variable: str) -> NDArray[Any]:
        """The values of a variable, one for each neuron: the array Brian2 computes in."""
        return self.brian.variables[variable].get_value()

    def build(self, clock: Any, dt: float) -> None:
        """Make the NeuronGroup, its initial state, and the code that adds the arrivals of a step."""
        b = brian()
        _refuse_chance(self.neuron)
        steps.refuse(self.neuron, self.receptors)
        values.refuse(self.neuron, self.receptors)
        discrete, house = self.discrete, _is_house(self.neuron, self.receptors)
        if self.valued:
            model = values.model(self.neuron, self.receptors)
        elif discrete:
            model = steps.model(self.neuron, self.receptors)
        else:
            model = _equations(self.neuron, self.receptors, self.gaps)
        model += values.sums(self.neuron, self.sums)
        numbers = self._parameters(dt, house)
        namespace: dict[str, Any] = dict(self.functions)
        for name, (value, unit) in numbers.items():
            if np.ndim(value) == 0:
                namespace[name] = dimensions.quantity(value, unit)
            else:
                model += f"\n{name} : {unit} (constant)"
        self.brian = b.NeuronGroup(
            self.size,
            model,
            threshold=(steps.FIRES if discrete else self.neuron.fires) or None,
            reset=(steps.after(self.neuron) if discrete else self.neuron.after) or None,
            refractory=False if self.early else _inside(self.neuron.holds) or False,
            method=_house_method(self.neuron, self.receptors) if house else _method(self.neuron),
            namespace=namespace,
            clock=clock,
            name=self.name,
        )
        for name, (value, _) in numbers.items():
            if np.ndim(value) == 1:
                self.brian.variables[name].set_value(value)
        for cells in self.cells:
            for state, value in cells.initial.items():
                if state not in self.brian.equations.names:
                    raise unknown("state", f"{type(self.neuron).__name__}.start['{state}']", self.brian.equations.names)
                self.array(state)[self.first[cells.name] : self.first[cells.name] + cells.size] = value
        taken = values.taken(self.neuron, self.receptors, self.sums)
        if taken:
            self._regularly(taken, values.SLOT, "values", clock, order=values.PLACES * self.turn + 1)
        if self.valued:
            self.brian.state_updater.when, self.brian.state_updater.order = values.SLOT, values.PLACES * self.turn + 2
            given = values.given(self.neuron)
            if given:
                self._regularly(given, values.SLOT, "given", clock, order=values.PLACES * self.turn + 3)
            return
        if discrete:
            floored = any(np.any(np.asarray(c.parameters["lowest"]) > -(2.0**31)) for c in self.cells)
            self._regularly(steps.step(self.neuron, self.receptors, floored=floored), "groups", "step", clock)
            return
        arrivals = _add_arrivals(self.neuron, self.receptors)
        if arrivals:
            self._regularly(arrivals, "after_synapses", "arrivals", clock)

    def _regularly(self, code: str, when: str, name: str, clock: Any, order: int = 0) -> None:
        made = self.brian.run_regularly(code, when=when, order=order, clock=clock, name=f"{self.name}_{name}")
        self.runners.append(made)

    def _parameters(self, dt: float, house: bool) -> dict[str, tuple[Value, str]]:
        """Every number the code may name, merged over the populations: one number where all agree, else one for each neuron."""
        units = {k.path: dimensions.word(k.unit) for k in fields.knobs(self.neuron).values()}
        made = {
            _inside(name): (_merge([(c.parameters[name], c.size) for c in self.cells]), units.get(name, "1"))
            for name in self.cells[0].parameters
        }
        for name in self.receptors:
            receptor = self.neuron.receptors[name]
            made[f"nothing_{name}"] = (0.0, receptor.unit)
            if isinstance(receptor, (Exponential, Conductance)) and not isinstance(receptor.tau, str):
                made[f"tau_{name}_"] = (receptor.tau, "second")
            if isinstance(receptor, Conductance) and not isinstance(receptor.reversal, str):
                made[f"reversal_{name}_"] = (receptor.reversal, "volt")
        if self.discrete:
            shares = [steps.constants(c.parameters, c.receptors) for c in self.cells]
            made |= {
                key: (_merge([(s[key], c.size) for s, c in zip(shares, self.cells, strict=True)]), "1")
                for key in shares[0]
            }
        if house:
            exact = [cast(Any, c.neuron).step_constants(c.parameters, c.receptors, dt) for c in self.cells]
            for key in exact[0]:
                merged = _merge([(s[key], c.size) for s, c in zip(exact, self.cells, strict=True)])
                made[_step(key)] = (merged, _STEP_UNITS.get(key.partition(".")[0], "1"))
        return {**made, **self.extra}


def gather(populations: Iterable[Cells]) -> list[Group]:
    """The groups for these populations, in order of first appearance."""
    together: dict[Any, list[Cells]] = {}
    for cells in populations:
        n = cells.neuron
        kinds = tuple(value for name in n.__dataclass_fields__ if isinstance(value := getattr(n, name), str))
        # Values may go from one population to the next within a step, so each has its own turn and its own group.
        alone = cells.name if n.emits == "values" else ""
        key = (type(n), n.equations, n.fires, n.after, n.holds, n.method, kinds, cells.receptors, alone)
        together.setdefault(key, []).append(cells)
    groups = []
    for number, members in enumerate(together.values()):
        first, so_far = {}, 0
        for cells in members:
            first[cells.name] = so_far
            so_far += cells.size
        # The name is part of the code Brian2 compiles and caches, so it must be the same in every run.
        name = re.sub(r"\W", "", type(members[0].neuron).__name__.lower(), flags=re.ASCII) or "model"
        groups.append(Group(f"{name}_{number}", tuple(members), first))
    return groups


def _refuse_chance(neuron: Neuron) -> None:
    """Numbers that Brian2 draws itself would differ between targets and could not be given to another backend."""
    text = "\n".join((neuron.equations, neuron.fires, neuron.after, neuron.holds))
    found = re.search(r"\b(xi(_\w+)?|(rand|randn|poisson|binomial)\s*(?=\())", text)
    if found:
        raise DescriptionError(
            tr(
                "{model} draws random numbers with '{word}'. Chance comes from outside here: add a NoisyCurrent or Poisson source, "
                "or spread an initial state.",
                model=type(neuron).__name__,
                word=found.group(0).strip(),
            )
        )


def _inside(name: str) -> str:
    """Brian2 keeps the word "refractory" for itself; the knob of that name goes by another one there."""
    return "hold_time" if name == "refractory" else name


def _merge(parts: Sequence[tuple[Any, int]]) -> Value:
    if all(np.ndim(v) == 0 and v == parts[0][0] for v, _ in parts):
        return float(parts[0][0])
    return np.concatenate([np.broadcast_to(np.asarray(v, np.float64), (size,)) for v, size in parts])


def _equations(neuron: Neuron, used: Sequence[str], gaps: Mapping[str, int]) -> str:
    """The model's own equations, its used receptors, and the sum of their currents."""
    lines, currents = [neuron.equations], []
    for name in used:
        r = neuron.receptors[name]
        if isinstance(r, Delta):
            lines.append(f"arrivals_{name} : {r.unit}")
        elif isinstance(r, Exponential):
            lines += [
                f"dcurrent_{name}/dt = -current_{name}/{_named(r.tau, 'tau', name)} : amp",
                f"arrivals_{name} : amp",
            ]
            currents.append(f"current_{name}")
        elif isinstance(r, Conductance):
            lines += [
                f"dconductance_{name}/dt = -conductance_{name}/{_named(r.tau, 'tau', name)} : siemens",
                f"arrivals_{name} : siemens",
            ]
            currents.append(f"conductance_{name}*({_named(r.reversal, 'reversal', name)} - v)")
        elif isinstance(r, Gap):
            lines += [f"current_{name}_{k} : amp" for k in range(gaps.get(name, 0))]
            currents += [f"current_{name}_{k}" for k in range(gaps.get(name, 0))]
        elif isinstance(r, Current):
            lines.append(f"current_{name} : amp")
            currents.append(f"current_{name}")
    if "bias" in neuron.__dataclass_fields__:
        currents.insert(0, "bias")
    if re.search(r"\bcurrent\b", neuron.equations):
        lines.append(f"current = {' + '.join(currents) or '0*amp'} : amp")
    return "\n".join(lines)


def _named(value: float | str, what: str, receptor: str) -> str:
    return value if isinstance(value, str) else f"{what}_{receptor}_"


def _add_arrivals(neuron: Neuron, used: Sequence[str]) -> str:
    """What a step's arrivals do, once all are summed; Brian2 leaves out refractory neurons for variables marked so."""
    code = []
    for name in used:
        r = neuron.receptors[name]
        variable = {Delta: r.variable, Exponential: f"current_{name}", Conductance: f"conductance_{name}"}.get(type(r))
        if variable:
            code += [f"{variable} += arrivals_{name}", f"arrivals_{name} = nothing_{name}"]
    return "\n".join(code)


def _is_house(neuron: Neuron, used: Sequence[str]) -> bool:
    """Whether the house's step covers the receptors in use; gap junctions make the equation another one."""
    return neuron.method == "house" and all(
        isinstance(neuron.receptors[r], (Delta, Exponential, Conductance, Current)) for r in used
    )


def _method(neuron: Neuron) -> str:
    # With gap junctions the membrane equation is still linear in v, which exponential Euler solves for frozen inputs.
    if neuron.method in ("house", "steps"):
        return "exponential_euler"
    from brian2.stateupdaters.base import StateUpdateMethod  # noqa: PLC0415

    if neuron.method not in StateUpdateMethod.stateupdaters:
        raise unknown(
            "integration method", f"{type(neuron).__name__}.method = {neuron.method}", StateUpdateMethod.stateupdaters
        )
    return neuron.method


def _step(key: str) -> str:
    return "step_" + key.replace(".", "_")


def _house_method(neuron: Neuron, used: Sequence[str]) -> Any:
    """The house's step as a Brian2 integration method: the operations of `Lif.step_constants`, in its order."""
    decaying = [name for name in used if isinstance(neuron.receptors[name], Exponential)]
    opening = [name for name in used if isinstance(neuron.receptors[name], Conductance)]
    handed = [name for name in used if isinstance(neuron.receptors[name], Current)]
    brought = [
        *(f"current_{name}*step_b_{name}" for name in decaying),
        *(f"step_gain*current_{name}" for name in handed),
    ]
    if opening:
        # A line for each operation, so that Brian2 has nothing to rearrange.
        lines = [
            "_x = " + " + ".join(["step_h", *(f"conductance_{name}*step_scale_{name}" for name in opening)]),
            "_y = "
            + " + ".join(["step_h*step_mu", *(f"conductance_{name}*step_pull_{name}" for name in opening), *brought]),
            "_square = _x*_x",
            "_more = _square + 12.0",
            "_six = _x*6.0",
            "_above = _more - _six",
            "_below = _more + _six",
            "_old = v*_above",
            "_new = _y*12.0",
            "_sum = _old + _new",
            "v = _sum/_below",
        ]
    else:
        lines = ["v = " + " + ".join(["step_mu + (v - step_mu)*step_a", *brought])]
    lines += [f"current_{name} = current_{name}*step_c_{name}" for name in decaying]
    lines += [f"conductance_{name} = conductance_{name}*step_c_{name}" for name in opening]

    def house(equations: Any, variables: Any = None, method_options: Any = None) -> str:
        return "\n".join(lines) + "\n"

    return house
