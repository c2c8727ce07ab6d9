"""The groups and mappings of a SANA-FE network file: attributes by neuron, units, cores."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import PlacementError
from workbench.interchange.sanafe.architecture import HELD, Architecture, Unit
from workbench.interchange.sanafe.document import RANGE, Node, span
from workbench.words import tr

__all__ = ["Group", "read_groups", "read_mappings"]

NUMBERS = {
    "threshold": 0.0,
    "reset": 0.0,
    "leak_decay": 1.0,
    "input_decay": 0.0,
    "bias": 0.0,
    "potential": 0.0,
    "reverse_threshold": 0.0,
    "reverse_reset": 0.0,
    "refractory_delay": 0.0,
    "force_update": 0.0,
    "rate": 0.0,
    "poisson": 0.0,
}
"""Numbers of a neuron, with the format's defaults."""
WORDS = {"reset_mode": "hard", "reverse_reset_mode": "none", "soma": "", "dendrite": "", "synapse": ""}
_UNIT_KEYS = {
    "soma_hw_name": "soma",
    "dendrite_hw_name": "dendrite",
    "synapse_hw_name": "synapse",
    "default_synapse_hw_name": "synapse",
}
_SAME = {"force_update_every_timestep": "force_update", "force_soma_update": "force_update"}
_NOTES = ("log_spikes", "log_potential", "log_u")  # what SANA-FE records; our recorder has probes


@final
class Group:
    """A neuron group as written: runs of neurons with attributes, the later run overriding the earlier."""

    def __init__(self, name: str, size: int, node: Node) -> None:
        self.name, self.size, self.node = name, size, node
        self.runs: list[tuple[int, int, dict[str, Node]]] = []
        self.tile = np.full(size, -1, np.int64)
        self.core = np.full(size, -1, np.int64)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """One number per neuron."""
        made = np.full(self.size, NUMBERS[name])
        for first, last, given in self.runs:
            if name in given:
                made[first : last + 1] = float(given[name].flag()) if name == "force_update" else given[name].number()
        return made

    def nodes(self, name: str) -> list[Node]:
        """Every place that gives this attribute."""
        return [given[name] for _, _, given in self.runs if name in given]

    def word(self, name: str) -> str:
        """One word for the whole group."""
        said = np.full(self.size, WORDS[name], object)
        for first, last, given in self.runs:
            if name in given:
                said[first : last + 1] = given[name].word()
        different = set(said.tolist())
        if len(different) > 1:
            raise self.nodes(name)[-1].refused(
                tr(
                    "the neurons of group '{group}' differ in {name} ({values}): make them groups of their own.",
                    group=self.name,
                    name=name,
                    values=", ".join(sorted(map(str, different))),
                )
            )
        return different.pop()

    def units(self, kind: str, known: tuple[Unit, ...]) -> list[Unit]:
        """The unit each neuron is mapped to; the first of the core where the file names none."""
        by_name = {u.name: u for u in known}
        made = [known[0]] * self.size
        for first, last, given in self.runs:
            if kind in given:
                name = given[kind].word()
                if name not in by_name:
                    raise given[kind].unknown("unit", name, [*by_name][:40])
                made[first : last + 1] = [by_name[name]] * (last + 1 - first)
        return made

    def unit(self, kind: str, known: tuple[Unit, ...]) -> Unit:
        """The one unit of the group, with a model our chip computes."""
        found = set(self.units(kind, known))
        if len(found) > 1:
            raise self.nodes(kind)[-1].refused(
                tr(
                    "the neurons of group '{group}' differ in {name} ({values}): make them groups of their own.",
                    group=self.name,
                    name=kind,
                    values=", ".join(sorted(u.name for u in found)),
                )
            )
        (unit,) = found
        if unit.model not in HELD:
            raise (self.nodes(kind) or [self.node])[-1].refused(
                tr(
                    "unit '{unit}' has the model {model}, which our chip does not compute; it computes {known}.",
                    unit=unit.name,
                    model=unit.model,
                    known=", ".join(HELD),
                )
            )
        return unit


def read_groups(node: Node) -> dict[str, Group]:
    """The groups of a network, by name."""
    groups: dict[str, Group] = {}
    total = 0
    for entry in node.listed():
        name_node = entry.child("name")
        name = name_node.word()
        for key, value in entry.mapping().items():
            if key not in ("name", "attributes", "neurons"):
                raise value.unknown("attribute", key, ("name", "attributes", "neurons"))
        if name in groups:
            raise name_node.wrong(tr("'{name}' stands twice.", name=name))
        runs = [_neurons(item) for item in entry.child("neurons").listed()]
        size = sum(last - first + 1 for each in runs for first, last, _ in each)
        total += size
        if size < 1 or total > RANGE:
            raise entry.wrong(tr("a network holds from 1 to {most} neurons, and no group is empty.", most=RANGE))
        group = Group(name, size, entry)
        if "attributes" in entry.mapping():
            group.runs.append((0, size - 1, _attributes(entry.child("attributes"))))
        seen = np.zeros(size, bool)
        for each in runs:
            for first, last, given in each:
                at = given or entry.child("neurons")
                if last >= size:
                    raise at.wrong(
                        tr(
                            "neuron {number} lies beyond the {size} neurons listed: they are numbered from 0 without a gap.",
                            number=last,
                            size=size,
                        )
                    )
                if seen[first : last + 1].any():
                    raise at.wrong(tr("neuron {number} of '{group}' stands twice.", number=first, group=name))
                seen[first : last + 1] = True
                if given is not None:
                    group.runs.append((first, last, _attributes(given)))
        groups[name] = group
    if not groups:
        raise node.wrong(tr("there is no {what}.", what="group"))
    return groups


