"""The objects of a script, one kind after the other, into one Network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import brian2
import numpy as np
from brian2.groups.subgroup import Subgroup
from brian2.monitors.ratemonitor import PopulationRateMonitor
from brian2.monitors.spikemonitor import EventMonitor
from brian2.monitors.statemonitor import StateMonitor

from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.errors import UnsupportedError
from workbench.interchange import charge
from workbench.interchange.brian2 import sources
from workbench.interchange.brian2.membranes import Membrane, read_model
from workbench.interchange.brian2.models import membrane
from workbench.interchange.brian2.reading import Script, refusal
from workbench.interchange.brian2.synapses import Projected, origin, project
from workbench.interchange.imported import Imported, listed, wire
from workbench.words import tr

__all__ = ["convert"]

_MONITORS = (StateMonitor, EventMonitor, PopulationRateMonitor)
_TAKEN = (brian2.NeuronGroup, brian2.Synapses, brian2.PoissonGroup, brian2.PoissonInput, brian2.SpikeGeneratorGroup)


def convert(objects: Sequence[Any], namespace: Mapping[str, Any], begun: float | None) -> Imported:
    """The circuit that these objects are together; `begun` is how far their network has run, s (None: Brian2's own network)."""
    script = Script(namespace)
    kinds = _sorted(script, objects)
    groups = kinds[brian2.NeuronGroup]
    if not groups:
        raise UnsupportedError(tr("There is no NeuronGroup among the given objects; Synapses alone compute nothing."))
    script.dt = _step([*groups, *(o for kind in _TAKEN[1:] for o in kinds[kind])])
    if begun is None:
        magic = brian2.magic_network
        # there is no public name for the network an object has run in
        begun = float(magic.t_) if any(o._network == magic.id for o in groups) else 0.0
    if begun:
        script.note(
            tr(
                "The script has run for {time:g} ms: its present state is the start here; spikes under way and refractory neurons are not carried over.",
                time=begun * 1e3,
            )
        )
    membranes = {g.name: membrane(read_model(script, g)) for g in groups}
    charged = {m.name: _by_receptor(m) for m in membranes.values()}
    populations = {m.name: _population(script, m, charged[m.name]) for m in membranes.values()}
    parts = {g.name: sources.poisson_group(script, g) for g in kinds[brian2.PoissonGroup]}
    parts |= {g.name: [sources.generator(script, g, begun)] for g in kinds[brian2.SpikeGeneratorGroup]}
    found = {part.name: part.source for group in parts.values() for part in group}
    projections: dict[str, Projection] = {}
    for synapses in kinds[brian2.Synapses]:
        for made in project(script, synapses, membranes):
            projections |= _dealt(made, parts, populations)
    for given in kinds[brian2.PoissonInput]:
        _add_input(script, given, membranes, found, projections)
    for m in membranes.values():
        if held := charged[m.name]:
            source, onto = charge.brought(m.name, m.size, m.neuron, held, dt=script.dt)
            found[f"start of {m.name}"] = source
            projections |= {f"start of {m.name}.{receptor}": p for receptor, p in onto.items()}
    used = {p.source for p in projections.values()}
    return Imported(
        written=Network(populations, {n: s for n, s in found.items() if n in used}, projections),
        dt=script.dt,
        notes=tuple(script.notes),
    )


def _sorted(script: Script, objects: Sequence[Any]) -> dict[type, list[Any]]:
    """The objects by kind, in the order of their names; monitors are left out, what is not known is refused."""
    kinds: dict[type, list[Any]] = {kind: [] for kind in _TAKEN}
    for o in sorted(objects, key=lambda o: o.name):
        if isinstance(o, _MONITORS):
            script.note(tr("Monitors are left out: a recording holds all spikes, and a Probe asks for states."))
            continue
        if isinstance(o, Subgroup):
            continue
        kind = next((k for k in _TAKEN if type(o) is k), None)
        if kind is None:
            raise UnsupportedError(
                tr(
                    "'{name}' is of the kind {kind}, which has no counterpart here; these have: {known}.",
                    name=o.name,
                    kind=type(o).__name__,
                    known=", ".join(k.__name__ for k in _TAKEN),
                )
            )
        if not o.active:
            script.note(tr("'{name}' is not active and was left out.", name=o.name))
            continue
        kinds[kind].append(o)
    return kinds


def _step(objects: Sequence[Any]) -> float:
    """The time step all objects share, s."""
    dt = float(objects[0].clock.dt_)
    for o in objects:
        if float(o.clock.dt_) != dt:
            raise refusal(
                o.name,
                f"dt = {o.clock.dt}",
                tr("every object here has the same time step, and '{name}' has another.", name=objects[0].name),
            )
    return dt


def _by_receptor(m: Membrane) -> dict[str, Any]:
    """What the synaptic variables hold at the start; those on one receptor add up."""
    made: dict[str, Any] = {}
    for variable, value in m.charged.items():
        receptor = m.ports[variable].receptor
        made[receptor] = made.get(receptor, 0.0) + np.asarray(value)
    return made


def _population(script: Script, m: Membrane, charged: Mapping[str, Any]) -> Population:
    """The population with its initial states."""
    initial = dict(m.initial)
    if charged:
        late = m.size
        if isinstance(m.neuron, Lif):
            initial["v"], late = charge.start(m.neuron, m.size, initial["v"], charged, dt=script.dt)
        script.note(
            tr(
                "'{name}': {variables} do not start at zero; one spike from outside brings what they hold. Of {size} neurons, "
                "{late} are not exact in the first two steps.",
                name=m.name,
                variables=", ".join(m.charged),
                size=m.size,
                late=late,
            )
        )
    return Population(m.size, m.neuron, {name: listed(value) for name, value in initial.items()})


def _dealt(
    made: Projected, parts: Mapping[str, list[sources.Part]], populations: Mapping[str, Population]
) -> dict[str, Projection]:
    """The projections of one statement: one from a population, or one from each part of a source."""
    target = populations[made.target]
    if made.source in populations:
        single = made.projection(made.source, populations[made.source].size, None, target)
        return {made.name: single} if single else {}
    if made.source not in parts:
        raise refusal(made.name, made.source, tr("its source is not among the given groups."))
    several = parts[made.source]
    return {
        made.name if len(several) == 1 else f"{made.name} {n}": p
        for n, part in enumerate(several)
        if (p := made.projection(part.name, part.source.size, part.members, target)) is not None
    }


def _add_input(
    script: Script,
    given: Any,
    membranes: Mapping[str, Membrane],
    found: dict[str, Source],
    projections: dict[str, Projection],
) -> None:
    """A PoissonInput as a source of its own, one neuron to one neuron."""
    target, offset = origin(given.group)
    if target not in membranes:
        raise refusal(given.name, target, tr("its target is not among the given groups."))
    m, size = membranes[target], len(given.group)
    source, jump = sources.poisson_input(script, given, size)
    port = m.ports.get(given.target_var)
    if port is None:
        raise refusal(
            given.name,
            f"{given.target_var} += …",
            tr(
                "'{variable}' of '{target}' is nothing a synapse can act on here; what can be: {known}.",
                variable=given.target_var,
                target=target,
                known=", ".join(m.ports),
            ),
        )
    places = np.arange(size)
    factor = port.factor if np.ndim(port.factor) == 0 else np.asarray(port.factor)[places + offset]
    wiring, _ = wire(places, places + offset, (size, m.size))
    found[given.name] = source
    projections[given.name] = Projection(
        given.name, target, wiring, weight=listed(jump * factor), delay=script.dt, receptor=port.receptor
    )
