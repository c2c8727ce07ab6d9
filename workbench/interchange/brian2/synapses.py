"""From Synapses to projections: one for each statement of on_pre, with the built connectivity, weights and delays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import sympy
from numpy.typing import NDArray

from workbench.circuits.network import Population, Projection
from workbench.interchange.brian2.membranes import Membrane
from workbench.interchange.brian2.reading import Script, check_functions, evaluate, meaning, refusal, statements, symbol
from workbench.interchange.imported import listed, wire
from workbench.words import tr

__all__ = ["Projected", "origin", "project"]


@final
@dataclass(frozen=True, eq=False)
class Projected:
    """The projections of one Synapses object by name, before a source with several parts is dealt out."""

    name: str
    source: str
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    target: str
    receptor: str
    weight: NDArray[np.float64]
    delay: NDArray[np.float64]

    def projection(
        self, source: str, size: int, members: NDArray[np.int64] | None, target: Population
    ) -> Projection | None:
        """These synapses from the source's `members` (all by default), or None when there is none."""
        i, j, weight, delay = self.i, self.j, self.weight, self.delay
        if members is not None:
            place = np.full(int(max(i.max(initial=0), members.max(initial=0))) + 1, -1)
            place[members] = np.arange(members.size)
            keep = place[i] >= 0
            i, j, weight, delay = place[i][keep], j[keep], weight[keep], delay[keep]
        if not i.size:
            return None
        wiring, order = wire(i, j, (size, target.size))
        return Projection(
            source,
            self.target,
            wiring,
            weight=listed(weight[order]),
            delay=listed(delay[order]),
            receptor=self.receptor,
        )


def origin(group: Any) -> tuple[str, int]:
    """The name of the whole group behind a group or subgroup, and where the subgroup begins."""
    whole = getattr(group, "source", None)
    return (group.name, 0) if whole is None else (whole.name, int(group.start))


def project(script: Script, synapses: Any, membranes: Mapping[str, Membrane]) -> list[Projected]:
    """What one Synapses object does at each spike of its source, statement by statement."""
    name = synapses.name
    _refuse_extras(synapses)
    target, offset = origin(synapses.target)
    source, begin = origin(synapses.source)
    if target not in membranes:
        raise refusal(name, target, tr("its target is not among the given groups."))
    i, j = np.array(synapses.i[:], np.int64), np.array(synapses.j[:], np.int64)
    if not i.size:
        script.note(tr("'{name}' has no synapses and was left out.", name=name))
        return []
    made = []
    pathways = [p for p in synapses.contained_objects if hasattr(p, "prepost")]
    for pathway in pathways:
        delay = _delays(script, pathway, i.size, name)
        for number, (variable, jump, line) in enumerate(_jumps(script, synapses, pathway)):
            membrane = membranes[target]
            port = membrane.ports.get(variable)
            if port is None:
                raise refusal(
                    name,
                    line,
                    tr(
                        "'{variable}' of '{target}' is nothing a synapse can act on here; what can be: {known}.",
                        variable=variable,
                        target=target,
                        known=", ".join(membrane.ports),
                    ),
                )
            weight = np.broadcast_to(np.asarray(jump, np.float64), i.shape) * _per_synapse(port.factor, j + offset)
            if not np.isfinite(weight).all():
                raise refusal(name, line, tr("there are weights that are not finite."))
            _note_rounding(script, name, weight, membrane.neuron.receptors[port.receptor].grid)
            label = name if len(pathways) == 1 and number == 0 else f"{name} {pathway.objname} {number} {variable}"
            made.append(Projected(label, source, i + begin, j + offset, target, port.receptor, weight, delay))
    return made


def _refuse_extras(synapses: Any) -> None:
    """What a Synapses object may carry beyond weights and on_pre, and we do not have."""
    name = synapses.name
    for updater in synapses.summed_updaters.values():
        raise refusal(
            name, f"{updater.target_varname} = {updater.expression}", tr("summed variables have no counterpart here.")
        )
    dynamic = [
        e
        for eqs in (synapses.equations, synapses.event_driven)
        if eqs is not None
        for e in eqs.values()
        if e.type == "differential equation"
    ]
    for equation in dynamic:
        raise refusal(name, equation, tr("synapses with a state of their own (plasticity) are not taken."))
    known = [p for p in synapses.contained_objects if hasattr(p, "prepost")]
    for part in synapses.contained_objects:
        if part not in known:
            raise refusal(
                name, getattr(part, "abstract_code", None) or part.name, tr("run_regularly has no counterpart here.")
            )
    for pathway in known:
        if pathway.prepost == "post":
            raise refusal(name, pathway.code, tr("on_post: plasticity is not taken."))
        if pathway.event != "spike":
            raise refusal(
                name,
                pathway.code,
                tr("the event '{event}' has no counterpart here; only 'spike' has.", event=pathway.event),
            )
        if pathway.when != "synapses":
            raise refusal(
                name,
                pathway.code,
                tr("it runs in the slot '{when}', here it is always '{slot}'.", when=pathway.when, slot="synapses"),
            )
    if not known:
        raise refusal(name, repr(synapses), tr("the synapses do nothing: there is no on_pre."))