def _neurons(item: Node) -> list[tuple[int, int, Node | None]]:
    if item.kind == "scalar":
        return [(*span(item, item.text), None)]
    return [(*span(value, key), value) for key, value in item.mapping().items()]


def _attributes(node: Node) -> dict[str, Node]:
    made: dict[str, Node] = {}
    known = (*NUMBERS, *WORDS, *_UNIT_KEYS, *_SAME, "spikes", *_NOTES)
    for key, value in node.mapping().items():
        if key == "soma" and value.kind != "scalar":
            made |= _attributes(value)
        elif key == "dendrite" and value.kind != "scalar":
            if value.mapping():
                raise value.refused(tr("our dendrite only adds up; it has no attributes."))
        elif key in ("soma", "dendrite", "synapse"):
            raise value.wrong(tr("a unit is named by soma_hw_name, dendrite_hw_name or synapse_hw_name here."))
        elif key in _NOTES:
            value.flag()
        elif key in known:
            made[_UNIT_KEYS.get(key, _SAME.get(key, key))] = value
        else:
            raise value.unknown("attribute", key, known)
    return made


def read_mappings(node: Node, groups: dict[str, Group], architecture: Architecture) -> None:
    """Write every group's tile and core; each neuron must be mapped once, onto a core that is there."""
    for item in node.listed():
        pairs = item.mapping()
        if len(pairs) != 1:
            raise item.wrong(tr("a mapping has one entry, such as g.0..7: {{core: 0.0}}."))
        ((address, place),) = pairs.items()
        name, dot, which = address.strip().partition(".")
        if name not in groups:
            raise place.unknown("group", name, groups)
        group = groups[name]
        first, last = span(place, which) if dot else (0, group.size - 1)
        if last >= group.size:
            raise place.wrong(
                tr(
                    "'{group}' has {size} neurons, numbered from 0; there is no {number}.",
                    group=name,
                    size=group.size,
                    number=last,
                )
            )
        given = place.mapping()
        for key, value in given.items():
            if key not in ("core", "soma", "dendrite", "synapse"):
                raise value.unknown("attribute", key, ("core", "soma", "dendrite", "synapse"))
        tile, core = _core(place.child("core"), architecture)
        if (group.tile[first : last + 1] >= 0).any():
            twice = first + int(np.argmax(group.tile[first : last + 1] >= 0))
            raise place.wrong(tr("neuron {group}.{number} is mapped twice.", group=name, number=twice))
        group.tile[first : last + 1], group.core[first : last + 1] = tile, core
        units = {k: v for k, v in given.items() if k != "core"}
        if units:
            group.runs.append((first, last, units))
    for group in groups.values():
        lost = int((group.tile < 0).sum())
        if lost:
            raise node.wrong(
                tr(
                    "neuron {group}.{number} is not mapped to a core ({lost} of this group are not).",
                    group=group.name,
                    number=int(np.argmax(group.tile < 0)),
                    lost=lost,
                )
            )
    _room(groups, architecture)


def _core(node: Node, architecture: Architecture) -> tuple[int, int]:
    tile_text, dot, core_text = node.word().partition(".")
    if not (dot and tile_text.isdigit() and core_text.isdigit()):
        raise node.wrong(tr("'{text}' is no core: write tile.core, such as 3.0.", text=node.text[:40]))
    tile, core = int(tile_text), int(core_text)
    if tile >= architecture.tiles or core >= architecture.chip.cores_per_tile:
        raise node.wrong(
            tr(
                "there is no core {tile}.{core}: {chip} has {tiles} tiles of {cores} cores, numbered from 0.",
                tile=tile,
                core=core,
                chip=architecture.chip.name,
                tiles=architecture.tiles,
                cores=architecture.chip.cores_per_tile,
            )
        )
    return tile, core


def _room(groups: dict[str, Group], architecture: Architecture) -> None:
    per_tile = architecture.chip.cores_per_tile
    places = np.concatenate([g.tile * per_tile + g.core for g in groups.values()])
    held = np.bincount(places)
    limit = architecture.chip.neurons_per_core
    if held.max() > limit:
        full = int(np.argmax(held))
        raise PlacementError(
            tr(
                "core {tile}.{core} of {chip} is full: neurons used {used}, limit {limit}.",
                tile=full // per_tile,
                core=full % per_tile,
                chip=architecture.chip.name,
                used=int(held.max()),
                limit=limit,
            )
        )


def widely(values: NDArray[np.float64]) -> Any:
    """One number when all are equal, else one per neuron."""
    from workbench.circuits.spread import Values  # noqa: PLC0415

    return float(values[0]) if (values == values[0]).all() else Values(tuple(values.tolist()))
