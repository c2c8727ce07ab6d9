"""A NIR graph as nodes and edges with their sizes checked, and a look into a NIR file before it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DescriptionError, StoreError, UnsupportedError
from workbench.words import tr

__all__ = ["KNOWN", "LARGEST", "Graph", "Inflow", "look", "reason"]

KNOWN = ("Input", "Output", "Affine", "Linear", "Flatten", "IF", "LIF", "CubaLIF")
LARGEST = 2 * 1024**3
"""Bytes a file may unpack to."""

_NEURONS = ("IF", "LIF", "CubaLIF")
_LINEAR = ("Affine", "Linear")
_DEEP, _MANY = 8, 100_000


@final
@dataclass(frozen=True, eq=False)
class Inflow:
    """What flows into a neuron node: a weight matrix (COO, targets × sources) from each node that spikes, and a constant."""

    spikes: tuple[tuple[str, Any], ...]
    bias: NDArray[np.float64]


def look(path: Path, file: Any, largest: int) -> None:
    """Walk the file without reading an array: only plain groups and arrays, not too many, not too large, types we have."""
    import h5py  # noqa: PLC0415

    total, seen, open_groups = 0, 0, [("", file, 0)]
    while open_groups:
        where, group, depth = open_groups.pop()
        for key in group:
            here = f"{where}/{key}"
            seen += 1
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise StoreError(
                    tr(
                        "{path}: '{place}' is a link to somewhere else, which a NIR file has not.",
                        path=path,
                        place=here,
                    )
                )
            item = group[key]
            if depth >= _DEEP or seen > _MANY:
                raise StoreError(
                    tr("{path}: '{place}' lies too deep, or there are too many parts.", path=path, place=here)
                )
            if isinstance(item, h5py.Group):
                open_groups.append((here, item, depth + 1))
                continue
            if item.external or item.is_virtual:
                raise StoreError(tr("{path}: '{place}' keeps its numbers in another file.", path=path, place=here))
            total += int(item.size or 0) * item.dtype.itemsize
            if total > largest:
                raise StoreError(
                    tr("{path}: with '{place}' it unpacks to more than {most:.3g} MB; read_nir(..., largest=) sets the limit.",
                       path=path, place=here, most=largest / 1e6)
                )  # fmt: skip
    nodes = file["node"]["nodes"]
    for name in nodes:
        kind = nodes[name]["type"][()]
        _known(name, kind.decode("utf8", "replace") if isinstance(kind, bytes) else str(kind))


def _known(name: str, kind: str) -> None:
    if kind not in KNOWN:
        raise UnsupportedError(
            tr(
                "Node '{node}' is of the type {kind}, which cannot be taken; these can: {known}.",
                node=name,
                kind=kind,
                known=", ".join(KNOWN),
            )
        )


def reason(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


@final
class Graph:
    """The nodes of a NIR graph by name, with what flows from where to where."""

    def __init__(self, graph: Any) -> None:
        nodes, edges = getattr(graph, "nodes", None), getattr(graph, "edges", None)
        if not isinstance(nodes, Mapping) or edges is None:
            raise UnsupportedError(
                tr("read_nir takes a file or a nir.NIRGraph, not {kind}.", kind=type(graph).__name__)
            )
        self.nodes: dict[str, Any] = {str(n): node for n, node in nodes.items()}
        for name, node in self.nodes.items():
            _known(name, type(node).__name__)
        self.before: dict[str, list[str]] = {n: [] for n in self.nodes}
        for a, b in edges:
            for end in (a, b):
                if end not in self.nodes:
                    raise DescriptionError(
                        tr("The edge {a} → {b} ends at '{node}', which is not there.", a=a, b=b, node=end)
                    )
            if a not in self.before[b]:
                self.before[b].append(str(a))
        self._sizes = {n: self._size(n) for n in self.nodes if self.kind(n) != "Flatten"}

    def kind(self, name: str) -> str:
        """The type of a node."""
        return type(self.nodes[name]).__name__

    def _of(self, *kinds: str) -> tuple[str, ...]:
        return tuple(n for n in self.nodes if self.kind(n) in kinds)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The Input nodes."""
        return self._of("Input")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The Output nodes."""
        return self._of("Output")

    @property
    def neurons(self) -> tuple[str, ...]:
        """The nodes with neurons."""
        return self._of(*_NEURONS)

    def size(self, name: str) -> int:
        """How many numbers come out of a node."""
        return self._sizes[name]

    def _size(self, name: str) -> int:
        node, kind = self.nodes[name], self.kind(name)
        if kind in ("Input", "Output"):
            types = node.input_type if kind == "Input" else node.output_type
            shape = next(iter(types.values()))
            size = math.prod(int(n) for n in np.asarray(shape).reshape(-1))
        elif kind in _LINEAR:
            weight = np.asarray(node.weight)
            if weight.ndim != 2:
                raise UnsupportedError(
                    tr(
                        "Node '{node}': a weight of the shape {shape} cannot be taken, only outputs × inputs.",
                        node=name,
                        shape=weight.shape,
                    )
                )
            size = weight.shape[0]
        else:
            size = int(np.asarray(node.v_threshold).size)
        if size < 1:
            raise DescriptionError(tr("Node '{node}' is empty.", node=name))
        return size

    def numbers(self, name: str, field: str) -> NDArray[np.float64]:
        """A parameter of a neuron node, one number for each neuron."""
        given = np.asarray(getattr(self.nodes[name], field), np.float64).reshape(-1)
        if given.size not in (1, self.size(name)) or not np.isfinite(given).all():
            raise DescriptionError(tr("{field} must hold {size} finite numbers.", field=field, size=self.size(name)))
        return np.broadcast_to(given, (self.size(name),)).copy()

    def positive(self, name: str, field: str) -> NDArray[np.float64]:
        """A time constant."""
        given = self.numbers(name, field)
        if np.any(given <= 0):
            raise DescriptionError(tr("{field} must be more than 0.", field=field))
        return given

    def inflow(self, name: str) -> Inflow:
        """Everything that flows into a neuron node, through however many weights."""
        from scipy.sparse import coo_array  # noqa: PLC0415

        spikes, bias = self._into(name, self.size(name), ())
        return Inflow(tuple((n, coo_array(m)) for n, m in spikes.items()), bias)

    def _into(self, name: str, size: int, path: tuple[str, ...]) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """The sum of what the nodes before `name` give, each of `size` numbers: a matrix from every spiking node, and a constant."""
        from scipy.sparse import csr_array, eye_array  # noqa: PLC0415

        if name in path:
            raise UnsupportedError(
                tr("Node '{node}' feeds itself through weights alone; a loop needs neurons in it.", node=name)
            )
        spikes: dict[str, Any] = {}
        bias = np.zeros(size)
        for a in self.before[name]:
            kind = self.kind(a)
            if kind == "Output":
                raise DescriptionError(tr("Node '{node}' is fed by the Output '{other}'.", node=name, other=a))
            if kind in ("Input", *_NEURONS):
                self._fits(a, self.size(a), name, size)
                made, constant = {a: eye_array(size, format="csr")}, np.zeros(size)
            elif kind == "Flatten":
                made, constant = self._into(a, size, (*path, name))
            else:
                self._fits(a, self.size(a), name, size)
                weight = np.asarray(self.nodes[a].weight, np.float64)
                if not np.isfinite(weight).all():
                    raise DescriptionError(
                        tr(
                            "Node '{node}' ({kind}): {why}",
                            node=a,
                            kind=kind,
                            why=tr("there are weights that are not finite."),
                        )
                    )
                inner, constant = self._into(a, weight.shape[1], (*path, name))
                sparse = csr_array(weight)
                made, constant = {n: sparse @ m for n, m in inner.items()}, weight @ constant
                if kind == "Affine":
                    own = np.asarray(self.nodes[a].bias, np.float64).reshape(-1)
                    if own.size not in (1, size) or not np.isfinite(own).all():
                        raise DescriptionError(
                            tr(
                                "Node '{node}' ({kind}): {why}",
                                node=a,
                                kind=kind,
                                why=tr("{field} must hold {size} finite numbers.", field="bias", size=size),
                            )
                        )
                    constant = constant + own
            for n, m in made.items():
                spikes[n] = spikes[n] + m if n in spikes else m
            bias = bias + constant
        return spikes, bias

    def _fits(self, a: str, given: int, b: str, wanted: int) -> None:
        if given != wanted:
            raise DescriptionError(
                tr(
                    "Node '{node}' gives {given} numbers, but '{other}' takes {wanted}.",
                    node=a,
                    given=given,
                    other=b,
                    wanted=wanted,
                )
            )

    def readers(self, name: str) -> tuple[list[str], list[str]]:
        """The neuron nodes that an Output shows, directly or flattened, and the weights that stand before it."""
        direct: list[str] = []
        linear: list[str] = []
        queue, seen = [name], {name}
        while queue:
            for a in self.before[queue.pop()]:
                if a in seen:
                    continue
                seen.add(a)
                if self.kind(a) == "Flatten":
                    queue.append(a)
                elif self.kind(a) in _LINEAR:
                    linear.append(a)
                elif self.kind(a) in _NEURONS:
                    direct.append(a)
        return sorted(direct), sorted(linear)
