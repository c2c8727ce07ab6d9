"""SANA-FE's architecture file: one EventChip, and the names of its units that a network file refers to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from workbench.chips.event import EventChip
from workbench.interchange.sanafe.document import Node, load, span
from workbench.recordings.prices import Citation, Price
from workbench.words import tr

__all__ = ["MODELS", "Architecture", "Unit", "read_architecture"]

MODELS: Mapping[str, tuple[str, ...]] = {
    "synapse": ("current_based",),
    "dendrite": ("accumulator", "accumulator_with_delay", "taps"),
    "soma": ("leaky_integrate_fire", "input", "truenorth"),
}
"""The models the format knows, by section."""

HELD = ("current_based", "accumulator", "leaky_integrate_fire", "input")
"""The models our chip can hold; a neuron mapped to another one is refused when the network is read."""

_COSTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "synapse": (("energy_process_spike", "latency_process_spike"),),
    "dendrite": (("energy_update", "latency_update"),),
    "soma": (
        ("energy_access_neuron", "latency_access_neuron"),
        ("energy_update_neuron", "latency_update_neuron"),
        ("energy_spike_out", "latency_spike_out"),
    ),
}
_NOTES = ("log_energy", "log_latency")  # what SANA-FE writes into its traces; nothing of the chip
_STORAGE = ("synaptic operation", "dense operation", "shared operation")


@final
@dataclass(frozen=True)
class Unit:
    """A unit of a core: its model, its costs as (joules, seconds) pairs, and for a synapse unit the event it is counted as."""

    name: str
    model: str
    costs: tuple[tuple[float, float], ...]
    event: str = ""


@final
@dataclass(frozen=True, kw_only=True)
class Architecture:
    """An architecture file as our chip, with the units and tiles that a network file names.

    Tiles are numbered as SANA-FE does: tile t stands at (t // height, t % height).
    """

    chip: EventChip
    tiles: int
    synapses: tuple[Unit, ...]
    dendrites: tuple[Unit, ...]
    somas: tuple[Unit, ...]

    def at(self, tile: int) -> tuple[int, int]:
        """Where on the mesh a tile stands: (x, y)."""
        return tile // self.chip.tiles_y, tile % self.chip.tiles_y


def read_architecture(path: str | Path) -> Architecture:
    """The chip that an architecture file describes.

    Held: a mesh of equal tiles of equal cores, hops priced alike east and west, and north and south; the barrier (`latency_sync`, fixed
    or table); one leaky_integrate_fire price list; up to three synapse units (one plain, one with "dense" and one with "conv" in its
    name); a dendrite's costs, added to the synaptic operation or the update they belong to. The chip computes in whole numbers, with 24
    bits for a weight, so that what `read_network` calls exact is. Raises DescriptionError for what is wrong
    with the file, and UnsupportedError for what the chip cannot hold; both name the file, line, column and path.
    """
    top = load(path)
    root = top.child("architecture")
    _only(root, ("name", "attributes", "tile"))
    noc = root.child("attributes").mapping()
    attributes = root.child("attributes")
    _only(attributes, ("topology", "width", "height", "link_buffer_size", "sync_model", "latency_sync"))
    if "topology" in noc and noc["topology"].word() != "mesh":
        raise noc["topology"].refused(tr("the topology '{name}' is none of ours: mesh.", name=noc["topology"].text))
    width = attributes.child("width").whole(low=1, high=4096)
    height = attributes.child("height").whole(low=1, high=4096)
    tile, tiles = _same(root.child("tile"), "tile")
    if tiles > width * height:
        raise root.child("tile").wrong(
            tr("{tiles} tiles do not fit on a mesh of {w} × {h}.", tiles=tiles, w=width, h=height)
        )
    _only(tile, ("name", "attributes", "core"))
    core, cores = _same(tile.child("core"), "core")
    _only(core, ("name", "attributes", "axon_in", "axon_out", "synapse", "dendrite", "soma"))
    before_soma = _buffer(core.child("attributes"))
    units = {section: _units(core.child(section), section) for section in MODELS}
    lif = next((u for u in units["soma"] if u.model == "leaky_integrate_fire"), None)
    if lif is None:
        raise core.child("soma").refused(
            tr("no soma unit has the model leaky_integrate_fire, the only one our chip computes.")
        )
    name = root.mapping()["name"].word() if "name" in root.mapping() else Path(path).stem
    extra = _dendrite(units["dendrite"], core.child("dendrite"))
    where = Citation("assumed", tr("read from {file}, which gives no source", file=Path(path).name))
    prices = _prices(tile, core, units, lif, extra, before_soma, where)
    chip = EventChip(
        name=name,
        tiles_x=width,
        tiles_y=height,
        cores_per_tile=cores,
        neurons_per_core=core.child("attributes").child("max_neurons_supported").whole(low=1, high=1_000_000),
        synapses_per_core=2**31 - 1,
        axons_in=2**31 - 1,
        axons_out=2**31 - 1,
        barriers=_barriers(noc, attributes),
        counting="nonzero",
        arithmetic="integer",
        weight_bits=24,
        link_buffer=attributes.child("link_buffer_size").whole(low=1, high=1_000_000),
        prices=prices,
    )
    return Architecture(
        chip=chip, tiles=tiles, synapses=units["synapse"], dendrites=units["dendrite"], somas=units["soma"]
    )


def _only(node: Node, known: tuple[str, ...]) -> None:
    for name, value in node.mapping().items():
        if name not in known:
            raise value.unknown("attribute", name, known)


def _same(node: Node, what: str) -> tuple[Node, int]:
    """The first of some blocks and how many there are in all; every block must say the same."""
    blocks = node.many()
    if not blocks:
        raise node.wrong(tr("there is no {what}.", what=what))
    number = 0
    for block in blocks:
        first, last = _copies(block.child("name"))
        number += last - first + 1
        different = _difference(blocks[0], block)
        if different is not None:
            raise different.refused(
                tr("this {what} differs from the first one; our chip's {what}s are all alike.", what=what)
            )
    return blocks[0], number


def _copies(name: Node) -> tuple[int, int]:
    """The numbers that "name[a..b]" stands for; one number for a plain name."""
    text = name.word()
    if "[" not in text:
        return 0, 0
    head, _, inside = text.partition("[")
    if not head or not inside.endswith("]"):
        raise name.wrong(tr("'{text}' is no name such as core[0..3].", text=text[:40]))
    return span(name, inside[:-1]) if ".." in inside else (0, 0)


def _difference(a: Node, b: Node) -> Node | None:
    """Where b first differs from a, names of blocks apart; None when it does not."""
    if a is b:
        return None
    if a.kind != b.kind or (a.kind == "scalar" and a.text != b.text):
        return b
    if a.kind == "list":
        if len(a.items) != len(b.items):
            return b
        pairs: list[tuple[Node, Node]] = list(zip(a.items, b.items))
    else:
        if set(a.pairs) != set(b.pairs):
            return b
        pairs = [(a.pairs[k], b.pairs[k]) for k in a.pairs if not (k == "name" and "attributes" in a.pairs)]
    return next((d for x, y in pairs if (d := _difference(x, y)) is not None), None)


def _buffer(attributes: Node) -> bool:
    """Whether the step's buffer stands before the soma (else before the dendrite)."""
    _only(attributes, ("buffer_position", "buffer_inside_unit", "max_neurons_supported", *_NOTES))
    position = attributes.child("buffer_position")
    if position.word() not in ("soma", "dendrite", "axon_out"):
        raise position.unknown("attribute", position.text, ("soma", "dendrite", "axon_out"))
    inside = attributes.mapping().get("buffer_inside_unit")
    if position.text == "axon_out" or (inside is not None and inside.flag()):
        raise position.refused(
            tr(
                "our chip keeps what arrived in a buffer before the dendrite or the soma, not inside a unit or after it."
            )
        )
    return position.text == "soma"


def _units(node: Node, section: str) -> tuple[Unit, ...]:
    made: list[Unit] = []
    for entry in node.many():
        _only(entry, ("name", "attributes"))
        attributes = entry.child("attributes")
        given = attributes.mapping()
        model = attributes.child("model")
        if model.word() not in MODELS[section]:
            raise model.unknown("model", model.text, MODELS[section])
        if "plugin" in given:
            raise given["plugin"].refused(tr("a plug-in is a program of its own; only built-in models can be read."))
        if "noise" in given or "noise_bits" in given:
            raise given["noise" if "noise" in given else "noise_bits"].refused(
                tr("noise on the potential is nothing our chip computes.")
            )
        wanted = [name for pair in _COSTS[section] for name in pair]
        _only(attributes, ("model", "update_every_timestep", *wanted, *_NOTES))
        costs = tuple((_joules(attributes, e), _seconds(attributes, t)) for e, t in _COSTS[section])
        if section == "dendrite" and "update_every_timestep" in given and given["update_every_timestep"].flag():
            if costs[0][0]:
                raise given["update_every_timestep"].refused(
                    tr("a dendrite that costs energy in every step, whatever arrives, has no price on our chip.")
                )
        elif section == "synapse" and "update_every_timestep" in given and given["update_every_timestep"].flag():
            raise given["update_every_timestep"].refused(tr("our chip reads a synapse only when a spike arrives."))
        name = entry.child("name")
        first, last = _copies(name)
        ranged = ".." in name.text
        head = name.text.partition("[")[0] if ranged else name.text
        for k in range(first, last + 1):
            made.append(Unit(f"{head}[{k}]" if ranged else head, model.text, costs))
    if len({u.name for u in made}) < len(made):
        raise node.wrong(tr("two units have the same name."))
    if section == "synapse":
        made = _stored(made, node)
    return tuple(made)


def _stored(units: list[Unit], node: Node) -> list[Unit]:
    """Give each synapse unit the event it is counted as, by its name; equal events need equal costs."""
    made = []
    for unit in units:
        kind = _STORAGE[1] if "dense" in unit.name else _STORAGE[2] if "conv" in unit.name else _STORAGE[0]
        made.append(Unit(unit.name, unit.model, unit.costs, kind))
    for unit in made:
        first = next(u for u in made if u.event == unit.event)
        if first.costs != unit.costs:
            raise node.refused(
                tr(
                    "the synapse units '{a}' and '{b}' have different costs and would both be counted as {event}: our chip has one price "
                    "for plain synapses, one for units with 'dense' and one for units with 'conv' in their name.",
                    a=first.name,
                    b=unit.name,
                    event=tr(unit.event),
                )
            )
    return made


def _dendrite(units: tuple[Unit, ...], node: Node) -> tuple[float, float]:
    """The costs of the dendrite units that can be used; they must be alike."""
    usable = [u for u in units if u.model in HELD]
    if not usable:
        raise node.refused(tr("no dendrite unit has the model accumulator, the only one our chip computes."))
    if any(u.costs != usable[0].costs for u in usable):
        raise node.refused(tr("the dendrite units have different costs; our chip has one price."))
    return usable[0].costs[0]


def _one(node: Node, energy: str, latency: str) -> tuple[float, float]:
    """The costs of an axon unit; there is one a core."""
    entries = node.many()
    if len(entries) != 1 or _copies(entries[0].child("name"))[1] > 0:
        raise node.refused(tr("our cores have one unit for packets in and one for packets out."))
    attributes = entries[0].child("attributes")
    _only(attributes, (energy, latency, *_NOTES))
    return _joules(attributes, energy), _seconds(attributes, latency)


def _joules(node: Node, name: str) -> float:
    return node.child(name).number(low=0.0, high=1e-3)


def _seconds(node: Node, name: str) -> float:
    return node.child(name).number(low=0.0, high=1e-1)


def _prices(
    tile: Node,
    core: Node,
    units: Mapping[str, tuple[Unit, ...]],
    lif: Unit,
    extra: tuple[float, float],
    before_soma: bool,
    where: Citation,
) -> dict[str, Price]:
    attributes = tile.child("attributes")
    hops = [f"{what}_{side}_hop" for side in ("north", "east", "south", "west") for what in ("energy", "latency")]
    _only(attributes, (*hops, *_NOTES))
    for a, b in (("east", "west"), ("north", "south")):
        for what, read in (("energy", _joules), ("latency", _seconds)):
            if read(attributes, f"{what}_{a}_hop") != read(attributes, f"{what}_{b}_hop"):
                raise attributes.child(f"{what}_{b}_hop").refused(
                    tr("a hop to the {b} costs other than one to the {a}; our chip has one price for both.", a=a, b=b)
                )
    # A dendrite before the buffer works once for every synaptic operation, behind it once for every update.
    at_synapse, at_update = (extra, (0.0, 0.0)) if before_soma else ((0.0, 0.0), extra)
    access, update, spike = lif.costs

    def price(*parts: tuple[float, float]) -> Price:
        return Price(sum(p[0] for p in parts), sum(p[1] for p in parts), where)

    def synapse(event: str) -> Price:
        """Of the unit that is counted so; an event no unit has keeps the first unit's price and never happens."""
        return price(next((u for u in units["synapse"] if u.event == event), units["synapse"][0]).costs[0], at_synapse)

    none = Citation("assumed", tr("SANA-FE has no such event"))
    first: Callable[[str, str], tuple[float, float]] = lambda e, t: (_joules(attributes, e), _seconds(attributes, t))  # noqa: E731
    return {
        "core step": Price(0.0, 0.0, none),
        "active update": price(access, update, at_update),
        "inactive update": price(access, at_update),
        **{event: synapse(event) for event in _STORAGE},
        "outside operation": synapse(units["synapse"][0].event),
        "spike": price(spike),
        "packet": price(_one(core.child("axon_out"), "energy_message_out", "latency_message_out")),
        "packet received": price(_one(core.child("axon_in"), "energy_message_in", "latency_message_in")),
        "tile-local packet": Price(0.0, 0.0, none),
        "east-west hop": price(first("energy_east_hop", "latency_east_hop")),
        "north-south hop": price(first("energy_north_hop", "latency_north_hop")),
    }


def _barriers(noc: Mapping[str, Node], attributes: Node) -> tuple[tuple[int, float], ...]:
    model = noc.get("sync_model")
    kind = model.word() if model is not None else "fixed"
    if kind not in ("fixed", "table"):
        raise attributes.child("sync_model").unknown("attribute", kind, ("fixed", "table"))
    if "latency_sync" not in noc:
        if kind == "table":
            raise attributes.wrong(
                tr("'{name}' is missing; there are {known}.", name="latency_sync", known=", ".join(noc))
            )
        return ((1, 0.0),)
    node = noc["latency_sync"]
    if kind == "fixed" or node.kind == "scalar":
        return ((1, node.number(low=0.0, high=0.9)),)
    pairs: dict[int, float] = {}
    entries: list[tuple[int, Any]] = (
        list(enumerate(node.items))
        if node.kind == "list"
        else [(span(value, name)[0], value) for name, value in node.pairs.items()]
    )
    for tiles, value in sorted(entries, key=lambda e: e[0]):
        pairs[max(1, tiles)] = value.number(low=0.0, high=0.9)
    if not pairs:
        raise node.wrong(tr("the table of barriers is empty."))
    return tuple(sorted(pairs.items()))
