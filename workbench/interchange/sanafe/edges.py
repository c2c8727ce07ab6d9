"""The edges of a SANA-FE network file: single synapses, dense and sparse blocks, convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.convolution import Convolution
from workbench.errors import DescriptionError
from workbench.interchange.sanafe.document import Node, span
from workbench.interchange.sanafe.groups import Group
from workbench.words import tr

__all__ = ["Bundle", "read_edges"]

_CONV = {
    "height": "input_height",
    "width": "input_width",
    "channels": "input_channels",
    "kernel_height": "kernel_height",
    "kernel_width": "kernel_width",
    "kernels": "kernel_count",
    "stride_y": "stride_height",
    "stride_x": "stride_width",
}


@final
@dataclass(eq=False, kw_only=True)
class Bundle:
    """Synapses from one group to another: `kind` is list, dense or conv; weights in the file's order."""

    source: str
    target: str
    kind: str
    node: Node
    i: list[int] = field(default_factory=list)
    j: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    convolution: Convolution | None = None

    @property
    def values(self) -> NDArray[np.float64]:
        """The weights."""
        return np.asarray(self.weights, np.float64)


def read_edges(node: Node, groups: Mapping[str, Group]) -> list[Bundle]:
    """All edges, single and sparse ones of a pair of groups gathered into one bundle."""
    lists: dict[tuple[str, str], Bundle] = {}
    blocks: list[Bundle] = []
    for item in node.listed():
        for key, value in item.mapping().items():
            left, arrow, right = key.partition("->")
            if not arrow:
                raise value.wrong(tr("'{text}' is no edge: write a.0 -> b.1, or a -> b with a type.", text=key[:60]))
            (source, i), (target, j) = _end(left, value, groups), _end(right, value, groups)
            if (i is None) != (j is None):
                raise value.wrong(
                    tr("'{text}' joins a neuron and a group: name a neuron on both sides or on none.", text=key[:60])
                )
            bundle = lists.setdefault((source, target), Bundle(source=source, target=target, kind="list", node=value))
            if i is not None and j is not None:
                bundle.i.append(i)
                bundle.j.append(j)
                bundle.weights.append(_weight(value))
            else:
                made = _block(value, groups[source], groups[target], bundle)
                if made is not None:
                    blocks.append(made)
    return [*(b for b in lists.values() if b.i), *blocks]


def _end(text: str, node: Node, groups: Mapping[str, Group]) -> tuple[str, int | None]:
    name, dot, which = text.strip().partition(".")
    if name not in groups:
        raise node.unknown("group", name, groups)
    if not dot:
        return name, None
    first, last = span(node, which)
    if first != last or first >= groups[name].size:
        raise node.wrong(
            tr(
                "'{group}' has {size} neurons, numbered from 0; there is no {number}.",
                group=name,
                size=groups[name].size,
                number=which,
            )
        )
    return name, first


def _given(node: Node) -> dict[str, Node]:
    """The attributes of an edge, those under "synapse" included; delays other than none are refused."""
    made: dict[str, Node] = {}
    for key, value in node.mapping().items():
        if key == "synapse":
            made |= _given(value)
        elif key in ("dendrite", "soma"):
            made |= {k: v for k, v in _given(value).items() if k == "delay"}
        else:
            made[{"w": "weight", "d": "delay"}.get(key, key)] = value
    if "delay" in made:
        for value in made["delay"].many():
            if value.number() != 0:
                raise value.refused(
                    tr("a delay needs the dendrite model accumulator_with_delay, which our chip does not compute.")
                )
        del made["delay"]
    return made


def _only(node: Node, given: Mapping[str, Node], known: tuple[str, ...]) -> None:
    for key, value in given.items():
        if key not in known:
            raise value.unknown("attribute", key, known)
    if "weight" not in given:
        raise node.wrong(tr("'{name}' is missing; there are {known}.", name="weight", known=", ".join(given) or "-"))


def _weight(node: Node) -> float:
    given = _given(node)
    _only(node, given, ("weight",))
    return given["weight"].number()


def _block(node: Node, source: Group, target: Group, listed: Bundle) -> Bundle | None:
    given = _given(node)
    kind_node = node.child("type")
    kind = kind_node.word()
    if kind not in ("dense", "sparse", "conv2d", "conv"):
        raise kind_node.unknown("type of edge", kind, ("dense", "sparse", "conv2d"))
    extra = {"dense": (), "sparse": ("source_target_pairs",)}.get(kind, tuple(_CONV.values()))
    _only(node, given, ("type", "weight", *extra))
    weights = [w.number() for w in given["weight"].listed()]
    if kind == "sparse":
        pairs = [[x.whole(low=0, high=2**31 - 1) for x in p.listed()] for p in given["source_target_pairs"].listed()]
        if any(len(p) != 2 or p[0] >= source.size or p[1] >= target.size for p in pairs):
            raise given["source_target_pairs"].wrong(
                tr("each pair is [source, target], from 0 to {s} and 0 to {t}.", s=source.size - 1, t=target.size - 1)
            )
        _enough(given["weight"], weights, len(pairs))
        listed.i += [p[0] for p in pairs]
        listed.j += [p[1] for p in pairs]
        listed.weights += weights[: len(pairs)]
        return None
    made = Bundle(source=source.name, target=target.name, kind="dense", node=node)
    if kind == "dense":
        _enough(given["weight"], weights, source.size * target.size)
        made.weights = weights[: source.size * target.size]
        return made
    sizes = {
        k: node.child(name).whole(low=1, high=1_000_000) for k, name in _CONV.items() if not k.startswith("stride")
    }
    strides = {k: given[_CONV[k]].whole(low=1, high=1_000_000) for k in ("stride_y", "stride_x") if _CONV[k] in given}
    try:
        made.convolution = Convolution(**sizes, **strides)
        made.convolution.count(source.size, target.size, 0)
    except DescriptionError as error:
        raise node.wrong(str(error)) from None
    c = made.convolution
    needed = c.kernel_height * c.kernel_width * c.channels * c.kernels
    _enough(given["weight"], weights, needed)
    made.kind, made.weights = "conv", weights[:needed]
    return made


def _enough(node: Node, weights: list[float], needed: int) -> None:
    if len(weights) < needed:
        raise node.wrong(tr("{given} weights are given where {needed} are needed.", given=len(weights), needed=needed))