def _delays(script: Script, pathway: Any, count: int, name: str) -> NDArray[np.float64]:
    """The delays in whole steps, as Brian2 rounds them; none becomes one step, which is the least here."""
    given = np.asarray(pathway.variables["delay"].get_value(), np.float64)
    steps = np.round(given / script.dt)
    if np.any(steps < 1):
        script.note(
            tr(
                "'{name}': synapses without delay get one step of {dt:g} ms, the least there is here; spikes arrive that much later.",
                name=name,
                dt=script.dt * 1e3,
            )
        )
    return np.broadcast_to(np.maximum(steps, 1.0) * script.dt, (count,))


def _jumps(script: Script, synapses: Any, pathway: Any) -> list[tuple[str, Any, str]]:
    """The statements of on_pre as (variable of the target, jump of each synapse, line)."""
    name, own = synapses.name, dict(synapses.equations or {})
    local: dict[sympy.Symbol, Any] = (
        {
            symbol(n): meaning(e.code)
            for n, e in synapses.equations.get_substituted_expressions({}, include_subexpressions=True)
        }
        if own
        else {}
    )
    made = []
    for variable, operation, text, line in statements(pathway.code, name):
        expression = meaning(text, local)
        bare = variable.removesuffix("_post")
        x = symbol(variable)
        if operation == "=" and variable not in own and variable not in synapses.variables:
            local[x] = expression  # a name of the statement's own
            continue
        if variable in own or variable.endswith("_pre"):
            raise refusal(
                name,
                line,
                tr("a spike changes '{name}', which is not the target's: plasticity is not taken.", name=variable),
            )
        if operation == "=":
            operation, expression = "+=", sympy.expand(expression - x)
        if operation == "-=":
            operation, expression = "+=", -expression
        if operation != "+=":
            raise refusal(name, line, tr("a synapse here adds to a variable of its target, such as 'v += w'."))
        made.append((bare, _worth(script, synapses, expression, line), line))
    return made


def _worth(script: Script, synapses: Any, expression: Any, line: str) -> Any:
    """The number an expression over synapses has, or one number for each."""
    name = synapses.name
    check_functions(script, synapses, expression, name, line)
    given: dict[str, Any] = {}
    for s in expression.free_symbols:
        if s.name not in synapses.variables:
            continue
        for suffix, group in (("_pre", synapses.source), ("_post", synapses.target), ("", synapses.target)):
            equations = getattr(group, "equations", None) or {}
            base = s.name.removesuffix(suffix) if suffix else s.name
            if (
                s.name.endswith(suffix)
                and base in equations
                and s.name not in (synapses.equations or {})
                and equations[base].type != "parameter"
            ):
                raise refusal(name, line, tr("'{name}' changes during a run, where a constant is needed.", name=s.name))
        if s.name in ("t", "dt", "t_in_timesteps", "lastupdate") or s.name.startswith(("lastspike", "not_refractory")):
            continue  # refused below, as in every other expression
        given[s.name] = (
            np.array(getattr(synapses, f"{s.name}_")[:], np.float64)
            if s.name not in ("i", "j")
            else np.array(getattr(synapses, s.name)[:], np.float64)
        )
    return evaluate(script, synapses, expression, name, line, given)


def _per_synapse(factor: Any, targets: NDArray[np.int64]) -> Any:
    return factor if np.ndim(factor) == 0 else np.asarray(factor)[targets]


def _note_rounding(script: Script, name: str, weight: NDArray[np.float64], grid: float) -> None:
    """Weights lie on a grid of powers of two here; say so where that moves one by more than its last digits."""
    away = np.abs(np.rint(weight / grid) * grid - weight)
    worst = float(np.max(away / np.where(weight == 0, 1.0, np.abs(weight)), initial=0.0))
    if worst > 1e-12:
        script.note(
            tr(
                "'{name}': weights lie on a grid of powers of two here, which moves one by {worst:.1g} of itself at most.",
                name=name,
                worst=worst,
            )
        )
